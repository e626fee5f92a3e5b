"""Timing side by side, figures beside their limits, and the verdict."""

from __future__ import annotations

import gc
import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table. ``is_kept`` is None where there is no limit, or nothing can be said of it here."""

    what: str
    measured: str
    limit: str = ""
    is_kept: bool | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        """A word for ``is_kept``."""
        if self.is_kept is None:
            return "?" if self.limit else ""
        return "ok" if self.is_kept else "BROKEN"


def at_most(what: str, value: float, limit: float, *, unit: str = "", holds: bool = True, note: str = "") -> Figure:
    """Judge a figure that must not exceed ``limit``; ``holds`` False only shows it."""
    return Figure(
        what=what,
        measured=spelled(value, unit),
        limit=f"≤ {spelled(limit, unit)}" + ("" if holds else " at full size"),
        is_kept=value <= limit if holds else None,
        note=note,
    )


def at_least(what: str, ratio: float, limit: float, *, note: str) -> Figure:
    """Judge how many times as fast ours is as something; that says nothing when others use the processors."""
    load, processors = os.getloadavg()[0], os.cpu_count() or 1
    is_busy = ratio < limit and load > processors + 1
    if is_busy:
        note += f"; no verdict: the machine is busy (load {load:.1f} on {processors} processors)"
    kept = None if is_busy else ratio >= limit
    return Figure(what=what, measured=f"{ratio:.2f} ×", limit=f"≥ {limit:.2f} ×", is_kept=kept, note=note)


def in_time(what: str, seconds: float, limit: float, *, holds: bool = True) -> Figure:
    """Judge a time; one that is too long says nothing when more runs on the machine than it has processors for."""
    load, processors = os.getloadavg()[0], os.cpu_count() or 1
    if holds and seconds > limit and load > processors + 1:
        note = f"no verdict: the machine is busy (load {load:.1f} on {processors} processors)"
        return Figure(what=what, measured=spelled(seconds, "s"), limit=f"≤ {spelled(limit, 's')}", note=note)
    return at_most(what, seconds, limit, unit="s", holds=holds)


def shown(what: str, value: float, *, unit: str = "", note: str = "") -> Figure:
    """Show a figure that has no limit."""
    return Figure(what=what, measured=spelled(value, unit), note=note)


def spelled(value: float, unit: str) -> str:
    """Spell a value: seconds as fits their size, ratios with ×, numbers plainly."""
    if unit == "s":
        return f"{value * 1000:,.1f} ms" if value < 1 else f"{value:,.2f} s"
    number = f"{value:,}" if isinstance(value, int) else f"{value:,.2f}" if value < 100 else f"{value:,.0f}"
    return f"{number} {unit}".strip()


class Rounds:
    """Seconds of each round of several things, measured alternately.

    A time of its own is judged by its best round: other work on the machine only ever adds. A ratio is the median over
    the rounds, whose parts ran one after the other under the same weather.
    """

    def __init__(self, seconds: Mapping[str, list[float]]) -> None:
        self._seconds = seconds

    def best(self, name: str) -> float:
        """Give the shortest round."""
        return min(self._seconds[name])

    def median(self, name: str) -> float:
        """Give the middle round."""
        return statistics.median(self._seconds[name])

    def ratio(self, name: str, to: str) -> float:
        """Give how many times as long as ``to`` it took."""
        return statistics.median(a / b for a, b in zip(self._seconds[name], self._seconds[to], strict=True))


def alternate(
    rounds: int, things: Mapping[str, Callable[[], object]], *, clock: Callable[[], float] = time.perf_counter
) -> Rounds:
    """Measure things in turn, ``rounds`` times after one round that does not count.

    ``clock`` may be ``time.process_time`` for what only computes: it leaves out the time others had the processor.
    """
    seconds: dict[str, list[float]] = {name: [] for name in things}
    for number in range(rounds + 1):
        for name, do in things.items():
            gc.collect()
            started = clock()
            do()
            took = clock() - started
            if number:
                seconds[name].append(took)
    return Rounds(seconds)


def timed(do: Callable[[], object]) -> float:
    """Measure something that can be done only once."""
    gc.collect()
    started = time.perf_counter()
    do()
    return time.perf_counter() - started
