"""The progress of one job: counted by the threads that work, looked at by whoever asks, told to stop by the user."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from imalink.core.job import JobProgress, phase_of
from imalink.core.progress import PhaseCount
from imalink.errors import CancelledError

_KEPT_PHASES = 50
"""Work on many storages begins the same few phases anew for each; only so many names are kept."""


class JobMeter:
    """The ``Progress`` that the work of a job is given. Safe to use from any thread."""

    def __init__(self, hint: str) -> None:
        self._hint = hint
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._phases: dict[str, PhaseCount] = {}
        self._latest = ""
        self._current = ""
        self._stalled = ""
        self._counts: dict[str, int] = {}
        self._begun_at = time.monotonic()
        self._ended_at: float | None = None
        self._has_news = False

    # for the work

    def start_phase(self, name: str, *, total_files: int | None = None, total_bytes: int | None = None) -> None:
        """Begin a phase; one of that name that was there begins anew."""
        now = time.monotonic()
        with self._lock:
            self._latest = name
            self._phases.pop(name, None)
            self._phases[name] = PhaseCount(
                name=name, total_files=total_files, total_bytes=total_bytes, begun_at=now, seen_at=now
            )
            if len(self._phases) > _KEPT_PHASES:
                self._phases.pop(next(iter(self._phases)))
            self._has_news = True

    def advance(self, *, files: int = 0, size_bytes: int = 0, current: str = "", phase: str = "") -> None:
        """Count."""
        now = time.monotonic()
        with self._lock:
            name = phase or self._latest
            known = self._phases.get(name)
            if known is None:
                return  # such a phase was never begun: a rehearsal copies nothing
            self._phases[name] = known.advanced(now, files=files, size_bytes=size_bytes, current=current)
            self._current = current or self._current
            self._stalled = ""
            self._has_news = True

    def stalled(self, current: str, seconds: float) -> None:
        """Remember that a file does not get on."""
        del seconds
        with self._lock:
            self._stalled = current
            self._has_news = True

    def tell(self, counts: Mapping[str, int]) -> None:
        """Remember what was found so far."""
        with self._lock:
            self._counts.update(counts)
            self._has_news = True

    def checkpoint(self) -> None:
        """Stop here if the user asked to. Raises CancelledError."""
        if self._stop.is_set():
            raise CancelledError("Stopped at a safe point.", hint=self._hint)

    # for whoever runs the job

    def begin(self) -> None:
        """Count the time from now on: until now it waited."""
        with self._lock:
            self._begun_at = time.monotonic()

    def end(self) -> None:
        """Stop the time."""
        with self._lock:
            self._ended_at = time.monotonic()

    def cancel(self) -> None:
        """Ask the work to stop at its next safe point."""
        self._stop.set()

    def take_news(self) -> bool:
        """Tell whether anything changed since this was last asked."""
        with self._lock:
            had_news, self._has_news = self._has_news, False
            return had_news

    def look(self) -> JobProgress:
        """Give how far it is now."""
        with self._lock:
            now = self._ended_at if self._ended_at is not None else time.monotonic()
            phases = tuple(phase_of(count, now) for count in self._phases.values())
            left = [each.seconds_left for each in phases if each.seconds_left is not None and each.share != 1]
            return JobProgress(
                phases=phases,
                current=self._current,
                elapsed_seconds=round(now - self._begun_at, 2),
                seconds_left=max(left) if left and self._ended_at is None else None,
                stalled=self._stalled,
                counts=dict(self._counts),
            )
