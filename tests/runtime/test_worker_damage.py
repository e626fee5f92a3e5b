"""Broken files of every format: nothing is raised, what is said is known, and the workers go on."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from imalink.core.analyser import Analysis
from imalink.runtime.workers import DecodeWorkers
from tests.support.raw_pictures import make_dng
from tests.support.videos import make_video

SAID_OF_BROKEN_FILES = {
    "picture-damaged",
    "preview-failed",
    "preview-from-thumbnail",
    "picture-too-large",
    "metadata-unreadable",
    "kind-mismatch",
    "empty-file",
    "decode-crashed",  # a decoder's own fault
}
PILLOW_FORMATS = {
    "a.jpg": "JPEG",
    "a.png": "PNG",
    "a.tif": "TIFF",
    "a.webp": "WEBP",
    "a.gif": "GIF",
    "a.bmp": "BMP",
    "a.avif": "AVIF",
}
NAMES = [*PILLOW_FORMATS, "a.dng", "a.mp4", "a.avi"]


@pytest.fixture(scope="module")
def workers() -> Iterator[DecodeWorkers]:
    with DecodeWorkers(1) as made:
        yield made


@pytest.fixture(autouse=True)
def _our_own_code_does_not_fail(caplog: pytest.LogCaptureFixture) -> Iterator[None]:  # pyright: ignore[reportUnusedFunction] - autouse
    yield
    assert [record.getMessage() for record in caplog.get_records("call") if record.levelname == "ERROR"] == []


def make(path: Path) -> bytes:
    picture = Image.effect_noise((160, 120), 60).convert("RGB")
    if path.name in PILLOW_FORMATS:
        picture.save(path, PILLOW_FORMATS[path.name])
    elif path.suffix == ".dng":
        make_dng(path, picture)
    else:
        make_video(path, picture)
    return path.read_bytes()


def analysed(workers: DecodeWorkers, path: Path) -> Analysis:
    with path.open("rb") as file:
        workers.coldpreview(file.fileno(), filename=path.name)
        analysis = workers.analyse(file.fileno(), filename=path.name)
    assert {finding.code for finding in analysis.findings} <= SAID_OF_BROKEN_FILES
    return analysis


@pytest.mark.parametrize("name", NAMES)
def test_a_truncated_file_costs_at_most_its_preview(workers: DecodeWorkers, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    whole = make(path)
    assert analysed(workers, path).hotpreview is not None
    for part in (0, 1, 11, 12, 26, 100, len(whole) // 3, len(whole) // 2, len(whole) * 9 // 10, len(whole) - 1):
        path.write_bytes(whole[:part])
        analysis = analysed(workers, path)
        assert analysis.findings or analysis.hotpreview is not None


@pytest.mark.parametrize("name", NAMES)
def test_a_mutated_file_costs_at_most_its_preview(workers: DecodeWorkers, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    whole = make(path)
    chance = random.Random(name)
    for _ in range(25):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            # Half of the blows fall on the first bytes, where the structure is.
            at = chance.randrange(min(len(data), 600) if chance.random() < 0.5 else len(data))
            data[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        path.write_bytes(data)
        analysed(workers, path)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("other", ["b.jpg", "b.mp4", "b.nef", "b.heic", "b.xyz"])
def test_a_mislabelled_file_is_shown_all_the_same(
    workers: DecodeWorkers, name: str, other: str, tmp_path: Path
) -> None:
    make(tmp_path / name)
    path = Path(shutil.move(tmp_path / name, tmp_path / other))
    analysis = analysed(workers, path)
    # Content decides; only a TIFF named like a RAW file is taken for one, since most RAW files are TIFF.
    if (name, other) not in {("a.tif", "b.nef"), ("a.dng", "b.jpg"), ("a.dng", "b.mp4"), ("a.dng", "b.heic")}:
        assert analysis.hotpreview is not None


@pytest.mark.samples
def test_mutated_heic_and_raw_samples_cost_at_most_their_preview(
    workers: DecodeWorkers, sample_photos: Path, tmp_path: Path
) -> None:
    chance = random.Random(1)
    samples = ["exif-samples/heic/samplefilehub.heif", *(f"tiny-formats/{name}" for name in RAW_SAMPLES)]
    for sample in samples:
        whole = (sample_photos / sample).read_bytes()
        path = tmp_path / Path(sample).name
        for _ in range(12):
            data = bytearray(whole)
            for _ in range(chance.randint(1, 12)):
                data[chance.randrange(min(len(data), 4_000))] = chance.randrange(256)
            path.write_bytes(data)
            analysed(workers, path)


RAW_SAMPLES = [
    "CanonRaw.cr2",
    "CanonRaw.cr3",
    "CanonRaw.crw",
    "DNG.dng",
    "FujiFilm.raf",
    "Minolta.mrw",
    "Nikon.nef",
    "Panasonic.rw2",
    "PhaseOne.iiq",
    "SigmaDP2.x3f",
]
