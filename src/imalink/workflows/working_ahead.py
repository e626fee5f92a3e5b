"""Working ahead: the slow part of each item is done by several threads, and what comes of it is given in order."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Final, Generic, TypeVar

from imalink.errors import CancelledError

Item = TypeVar("Item")
Result = TypeVar("Result")

_LOOK_UP_SECONDS: Final = 0.2
_AHEAD_A_THREAD: Final = 3
"""How many items may be in work or done for each thread: they are bounded, however far the threads could run."""
_LEAVE_SECONDS: Final = 1.0
"""How long threads are waited for that were told to give up; what a disk that does not answer holds is left behind."""


class Pulse:
    """Shows that threads get on: each beats as it reads or writes; one that only computes is never asked."""

    def __init__(self) -> None:
        self._beats: dict[int, float] = {}
        self._is_over = threading.Event()

    def beat(self) -> None:
        """Say that this thread gets on. Raises CancelledError once nobody waits for it any more."""
        if self._is_over.is_set():
            raise CancelledError("The work was stopped.")
        self._beats[threading.get_ident()] = time.monotonic()

    @contextmanager
    def computing(self) -> Generator[None]:
        """Do for a block what asks no disk, and may take its time."""
        self.beat()
        self._beats[threading.get_ident()] = float("inf")
        try:
            yield
        finally:
            self._beats[threading.get_ident()] = time.monotonic()

    def stop(self) -> None:
        """Let every thread give up at its next beat."""
        self._is_over.set()

    def last_beat(self, thread: int | None) -> float:
        """Give when a thread last got on; 0 before its first time."""
        return 0.0 if thread is None else self._beats.get(thread, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience(Generic[Item, Result]):
    """What is done about items that do not get on, because a disk does not answer.

    After ``told_after`` seconds without a beat ``tell`` is called with the item and the seconds, now and then. After
    ``aside_after`` what comes behind is given first, and another thread does its work, as often as there are threads.
    Once all else is done, ``give_up`` makes the result of what has not got on for ``give_up_after``.
    """

    pulse: Pulse
    tell: Callable[[Item, float], None]
    give_up: Callable[[Item], Result]
    told_after: float
    aside_after: float
    give_up_after: float


@contextmanager
def work_ahead(
    items: Iterable[Item],
    work: Callable[[Item], Result],
    *,
    threads: int,
    checkpoint: Callable[[], None],
    patience: Patience[Item, Result] | None = None,
) -> Generator[Iterator[Result]]:
    """Give for a block what ``work`` makes of each item, in the order of the items.

    ``items`` is drawn, and ``checkpoint`` called, by the caller's own thread only; what ``work`` or ``checkpoint``
    raises is raised where that item's result is asked for. When the block ends, however it does, nothing further is
    begun and nothing runs any more; with ``patience`` all but what a disk holds up, which is left behind after a
    second. Only with patience, and only items that do not get on, may come later than their turn. With one thread
    nothing is done before it is asked for.
    """
    if threads <= 1:
        yield _one_by_one(items, work, checkpoint)
        return
    crew = _Crew(work, threads)
    ahead = _Ahead(crew, threads * _AHEAD_A_THREAD, threads, checkpoint, patience)
    try:
        yield ahead.results(items)
    finally:
        if patience is not None:
            patience.pulse.stop()
        crew.leave(None if patience is None else _LEAVE_SECONDS)


def _one_by_one(
    items: Iterable[Item], work: Callable[[Item], Result], checkpoint: Callable[[], None]
) -> Iterator[Result]:
    for item in items:
        checkpoint()
        yield work(item)


class _Task(Generic[Item, Result]):
    """One item, what becomes of it, and by which thread since when."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.future: Future[Result] = Future()
        self.thread: int | None = None
        self.begun_at = 0.0
        self.told_at = 0.0


class _Crew(Generic[Item, Result]):
    """Threads that take tasks in their order. They are daemons: one that a dead disk holds must not hold the exit."""

    def __init__(self, work: Callable[[Item], Result], count: int) -> None:
        self._work = work
        self._tasks: SimpleQueue[_Task[Item, Result] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._is_over = False
        for _ in range(count):
            self.enlarge()

    def enlarge(self) -> None:
        """Add a thread, in the place of one that does not get on."""
        thread = threading.Thread(target=self._run, name="ahead", daemon=True)
        thread.start()
        self._threads.append(thread)

    def submit(self, item: Item) -> _Task[Item, Result]:
        """Let an item be worked on as soon as a thread is free."""
        task: _Task[Item, Result] = _Task(item)
        self._tasks.put(task)
        return task

    def leave(self, seconds: float | None) -> None:
        """Begin nothing further, and wait for what runs, at most for so long."""
        self._is_over = True
        for _ in self._threads:
            self._tasks.put(None)
        until = None if seconds is None else time.monotonic() + seconds
        for thread in self._threads:
            thread.join(None if until is None else max(0.0, until - time.monotonic()))

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None and not self._is_over:
            task.begun_at = time.monotonic()
            task.thread = threading.get_ident()
            try:
                result = self._work(task.item)
            except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
                task.future.set_exception(error)
            else:
                task.future.set_result(result)


class _Ahead(Generic[Item, Result]):
    """Asks for results in their order, looking up now and then."""

    def __init__(
        self,
        crew: _Crew[Item, Result],
        most: int,
        most_aside: int,
        checkpoint: Callable[[], None],
        patience: Patience[Item, Result] | None,
    ) -> None:
        self._crew = crew
        self._most = most
        self._most_aside = most_aside
        self._checkpoint = checkpoint
        self._patience = patience
        self._running: deque[_Task[Item, Result]] = deque()
        self._aside: deque[_Task[Item, Result]] = deque()

    def results(self, items: Iterable[Item]) -> Iterator[Result]:
        """Give the results."""
        for item in items:
            self._running.append(self._crew.submit(item))
            while len(self._running) >= self._most:
                yield from self._next()
        while self._running:
            yield from self._next()
        while self._aside:
            task = self._aside.popleft()
            self._wait(task, self._patience.give_up_after if self._patience is not None else None)
            if not task.future.done() and self._patience is not None:
                yield self._patience.give_up(task.item)
            else:
                yield task.future.result()

    def _next(self) -> Iterator[Result]:
        """Give the result of the first that runs; nothing if it is set aside, or is one that was and has got on."""
        task = self._running.popleft()
        can_wait = self._patience is not None and len(self._aside) < self._most_aside
        self._wait(task, self._patience.aside_after if self._patience is not None and can_wait else None)
        if task.future.done():
            yield task.future.result()
        else:
            self._aside.append(task)
            self._crew.enlarge()

    def _wait(self, task: _Task[Item, Result], at_most: float | None) -> None:
        """Wait until a task is done, or has not got on for so long."""
        # A large film may take minutes; the user's wish to stop must not wait for it to be noticed.
        self._checkpoint()
        while not wait([task.future], timeout=_LOOK_UP_SECONDS).done:
            self._checkpoint()
            idle = self._idle_seconds(task)
            if at_most is not None and idle >= at_most:
                return

    def _idle_seconds(self, task: _Task[Item, Result]) -> float:
        """Give for how long a task has not got on, and tell of it; one that has not begun waits for others."""
        if self._patience is None or task.thread is None:
            return 0.0
        now = time.monotonic()
        idle = now - max(task.begun_at, self._patience.pulse.last_beat(task.thread))
        if idle >= self._patience.told_after and now - task.told_at >= self._patience.told_after:
            task.told_at = now
            self._patience.tell(task.item, idle)
        return idle
