"""``/import-sessions/{session}/upload``: files that a browser or a script sends, imported like those of any folder."""

from __future__ import annotations

import re
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Annotated, Final, Literal

from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Request
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from imalink.answers import json_text
from imalink.api import work
from imalink.api.awaited import ACCEPTED, JobAnswer, Prefer, accepted, prefers_async
from imalink.api.context import Asked, Right, Server, needs, session_text
from imalink.api.envelope import failure, success
from imalink.api.errors import answer_error
from imalink.api.hiding import words_for
from imalink.api.parameters import SessionKey
from imalink.api.receiving import Receiver, receive_body, receive_form
from imalink.api.schemas.envelope import Success, answers
from imalink.api.schemas.sessions import Discarded, ImportingUploads, UploadAnswer, UploadList
from imalink.catalog.import_sessions import SessionRecord
from imalink.core.ids import Sha256
from imalink.errors import ImalinkError, TooManyJobsError, UsageError, of_field
from imalink.storage.uploads import UploadedFile
from imalink.workflows.look_at_sessions import get_session
from imalink.workflows.upload_files import (
    OpenUploads,
    discard_uploads,
    list_uploads,
    open_uploads,
    parse_upload_path,
)

router = APIRouter(prefix="/import-sessions/{session}/upload", tags=["import-sessions"])
_READ = [Depends(needs(Right.READ))]
_EDIT = [Depends(needs(Right.EDIT))]
MAX_UPLOADS: Final = 16
"""So many requests may send files at a time."""
_places = threading.BoundedSemaphore(MAX_UPLOADS)

_BODY: dict[str, object] = {
    "requestBody": {
        "required": False,
        "description": "Any number of files as a form; or one file as it is, with its name in `path`.",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "sha256": {"type": "string", "description": "Of the next file; it is compared."},
                        "modified_ms": {
                            "type": "string",
                            "description": "When the next file was changed, in milliseconds since 1970.",
                        },
                        "path": {"type": "string", "description": "Of the next file, instead of its file name."},
                        "file": {"type": "array", "items": {"type": "string", "format": "binary"}},
                    },
                }
            },
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


@router.post(
    "",
    dependencies=_EDIT,
    responses=answers(Success[UploadAnswer], 409, 423, 503, 507) | ACCEPTED,
    openapi_extra=_BODY,
)
async def upload(
    server: Asked,
    request: Request,
    session: SessionKey,
    path: Annotated[
        str | None,
        Query(max_length=4096, examples=["DCIM/IMG_0001.JPG"], description="The name of the file that is the body."),
    ] = None,
    sha256: Annotated[str | None, Query(max_length=64, description="What the file must have.")] = None,
    modified_ms: Annotated[
        int | None, Query(ge=0, le=10**14, description="When it was changed, in milliseconds since 1970.")
    ] = None,
    then_import: Annotated[
        bool, Query(alias="import", description="False: only keep them; a later request imports all that came.")
    ] = True,
    organize: Annotated[str, Query(max_length=500, description="As for `import`.")] = "keep",
    duplicates: Annotated[
        Literal["skip", "keep-both", "replace"], Query(description="What is done with what is archived already.")
    ] = "skip",
    author_id: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Who took the pictures.")] = None,
    include_deleted: Annotated[bool, Query(description="Take in again what was deleted before.")] = False,
    prefer: Prefer = None,
) -> Response:
    """Take files in and import them into a session, like those of a folder: copied, verified, indexed.

    They wait on the storage's own disk until the import has archived them. A file counts once it is whole: after an
    interruption send what is not in the list (`GET`), then anything with `import=true`, or nothing at all.
    """
    known = await to_thread.run_sync(get_session, server.tools, session_text(session))
    body = ImportingUploads(
        organize=organize, duplicates=duplicates, author_id=author_id, include_deleted=include_deleted
    )
    came: list[UploadedFile] = []
    try:
        with _place():
            await _receive(server, request, known, came, path=path, sha256=sha256, modified_ms=modified_ms)
    except ImalinkError as error:
        answer = await to_thread.run_sync(_told, request, error)
        answer.headers["connection"] = "close"  # what is still to come is not read
        return answer
    except ClientDisconnect:
        return failure(code="gone", message="The sender has gone.", status=400)
    files = [_received(file) for file in came]
    if not then_import:
        return success({"files": files, "imported": None})
    planned = await to_thread.run_sync(partial(work.importing_uploads, server, known, body, came=len(came)))
    handle = await to_thread.run_sync(server.live.jobs.submit, planned.asked, planned.work)
    if prefers_async(prefer):
        return accepted(handle)

    def told(report: Mapping[str, object]) -> Response:
        return success({"files": files, "imported": report})

    return JobAnswer(handle, told)


@router.get("", dependencies=_READ, responses=answers(Success[UploadList], 409, 423, 503))
def show_uploads(server: Asked, session: SessionKey) -> Response:
    """List the files that came whole and wait for their import, by path."""
    known = get_session(server.tools, session_text(session))
    return success({"files": [_uploaded(file) for file in list_uploads(server.tools, known)]})


@router.delete("", dependencies=_EDIT, responses=answers(Success[Discarded], 409, 423, 503, 507))
def discard(server: Asked, session: SessionKey) -> Response:
    """Throw away the files that wait; nothing that was imported is touched."""
    known = get_session(server.tools, session_text(session))
    return success({"discarded": discard_uploads(server.tools, known)})


def _told(request: Request, error: ImalinkError) -> Response:
    return answer_error(error, tell=words_for(request))


async def _receive(
    server: Server,
    request: Request,
    known: SessionRecord,
    came: list[UploadedFile],
    *,
    path: str | None,
    sha256: str | None,
    modified_ms: int | None,
) -> None:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    length = request.headers.get("content-length", "")
    is_form = content_type == "multipart/form-data"
    if not is_form and path is None:
        if length in ("", "0"):
            return  # nothing is sent: only what came before is to be imported
        raise UsageError(
            "The body has no name. Nothing was kept.", hint="Give path, or send a form.", field="query.path"
        )
    # Held by hand: opening asks the disk, and must not be done here.
    holding = open_uploads(server.tools, known)
    opened: OpenUploads = await to_thread.run_sync(holding.__enter__)
    try:
        await to_thread.run_sync(opened.require_room, int(length) if length.isdecimal() else None)
        if is_form:
            await receive_form(request, lambda name, fields: _of_form(opened, name, fields), came.append)
        elif path is not None:
            named = path
            came.append(await receive_body(request, lambda: _receiver(opened, named, sha256, modified_ms)))
    finally:
        await to_thread.run_sync(holding.__exit__, None, None, None)


def _of_form(opened: OpenUploads, name: str, fields: Mapping[str, str]) -> Receiver:
    told = fields.get("modified_ms", "")
    if told and not (told.isascii() and told.isdecimal() and len(told) <= 14):
        raise UsageError("modified_ms is no number of milliseconds. The file was not kept.", field="body.modified_ms")
    return _receiver(
        opened, fields.get("path") or name, fields.get("sha256"), int(told) if told else None, where="body."
    )


def _receiver(
    opened: OpenUploads, name: str, sha256: str | None, modified_ms: int | None, *, where: str = "query."
) -> Receiver:
    wanted: Sha256 | None = None
    if sha256:
        if not re.fullmatch("[0-9a-fA-F]{64}", sha256):
            raise UsageError("sha256 has 64 hexadecimal digits. The file was not kept.", field=f"{where}sha256")
        wanted = Sha256(sha256.lower())
    modified_ns = None if modified_ms is None else modified_ms * 1_000_000
    with of_field(f"{where}path"):
        return opened.uploads.receive(parse_upload_path(name), sha256=wanted, modified_ns=modified_ns)


@contextmanager
def _place() -> Generator[None]:
    if not _places.acquire(blocking=False):
        raise TooManyJobsError(
            f"{MAX_UPLOADS} uploads are coming in already. Nothing was kept.", hint="Send it again in a while."
        )
    try:
        yield
    finally:
        _places.release()


def _uploaded(file: UploadedFile) -> dict[str, object]:
    return {"path": json_text(file.path), "size_bytes": file.size_bytes, "sha256": file.sha256}


def _received(file: UploadedFile) -> dict[str, object]:
    return {**_uploaded(file), "was_there": file.was_there}
