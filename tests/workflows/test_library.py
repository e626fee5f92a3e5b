"""Collections, saved searches, authors and tags: said once, told to every storage, and back after a recovery."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from imalink.catalog import authors, collections, library, outbox, search, tags
from imalink.catalog.authors import SELF_AUTHOR_ID
from imalink.catalog.dump import compare
from imalink.catalog.file_storages import StorageRecord
from imalink.core.ids import PhotoUuid
from imalink.core.search_query import SearchQuery
from imalink.core.session import Author
from imalink.errors import NameTakenError, NotFoundError, UsageError
from imalink.storage.library import LIBRARY_PATH
from imalink.workflows.edit_library import (
    add_to_collection,
    create_author,
    create_collection,
    delete_author,
    delete_collection,
    delete_search,
    edit_author,
    edit_collection,
    edit_search,
    remove_from_collection,
    save_search,
)
from imalink.workflows.edit_photos import edit_photos
from imalink.workflows.look_at_operations import list_operations
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.rename_tag import rename_tag
from imalink.workflows.undo_operation import undo_operation
from imalink.workflows.verify_own_files import check_own_files
from tests.support.scenes import memory_folder
from tests.support.workbench import Workbench, make_source
from tests.workflows.test_engines import said


class Scene:
    """A machine with two storages, and three pictures in the first."""

    def __init__(self, folder: Path, empty_catalog: Path) -> None:
        self.folder, self.empty = folder, empty_catalog
        self.bench = Workbench(folder, empty_catalog=empty_catalog)
        self.blue = self.bench.create("Blue")
        self.red = self.bench.create("Red", base_path=_made(folder / "red"))
        self.bench.import_(self.blue, make_source(folder / "card", 3))
        with self.bench.catalog.read() as db:
            self.photos = [photo.photo_uuid for photo in search.search_photos(db, SearchQuery()).photos][::-1]

    def file(self, record: StorageRecord) -> Path:
        return self.bench.root(record) / LIBRARY_PATH

    def check_recovery(self) -> Workbench:
        """See that a new machine knows all that this one does, from the storages alone."""
        before = self.bench.dump()
        made = Workbench(self.folder, empty_catalog=self.empty, name=f"machine {len(list(self.folder.iterdir()))}")
        with made:
            candidates, _ = find_candidates(made.tools, [self.bench.disk, self.folder / "red"])
            recover(made.tools, candidates)
            assert compare(before, made.dump()) == []
        return made


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.fixture
def scene(tmp_path: Path, empty_catalog: Path) -> Iterator[Scene]:
    with memory_folder(tmp_path) as folder:
        made = Scene(folder, empty_catalog)
        yield made
        made.bench.close()


def order_of(scene: Scene, key: str) -> list[PhotoUuid]:
    with scene.bench.catalog.read() as db:
        return list(collections.get_collection(db, key).photo_uuids)


def test_a_collection_has_its_photos_in_order_and_the_first_as_cover(scene: Scene) -> None:
    one, two, three = scene.photos
    made = create_collection(scene.bench.tools, "Best  of Italy", photo_uuids=[three, one])
    assert (made.title, made.photo_uuids, made.known_count) == ("Best of Italy", (three, one), 2)
    with scene.bench.catalog.read() as db:
        [covered] = [photo for photo in search.search_photos(db, SearchQuery()).photos if photo.photo_uuid == three]
        assert collections.list_collections(db) == [made]
        found = search.search_photos(db, SearchQuery(collection=made.key)).photos
    assert made.cover == covered.hothash
    assert {photo.photo_uuid for photo in found} == {one, three}
    assert add_to_collection(scene.bench.tools, made.key, [two], before=one).photo_uuids == (three, two, one)
    assert add_to_collection(scene.bench.tools, made.key, [three]).photo_uuids == (two, one, three)
    assert remove_from_collection(scene.bench.tools, made.key, [one]).photo_uuids == (two, three)
    scene.check_recovery()


def test_a_collection_can_be_filled_at_one_place_again_and_again(scene: Scene) -> None:
    one, two, _ = scene.photos
    made = create_collection(scene.bench.tools, "Dense", photo_uuids=[one, two])
    order = [one, two]
    for number in range(45):
        new = PhotoUuid(f"00000000-0000-4000-8000-{number:012}")
        add_to_collection(scene.bench.tools, made.key, [new], before=two)
        order.insert(-1, new)
    assert order_of(scene, made.key) == order


def test_many_photos_of_a_collection_are_told_in_lines_that_fit(scene: Scene) -> None:
    many = [PhotoUuid(f"00000000-0000-4000-8000-{number:012}") for number in range(2500)]
    made = create_collection(scene.bench.tools, "Large", photo_uuids=many)
    assert order_of(scene, made.key) == many
    scene.check_recovery()


def test_what_is_said_stands_in_every_storage(scene: Scene) -> None:
    made = create_collection(scene.bench.tools, "Italy", description="Two weeks", photo_uuids=scene.photos)
    edit_collection(scene.bench.tools, made.key, title="Italia")
    for record in (scene.blue, scene.red):
        document = json.loads(scene.file(record).read_bytes())
        [item] = document["items"]
        assert (item["kind"], item["key"]) == ("collection", made.key)
        assert item["fields"]["title"]["value"] == "Italia"
        assert len(item["fields"]) == 5


@pytest.mark.parametrize("damage", ["removed", "garbage", "journal only"])
def test_a_library_comes_back_whatever_became_of_its_file(scene: Scene, damage: str) -> None:
    create_collection(scene.bench.tools, "Italy", photo_uuids=scene.photos)
    save_search(scene.bench.tools, "Stars", "rating:4", is_favorite=True)
    for record in (scene.blue, scene.red):
        if damage == "garbage":
            scene.file(record).write_bytes(b"{")
        else:
            scene.file(record).unlink()
    scene.check_recovery()


def test_a_spoilt_library_file_is_kept_and_made_again(scene: Scene) -> None:
    made = create_collection(scene.bench.tools, "Italy", photo_uuids=scene.photos)
    good = json.loads(scene.file(scene.blue).read_bytes())
    scene.file(scene.blue).write_bytes(b"{")
    edit_collection(scene.bench.tools, made.key, title="Italia")
    mended = json.loads(scene.file(scene.blue).read_bytes())
    assert mended["items"][0]["fields"].keys() == good["items"][0]["fields"].keys()
    backups = scene.bench.root(scene.blue) / ".imalink/metadata/backup"
    assert [path for path in backups.iterdir() if "library.json.damaged" in path.name]


def test_one_storage_is_enough(scene: Scene) -> None:
    create_collection(scene.bench.tools, "Italy", photo_uuids=scene.photos)
    create_author(scene.bench.tools, "Anna Holm", email="anna@example.org", bio="Birds")
    with Workbench(scene.folder, empty_catalog=scene.empty, name="another") as other:
        candidates, _ = find_candidates(other.tools, [scene.folder / "red"])
        recover(other.tools, candidates)
        with other.catalog.read() as db:
            [found] = collections.list_collections(db)
            assert (found.photo_uuids, found.known_count, found.cover) == (tuple(scene.photos), 0, None)
            assert "Anna Holm" in [each.author.name for each in authors.list_authors(db)]


def test_a_storage_that_was_away_is_told_when_it_is_back(scene: Scene) -> None:
    root = scene.bench.root(scene.red)
    hidden = root.with_name("unplugged")
    root.rename(hidden)
    made = create_collection(scene.bench.tools, "Italy", photo_uuids=scene.photos)
    with scene.bench.catalog.read() as db:
        assert outbox.count_waiting(db) == {scene.red.storage_uuid: 1}
    hidden.rename(root)
    edit_collection(scene.bench.tools, made.key, description="again")
    with scene.bench.catalog.read() as db:
        assert outbox.count_waiting(db) == {}
    assert scene.file(scene.red).exists()
    scene.check_recovery()


def test_a_new_storage_is_told_all(scene: Scene) -> None:
    made = create_collection(scene.bench.tools, "Italy", photo_uuids=scene.photos)
    green = scene.bench.create("Green", base_path=_made(scene.folder / "green"))
    edit_collection(scene.bench.tools, made.key, description="x")
    document = json.loads((scene.bench.root(green) / LIBRARY_PATH).read_bytes())
    assert document["items"][0]["fields"]["title"]["value"] == "Italy"


def test_two_machines_lose_nothing_that_either_said(scene: Scene) -> None:
    made = create_collection(scene.bench.tools, "Italy", photo_uuids=scene.photos[:1])
    with Workbench(scene.folder, empty_catalog=scene.empty, name="another") as other:
        candidates, _ = find_candidates(other.tools, [scene.bench.disk, scene.folder / "red"])
        recover(other.tools, candidates)
        add_to_collection(other.tools, made.key, scene.photos[1:2])
        edit_collection(other.tools, made.key, title="Italia")
        add_to_collection(scene.bench.tools, made.key, scene.photos[2:])
        edit_collection(other.tools, made.key, description="both")
        for bench in (scene.bench, other):
            with bench.catalog.read() as db:
                found = collections.get_collection(db, made.key)
            assert set(found.photo_uuids) == set(scene.photos)
            assert found.title == "Italia"


def test_a_deleted_collection_stays_away(scene: Scene) -> None:
    made = create_collection(scene.bench.tools, "Italy", photo_uuids=scene.photos)
    delete_collection(scene.bench.tools, made.key)
    with scene.bench.catalog.read() as db:
        assert collections.list_collections(db) == []
        assert search.search_photos(db, SearchQuery(collection=made.key)).photos == ()
    with pytest.raises(NotFoundError):
        edit_collection(scene.bench.tools, made.key, title="x")
    scene.check_recovery()


def test_saved_searches_are_kept_edited_and_forgotten(scene: Scene) -> None:
    stars = save_search(scene.bench.tools, "Stars", "rating:4")
    rome = save_search(scene.bench.tools, "Rome", "tag:rome", is_favorite=True)
    with scene.bench.catalog.read() as db:
        assert collections.list_searches(db) == [rome, stars]
    assert edit_search(scene.bench.tools, stars.key, title="Best", query="rating:5").query == "rating:5"
    delete_search(scene.bench.tools, rome.key)
    with scene.bench.catalog.read() as db:
        assert [each.title for each in collections.list_searches(db)] == ["Best"]
    with pytest.raises(UsageError, match="nonsense"):
        save_search(scene.bench.tools, "x", "nonsense:1")
    scene.check_recovery()


def test_the_user_is_author_1_and_may_be_called_otherwise(scene: Scene) -> None:
    edited = edit_author(scene.bench.tools, SELF_AUTHOR_ID, name="Ada", email="ada@example.org", bio="Takes pictures")
    assert (edited.id, edited.author, edited.is_self) == (1, Author(name="Ada", email="ada@example.org"), True)
    with pytest.raises(UsageError, match="stays"):
        delete_author(scene.bench.tools, SELF_AUTHOR_ID)
    scene.check_recovery()


def test_authors_are_made_found_by_their_photos_and_renamed(scene: Scene) -> None:
    anna = create_author(scene.bench.tools, "Anna", bio="Birds")
    with pytest.raises(NameTakenError):
        create_author(scene.bench.tools, "Anna")
    with scene.bench.catalog.read() as db:
        hothash = search.search_photos(db, SearchQuery()).photos[0].hothash
    edit_photos(scene.bench.tools, [hothash], said(author=Author(name="Anna")))
    renamed = edit_author(scene.bench.tools, anna.id, name="Anna Holm")
    with scene.bench.catalog.read() as db:
        [found] = search.search_photos(db, SearchQuery(author_id=renamed.id)).photos
        assert found.hothash == hothash
        # A session that still names her as she was called is hers.
        assert authors.find_author(db, authors.remember_author(db, Author(name="Anna"))) == renamed
    scene.check_recovery()
    bo = create_author(scene.bench.tools, "Bo")
    delete_author(scene.bench.tools, bo.id)
    with scene.bench.catalog.read() as db:
        assert authors.find_author(db, bo.id) is None
        assert "Bo" not in [each.author.name for each in authors.list_authors(db)]
    assert create_author(scene.bench.tools, "Bo").author.name == "Bo"
    scene.check_recovery()


def tag_all(scene: Scene, *names: tuple[str, ...]) -> None:
    with scene.bench.catalog.read() as db:
        hothashes = [photo.hothash for photo in search.search_photos(db, SearchQuery()).photos][::-1]
    for hothash, each in zip(hothashes, names, strict=True):
        edit_photos(scene.bench.tools, [hothash], said(tags=each))


def tags_of(scene: Scene) -> list[set[str]]:
    with scene.bench.catalog.read() as db:
        return [set(photo.tags) for photo in search.search_photos(db, SearchQuery()).photos][::-1]


def test_tags_are_listed_in_lower_case_by_any_level(scene: Scene) -> None:
    tag_all(scene, ("Rome", "places/Italy"), ("rome", "roof"), ("ROME",))
    with scene.bench.catalog.read() as db:
        assert [(each.name, each.photo_count) for each in tags.list_tags(db, part="Ro")] == [("rome", 3), ("roof", 1)]
        assert [each.name for each in tags.list_tags(db, part="ital")] == ["places/italy"]
        assert len(tags.list_tags(db)) == 3
        assert len(tags.list_tags(db, limit=1)) == 1


def test_renaming_a_tag_is_one_operation_and_can_be_undone(scene: Scene) -> None:
    tag_all(scene, ("Rome", "night"), ("rome/forum", "roma"), ("romeo",))
    before = tags_of(scene)
    report = rename_tag(scene.bench.tools, "rome", "places/Rome")
    assert len(report.edited) == 2
    assert tags_of(scene) == [{"places/Rome", "night"}, {"places/Rome/forum", "roma"}, {"romeo"}]
    assert list_operations(scene.bench.tools)[0].record.operation.title == "Tag rome → places/Rome"
    scene.check_recovery()
    undo_operation(scene.bench.tools, None)
    assert tags_of(scene) == before
    scene.check_recovery()


def test_a_tag_can_be_merged_into_another_and_taken_away(scene: Scene) -> None:
    tag_all(scene, ("Roma", "Rome"), ("Roma",), ("x",))
    rename_tag(scene.bench.tools, "roma", "Rome")
    assert tags_of(scene) == [{"Rome"}, {"Rome"}, {"x"}]
    rename_tag(scene.bench.tools, "Rome", "")
    assert tags_of(scene) == [set(), set(), {"x"}]
    with pytest.raises(NotFoundError):
        rename_tag(scene.bench.tools, "Rome", "y")


def test_forgetting_a_storage_forgets_what_waited_for_it(scene: Scene) -> None:
    shutil.rmtree(scene.bench.root(scene.red))
    create_collection(scene.bench.tools, "Italy")
    from imalink.workflows.forget_storage import forget_storage

    forget_storage(scene.bench.tools, scene.bench.record(scene.red.storage_uuid))
    with scene.bench.catalog.read() as db:
        assert outbox.count_waiting(db) == {}
        assert library.load_library(db) != {}


def test_a_verification_sees_a_spoilt_library_file(scene: Scene) -> None:
    create_collection(scene.bench.tools, "Italy", photo_uuids=scene.photos)
    with scene.bench.open(scene.blue) as storage:
        assert check_own_files(storage).findings == ()
    path = scene.file(scene.blue)
    path.write_bytes(path.read_bytes().replace(b"Italy", b"Itaxy"))
    with scene.bench.open(scene.blue) as storage:
        assert [(each.code, each.path) for each in check_own_files(storage).findings] == [
            ("index-unreadable", LIBRARY_PATH)
        ]
