"""What cannot be done as things are is answered 409 with what is in the way, never 400: the request itself is right."""

from __future__ import annotations

from tests.api.conftest import Json, Served
from tests.support.photos import make_jpeg
from tests.support.workbench import make_source


def refused(served: Served, method: str, path: str, body: Json | None = None) -> str:
    """Ask for what the state of things does not allow, and give what is said of it."""
    told = served.ask(method, path, status=409, json=body)
    assert told["error"]["code"] == "wrong-state"
    return told["detail"]


def test_nothing_comes_into_a_session_that_was_rolled_back(served: Served) -> None:
    served.imported(served.create())
    served.post("import-sessions/1/rollback", json={})
    make_jpeg(served.card / "new.jpg", seed=50)
    body = {"source_directory": str(served.card)}
    assert "rolled back" in refused(served, "POST", "import-sessions/1/import", body)
    assert "rolled back already" in refused(served, "POST", "import-sessions/1/rollback", {})


def test_a_session_without_a_storage_takes_and_indexes_nothing(served: Served) -> None:
    served.post("import-sessions", json={"title": "Card"})
    body = {"source_directory": str(make_source(served.card))}
    for path, asked in (("import", body), ("upload", None)):
        assert "no place to go" in refused(served, "POST", f"import-sessions/1/{path}", asked)
    assert "no place" in refused(served, "POST", "storage-index/session/1")


def test_a_storage_that_only_refers_to_a_folder_is_not_written_into_or_relocated(served: Served) -> None:
    source = make_source(served.disk / "pictures")
    served.post("import-sessions", json={"title": "In place"})
    served.post("import-sessions/1/import", json={"source_directory": str(source), "copy_files": False})
    [reference] = served.get("file-storage")["storages"]
    make_source(served.card, first_seed=60)
    session = served.post("import-sessions", json={"title": "Card", "file_storage_id": reference["id"]})
    body = {"source_directory": str(served.card)}
    assert "never written" in refused(served, "POST", f"import-sessions/{session['id']}/import", body)
    assert "by its disk" in refused(
        served, "PUT", f"file-storage/{reference['uuid']}", {"base_path": str(served.disk), "display_name": "x"}
    )


def test_what_a_collection_has_not_is_no_place_in_it(served: Served) -> None:
    served.imported(served.create())
    one, two, *_ = (each["photo_uuid"] for each in served.get("photos")["photos"])
    made = served.post("collections", json={"title": "Best"})
    body = {"photo_uuids": [one], "before": two}
    assert "not in the collection" in refused(served, "POST", f"collections/{made['id']}/photos", body)
