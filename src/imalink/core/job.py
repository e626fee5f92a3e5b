"""Long work as a job: what it is asked to do, how far it is, what became of it, and when two are the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

from imalink.core.ids import StorageUuid
from imalink.core.progress import PhaseCount

JobId = NewType("JobId", str)


class JobState(StrEnum):
    """How far a job has come."""

    QUEUED = "queued"
    """It waits for a thread, or for the job that holds its storage."""
    RUNNING = "running"
    CANCELLING = "cancelling"
    """It was told to stop and has not come to a safe point yet."""
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    """The user stopped it, at a safe point."""
    INTERRUPTED = "interrupted"
    """ImaLink ended, or was ended, while it waited or ran."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self not in (JobState.QUEUED, JobState.RUNNING, JobState.CANCELLING)


class Holds(StrEnum):
    """What a job keeps other jobs from while it runs."""

    STORAGE = "storage"
    """Its storage: others that hold it wait."""
    EVERYTHING = "everything"
    """All storages: it runs alone."""
    NOTHING = "nothing"
    """It only looks, and runs beside any other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """What a job is to do.

    ``kind`` is a word such as ``import``; ``request`` is JSON. ``further_storages`` are held beside ``storage_uuid``.
    ``go_on`` is the command that goes on with it after an interruption. Two of the same kind, storage and request are
    the same job while one of them is not over.
    """

    kind: str
    storage_uuid: StorageUuid | None = None
    request: Mapping[str, object] = field(default_factory=dict[str, object])
    further_storages: tuple[StorageUuid, ...] = ()
    holds: Holds = Holds.STORAGE
    go_on: str = ""

    @property
    def key(self) -> tuple[str, str | None, str]:
        """What the same job has in common."""
        return self.kind, self.storage_uuid, json.dumps(self.request, sort_keys=True, default=str)

    def keeps_out(self, other: JobRequest) -> bool:
        """Tell whether the other has to wait while this one runs."""
        if Holds.NOTHING in (self.holds, other.holds):
            return False
        if Holds.EVERYTHING in (self.holds, other.holds):
            return True
        return bool(self._storages() & other._storages())

    def _storages(self) -> set[StorageUuid]:
        return {each for each in (self.storage_uuid, *self.further_storages) if each is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPhase:
    """How far one phase is; ``share`` from 0 to 1, speeds and times None while nobody knows."""

    name: str
    files: int = 0
    total_files: int | None = None
    size_bytes: int = 0
    total_bytes: int | None = None
    share: float | None = None
    bytes_per_second: float | None = None
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """How far a job is: its phases in the order they began, and the file in hand (printable)."""

    phases: tuple[JobPhase, ...] = ()
    current: str = ""
    elapsed_seconds: float = 0.0
    seconds_left: float | None = None
    stalled: str = ""
    """The file that does not get on because a disk does not answer, if there is one."""
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    """What was found so far, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobError:
    """Why a job did not come to its end, with what to do next."""

    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as it stands now. Times are instants; ``report`` is JSON, None until it is done.

    ``waits_for`` is the job that holds what this one needs.
    """

    job_id: JobId
    asked: JobRequest
    state: JobState
    queued_at: str
    started_at: str | None = None
    finished_at: str | None = None
    progress: JobProgress = field(default_factory=JobProgress)
    report: Mapping[str, object] | None = None
    error: JobError | None = None
    waits_for: JobId | None = None


def phase_of(count: PhaseCount, at: float) -> JobPhase:
    """Give how far a phase is at a moment of the clock that its count uses."""
    speed, left, share = count.bytes_per_second(at), count.seconds_left(at), count.share
    return JobPhase(
        name=count.name,
        files=count.files,
        total_files=count.total_files,
        size_bytes=count.size_bytes,
        total_bytes=count.total_bytes,
        share=None if share is None else round(share, 4),
        bytes_per_second=None if speed is None else round(speed, 1),
        seconds_left=None if left is None else round(left, 1),
    )
