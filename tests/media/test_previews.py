"""Hotpreviews stand upright, are small, are sRGB and carry nothing else."""

from __future__ import annotations

import io
import resource
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import cast

import pytest
from PIL import Image, ImageCms

from imalink.core.analyser import Analysis, Preview
from imalink.media import previews
from imalink.media.analyser import PictureAnalyser
from imalink.media.kinds import Kind
from imalink.media.previews import rendition_of
from tests.support.photos import make_jpeg, make_png

RED, GREEN, BLUE, WHITE = (220, 30, 30), (30, 200, 40), (30, 40, 210), (250, 250, 250)
# How a picture with a red, green / blue, white quarter each must be stored to be shown so, by orientation.
STORED_FOR: dict[int, list[Image.Transpose]] = {
    1: [],
    2: [Image.Transpose.FLIP_LEFT_RIGHT],
    3: [Image.Transpose.ROTATE_180],
    4: [Image.Transpose.FLIP_TOP_BOTTOM],
    5: [Image.Transpose.TRANSPOSE],
    6: [Image.Transpose.ROTATE_90],
    7: [Image.Transpose.TRANSVERSE],
    8: [Image.Transpose.ROTATE_270],
}


def quarters(size: tuple[int, int] = (480, 320)) -> Image.Image:
    picture = Image.new("RGB", size)
    width, height = size[0] // 2, size[1] // 2
    for colour, corner in ((RED, (0, 0)), (GREEN, (width, 0)), (BLUE, (0, height)), (WHITE, (width, height))):
        picture.paste(colour, (*corner, corner[0] + width, corner[1] + height))
    return picture


def saved(picture: Image.Image, file_format: str, *, orientation: int | None = None, icc: bytes | None = None) -> bytes:
    target = io.BytesIO()
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    picture.save(target, file_format, exif=exif, icc_profile=icc)
    return target.getvalue()


def analysed(data: bytes, folder: Path, name: str = "a.jpg", *, pixel_limit: int = 200_000_000) -> Analysis:
    path = folder / name
    path.write_bytes(data)
    with path.open("rb") as file:
        return PictureAnalyser(pixel_limit=pixel_limit).analyse(file.fileno(), filename=name)


def opened(preview: Preview | None) -> Image.Image:
    assert preview is not None
    picture = Image.open(io.BytesIO(preview.data))
    picture.load()
    assert (picture.format, picture.size) == ("JPEG", (preview.width, preview.height))
    return picture


def looks_like(found: object, expected: tuple[int, int, int]) -> bool:
    assert isinstance(found, tuple)
    values = cast("tuple[int, ...]", found)
    return all(abs(one - other) < 25 for one, other in zip(values, expected, strict=True))


def corners_are(picture: Image.Image, *expected: tuple[int, int, int]) -> bool:
    right, bottom = picture.width - 12, picture.height - 12
    places = ((12, 12), (right, 12), (12, bottom), (right, bottom))
    found = [picture.getpixel(place) for place in places]
    return all(looks_like(one, other) for one, other in zip(found, expected, strict=True))


@pytest.fixture(params=["vips", "pillow"])
def decoder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both decoders, as either may make a preview."""
    if request.param == "pillow":
        monkeypatch.setattr(previews, "_VIPS_KINDS", frozenset[Kind]())
    return str(request.param)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", STORED_FOR)
def test_previews_stand_upright(decoder: str, orientation: int, file_format: str, tmp_path: Path) -> None:
    del decoder
    stored = quarters()
    for turn in STORED_FOR[orientation]:
        stored = stored.transpose(turn)
    data = saved(stored, file_format, orientation=orientation)
    preview = analysed(data, tmp_path).hotpreview
    picture = opened(preview)
    assert picture.size == (200, 133)
    assert corners_are(picture, RED, GREEN, BLUE, WHITE)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((4000, 3000), (200, 150)),
        ((300, 900), (67, 200)),
        ((201, 10), (200, 10)),
        ((200, 200), (200, 200)),
        ((64, 48), (64, 48)),
        ((1, 1), (1, 1)),
        ((5000, 2), (200, 1)),
    ],
)
def test_the_longer_side_is_200_and_small_pictures_stay_small(
    decoder: str, size: tuple[int, int], expected: tuple[int, int], tmp_path: Path
) -> None:
    del decoder
    assert opened(analysed(saved(Image.new("RGB", size), "JPEG"), tmp_path).hotpreview).size == expected


def test_previews_carry_no_metadata(decoder: str, tmp_path: Path) -> None:
    del decoder
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - a core type without stubs
    path = make_jpeg(tmp_path / "a.jpg", seed=1, rating=5, gps=(1, 2), keywords=["secret"], icc_profile=profile)
    preview = opened(analysed(path.read_bytes(), tmp_path).hotpreview)
    assert not preview.getexif()
    assert not {"icc_profile", "exif", "xmp", "photoshop", "comment"} & set(preview.info)


def test_a_profile_s_colours_become_srgb(decoder: str, tmp_path: Path) -> None:
    del decoder
    swapped = swapped_profile()
    with_profile = opened(analysed(saved(Image.new("RGB", (300, 300), RED), "JPEG", icc=swapped), tmp_path).hotpreview)
    without = opened(analysed(saved(Image.new("RGB", (300, 300), RED), "JPEG"), tmp_path).hotpreview)
    assert looks_like(without.getpixel((100, 100)), RED)
    assert looks_like(with_profile.getpixel((100, 100)), (RED[1], RED[0], RED[2]))


def swapped_profile() -> bytes:
    """sRGB with red and green exchanged: unmistakable, unlike profiles people use."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - a core type without stubs
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile)


def test_a_broken_profile_does_not_cost_the_preview(decoder: str, tmp_path: Path) -> None:
    del decoder
    data = saved(Image.new("RGB", (300, 300), RED), "JPEG", icc=b"no profile at all" * 20)
    assert looks_like(opened(analysed(data, tmp_path).hotpreview).getpixel((100, 100)), RED)


def test_transparent_pictures_lie_on_white(decoder: str, tmp_path: Path) -> None:
    del decoder
    picture = Image.new("RGBA", (300, 300), (*RED, 255))
    picture.paste((0, 0, 0, 0), (0, 0, 150, 300))
    preview = opened(analysed(saved(picture, "PNG"), tmp_path, "a.png").hotpreview)
    assert looks_like(preview.getpixel((20, 100)), (255, 255, 255))
    assert looks_like(preview.getpixel((180, 100)), RED)


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGB", "RGBA"])
def test_every_sort_of_png_gets_a_preview(decoder: str, mode: str, tmp_path: Path) -> None:
    del decoder
    assert opened(analysed(saved(quarters().convert(mode), "PNG"), tmp_path, "a.png").hotpreview).mode == "RGB"


def test_a_png_of_16_bits_gets_a_preview(tmp_path: Path) -> None:
    data = saved(Image.new("I;16", (300, 200), 30_000), "PNG")
    assert looks_like(opened(analysed(data, tmp_path, "a.png").hotpreview).getpixel((9, 9)), (117, 117, 117))


def test_a_cmyk_jpeg_gets_a_preview_in_its_colours(decoder: str, tmp_path: Path) -> None:
    del decoder
    data = saved(quarters().convert("CMYK"), "JPEG")
    red = opened(analysed(data, tmp_path).hotpreview).getpixel((12, 12))
    assert isinstance(red, tuple)
    assert red[0] > 150 > red[1]


@pytest.mark.parametrize(
    ("file_format", "name"), [("BMP", "a.bmp"), ("GIF", "a.gif"), ("WEBP", "a.webp"), ("AVIF", "a.avif")]
)
def test_other_formats_that_decode_get_a_preview(file_format: str, name: str, tmp_path: Path) -> None:
    analysis = analysed(saved(quarters(), file_format), tmp_path, name)
    assert corners_are(opened(analysis.hotpreview), RED, GREEN, BLUE, WHITE)
    assert analysis.facts.file_format == file_format
    assert analysis.findings == ()


def test_a_truncated_jpeg_is_shown_as_far_as_it_goes(tmp_path: Path) -> None:
    data = make_jpeg(tmp_path / "whole.jpg", seed=1, size=(600, 400)).read_bytes()
    analysis = analysed(data[: len(data) // 2], tmp_path)
    assert analysis.hotpreview is not None
    assert [finding.code for finding in analysis.findings] == ["picture-damaged"]


def test_a_picture_that_cannot_be_decoded_has_none(tmp_path: Path) -> None:
    data = make_png(tmp_path / "whole.png", seed=1).read_bytes()
    at = data.index(b"IDAT") + 4
    analysis = analysed(data[:at] + b"\x00" * 200 + data[at + 200 :], tmp_path, "a.png")
    assert analysis.hotpreview is None
    assert [finding.code for finding in analysis.findings] == ["preview-failed"]


def bomb(width: int, height: int) -> bytes:
    """A PNG that says it is huge, and is."""

    def chunk(name: bytes, payload: bytes) -> bytes:
        return struct.pack(">I", len(payload)) + name + payload + struct.pack(">I", zlib.crc32(name + payload))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    packer = zlib.compressobj(9)
    row = bytes(1 + width * 3)
    data = b"".join(packer.compress(row) for _ in range(200)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_a_picture_of_900_megapixels_is_refused_without_memory(tmp_path: Path) -> None:
    data = bomb(30_000, 30_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    analysis = analysed(data, tmp_path, "a.png")
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert analysis.hotpreview is None
    assert [finding.code for finding in analysis.findings] == ["picture-too-large"]
    assert analysis.findings[0].facts == {"width": 30_000, "height": 30_000, "limit": 200_000_000}
    assert after - before < 50_000  # kB


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"])
def test_the_pixel_limit_holds_for_every_format(decoder: str, file_format: str, tmp_path: Path) -> None:
    del decoder
    data = saved(quarters(), file_format)
    size = 480 * 320
    assert analysed(data, tmp_path, pixel_limit=size).hotpreview is not None
    refused = analysed(data, tmp_path, pixel_limit=size - 1)
    assert refused.hotpreview is None
    assert "picture-too-large" in [finding.code for finding in refused.findings]


def test_renditions_tell_orientation_profile_and_rotation_apart() -> None:
    renditions = {
        rendition_of(orientation=1, icc_digest=None),
        rendition_of(orientation=6, icc_digest=None),
        rendition_of(orientation=1, icc_digest="00"),
        rendition_of(orientation=1, icc_digest=None, rotation=90),
    }
    assert len(renditions) == 4
    assert all(len(rendition) == 8 and int(rendition, 16) >= 0 for rendition in renditions)


def test_decoders_are_loaded_only_for_previews() -> None:
    code = "import sys, imalink.media.analyser; print([m for m in ('PIL', 'pyvips', 'defusedxml') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == "[]"
