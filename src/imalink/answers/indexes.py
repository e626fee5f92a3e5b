"""How the index files of storages stand, spelled as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imalink.answers import finding_json, json_text

if TYPE_CHECKING:
    from imalink.catalog.file_storages import StorageRecord
    from imalink.workflows.index_session import SessionIndexed
    from imalink.workflows.look_at_indexes import StorageIndexes


def indexes_json(record: StorageRecord, found: StorageIndexes) -> dict[str, object]:
    """Spell which index files are there and sound; ``master_index_exists`` is about both that cover all sessions."""
    return {
        "storage_uuid": record.storage_uuid,
        "uuid": record.storage_uuid,
        "display_name": json_text(record.display_name),
        "is_accessible": found.is_accessible,
        "master_index_exists": found.overview_exists and found.files_index_exists,
        "overview_exists": found.overview_exists,
        "files_index_exists": found.files_index_exists,
        "all_intact": found.all_intact,
        "total_sessions": len(found.sessions),
        "sessions": [
            {
                "session_id": each.session_number,
                "session_uuid": each.session_uuid,
                "title": json_text(each.title),
                "index_filename": each.filename,
                "index_exists": each.exists,
                "is_intact": each.is_intact,
            }
            for each in found.sessions
        ],
        "last_scan": record.last_scan_at,
    }


def session_indexed_json(found: SessionIndexed) -> dict[str, object]:
    """Spell where a session's index stands."""
    return {
        "session_id": found.session.session.number,
        "session_uuid": found.session.session.session_uuid,
        "storage_uuid": found.storage.storage_uuid,
        "title": json_text(found.session.session.title),
        "index_filename": found.index_path.rpartition("/")[2],
        "index_path": json_text(found.index_path),
        "is_written": found.is_written,
        "total_files": found.session.file_count,
        "findings": [finding_json(finding) for finding in found.findings],
    }
