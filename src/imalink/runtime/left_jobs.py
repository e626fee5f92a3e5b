"""Jobs whose process ended before they did: found when the next one starts, and called interrupted."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

from imalink.catalog import jobs as kept_jobs
from imalink.catalog.jobs import OpenJob
from imalink.core.job import Job, JobError, JobState
from imalink.core.timestamps import Clock, format_instant, parse_instant
from imalink.storage.host import Host, this_host
from imalink.storage.lock_record import LockState, can_be_proved_dead, dump_lock, judge_lock, new_record, parse_lock
from imalink.workflows.tools import Tools

_LOG = logging.getLogger(__name__)

_SILENCE = timedelta(minutes=10)
"""A process on another machine that has not said for so long how far it is counts as gone."""


def holder_of(job: Job, clock: Clock) -> bytes:
    """Spell which process does a job, as a lock does: so that a later one can prove that it is gone."""
    record = new_record(this_host(), purpose=job.asked.kind, clock=clock, ttl_seconds=int(_SILENCE.total_seconds()))
    return dump_lock(record)


def interruption(job: Job) -> JobError:
    """Say what an interruption means for a job, and what goes on with it."""
    had_begun = job.started_at is not None
    return JobError(
        code="interrupted",
        message="ImaLink ended while it ran. What was finished and verified is kept."
        if had_begun
        else "ImaLink ended before it began. Nothing was changed.",
        hint=f"`{job.asked.go_on}` goes on with it." if job.asked.go_on else "Start it again.",
    )


def note_left_jobs(tools: Tools) -> list[Job]:
    """Call those jobs interrupted whose process is gone, and give them. Those of a living process stay."""
    host, now = this_host(), tools.clock.now()
    with tools.catalog.read() as db:
        left = [each for each in kept_jobs.list_open(db) if not _lives(each, host, tools.clock)]
    at = format_instant(now)
    for each in left:
        _LOG.warning("job %s (%s) was interrupted", each.job.job_id, each.job.asked.kind)
        with tools.catalog.begin() as db:
            kept_jobs.keep_interrupted(db, [each.job.job_id], interruption(each.job), at=at)
    return [
        replace(each.job, state=JobState.INTERRUPTED, finished_at=at, error=interruption(each.job)) for each in left
    ]


def _lives(left: OpenJob, host: Host, clock: Clock) -> bool:
    record = parse_lock(left.holder)
    # Asked only while this process has no jobs yet, so one that bears its number is of an earlier one.
    if judge_lock(record, host, is_held_here=False) is LockState.STALE:
        return False
    return can_be_proved_dead(record, host) or clock.now() - parse_instant(left.seen_at) < _SILENCE
