"""Exports over HTTP: archive files that any program opens, folders whose checksums hold, word of what lacks."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from imalink.api.routers import export as route
from tests.api.conftest import Json, Served
from tests.support.photos import make_jpeg


@pytest.fixture
def archived(served: Served) -> list[Json]:
    """The files of an imported session; their names come twice."""
    storage = served.create()
    for number, folder in enumerate(("one", "two")):
        for name in ("IMG_1.jpg", "IMG_2.jpg"):
            path = served.card / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            make_jpeg(path, seed=number * 10 + int(name[4]), rating=5 if folder == "two" else None)
    served.imported(storage, source=served.card)
    files = served.get("import-sessions/1")["files"]
    return [{**file, "path": Path(storage["full_path"]) / file["relative_path"]} for file in files]


def ask(served: Served, body: Json) -> zipfile.ZipFile:
    answer = served.http.post("/api/v1/export", json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    assert "imalink-export-" in answer.headers["content-disposition"]
    return zipfile.ZipFile(io.BytesIO(answer.content))


def report_in(archive: zipfile.ZipFile) -> Json:
    return json.loads(archive.read("imalink-export.json"))


def test_an_archive_file_holds_every_picture_byte_by_byte_under_a_name_of_its_own(
    served: Served, archived: list[Json]
) -> None:
    archive = ask(served, {"query": ""})
    assert archive.testzip() is None
    names = [info.filename for info in archive.infolist()]
    assert sorted(names) == sorted(
        ["IMG_1.jpg", "IMG_1_2.jpg", "IMG_2.jpg", "IMG_2_2.jpg", "SHA256SUMS", "imalink-export.json"]
    )
    sums = {hashlib.sha256(archive.read(name)).hexdigest() for name in names[:4]}
    assert sums == {file["sha256"] for file in archived}
    assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())
    report = report_in(archive)
    assert (len(report["files"]), report["missing"]) == (4, [])


@pytest.mark.skipif(shutil.which("unzip") is None, reason="unzip is not here")
def test_another_program_opens_it(served: Served, archived: list[Json], tmp_path: Path) -> None:
    (tmp_path / "out.zip").write_bytes(served.http.post("/api/v1/export", json={"query": ""}).content)
    subprocess.run(["unzip", "-q", "out.zip", "-d", "out"], cwd=tmp_path, check=True)
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=tmp_path / "out", check=True)
    times = {path.stat().st_mtime for path in (tmp_path / "out").glob("IMG*")}
    assert all(abs(when - min(f["path"].stat().st_mtime for f in archived)) < 3600 for when in times)


def test_what_cannot_be_had_is_told_inside(served: Served, archived: list[Json]) -> None:
    gone, edited, *_ = archived
    gone["path"].unlink()
    edited["path"].write_bytes(edited["path"].read_bytes() + b"more")
    archive = ask(served, {"query": ""})
    report = report_in(archive)
    assert [(file["hothash"], file["status"]) for file in report["missing"]] == [(gone["hothash"], "missing")]
    assert [file["hothash"] for file in report["files"] if file["differs"]] == [edited["hothash"]]
    assert gone["path"].name not in archive.namelist() or len(archive.namelist()) == 5


def test_what_is_away_is_told_as_offline(served: Served, archived: list[Json]) -> None:
    root = Path(served.get("file-storage")["storages"][0]["full_path"])
    root.rename(root.with_name("away"))
    served.post(f"file-storage/{served.get('file-storage')['storages'][0]['uuid']}/accessibility")
    report = report_in(ask(served, {"query": ""}))
    assert (report["files"], {file["status"] for file in report["missing"]}) == ([], {"offline"})


def test_only_what_is_asked_for_is_exported(served: Served, archived: list[Json]) -> None:
    assert len(report_in(ask(served, {"query": "rating:5"}))["files"]) == 2
    [first, *_] = archived
    [file] = report_in(ask(served, {"hothashes": [first["hothash"][:12]]}))["files"]
    assert file["hothash"] == first["hothash"]
    for body in ({}, {"query": "", "hothashes": [first["hothash"]]}):
        assert served.http.post("/api/v1/export", json=body).status_code == 400
    assert served.http.post("/api/v1/export", json={"hothashes": ["0" * 64]}).status_code == 404


def test_a_folder_is_there_when_every_copy_was_read_back(served: Served, archived: list[Json], tmp_path: Path) -> None:
    target = tmp_path / "stick"
    target.mkdir()
    told = served.post("export", json={"query": "", "destination": str(target)})
    folder = Path(told["folder"])
    assert (folder.parent, told["total_files"], told["missing"]) == (target, 4, [])
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=folder, check=True)
    exported = {file["sha256"] for file in told["files"]}
    assert exported == {file["sha256"] for file in archived}
    assert json.loads((folder / "imalink-export.json").read_bytes())["files"] == told["files"]
    assert list(target.iterdir()) == [folder]


def test_no_folder_is_written_where_it_may_not_be(served: Served, archived: list[Json], tmp_path: Path) -> None:
    inside = str(archived[0]["path"].parent)
    assert served.ask("POST", "export", status=400, json={"query": "", "destination": inside})
    assert served.ask("POST", "export", status=403, json={"query": "", "destination": "/etc"})
    told = served.ask("POST", "export", status=404, json={"query": "", "destination": str(tmp_path / "none")})["error"]
    assert told["message"] == f"There is no folder {tmp_path / 'none'}. Nothing was written."
    assert "recover" not in told["details"]["hint"]
    assert not list(tmp_path.rglob("imalink-export-*"))


def test_a_caller_that_leaves_frees_its_place(served: Served, archived: list[Json]) -> None:
    for _ in range(route.MAX_ARCHIVES * 3):
        with served.http.stream("POST", "/api/v1/export", json={"query": ""}):
            pass
    assert ask(served, {"query": ""}).testzip() is None
