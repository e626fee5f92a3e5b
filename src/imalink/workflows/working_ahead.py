"""Working ahead: the slow part of each item is done by several threads, and what comes of it is given in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Final, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_LOOK_UP_SECONDS: Final = 0.2
_AHEAD_A_THREAD: Final = 3
"""How many items may be in work or done for each thread: they are bounded, however far the threads could run."""


@contextmanager
def work_ahead(
    items: Iterable[Item], work: Callable[[Item], Result], *, threads: int, checkpoint: Callable[[], None]
) -> Generator[Iterator[Result]]:
    """Give for a block what ``work`` makes of each item, in the order of the items.

    ``items`` is drawn, and ``checkpoint`` called, by the caller's own thread only; what ``work`` or ``checkpoint``
    raises is raised where that item's result is asked for. When the block ends, however it does, nothing runs any
    more and nothing further is begun. With one thread nothing is done before it is asked for.
    """
    if threads <= 1:
        yield _one_by_one(items, work, checkpoint)
        return
    executor = ThreadPoolExecutor(threads, thread_name_prefix="ahead")
    try:
        yield _ahead(items, work, executor, threads * _AHEAD_A_THREAD, checkpoint)
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _one_by_one(
    items: Iterable[Item], work: Callable[[Item], Result], checkpoint: Callable[[], None]
) -> Iterator[Result]:
    for item in items:
        checkpoint()
        yield work(item)


def _ahead(
    items: Iterable[Item],
    work: Callable[[Item], Result],
    executor: ThreadPoolExecutor,
    most: int,
    checkpoint: Callable[[], None],
) -> Iterator[Result]:
    running: deque[Future[Result]] = deque()
    for item in items:
        running.append(executor.submit(work, item))
        if len(running) >= most:
            yield _result(running.popleft(), checkpoint)
    while running:
        yield _result(running.popleft(), checkpoint)


def _result(future: Future[Result], checkpoint: Callable[[], None]) -> Result:
    # A large film may take minutes; the user's wish to stop must not wait for it to be noticed.
    checkpoint()
    while not wait([future], timeout=_LOOK_UP_SECONDS).done:
        checkpoint()
    return future.result()
