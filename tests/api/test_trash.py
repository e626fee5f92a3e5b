"""Deleting over HTTP: to the trash and back, for good only when confirmed and by administrators, and what stays."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from imalink.core.account import Right, Role
from imalink.workflows.accounts import add_account, add_token
from imalink.workflows.storage_access import get_storage, open_storage
from imalink.workflows.write_audit import list_audit
from tests.api.conftest import Json, Served, serving
from tests.support.photos import make_jpeg
from tests.support.rot import flip_bit
from tests.support.workbench import Snapshot, make_source, snapshot


@pytest.fixture
def storage(served: Served) -> Json:
    """A storage with three imported photos."""
    made = served.create()
    served.imported(made)
    return made


def photos_of(served: Served) -> list[Json]:
    return served.get("photos")["photos"]


def pictures(storage: Json) -> Snapshot:
    return snapshot(Path(storage["full_path"]) / "photos")


@contextmanager
def locked(served: Served, storage: Json) -> Generator[None]:
    """Somebody else is at work in the storage."""
    tools = served.container.tools()
    with open_storage(tools, get_storage(tools, storage["uuid"])) as opened, opened.lock("test"):
        yield


@pytest.mark.parametrize("way", ["hothashes", "ids", "photo_uuids"])
def test_deleted_photos_are_in_the_trash_and_an_undo_brings_them_back(served: Served, storage: Json, way: str) -> None:
    before, photos = pictures(storage), photos_of(served)
    key = {"hothashes": "hothash", "ids": "id", "photo_uuids": "photo_uuid"}[way]
    done = served.post("photos/delete", json={way: [each[key] for each in photos[:2]], "reason": "blurred"})
    assert (done["mode"], done["dry_run"], done["picture_count"], done["file_count"]) == ("trash", False, 2, 2)
    assert [each["hothash"] for each in photos_of(served)] == [photos[2]["hothash"]]
    assert len(pictures(storage)) == len(before) - 2
    listed = served.get("trash")
    assert {each["hothash"] for each in listed["items"]} == {each["hothash"] for each in photos[:2]}
    assert {(each["kind"], each["operation"]) for each in listed["items"]} == {("deleted", done["operation_uuid"])}
    served.post(f"operations/{done['operation_uuid']}/undo")
    assert pictures(storage) == before
    assert {each["hothash"] for each in photos_of(served)} == {each["hothash"] for each in photos}
    assert served.get("trash")["items"] == []


def test_all_that_fit_a_filter_are_deleted_but_those_left_out(served: Served, storage: Json) -> None:
    photos = photos_of(served)
    served.ask("PATCH", "photos", json={"ids": [each["id"] for each in photos[:2]], "change": {"rating": 1}})
    rev = served.get("timeline/days?q=rating:1")["rev"]
    body = {"filter": {"q": "rating:1"}, "rev": rev, "without_ids": [photos[0]["id"]]}
    assert served.post("photos/delete", json=body)["picture_count"] == 1
    assert [each["id"] for each in photos_of(served)] == [photos[0]["id"], photos[2]["id"]]
    assert served.ask("POST", "photos/delete", json=body, status=409)["error"]["code"] == "stale-rev"


def test_a_dry_run_tells_what_would_go_and_changes_nothing(served: Served, storage: Json) -> None:
    before = snapshot(Path(storage["full_path"]))
    for mode in ("trash", "soft", "hard"):
        body = {"ids": [photos_of(served)[0]["id"]], "mode": mode, "dry_run": True}
        planned = served.post("photos/delete", json=body)
        assert (planned["picture_count"], planned["operation_uuid"]) == (1, None)
    assert snapshot(Path(storage["full_path"])) == before
    assert len(photos_of(served)) == 3


def test_a_photo_goes_with_all_its_files(served: Served) -> None:
    make_jpeg(served.card / "a.jpg", seed=1)
    (served.card / "a.jpg.xmp").write_text('<x:xmpmeta xmlns:x="adobe:ns:meta/"/>', encoding="utf-8")
    storage = served.create()
    served.imported(storage, source=served.card)
    done = served.post("photos/delete", json={"ids": [photos_of(served)[0]["id"]]})
    [deleted] = done["deleted"]
    assert {each["relative_path"] for each in deleted["files"]} == {"photos/a.jpg", "photos/a.jpg.xmp"}
    assert all((Path(storage["full_path"]) / each["kept"]).is_file() for each in deleted["files"])


def test_what_is_marked_stays_where_it_stands(served: Served, storage: Json) -> None:
    before = pictures(storage)
    photo = photos_of(served)[0]
    served.post("photos/delete", json={"ids": [photo["id"]], "mode": "soft"})
    assert pictures(storage) == before
    assert [each["kind"] for each in served.get("trash")["items"]] == ["marked"]
    assert len(photos_of(served)) == 2
    served.post("trash/restore", json={"names": [photo["hothash"]]})
    assert len(photos_of(served)) == 3


def test_nothing_goes_for_good_without_a_confirmation(served: Served, storage: Json) -> None:
    photo = photos_of(served)[0]
    body = {"ids": [photo["id"]], "mode": "hard"}
    assert "confirmed" in served.ask("POST", "photos/delete", json=body, status=400)["detail"]
    assert len(photos_of(served)) == 3
    served.post("photos/delete", json={"ids": [photo["id"]]})
    there = snapshot(Path(storage["full_path"]))
    assert "confirmed" in served.ask("POST", "trash/empty", json={}, status=400)["detail"]
    assert "confirmed" in served.ask("POST", "quarantine/empty", json={}, status=400)["detail"]
    assert served.post("trash/empty", json={"dry_run": True})["file_count"] == 1
    assert snapshot(Path(storage["full_path"])) == there


def test_what_is_confirmed_goes_for_good_and_is_written_down(served: Served, storage: Json) -> None:
    photos = photos_of(served)
    body = {"ids": [photos[0]["id"]], "mode": "hard", "confirm": True}
    assert served.post("photos/delete", json=body)["file_count"] == 1
    assert served.get("trash")["items"] == []
    served.post("photos/delete", json={"ids": [photos[1]["id"]]})
    assert served.post("trash/empty", json={"confirm": True, "older_than_days": 1})["file_count"] == 0
    emptied = served.post("trash/empty", json={"confirm": True, "storage": storage["uuid"]})
    assert (emptied["file_count"], [each["hothash"] for each in emptied["removed"]]) == (1, [photos[1]["hothash"]])
    assert not list((Path(storage["full_path"]) / ".imalink-trash").rglob("*.jpg"))
    assert [each["id"] for each in photos_of(served)] == [photos[2]["id"]]
    actions = [each.action.value for each in list_audit(served.container.tools())]
    assert actions == ["trash-emptied", "photos-deleted", "photos-deleted"]


def test_what_comes_back_to_a_taken_name_stands_beside_it(served: Served, storage: Json) -> None:
    photo = photos_of(served)[0]
    [place] = served.get(f"photos/{photo['hothash']}/locations")["locations"]
    served.post("photos/delete", json={"ids": [photo["id"]]})
    taken = Path(place["full_path"])
    make_jpeg(taken, seed=99)
    bytes_before = taken.read_bytes()
    planned = served.post("trash/restore", json={"names": [photo["hothash"][:12]], "dry_run": True})
    back = served.post("trash/restore", json={"names": [photo["hothash"][:12]]})
    assert [each["paths"] for each in back["restored"]] == [each["paths"] for each in planned["restored"]]
    [[path]] = [each["paths"] for each in back["restored"]]
    assert path == f"photos/{taken.stem} (2).jpg"
    assert taken.read_bytes() == bytes_before
    assert served.http.get(f"/api/v1/photos/{photo['hothash']}/file").status_code == 200


def test_what_is_not_in_the_trash_is_not_found(served: Served, storage: Json) -> None:
    for resource in ("trash", "quarantine"):
        told = served.ask("POST", f"{resource}/restore", json={"names": ["a1b2c3d4"]}, status=404)
        assert told["error"]["code"] == "not-found"


def test_nothing_is_deleted_or_emptied_while_another_works_in_the_storage(served: Served, storage: Json) -> None:
    photos = photos_of(served)
    served.post("photos/delete", json={"ids": [photos[0]["id"]]})
    before = pictures(storage)
    with locked(served, storage):
        for path, body in (
            ("photos/delete", {"ids": [photos[1]["id"]]}),
            ("trash/restore", {"names": [photos[0]["hothash"]]}),
            ("trash/empty", {"confirm": True}),
            ("quarantine/empty", {"confirm": True}),
        ):
            assert served.ask("POST", path, json=body, status=423)["error"]["code"] == "storage-locked"
    assert pictures(storage) == before
    assert len(photos_of(served)) == 2
    assert [each["is_there"] for item in served.get("trash")["items"] for each in item["files"]] == [True]


def test_a_storage_that_is_away_keeps_its_pictures_and_is_told(served: Served, storage: Json) -> None:
    other = served.create("Red Toshiba")
    served.post("import-sessions", json={"title": "Copies", "file_storage_id": other["id"]})
    served.post("import-sessions/2/import", json={"source_directory": str(served.card), "duplicates": "keep-both"})
    photo = photos_of(served)[0]
    away = served.disk / "unplugged"
    shutil.move(other["full_path"], away)
    before = snapshot(away)
    done = served.post("photos/delete", json={"ids": [photo["id"]]})
    assert [each["storage_uuid"] for each in done["deleted"]] == [storage["uuid"]]
    assert [each["storage_uuid"] for each in done["left_storages"]] == [other["uuid"]]
    assert snapshot(away) == before
    listed = served.get("trash")
    assert [each["storage_uuid"] for each in listed["left_storages"]] == [other["uuid"]]
    emptied = served.post("trash/empty", json={"confirm": True})
    assert [each["storage_uuid"] for each in emptied["left_storages"]] == [other["uuid"]]
    assert snapshot(away) == before
    assert served.ask("POST", "trash/empty", json={"confirm": True, "storage": other["uuid"]}, status=503)


def test_one_storage_that_is_at_work_does_not_hide_what_went_elsewhere(served: Served, storage: Json) -> None:
    other = served.create("Red Toshiba")
    served.imported(other, title="Norway", source=make_source(served.disk / "second", first_seed=60))
    ids = [each["id"] for each in photos_of(served)]
    served.post("photos/delete", json={"ids": ids})
    with locked(served, other):
        emptied = served.post("trash/empty", json={"confirm": True})
    assert {each["storage_uuid"] for each in emptied["removed"]} == {storage["uuid"]}
    assert [each["storage_uuid"] for each in emptied["left_storages"]] == [other["uuid"]]
    assert {each["storage_uuid"] for each in served.get("trash")["items"]} == {other["uuid"]}


def test_a_file_that_changed_since_stays_with_its_picture(served: Served, storage: Json) -> None:
    photo = photos_of(served)[0]
    [place] = served.get(f"photos/{photo['hothash']}/locations")["locations"]
    flip_bit(Path(place["full_path"]))
    before = pictures(storage)
    done = served.post("photos/delete", json={"ids": [photo["id"]], "mode": "hard", "confirm": True})
    assert (done["picture_count"], [each["hothash"] for each in done["left"]]) == (0, [photo["hothash"]])
    assert pictures(storage) == before


def test_all_named_photos_are_known_or_none_is_deleted(served: Served, storage: Json) -> None:
    known = photos_of(served)[0]
    unknown = "12345678-1234-4234-8234-123456789012"
    for body in (
        {"photo_uuids": [known["photo_uuid"], unknown]},
        {"ids": [known["id"], 999]},
        {"hothashes": [known["hothash"], "0" * 64]},
        {"ids": [known["id"]], "storage": unknown},
    ):
        served.ask("POST", "photos/delete", json=body, status=404)
    served.ask("POST", "photos/delete", json={}, status=400)
    assert len(photos_of(served)) == 3


def test_deleting_may_be_waited_for_as_a_job(served: Served, storage: Json) -> None:
    body = {"ids": [each["id"] for each in photos_of(served)]}
    answer = served.http.post("/api/v1/photos/delete", json=body, headers={"prefer": "respond-async"})
    assert answer.status_code == 202
    job = answer.json()["data"]["job"]
    assert (job["kind"], job["storage_uuid"]) == ("delete", storage["uuid"])
    while not (job := served.get(f"jobs/{job['id']}")["job"])["is_over"]:
        pass
    assert (job["state"], job["report"]["picture_count"]) == ("done", 3)


def test_the_trash_is_told_page_by_page(served: Served, storage: Json) -> None:
    served.post("photos/delete", json={"ids": [each["id"] for each in photos_of(served)]})
    pages = [served.get(f"trash?limit=2&offset={offset}") for offset in (0, 2)]
    assert [len(page["items"]) for page in pages] == [2, 1]
    assert {page["meta"]["total"] for page in pages} == {3}
    assert len({each["hothash"] for page in pages for each in page["items"]}) == 3


def test_a_healed_file_is_in_quarantine_comes_back_beside_it_or_goes(served: Served, storage: Json) -> None:
    other = served.create("Red Toshiba")
    served.post("import-sessions", json={"title": "Copies", "file_storage_id": other["id"]})
    served.post("import-sessions/2/import", json={"source_directory": str(served.card), "duplicates": "keep-both"})
    photo = photos_of(served)[0]
    places = served.get(f"photos/{photo['hothash']}/locations")["locations"]
    [place] = [each for each in places if each["storage_uuid"] == storage["uuid"]]
    damaged = Path(place["full_path"])
    whole = damaged.read_bytes()
    flip_bit(damaged)
    broken = damaged.read_bytes()
    served.post(f"file-storage/{storage['uuid']}/verify", json={"depth": "full", "heal": True})
    assert damaged.read_bytes() == whole
    [file] = served.get("quarantine")["files"]
    assert (file["relative_path"], file["stands_again"]) == (place["relative_path"], True)
    back = served.post("quarantine/restore", json={"names": [file["relative_path"]]})
    [path] = [each["path"] for each in back["files"]]
    assert (Path(storage["full_path"]) / path).read_bytes() == broken
    assert damaged.read_bytes() == whole
    assert served.get("quarantine")["files"] == []
    flip_bit(damaged)
    served.post(f"file-storage/{storage['uuid']}/verify", json={"depth": "full", "heal": True})
    assert len(served.post("quarantine/empty", json={"confirm": True})["files"]) == 1
    assert served.get("quarantine")["files"] == []
    assert damaged.read_bytes() == whole


def test_an_editor_deletes_to_the_trash_and_nothing_for_good(tmp_path: Path, empty_catalog: Path) -> None:
    with serving(tmp_path, empty_catalog) as served:
        served.imported(served.create())
        photos = photos_of(served)
        tools = served.container.tools()
        add_account(tools, "boss", "correct horse battery", role=Role.ADMIN)
        add_account(tools, "ed", "correct horse battery", role=Role.EDITOR)
        secret = add_token(tools, "ed", label="x", right=Right.EDIT, days=1)[1]
        served.app.state.gate.forget()  # by itself it knows within a second of accounts that another process made
        served.http.headers["authorization"] = f"Bearer {secret}"
        for dry_run in (True, False):
            hard = {"ids": [photos[0]["id"]], "mode": "hard", "confirm": True, "dry_run": dry_run}
            served.ask("POST", "photos/delete", json=hard, status=403)
        assert served.post("photos/delete", json={"ids": [photos[0]["id"]]})["picture_count"] == 1
        served.ask("POST", "trash/empty", json={"confirm": True}, status=403)
        assert len(served.post("trash/restore", json={"names": [photos[0]["hothash"]]})["restored"]) == 1
        events = list_audit(tools)[:2]
        assert [(each.action.value, each.by_name) for each in events] == [
            ("photos-restored", "ed"),
            ("photos-deleted", "ed"),
        ]


def test_nothing_is_deleted_where_every_storage_is_away(served: Served, storage: Json) -> None:
    photo = photos_of(served)[0]
    away = served.disk / "unplugged"
    shutil.move(storage["full_path"], away)
    before = snapshot(away)
    for mode in ("trash", "soft", "hard"):
        body = {"ids": [photo["id"]], "mode": mode, "confirm": True}
        assert served.ask("POST", "photos/delete", json=body, status=503)["error"]["code"] == "storage-offline"
    assert snapshot(away) == before
    shutil.move(away, storage["full_path"])
    assert len(photos_of(served)) == 3


def test_deleting_that_is_stopped_has_deleted_whole_photos_or_none(served: Served, storage: Json) -> None:
    server, before = served.app.state.server, pictures(storage)
    body = {"ids": [each["id"] for each in photos_of(served)]}
    with server.turns.of(storage["uuid"]):
        answer = served.http.post("/api/v1/photos/delete", json=body, headers={"prefer": "respond-async"})
        job_id = answer.json()["data"]["job"]["id"]
        served.ask("DELETE", f"jobs/{job_id}")
    while not (job := served.get(f"jobs/{job_id}")["job"])["is_over"]:
        pass
    assert job["state"] == "cancelled"
    assert pictures(storage) == before
    assert len(photos_of(served)) == 3
    assert served.get("trash")["items"] == []


def test_the_same_deletion_asked_twice_at_once_is_one(served: Served, storage: Json) -> None:
    server = served.app.state.server
    body = {"ids": [photos_of(served)[0]["id"]]}
    ids: set[str] = set()
    with server.turns.of(storage["uuid"]):
        for _ in range(2):
            answer = served.http.post("/api/v1/photos/delete", json=body, headers={"prefer": "respond-async"})
            ids.add(answer.json()["data"]["job"]["id"])
    [job_id] = ids
    while not served.get(f"jobs/{job_id}")["job"]["is_over"]:
        pass
    assert len(served.get("trash")["items"]) == 1
    assert [each["kind"] for each in served.get("operations")["operations"]].count("delete") == 1
    assert served.ask("POST", "photos/delete", json=body, status=404)["error"]["code"] == "not-found"
