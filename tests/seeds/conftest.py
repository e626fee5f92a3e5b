"""A real ``imalink serve``, and the workflows run against it as they are written.

The folders that the workflows name stand below a temporary one, and so does the port, should 8000 be taken.
"""

from __future__ import annotations

import fcntl
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pytest
import requests

from imalink.catalog import import_sessions
from imalink.catalog.catalog import Catalog
from imalink.client import ImalinkClient
from imalink.core.ids import SessionUuid
from imalink.core.session import ImportSession, SessionStatus
from tests.seeds.seed_text import Block
from tests.support.postgresql import PostgresServer

_ROOTS = re.compile(r"(?<![\w.])/(?=(?:external|backup|nas|new|old|home/photos)\b)")
_SEND = requests.Session.request


@dataclass
class Stage:
    """The server and the folders the workflows know, moved below ``root``; ``postgres`` has its catalog, if given."""

    root: Path
    postgres: PostgresServer | None = None
    database_url: str = ""
    port: int = 8000
    process: subprocess.Popen[bytes] | None = None
    client: ImalinkClient = field(default_factory=ImalinkClient)
    claim: IO[bytes] | None = None

    @property
    def home(self) -> Path:
        return self.root / "imalink home"

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def folder(self, path: str) -> Path:
        """Give where a folder that the workflows name really is; it is made."""
        found = Path(self.mapped(path))
        found.mkdir(parents=True, exist_ok=True)
        return found

    def mapped(self, text: str) -> str:
        """Give a text of the workflows with its folders and its port as they are here."""
        return _ROOTS.sub(f"{self.root}/", text).replace("localhost:8000", f"localhost:{self.port}")

    # serving

    def serve(self) -> None:
        environment = {**os.environ, "IMALINK_HOME": str(self.home), "IMALINK_WORKERS": "1"}
        environment.pop("IMALINK_DATABASE_URL", None)
        if self.postgres is not None:
            self.database_url = self.database_url or self.postgres.make_database(is_empty=True)
            environment["IMALINK_DATABASE_URL"] = self.database_url
        self.port = 8000 if self._may_have_8000() else _free_port()
        with (self.root / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "imalink", "serve", "--port", str(self.port)],
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        self.client = ImalinkClient(self.url, timeout_seconds=120)
        until = time.monotonic() + 60
        while True:
            try:
                answer = requests.get(f"{self.url}/health", timeout=5)
                assert answer.ok
                return
            except requests.ConnectionError:
                assert self.process.poll() is None, (self.root / "server.log").read_text()
                assert time.monotonic() < until, "the server does not answer"
                time.sleep(0.05)

    def _may_have_8000(self) -> bool:
        """Tell whether the port is free, and see to it that no other test of this machine takes it for free."""
        if self.claim is None:
            self.claim = (Path(tempfile.gettempdir()) / "imalink-tests-port-8000.lock").open("ab")
            try:
                fcntl.flock(self.claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                self.claim.close()
                self.claim = None
        return self.claim is not None and _is_free(8000)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            assert self.process.wait(30) in (0, 130, -signal.SIGINT), (self.root / "server.log").read_text()
            self.process = None
        self.client.close()
        if self.claim is not None:
            self.claim.close()
            self.claim = None

    def lose_the_catalog(self) -> None:
        """End the server, lose its catalog and all it noted, and start it again."""
        self.stop()
        self.home.rename(self.root / f"lost home {time.monotonic_ns()}")
        self.drop_database()
        self.serve()

    def drop_database(self) -> None:
        """Lose the database, where it is one on a server."""
        if self.postgres is not None and self.database_url:
            self.postgres.drop_database(self.database_url)
            self.database_url = ""

    # numbers the workflows count on

    def count_on(self, *, next_session: int = 42) -> None:
        """Let the next session have this number, as in a catalog with earlier ones."""
        with (
            Catalog.open(self.database_url or f"sqlite:///{self.home / 'catalog.sqlite'}") as catalog,
            catalog.begin() as db,
        ):
            import_sessions.create_session(
                db,
                ImportSession(
                    number=next_session - 1,
                    session_uuid=SessionUuid("00000000-0000-4000-8000-000000000041"),
                    title="Earlier",
                    imported_at="2024-01-01T00:00:00Z",
                    status=SessionStatus.CREATED,
                ),
            )

    # running what is written

    def bash(self, block: Block | str, **words: str) -> str:
        """Run a block with bash as it stands, and give its output; ``words`` stand for its ``{words}``."""
        text = self.mapped(block.text if isinstance(block, Block) else block)
        for name, value in words.items():
            assert f"{{{name}}}" in text, (name, text)
            text = text.replace(f"{{{name}}}", value)
        run = subprocess.run(
            ["bash", "-c", text], capture_output=True, text=True, cwd=self.root, timeout=120, check=False
        )
        assert run.returncode == 0, run.stderr
        return run.stdout

    def python(self, block: Block, monkeypatch: pytest.MonkeyPatch, **names: Any) -> dict[str, Any]:
        """Run a block of Python as it stands, and give what it defined. Paths alone are asked of this server."""

        def request(self_: requests.Session, method: str, url: str, **options: Any) -> requests.Response:
            whole = f"{self.url}{url}" if url.startswith("/") else url
            options.setdefault("timeout", 120)
            return _SEND(self_, method, whole, **options)

        monkeypatch.setattr(requests.Session, "request", request)
        monkeypatch.chdir(self.root)
        space: dict[str, Any] = {
            "__name__": "seed",
            "get_storage_id": self.client.get_storage_id,
            "get_all_storages": self.client.get_all_storages,
            "get_free_space": self.client.get_free_space,
            "find_storage_directories": lambda: self.client.find_storage_directories([self.root]),
            **names,
        }
        exec(compile(self.mapped(block.text), f"{block.workflow} {block.step}", "exec"), space)
        return space

    def data(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        return self.client.ask(method, path, json=body or None)

    def storages(self) -> Mapping[str, dict[str, Any]]:
        """Give the storages by name."""
        return {str(each["display_name"]): each for each in self.client.get_all_storages()}


@pytest.fixture
def lone_stage(tmp_path: Path) -> Iterator[Stage]:
    """A server with its catalog in a file, as it is without any settings."""
    yield from _served(Stage(tmp_path))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """A server with its catalog on each engine."""
    postgres = request.getfixturevalue("postgres_server") if request.param == "postgresql" else None
    yield from _served(Stage(tmp_path, postgres=postgres))


def _served(found: Stage) -> Iterator[Stage]:
    found.serve()
    try:
        yield found
    finally:
        found.stop()
        found.drop_database()


@pytest.fixture
def picture() -> Callable[[Path, int], Path]:
    from tests.support.photos import make_jpeg, noise_picture
    from tests.support.raw_pictures import make_dng

    def make(path: Path, seed: int) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix.lower() == ".jpg":
            return make_jpeg(path, seed=seed, size=(64, 48), taken=f"2024:07:{seed % 28 + 1:02} 12:00:00")
        return make_dng(path, noise_picture(seed, (64, 48)))

    return make


def _is_free(port: int) -> bool:
    try:
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            with socket.socket(family) as found:
                found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                found.bind((address, port))
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
