"""What a re-index leaves undone when told to, and that the next one does it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from imalink.core.index import FileStatus
from imalink.errors import UsageError
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_report import ReindexReport
from imalink.workflows.reindex_request import ReindexRequest, Strategy
from tests.support.scenes import Scene, counts, memory_folder

A, B, C = "IMG_0001.jpg", "IMG_0002.jpg", "IMG_0003.jpg"
NO_HASH = ReindexRequest(hashes_orphans=False)
NO_DUPLICATES = ReindexRequest(finds_duplicates=False)
NO_FIX = ReindexRequest(fixes_paths=False)


@pytest.fixture
def scene(tmp_path: Path, empty_catalog: Path) -> Iterator[Scene]:
    with memory_folder(tmp_path) as folder, Scene(folder, empty_catalog) as made:
        made.import_pictures(3)
        yield made


def look(scene: Scene, request: ReindexRequest) -> ReindexReport:
    scene.watch.read_bodies.clear()
    report = reindex(scene.bench.tools, scene.record, request)
    scene.record = scene.bench.record(scene.record.storage_uuid)
    return report


# --- pictures that belong to no session are not read ------------------------------------------------------------------


def test_new_pictures_are_listed_without_being_read(scene: Scene) -> None:
    scene.add("new.jpg", 50)
    report = look(scene, NO_HASH)
    assert (report.new_files, report.files_hashed, scene.watch.read_bodies) == (("photos/new.jpg",), 0, [])
    assert [orphan.fingerprint for orphan in scene.bench.master(scene.record).orphans] == [None]
    assert look(scene, NO_HASH).changes_detected is False


def test_a_picture_that_was_not_read_is_read_by_the_next_full_look_and_is_not_new_again(scene: Scene) -> None:
    scene.add("new.jpg", 50)
    look(scene, NO_HASH)
    report = scene.look()
    assert (report.files_hashed, report.new_files, report.orphans) == (1, (), ("photos/new.jpg",))
    [orphan] = scene.bench.master(scene.record).orphans
    assert orphan.fingerprint is not None
    assert orphan.fingerprint.hothash == scene.hothash("new.jpg")
    scene.settle()


def test_a_copy_that_was_not_read_is_found_out_later(scene: Scene) -> None:
    scene.add("copy.jpg", 1)
    shutil.copyfile(scene.photos / A, scene.photos / "copy.jpg")
    assert look(scene, NO_HASH).orphans == ("photos/copy.jpg",)
    report = scene.look()
    assert (report.orphans, [row.path for row in report.duplicates]) == ((), ["photos/copy.jpg"])
    scene.settle()


def test_a_lost_file_is_recognised_without_reading_other_new_pictures(scene: Scene) -> None:
    hothash = scene.hothash(A)
    scene.move(A, "renamed.jpg")
    (scene.photos / "new.jpg").write_bytes((scene.photos / B).read_bytes() + b"more")
    report = look(scene, NO_HASH)
    assert counts(report) == {"moved": 1, "new": 1, "orphans": 1}
    assert [Path(path).name for path in scene.watch.read_bodies] == ["renamed.jpg"]
    assert scene.place_of(hothash) == "renamed.jpg"


# --- further copies are not looked for --------------------------------------------------------------------------------


def test_a_further_copy_is_no_duplicate_where_none_are_looked_for(scene: Scene) -> None:
    shutil.copyfile(scene.photos / A, scene.photos / "copy.jpg")
    report = look(scene, NO_DUPLICATES)
    assert (report.duplicates, report.orphans) == ((), ("photos/copy.jpg",))
    assert scene.bench.session(scene.record).files[scene.hothash(A)].copies == ()
    report = scene.look()
    assert (report.orphans, [row.path for row in report.duplicates]) == ((), ["photos/copy.jpg"])
    assert report.files_hashed == 0
    scene.settle()


def test_known_duplicates_are_not_told_where_none_are_looked_for(scene: Scene) -> None:
    shutil.copyfile(scene.photos / A, scene.photos / "copy.jpg")
    assert len(scene.look().duplicates) == 1
    assert look(scene, NO_DUPLICATES).duplicates == ()
    assert len(scene.look().duplicates) == 1
    assert [copy.relative_path for copy in scene.bench.session(scene.record).files[scene.hothash(A)].copies]


def test_a_copy_that_was_taken_for_new_saves_a_picture_whose_file_is_lost(scene: Scene) -> None:
    hothash = scene.hothash(A)
    shutil.copyfile(scene.photos / A, scene.photos / "copy.jpg")
    look(scene, NO_DUPLICATES)
    (scene.photos / A).unlink()
    report = scene.look()
    assert [(moved.old_path, moved.new_path) for moved in report.moved_files] == [(f"photos/{A}", "photos/copy.jpg")]
    assert (report.orphans, report.missing_files) == ((), ())
    assert scene.place_of(hothash) == "copy.jpg"
    scene.settle()


def test_different_pictures_of_one_name_are_told_and_are_no_trouble(scene: Scene) -> None:
    scene.move(A, f"rome/{A}")
    scene.import_pictures(1, first_seed=1, title="Once more")
    card = scene.folder / "second card"
    card.mkdir()
    shutil.copyfile(scene.photos / B, card / A)
    scene.add(A, 60)
    scene.look(adds_orphans=True)
    report = scene.look()
    [same] = report.same_names
    assert same.filename == A
    assert dict(same.instances) == {
        scene.hothash(f"rome/{A}"): f"photos/rome/{A}",
        scene.hothash(A): f"photos/{A}",
    }
    assert not report.has_findings
    assert look(scene, NO_DUPLICATES).same_names == ()


# --- moves are only reported ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", [Strategy.SMART, Strategy.FULL], ids=str)
def test_a_move_is_only_reported_where_paths_are_not_to_be_mended(scene: Scene, strategy: Strategy) -> None:
    scene.move(A, "rome/a.jpg")
    before = scene.places()
    report = look(scene, ReindexRequest(strategy=strategy, fixes_paths=False))
    assert [(each.expected_path, each.path) for each in report.path_mismatches] == [
        (f"photos/{A}", "photos/rome/a.jpg")
    ]
    assert (report.moved_files, report.missing_files, report.orphans) == ((), (), ())
    assert (report.has_findings, report.changes_detected) == (True, True)
    assert scene.places() == before
    assert len(look(scene, ReindexRequest(strategy=strategy, fixes_paths=False)).path_mismatches) == 1
    assert len(scene.look().moved_files) == 1
    scene.settle()


def test_a_companion_stays_with_its_picture_where_paths_are_not_to_be_mended(scene: Scene) -> None:
    scene.at(f"{A}.xmp").write_bytes(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
    scene.look()
    before = scene.companions()
    assert before[A] == [f"{A}.xmp"]
    scene.move(f"{A}.xmp", f"rome/{A}.xmp")
    report = look(scene, NO_FIX)
    assert [each.path for each in report.path_mismatches] == [f"photos/rome/{A}.xmp"]
    assert scene.companions() == before
    scene.move(A, f"rome/{A}")
    assert [each.path for each in look(scene, NO_FIX).path_mismatches] == [
        f"photos/rome/{A}",
        f"photos/rome/{A}.xmp",
    ]
    assert scene.companions() == before
    scene.look()
    assert scene.companions()[f"rome/{A}"] == [f"rome/{A}.xmp"]
    scene.settle()


def test_a_lost_main_file_keeps_its_place_where_paths_are_not_to_be_mended(scene: Scene) -> None:
    hothash = scene.hothash(A)
    shutil.copyfile(scene.photos / A, scene.photos / "copy.jpg")
    scene.look()
    (scene.photos / A).unlink()
    report = look(scene, NO_FIX)
    assert [(each.expected_path, each.path) for each in report.path_mismatches] == [(f"photos/{A}", "photos/copy.jpg")]
    assert scene.bench.session(scene.record).files[hothash].relative_path == f"photos/{A}"
    scene.look()
    assert scene.place_of(hothash) == "copy.jpg"
    scene.settle()


def test_what_is_missing_is_marked_all_the_same(scene: Scene) -> None:
    hothash = scene.hothash(A)
    (scene.photos / A).unlink()
    assert len(look(scene, NO_FIX).newly_missing) == 1
    assert scene.bench.session(scene.record).files[hothash].status is FileStatus.MISSING


# --- what does not go together ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [
        ReindexRequest(removes_missing=True, strategy=Strategy.QUICK),
        ReindexRequest(removes_missing=True, hashes_orphans=False),
        ReindexRequest(adds_orphans=True, hashes_orphans=False),
        ReindexRequest(adds_orphans=True, finds_duplicates=False),
        ReindexRequest(adds_orphans=True, fixes_paths=False),
    ],
    ids=str,
)
def test_options_that_would_mistake_moved_files_are_refused(scene: Scene, request_: ReindexRequest) -> None:
    scene.move(A, "moved.jpg")
    before = scene.places()
    with pytest.raises(UsageError):
        look(scene, request_)
    assert scene.places() == before


def test_a_dry_run_with_every_restraint_writes_nothing(scene: Scene) -> None:
    scene.move(A, "moved.jpg")
    os.utime(scene.photos / B)
    before = scene.places()
    request = ReindexRequest(dry_run=True, hashes_orphans=False, finds_duplicates=False, fixes_paths=False)
    assert len(look(scene, request).path_mismatches) == 1
    assert scene.places() == before
    assert len(scene.look().moved_files) == 1
