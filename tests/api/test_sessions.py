"""``/import-sessions`` and ``/storage-index``: each call does what it says."""

from __future__ import annotations

import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.api.conftest import Json, Served
from tests.support.workbench import make_source, snapshot


def test_a_session_is_made_shown_listed_and_changed(served: Served) -> None:
    storage = served.create()
    body = {"title": "Italy", "description": "Rome", "default_author_id": 1, "file_storage_id": storage["id"]}
    made = served.post("import-sessions/create", json=body)
    assert (made["images_count"], made["status"], made["copy_status"]) == (0, "created", "not_started")
    assert (made["default_author_id"], made["file_storage_id"]) == (1, storage["id"])
    for key in (made["id"], made["session_uuid"]):
        assert served.get(f"import-sessions/{key}/")["title"] == "Italy"
    changed = served.ask("PATCH", f"import-sessions/{made['id']}", json={"title": "Rome"})
    assert (changed["title"], changed["description"]) == ("Rome", "Rome")
    listed = served.get("import-sessions/")
    assert [each["title"] for each in listed["import_sessions"]] == ["Rome"]
    assert listed["total_count"] == 1


def test_a_session_for_what_is_not_known_is_refused(served: Served) -> None:
    assert served.post("import-sessions", status=404, json={"title": "x", "file_storage_id": 9})
    assert served.post("import-sessions", status=404, json={"title": "x", "default_author_id": 9})
    assert served.post("import-sessions", status=422, json={"title": ""})
    assert served.post("import-sessions", status=422, json={"title": "   "})
    assert served.get("import-sessions")["total_count"] == 0


def test_sessions_of_one_storage_in_pages(served: Served) -> None:
    one, two = served.create(), served.create("Red Toshiba")
    for number in range(5):
        storage = one if number % 2 else two
        served.post("import-sessions", json={"title": f"Trip {number}", "file_storage_id": storage["id"]})
    page = served.get(f"import-sessions?storage={two['uuid']}&limit=2&offset=1")
    assert page["total_count"] == 3
    assert [each["title"] for each in page["import_sessions"]] == ["Trip 2", "Trip 0"]


def test_an_import_answers_when_all_is_done(served: Served) -> None:
    source = make_source(served.card)
    before = snapshot(source)
    report = served.imported(served.create(), source=source)
    assert (report["status"], report["new_imports"], report["source_no_longer_needed"]) == ("completed", 3, True)
    assert snapshot(source) == before
    shown = served.get("import-sessions/1")
    assert (shown["images_count"], len(shown["files"]), shown["copy_status"]) == (3, 3, "completed")
    top = served.http.post("/api/v1/import-sessions/1/import", json={"source_directory": str(source)}).json()
    assert (top["duplicates_skipped"], top["data"]["duplicates_skipped"]) == (3, 3)


def test_a_dry_run_imports_nothing(served: Served) -> None:
    storage = served.create()
    session = served.post("import-sessions", json={"title": "Italy", "file_storage_id": storage["id"]})
    body = {"source_directory": str(make_source(served.card)), "dry_run": True, "organize": "date"}
    report = served.post(f"import-sessions/{session['id']}/import", json=body)
    assert [each["target"] for each in report["files"]] == [f"photos/2024/07/IMG_000{n}.jpg" for n in (1, 2, 3)]
    assert served.get("import-sessions/1")["files"] == []


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"source_directory": "/nowhere/card"}, 404),
        ({"source_directory": "card"}, 422),
        ({"source_directory": "/etc"}, 403),
        ({"organize": "colour"}, 422),
        ({"organize": "../{filename}"}, 422),
        ({"duplicates": "ask"}, 422),
        ({"author_id": 9}, 404),
        ({"storage_root": "/media/x"}, 422),
        ({"unknown": 1}, 422),
    ],
)
def test_an_import_that_makes_no_sense_changes_nothing(served: Served, change: Json, status: int) -> None:
    storage = served.create()
    served.post("import-sessions", json={"title": "Italy", "file_storage_id": storage["id"]})
    before = snapshot(Path(storage["full_path"]))
    body = {"source_directory": str(make_source(served.card)), **change}
    served.post("import-sessions/1/import", status=status, json=body)
    assert snapshot(Path(storage["full_path"])) == before


def test_pictures_stay_where_they_are_without_copying(served: Served) -> None:
    session = served.post("import-sessions", json={"title": "Card"})
    source = make_source(served.card)
    before = snapshot(source)
    body = {"source_directory": str(source), "copy_files": False, "storage_accessible": False}
    report = served.post(f"import-sessions/{session['id']}/import", json=body)
    assert (report["session_id"], report["new_imports"], report["source_no_longer_needed"]) == (1, 3, False)
    shown = served.get("import-sessions/1")
    assert (shown["images_count"], shown["has_permanent_storage"]) == (3, False)
    assert snapshot(source) == before


def test_an_import_without_a_storage_is_refused(served: Served) -> None:
    served.post("import-sessions", json={"title": "Card"})
    body = {"source_directory": str(make_source(served.card))}
    assert "no place" in served.post("import-sessions/1/import", status=409, json=body)["detail"]


def test_an_ended_import_has_nothing_to_resume(served: Served) -> None:
    served.imported(served.create())
    assert served.post("import-sessions/1/resume")["resumed"] is False


def test_a_rollback_takes_back_what_came_in(served: Served) -> None:
    storage = served.create()
    served.imported(storage)
    planned = served.post("import-sessions/1/rollback", json={"dry_run": True})
    assert (len(planned["files"]), planned["dry_run"]) == (3, True)
    assert len(list((Path(storage["full_path"]) / "photos").rglob("*.jpg"))) == 3
    assert served.post("import-sessions/1/rollback")["status"] == "rolled-back"
    assert list((Path(storage["full_path"]) / "photos").rglob("*.jpg")) == []


def test_only_a_session_that_brought_nothing_is_deleted(served: Served) -> None:
    served.imported(served.create())
    assert served.ask("DELETE", "import-sessions/1", status=409)["error"]["code"] == "session-in-use"
    made = served.post("import-sessions", json={"title": "Norway"})
    assert served.ask("DELETE", f"import-sessions/{made['id']}")["title"] == "Norway"
    assert served.get(f"import-sessions/{made['id']}", status=404)


def test_where_the_files_of_a_session_are(served: Served, tmp_path: Path) -> None:
    storage = served.create()
    served.imported(storage)
    next((Path(storage["full_path"]) / "photos").rglob("*.jpg")).unlink()
    status = served.http.get("/api/v1/import-sessions/1/storage-status").json()
    assert (status["storage_accessible"], status["files_accessible"], status["total_files"]) == (True, 2, 3)
    assert status["storage_path"] == storage["full_path"]
    other = tmp_path / "other"
    other.mkdir()
    shutil.move(storage["full_path"], other)
    away = served.get("import-sessions/1/storage-status")
    assert (away["storage_accessible"], away["files_accessible"], away["total_files"]) == (False, 0, 3)
    answer = served.http.post("/api/v1/import-sessions/1/update-storage-path", params={"new_path": str(other)}).json()
    assert (answer["success"], answer["accessible"]) == (True, True)
    again = served.post("import-sessions/1/update-storage-path", json={"new_path": str(other)})
    assert again["storage_path"] == str(other / storage["directory_name"])
    assert served.post("import-sessions/1/update-storage-path", status=400)
    assert served.get("import-sessions/1/storage-status")["files_accessible"] == 2


def test_a_session_without_a_storage_has_nothing_in_reach(served: Served) -> None:
    served.post("import-sessions", json={"title": "Card"})
    status = served.get("import-sessions/1/storage-status")
    assert status == {"storage_accessible": False, "storage_path": None, "files_accessible": 0, "total_files": 0}
    assert served.post("import-sessions/1/update-storage-path", status=404, json={"new_path": "/media/x"})


# indexes


def test_a_damaged_index_is_seen_and_written_again(served: Served) -> None:
    storage = served.create()
    served.imported(storage)
    path = Path(storage["full_path"]) / "imports" / "session_1.json"
    path.write_bytes(path.read_bytes()[:-20])
    status = served.get(f"storage-index/status/{storage['uuid']}")
    assert (status["all_intact"], status["sessions"][0]["is_intact"]) == (False, False)
    assert served.get("storage-index/session/1", status=409)["error"]["code"] == "index-damaged"
    written = served.post("storage-index/session/1")
    assert (written["is_written"], written["total_files"]) == (True, 3)
    assert served.get(f"storage-index/status/{storage['uuid']}")["all_intact"] is True
    assert served.get("storage-index/session/1")["files"].keys() == json.loads(path.read_bytes())["files"].keys()


def test_the_index_of_an_adopted_folder_is_spelt_as_any_other(served: Served) -> None:
    folder = make_source(served.card)
    adopted = served.post("file-storage/adopt", json={"folder": str(folder), "display_name": "Pictures"})
    index = served.get(f"storage-index/session/{adopted['indexed']['session_id']}")
    assert index["import_session"]["title"] == "Adopted Pictures"
    assert {each["relative_path"] for each in index["files"].values()} == {f"IMG_000{n}.jpg" for n in (1, 2, 3)}


def test_a_dry_run_of_a_scan_writes_nothing_down(served: Served) -> None:
    storage = served.create()
    served.imported(storage)
    photos = Path(storage["full_path"]) / "photos"
    (photos / "IMG_0001.jpg").rename(photos / "renamed.jpg")
    for how in ({"params": {"dry_run": "true"}}, {"json": {"dry_run": True}}):
        told = served.post(f"storage-index/scan/{storage['uuid']}", **how)
        assert (told["dry_run"], len(told["moved_files"])) == (True, 1)
    assert served.post(f"storage-index/scan/{storage['uuid']}")["changes_detected"] is True
    assert served.post(f"storage-index/scan/{storage['uuid']}")["changes_detected"] is False


def test_a_scan_that_would_lose_much_asks_first(served: Served) -> None:
    storage = served.create()
    served.imported(storage, source=make_source(served.card, 60))
    for path in (Path(storage["full_path"]) / "photos").rglob("*.jpg"):
        path.unlink()
    refused = served.post(f"storage-index/scan/{storage['uuid']}", status=409)
    assert refused["error"]["code"] == "mass-missing"
    told = served.post(f"storage-index/scan/{storage['uuid']}", json={"accept_missing": True})
    assert len(told["missing_files"]) == 60


def test_the_master_says_where_the_storage_stands_now(served: Served, tmp_path: Path) -> None:
    storage = served.create()
    served.imported(storage)
    other = tmp_path / "other"
    other.mkdir()
    shutil.move(storage["full_path"], other)
    served.ask("PATCH", f"file-storage/{storage['uuid']}", json={"base_path": str(other)})
    master = served.get(f"storage-index/master/{storage['uuid']}")
    assert master["storage_info"]["full_path"] == str(other / storage["directory_name"])
    assert master["storage_info"]["is_accessible"] is True
    assert [each["id"] for each in master["import_sessions"]] == [1]
    assert served.get(f"storage-index/conflicts/{storage['uuid']}") == {"conflicts": []}


def test_many_calls_at_one_storage_wait_for_each_other(served: Served) -> None:
    storage = served.create()
    served.imported(storage)
    paths = [f"storage-index/{what}/{storage['uuid']}" for what in ("scan", "generate")] * 5
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(served.http.post, [f"/api/v1/{path}" for path in paths]))
    assert [answer.status_code for answer in answers] == [200] * 10
    assert served.get(f"storage-index/status/{storage['uuid']}")["all_intact"] is True


def test_others_are_answered_while_one_call_takes_long(served: Served) -> None:
    storage = served.create()
    turn, entered = threading.Event(), threading.Event()
    server = served.app.state.server

    def hold() -> None:
        with server.turns.of(storage["uuid"]):
            entered.set()
            turn.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    entered.wait(10)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(served.http.post, f"/api/v1/storage-index/scan/{storage['uuid']}")
        with httpx.Client(base_url=served.http.base_url, timeout=10) as other:
            assert all(other.get("/health").is_success for _ in range(20))
        assert not slow.done()
        turn.set()
        assert slow.result(30).is_success
    holder.join(10)
