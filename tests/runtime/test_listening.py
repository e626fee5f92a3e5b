"""The sockets the server listens on."""

from __future__ import annotations

import asyncio
import socket

from imalink.runtime.listening import listening_sockets


def test_an_answer_in_two_pieces_is_sent_without_a_delay() -> None:
    found: list[int] = []

    async def serve(sockets: list[socket.socket]) -> None:
        async def note(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted = writer.get_extra_info("socket")
            found.append(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        server = await asyncio.start_server(note, sock=sockets[0])
        reader, writer = await asyncio.open_connection(*sockets[0].getsockname()[:2])
        await reader.read()
        writer.close()
        server.close()

    with listening_sockets("localhost", 0) as sockets:
        asyncio.run(serve(sockets))
    assert found
    assert found[0] != 0
