"""Jobs, health reports and the timetable as the catalog keeps them, on every engine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from imalink.catalog import health, jobs, timetable
from imalink.catalog.catalog import Catalog
from imalink.catalog.file_storages import list_storages
from imalink.core.ids import StorageUuid
from imalink.core.job import Holds, Job, JobError, JobId, JobPhase, JobProgress, JobRequest, JobState
from imalink.core.timetable import Outcome, Task, TaskNote
from imalink.errors import NotFoundError
from tests.support.catalogs import project
from tests.support.indexes import make_entry, make_index, uuid_of

STORAGE = StorageUuid(uuid_of("storage"))
JOB = Job(
    job_id=JobId(uuid_of("job")),
    asked=JobRequest(
        kind="import",
        storage_uuid=STORAGE,
        request={"source": "/card/\udcff", "exclude": ["*.tmp"], "nested": {"deep": [1, None, 2.5, True]}},
        further_storages=(StorageUuid(uuid_of("other")),),
        holds=Holds.EVERYTHING,
        go_on="imalink sessions resume 1",
    ),
    state=JobState.QUEUED,
    queued_at="2024-10-18T14:30:52Z",
)


def kept(catalog: Catalog) -> Job:
    with catalog.read() as db:
        return jobs.get_job(db, JOB.job_id)


def test_a_job_is_kept_from_beginning_to_end(catalog: Catalog) -> None:
    with catalog.begin() as db:
        jobs.add_job(db, JOB, holder=b"\x00process")
    asked = replace(JOB.asked, request={**JOB.asked.request, "source": "/card/\\udcff"})  # as any database can hold it
    assert kept(catalog) == replace(JOB, asked=asked)
    progress = JobProgress(
        phases=(JobPhase(name="copy", files=3, total_files=9, share=0.3333),), current="a.jpg", elapsed_seconds=1.5
    )
    running = replace(JOB, state=JobState.RUNNING, started_at="2024-10-18T14:30:53Z", progress=progress)
    with catalog.begin() as db:
        jobs.keep_progress(db, [running], seen_at="2024-10-18T14:30:58Z")
    with catalog.read() as db:
        (open_job,) = jobs.list_open(db)
    assert (open_job.job, open_job.holder) == (replace(running, asked=asked), b"\x00process")
    assert open_job.seen_at == "2024-10-18T14:30:58Z"
    done = replace(running, state=JobState.DONE, finished_at="2024-10-18T14:31:00Z", report={"new": 3, "rows": [{}]})
    with catalog.begin() as db:
        jobs.keep_end(db, done)
    assert kept(catalog) == replace(done, asked=asked)
    with catalog.read() as db:
        assert jobs.list_jobs(db) == [replace(done, asked=asked, report=None)]
        assert jobs.list_open(db) == []
        assert jobs.count_by_state(db) == {JobState.DONE: 1}


def test_what_comes_late_changes_nothing_of_a_job_that_is_over(catalog: Catalog) -> None:
    done = replace(JOB, state=JobState.DONE, finished_at="2024-10-18T14:31:00Z", report={})
    with catalog.begin() as db:
        jobs.add_job(db, JOB, holder=b"")
        jobs.keep_end(db, done)
        jobs.keep_progress(db, [replace(JOB, state=JobState.RUNNING)], seen_at="2024-10-18T15:00:00Z")
        jobs.keep_interrupted(db, [JOB.job_id], JobError(code="interrupted", message=""), at="2024-10-18T15:00:00Z")
    assert kept(catalog).state is JobState.DONE


def test_a_job_that_is_not_there_is_not_found(catalog: Catalog) -> None:
    with catalog.read() as db:
        assert jobs.find_job(db, "nothing") is None
        with pytest.raises(NotFoundError):
            jobs.get_job(db, "nothing")


def test_files_are_counted_storage_by_storage(catalog: Catalog) -> None:
    project(catalog, make_index([make_entry("a"), make_entry("b")]))
    with catalog.read() as db:
        (storage,) = list_storages(db)
        everything = health.count_storages(db, grown_since="1990-01-01T00:00:00Z")[storage.id]
        nothing = health.count_storages(db, grown_since="2990-01-01T00:00:00Z")[storage.id]
        assert (everything.present_files, everything.session_count) == (2, 1)
        assert everything.growth_bytes == storage.total_size_bytes
        assert nothing.growth_bytes == 0
        assert health.measure_imports(db).import_count <= 1
        assert health.count_sessions(db, since="1990-01-01T00:00:00Z", until="2990-01-01T00:00:00Z") == 1


def test_the_last_report_is_the_first_given(catalog: Catalog) -> None:
    for number in range(3):
        with catalog.begin() as db:
            health.keep_report(db, taken_at="2024-10-18T14:30:52Z", report={"number": number})
    with catalog.read() as db:
        assert [each["number"] for each in health.list_reports(db, limit=2)] == [2, 1]


def test_a_note_takes_the_place_of_the_one_before(catalog: Catalog) -> None:
    note = TaskNote(task=Task.VERIFICATION, storage_uuid=STORAGE, counts_from="2024-10-18T14:30:52Z")
    light = TaskNote(task=Task.ACCESSIBILITY, storage_uuid=None, counts_from="1970-01-01T00:00:00Z")
    skipped = replace(
        note, tried_at="2024-11-18T14:30:52Z", outcome=Outcome.SKIPPED, why="Blue: it is away: quite far", job_id="x"
    )
    for each in (note, light, skipped):
        with catalog.begin() as db:
            timetable.keep_note(db, each)
    with catalog.read() as db:
        assert timetable.list_notes(db) == [light, skipped]
