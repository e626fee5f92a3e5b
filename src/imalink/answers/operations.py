"""Operations and what undoes them, spelled as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from imalink.answers import finding_json, json_text
from imalink.answers.fact_words import said_text
from imalink.answers.photos import facts_json, groups_of, waiting_json
from imalink.core.library import PHOTO_PREFIX
from imalink.core.user_facts import value_of

if TYPE_CHECKING:
    from imalink.core.library import FieldValue
    from imalink.core.library_change import LibraryChange
    from imalink.core.operation import FactsEdit
    from imalink.workflows.look_at_operations import OperationView
    from imalink.workflows.undo_operation import UndoReport


def field_changes(edit: FactsEdit) -> Iterator[tuple[str, str | None, str | None]]:
    """Give each field that an edit changed, with what was said of it before and after; None for nothing."""
    for field in edit.fields:
        yield field, said_text(value_of(edit.before, field)), said_text(value_of(edit.after, field))


def _edit_json(edit: FactsEdit) -> dict[str, object]:
    return {
        "photo_uuid": edit.photo_uuid,
        "changes": [
            {
                "field": json_text(field),
                "before": None if before is None else json_text(before),
                "after": None if after is None else json_text(after),
            }
            for field, before, after in field_changes(edit)
        ],
    }


def item_changes(change: LibraryChange) -> Iterator[tuple[str, str | None, str | None]]:
    """Give each field of an item that an edit changed, before and after; None for nothing. Photos are left out."""
    for field in sorted({*change.before, *change.after}):
        if not field.startswith(PHOTO_PREFIX):
            yield field, _item_text(change.before.get(field)), _item_text(change.after.get(field))


def _item_text(value: FieldValue) -> str | None:
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def change_json(change: LibraryChange) -> dict[str, object]:
    """Spell what an edit changed of an author, a collection or a saved search."""
    return {
        "kind": json_text(change.kind),
        "key": json_text(change.key),
        "changes": [
            {
                "field": json_text(field),
                "before": None if before is None else json_text(before),
                "after": None if after is None else json_text(after),
            }
            for field, before, after in item_changes(change)
        ],
        "photo_count": change.photo_count(),
    }


def operation_json(view: OperationView, *, is_whole: bool) -> dict[str, object]:
    """Spell an operation; with what it changed photo by photo only where ``is_whole`` says so."""
    operation = view.record.operation
    return {
        "operation_uuid": operation.operation_uuid,
        "kind": operation.kind,
        "title": json_text(operation.title),
        "recorded_at": view.record.recorded_at,
        "storages": [
            {"storage_uuid": storage_uuid, "display_name": json_text(name)}
            for storage_uuid, name in zip(view.record.storages, view.storage_names, strict=True)
        ],
        "counts": dict(operation.counts),
        "state": view.record.state.value,
        "undoes": operation.undoes,
        "undone_by": view.record.undone_by,
        "session_id": view.session_number,
        "edits": [_edit_json(edit) for edit in view.edits] if is_whole else [],
        "item": None if view.change is None else change_json(view.change),
    }


def undo_json(report: UndoReport) -> dict[str, object]:
    """Spell what an undo did, or would do."""
    operation = report.undone.operation
    return {
        "dry_run": report.undo_uuid is None,
        "undone": operation.operation_uuid,
        "kind": operation.kind,
        "title": json_text(operation.title),
        "undo_uuid": report.undo_uuid,
        "storages": [storage.storage_uuid for storage in report.storages],
        "files": [
            {
                "storage_uuid": file.storage_uuid,
                "hothash": file.hothash,
                "path_now": None if file.path_now is None else json_text(file.path_now),
                "path_then": None if file.path_then is None else json_text(file.path_then),
            }
            for file in report.files
        ],
        "photos": [
            {
                "photo_uuid": photo.photo_uuid,
                "hothash": photo.hothash,
                "original_filename": json_text(photo.original_filename),
                "before": facts_json(photo.facts_before, groups_of(photo.after.fields)),
                "after": facts_json(photo.facts, groups_of(photo.after.fields)),
            }
            for photo in report.photos
        ],
        "moved_files": [
            {"old_path": json_text(shift.source), "new_path": json_text(shift.target)} for shift in report.shifts
        ],
        "item": None if report.change is None else change_json(report.change),
        "waiting": [waiting_json(each) for each in report.waiting],
        "findings": [finding_json(finding) for finding in report.findings],
        "seconds": report.seconds,
    }
