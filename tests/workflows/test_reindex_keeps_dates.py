"""An edit never makes a capture time worse: what was known stays where the edited file tells none itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from imalink.core.capture_fallback import keep_better_time
from imalink.core.timestamps import CaptureTime, CaptureTimeSource
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest
from tests.support.photos import make_jpeg, set_rating_in_place
from tests.support.workbench import SMALL, Workbench


def times(bench: Workbench, photo: str) -> tuple[str, str]:
    """Local time and source of the one picture whose path ends so."""
    (record,) = bench.records()
    entries = [entry for entry in bench.session(record).files.values() if entry.relative_path.endswith(photo)]
    assert len(entries) == 1
    taken = entries[0].facts.capture_time
    assert taken is not None
    return taken.local, taken.source


def test_a_rating_does_not_move_the_date_of_a_picture_that_tells_none(bench: Workbench, tmp_path: Path) -> None:
    scan = make_jpeg(tmp_path / "card" / "scan.jpg", seed=1, size=SMALL, taken=None)
    os.utime(scan, ns=(0, 1_000_000_000 * 10**9))
    record = bench.create()
    bench.import_(record, tmp_path / "card")
    before = times(bench, "scan.jpg")
    assert before == ("2001-09-09T01:46:40", "mtime")
    set_rating_in_place(bench.root(record) / "photos" / "scan.jpg", 4)
    report = reindex(bench.tools, record, ReindexRequest())
    assert [edit.kind for edit in report.modified_files] == ["metadata"]
    assert times(bench, "scan.jpg") == before


@pytest.mark.parametrize("same_picture", [True, False])
def test_a_date_from_the_name_outlives_a_rename_with_an_edit(
    bench: Workbench, tmp_path: Path, same_picture: bool
) -> None:
    make_jpeg(tmp_path / "card" / "IMG_20240710_143000.jpg", seed=1, size=SMALL, taken=None)
    record = bench.create()
    bench.import_(record, tmp_path / "card")
    photos = bench.root(record) / "photos"
    (photos / "IMG_20240710_143000.jpg").rename(photos / "beach.jpg")
    reindex(bench.tools, record, ReindexRequest())
    if same_picture:
        set_rating_in_place(photos / "beach.jpg", 5)
    else:
        make_jpeg(photos / "beach.jpg", seed=2, size=SMALL, taken=None)
    report = reindex(bench.tools, record, ReindexRequest())
    assert [edit.kind for edit in report.modified_files] == ["metadata" if same_picture else "content"]
    assert times(bench, "beach.jpg") == ("2024-07-10T14:30:00", "filename")


def test_a_date_written_into_the_picture_counts(bench: Workbench, tmp_path: Path) -> None:
    make_jpeg(tmp_path / "card" / "scan.jpg", seed=1, size=SMALL, taken=None)
    record = bench.create()
    bench.import_(record, tmp_path / "card")
    make_jpeg(bench.root(record) / "photos" / "scan.jpg", seed=1, size=SMALL, taken="1987:05:17 12:00:00")
    reindex(bench.tools, record, ReindexRequest())
    assert times(bench, "scan.jpg") == ("1987-05-17T12:00:00", "exif")


@pytest.mark.parametrize(
    ("known", "now", "kept"),
    [
        ("exif", "mtime", "exif"),
        ("filename", "mtime", "filename"),
        ("mtime", "filename", "filename"),
        ("mtime", "exif", "exif"),
        ("user", "filename", "user"),
    ],
)
def test_the_better_time_is_kept(known: CaptureTimeSource, now: CaptureTimeSource, kept: CaptureTimeSource) -> None:
    before = CaptureTime(local="2001-01-01T00:00:00", offset=None, source=known)
    after = CaptureTime(local="2002-02-02T00:00:00", offset=None, source=now)
    found = keep_better_time(before, after)
    assert found is not None
    assert found.source == kept
    assert keep_better_time(None, after) == after
    assert keep_better_time(before, None) == before
