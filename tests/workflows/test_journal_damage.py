"""A damaged journal: what of it is lost is said exactly, and once its writer set it aside it is told no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from imalink.catalog import locations, photos
from imalink.core.edit_request import EditRequest
from imalink.core.finding import Finding
from imalink.core.journal import FileMissing
from imalink.core.user_facts import FactChange
from imalink.workflows.edit_photos import edit_photos
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.regenerate_indexes import regenerate_indexes
from imalink.workflows.verify import verify
from imalink.workflows.verify_report import VerifyRequest
from tests.support.faults import CrashingCalls, SimulatedCrash
from tests.support.folder_image import FolderImage
from tests.support.scenes import memory_folder
from tests.support.workbench import Workbench, make_source


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with memory_folder(tmp_path) as made:
        yield made


@pytest.fixture
def bench(folder: Path, empty_catalog: Path) -> Iterator[Workbench]:
    """A machine whose journal has four lines: the ratings of one picture, all folded."""
    with Workbench(folder, empty_catalog=empty_catalog) as made:
        made.import_(made.create(), make_source(folder / "card", 2))
        for rating in (1, 2, 3, 4):
            rate(made, rating)
        yield made


def rate(bench: Workbench, rating: int) -> None:
    [hothash, _] = sorted(bench.master(bench.records()[0]).files)
    edit_photos(bench.tools, [hothash], EditRequest(said=FactChange.of({"rating": rating})))


def rating(bench: Workbench) -> int | None:
    [hothash, _] = sorted(bench.master(bench.records()[0]).files)
    with bench.catalog.read() as db:
        uuid = locations.find_by_hothash(db, [hothash])[hothash].photo_uuid
        return photos.find_photos(db, [uuid])[uuid].facts.rating


def journal(bench: Workbench) -> Path:
    [path] = (bench.root(bench.records()[0]) / ".imalink/metadata/journal").glob("*/*.jsonl")
    return path


def spoil(path: Path, line: int) -> bytes:
    """Spoil one line of a journal, counted from 1; give what stands there then."""
    lines = path.read_bytes().splitlines(keepends=True)
    lines[line - 1] = lines[line - 1].replace(b"{", b"[", 1)
    path.write_bytes(b"".join(lines))
    return path.read_bytes()


def look(bench: Workbench) -> list[Finding]:
    findings = verify(bench.tools, bench.records()[0], VerifyRequest()).findings
    return [finding for finding in findings if finding.code == "journal-damaged"]


def test_of_lines_that_the_indexes_contain_it_is_said_that_nothing_is_lost(bench: Workbench) -> None:
    spoil(journal(bench), 3)
    [finding] = look(bench)
    assert (finding.facts["place"], finding.facts["lost"]) == ("line 3", 0)
    assert "nothing is lost" in str(finding.facts["why"])


def test_of_lines_that_no_index_contains_it_is_said_how_many_are_lost(bench: Workbench) -> None:
    record = bench.records()[0]
    [hothash, _] = sorted(bench.master(record).files)
    entry = bench.master(record).files[hothash]
    with bench.open(record) as storage, storage.lock("test"):
        gone = FileMissing(
            hothash=entry.hothash, session_uuid=entry.session_uuid, path=entry.relative_path, last_seen_at=""
        )
        storage.append_observations(bench.tools.writer, [gone])
    path = journal(bench)
    count_before = path.read_bytes().count(b"\n")
    spoil(path, count_before - 1)
    [finding] = look(bench)
    assert (finding.facts["lines"], finding.facts["lost"]) == (2, 1)
    assert "the indexes contain 1 of the unreadable lines" in str(finding.facts["why"])


def test_a_line_that_was_cut_off_while_it_was_written_is_no_loss(bench: Workbench) -> None:
    with journal(bench).open("ab") as file:
        file.write(b'0000000 {"half')
    [finding] = look(bench)
    assert finding.facts["lost"] == 0
    assert "before anybody was told" in str(finding.facts["why"])


@pytest.mark.parametrize("line", [1, 2, 4])
def test_regenerating_sets_it_aside_keeps_it_and_ends_the_finding(
    bench: Workbench, empty_catalog: Path, line: int
) -> None:
    record = bench.records()[0]
    path = journal(bench)
    spoilt = spoil(path, line)
    [finding] = [each for each in regenerate_indexes(bench.tools, record).findings if each.code == "journal-damaged"]
    assert (bench.root(record) / str(finding.facts["kept"])).read_bytes() == spoilt
    assert finding.facts["lost"] == 0
    assert verify(bench.tools, record, VerifyRequest()).findings == ()
    assert not [each for each in regenerate_indexes(bench.tools, record).findings if each.code == "journal-damaged"]

    assert rating(bench) == 4
    rate(bench, 5)
    with Workbench(bench.folder, empty_catalog=empty_catalog, name="new machine") as new:
        candidates, _ = find_candidates(new.tools, [bench.root(record)])
        recover(new.tools, candidates)
        assert rating(new) == 5
        assert verify(new.tools, new.records()[0], VerifyRequest()).findings == ()


def test_the_journal_of_another_machine_is_told_and_left_to_it(bench: Workbench, empty_catalog: Path) -> None:
    record = bench.records()[0]
    path = journal(bench)
    with Workbench(bench.folder, empty_catalog=empty_catalog, name="other") as other:
        candidates, _ = find_candidates(other.tools, [bench.root(record)])
        recover(other.tools, candidates)
        spoilt = spoil(path, 2)
        regenerate_indexes(other.tools, other.records()[0])
        assert path.read_bytes() == spoilt
        assert len(look(other)) == 1


def test_killed_before_any_call_it_is_set_aside_by_the_next_and_no_number_is_given_twice(bench: Workbench) -> None:
    record = bench.records()[0]
    root = bench.root(record)
    spoil(journal(bench), 2)
    before = FolderImage.take(bench.folder)
    points = 0
    for at in count(1, 3):
        before.put(bench.folder)
        calls = CrashingCalls(at, is_torn=at % 2 == 0)
        with bench.restart(calls) as dying, suppress(SimulatedCrash):
            regenerate_indexes(dying.tools, record)
        with dying.restart() as again:
            regenerate_indexes(again.tools, record)
            assert look(again) == [], f"killed before call {at}"
            assert rating(again) == 4
            rate(again, 5)
            with again.open(record) as storage:
                read = storage.journals.read_after({})
            numbers = [line.seq for line in read.lines]
            assert (len(numbers), read.findings) == (len(set(numbers)), ())
            kept = list((root / ".imalink/metadata/backup").glob("*jsonl.damaged-*"))
            assert kept
            bench = again.restart()
        if not calls.has_crashed:
            break
        points += 1
    assert points > 8
