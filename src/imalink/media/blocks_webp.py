"""Walk a WebP: RIFF chunks to picture parts and metadata blocks.

Rules: docs/format/hothash.md, section webp. Chunk layout: RFC 9649; frame headers: RFC 6386 and RFC 9649.
"""

from __future__ import annotations

from typing import Final

from imalink.media.blocks import Blocks, BrokenStructureError, Part, Spans
from imalink.media.reader import Reader

_RIFF_HEADER_BYTES: Final = 12
_PICTURE_CHUNKS: Final = frozenset((b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"))
_CODED_CHUNKS: Final = frozenset((b"VP8 ", b"VP8L", b"ANMF"))


def walk_webp(reader: Reader, blocks: Blocks) -> None:
    """Fill ``blocks`` from a WebP. Raises BrokenStructureError where a rule is broken; what came before stays."""
    end = 8 + int.from_bytes(reader.read(4, 4), "little")
    if end > reader.size:
        raise BrokenStructureError("the RIFF size reaches beyond the file")
    position = _RIFF_HEADER_BYTES
    canvas: tuple[int, int] | None = None
    frame: tuple[int, int] | None = None
    has_picture = False
    blocks.add(Part(tag=b"SIZE"))  # first in the hash, though what it says may stand later
    while position < end:
        if position + 8 > end:
            raise BrokenStructureError("a chunk without a header")
        header = reader.read(position, 8)
        chunk, size = header[:4], int.from_bytes(header[4:], "little")
        payload = position + 8
        if payload + size > end:
            raise BrokenStructureError("a chunk reaches beyond the file")
        position = payload + size + size % 2  # writers exist that leave the last pad byte out
        if chunk in _PICTURE_CHUNKS:
            blocks.add(Part(tag=chunk, spans=Spans(payload, size)))
            has_picture = has_picture or chunk in _CODED_CHUNKS
            if frame is None and chunk in (b"VP8 ", b"VP8L"):
                frame = _frame_size(reader.read(payload, min(size, 10)), chunk)
        elif chunk == b"VP8X" and canvas is None:
            canvas = _canvas_size(reader.read(payload, min(size, 10)))
        else:
            _note_metadata(blocks, chunk, payload, size)
        blocks.width, blocks.height = canvas or frame or (None, None)
    size_of_picture = canvas or frame
    if not has_picture or size_of_picture is None:
        raise BrokenStructureError("no picture data or no size")
    width, height = size_of_picture
    blocks.parts[0] = Part(tag=b"SIZE", built=width.to_bytes(4, "big") + height.to_bytes(4, "big"))


def _canvas_size(header: bytes) -> tuple[int, int]:
    if len(header) < 10:
        raise BrokenStructureError("VP8X is too short")
    return 1 + int.from_bytes(header[4:7], "little"), 1 + int.from_bytes(header[7:10], "little")


def _frame_size(header: bytes, chunk: bytes) -> tuple[int, int] | None:
    """Give the size of a coded picture; None if it does not begin as one, which matters only without a VP8X."""
    if chunk == b"VP8L" and len(header) >= 5 and header[0] == 0x2F:
        bits = int.from_bytes(header[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if chunk == b"VP8 " and len(header) == 10 and header[3:6] == b"\x9d\x01\x2a":
        # The upper two bits ask for a scaling of what is shown.
        return int.from_bytes(header[6:8], "little") & 0x3FFF, int.from_bytes(header[8:10], "little") & 0x3FFF
    return None


def _note_metadata(blocks: Blocks, chunk: bytes, payload: int, size: int) -> None:
    if chunk == b"EXIF" and blocks.exif is None:
        blocks.exif = Spans(payload, size)
    elif chunk == b"XMP " and blocks.xmp is None:
        blocks.xmp = Spans(payload, size)
    elif chunk == b"ICCP":
        blocks.icc.setdefault(1, Spans(payload, size))
