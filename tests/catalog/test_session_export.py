"""A session index that is lost can be made again from the catalog."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from imalink.catalog.dump import compare
from imalink.catalog.session_export import KnownIndex, export_index, list_indexes
from imalink.core.ids import SessionUuid
from imalink.core.index import SessionIndex, Sources
from tests.catalog.test_projection import rich_index
from tests.catalog.test_projection_properties import slow, worlds
from tests.support.catalogs import Catalogs, project, storage_in
from tests.support.indexes import make_entry, make_index, uuid_of


def exported(catalogs: Catalogs, indexes: tuple[SessionIndex, ...]) -> list[SessionIndex]:
    """Project indexes into a new catalog and give them as it would write them."""
    found: list[SessionIndex] = []
    with catalogs.make() as catalog:
        for index in indexes:
            project(catalog, index)
        for index in indexes:
            storage = storage_in(catalog, index.storage_uuid)
            with catalog.read() as db:
                again = export_index(db, storage, index.session.session_uuid)
            assert again is not None
            found.append(again)
    return found


@slow
@given(world=worlds)
def test_what_is_exported_says_what_was_projected(catalogs: Catalogs, world: tuple[SessionIndex, ...]) -> None:
    again = exported(catalogs, world)
    assert compare(catalogs.dump_after(world), catalogs.dump_after(again)) == []
    for index, copy in zip(world, again, strict=True):
        assert copy.files.keys() == index.files.keys()
        assert copy.deleted == index.deleted
        for hothash, entry in index.files.items():
            other = copy.files[hothash]
            assert (other.relative_path, other.sha256, other.status) == (
                entry.relative_path,
                entry.sha256,
                entry.status,
            )
            assert (other.facts, other.companions, other.photo_uuid) == (
                entry.facts,
                entry.companions,
                entry.photo_uuid,
            )


def test_an_index_with_everything_comes_back_but_for_what_the_catalog_does_not_keep(catalogs: Catalogs) -> None:
    index = rich_index()
    [again] = exported(catalogs, (index,))
    kept = replace(
        index,
        findings=(),
        sources=Sources(),
        extras={},
        storage_directory=again.storage_directory,
        photos=again.photos,
    )
    assert again == kept
    assert {uuid: photo for uuid, photo in index.photos.items() if uuid in again.photos} == {
        uuid: again.photos[uuid] for uuid in index.photos
    }


def test_the_catalog_names_the_indexes_of_a_storage_by_the_number_of_their_file(catalogs: Catalogs) -> None:
    index = make_index([make_entry("a")], storage="one")
    with catalogs.make() as catalog:
        project(catalog, index)
        with catalog.read() as db:
            assert list_indexes(db, storage_in(catalog, index.storage_uuid)) == [
                KnownIndex(
                    session_uuid=index.session.session_uuid, number=index.session.number, generation=index.generation
                )
            ]
            assert export_index(db, storage_in(catalog, index.storage_uuid), SessionUuid(uuid_of("no such"))) is None
