"""Session indexes that the storage itself cannot rebuild come back from the catalog."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from imalink.core.index import SessionIndex, Sources
from tests.support.scenes import Scene, codes, memory_folder

B = "IMG_0002.jpg"


@pytest.fixture
def scene(tmp_path: Path, empty_catalog: Path) -> Iterator[Scene]:
    with memory_folder(tmp_path) as folder, Scene(folder, empty_catalog) as made:
        made.import_pictures(3)
        made.import_pictures(2, first_seed=10, title="Norway")
        yield made


def session(scene: Scene, number: int) -> SessionIndex:
    """Give a session index as it says what matters: not what it was made from, nor when."""
    with scene.bench.open(scene.record) as storage:
        loaded = storage.indexes.load_session(number)
    assert loaded.is_intact
    return replace(loaded.index, sources=Sources(), generated_at="", generation=0)


def lose_what_rebuilds(scene: Scene) -> None:
    """Take away commits, journals and backups: all from which the storage itself could make an index again."""
    shutil.rmtree(scene.root / ".imalink" / "metadata")


@pytest.mark.parametrize("damage", ["gone", "cut", "emptied"])
def test_a_lost_session_index_is_written_again_from_the_catalog(scene: Scene, damage: str) -> None:
    scene.move(B, "Rome/moved.jpg")
    scene.look()
    before = session(scene, 1)
    path = scene.root / "imports" / "session_1.json"
    lose_what_rebuilds(scene)
    spoilt = path.read_bytes()[: {"gone": 0, "cut": 700, "emptied": 0}[damage]]
    path.unlink()
    if damage != "gone":
        path.write_bytes(spoilt)
    report = scene.look()
    assert codes(report) == {("index-missing" if damage == "gone" else "index-damaged"): 1}
    assert session(scene, 1) == before
    kept = list((scene.root / ".imalink" / "metadata" / "backup").glob("imports-session_1.json.damaged-*"))
    assert [each.read_bytes() for each in kept] == ([] if damage == "gone" else [spoilt])
    scene.settle()


def test_every_index_may_be_lost_at_once(scene: Scene) -> None:
    before = [session(scene, number) for number in (1, 2)]
    lose_what_rebuilds(scene)
    shutil.rmtree(scene.root / "imports")
    (scene.root / "imalink-master.json").unlink()
    (scene.root / "index.json").unlink()
    report = scene.look()
    assert (report.moved_files, report.newly_missing, report.new_files) == ((), (), ())
    assert [session(scene, number) for number in (1, 2)] == before
    scene.settle()


def test_what_the_storage_can_rebuild_itself_is_not_taken_from_the_catalog(scene: Scene) -> None:
    before = session(scene, 2)
    (scene.root / "imports" / "session_2.json").unlink()
    scene.look()
    with scene.bench.open(scene.record) as storage:
        assert storage.indexes.load_session(2).index.sources.runs  # of a commit, which the catalog does not keep
    assert session(scene, 2) == before
    scene.settle()
