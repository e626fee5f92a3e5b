"""Look at the known storages: which can be reached now, and why not."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

from imalink.catalog import file_storages, outbox
from imalink.catalog.file_storages import StorageChange, StorageRecord
from imalink.errors import NotFoundError, OutOfSpaceError, StorageError, StorageReadOnlyError
from imalink.workflows.import_source import SPARE_BYTES
from imalink.workflows.storage_access import get_storage, open_storage
from imalink.workflows.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageLook:
    """A storage and how it answered: ``status`` is ``online``, or the error code that says why not; of one that
    answers and in which nothing can be placed, the code that this would end with.

    ``hint`` says what to do about it. ``is_writable`` is whether this user may place files there.
    ``free_bytes`` is None where that is not known, or nothing can be placed; ``total_bytes`` is 0 while it is away.
    ``waiting_edits`` is how many edits of photos it is still to be told.
    """

    record: StorageRecord
    is_accessible: bool
    status: str
    reason: str
    free_bytes: int | None
    waiting_edits: int
    is_writable: bool = False
    total_bytes: int = 0
    hint: str = ""


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
            is_reference = storage.layout.is_reference
            space = storage.pictures.space()
            is_writable = not is_reference and os.access(storage.path, os.W_OK | os.X_OK)
    except StorageError as error:
        return StorageLook(
            record=record,
            is_accessible=False,
            status=error.code,
            reason=error.message,
            free_bytes=None,
            waiting_edits=waiting_edits,
            hint=error.hint,
        )
    status, reason, hint = _why_not_writable(
        record, space.free_bytes, is_reference=is_reference, is_writable=is_writable
    )
    return StorageLook(
        record=record,
        is_accessible=True,
        status=status,
        reason=reason,
        hint=hint,
        free_bytes=None if is_reference else space.free_bytes,
        waiting_edits=waiting_edits,
        is_writable=is_writable,
        total_bytes=space.total_bytes,
    )


def _why_not_writable(
    record: StorageRecord, free_bytes: int, *, is_reference: bool, is_writable: bool
) -> tuple[str, str, str]:
    """Give the status of a storage that answers; and why nothing can be placed there and what to do, where that is so.

    One that is only referred to is as it should be.
    """
    where = record.full_path
    if is_reference:
        return "online", f"{where} is only referred to, and never written into.", ""
    if not is_writable and _is_mounted_read_only(where):
        return (
            StorageReadOnlyError.code,
            f"{where} cannot be written: its disk is mounted read-only. It can be read.",
            "A disk turns read-only after errors: look at it (`dmesg`, `smartctl -a`), then mount it again.",
        )
    if not is_writable:
        return (
            StorageReadOnlyError.code,
            f"{where} cannot be written: it belongs to another user, or its permissions forbid it. It can be read.",
            "Look at the owner and the permissions of the folder (`ls -ld`).",
        )
    if free_bytes < SPARE_BYTES:
        return (
            OutOfSpaceError.code,
            f"The disk of {where} is full: {free_bytes:,} bytes are free, and an import needs more than "
            f"{SPARE_BYTES:,}. It can be read.",
            "Make room on it (`df -h`).",
        )
    return "online", "", ""


def _is_mounted_read_only(path: str) -> bool:
    try:
        return bool(os.statvfs(path).f_flag & os.ST_RDONLY)
    except OSError:  # gone just now
        return False


def get_storage_by_id(tools: Tools, storage_id: int) -> StorageRecord:
    """Give the storage with this number in the catalog. Raises NotFoundError."""
    with tools.catalog.read() as db:
        for record in file_storages.list_storages(db):
            if record.id == storage_id:
                return record
    raise NotFoundError(f"No storage {storage_id} is known.", hint="Run `imalink storage list` to see the known ones.")


def last_known_storages(tools: Tools) -> list[StorageRecord]:
    """Give every known storage, by name, as the catalog knows it; no disk is asked."""
    with tools.catalog.read() as db:
        return file_storages.list_storages(db)
