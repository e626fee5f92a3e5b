"""Joining and splitting photos by hand: it holds through every re-index, regeneration and recovery."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from imalink.catalog.file_storages import StorageRecord
from imalink.catalog.photos import PhotoRecord, get_photo
from imalink.core.edit_request import EditRequest
from imalink.core.ids import Hothash
from imalink.core.user_facts import FactChange, UserValue
from imalink.errors import NotFoundError, StorageUnavailableError, UsageError
from imalink.workflows.edit_photos import edit_photos
from imalink.workflows.group_photos import join_photos, split_photo
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest, Strategy
from tests.support.photos import set_rating_in_place
from tests.support.scenes import hothash_of
from tests.support.shots import make_pair
from tests.support.workbench import Workbench, make_source


@pytest.fixture
def record(bench: Workbench, tmp_path: Path) -> StorageRecord:
    """A storage with a RAW and JPEG of one shot, IMG_0001, and two further pictures, IMG_0010 and IMG_0011."""
    record = bench.create()
    make_pair(tmp_path / "card")
    make_source(tmp_path / "card", 2, first_seed=10)
    bench.import_(record, tmp_path / "card")
    return record


@pytest.fixture
def card(tmp_path: Path, record: StorageRecord) -> dict[str, Hothash]:
    return {path.name: hothash_of(path) for path in (tmp_path / "card").iterdir()}


def photo(bench: Workbench, hothash: Hothash) -> PhotoRecord:
    with bench.catalog.read() as db:
        return get_photo(db, hothash)


def files(bench: Workbench, hothash: Hothash) -> list[str]:
    return [file.original_filename for file in photo(bench, hothash).files]


def say(bench: Workbench, hothash: Hothash, **said: UserValue) -> None:
    edit_photos(bench.tools, [hothash], EditRequest(said=FactChange.of(said)))


def test_joined_photos_are_one(bench: Workbench, record: StorageRecord, card: dict[str, Hothash]) -> None:
    first = photo(bench, card["IMG_0010.jpg"]).photo.photo_uuid
    joined = join_photos(bench.tools, [card["IMG_0010.jpg"][:12], card["IMG_0011.jpg"]])
    assert joined.photo.photo_uuid == first
    assert {file.hothash for file in joined.files} == {card["IMG_0010.jpg"], card["IMG_0011.jpg"]}
    assert joined.photo.primary == card["IMG_0010.jpg"]
    assert len(bench.session(record).photos) == 2


def test_a_photo_joined_to_another_brings_all_its_files(
    bench: Workbench, record: StorageRecord, card: dict[str, Hothash]
) -> None:
    join_photos(bench.tools, [card["IMG_0010.jpg"], card["IMG_0001.DNG"]])
    assert set(files(bench, card["IMG_0001.JPG"])) == {"IMG_0001.JPG", "IMG_0001.DNG", "IMG_0010.jpg"}


def test_a_file_split_off_is_a_photo_of_its_own(
    bench: Workbench, record: StorageRecord, card: dict[str, Hothash]
) -> None:
    before = photo(bench, card["IMG_0001.JPG"]).photo.photo_uuid
    found = split_photo(bench.tools, card["IMG_0001.JPG"])
    assert found.left.photo.photo_uuid == before
    assert [file.hothash for file in found.left.files] == [card["IMG_0001.DNG"]]
    assert [file.hothash for file in found.alone.files] == [card["IMG_0001.JPG"]]
    assert found.alone.photo.photo_uuid != before


def test_split_and_joined_again_and_again_each_photo_has_a_name_of_its_own(
    bench: Workbench, record: StorageRecord, card: dict[str, Hothash]
) -> None:
    jpeg, raw = card["IMG_0001.JPG"], card["IMG_0001.DNG"]
    split_photo(bench.tools, jpeg)
    join_photos(bench.tools, [jpeg, card["IMG_0010.jpg"]])
    split_photo(bench.tools, jpeg)
    uuids = {photo(bench, each).photo.photo_uuid for each in (jpeg, raw, card["IMG_0010.jpg"])}
    assert len(uuids) == 3
    join_photos(bench.tools, [raw, jpeg, card["IMG_0010.jpg"]])
    assert len(files(bench, raw)) == 3
    assert photo(bench, raw).photo.primary in (jpeg, card["IMG_0010.jpg"])


def test_what_was_said_of_joined_photos_is_merged_by_its_clocks(
    bench: Workbench, record: StorageRecord, card: dict[str, Hothash]
) -> None:
    say(bench, card["IMG_0010.jpg"], title="Old", tags=("rome",))
    say(bench, card["IMG_0011.jpg"], title="New", rating=4)
    joined = join_photos(bench.tools, [card["IMG_0010.jpg"], card["IMG_0011.jpg"]])
    assert (joined.facts.title, joined.facts.rating, joined.facts.tags) == ("New", 4, ("rome",))


def test_what_was_said_stays_with_the_photo_that_a_file_leaves(
    bench: Workbench, record: StorageRecord, card: dict[str, Hothash]
) -> None:
    say(bench, card["IMG_0001.JPG"], title="Rome", rating=4)
    found = split_photo(bench.tools, card["IMG_0001.JPG"])
    assert (found.left.facts.title, found.left.facts.rating) == ("Rome", 4)
    assert (found.alone.facts.title, found.alone.facts.rating) == (None, None)


def test_a_split_and_a_join_outlive_everything(
    bench: Workbench, record: StorageRecord, card: dict[str, Hothash], tmp_path: Path, empty_catalog: Path
) -> None:
    split_photo(bench.tools, card["IMG_0001.JPG"])
    join_photos(bench.tools, [card["IMG_0010.jpg"], card["IMG_0011.jpg"]])

    def assert_kept(machine: Workbench) -> None:
        assert files(machine, card["IMG_0001.JPG"]) == ["IMG_0001.JPG"]
        assert files(machine, card["IMG_0001.DNG"]) == ["IMG_0001.DNG"]
        assert set(files(machine, card["IMG_0010.jpg"])) == {"IMG_0010.jpg", "IMG_0011.jpg"}

    photos = bench.root(record) / "photos"
    set_rating_in_place(photos / "IMG_0011.jpg", 3)
    (photos / "moved").mkdir()
    (photos / "IMG_0001.JPG").rename(photos / "moved" / "IMG_0001.JPG")
    reindex(bench.tools, record, ReindexRequest(strategy=Strategy.FULL))
    assert_kept(bench)
    bench.import_(record, tmp_path / "card", title="Again")
    assert_kept(bench)
    before = bench.dump()
    shutil.rmtree(bench.root(record) / "imports")
    shutil.rmtree(bench.root(record) / ".imalink" / "metadata" / "backup", ignore_errors=True)
    bench.fold(record, check_sessions=(1, 2))
    assert_kept(bench)
    assert bench.dump() == before
    with Workbench(tmp_path, empty_catalog=empty_catalog, name="new") as new:
        candidates, _ = find_candidates(new.tools, [new.disk])
        recover(new.tools, candidates)
        assert_kept(new)


def test_photos_of_two_storages_are_joined_and_split_in_both(bench: Workbench, tmp_path: Path) -> None:
    one, two = bench.create("One"), bench.create("Two")
    bench.import_(one, make_source(tmp_path / "a", 1))
    bench.import_(two, make_source(tmp_path / "b", 1, first_seed=2))
    first, second = (hothash_of(tmp_path / name) for name in ("a/IMG_0001.jpg", "b/IMG_0002.jpg"))
    joined = join_photos(bench.tools, [first, second])
    assert len(joined.files) == 2
    assert {entry.photo_uuid for entry in bench.session(two, 2).files.values()} == {joined.photo.photo_uuid}
    bench.root(one).rename(tmp_path / "away")
    with pytest.raises(StorageUnavailableError):
        split_photo(bench.tools, second)
    assert len(photo(bench, first).files) == 2
    (tmp_path / "away").rename(bench.root(one))
    split_photo(bench.tools, second)
    assert len(photo(bench, first).files) == 1


def test_what_was_said_stays_when_the_file_of_its_session_leaves_the_photo(
    bench: Workbench, record: StorageRecord, card: dict[str, Hothash], tmp_path: Path, empty_catalog: Path
) -> None:
    bench.import_(record, make_source(tmp_path / "later", 1, first_seed=20), title="Later")
    later = hothash_of(tmp_path / "later" / "IMG_0020.jpg")
    join_photos(bench.tools, [card["IMG_0010.jpg"], later])
    say(bench, card["IMG_0010.jpg"], title="Rome", rating=4)
    left = split_photo(bench.tools, card["IMG_0010.jpg"]).left
    assert ([file.hothash for file in left.files], left.facts.title, left.facts.rating) == ([later], "Rome", 4)
    with Workbench(tmp_path, empty_catalog=empty_catalog, name="new") as new:
        candidates, _ = find_candidates(new.tools, [new.disk])
        recover(new.tools, candidates)
        assert new.dump() == bench.dump()
        assert photo(new, later).facts.rating == 4


def test_joining_what_is_one_photo_changes_nothing(
    bench: Workbench, record: StorageRecord, card: dict[str, Hothash]
) -> None:
    before = bench.master(record)
    assert len(join_photos(bench.tools, [card["IMG_0001.JPG"], card["IMG_0001.DNG"]]).files) == 2
    assert bench.master(record) == before


def test_what_makes_no_sense_is_refused(bench: Workbench, record: StorageRecord, card: dict[str, Hothash]) -> None:
    with pytest.raises(UsageError, match="two pictures"):
        join_photos(bench.tools, [card["IMG_0010.jpg"], card["IMG_0010.jpg"]])
    with pytest.raises(UsageError, match="of its own already"):
        split_photo(bench.tools, card["IMG_0010.jpg"])
    with pytest.raises(NotFoundError):
        split_photo(bench.tools, "0" * 64)
