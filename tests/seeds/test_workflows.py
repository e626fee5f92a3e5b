"""The workflows run as they are written: their commands and scripts, in their order, with what they promise after."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.seeds.conftest import Stage
from tests.seeds.seed_text import RESTATED, Block, blocks_of, find_page, read_blocks

Maker = Callable[[Path, int], Path]
_NO_TOOLS = [name for name in ("curl", "jq", "bash", "find") if shutil.which(name) is None]
pytestmark = pytest.mark.skipif(bool(_NO_TOOLS), reason=f"not installed: {', '.join(_NO_TOOLS)}")


def answer_of(output: str) -> dict[str, Any]:
    """Give the one answer that a command printed: an envelope with its success."""
    document: dict[str, Any] = json.loads(output)
    assert set(document) >= ({"success", "data"} if document["success"] else {"success", "error", "detail"})
    return document


def answers_of(output: str) -> list[dict[str, Any]]:
    """Give the answers that several commands printed one after the other."""
    decoder, place = json.JSONDecoder(), 0
    found: list[dict[str, Any]] = []
    while place < len(output):
        if output[place] != "{":
            place = output.find("{", place)
            if place < 0:
                break
        document, place = decoder.raw_decode(output, place)
        found.append(document)
    return found


def test_the_restated_calls_are_those_of_the_page() -> None:
    page = find_page()
    if page is None:
        pytest.skip("the page itself is not beside the project")
    restated = read_blocks(RESTATED)
    assert restated == read_blocks(page)
    assert len(restated) > 25


# --- the first storage -----------------------------------------------------------------------------------------------


def test_w1_first_time_setup(stage: Stage) -> None:
    for number in range(4):  # the workflow counts on storage 5 and session 42
        stage.data("POST", "file-storage/create", base_path=str(stage.folder("/old")), display_name=f"Old {number}")
    stage.count_on(next_session=42)
    create, check, session, index = blocks_of("W1", "bash")

    refused = answer_of(stage.bash(create))
    assert (refused["success"], refused["error"]["code"]) == (False, "usage")  # its disk is not mounted
    stage.folder("/external/photos")
    made = answer_of(stage.bash(create))["data"]
    folder = stage.folder("/external/photos") / made["directory_name"]
    assert made["id"] == 5
    assert folder.is_dir() and folder.name.startswith("imalink_")

    literal = answer_of(stage.bash(check))
    assert (literal["success"], literal["error"]["code"]) == (False, "not-found")
    access = answer_of(stage.bash(check, uuid=made["uuid"]))["data"]
    assert access["is_accessible"] is True and access["is_writable"] is True
    assert isinstance(access["free_space_gb"], float) and access["total_space_gb"] > 0

    begun = answer_of(stage.bash(session))["data"]
    assert (begun["id"], begun["images_count"], begun["file_storage_id"]) == (42, 0, 5)

    assert answer_of(stage.bash(index))["success"] is True
    written = json.loads((folder / "imports" / "session_42.json").read_bytes())
    assert (written["files"], written["statistics"]["total_files"]) == ({}, 0)
    assert written["import_session"]["title"] == "Italy Vacation 2024"


# --- an import -------------------------------------------------------------------------------------------------------


def made_storage(stage: Stage, name: str = "Main", base: str = "/external/photos") -> dict[str, Any]:
    return stage.data("POST", "file-storage/create", base_path=str(stage.folder(base)), display_name=name)


def made_session(stage: Stage, storage: dict[str, Any], title: str, card: Path, organize: str) -> dict[str, Any]:
    session = stage.data("POST", "import-sessions/create", title=title, file_storage_id=storage["id"])
    stage.data("POST", f"import-sessions/{session['id']}/import", source_directory=str(card), organize=organize)
    return stage.data("GET", f"import-sessions/{session['id']}")


def test_w2_regular_import(stage: Stage, monkeypatch: pytest.MonkeyPatch, picture: Maker) -> None:
    storage = made_storage(stage)
    stage.count_on(next_session=42)
    card = stage.root / "card"
    for number, name in enumerate(("IMG_001.jpg", "IMG_002.CR2", "IMG_003.jpg"), 1):
        picture(card / name, number)
    [script], [verify] = blocks_of("W2", "python"), blocks_of("W2", "bash")

    space = stage.python(script, monkeypatch)
    told = space["import_and_index_photos"](str(card), storage["uuid"], "Italy Vacation 2024")
    assert told == {"session_id": 42, "files_imported": 0, "index_generated": True}

    stage.data("POST", "import-sessions/42/import", source_directory=str(card), organize="2024/italy/{filename}")
    again = stage.data("POST", "storage-index/session/42")
    assert again["total_files"] == 3

    session, status = answers_of(stage.bash(verify, storage_uuid=storage["uuid"]))
    assert (session["data"]["images_count"], session["data"]["status"]) == (3, "completed")
    assert status["data"]["master_index_exists"] is True
    assert [each["is_intact"] for each in status["data"]["sessions"]] == [True]
    root = Path(storage["full_path"])
    names = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    assert {"index.json", "imports/session_42.json"} <= names
    assert {f"photos/2024/italy/{name}" for name in ("IMG_001.jpg", "IMG_002.CR2", "IMG_003.jpg")} <= names
    assert len([name for name in names if name.startswith(".imalink/hotpreviews/")]) == 3


# --- files moved in the file manager ---------------------------------------------------------------------------------

MOVES = {
    "2024/italy/IMG_001.jpg": "Vacations/Italy_2024/Rome/IMG_001.jpg",
    "2024/italy/IMG_003.jpg": "Vacations/Italy_2024/Rome/IMG_003.jpg",
    "2024/italy/IMG_002.CR2": "Vacations/Italy_2024/Venice/IMG_002.CR2",
    "2024/wedding/DSC_001.jpg": "Events/Wedding_August/DSC_001.jpg",
    "2024/wedding/DSC_002.jpg": "Events/Wedding_August/DSC_002.jpg",
}


def italy_and_a_wedding(stage: Stage, picture: Maker) -> dict[str, Any]:
    """Make sessions 42 and 43 as the workflow has them before anything is moved."""
    storage = made_storage(stage)
    stage.count_on(next_session=42)
    for number, path in enumerate(MOVES, 1):
        picture(stage.root / Path(path).parent.name / Path(path).name, number)
    for title, folder in (("Italy", "italy"), ("Wedding", "wedding")):
        made_session(stage, storage, title, stage.root / folder, f"2024/{folder}/{{filename}}")
    return storage


def moved_about(storage: dict[str, Any]) -> None:
    photos = Path(storage["full_path"]) / "photos"
    for before, after in MOVES.items():
        (photos / after).parent.mkdir(parents=True, exist_ok=True)
        (photos / before).rename(photos / after)


def test_w3_reorganisation(stage: Stage, picture: Maker) -> None:
    storage = italy_and_a_wedding(stage, picture)
    moved_about(storage)
    scan, update = blocks_of("W3", "bash")

    literal = answer_of(stage.bash(scan))
    assert literal["error"]["code"] == "not-found"
    told = answer_of(stage.bash(scan, storage_uuid=storage["uuid"]))["data"]
    assert told["changes_detected"] is True
    assert (told["missing_files"], told["new_files"]) == ([], [])
    assert {each["old_path"]: each["new_path"] for each in told["moved_files"]} == {
        f"photos/{before}": f"photos/{after}" for before, after in MOVES.items()
    }
    assert {each["session_id"] for each in told["moved_files"]} == {42, 43}
    # the scan alone has written it down
    one = told["moved_files"][0]
    [place] = stage.data("GET", f"photos/{one['hothash']}/locations")["locations"]
    assert (place["relative_path"], place["status"]) == (one["new_path"], "present")

    assert all(each["success"] for each in answers_of(stage.bash(update, storage_uuid=storage["uuid"])))
    for number, count in ((42, 3), (43, 2)):
        files = json.loads((Path(storage["full_path"]) / f"imports/session_{number}.json").read_bytes())["files"]
        assert len(files) == count
        assert {each["filename"] for each in files.values()} <= set(MOVES.values())
    master = stage.data("GET", f"storage-index/master/{storage['uuid']}")
    assert len(master["last_scan"]["moved_files"]) == 5
    assert answer_of(stage.bash(scan, storage_uuid=storage["uuid"]))["data"]["changes_detected"] is False


# --- several storages ------------------------------------------------------------------------------------------------


def test_w4_several_storages(stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    create, monitor = blocks_of("W4", "bash")
    [script] = blocks_of("W4", "python")
    for base in ("/home/photos", "/backup/photos", "/nas/archive"):
        stage.folder(base)
    made = [each["data"] for each in answers_of(stage.bash(create))]
    assert [each["display_name"] for each in made] == ["Main SSD", "Backup Drive", "NAS Archive"]
    assert all(each["description"] == "" and Path(each["full_path"]).is_dir() for each in made)

    session = stage.python(script, monkeypatch, requests=__import__("requests"))["distribute_imports"]()
    assert session["success"] is True
    assert session["data"]["file_storage_id"] in {each["id"] for each in made}
    assert capsys.readouterr().out.count(" GB free") == 3

    listed, missing = answers_of(stage.bash(monitor))  # `storage_uuids` is a word there, not the list
    assert {each["uuid"] for each in listed["data"]["storages"]} == {each["uuid"] for each in made}
    assert missing["error"]["code"] == "not-found"
    loop = f"storage_uuids='{' '.join(each['uuid'] for each in made)}'\n" + monitor.text.replace(
        "in storage_uuids;", "in $storage_uuids;"
    )
    _, *statistics = answers_of(stage.bash(loop))
    assert [each["data"]["statistics"]["total_files"] for each in statistics] == [0, 0, 0]


# --- a larger drive --------------------------------------------------------------------------------------------------


def test_w5_a_storage_goes_to_a_larger_drive_and_stays_itself(stage: Stage, picture: Maker) -> None:
    """The copied folder stays the storage that it is; what the workflow makes beside it stays empty."""
    old = made_storage(stage, "Old drive", "/old/drive")
    stage.count_on(next_session=42)
    for number in range(3):
        picture(stage.root / "card" / f"IMG_{number}.jpg", number)
    made_session(stage, old, "Italy", stage.root / "card", "keep")
    create, copy, verify, deactivate = blocks_of("W5", "bash")

    stage.folder("/new/larger/drive")
    made = answer_of(stage.bash(create))["data"]
    assert made["adopted"] is False
    assert "rsync -av /old/drive/" in copy.text  # as any program that copies a folder with its times
    shutil.copytree(old["full_path"], stage.folder("/new/larger/drive") / old["directory_name"])

    change = {"base_path": str(stage.folder("/new/larger/drive"))}
    foreign = stage.client.request(
        "PATCH", f"/api/v1/file-storage/{made['uuid']}", json={"base_path": old["full_path"]}
    )
    assert (foreign.status_code, foreign.ok) == (409, False)
    moved = stage.data("PATCH", f"file-storage/{old['uuid']}", **change)
    assert (moved["base_path"], moved["copy_left_at"]) == (change["base_path"], old["full_path"])
    shutil.rmtree(stage.folder("/old/drive"))

    access, status, index = answers_of(stage.bash(verify.text.replace("{new_uuid}", old["uuid"])))
    assert (access["data"]["is_accessible"], access["data"]["is_writable"]) == (True, True)
    assert (status["data"]["all_intact"], status["data"]["total_sessions"]) == (True, 1)
    assert len(index["data"]["files"]) == 3
    scan = stage.data("POST", f"storage-index/scan/{old['uuid']}")
    assert (scan["changes_detected"], scan["missing_files"]) == (False, [])
    assert answer_of(stage.bash(deactivate, old_uuid=made["uuid"]))["data"]["is_active"] is False


# --- the catalog is lost ---------------------------------------------------------------------------------------------


def test_w6_disaster_recovery(stage: Stage, monkeypatch: pytest.MonkeyPatch, picture: Maker) -> None:
    storages: dict[str, dict[str, Any]] = {}
    for number, base in enumerate(("/external/photos", "/backup/photos", "/nas/archive"), 1):
        storage = storages[base] = made_storage(stage, f"Disk {number}", base)
        for trip in range(2):
            card = stage.root / f"card {number} {trip}"
            for each in range(2):
                picture(card / f"IMG_{each}.jpg", 100 * number + 10 * trip + each)
            made_session(stage, storage, f"Trip {number}.{trip}", card, "keep")
    sessions = {each["session_uuid"]: each for each in stage.data("GET", "import-sessions")["import_sessions"]}
    stage.lose_the_catalog()
    assert stage.data("GET", "file-storage")["storages"] == []

    find, read, verify = blocks_of("W6", "bash")
    [script] = blocks_of("W6", "python")
    printed = stage.bash(find).splitlines()
    assert sorted(printed) == sorted(each["full_path"] for each in storages.values())
    jq = stage.bash(read)
    for number in (1, 2, 3):
        assert f'"Disk {number}"\n"Trip {number}.0"\n"Trip {number}.1"\n' in jq

    recovered = stage.python(script, monkeypatch)["recover_from_indexes"]()
    assert sorted(each["storage_dir"] for each in recovered) == sorted(printed)
    assert [each["sessions_recovered"] for each in recovered] == [2, 2, 2]
    assert sorted(stage.bash(find).splitlines()) == sorted(printed)  # nothing was made beside them

    now = {each["session_uuid"]: each for each in stage.data("GET", "import-sessions")["import_sessions"]}
    assert now.keys() == sessions.keys()
    for session_uuid, before in sessions.items():
        for key in ("id", "title", "images_count", "storage_uuid", "status"):
            assert now[session_uuid][key] == before[key], key
    assert {each["storage_uuid"] for each in stage.storages().values()} == {
        each["storage_uuid"] for each in storages.values()
    }
    listed, connected, literal = answers_of(stage.bash(verify))
    assert listed["data"]["total_count"] == 3 and connected["data"]["total_count"] == 6
    assert literal["error"]["code"] == "not-found"
    loop = f"recovered_uuids='{' '.join(each['uuid'] for each in storages.values())}'\n" + verify.text.replace(
        "in recovered_uuids;", "in $recovered_uuids;"
    )
    _, _, *scans = answers_of(stage.bash(loop))
    assert [each["data"]["changes_detected"] for each in scans] == [False, False, False]
    assert all(each["data"]["missing_files"] == [] for each in scans)


# --- watching over it ------------------------------------------------------------------------------------------------


def health_report(stage: Stage, block: Block) -> tuple[dict[str, Any], str]:
    """Run the daily script as a program of its own, and give the report it saved and what it printed."""
    import subprocess

    script = stage.root / "health.py"
    # Plain requests know no paths alone, so the program is told where the server is.
    script.write_text(
        "import requests as _requests, warnings as _warnings\n"
        "_warnings.simplefilter('ignore')\n"
        "_send = _requests.Session.request\n"
        "_requests.Session.request = lambda self, method, url, **options: _send(self, method, "
        f"{stage.url!r} + url if url.startswith('/') else url, **options)\n" + block.text
    )
    for old in stage.root.glob("storage_health_*.json"):
        old.unlink()
    run = subprocess.run(
        [sys.executable, str(script)], cwd=stage.root, capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr
    [saved] = stage.root.glob("storage_health_*.json")
    return json.loads(saved.read_bytes()), run.stdout


def test_w7_health_monitoring(stage: Stage, picture: Maker) -> None:
    main = italy_and_a_wedding(stage, picture)
    spare = made_storage(stage, "Spare", "/backup/photos")
    [daily] = blocks_of("W7", "python")
    [weekly] = blocks_of("W7", "bash")

    report, printed = health_report(stage, daily)
    assert report["issues"] == []
    assert report["summary"] == {
        "total_storages": 2,
        "accessible_storages": 2,
        "total_files": 5,
        "total_size_gb": 0.0,
        "issues_count": 0,
    }
    assert "Storages: 2/2 accessible" in printed
    mine = next(each for each in report["storages"] if each["uuid"] == main["uuid"])
    assert (mine["total_files"], mine["import_sessions"], mine["indexes_healthy"]) == (5, 2, True)

    for _ in range(2):
        output = stage.bash(weekly)
        answers = answers_of(output)
        assert len(answers) == 4 and all(each["success"] for each in answers)
        assert not any(each["data"].get("changes_detected") for each in answers)
        assert output.count("Completed storage:") == 2

    # one is unplugged: it is told, and what is known of it is not forgotten
    Path(main["full_path"]).rename(stage.root / "unplugged")
    report, printed = health_report(stage, daily)
    assert "Storage 'Main' is not accessible" in report["issues"]
    assert not [issue for issue in report["issues"] if "missing indexes" in issue]
    away = next(each for each in report["storages"] if each["uuid"] == main["uuid"])
    assert (away["accessible"], away["free_space_gb"], away["total_files"]) == (False, 0.0, 5)
    assert report["summary"]["accessible_storages"] == 1
    stage.bash(weekly)  # its answers are errors, and it ends all the same
    (stage.root / "unplugged").rename(main["full_path"])

    # indexes are lost
    (Path(spare["full_path"]) / "index.json").unlink()
    report, _ = health_report(stage, daily)
    assert report["issues"] == ["Storage 'Spare' has missing indexes"]
    stage.bash(weekly)
    assert health_report(stage, daily)[0]["issues"] == []


# --- many at once ----------------------------------------------------------------------------------------------------


def test_w8_many_indexes_at_once(stage: Stage, monkeypatch: pytest.MonkeyPatch, picture: Maker) -> None:
    storage = italy_and_a_wedding(stage, picture)
    for number in (44, 45):
        stage.data("POST", "import-sessions/create", title=f"Trip {number}", file_storage_id=storage["id"])
    batch, _ = blocks_of("W8", "python")
    results = stage.python(batch, monkeypatch)["results"]
    assert [each["success"] for each in results] == [True, True, True, True, False]  # there is no session 46
    assert results[4]["error"]["code"] == "not-found"
    master = stage.data("GET", f"storage-index/master/{storage['uuid']}")
    assert [each["id"] for each in master["import_sessions"]] == [42, 43, 44, 45]
    status = stage.data("GET", f"storage-index/status/{storage['uuid']}")
    assert status["all_intact"] is True and status["total_sessions"] == 4


def test_w8_validation(stage: Stage, monkeypatch: pytest.MonkeyPatch, picture: Maker) -> None:
    import os

    import requests

    storage = italy_and_a_wedding(stage, picture)
    moved_about(storage)
    stage.data("POST", f"storage-index/scan/{storage['uuid']}")
    _, validation = blocks_of("W8", "python")
    validate = stage.python(validation, monkeypatch, os=os, requests=requests)["validate_storage_integrity"]
    assert validate(storage["uuid"]) == {
        "storage_uuid": storage["uuid"],
        "total_sessions": 2,
        "validated_files": 5,
        "missing_files": [],
        "extra_files": [],
        "corrupted_files": [],
    }
    lost = Path(storage["full_path"]) / "photos/Events/Wedding_August/DSC_002.jpg"
    lost.unlink()
    found = validate(storage["uuid"])
    assert found["validated_files"] == 4
    assert [(each["expected_path"], each["session_id"]) for each in found["missing_files"]] == [(str(lost), 43)]


# --- troubles --------------------------------------------------------------------------------------------------------


def test_an_inaccessible_storage_tells_why(stage: Stage) -> None:
    storage = made_storage(stage)
    [block] = blocks_of("Issue: Storage Inaccessible")
    diagnose = block.text.splitlines()[1]  # the rest asks the system about real disks
    Path(storage["full_path"]).rename(stage.root / "unplugged")
    told = answer_of(stage.bash(diagnose, uuid=storage["uuid"]))["data"]
    assert (told["is_accessible"], told["status"], told["free_space_gb"]) == (False, "storage-offline", 0.0)
    assert told["reason"] and told["hint"]


def test_lost_index_files_are_generated_again(stage: Stage, picture: Maker) -> None:
    storage = italy_and_a_wedding(stage, picture)
    for path in (Path(storage["full_path"]) / "imports").iterdir():
        path.unlink()
    [block] = blocks_of("Issue: Missing Index Files")
    before = stage.data("GET", f"storage-index/status/{storage['uuid']}")
    assert [each["index_exists"] for each in before["sessions"]] == [False, False]
    _, status = answers_of(stage.bash(block, uuid=storage["uuid"]))
    assert status["data"]["all_intact"] is True
    assert [each["index_exists"] for each in status["data"]["sessions"]] == [True, True]


def test_moved_files_are_seen_in_the_master(stage: Stage, picture: Maker) -> None:
    storage = italy_and_a_wedding(stage, picture)
    moved_about(storage)
    photos = Path(storage["full_path"]) / "photos"
    (photos / "Events/Wedding_August/DSC_002.jpg").unlink()
    picture(photos / "new.jpg", 99)
    [block] = blocks_of("Issue: Files Moved by User")
    scan, master, session = answers_of(stage.bash(block, uuid=storage["uuid"], session_id="42"))
    assert len(scan["data"]["moved_files"]) == 4 and session["success"] is True
    last = master["data"]["last_scan"]
    assert last["changes_detected"] is True
    assert last["moved_files"] == scan["data"]["moved_files"]
    assert [each["expected_path"] for each in last["missing_files"]] == ["photos/2024/wedding/DSC_002.jpg"]
    assert last["new_files"] == ["photos/new.jpg"]
