"""Connections over which a request does not come in time: closed, so that nobody keeps them all by saying nothing."""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 20.0
"""So long may a request line and its headers take, from the first word of a connection or of a further request on."""


class TimedConnection(H11Protocol):
    """Uvicorn's protocol, which by itself waits for ever for the first request, or the rest of its headers."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Read on; wait no longer once the head is there."""
        super().data_received(data)
        if self._has_head():
            self._wait_no_more()
        elif self._waiting is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._wait_no_more()
        super().connection_lost(exc)

    def _has_head(self) -> bool:
        if self.transport.is_closing() or self.transport.get_protocol() is not self:
            return True  # it ends, or is a socket by now
        return self.conn.their_state is not h11.IDLE

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _wait_no_more(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        self._waiting = None
        if not self._has_head():
            self.transport.close()
