"""Jobs as the catalog keeps them, so that their reports outlive the process that did them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session, undefer

from imalink.catalog.work_models import JobRow
from imalink.core.ids import StorageUuid
from imalink.core.job import Job, JobError, JobId, JobProgress, JobState
from imalink.errors import NotFoundError

KEPT_JOBS = 1000
"""So many jobs that are over are kept; the oldest go."""

_OPEN = [state.value for state in JobState if not state.is_over]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenJob:
    """A job that is not over by what the catalog says, the process that does it, and when that last said so."""

    job: Job
    holder: bytes
    seen_at: str


def add_job(db: Session, job: Job, *, holder: bytes) -> None:
    """Remember a new job, and forget the oldest of those that are over. Commits nothing."""
    db.add(
        JobRow(
            job_id=job.job_id,
            asked=job.asked,
            state=job.state.value,
            holder=holder,
            queued_at=job.queued_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
            seen_at=job.queued_at,
            progress=job.progress,
            report=None if job.report is None else dict(job.report),
            error=job.error,
        )
    )
    db.flush()
    over = JobRow.state.not_in(_OPEN)
    count = db.execute(select(func.count()).select_from(JobRow).where(over)).scalar_one()
    if count > KEPT_JOBS:
        oldest = select(JobRow.job_id).where(over).order_by(JobRow.queued_at, JobRow.job_id).limit(count - KEPT_JOBS)
        db.execute(delete(JobRow).where(JobRow.job_id.in_(list(db.execute(oldest).scalars()))))


def keep_progress(db: Session, jobs: Collection[Job], *, seen_at: str) -> None:
    """Remember how far jobs are that are not over. Commits nothing."""
    for job in jobs:
        change = update(JobRow).where(JobRow.job_id == job.job_id, JobRow.state.in_(_OPEN))
        db.execute(
            change.values(
                state=job.state.value, started_at=job.started_at, progress=job.progress, error=None, seen_at=seen_at
            )
        )


def keep_end(db: Session, job: Job) -> None:
    """Remember what came of a job. Commits nothing."""
    db.execute(
        update(JobRow)
        .where(JobRow.job_id == job.job_id)
        .values(
            state=job.state.value,
            started_at=job.started_at,
            finished_at=job.finished_at,
            seen_at=job.finished_at or job.queued_at,
            progress=job.progress,
            report=None if job.report is None else dict(job.report),
            error=job.error,
        )
    )


def keep_interrupted(db: Session, job_ids: Collection[JobId], error: JobError, *, at: str) -> None:
    """Remember of jobs that are not over that they were interrupted. Commits nothing."""
    for job_id in job_ids:
        db.execute(
            update(JobRow)
            .where(JobRow.job_id == job_id, JobRow.state.in_(_OPEN))
            .values(state=JobState.INTERRUPTED.value, finished_at=at, error=error)
        )


def find_job(db: Session, job_id: str) -> Job | None:
    """Give a job with its report."""
    row = db.get(JobRow, job_id, options=[undefer(JobRow.report)])
    return None if row is None else _job_of(row, has_report=True)


def get_job(db: Session, job_id: str) -> Job:
    """Give a job with its report. Raises NotFoundError."""
    found = find_job(db, job_id)
    if found is None:
        raise NotFoundError(f"There is no job {job_id!r}.", hint="The list of jobs has those that are kept.")
    return found


def list_jobs(db: Session, *, storage_uuid: StorageUuid | None = None, limit: int | None = None) -> list[Job]:
    """Give jobs without their reports, newest first, all or the first ``limit``."""
    query = select(JobRow).order_by(JobRow.queued_at.desc(), JobRow.job_id)
    rows = db.execute(query.limit(limit) if storage_uuid is None else query).scalars()
    found = (_job_of(row, has_report=False) for row in rows)
    return list(islice((job for job in found if storage_uuid in (None, job.asked.storage_uuid)), limit))


def list_open(db: Session) -> list[OpenJob]:
    """Give the jobs that are not over by what the catalog says, oldest first."""
    query = select(JobRow).where(JobRow.state.in_(_OPEN)).order_by(JobRow.queued_at, JobRow.job_id)
    return [
        OpenJob(job=_job_of(row, has_report=False), holder=row.holder, seen_at=row.seen_at)
        for row in db.execute(query).scalars()
    ]


def count_by_state(db: Session) -> dict[JobState, int]:
    """Count the jobs that are kept, by state."""
    query = select(JobRow.state, func.count()).group_by(JobRow.state)
    return {JobState(state): count for state, count in db.execute(query)}


def _job_of(row: JobRow, *, has_report: bool) -> Job:
    progress: JobProgress = row.progress
    return Job(
        job_id=JobId(row.job_id),
        asked=row.asked,
        state=JobState(row.state),
        queued_at=row.queued_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        progress=progress,
        report=row.report if has_report else None,
        error=row.error,
    )
