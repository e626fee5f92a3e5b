"""A health report as JSON: the daily report of the workflow guide, the four groups of health, and the alerts."""

from __future__ import annotations

import platform
from collections.abc import Mapping

from imalink.core.health import (
    GIB,
    GROWTH_DAYS,
    MIB,
    Alert,
    HealthReport,
    IndexState,
    StorageHealth,
    find_alerts,
    find_issues,
)
from imalink.core.timestamps import format_instant
from imalink.core.timetable import TaskNote


def health_json(report: HealthReport) -> dict[str, object]:
    """Spell a report. docs/reference/health.md has every key."""
    reached = [storage for storage in report.storages if storage.is_accessible]
    issues = find_issues(report)
    return {
        "timestamp": report.taken_at,
        "storages": [_storage_json(storage) for storage in report.storages],
        "issues": issues,
        "summary": {
            "total_storages": len(report.storages),
            "accessible_storages": len(reached),
            "inactive_storages": report.inactive_count,
            "total_files": sum(storage.total_files for storage in reached),
            "total_size_gb": round(sum(storage.size_bytes for storage in reached) / GIB, 2),
            "issues_count": len(issues),
        },
        "alerts": [_alert_json(alert) for alert in find_alerts(report)],
        "disk_space": {
            "storages": [_space_json(storage) for storage in report.storages],
            "catalog_free_bytes": report.catalog_free_bytes,
        },
        "file_accessibility": {
            "storages": [
                {
                    "uuid": storage.storage_uuid,
                    "accessible": storage.is_accessible,
                    "status": storage.status,
                    "reason": _plain(storage.reason),
                    "missing_files": storage.missing_files,
                }
                for storage in report.storages
            ],
        },
        "integrity": {
            "storages": [
                {
                    "uuid": storage.storage_uuid,
                    "indexes": storage.indexes.value,
                    "index_files": list(storage.index_files),
                    "damaged_files": storage.damaged_files,
                    "verified_files": storage.verified_files,
                    "verified_since": storage.verified_since,
                    "days_unverified": storage.days_unverified,
                }
                for storage in report.storages
            ],
        },
        "performance": _performance_json(report),
        "timetable": [_task_json(note) for note in report.timetable],
        "machine": {"platform": platform.system(), "containment": report.containment},
    }


def _storage_json(storage: StorageHealth) -> Mapping[str, object]:
    return {
        "uuid": storage.storage_uuid,
        "name": _plain(storage.name),
        "accessible": storage.is_accessible,
        "free_space_gb": round((storage.free_bytes or 0) / GIB, 2),
        "total_files": storage.total_files,
        "size_mb": round(storage.size_bytes / MIB, 2),
        "import_sessions": storage.session_count,
        "indexes_healthy": None if storage.indexes is IndexState.UNKNOWN else storage.indexes is IndexState.SOUND,
    }


def _space_json(storage: StorageHealth) -> Mapping[str, object]:
    return {
        "uuid": storage.storage_uuid,
        "free_bytes": storage.free_bytes,
        "total_bytes": storage.total_bytes,
        "archive_bytes": storage.size_bytes,
        "growth_bytes": storage.growth_bytes,
        "growth_days": GROWTH_DAYS,
        "days_until_full": storage.days_until_full,
    }


def _performance_json(report: HealthReport) -> Mapping[str, object]:
    imports = report.imports
    return {
        "imports": {
            "import_count": imports.import_count,
            "copy_speed_mb_s": None if imports.bytes_per_second is None else round(imports.bytes_per_second / 1e6, 1),
            "success_rate": imports.success_rate,
            "failure_rate": None if imports.success_rate is None else round(1 - imports.success_rate, 4),
            "average_import_bytes": imports.average_bytes,
        },
        "sessions_last_30_days": report.sessions_lately,
        "sessions_90_days_before": report.sessions_before,
        "catalog_seconds": report.catalog_seconds,
        "storage_seconds": {
            storage.storage_uuid: storage.look_seconds for storage in report.storages if storage.is_accessible
        },
        "api": [
            {
                "operation": each.operation,
                "count": each.count,
                "mean_seconds": round(each.mean_seconds, 4),
                "slowest_seconds": round(each.slowest_seconds, 4),
            }
            for each in report.response_times
        ],
    }


def _alert_json(alert: Alert) -> Mapping[str, object]:
    return {
        "code": alert.code.value,
        "severity": alert.severity.value,
        "storage_uuid": alert.storage_uuid,
        "message": _plain(alert.message),
        "hint": alert.hint,
    }


def _task_json(note: TaskNote) -> Mapping[str, object]:
    return {
        "task": note.task.value,
        "storage_uuid": note.storage_uuid,
        "due_at": format_instant(note.due_at),
        "tried_at": note.tried_at,
        "outcome": note.outcome.value or None,
        "why": _plain(note.why),
        "job": note.job_id,
    }


def _plain(text: str) -> str:
    """Give text that JSON can hold: bytes of a name that are no UTF-8 escaped."""
    return text.encode("utf-8", "backslashreplace").decode()
