"""Folding a storage: bring its session indexes, master, overview and signature in step with commits and journals.

Order of writing: session indexes with their manifests, then the overview, the master, the signature; so whatever is
interrupted is folded again from the older file's ``sources``. Damaged or edited indexes are kept and rebuilt.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from imalink.core.conflict import OrphanFile, PathMismatch
from imalink.core.finding import Finding
from imalink.core.fold import SessionFold
from imalink.core.ids import Hothash, RunUuid, WriterId
from imalink.core.index import (
    Extras,
    FileEntry,
    FileStatus,
    JournalPosition,
    MasterEntry,
    MasterIndex,
    Overview,
    ScanSummary,
    SessionIndex,
    Sources,
    VerificationSummary,
    merge_master_entry,
)
from imalink.core.journal import Commit, JournalLine, StorageVerified, operation_lines
from imalink.core.library import LibraryEdited
from imalink.core.operation import OperationLine, OrphansRestored
from imalink.core.restoring import restore_orphans
from imalink.core.session import ImportSession
from imalink.core.signature import Signature
from imalink.core.timestamps import Clock, format_instant
from imalink.errors import IndexDamagedError, NotFoundError
from imalink.storage.concerned import find_concerned
from imalink.storage.fs import StorageFiles
from imalink.storage.indexes import IndexFiles, damaged_index
from imalink.storage.journal import Journals
from imalink.storage.library import fold_library, library_edits
from imalink.storage.manifest import save_manifest
from imalink.storage.overview import OverviewFacts, build_overview
from imalink.storage.session_opening import OpenedSession, SessionOpener
from imalink.storage.staging import list_commits, load_commit


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldResult:
    """What a fold left: the master, its digest, and each session index it rewrote with the hothashes that changed.

    ``operations`` are the lines of operations that were new to the master, ``library`` what new lines say of authors,
    collections and saved searches. Of sessions in ``whole`` it is not known what else changed, tombstones that went
    included. ``base_digest`` is that of the master it began with, whose content ``sessions`` does not repeat unless
    the fold ``tells_all``.
    """

    master: MasterIndex
    master_digest: str
    overview: Overview
    signature: Signature
    sessions: Mapping[int, tuple[SessionIndex, frozenset[Hothash]]]
    whole: frozenset[int] = frozenset()
    operations: tuple[OperationLine, ...]
    findings: tuple[Finding, ...]
    library: tuple[LibraryEdited, ...] = ()
    base_digest: str | None = None
    tells_all: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldNotes:
    """What the caller adds to a fold: facts that stand in no commit or journal.

    ``orphans`` and ``mismatches`` None keep those of the last walk. ``scan`` and ``scanned_at`` are set by a re-index.
    ``base_path``, ``directory_name`` and ``storage_id`` are notes for readers of the overview.
    """

    base_path: str
    directory_name: str
    storage_id: int | None = None
    is_active: bool = True
    orphans: Sequence[OrphanFile] | None = None
    mismatches: Sequence[PathMismatch] | None = None
    scan: ScanSummary | None = None
    scanned_at: str | None = None

    def overview_facts(self) -> OverviewFacts:
        """Give what of this the overview says."""
        return OverviewFacts(
            base_path=self.base_path,
            directory_name=self.directory_name,
            storage_id=self.storage_id,
            is_active=self.is_active,
            scan=self.scan,
            scanned_at=self.scanned_at,
        )


class StorageFolder:
    """Folds one storage. The caller holds its lock."""

    def __init__(
        self, files: StorageFiles, *, indexes: IndexFiles, journals: Journals, signature: Signature, clock: Clock
    ) -> None:
        self._files = files
        self._indexes = indexes
        self._journals = journals
        self._signature = signature
        self._clock = clock
        self._findings: list[Finding] = []
        self._loaded: dict[int, SessionIndex] = {}
        self._master_extras: Extras = {}
        self._base_digest: str | None = None

    def fold(
        self,
        notes: FoldNotes,
        *,
        check_sessions: Collection[int] = (),
        is_anew: bool = False,
        known: MasterIndex | None = None,
        tells_all: bool = False,
    ) -> FoldResult:
        """Fold what is new; read the session indexes in ``check_sessions`` too and mend those that are damaged.

        ``is_anew`` believes no master: every index is written again from session indexes, commits and journals.
        ``known`` is the master as the caller found it sound; without it it is read. With ``tells_all`` the result has
        every session, and every manifest is written: another machine may have replaced any of them. Raises
        IndexChangedError when one does that meanwhile.
        """
        self._base_digest = self._indexes.claimed_master_digest()
        master = self._load_master() if known is None else known
        self._master_extras = master.extras if master is not None else self._master_extras
        if is_anew and master is not None:
            notes = replace(
                notes,
                orphans=master.orphans if notes.orphans is None else notes.orphans,
                mismatches=master.mismatches if notes.mismatches is None else notes.mismatches,
            )
            master = None
        known_runs = master.sources.runs if master is not None else frozenset[RunUuid]()
        commits = self._load_commits(run for run in list_commits(self._files) if run not in known_runs)
        new_lines = self._read_lines(master.sources.journals if master is not None else {})
        opener = SessionOpener(
            self._indexes,
            master=master,
            signature=self._signature,
            new_commits=commits,
            load_all_commits=lambda: self._load_commits(list_commits(self._files)),
        )
        observations = (each for line in new_lines for each in line.observations)
        numbers = {*find_concerned(observations, master, commits), *check_sessions, *opener.absent_numbers()}
        if master is None:
            numbers |= set(self._indexes.list_sessions())
        opened = {number: session for number in sorted(numbers) if (session := opener.open(number)) is not None}
        self._findings.extend(opener.findings)
        self._loaded.update({number: session.index for number, session in opened.items()})
        folds = self._replay(opened)
        sessions: dict[int, tuple[SessionIndex, frozenset[Hothash]]] = {}
        whole = set(self._indexes.list_sessions()) if tells_all else set[int]()
        generated_at = format_instant(self._clock.now())
        for number, fold in folds.items():
            changed = frozenset(fold.changed)
            # One that is ahead is told even if it holds no file: nobody else may know of that session yet.
            is_whole = opened[number].is_rebuilt or self._is_ahead(self._loaded[number], master)
            if is_whole:
                whole.add(number)
                changed |= set(self._loaded[number].files) | _known_of(number, master)
            if changed or is_whole or fold.is_head_changed or opened[number].commits:
                index = replace(fold.result(generated_at=generated_at), storage_directory=notes.directory_name)
                self._loaded[number] = index
                sessions[number] = (index, changed)
        for number in sorted(sessions):
            index = sessions[number][0]
            self._indexes.save_session(index)
            save_manifest(self._files, index)
        if tells_all:
            for number in self._indexes.list_sessions():
                index = self._session(number)
                if index is not None:
                    save_manifest(self._files, index)
                    sessions[number] = (index, frozenset(index.files) | _known_of(number, master))
        result = self._finish(notes, master, sessions, commits, new_lines, generated_at)
        is_all_told = tells_all or master is None
        return replace(result, whole=frozenset(whole), base_digest=self._base_digest, tells_all=is_all_told)

    @property
    def findings(self) -> Sequence[Finding]:
        """What was wrong so far."""
        return self._findings

    def _is_ahead(self, index: SessionIndex, master: MasterIndex | None) -> bool:
        """Tell whether a session index, as loaded, has what the master lacks: a fold stopped between the two."""
        if master is None:
            return True
        known = master.sources.journals
        return not index.sources.runs <= master.sources.runs or any(
            writer not in known or known[writer].seq < position.seq
            for writer, position in index.sources.journals.items()
        )

    # reading

    def _load_master(self) -> MasterIndex | None:
        try:
            loaded = self._indexes.load_master()
        except NotFoundError:
            self._findings.append(Finding(code="index-missing", path=self._indexes.layout.master_path))
            return None
        except IndexDamagedError as error:
            kept = self._indexes.backups.keep_damaged(self._indexes.layout.master_path)
            self._findings.append(damaged_index(self._indexes.layout.master_path, error, kept))
            return None
        self._base_digest = loaded.digest
        self._master_extras = loaded.index.extras
        if loaded.is_intact is not False:
            return loaded.index
        kept = self._indexes.backups.keep_damaged(self._indexes.layout.master_path)
        self._findings.append(Finding(code="index-edited", path=self._indexes.layout.master_path, facts={"kept": kept}))
        return None

    def _load_commits(self, runs: Iterable[RunUuid]) -> dict[int, list[Commit]]:
        commits: dict[int, list[Commit]] = defaultdict(list)
        for run in runs:
            try:
                commit = load_commit(self._files, run)
            except IndexDamagedError as error:
                self._findings.append(
                    Finding(code="journal-damaged", path=error.file, facts={"place": error.place, "why": error.reason})
                )
                continue
            commits[commit.begin.session.number].append(commit)
        return commits

    def _read_lines(self, positions: Mapping[WriterId, JournalPosition]) -> tuple[JournalLine, ...]:
        found = self._journals.read_after(positions)
        self._findings.extend(finding for finding in found.findings if finding not in self._findings)
        return found.lines

    # folding

    def _replay(self, opened: Mapping[int, OpenedSession]) -> dict[int, SessionFold]:
        """Apply commits and lines in the order in which they happened: by Lamport counter, lines first."""
        folds = {number: SessionFold(session.index) for number, session in opened.items()}
        if not folds:
            return folds
        lines = self._read_lines(_earliest([session.index.sources.journals for session in opened.values()]))
        pending = sorted(
            (
                (commit.begin.lamport, _when(commit), number, commit)
                for number, session in opened.items()
                for commit in session.commits
            ),
            key=lambda each: each[:3],
        )
        for line in lines:
            while pending and pending[0][0] < line.lamport:
                _, _, number, commit = pending.pop(0)
                folds[number].add_commit(commit)
            for fold in folds.values():
                fold.add_line(line)
        for _, _, number, commit in pending:
            folds[number].add_commit(commit)
        return folds

    # writing

    def _finish(
        self,
        notes: FoldNotes,
        master: MasterIndex | None,
        sessions: Mapping[int, tuple[SessionIndex, frozenset[Hothash]]],
        commits: Mapping[int, list[Commit]],
        lines: Sequence[JournalLine],
        at: str,
    ) -> FoldResult:
        new_master = self._merge(master, sessions, commits, lines, notes, at)
        overview, findings = build_overview(
            self._indexes,
            replace(notes.overview_facts(), verification=_last_verification(lines)),
            signature=self._signature,
            master=new_master,
            loaded=self._loaded,
            find_session=self._session,
        )
        self._findings.extend(findings)
        self._findings.extend(
            fold_library(self._files, lines, clock=self._clock, load_all_lines=lambda: self._read_lines({}))
        )
        self._indexes.save_overview(overview)
        # Last of the indexes: what the others say of a session is made again only as long as the master lacks it.
        digest = self._indexes.save_master(new_master)
        signature = replace(
            self._signature,
            last_indexed=at,
            photo_count=new_master.total_files,
            total_size_bytes=new_master.total_size_bytes,
            generation=self._signature.generation + 1,
        )
        return FoldResult(
            master=new_master,
            master_digest=digest,
            overview=overview,
            signature=signature,
            sessions=sessions,
            operations=operation_lines(lines),
            library=tuple(library_edits(lines)),
            findings=tuple(self._findings),
        )

    def _merge(
        self,
        master: MasterIndex | None,
        sessions: Mapping[int, tuple[SessionIndex, frozenset[Hothash]]],
        commits: Mapping[int, list[Commit]],
        lines: Sequence[JournalLine],
        notes: FoldNotes,
        at: str,
    ) -> MasterIndex:
        files: dict[Hothash, MasterEntry] = dict(master.files) if master is not None else {}
        changed: set[Hothash] = set()
        for _, hothashes in sessions.values():
            changed |= hothashes
        if master is None:
            for index in self._loaded.values():
                changed |= set(index.files)
        for hothash in changed:
            before = files.pop(hothash, None)
            numbers = {place.session_number for place in before.places()} if before is not None else set[int]()
            parts: list[tuple[ImportSession, FileEntry]] = []
            for number in sorted(numbers | set(self._loaded)):
                index = self._session(number)
                entry = index.files.get(hothash) if index is not None else None
                if index is not None and entry is not None:
                    parts.append((index.session, entry))
            if parts:
                files[hothash] = merge_master_entry(parts, indexed_at=at)
        orphans = notes.orphans if notes.orphans is not None else (master.orphans if master is not None else ())
        for line in lines:
            for observation in line.observations:
                if isinstance(observation, OrphansRestored):
                    orphans = restore_orphans(orphans, observation)
        if orphans and sessions:
            # Where a picture is missing another may stand, of which nobody else tells.
            indexed = {
                place.relative_path
                for entry in files.values()
                for place in entry.places()
                if place.status is FileStatus.PRESENT
            }
            orphans = [orphan for orphan in orphans if orphan.path not in indexed]
        mismatches = notes.mismatches
        if mismatches is None:
            mismatches = master.mismatches if master is not None else ()
        sources = master.sources if master is not None else Sources()
        positions = dict(sources.journals)
        for line in lines:
            positions[line.writer] = JournalPosition(seq=line.seq, digest=line.digest)
        runs = {commit.begin.run_uuid for found in commits.values() for commit in found}
        return MasterIndex(
            storage_uuid=self._signature.storage_uuid,
            files=files,
            orphans=tuple(sorted(orphans, key=lambda orphan: orphan.path)),
            mismatches=tuple(
                sorted((each for each in mismatches if _is_open(each, files)), key=lambda each: each.expected_path)
            ),
            sources=Sources(runs=sources.runs | runs, journals=positions),
            indexed_at=at,
            generation=(master.generation if master is not None else 0) + 1,
            extras=self._master_extras,
        )

    def _session(self, number: int) -> SessionIndex | None:
        if number not in self._loaded:
            try:
                self._loaded[number] = self._indexes.load_session(number).index
            except (NotFoundError, IndexDamagedError):
                return None
        return self._loaded[number]


def _last_verification(lines: Sequence[JournalLine]) -> VerificationSummary | None:
    """Give the verification of a whole storage that began last."""
    found = [
        each
        for line in lines
        for each in line.observations
        if isinstance(each, StorageVerified) and each.session_uuid is None
    ]
    if not found:
        return None
    last = max(found, key=lambda each: each.at)
    return VerificationSummary(at=last.at, depth=last.depth, checked=last.checked, ok=last.ok)


def _when(commit: Commit) -> tuple[str, str, str]:
    """Give what orders commits with equal counters. Of one second, what brought nothing comes first."""
    session = commit.end.session
    return commit.begin.started_at, session.copy_started_at or "", session.copy_completed_at or ""


def _earliest(positions: Sequence[Mapping[WriterId, JournalPosition]]) -> dict[WriterId, JournalPosition]:
    """Give for each writer the earliest position that all have reached; a writer unknown to one starts at its begin."""
    shared = set(positions[0]).intersection(*positions[1:])
    return {writer: min((each[writer] for each in positions), key=lambda at: at.seq) for writer in shared}


def _is_open(mismatch: PathMismatch, files: Mapping[Hothash, MasterEntry]) -> bool:
    """Tell whether the index still has the file where it does not stand."""
    entry = files.get(mismatch.hothash)
    known = () if entry is None else (*entry.places(), *entry.companions)
    return any(file.relative_path == mismatch.expected_path for file in known)


def _known_of(number: int, master: MasterIndex | None) -> set[Hothash]:
    """Give the hothashes of which the master knows a file of this session."""
    if master is None:
        return set()
    return {
        hothash
        for hothash, entry in master.files.items()
        if any(place.session_number == number for place in entry.places())
    }
