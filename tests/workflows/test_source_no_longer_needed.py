"""An import says that its source is no longer needed only when every file of it is proved to be archived."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from imalink.workflows.import_report import ImportRequest
from imalink.workflows.refer_to_folder import refer_to_folder
from tests.support.photos import make_jpeg
from tests.support.rot import UnreadableCalls
from tests.support.workbench import SMALL, Workbench, make_source


def test_it_is_said_when_everything_was_copied_and_verified_and_when_all_is_known(bench: Workbench) -> None:
    record = bench.create()
    source = make_source(bench.folder / "card", 2)
    assert bench.import_(record, source).source_no_longer_needed
    assert bench.import_(record, source).source_no_longer_needed
    assert not bench.import_(record, source, dry_run=True).source_no_longer_needed


def _no_picture(source: Path) -> None:
    (source / "notes.txt").write_text("ideas")


def _empty_file(source: Path) -> None:
    (source / "empty.jpg").write_bytes(b"")


def _lone_sidecar(source: Path) -> None:
    (source / "other.xmp").write_text("<x/>")


def _link(source: Path) -> None:
    (source / "link.jpg").symlink_to(source / "IMG_0001.jpg")


def _left_out(source: Path) -> None:
    make_jpeg(source / "raw" / "a.jpg", seed=9, size=SMALL)
    (source / ".imalinkignore").write_text("raw\n")


@pytest.mark.parametrize("spoil", [_no_picture, _empty_file, _lone_sidecar, _link, _left_out])
def test_it_is_not_said_when_anything_stays_behind(bench: Workbench, spoil: Callable[[Path], None]) -> None:
    source = make_source(bench.folder / "card", 2)
    spoil(source)
    report = bench.import_(bench.create(), source)
    assert report.statistics.new_imports == 2
    assert not report.source_no_longer_needed


def test_it_is_not_said_when_a_file_cannot_be_read(bench: Workbench) -> None:
    record = bench.create()
    source = make_source(bench.folder / "card", 2)
    with bench.restart(UnreadableCalls("card/IMG_0002.jpg")) as again:
        assert not again.import_(record, source).source_no_longer_needed


def test_it_is_not_said_of_a_folder_that_is_only_referred_to(bench: Workbench) -> None:
    source = make_source(bench.folder / "card", 2)
    found = refer_to_folder(bench.tools, ImportRequest(source=source, title="Lent"))
    assert not found.report.source_no_longer_needed
