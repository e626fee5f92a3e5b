"""What an import is asked for, and what it tells afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from imalink.core.duplicate import DuplicatePolicy
from imalink.core.finding import Finding, Severity
from imalink.core.ids import RunUuid, SessionUuid
from imalink.core.organization import KEEP
from imalink.core.path_template import PathTemplate
from imalink.core.session import ImportStatistics, SessionStatus

_ARCHIVED_ALL_THE_SAME = frozenset(
    {
        *("picture-damaged", "preview-failed", "preview-from-thumbnail", "decode-crashed", "picture-too-large"),
        *("brought-back", "placed-elsewhere"),
    }
)
"""Findings that ask for a look at files which were archived byte for byte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRequest:
    """What to import, where to, and how.

    ``session`` names a session, by number or UUID, that gets a further run; title and description are then its own.
    ``resumes`` is the interrupted import of that session that goes on.
    ``exclude`` are patterns as in an ``.imalinkignore``, after those of the source's own. ``author`` is who took the
    pictures, unless a file names somebody itself. ``duplicates`` says what to do with pictures that are archived
    already; ``includes_deleted`` takes in again what the user deleted. With ``takes_back_on_failure`` a session that
    does not come to its end is rolled back at once.
    """

    source: Path
    title: str = ""
    description: str = ""
    session: str | None = None
    organization: PathTemplate = KEEP
    exclude: tuple[str, ...] = ()
    author: str | None = None
    duplicates: DuplicatePolicy = DuplicatePolicy.SKIP
    includes_deleted: bool = False
    dry_run: bool = False
    takes_back_on_failure: bool = False
    resumes: RunUuid | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedFile:
    """One picture of an import: where it was at the source and where it stands (or, in a dry run, would stand)."""

    source: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did; ``session_id`` is None after a dry run, and when nothing came into a new one.

    Of the new imports ``duplicates_kept`` are bytes that were archived already, and ``duplicates_replaced`` took the
    place of an archived file; of those left at the source are ``duplicates_undecided`` and ``deleted_before``,
    companions not counted. ``excluded`` files and folders were not looked at, and are in no other count.

    ``copies_verified`` says that what came in was copied and read back, and what was skipped compared.

    Of an import that went on after an interruption all is counted as if there had been none; ``came_in_before`` of the
    new imports are of its earlier runs.
    """

    session_id: int | None
    session_uuid: SessionUuid | None
    status: SessionStatus
    statistics: ImportStatistics
    photos_created: int
    findings: tuple[Finding, ...]
    files: tuple[PlannedFile, ...]
    seconds: float
    duplicates_kept: int = 0
    duplicates_replaced: int = 0
    duplicates_undecided: int = 0
    deleted_before: int = 0
    excluded: int = 0
    came_in_before: int = 0

    copies_verified: bool = False

    @property
    def source_no_longer_needed(self) -> bool:
        """Whether every file that was seen is proved to be archived: copied and read back, or compared with what is.

        Whatever stayed at the source for any reason, and whatever was left out of account, proves nothing.
        """
        counts = self.statistics
        stayed = counts.errors + counts.ignored + self.excluded + self.duplicates_undecided + self.deleted_before
        has_doubt = any(
            finding.severity is not Severity.INFO and finding.code not in _ARCHIVED_ALL_THE_SAME
            for finding in self.findings
        )
        return self.copies_verified and counts.total_scanned > 0 and not stayed and not has_doubt

    @property
    def has_warnings(self) -> bool:
        """Whether any finding asks for a look."""
        return any(finding.severity is not Severity.INFO for finding in self.findings)
