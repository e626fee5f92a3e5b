"""Previews of RAW, HEIC and video stand upright; large ones are made on demand; what is odd is said."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Literal, cast

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from imalink.core.analyser import Analysis, Preview, PreviewResult
from imalink.core.picture import PictureFacts
from imalink.media import previews_jxl, previews_video
from imalink.media.analyser import PictureAnalyser
from imalink.media.kinds import file_format_of, kind_of
from imalink.media.previews import PictureTooLargeError, Target, make_preview
from imalink.media.reader import MemoryReader
from imalink.media.walk import walk
from tests.media.test_previews import BLUE, GREEN, RED, STORED_FOR, WHITE, looks_like, opened, quarters, saved
from tests.support.bombs import BOMBS
from tests.support.raw_pictures import make_dng
from tests.support.videos import make_video


def analysed(path: Path) -> Analysis:
    with path.open("rb") as file:
        return PictureAnalyser().analyse(file.fileno(), filename=path.name)


def large(path: Path, *, rotation: int = 0) -> PreviewResult:
    with path.open("rb") as file:
        return PictureAnalyser().coldpreview(file.fileno(), filename=path.name, rotation=rotation)


def shows(preview: Preview | None, *expected: tuple[int, int, int]) -> bool:
    """Tell whether the four quarters have these colours, roughly: a development is no copy."""
    picture = opened(preview)
    across, down = picture.width // 4, picture.height // 4
    places = ((across, down), (3 * across, down), (across, 3 * down), (3 * across, 3 * down))
    found = [picture.getpixel(place) for place in places]
    return all(nearest(one) == other for one, other in zip(found, expected, strict=True))


def nearest(found: object) -> tuple[int, int, int]:
    assert isinstance(found, tuple)
    colour = cast("tuple[int, ...]", found)
    return min((RED, GREEN, BLUE, WHITE), key=lambda each: sum(abs(a - b) for a, b in zip(each, colour, strict=True)))


def stored(orientation: int, size: tuple[int, int] = (480, 320)) -> Image.Image:
    picture = quarters(size)
    for turn in STORED_FOR[orientation]:
        picture = picture.transpose(turn)
    return picture


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_raw_file_without_any_picture_inside_is_developed(orientation: int, tmp_path: Path) -> None:
    path = make_dng(tmp_path / "a.dng", stored(orientation, (960, 640)), orientation=orientation)
    analysis = analysed(path)
    assert analysis.facts.file_format == "RAW"
    assert opened(analysis.hotpreview).size == (200, 133)
    assert shows(analysis.hotpreview, RED, GREEN, BLUE, WHITE)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_raw_file_shows_the_picture_the_camera_put_into_it(orientation: int, tmp_path: Path) -> None:
    # The sensor's own picture is of one colour, so that it is plain which of the two is shown.
    sensor = Image.new("RGB", stored(orientation, (960, 640)).size, GREEN)
    embedded = saved(stored(orientation, (960, 640)), "JPEG")
    path = make_dng(tmp_path / "a.dng", sensor, orientation=orientation, embedded=embedded)
    assert shows(analysed(path).hotpreview, RED, GREEN, BLUE, WHITE)


def test_an_embedded_picture_that_stands_upright_already_is_not_turned_again(tmp_path: Path) -> None:
    upright = quarters((640, 960))
    sensor = Image.new("RGB", (960, 640), GREEN)
    path = make_dng(tmp_path / "a.dng", sensor, orientation=6, embedded=saved(upright, "JPEG"))
    preview = analysed(path).hotpreview
    assert opened(preview).size == (133, 200)
    assert shows(preview, RED, GREEN, BLUE, WHITE)


def test_an_embedded_picture_with_an_orientation_of_its_own_keeps_to_that(tmp_path: Path) -> None:
    embedded = saved(stored(8, (640, 960)), "JPEG", orientation=8)
    path = make_dng(tmp_path / "a.dng", Image.new("RGB", (960, 640), GREEN), orientation=1, embedded=embedded)
    assert shows(analysed(path).hotpreview, RED, GREEN, BLUE, WHITE)


def test_a_large_preview_of_a_raw_file_is_developed_when_the_embedded_picture_is_small(tmp_path: Path) -> None:
    embedded = saved(Image.new("RGB", (160, 120), BLUE), "JPEG")
    path = make_dng(tmp_path / "a.dng", quarters((1_920, 1_280)), embedded=embedded)
    preview = large(path).preview
    assert opened(preview).width > 900
    assert shows(preview, RED, GREEN, BLUE, WHITE)


@pytest.mark.parametrize("codec", ["mpeg4", "mjpeg"])
@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.avi", "a.mkv"])
def test_a_video_shows_its_first_frame(name: str, codec: Literal["mpeg4", "mjpeg"], tmp_path: Path) -> None:
    preview = analysed(make_video(tmp_path / name, quarters(), codec=codec)).hotpreview
    assert opened(preview).size == (200, 133)
    assert shows(preview, RED, GREEN, BLUE, WHITE)


@pytest.mark.exiftool
@pytest.mark.parametrize(("rotation", "orientation"), [(0, 1), (90, 6), (180, 3), (270, 8)])
def test_a_turned_video_stands_upright(rotation: int, orientation: int, tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", stored(orientation))
    command = ["exiftool", "-q", "-overwrite_original", f"-Rotation={rotation}", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    preview = analysed(path).hotpreview
    assert opened(preview).size == (200, 133)
    assert shows(preview, RED, GREEN, BLUE, WHITE)


def test_a_video_with_a_broken_beginning_shows_what_comes_later(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.avi", quarters(), frames=40)
    data = bytearray(path.read_bytes())
    at = data.index(b"00dc") + 8
    data[at : at + 400] = bytes(400)
    path.write_bytes(data)
    assert analysed(path).hotpreview is not None


def test_a_video_without_the_extra_has_no_preview(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_video(tmp_path / "a.mp4", quarters())
    monkeypatch.setitem(sys.modules, "av", None)
    previews_video._load_av.cache_clear()
    try:
        analysis = analysed(path)
    finally:
        previews_video._load_av.cache_clear()
    assert analysis.hotpreview is None
    assert "preview-failed" in [finding.code for finding in analysis.findings]


def make_jxl(path: Path, pixels: NDArray[np.generic], *, is_lossless: bool = True) -> Path:
    path.write_bytes(imagecodecs.jpegxl_encode(pixels, lossless=is_lossless))
    return path


@pytest.mark.parametrize("is_lossless", [True, False])
def test_a_jpeg_xl_picture_shows_itself(is_lossless: bool, tmp_path: Path) -> None:
    path = make_jxl(tmp_path / "a.jxl", np.asarray(quarters()), is_lossless=is_lossless)
    preview = analysed(path).hotpreview
    assert opened(preview).size == (200, 133)
    assert shows(preview, RED, GREEN, BLUE, WHITE)
    assert opened(large(path, rotation=90).preview).size == (320, 480)


def test_a_jpeg_xl_picture_may_be_deep_grey_or_transparent(tmp_path: Path) -> None:
    deep = np.asarray(quarters()).astype("uint16") * 257
    assert shows(analysed(make_jxl(tmp_path / "deep.jxl", deep)).hotpreview, RED, GREEN, BLUE, WHITE)
    grey = np.full((300, 400), 128, dtype="uint8")
    assert opened(analysed(make_jxl(tmp_path / "grey.jxl", grey)).hotpreview).getpixel((50, 50)) == (128, 128, 128)
    clear = np.zeros((300, 400, 4), dtype="uint8")
    assert opened(analysed(make_jxl(tmp_path / "clear.jxl", clear)).hotpreview).getpixel((50, 50)) == (255, 255, 255)
    light = np.asarray(quarters()).astype("float32") / 255
    assert shows(analysed(make_jxl(tmp_path / "light.jxl", light)).hotpreview, RED, GREEN, BLUE, WHITE)


def test_a_jpeg_xl_picture_without_the_extra_has_no_preview(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_jxl(tmp_path / "a.jxl", np.asarray(quarters()))
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    previews_jxl._load_imagecodecs.cache_clear()
    try:
        analysis = analysed(path)
    finally:
        previews_jxl._load_imagecodecs.cache_clear()
    assert (analysis.facts.width, analysis.facts.height) == (480, 320)
    assert [finding.code for finding in analysis.findings] == ["preview-failed"]


def test_a_jpeg_xl_picture_that_is_cut_off_costs_at_most_its_preview(tmp_path: Path) -> None:
    whole = make_jxl(tmp_path / "a.jxl", np.asarray(quarters()), is_lossless=False).read_bytes()
    for length in range(2, len(whole), max(1, len(whole) // 40)):
        path = tmp_path / "cut.jxl"
        path.write_bytes(whole[:length])
        codes = {finding.code for finding in analysed(path).findings}
        assert codes <= {"preview-failed", "picture-damaged"}


@pytest.mark.parametrize(
    ("name", "file_format"),
    [("a.jpg", "JPEG"), ("a.png", "PNG"), ("a.tif", "TIFF"), ("a.webp", "WEBP"), ("a.avif", "AVIF"), ("a.bmp", "BMP")],
)
def test_a_large_preview_has_1600_pixels_at_most(name: str, file_format: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(saved(quarters((2_400, 1_600)), file_format))
    preview = large(path).preview
    picture = opened(preview)
    assert picture.size == (1_600, 1_067)
    assert not picture.getexif()
    assert not {"icc_profile", "exif", "xmp"} & set(picture.info)
    assert shows(preview, RED, GREEN, BLUE, WHITE)
    path.write_bytes(saved(quarters((300, 200)), file_format))
    assert opened(large(path).preview).size == (300, 200)


@pytest.mark.parametrize("name", ["a.jpg", "a.bmp"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_large_preview_is_turned_as_the_user_wants(name: str, orientation: int, tmp_path: Path) -> None:
    path = tmp_path / name
    file_format = "JPEG" if name == "a.jpg" else "BMP"
    orientation = orientation if file_format == "JPEG" else 1
    path.write_bytes(saved(stored(orientation), file_format, orientation=orientation if orientation > 1 else None))
    expected = {
        0: (RED, GREEN, BLUE, WHITE),
        90: (BLUE, RED, WHITE, GREEN),
        180: (WHITE, BLUE, GREEN, RED),
        270: (GREEN, WHITE, RED, BLUE),
    }
    renditions: set[str] = set()
    for rotation, colours in expected.items():
        preview = large(path, rotation=rotation).preview
        assert preview is not None
        assert shows(preview, *colours)
        renditions.add(preview.rendition)
    assert len(renditions) == 4


def test_a_picture_that_cannot_be_decoded_shows_its_thumbnail(tmp_path: Path) -> None:
    source = Path(__file__).parents[1] / "damage" / "preview-from-thumbnail" / "undecodable.jpg"
    path = Path(shutil.copy(source, tmp_path / "a.jpg"))
    analysis = analysed(path)
    assert opened(analysis.hotpreview).size == (80, 60)
    assert "preview-from-thumbnail" in [finding.code for finding in analysis.findings]
    result = large(path)
    assert opened(result.preview).size == (80, 60)
    assert [finding.code for finding in result.findings] == ["preview-from-thumbnail"]


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp", "a.gif", "a.avif", "a.bmp", "a.dng", "a.mp4"])
def test_a_file_too_large_for_memory_has_the_same_previews(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    formats = {"a.jpg": "JPEG", "a.tif": "TIFF"}
    if name == "a.dng":
        make_dng(path, quarters((960, 640)), embedded=saved(quarters((1_200, 800)), "JPEG"))
    elif name == "a.mp4":
        make_video(path, quarters())
    else:
        path.write_bytes(saved(quarters(), formats.get(name, name[2:].upper())))
    expected = analysed(path), large(path)
    monkeypatch.setattr("imalink.media.reader.MEMORY_LIMIT", 0)
    assert (analysed(path), large(path)) == expected
    assert expected[0].hotpreview is not None


@pytest.mark.samples
@pytest.mark.parametrize("name", ["exif-samples/heic/samplefilehub.heif", "tiny-formats/FujiFilm.raf"])
def test_a_sample_too_large_for_memory_has_the_same_previews(
    name: str, sample_photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = large(sample_photos / name)
    monkeypatch.setattr("imalink.media.reader.MEMORY_LIMIT", 0)
    assert large(sample_photos / name) == expected
    assert expected.preview is not None


def test_an_empty_file_has_no_large_preview(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    assert large(tmp_path / "a.jpg").preview is None


@pytest.mark.samples
@pytest.mark.parametrize(
    ("name", "is_portrait"),
    [
        ("albums/formats/heic/IMG_2682.heic", False),
        ("albums/formats/motionphoto/samsung-one-ui-6.heic", True),
        ("exif-samples/heic/IMG_5195.HEIC", True),
        ("exif-samples/heic/mobile/iphone_13_pro_max.HEIC", True),
        ("exif-samples/heic/mobile/HMD_Nokia_8.3_5G_hdr.heif", False),
        ("exif-samples/heic/samplefilehub.heif", False),
    ],
)
def test_heic_pictures_of_phones_stand_upright(name: str, is_portrait: bool, sample_photos: Path) -> None:
    for preview in (analysed(sample_photos / name).hotpreview, large(sample_photos / name).preview):
        picture = opened(preview)
        assert (picture.height > picture.width) is is_portrait
        colours = picture.convert("RGB").resize((8, 8)).getcolors(64)
        assert colours is not None
        assert len(colours) > 20


@pytest.mark.samples
def test_a_camera_s_raw_file_shows_its_thumbnail(sample_photos: Path) -> None:
    picture = opened(analysed(sample_photos / "tiny-formats" / "FujiFilm.raf").hotpreview)
    assert picture.size == (160, 120)
    assert looks_like(picture.resize((1, 1)).getpixel((0, 0)), (104, 67, 67))


@pytest.mark.parametrize("name", BOMBS)
def test_every_decoder_refuses_a_bomb_by_itself(name: str, tmp_path: Path) -> None:
    """Without the size that the walk may have found, so that each decoder has to look before it decodes."""
    path = tmp_path / name
    BOMBS[name](path)
    reader = MemoryReader(path.read_bytes())
    kind = kind_of(reader.data)
    facts = PictureFacts(file_format=file_format_of(reader.data, filename=name))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        made = make_preview(reader, walk(reader), Target(), kind=kind, facts=facts)
    except PictureTooLargeError:
        made = None
    assert made is None
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000  # kB


def test_a_video_of_more_pixels_than_the_limit_is_refused(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", quarters())
    with path.open("rb") as file:
        analysis = PictureAnalyser(pixel_limit=480 * 320 - 1).analyse(file.fileno(), filename="a.mp4")
    assert analysis.hotpreview is None
    assert "picture-too-large" in [finding.code for finding in analysis.findings]


def test_nothing_of_the_file_is_read_by_name(tmp_path: Path) -> None:
    """A decoder is given bytes: the file may be gone meanwhile, and its folder may be another."""
    path = make_video(tmp_path / "a.mp4", quarters())
    with path.open("rb") as file:
        path.unlink()
        assert PictureAnalyser().analyse(file.fileno(), filename="a.mp4").hotpreview is not None
