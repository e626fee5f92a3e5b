"""Where the archived bytes of a damaged or missing file can be had: other storages, other places, the trash."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Self

from imalink.catalog import file_storages, locations
from imalink.catalog.file_storages import StorageRecord
from imalink.core.comparison import KnownFile, known_files
from imalink.core.ids import Sha256, StorageUuid
from imalink.core.relative_path import RelativePath
from imalink.errors import IndexDamagedError, NotFoundError, StorageError
from imalink.storage.file_storage import FileStorage
from imalink.storage.reading import FolderReader
from imalink.storage.trash import Trash
from imalink.workflows.storage_access import open_known_to_read
from imalink.workflows.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodCopy:
    """A file that should hold certain bytes; nothing of it was read yet. ``storage`` is the name people know."""

    files: FolderReader
    path: RelativePath
    storage: str

    def printable(self) -> str:
        """Say where it is."""
        return f"{self.storage}: {self.path.printable()}"


class GoodCopies:
    """Looks for copies by checksum; a context manager that holds the other storages open.

    Nothing is believed: whoever copies from one compares what he read. ``wanted`` are the checksums looked for.
    """

    def __init__(
        self, tools: Tools, record: StorageRecord, storage: FileStorage, *, wanted: Collection[Sha256]
    ) -> None:
        self._tools = tools
        self._record = record
        self._storage = storage
        self._wanted = frozenset(wanted)
        self._found: dict[Sha256, list[GoodCopy]] = defaultdict(list)
        self._away: dict[StorageUuid, str] = {}
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        with self._tools.catalog.read() as db:
            records = file_storages.list_storages(db)
        for record in records:
            if record.storage_uuid == self._record.storage_uuid:
                continue
            try:
                other = self._opened.enter_context(open_known_to_read(self._tools, record))
                self._add_indexed(other, record.display_name)
            except (StorageError, IndexDamagedError, NotFoundError):
                self._away[record.storage_uuid] = record.display_name
        self._add_indexed(self._storage, self._record.display_name)
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def find(self, file: KnownFile) -> Iterator[GoodCopy]:
        """Give the places that should hold a file's bytes, others' before one's own, its own trash last."""
        assert file.sha256 is not None
        yield from (copy for copy in self._found[file.sha256] if not self._is_at(copy, file.path))
        for path, scanned in Trash(self._storage.files).list_files().items():
            if scanned.size_bytes == file.size_bytes:
                yield GoodCopy(files=self._storage.files, path=path, storage=self._record.display_name)

    def storages_away(self, sha256: Sha256) -> list[str]:
        """Name the storages out of reach of which an index names these bytes."""
        with self._tools.catalog.read() as db:
            return [self._away[each] for each in locations.find_storages_with(db, sha256) if each in self._away]

    def _add_indexed(self, storage: FileStorage, name: str) -> None:
        master = storage.indexes.load_master().index
        for file in _whole(known_files(master).by_path.values()):
            if file.sha256 is not None and file.sha256 in self._wanted:
                self._found[file.sha256].append(GoodCopy(files=storage.pictures, path=file.path, storage=name))

    def _is_at(self, copy: GoodCopy, path: RelativePath) -> bool:
        return copy.files is self._storage.pictures and copy.path == path


def _whole(files: Iterable[KnownFile]) -> Iterator[KnownFile]:
    return (file for file in files if not file.is_missing and file.damage is None)
