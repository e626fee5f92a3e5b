"""An import and re-indexes from memory into memory: the workflows know no way to the files but the seam."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from imalink.core.index import FileStatus
from imalink.errors import OutOfSpaceError
from imalink.runtime.workers import DecodeWorkers
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest, Strategy
from tests.support.memory_calls import MemoryCalls
from tests.support.scenes import hothash_of
from tests.support.workbench import Workbench, make_source

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory files are Linux's")

DISK = Path("/disk in memory")
CARD = Path("/card in memory")


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[MemoryCalls]:
    with MemoryCalls() as calls:
        calls.make_folder(DISK)
        calls.copy_in(make_source(tmp_path / "card", 4), CARD)
        yield calls
        assert calls.open_count == 0, "a descriptor was not given back"
    assert not DISK.exists()
    assert not any((tmp_path / "disk").iterdir())


@pytest.fixture
def bench(tmp_path: Path, empty_catalog: Path, memory: MemoryCalls) -> Iterator[Workbench]:
    with Workbench(tmp_path, empty_catalog=empty_catalog, calls=memory) as made:
        yield made


def test_pictures_come_in_byte_for_byte_and_are_found_again_after_moves_and_losses(
    bench: Workbench, memory: MemoryCalls
) -> None:
    record = bench.create(base_path=DISK)
    report = bench.import_(record, CARD)
    assert (report.statistics.new_imports, report.statistics.errors) == (4, 0)
    photos = bench.root(record) / "photos"
    placed = memory.files_below(photos)
    assert sorted(memory.get(photos / name) for name in placed) == sorted(
        memory.get(CARD / name) for name in memory.files_below(CARD)
    )
    assert reindex(bench.tools, record, ReindexRequest()).files_hashed == 0

    memory.make_folder(photos / "Rome")
    memory.rename(photos / placed[0], photos / "Rome/first.jpg")
    memory.remove(photos / placed[1])
    second = reindex(bench.tools, record, ReindexRequest())
    assert [move.new_path for move in second.moved_files] == ["photos/Rome/first.jpg"]
    assert [missing.expected_path for missing in second.newly_missing] == [f"photos/{placed[1]}"]
    entries = bench.session(record).files.values()
    assert sorted(entry.relative_path for entry in entries if entry.status is FileStatus.PRESENT) == sorted(
        ["photos/Rome/first.jpg", *(f"photos/{name}" for name in placed[2:])]
    )
    again = reindex(bench.tools, record, ReindexRequest(strategy=Strategy.FULL))
    assert not again.changes_detected


def test_the_same_pictures_are_known_when_they_come_again(bench: Workbench) -> None:
    record = bench.create(base_path=DISK)
    bench.import_(record, CARD)
    again = bench.import_(record, CARD, title="Again")
    assert again.statistics.new_imports == 0


def test_worker_processes_read_from_memory_what_is_in_the_files(bench: Workbench, tmp_path: Path) -> None:
    record = bench.create(base_path=DISK)
    with DecodeWorkers(1) as workers:
        bench.tools = replace(bench.tools, analyser=workers)
        bench.import_(record, CARD)
    entries = bench.session(record).files
    assert set(entries) == {hothash_of(path) for path in (tmp_path / "card").iterdir()}
    assert all(entry.hotpreview_rendition and entry.facts.file_format == "JPEG" for entry in entries.values())


def test_an_import_that_does_not_fit_changes_nothing(bench: Workbench, memory: MemoryCalls) -> None:
    record = bench.create(base_path=DISK)
    before = memory.files_below(DISK)
    memory.capacity_bytes = memory.used_bytes + 10_000
    with pytest.raises(OutOfSpaceError):
        bench.import_(record, CARD)
    assert memory.files_below(DISK) == before
