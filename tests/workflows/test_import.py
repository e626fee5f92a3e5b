"""What an import promises: the source untouched, every picture once, nothing overwritten, counts that add up."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from imalink.core.organization import DATE
from imalink.core.session import ImportStatistics, SessionStatus
from imalink.errors import NotFoundError
from imalink.workflows.import_report import ImportReport
from tests.support.faults import Call, CountingCalls, InterposedCalls
from tests.support.photos import make_jpeg, make_png, set_rating_in_place
from tests.support.workbench import (
    SMALL,
    Workbench,
    make_source,
    photos_below,
    sha256_of,
    snapshot,
)

T = TypeVar("T")


def codes(report: ImportReport) -> list[str]:
    return sorted(finding.code for finding in report.findings)


def counted(report: ImportReport) -> tuple[int, int, int, int, int, int]:
    """Total, new, duplicates, companions, ignored, errors."""
    counts = report.statistics
    return (
        counts.total_scanned, counts.new_imports, counts.duplicates_skipped,
        counts.companions, counts.ignored, counts.errors,
    )  # fmt: skip


# --- the copy and the source ----------------------------------------------------------------------------------------


def test_a_copy_has_the_bytes_and_the_time_of_its_source(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card")
    os.utime(source / "IMG_0001.jpg", ns=(1, 1_234_567_890_123_456_789))
    record = bench.create()
    bench.import_(record, source)
    copies = bench.root(record) / "photos"
    for original in sorted(source.iterdir()):
        copy = copies / original.name
        assert copy.read_bytes() == original.read_bytes()
        assert copy.stat().st_mtime_ns == original.stat().st_mtime_ns
        assert copy.stat().st_mode & 0o777 == 0o644


def test_an_index_entry_tells_size_time_and_checksum_of_the_placed_file(bench: Workbench, tmp_path: Path) -> None:
    record = bench.create()
    bench.import_(record, make_source(tmp_path / "card"))
    entries = bench.session(record).files.values()
    assert len(entries) == 3
    for entry in entries:
        placed = bench.root(record) / entry.relative_path
        facts = placed.stat()
        assert (entry.size_bytes, entry.modified_ns) == (facts.st_size, facts.st_mtime_ns)
        assert entry.sha256 == sha256_of(placed)


def test_an_import_leaves_the_source_as_it_was(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card")
    make_jpeg(source / "deep" / "er" / "x.jpg", seed=9, size=SMALL)
    (source / "x.xmp").write_text("<x/>")
    (source / "empty.jpg").touch()
    before = snapshot(source)
    record = bench.create()
    bench.import_(record, source)
    bench.import_(record, source)
    assert snapshot(source) == before


class SourceWatch(InterposedCalls):
    """Remembers which calls go to something below the source."""

    def __init__(self, source: Path) -> None:
        super().__init__()
        self._source = str(source)
        self.seen: list[Call] = []

    def _around(self, name: str, call: Callable[[], T], *arguments: object) -> T:
        if name not in ("open_root", "close") and isinstance(arguments[0], int):
            if os.readlink(f"/proc/self/fd/{arguments[0]}").startswith(self._source):
                self.seen.append(Call(name, arguments))
        return call()


def test_the_source_is_only_ever_opened_for_reading(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card")
    make_jpeg(source / "deep" / "x.jpg", seed=9, size=SMALL)
    record = bench.create()
    watch = SourceWatch(source)
    with bench.restart(watch) as again:
        again.import_(record, source)
    assert {call.name for call in watch.seen} <= {
        "open_directory", "open_beneath", "open_read", "scan", "stat", "fstat", "read", "pread", "drop_cache", "space"
    }  # fmt: skip
    assert sum(call.name == "open_read" for call in watch.seen) >= 4


def test_a_source_that_may_not_be_written_is_imported(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card")
    make_jpeg(source / "deep" / "x.jpg", seed=9, size=SMALL)
    for folder in (source / "deep", source):
        folder.chmod(0o555)
    try:
        report = bench.import_(bench.create(), source)
    finally:
        for folder in (source / "deep", source):
            folder.chmod(0o755)
    assert report.statistics.new_imports == 4


def test_no_handle_stays_open_after_an_import(bench: Workbench, tmp_path: Path) -> None:
    counting = CountingCalls()
    source = make_source(tmp_path / "card")
    with bench.restart(counting) as again:
        record = again.create()
        again.import_(record, source)
        again.import_(record, source)
    assert counting.open_count == 0


# --- what is taken --------------------------------------------------------------------------------------------------


def test_folders_are_kept_as_they_were_at_the_source(bench: Workbench, tmp_path: Path) -> None:
    source = tmp_path / "card"
    for number, name in enumerate(("a.jpg", "Rome/a.jpg", "Rome/Night/a.jpg", "Åse og Bø/æøå.jpg")):
        make_jpeg(source / name, seed=number, size=SMALL)
    record = bench.create()
    bench.import_(record, source)
    assert set(photos_below(bench.root(record))) == {"a.jpg", "Rome/a.jpg", "Rome/Night/a.jpg", "Åse og Bø/æøå.jpg"}


def test_the_case_of_an_extension_does_not_matter(bench: Workbench, tmp_path: Path) -> None:
    source = tmp_path / "card"
    for number, name in enumerate(("a.JPG", "b.Jpg", "c.jpeg", "d.JPEG")):
        make_jpeg(source / name, seed=number, size=SMALL)
    make_png(source / "e.PnG", seed=9, size=SMALL)
    record = bench.create()
    assert bench.import_(record, source).statistics.new_imports == 5
    assert set(photos_below(bench.root(record))) == {"a.JPG", "b.Jpg", "c.jpeg", "d.JPEG", "e.PnG"}


def test_hidden_files_and_what_systems_leave_behind_are_ignored_without_a_word(
    bench: Workbench, tmp_path: Path
) -> None:
    source = make_source(tmp_path / "card", 1)
    (source / ".DS_Store").write_bytes(b"x")
    (source / "._IMG_0001.jpg").write_bytes(b"x")
    (source / "Thumbs.db").write_bytes(b"x")
    make_jpeg(source / ".Trashes" / "old.jpg", seed=7, size=SMALL)
    make_jpeg(source / "@eaDir" / "thumb.jpg", seed=8, size=SMALL)
    report = bench.import_(bench.create(), source)
    assert counted(report) == (1, 1, 0, 0, 0, 0)
    assert report.findings == ()


def test_an_empty_source_leaves_no_session(bench: Workbench, tmp_path: Path) -> None:
    (tmp_path / "card").mkdir()
    record = bench.create()
    report = bench.import_(record, tmp_path / "card")
    assert counted(report) == (0, 0, 0, 0, 0, 0)
    assert (report.status, report.session_id) == (SessionStatus.COMPLETED, None)
    assert not list((bench.root(record) / "imports").iterdir())


# --- where it goes --------------------------------------------------------------------------------------------------


def test_organise_by_date_takes_the_time_the_camera_wrote(bench: Workbench, tmp_path: Path) -> None:
    source = tmp_path / "card"
    make_jpeg(source / "IMG_20200101_000000.jpg", seed=1, size=SMALL, taken="2023:11:30 23:59:59")
    record = bench.create()
    bench.import_(record, source, organization=DATE)
    assert set(photos_below(bench.root(record))) == {"2023/11/IMG_20200101_000000.jpg"}


def test_organise_by_date_falls_back_on_the_name_and_then_on_the_files_time(bench: Workbench, tmp_path: Path) -> None:
    source = tmp_path / "card"
    make_jpeg(source / "IMG_20200229_101112.jpg", seed=1, size=SMALL, taken=None)
    make_jpeg(source / "b.jpg", seed=2, size=SMALL, taken=None)
    os.utime(source / "b.jpg", (0, 1_000_000_000))  # 9 September 2001
    record = bench.create()
    bench.import_(record, source, organization=DATE)
    assert set(photos_below(bench.root(record))) == {"2020/02/IMG_20200229_101112.jpg", "2001/09/b.jpg"}
    sources = {
        entry.relative_path.name: entry.facts.capture_time.source
        for entry in bench.session(record).files.values()
        if entry.facts.capture_time is not None
    }
    assert sources == {"IMG_20200229_101112.jpg": "filename", "b.jpg": "mtime"}


def test_a_date_that_is_none_is_not_believed(bench: Workbench, tmp_path: Path) -> None:
    source = tmp_path / "card"
    make_jpeg(source / "IMG_20240231_101112.jpg", seed=1, size=SMALL, taken="0000:00:00 00:00:00")
    os.utime(source / "IMG_20240231_101112.jpg", (0, 1_000_000_000))
    record = bench.create()
    bench.import_(record, source, organization=DATE)
    assert set(photos_below(bench.root(record))) == {"2001/09/IMG_20240231_101112.jpg"}


# --- duplicates and versions ----------------------------------------------------------------------------------------


def test_the_same_bytes_twice_in_a_source_come_in_once(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 2)
    shutil.copy(source / "IMG_0001.jpg", source / "copy.jpg")
    record = bench.create()
    report = bench.import_(record, source)
    assert counted(report) == (3, 2, 1, 0, 0, 0)
    assert len(photos_below(bench.root(record))) == 2


def test_what_the_storage_has_already_is_skipped(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 2)
    record = bench.create()
    bench.import_(record, source)
    make_jpeg(source / "new.jpg", seed=77, size=SMALL)
    report = bench.import_(record, source)
    assert counted(report) == (3, 1, 2, 0, 0, 0)
    assert len(photos_below(bench.root(record))) == 3


def test_what_another_storage_has_already_is_skipped(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 2)
    first, second = bench.create("first"), bench.create("second")
    bench.import_(first, source)
    report = bench.import_(second, source)
    assert counted(report) == (2, 0, 2, 0, 0, 0)
    assert photos_below(bench.root(second)) == {}


def test_a_known_picture_with_other_metadata_comes_in_as_a_further_version(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 1)
    record = bench.create()
    bench.import_(record, source)
    set_rating_in_place(source / "IMG_0001.jpg", 4)
    report = bench.import_(record, source)
    assert counted(report) == (1, 1, 0, 0, 0, 0)
    assert codes(report) == ["same-picture"]
    assert report.photos_created == 0
    assert len(photos_below(bench.root(record))) == 2
    [entry] = bench.master(record).files.values()
    assert len(list(entry.places())) == 2
    assert {line for line in bench.dump() if '"kind":"photo"' in line}.__len__() == 1


def test_two_versions_of_one_picture_in_one_source_share_an_entry(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 1)
    shutil.copy(source / "IMG_0001.jpg", source / "rated.jpg")
    set_rating_in_place(source / "rated.jpg", 4)
    record = bench.create()
    report = bench.import_(record, source)
    assert codes(report) == ["same-picture"]
    [entry] = bench.session(record).files.values()
    assert {entry.relative_path, *(copy.relative_path for copy in entry.copies)} == {
        "photos/IMG_0001.jpg", "photos/rated.jpg"
    }  # fmt: skip


# --- names ----------------------------------------------------------------------------------------------------------


def test_a_file_the_user_put_at_the_target_is_not_touched(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 1)
    record = bench.create()
    own = bench.root(record) / "photos" / "IMG_0001.jpg"
    own.write_bytes(b"the user's own")
    os.utime(own, (1, 2))
    report = bench.import_(record, source)
    assert own.read_bytes() == b"the user's own"
    assert own.stat().st_mtime == 2
    assert [file.target for file in report.files] == ["photos/IMG_0001 (2).jpg"]
    assert photos_below(bench.root(record))["IMG_0001 (2).jpg"] == sha256_of(source / "IMG_0001.jpg")


def test_a_folder_or_link_at_the_target_is_not_touched(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 2)
    record = bench.create()
    photos = bench.root(record) / "photos"
    (photos / "IMG_0001.jpg").mkdir()
    (photos / "IMG_0002.jpg").symlink_to(tmp_path / "outside.jpg")
    report = bench.import_(record, source)
    assert sorted(file.target for file in report.files) == ["photos/IMG_0001 (2).jpg", "photos/IMG_0002 (2).jpg"]
    assert list((photos / "IMG_0001.jpg").iterdir()) == []
    assert not (tmp_path / "outside.jpg").exists()


def test_a_file_that_takes_the_name_at_the_last_moment_is_not_touched(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 1)
    record = bench.create()
    own = bench.root(record) / "photos" / "IMG_0001.jpg"

    class Rival(InterposedCalls):
        def rename_noreplace(self, from_directory: int, from_name: str, to_directory: int, to_name: str) -> None:
            if to_name == own.name:
                own.write_bytes(b"the user's own")
            super().rename_noreplace(from_directory, from_name, to_directory, to_name)

    with bench.restart(Rival()) as again:
        report = again.import_(record, source)
        assert own.read_bytes() == b"the user's own"
        assert [file.target for file in report.files] == ["photos/IMG_0001 (2).jpg"]
        [entry] = again.session(record).files.values()
        assert entry.relative_path == "photos/IMG_0001 (2).jpg"


def test_two_sources_with_the_same_names_stand_side_by_side(bench: Workbench, tmp_path: Path) -> None:
    record = bench.create()
    bench.import_(record, make_source(tmp_path / "one", 1))
    make_jpeg(tmp_path / "two" / "IMG_0001.jpg", seed=50, size=SMALL)
    bench.import_(record, tmp_path / "two")
    assert photos_below(bench.root(record)) == {
        "IMG_0001.jpg": sha256_of(tmp_path / "one" / "IMG_0001.jpg"),
        "IMG_0001 (2).jpg": sha256_of(tmp_path / "two" / "IMG_0001.jpg"),
    }


def test_names_that_meet_in_one_folder_are_numbered(bench: Workbench, tmp_path: Path) -> None:
    source = tmp_path / "card"
    for number in range(4):
        make_jpeg(source / str(number) / "x.jpg", seed=number, size=SMALL)
    record = bench.create()
    bench.import_(record, source, organization=DATE)
    assert set(photos_below(bench.root(record))) == {f"2024/07/{name}" for name in (
        "x.jpg", "x (2).jpg", "x (3).jpg", "x (4).jpg"
    )}  # fmt: skip


def test_names_that_some_disk_would_not_keep_apart_are_never_both_given(bench: Workbench, tmp_path: Path) -> None:
    source = tmp_path / "card"
    for number, name in enumerate(("a.jpg", "A.JPG", "é.jpg", "e\u0301.jpg")):
        make_jpeg(source / name, seed=number, size=SMALL)
    record = bench.create()
    assert bench.import_(record, source).statistics.new_imports == 4
    names = photos_below(bench.root(record))
    assert len({name.casefold() for name in names}) == 4
    assert len(names) == 4


# --- companions -----------------------------------------------------------------------------------------------------


def test_companions_travel_with_their_picture(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 1)
    for name in ("IMG_0001.xmp", "IMG_0001.jpg.xmp", "IMG_0001.aae"):
        (source / name).write_text(name)
    os.utime(source / "IMG_0001.xmp", ns=(1, 1_500_000_000_000_000_001))
    record = bench.create()
    report = bench.import_(record, source)
    assert counted(report) == (4, 1, 0, 3, 0, 0)
    assert photos_below(bench.root(record)) == {path.name: sha256_of(path) for path in source.iterdir()}
    assert (bench.root(record) / "photos/IMG_0001.xmp").stat().st_mtime_ns == 1_500_000_000_000_000_001
    [entry] = bench.session(record).files.values()
    assert {companion.relative_path.name for companion in entry.companions} == {
        "IMG_0001.xmp", "IMG_0001.jpg.xmp", "IMG_0001.aae"
    }  # fmt: skip


def test_companions_are_renamed_with_their_picture(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 1)
    for name in ("IMG_0001.xmp", "IMG_0001.jpg.xmp"):
        (source / name).write_text(name)
    record = bench.create()
    (bench.root(record) / "photos/IMG_0001.jpg").write_bytes(b"the user's own")
    bench.import_(record, source)
    assert set(photos_below(bench.root(record))) == {
        "IMG_0001.jpg", "IMG_0001 (2).jpg", "IMG_0001 (2).xmp", "IMG_0001 (2).jpg.xmp"
    }  # fmt: skip


def test_a_companion_never_overwrites_a_file_of_the_user(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 1)
    (source / "IMG_0001.xmp").write_text("new")
    record = bench.create()
    own = bench.root(record) / "photos/IMG_0001.xmp"
    own.write_text("the user's own")
    bench.import_(record, source)
    assert own.read_text() == "the user's own"
    [entry] = bench.session(record).files.values()
    [companion] = entry.companions
    assert (bench.root(record) / companion.relative_path).read_text() == "new"


def test_a_sidecar_of_a_duplicate_that_is_new_is_told_and_left(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 1)
    (source / "IMG_0001.xmp").write_text("one")
    record = bench.create()
    bench.import_(record, source)
    assert counted(bench.import_(record, source)) == (2, 0, 2, 0, 0, 0)
    (source / "IMG_0001.xmp").write_text("two")
    report = bench.import_(record, source)
    assert counted(report) == (2, 0, 1, 0, 1, 0)
    assert codes(report) == ["companion-of-duplicate"]


def test_a_sidecar_without_a_picture_is_told_and_left(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 1)
    (source / "alone.xmp").write_text("x")
    report = bench.import_(bench.create(), source)
    assert counted(report) == (2, 1, 0, 0, 1, 0)
    assert codes(report) == ["companion-without-picture"]


# --- counts ---------------------------------------------------------------------------------------------------------


def mixed_source(folder: Path) -> Path:
    """Eleven files of every kind an import meets."""
    make_source(folder, 3)
    shutil.copy(folder / "IMG_0001.jpg", folder / "again.jpg")
    (folder / "IMG_0002.xmp").write_text("<x/>")
    (folder / "alone.xmp").write_text("<y/>")
    (folder / "notes.txt").write_text("hello")
    (folder / "empty.jpg").touch()
    (folder / "noise.jpg").write_bytes(bytes(range(256)) * 4)
    (folder / "link.jpg").symlink_to(folder / "IMG_0003.jpg")
    os.mkfifo(folder / "pipe.jpg")
    return folder


def test_every_file_of_a_source_is_counted_once(bench: Workbench, tmp_path: Path) -> None:
    source = mixed_source(tmp_path / "card")
    report = bench.import_(bench.create(), source)
    assert report.statistics.total_scanned == len(list(source.iterdir())) == 11
    assert counted(report) == (11, 4, 1, 1, 5, 0)


def test_the_counts_stand_in_the_session_index_and_in_the_catalog(bench: Workbench, tmp_path: Path) -> None:
    record = bench.create()
    report = bench.import_(record, mixed_source(tmp_path / "card"))
    assert bench.session(record).statistics == report.statistics
    [line] = [line for line in bench.dump() if '"kind":"session"' in line]
    assert '"total_scanned":11' in line


def test_sizes_count_what_came_in_with_companions(bench: Workbench, tmp_path: Path) -> None:
    record = bench.create()
    report = bench.import_(record, mixed_source(tmp_path / "card"))
    placed = (bench.root(record) / "photos").rglob("*")
    assert report.statistics.total_size_bytes == sum(path.stat().st_size for path in placed if path.is_file())


# --- dry runs -------------------------------------------------------------------------------------------------------


def test_a_dry_run_writes_nothing_at_all(bench: Workbench, tmp_path: Path) -> None:
    record = bench.create()
    bench.import_(record, make_source(tmp_path / "first", 1))
    source = mixed_source(tmp_path / "card")
    before, catalog, listed = snapshot(tmp_path), bench.dump(), (source.stat().st_mtime_ns,)
    bench.import_(record, source, dry_run=True)
    assert bench.dump() == catalog
    assert (source.stat().st_mtime_ns,) == listed
    after = snapshot(tmp_path, leaves_out=lambda name: "catalog.sqlite-" in name)
    assert after == {name: facts for name, facts in before.items() if "catalog.sqlite-" not in name}


def test_a_dry_run_tells_what_the_import_then_does(bench: Workbench, tmp_path: Path) -> None:
    record = bench.create()
    bench.import_(record, make_source(tmp_path / "first", 1))
    source = mixed_source(tmp_path / "card")
    planned = bench.import_(record, source, dry_run=True, organization=DATE)
    done = bench.import_(record, source, organization=DATE)
    assert planned.session_id is None
    assert planned.statistics == done.statistics
    assert planned.files == done.files
    assert planned.photos_created == done.photos_created


def test_a_dry_run_finishes_no_interrupted_import(bench: Workbench, tmp_path: Path) -> None:
    record = bench.create()
    source = make_source(tmp_path / "card")

    class Full(InterposedCalls):
        def rename_noreplace(self, from_directory: int, from_name: str, to_directory: int, to_name: str) -> None:
            if to_name == "IMG_0002.jpg":
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            super().rename_noreplace(from_directory, from_name, to_directory, to_name)

    bench = bench.restart(Full())
    with pytest.raises(Exception, match="full"):
        bench.import_(record, source)
    bench = bench.restart()
    before = snapshot(bench.disk)
    bench.import_(record, source, dry_run=True)
    assert snapshot(bench.disk) == before
    bench.close()


# --- sessions -------------------------------------------------------------------------------------------------------


def test_each_import_makes_one_session_file(bench: Workbench, tmp_path: Path) -> None:
    record = bench.create()
    for number in range(1, 5):
        source = make_source(tmp_path / f"card{number}", 1, first_seed=number)
        assert bench.import_(record, source).session_id == number
    names = sorted(path.name for path in (bench.root(record) / "imports").iterdir())
    assert names == ["session_1.json", "session_2.json", "session_3.json", "session_4.json"]


def test_session_numbers_are_given_once_over_all_storages(bench: Workbench, tmp_path: Path) -> None:
    first, second = bench.create("first"), bench.create("second")
    numbers = [
        bench.import_(record, make_source(tmp_path / str(seed), 1, first_seed=seed)).session_id
        for seed, record in enumerate((first, second, first, second), start=1)
    ]
    assert numbers == [1, 2, 3, 4]


def test_an_import_without_trouble_is_completed(bench: Workbench, tmp_path: Path) -> None:
    record = bench.create()
    report = bench.import_(record, make_source(tmp_path / "card"), title="Italy", description="Two weeks")
    assert report.status is SessionStatus.COMPLETED
    assert not report.has_warnings
    session = bench.session(record).session
    assert (session.title, session.description, session.status) == ("Italy", "Two weeks", SessionStatus.COMPLETED)


def test_an_import_with_findings_says_so(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card")
    (source / "notes.txt").write_text("hello")
    record = bench.create()
    report = bench.import_(record, source)
    assert report.status is SessionStatus.COMPLETED_WITH_FINDINGS
    assert bench.session(record).session.status is SessionStatus.COMPLETED_WITH_FINDINGS
    assert [finding.code for finding in bench.session(record).findings] == ["not-a-picture"]


def test_two_machines_number_their_sessions_apart_on_one_disk(
    bench: Workbench, tmp_path: Path, empty_catalog: Path
) -> None:
    record = bench.create()
    bench.import_(record, make_source(tmp_path / "one", 1))
    with Workbench(tmp_path, empty_catalog=empty_catalog, name="other") as other:
        from imalink.workflows.create_storage import remember_storage

        with other.open(record) as storage:
            theirs = remember_storage(other.tools, storage)
        other.import_(theirs, make_source(tmp_path / "two", 1, first_seed=2))
        bench.import_(record, make_source(tmp_path / "three", 1, first_seed=3))
        assert sorted(path.name for path in (bench.root(record) / "imports").iterdir()) == [
            "session_1.json", "session_2.json", "session_3.json"
        ]  # fmt: skip
        assert len(bench.master(record).files) == 3


def test_an_import_tells_this_catalog_what_another_machine_brought(
    bench: Workbench, tmp_path: Path, empty_catalog: Path
) -> None:
    record = bench.create()
    with Workbench(tmp_path, empty_catalog=empty_catalog, name="other") as other:
        from imalink.workflows.create_storage import remember_storage

        with other.open(record) as storage:
            theirs = remember_storage(other.tools, storage)
        other.import_(theirs, make_source(tmp_path / "two", 2))
    bench.import_(record, make_source(tmp_path / "three", 1, first_seed=3))
    assert sum('"kind":"location"' in line for line in bench.dump()) == 3


def test_statistics_of_several_runs_add_up() -> None:
    one = ImportStatistics(total_scanned=3, new_imports=1, duplicates_skipped=2, total_size_bytes=10)
    two = replace(one, errors=1, total_scanned=4)
    assert one + two == ImportStatistics(
        total_scanned=7, new_imports=2, duplicates_skipped=4, errors=1, total_size_bytes=20
    )


def test_a_storage_folder_that_is_gone_stops_the_import(bench: Workbench, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        bench.import_(bench.create(), tmp_path / "not there")
