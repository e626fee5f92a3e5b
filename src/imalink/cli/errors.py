"""Exit codes: one table from error to code, and from results to code."""

from __future__ import annotations

from imalink.errors import (
    CancelledError,
    ImalinkError,
    MassMissingError,
    NotFoundError,
    SourceOfflineError,
    StorageLockedError,
    StorageUnavailableError,
    UsageError,
)

DONE = 0
FAILED = 1
USAGE = 2
SOURCES_UNREAD = 3
FINDINGS = 4
NOT_FOUND = 10
LOCKED = 11
OFFLINE = 12
CANCELLED = 130

_TABLE: tuple[tuple[type[ImalinkError], int], ...] = (
    (CancelledError, CANCELLED),
    (MassMissingError, FINDINGS),
    (StorageLockedError, LOCKED),
    (StorageUnavailableError, OFFLINE),
    (SourceOfflineError, OFFLINE),
    (NotFoundError, NOT_FOUND),
    (UsageError, USAGE),
)


def exit_code_of(error: ImalinkError) -> int:
    """Give the exit code of an error: the first class of the table that fits, else 1."""
    return next((code for kind, code in _TABLE if isinstance(error, kind)), FAILED)
