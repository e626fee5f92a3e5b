"""Deleting photos: marked, in the trash, or gone for good; all their files, and back again by undo."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from imalink.catalog import photos
from imalink.core.duplicate import DuplicatePolicy
from imalink.core.edit_request import EditRequest
from imalink.core.index import DeletionMode
from imalink.core.user_facts import FactChange
from imalink.errors import NotFoundError, StorageOfflineError, UsageError
from imalink.workflows.delete_photos import DeleteReport, delete_photos
from imalink.workflows.edit_photos import edit_photos
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.undo_operation import undo_operation
from tests.support.photos import make_jpeg
from tests.support.scenes import Scene, memory_folder
from tests.support.states import state_of
from tests.support.workbench import Workbench, make_source, sha256_of, snapshot

A, B, C = "IMG_0001.jpg", "IMG_0002.jpg", "IMG_0003.jpg"


@pytest.fixture
def scene(tmp_path: Path, empty_catalog: Path) -> Iterator[Scene]:
    """Three pictures, imported and looked at once; the first has a sidecar."""
    with memory_folder(tmp_path) as folder, Scene(folder, empty_catalog) as made:
        card = make_source(folder / "card", 3)
        (card / "IMG_0001.xmp").write_text("<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
        made.import_(card)
        made.look()
        yield made


def delete(scene: Scene, *texts: str, mode: DeletionMode = DeletionMode.TRASH, dry_run: bool = False) -> DeleteReport:
    report = delete_photos(scene.bench.tools, list(texts), mode=mode, dry_run=dry_run)
    scene.record = scene.bench.record(scene.record.storage_uuid)
    return report


def undo(scene: Scene) -> None:
    undo_operation(scene.bench.tools)
    scene.record = scene.bench.record(scene.record.storage_uuid)


def below(scene: Scene) -> set[str]:
    return {str(path.relative_to(scene.photos)) for path in scene.photos.rglob("*") if path.is_file()}


def trashed(scene: Scene) -> set[str]:
    trash = scene.root / ".imalink-trash"
    return {"/".join(path.relative_to(trash).parts[1:]) for path in trash.rglob("*") if path.is_file()}


def test_a_trashed_picture_leaves_with_its_sidecar_and_comes_back_by_undo(scene: Scene) -> None:
    hothash = scene.hothash(A)
    edit_photos(scene.bench.tools, [hothash], EditRequest(said=FactChange.of({"rating": 4}), added_tags=("rome",)))
    before, files = state_of(scene), snapshot(scene.photos)
    report = delete(scene, hothash)
    assert [file.path for file in report.pictures[0].files] == ["photos/IMG_0001.jpg", "photos/IMG_0001.xmp"]
    assert below(scene) == {B, C}
    assert trashed(scene) == {"photos/IMG_0001.jpg", "photos/IMG_0001.xmp"}
    tombstone = scene.bench.session(scene.record).deleted[hothash]
    assert (tombstone.mode, tombstone.by, tombstone.operation_uuid) == ("trash", "user", report.operation_uuid)
    assert tombstone.entry is not None
    scene.settle()
    undo(scene)
    assert snapshot(scene.photos) == files
    assert not (scene.root / ".imalink-trash").exists()
    assert state_of(scene) == before
    with scene.bench.catalog.read() as db:
        assert photos.get_photo(db, hothash).facts.rating == 4
    scene.settle()


def test_undo_and_redo_move_the_files_each_time(scene: Scene) -> None:
    before = snapshot(scene.photos)
    delete(scene, scene.hothash(A), scene.hothash(B))
    after = state_of(scene)
    report = undo_operation(scene.bench.tools)
    assert len(report.shifts) == 3
    assert snapshot(scene.photos) == before
    undo_operation(scene.bench.tools, report.undo_uuid)
    scene.record = scene.bench.record(scene.record.storage_uuid)
    assert state_of(scene) == after
    assert below(scene) == {C}
    undo(scene)
    assert snapshot(scene.photos) == before


def test_a_marked_picture_stands_where_it_stood_and_is_not_found_again(scene: Scene) -> None:
    hothash, files = scene.hothash(A), snapshot(scene.photos)
    before = state_of(scene)
    report = delete(scene, hothash, mode=DeletionMode.SOFT)
    assert snapshot(scene.photos) == files
    assert [file.kept for file in report.pictures[0].files] == [None, None]
    assert scene.bench.session(scene.record).deleted[hothash].mode == "soft"
    undo(scene)
    assert state_of(scene) == before


def test_a_picture_removed_for_good_leaves_a_tombstone_and_cannot_be_undone(scene: Scene) -> None:
    hothash, sha256 = scene.hothash(A), sha256_of(scene.photos / A)
    report = delete(scene, hothash, mode=DeletionMode.HARD)
    assert len(report.pictures[0].files) == 2
    assert below(scene) == {B, C}
    assert not (scene.root / ".imalink-trash").exists()
    tombstone = scene.bench.session(scene.record).deleted[hothash]
    assert (tombstone.mode, tombstone.sha256, tombstone.entry, tombstone.kept) == ("hard", sha256, None, ())
    with pytest.raises(UsageError, match="gone for good"):
        undo_operation(scene.bench.tools, report.operation_uuid)
    scene.settle()


@pytest.mark.parametrize("mode", [DeletionMode.TRASH, DeletionMode.SOFT, DeletionMode.HARD], ids=str)
def test_a_dry_run_names_every_file_and_changes_nothing(scene: Scene, mode: DeletionMode) -> None:
    before = snapshot(scene.root)
    report = delete(scene, scene.hothash(A), mode=mode, dry_run=True)
    assert [file.path for file in report.pictures[0].files] == ["photos/IMG_0001.jpg", "photos/IMG_0001.xmp"]
    assert report.operation_uuid is None
    assert snapshot(scene.root) == before


@pytest.mark.parametrize("mode", [DeletionMode.TRASH, DeletionMode.HARD], ids=str)
def test_a_file_that_changed_since_is_left_and_told(scene: Scene, mode: DeletionMode) -> None:
    hothash = scene.hothash(A)
    make_jpeg(scene.photos / A, seed=77)
    report = delete(scene, hothash, scene.hothash(B), mode=mode)
    assert [(each.path, "bytes" in each.why) for each in report.left] == [(f"photos/{A}", True)]
    assert below(scene) == {A, "IMG_0001.xmp", C}
    assert hothash in scene.bench.session(scene.record).files


def test_a_picture_is_named_by_its_file(scene: Scene) -> None:
    hothash = scene.hothash(A)
    report = delete(scene, str(scene.photos / A))
    assert [picture.hothash for picture in report.pictures] == [hothash]
    with pytest.raises(NotFoundError, match="no storage"):
        delete(scene, str(scene.folder / "card" / B))
    (scene.photos / "new.jpg").write_bytes(b"x")
    with pytest.raises(NotFoundError, match="no picture is known there"):
        delete(scene, str(scene.photos / "new.jpg"))


def test_all_copies_go_and_come_back(scene: Scene) -> None:
    shutil.copyfile(scene.photos / A, scene.at("copies/a.jpg"))
    scene.look()
    before = state_of(scene)
    delete(scene, scene.hothash(A))
    assert below(scene) == {B, C}
    scene.settle()
    undo(scene)
    assert state_of(scene) == before
    scene.settle()


def test_all_storages_in_reach_are_told_and_others_are_named(scene: Scene) -> None:
    bench, hothash = scene.bench, scene.hothash(A)
    second = bench.create("Second")
    card = scene.folder / "again"
    card.mkdir()
    shutil.copyfile(scene.photos / A, card / A)
    bench.import_(second, card, duplicates=DuplicatePolicy.KEEP_BOTH)
    root = bench.root(second)
    root.rename(root.with_name("unplugged"))
    report = delete(scene, hothash)
    assert [each.storage.display_name for each in report.left_storages] == ["Second"]
    root.with_name("unplugged").rename(root)
    report = delete(scene, hothash)
    assert [picture.storage.display_name for picture in report.pictures] == ["Second"]
    assert not (root / "photos" / A).exists()


def test_where_no_storage_is_in_reach_it_is_an_error(scene: Scene) -> None:
    hothash = scene.hothash(A)
    scene.root.rename(scene.root.with_name("unplugged"))
    with pytest.raises(StorageOfflineError):
        delete(scene, hothash)


def test_a_deleted_picture_stays_at_the_source_of_a_later_import(scene: Scene) -> None:
    delete(scene, scene.hothash(A))
    report = scene.bench.import_(scene.record, scene.folder / "card", title="Again")
    assert report.deleted_before == 1
    assert below(scene) == {B, C}


def test_a_new_machine_knows_what_was_deleted(scene: Scene, empty_catalog: Path) -> None:
    delete(scene, scene.hothash(A))
    delete(scene, scene.hothash(B), mode=DeletionMode.SOFT)
    delete(scene, scene.hothash(C), mode=DeletionMode.HARD)
    with Workbench(scene.folder, empty_catalog=empty_catalog, name="new machine") as new:
        candidates, _ = find_candidates(new.tools, [scene.root])
        recover(new.tools, candidates)
        assert new.dump() == scene.bench.dump()


def test_a_lost_session_index_comes_back_with_its_tombstones(scene: Scene) -> None:
    delete(scene, scene.hothash(A))
    deleted = scene.bench.session(scene.record).deleted
    (scene.root / "imports" / "session_1.json").unlink()
    shutil.rmtree(scene.root / ".imalink" / "metadata" / "backup")
    scene.bench.fold(scene.record, check_sessions=(1,))
    assert scene.bench.session(scene.record).deleted == deleted
    assert len(deleted) == 1
