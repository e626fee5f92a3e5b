"""An import that was interrupted goes on where it stopped, and ends as if it had never been interrupted."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from imalink.catalog.file_storages import StorageRecord
from imalink.core.duplicate import DuplicatePolicy
from imalink.core.organization import DATE, KEEP
from imalink.core.path_template import PathTemplate
from imalink.core.session import ImportStatistics, SessionStatus
from imalink.errors import NotFoundError, SourceOfflineError, StorageOfflineError, UsageError
from imalink.workflows.adopt_folder import adopt_folder
from imalink.workflows.import_photos import import_photos
from imalink.workflows.import_report import ImportReport, ImportRequest
from imalink.workflows.look_at_sessions import list_sessions, show_session
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.refer_to_folder import refer_to_folder
from imalink.workflows.resume_session import ResumeReport, resume_session
from imalink.workflows.rollback_session import rollback_session
from tests.crash import oracle
from tests.support.faults import MUTATING, CrashingCalls, InterposedCalls, SimulatedCrash
from tests.support.photos import make_jpeg, set_rating_in_place
from tests.support.workbench import SMALL, Workbench, make_source, photos_below, sha256_of, snapshot

T = TypeVar("T")


class DiesAfter(InterposedCalls):
    """Dies once so many files got their final names below ``photos/``."""

    def __init__(self, placed: int) -> None:
        super().__init__()
        self._left = placed

    def _around(self, name: str, call: Callable[[], T], *arguments: object) -> T:
        if name == "rename_noreplace" and self._left >= 0:
            self._left -= "/photos" in os.readlink(f"/proc/self/fd/{arguments[2]}")
        if name in MUTATING and self._left < 0:
            raise SimulatedCrash(name)
        return call()


class Watch(InterposedCalls):
    """Remembers which files were opened for reading in a folder, and how many were newly made."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = str(folder)
        self.opened: list[str] = []
        self.made = 0

    def _around(self, name: str, call: Callable[[], T], *arguments: object) -> T:
        if name == "open_read" and os.readlink(f"/proc/self/fd/{arguments[0]}").startswith(self._folder):
            self.opened.append(str(arguments[1]))
        if name == "create_exclusive" and str(arguments[1]).endswith(".part"):
            self.made += 1
        return call()


@pytest.fixture(autouse=True)
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few files are enough to be interrupted in the middle."""
    monkeypatch.setattr("imalink.workflows.staged_group.GROUP_FILES", 4)
    monkeypatch.setattr("imalink.workflows.index_in_place.GROUP_FILES", 4)


@pytest.fixture
def bench(tmp_path: Path, empty_catalog: Path) -> Iterator[Workbench]:
    with Workbench(tmp_path, empty_catalog=empty_catalog) as made:
        yield made


def card_of_everything(folder: Path) -> Path:
    """Give a source with twins, clashes, shots of several files, sidecars, damage and what is no picture."""
    make_source(folder / "a", 12)
    make_source(folder / "b", 4, first_seed=40)
    for number in (2, 9):
        shutil.copy2(folder / f"a/IMG_{number:04}.jpg", folder / f"a/Z_{number}.jpg")
    for number in (3, 4, 11):
        (folder / f"a/IMG_{number:04}.xmp").write_text(f"<x>{number}</x>")
    for number in (40, 41):
        shutil.copy2(folder / f"b/IMG_{number:04}.jpg", folder / f"b/rated_{number}.jpg")
        set_rating_in_place(folder / f"b/rated_{number}.jpg", number % 5)
    (folder / "a/IMG_0007.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture at all")
    (folder / "a/notes.txt").write_text("no picture")
    return folder


def die(bench: Workbench, calls: InterposedCalls, operation: Callable[[Workbench], object]) -> Workbench:
    """Let a process die in the middle of something, and give the next one."""
    dying = bench.restart(calls)
    with pytest.raises(SimulatedCrash):
        operation(dying)
    return dying.restart()


def differences(bench: Workbench) -> tuple[str, ...]:
    candidates, _ = find_candidates(bench.tools, [bench.root(record) for record in bench.records()])
    return recover(bench.tools, candidates, is_check=True).differences


def without_time(report: ImportReport) -> ImportReport:
    return replace(report, seconds=0, session_uuid=None, files=(), came_in_before=0)


def told(report: ImportReport) -> tuple[object, ...]:
    """Give of a report all that an interruption may not change."""
    findings = sorted((each.code, each.path) for each in report.findings)
    return (*[getattr(report, name) for name in ("status", "statistics", "photos_created")], findings)


@pytest.mark.parametrize("organization", [KEEP, DATE], ids=["keep", "date"])
@pytest.mark.parametrize("placed", [0, 1, 5, 11, 17])
def test_a_resumed_import_ends_as_if_it_had_never_been_interrupted(
    tmp_path: Path, empty_catalog: Path, placed: int, organization: PathTemplate
) -> None:
    card = card_of_everything(tmp_path / "card")
    before = snapshot(card)
    with Workbench(tmp_path / "whole", empty_catalog=empty_catalog) as whole:
        record = whole.create()
        expected = whole.import_(record, card, organization=organization)
        files = photos_below(whole.root(record))
        statistics = show_session(whole.tools, "1").record.statistics
    bench = Workbench(tmp_path / "torn", empty_catalog=empty_catalog)
    record = bench.create()
    bench = die(bench, DiesAfter(placed), lambda dying: dying.import_(record, card, organization=organization))
    with bench:
        [listed] = list_sessions(bench.tools)
        assert (listed.session.status, listed.session.title) == (SessionStatus.INTERRUPTED, "Italy")
        found = resume_session(bench.tools, "1")
        assert not found.had_ended
        assert told(found.report) == told(expected)
        assert photos_below(bench.root(record)) == files
        view = show_session(bench.tools, "1")
        assert (view.record.statistics, view.record.session.status) == (statistics, expected.status)
        assert [each.session.number for each in list_sessions(bench.tools)] == [1]
        assert differences(bench) == ()
        assert (
            oracle.check_settled(oracle.Place(bench.root(record)), oracle.Before(oracle.tree(card)), is_complete=False)
            == []
        )
    assert snapshot(card) == before


def never(*_: object) -> bool:
    return False


def interrupted(bench: Workbench, source: Path, placed: int = 5) -> tuple[Workbench, StorageRecord]:
    record = bench.create()
    return die(bench, DiesAfter(placed), lambda dying: dying.import_(record, source)), record


def test_only_what_is_left_is_opened_and_copied(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 20)
    record = bench.create()
    bench = die(bench, DiesAfter(8), lambda dying: dying.import_(record, source))
    kept = photos_below(bench.root(record))
    assert len(kept) == 8
    watch = Watch(source)
    with bench.restart(watch) as again:
        staged = sum(1 for _ in (again.root(record) / ".imalink/staging").glob("*/*.part"))
        report = resume_session(again.tools, "1").report
        assert (report.statistics.new_imports, report.status) == (20, SessionStatus.COMPLETED)
        # What was staged whole when the import died was placed, and is not copied again either.
        assert (staged, report.came_in_before) == (4, 12)
        assert sorted(set(watch.opened)) == [f"IMG_{number:04}.jpg" for number in range(13, 21)]
        assert (len(watch.opened), watch.made) == (8, 8)


def test_a_file_that_was_edited_meanwhile_comes_in_as_it_is_now(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 6)
    bench, record = interrupted(bench, source, 3)
    make_jpeg(source / "IMG_0001.jpg", seed=77, size=SMALL)
    with bench:
        report = resume_session(bench.tools, "1").report
        assert report.statistics.new_imports == 7
        assert sha256_of(source / "IMG_0001.jpg") in photos_below(bench.root(record)).values()


def test_an_archived_copy_that_is_gone_is_copied_again(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 6)
    bench, record = interrupted(bench, source, 3)
    (bench.root(record) / "photos/IMG_0002.jpg").unlink()
    with bench:
        resume_session(bench.tools, "1")
        assert sorted(photos_below(bench.root(record)).values()) == sorted(map(sha256_of, source.iterdir()))


def test_an_import_may_be_interrupted_again_and_again(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 10)
    record = bench.create()
    bench = die(bench, DiesAfter(1), lambda dying: dying.import_(record, source))
    ends = 0
    for at in range(20, 400, 30):
        with bench.restart(CrashingCalls(at)) as dying:
            try:
                resume_session(dying.tools, "1")
                ends += 1
            except SimulatedCrash:
                assert list_sessions(dying.tools)[0].session.status is not SessionStatus.COMPLETED
    with bench.restart() as again:
        resume_session(again.tools, "1")
        [listed] = list_sessions(again.tools)
        assert listed.statistics == ImportStatistics(
            total_scanned=10, new_imports=10, total_size_bytes=sum(path.stat().st_size for path in source.iterdir())
        )
        assert differences(again) == ()
        assert resume_session(again.tools, "1").had_ended
    assert ends >= 1


def test_a_session_that_was_killed_before_anything_was_placed_is_there_and_goes_on(
    bench: Workbench, tmp_path: Path
) -> None:
    source = make_source(tmp_path / "card", 4)
    record = bench.create()
    seen: set[SessionStatus] = set()
    for at in range(1, 60):
        with Workbench(tmp_path / str(at), empty_catalog=bench.database, catalog=None) as machine:
            record = machine.create("Disk")
            machine = machine.restart(CrashingCalls(at))
            try:
                machine.import_(record, source)
                break
            except SimulatedCrash:
                pass
            machine = machine.restart()
            has_begun = any(
                b'"op":"begin"' in path.read_bytes()
                for path in (machine.root(record) / ".imalink/staging").glob("*/intent.jsonl")
            )
            listed = list_sessions(machine.tools)
            if has_begun:
                assert [each.session.status for each in listed] == [SessionStatus.INTERRUPTED]
                report = resume_session(machine.tools, "1").report
                assert (report.statistics.new_imports, report.session_id) == (4, 1)
                seen.add(report.status)
            machine.close()
    assert seen == {SessionStatus.COMPLETED}


def test_a_dry_run_says_what_is_left_and_changes_nothing(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 6)
    bench, record = interrupted(bench, source, 5)
    (source / "late.jpg").write_bytes(make_jpeg(tmp_path / "late.jpg", seed=50, size=SMALL).read_bytes())
    before = snapshot(bench.root(record))
    with bench:
        report = resume_session(bench.tools, "1", dry_run=True).report
        assert (report.statistics.new_imports, report.came_in_before) == (7, 6)
        assert [file.source for file in report.files] == ["late.jpg"]
        assert snapshot(bench.root(record)) == before


def test_a_session_that_came_to_its_end_has_nothing_to_resume(bench: Workbench, tmp_path: Path) -> None:
    record = bench.create()
    whole = bench.import_(record, make_source(tmp_path / "card", 3))
    before = snapshot(bench.root(record))
    found = resume_session(bench.tools, "1")
    assert found.had_ended
    assert found.report.statistics == whole.statistics
    assert snapshot(bench.root(record)) == before
    with pytest.raises(NotFoundError):
        resume_session(bench.tools, "2")


def test_a_session_that_was_rolled_back_is_not_resumed(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 12)
    bench, record = interrupted(bench, source, 5)
    with bench:
        rollback_session(bench.tools, "1")
        assert photos_below(bench.root(record)) == {}
        with pytest.raises(UsageError, match="rolled back"):
            resume_session(bench.tools, "1")
        assert photos_below(bench.root(record)) == {}


def test_a_source_that_is_away_is_told_and_nothing_changes(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 6)
    bench, _ = interrupted(bench, source, 3)
    moved = source.rename(tmp_path / "elsewhere")
    with bench:
        with pytest.raises(SourceOfflineError):
            resume_session(bench.tools, "1")
        source.mkdir()  # the empty place where the card belongs
        with pytest.raises(SourceOfflineError):
            resume_session(bench.tools, "1")
        assert list_sessions(bench.tools)[0].session.status is SessionStatus.INTERRUPTED
        report = resume_session(bench.tools, "1", source=moved).report
        assert (report.statistics.new_imports, report.status) == (6, SessionStatus.COMPLETED)


def test_at_another_place_files_are_read_and_compared_but_not_copied_again(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 6)
    bench, record = interrupted(bench, source, 3)
    other = shutil.copytree(source, tmp_path / "other")
    times = (source / "IMG_0001.jpg").stat()
    data = bytearray((other / "IMG_0001.jpg").read_bytes())
    data[-20] ^= 1  # another picture of the same name, size and time
    (other / "IMG_0001.jpg").write_bytes(data)
    os.utime(other / "IMG_0001.jpg", ns=(times.st_atime_ns, times.st_mtime_ns))
    watch = Watch(other)
    with bench.restart(watch) as again, pytest.MonkeyPatch.context() as patch:
        patch.setattr("imalink.workflows.resumption.is_same_source", never)
        report = resume_session(again.tools, "1", source=other).report
        assert report.statistics.new_imports == 7
        assert watch.made == 3
        assert sha256_of(other / "IMG_0001.jpg") in photos_below(again.root(record)).values()


def test_a_storage_that_is_away_is_told(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 6)
    bench, record = interrupted(bench, source, 3)
    bench.root(record).rename(tmp_path / "unplugged")
    with bench, pytest.raises(StorageOfflineError):
        resume_session(bench.tools, "1")


def test_the_options_of_the_import_hold_for_its_resumption(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 8)
    (source / "private").mkdir()
    make_jpeg(source / "private/x.jpg", seed=90, size=SMALL)
    record = bench.create()
    request = ImportRequest(
        source=source,
        title="Italy",
        organization=PathTemplate.parse("{author}/{session}/{filename}"),
        exclude=("/private/",),
        author="Anna Berg",
        duplicates=DuplicatePolicy.KEEP_BOTH,
    )
    shutil.copy2(source / "IMG_0001.jpg", source / "IMG_0009.jpg")
    bench = die(bench, DiesAfter(3), lambda dying: import_photos(dying.tools, record, request))
    with bench:
        report = resume_session(bench.tools, "1").report
        assert (report.statistics.new_imports, report.duplicates_kept, report.excluded) == (9, 1, 1)
        assert set(photos_below(bench.root(record))) == {f"Anna Berg/1/IMG_000{number}.jpg" for number in range(1, 10)}


def test_importing_the_same_folder_into_the_session_goes_on_with_it_too(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 6)
    bench, record = interrupted(bench, source, 3)
    with bench:
        report = bench.import_(record, source, session="1")
        assert (report.statistics.total_scanned, report.status) == (6, SessionStatus.COMPLETED)
        assert list_sessions(bench.tools)[0].statistics == report.statistics


def test_another_folder_in_between_leaves_the_session_to_be_resumed(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 6)
    bench, record = interrupted(bench, source, 3)
    with bench:
        report = bench.import_(record, make_source(tmp_path / "two", 2, first_seed=30), session="1")
        assert report.status is SessionStatus.INTERRUPTED
        assert resume_session(bench.tools, "1").report.statistics.new_imports == 6
        [listed] = list_sessions(bench.tools)
        assert (listed.statistics.new_imports, listed.session.status) == (8, SessionStatus.COMPLETED)


def test_an_import_of_the_same_folder_by_itself_still_brings_the_rest(bench: Workbench, tmp_path: Path) -> None:
    source = make_source(tmp_path / "card", 60)
    record = bench.create()
    bench = die(bench, DiesAfter(10), lambda dying: dying.import_(record, source))
    with bench:
        report = bench.import_(record, source, title="Again")
        assert report.statistics.new_imports + report.statistics.duplicates_skipped == 60
        assert resume_session(bench.tools, "1").report.status is SessionStatus.COMPLETED
        assert sorted(photos_below(bench.root(record)).values()) == sorted(map(sha256_of, source.iterdir()))
        assert differences(bench) == ()


def resumed_in_place(bench: Workbench) -> ResumeReport:
    [listed] = list_sessions(bench.tools)
    assert listed.session.status is SessionStatus.INTERRUPTED
    assert resume_session(bench.tools, "1", dry_run=True).report.statistics.new_imports == 30
    with pytest.raises(UsageError):
        resume_session(bench.tools, "1", source=bench.disk)
    return resume_session(bench.tools, "1")


@pytest.mark.parametrize("at", [80, 100, 130])
def test_an_interrupted_adoption_is_resumed_where_its_pictures_stand(bench: Workbench, tmp_path: Path, at: int) -> None:
    pictures = make_source(tmp_path / "Pictures", 30)
    bench = die(bench, CrashingCalls(at), lambda dying: adopt_folder(dying.tools, folder=pictures, display_name="Mine"))
    with bench:
        report = resumed_in_place(bench).report
        assert (report.statistics.new_imports, report.session_id) == (30, 1)
        assert report.status is SessionStatus.COMPLETED
        assert len(show_session(bench.tools, "1").files) == 30


@pytest.mark.parametrize("at", [80, 100, 130])
def test_an_interrupted_reference_is_resumed_where_its_pictures_stand(
    bench: Workbench, tmp_path: Path, at: int
) -> None:
    pictures = make_source(tmp_path / "Pictures", 30)
    before = snapshot(pictures)
    request = ImportRequest(source=pictures, title="Lent")
    bench = die(bench, CrashingCalls(at), lambda dying: refer_to_folder(dying.tools, request))
    with bench:
        report = resumed_in_place(bench).report
        assert (report.statistics.new_imports, report.status) == (30, SessionStatus.COMPLETED)
        assert len(show_session(bench.tools, "1").files) == 30
    assert snapshot(pictures) == before
