"""Note size, metadata and embedded JPEGs of RAW files that are not built like TIFF: RAF, MRW, X3F and CRW.

Their hothash is that of the file. Layouts: exiftool.org (FujiFilm, MinoltaRaw, SigmaRaw); for CRW see media/ciff.py.
"""

from __future__ import annotations

import contextlib
import re
import struct
from collections.abc import Iterator
from typing import Final

from imalink.core.picture import Camera
from imalink.media.blocks import Blocks, BrokenStructureError, Spans, XmpPiece
from imalink.media.blocks_jpeg import walk_jpeg
from imalink.media.ciff import ORIENTATION_OF_ROTATION, read_ciff
from imalink.media.metadata_exif import ExifFacts
from imalink.media.metadata_text import clean_text, parse_camera_clock
from imalink.media.reader import Reader
from imalink.media.tiff_metadata import note_pictures

_MAX_ENTRIES: Final = 1_024
_MAX_SECTIONS: Final = 64
_MAX_PROPERTIES_BYTES: Final = 1024 * 1024

_RAF_SIZES: Final = (0x111, 0x121, 0x100)
"""Without border, of what is developed, with all its border."""


def read_raf(reader: Reader, blocks: Blocks) -> None:
    """Take Fujifilm's metadata from its JPEG, the size from its directory. Raises BrokenStructureError, OSError.

    The size is that of the sensor without its border; the JPEG's may be smaller.
    """
    jpeg_at, jpeg_length, directory_at, directory_length = struct.unpack(">4I", reader.read(84, 16))
    if jpeg_length:
        _note_jpeg(reader, jpeg_at, jpeg_length, blocks)
    sizes: dict[int, tuple[int, int]] = {}
    position, end = directory_at + 4, directory_at + directory_length
    for _ in range(min(int.from_bytes(reader.read(directory_at, 4), "big"), _MAX_ENTRIES)):
        tag, length = struct.unpack(">HH", reader.read(position, 4))
        if length == 4 and position + 8 <= end:
            height, width = struct.unpack(">HH", reader.read(position + 4, 4))
            sizes.setdefault(tag, (width, height))
        position += 4 + length
    for tag in _RAF_SIZES:
        if tag in sizes:
            blocks.width, blocks.height = sizes[tag]
            break


def read_mrw(reader: Reader, blocks: Blocks) -> None:
    """Take Minolta's EXIF block and the size of the picture. Raises BrokenStructureError, OSError."""
    position, end = 8, 8 + int.from_bytes(reader.read(4, 4), "big")
    for _ in range(_MAX_SECTIONS):
        if position + 8 > end:
            return
        header = reader.read(position, 8)
        length = int.from_bytes(header[4:], "big")
        position += 8
        if header[:4] == b"\x00PRD" and length >= 16:
            blocks.height, blocks.width = struct.unpack(">HH", reader.read(position + 12, 4))
        elif header[:4] == b"\x00TTW" and length:
            blocks.exif = Spans(position, length)
        position += length


def read_x3f(reader: Reader, blocks: Blocks) -> None:
    """Take Sigma's size, the metadata of its JPEGs, and its properties. Raises BrokenStructureError, OSError."""
    version = int.from_bytes(reader.read(4, 4), "little")
    size_at = 40 if version >= 0x40000 else 28
    blocks.width, blocks.height, rotation = struct.unpack("<IIi", reader.read(size_at, 12))
    directory_at = int.from_bytes(reader.read(reader.size - 4, 4), "little")
    mark, count = struct.unpack("<4s4xI", reader.read(directory_at, 12))
    if mark != b"SECd":
        raise BrokenStructureError("no directory of sections")
    jpegs: set[tuple[int, int]] = set()
    for number in range(min(count, _MAX_SECTIONS)):
        offset, length, kind = struct.unpack("<II4s", reader.read(directory_at + 12 + 12 * number, 12))
        if kind in (b"IMAG", b"IMA2") and length > 28 and reader.read(offset + 28, 3) == b"\xff\xd8\xff":
            jpegs.add((offset + 28, length - 28))
        elif kind == b"PROP" and 24 <= length <= _MAX_PROPERTIES_BYTES:
            blocks.own_facts = _sigma_facts(_properties(reader.read(offset, length)), rotation)
    if jpegs:
        # Only one is walked: sixty-four sections may lie in one another.
        largest = max(jpegs, key=lambda jpeg: (jpeg[1], -jpeg[0]))
        _note_jpeg(reader, *largest, blocks)
        note_pictures(reader, jpegs - {largest}, blocks)


def read_crw(reader: Reader, blocks: Blocks) -> None:
    """Take what the heap of Canon's CIFF says. Raises BrokenStructureError, OSError."""
    ciff = read_ciff(reader)
    if ciff.size is not None:
        blocks.width, blocks.height = ciff.size
    blocks.own_facts = ciff.facts
    note_pictures(reader, set(ciff.pictures), blocks)


def _properties(section: bytes) -> dict[str, str]:
    """Read Sigma's property list: pairs of places in a text of UTF-16."""
    mark, count, coding = struct.unpack("<4s4xII", section[:16])
    text = section[24 + 8 * count :]
    if mark != b"SECp" or coding != 0 or 24 + 8 * count > len(section):
        return {}

    def text_at(place: int) -> str:
        # No name and no value is longer; all places may be the same.
        return text[2 * place : 2 * place + 256].decode("utf-16-le", "replace").split("\x00")[0]

    pairs = struct.iter_unpack("<II", section[24 : 24 + 8 * min(count, _MAX_ENTRIES)])
    return {text_at(name): text_at(value) for name, value in pairs}


def _sigma_facts(properties: dict[str, str], rotation: int) -> ExifFacts:
    exposure, f_number, focal_length, iso, moment = (
        float(text) if re.fullmatch(r"\d{1,12}(\.\d{1,9})?", text := properties.get(name, "")) else None
        for name in ("SHUTTER", "APERTURE", "FLENGTH", "ISO", "TIME")
    )
    return ExifFacts(
        orientation=ORIENTATION_OF_ROTATION.get(rotation % 360),
        capture_time=parse_camera_clock(int(moment)) if moment is not None else None,
        camera=Camera(
            make=clean_text(properties.get("CAMMANUF", "")),
            model=clean_text(properties.get("CAMMODEL", "")),
            iso=int(iso) if iso else None,
            exposure_seconds=exposure or None,
            f_number=f_number or None,
            focal_length_mm=focal_length or None,
        ),
    )


def _note_jpeg(reader: Reader, offset: int, length: int, blocks: Blocks) -> None:
    """Note an embedded JPEG, and its metadata where there is none yet."""
    if offset + length > reader.size:
        raise BrokenStructureError("a JPEG beyond the file")
    note_pictures(reader, {(offset, length)}, blocks)
    inner = Blocks()
    # Where it breaks, its metadata came before.
    with contextlib.suppress(BrokenStructureError):
        walk_jpeg(_Section(reader, offset, length), inner)
    if blocks.exif is None and inner.exif is not None:
        blocks.exif = _moved(inner.exif, offset)
    if blocks.photoshop is None and inner.photoshop is not None:
        blocks.photoshop = _moved(inner.photoshop, offset)
    if blocks.xmp is None and inner.xmp is not None:
        blocks.xmp = _moved(inner.xmp, offset)
        blocks.extended_xmp = [
            XmpPiece(
                guid=piece.guid, full_length=piece.full_length, offset=piece.offset, spans=_moved(piece.spans, offset)
            )
            for piece in inner.extended_xmp
        ]


def _moved(spans: Spans, by: int) -> Spans:
    moved = Spans()
    for offset, length in spans:
        moved.append(offset + by, length)
    return moved


class _Section:
    """A part of a file, read as if it were a file."""

    def __init__(self, reader: Reader, offset: int, length: int) -> None:
        self._reader = reader
        self._offset = offset
        self.size = length

    def read(self, offset: int, length: int) -> bytes:
        self._check(offset, length)
        return self._reader.read(self._offset + offset, length)

    def search(self, pattern: re.Pattern[bytes], offset: int) -> int | None:
        found = self._reader.search(pattern, self._offset + offset)
        return None if found is None or found >= self._offset + self.size else found - self._offset

    def chunks(self, offset: int, length: int) -> Iterator[bytes | memoryview]:
        self._check(offset, length)
        return self._reader.chunks(self._offset + offset, length)

    def _check(self, offset: int, length: int) -> None:
        if offset < 0 or length < 0 or offset + length > self.size:
            raise BrokenStructureError("a length reaches beyond its section")
