"""``/export``: copies of pictures, into a folder of the server's machine or as one archive file."""

from __future__ import annotations

import threading
from collections.abc import Generator
from typing import Final

from anyio import CancelScope, to_thread
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from imalink.api.awaited import ACCEPTED, Prefer, answered
from imalink.api.context import Asked, Right, needs, require
from imalink.api.export_work import export_request, exporting
from imalink.api.schemas.envelope import Success, answers
from imalink.api.schemas.exports import Exported, Exporting
from imalink.core.timestamps import Clock
from imalink.errors import TooManyJobsError
from imalink.workflows.export_pictures import iter_archive, plan_export

router = APIRouter(prefix="/export", tags=["export"])
_READ = [Depends(needs(Right.READ))]
MAX_ARCHIVES: Final = 4
"""So many archive files are made at a time."""
_places = threading.BoundedSemaphore(MAX_ARCHIVES)
_ANSWERS = answers(Success[Exported], 409, 503, 507) | ACCEPTED
_ANSWERS[200] = {
    **_ANSWERS[200],
    "description": "What was written to the folder; without a folder, a ZIP file.",
    "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
}


@router.post("", dependencies=_READ, responses=_ANSWERS)
def export(server: Asked, request: Request, body: Exporting, prefer: Prefer = None) -> Response:
    """Export pictures: as a ZIP file that is made while it is sent; or to a folder, every copy read back, as a job.

    Whoever may read may have a ZIP file; to write to a folder one must be allowed to edit. Which files could not be
    had, and which are not as the index knows them, stands in `imalink-export.json` inside.
    """
    if body.destination is not None:
        require(request, Right.EDIT)
    wanted = export_request(body)
    if body.destination is not None:
        return answered(server, exporting(server, wanted, body, body.destination), prefer)
    pieces = iter_archive(server.tools, plan_export(server.tools, wanted))
    if not _places.acquire(blocking=False):
        raise TooManyJobsError(
            f"{MAX_ARCHIVES} archive files are being made already.", hint="Ask again when one is done."
        )
    return ArchiveAnswer(pieces, clock=server.tools.clock)


class ArchiveAnswer(Response):
    """Sends an archive file as it is made, no faster than it is taken."""

    def __init__(self, pieces: Generator[bytes], *, clock: Clock) -> None:
        super().__init__()
        self._pieces = pieces
        self._name = f"imalink-export-{clock.now():%Y%m%dT%H%M%SZ}.zip"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it. Where a file cannot be read to its end the connection breaks, so the caller sees what it has."""
        try:
            headers = [
                (b"content-type", b"application/zip"),
                (b"content-disposition", f'attachment; filename="{self._name}"'.encode()),
            ]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            while (piece := await to_thread.run_sync(next, self._pieces, None)) is not None:
                if piece:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            _places.release()
            with CancelScope(shield=True):
                await to_thread.run_sync(self._pieces.close)
