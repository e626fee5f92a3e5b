"""What only makers' own blocks tell comes from ExifTool, fills what is open, and replaces nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from imalink.core.index import FileEntry
from imalink.errors import UsageError
from imalink.media.exiftool import ExifTool, fill_facts
from imalink.workflows.enrich_facts import enrich_facts
from tests.support.indexes import make_facts
from tests.support.scenes import Scene, memory_folder

SAMPLES = ("Nikon.nef", "QuickTime.mov", "Canon.jpg")


@pytest.fixture
def scene(tmp_path: Path, empty_catalog: Path, sample_photos: Path) -> Iterator[Scene]:
    with memory_folder(tmp_path) as folder, Scene(folder, empty_catalog) as made:
        card = folder / "card"
        card.mkdir()
        for name in SAMPLES:
            shutil.copy2(sample_photos / "tiny-formats" / name, card / name)
        made.import_(card)
        yield made


def entries(scene: Scene) -> dict[str, FileEntry]:
    return {entry.original_filename: entry for entry in scene.bench.session(scene.record).files.values()}


@pytest.mark.samples
@pytest.mark.exiftool
def test_lenses_and_facts_of_films_are_filled_in(scene: Scene) -> None:
    before = entries(scene)
    assert before["Nikon.nef"].facts.camera.lens is None
    report = enrich_facts(scene.bench.tools, scene.record)
    after = entries(scene)
    assert after["Nikon.nef"].facts.camera.lens == "AF-S DX Zoom-Nikkor 18-70mm f/3.5-4.5G IF-ED"
    assert after["QuickTime.mov"].facts.camera.make == "PENTAX DIGITAL CAMERA"
    film = after["QuickTime.mov"].facts
    assert film.capture_time is not None
    assert (film.capture_time.source, film.capture_time.local[:10]) == ("exif", "2005-08-11")
    assert (report.files_enriched, report.findings) == (3, ())
    for name, entry in before.items():
        assert after[name].hotpreview_rendition == entry.hotpreview_rendition
        assert (after[name].relative_path, after[name].sha256) == (entry.relative_path, entry.sha256)
    again = enrich_facts(scene.bench.tools, scene.record)
    assert again.files_enriched == 0
    scene.settle()


@pytest.mark.samples
def test_a_program_that_fails_costs_nothing_but_its_answers(scene: Scene, tmp_path: Path) -> None:
    broken = tmp_path / "exiftool"
    broken.write_text("#!/bin/sh\nprintf 'not JSON'\n")
    broken.chmod(0o755)
    before = entries(scene)
    report = enrich_facts(scene.bench.tools, scene.record, exiftool=ExifTool(path=os.fspath(broken)))
    assert entries(scene) == before
    assert {finding.code for finding in report.findings} == {"metadata-unreadable"}
    assert (report.files_enriched, len(report.findings)) == (0, report.files_asked)


@pytest.mark.samples
def test_without_exiftool_it_says_how_to_get_it(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UsageError) as caught:
        enrich_facts(scene.bench.tools, scene.record)
    assert "libimage-exiftool-perl" in (caught.value.hint or "")


def test_what_is_known_is_never_replaced() -> None:
    facts = make_facts()
    answer = {"Make": "Other", "Model": "Other", "LensModel": "Other", "DateTimeOriginal": "2001:01:01 00:00:00"}
    assert fill_facts(facts, answer, is_time_told=True) == facts


@pytest.mark.parametrize("lens", ["Unknown (123)", "n/a", "65535", "A 50mm or B 50mm", "", None, 7])
def test_an_answer_that_names_no_lens_leaves_it_open(lens: object) -> None:
    facts = make_facts(camera=make_facts().camera.__class__(make="Canon", model="R5"))
    assert fill_facts(facts, {"LensID": lens}, is_time_told=True).camera.lens is None


@pytest.mark.parametrize(
    "answer",
    [
        {"GPSLatitude": "north", "GPSLongitude": 7.0},
        {"GPSLatitude": 100.0, "GPSLongitude": 7.0},
        {"Duration": -1},
        {"Duration": [1, 2]},
        {"CreateDate": "0000:00:00 00:00:00"},
        {"Make": {"a": 1}},
    ],
)
def test_an_answer_that_makes_no_sense_changes_nothing(answer: dict[str, object]) -> None:
    facts = make_facts(taken=None)
    assert fill_facts(facts, answer, is_time_told=False) == facts
