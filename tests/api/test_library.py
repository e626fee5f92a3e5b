"""Tags, authors, collections, saved searches and operations over HTTP: each call does what it says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.api.conftest import Json, Served, serving
from tests.support.photos import make_jpeg
from tests.support.workbench import make_source

NOBODY = "a1b2c3d4-5e6f-4a7b-8c9d-0e1f2a3b4c5d"


@pytest.fixture
def photos(served: Served) -> list[Json]:
    """Three imported photos with tags, the latest first."""
    for number, tags in enumerate((["Rome", "night"], ["rome/forum"], []), start=1):
        make_jpeg(served.card / f"{number}.jpg", seed=number, taken=f"2024:07:0{number} 12:00:00", keywords=tags)
    served.imported(served.create(), source=served.card)
    return served.get("photos")["photos"]


def tags_of(served: Served) -> list[list[str]]:
    return [each["tags"] for each in served.get("photos")["photos"]]


def titles_in(served: Served, collection: Json) -> list[str]:
    found = served.get(f"collections/{collection['id']}/photos")["photos"]
    return [each["original_filename"] for each in found]


def uuids(photos: list[Json], *positions: int) -> list[str]:
    return [photos[position]["photo_uuid"] for position in positions]


def test_tags_are_listed_by_what_was_typed(served: Served, photos: list[Json]) -> None:
    assert served.get("tags")["tags"] == [
        {"name": "night", "photo_count": 1},
        {"name": "rome", "photo_count": 1},
        {"name": "rome/forum", "photo_count": 1},
    ]
    assert [each["name"] for each in served.get("tags?part=FO")["tags"]] == ["rome/forum"]
    assert len(served.get("tags?limit=1")["tags"]) == 1


def test_a_tag_is_renamed_everywhere_as_one_operation(served: Served, photos: list[Json]) -> None:
    body = {"tag": "rome", "new_name": "Roma"}
    planned = served.post("tags/rename", json={**body, "dry_run": True})
    assert (planned["edited"], planned["operation_uuid"], tags_of(served)[1]) == (2, None, ["rome/forum"])
    done = served.post("tags/rename", json=body)
    assert (done["edited"], tags_of(served)) == (2, [[], ["Roma/forum"], ["night", "Roma"]])
    served.post(f"operations/{done['operation_uuid']}/undo")
    assert sorted(map(sorted, tags_of(served))) == [[], ["Rome", "night"], ["rome/forum"]]
    assert served.post("tags/rename", json={"tag": "oslo", "new_name": "x"}, status=404)
    assert served.post("tags/rename", json={"tag": "rome", "new_name": "rome"}, status=400)


def test_a_tag_is_taken_away(served: Served, photos: list[Json]) -> None:
    assert served.post("tags/rename", json={"tag": "night", "new_name": ""})["edited"] == 1
    assert "night" not in [each["name"] for each in served.get("tags")["tags"]]


def test_an_author_is_made_changed_and_taken_away(served: Served) -> None:
    made = served.post("authors", json={"name": "Anna Berg", "email": "anna@example.org", "bio": "Oslo"})
    assert served.get(f"authors/{made['id']}") == made
    changed = served.ask("PATCH", f"authors/{made['id']}", json={"name": "Anna Dal"})
    assert (changed["name"], changed["email"], changed["bio"]) == ("Anna Dal", "anna@example.org", "Oslo")
    assert [each["name"] for each in served.get("authors")["authors"] if not each["is_self"]] == ["Anna Dal"]
    assert served.ask("DELETE", f"authors/{made['id']}") == {"id": made["id"], "deleted": True}
    assert served.get(f"authors/{made['id']}", status=404)


def test_an_author_who_is_needed_or_there_already_is_told(served: Served) -> None:
    assert served.ask("DELETE", "authors/1", status=409)["error"]["code"] == "author-in-use"
    served.post("authors", json={"name": "Anna"})
    assert served.post("authors", json={"name": "Anna"}, status=409)["error"]["code"] == "name-taken"
    for key in ("99", "anna", "{id}"):
        assert served.get(f"authors/{key}", status=404)
    assert served.post("authors", json={"name": ""}, status=422)
    assert served.post("authors", json={"name": "  "}, status=422)


def test_a_collection_keeps_the_order_it_is_given(served: Served, photos: list[Json]) -> None:
    body = {"title": "Best", "description": "of Rome", "photo_uuids": uuids(photos, 0, 2)}
    made = served.post("collections", json=body)
    assert (made["photo_count"], made["known_count"], made["cover"]) == (2, 2, photos[0]["hothash"])
    where = f"collections/{made['id']}"
    assert titles_in(served, made) == ["3.jpg", "1.jpg"]
    served.post(f"{where}/photos", json={"ids": [photos[1]["id"]], "before": photos[2]["photo_uuid"]})
    assert titles_in(served, made) == ["3.jpg", "2.jpg", "1.jpg"]
    served.post(f"{where}/photos", json={"hothashes": [photos[0]["hothash"]]})
    assert titles_in(served, made) == ["2.jpg", "1.jpg", "3.jpg"]
    left = served.post(f"{where}/photos/remove", json={"photo_uuids": uuids(photos, 1)})
    assert (left["photo_count"], titles_in(served, made)) == (2, ["1.jpg", "3.jpg"])
    page = served.get(f"{where}/photos?offset=1&limit=1")
    assert ([each["original_filename"] for each in page["photos"]], page["meta"]["total"]) == (["3.jpg"], 2)
    assert len(served.get(f"photos?collection={made['id']}")["photos"]) == 2


def test_a_collection_is_renamed_listed_and_deleted_and_its_photos_stay(served: Served, photos: list[Json]) -> None:
    first = served.post("collections", json={"title": "zoo"})
    second = served.post("collections", json={"title": "Alps", "photo_uuids": uuids(photos, 0)})
    assert [each["title"] for each in served.get("collections")["collections"]] == ["Alps", "zoo"]
    changed = served.ask("PATCH", f"collections/{first['id']}", json={"title": "Aachen", "description": "1990"})
    assert (changed["title"], changed["description"]) == ("Aachen", "1990")
    assert [each["title"] for each in served.get("collections")["collections"]] == ["Aachen", "Alps"]
    served.ask("DELETE", f"collections/{second['id']}")
    assert served.get(f"collections/{second['id']}", status=404)
    assert len(served.get("photos")["photos"]) == 3


def test_what_cannot_be_done_with_a_collection_is_told(served: Served, photos: list[Json]) -> None:
    made = served.post("collections", json={"title": "Best"})
    for key in (NOBODY, "best", "{collection}"):
        assert served.get(f"collections/{key}", status=404)
        assert served.post(f"collections/{key}/photos", json={"ids": [photos[0]["id"]]}, status=404)
    where = f"collections/{made['id']}/photos"
    assert served.post(where, json={"ids": [99]}, status=404)
    assert served.post(where, json={}, status=400)
    before = {"photo_uuids": uuids(photos, 0), "before": photos[1]["photo_uuid"]}
    assert served.post(where, json=before, status=409)
    assert served.post("collections", json={"title": "x" * 201}, status=422)


def test_a_search_is_kept_changed_run_and_forgotten(served: Served, photos: list[Json]) -> None:
    made = served.post("saved-searches", json={"title": "Nights", "query": "tag:night"})
    found = served.get("photos", params={"q": made["query"]})["photos"]
    assert [each["original_filename"] for each in found] == ["1.jpg"]
    served.post("saved-searches", json={"title": "All", "query": ""})
    changed = served.ask("PATCH", f"saved-searches/{made['id']}", json={"is_favorite": True})
    assert served.get(f"saved-searches/{made['id']}") == changed
    listed = served.get("saved-searches")["saved_searches"]
    assert [(each["title"], each["is_favorite"]) for each in listed] == [("Nights", True), ("All", False)]
    served.ask("DELETE", f"saved-searches/{made['id']}")
    assert served.get(f"saved-searches/{made['id']}", status=404)
    assert served.post("saved-searches", json={"title": "x", "query": "colour:red"}, status=422)


def test_all_of_it_comes_back_with_a_recovery(
    served: Served, photos: list[Json], tmp_path: Path, empty_catalog: Path
) -> None:
    storage = served.get("file-storage")["storages"][0]
    served.post("authors", json={"name": "Anna Berg", "bio": "Oslo"})
    collection = served.post("collections", json={"title": "Best", "photo_uuids": uuids(photos, 2, 0)})
    search = served.post("saved-searches", json={"title": "Nights", "query": "tag:night"})
    away = served.disk / "unplugged"
    shutil.move(storage["full_path"], away)  # told of the last one when it is back
    changed = served.ask("PATCH", f"collections/{collection['id']}", json={"description": "of all"})
    shutil.move(away, storage["full_path"])
    served.post(f"storage-index/generate/{storage['uuid']}")
    kept = (served.get("authors"), changed, titles_in(served, collection), search)
    (tmp_path / "other").mkdir()
    with serving(tmp_path / "other", empty_catalog) as other:
        other.post("file-storage/recover", json={"roots": [storage["full_path"]]})
        [back] = other.get("collections")["collections"]
        [found] = other.get("saved-searches")["saved_searches"]
        assert (other.get("authors"), back, titles_in(other, back), found) == kept


def test_operations_are_listed_shown_and_undone(served: Served, photos: list[Json]) -> None:
    done = served.ask("PATCH", "photos", json={"ids": [each["id"] for each in photos], "change": {"rating": 3}})
    listed = served.get("operations")
    assert [(each["kind"], each["state"]) for each in listed["operations"]] == [
        ("edit", "done"),
        ("import", "not-undoable"),
    ]
    shown = served.get(f"operations/{done['operation_uuid']}")["operation"]
    assert len(shown["edits"]) == 3
    assert shown["edits"][0]["changes"] == [{"field": "rating", "before": None, "after": "3"}]
    planned = served.post(f"operations/{done['operation_uuid']}/undo", json={"dry_run": True})
    assert (planned["undo_uuid"], len(planned["photos"])) == (None, 3)
    undone = served.post(f"operations/{done['operation_uuid']}/undo")
    assert {each["rating"] for each in served.get("photos")["photos"]} == {None}
    served.post(f"operations/{undone['undo_uuid']}/undo")
    assert {each["rating"] for each in served.get("photos")["photos"]} == {3}


def test_edits_of_the_library_are_listed_shown_and_undone(served: Served, photos: list[Json]) -> None:
    made = served.post("collections", json={"title": "Italy", "photo_uuids": uuids(photos, 0, 1)})
    served.ask("PATCH", f"collections/{made['id']}", json={"title": "Italia"})
    [renamed, creation, _] = served.get("operations")["operations"]
    assert (renamed["kind"], renamed["title"], renamed["storages"], renamed["item"]) == (
        "library-edit",
        "Collection renamed: Italy → Italia",
        [],
        None,
    )
    shown = served.get(f"operations/{creation['operation_uuid']}")["operation"]
    assert (shown["item"]["kind"], shown["item"]["key"], shown["item"]["photo_count"]) == ("collection", made["id"], 2)
    refused = served.post(f"operations/{creation['operation_uuid']}/undo", status=409)["error"]
    assert (refused["code"], renamed["operation_uuid"][:8] in refused["details"]["hint"]) == ("undo-refused", True)
    planned = served.post(f"operations/{renamed['operation_uuid']}/undo", json={"dry_run": True})
    assert planned["item"]["changes"] == [{"field": "title", "before": "Italy", "after": "Italia"}]
    undone = served.post(f"operations/{renamed['operation_uuid']}/undo")
    assert (undone["storages"], [each["status"] for each in undone["waiting"]]) == ([], ["soon"])
    assert served.get(f"collections/{made['id']}")["title"] == "Italy"
    served.post(f"operations/{undone['undo_uuid']}/undo")
    assert served.get(f"collections/{made['id']}")["title"] == "Italia"


def test_what_moved_files_is_undone_too(served: Served, photos: list[Json]) -> None:
    storage = served.get("file-storage")["storages"][0]
    root = Path(storage["full_path"])
    (root / "photos" / "1.jpg").rename(root / "photos" / "moved.jpg")
    served.post(f"storage-index/scan/{storage['uuid']}")
    [scan] = [each for each in served.get("operations")["operations"] if each["kind"] == "reindex"]
    undone = served.post(f"operations/{scan['operation_uuid']}/undo")
    assert [(each["path_now"], each["path_then"]) for each in undone["files"]] == [("photos/moved.jpg", "photos/1.jpg")]
    assert (root / "photos" / "moved.jpg").is_file()


def test_what_cannot_be_undone_is_told(served: Served, photos: list[Json]) -> None:
    [imported] = served.get("operations")["operations"]
    assert "session" in served.post(f"operations/{imported['operation_uuid']}/undo", status=409)["error"]["message"]
    for key in (NOBODY, "first", "{id}"):
        assert served.post(f"operations/{key}/undo", status=404)
        assert served.get(f"operations/{key}", status=404)
    page = served.get(f"operations?limit=1&storage={served.get('file-storage')['storages'][0]['uuid']}")
    assert page["meta"]["total"] == 1


def test_photos_that_are_not_known_stay_in_their_collection(served: Served, photos: list[Json]) -> None:
    made = served.post("collections", json={"title": "Best", "photo_uuids": [NOBODY, *uuids(photos, 1)]})
    assert (made["photo_count"], made["known_count"], made["cover"]) == (2, 1, photos[1]["hothash"])
    assert titles_in(served, made) == ["2.jpg"]
    second = make_source(served.disk / "more", 1, first_seed=30)
    served.post("import-sessions/1/import", json={"source_directory": str(second)})
    assert titles_in(served, made) == ["2.jpg"]
