"""Kill edits of collections, saved searches and authors, and undos of them, at every call of the seam and every commit.

What was said holds whole or not at all, and with it the operation that it is; it is told to every storage by whoever
works on it next, and comes back with a recovery from any one of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from imalink.catalog import authors, collections, outbox, photos
from imalink.catalog.authors import AuthorRecord
from imalink.catalog.catalog import Catalog
from imalink.catalog.collections import Collection, SavedSearch
from imalink.workflows import edit_library
from imalink.workflows.look_at_operations import list_operations
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest
from imalink.workflows.undo_operation import undo_operation
from tests.crash.commit_kills import dies, kill_at_commits
from tests.crash.long_form import points
from tests.crash.stage import Stage
from tests.support.faults import CrashingCalls
from tests.support.scenes import hothash_of
from tests.support.workbench import Snapshot, Workbench, make_source, snapshot

ReportCount = Callable[[str, int, int], None]
Said = tuple[list[Collection], list[SavedSearch], list[AuthorRecord]]


class Scene:
    """Two storages that were told of a collection, a saved search and an author; then these are changed and undone."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        card = make_source(stage.folder / "card")
        with stage.process() as bench:
            one, two = bench.create("One"), bench.create("Two")
            bench.import_(one, card)
            with bench.catalog.read() as db:
                hothashes = [hothash_of(path) for path in sorted(card.iterdir())]
                self.photos = [photos.get_photo(db, each).photo.photo_uuid for each in hothashes]
            self.collection = edit_library.create_collection(bench.tools, "Best", photo_uuids=self.photos[:2]).key
            edit_library.save_search(bench.tools, "Nights", "tag:night")
            self.author = edit_library.create_author(bench.tools, "Anna").id
            self.roots = [bench.root(record) for record in (one, two)]
            self.states = [(said(bench.catalog), titles(bench))]
        stage.keep()
        with stage.attempt() as bench:
            for step in self.steps():
                step(bench)
                self.states.append((said(bench.catalog), titles(bench)))
        assert len({repr(state) for state in self.states}) == 5

    def steps(self) -> list[Callable[[Workbench], object]]:
        """Give the edits one by one."""
        return [
            lambda bench: edit_library.add_to_collection(
                bench.tools, self.collection, self.photos[2:], before=self.photos[0]
            ),
            lambda bench: edit_library.edit_author(bench.tools, self.author, name="Anna Berg", bio="Oslo"),
            lambda bench: edit_library.delete_collection(bench.tools, self.collection),
            lambda bench: undo(bench, "Collection deleted: Best"),
        ]

    def edit(self, bench: Workbench) -> None:
        for step in self.steps():
            step(bench)

    def pictures(self) -> list[Snapshot]:
        return [snapshot(root / "photos") for root in self.roots]

    def violations(self, pictures: list[Snapshot]) -> list[str]:
        """See what holds after the crash, let another process work on both storages, and see that it holds for ever."""
        with self.stage.process() as bench:
            held = said(bench.catalog)
            is_whole = (held, titles(bench)) in self.states
            found = [] if is_whole else ["half of an edit holds, or it is not the operation that is listed"]
            for record in bench.records():
                reindex(bench.tools, record, ReindexRequest())
            if said(bench.catalog) != held:
                found.append("what held after the crash holds no more")
            with bench.catalog.read() as db:
                if outbox.count_waiting(db):
                    found.append("edits still wait")
            for roots in (self.roots[:1], self.roots[1:]):
                candidates, _ = find_candidates(bench.tools, roots)
                with bench.tools.open_scratch_catalog() as scratch:
                    recover(replace(bench.tools, catalog=scratch), candidates)
                    if names_in(said(scratch)) != names_in(held):
                        found.append(f"{len(roots)} storages give back something else")
        if self.pictures() != pictures:
            found.append("a picture was touched")
        return found + ["a lock was left" for root in self.roots if (root / ".imalink-storage.lock").exists()]


def said(catalog: Catalog) -> Said:
    with catalog.read() as db:
        return collections.list_collections(db), collections.list_searches(db), authors.list_authors(db)


def undo(bench: Workbench, title: str) -> None:
    [found] = [each.record.operation for each in list_operations(bench.tools) if each.record.operation.title == title]
    undo_operation(bench.tools, found.operation_uuid)


def titles(bench: Workbench) -> list[tuple[str, str]]:
    return [(each.record.operation.title, each.record.state.value) for each in list_operations(bench.tools)]


def names_in(found: Said) -> list[str]:
    """Give it without what depends on which pictures are known, and on the numbers of this catalog."""
    made, searches, people = found
    return [
        repr([(each.key, each.title, each.description, each.photo_uuids) for each in made]),
        repr(searches),
        repr([(each.key, each.author, each.bio) for each in people]),
    ]


@pytest.mark.parametrize("is_torn", [False, True], ids=["whole", "torn"])
def test_edits_of_the_library_killed_at_any_call_hold_and_are_told_later(
    stage: Stage, is_torn: bool, report_count: ReportCount
) -> None:
    scene = Scene(stage)
    violations: list[str] = []
    tried = 0
    for at in points(41 if is_torn else 17):
        with stage.attempt(CrashingCalls(at, is_torn=is_torn)) as bench:
            pictures = scene.pictures()
            has_died = dies(lambda: scene.edit(bench))
        if not has_died:
            break
        tried += 1
        violations += [f"{at}: {each}" for each in scene.violations(pictures)]
    report_count("kills in edits of the library", tried, 8 if is_torn else 20)
    assert violations == []


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
def test_edits_of_the_library_killed_at_any_commit_hold_whole_or_not_at_all(
    stage: Stage, is_after: bool, report_count: ReportCount
) -> None:
    at, violations = kill_at_commits(stage, Scene(stage), is_after=is_after)
    report_count("kills at a commit of the library", at, 10)
    assert violations == []
