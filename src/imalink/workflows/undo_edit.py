"""Undo an edit of photos by another edit, which says again what was said before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from imalink.catalog import operations, photos
from imalink.catalog.operations import OperationRecord, OperationState
from imalink.core.operation import FactsEdit, Operation
from imalink.core.user_facts import FactChange, live_value, value_of
from imalink.errors import UndoRefusedError
from imalink.workflows.edit_photos import EditReport, change_photos
from imalink.workflows.tools import Tools


def undo_edit(
    tools: Tools, record: OperationRecord, edits: Sequence[FactsEdit], operation: Operation, *, dry_run: bool
) -> EditReport:
    """Take an edit back, recorded as ``operation``; storages that are away are told when they return.

    Raises UndoRefusedError, with nothing changed, when something else was said since of the same fields of its photos.
    """
    changed_since = list(_changed_since(tools, edits))
    if changed_since:
        raise _later_edits(tools, record, changed_since)
    changes = {edit.photo_uuid: FactChange(fields=frozenset(edit.fields), values=edit.before) for edit in edits}
    return change_photos(tools, changes, dry_run=dry_run, operation=operation)


def _changed_since(tools: Tools, edits: Sequence[FactsEdit]) -> Iterator[FactsEdit]:
    with tools.catalog.read() as db:
        found = photos.find_photos(db, [edit.photo_uuid for edit in edits])
    for edit in edits:
        known = found.get(edit.photo_uuid)
        if known is None or any(live_value(known.photo, name) != value_of(edit.after, name) for name in edit.fields):
            yield edit


def _later_edits(tools: Tools, record: OperationRecord, changed: Sequence[FactsEdit]) -> UndoRefusedError:
    """Say what was said of the same photos after an edit, and what to undo first."""
    fields = {edit.photo_uuid: set(edit.fields) for edit in changed}
    with tools.catalog.read() as db:
        others = operations.find_edits_of(db, fields.keys())
        listed = operations.list_operations(db)
    newer = listed[: [each.operation.operation_uuid for each in listed].index(record.operation.operation_uuid)]
    later = [
        each.operation
        for each in newer
        if each.state is not OperationState.UNDONE
        and any(
            not fields[edit.photo_uuid].isdisjoint(edit.fields)
            for edit in others.get(each.operation.operation_uuid, ())
        )
    ]
    if not later:
        return UndoRefusedError(
            f"Something else was said since of {len(changed):,} of its photos, or they were joined to others: "
            f"{record.operation.title}. Nothing was changed.",
            hint="`imalink edit` says anew what you want of them.",
        )
    return UndoRefusedError(
        f"Later operations said something else of {len(changed):,} of its photos: "
        f"{'; '.join(f'{each.title} ({each.operation_uuid[:8]})' for each in later[:3])}. Nothing was changed.",
        hint=f"Undo those first: imalink undo {later[0].operation_uuid[:8]}",
    )
