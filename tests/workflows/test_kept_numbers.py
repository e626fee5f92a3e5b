"""A recovery gives back what others remember of the catalog: numbers of authors, and when a storage was scanned."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from imalink.catalog.authors import list_authors, remember_author
from imalink.catalog.catalog import Catalog
from imalink.core.session import Author
from imalink.workflows.create_session import create_session
from imalink.workflows.edit_library import create_author, delete_author
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest
from tests.support.postgresql import PostgresServer
from tests.support.workbench import Workbench, make_source

ENGINES = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql))


@pytest.fixture(params=ENGINES)
def machines(request: pytest.FixtureRequest, tmp_path: Path, empty_catalog: Path) -> Iterator[list[Workbench]]:
    """Two machines with one disk; nothing was done yet."""

    def make_catalog() -> Catalog | None:
        if request.param == "sqlite":
            return None
        server: PostgresServer = request.getfixturevalue("postgres_server")
        return Catalog.open(server.make_database())

    with (
        Workbench(tmp_path, empty_catalog=empty_catalog, catalog=make_catalog()) as first,
        Workbench(tmp_path, empty_catalog=empty_catalog, name="another", catalog=make_catalog()) as second,
    ):
        yield [first, second]


def numbers(bench: Workbench) -> dict[str, int]:
    with bench.tools.catalog.read() as db:
        return {each.author.name: each.id for each in list_authors(db)}


def take_in(bench: Workbench) -> None:
    recover(bench.tools, find_candidates(bench.tools, [bench.disk])[0])


def test_authors_keep_their_numbers(machines: list[Workbench], tmp_path: Path) -> None:
    """Whoever remembered ``author_id=4`` is not given somebody else."""
    bench, other = machines
    record = bench.create()
    for name in ("First", "Second", "Third"):
        create_author(bench.tools, name)
    for name in ("First", "Second"):
        delete_author(bench.tools, numbers(bench)[name])
    create_session(bench.tools, title="Planned", author="Of a plan")
    create_session(bench.tools, title="Norway", storage=record.storage_uuid, author="Of a session")
    bench.import_(record, make_source(tmp_path / "card", 1), session="2")
    before = numbers(bench)
    assert {"Third": 4, "Of a plan": 5, "Of a session": 6}.items() <= before.items()
    take_in(other)
    assert numbers(other) == before
    create_author(other.tools, "Next")
    assert numbers(other) == {**before, "Next": 7}


def test_a_number_that_is_taken_or_none_is_another(machines: list[Workbench]) -> None:
    bench, _ = machines
    with bench.tools.catalog.begin() as db:
        given = [
            remember_author(db, Author(name=f"Author {turn}"), number=number)
            for turn, number in enumerate((9, 9, 1, 0, -3, 2**31, 2**70, "12", True, None))
        ]
    assert given == [9, *range(10, 19)]


def test_a_storage_was_scanned_when_its_overview_says(machines: list[Workbench], tmp_path: Path) -> None:
    bench, other = machines
    record = bench.create()
    bench.import_(record, make_source(tmp_path / "card", 1))
    reindex(bench.tools, record, ReindexRequest())
    scanned = bench.record(record.storage_uuid).last_scan_at
    take_in(other)
    assert scanned is not None
    assert other.record(record.storage_uuid).last_scan_at == scanned
