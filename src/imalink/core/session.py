"""Import sessions: what came in together, under a title the user chose."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from imalink.core.ids import SessionUuid
from imalink.core.plain_text import check_line, check_text
from imalink.errors import UsageError, of_field


class SessionStatus(StrEnum):
    """How far an import session has come."""

    CREATED = "created"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    COMPLETED = "completed"
    COMPLETED_WITH_FINDINGS = "completed-with-findings"
    FAILED = "failed"
    ROLLED_BACK = "rolled-back"

    @property
    def copy_status(self) -> str:
        """The word of the archive layout for it: not_started, in_progress, completed or failed."""
        return _COPY_STATUS[self]


MAX_TITLE_CHARACTERS = 500
MAX_DESCRIPTION_CHARACTERS = 5000


def check_title(title: str) -> str:
    """Give a session's title as it is kept. Raises UsageError when it is empty, too long or not one plain line."""
    title = title.strip()
    if not title:
        raise UsageError("A session needs a title.", hint="Give it one, such as 'Italy, summer 2024'.", field="title")
    if len(title) > MAX_TITLE_CHARACTERS:
        raise UsageError(
            f"The title has {len(title):,} characters; at most {MAX_TITLE_CHARACTERS} are kept.", field="title"
        )
    with of_field("title"):
        return check_line(title, "title")


def check_description(description: str) -> str:
    """Give a session's description as it is kept. Raises UsageError when it is too long or not plain text."""
    if len(description) > MAX_DESCRIPTION_CHARACTERS:
        raise UsageError(
            f"The description has {len(description):,} characters; at most {MAX_DESCRIPTION_CHARACTERS:,} are kept.",
            hint="Keep long notes in a file beside the pictures.",
            field="description",
        )
    with of_field("description"):
        return check_text(description, "description")


_COPY_STATUS = {
    SessionStatus.CREATED: "not_started",
    SessionStatus.RUNNING: "in_progress",
    SessionStatus.INTERRUPTED: "in_progress",
    SessionStatus.COMPLETED: "completed",
    SessionStatus.COMPLETED_WITH_FINDINGS: "completed",
    SessionStatus.FAILED: "failed",
    SessionStatus.ROLLED_BACK: "failed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who took the pictures, by name, so that a recovery needs no ids."""

    name: str
    email: str | None = None


def named_author(name: str | None) -> Author | None:
    """Give the author whom a user names; None for no name. Raises UsageError for one that is not one plain line."""
    return None if name is None else Author(name=check_line(name, "author's name"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSession:
    """The head of one import session.

    ``number`` names the session's file in a storage; ``session_uuid`` is the identity. ``imported_at`` is an
    instant. ``source_path`` is history only and never opened. ``file_storage_id`` and ``default_author_id`` are
    the writing catalog's own numbers, kept for readers of the hybrid format.
    """

    number: int
    session_uuid: SessionUuid
    title: str
    description: str = ""
    imported_at: str
    default_author: Author | None = None
    default_author_id: int | None = None
    file_storage_id: int | None = None
    source_path: str = ""
    status: SessionStatus = SessionStatus.COMPLETED
    copy_started_at: str | None = None
    copy_completed_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportStatistics:
    """Counts of one import or of a session's imports together.

    ``total_scanned`` = new_imports + duplicates_skipped + companions + ignored + errors.
    ``total_size_bytes`` is what came in, companions included.
    """

    total_scanned: int = 0
    new_imports: int = 0
    duplicates_skipped: int = 0
    companions: int = 0
    ignored: int = 0
    errors: int = 0
    total_size_bytes: int = 0

    def __add__(self, other: ImportStatistics) -> ImportStatistics:
        return ImportStatistics(
            total_scanned=self.total_scanned + other.total_scanned,
            new_imports=self.new_imports + other.new_imports,
            duplicates_skipped=self.duplicates_skipped + other.duplicates_skipped,
            companions=self.companions + other.companions,
            ignored=self.ignored + other.ignored,
            errors=self.errors + other.errors,
            total_size_bytes=self.total_size_bytes + other.total_size_bytes,
        )
