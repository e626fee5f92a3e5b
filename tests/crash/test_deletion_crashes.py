"""Deleting, bringing back, emptying and rolling back, killed or failing at calls to the file system.

Afterwards each picture is at its place with its entry, or in the trash with its record; only what was confirmed to be
removed may be gone. The judge is independent of the product.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import pytest

from imalink.catalog.file_storages import StorageRecord
from imalink.core.index import DeletionMode
from imalink.core.session import SessionStatus
from imalink.errors import ImalinkError, NotFoundError, UsageError
from imalink.workflows.delete_photos import delete_photos
from imalink.workflows.empty_trash import empty_trash
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest
from imalink.workflows.restore_trash import restore_from_trash
from imalink.workflows.rollback_session import rollback_session
from imalink.workflows.undo_operation import undo_operation
from tests.crash import oracle, oracle_deletions
from tests.crash.long_form import points
from tests.crash.stage import Stage
from tests.crash.test_undo_crashes import crashes
from tests.support.faults import CrashingCalls, FailingCalls, LimitedCalls
from tests.support.photos import set_rating_in_place
from tests.support.workbench import Workbench, make_source

ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS)
A = "IMG_0001"


@dataclass(frozen=True)
class Action:
    """Something that moves or removes files; ``floor`` is how many calls it makes at least that change anything."""

    name: str
    run: Callable[[Workbench], object]
    begins_deleted: bool = False
    may_remove: bool = False
    floor: int = 20
    step: int = 2
    """Every so many calls are tried: fewer of what suites R1 and R2 try too."""


def the_record(bench: Workbench) -> StorageRecord:
    [record] = bench.records()
    return record


def target(bench: Workbench) -> str:
    """The hothash of the picture that everything is done to: known, or deleted."""
    index = bench.session(the_record(bench))
    everything = {**index.files, **index.deleted}
    return next(each for each, found in everything.items() if found.original_filename == f"{A}.jpg")


def delete(bench: Workbench, mode: DeletionMode) -> object:
    return delete_photos(bench.tools, [target(bench)], mode=mode)


def restore(bench: Workbench) -> object:
    return restore_from_trash(bench.tools, [target(bench)])


ACTIONS = [
    Action("delete to the trash", partial(delete, mode=DeletionMode.TRASH), floor=25, step=4),
    Action("delete softly", partial(delete, mode=DeletionMode.SOFT), floor=15),
    Action("delete for good", partial(delete, mode=DeletionMode.HARD), may_remove=True, floor=40, step=6),
    Action("restore", restore, begins_deleted=True, floor=25),
    Action("undo of a deletion", lambda bench: undo_operation(bench.tools), begins_deleted=True, floor=25, step=4),
    Action("empty", lambda bench: empty_trash(bench.tools), begins_deleted=True, may_remove=True, floor=20),
    Action("rollback", lambda bench: rollback_session(bench.tools, "1"), floor=30),
]


@pytest.fixture
def stage_of(stage: Stage) -> Callable[[Action], tuple[Stage, dict[str, oracle.Facts]]]:
    """Give a storage with three pictures, one with a sidecar and a copy, and all its files as they were brought."""

    def make(action: Action) -> tuple[Stage, dict[str, oracle.Facts]]:
        with stage.process() as bench:
            record = bench.create()
            card = make_source(stage.folder / "card", 3)
            (card / f"{A}.xmp").write_text("<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
            (card / "again").mkdir()
            shutil.copyfile(card / f"{A}.jpg", card / "again" / "other.jpg")
            set_rating_in_place(card / "again" / "other.jpg", 3)
            bench.import_(record, card)
            reindex(bench.tools, record, ReindexRequest())
            pictures = oracle.tree(bench.root(record) / "photos")
            if action.begins_deleted:
                delete(bench, DeletionMode.TRASH)
        shutil.rmtree(stage.folder / "card")
        stage.keep()
        return stage, pictures

    return make


def settle(bench: Workbench) -> None:
    """Open the storage again, as whoever works on it next does."""
    candidates, _ = find_candidates(bench.tools, [bench.root(the_record(bench))])
    recover(bench.tools, candidates)


def judge(bench: Workbench, pictures: dict[str, oracle.Facts], action: Action) -> None:
    """See that nothing is lost and everything is known, and that doing it again comes to the same end."""
    root = bench.root(the_record(bench))
    removable = {facts[2] for name, facts in pictures.items() if name.startswith((A, "again"))}
    may_be_gone = removable if action.may_remove else set[str]()
    assert oracle_deletions.check_deletions(root, pictures, may_be_gone) == []
    repeat(bench, action)
    assert oracle_deletions.check_deletions(root, pictures, may_be_gone) == []
    assert oracle_deletions.check_catalog_free(root) == []


def repeat(bench: Workbench, action: Action) -> None:
    with suppress(NotFoundError, UsageError):  # it is done already
        action.run(bench)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_killed_anywhere_every_picture_is_at_its_place_or_in_the_trash(
    stage_of: Callable[[Action], tuple[Stage, dict[str, oracle.Facts]]],
    action: Action,
    report_count: Callable[[str, int, int], None],
) -> None:
    stage, pictures = stage_of(action)
    tried = 0
    for at in points(action.step):
        with stage.attempt(CrashingCalls(at)) as bench:
            if not crashes(partial(action.run, bench)):
                break
        tried += 1
        with stage.process() as bench:
            settle(bench)
            judge(bench, pictures, action)
    report_count(f"kills: {action.name}", tried, action.floor // action.step)


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.name)
def test_failing_anywhere_every_picture_is_at_its_place_or_in_the_trash(
    stage_of: Callable[[Action], tuple[Stage, dict[str, oracle.Facts]]],
    action: Action,
    report_count: Callable[[str, int, int], None],
) -> None:
    stage, pictures = stage_of(action)
    tried = 0
    for at in points(action.step + 1):
        number = ERRORS[(at + ACTIONS.index(action)) % len(ERRORS)]
        calls = FailingCalls(at, number, is_forever=at % 2 == 0)
        with stage.attempt(calls) as bench:
            try:
                action.run(bench)
            except ImalinkError as error:
                assert error.message
            if calls.failed is None:
                break
        tried += 1
        with stage.process() as bench:
            settle(bench)
            judge(bench, pictures, action)
    report_count(f"failures: {action.name}", tried, action.floor // (action.step + 1))


@pytest.mark.parametrize("has_links", [True, False], ids=["links", "claims"])
@pytest.mark.parametrize("action", [ACTIONS[0], ACTIONS[3]], ids=lambda action: action.name)
def test_killed_on_a_disk_that_knows_no_rename_without_overwriting(
    stage_of: Callable[[Action], tuple[Stage, dict[str, oracle.Facts]]],
    action: Action,
    has_links: bool,
    report_count: Callable[[str, int, int], None],
) -> None:
    stage, pictures = stage_of(action)
    tried = 0
    for at in points(2 * action.step):
        with stage.attempt(CrashingCalls(at, inner=LimitedCalls(has_links=has_links))) as bench:
            if not crashes(partial(action.run, bench)):
                break
        tried += 1
        with stage.process(LimitedCalls(has_links=has_links)) as bench:
            settle(bench)
            judge(bench, pictures, action)
    report_count(f"kills without NOREPLACE: {action.name}", tried, action.floor // (2 * action.step))


def test_a_deletion_that_is_killed_anywhere_can_be_undone(
    stage_of: Callable[[Action], tuple[Stage, dict[str, oracle.Facts]]], report_count: Callable[[str, int, int], None]
) -> None:
    action = ACTIONS[0]
    stage, pictures = stage_of(action)
    tried, undone = 0, 0
    for at in points(action.step):
        with stage.attempt(CrashingCalls(at)) as bench:
            if not crashes(partial(action.run, bench)):
                break
        tried += 1
        with stage.process() as bench:
            settle(bench)
            if bench.session(the_record(bench)).deleted:
                undo_operation(bench.tools)
                undone += 1
            assert oracle.tree(bench.root(the_record(bench)) / "photos") == pictures
            assert bench.session(the_record(bench)).deleted == {}
    assert 0 < undone < tried
    report_count("kills in a deletion that is undone then", tried, action.floor // action.step)


def test_a_rollback_that_is_killed_anywhere_ends_rolled_back_when_done_again(
    stage_of: Callable[[Action], tuple[Stage, dict[str, oracle.Facts]]], report_count: Callable[[str, int, int], None]
) -> None:
    action = ACTIONS[-1]
    stage, _ = stage_of(action)
    tried = 0
    for at in points(action.step):
        with stage.attempt(CrashingCalls(at)) as bench:
            if not crashes(partial(action.run, bench)):
                break
        tried += 1
        with stage.process() as bench:
            repeat(bench, action)
            index = bench.session(the_record(bench))
            assert (index.session.status, index.files) == (SessionStatus.ROLLED_BACK, {})
            assert oracle.tree(bench.root(the_record(bench)) / "photos") == {}
    report_count("kills in a rollback that is done again", tried, action.floor // action.step)
