"""Every failure has one shape, a fitting status and words to act on; none shows a trace."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import httpx
import pytest
from fastapi import Request
from sqlalchemy import select

from imalink import errors
from imalink.api.context import Right
from imalink.api.errors import STATUSES, status_of
from imalink.api.schemas.envelope import MEANINGS
from imalink.catalog.models import ImageFile
from imalink.server import create_app
from imalink.storage.file_storage import FileStorage
from tests.api.conftest import Json, Served
from tests.support.workbench import make_source


def failure(document: Json, code: str) -> Json:
    """Check the shape of a failure and give its details."""
    assert set(document) == {"success", "error", "detail"}
    assert document["success"] is False
    error: Json = document["error"]
    assert (error["code"], error["message"]) == (code, document["detail"])
    return error["details"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "nothing", 404, "not-found"),
        ("GET", "file-storage/{uuid}", 404, "not-found"),
        ("POST", "file-storage/{uuid}/accessibility", 404, "not-found"),
        ("GET", "file-storage/storage_uuids/statistics", 404, "not-found"),
        ("POST", "storage-index/scan/recovered_uuids", 404, "not-found"),
        ("GET", "file-storage/11111111-1111-4111-8111-111111111111", 404, "not-found"),
        ("GET", "file-storage/7", 404, "not-found"),
        ("GET", "file-storage/99999999999999999999", 404, "not-found"),
        ("GET", "import-sessions/42", 404, "not-found"),
        ("POST", "storage-index/session/42", 404, "not-found"),
        ("GET", "storage-index/session/abc", 404, "not-found"),
        ("GET", "photos/uuid", 404, "not-found"),
        ("GET", "photos/0123456789abcdef/file", 404, "not-found"),
        ("GET", "images/x/file", 404, "not-found"),
        ("DELETE", "file-storage", 405, "method-not-allowed"),
        ("POST", "import-sessions/1/storage-status", 405, "method-not-allowed"),
    ],
)
def test_what_is_not_there_is_told_in_the_one_shape(
    served: Served, method: str, path: str, status: int, code: str
) -> None:
    for spelling in (path, f"{path}/"):
        failure(served.ask(method, spelling, status=status), code)


def test_a_path_outside_of_the_api_is_told_in_the_same_shape(served: Served) -> None:
    answer = served.http.get("/index.php")
    assert answer.status_code == 404
    failure(answer.json(), "not-found")


def test_a_method_that_is_not_allowed_names_those_that_are(served: Served) -> None:
    assert served.http.put("/api/v1/health").headers["allow"] == "GET"


def test_a_body_that_is_no_json_is_told(served: Served) -> None:
    failure(served.post("file-storage/create", status=400, content=b"base_path=/x"), "invalid-json")


def test_every_field_that_breaks_a_rule_is_named_with_the_rule(served: Served) -> None:
    body = {"base_path": 5, "colour": "blue"}
    details = failure(served.post("file-storage/create", status=422, json=body), "invalid")
    fields: list[Json] = details["fields"]
    assert {(each["field"], each["rule"]) for each in fields} == {
        ("body.base_path", "string_type"),
        ("body.display_name", "missing"),
        ("body.colour", "extra_forbidden"),
    }


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "file-storage/create", {"base_path": "photos", "display_name": "A"}, "body.base_path"),
        ("POST", "file-storage/create", {"base_path": "{disk}", "display_name": "   "}, "body.display_name"),
        ("POST", "file-storage/create", {"base_path": "{disk}", "display_name": "a\0b"}, "body.display_name"),
        ("POST", "file-storage/adopt", {"folder": "photos", "display_name": "A"}, "body.folder"),
        ("POST", "file-storage/recover", {"roots": ["photos"]}, "body.roots"),
        ("POST", "import-sessions", {"title": " "}, "body.title"),
        ("POST", "jobs", {"kind": "scan"}, "body.storage"),
        ("POST", "jobs", {"kind": "import"}, "body.session"),
        ("POST", "authors", {"name": " "}, "body.name"),
        ("POST", "collections", {"title": "\t"}, "body.title"),
        ("POST", "saved-searches", {"title": "a", "query": "colour:red"}, "body.query"),
        ("POST", "export", {"query": "colour:red"}, "body.query"),
        ("POST", "export", {"query": "", "destination": "out"}, "body.destination"),
        ("PATCH", "photos", {"ids": [1], "change": {"taken_at": "yesterday"}}, "body.change.taken_at"),
        ("PATCH", "photos", {"ids": [1], "change": {"add_tags": ["a\0b"]}}, "body.change.add_tags"),
        ("GET", "photos?after=zzz", None, "query.after"),
        ("GET", "photos?q=colour:red", None, "query.q"),
        ("GET", "timeline/days?from=2024-13", None, "query.from"),
    ],
)
def test_a_value_that_cannot_be_taken_is_422_and_names_its_field(
    served: Served, method: str, path: str, body: Json | None, field: str
) -> None:
    told = None if body is None else json.loads(json.dumps(body).replace("{disk}", str(served.disk)))
    details = failure(served.ask(method, path, status=422, json=told), "invalid")
    [broken] = details["fields"]
    assert broken["field"] == field
    assert broken["rule"] in ("value_error", "string_pattern_mismatch")
    assert broken["message"]


def test_a_storage_that_is_away_is_503_with_what_to_do(served: Served) -> None:
    storage = served.create()
    Path(str(storage["full_path"])).rename(served.disk.parent / "away")
    details = failure(served.post(f"storage-index/generate/{storage['uuid']}", status=503), "storage-offline")
    assert details["hint"]


def test_a_storage_in_use_is_423_and_names_whom(served: Served) -> None:
    storage = served.create()
    tools = served.container.tools()
    with FileStorage.open(Path(str(storage["full_path"])), clock=tools.clock) as opened, opened.lock("import"):
        document = served.post(f"storage-index/scan/{storage['uuid']}", status=423)
    failure(document, "storage-locked")
    assert re.search(r"in use by .*import", str(document["detail"]))


def test_a_name_that_is_taken_is_409(served: Served) -> None:
    served.create()
    body = {"base_path": str(served.disk), "display_name": "Blue Samsung"}
    failure(served.post("file-storage/create", status=409, json=body), "name-in-use")
    assert len(list(served.disk.iterdir())) == 1


def test_digits_that_fit_several_pictures_are_409_with_candidates(served: Served) -> None:
    served.imported(served.create(), source=make_source(served.card, 2))
    made: list[str] = []
    with served.container.tools().catalog.begin() as db:
        # Two pictures with the same first digits are not to be had, so the catalog is told of such.
        for row in db.execute(select(ImageFile)).scalars():
            row.hothash = "abcdef01" + row.hothash[8:]
            made.append(row.hothash)
    document = served.get("photos/abcdef01", status=409)
    failure(document, "ambiguous")
    assert len(made) == 2
    assert all(each[:16] in document["detail"] for each in made)


def test_a_catalog_that_cannot_be_used_is_503(served: Served) -> None:
    served.container.tools().catalog.close()  # or what it has read would do for a while
    (served.home / "catalog.sqlite").write_bytes(b"no database at all " * 1000)
    failure(served.get("health", status=503), "catalog-damaged")


def test_a_bug_is_told_without_a_trace(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    def broken_gate(request: Request, right: Right) -> None:
        raise RuntimeError(f"secret of {right} {request.url}")

    app = create_app(served.container.settings, container=served.container, further_hosts=("test",))
    app.state.gate = broken_gate

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get("/api/v1/health")

    answer = asyncio.run(ask())
    assert answer.status_code == 500
    failure(answer.json(), "internal")
    assert "secret" not in answer.text and "Traceback" not in answer.text
    assert "secret" in caplog.text


def test_every_kind_of_error_has_a_status_that_is_documented() -> None:
    def walk(kind: type[errors.ImalinkError]) -> set[type[errors.ImalinkError]]:
        return {kind, *(each for below in kind.__subclasses__() for each in walk(below))}

    for kind in walk(errors.ImalinkError) - {errors.ImalinkError}:
        if kind.__module__ != "imalink.errors":
            continue
        assert status_of(kind("message")) in MEANINGS, kind
    assert status_of(errors.ImalinkError("message")) == 500


def test_no_row_of_the_table_is_hidden_by_one_above() -> None:
    seen: list[type[errors.ImalinkError]] = []
    for kind, _ in STATUSES:
        assert not any(issubclass(kind, before) for before in seen), kind
        seen.append(kind)
