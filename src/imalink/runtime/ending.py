"""How a server ends: work is told to stop at the first signal, before the connections are waited for."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Final, cast

import uvicorn

ENDING_SECONDS: Final = 2
"""So long may requests take that are under way; then they are given up, and told so."""


class EndingServer(uvicorn.Server):
    """Uvicorn, which by itself lets jobs work on until nobody waits for them any more.

    Calls ``state.begin_ending`` of the application, where it has one, in a thread.
    """

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Have work stop, and answer who waits for it; then end."""
        application = cast("object", self.config.loaded_app)  # pyright: ignore[reportUnknownMemberType]  # any server's
        state: object = getattr(application, "state", None)
        begin = cast("Callable[[], None] | None", getattr(state, "begin_ending", None))
        stopping = None if begin is None else asyncio.get_running_loop().run_in_executor(None, begin)
        await super().shutdown(sockets)
        if stopping is not None:
            await stopping
