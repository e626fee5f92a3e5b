"""Turns: operations of one process on the same storage come one after the other, instead of being refused."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager

DEFAULT_WAIT_SECONDS = 30.0


class StorageTurns:
    """Keeps one place at work for each storage, by UUID; safe to share between threads.

    The storage's own lock tells other processes and machines; it refuses at once, so threads of this process queue here
    first. Whoever has waited ``wait_seconds`` goes on all the same: then the storage's lock says who is at work.
    """

    def __init__(self, *, wait_seconds: float = DEFAULT_WAIT_SECONDS) -> None:
        self._wait_seconds = wait_seconds
        self._places: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    @contextmanager
    def of(self, *storage_uuids: str) -> Generator[None]:
        """Hold the turn of these storages for a block."""
        held: list[threading.Lock] = []
        try:
            for storage_uuid in sorted(set(storage_uuids)):  # in one order, so that two never wait for each other
                place = self._place(storage_uuid)
                if place.acquire(timeout=self._wait_seconds):
                    held.append(place)
            yield
        finally:
            for place in reversed(held):
                place.release()

    def _place(self, storage_uuid: str) -> threading.Lock:
        with self._lock:
            return self._places.setdefault(storage_uuid, threading.Lock())
