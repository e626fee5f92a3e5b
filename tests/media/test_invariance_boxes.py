"""What an independent editor does to metadata of HEIF, CR3, JPEG XL and films never changes their hothash."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PIL import Image

from imalink.media.hothash import fingerprint_bytes
from tests.media.test_invariance import LONG_TEXT, edited
from tests.support.boxes import find_box, number
from tests.support.exiftool import edit_in_place
from tests.support.photos import noise_picture
from tests.support.videos import make_film_with_sound, make_video

pytestmark = pytest.mark.exiftool

EDITS: dict[str, list[str]] = {
    "rating": ["-XMP:Rating=4"],
    "keywords": ["-XMP-dc:Subject=alpha", "-XMP-dc:Subject=bæta"],
    "position": ["-GPSLatitude=59.9", "-GPSLatitudeRef=N", "-GPSLongitude=10.7", "-GPSLongitudeRef=E"],
    "orientation": ["-Orientation#=8"],
    "capture time": ["-AllDates=2001:02:03 04:05:06"],
    "title": ["-Title=a title"],
    "30 kB of XMP": [f"-XMP-dc:Description={LONG_TEXT}"],
    "strip all": ["-all="],
}
EDITS_OF_SOME: dict[str, list[str]] = {
    # Only where there is a profile or an `irot` to be changed.
    "delete colour profile": ["-ICC_Profile:all="],
    "rotation": ["-Rotation=180"],
}
FILM_EDITS: dict[str, list[str]] = {
    **{name: arguments for name, arguments in EDITS.items() if name not in ("orientation", "position")},
    "position": ["-Keys:GPSCoordinates=59.9, 10.7, 3", "-UserData:GPSCoordinates=59.9, 10.7, 3"],
    "rotation": ["-Rotation=90"],
    "titles of three sorts": ["-Keys:Title=a", "-UserData:Title=b", "-ItemList:Title=c"],
    "creation time": ["-CreateDate=2001:02:03 04:05:06", "-MediaCreateDate=2001:02:03 04:05:06"],
}
NOT_CHANGED = {
    # A file made by an encoder has nothing to strip.
    ("plain.avif", "strip all"),
    ("alpha.avif", "strip all"),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pictures and films of encoders that are here."""
    folder = tmp_path_factory.mktemp("files")
    picture = noise_picture(1, (64, 48))
    made = {name: folder / name for name in ("plain.avif", "alpha.avif", "animated.avif")}
    picture.save(made["plain.avif"], "AVIF", quality=60)
    with_alpha = picture.copy()
    with_alpha.putalpha(picture.convert("L"))
    with_alpha.save(made["alpha.avif"], "AVIF", quality=60)
    frames = [noise_picture(seed, (64, 48)) for seed in (2, 3)]
    picture.save(made["animated.avif"], "AVIF", quality=60, save_all=True, append_images=frames, exif=_exif())
    for name in ("film.mp4", "film.mov"):
        made[name] = make_video(folder / name, picture)
    return made


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F] = "Testmaker"
    return exif


def _keeps(path: Path, folder: Path, arguments: list[str], *, method: str, may_be_unchanged: bool) -> None:
    before, after = edited(path, folder, arguments)
    assert (after.hothash, after.method) == (before.hothash, method)
    assert may_be_unchanged or after.sha256 != before.sha256


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("name", ["plain.avif", "alpha.avif", "animated.avif"])
def test_an_edit_of_an_avif_keeps_its_hothash(files: dict[str, Path], name: str, edit: str, tmp_path: Path) -> None:
    _keeps(files[name], tmp_path, EDITS[edit], method="heif-1", may_be_unchanged=(name, edit) in NOT_CHANGED)


@pytest.mark.parametrize("edit", FILM_EDITS)
@pytest.mark.parametrize("name", ["film.mp4", "film.mov"])
def test_an_edit_of_a_film_keeps_its_hothash(files: dict[str, Path], name: str, edit: str, tmp_path: Path) -> None:
    _keeps(files[name], tmp_path, FILM_EDITS[edit], method="video-1", may_be_unchanged=False)


@pytest.mark.parametrize("edit", FILM_EDITS)
def test_an_edit_that_moves_all_chunks_of_a_film_keeps_its_hothash(edit: str, tmp_path: Path) -> None:
    """The header stands before the chunks, so a longer one shifts every offset; sound lies between the pictures."""
    pictures = [noise_picture(seed, (64, 48)) for seed in range(12)]
    options = {"movflags": "faststart"}
    film = make_film_with_sound(tmp_path / "film.mp4", pictures, codec="mpeg4", sound="aac", options=options)
    data = film.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    _keeps(film, tmp_path, FILM_EDITS[edit], method="video-1", may_be_unchanged=False)


def test_a_header_moved_behind_the_chunks_keeps_the_hothash(tmp_path: Path) -> None:
    pictures = [noise_picture(seed, (64, 48)) for seed in range(12)]
    first, last = (
        make_film_with_sound(tmp_path / name, pictures, codec="mpeg4", sound="aac", options=options).read_bytes()
        for name, options in (("first.mp4", {"movflags": "faststart"}), ("last.mp4", {}))
    )
    assert first.index(b"moov") < first.index(b"mdat")
    assert last.index(b"moov") > last.index(b"mdat")
    assert fingerprint_bytes(first).hothash == fingerprint_bytes(last).hothash


def test_turning_a_picture_with_transparency_keeps_its_hothash(tmp_path: Path) -> None:
    """The encoder turns both by one property, and so does the editor."""
    picture = noise_picture(1, (64, 48))
    picture.putalpha(picture.convert("L"))
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "turned.avif"
    picture.save(path, "AVIF", quality=60, exif=exif)
    assert path.read_bytes().count(b"irot") == 1
    _keeps(path, tmp_path, ["-Rotation=180"], method="heif-1", may_be_unchanged=False)


@pytest.mark.parametrize("name", ["plain.avif", "alpha.avif", "animated.avif", "film.mp4", "film.mov"])
def test_a_trailer_keeps_the_hothash(files: dict[str, Path], name: str) -> None:
    data = files[name].read_bytes()
    for trailer in (b"\xff\xd9 anything", files["film.mp4"].read_bytes(), bytes(40)):
        assert fingerprint_bytes(data + trailer).hothash == fingerprint_bytes(data).hothash


SAMPLES: dict[str, tuple[str, frozenset[str]]] = {
    # Method, and the edits that leave the file as it is.
    "exif-samples/heic/IMG_5195.HEIC": ("heif-1", frozenset()),
    "exif-samples/heic/mobile/iphone_13_pro_max.HEIC": ("heif-1", frozenset()),
    "exif-samples/heic/mobile/HMD_Nokia_8.3_5G.heif": ("heif-1", frozenset()),
    "exif-samples/heic/mobile/HMD_Nokia_8.3_5G_hdr.heif": ("heif-1", frozenset()),
    "exif-samples/heic/samplefilehub.heif": ("heif-1", frozenset()),
    "albums/formats/heic/IMG_2682.heic": ("heif-1", frozenset()),
    "albums/formats/motionphoto/samsung-one-ui-6.heic": ("heif-1", frozenset()),
    "albums/formats/avif/10bit-HDR-P3-nclx.avif": ("heif-1", frozenset()),
    "albums/formats/avif/8bit-sRGB.avif": ("heif-1", frozenset(("strip all",))),
    "albums/formats/jxl/16bit-HDR-P3-nclx.jxl": ("jxl-1", frozenset()),
    "albums/formats/jxl/8bit-sRGB.jxl": ("jxl-1", frozenset(("strip all",))),
    "tiny-formats/QuickTime.heic": ("heif-1", frozenset(("strip all",))),
    "tiny-formats/JXL.jxl": ("jxl-1", frozenset(("strip all",))),
    "tiny-formats/JXL2.jxl": ("jxl-1", frozenset(("strip all",))),  # ExifTool leaves what Brotli has packed
}


@pytest.mark.samples
@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLES)
def test_every_edit_of_a_sample_keeps_its_hothash(sample_photos: Path, name: str, tmp_path: Path) -> None:
    method, unchanged = SAMPLES[name]
    for edit, arguments in {**EDITS, **EDITS_OF_SOME}.items():
        may_be_unchanged = edit in unchanged or edit in EDITS_OF_SOME
        _keeps(
            _writable(sample_photos / name, tmp_path),
            tmp_path,
            arguments,
            method=method,
            may_be_unchanged=may_be_unchanged,
        )


@pytest.mark.samples
@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLES)
def test_a_trailer_of_a_sample_keeps_its_hothash(sample_photos: Path, name: str) -> None:
    data = (sample_photos / name).read_bytes()
    if data[:2] == b"\xff\x0a":
        # Where a bare codestream ends, only its decoder knows.
        assert fingerprint_bytes(data + b"trailer").hothash != fingerprint_bytes(data).hothash
    else:
        assert fingerprint_bytes(data + b"\xff\xd9 trailer").hothash == fingerprint_bytes(data).hothash


@pytest.mark.samples
@pytest.mark.slow
@pytest.mark.parametrize("edit", EDITS_OF_SOME)
def test_an_iphone_s_profile_and_rotation_are_changed_without_the_hothash(
    sample_photos: Path, edit: str, tmp_path: Path
) -> None:
    original = _writable(sample_photos / "exif-samples/heic/mobile/iphone_13_pro_max.HEIC", tmp_path)
    _keeps(original, tmp_path, EDITS_OF_SOME[edit], method="heif-1", may_be_unchanged=False)


def _writable(path: Path, folder: Path) -> Path:
    copy = Path(shutil.copyfile(path, folder / f"original{path.suffix}"))
    copy.chmod(0o644)
    return copy


@pytest.fixture(scope="module")
def raw_photo(sample_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Canon's CR3 of the samples, whose pictures were cut away: its tables shortened to what is left of them."""
    data = (sample_photos / "tiny-formats" / "CanonRaw.cr3").read_bytes()
    start = find_box(data, "mdat")[0] + 8  # its length has eight bytes
    at = 0
    for index in range(4):
        at = data.index(b"stsz", at) + 4
        offset = data.index(b"co64", at) + 12
        data = data[: at + 4] + number(20, 4) + data[at + 8 :]
        data = data[:offset] + number(start + 20 * index, 8) + data[offset + 8 :]
    path = tmp_path_factory.mktemp("raw") / "a.cr3"
    path.write_bytes(data)
    return path


@pytest.mark.samples
@pytest.mark.parametrize("edit", [name for name in EDITS if name != "strip all"])
def test_an_edit_of_a_cr3_keeps_its_hothash(raw_photo: Path, edit: str, tmp_path: Path) -> None:
    _keeps(raw_photo, tmp_path, EDITS[edit], method="cr3-1", may_be_unchanged=False)


@pytest.mark.samples
def test_a_trailer_and_the_loss_of_metadata_of_a_cr3_keep_its_hothash(raw_photo: Path, tmp_path: Path) -> None:
    data = raw_photo.read_bytes()
    assert fingerprint_bytes(data + b"trailer of any sort").hothash == fingerprint_bytes(data).hothash
    copy = _writable(raw_photo, tmp_path)
    edit_in_place(copy, "-XMP:all=", "-GPS:all=")
    stripped = fingerprint_bytes(copy.read_bytes())
    assert stripped.hothash == fingerprint_bytes(data).hothash
    assert stripped.sha256 != fingerprint_bytes(data).sha256
