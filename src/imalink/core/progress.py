"""Progress of long work, as the interface the work talks to."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told by long work how far it is; tells it when to stop."""

    def start_phase(self, name: str, *, total_files: int | None = None, total_bytes: int | None = None) -> None:
        """Begin a phase such as ``scan`` or ``copy``; totals are None while unknown."""
        ...

    def advance(self, *, files: int = 0, size_bytes: int = 0, current: str = "") -> None:
        """Say that this many more files and bytes are done, and which file is in hand (printable)."""
        ...

    def checkpoint(self) -> None:
        """Mark a place where stopping is safe. Raises CancelledError when the user asked to stop."""
        ...


class SilentProgress:
    """Says nothing and never stops."""

    def start_phase(self, name: str, *, total_files: int | None = None, total_bytes: int | None = None) -> None:
        """Ignore it."""

    def advance(self, *, files: int = 0, size_bytes: int = 0, current: str = "") -> None:
        """Ignore it."""

    def checkpoint(self) -> None:
        """Go on."""
