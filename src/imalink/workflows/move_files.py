"""Moving files because the journal says so: into the trash, out of it, and back when that is undone.

First the journal line, which is the fact; then the move. Whatever stops it in between, whoever works on the storage
next finishes it. A file that cannot be moved stays where it is, and the index says so again. Order and reasons:
docs/format/durability.md, "Deleting and bringing back".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from imalink.catalog.file_storages import StorageRecord
from imalink.core.finding import Finding
from imalink.core.ids import Hothash, OperationUuid, SessionUuid
from imalink.core.index import SessionIndex, Tombstone
from imalink.core.journal import FileTrashed, FileUntrashed, JournalLine, Observation
from imalink.core.operation import FileShift, Operation, SessionRestored
from imalink.core.relative_path import RelativePath
from imalink.core.shifts import net_shifts, reversed_shifts, shifts_of
from imalink.durable_files import OtherDeviceError
from imalink.errors import (
    IndexDamagedError,
    InvalidPathError,
    NameTakenError,
    NotFoundError,
    StorageIoError,
    StorageReadOnlyError,
    UnsafePathError,
)
from imalink.storage.file_storage import FileStorage
from imalink.storage.reading import FileFacts
from imalink.storage.trash import is_trash_path
from imalink.workflows.storage_access import fold_notes, project_fold, write_down
from imalink.workflows.tools import Tools
from imalink.workflows.verified_copy import holds_bytes

_REFUSALS = (
    InvalidPathError,
    NameTakenError,
    NotFoundError,
    OtherDeviceError,
    StorageIoError,
    StorageReadOnlyError,
    UnsafePathError,
)
"""What is wrong with one file, or may be; that the whole storage is in trouble shows when that is written down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotMoved:
    """A picture whose files stand where they stood, and why."""

    hothash: Hothash
    path: RelativePath
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What became of an operation's files."""

    refused: tuple[NotMoved, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(slots=True)
class _Group:
    """The files of one picture in one session: they move together or not at all."""

    session_uuid: SessionUuid
    session_number: int
    hothash: Hothash
    shifts: list[FileShift] = field(default_factory=list[FileShift])


def write_down_and_move(
    tools: Tools,
    record: StorageRecord,
    storage: FileStorage,
    operation: Operation,
    observations: Sequence[Observation],
    *,
    seen: Mapping[RelativePath, FileFacts] | None = None,
) -> Moved:
    """Record an operation, move the files that its observations name, and bring indexes and catalog in step.

    ``seen`` are files whose bytes were read just now: they are moved if they are as they were then, any other if it
    holds the bytes that were said. The caller holds the lock, and the indexes are up to date. Raises StorageError: then
    what was written down is finished when the storage is next worked on.
    """
    if not any(shifts_of(observation) for observation in observations):
        if not observations:
            return Moved()
        storage.append_operation(tools.writer, operation, observations)
        return Moved(findings=_fold(tools, record, storage))
    storage.trash.begin_moves(operation.operation_uuid)
    storage.append_operation(tools.writer, operation, observations)
    return _finish(tools, record, storage, operation.operation_uuid, seen or {})


def finish_moves(tools: Tools, record: StorageRecord, storage: FileStorage) -> list[Finding]:
    """Finish what operations had begun to move when they were interrupted. The caller holds the lock."""
    findings: list[Finding] = []
    if not storage.has_pictures:
        return findings
    for operation_uuid in storage.trash.unfinished_moves():
        moved = _finish(tools, record, storage, operation_uuid, None)
        findings.extend(moved.findings)
        findings.extend(
            Finding(code="left-in-place", path=each.path.printable(), facts={"why": each.why}) for each in moved.refused
        )
    return findings


def _finish(
    tools: Tools,
    record: StorageRecord,
    storage: FileStorage,
    operation_uuid: OperationUuid,
    seen: Mapping[RelativePath, FileFacts] | None,
) -> Moved:
    """Move what the journal says; ``seen`` None: an interrupted operation is finished."""
    lines = [
        line
        for line in storage.journals.iter_operation_lines(operation_uuid)
        if line.part is not None and line.part.operation.operation_uuid == operation_uuid
    ]
    lines.sort(key=lambda line: (line.lamport, line.seq))
    mover = _Mover(tools, storage, seen)
    for group in _groups(observation for line in lines for observation in line.observations):
        mover.move(group)
    mover.sync()
    findings: list[Finding] = []
    if lines:
        findings.extend(_fold(tools, record, storage))
    if mover.refused and lines[0].part is not None:
        back = list(_taking_back(storage, lines, mover.refused))
        write_down(tools, record, storage, back, operation=lines[0].part.operation)
    storage.trash.end_moves(operation_uuid)
    return Moved(refused=tuple(why for _, why in mover.refused), findings=tuple(findings))


def _fold(tools: Tools, record: StorageRecord, storage: FileStorage) -> tuple[Finding, ...]:
    result = storage.fold(fold_notes(storage, record))
    return (*result.findings, *project_fold(tools, record, result))


def _groups(observations: Iterable[Observation]) -> Iterator[_Group]:
    groups: dict[tuple[SessionUuid, Hothash], _Group] = {}
    for observation in observations:
        if not isinstance(observation, FileTrashed | FileUntrashed | SessionRestored):
            continue
        # What a move that was refused said afterwards is that the files stand where they stood.
        if isinstance(observation, FileTrashed | FileUntrashed) and observation.are_shifted:
            groups.pop((observation.session_uuid, observation.hothash), None)
        for shift in shifts_of(observation):
            key = observation.session_uuid, shift.hothash
            number = observation.session_number
            groups.setdefault(key, _Group(key[0], number, shift.hothash)).shifts.append(shift)
    yield from groups.values()


class _Mover:
    """Moves the files of pictures, each picture's together, and remembers what could not be."""

    def __init__(self, tools: Tools, storage: FileStorage, seen: Mapping[RelativePath, FileFacts] | None) -> None:
        self._tools = tools
        self._storage = storage
        self._files = storage.files
        self._seen = seen or {}
        self._is_finishing = seen is None
        self._touched: set[RelativePath | None] = set()
        self._left: list[RelativePath] = []
        self.refused: list[tuple[_Group, NotMoved]] = []

    def move(self, group: _Group) -> None:
        """Move the files of one picture; those already moved go back when one of them cannot be."""
        done: list[FileShift] = []
        for shift in net_shifts(group.shifts):
            try:
                self._move_one(shift)
                done.append(shift)
            except _REFUSALS as error:
                for back in reversed_shifts(done):
                    self._move_one(back)
                why = NotMoved(hothash=group.hothash, path=shift.source, why=error.message)
                self.refused.append((group, why))
                return

    def sync(self) -> None:
        """Make the new names durable; then folders of the trash that are empty now may go."""
        for folder in sorted(self._touched, key=lambda each: each or ""):
            with suppress(NotFoundError):  # a folder of the trash that went before the operation was interrupted
                self._files.sync_directory(folder)
        for path in self._left:
            self._storage.trash.tidy(path)

    def _move_one(self, shift: FileShift) -> None:
        """Let a file stand at its new place, unless it does already."""
        self._refuse_elsewhere(shift)
        source = self._files.find_facts(shift.source)
        if source is None:
            if self._holds(shift.target, shift):
                self._note(shift)
                return
            raise NotFoundError(f"{shift.source.printable()} is not there.", hint="Run `imalink reindex`.")
        if self._seen.get(shift.source) != source and not self._holds(shift.source, shift):
            raise NotFoundError(f"{shift.source.printable()} has other bytes now.", hint="Run `imalink reindex`.")
        if shift.target.parent is not None:
            self._files.make_directories(shift.target.parent)
        # In the trash a name is the operation's own. Elsewhere an empty file may be the user's; but where an operation
        # was interrupted it is what held the name, which was free when that was written down.
        is_own_claim = self._is_finishing or is_trash_path(shift.target)
        self._files.move(shift.source, shift.target, is_own_claim=is_own_claim)
        self._note(shift)

    def _note(self, shift: FileShift) -> None:
        self._touched |= {shift.source.parent, shift.target.parent}
        if is_trash_path(shift.source):
            self._left.append(shift.source)

    def _refuse_elsewhere(self, shift: FileShift) -> None:
        """Refuse what no operation of ours writes: a journal may come from a stranger's disk."""
        inside, outside = (shift.source, shift.target) if is_trash_path(shift.source) else (shift.target, shift.source)
        if not is_trash_path(inside) or outside.is_ours(self._storage.layout.own_names):
            raise UnsafePathError(f"{shift.source.printable()} may not be moved to {shift.target.printable()}.")

    def _holds(self, path: RelativePath, shift: FileShift) -> bool:
        return holds_bytes(self._files, path, shift.sha256, analyser=self._tools.analyser)


def _taking_back(
    storage: FileStorage, lines: Sequence[JournalLine], refused: Iterable[tuple[_Group, NotMoved]]
) -> Iterator[Observation]:
    """Say of pictures that could not be moved what was said before; the indexes contain the operation."""
    for group, _ in refused:
        try:
            index = storage.indexes.load_session(group.session_number).index
        except (IndexDamagedError, NotFoundError):
            continue  # it is made again from journals that say what is not so; a re-index finds the file
        back = reversed_shifts(group.shifts)
        if group.hothash in index.files:
            yield from _deleted_again(index, group, _tombstone_before(lines, group), back)
        else:
            yield FileUntrashed(
                hothash=group.hothash,
                session_uuid=group.session_uuid,
                session_number=group.session_number,
                shifts=back,
                are_shifted=True,
            )


def _deleted_again(
    index: SessionIndex, group: _Group, tombstone: Tombstone | None, back: Sequence[FileShift]
) -> Iterator[FileTrashed]:
    if tombstone is None or tombstone.operation_uuid is None:
        return
    yield FileTrashed(
        hothash=group.hothash,
        session_uuid=index.session.session_uuid,
        session_number=group.session_number,
        operation_uuid=tombstone.operation_uuid,
        deleted_at=tombstone.deleted_at,
        by=tombstone.by,
        mode=tombstone.mode,
        reason=tombstone.reason,
        shifts=tuple(back),
        are_shifted=True,
    )


def _tombstone_before(lines: Iterable[JournalLine], group: _Group) -> Tombstone | None:
    """Give the tombstone that stood before an operation brought its picture back."""
    for line in lines:
        for restored in (line.part.inverse if line.part is not None else None) or ():
            if isinstance(restored, SessionRestored) and restored.session_uuid == group.session_uuid:
                for earlier in restored.tombstones:
                    if earlier.hothash == group.hothash and earlier.was is not None:
                        return earlier.was
    return None
