"""Long work as jobs: run in threads, a few at a time and one for each storage; watched, stopped, kept (decision 67).

What a job does is handed in; this decides when it runs, who may wait for it, and what is remembered of it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Self

from imalink.catalog import jobs as kept_jobs
from imalink.core.ids import StorageUuid
from imalink.core.job import Job, JobError, JobId, JobRequest, JobState
from imalink.core.progress import Progress
from imalink.core.timestamps import format_instant, format_instant_ns
from imalink.errors import (
    CancelledError,
    CatalogError,
    ImalinkError,
    ServerEndingError,
    StorageBusyError,
    TooManyJobsError,
    WrongStateError,
)
from imalink.runtime.events import EventHub, EventKind
from imalink.runtime.job_progress import JobMeter
from imalink.runtime.job_words import job_json
from imalink.runtime.left_jobs import holder_of, interruption, note_left_jobs
from imalink.workflows.tools import Tools

_LOG = logging.getLogger(__name__)

Work = Callable[[Progress], Mapping[str, object]]
"""What a job does; gives its report as JSON. Raises ImalinkError."""

TELL_SECONDS = 0.1
"""Listeners are told of a job that gets on at most so often; of a change of its state at once."""
KEEP_SECONDS = 5.0
"""How far a job is goes to the catalog so often."""


class _Live:
    """A job of this process that is not over; all but ``meter`` is guarded by the runner's lock."""

    def __init__(self, job: Job, work: Work) -> None:
        self.job = job
        self.work = work
        self.meter = JobMeter(job.asked.go_on or "Start it again to go on.")
        self.is_kept = False
        self.is_ending = False
        self.error: Exception | None = None
        self.over = threading.Event()
        self.when_over: list[Callable[[], None]] = []


class JobHandle:
    """A job that was asked for; ``is_new`` is False where the same was under way already and is waited for."""

    def __init__(self, runner: JobRunner, live: _Live, *, is_new: bool) -> None:
        self._runner = runner
        self._live = live
        self.is_new = is_new

    @property
    def job_id(self) -> JobId:
        """Which job it is."""
        return self._live.job.job_id

    @property
    def job(self) -> Job:
        """The job as it stands now."""
        return self._runner.look(self._live)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is over; tell whether it is."""
        return self._live.over.wait(timeout)

    def when_over(self, call: Callable[[], None]) -> None:
        """Have something called when it is over, by the thread that ends it, or at once if it is over."""
        self._runner.call_when_over(self._live, call)

    def result(self) -> Mapping[str, object]:
        """Wait, and give the report.

        Raises what the work raised, CancelledError for one that was stopped, ServerEndingError for one that stopped
        because the program ends.
        """
        self._live.over.wait()
        if self.job.state is JobState.INTERRUPTED:
            raise self.ending() from self._live.error
        if self._live.error is not None:
            raise self._live.error
        return self.job.report or {}

    def ending(self) -> ServerEndingError:
        """Give what to tell who waits for a job that stops because the program ends."""
        told = interruption(self.job)
        return ServerEndingError(told.message, go_on=self.job.asked.go_on, job_id=self.job_id, hint=told.hint)


class JobRunner:
    """Runs jobs. Close it, or use it as a context manager: what runs then is stopped at a safe point.

    ``threads`` jobs run at a time, and ``queue_length`` may wait.
    """

    def __init__(self, tools: Tools, hub: EventHub, *, threads: int = 3, queue_length: int = 100) -> None:
        self._tools = tools
        self._hub = hub
        self._threads = threads
        self._queue_length = queue_length
        self._lock = threading.RLock()
        self._live: dict[JobId, _Live] = {}
        self._closing = threading.Event()
        self._wakes_keeper = threading.Event()
        self._has_threads = False
        note_left_jobs(tools)

    # asking

    def submit(self, asked: JobRequest, work: Work, *, waits: bool = True) -> JobHandle:
        """Have work done, or attach to the same that is under way.

        Where another job holds what it needs it waits for that, unless ``waits`` is False: then it raises
        StorageBusyError. Raises TooManyJobsError when too many wait, ServerEndingError when the runner is closed,
        CatalogError when it cannot be written down.
        """
        with self._lock:
            same = next((each for each in self._live.values() if each.job.asked.key == asked.key), None)
            if same is not None and same.job.state is not JobState.CANCELLING:
                return JobHandle(self, same, is_new=False)
            self._refuse(asked, waits=waits)
            job = Job(
                job_id=JobId(self._tools.new_uuid()), asked=asked, state=JobState.QUEUED, queued_at=self._now_exactly()
            )
            live = self._live[job.job_id] = _Live(job, work)
        try:
            with self._tools.catalog.begin() as db:
                kept_jobs.add_job(db, job, holder=holder_of(job, self._tools.clock))
        except CatalogError as error:
            self._end(live, JobState.FAILED, error=error)
            raise
        with self._lock:
            live.is_kept = True
            self._start_threads()
            if not live.is_ending:
                self._tell(live)
                self._start_what_can()
        if live.over.is_set():  # it was cancelled while it was written down
            self._keep_end(live.job)
        return JobHandle(self, live, is_new=True)

    def _refuse(self, asked: JobRequest, *, waits: bool) -> None:
        if self._closing.is_set():
            raise ServerEndingError("ImaLink is ending; nothing was begun.", hint="Try again when it runs again.")
        waiting = sum(each.job.state is JobState.QUEUED for each in self._live.values())
        if waiting >= self._queue_length:
            raise TooManyJobsError(
                f"{waiting} jobs wait already; nothing was begun.", hint="Wait until some are done, or cancel them."
            )
        holder = None if waits else self._holder(asked, self._live.values())
        if holder is not None:
            progress = holder.meter.look()
            raise StorageBusyError(
                f"Another job works there: {holder.job.asked.kind} ({holder.job.job_id}), {holder.job.state.value} for "
                f"{progress.elapsed_seconds:.0f} s. Nothing was begun.",
                hint="Wait for it, or cancel it.",
            )

    # looking

    def get(self, job_id: str) -> Job:
        """Give a job with its report, as it stands now. Raises NotFoundError."""
        with self._lock:
            live = self._live.get(JobId(job_id))
            if live is not None:
                return self.look(live)
        with self._tools.catalog.read() as db:
            return kept_jobs.get_job(db, job_id)

    def list(
        self,
        *,
        states: Collection[JobState] = (),
        storage_uuid: StorageUuid | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[Job]:
        """Give jobs without their reports, newest first, those of other processes too."""
        with self._tools.catalog.read() as db:
            # What the catalog has of those that run here may be some seconds old, so states are asked of what is.
            reach = None if states else offset + limit
            found = kept_jobs.list_jobs(db, storage_uuid=storage_uuid, limit=reach)
        with self._lock:
            live = {job_id: self.look(each) for job_id, each in self._live.items()}
        fresh = [live.get(job.job_id, job) for job in found]
        wanted = [job for job in fresh if not states or job.state in states]
        return wanted[offset : offset + limit]

    def list_live(self) -> list[Job]:
        """Give the jobs of this process that are not over, oldest first; asks no database."""
        with self._lock:
            return [self.look(live) for live in self._live.values()]

    def look(self, live: _Live) -> Job:
        """Give a job as it stands now."""
        with self._lock:
            if live.job.state.is_over:
                return live.job
            holder = self._holder_before(live) if live.job.state is JobState.QUEUED else None
            return replace(
                live.job, progress=live.meter.look(), waits_for=None if holder is None else holder.job.job_id
            )

    # stopping

    def cancel(self, job_id: str) -> Job:
        """Ask a job to stop at its next safe point, and give it as it stands now; one that is over stays as it is.

        Returns at once. Raises NotFoundError, and UsageError for one that another process does.
        """
        with self._lock:
            live = self._live.get(JobId(job_id))
            had_begun = live is not None and live.job.state is not JobState.QUEUED
            if live is not None and live.job.state in (JobState.QUEUED, JobState.RUNNING):
                live.job = replace(live.job, state=JobState.CANCELLING)  # from now on nothing starts it
                live.meter.cancel()
                self._tell(live)
                self._wakes_keeper.set()
        if live is not None:
            if not had_begun:
                self._end(live, JobState.CANCELLED, error=CancelledError("Stopped before it began."))
            return self.look(live)
        job = self.get(job_id)
        if not job.state.is_over:
            raise WrongStateError(
                f"Job {job_id} is done by another process, and can be stopped only there.", hint="Stop it there."
            )
        return job

    def call_when_over(self, live: _Live, call: Callable[[], None]) -> None:
        """Have something called when a job is over, or at once if it is."""
        with self._lock:
            if not live.over.is_set():
                live.when_over.append(call)
                return
        call()

    def close(self, wait_seconds: float = 10.0) -> None:
        """Begin nothing more, stop what runs at a safe point, and wait for that so long at most.

        What is stopped so counts as interrupted, with the command that goes on with it. May be called again.
        """
        with self._lock:
            self._closing.set()
            left = list(self._live.values())
            for live in left:
                live.meter.cancel()
        deadline = time.monotonic() + wait_seconds
        for live in left:  # whoever waits for what never began is told first
            if live.job.state is JobState.QUEUED:
                self._end(live, JobState.INTERRUPTED, error=CancelledError(interruption(live.job).message))
        for live in left:
            if not live.over.wait(max(0.0, deadline - time.monotonic())):  # a disk that does not answer holds it
                self._end(live, JobState.INTERRUPTED, error=CancelledError(interruption(live.job).message))
        self._wakes_keeper.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # running

    def _start_threads(self) -> None:
        if not self._has_threads:
            self._has_threads = True
            for name, loop in (("job-teller", self._tell_on_and_on), ("job-keeper", self._keep_on_and_on)):
                threading.Thread(target=loop, name=name, daemon=True).start()

    def _start_what_can(self) -> None:
        """Start what waits, in the order it was asked for; what came later never overtakes what it would keep out."""
        with self._lock:
            for live in list(self._live.values()):
                running = sum(each.job.state in _RUNNING for each in self._live.values())
                if running >= self._threads or self._closing.is_set():
                    return
                is_waiting = live.job.state is JobState.QUEUED and live.is_kept and not live.is_ending
                if is_waiting and self._holder_before(live) is None:
                    live.job = replace(live.job, state=JobState.RUNNING, started_at=self._now())
                    live.meter.begin()
                    self._tell(live)
                    threading.Thread(target=self._run, args=(live,), name=f"job {live.job.job_id}", daemon=True).start()

    def _holder_before(self, live: _Live) -> _Live | None:
        """Give a job that runs, or was asked for earlier, and holds what this one needs."""
        earlier: list[_Live] = []
        for each in self._live.values():
            if each is live:
                break
            earlier.append(each)
        running = [each for each in self._live.values() if each.job.state in _RUNNING and each is not live]
        return self._holder(live.job.asked, [*running, *earlier])

    def _holder(self, asked: JobRequest, others: Collection[_Live]) -> _Live | None:
        return next((each for each in others if each.job.asked.keeps_out(asked)), None)

    def _run(self, live: _Live) -> None:
        try:
            report = live.work(live.meter)
        except CancelledError as error:
            state = JobState.INTERRUPTED if self._closing.is_set() else JobState.CANCELLED
            self._end(live, state, error=error)
        except ImalinkError as error:
            self._end(live, JobState.FAILED, error=error)
        except Exception as error:
            _LOG.exception("job %s (%s) met a bug", live.job.job_id, live.job.asked.kind)
            self._end(live, JobState.FAILED, error=error)
        else:
            self._end(live, JobState.DONE, report=report)

    def _end(
        self,
        live: _Live,
        state: JobState,
        *,
        report: Mapping[str, object] | None = None,
        error: Exception | None = None,
    ) -> None:
        """Write down what came of a job, then tell everybody, then let the next begin."""
        with self._lock:
            if live.is_ending:
                return  # it was given up already as the program ended
            live.is_ending = True
            live.meter.end()
            ended = replace(
                live.job,
                state=state,
                finished_at=self._now(),
                progress=live.meter.look(),
                report=report,
                error=None if error is None else _words_of(error, state, live.job),
            )
        if live.is_kept:
            self._keep_end(ended)
        with self._lock:
            live.job, live.error = ended, error
            self._live.pop(ended.job_id, None)
            self._tell(live)
            live.over.set()
            calls, live.when_over = live.when_over, []
            self._start_what_can()
        for call in calls:
            call()

    # telling and keeping

    def _keep_end(self, ended: Job) -> None:
        try:
            with self._tools.catalog.begin() as db:
                kept_jobs.keep_end(db, ended)
        except CatalogError as trouble:
            _LOG.error("what came of job %s could not be written down: %s", ended.job_id, trouble.message)

    def _tell(self, live: _Live) -> None:
        # Under the lock, so that nobody is told of an older state after a newer one.
        job = self.look(live)
        self._hub.tell(EventKind.JOB, job_json(job), subject=job.job_id)

    def _tell_on_and_on(self) -> None:
        while not self._closing.wait(TELL_SECONDS):
            with self._lock:
                for live in self._live.values():
                    if live.meter.take_news():
                        self._tell(live)

    def _keep_on_and_on(self) -> None:
        # A thread of its own: a write may have to wait for one that another job is at.
        while not self._closing.is_set():
            self._wakes_keeper.wait(KEEP_SECONDS)
            self._wakes_keeper.clear()
            with self._lock:
                jobs = [self.look(live) for live in self._live.values() if live.is_kept]
            if not jobs or self._closing.is_set():
                continue
            try:
                with self._tools.catalog.begin() as db:
                    kept_jobs.keep_progress(db, jobs, seen_at=self._now())
            except CatalogError as trouble:
                _LOG.warning("how far jobs are could not be written down: %s", trouble.message)

    def _now_exactly(self) -> str:
        """Give the time to the microsecond: jobs are listed in the order in which they were asked for."""
        return format_instant_ns(int(self._tools.clock.now().timestamp() * 1_000_000) * 1000)

    def _now(self) -> str:
        return format_instant(self._tools.clock.now())


_RUNNING = (JobState.RUNNING, JobState.CANCELLING)


def _words_of(error: Exception, state: JobState, job: Job) -> JobError:
    if state is JobState.INTERRUPTED and isinstance(error, ImalinkError):
        return replace(interruption(job), message=error.message)
    if isinstance(error, ImalinkError):
        return JobError(code=error.code, message=error.message, hint=error.hint)
    return JobError(
        code="bug",
        message=f"ImaLink has a fault ({type(error).__name__}). What was finished before is kept.",
        hint="The log has more; please report it.",
    )
