"""What a re-index is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from imalink.errors import UsageError


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
    of each stays. Without ``hashes_orphans`` new pictures are read only where one may be a lost file; without
    ``finds_duplicates`` a further copy of a picture is one that belongs to no session; without ``fixes_paths`` a file
    found elsewhere is reported and the index left as it is. ``rehashes`` gives every picture the hothash that today's
    method gives it.
    """

    strategy: Strategy = Strategy.SMART
    dry_run: bool = False
    accepts_losses: bool = False
    adds_orphans: bool = False
    removes_missing: bool = False
    hashes_orphans: bool = True
    finds_duplicates: bool = True
    fixes_paths: bool = True
    rehashes: bool = False

    @property
    def is_restrained(self) -> bool:
        """Whether something that would be done otherwise is to be left undone."""
        return not (self.hashes_orphans and self.finds_duplicates and self.fixes_paths)

    def check(self) -> None:
        """Raise UsageError if what is asked for does not go together."""
        if self.removes_missing and (self.strategy is Strategy.QUICK or not self.hashes_orphans):
            raise UsageError(
                "A file that was only moved would look missing, so nothing was taken out of the index.",
                hint="Use --remove-missing with --strategy smart or full, and without --no-orphan-hash.",
            )
        if self.rehashes and self.strategy is not Strategy.FULL:
            raise UsageError("To hash anew every file has to be read.", hint="Use --rehash with --strategy full.")
        if self.adds_orphans and not (self.hashes_orphans and self.finds_duplicates and self.fixes_paths):
            raise UsageError(
                "Moved files and copies would be taken in as new pictures, so nothing was done.",
                hint="Use --add-orphans without --no-orphan-hash, --no-duplicates and --no-fix-paths.",
            )
