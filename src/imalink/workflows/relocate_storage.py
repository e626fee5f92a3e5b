"""Relocate: a storage stands at another place now, because its disk was mounted elsewhere or its folder was moved."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from imalink.catalog.file_storages import StorageRecord
from imalink.errors import ForeignStorageError, ImalinkError, StorageOfflineError, WrongStateError
from imalink.formats.layouts.known import layout_named
from imalink.storage.file_storage import FileStorage
from imalink.workflows.create_storage import remember_storage
from imalink.workflows.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class Relocation:
    """The storage at its new place; ``copy_left_at`` is its old one, if a copy of it still answers there."""

    record: StorageRecord
    copy_left_at: str | None


def relocate_storage(tools: Tools, record: StorageRecord, place: Path) -> Relocation:
    """Note that a storage stands at ``place`` or in the folder of its name below; nothing there is changed.

    What stands there must be this very storage, by its signature. Raises UsageError for a reference storage, which is
    found by its disk; StorageOfflineError when there is nothing of it, ForeignStorageError when there is another.
    """
    if layout_named(record.layout).is_reference:
        raise WrongStateError(
            f"{record.display_name} only refers to a folder, which is known by its disk. Nothing was changed.",
            hint="Plug that disk in, wherever it is mounted now.",
        )
    with _open_at(tools, record, place.absolute()) as storage:
        left = _copy_left(tools, record, storage)
        return Relocation(record=remember_storage(tools, storage), copy_left_at=left)


def _open_at(tools: Tools, record: StorageRecord, place: Path) -> FileStorage:
    refused: list[ForeignStorageError] = []
    for folder in (place / record.directory_name, place):
        try:
            return FileStorage.open(folder, clock=tools.clock, expected_uuid=record.storage_uuid, calls=tools.calls)
        except ForeignStorageError as error:
            refused.append(error)
        except StorageOfflineError:
            continue
    if refused:
        raise refused[0]
    raise StorageOfflineError(
        f"{record.display_name} does not stand at {place}, nor in a folder {record.directory_name} there. "
        "Nothing was changed.",
        hint="Name the folder of the storage, or the one around it; mount its disk first.",
    )


def _copy_left(tools: Tools, record: StorageRecord, storage: FileStorage) -> str | None:
    before = Path(record.full_path)
    try:
        if before.samefile(storage.path):
            return None
        FileStorage.open(before, clock=tools.clock, expected_uuid=record.storage_uuid, calls=tools.calls).close()
    except (ImalinkError, OSError):
        return None
    return str(before)
