"""Emptying the trash: files whose record is known are removed for good, and the index says so."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from imalink.catalog.file_storages import StorageRecord
from imalink.core.audit import AuditAction
from imalink.core.ids import Hothash, OperationUuid
from imalink.core.index import DeletionMode
from imalink.core.journal import TrashEmptied
from imalink.core.operation import Operation, OperationKind
from imalink.core.relative_path import RelativePath
from imalink.core.timestamps import format_instant, parse_instant
from imalink.errors import (
    IndexDamagedError,
    NotFoundError,
    OutOfSpaceError,
    StorageError,
    StorageIoError,
    StorageReadOnlyError,
    UnsafePathError,
)
from imalink.storage.file_storage import FileStorage
from imalink.workflows.look_at_trash import TrashFile, TrashItem, TrashKind, TrashLook, reachable_storages
from imalink.workflows.mend_indexes import mend_indexes
from imalink.workflows.new_operation import new_operation
from imalink.workflows.storage_access import fold_notes, open_storage, project_fold
from imalink.workflows.tools import Tools
from imalink.workflows.verified_copy import holds_bytes
from imalink.workflows.write_audit import note

_EMPTIED = (TrashKind.DELETED, TrashKind.ROLLED_BACK, TrashKind.REPLACED, TrashKind.RETURNED)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyReport:
    """What was removed from the trash, or would be, and what was not, with why.

    ``operation_uuid`` is None where nothing had to be written down: for files that imports had replaced.
    ``has_trouble`` says that of ``left_storages`` one was in reach and could not be worked on.
    """

    dry_run: bool
    operation_uuid: OperationUuid | None
    removed: tuple[TrashItem, ...]
    left: tuple[tuple[StorageRecord, RelativePath, str], ...]
    left_storages: tuple[tuple[StorageRecord, str], ...]
    has_trouble: bool
    seconds: float

    @property
    def file_count(self) -> int:
        """How many files went, or would."""
        return sum(len(item.present_files) for item in self.removed)

    @property
    def size_bytes(self) -> int:
        """Their bytes."""
        return sum(file.size_bytes for item in self.removed for file in item.present_files)


def empty_trash(
    tools: Tools, *, storage: str | None = None, older_than_days: int | None = None, dry_run: bool = False
) -> EmptyReport:
    """Remove for good what the trash of every storage in reach keeps, or that of one; only what there is a record of.

    ``older_than_days``: only what went there earlier than that. What a user put there is never touched, nor what is
    only marked deleted, nor a file whose bytes are not those of its record. Raises NotFoundError, AmbiguousError,
    StorageError when no storage could be worked on.
    """
    started = time.monotonic()
    before = None
    if older_than_days is not None:
        before = format_instant(tools.clock.now() - timedelta(days=older_than_days))
    operation = new_operation(tools, OperationKind.TRASH_EMPTY, "Trash emptied")
    removed: list[TrashItem] = []
    left: list[tuple[StorageRecord, RelativePath, str]] = []
    records, left_storages = reachable_storages(tools, storage)
    troubles: list[StorageError] = []
    for record in records:
        try:
            with open_storage(tools, record) as opened:
                if dry_run:
                    removed.extend(_wanted(TrashLook(tools, record, opened).items(), before))
                    continue
                items, refused = _empty_storage(tools, record, opened, operation, before)
        except StorageError as error:  # what was removed elsewhere is told all the same
            troubles.append(error)
            left_storages.append((record, error.message))
            continue
        left.extend((record, path, why) for path, why in refused.items())
        gone = [item for item in items if not any(file.kept in refused for file in item.files)]
        removed.extend(gone)
        if gone:
            where = f"{record.display_name} ({record.storage_uuid})"
            note(tools, AuditAction.TRASH_EMPTIED, where, operation=operation.operation_uuid, removed=len(gone))
    if len(troubles) == len(records) and troubles:
        raise troubles[0]
    return EmptyReport(
        dry_run=dry_run,
        operation_uuid=operation.operation_uuid if not dry_run and any(map(_is_recorded, removed)) else None,
        removed=tuple(removed),
        left=tuple(left),
        left_storages=tuple(left_storages),
        has_trouble=bool(troubles),
        seconds=round(time.monotonic() - started, 3),
    )


def _empty_storage(
    tools: Tools, record: StorageRecord, storage: FileStorage, operation: Operation, before: str | None
) -> tuple[list[TrashItem], dict[RelativePath, str]]:
    """Empty one storage's trash; give what was in it, and the files that stay with why.

    On a full disk there is no room for the lock and the journal either. Then files go first, the largest before the
    others, until there is: it is for room that people empty a trash, and a record without its file is what a crash
    could leave as well.
    """
    freed: set[RelativePath] = set()
    while True:
        try:
            with storage.lock("empty-trash"):
                mend_indexes(tools, record, storage)
                items = _wanted(TrashLook(tools, record, storage).items(), before)
                refused = _empty(tools, record, storage, operation, items)
            return [_as_before(item, freed) for item in items], refused
        except OutOfSpaceError:
            largest = _remove_largest(tools, storage, _wanted(TrashLook(tools, record, storage).items(), before))
            if largest is None:
                raise
            freed.add(largest)


def _remove_largest(tools: Tools, storage: FileStorage, items: Iterable[TrashItem]) -> RelativePath | None:
    """Remove the largest file that may go, and give where it was; None when there is none."""
    files = [file for item in items for file in item.present_files]
    for file in sorted(files, key=lambda file: (-file.size_bytes, file.kept)):
        if _remove(tools, storage, file) is None:
            return file.kept
    return None


def _as_before(item: TrashItem, freed: Collection[RelativePath]) -> TrashItem:
    """Give an item of the trash as it was before these files had to go first."""
    files = tuple(replace(file, is_there=True) if file.kept in freed else file for file in item.files)
    return replace(item, files=files)


def _is_recorded(item: TrashItem) -> bool:
    """Tell whether a tombstone knows it; of what an import replaced only its commit does, which never changes."""
    return item.kind in (TrashKind.DELETED, TrashKind.ROLLED_BACK)


def _wanted(items: Iterable[TrashItem], before: str | None) -> list[TrashItem]:
    return [
        item
        for item in items
        if item.kind in _EMPTIED
        and (before is None or (item.deleted_at and parse_instant(item.deleted_at) < parse_instant(before)))
    ]


def _empty(
    tools: Tools, record: StorageRecord, storage: FileStorage, operation: Operation, items: Iterable[TrashItem]
) -> dict[RelativePath, str]:
    """Remove the files of these items, then write that down; give those that stay, and why."""
    refused: dict[RelativePath, str] = {}
    gone: dict[tuple[int, Hothash], tuple[TrashItem, list[RelativePath]]] = {}
    for item in items:
        for file in item.files:
            why = _remove(tools, storage, file)
            if why is not None:
                refused[file.kept] = why
            elif _is_recorded(item) and item.hothash is not None and item.session_number is not None:
                gone.setdefault((item.session_number, item.hothash), (item, []))[1].append(file.kept)
    observations = [
        TrashEmptied(
            hothash=hothash,
            session_uuid=item.session_uuid,
            session_number=number,
            kept=tuple(paths),
            mode=item.mode,
        )
        for (number, hothash), (item, paths) in gone.items()
        if item.session_uuid is not None
    ]
    _write_down(tools, record, storage, operation, observations)
    return refused


def remove_kept_files(
    tools: Tools,
    record: StorageRecord,
    storage: FileStorage,
    operation: Operation,
    pictures: Collection[tuple[int, Hothash]],
    *,
    mode: DeletionMode,
) -> dict[Hothash, tuple[RelativePath, str]]:
    """Remove what the trash keeps of these pictures (session number, hothash); give what stays, and why.

    First the files go, then the journal says so: what a crash leaves behind is a record without its file, never a file
    without its record. ``mode`` is what their tombstones say then. The caller holds the lock, and the indexes are up to
    date. Raises StorageError.
    """
    refused: dict[Hothash, tuple[RelativePath, str]] = {}
    observations: list[TrashEmptied] = []
    by_number: dict[int, list[Hothash]] = defaultdict(list)
    for number, hothash in sorted(pictures):
        by_number[number].append(hothash)
    for number, hothashes in by_number.items():
        try:
            index = storage.indexes.load_session(number).index
        except (IndexDamagedError, NotFoundError):
            continue
        for hothash in hothashes:
            tombstone = index.deleted[hothash]
            gone: list[RelativePath] = []
            for file in tombstone.kept:
                try:
                    remove_from_trash(storage, file.kept)
                except (StorageIoError, StorageReadOnlyError, UnsafePathError) as error:
                    refused[hothash] = (file.kept, error.message)
                else:
                    gone.append(file.kept)
            observations.append(
                TrashEmptied(
                    hothash=hothash,
                    session_uuid=index.session.session_uuid,
                    session_number=number,
                    kept=tuple(gone),
                    mode=mode if hothash not in refused else tombstone.mode,
                )
            )
    _write_down(tools, record, storage, operation, observations)
    return refused


def _write_down(
    tools: Tools,
    record: StorageRecord,
    storage: FileStorage,
    operation: Operation,
    observations: Collection[TrashEmptied],
) -> None:
    if observations:
        storage.append_operation(tools.writer, operation, list(observations), is_final=True)
        project_fold(tools, record, storage.fold(fold_notes(storage, record)))


def _remove(tools: Tools, storage: FileStorage, file: TrashFile) -> str | None:
    """Remove a file, if it is what its record says; tell why not."""
    try:
        facts = storage.files.find_facts(file.kept)
        if facts is None:
            return None
        is_as_noted = (facts.size_bytes, facts.modified_ns) == (file.noted_size_bytes, file.noted_modified_ns)
        if not is_as_noted and not holds_bytes(storage.files, file.kept, file.sha256, analyser=tools.analyser):
            return "It holds other bytes than those that went there, so it is not ours to remove."
        remove_from_trash(storage, file.kept)
    except (StorageIoError, StorageReadOnlyError, UnsafePathError) as error:
        return error.message
    return None


def remove_from_trash(storage: FileStorage, path: RelativePath) -> None:
    """Remove one file from the trash, durably; nothing happens where it is gone already. Raises StorageError."""
    try:
        storage.trash.remove(path)
        storage.files.sync_directory(path.parent)
    except NotFoundError:
        return
    storage.trash.tidy(path)
