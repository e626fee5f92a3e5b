"""Progress of a command: a bar on a terminal, now and then a line elsewhere; Ctrl-C stops at the next safe point."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

from imalink.cli.render import (
    safe,
    show_note,
    size_text,
)
from imalink.errors import CancelledError

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

_LINE_SECONDS = 5.0
_PHASES = {
    "scan": "Looking",
    "analyse": "Reading",
    "copy": "Copying",
    "hash": "Comparing",
    "index": "Writing indexes",
    "recover": "Recovering",
    "verify": "Verifying",
    "heal": "Healing",
    "previews": "Looking at previews",
}


class _Stop:
    """Whether the user asked to stop."""

    is_asked = False


class LineProgress:
    """Says on stderr every few seconds how far it is; ``is_quiet`` says nothing."""

    def __init__(self, stop: _Stop, *, is_quiet: bool) -> None:
        self._stop = stop
        self._is_quiet = is_quiet
        self._phase = ""
        self._total: int | None = None
        self._files = 0
        self._bytes = 0
        self._last = time.monotonic()

    def start_phase(self, name: str, *, total_files: int | None = None, total_bytes: int | None = None) -> None:
        """Begin a phase."""
        self._phase, self._total, self._files, self._bytes = name, total_files, 0, 0

    def advance(self, *, files: int = 0, size_bytes: int = 0, current: str = "") -> None:
        """Count, and perhaps say so."""
        self._files += files
        self._bytes += size_bytes
        now = time.monotonic()
        if not self._is_quiet and now - self._last >= _LINE_SECONDS:
            self._last = now
            of = f" of {self._total:,}" if self._total is not None else ""
            show_note(f"{_PHASES.get(self._phase, self._phase)}: {self._files:,}{of} files, {size_text(self._bytes)}")

    @contextmanager
    def paused(self) -> Generator[None]:
        """Leave the terminal to a question for a block, in which Ctrl-C raises KeyboardInterrupt at once."""
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def checkpoint(self) -> None:
        """Stop here if the user asked to."""
        if self._stop.is_asked:
            raise CancelledError(
                "Stopped at a safe point. Nothing is lost: what was finished is kept.",
                hint="Run the same command again to go on.",
            )


class BarProgress(LineProgress):
    """A bar with files, bytes, speed and remaining time."""

    def __init__(self, stop: _Stop, bar: RichProgress) -> None:
        super().__init__(stop, is_quiet=True)
        self._bar = bar
        self._task: TaskID | None = None
        self._counts_bytes = False

    @contextmanager
    def paused(self) -> Generator[None]:
        """Take the bar away while a question stands there."""
        self._bar.stop()
        try:
            with super().paused():
                yield
        finally:
            self._bar.start()

    def start_phase(self, name: str, *, total_files: int | None = None, total_bytes: int | None = None) -> None:
        """Begin a phase with a bar of its own."""
        super().start_phase(name, total_files=total_files, total_bytes=total_bytes)
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._counts_bytes = bool(total_bytes)
        total = total_bytes or total_files
        self._task = self._bar.add_task(_PHASES.get(name, name), total=total, detail="")

    def advance(self, *, files: int = 0, size_bytes: int = 0, current: str = "") -> None:
        """Move the bar."""
        super().advance(files=files, size_bytes=size_bytes, current=current)
        if self._task is not None:
            of = f"/{self._total:,}" if self._total is not None else ""
            detail = f"{self._files:,}{of} files"
            if self._counts_bytes:
                detail += f", {size_text(self._bytes)}"
            room = self._bar.console.width - 90  # the bar, the counts and the time come first
            if current and room > 8:
                detail += f"  {safe(current)[-min(room, 40) :]}"
            self._bar.update(self._task, advance=size_bytes if self._counts_bytes else files, detail=detail)


@contextmanager
def progress_of(*, is_quiet: bool) -> Generator[LineProgress]:
    """Give the progress of one command. The first Ctrl-C asks to stop, the second stops at once."""
    stop = _Stop()

    def ask(signal_number: int, frame: FrameType | None) -> None:
        if stop.is_asked:
            raise KeyboardInterrupt
        stop.is_asked = True
        show_note("Stopping at the next safe point … (Ctrl-C again: at once)")

    before = signal.signal(signal.SIGINT, ask)
    try:
        if is_quiet or not sys.stderr.isatty():
            yield LineProgress(stop, is_quiet=is_quiet)
            return
        with _bar() as bar:
            yield BarProgress(stop, bar)
    finally:
        signal.signal(signal.SIGINT, before)


def _bar() -> RichProgress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description:16}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[detail]}", markup=False),
        console=Console(stderr=True),
        transient=True,
    )
