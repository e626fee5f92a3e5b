"""What an independent editor does to metadata changes a file's bytes but never its hothash."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import ImageCms

from imalink.core.picture import Fingerprint
from imalink.media.hothash import fingerprint_bytes
from tests.support.exiftool import edit_in_place
from tests.support.photos import make_jpeg, make_png

pytestmark = pytest.mark.exiftool

LONG_TEXT = "".join(f"word{number} " for number in range(4_000))
EDITS: dict[str, list[str]] = {
    "rating": ["-XMP:Rating=4"],
    "rejected": ["-XMP:Rating=-1"],
    "keywords": ["-XMP-dc:Subject=alpha", "-XMP-dc:Subject=bæta"],
    "position": ["-GPSLatitude=59.9", "-GPSLatitudeRef=N", "-GPSLongitude=10.7", "-GPSLongitudeRef=E"],
    "orientation": ["-Orientation#=6"],
    "capture time": ["-DateTimeOriginal=2001:02:03 04:05:06"],
    "30 kB of XMP": [f"-XMP-dc:Description={LONG_TEXT}"],
    "strip all": ["-all="],
    "delete colour profile": ["-ICC_Profile:all="],
}
JPEG_EDITS: dict[str, list[str]] = {
    "IPTC keywords": ["-IPTC:Keywords=alpha"],
    "comment": ["-Comment=seen"],
    "delete thumbnail": ["-ThumbnailImage="],
}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Photos with everything in them that the edits take out."""
    folder = tmp_path_factory.mktemp("photos")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - a core type without stubs
    made = {
        "jpeg": make_jpeg(folder / "a.jpg", seed=1, rating=2, keywords=["old"], gps=(1.0, 2.0), icc_profile=profile),
        "progressive": make_jpeg(folder / "p.jpg", seed=2, progressive=True, icc_profile=profile),
        "png": make_png(folder / "a.png", seed=3),
        "palette": make_png(folder / "p.png", seed=4, mode="P"),
    }
    thumbnail = make_jpeg(folder / "thumbnail.jpg", seed=5, size=(160, 120), taken=None)
    for name in ("jpeg", "progressive"):
        edit_in_place(made[name], f"-ThumbnailImage<={thumbnail}")
    return made


def edited(path: Path, folder: Path, arguments: list[str]) -> tuple[Fingerprint, Fingerprint]:
    """Identity before and after an edit of a copy."""
    copy = Path(shutil.copy(path, folder / f"copy{path.suffix}"))
    before = fingerprint_bytes(copy.read_bytes())
    edit_in_place(copy, *arguments)
    return before, fingerprint_bytes(copy.read_bytes())


@pytest.mark.parametrize("edit", [*EDITS, *JPEG_EDITS])
@pytest.mark.parametrize("photo", ["jpeg", "progressive"])
def test_an_edit_of_a_jpeg_keeps_its_hothash(photos: dict[str, Path], photo: str, edit: str, tmp_path: Path) -> None:
    before, after = edited(photos[photo], tmp_path, {**EDITS, **JPEG_EDITS}[edit])
    assert (after.hothash, after.method) == (before.hothash, "jpeg-1")
    assert after.sha256 != before.sha256


@pytest.mark.parametrize("edit", [name for name in EDITS if not name.startswith(("strip", "delete"))])
@pytest.mark.parametrize("photo", ["png", "palette"])
def test_an_edit_of_a_png_keeps_its_hothash(photos: dict[str, Path], photo: str, edit: str, tmp_path: Path) -> None:
    before, after = edited(photos[photo], tmp_path, EDITS[edit])
    assert (after.hothash, after.method) == (before.hothash, "png-1")
    assert after.sha256 != before.sha256


@pytest.mark.parametrize("photo", ["jpeg", "progressive", "png", "palette"])
def test_a_trailer_keeps_the_hothash(photos: dict[str, Path], photo: str) -> None:
    data = photos[photo].read_bytes()
    before, after = fingerprint_bytes(data), fingerprint_bytes(data + b"\xff\xd9 a motion picture, or anything")
    assert after.hothash == before.hothash
    assert after.sha256 != before.sha256


@pytest.mark.samples
@pytest.mark.slow
def test_edits_of_sample_photos_keep_their_hothashes(sample_photos: Path, tmp_path: Path) -> None:
    """Two rounds of edits over every sample JPEG and PNG that ExifTool is ready to write."""
    samples = [path for path in sorted(sample_photos.rglob("*")) if path.suffix.lower() in (".jpg", ".jpeg", ".png")]
    rounds = {
        "write": ["-XMP:Rating=3", "-XMP-dc:Subject=x", "-GPSLatitude=1", "-Orientation#=8", f"-Comment={LONG_TEXT}"],
        "strip": ["-all="],
    }
    changed_count = 0
    for name, arguments in rounds.items():
        folder = tmp_path / name
        folder.mkdir()
        copies = {Path(shutil.copy(path, folder / f"{n}{path.suffix}")): path for n, path in enumerate(samples)}
        command = ["exiftool", "-q", "-q", "-m", "-overwrite_original", *arguments, str(folder)]
        # ExifTool refuses some samples that are malformed on purpose; those stay as they are.
        subprocess.run(command, check=False, capture_output=True)
        for copy, original in copies.items():
            before, after = (fingerprint_bytes(path.read_bytes()) for path in (original, copy))
            if before.method == "file-1" or before.sha256 == after.sha256:
                continue
            changed_count += 1
            assert after.hothash == before.hothash, f"{name} {original}"
    assert changed_count > 250
