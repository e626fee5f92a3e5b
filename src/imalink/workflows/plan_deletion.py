"""Planning what deleting pictures does in one storage: which files go, whether they are what the index knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace

from imalink.core.ids import Hothash, OperationUuid, Sha256
from imalink.core.index import Companion, DeletionMode, FileEntry, FileStatus, MasterIndex, SessionIndex
from imalink.core.journal import CompanionsChanged, FileTrashed, Observation
from imalink.core.operation import FileShift
from imalink.core.progress import Progress
from imalink.core.relative_path import RelativePath
from imalink.core.timestamps import format_instant
from imalink.durable_files import storage_errors
from imalink.errors import IndexDamagedError, InvalidPathError, NotFoundError, StorageError
from imalink.formats.journal_file import spelled_bytes
from imalink.formats.json_lines import MAX_LINE_BYTES
from imalink.storage.file_storage import FileStorage
from imalink.storage.reading import FileFacts
from imalink.storage.trash import trash_path
from imalink.workflows.tools import Tools

REINDEX_FIRST = "run `imalink reindex` first"


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingFile:
    """A file of a picture that stands where the index says; not ``is_picture`` is what goes with one."""

    path: RelativePath
    size_bytes: int
    is_picture: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedDeletion:
    """A picture that leaves its session, with the files that go with it."""

    entry: FileEntry
    observation: FileTrashed
    files: tuple[StandingFile, ...]
    companions: tuple[Companion, ...]

    @property
    def observations(self) -> Iterator[Observation]:
        """What is to be written down: that sidecars changed first, so that the trash is known as it is."""
        if self.companions != self.entry.companions:
            yield CompanionsChanged(
                hothash=self.entry.hothash, path=self.entry.relative_path, companions=self.companions
            )
        yield self.observation


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A picture, or a file of one, that stays, and why."""

    hothash: Hothash
    path: RelativePath
    why: str


@dataclass(slots=True)
class DeletionPlan:
    """What is to be done in one storage; ``seen`` are the files as they were when their bytes were read."""

    deletions: list[PlannedDeletion] = field(default_factory=list[PlannedDeletion])
    left: list[LeftOut] = field(default_factory=list[LeftOut])
    seen: dict[RelativePath, FileFacts] = field(default_factory=dict[RelativePath, FileFacts])

    @property
    def observations(self) -> list[Observation]:
        """What is to be written down."""
        return [observation for deletion in self.deletions for observation in deletion.observations]

    @property
    def pictures(self) -> set[tuple[int, Hothash]]:
        """The pictures that go, each with the number of its session."""
        return {(each.observation.session_number, each.entry.hothash) for each in self.deletions}


class _LeaveError(Exception):
    """A picture stays as it is; why stands in its message."""

    def __init__(self, path: RelativePath, why: str) -> None:
        super().__init__(why)
        self.path = path


class DeletionPlanner:
    """Plans the deletion of pictures in one storage, having read every file that would go."""

    def __init__(
        self,
        tools: Tools,
        storage: FileStorage,
        master: MasterIndex,
        *,
        operation_uuid: OperationUuid,
        mode: DeletionMode,
        by: str,
        reason: str,
        progress: Progress,
    ) -> None:
        self._tools = tools
        self._progress = progress
        self._storage = storage
        self._master = master
        self._operation_uuid = operation_uuid
        self._mode = mode
        self._by = by
        self._reason = reason
        self._now = format_instant(tools.clock.now())
        self._plan = DeletionPlan()

    def plan(self, hothashes: Iterable[Hothash]) -> DeletionPlan:
        """Plan for these pictures in all sessions of the storage. Raises StorageError, CancelledError."""
        wanted = {hothash for hothash in hothashes if hothash in self._master.files}
        numbers = {place.session_number for each in wanted for place in self._master.files[each].places()}
        for number in sorted(numbers):
            try:
                index = self._storage.indexes.load_session(number).index
            except (IndexDamagedError, NotFoundError) as error:
                path = self._storage.layout.session_path(number)
                why = f"The index of its session cannot be read: {error.message}"
                self._plan.left.extend(
                    LeftOut(hothash=each, path=path, why=why)
                    for each in sorted(wanted)
                    if number in {place.session_number for place in self._master.files[each].places()}
                )
                continue
            self.plan_session(index, [index.files[each] for each in sorted(wanted & index.files.keys())])
        return self._plan

    def plan_session(
        self, index: SessionIndex, entries: Collection[FileEntry], *, leaves: Collection[RelativePath] = ()
    ) -> DeletionPlan:
        """Plan for entries of one session; files in ``leaves`` stand where they stood.

        Raises StorageError, CancelledError.
        """
        shared = self._shared_companions(entries) | set(leaves)
        files = [file for entry in entries for file in (entry, *entry.copies, *entry.companions)]
        self._progress.start_phase("hash", total_files=len(files), total_bytes=sum(file.size_bytes for file in files))
        for entry in entries:
            self._progress.checkpoint()
            try:
                self._plan.deletions.append(self._plan_entry(index, entry, shared))
            except _LeaveError as left:
                self._plan.left.append(LeftOut(hothash=entry.hothash, path=left.path, why=str(left)))
        return self._plan

    def _plan_entry(self, index: SessionIndex, entry: FileEntry, shared: set[RelativePath]) -> PlannedDeletion:
        shifts: list[FileShift] = []
        files: list[StandingFile] = []
        companions = {companion.relative_path: companion for companion in entry.companions}
        for path, sha256, is_picture in _files_of(entry):
            facts = self._storage.pictures.find_facts(path)
            if facts is None or not facts.is_file:
                if is_picture:
                    raise _LeaveError(path, f"It is not where the index has it; {REINDEX_FIRST}")
                continue
            files.append(StandingFile(path=path, size_bytes=facts.size_bytes, is_picture=is_picture))
            if self._mode is DeletionMode.SOFT or path in shared:
                continue
            if self._storage.pictures is not self._storage.files:
                raise _LeaveError(
                    path, "Its folder is only referred to and never written into; --mode soft marks it deleted"
                )
            found = self._read(path, facts)
            self._progress.advance(files=1, size_bytes=facts.size_bytes, current=path.printable())
            if found != sha256 and not is_picture and self._mode is DeletionMode.ROLLBACK:
                self._plan.left.append(LeftOut(hothash=entry.hothash, path=path, why="You changed it since."))
                continue
            if found != sha256 and (is_picture or self._mode is DeletionMode.HARD):
                raise _LeaveError(path, f"Its bytes are not those that the index knows; {REINDEX_FIRST}")
            if found != sha256:
                companions[path] = replace(
                    companions[path], sha256=found, size_bytes=facts.size_bytes, modified_ns=facts.modified_ns
                )
            shifts.append(self._shift(entry, path, found))
            shared.add(path)
        observation = FileTrashed(
            hothash=entry.hothash,
            session_uuid=index.session.session_uuid,
            session_number=index.session.number,
            operation_uuid=self._operation_uuid,
            deleted_at=self._now,
            by=self._by,
            # What is removed for good goes through the trash, so that at no moment anything is half gone.
            mode=DeletionMode.TRASH if self._mode is DeletionMode.HARD else self._mode,
            reason=self._reason,
            shifts=tuple(shifts),
        )
        if spelled_bytes(observation) > MAX_LINE_BYTES // 2:
            raise _LeaveError(entry.relative_path, "It has more copies than can be written down at once")
        return PlannedDeletion(
            entry=entry, observation=observation, files=tuple(files), companions=tuple(companions.values())
        )

    def _read(self, path: RelativePath, facts: FileFacts) -> Sha256:
        """Give a file's checksum, and note what the file was when it was read."""
        try:
            with (
                self._storage.pictures.open_for_reading(path) as descriptor,
                storage_errors("read", path.printable()),
            ):
                sha256 = self._tools.analyser.fingerprint(descriptor).sha256
        except (NotFoundError, StorageError) as error:
            self._storage.root.verify_identity()
            raise _LeaveError(path, f"It cannot be read: {error.message}") from error
        self._plan.seen[path] = facts
        return sha256

    def _shift(self, entry: FileEntry, path: RelativePath, sha256: Sha256) -> FileShift:
        try:
            target = trash_path(self._operation_uuid, path)
        except InvalidPathError as error:
            raise _LeaveError(path, "Its path is too long to be kept in the trash; move it up first") from error
        return FileShift(hothash=entry.hothash, source=path, target=target, sha256=sha256)

    def _shared_companions(self, entries: Collection[FileEntry]) -> set[RelativePath]:
        """Give the companions that pictures which stay have too."""
        going = Counter(companion.relative_path for entry in entries for companion in entry.companions)
        if not going:
            return set()
        owners = Counter(
            companion.relative_path
            for entry in self._master.files.values()
            for companion in entry.companions
            if companion.relative_path in going
        )
        return {path for path, count in owners.items() if count > going[path]}


def _files_of(entry: FileEntry) -> Iterator[tuple[RelativePath, Sha256, bool]]:
    """Give the files that should stand there: path, checksum, and whether it is a picture."""
    for file in (entry, *entry.copies):
        if file.status is FileStatus.PRESENT:
            yield file.relative_path, file.sha256, True
    for companion in entry.companions:
        yield companion.relative_path, companion.sha256, False
