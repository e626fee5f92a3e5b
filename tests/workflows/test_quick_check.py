"""The quick re-index: it asks only for names, marks what is gone, and leaves all else to the next smart one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from imalink.errors import MassMissingError, StorageOfflineError
from imalink.workflows.reindex_request import Strategy
from tests.support.scenes import Scene, memory_folder, moves
from tests.support.workbench import snapshot

A, B, C = "IMG_0001.jpg", "IMG_0002.jpg", "IMG_0003.jpg"


@pytest.fixture
def scene(tmp_path: Path, empty_catalog: Path) -> Iterator[Scene]:
    with memory_folder(tmp_path) as folder, Scene(folder, empty_catalog) as made:
        made.import_pictures(3)
        yield made


def test_nothing_gone_reads_and_writes_nothing(scene: Scene) -> None:
    before = snapshot(scene.root)
    report = scene.look(Strategy.QUICK)
    assert (report.changes_detected, report.files_seen, report.files_hashed) == (False, 3, 0)
    after = snapshot(scene.root)
    assert {name for name in before if before[name] != after.get(name)} == set()
    assert scene.watch.read_bodies == []


def test_what_is_gone_is_marked_missing_in_every_index(scene: Scene) -> None:
    hothash = scene.hothash(B)
    (scene.photos / B).unlink()
    report = scene.look(Strategy.QUICK)
    assert [missing.hothash for missing in report.newly_missing] == [hothash]
    assert report.changes_detected
    assert scene.find(hothash).path is None
    scene.check()
    again = scene.look(Strategy.QUICK)
    assert (again.changes_detected, again.newly_missing) == (False, ())
    assert [missing.hothash for missing in again.missing_files] == [hothash]


def test_what_was_only_moved_is_found_by_the_next_smart_look(scene: Scene) -> None:
    hothash = scene.hothash(A)
    scene.move(A, "2024/renamed.jpg")
    assert len(scene.look(Strategy.QUICK).newly_missing) == 1
    report = scene.look()
    assert moves(report) == {(A, "2024/renamed.jpg")}
    assert scene.place_of(hothash) == "2024/renamed.jpg"
    scene.settle()


def test_a_lost_main_file_gives_its_place_to_its_copy(scene: Scene) -> None:
    hothash = scene.hothash(C)
    shutil.copy2(scene.photos / C, scene.at("copy/of.jpg"))
    scene.look()
    (scene.photos / C).unlink()
    report = scene.look(Strategy.QUICK)
    assert (report.changes_detected, report.newly_missing) == (True, ())
    assert scene.place_of(hothash) == "copy/of.jpg"
    scene.check()


def test_new_and_edited_files_are_left_to_a_smart_look(scene: Scene) -> None:
    scene.add("new.jpg", 77)
    report = scene.look(Strategy.QUICK)
    assert (report.changes_detected, report.new_files) == (False, ())
    assert [path.removeprefix("photos/") for path in scene.look().new_files] == ["new.jpg"]


def test_a_dry_run_tells_and_writes_nothing(scene: Scene) -> None:
    (scene.photos / A).unlink()
    before = snapshot(scene.root)
    assert len(scene.look(Strategy.QUICK, dry_run=True).newly_missing) == 1
    assert snapshot(scene.root) == before


def test_suspiciously_much_is_not_believed(scene: Scene) -> None:
    scene.import_pictures(6, first_seed=10, title="More")
    before = snapshot(scene.root)
    shutil.move(scene.photos, scene.folder / "elsewhere")
    scene.photos.mkdir()
    with pytest.raises(MassMissingError):
        scene.look(Strategy.QUICK)
    scene.photos.rmdir()
    shutil.move(scene.folder / "elsewhere", scene.photos)
    assert snapshot(scene.root) == before
    report = scene.look(Strategy.QUICK)
    assert not report.changes_detected


def test_an_unplugged_disk_is_offline_and_nothing_is_missing(scene: Scene) -> None:
    scene.root.rename(scene.folder / "unplugged")
    scene.root.mkdir()
    scene.photos.mkdir()
    with pytest.raises(StorageOfflineError):
        scene.look(Strategy.QUICK)
    shutil.rmtree(scene.root)
    (scene.folder / "unplugged").rename(scene.root)
    assert not scene.look(Strategy.QUICK).changes_detected
