"""Whatever is asked, as described or not, is answered as described: requests made up from the description itself.

One server with real storages, sessions and pictures answers all; a part of the requests name these.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from imalink.server import make_routes
from tests.api.conftest import Json, Served, serving
from tests.support.workbench import make_source, snapshot

EXAMPLES = 10
"""Of each kind for each operation."""
SCHEMA: Any = schemathesis.openapi.from_dict(make_routes().openapi())
CHECKS: list[Any] = [
    getattr(checks, name)
    for name in ("status_code_conformance", "content_type_conformance", "response_schema_conformance")
]
OPERATIONS: dict[str, Any] = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations()}
ASKED = [
    pytest.param(label, mode, id=f"{label} {mode.value}")
    for label, operation in OPERATIONS.items()
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    # What takes nothing cannot be asked wrongly.
    if mode is GenerationMode.POSITIVE or list(operation.iter_parameters()) or list(operation.body)
]
NEEDS_A_BODY = frozenset(
    {
        "POST /api/v1/file-storage",
        "POST /api/v1/file-storage/create",
        "POST /api/v1/file-storage/adopt",
        "POST /api/v1/import-sessions",
        "POST /api/v1/import-sessions/create",
        "POST /api/v1/import-sessions/{session}/import",
        "PATCH /api/v1/file-storage/{storage}",
        "PUT /api/v1/file-storage/{storage}",
        "PATCH /api/v1/import-sessions/{session}",
        "PATCH /api/v1/photos",
        "PATCH /api/v1/photos/{hothash}",
        "POST /api/v1/photos/delete",
        "POST /api/v1/card-check",
        "POST /api/v1/photos/join",
        "POST /api/v1/photos/split",
        "POST /api/v1/hothash",
        "POST /api/v1/trash/restore",
        "POST /api/v1/quarantine/restore",
        "POST /api/v1/tags/rename",
        "POST /api/v1/authors",
        "POST /api/v1/collections",
        "POST /api/v1/collections/{collection}/photos",
        "POST /api/v1/saved-searches",
        "POST /api/v1/auth/login",
        "POST /api/v1/auth/setup",
    }
)


@dataclass(kw_only=True)
class Known:
    """What is there to be named."""

    served: Served
    source: Path
    storages: list[Json]
    hothashes: list[str]
    photo_uuids: list[str]
    rendition: str
    collection: str
    search: str
    operation: str
    doomed: dict[str, list[object]]
    """The photo that may be deleted, by each of its names: so that the others are there for all that is asked."""
    deleted: str


def is_ours(name: str) -> bool:
    return name.startswith((".imalink", "imalink-"))


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory, empty_catalog: Path) -> Iterator[Known]:
    with knowing(tmp_path_factory.mktemp("conformance"), empty_catalog) as found:
        yield found


@contextmanager
def knowing(folder: Path, empty_catalog: Path, **further: str) -> Generator[Known]:
    """Serve something of everything for a block; ``further`` are variables of settings."""
    with serving(folder, empty_catalog, **further) as served:
        storages = [served.create("Blue Samsung"), served.create("Red Toshiba")]
        source = make_source(folder / "card")
        served.imported(storages[0], source=source)
        served.post("import-sessions", json={"title": "Norway", "file_storage_id": storages[1]["id"]})
        hothashes = [each["hothash"] for each in served.get("import-sessions/1")["files"]]
        shown = served.http.get(f"/api/v1/photos/{hothashes[0]}/hotpreview")
        rendition = shown.headers["content-location"].split("/")[3]
        before = snapshot(source, leaves_out=is_ours)
        photo_uuids = [each["photo_uuid"] for each in served.get("photos")["photos"]]
        served.imported(storages[0], title="Doomed", source=make_source(folder / "doomed", 2, first_seed=70))
        deleted, doomed = [each for each in served.get("photos")["photos"] if each["photo_uuid"] not in photo_uuids]
        served.post("photos/delete", json={"ids": [deleted["id"]]})
        yield Known(
            served=served,
            source=source,
            storages=storages,
            hothashes=hothashes,
            photo_uuids=photo_uuids,
            rendition=rendition,
            collection=served.post("collections", json={"title": "Best", "photo_uuids": photo_uuids})["id"],
            search=served.post("saved-searches", json={"title": "Rome", "query": "rome"})["id"],
            operation=served.ask("PATCH", f"photos/{hothashes[0]}", json={"rating": 3})["operation_uuid"],
            doomed={
                "ids": [doomed["id"]],
                "hothashes": [doomed["hothash"]],
                "photo_uuids": [doomed["photo_uuid"]],
            },
            deleted=deleted["hothash"],
        )
        # A folder may be adopted by what is asked, and gets files of ours then; its pictures stay as they are.
        assert snapshot(source, leaves_out=is_ours) == before


def with_real_names(case: Any, known: Known) -> None:
    """Let about half of the requests name what is there, chosen by their own content, so that a run can be repeated."""
    if case.query and "other" in case.query:
        case.query["other"] = known.hothashes[0]
    body: Any = case.body
    if isinstance(body, dict) and str(case.path).endswith("/photos/delete"):
        for name, doomed in known.doomed.items():
            if body.get(name):  # pyright: ignore[reportUnknownMemberType]  # JSON
                body[name] = doomed
        return
    choice = zlib.crc32(repr((case.path_parameters, case.query, case.body)).encode("utf-8", "backslashreplace"))
    if choice % 2:
        return
    storage = known.storages[choice // 2 % 2]
    real: dict[str, str] = {
        "storage": str(storage["uuid"]),
        "session": str(choice // 4 % 3 + 1),
        "hothash": known.hothashes[choice // 2 % 3],
        "image_id": str(choice // 4 % 4),
        "rendition": known.rendition,
        "size": ("200", "1600")[choice // 8 % 2],
        "author": str(choice // 4 % 3 + 1),
        "collection": known.collection,
        "search": known.search,
        "operation": known.operation,
    }
    for name in list(case.path_parameters or {}):
        case.path_parameters[name] = real.get(name, case.path_parameters[name])
    if isinstance(body, dict):
        places = {
            "source_directory": str(known.source),
            "base_path": str(known.served.disk),
            "folder": str(known.served.disk if case.path == "/api/v1/backup" else known.source),
            "new_path": str(known.served.disk),
            "destination": str(known.served.disk),
        }
        if isinstance(body.get("hothash"), str):  # pyright: ignore[reportUnknownMemberType]  # JSON
            body["hothash"] = known.hothashes[choice // 8 % 3]
        for name, place in places.items():
            if isinstance(body.get(name), str):  # pyright: ignore[reportUnknownMemberType]  # JSON
                body[name] = place
        several: dict[str, list[object]] = {
            "hothashes": [*known.hothashes],
            "photo_uuids": [*known.photo_uuids],
            "ids": [1, 2, 3],
            "names": [known.deleted],
            "paths": [str(path) for path in sorted(known.source.rglob("*.jpg"))],
        }
        for name, values in several.items():
            if body.get(name):  # pyright: ignore[reportUnknownMemberType]  # JSON
                body[name] = values[: choice // 8 % 3 + 1]


@pytest.mark.slow
@pytest.mark.parametrize(("label", "mode"), ASKED)
def test_every_answer_is_as_described(
    known: Known, label: str, mode: GenerationMode, record_property: Callable[[str, object], None]
) -> None:
    seen = ask_as_described(known, label, mode, EXAMPLES)
    record_property("API: requests", len(seen))
    assert seen
    if mode is GenerationMode.NEGATIVE and label in NEEDS_A_BODY:
        assert any(status in (400, 422) for status in seen), seen


def ask_as_described(known: Known, label: str, mode: GenerationMode, examples: int) -> list[int]:
    """Ask so many requests of one operation, see that each is answered as described, and give the statuses."""
    operation = OPERATIONS[label]
    seen: list[int] = []

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.large_base_example],
    )
    def ask(case: Any) -> None:
        with_real_names(case, known)
        response = case.call(base_url=f"http://127.0.0.1:{known.served.port}")
        seen.append(response.status_code)
        assert response.status_code != 500, response.text
        case.validate_response(response, checks=CHECKS)

    ask()
    return seen
