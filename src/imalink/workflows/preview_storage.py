"""Look at a storage that nobody on this machine trusts yet: everything it says is read and checked, nothing is used.

Its pictures are not opened, nothing is written, neither there nor into the catalog. What is read at most:
``storage.caps.UNTRUSTED``. Reasons: docs/decisions/0051-a-foreign-drive-is-shown-before-it-is-trusted.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from imalink.core.finding import Finding, Severity
from imalink.core.ids import PhotoUuid, RunUuid, StorageUuid
from imalink.core.index import FileEntry
from imalink.core.relative_path import RelativePath
from imalink.errors import (
    ImalinkError,
    IndexDamagedError,
    IndexTooLargeError,
    NotFoundError,
    StorageError,
    StorageUnavailableError,
)
from imalink.storage.caps import UNTRUSTED
from imalink.storage.file_storage import FileStorage
from imalink.storage.fs import STAGING
from imalink.storage.journal import JOURNAL_FOLDER
from imalink.storage.staging import COMMITS, commit_path, load_commit
from imalink.workflows.tools import Tools

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoragePreview:
    """What a storage says of itself, counted in what could be believed; ``findings`` is what could not.

    ``path`` is where it stands. ``backend_url`` is what its signature names: shown, and never called.
    ``interrupted_runs`` are imports that were never finished there.
    """

    path: Path
    storage_uuid: StorageUuid
    display_name: str
    layout: str
    created_at: str
    backend_url: str
    session_count: int
    photo_count: int
    file_count: int
    total_size_bytes: int
    interrupted_runs: int
    findings: tuple[Finding, ...]

    @property
    def has_errors(self) -> bool:
        """Whether part of it cannot be believed."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)


def preview_storage(tools: Tools, path: Path) -> StoragePreview:
    """Read and check everything that the storage at ``path`` says. Raises StorageError, NewerFormatError."""
    with FileStorage.open(path, clock=tools.clock, calls=tools.calls, needs_pictures=False, caps=UNTRUSTED) as storage:
        check = _Check(storage)
        check.look()
        signature = storage.signature
        return StoragePreview(
            path=storage.path,
            storage_uuid=storage.storage_uuid,
            display_name=signature.display_name,
            layout=signature.layout,
            created_at=signature.created_at,
            backend_url=signature.backend_url,
            session_count=check.session_count,
            photo_count=len(check.photos),
            file_count=check.file_count,
            total_size_bytes=check.total_size_bytes,
            interrupted_runs=check.interrupted_runs,
            findings=tuple(check.findings),
        )


class _Check:
    """One pass over a storage's own files, one of them in memory at a time."""

    def __init__(self, storage: FileStorage) -> None:
        self._storage = storage
        self._names: dict[str, RelativePath] = {}
        self.session_count = 0
        self.photos: set[PhotoUuid] = set()
        self.file_count = 0
        self.total_size_bytes = 0
        self.interrupted_runs = 0
        self.findings: list[Finding] = []

    def look(self) -> None:
        storage, layout = self._storage, self._storage.layout
        self._try(layout.overview_path, storage.indexes.load_overview)
        for number in self._try(layout.sessions_directory, storage.indexes.list_sessions) or ():
            self._count_session(number)
        self._try(layout.master_path, storage.indexes.load_master)
        for run in self._try(COMMITS, storage.committed_runs) or ():
            self._check_commit(run)
        self.findings.extend(self._try(JOURNAL_FOLDER, storage.journals.check) or ())
        self.interrupted_runs = len(self._try(STAGING, storage.interrupted_runs) or ())

    def _count_session(self, number: int) -> None:
        indexes = self._storage.indexes
        loaded = self._try(indexes.layout.session_path(number), lambda: indexes.load_session(number))
        if loaded is None:
            return
        index = loaded.index
        self.session_count += 1
        self.photos |= {entry.photo_uuid for entry in index.files.values()}
        for entry in index.files.values():
            for path, size_bytes in ((entry.relative_path, entry.size_bytes), *_copies_of(entry)):
                self.file_count += 1
                self.total_size_bytes += size_bytes
                self._note_name(path)

    def _check_commit(self, run: RunUuid) -> None:
        path = commit_path(run)
        try:
            load_commit(self._storage.files, run, cap_bytes=UNTRUSTED.run_bytes)
        except IndexTooLargeError as error:
            self._note(path, error)
        except IndexDamagedError as error:
            facts = {"place": error.place, "why": error.reason}
            self.findings.append(Finding(code="journal-damaged", path=path.printable(), facts=facts))
        except (StorageError, NotFoundError) as error:
            self._note(path, error)

    def _note_name(self, path: RelativePath) -> None:
        other = self._names.setdefault(path.fold_key(), path)
        if other is not path:
            self.findings.append(Finding(code="name-twins", path=path.printable(), facts={"of": other.printable()}))

    def _try(self, path: RelativePath, read: Callable[[], T]) -> T | None:
        """Give what ``read`` gives; None, with a finding, where that cannot be believed or is not there."""
        try:
            return read()
        except NotFoundError:
            self.findings.append(Finding(code="index-missing", path=path.printable()))
        except StorageUnavailableError:
            raise
        except (IndexDamagedError, StorageError) as error:
            self._note(path, error)
        return None

    def _note(self, path: RelativePath, error: ImalinkError) -> None:
        code = "index-too-large" if isinstance(error, IndexTooLargeError) else "index-unreadable"
        place = error.place if isinstance(error, IndexDamagedError) else ""
        why = error.reason if isinstance(error, IndexDamagedError) else error.message
        self.findings.append(Finding(code=code, path=path.printable(), facts={"place": place, "why": why}))


def _copies_of(entry: FileEntry) -> tuple[tuple[RelativePath, int], ...]:
    return tuple((copy.relative_path, copy.size_bytes) for copy in entry.copies)
