"""RAW files made from nothing."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy
from PIL import Image

_SHORT, _LONG, _RATIONAL, _SRATIONAL, _BYTE, _ASCII = 3, 4, 5, 10, 1, 2
_SIZES = {_BYTE: 1, _ASCII: 1, _SHORT: 2, _LONG: 4, _RATIONAL: 8, _SRATIONAL: 8}

Entry = tuple[int, bytes]
"""The type of a TIFF value, and its bytes, little-endian."""


def short(*values: int) -> Entry:
    return _SHORT, struct.pack(f"<{len(values)}H", *values)


def long(*values: int) -> Entry:
    return _LONG, struct.pack(f"<{len(values)}I", *values)


def ratios(*values: float, is_signed: bool = False) -> Entry:
    pairs = [part for value in values for part in (round(value * 10_000), 10_000)]
    return (_SRATIONAL if is_signed else _RATIONAL), struct.pack(f"<{len(pairs)}{'i' if is_signed else 'I'}", *pairs)


def tiff_of(directories: Sequence[Mapping[int, Entry]], data: Sequence[bytes]) -> bytes:
    """Chain directories into a TIFF file; tag 273 or 513 of directory n is set to where ``data[n]`` lies."""
    out = bytearray(b"II*\x00\x08\x00\x00\x00")
    for number, (directory, payload) in enumerate(zip(directories, data, strict=True)):
        entries = dict(directory)
        place = 273 if 279 in entries else 513
        entries[place] = long(0)
        start = len(out)
        values_at = start + 2 + 12 * len(entries) + 4
        values = bytearray()
        table = bytearray(struct.pack("<H", len(entries)))
        payload_slot = 0
        for tag in sorted(entries):
            kind, content = entries[tag]
            table += struct.pack("<HHI", tag, kind, len(content) // _SIZES[kind])
            if tag == place:
                payload_slot = start + len(table)
            if len(content) <= 4:
                table += content.ljust(4, b"\0")
            else:
                table += struct.pack("<I", values_at + len(values))
                values += content + b"\0" * (len(content) % 2)
        payload_at = values_at + len(values)
        following = payload_at + len(payload) + len(payload) % 2
        table += struct.pack("<I", 0 if number == len(directories) - 1 else following)
        out += table + values + payload + b"\0" * (len(payload) % 2)
        struct.pack_into("<I", out, payload_slot, payload_at)
    return bytes(out)


def make_dng(
    path: Path,
    picture: Image.Image,
    *,
    orientation: int = 1,
    embedded: bytes | None = None,
    embedded_size: tuple[int, int] | None = None,
    says: tuple[int, int] | None = None,
) -> Path:
    """Write a DNG whose sensor saw ``picture``: its directory first, then one with an embedded JPEG, if given."""
    pixels = numpy.asarray(picture.convert("RGB")).astype(numpy.float64) / 255
    linear = (pixels**2.2 * 60_000).astype("<u2")
    mosaic = linear[:, :, 1].copy()
    mosaic[0::2, 0::2] = linear[0::2, 0::2, 0]
    mosaic[1::2, 1::2] = linear[1::2, 1::2, 2]
    width, height = says or picture.size
    content = mosaic.tobytes()
    main: dict[int, Entry] = {
        254: long(0),
        256: long(width),
        257: long(height),
        258: short(16),
        259: short(1),
        262: short(32803),
        271: (_ASCII, b"ImaLink\0"),
        272: (_ASCII, b"Test\0"),
        274: short(orientation),
        277: short(1),
        278: long(height),
        279: long(len(content)),
        284: short(1),
        33421: short(2, 2),
        33422: (_BYTE, bytes((0, 1, 1, 2))),
        50706: (_BYTE, bytes((1, 4, 0, 0))),
        50708: (_ASCII, b"ImaLink Test\0"),
        50717: long(60_000),
        50721: ratios(3.1339, -1.6169, -0.4906, -0.9788, 1.9161, 0.0335, 0.0719, -0.2290, 1.4052, is_signed=True),
        50728: ratios(1, 1, 1),
        50778: short(21),
    }
    directories, payloads = [main], [content]
    if embedded is not None:
        size = embedded_size or Image.open(io.BytesIO(embedded)).size
        directories.append(
            {
                254: long(1),
                256: long(size[0]),
                257: long(size[1]),
                258: short(8, 8, 8),
                259: short(7),
                262: short(6),
                277: short(3),
                278: long(size[1]),
                279: long(len(embedded)),
            }
        )
        payloads.append(embedded)
    path.write_bytes(tiff_of(directories, payloads))
    return path
