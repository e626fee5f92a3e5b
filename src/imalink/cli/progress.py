"""Progress of a command: bars on a terminal, now and then a line elsewhere; Ctrl-C stops at the next safe point."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, TypeVar

from imalink.cli.render import (
    safe,
    show_note,
    size_text,
    time_text,
)
from imalink.core.progress import ROLLBACK_PHASE, PhaseCount
from imalink.errors import CancelledError

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

T = TypeVar("T")

_LINE_SECONDS = 5.0
_GRACE_SECONDS = 5.0
"""How long work that was asked to stop may take to do so, before the command ends without it."""
_LOOK_UP_SECONDS = 0.1
_PHASES = {
    "scan": "Looking",
    "analyse": "Reading",
    "copy": "Copying",
    "hash": "Comparing",
    "index": "Writing indexes",
    "recover": "Recovering",
    "read indexes": "Reading indexes",
    "load": "Recovering",
    "make search ready": "Making search ready",
    "verify": "Verifying",
    "heal": "Healing",
    ROLLBACK_PHASE: "Taking back",
    "previews": "Looking at previews",
    "health": "Looking at storages",
}


class _Stop:
    """Whether the user asked to stop, and whether a question stands there, which then is the place to stop."""

    is_asked = False
    is_question = False


class LineProgress:
    """Says on stderr every few seconds how far it is; ``is_quiet`` says nothing."""

    def __init__(self, stop: _Stop, *, is_quiet: bool) -> None:
        self._stop = stop
        self._is_quiet = is_quiet
        self._lock = threading.Lock()
        self._phases: dict[str, PhaseCount] = {}
        self._latest = ""
        self._last = self._taken_back_at = time.monotonic()

    def start_phase(self, name: str, *, total_files: int | None = None, total_bytes: int | None = None) -> None:
        """Begin a phase."""
        now = time.monotonic()
        with self._lock:
            self._latest = name
            self._phases.pop(name, None)
            self._phases[name] = PhaseCount(
                name=name, total_files=total_files, total_bytes=total_bytes, begun_at=now, seen_at=now
            )

    def advance(self, *, files: int = 0, size_bytes: int = 0, current: str = "", phase: str = "") -> None:
        """Count, and perhaps say so."""
        now = time.monotonic()
        with self._lock:
            name = phase or self._latest
            if name == ROLLBACK_PHASE:
                self._taken_back_at = now
            if name not in self._phases:
                return  # such a phase was never begun: a rehearsal copies nothing
            count = self._phases[name].advanced(now, files=files, size_bytes=size_bytes, current=current)
            self._phases[name] = count
            self._show(count, now)

    def _show(self, count: PhaseCount, now: float) -> None:
        if self._is_quiet or now - self._last < _LINE_SECONDS:
            return
        self._last = now
        for each in self._phases.values():
            if each is count or (each.share is not None and each.share < 1):
                show_note(line_of(each, now))

    def stalled(self, current: str, seconds: float) -> None:
        """Say that a file does not get on."""
        if not self._is_quiet:
            show_note(f"Waiting for {current}: its disk has not answered for {seconds:.0f} s; others go on.")

    def tell(self, counts: Mapping[str, int]) -> None:
        """Leave it to the report, which comes after."""

    @contextmanager
    def paused(self) -> Generator[None]:
        """Leave the terminal to a question for a block."""
        self._stop.is_question = True
        try:
            yield
        finally:
            self._stop.is_question = False

    def is_stopping(self) -> bool:
        """Tell whether the user asked to stop."""
        return self._stop.is_asked

    def checkpoint(self) -> None:
        """Stop here if the user asked to."""
        if self._stop.is_asked:
            raise CancelledError("Stopped at a safe point.", hint="Run the same command again to go on.")

    def run(self, work: Callable[[], T]) -> T:
        """Do something that can always be stopped, even while a disk holds it that does not answer.

        It is done by another thread, so that this one hears the user. Asked to stop, it has a few seconds to do so.
        Raises what the work raises, CancelledError, KeyboardInterrupt.
        """
        results: list[T] = []
        errors: list[BaseException] = []

        def do() -> None:
            try:
                results.append(work())
            except BaseException as error:  # noqa: BLE001 - raised below, by the thread that can show it
                errors.append(error)

        thread = threading.Thread(target=do, name="work", daemon=True)
        thread.start()
        asked_at: float | None = None
        while thread.is_alive():
            thread.join(_LOOK_UP_SECONDS)
            if self._stop.is_asked and asked_at is None:
                asked_at = time.monotonic()
            # Taking back what was stopped is waited for as long as it gets on.
            since = None if asked_at is None else max(asked_at, self._taken_back_at)
            if since is not None and thread.is_alive() and time.monotonic() - since > _GRACE_SECONDS:
                raise CancelledError(
                    "Stopped without waiting for a disk that does not answer. Nothing is lost: what was imported and "
                    "verified is kept.",
                    hint="`imalink sessions list` shows what was interrupted; `imalink sessions resume ID` goes on.",
                )
        if errors:
            raise errors[0]
        return results[0]


def line_of(count: PhaseCount, now: float) -> str:
    """Say in a line how far a phase is: files, bytes, speed, what is left, and the file in hand."""
    of = f" of {count.total_files:,}" if count.total_files is not None else ""
    parts = [f"{count.files:,}{of} files"]
    speed, files_speed, left = count.bytes_per_second(now), count.files_per_second(now), count.seconds_left(now)
    if count.total_bytes is not None or count.size_bytes:
        parts.append(size_text(count.size_bytes))
    if speed is not None:
        parts.append(f"{size_text(int(speed))}/s")
    elif files_speed is not None:
        parts.append(f"{files_speed:,.0f} files/s")
    if left is not None:
        parts.append(f"{time_text(left)} left")
    name = _PHASES.get(count.name, count.name)
    return f"{name}: {', '.join(parts)}" + (f" ({count.current})" if count.current else "")


class BarProgress(LineProgress):
    """A bar for each phase that runs, with files, bytes, speed and remaining time."""

    def __init__(self, stop: _Stop, bar: RichProgress) -> None:
        super().__init__(stop, is_quiet=True)
        self._bar = bar
        self._tasks: dict[str, TaskID] = {}

    @contextmanager
    def paused(self) -> Generator[None]:
        """Take the bars away while a question stands there."""
        self._bar.stop()
        try:
            with super().paused():
                yield
        finally:
            self._bar.start()

    def start_phase(self, name: str, *, total_files: int | None = None, total_bytes: int | None = None) -> None:
        """Begin a phase with a bar of its own; those that are over go."""
        for over in [each for each, count in self._phases.items() if count.share in (None, 1.0)]:
            if over in self._tasks:
                self._bar.remove_task(self._tasks.pop(over))
        super().start_phase(name, total_files=total_files, total_bytes=total_bytes)
        if name in self._tasks:
            self._bar.remove_task(self._tasks.pop(name))
        self._tasks[name] = self._bar.add_task(_PHASES.get(name, name), total=total_bytes or total_files, detail="")

    def _show(self, count: PhaseCount, now: float) -> None:
        detail = line_of(count, now).partition(": ")[2].removesuffix(f" ({count.current})")
        room = self._bar.console.width - 100  # the bar, the counts and the time come first
        if count.current and room > 8:
            detail += f"  {safe(count.current)[-min(room, 40) :]}"
        done = count.size_bytes if count.total_bytes else count.files
        self._bar.update(self._tasks[count.name], completed=done, detail=detail)

    def stalled(self, current: str, seconds: float) -> None:
        """Say above the bars that a file does not get on."""
        self._bar.console.print(
            f"Waiting for {safe(current)}: its disk has not answered for {seconds:.0f} s; others go on.", markup=False
        )


def _let_go_of_terminal() -> None:
    """Say nothing from now on where a terminal was: it is gone, and writing to it would end the work half-way."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        with suppress(OSError):
            os.dup2(nowhere, stream)
    os.close(nowhere)


@contextmanager
def progress_of(*, is_quiet: bool) -> Generator[LineProgress]:
    """Give the progress of one command. The first Ctrl-C (or SIGTERM, or the terminal's end) asks to stop.

    The second stops at once.
    """
    stop = _Stop()

    def ask(signal_number: int, frame: FrameType | None) -> None:
        if stop.is_asked:
            raise KeyboardInterrupt
        stop.is_asked = True
        if signal_number == signal.SIGHUP:
            _let_go_of_terminal()
        elif not stop.is_question:
            show_note("Stopping at the next safe point … (Ctrl-C again: at once)")

    heard = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as nohup sets it: then the work goes on
        heard.append(signal.SIGHUP)
    before = {number: signal.signal(number, ask) for number in heard}
    try:
        if is_quiet or not sys.stderr.isatty():
            yield LineProgress(stop, is_quiet=is_quiet)
            return
        with _bar() as bar:
            yield BarProgress(stop, bar)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _bar() -> RichProgress:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    return Progress(
        TextColumn("{task.description:16}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[detail]}", markup=False),
        console=Console(stderr=True),
        transient=True,
    )
