"""Small files that promise 900 megapixels or more, one for each decoder."""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

from PIL import Image

from tests.support.raw_pictures import long, make_dng, short, tiff_of
from tests.support.videos import make_video

SIDE: Final = 30_000


def _saved(file_format: str, **options: bool) -> bytearray:
    target = io.BytesIO()
    Image.effect_noise((160, 120), 60).convert("RGB").save(target, file_format, **options)
    return bytearray(target.getvalue())


def png(path: Path) -> None:
    """Whole and true: 900 megapixels of black."""

    def chunk(name: bytes, payload: bytes) -> bytes:
        return struct.pack(">I", len(payload)) + name + payload + struct.pack(">I", zlib.crc32(name + payload))

    packer = zlib.compressobj(9)
    row = bytes(1 + SIDE * 3)
    data = b"".join(packer.compress(row) for _ in range(SIDE)) + packer.flush()
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b""))


def jpeg(path: Path) -> None:
    data = _saved("JPEG")
    struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, SIDE, SIDE)
    path.write_bytes(data)


def progressive_jpeg(path: Path) -> None:
    """Its coefficients would all be kept in memory."""
    data = _saved("JPEG", progressive=True)
    struct.pack_into(">HH", data, data.index(b"\xff\xc2") + 5, SIDE, SIDE)
    path.write_bytes(data)


def tiff(path: Path) -> None:
    data = zlib.compress(bytes(50_000_000), 9)
    directory = {
        256: long(SIDE),
        257: long(SIDE),
        258: short(8, 8, 8),
        259: short(8),
        262: short(2),
        277: short(3),
        278: long(SIDE),
        279: long(len(data)),
    }
    path.write_bytes(tiff_of([directory], [data]))


def webp(path: Path) -> None:
    """The most that WebP can say, 16,384 pixels a side in a VP8L header."""
    data = _saved("WEBP", lossless=True)
    at = data.index(b"VP8L") + 9
    rest = int.from_bytes(data[at : at + 4], "little") >> 28 << 28
    struct.pack_into("<I", data, at, rest | 16_383 << 14 | 16_383)
    path.write_bytes(data)


def gif(path: Path) -> None:
    data = _saved("GIF")
    struct.pack_into("<HH", data, 6, 65_535, 65_535)
    at = data.index(b"\x2c\x00\x00\x00\x00", 13)
    struct.pack_into("<HH", data, at + 5, 65_535, 65_535)
    path.write_bytes(data)


def bmp(path: Path) -> None:
    data = _saved("BMP")
    struct.pack_into("<ii", data, 18, SIDE, SIDE)
    path.write_bytes(data)


def psd(path: Path) -> None:
    header = struct.pack(">4sH6xHIIHH", b"8BPS", 1, 3, SIDE, SIDE, 8, 3)
    path.write_bytes(header + bytes(12) + struct.pack(">H", 1) + bytes(1_000))


def avif(path: Path) -> None:
    data = _saved("AVIF")
    at = data.index(b"ispe") + 8
    struct.pack_into(">II", data, at, SIDE, SIDE)
    path.write_bytes(data)


def dng(path: Path) -> None:
    make_dng(path, Image.new("RGB", (64, 48)), says=(SIDE, SIDE))


def dng_with_a_bomb_inside(path: Path) -> None:
    inner = path.with_name("inner.jpg")
    jpeg(inner)
    data = inner.read_bytes()
    inner.unlink()
    make_dng(path, Image.new("RGB", (64, 48)), embedded=data, embedded_size=(SIDE, SIDE), says=(SIDE, SIDE))


def video(path: Path) -> None:
    """The container says little, the frame in it much."""
    make_video(path, Image.effect_noise((160, 120), 60).convert("RGB"), codec="mjpeg")
    data = bytearray(path.read_bytes())
    for match in re.finditer(rb"\xff\xc0\x00\x11\x08", data):
        struct.pack_into(">HH", data, match.end(), SIDE, SIDE)
    path.write_bytes(data)


def jxl(path: Path) -> None:
    """A size header: not small, the height in 18 bits, as wide as high; then noise."""
    header = 2 << 1 | (SIDE - 1) << 3 | 1 << 21
    path.write_bytes(b"\xff\x0a" + header.to_bytes(3, "little") + bytes(range(256)) * 8)


BOMBS: Final[dict[str, Callable[[Path], None]]] = {
    "a.png": png,
    "a.jpg": jpeg,
    "progressive.jpg": progressive_jpeg,
    "a.tif": tiff,
    "a.webp": webp,
    "a.gif": gif,
    "a.bmp": bmp,
    "a.psd": psd,
    "a.avif": avif,
    "a.jxl": jxl,
    "a.dng": dng,
    "inside.dng": dng_with_a_bomb_inside,
    "a.avi": video,
}
"""The name each wants to have, and what makes it."""
