"""What a gallery waits for over HTTP: pages, filters and the timeline, asked of ``imalink serve`` over the loopback."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.measuring import Figure, in_time, shown
from benchmarks.serving import RunningServer, running_server

ROUNDS = 200
_FILTERS = {
    "rating": "rating_min=4",
    "camera": "camera=Nikon%202",
    "make": "camera=Nikon",
    "lens": "lens=Sony%20lens%201",
    "tag": "tag=rome",
    "two tags": "tag=rome&tag=night",
    "session": "session_id=1",
    "format": "format=raw",
    "place known": "has_gps=true",
    "part of the map": "place=41,12..42,13",
    "present": "status=present",
    "missing": "status=missing",
    "days": "from=2016&to=2017",
    "text": "text=oslo",
    "text that all have": "text=jpg",
    "text, nothing": "text=zzzz",
    "rating, camera and tag": "rating_min=4&camera=Canon%201&tag=lake",
}

Ask = Callable[[str], tuple[bytes, float]]
"""Asks for a path below ``/api/v1/``, and gives the body and the seconds until it was there."""


def measure_gallery(folder: Path, *, is_full_size: bool) -> list[Figure]:
    """Ask a server over ``folder / "catalog.sqlite"`` as a gallery does; times are those of the client."""
    with running_server(folder, workers=0) as server, _asking(server) as ask:
        for _ in range(20):
            ask("photos?limit=50")
        before = server.processor_seconds()
        first = [ask("photos?limit=50")[1] for _ in range(ROUNDS)]
        busy = (server.processor_seconds() - before) / len(first)
        figures = [
            in_time("HTTP: the first page of 50, p95", _p95(first), 0.005, holds=is_full_size),
            shown("HTTP: the same, processor time of the server", busy, unit="s"),
            in_time("HTTP: further pages of 50, p95", _p95(_walk(ask)), 0.005, holds=is_full_size),
        ]
        for name, query in _FILTERS.items():
            seconds = [ask(f"photos?limit=50&{query}")[1] for _ in range(40)]
            figures.append(in_time(f"HTTP: by {name}, p95", _p95(seconds), 0.02, holds=is_full_size))
        before = server.processor_seconds()
        layout, built = ask("timeline/layout")
        busy = server.processor_seconds() - before
        figures.append(in_time("HTTP: the layout of the timeline, made", built, 3.0, holds=is_full_size))
        figures.append(shown("HTTP: the same, processor time of the server", busy, unit="s"))
        kept = [ask("timeline/layout")[1] for _ in range(50)]
        figures.append(in_time("HTTP: the same, kept, p95", _p95(kept), 0.01, holds=is_full_size))
        figures.append(shown("HTTP: the layout, gzipped", len(layout) / 1000, unit="kB"))
        days = _data(ask("timeline/days")[0])
        part = f"timeline/items?rev={days['rev']}&limit=100&offset="
        deep = [ask(f"{part}{days['total'] * place // 60}")[1] for place in range(50)]
        figures.append(in_time("HTTP: 100 items anywhere, p95", _p95(deep), 0.028, holds=is_full_size))
        place = [ask(f"timeline/locate?id={days['total'] // 2}")[1] for _ in range(20)]
        figures.append(shown("HTTP: where a photo stands, p95", _p95(place), unit="s"))
    return figures


@contextmanager
def _asking(server: RunningServer) -> Generator[Ask]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port)

    def ask(path: str) -> tuple[bytes, float]:
        began = time.perf_counter()
        connection.request("GET", f"/api/v1/{path}", headers={"accept-encoding": "gzip"})
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body
        return body, time.perf_counter() - began

    try:
        yield ask
    finally:
        connection.close()


def _walk(ask: Ask) -> list[float]:
    times: list[float] = []
    after: str | None = None
    for _ in range(ROUNDS):
        body, seconds = ask("photos?limit=50" + (f"&after={after}" if after else ""))
        times.append(seconds)
        after = _data(body)["next"]
        if after is None:
            break
    return times


def _data(body: bytes) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(body)["data"]
    return data


def _p95(times: list[float]) -> float:
    return sorted(times)[len(times) * 95 // 100 - 1]
