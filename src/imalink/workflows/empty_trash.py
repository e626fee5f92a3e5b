"""Emptying the trash: files whose record is known are removed for good, and the index says so."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from imalink.catalog.file_storages import StorageRecord
from imalink.core.ids import Hothash
from imalink.core.index import DeletionMode
from imalink.core.journal import TrashEmptied
from imalink.core.operation import Operation
from imalink.core.relative_path import RelativePath
from imalink.errors import IndexDamagedError, NotFoundError, StorageIoError, StorageReadOnlyError, UnsafePathError
from imalink.storage.file_storage import FileStorage
from imalink.workflows.storage_access import fold_notes, project_fold
from imalink.workflows.tools import Tools


def remove_kept_files(
    tools: Tools,
    record: StorageRecord,
    storage: FileStorage,
    operation: Operation,
    numbers: Iterable[int],
    *,
    hothashes: Collection[Hothash],
    mode: DeletionMode | None = None,
) -> dict[Hothash, tuple[RelativePath, str]]:
    """Remove what the trash keeps of these pictures of these sessions; give what could not be removed, and why.

    First the files go, then the journal says so: what a crash leaves behind is a record without its file, never a file
    without its record. ``mode`` is what their tombstones say then, None: what they say. The caller holds the lock, and
    the indexes are up to date. Raises StorageError.
    """
    refused: dict[Hothash, tuple[RelativePath, str]] = {}
    observations: list[TrashEmptied] = []
    for number in sorted(numbers):
        try:
            index = storage.indexes.load_session(number).index
        except (IndexDamagedError, NotFoundError):
            continue
        for hothash in sorted(index.deleted.keys() & set(hothashes)):
            tombstone = index.deleted[hothash]
            gone: list[RelativePath] = []
            for file in tombstone.kept:
                try:
                    remove_from_trash(storage, file.kept)
                except (StorageIoError, StorageReadOnlyError, UnsafePathError) as error:
                    refused[hothash] = (file.kept, error.message)
                else:
                    gone.append(file.kept)
            if gone or (mode is not None and hothash not in refused):
                observations.append(
                    TrashEmptied(
                        hothash=hothash,
                        session_uuid=index.session.session_uuid,
                        session_number=number,
                        kept=tuple(gone),
                        mode=(mode or tombstone.mode) if hothash not in refused else tombstone.mode,
                    )
                )
    if observations:
        storage.append_operation(tools.writer, operation, observations, is_final=True)
        result = storage.fold(fold_notes(storage, record))
        project_fold(tools, record, result)
    return refused


def remove_from_trash(storage: FileStorage, path: RelativePath) -> None:
    """Remove one file from the trash, durably; nothing happens where it is gone already. Raises StorageError."""
    try:
        storage.trash.remove(path)
        storage.files.sync_directory(path.parent)
    except NotFoundError:
        return
    storage.trash.tidy(path)
