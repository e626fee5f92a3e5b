"""What a re-index makes of edits, copies, deletions, returns and new pictures, and what it leaves alone."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from imalink.core.relative_path import RelativePath
from imalink.core.suspicious_loss import LARGE_SHARE, MANY_FILES, WHOLE_FOLDER_FILES
from imalink.errors import MassMissingError
from imalink.workflows.reindex_request import Strategy
from tests.support.faults import InterposedCalls
from tests.support.photos import make_jpeg, set_rating_in_place
from tests.support.scenes import Scene, codes, counts, hothash_of, memory_folder, moves
from tests.support.workbench import SMALL, STARTS_AT, Snapshot, SteppingClock, make_source, sha256_of, snapshot

T = TypeVar("T")
A, B, C = "IMG_0001.jpg", "IMG_0002.jpg", "IMG_0003.jpg"

OF_TWO_NAMES = pytest.mark.parametrize(
    "names",
    # Which of two files with one path is known depends on the order of their hothashes.
    [(A, B), (B, C), (B, A), (C, A)],
    ids=str,
)


@pytest.fixture
def scene(tmp_path: Path, empty_catalog: Path) -> Iterator[Scene]:
    with memory_folder(tmp_path) as folder, Scene(folder, empty_catalog) as made:
        yield made


@pytest.fixture
def three(scene: Scene) -> Scene:
    scene.import_pictures(3)
    return scene


@pytest.fixture(params=[Strategy.SMART, Strategy.FULL], ids=lambda strategy: strategy.value)
def strategy(request: pytest.FixtureRequest) -> Strategy:
    return request.param


# --- nothing happened ------------------------------------------------------------------------------------------------


def test_the_first_look_after_an_import_finds_nothing_and_reads_nothing(scene: Scene, tmp_path: Path) -> None:
    scene.import_(make_source(tmp_path / "card", 3))
    report = scene.look()
    assert not report.changes_detected
    assert (counts(report), report.files_hashed, report.files_seen, scene.watch.read_bodies) == ({}, 0, 3, [])


def test_a_full_look_at_an_untouched_storage_reads_everything_and_finds_nothing(three: Scene) -> None:
    report = three.look_full()
    assert (counts(report), report.changes_detected, report.files_hashed) == ({}, False, 3)
    assert len(three.watch.read_bodies) == 3


def test_new_permissions_on_everything_read_nothing(three: Scene) -> None:
    for path in three.photos.iterdir():
        path.chmod(0o600)
    report = three.look()
    assert (counts(report), report.changes_detected, three.watch.read_bodies) == ({}, False, [])


def test_new_times_on_everything_only_touch_the_rows(three: Scene, strategy: Strategy) -> None:
    for path in three.photos.iterdir():
        os.utime(path, ns=(1, 1_600_000_000_000_000_001))
    report = three.look(strategy)
    assert (counts(report), codes(report), report.files_hashed) == ({}, {}, 3)
    assert {entry.modified_ns for entry in three.bench.master(three.record).files.values()} == {
        1_600_000_000_000_000_001
    }
    three.settle()


def test_touching_three_of_many_reads_three(scene: Scene) -> None:
    scene.import_pictures(20)
    for name in (A, B, C):
        os.utime(scene.photos / name)
    assert scene.look().files_hashed == 3
    assert len(scene.watch.read_bodies) == 3


# --- edits in place --------------------------------------------------------------------------------------------------


def test_a_rating_written_into_a_file_keeps_its_hothash(three: Scene, strategy: Strategy) -> None:
    hothash = three.hothash(A)
    set_rating_in_place(three.photos / A, 4)
    report = three.look(strategy)
    assert counts(report) == {"modified": 1}
    edit = report.modified_files[0]
    assert (edit.kind, edit.path, edit.old_hothash, edit.new_hothash) == ("metadata", f"photos/{A}", hothash, hothash)
    entry = three.bench.session(three.record).files[hothash]
    assert (entry.facts.embedded.rating, entry.sha256) == (4, sha256_of(three.photos / A))
    three.settle()


def test_metadata_changed_behind_the_file_systems_back_is_told_as_damage_by_a_full_look(three: Scene) -> None:
    set_rating_in_place(three.photos / A, 3)
    three.look()
    facts = (three.photos / A).stat()
    set_rating_in_place(three.photos / A, 4)
    os.utime(three.photos / A, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert (three.photos / A).stat().st_size == facts.st_size
    assert counts(three.look()) == {}
    good = three.bench.session(three.record).files[three.hothash(A)].sha256
    report = three.look_full()
    assert [path.name for path in report.damaged_files] == [A]
    assert [finding.code for finding in report.findings] == ["file-damaged"]
    assert three.bench.session(three.record).files[three.hothash(A)].sha256 == good


def test_a_retouched_picture_keeps_photo_session_and_the_hothash_it_had(three: Scene, strategy: Strategy) -> None:
    before = three.bench.session(three.record).files[three.hothash(A)]
    three.add(A, seed=99)
    report = three.look(strategy)
    assert counts(report) == {"modified": 1}
    new = three.hothash(A)
    edit = report.modified_files[0]
    assert (edit.kind, edit.old_hothash, edit.new_hothash) == ("content", before.hothash, new)
    after = three.bench.session(three.record).files[new]
    assert (after.photo_uuid, after.original_filename, after.imported_at) == (before.photo_uuid, A, before.imported_at)
    assert after.previous_hothashes == (before.hothash,)
    assert before.hothash not in three.bench.session(three.record).files
    three.settle()


def test_a_picture_retouched_twice_remembers_both_earlier_ones(three: Scene, strategy: Strategy) -> None:
    earlier = [three.hothash(A)]
    for seed in (98, 99):
        three.add(A, seed=seed)
        three.look(strategy)
        earlier.append(three.hothash(A))
    entry = three.bench.session(three.record).files[earlier[-1]]
    assert entry.previous_hothashes == tuple(earlier[:-1])
    three.settle()


def test_a_retouch_that_was_undone_gives_the_first_hothash_again(three: Scene, strategy: Strategy) -> None:
    first, data = three.hothash(A), (three.photos / A).read_bytes()
    three.add(A, seed=99)
    three.look(strategy)
    (three.photos / A).write_bytes(data)
    assert counts(three.look(strategy)) == {"modified": 1}
    assert three.place_of(first) == A
    three.settle()


def test_a_retouched_picture_has_a_preview_of_what_it_shows_now(three: Scene) -> None:
    three.add(A, seed=99)
    three.look()
    new = three.hothash(A)
    assert (three.root / f".imalink/hotpreviews/{new[:2]}/{new[2:4]}/{new}.jpg").exists()


def test_an_edit_saved_by_way_of_a_new_file_is_an_edit(three: Scene, strategy: Strategy) -> None:
    make_jpeg(three.photos / "IMG_0001.jpg.tmp", seed=99, size=SMALL).replace(three.photos / A)
    report = three.look(strategy)
    assert (counts(report), report.modified_files[0].kind) == ({"modified": 1}, "content")
    three.settle()


# --- bytes that changed by themselves --------------------------------------------------------------------------------


def flip_a_bit(path: Path) -> None:
    """Change one bit in the middle of the picture data, size and time as they were."""
    facts = path.stat()
    data = bytearray(path.read_bytes())
    data[-len(data) // 4] ^= 0x10
    with path.open("r+b") as file:
        file.write(data)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def test_a_flipped_bit_is_not_seen_by_a_smart_look(three: Scene) -> None:
    flip_a_bit(three.photos / A)
    report = three.look()
    assert (counts(report), report.files_hashed) == ({}, 0)


def test_a_flipped_bit_is_named_by_every_full_look_and_the_index_keeps_the_good_bytes(three: Scene) -> None:
    hothash, good = three.hothash(A), sha256_of(three.photos / A)
    flip_a_bit(three.photos / A)
    for _ in range(2):
        report = three.look_full()
        assert counts(report) == {"damaged": 1}
        assert [(each.code, each.path) for each in report.findings] == [("file-damaged", f"photos/{A}")]
        assert report.has_findings
        assert three.bench.session(three.record).files[hothash].sha256 == good
    three.settle(damaged=[A])


def test_a_damaged_file_put_right_again_is_as_if_nothing_had_been(three: Scene) -> None:
    data, facts = (three.photos / A).read_bytes(), (three.photos / A).stat()
    flip_a_bit(three.photos / A)
    three.look_full()
    (three.photos / A).write_bytes(data)
    os.utime(three.photos / A, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert counts(three.look_full()) == {}
    three.settle()


# --- copies ----------------------------------------------------------------------------------------------------------


def test_a_copy_the_user_made_is_one_duplicate_row(three: Scene, strategy: Strategy) -> None:
    shutil.copyfile(three.photos / A, three.at("best of/one.jpg"))
    report = three.look(strategy)
    assert counts(report) == {"duplicates": 1}
    row = report.duplicates[0]
    assert (row.hothash, row.path, row.of) == (three.hothash(A), "photos/best of/one.jpg", f"photos/{A}")
    assert counts(three.look(strategy)) == {"duplicates": 1}
    three.settle()


def test_a_copy_whose_source_is_deleted_later_takes_its_place(three: Scene, strategy: Strategy) -> None:
    hothash = three.hothash(A)
    shutil.copyfile(three.photos / A, three.at("copy.jpg"))
    three.look(strategy)
    (three.photos / A).unlink()
    report = three.look(strategy)
    assert moves(report) == {(A, "copy.jpg")}
    assert counts(report) == {"moved": 1}
    assert three.place_of(hothash) == "copy.jpg"
    three.settle()


def test_a_deleted_copy_leaves_the_picture_where_it_is(three: Scene, strategy: Strategy) -> None:
    shutil.copyfile(three.photos / A, three.at("copy.jpg"))
    three.look(strategy)
    (three.photos / "copy.jpg").unlink()
    report = three.look(strategy)
    assert (counts(report), report.changes_detected) == ({}, True)
    three.settle()


def test_a_moved_copy_stays_a_copy(three: Scene, strategy: Strategy) -> None:
    shutil.copyfile(three.photos / A, three.at("copy.jpg"))
    three.look(strategy)
    three.move("copy.jpg", "elsewhere/copy.jpg")
    report = three.look(strategy)
    assert moves(report) == {("copy.jpg", "elsewhere/copy.jpg")}
    assert [(row.path, row.of) for row in report.duplicates] == [("photos/elsewhere/copy.jpg", f"photos/{A}")]
    three.settle()


def test_a_copy_with_a_rating_of_its_own_is_a_copy_of_the_same_picture(three: Scene, strategy: Strategy) -> None:
    shutil.copyfile(three.photos / A, three.at("rated copy.jpg"))
    set_rating_in_place(three.photos / "rated copy.jpg", 5)
    assert counts(three.look(strategy)) == {"duplicates": 1}
    three.settle()


def test_a_picture_and_its_copy_deleted_together_are_one_missing_picture(three: Scene, strategy: Strategy) -> None:
    hothash = three.hothash(A)
    shutil.copyfile(three.photos / A, three.at("copy.jpg"))
    three.look(strategy)
    (three.photos / A).unlink()
    (three.photos / "copy.jpg").unlink()
    report = three.look(strategy)
    assert {file.hothash for file in report.missing_files} == {hothash}
    three.settle()


def test_a_retouched_copy_is_a_picture_of_its_own_beside_the_first(three: Scene, strategy: Strategy) -> None:
    first = three.hothash(A)
    shutil.copyfile(three.photos / A, three.at("copy.jpg"))
    three.look(strategy)
    three.add("copy.jpg", seed=99)
    report = three.look(strategy)
    assert (counts(report), report.modified_files[0].kind) == ({"modified": 1}, "content")
    assert (three.place_of(first), three.place_of(three.hothash("copy.jpg"))) == (A, "copy.jpg")
    three.settle()


# --- gone and back ---------------------------------------------------------------------------------------------------


def test_a_deleted_file_is_missing_and_stays_in_the_index(three: Scene, strategy: Strategy) -> None:
    hothash, last_scan = three.hothash(A), three.record.last_scan_at
    (three.photos / A).unlink()
    report = three.look(strategy)
    assert counts(report) == {"missing": 1, "newly_missing": 1}
    assert (report.missing_files[0].hothash, report.missing_files[0].expected_path) == (hothash, f"photos/{A}")
    assert report.missing_files[0].last_seen_at == last_scan
    assert three.find(hothash).places[0].status == "missing"
    three.settle()
    assert counts(three.look(strategy)) == {"missing": 1}


def test_a_missing_file_that_returns_to_its_place_is_present_again(three: Scene, strategy: Strategy) -> None:
    data = (three.photos / A).read_bytes()
    (three.photos / A).unlink()
    three.look(strategy)
    (three.photos / A).write_bytes(data)
    report = three.look(strategy)
    assert (counts(report), report.returned_files) == ({"returned": 1}, (f"photos/{A}",))
    three.settle()


def test_a_missing_file_that_returns_elsewhere_is_a_move(three: Scene, strategy: Strategy) -> None:
    hothash, data = three.hothash(A), (three.photos / A).read_bytes()
    (three.photos / A).unlink()
    three.look(strategy)
    three.at("back/other.jpg").write_bytes(data)
    report = three.look(strategy)
    assert moves(report) == {(A, "back/other.jpg")}
    assert three.place_of(hothash) == "back/other.jpg"
    three.settle()


def test_a_missing_file_that_returns_rated_is_present_with_its_rating(three: Scene, strategy: Strategy) -> None:
    hothash, data = three.hothash(A), (three.photos / A).read_bytes()
    (three.photos / A).unlink()
    three.look(strategy)
    (three.photos / A).write_bytes(data)
    set_rating_in_place(three.photos / A, 5)
    assert counts(three.look(strategy)) == {"returned": 1, "modified": 1}
    assert three.bench.session(three.record).files[hothash].facts.embedded.rating == 5
    three.settle()


def test_a_missing_picture_is_told_while_another_stands_at_its_place(three: Scene, strategy: Strategy) -> None:
    hothash = three.hothash(A)
    (three.photos / A).unlink()
    three.look(strategy)
    three.add(A, seed=99)
    report = three.look(strategy)
    assert counts(report) == {"missing": 1, "new": 1, "orphans": 1}
    assert report.missing_files[0].hothash == hothash
    assert counts(three.look(strategy)) == {"missing": 1, "orphans": 1}


def test_another_picture_at_the_place_of_a_missing_one_is_told_whatever_else_is_found_with_it(
    three: Scene, strategy: Strategy
) -> None:
    (three.photos / A).unlink()
    three.look(strategy)
    three.add(A, seed=99)
    (three.photos / B).unlink()
    three.look(strategy)
    assert three.orphans() == [A]
    three.settle()


def test_a_missing_picture_returns_to_its_place_from_behind_another(three: Scene, strategy: Strategy) -> None:
    hothash, data = three.hothash(A), (three.photos / A).read_bytes()
    (three.photos / A).unlink()
    three.look(strategy)
    three.add(A, seed=99)
    three.look(strategy)
    three.move(A, "the other.jpg")
    (three.photos / A).write_bytes(data)
    report = three.look(strategy)
    assert counts(report) == {"returned": 1, "orphans": 1}
    assert three.place_of(hothash) == A


@OF_TWO_NAMES
def test_a_picture_renamed_to_the_name_of_a_deleted_one_stays_known(three: Scene, names: tuple[str, str]) -> None:
    deleted, kept = names
    lost, hothash = three.hothash(deleted), three.hothash(kept)
    (three.photos / deleted).unlink()
    three.move(kept, deleted)
    assert counts(three.look()) == {"moved": 1, "missing": 1, "newly_missing": 1}
    three.settle()
    report = three.look_full()
    assert counts(report) == {"missing": 1}
    assert (report.missing_files[0].hothash, three.place_of(hothash)) == (lost, deleted)


@OF_TWO_NAMES
def test_a_picture_overwritten_by_a_copy_of_another_is_missing(three: Scene, names: tuple[str, str]) -> None:
    lost, kept = names
    hothash = three.hothash(lost)
    shutil.copyfile(three.photos / kept, three.photos / lost)
    assert counts(three.look()) == {"missing": 1, "newly_missing": 1, "duplicates": 1}
    three.settle()
    report = three.look_full()
    assert (counts(report), report.changes_detected) == ({"missing": 1, "duplicates": 1}, False)
    assert report.missing_files[0].hothash == hothash


# --- new pictures ----------------------------------------------------------------------------------------------------


def test_a_new_picture_is_new_once_and_then_an_orphan(three: Scene, strategy: Strategy) -> None:
    three.add("from phone.jpg", seed=99)
    report = three.look(strategy)
    assert counts(report) == {"new": 1, "orphans": 1}
    assert report.new_files == ("photos/from phone.jpg",)
    assert report.has_findings
    assert counts(three.look(strategy)) == {"orphans": 1}
    three.settle()


@pytest.mark.parametrize("later", ["renamed.jpg", "folder/from phone.jpg"])
def test_an_orphan_that_moved_is_the_orphan_it_was(three: Scene, strategy: Strategy, later: str) -> None:
    three.add("from phone.jpg", seed=99)
    three.look(strategy)
    three.move("from phone.jpg", later)
    report = three.look(strategy)
    assert counts(report) == {"orphans": 1}
    assert three.orphans() == [later]
    three.settle()


def test_an_orphan_whose_name_is_taken_by_another_is_old_and_the_other_new(three: Scene, strategy: Strategy) -> None:
    three.add("from phone.jpg", seed=99)
    three.look(strategy)
    first_seen = three.bench.master(three.record).orphans[0].detected_at
    three.move("from phone.jpg", "kept.jpg")
    three.add("from phone.jpg", seed=98)
    assert three.look(strategy).new_files == ("photos/from phone.jpg",)
    kept = next(orphan for orphan in three.bench.master(three.record).orphans if orphan.path == "photos/kept.jpg")
    assert kept.detected_at == first_seen
    three.settle()


def test_an_orphan_that_is_gone_is_forgotten(three: Scene, strategy: Strategy) -> None:
    three.add("from phone.jpg", seed=99)
    three.look(strategy)
    (three.photos / "from phone.jpg").unlink()
    assert counts(three.look(strategy)) == {}
    assert three.orphans() == []
    three.settle()


def test_an_edited_orphan_stays_one_orphan(three: Scene, strategy: Strategy) -> None:
    three.add("from phone.jpg", seed=99)
    three.look(strategy)
    three.add("from phone.jpg", seed=98)
    assert counts(three.look(strategy)) == {"orphans": 1}
    three.settle()


def test_files_that_are_no_pictures_are_nobodys_business(three: Scene, strategy: Strategy) -> None:
    three.at("notes.txt").write_text("Rome")
    three.at(".hidden.jpg").write_bytes(b"x")
    three.at("empty.jpg").touch()
    report = three.look(strategy)
    assert (counts(report), report.changes_detected) == ({}, False)


def test_a_file_that_only_has_a_lost_ones_size_is_not_taken_for_it(three: Scene, strategy: Strategy) -> None:
    size = (three.photos / A).stat().st_size
    (three.photos / A).unlink()
    three.at("data.bin").write_bytes(b"\0" * size)
    assert counts(three.look(strategy)) == {"missing": 1, "newly_missing": 1}
    assert three.orphans() == []


# --- sidecars --------------------------------------------------------------------------------------------------------


@pytest.fixture
def sidecar(scene: Scene, tmp_path: Path) -> Scene:
    card = make_source(tmp_path / "card", 2)
    (card / "IMG_0001.xmp").write_text("<x>1</x>")
    scene.import_(card)
    scene.look()
    return scene


def companion_sums(scene: Scene, name: str) -> list[str]:
    entry = scene.bench.session(scene.record).files[scene.hothash(name)]
    return [companion.sha256 for companion in entry.companions]


def test_an_edited_sidecar_is_written_down(sidecar: Scene, strategy: Strategy) -> None:
    sidecar.at("IMG_0001.xmp").write_text("<x>other</x>")
    assert sidecar.look(strategy).changes_detected
    assert companion_sums(sidecar, A) == [sha256_of(sidecar.photos / "IMG_0001.xmp")]
    sidecar.settle()


def test_a_new_sidecar_goes_with_the_picture_beside_it(sidecar: Scene, strategy: Strategy) -> None:
    sidecar.at("IMG_0002.jpg.xmp").write_text("<x>2</x>")
    report = sidecar.look(strategy)
    assert (counts(report), report.changes_detected) == ({"modified": 1}, True)
    assert sidecar.companions()[B] == ["IMG_0002.jpg.xmp"]
    sidecar.settle()


def test_a_deleted_sidecar_is_told_once(sidecar: Scene, strategy: Strategy) -> None:
    (sidecar.photos / "IMG_0001.xmp").unlink()
    assert codes(sidecar.look(strategy)) == {"companion-missing": 1}
    assert codes(sidecar.look(strategy)) == {}
    assert sidecar.companions()[A] == []
    sidecar.settle()


def test_a_picture_and_sidecar_that_return_elsewhere_belong_together(sidecar: Scene, strategy: Strategy) -> None:
    for kind in ("jpg", "xmp"):
        (sidecar.photos / f"IMG_0001.{kind}").rename(sidecar.folder / f"IMG_0001.{kind}")
    report = sidecar.look(strategy)
    assert (counts(report), codes(report)) == ({"missing": 1, "newly_missing": 1}, {})
    for kind in ("jpg", "xmp"):
        (sidecar.folder / f"IMG_0001.{kind}").rename(sidecar.at(f"back/x.{kind}"))
    assert codes(sidecar.look(strategy)) == {}
    assert sidecar.companions()["back/x.jpg"] == ["back/x.xmp"]
    sidecar.settle()


def test_a_sidecar_stays_with_a_picture_that_was_retouched(sidecar: Scene, strategy: Strategy) -> None:
    sidecar.add(A, seed=99)
    sidecar.look(strategy)
    assert sidecar.companions()[A] == ["IMG_0001.xmp"]
    sidecar.settle()


def test_an_edited_sidecar_is_written_down_whatever_the_clock_said_when_its_picture_was_copied(
    sidecar: Scene, strategy: Strategy
) -> None:
    """Another machine's clock may have found the copy before the picture itself was imported."""
    bench = sidecar.bench
    bench.tools = replace(bench.tools, clock=SteppingClock(STARTS_AT - timedelta(days=3)))
    shutil.copyfile(sidecar.photos / A, sidecar.at("Rome/copy.jpg"))
    sidecar.look(strategy)
    sidecar.at("IMG_0001.xmp").write_text("<x>other</x>")
    sidecar.at("Rome/copy.xmp").write_text("<x>of the copy</x>")
    sidecar.look(strategy)
    assert companion_sums(sidecar, A) == [sha256_of(sidecar.photos / "IMG_0001.xmp")]
    sidecar.settle()


# --- what cannot be looked at ----------------------------------------------------------------------------------------


class Forbidding(InterposedCalls):
    """Refuses to open what has a name in ``forbidden``."""

    def __init__(self) -> None:
        super().__init__()
        self.forbidden: set[str] = set()
        self.number = errno.EACCES

    def _around(self, name: str, call: Callable[[], T], *arguments: object) -> T:
        if name in ("open_directory", "open_read") and arguments[1] in self.forbidden:
            raise OSError(self.number, os.strerror(self.number))
        return call()


@pytest.fixture
def forbidding() -> Forbidding:
    return Forbidding()


@pytest.fixture
def guarded(tmp_path: Path, empty_catalog: Path, forbidding: Forbidding) -> Iterator[Scene]:
    with memory_folder(tmp_path) as folder, Scene(folder, empty_catalog, forbidding) as made:
        made.import_pictures(3)
        made.move(A, "closed/IMG_0001.jpg")
        made.look()
        yield made


def test_a_file_that_vanishes_between_walk_and_reading_costs_nothing(
    guarded: Scene, forbidding: Forbidding, strategy: Strategy
) -> None:
    guarded.add("new.jpg", seed=77)
    forbidding.forbidden.add("new.jpg")
    forbidding.number = errno.ENOENT
    report = guarded.look(strategy)
    assert (counts(report), codes(report)) == ({}, {})
    forbidding.forbidden.clear()
    assert list(guarded.look(strategy).orphans) == ["photos/new.jpg"]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO])
def test_files_below_an_unreadable_folder_are_not_missing(
    guarded: Scene, forbidding: Forbidding, strategy: Strategy, number: int
) -> None:
    forbidding.forbidden.add("closed")
    forbidding.number = number
    report = guarded.look(strategy)
    assert counts(report) == {}
    assert codes(report) == {"storage-unreadable": 1}
    assert {status for *_, status in guarded.places()} == {"present"}
    forbidding.forbidden.clear()
    assert counts(guarded.look(strategy)) == {}
    guarded.settle()


def test_a_file_moved_out_of_an_unreadable_folder_is_found(guarded: Scene, forbidding: Forbidding) -> None:
    guarded.move("closed/IMG_0001.jpg", "open.jpg")
    forbidding.forbidden.add("closed")
    guarded.look()
    forbidding.forbidden.clear()
    guarded.look()
    guarded.settle()
    assert guarded.orphans() == []


def test_a_new_file_that_could_not_be_read_is_tried_again(
    guarded: Scene, forbidding: Forbidding, strategy: Strategy
) -> None:
    guarded.add("new.jpg", seed=99)
    forbidding.forbidden.add("new.jpg")
    for _ in range(2):
        assert codes(guarded.look(strategy)) == {"storage-unreadable": 1}
    forbidding.forbidden.clear()
    assert counts(guarded.look(strategy)) == {"new": 1, "orphans": 1}
    guarded.settle()


def test_a_changed_file_that_could_not_be_read_is_tried_again(
    guarded: Scene, forbidding: Forbidding, strategy: Strategy
) -> None:
    set_rating_in_place(guarded.photos / B, 5)
    forbidding.forbidden.add(B)
    report = guarded.look(strategy)
    assert codes(report)["storage-unreadable"] >= 1
    assert counts(report) == {}
    forbidding.forbidden.clear()
    assert counts(guarded.look(strategy)) == {"modified": 1}
    guarded.settle()


# --- suspicious losses -----------------------------------------------------------------------------------------------


def lose(scene: Scene, count: int, name: Callable[[int], str]) -> None:
    for number in range(1, count + 1):
        (scene.photos / name(number)).unlink()


def frozen(scene: Scene) -> tuple[Snapshot, list[str]]:
    """Everything but the lock's leftovers: the storage byte by byte and the catalog's content."""
    return snapshot(scene.root), scene.bench.dump()


@pytest.fixture
def ten_in_two_folders(scene: Scene, tmp_path: Path) -> Scene:
    """``five/`` with as many pictures as make a whole folder suspicious, and twenty others."""
    source = make_source(tmp_path / "card" / "five", WHOLE_FOLDER_FILES).parent
    make_source(source / "others", 20, first_seed=50)
    scene.import_(source)
    scene.look()
    return scene


def test_a_whole_folder_gone_is_accepted_up_to_the_share(ten_in_two_folders: Scene) -> None:
    known = WHOLE_FOLDER_FILES + 20
    assert LARGE_SHARE * known == WHOLE_FOLDER_FILES
    shutil.rmtree(ten_in_two_folders.photos / "five")
    assert counts(ten_in_two_folders.look()) == {"missing": 5, "newly_missing": 5}
    ten_in_two_folders.settle()


def test_a_whole_folder_gone_above_the_share_stops_with_nothing_changed(ten_in_two_folders: Scene) -> None:
    (ten_in_two_folders.photos / "others/IMG_0050.jpg").unlink()
    ten_in_two_folders.look()
    shutil.rmtree(ten_in_two_folders.photos / "five")
    (ten_in_two_folders.photos / "others/IMG_0051.jpg").unlink()
    before = frozen(ten_in_two_folders)
    for strategy in Strategy:
        for dry_run in (True, False):
            with pytest.raises(MassMissingError) as raised:
                ten_in_two_folders.look(strategy, dry_run=dry_run)
            assert "--accept-missing" in raised.value.hint
            assert frozen(ten_in_two_folders) == before


def test_most_but_not_all_of_a_folder_gone_is_accepted(ten_in_two_folders: Scene) -> None:
    shutil.rmtree(ten_in_two_folders.photos / "others")
    ten_in_two_folders.at("others/IMG_0050.jpg").write_bytes(
        make_jpeg(
            ten_in_two_folders.folder / "again.jpg", seed=50, size=SMALL, taken="2024:07:22 12:00:00"
        ).read_bytes()
    )
    assert counts(ten_in_two_folders.look()) == {"missing": 19, "newly_missing": 19}


def test_fewer_than_a_suspicious_folder_may_all_go(scene: Scene) -> None:
    scene.import_pictures(WHOLE_FOLDER_FILES - 1)
    lose(scene, WHOLE_FOLDER_FILES - 1, "IMG_{:04}.jpg".format)
    assert counts(scene.look()) == {"missing": 4, "newly_missing": 4}


def test_a_storage_emptied_altogether_stops_unless_it_is_meant(scene: Scene, strategy: Strategy) -> None:
    scene.import_pictures(WHOLE_FOLDER_FILES)
    lose(scene, WHOLE_FOLDER_FILES, "IMG_{:04}.jpg".format)
    with pytest.raises(MassMissingError):
        scene.look(strategy)
    assert counts(scene.look(strategy, accepts_losses=True)) == {"missing": 5, "newly_missing": 5}
    scene.settle()


def test_many_files_gone_from_many_folders_are_accepted_up_to_the_limit(scene: Scene, tmp_path: Path) -> None:
    total = 2 * (MANY_FILES + 1)
    scene.import_(make_source(tmp_path / "card", total))
    lose(scene, MANY_FILES, "IMG_{:04}.jpg".format)
    assert counts(scene.look())["newly_missing"] == MANY_FILES
    restored = make_source(tmp_path / "again", MANY_FILES)
    for path in restored.iterdir():
        shutil.copyfile(path, scene.photos / path.name)
    assert counts(scene.look())["returned"] == MANY_FILES
    lose(scene, MANY_FILES + 1, "IMG_{:04}.jpg".format)
    with pytest.raises(MassMissingError):
        scene.look()


def test_moving_everything_away_and_back_again_is_no_loss(scene: Scene) -> None:
    scene.import_pictures(10)
    scene.photos.rename(scene.root / "away")
    with pytest.raises(MassMissingError) as raised:
        look_without_photos(scene)
    assert "photos" in raised.value.message
    scene.photos.mkdir()
    with pytest.raises(MassMissingError):
        scene.look()
    scene.photos.rmdir()
    (scene.root / "away").rename(scene.photos)
    assert counts(scene.look()) == {}
    scene.settle()


def look_without_photos(scene: Scene) -> None:
    from imalink.workflows.reindex import reindex
    from imalink.workflows.reindex_request import ReindexRequest

    reindex(scene.bench.tools, scene.record, ReindexRequest(accepts_losses=True))


# --- dry runs, and everything at once --------------------------------------------------------------------------------


def test_a_dry_run_changes_nothing_anywhere(three: Scene, strategy: Strategy) -> None:
    make_a_mess(three)
    before = frozen(three)
    planned = three.look(strategy, dry_run=True)
    assert frozen(three) == before
    done = three.look(strategy)
    assert counts(planned) == counts(done)
    assert moves(planned) == moves(done)


def make_a_mess(scene: Scene) -> None:
    scene.move(A, "moved.jpg")
    set_rating_in_place(scene.photos / B, 5)
    (scene.photos / C).unlink()
    scene.add("new.jpg", seed=99)
    shutil.copyfile(scene.photos / B, scene.at("copy.jpg"))


@pytest.mark.parametrize("strategy", [Strategy.SMART, Strategy.FULL])
def test_three_moved_two_deleted_four_new_and_one_copied_are_exactly_that(scene: Scene, strategy: Strategy) -> None:
    scene.import_pictures(6, title="Italy")
    scene.import_pictures(6, first_seed=7, title="Norway")
    for number, new in ((1, "Rome/a.jpg"), (2, "IMG_0002 Venice.jpg"), (7, "Oslo/IMG_0007.jpg")):
        scene.move(f"IMG_{number:04}.jpg", new)
    for number in (3, 8):
        (scene.photos / f"IMG_{number:04}.jpg").unlink()
    for number in range(4):
        scene.add(f"phone/{number}.jpg", seed=90 + number)
    shutil.copyfile(scene.photos / "IMG_0004.jpg", scene.at("best/one.jpg"))
    report = scene.look(strategy)
    assert counts(report) == {
        "moved": 3,
        "missing": 2,
        "newly_missing": 2,
        "new": 4,
        "orphans": 4,
        "duplicates": 1,
    }
    assert [move.session_number for move in report.moved_files] == [1, 2, 1]
    scene.settle()


def test_a_picture_of_two_sessions_is_followed_in_both(scene: Scene, tmp_path: Path, strategy: Strategy) -> None:
    scene.import_pictures(2)
    card = tmp_path / "card"
    make_jpeg(card / "again.jpg", seed=1, size=SMALL, taken="2024:07:01 12:00:00")
    set_rating_in_place(card / "again.jpg", 3)
    scene.import_(card, "Norway")
    scene.look()
    hothash = scene.hothash(A)
    scene.move(A, "one.jpg")
    scene.move("again.jpg", "two.jpg")
    assert moves(scene.look(strategy)) == {(A, "one.jpg"), ("again.jpg", "two.jpg")}
    assert scene.bench.session(scene.record, 1).files[hothash].relative_path == "photos/one.jpg"
    assert scene.bench.session(scene.record, 2).files[hothash].relative_path == "photos/two.jpg"
    scene.settle()


def test_a_hundred_random_shuffles_lose_nothing(scene: Scene) -> None:
    """All names change hands at once, over and over, in one look each."""
    import random

    scene.import_pictures(12)
    names = sorted(os.listdir(scene.photos))
    owners = {name: scene.hothash(name) for name in names}
    generator = random.Random(7)
    for _ in range(10):
        shuffled = generator.sample(names, len(names))
        for name in names:
            scene.move(name, f"{name}.between")
        for old, new in zip(names, shuffled, strict=True):
            scene.move(f"{old}.between", new)
        owners = {new: owners[old] for old, new in zip(names, shuffled, strict=True)}
        expected = {(old, new) for old, new in zip(names, shuffled, strict=True) if old != new}
        assert moves(scene.look()) == expected
    assert {name: hothash_of(scene.photos / name) for name in names} == owners
    scene.settle()


@pytest.mark.slow
def test_ten_thousand_files_in_one_folder_are_read_once(scene: Scene) -> None:
    scene.import_pictures(1)
    data = (scene.photos / A).read_bytes()
    for number in range(10_000):
        scene.photos.joinpath(f"{number}.jpg").write_bytes(data[:-2] + number.to_bytes(4, "big") + data[-2:])
    report = scene.look()
    assert (len(report.new_files), report.files_hashed) == (10_000, 10_000)
    again = scene.look()
    assert (again.changes_detected, again.files_hashed, scene.watch.read_bodies) == (False, 0, [])
    for number in range(3):
        os.utime(scene.photos / f"{number * 1000}.jpg")
    assert (scene.look().files_hashed, len(scene.watch.read_bodies)) == (3, 3)


def test_paths_in_a_report_are_below_the_storage(three: Scene) -> None:
    three.move(A, "x/y.jpg")
    [move] = three.look().moved_files
    assert move.new_path == RelativePath.parse("photos/x/y.jpg")
