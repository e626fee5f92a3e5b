"""What a verification is asked for, and what it tells afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from imalink.core.comparison import KnownFile
from imalink.core.damage import Verdict
from imalink.core.finding import Finding
from imalink.core.relative_path import RelativePath
from imalink.errors import UsageError

DEFAULT_PERCENT = 1.0

CODES: Mapping[Verdict, str] = {
    Verdict.METADATA_EDITED: "metadata-edited",
    Verdict.EDITED: "file-changed",
    Verdict.MISPLACED: "file-misplaced",
    Verdict.SUSPECTED_BIT_ROT: "bit-rot-suspected",
    Verdict.DAMAGED: "file-damaged",
    Verdict.UNREADABLE: "file-unreadable",
    Verdict.MISSING: "file-missing",
}
"""The finding of each verdict but ``ok``."""


class Depth(StrEnum):
    """How closely files are looked at."""

    QUICK = "quick"
    """That they are there, with the size and time that they had; those that are not so are read."""
    SAMPLE = "sample"
    """All bytes of a share of them: those that were verified longest ago."""
    FULL = "full"
    """All bytes of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyRequest:
    """What to verify: all of a storage or one ``session``, named by number or UUID.

    ``percent`` is the share that a sample reads. ``restarts`` begins anew where an earlier run was stopped.
    """

    depth: Depth = Depth.FULL
    session: str | None = None
    percent: float = DEFAULT_PERCENT
    restarts: bool = False

    def check(self) -> None:
        """Raise UsageError where it makes no sense."""
        if not 0 < self.percent <= 100:
            raise UsageError(f"{self.percent} is no share: expected more than 0 and at most 100 percent.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A known file that is not what was archived; ``facts`` says in a word or two what was seen."""

    file: KnownFile
    verdict: Verdict
    facts: Mapping[str, str | int] = field(default_factory=dict[str, str | int])

    def finding(self) -> Finding:
        """Tell it to the user."""
        return Finding(code=CODES[self.verdict], path=self.file.path.printable(), facts=self.facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """What a verification found, those parts of it that ran before it was stopped included.

    ``checked`` files were looked at, pictures, copies and companions; of ``own_files_checked`` of ImaLink's own files
    ``own_files_damaged`` are not as they were left. ``bytes_read`` were read in ``seconds``. ``resumed_after`` files
    had been checked when it went on.
    """

    depth: Depth
    started_at: str
    checked: int
    verdicts: Mapping[Verdict, int]
    judged: tuple[Judged, ...]
    findings: tuple[Finding, ...]
    own_files_checked: int
    own_files_damaged: int
    bytes_read: int
    seconds: float
    resumed_after: int = 0
    read_from_cache: bool = False

    @property
    def ok(self) -> int:
        """How many files are what was archived."""
        return self.verdicts.get(Verdict.OK, 0)

    @property
    def speed_mb_s(self) -> float:
        """Millions of bytes read in a second."""
        return round(self.bytes_read / 1e6 / self.seconds, 1) if self.seconds > 0 else 0.0

    @property
    def healable(self) -> tuple[RelativePath, ...]:
        """The files whose archived bytes are not there any more."""
        return tuple(each.file.path for each in self.judged if each.verdict.is_damage)


@dataclass(slots=True, kw_only=True)
class VerifyTally:
    """What a verification has counted so far."""

    checked: int = 0
    bytes_read: int = 0
    verdicts: Counter[Verdict] = field(default_factory=Counter[Verdict])
    judged: list[Judged] = field(default_factory=list[Judged])
    findings: list[Finding] = field(default_factory=list[Finding])
    seconds: float = 0.0
