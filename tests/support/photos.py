"""Small real photos for all tests, made with Pillow; and an editor of ratings that knows nothing of our code."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from PIL import Image

CAMERA: Final = ("Testmaker", "Testmodel 1")
_XMP_HEADER: Final = b"http://ns.adobe.com/xap/1.0/\x00"


def noise_picture(seed: int, size: tuple[int, int] = (320, 240)) -> Image.Image:
    """A picture like no other seed's: soft shapes and grain, so that it compresses like a photo."""
    generator = random.Random(seed)
    width, height = size
    coarse = (max(1, width // 16), max(1, height // 16))
    shapes = Image.frombytes("RGB", coarse, generator.randbytes(coarse[0] * coarse[1] * 3))
    grain = Image.frombytes("RGB", size, generator.randbytes(width * height * 3))
    shapes = shapes.transform(size, Image.Transform.EXTENT, (0, 0, *coarse), Image.Resampling.BICUBIC)
    return Image.blend(shapes, grain, generator.uniform(0.02, 0.25))


def make_jpeg(
    path: Path,
    *,
    seed: int,
    size: tuple[int, int] = (320, 240),
    taken: str | None = "2024:07:10 14:30:00",
    offset: str | None = None,
    rating: int | None = None,
    orientation: int | None = None,
    gps: tuple[float, float] | None = None,
    keywords: Sequence[str] = (),
    progressive: bool = False,
    icc_profile: bytes | None = None,
) -> Path:
    """Write a JPEG with EXIF (``taken``, camera, ``orientation``, ``gps``) and XMP (``rating``, ``keywords``)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = _exif(taken=taken, offset=offset, orientation=orientation, gps=gps)
    noise_picture(seed, size).save(
        path, "JPEG", quality=88, progressive=progressive, exif=exif, icc_profile=icc_profile
    )
    if rating is not None or keywords:
        _put_xmp(path, xmp_packet(rating=rating, keywords=keywords))
    return path


def make_png(path: Path, *, seed: int, size: tuple[int, int] = (160, 120), mode: str = "RGB") -> Path:
    """Write a PNG of a Pillow mode (``RGB``, ``RGBA``, ``L``, ``P``)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = noise_picture(seed, size)
    if mode == "RGBA":
        picture.putalpha(picture.convert("L"))
    elif mode != "RGB":
        picture = picture.convert(mode)
    picture.save(path, "PNG")
    return path


def set_rating_in_place(path: Path, rating: int) -> None:
    """Put a rating into a JPEG as an XMP segment, in place of the one that may be there; nothing else changes."""
    _put_xmp(path, xmp_packet(rating=rating))


def xmp_packet(*, rating: int | None = None, keywords: Sequence[str] = ()) -> bytes:
    """An XMP packet as photo programs write it."""
    stars = "" if rating is None else f"<xmp:Rating>{rating}</xmp:Rating>"
    items = "".join(f"<rdf:li>{escape(keyword)}</rdf:li>" for keyword in keywords)
    subjects = f"<dc:subject><rdf:Bag>{items}</rdf:Bag></dc:subject>" if keywords else ""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f'{stars}{subjects}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def jpeg_segment(code: int, payload: bytes) -> bytes:
    """One marker segment."""
    return bytes((0xFF, code)) + (len(payload) + 2).to_bytes(2, "big") + payload


def split_jpeg(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The segments before the first scan as (code, payload), and everything from the first scan on."""
    assert data[:2] == b"\xff\xd8", "no JPEG"
    segments: list[tuple[int, bytes]] = []
    at = 2
    while data[at + 1] != 0xDA:
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        segments.append((data[at + 1], data[at + 4 : at + 2 + length]))
        at += 2 + length
    return segments, data[at:]


def join_jpeg(segments: Sequence[tuple[int, bytes]], rest: bytes) -> bytes:
    """The inverse of ``split_jpeg``."""
    return b"\xff\xd8" + b"".join(jpeg_segment(code, payload) for code, payload in segments) + rest


def _put_xmp(path: Path, packet: bytes) -> None:
    segments, rest = split_jpeg(path.read_bytes())
    kept = [(code, payload) for code, payload in segments if not (code == 0xE1 and payload.startswith(_XMP_HEADER))]
    # After the other APP segments, where every reader looks for it.
    at = next((number for number, (code, _) in enumerate(kept) if not 0xE0 <= code <= 0xEF), len(kept))
    kept.insert(at, (0xE1, _XMP_HEADER + packet))
    path.write_bytes(join_jpeg(kept, rest))


def _exif(
    *, taken: str | None, offset: str | None, orientation: int | None, gps: tuple[float, float] | None
) -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = CAMERA
    if orientation is not None:
        exif[0x0112] = orientation
    if taken is not None:
        exif.get_ifd(0x8769)[0x9003] = taken
        if offset is not None:
            exif.get_ifd(0x8769)[0x9011] = offset
    if gps is not None:
        latitude, longitude = gps
        directory = exif.get_ifd(0x8825)
        directory[1], directory[2] = "N" if latitude >= 0 else "S", _degrees(latitude)
        directory[3], directory[4] = "E" if longitude >= 0 else "W", _degrees(longitude)
    return exif


def _degrees(value: float) -> tuple[float, float, float]:
    minutes, seconds = divmod(round(abs(value) * 3600, 4), 60)
    degrees, minutes = divmod(minutes, 60)
    return degrees, minutes, seconds
