"""Files sent over HTTP: kept whole or not at all, imported like those of a folder, and gone once they are archived."""

from __future__ import annotations

import hashlib
import socket
import tempfile
import time
from pathlib import Path

import pytest

from imalink.api import receiving
from imalink.storage import uploads as stored
from imalink.storage.fs import StorageFiles
from imalink.workflows.look_at_sessions import get_session
from imalink.workflows.upload_files import remove_archived
from tests.api.conftest import Json, Served
from tests.support.photos import make_jpeg
from tests.support.workbench import make_source


@pytest.fixture
def session(served: Served) -> Json:
    """A session without pictures, with the storage they go to."""
    storage = served.create()
    made = served.post("import-sessions", json={"title": "Phone", "file_storage_id": storage["id"]})
    return {**made, "full_path": storage["full_path"]}


@pytest.fixture
def photos(served: Served) -> dict[str, bytes]:
    """Files as a card has them, by relative path."""
    source = make_source(served.card)
    return {str(path.relative_to(source)): path.read_bytes() for path in sorted(source.rglob("*")) if path.is_file()}


def jpeg(seed: int = 1) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        make_jpeg(Path(folder) / "a.jpg", seed=seed)
        return (Path(folder) / "a.jpg").read_bytes()


def uploads_in(session: Json) -> list[str]:
    base = Path(session["full_path"]) / ".imalink" / "uploads"
    return sorted(str(path.relative_to(base)) for path in base.rglob("*") if path.is_file()) if base.exists() else []


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def form_of(photos: dict[str, bytes]) -> list[tuple[str, tuple[str, bytes]]]:
    return [("file", (path, data)) for path, data in photos.items()]


def test_a_form_of_files_is_imported_and_nothing_waits_afterwards(
    served: Served, session: Json, photos: dict[str, bytes]
) -> None:
    told = served.post(f"import-sessions/{session['id']}/upload", files=form_of(photos))
    assert {file["path"]: file["sha256"] for file in told["files"]} == {p: sha256_of(d) for p, d in photos.items()}
    assert told["imported"]["status"] == "completed"
    assert told["imported"]["left"] == []
    archived = served.get(f"import-sessions/{session['id']}")["files"]
    assert {file["sha256"] for file in archived} <= {sha256_of(data) for data in photos.values()}
    assert len(archived) == told["imported"]["new_imports"] == 3
    for file in archived:
        assert sha256_of((Path(session["full_path"]) / file["relative_path"]).read_bytes()) == file["sha256"]
    assert uploads_in(session) == []


def test_single_bodies_wait_until_they_are_imported_together(
    served: Served, session: Json, photos: dict[str, bytes]
) -> None:
    where = f"import-sessions/{session['id']}/upload"
    for path, data in photos.items():
        asked = {"path": path, "sha256": sha256_of(data), "modified_ms": "1500000000123", "import": "false"}
        told = served.post(where, params=asked, content=data)
        assert told["imported"] is None
    listed = served.get(where)["files"]
    assert {file["path"]: file["sha256"] for file in listed} == {p: sha256_of(d) for p, d in photos.items()}
    assert served.get(f"import-sessions/{session['id']}")["file_count"] == 0
    kept = Path(session["full_path"]) / ".imalink" / "uploads" / session["session_uuid"] / "files"
    assert {path.stat().st_mtime for path in kept.rglob("*.jpg")} == {1500000000.123}
    assert served.post(where)["imported"]["new_imports"] == 3
    assert served.get(where)["files"] == []


def test_the_fields_before_a_file_speak_of_it_alone(served: Served, session: Json) -> None:
    first, second = jpeg(seed=1), jpeg(seed=2)
    boundary = b"x1x"
    body = b"".join(
        [
            b'--x1x\r\nContent-Disposition: form-data; name="sha256"\r\n\r\n' + sha256_of(first).encode() + b"\r\n",
            b'--x1x\r\nContent-Disposition: form-data; name="path"\r\n\r\na/b/first.jpg\r\n',
            b'--x1x\r\nContent-Disposition: form-data; name="file"; filename="1.jpg"\r\n\r\n' + first + b"\r\n",
            b'--x1x\r\nContent-Disposition: form-data; name="file"; filename="c/say %22hi%22.jpg"\r\n\r\n' + second,
            b"\r\n--x1x--\r\n",
        ]
    )
    headers = {"content-type": f"multipart/form-data; boundary={boundary.decode()}"}
    told = served.post(
        f"import-sessions/{session['id']}/upload", params={"import": "false"}, content=body, headers=headers
    )
    assert [file["path"] for file in told["files"]] == ["a/b/first.jpg", 'c/say "hi".jpg']


def test_a_file_with_another_checksum_is_not_kept_and_those_before_are(
    served: Served, session: Json, photos: dict[str, bytes]
) -> None:
    where = f"import-sessions/{session['id']}/upload"
    [(good, data), *_] = photos.items()
    served.post(where, params={"path": good, "import": "false"}, content=data)
    answer = served.ask("POST", where, status=409, params={"path": "b.jpg", "sha256": "0" * 64}, content=data)
    assert answer["error"]["code"] == "verification-failed"
    assert [file["path"] for file in served.get(where)["files"]] == [good]
    assert not [name for name in uploads_in(session) if name.endswith(".part")]


def test_the_same_again_is_known_and_something_else_of_that_name_is_refused(served: Served, session: Json) -> None:
    where, asked = f"import-sessions/{session['id']}/upload", {"path": "a.jpg", "import": "false"}
    first, second = jpeg(seed=1), jpeg(seed=2)
    assert served.post(where, params=asked, content=first)["files"][0]["was_there"] is False
    assert served.post(where, params=asked, content=first)["files"][0]["was_there"] is True
    assert served.ask("POST", where, status=409, params=asked, content=second)["error"]["code"] == "name-taken"
    assert served.get(where)["files"][0]["sha256"] == sha256_of(first)


def test_no_folder_of_uploads_is_called_as_only_storages_are(served: Served, session: Json) -> None:
    where = f"import-sessions/{session['id']}/upload"
    sent = {"imalink_a/x.jpg": jpeg(1), "a/_imalink_b/imalink_c.jpg": jpeg(2), "imalink_a/notes.txt": b"no picture"}
    for path, data in sent.items():
        told = served.post(where, params={"path": path, "import": "false"}, content=data)
        assert [file["path"] for file in told["files"]] == [path]
    assert sorted(file["path"] for file in served.get(where)["files"]) == sorted(sent)
    assert [path.name for path in served.disk.rglob("imalink_*") if path.is_dir()] == [Path(session["full_path"]).name]
    imported = served.post(where)["imported"]
    assert (imported["new_imports"], imported["left"]) == (2, ["imalink_a/notes.txt"])
    assert [path.name for path in served.disk.rglob("imalink_*") if path.is_dir()] == [Path(session["full_path"]).name]
    assert served.ask("DELETE", where) == {"discarded": 1}
    assert uploads_in(session) == []


def test_an_ignore_file_that_is_sent_rules_nothing(served: Served, session: Json) -> None:
    files = form_of({".imalinkignore": b"*\n", "a.jpg": jpeg()})
    imported = served.post(f"import-sessions/{session['id']}/upload", files=files)["imported"]
    assert (imported["new_imports"], imported["left"]) == (1, [".imalinkignore"])


def test_a_body_of_unknown_length_that_cannot_fit_is_told_so_in_fitting_words(
    served: Served, session: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    def has_little(_: StorageFiles) -> int:
        return 1000

    monkeypatch.setattr(StorageFiles, "free_bytes", has_little)
    where = f"import-sessions/{session['id']}/upload"
    told = served.ask("POST", where, status=507, params={"path": "a.jpg"}, content=iter([jpeg()]))["error"]
    assert told["message"] == (
        "The storage's disk has 1,000 bytes free, and 67,108,864 have to stay free, whatever is uploaded. "
        "Nothing was kept."
    )
    known = served.ask("POST", where, status=507, params={"path": "a.jpg"}, content=b"12345")["error"]
    assert "uploading 5 and importing them may need 67,108,874." in known["message"]


@pytest.mark.parametrize("path", ["../out.jpg", "a/../../out.jpg", "a//b.jpg", "a\0b.jpg", "x" * 300, ".."])
def test_a_name_that_leads_out_is_refused(served: Served, session: Json, path: str) -> None:
    where = f"import-sessions/{session['id']}/upload"
    answer = served.http.post(f"/api/v1/{where}", params={"path": path}, content=jpeg())
    assert answer.status_code in (400, 422)
    assert uploads_in(session) == []
    assert not list(served.disk.rglob("out.jpg"))


def test_an_upload_that_breaks_off_leaves_nothing(served: Served, session: Json) -> None:
    head = (
        f"POST /api/v1/import-sessions/{session['id']}/upload?path=a.jpg HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
        "Content-Length: 5000000\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        connection.sendall(head.encode() + b"\xff\xd8" + b"x" * 3_000_000)
        until = time.monotonic() + 20
        while not any(name.endswith(".part") for name in uploads_in(session)) and time.monotonic() < until:
            time.sleep(0.01)
        assert any(name.endswith(".part") for name in uploads_in(session))
    while uploads_in(session) and time.monotonic() < until:
        time.sleep(0.01)
    assert uploads_in(session) == []
    assert served.get(f"import-sessions/{session['id']}/upload")["files"] == []


def test_a_client_that_falls_silent_is_given_up(served: Served, session: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "IDLE_SECONDS", 0.3)
    head = (
        f"POST /api/v1/import-sessions/{session['id']}/upload?path=a.jpg HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
        "Content-Length: 5000000\r\n\r\nbegun"
    )
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
        connection.sendall(head.encode())
        assert b" 400 " in connection.recv(1000)
    assert uploads_in(session) == []


def test_what_would_not_fit_is_refused_before_it_comes(served: Served, session: Json) -> None:
    head = (
        f"POST /api/v1/import-sessions/{session['id']}/upload?path=a.jpg HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
        "Content-Length: 900000000000000\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
        connection.sendall(head.encode())
        assert b" 507 " in connection.recv(1000)
    assert uploads_in(session) == []


def test_what_is_not_archived_stays_and_can_be_discarded(served: Served, session: Json) -> None:
    where = f"import-sessions/{session['id']}/upload"
    told = served.post(where, files=form_of({"a.jpg": jpeg(), "Thumbs.db": b"no picture"}))
    assert told["imported"]["left"] == ["Thumbs.db"]
    assert [file["path"] for file in served.get(where)["files"]] == ["Thumbs.db"]
    assert served.ask("DELETE", where)["discarded"] == 1
    assert uploads_in(session) == []


def test_duplicates_of_what_is_archived_go(served: Served, session: Json) -> None:
    where, data = f"import-sessions/{session['id']}/upload", jpeg()
    served.post(where, files=form_of({"a.jpg": data}))
    again = served.post(where, files=form_of({"again.jpg": data}))
    assert (again["imported"]["duplicates_skipped"], again["imported"]["left"]) == (1, [])


def test_what_an_index_has_and_no_disk_is_not_archived(served: Served, session: Json) -> None:
    where, data = f"import-sessions/{session['id']}/upload", jpeg()
    served.post(where, files=form_of({"a.jpg": data}))
    served.post(where, params={"path": "again.jpg", "import": "false"}, content=data)
    [file] = served.get(f"import-sessions/{session['id']}")["files"]
    (Path(session["full_path"]) / file["relative_path"]).unlink()
    tools = served.container.tools()
    left = remove_archived(tools, get_session(tools, str(session["id"])))
    assert [each.path for each in left] == ["again.jpg"]
    assert served.get(where)["files"][0]["sha256"] == sha256_of(data)


def test_the_import_may_be_waited_for_later(served: Served, session: Json) -> None:
    answer = served.http.post(
        f"/api/v1/import-sessions/{session['id']}/upload",
        files=form_of({"a.jpg": jpeg()}),
        headers={"prefer": "respond-async"},
    )
    assert answer.status_code == 202
    until = time.monotonic() + 30
    while served.get(f"jobs/{answer.json()['data']['job']['id']}")["job"]["state"] != "done":
        assert time.monotonic() < until
        time.sleep(0.02)
    assert uploads_in(session) == []


def test_what_cannot_be_an_upload_is_told(served: Served, session: Json) -> None:
    where = f"import-sessions/{session['id']}/upload"
    assert "Nothing was uploaded" in served.ask("POST", where, status=409)["detail"]
    assert served.ask("POST", where, status=422, content=b"nameless")
    headers = {"content-type": "multipart/form-data; boundary=b"}
    assert served.ask("POST", where, status=400, content=b"no form", headers=headers)
    torn = b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.jpg"\r\n\r\nhalf'
    assert served.ask("POST", where, status=400, content=torn, headers=headers)
    assert uploads_in(session) == []
    nowhere = served.post("import-sessions", json={"title": "No storage"})
    assert served.ask("POST", f"import-sessions/{nowhere['id']}/upload", status=409, params={"path": "a"}, content=b"x")


def test_what_a_killed_server_left_half_is_swept_a_day_later(
    served: Served, session: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = f"import-sessions/{session['id']}/upload"
    served.post(where, params={"path": "a.jpg", "import": "false"}, content=jpeg())
    base = Path(session["full_path"]) / ".imalink" / "uploads" / session["session_uuid"]
    (base / "0123.part").write_bytes(b"half")
    served.post(where, params={"path": "b.jpg", "import": "false"}, content=jpeg(seed=2))
    assert (base / "0123.part").exists()
    monkeypatch.setattr(stored, "_LEFT_SECONDS", -1)
    served.post(where, params={"path": "c.jpg", "import": "false"}, content=jpeg(seed=3))
    assert not (base / "0123.part").exists()


def test_checksums_that_were_lost_are_made_again(served: Served, session: Json) -> None:
    where, data = f"import-sessions/{session['id']}/upload", jpeg()
    served.post(where, params={"path": "a.jpg", "import": "false"}, content=data)
    sums = Path(session["full_path"]) / ".imalink" / "uploads" / session["session_uuid"] / "sums.jsonl"
    for spoilt in (b"{torn", b""):
        sums.write_bytes(spoilt)
        assert served.get(where)["files"][0]["sha256"] == sha256_of(data)
