"""Bring back what was deleted: its files out of the trash, and all that was known of it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from imalink.catalog.file_storages import StorageRecord
from imalink.core.audit import AuditAction
from imalink.core.finding import Finding
from imalink.core.ids import Hothash, OperationUuid
from imalink.core.index import Companion, FileCopy, FileEntry, FileStatus
from imalink.core.journal import FileUntrashed, Observation
from imalink.core.operation import EarlierEntry, EntryPlace, FileShift, OperationKind, SessionRestored
from imalink.core.organization import companion_target
from imalink.core.relative_path import RelativePath
from imalink.core.timestamps import format_instant
from imalink.errors import IndexDamagedError, InvalidPathError, NotFoundError, StorageError
from imalink.media.kinds import companion_kind, is_companion_name
from imalink.storage.file_storage import FileStorage
from imalink.workflows.look_at_trash import TrashFile, TrashItem, TrashKind, TrashLook, reachable_storages
from imalink.workflows.mend_indexes import mend_indexes
from imalink.workflows.move_files import write_down_and_move
from imalink.workflows.new_operation import new_operation
from imalink.workflows.storage_access import open_storage
from imalink.workflows.target_names import TargetNames
from imalink.workflows.tools import Tools
from imalink.workflows.write_audit import note

MIN_PREFIX = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoredItem:
    """A picture that came back, or would; ``paths`` are where its files stand then."""

    item: TrashItem
    paths: tuple[RelativePath, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreReport:
    """What came back from the trash, or would, and what did not, with why.

    ``has_trouble`` says that of ``left_storages`` one was in reach and could not be worked on.
    """

    dry_run: bool
    operation_uuid: OperationUuid | None
    restored: tuple[RestoredItem, ...]
    left: tuple[tuple[TrashItem, str], ...]
    left_storages: tuple[tuple[StorageRecord, str], ...]
    has_trouble: bool
    findings: tuple[Finding, ...]
    seconds: float


@dataclass(slots=True)
class _Planned:
    item: TrashItem
    observation: Observation
    paths: tuple[RelativePath, ...]


class _StaysError(Exception):
    """Something cannot come back; why stands in its message."""


def restore_from_trash(
    tools: Tools, texts: Sequence[str], *, storage: str | None = None, dry_run: bool = False
) -> RestoreReport:
    """Bring back what ``texts`` name: hothashes, operations (or the beginning of either), or paths as `trash list` has.

    Each file goes where it stood, or beside it under a free name. Facts, ratings and tags are as they were. Files of
    which nothing is known stay. An operation that ``undo`` takes back. Raises NotFoundError when nothing is meant,
    AmbiguousError, StorageError.
    """
    started = time.monotonic()
    operation = new_operation(tools, OperationKind.TRASH_RESTORE, f"Brought back from the trash: {', '.join(texts)}")
    restored: list[RestoredItem] = []
    left: list[tuple[TrashItem, str]] = []
    findings: list[Finding] = []
    records, left_storages = reachable_storages(tools, storage)
    is_recorded = False
    troubles: list[StorageError] = []
    for record in records:
        try:
            with ExitStack() as stack:
                opened = stack.enter_context(open_storage(tools, record))
                if not dry_run:
                    # Nothing is written where nothing is meant.
                    if not _meant(TrashLook(tools, record, opened).items(), texts):
                        continue
                    stack.enter_context(opened.lock("restore"))
                    findings.extend(mend_indexes(tools, record, opened).findings)
                planner = _Planner(tools, opened)
                planned = list(planner.plan(_meant(TrashLook(tools, record, opened).items(), texts)))
                left.extend(planner.left)
                refused: dict[Hothash, str] = {}
                if not dry_run and planned:
                    is_recorded = True
                    observations = [each.observation for each in planned]
                    moved = write_down_and_move(tools, record, opened, operation, observations)
                    findings.extend(moved.findings)
                    refused = {each.hothash: each.why for each in moved.refused}
                for each in planned:
                    if each.item.hothash is not None and each.item.hothash in refused:
                        left.append((each.item, refused[each.item.hothash]))
                    else:
                        restored.append(RestoredItem(item=each.item, paths=each.paths))
        except StorageError as error:  # what came back elsewhere is told all the same
            troubles.append(error)
            left_storages.append((record, error.message))
    if troubles and not restored and not left:
        raise troubles[0]
    if not restored and not left:
        raise NotFoundError(
            f"Nothing in the trash is called {' or '.join(texts)}. Nothing was changed.",
            hint="`imalink trash list` shows what is there. A storage that is unplugged is not looked into.",
        )
    if restored and not dry_run:
        operation_uuid = operation.operation_uuid if is_recorded else None
        note(tools, AuditAction.PHOTOS_RESTORED, f"{len(restored)} from the trash", operation=operation_uuid)
    return RestoreReport(
        dry_run=dry_run,
        operation_uuid=operation.operation_uuid if is_recorded else None,
        restored=tuple(restored),
        left=tuple(left),
        left_storages=tuple(left_storages),
        has_trouble=bool(troubles),
        findings=tuple(findings),
        seconds=round(time.monotonic() - started, 3),
    )


def _meant(items: Iterable[TrashItem], texts: Sequence[str]) -> list[TrashItem]:
    return [item for item in items if any(_is_meant(item, text) for text in texts)]


def _is_meant(item: TrashItem, text: str) -> bool:
    if any(text in (file.path, file.kept, file.path.printable(), file.kept.printable()) for file in item.files):
        return True
    wanted = text.strip().lower()
    if len(wanted) < MIN_PREFIX:
        return False
    return (item.hothash or "").startswith(wanted) or item.operation.startswith(wanted)


class _Planner:
    """Finds the places to which files come back; collects what cannot come back in ``left``."""

    def __init__(self, tools: Tools, storage: FileStorage) -> None:
        self._now = format_instant(tools.clock.now())
        self._storage = storage
        self._names = TargetNames(storage)
        self.left: list[tuple[TrashItem, str]] = []

    def plan(self, items: Iterable[TrashItem]) -> Iterator[_Planned]:
        """Give what is to be written down for each."""
        for item in items:
            try:
                yield self._plan_one(item)
            except _StaysError as error:
                self.left.append((item, str(error)))

    def _plan_one(self, item: TrashItem) -> _Planned:
        if item.kind is TrashKind.UNKNOWN:
            raise _StaysError("Nothing is known of it; move it yourself, and re-index.")
        if item.kind in (TrashKind.REPLACED, TrashKind.RETURNED):
            return self._beside(item)
        assert item.hothash is not None
        assert item.session_uuid is not None
        assert item.session_number is not None
        if item.kind is TrashKind.MARKED:
            paths = tuple(file.path for file in item.files)
            shifts: tuple[FileShift, ...] = ()
        else:
            shifts = tuple(self._back(item.hothash, item.present_files))
            if not any(not is_companion_name(shift.source.name) for shift in shifts):
                raise _StaysError("Its files are not in the trash any more.")
            paths = tuple(shift.target for shift in shifts)
        observation = FileUntrashed(
            hothash=item.hothash, session_uuid=item.session_uuid, session_number=item.session_number, shifts=shifts
        )
        return _Planned(item=item, observation=observation, paths=paths)

    def _back(self, hothash: Hothash, files: Sequence[TrashFile]) -> Iterator[FileShift]:
        """Give each file its place, or one beside it; what goes with a picture follows the picture's name."""
        pictures = {file.path: self._names.give(file.path) for file in files if not is_companion_name(file.path.name)}
        main = next(iter(pictures), None)
        for file in files:
            target = pictures.get(file.path)
            if target is None:
                wanted = file.path
                if main is not None and pictures[main] != main and wanted.parent == main.parent:
                    try:
                        wanted = companion_target(file.path, main, pictures[main])
                    except InvalidPathError:
                        wanted = file.path
                target = self._names.give(wanted)
            yield FileShift(hothash=hothash, source=file.kept, target=target, sha256=file.sha256)

    def _beside(self, item: TrashItem) -> _Planned:
        """Let a file whose picture is known by another be a further copy of it."""
        [file] = item.files
        hothash = item.hothash
        assert hothash is not None
        entry, session = self._known(hothash, item)
        target = self._names.give(file.path)
        shift = FileShift(hothash=hothash, source=file.kept, target=target, sha256=file.sha256)
        facts = self._storage.files.get_facts(file.kept)
        if is_companion_name(file.path.name):
            companion = Companion(
                relative_path=target,
                sha256=file.sha256,
                size_bytes=facts.size_bytes,
                modified_ns=facts.modified_ns,
                kind=companion_kind(file.path.name),
            )
            place = EntryPlace(companions=(*entry.companions, companion))
        else:
            copy = FileCopy(
                relative_path=target,
                size_bytes=facts.size_bytes,
                sha256=file.sha256,
                modified_ns=facts.modified_ns,
                session_number=session[1],
                session_uuid=session[0].session_uuid,
                imported_at=self._now,
                status=FileStatus.PRESENT,
            )
            place = EntryPlace(copies=(*entry.copies, copy))
        restored = replace(session[0], entries=(EarlierEntry(hothash=hothash, was=place),), shifts=(shift,))
        return _Planned(item=item, observation=restored, paths=(target,))

    def _known(self, hothash: Hothash, item: TrashItem) -> tuple[FileEntry, tuple[SessionRestored, int]]:
        """Give the entry that knows the picture now, of the session that the file came with if it can be."""
        master = self._storage.indexes.load_master().index.files.get(hothash)
        numbers = [] if master is None else [place.session_number for place in master.places()]
        for number in sorted(numbers, key=lambda each: each != item.session_number):
            try:
                index = self._storage.indexes.load_session(number).index
            except (IndexDamagedError, NotFoundError):
                continue
            entry = index.files.get(hothash)
            if entry is not None:
                whole = SessionRestored(session_uuid=index.session.session_uuid, session_number=number)
                return entry, (whole, number)
        raise _StaysError(
            "Its picture is not known here any more; copy the file into the photos yourself, and re-index."
        )
