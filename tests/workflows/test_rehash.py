"""Hashing anew: pictures that an older method named take today's hothash, and nothing that was said of them is lost."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from imalink.core.ids import FILE_METHOD, Hothash
from imalink.core.picture import Fingerprint
from imalink.errors import NotFoundError, UsageError
from imalink.media.analyser import PictureAnalyser
from imalink.workflows.find_file import find_files
from imalink.workflows.group_photos import join_photos
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_report import ReindexReport
from imalink.workflows.reindex_request import ReindexRequest, Strategy
from imalink.workflows.undo_operation import undo_operation
from tests.support.photos import set_rating_in_place
from tests.support.scenes import Scene, memory_folder

A, B, C = "IMG_0001.jpg", "IMG_0002.jpg", "IMG_0003.jpg"


class OldAnalyser(PictureAnalyser):
    """An earlier version, which knew no method for JPEG."""

    def fingerprint(self, descriptor: int) -> Fingerprint:
        now = super().fingerprint(descriptor)
        return replace(now, hothash=old_name(now), method=FILE_METHOD)


def old_name(fingerprint: Fingerprint) -> Hothash:
    return Hothash(hashlib.sha256(f"old {fingerprint.sha256}".encode()).hexdigest())


def old_hothash(path: Path) -> Hothash:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return old_name(PictureAnalyser().fingerprint(descriptor))
    finally:
        os.close(descriptor)


@pytest.fixture
def scene(tmp_path: Path, empty_catalog: Path) -> Iterator[Scene]:
    """A storage whose pictures an earlier version brought in."""
    with memory_folder(tmp_path) as folder, Scene(folder, empty_catalog) as made:
        made.bench.tools = replace(made.bench.tools, analyser=OldAnalyser())
        made.import_pictures(3)
        yield made


def upgrade(scene: Scene) -> None:
    scene.bench.tools = replace(scene.bench.tools, analyser=PictureAnalyser())


def rehash(scene: Scene, *, dry_run: bool = False) -> ReindexReport:
    request = ReindexRequest(strategy=Strategy.FULL, rehashes=True, dry_run=dry_run)
    report = reindex(scene.bench.tools, scene.record, request)
    scene.record = scene.bench.record(scene.record.storage_uuid)
    return report


def test_a_newer_version_keeps_the_names_it_finds_until_told_otherwise(scene: Scene) -> None:
    old = old_hothash(scene.photos / A)
    upgrade(scene)
    report = scene.look_full()
    assert (report.changes_detected, report.modified_files) == (False, ())
    assert old in scene.bench.session(scene.record).files


def test_every_picture_takes_its_new_hothash_and_remembers_the_old_one(scene: Scene) -> None:
    before = {entry.relative_path: entry for entry in scene.bench.session(scene.record).files.values()}
    upgrade(scene)
    report = rehash(scene)
    assert {(each.path, each.old_hothash, each.new_hothash) for each in report.rehashed_files} == {
        (f"photos/{name}", old_hothash(scene.photos / name), scene.hothash(name)) for name in (A, B, C)
    }
    index = scene.bench.session(scene.record)
    for name in (A, B, C):
        was, now = before[index.files[scene.hothash(name)].relative_path], index.files[scene.hothash(name)]
        assert (now.method, now.previous_hothashes) == ("jpeg-1", (was.hothash,))
        assert replace(now, hothash=was.hothash, method=was.method, previous_hothashes=()) == was
        assert index.photos[now.photo_uuid].files == (now.hothash,)
        assert index.photos[now.photo_uuid].primary == now.hothash
        assert scene.place_of(now.hothash) == name
    assert len(index.files) == 3
    scene.settle()
    assert rehash(scene).rehashed_files == ()


def test_the_previews_follow(scene: Scene) -> None:
    with scene.bench.open(scene.record) as storage:
        shown = storage.hotpreviews.find(old_hothash(scene.photos / A))
    assert shown
    upgrade(scene)
    rehash(scene)
    with scene.bench.open(scene.record) as storage:
        assert storage.hotpreviews.find(scene.hothash(A)) == shown


def test_copies_go_with_their_picture(scene: Scene) -> None:
    shutil.copyfile(scene.photos / A, scene.photos / "copy.jpg")
    scene.look()
    upgrade(scene)
    rehash(scene)
    entry = scene.bench.session(scene.record).files[scene.hothash(A)]
    assert [copy.relative_path for copy in entry.copies] == ["photos/copy.jpg"]
    scene.settle()


def test_two_pictures_that_are_one_by_the_new_method_become_a_file_and_its_copy(scene: Scene) -> None:
    shutil.copyfile(scene.photos / A, scene.photos / "rated.jpg")
    set_rating_in_place(scene.photos / "rated.jpg", 4)
    scene.look(adds_orphans=True)
    upgrade(scene)
    rehash(scene)
    assert scene.hothash(A) == scene.hothash("rated.jpg")
    entry = scene.bench.master(scene.record).files[scene.hothash(A)]
    assert {place.relative_path for place in entry.places()} == {f"photos/{A}", "photos/rated.jpg"}
    scene.settle()


def test_what_stands_twice_in_one_session_becomes_one_entry(tmp_path: Path, empty_catalog: Path) -> None:
    with Scene(tmp_path, empty_catalog) as scene:
        scene.bench.tools = replace(scene.bench.tools, analyser=OldAnalyser())
        card = tmp_path / "card"
        scene.add("model.jpg", 1).rename(card.with_suffix(".jpg"))
        card.mkdir()
        shutil.copyfile(card.with_suffix(".jpg"), card / "a.jpg")
        shutil.copyfile(card.with_suffix(".jpg"), card / "b.jpg")
        set_rating_in_place(card / "b.jpg", 4)
        scene.import_(card)
        assert len(scene.bench.session(scene.record).files) == 2
        upgrade(scene)
        rehash(scene)
        [entry] = scene.bench.session(scene.record).files.values()
        assert {entry.relative_path, *(copy.relative_path for copy in entry.copies)} == {"photos/a.jpg", "photos/b.jpg"}
        assert len(scene.bench.session(scene.record).photos) == 1
        scene.settle()


def test_a_joined_photo_stays_joined(scene: Scene) -> None:
    joined = join_photos(scene.bench.tools, [old_hothash(scene.photos / A), old_hothash(scene.photos / B)])
    upgrade(scene)
    rehash(scene)
    index = scene.bench.session(scene.record)
    assert set(index.photos[joined.photo.photo_uuid].files) == {scene.hothash(A), scene.hothash(B)}
    assert index.files[scene.hothash(B)].photo_uuid == joined.photo.photo_uuid
    scene.settle()


def test_what_is_missing_keeps_its_hothash_until_it_is_back(scene: Scene) -> None:
    old = old_hothash(scene.photos / A)
    (scene.photos / A).rename(scene.folder / "aside.jpg")
    upgrade(scene)
    assert len(rehash(scene).rehashed_files) == 2
    assert old in scene.bench.session(scene.record).files
    (scene.folder / "aside.jpg").rename(scene.at("back.jpg"))
    assert len(rehash(scene).rehashed_files) == 1
    assert scene.place_of(scene.hothash("back.jpg")) == "back.jpg"
    scene.settle()


def test_a_damaged_file_keeps_the_hothash_of_its_good_bytes(scene: Scene) -> None:
    old = old_hothash(scene.photos / A)
    facts = (scene.photos / A).stat()
    data = bytearray((scene.photos / A).read_bytes())
    data[-5] ^= 1
    (scene.photos / A).write_bytes(data)
    os.utime(scene.photos / A, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    upgrade(scene)
    rehash(scene)
    assert old in scene.bench.session(scene.record).files


def test_a_dry_run_tells_and_writes_nothing(scene: Scene) -> None:
    upgrade(scene)
    before = scene.places()
    assert len(rehash(scene, dry_run=True).rehashed_files) == 3
    assert scene.places() == before


def test_rehashing_can_be_undone(scene: Scene) -> None:
    before = scene.places()
    upgrade(scene)
    rehash(scene)
    undo_operation(scene.bench.tools)
    assert scene.places() == before


def test_a_lost_index_is_rebuilt_with_the_new_hothashes(scene: Scene) -> None:
    upgrade(scene)
    rehash(scene)
    before = scene.places()
    (scene.root / "imports" / "session_1.json").unlink()
    shutil.rmtree(scene.root / ".imalink" / "metadata" / "backup")
    scene.bench.fold(scene.record, check_sessions=(1,))
    assert scene.places() == before
    scene.settle()


def test_whoever_asks_by_the_old_hothash_is_told_the_new_one(scene: Scene) -> None:
    old = old_hothash(scene.photos / A)
    upgrade(scene)
    rehash(scene)
    with pytest.raises(NotFoundError) as refused:
        find_files(scene.bench.tools, [old])
    assert f"is {scene.hothash(A)[:16]} now" in refused.value.hint


@pytest.mark.parametrize("strategy", [Strategy.SMART, Strategy.QUICK], ids=str)
def test_hashing_anew_without_reading_everything_is_refused(scene: Scene, strategy: Strategy) -> None:
    with pytest.raises(UsageError):
        reindex(scene.bench.tools, scene.record, ReindexRequest(strategy=strategy, rehashes=True))
