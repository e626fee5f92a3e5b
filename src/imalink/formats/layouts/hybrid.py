"""The hybrid layout: ``index.json``, ``imports/session_N.json``, ``imalink-master.json`` and ``photos/``.

Format page: docs/format/index-files.md.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from imalink.core.conflict import OrphanFile
from imalink.core.ids import Hothash, SessionUuid, StorageUuid, parse_uuid
from imalink.core.index import (
    Companion,
    FileCopy,
    FileEntry,
    FileStatus,
    MasterEntry,
    MasterIndex,
    Overview,
    ScanSummary,
    SessionIndex,
    SessionSummary,
    VerificationSummary,
)
from imalink.core.photo import Photo
from imalink.core.photo_facts import effective_facts
from imalink.core.relative_path import RelativePath
from imalink.core.timestamps import are_instants, parse_instant_ns
from imalink.errors import IndexDamagedError, InvalidPathError
from imalink.formats.bulk import are_hex64, are_paths, no_collecting
from imalink.formats.documents import decode_document, dump_document
from imalink.formats.layouts.hybrid_records import (
    ConflictRecord,
    MasterFileRecord,
    MasterRecord,
    MissingFileRecord,
    OrphanFileRecord,
    OverviewRecord,
    ScanRecord,
    SessionIndexRecord,
    StorageInfoRecord,
    SummaryRecord,
    VerificationRecord,
    orphan_from,
    orphan_record,
)
from imalink.formats.layouts.layout import Layout, ReadSession
from imalink.formats.layouts.spelling import SessionSpelling, Spelling
from imalink.formats.records import (
    MAX_SIZE_BYTES,
    FileRecord,
    companion_from,
    companion_record,
    copy_from,
    copy_record,
    damage_from,
    damage_record,
    entry_from,
    file_record,
    hothash_from,
    path_fields,
    path_from,
    path_place,
    safe_text,
    sha256_from,
    size_from,
)
from imalink.formats.sessions import (
    SourcesRecord,
    StatisticsRecord,
    counts_from,
    finding_from,
    finding_record,
    photo_from,
    photo_record,
    session_from,
    session_record,
    sources_from,
    sources_record,
    tombstone_from,
    tombstone_record,
)

LAYOUT = "hybrid"
PHOTO_ROOT = RelativePath("photos")
OVERVIEW_PATH = RelativePath("index.json")
MASTER_PATH = RelativePath("imalink-master.json")
SESSIONS_DIRECTORY = RelativePath("imports")
IMALINK_VERSION = "2.0"
MASTER_VERSION = "1.0"
MAX_OVERVIEW_BYTES = 64 * 1024 * 1024
MAX_INDEX_BYTES = 2 * 1024 * 1024 * 1024
_BYTES_PER_MB = 1024 * 1024

MasterSpelling = Spelling[MasterEntry, MasterFileRecord]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMaster:
    """The master as read: whether its digest fits (None without one), and how it was spelt, if it does."""

    index: MasterIndex
    is_intact: bool | None
    spelling: MasterSpelling | None


def session_path(number: int) -> RelativePath:
    """Say where session ``number`` stands in the storage."""
    return RelativePath(f"{SESSIONS_DIRECTORY}/session_{number}.json")


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
        generation=record.generation,
        extras=decoded.extras,
    )
    return overview, decoded.is_intact


def dump_session(index: SessionIndex, spelling: SessionSpelling | None = None) -> bytes:
    """Write a session index; what ``spelling`` knows is not spelt anew."""
    known: SessionSpelling = spelling or Spelling()
    head = session_record(
        index.session, storage_uuid=index.storage_uuid, storage_directory=safe_text(index.storage_directory)
    )
    statistics = index.statistics
    record = SessionIndexRecord(
        import_session=head,
        files={
            hothash: known.find_entry_of(entry, index.photos.get(entry.photo_uuid), entry.photo_uuid)
            or _session_file_record(entry, index)
            for hothash, entry in index.files.items()
        },
        photos={
            photo_uuid: known.find_photo(photo) or photo_record(photo) for photo_uuid, photo in index.photos.items()
        },
        deleted={hothash: tombstone_record(tombstone) for hothash, tombstone in index.deleted.items()},
        statistics=StatisticsRecord(
            total_files=index.file_count,
            index_generated=index.generated_at,
            imalink_version=IMALINK_VERSION,
            total_scanned=statistics.total_scanned,
            new_imports=statistics.new_imports,
            duplicates_skipped=statistics.duplicates_skipped,
            companions=statistics.companions,
            ignored=statistics.ignored,
            errors=statistics.errors,
            total_size_bytes=statistics.total_size_bytes,
        ),
        errors=[finding_record(finding) for finding in index.findings],
        sources=sources_record(index.sources),
        generation=index.generation,
    )
    return dump_document(record, index.extras)


def session_document(index: SessionIndex) -> dict[str, object]:
    """Give a session index as the plain JSON document that stands in its file."""
    return msgspec.json.decode(dump_session(index), type=dict[str, object])


def parse_session(data: bytes, *, file: str) -> tuple[SessionIndex, bool | None]:
    """Read a session index; give it with whether its digest fits (None without one).

    Raises IndexDamagedError naming the place.
    """
    read = read_session(data, file=file)
    return read.index, read.is_intact


@no_collecting()
def read_session(data: bytes, *, file: str) -> ReadSession:
    """Read a session index as ``parse_session`` does, and remember how it was spelt."""
    decoded = decode_document(data, SessionIndexRecord, file=file)
    record = decoded.wire
    place = "import_session"
    try:
        session = session_from(record.import_session)
        files: dict[Hothash, FileEntry] = {}
        for hothash, entry in record.files.items():
            place = f"files.{hothash}"
            files[Hothash(hothash)] = entry_from(hothash, entry)
        place = "photos"
        photos = [photo_from(photo_uuid, photo) for photo_uuid, photo in record.photos.items()]
        place = "deleted"
        deleted = [tombstone_from(hothash, tombstone) for hothash, tombstone in record.deleted.items()]
    except IndexDamagedError as error:
        where = f"{place}.{error.place}" if error.place else place
        raise IndexDamagedError(error.reason, file=file, place=where) from error
    index = SessionIndex(
        session=session,
        storage_uuid=StorageUuid(record.import_session.storage_uuid),
        storage_directory=record.import_session.storage_directory,
        files=files,
        photos={photo.photo_uuid: photo for photo in photos},
        deleted={tombstone.hothash: tombstone for tombstone in deleted},
        statistics=counts_from(record.statistics),
        findings=tuple(finding for finding in (finding_from(each) for each in record.errors) if finding is not None),
        sources=sources_from(record.sources or SourcesRecord()),
        generated_at=record.statistics.index_generated,
        generation=record.generation,
        extras=decoded.extras,
    )
    spelling: SessionSpelling = Spelling(
        entries=files,
        records=dict(zip(files, record.files.values(), strict=True)),
        photos=index.photos,
        photo_records=record.photos,
    )
    return ReadSession(
        index=index, is_intact=decoded.is_intact, spelling=spelling if decoded.is_intact is True else None
    )


def dump_master(master: MasterIndex, spelling: MasterSpelling | None = None) -> bytes:
    """Write the master; what ``spelling`` knows is not spelt anew."""
    known: MasterSpelling = spelling or Spelling()
    conflicts: list[ConflictRecord] = [
        MissingFileRecord(
            hothash=missing.hothash,
            filename=RelativePath(missing.expected_path.name).printable(),
            expected_path=path_fields(missing.expected_path)[0],
            last_seen=missing.last_seen_at,
        )
        for missing in master.missing()
    ]
    conflicts.extend(orphan_record(orphan) for orphan in master.orphans)
    record = MasterRecord(
        index_version=MASTER_VERSION,
        storage_uuid=master.storage_uuid,
        indexed_at=master.indexed_at,
        total_files=master.total_files,
        total_size_bytes=master.total_size_bytes,
        files={
            hothash: known.find_entry(entry) or _master_file_record(entry) for hothash, entry in master.files.items()
        },
        conflicts=conflicts,
        sources=sources_record(master.sources),
        generation=master.generation,
    )
    return dump_document(record, master.extras)


def parse_master(data: bytes) -> tuple[MasterIndex, bool | None]:
    """Read the master; give it with whether its digest fits (None without one).

    Raises IndexDamagedError naming the place, such as ``files.<hothash>.relative_path``.
    """
    read = read_master(data)
    return read.index, read.is_intact


@no_collecting()
def read_master(data: bytes) -> ReadMaster:
    """Read the master as ``parse_master`` does, and remember how it was spelt."""
    decoded = decode_document(data, MasterRecord, file=MASTER_PATH)
    record = decoded.wire
    files = _master_entries(record.files) if _are_sound(record.files) else None
    hothash = Hothash("")
    try:
        if files is None:
            files = {}
            for hothash, entry in record.files.items():
                _check_master(hothash, entry)
                files[hothash] = _master_entry(hothash, entry)
    except (ValueError, InvalidPathError) as error:
        place = f"files.{hothash}{_explain_master(record.files[hothash])}"
        raise IndexDamagedError(str(error), file=MASTER_PATH, place=place) from error
    orphans: list[OrphanFile] = []
    for number, conflict in enumerate(record.conflicts):
        if isinstance(conflict, OrphanFileRecord):
            try:
                orphans.append(orphan_from(conflict))
            except (ValueError, InvalidPathError) as error:
                raise IndexDamagedError(str(error), file=MASTER_PATH, place=f"conflicts.{number}") from error
    master = MasterIndex(
        storage_uuid=StorageUuid(record.storage_uuid),
        files=files,
        orphans=tuple(orphans),
        sources=sources_from(record.sources),
        indexed_at=record.indexed_at,
        generation=record.generation,
        extras=decoded.extras,
    )
    spelling: MasterSpelling = Spelling(entries=files, records=record.files)
    return ReadMaster(
        index=master, is_intact=decoded.is_intact, spelling=spelling if decoded.is_intact is True else None
    )


def _session_file_record(entry: FileEntry, index: SessionIndex) -> FileRecord:
    record = file_record(entry, filename=_below_photos(entry.relative_path))
    repeat_photo_facts(record, entry, index)
    return record


def repeat_photo_facts(record: FileRecord, entry: FileEntry, index: SessionIndex) -> None:
    """Repeat in a file's record what holds for its photo, for readers that know only files; it is never read."""
    photo = index.photos.get(entry.photo_uuid)
    if photo is None:
        photo = Photo(photo_uuid=entry.photo_uuid, files=(entry.hothash,), primary=entry.hothash)
    facts = effective_facts(photo, entry.facts)
    record.rating = facts.rating
    record.title = facts.title and safe_text(facts.title)
    record.tags = [safe_text(tag) for tag in facts.tags]


def _below_photos(path: RelativePath) -> str:
    """Spell a path as readers join it: ``<storage>/photos/<filename>``."""
    text = path_fields(path)[0]
    root = PHOTO_ROOT + "/"
    return text[len(root) :] if text.startswith(root) else "../" + text


def _master_file_record(entry: MasterEntry) -> MasterFileRecord:
    path, encoded = path_fields(entry.relative_path)
    return MasterFileRecord(
        hothash=entry.hothash,
        filename=path.rpartition("/")[2],
        relative_path=path,
        relative_path_bytes=encoded,
        file_size=entry.size_bytes,
        sha256=entry.sha256,
        hothash_method=entry.method,
        file_modified=entry.modified,
        import_session_id=entry.session_number,
        session_uuid=entry.session_uuid,
        imported_at=entry.imported_at,
        indexed_at=entry.indexed_at,
        status=entry.status.value,
        last_seen_at=entry.last_seen_at,
        companions=[companion_record(companion) for companion in entry.companions],
        copies=[copy_record(copy) for copy in entry.copies],
        damaged=damage_record(entry.damage),
    )


_STATUS = {status.value: status for status in FileStatus}


def _are_sound(files: Mapping[Hothash, MasterFileRecord]) -> bool:
    """Tell of all entries together whether ``_check_master`` would pass each; at a no each must be asked."""
    records = files.values()
    sizes = [record.file_size for record in records] or [0]
    return (
        min(sizes) >= 0
        and max(sizes) <= MAX_SIZE_BYTES
        and are_hex64(files)
        and are_hex64([record.sha256 for record in records])
        and are_instants([record.file_modified for record in records])
        and all(record.relative_path_bytes is None for record in records)
        and are_paths([record.relative_path for record in records])
    )


def _check_master(hothash: Hothash, record: MasterFileRecord) -> None:
    """Check what ``_master_entry`` trusts. Raises ValueError or InvalidPathError."""
    hothash_from(hothash)
    sha256_from(record.sha256)
    path_from(record.relative_path, record.relative_path_bytes)
    size_from(record.file_size)
    parse_instant_ns(record.file_modified)


def _master_entries(files: Mapping[Hothash, MasterFileRecord]) -> dict[Hothash, MasterEntry] | None:
    """Give what ``_master_entry`` gives for sound records, column by column, which is faster; None at trouble."""
    records = files.values()
    try:
        columns = (
            files,
            [record.hothash_method for record in records],
            map(RelativePath, [record.relative_path for record in records]),
            [record.file_size for record in records],
            [record.sha256 for record in records],
            [record.file_modified for record in records],
            [record.import_session_id for record in records],
            [record.session_uuid for record in records],
            [record.imported_at for record in records],
            [record.indexed_at for record in records],
            [_STATUS[record.status] for record in records],
            [record.last_seen_at for record in records],
            [_companions_of(record) if record.companions else () for record in records],
            [_copies_of(record) if record.copies else () for record in records],
            [damage_from(record.damaged) if record.damaged is not None else None for record in records],
        )
        return dict(zip(files, map(MasterEntry._make, zip(*columns, strict=True)), strict=True))
    except (KeyError, ValueError, InvalidPathError):
        return None


def _companions_of(record: MasterFileRecord) -> tuple[Companion, ...]:
    return tuple(map(companion_from, record.companions))


def _copies_of(record: MasterFileRecord) -> tuple[FileCopy, ...]:
    return tuple(map(copy_from, record.copies))


def _master_entry(hothash: Hothash, record: MasterFileRecord) -> MasterEntry:
    return MasterEntry(
        hothash,
        record.hothash_method,
        RelativePath(record.relative_path)
        if record.relative_path_bytes is None
        else path_from(record.relative_path, record.relative_path_bytes),
        record.file_size,
        record.sha256,
        record.file_modified,
        record.import_session_id,
        record.session_uuid,
        record.imported_at,
        record.indexed_at,
        FileStatus(record.status),
        record.last_seen_at,
        _companions_of(record),
        _copies_of(record),
        damage_from(record.damaged),
    )


def _explain_master(record: MasterFileRecord) -> str:
    checks = (
        (
            f".{path_place(record.relative_path_bytes)}",
            lambda: path_from(record.relative_path, record.relative_path_bytes),
        ),
        (".file_size", lambda: size_from(record.file_size)),
        (".sha256", lambda: sha256_from(record.sha256)),
        (".file_modified", lambda: parse_instant_ns(record.file_modified)),
        (".status", lambda: FileStatus(record.status)),
        (".companions", lambda: [companion_from(companion) for companion in record.companions]),
        (".damaged", lambda: damage_from(record.damaged)),
        (".copies", lambda: [copy_from(copy) for copy in record.copies]),
    )
    for place, check in checks:
        try:
            check()
        except (ValueError, InvalidPathError):
            return place
    return ""


HYBRID = Layout(
    name=LAYOUT,
    photo_root=PHOTO_ROOT,
    overview_path=OVERVIEW_PATH,
    master_path=MASTER_PATH,
    sessions_directory=SESSIONS_DIRECTORY,
    own_names=frozenset({"index.json", "imports", "imalink-master.json", "imalink-sessions"}),
    dump_session=dump_session,
    read_session=lambda data, file: read_session(data, file=file),
)
