"""The shapes of the hybrid layout's files as they stand in JSON. Format page: docs/format/index-files.md."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from imalink.core.conflict import DuplicateFilename, OrphanFile, PathMismatch
from imalink.core.ids import Hothash, HothashMethod, SessionUuid, Sha256
from imalink.core.picture import Fingerprint
from imalink.core.relative_path import RelativePath
from imalink.core.timestamps import format_instant_ns, parse_instant_ns
from imalink.formats.file_records import CompanionRecord, CopyRecord, DamageRecord, FileRecord
from imalink.formats.photo_records import PhotoRecord, TombstoneRecord
from imalink.formats.records import Integer, Record, hothash_from, path_fields, path_from, sha256_from, size_from
from imalink.formats.sessions import FindingRecord, SessionRecord, SourcesRecord, StatisticsRecord


class StorageInfoRecord(Record, kw_only=True, omit_defaults=False):
    """``storage_info`` of the overview. Paths are notes of where it was last seen."""

    uuid: str
    storage_uuid: str
    id: Integer | None = None
    directory_name: str
    base_path: str
    full_path: str
    display_name: str
    description: str = ""
    created_at: str
    last_scan: str | None
    is_accessible: bool = True
    is_active: bool = True
    total_files: Integer
    total_size_mb: float
    total_size_bytes: Integer = 0


class SummaryRecord(Record, kw_only=True, omit_defaults=False):
    """One session's line in the overview."""

    id: Integer
    session_uuid: str
    title: str
    description: str = ""
    imported_at: str
    file_count: Integer
    total_size_bytes: Integer = 0
    missing_count: Integer = 0
    copy_status: str = "completed"
    index_file: str


class ScanRecord(Record, kw_only=True, omit_defaults=False):
    """What the last re-index found."""

    changes_detected: bool
    moved_files: Integer
    missing_files: Integer
    new_files: Integer


class VerificationRecord(Record, kw_only=True, omit_defaults=False):
    """What the last verification found."""

    at: str
    depth: str
    checked: Integer
    ok: Integer


class OverviewRecord(Record, kw_only=True, omit_defaults=False):
    """``index.json``."""

    storage_info: StorageInfoRecord
    import_sessions: list[SummaryRecord]
    imalink_version: str
    last_scan_result: ScanRecord | None = None
    last_verification: VerificationRecord | UnsetType = UNSET
    conflicts_count: Integer = 0
    generation: Integer = 0


class SessionIndexRecord(Record, kw_only=True):
    """``imports/session_N.json``."""

    import_session: SessionRecord
    files: dict[str, FileRecord]
    photos: dict[str, PhotoRecord] = {}
    deleted: dict[str, TombstoneRecord] = {}
    statistics: StatisticsRecord
    errors: list[FindingRecord] = []
    sources: SourcesRecord | None = None
    generation: Integer = 0


class MasterFileRecord(Record, kw_only=True):
    """``files[<hothash>]`` of the master."""

    hothash: Hothash
    filename: str
    relative_path: str
    relative_path_bytes: str | None = None
    file_size: Integer
    sha256: Sha256
    hothash_method: HothashMethod
    file_modified: str
    import_session_id: Integer
    session_uuid: SessionUuid
    imported_at: str
    indexed_at: str
    status: str = "present"
    last_seen_at: str | None = None
    companions: list[CompanionRecord] = []
    copies: list[CopyRecord] = []
    damaged: DamageRecord | None = None


class MissingFileRecord(Record, kw_only=True, tag_field="type", tag="missing_file"):
    """A conflict: named by an index, not on the disk."""

    hothash: str
    filename: str
    expected_path: str
    last_seen: str


class OrphanFileRecord(Record, kw_only=True, tag_field="type", tag="orphan_file"):
    """A conflict: on the disk, in no session."""

    path: str
    path_bytes: str | None = None
    file_size: Integer
    file_modified: str
    detected_at: str
    reason: str
    hothash: str | None = None
    hothash_method: str | None = None
    sha256: str | None = None
    deleted_at: str | None = None


class PathMismatchRecord(Record, kw_only=True, tag_field="type", tag="path_mismatch"):
    """A conflict: it stands elsewhere than the index has it, and the index was to be left as it is."""

    hothash: str
    expected_path: str
    expected_path_bytes: str | None = None
    path: str
    path_bytes: str | None = None
    detected_at: str


class InstanceRecord(Record, kw_only=True):
    """One of several pictures with one file name."""

    hothash: str
    path: str


class DuplicateFilenameRecord(Record, kw_only=True, tag_field="type", tag="duplicate_filename"):
    """A conflict: different pictures have one file name."""

    filename: str
    instances: list[InstanceRecord]


ConflictRecord = MissingFileRecord | OrphanFileRecord | PathMismatchRecord | DuplicateFilenameRecord


class MasterRecord(Record, kw_only=True, omit_defaults=False):
    """``imalink-master.json``."""

    index_version: str
    storage_uuid: str
    indexed_at: str
    total_files: Integer
    total_size_bytes: Integer
    files: dict[Hothash, MasterFileRecord]
    conflicts: list[ConflictRecord]
    sources: SourcesRecord
    generation: Integer = 0


def orphan_record(orphan: OrphanFile) -> OrphanFileRecord:
    """Spell an orphan."""
    path, encoded = path_fields(orphan.path)
    known = orphan.fingerprint
    return OrphanFileRecord(
        path=path,
        path_bytes=encoded,
        file_size=orphan.size_bytes,
        file_modified=format_instant_ns(orphan.modified_ns),
        detected_at=orphan.detected_at,
        reason=orphan.reason,
        hothash=known and known.hothash,
        hothash_method=known and known.method,
        sha256=known and known.sha256,
        deleted_at=orphan.deleted_at,
    )


def orphan_from(record: OrphanFileRecord) -> OrphanFile:
    """Read an orphan. Raises ValueError or InvalidPathError."""
    fingerprint = None
    if record.hothash is not None and record.sha256 is not None and record.hothash_method is not None:
        fingerprint = Fingerprint(
            hothash=hothash_from(record.hothash),
            method=HothashMethod(record.hothash_method),
            sha256=sha256_from(record.sha256),
            size_bytes=size_from(record.file_size),
        )
    return OrphanFile(
        path=path_from(record.path, record.path_bytes),
        size_bytes=size_from(record.file_size),
        modified_ns=parse_instant_ns(record.file_modified),
        detected_at=record.detected_at,
        fingerprint=fingerprint,
        deleted_at=record.deleted_at,
        reason=record.reason,
    )


def mismatch_record(mismatch: PathMismatch) -> PathMismatchRecord:
    """Spell a path mismatch."""
    expected, expected_bytes = path_fields(mismatch.expected_path)
    path, encoded = path_fields(mismatch.path)
    return PathMismatchRecord(
        hothash=mismatch.hothash,
        expected_path=expected,
        expected_path_bytes=expected_bytes,
        path=path,
        path_bytes=encoded,
        detected_at=mismatch.detected_at,
    )


def mismatch_from(record: PathMismatchRecord) -> PathMismatch:
    """Read a path mismatch. Raises ValueError or InvalidPathError."""
    return PathMismatch(
        hothash=hothash_from(record.hothash),
        expected_path=path_from(record.expected_path, record.expected_path_bytes),
        path=path_from(record.path, record.path_bytes),
        detected_at=record.detected_at,
    )


def duplicate_filename_record(same: DuplicateFilename) -> DuplicateFilenameRecord:
    """Spell a name that several pictures have."""
    return DuplicateFilenameRecord(
        filename=RelativePath(same.filename).printable(),
        instances=[InstanceRecord(hothash=hothash, path=path_fields(path)[0]) for hothash, path in same.instances],
    )
