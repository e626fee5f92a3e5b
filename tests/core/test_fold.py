"""Folding one session index, commit by commit and line by line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from imalink.core.finding import Finding
from imalink.core.fold import SessionFold
from imalink.core.ids import Hothash, PhotoUuid, RunUuid, SessionUuid, Sha256, StorageUuid, WriterId
from imalink.core.index import FileEntry, FileStatus, SessionIndex, Sources
from imalink.core.journal import (
    Commit,
    CompanionsChanged,
    FileCopied,
    FileDeleted,
    FileEdited,
    FileMissing,
    FileMoved,
    FileSeen,
    JournalLine,
    Observation,
    PhotoJoined,
    PhotoSplit,
    RunBegin,
    RunEnd,
    RunPlan,
    SessionEdited,
)
from imalink.core.photo import FieldClock
from imalink.core.relative_path import RelativePath
from imalink.core.session import ImportStatistics
from tests.support.indexes import (
    MODIFIED_NS,
    hash_of,
    make_companion,
    make_copy,
    make_entry,
    make_facts,
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


def deleted(path: RelativePath, session_uuid: SessionUuid | None = None) -> FileDeleted:
    return FileDeleted(
        hothash=A, session_uuid=session_uuid, path=path, deleted_at="2025-02-03T00:00:00Z", by="me", mode="missing",
        reason="not wanted",
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


def test_of_a_deleted_picture_a_tombstone_stays() -> None:
    index = folded(GONE, line(deleted(HERE)))
    assert (index.files, index.photos) == ({}, {})
    [tombstone] = index.deleted.values()
    entry = GONE.files[A]
    assert (tombstone.hothash, tombstone.sha256, tombstone.original_filename, tombstone.photo_uuid) == (
        A, entry.sha256, entry.original_filename, entry.photo_uuid
    )  # fmt: skip
    assert (tombstone.session_uuid, tombstone.deleted_at, tombstone.by, tombstone.mode, tombstone.reason) == (
        SESSION.session_uuid, "2025-02-03T00:00:00Z", "me", "missing", "not wanted"
    )  # fmt: skip


def test_a_deletion_of_a_file_that_is_elsewhere_by_now_changes_nothing() -> None:
    index = folded(ONE, line(moved(HERE, THERE), deleted(HERE)))
    assert [entry.relative_path for entry in index.files.values()] == [THERE]
    assert index.deleted == {}


def test_a_deleted_file_leaves_its_place_to_its_copy() -> None:
    index = folded(WITH_COPY, line(deleted(HERE)))
    assert [entry.relative_path for entry in index.files.values()] == ["photos/copy.jpg"]
    index = folded(WITH_COPY, line(deleted(RelativePath("photos/copy.jpg"))))
    assert [(entry.relative_path, entry.copies) for entry in index.files.values()] == [(HERE, ())]
    assert index.deleted == {}


def test_a_deletion_in_another_session_changes_nothing() -> None:
    index = folded(GONE, line(deleted(HERE, SessionUuid(uuid_of("x")))))
    assert (index.files, index.deleted) == (GONE.files, {})


def test_what_was_said_of_a_deleted_picture_waits_for_its_return() -> None:
    entry = GONE.files[A]
    rated = replace(GONE.photos[entry.photo_uuid], rating=5, clocks=_clocks(rating=1))
    index = folded(replace(GONE, photos={entry.photo_uuid: rated}), line(deleted(HERE)))
    assert index.photos[entry.photo_uuid].rating == 5
    index = folded(index, commit(make_entry("a", path=THERE)))
    assert (index.photos[entry.photo_uuid].rating, index.photos[entry.photo_uuid].files) == (5, (A,))
    assert index.deleted == {}


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


# --- photos ---------------------------------------------------------------------------------------------------------


RAW, JPEG, TIFF = make_entry("raw", facts=make_facts(file_format="RAW")), make_entry("j"), make_entry("t")
TOGETHER = JPEG.photo_uuid


def of_photo(entry: FileEntry, photo_uuid: PhotoUuid) -> FileEntry:
    return replace(entry, photo_uuid=photo_uuid)


def joined(*entries: FileEntry, into: PhotoUuid = TOGETHER) -> PhotoJoined:
    others = tuple({entry.photo_uuid for entry in entries} - {into})
    return PhotoJoined(photo_uuid=into, hothashes=tuple(entry.hothash for entry in entries), joined=others)


@pytest.mark.parametrize("order", [(RAW, JPEG), (JPEG, RAW)])
def test_what_shows_a_photo_best_is_its_primary_in_whichever_order_the_files_came(
    order: tuple[FileEntry, FileEntry],
) -> None:
    one, other = (of_photo(entry, TOGETHER) for entry in order)
    [photo] = folded(make_index(), commit(one, run="1"), commit(other, run="2")).photos.values()
    assert set(photo.files) == {RAW.hothash, JPEG.hothash}
    assert photo.primary == JPEG.hothash


def test_a_primary_that_the_user_chose_stays() -> None:
    index = make_index([of_photo(RAW, TOGETHER)])
    chosen = replace(index.photos[TOGETHER], clocks={"primary": FieldClock(counter=1, writer=WriterId("w"))})
    index = folded(replace(index, photos={TOGETHER: chosen}), commit(of_photo(JPEG, TOGETHER)))
    assert index.photos[TOGETHER].primary == RAW.hothash


def test_joined_photos_are_one_with_all_that_was_said_of_them() -> None:
    index = make_index([JPEG, RAW])
    said = {
        TOGETHER: replace(index.photos[TOGETHER], title="Old", tags=("rome",), clocks=_clocks(title=3, tags=1)),
        RAW.photo_uuid: replace(index.photos[RAW.photo_uuid], title="New", rating=4, clocks=_clocks(title=5, rating=2)),
    }
    index = folded(replace(index, photos=said), line(joined(JPEG, RAW)))
    [photo] = index.photos.values()
    assert {entry.photo_uuid for entry in index.files.values()} == {TOGETHER} == {photo.photo_uuid}
    assert (photo.title, photo.rating, photo.tags) == ("New", 4, ("rome",))
    assert (set(photo.files), photo.primary) == ({JPEG.hothash, RAW.hothash}, JPEG.hothash)


@pytest.mark.parametrize("is_kept_first", [True, False])
def test_a_word_taken_back_outranks_no_word_of_the_other_photo(is_kept_first: bool) -> None:
    index = make_index([JPEG, RAW])
    kept, other = (TOGETHER, RAW.photo_uuid) if is_kept_first else (RAW.photo_uuid, TOGETHER)
    said = {
        kept: replace(index.photos[kept], title="Keep me", rating=5, clocks=_clocks(title=3, rating=3)),
        other: replace(index.photos[other], clocks=_clocks(title=9, rating=9)),  # said once, and taken back
    }
    [photo] = folded(replace(index, photos=said), line(joined(JPEG, RAW))).photos.values()
    assert (photo.title, photo.rating) == ("Keep me", 5)


def test_a_word_taken_back_in_another_session_outranks_none_either() -> None:
    index = make_index([JPEG])
    said = {TOGETHER: replace(index.photos[TOGETHER], clocks=_clocks(title=9))}
    [photo] = folded(replace(index, photos=said), line(joined(JPEG, RAW))).photos.values()
    assert "title" not in photo.clocks


def test_a_join_tells_which_files_are_another_photos_now() -> None:
    fold = SessionFold(make_index([JPEG, RAW, TIFF]))
    fold.add_line(line(joined(JPEG, RAW)))
    assert RAW.hothash in fold.changed
    assert TIFF.hothash not in fold.changed


def test_a_join_of_files_of_other_sessions_changes_nothing() -> None:
    index = make_index([TIFF])
    assert folded(index, line(joined(JPEG, RAW))).photos == index.photos


def test_a_join_with_a_file_of_another_session_takes_what_was_said_along() -> None:
    index = make_index([RAW])
    index = replace(index, photos={RAW.photo_uuid: replace(index.photos[RAW.photo_uuid], rating=4)})
    [photo] = folded(index, line(joined(JPEG, RAW))).photos.values()
    assert (photo.photo_uuid, photo.rating, photo.files) == (TOGETHER, 4, (RAW.hothash,))


def test_a_file_split_off_is_a_photo_of_its_own_and_what_was_said_stays() -> None:
    index = folded(make_index(), commit(of_photo(JPEG, TOGETHER), of_photo(RAW, TOGETHER)))
    index = replace(index, photos={TOGETHER: replace(index.photos[TOGETHER], rating=4)})
    alone = PhotoUuid(uuid_of("alone"))
    index = folded(index, line(PhotoSplit(hothash=JPEG.hothash, photo_uuid=alone)))
    assert (index.photos[alone].files, index.photos[alone].rating) == ((JPEG.hothash,), None)
    assert (index.photos[TOGETHER].files, index.photos[TOGETHER].rating) == ((RAW.hothash,), 4)
    assert index.photos[TOGETHER].primary == RAW.hothash
    assert index.files[JPEG.hothash].photo_uuid == alone


def test_what_was_said_of_a_photo_stays_when_its_only_file_of_a_session_leaves_it() -> None:
    index = make_index([RAW])
    index = replace(index, photos={RAW.photo_uuid: replace(index.photos[RAW.photo_uuid], rating=4)})
    alone = PhotoUuid(uuid_of("alone"))
    index = folded(index, line(PhotoSplit(hothash=RAW.hothash, photo_uuid=alone)))
    assert (index.photos[RAW.photo_uuid].rating, index.photos[RAW.photo_uuid].files) == (4, ())
    assert index.photos[alone].files == (RAW.hothash,)


def test_the_last_word_counts_when_photos_are_joined_and_split() -> None:
    alone = PhotoUuid(uuid_of("alone"))
    split = PhotoSplit(hothash=RAW.hothash, photo_uuid=alone)
    again = PhotoJoined(photo_uuid=TOGETHER, hothashes=(JPEG.hothash, RAW.hothash), joined=(alone,))
    index = folded(make_index([JPEG, RAW]), line(joined(JPEG, RAW), split, again))
    assert list(index.photos) == [TOGETHER]
    assert set(index.photos[TOGETHER].files) == {JPEG.hothash, RAW.hothash}


def test_an_edited_file_stays_in_the_photo_it_was_joined_to() -> None:
    edited = make_entry("new", path=RAW.relative_path)
    edit = FileEdited(old_hothash=RAW.hothash, path=RAW.relative_path, entry=edited)
    index = folded(make_index([JPEG, RAW]), line(joined(JPEG, RAW)), line(edit, seq=2))
    assert index.files[edited.hothash].photo_uuid == TOGETHER
    assert set(index.photos[TOGETHER].files) == {JPEG.hothash, edited.hothash}


def _clocks(**counters: int) -> dict[str, FieldClock]:
    return {field: FieldClock(counter=counter, writer=WriterId("w")) for field, counter in counters.items()}


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
