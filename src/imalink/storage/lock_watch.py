"""Another's lock, looked at and watched from outside: free, held, proved dead, or silent for so long that it may go."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from imalink.storage.fs import StorageFiles
from imalink.storage.host import Host
from imalink.storage.lock import GARBAGE_WAIT_SECONDS, is_held_by_this_process
from imalink.storage.lock_files import identify, read_lock
from imalink.storage.lock_record import ILLEGIBLE, LockRecord, LockState, judge_lock

_LOOKS = 24
"""So many times a lock is looked at while it must stand still."""


class Verdict(StrEnum):
    """What was found out about a lock."""

    FREE = "free"
    """There is none."""
    DEAD = "dead"
    """Its holder is proved dead; whoever works on the storage next sets it aside."""
    ILLEGIBLE = "illegible"
    """It tells of nobody; whoever works on the storage next sets it aside."""
    HELD = "held"
    """It may be at work; only watching its heartbeat can tell."""
    ALIVE = "alive"
    """Its counter went on while it was watched."""
    SILENT = "silent"
    """Its counter stood still for as long as it said itself that it would take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockLook:
    """A lock as it was found; ``record`` is None where nobody legible claims it."""

    verdict: Verdict
    record: LockRecord | None = None


def look_at_lock(files: StorageFiles, host: Host) -> LockLook:
    """Tell about the storage's lock what can be told at once, changing nothing."""
    record = read_lock(files)
    if record is None:
        return LockLook(verdict=Verdict.FREE)
    if record is ILLEGIBLE:
        return LockLook(verdict=Verdict.ILLEGIBLE)
    state = judge_lock(record, host, is_held_here=is_held_by_this_process(record))
    return LockLook(verdict=Verdict.DEAD if state is LockState.STALE else Verdict.HELD, record=record)


def watch_lock(
    files: StorageFiles,
    host: Host,
    *,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> LockLook:
    """Watch the storage's lock until something can be said of it, at most for as long as it may be silent.

    Only this observer's own monotonic clock counts, and of it no more between two looks than the pause between them:
    whatever stops the observer for a while may have stopped the holder with it. No time that stands in the lock is
    compared with anything. A lock that is given back and taken anew by another counts as alive.
    """
    first = look_at_lock(files, host)
    if first.verdict is Verdict.ILLEGIBLE:
        before = identify(files)
        sleep(GARBAGE_WAIT_SECONDS)
        now = look_at_lock(files, host)
        return now if now != first or identify(files) == before else LockLook(verdict=Verdict.ALIVE)
    if first.verdict is not Verdict.HELD or first.record is None:
        return first
    wanted = float(first.record.silence_seconds)
    pause = wanted / _LOOKS
    silent, looked_at = 0.0, monotonic()
    while True:
        sleep(pause)
        now, at = look_at_lock(files, host), monotonic()
        if now.verdict is not Verdict.HELD or now.record is None:
            return now
        if (now.record.token, now.record.heartbeat) != (first.record.token, first.record.heartbeat):
            return LockLook(verdict=Verdict.ALIVE, record=now.record)
        silent += min(at - looked_at, 2 * pause)
        looked_at = at
        if silent >= wanted:
            return LockLook(verdict=Verdict.SILENT, record=now.record)
