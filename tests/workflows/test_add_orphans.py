"""Pictures that the user put into the folder become a session of their own, if that is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.scenes import Scene, memory_folder


@pytest.fixture
def scene(tmp_path: Path, empty_catalog: Path) -> Iterator[Scene]:
    with memory_folder(tmp_path) as folder, Scene(folder, empty_catalog) as made:
        made.import_pictures(2)
        yield made


def test_orphans_stay_conflicts_unless_they_are_to_be_added(scene: Scene) -> None:
    scene.add("phone/a.jpg", 50)
    scene.look()
    assert scene.orphans() == ["phone/a.jpg"]
    assert not scene.look().changes_detected
    assert scene.orphans() == ["phone/a.jpg"]
    scene.add("phone/b.jpg", 51)
    scene.at("phone/b.jpg.xmp").write_bytes(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
    report = scene.look(adds_orphans=True)
    assert report.added is not None
    assert (report.added.statistics.new_imports, report.added.statistics.companions) == (2, 1)
    assert (report.orphans, scene.orphans()) == ((), [])
    index = scene.bench.session(scene.record, 2)
    assert index.session.title == "Found in Blue Samsung"
    assert {str(entry.relative_path) for entry in index.files.values()} == {"photos/phone/a.jpg", "photos/phone/b.jpg"}
    assert scene.companions()["phone/b.jpg"] == ["phone/b.jpg.xmp"]
    scene.settle()


def test_orphans_that_are_known_already_are_added_too(scene: Scene) -> None:
    scene.add("a.jpg", 50)
    scene.look()
    report = scene.look(adds_orphans=True)
    assert report.added is not None
    assert report.added.statistics.new_imports == 1
    scene.settle()


def test_a_dry_run_adds_nothing(scene: Scene) -> None:
    scene.add("a.jpg", 50)
    report = scene.look(dry_run=True, adds_orphans=True)
    assert (report.added, len(report.new_files)) == (None, 1)
    with scene.bench.open(scene.record) as storage:
        assert storage.indexes.list_sessions() == [1]


def test_without_orphans_no_session_is_made(scene: Scene) -> None:
    scene.move("IMG_0001.jpg", "moved.jpg")
    assert scene.look(adds_orphans=True).added is None
    with scene.bench.open(scene.record) as storage:
        assert storage.indexes.list_sessions() == [1]


def test_a_moved_file_is_a_move_and_not_added(scene: Scene) -> None:
    scene.move("IMG_0002.jpg", "Rome/x.jpg")
    scene.add("new.jpg", 60)
    report = scene.look(adds_orphans=True)
    assert len(report.moved_files) == 1
    assert report.added is not None
    assert report.added.statistics.new_imports == 1
    scene.settle()
