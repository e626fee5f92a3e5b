"""The edge where errors become answers: one table from error to HTTP status, and never a trace."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from imalink.answers import json_text
from imalink.api.envelope import failure
from imalink.api.hiding import words_for
from imalink.errors import (
    AccessError,
    AmbiguousError,
    AuthorInUseError,
    CancelledError,
    CatalogError,
    FolderRefusedError,
    ForeignStorageError,
    ImalinkError,
    IndexChangedError,
    IndexDamagedError,
    LoginNeededError,
    LoginRefusedError,
    MachineShortageError,
    MassMissingError,
    NameInUseError,
    NameTakenError,
    NewerFormatError,
    NotFoundError,
    OutOfSpaceError,
    PreviewBusyError,
    ServerEndingError,
    ServerUnreachableError,
    SessionInUseError,
    SignatureDamagedError,
    SourceError,
    SourceOfflineError,
    StaleViewError,
    StorageError,
    StorageInUseError,
    StorageLockedError,
    StorageUnavailableError,
    TooManyJobsError,
    TooManyTriesError,
    UndoRefusedError,
    UnsafePathError,
    UsageError,
    VerificationError,
    WrongStateError,
)

_log = logging.getLogger(__name__)

STATUSES: tuple[tuple[type[ImalinkError], int], ...] = (
    (NotFoundError, 404),
    (AmbiguousError, 409),
    (StaleViewError, 409),
    (UndoRefusedError, 409),
    (WrongStateError, 409),
    (NameInUseError, 409),
    (SessionInUseError, 409),
    (AuthorInUseError, 409),
    (StorageInUseError, 409),
    (FolderRefusedError, 403),
    (UsageError, 400),
    (StorageLockedError, 423),
    (ForeignStorageError, 409),
    (SignatureDamagedError, 409),
    (StorageUnavailableError, 503),
    (OutOfSpaceError, 507),
    (NameTakenError, 409),
    (IndexChangedError, 409),
    (NewerFormatError, 409),
    (UnsafePathError, 409),
    (StorageError, 503),
    (IndexDamagedError, 409),
    (VerificationError, 409),
    (SourceOfflineError, 503),
    (SourceError, 400),
    (MassMissingError, 409),
    (CancelledError, 409),
    (CatalogError, 503),
    (MachineShortageError, 503),
    (TooManyJobsError, 503),
    (ServerEndingError, 503),
    (PreviewBusyError, 503),
    (LoginNeededError, 401),
    (LoginRefusedError, 401),
    (TooManyTriesError, 429),
    (AccessError, 403),
    (ServerUnreachableError, 503),
)
"""The first class that fits gives the status; docs/api/API_REFERENCE.md lists them."""

_CODES = {400: "bad-request", 404: "not-found", 405: "method-not-allowed", 406: "not-acceptable", 413: "too-large"}


def status_of(error: ImalinkError) -> int:
    """Give the HTTP status of an error."""
    if isinstance(error, UsageError) and error.field:
        return 422
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 500)


def answer_error(error: ImalinkError, *, tell: Callable[[str], str] = json_text) -> Response:
    """Give the answer that tells of an error, with what to do about it; ``tell`` spells its words."""
    details: dict[str, object] = {"hint": tell(error.hint)} if error.hint else {}
    headers: dict[str, str] = {}
    if isinstance(error, ServerEndingError):
        details |= {"go_on": error.go_on or None, "job_id": error.job_id or None}
        headers["connection"] = "close"
    if isinstance(error, PreviewBusyError):
        headers["retry-after"] = "2"
    if isinstance(error, TooManyTriesError):
        headers["retry-after"] = str(error.wait_seconds)
    if isinstance(error, LoginNeededError | LoginRefusedError):
        headers["www-authenticate"] = 'Bearer realm="ImaLink"'
    code = error.code
    if isinstance(error, UsageError) and error.field:
        code = "invalid"
        where = error.field if "." in error.field else f"body.{error.field}"
        details["fields"] = [{"field": where, "rule": "value_error", "message": tell(error.message)}]
    return failure(code=code, message=tell(error.message), status=status_of(error), details=details, headers=headers)


def add_error_answers(app: FastAPI) -> None:
    """Let every error of a request become an answer in the one shape."""

    @app.exception_handler(ImalinkError)
    def told(request: Request, error: ImalinkError) -> Response:  # pyright: ignore[reportUnusedFunction]  # registered
        return answer_error(error, tell=words_for(request))

    @app.exception_handler(HTTPException)
    def refused(request: Request, error: HTTPException) -> Response:  # pyright: ignore[reportUnusedFunction]
        status = error.status_code
        code = _CODES.get(status, HTTPStatus(status).phrase.lower().replace(" ", "-"))
        message = {
            404: f"There is nothing at {request.url.path}.",
            405: f"{request.method} cannot be asked of {request.url.path}.",
        }.get(status, str(error.detail))
        return failure(code=code, message=json_text(message), status=status, headers=error.headers)

    @app.exception_handler(RequestValidationError)
    def invalid(_: Request, error: RequestValidationError) -> Response:  # pyright: ignore[reportUnusedFunction]
        return _answer_invalid(error)

    @app.exception_handler(Exception)
    def failed(request: Request, error: Exception) -> Response:  # pyright: ignore[reportUnusedFunction]
        _log.error("%s %s failed: %r", request.method, request.url.path, error)
        return failure(
            code="internal",
            message="ImaLink failed at this; it is a bug. The log of the server says more.",
            status=500,
        )


def _answer_invalid(error: RequestValidationError) -> Response:
    """Name each field that is not as it should be, and the rule it breaks."""
    problems = error.errors()
    if any(problem["type"] == "json_invalid" for problem in problems):
        return failure(code="invalid-json", message="The body is no JSON.", status=400)
    fields = [
        {
            "field": ".".join(json_text(str(part)) for part in problem["loc"]),
            "rule": str(problem["type"]),
            "message": json_text(str(problem["msg"])),
        }
        for problem in problems
    ]
    message = "; ".join(f"{each['field']}: {each['message']}" for each in fields)
    return failure(code="invalid", message=message, status=422, details={"fields": fields})
