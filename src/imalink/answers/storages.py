"""Storages, spelled as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imalink.answers import json_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imalink.catalog.file_storages import StorageRecord
    from imalink.catalog.forgetting import Loss
    from imalink.catalog.import_sessions import SessionRecord
    from imalink.workflows.look_at_storages import StorageLook

_MIB = 1024 * 1024
_GIB = 1024 * 1024 * 1024


def storage_json(record: StorageRecord) -> dict[str, object]:
    """Spell what the catalog knows of a storage; ``uuid`` and ``storage_uuid`` are the same."""
    return {
        "id": record.id,
        "storage_uuid": record.storage_uuid,
        "uuid": record.storage_uuid,
        "directory_name": json_text(record.directory_name),
        "base_path": json_text(record.base_path),
        "full_path": json_text(record.full_path),
        "display_name": json_text(record.display_name),
        "description": json_text(record.description),
        "layout": record.layout,
        "created_at": record.created_at,
        "is_active": record.is_active,
        "total_files": record.total_files,
        "total_size_bytes": record.total_size_bytes,
        "last_scan": record.last_scan_at,
    }


def last_known_json(record: StorageRecord) -> dict[str, object]:
    """Spell a storage without asking its disk: ``is_accessible`` is how it answered last."""
    return {
        **storage_json(record),
        "is_accessible": record.is_accessible,
        "total_size_mb": mebibytes(record.total_size_bytes),
        "storage_size_mb": -(-record.total_size_bytes // _MIB),
    }


def look_json(look: StorageLook) -> dict[str, object]:
    """Spell how a storage answered just now."""
    return {
        "is_accessible": look.is_accessible,
        "status": look.status,
        "reason": json_text(look.reason),
        "free_bytes": look.free_bytes,
        "waiting_edits": look.waiting_edits,
    }


def accessibility_json(look: StorageLook) -> dict[str, object]:
    """Spell whether a storage can be used; the numbers are never null: what is not known is 0."""
    return {
        "storage_uuid": look.record.storage_uuid,
        "uuid": look.record.storage_uuid,
        "display_name": json_text(look.record.display_name),
        "is_active": look.record.is_active,
        **look_json(look),
        "hint": json_text(look.hint),
        "is_writable": look.is_writable,
        "free_space_gb": gibibytes(look.free_bytes),
        "total_space_gb": gibibytes(look.total_bytes),
        "total_bytes": look.total_bytes,
        "checked_path": json_text(look.record.full_path),
    }


def statistics_json(record: StorageRecord, sessions: Sequence[SessionRecord]) -> dict[str, object]:
    """Spell what is indexed in a storage, also while it is away: then as last known."""
    return {
        "storage_uuid": record.storage_uuid,
        "uuid": record.storage_uuid,
        "display_name": json_text(record.display_name),
        "is_active": record.is_active,
        "is_accessible": record.is_accessible,
        "last_scan": record.last_scan_at,
        "statistics": {
            "total_files": record.total_files,
            "total_size_bytes": record.total_size_bytes,
            "total_size_mb": mebibytes(record.total_size_bytes),
            "import_sessions_count": len(sessions),
        },
        "import_sessions": [
            {
                "id": each.session.number,
                "session_uuid": each.session.session_uuid,
                "title": json_text(each.session.title),
                "imported_at": each.session.imported_at,
                "file_count": each.file_count,
                "total_size_bytes": each.statistics.total_size_bytes,
                "status": each.session.status.value,
            }
            for each in sessions
        ],
    }


def loss_json(record: StorageRecord, loss: Loss, *, dry_run: bool) -> dict[str, object]:
    """Spell what the library loses sight of by forgetting a storage."""
    return {
        "storage_uuid": record.storage_uuid,
        "display_name": json_text(record.display_name),
        "full_path": json_text(record.full_path),
        "forgotten": not dry_run,
        "file_count": loss.file_count,
        "photo_count": loss.photo_count,
        "lost_photo_count": loss.lost_photo_count,
        "lost_session_count": loss.lost_session_count,
        "waiting_edit_count": loss.waiting_edit_count,
    }


def mebibytes(size_bytes: int) -> float:
    """Give a size in MiB, to two digits."""
    return round(size_bytes / _MIB, 2)


def gibibytes(size_bytes: int | None) -> float:
    """Give a size in GiB, to two digits; 0 for one that is not known."""
    return round((size_bytes or 0) / _GIB, 2)
