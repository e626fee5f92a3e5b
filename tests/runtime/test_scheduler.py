"""The timetable is done as jobs: caught up once after a pause, skipped while a storage is away, and remembered."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from imalink.catalog import timetable
from imalink.catalog.file_storages import StorageRecord
from imalink.core.job import Holds, JobRequest
from imalink.core.progress import Progress
from imalink.core.timetable import Outcome, Task, TaskNote
from imalink.errors import MassMissingError
from imalink.runtime.events import EventHub
from imalink.runtime.health_words import health_json
from imalink.runtime.jobs import JobRunner
from imalink.runtime.scheduler import Planned, Scheduler
from imalink.workflows.activate_storage import set_storage_active
from imalink.workflows.look_at_health import look_at_health
from tests.support.workbench import SteppingClock, Workbench

Done = list[tuple[Task, str | None]]


class JumpingClock(SteppingClock):
    def jump(self, **time: float) -> None:
        self._now += timedelta(**time)


class Archive:
    """A machine with two storages and a timetable; what is done is noted."""

    def __init__(self, folder: Path, empty_catalog: Path) -> None:
        self.clock = JumpingClock()
        self.bench = Workbench(folder, empty_catalog=empty_catalog, clock=self.clock)
        self.one, self.two = self.bench.create("One"), self.bench.create("Two")
        self.done: Done = []
        self.work: Callable[[Progress], Mapping[str, object]] = lambda _: {}
        self.runner = JobRunner(self.bench.tools, EventHub())
        self.enabled = frozenset(Task)

    def plan(self, task: Task, record: StorageRecord | None) -> Planned:
        storage_uuid = None if record is None else record.storage_uuid
        holds = Holds.STORAGE if record is not None else Holds.NOTHING

        def work(progress: Progress) -> Mapping[str, object]:
            self.done.append((task, None if record is None else record.display_name))
            return self.work(progress)

        return JobRequest(kind=task.value, storage_uuid=storage_uuid, holds=holds), work

    def scheduler(self) -> Scheduler:
        return Scheduler(self.bench.tools, self.runner, self.plan, enabled=self.enabled)

    def tick_till_quiet(self) -> Done:
        """Look until nothing is due any more, and give what was done."""
        self.done.clear()
        scheduler = self.scheduler()
        while scheduler.tick():
            self.wait_for(scheduler)
        return list(self.done)

    def wait_for(self, scheduler: Scheduler) -> None:
        end = time.monotonic() + 30
        while scheduler.is_at_work:
            assert time.monotonic() < end
            time.sleep(0.005)

    def note(self, task: Task, record: StorageRecord | None = None) -> TaskNote:
        with self.bench.catalog.read() as db:
            wanted = (task, None if record is None else record.storage_uuid)
            return next(each for each in timetable.list_notes(db) if (each.task, each.storage_uuid) == wanted)

    def close(self) -> None:
        self.runner.close()
        self.bench.close()


@pytest.fixture
def archive(tmp_path: Path, empty_catalog: Path) -> Iterator[Archive]:
    made = Archive(tmp_path, empty_catalog)
    yield made
    made.close()


def test_each_task_is_done_when_it_is_due(archive: Archive) -> None:
    assert archive.tick_till_quiet() == [(Task.ACCESSIBILITY, None)]
    assert archive.tick_till_quiet() == []
    archive.clock.jump(days=1)
    assert archive.tick_till_quiet() == [(Task.ACCESSIBILITY, None)]
    archive.clock.jump(days=6)
    assert sorted(archive.tick_till_quiet(), key=str) == sorted(
        [(Task.ACCESSIBILITY, None), (Task.BACKUP, None), (Task.MAINTENANCE, "One"), (Task.MAINTENANCE, "Two")], key=str
    )


def test_what_was_missed_in_a_year_is_caught_up_once(archive: Archive) -> None:
    archive.tick_till_quiet()
    archive.clock.jump(days=365)
    caught_up = archive.tick_till_quiet()
    assert len(caught_up) == len(set(caught_up)) == 7
    assert archive.tick_till_quiet() == []
    assert archive.note(Task.VERIFICATION, archive.one).outcome is Outcome.DONE


def test_what_is_switched_off_is_not_done(archive: Archive) -> None:
    archive.enabled = frozenset({Task.ACCESSIBILITY})
    archive.tick_till_quiet()
    archive.clock.jump(days=365)
    assert archive.tick_till_quiet() == [(Task.ACCESSIBILITY, None)]


def test_a_storage_that_is_away_is_skipped_with_the_reason_and_done_when_it_is_back(archive: Archive) -> None:
    archive.enabled = frozenset({Task.VERIFICATION})
    archive.tick_till_quiet()
    root = archive.bench.root(archive.one)
    root.rename(root.with_name("unplugged"))
    archive.clock.jump(days=40)
    assert archive.tick_till_quiet() == [(Task.VERIFICATION, "Two")]
    note = archive.note(Task.VERIFICATION, archive.one)
    assert note.outcome is Outcome.SKIPPED
    assert "no directory" in note.why
    told = health_json(look_at_health(archive.bench.tools))["timetable"]
    assert isinstance(told, list)
    assert [
        (row["storage_uuid"], row["outcome"], "no directory" in row["why"])  # pyright: ignore[reportUnknownArgumentType]
        for row in told  # pyright: ignore[reportUnknownVariableType]
        if row["task"] == "verification" and row["outcome"] == "skipped"
    ] == [(archive.one.storage_uuid, "skipped", True)]
    root.with_name("unplugged").rename(root)
    assert archive.tick_till_quiet() == []
    archive.clock.jump(hours=1)
    assert archive.tick_till_quiet() == [(Task.VERIFICATION, "One")]
    assert archive.note(Task.VERIFICATION, archive.one).outcome is Outcome.DONE


def test_a_storage_that_is_not_in_use_is_left_out(archive: Archive) -> None:
    archive.tick_till_quiet()
    set_storage_active(archive.bench.tools, archive.one, is_active=False)
    archive.clock.jump(days=8)
    assert (Task.MAINTENANCE, "One") not in archive.tick_till_quiet()


def test_whole_disks_are_read_one_after_the_other(archive: Archive) -> None:
    archive.enabled = frozenset({Task.VERIFICATION, Task.MAINTENANCE})
    gate = threading.Event()

    def work(progress: Progress) -> Mapping[str, object]:
        gate.wait(30)
        return {}

    archive.work = work
    scheduler = archive.scheduler()
    assert scheduler.tick() == []
    archive.clock.jump(days=40)
    (first,) = scheduler.tick()
    assert scheduler.tick() == []
    gate.set()
    first.result()
    archive.wait_for(scheduler)
    gate.clear()
    assert len(scheduler.tick()) == 1
    gate.set()


def test_what_failed_is_remembered_with_its_reason_and_tried_again_a_day_later(archive: Archive) -> None:
    archive.enabled = frozenset({Task.MAINTENANCE})
    archive.tick_till_quiet()

    def fail(progress: Progress) -> Mapping[str, object]:
        raise MassMissingError("Suspiciously much is missing.")

    archive.work = fail
    archive.clock.jump(days=8)
    assert len(archive.tick_till_quiet()) == 2
    note = archive.note(Task.MAINTENANCE, archive.one)
    assert (note.outcome, note.why) == (Outcome.FAILED, "Suspiciously much is missing.")
    assert archive.tick_till_quiet() == []
    archive.clock.jump(days=1)
    assert len(archive.tick_till_quiet()) == 2


def test_what_the_user_stops_comes_a_period_later(archive: Archive) -> None:
    archive.enabled = frozenset({Task.VERIFICATION})
    archive.tick_till_quiet()
    begun = threading.Event()

    def work(progress: Progress) -> Mapping[str, object]:
        begun.set()
        while True:
            progress.checkpoint()
            threading.Event().wait(0.01)

    archive.work = work
    archive.clock.jump(days=40)
    scheduler = archive.scheduler()
    (handle,) = scheduler.tick()
    assert begun.wait(10)
    archive.runner.cancel(handle.job_id)
    archive.wait_for(scheduler)
    outcomes = [archive.note(Task.VERIFICATION, each).outcome for each in (archive.one, archive.two)]
    assert sorted(outcomes) == [Outcome.NONE, Outcome.CANCELLED]
    archive.work = lambda _: {}
    assert len(archive.tick_till_quiet()) == 1  # the other one


def test_the_thread_looks_by_itself_and_ends(archive: Archive) -> None:
    did = threading.Event()

    def work(progress: Progress) -> Mapping[str, object]:
        did.set()
        return {}

    archive.work = work
    with archive.scheduler() as scheduler:
        scheduler.start(tick_seconds=0.05)
        assert did.wait(10)
    assert not any(thread.name == "scheduler" for thread in threading.enumerate())
