"""Jobs run, wait for each other, are stopped and kept; the same is done once; a killed process leaves a word."""

from __future__ import annotations

import shutil
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from imalink.catalog import jobs as kept_jobs
from imalink.core.ids import StorageUuid
from imalink.core.job import Holds, Job, JobRequest, JobState
from imalink.core.progress import Progress
from imalink.errors import (
    CancelledError,
    CatalogError,
    NotFoundError,
    ServerEndingError,
    StorageBusyError,
    StorageIoError,
    TooManyJobsError,
)
from imalink.runtime.container import SystemClock
from imalink.runtime.events import EventHub, EventKind
from imalink.runtime.jobs import JobHandle, JobRunner
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest
from tests.support.workbench import Workbench, make_source

ONE = StorageUuid("11111111-1111-4111-8111-111111111111")
TWO = StorageUuid("22222222-2222-4222-8222-222222222222")


@pytest.fixture
def bench(tmp_path: Path, empty_catalog: Path) -> Iterator[Workbench]:
    with Workbench(tmp_path, empty_catalog=empty_catalog) as found:
        yield found


@pytest.fixture
def hub() -> EventHub:
    return EventHub()


@pytest.fixture
def runner(bench: Workbench, hub: EventHub) -> Iterator[JobRunner]:
    with JobRunner(bench.tools, hub) as made:
        yield made


class Gate:
    """Work that begins, and goes on until it is let through or stopped."""

    def __init__(self, report: Mapping[str, object] | None = None) -> None:
        self.begun = threading.Event()
        self.opened = threading.Event()
        self.report = report or {"done": True}
        self.runs = 0

    def __call__(self, progress: Progress) -> Mapping[str, object]:
        self.runs += 1
        self.begun.set()
        while not self.opened.wait(0.005):
            progress.checkpoint()
        return self.report


def asked(kind: str = "verify", storage: StorageUuid | None = ONE, **request: object) -> JobRequest:
    return JobRequest(kind=kind, storage_uuid=storage, request=request, go_on=f"imalink {kind} one")


def soon(is_so: Callable[[], bool], seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if is_so():
            return True
        time.sleep(0.005)
    return is_so()


def test_a_job_gives_its_report_and_the_report_is_kept(runner: JobRunner, bench: Workbench) -> None:
    handle = runner.submit(asked(depth="full"), lambda _: {"checked": 3, "findings": []})
    assert handle.result() == {"checked": 3, "findings": []}
    job = runner.get(handle.job_id)
    assert (job.state, job.report) == (JobState.DONE, {"checked": 3, "findings": []})
    assert job.asked.request == {"depth": "full"}
    assert job.started_at is not None
    assert job.finished_at is not None
    with bench.catalog.read() as db:
        assert kept_jobs.get_job(db, job.job_id) == job


def test_an_error_is_raised_to_who_waits_and_kept_in_words(runner: JobRunner) -> None:
    def fail(progress: Progress) -> Mapping[str, object]:
        raise StorageIoError("The disk is broken.", hint="Look at it.")

    handle = runner.submit(asked(), fail)
    with pytest.raises(StorageIoError, match="broken"):
        handle.result()
    job = runner.get(handle.job_id)
    assert job.state is JobState.FAILED
    assert job.error is not None
    assert (job.error.code, job.error.hint) == ("storage-io", "Look at it.")


def test_a_bug_ends_its_job_alone(runner: JobRunner, caplog: pytest.LogCaptureFixture) -> None:
    def fail(progress: Progress) -> Mapping[str, object]:
        raise ZeroDivisionError("secret detail")

    handle = runner.submit(asked(), fail)
    with pytest.raises(ZeroDivisionError):
        handle.result()
    job = runner.get(handle.job_id)
    assert job.error is not None
    assert job.error.code == "bug"
    assert "secret detail" not in job.error.message
    assert "met a bug" in caplog.text
    assert runner.submit(asked(), lambda _: {"fine": 1}).result() == {"fine": 1}


def test_a_job_is_stopped_within_a_second(runner: JobRunner) -> None:
    gate = Gate()
    handle = runner.submit(asked(), gate)
    assert gate.begun.wait(10)
    started = time.monotonic()
    assert runner.cancel(handle.job_id).state in (JobState.CANCELLING, JobState.CANCELLED)
    assert handle.wait(10)
    assert time.monotonic() - started < 1
    assert runner.get(handle.job_id).state is JobState.CANCELLED
    with pytest.raises(CancelledError):
        handle.result()


def test_cancelling_one_that_is_over_changes_nothing(runner: JobRunner) -> None:
    handle = runner.submit(asked(), lambda _: {"fine": 1})
    handle.result()
    assert runner.cancel(handle.job_id).state is JobState.DONE
    with pytest.raises(NotFoundError):
        runner.cancel("no such job")


def test_the_second_job_of_a_storage_waits_and_says_for_which(runner: JobRunner) -> None:
    first, second = Gate(), Gate()
    one = runner.submit(asked("import"), first)
    assert first.begun.wait(10)
    two = runner.submit(asked("reindex"), second)
    assert (two.job.state, two.job.waits_for) == (JobState.QUEUED, one.job_id)
    first.opened.set()
    assert second.begun.wait(10)
    assert one.job.state is JobState.DONE
    assert two.job.waits_for is None
    second.opened.set()
    two.result()


def test_a_job_that_is_not_to_wait_is_refused_with_the_one_that_holds_the_storage(runner: JobRunner) -> None:
    gate = Gate()
    one = runner.submit(asked("import"), gate)
    with pytest.raises(StorageBusyError, match=one.job_id):
        runner.submit(asked("reindex"), Gate(), waits=False)
    assert [job.job_id for job in runner.list()] == [one.job_id]
    gate.opened.set()
    one.result()


def test_jobs_of_two_storages_run_side_by_side(runner: JobRunner) -> None:
    first, second = Gate(), Gate()
    runner.submit(asked(storage=ONE), first)
    runner.submit(asked(storage=TWO), second)
    assert first.begun.wait(10)
    assert second.begun.wait(10)


def test_a_job_on_everything_runs_alone_and_is_not_starved(runner: JobRunner) -> None:
    first, everything, later = Gate(), Gate(), Gate()
    one = runner.submit(asked(storage=ONE), first)
    all_ = runner.submit(JobRequest(kind="recover", holds=Holds.EVERYTHING), everything)
    two = runner.submit(asked(storage=TWO), later)
    assert first.begun.wait(10)
    assert two.job.waits_for == all_.job_id
    assert all_.job.waits_for == one.job_id
    first.opened.set()
    assert everything.begun.wait(10)
    assert not later.begun.is_set()
    everything.opened.set()
    assert later.begun.wait(10)


def test_what_only_looks_waits_for_nobody(runner: JobRunner) -> None:
    gate = Gate()
    runner.submit(asked(), gate)
    look = JobRequest(kind="health", holds=Holds.NOTHING)
    assert runner.submit(look, lambda _: {"fine": 1}).result() == {"fine": 1}
    assert not gate.opened.is_set()


def test_the_same_request_attaches_and_is_done_once(runner: JobRunner) -> None:
    gate = Gate({"came_in": 412})
    first = runner.submit(asked("import", source="/card"), gate)
    assert gate.begun.wait(10)
    again = runner.submit(asked("import", source="/card"), Gate({"came_in": 0}))
    other = runner.submit(asked("import", source="/other card"), lambda _: {"came_in": 5})
    assert (first.is_new, again.is_new, other.is_new) == (True, False, True)
    assert again.job_id == first.job_id
    gate.opened.set()
    assert again.result() == first.result() == {"came_in": 412}
    assert gate.runs == 1
    afterwards = runner.submit(asked("import", source="/card"), lambda _: {"came_in": 0})
    assert afterwards.is_new
    assert other.result() == {"came_in": 5}
    assert afterwards.result() == {"came_in": 0}


def test_only_so_many_wait(bench: Workbench, hub: EventHub) -> None:
    with JobRunner(bench.tools, hub, queue_length=2) as runner:
        gate = Gate()
        runner.submit(asked("import"), gate)
        assert gate.begun.wait(10)
        waiting = [runner.submit(asked("import", number=number), Gate()) for number in range(2)]
        with pytest.raises(TooManyJobsError, match="2 jobs wait"):
            runner.submit(asked("import", number=99), Gate())
        assert len(runner.list()) == 3
        assert all(each.job.state is JobState.QUEUED for each in waiting)


def test_one_that_waits_is_cancelled_at_once_and_never_begins(runner: JobRunner) -> None:
    gate, never = Gate(), Gate()
    one = runner.submit(asked("import"), gate)
    two = runner.submit(asked("reindex"), never)
    assert runner.cancel(two.job_id).state is JobState.CANCELLED
    gate.opened.set()
    one.result()
    assert not never.begun.wait(0.2)
    assert runner.get(two.job_id).state is JobState.CANCELLED


def test_listeners_are_told_of_each_state_and_not_of_each_file(runner: JobRunner, hub: EventHub) -> None:
    def work(progress: Progress) -> Mapping[str, object]:
        progress.start_phase("copy", total_files=2000, total_bytes=2_000_000)
        for number in range(2000):
            progress.advance(files=1, size_bytes=1000, current=f"IMG_{number:04}.jpg")
            time.sleep(0.0005)
        return {}

    told: list[Mapping[str, object]] = []
    with hub.listen() as listener:
        started = time.monotonic()
        handle = runner.submit(asked(), work)
        while not told or not told[-1]["is_over"]:
            told.extend(event.data for event in listener.fetch(1) if event.kind is EventKind.JOB)
        seconds = time.monotonic() - started
    states = [each["state"] for each in told]
    assert states[-1] == "done"
    assert "running" in states
    assert len(told) <= 10 * seconds + 5
    assert len(told) >= 4
    shares = [phase["share"] for each in told for phase in _phases(each)]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert handle.job.progress.current == "IMG_1999.jpg"


def _phases(job: Mapping[str, object]) -> list[dict[str, float]]:
    phases = job["phases"]
    assert isinstance(phases, list)
    return phases  # pyright: ignore[reportUnknownVariableType]


def test_progress_tells_speed_and_what_is_left(runner: JobRunner) -> None:
    gate = Gate()

    def work(progress: Progress) -> Mapping[str, object]:
        progress.start_phase("verify", total_files=10, total_bytes=1_000_000)
        progress.advance(files=5, size_bytes=500_000, current="photos/a.jpg")
        return gate(progress)

    handle = runner.submit(asked(), work)
    assert gate.begun.wait(10)
    time.sleep(0.6)
    progress = handle.job.progress
    assert progress.elapsed_seconds >= 0.6
    assert progress.phases[0].share == 0.5
    assert progress.phases[0].bytes_per_second is not None
    assert progress.seconds_left is not None
    assert 0.3 < progress.seconds_left < 5


def test_a_job_goes_on_while_another_writes_a_long_time(runner: JobRunner, bench: Workbench, hub: EventHub) -> None:
    gate = Gate()
    with hub.listen() as listener:
        handle = runner.submit(asked(), gate)
        assert gate.begun.wait(10)
        with bench.catalog.begin():  # nobody else can write now
            started = time.monotonic()
            runner.cancel(handle.job_id)
            assert runner.get(handle.job_id).state is JobState.CANCELLING
            assert any(event.data["state"] == "cancelling" for event in listener.fetch(5))
            assert time.monotonic() - started < 1


def test_a_job_that_cannot_be_written_down_is_not_begun(bench: Workbench, hub: EventHub) -> None:
    with ExitStack() as stack:
        runner = stack.enter_context(JobRunner(bench.tools, hub))
        stack.callback(bench.database.with_name("aside").rename, bench.database)
        bench.catalog.close()
        bench.database.rename(bench.database.with_name("aside"))
        bench.database.mkdir()
        stack.callback(bench.catalog.close)
        gate = Gate()
        with pytest.raises(CatalogError):
            runner.submit(asked(), gate)
        assert not gate.begun.is_set()
        assert runner.list_live() == []
        bench.database.rmdir()


def test_ending_stops_what_runs_and_says_how_it_goes_on(bench: Workbench, hub: EventHub) -> None:
    gate, never = Gate(), Gate()
    runner = JobRunner(bench.tools, hub)
    running = runner.submit(asked("import"), gate)
    waiting = runner.submit(asked("reindex"), never)
    assert gate.begun.wait(10)
    started = time.monotonic()
    runner.close()
    assert time.monotonic() - started < 2
    with pytest.raises(ServerEndingError):
        runner.submit(asked("heal"), Gate())
    with bench.catalog.read() as db:
        found = {job.asked.kind: job for job in kept_jobs.list_jobs(db)}
    for kind, handle in (("import", running), ("reindex", waiting)):
        job = found[kind]
        assert job.job_id == handle.job_id
        assert job.state is JobState.INTERRUPTED
        assert job.error is not None
        assert job.error.code == "interrupted"
        assert f"`imalink {kind} one` goes on with it" in job.error.hint
    assert not never.begun.is_set()


def test_ending_does_not_wait_for_ever_for_a_disk_that_does_not_answer(bench: Workbench, hub: EventHub) -> None:
    release = threading.Event()
    runner = JobRunner(bench.tools, hub)
    handle = runner.submit(asked("import"), lambda _: {"late": release.wait(60)})
    assert soon(lambda: handle.job.state is JobState.RUNNING)
    runner.close(wait_seconds=0.2)
    assert handle.job.state is JobState.INTERRUPTED
    release.set()
    time.sleep(0.1)
    with bench.catalog.read() as db:
        assert kept_jobs.get_job(db, handle.job_id).state is JobState.INTERRUPTED


KILLED = """
    import sys, threading
    from pathlib import Path
    from imalink.core.job import JobRequest
    from imalink.runtime.events import EventHub
    from imalink.runtime.jobs import JobRunner
    from tests.support.workbench import Workbench

    bench = Workbench(Path(sys.argv[1]))
    runner = JobRunner(bench.tools, EventHub())
    begun = threading.Event()

    def work(progress):
        begun.set()
        threading.Event().wait(120)
        return {}

    for kind in ("import", "reindex"):
        runner.submit(
            JobRequest(kind=kind, storage_uuid="1" * 36, go_on=f"imalink {kind} one"), work
        )
    begun.wait(60)
    print("begun", flush=True)
    threading.Event().wait(120)
"""


def start_process(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def kept_states(bench: Workbench) -> dict[str, Job]:
    with bench.catalog.read() as db:
        return {job.asked.kind: job for job in kept_jobs.list_jobs(db)}


def test_jobs_of_a_killed_process_are_called_interrupted_and_those_of_a_living_one_are_not(
    bench: Workbench, hub: EventHub
) -> None:
    process = start_process(bench.folder)
    try:
        with JobRunner(bench.tools, hub) as meanwhile:
            assert soon(lambda: kept_states(bench)["reindex"].state is JobState.QUEUED)
            assert not kept_states(bench)["import"].state.is_over
            with pytest.raises(Exception, match="another process"):
                meanwhile.cancel(kept_states(bench)["import"].job_id)
    finally:
        process.kill()
        process.communicate()
    with JobRunner(bench.tools, hub):
        found = kept_states(bench)
    for kind in ("import", "reindex"):
        job = found[kind]
        assert job.state is JobState.INTERRUPTED
        assert job.error is not None
        assert f"`imalink {kind} one` goes on with it" in job.error.hint


def test_whoever_asked_may_leave_and_the_work_goes_on(runner: JobRunner) -> None:
    gate = Gate({"came_in": 3})

    def ask() -> JobHandle:
        return runner.submit(asked("import"), gate)

    job_id = ask().job_id
    gate.opened.set()
    assert soon(lambda: runner.get(job_id).state.is_over)
    assert runner.get(job_id).report == {"came_in": 3}


def test_whoever_wants_to_know_is_called_when_it_is_over(runner: JobRunner) -> None:
    gate = Gate()
    handle = runner.submit(asked(), gate)
    called: list[str] = []
    handle.when_over(lambda: called.append("then"))
    assert called == []
    gate.opened.set()
    handle.result()
    assert soon(lambda: called == ["then"])
    handle.when_over(lambda: called.append("at once"))
    assert called == ["then", "at once"]


def test_only_so_many_reports_are_kept(bench: Workbench, hub: EventHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_jobs, "KEPT_JOBS", 5)
    with JobRunner(bench.tools, hub) as runner:
        ids: list[str] = []
        for number in range(9):
            handle = runner.submit(asked(number=number), lambda _: {})
            handle.result()
            ids.append(handle.job_id)
        kept = [job.job_id for job in runner.list()]
    assert kept == ids[:2:-1]  # the five that were over as the last one came, and that


def test_jobs_of_one_second_are_listed_in_the_order_in_which_they_were_asked_for(
    bench: Workbench, hub: EventHub
) -> None:
    tools = replace(bench.tools, clock=SystemClock())
    with JobRunner(tools, hub) as runner:
        asked_for = [runner.submit(asked(number=number), lambda _: {}).job_id for number in range(12)]
        assert [job.job_id for job in runner.list()] == asked_for[::-1]


def test_jobs_are_listed_by_state_and_storage(runner: JobRunner) -> None:
    gate = Gate()
    runner.submit(asked("import", ONE), lambda _: {}).result()
    runner.submit(asked("import", TWO), lambda _: {}).result()
    running = runner.submit(asked("verify", TWO), gate)
    assert gate.begun.wait(10)
    assert [job.job_id for job in runner.list(states=[JobState.RUNNING])] == [running.job_id]
    assert [job.asked.kind for job in runner.list(storage_uuid=TWO)] == ["verify", "import"]
    assert [job.asked.storage_uuid for job in runner.list(limit=1, offset=2)] == [ONE]


def test_a_reindex_counts_what_it_finds_while_it_runs(runner: JobRunner, bench: Workbench, hub: EventHub) -> None:
    record = bench.create()
    bench.import_(record, make_source(bench.folder / "card", 6))
    first, second, third, *_ = sorted((bench.root(record) / "photos").rglob("*.jpg"))
    first.rename(first.with_name("moved.jpg"))
    second.unlink()
    shutil.copyfile(third, third.with_name("copy.jpg"))
    make_source(bench.root(record) / "photos" / "new", 1, first_seed=90)

    def work(progress: Progress) -> Mapping[str, object]:
        reindex(bench.tools, record, ReindexRequest(), progress=progress)
        return {}

    seen: list[Mapping[str, object]] = []
    with hub.listen() as listener:
        handle = runner.submit(asked("scan", record.storage_uuid), work)
        handle.result()
        seen.extend(event.data for event in listener.fetch())
    assert handle.job.progress.counts == {"moved": 1, "missing": 1, "new": 1, "duplicates": 1}
    assert seen[-1]["counts"] == handle.job.progress.counts


def test_an_import_as_a_job_is_stopped_at_a_safe_point_and_goes_on(runner: JobRunner, bench: Workbench) -> None:
    from imalink.workflows.import_photos import import_photos
    from imalink.workflows.import_report import ImportRequest
    from imalink.workflows.resume_session import resume_session

    record = bench.create()
    source = make_source(bench.folder / "card", 12)
    seen = threading.Event()

    def work(progress: Progress) -> Mapping[str, object]:
        report = import_photos(
            bench.tools, record, ImportRequest(source=source, title="Italy"), progress=Slow(progress, seen)
        )
        return {"new_imports": report.statistics.new_imports}

    handle = runner.submit(asked("import", record.storage_uuid), work)
    assert seen.wait(20)
    started = time.monotonic()
    runner.cancel(handle.job_id)
    assert handle.wait(10)
    assert time.monotonic() - started < 1.5
    job = runner.get(handle.job_id)
    assert job.state is JobState.CANCELLED
    resumed = resume_session(bench.tools, "1")
    assert resumed.report.statistics.new_imports == 12


class Slow:
    """Progress that takes its time over each file."""

    def __init__(self, inner: Progress, seen: threading.Event) -> None:
        self._inner = inner
        self._seen = seen

    def start_phase(self, name: str, *, total_files: int | None = None, total_bytes: int | None = None) -> None:
        self._inner.start_phase(name, total_files=total_files, total_bytes=total_bytes)

    def advance(self, *, files: int = 0, size_bytes: int = 0, current: str = "", phase: str = "") -> None:
        self._inner.advance(files=files, size_bytes=size_bytes, current=current, phase=phase)
        if phase == "analyse" and files:
            self._seen.set()
            time.sleep(0.05)

    def stalled(self, current: str, seconds: float) -> None:
        self._inner.stalled(current, seconds)

    def tell(self, counts: Mapping[str, int]) -> None:
        self._inner.tell(counts)

    def checkpoint(self) -> None:
        self._inner.checkpoint()
