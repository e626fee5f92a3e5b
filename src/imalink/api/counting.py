"""Counts how long each kind of request takes, by the pattern of its route."""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imalink.api.awaited import WAITED
from imalink.runtime.metrics import Metrics


class CountRequests:
    """Stands innermost, where the route that answered is known afterwards."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and count how it was answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, began = 500, time.monotonic()

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        finally:
            route = scope.get("route")
            self._metrics.count_request(
                method=scope["method"] if scope["method"] in _METHODS else "other",
                path=getattr(route, "path", "") or "(none)",
                status=status,
                seconds=time.monotonic() - began,
                is_waiting=bool(scope.get("state", {}).get(WAITED)),
            )


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
