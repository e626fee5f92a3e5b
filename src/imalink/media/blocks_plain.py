"""Read sizes and metadata of the kinds whose hothash stays that of the file: BMP and PSD."""

from __future__ import annotations

from typing import Final

from imalink.media.blocks import Blocks, BrokenStructureError, Spans
from imalink.media.reader import Reader

_PSD_HEADER_BYTES: Final = 26
_RESOURCE_SIGNATURES: Final = frozenset((b"8BIM", b"MeSa", b"AgHg", b"PHUT", b"DCSR"))
_IPTC, _ICC, _EXIF, _XMP = 0x0404, 0x040F, 0x0422, 0x0424
_MAX_RESOURCES: Final = 10_000


def read_bmp(reader: Reader, blocks: Blocks) -> None:
    """Note the size; a negative height means that rows go down."""
    header = reader.read(14, 12)
    if int.from_bytes(header[:4], "little") == 12:  # OS/2: two 16-bit numbers
        blocks.width = int.from_bytes(header[4:6], "little")
        blocks.height = int.from_bytes(header[6:8], "little")
    else:
        blocks.width = int.from_bytes(header[4:8], "little")
        blocks.height = abs(int.from_bytes(header[8:12], "little", signed=True))


def read_psd(reader: Reader, blocks: Blocks) -> None:
    """Note the size, and the metadata among the image resources. Layout: Adobe's Photoshop file format page."""
    header = reader.read(0, _PSD_HEADER_BYTES)
    blocks.height = int.from_bytes(header[14:18], "big")
    blocks.width = int.from_bytes(header[18:22], "big")
    colours = int.from_bytes(reader.read(_PSD_HEADER_BYTES, 4), "big")
    length_at = _PSD_HEADER_BYTES + 4 + colours
    start = length_at + 4
    length = int.from_bytes(reader.read(length_at, 4), "big")
    if start + length > reader.size:
        raise BrokenStructureError("the image resources reach beyond the file")
    _note_resources(reader, blocks, start, start + length)


def _note_resources(reader: Reader, blocks: Blocks, position: int, end: int) -> None:
    """Note IPTC, EXIF, XMP and colour profile. Thumbnails and paths beside them may be large, so each by itself."""
    for _ in range(_MAX_RESOURCES):
        if position + 12 > end:
            return
        header = reader.read(position, 7)
        if header[:4] not in _RESOURCE_SIGNATURES:
            return
        # Signature, identifier, a name whose length byte counts into its padding, size, data padded to even.
        identifier, name_bytes = int.from_bytes(header[4:6], "big"), header[6] + 1
        size_at = position + 6 + name_bytes + name_bytes % 2
        size = int.from_bytes(reader.read(size_at, 4), "big")
        data = size_at + 4
        position = data + size + size % 2
        if data + size > end:
            raise BrokenStructureError("an image resource reaches beyond its block")
        if identifier == _IPTC and blocks.iptc is None:
            blocks.iptc = Spans(data, size)
        elif identifier == _EXIF and blocks.exif is None:
            blocks.exif = Spans(data, size)
        elif identifier == _XMP and blocks.xmp is None:
            blocks.xmp = Spans(data, size)
        elif identifier == _ICC:
            blocks.icc.setdefault(1, Spans(data, size))
