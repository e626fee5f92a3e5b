"""Several imports into one session, in one storage or more; and imports that bring nothing."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from imalink.core.organization import SESSION
from imalink.core.session import SessionStatus
from imalink.errors import NotFoundError, OutOfSpaceError, UsageError
from imalink.workflows.create_session import create_session
from imalink.workflows.look_at_sessions import list_sessions, show_session
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from tests.support.faults import CrashingCalls, FailingCalls, SimulatedCrash
from tests.support.workbench import Workbench, make_source, photos_below, snapshot


def differences(bench: Workbench) -> tuple[str, ...]:
    """Give in what the catalog differs from what the storages would give."""
    candidates, _ = find_candidates(bench.tools, [bench.root(record) for record in bench.records()])
    return recover(bench.tools, candidates, is_check=True).differences


# --- one session ------------------------------------------------------------------------------------------------------


def test_two_cards_come_into_one_session_and_their_counts_add_up(bench: Workbench, tmp_path: Path) -> None:
    record = bench.create()
    first = bench.import_(record, make_source(tmp_path / "one", 3), title="Italy")
    (tmp_path / "two").mkdir()
    (tmp_path / "two/notes.txt").write_text("x")
    second = bench.import_(record, make_source(tmp_path / "two", 2, first_seed=3), session="1")
    assert (second.session_id, second.session_uuid) == (first.session_id, first.session_uuid)
    assert (second.statistics.new_imports, second.statistics.duplicates_skipped) == (1, 1)
    view = show_session(bench.tools, "1")
    assert (len(view.files), view.record.session.title) == (4, "Italy")
    counts = view.record.statistics
    assert (counts.total_scanned, counts.new_imports, counts.duplicates_skipped, counts.ignored) == (6, 4, 1, 1)
    assert bench.session(record).statistics == counts
    assert [run.source_path for run in view.runs] == [str(tmp_path / "one"), str(tmp_path / "two")]
    assert [run.statistics.new_imports for run in view.runs] == [3, 1]
    assert view.record.session.source_path == str(tmp_path / "one")
    assert differences(bench) == ()


def test_a_session_made_beforehand_gets_its_pictures_later(bench: Workbench, tmp_path: Path) -> None:
    record = bench.create()
    made = create_session(
        bench.tools, title="Rome", description="with the children", storage="Blue Samsung", author="Eva"
    )
    assert (made.session.status, made.file_count, made.session.number) == (SessionStatus.CREATED, 0, 1)
    other = bench.import_(record, make_source(tmp_path / "other", 1, first_seed=50))
    assert other.session_id == 2
    report = bench.import_(record, make_source(tmp_path / "card", 2), session="1", organization=SESSION)
    assert (report.session_id, report.status) == (1, SessionStatus.COMPLETED)
    head = bench.session(record, 1).session
    assert (head.title, head.description, head.session_uuid) == ("Rome", "with the children", made.session.session_uuid)
    assert head.default_author is not None
    assert head.default_author.name == "Eva"
    assert sorted(photos_below(bench.root(record)))[:2] == ["IMG_0050.jpg", "Import-1/IMG_0001.jpg"]
    assert differences(bench) == ()


def test_a_session_in_two_storages_lists_in_each_only_what_is_there(bench: Workbench, tmp_path: Path) -> None:
    first, second = bench.create(), bench.create("Second disk")
    bench.import_(first, make_source(tmp_path / "one", 2))
    bench.import_(second, make_source(tmp_path / "two", 3, first_seed=10), session="1")
    assert [len(bench.session(record).files) for record in (first, second)] == [2, 3]
    assert bench.session(first).session.session_uuid == bench.session(second).session.session_uuid
    view = show_session(bench.tools, "1")
    assert {run.storage_uuid for run in view.runs} == {first.storage_uuid, second.storage_uuid}
    assert (len(view.files), view.record.statistics.new_imports) == (5, 5)
    assert differences(bench) == ()


def test_a_session_gets_the_next_free_number_where_its_own_is_taken(
    bench: Workbench, tmp_path: Path, empty_catalog: Path
) -> None:
    first = bench.create()
    bench.import_(first, make_source(tmp_path / "one", 1))
    with Workbench(tmp_path, empty_catalog=empty_catalog, name="other") as other:
        theirs = other.create("Their disk")
        other.import_(theirs, make_source(tmp_path / "theirs", 1, first_seed=70), title="Theirs")
    candidates, _ = find_candidates(bench.tools, [bench.root(theirs)])
    recover(bench.tools, candidates)
    theirs = bench.record(theirs.storage_uuid)
    bench.import_(theirs, make_source(tmp_path / "two", 1, first_seed=10), session="1")
    titles = {number: bench.session(theirs, number).session.title for number in (1, 3)}
    assert titles == {1: "Theirs", 3: "Italy"}
    assert len(show_session(bench.tools, "1").files) == 2
    again = bench.import_(theirs, make_source(tmp_path / "three", 1, first_seed=20), session="1")
    assert again.session_id == 1
    assert len(bench.session(theirs, 3).files) == 2


def test_findings_of_an_earlier_import_still_mark_the_session(bench: Workbench, tmp_path: Path) -> None:
    record, card = bench.create(), make_source(tmp_path / "one", 1)
    (card / "notes.txt").write_text("x")
    assert bench.import_(record, card).status is SessionStatus.COMPLETED_WITH_FINDINGS
    report = bench.import_(record, make_source(tmp_path / "two", 1, first_seed=9), session="1")
    assert report.status is SessionStatus.COMPLETED_WITH_FINDINGS


def test_an_unknown_session_is_refused_before_anything_is_read(bench: Workbench, tmp_path: Path) -> None:
    record, card = bench.create(), make_source(tmp_path / "one", 1)
    before = snapshot(bench.root(record))
    with pytest.raises(NotFoundError):
        bench.import_(record, card, session="7")
    with pytest.raises(UsageError):
        bench.import_(record, card, session="seven")
    assert snapshot(bench.root(record)) == before


# --- interrupted ------------------------------------------------------------------------------------------------------


def test_an_interrupted_import_into_a_session_is_finished_and_goes_on(bench: Workbench, tmp_path: Path) -> None:
    record = bench.create()
    bench.import_(record, make_source(tmp_path / "one", 2))
    card = make_source(tmp_path / "two", 5, first_seed=10)
    for at in range(5, 90, 6):
        with bench.restart(CrashingCalls(at)) as dying, suppress(SimulatedCrash):
            dying.import_(record, card, session="1")
    bench.restart().close()
    with bench.restart() as again:
        report = again.import_(record, card, session="1")
        assert report.statistics.errors == 0
        assert [each.session.number for each in list_sessions(again.tools)] == [1]
        view = show_session(again.tools, "1")
        assert (len(view.files), view.record.statistics.new_imports) == (7, 7)
        assert again.session(record).statistics == view.record.statistics
        assert differences(again) == ()


def test_a_session_made_beforehand_outlives_an_import_that_was_killed_at_once(bench: Workbench, tmp_path: Path) -> None:
    record, card = bench.create(), make_source(tmp_path / "card", 1)
    create_session(bench.tools, title="Rome", storage="Blue Samsung")
    with bench.restart(FailingCalls(1, 28, among=frozenset({"set_times"}))) as failing, pytest.raises(OutOfSpaceError):
        failing.import_(record, card, session="1")
    (tmp_path / "nothing").mkdir()
    with bench.restart() as again:
        again.import_(record, tmp_path / "nothing")
        [known] = list_sessions(again.tools)
        assert (known.session.title, known.session.status) == ("Rome", SessionStatus.INTERRUPTED)
        report = again.import_(record, card, session="1")
        assert (report.session_id, report.statistics.new_imports) == (1, 1)


# --- nothing ----------------------------------------------------------------------------------------------------------


def test_an_import_that_brings_nothing_leaves_no_trace(bench: Workbench, tmp_path: Path) -> None:
    record, card = bench.create(), make_source(tmp_path / "card", 2)
    bench.import_(record, card)
    before = snapshot(bench.root(record))
    report = bench.import_(record, card, title="Again")
    assert (report.session_id, report.session_uuid, report.statistics.duplicates_skipped) == (None, None, 2)
    assert snapshot(bench.root(record)) == before
    assert [each.session.title for each in list_sessions(bench.tools)] == ["Italy"]
    assert bench.import_(record, make_source(tmp_path / "new", 1, first_seed=9)).session_id == 2
    assert differences(bench) == ()


def test_an_import_that_brings_nothing_leaves_its_session_as_it_was(bench: Workbench, tmp_path: Path) -> None:
    record, card = bench.create(), make_source(tmp_path / "card", 2)
    bench.import_(record, card)
    before = show_session(bench.tools, "1")
    report = bench.import_(record, card, session="1")
    assert (report.session_id, report.statistics.duplicates_skipped) == (1, 2)
    assert show_session(bench.tools, "1") == before


def test_an_import_killed_before_it_brought_anything_leaves_its_session(bench: Workbench, tmp_path: Path) -> None:
    record, card = bench.create(), make_source(tmp_path / "card", 2)
    with bench.restart(FailingCalls(1, 28, among=frozenset({"set_times"}))) as failing, pytest.raises(OutOfSpaceError):
        failing.import_(record, card, title="Lost")
    with bench.restart() as again:
        report = again.import_(record, card, title="Found")
        assert [(each.session.title, each.session.status.value) for each in list_sessions(again.tools)] == [
            ("Found", "completed-with-findings"),
            ("Lost", "interrupted"),
        ]
        assert [finding.code for finding in report.findings] == ["run-interrupted"]
        assert differences(again) == ()


def test_what_is_excluded_is_counted_apart(bench: Workbench, tmp_path: Path) -> None:
    record, card = bench.create(), make_source(tmp_path / "card", 2)
    (card / ".imalinkignore").write_text("*_0001*\nraw/\n")
    make_source(card / "raw", 3, first_seed=9)
    report = bench.import_(record, card)
    assert (report.statistics.total_scanned, report.statistics.new_imports, report.excluded) == (1, 1, 2)
