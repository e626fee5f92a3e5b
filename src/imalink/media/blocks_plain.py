"""Read sizes and EXIF of the kinds that have no walker of their own yet; their hothash is ``file-1``."""

from __future__ import annotations

from typing import Final

from imalink.media.blocks import Blocks
from imalink.media.reader import Reader

_PLAIN_TIFF: Final = (b"II*\x00", b"MM\x00*")


def read_gif(reader: Reader, blocks: Blocks) -> None:
    """Note the logical screen's size."""
    header = reader.read(6, 4)
    blocks.width = int.from_bytes(header[:2], "little")
    blocks.height = int.from_bytes(header[2:], "little")


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
    """Note the size."""
    header = reader.read(14, 8)
    blocks.height = int.from_bytes(header[:4], "big")
    blocks.width = int.from_bytes(header[4:], "big")


def read_webp(reader: Reader, blocks: Blocks) -> None:
    """Note the canvas, or the size of the only frame."""
    header = reader.read(12, 18)
    chunk = header[:4]
    if chunk == b"VP8X":
        blocks.width = 1 + int.from_bytes(header[12:15], "little")
        blocks.height = 1 + int.from_bytes(header[15:18], "little")
    elif chunk == b"VP8 " and header[11:14] == b"\x9d\x01\x2a":
        blocks.width = int.from_bytes(header[14:16], "little") & 0x3FFF
        blocks.height = int.from_bytes(header[16:18], "little") & 0x3FFF
    elif chunk == b"VP8L":
        bits = int.from_bytes(header[9:13], "little")
        blocks.width = 1 + (bits & 0x3FFF)
        blocks.height = 1 + (bits >> 14 & 0x3FFF)


def read_tiff(reader: Reader, blocks: Blocks) -> None:
    """Take a TIFF file for the EXIF structure it is."""
    blocks.exif_is_file = reader.read(0, 4) in _PLAIN_TIFF
