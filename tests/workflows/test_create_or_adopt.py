"""Creating a storage where one of that name stands already that the catalog does not know: it is taken in."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from imalink.errors import NameInUseError, UsageError
from imalink.workflows.create_or_adopt import create_or_adopt
from tests.support.workbench import Workbench, make_source


def folders(place: Path) -> list[str]:
    return sorted(path.name for path in place.iterdir())


def test_a_storage_of_that_name_comes_back_with_all_it_holds(bench: Workbench, empty_catalog: Path) -> None:
    record = bench.create()
    imported = bench.import_(record, make_source(bench.folder / "card"))
    before, standing = bench.dump(), folders(bench.disk)
    bench.close()
    shutil.copyfile(empty_catalog, bench.database)
    with Workbench(bench.folder) as again:
        found = create_or_adopt(again.tools, base_path=again.disk, display_name=record.display_name)
        assert (found.record.storage_uuid, found.record.full_path) == (record.storage_uuid, record.full_path)
        assert found.recovered is not None
        assert [(each.number, each.found_files) for each in found.recovered.sessions] == [(imported.session_id, 3)]
        assert folders(again.disk) == standing
        assert again.dump() == before


def test_without_one_a_new_storage_is_made_beside_others(bench: Workbench) -> None:
    bench.create()
    found = create_or_adopt(bench.tools, base_path=bench.disk, display_name="Red Toshiba", description="new")
    assert (found.recovered, found.record.description, len(folders(bench.disk))) == (None, "new", 2)


def test_a_known_storage_of_that_name_is_neither_made_again_nor_taken_in(bench: Workbench) -> None:
    record = bench.create()
    with pytest.raises(NameInUseError):
        create_or_adopt(bench.tools, base_path=bench.disk, display_name=record.display_name)
    assert len(folders(bench.disk)) == 1


def test_of_two_with_that_name_none_is_chosen(bench: Workbench, empty_catalog: Path) -> None:
    with Workbench(bench.folder, empty_catalog=empty_catalog, name="another") as other:
        other.create("Blue Samsung")
    with Workbench(bench.folder, empty_catalog=empty_catalog, name="a third") as third:
        third.clock.now()
        third.create("Blue Samsung")
    with pytest.raises(UsageError, match="Several storages"):
        create_or_adopt(bench.tools, base_path=bench.disk, display_name="Blue Samsung")
    assert (bench.records(), len(folders(bench.disk))) == ([], 2)


def test_a_base_path_that_is_not_there_is_refused(bench: Workbench) -> None:
    with pytest.raises(UsageError, match="not mounted"):
        create_or_adopt(bench.tools, base_path=bench.folder / "unmounted", display_name="Blue Samsung")
    assert not (bench.folder / "unmounted").exists()
