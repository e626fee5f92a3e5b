"""A catalog copied into another is the same catalog, and goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from imalink.catalog.catalog import Catalog
from imalink.catalog.copying import copy_catalog
from imalink.catalog.dump import dump
from imalink.runtime.container import open_scratch_catalog
from tests.support.workbench import Workbench, make_source


@pytest.fixture
def bench(tmp_path: Path, empty_catalog: Path) -> Workbench:
    bench = Workbench(tmp_path, empty_catalog=empty_catalog)
    record = bench.create()
    bench.import_(record, make_source(tmp_path / "card", 3))
    return bench


def dump_of(catalog: Catalog) -> list[str]:
    with catalog.read() as db:
        return dump(db)


def test_a_copy_holds_the_same(bench: Workbench, tmp_path: Path) -> None:
    with Catalog.open(f"sqlite:///{tmp_path / 'copy.sqlite'}") as copy:
        assert copy_catalog(bench.catalog, copy) > 10
        assert dump_of(copy) == bench.dump() != []


def test_whoever_watches_the_target_sees_a_change(bench: Workbench) -> None:
    before = bench.catalog.get_library_rev()
    with open_scratch_catalog() as empty:
        copy_catalog(empty, bench.catalog)
    assert bench.catalog.get_library_rev() > before
    assert bench.dump() == []


def test_what_stood_in_the_target_is_gone(bench: Workbench, tmp_path: Path, empty_catalog: Path) -> None:
    with Workbench(tmp_path / "other", empty_catalog=empty_catalog, name="other") as other:
        other.import_(other.create("Red"), make_source(tmp_path / "red card", 2, first_seed=9))
        copy_catalog(bench.catalog, other.catalog)
        assert other.dump() == bench.dump()


def test_a_stopped_copy_leaves_the_target_as_it_was(bench: Workbench, tmp_path: Path, empty_catalog: Path) -> None:
    def stop(table: str) -> None:
        if table == "photos":
            raise KeyboardInterrupt

    with Workbench(tmp_path / "other", empty_catalog=empty_catalog, name="other") as other:
        other.import_(other.create("Red"), make_source(tmp_path / "red card", 2, first_seed=9))
        before = other.dump()
        with pytest.raises(KeyboardInterrupt):
            copy_catalog(bench.catalog, other.catalog, on_table=stop)
        assert other.dump() == before


def test_a_copied_catalog_is_worked_on(bench: Workbench, tmp_path: Path) -> None:
    (tmp_path / "home of again").mkdir()
    with Catalog.open(f"sqlite:///{tmp_path / 'home of again' / 'catalog.sqlite'}") as copy:
        copy_catalog(bench.catalog, copy)
    with Workbench(tmp_path, name="again") as again:
        [record] = again.records()
        again.import_(record, make_source(tmp_path / "more", 2, first_seed=20), title="Norway")
        kinds = [line for line in again.dump() if '"kind":"session"' in line or '"kind":"photo"' in line]
        assert len(kinds) == 2 + 5
