"""Logging in over HTTP: who is let in, by what, for how long; and what nobody may do without."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from starlette.requests import HTTPConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from imalink.api.account_gate import AccountGate
from imalink.api.routers import events
from imalink.client import ImalinkClient
from imalink.core.account import AskerKind, Right, Role
from imalink.core.audit import AuditAction
from imalink.errors import CatalogError, LoginNeededError, LoginRefusedError, NotAllowedError
from imalink.server import API
from imalink.workflows.accounts import add_account, add_token, prepare_setup, remove_account, revoke_token
from imalink.workflows.tools import Tools
from imalink.workflows.write_audit import list_audit
from tests.api.conftest import Served, serving
from tests.support.workbench import make_source

PASSWORD = "correct horse battery"


@dataclass(kw_only=True)
class Household:
    """A server with an account of each role, and what is known of each."""

    served: Served
    tools: Tools
    tokens: dict[Role, str] = field(default_factory=dict[Role, str])
    clients: list[httpx.Client] = field(default_factory=list[httpx.Client])

    def client(self, role: Role | None = None, *, headers: dict[str, str] | None = None) -> httpx.Client:
        """A browser of its own, logged in if a role is named."""
        client = httpx.Client(base_url=f"http://127.0.0.1:{self.served.port}", timeout=60, headers=headers)
        self.clients.append(client)
        if role is not None:
            answer = client.post(f"{API}/auth/login", json={"name": role.value, "password": PASSWORD})
            assert answer.is_success, answer.text
        return client

    def with_token(self, role: Role) -> httpx.Client:
        return self.client(headers={"authorization": f"Bearer {self.tokens[role]}"})


@pytest.fixture
def household(tmp_path: Path, empty_catalog: Path) -> Iterator[Household]:
    with serving(tmp_path, empty_catalog) as served:
        tools = served.container.tools()
        found = Household(served=served, tools=tools)
        for role in reversed(Role):
            add_account(tools, role.value, PASSWORD, role=role)
            found.tokens[role] = add_token(tools, role.value, label="a script", right=role.right, days=1)[1]
        served.app.state.gate.forget()
        yield found
        for client in found.clients:
            client.close()


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


# who is asked


def test_the_gate_knows_at_once_who_asks_only_where_nobody_has_to_say_it(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = AccountGate(served.container.tools(), asks_always=False)
    asked = HTTPConnection({"type": "http", "headers": [], "client": ("127.0.0.1", 1), "scheme": "http"})
    assert gate.find_local(asked) is None, "it has not looked yet"
    assert not gate.asks_for_login()
    found = gate.find_local(asked)
    assert found is not None
    assert (found.kind, found.right, found.address) == (AskerKind.LOCAL, Right.ADMINISTER, "127.0.0.1")
    add_account(served.container.tools(), "anna", PASSWORD, role=Role.ADMIN)
    monkeypatch.setattr("imalink.api.account_gate._LOOKED_UP_SECONDS", -1.0)
    assert gate.find_local(asked) is None, "it may be otherwise by now"
    monkeypatch.undo()
    gate.forget()
    assert gate.asks_for_login()
    assert gate.find_local(asked) is None
    assert AccountGate(served.container.tools(), asks_always=True).find_local(asked) is None


def test_without_accounts_nobody_on_this_machine_is_asked(served: Served) -> None:
    assert served.get("auth/me") == {
        "known_by": "local",
        "name": None,
        "right": "administer",
        "login_needed": False,
        "setup_needed": False,
    }
    served.create()
    assert served.http.get(f"{API}/file-storage", headers={"authorization": "Bearer nonsense"}).is_success


def test_with_the_first_account_everybody_is_asked_within_a_second(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert served.http.get(f"{API}/file-storage").is_success
    add_account(served.container.tools(), "ada", PASSWORD, role=Role.ADMIN)  # as another process does it
    monkeypatch.setattr("imalink.api.account_gate._LOOKED_UP_SECONDS", 0.0)
    answer = served.http.get(f"{API}/file-storage")
    assert code_of(answer) == (401, "login-needed")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_server_that_always_asks_serves_nobody_before_the_first_account(tmp_path: Path, empty_catalog: Path) -> None:
    with serving(tmp_path, empty_catalog, IMALINK_LOGIN="always") as served:
        assert code_of(served.http.get(f"{API}/file-storage")) == (401, "login-needed")
        assert served.get("auth/me")["setup_needed"] is True
        assert served.http.get("/health").json()["data"] == {"status": "ok", "version": None, "library_rev": None}


# the first account


def test_the_first_account_is_made_with_the_token_of_the_console(tmp_path: Path, empty_catalog: Path) -> None:
    with serving(tmp_path, empty_catalog, IMALINK_LOGIN="always") as served:
        token = prepare_setup(served.container.tools())
        body = {"token": token, "name": "Ada", "password": PASSWORD}
        for wrong in ({**body, "token": "x"}, {**body, "token": f"{token}x"}):
            assert code_of(served.http.post(f"{API}/auth/setup", json=wrong)) == (401, "login-refused")
        made = served.post("auth/setup", json=body)
        assert (made["name"], made["right"], made["setup_needed"]) == ("ada", "administer", False)
        assert served.http.get(f"{API}/auth/users").json()["data"]["accounts"][0]["name"] == "ada"
        again = served.http.post(f"{API}/auth/setup", json={**body, "name": "eve"})
        assert code_of(again) == (401, "login-refused")
        assert prepare_setup(served.container.tools()) is None


def test_the_set_up_token_counts_for_a_day(tmp_path: Path, empty_catalog: Path) -> None:
    with serving(tmp_path, empty_catalog, IMALINK_LOGIN="always") as served:
        tools = served.container.tools()
        earlier = replace(tools, clock=Later(tools, -timedelta(hours=25)))
        body = {"token": prepare_setup(earlier), "name": "ada", "password": PASSWORD}
        assert code_of(served.http.post(f"{API}/auth/setup", json=body)) == (401, "login-refused")


def test_an_open_server_lets_nobody_make_accounts_over_http(served: Served) -> None:
    user = {"name": "eve", "password": PASSWORD, "role": "admin"}
    answer = served.http.post(f"{API}/auth/users", json=user)
    assert code_of(answer) == (403, "not-allowed")
    assert answer.json()["error"]["message"].startswith("There are no accounts here yet")
    setup = {"token": "", "name": "eve", "password": PASSWORD}
    assert served.http.post(f"{API}/auth/setup", json=setup).status_code == 422
    assert served.http.post(f"{API}/auth/setup", json={**setup, "token": "x"}).status_code == 401


# logging in


def test_a_login_is_a_cookie_that_scripts_and_other_sites_do_not_get(household: Household) -> None:
    client = household.client()
    answer = client.post(f"{API}/auth/login", json={"name": " Admin ", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("imalink=")
    assert "httponly" in cookie and "samesite=strict" in cookie and "path=/" in cookie and "secure" not in cookie
    assert answer.json()["data"]["name"] == "admin"
    assert client.get(f"{API}/auth/me").json()["data"]["known_by"] == "login"
    assert client.cookies["imalink"] not in answer.text
    catalog = (household.served.home / "catalog.sqlite").read_bytes()
    wal = (household.served.home / "catalog.sqlite-wal").read_bytes()
    assert client.cookies["imalink"].encode() not in catalog + wal
    assert PASSWORD.encode() not in catalog + wal
    assert household.tokens[Role.ADMIN].encode() not in catalog + wal


def test_a_wrong_name_and_a_wrong_password_are_told_alike(household: Household) -> None:
    client = household.client()
    wrong = client.post(f"{API}/auth/login", json={"name": "admin", "password": "wrong password"})
    unknown = client.post(f"{API}/auth/login", json={"name": "nobody", "password": PASSWORD})
    assert wrong.json() == unknown.json()
    assert code_of(wrong) == (401, "login-refused")
    assert "set-cookie" not in wrong.headers


def test_a_logout_ends_the_login_on_the_server_too(household: Household) -> None:
    client = household.client(Role.EDITOR)
    kept = dict(client.cookies)
    answer = client.post(f"{API}/auth/logout")
    assert answer.json()["data"]["known_by"] == "anonymous"
    assert not client.cookies
    stolen = httpx.get(f"http://127.0.0.1:{household.served.port}{API}/file-storage", cookies=kept)
    assert code_of(stolen) == (401, "login-needed")


@pytest.mark.parametrize("days", [8, 31])
def test_a_login_ends_by_itself(household: Household, days: int) -> None:
    client = household.client(Role.EDITOR)
    later = replace(household.tools, clock=Later(household.tools, timedelta(days=days)))
    gate = AccountGate(later, asks_always=False)
    household.served.app.state.gate = gate
    assert code_of(client.get(f"{API}/file-storage")) == (401, "login-needed")


def test_a_new_password_ends_all_other_logins(household: Household) -> None:
    here, elsewhere = household.client(Role.EDITOR), household.client(Role.EDITOR)
    body = {"password_before": PASSWORD, "password": "quite another one"}
    wrong = here.post(f"{API}/auth/password", json={**body, "password_before": "no"})
    assert code_of(wrong) == (401, "login-refused")
    assert here.post(f"{API}/auth/password", json=body).is_success
    assert here.get(f"{API}/file-storage").is_success
    assert code_of(elsewhere.get(f"{API}/file-storage")) == (401, "login-needed")
    again = household.client().post(f"{API}/auth/login", json={"name": "editor", "password": "quite another one"})
    assert again.is_success


def test_a_role_that_was_changed_counts_from_the_next_request_on(household: Household) -> None:
    admin, editor = household.client(Role.ADMIN), household.client(Role.EDITOR)
    with_token = household.with_token(Role.EDITOR)
    assert admin.patch(f"{API}/auth/users/editor", json={"role": "read-only"}).is_success
    for client in (editor, with_token):
        assert code_of(client.post(f"{API}/import-sessions", json={"title": "x"})) == (403, "not-allowed")
        assert client.get(f"{API}/import-sessions").is_success
    assert admin.delete(f"{API}/auth/users/editor").is_success
    for client in (editor, with_token):
        assert client.get(f"{API}/import-sessions").status_code == 401


def test_an_encrypted_login_has_a_cookie_for_encrypted_connections_alone(tmp_path: Path, empty_catalog: Path) -> None:
    roots = str(tmp_path / "disk")
    with serving(tmp_path, empty_catalog, IMALINK_TRUSTED_PROXIES="127.0.0.1", IMALINK_STORAGE_ROOTS=roots) as served:
        tools = served.container.tools()
        add_account(tools, "ada", PASSWORD, role=Role.ADMIN)
        forwarded = {"x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.9, 198.51.100.7"}
        body = {"name": "ada", "password": PASSWORD}
        answer = served.http.post(f"{API}/auth/login", json=body, headers=forwarded)
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-imalink=") and "Secure" in cookie
        assert list_audit(tools, actions=[AuditAction.LOGIN])[0].address == "198.51.100.7"
        value = cookie.partition(";")[0]
        assert served.http.get(f"{API}/file-storage", headers={**forwarded, "cookie": value}).is_success
        assert served.http.get(f"{API}/file-storage", headers={"cookie": value}).status_code == 401


def test_forwarded_headers_of_strangers_are_not_believed(household: Household) -> None:
    client = household.client(headers={"x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.9"})
    answer = client.post(f"{API}/auth/login", json={"name": "admin", "password": PASSWORD})
    assert answer.headers["set-cookie"].startswith("imalink=")
    assert list_audit(household.tools, actions=[AuditAction.LOGIN])[0].address == "127.0.0.1"


# guessing


def test_guessing_has_to_wait_longer_and_longer_also_after_a_restart(tmp_path: Path, empty_catalog: Path) -> None:
    wrong, right = {"name": "ada", "password": "wrong password"}, {"name": "ada", "password": PASSWORD}
    start = datetime(2026, 3, 1, tzinfo=UTC)
    with serving(tmp_path, empty_catalog) as served:
        tools = served.container.tools()
        add_account(tools, "ada", PASSWORD, role=Role.ADMIN)
        set_clock(served, start)
        for _ in range(10):
            assert code_of(served.http.post(f"{API}/auth/login", json=wrong)) == (401, "login-refused")
        for body in (wrong, right):
            refused = served.http.post(f"{API}/auth/login", json=body)
            assert code_of(refused) == (429, "too-many-tries")
            assert int(refused.headers["retry-after"]) == 2
        set_clock(served, start + timedelta(seconds=2))
        assert code_of(served.http.post(f"{API}/auth/login", json=wrong)) == (401, "login-refused")
        assert served.http.post(f"{API}/auth/login", json=wrong).headers["retry-after"] == "3"
        assert len(list_audit(tools, actions=[AuditAction.LOGIN_REFUSED])) == 11
        tools.catalog.keep_copy("copy")
    again = tmp_path / "again"
    again.mkdir()
    with serving(again, tmp_path / "home" / "catalog.sqlite.backup-copy") as served:
        set_clock(served, start)  # a clock that was set back forgives nothing
        assert code_of(served.http.post(f"{API}/auth/login", json=right)) == (429, "too-many-tries")
        set_clock(served, start + timedelta(minutes=1))
        assert served.http.post(f"{API}/auth/login", json=right).is_success
        assert served.http.post(f"{API}/auth/login", json=wrong).status_code == 401


def test_no_try_is_looked_at_that_cannot_be_counted(household: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise CatalogError("The disk of the catalog is full; nothing was changed.")

    monkeypatch.setattr("imalink.catalog.login_failures.keep_failures", fail)
    answer = household.client().post(f"{API}/auth/login", json={"name": "admin", "password": PASSWORD})
    assert code_of(answer) == (503, "catalog")
    assert "set-cookie" not in answer.headers


# tokens


def test_a_token_may_do_what_it_is_for_and_no_more_than_its_account(household: Household) -> None:
    token, secret = add_token(household.tools, "admin", label="reader", right=Right.READ, days=1)
    client = household.client(headers={"authorization": f"bearer {secret}"})
    assert client.get(f"{API}/file-storage").is_success
    assert code_of(client.post(f"{API}/import-sessions", json={"title": "x"})) == (403, "not-allowed")
    revoke_token(household.tools, token.token_id)
    assert code_of(client.get(f"{API}/file-storage")) == (401, "login-refused")


def test_a_token_ends_by_itself(household: Household) -> None:
    client = household.with_token(Role.READ_ONLY)
    assert client.get(f"{API}/file-storage").is_success
    later = replace(household.tools, clock=Later(household.tools, timedelta(days=2)))
    household.served.app.state.gate = AccountGate(later, asks_always=False)
    assert code_of(client.get(f"{API}/file-storage")) == (401, "login-refused")


@pytest.mark.parametrize("said", ["Basic YWRtaW46eA==", "Bearer", "Bearer imalink_", "Bearer ü", "Token x", ""])
def test_other_words_in_the_place_of_a_token_let_nobody_in(household: Household, said: str) -> None:
    client = household.client(Role.ADMIN)
    answer = client.get(f"{API}/file-storage", headers={b"authorization": said.encode("latin-1")})
    assert code_of(answer) == (401, "login-refused")


def test_a_token_changes_no_accounts_and_no_tokens(household: Household) -> None:
    client = household.with_token(Role.ADMIN)
    [own] = [each for each in client.get(f"{API}/auth/tokens").json()["data"]["tokens"] if each["account"] == "admin"]
    asked: list[tuple[str, str, object]] = [
        ("POST", "auth/users", {"name": "eve", "password": PASSWORD, "role": "admin"}),
        ("PATCH", "auth/users/editor", {"role": "admin"}),
        ("DELETE", "auth/users/editor", None),
        ("POST", "auth/password", {"password_before": PASSWORD, "password": "another password"}),
        ("POST", "auth/tokens", {"label": "more", "scope": "administer"}),
        ("DELETE", f"auth/tokens/{own['token_id']}", None),
    ]
    before = client.get(f"{API}/auth/users").json(), client.get(f"{API}/auth/tokens").json()
    for method, path, body in asked:
        assert code_of(client.request(method, f"{API}/{path}", json=body)) == (403, "not-allowed"), path
    assert (client.get(f"{API}/auth/users").json(), client.get(f"{API}/auth/tokens").json()) == before


def test_everybody_makes_tokens_for_themselves_alone(household: Household) -> None:
    editor = household.client(Role.EDITOR)
    assert code_of(editor.post(f"{API}/auth/tokens", json={"label": "x", "scope": "administer"}))[0] == 409
    made = editor.post(f"{API}/auth/tokens", json={"label": "x", "scope": "edit", "days": 3}).json()["data"]
    assert made["token"]["account"] == "editor"
    assert household.client(headers={"authorization": f"Bearer {made['secret']}"}).get(f"{API}/jobs").is_success
    assert made["secret"] not in editor.get(f"{API}/auth/tokens").text
    assert {each["account"] for each in editor.get(f"{API}/auth/tokens").json()["data"]["tokens"]} == {"editor"}
    reader = household.client(Role.READ_ONLY)
    key = made["token"]["token_id"]
    assert code_of(reader.delete(f"{API}/auth/tokens/{key}")) == (404, "not-found")
    assert editor.delete(f"{API}/auth/tokens/{key}").is_success


def test_the_python_client_sends_its_token_to_its_server_alone(
    household: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"http://localhost:{household.served.port}"
    with ImalinkClient(url) as client, pytest.raises(LoginNeededError):
        client.get_all_storages()
    with ImalinkClient(url, token="imalink_wrong") as client, pytest.raises(LoginRefusedError):
        client.get_all_storages()
    monkeypatch.setenv("IMALINK_TOKEN", household.tokens[Role.READ_ONLY])
    with ImalinkClient(url) as client:
        assert client.get_all_storages() == []
        with pytest.raises(NotAllowedError):
            client.ask("POST", "import-sessions", json={"title": "x"})
        sent: list[str] = []

        def look(request: httpx.Request) -> None:
            sent.append(str(request.headers.get("authorization")))

        client._http.event_hooks["request"] = [look]
        client.get(f"http://127.0.0.1:{household.served.port}/health")
        client.get("/health")
        assert sent == ["None", f"Bearer {household.tokens[Role.READ_ONLY]}"]


# accounts


def test_an_administrator_is_always_left(household: Household) -> None:
    admin = household.client(Role.ADMIN)
    assert code_of(admin.delete(f"{API}/auth/users/admin"))[0] == 409
    assert code_of(admin.patch(f"{API}/auth/users/admin", json={"role": "editor"}))[0] == 409
    assert admin.get(f"{API}/auth/users").is_success


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaa", "x" * 1001])
def test_a_weak_password_is_refused(household: Household, password: str) -> None:
    body = {"name": "eve", "password": password, "role": "editor"}
    assert household.client(Role.ADMIN).post(f"{API}/auth/users", json=body).status_code in (400, 422)


def test_the_last_account_removed_on_the_command_line_opens_the_server_again(
    household: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imalink.api.account_gate._LOOKED_UP_SECONDS", 0.0)
    for name in ("editor", "read-only"):
        assert remove_account(household.tools, name) is True
    assert household.client().get(f"{API}/jobs").status_code == 401
    assert remove_account(household.tools, "admin") is False
    assert household.client().get(f"{API}/jobs").is_success


# other sites, and sockets


def test_a_page_of_another_site_cannot_use_a_login(household: Household) -> None:
    client = household.client(Role.ADMIN)
    for headers in ({"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}):
        answer = client.post(f"{API}/import-sessions", json={"title": "x"}, headers=headers)
        assert code_of(answer) == (403, "cross-site")
    answer = household.client().post(
        f"{API}/auth/login", json={"name": "admin", "password": PASSWORD}, headers={"origin": "https://evil.example"}
    )
    assert code_of(answer) == (403, "cross-site")


def test_a_socket_is_opened_for_those_who_may_read(household: Household) -> None:
    url = f"ws://127.0.0.1:{household.served.port}{API}/events"
    with pytest.raises(InvalidStatus) as refused, connect(url):
        pass
    assert refused.value.response.status_code == 403
    client = household.client(Role.READ_ONLY)
    cookie = {"Cookie": f"imalink={client.cookies['imalink']}"}
    with connect(url, additional_headers=cookie) as socket:
        assert json.loads(socket.recv(10))["event"] == "snapshot"
    with connect(url, additional_headers={"Authorization": f"Bearer {household.tokens[Role.EDITOR]}"}) as socket:
        assert json.loads(socket.recv(10))["event"] == "snapshot"
    with pytest.raises(InvalidStatus), connect(url, origin="https://evil.example", additional_headers=cookie):  # pyright: ignore[reportArgumentType]  # a NewType
        pass


def test_a_socket_ends_with_its_login(household: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "ASKED_AGAIN_SECONDS", 0.05)
    client = household.client(Role.READ_ONLY)
    url = f"ws://127.0.0.1:{household.served.port}{API}/events"
    with connect(url, additional_headers={"Cookie": f"imalink={client.cookies['imalink']}"}) as socket:
        socket.recv(10)
        client.post(f"{API}/auth/logout")
        with pytest.raises(ConnectionClosed):
            for _ in range(100):
                socket.recv(10)
        assert socket.close_code == 1008


# what is told


def test_folders_of_this_machine_are_told_to_administrators_alone(household: Household) -> None:
    admin = household.client(Role.ADMIN)
    made = {"base_path": str(household.served.disk), "display_name": "My disk"}
    storage = admin.post(f"{API}/file-storage", json=made).json()["data"]
    household.served.disk.rename(household.served.disk.with_name("unplugged"))
    path = f"{API}/storage-index/scan/{storage['uuid']}"
    told: dict[Role, str] = {}
    for role in (Role.EDITOR, Role.ADMIN):
        answer = household.client(role).post(path)
        assert code_of(answer) == (503, "storage-offline")
        told[role] = json.dumps(
            [answer.json(), household.client(role).get(f"{API}/jobs").json()["data"]["jobs"][0]["error"]]
        )
    assert str(household.served.disk) in told[Role.ADMIN]
    assert str(household.served.disk.parent) not in told[Role.EDITOR]
    assert "storage" in told[Role.EDITOR]


@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
def test_who_uploads_to_a_storage_that_is_away_is_told_no_folder(household: Household, method: str) -> None:
    admin, editor = household.client(Role.ADMIN), household.client(Role.EDITOR)
    made = {"base_path": str(household.served.disk), "display_name": "My disk"}
    storage = admin.post(f"{API}/file-storage", json=made).json()["data"]
    session = editor.post(f"{API}/import-sessions", json={"title": "Card", "file_storage_id": storage["id"]})
    household.served.disk.rename(household.served.disk.with_name("unplugged"))
    where = f"{API}/import-sessions/{session.json()['data']['id']}/upload"
    is_sent = method == "POST"
    answer = editor.request(method, f"{where}?path=x.jpg" if is_sent else where, content=b"x" if is_sent else None)
    assert code_of(answer) == (503, "storage-offline")
    assert str(household.served.disk.parent) not in answer.text


def test_what_is_written_down_is_for_administrators(household: Household) -> None:
    household.client().post(f"{API}/auth/login", json={"name": "my secret password", "password": "x"})
    admin = household.client(Role.ADMIN)
    admin.post(f"{API}/auth/users", json={"name": "eve", "password": PASSWORD, "role": "editor"})
    found = admin.get(f"{API}/audit").json()["data"]["events"]
    assert [(each["action"], each["by"], each["name"], each["subject"]) for each in found[:3]] == [
        ("account-added", "login", "admin", "eve"),
        ("login", "login", "admin", "admin"),
        ("login-refused", "anonymous", None, "an unknown account"),
    ]
    text = json.dumps(found)
    assert "my secret password" not in text and PASSWORD not in text
    assert not any(token in text for token in household.tokens.values())
    pages = admin.get(f"{API}/audit?limit=2").json()["data"]
    following = admin.get(f"{API}/audit?limit=2&before={pages['next']}").json()["data"]
    assert [each["number"] for each in (*pages["events"], *following["events"])] == [
        each["number"] for each in found[:4]
    ]
    assert code_of(household.client(Role.EDITOR).get(f"{API}/audit")) == (403, "not-allowed")


def set_clock(served: Served, moment: datetime) -> None:
    """Let it be this moment for whatever is asked of the server."""
    server = served.app.state.server
    served.app.state.server = replace(server, tools=replace(server.tools, clock=Standing(moment)))


class Standing:
    """A clock that stands."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def now(self) -> datetime:
        return self._moment


class Later:
    """The clock of these tools, put forward."""

    def __init__(self, tools: Tools, by: timedelta) -> None:
        self._clock = tools.clock
        self._by = by

    def now(self):  # pyright: ignore[reportUnknownParameterType]
        return self._clock.now() + self._by


def test_whoever_may_read_may_have_an_archive_but_not_write_to_a_folder(household: Household) -> None:
    served = household.served
    reader, editor = household.with_token(Role.READ_ONLY), household.with_token(Role.EDITOR)
    admin = household.with_token(Role.ADMIN)
    body: dict[str, object] = {"base_path": str(served.disk), "display_name": "Blue"}
    storage = admin.post(f"{API}/file-storage", json=body).json()["data"]
    session = {"title": "Italy", "file_storage_id": storage["id"]}
    assert editor.post(f"{API}/import-sessions", json=session).is_success
    source = {"source_directory": str(make_source(served.card, 2))}
    assert editor.post(f"{API}/import-sessions/1/import", json=source).is_success
    answer = reader.post(f"{API}/export", json={"query": ""})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert {"IMG_0001.jpg", "IMG_0002.jpg"} < set(archive.namelist())
    stick = served.disk / "stick"
    stick.mkdir()
    refused = reader.post(f"{API}/export", json={"query": "", "destination": str(stick)})
    assert code_of(refused) == (403, "not-allowed")
    assert list(stick.iterdir()) == []
    assert household.client().post(f"{API}/export", json={"query": ""}).status_code == 401
    assert editor.post(f"{API}/export", json={"query": "", "destination": str(stick)}).is_success
    assert len(list(stick.iterdir())) == 1


def test_a_recovery_says_that_it_brought_no_accounts_only_where_there_are_none(
    household: Household, tmp_path: Path, empty_catalog: Path
) -> None:
    admin = household.with_token(Role.ADMIN)
    body: dict[str, object] = {"base_path": str(household.served.disk), "display_name": "Blue"}
    storage = admin.post(f"{API}/file-storage", json=body).json()["data"]
    roots = {"roots": [storage["full_path"]]}
    assert admin.post(f"{API}/file-storage/recover", json=roots).json()["data"]["notes"] == []
    (tmp_path / "other").mkdir()
    with serving(tmp_path / "other", empty_catalog) as other:
        [said] = other.post("file-storage/recover", json=roots)["notes"]
        assert "imalink user add" in said
