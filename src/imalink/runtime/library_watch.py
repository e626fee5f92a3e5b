"""Notices what any process changed in the catalog, and tells the listeners: the library's revision, and storages."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Self

from imalink.catalog import file_storages, outbox
from imalink.catalog.file_storages import StorageRecord
from imalink.core.ids import StorageUuid
from imalink.errors import CatalogError
from imalink.runtime.events import EventHub, EventKind
from imalink.runtime.job_words import job_json
from imalink.runtime.jobs import JobRunner
from imalink.workflows.tools import Tools

_LOG = logging.getLogger(__name__)

WATCH_SECONDS = 1.0


class LibraryWatch:
    """Looks once a second while anybody listens. Close it, or use it as a context manager.

    A command line works on the same catalog, so what changed cannot be told by the one who changed it: the catalog is
    asked, by two queries of a few rows.
    """

    def __init__(self, tools: Tools, hub: EventHub) -> None:
        self._tools = tools
        self._hub = hub
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._rev: int
        self._storages: dict[StorageUuid, Mapping[str, object]]
        self._rev, self._storages = self._ask()

    def start(self, *, watch_seconds: float = WATCH_SECONDS) -> None:
        """Look from now on, in a thread."""

        def look_on_and_on() -> None:
            while not self._closing.wait(watch_seconds):
                if self._hub.listener_count:
                    try:
                        self.look()
                    except CatalogError as error:
                        _LOG.warning("the catalog could not be looked at: %s", error.message)

        self._thread = threading.Thread(target=look_on_and_on, name="library-watch", daemon=True)
        self._thread.start()

    def look(self) -> None:
        """Tell what changed since the last look. Raises CatalogError."""
        rev, storages = self._ask()
        for storage_uuid, known in storages.items():
            if self._storages.get(storage_uuid) != known:
                self._hub.tell(EventKind.STORAGE, known, subject=storage_uuid)
        for storage_uuid in self._storages.keys() - storages.keys():
            forgotten = {"storage_uuid": storage_uuid, "is_forgotten": True}
            self._hub.tell(EventKind.STORAGE, forgotten, subject=storage_uuid)
        if rev != self._rev:
            self._hub.tell(EventKind.LIBRARY, {"rev": rev}, subject="library")
        self._rev, self._storages = rev, storages

    def close(self) -> None:
        """Look no more."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self) -> tuple[int, dict[StorageUuid, Mapping[str, object]]]:
        with self._tools.catalog.read() as db:
            waiting = outbox.count_waiting(db)
            storages = {
                record.storage_uuid: _storage_json(record, waiting.get(record.storage_uuid, 0))
                for record in file_storages.list_storages(db)
            }
        return self._tools.catalog.get_library_rev(), storages


def snapshot(tools: Tools, runner: JobRunner) -> dict[str, object]:
    """Give everything events tell of, as it stands now: what a listener begins with, and after it missed some.

    Raises CatalogError.
    """
    with tools.catalog.read() as db:
        waiting = outbox.count_waiting(db)
        records = file_storages.list_storages(db)
    return {
        "library": {"rev": tools.catalog.get_library_rev()},
        "storages": [_storage_json(record, waiting.get(record.storage_uuid, 0)) for record in records],
        "jobs": [job_json(job) for job in runner.list_live()],
    }


def _storage_json(record: StorageRecord, waiting_edits: int) -> Mapping[str, object]:
    return {
        "storage_uuid": record.storage_uuid,
        "display_name": record.display_name.encode("utf-8", "backslashreplace").decode(),
        "is_active": record.is_active,
        "is_accessible": record.is_accessible,
        "total_files": record.total_files,
        "total_size_bytes": record.total_size_bytes,
        "last_scan": record.last_scan_at,
        "waiting_edits": waiting_edits,
    }
