"""Pictures are never lost when the source goes: not after an import, and at no moment of one that is cut short."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from imalink.workflows.find_file import find_files
from imalink.workflows.look_at_sessions import list_sessions, show_session
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from tests.support.faults import CrashingCalls, SimulatedCrash
from tests.support.scenes import memory_folder
from tests.support.workbench import Workbench, make_source, photos_below, sha256_of


@pytest.fixture
def bench(tmp_path: Path, empty_catalog: Path) -> Iterator[Workbench]:
    with memory_folder(tmp_path) as folder, Workbench(folder, empty_catalog=empty_catalog) as made:
        yield made


def test_all_pictures_open_after_the_source_is_deleted_and_the_program_started_again(bench: Workbench) -> None:
    card = make_source(bench.folder / "card", 20)
    sums = {path.name: sha256_of(path) for path in card.iterdir()}
    record = bench.create()
    bench.import_(record, card)
    shutil.rmtree(card)
    with bench.restart() as again:
        files = show_session(again.tools, "1").files
        assert len(files) == 20
        for file in files:
            [found] = find_files(again.tools, [file.hothash])
            assert found.path is not None
            assert sha256_of(Path(found.path)) == sums[file.original_filename] == file.sha256


def claimed(bench: Workbench) -> dict[str, str]:
    """Give what the catalog says to stand in the storage: paths and checksums."""
    lines = [json.loads(text) for text in bench.dump()]
    return {line["relative_path"]: line["sha256"] for line in lines if line["kind"] == "location"}


def test_at_every_step_the_catalog_claims_no_more_than_the_disk_has_though_the_source_goes(
    tmp_path: Path, empty_catalog: Path, bench: Workbench
) -> None:
    """The import dies at one step after the other; the source is deleted each time before the next command."""
    points, kept = 0, 0
    for at in range(10, 200, 9):
        folder = bench.folder / str(at)
        machine = Workbench(folder, empty_catalog=empty_catalog)
        card = make_source(folder / "card", 4)
        sums = {sha256_of(path) for path in card.iterdir()}
        record = machine.create()
        machine = machine.restart(CrashingCalls(at))
        try:
            machine.import_(record, card)
            is_over = True
        except SimulatedCrash:
            is_over = False
        machine = machine.restart()
        stored = photos_below(machine.root(record))
        assert set(stored.values()) <= sums
        assert set(claimed(machine).items()) <= {(f"photos/{path}", sha256) for path, sha256 in stored.items()}
        shutil.rmtree(card)
        candidates, _ = find_candidates(machine.tools, [machine.root(record)])
        recover(machine.tools, candidates)
        after = photos_below(machine.root(record))
        assert stored.items() <= after.items(), "a picture that stood there is gone"
        assert claimed(machine) == {f"photos/{path}": sha256 for path, sha256 in after.items()}
        assert all(each.file_count == len(after) for each in list_sessions(machine.tools))
        machine.close()
        shutil.rmtree(folder)
        points, kept = points + 1, kept + bool(after)
        if is_over:
            break
    print(f"imports cut short, the source gone: {points} points, {kept} with pictures")  # noqa: T201
    assert points >= 8
    assert kept >= 3
