"""Imports that meet trouble: at the source it is told and the rest goes on, at the storage all stops and can go on."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from imalink.core.finding import Severity
from imalink.core.picture import Fingerprint
from imalink.core.progress import SilentProgress
from imalink.core.session import SessionStatus
from imalink.durable_files import SpaceFacts
from imalink.errors import (
    CancelledError,
    MachineShortageError,
    NestedSourceError,
    NotFoundError,
    OutOfSpaceError,
    StorageIoError,
    UnsafePathError,
    UsageError,
)
from imalink.media.analyser import PictureAnalyser
from imalink.workflows.import_photos import import_photos
from imalink.workflows.import_report import ImportReport, ImportRequest
from imalink.workflows.import_source import CATALOG_BYTES_PER_PICTURE
from tests.support.faults import MUTATING, InterposedCalls, LimitedCalls, SimulatedCrash
from tests.support.photos import make_jpeg
from tests.support.workbench import SMALL, Workbench, make_source, photos_below, sha256_of, snapshot

T = TypeVar("T")


def trouble_of(report: ImportReport) -> dict[str, str]:
    """The codes that are more than information, by path."""
    return {finding.path: finding.code for finding in report.findings if finding.severity is not Severity.INFO}


# --- files that are no good -----------------------------------------------------------------------------------------


def test_a_truncated_jpeg_is_archived_as_it_is_and_told(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 1)
    whole = (source / "IMG_0001.jpg").read_bytes()
    (source / "half.jpg").write_bytes(whole[: len(whole) // 2])
    record = bench.create()
    report = bench.import_(record, source)
    assert trouble_of(report)["half.jpg"] == "picture-damaged"
    assert photos_below(bench.root(record))["half.jpg"] == sha256_of(source / "half.jpg")


def test_random_bytes_under_a_pictures_name_are_archived_and_told(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 1)
    (source / "noise.jpg").write_bytes(bytes(range(256)) * 20)
    record = bench.create()
    report = bench.import_(record, source)
    assert report.statistics.new_imports == 2
    assert trouble_of(report)["noise.jpg"] in {"picture-damaged", "preview-failed"}
    entry = next(entry for entry in bench.session(record).files.values() if entry.relative_path == "photos/noise.jpg")
    assert (entry.method, entry.has_hotpreview) == ("file-1", False)


def test_text_and_empty_files_are_told_and_left(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 1)
    (source / "notes.txt").write_text("hello")
    (source / "empty.jpg").touch()
    record = bench.create()
    report = bench.import_(record, source)
    assert trouble_of(report) == {"notes.txt": "not-a-picture", "empty.jpg": "empty-file"}
    assert set(photos_below(bench.root(record))) == {"IMG_0001.jpg"}


def test_links_and_pipes_are_told_and_never_followed(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 1)
    outside = make_source(tmp_path / "outside", 2, first_seed=5)
    (source / "link.jpg").symlink_to(outside / "IMG_0005.jpg")
    (source / "folder").symlink_to(outside)
    os.mkfifo(source / "pipe.jpg")
    record = bench.create()
    report = bench.import_(record, source)
    assert trouble_of(report) == {
        "link.jpg": "source-symlink", "folder": "source-symlink", "pipe.jpg": "source-special"
    }  # fmt: skip
    assert set(photos_below(bench.root(record))) == {"IMG_0001.jpg"}


# --- a source that fails --------------------------------------------------------------------------------------------


class FailingSource(InterposedCalls):
    """Gives an error where a file of this name is opened or read."""

    def __init__(self, name: str, number: int, *, at: str) -> None:
        super().__init__()
        self._name, self._number, self._at = name, number, at
        self._descriptors: set[int] = set()

    def open_read(self, directory: int, name: str) -> int:
        if name == self._name and self._at == "open":
            raise OSError(self._number, os.strerror(self._number))
        descriptor = super().open_read(directory, name)
        if name == self._name:
            self._descriptors.add(descriptor)
        return descriptor

    def close(self, descriptor: int) -> None:
        self._descriptors.discard(descriptor)
        super().close(descriptor)

    def pread(self, descriptor: int, count: int, offset: int) -> bytes:
        if descriptor in self._descriptors and self._at == "read":
            raise OSError(self._number, os.strerror(self._number))
        return super().pread(descriptor, count, offset)


@pytest.mark.parametrize("at", ["open", "read"])
@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.ENOENT, errno.ESTALE], ids=errno.errorcode.get)
def test_a_file_that_cannot_be_read_is_told_and_the_rest_imported(
    bench: Workbench, tmp_path: Path, at: str, number: int
) -> None:
    source = make_source(tmp_path / "card")
    record = bench.create()
    with bench.restart(FailingSource("IMG_0002.jpg", number, at=at)) as again:
        report = again.import_(record, source)
        assert trouble_of(report) == {"IMG_0002.jpg": "source-unreadable"}
        assert (report.statistics.new_imports, report.statistics.errors) == (2, 1)
        assert report.status is SessionStatus.COMPLETED_WITH_FINDINGS
        assert set(photos_below(again.root(record))) == {"IMG_0001.jpg", "IMG_0003.jpg"}


def test_a_file_that_could_not_be_read_comes_in_the_next_time(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card")
    record = bench.create()
    with bench.restart(FailingSource("IMG_0002.jpg", errno.EIO, at="read")) as again:
        again.import_(record, source)
    with bench.restart() as again:
        report = again.import_(record, source)
        assert (report.statistics.new_imports, report.statistics.duplicates_skipped) == (1, 2)


def test_a_file_the_user_may_not_read_is_told(bench: Workbench, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything; the same is tested with an injected EACCES")
    source = make_source(tmp_path / "card")
    (source / "IMG_0002.jpg").chmod(0)
    assert trouble_of(bench.import_(bench.create(), source)) == {"IMG_0002.jpg": "source-unreadable"}


def test_an_unreadable_sidecar_does_not_keep_its_picture_out(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 1)
    (source / "IMG_0001.xmp").write_text("<x/>")
    record = bench.create()
    with bench.restart(FailingSource("IMG_0001.xmp", errno.EIO, at="read")) as again:
        report = again.import_(record, source)
    assert trouble_of(report) == {"IMG_0001.xmp": "source-unreadable"}
    assert set(photos_below(bench.root(record))) == {"IMG_0001.jpg"}


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES], ids=errno.errorcode.get)
def test_a_dry_run_tells_of_a_file_that_cannot_be_read(bench: Workbench, tmp_path: Path, number: int) -> None:
    source = make_source(tmp_path / "card")
    record = bench.create()
    with bench.restart(FailingSource("IMG_0002.jpg", number, at="open")) as again:
        report = again.import_(record, source, dry_run=True)
    assert trouble_of(report) == {"IMG_0002.jpg": "source-unreadable"}


class GrowingSource(InterposedCalls):
    """Appends to a source file when its start is read, ``times`` over, as a download still running does."""

    def __init__(self, path: Path, times: int) -> None:
        super().__init__()
        self._path, self._times = path, times

    def pread(self, descriptor: int, count: int, offset: int) -> bytes:
        data = super().pread(descriptor, count, offset)
        if offset == 0 and self._times and os.readlink(f"/proc/self/fd/{descriptor}") == str(self._path):
            self._times -= 1
            with self._path.open("ab") as file:
                file.write(b"more")
        return data


def test_a_file_that_goes_on_changing_is_told_and_left(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card")
    record = bench.create()
    with bench.restart(GrowingSource(source / "IMG_0002.jpg", times=100)) as again:
        report = again.import_(record, source)
    assert trouble_of(report) == {"IMG_0002.jpg": "source-changed"}
    assert set(photos_below(bench.root(record))) == {"IMG_0001.jpg", "IMG_0003.jpg"}


def test_a_file_that_changes_once_is_copied_again_and_whole(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card")
    record = bench.create()
    with bench.restart(GrowingSource(source / "IMG_0002.jpg", times=1)) as again:
        report = again.import_(record, source)
    assert report.statistics.errors == 0
    assert photos_below(bench.root(record))["IMG_0002.jpg"] == sha256_of(source / "IMG_0002.jpg")


# --- a copy that is not what was written ----------------------------------------------------------------------------


class RottenDisk(InterposedCalls):
    """Flips a bit of a staged copy once its cache was dropped, ``times`` over: what a bad cable or cell does."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self._times = times

    def drop_cache(self, descriptor: int) -> None:
        super().drop_cache(descriptor)
        if self._times and ".part" in os.readlink(f"/proc/self/fd/{descriptor}"):
            self._times -= 1
            [byte] = os.pread(descriptor, 1, 1000)
            os.pwrite(descriptor, bytes((byte ^ 0x10,)), 1000)


def test_a_copy_that_reads_back_otherwise_is_never_placed(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 2)
    record = bench.create()
    with bench.restart(RottenDisk(times=1000)) as again:
        report = again.import_(record, source)
    assert trouble_of(report) == {"IMG_0001.jpg": "verification-failed", "IMG_0002.jpg": "verification-failed"}
    assert photos_below(bench.root(record)) == {}
    assert not list((bench.root(record) / "imports").iterdir())


def test_a_copy_that_reads_back_otherwise_is_made_again(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 2)
    record = bench.create()
    with bench.restart(RottenDisk(times=2)) as again:
        report = again.import_(record, source)
    assert trouble_of(report) == {}
    assert photos_below(bench.root(record)) == {path.name: sha256_of(path) for path in source.iterdir()}


class BrokenAnalyser(PictureAnalyser):
    """Cannot read staged files: EIO, as from a disk that just gave up."""

    def __init__(self, method: str) -> None:
        super().__init__()
        self._method = method

    def fingerprint(self, descriptor: int) -> Fingerprint:
        self._fail("fingerprint", descriptor)
        return super().fingerprint(descriptor)

    def analyse(self, descriptor: int, *, filename: str):
        self._fail("analyse", descriptor)
        return super().analyse(descriptor, filename=filename)

    def _fail(self, method: str, descriptor: int) -> None:
        if method == self._method and "/staging/" in os.readlink(f"/proc/self/fd/{descriptor}"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.mark.parametrize("method", ["fingerprint", "analyse"])
def test_a_storage_that_cannot_be_read_back_stops_the_import(bench: Workbench, tmp_path: Path, method: str) -> None:
    source = make_source(tmp_path / "card", 2)
    record = bench.create()
    bench.tools = replace(bench.tools, analyser=BrokenAnalyser(method))
    with pytest.raises(StorageIoError):
        bench.import_(record, source)
    with bench.restart() as again:
        again.tools = replace(again.tools, analyser=PictureAnalyser())
        assert again.import_(record, source).statistics.new_imports == 2


class ShortOfEverything(PictureAnalyser):
    """Can start no process to decode in."""

    def analyse(self, descriptor: int, *, filename: str):
        raise MachineShortageError("short")


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_machine_short_of_everything_stops_the_import_and_blames_no_picture(
    bench: Workbench, tmp_path: Path, dry_run: bool
) -> None:
    source = make_source(tmp_path / "card", 2)
    record = bench.create()
    bench.tools = replace(bench.tools, analyser=ShortOfEverything())
    with pytest.raises(MachineShortageError):
        bench.import_(record, source, dry_run=dry_run)
    with bench.restart() as again:
        again.tools = replace(again.tools, analyser=PictureAnalyser())
        report = again.import_(record, source)
    assert report.statistics.new_imports == 2
    assert {finding.code for finding in report.findings} <= {"run-interrupted"}


# --- refusals -------------------------------------------------------------------------------------------------------


def nested(bench: Workbench, root: Path, tmp_path: Path, how: str) -> Path:
    """Give a source that overlaps with the storage at ``root``."""
    match how:
        case "the storage itself":
            return root
        case "its photos":
            return root / "photos"
        case "around it":
            return root.parent
        case "far around it":
            return tmp_path
        case _:
            target = root / "photos" if how == "a link into it" else root.parent
            (tmp_path / "link").symlink_to(target)
            return tmp_path / "link"


@pytest.mark.parametrize(
    "how", ["the storage itself", "its photos", "around it", "far around it", "a link into it", "a link around it"]
)
@pytest.mark.parametrize("dry_run", [False, True])
def test_source_and_storage_may_not_overlap(bench: Workbench, tmp_path: Path, how: str, dry_run: bool) -> None:
    record = bench.create()
    source = nested(bench, bench.root(record), tmp_path, how)
    before = snapshot(bench.disk)
    with pytest.raises(NestedSourceError):
        bench.import_(record, source, dry_run=dry_run)
    assert snapshot(bench.disk) == before


def test_a_folder_whose_name_only_begins_like_the_storages_is_no_overlap(bench: Workbench, tmp_path: Path) -> None:
    record = bench.create()
    root = bench.root(record)
    source = make_source(root.with_name(root.name + "-card"), 1)
    assert bench.import_(record, source).statistics.new_imports == 1


def test_a_source_that_is_not_there_is_told(bench: Workbench, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no folder"):
        bench.import_(bench.create(), tmp_path / "nothing")


def test_a_storage_is_not_made_in_a_folder_that_is_not_there(bench: Workbench, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not there"):
        bench.create(base_path=tmp_path / "unmounted")
    assert not (tmp_path / "unmounted").exists()
    assert bench.records() == []


@pytest.mark.parametrize("name", ["", "   "])
def test_a_storage_needs_a_name(bench: Workbench, name: str) -> None:
    with pytest.raises(UsageError):
        bench.create(name)
    assert list(bench.disk.iterdir()) == []


def test_two_storages_may_not_have_one_name(bench: Workbench) -> None:
    bench.create("Blue")
    with pytest.raises(UsageError):
        bench.create("Blue")
    assert len(list(bench.disk.iterdir())) == 1


class SmallDisk(InterposedCalls):
    def __init__(self, free_bytes: int) -> None:
        super().__init__()
        self._free_bytes = free_bytes

    def space(self, descriptor: int) -> SpaceFacts:
        return SpaceFacts(self._free_bytes, 10**12)


def test_an_import_that_would_not_fit_is_refused_before_anything_is_copied(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card")
    size = sum(path.stat().st_size for path in source.iterdir())
    needed = int(size * 1.05) + int(3 * CATALOG_BYTES_PER_PICTURE * 1.05) + 64 * 1024 * 1024
    record = bench.create()
    before, catalog = snapshot(bench.disk), bench.dump()
    with bench.restart(SmallDisk(needed - 1)) as again:
        with pytest.raises(OutOfSpaceError, match="Nothing was copied"):
            again.import_(record, source)
        assert again.dump() == catalog
    assert photos_below(bench.root(record)) == {}
    assert {name: facts[0] for name, facts in snapshot(bench.disk).items()} == {
        name: facts[0] for name, facts in before.items()
    }
    with bench.restart(SmallDisk(needed)) as again:
        assert again.import_(record, source).statistics.new_imports == 3


# --- stopping and going on ------------------------------------------------------------------------------------------


class Stopped(SilentProgress):
    """The user presses Ctrl-C at the n-th safe point."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self._left = at

    def checkpoint(self) -> None:
        self._left -= 1
        if self._left == 0:
            raise CancelledError("stopped")


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_cancelled_import_is_finished_by_the_next_one(bench: Workbench, tmp_path: Path, at: int) -> None:
    source = make_source(tmp_path / "card", 4)
    record = bench.create()
    request = ImportRequest(source=source, title="Italy")
    with pytest.raises(CancelledError):
        import_photos(bench.tools, record, request, progress=Stopped(at))
    bench.import_(record, source)
    assert photos_below(bench.root(record)) == {path.name: sha256_of(path) for path in source.iterdir()}


class FullDisk(InterposedCalls):
    """Is full when a file of this name is placed."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def rename_noreplace(self, from_directory: int, from_name: str, to_directory: int, to_name: str) -> None:
        if to_name == self._name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().rename_noreplace(from_directory, from_name, to_directory, to_name)


@pytest.fixture
def interrupted(bench: Workbench, tmp_path: Path) -> tuple[Workbench, Path]:
    """An import of four photos stopped by a full disk when the third was to be placed; and its source."""
    source = make_source(tmp_path / "card", 4)
    (source / "IMG_0004.xmp").write_text("<x/>")
    record = bench.create()
    with bench.restart(FullDisk("IMG_0003.jpg")) as again, pytest.raises(OutOfSpaceError):
        again.import_(record, source)
    return bench.restart(), source


def test_an_interrupted_session_says_so_in_the_catalog(interrupted: tuple[Workbench, Path]) -> None:
    bench, _ = interrupted
    [line] = [line for line in bench.dump() if '"kind":"session"' in line]
    assert '"status":"interrupted"' in line


def test_what_was_staged_whole_is_placed_without_the_source(
    interrupted: tuple[Workbench, Path], tmp_path: Path
) -> None:
    bench, source = interrupted
    [record] = bench.records()
    wanted = {path.name: sha256_of(path) for path in source.iterdir()}
    shutil.rmtree(source)
    (tmp_path / "empty").mkdir()
    report = bench.import_(record, tmp_path / "empty")
    assert trouble_of(report)[str(source)] == "run-interrupted"
    assert photos_below(bench.root(record)) == wanted
    assert len(bench.session(record).files) == 4


def test_previews_that_an_interrupted_import_did_not_make_are_made(interrupted: tuple[Workbench, Path]) -> None:
    bench, source = interrupted
    [record] = bench.records()
    bench.import_(record, source)
    with bench.open(record) as storage:
        entries = storage.indexes.load_session(1).index.files.values()
        assert len(entries) == 4
        assert all(storage.hotpreviews.exists(entry.hothash) for entry in entries)


def test_staging_is_empty_after_the_next_import(interrupted: tuple[Workbench, Path]) -> None:
    bench, source = interrupted
    [record] = bench.records()
    staging = bench.root(record) / ".imalink/staging"
    assert list(staging.iterdir()) != []
    bench.import_(record, source)
    assert list(staging.iterdir()) == []


def put_folder(path: Path) -> None:
    path.mkdir()


def put_link(path: Path) -> None:
    path.symlink_to("/dev/null")


def put_file(path: Path) -> None:
    path.write_bytes(b"the user's own")


def put_pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("put", [put_folder, put_link, put_file, put_pipe])
@pytest.mark.parametrize("name", ["IMG_0003.jpg", "IMG_0004.xmp"])
def test_what_the_user_put_at_a_planned_name_meanwhile_is_not_touched(
    interrupted: tuple[Workbench, Path], put: Callable[[Path], None], name: str
) -> None:
    bench, source = interrupted
    [record] = bench.records()
    photos = bench.root(record) / "photos"
    put(photos / name)
    before = (photos / name).lstat()
    bench.import_(record, source)
    after = (photos / name).lstat()
    assert (after.st_ino, after.st_mtime_ns, after.st_size) == (before.st_ino, before.st_mtime_ns, before.st_size)
    sums = [sha256_of(path) for path in photos.iterdir() if path.is_file() and not path.is_symlink()]
    assert all(sums.count(sha256_of(path)) == 1 for path in source.iterdir())


def test_a_plan_whose_copies_are_both_spoilt_is_given_up_and_copied_again(
    interrupted: tuple[Workbench, Path],
) -> None:
    bench, source = interrupted
    [record] = bench.records()
    for part in (bench.root(record) / ".imalink/staging").rglob("*.part"):
        with part.open("r+b") as file:
            file.write(b"spoilt")
    report = bench.import_(record, source)
    assert report.statistics.new_imports == 2
    sums = list(photos_below(bench.root(record)).values())
    assert sorted(sums) == sorted(sha256_of(path) for path in source.iterdir())


def test_an_intent_file_that_makes_no_sense_is_kept_and_told(interrupted: tuple[Workbench, Path]) -> None:
    bench, source = interrupted
    [record] = bench.records()
    [intent] = (bench.root(record) / ".imalink/staging").rglob("intent.jsonl")
    import zlib

    payload = b'{"op":"plan","staged":7}'
    with intent.open("ab") as file:
        file.write(b"%08x %b\n" % (zlib.crc32(payload), payload))
    kept = intent.read_bytes()
    report = bench.import_(record, source)
    assert "journal-damaged" in trouble_of(report).values()
    backups = (bench.root(record) / ".imalink/metadata/backup").iterdir()
    assert kept in [path.read_bytes() for path in backups]


@pytest.mark.parametrize("put", [put_file, put_link, put_pipe])
def test_a_folder_whose_name_is_taken_by_something_else_gets_another(
    bench: Workbench, tmp_path: Path, put: Callable[[Path], None]
) -> None:
    source = tmp_path / "card"
    make_jpeg(source / "Rome" / "Night" / "x.jpg", seed=1, size=SMALL)
    record = bench.create()
    put(bench.root(record) / "photos/Rome")
    report = bench.import_(record, source)
    assert [file.target for file in report.files] == ["photos/Rome (2)/Night/x.jpg"]
    assert (bench.root(record) / "photos/Rome (2)/Night/x.jpg").read_bytes() == (
        source / "Rome/Night/x.jpg"
    ).read_bytes()


def test_a_photo_root_that_is_a_link_stops_the_import(bench: Workbench, tmp_path: Path) -> None:
    record = bench.create()
    outside = tmp_path / "outside"
    outside.mkdir()
    (bench.root(record) / "photos").rmdir()
    (bench.root(record) / "photos").symlink_to(outside)
    with pytest.raises(UnsafePathError):
        bench.import_(record, make_source(tmp_path / "card"))
    assert list(outside.iterdir()) == []


def test_a_sidecar_lost_after_a_crash_does_not_take_its_placed_picture_with_it(
    bench: Workbench, tmp_path: Path
) -> None:
    source = make_source(tmp_path / "card", 1)
    (source / "IMG_0001.xmp").write_text("<x/>")
    record = bench.create()
    with bench.restart(FullDisk("IMG_0001.xmp")) as again, pytest.raises(OutOfSpaceError):
        again.import_(record, source)
    for part in (bench.root(record) / ".imalink/staging").rglob("*.part"):
        part.unlink()
    with bench.restart() as again:
        report = again.import_(record, source)
        assert "companion-missing" in trouble_of(report).values()
        assert set(photos_below(again.root(record))) == {"IMG_0001.jpg"}
        [entry] = again.session(record).files.values()
        assert (entry.relative_path, entry.companions) == ("photos/IMG_0001.jpg", ())


def test_a_new_picture_of_the_same_size_as_a_known_one_is_imported(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 1)
    record = bench.create()
    bench.import_(record, source)
    data = bytearray((source / "IMG_0001.jpg").read_bytes())
    data[-20] ^= 1
    (source / "IMG_0001.jpg").write_bytes(data)
    assert bench.import_(record, source).statistics.new_imports == 1
    assert len(photos_below(bench.root(record))) == 2


def test_a_deep_folder_of_long_names_is_imported(bench: Workbench, tmp_path: Path) -> None:
    name = "x" * 240 + ".jpg"
    folders = "/".join(["d" * 200] * 5)
    make_jpeg(tmp_path / "card" / folders / name, seed=1, size=SMALL)
    record = bench.create()
    own = bench.root(record) / "photos" / folders / name
    own.parent.mkdir(parents=True)
    own.write_bytes(b"the user's own")
    assert bench.import_(record, tmp_path / "card").statistics.new_imports == 1
    assert own.read_bytes() == b"the user's own"


class KilledOverClaim(LimitedCalls):
    """A disk without safe renames (exFAT); the process is killed between an empty claim to a name and the rename."""

    def __init__(self, suffix: str) -> None:
        super().__init__()
        self._suffix = suffix
        self._is_dead = False

    def _around(self, name: str, call: Callable[[], T], *arguments: object) -> T:
        self._is_dead |= name == "rename_replacing" and str(arguments[3]).endswith(self._suffix)
        if self._is_dead and name in MUTATING:
            raise SimulatedCrash(name)
        return super()._around(name, call, *arguments)


@pytest.mark.parametrize("suffix", ["IMG_0002.jpg", "IMG_0004.xmp", ".jsonl"])
def test_an_empty_claim_left_by_a_kill_is_known_as_our_own(bench: Workbench, tmp_path: Path, suffix: str) -> None:
    source = make_source(tmp_path / "card", 4)
    (source / "IMG_0004.xmp").write_text("<x/>")
    record = bench.create()
    with bench.restart(KilledOverClaim(suffix)) as again, pytest.raises(SimulatedCrash):
        again.import_(record, source)
    root = bench.root(record)
    claims = [*(root / "photos").iterdir(), *(root / ".imalink/metadata/commits").iterdir()]
    assert any(path.name.endswith(suffix) and path.stat().st_size == 0 for path in claims)
    with bench.restart(LimitedCalls()) as again:
        report = again.import_(record, source)
        assert report.statistics.new_imports + len(again.session(record).files) == 4
    assert photos_below(root) == {path.name: sha256_of(path) for path in source.iterdir()}


def test_an_empty_file_of_the_users_is_no_claim_on_a_disk_that_needs_none(
    interrupted: tuple[Workbench, Path],
) -> None:
    bench, source = interrupted
    [record] = bench.records()
    own = bench.root(record) / "photos/IMG_0003.jpg"
    own.touch()
    bench.import_(record, source)
    assert own.stat().st_size == 0
    assert photos_below(bench.root(record))["IMG_0003 (2).jpg"] == sha256_of(source / "IMG_0003.jpg")
