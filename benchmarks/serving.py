"""What a server costs: previews a second of one processor, memory for a large library, browsing while it imports.

The server is a process of its own, started as a user starts it, and asked over the loopback by threads of this one.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image

from benchmarks.measuring import Figure, at_most, in_time, shown
from benchmarks.synthetic import FILES_A_SESSION, content_of, make_entry, make_session, path_of
from imalink.catalog.catalog import Catalog
from imalink.catalog.file_storages import add_storage
from imalink.catalog.projection import project_session
from imalink.core.ids import SessionUuid, StorageUuid
from imalink.core.index import FileEntry
from imalink.core.picture import Embedded
from imalink.core.timestamps import CaptureTime

_TICKS = os.sysconf("SC_CLK_TCK")
PICTURE_SIDES = (640, 480)
WANTED_FROM_DISK, WANTED_FROM_MEMORY = 200.0, 1000.0
WANTED_MEMORY_MB = 250.0
WANTED_P99_SECONDS = 0.2
_WORDS = ("rome", "oslo", "night", "beach", "birds", "family")
_FILTERS = (
    "",
    "rating_min=3",
    "tag=rome",
    "from=2016-01-01&to=2016-12-31",
    "format=JPEG",
    "text=oslo",
    "status=offline",
)


@dataclass(kw_only=True)
class RunningServer:
    """A server, asked by ``address``; its figures are those of its own process."""

    port: int
    process_id: int

    def processor_seconds(self) -> float:
        """Give the time the server has had a processor."""
        fields = Path(f"/proc/{self.process_id}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory_mb(self, what: str = "VmRSS") -> float:
        """Give the memory that the server holds (``VmHWM``: that it held at most), in MB."""
        lines = Path(f"/proc/{self.process_id}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{what}:")) * 1024 / 1e6

    def ask(self, method: str, path: str, body: object = None, *, prefer: str | None = None) -> dict[str, object]:
        """Ask for JSON; the answer must be a success."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        headers = {"content-type": "application/json"} | ({"prefer": prefer} if prefer else {})
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        document: dict[str, object] = json.loads(answer.read())
        connection.close()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {document}")
        data = document["data"]
        assert isinstance(data, dict)
        return data  # pyright: ignore[reportUnknownVariableType]  # JSON


@contextmanager
def running_server(home: Path, *, workers: int) -> Generator[RunningServer]:
    """Start ``imalink serve`` over a home for a block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    scheduled = ("ACCESSIBILITY", "MAINTENANCE", "VERIFICATION", "CAPACITY_REVIEW")
    environment = {
        **os.environ,
        "IMALINK_HOME": str(home),
        "IMALINK_WORKERS": str(workers),
        **{f"IMALINK_SCHEDULE_{name}": "off" for name in scheduled},
    }
    command = [sys.executable, "-m", "imalink", "serve", "--port", str(port), "-q"]
    with subprocess.Popen(command, env=environment) as process:
        try:
            server = RunningServer(port=port, process_id=process.pid)
            until = time.monotonic() + 60
            while True:
                try:
                    server.ask("GET", "/health")
                    break
                except (OSError, RuntimeError, KeyError):
                    if time.monotonic() > until or process.poll() is not None:
                        raise
                    time.sleep(0.05)
            yield server
        finally:
            process.terminate()


@dataclass(kw_only=True)
class Answers:
    """How long each request took, and what was answered with anything but a success."""

    seconds: list[float] = field(default_factory=list[float])
    failures: list[str] = field(default_factory=list[str])

    def worst(self, percent: float) -> float:
        """Give the time that so many in a hundred do not exceed."""
        return sorted(self.seconds)[min(len(self.seconds) - 1, int(len(self.seconds) * percent / 100))]


def ask_all(server: RunningServer, paths: Sequence[str], *, clients: int) -> Answers:
    """Ask for all of these, by so many clients at a time, each over one connection that it keeps."""
    answers, lock = Answers(), threading.Lock()

    def work(mine: Sequence[str]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
        seconds: list[float] = []
        failures: list[str] = []
        for path in mine:
            began = time.perf_counter()
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    failures.append(f"{answer.status} {path}")
            except OSError as error:
                failures.append(f"{error} {path}")
                connection.close()
            seconds.append(time.perf_counter() - began)
        connection.close()
        with lock:
            answers.seconds.extend(seconds)
            answers.failures.extend(failures)

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(work, [paths[number::clients] for number in range(clients)]))
    return answers


def make_pictures(folder: Path, count: int, *, seed: int) -> Path:
    """Write JPEGs whose previews are as large as those of photos: about 10 KB."""
    chance = random.Random(seed)
    folder.mkdir(parents=True)
    for number in range(count):
        small = Image.frombytes("RGB", (80, 60), chance.randbytes(80 * 60 * 3))
        small.resize(PICTURE_SIDES, Image.Resampling.BICUBIC).save(folder / f"{number:05}.jpg", quality=88)
    return folder


def measure_previews_served(folder: Path, *, count: int) -> list[Figure]:
    """Ask for ``count`` previews from storage, from the cache and from memory; the limits are for one processor.

    From a storage a preview comes only once: it is in the cache from then on.
    """
    home = folder / "home"
    home.mkdir()
    source = make_pictures(folder / "card", count, seed=1)
    with running_server(home, workers=2) as server:
        addresses = _import(server, folder, source)
    figures: list[Figure] = []
    for what, limit in (
        ("from the storage, once", None),
        ("from the cache's disk", WANTED_FROM_DISK),
        ("from memory", WANTED_FROM_MEMORY),
    ):
        with running_server(home, workers=0) as server:
            ask_all(server, ["/health"] * 20, clients=4)
            if limit == WANTED_FROM_MEMORY:
                ask_all(server, addresses, clients=8)
            figures.append(_rate(server, addresses, what, limit))
    return figures


def _import(server: RunningServer, folder: Path, source: Path) -> list[str]:
    """Import a folder into a new storage, and give the addresses of the previews of its pictures."""
    disk = folder / "disk"
    disk.mkdir()
    storage = server.ask("POST", "/api/v1/file-storage", {"base_path": str(disk), "display_name": "Bench"})
    session = server.ask("POST", "/api/v1/import-sessions", {"title": "Bench", "file_storage_id": storage["id"]})
    server.ask("POST", f"/api/v1/import-sessions/{session['id']}/import", {"source_directory": str(source)})
    return addresses_in(server, str(storage["storage_uuid"]))


def addresses_in(server: RunningServer, storage_uuid: str) -> list[str]:
    """Give the addresses of the small previews of a storage's pictures."""
    master = server.ask("GET", f"/api/v1/storage-index/master/{storage_uuid}")
    sessions = master["import_sessions"]
    assert isinstance(sessions, list)
    found: list[str] = []
    for session in sessions:  # pyright: ignore[reportUnknownVariableType]  # JSON
        index = server.ask("GET", f"/api/v1/storage-index/session/{session['id']}")
        files = index["files"]
        assert isinstance(files, dict)
        for hothash, entry in files.items():  # pyright: ignore[reportUnknownVariableType]  # JSON
            found.append(f"/p/{hothash}/{entry['hotpreview_rendition']}/200.jpg")
    return found


def _rate(server: RunningServer, addresses: Sequence[str], what: str, limit: float | None) -> Figure:
    before, began = server.processor_seconds(), time.perf_counter()
    answers = ask_all(server, addresses, clients=8)
    wall = time.perf_counter() - began
    busy = server.processor_seconds() - before
    if answers.failures:
        return Figure(
            what=f"previews {what}", measured="FAILED", limit="none fails", is_kept=False, note=answers.failures[0]
        )
    rate = len(addresses) / busy
    return Figure(
        what=f"previews {what}, a second of one processor",
        measured=f"{rate:,.0f}",
        limit="" if limit is None else f"≥ {limit:,.0f}",
        is_kept=None if limit is None else rate >= limit,
        note=f"{len(addresses) / wall:,.0f} a second by the clock, its client on the same machine",
    )


# memory


def measure_memory(folder: Path, *, count: int, is_full_size: bool) -> list[Figure]:
    """Browse a library of ``count`` photos: its list to the end, each kind of filter, previews; then look at memory."""
    home = folder / "home"
    home.mkdir(parents=True)
    _fill(home, count)
    with running_server(home, workers=0) as server:
        began = server.memory_mb()
        pages = _walk_all(server)
        ask_all(server, [f"/api/v1/photos?{each}" for each in _FILTERS] * 5, clients=8)
        now, most = server.memory_mb(), server.memory_mb("VmHWM")
    return [
        shown("memory when it began", began, unit="MB"),
        shown("photos listed", pages, note="by keyset paging, 500 at a time"),
        shown("memory afterwards", now, unit="MB"),
        at_most(f"memory at most, of {count:,} photos", most, WANTED_MEMORY_MB, unit="MB", holds=is_full_size),
    ]


def _fill(home: Path, count: int) -> None:
    """Make a catalog of so many photos, as if a storage that is away had been recovered."""
    chance = random.Random(count)
    with Catalog.open(f"sqlite:///{home / 'catalog.sqlite'}") as catalog:
        with catalog.begin() as db:
            storage = add_storage(
                db,
                storage_uuid=StorageUuid("0357181c-0000-4000-8000-000000000000"),
                directory_name="bench",
                base_path="/media",
                display_name="Bench",
                created_at="2024-10-18T14:30:52Z",
            )
        for first in range(0, count, FILES_A_SESSION):
            entries: list[FileEntry] = []
            for number in range(first, min(count, first + FILES_A_SESSION)):
                made = make_entry(path_of(number), content_of("bench", number), modified_ns=number)
                local = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(1_400_000_000 + number * 3000))
                taken = CaptureTime(local=local, offset="+02:00", source="exif")
                said = Embedded(rating=chance.choice((None, None, 3, 5)), keywords=(chance.choice(_WORDS),))
                entries.append(replace(made, facts=replace(made.facts, capture_time=taken, embedded=said)))
            number = 1 + first // FILES_A_SESSION
            uuid = SessionUuid(f"00000000-0000-4000-8000-{number:012}")
            with catalog.begin(changes_photos=True) as db:
                project_session(
                    db, storage=storage, index=make_session(storage, entries, number=number, session_uuid=uuid)
                )


def _walk_all(server: RunningServer) -> int:
    """Go through the whole list of photos, page by page, and give how many there are."""
    count, after = 0, ""
    while True:
        page = server.ask("GET", f"/api/v1/photos?limit=500{after}")
        photos = page["photos"]
        assert isinstance(photos, list)
        count += len(photos)  # pyright: ignore[reportUnknownArgumentType]  # JSON
        if page["next"] is None:
            return count
        after = f"&after={page['next']}"


# browsing while an import runs


def measure_browsing(folder: Path, *, clients: int, pictures: int, is_full_size: bool) -> list[Figure]:
    """Let so many clients browse, each as a person does, while ``pictures`` are imported."""
    home = folder / "home"
    home.mkdir(parents=True)
    first = make_pictures(folder / "card", 300, seed=2)
    second = make_pictures(folder / "second card", pictures, seed=3)
    with running_server(home, workers=2) as server:
        addresses = _import(server, folder, first)
        storage = server.ask("GET", "/api/v1/file-storage")["storages"]
        assert isinstance(storage, list)
        body: dict[str, object] = {"title": "Second", "file_storage_id": storage[0]["id"]}
        session = server.ask("POST", "/api/v1/import-sessions", body)
        job = server.ask(
            "POST",
            f"/api/v1/import-sessions/{session['id']}/import",
            {"source_directory": str(second)},
            prefer="respond-async",
        )["job"]
        assert isinstance(job, dict)
        job_id = str(job["id"])  # pyright: ignore[reportUnknownArgumentType]  # JSON
        is_over = threading.Event()
        answers = Answers()
        with ThreadPoolExecutor(clients) as pool:
            browsing = [pool.submit(_browse, server, addresses, number, is_over) for number in range(clients)]
            began = time.perf_counter()
            while _state(server, job_id) not in ("done", "failed", "cancelled"):
                time.sleep(0.25)
            took = time.perf_counter() - began
            is_over.set()
            for each in browsing:
                found = each.result()
                answers.seconds.extend(found.seconds)
                answers.failures.extend(found.failures)
        state = _state(server, job_id)
    kinds = f"{len(answers.seconds):,} requests of {clients} clients in {took:,.0f} s, {pictures:,} pictures imported"
    failures = [*answers.failures, *([] if state == "done" else [f"the import {state}"])]
    return [
        at_most("requests that failed", len(failures), 0, note=failures[0] if failures else kinds),
        shown("half of them took at most", answers.worst(50), unit="s"),
        in_time("99 in 100 took at most", answers.worst(99), WANTED_P99_SECONDS, holds=is_full_size),
    ]


def _browse(server: RunningServer, addresses: Sequence[str], number: int, is_over: threading.Event) -> Answers:
    """Look at pages, photos and previews, with a look of two to six seconds at each."""
    chance, total = random.Random(number), Answers()
    is_over.wait(chance.random() * 6)
    while not is_over.is_set():
        hothash = chance.choice(addresses).split("/")[2]
        screen = [f"/api/v1/photos?limit=100&{chance.choice(_FILTERS)}", *chance.sample(addresses, 20)]
        screen.append(f"/api/v1/photos/{hothash}?look=false")
        found = ask_all(server, screen, clients=1)
        total.seconds.extend(found.seconds)
        total.failures.extend(found.failures)
        is_over.wait(2 + chance.random() * 4)
    return total


def _state(server: RunningServer, job_id: str) -> str:
    job = server.ask("GET", f"/api/v1/jobs/{job_id}")["job"]
    assert isinstance(job, dict)
    return str(job["state"])  # pyright: ignore[reportUnknownArgumentType]  # JSON
