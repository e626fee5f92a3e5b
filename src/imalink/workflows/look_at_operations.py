"""Look at operations: what was done, newest first, imports among them, and which can be undone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from imalink.catalog import file_storages, import_sessions, library_operations, operations
from imalink.catalog.import_sessions import SessionRecord
from imalink.catalog.operations import OperationRecord, OperationState
from imalink.core.ids import OperationUuid, StorageUuid
from imalink.core.library_change import LibraryChange
from imalink.core.operation import FactsEdit, Operation, OperationKind
from imalink.core.session import SessionStatus
from imalink.errors import AmbiguousError, NotFoundError, UndoRefusedError
from imalink.workflows.storage_access import get_storage
from imalink.workflows.tools import Tools

MIN_PREFIX_LENGTH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationView:
    """An operation with the display names of its storages; ``session_number`` is that of an import.

    ``edits`` is what an edit of photos changed, photo by photo; ``change`` what one of the library did.
    """

    record: OperationRecord
    storage_names: tuple[str, ...]
    session_number: int | None = None
    edits: tuple[FactsEdit, ...] = ()
    change: LibraryChange | None = None


def list_operations(tools: Tools, *, storage: str | None = None, limit: int | None = None) -> list[OperationView]:
    """List operations and imports, newest first; ``storage`` names one as a user does.

    With it, edits of the library are left out: they are of no storage. Raises NotFoundError, AmbiguousError.
    """
    storage_uuid = get_storage(tools, storage).storage_uuid if storage is not None else None
    with tools.catalog.read() as db:
        names = {each.storage_uuid: each.display_name for each in file_storages.list_storages(db)}
        found = [_view(record, names) for record in operations.list_operations(db, storage_uuid=storage_uuid)]
        imports = import_sessions.list_sessions(db, storage_uuid=storage_uuid, limit=limit)
        if storage_uuid is None:
            found.extend(_view(record, names) for record in library_operations.list_library_operations(db))
    found.sort(key=lambda view: view.record.counter, reverse=True)
    found.extend(_import_view(record, names) for record in imports)
    found.sort(key=lambda view: view.record.recorded_at, reverse=True)
    return found[:limit]


def with_edits(tools: Tools, views: Sequence[OperationView]) -> list[OperationView]:
    """Give the operations with what the edits among them changed."""
    with tools.catalog.read() as db:
        return [
            replace(view, edits=tuple(operations.find_edits(db, view.record.operation.operation_uuid)))
            for view in views
        ]


def with_change(tools: Tools, view: OperationView) -> OperationView:
    """Give an operation with what it changed of the library, if it did."""
    with tools.catalog.read() as db:
        return replace(view, change=library_operations.find_change(db, view.record.operation.operation_uuid))


def list_undoable(tools: Tools) -> list[OperationRecord]:
    """Give the operations that can be undone and are no undo themselves, the newest first."""
    records = (view.record for view in list_operations(tools))
    return [
        record
        for record in records
        if record.state in (OperationState.DONE, OperationState.PARTLY_UNDONE)
        and record.operation.kind not in (OperationKind.IMPORT, OperationKind.UNDO)
    ]


def get_operation(tools: Tools, text: str) -> OperationRecord:
    """Give the operation with this UUID, or the only one whose UUID begins so.

    Raises NotFoundError, AmbiguousError, and UndoRefusedError for an import.
    """
    view = get_view(tools, text)
    if view.session_number is not None:
        raise UndoRefusedError(
            f"An import is taken back as a session: {view.record.operation.title}. Nothing was changed.",
            hint=f"Look first what would go: imalink sessions rollback {view.session_number} --dry-run",
        )
    return view.record


def get_view(tools: Tools, text: str) -> OperationView:
    """Give the operation or import with this UUID, or the only one whose UUID begins so.

    Raises NotFoundError, AmbiguousError.
    """
    wanted = text.strip().lower()
    found = [view for view in list_operations(tools) if view.record.operation.operation_uuid.startswith(wanted)]
    if len(wanted) < MIN_PREFIX_LENGTH or not found:
        raise NotFoundError(
            f"No operation {text} is known. Nothing was changed.",
            hint="`imalink operations` lists them; 4 characters or more of the first column name one.",
        )
    if len(found) > 1:
        raise AmbiguousError(
            f"{text} fits {len(found)} operations. Nothing was changed.", hint="Give more characters of its UUID."
        )
    return found[0]


def _view(record: OperationRecord, names: Mapping[StorageUuid, str]) -> OperationView:
    return OperationView(record=record, storage_names=tuple(_names(record, names)))


def _names(record: OperationRecord, names: Mapping[StorageUuid, str]) -> Iterator[str]:
    for storage_uuid in record.storages:
        yield names.get(storage_uuid, storage_uuid[:8])


def _import_view(session: SessionRecord, names: Mapping[StorageUuid, str]) -> OperationView:
    """Give an import as an operation: its UUID is the session's."""
    statistics = session.statistics
    counts = {
        "imported": statistics.new_imports,
        "skipped": statistics.duplicates_skipped,
        "companions": statistics.companions,
    }
    places = {place.storage_uuid for place in session.places}
    if session.storage_uuid is not None:
        places.add(session.storage_uuid)
    is_undone = session.session.status is SessionStatus.ROLLED_BACK
    record = OperationRecord(
        operation=Operation(
            operation_uuid=OperationUuid(session.session.session_uuid),
            kind=OperationKind.IMPORT.value,
            title=f"Import: {session.session.title}",
            counts={name: count for name, count in counts.items() if count},
        ),
        recorded_at=session.session.imported_at,
        storages=tuple(sorted(places)),
        undone_in={},
        state=OperationState.UNDONE if is_undone else OperationState.NOT_UNDOABLE,
    )
    return OperationView(
        record=record, storage_names=tuple(_names(record, names)), session_number=session.session.number
    )
