"""Figures for Prometheus: how the server answers, what jobs do, and how storages stand by the last look at them."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Histogram, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from imalink.catalog import file_storages
from imalink.catalog import health as kept_health
from imalink.catalog import jobs as kept_jobs
from imalink.core.health import ResponseTime
from imalink.core.job import JobState
from imalink.core.plain_text import escaped
from imalink.errors import CatalogError
from imalink.runtime.jobs import JobRunner
from imalink.workflows.tools import Tools

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, float("inf"))


@dataclass(slots=True)
class _Tally:
    count: int = 0
    seconds: float = 0.0
    slowest: float = 0.0


class Metrics:
    """Counts what the server answers, and spells all figures. Asking for them touches no disk but the catalog's."""

    def __init__(self, tools: Tools, runner: JobRunner) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._requests = Histogram(
            "imalink_request_seconds",
            "Time to answer a request, by the pattern of its path.",
            ("method", "path", "status"),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._registry.register(_Archive(tools, runner))
        self._lock = threading.Lock()
        self._tallies: dict[str, _Tally] = {}

    def count_request(self, *, method: str, path: str, status: int, seconds: float, is_waiting: bool = False) -> None:
        """Count one answer; ``path`` is the pattern of its route, never what a client wrote there.

        One that only waited for a job (``is_waiting``) says nothing of how fast the server is.
        """
        self._requests.labels(method, path, str(status)).observe(seconds)
        if is_waiting:
            return
        with self._lock:
            tally = self._tallies.setdefault(f"{method} {path}", _Tally())
            tally.count += 1
            tally.seconds += seconds
            tally.slowest = max(tally.slowest, seconds)

    def response_times(self) -> list[ResponseTime]:
        """Give how long each kind of request took since the server began, the slowest on average first."""
        with self._lock:
            found = [
                ResponseTime(
                    operation=operation,
                    count=tally.count,
                    mean_seconds=tally.seconds / tally.count,
                    slowest_seconds=tally.slowest,
                )
                for operation, tally in self._tallies.items()
            ]
        return sorted(found, key=lambda each: -each.mean_seconds)

    def spell(self) -> bytes:
        """Give all figures in Prometheus's text format."""
        return generate_latest(self._registry)


class _Archive(Collector):
    """Asks the catalog each time it is asked: what is unplugged, or hangs, keeps nobody waiting here."""

    def __init__(self, tools: Tools, runner: JobRunner) -> None:
        self._tools = tools
        self._runner = runner

    def collect(self) -> Iterable[Metric]:
        """Give the figures of storages and jobs; where the catalog cannot be read, only that."""
        is_up = GaugeMetricFamily("imalink_catalog_up", "Whether the catalog can be read.")
        try:
            yield from self._figures()
            is_up.add_metric([], 1)
        except CatalogError:
            is_up.add_metric([], 0)
        yield is_up

    def _figures(self) -> list[Metric]:
        with self._tools.catalog.read() as db:
            records = file_storages.list_storages(db)
            counts = kept_health.count_storages(db, grown_since="9999-01-01T00:00:00Z")
            jobs = kept_jobs.count_by_state(db)
            latest = kept_health.list_reports(db, limit=1)
        labels = ("storage_uuid", "name")
        files = GaugeMetricFamily("imalink_storage_files", "Indexed files.", labels=labels)
        size = GaugeMetricFamily("imalink_storage_bytes", "Bytes of the indexed files.", labels=labels)
        up = GaugeMetricFamily("imalink_storage_accessible", "Whether it could be reached last time.", labels=labels)
        missing = GaugeMetricFamily("imalink_storage_missing_files", "Files known to be missing.", labels=labels)
        damaged = GaugeMetricFamily("imalink_storage_damaged_files", "Files known to be damaged.", labels=labels)
        sessions = GaugeMetricFamily("imalink_storage_sessions", "Import sessions.", labels=labels)
        for record in records:
            if not record.is_active:
                continue
            of = [record.storage_uuid, escaped(record.display_name)]
            known = counts.get(record.id, kept_health.StorageCounts())
            for family, value in (
                (files, record.total_files),
                (size, record.total_size_bytes),
                (up, int(record.is_accessible)),
                (missing, known.missing_files),
                (damaged, known.damaged_files),
                (sessions, known.session_count),
            ):
                family.add_metric(of, value)
        by_state = GaugeMetricFamily("imalink_jobs", "Jobs that are kept, by state.", labels=("state",))
        for state in JobState:
            by_state.add_metric([state.value], jobs.get(state, 0))
        alerts = GaugeMetricFamily("imalink_alerts", "Alerts of the last health report.", labels=("severity",))
        found = _alerts(latest)
        for severity in ("info", "warning", "error"):
            alerts.add_metric([severity], found.count(severity))
        return [files, size, up, missing, damaged, sessions, by_state, alerts]


def _alerts(latest: list[dict[str, object]]) -> list[str]:
    alerts = latest[0].get("alerts") if latest else None
    rows: list[object] = alerts if isinstance(alerts, list) else []  # pyright: ignore[reportUnknownVariableType]
    return [str(row.get("severity")) for row in rows if isinstance(row, dict)]  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
