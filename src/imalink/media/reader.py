"""Give random access to a file's bytes without ever trusting a length found in them.

A file up to ``MEMORY_LIMIT`` is read once into memory; a larger one is read in windows by ``os.pread``. Nothing is
mapped: a user who truncates a mapped file would kill the process with SIGBUS.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, Protocol

from imalink.media.blocks import BrokenStructureError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MEMORY_LIMIT: Final = 64 * 1024 * 1024
_WINDOW: Final = 1024 * 1024
_HEAD_WINDOW: Final = 64 * 1024


class Reader(Protocol):
    """Random access to ``size`` bytes. Reading outside them raises BrokenStructureError, never gives less."""

    @property
    def size(self) -> int:
        """Give the number of bytes there are."""
        ...

    def read(self, offset: int, length: int) -> bytes:
        """Give exactly ``length`` bytes from ``offset``."""
        ...

    def search(self, pattern: re.Pattern[bytes], offset: int) -> int | None:
        """Give where a pattern of one or two bytes is first found at or after ``offset``."""
        ...

    def chunks(self, offset: int, length: int) -> Iterator[bytes | memoryview]:
        """Stream ``length`` bytes from ``offset`` in pieces fit for a hash."""
        ...


class MemoryReader:
    """Reads from bytes that are already in memory."""

    __slots__ = ("data", "size")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)

    def read(self, offset: int, length: int) -> bytes:
        """Give exactly ``length`` bytes from ``offset``. Raises BrokenStructureError."""
        _check_bounds(offset, length, self.size)
        return self.data[offset : offset + length]

    def search(self, pattern: re.Pattern[bytes], offset: int) -> int | None:
        """Give where the pattern is first found at or after ``offset``."""
        match = pattern.search(self.data, offset)
        return None if match is None else match.start()

    def chunks(self, offset: int, length: int) -> Iterator[bytes | memoryview]:
        """Give the bytes in one piece, without a copy. Raises BrokenStructureError."""
        _check_bounds(offset, length, self.size)
        yield memoryview(self.data)[offset : offset + length]


class DescriptorReader:
    """Reads windows of an open file by offset; the descriptor's position is neither used nor moved.

    Not to be shared between threads: it keeps the last small window.
    """

    __slots__ = ("_descriptor", "_window", "_window_offset", "size")

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self._window = b""
        self._window_offset = 0
        self.size = size

    def read(self, offset: int, length: int) -> bytes:
        """Give exactly ``length`` bytes from ``offset``. Raises BrokenStructureError, OSError."""
        _check_bounds(offset, length, self.size)
        start = offset - self._window_offset
        if start >= 0 and start + length <= len(self._window):
            return self._window[start : start + length]
        if length >= _HEAD_WINDOW:
            return b"".join(self.chunks(offset, length))
        self._window = pread_fully(self._descriptor, _HEAD_WINDOW, offset)
        self._window_offset = offset
        return _whole(self._window[:length], length)

    def search(self, pattern: re.Pattern[bytes], offset: int) -> int | None:
        """Give where the pattern of one or two bytes is first found at or after ``offset``. Raises OSError."""
        while offset < self.size:
            window = pread_fully(self._descriptor, _WINDOW, offset)
            match = pattern.search(window)
            if match is not None:
                return offset + match.start()
            if len(window) < 2:
                return None
            # One byte of overlap, so that a pair is found that lies across two windows.
            offset += len(window) - 1
        return None

    def chunks(self, offset: int, length: int) -> Iterator[bytes | memoryview]:
        """Stream the bytes in windows. Raises BrokenStructureError, OSError."""
        _check_bounds(offset, length, self.size)
        end = offset + length
        while offset < end:
            wanted = min(_WINDOW, end - offset)
            yield _whole(pread_fully(self._descriptor, wanted, offset), wanted)
            offset += wanted


class ReaderFile(io.RawIOBase):
    """A file object over a ``Reader``, for parsers and decoders; to be wrapped in ``io.BufferedReader``."""

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self._reader = reader
        self._position = 0

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read at the position, less only at the end of the file. Raises OSError."""
        view = memoryview(buffer).cast("B")
        length = max(0, min(len(view), self._reader.size - self._position))
        try:
            view[:length] = self._reader.read(self._position, length)
        except BrokenStructureError:
            return 0  # the file has shrunk since its size was taken
        self._position += length
        return length

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move the position. Raises ValueError."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._reader.size}[whence]
        if start + offset < 0:
            raise ValueError("a position before the file")
        self._position = start + offset
        return self._position


def pread_fully(descriptor: int, length: int, offset: int) -> bytes:
    """Read ``length`` bytes from ``offset``, less only at the end of the file. Raises OSError."""
    data = os.pread(descriptor, length, offset)
    if len(data) == length or not data:
        return data
    pieces = [data]
    missing = length - len(data)
    while missing:
        offset += len(pieces[-1])
        piece = os.pread(descriptor, missing, offset)
        if not piece:
            break
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def read_into_memory(descriptor: int) -> MemoryReader | None:
    """Read the whole file if it is small enough to be kept, else give None. Raises OSError."""
    size = os.fstat(descriptor).st_size
    if size > MEMORY_LIMIT:
        return None
    # One byte more than fstat said: a file that grows meanwhile is noticed and read by windows instead.
    data = pread_fully(descriptor, size + 1, 0)
    if len(data) > size:
        data += pread_fully(descriptor, MEMORY_LIMIT, len(data))
    return MemoryReader(data) if len(data) <= MEMORY_LIMIT else None


def _check_bounds(offset: int, length: int, size: int) -> None:
    if offset < 0 or length < 0 or offset + length > size:
        raise BrokenStructureError("a length reaches beyond the file")


def _whole(data: bytes, length: int) -> bytes:
    # The file has shrunk since its size was taken.
    if len(data) != length:
        raise BrokenStructureError("the file ends early")
    return data
