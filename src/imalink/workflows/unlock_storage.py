"""Unlock: find out whether whoever holds a storage's lock is still there, and set the lock aside if not."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from imalink.catalog.file_storages import StorageRecord
from imalink.core.audit import AuditAction
from imalink.core.relative_path import RelativePath
from imalink.errors import StorageLockedError
from imalink.storage.file_storage import FileStorage
from imalink.storage.host import Host, this_host
from imalink.storage.lock_files import set_aside
from imalink.storage.lock_record import ILLEGIBLE
from imalink.storage.lock_watch import LockLook, Verdict, look_at_lock, watch_lock
from imalink.workflows.storage_access import open_storage
from imalink.workflows.tools import Tools
from imalink.workflows.write_audit import note


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlockReport:
    """What became of a lock; ``kept`` is where a broken one stands now, None where there was nothing to break."""

    look: LockLook
    kept: RelativePath | None


def look_before_unlocking(tools: Tools, record: StorageRecord, *, host: Host | None = None) -> LockLook:
    """Tell who holds the storage's lock, as far as one look can tell. Changes nothing."""
    with open_storage(tools, record, needs_pictures=False) as storage:
        return look_at_lock(storage.files, host or this_host())


def unlock_storage(
    tools: Tools,
    record: StorageRecord,
    *,
    waits: bool = False,
    host: Host | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> UnlockReport:
    """Break the storage's lock if its holder is proved dead, or is silent for as long as it said it could be.

    Watching takes up to that long (two minutes). The broken lock is kept in ``.imalink/metadata/broken-locks/``; what
    its holder had begun is finished by whatever works on the storage next. ``waits`` goes on watching a holder that
    lives, until it is done. Raises StorageLockedError while its heartbeat goes on.
    """
    here = host or this_host()
    with open_storage(tools, record, needs_pictures=False) as storage:
        while True:
            look = watch_lock(storage.files, here, monotonic=monotonic, sleep=sleep)
            if look.verdict is not Verdict.ALIVE:
                break
            if not waits:
                raise _alive(look)
        if look.verdict is Verdict.FREE:
            return UnlockReport(look=look, kept=None)
        kept = _break(tools, storage, look, here)
    if kept is not None:
        holder = "" if look.record is None else look.record.describe()
        note(tools, AuditAction.LOCK_BROKEN, f"{record.display_name} ({record.storage_uuid})", holder=holder)
    return UnlockReport(look=look, kept=kept)


def _break(tools: Tools, storage: FileStorage, look: LockLook, here: Host) -> RelativePath | None:
    kept = set_aside(storage.files, look.record or ILLEGIBLE, tools.clock)
    if kept is None and (now := look_at_lock(storage.files, here)).verdict is not Verdict.FREE:
        raise _alive(now)  # given back and taken again in this very moment
    return kept


def _alive(look: LockLook) -> StorageLockedError:
    who = look.record.describe() if look.record is not None else "a process"
    return StorageLockedError(
        f"The storage is in use by {who}: its heartbeat goes on. Nothing was changed.",
        hint="Wait until it is done (`imalink unlock --wait` does), or end that process on its machine.",
    )
