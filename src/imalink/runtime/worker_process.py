"""The program of a decode worker: take a file's descriptor, answer what the picture is, over and over.

``Worker`` starts it with where the package is, the number of its socket, and its limits. It ends when its parent does.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import threading
import traceback
from typing import Final, NoReturn

import msgspec

from imalink.media.analyser import PictureAnalyser
from imalink.runtime.worker_limits import allow_cpu_seconds, contain
from imalink.runtime.worker_messages import (
    LENGTH_BYTES,
    READY,
    REQUEST_LIMIT,
    Analysed,
    Answer,
    BrokenConversationError,
    Failed,
    Limits,
    Previewed,
    Request,
    Unreadable,
    checked_length,
    framed,
    parse_request,
    receive_exactly,
)

_LOOK_FOR_PARENT_MS: Final = 2_000


def main() -> None:
    """Serve the socket whose number is the second argument, within the limits that are the third."""
    connection = socket.socket(fileno=int(sys.argv[2]))
    limits = msgspec.json.decode(sys.argv[3], type=Limits)
    contain(limits)
    threading.Thread(target=_end_with_parent, args=(connection.fileno(), os.getppid()), daemon=True).start()
    analyser = PictureAnalyser(pixel_limit=limits.pixel_limit)
    connection.sendall(READY)
    while True:
        try:
            request, descriptor = _receive(connection)
        except (BrokenConversationError, OSError):
            _leave(0)
        allow_cpu_seconds(limits.cpu_seconds)
        answer = _answer(analyser, request, descriptor)
        os.close(descriptor)
        try:
            connection.sendall(framed(answer))
        except OSError:
            _leave(0)
        if isinstance(answer, Failed):
            _leave(1)


def _answer(analyser: PictureAnalyser, request: Request, descriptor: int) -> Answer:
    filename = os.fsdecode(request.filename)
    try:
        if request.task == "coldpreview":
            return Previewed(result=analyser.coldpreview(descriptor, filename=filename, rotation=request.rotation))
        if request.task == "describe":
            return Analysed(analysis=analyser.describe(descriptor, filename=filename))
        return Analysed(analysis=analyser.analyse(descriptor, filename=filename))
    except OSError as error:
        return Unreadable(number=error.errno or 0, text=error.strerror or str(error))
    except Exception:  # noqa: BLE001 - the edge of this process: the parent logs it
        return Failed(trace=traceback.format_exc(limit=-20))


def _receive(connection: socket.socket) -> tuple[Request, int]:
    prefix, descriptors, _, _ = socket.recv_fds(connection, LENGTH_BYTES, 1)
    if not prefix or len(descriptors) != 1:
        raise BrokenConversationError("no file came with the request")
    prefix += receive_exactly(connection, LENGTH_BYTES - len(prefix))
    length = checked_length(prefix, REQUEST_LIMIT)
    return parse_request(receive_exactly(connection, length)), descriptors[0]


def _end_with_parent(connection: int, parent: int) -> None:
    """End this process as soon as the parent is gone, whatever the main thread decodes."""
    poll = select.poll()
    poll.register(connection, 0)  # only that the other side hung up
    while os.getppid() == parent:
        if poll.poll(_LOOK_FOR_PARENT_MS):
            break
    _leave(0)


def _leave(code: int) -> NoReturn:
    # At once: tearing the libraries down costs time, and a damaged heap may not survive it.
    os._exit(code)
