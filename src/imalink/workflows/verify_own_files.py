"""Checking ImaLink's own files in a storage: indexes, manifests, commits, journals, each by what it says of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from imalink.core.finding import Finding
from imalink.core.ids import WriterId
from imalink.core.index import MasterIndex, SessionIndex
from imalink.core.relative_path import RelativePath
from imalink.durable_files import storage_errors
from imalink.errors import IndexDamagedError, IndexTooLargeError, NotFoundError, StorageIoError, UnsafePathError
from imalink.storage import staging
from imalink.storage.file_storage import FileStorage
from imalink.storage.indexes import Index, Loaded
from imalink.storage.journal import JOURNAL_FOLDER, JournalDamage
from imalink.storage.library import LIBRARY_PATH, load_library
from imalink.storage.manifest import is_manifest_whole, manifest_path

_ANOTHER_HAND = "its digest does not fit what it says"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFilesChecked:
    """How many own files were looked at, what is wrong with some, and the indexes that can be believed."""

    checked: int
    findings: tuple[Finding, ...]
    master: MasterIndex | None
    sessions: tuple[SessionIndex, ...]


def check_own_files(storage: FileStorage, *, only_session: int | None = None) -> OwnFilesChecked:
    """Look at every index, manifest, commit and journal of a storage, or at those of one session.

    Nothing is mended. A journal's last line that was never folded may be torn; one that an index contains must be
    there. Raises StorageOfflineError.
    """
    check = _Check(storage)
    master = check.load(storage.layout.master_path, storage.indexes.load_master)
    if only_session is None:
        overview = check.load(storage.layout.overview_path, storage.indexes.load_overview)
        expected = {summary.number for summary in overview.sessions} if overview is not None else set[int]()
        numbers = sorted({*storage.indexes.list_sessions(), *expected})
    else:
        numbers = [only_session]
    sessions = [index for number in numbers if (index := check.session(number)) is not None]
    if only_session is None:
        check.library()
        check.commits(master)
        check.journals(master)
    return OwnFilesChecked(
        checked=check.checked, findings=tuple(check.findings), master=master, sessions=tuple(sessions)
    )


def journal_damaged(
    damage: JournalDamage, last_known: Mapping[WriterId, int], *, kept: RelativePath | None = None
) -> Finding:
    """Tell what of a journal cannot be read, and what of that is lost: what the indexes contain is not.

    ``last_known`` is how far they go in each journal (``FileStorage.last_lines_known``). ``kept`` is where the damaged
    segment is kept once it was set aside.
    """
    contained = damage.count_contained(last_known)
    lost = damage.line_count - contained
    if not damage.line_count:
        why = "its last line was cut off as it was written, before anybody was told that it was done: nothing is lost"
    elif not lost:
        why = "the indexes contain all that the unreadable lines said: nothing is lost"
    else:
        why = f"the indexes contain {contained} of the unreadable lines; what {lost} said is not known any more"
    facts: dict[str, str | int] = {
        "place": f"line {damage.first_seq}",
        "lines": damage.line_count,
        "lost": lost,
        "why": why,
    }
    if kept is not None:
        facts["kept"] = kept
    return Finding(code="journal-damaged", path=damage.path.printable(), facts=facts)


class _Check:
    def __init__(self, storage: FileStorage) -> None:
        self._storage = storage
        self.checked = 0
        self.findings: list[Finding] = []

    def load(self, path: RelativePath, load: Callable[[], Loaded[Index]]) -> Index | None:
        """Give an index that is as it was written; tell of any other."""
        self.checked += 1
        why = _ANOTHER_HAND
        try:
            loaded = load()
            is_ours = loaded.index.generation > 0
            if loaded.is_intact is None and not is_ours:
                return loaded.index
            if loaded.is_intact:
                if self._has_its_end(path):
                    return loaded.index
                why = "its last byte is gone; what it says is whole"
        except NotFoundError:
            self.findings.append(Finding(code="index-missing", path=path))
            return None
        except IndexTooLargeError as error:
            self._tell("index-too-large", path, error.reason)
            return None
        except (IndexDamagedError, StorageIoError, UnsafePathError) as error:
            why = error.reason if isinstance(error, IndexDamagedError) else error.message
        self._tell("index-unreadable", path, why)
        return None

    def _has_its_end(self, path: RelativePath) -> bool:
        """Tell whether an index ends as it was written: with a newline exactly if it is indented."""
        files = self._storage.files
        with files.open_for_reading(path) as descriptor, storage_errors("read", path.printable()):
            size = files.calls.fstat(descriptor).st_size
            begin = files.calls.pread(descriptor, 2, 0)
            end = files.calls.pread(descriptor, 2, max(0, size - 2))
        return (begin == b"{\n") == end.endswith(b"\n")

    def session(self, number: int) -> SessionIndex | None:
        """Give a session index, having looked at its manifest too."""
        layout, indexes = self._storage.layout, self._storage.indexes
        index = self.load(layout.session_path(number), lambda: indexes.load_session(number))
        if index is not None:
            self.checked += 1
            try:
                is_whole = is_manifest_whole(self._storage.files, index)
            except StorageIoError:
                is_whole = False
            if not is_whole:
                self._tell("manifest-damaged", manifest_path(number), "")
        return index

    def library(self) -> None:
        """Look at what stands of authors, collections and saved searches, if anything does."""
        try:
            held = load_library(self._storage.files)
        except (IndexDamagedError, StorageIoError, UnsafePathError) as error:
            why = error.reason if isinstance(error, IndexDamagedError) else error.message
        else:
            if held is None:
                return
            why = "" if held.is_intact and self._has_its_end(LIBRARY_PATH) else _ANOTHER_HAND
        self.checked += 1
        if why:
            self._tell("index-unreadable", LIBRARY_PATH, why)

    def commits(self, master: MasterIndex | None) -> None:
        """Look at every commit; those that the master contains must be there."""
        there = set(staging.list_commits(self._storage.files))
        known = set(master.sources.runs) if master is not None else set[str]()
        for run in sorted(there):
            self.checked += 1
            try:
                staging.load_commit(self._storage.files, run)
            except (IndexDamagedError, StorageIoError, UnsafePathError) as error:
                why = error.reason if isinstance(error, IndexDamagedError) else error.message
                told = "the session index contains what it said" if run in known else "what it said is not known"
                self._tell("journal-damaged", staging.commit_path(run), f"{why}; {told}")
        for run in sorted(known - there):
            path = RelativePath(f"{staging.COMMITS}/{run}.jsonl")
            self._tell("journal-damaged", path, "it is not there; the session index contains what it said")

    def journals(self, master: MasterIndex | None) -> None:
        """Look at every line of every journal; those that the master contains must be there."""
        try:
            read = self._storage.journals.read_after({})
            damages = self._storage.journals.find_damage()
        except (StorageIoError, UnsafePathError) as error:
            self._tell("journal-damaged", JOURNAL_FOLDER, error.message)
            return
        except IndexTooLargeError as error:
            self._tell("index-too-large", RelativePath(error.file), error.reason)
            return
        self.checked += self._storage.journals.count_segments()
        told = {damage.path.parent for damage in damages}
        last_known = self._storage.last_lines_known(master) if damages else {}
        self.findings.extend(journal_damaged(damage, last_known) for damage in damages)
        last: dict[str, int] = {}
        for line in read.lines:
            last[line.writer] = max(line.seq, last.get(line.writer, 0))
        for writer, position in self._positions(master):
            folder = RelativePath(f"{JOURNAL_FOLDER}/{writer}")
            if last.get(writer, 0) < position and folder not in told:
                self._tell("journal-damaged", folder, f"line {last.get(writer, 0) + 1} cannot be read")

    def _positions(self, master: MasterIndex | None) -> Iterator[tuple[str, int]]:
        if master is not None:
            for writer, position in sorted(master.sources.journals.items()):
                yield writer, position.seq

    def _tell(self, code: str, path: RelativePath, why: str) -> None:
        self.findings.append(Finding(code=code, path=path.printable(), facts={"why": why} if why else {}))
