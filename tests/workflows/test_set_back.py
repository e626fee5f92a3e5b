"""A storage that was put back to an older copy of itself: nothing that was known of it is forgotten for that."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from imalink.core.damage import Verdict
from imalink.core.edit_request import EditRequest
from imalink.core.ids import Hothash
from imalink.core.user_facts import FactChange
from imalink.workflows.edit_photos import edit_photos
from imalink.workflows.look_at_photo import look_at_photo
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest
from imalink.workflows.verify import verify
from imalink.workflows.verify_report import Depth, VerifyRequest
from tests.support.scenes import Scene, codes, memory_folder
from tests.support.workbench import Workbench, make_source, snapshot

SET_BACK = "storage-set-back"


@pytest.fixture
def scene(tmp_path: Path, empty_catalog: Path) -> Iterator[Scene]:
    """Three pictures that both copies of the disk have."""
    with memory_folder(tmp_path) as folder, Scene(folder, empty_catalog) as made:
        made.import_pictures(3)
        yield made


def keep_copy(scene: Scene) -> Path:
    copy = scene.folder / "copy"
    shutil.copytree(scene.root, copy, copy_function=shutil.copy2)
    return copy


def put_back(scene: Scene, copy: Path) -> Path:
    """Put the older copy where the storage was; give where the newer one is now."""
    newer = scene.folder / "newer"
    scene.root.rename(newer)
    copy.rename(scene.root)
    return newer


def rating(scene: Scene, hothash: Hothash) -> int | None:
    return look_at_photo(scene.bench.tools, hothash).facts.rating


def test_a_look_tells_of_it_and_what_came_since_is_missing(scene: Scene) -> None:
    copy = keep_copy(scene)
    scene.import_pictures(2, first_seed=10, title="Norway")
    names = {place[1] for place in scene.places(2)}
    put_back(scene, copy)
    report = scene.look()
    assert codes(report)[SET_BACK] == 1
    assert {missing.expected_path.printable() for missing in report.newly_missing} == names
    assert scene.bench.session(scene.record, 2).session.title == "Norway"
    scene.settle()


def test_verifying_tells_of_it_and_misses_what_came_since(scene: Scene) -> None:
    copy = keep_copy(scene)
    scene.import_pictures(2, first_seed=10, title="Norway")
    put_back(scene, copy)
    report = verify(scene.bench.tools, scene.record, VerifyRequest(depth=Depth.FULL))
    assert SET_BACK in {finding.code for finding in report.findings}
    assert (report.checked, report.verdicts[Verdict.OK], report.verdicts[Verdict.MISSING]) == (5, 3, 2)


def test_verifying_what_another_has_locked_tells_of_it_too(scene: Scene) -> None:
    copy = keep_copy(scene)
    scene.import_pictures(2, first_seed=10, title="Norway")
    put_back(scene, copy)
    with scene.bench.open(scene.record) as storage, storage.lock("test"):
        report = verify(scene.bench.tools, scene.record, VerifyRequest(depth=Depth.FULL))
    assert {SET_BACK, "verification-not-noted"} <= {finding.code for finding in report.findings}


def test_what_was_said_since_is_told_again(scene: Scene, empty_catalog: Path) -> None:
    hothash = scene.hothash("IMG_0002.jpg")
    copy = keep_copy(scene)
    edit_photos(scene.bench.tools, [hothash], EditRequest(said=FactChange.of({"rating": 4, "title": "The bridge"})))
    put_back(scene, copy)
    assert codes(scene.look())[SET_BACK] == 1
    assert rating(scene, hothash) == 4
    before = scene.bench.dump()
    scene.settle()
    with Workbench(scene.folder, empty_catalog=empty_catalog, name="machine that comes later") as later:
        recover(later.tools, find_candidates(later.tools, [scene.root])[0])
        assert later.dump() == before


def test_when_the_newer_disk_returns_everything_is_back(scene: Scene) -> None:
    copy = keep_copy(scene)
    scene.import_pictures(2, first_seed=10, title="Norway")
    before = scene.places()
    newer = put_back(scene, copy)
    scene.look()
    scene.root.rename(scene.folder / "older")
    newer.rename(scene.root)
    report = scene.look()
    assert (report.newly_missing, report.files_seen) == ((), 5)
    assert scene.places() == before
    scene.settle()


def test_a_session_whose_number_another_machine_took_meanwhile_gets_the_next(scene: Scene, empty_catalog: Path) -> None:
    copy = keep_copy(scene)
    scene.import_pictures(2, first_seed=10, title="Norway")
    put_back(scene, copy)
    with Workbench(scene.folder, empty_catalog=empty_catalog, name="other") as other:
        recover(other.tools, find_candidates(other.tools, [scene.root])[0])
        [known] = other.records()
        other.import_(known, make_source(scene.folder / "other card", 1, first_seed=30), title="Iceland")
    assert codes(scene.look())[SET_BACK] == 1
    titles = {number: scene.bench.session(scene.record, number).session.title for number in (1, 2, 3)}
    assert titles == {1: "Italy", 2: "Iceland", 3: "Norway"}
    scene.settle()


def test_the_work_of_another_machine_is_no_setting_back(scene: Scene, empty_catalog: Path) -> None:
    with Workbench(scene.folder, empty_catalog=empty_catalog, name="other") as other:
        recover(other.tools, find_candidates(other.tools, [scene.root])[0])
        [known] = other.records()
        other.import_(known, make_source(scene.folder / "other card", 1, first_seed=30), title="Iceland")
        edit_photos(other.tools, [scene.hothash("IMG_0001.jpg")], EditRequest(said=FactChange.of({"rating": 2})))
        (scene.photos / "IMG_0003.jpg").unlink()
        reindex(other.tools, known, ReindexRequest(removes_missing=True))
    report = scene.look()
    assert SET_BACK not in codes(report)
    assert rating(scene, scene.hothash("IMG_0001.jpg")) == 2
    assert sorted(place[1] for place in scene.places(1)) == ["photos/IMG_0001.jpg", "photos/IMG_0002.jpg"]
    scene.settle()


def test_what_was_deleted_since_and_is_on_the_older_disk_stays_indexed(scene: Scene) -> None:
    copy = keep_copy(scene)
    before = scene.places()
    (scene.photos / "IMG_0003.jpg").unlink()
    scene.look(removes_missing=True)
    put_back(scene, copy)
    files = snapshot(scene.photos)
    scene.look()
    assert scene.places() == before
    assert snapshot(scene.photos) == files
    scene.settle()
