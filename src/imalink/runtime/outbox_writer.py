"""Tells storages what was said of their photos: a moment after the last word, in a thread of its own.

Reason: docs/decisions/0079-storages-are-told-in-the-background.md.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Self

from imalink.core.ids import StorageUuid
from imalink.errors import ImalinkError
from imalink.workflows.flush_outbox import WaitingEdits, tell_storages
from imalink.workflows.tools import Tools

_LOG = logging.getLogger(__name__)

QUIET_SECONDS = 2.0
"""Storages are told when nothing was said for so long."""
AT_MOST_SECONDS = 10.0
"""And so long after the first word at the latest, while more comes."""
RETRY_SECONDS = 30.0
"""A storage that could not be told is tried again after this."""
REST_FACTOR = 4.0
"""It rests so many times as long as it worked: the indexes of a large archive take seconds to write."""
END_SECONDS = 30.0
"""So long the end waits for the last words to be written. What is not stays in the outbox."""


class OutboxWriter:
    """Empties the outbox of a catalog; safe to share between threads. Close it, or use it as a context manager."""

    def __init__(
        self,
        tools: Tools,
        *,
        quiet_seconds: float = QUIET_SECONDS,
        at_most_seconds: float = AT_MOST_SECONDS,
        retry_seconds: float = RETRY_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tools = tools
        self._quiet_seconds = quiet_seconds
        self._at_most_seconds = at_most_seconds
        self._retry_seconds = retry_seconds
        self._monotonic = monotonic
        self._changed = threading.Condition()
        self._first_said: float | None = None
        self._last_said = 0.0
        self._rests_until = 0.0
        self._retry_at: float | None = None
        self._left: dict[StorageUuid, WaitingEdits] = {}
        self._is_closing = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Tell from now on, first what an earlier process left."""
        self.wake()
        self._thread = threading.Thread(target=self._run, name="outbox-writer", daemon=True)
        self._thread.start()

    def note(self) -> Mapping[StorageUuid, WaitingEdits]:
        """Have told soon what was just said; give what could not be told at the last try, and why."""
        with self._changed:
            self._last_said = self._monotonic()
            if self._first_said is None:
                self._first_said = self._last_said
            self._changed.notify_all()
            return dict(self._left)

    def wake(self) -> None:
        """Try at once: something may be possible that was not before."""
        with self._changed:
            self._retry_at = self._monotonic()
            self._changed.notify_all()

    def tell_now(self) -> list[WaitingEdits]:
        """Tell all that waits, in the caller's thread; give what is left. Raises CatalogError."""
        with self._changed:
            self._first_said = self._retry_at = None
        began = self._monotonic()
        left = tell_storages(self._tools)
        with self._changed:
            ended = self._monotonic()
            self._rests_until = ended + REST_FACTOR * (ended - began)
            self._left = {each.storage_uuid: each for each in left}
            if any(each.status != "inactive" for each in left):
                self._retry_at = ended + self._retry_seconds
        return left

    def due_in(self) -> float | None:
        """Give in how many seconds something is to be told; None: nothing is."""
        with self._changed:
            return self._due_in()

    def close(self) -> None:
        """Tell what was said last, and end; what cannot be told in time waits for the next start."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(END_SECONDS)
            if self._thread.is_alive():
                _LOG.warning("a storage does not answer: what was said last waits in the catalog for the next start")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._is_closing and (due_in := self._due_in()) != 0:
                    self._changed.wait(due_in)
                is_closing = self._is_closing
                if is_closing and self._first_said is None:
                    return
            try:
                self.tell_now()
            except ImalinkError as error:
                _LOG.warning("storages could not be told what was said: %s", error.message)
                with self._changed:
                    self._retry_at = self._monotonic() + self._retry_seconds
            if is_closing:
                return

    def _due_in(self) -> float | None:
        due = [] if self._retry_at is None else [self._retry_at]
        if self._first_said is not None:
            said = min(self._last_said + self._quiet_seconds, self._first_said + self._at_most_seconds)
            due.append(max(said, self._rests_until))
        return max(0.0, min(due) - self._monotonic()) if due else None
