"""An import says that its source is no longer needed only when every file of it is proved to be archived."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from imalink.workflows.import_report import ImportRequest
from imalink.workflows.refer_to_folder import refer_to_folder
from imalink.workflows.resume_session import resume_session
from tests.support.faults import CountingCalls, CrashingCalls, SimulatedCrash
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


def _interrupted(bench: Workbench, source: Path, count: int) -> Workbench:
    """Let an import die when it is about to write its indexes, having placed some pictures."""
    with bench.restart(CrashingCalls(count)) as dying, pytest.raises(SimulatedCrash):
        dying.import_(dying.records()[0], source)
    return dying.restart()


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_it_is_said_of_an_import_that_was_killed_and_came_to_its_end_later(bench: Workbench, share: float) -> None:
    bench.create()
    source = make_source(bench.folder / "card", 4)
    counting = CountingCalls()
    with Workbench(bench.folder / "rehearsal", calls=counting) as rehearsed:
        record = rehearsed.create()
        begun = counting.mutations_count
        rehearsed.import_(record, source)
        at = int((counting.mutations_count - begun) * share)
    with _interrupted(bench, source, at) as again:
        assert resume_session(again.tools, "1").report.source_no_longer_needed
        # Of a session that had come to its end nothing is looked at, so nothing is proved.
        assert not resume_session(again.tools, "1").report.source_no_longer_needed


def test_it_is_not_said_of_a_resumed_import_that_leaves_anything_behind(bench: Workbench) -> None:
    bench.create()
    source = make_source(bench.folder / "card", 4)
    _no_picture(source)
    with _interrupted(bench, source, 60) as again:
        assert not resume_session(again.tools, "1").report.source_no_longer_needed


def test_it_is_said_of_a_resumed_import_whatever_was_found_at_the_indexes_before(bench: Workbench) -> None:
    record = bench.create()
    source = make_source(bench.folder / "card", 4)
    with _interrupted(bench, source, 60) as again:
        overview = again.root(record) / "index.json"
        overview.write_text(overview.read_text().replace("Blue", "Green"))
        report = resume_session(again.tools, "1").report
        assert report.source_no_longer_needed
