"""Take apart the boxes of ISO base media files (ISO/IEC 14496-12): HEIF, AVIF, CR3, JPEG XL, MP4, QuickTime.

Rules where the standard leaves a choice: docs/format/hothash.md, section boxes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from imalink.media.blocks import BrokenStructureError, Part
from imalink.media.reader import Reader

_MAX_BOXES: Final = 65_536
"""More of them than this a box may not hold."""
MAX_TABLE_BYTES: Final = 16 * 1024 * 1024
"""A box that is read whole, as a table, may not be longer."""
_SHARING_LIMIT: Final = 16
_SHARING_FREE: Final = 1024 * 1024


class Box(NamedTuple):
    """A box: its type and where its payload lies. A tuple, since a hostile file has one for every eight bytes."""

    type: bytes
    offset: int
    length: int

    @property
    def end(self) -> int:
        """Give where the payload ends."""
        return self.offset + self.length


class Fields:
    """Reads the big-endian numbers and the texts of a payload one after another; never beyond its end."""

    __slots__ = ("_data", "position")

    def __init__(self, data: bytes, position: int = 0) -> None:
        self._data = data
        self.position = position

    @property
    def remaining(self) -> int:
        """Give how many bytes are left."""
        return len(self._data) - self.position

    def take(self, length: int) -> bytes:
        """Give the next ``length`` bytes. Raises BrokenStructureError."""
        start = self.position
        if length > len(self._data) - start:
            raise BrokenStructureError("a box ends within a field")
        self.position = start + length
        return self._data[start : start + length]

    def number(self, length: int) -> int:
        """Give the next ``length`` bytes as a number; none are 0. Raises BrokenStructureError."""
        return int.from_bytes(self.take(length), "big")

    def text(self) -> bytes:
        """Give the bytes up to a NUL, which is passed, or to the end."""
        end = self._data.find(b"\x00", self.position)
        if end < 0:
            return self.take(self.remaining)
        found = self.take(end - self.position)
        self.position += 1
        return found


def iter_file_boxes(reader: Reader) -> Iterator[Box]:
    """Give the boxes of the file itself, up to a second ``ftyp`` or the first thing that is no box.

    What follows is a trailer: phones and programs append clips, whole files of their own and private data.
    Raises OSError.
    """
    position = 0
    has_type = False
    while position + 8 <= reader.size:
        try:
            box = _box_at(reader, position, reader.size)
        except BrokenStructureError:
            return
        if box.type == b"ftyp":
            if has_type:
                return
            has_type = True
        yield box
        position = box.end


def iter_boxes(reader: Reader, start: int, end: int) -> Iterator[Box]:
    """Give the boxes between two places; up to seven bytes after the last are padding.

    Raises BrokenStructureError where a box reaches beyond ``end``, and for more than 65,536 of them.
    """
    if start > end:
        raise BrokenStructureError("a box shorter than its own fields")
    position = start
    count = 0
    while position + 8 <= end:
        if count == _MAX_BOXES:
            raise BrokenStructureError("more boxes in one box than any real file has")
        box = _box_at(reader, position, end)
        yield box
        position = box.end
        count += 1


def iter_children(reader: Reader, box: Box, skipped: int = 0) -> Iterator[Box]:
    """Give the boxes inside a box, after ``skipped`` bytes of its own. Raises BrokenStructureError."""
    return iter_boxes(reader, box.offset + skipped, box.end)


def first_children(reader: Reader, box: Box, skipped: int = 0) -> dict[bytes, Box]:
    """Give the first box of each type inside a box, which is to hold few types. Raises BrokenStructureError."""
    found: dict[bytes, Box] = {}
    for child in iter_children(reader, box, skipped):
        if len(found) < 256:
            found.setdefault(child.type, child)
    return found


def read_within(reader: Reader, box: Box, at: int, length: int) -> bytes:
    """Give ``length`` bytes of a payload from ``at``. Raises BrokenStructureError if the payload is shorter."""
    if at + length > box.length:
        raise BrokenStructureError("a box shorter than its own fields")
    return reader.read(box.offset + at, length)


def payload_of(reader: Reader, box: Box) -> bytes:
    """Read a table whole. Raises BrokenStructureError for one of more than MAX_TABLE_BYTES."""
    if box.length > MAX_TABLE_BYTES:
        raise BrokenStructureError("a table longer than in any real picture")
    return reader.read(box.offset, box.length)


def user_type_of(reader: Reader, box: Box) -> bytes:
    """Give the 16 bytes that name a ``uuid`` box; nothing for any other. Raises BrokenStructureError."""
    return reader.read(box.offset, 16) if box.type == b"uuid" and box.length >= 16 else b""


def check_sharing(ranges: Iterable[tuple[int, int]]) -> None:
    """Raise BrokenStructureError if ranges, sorted by offset, lie upon one another so often that it costs too much.

    Two items or tracks may share bytes; a few bytes may not be shared by thousands, or hashing were no longer linear.
    """
    total = distinct = reached = 0
    for offset, length in ranges:
        end = offset + length
        total += length
        if end > reached:
            distinct += end - max(offset, reached)
            reached = end
    if total > _SHARING_LIMIT * distinct + _SHARING_FREE:
        raise BrokenStructureError("the same bytes used over and over again")


def ranges_of(parts: Iterable[Part]) -> list[tuple[int, int]]:
    """Give the ranges of the file that parts are made of, sorted by offset."""
    return sorted(span for part in parts for span in part.spans)


def _box_at(reader: Reader, position: int, limit: int) -> Box:
    header = reader.read(position, 8)
    size = int.from_bytes(header[:4], "big")
    offset = position + 8
    if size == 1:
        size = int.from_bytes(reader.read(offset, 8), "big")
        offset += 8
    elif size == 0:  # to the end of what it lies in
        size = limit - position
    end = position + size
    if end < offset or end > limit:
        raise BrokenStructureError("a box reaches beyond what it lies in")
    return Box(header[4:], offset, end - offset)
