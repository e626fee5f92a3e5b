"""Edits of authors, collections and saved searches as operations: what was said before, and whether it stands."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from imalink.catalog.operations import OperationRecord, OperationState
from imalink.catalog.work_models import LibraryOperation
from imalink.core.ids import OperationUuid
from imalink.core.library_change import LibraryChange
from imalink.core.operation import Operation


def keep_library_operation(
    db: Session, operation: Operation, change: LibraryChange, *, recorded_at: str, counter: int
) -> None:
    """Keep an edit of the library; ``counter`` is that of its clock, by which edits are ordered. Commits nothing."""
    db.add(
        LibraryOperation(
            operation_uuid=operation.operation_uuid,
            kind=operation.kind,
            title=operation.title,
            counts=dict(operation.counts),
            recorded_at=recorded_at,
            counter=counter,
            undoes=operation.undoes,
            item_kind=change.kind,
            item_key=change.key,
            change=change,
        )
    )
    db.flush()


def find_change(db: Session, operation_uuid: OperationUuid) -> LibraryChange | None:
    """Give what an edit of the library changed; None for any other operation."""
    query = select(LibraryOperation.change).where(LibraryOperation.operation_uuid == operation_uuid)
    return db.execute(query).scalar_one_or_none()


def list_library_operations(db: Session, *, item: tuple[str, str] | None = None) -> list[OperationRecord]:
    """Give all edits of the library, newest first; with ``item`` those of the item of this kind and key."""
    newest_first = LibraryOperation.recorded_at.desc(), LibraryOperation.counter.desc()
    query = select(LibraryOperation).order_by(*newest_first)
    if item is not None:
        query = query.where(LibraryOperation.item_kind == item[0], LibraryOperation.item_key == item[1])
    rows = list(db.execute(query).scalars())
    undone: dict[str, OperationUuid] = {}
    # Whatever undoes an undo came after it: from the last one on, each is known to stand or not when it is looked at.
    for row in sorted(rows, key=lambda row: row.counter, reverse=True):
        if row.undoes is not None and row.operation_uuid not in undone:
            undone.setdefault(row.undoes, OperationUuid(row.operation_uuid))
    return [_record(row, undone.get(row.operation_uuid)) for row in rows]


def _record(row: LibraryOperation, undone_by: OperationUuid | None) -> OperationRecord:
    return OperationRecord(
        operation=Operation(
            operation_uuid=OperationUuid(row.operation_uuid),
            kind=row.kind,
            title=row.title,
            counts=row.counts,
            undoes=None if row.undoes is None else OperationUuid(row.undoes),
        ),
        recorded_at=row.recorded_at,
        storages=(),
        undone_in={},
        state=OperationState.DONE if undone_by is None else OperationState.UNDONE,
        undone_by=undone_by,
        counter=row.counter,
    )
