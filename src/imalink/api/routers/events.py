"""``/events``: a socket over which the server tells what changes, as it changes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

import msgspec
from fastapi import APIRouter, WebSocket
from starlette.websockets import WebSocketDisconnect

from imalink.api.context import Right, Server
from imalink.api.hiding import job_words
from imalink.errors import AccessError, ImalinkError
from imalink.runtime.events import EventKind, Listener
from imalink.runtime.library_watch import snapshot

router = APIRouter(tags=["events"])

MAX_SOCKETS = 100
ASKED_AGAIN_SECONDS = 30.0
"""A socket stays open long: so often it is asked anew whether it may."""
_REFUSED, _TOO_MANY = 1008, 1013


@router.websocket("/events")
async def tell_events(socket: WebSocket) -> None:
    """Tell a snapshot, then `job`, `photo`, `storage` and `library` events, each `{"event", "data"}`.

    After `resync`, which means that some were lost because they were not read, comes a snapshot again.
    """
    server: object = socket.app.state.server
    assert isinstance(server, Server)
    try:
        await _ask_gate(socket)
    except ImalinkError as error:
        await socket.close(_REFUSED, error.code)  # before it is accepted: the caller sees 403
        return
    await socket.accept()
    hub = server.live.hub
    if hub.listener_count >= MAX_SOCKETS:
        await socket.close(_TOO_MANY, "Too many listen already.")
        return
    arrived, loop = asyncio.Event(), asyncio.get_running_loop()

    def wake() -> None:
        with suppress(RuntimeError):  # the server has ended meanwhile
            loop.call_soon_threadsafe(arrived.set)

    with hub.listen(on_arrival=wake) as listener:
        gone = asyncio.create_task(_until_gone(socket))
        telling = asyncio.create_task(_tell(socket, server, listener, arrived))
        ending = asyncio.create_task(_until_refused(socket))
        tasks = (gone, telling, ending)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, WebSocketDisconnect | RuntimeError | OSError):
            raise result


async def _tell(socket: WebSocket, server: Server, listener: Listener, arrived: asyncio.Event) -> None:
    await _tell_all(socket, server)
    while True:
        await arrived.wait()
        arrived.clear()
        for event in listener.fetch():
            is_job = event.kind is EventKind.JOB
            data = await asyncio.to_thread(job_words, socket, event.data) if is_job else event.data
            await _send(socket, event.kind.value, data)
            if event.kind is EventKind.RESYNC:
                await _tell_all(socket, server)


async def _tell_all(socket: WebSocket, server: Server) -> None:
    # The database may have to be waited for; the loop, which everybody shares, must not.
    await _send(socket, "snapshot", await asyncio.to_thread(snapshot, server.tools, server.live.jobs))


async def _send(socket: WebSocket, event: str, data: Mapping[str, object]) -> None:
    await socket.send_text(msgspec.json.encode({"event": event, "data": data}).decode())


async def _ask_gate(socket: WebSocket) -> None:
    """Ask whether who listens may do so. Raises ImalinkError."""
    # It looks into the database, for which the loop must not wait.
    socket.state.asker = await asyncio.to_thread(socket.app.state.gate, socket, Right.READ)


async def _until_refused(socket: WebSocket) -> None:
    """Wait until who listens may do so no more, as after a logout, and close the socket then."""
    while True:
        await asyncio.sleep(ASKED_AGAIN_SECONDS)
        try:
            await _ask_gate(socket)
        except AccessError as error:
            await socket.close(_REFUSED, error.code)
            return
        except ImalinkError:
            continue  # the catalog cannot be read at this moment


async def _until_gone(socket: WebSocket) -> None:
    """Wait for the other side to leave; whatever it says is not listened to."""
    while True:
        await socket.receive_text()
