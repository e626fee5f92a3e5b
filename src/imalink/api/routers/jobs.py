"""``/jobs``: long work begun, watched, stopped, and what came of it."""

from __future__ import annotations

from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.responses import Response

from imalink.api import recovery_work, work
from imalink.api.awaited import accepted
from imalink.api.context import Asked, Right, Server, needs, require, session_text
from imalink.api.envelope import page_of, success
from imalink.api.hiding import job_words
from imalink.api.parameters import Limit, Offset
from imalink.api.routers.import_sessions import storages_of
from imalink.api.schemas.envelope import Success, answers
from imalink.api.schemas.indexes import Scanning
from imalink.api.schemas.jobs import AcceptedJob, FoundJob, JobList, NewJob
from imalink.api.schemas.sessions import Importing, Resuming, RollingBack
from imalink.api.schemas.storages import UUID_EXAMPLE, UUID_PATTERN, Roots, Verification, WritingSidecars
from imalink.catalog.file_storages import StorageRecord
from imalink.catalog.import_sessions import SessionRecord
from imalink.core.job import JobState
from imalink.errors import UsageError
from imalink.runtime.job_words import job_json
from imalink.workflows.look_at_sessions import get_session

router = APIRouter(prefix="/jobs", tags=["jobs"])
_READ = [Depends(needs(Right.READ))]
_EDIT = [Depends(needs(Right.EDIT))]

JobKey = Annotated[
    str, Path(description="The job's `id`.", examples=[UUID_EXAMPLE], json_schema_extra={"pattern": UUID_PATTERN})
]
Body = TypeVar("Body", bound=BaseModel)


@router.post(
    "", status_code=202, dependencies=_EDIT, responses=answers(Success[AcceptedJob], 409, 423, 503, status=202)
)
def begin(server: Asked, request: Request, body: NewJob) -> Response:
    """Begin long work, and answer at once. The same that is under way is given instead of begun again.

    A recovery, which is a decision to trust, is for administrators.
    """
    if body.kind == "recover":
        require(request, Right.ADMINISTER)
    planned = _planned(server, body)
    return accepted(server.live.jobs.submit(planned.asked, planned.work))


@router.get("", dependencies=_READ, responses=answers(Success[JobList], 503))
def list_jobs(
    server: Asked,
    request: Request,
    state: Annotated[list[JobState] | None, Query(description="Only those that stand so; may be repeated.")] = None,
    storage: Annotated[str | None, Query(max_length=64, description="Only those on this storage.")] = None,
    offset: Offset = 0,
    limit: Limit = 100,
) -> Response:
    """List jobs, the newest first, without their reports; those that are over are kept, the last thousand."""
    storage_uuid = None if storage is None else server.storage(storage).storage_uuid
    found = server.live.jobs.list(states=state or (), storage_uuid=storage_uuid, limit=10_000)
    return success(
        page_of("jobs", found, offset=offset, limit=limit, spell=lambda job: job_words(request, job_json(job)))
    )


@router.get("/{job}", dependencies=_READ, responses=answers(Success[FoundJob], 503))
def show_job(server: Asked, request: Request, job: JobKey) -> Response:
    """Show a job as it stands now; with its report when it is done."""
    return success({"job": job_words(request, job_json(server.live.jobs.get(job), has_report=True))})


@router.delete("/{job}", dependencies=_EDIT, responses=answers(Success[FoundJob], 409, 503))
def cancel(server: Asked, request: Request, job: JobKey) -> Response:
    """Tell a job to stop at its next safe point, and answer at once; one that is over stays as it is."""
    return success({"job": job_words(request, job_json(server.live.jobs.cancel(job), has_report=True))})


def _planned(server: Server, body: NewJob) -> work.Planned:
    match body.kind:
        case "import":
            return work.importing(server, _session(server, body), _body(Importing, body))
        case "resume":
            known = _session(server, body)
            return work.resuming(server, known, _body(Resuming, body), storages_of(known))
        case "rollback":
            known = _session(server, body)
            return work.rolling_back(server, known, _body(RollingBack, body), storages_of(known))
        case "generate":
            return work.generate(server, _storage(server, body))
        case "scan":
            return work.scan(server, _storage(server, body), _body(Scanning, body))
        case "verify":
            return work.verification(server, _storage(server, body), _body(Verification, body))
        case "sidecars":
            return work.sidecars(server, _storage(server, body), _body(WritingSidecars, body))
        case "recover":
            return recovery_work.recovery(server, _body(Roots, body))


def _storage(server: Server, body: NewJob) -> StorageRecord:
    if body.storage is None:
        raise UsageError(
            f"A job of the kind {body.kind} needs a storage. Nothing was begun.", hint="Name it.", field="storage"
        )
    return server.storage(body.storage)


def _session(server: Server, body: NewJob) -> SessionRecord:
    if body.session is None:
        raise UsageError(
            f"A job of the kind {body.kind} needs a session. Nothing was begun.", hint="Name it.", field="session"
        )
    return get_session(server.tools, session_text(body.session))


def _body(model: type[Body], body: NewJob) -> Body:
    """Read a request as the route of its kind does. Raises RequestValidationError, which names each field."""
    try:
        return model.model_validate(body.request)
    except ValidationError as error:
        problems = [{**each, "loc": ("body", "request", *each["loc"])} for each in error.errors()]
        raise RequestValidationError(problems) from error
