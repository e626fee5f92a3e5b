"""Index files that are lost or damaged come back: from the storage itself, else from the catalog."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from imalink.core.index import SessionIndex, Sources
from imalink.errors import NotFoundError
from imalink.workflows.regenerate_indexes import regenerate_indexes
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


def test_regenerating_writes_every_index_again_and_changes_nothing_they_say(scene: Scene) -> None:
    scene.add("new.jpg", 77)
    scene.look()
    before = [session(scene, number) for number in (1, 2)]
    report = regenerate_indexes(scene.bench.tools, scene.record)
    assert (report.sessions, report.total_files, report.findings) == ((1, 2), 5, ())
    assert [session(scene, number) for number in (1, 2)] == before
    assert scene.orphans() == ["new.jpg"]
    scene.settle()


def test_regenerating_one_session_mends_only_that(scene: Scene) -> None:
    before = [session(scene, number) for number in (1, 2)]
    (scene.root / "imports" / "session_2.json").write_bytes(b"{")
    untouched = (scene.root / "imports" / "session_1.json").read_bytes()
    report = regenerate_indexes(scene.bench.tools, scene.record, session="2")
    assert (report.sessions, [finding.code for finding in report.findings]) == ((2,), ["index-damaged"])
    assert [session(scene, number) for number in (1, 2)] == before
    assert (scene.root / "imports" / "session_1.json").read_bytes() == untouched
    assert regenerate_indexes(scene.bench.tools, scene.record, session="2").sessions == ()
    scene.settle()


def test_a_cut_overview_and_session_are_mended_and_the_bad_files_kept(scene: Scene) -> None:
    before = [session(scene, number) for number in (1, 2)]
    for name in ("index.json", "imports/session_1.json"):
        path = scene.root / name
        path.write_bytes(path.read_bytes()[:100])
    report = regenerate_indexes(scene.bench.tools, scene.record)
    assert {finding.code for finding in report.findings} == {"index-damaged"}
    kept = {path.name.split(".damaged-")[0] for path in (scene.root / ".imalink/metadata/backup").glob("*.damaged-*")}
    assert kept == {"index.json", "imports-session_1.json"}
    assert [session(scene, number) for number in (1, 2)] == before
    scene.settle()


def test_a_session_that_is_elsewhere_is_not_regenerated_here(scene: Scene) -> None:
    with pytest.raises(NotFoundError):
        regenerate_indexes(scene.bench.tools, scene.record, session="99")
