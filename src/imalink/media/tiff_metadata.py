"""Note what a TIFF structure holds beside its picture: metadata blocks, size, and JPEGs for showing.

Tags: TIFF 6.0, TIFF/EP, DNG 1.7; Panasonic's and Canon's as exiftool.org lists them.
"""

from __future__ import annotations

from typing import Final

from imalink.media.blocks import Blocks, BrokenStructureError, Spans
from imalink.media.reader import Reader
from imalink.media.tiff_directories import Directory, TiffStructure

_XMP, _IPTC, _PHOTOSHOP, _ICC = 700, 33723, 34377, 34675
_WIDTH, _HEIGHT, _COMPRESSION, _PHOTOMETRIC, _SUBFILE, _TABLES = 256, 257, 259, 262, 254, 347
_PANASONIC_SENSOR: Final = (2, 3)
_PANASONIC_BORDERS: Final = (4, 5, 6, 7)
"""Top, left, bottom, right of what is seen."""
_PANASONIC_PREVIEW: Final = 46
_CANON_SLICES: Final = 50752
_JPEG: Final = (513, 514)
_STRIPS_AND_TILES: Final = ((273, 279), (324, 325))
_JPEG_COMPRESSIONS: Final = frozenset((6, 7))
METADATA_TAGS: Final = frozenset(
    (*(_XMP, _IPTC, _PHOTOSHOP, _ICC, _PANASONIC_PREVIEW, _CANON_SLICES), *_PANASONIC_SENSOR, *_PANASONIC_BORDERS)
)

_LONGEST_JPEG_HEADER: Final = 64
_PREVIEW_FRAMES: Final = frozenset((0xC0, 0xC1, 0xC2))
_LOSSLESS_FRAME: Final = 0xC3
_PANASONIC_MARK: Final = 0x55


def note_metadata(reader: Reader, tiff: TiffStructure, blocks: Blocks) -> None:
    """Note the blocks of the first directory, and the JPEGs of all of them, the largest first. Raises OSError."""
    if not tiff.directories:
        return
    first = tiff.directories[0]
    blocks.xmp = _spans(tiff, first, _XMP)
    blocks.photoshop = _spans(tiff, first, _PHOTOSHOP)
    blocks.iptc = _spans(tiff, first, _IPTC)
    profile = _spans(tiff, first, _ICC)
    if profile is not None:
        blocks.icc[1] = profile
    found = {span for directory in tiff.directories for span in _pictures_of(tiff, directory)}
    if tiff.mark == _PANASONIC_MARK and (span := tiff.span_of(first, _PANASONIC_PREVIEW)) is not None:
        found.add(span)
    note_pictures(reader, found, blocks)


def note_pictures(reader: Reader, found: set[tuple[int, int]], blocks: Blocks) -> None:
    """Note those ranges that are JPEGs fit for showing, the largest first. Raises OSError."""
    for offset, length in sorted(found, key=lambda span: (-span[1], span[0])):
        frame = jpeg_frame(reader, offset, length)
        if frame is not None and frame[0] in _PREVIEW_FRAMES:
            blocks.embedded_pictures.append(Spans(offset, length))


def note_size(
    reader: Reader, tiff: TiffStructure, picture: Directory | None, blocks: Blocks, *, is_canon: bool
) -> None:
    """Note the size of the picture that counts; without one, that of a first directory that is no thumbnail.

    Raises OSError.
    """
    if picture is None:
        if not tiff.directories or (tiff.first_value(tiff.directories[0], _SUBFILE) or 0) & 1:
            return
        picture = tiff.directories[0]
    size = _size_of(tiff, picture)
    if tiff.mark == _PANASONIC_MARK:
        size = _panasonic_size(tiff, picture)
    elif is_canon and None in size:
        size = _canon_size(reader, tiff, picture)
    blocks.width, blocks.height = size


def jpeg_frame(reader: Reader, offset: int, length: int) -> tuple[int, int, int, int] | None:
    """Give a JPEG's kind of frame, width, height and number of components; None if it is no JPEG. Raises OSError."""
    end = offset + length
    try:
        if end > reader.size or reader.read(offset, 3) != b"\xff\xd8\xff":
            return None
        position = offset + 2
        for _ in range(_LONGEST_JPEG_HEADER):
            header = reader.read(position, 10)
            code = header[1]
            if header[0] != 0xFF or position + 10 > end:
                return None
            if 0xC0 <= code <= 0xCF and code not in (0xC4, 0xC8, 0xCC):
                height, width = int.from_bytes(header[5:7], "big"), int.from_bytes(header[7:9], "big")
                return code, width, height, header[9]
            position += 2 + int.from_bytes(header[2:4], "big")
    except BrokenStructureError:
        pass
    return None


def _spans(tiff: TiffStructure, directory: Directory, tag: int) -> Spans | None:
    span = tiff.span_of(directory, tag)
    return None if span is None else Spans(*span)


def _pictures_of(tiff: TiffStructure, directory: Directory) -> list[tuple[int, int]]:
    """Where complete JPEGs may lie: in a pair of tags for them, or as the only strip or tile of a compressed image."""
    pairs: list[tuple[int, int]] = [_JPEG]
    is_compressed = tiff.first_value(directory, _COMPRESSION) in _JPEG_COMPRESSIONS
    if is_compressed and _TABLES not in directory.entries:
        pairs.extend(_STRIPS_AND_TILES)
    found: list[tuple[int, int]] = []
    for offsets_tag, lengths_tag in pairs:
        offsets, lengths = directory.entries.get(offsets_tag), directory.entries.get(lengths_tag)
        if offsets is None or lengths is None or offsets.count != 1 or lengths.count != 1:
            continue
        offset, length = tiff.first_value(directory, offsets_tag), tiff.first_value(directory, lengths_tag)
        if offset and length:
            found.append((offset, length))
    return found


def _size_of(tiff: TiffStructure, picture: Directory) -> tuple[int | None, int | None]:
    return tiff.first_value(picture, _WIDTH), tiff.first_value(picture, _HEIGHT)


def _panasonic_size(tiff: TiffStructure, picture: Directory) -> tuple[int | None, int | None]:
    top, left, bottom, right = (tiff.first_value(picture, tag) for tag in _PANASONIC_BORDERS)
    if top is not None and left is not None and bottom is not None and right is not None:
        if bottom > top and right > left:
            return right - left, bottom - top
    width, height = (tiff.first_value(picture, tag) for tag in _PANASONIC_SENSOR)
    return width, height


def _canon_size(reader: Reader, tiff: TiffStructure, picture: Directory) -> tuple[int | None, int | None]:
    """Read the size out of the coded sensor data, as older Canon cameras write it nowhere else.

    They code one line as several components, and the picture as slices side by side. Where there is no such data, the
    size is the one in the EXIF directory, which is that of the developed picture.
    """
    offset, length = (tiff.first_value(picture, tag) for tag in _STRIPS_AND_TILES[0])
    frame = jpeg_frame(reader, offset, length) if offset and length else None
    if frame is None or frame[0] != _LOSSLESS_FRAME:
        return None, None
    _, width, height, components = frame
    if components == 3:  # sRAW: three samples a pixel
        return width, height
    samples = width * components
    try:
        slices = tiff.values_of(picture, _CANON_SLICES)
    except BrokenStructureError:
        return samples, height
    total = slices[0] * slices[1] + slices[2] if len(slices) == 3 and slices[0] else 0
    if total and samples * height % total == 0:
        return total, samples * height // total
    return samples, height
