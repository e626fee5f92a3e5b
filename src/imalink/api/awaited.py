"""Long work over HTTP: done as a job, and answered when it is done, or at once where that is preferred."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Annotated

from fastapi import Header
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from imalink.api.context import Server
from imalink.api.envelope import success
from imalink.api.schemas.envelope import Success
from imalink.api.schemas.jobs import AcceptedJob
from imalink.api.work import Planned
from imalink.runtime.job_words import job_json
from imalink.runtime.jobs import JobHandle

WAITED = "imalink_waited_for_job"
"""In the state of a request that was answered when its job was over."""

Prefer = Annotated[
    str | None,
    Header(
        max_length=500,
        description="`respond-async`: answer at once with 202 and the job, instead of when the work is done.",
        examples=["respond-async"],
    ),
]

ACCEPTED: dict[int | str, dict[str, object]] = {
    202: {"model": Success[AcceptedJob], "description": "Only with `Prefer: respond-async`: the job that does it."}
}

Spell = Callable[[Mapping[str, object]], Response]


def answered(server: Server, planned: Planned, prefer: str | None, *, spell: Spell = success) -> Response:
    """Have something done as a job, and answer with its result; the same request that is under way is waited for.

    The work goes on if whoever asked leaves. Raises TooManyJobsError, CatalogError; what the work raises comes with
    the answer.
    """
    handle = server.live.jobs.submit(planned.asked, planned.work)
    return accepted(handle) if prefers_async(prefer) else JobAnswer(handle, spell)


def accepted(handle: JobHandle) -> Response:
    """Answer with the job that does what was asked for."""
    answer = success({"job": job_json(handle.job)}, status=202)
    answer.headers["location"] = f"/api/v1/jobs/{handle.job_id}"
    answer.headers["preference-applied"] = "respond-async"
    return answer


def prefers_async(prefer: str | None) -> bool:
    """Tell whether a ``Prefer`` header asks not to wait (RFC 7240)."""
    wishes = (wish.partition(";")[0].partition("=")[0] for wish in (prefer or "").split(","))
    return any(wish.strip().lower() == "respond-async" for wish in wishes)


class JobAnswer(Response):
    """The answer to a request whose work is a job: it waits for that without keeping a thread."""

    def __init__(self, handle: JobHandle, spell: Spell) -> None:
        super().__init__()
        self._handle = handle
        self._spell = spell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait, then answer with the report. Raises what the work raised, for which there are answers too."""
        over, loop = asyncio.Event(), asyncio.get_running_loop()

        def tell() -> None:
            with suppress(RuntimeError):  # the server has ended meanwhile
                loop.call_soon_threadsafe(over.set)

        self._handle.when_over(tell)
        try:
            await over.wait()
        except asyncio.CancelledError as cancelled:  # the server ends, and the job does not stop in time
            raise self._handle.ending() from cancelled
        scope.setdefault("state", {})[WAITED] = True
        await self._spell(self._handle.result())(scope, receive, send)
