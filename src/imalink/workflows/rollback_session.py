"""Take an import back: what it brought goes to the trash, what the user added or changed stays."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace

from imalink.catalog import import_sessions
from imalink.catalog.file_storages import StorageRecord
from imalink.catalog.import_sessions import SessionRecord
from imalink.core.audit import AuditAction
from imalink.core.finding import Finding
from imalink.core.fold import SessionFold
from imalink.core.ids import Hothash, OperationUuid, Sha256
from imalink.core.index import DeletionMode, FileEntry, MasterIndex, SessionIndex
from imalink.core.journal import Commit, FileMoved
from imalink.core.operation import EarlierHead, OperationKind, SessionRestored
from imalink.core.progress import Progress, SilentProgress
from imalink.core.relative_path import RelativePath
from imalink.core.session import SessionStatus
from imalink.errors import IndexDamagedError, NotFoundError, StorageError, WrongStateError
from imalink.storage.file_storage import FileStorage
from imalink.workflows.delete_photos import BY_USER
from imalink.workflows.follow_moves import find_moves, follow_moves
from imalink.workflows.mend_indexes import mend_indexes, peek_master
from imalink.workflows.move_files import write_down_and_move
from imalink.workflows.new_operation import new_operation
from imalink.workflows.plan_deletion import DeletionPlan, DeletionPlanner
from imalink.workflows.session_key import session_key
from imalink.workflows.storage_access import get_storage, open_storage
from imalink.workflows.tools import Tools
from imalink.workflows.write_audit import note


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBackFile:
    """A file that the import brought and that went, or would; ``kept`` is where in the trash it is.

    One that ``is_in_place`` stays where it stands: the import had only indexed it there, and it is known no more.
    """

    storage: StorageRecord
    hothash: Hothash
    path: RelativePath
    kept: RelativePath | None
    is_in_place: bool
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StayingFile:
    """A file that stays, and why."""

    storage: StorageRecord
    path: RelativePath
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RollbackReport:
    """What was taken back, or would be, and what stays."""

    session: SessionRecord
    dry_run: bool
    operation_uuid: OperationUuid | None
    files: tuple[RolledBackFile, ...]
    staying: tuple[StayingFile, ...]
    left_storages: tuple[tuple[StorageRecord, str], ...]
    findings: tuple[Finding, ...]
    seconds: float


def rollback_session(
    tools: Tools, text: str, *, dry_run: bool = False, progress: Progress | None = None
) -> RollbackReport:
    """Take back what the imports of a session, by its number or UUID, brought into the storages that can be reached.

    Files that it placed and that hold the bytes it brought go to the trash, wherever the user moved them. What was only
    indexed in place stays, and is in no session then. The user's own and changed files stay and are named, and so do
    files that other sessions have too; folders stay. The session stays in the history as rolled back; a later import
    brings the same pictures in again. An operation that ``undo`` takes back. Raises NotFoundError, UsageError when
    there is nothing to take back, StorageError when no storage of it can be reached.
    """
    started = time.monotonic()
    progress = progress or SilentProgress()
    key = session_key(text)
    with tools.catalog.read() as db:
        known = import_sessions.get_session(db, key)
    storages = {place.storage_uuid for place in known.places}
    if known.storage_uuid is not None:
        storages.add(known.storage_uuid)
    work = _RollingBack(tools, known, progress, dry_run=dry_run)
    troubles: list[StorageError] = []
    left: list[tuple[StorageRecord, str]] = []
    for storage_uuid in sorted(storages):
        record = get_storage(tools, storage_uuid)
        try:
            work.roll_back_in(record)
        except StorageError as error:
            troubles.append(error)
            left.append((record, error.message))
    if troubles and not work.has_done:
        raise troubles[0]
    if not work.has_done:
        is_done = known.session.status is SessionStatus.ROLLED_BACK
        raise WrongStateError(
            f"Session {known.session.number} {'is rolled back already' if is_done else 'has brought nothing in'}. "
            "Nothing was changed."
        )
    if not dry_run:
        session, operation = known.session, work.operation.operation_uuid
        title = f"session {session.number}: {session.title}"
        note(tools, AuditAction.SESSION_ROLLED_BACK, title, operation=operation, files=len(work.files))
    with suppress(NotFoundError), tools.catalog.read() as db:
        known = import_sessions.get_session(db, known.session.session_uuid)
    return RollbackReport(
        session=known,
        dry_run=dry_run,
        operation_uuid=None if dry_run else work.operation.operation_uuid,
        files=tuple(work.files),
        staying=tuple(work.staying),
        left_storages=tuple(left),
        findings=tuple(work.findings),
        seconds=round(time.monotonic() - started, 3),
    )


@dataclass(slots=True)
class _Brought:
    """What the runs of a session brought into one storage: of which bytes to which places, and which in place."""

    pictures: dict[tuple[Hothash, Sha256], set[RelativePath]] = field(
        default_factory=dict[tuple[Hothash, Sha256], set[RelativePath]]
    )
    companions: set[Sha256] = field(default_factory=set[Sha256])
    in_place: set[Hothash] = field(default_factory=set[Hothash])
    paths: set[RelativePath] = field(default_factory=set[RelativePath])
    replaced: list[RelativePath] = field(default_factory=list[RelativePath])

    def add(self, commit: Commit) -> None:
        """Count what one run brought."""
        for plan in commit.plans:
            entry = plan.entry
            self.pictures.setdefault((entry.hothash, entry.sha256), set()).add(entry.relative_path)
            self.companions.update(companion.sha256 for companion in entry.companions)
            self.paths.add(entry.relative_path)
            if plan.is_in_place:
                self.in_place.add(entry.hothash)
        for replacement in commit.replacements:
            self.replaced.extend(swap.path for swap in replacement.swaps)


class _RollingBack:
    """One rollback over the storages of a session: one operation."""

    def __init__(self, tools: Tools, known: SessionRecord, progress: Progress, *, dry_run: bool) -> None:
        self._tools = tools
        self._known = known
        self._progress = progress
        self._dry_run = dry_run
        session = known.session
        self.operation = new_operation(
            tools, OperationKind.ROLLBACK, f"Rollback of session {session.number}: {session.title}"
        )
        self.has_done = False
        self.files: list[RolledBackFile] = []
        self.staying: list[StayingFile] = []
        self.findings: list[Finding] = []

    def roll_back_in(self, record: StorageRecord) -> None:
        """Take back what came into one storage. Raises StorageError."""
        if not self._dry_run:
            follow_moves(self._tools, record, self._progress)
        with ExitStack() as stack:
            storage = stack.enter_context(open_storage(self._tools, record))
            if self._dry_run:
                master = peek_master(storage)
            else:
                stack.enter_context(storage.lock("rollback"))
                mended = mend_indexes(self._tools, record, storage)
                self.findings.extend(mended.findings)
                master = mended.master
            index = self._index(record, storage)
            if index is None:
                return
            brought = _brought_by(storage, index)
            if index.session.status is SessionStatus.ROLLED_BACK and not index.files:
                return
            self.has_done = True
            plan, entries = self._plan(record, storage, master, index, brought)
            refused: dict[Hothash, str] = {}
            if not self._dry_run:
                head = EarlierHead(
                    title=index.session.title, description=index.session.description, status=SessionStatus.ROLLED_BACK
                )
                ended = SessionRestored(
                    session_uuid=index.session.session_uuid, session_number=index.session.number, head=head
                )
                observations = [*plan.observations, ended]
                moved = write_down_and_move(self._tools, record, storage, self.operation, observations, seen=plan.seen)
                self.findings.extend(moved.findings)
                refused = {each.hothash: each.why for each in moved.refused}
                self.staying.extend(StayingFile(storage=record, path=each.path, why=each.why) for each in moved.refused)
            self._report(record, storage, master, plan, entries, refused, brought)

    def _index(self, record: StorageRecord, storage: FileStorage) -> SessionIndex | None:
        """Give the session's index in a storage, as it is now; None where it has none."""
        for number in storage.indexes.list_sessions():
            try:
                index = storage.indexes.load_session(number).index
            except (IndexDamagedError, NotFoundError):
                continue
            if index.session.session_uuid == self._known.session.session_uuid:
                return self._as_moved(record, index) if self._dry_run else index
        return None

    def _as_moved(self, record: StorageRecord, index: SessionIndex) -> SessionIndex:
        """Give an index as a re-index would leave it: files that were moved are found by their pictures."""
        moves = find_moves(self._tools, record, self._progress)
        if not moves:
            return index
        fold = SessionFold(index)
        for move in moves:
            entry = index.files.get(move.hothash)
            if entry is not None:
                fold.observe(
                    FileMoved(
                        hothash=move.hothash,
                        old_path=move.old_path,
                        new_path=move.new_path,
                        modified_ns=entry.modified_ns,
                        verified="hash",
                    )
                )
        return replace(index, files=fold.files)

    def _plan(
        self,
        record: StorageRecord,
        storage: FileStorage,
        master: MasterIndex,
        index: SessionIndex,
        brought: _Brought,
    ) -> tuple[DeletionPlan, dict[Hothash, FileEntry]]:
        leaves: set[RelativePath] = set()
        going: list[FileEntry] = []
        # So many files of these bytes were brought; where they stand now is the user's business.
        budget = Counter({key: len(paths) for key, paths in brought.pictures.items()})
        for hothash in sorted(index.files):
            entry = index.files[hothash]
            if not budget[hothash, entry.sha256]:
                self._stay(record, entry.relative_path, "You changed it since, or added it.")
                continue
            going.append(entry)
            budget[hothash, entry.sha256] -= 1
            if hothash in brought.in_place:
                leaves.update(file.relative_path for file in (entry, *entry.copies, *entry.companions))
                continue
            leaves.update(self._staying_with(record, master, index, entry, budget, brought))
        planner = DeletionPlanner(
            self._tools,
            storage,
            master,
            operation_uuid=self.operation.operation_uuid,
            mode=DeletionMode.ROLLBACK,
            by=BY_USER,
            reason="",
            progress=self._progress,
        )
        plan = planner.plan_session(index, going, leaves=leaves)
        for each in plan.left:
            self._stay(record, each.path, each.why)
        return plan, {entry.hothash: entry for entry in going}

    def _staying_with(
        self,
        record: StorageRecord,
        master: MasterIndex,
        index: SessionIndex,
        entry: FileEntry,
        budget: Counter[tuple[Hothash, Sha256]],
        brought: _Brought,
    ) -> Iterator[RelativePath]:
        """Give the files of a picture that stay where they are: the user's, and those that other sessions have too."""
        known = master.files.get(entry.hothash)
        elsewhere = {
            place.relative_path
            for place in (known.places() if known is not None else ())
            if place.session_uuid != index.session.session_uuid
        }
        if entry.relative_path in elsewhere:
            self._stay(record, entry.relative_path, "Another session has it too.")
            yield entry.relative_path
        # Of several copies those that stand where the import put them are the import's.
        for copy in sorted(
            entry.copies, key=lambda each: (each.relative_path not in brought.paths, each.relative_path)
        ):
            if copy.relative_path in elsewhere:
                self._stay(record, copy.relative_path, "Another session has it too.")
                yield copy.relative_path
            elif budget[entry.hothash, copy.sha256]:
                budget[entry.hothash, copy.sha256] -= 1
            else:
                self._stay(record, copy.relative_path, "It is a copy that you made.")
                yield copy.relative_path
        for companion in entry.companions:
            if companion.sha256 not in brought.companions:
                self._stay(record, companion.relative_path, "You changed it since, or added it.")
                yield companion.relative_path

    def _report(
        self,
        record: StorageRecord,
        storage: FileStorage,
        master: MasterIndex,
        plan: DeletionPlan,
        entries: dict[Hothash, FileEntry],
        refused: dict[Hothash, str],
        brought: _Brought,
    ) -> None:
        gone: set[RelativePath] = set()
        for deletion in plan.deletions:
            if deletion.entry.hothash in refused:
                continue
            kept = {shift.source: shift.target for shift in deletion.observation.shifts}
            is_in_place = deletion.entry.hothash in brought.in_place
            for file in deletion.files:
                if file.path in kept or is_in_place:
                    gone.add(file.path)
                    self.files.append(
                        RolledBackFile(
                            storage=record,
                            hothash=deletion.entry.hothash,
                            path=file.path,
                            kept=None if self._dry_run else kept.get(file.path),
                            is_in_place=is_in_place,
                            size_bytes=file.size_bytes,
                        )
                    )
        for path in brought.replaced:
            self._stay(record, path, "It took the place of an older file, which the trash keeps: imalink trash list.")
        self._note_others(record, storage, master, gone)

    def _note_others(
        self, record: StorageRecord, storage: FileStorage, master: MasterIndex, gone: set[RelativePath]
    ) -> None:
        """Name what else stands in the folders of the files that go, and belongs to nothing that is known."""
        named = {each.path for each in self.staying if each.storage == record} | gone
        known = {place.relative_path for entry in master.files.values() for place in entry.places()}
        known |= {companion.relative_path for entry in master.files.values() for companion in entry.companions}
        folders = {folder for path in gone if (folder := path.parent) is not None and folder != storage.photo_root}
        for folder in sorted(folders):
            with suppress(NotFoundError):
                for name in storage.pictures.list_names(folder):
                    path = RelativePath(f"{folder}/{name}")
                    facts = storage.pictures.find_facts(path)
                    if path not in named and path not in known and facts is not None and facts.is_file:
                        self._stay(record, path, "It is not of this import.")

    def _stay(self, record: StorageRecord, path: RelativePath, why: str) -> None:
        self.staying.append(StayingFile(storage=record, path=path, why=why))


def _brought_by(storage: FileStorage, index: SessionIndex) -> _Brought:
    brought = _Brought()
    for run_uuid in sorted(index.sources.runs):
        commit = storage.find_commit(run_uuid)
        if commit is not None and commit.begin.session.session_uuid == index.session.session_uuid:
            brought.add(commit)
    return brought
