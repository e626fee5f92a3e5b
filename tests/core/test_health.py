"""What of the health of storages is told: the issues of the daily report in its words, and alerts with what to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from imalink.core.finding import Severity
from imalink.core.health import (
    GIB,
    AlertCode,
    HealthReport,
    IndexState,
    ResponseTime,
    StorageHealth,
    find_alerts,
    find_issues,
)
from imalink.core.ids import StorageUuid
from imalink.core.timetable import Outcome, Task, TaskNote

FINE = StorageHealth(
    storage_uuid=StorageUuid("11111111-1111-4111-8111-111111111111"),
    name="Blue",
    is_accessible=True,
    free_bytes=500 * GIB,
    total_bytes=1000 * GIB,
    total_files=10,
    size_bytes=GIB,
    days_unverified=3,
    age_days=400,
)


def report_of(*storages: StorageHealth) -> HealthReport:
    return HealthReport(taken_at="2024-11-01T00:00:00Z", storages=storages)


def codes_of(report: HealthReport) -> list[AlertCode]:
    return [alert.code for alert in find_alerts(report)]


def test_all_is_well() -> None:
    assert find_issues(report_of(FINE)) == []
    assert find_alerts(report_of(FINE)) == []


@pytest.mark.parametrize(
    ("storage", "issues", "codes"),
    [
        (
            replace(
                FINE,
                is_accessible=False,
                status="storage-offline",
                free_bytes=None,
                total_bytes=None,
                indexes=IndexState.UNKNOWN,
            ),
            ["Storage 'Blue' is not accessible"],
            [AlertCode.STORAGE_NOT_ACCESSIBLE],
        ),
        (replace(FINE, free_bytes=GIB - 1), ["Storage 'Blue' is low on space"], [AlertCode.CAPACITY_LOW]),
        (replace(FINE, free_bytes=GIB), [], [AlertCode.CAPACITY_LOW]),
        (replace(FINE, free_bytes=51 * GIB), [], []),
        (replace(FINE, free_bytes=49 * GIB), [], [AlertCode.CAPACITY_LOW]),
        (
            replace(FINE, indexes=IndexState.MISSING, index_files=("index.json",)),
            ["Storage 'Blue' has missing indexes"],
            [AlertCode.INDEXES_MISSING],
        ),
        (
            replace(FINE, indexes=IndexState.DAMAGED, index_files=("index.json",)),
            ["Storage 'Blue' has missing indexes"],
            [AlertCode.INDEXES_DAMAGED],
        ),
        (replace(FINE, missing_files=2), [], [AlertCode.FILES_MISSING]),
        (replace(FINE, damaged_files=2), [], [AlertCode.FILES_DAMAGED]),
        (replace(FINE, days_unverified=46), [], [AlertCode.VERIFICATION_OVERDUE]),
        (replace(FINE, growth_bytes=500 * GIB), [], []),
        (replace(FINE, growth_bytes=501 * GIB), [], [AlertCode.CAPACITY_SOON_FULL]),
        (replace(FINE, growth_bytes=501 * GIB, age_days=3), [], []),
        (replace(FINE, look_seconds=2.5), [], [AlertCode.STORAGE_SLOW]),
        (replace(FINE, free_bytes=None, total_bytes=None, is_reference=True), [], []),
    ],
)
def test_what_is_wrong_is_told(storage: StorageHealth, issues: list[str], codes: list[AlertCode]) -> None:
    report = report_of(storage)
    assert find_issues(report) == issues
    assert codes_of(report) == codes


def test_the_worst_comes_first_and_names_its_storage_and_what_to_do() -> None:
    alerts = find_alerts(report_of(replace(FINE, look_seconds=9, missing_files=1, damaged_files=1)))
    assert [alert.severity for alert in alerts] == [Severity.ERROR, Severity.WARNING, Severity.INFO]
    assert all(alert.storage_uuid == FINE.storage_uuid and alert.hint for alert in alerts)
    assert "`imalink heal 11111111`" in alerts[0].hint


@pytest.mark.parametrize(("lately", "before", "is_told"), [(9, 0, False), (10, 0, True), (10, 9, False), (13, 9, True)])
def test_imports_that_become_many_are_told(lately: int, before: int, is_told: bool) -> None:
    report = replace(report_of(FINE), sessions_lately=lately, sessions_before=before)
    assert codes_of(report) == ([AlertCode.SESSIONS_GROW_FAST] if is_told else [])


def test_a_task_that_failed_is_told_and_one_that_was_skipped_is_not() -> None:
    failed = TaskNote(
        task=Task.MAINTENANCE,
        storage_uuid=FINE.storage_uuid,
        counts_from="2024-10-01T00:00:00Z",
        outcome=Outcome.FAILED,
        why="Suspiciously much is missing.",
    )
    skipped = replace(failed, task=Task.VERIFICATION, outcome=Outcome.SKIPPED)
    (alert,) = find_alerts(replace(report_of(FINE), timetable=(failed, skipped)))
    assert (alert.code, alert.storage_uuid) == (AlertCode.TASK_FAILED, FINE.storage_uuid)
    assert "Suspiciously much is missing" in alert.message


def test_slow_requests_and_a_full_disk_of_the_catalog_are_told() -> None:
    slow = ResponseTime(operation="POST /scan", count=3, mean_seconds=2.5, slowest_seconds=4)
    fast = ResponseTime(operation="GET /storages", count=9, mean_seconds=0.1, slowest_seconds=4)
    report = replace(report_of(FINE), response_times=(slow, fast), catalog_free_bytes=GIB - 1)
    alerts = find_alerts(report)
    assert [alert.code for alert in alerts] == [AlertCode.CATALOG_SPACE_LOW, AlertCode.API_SLOW]
    assert "POST /scan" in alerts[1].message
