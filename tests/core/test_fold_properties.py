"""Random users against a model folder: index and disk agree after every look, however the folding is cut in pieces."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imalink.core.comparison import FileRole, KnownFile, compare, known_files, moves_by_inode
from imalink.core.conflict import OrphanFile
from imalink.core.fold import SessionFold
from imalink.core.ids import Hothash, RunUuid, SessionUuid, Sha256, StorageUuid, WriterId
from imalink.core.index import (
    FileEntry,
    FileStatus,
    JournalPosition,
    MasterIndex,
    SessionIndex,
    Sources,
    merge_master_entry,
)
from imalink.core.journal import (
    Commit,
    FileCopied,
    FileEdited,
    FileMissing,
    FileMoved,
    FileSeen,
    JournalLine,
    Observation,
    RunBegin,
    RunEnd,
    RunPlan,
)
from imalink.core.picture import Fingerprint
from imalink.core.reconcile import reconcile
from imalink.core.relative_path import RelativePath
from imalink.core.scan import ScannedFile
from imalink.core.session import ImportStatistics
from tests.support.indexes import JPEG_METHOD, hash_of, make_entry, make_index, make_session, uuid_of

NAMES = [f"photos/{folder}{name}.jpg" for folder in ("", "x/") for name in "abcdef"]
AT = "2024-10-18T15:00:00Z"


@dataclass(frozen=True)
class File:
    """A picture's file in the model: which picture, with which metadata, when written, which inode."""

    picture: int
    metadata: int
    modified_ns: int
    inode: int

    @property
    def hothash(self) -> Hothash:
        return Hothash(hash_of(f"picture {self.picture}"))

    @property
    def sha256(self) -> Sha256:
        return Sha256(hash_of(f"bytes {self.picture} {self.metadata}"))

    @property
    def size_bytes(self) -> int:
        return 1000 + self.picture

    def fingerprint(self) -> Fingerprint:
        return Fingerprint(hothash=self.hothash, method=JPEG_METHOD, sha256=self.sha256, size_bytes=self.size_bytes)

    def entry(self, path: str, imported_at: str) -> FileEntry:
        return replace(
            make_entry(f"picture {self.picture}", path=path, imported_at=imported_at),
            sha256=self.sha256,
            size_bytes=self.size_bytes,
            modified_ns=self.modified_ns,
        )


@dataclass
class World:
    """A folder, its commits and journals, and the session indexes as folded so far."""

    has_inodes: bool
    folder: dict[str, File] = field(default_factory=dict[str, File])
    trash: list[File] = field(default_factory=list[File])
    commits: list[Commit] = field(default_factory=list[Commit])
    lines: list[JournalLine] = field(default_factory=list[JournalLine])
    sessions: dict[int, SessionIndex] = field(default_factory=dict[int, SessionIndex])
    orphans: tuple[OrphanFile, ...] = ()
    inodes: dict[RelativePath, int] = field(default_factory=dict[RelativePath, int])
    ticks: int = 0
    pictures: int = 0

    def tick(self) -> int:
        self.ticks += 1
        return self.ticks

    def new_file(self, picture: int | None = None, metadata: int = 0) -> File:
        if picture is None:
            self.pictures += 1
            picture = self.pictures
        return File(picture, metadata, modified_ns=self.tick() * 10**9, inode=self.tick())

    # what a user does

    def act(self, action: str, first: int, second: int) -> None:
        names = sorted(self.folder)
        free = [name for name in NAMES if name not in self.folder]
        here = names[first % len(names)] if names else None
        there = free[second % len(free)] if free else None
        if action == "add" and there:
            self.folder[there] = self.new_file()
        elif action == "restore" and there and self.trash:
            old = self.trash[first % len(self.trash)]
            self.folder[there] = replace(old, inode=self.tick())
        elif here is None:
            return
        elif action == "move" and there:
            self.folder[there] = self.folder.pop(here)
        elif action == "swap":
            other = names[second % len(names)]
            self.folder[here], self.folder[other] = self.folder[other], self.folder[here]
        elif action == "rotate" and len(names) >= 3:
            three = [names[(first + step) % len(names)] for step in range(3)]
            files = [self.folder[name] for name in three]
            for name, file in zip(three, [*files[1:], files[0]], strict=True):
                self.folder[name] = file
        elif action == "copy" and there:
            file = self.folder[here]
            self.folder[there] = replace(file, modified_ns=self.tick() * 10**9, inode=self.tick())
        elif action == "overwrite":
            other = names[second % len(names)]
            self.trash.append(self.folder[other])
            self.folder[other] = replace(self.folder[here], modified_ns=self.tick() * 10**9, inode=self.tick())
        elif action == "delete":
            self.trash.append(self.folder.pop(here))
        elif action == "rate":
            file = self.folder[here]
            self.folder[here] = replace(file, metadata=self.tick(), modified_ns=self.tick() * 10**9)
        elif action == "edit":
            self.trash.append(self.folder[here])
            self.folder[here] = self.new_file()
        elif action == "touch":
            self.folder[here] = replace(self.folder[here], modified_ns=self.tick() * 10**9)

    # what ImaLink does

    def import_(self, count: int, version_of: int) -> None:
        """Bring pictures in as a new session; one of them may be another version of a known picture."""
        free = [name for name in NAMES if name not in self.folder][:count]
        number = len(self.sessions) + 1
        at = f"2024-10-18T14:{number:02}:00Z"
        session = make_session(number, imported_at=at)
        plans: list[RunPlan] = []
        for position, name in enumerate(free):
            is_version = position == 0 and version_of and version_of <= self.pictures
            file = self.new_file(version_of if is_version else None, metadata=self.tick() if is_version else 0)
            self.folder[name] = file
            plans.append(RunPlan(staged_name=f"{position}.part", entry=file.entry(name, at)))
        lamport = self.lines[-1].lamport if self.lines else 0
        commit = Commit(
            begin=RunBegin(
                run_uuid=RunUuid(uuid_of(f"run {number}")),
                storage_uuid=StorageUuid(uuid_of("storage")),
                session=session,
                writer=WriterId(uuid_of("writer")),
                started_at=at,
                lamport=lamport,
            ),
            plans=tuple(plans),
            findings=(),
            end=RunEnd(finished_at=at, session=session, statistics=ImportStatistics(new_imports=len(plans))),
        )
        self.commits.append(commit)
        # A session begins where the journals are: what they said before cannot concern it.
        fold = SessionFold(replace(self.empty(number), sources=self._all_positions()))
        fold.add_commit(commit)
        self.sessions[number] = fold.result(generated_at=AT)
        taken = {plan.entry.relative_path for plan in plans}
        self.orphans = tuple(orphan for orphan in self.orphans if orphan.path not in taken)

    def _all_positions(self) -> Sources:
        return Sources(journals={line.writer: JournalPosition(seq=line.seq, digest=line.digest) for line in self.lines})

    def empty(self, number: int) -> SessionIndex:
        return replace(make_index(session=self.commits[number - 1].end.session), statistics=ImportStatistics())

    def master(self) -> MasterIndex:
        hothashes = {hothash for index in self.sessions.values() for hothash in index.files}
        return MasterIndex(
            storage_uuid=StorageUuid(uuid_of("storage")),
            files={
                hothash: merge_master_entry(
                    [
                        (index.session, index.files[hothash])
                        for _, index in sorted(self.sessions.items())
                        if hothash in index.files
                    ],
                    indexed_at=AT,
                )
                for hothash in hothashes
            },
            orphans=self.orphans,
        )

    def reindex(self) -> None:
        """Look, explain, write a line, fold it: as the workflow does, without its files."""
        seen = {
            RelativePath(path): ScannedFile(RelativePath(path), file.size_bytes, file.modified_ns, file.inode, 1)
            for path, file in self.folder.items()
        }
        comparison = compare(known_files(self.master(), self.inodes if self.has_inodes else {}), seen, reread_all=False)
        inode_moves = {
            path: file
            for path, file in moves_by_inode(comparison).items()
            if self.has_inodes and file.role is not FileRole.ORPHAN
        }
        wanted = [*comparison.changed, *(path for path in comparison.appeared if path not in inode_moves)]
        outcome = reconcile(
            comparison,
            {path: self.folder[path].fingerprint() for path in wanted},
            seen,
            inode_moves=inode_moves,
        )
        assert outcome.unreadable == ()
        assert outcome.damaged == ()
        observations: list[Observation] = []

        def seen_at(known: KnownFile, path: RelativePath, fingerprint: Fingerprint) -> FileSeen:
            return FileSeen(
                hothash=fingerprint.hothash, session_uuid=known.session_uuid, path=path,
                size_bytes=fingerprint.size_bytes, sha256=fingerprint.sha256, modified_ns=seen[path].modified_ns,
            )  # fmt: skip

        for move in outcome.moves:
            assert move.known.hothash is not None
            observations.append(
                FileMoved(
                    hothash=move.known.hothash,
                    session_uuid=move.known.session_uuid,
                    old_path=move.known.path,
                    new_path=move.new_path,
                    modified_ns=seen[move.new_path].modified_ns,
                    verified="hash",
                )  # fmt: skip
            )
            if move.fingerprint is not None and move.fingerprint.sha256 != move.known.sha256:
                observations.append(seen_at(move.known, move.new_path, move.fingerprint))
        lost = [old for old, _ in outcome.promoted]
        observations.extend(_missing(lost))
        observations.extend(seen_at(edit.known, edit.path, edit.fingerprint) for edit in outcome.metadata_edits)
        for edit in outcome.content_edits:
            assert edit.known.hothash is not None
            entry = self.folder[edit.path].entry(edit.path, AT)
            observations.append(FileEdited(old_hothash=edit.known.hothash, path=edit.path, entry=entry))
        for edit in (*outcome.touched, *outcome.returned):
            observations.append(seen_at(edit.known, edit.path, edit.fingerprint))
        for copy in outcome.copies:
            assert copy.of.session_uuid is not None
            observations.append(
                FileCopied(
                    hothash=copy.fingerprint.hothash,
                    path=copy.path,
                    session_uuid=copy.of.session_uuid,
                    size_bytes=copy.fingerprint.size_bytes,
                    sha256=copy.fingerprint.sha256,
                    modified_ns=seen[copy.path].modified_ns,
                    imported_at=f"2025-01-01T00:00:00.{self.tick():06}Z",
                )  # fmt: skip
            )
        observations.extend(_missing((*outcome.missing, *outcome.lost_copies)))
        known_orphans = {orphan.path: orphan for orphan in self.orphans}
        self.orphans = tuple(
            [orphan for path, orphan in known_orphans.items() if path in comparison.unchanged]
            + [
                OrphanFile(
                    path=path,
                    size_bytes=seen[path].size_bytes,
                    modified_ns=seen[path].modified_ns,
                    detected_at=AT,
                    fingerprint=fingerprint,
                )  # fmt: skip
                for path, fingerprint in outcome.orphans.items()
            ]
        )
        if observations:
            self.append(observations)
        self.inodes = {path: file.inode for path, file in seen.items()}

    def append(self, observations: list[Observation]) -> None:
        seq = len(self.lines) + 1
        line = JournalLine(
            writer=WriterId(uuid_of("writer")), seq=seq, lamport=seq, at=AT, prev="", digest=f"{seq:016}",
            observations=tuple(observations),
        )  # fmt: skip
        self.lines.append(line)
        for number, index in self.sessions.items():
            fold = SessionFold(index)
            fold.add_line(line)
            self.sessions[number] = fold.result(generated_at=AT)

    # what must hold

    def from_scratch(self, number: int, *, times: int = 1) -> SessionIndex:
        """Fold everything anew, in the order of storage.fold: a commit goes behind the lines it knew of."""
        fold = SessionFold(self.empty(number))
        commit = self.commits[number - 1]
        for line in [line for line in self.lines if line.lamport <= commit.begin.lamport]:
            fold.add_line(line)
        for _ in range(times):
            fold.add_commit(commit)
        for line in [line for line in self.lines if line.lamport > commit.begin.lamport]:
            for _ in range(times):
                fold.add_line(line)
        return fold.result(generated_at=AT)

    def check(self) -> None:
        """Every file is where the index says, and the index says where every file is."""
        told: dict[str, tuple[Hothash, Sha256]] = {}
        for hothash, entry in self.master().files.items():
            for place in entry.places():
                if place.status is FileStatus.PRESENT:
                    assert place.relative_path not in told, f"{place.relative_path} is told twice"
                    told[place.relative_path] = (hothash, place.sha256)
        orphans = {str(orphan.path) for orphan in self.orphans}
        assert not orphans & told.keys()
        assert orphans | told.keys() == self.folder.keys()
        for path, (hothash, sha256) in told.items():
            assert (hothash, sha256) == (self.folder[path].hothash, self.folder[path].sha256), path


def _missing(files: Iterable[KnownFile]) -> list[Observation]:
    return [
        FileMissing(hothash=file.hothash, session_uuid=file.session_uuid, path=file.path, last_seen_at=AT)
        for file in files
        if file.hothash is not None
    ]


def settled(index: SessionIndex) -> SessionIndex:
    """Without what may differ: how often it was written."""
    return replace(index, generation=0)


ACTIONS = st.tuples(
    st.sampled_from(
        [
            "add",
            "restore",
            "move",
            "move",
            "swap",
            "rotate",
            "copy",
            "copy",
            "overwrite",
            "delete",
            "rate",
            "edit",
            "touch",
        ]
    ),
    st.integers(0, 11),
    st.integers(0, 11),
)
Action = tuple[str, int, int]
Rounds = list[list[Action] | tuple[int, int]]
"""A list of actions before a look; a pair is an import of so many pictures, one perhaps a version of a known one."""

ROUNDS: st.SearchStrategy[Rounds] = st.lists(
    st.one_of(st.lists(ACTIONS, max_size=5), st.tuples(st.integers(0, 4), st.just(0))), max_size=8
)


def play(rounds: Rounds, *, has_inodes: bool) -> World:
    world = World(has_inodes=has_inodes)
    world.import_(5, 0)
    world.reindex()
    world.check()
    for each in rounds:
        if isinstance(each, tuple):
            world.import_(*each)
        else:
            for action in each:
                world.act(*action)
        world.reindex()
        world.check()
    return world


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rounds=ROUNDS, has_inodes=st.booleans())
def test_index_and_folder_agree_whatever_the_user_does(rounds: Rounds, has_inodes: bool) -> None:
    play(rounds, has_inodes=has_inodes)


def test_a_picture_imported_again_at_its_old_place_may_come_back_elsewhere_too() -> None:
    play([[("delete", 1, 0)], (1, 2), [("restore", 0, 0)]], has_inodes=False)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rounds=ROUNDS)
def test_folding_line_by_line_equals_folding_everything_anew(rounds: Rounds) -> None:
    world = play(rounds, has_inodes=False)
    for number, index in world.sessions.items():
        assert settled(world.from_scratch(number)) == settled(index)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rounds=ROUNDS)
def test_applying_everything_three_times_equals_once(rounds: Rounds) -> None:
    world = play(rounds, has_inodes=False)
    for number in world.sessions:
        assert world.from_scratch(number, times=3) == world.from_scratch(number)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rounds=ROUNDS)
def test_a_second_look_finds_nothing_new(rounds: Rounds) -> None:
    world = play(rounds, has_inodes=False)
    lines = len(world.lines)
    world.reindex()
    assert len(world.lines) == lines


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rounds=ROUNDS, places=st.permutations(range(4)))
def test_lines_about_different_files_commute_between_writers(rounds: Rounds, places: list[int]) -> None:
    world = play(rounds, has_inodes=False)
    entries = [entry for entry in world.sessions[1].files.values() if entry.status is FileStatus.PRESENT][:4]
    lines = [
        JournalLine(
            writer=WriterId(uuid_of(f"writer {number}")),
            seq=1,
            lamport=100 + number,
            at=AT,
            prev="",
            digest="",
            observations=(
                FileMoved(
                    hothash=entry.hothash,
                    old_path=entry.relative_path,
                    new_path=RelativePath(f"photos/moved/{number}.jpg"),
                    modified_ns=1,
                    verified="hash",
                ),
            ),
        )  # fmt: skip
        for number, entry in enumerate(entries)
    ]
    results: list[SessionIndex] = []
    for order in (range(4), places):
        fold = SessionFold(world.sessions[1])
        for place in order:
            if place < len(lines):
                fold.add_line(lines[place])
        results.append(fold.result(generated_at=AT))
    assert results[0] == results[1]
    assert all(one.session == other.session for one, other in pairwise(results))
    assert SessionUuid(results[0].session.session_uuid) == world.sessions[1].session.session_uuid
