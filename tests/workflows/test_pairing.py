"""Pairing at import: files of one shot come in as one photo, whatever their order and session."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from imalink.catalog.file_storages import StorageRecord
from imalink.catalog.photos import PhotoRecord, find_photo
from imalink.core.ids import Hothash, HothashMethod, photo_uuid_of
from imalink.core.organization import DATE
from imalink.core.picture import PictureFacts
from imalink.workflows.import_report import ImportReport
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from tests.support.photos import make_jpeg, set_rating_in_place
from tests.support.scenes import hothash_of
from tests.support.shots import TellingAnalyser, live_clip, make_apple_clip, make_film, make_pair, make_raw
from tests.support.workbench import SMALL, Workbench, make_source, photos_below

JPEG = HothashMethod("jpeg-1")
STILL, CLIP = "IMG_0001.jpg", "IMG_0001.MOV"


def telling(bench: Workbench, told: Mapping[str, PictureFacts], identifiers: Mapping[str, str] | None = None) -> None:
    bench.tools = replace(bench.tools, analyser=TellingAnalyser(told, identifiers))


def photo_of(bench: Workbench, path: Path) -> PhotoRecord:
    with bench.catalog.read() as db:
        found = find_photo(db, hothash_of(path))
    assert found is not None
    return found


def names(photo: PhotoRecord) -> list[str]:
    return [file.original_filename for file in photo.files]


def counts(report: ImportReport) -> tuple[int, int, int, int, int]:
    """Give what came in: files, photos, companions, duplicates, ignored ones."""
    it = report.statistics
    return it.new_imports, report.photos_created, it.companions, it.duplicates_skipped, it.ignored


def companions(bench: Workbench, record: StorageRecord) -> dict[str, list[tuple[str, str]]]:
    return {
        entry.relative_path: [(each.relative_path, each.kind) for each in entry.companions]
        for entry in bench.master(record).files.values()
    }


def agree(bench: Workbench, record: StorageRecord) -> None:
    """See that a catalog made anew from the storage is the one there is."""
    before = bench.dump()
    bench.fold(record, check_sessions=tuple(range(1, 9)))
    assert bench.dump() == before


# --- RAW and JPEG ---------------------------------------------------------------------------------------------------


def test_a_raw_and_its_jpeg_are_one_photo_shown_by_the_jpeg(bench: Workbench, tmp_path: Path) -> None:
    record = bench.create()
    jpeg, raw = make_pair(tmp_path / "card")
    report = bench.import_(record, tmp_path / "card")
    photo = photo_of(bench, raw)
    assert counts(report) == (2, 1, 0, 0, 0)
    assert names(photo) == ["IMG_0001.JPG", "IMG_0001.DNG"]
    assert photo.photo.photo_uuid == photo_uuid_of(hothash_of(jpeg), JPEG)
    assert photo.facts.file_format == "JPEG"
    [of_session] = bench.session(record).photos.values()
    assert of_session.primary == hothash_of(jpeg)
    agree(bench, record)


def test_files_of_other_times_or_cameras_stay_apart(bench: Workbench, tmp_path: Path) -> None:
    record = bench.create()
    make_jpeg(tmp_path / "card" / "IMG_0001.JPG", seed=1, size=SMALL, taken="2024:07:10 12:00:00")
    make_raw(tmp_path / "card" / "IMG_0001.DNG", seed=2, taken="2024:08:20 09:00:00")
    make_jpeg(tmp_path / "card" / "IMG_0002.JPG", seed=3, size=SMALL, taken="2024:07:10 12:00:00")
    make_raw(tmp_path / "card" / "IMG_0002.DNG", seed=4, camera=("Other", "Camera"))
    assert counts(bench.import_(record, tmp_path / "card")) == (4, 4, 0, 0, 0)


def test_a_dry_run_counts_photos_as_the_import_does(bench: Workbench, tmp_path: Path) -> None:
    record = bench.create()
    make_pair(tmp_path / "card")
    make_source(tmp_path / "card", 2, first_seed=20)
    make_film(tmp_path / "card" / "IMG_0020.MOV", seed=1)
    telling(bench, {"IMG_0020.MOV": live_clip("A")}, {"IMG_0020.jpg": "A"})
    planned = bench.import_(record, tmp_path / "card", dry_run=True)
    done = bench.import_(record, tmp_path / "card")
    assert counts(planned) == counts(done) == (4, 3, 1, 0, 0)
    assert planned.statistics == done.statistics
    assert planned.files == done.files


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=["JPEG first", "RAW first"])
def test_a_file_that_comes_a_week_later_joins_its_partner(
    bench: Workbench, tmp_path: Path, order: tuple[int, int]
) -> None:
    record = bench.create()
    pair = make_pair(tmp_path / "card" / "DCIM" / "100CANON")
    for week, at in enumerate(order):
        card = tmp_path / f"week {week}" / "DCIM" / "100CANON"
        card.mkdir(parents=True)
        shutil.copy2(pair[at], card)
        report = bench.import_(record, tmp_path / f"week {week}", title=f"Week {week}")
        assert counts(report) == (1, 1 - week, 0, 0, 0)
    photo = photo_of(bench, pair[1])
    assert names(photo) == ["IMG_0001.JPG", "IMG_0001.DNG"]
    assert photo.photo.primary == hothash_of(pair[0])
    assert {file.locations[0].session_number for file in photo.files} == {1, 2}
    agree(bench, record)


def test_another_machine_finds_the_same_photos_in_the_storage(
    bench: Workbench, live: StorageRecord, tmp_path: Path, empty_catalog: Path
) -> None:
    bench.import_(live, tmp_path / "card")
    jpeg, raw = make_pair(tmp_path / "pairs", "IMG_0005", seed=50)
    for file in (raw, jpeg):
        (tmp_path / file.suffix).mkdir()
        shutil.copy2(file, tmp_path / file.suffix)
        bench.import_(live, tmp_path / file.suffix, title=file.name)
    with Workbench(tmp_path, empty_catalog=empty_catalog, name="new") as new:
        candidates, _ = find_candidates(new.tools, [new.disk])
        recover(new.tools, candidates)
        assert new.dump() == bench.dump()
        assert names(photo_of(new, raw)) == ["IMG_0005.JPG", "IMG_0005.DNG"]


def test_a_raw_left_out_the_first_time_joins_the_jpeg_that_is_skipped(bench: Workbench, tmp_path: Path) -> None:
    record = bench.create()
    make_jpeg(tmp_path / "card" / "IMG_0001.JPG", seed=1, size=SMALL, taken=None)
    bench.import_(record, tmp_path / "card")
    raw = make_raw(tmp_path / "card" / "IMG_0001.DNG", seed=2, taken=None)
    assert counts(bench.import_(record, tmp_path / "card")) == (1, 0, 0, 1, 0)
    assert names(photo_of(bench, raw)) == ["IMG_0001.JPG", "IMG_0001.DNG"]


def test_a_partner_from_another_folder_that_lies_elsewhere_is_none(bench: Workbench, tmp_path: Path) -> None:
    record = bench.create()
    jpeg, raw = make_pair(tmp_path / "card")
    for file, folder in ((jpeg, "one/a"), (raw, "two/b")):
        (tmp_path / folder).mkdir(parents=True)
        shutil.copy2(file, tmp_path / folder)
    bench.import_(record, tmp_path / "one")
    assert counts(bench.import_(record, tmp_path / "two")) == (1, 1, 0, 0, 0)


def test_a_partner_in_the_folder_a_file_goes_to_is_one(bench: Workbench, tmp_path: Path) -> None:
    record = bench.create()
    jpeg, raw = make_pair(tmp_path / "card")
    for file, folder in ((jpeg, "one/a"), (raw, "two/b")):
        (tmp_path / folder).mkdir(parents=True)
        shutil.copy2(file, tmp_path / folder)
    bench.import_(record, tmp_path / "one", organization=DATE)
    report = bench.import_(record, tmp_path / "two", organization=DATE)
    assert counts(report) == (1, 0, 0, 0, 0)


def test_of_two_partners_none_is_chosen(bench: Workbench, tmp_path: Path) -> None:
    record = bench.create()
    for number, name in enumerate(("a", "b")):
        make_jpeg(tmp_path / name / "IMG_0001.JPG", seed=number, size=SMALL, taken="2024:07:10 12:00:00")
        bench.import_(record, tmp_path / name)
    make_raw(tmp_path / "c" / "IMG_0001.DNG", seed=9)
    assert counts(bench.import_(record, tmp_path / "c")) == (1, 1, 0, 0, 0)


def test_a_pair_imported_into_two_storages_by_two_machines_is_one_photo(
    bench: Workbench, tmp_path: Path, empty_catalog: Path
) -> None:
    jpeg, raw = make_pair(tmp_path / "card")
    bench.import_(bench.create(), tmp_path / "card")
    with Workbench(tmp_path / "other", empty_catalog=empty_catalog, name="other") as other:
        other.import_(other.create(), tmp_path / "card")
        assert photo_of(other, raw).photo == photo_of(bench, jpeg).photo


def test_a_version_with_other_metadata_stays_in_its_pictures_photo(bench: Workbench, tmp_path: Path) -> None:
    record = bench.create()
    jpeg, raw = make_pair(tmp_path / "card")
    bench.import_(record, tmp_path / "card")
    set_rating_in_place(jpeg, 4)
    report = bench.import_(record, tmp_path / "card", title="Rated")
    assert counts(report) == (1, 0, 0, 1, 0)
    assert names(photo_of(bench, raw)) == ["IMG_0001.JPG", "IMG_0001.DNG"]
    agree(bench, record)


def test_twins_of_one_shots_names_with_the_same_bytes_come_in_once(bench: Workbench, tmp_path: Path) -> None:
    record = bench.create()
    jpeg, _ = make_pair(tmp_path / "card")
    shutil.copy2(jpeg, tmp_path / "card" / "IMG_0001.jpeg")
    assert counts(bench.import_(record, tmp_path / "card")) == (2, 1, 0, 1, 0)


# --- live photos ----------------------------------------------------------------------------------------------------


@pytest.fixture
def live(bench: Workbench, tmp_path: Path) -> StorageRecord:
    """A storage; and a card with a picture and its clip."""
    record = bench.create()
    make_source(tmp_path / "card", 1)
    make_film(tmp_path / "card" / CLIP, seed=1)
    telling(bench, {CLIP: live_clip("A")}, {STILL: "A"})
    return record


def test_the_clip_of_a_live_photo_is_a_companion(bench: Workbench, live: StorageRecord, tmp_path: Path) -> None:
    report = bench.import_(live, tmp_path / "card")
    assert counts(report) == (1, 1, 1, 0, 0)
    assert companions(bench, live) == {"photos/IMG_0001.jpg": [("photos/IMG_0001.MOV", "live")]}
    assert set(photos_below(bench.root(live))) == {STILL, CLIP}
    assert report.statistics.total_scanned == 2
    agree(bench, live)


def test_a_clip_is_known_by_name_time_and_length_where_no_identifier_is(bench: Workbench, tmp_path: Path) -> None:
    record = bench.create()
    make_source(tmp_path / "card", 1)
    make_film(tmp_path / "card" / CLIP, seed=1)
    telling(bench, {CLIP: live_clip(taken="2024-07-01T12:00:01")})
    assert counts(bench.import_(record, tmp_path / "card")) == (1, 1, 1, 0, 0)


@pytest.mark.parametrize(
    "film", [live_clip("B"), live_clip(seconds=40, taken="2024-07-01T12:00:01"), live_clip(taken="2024-07-01T13:07:00")]
)
def test_a_film_that_only_shares_the_name_is_a_photo_of_its_own(
    bench: Workbench, live: StorageRecord, tmp_path: Path, film: PictureFacts
) -> None:
    telling(bench, {CLIP: film}, {STILL: "A"})
    assert counts(bench.import_(live, tmp_path / "card")) == (2, 2, 0, 0, 0)


def test_the_card_of_a_live_photo_imported_again_brings_nothing(
    bench: Workbench, live: StorageRecord, tmp_path: Path
) -> None:
    bench.import_(live, tmp_path / "card")
    report = bench.import_(live, tmp_path / "card", title="Again")
    assert counts(report) == (0, 0, 0, 2, 0)
    assert report.findings == ()


def test_a_live_photo_that_another_storage_has_is_skipped_with_its_clip(
    bench: Workbench, live: StorageRecord, tmp_path: Path
) -> None:
    bench.import_(live, tmp_path / "card")
    second = bench.create("Red Seagate", base_path=bench.disk)
    assert counts(bench.import_(second, tmp_path / "card")) == (0, 0, 0, 2, 0)


def test_a_clip_left_alone_on_the_card_is_known(bench: Workbench, live: StorageRecord, tmp_path: Path) -> None:
    bench.import_(live, tmp_path / "card")
    (tmp_path / "card" / STILL).unlink()
    assert counts(bench.import_(live, tmp_path / "card", title="Again")) == (0, 0, 0, 1, 0)


def test_a_clip_that_comes_after_its_picture_is_kept_in_the_same_photo(
    bench: Workbench, live: StorageRecord, tmp_path: Path
) -> None:
    clip = (tmp_path / "card" / CLIP).rename(tmp_path / CLIP)
    bench.import_(live, tmp_path / "card")
    clip.rename(tmp_path / "card" / CLIP)
    assert counts(bench.import_(live, tmp_path / "card", title="Again")) == (1, 0, 0, 1, 0)
    photo = photo_of(bench, tmp_path / "card" / STILL)
    assert names(photo) == [STILL, CLIP]
    agree(bench, live)


def test_sidecars_of_a_clip_travel_with_its_picture(bench: Workbench, live: StorageRecord, tmp_path: Path) -> None:
    (tmp_path / "card" / f"{CLIP}.xmp").write_text("<x/>")
    assert counts(bench.import_(live, tmp_path / "card")) == (1, 1, 2, 0, 0)
    [kept] = companions(bench, live).values()
    assert sorted(kept) == [("photos/IMG_0001.MOV", "live"), ("photos/IMG_0001.MOV.xmp", "xmp")]


def test_the_name_of_a_clip_follows_its_picture(bench: Workbench, live: StorageRecord, tmp_path: Path) -> None:
    bench.import_(live, make_source(tmp_path / "earlier", 1, first_seed=9, name=STILL))
    bench.import_(live, tmp_path / "card", title="Later")
    entry = bench.master(live).files[Hothash(hothash_of(tmp_path / "card" / STILL))]
    assert entry.relative_path == "photos/IMG_0001 (2).jpg"
    assert [each.relative_path for each in entry.companions] == ["photos/IMG_0001 (2).MOV"]


# --- as the cameras wrote it ----------------------------------------------------------------------------------------


@pytest.mark.samples
def test_an_iphones_picture_and_its_clip_are_a_live_photo(
    bench: Workbench, tmp_path: Path, sample_photos: Path
) -> None:
    record = bench.create()
    (tmp_path / "card").mkdir()
    shutil.copy2(sample_photos / "exif-samples/heic/IMG_5195.HEIC", tmp_path / "card")
    make_apple_clip(tmp_path / "card" / "IMG_5195.MOV", "570F1469-09C7-4E50-9875-05F21D5BD166")
    make_apple_clip(tmp_path / "card" / "IMG_5196.MOV", "570F1469-09C7-4E50-9875-000000000000")
    assert counts(bench.import_(record, tmp_path / "card")) == (2, 2, 1, 0, 0)
    assert companions(bench, record)["photos/IMG_5195.HEIC"] == [("photos/IMG_5195.MOV", "live")]


@pytest.mark.samples
def test_a_cameras_raw_and_the_dng_and_jpeg_of_it_are_one_photo(
    bench: Workbench, tmp_path: Path, sample_photos: Path
) -> None:
    record = bench.create()
    (tmp_path / "card").mkdir()
    shutil.copy2(sample_photos / "tiny-formats/CanonRaw.cr2", tmp_path / "card" / "IMG_4001.CR2")
    shutil.copy2(sample_photos / "tiny-formats/DNG.dng", tmp_path / "card" / "IMG_4001.dng")
    make_jpeg(tmp_path / "card" / "IMG_4002.JPG", seed=1, size=SMALL, taken="2005:08:03 18:59:18")
    assert counts(bench.import_(record, tmp_path / "card")) == (3, 2, 0, 0, 0)
    photo = photo_of(bench, tmp_path / "card" / "IMG_4001.CR2")
    assert set(names(photo)) == {"IMG_4001.CR2", "IMG_4001.dng"}
    assert photo.facts.camera.model == "Canon EOS 350D DIGITAL"
