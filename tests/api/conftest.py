"""A server to ask: the real application on a real socket, over a home of its own."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from imalink.api.connections import TimedConnection
from imalink.runtime.container import Container
from imalink.runtime.listening import listening_sockets
from imalink.runtime.settings import load_settings
from imalink.server import create_app
from imalink.workflows.flush_outbox import WaitingEdits
from tests.support.workbench import make_source

Json = dict[str, Any]


@dataclass(kw_only=True)
class Served:
    """The server, its folders, and how it is asked."""

    home: Path
    disk: Path
    card: Path
    port: int
    http: httpx.Client
    container: Container
    app: FastAPI

    def get(self, path: str, **options: Any) -> Json:
        return self.ask("GET", path, **options)

    def post(self, path: str, **options: Any) -> Json:
        return self.ask("POST", path, **options)

    def ask(self, method: str, path: str, *, status: int | None = None, **options: Any) -> Json:
        """Ask for something and give its data; it must be answered with success, or with ``status``."""
        answer = self.http.request(method, f"/api/v1/{path}", **options)
        document = answer.json()
        if status is not None:
            assert answer.status_code == status, answer.text
            return document
        assert answer.is_success, answer.text
        assert document["success"] is True
        return document["data"]

    def tell_storages(self) -> list[WaitingEdits]:
        """Have storages told now what was said of their photos; give those that could not be."""
        return self.app.state.server.live.outbox.tell_now()

    def create(self, display_name: str = "Blue Samsung", base_path: Path | None = None) -> Json:
        return self.post(
            "file-storage/create", json={"base_path": str(base_path or self.disk), "display_name": display_name}
        )

    def imported(self, storage: Json, *, title: str = "Italy", source: Path | None = None) -> Json:
        session = self.post("import-sessions/create", json={"title": title, "file_storage_id": storage["id"]})
        source = source or make_source(self.card)
        return self.post(f"import-sessions/{session['id']}/import", json={"source_directory": str(source)})


@pytest.fixture
def served(tmp_path: Path, empty_catalog: Path) -> Iterator[Served]:
    with serving(tmp_path, empty_catalog) as found:
        yield found


@contextmanager
def serving(folder: Path, empty_catalog: Path, **further: str) -> Generator[Served]:
    """Serve a home and a disk of their own below ``folder`` for a block; ``further`` are variables of settings."""
    home, disk = folder / "home", folder / "disk"
    home.mkdir()
    disk.mkdir()
    shutil.copyfile(empty_catalog, home / "catalog.sqlite")
    with listening_sockets("localhost", 0) as sockets:
        port = sockets[0].getsockname()[1]
        settings = load_settings(
            {"IMALINK_HOME": str(home), "IMALINK_WORKERS": "0", "IMALINK_HOST": "localhost", "IMALINK_PORT": str(port)}
            | further
        )
        with Container(settings) as container:
            app = create_app(settings, container=container)
            config = uvicorn.Config(app, log_config=None, access_log=False, proxy_headers=False, http=TimedConnection)
            server = uvicorn.Server(config)
            thread = threading.Thread(target=server.run, kwargs={"sockets": sockets[:1]})
            thread.start()
            until = time.monotonic() + 30
            while not server.started and time.monotonic() < until:
                time.sleep(0.005)
            try:
                with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
                    yield Served(
                        home=home, disk=disk, card=folder / "card", port=port, http=http, container=container, app=app
                    )
            finally:
                server.should_exit = True
                thread.join(30)
