"""Sessions that came back with a storage, until the program that brings them back has asked for each by its title.

Reason: docs/decisions/0062-create-takes-in-what-stands-there.md.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from imalink.core.ids import SessionUuid, StorageUuid
from imalink.core.timestamps import Clock

CLAIM_PERIOD = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoredSession:
    """One that may be claimed, by the words a program knows it by."""

    session_uuid: SessionUuid
    storage_uuid: StorageUuid
    title: str
    description: str


class RestoredSessions:
    """Keeps them for an hour; each is given once. Safe to share between threads."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._waiting: list[tuple[datetime, RestoredSession]] = []
        self._lock = threading.Lock()

    def offer(self, sessions: Iterable[RestoredSession]) -> None:
        """Let these be claimed from now on."""
        until = self._clock.now() + CLAIM_PERIOD
        with self._lock:
            self._waiting.extend((until, session) for session in sessions)

    def claim(self, storage_uuid: StorageUuid, *, title: str, description: str) -> SessionUuid | None:
        """Give the session of that storage with just this title and description, and offer it no more."""
        wanted = (storage_uuid, title.strip(), description)
        now = self._clock.now()
        with self._lock:
            self._waiting = [each for each in self._waiting if each[0] >= now]
            for each in self._waiting:
                session = each[1]
                if (session.storage_uuid, session.title, session.description) == wanted:
                    self._waiting.remove(each)
                    return session.session_uuid
        return None
