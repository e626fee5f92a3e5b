"""A storage is seen by its own index files, whatever became of the catalog or of the folder it refers to."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest

from tests.support.scenes import Scene
from tests.support.stranger import Stranger
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
    scene: Scene, imalink: Stranger, trouble: Callable[[Path], AbstractContextManager[None]]
) -> None:
    lent = make_source(scene.folder / "lent", 2, first_seed=50)
    assert imalink("import", lent, "--no-copy", "--title", "Lent").code == 0
    uuid = scene.record.storage_uuid
    scene.bench.close()
    with trouble(scene.bench.database):
        before = snapshot(scene.root)
        for text in (scene.root, scene.record.display_name, uuid[:8]):
            said = imalink("browse", text, "--json")
            assert said.code == 0, said.err
            found = json.loads(said.out)
            assert found["storage_uuid"] == uuid
            assert [session["file_count"] for session in found["sessions"]] == [3]
        assert snapshot(scene.root) == before
        for text in (lent, "lent"):
            found = json.loads(imalink("browse", text, "--json").out)
            assert (found["layout"], found["path"], found["is_accessible"]) == ("reference", str(lent), True)
            assert all(Path(file["hotpreview"]).is_file() for file in found["sessions"][0]["files"])
        lent.rename(scene.folder / "unplugged")
        found = json.loads(imalink("browse", lent, "--json").out)
        assert (found["is_accessible"], found["sessions"][0]["file_count"]) == (False, 2)
        assert "not there now" in imalink("browse", "lent").out
