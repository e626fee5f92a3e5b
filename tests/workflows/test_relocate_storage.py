"""Relocating a storage: only to where this very storage stands; nothing is changed otherwise."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from imalink.errors import ForeignStorageError, StorageOfflineError, UsageError
from imalink.workflows.import_report import ImportRequest
from imalink.workflows.refer_to_folder import refer_to_folder
from imalink.workflows.relocate_storage import relocate_storage
from imalink.workflows.verify import verify
from imalink.workflows.verify_report import Depth, VerifyRequest
from tests.support.workbench import Workbench, make_source


@pytest.mark.parametrize("names_the_storage", [True, False])
def test_a_moved_storage_is_worked_on_at_its_new_place(bench: Workbench, names_the_storage: bool) -> None:
    record = bench.create()
    bench.import_(record, make_source(bench.folder / "card"))
    place = bench.folder / "other disk"
    place.mkdir()
    moved = Path(shutil.move(record.full_path, place))
    found = relocate_storage(bench.tools, record, moved if names_the_storage else place)
    assert (found.record.base_path, found.copy_left_at) == (str(place), None)
    assert bench.tools.registry.places()[record.storage_uuid] == moved
    assert verify(bench.tools, found.record, VerifyRequest(depth=Depth.QUICK)).ok == 3


def test_a_copy_that_stays_at_the_old_place_is_told(bench: Workbench) -> None:
    record = bench.create()
    place = bench.folder / "larger disk"
    shutil.copytree(record.full_path, place / record.directory_name)
    found = relocate_storage(bench.tools, record, place)
    assert (found.record.base_path, found.copy_left_at) == (str(place), record.full_path)


def test_another_storage_at_the_new_place_is_refused(bench: Workbench) -> None:
    record = bench.create()
    other = bench.create("Red Toshiba")
    with pytest.raises(ForeignStorageError):
        relocate_storage(bench.tools, record, Path(other.full_path))
    assert bench.record(record.storage_uuid).full_path == record.full_path


def test_an_empty_folder_is_refused(bench: Workbench) -> None:
    record = bench.create()
    (bench.folder / "mount point").mkdir()
    with pytest.raises(StorageOfflineError, match="Nothing was changed"):
        relocate_storage(bench.tools, record, bench.folder / "mount point")
    assert bench.record(record.storage_uuid).full_path == record.full_path


def test_a_folder_that_is_only_referred_to_is_found_by_its_disk(bench: Workbench) -> None:
    refer_to_folder(bench.tools, ImportRequest(source=make_source(bench.folder / "card"), title="Card"))
    [record] = bench.records()
    with pytest.raises(UsageError, match="known by its disk"):
        relocate_storage(bench.tools, record, bench.folder)
