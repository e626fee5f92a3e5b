"""Receiving files over HTTP as they come, piece by piece: a form with many (RFC 7578), or a bare body that is one.

Nothing is held but the piece in hand; what is done with it is done in threads.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from functools import partial
from typing import Final, Protocol

from anyio import to_thread
from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from imalink.errors import UsageError
from imalink.storage.uploads import UploadedFile

IDLE_SECONDS: Final = 120.0
"""A client that sends nothing for so long has gone."""
MAX_FILES: Final = 10_000
_MAX_FIELD_BYTES: Final = 8192
_PIECE_BYTES: Final = 1024 * 1024


class Receiver(Protocol):
    """Takes one file: pieces, then its end or its abandonment; called in threads, one after the other."""

    def write(self, data: bytes) -> None:
        """Take a piece."""
        ...

    def finish(self) -> UploadedFile:
        """Tell that it is whole."""
        ...

    def abandon(self) -> None:
        """Throw away what came."""
        ...


Open = Callable[[str, dict[str, str]], Receiver]
"""Begins to take a file in, by its name and the form's fields before it."""


async def receive_body(request: Request, opened: Callable[[], Receiver]) -> UploadedFile:
    """Take the whole body for one file. Raises what the receiver raises, UsageError, ClientDisconnect."""
    taking = _Taking()
    try:
        await taking.begin(opened)
        async for chunk in _chunks(request):
            await taking.add(chunk)
        file = await taking.end()
    finally:
        await taking.abandon()
    return file


async def receive_form(request: Request, opened: Open, took: Callable[[UploadedFile], None]) -> None:
    """Take every file of a form; ``took`` is told of each that is whole. Raises as ``receive_body``."""
    form = _Form(request.headers.get("content-type", ""))
    taking = _Taking()
    fields: dict[str, str] = {}
    count = 0
    try:
        async for chunk in _chunks(request):
            for event, data in form.feed(chunk):
                if event == "file":
                    count += 1
                    if count > MAX_FILES:
                        raise UsageError(
                            f"A request has at most {MAX_FILES:,} files. Those before are kept.",
                            hint="Send the rest with a further request.",
                        )
                    await taking.begin(partial(opened, data.decode("utf-8", "surrogateescape"), fields))
                elif event == "data":
                    await taking.add(data)
                elif event == "field":
                    name, _, value = data.partition(b"\0")
                    fields[name.decode("latin-1")] = value.decode("utf-8", "replace").strip()
                else:
                    took(await taking.end())
                    fields = {}
        if not form.is_whole:
            raise UsageError("The form ends too early. The files before are kept.", hint="Send the rest again.")
    finally:
        await taking.abandon()


async def _chunks(request: Request) -> AsyncGenerator[bytes]:
    stream = request.stream()
    while True:
        try:
            chunk = await asyncio.wait_for(anext(stream), IDLE_SECONDS)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise ClientDisconnect from error
        if chunk:
            yield chunk


class _Taking:
    """The file that is coming in, if any: pieces are gathered and handed on by the megabyte."""

    def __init__(self) -> None:
        self._receiver: Receiver | None = None
        self._gathered = bytearray()

    async def begin(self, opened: Callable[[], Receiver]) -> None:
        self._receiver = await to_thread.run_sync(opened)

    async def add(self, data: bytes) -> None:
        self._gathered += data
        if len(self._gathered) >= _PIECE_BYTES:
            await self._hand_on()

    async def end(self) -> UploadedFile:
        await self._hand_on()
        receiver, self._receiver = self._receiver, None
        assert receiver is not None
        return await to_thread.run_sync(receiver.finish)

    async def abandon(self) -> None:
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            # Also while the request is being cancelled: nothing of a half file may stay.
            await asyncio.shield(asyncio.ensure_future(to_thread.run_sync(receiver.abandon)))

    async def _hand_on(self) -> None:
        piece, self._gathered = bytes(self._gathered), bytearray()
        if piece and self._receiver is not None:
            await to_thread.run_sync(self._receiver.write, piece)


class _Form:
    """A form taken apart: gives what each chunk of it brings, in order.

    Events: ``file`` with the name, ``data`` with a piece of the file, ``end``; ``field`` with name, NUL and value.
    """

    def __init__(self, content_type: str) -> None:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if kind != b"multipart/form-data" or not boundary:
            raise UsageError("The form has no boundary. Nothing was kept.", hint="Send multipart/form-data.")
        self.is_whole = False
        self._events: list[tuple[str, bytes]] = []
        self._header, self._value = bytearray(), bytearray()
        self._disposition = ""
        self._name, self._field = b"", bytearray()
        self._is_file = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begins,
                "on_header_field": lambda data, start, end: self._add(self._header, data[start:end]),
                "on_header_value": lambda data, start, end: self._add(self._value, data[start:end]),
                "on_header_end": self._header_ends,
                "on_headers_finished": self._headers_end,
                "on_part_data": lambda data, start, end: self._data(data[start:end]),
                "on_part_end": self._part_ends,
                "on_end": self._ends,
            },
        )

    def feed(self, chunk: bytes) -> list[tuple[str, bytes]]:
        """Give what this chunk brings. Raises UsageError."""
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise UsageError(f"The form is malformed: {error}.", hint="Send the rest again.") from error
        events, self._events = self._events, []
        return events

    def _add(self, to: bytearray, data: bytes) -> None:
        to += data
        if len(to) > _MAX_FIELD_BYTES:
            raise UsageError(f"A field of the form has more than {_MAX_FIELD_BYTES:,} bytes.")

    def _part_begins(self) -> None:
        self._disposition = ""
        self._name, self._field = b"", bytearray()

    def _header_ends(self) -> None:
        if bytes(self._header).lower() == b"content-disposition":
            self._disposition = self._value.decode("latin-1")
        self._header, self._value = bytearray(), bytearray()

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"")
        filename = options.get(b"filename")
        self._is_file = filename is not None
        if filename is not None:
            # What browsers spell so, by the HTML standard; everything else they send as it is.
            for spelt, meant in ((b"%22", b'"'), (b"%0D", b"\r"), (b"%0A", b"\n")):
                filename = filename.replace(spelt, meant)
            self._events.append(("file", filename))

    def _data(self, data: bytes) -> None:
        if self._is_file:
            self._events.append(("data", data))
        else:
            self._add(self._field, data)

    def _part_ends(self) -> None:
        self._events.append(("end", b"") if self._is_file else ("field", self._name + b"\0" + bytes(self._field)))

    def _ends(self) -> None:
        self.is_whole = True
