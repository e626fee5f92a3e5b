"""Conflicts: differences between index and disk that are normal and may wait for the user's choice."""

from __future__ import annotations

from dataclasses import dataclass

from imalink.core.ids import Hothash
from imalink.core.picture import Fingerprint
from imalink.core.relative_path import RelativePath


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingFile:
    """An index names a file that is not on the disk."""

    hothash: Hothash
    expected_path: RelativePath
    last_seen_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphanFile:
    """A picture stands on the disk and belongs to no import session.

    ``fingerprint`` is kept so that the next look need not read it again; None when it was not asked for
    or could not be read. ``deleted_at`` is when this very picture was deleted, if a tombstone says that it was.
    """

    path: RelativePath
    size_bytes: int
    modified_ns: int
    detected_at: str
    fingerprint: Fingerprint | None
    deleted_at: str | None = None
    reason: str = "File not in any import session"
