"""Walk a WebP: RIFF chunks to picture parts and metadata blocks.

Rules: docs/format/hothash.md, section webp. Chunk layout: RFC 9649; frame headers: RFC 6386 and RFC 9649.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from imalink.media.blocks import Blocks, BrokenStructureError, Part, Spans
from imalink.media.reader import Reader

_RIFF_HEADER_BYTES: Final = 12
_PICTURE_CHUNKS: Final = frozenset((b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF"))
_CODED_CHUNKS: Final = frozenset((b"VP8 ", b"VP8L", b"ANMF"))
_MAX_CHUNKS: Final = 1_048_576
_ALPHA, _ANIMATION = 0x10, 0x02


@dataclass(frozen=True, slots=True, kw_only=True)
class _Size:
    """Width, height, and the flags of ``VP8X`` that decide how the picture is decoded."""

    width: int
    height: int
    flags: int


def walk_webp(reader: Reader, blocks: Blocks) -> None:
    """Fill ``blocks`` from a WebP. Raises BrokenStructureError where a rule is broken; what came before stays."""
    end = 8 + int.from_bytes(reader.read(4, 4), "little")
    if end > reader.size:
        raise BrokenStructureError("the RIFF size reaches beyond the file")
    position = _RIFF_HEADER_BYTES
    canvas: _Size | None = None
    frame: _Size | None = None
    is_frame_lossless = False
    has_picture = False
    chunks = 0
    blocks.add(Part(tag=b"SIZE"))  # first in the hash, though what it says may stand later
    while position < end:
        if position + 8 > end:
            raise BrokenStructureError("a chunk without a header")
        header = reader.read(position, 8)
        chunk, size = header[:4], int.from_bytes(header[4:], "little")
        payload = position + 8
        if payload + size > end:
            raise BrokenStructureError("a chunk reaches beyond the file")
        chunks += 1
        if chunks > _MAX_CHUNKS:
            raise BrokenStructureError("more chunks than any real picture has")
        position = payload + size + size % 2  # writers exist that leave the last pad byte out
        if chunk in _PICTURE_CHUNKS:
            blocks.add(Part(tag=chunk, spans=Spans(payload, size)))
            has_picture = has_picture or chunk in _CODED_CHUNKS
            if frame is None and chunk in (b"VP8 ", b"VP8L"):
                frame = _frame_size(reader.read(payload, min(size, 10)), chunk)
                is_frame_lossless = chunk == b"VP8L"
        elif chunk == b"VP8X" and canvas is None:
            canvas = _canvas_size(reader.read(payload, min(size, 10)))
        else:
            _note_metadata(blocks, chunk, payload, size)
        shown = canvas or frame
        if shown is not None:
            blocks.width, blocks.height = shown.width, shown.height
    whole = canvas or frame
    if not has_picture or whole is None:
        raise BrokenStructureError("no picture data or no size")
    if frame is not None and is_frame_lossless and not whole.flags & _ANIMATION:
        # Decoders believe the coded picture; and ExifTool leaves alpha out of the VP8X it puts before one.
        whole = replace(whole, flags=frame.flags)
    numbers = whole.width.to_bytes(4, "big") + whole.height.to_bytes(4, "big")
    blocks.parts[0] = Part(tag=b"SIZE", built=numbers + bytes((whole.flags,)))


def _canvas_size(header: bytes) -> _Size:
    if len(header) < 10:
        raise BrokenStructureError("VP8X is too short")
    return _Size(
        width=1 + int.from_bytes(header[4:7], "little"),
        height=1 + int.from_bytes(header[7:10], "little"),
        flags=header[0] & (_ALPHA | _ANIMATION),
    )


def _frame_size(header: bytes, chunk: bytes) -> _Size | None:
    """Give the size of a coded picture; None if it does not begin as one, which matters only without a VP8X."""
    if chunk == b"VP8L" and len(header) >= 5 and header[0] == 0x2F:
        bits = int.from_bytes(header[1:5], "little")
        return _Size(width=1 + (bits & 0x3FFF), height=1 + (bits >> 14 & 0x3FFF), flags=_ALPHA if bits >> 28 & 1 else 0)
    if chunk == b"VP8 " and len(header) == 10 and header[3:6] == b"\x9d\x01\x2a":
        # The upper two bits ask for a scaling of what is shown.
        width, height = (int.from_bytes(header[at : at + 2], "little") & 0x3FFF for at in (6, 8))
        return _Size(width=width, height=height, flags=0)
    return None


def _note_metadata(blocks: Blocks, chunk: bytes, payload: int, size: int) -> None:
    if chunk == b"EXIF" and blocks.exif is None:
        blocks.exif = Spans(payload, size)
    elif chunk == b"XMP " and blocks.xmp is None:
        blocks.xmp = Spans(payload, size)
    elif chunk == b"ICCP":
        blocks.icc.setdefault(1, Spans(payload, size))
