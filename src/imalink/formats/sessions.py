"""The wire shapes of a session's head, statistics, findings and sources."""

from __future__ import annotations

import msgspec

from imalink.core.finding import CODES, Finding
from imalink.core.ids import (
    RunUuid,
    SessionUuid,
    WriterId,
    parse_uuid,
)
from imalink.core.index import JournalPosition, Sources
from imalink.core.session import Author, ImportSession, ImportStatistics, SessionStatus
from imalink.core.timestamps import parse_instant
from imalink.errors import IndexDamagedError
from imalink.formats.records import Integer, Record, safe_text

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
