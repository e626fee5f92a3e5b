"""The wire shapes of a session's head, statistics, findings, photos, tombstones and sources."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from imalink.core.finding import CODES, Finding
from imalink.core.ids import (
    Hothash,
    OperationUuid,
    PhotoUuid,
    RunUuid,
    SessionUuid,
    WriterId,
    are_canonical_uuids,
    parse_uuid,
)
from imalink.core.index import JournalPosition, KeptFile, Sources, Tombstone
from imalink.core.photo import FieldClock, Photo, UserFacts
from imalink.core.session import Author, ImportSession, ImportStatistics, SessionStatus
from imalink.core.timestamps import CaptureTime, parse_instant
from imalink.core.user_facts import has_user_facts, with_said
from imalink.errors import IndexDamagedError, InvalidPathError
from imalink.formats.bulk import are_hex64
from imalink.formats.file_records import FileRecord, entry_from, file_record
from imalink.formats.picture_records import GpsRecord, gps_from, gps_record
from imalink.formats.records import Integer, Record, hothash_from, path_fields, path_from, safe_text, sha256_from

MAX_COUNTER = 2**53 - 1
"""More than anyone ever edits; a clock beyond it is made up, and would win for ever."""


class AuthorRecord(Record, kw_only=True):
    """Who took the pictures."""

    name: str
    email: str | None = None


class SessionRecord(Record, kw_only=True):
    """``import_session`` of a session index; the same in commits, with ``storage_directory`` left empty."""

    id: Integer
    session_uuid: str
    title: str
    description: str
    imported_at: str
    default_author_id: Integer | None
    default_author: AuthorRecord | None = None
    file_storage_id: Integer | None
    storage_uuid: str = ""
    storage_directory: str
    source_path: str = ""
    status: str = "completed"
    copy_status: str = ""
    copy_started_at: str | None = None
    copy_completed_at: str | None = None


class FindingRecord(Record, kw_only=True):
    """One finding."""

    code: str
    severity: str = ""
    path: str = ""
    message: str = ""
    facts: dict[str, str | Integer] = {}


class CorrectionsRecord(Record, kw_only=True):
    """What the user said in the place of a picture's own facts, which stay in its entry."""

    taken_at_local: str | None = None
    taken_at_offset: str | None = None
    gps: GpsRecord | None = None


class UserFactsRecord(Record, kw_only=True):
    """What the user said of one photo."""

    title: str | None = None
    caption: str | None = None
    rating: Integer | None = None
    label: str | None = None
    rejected: bool | None = None
    tags: list[str] | None = None
    tag_changes: dict[str, bool] = {}
    author: AuthorRecord | None = None
    corrections: CorrectionsRecord | None = None
    custom: dict[str, str] = {}
    clocks: dict[str, tuple[Integer, str]] = {}


class PhotoRecord(UserFactsRecord, kw_only=True):
    """What the user said of one photo, and its files."""

    files: list[str]
    primary: str


class KeptFileRecord(Record, kw_only=True):
    """A file of a deleted picture in the trash."""

    path: str
    path_bytes: str | None = None
    kept: str
    kept_bytes: str | None = None


class TombstoneRecord(Record, kw_only=True):
    """What is left of a deleted file."""

    sha256: str
    original_filename: str
    photo_uuid: str
    session_uuid: str
    deleted_at: str
    by: str
    mode: str
    reason: str = ""
    operation_uuid: str | None = None
    path: str | None = None
    path_bytes: str | None = None
    entry: FileRecord | None = None
    kept: list[KeptFileRecord] = []


class PositionRecord(Record, kw_only=True):
    """The last journal line an index contains."""

    seq: Integer
    digest: str


class SourcesRecord(Record, kw_only=True):
    """Which runs and journal positions an index contains."""

    runs: list[str] = []
    journals: dict[str, PositionRecord] = {}


class StatisticsRecord(Record, kw_only=True, omit_defaults=False):
    """``statistics`` of a session index; the counts of its imports beside the count of files now."""

    total_files: Integer
    index_generated: str
    imalink_version: str
    total_scanned: Integer = 0
    new_imports: Integer = 0
    duplicates_skipped: Integer = 0
    companions: Integer = 0
    ignored: Integer = 0
    errors: Integer = 0
    total_size_bytes: Integer = 0


class CountsRecord(Record, kw_only=True, omit_defaults=False):
    """The counts of one run, as its last commit line writes them."""

    total_scanned: Integer
    new_imports: Integer
    duplicates_skipped: Integer
    companions: Integer
    ignored: Integer
    errors: Integer
    total_size_bytes: Integer


def session_record(session: ImportSession, *, storage_uuid: str, storage_directory: str) -> SessionRecord:
    """Spell a session's head."""
    author = session.default_author
    return SessionRecord(
        id=session.number,
        session_uuid=session.session_uuid,
        title=safe_text(session.title),
        description=safe_text(session.description),
        imported_at=session.imported_at,
        default_author_id=session.default_author_id,
        default_author=author_record(author),
        file_storage_id=session.file_storage_id,
        storage_uuid=storage_uuid,
        storage_directory=storage_directory,
        source_path=safe_text(session.source_path),
        status=session.status.value,
        copy_status=session.status.copy_status,
        copy_started_at=session.copy_started_at,
        copy_completed_at=session.copy_completed_at,
    )


def session_from(record: SessionRecord) -> ImportSession:
    """Read a session's head. Raises IndexDamagedError naming the field."""
    place = "session_uuid"
    try:
        session_uuid = SessionUuid(parse_uuid(record.session_uuid))
        place = "imported_at"
        parse_instant(record.imported_at)
        place = "status"
        status = SessionStatus(record.status)
    except ValueError as error:
        raise IndexDamagedError(str(error), place=place) from error
    return ImportSession(
        number=record.id,
        session_uuid=session_uuid,
        title=record.title,
        description=record.description,
        imported_at=record.imported_at,
        default_author=author_from(record.default_author),
        default_author_id=record.default_author_id,
        file_storage_id=record.file_storage_id,
        source_path=record.source_path,
        status=status,
        copy_started_at=record.copy_started_at,
        copy_completed_at=record.copy_completed_at,
    )


def author_record(author: Author | None) -> AuthorRecord | None:
    """Spell an author."""
    return (
        None
        if author is None
        else AuthorRecord(name=safe_text(author.name), email=author.email and safe_text(author.email))
    )


def author_from(record: AuthorRecord | None) -> Author | None:
    """Read an author."""
    return None if record is None else Author(name=record.name, email=record.email)


def finding_record(finding: Finding) -> FindingRecord:
    """Spell a finding, with its sentence for people."""
    return FindingRecord(
        code=finding.code,
        severity=finding.severity.value,
        path=safe_text(finding.path),
        message=finding.message,
        facts={
            key: value if isinstance(value, int) and -(2**63) <= value < 2**63 else safe_text(str(value))
            for key, value in finding.facts.items()
        },
    )


def finding_from(record: FindingRecord) -> Finding | None:
    """Read a finding; None for a code of a newer version."""
    return Finding(code=record.code, path=record.path, facts=record.facts) if record.code in CODES else None


def user_facts_record(facts: UserFacts) -> UserFactsRecord:
    """Spell what the user said of a photo."""
    record = UserFactsRecord()
    _spell_user_facts(facts, record)
    return record


def user_facts_from(record: UserFactsRecord) -> UserFacts:
    """Read what the user said of a photo. Raises ValueError."""
    corrections = record.corrections or CorrectionsRecord()
    return UserFacts(
        title=record.title,
        caption=record.caption,
        rating=record.rating,
        label=record.label,
        rejected=record.rejected,
        tags=None if record.tags is None else tuple(record.tags),
        tag_changes=record.tag_changes,
        author=author_from(record.author),
        capture_time=_corrected_time(corrections),
        gps=gps_from(corrections.gps),
        custom=record.custom,
        clocks={
            name: FieldClock(counter=counter if 0 <= counter <= MAX_COUNTER else 0, writer=WriterId(writer))
            for name, (counter, writer) in record.clocks.items()
        },
    )


def _spell_user_facts(facts: UserFacts, record: UserFactsRecord) -> None:
    record.title = facts.title and safe_text(facts.title)
    record.caption = facts.caption and safe_text(facts.caption)
    record.rating = facts.rating
    record.label = facts.label and safe_text(facts.label)
    record.rejected = facts.rejected
    record.tags = None if facts.tags is None else [safe_text(tag) for tag in facts.tags]
    record.tag_changes = {safe_text(tag): has for tag, has in facts.tag_changes.items()}
    record.author = author_record(facts.author)
    record.corrections = _corrections_record(facts)
    record.custom = {safe_text(key): safe_text(value) for key, value in facts.custom.items()}
    record.clocks = {safe_text(name): (clock.counter, clock.writer) for name, clock in facts.clocks.items()}


def _corrections_record(facts: UserFacts) -> CorrectionsRecord | None:
    taken = facts.capture_time
    if taken is None and facts.gps is None:
        return None
    return CorrectionsRecord(
        taken_at_local=taken and taken.local, taken_at_offset=taken and taken.offset, gps=gps_record(facts.gps)
    )


def _corrected_time(record: CorrectionsRecord) -> CaptureTime | None:
    if record.taken_at_local is None:
        return None
    return CaptureTime(local=record.taken_at_local, offset=record.taken_at_offset, source="user")


def photo_record(photo: Photo) -> PhotoRecord:
    """Spell a photo."""
    record = PhotoRecord(files=list(photo.files), primary=photo.primary)
    if has_user_facts(photo):
        _spell_user_facts(photo, record)
    return record


def _says_nothing(record: UserFactsRecord) -> bool:
    """Tell whether nothing is said of a photo, as of most: so that a large index is read quickly."""
    return (
        record.title is None
        and record.rating is None
        and record.tags is None
        and not record.clocks
        and record.caption is None
        and record.label is None
        and record.rejected is None
        and record.author is None
        and record.corrections is None
        and not record.tag_changes
        and not record.custom
    )


def photos_from(records: Mapping[str, PhotoRecord]) -> list[Photo]:
    """Read the photos of an index. Raises IndexDamagedError.

    The names of all are checked at once, where that finds nothing; of most photos nothing more is said.
    """
    is_sound = (
        are_canonical_uuids(records)
        and are_hex64([record.primary for record in records.values()])
        and are_hex64([file for record in records.values() for file in record.files])
    )
    if not is_sound:
        return [photo_from(photo_uuid, record) for photo_uuid, record in records.items()]
    return [
        Photo(
            photo_uuid=PhotoUuid(photo_uuid),
            files=tuple(map(Hothash, record.files)),
            primary=Hothash(record.primary),
        )
        if _says_nothing(record)
        else photo_from(photo_uuid, record)
        for photo_uuid, record in records.items()
    ]


def photo_from(photo_uuid: str, record: PhotoRecord) -> Photo:
    """Read one photo. Raises IndexDamagedError."""
    try:
        photo = Photo(
            photo_uuid=PhotoUuid(parse_uuid(photo_uuid)),
            files=tuple(hothash_from(file) for file in record.files),
            primary=hothash_from(record.primary),
        )
        return photo if _says_nothing(record) else with_said(photo, user_facts_from(record))
    except ValueError as error:
        raise IndexDamagedError(str(error)) from error


def tombstone_record(tombstone: Tombstone) -> TombstoneRecord:
    """Spell a tombstone."""
    path, encoded = (None, None) if tombstone.path is None else path_fields(tombstone.path)
    entry = tombstone.entry
    return TombstoneRecord(
        sha256=tombstone.sha256,
        original_filename=safe_text(tombstone.original_filename),
        photo_uuid=tombstone.photo_uuid,
        session_uuid=tombstone.session_uuid,
        deleted_at=tombstone.deleted_at,
        by=safe_text(tombstone.by),
        mode=tombstone.mode,
        reason=safe_text(tombstone.reason),
        operation_uuid=tombstone.operation_uuid,
        path=path,
        path_bytes=encoded,
        entry=None if entry is None else file_record(entry, filename=entry.relative_path.printable()),
        kept=[_kept_record(file) for file in tombstone.kept],
    )


def _kept_record(file: KeptFile) -> KeptFileRecord:
    path, path_bytes = path_fields(file.path)
    kept, kept_bytes = path_fields(file.kept)
    return KeptFileRecord(path=path, path_bytes=path_bytes, kept=kept, kept_bytes=kept_bytes)


def tombstone_from(hothash: str, record: TombstoneRecord) -> Tombstone:
    """Read a tombstone. Raises IndexDamagedError."""
    try:
        return Tombstone(
            hothash=hothash_from(hothash),
            sha256=sha256_from(record.sha256),
            original_filename=record.original_filename,
            photo_uuid=PhotoUuid(parse_uuid(record.photo_uuid)),
            session_uuid=SessionUuid(parse_uuid(record.session_uuid)),
            deleted_at=record.deleted_at,
            by=record.by,
            mode=record.mode,
            reason=record.reason,
            operation_uuid=(
                None if record.operation_uuid is None else OperationUuid(parse_uuid(record.operation_uuid))
            ),
            path=None if record.path is None else path_from(record.path, record.path_bytes),
            entry=None if record.entry is None else entry_from(hothash, record.entry),
            kept=tuple(
                KeptFile(path=path_from(each.path, each.path_bytes), kept=path_from(each.kept, each.kept_bytes))
                for each in record.kept
            ),
        )
    except (ValueError, InvalidPathError) as error:
        raise IndexDamagedError(str(error)) from error


def sources_record(sources: Sources) -> SourcesRecord:
    """Spell what a derived file contains."""
    return SourcesRecord(
        runs=sorted(sources.runs),
        journals={
            writer: PositionRecord(seq=position.seq, digest=position.digest)
            for writer, position in sources.journals.items()
        },
    )


def counter_from(value: int) -> int:
    """Read a number that is counted up. Raises ValueError for one that no counting reaches: the next would overflow."""
    if not 0 <= value <= MAX_COUNTER:
        raise ValueError(f"a counter cannot be {value}")
    return value


def generation_from(value: int) -> int:
    """Read how often a file was replaced; a number that no counting reaches is taken for none."""
    return value if 0 <= value <= MAX_COUNTER else 0


def sources_from(record: SourcesRecord) -> Sources:
    """Read what a derived file contains. Raises IndexDamagedError."""
    try:
        return Sources(
            runs=frozenset(RunUuid(run) for run in record.runs),
            journals={
                WriterId(writer): JournalPosition(seq=counter_from(position.seq), digest=position.digest)
                for writer, position in record.journals.items()
            },
        )
    except ValueError as error:
        raise IndexDamagedError(str(error), place="journals") from error


def counts_record(statistics: ImportStatistics) -> CountsRecord:
    """Spell the counts of a run."""
    return msgspec.convert(statistics, CountsRecord, from_attributes=True)


def counts_from(record: CountsRecord | StatisticsRecord) -> ImportStatistics:
    """Read the counts of a run or session."""
    return msgspec.convert(record, ImportStatistics, from_attributes=True)
