"""What every request passes: its host, its origin, its size; and the headers that come back."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from websockets.sync.client import connect

from imalink.api import connections, guards
from imalink.errors import FolderRefusedError, UsageError
from imalink.runtime.folder_policy import FolderPolicy
from imalink.runtime.listening import check_listening, host_names, is_loopback, listening_sockets
from imalink.runtime.settings import load_settings
from imalink.server import create_app
from tests.api.conftest import Served, serving

BODY = {"title": "Italy"}


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]", "LocalHost"])
def test_the_servers_own_names_are_answered(served: Served, name: str) -> None:
    assert served.http.get("/health", headers={"host": f"{name}:{served.port}"}).is_success


@pytest.mark.parametrize("name", ["evil.example", "localhost", "localhost:1", "localhost.evil.example:{port}"])
def test_another_name_is_refused(served: Served, name: str) -> None:
    answer = served.http.get("/health", headers={"host": name.format(port=served.port)})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unknown-host")


@pytest.mark.parametrize("name", ["a b", "localhost:x", "[::1", "localhost:8000@evil", ""])
def test_a_malformed_host_is_refused(served: Served, name: str) -> None:
    answer = served.http.get("/health", headers={"host": name})
    assert answer.status_code == 400


def test_two_host_headers_are_refused(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        host = f"Host: localhost:{served.port}\r\n"
        connection.sendall(f"GET /health HTTP/1.1\r\n{host}Host: evil.example\r\n\r\n".encode())
        assert b" 400 " in connection.recv(4096).split(b"\r\n")[0]


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "content-type": "text/plain"},
        {"origin": "http://localhost:1"},
    ],
)
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE", "PUT"])
def test_a_page_of_another_site_changes_nothing(served: Served, method: str, headers: dict[str, str]) -> None:
    answer = served.http.request(method, "/api/v1/import-sessions", headers=headers, content=json.dumps(BODY))
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "cross-site")
    assert served.get("import-sessions")["total_count"] == 0


@pytest.mark.parametrize("extra", [{}, {"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}])
def test_its_own_pages_and_programs_are_let_in(served: Served, extra: dict[str, str]) -> None:
    headers = {"origin": f"http://127.0.0.1:{served.port}", **extra} if extra else {}
    assert served.http.post("/api/v1/import-sessions", headers=headers, json=BODY).status_code == 201


def test_a_body_of_more_than_a_megabyte_is_refused_before_it_is_read(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        head = f"POST /api/v1/import-sessions HTTP/1.1\r\nHost: localhost:{served.port}\r\nContent-Length: 99999999\r\n"
        connection.sendall(f"{head}\r\n".encode())
        assert b" 413 " in connection.recv(4096).split(b"\r\n")[0]


def test_a_body_without_a_length_is_refused_once_it_is_too_large(served: Served) -> None:
    chunks = (b"x" * 65536 for _ in range(20))
    answer = served.http.post("/api/v1/import-sessions", content=chunks)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too-large")


def test_a_body_that_does_not_come_is_not_waited_for(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guards, "BODY_SECONDS", 0.2)
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        head = f"POST /api/v1/import-sessions HTTP/1.1\r\nHost: localhost:{served.port}\r\nContent-Length: 20\r\n\r\n"
        connection.sendall(head.encode() + b'{"title":')
        assert b" 408 " in connection.recv(4096).split(b"\r\n")[0]


@pytest.mark.parametrize(
    "said", ["", "GET /health HTTP/1.1\r\nHost: localhost:{port}\r\nX-Slow: ", "{whole}GET /health HTTP/1.1\r\n"]
)
def test_a_head_that_does_not_come_is_not_waited_for(
    served: Served, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.2)
    whole = f"GET /health HTTP/1.1\r\nHost: localhost:{served.port}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        connection.sendall(said.format(port=served.port, whole=whole).encode())
        while connection.recv(4096):
            pass  # the end comes, or the socket times out
    assert served.http.get("/health").is_success


def test_what_takes_long_to_answer_is_not_cut_off(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.05)
    storage = served.create()
    assert served.imported(storage)["new_imports"] == 3
    url = f"ws://127.0.0.1:{served.port}/api/v1/events"
    with connect(url) as events:
        events.recv(10)
        with pytest.raises(TimeoutError):
            while True:
                events.recv(0.5)


@pytest.mark.parametrize(
    "content_type", [None, "application/x-www-form-urlencoded", "text/plain", "application/json; charset=utf-8", "x/y"]
)
def test_a_body_is_json_whatever_its_type(served: Served, content_type: str | None) -> None:
    headers = {} if content_type is None else {"content-type": content_type}
    answer = served.http.post("/api/v1/import-sessions/create", content=json.dumps(BODY).encode(), headers=headers)
    assert answer.status_code == 201


def test_no_site_is_named_that_may_read_along(served: Served) -> None:
    answer = served.http.get("/health", headers={"origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert served.http.options("/api/v1/import-sessions").status_code == 405


@pytest.mark.parametrize("path", ["/health", "/docs", "/openapi.json", "/api/v1/nothing", "/api/v1/file-storage"])
def test_every_answer_says_what_browsers_may_not_do(served: Served, path: str) -> None:
    headers = served.http.get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


def test_the_reference_loads_nothing_from_elsewhere(served: Served) -> None:
    page = served.http.get("/docs").text
    assert "POST /api/v1/file-storage/create" in page
    assert "http://" not in page and "https://" not in page and "<script" not in page


# where it listens


@pytest.mark.parametrize(("host", "is_here"), [("localhost", True), ("127.0.0.2", True), ("::1", True), ("[::1]", True),
    ("0.0.0.0", False), ("::", False), ("192.168.1.5", False), ("nas.local", False)])  # fmt: skip
def test_others_are_served_only_below_named_folders(tmp_path: Path, host: str, is_here: bool) -> None:
    home = {"IMALINK_HOME": str(tmp_path), "IMALINK_HOST": host}
    settings = load_settings(home)
    assert is_loopback(host) is is_here
    assert (settings.reached_by == "", settings.asks_always) == (is_here, not is_here)
    if not is_here:
        with pytest.raises(UsageError, match="storage_roots"):
            check_listening(settings.reached_by, has_roots=False)
        with pytest.raises(UsageError, match="storage_roots"):
            create_app(settings)
        assert not (tmp_path / "catalog.sqlite").exists()
    check_listening(settings.reached_by, has_roots=True)


@pytest.mark.parametrize(
    ("name", "value", "asks"),
    [
        ("IMALINK_TRUSTED_PROXIES", "127.0.0.1", True),
        ("IMALINK_ALLOWED_HOSTS", "photos.home", True),
        ("IMALINK_ALLOWED_HOSTS", "localhost:8080, [::1]:8080, 127.0.0.1:8080", False),
        ("IMALINK_LOGIN", "always", True),
        ("IMALINK_LOGIN", "auto", False),
    ],
)
def test_whoever_others_can_reach_by_a_proxy_asks_for_a_login(
    tmp_path: Path, name: str, value: str, asks: bool
) -> None:
    assert load_settings({"IMALINK_HOME": str(tmp_path), name: value}).asks_always is asks


def test_on_all_addresses_the_one_a_connection_came_to_is_a_name(tmp_path: Path, empty_catalog: Path) -> None:
    roots = str(tmp_path / "disk")
    with serving(tmp_path, empty_catalog, IMALINK_HOST="0.0.0.0", IMALINK_STORAGE_ROOTS=roots) as served:
        assert served.http.get("/health").is_success
        for name in ("photos.home", "192.168.1.5", f"192.168.1.5:{served.port}", f"evil.example:{served.port}"):
            assert served.http.get("/health", headers={"host": name}).status_code == 400


def test_names_of_the_settings_are_answered_too() -> None:
    names = host_names("localhost", 8000, ("photos.home", "nas.home:443"))
    assert {"photos.home", "photos.home:8000", "nas.home:443"} <= names
    assert "nas.home" not in names and "localhost" not in names
    assert {"localhost", "127.0.0.1"} <= host_names("localhost", 80)


def test_a_port_that_is_taken_is_told() -> None:
    with listening_sockets("localhost", 0) as sockets:
        sockets[0].listen()
        port = sockets[0].getsockname()[1]
        with pytest.raises(UsageError, match="is taken"), listening_sockets("127.0.0.1", port):
            pass


# which folders may be named


@pytest.fixture
def policy(tmp_path: Path) -> FolderPolicy:
    return FolderPolicy(roots=(), own=(tmp_path / "data",), home=tmp_path / "ada")


@pytest.mark.parametrize(
    "folder",
    ["/", "/etc", "/etc/imalink", "/usr/share", "/var/lib", "/proc/self/root", f"{Path('/root')}", "/run/user/1000",
     "/boot", "/media/../etc", "/media/x/.ssh", "/home/ada/.local/share", "/dev/shm"],
)  # fmt: skip
def test_system_and_hidden_folders_are_refused(policy: FolderPolicy, folder: str) -> None:
    with pytest.raises(FolderRefusedError):
        policy.check(folder)


@pytest.mark.parametrize(
    "folder", ["/media/blue", "/mnt/nas/photos", "/home/ada/Pictures", "/run/media/ada/card", "/external"]
)
def test_folders_of_pictures_may_be_named(policy: FolderPolicy, folder: str) -> None:
    assert policy.check(folder) == Path(folder)


def test_a_link_into_a_system_folder_is_refused(policy: FolderPolicy, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc")
    with pytest.raises(FolderRefusedError):
        policy.check(str(tmp_path / "link"))


def test_our_own_folders_are_refused(policy: FolderPolicy, tmp_path: Path) -> None:
    with pytest.raises(FolderRefusedError):
        policy.check(str(tmp_path / "data" / "reference"))


def test_roots_are_the_only_places(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    policy = FolderPolicy(roots=(tmp_path / "photos",), own=(), home=tmp_path)
    assert policy.check(str(tmp_path / "photos" / "2024")) == tmp_path / "photos" / "2024"
    with pytest.raises(FolderRefusedError, match="Nothing was changed"):
        policy.check(str(tmp_path / "other"))


@pytest.mark.parametrize("folder", ["photos", "", "~/Pictures", "./x", "/a\0b"])
def test_a_relative_path_is_refused(policy: FolderPolicy, folder: str) -> None:
    with pytest.raises(UsageError, match="no absolute path"):
        policy.check(folder)


def test_system_folders_are_refused_over_http_and_nothing_is_made(served: Served) -> None:
    body = {"base_path": "/etc/imalink-test", "display_name": "x", "create_base_path": True}
    document = served.post("file-storage/create", status=403, json=body)
    assert document["error"]["code"] == "folder-refused"
    assert not Path("/etc/imalink-test").exists()
