"""``PATCH /photos``: what is said of one photo and of many holds, is told to storages, and can be undone."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

import pytest

from imalink.runtime.events import EventKind
from imalink.workflows.look_at_storages import look_at_storages
from imalink.workflows.undo_operation import undo_operation
from tests.api.conftest import Json, Served
from tests.support.photos import make_jpeg
from tests.support.workbench import make_source, snapshot


@pytest.fixture
def photos(served: Served) -> list[Json]:
    """Three imported photos, the latest first."""
    served.imported(served.create())
    return served.get("photos")["photos"]


CHANGE: Json = {
    "title": "Night by the sea",
    "caption": "From the pier",
    "rating": 4,
    "label": "Red",
    "rejected": False,
    "author": "Anna Berg <anna@example.org>",
    "add_tags": ["places/italy", "night"],
    "taken_at": "2024-07-10T22:30:00+02:00",
    "gps": {"latitude": 41.9, "longitude": 12.5},
    "custom": {"film.roll": "K-64"},
}


def test_a_photo_is_shown_as_it_is_said_to_be(served: Served, photos: list[Json]) -> None:
    hothash = photos[0]["hothash"]
    changed = served.ask("PATCH", f"photos/{hothash}", json=CHANGE)
    assert changed["edited"] == 1
    shown = served.get(f"photos/{hothash[:10]}")
    assert {name: changed[name] for name in shown} == shown
    assert (shown["title"], shown["rating"], shown["label"]) == ("Night by the sea", 4, "Red")
    assert (shown["author"], shown["tags"]) == ("Anna Berg", ["night", "places/italy"])
    assert (shown["taken_at"], shown["taken_at_source"]) == ("2024-07-10T20:30:00Z", "user")
    assert shown["gps"] == {"latitude": 41.9, "longitude": 12.5, "altitude": None}
    assert shown["custom"] == {"film.roll": "K-64"}
    assert "custom.film.roll" in shown["said"]
    assert [each["title"] for each in served.get("photos?text=pier")["photos"]] == ["Night by the sea"]


def test_a_photo_tells_its_files_places_and_companions(served: Served) -> None:
    make_jpeg(served.card / "a.jpg", seed=1, orientation=6)
    (served.card / "a.jpg.xmp").write_text('<x:xmpmeta xmlns:x="adobe:ns:meta/"/>', encoding="utf-8")
    storage = served.create()
    served.imported(storage, source=served.card)
    shown = served.get(f"photos/{served.get('photos')['photos'][0]['hothash']}")
    [file] = shown["files"]
    assert (shown["file_status"], file["file_status"], file["session_id"]) == ("present", "present", 1)
    assert (shown["width"], shown["height"]) == (file["width"], file["height"]) == (240, 320)
    assert shown["camera"]["model"] == "Testmodel 1"
    assert [(each["storage_uuid"], each["relative_path"], each["status"]) for each in file["locations"]] == [
        (storage["uuid"], "photos/a.jpg", "present")
    ]
    assert [(each["relative_path"], each["kind"]) for each in file["companions"]] == [("photos/a.jpg.xmp", "xmp")]


def test_a_file_that_is_gone_is_told_at_once_where_it_is_looked_for(served: Served, photos: list[Json]) -> None:
    hothash = photos[0]["hothash"]
    [place] = served.get(f"photos/{hothash}/locations")["locations"]
    Path(place["full_path"]).unlink()
    assert served.get(f"photos/{hothash}")["file_status"] == "missing"
    assert served.get(f"photos/{hothash}?look=false")["file_status"] == "present"
    assert served.get(f"photos/{hothash}/file", status=404)["error"]["code"] == "file-missing"


def test_null_takes_back_what_was_said(served: Served) -> None:
    make_jpeg(served.card / "a.jpg", seed=1, rating=2, keywords=["rome"])
    served.imported(served.create(), source=served.card)
    where = f"photos/{served.get('photos')['photos'][0]['hothash']}"
    said = {"rating": 5, "title": "Rome", "tags": ["forum"], "custom": {"a": "1", "b": "2"}, "author": "Anna"}
    changed = served.ask("PATCH", where, json=said)
    assert (changed["rating"], changed["tags"], changed["custom"]) == (5, ["forum"], {"a": "1", "b": "2"})
    changed = served.ask("PATCH", where, json={"rating": None, "tags": None, "custom": {"a": None}, "author": None})
    assert (changed["rating"], changed["tags"], changed["custom"]) == (2, ["rome"], {"b": "2"})
    assert (changed["author"], changed["title"], changed["said"]) == (None, "Rome", ["custom.b", "title"])
    assert served.ask("PATCH", where, json={"custom": None, "title": None})["said"] == []


def test_saying_what_holds_already_changes_nothing(served: Served, photos: list[Json]) -> None:
    where = f"photos/{photos[0]['hothash']}"
    assert served.ask("PATCH", where, json={"rating": 3})["edited"] == 1
    again = served.ask("PATCH", where, json={"rating": 3})
    assert (again["edited"], again["operation_uuid"]) == (0, None)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"rating": 6}, 422),
        ({"rating": "many"}, 422),
        ({"stars": 3}, 422),
        ({"gps": {"latitude": 91, "longitude": 0}}, 422),
        ({"tags": ["a"], "add_tags": ["b"]}, 400),
        ({"taken_at": "yesterday"}, 422),
        ({"taken_at": "2024-07-10", "shift_time": "+1h"}, 400),
        ({"shift_time": None}, 422),
        ({"title": "a\x00b"}, 422),
        ({"custom": {"no key!": "x"}}, 422),
        ({"custom": {"a": "  "}}, 422),
        ({"author": " "}, 422),
        ({"add_tags": ["a\x00b"]}, 422),
        ({"rating": 3, "title": "x" * 501}, 422),
    ],
)
def test_what_cannot_be_said_is_refused_and_changes_nothing(
    served: Served, photos: list[Json], body: Json, status: int
) -> None:
    before = served.get("photos")
    served.ask("PATCH", f"photos/{photos[0]['hothash']}", json=body, status=status)
    assert served.get("photos") == before


def test_no_picture_file_is_touched(served: Served, photos: list[Json]) -> None:
    folder = Path(served.get("file-storage")["storages"][0]["full_path"]) / "photos"
    before = snapshot(folder)
    served.ask("PATCH", f"photos/{photos[0]['hothash']}", json=CHANGE)
    assert snapshot(folder) == before


@pytest.mark.parametrize("way", ["hothashes", "ids", "photo_uuids"])
def test_many_photos_are_edited_as_one_operation(served: Served, photos: list[Json], way: str) -> None:
    key = {"hothashes": "hothash", "ids": "id", "photo_uuids": "photo_uuid"}[way]
    body = {way: [each[key] for each in photos[:2]], "change": {"rating": 5, "shift_time": "+1h"}}
    planned = served.ask("PATCH", "photos", json={**body, "dry_run": True})
    assert (planned["edited"], planned["operation_uuid"]) == (2, None)
    assert {each["rating"] for each in served.get("photos")["photos"]} == {None}
    done = served.ask("PATCH", "photos", json=body)
    assert (done["edited"], done["unchanged"]) == (2, 0)
    assert [each["after"] for each in done["photos"]] == [each["after"] for each in planned["photos"]]
    assert [each["rating"] for each in served.get("photos")["photos"]] == [5, 5, None]
    undo_operation(served.container.tools(), done["operation_uuid"])
    restored = served.get("photos")["photos"]
    assert [each["rating"] for each in restored] == [None] * 3
    assert [each["taken_at_local"] for each in restored] == [each["taken_at_local"] for each in photos]


def test_of_many_photos_all_are_edited_or_none(served: Served, photos: list[Json]) -> None:
    known = [each["id"] for each in photos]
    assert served.ask("PATCH", "photos", json={"ids": [*known, 999], "change": {"rating": 1}}, status=404)
    assert served.ask("PATCH", "photos", json={"change": {"rating": 1}}, status=400)
    two_ways = {"ids": known, "hothashes": [photos[0]["hothash"]], "change": {"rating": 1}}
    assert served.ask("PATCH", "photos", json=two_ways, status=400)
    assert {each["rating"] for each in served.get("photos")["photos"]} == {None}


def test_an_edit_of_many_may_be_waited_for_as_a_job(served: Served, photos: list[Json]) -> None:
    body = {"ids": [each["id"] for each in photos], "change": {"rating": 2}}
    answer = served.http.patch("/api/v1/photos", json=body, headers={"prefer": "respond-async"})
    assert answer.status_code == 202
    job_id = answer.json()["data"]["job"]["id"]
    assert served.app.state.server.live.jobs.get(job_id).asked.kind == "edit"
    while not (job := served.get(f"jobs/{job_id}")["job"])["is_over"]:
        pass
    assert (job["state"], job["report"]["edited"]) == ("done", 3)


def test_who_listens_is_told(served: Served, photos: list[Json]) -> None:
    with served.app.state.server.live.hub.listen() as listener:
        served.ask("PATCH", f"photos/{photos[0]['hothash']}", json={"rating": 1})
        [event] = [each for each in listener.fetch(5) if each.kind is EventKind.PHOTO]
    assert (event.data["count"], event.data["hothashes"]) == (1, [photos[0]["hothash"]])


def test_a_storage_that_is_away_is_told_when_it_returns(served: Served) -> None:
    storage = served.create()
    served.imported(storage)
    [first, *_] = served.get("photos")["photos"]
    away = served.disk / "unplugged"
    shutil.move(storage["full_path"], away)
    served.ask("PATCH", f"photos/{first['hothash']}", json={"rating": 4})
    assert [each.status for each in served.tell_storages()] == ["storage-offline"]
    changed = served.ask("PATCH", f"photos/{first['hothash']}", json={"rating": 5})
    assert changed["rating"] == 5
    assert [(each["storage_uuid"], each["edits"]) for each in changed["waiting"]] == [(storage["uuid"], 2)]
    assert changed["waiting"][0]["status"] == "storage-offline"
    shutil.move(away, storage["full_path"])
    served.post(f"storage-index/generate/{storage['uuid']}")
    assert [each.waiting_edits for each in look_at_storages(served.container.tools())] == [0]
    assert "5" in str(served.get("storage-index/session/1"))


def test_a_storage_is_told_a_moment_after_the_last_word(served: Served, photos: list[Json]) -> None:
    hothash = photos[0]["hothash"]
    for rating in (1, 2, 3):
        changed = served.ask("PATCH", f"photos/{hothash}", json={"rating": rating})
        assert [each["status"] for each in changed["waiting"]] == ["soon"]
    until = time.monotonic() + 30
    while waiting_edits(served) != [0]:
        assert time.monotonic() < until
        time.sleep(0.05)
    said = served.get("storage-index/session/1")["photos"]
    assert [each["rating"] for each in said.values() if "rating" in each] == [3]


def test_an_edit_while_other_work_holds_the_storage_is_told_when_that_ends(served: Served, photos: list[Json]) -> None:
    server = served.app.state.server
    storage_uuid = served.get("file-storage")["storages"][0]["uuid"]
    with server.turns.of(storage_uuid):
        served.ask("PATCH", f"photos/{photos[0]['hothash']}", json={"rating": 5})
        assert [each.status for each in served.tell_storages()] == ["storage-busy"]
        assert served.get("photos")["photos"][0]["rating"] == 5
        assert server.live.outbox.due_in() > 1
    until = time.monotonic() + 30
    while waiting_edits(served) != [0]:
        assert time.monotonic() < until
        time.sleep(0.02)


def test_edits_at_one_time_all_hold_and_are_all_told(served: Served, photos: list[Json]) -> None:
    def rate(photo: Json, rating: int) -> None:
        served.ask("PATCH", f"photos/{photo['hothash']}", json={"rating": rating})

    threads = [threading.Thread(target=rate, args=(photo, n % 5 + 1)) for n in range(4) for photo in photos]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert served.tell_storages() == []
    held = {each["photo_uuid"]: each["rating"] for each in served.get("photos")["photos"]}
    said = served.get("storage-index/session/1")["photos"]
    assert {photo_uuid: each["rating"] for photo_uuid, each in said.items()} == held


def test_a_storage_that_is_forgotten_right_after_an_edit_was_told_of_it(served: Served, photos: list[Json]) -> None:
    storage = served.get("file-storage")["storages"][0]
    served.ask("PATCH", f"photos/{photos[0]['hothash']}", json={"rating": 5})
    assert served.ask("DELETE", f"file-storage/{storage['uuid']}?force=true")["waiting_edit_count"] == 0
    served.post("file-storage/recover", json={"roots": [storage["full_path"]]})
    assert served.get(f"photos/{photos[0]['hothash']}")["rating"] == 5


def test_what_was_said_before_a_storage_is_reactivated_is_told_then(served: Served, photos: list[Json]) -> None:
    storage = served.get("file-storage")["storages"][0]
    served.post(f"file-storage/{storage['uuid']}/deactivate")
    changed = served.ask("PATCH", f"photos/{photos[0]['hothash']}", json={"rating": 5})
    assert [each["status"] for each in changed["waiting"]] == ["inactive"]
    assert [each.status for each in served.tell_storages()] == ["inactive"]
    assert served.app.state.server.live.outbox.due_in() is None
    served.post(f"file-storage/{storage['uuid']}/reactivate")
    until = time.monotonic() + 30
    while waiting_edits(served) != [0]:
        assert time.monotonic() < until
        time.sleep(0.02)


def waiting_edits(served: Served) -> list[int]:
    return [each.waiting_edits for each in look_at_storages(served.container.tools())]


def test_a_custom_field_stands_in_the_index_and_survives_a_recovery(served: Served, photos: list[Json]) -> None:
    storage = served.get("file-storage")["storages"][0]
    served.ask("PATCH", f"photos/{photos[0]['hothash']}", json={"custom": {"film.roll": "K-64"}})
    assert served.tell_storages() == []
    index = Path(storage["full_path"]) / "imports" / "session_1.json"
    assert '"film.roll": "K-64"' in index.read_text(encoding="utf-8")
    served.ask("DELETE", f"file-storage/{storage['uuid']}?force=true")
    assert served.get("photos")["photos"] == []
    served.post("file-storage/recover", json={"roots": [storage["full_path"]]})
    assert served.get(f"photos/{photos[0]['hothash']}")["custom"] == {"film.roll": "K-64"}


def test_an_ambiguous_beginning_is_told_with_the_candidates(served: Served) -> None:
    make_source(served.card, 1)
    served.imported(served.create(), source=served.card)
    with served.container.tools().catalog.begin() as db:
        from sqlalchemy import text

        row = db.execute(text("SELECT hothash FROM image_files")).scalar_one()
        other = bytes(row[:4]) + bytes(28)
        columns = "hothash_method, photo_id, import_session_id, imported_at, original_filename, original_path, file_format, orientation, facts"  # noqa: E501
        db.execute(
            text(f"INSERT INTO image_files (hothash, {columns}) SELECT :other, {columns} FROM image_files"),
            {"other": other},
        )
    error = served.get(f"photos/{bytes(row[:4]).hex()}", status=409)["error"]
    assert error["code"] == "ambiguous"
    assert bytes(row).hex()[:16] in error["message"] and other.hex()[:16] in error["message"]
