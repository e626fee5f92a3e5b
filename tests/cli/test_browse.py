"""A storage is seen by its own index files, whatever became of the catalog or of the folder it refers to."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest

from tests.support.scenes import Scene
from tests.support.stranger import Here
from tests.support.workbench import make_source, snapshot


@contextmanager
def deleted(database: Path) -> Generator[None]:
    for path in database.parent.glob("catalog.sqlite*"):
        path.unlink()
    yield


@contextmanager
def damaged(database: Path) -> Generator[None]:
    database.write_bytes(b"not a database at all " * 500)
    yield


@contextmanager
def locked(database: Path) -> Generator[None]:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield


@pytest.mark.parametrize("trouble", [deleted, damaged, locked], ids=["deleted", "damaged", "locked"])
def test_a_storage_is_browsed_by_folder_name_or_uuid_without_the_catalog(
    scene: Scene, here: Here, trouble: Callable[[Path], AbstractContextManager[None]]
) -> None:
    lent = make_source(scene.folder / "lent", 2, first_seed=50)
    assert here("import", lent, "--no-copy", "--title", "Lent").code == 0
    uuid = scene.record.storage_uuid
    scene.bench.close()
    with trouble(scene.bench.database):
        before = snapshot(scene.root)
        for text in (scene.root, scene.record.display_name, uuid[:8]):
            said = here("browse", text, "--json")
            assert said.code == 0, said.err
            found = json.loads(said.out)
            assert found["storage_uuid"] == uuid
            assert [session["file_count"] for session in found["sessions"]] == [3]
        assert snapshot(scene.root) == before
        for text in (lent, "lent"):
            found = json.loads(here("browse", text, "--json").out)
            assert (found["layout"], found["path"], found["is_accessible"]) == ("reference", str(lent), True)
            assert all(Path(file["hotpreview"]).is_file() for file in found["sessions"][0]["files"])
        lent.rename(scene.folder / "unplugged")
        found = json.loads(here("browse", lent, "--json").out)
        assert (found["is_accessible"], found["sessions"][0]["file_count"]) == (False, 2)
        assert "not there now" in here("browse", "lent").out


def _lose_sessions(root: Path) -> None:
    shutil.rmtree(root / "imports")


def _lose_all_but_the_two(root: Path) -> None:
    _lose_sessions(root)
    shutil.rmtree(root / ".imalink")


def _empty_the_folder(root: Path) -> None:
    for path in (root / "imports").iterdir():
        path.unlink()


@pytest.mark.parametrize("lose", [_empty_the_folder, _lose_sessions, _lose_all_but_the_two])
def test_a_session_whose_index_is_gone_is_shown_as_the_overview_and_the_master_know_it(
    scene: Scene, here: Here, lose: Callable[[Path], None]
) -> None:
    scene.import_pictures(2, first_seed=20, title="Norway")
    [first, second] = here("browse", scene.root, "--json").json["sessions"]
    lose(scene.root)
    before = snapshot(scene.root)
    said = here("browse", scene.root, "--json")
    assert said.code == 4
    assert [(each["id"], each["title"], each["file_count"], each["known_from"]) for each in said.json["sessions"]] == [
        (1, "Italy", 3, "overview"),
        (2, "Norway", 2, "overview"),
    ]
    for lost, whole in zip(said.json["sessions"], (first, second), strict=True):
        assert (lost["session_uuid"], lost["imported_at"]) == (whole["session_uuid"], whole["imported_at"])
        assert [file["full_path"] for file in lost["files"]] == [file["full_path"] for file in whole["files"]]
        has_previews = (scene.root / ".imalink").exists()
        assert all((file["hotpreview"] is not None) is has_previews for file in lost["files"])
    assert [(each["code"], Path(each["path"]).name) for each in said.json["findings"]] == [
        ("index-missing", "session_1.json"),
        ("index-missing", "session_2.json"),
    ]
    one = here("browse", scene.root, "--session", "2")
    assert one.code == 4 and "Norway" in one.out and "Italy" not in one.out
    assert all(file["relative_path"] in one.out for file in second["files"])
    assert "imalink regenerate" in one.out and "session_2.json" in one.err
    assert here("browse", scene.root, "--session", "3").code == 10
    assert snapshot(scene.root) == before
    assert here("regenerate", scene.record.storage_uuid[:8]).code in (0, 4)
    again = here("browse", scene.root, "--json")
    assert (again.code, again.json["sessions"]) == (0, [first, second])


def test_without_session_indexes_and_overview_the_master_tells_what_it_knows(scene: Scene, here: Here) -> None:
    _lose_sessions(scene.root)
    (scene.root / "index.json").write_text("[]")
    said = here("browse", scene.root, "--json")
    [session] = said.json["sessions"]
    assert (said.code, session["title"], session["imported_at"], session["known_from"]) == (4, None, None, "master")
    assert (session["file_count"], len(session["files"])) == (3, 3)
    assert {(each["code"], each["path"]) for each in said.json["findings"]} == {
        ("index-unreadable", "index.json"),
        ("index-missing", "imports/session_1.json"),
    }
    (scene.root / "imalink-master.json").unlink()
    said = here("browse", scene.root, "--json")
    assert (said.code, said.json["sessions"]) == (4, [])
    assert ("index-missing", "imalink-master.json") in {(each["code"], each["path"]) for each in said.json["findings"]}


def test_a_damaged_session_index_is_not_said_to_be_rebuilt_and_its_session_stays_in_sight(
    scene: Scene, here: Here
) -> None:
    damaged = scene.root / "imports" / "session_1.json"
    damaged.write_text("[]")
    said = here("browse", scene.root)
    assert said.code == 4 and "Italy" in said.out and "3 files" in said.out
    assert "imports/session_1.json" in said.err
    assert "rebuilt" not in said.err and "backup" not in said.err
    assert damaged.read_text() == "[]"
    [finding] = here("browse", scene.root, "--json").json["findings"]
    assert (finding["code"], finding["path"]) == ("index-unreadable", "imports/session_1.json")
