"""Look at the conflicts of a storage, as its master has them, and at where else the pictures of missing files stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

from imalink.catalog import file_storages, locations
from imalink.catalog.file_storages import StorageRecord
from imalink.core.conflict import DuplicateFilename, MissingFile, OrphanFile, PathMismatch, duplicate_filenames
from imalink.core.ids import Hothash, StorageUuid
from imalink.core.relative_path import RelativePath
from imalink.errors import StorageError
from imalink.storage.file_storage import FileStorage
from imalink.workflows.storage_access import get_storage, open_known, open_storage
from imalink.workflows.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyElsewhere:
    """A file of a missing picture in another storage; ``is_there`` tells whether it stands there now, within reach."""

    storage_uuid: StorageUuid
    display_name: str
    relative_path: RelativePath
    full_path: str
    is_there: bool


Elsewhere = Mapping[Hothash, tuple[CopyElsewhere, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflicts:
    """All conflicts of a storage as of the last look at it; ``elsewhere`` tells by hothash where missing ones are."""

    storage: StorageRecord
    indexed_at: str
    missing: tuple[MissingFile, ...]
    orphans: tuple[OrphanFile, ...]
    mismatches: tuple[PathMismatch, ...]
    duplicates: tuple[DuplicateFilename, ...]
    elsewhere: Elsewhere

    @property
    def wait_for_choice(self) -> bool:
        """Whether any of them is more than a coincidence of names."""
        return bool(self.missing or self.orphans or self.mismatches)


def list_conflicts(tools: Tools, storage: str) -> Conflicts:
    """Give the conflicts of the storage that a user means; nothing is walked, read or written.

    Raises NotFoundError, AmbiguousError, StorageError, and IndexDamagedError if the master cannot be believed.
    """
    record = get_storage(tools, storage)
    with open_storage(tools, record, needs_pictures=False) as opened:
        master = opened.indexes.load_master().index
    missing = tuple(master.missing())
    return Conflicts(
        storage=record,
        indexed_at=master.indexed_at,
        missing=missing,
        orphans=master.orphans,
        mismatches=master.mismatches,
        duplicates=duplicate_filenames(master.standing()),
        elsewhere=find_elsewhere(tools, record, missing),
    )


def find_elsewhere(tools: Tools, record: StorageRecord, missing: Iterable[MissingFile]) -> Elsewhere:
    """Give by hothash the files that other storages are known to have of missing pictures, those at hand first."""
    with tools.catalog.read() as db:
        found = locations.find_by_hothash(db, {each.hothash for each in missing})
        records = {each.storage_uuid: each for each in file_storages.list_storages(db)}
    with ExitStack() as stack:
        opened: dict[StorageUuid, FileStorage | None] = {}

        def is_there(storage_uuid: StorageUuid, path: RelativePath) -> bool:
            if storage_uuid not in opened:
                opened[storage_uuid] = _open(tools, records[storage_uuid], stack)
            storage = opened[storage_uuid]
            return storage is not None and _stands(storage, path)

        copies = {
            hothash: [
                CopyElsewhere(
                    storage_uuid=place.storage_uuid,
                    display_name=place.display_name,
                    relative_path=place.relative_path,
                    full_path=f"{place.base_path}/{place.directory_name}/{place.relative_path}",
                    is_there=is_there(place.storage_uuid, place.relative_path),
                )
                for place in image.locations
                if place.storage_uuid != record.storage_uuid
            ]
            for hothash, image in found.items()
        }
    return {hothash: tuple(sorted(each, key=lambda copy: not copy.is_there)) for hothash, each in copies.items()}


def _open(tools: Tools, record: StorageRecord, stack: ExitStack) -> FileStorage | None:
    try:
        return stack.enter_context(open_known(tools, record))
    except StorageError:
        return None  # whatever keeps it from answering: nothing of it can be used now


def _stands(storage: FileStorage, path: RelativePath) -> bool:
    try:
        facts = storage.pictures.find_facts(path)
    except StorageError:
        return False
    return facts is not None and facts.is_file
