"""Read the directories (IFDs) of a TIFF structure by offset, without ever trusting an offset or a count in them.

Layout: TIFF 6.0; BigTIFF as libtiff describes it. Limits: docs/format/hothash.md, section tiff.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from imalink.media.blocks import BrokenStructureError
from imalink.media.reader import Reader

MAX_DIRECTORIES: Final = 64
MAX_DEPTH: Final = 4
MAX_ENTRIES: Final = 4_096
MAX_VALUES: Final = 262_144
"""Of one tag that is read: more than any real picture has strips, tiles or colours."""

SUB_DIRECTORIES: Final = 330
ByteOrder = Literal["little", "big"]

_BIG_TIFF: Final = 43
_VALUE_BYTES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8} | {
    13: 4,
    16: 8,
    17: 8,
    18: 8,
}
_UNSIGNED: Final = {3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_SIGNED: Final = {6: "b", 8: "h", 9: "i", 17: "q"}
_RATIONAL: Final = frozenset((5, 10))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Where a tag's values lie; nothing of it has been checked but that its type is known if ``length`` is not None."""

    value_type: int
    count: int
    offset: int
    length: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """One IFD: where it lies, how many SubIFD pointers lead to it from the chain, and its tags that were asked for."""

    offset: int
    depth: int
    entries: Mapping[int, Entry]


class TiffStructure:
    """The directories of a TIFF structure that begins at the reader's first byte.

    ``directories`` holds the chain first and then the SubIFDs as they are found, each once, as far as they were read;
    the first ``chain_length`` of them are the chain. ``mark`` is the number that says which sort of TIFF it is (42).
    Raises BrokenStructureError for a header that is none.
    """

    __slots__ = ("_first", "_is_big", "_reader", "_wanted", "byte_order", "chain_length", "directories", "mark")

    def __init__(self, reader: Reader, *, wanted: frozenset[int]) -> None:
        header = reader.read(0, 8)
        order = {b"II": "<", b"MM": ">"}.get(header[:2])
        if order is None:
            raise BrokenStructureError("no byte order")
        self.byte_order: ByteOrder = "little" if order == "<" else "big"
        self.mark = int.from_bytes(header[2:4], self.byte_order)
        self.directories: list[Directory] = []
        self.chain_length = 0
        self._reader = reader
        self._wanted = wanted
        self._is_big = self.mark == _BIG_TIFF
        self._first = int.from_bytes(reader.read(8, 8) if self._is_big else header[4:], self.byte_order)

    def read_directories(self) -> None:
        """Fill ``directories``. Raises BrokenStructureError; what came before stays. Raises OSError."""
        seen: set[int] = set()
        offset = self._first
        while offset and offset not in seen:
            offset = self._add(offset, depth=0, seen=seen)
            self.chain_length = len(self.directories)
        # The list grows while it is walked over.
        for directory in self.directories:
            for offset in self.values_of(directory, SUB_DIRECTORIES, limit=MAX_DIRECTORIES):
                if offset not in seen:
                    self._add(offset, depth=directory.depth + 1, seen=seen)

    def values_of(self, directory: Directory, tag: int, *, limit: int = MAX_VALUES) -> array[int]:
        """Give a tag's values as unsigned 64-bit numbers, none if the tag is missing.

        Signed values as two's complement, rationals as numerator · 2³² + denominator, text, undefined and floating
        point byte by byte. Raises BrokenStructureError, OSError.
        """
        entry = directory.entries.get(tag)
        if entry is None:
            return array("Q")
        data = self._bytes_of(entry, limit)
        if entry.value_type in _UNSIGNED:
            return array("Q", self._native(data, _UNSIGNED[entry.value_type]))
        if entry.value_type in _SIGNED:
            return array("Q", (value % 2**64 for value in self._native(data, _SIGNED[entry.value_type])))
        if entry.value_type in _RATIONAL:
            numbers = iter(self._native(data, "I"))
            return array("Q", (upper << 32 | lower for upper, lower in zip(numbers, numbers, strict=True)))
        return array("Q", iter(data))

    def first_value(self, directory: Directory, tag: int) -> int | None:
        """Give a tag's first value, None if it has none or it cannot be read. Raises OSError."""
        try:
            values = self.values_of(directory, tag)
        except BrokenStructureError:
            return None
        return values[0] if values else None

    def span_of(self, directory: Directory, tag: int) -> tuple[int, int] | None:
        """Give where a tag's bytes lie, None if there are none or they lie outside the file."""
        entry = directory.entries.get(tag)
        if entry is None or not entry.length or entry.offset + entry.length > self._reader.size:
            return None
        return entry.offset, entry.length

    def _add(self, offset: int, *, depth: int, seen: set[int]) -> int:
        """Read a directory and give the offset of the next in its chain; a SubIFD is taken for the end of its own."""
        if len(self.directories) >= MAX_DIRECTORIES or depth > MAX_DEPTH:
            raise BrokenStructureError("more directories, or deeper ones, than any real picture has")
        seen.add(offset)
        width = 8 if self._is_big else 4
        count_bytes = 8 if self._is_big else 2
        count = int.from_bytes(self._reader.read(offset, count_bytes), self.byte_order)
        if count > MAX_ENTRIES:
            raise BrokenStructureError("a directory with more entries than any real one has")
        entry_bytes = 4 + 2 * width
        order = "<" if self.byte_order == "little" else ">"
        layout = struct.Struct(f"{order}HH{'QQ' if self._is_big else 'II'}")
        entries_at = offset + count_bytes
        entries: dict[int, Entry] = {}
        table = self._reader.read(entries_at, count * entry_bytes)
        for number, (tag, value_type, value_count, pointer) in enumerate(layout.iter_unpack(table)):
            # The first of several with one tag counts, as in most readers.
            if tag not in self._wanted or tag in entries:
                continue
            size = _VALUE_BYTES.get(value_type)
            length = None if size is None else size * value_count
            if length is None or length <= width:
                pointer = entries_at + number * entry_bytes + 4 + width
            entries[tag] = Entry(value_type=value_type, count=value_count, offset=pointer, length=length)
        self.directories.append(Directory(offset=offset, depth=depth, entries=entries))
        if depth:
            return 0
        return int.from_bytes(self._reader.read(entries_at + len(table), width), self.byte_order)

    def _bytes_of(self, entry: Entry, limit: int) -> bytes:
        if entry.length is None:
            raise BrokenStructureError("a value of a type nobody knows")
        if entry.count > limit:
            raise BrokenStructureError("more values than any real picture has")
        return self._reader.read(entry.offset, entry.length)

    def _native(self, data: bytes, code: str) -> array[int]:
        numbers: array[int] = array(code)
        numbers.frombytes(data)
        if self.byte_order != sys.byteorder:
            numbers.byteswap()
        return numbers
