"""Renaming a storage: signature, overview, catalog and registry say the new name, and it outlives the catalog."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imalink.errors import NameInUseError, StorageOfflineError, UsageError
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.rename_storage import rename_storage
from tests.support.workbench import Workbench, make_source


def test_a_new_name_stands_everywhere_and_comes_back_by_recovery(bench: Workbench, empty_catalog: Path) -> None:
    record = bench.create()
    bench.import_(record, make_source(bench.folder / "card"))
    renamed = rename_storage(bench.tools, record, display_name=" Red Toshiba ", description="On the shelf")
    assert (renamed.display_name, renamed.description) == ("Red Toshiba", "On the shelf")
    root = Path(record.full_path)
    assert json.loads((root / ".imalink-storage").read_bytes())["display_name"] == "Red Toshiba"
    info = json.loads((root / "index.json").read_bytes())["storage_info"]
    assert (info["display_name"], info["description"]) == ("Red Toshiba", "On the shelf")
    assert [noted.display_name for noted in bench.tools.registry.storages()] == ["Red Toshiba"]
    with Workbench(bench.folder, empty_catalog=empty_catalog, name="another") as other:
        candidates, _ = find_candidates(other.tools, [root])
        assert recover(other.tools, candidates).restored_files == 3
        assert other.records()[0].display_name == "Red Toshiba"


def test_what_is_not_said_stays(bench: Workbench) -> None:
    record = rename_storage(bench.tools, bench.create(), description="On the shelf")
    assert rename_storage(bench.tools, record, display_name="Red Toshiba").description == "On the shelf"


def test_a_name_that_another_storage_has_is_refused(bench: Workbench) -> None:
    record = bench.create()
    bench.create("Red Toshiba")
    with pytest.raises(NameInUseError):
        rename_storage(bench.tools, record, display_name="Red Toshiba")


def test_nothing_said_is_refused(bench: Workbench) -> None:
    with pytest.raises(UsageError):
        rename_storage(bench.tools, bench.create())


def test_a_storage_that_is_away_keeps_its_name(bench: Workbench) -> None:
    record = bench.create()
    Path(record.full_path).rename(bench.folder / "away")
    with pytest.raises(StorageOfflineError):
        rename_storage(bench.tools, record, display_name="Red Toshiba")
    assert bench.record(record.storage_uuid).display_name == record.display_name
