"""Edits of collections, saved searches and authors are operations: listed, undone, done again, refused when changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imalink.catalog import authors, collections, outbox
from imalink.core.ids import OperationUuid
from imalink.errors import NotFoundError, UndoRefusedError
from imalink.workflows import edit_library as edits
from imalink.workflows.create_session import create_session
from imalink.workflows.edit_library import create_author, create_collection, edit_author, edit_collection, save_search
from imalink.workflows.edit_photos import edit_photos
from imalink.workflows.forget_storage import forget_storage
from imalink.workflows.look_at_operations import OperationView, list_operations, with_change
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.undo_operation import undo_operation
from tests.support.scenes import hothash_of, memory_folder
from tests.support.workbench import Workbench
from tests.workflows.test_engines import said
from tests.workflows.test_library import Scene


@pytest.fixture
def scene(tmp_path: Path, empty_catalog: Path) -> Iterator[Scene]:
    with memory_folder(tmp_path) as folder:
        made = Scene(folder, empty_catalog)
        yield made
        made.bench.close()


def listed(bench: Workbench) -> list[OperationView]:
    return list_operations(bench.tools)


def newest(scene: Scene) -> OperationUuid:
    return listed(scene.bench)[0].record.operation.operation_uuid


def state_of(bench: Workbench) -> list[object]:
    with bench.catalog.read() as db:
        return [
            [*collections.list_collections(db)],
            [*collections.list_searches(db)],
            [(each.key, each.author, each.bio) for each in authors.list_authors(db)],
        ]


def every_edit(scene: Scene) -> list[tuple[str, Callable[[], object]]]:
    """Give one edit of every kind, each on what those before it left, with the title that it has as an operation."""
    tools, photos = scene.bench.tools, scene.photos
    keys: dict[str, str] = {}

    def make() -> None:
        keys["c"] = create_collection(tools, "Italy", photo_uuids=photos[:2]).key

    def save() -> None:
        keys["s"] = save_search(tools, "Stars", "rating:4").key

    def author() -> int:
        with scene.bench.catalog.read() as db:
            return max(each.id for each in authors.list_authors(db))

    return [
        ("Collection made: Italy", make),
        ("Collection renamed: Italy → Italia", lambda: edit_collection(tools, keys["c"], title="Italia")),
        ("Collection changed: Italia", lambda: edit_collection(tools, keys["c"], description="Spring")),
        ("Collection Italia: 1 added", lambda: edits.add_to_collection(tools, keys["c"], photos[2:], before=photos[0])),
        ("Collection Italia: 2 removed", lambda: edits.remove_from_collection(tools, keys["c"], photos[:2])),
        ("Collection deleted: Italia", lambda: edits.delete_collection(tools, keys["c"])),
        ("Saved search made: Stars", save),
        ("Saved search renamed: Stars → Best", lambda: edits.edit_search(tools, keys["s"], title="Best")),
        ("Saved search changed: Best", lambda: edits.edit_search(tools, keys["s"], query="rating:5", is_favorite=True)),
        ("Saved search deleted: Best", lambda: edits.delete_search(tools, keys["s"])),
        ("Author made: Anna", lambda: create_author(tools, "Anna", email="a@example.org", bio="Birds")),
        ("Author renamed: Anna → Anna Berg", lambda: edit_author(tools, author(), name="Anna Berg", bio="")),
        ("Author deleted: Anna Berg", lambda: edits.delete_author(tools, author())),
        ("Author renamed: Photographer → Ada", lambda: edit_author(tools, 1, name="Ada")),
    ]


def test_every_edit_is_listed_undone_and_done_again_one_by_one(scene: Scene) -> None:
    states = [state_of(scene.bench)]
    done = every_edit(scene)
    for _, edit in done:
        edit()
        states.append(state_of(scene.bench))
    assert [view.record.operation.title for view in listed(scene.bench)[: len(done)]] == [
        title for title, _ in reversed(done)
    ]
    assert {view.record.operation.kind for view in listed(scene.bench)[: len(done)]} == {"library-edit"}
    undone: list[OperationUuid] = []
    for before in reversed(states[:-1]):
        report = undo_operation(scene.bench.tools)
        assert report.undo_uuid is not None
        undone.append(report.undo_uuid)
        assert state_of(scene.bench) == before
    scene.check_recovery()
    for uuid, after in zip(reversed(undone), states[1:], strict=True):
        undo_operation(scene.bench.tools, uuid)
        assert state_of(scene.bench) == after
    assert listed(scene.bench)[0].record.operation.title == f"Redo of: {done[-1][0]}"
    scene.check_recovery()


def test_what_changes_nothing_is_no_operation_and_is_told_to_nobody(scene: Scene) -> None:
    made = create_collection(scene.bench.tools, "Italy", photo_uuids=scene.photos[:1])
    count = len(listed(scene.bench))
    told = scene.file(scene.blue).read_bytes()
    edit_collection(scene.bench.tools, made.key, title="Italy")
    edits.remove_from_collection(scene.bench.tools, made.key, scene.photos[1:])
    edit_author(scene.bench.tools, 1, name="Photographer")
    assert len(listed(scene.bench)) == count
    assert scene.file(scene.blue).read_bytes() == told


def test_a_dry_run_tells_what_would_come_back_and_says_nothing(scene: Scene) -> None:
    made = create_collection(scene.bench.tools, "Italy", photo_uuids=scene.photos)
    edit_collection(scene.bench.tools, made.key, title="Italia", description="x")
    before = state_of(scene.bench)
    report = undo_operation(scene.bench.tools, dry_run=True)
    assert report.change is not None
    assert (report.change.before, report.change.after) == (
        {"title": "Italy", "description": ""},
        {"title": "Italia", "description": "x"},
    )
    assert report.undo_uuid is None
    assert state_of(scene.bench) == before
    [view] = [view for view in listed(scene.bench) if view.record.operation.title == "Collection made: Italy"]
    change = with_change(scene.bench.tools, view).change
    assert change is not None
    assert (change.key, change.photo_count()) == (made.key, 3)


def test_an_edit_whose_field_was_said_again_is_refused_and_what_did_it_is_named(scene: Scene) -> None:
    made = create_collection(scene.bench.tools, "Italy")
    edit_collection(scene.bench.tools, made.key, title="Italia")
    first = newest(scene)
    edit_collection(scene.bench.tools, made.key, description="Spring")
    edit_collection(scene.bench.tools, made.key, title="Rome")
    later = newest(scene)
    before = state_of(scene.bench)
    for dry_run in (True, False):
        with pytest.raises(UndoRefusedError, match="Collection renamed: Italia → Rome") as refused:
            undo_operation(scene.bench.tools, first, dry_run=dry_run)
        assert later[:8] in refused.value.hint
    assert state_of(scene.bench) == before
    undo_operation(scene.bench.tools, later)
    undo_operation(scene.bench.tools, first)
    with scene.bench.catalog.read() as db:
        found = collections.get_collection(db, made.key)
    assert (found.title, found.description) == ("Italy", "Spring")


def test_what_was_put_into_a_new_collection_since_is_not_taken_away_with_it(scene: Scene) -> None:
    made = create_collection(scene.bench.tools, "Italy", photo_uuids=scene.photos[:1])
    creation = newest(scene)
    edits.add_to_collection(scene.bench.tools, made.key, scene.photos[1:])
    with pytest.raises(UndoRefusedError, match="Collection Italy: 2 added"):
        undo_operation(scene.bench.tools, creation)
    undo_operation(scene.bench.tools)
    undo_operation(scene.bench.tools, creation)
    with pytest.raises(UndoRefusedError, match="undone already") as refused:
        undo_operation(scene.bench.tools, creation)
    assert newest(scene) in refused.value.hint


def test_nothing_is_said_of_a_collection_that_was_deleted_since(scene: Scene) -> None:
    made = create_collection(scene.bench.tools, "Italy")
    edit_collection(scene.bench.tools, made.key, title="Italia")
    renaming = newest(scene)
    edits.delete_collection(scene.bench.tools, made.key)
    with pytest.raises(UndoRefusedError, match="Collection deleted: Italia"):
        undo_operation(scene.bench.tools, renaming)


def test_what_another_machine_said_since_is_not_overwritten(scene: Scene) -> None:
    made = create_collection(scene.bench.tools, "Italy", photo_uuids=scene.photos)
    with Workbench(scene.folder, empty_catalog=scene.empty, name="another") as other:
        candidates, _ = find_candidates(other.tools, [scene.bench.disk, scene.folder / "red"])
        recover(other.tools, candidates)
        assert "Collection made: Italy" not in {view.record.operation.title for view in listed(other)}
        edit_collection(other.tools, made.key, title="Italia")
    edit_photos(
        scene.bench.tools, [hothash_of(scene.folder / "card/IMG_0001.jpg")], said(rating=3)
    )  # reads the storage
    with pytest.raises(UndoRefusedError, match="such as on another machine"):
        undo_operation(
            scene.bench.tools,
            next(
                view.record.operation.operation_uuid
                for view in listed(scene.bench)
                if view.record.operation.title == "Collection made: Italy"
            ),
        )
    with scene.bench.catalog.read() as db:
        assert collections.get_collection(db, made.key).title == "Italia"


def test_an_author_who_is_needed_by_now_stays(scene: Scene) -> None:
    anna = create_author(scene.bench.tools, "Anna")
    create_session(scene.bench.tools, title="Hers", author_id=anna.id)
    with pytest.raises(UndoRefusedError, match="is the author of 1 sessions"):
        undo_operation(scene.bench.tools)


def test_a_name_that_is_another_authors_by_now_does_not_come_back(scene: Scene) -> None:
    anna = create_author(scene.bench.tools, "Anna")
    edit_author(scene.bench.tools, anna.id, name="Anna Berg")
    renaming = newest(scene)
    create_author(scene.bench.tools, "Anna")
    with pytest.raises(UndoRefusedError, match="another author Anna"):
        undo_operation(scene.bench.tools, renaming)


def test_an_edit_of_the_library_and_one_of_photos_in_the_same_second_are_undone_in_turn(scene: Scene) -> None:
    create_collection(scene.bench.tools, "Italy")
    edit_photos(scene.bench.tools, [hothash_of(scene.folder / "card/IMG_0001.jpg")], said(rating=3))
    save_search(scene.bench.tools, "Stars", "rating:3")
    titles = ["Saved search made: Stars", "Photos: 1 edited", "Collection made: Italy"]
    assert [undo_operation(scene.bench.tools).undone.operation.title for _ in titles] == titles
    with pytest.raises(NotFoundError, match="nothing to undo"):
        undo_operation(scene.bench.tools)


def test_an_undo_is_told_to_a_storage_that_was_away_when_it_is_back(scene: Scene) -> None:
    create_collection(scene.bench.tools, "Italy")
    root = scene.bench.root(scene.red)
    hidden = root.with_name("unplugged")
    root.rename(hidden)
    report = undo_operation(scene.bench.tools)
    assert [each.display_name for each in report.waiting] == ["Red"]
    hidden.rename(root)
    save_search(scene.bench.tools, "Stars", "rating:3")
    with scene.bench.catalog.read() as db:
        assert outbox.count_waiting(db) == {}
    scene.check_recovery()


def test_operations_of_the_library_are_of_no_storage_and_outlive_all_of_them(scene: Scene) -> None:
    create_collection(scene.bench.tools, "Italy")
    [view] = [view for view in listed(scene.bench) if view.record.operation.kind == "library-edit"]
    assert (view.record.storages, view.storage_names) == ((), ())
    assert view.record.operation.title not in {
        each.record.operation.title for each in list_operations(scene.bench.tools, storage="Blue")
    }
    for record in scene.bench.records():
        forget_storage(scene.bench.tools, record)
    undo_operation(scene.bench.tools)
    with scene.bench.catalog.read() as db:
        assert collections.list_collections(db) == []
