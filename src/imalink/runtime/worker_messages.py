"""What a parent and its decode worker say to each other over their socket, and how it is framed.

A worker reads hostile files, so its answers are data of a known shape, capped in size, and never pickles.
"""

from __future__ import annotations

import socket
from typing import Final, Literal, TypeAlias

import msgspec

from imalink.core.analyser import Analysis, PreviewResult

READY: Final = b"\x06"
"""What a worker sends before all else, once it is up and contained."""

LENGTH_BYTES: Final = 4
REQUEST_LIMIT: Final = 64 * 1024
ANSWER_LIMIT: Final = 64 * 1024 * 1024


class BrokenConversationError(Exception):
    """The other side is gone, or says what it may not. Never leaves ``imalink.runtime``."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker may use: address space in all, processor time for a file, pixels of a picture.

    ``niceness``, from 0 to 19, says how far it lets others have the processor first.
    """

    address_space_bytes: int
    cpu_seconds: int
    pixel_limit: int
    niceness: int = 0


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One file's task; the descriptor travels beside it. ``filename`` is as the file system spells it."""

    task: Literal["analyse", "describe", "coldpreview"]
    filename: bytes
    rotation: int = 0


class Analysed(msgspec.Struct, frozen=True, kw_only=True, tag="analysed"):
    """The answer to ``analyse`` and ``describe``."""

    analysis: Analysis


class Previewed(msgspec.Struct, frozen=True, kw_only=True, tag="previewed"):
    """The answer to ``coldpreview``."""

    result: PreviewResult


class Unreadable(msgspec.Struct, frozen=True, kw_only=True, tag="unreadable"):
    """The disk gave an error: its number and text."""

    number: int
    text: str


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag="failed"):
    """Our own code raised: a bug, or memory that ran out. The worker ends after it."""

    trace: str


Answer: TypeAlias = Analysed | Previewed | Unreadable | Failed

_ENCODER: Final = msgspec.msgpack.Encoder()
_REQUESTS: Final = msgspec.msgpack.Decoder(Request)
_ANSWERS: Final = msgspec.msgpack.Decoder[Answer](Answer)


def framed(message: Request | Answer) -> bytes:
    """Give a message's bytes with its length before it."""
    data = _ENCODER.encode(message)
    return len(data).to_bytes(LENGTH_BYTES, "big") + data


def parse_request(data: bytes) -> Request:
    """Read a request. Raises BrokenConversationError."""
    try:
        return _REQUESTS.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BrokenConversationError(str(error)) from error


def parse_answer(data: bytes) -> Answer:
    """Read an answer. Raises BrokenConversationError."""
    try:
        return _ANSWERS.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
        raise BrokenConversationError(str(error)) from error


def checked_length(prefix: bytes, limit: int) -> int:
    """Give the length a frame's first bytes announce. Raises BrokenConversationError."""
    length = int.from_bytes(prefix, "big")
    if len(prefix) != LENGTH_BYTES or length > limit:
        raise BrokenConversationError("a frame of an impossible length")
    return length


def receive_exactly(connection: socket.socket, length: int) -> bytes:
    """Receive ``length`` bytes. Raises BrokenConversationError when the other side is gone, OSError."""
    pieces: list[bytes] = []
    while length:
        piece = connection.recv(min(length, 1024 * 1024))
        if not piece:
            raise BrokenConversationError("the other side is gone")
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)
