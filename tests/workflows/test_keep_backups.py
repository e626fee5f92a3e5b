"""Of backups that are written each week a few stay: the newest, and the last that has the indexes of each storage."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from imalink.core.ids import StorageUuid
from imalink.workflows.keep_backups import KeptBackup, KeptReport, keep_backup, list_kept, superfluous
from imalink.workflows.restore_backup import check_backup, restore_backup
from tests.support.faults import CountingCalls, CrashingCalls, SimulatedCrash
from tests.support.workbench import Workbench, make_source

ONE, TWO = StorageUuid("11111111-1111-4111-8111-111111111111"), StorageUuid("22222222-2222-4222-8222-222222222222")


@pytest.fixture
def bench(tmp_path: Path, empty_catalog: Path) -> Iterator[Workbench]:
    with Workbench(tmp_path, empty_catalog=empty_catalog) as bench:
        bench.import_(bench.create(), make_source(tmp_path / "card"))
        (tmp_path / "backups").mkdir()
        yield bench


def keep(bench: Workbench) -> KeptReport:
    return keep_backup(bench.tools, bench.folder / "backups")


def names(bench: Workbench) -> list[str]:
    return [each.name for each in list_kept(bench.folder / "backups")]


def kept(*storages: set[StorageUuid] | None) -> list[KeptBackup]:
    """Give backups named by their age, the newest first."""
    return [
        KeptBackup(name=str(age), storages=None if held is None else frozenset(held))
        for age, held in enumerate(storages)
    ]


def test_the_newest_three_stay_and_each_is_a_whole_backup(bench: Workbench) -> None:
    written = [keep(bench) for _ in range(5)]
    assert [report.removed for report in written[:3]] == [(), (), ()]
    assert [report.removed for report in written[3:]] == [
        (written[0].written.folder.name,),
        (written[1].written.folder.name,),
    ]
    assert names(bench) == [report.written.folder.name for report in reversed(written[2:])]
    for name in names(bench):
        folder = bench.folder / "backups" / name
        subprocess.run(["sha256sum", "-c", "--strict", "--quiet", "SHA256SUMS"], cwd=folder, check=True)
    before = bench.dump()
    restore_backup(bench.tools, check_backup(bench.tools, bench.folder / "backups" / names(bench)[-1]))
    assert bench.dump() == before


def test_the_last_that_has_the_indexes_of_a_disk_that_is_away_stays(bench: Workbench) -> None:
    other = bench.create("Red", base_path=bench.folder / "card")
    first = keep(bench).written.folder.name
    shutil.move(bench.root(other), bench.folder / "unplugged")
    later = [keep(bench).written.folder.name for _ in range(4)]
    assert names(bench) == [*reversed(later[1:]), first]
    assert (bench.folder / "backups" / first / "storages" / other.storage_uuid / "index.json").is_file()


@pytest.mark.parametrize(
    ("stand", "removed"),
    [
        (kept({ONE}, {ONE}, {ONE}), []),
        (kept({ONE}, {ONE}, {ONE}, {ONE}), ["3"]),
        (kept({ONE}, {ONE}, {ONE}, {ONE, TWO}, {ONE, TWO}), ["4"]),
        (kept({ONE}, set(), set(), {TWO}, {ONE}), ["4"]),
        (kept({ONE}, None, {ONE}, {ONE}, None, {ONE}), ["5"]),
        (kept(set(), set(), set(), set()), ["3"]),
    ],
)
def test_what_is_superfluous(stand: list[KeptBackup], removed: list[str]) -> None:
    assert superfluous(stand, {ONE, TWO}) == removed


def test_a_storage_that_was_forgotten_keeps_no_backup(bench: Workbench) -> None:
    assert superfluous(kept({ONE}, {ONE}, {ONE}, {TWO}), {ONE}) == ["3"]


def test_killed_while_it_removes_every_backup_is_whole_or_has_no_name(bench: Workbench) -> None:
    for _ in range(3):
        keep(bench)
    image = bench.folder / "image"
    shutil.copytree(bench.folder / "backups", image)
    counting = CountingCalls()
    with bench.restart(counting) as whole:
        keep(whole)
    tried = 0
    for at in range(counting.mutations_count - 24, counting.mutations_count + 1):
        shutil.rmtree(bench.folder / "backups")
        shutil.copytree(image, bench.folder / "backups")
        with bench.restart(CrashingCalls(at)) as killed, pytest.raises(SimulatedCrash):
            keep(killed)
        assert len(names(bench)) >= 3
        for name in names(bench):
            folder = bench.folder / "backups" / name
            subprocess.run(["sha256sum", "-c", "--strict", "--quiet", "SHA256SUMS"], cwd=folder, check=True)
            tried += 1
    assert tried >= 75
