"""A storage on a disk without links, permissions, safe renames and folder flushes, in one case and in whole seconds."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from imalink.core.duplicate import DuplicatePolicy
from imalink.core.ids import PhotoUuid, SessionUuid
from imalink.core.index import FileEntry
from imalink.core.organization import DATE
from imalink.workflows.import_report import ImportReport
from tests.crash import oracle
from tests.support.faults import CrashingCalls, SimulatedCrash
from tests.support.photos import make_jpeg
from tests.support.poor_media import SECOND_NS, PoorMediaCalls
from tests.support.scenes import Scene, counts, memory_folder, moves
from tests.support.workbench import SMALL, snapshot

ReportCount = Callable[[str, int, int], None]

PICTURES = ("a/x.jpg", "b/X.JPG", "c/x.jpg", "Été.jpg", "y.jpg")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with memory_folder(tmp_path) as found:
        yield found


def make_card(folder: Path, *, nanoseconds: int = 123_456_789) -> Path:
    """Give a card with names that only case tells apart, clashes, a duplicate and a sidecar."""
    for seed, name in enumerate(PICTURES, start=1):
        make_jpeg(folder / name, seed=seed, size=SMALL, taken="2024:07:10 14:30:00")
    (folder / "a/x.xmp").write_text("<x/>")
    shutil.copy2(folder / "y.jpg", folder / "z.jpg")
    for number, path in enumerate(sorted(folder.rglob("*.*"))):
        os.utime(path, ns=(1, (1_720_000_000 + number) * SECOND_NS + nanoseconds))
    return folder


def entries(scene: Scene) -> dict[tuple[int, str], FileEntry]:
    """Give every entry by session and hothash, without what differs from one run to the next, in whole seconds."""
    with scene.bench.open(scene.record) as storage:
        indexes = [storage.indexes.load_session(number).index for number in storage.indexes.list_sessions()]
    return {
        (index.session.number, entry.hothash): replace(
            entry,
            photo_uuid=PhotoUuid(""),
            imported_at="",
            modified_ns=entry.modified_ns // SECOND_NS,
            companions=tuple(replace(each, modified_ns=each.modified_ns // SECOND_NS) for each in entry.companions),
            copies=tuple(
                replace(each, session_uuid=SessionUuid(""), imported_at="", modified_ns=each.modified_ns // SECOND_NS)
                for each in entry.copies
            ),
        )
        for index in indexes
        for entry in index.files.values()
    }


def import_card(scene: Scene, duplicates: DuplicatePolicy = DuplicatePolicy.SKIP) -> ImportReport:
    card = scene.folder / "card"
    return scene.bench.import_(scene.record, card, organization=DATE, duplicates=duplicates)


@pytest.mark.parametrize("duplicates", [DuplicatePolicy.SKIP, DuplicatePolicy.KEEP_BOTH], ids=str)
def test_an_import_to_a_poor_disk_ends_with_the_entries_of_one_to_a_good_disk(
    folder: Path, empty_catalog: Path, duplicates: DuplicatePolicy
) -> None:
    found: list[dict[tuple[int, str], FileEntry]] = []
    poor = PoorMediaCalls()
    for name, calls in (("good", None), ("poor", poor)):
        card = make_card(folder / name / "card")
        with Scene(folder / name, empty_catalog, calls) as scene:
            sources = oracle.tree(card)
            import_card(scene, duplicates)
            found.append(entries(scene))
            scene.settle()  # which looks again, and sees that no body is read
            if name == "poor":
                kept = {
                    path: (facts[0], facts[1] // SECOND_NS * SECOND_NS, facts[2]) for path, facts in sources.items()
                }
                if duplicates is DuplicatePolicy.SKIP:
                    assert oracle.check_settled(oracle.Place(scene.root), oracle.Before(kept), is_complete=True) == []
            assert oracle.tree(card) == sources
    assert found[1] == found[0]
    assert len(found[0]) == len(PICTURES)
    assert poor.refused >= {"rename_noreplace", "link", "set_mode", "fsync of a folder"}


def test_a_replaced_duplicate_on_a_poor_disk_ends_as_on_a_good_disk(folder: Path, empty_catalog: Path) -> None:
    found: list[tuple[object, ...]] = []
    poor = PoorMediaCalls()
    for name, calls in (("good", None), ("poor", poor)):
        card = make_card(folder / name / "card", nanoseconds=0)
        with Scene(folder / name, empty_catalog, calls) as scene:
            import_card(scene)
            (card / "y.jpg").write_bytes((card / "y.jpg").read_bytes() + b"edited elsewhere")
            os.utime(card / "y.jpg", ns=(1, 1_720_000_500 * SECOND_NS))
            import_card(scene, DuplicatePolicy.REPLACE)
            found.append((entries(scene), sorted(oracle.tree(scene.photos).items())))
            scene.settle()
    assert found[1] == found[0]
    assert "rename_exchange" in poor.refused


def test_a_folder_adopted_on_a_poor_disk_ends_with_the_entries_of_one_on_a_good_disk(
    folder: Path, empty_catalog: Path
) -> None:
    found: list[dict[tuple[int, str], FileEntry]] = []
    for name, calls in (("good", None), ("poor", PoorMediaCalls())):
        own = make_card(folder / name / "own", nanoseconds=0)
        before = snapshot(own)
        with Scene(folder / name, empty_catalog, calls, adopts=own) as scene:
            found.append(entries(scene))
            scene.settle()
            assert scene.user_files() == before
    assert found[1] == found[0]
    assert len(found[0]) == len(PICTURES)


def test_a_reindex_on_a_poor_disk_finds_what_one_on_a_good_disk_finds(folder: Path, empty_catalog: Path) -> None:
    found: list[tuple[object, ...]] = []
    for name, calls in (("good", None), ("poor", PoorMediaCalls())):
        make_card(folder / name / "card")
        with Scene(folder / name, empty_catalog, calls) as scene:
            import_card(scene)
            scene.look()
            scene.move("2024/07/x.jpg", "2024/07/Of the Sea.jpg")
            scene.move("2024/07/y.jpg", "2024/07/Y.jpg")  # the case alone
            (scene.photos / "2024/07/Été.jpg").unlink()
            new = scene.add("new.jpg", seed=9)
            os.utime(new, ns=(1, 1_720_000_600 * SECOND_NS))
            report = scene.look(adds_orphans=True)
            found.append((counts(report), moves(report), entries(scene)))
            scene.settle()
    assert found[1] == found[0]
    assert found[0][0] == {"moved": 2, "missing": 1, "newly_missing": 1, "new": 1}


def test_a_kill_of_an_import_to_a_poor_disk_loses_and_doubles_nothing(
    folder: Path, empty_catalog: Path, report_count: ReportCount
) -> None:
    violations: list[str] = []
    kills = 0
    for kills in count():
        at = 5 + 17 * kills
        home = folder / str(kills)
        sources = oracle.tree(make_card(home / "card", nanoseconds=0))
        with Scene(home, empty_catalog, PoorMediaCalls()) as scene:
            root = scene.root
        with Scene(home, empty_catalog, CrashingCalls(at, inner=PoorMediaCalls())) as scene:
            try:
                import_card(scene)
            except SimulatedCrash:
                pass
            else:
                break
        # An empty claim may stand under a final name: the one exception to promise P2.
        at_crash = [
            each
            for each in oracle.check_at_crash(oracle.Place(root), oracle.Before(sources))
            if "(0 bytes)" not in each
        ]
        with Scene(home, empty_catalog, PoorMediaCalls()) as scene:
            import_card(scene)
            scene.settle()
        violations += [
            f"{at}: {each}"
            for each in (*at_crash, *oracle.check_settled(oracle.Place(root), oracle.Before(sources), is_complete=True))
        ]
        shutil.rmtree(home)
    report_count("kills in an import to a poor disk", kills, 10)
    assert violations == []
