"""What no name may have is refused before anything is written, and a drive full of it is taken in; on both engines."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from imalink.core.signature import Signature
from imalink.formats.signature_file import dump_signature, parse_signature
from tests.api.conftest import Served, serving
from tests.support.postgresql import PostgresServer
from tests.support.workbench import snapshot

ENGINES = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql))
ODD = ["a\0b", "a\x1b[2Jb", "a\u202eb"]


@pytest.fixture(params=ENGINES)
def served(request: pytest.FixtureRequest, tmp_path: Path, empty_catalog: Path) -> Iterator[Served]:
    further: dict[str, str] = {}
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        further["IMALINK_DATABASE_URL"] = server.make_database()
    with serving(tmp_path, empty_catalog, **further) as found:
        yield found


def refused(served: Served, method: str, path: str, body: dict[str, str], field: str) -> None:
    answer = served.ask(method, path, status=422, json=body)
    assert [each["field"] for each in answer["error"]["details"]["fields"]] == [field]


def test_odd_names_and_texts_are_refused_and_nothing_is_written(served: Served) -> None:
    storage = served.create()
    served.imported(storage)
    before = snapshot(served.disk)
    base = str(served.disk)
    for odd in ODD:
        made = {"base_path": base, "display_name": odd}
        refused(served, "POST", "file-storage/create", made, "body.display_name")
        made = {"base_path": base, "display_name": "Red", "description": odd}
        refused(served, "POST", "file-storage/create", made, "body.description")
        refused(served, "PATCH", "file-storage/1", {"display_name": odd}, "body.display_name")
        refused(served, "PATCH", "file-storage/1", {"description": odd}, "body.description")
        refused(served, "POST", "import-sessions/create", {"title": odd}, "body.title")
        refused(served, "PATCH", "import-sessions/1", {"title": odd}, "body.title")
        refused(served, "PATCH", "import-sessions/1", {"description": odd}, "body.description")
        refused(served, "POST", "auth/login", {"name": odd, "password": "whatever it is"}, "body.name")
    assert snapshot(served.disk) == before
    described = served.ask("PATCH", "import-sessions/1", json={"description": "two\nlines"})
    assert described["description"] == "two\nlines"


def test_a_drive_whose_names_are_odd_is_taken_in_and_told_of_safely(served: Served) -> None:
    storage = served.create()
    served.imported(storage)
    served.ask("DELETE", f"file-storage/{storage['uuid']}?force=true")
    root = Path(storage["full_path"])
    shutil.rmtree(root / ".imalink")  # from its journals the indexes would be made as they were
    _change(root / ".imalink-storage")
    for index in (root / "imports").iterdir():
        index.write_bytes(index.read_bytes().replace(b'"Italy"', b'"It\\u0000aly"'))
    found = served.post("file-storage/recover", json={"roots": [str(served.disk)]})
    assert (found["restored_sessions"], found["restored_files"]) == (1, 3)
    [listed] = served.get("file-storage")["storages"]
    assert listed["display_name"] == "Blue\\x00\x1b[2J"
    assert served.get("import-sessions/1")["title"] == "It\\x00aly"
    figures = served.http.get("/metrics").text
    assert "\x1b" not in figures
    assert 'name="Blue' in figures


def _change(path: Path) -> None:
    found: Signature = parse_signature(path.read_bytes())
    path.write_bytes(dump_signature(replace(found, display_name="Blue\0\x1b[2J", description="\0")))
