"""How the overview is spelt, in every layout alike. Format page: docs/format/index-files.md."""

from __future__ import annotations

import posixpath

import msgspec

from imalink.core.ids import SessionUuid, StorageUuid, parse_uuid
from imalink.core.index import (
    Overview,
    ScanSummary,
    SessionSummary,
    VerificationSummary,
)
from imalink.core.relative_path import RelativePath
from imalink.errors import IndexDamagedError
from imalink.formats.documents import decode_document, dump_document
from imalink.formats.layouts.hybrid_records import (
    OverviewRecord,
    ScanRecord,
    StorageInfoRecord,
    SummaryRecord,
    VerificationRecord,
)
from imalink.formats.records import safe_text
from imalink.formats.sessions import generation_from

OVERVIEW_PATH = RelativePath("index.json")
IMALINK_VERSION = "2.0"
MAX_OVERVIEW_BYTES = 64 * 1024 * 1024
_BYTES_PER_MB = 1024 * 1024


def dump_overview(overview: Overview) -> bytes:
    """Write the overview."""
    info = StorageInfoRecord(
        uuid=overview.storage_uuid,
        storage_uuid=overview.storage_uuid,
        id=overview.storage_id,
        directory_name=safe_text(overview.directory_name),
        base_path=safe_text(overview.base_path),
        full_path=safe_text(posixpath.join(overview.base_path, overview.directory_name)),
        display_name=safe_text(overview.display_name),
        description=safe_text(overview.description),
        created_at=overview.created_at,
        last_scan=overview.last_scan,
        is_active=overview.is_active,
        total_files=overview.total_files,
        total_size_mb=round(overview.total_size_bytes / _BYTES_PER_MB, 2),
        total_size_bytes=overview.total_size_bytes,
    )
    scan, verified = overview.last_scan_result, overview.last_verification
    record = OverviewRecord(
        storage_info=info,
        import_sessions=[
            SummaryRecord(
                id=summary.number,
                session_uuid=summary.session_uuid,
                title=safe_text(summary.title),
                description=safe_text(summary.description),
                imported_at=summary.imported_at,
                file_count=summary.file_count,
                total_size_bytes=summary.total_size_bytes,
                missing_count=summary.missing_count,
                copy_status=summary.copy_status,
                index_file=str(summary.index_file),
            )
            for summary in overview.sessions
        ],
        imalink_version=IMALINK_VERSION,
        last_scan_result=None
        if scan is None
        else ScanRecord(
            changes_detected=scan.changes_detected,
            moved_files=scan.moved_files,
            missing_files=scan.missing_files,
            new_files=scan.new_files,
        ),
        last_verification=msgspec.UNSET
        if verified is None
        else VerificationRecord(at=verified.at, depth=verified.depth, checked=verified.checked, ok=verified.ok),
        conflicts_count=overview.conflicts_count,
        generation=overview.generation,
    )
    return dump_document(record, overview.extras)


def parse_overview(data: bytes) -> tuple[Overview, bool | None]:
    """Read the overview; give it with whether its digest fits (None without one). Raises IndexDamagedError."""
    decoded = decode_document(data, OverviewRecord, file=OVERVIEW_PATH)
    record = decoded.wire
    info = record.storage_info
    try:
        storage_uuid = StorageUuid(parse_uuid(info.storage_uuid))
    except ValueError as error:
        place = "storage_info.storage_uuid"
        raise IndexDamagedError(str(error), file=OVERVIEW_PATH, place=place) from error
    scan, verified = record.last_scan_result, record.last_verification
    overview = Overview(
        storage_uuid=storage_uuid,
        storage_id=info.id,
        directory_name=info.directory_name,
        base_path=info.base_path,
        display_name=info.display_name,
        description=info.description,
        created_at=info.created_at,
        last_scan=info.last_scan,
        is_active=info.is_active,
        total_files=info.total_files,
        total_size_bytes=info.total_size_bytes,
        sessions=tuple(
            SessionSummary(
                number=summary.id,
                session_uuid=SessionUuid(summary.session_uuid),
                title=summary.title,
                description=summary.description,
                imported_at=summary.imported_at,
                file_count=summary.file_count,
                total_size_bytes=summary.total_size_bytes,
                missing_count=summary.missing_count,
                copy_status=summary.copy_status,
                index_file=summary.index_file,
            )
            for summary in record.import_sessions
        ),
        last_scan_result=None
        if scan is None
        else ScanSummary(
            changes_detected=scan.changes_detected,
            moved_files=scan.moved_files,
            missing_files=scan.missing_files,
            new_files=scan.new_files,
        ),
        last_verification=None
        if isinstance(verified, msgspec.UnsetType)
        else VerificationSummary(at=verified.at, depth=verified.depth, checked=verified.checked, ok=verified.ok),
        conflicts_count=record.conflicts_count,
        generation=generation_from(record.generation),
        extras=decoded.extras,
    )
    return overview, decoded.is_intact
