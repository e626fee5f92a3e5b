"""The Python client: asks as requests does, helps workflow scripts, and raises what the server told of."""

from __future__ import annotations

import ast
import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from imalink import client as module
from imalink.client import ImalinkClient
from imalink.errors import (
    ImalinkError,
    NameInUseError,
    NotFoundError,
    ServerUnreachableError,
    SourceChangedError,
    StorageOfflineError,
    UsageError,
    VerificationError,
)
from tests.api.conftest import Served
from tests.support.workbench import make_source


@pytest.fixture
def client(served: Served) -> ImalinkClient:
    return ImalinkClient(f"http://localhost:{served.port}/")


def test_it_answers_as_requests_does(served: Served, client: ImalinkClient) -> None:
    with client:
        body = {"base_path": str(served.disk), "display_name": "Blue Samsung"}
        answer = client.post("/api/v1/file-storage/create", json=body)
        assert (answer.ok, answer.status_code, answer.json()["success"]) == (True, 201, True)
        assert answer.headers["Content-Type"] == "application/json"
        refused = client.get(f"http://localhost:{served.port}/api/v1/file-storage/uuid")
        assert (refused.ok, refused.status_code) == (False, 404)
        assert "No storage" in refused.text
        assert client.patch("/api/v1/file-storage/1", json={"description": "shelf"}).ok
        assert client.delete("/api/v1/file-storage/1", params={"dry_run": "true"}).ok
        served.imported(served.get("file-storage/1"))
        assert client.get("/api/v1/images/1/file").content[:2] == b"\xff\xd8"
        with pytest.raises(ValueError, match="no JSON object"):
            client.get("/api/v1/storage/scan-locations").json()


def test_the_helpers_of_scripts(served: Served, client: ImalinkClient) -> None:
    names = [f"Disk {number}" for number in range(3)]
    made = [served.create(name) for name in names]
    with client:
        storages = client.get_all_storages()
        assert [each["display_name"] for each in storages] == names
        assert client.get_storage_id(made[1]["uuid"]) == made[1]["id"]
        # Other programs use the same disk, so two answers may differ a little.
        assert client.get_free_space(storages[0]) == pytest.approx(client.get_free_space(made[0]["uuid"]), abs=2)
        assert client.get_free_space(storages[0]) > 0
        Path(made[2]["full_path"]).rename(served.disk / "away")
        assert client.get_free_space(storages[2]) == 0.0
        found = client.find_storage_directories([served.disk])
        assert found == sorted(Path(each["full_path"]) for each in made[:2])


def test_storages_are_found_a_few_levels_down_and_links_are_not_followed(tmp_path: Path) -> None:
    for name in ("a/imalink_1", "a/b/c/imalink_2", "a/.hidden/imalink_3", "imalink_4", "1/2/3/4/5/imalink_5"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "index.json").write_text("{}")
    (tmp_path / "imalink_6").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    names = {path.name for path in ImalinkClient.find_storage_directories([tmp_path, tmp_path / "none"])}
    assert names == {"imalink_1", "imalink_2", "imalink_4"}


def test_a_failure_is_raised_as_the_error_it_is(served: Served, client: ImalinkClient) -> None:
    storage = served.create()
    with client:
        with pytest.raises(NotFoundError) as found:
            client.ask("GET", "import-sessions/42")
        assert found.value.hint
        with pytest.raises(NameInUseError):
            client.ask("POST", "file-storage", json={"base_path": str(served.disk), "display_name": "Blue Samsung"})
        with pytest.raises(UsageError):
            client.ask("PATCH", "file-storage/1", json={})
        Path(storage["full_path"]).rename(served.disk / "away")
        with pytest.raises(StorageOfflineError, match="Blue Samsung"):
            client.ask("POST", f"storage-index/scan/{storage['uuid']}")


def test_no_server_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMALINK_URL", "http://127.0.0.1:9")
    with ImalinkClient() as client, pytest.raises(ServerUnreachableError, match="127.0.0.1:9") as found:
        client.get_all_storages()
    assert "imalink serve" in found.value.hint


def test_it_uses_nothing_of_imalink_but_errors() -> None:
    tree = ast.parse(Path(str(module.__file__)).read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    assert {name for name in imported if name.startswith("imalink")} == {"imalink.errors"}


def test_photos_are_found_edited_and_put_back(served: Served, client: ImalinkClient) -> None:
    served.imported(served.create())
    with client:
        found = [str(each["hothash"]) for each in client.iter_photos(from_="2024-07-02", has_raw=False)]
        assert len(found) == 2
        assert client.edit_photo(found[0], {"rating": 5, "tags": ["rome"]})["rating"] == 5
        assert [each["hothash"] for each in client.iter_photos(tag=["rome"], rating_min=5)] == found[:1]
        done = client.edit_photos(found, {"rating": 1})
        assert done["edited"] == 2
        client.undo(str(done["operation_uuid"]))
        assert [client.get_photo(each)["rating"] for each in found] == [5, None]
        with pytest.raises(NotFoundError):
            client.get_photo("f" * 64)
        with pytest.raises(ImalinkError) as refused:
            list(client.iter_photos(colour="red"))
        assert refused.value.code == "invalid"


def test_every_photo_comes_once_over_many_pages(
    served: Served, client: ImalinkClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.imported(served.create(), source=make_source(served.card, 5))
    ask = client.ask

    def ask_for_two(method: str, path: str, *, json: object = None) -> dict[str, object]:
        return ask(method, path.replace("limit=500", "limit=2"), json=json)

    monkeypatch.setattr(client, "ask", ask_for_two)
    with client:
        assert len({str(each["hothash"]) for each in client.iter_photos()}) == 5


def test_a_folder_is_sent_and_imported_and_comes_back_byte_for_byte(served: Served, client: ImalinkClient) -> None:
    session = served.post("import-sessions", json={"title": "Sent", "file_storage_id": served.create()["id"]})
    make_source(served.card, 2)
    make_source(served.card / "DCIM", 1, first_seed=40)
    told: list[tuple[str, bool]] = []
    with client:
        done = client.upload(
            session["id"], [served.card], on_file=lambda name, is_new: told.append((name, is_new)), organize="keep"
        )
        assert done["files"] == ["DCIM/IMG_0040.jpg", "IMG_0001.jpg", "IMG_0002.jpg"]
        assert told == [("DCIM/IMG_0040.jpg", True), ("IMG_0001.jpg", True), ("IMG_0002.jpg", True)]
        assert served.get("import-sessions/1")["images_count"] == 3
        photos = {str(each["original_filename"]): str(each["hothash"]) for each in client.iter_photos()}
        for name, path in (("IMG_0001.jpg", "IMG_0001.jpg"), ("IMG_0040.jpg", "DCIM/IMG_0040.jpg")):
            assert b"".join(client.iter_original(photos[name])) == (served.card / path).read_bytes()


def test_an_upload_goes_on_where_it_was_interrupted(served: Served, client: ImalinkClient) -> None:
    session = served.post("import-sessions", json={"title": "Sent", "file_storage_id": served.create()["id"]})
    make_source(served.card, 3)

    def stop(name: str, _: bool) -> None:
        if name == "IMG_0002.jpg":
            raise KeyboardInterrupt

    told: list[tuple[str, bool]] = []
    with client:
        with pytest.raises(KeyboardInterrupt):
            client.upload(session["id"], [served.card], on_file=stop)
        (served.card / "IMG_0001.jpg").touch()
        done = client.upload(
            session["id"], [served.card], then_import=False, on_file=lambda name, is_new: told.append((name, is_new))
        )
        assert (done["imported"], told) == (
            None,
            [("IMG_0001.jpg", False), ("IMG_0002.jpg", False), ("IMG_0003.jpg", True)],
        )
        assert len(served.get(f"import-sessions/{session['id']}/upload")["files"]) == 3
        # Another file of a name that waits is not put in its place.
        (served.card / "IMG_0001.jpg").write_bytes(b"other")
        with pytest.raises(ImalinkError) as refused:
            client.upload(session["id"], [served.card / "IMG_0001.jpg"])
        assert refused.value.code == "name-taken"


def test_what_cannot_be_sent_is_told_before_or_while_it_is(served: Served, client: ImalinkClient) -> None:
    session = served.post("import-sessions", json={"title": "Sent", "file_storage_id": served.create()["id"]})
    source, other = make_source(served.card, 1), make_source(served.disk / "other", 1)
    with client:
        with pytest.raises(UsageError, match="would both be called IMG_0001.jpg"):
            client.upload(session["id"], [source, other], then_import=False)
        with pytest.raises(UsageError, match="no file"):
            client.upload(session["id"], [])
        with pytest.raises(FileNotFoundError):
            client.upload(session["id"], [source / "gone.jpg"])


@pytest.mark.parametrize(
    ("data", "error"),
    [(b"", SourceChangedError), (b"x" * 99_999, SourceChangedError), (b"y" * 40_000, VerificationError)],
    ids=["shrunk", "grown", "rewritten"],
)
def test_what_changes_while_it_is_sent_is_not_kept(
    served: Served, client: ImalinkClient, monkeypatch: pytest.MonkeyPatch, data: bytes, error: type[ImalinkError]
) -> None:
    session = served.post("import-sessions", json={"title": "Sent", "file_storage_id": served.create()["id"]})
    path = served.disk / "a.jpg"
    path.write_bytes(b"x" * 40_000)
    take = hashlib.file_digest

    def take_and_change(file: io.BufferedReader, name: str) -> object:
        found = take(file, name)
        path.write_bytes(data)
        return found

    with client:
        with monkeypatch.context() as patched, pytest.raises(error):
            patched.setattr(hashlib, "file_digest", take_and_change)
            client.upload(session["id"], [path])
        assert served.get(f"import-sessions/{session['id']}/upload")["files"] == []


def test_an_export_comes_whole_as_an_archive_or_into_a_folder(served: Served, client: ImalinkClient) -> None:
    served.imported(served.create(), source=make_source(served.card, 3))
    with client:
        hothashes = [str(each["hothash"]) for each in client.iter_photos()]
        pieces = list(client.iter_export("", primary_only=True))
        with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
            assert archive.testzip() is None
            assert {"IMG_0001.jpg", "IMG_0002.jpg", "IMG_0003.jpg"} < set(archive.namelist())
        with zipfile.ZipFile(io.BytesIO(b"".join(client.iter_export(hothashes=hothashes[:1])))) as archive:
            assert len(archive.namelist()) == 3
        with pytest.raises(UsageError, match="Say what to export"):
            next(client.iter_export())
        (served.disk / "stick").mkdir()
        done = client.export_to_folder(served.disk / "stick", hothashes=hothashes)
        assert done["total_files"] == 3
        assert len(list(Path(str(done["folder"])).iterdir())) == 5


def test_long_work_is_begun_watched_and_stopped(served: Served, client: ImalinkClient) -> None:
    storage = served.create()
    session = served.post("import-sessions", json={"title": "Italy", "file_storage_id": storage["id"]})
    looks: list[str] = []
    with client:
        body = {"source_directory": str(make_source(served.card, 2))}
        job = client.start("POST", f"import-sessions/{session['id']}/import", json=body)
        report = client.wait_for_job(
            str(job["id"]), on_look=lambda each: looks.append(str(each["state"])), seconds_between_looks=0.02
        )
        assert (report["new_imports"], looks[-1]) == (2, "done")
        assert client.cancel_job(str(job["id"]))["state"] == "done"
        Path(storage["full_path"]).rename(served.disk / "away")
        failed = client.start("POST", f"storage-index/scan/{storage['uuid']}")
        with pytest.raises(StorageOfflineError, match="Blue Samsung") as told:
            client.wait_for_job(str(failed["id"]), seconds_between_looks=0.02)
        assert told.value.hint
