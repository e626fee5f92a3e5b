"""Index files of one storage: loaded with doubt, replaced whole; what was good, or damaged, is kept (``backups``)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from imalink.core.finding import Finding
from imalink.core.ids import Hothash, StorageUuid, WriterId
from imalink.core.index import FileEntry, MasterIndex, Overview, SessionIndex, merge_master_entry
from imalink.core.relative_path import RelativePath
from imalink.core.session import ImportSession
from imalink.core.timestamps import Clock
from imalink.durable_files import storage_errors
from imalink.errors import IndexChangedError, IndexDamagedError, NotFoundError
from imalink.formats.bulk import first_own_path
from imalink.formats.documents import check_digest, content_digest
from imalink.formats.layouts.layout import Layout, session_number_of
from imalink.formats.layouts.master_codec import MasterSpelling, dump_master, read_master
from imalink.formats.layouts.overview_codec import dump_overview, parse_overview
from imalink.formats.layouts.spelling import SessionSpelling
from imalink.formats.session_records import SessionRecords
from imalink.formats.session_sources import SessionState, peek_journal_seqs, peek_state
from imalink.storage.backups import Backups
from imalink.storage.caps import TRUSTED, Caps
from imalink.storage.fs import StorageFiles

_TAIL_BYTES = 256

Index = TypeVar("Index", MasterIndex, Overview, SessionIndex)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded(Generic[Index]):
    """An index as read: ``is_intact`` is False when another program changed it, None when it carries no digest."""

    index: Index
    is_intact: bool | None
    digest: str | None


class IndexFiles:
    """Loads and saves a storage's overview, session indexes and master.

    Loading raises NotFoundError for an absent file and IndexDamagedError for one that cannot be believed; nothing is
    repaired here (``storage.fold`` does that). Saving a file that was loaded raises IndexChangedError when another
    stands there by then.
    """

    def __init__(
        self,
        files: StorageFiles,
        layout: Layout,
        *,
        clock: Clock,
        storage_uuid: StorageUuid | None = None,
        caps: Caps = TRUSTED,
    ) -> None:
        self.layout = layout
        self._storage_uuid = storage_uuid
        self._caps = caps
        self._files = files
        self.backups = Backups(files, clock=clock)
        self._read_as: dict[RelativePath, str] = {}
        self._master_spelling: MasterSpelling | None = None
        self._session_spellings: dict[int, SessionSpelling] = {}

    def load_overview(self) -> Loaded[Overview]:
        """Read ``index.json``."""
        data = self._read(self.layout.overview_path, self._caps.overview_bytes)
        index, is_intact = parse_overview(data)
        return Loaded(index=index, is_intact=is_intact, digest=content_digest(data))

    def load_master(self) -> Loaded[MasterIndex]:
        """Read the master."""
        path = self.layout.master_path
        data = self._read(path, self._caps.master_bytes)
        read = read_master(data)
        self._check_owner(read.index.storage_uuid, path, "storage_uuid")
        self._check_names((each.relative_path for each in read.index.files.values()), path)
        self._master_spelling = read.spelling
        return Loaded(index=read.index, is_intact=read.is_intact, digest=content_digest(data))

    def load_session(self, number: int, *, is_to_change: bool = False) -> Loaded[SessionIndex]:
        """Read the session index with this number; one ``is_to_change`` is then saved faster and takes more memory."""
        path = self._session_files().get(number, self.layout.session_path(number))
        data = self._read(path, self._caps.session_bytes)
        read = self.layout.read_session(data, path)
        index = read.index
        if index.session.number != number:
            raise IndexDamagedError(f"it is that of session {index.session.number}", file=path, place="import_session")
        if not index.storage_uuid and self._storage_uuid is not None:  # another program's, which does not say
            index = replace(index, storage_uuid=self._storage_uuid)
        self._check_owner(index.storage_uuid, path, "import_session.storage_uuid")
        self._check_names((each.relative_path for each in index.files.values()), path)
        if is_to_change and read.spelling is not None:
            self._session_spellings[number] = read.spelling
        return Loaded(index=index, is_intact=read.is_intact, digest=content_digest(data))

    def find_sessions(self) -> dict[int, RelativePath]:
        """Give the session files that are there, by number."""
        return self._session_files()

    def load_records(self, number: int, path: RelativePath) -> SessionRecords | None:
        """Read the session index with this number at ``path`` as its records; None where ``load_session`` must do it.

        Raises NotFoundError, IndexDamagedError for a file that is too large.
        """
        read = self.layout.read_records(self._read(path, self._caps.session_bytes), path)
        if read is None or read.head.session.number != number or read.head.storage_uuid != self._storage_uuid:
            return None
        paths = (each.relative_path for each in read.files.values())
        return read if first_own_path(paths, self.layout.own_names) is None else None

    def _read(self, path: RelativePath, cap_bytes: int) -> bytes:
        """Read an index file, and note which one it was: only that may be replaced by what is made from it."""
        self._read_as[path] = self._state(path)
        data = self._files.read_bytes(path, cap_bytes)
        self._caps.check(data, cap_bytes, path)
        return data

    def _check_owner(self, named: StorageUuid, path: RelativePath, place: str) -> None:
        if self._storage_uuid is not None and named != self._storage_uuid:
            raise IndexDamagedError("it is that of another storage", file=path, place=place)

    def _check_names(self, paths: Iterable[RelativePath], path: RelativePath) -> None:
        own = first_own_path(paths, self.layout.own_names)
        if own is not None:
            reason = f"{RelativePath(own).printable()!r} is, or lies in, one of ImaLink's own names"
            raise IndexDamagedError(reason, file=path, place="files")

    def peek_journal_seqs(self, number: int) -> Mapping[WriterId, int]:
        """Read only how far into each journal the session index with this number says that it reaches."""
        path = self._session_files().get(number, self.layout.session_path(number))
        return peek_journal_seqs(self._read(path, self._caps.session_bytes), file=path)

    def peek_state(self, number: int) -> SessionState:
        """Read only which state of which session's index the file with this number says that it is."""
        path = self._session_files().get(number, self.layout.session_path(number))
        return peek_state(self._read(path, self._caps.session_bytes), file=path)

    def claimed_master_digest(self) -> str | None:
        """Give the digest that the master claims for itself in its last bytes; None when it is absent or has none.

        Nothing is verified: it names a state of the master cheaply, to key this machine's caches.
        """
        return self._claimed_digest(self.layout.master_path)

    def _claimed_digest(self, path: RelativePath) -> str | None:
        try:
            with self._files.open_for_reading(path) as descriptor, storage_errors("read", path):
                size = self._files.calls.fstat(descriptor).st_size
                tail = self._files.calls.pread(descriptor, _TAIL_BYTES, max(0, size - _TAIL_BYTES))
        except NotFoundError:
            return None
        return content_digest(tail)

    def _state(self, path: RelativePath) -> str:
        """Name what stands at ``path`` now: by the digest that it claims, else by size and time; empty for nothing."""
        digest = self._claimed_digest(path)
        if digest is not None:
            return digest
        facts = self._files.find_facts(path)
        return "" if facts is None else f"{facts.size_bytes} {facts.modified_ns}"

    def _require_unchanged(self, path: RelativePath) -> None:
        """Make sure that a file that was read still stands there. Raises IndexChangedError."""
        if path in self._read_as and self._read_as[path] != self._state(path):
            raise IndexChangedError(
                f"{path} was replaced by another machine while its new content was put together. Nothing was "
                "overwritten, and what was imported is in the storage's commits.",
                hint="See to it that only one machine works on the storage at a time, then run the operation again.",
            )

    def facts(self) -> dict[str, tuple[int, int, int]]:
        """Give (size, mtime, inode) of every index file that is there, by path.

        Not of the overview: it is written at every look, and mended when it is read.
        """
        paths = [self.layout.master_path, *self._session_files().values()]
        found = ((path, self._files.find_facts(path)) for path in paths)
        return {str(path): (each.size_bytes, each.modified_ns, each.inode) for path, each in found if each is not None}

    def session_name(self, number: int) -> str:
        """Give the path of a session index as ``facts`` spells it."""
        return str(self.layout.session_path(number))

    def is_session_sound(self, number: int) -> bool:
        """Tell whether a session index is as ImaLink left it, or can be read at least; most need no parsing for it."""
        try:
            path = self._session_files().get(number, self.layout.session_path(number))
            is_intact, _ = check_digest(self._read(path, self._caps.session_bytes), path)
            return is_intact or self.load_session(number).is_intact is not False
        except (IndexDamagedError, NotFoundError):
            return False

    def is_master_sound(self) -> bool:
        """Tell the same of the master. Raises NotFoundError when it is not there."""
        try:
            is_intact, _ = check_digest(self._read(self.layout.master_path, self._caps.master_bytes), "master")
            return is_intact or self.load_master().is_intact is not False
        except IndexDamagedError:
            return False

    def list_sessions(self) -> list[int]:
        """List the numbers of the session files that are there."""
        return sorted(self._session_files())

    def load_session_backup(self, number: int) -> SessionIndex | None:
        """Give the newest good generation of a session index that was kept; None when there is none."""
        path = self.layout.session_path(number)
        for backup in reversed(self.backups.list_generations(path)):
            try:
                read = self.layout.read_session(self._read(backup, self._caps.session_bytes), path)
            except (IndexDamagedError, NotFoundError):
                continue
            if read.is_intact:
                return read.index
        return None

    def save_overview(self, overview: Overview) -> None:
        """Replace ``index.json``, unless the master that it sums up is another by now."""
        path = self.layout.overview_path
        self._save(path, dump_overview(overview), overview.generation, also_unchanged=self.layout.master_path)

    def save_master(self, master: MasterIndex) -> str:
        """Replace the master; give its digest."""
        data = dump_master(master, self._master_spelling)
        self._save(self.layout.master_path, data, master.generation)
        digest = content_digest(data)
        assert digest is not None
        return digest

    def save_session(self, index: SessionIndex) -> None:
        """Replace one session index."""
        path = self.layout.session_path(index.session.number)
        self._files.make_directories(self.layout.sessions_directory)
        spelling = self._session_spellings.pop(index.session.number, None)
        self._save(path, self.layout.dump_session(index, spelling), index.generation)

    def put_back_session(self, index: SessionIndex) -> RelativePath | None:
        """Write a session index that was lost; what stands in its place is kept, and the name it has now is given."""
        path = self.layout.session_path(index.session.number)
        kept = self.backups.keep_damaged(path) if self._files.exists(path) else None
        self._files.make_directories(self.layout.sessions_directory)
        self._files.replace(path, self.layout.dump_session(index))
        self._read_as.pop(path, None)
        return kept

    def _session_files(self) -> dict[int, RelativePath]:
        """Give the session files by number; our own spelling of a name goes before a zero-padded one."""
        try:
            names = self._files.list_names(self.layout.sessions_directory)
        except NotFoundError:
            return {}
        found: dict[int, RelativePath] = {}
        for name in names:
            number = session_number_of(name)
            if number is not None and (number not in found or name == self.layout.session_path(number).name):
                found[number] = RelativePath(f"{self.layout.sessions_directory}/{name}")
        return found

    def _save(
        self, path: RelativePath, data: bytes, generation: int, *, also_unchanged: RelativePath | None = None
    ) -> None:
        self.backups.keep_generation(path, generation - 1)

        def require_unchanged() -> None:
            self._require_unchanged(path)
            if also_unchanged is not None:
                self._require_unchanged(also_unchanged)

        self._files.replace(path, data, before_move=require_unchanged)
        self._read_as[path] = content_digest(data) or ""


def merge_sessions(storage_uuid: StorageUuid, sessions: Iterable[SessionIndex]) -> MasterIndex:
    """Give the master that session indexes add up to, in memory alone: for a look where it cannot be believed."""
    parts: dict[Hothash, list[tuple[ImportSession, FileEntry]]] = defaultdict(list)
    for index in sessions:
        for hothash, entry in index.files.items():
            parts[hothash].append((index.session, entry))
    files = {hothash: merge_master_entry(found, indexed_at="") for hothash, found in parts.items()}
    return MasterIndex(storage_uuid=storage_uuid, files=files)


def damaged_index(path: str, error: IndexDamagedError, kept: str) -> Finding:
    """Give the finding of an index that could not be believed and was kept under ``kept``."""
    return Finding(code="index-damaged", path=path, facts={"place": error.place, "why": error.reason, "kept": kept})
