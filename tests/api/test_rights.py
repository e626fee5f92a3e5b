"""Every route for everybody: nobody, somebody who may read, an editor, an administrator; each by login and by token.

Made from the routes themselves, so that one that comes later is tried too.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest

from imalink.api.rights import iter_rights
from imalink.core.account import Right, Role
from imalink.server import API, make_routes
from imalink.workflows.accounts import add_account, add_token
from tests.api.conftest import serving

PASSWORD = "correct horse battery"
NOBODY = "anonymous"
ASKERS = [NOBODY, "wrong token", *(f"{role.value} by {by}" for role in Role for by in ("login", "token"))]
ROUTES = [pytest.param(*route, id=f"{route[1]} {route[0]}") for route in iter_rights(make_routes())]
OTHERWISE = [
    *("/nothing", f"{API}/nothing", f"{API}//file-storage", f"{API}/File-Storage", "/docs/../metrics"),
    *(f"{API}/file-storage/create/x", "/static/../health/report", "/%2e%2e/metrics", "//metrics", "/metrics;x"),
]


@dataclass(kw_only=True)
class Askers:
    """By who asks: what they send, and what right they have."""

    http: httpx.Client
    headers: dict[str, dict[str, str]]
    rights: dict[str, Right]

    def log_in(self, role: Role) -> None:
        """Send the cookie of a new login from now on."""
        answer = self.http.post(f"{API}/auth/login", json={"name": role.value, "password": PASSWORD})
        assert answer.is_success, answer.text
        self.headers[f"{role.value} by login"] = {"cookie": f"imalink={answer.cookies['imalink']}"}
        self.http.cookies.clear()


@pytest.fixture(scope="module")
def askers(tmp_path_factory: pytest.TempPathFactory, empty_catalog: Path) -> Iterator[Askers]:
    with asking(tmp_path_factory.mktemp("rights"), empty_catalog) as found:
        yield found


@contextmanager
def asking(folder: Path, empty_catalog: Path, **further: str) -> Generator[Askers]:
    """Serve an account of each role for a block; ``further`` are variables of settings."""
    with serving(folder, empty_catalog, IMALINK_LOGIN="always", **further) as served:
        tools = served.container.tools()
        found = Askers(
            http=served.http,
            headers={NOBODY: {}, "wrong token": {"authorization": "Bearer imalink_x"}},
            rights={NOBODY: Right.ANYONE, "wrong token": Right.ANYONE},
        )
        for role in reversed(Role):
            add_account(tools, role.value, PASSWORD, role=role)
            secret = add_token(tools, role.value, label="x", right=role.right, days=1)[1]
            found.headers[f"{role.value} by token"] = {"authorization": f"Bearer {secret}"}
            found.log_in(role)
            found.rights |= {f"{role.value} by {by}": role.right for by in ("login", "token")}
        yield found


@pytest.mark.parametrize("asker", ASKERS)
@pytest.mark.parametrize(("path", "method", "right"), ROUTES)
def test_a_route_is_for_those_who_have_its_right(
    askers: Askers, path: str, method: str, right: Right, asker: str
) -> None:
    see_who_may(askers, path, method, right, asker)


def see_who_may(askers: Askers, path: str, method: str, right: Right, asker: str) -> None:
    """Ask as somebody, and see that it is answered as the right of the route says."""
    held = askers.rights[asker]
    # Nothing is called so, and an empty body is none: who passes the gate is told that, and changes nothing.
    answer = askers.http.request(method, re.sub(r"\{\w+\}", "0", path), headers=askers.headers[asker])
    askers.http.cookies.clear()
    if path.endswith("/auth/logout") and asker.endswith("by login"):
        askers.log_in(Role(asker.partition(" ")[0]))
    if held.covers(right):
        assert answer.status_code != 401, answer.text
        if answer.status_code == 403:
            assert "Only who logged in" in answer.text
    else:
        wanted = 401 if held is Right.ANYONE else 403
        assert answer.status_code == wanted
        if method != "HEAD":
            code = "login-refused" if asker == "wrong token" else "login-needed"
            assert answer.json()["error"]["code"] == ("not-allowed" if wanted == 403 else code)


@pytest.mark.parametrize("asker", [NOBODY, "wrong token"])
@pytest.mark.parametrize("path", OTHERWISE)
def test_no_other_spelling_of_a_path_is_a_way_in(askers: Askers, path: str, asker: str) -> None:
    # Letter by letter: httpx would write such paths as others do.
    connection = HTTPConnection("127.0.0.1", askers.http.base_url.port, timeout=30)
    with closing(connection):
        connection.request("GET", path, headers=askers.headers[asker])
        answer = connection.getresponse()
        assert answer.status in (401, 404), answer.read()


@pytest.mark.parametrize("asker", [NOBODY, "wrong token"])
def test_everybody_is_told_where_the_api_is_and_nothing_more(askers: Askers, asker: str) -> None:
    answer = askers.http.get("/", headers=askers.headers[asker])
    assert answer.json()["data"] == {"name": "ImaLink", "api": "/api/v1", "docs": "/docs", "openapi": "/openapi.json"}
