"""Undo: indexes and catalog say again what they said before; the user's files stay where they are."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from imalink.catalog.operations import OperationState
from imalink.catalog.photos import get_photo
from imalink.core.edit_request import EditRequest
from imalink.core.ids import OperationUuid
from imalink.core.index import DeletionMode
from imalink.core.operation import OperationKind
from imalink.core.user_facts import FactChange
from imalink.errors import AmbiguousError, NotFoundError, StorageOfflineError, UsageError
from imalink.workflows.delete_photos import delete_photos
from imalink.workflows.edit_photos import edit_photos
from imalink.workflows.edit_session import edit_session
from imalink.workflows.group_photos import join_photos, split_photo
from imalink.workflows.look_at_operations import OperationView, list_operations
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.undo_operation import UndoReport, undo_operation
from tests.support.photos import make_jpeg, set_rating_in_place
from tests.support.scenes import Scene, counts, hothash_of, memory_folder, moves
from tests.support.states import State, state_of
from tests.support.workbench import Workbench, make_source, snapshot


@pytest.fixture
def scene(tmp_path: Path, empty_catalog: Path) -> Iterator[Scene]:
    """Three pictures, imported and looked at once."""
    with memory_folder(tmp_path) as folder, Scene(folder, empty_catalog) as made:
        made.import_pictures(3)
        yield made


def undo(scene: Scene, text: str | None = None, *, dry_run: bool = False) -> UndoReport:
    """Undo, and see to it that not one of the user's files changed by that."""
    before = snapshot(scene.photos)
    report = undo_operation(scene.bench.tools, text, dry_run=dry_run)
    scene.record = scene.bench.record(scene.record.storage_uuid)
    assert snapshot(scene.photos) == before
    return report


def listed(scene: Scene) -> list[OperationView]:
    return list_operations(scene.bench.tools)


def titles(scene: Scene) -> list[str]:
    return [view.record.operation.title for view in listed(scene)]


def check_undo(scene: Scene, before: State) -> None:
    """Undo the last operation, see that all is as it was, and that a re-index finds the same things again."""
    after = state_of(scene)
    assert after != before
    report = undo(scene)
    assert state_of(scene) == before
    assert report.undo_uuid is not None
    undo(scene, report.undo_uuid)
    assert state_of(scene) == after
    undo(scene)
    assert state_of(scene) == before


def test_an_undone_move_is_found_again_by_the_next_look(scene: Scene) -> None:
    before = state_of(scene)
    scene.move("IMG_0001.jpg", "Rome/x.jpg")
    first = scene.look()
    check_undo(scene, before)
    again = scene.look()
    assert moves(again) == moves(first) == {("IMG_0001.jpg", "Rome/x.jpg")}
    scene.settle()


def test_every_kind_of_change_is_undone(scene: Scene) -> None:
    make_jpeg(scene.at("own.jpg"), seed=70)
    scene.look(adds_orphans=True)
    scene.at("a.xmp").write_text("<x/>")
    (scene.photos / "IMG_0003.xmp").write_text("<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
    scene.look()
    before = state_of(scene)
    scene.move("IMG_0001.jpg", "swap")  # swapped names
    scene.move("IMG_0002.jpg", "IMG_0001.jpg")
    scene.move("swap", "IMG_0002.jpg")
    shutil.copyfile(scene.photos / "IMG_0003.jpg", scene.at("copies/IMG_0003.jpg"))
    set_rating_in_place(scene.photos / "own.jpg", 4)
    os.utime(scene.photos / "own.jpg", ns=(0, 1_700_000_000_000_000_000))
    scene.look()
    check_undo(scene, before)
    scene.look()
    middle = state_of(scene)
    scene.add("IMG_0001.jpg", seed=99)  # another picture in the place of one, and one that is gone
    (scene.photos / "IMG_0002.jpg").unlink()
    (scene.photos / "IMG_0003.xmp").unlink()
    scene.add("new.jpg", seed=98)
    os.utime(scene.photos / "IMG_0003.jpg", ns=(0, 1_700_000_000_000_000_000))
    report = scene.look()
    assert counts(report)["missing"] == 1
    check_undo(scene, middle)
    scene.look()
    scene.settle()
    # Step by step to the very first: every operation but the undos, one after another.
    for _ in range(2):
        undo(scene)
    assert state_of(scene) == before


def test_adding_orphans_is_undone_and_the_session_stays_as_rolled_back(scene: Scene) -> None:
    scene.look()
    before = state_of(scene)
    for number in range(3):
        make_jpeg(scene.at(f"mine/{number}.jpg"), seed=200 + number)
    scene.move("IMG_0001.jpg", "Rome/x.jpg")
    report = scene.look(adds_orphans=True)
    assert report.added is not None
    check_undo(scene, before)
    assert len(scene.look().orphans) == 3
    added = scene.look(adds_orphans=True).added
    assert added is not None
    assert added.session_id is not None
    assert report.added.session_id is not None
    assert added.session_id == report.added.session_id + 1
    scene.settle()


def test_orphans_that_were_known_before_come_back_to_the_list(scene: Scene) -> None:
    make_jpeg(scene.at("mine/1.jpg"), seed=200)
    scene.look()
    before = state_of(scene)
    assert len(before.orphans) == 1
    make_jpeg(scene.at("mine/2.jpg"), seed=201)
    scene.look(adds_orphans=True)
    check_undo(scene, before)


def test_missing_files_that_were_taken_out_are_known_again(scene: Scene) -> None:
    (scene.photos / "IMG_0001.jpg").unlink()
    scene.look()
    before = state_of(scene)
    report = scene.look(removes_missing=True)
    assert len(report.removed_files) == 1
    check_undo(scene, before)


def test_joined_and_split_photos_are_as_they_were(scene: Scene) -> None:
    before = state_of(scene)
    join_photos(scene.bench.tools, [scene.hothash("IMG_0001.jpg"), scene.hothash("IMG_0002.jpg")])
    joined = state_of(scene)
    split_photo(scene.bench.tools, scene.hothash("IMG_0002.jpg"))
    check_undo(scene, joined)
    check_undo(scene, before)


def test_a_session_has_its_old_title_again(scene: Scene) -> None:
    before = state_of(scene)
    edit_session(scene.bench.tools, "1", title="Roma", description="Spring")
    assert listed(scene)[0].record.operation.kind == OperationKind.SESSION_EDIT
    check_undo(scene, before)


def rating(scene: Scene, name: str) -> int | None:
    with scene.bench.catalog.read() as db:
        return get_photo(db, scene.hothash(name)).facts.rating


def rate(scene: Scene, stars: int, *names: str) -> OperationUuid:
    edit_photos(
        scene.bench.tools, [scene.hothash(name) for name in names], EditRequest(said=FactChange.of({"rating": stars}))
    )
    return listed(scene)[0].record.operation.operation_uuid


def test_an_edit_of_photos_is_undone_by_another_edit(scene: Scene) -> None:
    rate(scene, 2, "IMG_0001.jpg")
    rate(scene, 5, "IMG_0001.jpg", "IMG_0002.jpg")
    assert listed(scene)[0].record.operation.title == "Photos: 2 edited"
    report = undo(scene, dry_run=True)
    assert {photo.original_filename for photo in report.photos} == {"IMG_0001.jpg", "IMG_0002.jpg"}
    assert rating(scene, "IMG_0001.jpg") == 5
    report = undo(scene)
    assert (rating(scene, "IMG_0001.jpg"), rating(scene, "IMG_0002.jpg")) == (2, None)
    assert report.waiting == ()
    assert report.undo_uuid is not None
    undo(scene, report.undo_uuid)
    assert (rating(scene, "IMG_0001.jpg"), rating(scene, "IMG_0002.jpg")) == (5, 5)
    assert [(view.record.operation.title, view.record.state.value) for view in listed(scene)][:4] == [
        ("Redo of: Photos: 2 edited", "done"),
        ("Undo of: Photos: 2 edited", "undone"),
        ("Photos: 2 edited", "done"),
        ("Photos: 1 edited", "done"),
    ]
    undo(scene)
    undo(scene)
    assert rating(scene, "IMG_0001.jpg") is None


def test_an_edit_of_what_was_said_again_since_is_refused(scene: Scene) -> None:
    first = rate(scene, 2, "IMG_0001.jpg")
    later = rate(scene, 5, "IMG_0001.jpg")
    with pytest.raises(UsageError, match="Later operations said something else") as refused:
        undo(scene, first)
    assert later[:8] in refused.value.hint
    assert rating(scene, "IMG_0001.jpg") == 5


def test_what_was_said_since_outlives_the_undo_of_an_edited_picture(scene: Scene) -> None:
    scene.add("IMG_0001.jpg", seed=99)
    os.utime(scene.photos / "IMG_0001.jpg", ns=(0, 1_700_000_000_000_000_000))
    scene.look()
    look = listed(scene)[0].record.operation.operation_uuid
    rate(scene, 4, "IMG_0001.jpg")
    undo(scene, look)
    assert scene.hothash("IMG_0001.jpg") not in {hothash for hothash, *_ in scene.places()}
    with scene.bench.open(scene.record) as storage:
        said = [photo.rating for photo in storage.indexes.load_session(1).index.photos.values()]
    assert sorted(said, key=str) == [4, None, None]


def test_an_unplugged_storage_is_told_of_an_undone_edit_when_it_returns(scene: Scene) -> None:
    rate(scene, 3, "IMG_0001.jpg")
    hothash = scene.hothash("IMG_0001.jpg")
    away = scene.root.with_name("unplugged")
    scene.root.rename(away)
    report = undo_operation(scene.bench.tools)
    assert [each.display_name for each in report.waiting] == ["Blue Samsung"]
    with scene.bench.catalog.read() as db:
        assert get_photo(db, hothash).facts.rating is None
    away.rename(scene.root)
    scene.look()
    with scene.bench.open(scene.record) as storage:
        index = storage.indexes.load_session(1).index
    assert index.photos[index.files[hothash].photo_uuid].rating is None


def test_a_photo_in_two_storages_is_split_again_in_both(scene: Scene) -> None:
    other = scene.bench.create("Red Seagate")
    scene.bench.import_(other, make_source(scene.folder / "red", 1, first_seed=40))
    before = state_of(scene)
    red = hothash_of(scene.folder / "red/IMG_0040.jpg")
    join_photos(scene.bench.tools, [scene.hothash("IMG_0001.jpg"), scene.hothash("IMG_0002.jpg"), red])
    assert len(listed(scene)[0].record.storages) == 2
    report = undo(scene)
    assert len(report.storages) == 2
    assert state_of(scene) == before
    assert len(listed(scene)[0].record.storages) == 2


def test_a_look_that_finds_nothing_is_no_operation(scene: Scene) -> None:
    before = titles(scene)
    scene.look()
    scene.look_full()
    edit_session(scene.bench.tools, "1", title="Italy")
    assert titles(scene) == before == ["Import: Italy"]


def test_operations_are_listed_with_what_became_of_them(scene: Scene) -> None:
    scene.move("IMG_0001.jpg", "a.jpg")
    scene.look()
    scene.move("IMG_0002.jpg", "b.jpg")
    scene.look()
    undo(scene)
    found = [(view.record.operation.title, view.record.state.value) for view in listed(scene)]
    assert found == [
        ("Undo of: Re-index: 1 moved", "done"),
        ("Re-index: 1 moved", "undone"),
        ("Re-index: 1 moved", "done"),
        ("Import: Italy", "not-undoable"),
    ]
    assert [len(view.storage_names) for view in listed(scene)] == [1, 1, 1, 1]
    assert len(list_operations(scene.bench.tools, limit=2)) == 2


def test_an_earlier_operation_is_undone_when_nothing_later_touched_its_files(scene: Scene) -> None:
    scene.move("IMG_0001.jpg", "a.jpg")
    scene.look()
    earlier = listed(scene)[0].record.operation.operation_uuid
    scene.move("IMG_0002.jpg", "b.jpg")
    scene.look()
    undo(scene, earlier[:8])
    assert {path for _, path, _, _ in scene.places()} == {
        "photos/IMG_0001.jpg",
        "photos/b.jpg",
        "photos/IMG_0003.jpg",
    }


def test_an_operation_whose_files_were_touched_again_is_refused_and_what_did_it_is_named(scene: Scene) -> None:
    scene.move("IMG_0001.jpg", "a.jpg")
    scene.look()
    earlier = listed(scene)[0].record.operation.operation_uuid
    scene.move("a.jpg", "b.jpg")
    scene.look()
    later = listed(scene)[0].record.operation.operation_uuid
    before = state_of(scene)
    with pytest.raises(UsageError, match="by later operations: Re-index: 1 moved") as refused:
        undo(scene, earlier)
    assert later[:8] in refused.value.hint
    assert state_of(scene) == before
    undo(scene, later)
    undo(scene, earlier)
    assert ("photos/IMG_0001.jpg") in {path for _, path, _, _ in scene.places()}


@pytest.mark.parametrize("looks_first", [False, True])
def test_a_picture_that_a_later_import_brought_back_is_not_known_twice(scene: Scene, *, looks_first: bool) -> None:
    name = "IMG_0001.jpg"
    (scene.photos / name).unlink()
    if looks_first:
        scene.look()
    scene.look(removes_missing=True)
    [uuid] = [
        view.record.operation.operation_uuid for view in listed(scene) if view.record.operation.counts.get("removed")
    ]
    scene.bench.import_(scene.record, scene.folder / "card 1", title="Again", includes_deleted=True)
    scene.record = scene.bench.record(scene.record.storage_uuid)
    assert f"photos/{name}" in {path for _, path, _, _ in scene.places(2)}
    before = state_of(scene)
    for dry_run in (True, False):
        with pytest.raises(UsageError, match=r"1 of the things .* by later operations: Import: Again") as refused:
            undo(scene, uuid, dry_run=dry_run)
        assert "imalink sessions show 2" in refused.value.hint
    assert state_of(scene) == before
    assert scene.record.total_files == 3
    scene.settle()


def test_a_place_that_an_added_picture_took_since_is_not_given_back(scene: Scene) -> None:
    scene.move("IMG_0001.jpg", "Rome/x.jpg")
    scene.look()
    moved = listed(scene)[0].record.operation.operation_uuid
    scene.add("IMG_0001.jpg", seed=80)
    scene.look(adds_orphans=True)
    added = max(listed(scene), key=lambda view: view.record.operation.counts.get("added", 0)).record.operation
    before = state_of(scene)
    with pytest.raises(UsageError, match="by later operations: ") as refused:
        undo(scene, moved)
    assert refused.value.hint == f"Undo those first: imalink undo {added.operation_uuid[:8]}"
    assert state_of(scene) == before
    undo(scene, added.operation_uuid)
    undo(scene, moved)
    assert "photos/IMG_0001.jpg" in {path for _, path, _, _ in scene.places(1)}


def test_pictures_of_two_sessions_that_swapped_names_swap_back(scene: Scene) -> None:
    scene.import_pictures(1, first_seed=40, title="Second")
    before = state_of(scene)
    scene.move("IMG_0001.jpg", "swap")
    scene.move("IMG_0040.jpg", "IMG_0001.jpg")
    scene.move("swap", "IMG_0040.jpg")
    scene.look()
    check_undo(scene, before)


def test_a_picture_that_was_missing_where_another_stands_is_known_again(scene: Scene) -> None:
    (scene.photos / "IMG_0001.jpg").unlink()
    scene.look()
    scene.add("IMG_0001.jpg", seed=80)
    scene.look(adds_orphans=True)
    before = state_of(scene)
    assert len(scene.look(removes_missing=True).removed_files) == 1
    check_undo(scene, before)


def test_a_picture_that_was_missing_in_one_session_and_there_in_another_is_so_again(scene: Scene) -> None:
    (scene.photos / "IMG_0001.jpg").unlink()
    scene.look()
    scene.bench.import_(scene.record, scene.folder / "card 1", title="Again", includes_deleted=True)
    scene.record = scene.bench.record(scene.record.storage_uuid)
    before = state_of(scene)
    scene.look(removes_missing=True)
    check_undo(scene, before)


def test_what_an_import_changed_since_is_not_taken_back_by_an_undo(scene: Scene) -> None:
    scene.move("IMG_0001.jpg", "a.jpg")
    scene.look()
    with scene.bench.open(scene.record) as storage:
        index = storage.indexes.load_session(1).index
        changed = {hothash: entry for hothash, entry in index.files.items() if entry.relative_path == "photos/a.jpg"}
    assert len(changed) == 1
    (scene.photos / "a.jpg").rename(scene.photos / "b.jpg")
    scene.look()
    report = undo(scene, dry_run=True)
    assert [(file.path_now, file.path_then) for file in report.files] == [("photos/b.jpg", "photos/a.jpg")]


def test_a_dry_run_shows_and_writes_nothing(scene: Scene) -> None:
    scene.move("IMG_0001.jpg", "a.jpg")
    scene.look()
    before = snapshot(scene.folder)
    report = undo_operation(scene.bench.tools, dry_run=True)
    assert report.undo_uuid is None
    assert [(file.path_now, file.path_then) for file in report.files] == [("photos/a.jpg", "photos/IMG_0001.jpg")]
    after = snapshot(scene.folder)
    assert {name for name in before | after if before.get(name) != after.get(name)} <= {
        name for name in before if "catalog.sqlite" in name
    }


def test_when_the_last_cannot_be_undone_the_one_before_it_is_named_and_left_alone(scene: Scene) -> None:
    scene.move("IMG_0002.jpg", "b.jpg")
    scene.look()
    earlier = listed(scene)[0].record.operation.operation_uuid
    scene.move("IMG_0001.jpg", "a.jpg")
    scene.look()
    delete_photos(scene.bench.tools, [scene.hothash("a.jpg")], mode=DeletionMode.HARD)
    before = state_of(scene)
    with pytest.raises(UsageError) as refused:
        undo(scene)
    assert f"imalink undo {earlier[:8]} (Re-index: 1 moved)" in refused.value.hint
    assert state_of(scene) == before
    undo(scene, earlier[:8])
    assert "photos/IMG_0002.jpg" in {path for _, path, _, _ in scene.places()}


def test_without_anything_to_undo_that_is_said(scene: Scene) -> None:
    with pytest.raises(NotFoundError, match="nothing to undo"):
        undo(scene)
    scene.move("IMG_0001.jpg", "a.jpg")
    scene.look()
    undo(scene)
    with pytest.raises(NotFoundError, match="nothing to undo"):
        undo(scene)


def test_an_import_is_taken_back_as_a_session(scene: Scene) -> None:
    before = state_of(scene)
    [view] = listed(scene)
    with pytest.raises(UsageError, match="taken back as a session") as refused:
        undo(scene, view.record.operation.operation_uuid)
    assert "imalink sessions rollback 1 --dry-run" in refused.value.hint
    assert state_of(scene) == before


def test_what_is_undone_is_not_undone_again(scene: Scene) -> None:
    scene.move("IMG_0001.jpg", "a.jpg")
    scene.look()
    uuid = listed(scene)[0].record.operation.operation_uuid
    report = undo(scene, uuid)
    with pytest.raises(UsageError, match="undone already") as refused:
        undo(scene, uuid)
    assert str(report.undo_uuid) in refused.value.hint


def test_names_of_operations_are_told_apart(scene: Scene) -> None:
    with pytest.raises(NotFoundError):
        undo(scene, "abc")
    with pytest.raises(NotFoundError):
        undo(scene, "00000000-0000-0000-0000-000000000000")
    uuids = iter(["aaaaaaaa-0000-4000-8000-00000000000" + digit for digit in "123456789"])
    scene.bench.tools = replace(scene.bench.tools, new_uuid=lambda: next(uuids))
    for name in ("a.jpg", "b.jpg"):
        scene.move("IMG_0001.jpg" if name == "a.jpg" else "a.jpg", name)
        scene.look()
    with pytest.raises(AmbiguousError):
        undo(scene, "aaaaaaaa")


def test_an_unplugged_storage_is_said_to_be_offline(scene: Scene) -> None:
    scene.move("IMG_0001.jpg", "a.jpg")
    scene.look()
    away = scene.root.with_name("unplugged")
    scene.root.rename(away)
    with pytest.raises(StorageOfflineError):
        undo_operation(scene.bench.tools)
    away.rename(scene.root)
    undo(scene)


def test_the_list_comes_back_with_a_new_catalog_and_undo_works_there(scene: Scene, empty_catalog: object) -> None:
    before = state_of(scene)
    scene.move("IMG_0001.jpg", "a.jpg")
    scene.look()
    scene.move("IMG_0002.jpg", "b.jpg")
    scene.look()
    undo(scene)
    known = [view.record for view in listed(scene) if view.session_number is None]
    with Workbench(scene.folder, name="a new machine") as other:
        candidates, _ = find_candidates(other.tools, [scene.root])
        recover(other.tools, candidates)
        assert [view.record for view in list_operations(other.tools) if view.session_number is None] == known
        undo_operation(other.tools)
    with scene.bench.open(scene.record) as storage:
        master = storage.indexes.load_master().index
    assert {entry.relative_path for entry in master.files.values()} == {
        entry.relative_path for entry in before.master.values()
    }
    # The first machine hears of it when it next works there.
    scene.look()
    assert OperationState.UNDONE in {view.record.state for view in listed(scene)}


def test_an_operation_of_another_version_is_not_undone_by_halves(scene: Scene) -> None:
    scene.move("IMG_0001.jpg", "a.jpg")
    scene.look()
    uuid = listed(scene)[0].record.operation.operation_uuid
    assert isinstance(OperationUuid(uuid), str)
    [segment] = (scene.root / ".imalink/metadata/journal").glob("*/1.jsonl")
    segment.unlink()
    with pytest.raises(UsageError, match="does not tell how to undo"):
        undo(scene, uuid)
