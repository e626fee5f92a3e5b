"""Read the heap of Canon's CIFF, which CRW files are and Canon's JPEGs have in a segment.

Layouts: Canon's CIFF 1.0; exiftool.org, TagNames/CanonRaw.html.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from imalink.core.picture import Camera
from imalink.media.blocks import BrokenStructureError
from imalink.media.metadata_exif import ExifFacts
from imalink.media.metadata_text import clean_text, decode_text, parse_camera_clock
from imalink.media.reader import Reader

ORIENTATION_OF_ROTATION: Final = {90: 6, 180: 3, 270: 8}

_MAX_ENTRIES: Final = 1_024
_MAX_HEAPS: Final = 64
_DIRECTORIES: Final = frozenset((0x2800, 0x3000))
_CAMERA, _IMAGE, _TIME, _FOCAL = 0x080A, 0x1810, 0x180E, 0x1029
_PICTURES: Final = frozenset((0x2007, 0x2008))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ciff:
    """What a heap says: facts, width and height, and where it may have complete JPEGs."""

    facts: ExifFacts
    size: tuple[int, int] | None
    pictures: frozenset[tuple[int, int]]


def read_ciff(reader: Reader) -> Ciff:
    """Take what the heap says; it begins where the header says and ends with the reader.

    Raises BrokenStructureError, OSError.
    """
    found: dict[int, tuple[int, int]] = {}
    for tag, offset, length in _heap_entries(reader, int.from_bytes(reader.read(2, 4), "little")):
        if length:
            found.setdefault(tag, (offset, length))

    def data_of(tag: int, at_least: int) -> bytes | None:
        offset, length = found.get(tag, (0, 0))
        return reader.read(offset, min(length, 256)) if length >= at_least else None

    names = (data_of(_CAMERA, 1) or b"").split(b"\x00")
    image, moment, focal = data_of(_IMAGE, 16), data_of(_TIME, 4), data_of(_FOCAL, 4)
    orientation = size = None
    if image is not None:
        width, height, _, rotation = struct.unpack("<IIfi", image[:16])
        size = (width, height)
        orientation = ORIENTATION_OF_ROTATION.get(rotation % 360)
    millimetres = int.from_bytes(focal[2:4], "little") if focal is not None else 0
    facts = ExifFacts(
        orientation=orientation,
        capture_time=parse_camera_clock(int.from_bytes(moment[:4], "little")) if moment is not None else None,
        camera=Camera(
            make=clean_text(decode_text(names[0])),
            model=clean_text(decode_text(names[1])) if len(names) > 1 else None,
            focal_length_mm=float(millimetres) if millimetres else None,
        ),
    )
    return Ciff(facts=facts, size=size, pictures=frozenset(found[tag] for tag in _PICTURES if tag in found))


def _heap_entries(reader: Reader, start: int) -> Iterator[tuple[int, int, int]]:
    """Give tag, offset and length of the entries of the file's heap and of those in it."""
    heaps = [(start, reader.size)]
    # The list grows while it is walked over. Heaps may overlap, so what bounds the work is how many are read.
    for heap_at, end in heaps:
        if end - heap_at < 6:
            raise BrokenStructureError("a heap without a directory")
        directory_at = heap_at + int.from_bytes(reader.read(end - 4, 4), "little")
        count = int.from_bytes(reader.read(directory_at, 2), "little")
        if count > _MAX_ENTRIES or len(heaps) > _MAX_HEAPS:
            raise BrokenStructureError("more entries or heaps than any real picture has")
        table = reader.read(directory_at + 2, 10 * count)
        for number, (kind, length, offset) in enumerate(struct.iter_unpack("<HII", table)):
            if kind & 0xC000:
                # The value itself stands where its length and offset would be.
                yield kind & 0x3FFF, directory_at + 4 + 10 * number, 8
            elif heap_at + offset + length > end:
                raise BrokenStructureError("an entry beyond its heap")
            elif kind & 0x3800 in _DIRECTORIES:
                heaps.append((heap_at + offset, heap_at + offset + length))
            else:
                yield kind & 0x3FFF, heap_at + offset, length
