"""Undo: bring indexes and catalog back to what they said before an operation.

Of the user's files only those move that the operation itself had moved: into the trash, or out of it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Set
from contextlib import ExitStack
from dataclasses import dataclass, replace

from imalink.catalog import file_storages, library_operations, operations
from imalink.catalog.file_storages import StorageRecord
from imalink.catalog.operations import OperationRecord, OperationState
from imalink.core.audit import AuditAction
from imalink.core.finding import Finding
from imalink.core.fold import SessionFold
from imalink.core.ids import Hothash, OperationUuid, RunUuid, SessionUuid, StorageUuid
from imalink.core.index import SessionIndex
from imalink.core.journal import Commit, JournalLine, RunBegin
from imalink.core.library_change import LibraryChange
from imalink.core.operation import (
    EarlierEntry,
    EarlierHead,
    EarlierPhoto,
    FileShift,
    Operation,
    OperationKind,
    Restoration,
    SessionRestored,
)
from imalink.core.relative_path import RelativePath
from imalink.core.session import ImportSession, SessionStatus
from imalink.core.undoing import TakenBack, Touched, Undoing, Undone, touched_by
from imalink.errors import IndexDamagedError, NotFoundError, UndoRefusedError
from imalink.formats.operation_records import SpelledDigests
from imalink.storage.file_storage import FileStorage
from imalink.workflows.edit_photos import EditedPhoto
from imalink.workflows.flush_outbox import WaitingEdits
from imalink.workflows.look_at_operations import get_operation, list_undoable
from imalink.workflows.mend_indexes import mend_indexes, peek_master
from imalink.workflows.move_files import write_down_and_move
from imalink.workflows.new_operation import new_operation
from imalink.workflows.storage_access import open_storage
from imalink.workflows.tools import Tools
from imalink.workflows.undo_edit import undo_edit
from imalink.workflows.undo_library_edit import undo_library_edit
from imalink.workflows.write_audit import note

_NAMED = 3
_UNDO, _REDO = "Undo of: ", "Redo of: "


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoredFile:
    """A picture of which something else is known after an undo; None where nothing is known of it."""

    storage_uuid: StorageUuid
    hothash: Hothash
    path_now: RelativePath | None
    path_then: RelativePath | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoReport:
    """What was undone, or would be; ``undo_uuid`` is the operation that did it, None for a dry run.

    ``storages`` are those in which it was (or is to be) undone now. ``photos`` are those of which something else is
    said then, after the undo of an edit; ``waiting`` are the storages that are to be told of it when they are back.
    ``shifts`` are files that go back to where they were. ``change`` is what is said anew of an item of the library.
    """

    undone: OperationRecord
    undo_uuid: OperationUuid | None
    storages: tuple[StorageRecord, ...]
    files: tuple[RestoredFile, ...]
    findings: tuple[Finding, ...]
    seconds: float
    photos: tuple[EditedPhoto, ...] = ()
    waiting: tuple[WaitingEdits, ...] = ()
    shifts: tuple[FileShift, ...] = ()
    change: LibraryChange | None = None


def undo_operation(tools: Tools, text: str | None = None, *, dry_run: bool = False) -> UndoReport:
    """Undo the operation that ``text`` names by its UUID or the beginning of it; None: the last that can be.

    An undo is an operation too, and undoing it does again what it took back. All storages that the operation touched
    must be reachable; of an undone edit of photos they are told when they return. Raises UndoRefusedError, with nothing
    changed, when later operations touched the same things, when it is undone already and when it cannot be;
    NotFoundError, AmbiguousError, StorageError.
    """
    if text is not None:
        return _undo(tools, get_operation(tools, text), dry_run=dry_run)
    undoable = list_undoable(tools)
    if not undoable:
        raise NotFoundError(
            "There is nothing to undo. Nothing was changed.",
            hint="`imalink operations` lists what was done, and what of it is undone already.",
        )
    try:
        return _undo(tools, undoable[0], dry_run=dry_run)
    except UndoRefusedError as error:
        if len(undoable) > 1:
            # Another one is never taken instead: nobody asked for that.
            before = undoable[1].operation
            another = f"The one before it: imalink undo {before.operation_uuid[:8]} ({before.title})."
            error.hint = f"{error.hint} {another}" if error.hint else another
        raise


def _undo(tools: Tools, record: OperationRecord, *, dry_run: bool) -> UndoReport:
    started = time.monotonic()
    _refuse_what_cannot_be(record)
    with tools.catalog.read() as db:
        edits = operations.find_edits(db, record.operation.operation_uuid)
        change = library_operations.find_change(db, record.operation.operation_uuid)
        known = {each.storage_uuid: each for each in file_storages.list_storages(db)}
    # After a crash between two storages, the rest is the rest of that undo.
    begun = record.undone_by
    operation = new_operation(
        tools, OperationKind.UNDO, _title_of_undoing(record.operation), undoes=record.operation.operation_uuid
    )
    operation = operation if begun is None else replace(operation, operation_uuid=begun)
    if change is not None:
        waiting = undo_library_edit(tools, record, change, operation, dry_run=dry_run)
        _note_undo(tools, record, operation, dry_run=dry_run)
        return UndoReport(
            undone=record,
            undo_uuid=None if dry_run else operation.operation_uuid,
            storages=(),
            files=(),
            findings=(),
            seconds=round(time.monotonic() - started, 3),
            waiting=tuple(waiting),
            change=change,
        )
    if edits:
        changed = undo_edit(tools, record, edits, operation, dry_run=dry_run)
        _note_undo(tools, record, operation, dry_run=dry_run)
        return UndoReport(
            undone=record,
            undo_uuid=None if dry_run else operation.operation_uuid,
            storages=tuple(known[each] for each in record.storages),
            files=(),
            findings=(),
            seconds=round(time.monotonic() - started, 3),
            photos=changed.edited,
            waiting=changed.waiting,
        )
    left = [known[each] for each in record.storages if each not in record.undone_in]
    findings: list[Finding] = []
    files: list[RestoredFile] = []
    with ExitStack() as stack:
        opened = [(each, stack.enter_context(open_storage(tools, each))) for each in left]
        if not dry_run:
            for storage_record, storage in opened:
                stack.enter_context(storage.lock("undo"))
                findings.extend(mend_indexes(tools, storage_record, storage).findings)
        planned = [(each, storage, _plan(storage, record)) for each, storage in opened]
        for storage_record, storage, undone in planned:
            files.extend(_restored(storage_record, undone.entries))
            if not dry_run:
                moved = write_down_and_move(tools, storage_record, storage, operation, undone.observations)
                findings.extend(moved.findings)
                findings.extend(
                    Finding(code="left-in-place", path=each.path.printable(), facts={"why": each.why})
                    for each in moved.refused
                )
    _note_undo(tools, record, operation, dry_run=dry_run)
    return UndoReport(
        undone=record,
        undo_uuid=None if dry_run else operation.operation_uuid,
        storages=tuple(left),
        files=tuple(files),
        findings=tuple(findings),
        seconds=round(time.monotonic() - started, 3),
        shifts=tuple(shift for _, _, undone in planned for shift in undone.shifts),
    )


def _note_undo(tools: Tools, record: OperationRecord, operation: Operation, *, dry_run: bool) -> None:
    if not dry_run:
        undone = record.operation
        note(
            tools,
            AuditAction.OPERATION_UNDONE,
            undone.title,
            operation=operation.operation_uuid,
            undone=undone.operation_uuid,
        )


def _title_of_undoing(operation: Operation) -> str:
    """Undoing an undo is a redo, and undoing that an undo again."""
    title = operation.title
    if title.startswith(_UNDO):
        return _REDO + title.removeprefix(_UNDO)
    return _UNDO + title.removeprefix(_REDO)


def _refuse_what_cannot_be(record: OperationRecord) -> None:
    operation = record.operation
    if record.state is OperationState.UNDONE:
        by = record.undone_by
        raise UndoRefusedError(
            f"That is undone already: {operation.title}. Nothing was changed.",
            hint=f"`imalink undo {by}` does it again.",
        )
    if record.state is OperationState.NOT_UNDOABLE and operation.kind in (
        OperationKind.DELETE,
        OperationKind.TRASH_EMPTY,
    ):
        raise UndoRefusedError(
            f"This cannot be undone: {operation.title}. What was removed is gone for good. Nothing was changed.",
            hint="`imalink trash list` shows what can still come back; another storage may have a copy "
            "(`imalink whereis`).",
        )
    if record.state is OperationState.NOT_UNDOABLE:
        raise UndoRefusedError(
            f"This cannot be undone: {operation.title}. Too much was known of one of its files to be written down "
            "before. Nothing was changed.",
            hint="`imalink reindex` brings the indexes in step with the folder as it is.",
        )


def _plan(storage: FileStorage, record: OperationRecord) -> Undone:
    """Work out what has to be written down in one storage. Raises UndoRefusedError when something else came after."""
    wanted = record.operation.operation_uuid
    lines = sorted(_lines_of(storage, wanted), key=lambda line: (line.lamport, line.seq))
    inverses = [line.part.inverse for line in reversed(lines) if line.part is not None]
    if not lines or None in inverses:
        raise UndoRefusedError(
            f"The journal of the storage does not tell how to undo this: {record.operation.title}. "
            "Nothing was changed.",
            hint="`imalink reindex` brings the indexes in step with the folder as it is.",
        )
    runs = {line.part.operation.run_uuid for line in lines if line.part is not None}
    commits = [commit for run in runs if run is not None and (commit := storage.find_commit(run)) is not None]
    steps: list[tuple[Restoration, ...]] = [(_withdrawal(commit),) for commit in commits]
    steps.extend(inverse for inverse in inverses if inverse is not None)
    undoing = Undoing(_open_sessions(storage, steps), master=peek_master(storage), digests=SpelledDigests())
    for step in steps:
        undoing.take_back(step)
    undone = undoing.result()
    if undoing.conflicts or any(_later_runs(storage, lines[-1], undoing.returned)):
        raise _later_changes(storage, record, lines[-1], undoing.conflicts | undoing.returned)
    _refuse_what_is_in_the_way(storage, record, undone)
    return undone


def _refuse_what_is_in_the_way(storage: FileStorage, record: OperationRecord, undone: Undone) -> None:
    """Refuse when a file that was moved is gone, or another stands where it was."""
    for shift in undone.shifts:
        is_there, is_taken = storage.files.exists(shift.source), storage.files.exists(shift.target)
        if is_there and is_taken:
            raise UndoRefusedError(
                f"{shift.target.printable()} would have to come back, and another file stands there. "
                f"So this was not undone: {record.operation.title}. Nothing was changed.",
                hint=f"Move that file away first, or bring this one back beside it: "
                f"imalink trash restore {shift.hothash[:10]}",
            )
        if not is_there and not is_taken:
            raise UndoRefusedError(
                f"{shift.source.printable()} is not there any more. So this was not undone: "
                f"{record.operation.title}. Nothing was changed.",
                hint="`imalink trash list` shows what is still there.",
            )


def _lines_of(storage: FileStorage, wanted: OperationUuid) -> Iterator[JournalLine]:
    for line in storage.journals.iter_operation_lines(wanted):
        if line.part is not None and line.part.operation.operation_uuid == wanted:
            yield line


def _withdrawal(commit: Commit) -> SessionRestored:
    """Give what takes back a run in place that began a session: its pictures are in no session again.

    The session itself stays in the history, empty, as one that was rolled back.
    """
    session, digests = commit.end.session, SpelledDigests()
    empty = SessionIndex(
        session=session, storage_uuid=commit.begin.storage_uuid, storage_directory="", files={}, photos={}
    )
    fold = SessionFold(empty)
    fold.add_commit(commit)
    return SessionRestored(
        session_uuid=session.session_uuid,
        session_number=session.number,
        entries=tuple(
            EarlierEntry(hothash=hothash, was=None, now=digests.of_entry(entry))
            for hothash, entry in fold.files.items()
        ),
        photos=tuple(
            EarlierPhoto(photo_uuid=photo_uuid, was=None, now=digests.of_photo(photo))
            for photo_uuid, photo in fold.photos.items()
        ),
        head=EarlierHead(title=session.title, description=session.description, status=SessionStatus.ROLLED_BACK),
    )


def _open_sessions(storage: FileStorage, steps: Iterable[Iterable[Restoration]]) -> dict[SessionUuid, SessionFold]:
    numbers = {each.session_number for step in steps for each in step if isinstance(each, SessionRestored)}
    folds: dict[SessionUuid, SessionFold] = {}
    for number in sorted(numbers):
        try:
            index = storage.indexes.load_session(number).index
        except (IndexDamagedError, NotFoundError):
            continue  # what is not there is not as the operation left it
        folds[index.session.session_uuid] = SessionFold(index)
    return folds


def _later_changes(
    storage: FileStorage, record: OperationRecord, last: JournalLine, conflicts: Set[Touched]
) -> UndoRefusedError:
    """Say what changed the same files after an operation, and what to undo first."""
    later: dict[OperationUuid, Operation] = {}
    by_run: dict[RunUuid, Operation] = {}
    for line in storage.journals.iter_operation_lines():
        is_later = (line.lamport, line.writer, line.seq) > (last.lamport, last.writer, last.seq)
        if not is_later or line.part is None:
            continue
        operation = line.part.operation
        if operation.run_uuid is not None:
            by_run[operation.run_uuid] = operation
        if not conflicts.isdisjoint(touched_by(line.part.inverse or ())):
            later[operation.operation_uuid] = operation
    imports: dict[SessionUuid, ImportSession] = {}
    for begin in _later_runs(storage, last, conflicts):
        operation = by_run.get(begin.run_uuid)
        if operation is None:
            imports[begin.session.session_uuid] = begin.session
        else:
            later[operation.operation_uuid] = operation
    count = len({what for _, what in conflicts})
    touched = f"{count:,} of the things that this changed were changed again"
    newest = [(f"Import: {each.title}", each.session_uuid[:8]) for each in imports.values()]
    newest.extend((each.title, each.operation_uuid[:8]) for each in reversed(later.values()))
    if not newest:
        return UndoRefusedError(
            f"{touched} since: {record.operation.title}. Nothing was changed.",
            hint="An import or another program did that; `imalink reindex` goes by the folder as it is.",
        )
    named = "; ".join(f"{title} ({uuid})" for title, uuid in newest[:_NAMED])
    rest = f"; and {len(newest) - _NAMED} more" if len(newest) > _NAMED else ""
    hint = f"Undo those first: imalink undo {newest[0][1]}"
    if imports:
        number = next(iter(imports.values())).number
        hint = f"An import cannot be undone; `imalink sessions show {number}` lists what came in."
    return UndoRefusedError(f"{touched} by later operations: {named}{rest}. Nothing was changed.", hint=hint)


def _later_runs(storage: FileStorage, last: JournalLine, conflicts: Set[Touched]) -> Iterator[RunBegin]:
    """Give the runs after an operation that brought in what is in its way."""
    if not conflicts:
        return
    for run_uuid in storage.committed_runs():
        commit = storage.find_commit(run_uuid)
        if commit is not None and commit.begin.lamport >= last.lamport:
            session_uuid = commit.begin.session.session_uuid
            if not conflicts.isdisjoint((session_uuid, plan.entry.hothash) for plan in commit.plans):
                yield commit.begin


def _restored(record: StorageRecord, entries: Iterable[TakenBack]) -> Iterator[RestoredFile]:
    for entry in entries:
        yield RestoredFile(
            storage_uuid=record.storage_uuid,
            hothash=entry.hothash,
            path_now=None if entry.now is None else entry.now.relative_path,
            path_then=None if entry.then is None else entry.then.relative_path,
        )
