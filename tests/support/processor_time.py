"""Processor time of work, compared with that of the same work on fewer bytes."""

from __future__ import annotations

import time
from collections.abc import Callable

_TRIES = 3
_NOISE_SECONDS = 0.5


def assert_about_linear(small: Callable[[], object], large: Callable[[], object], *, at_most: float) -> None:
    """Demand that four times the bytes take at most eight times the time, and ``at_most`` seconds.

    Quadratic work would take sixteen times as long, each time. What other programs do to the caches of a shared machine
    can take as much now and then, so the least of three tries counts.
    """
    spent = (float("inf"), float("inf"))
    for _ in range(_TRIES):
        spent = min(spent[0], _seconds(small)), min(spent[1], _seconds(large))
        if spent[1] < at_most and spent[1] < 8 * spent[0] + _NOISE_SECONDS:
            return
    raise AssertionError(f"{spent[0]:.3f} s for a quarter of the bytes, {spent[1]:.3f} s for all")


def _seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start
