"""Does what the timetable has, as jobs: what was missed is caught up once, and a storage that is away is skipped."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Self

from imalink.catalog import file_storages, timetable
from imalink.catalog.file_storages import StorageRecord
from imalink.core.ids import StorageUuid
from imalink.core.job import Job, JobRequest, JobState
from imalink.core.timestamps import format_instant
from imalink.core.timetable import Outcome, Task, TaskNote, due_notes, missing_notes
from imalink.errors import CatalogError, ImalinkError, ServerEndingError, StorageUnavailableError, TooManyJobsError
from imalink.runtime.jobs import JobHandle, JobRunner, Work
from imalink.workflows.look_at_storages import check_accessibility
from imalink.workflows.tools import Tools

_LOG = logging.getLogger(__name__)

TICK_SECONDS = 60.0
_LONG_AGO = "1970-01-01T00:00:00Z"

Planned = tuple[JobRequest, Work]
Plan = Callable[[Task, StorageRecord | None], Planned]
"""Gives the job that does a task, for a storage or for all."""


class Scheduler:
    """Looks once a minute what is due. Close it, or use it as a context manager; jobs it began are the runner's."""

    def __init__(self, tools: Tools, runner: JobRunner, plan: Plan, *, enabled: Collection[Task]) -> None:
        self._tools = tools
        self._runner = runner
        self._plan = plan
        self._enabled = frozenset(enabled)
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._under_way: set[tuple[Task, StorageUuid | None]] = set()
        self._thread: threading.Thread | None = None

    def start(self, *, tick_seconds: float = TICK_SECONDS) -> None:
        """Look from now on, in a thread; first after one such stretch of time: a server comes up undisturbed."""

        def look_on_and_on() -> None:
            while not self._closing.wait(tick_seconds):
                try:
                    self.tick()
                except ImalinkError as error:
                    _LOG.warning("the timetable could not be looked at: %s", error.message)

        self._thread = threading.Thread(target=look_on_and_on, name="scheduler", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Begin nothing more."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def tick(self) -> list[JobHandle]:
        """Begin what is due, and give the jobs. Raises CatalogError.

        Of what is done storage by storage only one runs at a time: it reads whole disks.
        """
        now = self._tools.clock.now()
        with self._tools.catalog.read() as db:
            storages = {record.storage_uuid: record for record in file_storages.list_storages(db) if record.is_active}
            notes = timetable.list_notes(db)
        new = missing_notes(notes, storages.keys(), now=format_instant(now), long_ago=_LONG_AGO)
        if new:
            with self._tools.catalog.begin() as db:
                for note in new:
                    timetable.keep_note(db, note)
        begun: list[JobHandle] = []
        for note in due_notes([*notes, *new], storages.keys(), enabled=self._enabled, now=now):
            if self._closing.is_set():
                break
            if self._has_to_wait(note):
                continue
            handle = self._begin(note, None if note.storage_uuid is None else storages[note.storage_uuid])
            if handle is not None:
                begun.append(handle)
        return begun

    @property
    def is_at_work(self) -> bool:
        """Whether something it began is under way, or its end not written down yet."""
        with self._lock:
            return bool(self._under_way)

    def _has_to_wait(self, note: TaskNote) -> bool:
        with self._lock:
            if note.task.is_of_one_storage:
                return any(task.is_of_one_storage for task, _ in self._under_way)
            return (note.task, note.storage_uuid) in self._under_way

    def _begin(self, note: TaskNote, record: StorageRecord | None) -> JobHandle | None:
        tried = replace(note, tried_at=self._now(), job_id=None)
        if record is not None:
            look = check_accessibility(self._tools, record.storage_uuid)
            if not look.is_accessible:
                self._keep(replace(tried, outcome=Outcome.SKIPPED, why=look.reason or look.status))
                return None
        asked, work = self._plan(note.task, record)
        try:
            handle = self._runner.submit(asked, work)
        except (TooManyJobsError, ServerEndingError) as error:
            self._keep(replace(tried, outcome=Outcome.SKIPPED, why=error.message))
            return None
        running = replace(tried, outcome=Outcome.RUNNING, why="", job_id=handle.job_id)
        self._keep(running)
        with self._lock:
            self._under_way.add((note.task, note.storage_uuid))
        handle.when_over(lambda: self._note_end(running, handle.job))
        return handle

    def _note_end(self, note: TaskNote, job: Job) -> None:
        now = self._now()
        why = "" if job.error is None else job.error.message
        if job.state is JobState.DONE:
            ended = replace(note, counts_from=now, outcome=Outcome.DONE)
        elif job.state is JobState.CANCELLED:  # not wanted now, so the next one comes a period later
            ended = replace(note, counts_from=now, outcome=Outcome.CANCELLED)
        elif job.state is JobState.FAILED and job.error is not None and job.error.code not in _NOT_NOW:
            ended = replace(note, tried_at=now, outcome=Outcome.FAILED, why=why)
        else:
            ended = replace(note, tried_at=now, outcome=Outcome.SKIPPED, why=why)
        self._keep(ended)
        with self._lock:  # only now, or it would look due once more
            self._under_way.discard((note.task, note.storage_uuid))

    def _keep(self, note: TaskNote) -> None:
        try:
            with self._tools.catalog.begin() as db:
                timetable.keep_note(db, note)
        except CatalogError as error:
            _LOG.warning("the timetable could not be written down: %s", error.message)

    def _now(self) -> str:
        return format_instant(self._tools.clock.now())


def _codes(kind: type[ImalinkError]) -> set[str]:
    return {kind.code}.union(*(_codes(below) for below in kind.__subclasses__()))


_NOT_NOW = _codes(StorageUnavailableError) | {"storage-locked", "storage-busy"}
"""Errors that say nothing but that it cannot be done now."""
