"""Turns: operations of one process on the same storage come one after the other, instead of being refused."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager

DEFAULT_WAIT_SECONDS = 30.0


class StorageTurns:
    """Keeps one place at work for each storage, by UUID; safe to share between threads.

    The storage's own lock tells other processes and machines; it refuses at once, so threads of this process queue here
    first. Whoever has waited ``wait_seconds`` goes on all the same: then the storage's lock says who is at work.

    What takes a moment and can be done later (``briefly``) waits for its like, and for nothing that may take hours.
    ``when_free``, where it is set, is called after a storage is free again that something brief was turned away from;
    it must not raise.
    """

    def __init__(self, *, wait_seconds: float = DEFAULT_WAIT_SECONDS) -> None:
        self._wait_seconds = wait_seconds
        self._is_brief: dict[str, bool] = {}
        """Whose turn it is: whether it is a brief one."""
        self._missed: set[str] = set()
        self._changed = threading.Condition()
        self.when_free: Callable[[], object] | None = None

    @contextmanager
    def of(self, *storage_uuids: str) -> Generator[None]:
        """Hold the turn of these storages for a block."""
        held: list[str] = []
        try:
            for storage_uuid in sorted(set(storage_uuids)):  # in one order, so that two never wait for each other
                with self._changed:
                    if self._changed.wait_for(lambda each=storage_uuid: each not in self._is_brief, self._wait_seconds):
                        self._is_brief[storage_uuid] = False
                        held.append(storage_uuid)
            yield
        finally:
            self._leave(held)

    @contextmanager
    def briefly(self, storage_uuid: str) -> Generator[bool]:
        """Hold the turn of a storage for a block, unless longer work has it; tell whether it is held."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_brief.get(storage_uuid), self._wait_seconds)
            has_turn = storage_uuid not in self._is_brief
            if has_turn:
                self._is_brief[storage_uuid] = True
            else:
                self._missed.add(storage_uuid)
        try:
            yield has_turn
        finally:
            if has_turn:
                self._leave([storage_uuid])

    def _leave(self, held: list[str]) -> None:
        with self._changed:
            for storage_uuid in held:
                del self._is_brief[storage_uuid]
            has_missed = not self._missed.isdisjoint(held)
            self._missed.difference_update(held)
            self._changed.notify_all()
        if has_missed and self.when_free is not None:
            self.when_free()
