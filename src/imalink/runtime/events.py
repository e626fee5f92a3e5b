"""Live events: what changed, told to any number of listeners, none of whom can keep the others or the work waiting."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

QUEUE_LENGTH = 256
"""So many events wait for one listener; then they make room for the word that it has missed some."""


class EventKind(StrEnum):
    """What an event is about."""

    JOB = "job"
    PHOTO = "photo"
    STORAGE = "storage"
    LIBRARY = "library"
    RESYNC = "resync"
    """Some were lost because they were not fetched: look at everything anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that changed, as JSON. Of several about one ``subject`` that wait only the last counts."""

    kind: EventKind
    data: Mapping[str, object]
    subject: str = ""


class Listener:
    """One who listens; ``close`` it, or use it as a context manager. Any thread may fetch.

    ``on_arrival`` is called, by whatever thread tells the event, when something is there to fetch after nothing was:
    it must be quick and not raise.
    """

    def __init__(self, hub: EventHub, *, on_arrival: Callable[[], None] | None, queue_length: int) -> None:
        self._hub = hub
        self._on_arrival = on_arrival
        self._length = queue_length
        self._condition = threading.Condition()
        self._waiting: OrderedDict[tuple[EventKind, str | int], Event] = OrderedDict()
        self._count = 0
        self._is_closed = False

    def put(self, event: Event) -> None:
        """Leave an event here, and call who waits for one; when too many wait, leave the word that some were lost."""
        with self._condition:
            if self._is_closed:
                return
            was_empty = not self._waiting
            self._count += 1
            key = (event.kind, event.subject or self._count)
            self._waiting.pop(key, None)
            self._waiting[key] = event
            if len(self._waiting) > self._length:
                self._waiting.clear()
                self._waiting[EventKind.RESYNC, ""] = Event(kind=EventKind.RESYNC, data={})
            self._condition.notify()
        if was_empty and self._on_arrival is not None:
            self._on_arrival()

    def fetch(self, timeout: float | None = 0.0) -> list[Event]:
        """Give all that waits, oldest first; wait up to ``timeout`` seconds (None: for ever) where nothing does.

        Nothing is given when the time is up, or the listener is closed.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        with self._condition:
            while not self._waiting and not self._is_closed:
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    break
                self._condition.wait(left)
            found = list(self._waiting.values())
            self._waiting.clear()
            return found

    def close(self) -> None:
        """Listen no more; whoever waits in ``fetch`` is let go."""
        self._hub.leave(self)
        with self._condition:
            self._is_closed = True
            self._waiting.clear()
            self._condition.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class EventHub:
    """Tells every listener what changed. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: list[Listener] = []

    def listen(self, *, on_arrival: Callable[[], None] | None = None, queue_length: int = QUEUE_LENGTH) -> Listener:
        """Give a listener that is told all from now on. Take a snapshot after that, and nothing can fall between."""
        listener = Listener(self, on_arrival=on_arrival, queue_length=queue_length)
        with self._lock:
            self._listeners.append(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """Tell a listener no more."""
        with self._lock:
            if listener in self._listeners:
                self._listeners.remove(listener)

    @property
    def listener_count(self) -> int:
        """How many listen."""
        with self._lock:
            return len(self._listeners)

    def tell(self, kind: EventKind, data: Mapping[str, object], *, subject: str = "") -> None:
        """Tell all listeners; returns at once."""
        event = Event(kind=kind, data=data, subject=subject)
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener.put(event)
