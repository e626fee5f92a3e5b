"""What ExifTool does to the metadata of TIFF and RAW files changes their bytes but never their hothash.

ExifTool writes the directories anew and moves all data, so these are also tests that no place in the file counts.
"""

from __future__ import annotations

import hashlib
import random
import shutil
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from imalink.media.hothash import fingerprint_bytes
from tests.media.test_invariance import EDITS, edited
from tests.support.exiftool import ExifToolError
from tests.support.photos import make_jpeg, noise_picture
from tests.support.tiffs import ASCII, BYTE, JPEG, LONG, SHORT, TILES, UNDEFINED, Page, make_tiff, picture_tags

pytestmark = [pytest.mark.exiftool, pytest.mark.hothash_consistency]

SAMPLES = {
    "strips.tiff": "exif-samples/tiff/BSG1.tiff",
    "many strips.tiff": "exif-samples/tiff/Picoawards.tiff",
    "with profile.tiff": "exif-samples/tiff/Tless0.tiff",
    "geo.tif": "tiny-formats/GeoTiff.tif",
    "iptc.tif": "tiny-formats/ExifTool.tif",
    "canon.cr2": "tiny-formats/CanonRaw.cr2",
    "nikon.nef": "tiny-formats/Nikon.nef",
    "adobe.dng": "tiny-formats/DNG.dng",
    "panasonic.rw2": "tiny-formats/Panasonic.rw2",
}
MORE_EDITS: dict[str, list[str]] = {
    "IPTC keywords": ["-IPTC:Keywords=alpha"],
    "EXIF's rating and caption": ["-IFD0:Rating=3", "-ImageDescription=a long caption, longer than any before it"],
    "everything at once": ["-XMP:Rating=1", "-Artist=Ann", "-GPSLatitude=1", "-ModifyDate=2001:01:01 00:00:00"],
    "delete thumbnail": ["-ThumbnailImage="],
    "delete preview": ["-PreviewImage=", "-JpgFromRaw="],
}
ALL_EDITS = {**EDITS, **MORE_EDITS}
NOTHING_TO_DELETE = {
    "delete colour profile": {"many strips.tiff", "geo.tif", "canon.cr2", "adobe.dng", "panasonic.rw2"},
    # A CR2 must keep its second directory.
    "delete thumbnail": {*SAMPLES} - {"panasonic.rw2"},
    "delete preview": {name for name in SAMPLES if "tif" in name},
    "strip all": {"many strips.tiff", "geo.tif"},
}
"""Where ExifTool leaves the file as it is, because there is nothing of the sort or it may not go."""


@pytest.mark.samples
@pytest.mark.slow
@pytest.mark.parametrize("edit", ALL_EDITS)
@pytest.mark.parametrize("name", SAMPLES)
def test_an_edit_of_a_sample_keeps_its_hothash(sample_photos: Path, name: str, edit: str, tmp_path: Path) -> None:
    original = Path(shutil.copyfile(sample_photos / SAMPLES[name], tmp_path / name))
    if name in NOTHING_TO_DELETE.get(edit, ()):
        with pytest.raises((AssertionError, ExifToolError), match="ExifTool changed nothing|exiftool"):
            keeps_its_hothash(original, tmp_path, ALL_EDITS[edit])
    else:
        keeps_its_hothash(original, tmp_path, ALL_EDITS[edit])


def keeps_its_hothash(path: Path, folder: Path, arguments: list[str]) -> None:
    (folder / "edited").mkdir()
    before, after = edited(path, folder / "edited", arguments)
    assert after.sha256 != before.sha256, "ExifTool changed nothing"
    assert (after.hothash, after.method, before.method) == (before.hothash, "tiff-1", "tiff-1")


def sensor(seed: int) -> Page:
    tags = picture_tags(32, 16, photometric=32803) | {33421: (SHORT, [2, 2]), 33422: (BYTE, [0, 1, 1, 2])}
    return Page(tags=tags, pieces=[random.Random(seed).randbytes(512)])


def gray(width: int, height: int, *, seed: int) -> Page:
    return Page(tags=picture_tags(width, height), pieces=[random.Random(seed).randbytes(width * height)])


def maker(make: bytes, model: bytes) -> Page:
    """A first directory with a preview, as Sony and Samsung write it."""
    page = Page(tags={254: (LONG, [1]), 259: (SHORT, [6]), 271: (ASCII, make + b"\0"), 272: (ASCII, model + b"\0")})
    page.pieces, page.piece_tags = [b"\xff\xd8\xff\xdb" + bytes(100)], JPEG
    return page


def thumbnail() -> Page:
    return Page(tags={259: (SHORT, [6])}, pieces=[b"\xff\xd8\xff\xdb" + bytes(60)], piece_tags=JPEG)


def every_tag() -> Page:
    page = gray(16, 12, seed=9)
    numbers = {266: 1, 284: 1, 292: 0, 293: 0, 317: 1, 322: 16, 323: 12, 338: 0, 339: 1, 512: 1, 530: 2}
    page.tags |= {tag: (SHORT, [value]) for tag, value in numbers.items()}
    page.tags |= {33421: (SHORT, [2, 2]), 33422: (BYTE, [0, 1, 1, 2]), 347: (UNDEFINED, b"\xff\xd8\xff\xd9")}
    page.tags |= {320: (SHORT, list(range(768))), 50752: (SHORT, [1, 5, 6]), 50974: (SHORT, [2, 2])}
    page.tags |= {50975: (SHORT, [2]), 52547: (SHORT, [1])}
    return page


def made_files() -> dict[str, bytes]:
    tiles = Page(tags=picture_tags(32, 16) | {322: (SHORT, [16]), 323: (SHORT, [16])}, piece_tags=TILES)
    tiles.pieces = [bytes(range(256)), bytes(range(255, -1, -1))]
    nested = gray(16, 12, seed=1)
    nested.children = [gray(20, 20, seed=2), gray(18, 18, seed=3)]
    adobe = gray(8, 8, seed=4)
    adobe.tags |= {254: (LONG, [1]), 50706: (BYTE, [1, 4, 0, 0]), 271: (ASCII, b"M\0"), 272: (ASCII, b"Model\0")}
    adobe.children = [sensor(5)]
    sony, samsung = maker(b"SONY", b"ILCE-7M3"), maker(b"SAMSUNG", b"NX300")
    sony.children, samsung.children = [sensor(6)], [sensor(7)]
    pentax = sensor(8)
    pentax.tags |= {271: (ASCII, b"PENTAX \0"), 272: (ASCII, b"PENTAX K10D\0")}
    olympus = gray(32, 16, seed=10)
    olympus.tags |= {271: (ASCII, b"OLYMPUS CORPORATION\0"), 272: (ASCII, b"E-M1\0")}
    return {
        "tiles.tif": make_tiff([tiles], order=">"),
        "subdirectories.tif": make_tiff([nested, gray(8, 8, seed=11)], is_data_reversed=True),
        "pages.tif": make_tiff([gray(16, 12, seed=12), gray(12, 16, seed=13)], is_data_reversed=True),
        "every tag.tif": make_tiff([every_tag()]),
        "thumbnail.tif": make_tiff([gray(16, 12, seed=14), thumbnail()]),
        "made.dng": make_tiff([adobe]),
        "made.arw": make_tiff([sony, thumbnail()]),
        "made.srw": make_tiff([samsung]),
        "made.pef": make_tiff([pentax, thumbnail()], order=">"),
        "made.orf": make_tiff([olympus], mark=0x4F52),
    }


MADE = made_files()
WRITING_EDITS = [name for name in ALL_EDITS if not name.startswith(("strip", "delete"))]


@pytest.mark.slow
@pytest.mark.parametrize("edit", WRITING_EDITS)
@pytest.mark.parametrize("name", MADE)
def test_an_edit_of_a_made_file_keeps_its_hothash(name: str, edit: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(MADE[name])
    keeps_its_hothash(tmp_path / name, tmp_path, ALL_EDITS[edit])


@pytest.mark.parametrize("name", ["thumbnail.tif", "made.arw", "made.pef"])
def test_deleting_the_thumbnail_s_directory_keeps_the_hothash(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(MADE[name])
    keeps_its_hothash(tmp_path / name, tmp_path, ["-IFD1:all="])


@pytest.mark.parametrize("name", ["made.arw", "made.pef", "made.orf"])
def test_another_thumbnail_keeps_the_hothash(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(MADE[name])
    picture = make_jpeg(tmp_path / "thumbnail.jpg", seed=5, size=(160, 120), taken=None)
    keeps_its_hothash(tmp_path / name, tmp_path, [f"-ThumbnailImage<={picture}"])


@pytest.mark.parametrize("name", MADE)
def test_a_profile_put_in_and_taken_out_keeps_the_hothash(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(MADE[name])
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - a core type without stubs
    (tmp_path / "srgb.icc").write_bytes(profile)
    keeps_its_hothash(tmp_path / name, tmp_path, [f"-ICC_Profile<={tmp_path / 'srgb.icc'}"])
    with_profile = tmp_path / "edited" / f"copy{Path(name).suffix}"
    before, after = edited(with_profile, tmp_path, ["-ICC_Profile:all="])
    assert after.sha256 != before.sha256
    assert after.hothash == before.hothash == fingerprint_bytes(MADE[name]).hothash


PILLOW_MODES = ["RGB", "RGBA", "L", "P", "1", "CMYK", "F", "I;16", "YCbCr", "LAB"]
PILLOW_SORTS = [
    *((mode, sort) for sort in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits") for mode in PILLOW_MODES),
    *((mode, "jpeg") for mode in ("RGB", "L", "CMYK", "YCbCr")),
    ("1", "group3"),
    ("1", "group4"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "compression"), PILLOW_SORTS)
def test_pillow_s_tiffs_keep_their_hothash(mode: str, compression: str, tmp_path: Path) -> None:
    picture = noise_picture(3, (64, 48))
    picture = Image.new("I;16", (64, 48), 700) if mode == "I;16" else picture.convert(mode)
    picture.save(tmp_path / "pillow.tif", compression=compression)
    keeps_its_hothash(tmp_path / "pillow.tif", tmp_path, [*EDITS["30 kB of XMP"], *EDITS["orientation"]])


@pytest.mark.parametrize("name", MADE)
def test_a_trailer_keeps_the_hothash(name: str) -> None:
    before, after = fingerprint_bytes(MADE[name]), fingerprint_bytes(MADE[name] + b"whatever follows")
    assert after.hothash == before.hothash
    assert after.sha256 != before.sha256


@pytest.mark.samples
@pytest.mark.parametrize("name", SAMPLES)
def test_a_trailer_keeps_the_hothash_of_a_sample(sample_photos: Path, name: str) -> None:
    data = (sample_photos / SAMPLES[name]).read_bytes()
    before, after = fingerprint_bytes(data), fingerprint_bytes(data + b"whatever follows")
    # Nothing in that Panasonic file says where its data ends: the length in it lies beyond the end of the file.
    assert (after.hothash == before.hothash) == (name != "panasonic.rw2")
    assert after.sha256 == hashlib.sha256(data + b"whatever follows").hexdigest() != before.sha256
