"""What the catalog tells of the health of storages: counts, growth, imports; and the history of health reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import case, delete, func, select
from sqlalchemy.orm import Session

from imalink.catalog.models import FileLocation, ImportSession, SessionFile
from imalink.catalog.work_models import HealthRow, VerifiedFile
from imalink.core.health import ImportMetrics
from imalink.core.index import FileStatus
from imalink.core.timestamps import parse_instant

KEPT_REPORTS = 1000
_IMPORTS_LOOKED_AT = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageCounts:
    """What is known of a storage's files. ``growth_bytes`` came in since the moment that was asked for."""

    session_count: int = 0
    missing_files: int = 0
    damaged_files: int = 0
    growth_bytes: int = 0
    verified_files: int = 0
    verified_since: str | None = None
    present_files: int = 0


def count_storages(db: Session, *, grown_since: str) -> dict[int, StorageCounts]:
    """Give by storage id what is known of its files; one without any is left out."""
    location = FileLocation
    files = select(
        location.file_storage_id,
        func.sum(case((location.status == FileStatus.PRESENT.value, 1), else_=0)),
        func.sum(case((location.status == FileStatus.MISSING.value, 1), else_=0)),
        func.sum(case((location.damage.is_not(None), 1), else_=0)),
        func.sum(case((location.imported_at >= grown_since, location.file_size), else_=0)),
    ).group_by(location.file_storage_id)
    sessions = select(SessionFile.file_storage_id, func.count()).group_by(SessionFile.file_storage_id)
    verified = select(VerifiedFile.file_storage_id, func.count(), func.min(VerifiedFile.verified_at)).group_by(
        VerifiedFile.file_storage_id
    )
    session_counts = dict(iter(db.execute(sessions)))
    verified_counts = {storage_id: (count, since) for storage_id, count, since in db.execute(verified)}
    counted = {row[0]: row for row in db.execute(files)}
    found: dict[int, StorageCounts] = {}
    for storage_id in {*session_counts, *verified_counts, *counted}:
        _, present, missing, damaged, growth = counted.get(storage_id, (storage_id, 0, 0, 0, 0))
        verified_files, since = verified_counts.get(storage_id, (0, None))
        found[storage_id] = StorageCounts(
            session_count=session_counts.get(storage_id, 0),
            present_files=int(present),
            missing_files=int(missing),
            damaged_files=int(damaged),
            growth_bytes=int(growth),
            verified_files=verified_files,
            verified_since=since,
        )
    return found


def count_sessions(db: Session, *, since: str, until: str) -> int:
    """Count the sessions that were begun in a stretch of time, its end left out."""
    query = select(func.count()).select_from(ImportSession)
    return db.execute(query.where(ImportSession.imported_at >= since, ImportSession.imported_at < until)).scalar_one()


def measure_imports(db: Session) -> ImportMetrics:
    """Give what the last imports came to that brought or saw anything."""
    query = (
        select(
            ImportSession.copy_started_at,
            ImportSession.copy_completed_at,
            ImportSession.total_size_bytes,
            ImportSession.total_scanned,
            ImportSession.errors,
        )
        .where(ImportSession.total_scanned > 0)
        .order_by(ImportSession.imported_at.desc())
        .limit(_IMPORTS_LOOKED_AT)
    )
    rows = db.execute(query).all()
    timed_bytes, seconds = 0, 0.0
    for started_at, completed_at, size_bytes, _, _ in rows:
        if started_at is not None and completed_at is not None and size_bytes:
            took = (parse_instant(completed_at) - parse_instant(started_at)).total_seconds()
            # Times are kept to the second: an import that took none at all says nothing of speed.
            timed_bytes, seconds = (timed_bytes + size_bytes, seconds + took) if took > 0 else (timed_bytes, seconds)
    return ImportMetrics(
        import_count=len(rows),
        bytes_per_second=round(timed_bytes / seconds, 1) if seconds else None,
        files_seen=sum(row[3] for row in rows),
        files_failed=sum(row[4] for row in rows),
        average_bytes=sum(row[2] for row in rows) // len(rows) if rows else 0,
    )


def keep_report(db: Session, *, taken_at: str, report: Mapping[str, object]) -> None:
    """Keep a health report; the oldest beyond a thousand go. Commits nothing."""
    db.add(HealthRow(taken_at=taken_at, report=dict(report)))
    db.flush()
    kept = select(HealthRow.id).order_by(HealthRow.id.desc()).limit(KEPT_REPORTS)
    oldest = min(db.execute(kept).scalars())
    db.execute(delete(HealthRow).where(HealthRow.id < oldest))


def list_reports(db: Session, *, limit: int = 30) -> list[dict[str, object]]:
    """Give the last health reports, the newest first."""
    query = select(HealthRow.report).order_by(HealthRow.id.desc()).limit(limit)
    return list(db.execute(query).scalars())
