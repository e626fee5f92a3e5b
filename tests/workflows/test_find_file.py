"""From a hothash to a file that opens now, or to every place it is known to have."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from imalink.errors import NotFoundError, UsageError
from imalink.workflows.find_file import find_files
from tests.support.photos import set_rating_in_place
from tests.support.scenes import Scene, hothash_of, memory_folder
from tests.support.workbench import make_source, sha256_of

A = "IMG_0001.jpg"


@pytest.fixture
def scene(tmp_path: Path, empty_catalog: Path) -> Iterator[Scene]:
    with memory_folder(tmp_path) as folder, Scene(folder, empty_catalog) as made:
        made.import_pictures(3)
        yield made


def test_a_moved_file_is_searched_for_where_that_is_wanted(scene: Scene) -> None:
    hothash = scene.hothash("IMG_0001.jpg")
    scene.move("IMG_0001.jpg", "2024/Rome.jpg")
    assert [found.path for found in find_files(scene.bench.tools, [hothash])] == [None]
    [found] = find_files(scene.bench.tools, [hothash[:12]], heals=True)
    assert found.path == str(scene.photos / "2024/Rome.jpg")
    assert [place.status for place in found.places] == ["present"]


def test_a_hundred_hothashes_open_as_their_pictures(tmp_path: Path, empty_catalog: Path) -> None:
    with memory_folder(tmp_path) as folder, Scene(folder, empty_catalog) as scene:
        for number in range(4):
            make_source(folder / "card" / f"day {number}", 25, first_seed=1 + 25 * number)
        scene.import_(folder / "card")
        entries = scene.bench.master(scene.record).files
        assert len(entries) == 100
        for found in find_files(scene.bench.tools, [*entries]):
            assert found.path is not None
            assert Path(found.path) == scene.root / entries[found.hothash].relative_path
            assert sha256_of(Path(found.path)) == entries[found.hothash].sha256


def test_answers_stand_in_the_order_of_the_questions(scene: Scene) -> None:
    hothashes = [scene.hothash(f"IMG_000{number}.jpg") for number in (3, 1, 2, 1)]
    assert [found.hothash for found in find_files(scene.bench.tools, [*hothashes])] == hothashes


def test_a_file_moved_since_the_last_look_is_missing_for_now(scene: Scene) -> None:
    hothash = scene.hothash(A)
    scene.move(A, "x.jpg")
    found = scene.find(hothash)
    assert (found.path, [place.status for place in found.places]) == (None, ["missing"])
    scene.look()
    assert scene.place_of(hothash) == "x.jpg"


def test_a_file_that_came_back_since_the_last_look_is_found(scene: Scene) -> None:
    hothash = scene.hothash(A)
    (scene.photos / A).rename(scene.folder / "away.jpg")
    scene.look()
    (scene.folder / "away.jpg").rename(scene.photos / A)
    assert scene.place_of(hothash) == A


def test_a_folder_at_the_place_of_a_file_is_not_the_file(scene: Scene) -> None:
    hothash = scene.hothash(A)
    (scene.photos / A).unlink()
    (scene.photos / A).mkdir()
    assert scene.find(hothash).path is None


def test_a_link_at_the_place_of_a_file_is_not_the_file(scene: Scene) -> None:
    hothash = scene.hothash(A)
    (scene.photos / A).rename(scene.folder / "away.jpg")
    (scene.photos / A).symlink_to(scene.folder / "away.jpg")
    assert scene.find(hothash).path is None


def test_a_link_above_a_file_is_not_followed(scene: Scene) -> None:
    scene.move(A, "Rome/x.jpg")
    scene.look()
    hothash = scene.hothash("Rome/x.jpg")
    (scene.photos / "Rome").rename(scene.folder / "Rome")
    (scene.photos / "Rome").symlink_to(scene.folder / "Rome")
    assert scene.find(hothash).path is None


def test_a_picture_in_two_storages_is_found_in_the_one_that_is_there(scene: Scene) -> None:
    """The second has it with other metadata, for equal bytes are not imported twice."""
    second = scene.bench.create("Red disk")
    card = make_source(scene.folder / "other card", 1)
    set_rating_in_place(card / A, 5)
    scene.bench.import_(second, card)
    hothash = scene.hothash(A)
    assert [place.status for place in scene.find(hothash).places] == ["present", "present"]
    scene.root.rename(scene.folder / "unplugged")
    found = scene.find(hothash)
    assert [(place.display_name, place.status) for place in found.places] == [
        ("Red disk", "present"),
        ("Blue Samsung", "offline"),
    ]
    assert found.path is not None
    assert hothash_of(Path(found.path)) == hothash


def test_a_copy_is_found_when_the_first_is_gone(scene: Scene) -> None:
    hothash = scene.hothash(A)
    shutil.copyfile(scene.photos / A, scene.at("copy.jpg"))
    scene.look()
    (scene.photos / A).unlink()
    assert scene.place_of(hothash) == "copy.jpg"


@pytest.mark.parametrize("text", ["", "abc", "xyzxyzxyz", "0" * 65, "0123456 ", "../../../etc"])
def test_what_is_no_hothash_is_refused(scene: Scene, text: str) -> None:
    with pytest.raises(UsageError):
        find_files(scene.bench.tools, [text])


def test_an_orphan_is_not_known_by_its_hothash(scene: Scene) -> None:
    scene.add("new.jpg", seed=99)
    scene.look()
    with pytest.raises(NotFoundError):
        find_files(scene.bench.tools, [scene.hothash("new.jpg")])
