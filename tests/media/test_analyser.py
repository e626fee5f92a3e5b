"""The analyser: right findings, any thread, any bytes, any position of the descriptor."""

from __future__ import annotations

import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from imalink.core.analyser import Analyser, Analysis
from imalink.core.picture import Fingerprint
from imalink.media import reader
from imalink.media.analyser import PictureAnalyser
from tests.support.photos import make_jpeg, make_png

GOLDEN = Path(__file__).parent.parent / "golden" / "hothash"


def analysed(data: bytes, folder: Path, name: str) -> Analysis:
    path = folder / name
    path.write_bytes(data)
    with path.open("rb") as file:
        return PictureAnalyser().analyse(file.fileno(), filename=name)


def codes(analysis: Analysis) -> list[str]:
    return [finding.code for finding in analysis.findings]


def test_it_is_an_analyser() -> None:
    analyser: Analyser = PictureAnalyser()
    assert analyser


def test_a_photo_tells_everything(tmp_path: Path) -> None:
    path = make_jpeg(
        tmp_path / "a.jpg", seed=1, size=(640, 480), rating=3, orientation=6, gps=(59.9, 10.75), keywords=["sea"]
    )
    analysis = analysed(path.read_bytes(), tmp_path, "a.jpg")
    facts = analysis.facts
    assert analysis.findings == ()
    assert (facts.file_format, facts.width, facts.height, facts.orientation) == ("JPEG", 640, 480, 6)
    assert facts.capture_time is not None
    assert (facts.capture_time.local, facts.capture_time.source) == ("2024-07-10T14:30:00", "exif")
    assert (facts.camera.make, facts.camera.model) == ("Testmaker", "Testmodel 1")
    assert (facts.embedded.rating, facts.embedded.keywords) == (3, ("sea",))
    assert analysis.hotpreview is not None
    assert (analysis.hotpreview.width, analysis.hotpreview.height) == (150, 200)


def test_the_rendition_changes_with_the_orientation_and_the_hothash_does_not(tmp_path: Path) -> None:
    analyser = PictureAnalyser()
    seen: list[tuple[Fingerprint, str]] = []
    for orientation in (1, 8):
        path = make_jpeg(tmp_path / f"{orientation}.jpg", seed=1, orientation=orientation)
        with path.open("rb") as file:
            preview = analyser.analyse(file.fileno(), filename="a.jpg").hotpreview
            assert preview is not None
            seen.append((analyser.fingerprint(file.fileno()), preview.rendition))
    assert seen[0][0].hothash == seen[1][0].hothash
    assert seen[0][1] != seen[1][1]


def test_a_name_that_promises_another_kind_is_a_finding(tmp_path: Path) -> None:
    data = make_png(tmp_path / "a.png", seed=1).read_bytes()
    analysis = analysed(data, tmp_path, "a.jpg")
    assert codes(analysis) == ["kind-mismatch"]
    assert analysis.findings[0].facts == {"named": "JPEG", "found": "PNG"}
    assert analysis.facts.file_format == "PNG"
    assert analysis.hotpreview is not None


def test_a_file_without_bytes_is_a_finding(tmp_path: Path) -> None:
    analysis = analysed(b"", tmp_path, "a.jpg")
    assert (codes(analysis), analysis.hotpreview) == (["empty-file"], None)


def test_bytes_of_no_kind_are_a_damaged_picture(tmp_path: Path) -> None:
    analysis = analysed(random.Random(1).randbytes(5_000), tmp_path, "a.jpg")
    assert (codes(analysis), analysis.hotpreview) == (["picture-damaged", "preview-failed"], None)
    assert analysis.facts.file_format == "UNKNOWN"


@pytest.mark.parametrize("name", ["broken-no-end.jpg", "broken-unknown-marker.jpg", "broken-critical-chunk.png"])
def test_a_broken_structure_is_a_finding_that_says_why(name: str, tmp_path: Path) -> None:
    analysis = analysed((GOLDEN / name).read_bytes(), tmp_path, name)
    assert codes(analysis)[0] == "picture-damaged"
    assert analysis.findings[0].facts["reason"]


def test_facts_before_the_break_of_a_truncated_photo_are_kept(tmp_path: Path) -> None:
    data = make_jpeg(tmp_path / "a.jpg", seed=1, rating=4).read_bytes()
    facts = analysed(data[: len(data) // 2], tmp_path, "a.jpg").facts
    assert (facts.width, facts.embedded.rating) == (320, 4)
    assert facts.capture_time is not None


def test_a_file_too_large_for_memory_tells_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    analyser = PictureAnalyser()
    files = [
        make_jpeg(tmp_path / "a.jpg", seed=1, size=(900, 600), rating=3, orientation=6),
        make_png(tmp_path / "a.png", seed=2),
    ]
    for path in files:
        with path.open("rb") as file:
            expected = analyser.fingerprint(file.fileno()), analyser.analyse(file.fileno(), filename=path.name)
            with monkeypatch.context() as patch:
                patch.setattr(reader, "MEMORY_LIMIT", 0)
                found = analyser.fingerprint(file.fileno()), analyser.analyse(file.fileno(), filename=path.name)
        assert found == expected
        assert found[1].hotpreview is not None


def test_a_file_that_shrinks_while_it_is_analysed_does_no_harm(tmp_path: Path) -> None:
    data = make_jpeg(tmp_path / "a.jpg", seed=1, size=(200, 200)).read_bytes()
    for kept in (0, 100, 700, len(data) - 1):
        path = tmp_path / "short.jpg"
        path.write_bytes(data[:kept])
        with path.open("rb") as file:
            size = len(data)
            analysis = PictureAnalyser()._analyse(reader.DescriptorReader(file.fileno(), size), "a.jpg")
        assert codes(analysis)


def test_the_descriptor_s_position_is_neither_used_nor_moved(tmp_path: Path) -> None:
    path = make_jpeg(tmp_path / "a.jpg", seed=1)
    with path.open("rb", buffering=0) as file:
        expected = PictureAnalyser().analyse(file.fileno(), filename="a.jpg")
        file.seek(777)
        assert PictureAnalyser().analyse(file.fileno(), filename="a.jpg") == expected
        assert file.tell() == 777


def test_a_descriptor_that_cannot_be_read_raises_oserror(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / "a.jpg", os.O_WRONLY | os.O_CREAT)
    try:
        os.write(descriptor, b"\xff\xd8\xff")
        with pytest.raises(OSError):
            PictureAnalyser().fingerprint(descriptor)
        with pytest.raises(OSError):
            PictureAnalyser().analyse(descriptor, filename="a.jpg")
    finally:
        os.close(descriptor)


def test_several_threads_may_share_an_analyser(tmp_path: Path) -> None:
    analyser = PictureAnalyser()
    paths = [make_jpeg(tmp_path / f"{n}.jpg", seed=n, size=(500, 400), rating=n % 6) for n in range(8)]

    def tell(path: Path) -> tuple[Fingerprint, Analysis]:
        with path.open("rb") as file:
            return analyser.fingerprint(file.fileno()), analyser.analyse(file.fileno(), filename=path.name)

    one_by_one = [tell(path) for path in paths]
    with ThreadPoolExecutor(4) as executor:
        assert list(executor.map(tell, paths * 4)) == one_by_one * 4


def damaged(data: bytes, generator: random.Random) -> bytes:
    """A copy with some bytes changed, cut out or cut off."""
    changed = bytearray(data)
    for _ in range(generator.randint(1, 12)):
        at = generator.randrange(len(changed))
        match generator.randrange(4):
            case 0:
                changed[at] = generator.randrange(256)
            case 1:
                del changed[at : at + generator.randrange(20)]
            case 2:
                changed[at:at] = generator.randbytes(generator.randrange(8))
            case _:
                changed[at] ^= 1 << generator.randrange(8)
        if len(changed) < 20:
            break
    return bytes(changed[: generator.randrange(len(changed))] if generator.random() < 0.2 else changed)


def test_damaged_pictures_never_raise_and_never_take_long(tmp_path: Path) -> None:
    generator = random.Random(20_240_710)
    seeds = [path.read_bytes() for path in GOLDEN.iterdir() if path.suffix in (".jpg", ".png")]
    seeds.append(
        make_jpeg(tmp_path / "m.jpg", seed=1, size=(64, 48), rating=3, gps=(1, 2), keywords=["x"]).read_bytes()
    )
    for _ in range(400):
        start = time.process_time()
        analysed(damaged(generator.choice(seeds), generator), tmp_path, "a.jpg")
        assert time.process_time() - start < 5


@pytest.mark.samples
@pytest.mark.slow
def test_damaged_samples_of_every_kind_never_raise(sample_photos: Path, tmp_path: Path) -> None:
    generator = random.Random(7)
    samples = [path for path in sorted(sample_photos.rglob("*")) if path.is_file() and path.stat().st_size < 300_000]
    for path in samples:
        analysed(damaged(path.read_bytes(), generator), tmp_path, path.name)


@pytest.mark.samples
def test_every_sample_is_analysed_without_an_exception(sample_photos: Path) -> None:
    without_preview: dict[str, int] = {}
    for path in sorted(sample_photos.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                analysis = PictureAnalyser().analyse(file.fileno(), filename=path.name)
            if analysis.hotpreview is None:
                word = analysis.facts.file_format
                without_preview[word] = without_preview.get(word, 0) + 1
    # What comes with its own decoders in a later version.
    assert set(without_preview) <= {"RAW", "HEIC", "JXL", "VIDEO", "UNKNOWN", "TIFF", "PSD"}
