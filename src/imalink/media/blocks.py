"""The one walk over a picture file: which bytes are the picture, and where its metadata blocks lie.

A walker of one kind fills a ``Blocks``; ``walk`` (media/walk.py) chooses the walker. Hothash, facts and previews all
live off the same walk, so a file is taken apart once and in one way.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from imalink.media.metadata_exif import ExifFacts

MAX_PARTS: Final = 65_536
MAX_BLOCK_BYTES: Final = 16 * 1024 * 1024
"""A metadata block above this is left unread (design/security: EXIF, ICC and XMP)."""
MAX_METADATA_PIECES: Final = 4_096


class BrokenStructureError(Exception):
    """The file breaks a rule of its kind. Never leaves ``imalink.media``: the file becomes ``file-1``."""


class Spans:
    """Ranges of a file, in the order in which they are joined; empty ones are left out.

    Two machine words a range, since a hostile PNG can have one range for every 13 bytes of the file.
    """

    __slots__ = ("_numbers", "length")

    def __init__(self, offset: int = 0, length: int = 0) -> None:
        self._numbers = array("Q")
        self.length = 0
        self.append(offset, length)

    def append(self, offset: int, length: int) -> None:
        """Add ``length`` bytes from ``offset``."""
        if length:
            self._numbers.append(offset)
            self._numbers.append(length)
            self.length += length

    def __iter__(self) -> Iterator[tuple[int, int]]:
        numbers = iter(self._numbers)
        return zip(numbers, numbers, strict=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of the picture proper: a tag of four ASCII bytes and what is hashed under it.

    ``built`` are bytes that stand nowhere in the file in this form; they come before those of ``spans``.
    """

    tag: bytes
    spans: Spans = field(default_factory=Spans)
    built: bytes = b""

    @property
    def length(self) -> int:
        """Give the number of bytes."""
        return len(self.built) + self.spans.length


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedText:
    """A metadata block kept as PNG text: what it is, where it lies and whether it must be inflated."""

    keyword: str
    spans: Spans
    is_compressed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class XmpPiece:
    """A piece of an XMP packet too long for one JPEG segment: which packet, its full length, and this piece's place."""

    guid: bytes
    full_length: int
    offset: int
    spans: Spans


@dataclass(slots=True, kw_only=True)
class Blocks:
    """What a walk found; filled by a walker as it goes, so a broken file keeps what came before the break.

    ``method_kind`` is the KIND word of the hothash, None where the kind has no method of its own (``file-1``).
    ``fault`` says which rule the file breaks; it too means ``file-1``. The metadata blocks are ranges of raw bytes as
    they stand in the file: ``photoshop`` the image resource blocks (IPTC is one of them), ``iptc`` an IPTC record that
    stands outside them, ``icc`` the profile's pieces by their sequence number, ``packed`` what PNG keeps as text. The
    first block of a sort wins, as in every reader.

    EXIF stands in one of three ways: as a block of its own (``exif``), as the file itself, which is then read by offset
    (``exif_is_file``), or as one block for each directory (``exif_directories``: ``main``, ``exif``, ``gps``).
    ``own_facts`` are what a format older than EXIF says of the same things in its own way; EXIF goes before them.
    ``old_cameras`` are segments that say the same in JPEGs of cameras older than EXIF: ``ciff``, ``picture-info``,
    ``qvci``.
    ``embedded_pictures`` are complete JPEG files inside the file, which cameras put into RAW files; largest first.

    ``orientation`` is what the container or the coded picture itself says of how the stored picture is turned; where
    it speaks, decoders follow it and EXIF's does not count. ``movie_user_data`` and ``movie_metadata`` are the payloads
    of QuickTime's ``udta`` and ``meta``, ``movie_created`` the seconds since 1904 in a film's header.

    ``more_parts`` follow ``parts``: too many to be kept, so they are made as they are asked for.
    """

    method_kind: str | None = None
    parts: list[Part] = field(default_factory=list[Part])
    fault: str | None = None
    width: int | None = None
    height: int | None = None
    exif: Spans | None = None
    exif_is_file: bool = False
    exif_directories: dict[str, Spans] = field(default_factory=dict[str, Spans])
    own_facts: ExifFacts | None = None
    old_cameras: dict[str, Spans] = field(default_factory=dict[str, Spans])
    xmp: Spans | None = None
    extended_xmp: list[XmpPiece] = field(default_factory=list[XmpPiece])
    photoshop: Spans | None = None
    iptc: Spans | None = None
    icc: dict[int, Spans] = field(default_factory=dict[int, Spans])
    packed: list[PackedText] = field(default_factory=list[PackedText])
    embedded_pictures: list[Spans] = field(default_factory=list[Spans])
    orientation: int | None = None
    duration_seconds: float | None = None
    movie_user_data: Spans | None = None
    movie_metadata: Spans | None = None
    movie_created: int | None = None
    more_parts: Iterable[Part] = ()

    def add(self, part: Part) -> None:
        """Append a part. Raises BrokenStructureError when there are too many."""
        if len(self.parts) >= MAX_PARTS:
            raise BrokenStructureError("more parts than any real picture has")
        self.parts.append(part)

    def iter_parts(self) -> Iterator[Part]:
        """Give all parts in their order."""
        return chain(self.parts, self.more_parts)

    def identify_by_file(self) -> None:
        """Give up the method of the kind without calling the file broken: it is of a form that the rules leave out."""
        self.method_kind = None
        self.parts.clear()
        self.more_parts = ()
