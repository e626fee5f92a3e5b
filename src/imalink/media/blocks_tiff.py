"""Walk a TIFF or a RAW file built like one: choose its real picture, and take that to picture parts.

Rules: docs/format/hothash.md, section tiff. Tags: TIFF 6.0, TIFF/EP, DNG 1.7, and exiftool.org for the makers' own.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from typing import Final

from imalink.media.blocks import Blocks, BrokenStructureError, Part, Spans
from imalink.media.reader import Reader
from imalink.media.tiff_directories import MAX_VALUES, SUB_DIRECTORIES, Directory, TiffStructure
from imalink.media.tiff_metadata import METADATA_TAGS, note_metadata, note_size

PANASONIC: Final = 0x55
_OLYMPUS: Final = frozenset((0x4F52, 0x5352))
_MARKS: Final = frozenset((42, 43, PANASONIC)) | _OLYMPUS

_SUBFILE, _OLD_SUBFILE, _PHOTOMETRIC, _TABLES = 254, 255, 262, 347
_WIDTH, _HEIGHT = 256, 257
_STRIPS, _TILES, _JPEG = (273, 279), (324, 325), (513, 514)
_PAIRS: Final = (_STRIPS, _TILES, _JPEG)
_PANASONIC_DATA: Final = 280
_OLD_JPEG_TABLES: Final = (519, 520, 521)
_SENSOR: Final = frozenset((32803, 34892))
"""Photometric interpretations of what no camera has developed yet: colour filter array, linear RAW."""

_HASHED: Final = (
    *(256, 257, 258, 259, 262, 266, 277, 278, 284, 292, 293, 317, 320, 322, 323, 338, 339, 512, 530),
    *(33421, 33422, 50752, 50974, 50975, 52547),
)
_HASHED_OF_PANASONIC: Final = (2, 3, 8, 9, 10, 11, 45)
"""Sensor's width and height, samples, filter pattern, bits, compression, sort of coding: Panasonic's own numbers."""
_MAX_HASHED_VALUES: Final = 1_048_576

_WANTED: Final = frozenset(
    (SUB_DIRECTORIES, _SUBFILE, _OLD_SUBFILE, _TABLES, _PANASONIC_DATA, *_OLD_JPEG_TABLES)
).union(_HASHED, _HASHED_OF_PANASONIC, METADATA_TAGS, *_PAIRS)


_Pieces = tuple["array[int]", "array[int]"]
"""Offsets and lengths."""


def walk_tiff(reader: Reader, blocks: Blocks) -> None:
    """Fill ``blocks`` from a TIFF structure. Raises BrokenStructureError where a rule is broken; the rest stays.

    Of several pictures the size is that of the first that counts.
    """
    tiff = TiffStructure(reader, wanted=_WANTED)
    is_canon = tiff.mark == 42 and reader.read(0, min(12, reader.size))[8:] == b"CR\x02\x00"
    blocks.exif_is_file = True
    chosen: list[Directory] = []
    try:
        tiff.read_directories()
        if tiff.mark not in _MARKS:
            raise BrokenStructureError("a TIFF structure of a sort nobody knows")
        chosen = _choose(tiff, is_canon=is_canon)
    finally:
        note_metadata(reader, tiff, blocks)
        note_size(reader, tiff, chosen[0] if chosen else None, blocks, is_canon=is_canon)
    blocks.more_parts = _Planner(reader, tiff).plan(chosen)


def walk_iiq(reader: Reader, blocks: Blocks) -> None:
    """Note the metadata of a Phase One file; its picture lies outside its directories. Raises BrokenStructureError."""
    tiff = TiffStructure(reader, wanted=_WANTED)
    blocks.exif_is_file = True
    try:
        tiff.read_directories()
    finally:
        note_metadata(reader, tiff, blocks)


def _choose(tiff: TiffStructure, *, is_canon: bool) -> list[Directory]:
    """Give the directories whose pictures are hashed. Raises BrokenStructureError when there is none."""
    images = [directory for directory in tiff.directories if _has_data(directory)]
    sensor = [image for image in images if tiff.first_value(image, _PHOTOMETRIC) in _SENSOR]
    chain = tiff.directories[: tiff.chain_length]
    if sensor:
        return [max(sensor, key=lambda image: (_pixels(tiff, image), _data_length(tiff, image)))]
    if is_canon:
        chosen = [image for image in chain[3:4] if _has_data(image)]
    elif tiff.mark == PANASONIC or tiff.mark in _OLYMPUS:
        chosen = chain[:1]
    else:
        chosen = [image for image in images if _is_full_picture(tiff, image)]
    if not chosen:
        raise BrokenStructureError("no picture")
    return chosen


def _has_data(directory: Directory) -> bool:
    return any(offsets in directory.entries and lengths in directory.entries for offsets, lengths in _PAIRS)


def _is_full_picture(tiff: TiffStructure, image: Directory) -> bool:
    # EXIF's thumbnail has no size of its own; and no mark that would say what it is.
    has_size = _WIDTH in image.entries and _HEIGHT in image.entries
    is_reduced = (tiff.first_value(image, _SUBFILE) or 0) & 1 or tiff.first_value(image, _OLD_SUBFILE) == 2
    return has_size and not is_reduced


def _pixels(tiff: TiffStructure, image: Directory) -> int:
    return (tiff.first_value(image, _WIDTH) or 0) * (tiff.first_value(image, _HEIGHT) or 0)


def _data_length(tiff: TiffStructure, image: Directory) -> int:
    return sum(sum(tiff.values_of(image, lengths)) for offsets, lengths in _PAIRS if offsets in image.entries)


class _Plan:
    """The parts in their order, those of strips and tiles made as they are asked for: a mosaic has very many."""

    def __init__(self, steps: list[Part | _Pieces]) -> None:
        self._steps = steps

    def __iter__(self) -> Iterator[Part]:
        for step in self._steps:
            if isinstance(step, Part):
                yield step
            else:
                for offset, length in zip(*step, strict=True):
                    yield Part(tag=b"DATA", spans=Spans(offset, length))


class _Planner:
    """Puts the parts of the chosen pictures together, and counts what they cost."""

    def __init__(self, reader: Reader, tiff: TiffStructure) -> None:
        self._reader = reader
        self._tiff = tiff
        self._steps: list[Part | _Pieces] = []
        self._piece_count = 0
        self._value_count = 0
        self._read_bytes = 0
        self._has_data = False

    def plan(self, images: list[Directory]) -> _Plan:
        """Give the parts of the pictures. Raises BrokenStructureError, OSError."""
        is_panasonic = self._tiff.mark == PANASONIC
        tags = sorted((*_HASHED, *_HASHED_OF_PANASONIC)) if is_panasonic else _HASHED
        for image in images:
            if any(tag in image.entries for tag in _OLD_JPEG_TABLES):
                raise BrokenStructureError("JPEG tables that lie anywhere in the file")
            # Samples of more than a byte lie in this order in the strips.
            self._steps.append(Part(tag=b"IMGE", built=self._reader.read(0, 2)))
            for tag in tags:
                if tag in image.entries:
                    self._steps.append(self._values(image, tag))
            if _TABLES in image.entries:
                entry = image.entries[_TABLES]
                if entry.length is None:
                    raise BrokenStructureError("JPEG tables of a type nobody knows")
                self._check_piece(entry.offset, entry.length)
                self._steps.append(Part(tag=b"JTAB", spans=Spans(entry.offset, entry.length)))
            if is_panasonic:
                self._add_pieces(*self._panasonic_data(image))
                continue
            for offsets, lengths in _PAIRS:
                if offsets in image.entries and lengths in image.entries:
                    self._add_pieces(self._tiff.values_of(image, offsets), self._tiff.values_of(image, lengths))
        if not self._has_data:
            raise BrokenStructureError("no picture data")
        return _Plan(self._steps)

    def _add_pieces(self, offsets: array[int], lengths: array[int]) -> None:
        if len(offsets) != len(lengths):
            raise BrokenStructureError("not as many lengths as pieces of data")
        self._piece_count += len(offsets)
        if self._piece_count > MAX_VALUES:
            raise BrokenStructureError("more strips or tiles than any real picture has")
        for offset, length in zip(offsets, lengths, strict=True):
            self._check_piece(offset, length)
        self._has_data = self._has_data or any(lengths)
        self._steps.append((offsets, lengths))

    def _panasonic_data(self, image: Directory) -> _Pieces:
        # The length is that of the data before compression in some models, and then beyond the file.
        tag = _PANASONIC_DATA if _PANASONIC_DATA in image.entries else _STRIPS[0]
        offset = next(iter(self._tiff.values_of(image, tag)), None)
        if offset is None or offset > self._reader.size:
            raise BrokenStructureError("no picture data")
        length = next(iter(self._tiff.values_of(image, _STRIPS[1])), None)
        if length is None or offset + length > self._reader.size:
            length = self._reader.size - offset
        return array("Q", [offset]), array("Q", [length])

    def _check_piece(self, offset: int, length: int) -> None:
        if length and offset + length > self._reader.size:
            raise BrokenStructureError("picture data beyond the file")
        # Pieces may not share bytes by the thousand: reading them all would take for ever.
        self._read_bytes += length
        if self._read_bytes > self._reader.size:
            raise BrokenStructureError("more picture data than the file is long")

    def _values(self, image: Directory, tag: int) -> Part:
        values = self._tiff.values_of(image, tag)
        self._value_count += len(values)
        if self._value_count > _MAX_HASHED_VALUES:
            raise BrokenStructureError("more values than any real picture has")
        if sys.byteorder == "little":
            values.byteswap()
        head = tag.to_bytes(2, "big") + image.entries[tag].count.to_bytes(4, "big")
        return Part(tag=b"TAGV", built=head + values.tobytes())
