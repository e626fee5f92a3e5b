"""Opening session indexes for a fold: as they stand, or rebuilt from what is left of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from imalink.core.finding import Finding
from imalink.core.ids import photo_uuid_of
from imalink.core.index import FileEntry, MasterIndex, SessionIndex, SessionSummary, Sources
from imalink.core.journal import Commit
from imalink.core.picture import PictureFacts
from imalink.core.session import ImportSession
from imalink.core.signature import Signature
from imalink.errors import IndexDamagedError, NotFoundError
from imalink.storage.indexes import IndexFiles, damaged_index

Commits = Mapping[int, Sequence[Commit]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedSession:
    """A session index to fold into; ``is_rebuilt`` says that its file has to be written whatever the fold brings.

    ``commits`` are those to apply: the new ones, or all of the session when it starts anew.
    """

    index: SessionIndex
    is_rebuilt: bool
    commits: Sequence[Commit]


class SessionOpener:
    """Opens the sessions of one fold. What is wrong with an index is collected in ``findings``.

    A lost index starts anew, from the first of these that there is: its newest good backup, an empty index and all
    its commits, the index itself when another program edited it, what the master knows.
    """

    def __init__(
        self,
        indexes: IndexFiles,
        *,
        master: MasterIndex | None,
        signature: Signature,
        new_commits: Commits,
        load_all_commits: Callable[[], Commits],
    ) -> None:
        self._indexes = indexes
        self._master = master
        self._signature = signature
        self._new_commits = new_commits
        self._load_all_commits = load_all_commits
        self._all_commits: Commits | None = None
        self._summaries = self._load_summaries()
        self._known_numbers = _numbers_in(master) | set(self._summaries)
        self.findings: list[Finding] = []

    def absent_numbers(self) -> set[int]:
        """Give the sessions whose file should be there and is not, those of new commits included."""
        absent = (self._known_numbers | set(self._new_commits)) - set(self._indexes.list_sessions())
        for number in sorted(absent & self._known_numbers):
            self.findings.append(Finding(code="index-missing", path=self._indexes.layout.session_path(number)))
        return absent

    def open(self, number: int) -> OpenedSession | None:
        """Give a session index that can be folded into; None, with a finding, when nothing is left of it."""
        standing, is_sound = self._load(number)
        new = self._new_commits.get(number, ())
        if standing is not None and is_sound:
            return OpenedSession(index=standing, is_rebuilt=False, commits=self._lacking(number, standing, new))
        if standing is None and self._master is not None and number not in self._known_numbers:
            # A session that is new: what the journals said before it cannot concern its files.
            fresh = self._empty(number, new, Sources(journals=self._master.sources.journals))
            if fresh is not None:
                return OpenedSession(index=fresh, is_rebuilt=True, commits=new)
        every = self._every_commit().get(number, ())
        index = self._indexes.load_session_backup(number) or self._empty(number, every, Sources())
        if index is None:
            index = standing or self._skeleton(number)
        if index is None:
            facts = {"lost": "no backup, commit or master knows it"}
            path = self._indexes.layout.session_path(number)
            self.findings.append(Finding(code="index-damaged", path=path, facts=facts))
            return None
        if standing is not None:
            index = replace(index, extras=standing.extras)
        return OpenedSession(index=index, is_rebuilt=True, commits=every)

    def _lacking(self, number: int, standing: SessionIndex, new: Sequence[Commit]) -> Sequence[Commit]:
        """Give the commits that a standing index lacks: the new ones, and where it has one that the master lacks, all.

        Then two machines may have folded at once, each replacing what the other had written.
        """
        if self._master is None or standing.sources.runs <= self._master.sources.runs:
            return new
        every = self._every_commit().get(number, ())
        return [commit for commit in every if commit.begin.run_uuid not in standing.sources.runs]

    def _load(self, number: int) -> tuple[SessionIndex | None, bool]:
        """Give what stands in the file, and whether it can be believed as it is."""
        path = self._indexes.layout.session_path(number)
        try:
            loaded = self._indexes.load_session(number, is_to_change=True)
        except NotFoundError:
            return None, False
        except IndexDamagedError as error:
            self.findings.append(damaged_index(path, error, self._indexes.backups.keep_damaged(path)))
            return None, False
        if loaded.is_intact is False:
            kept = self._indexes.backups.keep_damaged(path)
            self.findings.append(Finding(code="index-edited", path=path, facts={"kept": kept}))
            return loaded.index, False
        return loaded.index, True

    def _every_commit(self) -> Commits:
        if self._all_commits is None:
            self._all_commits = self._load_all_commits()
        return self._all_commits

    def _empty(self, number: int, commits: Sequence[Commit], sources: Sources) -> SessionIndex | None:
        """Give an index without files, headed as the first of its commits has it; None without commits."""
        if not commits:
            return None
        session = min(commits, key=lambda commit: commit.begin.started_at).end.session
        return SessionIndex(
            session=replace(session, number=number),
            storage_uuid=self._signature.storage_uuid,
            storage_directory=self._signature.directory_name,
            files={},
            photos={},
            sources=sources,
        )

    def _load_summaries(self) -> dict[int, SessionSummary]:
        try:
            overview = self._indexes.load_overview().index
        except (IndexDamagedError, NotFoundError):
            return {}
        return {summary.number: summary for summary in overview.sessions}

    def _skeleton(self, number: int) -> SessionIndex | None:
        """Give what the master still knows of a session whose index, backups and commits are all lost.

        Where the files are and which bytes they hold; capture times and the like stand in the pictures.
        """
        master, signature = self._master, self._signature
        if master is None:
            return None
        summary = self._summaries.get(number)
        found = [entry for entry in master.files.values() if entry.session_number == number]
        if not found:
            return None
        first = found[0]
        session = ImportSession(
            number=number,
            session_uuid=first.session_uuid,
            title=summary.title if summary is not None else f"Session {number}",
            description=summary.description if summary is not None else "",
            imported_at=summary.imported_at if summary is not None else first.imported_at,
        )
        return SessionIndex(
            session=session,
            storage_uuid=signature.storage_uuid,
            storage_directory=signature.directory_name,
            files={
                entry.hothash: FileEntry(
                    hothash=entry.hothash,
                    method=entry.method,
                    relative_path=entry.relative_path,
                    size_bytes=entry.size_bytes,
                    sha256=entry.sha256,
                    modified_ns=entry.modified_ns,
                    imported_at=entry.imported_at,
                    original_filename=entry.relative_path.name,
                    original_path=entry.relative_path.name,
                    photo_uuid=photo_uuid_of(entry.hothash, entry.method),
                    facts=PictureFacts(file_format="UNKNOWN"),
                    status=entry.status,
                    last_seen_at=entry.last_seen_at,
                    damage=entry.damage,
                    companions=entry.companions,
                    copies=tuple(copy for copy in entry.copies if copy.session_number == number),
                )
                for entry in found
            },
            photos={},
            sources=master.sources,
        )


def _numbers_in(master: MasterIndex | None) -> set[int]:
    if master is None:
        return set()
    numbers = {entry.session_number for entry in master.files.values()}
    return numbers | {copy.session_number for entry in master.files.values() for copy in entry.copies}
