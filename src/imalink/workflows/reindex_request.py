"""What a re-index is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Strategy(StrEnum):
    """How hard a re-index looks."""

    QUICK = "quick"
    """Only whether each name that is known is there."""
    SMART = "smart"
    """Read what changed in size, time or inode."""
    FULL = "full"
    """Read everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReindexRequest:
    """How to re-index.

    ``accepts_losses`` says that the user really did delete that many. ``adds_orphans`` takes pictures that belong to no
    session into one of their own. ``removes_missing`` takes the files that are missing out of the index; a tombstone
    of each stays.
    """

    strategy: Strategy = Strategy.SMART
    dry_run: bool = False
    accepts_losses: bool = False
    adds_orphans: bool = False
    removes_missing: bool = False
