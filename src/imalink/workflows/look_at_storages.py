"""Look at the known storages: which can be reached now, and why not."""

from __future__ import annotations

from dataclasses import dataclass, replace

from imalink.catalog import file_storages, outbox
from imalink.catalog.file_storages import StorageChange, StorageRecord
from imalink.errors import StorageError
from imalink.workflows.storage_access import get_storage, open_storage
from imalink.workflows.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageLook:
    """A storage and how it answered: ``status`` is ``online``, or the error code that says why not.

    ``free_bytes`` is None where that is not known, or nothing can be placed.
    ``waiting_edits`` is how many edits of photos it is still to be told.
    """

    record: StorageRecord
    is_accessible: bool
    status: str
    reason: str
    free_bytes: int | None
    waiting_edits: int


def look_at_storages(tools: Tools) -> list[StorageLook]:
    """Look at every known storage, by name."""
    with tools.catalog.read() as db:
        records = file_storages.list_storages(db)
        waiting = outbox.count_waiting(db)
    return [_look(tools, record, waiting.get(record.storage_uuid, 0)) for record in records]


def look_at_storage(tools: Tools, text: str) -> StorageLook:
    """Look at the storage that a user means. Raises NotFoundError, AmbiguousError."""
    record = get_storage(tools, text)
    with tools.catalog.read() as db:
        waiting = outbox.count_waiting(db)
    return _look(tools, record, waiting.get(record.storage_uuid, 0))


def check_accessibility(tools: Tools, text: str) -> StorageLook:
    """Look at a storage as ``look_at_storage`` does, and note in the catalog whether it can be reached."""
    look = look_at_storage(tools, text)
    if look.record.is_accessible is look.is_accessible:
        return look
    with tools.catalog.begin() as db:
        record = file_storages.update_storage(
            db, look.record.storage_uuid, StorageChange(is_accessible=look.is_accessible)
        )
    return replace(look, record=record)


def _look(tools: Tools, record: StorageRecord, waiting_edits: int) -> StorageLook:
    try:
        with open_storage(tools, record) as storage:
            free = None if storage.layout.is_reference else storage.files.free_bytes()
    except StorageError as error:
        return StorageLook(
            record=record,
            is_accessible=False,
            status=error.code,
            reason=error.message,
            free_bytes=None,
            waiting_edits=waiting_edits,
        )
    return StorageLook(
        record=record, is_accessible=True, status="online", reason="", free_bytes=free, waiting_edits=waiting_edits
    )
