"""A user's own folder becomes a storage in place: all its pictures known, not one byte of them touched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from imalink.core.index import FileStatus
from imalink.core.progress import SilentProgress
from imalink.core.session import SessionStatus
from imalink.errors import CancelledError, UsageError
from imalink.workflows.adopt_folder import adopt_folder
from imalink.workflows.find_file import find_files
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_report import ReindexReport
from imalink.workflows.reindex_request import ReindexRequest
from tests.support.photos import make_jpeg
from tests.support.scenes import hothash_of, memory_folder
from tests.support.workbench import SMALL, Snapshot, Workbench, make_source, snapshot


@pytest.fixture
def bench(tmp_path: Path, empty_catalog: Path) -> Iterator[Workbench]:
    with memory_folder(tmp_path) as folder, Workbench(folder, empty_catalog=empty_catalog) as made:
        yield made


@pytest.fixture
def pictures(bench: Workbench) -> Path:
    """A folder as people have them: names that are also ImaLink's in another layout, copies, sidecars, other files."""
    folder = bench.folder / "Pictures"
    make_source(folder / "2023" / "Rome", 3)
    make_source(folder / "imports", 2, first_seed=10)
    make_jpeg(folder / "loose.jpg", seed=20, size=SMALL)
    shutil.copy2(folder / "loose.jpg", folder / "imports" / "copy of loose.jpg")
    (folder / "2023" / "Rome" / "IMG_0001.jpg.xmp").write_bytes(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
    (folder / "index.json").write_text("{}")
    (folder / "letter.txt").write_text("Dear Ada")
    return folder


def is_ours(name: str) -> bool:
    return name.startswith(("imalink", ".imalink"))


def users(folder: Path) -> Snapshot:
    return snapshot(folder, leaves_out=is_ours)


def look(bench: Workbench, folder: Path) -> ReindexReport:
    record = next(record for record in bench.records() if record.full_path == os.fspath(folder))
    return reindex(bench.tools, record, ReindexRequest())


def test_every_picture_is_known_where_it_stands_and_nothing_was_touched(bench: Workbench, pictures: Path) -> None:
    before = users(pictures)
    standing = {str(path.relative_to(pictures)) for path in pictures.rglob("*.jpg")}
    report = adopt_folder(bench.tools, folder=pictures, display_name="Mine")
    assert users(pictures) == before
    assert {name for name in os.listdir(pictures) if is_ours(name)} == {
        ".imalink-storage", ".imalink", "imalink-master.json", "imalink-sessions"
    }  # fmt: skip
    assert report.indexed is not None
    counts = report.indexed.statistics
    assert (counts.new_imports, counts.companions, counts.ignored, counts.errors) == (7, 1, 2, 0)
    assert (report.indexed.photos_created, report.indexed.findings) == (6, ())
    index = bench.session(report.record)
    assert (index.session.title, index.session.status) == ("Adopted Mine", SessionStatus.COMPLETED)
    assert standing == {str(file.relative_path) for entry in index.files.values() for file in (entry, *entry.copies)}
    for found in find_files(bench.tools, list(index.files)):
        assert found.path is not None
        assert hothash_of(Path(found.path)) == found.hothash
    rome = next(entry for entry in index.files.values() if entry.relative_path == "2023/Rome/IMG_0001.jpg")
    assert [companion.relative_path for companion in rome.companions] == ["2023/Rome/IMG_0001.jpg.xmp"]
    assert (rome.original_filename, rome.has_hotpreview) == ("IMG_0001.jpg", True)


def test_what_happens_to_an_adopted_folder_later_is_followed(bench: Workbench, pictures: Path) -> None:
    adopted = adopt_folder(bench.tools, folder=pictures, display_name="Mine")
    assert not look(bench, pictures).changes_detected
    assert look(bench, pictures).files_hashed == 0
    hothash = hothash_of(pictures / "2023" / "Rome" / "IMG_0002.jpg")
    (pictures / "2023").rename(pictures / "holidays")
    (pictures / "imports" / "IMG_0010.jpg").unlink()
    make_jpeg(pictures / "new.jpg", seed=70, size=SMALL)
    report = look(bench, pictures)
    assert (len(report.moved_files), len(report.newly_missing), list(report.new_files)) == (3, 1, ["new.jpg"])
    [found] = find_files(bench.tools, [hothash])
    assert found.path == os.fspath(pictures / "holidays" / "Rome" / "IMG_0002.jpg")
    statuses = [entry.status for entry in bench.session(adopted.record).files.values()]
    assert statuses.count(FileStatus.MISSING) == 1


def test_more_can_be_imported_into_an_adopted_folder(bench: Workbench, pictures: Path) -> None:
    adopted = adopt_folder(bench.tools, folder=pictures, display_name="Mine")
    card = make_source(bench.folder / "card" / "imalink-sessions", 2, first_seed=40).parent
    before = users(pictures)
    report = bench.import_(adopted.record, card)
    assert report.statistics.new_imports == 2
    assert users(pictures) == before
    assert {path.name for path in (pictures / "imalink-sessions (2)").iterdir()} == {"IMG_0040.jpg", "IMG_0041.jpg"}
    assert not look(bench, pictures).changes_detected


def test_indexing_can_be_left_to_later(bench: Workbench, pictures: Path) -> None:
    report = adopt_folder(bench.tools, folder=pictures, display_name="Mine", is_indexed=False)
    assert report.indexed is None
    assert len(look(bench, pictures).new_files) == 7


class StopAfter(SilentProgress):
    """Cancels after some files."""

    def __init__(self, count: int) -> None:
        self.left = count

    def advance(self, *, files: int = 0, size_bytes: int = 0, current: str = "", phase: str = "") -> None:
        self.left -= files

    def checkpoint(self) -> None:
        if self.left <= 0:
            raise CancelledError("stopped")


def test_an_interrupted_adoption_keeps_what_it_read_and_finds_the_rest(bench: Workbench, pictures: Path) -> None:
    before = users(pictures)
    with pytest.raises(CancelledError):
        adopt_folder(bench.tools, folder=pictures, display_name="Mine", progress=StopAfter(3))
    report = look(bench, pictures)
    assert users(pictures) == before
    [record] = bench.records()
    index = bench.session(record)
    known = sum(1 + len(entry.copies) for entry in index.files.values())
    assert index.session.status is SessionStatus.INTERRUPTED
    assert 1 <= known < 7
    assert known + len(report.new_files) + len(report.duplicates) >= 7


def test_a_picture_that_cannot_be_read_is_told_and_the_rest_comes_in(bench: Workbench, pictures: Path) -> None:
    (pictures / "link.jpg").symlink_to(pictures / "loose.jpg")
    report = adopt_folder(bench.tools, folder=pictures, display_name="Mine")
    assert report.indexed is not None
    assert [finding.code for finding in report.indexed.findings] == ["storage-symlink"]
    assert report.indexed.statistics.new_imports == 7


def test_a_name_that_is_taken_and_a_folder_that_is_a_storage_are_refused(bench: Workbench, pictures: Path) -> None:
    bench.create("Mine")
    before = snapshot(pictures)
    with pytest.raises(UsageError):
        adopt_folder(bench.tools, folder=pictures, display_name="Mine")
    assert snapshot(pictures) == before
    adopt_folder(bench.tools, folder=pictures, display_name="Other")
    with pytest.raises(UsageError):
        adopt_folder(bench.tools, folder=pictures, display_name="Third")
