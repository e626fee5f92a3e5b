"""The Python client: asks as requests does, helps workflow scripts, and raises what the server told of."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from imalink import client as module
from imalink.client import ImalinkClient
from imalink.errors import (
    ImalinkError,
    NameInUseError,
    NotFoundError,
    ServerUnreachableError,
    StorageOfflineError,
    UsageError,
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
