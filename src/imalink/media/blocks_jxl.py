"""Walk a JPEG XL file, bare or in boxes: the codestream is the picture. Layout: ISO/IEC 18181-1 and -2.

Rules: docs/format/hothash.md, section jxl. Metadata compressed with Brotli (``brob``) is left unread.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from imalink.media.blocks import Blocks, BrokenStructureError, Part, Spans
from imalink.media.boxes import Box, iter_file_boxes
from imalink.media.reader import Reader

_SIGNATURE: Final = b"\xff\x0a"
_MAX_PIECES: Final = 65_536
_LAST_PIECE: Final = 1 << 31
_LONGEST_HEADER: Final = 32
_RATIOS: Final = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
"""Width to height."""


def walk_jxl(reader: Reader, blocks: Blocks) -> None:
    """Fill ``blocks`` from a JPEG XL file. Raises BrokenStructureError where a rule is broken."""
    if reader.read(0, 2) == _SIGNATURE:
        codestream = Spans(0, reader.size)
    else:
        codestream = _boxed(reader, blocks)
    blocks.add(Part(tag=b"CODE", spans=codestream))
    # What cannot be read of the size costs only itself: the method does not rest on facts.
    with suppress(BrokenStructureError):
        _note_header(_start_of(reader, codestream), blocks)


def _boxed(reader: Reader, blocks: Blocks) -> Spans:
    whole: Spans | None = None
    pieces: list[tuple[int, int, int]] = []
    reached = 0
    for box in iter_file_boxes(reader):
        reached = box.end
        if box.type == b"jxlc":
            if whole is not None:
                raise BrokenStructureError("two codestreams")
            whole = Spans(box.offset, box.length)
        elif box.type == b"jxlp":
            if len(pieces) == _MAX_PIECES or box.length < 4:
                raise BrokenStructureError("a piece of the codestream without number, or too many")
            index = int.from_bytes(reader.read(box.offset, 4), "big") & ~_LAST_PIECE
            pieces.append((index, box.offset + 4, box.length - 4))
        else:
            _note_metadata(reader, blocks, box)
    if reader.size - reached >= 8 and reader.read(reached + 4, 4) in (b"jxlc", b"jxlp"):
        raise BrokenStructureError("the codestream reaches beyond the file")
    if (whole is None) == (not pieces):
        raise BrokenStructureError("no codestream, or one both whole and in pieces")
    if whole is not None:
        return whole
    pieces.sort()
    joined = Spans()
    for expected, (index, offset, length) in enumerate(pieces):
        if index != expected:
            raise BrokenStructureError("pieces of the codestream missing or given twice")
        joined.append(offset, length)
    return joined


def _note_metadata(reader: Reader, blocks: Blocks, box: Box) -> None:
    if box.type == b"Exif" and blocks.exif is None and box.length > 4:
        skipped = 4 + int.from_bytes(reader.read(box.offset, 4), "big")
        if skipped < box.length:
            blocks.exif = Spans(box.offset + skipped, box.length - skipped)
    elif box.type == b"xml " and blocks.xmp is None:
        blocks.xmp = Spans(box.offset, box.length)


def _start_of(reader: Reader, codestream: Spans) -> bytes:
    start = b""
    for offset, length in codestream:
        start += reader.read(offset, min(length, _LONGEST_HEADER - len(start)))
        if len(start) == _LONGEST_HEADER:
            break
    return start


def _note_header(start: bytes, blocks: Blocks) -> None:
    """Read the size header, and of the image metadata that follows it the orientation."""
    if start[:2] != _SIGNATURE:
        return
    bits = _Bits(start[2:])
    is_small = bits.take(1)
    height = _side(bits, is_small)
    ratio = bits.take(3)
    if ratio:
        numerator, denominator = _RATIOS[ratio]
        width = height * numerator // denominator
    else:
        width = _side(bits, is_small)
    blocks.width, blocks.height = width, height
    has_defaults = bits.take(1)
    has_extra_fields = 0 if has_defaults else bits.take(1)
    blocks.orientation = 1 + bits.take(3) if has_extra_fields else 1


def _side(bits: _Bits, is_small: int) -> int:
    if is_small:
        return 8 * (1 + bits.take(5))
    return 1 + bits.take((9, 13, 18, 30)[bits.take(2)])


class _Bits:
    """Bits from the lowest of each byte upwards. Raises BrokenStructureError at the end."""

    def __init__(self, data: bytes) -> None:
        self._number = int.from_bytes(data, "little")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        if count > self._left:
            raise BrokenStructureError("the codestream ends within its header")
        value = self._number & ((1 << count) - 1)
        self._number >>= count
        self._left -= count
        return value
