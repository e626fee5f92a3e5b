"""TIFF structures of every sort, byte by byte; what Pillow and ExifTool would never write included."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED, SSHORT, DOUBLE, LONG8 = 1, 2, 3, 4, 5, 7, 8, 12, 16
STRIPS: Final = (273, 279)
TILES: Final = (324, 325)
JPEG: Final = (513, 514)
_CODES: Final = {
    BYTE: "B",
    ASCII: "B",
    SHORT: "H",
    LONG: "I",
    UNDEFINED: "B",
    SSHORT: "h",
    DOUBLE: "d",
    13: "I",
    LONG8: "Q",
}

Value = tuple[int, Sequence[int] | Sequence[float] | Sequence[tuple[int, int]] | bytes]
"""The TIFF type and the values; rationals as pairs."""


@dataclass(kw_only=True)
class Page:
    """One directory: its tags, its strips or tiles, and the directories below it."""

    tags: dict[int, Value] = field(default_factory=dict[int, Value])
    pieces: list[bytes] = field(default_factory=list[bytes])
    piece_tags: tuple[int, int] = STRIPS
    children: list[Page] = field(default_factory=list["Page"])


def picture_tags(width: int, height: int, *, photometric: int = 1, samples: int = 1) -> dict[int, Value]:
    """The tags every uncompressed picture has."""
    return {
        256: (SHORT, [width]),
        257: (SHORT, [height]),
        258: (SHORT, [8] * samples),
        259: (SHORT, [1]),
        262: (SHORT, [photometric]),
        277: (SHORT, [samples]),
        278: (SHORT, [height]),
    }


def make_tiff(
    pages: Sequence[Page], *, order: str = "<", mark: int = 42, extra: bytes = b"", is_data_reversed: bool = False
) -> bytes:
    """A TIFF whose chain is ``pages``: header, ``extra``, the data of all pages, then their directories.

    A ``mark`` of 43 makes a BigTIFF. ``is_data_reversed`` puts the data of the last page first.
    """
    return _Writer(order, mark).write(pages, extra, is_data_reversed)


class _Writer:
    def __init__(self, order: str, mark: int) -> None:
        self.order = order
        self.is_big = mark == 43
        self.width = 8 if self.is_big else 4
        self.mark = mark
        self.offsets: dict[int, list[int]] = {}

    def write(self, pages: Sequence[Page], extra: bytes, is_data_reversed: bool) -> bytes:
        every = list(_flat(pages))
        header_length = 16 if self.is_big else 8
        data = bytearray()
        for page in reversed(every) if is_data_reversed else every:
            self.offsets[id(page)] = []
            for piece in page.pieces:
                self.offsets[id(page)].append(header_length + len(extra) + len(data))
                data += piece
        data += b"\x00" * (-(len(extra) + len(data)) % 8)
        # Sizes do not depend on places, so the places follow from a first round with any.
        places = {id(page): 0 for page in every}
        at = header_length + len(extra) + len(data)
        for page in every:
            places[id(page)] = at
            at += len(self.directory(page, places, 0))
        following = {id(page): places[id(after)] for page, after in zip(pages, pages[1:], strict=False)}
        directories = b"".join(self.directory(page, places, following.get(id(page), 0)) for page in every)
        first = places[id(pages[0])] if pages else 0
        header = b"II" if self.order == "<" else b"MM"
        header += self.pack("H", self.mark)
        header += self.pack("HHQ", 8, 0, first) if self.is_big else self.pack("I", first)
        return header + extra + bytes(data) + directories

    def directory(self, page: Page, places: dict[int, int], following: int) -> bytes:
        tags = dict(page.tags)
        offsets = self.offsets[id(page)]
        if offsets:
            offsets_tag, lengths_tag = page.piece_tags
            tags.setdefault(offsets_tag, (LONG, offsets))
            tags.setdefault(lengths_tag, (LONG, [len(piece) for piece in page.pieces]))
        if page.children:
            tags[330] = (LONG, [places[id(child)] for child in page.children])
        count = self.pack("Q" if self.is_big else "H", len(tags))
        outside_at = places[id(page)] + len(count) + len(tags) * (4 + 2 * self.width) + self.width
        entries = outside = b""
        for tag, (kind, values) in sorted(tags.items()):
            packed = self.values(kind, values)
            number = len(values)
            if len(packed) <= self.width:
                pointer = packed.ljust(self.width, b"\x00")
            else:
                pointer = self.pack("Q" if self.is_big else "I", outside_at + len(outside))
                outside += packed + b"\x00" * (-len(packed) % 8)
            entries += self.pack("HH", tag, kind) + self.pack("Q" if self.is_big else "I", number) + pointer
        return count + entries + self.pack("Q" if self.is_big else "I", following) + outside

    def values(self, kind: int, values: Sequence[int] | Sequence[float] | Sequence[tuple[int, int]] | bytes) -> bytes:
        if kind == RATIONAL:
            return b"".join(self.pack("II", *pair) for pair in values if isinstance(pair, tuple))
        return b"".join(self.pack(_CODES[kind], value) for value in values)

    def pack(self, layout: str, *values: object) -> bytes:
        return struct.pack(self.order + layout, *values)


def _flat(pages: Sequence[Page]) -> list[Page]:
    return [page for top in pages for page in (top, *_flat(top.children))]
