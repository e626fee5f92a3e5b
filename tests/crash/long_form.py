"""How much of the fault programme a run tries: a fixed share each time, or everything (``make faults``)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import count, islice
from typing import TypeVar

T = TypeVar("T")

IS_LONG = bool(os.environ.get("IMALINK_FAULTS_ALL"))
"""Set by ``make faults``."""


def points(step: int) -> Iterator[int]:
    """Count the calls from the first on, every ``step``-th; all of them in the long form."""
    return count(1, 1 if IS_LONG else step)


def sparse(each: Iterable[T], step: int, *, start: int = 0) -> Iterator[T]:
    """Give every ``step``-th, from ``start`` on; all of them in the long form."""
    return iter(each) if IS_LONG else islice(each, start % step, None, step)
