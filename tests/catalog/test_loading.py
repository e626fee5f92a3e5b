"""Loading whole sessions from parts gives what projecting them one by one gives."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import groupby, permutations
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect, select

from imalink.catalog.catalog import Catalog
from imalink.catalog.dump import compare
from imalink.catalog.loading import MANY_PICTURES, LoadedSession, load_parts
from imalink.catalog.models import Photo
from imalink.catalog.parts import Part, PartWriter
from imalink.core.index import SessionIndex
from imalink.core.photo import Photo as CorePhoto
from imalink.errors import CatalogError
from tests.catalog.test_projection import rich_index
from tests.catalog.test_projection_properties import PLACES, worlds
from tests.support.catalogs import Catalogs, dump_of, project, storage_in
from tests.support.indexes import make_entry, make_index, make_session

slow = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def load(catalog: Catalog, indexes: Sequence[SessionIndex], *, many: int = MANY_PICTURES) -> list[LoadedSession]:
    """Load indexes of one storage, two parts at most, and project what is left."""
    storage = storage_in(catalog, indexes[0].storage_uuid)
    with TemporaryDirectory() as folder, ExitStack() as stack:
        paths: list[Path] = []
        for turn in range(min(2, len(indexes))):
            paths.append(Path(folder) / str(turn))
            with PartWriter(paths[-1], storage_id=storage.id) as part:
                for index in indexes[turn::2]:
                    part.add(index)
        parts = [stack.enter_context(Part(path)) for path in paths]
        with catalog.begin(changes_photos=True) as db:
            loaded = [each for of_part in load_parts(db, storage, parts, many=many) for each in of_part]
    left = {each.session.number for each in loaded if each.placed is None}
    for index in indexes:
        if index.session.number in left:
            project(catalog, index)
    return loaded


def load_all(catalog: Catalog, indexes: Iterable[SessionIndex], *, many: int) -> None:
    """Load indexes storage after storage, in the order in which they are given."""
    for _, of_storage in groupby(indexes, key=lambda index: index.storage_uuid):
        load(catalog, list(of_storage), many=many)


@slow
@given(world=worlds, order=st.sampled_from(list(permutations(range(len(PLACES))))), many=st.sampled_from([0, 1000]))
def test_loading_equals_projecting(
    sqlite_catalogs: Catalogs, world: tuple[SessionIndex, ...], order: tuple[int, ...], many: int
) -> None:
    with sqlite_catalogs.make() as catalog:
        load_all(catalog, [world[position] for position in order], many=many)
        loaded = dump_of(catalog)
    assert compare(sqlite_catalogs.dump_after(world), loaded) == []


@slow
@given(before=worlds, world=worlds)
def test_loading_into_a_catalog_in_use_equals_projecting(
    sqlite_catalogs: Catalogs, before: tuple[SessionIndex, ...], world: tuple[SessionIndex, ...]
) -> None:
    with sqlite_catalogs.make() as catalog:
        project(catalog, before[0])
        load_all(catalog, world[1:], many=0)
        loaded = dump_of(catalog)
    assert compare(sqlite_catalogs.dump_after([before[0], *world[1:]]), loaded) == []


@pytest.mark.parametrize("many", [0, 1000])
def test_everything_an_index_says_is_loaded(catalogs: Catalogs, many: int) -> None:
    indexes = [rich_index(), make_index([make_entry("of another")], session=make_session(7))]
    with catalogs.make() as catalog:
        loaded = load(catalog, indexes, many=many)
        dumped = dump_of(catalog)
    assert all(each.placed is not None for each in loaded)
    assert compare(catalogs.dump_after(indexes), dumped) == []


def test_a_loaded_catalog_goes_on_like_any_other(catalogs: Catalogs) -> None:
    first, second = rich_index(), make_index([make_entry("later")], session=make_session(8))
    with catalogs.make() as catalog:
        load(catalog, [first], many=0)
        project(catalog, second)
        project(catalog, replace(first, files={}, photos={}))
        dumped = dump_of(catalog)
    assert compare(catalogs.dump_after([second, replace(first, files={}, photos={})]), dumped) == []


@pytest.mark.parametrize("many", [0, 1000])
def test_no_index_of_the_catalog_is_lost(catalogs: Catalogs, many: int) -> None:
    with catalogs.make() as catalog:
        before = index_names(catalog)
        load(catalog, [rich_index()], many=many)
        assert index_names(catalog) == before


def index_names(catalog: Catalog) -> set[str]:
    with catalog.read() as db:
        look = inspect(db.connection())
        return {str(each["name"]) for table in look.get_table_names() for each in look.get_indexes(table)}


def test_a_session_that_shares_a_picture_is_left_whole_to_projection(catalogs: Catalogs) -> None:
    one = make_index([make_entry("shared"), make_entry("own")], session=make_session(1))
    two = make_index([make_entry("shared"), make_entry("other")], session=make_session(2))
    with catalogs.make() as catalog:
        loaded = load(catalog, [one, two])
        dumped = dump_of(catalog)
    assert [each.placed is None for each in loaded] == [False, True]
    assert compare(catalogs.dump_after([one, two]), dumped) == []


def test_a_session_that_is_known_is_left_to_projection(catalogs: Catalogs) -> None:
    with catalogs.make() as catalog:
        project(catalog, rich_index())
        assert [each.placed for each in load(catalog, [rich_index()])] == [None]


def test_what_another_session_says_of_a_photo_holds(catalogs: Catalogs) -> None:
    entry = make_entry("here")
    said = CorePhoto(photo_uuid=entry.photo_uuid, files=(entry.hothash,), primary=entry.hothash, rating=5)
    speaker = make_index([], session=make_session(1), photos=[said])
    holder = make_index([entry], session=make_session(2))
    with catalogs.make() as catalog:
        load(catalog, [speaker, holder])
        with catalog.read() as db:
            assert db.execute(select(Photo.rating)).scalar_one() == 5


def test_a_part_that_finds_no_room_says_so_and_where(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="scratch file"):
        PartWriter(tmp_path / "gone" / "part", storage_id=1)


def test_a_transaction_that_fails_leaves_the_catalog_as_it_was(catalogs: Catalogs, tmp_path: Path) -> None:
    with catalogs.make() as catalog:
        storage = storage_in(catalog, rich_index().storage_uuid)
        before, names = dump_of(catalog), index_names(catalog)
        with PartWriter(tmp_path / "part", storage_id=storage.id) as writer:
            writer.add(rich_index())
        damage = sqlite3.connect(tmp_path / "part")
        damage.execute("DROP TABLE companion_files")
        damage.commit()
        damage.close()
        with pytest.raises(CatalogError, match="scratch file"), Part(tmp_path / "part") as part:
            with catalog.begin(changes_photos=True) as db:
                load_parts(db, storage, [part], many=0)
        assert (dump_of(catalog), index_names(catalog)) == (before, names)
