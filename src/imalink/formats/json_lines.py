"""JSON-Lines files that show a torn tail: each line is ``crc32 SP json LF``.

``crc32`` is eight lower-case hex digits over the JSON bytes. Everything from the first bad line on is void.
Format page: docs/format/commits-and-journals.md.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass

import msgspec

MAX_LINE_BYTES = 64 * 1024

FRAME_BYTES = 10
"""What a line has around its payload: eight digits, a space, a newline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """The good lines of a file, as JSON bytes, and how many bytes they take from the start."""

    lines: tuple[bytes, ...]
    good_bytes: int
    is_whole: bool


def frame_line(value: object) -> bytes:
    """Write one value as a framed line. Raises ValueError above 64 kB: the caller splits its items."""
    payload = msgspec.json.encode(value, order="sorted")
    if len(payload) > MAX_LINE_BYTES:
        raise ValueError(f"a line of {len(payload)} bytes is longer than {MAX_LINE_BYTES}")
    return b"%08x %b\n" % (zlib.crc32(payload), payload)


def parse_lines(data: bytes) -> Lines:
    """Read framed lines up to the first bad one."""
    lines: list[bytes] = []
    position = 0
    while position < len(data):
        end = data.find(b"\n", position, position + MAX_LINE_BYTES + 10)
        if end < 0 or data[position + 8 : position + 9] != b" ":
            break
        payload = data[position + 9 : end]
        if b"%08x" % zlib.crc32(payload) != data[position : position + 8]:
            break
        lines.append(payload)
        position = end + 1
    return Lines(lines=tuple(lines), good_bytes=position, is_whole=position == len(data))


def line_digest(payload: bytes) -> str:
    """Give the short digest that chains journal lines: 16 hex digits of the line's SHA-256."""
    return hashlib.sha256(payload).hexdigest()[:16]
