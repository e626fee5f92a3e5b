"""Fresh catalogs on every engine: SQLite in a real file, and a real PostgreSQL server where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from imalink.catalog.catalog import Catalog
from tests.support.catalogs import Catalogs
from tests.support.postgresql import PostgresServer

ENGINES = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql))


@pytest.fixture(scope="module", params=ENGINES)
def catalogs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, empty_catalog: Path
) -> Iterator[Catalogs]:
    """Makes catalogs on one engine after the other."""
    server: PostgresServer | None = None
    if request.param == "postgresql":
        server = cast(PostgresServer, request.getfixturevalue("postgres_server"))
    made = Catalogs(tmp_path_factory.mktemp("catalogs"), empty=empty_catalog, server=server)
    yield made
    made.close()


@pytest.fixture(scope="module")
def sqlite_catalogs(tmp_path_factory: pytest.TempPathFactory, empty_catalog: Path) -> Catalogs:
    return Catalogs(tmp_path_factory.mktemp("catalogs"), empty=empty_catalog)


@pytest.fixture
def catalog_url(catalogs: Catalogs) -> str:
    """The address of an empty catalog on each engine."""
    return catalogs.make_url()


@pytest.fixture
def catalog(catalog_url: str) -> Iterator[Catalog]:
    with Catalog.open(catalog_url) as opened:
        yield opened


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of a SQLite catalog that is not there yet."""
    return f"sqlite:///{tmp_path / 'catalog.sqlite3'}"
