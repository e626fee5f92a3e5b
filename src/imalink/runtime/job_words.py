"""A job as JSON, for events, the REST API and whoever reads either."""

from __future__ import annotations

from collections.abc import Mapping

from imalink.core.job import Job, JobError, JobPhase


def job_json(job: Job, *, has_report: bool = False) -> dict[str, object]:
    """Spell a job; with its report only where that is asked for, because one can be long."""
    progress = job.progress
    document: dict[str, object] = {
        "id": job.job_id,
        "kind": job.asked.kind,
        "storage_uuid": job.asked.storage_uuid,
        "request": dict(job.asked.request),
        "state": job.state.value,
        "is_over": job.state.is_over,
        "queued_at": job.queued_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "waits_for": job.waits_for,
        "phases": [_phase_json(phase) for phase in progress.phases],
        "current": _plain(progress.current),
        "stalled": _plain(progress.stalled),
        "counts": dict(progress.counts),
        "elapsed_seconds": progress.elapsed_seconds,
        "seconds_left": progress.seconds_left,
        "error": None if job.error is None else _error_json(job.error),
        "go_on": job.asked.go_on or None,
    }
    if has_report:
        document["report"] = None if job.report is None else dict(job.report)
    return document


def _phase_json(phase: JobPhase) -> Mapping[str, object]:
    return {
        "name": phase.name,
        "files": phase.files,
        "total_files": phase.total_files,
        "size_bytes": phase.size_bytes,
        "total_bytes": phase.total_bytes,
        "share": phase.share,
        "bytes_per_second": phase.bytes_per_second,
        "seconds_left": phase.seconds_left,
    }


def _error_json(error: JobError) -> Mapping[str, object]:
    return {"code": error.code, "message": _plain(error.message), "hint": _plain(error.hint)}


def _plain(text: str) -> str:
    """Give text that JSON can hold: bytes of a name that are no UTF-8 escaped."""
    return text.encode("utf-8", "backslashreplace").decode()
