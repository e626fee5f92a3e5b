"""Every list that is paged by number says so in the same words, and refuses what it does not know."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.api.conftest import Served, serving
from tests.support.workbench import make_source

LISTS = {
    "authors": "authors",
    "collections": "collections",
    "saved-searches": "saved_searches",
    "photos/cameras": "cameras",
    "photos/lenses": "lenses",
    "tags": "tags",
    "auth/users": "accounts",
    "auth/tokens": "tokens",
    "jobs": "jobs",
    "operations": "operations",
    "import-sessions": "import_sessions",
    "file-storage": "storages",
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, empty_catalog: Path) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("lists"), empty_catalog) as served:
        served.imported(served.create())
        for title in ("One", "Two", "Three"):
            served.post("collections", json={"title": title})
            served.post("saved-searches", json={"title": title, "query": "rome"})
            served.post("authors", json={"name": title})
        [hothash] = [each["hothash"] for each in served.get("photos?limit=1")["photos"]]
        served.ask("PATCH", f"photos/{hothash}", json={"tags": ["a", "b", "c"]})
        yield served


@pytest.mark.parametrize(("path", "name"), LISTS.items())
def test_a_list_says_how_many_there_are_and_where_this_page_stands(library: Served, path: str, name: str) -> None:
    whole = library.get(path)
    total = len(whole[name])
    assert (whole["total_count"], whole["meta"]["total"], whole["meta"]["offset"]) == (total, total, 0)
    page = library.get(path, params={"limit": 2, "offset": 1})
    assert page[name] == whole[name][1:3]
    assert page["total_count"] == total
    assert page["meta"] == {"total": total, "offset": 1, "limit": 2, "page": 1, "pages": max(1, -(-total // 2))}


def test_the_lists_of_this_test_are_not_all_empty(library: Served) -> None:
    counts = {path: library.get(path)["total_count"] for path in LISTS}
    assert {path for path, count in counts.items() if count >= 3} >= {"authors", "collections", "tags", "operations"}


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("query", ["limit=abc", "limit=0", "limit=501", "offset=-1", "colour=red"])
def test_a_list_refuses_what_cannot_be_asked(library: Served, path: str, query: str) -> None:
    error = library.get(f"{path}?{query}", status=422)["error"]
    assert [each["field"] for each in error["details"]["fields"]] == [f"query.{query.partition('=')[0]}"]


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "photos/cameras"), ("GET", "health"), ("GET", "jobs/1"), ("POST", "collections")]
)
def test_no_route_passes_a_query_over_that_it_does_not_know(library: Served, method: str, path: str) -> None:
    error = library.ask(method, f"{path}?colour=red", status=422)["error"]
    assert error["details"]["fields"] == [
        {"field": "query.colour", "rule": "extra_forbidden", "message": error["message"].removeprefix("query.colour: ")}
    ]


@pytest.mark.parametrize(
    "path", ["/health", "/", "/docs", "/openapi.json", "/metrics", "/api/v1/photos", "/api/v1/images/1/file"]
)
def test_a_head_is_a_get_without_its_content(library: Served, path: str) -> None:
    got, head = library.http.get(path), library.http.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert len(got.content) == int(head.headers["content-length"]) or path == "/metrics"
    assert head.headers["content-type"] == got.headers["content-type"]


def test_a_head_of_a_preview_and_of_what_is_not_there(library: Served) -> None:
    [photo] = library.get("photos?limit=1")["photos"]
    preview = library.http.head(f"/api/v1/photos/{photo['hothash']}/hotpreview")
    assert (preview.status_code, preview.headers["content-type"], preview.content) == (200, "image/jpeg", b"")
    missing = library.http.head("/api/v1/photos/00000000")
    assert (missing.status_code, missing.content) == (404, b"")


def test_the_address_alone_says_where_the_reference_is(library: Served) -> None:
    assert library.http.get("/").json()["data"]["docs"] == "/docs"


def test_a_session_counts_what_comes_in_while_it_comes(served: Served) -> None:
    storage = served.create()
    session = served.post("import-sessions", json={"title": "Italy", "file_storage_id": storage["id"]})
    source = make_source(served.card, 40)
    where = f"/api/v1/import-sessions/{session['id']}"
    answer = served.http.post(
        f"{where}/import", json={"source_directory": str(source)}, headers={"Prefer": "respond-async"}
    )
    job = answer.json()["data"]["job"]["id"]
    seen: set[int] = set()
    with httpx.Client(base_url=str(served.http.base_url), timeout=60) as http:
        while not http.get(f"/api/v1/jobs/{job}").json()["data"]["job"]["is_over"]:
            seen.add(http.get(where).json()["data"]["images_count"])
            seen |= {each["images_count"] for each in http.get("/api/v1/import-sessions").json()["data"]["sessions"]}
    assert served.get(f"import-sessions/{session['id']}")["images_count"] == 40
    assert any(0 < count < 40 for count in seen), seen
