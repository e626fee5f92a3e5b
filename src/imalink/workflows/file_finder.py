"""Look-up of files by hothash over all storages, fast enough for every picture on a page and never out of date.

First the last hits in memory, then the catalog, storage by storage; that the file really stands there is tested every
time, through its storage's handle. A file that has left its place is searched for by a smart re-index of that storage.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from imalink.catalog import file_storages, locations
from imalink.catalog.file_storages import StorageRecord
from imalink.core.ids import Hothash, StorageUuid
from imalink.core.relative_path import RelativePath
from imalink.errors import ImalinkError, StorageError
from imalink.storage.file_storage import FileStorage
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest
from imalink.workflows.storage_access import open_known_to_read
from imalink.workflows.tools import Tools

KEPT_HITS = 10_000


@dataclass(frozen=True, slots=True)
class _Place:
    storage_uuid: StorageUuid
    path: RelativePath


class FileFinder:
    """Finds files by hothash. Safe to share between threads; close it, or use it as a context manager.

    ``capacity`` hits are kept, the one not asked for the longest leaving first. With ``heals``, a look-up that finds a
    storage's knowledge out of date has that storage re-indexed, once until it is in order again.
    """

    def __init__(self, tools: Tools, *, capacity: int = KEPT_HITS, heals: bool = True) -> None:
        self._tools = tools
        self._capacity = capacity
        self._heals = heals
        self._hits: OrderedDict[Hothash, _Place] = OrderedDict()
        self._opened: dict[StorageUuid, FileStorage] = {}
        self._searched: set[tuple[StorageUuid, Hothash]] = set()
        self._lock = threading.Lock()

    def find(self, hothash: Hothash) -> Path | None:
        """Give the full path of a file that holds the picture and stands there now; None when none can be reached."""
        with self._lock:
            return self._find(hothash)

    def _find(self, hothash: Hothash) -> Path | None:
        place = self._hits.get(hothash)
        if place is not None:
            path = self._standing(place)
            if path is not None:
                self._hits.move_to_end(hothash)
                return path
            del self._hits[hothash]
        path, stale = self._look_up(hothash)
        if path is None and self._heals:
            for storage_uuid in stale:
                if self._search(storage_uuid, hothash):
                    path, _ = self._look_up(hothash)
                    if path is not None:
                        break
        return path

    def _look_up(self, hothash: Hothash) -> tuple[Path | None, list[StorageUuid]]:
        """Ask the catalog; give a standing file, else the storages that answer and do not have it where they should."""
        with self._tools.catalog.read() as db:
            found = locations.find_by_hothash(db, [hothash]).get(hothash)
        stale: list[StorageUuid] = []
        for location in found.locations if found is not None else ():
            if not location.is_active:
                continue
            place = _Place(location.storage_uuid, location.relative_path)
            path = self._standing(place)
            if path is not None:
                self._hits[hothash] = place
                if len(self._hits) > self._capacity:
                    self._hits.popitem(last=False)
                return path, []
            if place.storage_uuid in self._opened and place.storage_uuid not in stale:
                stale.append(place.storage_uuid)
        return None, stale

    def _standing(self, place: _Place) -> Path | None:
        """Give the full path if the file is there, as seen through the handle of the storage that is there now."""
        storage = self._open(place.storage_uuid)
        if storage is None:
            return None
        try:
            facts = storage.pictures.find_facts(place.path)
        except StorageError:
            self._forget(place.storage_uuid)
            return None
        return storage.root.path / place.path if facts is not None and facts.is_file else None

    def _open(self, storage_uuid: StorageUuid) -> FileStorage | None:
        """Give a storage's handle: the one held, if it still is what stands at its path, else a new one."""
        storage = self._opened.get(storage_uuid)
        if storage is not None:
            try:
                storage.root.verify_identity()
            except StorageError:
                self._forget(storage_uuid)
            else:
                return storage
        record = self._record(storage_uuid)
        if record is None or not record.is_active:
            return None
        try:
            storage = open_known_to_read(self._tools, record)
        except StorageError:
            return None
        self._opened[storage_uuid] = storage
        return storage

    def _record(self, storage_uuid: StorageUuid) -> StorageRecord | None:
        with self._tools.catalog.read() as db:
            return file_storages.find_storage(db, storage_uuid)

    def _search(self, storage_uuid: StorageUuid, hothash: Hothash) -> bool:
        """Re-index a storage to find what it has lost sight of; tell whether that was done.

        Once for each picture until it is found: one that is gone for good must not cost a walk at every look-up.
        """
        record = self._record(storage_uuid)
        if record is None or (storage_uuid, hothash) in self._searched:
            return False
        self._searched.add((storage_uuid, hothash))
        # What a re-index refuses (much is missing, another process works there) leaves the file unreachable for now.
        with suppress(ImalinkError):
            reindex(self._tools, record, ReindexRequest())
            return True
        return False

    def _forget(self, storage_uuid: StorageUuid) -> None:
        storage = self._opened.pop(storage_uuid, None)
        if storage is not None:
            storage.close()

    def close(self) -> None:
        """Let go of all handles."""
        with self._lock:
            for storage_uuid in list(self._opened):
                self._forget(storage_uuid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
