"""What a look at an archived file came to, and what is remembered of one that was found spoilt."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What stands at the place of an archived file, laid beside what the index knows of it."""

    OK = "ok"
    """The bytes that were archived."""
    METADATA_EDITED = "metadata-edited"
    """The picture with other metadata, written by a program."""
    EDITED = "edited"
    """Another picture or text that a program wrote, and that can be read."""
    MISPLACED = "misplaced"
    """Another archived file: the two were moved by hand."""
    SUSPECTED_BIT_ROT = "suspected-bit-rot"
    """Other bytes, although nobody wrote the file."""
    DAMAGED = "damaged"
    """What cannot be decoded any more."""
    UNREADABLE = "unreadable"
    """Something that the device does not give, three times over."""
    MISSING = "missing"
    """Nothing, while the storage itself is there."""

    @property
    def is_damage(self) -> bool:
        """Whether the archived bytes are spoilt there: remembered until a later look finds them whole."""
        return self in (Verdict.SUSPECTED_BIT_ROT, Verdict.DAMAGED, Verdict.UNREADABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """A file that stands at its place and is not what was archived: since when that is known, and what was found."""

    found_at: str
    verdict: Verdict
