"""One storage, opened: its signature, files, indexes, journals, previews and runs behind held directory handles.

A storage has two roots: where its pictures are, and where its own files are. For created and adopted storages they are
one; for a reference storage the pictures are elsewhere and only read (docs/decisions/0033-reference-storages.md).
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Self

from imalink.core.finding import Finding
from imalink.core.ids import RunUuid, StorageUuid, WriterId
from imalink.core.index import MasterIndex, Overview
from imalink.core.journal import Commit, Observation
from imalink.core.library import LibraryEdited
from imalink.core.operation import Operation, OrphansRestored
from imalink.core.relative_path import RelativePath
from imalink.core.scan import ScanResult
from imalink.core.signature import Signature
from imalink.core.timestamps import Clock, format_instant
from imalink.durable_files import FileCalls
from imalink.errors import (
    ForeignStorageError,
    IndexChangedError,
    IndexDamagedError,
    NotFoundError,
    SignatureDamagedError,
    StorageError,
    UnsafePathError,
)
from imalink.formats.layouts.known import layout_named
from imalink.formats.signature_file import HERE
from imalink.storage import staging
from imalink.storage.caps import TRUSTED, Caps
from imalink.storage.fold import FoldNotes, FoldResult, StorageFolder
from imalink.storage.fs import StorageFiles
from imalink.storage.host import this_host
from imalink.storage.ignore_rules import IGNORE_NAME, load_ignore_rules
from imalink.storage.indexes import IndexFiles
from imalink.storage.journal import JournalDamage, Journals
from imalink.storage.library import read_library
from imalink.storage.lock import hold_lock
from imalink.storage.lock_watch import Verdict, look_at_lock
from imalink.storage.picture_folder import open_picture_folder
from imalink.storage.previews import Hotpreviews
from imalink.storage.reading import FolderReader
from imalink.storage.recording import record_lines
from imalink.storage.root import StorageRoot
from imalink.storage.scanner import Checkpoint, scan_storage
from imalink.storage.signature import read_signature, save_signature
from imalink.storage.trash import Trash
from imalink.storage.volumes import describe_volume

FOLD_TRIES = 5
_STABLE_INODES = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs", "apfs", "hfs", "tmpfs", "overlay"})


class FileStorage:
    """A storage that answered to its name: opened, its signature read and compared through the same handle.

    ``files`` are ImaLink's own, read and written; ``pictures`` are the user's, read. Close it, or use it as a context
    manager. Everything that writes needs ``lock`` held. With a ``signature_trouble`` it can only be read
    (``storage.witnessed``).
    """

    def __init__(
        self,
        root: StorageRoot,
        signature: Signature,
        *,
        clock: Clock,
        apart: StorageRoot | StorageError | None = None,
        caps: Caps = TRUSTED,
        signature_trouble: SignatureDamagedError | None = None,
    ) -> None:
        self.signature = signature
        self.signature_trouble = signature_trouble
        self.files = StorageFiles(root)
        self._pictures = (
            self.files if apart is None else apart if isinstance(apart, StorageError) else FolderReader(apart)
        )
        self.layout = layout_named(signature.layout)
        self.indexes = IndexFiles(self.files, self.layout, clock=clock, storage_uuid=signature.storage_uuid, caps=caps)
        self.journals = Journals(self.files)
        self.hotpreviews = Hotpreviews(self.files)
        self.trash = Trash(self.files)
        self._clock = clock

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        clock: Clock,
        expected_uuid: StorageUuid | None = None,
        calls: FileCalls | None = None,
        needs_pictures: bool = True,
        is_home: bool = False,
        caps: Caps = TRUSTED,
    ) -> Self:
        """Open the storage whose own files are at ``path``, and the folder of its pictures if that is another.

        Only for ``is_home``, a folder in this machine's own data directory, may that be another: else a disk could have
        any folder of this machine read. ``caps`` are how much of its indexes is read at most. Without
        ``needs_pictures`` that folder may be away: then what asks for pictures raises.

        Raises StorageOfflineError when there is nothing of ours, or that folder is away; SignatureDamagedError when our
        files are there without a readable signature; ForeignStorageError when it is another than ``expected_uuid``;
        UnsafePathError when it names a folder elsewhere.
        """
        root = StorageRoot.open(path, calls=calls)
        try:
            signature = read_signature(StorageFiles(root), path)
            if expected_uuid is not None and signature.storage_uuid != expected_uuid:
                raise ForeignStorageError(
                    f"Another storage stands at {path}: {signature.storage_uuid}, not {expected_uuid}. "
                    "Nothing was changed.",
                    hint="Plug in the right disk, or tell ImaLink the new place of this one with `imalink recover`.",
                )
            if (signature.pictures is not None or layout_named(signature.layout).is_reference) and not is_home:
                raise UnsafePathError(
                    f"The storage at {path} says that its pictures stand in another folder. Only storages in ImaLink's "
                    "own data directory may say so; nothing was opened there.",
                    hint="If this folder has pictures, take it in with `imalink storage adopt`.",
                )
            apart: StorageRoot | StorageError | None = None
            if signature.pictures is not None:
                try:
                    apart, found = open_picture_folder(signature.pictures, calls=calls)
                    signature = replace(signature, pictures=found, directory_name=apart.path.name)
                except StorageError as error:
                    if needs_pictures:
                        raise
                    apart = error
            return cls(root, signature, clock=clock, apart=apart, caps=caps)
        except BaseException:
            root.close()
            raise

    @property
    def pictures(self) -> FolderReader:
        """The user's pictures. Raises StorageOfflineError where they are apart and away."""
        if isinstance(self._pictures, StorageError):
            raise self._pictures
        return self._pictures

    @property
    def has_pictures(self) -> bool:
        """Whether the folder of the pictures can be reached."""
        return not isinstance(self._pictures, StorageError)

    @property
    def root(self) -> StorageRoot:
        """The folder of the pictures, held open; as ``pictures``."""
        return self.pictures.root

    @property
    def path(self) -> Path:
        """Where the pictures are or, if they are away, were last seen."""
        if isinstance(self._pictures, StorageError):
            assert self.signature.pictures is not None
            return Path(self.signature.pictures.path)
        return self._pictures.root.path

    @property
    def storage_uuid(self) -> StorageUuid:
        """Which storage it is."""
        return self.signature.storage_uuid

    @property
    def photo_root(self) -> RelativePath | None:
        """The folder that is the user's; None for the storage's own folder."""
        return None if self.signature.photo_root == HERE else RelativePath.parse(self.signature.photo_root)

    def in_photo_root(self, path: RelativePath) -> RelativePath:
        """Give ``path`` as one below the photo root. Raises InvalidPathError."""
        return path if self.photo_root is None else self.photo_root.below(path)

    def empty_overview(self, storage_id: int | None) -> Overview:
        """Give the overview of a storage without imports."""
        return Overview(
            storage_uuid=self.storage_uuid,
            storage_id=storage_id,
            directory_name=self.path.name,
            base_path=str(self.path.parent),
            display_name=self.signature.display_name,
            description=self.signature.description,
            created_at=self.signature.created_at,
            last_scan=None,
            is_active=True,
            total_files=0,
            total_size_bytes=0,
            sessions=(),
            generation=1,
        )

    @contextmanager
    def lock(self, purpose: str) -> Generator[None]:
        """Hold the storage's lock for a block, in which every change asks whether it is still held.

        What killed processes left half written in staging outside any run is cleared away first. Raises
        StorageLockedError naming the holder, or in the block when the lock was lost; SignatureDamagedError where the
        storage was opened only to be read.
        """
        if self.signature_trouble is not None:
            raise self.signature_trouble
        with hold_lock(self.files, purpose=purpose, clock=self._clock) as lock, self.files.guarded(lock):
            staging.remove_left_files(self.files)
            yield

    def find_worker(self) -> str | None:
        """Say who is at work there, as far as the lock tells; None when nobody who lives is."""
        found = look_at_lock(self.files, this_host())
        return found.record.describe() if found.verdict is Verdict.HELD and found.record is not None else None

    def scan(self, checkpoint: Checkpoint | None = None) -> ScanResult:
        """Walk the user's pictures, but those that an ``.imalinkignore`` in the photo root leaves out.

        Where that folder is only read, one beside ImaLink's own files counts too (``leave_out``).
        """
        ignore = load_ignore_rules(self.pictures, self.photo_root)
        if self.pictures is not self.files:
            ignore = ignore.and_also(load_ignore_rules(self.files, None).patterns)
        return scan_storage(
            self.pictures,
            photo_root=self.photo_root,
            own_names=self.layout.own_names,
            ignore=ignore,
            checkpoint=checkpoint,
        )

    def leave_out(self, patterns: Sequence[str]) -> None:
        """Leave out from now on what fits, in a storage whose pictures are only read. Raises UsageError."""
        if self.pictures is self.files:
            raise ValueError("an adopted or created storage has its own .imalinkignore")
        known = load_ignore_rules(self.files, None)
        wanted = [pattern for pattern in patterns if pattern not in known.patterns]
        known.and_also(wanted).check()
        if wanted:
            lines = "".join(f"{pattern}\n" for pattern in (*known.patterns, *wanted))
            self.files.replace(RelativePath(IGNORE_NAME), lines.encode("utf-8", "surrogateescape"))

    def append_observations(
        self, writer: WriterId, observations: Iterable[Observation], *, master: MasterIndex | None = None
    ) -> int:
        """Write down in one's own journal what was seen; durable when this returns.

        ``master`` is the one that stands there, where the caller has it at hand: reading it takes a while.
        """
        now = format_instant(self._clock.now())
        return self.journals.append(writer, observations, at=now, after_seq=self._known_seq(writer, master))

    def append_operation(
        self,
        writer: WriterId,
        operation: Operation,
        observations: Sequence[Observation],
        *,
        takes_back: OrphansRestored | None = None,
        master: MasterIndex | None = None,
        is_final: bool = False,
    ) -> int:
        """Write an operation down, each line with what takes it back unless it ``is_final``; durable when this returns.

        ``takes_back`` is what takes back what it did to the list of orphans beside its observations. The indexes must
        be up to date; ``master`` is theirs, where the caller has it at hand. A crash leaves a part of the operation
        that can be undone by itself.
        """
        master = master or self.indexes.load_master().index
        lines = record_lines(self.indexes, master, operation, observations, takes_back=takes_back, is_final=is_final)
        now = format_instant(self._clock.now())
        return self.journals.append_lines(writer, lines, at=now, after_seq=self._known_seq(writer, master))

    def last_lines_known(self, master: MasterIndex | None) -> dict[WriterId, int]:
        """Give how far in each journal the indexes go: the master or, where it was made anew since, a session."""
        last = {} if master is None else {writer: position.seq for writer, position in master.sources.journals.items()}
        for number in self.indexes.list_sessions():
            with suppress(NotFoundError, IndexDamagedError):
                for writer, seq in self.indexes.peek_journal_seqs(number).items():
                    last[writer] = max(seq, last.get(writer, 0))
        return last

    def set_journal_damage_aside(self, damage: JournalDamage) -> RelativePath:
        """Set aside what cannot be read of a segment of one's own journal, and give where it is kept.

        The caller is its writer and holds the lock, and folds afterwards. Raises StorageError.
        """
        now = format_instant(self._clock.now())
        after_seq = self._known_seq(damage.writer, None)
        return self.journals.set_aside(damage, self.indexes.backups, at=now, after_seq=after_seq)

    def _known_seq(self, writer: WriterId, master: MasterIndex | None) -> int:
        """Give the highest number of this writer's journal that an index contains."""
        known: list[int] = []
        with suppress(NotFoundError, IndexDamagedError):
            sources = (master or self.indexes.load_master().index).sources
            known.extend(position.seq for owner, position in sources.journals.items() if owner == writer)
        if not self.journals.exists(writer):
            for number in self.indexes.list_sessions():
                with suppress(NotFoundError, IndexDamagedError):
                    known.append(self.indexes.peek_journal_seqs(number).get(writer, 0))
        return max(known, default=0)

    def library_edits(self) -> list[LibraryEdited]:
        """Give all that this storage says of authors, collections and saved searches, as far as it can be read."""
        return read_library(self.files, self.journals)

    def fold(
        self,
        notes: FoldNotes | None = None,
        *,
        check_sessions: Collection[int] = (),
        is_anew: bool = False,
        master: MasterIndex | None = None,
    ) -> FoldResult:
        """Bring indexes and signature in step with commits and journals; mend damaged ones on the way.

        ``is_anew`` writes all of them again, whatever the master says. ``master`` is the one that stands there, found
        sound under this lock, where the caller has it at hand. An index that another machine replaced meanwhile is
        never overwritten: all is folded again, five times at most. Raises IndexChangedError after that.
        """
        findings: list[Finding] = []
        for number in range(1, FOLD_TRIES):
            try:
                return self._fold(notes, check_sessions, is_anew, master if number == 1 else None, findings, number > 1)
            except IndexChangedError:
                continue
        return self._fold(notes, check_sessions, is_anew, None, findings, tells_all=True)

    def _fold(
        self,
        notes: FoldNotes | None,
        check_sessions: Collection[int],
        is_anew: bool,
        master: MasterIndex | None,
        findings: list[Finding],
        tells_all: bool,
    ) -> FoldResult:
        """Fold once; ``findings`` collects those of all tries."""
        folder = StorageFolder(
            self.files, indexes=self.indexes, journals=self.journals, signature=self.signature, clock=self._clock
        )
        try:
            result = folder.fold(
                notes or self.notes(),
                check_sessions=check_sessions,
                is_anew=is_anew,
                known=master,
                tells_all=tells_all,
            )
        finally:
            findings.extend(folder.findings)
        self._save_signature(result.signature)
        return replace(result, findings=tuple(findings))

    def notes(self) -> FoldNotes:
        """Give the notes of where this storage stands now, for a fold."""
        return FoldNotes(base_path=str(self.path.parent), directory_name=self.path.name)

    def note_unchanged_scan(self, overview: Overview) -> None:
        """Write into overview and signature that a walk found everything as it was."""
        self.indexes.save_overview(overview)
        self._save_signature(
            replace(self.signature, last_indexed=overview.last_scan, generation=self.signature.generation + 1)
        )

    def is_folded(self, master: MasterIndex) -> bool:
        """Tell whether ``master`` contains every commit and journal line."""
        if any(run not in master.sources.runs for run in staging.list_commits(self.files)):
            return False
        return not self.journals.read_after(master.sources.journals).lines

    def committed_runs(self) -> list[RunUuid]:
        """List the runs that are committed, by name."""
        return staging.list_commits(self.files)

    def find_commit(self, run_uuid: RunUuid) -> Commit | None:
        """Give what a run placed; None when it is not committed or its commit cannot be read."""
        try:
            return staging.load_commit(self.files, run_uuid)
        except (IndexDamagedError, NotFoundError):
            return None

    def can_rebuild(self, number: int) -> bool:
        """Tell whether the storage itself still has what a session index can be made again from, whole."""
        if self.indexes.load_session_backup(number) is not None:
            return True
        for run in self.committed_runs():
            with suppress(IndexDamagedError, NotFoundError):
                if staging.load_commit(self.files, run).begin.session.number == number:
                    return True
        return False

    @cached_property
    def has_stable_inodes(self) -> bool:
        """Whether a file keeps its inode for life there, so that an inode says that a file was moved."""
        return describe_volume(self.root).file_system_type in _STABLE_INODES

    def interrupted_runs(self) -> list[RunUuid]:
        """List the runs that left something in staging."""
        return staging.list_interrupted(self.files)

    def _save_signature(self, signature: Signature) -> None:
        self.signature = save_signature(self.files, self.indexes.backups, signature)

    def close(self) -> None:
        """Let go of the storage's handles."""
        self.files.root.close()
        if self.has_pictures:
            self.pictures.root.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
