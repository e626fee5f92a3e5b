"""Kill an edit before mutating calls of the seam, and before and after every commit of the catalog.

That storages outlive any kill is suite R1's; here the edit itself is followed, through the catalog and each storage.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from imalink.catalog import outbox
from imalink.catalog.catalog import Catalog
from imalink.catalog.photos import get_photo
from imalink.core.edit_request import EditRequest
from imalink.core.photo_facts import PhotoFacts
from imalink.core.user_facts import FactChange
from imalink.workflows.edit_photos import edit_photos
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest
from tests.crash.commit_kills import dies, kill_at_commits
from tests.crash.long_form import IS_LONG, points
from tests.crash.stage import Stage
from tests.support.faults import CrashingCalls
from tests.support.scenes import hothash_of
from tests.support.workbench import Snapshot, Workbench, make_source, snapshot

ReportCount = Callable[[str, int, int], None]

REQUEST = EditRequest(said=FactChange.of({"title": "Rome", "rating": 4, "custom.client": "X"}), added_tags=("rome",))


class Scene:
    """Two storages that hold the same three photos, one of them in two; and a first edit that was told everywhere."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        card = make_source(stage.folder / "card")
        self.hothashes = [hothash_of(path) for path in sorted(card.iterdir())]
        with stage.process() as bench:
            one, two = bench.create("One"), bench.create("Two")
            bench.import_(one, card)
            make_source(bench.root(two) / "photos", 2)
            reindex(bench.tools, two, ReindexRequest(adds_orphans=True))
            edit_photos(bench.tools, self.hothashes[:1], EditRequest(said=FactChange.of({"title": "Old"})))
            self.roots = [bench.root(record) for record in (one, two)]
            self.before = self.facts(bench.catalog)
        stage.keep()
        with stage.attempt() as bench:
            self.edit(bench)
            self.after = self.facts(bench.catalog)
            assert self.after != self.before

    def edit(self, bench: Workbench) -> None:
        edit_photos(bench.tools, self.hothashes, REQUEST)

    def facts(self, catalog: Catalog) -> list[PhotoFacts]:
        with catalog.read() as db:
            return [get_photo(db, hothash).facts for hothash in self.hothashes]

    def pictures(self) -> list[Snapshot]:
        return [snapshot(root / "photos") for root in self.roots]

    def violations(self, pictures: list[Snapshot]) -> list[str]:
        """See what holds after the crash, let another process work on both storages, and see that it holds for ever."""
        with self.stage.process() as bench:
            held = self.facts(bench.catalog)
            found = [] if held in (self.before, self.after) else ["half of the edit holds"]
            for record in bench.records():
                reindex(bench.tools, record, ReindexRequest())
            if self.facts(bench.catalog) != held:
                found.append("what held after the crash holds no more")
            with bench.catalog.read() as db:
                if outbox.count_waiting(db):
                    found.append("edits still wait")
            for roots in (self.roots, self.roots[:1]):
                candidates, _ = find_candidates(bench.tools, roots)
                with bench.tools.open_scratch_catalog() as scratch:
                    recover(replace(bench.tools, catalog=scratch), candidates)
                    if self.facts(scratch) != held:
                        found.append(f"{len(roots)} storages give back something else")
        if self.pictures() != pictures:
            found.append("a picture was touched")
        return found + ["a lock was left" for root in self.roots if (root / ".imalink-storage.lock").exists()]


@pytest.mark.parametrize("is_torn", [False, True], ids=["whole", "torn"])
def test_an_edit_killed_at_any_call_is_told_later_and_only_once(
    stage: Stage, is_torn: bool, report_count: ReportCount
) -> None:
    scene = Scene(stage)
    violations: list[str] = []
    tried = 0
    for at in points(12 if is_torn else 4):
        with stage.attempt(CrashingCalls(at, is_torn=is_torn)) as bench:
            pictures = scene.pictures()
            has_died = dies(lambda: scene.edit(bench))
        if not has_died:
            break
        tried += 1
        with stage.process() as bench:
            if scene.facts(bench.catalog) != scene.after:
                violations.append(f"{at}: what was said before the kill does not hold")
        violations += [f"{at}: {each}" for each in scene.violations(pictures)]
    report_count("kills in an edit", tried, 5 if is_torn else 15)
    assert violations == []


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
def test_an_edit_killed_at_any_commit_of_the_catalog_holds_whole_or_not_at_all(
    stage: Stage, is_after: bool, report_count: ReportCount
) -> None:
    at, violations = kill_at_commits(stage, Scene(stage), is_after=is_after)
    report_count("kills at a commit", at, 5)
    assert violations == []


def test_a_second_kill_while_the_rest_is_told_loses_nothing(stage: Stage, report_count: ReportCount) -> None:
    scene = Scene(stage)
    violations: list[str] = []
    tried = 0
    for first in range(3, 60, 9 if IS_LONG else 27):
        for second in range(2, 90, 11 if IS_LONG else 22):
            with stage.attempt(CrashingCalls(first)) as bench:
                pictures = scene.pictures()
                dies(lambda: scene.edit(bench))
            with stage.process(CrashingCalls(second)) as bench:
                dies(lambda: edit_photos(bench.tools, scene.hothashes, REQUEST))
            tried += 1
            violations += [f"{first}, {second}: {each}" for each in scene.violations(pictures)]
    report_count("second kills", tried, 50 if IS_LONG else 10)
    assert violations == []
