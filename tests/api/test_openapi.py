"""The description of the API: complete, and the same as its page; every route asks for a right."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from imalink.api.reference import markdown
from imalink.api.rights import check_rights, iter_rights
from imalink.api.schemas.envelope import MEANINGS
from imalink.core.account import Right
from imalink.server import API, make_routes
from scripts.make_api_reference import PAGE, render
from tests.api.conftest import Served

Json = dict[str, Any]
DOCUMENT: Json = make_routes().openapi()
ROUTES = [
    pytest.param(path, method, route, id=f"{method.upper()} {path}")
    for path, methods in DOCUMENT["paths"].items()
    for method, route in methods.items()
]
EXCEPTIONS = {
    "GET /": Right.ANYONE,
    "GET /health": Right.ANYONE,
    "GET /auth/me": Right.ANYONE,
    "POST /auth/login": Right.ANYONE,
    "POST /auth/logout": Right.ANYONE,
    "POST /auth/setup": Right.ANYONE,
    "POST /auth/password": Right.READ,
    "POST /auth/tokens": Right.READ,
    "DELETE /auth/tokens/{token}": Right.READ,
    "POST /file-storage/{storage}/accessibility": Right.READ,
    "POST /export": Right.READ,
    "GET /auth/users": Right.ADMINISTER,
    "GET /audit": Right.ADMINISTER,
}
LITERAL = [
    "POST file-storage/create",
    "POST file-storage",
    "GET file-storage",
    "GET file-storage/{storage}",
    "PATCH file-storage/{storage}",
    "DELETE file-storage/{storage}",
    "GET file-storage/{storage}/statistics",
    "POST file-storage/{storage}/accessibility",
    "POST file-storage/{storage}/deactivate",
    "POST file-storage/{storage}/reactivate",
    "POST file-storage/adopt",
    "POST file-storage/recover",
    "POST file-storage/{storage}/verify",
    "GET file-storage/{storage}/browse",
    "POST storage-index/generate/{storage}",
    "POST storage-index/session/{session}",
    "GET storage-index/status/{storage}",
    "POST storage-index/scan/{storage}",
    "GET storage-index/master/{storage}",
    "GET storage-index/session/{session}",
    "GET storage-index/conflicts/{storage}",
    "POST import-sessions/create",
    "POST import-sessions",
    "GET import-sessions",
    "GET import-sessions/{session}",
    "PATCH import-sessions/{session}",
    "DELETE import-sessions/{session}",
    "POST import-sessions/{session}/import",
    "POST import-sessions/{session}/upload",
    "POST export",
    "POST import-sessions/{session}/resume",
    "POST import-sessions/{session}/rollback",
    "GET import-sessions/{session}/storage-status",
    "POST import-sessions/{session}/update-storage-path",
    "GET storage/scan-locations",
    "GET images/{image_id}/file",
    "GET photos",
    "GET photos/cameras",
    "GET photos/lenses",
    "PATCH photos",
    "GET photos/{hothash}",
    "PATCH photos/{hothash}",
    "POST photos/delete",
    "GET trash",
    "POST trash/restore",
    "POST trash/empty",
    "GET quarantine",
    "POST quarantine/restore",
    "POST quarantine/empty",
    "POST file-storage/{storage}/heal",
    "POST file-storage/{storage}/enrich",
    "POST file-storage/{storage}/unlock",
    "POST card-check",
    "POST backup",
    "POST recovery-drill",
    "POST photos/join",
    "POST photos/split",
    "GET photos/{hothash}/explain",
    "POST hothash",
    "GET import-sessions/statistics",
    "GET photos/{hothash}/file",
    "GET photos/{hothash}/hotpreview",
    "GET photos/{hothash}/coldpreview",
    "GET photos/{hothash}/locations",
    "GET health",
    "GET /p/{hothash}/{rendition}/{size}.jpg",
    "GET timeline/layout",
    "GET timeline/days",
    "GET timeline/items",
    "GET timeline/locate",
    "GET tags",
    "POST tags/rename",
    "GET authors",
    "POST authors",
    "GET authors/{author}",
    "PATCH authors/{author}",
    "DELETE authors/{author}",
    "GET collections",
    "POST collections",
    "GET collections/{collection}",
    "PATCH collections/{collection}",
    "DELETE collections/{collection}",
    "GET collections/{collection}/photos",
    "POST collections/{collection}/photos",
    "GET saved-searches",
    "POST saved-searches",
    "GET operations",
    "POST operations/{operation}/undo",
]


def test_every_promised_route_is_there() -> None:
    there = {f"{method.upper()} {path.removeprefix(f'{API}/')}" for path in DOCUMENT["paths"] for method in DOCUMENT["paths"][path]}  # fmt: skip  # noqa: E501
    assert set(LITERAL) - there == set()


@pytest.mark.parametrize(("path", "method", "route"), ROUTES)
def test_a_route_says_what_it_does_and_what_may_come_back(path: str, method: str, route: Json) -> None:
    assert route["tags"] and route["description"].strip().endswith(".")
    statuses = {int(status) for status in route["responses"]}
    good = {status for status in statuses if status < 400}
    assert good and statuses - good <= set(MEANINGS)
    assert {400, 401, 403, 404, 422} <= statuses
    for status in statuses - good:
        schema = route["responses"][str(status)]["content"]["application/json"]["schema"]
        assert schema["$ref"].endswith("/Failure")
    for parameter in route.get("parameters", []):
        assert parameter.get("description"), parameter


@pytest.mark.parametrize(("path", "method", "route"), ROUTES)
def test_the_examples_of_a_body_are_what_it_takes(path: str, method: str, route: Json) -> None:
    body = route.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    for choice in (body, *body.get("anyOf", [])):
        if "$ref" not in choice:
            continue
        name = choice["$ref"].rpartition("/")[2]
        schema: Json = DOCUMENT["components"]["schemas"][name]
        assert schema["additionalProperties"] is False
        example = {key: field["examples"][0] for key, field in schema["properties"].items() if field.get("examples")}
        assert set(schema.get("required", [])) <= set(example), name
        jsonschema.validate(example, {**schema, "components": DOCUMENT["components"]})


def test_reading_needs_the_right_to_read_and_changing_more() -> None:
    rights = {f"{method} {path.removeprefix(API)}": right for path, method, right in iter_rights(make_routes())}
    for name, right in rights.items():
        wanted = EXCEPTIONS.get(name)
        if wanted is not None:
            assert right is wanted, name
        elif name.startswith(("GET ", "HEAD ")):
            assert right is Right.READ, name
        else:
            assert right in (Right.EDIT, Right.ADMINISTER), name
    assert set(EXCEPTIONS) <= set(rights)
    for name in (
        "POST /file-storage/create",
        "DELETE /file-storage/{storage}",
        "POST /file-storage/recover",
        "POST /trash/empty",
    ):
        assert rights[name] is Right.ADMINISTER


def test_a_route_that_asks_for_no_right_keeps_the_server_from_starting() -> None:
    for add in (lambda app: app.get("/open")(lambda: None), lambda app: app.websocket("/open")(lambda: None)):  # pyright: ignore[reportUnknownLambdaType, reportUnknownMemberType, reportUnknownVariableType]
        app = make_routes()
        check_rights(app)
        add(app)
        with pytest.raises(AssertionError, match="/open"):
            check_rights(app)


@pytest.mark.parametrize(("path", "method", "route"), ROUTES)
def test_a_route_says_who_may_use_it(path: str, method: str, route: Json) -> None:
    right = next(right for each, verb, right in iter_rights(make_routes()) if (each, verb.lower()) == (path, method))
    assert route["security"] == ([] if right is Right.ANYONE else [{"token": []}, {"login": []}])
    assert route["x-right"]


def test_the_page_is_that_of_the_routes() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), "run scripts/make_api_reference.py"
    text = markdown(DOCUMENT)
    for path, methods in DOCUMENT["paths"].items():
        for method in methods:
            assert f"### `{method.upper()} {path}`" in text


def test_the_description_is_served(served: Served) -> None:
    found = served.http.get("/openapi.json/")
    assert found.json() == json.loads(json.dumps(DOCUMENT))
