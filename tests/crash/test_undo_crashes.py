"""Recording and undoing killed at calls to the file system: afterwards it is done, or as if never begun.

Suite R1 kills them too; here it is seen that everything can be taken back afterwards.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import pytest

from imalink.catalog.file_storages import StorageRecord
from imalink.core.index import Sources
from imalink.workflows.look_at_operations import list_operations
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest
from imalink.workflows.undo_operation import undo_operation
from tests.crash.long_form import points
from tests.crash.stage import Stage
from tests.support.faults import CrashingCalls, SimulatedCrash
from tests.support.photos import make_jpeg, set_rating_in_place
from tests.support.workbench import SMALL, Workbench, make_source, snapshot

LOOK = ReindexRequest(accepts_losses=True, adds_orphans=True)


@dataclass(frozen=True)
class Said:
    """What indexes and catalog say, without times of writing."""

    sessions: list[object]
    catalog: list[str]


def said(bench: Workbench, record: StorageRecord) -> Said:
    with bench.open(record) as storage:
        indexes = [storage.indexes.load_session(number).index for number in storage.indexes.list_sessions()]
    filled = [index for index in indexes if index.files]
    uuids = [index.session.session_uuid for index in indexes if not index.files]
    return Said(
        sessions=[replace(index, generated_at="", generation=0, sources=Sources()) for index in filled],
        catalog=[_timeless(line) for line in bench.dump() if not any(uuid in line for uuid in uuids)],
    )


def _timeless(line: str) -> str:
    facts = json.loads(line)
    return json.dumps({name: value for name, value in facts.items() if name != "imported_at"}, sort_keys=True)


@pytest.fixture
def messy(stage: Stage) -> Stage:
    """A storage that was looked at, and in which since then every kind of thing happened."""
    with stage.process() as bench:
        record = bench.create()
        bench.import_(record, make_source(stage.folder / "card", 6))
        reindex(bench.tools, record, ReindexRequest())
        photos = bench.root(record) / "photos"
        (photos / "Rome").mkdir()
        (photos / "IMG_0001.jpg").rename(photos / "Rome/x.jpg")
        make_jpeg(photos / "IMG_0002.jpg", seed=90, size=SMALL)
        set_rating_in_place(photos / "IMG_0003.jpg", 4)
        shutil.copyfile(photos / "IMG_0004.jpg", photos / "copy.jpg")
        (photos / "IMG_0005.jpg").unlink()
        make_jpeg(photos / "own.jpg", seed=91, size=SMALL)
    shutil.rmtree(stage.folder / "card")
    stage.keep()
    return stage


def the_record(bench: Workbench) -> StorageRecord:
    [record] = bench.records()
    return record


def undo_everything(bench: Workbench, before: Said) -> int:
    """Undo what was done since, the last first, until all is as it was; tell how many steps that took."""
    for step in range(4):
        if said(bench, the_record(bench)) == before:
            return step
        undo_operation(bench.tools)
    raise AssertionError("what was before does not come back")


def crashes(work: Callable[[], object]) -> bool:
    """Tell whether the work was killed."""
    try:
        work()
    except SimulatedCrash:
        return True
    return False


def test_a_look_that_is_killed_anywhere_can_be_undone(
    messy: Stage, report_count: Callable[[str, int, int], None]
) -> None:
    with messy.attempt() as bench:
        before, files = said(bench, the_record(bench)), snapshot(bench.root(the_record(bench)) / "photos")
    steps = set[int]()
    tried = 0
    for at in points(4):
        with messy.attempt(CrashingCalls(at)) as bench:
            if not crashes(partial(reindex, bench.tools, the_record(bench), LOOK)):
                break
        tried += 1
        with messy.process() as bench:
            reindex(bench.tools, the_record(bench), LOOK)
            steps.add(undo_everything(bench, before))
            assert snapshot(bench.root(the_record(bench)) / "photos") == files
    assert steps <= {1, 2}
    report_count("kills in a re-index that is undone then", tried, 15)


def test_an_undo_that_is_killed_anywhere_is_done_or_can_be_done(
    messy: Stage, report_count: Callable[[str, int, int], None]
) -> None:
    with messy.process() as bench:
        before = said(bench, the_record(bench))
        reindex(bench.tools, the_record(bench), LOOK)
        after = said(bench, the_record(bench))
    messy.keep()
    found = set[bool]()
    tried = 0
    for at in points(4):
        with messy.attempt(CrashingCalls(at)) as bench:
            if not crashes(partial(undo_operation, bench.tools)):
                break
        tried += 1
        with messy.process() as bench:
            candidates, _ = find_candidates(bench.tools, [bench.root(the_record(bench))])
            recover(bench.tools, candidates)  # finishes what was begun
            now = said(bench, the_record(bench))
            assert now in (before, after)
            found.add(now == before)
            if now == after:
                undo_operation(bench.tools)
            assert said(bench, the_record(bench)) == before
            undos = [each for each in list_operations(bench.tools) if each.record.operation.kind == "undo"]
            assert [each.record.state.value for each in undos] == ["done"]
    assert found == {True, False}
    report_count("kills in an undo", tried, 6)
