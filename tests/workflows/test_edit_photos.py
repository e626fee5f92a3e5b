"""What a user says of photos holds at once, is told to every storage that has them, and survives everything."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from imalink.catalog import file_storages, outbox
from imalink.catalog.file_storages import StorageChange, StorageRecord
from imalink.catalog.photos import PhotoRecord, get_photo
from imalink.core.edit_request import MAX_CUSTOM_FIELDS, MAX_TAGS, EditRequest, TakenAt
from imalink.core.ids import Hothash
from imalink.core.picture import GpsPosition
from imalink.core.search_query import parse_query
from imalink.core.session import Author
from imalink.core.timestamps import CaptureTime
from imalink.core.user_facts import FactChange, UserValue, custom_field
from imalink.errors import AmbiguousError, NotFoundError, UsageError
from imalink.workflows.edit_photos import EditReport, change_photos, edit_photos
from imalink.workflows.edit_session import edit_session
from imalink.workflows.group_photos import join_photos
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.regenerate_indexes import regenerate_indexes
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest, Strategy
from imalink.workflows.search_photos import search_photos
from tests.support.faults import FailingCalls
from tests.support.photos import make_jpeg
from tests.support.scenes import hothash_of
from tests.support.shots import make_pair
from tests.support.workbench import SMALL, Workbench, make_source, snapshot

EVERYTHING = EditRequest(
    said=FactChange.of(
        {
            "title": "Forum Romanum",
            "caption": "As it was\nin 2024",
            "rating": 4,
            "label": "Red",
            "rejected": True,
            "author": Author(name="Anna Berg", email="anna@example.org"),
            "gps": GpsPosition(latitude=41.8925, longitude=12.4853, altitude=20),
            "custom.client": "Comune di Roma",
        }
    ),
    added_tags=("rome", "Places|Italy"),
    taken_at=TakenAt(local="2024-08-01T10:00:00", offset="+02:00"),
)


def saying(**values: UserValue | None) -> EditRequest:
    return EditRequest(said=FactChange.of(values))


@pytest.fixture
def record(bench: Workbench, tmp_path: Path) -> StorageRecord:
    """A storage with three pictures, IMG_0001 to IMG_0003."""
    record = bench.create()
    bench.import_(record, make_source(tmp_path / "card"))
    return record


@pytest.fixture
def card(tmp_path: Path, record: StorageRecord) -> list[Hothash]:
    return [hothash_of(path) for path in sorted((tmp_path / "card").iterdir())]


def photo(bench: Workbench, hothash: Hothash) -> PhotoRecord:
    with bench.catalog.read() as db:
        return get_photo(db, hothash)


def waiting(bench: Workbench) -> int:
    with bench.catalog.read() as db:
        return sum(outbox.count_waiting(db).values())


def effective(bench: Workbench, hothashes: list[Hothash]) -> list[object]:
    return [photo(bench, hothash).facts for hothash in hothashes]


def recovered(bench: Workbench, empty_catalog: Path, *roots: Path) -> list[str]:
    """Give the dump of a new machine that recovers from these storages."""
    with Workbench(bench.folder, empty_catalog=empty_catalog, name="new") as new:
        candidates, _ = find_candidates(new.tools, list(roots))
        recover(new.tools, candidates)
        return new.dump()


def test_everything_said_holds_in_the_catalog_and_in_the_index(
    bench: Workbench, record: StorageRecord, card: list[Hothash]
) -> None:
    before = snapshot(bench.root(record) / "photos")
    report = edit_photos(bench.tools, [card[0]], EVERYTHING)
    assert (len(report.edited), report.unchanged, report.waiting) == (1, 0, ())
    facts = photo(bench, card[0]).facts
    assert (facts.title, facts.caption, facts.rating) == ("Forum Romanum", "As it was\nin 2024", 4)
    assert (facts.label, facts.rejected, facts.author) == ("Red", True, "Anna Berg")
    assert facts.tags == ("Places|Italy", "rome")
    assert facts.capture_time == CaptureTime(local="2024-08-01T10:00:00", offset="+02:00", source="user")
    assert facts.gps == GpsPosition(latitude=41.8925, longitude=12.4853, altitude=20)
    assert facts.custom == {"client": "Comune di Roma"}
    [said] = [each for each in bench.session(record).photos.values() if each.clocks]
    assert said == photo(bench, card[0]).photo
    entry = bench.session(record).files[card[0]]
    assert entry.facts.capture_time == CaptureTime(local="2024-07-01T12:00:00", offset=None, source="exif")
    assert snapshot(bench.root(record) / "photos") == before
    assert waiting(bench) == 0


def test_what_was_said_is_found_at_once(bench: Workbench, record: StorageRecord, card: list[Hothash]) -> None:
    edit_photos(bench.tools, [card[1]], EVERYTHING)
    for query in ("forum", "tag:rome", "rating:4", "author:berg", "date:2024-08-01"):
        found = search_photos(bench.tools, parse_query(query)).photos
        assert [each.hothash for each in found] == [card[1]], query


def test_a_photo_is_named_by_any_of_its_files_and_edited_once(
    bench: Workbench, record: StorageRecord, tmp_path: Path
) -> None:
    raw, jpeg = (hothash_of(path) for path in make_pair(tmp_path / "pair"))
    bench.import_(record, tmp_path / "pair", title="Pair")
    report = edit_photos(bench.tools, [raw[:8], jpeg], saying(rating=2))
    assert [each.photo_uuid for each in report.edited] == [photo(bench, raw).photo.photo_uuid]
    assert photo(bench, jpeg).facts.rating == 2


def test_several_photos_take_one_edit(bench: Workbench, record: StorageRecord, card: list[Hothash]) -> None:
    edit_photos(bench.tools, card[:1], saying(rating=5))
    report = edit_photos(bench.tools, card, saying(rating=5))
    assert ([each.hothash for each in report.edited], report.unchanged) == (card[1:], 1)
    assert len({each.clocks["rating"].counter for each in bench.session(record).photos.values()}) == 2


def test_what_cannot_be_done_for_one_is_done_for_none(
    bench: Workbench, record: StorageRecord, card: list[Hothash]
) -> None:
    edit_photos(bench.tools, card[2:], EditRequest(taken_at=TakenAt(local="9999-12-31T00:00:00")))
    before = bench.dump()
    with pytest.raises(UsageError, match=r"IMG_0003\.jpg .*Nothing was changed"):
        edit_photos(bench.tools, card, EditRequest(shift=timedelta(days=1)))
    with pytest.raises(NotFoundError):
        edit_photos(bench.tools, [card[0], "0" * 64], saying(rating=1))
    with pytest.raises(UsageError):
        edit_photos(bench.tools, card, EditRequest())
    assert bench.dump() == before


def test_a_prefix_that_fits_several_names_them(bench: Workbench, record: StorageRecord, card: list[Hothash]) -> None:
    twin = Hothash(card[0][:8] + "f" * 56)
    with bench.open(record) as storage, storage.lock("test"):
        index = storage.indexes.load_session(1).index
        files = {**index.files, twin: replace(index.files[card[0]], hothash=twin)}
        storage.indexes.save_session(replace(index, files=files, generation=index.generation + 1))
    candidates, _ = find_candidates(bench.tools, [bench.root(record)])
    recover(bench.tools, candidates)
    with pytest.raises(AmbiguousError) as caught:
        edit_photos(bench.tools, [card[0][:8]], saying(rating=1))
    assert card[0][:16] in caught.value.message
    assert twin[:16] in caught.value.message


def test_a_dry_run_tells_and_writes_nothing(bench: Workbench, record: StorageRecord, card: list[Hothash]) -> None:
    before, disk = bench.dump(), snapshot(bench.disk)
    report = edit_photos(bench.tools, card, EVERYTHING, dry_run=True)
    assert [each.facts.title for each in report.edited] == ["Forum Romanum"] * 3
    assert (bench.dump(), snapshot(bench.disk)) == (before, disk)


def test_a_report_takes_its_edit_back(bench: Workbench, record: StorageRecord, card: list[Hothash]) -> None:
    edit_photos(bench.tools, card[:1], replace(saying(title="Old"), added_tags=("a", "b")))
    before = effective(bench, card)
    second = replace(EVERYTHING, removed_tags=("a",))
    report = edit_photos(bench.tools, card, second)
    after = effective(bench, card)
    assert [each.facts for each in report.edited] == after
    assert [each.facts_before for each in report.edited] == before
    back = change_photos(bench.tools, {each.photo_uuid: each.before for each in report.edited})
    assert effective(bench, card) == before
    change_photos(bench.tools, {each.photo_uuid: each.before for each in back.edited})
    assert effective(bench, card) == after
    assert change_photos(bench.tools, {each.photo_uuid: each.before for each in back.edited}).unchanged == 3


def test_taking_back_brings_the_file_s_own_facts_again(
    bench: Workbench, record: StorageRecord, card: list[Hothash]
) -> None:
    before = effective(bench, card)
    edit_photos(bench.tools, card, EVERYTHING)
    edit_photos(bench.tools, card, EditRequest(resets=frozenset({"all"})))
    assert effective(bench, card) == before


# --- storages that are away


def _edit_another(bench: Workbench, record: StorageRecord, card: list[Hothash]) -> None:
    edit_photos(bench.tools, [card[2]], saying(rating=1))


def _edit_nothing(bench: Workbench, record: StorageRecord, card: list[Hothash]) -> None:
    assert edit_photos(bench.tools, [card[0]], EVERYTHING).unchanged == 1


def _reindex(strategy: Strategy) -> Callable[[Workbench, StorageRecord, list[Hothash]], None]:
    return lambda bench, record, _: void(reindex(bench.tools, record, ReindexRequest(strategy=strategy)))


def void(_: object) -> None:
    """Drop a result."""


OPENERS: dict[str, Callable[[Workbench, StorageRecord, list[Hothash]], None]] = {
    "edit": _edit_another,
    "edit that changes nothing": _edit_nothing,
    "reindex": _reindex(Strategy.SMART),
    "reindex quick": _reindex(Strategy.QUICK),
    "import": lambda bench, record, _: void(bench.import_(record, make_source(bench.folder / "new", 1, first_seed=9))),
    "sessions edit": lambda bench, record, _: void(edit_session(bench.tools, "1", title="Roma")),
    "photos join": lambda bench, record, card: void(join_photos(bench.tools, card[1:])),
    "regenerate": lambda bench, record, _: void(regenerate_indexes(bench.tools, record)),
    "recover": lambda bench, record, _: void(recover(bench.tools, find_candidates(bench.tools, [])[0])),
}


@pytest.mark.parametrize("opener", OPENERS.values(), ids=OPENERS.keys())
def test_a_storage_that_was_away_is_told_when_it_is_next_worked_on(
    bench: Workbench,
    record: StorageRecord,
    card: list[Hothash],
    opener: Callable[[Workbench, StorageRecord, list[Hothash]], None],
    empty_catalog: Path,
) -> None:
    reindex(bench.tools, record, ReindexRequest())
    bench.root(record).rename(bench.folder / "away")
    report = edit_photos(bench.tools, [card[0]], EVERYTHING)
    [left] = report.waiting
    assert (left.display_name, left.edits, left.status) == ("Blue Samsung", 1, "storage-offline")
    assert photo(bench, card[0]).facts == report.edited[0].facts
    assert edit_photos(bench.tools, [card[0]], saying(label="Green")).waiting[0].edits == 2
    edit_photos(bench.tools, [card[0]], saying(label="Red"))
    (bench.folder / "away").rename(bench.root(record))
    opener(bench, record, card)
    assert waiting(bench) == 0
    assert photo(bench, card[0]).facts == report.edited[0].facts
    assert recovered(bench, empty_catalog, bench.root(record)) == bench.dump()


def test_a_look_that_changes_nothing_leaves_the_edits_waiting(
    bench: Workbench, record: StorageRecord, card: list[Hothash]
) -> None:
    bench.root(record).rename(bench.folder / "away")
    edit_photos(bench.tools, [card[0]], saying(rating=3))
    (bench.folder / "away").rename(bench.root(record))
    disk = snapshot(bench.disk)
    reindex(bench.tools, record, ReindexRequest(dry_run=True))
    assert (waiting(bench), snapshot(bench.disk)) == (1, disk)


def test_of_two_storages_the_one_that_answers_is_told_and_the_other_later(
    bench: Workbench, record: StorageRecord, card: list[Hothash], tmp_path: Path, empty_catalog: Path
) -> None:
    two = bench.create("Two")
    with bench.open(record) as source:
        shutil.copytree(source.root.path / "photos", bench.root(two) / "photos", dirs_exist_ok=True)
    reindex(bench.tools, two, ReindexRequest(adds_orphans=True))
    bench.root(two).rename(tmp_path / "away")
    report = edit_photos(bench.tools, card, EVERYTHING)
    assert [(each.display_name, each.edits) for each in report.waiting] == [("Two", 3)]
    assert {each.rating for each in bench.session(record).photos.values()} == {4}
    (tmp_path / "away").rename(bench.root(two))
    edit_photos(bench.tools, card[:1], saying(rating=4))
    assert waiting(bench) == 0
    shutil.rmtree(bench.root(record))
    with Workbench(tmp_path, empty_catalog=empty_catalog, name="new") as new:
        candidates, _ = find_candidates(new.tools, [bench.root(two)])
        recover(new.tools, candidates)
        assert effective(new, card) == effective(bench, card)


def test_a_storage_that_got_the_photo_later_is_told_all_with_the_next_edit(
    bench: Workbench, record: StorageRecord, card: list[Hothash], tmp_path: Path, empty_catalog: Path
) -> None:
    edit_photos(bench.tools, card, EVERYTHING)
    two = bench.create("Two")
    shutil.copytree(bench.root(record) / "photos", bench.root(two) / "photos", dirs_exist_ok=True)
    reindex(bench.tools, two, ReindexRequest(adds_orphans=True))
    edit_photos(bench.tools, card, saying(label="Green"))
    shutil.rmtree(bench.root(record))
    with Workbench(tmp_path, empty_catalog=empty_catalog, name="new") as new:
        candidates, _ = find_candidates(new.tools, [bench.root(two)])
        recover(new.tools, candidates)
        assert effective(new, card) == effective(bench, card)


def test_a_locked_storage_keeps_its_edits(bench: Workbench, record: StorageRecord, card: list[Hothash]) -> None:
    with bench.open(record) as storage, storage.lock("import"):
        report = edit_photos(bench.tools, card, saying(rating=3))
    assert [(each.edits, each.status) for each in report.waiting] == [(3, "storage-locked")]
    assert edit_photos(bench.tools, card, saying(rating=3)).waiting == ()
    assert {each.rating for each in bench.session(record).photos.values()} == {3}


@pytest.mark.parametrize(("number", "status"), [(errno.EROFS, "storage-read-only"), (errno.ENOSPC, "out-of-space")])
def test_a_storage_that_cannot_be_written_keeps_its_edits(
    bench: Workbench, record: StorageRecord, card: list[Hothash], number: int, status: str
) -> None:
    with bench.restart(FailingCalls(1, number, is_forever=True)) as broken:
        report = edit_photos(broken.tools, card, saying(rating=3))
        assert [(each.edits, each.status) for each in report.waiting] == [(3, status)]
        assert photo(broken, card[0]).facts.rating == 3
        with broken.restart() as mended:
            assert edit_photos(mended.tools, card, saying(rating=3)).waiting == ()


def test_a_storage_that_is_not_wanted_blocks_nothing(
    bench: Workbench, record: StorageRecord, card: list[Hothash]
) -> None:
    other = bench.create("Other")
    bench.import_(other, make_source(bench.folder / "other", 1, first_seed=40))
    with bench.catalog.begin() as db:
        file_storages.update_storage(db, record.storage_uuid, StorageChange(is_active=False))
    report = edit_photos(bench.tools, [*card, hothash_of(bench.folder / "other" / "IMG_0040.jpg")], saying(rating=3))
    assert [(each.display_name, each.edits, each.status) for each in report.waiting] == [
        ("Blue Samsung", 3, "inactive")
    ]
    assert {each.rating for each in bench.session(other, 2).photos.values()} == {3}
    assert photo(bench, card[0]).facts.rating == 3


# --- recovery


def test_a_recovery_brings_back_all_that_was_said(
    bench: Workbench, record: StorageRecord, card: list[Hothash], empty_catalog: Path
) -> None:
    edit_photos(bench.tools, card, EVERYTHING)
    edit_photos(bench.tools, card[:2], EditRequest(shift=timedelta(hours=1), removed_tags=("rome",)))
    edit_photos(bench.tools, card[:1], EditRequest(resets=frozenset({"rating", "custom"})))
    expected = bench.dump()
    assert recovered(bench, empty_catalog, bench.disk) == expected
    shutil.rmtree(bench.root(record) / "imports")
    shutil.rmtree(bench.root(record) / ".imalink" / "metadata" / "backup", ignore_errors=True)
    bench.fold(record, check_sessions=(1,))
    assert bench.dump() == expected


def test_edits_that_no_storage_was_told_are_lost_with_the_catalog_and_a_check_says_so(
    bench: Workbench, record: StorageRecord, card: list[Hothash], empty_catalog: Path
) -> None:
    edit_photos(bench.tools, card[:1], saying(rating=3))
    bench.root(record).rename(bench.folder / "away")
    edit_photos(bench.tools, card[:1], saying(rating=5))
    (bench.folder / "away").rename(bench.root(record))
    candidates, _ = find_candidates(bench.tools, [])
    differences = recover(bench.tools, candidates, is_check=True).differences
    assert any("rating was 5, is 3" in each for each in differences)
    assert any(each.startswith("waiting-edit") for each in differences)
    assert photo(bench, card[0]).facts.rating == 5
    lost = recovered(bench, empty_catalog, bench.disk)
    assert any('"rating":3' in line for line in lost)
    assert not any('"rating":5' in line for line in lost)


def test_what_waits_holds_though_the_storage_s_indexes_are_read_again(
    bench: Workbench, record: StorageRecord, card: list[Hothash]
) -> None:
    bench.root(record).rename(bench.folder / "away")
    edit_photos(bench.tools, card[:1], EVERYTHING)
    (bench.folder / "away").rename(bench.root(record))
    before = bench.dump()
    with bench.restart(FailingCalls(1, errno.EROFS, is_forever=True)) as read_only:
        candidates, _ = find_candidates(read_only.tools, [])
        recover(read_only.tools, candidates)
        assert waiting(read_only) == 1
        assert read_only.dump() == before


# --- two machines


def test_two_machines_that_edit_one_storage_agree(
    bench: Workbench, record: StorageRecord, card: list[Hothash], empty_catalog: Path
) -> None:
    with Workbench(bench.folder, empty_catalog=empty_catalog, name="other") as other:
        candidates, _ = find_candidates(other.tools, [other.disk])
        recover(other.tools, candidates)
        bench.root(record).rename(bench.folder / "away")
        for machine, stars, tag in ((bench, 2, "mine"), (other, 4, "theirs")):
            edit_photos(machine.tools, card[:1], replace(saying(rating=stars), added_tags=(tag,)))
        edit_photos(other.tools, card[:1], saying(title="Theirs"))
        (bench.folder / "away").rename(bench.root(record))
        for machine in (bench, other, bench):
            reindex(machine.tools, machine.records()[0], ReindexRequest())
        assert (waiting(bench), waiting(other)) == (0, 0)
        assert effective(bench, card) == effective(other, card)
        facts = photo(bench, card[0]).facts
        assert set(facts.tags) == {"mine", "theirs"}
        assert facts.title == "Theirs"
        edit_photos(bench.tools, card[:1], saying(title="Mine", rating=5))
        reindex(other.tools, other.records()[0], ReindexRequest())
        assert (photo(other, card[0]).facts.title, photo(other, card[0]).facts.rating) == ("Mine", 5)


# --- odd cases


def test_the_longest_texts_there_may_be_fit_the_journal(
    bench: Workbench, record: StorageRecord, card: list[Hothash], empty_catalog: Path
) -> None:
    wide = "\U0001f5fb"
    values: dict[str, UserValue | None] = {
        custom_field(f"{wide * 60}{number:03}"): wide * 500 for number in range(MAX_CUSTOM_FIELDS)
    }
    values |= {"title": wide * 500, "caption": wide * 5000, "label": wide * 200, "author": Author(name=wide * 200)}
    tags = tuple(f"{wide * 95}{number:03}" for number in range(MAX_TAGS))
    report = edit_photos(bench.tools, card, EditRequest(said=FactChange.of(values), added_tags=tags))
    assert report.waiting == ()
    assert (len(photo(bench, card[2]).facts.custom), len(photo(bench, card[2]).facts.tags)) == (100, 100)
    assert recovered(bench, empty_catalog, bench.disk) == bench.dump()


def test_an_edit_follows_a_picture_that_was_changed_meanwhile(
    bench: Workbench, record: StorageRecord, card: list[Hothash]
) -> None:
    bench.root(record).rename(bench.folder / "away")
    edit_photos(bench.tools, card[:1], saying(title="Rome"))
    (bench.folder / "away").rename(bench.root(record))
    picture = make_jpeg(bench.root(record) / "photos" / "IMG_0001.jpg", seed=500, size=SMALL)
    reindex(bench.tools, record, ReindexRequest())
    assert photo(bench, hothash_of(picture)).facts.title == "Rome"
    assert waiting(bench) == 0


def test_an_edit_of_a_photo_that_another_machine_joined_meanwhile_is_kept(
    bench: Workbench, record: StorageRecord, card: list[Hothash], empty_catalog: Path
) -> None:
    with Workbench(bench.folder, empty_catalog=empty_catalog, name="other") as other:
        candidates, _ = find_candidates(other.tools, [other.disk])
        recover(other.tools, candidates)
        with bench.open(record) as storage, storage.lock("test"):
            edit_photos(bench.tools, card[1:2], saying(title="Second"))
        join_photos(other.tools, card[:2])
        reindex(bench.tools, record, ReindexRequest())
        assert photo(bench, card[0]).facts.title == "Second"
        assert len(photo(bench, card[0]).files) == 2


def test_a_photo_in_two_sessions_of_a_storage_is_told_in_both(
    bench: Workbench, record: StorageRecord, card: list[Hothash]
) -> None:
    bench.import_(record, make_source(bench.folder / "later", 1, first_seed=20), title="Later")
    later = hothash_of(bench.folder / "later" / "IMG_0020.jpg")
    join_photos(bench.tools, [card[0], later])
    edit_photos(bench.tools, [later], saying(rating=4))
    said = [photo for number in (1, 2) for photo in bench.session(record, number).photos.values() if photo.clocks]
    assert [each.rating for each in said] == [4, 4]


def test_counts_of_an_edit_are_those_of_the_photos_named(
    bench: Workbench, record: StorageRecord, card: list[Hothash]
) -> None:
    report: EditReport = edit_photos(bench.tools, [card[0], card[0][:12], card[1]], saying(rating=0))
    assert (len(report.edited), report.unchanged) == (2, 0)
