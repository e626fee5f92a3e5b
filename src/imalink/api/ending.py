"""What requests are told that the end of the server finds unanswered."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imalink.api.errors import answer_error
from imalink.errors import ServerEndingError


class AnswerAtTheEnd:
    """Answers a request that is given up because the server ends with 503, in the one shape of errors."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on. One that was begun to be answered breaks off: its length tells that it is not whole."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def send_noting(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        except asyncio.CancelledError:
            if has_begun:
                return
            error = ServerEndingError(
                "ImaLink is ending; what was asked for was not done.", hint="Ask again when it runs again."
            )
            await answer_error(error)(scope, receive, send)
