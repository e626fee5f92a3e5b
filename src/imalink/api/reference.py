"""The reference of the API, written from its OpenAPI description: as a page at ``/docs``, and as Markdown."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import cast

from fastapi import Depends, FastAPI
from starlette.responses import HTMLResponse, Response

from imalink.api.context import Right, needs
from imalink.api.envelope import json_response, success

Json = Mapping[str, object]
_METHODS = ("get", "post", "put", "patch", "delete")


def add_reference_page(app: FastAPI) -> None:
    """Serve ``/openapi.json``, the reference at ``/docs``, one plain page of our own, and at ``/`` where these are."""
    read = [Depends(needs(Right.READ))]

    @app.get("/", include_in_schema=False, dependencies=[Depends(needs(Right.ANYONE))])
    def show_way() -> Response:  # pyright: ignore[reportUnusedFunction]  # registered
        return success({"name": "ImaLink", "api": "/api/v1", "docs": "/docs", "openapi": "/openapi.json"})

    @app.get("/docs", include_in_schema=False, dependencies=read)
    def show_reference() -> Response:  # pyright: ignore[reportUnusedFunction]  # registered
        return HTMLResponse(page(app.openapi()))

    @app.get("/openapi.json", include_in_schema=False, dependencies=read)
    def show_description() -> Response:  # pyright: ignore[reportUnusedFunction]  # registered
        return json_response(app.openapi())


def page(document: Json) -> str:
    """Give the reference as HTML."""
    lines = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8"><title>ImaLink: the REST API</title></head><body>',
        '<h1>The REST API</h1><p>As a program reads it: <a href="/openapi.json">openapi.json</a></p>',
    ]
    for tag, routes in _by_tag(document).items():
        lines.append(f"<h2>{html.escape(tag)}</h2>")
        for path, method, route in routes:
            lines.append(f"<h3><code>{method.upper()} {html.escape(path)}</code></h3>")
            lines.append(f"<p>{html.escape(_text(route, 'description'))}</p>")
            rows = [*_parameters(route), *_fields(document, route)]
            if rows:
                lines.append("<table>")
                lines += [f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>" for row in rows]
                lines.append("</table>")
            lines.append(f"<p>For: {html.escape(_text(route, 'x-right'))}</p>")
            answers = "; ".join(f"{status}: {meaning}" for status, meaning in _answers(route))
            lines.append(f"<p>{html.escape(answers)}</p>")
    lines.append("</body></html>")
    return "\n".join(lines)


def markdown(document: Json) -> str:
    """Give the reference as Markdown, section by section."""
    lines: list[str] = []
    for tag, routes in _by_tag(document).items():
        lines += [f"## {tag}", ""]
        for path, method, route in routes:
            lines += [f"### `{method.upper()} {path}`", "", _text(route, "description").replace("\n", " "), ""]
            rows = [*_parameters(route), *_fields(document, route)]
            if rows:
                lines += ["| Name | In | Type | Meaning |", "|---|---|---|---|"]
                lines += [f"| `{row[0]}` | {' | '.join(_cell(cell) for cell in row[1:])} |" for row in rows]
                lines.append("")
            example = _example(document, route)
            if example is not None:
                lines += ["```json", json.dumps(example, indent=2, ensure_ascii=False), "```", ""]
            lines += [f"For: {_text(route, 'x-right')}.", ""]
            lines += ["Answers: " + ", ".join(f"{status}" for status, _ in _answers(route)) + ".", ""]
    return "\n".join(lines)


def _by_tag(document: Json) -> dict[str, list[tuple[str, str, Json]]]:
    found: dict[str, list[tuple[str, str, Json]]] = {}
    for path, methods in _table(document, "paths").items():
        for method in _METHODS:
            route = _table(cast(Json, methods), method)
            if route:
                tags = cast("list[str]", route.get("tags") or ["other"])
                found.setdefault(tags[0], []).append((path, method, route))
    return found


def _parameters(route: Json) -> Iterator[tuple[str, str, str, str]]:
    for each in cast("list[Json]", route.get("parameters") or []):
        needed = "" if each.get("required") else ", optional"
        yield (
            _text(each, "name"),
            _text(each, "in") + needed,
            _type(_table(each, "schema")),
            _text(each, "description"),
        )


def _fields(document: Json, route: Json) -> Iterator[tuple[str, str, str, str]]:
    schema = _body(document, route)
    required = cast("list[str]", schema.get("required") or [])
    for name, field in _table(schema, "properties").items():
        said = cast(Json, field)
        needed = "" if name in required else ", optional"
        yield name, f"body{needed}", _type(said), _text(said, "description")


def _body(document: Json, route: Json) -> Json:
    content = _table(_table(route, "requestBody"), "content")
    schema = _table(_table(content, "application/json"), "schema")
    for choice in (schema, *cast("list[Json]", schema.get("anyOf") or [])):
        name = _text(choice, "$ref").rpartition("/")[2]
        if name:
            return _table(_table(_table(document, "components"), "schemas"), name)
    return {}


def _example(document: Json, route: Json) -> dict[str, object] | None:
    """Give a body made of the fields' own examples; None where there are none."""
    found = {
        name: examples[0]
        for name, field in _table(_body(document, route), "properties").items()
        if (examples := cast("list[object]", cast(Json, field).get("examples") or []))
    }
    return found or None


def _answers(route: Json) -> Iterator[tuple[str, str]]:
    for status, answer in sorted(_table(route, "responses").items()):
        said = _text(cast(Json, answer), "description")
        yield status, said if said != "Successful Response" else HTTPStatus(int(status)).phrase


def _type(schema: Json) -> str:
    choices = [each for each in cast("list[Json]", schema.get("anyOf") or []) if each.get("type") != "null"]
    if choices:
        return " or ".join(_type(each) for each in choices)
    values = cast("list[object]", schema.get("enum") or [])
    if values:
        return ", ".join(map(str, values))
    if schema.get("type") == "array":
        return f"list of {_type(_table(schema, 'items'))}"
    return _text(schema, "type") or "object"


def _table(document: Json, name: str) -> Json:
    found = document.get(name)
    return cast(Json, found) if isinstance(found, Mapping) else {}


def _text(document: Json, name: str) -> str:
    found = document.get(name)
    return found if isinstance(found, str) else ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
