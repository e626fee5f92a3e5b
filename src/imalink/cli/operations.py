"""``imalink operations`` and ``undo``: what was done to many files at once, and taking it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from imalink.answers.fact_words import change_lines, said_text
from imalink.answers.operations import field_changes, item_changes, operation_json, undo_json
from imalink.cli import errors
from imalink.cli.context import Output, common_options, open_tools
from imalink.cli.render import (
    is_terminal,
    plural,
    show_findings,
    show_json,
    show_lines,
    show_note,
    show_table,
)
from imalink.core.finding import Severity
from imalink.core.user_facts import value_of
from imalink.errors import UsageError

if TYPE_CHECKING:
    from imalink.core.library_change import LibraryChange
    from imalink.core.operation import FactsEdit
    from imalink.workflows.look_at_operations import OperationView
    from imalink.workflows.undo_operation import RestoredFile, UndoReport

_SHOWN = 15
_SHOWN_UUID = 8
_SHOWN_SUMMARY = 80


@click.command("operations")
@click.argument("operation", metavar="[OPERATION]", required=False)
@click.option("--storage", default=None, metavar="STORAGE", help="Only what was done there.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many.")
@common_options
def operations_command(output: Output, operation: str | None, storage: str | None, limit: int) -> None:
    """List what was done to many files at once, newest first, and whether it can be undone.

    OPERATION is an id from that list, or its beginning: then only that one, and of an edit each photo and what was said
    of it before and after.
    """
    from imalink.workflows.look_at_operations import get_view, list_operations, with_change, with_edits

    with open_tools(output) as tools:
        if operation is None:
            wanted = list_operations(tools, storage=storage, limit=limit)
        else:
            wanted = [with_change(tools, get_view(tools, operation))]
        found = with_edits(tools, wanted)
    if output.as_json:
        show_json({"operations": [operation_json(view, is_whole=operation is not None) for view in found]})
    elif not found:
        show_lines(["Nothing was done yet."])
    else:
        show_table(
            ("ID", "WHEN", "STATE", "STORAGE", "WHAT"),
            [
                (
                    view.record.operation.operation_uuid[:_SHOWN_UUID],
                    view.record.recorded_at[:16].replace("T", " "),
                    _state(view),
                    ", ".join(view.storage_names) or "(library)",
                    view.record.operation.title + _summary(view.edits),
                )
                for view in found
            ],
        )
        if operation is not None:
            show_lines(_edit_lines(found[0].edits, is_verbose=output.is_verbose))
            show_lines([] if found[0].change is None else _item_lines(found[0].change))


@click.command("undo")
@click.argument("operation", metavar="[OPERATION]", required=False)
@click.option("-n", "--dry-run", is_flag=True, help="Show what would be known again; write nothing.")
@common_options
def undo_command(output: Output, operation: str | None, dry_run: bool) -> int:
    """Bring indexes and catalog back to what they said before OPERATION, by default the last that can be undone.

    What you moved stays where you put it, and the next re-index finds it there again. Only what the operation itself
    had moved to the trash, or out of it, goes back.
    OPERATION is an id of `imalink operations`; undoing an undo does again what it took back.
    """
    from imalink.workflows.undo_operation import undo_operation

    with open_tools(output) as tools:
        report = undo_operation(tools, operation, dry_run=True)
        if not dry_run:
            _ask(report, output)
            report = undo_operation(tools, report.undone.operation.operation_uuid)
    if output.as_json:
        show_json(undo_json(report))
    elif not output.is_quiet:
        show_lines(_lines(report, is_verbose=output.is_verbose))
        show_findings(report.findings, is_verbose=output.is_verbose)
    return errors.FINDINGS if any(each.severity is not Severity.INFO for each in report.findings) else errors.DONE


def _ask(preview: UndoReport, output: Output) -> None:
    """Show what would be undone, and ask. Raises UsageError without a terminal, Abort."""
    if output.assume_yes:
        return
    if not is_terminal():
        raise UsageError(
            f"Undoing this needs a yes: {preview.undone.operation.title}. Nothing was changed.",
            hint=f"Run it again with --yes: imalink undo {preview.undone.operation.operation_uuid[:_SHOWN_UUID]} --yes",
        )
    for line in _lines(preview, is_verbose=output.is_verbose):
        show_note(line)
    click.confirm("Undo this?", abort=True, err=True)


def _lines(report: UndoReport, *, is_verbose: bool) -> list[str]:
    operation = report.undone.operation
    where = "the library" if report.change else ", ".join(storage.display_name for storage in report.storages)
    done = "Would undo" if report.undo_uuid is None else "Undid"
    lines = [f"{done} in {where}: {operation.title} (of {report.undone.recorded_at})"]
    shown = report.files if is_verbose else report.files[:_SHOWN]
    lines.extend(f"  {_row(file)}" for file in shown)
    photos = report.photos if is_verbose else report.photos[:_SHOWN]
    for photo in photos:
        lines.append(f"  {photo.hothash[:10]}  {photo.original_filename}")
        lines.extend(change_lines(photo.facts_before, photo.facts, photo.after.fields))
    if len(report.photos) > len(photos):
        lines.append(f"  … and {len(report.photos) - len(photos):,} more (-v shows them all)")
    if len(report.files) > len(shown):
        lines.append(f"  … and {len(report.files) - len(shown):,} more (-v shows them all)")
    if report.change is not None:
        lines.extend(_item_lines(report.change, is_undone=True))
    if report.undo_uuid is not None and report.change is not None:
        lines.append("Every storage is told.")
    elif report.undo_uuid is not None:
        count = plural(len(report.photos), "photo") if report.photos else plural(len(report.files), "picture")
        files = "No file of yours was touched."
        if report.shifts:
            files = f"{plural(len(report.shifts), 'file')} went back."
        lines.append(f"Indexes and catalog say of {count} what they said before. {files}")
    if report.undo_uuid is not None:
        lines.extend(f"{each.display_name} is told when it is back: {each.reason}" for each in report.waiting)
        lines.append(f"`imalink undo {report.undo_uuid[:_SHOWN_UUID]}` does it again.")
    return lines


def _row(file: RestoredFile) -> str:
    if file.path_now is None:
        return f"known again: {file.path_then}"
    if file.path_then is None:
        return f"known no more: {file.path_now}"
    if file.path_now != file.path_then:
        return f"{file.path_now} → {file.path_then}"
    return f"as before: {file.path_now}"


def _state(view: OperationView) -> str:
    state = view.record.state.value
    return state if view.session_number is None else f"{state} (session {view.session_number})"


def _summary(edits: Sequence[FactsEdit]) -> str:
    """Say in a few words which fields an edit changed, and to what where all its photos got the same."""
    told: list[str] = []
    for field in dict.fromkeys(field for edit in edits for field in edit.fields):
        values = {said_text(value_of(edit.after, field)) for edit in edits if field in edit.fields}
        value = next(iter(values)) if len(values) == 1 else None
        is_taken_back = values == {None}
        told.append(f"{field} taken back" if is_taken_back else field if value is None else f"{field} → {value}")
    text = ", ".join(told)
    shown = text if len(text) <= _SHOWN_SUMMARY else text[: _SHOWN_SUMMARY - 1] + "…"
    return f" ({shown})" if shown else ""


def _edit_lines(edits: Sequence[FactsEdit], *, is_verbose: bool) -> list[str]:
    shown = edits if is_verbose else edits[:_SHOWN]
    lines: list[str] = []
    for edit in shown:
        lines.append(f"Photo {edit.photo_uuid}:")
        for field, before, after in field_changes(edit):
            lines.append(f"  {field}: {_said(before)} → {_said(after)}")
    if len(edits) > len(shown):
        lines.append(f"… and {len(edits) - len(shown):,} more (-v shows them all)")
    return lines


def _item_lines(change: LibraryChange, *, is_undone: bool = False) -> list[str]:
    lines: list[str] = []
    for field, before, after in item_changes(change):
        old, new = (after, before) if is_undone else (before, after)
        lines.append(f"  {field}: {_said(old)} → {_said(new)}")
    count = change.photo_count()
    return [*lines, f"  and where {plural(count, 'photo')} stand in it"] if count else lines


def _said(text: str | None) -> str:
    return "(nothing said)" if text is None else text or "(empty)"
