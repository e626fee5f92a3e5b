"""The timetable: what is done by itself, how often, and what of that is due."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from imalink.core.ids import StorageUuid
from imalink.core.timestamps import parse_instant


class Task(StrEnum):
    """What the timetable has."""

    ACCESSIBILITY = "accessibility"
    """Each day: can every storage be reached, is it healthy?"""
    MAINTENANCE = "maintenance"
    """Each week: write indexes again, then look what changed in the folder."""
    BACKUP = "backup"
    """Each week: copy the catalog and the indexes of all storages to this machine."""
    VERIFICATION = "verification"
    """Each month: read every file."""
    CAPACITY_REVIEW = "capacity-review"
    """Each quarter: how long does the room last?"""

    @property
    def period(self) -> timedelta:
        """How long after it was done it is due again."""
        return _PERIODS[self]

    @property
    def is_of_one_storage(self) -> bool:
        """Whether it is done for each storage by itself."""
        return self in (Task.MAINTENANCE, Task.VERIFICATION)


_PERIODS = {
    Task.ACCESSIBILITY: timedelta(days=1),
    Task.MAINTENANCE: timedelta(days=7),
    Task.BACKUP: timedelta(days=7),
    Task.VERIFICATION: timedelta(days=30),
    Task.CAPACITY_REVIEW: timedelta(days=91),
}

RETRY = timedelta(hours=1)
"""What could not be tried, because a storage was away or at work, is tried again so much later."""
RETRY_FAILED = timedelta(days=1)


class Outcome(StrEnum):
    """What came of the last try."""

    NONE = ""
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"
    """The storage was away, or something else was at work."""
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskNote:
    """What is known of a task: for one storage, or with ``storage_uuid`` None for all.

    It ``counts_from`` when it was last done, or first met. ``why`` says in words why it was skipped or failed.
    """

    task: Task
    storage_uuid: StorageUuid | None
    counts_from: str
    tried_at: str | None = None
    outcome: Outcome = Outcome.NONE
    why: str = ""
    job_id: str | None = None

    @property
    def due_at(self) -> datetime:
        """When it is due, be that long ago; a task that was missed many times is due once."""
        due = parse_instant(self.counts_from) + self.task.period
        if self.tried_at is None or self.outcome not in (Outcome.SKIPPED, Outcome.FAILED):
            return due
        wait = RETRY if self.outcome is Outcome.SKIPPED else RETRY_FAILED
        return max(due, parse_instant(self.tried_at) + wait)


def missing_notes(
    notes: Iterable[TaskNote], storages: Collection[StorageUuid], *, now: str, long_ago: str
) -> list[TaskNote]:
    """Give notes for what is met for the first time.

    The first look at accessibility is due at once. The rest is due one period from now: a new archive was written and
    read back a moment ago.
    """
    known = {(note.task, note.storage_uuid) for note in notes}
    wanted: list[tuple[Task, StorageUuid | None]] = []
    for task in Task:
        wanted.extend((task, storage) for storage in (sorted(storages) if task.is_of_one_storage else [None]))
    return [
        TaskNote(task=task, storage_uuid=storage, counts_from=long_ago if task is Task.ACCESSIBILITY else now)
        for task, storage in wanted
        if (task, storage) not in known
    ]


def due_notes(
    notes: Iterable[TaskNote], storages: Collection[StorageUuid], *, enabled: Collection[Task], now: datetime
) -> list[TaskNote]:
    """Give what is due now of what is switched on, for ``storages``: light things first, then what waits longest."""
    due = [
        note
        for note in notes
        if note.task in enabled and note.due_at <= now and (note.storage_uuid is None or note.storage_uuid in storages)
    ]
    return sorted(due, key=lambda note: (note.task.is_of_one_storage, note.due_at, note.task, note.storage_uuid or ""))
