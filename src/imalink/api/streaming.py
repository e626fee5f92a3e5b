"""Sending an open file: whole or in parts, as the caller asked for by Range, and never more than five parts.

RFC 9110, sections 13 and 14. The file is read in threads, piece by piece, so that no caller keeps others waiting.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from functools import partial
from urllib.parse import quote

from anyio import CancelScope, to_thread
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from imalink.api.envelope import failure
from imalink.api.heads import IS_HEAD

MAX_PARTS = 5
_CHUNK_BYTES = 256 * 1024
_MAX_RANGE_CHARACTERS = 256
_PART = re.compile(r"[ \t]*(?:([0-9]{1,18})-([0-9]{1,18})?|-([0-9]{1,18}))[ \t]*")

_MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "GIF": "image/gif",
    "WEBP": "image/webp",
    "TIFF": "image/tiff",
    "HEIC": "image/heic",
    "AVIF": "image/avif",
    "JXL": "image/jxl",
    "MP4": "video/mp4",
    "MOV": "video/quicktime",
}
_OPAQUE = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class SentFile:
    """An open file to be sent; ``held`` is closed when it has been, or when the caller has left."""

    descriptor: int
    size_bytes: int
    modified_ns: int
    etag: str
    filename: str
    file_format: str
    held: ExitStack


class FileAnswer(Response):
    """Sends a file, the parts of it that were asked for, or word that the caller has it already."""

    def __init__(self, file: SentFile) -> None:
        super().__init__()
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send what the request's headers ask for."""
        try:
            await self._answer(scope, receive, send)
        finally:
            with CancelScope(shield=True):
                await to_thread.run_sync(self._file.held.close)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        file, asked = self._file, Headers(scope=scope)
        headers = self._headers()
        if is_known(asked, file):
            await Response(status_code=304, headers=headers)(scope, receive, send)
            return
        wanted = asked.get("range")
        if wanted is not None and asked.get("if-range") in (None, headers["etag"], headers["last-modified"]):
            parts = parse_range(wanted, file.size_bytes)
            if parts == ():
                refusal = failure(
                    code="no-such-part",
                    message=f"The file has {file.size_bytes:,} bytes; the part that was asked for lies outside.",
                    status=416,
                    headers={"content-range": f"bytes */{file.size_bytes}"},
                )
                await refusal(scope, receive, send)
                return
            if parts is not None:
                await self._send_parts(scope, send, headers, parts)
                return
        headers["content-length"] = str(file.size_bytes)
        await _start(send, 200, headers)
        await self._send_bytes(send, [(b"", 0, file.size_bytes)], has_body=not scope.get(IS_HEAD))

    def _headers(self) -> dict[str, str]:
        file = self._file
        # A file from a storage is never shown as a page: what is no picture or film is only to be saved.
        media_type = _MEDIA_TYPES.get(file.file_format, _OPAQUE)
        disposition = "attachment" if media_type == _OPAQUE else "inline"
        return {
            "content-type": media_type,
            "content-disposition": f"{disposition}; filename*=UTF-8''{quote(os.fsencode(file.filename), safe='')}",
            "etag": f'"{file.etag}"',
            "last-modified": formatdate(file.modified_ns // 1_000_000_000, usegmt=True),
            "accept-ranges": "bytes",
            "cache-control": "private, no-cache",
        }

    async def _send_parts(
        self, scope: Scope, send: Send, headers: dict[str, str], parts: Sequence[tuple[int, int]]
    ) -> None:
        size, has_body = self._file.size_bytes, not scope.get(IS_HEAD)
        if len(parts) == 1:
            [(first, last)] = parts
            headers |= {"content-range": f"bytes {first}-{last}/{size}", "content-length": str(last - first + 1)}
            await _start(send, 206, headers)
            await self._send_bytes(send, [(b"", first, last + 1)], has_body=has_body)
            return
        boundary = secrets.token_hex(16)
        pieces: list[tuple[bytes, int, int]] = []
        for first, last in parts:
            head = (
                f"\r\n--{boundary}\r\nContent-Type: {headers['content-type']}\r\n"
                f"Content-Range: bytes {first}-{last}/{size}\r\n\r\n"
            )
            pieces.append((head.encode("ascii"), first, last + 1))
        pieces.append((f"\r\n--{boundary}--\r\n".encode("ascii"), 0, 0))
        headers["content-type"] = f"multipart/byteranges; boundary={boundary}"
        headers["content-length"] = str(sum(len(head) + end - first for head, first, end in pieces))
        await _start(send, 206, headers)
        await self._send_bytes(send, pieces, has_body=has_body)

    async def _send_bytes(self, send: Send, pieces: Sequence[tuple[bytes, int, int]], *, has_body: bool) -> None:
        """Send each piece: its head, then the bytes of the file from one place up to another."""
        for head, offset, end in pieces if has_body else ():
            if head:
                await send({"type": "http.response.body", "body": head, "more_body": True})
            while offset < end:
                read = partial(os.pread, self._file.descriptor, min(_CHUNK_BYTES, end - offset), offset)
                chunk = await to_thread.run_sync(read)
                if not chunk:
                    # It became shorter meanwhile; ending early tells the caller that something is missing.
                    raise OSError("the file ended before its size")
                offset += len(chunk)
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def is_known(asked: Headers, file: SentFile) -> bool:
    """Tell whether the caller says that it has the file as it is."""
    tags = asked.get("if-none-match")
    if tags is not None:
        known = {tag.strip().removeprefix("W/") for tag in tags.split(",")}
        return "*" in known or f'"{file.etag}"' in known
    since = asked.get("if-modified-since")
    if since is None:
        return False
    try:
        return file.modified_ns // 1_000_000_000 <= parsedate_to_datetime(since).timestamp()
    except (ValueError, TypeError, OverflowError):
        return False


def parse_range(text: str, size_bytes: int) -> tuple[tuple[int, int], ...] | None:
    """Give the parts of a file that a Range header asks for, each with its first and last byte.

    Empty when none of them lies in the file; None for a header to be passed over: of another unit, malformed, or asking
    for more parts than five, or for overlapping ones (no reader of pictures does).
    """
    unit, _, wanted = text.partition("=")
    if unit.strip().lower() != "bytes" or len(text) > _MAX_RANGE_CHARACTERS or wanted.count(",") >= MAX_PARTS:
        return None
    parts: list[tuple[int, int]] = []
    for each in wanted.split(","):
        match = _PART.fullmatch(each)
        if match is None:
            return None
        first, last, ending = match.groups()
        if ending is not None:
            part = (max(0, size_bytes - int(ending)), size_bytes - 1)
            is_in_file = int(ending) > 0 and size_bytes > 0
        else:
            part = (int(first), min(size_bytes - 1, int(last) if last is not None else size_bytes - 1))
            if last is not None and int(last) < int(first):
                return None
            is_in_file = part[0] < size_bytes
        if is_in_file:
            parts.append(part)
    ordered = sorted(parts)
    if any(one[1] >= two[0] for one, two in zip(ordered, ordered[1:], strict=False)):
        return None
    return tuple(parts)


async def _start(send: Send, status: int, headers: dict[str, str]) -> None:
    raw = [(name.encode("ascii"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
