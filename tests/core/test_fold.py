"""Folding one session index, commit by commit and line by line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from imalink.core.finding import Finding
from imalink.core.fold import SessionFold
from imalink.core.ids import Hothash, RunUuid, SessionUuid, Sha256, StorageUuid, WriterId
from imalink.core.index import FileEntry, FileStatus, SessionIndex, Sources
from imalink.core.journal import (
    Commit,
    CompanionsChanged,
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
    SessionEdited,
)
from imalink.core.relative_path import RelativePath
from imalink.core.session import ImportStatistics
from tests.support.indexes import (
    MODIFIED_NS,
    hash_of,
    make_companion,
    make_copy,
    make_entry,
    make_index,
    make_session,
    uuid_of,
)

A, B = Hothash(hash_of("a")), Hothash(hash_of("b"))
HERE, THERE = RelativePath("photos/a.jpg"), RelativePath("photos/x/a.jpg")
SESSION = make_session()


def line(*observations: Observation, seq: int = 1, writer: str = "one", lamport: int | None = None) -> JournalLine:
    return JournalLine(
        writer=WriterId(uuid_of(writer)), seq=seq, lamport=seq if lamport is None else lamport, at="", prev="",
        digest=f"{seq:016}", observations=observations,
    )  # fmt: skip


def commit(*entries: FileEntry, run: str = "run", findings: tuple[Finding, ...] = (), title: str = "Italy") -> Commit:
    session = make_session(title=title)
    return Commit(
        begin=RunBegin(
            run_uuid=RunUuid(uuid_of(run)), storage_uuid=StorageUuid(uuid_of("storage")), session=session,
            writer=WriterId(uuid_of("one")), started_at=session.imported_at,
        ),
        plans=tuple(RunPlan(staged_name=f"{number}.part", entry=entry) for number, entry in enumerate(entries)),
        findings=findings,
        end=RunEnd(finished_at="", session=session, statistics=ImportStatistics(new_imports=len(entries))),
    )  # fmt: skip


def folded(index: SessionIndex, *parts: JournalLine | Commit) -> SessionIndex:
    fold = SessionFold(index)
    for part in parts:
        fold.add_line(part) if isinstance(part, JournalLine) else fold.add_commit(part)
    return fold.result(generated_at="now")


def moved(old: str, new: str, hothash: Hothash = A) -> FileMoved:
    return FileMoved(
        hothash=hothash, old_path=RelativePath(old), new_path=RelativePath(new), modified_ns=5, verified="hash"
    )


def seen(path: RelativePath, what: str = "other bytes", entry: FileEntry | None = None) -> FileSeen:
    return FileSeen(hothash=A, path=path, size_bytes=7, sha256=Sha256(hash_of(what)), modified_ns=9, entry=entry)


def missing(path: RelativePath) -> FileMissing:
    return FileMissing(hothash=A, path=path, last_seen_at="2025-01-01T00:00:00Z")


def copied(path: str, session_uuid: SessionUuid = SESSION.session_uuid) -> FileCopied:
    return FileCopied(
        hothash=A, path=RelativePath(path), session_uuid=session_uuid, size_bytes=7, sha256=Sha256(hash_of("copy")),
        modified_ns=9, imported_at="2025-01-01T00:00:00Z",
    )  # fmt: skip


ONE = make_index([make_entry("a", path=HERE)])
WITH_COPY = make_index([make_entry("a", path=HERE, copies=(make_copy("photos/copy.jpg", session=SESSION),))])
GONE = make_index([make_entry("a", path=HERE, status=FileStatus.MISSING, last_seen_at="2024-12-01T00:00:00Z")])


# --- commits --------------------------------------------------------------------------------------------------------


def test_a_commit_brings_files_photos_counts_and_findings() -> None:
    finding = Finding(code="not-a-picture", path="notes.txt")
    index = folded(make_index(), commit(make_entry("a"), make_entry("b"), findings=(finding,)))
    assert set(index.files) == {A, B}
    assert {photo.primary for photo in index.photos.values()} == {A, B}
    assert index.statistics.new_imports == 2
    assert index.findings == (finding,)
    assert index.sources.runs == {uuid_of("run")}


def test_two_runs_of_a_session_add_up() -> None:
    index = folded(make_index(), commit(make_entry("a"), run="1"), commit(make_entry("b"), run="2"))
    assert set(index.files) == {A, B}
    assert index.statistics.new_imports == 2


def test_two_versions_of_a_picture_in_a_commit_are_a_file_and_a_copy() -> None:
    index = folded(make_index(), commit(make_entry("a", path=HERE), make_entry("a", path=THERE, sha256=hash_of("x"))))
    [entry] = index.files.values()
    assert entry.relative_path == HERE
    assert [(copy.relative_path, copy.sha256) for copy in entry.copies] == [(THERE, hash_of("x"))]
    assert index.file_count == 2


def test_a_missing_picture_that_is_imported_again_is_present_with_the_photo_it_had() -> None:
    [old] = GONE.files.values()
    index = folded(GONE, commit(make_entry("a", path=THERE)))
    [entry] = index.files.values()
    assert (entry.relative_path, entry.status, entry.photo_uuid) == (THERE, FileStatus.PRESENT, old.photo_uuid)


def test_a_session_keeps_the_number_of_its_file() -> None:
    index = replace(make_index(), session=make_session(7, session_uuid=SESSION.session_uuid))
    assert folded(index, commit(make_entry("a"))).session.number == 7


# --- lines ----------------------------------------------------------------------------------------------------------


def test_a_move_gives_the_file_its_new_path() -> None:
    [entry] = folded(ONE, line(moved(HERE, THERE))).files.values()
    assert (entry.relative_path, entry.modified_ns, entry.status) == (THERE, 5, FileStatus.PRESENT)


def test_a_move_of_a_copy_leaves_the_main_file() -> None:
    [entry] = folded(WITH_COPY, line(moved("photos/copy.jpg", THERE))).files.values()
    assert (entry.relative_path, [copy.relative_path for copy in entry.copies]) == (HERE, [THERE])


def test_a_missing_file_found_elsewhere_is_present_there() -> None:
    [entry] = folded(GONE, line(moved(HERE, THERE))).files.values()
    assert (entry.relative_path, entry.status, entry.last_seen_at) == (THERE, FileStatus.PRESENT, None)


@pytest.mark.parametrize(
    "observation",
    [moved("photos/else.jpg", THERE), seen(THERE), missing(THERE), copied("photos/c.jpg", SessionUuid(uuid_of("x")))],
    ids=lambda each: type(each).__name__,
)
def test_a_line_about_another_file_of_the_picture_changes_nothing(observation: Observation) -> None:
    fold = SessionFold(ONE)
    fold.add_line(line(observation))
    assert fold.changed == set()
    assert fold.result(generated_at="").files == ONE.files


@pytest.mark.parametrize(
    "observation",
    [
        replace(moved(HERE, THERE), hothash=B), replace(seen(HERE), hothash=B), replace(missing(HERE), hothash=B),
        replace(copied("photos/c.jpg"), hothash=B),
        FileEdited(old_hothash=B, path=HERE, entry=make_entry("c")),
        CompanionsChanged(hothash=B, path=HERE, companions=()),
    ],
    ids=lambda each: type(each).__name__,
)  # fmt: skip
def test_a_line_about_a_picture_of_another_session_changes_nothing(observation: Observation) -> None:
    index = folded(ONE, line(observation))
    assert (index.files, index.photos) == (ONE.files, ONE.photos)
    assert index.sources.journals[WriterId(uuid_of("one"))].seq == 1


def test_seen_bytes_replace_what_was_known_of_the_file() -> None:
    [entry] = folded(ONE, line(seen(HERE))).files.values()
    assert (entry.size_bytes, entry.sha256, entry.modified_ns) == (7, hash_of("other bytes"), 9)


def test_a_missing_file_keeps_its_place_and_says_when_it_was_there() -> None:
    [entry] = folded(ONE, line(missing(HERE))).files.values()
    assert (entry.relative_path, entry.status) == (HERE, FileStatus.MISSING)
    assert entry.last_seen_at == "2025-01-01T00:00:00Z"


def test_a_copy_takes_the_place_of_a_main_file_that_is_gone() -> None:
    [entry] = folded(WITH_COPY, line(missing(HERE))).files.values()
    assert (entry.relative_path, entry.status, entry.copies) == ("photos/copy.jpg", FileStatus.PRESENT, ())
    assert entry.sha256 == hash_of("photos/copy.jpg")


def test_a_copy_that_is_gone_is_no_copy_any_more() -> None:
    [entry] = folded(WITH_COPY, line(missing(RelativePath("photos/copy.jpg")))).files.values()
    assert (entry.relative_path, entry.status, entry.copies) == (HERE, FileStatus.PRESENT, ())


def test_a_copy_is_kept_with_its_sessions_file() -> None:
    [entry] = folded(ONE, line(copied("photos/c.jpg"))).files.values()
    assert [copy.relative_path for copy in entry.copies] == ["photos/c.jpg"]


def test_an_edited_picture_goes_on_under_its_new_hothash_with_what_it_had() -> None:
    old = make_entry("a", path=HERE, companions=(make_companion("photos/a.xmp"),))
    index = replace(make_index([old]), extras={f"files.{A}": {"stars": 3}, f"files.{A}.camera": {"x": 1}})
    index = folded(index, line(FileEdited(old_hothash=A, path=HERE, entry=make_entry("b", path=HERE))))
    [entry] = index.files.values()
    assert (entry.hothash, entry.photo_uuid, entry.previous_hothashes) == (B, old.photo_uuid, (A,))
    assert (entry.original_filename, entry.imported_at) == (old.original_filename, old.imported_at)
    assert entry.companions == old.companions
    [photo] = index.photos.values()
    assert (photo.photo_uuid, photo.files, photo.primary) == (old.photo_uuid, (B,), B)
    assert index.extras == {f"files.{B}": {"stars": 3}, f"files.{B}.camera": {"x": 1}}


def test_an_edited_main_file_leaves_its_copies_to_the_old_picture() -> None:
    index = folded(WITH_COPY, line(FileEdited(old_hothash=A, path=HERE, entry=make_entry("b", path=HERE))))
    assert {hothash: entry.relative_path for hothash, entry in index.files.items()} == {
        A: "photos/copy.jpg", B: HERE
    }  # fmt: skip
    [photo] = index.photos.values()
    assert set(photo.files) == {A, B}


def test_an_edited_copy_becomes_a_file_of_the_same_photo() -> None:
    path = RelativePath("photos/copy.jpg")
    index = folded(WITH_COPY, line(FileEdited(old_hothash=A, path=path, entry=make_entry("b", path=path))))
    assert {hothash: entry.relative_path for hothash, entry in index.files.items()} == {A: HERE, B: path}
    assert index.files[A].copies == ()
    [photo] = index.photos.values()
    assert set(photo.files) == {A, B}


def test_companions_are_those_last_told() -> None:
    companions = (make_companion("photos/a.xmp"),)
    [entry] = folded(ONE, line(CompanionsChanged(hothash=A, path=HERE, companions=companions))).files.values()
    assert entry.companions == companions


def test_a_session_takes_its_new_title_and_keeps_the_rest() -> None:
    edited = SessionEdited(session_uuid=SESSION.session_uuid, session_number=42, title="Rome")
    session = folded(ONE, line(edited)).session
    assert (session.title, session.description) == ("Rome", SESSION.description)


def test_another_sessions_title_is_not_taken() -> None:
    edited = SessionEdited(session_uuid=SessionUuid(uuid_of("x")), session_number=42, title="Rome")
    assert folded(ONE, line(edited)).session == ONE.session


# --- applying again -------------------------------------------------------------------------------------------------


def test_a_commit_counts_once() -> None:
    once = folded(make_index(), commit(make_entry("a")))
    assert replace(folded(once, commit(make_entry("a"))), generation=once.generation) == once


def test_a_line_that_is_contained_already_is_not_applied_again() -> None:
    index = folded(ONE, line(moved(HERE, THERE), seq=1), line(moved(THERE, "photos/b.jpg"), seq=2))
    again = folded(index, line(moved("photos/b.jpg", "photos/c.jpg"), seq=2))
    assert [entry.relative_path for entry in again.files.values()] == ["photos/b.jpg"]


def test_writers_are_counted_apart() -> None:
    index = folded(ONE, line(moved(HERE, THERE), writer="one"), line(moved(THERE, "photos/b.jpg"), writer="two"))
    assert [entry.relative_path for entry in index.files.values()] == ["photos/b.jpg"]
    assert {position.seq for position in index.sources.journals.values()} == {1}
    assert len(index.sources.journals) == 2


def test_changed_names_what_came_changed_and_went() -> None:
    fold = SessionFold(make_index([make_entry("a", path=HERE), make_entry("c")]))
    fold.add_commit(commit(make_entry("d")))
    fold.add_line(line(FileEdited(old_hothash=A, path=HERE, entry=make_entry("b", path=HERE))))
    assert fold.changed == {A, B, hash_of("d")}


def test_a_result_counts_one_generation_and_leaves_the_old_index_alone() -> None:
    before = replace(ONE, sources=Sources())
    after = folded(before, line(moved(HERE, THERE)))
    assert after.generation == before.generation + 1
    assert after.generated_at == "now"
    assert [entry.relative_path for entry in before.files.values()] == [HERE]
    assert [entry.modified_ns for entry in before.files.values()] == [MODIFIED_NS]
