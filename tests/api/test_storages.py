"""``/file-storage``: each call does what it says, to real storages."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.api.conftest import Json, Served, serving
from tests.support.workbench import make_source, photos_below, snapshot


def test_a_storage_is_made_shown_and_listed(served: Served) -> None:
    made = served.create()
    assert made["storage_uuid"] == made["uuid"]
    assert (made["adopted"], made["is_active"], made["is_accessible"]) == (False, True, True)
    for key in (made["uuid"], made["id"]):
        shown = served.get(f"file-storage/{key}")
        assert shown["directory_name"] == made["directory_name"]
        assert shown["import_sessions_count"] == 0
    listed = served.get("file-storage/")
    assert [each["uuid"] for each in listed["storages"]] == [made["uuid"]]
    assert (listed["total_count"], listed["meta"]["pages"]) == (1, 1)


def test_it_is_made_by_either_path(served: Served) -> None:
    body = {"base_path": str(served.disk), "display_name": "Red Toshiba"}
    assert served.http.post("/api/v1/file-storage", json=body).status_code == 201


def test_a_base_path_that_is_not_there_is_made_only_when_told_to(served: Served) -> None:
    body = {"base_path": str(served.disk / "2024" / "photos"), "display_name": "Blue Samsung"}
    refused = served.post("file-storage/create", status=400, json=body)
    assert "not mounted" in refused["detail"]
    assert list(served.disk.iterdir()) == []
    made = served.post("file-storage/create", json={**body, "create_base_path": True})
    assert Path(made["full_path"]).is_dir()


def test_a_lost_storage_is_taken_in_by_making_it_again(served: Served, tmp_path: Path) -> None:
    made = served.create()
    served.imported(made)
    session = served.get("import-sessions/1")
    served.ask("DELETE", f"file-storage/{made['uuid']}?force=true")
    assert served.get("import-sessions")["import_sessions"] == []
    again = served.create()
    assert (again["adopted"], again["uuid"], again["restored_files"]) == (True, made["uuid"], 3)
    assert len(list(served.disk.iterdir())) == 1
    body = {"title": "Italy", "description": None, "file_storage_id": again["id"]}
    claimed = served.post("import-sessions/create", json=body)
    assert (claimed["restored"], claimed["session_uuid"], claimed["images_count"]) == (True, session["session_uuid"], 3)
    further = served.post("import-sessions/create", json=body)
    assert (further["restored"], further["images_count"]) == (False, 0)


def test_pages_of_the_list_and_what_is_left_out(served: Served) -> None:
    names = ["Alpha", "Beta", "Gamma"]
    uuids = [served.create(name)["uuid"] for name in names]
    page = served.get("file-storage?offset=1&limit=1")
    assert [each["display_name"] for each in page["storages"]] == ["Beta"]
    assert (page["total_count"], page["meta"]) == (3, {"total": 3, "offset": 1, "limit": 1, "page": 2, "pages": 3})
    served.post(f"file-storage/{uuids[0]}/deactivate")
    assert [each["display_name"] for each in served.get("file-storage?active=true")["storages"]] == ["Beta", "Gamma"]
    assert served.get("file-storage")["total_count"] == 3


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "offset=-1", "limit=x"])
def test_a_page_that_makes_no_sense_is_refused(served: Served, query: str) -> None:
    assert served.get(f"file-storage?{query}", status=422)["error"]["code"] == "invalid"


def test_deactivating_and_reactivating(served: Served) -> None:
    uuid = served.create()["uuid"]
    assert served.post(f"file-storage/{uuid}/deactivate")["is_active"] is False
    assert served.post(f"file-storage/{uuid}/accessibility")["is_active"] is False
    assert served.post(f"file-storage/{uuid}/reactivate")["is_active"] is True


def test_a_storage_that_is_away_has_numbers_all_the_same(served: Served) -> None:
    made = served.create()
    served.imported(made)
    Path(made["full_path"]).rename(served.disk / "away")
    access = served.post(f"file-storage/{made['uuid']}/accessibility")
    assert (access["is_accessible"], access["is_writable"], access["status"]) == (False, False, "storage-offline")
    assert (access["free_space_gb"], access["total_space_gb"]) == (0.0, 0.0)
    assert access["reason"] and access["hint"]
    statistics = served.get(f"file-storage/{made['uuid']}/statistics")
    assert statistics["statistics"]["total_files"] == 3
    assert [each["file_count"] for each in statistics["import_sessions"]] == [3]
    status = served.get(f"storage-index/status/{made['uuid']}")
    assert (status["is_accessible"], status["master_index_exists"]) == (False, True)
    assert served.get(f"file-storage/{made['uuid']}")["is_accessible"] is False


def test_the_place_of_a_storage_is_changed_only_to_where_it_stands(served: Served, tmp_path: Path) -> None:
    made, other = served.create(), served.create("Red Toshiba")
    larger = tmp_path / "larger"
    larger.mkdir()
    missing = served.ask("PATCH", f"file-storage/{made['uuid']}", status=503, json={"base_path": str(larger)})
    assert missing["error"]["code"] == "storage-offline"
    body = {"base_path": other["full_path"]}
    foreign = served.ask("PATCH", f"file-storage/{made['uuid']}", status=409, json=body)
    assert foreign["error"]["code"] == "storage-foreign"
    shutil.move(made["full_path"], larger)
    moved = served.ask("PATCH", f"file-storage/{made['uuid']}", json={"base_path": str(larger)})
    assert (moved["base_path"], moved["copy_left_at"], moved["is_accessible"]) == (str(larger), None, True)
    again = served.ask("PUT", f"file-storage/{made['uuid']}", json={"base_path": str(larger)})
    assert again["full_path"] == moved["full_path"]


def test_names_of_a_storage_are_changed_in_the_storage_too(served: Served) -> None:
    made = served.create()
    body = {"display_name": "Red Toshiba", "description": "On the shelf"}
    changed = served.ask("PATCH", f"file-storage/{made['uuid']}", json=body)
    assert (changed["display_name"], changed["description"]) == ("Red Toshiba", "On the shelf")
    signature = json.loads((Path(made["full_path"]) / ".imalink-storage").read_bytes())
    assert signature["display_name"] == "Red Toshiba"
    assert served.ask("PATCH", f"file-storage/{made['uuid']}", status=400, json={})["error"]["code"] == "usage"


def test_forgetting_touches_no_file_and_needs_a_second_word(served: Served) -> None:
    made = served.create()
    served.imported(made)
    before = snapshot(Path(made["full_path"]))
    refused = served.ask("DELETE", f"file-storage/{made['uuid']}", status=409)
    assert refused["error"]["code"] == "storage-in-use"
    counted = served.ask("DELETE", f"file-storage/{made['uuid']}?dry_run=true")
    assert (counted["forgotten"], counted["lost_photo_count"]) == (False, 3)
    assert served.ask("DELETE", f"file-storage/{made['uuid']}?force=true")["forgotten"] is True
    assert served.get(f"file-storage/{made['uuid']}", status=404)
    assert snapshot(Path(made["full_path"])) == before
    report = served.post("file-storage/recover", json={"roots": [str(served.disk)]})
    assert (report["restored_sessions"], report["restored_files"], report["corrupt_indexes"]) == (1, 3, [])
    checked = served.post("file-storage/recover", json={"check": True})
    assert checked["differences"] == []


def test_a_folder_is_adopted_in_place(served: Served, tmp_path: Path) -> None:
    folder = make_source(tmp_path / "Pictures")
    before = snapshot(folder)
    adopted = served.post("file-storage/adopt", json={"folder": str(folder), "display_name": "Pictures"})
    assert (adopted["full_path"], adopted["layout"], adopted["total_files"]) == (str(folder), "indexed", 3)
    after = snapshot(folder)
    assert {name: after[name] for name in before} == before


def test_damage_is_found_and_healed(served: Served, tmp_path: Path) -> None:
    one, two = served.create(), served.create("Red Toshiba")
    served.imported(one)
    session = served.post("import-sessions/create", json={"title": "Copy", "file_storage_id": two["id"]})
    body = {"source_directory": str(served.card), "duplicates": "keep-both"}
    served.post(f"import-sessions/{session['id']}/import", json=body)
    whole = photos_below(Path(one["full_path"]))
    spoilt = next((Path(one["full_path"]) / "photos").rglob("*.jpg"))
    facts = spoilt.stat()
    data = bytearray(spoilt.read_bytes())
    data[len(data) // 2] ^= 1
    spoilt.write_bytes(data)
    os.utime(spoilt, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    quick = served.post(f"file-storage/{one['uuid']}/verify", json={"depth": "quick"})
    assert (quick["checked"], quick["ok"]) == (3, 3)
    full = served.post(f"file-storage/{one['uuid']}/verify", json={"heal": True})
    assert (full["checked"], full["ok"]) == (3, 2)
    assert len(full["healing"]["healed"]) == 1
    assert photos_below(Path(one["full_path"])) == whole
    assert served.post(f"file-storage/{one['uuid']}/verify")["ok"] == 3


def test_a_storage_is_browsed_by_its_own_indexes(served: Served) -> None:
    made = served.create()
    served.imported(made)
    browsed = served.get(f"file-storage/{made['uuid']}/browse")
    assert [each["title"] for each in browsed["sessions"]] == ["Italy"]
    assert len(browsed["sessions"][0]["files"]) == 3
    assert served.get(f"file-storage/{made['uuid']}/browse?session=9", status=404)


def test_a_storage_that_cannot_be_written_says_why(served: Served, tmp_path: Path) -> None:
    served.post("file-storage/adopt", json={"folder": str(make_source(tmp_path / "P")), "display_name": "P"})
    session = served.post("import-sessions/create", json={"title": "Card"})
    body = {"source_directory": str(make_source(served.card)), "copy_files": False}
    served.post(f"import-sessions/{session['id']}/import", json=body)
    [reference] = [each for each in served.get("file-storage")["storages"] if each["layout"] == "reference"]
    access: Json = served.post(f"file-storage/{reference['uuid']}/accessibility")
    assert (access["is_accessible"], access["is_writable"]) == (True, False)
    assert "never written" in access["reason"]


def test_sidecars_are_written_beside_the_pictures_of_which_something_was_said(served: Served) -> None:
    storage = served.create()
    served.imported(storage)
    hothash = served.get("photos")["photos"][0]["hothash"]
    [place] = [each for each in served.get("import-sessions/1")["files"] if each["hothash"] == hothash]
    path = Path(storage["full_path"]) / f"{place['relative_path']}.xmp"
    served.ask("PATCH", f"photos/{hothash}", json={"rating": 4})
    where = f"file-storage/{storage['uuid']}/sidecars"
    planned = served.post(where, json={"dry_run": True})
    assert (planned["dry_run"], planned["written"], path.exists()) == (True, [f"{place['relative_path']}.xmp"], False)
    written = served.post(where)
    assert (written["written"], written["left_alone"]) == (planned["written"], [])
    assert b'xmp:Rating="4"' in path.read_bytes() or b"<xmp:Rating>4<" in path.read_bytes()
    assert served.post(where)["unchanged"] == 1
    path.write_text("<x/>")
    served.post(f"storage-index/scan/{storage['uuid']}")
    assert served.post(where)["left_alone"] == [place["relative_path"]]
    assert served.post("jobs", json={"kind": "sidecars", "storage": storage["uuid"]})["job"]["kind"] == "sidecars"


def test_a_foreign_drive_is_shown_before_it_is_taken_in(
    served: Served, tmp_path_factory: pytest.TempPathFactory, empty_catalog: Path
) -> None:
    with serving(tmp_path_factory.mktemp("elsewhere"), empty_catalog) as elsewhere:
        theirs = elsewhere.create("Foreign")
        elsewhere.imported(theirs)
        before = snapshot(Path(theirs["full_path"]))
        roots = {"roots": [theirs["full_path"]]}
        found = served.post("file-storage/recover", json={**roots, "dry_run": True})
        [preview] = found["previews"]
        assert (preview["storage_uuid"], preview["display_name"]) == (theirs["uuid"], "Foreign")
        assert (preview["session_count"], preview["file_count"], preview["path"]) == (1, 3, theirs["full_path"])
        assert (found["trusted"], found["findings"]) == ([], [])
        assert served.get("file-storage")["storages"] == []
        assert snapshot(Path(theirs["full_path"])) == before
        assert served.post("file-storage/recover", status=400, json={**roots, "dry_run": True, "check": True})
        assert served.post("file-storage/recover", json=roots)["restored_files"] == 3
        again = served.post("file-storage/recover", json={**roots, "dry_run": True})
        assert (again["previews"], again["trusted"]) == ([], [theirs["uuid"]])
