"""This machine's registry: where each storage was last seen, in ``storage_config.json`` beside the settings."""

from __future__ import annotations

from pathlib import Path

from imalink.core.ids import StorageUuid
from imalink.core.timestamps import Clock, format_instant
from imalink.errors import IndexDamagedError
from imalink.formats.registry_file import RegisteredStorage, RegistryDocument, dump_registry, parse_registry
from imalink.runtime.local_files import read_local, replace_local, set_aside
from imalink.workflows.tools import NotedStorage


class Registry:
    """Reads and replaces the registry file; a damaged one is set aside, for storages can be found again."""

    def __init__(self, path: Path, *, clock: Clock) -> None:
        self._path = path
        self._clock = clock

    def remember(
        self, storage_uuid: StorageUuid, *, display_name: str, path: Path, created_at: str, layout: str
    ) -> None:
        """Note where a storage stands now."""
        document = self._load()
        before = document.storages.get(storage_uuid)
        now = format_instant(self._clock.now())
        document.storages[storage_uuid] = RegisteredStorage(
            storage_uuid=storage_uuid,
            display_name=display_name,
            base_path=str(path),
            created_at=created_at,
            last_used=now,
            is_active=before.is_active if before is not None else True,
            layout=layout,
        )
        self._save(document)

    def set_active(self, storage_uuid: StorageUuid, *, is_active: bool) -> None:
        """Note whether the user wants a storage used; one that is not noted stays so."""
        document = self._load()
        known = document.storages.get(storage_uuid)
        if known is not None and known.is_active != is_active:
            known.is_active = is_active
            self._save(document)

    def forget(self, storage_uuid: StorageUuid) -> None:
        """Take a storage out; nothing happens when it is not noted."""
        document = self._load()
        if document.storages.pop(storage_uuid, None) is not None:
            document.extras.pop(f"storages.{storage_uuid}", None)
            self._save(document)

    def storages(self) -> list[NotedStorage]:
        """Give all that is noted."""
        return [
            NotedStorage(
                storage_uuid=uuid,
                display_name=storage.display_name,
                path=Path(storage.base_path),
                created_at=storage.created_at,
                layout=storage.layout or "",
                is_active=storage.is_active,
            )
            for uuid, storage in self._load().storages.items()
        ]

    def places(self) -> dict[StorageUuid, Path]:
        """Give where each storage was last seen."""
        return {uuid: Path(storage.base_path) for uuid, storage in self._load().storages.items()}

    def _save(self, document: RegistryDocument) -> None:
        document.last_updated = format_instant(self._clock.now())
        replace_local(self._path, dump_registry(document))

    def _load(self) -> RegistryDocument:
        data = read_local(self._path)
        if data is None:
            return RegistryDocument()
        try:
            return parse_registry(data, file=str(self._path))
        except IndexDamagedError:
            stamp = self._clock.now().strftime("%Y%m%dT%H%M%SZ")
            set_aside(self._path, f"{self._path.name}.{stamp}.backup")
            return RegistryDocument()
