"""Jobs over HTTP."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from imalink.api.schemas.envelope import Asking, Paged
from imalink.api.schemas.storages import UUID_EXAMPLE

JobKind = Literal["import", "resume", "rollback", "generate", "scan", "verify", "sidecars", "recover"]


class Phase(BaseModel):
    """How far one phase of a job is; null where nobody knows yet."""

    name: str = Field(examples=["copy"])
    files: int
    total_files: int | None
    size_bytes: int
    total_bytes: int | None
    share: float | None = Field(description="From 0 to 1.")
    bytes_per_second: float | None
    seconds_left: float | None


class JobTrouble(BaseModel):
    """Why a job did not come to its end, and what to do next."""

    code: str = Field(examples=["storage-offline"])
    message: str
    hint: str


class Job(BaseModel):
    """Long work as it stands now. docs/reference/jobs.md has every key."""

    id: str = Field(examples=[UUID_EXAMPLE])
    kind: str = Field(examples=["import"])
    storage_uuid: str | None
    request: dict[str, object]
    state: Literal["queued", "running", "cancelling", "done", "failed", "cancelled", "interrupted"]
    is_over: bool
    queued_at: str
    started_at: str | None
    finished_at: str | None
    waits_for: str | None = Field(description="The job that holds what this one needs.")
    phases: list[Phase]
    current: str
    stalled: str
    counts: dict[str, int] = Field(description="What a scan found so far: `moved`, `missing`, `new`, `duplicates`.")
    elapsed_seconds: float
    seconds_left: float | None
    error: JobTrouble | None
    go_on: str | None = Field(description="The command that goes on with it after an interruption.")


class JobWithReport(Job):
    """A job with what came of it."""

    report: dict[str, object] | None


class AcceptedJob(BaseModel):
    """What a request is answered with that asked not to wait."""

    job: Job


class FoundJob(BaseModel):
    """One job."""

    job: JobWithReport


class JobList(Paged):
    """Jobs, the newest first."""

    jobs: list[Job]


class NewJob(Asking):
    """Long work to be begun: the same as the route of that name does, with the body that it takes."""

    kind: JobKind = Field(examples=["import"])
    storage: str | None = Field(
        default=None,
        max_length=64,
        description="For generate, scan, sidecars and verify: the storage's UUID, or its `id`.",
    )
    session: str | None = Field(
        default=None, max_length=64, description="For import, resume and rollback: the session's `id`, or its UUID."
    )
    request: dict[str, object] = Field(
        default={}, description="The body of that route.", examples=[{"source_directory": "/media/card/DCIM"}]
    )
