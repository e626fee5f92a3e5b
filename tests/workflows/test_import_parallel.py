"""An import by several threads gives what an import by one gives: the same files, entries, findings and catalog."""

from __future__ import annotations

import random
import shutil
import time
import uuid
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from imalink.core.analyser import Analysis
from imalink.core.organization import DATE, FLAT, KEEP
from imalink.core.path_template import PathTemplate
from imalink.core.picture import Fingerprint
from imalink.errors import OutOfSpaceError
from imalink.media.analyser import PictureAnalyser
from imalink.storage.staging import list_commits, load_commit
from imalink.workflows.adopt_folder import adopt_folder
from imalink.workflows.import_report import ImportReport
from tests.support.faults import CountingCalls, FailingCalls, InterposedCalls
from tests.support.photos import make_jpeg, set_rating_in_place
from tests.support.workbench import SMALL, Workbench, photos_below, snapshot


class UnevenAnalyser(PictureAnalyser):
    """Takes now longer, now shorter, so that threads overtake each other."""

    def fingerprint(self, descriptor: int) -> Fingerprint:
        found = super().fingerprint(descriptor)
        time.sleep(random.Random(found.sha256).random() / 100)
        return found

    def analyse(self, descriptor: int, *, filename: str) -> Analysis:
        found = super().analyse(descriptor, filename=filename)
        time.sleep(random.Random(filename).random() / 50)
        return found


def card_of_everything(folder: Path) -> Path:
    """Give a source in which the order matters: twins, clashes, shots of several files, shared sidecars, damage."""
    for number in range(1, 25):
        taken = f"2024:07:{number % 5 + 1:02} 12:{number:02}:00"
        make_jpeg(folder / f"a/IMG_{number:04}.jpg", seed=number, size=SMALL, taken=taken)
    for number in range(1, 25, 3):  # the same bytes again, elsewhere and under another name
        shutil.copy2(folder / f"a/IMG_{number:04}.jpg", folder / f"a/Z_{number}.jpg")
    for number in range(30, 42):  # other pictures under the same names
        make_jpeg(folder / f"b/IMG_{number - 29:04}.jpg", seed=number, size=SMALL, taken="2024:07:02 09:00:00")
    for number in range(1, 6):  # the same picture with another rating: further versions of one photo
        again = folder / f"c/again_{number}.jpg"
        again.parent.mkdir(exist_ok=True)
        shutil.copy2(folder / f"b/IMG_{number:04}.jpg", again)
        set_rating_in_place(again, number)
    for number in range(1, 9):
        (folder / f"a/IMG_{number:04}.xmp").write_text(f"<x>{number}</x>")
    (folder / "a/broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture at all")
    (folder / "a/empty.jpg").write_bytes(b"")
    (folder / "a/notes.txt").write_text("no picture")
    return folder


def machine(folder: Path, catalog: Path, *, threads: int, calls: InterposedCalls | None = None) -> Workbench:
    bench = Workbench(folder, empty_catalog=catalog, calls=calls)
    numbers = count(1)
    bench.tools = replace(
        bench.tools,
        threads=threads,
        analyser=UnevenAnalyser(),
        new_uuid=lambda: str(uuid.UUID(int=next(numbers), version=4)),
    )
    return bench


def told(report: ImportReport) -> ImportReport:
    return replace(report, seconds=0)


def import_twice(
    folder: Path, catalog: Path, card: Path, more: Path, organization: PathTemplate, *, threads: int
) -> list[object]:
    """Import a card, then the card again with new pictures on it; give everything that came of it."""
    with machine(folder, catalog, threads=threads) as bench:
        record = bench.create()
        rehearsed = told(bench.import_(record, card, organization=organization, dry_run=True))
        first = told(bench.import_(record, card, organization=organization))
        second = told(bench.import_(record, more, organization=organization))
        with bench.open(record) as storage:
            commits = [load_commit(storage.files, run) for run in list_commits(storage.files)]
        return [
            rehearsed,
            first,
            second,
            commits,
            bench.session(record, 1).files,
            bench.session(record, 2).files,
            photos_below(bench.root(record)),
            bench.dump(),
        ]


@pytest.mark.parametrize("organization", [KEEP, DATE, FLAT], ids=["keep", "date", "flat"])
def test_many_threads_give_what_one_gives(tmp_path: Path, empty_catalog: Path, organization: PathTemplate) -> None:
    card = card_of_everything(tmp_path / "card")
    more = tmp_path / "more"
    shutil.copytree(card / "b", more / "b")
    make_jpeg(more / "b/IMG_0003.jpg", seed=99, size=SMALL)
    before = snapshot(card)
    found: list[list[object]] = []
    for threads in (1, 4):
        folder = tmp_path / f"{threads} threads"
        found.append(import_twice(folder, empty_catalog, card, more, organization, threads=threads))
    for one, many in zip(*found, strict=True):
        assert one == many
    assert snapshot(card) == before


def test_threads_leave_no_copies_of_what_was_not_taken_in(tmp_path: Path, empty_catalog: Path) -> None:
    card = card_of_everything(tmp_path / "card")
    calls = CountingCalls()
    with machine(tmp_path / "machine", empty_catalog, threads=4, calls=calls) as bench:
        record = bench.create()
        report = bench.import_(record, card)
        staging = bench.root(record) / ".imalink" / "staging"
        assert list(staging.rglob("*")) == []
        assert report.statistics.duplicates_skipped == 8
    assert calls.open_count == 0


def test_a_full_disk_met_by_one_thread_ends_the_import_and_the_next_run_finishes_it(
    tmp_path: Path, empty_catalog: Path
) -> None:
    card = card_of_everything(tmp_path / "card")
    calls = FailingCalls(60, 28, among=frozenset({"write"}), is_forever=True)
    with machine(tmp_path / "machine", empty_catalog, threads=4, calls=calls) as bench:
        record = bench.create()
        with pytest.raises(OutOfSpaceError):
            bench.import_(record, card)
        bench = bench.restart()
        bench.tools = replace(bench.tools, threads=4)
        report = bench.import_(record, card)
        pictures = {path.read_bytes() for path in card.rglob("*.jpg") if path.stat().st_size}
        stored = [path.read_bytes() for path in (bench.root(record) / "photos").rglob("*.jpg")]
        assert len(stored) == len(set(stored))
        assert set(stored) == pictures
        assert report.statistics.errors == 0
        bench.close()


def adopted(folder: Path, catalog: Path, card: Path, *, threads: int) -> list[object]:
    """Adopt a copy of a folder; give what came of it."""
    pictures = shutil.copytree(card, folder / "Pictures")
    with machine(folder, catalog, threads=threads) as bench:
        report = adopt_folder(bench.tools, folder=pictures, display_name="Mine")
        assert report.indexed is not None
        [record] = bench.records()
        found: list[object] = [bench.session(record, 1).files, bench.master(record).files, bench.dump()]
    shutil.rmtree(folder)  # its path is told: the next one has the same
    return found


def test_a_folder_is_adopted_alike_by_many_threads(tmp_path: Path, empty_catalog: Path) -> None:
    card = card_of_everything(tmp_path / "card")
    one, many = (adopted(tmp_path / "machine", empty_catalog, card, threads=each) for each in (1, 4))
    assert one == many
