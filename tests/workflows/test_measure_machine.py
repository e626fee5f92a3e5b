"""Measuring leaves a disk as it was, however it ends, and says what was measured."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from imalink.core.progress import SilentProgress
from imalink.errors import CancelledError, OutOfSpaceError, StorageOfflineError, StorageReadOnlyError, UsageError
from imalink.workflows.measure_machine import WALKED_FILES, MachineReport, measure_machine
from tests.support.faults import FailingCalls, KeepsOutCalls
from tests.support.workbench import Workbench, make_source, snapshot


@pytest.fixture
def photos(bench: Workbench) -> Path:
    return make_source(bench.folder / "photos", 3)


@pytest.fixture
def usb(bench: Workbench) -> Path:
    folder = bench.folder / "usb"
    make_source(folder, 2, first_seed=30)
    return folder


def measure(bench: Workbench, folder: Path, photos: Path) -> MachineReport:
    return measure_machine(bench.tools, folder=folder, photos=photos)


def test_every_step_is_measured_and_the_disk_is_as_it_was(bench: Workbench, usb: Path, photos: Path) -> None:
    before = snapshot(usb), snapshot(bench.home / "reference"), bench.dump()
    guarded = bench.restart(KeepsOutCalls(photos))
    report = measure(guarded, usb, photos)
    names = [step.name for step in report.steps]
    assert names[:3] == ["write and flush", "read", "hash"]
    assert {"preview and facts", "walk", "write an index", "load an index", "look-up, known"} <= set(names)
    assert all(step.seconds > 0 and step.ms_per_file > 0 and step.files_per_second > 0 for step in report.steps)
    counts = {step.name: step.file_count for step in report.steps}
    assert (counts["hash"], counts["walk"]) == (3, WALKED_FILES)
    sizes = {step.name: step.size_bytes for step in report.steps}
    assert sizes["read"] == sum(path.stat().st_size for path in photos.iterdir())
    assert (snapshot(usb), snapshot(bench.home / "reference"), guarded.dump()) == before
    guarded.close()


def test_pictures_are_made_where_none_are_given(bench: Workbench, usb: Path) -> None:
    report = measure_machine(bench.tools, folder=usb, count=1)
    assert report.steps[0].file_count == 1 and report.steps[0].size_bytes > 1_000_000


@pytest.mark.parametrize(("number", "expected"), [(errno.ENOSPC, OutOfSpaceError), (errno.EROFS, StorageReadOnlyError)])
@pytest.mark.parametrize("name", ["mkdir", "write", "fsync"])
def test_what_a_failing_disk_took_is_removed(
    bench: Workbench, usb: Path, photos: Path, name: str, number: int, expected: type[Exception]
) -> None:
    before = snapshot(usb)
    broken = bench.restart(FailingCalls(1, number, among=frozenset({name})))
    with pytest.raises(expected):
        measure(broken, usb, photos)
    assert snapshot(usb) == before
    broken.close()


class StopsAt(SilentProgress):
    def __init__(self, phase: str) -> None:
        self._phase = phase
        self._is_there = False

    def start_phase(self, name: str, *, total_files: int | None = None, total_bytes: int | None = None) -> None:
        self._is_there = name == self._phase

    def checkpoint(self) -> None:
        if self._is_there:
            raise CancelledError("Stopped.")


@pytest.mark.parametrize("phase", ["write and flush", "hash", "walk"])
def test_stopping_leaves_nothing(bench: Workbench, usb: Path, photos: Path, phase: str) -> None:
    before = snapshot(usb)
    with pytest.raises(CancelledError):
        measure_machine(bench.tools, folder=usb, photos=photos, progress=StopsAt(phase))
    assert snapshot(usb) == before


def test_a_folder_that_is_not_there_is_not_made(bench: Workbench, photos: Path) -> None:
    with pytest.raises(StorageOfflineError):
        measure(bench, bench.folder / "nowhere", photos)
    assert not (bench.folder / "nowhere").exists()
    (bench.folder / "empty").mkdir()
    with pytest.raises(UsageError, match="no picture"):
        measure(bench, bench.folder, bench.folder / "empty")
