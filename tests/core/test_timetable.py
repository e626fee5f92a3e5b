"""What is due: each task after its period, once however often it was missed; later again if it could not be done."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from imalink.core.ids import StorageUuid
from imalink.core.timestamps import format_instant
from imalink.core.timetable import Outcome, Task, TaskNote, due_notes, missing_notes

NOW = datetime(2024, 10, 18, 12, 0, 0, tzinfo=UTC)
ONE = StorageUuid("11111111-1111-4111-8111-111111111111")
TWO = StorageUuid("22222222-2222-4222-8222-222222222222")


def ago(**time: float) -> str:
    return format_instant(NOW - timedelta(**time))


def note(task: Task, storage: StorageUuid | None = None, counts_from: str = "") -> TaskNote:
    return TaskNote(task=task, storage_uuid=storage, counts_from=counts_from or ago(days=1000))


def due(*notes: TaskNote, enabled: frozenset[Task] = frozenset(Task)) -> list[TaskNote]:
    return due_notes(notes, {ONE, TWO}, enabled=enabled, now=NOW)


@pytest.mark.parametrize(
    ("task", "days"),
    [
        (Task.ACCESSIBILITY, 1),
        (Task.MAINTENANCE, 7),
        (Task.BACKUP, 7),
        (Task.VERIFICATION, 30),
        (Task.CAPACITY_REVIEW, 91),
    ],
)
def test_a_task_is_due_after_its_period(task: Task, days: int) -> None:
    storage = ONE if task.is_of_one_storage else None
    assert not due(note(task, storage, ago(days=days, seconds=-1)))
    assert due(note(task, storage, ago(days=days)))


def test_what_was_missed_many_times_is_due_once() -> None:
    missed = note(Task.VERIFICATION, ONE, ago(days=300))
    assert due(missed) == [missed]
    assert due(replace(missed, counts_from=ago(days=0), outcome=Outcome.DONE)) == []


def test_what_is_switched_off_or_not_in_use_is_never_due() -> None:
    assert due(note(Task.VERIFICATION, ONE), enabled=frozenset({Task.MAINTENANCE})) == []
    assert due_notes([note(Task.VERIFICATION, ONE)], {TWO}, enabled=set(Task), now=NOW) == []


@pytest.mark.parametrize(
    ("outcome", "wait"), [(Outcome.SKIPPED, timedelta(hours=1)), (Outcome.FAILED, timedelta(days=1))]
)
def test_what_could_not_be_done_is_tried_again_later(outcome: Outcome, wait: timedelta) -> None:
    tried = replace(note(Task.MAINTENANCE, ONE), outcome=outcome, tried_at=format_instant(NOW - wait))
    assert due(tried) == [tried]
    assert due(replace(tried, tried_at=format_instant(NOW - wait + timedelta(seconds=1)))) == []


def test_what_was_running_when_the_program_ended_is_due_at_once() -> None:
    cut_off = replace(note(Task.MAINTENANCE, ONE), outcome=Outcome.RUNNING, tried_at=ago(minutes=1))
    assert due(cut_off) == [cut_off]


def test_a_new_archive_is_looked_at_now_and_read_a_month_later() -> None:
    new = missing_notes([], {ONE, TWO}, now=ago(days=0), long_ago="1970-01-01T00:00:00Z")
    assert len(new) == 7
    assert [each.task for each in due(*new)] == [Task.ACCESSIBILITY]
    assert missing_notes(new, {ONE, TWO}, now=ago(days=0), long_ago="1970-01-01T00:00:00Z") == []


def test_light_things_come_first_and_then_what_waits_longest() -> None:
    first, second = note(Task.MAINTENANCE, ONE, ago(days=8)), note(Task.VERIFICATION, TWO, ago(days=50))
    light = note(Task.CAPACITY_REVIEW)
    assert due(first, second, light) == [light, second, first]
