"""The short way to previews by their address: hundreds of them make one screen of the gallery.

It stands behind all guards, asks the same gate as the route of the same address, and answers as that does. It leaves
out only what costs most: routing, and reading of parameters. Addresses that name no preview go to the route.
"""

from __future__ import annotations

import asyncio

from fastapi import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from imalink.api.account_gate import AccountGate
from imalink.api.context import Gate, Right, Server
from imalink.api.errors import answer_error
from imalink.api.hiding import words_for
from imalink.api.routers.previews import ADDRESS, preview_answer, send_preview, shown_at
from imalink.core.preview_key import PreviewKey
from imalink.errors import ImalinkError

_ROUTE = Route(ADDRESS, send_preview)
"""Only its pattern is asked for, by whoever counts requests."""


class PreviewShortcut:
    """Sends previews; every other request goes on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        key = _key_of(scope)
        if key is None:
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        server: Server = scope["app"].state.server
        gate: Gate = scope["app"].state.gate
        loop, previews = asyncio.get_running_loop(), server.previews
        asker = gate.find_recent(request) if isinstance(gate, AccountGate) else None
        if asker is None or not asker.right.covers(Right.READ):
            try:
                asker = await loop.run_in_executor(previews.lookers, gate, request, Right.READ)
            except ImalinkError as error:
                told = await loop.run_in_executor(previews.lookers, _tell, request, error)
                await told(scope, receive, send)
                return
        request.state.asker = asker
        scope["route"] = _ROUTE
        try:
            shown = await shown_at(server, key)
        except ImalinkError as error:
            told = await loop.run_in_executor(previews.lookers, _tell, request, error)
            await told(scope, receive, send)
            return
        await preview_answer(request, shown, key)(scope, receive, send)


def _tell(request: Request, error: ImalinkError) -> Response:
    return answer_error(error, tell=words_for(request))


def _key_of(scope: Scope) -> PreviewKey | None:
    if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith("/p/"):
        return None
    parts = scope["path"].split("/")
    if len(parts) != 5 or not parts[4].endswith(".jpg"):
        return None
    key = PreviewKey.parse(hothash=parts[2], rendition=parts[3], size=parts[4].removesuffix(".jpg"))
    return key if key is not None and key.is_lasting else None
