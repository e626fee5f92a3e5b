"""A folder that is only read: all its pictures known, and not one system call that would change anything in it."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from imalink.catalog.file_storages import StorageRecord
from imalink.core.edit_request import EditRequest
from imalink.core.index import FileStatus
from imalink.core.search_query import SearchQuery
from imalink.errors import MassMissingError, NestedSourceError, StorageOfflineError, StorageReadOnlyError, UsageError
from imalink.storage.file_storage import FileStorage
from imalink.workflows.adopt_folder import adopt_folder
from imalink.workflows.edit_photos import edit_photos
from imalink.workflows.edit_session import edit_session
from imalink.workflows.file_finder import FileFinder
from imalink.workflows.find_file import find_files
from imalink.workflows.flush_outbox import flush_outbox
from imalink.workflows.import_report import ImportRequest
from imalink.workflows.look_at_sessions import list_sessions
from imalink.workflows.look_at_storages import look_at_storages
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.refer_to_folder import ReferReport, refer_to_folder
from imalink.workflows.regenerate_indexes import regenerate_indexes
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_report import ReindexReport
from imalink.workflows.reindex_request import ReindexRequest, Strategy
from imalink.workflows.search_photos import search_photos
from tests.support.faults import CrashingCalls, KeepsOutCalls, SimulatedCrash
from tests.support.photos import make_jpeg
from tests.support.scenes import hothash_of
from tests.support.workbench import SMALL, Workbench, make_source, snapshot


@pytest.fixture
def pictures(bench: Workbench) -> Path:
    folder = bench.folder / "dvd" / "2019"
    make_source(folder / "Rome", 3)
    make_jpeg(folder / "loose.jpg", seed=20, size=SMALL)
    (folder / "Rome" / "IMG_0001.jpg.xmp").write_bytes(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
    (folder / "letter.txt").write_text("Dear Ada")
    return folder


def refer(
    bench: Workbench,
    folder: Path,
    *,
    title: str = "DVD of 2019",
    exclude: tuple[str, ...] = (),
    dry_run: bool = False,
) -> ReferReport:
    request = ImportRequest(source=folder, title=title, exclude=exclude, dry_run=dry_run)
    return refer_to_folder(bench.tools, request)


def referred(bench: Workbench, folder: Path) -> StorageRecord:
    record = refer(bench, folder).record
    assert record is not None
    return record


def look(bench: Workbench, record: StorageRecord, strategy: Strategy = Strategy.SMART) -> ReindexReport:
    return reindex(bench.tools, record, ReindexRequest(strategy=strategy))


def test_every_picture_is_known_where_it_stands(bench: Workbench, pictures: Path) -> None:
    found = refer(bench, pictures)
    assert found.is_new and found.record is not None
    counts = found.report.statistics
    assert (counts.new_imports, counts.companions, counts.ignored, counts.errors) == (4, 1, 1, 0)
    assert (found.record.layout, found.record.full_path, found.record.display_name) == (
        "reference",
        str(pictures),
        "2019",
    )
    index = bench.session(found.record)
    assert sorted(entry.relative_path for entry in index.files.values()) == [
        "Rome/IMG_0001.jpg",
        "Rome/IMG_0002.jpg",
        "Rome/IMG_0003.jpg",
        "loose.jpg",
    ]
    home = bench.tools.references.home_of(found.record.storage_uuid)
    assert (home / ".imalink-storage").is_file() and (home / "imalink-sessions" / "session_1.json").is_file()
    assert not [name for name in os.listdir(pictures) if "imalink" in name]
    picture = find_files(bench.tools, [hothash_of(pictures / "loose.jpg")])[0]
    assert picture.path == str(pictures / "loose.jpg")
    assert all((home / ".imalink" / "hotpreviews" / h[:2] / h[2:4] / f"{h}.jpg").is_file() for h in index.files)


def test_no_operation_makes_a_call_that_would_change_anything_in_the_folder(
    bench: Workbench, pictures: Path, tmp_path: Path
) -> None:
    before = snapshot(tmp_path / "dvd"), (pictures.stat().st_mtime_ns, pictures.stat().st_ctime_ns)
    guard = KeepsOutCalls(pictures)
    guarded = bench.restart(guard)
    with guarded:
        record = referred(guarded, pictures)
        for strategy in Strategy:
            look(guarded, record, strategy)
        refer(guarded, pictures, title="Again", exclude=("*.tmp",))
        edit_session(guarded.tools, "1", title="Rome, from the DVD")
        regenerate_indexes(guarded.tools, record)
        (guarded.tools.references.home_of(record.storage_uuid) / "imalink-master.json").write_bytes(b"{")
        look(guarded, record)
        find_files(guarded.tools, [hothash_of(pictures / "loose.jpg")], heals=True)
        other = guarded.create()
        guarded.import_(other, pictures, title="Copied after all")
    assert guard.read_below > 50
    assert (snapshot(tmp_path / "dvd"), (pictures.stat().st_mtime_ns, pictures.stat().st_ctime_ns)) == before


def test_moves_edits_and_losses_are_told_and_new_pictures_come_in_as_the_next_session(
    bench: Workbench, pictures: Path
) -> None:
    record = referred(bench, pictures)
    (pictures / "Venice").mkdir()
    (pictures / "Rome" / "IMG_0002.jpg").rename(pictures / "Venice" / "second.jpg")
    (pictures / "loose.jpg").unlink()
    make_jpeg(pictures / "new.jpg", seed=77, size=SMALL)
    again = refer(bench, pictures, title="What came later")
    assert not again.is_new and again.record is not None and again.record.storage_uuid == record.storage_uuid
    assert (again.report.session_id, again.report.statistics.new_imports) == (2, 1)
    statuses = {str(entry.relative_path): entry.status for entry in bench.session(record, 1).files.values()}
    assert statuses["loose.jpg"] is FileStatus.MISSING and statuses["Venice/second.jpg"] is FileStatus.PRESENT
    assert [entry.relative_path for entry in bench.session(record, 2).files.values()] == ["new.jpg"]
    assert refer(bench, pictures).report.session_id is None
    settled = look(bench, record)
    assert not settled.changes_detected and settled.files_hashed == 0 and not settled.orphans


def test_a_file_without_bytes_is_no_news_however_often_the_folder_is_taken_in(bench: Workbench, pictures: Path) -> None:
    (pictures / "cut off.jpg").touch()
    record = referred(bench, pictures)
    for _ in range(2):
        again = refer(bench, pictures, title="Nothing came")
        assert (again.report.session_id, again.report.statistics.total_scanned) == (None, 0)
    assert len(list_sessions(bench.tools)) == 1
    (pictures / "cut off.jpg").unlink()
    make_jpeg(pictures / "cut off.jpg", seed=30, size=SMALL)
    assert refer(bench, pictures, title="Whole now").report.statistics.new_imports == 1
    assert bench.session(record, 2).session.title == "Whole now"


def test_a_part_of_a_known_folder_is_taken_into_its_storage(bench: Workbench, pictures: Path) -> None:
    record = referred(bench, pictures)
    make_jpeg(pictures / "Rome" / "late.jpg", seed=78, size=SMALL)
    make_jpeg(pictures / "elsewhere.jpg", seed=79, size=SMALL)
    rehearsed = refer(bench, pictures / "Rome", dry_run=True)
    assert [file.source for file in rehearsed.report.files] == ["late.jpg"]
    found = refer(bench, pictures / "Rome", title="Only Rome")
    assert found.record is not None and found.record.storage_uuid == record.storage_uuid
    assert [entry.relative_path for entry in bench.session(record, 2).files.values()] == ["Rome/late.jpg"]
    assert look(bench, record).orphans == ("elsewhere.jpg",)


def test_a_dry_run_writes_nothing_anywhere(bench: Workbench, pictures: Path) -> None:
    before = snapshot(bench.folder, leaves_out=lambda name: "catalog.sqlite" in name)
    found = refer(bench, pictures, dry_run=True)
    assert (found.record, found.report.statistics.new_imports, found.report.statistics.companions) == (None, 4, 1)
    assert snapshot(bench.folder, leaves_out=lambda name: "catalog.sqlite" in name) == before
    assert not bench.records()


def test_what_was_left_out_once_stays_left_out(bench: Workbench, pictures: Path) -> None:
    found = refer(bench, pictures, exclude=("Rome/",))
    assert found.report.statistics.new_imports == 1 and found.record is not None
    assert not look(bench, found.record).orphans
    assert refer(bench, pictures).report.session_id is None


def test_a_folder_that_is_away_is_offline_and_nothing_is_missing(bench: Workbench, pictures: Path) -> None:
    record = referred(bench, pictures)
    pictures.rename(bench.folder / "unplugged")
    for strategy in Strategy:
        with pytest.raises(StorageOfflineError) as caught:
            look(bench, record, strategy)
        assert "is not there" in caught.value.message and "Nothing was marked missing" in caught.value.message
    pictures.mkdir()  # the empty mount point that is left
    with pytest.raises(StorageOfflineError, match="not the one that was indexed"):
        look(bench, record)
    make_source(pictures, 2, first_seed=50)  # another disk at its place
    with pytest.raises(StorageOfflineError):
        look(bench, record)
    (status,) = look_at_storages(bench.tools)
    assert (status.is_accessible, status.status) == (False, "storage-offline")
    wanted = hothash_of(bench.folder / "unplugged" / "loose.jpg")
    (picture,) = find_files(bench.tools, [wanted], heals=True)
    assert (picture.path, picture.places[0].status) == (None, "offline")
    with FileFinder(bench.tools) as finder:
        assert finder.find(wanted) is None
    shutil.rmtree(pictures)
    (bench.folder / "unplugged").rename(pictures)
    assert not look(bench, record).missing_files
    assert all(entry.status is FileStatus.PRESENT for entry in bench.master(record).files.values())


def test_indexes_can_be_read_and_told_things_while_the_folder_is_away(bench: Workbench, pictures: Path) -> None:
    record = referred(bench, pictures)
    pictures.rename(bench.folder / "unplugged")
    home = bench.tools.references.home_of(record.storage_uuid)
    with FileStorage.open(home, clock=bench.clock, needs_pictures=False, is_home=True) as storage:
        assert not storage.has_pictures and storage.path == pictures
        assert storage.indexes.load_session(1).index.file_count == 4
        with storage.lock("test"):
            storage.fold(is_anew=True)
        with pytest.raises(StorageOfflineError):
            storage.scan()
    with pytest.raises(StorageOfflineError):
        FileStorage.open(home, clock=bench.clock, is_home=True)


def test_a_file_system_that_lost_everything_stops_before_anything_is_marked(bench: Workbench, pictures: Path) -> None:
    make_source(pictures / "Paris", 60, first_seed=100)
    record = referred(bench, pictures)
    shutil.rmtree(pictures / "Paris")
    with pytest.raises(MassMissingError):
        look(bench, record)


def test_nothing_can_be_imported_into_it(bench: Workbench, pictures: Path) -> None:
    record = referred(bench, pictures)
    before = snapshot(pictures)
    with pytest.raises(UsageError, match="only refers"):
        bench.import_(record, make_source(bench.folder / "card", 1, first_seed=90))
    assert snapshot(pictures) == before


def test_its_copies_never_make_an_import_skip_a_file(bench: Workbench, pictures: Path) -> None:
    referred(bench, pictures)
    blue = bench.create()
    report = bench.import_(blue, pictures)
    assert (report.statistics.new_imports, report.statistics.duplicates_skipped) == (4, 0)
    pictures.rename(bench.folder / "unplugged")
    green = bench.create("Green")
    report = bench.import_(green, bench.folder / "unplugged")
    assert report.statistics.duplicates_skipped == 4  # in Blue, where they are safe


def test_a_session_has_no_permanent_storage_until_it_is_copied(bench: Workbench, pictures: Path) -> None:
    record = referred(bench, pictures)
    bench.import_(bench.create(), make_source(bench.folder / "card", 1, first_seed=90))
    permanent = {each.session.title: each.has_permanent_storage for each in list_sessions(bench.tools)}
    assert permanent == {"DVD of 2019": False, "Italy": True}
    assert [each.session.title for each in list_sessions(bench.tools, storage=record.storage_uuid)] == ["DVD of 2019"]


def test_its_photos_are_found_by_search(bench: Workbench, pictures: Path) -> None:
    referred(bench, pictures)
    assert len(search_photos(bench.tools, SearchQuery(storage="2019", session=1)).photos) == 4


def test_one_file_never_counts_as_two_copies(bench: Workbench, pictures: Path) -> None:
    referred(bench, pictures)
    with pytest.raises(NestedSourceError, match="is the storage 2019 already"):
        refer(bench, pictures.parent)
    with pytest.raises(UsageError, match="is the folder of the storage 2019"):
        adopt_folder(bench.tools, folder=pictures, display_name="Mine now")
    with pytest.raises(UsageError, match="lies in it"):
        adopt_folder(bench.tools, folder=pictures / "Rome", display_name="Mine now")
    with pytest.raises(NestedSourceError):
        adopt_folder(bench.tools, folder=pictures.parent, display_name="Mine now")
    blue = bench.create()
    with pytest.raises(UsageError, match="is a storage already"):
        refer(bench, bench.root(blue))
    with pytest.raises(UsageError, match="lies inside the storage"):
        refer(bench, bench.root(blue) / "photos")
    with pytest.raises(NestedSourceError, match="ImaLink's own files"):
        refer(bench, bench.folder)
    assert len(bench.records()) == 2


def test_a_lost_catalog_comes_back_from_the_data_directory(bench: Workbench, pictures: Path) -> None:
    record = referred(bench, pictures)
    before = bench.dump()
    for roots in ([], [pictures], [pictures.parent]):
        bench.close()
        bench.database.unlink()
        bench = bench.restart(KeepsOutCalls(pictures))
        candidates, findings = find_candidates(bench.tools, roots)
        assert [candidate.path for candidate in candidates] == [pictures] and not findings
        assert candidates[0].is_trusted
        report = recover(bench.tools, candidates)
        assert (report.restored_files, report.missing_files, report.findings) == (4, (), ())
        assert bench.dump() == before
    assert not look(bench, record).changes_detected
    assert not recover(bench.tools, find_candidates(bench.tools, [])[0], is_check=True).differences
    bench.close()


def test_it_comes_back_while_its_folder_is_away(bench: Workbench, pictures: Path) -> None:
    record = referred(bench, pictures)
    before = bench.dump()
    pictures.rename(bench.folder / "unplugged")
    bench.close()
    bench.database.unlink()
    bench = bench.restart()
    report = recover(bench.tools, find_candidates(bench.tools, [])[0])
    assert [finding.code for finding in report.findings] == ["pictures-out-of-reach"]
    assert (report.restored_files, report.missing_files) == (4, ())
    assert bench.dump() == before
    assert not bench.record(record.storage_uuid).is_accessible
    bench.close()


def test_what_is_said_of_its_photos_is_written_down_while_the_folder_is_away(bench: Workbench, pictures: Path) -> None:
    record = referred(bench, pictures)
    wanted = hothash_of(pictures / "loose.jpg")
    pictures.rename(bench.folder / "unplugged")
    edit_photos(bench.tools, [wanted], EditRequest(added_tags=("Rome",)))
    assert flush_outbox(bench.tools) == []
    home = bench.tools.references.home_of(record.storage_uuid)
    with FileStorage.open(home, clock=bench.clock, needs_pictures=False, is_home=True) as storage:
        index = storage.indexes.load_session(1).index
    assert index.photos[index.files[wanted].photo_uuid].tag_changes == {"Rome": True}
    assert not bench.record(record.storage_uuid).is_accessible
    regenerate_indexes(bench.tools, record)


def test_an_interruption_leaves_a_storage_that_a_second_try_completes(bench: Workbench, pictures: Path) -> None:
    at = 1
    crashes = 0
    while True:
        shutil.rmtree(bench.home / "reference", ignore_errors=True)
        bench.close()
        bench.database.unlink()
        crashing = CrashingCalls(at=at, inner=KeepsOutCalls(pictures))
        bench = bench.restart(crashing)
        try:
            refer(bench, pictures)
        except SimulatedCrash:
            crashes += 1
        else:
            break
        bench = bench.restart(KeepsOutCalls(pictures))
        record = refer(bench, pictures).record
        assert record is not None
        present = {
            place.relative_path
            for entry in bench.master(record).files.values()
            for place in entry.places()
            if place.status is FileStatus.PRESENT
        }
        assert len(present) == 4
        at += 11
    assert crashes >= 12


def test_adopting_a_folder_that_cannot_be_written_names_the_other_way(bench: Workbench, pictures: Path) -> None:
    bench = bench.restart(KeepsOutCalls(pictures, answer=errno.EROFS))
    with pytest.raises(StorageReadOnlyError) as caught:
        adopt_folder(bench.tools, folder=pictures, display_name="DVD")
    assert f"imalink import {pictures} --no-copy" in caught.value.hint
    assert refer(bench, pictures).report.statistics.new_imports == 4
    bench.close()


def mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own, as an image that can be mounted anywhere, with two pictures in a folder."""
    if os.geteuid() != 0 or shutil.which("mkfs.ext4") is None:
        pytest.skip("needs root and mkfs.ext4 to mount a disk")
    image, point = tmp_path / "disk.img", tmp_path / "first"
    image.write_bytes(b"")
    os.truncate(image, 8 * 1024 * 1024)
    subprocess.run(["mkfs.ext4", "-q", str(image)], check=True)
    point.mkdir()
    try:
        mount("-o", "loop", str(image), str(point))
    except subprocess.CalledProcessError:
        pytest.skip("this machine mounts no disk images")
    make_source(point / "photos" / "2019", 6)
    subprocess.run(["umount", str(point)], check=True)
    yield image
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        if str(tmp_path) in line:
            subprocess.run(["umount", line.split(" ")[4]], check=True)


def test_a_disk_that_is_mounted_read_only_is_taken_in_and_found_again_elsewhere(bench: Workbench, disk: Path) -> None:
    first, second = bench.folder / "first", bench.folder / "second"
    mount("-o", "loop,ro", str(disk), str(first))
    record = referred(bench, first / "photos" / "2019")
    assert bench.record(record.storage_uuid).total_files == 6
    subprocess.run(["umount", str(first)], check=True)
    with pytest.raises(StorageOfflineError):
        look(bench, record)
    (first / "photos" / "2019").mkdir(parents=True)  # what a careless program made in the empty mount point
    make_source(first / "photos" / "2019", 1, first_seed=40)
    with pytest.raises(StorageOfflineError):
        look(bench, record)
    second.mkdir()
    mount("-o", "loop,ro", str(disk), str(second))
    with FileStorage.open(
        bench.tools.references.home_of(record.storage_uuid), clock=bench.clock, is_home=True
    ) as storage:
        if storage.signature.pictures is None or storage.signature.pictures.file_system_uuid is None:
            pytest.skip("this system tells no UUID of file systems")
    assert not look(bench, record).missing_files
    (known,) = bench.records()
    assert known.full_path == str(second / "photos" / "2019")
    assert bench.tools.registry.places()[record.storage_uuid] == second / "photos" / "2019"
