"""Which files are of one photo, how two pictures stand to each other, which picture a file holds: asked over HTTP."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from imalink.workflows.storage_access import get_storage, open_storage
from tests.api.conftest import Json, Served, serving
from tests.support.photos import make_jpeg
from tests.support.workbench import make_source, snapshot


@pytest.fixture
def storage(served: Served) -> Json:
    """A storage with three imported photos."""
    made = served.create()
    served.imported(made)
    return made


def hothashes_of(served: Served) -> list[str]:
    return [each["hothash"] for each in served.get("photos")["photos"]]


def test_photos_are_joined_split_again_and_both_can_be_undone(served: Served, storage: Json) -> None:
    first, second, third = hothashes_of(served)
    before = snapshot(Path(storage["full_path"]) / "photos")
    joined = served.post("photos/join", json={"hothashes": [first, second[:12]]})
    assert {each["hothash"] for each in joined["files"]} == {first, second}
    assert hothashes_of(served) == [joined["primary"], third]
    served.post(f"operations/{served.get('operations')['operations'][0]['operation_uuid']}/undo")
    assert hothashes_of(served) == [first, second, third]
    served.post("photos/join", json={"hothashes": [first, second]})
    split = served.post("photos/split", json={"hothash": second})
    assert [each["hothash"] for each in split["photo"]["files"]] == [second]
    assert [each["hothash"] for each in split["left"]["files"]] == [first]
    assert set(hothashes_of(served)) == {first, second, third}
    assert snapshot(Path(storage["full_path"]) / "photos") == before


def test_what_was_said_stays_with_the_photo_that_goes_on(served: Served, storage: Json) -> None:
    first, second, _ = hothashes_of(served)
    served.ask("PATCH", f"photos/{first}", json={"rating": 4})
    assert served.post("photos/join", json={"hothashes": [first, second]})["rating"] == 4
    split = served.post("photos/split", json={"hothash": second})
    assert (split["left"]["rating"], split["photo"]["rating"]) == (4, None)


def test_what_cannot_be_joined_or_split_is_refused(served: Served, storage: Json) -> None:
    first, *_ = hothashes_of(served)
    served.ask("POST", "photos/join", json={"hothashes": [first]}, status=422)
    served.ask("POST", "photos/join", json={"hothashes": [first, first]}, status=400)
    served.ask("POST", "photos/join", json={"hothashes": [first, "0" * 64]}, status=404)
    assert served.ask("POST", "photos/split", json={"hothash": first}, status=409)["error"]["code"] == "wrong-state"
    assert len(hothashes_of(served)) == 3


def test_nothing_is_joined_while_a_storage_of_them_is_at_work_or_away(served: Served, storage: Json) -> None:
    first, second, third = hothashes_of(served)
    tools = served.container.tools()
    body = {"hothashes": [first, second]}
    with open_storage(tools, get_storage(tools, storage["uuid"])) as opened, opened.lock("test"):
        assert served.ask("POST", "photos/join", json=body, status=423)["error"]["code"] == "storage-locked"
    away = served.disk / "unplugged"
    shutil.move(storage["full_path"], away)
    before = snapshot(away)
    assert served.ask("POST", "photos/join", json=body, status=503)["error"]["code"] == "storage-offline"
    assert snapshot(away) == before
    shutil.move(away, storage["full_path"])
    assert hothashes_of(served) == [first, second, third]


def test_it_is_told_why_two_pictures_are_or_are_not_the_same(served: Served, storage: Json) -> None:
    first, second, _ = hothashes_of(served)
    found = served.get(f"photos/{first[:10]}/explain?other={second}")
    assert found["relation"] not in ("same-file", "same-bytes", "same-picture", "same-photo")
    assert (found["a"]["hothash"], found["b"]["hothash"]) == (first, second)
    assert found["reasons"]
    served.post("photos/join", json={"hothashes": [first, second]})
    assert served.get(f"photos/{first}/explain?other={second}")["relation"] == "same-photo"
    assert served.get(f"photos/{first}/explain?other={first}")["relation"] == "same-bytes"


def test_no_file_of_the_server_is_read_to_explain(served: Served, storage: Json) -> None:
    first, *_ = hothashes_of(served)
    (Path.cwd() / "README.md").read_bytes()  # it is there, and no hothash
    served.get(f"photos/{first}/explain?other=README.md", status=422)
    served.get("photos/README.md/explain?other=" + first, status=404)
    served.get(f"photos/{first}/explain", status=422)


def test_files_are_identified_wherever_they_are(served: Served, storage: Json) -> None:
    known = set(hothashes_of(served))
    card = make_source(served.disk / "card", 3)
    paths = [str(path) for path in sorted(card.rglob("*.jpg"))]
    found = served.post(
        "hothash", json={"paths": [*paths, str(card / "none.jpg"), str(card), str(card / ("x" * 300))]}
    )["files"]
    assert {each["hothash"] for each in found[:3]} == known
    assert [set(each) for each in found[3:]] == [{"path", "error"}] * 3


def test_a_file_is_identified_only_where_folders_may_be_named(tmp_path: Path, empty_catalog: Path) -> None:
    make_jpeg(tmp_path / "a.jpg", seed=1)
    allowed = tmp_path / "disk"
    with serving(tmp_path, empty_catalog, IMALINK_STORAGE_ROOTS=str(allowed)) as served:
        make_jpeg(allowed / "a.jpg", seed=1)
        (allowed / "link.jpg").symlink_to(tmp_path / "a.jpg")
        assert served.post("hothash", json={"paths": [str(allowed / "a.jpg")]})["files"][0]["hothash"]
        for path in (tmp_path / "a.jpg", allowed / "link.jpg", allowed / ".." / "a.jpg"):
            told = served.ask("POST", "hothash", json={"paths": [str(path)]}, status=403)
            assert told["error"]["code"] == "folder-refused"


def test_imports_are_counted_month_by_month(served: Served) -> None:
    assert served.get("import-sessions/statistics")["months"] == []
    served.imported(served.create())
    [month] = served.get("import-sessions/statistics")["months"]
    assert (month["session_count"], month["picture_count"], month["file_count"]) == (1, 3, 3)
    assert month["total_size_bytes"] > 0
