"""Look into the trash: what was deleted, when, by which operation, and what of it can come back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from imalink.catalog import file_storages, tombstones
from imalink.catalog.file_storages import StorageRecord
from imalink.core.ids import Hothash, OperationUuid, RunUuid, SessionUuid, Sha256
from imalink.core.index import Companion, DeletionMode, FileCopy, FileEntry, SessionIndex, Tombstone
from imalink.core.relative_path import RelativePath
from imalink.core.scan import ScannedFile
from imalink.core.shifts import shifts_of
from imalink.errors import IndexDamagedError, NotFoundError, StorageError
from imalink.storage.file_storage import FileStorage
from imalink.storage.trash import is_trash_path, operation_of
from imalink.workflows.storage_access import get_storage, open_storage
from imalink.workflows.tools import Tools


class TrashKind(StrEnum):
    """How something came into the trash."""

    DELETED = "deleted"
    MARKED = "marked"
    """Only marked deleted: its files stand where they stood."""
    ROLLED_BACK = "rolled-back"
    REPLACED = "replaced"
    """An import took its place."""
    RETURNED = "returned"
    """Deleted once; the picture came back another way since."""
    UNKNOWN = "unknown"
    """Nothing is known of it: not ours, and never removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrashFile:
    """One file: where it stood, where it is now, and whether it is there; ``noted_…`` as its record has it."""

    path: RelativePath
    kept: RelativePath
    size_bytes: int
    sha256: Sha256
    is_there: bool
    noted_size_bytes: int | None = None
    noted_modified_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrashItem:
    """A picture in the trash, or a file nothing is known of. ``operation`` is the operation or run that did it."""

    storage: StorageRecord
    kind: TrashKind
    operation: str
    title: str
    hothash: Hothash | None
    session_uuid: SessionUuid | None
    session_number: int | None
    mode: str
    deleted_at: str | None
    original_filename: str
    files: tuple[TrashFile, ...]

    @property
    def present_files(self) -> list[TrashFile]:
        """Those of its files that are there."""
        return [file for file in self.files if file.is_there]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrashReport:
    """What is in the trash of the storages in reach; the others with why they are not."""

    items: tuple[TrashItem, ...]
    left_storages: tuple[tuple[StorageRecord, str], ...]


def list_trash(tools: Tools, *, storage: str | None = None) -> TrashReport:
    """List the trash of every storage in reach, or of one; the newest first. Raises NotFoundError, AmbiguousError.

    Raises StorageError when no storage can be reached.
    """
    records, left = reachable_storages(tools, storage)
    items: list[TrashItem] = []
    for record in records:
        with open_storage(tools, record) as opened:
            items.extend(TrashLook(tools, record, opened).items())
    items.sort(key=lambda item: (item.deleted_at or "", item.operation, item.original_filename), reverse=True)
    return TrashReport(items=tuple(items), left_storages=tuple(left))


def reachable_storages(
    tools: Tools, storage: str | None
) -> tuple[list[StorageRecord], list[tuple[StorageRecord, str]]]:
    """Give the storages, or the one named, that can be reached now, and the others with why not.

    Raises NotFoundError, AmbiguousError, and StorageError where there are storages and none can be reached.
    """
    if storage is not None:
        records = [get_storage(tools, storage)]
    else:
        with tools.catalog.read() as db:
            records = [record for record in file_storages.list_storages(db) if record.is_active]
    found: list[StorageRecord] = []
    left: list[tuple[StorageRecord, str]] = []
    trouble: StorageError | None = None
    for record in records:
        try:
            open_storage(tools, record).close()
        except StorageError as error:
            trouble = error
            left.append((record, error.message))
        else:
            found.append(record)
    if trouble is not None and not found:
        raise trouble
    return found, left


def sessions_with_deleted(tools: Tools, record: StorageRecord, storage: FileStorage) -> Iterator[SessionIndex]:
    """Give the indexes of a storage's sessions in which anything was deleted; a damaged one is left out."""
    with tools.catalog.read() as db:
        numbers = tombstones.list_session_numbers(db, record.id)
    for number in numbers:
        try:
            yield storage.indexes.load_session(number).index
        except (IndexDamagedError, NotFoundError):
            continue


class TrashLook:
    """One look into the trash of one open storage."""

    def __init__(self, tools: Tools, record: StorageRecord, storage: FileStorage) -> None:
        self._tools = tools
        self._record = record
        self._storage = storage
        self._titles = {
            line.operation.operation_uuid: line.operation.title for line in storage.journals.list_operations()
        }

    def items(self) -> list[TrashItem]:
        """Give everything in it, and what is only marked deleted. Raises StorageError."""
        there = dict(self._storage.trash.list_files())
        found: list[TrashItem] = []
        for index in sessions_with_deleted(self._tools, self._record, self._storage):
            for tombstone in index.deleted.values():
                if tombstone.entry is not None:
                    found.append(self._deleted(index, tombstone, tombstone.entry, there))
        for item in found:
            for file in item.files:
                there.pop(file.kept, None)
        by_operation: dict[str, dict[RelativePath, ScannedFile]] = {}
        for path, file in there.items():
            by_operation.setdefault(operation_of(path) if is_trash_path(path) else "", {})[path] = file
        for operation, files in sorted(by_operation.items()):
            for item in (*self._replaced(operation, files), *self._returned(operation, files)):
                found.append(item)
                for file in item.files:
                    files.pop(file.kept, None)
            found.extend(self._unknown(operation, path, file) for path, file in sorted(files.items()))
        return found

    def _deleted(
        self, index: SessionIndex, tombstone: Tombstone, entry: FileEntry, there: dict[RelativePath, ScannedFile]
    ) -> TrashItem:
        kinds = {DeletionMode.SOFT.value: TrashKind.MARKED, DeletionMode.ROLLBACK.value: TrashKind.ROLLED_BACK}
        noted: dict[RelativePath, FileEntry | FileCopy | Companion] = {
            file.relative_path: file for file in (entry, *entry.copies, *entry.companions)
        }
        files: list[TrashFile] = []
        for kept in tombstone.kept:
            record, now = noted[kept.path], there.get(kept.kept)
            files.append(
                TrashFile(
                    path=kept.path,
                    kept=kept.kept,
                    size_bytes=record.size_bytes if now is None else now.size_bytes,
                    sha256=record.sha256,
                    is_there=now is not None,
                    noted_size_bytes=record.size_bytes,
                    noted_modified_ns=record.modified_ns,
                )
            )
        if tombstone.is_marked:
            files = [
                TrashFile(path=path, kept=path, size_bytes=file.size_bytes, sha256=file.sha256, is_there=True)
                for path, file in noted.items()
            ]
        operation = tombstone.operation_uuid or OperationUuid("")
        return TrashItem(
            storage=self._record,
            kind=kinds.get(tombstone.mode, TrashKind.DELETED),
            operation=operation,
            title=self._titles.get(operation, ""),
            hothash=tombstone.hothash,
            session_uuid=index.session.session_uuid,
            session_number=index.session.number,
            mode=tombstone.mode,
            deleted_at=tombstone.deleted_at,
            original_filename=tombstone.original_filename,
            files=tuple(files),
        )

    def _replaced(self, run: str, files: dict[RelativePath, ScannedFile]) -> Iterator[TrashItem]:
        """Give what the run of this name replaced."""
        commit = self._storage.find_commit(RunUuid(run)) if RunUuid(run) in self._storage.committed_runs() else None
        for replacement in () if commit is None else commit.replacements:
            swaps = [swap for swap in replacement.swaps if swap.kept in files and swap.old_sha256 is not None]
            for swap in swaps:
                assert commit is not None
                assert swap.old_sha256 is not None
                yield TrashItem(
                    storage=self._record,
                    kind=TrashKind.REPLACED,
                    operation=run,
                    title=f"Import: {commit.end.session.title}",
                    hothash=replacement.entry.hothash,
                    session_uuid=replacement.session_uuid,
                    session_number=self._number_of(replacement.session_uuid),
                    mode=TrashKind.REPLACED,
                    deleted_at=commit.end.finished_at,
                    original_filename=swap.path.name,
                    files=(self._file(swap.path, swap.kept, swap.old_sha256, files[swap.kept]),),
                )

    def _returned(self, operation: str, files: dict[RelativePath, ScannedFile]) -> Iterator[TrashItem]:
        """Give what an operation put there of pictures that are known again, or deleted anew, since."""
        if operation not in self._titles:
            return
        told: set[RelativePath] = set()
        for line in self._storage.journals.iter_operation_lines(operation):
            if line.part is None or line.part.operation.operation_uuid != operation:
                continue
            for shift in (shift for observation in line.observations for shift in shifts_of(observation)):
                if shift.target in files and shift.target not in told:
                    told.add(shift.target)
                    yield TrashItem(
                        storage=self._record,
                        kind=TrashKind.RETURNED,
                        operation=operation,
                        title=line.part.operation.title,
                        hothash=shift.hothash,
                        session_uuid=None,
                        session_number=None,
                        mode=TrashKind.RETURNED,
                        deleted_at=line.at,
                        original_filename=shift.source.name,
                        files=(self._file(shift.source, shift.target, shift.sha256, files[shift.target]),),
                    )

    def _unknown(self, operation: str, path: RelativePath, file: ScannedFile) -> TrashItem:
        return TrashItem(
            storage=self._record,
            kind=TrashKind.UNKNOWN,
            operation=operation,
            title="",
            hothash=None,
            session_uuid=None,
            session_number=None,
            mode=TrashKind.UNKNOWN,
            deleted_at=None,
            original_filename=path.name,
            files=(self._file(path, path, Sha256(""), file),),
        )

    def _number_of(self, session_uuid: SessionUuid) -> int | None:
        with self._tools.catalog.read() as db:
            return tombstones.find_session_number(db, self._record.id, session_uuid)

    @staticmethod
    def _file(path: RelativePath, kept: RelativePath, sha256: Sha256, now: ScannedFile) -> TrashFile:
        return TrashFile(path=path, kept=kept, size_bytes=now.size_bytes, sha256=sha256, is_there=True)
