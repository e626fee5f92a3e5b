"""Photos to measure with: thousands of tiny ones, and some of a real photo's size."""

from __future__ import annotations

import io
import os
import random
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

FOLDERS = 100
_TEN_YEARS = 10 * 365 * 86_400
_SINCE_2014 = 1_388_534_400
_GRAIN = 0.11
"""Gives 5.4 MB a photo on the average, as a camera's of 12 and 24 megapixels at quality 92 have."""


MADE_KINDS = ("jpeg", "jpeg progressive", "png", "tiff", "webp", "gif")
SAMPLE_KINDS = {
    "heic": "albums/formats/motionphoto/samsung-one-ui-6.heic",
    "avif": "albums/formats/avif/10bit-HDR-P3-nclx.avif",
    "jxl": "albums/formats/jxl/16bit-HDR-P3-nclx.jxl",
}
"""Kinds of which one sample photo is measured."""


def make_tiny_photos(folder: Path, count: int) -> Path:
    """Fill ``FOLDERS`` folders with ``count`` real JPEGs, each another picture, with EXIF dates and times of files."""
    chance = random.Random(count)
    for number in range(count):
        path = folder / f"roll {number % FOLDERS:03}" / f"IMG_{number:05}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        size = (chance.randint(8, 40), chance.randint(8, 40))
        picture = Image.frombytes("RGB", size, chance.randbytes(size[0] * size[1] * 3))
        exif = Image.Exif()
        exif[0x010F], exif[0x0110] = "Benchmaker", f"Model {number % 3}"
        exif.get_ifd(0x8769)[0x9003] = f"2024:{1 + number % 12:02}:{1 + number % 28:02} 12:{number % 60:02}:00"
        picture.save(path, "JPEG", quality=80, exif=exif)
        moment = (_SINCE_2014 + chance.randrange(_TEN_YEARS)) * 10**9 + chance.randrange(10**9)
        os.utime(path, ns=(moment, moment))
    return folder


def make_large_photos(folder: Path, total_bytes: int, *, kind: str) -> list[Path]:
    """Write photos of 1 to 8 MB up to ``total_bytes``; the kinds are those of ``MADE_KINDS`` and ``SAMPLE_KINDS``.

    A kind that nothing here can write is a sample photo again and again; none is written where there are no samples.
    """
    folder.mkdir(parents=True)
    extension = kind.partition(" ")[0]
    models = list(_models(kind)) if kind in MADE_KINDS else _sample(kind)
    if not models:
        return []
    written, paths = 0, list[Path]()
    while written < total_bytes:
        data = models[len(paths) % len(models)]
        if kind.startswith("jpeg"):
            data = data[:2] + b"\xff\xfe\x00\x08%06d" % len(paths) + data[2:]  # a comment, so that no two are the same
        path = folder / f"{len(paths):04}.{extension}"
        path.write_bytes(data)
        written += len(data)
        paths.append(path)
    return paths


def make_album(folder: Path, *, of_12_mp: int, of_24_mp: int) -> tuple[list[Path], list[Path]]:
    """Write so many JPEGs of 12 and of 24 megapixels with EXIF, no two the same; give the paths of both sizes.

    Their pictures are the large ones among the sample photos, where these are, else shapes and grain.
    """
    folder.mkdir(parents=True)
    both: list[list[Path]] = []
    for name, size, count in (("a", (4000, 3000), of_12_mp), ("b", (6000, 4000), of_24_mp)):
        models = [_as_jpeg(_with_grain(picture.resize(size, Image.Resampling.BICUBIC))) for picture in _originals()]
        paths: list[Path] = []
        for number in range(count):
            data = models[number % len(models)]
            path = folder / f"{name}{number:04}.jpg"
            path.write_bytes(data[:2] + b"\xff\xfe\x00\x08%06d" % number + data[2:])
            paths.append(path)
        both.append(paths)
    return both[0], both[1]


def has_sample_photos() -> bool:
    """Tell whether an album is made from real photos."""
    return _album_samples().is_dir()


def _samples() -> Path:
    project = Path(__file__).resolve().parent.parent
    return Path(os.environ.get("IMALINK_SAMPLE_PHOTOS") or project.parent / "shared" / "photos")


def _album_samples() -> Path:
    return _samples() / "albums" / "albums" / "text"


def _sample(kind: str) -> list[bytes]:
    path = _samples() / SAMPLE_KINDS[kind]
    return [path.read_bytes()] if path.is_file() else []


def _originals() -> Iterator[Image.Image]:
    if has_sample_photos():
        for path in sorted(_album_samples().glob("*.jpg")):
            with Image.open(path) as picture:
                yield picture.convert("RGB")
    else:
        for data in _models("jpeg"):
            yield Image.open(io.BytesIO(data))


def _with_grain(picture: Image.Image) -> Image.Image:
    """Give an enlarged picture the grain of a sensor, without which its JPEG is half the size of a camera's."""
    grain = Image.frombytes("RGB", picture.size, random.Random(3).randbytes(picture.width * picture.height * 3))
    return Image.blend(picture, grain, _GRAIN)


def _as_jpeg(picture: Image.Image) -> bytes:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Benchmaker", "Model A", 1
    exif.get_ifd(0x8769)[0x9003] = "2024:05:06 07:08:09"
    into = io.BytesIO()
    picture.save(into, "JPEG", quality=92, exif=exif)
    return into.getvalue()


def _models(kind: str) -> Iterator[bytes]:
    """Give three pictures of shapes and grain, as files."""
    chance = random.Random(7)
    size = (3264, 2448) if kind.startswith("jpeg") else (1600, 1200)
    for _ in range(3):
        shapes = Image.frombytes("RGB", (48, 36), chance.randbytes(48 * 36 * 3))
        shapes = shapes.transform(size, Image.Transform.EXTENT, (0, 0, 48, 36), Image.Resampling.BICUBIC)
        grain = Image.frombytes("RGB", size, chance.randbytes(size[0] * size[1] * 3))
        picture = Image.blend(shapes, grain, 0.3)
        into = io.BytesIO()
        if kind.startswith("jpeg"):
            picture.save(into, "JPEG", quality=92, progressive=kind.endswith("progressive"))
        elif kind == "webp":
            picture.save(into, "WEBP", quality=98, method=0)
        else:
            picture.save(into, kind.upper())
        yield into.getvalue()
