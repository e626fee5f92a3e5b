"""What was paired stays paired, wherever the user moves it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from imalink.catalog.photos import find_photo
from imalink.core.ids import Hothash
from imalink.core.index import Companion
from imalink.workflows.reindex_request import Strategy
from tests.support.scenes import Scene, codes, counts, memory_folder
from tests.support.shots import TellingAnalyser, live_clip, make_film, make_pair
from tests.support.workbench import make_source

STILL, CLIP = "IMG_0009.jpg", "IMG_0009.MOV"


@pytest.fixture
def scene(tmp_path: Path, empty_catalog: Path) -> Iterator[Scene]:
    """A RAW and JPEG of one shot, IMG_0001, and a live photo, IMG_0009."""
    with memory_folder(tmp_path) as folder, Scene(folder, empty_catalog) as made:
        make_pair(folder / "card")
        make_source(folder / "card", 1, first_seed=9)
        make_film(folder / "card" / CLIP, seed=1)
        analyser = TellingAnalyser({CLIP: live_clip("A")}, {STILL: "A"})
        made.bench.tools = replace(made.bench.tools, analyser=analyser)
        made.import_(folder / "card")
        made.look()
        yield made


@pytest.fixture(params=[Strategy.SMART, Strategy.FULL], ids=lambda strategy: strategy.value)
def strategy(request: pytest.FixtureRequest) -> Strategy:
    return request.param


def files_of(scene: Scene, hothash: Hothash) -> set[str]:
    with scene.bench.catalog.read() as db:
        record = find_photo(db, hothash)
    assert record is not None
    return {file.original_filename for file in record.files}


def clips(scene: Scene) -> list[Companion]:
    files = scene.bench.master(scene.record).files.values()
    return [each for entry in files for each in entry.companions]


def test_a_look_at_what_was_imported_finds_nothing(scene: Scene) -> None:
    scene.settle()
    assert scene.orphans() == []


@pytest.mark.parametrize("names", [("IMG_0001.JPG", "IMG_0001.DNG"), ("IMG_0001.DNG",)], ids=["together", "apart"])
def test_a_pair_stays_one_photo_when_moved(scene: Scene, strategy: Strategy, names: tuple[str, ...]) -> None:
    raw = scene.hothash("IMG_0001.DNG")
    for name in names:
        scene.move(name, f"moved/{name}")
    assert counts(scene.look(strategy)) == {"moved": len(names)}
    assert files_of(scene, raw) == {"IMG_0001.JPG", "IMG_0001.DNG"}
    scene.settle()


@pytest.mark.parametrize(
    ("still", "clip"),
    [
        (f"Rome/{STILL}", f"Rome/{CLIP}"),
        ("Rome/a.jpg", "Rome/a.MOV"),
        (STILL, f"clips/{CLIP}"),
        (STILL, "clips/other.mov"),
        (f"Rome/{STILL}", CLIP),
    ],
    ids=["together", "together, renamed", "the clip alone", "the clip alone, renamed", "the picture alone"],
)
def test_a_clip_stays_with_its_picture_wherever_the_two_are_moved(
    scene: Scene, strategy: Strategy, still: str, clip: str
) -> None:
    if still != STILL:
        scene.move(STILL, still)
    if clip != CLIP:
        scene.move(CLIP, clip)
    report = scene.look(strategy)
    assert report.new_files == ()
    assert "companion-missing" not in codes(report)
    assert scene.companions()[still] == [clip]
    assert [each.kind for each in clips(scene)] == ["live"]
    scene.settle()


def test_a_live_photo_copied_is_a_copy_whose_clip_takes_over_when_the_first_goes(
    scene: Scene, strategy: Strategy
) -> None:
    for name in (STILL, CLIP):
        shutil.copy2(scene.photos / name, scene.at(f"copies/{name}"))
    assert scene.look(strategy).new_files == ()
    scene.settle()
    for name in (STILL, CLIP):
        (scene.photos / name).unlink()
    report = scene.look(strategy)
    assert "companion-missing" not in codes(report)
    assert scene.companions()[f"copies/{STILL}"] == [f"copies/{CLIP}"]
    scene.settle()


def test_a_copy_of_a_clip_by_itself_is_a_new_film(scene: Scene, strategy: Strategy) -> None:
    shutil.copy2(scene.photos / CLIP, scene.at("films/film.mov"))
    assert scene.look(strategy).new_files == ("photos/films/film.mov",)
    assert scene.companions()[STILL] == [CLIP]


def test_a_clip_that_is_gone_is_told(scene: Scene, strategy: Strategy) -> None:
    (scene.photos / CLIP).unlink()
    assert codes(scene.look(strategy))["companion-missing"] == 1
    assert clips(scene) == []


def test_a_clip_that_another_program_wrote_stays_its_pictures(scene: Scene, strategy: Strategy) -> None:
    make_film(scene.photos / CLIP, seed=77)
    scene.look(strategy)
    assert [(each.relative_path, each.kind) for each in clips(scene)] == [(f"photos/{CLIP}", "live")]
    assert scene.orphans() == []
    scene.settle()


def test_a_pair_that_appears_in_the_storage_is_offered_as_new(scene: Scene, strategy: Strategy) -> None:
    make_pair(scene.photos, "IMG_0002", seed=50)
    assert set(scene.look(strategy).new_files) == {"photos/IMG_0002.JPG", "photos/IMG_0002.DNG"}
