"""The trash: listed with its records, brought back, emptied of what is known and of nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from imalink.catalog import photos
from imalink.core.duplicate import DuplicatePolicy
from imalink.core.edit_request import EditRequest
from imalink.core.ids import OperationUuid
from imalink.core.index import DeletionMode
from imalink.core.user_facts import FactChange
from imalink.errors import NotFoundError, UsageError
from imalink.workflows.delete_photos import delete_photos
from imalink.workflows.edit_photos import edit_photos
from imalink.workflows.empty_trash import EmptyReport, empty_trash
from imalink.workflows.find_file import find_files
from imalink.workflows.look_at_trash import TrashItem, list_trash
from imalink.workflows.restore_trash import RestoreReport, restore_from_trash
from imalink.workflows.undo_operation import undo_operation
from tests.support.photos import make_jpeg, set_rating_in_place
from tests.support.scenes import Scene, memory_folder
from tests.support.states import state_of
from tests.support.workbench import make_source, sha256_of, snapshot

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


def refresh(scene: Scene) -> None:
    scene.record = scene.bench.record(scene.record.storage_uuid)


def delete(scene: Scene, *names: str, mode: DeletionMode = DeletionMode.TRASH) -> OperationUuid:
    report = delete_photos(scene.bench.tools, [str(scene.photos / name) for name in names], mode=mode)
    refresh(scene)
    assert report.operation_uuid is not None
    return report.operation_uuid


def restore(scene: Scene, *texts: str, dry_run: bool = False) -> RestoreReport:
    report = restore_from_trash(scene.bench.tools, list(texts), dry_run=dry_run)
    refresh(scene)
    return report


def empty(scene: Scene, *, older_than_days: int | None = None, dry_run: bool = False) -> EmptyReport:
    report = empty_trash(scene.bench.tools, older_than_days=older_than_days, dry_run=dry_run)
    refresh(scene)
    return report


def listed(scene: Scene) -> list[TrashItem]:
    return list(list_trash(scene.bench.tools).items)


def kept(scene: Scene, operation: str, name: str) -> Path:
    return scene.root / ".imalink-trash" / operation / "photos" / name


def statuses(scene: Scene, hothash: str) -> list[tuple[str, str]]:
    [found] = find_files(scene.bench.tools, [hothash])
    return [(place.status, place.relative_path) for place in found.places]


def test_what_was_deleted_is_listed_with_its_operation(scene: Scene) -> None:
    operation = delete(scene, A)
    delete(scene, B, mode=DeletionMode.SOFT)
    delete(scene, C, mode=DeletionMode.HARD)
    marked, deleted = listed(scene)
    assert (marked.kind, [file.path for file in marked.files]) == ("marked", [f"photos/{B}"])
    assert (deleted.kind, deleted.operation, deleted.title) == ("deleted", operation, "Delete: 1 photo, to the trash")
    assert [file.path for file in deleted.files] == ["photos/IMG_0001.jpg", "photos/IMG_0001.xmp"]
    assert all(file.is_there for file in deleted.files)


def test_a_restored_picture_is_as_it_was(scene: Scene) -> None:
    hothash = scene.hothash(A)
    edit_photos(scene.bench.tools, [hothash], EditRequest(said=FactChange.of({"rating": 4}), added_tags=("rome",)))
    before, files = state_of(scene), snapshot(scene.photos)
    delete(scene, A)
    report = restore(scene, hothash[:10], dry_run=True)
    assert report.restored[0].paths == ("photos/IMG_0001.jpg", "photos/IMG_0001.xmp")
    assert not (scene.photos / A).exists()
    restore(scene, hothash[:10])
    assert snapshot(scene.photos) == files
    assert state_of(scene) == before
    assert listed(scene) == []
    assert not (scene.root / ".imalink-trash").exists()
    scene.settle()


@pytest.mark.parametrize("mode", [DeletionMode.TRASH, DeletionMode.SOFT], ids=str)
def test_an_operation_is_restored_as_a_whole_and_that_can_be_undone(scene: Scene, mode: DeletionMode) -> None:
    before = state_of(scene)
    operation = delete(scene, A, B, mode=mode)
    after, files = state_of(scene), snapshot(scene.root / ".imalink-trash") if mode is DeletionMode.TRASH else {}
    assert len(restore(scene, operation[:8]).restored) == 2
    assert state_of(scene) == before
    undo_operation(scene.bench.tools)
    refresh(scene)
    assert state_of(scene) == after
    if mode is DeletionMode.TRASH:
        assert snapshot(scene.root / ".imalink-trash") == files


def test_a_taken_name_gives_the_picture_a_free_one_and_its_sidecar_follows(scene: Scene) -> None:
    hothash = scene.hothash(A)
    operation = delete(scene, A)
    make_jpeg(scene.photos / A, seed=88)
    with pytest.raises(UsageError, match="another file stands there"):
        undo_operation(scene.bench.tools, operation)
    report = restore(scene, hothash)
    assert report.restored[0].paths == ("photos/IMG_0001 (2).jpg", "photos/IMG_0001 (2).xmp")
    assert scene.place_of(hothash) == "IMG_0001 (2).jpg"
    scene.look()
    scene.settle()


def test_nothing_of_that_name_is_not_found(scene: Scene) -> None:
    before = snapshot(scene.root)
    with pytest.raises(NotFoundError):
        restore(scene, scene.hothash(A))
    assert snapshot(scene.root) == before


def test_emptying_removes_what_is_known_and_leaves_what_the_user_put_there(scene: Scene) -> None:
    hothash = scene.hothash(A)
    operation = delete(scene, A)
    delete(scene, B, mode=DeletionMode.SOFT)
    own = scene.root / ".imalink-trash" / operation / "my notes.jpg"
    own.write_bytes(b"mine")
    (scene.root / ".imalink-trash" / "mine.txt").write_bytes(b"mine too")
    preview = empty(scene, dry_run=True)
    assert (preview.file_count, kept(scene, operation, A).exists()) == (2, True)
    report = empty(scene)
    assert report.file_count == 2
    assert not kept(scene, operation, A).exists()
    assert own.read_bytes() == b"mine"
    assert (scene.photos / B).exists()
    assert sorted(item.kind for item in listed(scene)) == ["marked", "unknown", "unknown"]
    tombstone = scene.bench.session(scene.record).deleted[hothash]
    assert (tombstone.mode, tombstone.entry, tombstone.kept) == ("trash", None, ())
    with pytest.raises(UsageError):
        undo_operation(scene.bench.tools, operation)
    assert empty(scene).file_count == 0
    scene.settle()


def test_only_what_is_old_enough_goes(scene: Scene) -> None:
    operation = delete(scene, A)
    assert empty(scene, older_than_days=1).file_count == 0
    assert kept(scene, operation, A).exists()
    assert empty(scene, older_than_days=0).file_count == 2


def test_a_file_in_the_trash_with_other_bytes_is_left(scene: Scene) -> None:
    operation = delete(scene, B)
    make_jpeg(kept(scene, operation, B), seed=99)
    report = empty(scene)
    assert [path for _, path, _ in report.left] == [f".imalink-trash/{operation}/photos/{B}"]
    assert kept(scene, operation, B).exists()


def test_a_replaced_file_is_listed_comes_back_as_a_copy_and_can_be_removed(scene: Scene) -> None:
    hothash, old = scene.hothash(A), sha256_of(scene.photos / A)
    card = scene.folder / "rated"
    card.mkdir()
    shutil.copyfile(scene.photos / A, card / A)
    set_rating_in_place(card / A, 5)
    scene.bench.import_(scene.record, card, title="Rated", duplicates=DuplicatePolicy.REPLACE)
    refresh(scene)
    [item] = listed(scene)
    assert (item.kind, item.hothash, item.title) == ("replaced", hothash, "Import: Rated")
    report = restore(scene, item.operation)
    assert report.restored[0].paths == ("photos/IMG_0001 (2).jpg",)
    assert sha256_of(scene.photos / "IMG_0001 (2).jpg") == old
    [copy] = scene.bench.session(scene.record).files[hothash].copies
    assert copy.relative_path == "photos/IMG_0001 (2).jpg"
    scene.settle()
    undo_operation(scene.bench.tools)
    refresh(scene)
    assert not (scene.photos / "IMG_0001 (2).jpg").exists()
    assert empty(scene).file_count == 1
    assert listed(scene) == []


@pytest.mark.parametrize("is_moved", [True, False], ids=["moved", "copied"])
def test_a_file_that_the_user_takes_out_of_the_trash_is_known_again(scene: Scene, is_moved: bool) -> None:
    hothash = scene.hothash(A)
    edit_photos(scene.bench.tools, [hothash], EditRequest(said=FactChange.of({"rating": 4})))
    operation = delete(scene, A)
    back = scene.at("back/again.jpg")
    (shutil.move if is_moved else shutil.copyfile)(kept(scene, operation, A), back)
    report = scene.look()
    assert (report.returned_files, report.orphans, report.once_deleted) == (("photos/back/again.jpg",), (), ())
    assert scene.place_of(hothash) == "back/again.jpg"
    assert hothash not in scene.bench.session(scene.record).deleted
    with scene.bench.catalog.read() as db:
        assert photos.get_photo(db, hothash).facts.rating == 4
    scene.settle()
    kinds = [item.kind for item in listed(scene)]
    assert kinds == ["returned"] * (1 if is_moved else 2)
    assert empty(scene).file_count == len(kinds)
    assert listed(scene) == []
    scene.settle()


def test_further_files_of_a_picture_that_is_known_again_are_its_copies(scene: Scene) -> None:
    hothash = scene.hothash(A)
    operation = delete(scene, A)
    for name in ("back/again.jpg", "back/once more.jpg", "a third.jpg"):
        shutil.copyfile(kept(scene, operation, A), scene.at(name))
    report = scene.look()
    assert (len(report.returned_files), report.orphans) == (1, ())
    places = {path for known, path, _, _ in scene.places() if known == hothash}
    assert places == {"photos/back/again.jpg", "photos/back/once more.jpg", "photos/a third.jpg"}
    scene.settle()
    undo_operation(scene.bench.tools)
    assert hothash in scene.bench.session(scene.record).deleted


def test_a_look_lets_marked_and_trashed_pictures_be(scene: Scene) -> None:
    delete(scene, A)
    delete(scene, B, mode=DeletionMode.SOFT)
    for look in (scene.look, scene.look_full, scene.look):
        report = look()
        assert (report.orphans, report.once_deleted, report.newly_missing) == ((), (), ())
    scene.settle()
    assert len(scene.bench.session(scene.record).files) == 1


def test_a_marked_picture_whose_time_changed_stays_deleted(scene: Scene) -> None:
    hothash = scene.hothash(B)
    delete(scene, B, mode=DeletionMode.SOFT)
    (scene.photos / B).touch()
    report = scene.look()
    assert (report.orphans, report.returned_files) == ((), ())
    assert hothash in scene.bench.session(scene.record).deleted


def test_look_ups_say_deleted(scene: Scene) -> None:
    hashes = {name: scene.hothash(name) for name in (A, B, C)}
    operation = delete(scene, A)
    delete(scene, B, mode=DeletionMode.SOFT)
    delete(scene, C, mode=DeletionMode.HARD)
    assert statuses(scene, hashes[A]) == [("deleted", f".imalink-trash/{operation}/photos/{A}")]
    assert statuses(scene, hashes[B]) == [("deleted", f"photos/{B}")]
    assert statuses(scene, hashes[C]) == [("deleted", f"photos/{C}")]
    with pytest.raises(NotFoundError, match="was deleted"):
        edit_photos(scene.bench.tools, [hashes[A]], EditRequest(said=FactChange.of({"rating": 4})))
