"""Missing files leave the index only when that is wanted and certain, and a tombstone of each stays."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from imalink.catalog import tombstones
from imalink.catalog.tombstones import FoundTombstone
from imalink.core.ids import Hothash
from imalink.core.index import FileStatus
from imalink.errors import MassMissingError, StorageUnavailableError, UsageError
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest, Strategy
from tests.support.faults import InterposedCalls
from tests.support.photos import set_rating_in_place
from tests.support.scenes import Scene, codes, counts, memory_folder
from tests.support.workbench import Workbench, make_source, sha256_of

T = TypeVar("T")
A, B = "IMG_0001.jpg", "IMG_0002.jpg"


@pytest.fixture
def scene(tmp_path: Path, empty_catalog: Path) -> Iterator[Scene]:
    with memory_folder(tmp_path) as folder, Scene(folder, empty_catalog) as made:
        made.import_pictures(10)
        yield made


def found_tombstones(scene: Scene, hothash: Hothash) -> tuple[FoundTombstone, ...]:
    with scene.bench.catalog.read() as db:
        return tombstones.find_by_hothash(db, [hothash]).get(hothash, ())


def test_a_missing_file_stays_in_the_index_unless_it_is_to_be_removed(scene: Scene) -> None:
    hothash = scene.hothash(A)
    (scene.photos / A).unlink()
    assert counts(scene.look()) == {"missing": 1, "newly_missing": 1}
    assert scene.bench.session(scene.record).files[hothash].status is FileStatus.MISSING
    assert scene.bench.session(scene.record).deleted == {}
    scene.settle()


@pytest.mark.parametrize("is_known_before", [True, False], ids=["long missing", "newly missing"])
@pytest.mark.parametrize("strategy", [Strategy.SMART, Strategy.FULL], ids=str)
def test_a_removed_file_leaves_a_tombstone_in_index_and_catalog(
    scene: Scene, strategy: Strategy, is_known_before: bool
) -> None:
    hothash, sha256 = scene.hothash(A), sha256_of(scene.photos / A)
    before = scene.bench.session(scene.record).files[hothash]
    (scene.photos / A).unlink()
    if is_known_before:
        scene.look()
    report = scene.look(strategy, removes_missing=True)
    assert [(removed.hothash, removed.path) for removed in report.removed_files] == [(hothash, f"photos/{A}")]
    assert (report.missing_files, report.newly_missing, report.changes_detected) == ((), (), True)
    index = scene.bench.session(scene.record)
    assert hothash not in index.files
    tombstone = index.deleted[hothash]
    assert (tombstone.sha256, tombstone.original_filename, tombstone.photo_uuid) == (sha256, A, before.photo_uuid)
    assert (tombstone.mode, tombstone.by, tombstone.session_uuid) == ("missing", "reindex", index.session.session_uuid)
    assert tombstone.deleted_at.startswith("2024-10-18T")
    [found] = found_tombstones(scene, hothash)
    assert (found.tombstone, found.storage_uuid) == (tombstone, scene.record.storage_uuid)
    assert hothash not in scene.bench.master(scene.record).files
    scene.settle()


def test_a_dry_run_tells_what_would_be_removed_and_removes_nothing(scene: Scene) -> None:
    (scene.photos / A).unlink()
    scene.look()
    before = scene.places()
    assert counts(scene.look(dry_run=True, removes_missing=True)) == {"removed": 1}
    assert scene.places() == before
    assert len(scene.look().missing_files) == 1


def test_nothing_is_removed_when_suspiciously_much_is_missing(scene: Scene) -> None:
    shutil.rmtree(scene.photos)
    scene.photos.mkdir()
    with pytest.raises(MassMissingError):
        scene.look(removes_missing=True)
    assert {status for _, _, _, status in scene.places()} == {"present"}
    report = scene.look(removes_missing=True, accepts_losses=True)
    assert len(report.removed_files) == 10
    assert len(scene.bench.session(scene.record).deleted) == 10
    scene.settle()


def test_nothing_is_removed_from_a_storage_that_is_not_there(scene: Scene) -> None:
    (scene.photos / A).unlink()
    scene.look()
    before = scene.places()
    away = scene.root.rename(scene.root.with_name("unplugged"))
    with pytest.raises(StorageUnavailableError):
        scene.look(removes_missing=True)
    away.rename(scene.root)
    assert scene.places() == before


class Unreadable(InterposedCalls):
    """A folder whose permissions keep us out."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def _around(self, name: str, call: Callable[[], T], *arguments: object) -> T:
        if name == "open_directory" and arguments[1:] == (self.name,):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), self.name)
        return call()


def test_nothing_is_removed_while_part_of_the_storage_cannot_be_read(tmp_path: Path, empty_catalog: Path) -> None:
    calls = Unreadable("locked")
    with Scene(tmp_path, empty_catalog, calls) as scene:
        scene.import_pictures(10)
        hothash = scene.hothash(A)
        scene.move(A, f"locked/{A}")
        (scene.photos / B).unlink()
        report = scene.look(removes_missing=True)
        assert (report.removed_files, len(report.newly_missing)) == ((), 2)
        assert codes(report) == {"storage-unreadable": 1, "removal-put-off": 1}
        calls.name = "nothing"
        report = scene.look(removes_missing=True)
        assert [removed.path for removed in report.removed_files] == [f"photos/{B}"]
        assert scene.place_of(hothash) == f"locked/{A}"
        scene.settle()


class MovesDuringTheWalk(InterposedCalls):
    """A user who moves a file from a folder not walked yet into one that was walked already."""

    def __init__(self) -> None:
        super().__init__()
        self.then: Callable[[], object] | None = None

    def _around(self, name: str, call: Callable[[], T], *arguments: object) -> T:
        if name == "open_directory" and arguments[1:] == ("b",) and self.then is not None:
            then, self.then = self.then, None
            then()
        return call()


def test_a_file_moved_during_the_walk_is_not_removed(tmp_path: Path, empty_catalog: Path) -> None:
    calls = MovesDuringTheWalk()
    with Scene(tmp_path, empty_catalog, calls) as scene:
        scene.import_pictures(10)
        scene.move(B, f"a/{B}")
        scene.move(A, f"b/{A}")
        scene.look()
        hothash = scene.hothash(f"b/{A}")
        calls.then = lambda: scene.move(f"b/{A}", f"a/{A}")
        # Not scene.look, which sees to it that the folder is the same afterwards.
        report = reindex(scene.bench.tools, scene.record, ReindexRequest(removes_missing=True))
        assert calls.then is None
        assert (report.removed_files, codes(report)) == ((), {"removal-put-off": 1})
        assert [moved.new_path for moved in scene.look(removes_missing=True).moved_files] == [f"photos/a/{A}"]
        assert scene.place_of(hothash) == f"a/{A}"
        scene.settle()


def test_a_quick_look_refuses_to_remove(scene: Scene) -> None:
    scene.move(A, "moved.jpg")
    with pytest.raises(UsageError):
        scene.look(Strategy.QUICK, removes_missing=True)
    assert {status for _, _, _, status in scene.places()} == {"present"}


def test_a_moved_file_is_not_removed(scene: Scene) -> None:
    hothash = scene.hothash(A)
    (scene.photos / A).rename(scene.folder / "aside.jpg")
    scene.look()
    (scene.folder / "aside.jpg").rename(scene.at("elsewhere/new name.jpg"))
    report = scene.look(removes_missing=True)
    assert (report.removed_files, len(report.moved_files)) == ((), 1)
    assert scene.place_of(hothash) == "elsewhere/new name.jpg"
    scene.settle()


def test_the_lost_file_of_a_session_leaves_the_other_sessions_file_of_that_picture(scene: Scene) -> None:
    hothash = scene.hothash(A)
    card = scene.folder / "another card"
    card.mkdir()
    shutil.copyfile(scene.photos / A, card / "rated.jpg")
    set_rating_in_place(card / "rated.jpg", 4)
    scene.import_(card)
    (scene.photos / A).unlink()
    report = scene.look(removes_missing=True)
    assert [removed.path for removed in report.removed_files] == [f"photos/{A}"]
    assert hothash in scene.bench.session(scene.record).deleted
    assert scene.bench.session(scene.record, 2).deleted == {}
    assert scene.place_of(hothash) == "rated.jpg"
    scene.settle()


def test_a_deleted_picture_that_comes_back_is_an_orphan_that_says_so(scene: Scene) -> None:
    (scene.photos / A).rename(scene.folder / "aside.jpg")
    scene.look(removes_missing=True)
    (scene.folder / "aside.jpg").rename(scene.at("back.jpg"))
    report = scene.look()
    assert list(report.orphans) == ["photos/back.jpg"]
    [once] = report.once_deleted
    assert (once.path, once.deleted_at[:10]) == ("photos/back.jpg", "2024-10-18")
    [orphan] = scene.bench.master(scene.record).orphans
    assert orphan.deleted_at == once.deleted_at
    again = scene.look()
    assert (again.once_deleted, again.files_hashed) == ((once,), 0)
    assert scene.look(Strategy.QUICK).once_deleted == (once,)


def test_a_deleted_picture_that_comes_back_and_is_added_is_no_orphan_any_more(scene: Scene) -> None:
    hothash = scene.hothash(A)
    (scene.photos / A).rename(scene.folder / "aside.jpg")
    scene.look(removes_missing=True)
    (scene.folder / "aside.jpg").rename(scene.at("back.jpg"))
    report = scene.look(adds_orphans=True)
    assert (report.orphans, report.once_deleted) == ((), ())
    assert scene.place_of(hothash) == "back.jpg"
    scene.settle()


def test_tombstones_outlive_the_catalog_and_a_lost_index(scene: Scene, empty_catalog: Path) -> None:
    hothash = scene.hothash(A)
    (scene.photos / A).unlink()
    scene.look(removes_missing=True)
    before = _told(scene.bench)
    assert len(before) == 1
    (scene.root / "imports" / "session_1.json").unlink()
    shutil.rmtree(scene.root / ".imalink" / "metadata" / "backup")
    scene.bench.fold(scene.record, check_sessions=(1,))
    assert hothash in scene.bench.session(scene.record).deleted
    with Workbench(scene.folder, empty_catalog=empty_catalog, name="new machine") as new:
        candidates, _ = find_candidates(new.tools, [scene.root])
        recover(new.tools, candidates)
        assert _told(new) == before


def _told(bench: Workbench) -> list[str]:
    return [line for line in bench.dump() if json.loads(line)["kind"] == "deleted"]


def test_a_later_import_folds_the_deletion_into_no_other_session(scene: Scene) -> None:
    hothash = scene.hothash(A)
    (scene.photos / A).unlink()
    scene.look(removes_missing=True)
    scene.import_(make_source(scene.folder / "more", 1, first_seed=40))
    assert hothash in scene.bench.session(scene.record).deleted
    assert scene.bench.session(scene.record, 2).deleted == {}
    scene.settle()
