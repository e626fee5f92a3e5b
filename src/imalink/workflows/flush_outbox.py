"""Tell every storage that can be reached what the user said of its photos; say which must wait, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace

from imalink.catalog import file_storages, outbox
from imalink.catalog.file_storages import StorageRecord
from imalink.core.ids import StorageUuid
from imalink.errors import StorageError
from imalink.workflows.mend_indexes import mend_indexes
from imalink.workflows.storage_access import open_storage
from imalink.workflows.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingEdits:
    """How many edits a storage is still to be told, and why it was not: an error's code and words."""

    storage_uuid: StorageUuid
    display_name: str
    edits: int
    status: str
    reason: str


def flush_outbox(tools: Tools) -> list[WaitingEdits]:
    """Have the storages told what was said, and give those that are still to be told.

    Where something else tells them (``Tools.tells_later``) that is all of them, for a moment.
    """
    if tools.tells_later is None:
        return tell_storages(tools)
    left = tools.tells_later()
    with tools.catalog.read() as db:
        counts = outbox.count_waiting(db)
        records = [record for record in file_storages.list_storages(db) if record.storage_uuid in counts]
    return [_later(record, counts[record.storage_uuid], left.get(record.storage_uuid)) for record in records]


def tell_storages(tools: Tools) -> list[WaitingEdits]:
    """Empty the outbox as far as storages answer; give what is left, by storage.

    One that is offline, locked or cannot be written keeps its edits for the next time it is worked on, and one that
    the user does not want used is left alone. Neither keeps the others from being told.
    """
    with tools.catalog.read() as db:
        counts = outbox.count_waiting(db)
        records = [record for record in file_storages.list_storages(db) if record.storage_uuid in counts]
    return [left for record in records if (left := _tell(tools, record, counts[record.storage_uuid])) is not None]


def tell_storage(tools: Tools, record: StorageRecord) -> WaitingEdits | None:
    """Empty the outbox for one storage, as ``tell_storages``; None: it was told everything."""
    with tools.catalog.read() as db:
        count = outbox.count_waiting(db).get(record.storage_uuid, 0)
    return _tell(tools, record, count) if count else None


def _tell(tools: Tools, record: StorageRecord, count: int) -> WaitingEdits | None:
    if not record.is_active:
        return _left(record, count, status="inactive", reason="The storage is deactivated.")
    try:
        with tools.turn(record.storage_uuid) as has_turn:
            if not has_turn:
                return _left(record, count, status="storage-busy", reason="Other work goes on there now.")
            with open_storage(tools, record, needs_pictures=False) as storage, storage.lock("edit"):
                mend_indexes(tools, record, storage)
    except StorageError as error:
        with tools.catalog.read() as db:
            count = outbox.count_waiting(db).get(record.storage_uuid, 0)
        return _left(record, count, status=error.code, reason=error.message) if count else None
    return None


def _later(record: StorageRecord, count: int, before: WaitingEdits | None) -> WaitingEdits:
    if not record.is_active:
        return _left(record, count, status="inactive", reason="The storage is deactivated.")
    if before is not None:
        return replace(before, edits=count)
    return _left(record, count, status="soon", reason="It is told in a few seconds.")


def _left(record: StorageRecord, count: int, *, status: str, reason: str) -> WaitingEdits:
    return WaitingEdits(
        storage_uuid=record.storage_uuid,
        display_name=record.display_name,
        edits=count,
        status=status,
        reason=reason,
    )
