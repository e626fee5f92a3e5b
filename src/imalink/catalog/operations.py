"""Operations as the catalog lists them: what was done, where, when, and whether it stands or was undone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from imalink.catalog.bulk import chunks, insert_rows, table_of
from imalink.catalog.models import FileStorage
from imalink.catalog.work_models import OperationEdit, RecordedOperation
from imalink.core.ids import OperationUuid, PhotoUuid, StorageUuid
from imalink.core.operation import FactsEdit, Operation, OperationLine

_LONGEST_KIND = 40
"""No ImaLink gives a longer one; a journal from elsewhere may."""


class OperationState(StrEnum):
    """How an operation stands. ``partly-undone``: in some of its storages."""

    DONE = "done"
    UNDONE = "undone"
    PARTLY_UNDONE = "partly-undone"
    NOT_UNDOABLE = "not-undoable"


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationRecord:
    """An operation. ``storages`` are all that it touched; ``undone_in`` says where it is undone, and by what.

    One of the library is of no storage; ``undone_by`` is what undid it, or began to undo any other. Of operations of
    the same moment the one with the higher ``counter`` came later.
    """

    operation: Operation
    recorded_at: str
    storages: tuple[StorageUuid, ...]
    undone_in: Mapping[StorageUuid, OperationUuid]
    state: OperationState
    undone_by: OperationUuid | None = None
    counter: int = 0


def keep_operations(db: Session, storage_id: int, lines: Iterable[OperationLine]) -> None:
    """Keep what a storage's journals say of operations; of several lines the first tells when."""
    for line in lines:
        operation = line.operation
        known = db.get(RecordedOperation, (operation.operation_uuid, storage_id))
        if known is None:
            db.add(
                RecordedOperation(
                    operation_uuid=operation.operation_uuid,
                    file_storage_id=storage_id,
                    kind=operation.kind[:_LONGEST_KIND],
                    title=operation.title,
                    counts=dict(operation.counts),
                    recorded_at=line.at,
                    lamport=line.lamport,
                    undoes=operation.undoes,
                    has_inverse=line.has_inverse,
                )
            )
        else:
            known.lamport = min(known.lamport, line.lamport)
            known.has_inverse = known.has_inverse and line.has_inverse
    db.flush()


def keep_edit(
    db: Session,
    operation: Operation,
    edits: Sequence[FactsEdit],
    *,
    storages: Collection[StorageUuid],
    recorded_at: str,
    counter: int,
) -> None:
    """Keep an edit of photos that these storages hold; ``counter`` is that of its clock, by which edits are ordered."""
    ids = dict(iter(db.execute(select(FileStorage.storage_uuid, FileStorage.id))))
    for storage_uuid in sorted(storages):
        db.add(
            RecordedOperation(
                operation_uuid=operation.operation_uuid,
                file_storage_id=ids[storage_uuid],
                kind=operation.kind,
                title=operation.title,
                counts=dict(operation.counts),
                recorded_at=recorded_at,
                lamport=counter,
                undoes=operation.undoes,
                has_inverse=True,
            )
        )
    rows = [(operation.operation_uuid, edit.photo_uuid, edit) for edit in edits]
    insert_rows(db, table_of(OperationEdit), ["operation_uuid", "photo_uuid", "edit"], rows)
    db.flush()


def find_edits(db: Session, operation_uuid: OperationUuid) -> list[FactsEdit]:
    """Give what an edit changed, photo by photo; nothing for any other operation."""
    query = select(OperationEdit.edit).where(OperationEdit.operation_uuid == operation_uuid)
    return list(db.execute(query.order_by(OperationEdit.photo_uuid)).scalars())


def find_edits_of(db: Session, photo_uuids: Collection[PhotoUuid]) -> dict[OperationUuid, list[FactsEdit]]:
    """Give by operation all edits of these photos."""
    found: dict[OperationUuid, list[FactsEdit]] = defaultdict(list)
    for chunk in chunks(photo_uuids):
        query = select(OperationEdit).where(OperationEdit.photo_uuid.in_(chunk))
        for row in db.execute(query).scalars():
            found[OperationUuid(row.operation_uuid)].append(row.edit)
    return found


def list_operations(db: Session, *, storage_uuid: StorageUuid | None = None) -> list[OperationRecord]:
    """Give all operations, newest first; with ``storage_uuid`` those that touched that storage."""
    query = select(RecordedOperation, FileStorage.storage_uuid).join(
        FileStorage, FileStorage.id == RecordedOperation.file_storage_id
    )
    if storage_uuid is not None:
        query = query.where(FileStorage.storage_uuid == storage_uuid)
    newest_first = query.order_by(
        RecordedOperation.recorded_at.desc(), RecordedOperation.lamport.desc(), RecordedOperation.operation_uuid
    )
    rows: dict[OperationUuid, list[tuple[RecordedOperation, StorageUuid]]] = defaultdict(list)
    for row, found_in in db.execute(newest_first):
        rows[OperationUuid(row.operation_uuid)].append((row, StorageUuid(found_in)))
    undone = _undone(row for each in rows.values() for row in each)
    return [_record(operation_uuid, each, undone) for operation_uuid, each in rows.items()]


_Key = tuple[OperationUuid, StorageUuid]


def _undone(rows: Iterable[tuple[RecordedOperation, StorageUuid]]) -> Mapping[_Key, OperationUuid]:
    """Tell which operations are undone, in which storage and by which other, one that is not undone itself."""
    undoing = [
        ((OperationUuid(row.undoes), storage_uuid), OperationUuid(row.operation_uuid), row.lamport)
        for row, storage_uuid in rows
        if row.undoes is not None
    ]
    undone: dict[_Key, OperationUuid] = {}
    # Whatever undoes an undo came after it: from the last one on, each is known to stand or not when it is looked at.
    for key, by, _ in sorted(undoing, key=lambda each: each[2], reverse=True):
        if (by, key[1]) not in undone:
            undone.setdefault(key, by)
    return undone


def _record(
    operation_uuid: OperationUuid,
    rows: Sequence[tuple[RecordedOperation, StorageUuid]],
    undone: Mapping[_Key, OperationUuid],
) -> OperationRecord:
    first = rows[0][0]
    storages = tuple(sorted(storage_uuid for _, storage_uuid in rows))
    undone_in = {each: undone[operation_uuid, each] for each in storages if (operation_uuid, each) in undone}
    if len(undone_in) == len(storages):
        state = OperationState.UNDONE
    elif undone_in:
        state = OperationState.PARTLY_UNDONE
    elif all(row.has_inverse for row, _ in rows):
        state = OperationState.DONE
    else:
        state = OperationState.NOT_UNDOABLE
    return OperationRecord(
        operation=Operation(
            operation_uuid=operation_uuid,
            kind=first.kind,
            title=first.title,
            counts=first.counts,
            undoes=None if first.undoes is None else OperationUuid(first.undoes),
        ),
        recorded_at=first.recorded_at,
        storages=storages,
        undone_in=undone_in,
        state=state,
        undone_by=next(iter(undone_in.values()), None),
        counter=max(row.lamport for row, _ in rows),
    )
