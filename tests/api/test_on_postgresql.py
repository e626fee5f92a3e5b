"""A sample of what is asked of the API on SQLite, asked of one whose catalog stands on a PostgreSQL server.

Every route is asked something that is right, those that take a body also something that is wrong; and by nobody, a
reader and an administrator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from schemathesis import GenerationMode

from imalink.api.rights import iter_rights
from imalink.catalog.dialects import is_postgresql
from imalink.server import make_routes
from tests.api.test_conformance import ASKED, NEEDS_A_BODY, OPERATIONS, Known, ask_as_described, knowing
from tests.api.test_rights import NOBODY, Askers, asking, see_who_may
from tests.support.postgresql import PostgresServer

pytestmark = [pytest.mark.postgresql, pytest.mark.slow]
SENT_AS = (NOBODY, "read-only by token", "admin by login")


@pytest.fixture(scope="module")
def known(
    tmp_path_factory: pytest.TempPathFactory, empty_catalog: Path, postgres_server: PostgresServer
) -> Iterator[Known]:
    folder, url = tmp_path_factory.mktemp("conformance"), postgres_server.make_database()
    with knowing(folder, empty_catalog, IMALINK_DATABASE_URL=url) as found:
        yield found


@pytest.fixture(scope="module")
def askers(
    tmp_path_factory: pytest.TempPathFactory, empty_catalog: Path, postgres_server: PostgresServer
) -> Iterator[Askers]:
    folder, url = tmp_path_factory.mktemp("rights"), postgres_server.make_database()
    with asking(folder, empty_catalog, IMALINK_DATABASE_URL=url) as found:
        yield found


def test_every_route_answers_as_described(known: Known, record_property: Callable[[str, object], None]) -> None:
    with known.served.container.tools().catalog.read() as db:
        assert is_postgresql(db.connection())
    seen: dict[str, int] = {}
    for asked in ASKED:
        label, mode = asked.values
        assert isinstance(label, str)
        assert isinstance(mode, GenerationMode)
        if mode is GenerationMode.NEGATIVE and label not in NEEDS_A_BODY:
            continue
        seen[label] = seen.get(label, 0) + len(ask_as_described(known, label, mode, 1))
    record_property("API: requests on PostgreSQL", sum(seen.values()))
    assert seen.keys() == OPERATIONS.keys()
    assert all(seen.values())


def test_every_route_is_for_those_who_have_its_right(askers: Askers) -> None:
    routes = list(iter_rights(make_routes()))
    assert len(routes) > 80
    for path, method, right in routes:
        for asker in SENT_AS:
            see_who_may(askers, path, method, right, asker)
