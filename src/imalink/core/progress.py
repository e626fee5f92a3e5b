"""Progress of long work: the interface the work talks to, and the counts that become of what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

COPY_PHASE = "copy"
"""Reading files of a source, and copying those that are new."""
ANALYSE_PHASE = "analyse"
"""Deciding on what was read; side by side with the copying."""
ROLLBACK_PHASE = "rollback"
"""Taking back what was stopped or failed; it is not stopped itself."""
NEW_COUNT = "new_imports"
"""Under this name an import tells how many pictures it has brought in so far; they count once it is done."""

_MIN_SECONDS = 0.5
"""Before that a speed says nothing."""


class Progress(Protocol):
    """Told by long work how far it is; tells it when to stop.

    ``advance`` may be called by any thread, the rest by one.
    """

    def start_phase(self, name: str, *, total_files: int | None = None, total_bytes: int | None = None) -> None:
        """Begin a phase such as ``scan`` or ``copy``; totals are None while unknown.

        Phases may run side by side: one is over when it has reached its totals, or when the work is.
        """
        ...

    def advance(self, *, files: int = 0, size_bytes: int = 0, current: str = "", phase: str = "") -> None:
        """Say that this many more files and bytes are done, and which file is in hand (printable).

        It is about ``phase``, or the one that was begun last.
        """
        ...

    def stalled(self, current: str, seconds: float) -> None:
        """Say that a file has not got on for so long, because a disk does not answer."""
        ...

    def tell(self, counts: Mapping[str, int]) -> None:
        """Say what was found so far, by names such as ``missing``; what a later call says of a name counts instead."""
        ...

    def checkpoint(self) -> None:
        """Mark a place where stopping is safe. Raises CancelledError when the user asked to stop."""
        ...


class SilentProgress:
    """Says nothing and never stops."""

    def start_phase(self, name: str, *, total_files: int | None = None, total_bytes: int | None = None) -> None:
        """Ignore it."""

    def advance(self, *, files: int = 0, size_bytes: int = 0, current: str = "", phase: str = "") -> None:
        """Ignore it."""

    def stalled(self, current: str, seconds: float) -> None:
        """Ignore it."""

    def tell(self, counts: Mapping[str, int]) -> None:
        """Ignore it."""

    def checkpoint(self) -> None:
        """Go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseCount:
    """How far one phase is. ``begun_at`` and ``seen_at`` are seconds of a clock that never goes back."""

    name: str
    total_files: int | None = None
    total_bytes: int | None = None
    files: int = 0
    size_bytes: int = 0
    current: str = ""
    begun_at: float
    seen_at: float

    def advanced(self, at: float, *, files: int = 0, size_bytes: int = 0, current: str = "") -> PhaseCount:
        """Give the count after so much more."""
        return replace(
            self,
            files=self.files + files,
            size_bytes=self.size_bytes + size_bytes,
            current=current or self.current,
            seen_at=max(self.seen_at, at),
        )

    @property
    def share(self) -> float | None:
        """How much is done, from 0 to 1, by bytes where these are known; None while nobody knows."""
        if self.total_bytes:
            return min(1.0, self.size_bytes / self.total_bytes)
        return min(1.0, self.files / self.total_files) if self.total_files else None

    def bytes_per_second(self, at: float) -> float | None:
        """Give the speed so far; None before it says anything."""
        seconds = at - self.begun_at
        return self.size_bytes / seconds if self.size_bytes and seconds >= _MIN_SECONDS else None

    def files_per_second(self, at: float) -> float | None:
        """Give the speed so far in files; None before it says anything."""
        seconds = at - self.begun_at
        return self.files / seconds if self.files and seconds >= _MIN_SECONDS else None

    def seconds_left(self, at: float) -> float | None:
        """Give how long it will take at the speed so far, by bytes if these are known; None if nobody can tell."""
        if self.total_bytes is not None:
            speed, left = self.bytes_per_second(at), self.total_bytes - self.size_bytes
        elif self.total_files is not None:
            speed, left = self.files_per_second(at), self.total_files - self.files
        else:
            return None
        return None if speed is None else max(0, left) / speed
