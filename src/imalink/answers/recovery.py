"""Recovery and regenerated indexes, spelled as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imalink.answers import finding_json, json_text

if TYPE_CHECKING:
    from imalink.workflows.back_up import BackupReport
    from imalink.workflows.out_of_reach import NotCompared
    from imalink.workflows.preview_storage import StoragePreview
    from imalink.workflows.recover import RecoveryReport
    from imalink.workflows.regenerate_indexes import RegenerateReport


def preview_json(preview: StoragePreview) -> dict[str, object]:
    """Spell what a storage that is not trusted yet says of itself."""
    return {
        "storage_uuid": preview.storage_uuid,
        "display_name": json_text(preview.display_name),
        "path": json_text(str(preview.path)),
        "layout": preview.layout,
        "created_at": preview.created_at,
        "backend_url": json_text(preview.backend_url),
        "session_count": preview.session_count,
        "photo_count": preview.photo_count,
        "file_count": preview.file_count,
        "total_size_bytes": preview.total_size_bytes,
        "interrupted_runs": preview.interrupted_runs,
        "findings": [finding_json(finding) for finding in preview.findings],
    }


def backup_json(report: BackupReport) -> dict[str, object]:
    """Spell what a backup holds and what it could not hold."""
    return {
        "folder": json_text(str(report.folder)),
        "storages": [
            {
                "storage_uuid": each.storage_uuid,
                "display_name": json_text(each.display_name),
                "files": each.file_count,
                "size_bytes": each.size_bytes,
            }
            for each in report.storages
        ],
        "out_of_reach": [json_text(name) for name in report.out_of_reach],
        "files": report.file_count,
        "size_bytes": report.size_bytes,
        "findings": [finding_json(finding) for finding in report.findings],
        "seconds": report.seconds,
    }


NO_ACCOUNTS = (
    "Accounts and tokens are in no storage, and this catalog has none. Where people log in, make the first with "
    "`imalink user add NAME --role admin`, or with the token that `imalink serve` prints; then new tokens for scripts."
)


def recovery_notes(report: RecoveryReport) -> list[str]:
    """Give what a recovery cannot bring back, in words, with what to do next; nothing where nothing is to be done."""
    return [] if report.has_accounts else [NO_ACCOUNTS]


def recovery_json(report: RecoveryReport) -> dict[str, object]:
    """Spell what a recovery restored or a check compared; its findings are told beside it."""
    return {
        "storages": [
            {
                "storage_uuid": candidate.storage_uuid,
                "display_name": json_text(candidate.display_name),
                "path": json_text(str(candidate.path)),
            }
            for candidate in report.storages
        ],
        "restored_sessions": report.restored_sessions,
        "restored_files": report.restored_files,
        "restored_photos": report.restored_photos,
        "sessions": [
            {
                "id": session.number,
                "title": json_text(session.title),
                "expected_files": session.expected_files,
                "found_files": session.found_files,
            }
            for session in report.sessions
        ],
        "missing_files": [
            {
                "hothash": missing.hothash,
                "expected_path": json_text(missing.expected_path),
                "last_seen": missing.last_seen_at,
            }
            for missing in report.missing_files
        ],
        "changed_files": [
            {"path": json_text(changed.path), "hothash": changed.hothash, "kind": changed.kind}
            for changed in report.changed_files
        ],
        "corrupt_indexes": [json_text(text) for text in report.corrupt_indexes],
        "differences": [json_text(text) for text in report.differences],
        "not_compared": [not_compared_json(each) for each in report.not_compared],
        "notes": recovery_notes(report),
        "seconds": report.seconds,
    }


def not_compared_json(left: NotCompared) -> dict[str, object]:
    """Spell a storage that a comparison had to leave out."""
    return {
        "storage_uuid": left.storage_uuid,
        "display_name": json_text(left.display_name),
        "photos": left.photo_count,
        "files": left.file_count,
        "status": left.status,
        "reason": json_text(left.reason),
    }


def regenerate_json(report: RegenerateReport) -> dict[str, object]:
    """Spell which index files were written again."""
    return {
        "storage_uuid": report.storage_uuid,
        "display_name": json_text(report.display_name),
        "is_known": report.is_known,
        "sessions": list(report.sessions),
        "total_files": report.total_files,
        "findings": [finding_json(finding) for finding in report.findings],
        "seconds": report.seconds,
    }
