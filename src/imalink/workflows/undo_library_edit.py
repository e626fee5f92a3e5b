"""Undo an edit of an author, a collection or a saved search by another edit, which says again what was said before."""

from __future__ import annotations

from imalink.catalog import authors, library_operations
from imalink.catalog.catalog import Db
from imalink.catalog.operations import OperationRecord, OperationState
from imalink.core.library import DELETED, ItemKind
from imalink.core.library_change import LibraryChange, is_changed_since
from imalink.core.operation import Operation
from imalink.errors import UndoRefusedError
from imalink.workflows.flush_outbox import WaitingEdits, flush_outbox
from imalink.workflows.say_of_library import known_of, say_as
from imalink.workflows.tools import Tools

_NAMED = 3


def undo_library_edit(
    tools: Tools, record: OperationRecord, change: LibraryChange, operation: Operation, *, dry_run: bool
) -> list[WaitingEdits]:
    """Take an edit of the library back, recorded as ``operation``; give the storages that are to be told later.

    Raises UndoRefusedError, with nothing changed, when something else was said since of what it changed, and when an
    author is needed by now or the name that comes back is another one's.
    """
    if dry_run:
        with tools.catalog.read() as db:
            _refuse_what_is_in_the_way(db, record, change)
        return []
    with tools.catalog.begin(changes_photos=True, is_durable=True) as db:
        _refuse_what_is_in_the_way(db, record, change)
        say_as(tools, db, change.kind, change.key, change.before, operation)
    return flush_outbox(tools)


def _refuse_what_is_in_the_way(db: Db, record: OperationRecord, change: LibraryChange) -> None:
    known = known_of(db, change.kind, change.key)
    if is_changed_since(change, known):
        raise _later_edits(db, record, change)
    if change.kind != ItemKind.AUTHOR:
        return
    title = record.operation.title
    author = authors.find_author_keyed(db, change.key)
    if change.before.get(DELETED) and author is not None and (author.session_count or author.is_self):
        raise UndoRefusedError(
            f"{author.author.name} is the author of {author.session_count:,} sessions by now, and stays. "
            f"So this was not undone: {title}. Nothing was changed.",
            hint="Rename the author instead.",
        )
    name, email = (str({**known, **change.before}.get(field) or "") for field in ("name", "email"))
    other = authors.find_author_named(db, name, email)
    if other is not None and other.key != change.key and not change.before.get(DELETED):
        raise UndoRefusedError(
            f"There is another author {name} with that address by now. So this was not undone: {title}. "
            "Nothing was changed.",
            hint="Rename that one first.",
        )


def _later_edits(db: Db, record: OperationRecord, change: LibraryChange) -> UndoRefusedError:
    """Say what was said of the same thing after an edit, and what to undo first."""
    listed = library_operations.list_library_operations(db, item=(change.kind, change.key))
    newer = listed[: [each.operation.operation_uuid for each in listed].index(record.operation.operation_uuid)]
    later = [each.operation for each in newer if each.state is not OperationState.UNDONE]
    if not later:
        return UndoRefusedError(
            f"Something else was said of it since, such as on another machine: {record.operation.title}. "
            "Nothing was changed.",
            hint="Say anew what you want of it.",
        )
    named = "; ".join(f"{each.title} ({each.operation_uuid[:8]})" for each in later[:_NAMED])
    rest = f"; and {len(later) - _NAMED} more" if len(later) > _NAMED else ""
    return UndoRefusedError(
        f"Later operations changed the same: {named}{rest}. So this was not undone: {record.operation.title}. "
        "Nothing was changed.",
        hint=f"Undo those first: imalink undo {later[0].operation_uuid[:8]}",
    )
