"""The storage's lock: one writer at a time, as a courtesy; uniquely named files are the safety (decision 13).

``.imalink-storage.lock`` names a token and ``.imalink-storage.lock.<token>`` holds who has it and its heartbeat; where
links are known the two are one file. Protocol: docs/format/durability.md, "The lock".
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress

from imalink.core.timestamps import Clock
from imalink.errors import ImalinkError, StorageLockedError
from imalink.storage.fs import StorageFiles
from imalink.storage.heartbeat import Heartbeat
from imalink.storage.host import Host, this_host
from imalink.storage.lock_files import (
    LOCK_NAME,
    claim_name,
    identify,
    make_token_file,
    move_aside,
    read_lock,
    set_aside,
    set_token_file_aside,
    token_name,
    unlink,
)
from imalink.storage.lock_record import (
    HEARTBEAT_SECONDS,
    ILLEGIBLE,
    TTL_SECONDS,
    LockRecord,
    LockState,
    can_be_proved_dead,
    counter_offset,
    dump_lock,
    is_token,
    judge_lock,
    new_record,
)
from imalink.storage.volumes import describe_volume

NETWORK_WAIT_SECONDS = 3.0
GARBAGE_WAIT_SECONDS = 1.0
"""How long an illegible lock is watched: where links are unknown its owner may be between making and filling it."""
FRESH_SECONDS = 1.0
"""How long a look at one's own lock counts: thousands of small files are placed in that time."""

_CLOCK = time.CLOCK_BOOTTIME if sys.platform == "linux" else time.CLOCK_MONOTONIC
"""Goes on while the machine sleeps: what was looked at before is not fresh when it wakes."""
_TRIES = 5

_HELD: set[str] = set()
"""Tokens that this process uses or is trying to use. Any other token with our process number is one that could not be
given back (the disk was unplugged) and must not block us later."""


def is_held_by_this_process(record: LockRecord) -> bool:
    """Tell whether an operation of this very process holds that lock now."""
    return record.token in _HELD


class StorageLock:
    """A lock that is held: ``check`` before each placement, ``verify`` before a commit, ``release`` at the end."""

    def __init__(self, files: StorageFiles, record: LockRecord, heartbeat: Heartbeat) -> None:
        self._files = files
        self._heartbeat = heartbeat
        self._looked_at = time.clock_gettime(_CLOCK)
        self.record = record

    def check(self) -> None:
        """Make sure that the lock is still this one, by a look that is not older than a second.

        Cheap enough before each file. Raises as ``verify``.
        """
        if time.clock_gettime(_CLOCK) - self._looked_at >= FRESH_SECONDS:
            self.verify()

    def verify(self) -> None:
        """Make sure that the lock is still this one. Raises StorageLockedError when it was broken or replaced."""
        looked_at = time.clock_gettime(_CLOCK)
        found = read_lock(self._files)
        if found is None or found.token != self.record.token:
            holder = f" Now it is held by {found.describe()}." if found and found is not ILLEGIBLE else ""
            raise StorageLockedError(
                f"The lock on the storage was lost while working; nothing more was written.{holder}",
                hint="Run the operation again; what was finished is kept.",
            )
        self._looked_at = looked_at

    def release(self) -> None:
        """Give the lock back; someone else's lock is never taken away. Once is enough."""
        if self.record.token not in _HELD:
            return
        token, own_name = self.record.token, token_name(self.record.token)
        aside = f"{own_name}.released"
        self._heartbeat.stop()
        try:
            if move_aside(self._files, token, self._files.root.descriptor, aside):
                unlink(self._files, aside)
            unlink(self._files, own_name)
        finally:  # only now: until then another thread would take the lock for a left one
            _HELD.discard(token)


@contextmanager
def hold_lock(
    files: StorageFiles,
    *,
    purpose: str,
    clock: Clock,
    host: Host | None = None,
    wait_seconds: float | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Generator[StorageLock]:
    """Hold the storage's lock for a block; arguments and errors as ``acquire_lock``.

    An error of the block is not hidden by one of the release.
    """
    lock = acquire_lock(files, purpose=purpose, clock=clock, host=host, wait_seconds=wait_seconds, sleep=sleep)
    try:
        yield lock
    except BaseException:
        with suppress(ImalinkError, OSError):
            lock.release()
        raise
    lock.release()


def acquire_lock(
    files: StorageFiles,
    *,
    purpose: str,
    clock: Clock,
    host: Host | None = None,
    wait_seconds: float | None = None,
    heartbeat_seconds: float = HEARTBEAT_SECONDS,
    ttl_seconds: int = TTL_SECONDS,
    sleep: Callable[[float], None] = time.sleep,
) -> StorageLock:
    """Take the storage's lock, without waiting for another holder.

    ``purpose`` is one word for others to read (``import``). A lock whose holder is proved dead, and a lock file that
    nobody can read, are set aside in ``.imalink/metadata/broken-locks/``, never removed. ``wait_seconds`` is how long
    to let other machines see our claim before it counts; None: 0 on a local disk, 3 on a network mount. On a network
    mount that caches longer, two machines may still both get it. Until it is released the lock's counter goes on every
    ``heartbeat_seconds``; one that stands still for ``ttl_seconds`` may be broken by whoever watched it for so long.

    Raises StorageLockedError naming the holder, StorageReadOnlyError, OutOfSpaceError, StorageOfflineError.
    """
    here = this_host() if host is None else host
    if wait_seconds is None:
        wait_seconds = NETWORK_WAIT_SECONDS if describe_volume(files.root).is_network else 0.0
    record = new_record(here, purpose=purpose, clock=clock, ttl_seconds=ttl_seconds)
    _HELD.add(record.token)  # before anyone can see it: another thread must not take it for a left one
    heartbeat: Heartbeat | None = None
    try:
        data = dump_lock(record)
        descriptor = make_token_file(files, record, data)
        heartbeat = Heartbeat(
            files.calls,
            descriptor,
            counter=record.heartbeat,
            offset=counter_offset(data),
            every_seconds=heartbeat_seconds,
            is_flushed=wait_seconds > 0,
        )
        for _ in range(_TRIES):
            if claim_name(files, record):
                if wait_seconds > 0:
                    sleep(wait_seconds)
                found = read_lock(files)
                if found is not None and found.token == record.token:
                    _sweep(files, here, clock, sleep)
                    return StorageLock(files, record, heartbeat)
            _make_way(files, here, clock, sleep)
        raise StorageLockedError(
            "Several processes are taking the storage's lock at once.", hint="Wait a moment and try again."
        )
    except BaseException:
        _HELD.discard(record.token)
        if heartbeat is not None:
            heartbeat.stop()
        with suppress(ImalinkError, OSError):
            unlink(files, token_name(record.token))
        raise


def _make_way(files: StorageFiles, here: Host, clock: Clock, sleep: Callable[[float], None]) -> None:
    """Set a dead or illegible lock aside; nothing when there is none any more. Raises StorageLockedError."""
    before = identify(files)
    found = read_lock(files)
    if found is None:
        return
    if found is ILLEGIBLE:
        sleep(GARBAGE_WAIT_SECONDS)
        if read_lock(files) is ILLEGIBLE and identify(files) == before:
            set_aside(files, found, clock)
    elif judge_lock(found, here, is_held_here=is_held_by_this_process(found)) is LockState.STALE:
        set_aside(files, found, clock)
    else:
        raise in_use(found, here)


def in_use(record: LockRecord, here: Host) -> StorageLockedError:
    """Give the error that names who works on the storage, and what to do if that is not true any more."""
    if can_be_proved_dead(record, here):
        gone = "If that process hangs, end it: the next operation then takes the lock over by itself."
    else:
        gone = (
            "If that machine died or was unplugged at work: `imalink unlock STORAGE` watches its heartbeat for "
            f"{record.silence_seconds} s and breaks the lock if that stands still."
        )
    hint = f"Wait until it is done. {gone}"
    return StorageLockedError(f"The storage is in use by {record.describe()}. Nothing was changed.", hint=hint)


def _sweep(files: StorageFiles, here: Host, clock: Clock, sleep: Callable[[float], None]) -> None:
    """Set aside token files that a dead process left without, or beside, a lock; also those it had not filled yet."""
    prefix = f"{LOCK_NAME}."
    illegible: dict[str, tuple[int, ...] | None] = {}
    for name in reversed(files.list_names(None)):  # what names a token file comes before that file
        token = name.removeprefix(prefix)[:32]
        if not name.startswith(prefix) or token in _HELD:
            continue
        record = read_lock(files, name)
        if record is ILLEGIBLE and is_token(name.removeprefix(prefix)):
            illegible[name] = identify(files, name)
        elif record is not None and judge_lock(record, here, is_held_here=False) is LockState.STALE:
            set_token_file_aside(files, name, clock)
    if not illegible:
        return
    sleep(GARBAGE_WAIT_SECONDS)  # whoever is just making one has filled it by then
    for name, before in illegible.items():
        if read_lock(files, name) is ILLEGIBLE and identify(files, name) == before:
            set_token_file_aside(files, name, clock)
