"""Import sessions, spelled as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imalink.answers import finding_json, json_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imalink.catalog.import_sessions import SessionRecord
    from imalink.catalog.statistics import MonthOfImports
    from imalink.core.session import ImportStatistics
    from imalink.workflows.look_at_sessions import SessionFile, SessionRun, SessionView
    from imalink.workflows.rollback_session import RollbackReport

_MIB = 1024 * 1024


def session_json(record: SessionRecord) -> dict[str, object]:
    """Spell a session as a list has it."""
    return {
        "id": record.session.number,
        "session_uuid": record.session.session_uuid,
        "title": json_text(record.session.title),
        "status": record.session.status.value,
        "imported_at": record.session.imported_at,
        "file_count": record.file_count,
        "storage_uuid": record.storage_uuid,
        "has_permanent_storage": record.has_permanent_storage,
    }


def session_details_json(record: SessionRecord) -> dict[str, object]:
    """Spell all that the catalog knows of a session itself."""
    session = record.session
    return {
        **session_json(record),
        "description": json_text(session.description),
        "images_count": record.file_count,
        "default_author_id": session.default_author_id,
        "file_storage_id": session.file_storage_id,
        "storage_directory_name": None
        if record.storage_directory_name is None
        else json_text(record.storage_directory_name),
        "index_filename": f"session_{session.number}.json",
        "copy_status": session.status.copy_status,
        "copy_started_at": session.copy_started_at,
        "copy_completed_at": session.copy_completed_at,
        "source_path": json_text(session.source_path),
        "original_source_path": json_text(session.source_path),
        "storage_size_mb": -(-record.statistics.total_size_bytes // _MIB),
        "statistics": counts_json(record.statistics),
    }


def session_view_json(found: SessionView) -> dict[str, object]:
    """Spell a session with its imports and every file of it."""
    record = found.record
    return {
        **session_json(record),
        "description": json_text(record.session.description),
        "source_path": json_text(record.session.source_path),
        "photo_count": found.photo_count,
        "statistics": counts_json(record.statistics),
        "runs": [run_json(run) for run in found.runs],
        "files": [file_json(file) for file in found.files],
        "findings": [finding_json(finding) for finding in found.findings],
    }


def file_json(file: SessionFile) -> dict[str, object]:
    """Spell one file of a session."""
    return {
        "hothash": file.hothash,
        "storage_uuid": file.storage_uuid,
        "relative_path": json_text(file.relative_path),
        "original_filename": json_text(file.original_filename),
        "status": file.status,
        "file_size": file.size_bytes,
        "sha256": file.sha256,
        "taken_at": file.taken_at,
        "file_format": file.file_format,
        "rating": file.rating,
    }


def counts_json(counts: ImportStatistics) -> dict[str, object]:
    """Spell what imports counted."""
    return {
        "total_scanned": counts.total_scanned,
        "new_imports": counts.new_imports,
        "duplicates_skipped": counts.duplicates_skipped,
        "companions": counts.companions,
        "ignored": counts.ignored,
        "errors": counts.errors,
        "total_size_bytes": counts.total_size_bytes,
    }


def months_json(months: Sequence[MonthOfImports]) -> dict[str, object]:
    """Spell what came in month by month."""
    return {
        "months": [
            {
                "month": month.month,
                "session_count": month.session_count,
                "picture_count": month.picture_count,
                "file_count": month.file_count,
                "total_size_bytes": month.size_bytes,
            }
            for month in months
        ]
    }


def run_json(run: SessionRun) -> dict[str, object]:
    """Spell one import into a session."""
    return {
        "run_uuid": run.run_uuid,
        "storage_uuid": run.storage_uuid,
        "source_path": json_text(run.source_path),
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "status": run.status.value,
        "statistics": counts_json(run.statistics),
    }


def rollback_json(report: RollbackReport) -> dict[str, object]:
    """Spell what taking an import back did."""
    session = report.session.session
    return {
        "dry_run": report.dry_run,
        "session_id": session.number,
        "session_uuid": session.session_uuid,
        "status": session.status.value,
        "operation_uuid": report.operation_uuid,
        "files": [
            {
                "storage_uuid": file.storage.storage_uuid,
                "hothash": file.hothash,
                "relative_path": json_text(file.path),
                "kept": None if file.kept is None else json_text(file.kept),
                "is_in_place": file.is_in_place,
                "file_size": file.size_bytes,
            }
            for file in report.files
        ],
        "staying": [
            {
                "storage_uuid": each.storage.storage_uuid,
                "relative_path": json_text(each.path),
                "why": json_text(each.why),
            }
            for each in report.staying
        ],
        "left_storages": [
            {"storage_uuid": record.storage_uuid, "why": json_text(why)} for record, why in report.left_storages
        ],
        "findings": [finding_json(finding) for finding in report.findings],
        "seconds": report.seconds,
    }
