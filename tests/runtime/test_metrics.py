"""Prometheus reads how the server answers and how storages stand, without any disk being asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from imalink.core.job import JobRequest
from imalink.runtime.events import EventHub
from imalink.runtime.health_words import health_json
from imalink.runtime.jobs import JobRunner
from imalink.runtime.metrics import Metrics
from imalink.workflows.look_at_health import keep_health, look_at_health
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest
from tests.support.workbench import Workbench, make_source


@pytest.fixture
def bench(tmp_path: Path, empty_catalog: Path) -> Iterator[Workbench]:
    with Workbench(tmp_path, empty_catalog=empty_catalog) as found:
        yield found


@pytest.fixture
def runner(bench: Workbench) -> Iterator[JobRunner]:
    with JobRunner(bench.tools, EventHub()) as made:
        yield made


def figures(metrics: Metrics) -> dict[tuple[str, tuple[str, ...]], float]:
    return {
        (sample.name, tuple(sorted(f"{key}={value}" for key, value in sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(metrics.spell().decode())
        for sample in family.samples
    }


def test_storages_jobs_and_alerts_are_counted(bench: Workbench, runner: JobRunner) -> None:
    record = bench.create()
    bench.import_(record, make_source(bench.folder / "card", 3))
    next((bench.root(record) / "photos").rglob("*.jpg")).unlink()
    reindex(bench.tools, record, ReindexRequest())
    runner.submit(JobRequest(kind="verify"), lambda _: {}).result()
    report = look_at_health(bench.tools)
    keep_health(bench.tools, report.taken_at, health_json(report))
    metrics = Metrics(bench.tools, runner)
    found = figures(metrics)
    of = ("name=Blue Samsung", f"storage_uuid={record.storage_uuid}")
    assert found["imalink_storage_files", of] == 3
    assert found["imalink_storage_missing_files", of] == 1
    assert found["imalink_storage_accessible", of] == 1
    assert found["imalink_storage_sessions", of] == 1
    assert found["imalink_jobs", ("state=done",)] == 1
    assert found["imalink_alerts", ("severity=warning",)] == 1
    assert found["imalink_catalog_up", ()] == 1


def test_no_disk_is_asked(bench: Workbench, runner: JobRunner) -> None:
    record = bench.create()
    metrics = Metrics(bench.tools, runner)
    root = bench.root(record)
    root.rename(root.with_name("away"))
    of = ("name=Blue Samsung", f"storage_uuid={record.storage_uuid}")
    assert figures(metrics)["imalink_storage_accessible", of] == 1  # as it was when it was last looked at


def test_requests_are_counted_by_the_pattern_of_their_path(bench: Workbench, runner: JobRunner) -> None:
    metrics = Metrics(bench.tools, runner)
    for seconds in (0.2, 0.4):
        metrics.count_request(method="GET", path="/photos/{hothash}", status=200, seconds=seconds)
    metrics.count_request(method="POST", path="/import", status=200, seconds=900, is_waiting=True)
    found = figures(metrics)
    of = ("method=GET", "path=/photos/{hothash}", "status=200")
    assert found["imalink_request_seconds_count", of] == 2
    (times,) = metrics.response_times()
    assert (times.operation, times.count, times.slowest_seconds) == ("GET /photos/{hothash}", 2, 0.4)
    assert times.mean_seconds == pytest.approx(0.3)


def test_a_catalog_that_cannot_be_read_is_a_figure_too(bench: Workbench, runner: JobRunner) -> None:
    metrics = Metrics(bench.tools, runner)
    bench.catalog.close()
    bench.database.write_bytes(b"not a database at all" * 100)
    assert figures(metrics)["imalink_catalog_up", ()] == 0
