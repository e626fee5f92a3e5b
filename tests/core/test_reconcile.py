"""Re-index decisions as tables: what the index knew, what the walk saw, what is said to have happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from imalink.core.comparison import Comparison, FileRole, compare, known_files, moves_by_inode
from imalink.core.conflict import OrphanFile
from imalink.core.ids import Hothash, Sha256, StorageUuid
from imalink.core.index import FileEntry, FileStatus, MasterIndex, merge_master_entry
from imalink.core.picture import Fingerprint
from imalink.core.reconcile import Reconciliation, reconcile
from imalink.core.relative_path import RelativePath
from imalink.core.scan import ScannedFile
from imalink.core.suspicious_loss import LARGE_SHARE, MANY_FILES, WHOLE_FOLDER_FILES, suspicious_loss
from tests.support.indexes import (
    JPEG_METHOD,
    hash_of,
    make_companion,
    make_copy,
    make_entry,
    make_session,
    uuid_of,
)

# A picture is written as "A" or, with other metadata, "A1". What the index knows was written at time 1.
Folder = Mapping[str, str]


def p(name: str) -> RelativePath:
    return RelativePath(f"photos/{name}")


def fingerprint(what: str) -> Fingerprint:
    return Fingerprint(
        hothash=Hothash(hash_of(what[0])), method=JPEG_METHOD, sha256=Sha256(hash_of(what)), size_bytes=100
    )


def master(known: Folder, *, missing: Folder | None = None, copies: Folder | None = None) -> MasterIndex:
    """An index of main files, missing main files, and copies, all of one session; a copy's picture has a main file."""
    session = make_session(1)
    entries: dict[str, FileEntry] = {}
    for folder, status in ((known, FileStatus.PRESENT), (missing or {}, FileStatus.MISSING)):
        for name, what in folder.items():
            entries[what[0]] = replace(
                make_entry(what[0], path=p(name), sha256=hash_of(what), size_bytes=100, modified_ns=1, status=status),
            )
    for name, what in (copies or {}).items():
        copy = replace(
            make_copy(p(name), session=session, size_bytes=100),
            sha256=Sha256(hash_of(what)),
            modified_ns=1,
            imported_at="2030-01-01T00:00:00Z",
        )
        entries[what[0]] = replace(entries[what[0]], copies=(*entries[what[0]].copies, copy))
    return MasterIndex(
        storage_uuid=StorageUuid(uuid_of("storage")),
        files={
            entry.hothash: merge_master_entry([(session, entry)], indexed_at="2024-01-01T00:00:00Z")
            for entry in entries.values()
        },
    )


def seen(folder: Folder, *, at: Mapping[str, int] | None = None) -> dict[RelativePath, ScannedFile]:
    """What the walk saw; a file in ``at`` was written at that time, others at time 2 so that they are looked into."""
    return {p(name): ScannedFile(p(name), 100, (at or {}).get(name, 2), 0, 0) for name in folder}


def explain(index: MasterIndex, folder: Folder, *, unwritten: tuple[str, ...] = ()) -> Reconciliation:
    there = seen(folder, at=dict.fromkeys(unwritten, 1))
    comparison = compare(known_files(index), there, reread_all=False)
    wanted = {*comparison.changed, *comparison.appeared}
    return reconcile(
        comparison, {p(name): fingerprint(what) for name, what in folder.items() if p(name) in wanted}, there
    )


def told(outcome: Reconciliation) -> set[str]:
    """The outcome as words."""
    words = {f"{move.known.path.name} moved to {move.new_path.name}" for move in outcome.moves}
    words |= {f"{edit.path.name} has new metadata" for edit in outcome.metadata_edits}
    words |= {f"{edit.path.name} was edited" for edit in outcome.content_edits}
    words |= {f"{edit.path.name} was touched" for edit in outcome.touched}
    words |= {f"{edit.path.name} returned" for edit in outcome.returned}
    words |= {f"{edit.path.name} is damaged" for edit in outcome.damaged}
    words |= {f"{copy.path.name} is a copy" for copy in outcome.copies}
    words |= {f"{file.path.name} is missing" for file in outcome.missing}
    words |= {f"{heir.path.name} takes the place of {old.path.name}" for old, heir in outcome.promoted}
    words |= {f"the copy {file.path.name} is gone" for file in outcome.lost_copies}
    words |= {f"{path.name} is new" for path in outcome.orphans}
    words |= {f"{path.name} cannot be read" for path in outcome.unreadable}
    return words


CASES: dict[str, tuple[MasterIndex, Folder, set[str]]] = {
    "nothing": (master({"a": "A"}), {"a": "A"}, {"a was touched"}),
    "renamed": (master({"a": "A"}), {"b": "A"}, {"a moved to b"}),
    "renamed and rated": (master({"a": "A"}), {"b": "A1"}, {"a moved to b"}),
    "swapped": (master({"a": "A", "b": "B"}), {"a": "B", "b": "A"}, {"a moved to b", "b moved to a"}),
    "edited, and copied since under a later name": (
        master({"b": "A"}), {"b": "N", "c": "N"}, {"b was edited", "c is a copy"}
    ),
    "edited, and copied since to the place of one that was moved": (
        master({"a": "A", "b": "B"}), {"a": "N", "b": "N", "c": "A"}, {"a moved to c", "b was edited", "a is a copy"}
    ),
    "edited, and copied since under an earlier name": (
        master({"b": "A"}), {"a": "N", "b": "N"}, {"b was edited", "a is a copy"}
    ),
    "three in a circle": (
        master({"a": "A", "b": "B", "c": "C"}),
        {"a": "C", "b": "A", "c": "B"},
        {"a moved to b", "b moved to c", "c moved to a"},
    ),
    "a chain": (master({"a": "A", "b": "B"}), {"b": "A", "c": "B"}, {"a moved to b", "b moved to c"}),
    "rated in place": (master({"a": "A"}), {"a": "A1"}, {"a has new metadata"}),
    "edited in place": (master({"a": "A"}), {"a": "B"}, {"a was edited"}),
    "edited into a known picture": (
        master({"a": "A", "b": "B"}), {"a": "B", "b": "B"}, {"a is a copy", "b was touched", "a is missing"}
    ),
    "moved away and another put there": (
        master({"a": "A"}), {"a": "B", "x": "A"}, {"a moved to x", "a is new"}
    ),
    "copied": (master({"a": "A"}), {"a": "A", "b": "A"}, {"a was touched", "b is a copy"}),
    "copied and rated": (master({"a": "A"}), {"a": "A", "b": "A1"}, {"a was touched", "b is a copy"}),
    "copied twice, then the source deleted": (
        master({"a": "A"}), {"b": "A", "c": "A"}, {"a moved to b", "c is a copy"}
    ),
    "the copy stays, the source goes": (
        master({"a": "A"}, copies={"b": "A"}), {"b": "A"}, {"b was touched", "b takes the place of a"}
    ),
    "the copy moves, the source goes": (
        master({"a": "A"}, copies={"b": "A"}), {"c": "A"}, {"a moved to c", "the copy b is gone"}
    ),
    "the source stays, the copy goes": (
        master({"a": "A"}, copies={"b": "A"}), {"a": "A"}, {"a was touched", "the copy b is gone"}
    ),
    "both go": (master({"a": "A"}, copies={"b": "A"}), {}, {"a is missing", "b is missing"}),
    "deleted": (master({"a": "A", "b": "B"}), {"b": "B"}, {"b was touched", "a is missing"}),
    "still missing": (master({}, missing={"a": "A"}), {}, set()),
    "returned to its place": (master({}, missing={"a": "A"}), {"a": "A"}, {"a returned"}),
    "returned to its place, rated": (master({}, missing={"a": "A"}), {"a": "A1"}, {"a has new metadata"}),
    "returned elsewhere": (master({}, missing={"a": "A"}), {"x": "A"}, {"a moved to x"}),
    "another file where a missing one was": (master({}, missing={"a": "A"}), {"a": "B"}, {"a is new"}),
    "a known file where a missing one was": (
        master({"b": "B"}, missing={"a": "A"}), {"a": "B"}, {"b moved to a"}
    ),
    "a missing one returns behind the file that took its name": (
        master({"a": "B"}, missing={"a": "A"}), {"a": "A", "b": "B"}, {"a moved to b", "a returned"}
    ),
    "a missing one returns elsewhere, its name still taken": (
        master({"a": "B"}, missing={"a": "A"}), {"a": "B", "x": "A"}, {"a was touched", "a moved to x"}
    ),
    "new": (master({}), {"a": "A"}, {"a is new"}),
    "two new ones alike": (master({}), {"a": "A", "b": "A"}, {"a is new", "b is new"}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_happened_is_told(case: str) -> None:
    index, folder, words = CASES[case]
    assert told(explain(index, folder)) == words


def test_bytes_that_changed_while_size_and_time_did_not_are_damage() -> None:
    there = seen({"a": "A1"}, at={"a": 1})
    comparison = compare(known_files(master({"a": "A"})), there, reread_all=True)
    assert told(reconcile(comparison, {p("a"): fingerprint("A1")}, there)) == {"a is damaged"}


def test_a_file_that_cannot_be_read_is_neither_missing_nor_changed() -> None:
    there = seen({"a": "A", "b": "B"})
    comparison = compare(known_files(master({"a": "A"})), there, reread_all=False)
    assert told(reconcile(comparison, {p("a"): None, p("b"): None}, there)) == {"a cannot be read", "b cannot be read"}


def test_what_the_walk_could_not_look_at_is_not_gone() -> None:
    comparison = compare(known_files(master({"a": "A"})), {}, reread_all=False, is_unseen=lambda path: path == p("a"))
    assert set(comparison.unreachable) == {p("a")}
    assert told(reconcile(comparison, {}, {})) == set()


def test_a_move_keeps_to_the_same_bytes_where_there_is_a_choice() -> None:
    outcome = explain(master({"a": "A"}, copies={"b": "A1"}), {"x": "A1", "y": "A"})
    assert told(outcome) == {"a moved to y", "b moved to x"}


def test_a_move_keeps_to_the_same_name_where_there_is_a_choice() -> None:
    index = master({"a.jpg": "A"}, copies={"b.jpg": "A"})
    there = seen({"x/b.jpg": "A", "y/a.jpg": "A"})
    comparison = compare(known_files(index), there, reread_all=False)
    outcome = reconcile(comparison, {path: fingerprint("A") for path in there}, there)
    assert {(move.known.path, move.new_path) for move in outcome.moves} == {
        (p("a.jpg"), p("y/a.jpg")), (p("b.jpg"), p("x/b.jpg"))
    }  # fmt: skip


def test_every_file_of_the_index_has_its_role() -> None:
    index = master({"a": "A"}, copies={"b": "A"}, missing={"c": "C"})
    files = dict(index.files)
    [hothash] = [entry.hothash for entry in files.values() if entry.relative_path == p("a")]
    files[hothash] = files[hothash]._replace(companions=(make_companion("photos/a.xmp"),))
    orphan = OrphanFile(path=p("new"), size_bytes=1, modified_ns=1, detected_at="", fingerprint=None)
    known = known_files(replace(index, files=files, orphans=(orphan,)))
    assert {path.name: (file.role, file.is_missing) for path, file in known.by_path.items()} == {
        "a": (FileRole.MAIN, False), "b": (FileRole.COPY, False), "c": (FileRole.MAIN, True),
        "a.xmp": (FileRole.COMPANION, False), "new": (FileRole.ORPHAN, False),
    }  # fmt: skip
    assert known.displaced == ()


@pytest.mark.parametrize("names", [("A", "B"), ("B", "A"), ("C", "D"), ("D", "C")])
def test_a_missing_picture_does_not_hide_the_one_at_its_place(names: tuple[str, str]) -> None:
    there, gone = names
    known = known_files(master({"a": there}, missing={"a": gone}))
    assert known.by_path[p("a")].hothash == hash_of(there)
    assert [file.hothash for file in known.displaced] == [hash_of(gone)]


# --- comparing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "modified_ns", "inode", "is_unchanged"),
    [(100, 1, 7, True), (101, 1, 7, False), (100, 2, 7, False), (100, 1, 8, False)],
)
def test_a_file_is_looked_into_when_size_time_or_inode_is_another(
    size: int, modified_ns: int, inode: int, is_unchanged: bool
) -> None:
    known = known_files(master({"a": "A"}), {p("a"): 7})
    there = {p("a"): ScannedFile(p("a"), size, modified_ns, inode, 0)}
    comparison = compare(known, there, reread_all=False)
    assert (p("a") in comparison.unchanged, p("a") in comparison.changed) == (is_unchanged, not is_unchanged)
    assert p("a") in compare(known, there, reread_all=True).changed


def test_an_inode_that_is_not_known_says_nothing() -> None:
    comparison = compare(known_files(master({"a": "A"})), seen({"a": "A"}, at={"a": 1}), reread_all=False)
    assert comparison.is_same


def by_inode(known: Mapping[str, int], there: Mapping[str, int]) -> dict[str, str]:
    pictures = {name: chr(ord("A") + number) for number, name in enumerate(known)}
    files = known_files(master(pictures), {p(name): inode for name, inode in known.items()})
    walk = {p(name): ScannedFile(p(name), 100, 1, inode, 0) for name, inode in there.items()}
    comparison: Comparison = compare(files, walk, reread_all=False)
    return {
        file.path.removeprefix("photos/"): path.removeprefix("photos/")
        for path, file in moves_by_inode(comparison).items()
    }


def test_an_inode_proves_that_a_file_of_that_name_moved_without_reading_it() -> None:
    assert by_inode({"a": 1, "b": 2}, {"x/a": 1, "b": 2}) == {"a": "x/a"}


def test_a_renamed_file_is_read() -> None:
    """The inode of a deleted file may have been given to another of the same size and time."""
    assert by_inode({"a": 1}, {"b": 1}) == {}


def test_two_names_of_one_inode_prove_only_one_move() -> None:
    assert len(by_inode({"a": 1}, {"x/a": 1, "y/a": 1})) == 1


def test_an_inode_that_two_lost_files_had_proves_nothing() -> None:
    assert by_inode({"a": 1, "b": 1}, {"x/a": 1}) == {}


def test_a_reused_inode_with_another_time_proves_nothing() -> None:
    files = known_files(master({"a": "A"}), {p("a"): 1})
    walk = {p("x/a"): ScannedFile(p("x/a"), 100, 5, 1, 0)}
    assert moves_by_inode(compare(files, walk, reread_all=False)) == {}


# --- the circuit breaker --------------------------------------------------------------------------------------------


def names(count: int, folder: str = "photos/x") -> list[RelativePath]:
    return [RelativePath(f"{folder}/{number}.jpg") for number in range(count)]


def spread(count: int) -> list[RelativePath]:
    """Files of many folders, none of which holds as many as make a whole folder."""
    return [RelativePath(f"photos/{number // (WHOLE_FOLDER_FILES - 1)}/{number}.jpg") for number in range(count)]


@pytest.mark.parametrize(
    ("lost", "known", "is_suspicious"),
    [
        (MANY_FILES, 100, False),  # many, but not more than fifty
        (MANY_FILES + 1, 100, True),
        (MANY_FILES + 1, 255, False),  # exactly a fifth
        (MANY_FILES + 1, 254, True),
        (0, 0, False),
        (0, 100, False),
    ],
)
def test_more_than_fifty_and_more_than_a_fifth_are_too_many(lost: int, known: int, is_suspicious: bool) -> None:
    paths = spread(known)
    assert (suspicious_loss(paths, paths[:lost]) is not None) == is_suspicious


@pytest.mark.parametrize(
    ("folder_files", "others", "is_suspicious"),
    [
        (WHOLE_FOLDER_FILES, 0, True),
        (WHOLE_FOLDER_FILES - 1, 0, False),
        (WHOLE_FOLDER_FILES, 19, True),
        (WHOLE_FOLDER_FILES, 20, False),  # exactly a fifth
    ],
)
def test_a_whole_folder_of_five_and_more_than_a_fifth_are_too_many(
    folder_files: int, others: int, is_suspicious: bool
) -> None:
    lost = names(folder_files, "photos/lost")
    assert (suspicious_loss([*lost, *names(others, "photos/kept")], lost) is not None) == is_suspicious


def test_a_folder_of_which_one_file_is_left_is_not_a_whole_folder() -> None:
    files = names(10)
    assert suspicious_loss(files, files[1:]) is None


def test_files_in_folders_below_count_for_the_top_folder() -> None:
    lost = [*names(3, "photos/trip/day 1"), *names(3, "photos/trip/day 2")]
    assert "'photos/trip'" in (suspicious_loss(lost, lost) or "")


def test_the_limits_are_those_of_the_manual() -> None:
    assert (MANY_FILES, WHOLE_FOLDER_FILES, LARGE_SHARE) == (50, 5, 0.2)


def test_known_bytes_keep_their_name_when_a_newer_method_gives_another() -> None:
    index = master({"stays": "A", "moves": "B"})
    there = seen({"stays": "A", "moved": "B"})
    comparison = compare(known_files(index), there, reread_all=True)
    newer = {
        p(name): replace(fingerprint(what), hothash=Hothash(hash_of(f"newer {what}")))
        for name, what in {"stays": "A", "moved": "B"}.items()
    }
    outcome = reconcile(comparison, newer, there)
    assert [(move.known.path, move.new_path) for move in outcome.moves] == [(p("moves"), p("moved"))]
    assert [edit.path for edit in outcome.touched] == [p("stays")]
    assert (outcome.content_edits, outcome.damaged, outcome.missing, outcome.orphans) == ((), (), (), {})
