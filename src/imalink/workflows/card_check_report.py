"""What a check of a card is asked for, and what it proves."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from imalink.core.finding import Finding
from imalink.core.ids import Sha256, StorageUuid
from imalink.core.relative_path import RelativePath
from imalink.errors import UsageError


class CardFileStatus(StrEnum):
    """Whether a file of a card may go, or why not."""

    SAFE = "safe"
    """Its very bytes stand verified in as many storages as are wanted."""
    TOO_FEW_COPIES = "too-few-copies"
    """They stand verified, but in fewer."""
    OFFLINE = "offline"
    """They are known only where nothing can be read now."""
    DAMAGED = "damaged"
    """They were archived, and what stands there now is not them."""
    OTHER_BYTES = "other-bytes"
    """The picture is archived with other metadata; these very bytes are not."""
    NOT_STORED = "not-stored"
    """They are in no storage."""
    NOT_A_PICTURE = "not-a-picture"
    """It is neither a picture nor a companion, and not archived."""
    UNREADABLE = "unreadable"
    """The card itself does not give it, or it changed while it was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardCheckRequest:
    """``min_copies`` is how many storages must have each file; ``trust_days`` lets a verification of that long ago do.

    ``ignores_others`` leaves out of account what is neither a picture nor a companion.
    """

    min_copies: int = 1
    trust_days: float = 0
    ignores_others: bool = False

    def check(self) -> None:
        """Raise UsageError where it makes no sense."""
        if self.min_copies < 1:
            raise UsageError("A file needs at least one copy to be safe.")
        if self.trust_days < 0:
            raise UsageError("A verification cannot be that old.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvenCopy:
    """A file in a storage that holds the bytes of one on the card; ``verified_at`` is when that was read."""

    storage_uuid: StorageUuid
    storage: str
    path: RelativePath
    verified_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFile:
    """One file of the card. ``sha256`` is None where it could not be read."""

    path: RelativePath
    size_bytes: int
    sha256: Sha256 | None
    status: CardFileStatus
    copies: tuple[ProvenCopy, ...] = ()
    storages_away: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CardCheckReport:
    """What was proved of a card; ``files`` has every file that counts, ``other_count`` those left out of account."""

    files: tuple[CheckedFile, ...]
    other_count: int
    findings: tuple[Finding, ...]
    min_copies: int
    seconds: float

    @property
    def is_safe(self) -> bool:
        """Whether every file is proved to be stored, and the walk saw all there is."""
        is_seen_whole = not self.findings
        return bool(self.files) and is_seen_whole and all(each.status is CardFileStatus.SAFE for each in self.files)

    @property
    def storage_count(self) -> int:
        """In how many storages each file is verified, at least."""
        return min((len({copy.storage_uuid for copy in each.copies}) for each in self.files), default=0)

    def count(self, status: CardFileStatus) -> int:
        """Count the files of a status."""
        return sum(each.status is status for each in self.files)

    @property
    def sentence(self) -> str:
        """What is proved, in one sentence."""
        if not self.files:
            return "No pictures were found there, so nothing is proved: not safe to format"
        safe, total = self.count(CardFileStatus.SAFE), len(self.files)
        if self.is_safe:
            storages = f"{self.storage_count} storage{'s' * (self.storage_count != 1)}"
            return f"{safe:,} of {total:,} stored, verified, on {storages}: safe to format"
        wanted = f"{self.min_copies} storage{'s' * (self.min_copies != 1)}"
        return f"{safe:,} of {total:,} stored, verified, on {wanted}: not safe to format"
