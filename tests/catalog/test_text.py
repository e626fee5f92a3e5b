"""Text that no database holds as it is, NUL and half letters, is kept escaped in every column, on every engine."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import String, insert, select
from sqlalchemy.exc import DBAPIError

from imalink.catalog import models
from imalink.catalog.authors import list_authors
from imalink.catalog.bulk import insert_rows, table_of
from imalink.catalog.catalog import Catalog
from imalink.catalog.column_types import StoredText
from imalink.catalog.file_storages import StorageChange, add_storage, list_storages, update_storage
from imalink.catalog.import_sessions import get_session
from imalink.catalog.tables import METADATA
from imalink.core.ids import StorageUuid
from imalink.core.session import Author
from tests.support.catalogs import project
from tests.support.indexes import make_entry, make_index, make_session

ODD = "a\ud800b\0c"
KEPT = "a\\ud800b\\x00c"


def test_every_column_of_text_keeps_what_no_database_holds_escaped(catalog: Catalog) -> None:
    """Whoever writes it, and however: as an object, as a statement, or as rows past SQLAlchemy."""
    columns = [column for table in METADATA.tables.values() for column in table.c]
    plain = [str(each) for each in columns if isinstance(each.type, String) and not isinstance(each.type, StoredText)]
    assert plain == []
    with catalog.begin() as db:
        storage = add_storage(
            db,
            storage_uuid=StorageUuid("7d5a1f0e-0000-4000-8000-000000000001"),
            directory_name=ODD,
            base_path="/media/disk",
            display_name=ODD,
            description=ODD,
            created_at="2024-10-18T14:30:52Z",
        )
        update_storage(db, storage.storage_uuid, StorageChange(display_name=f"2{ODD}"))
        insert_rows(db, table_of(models.Tag), ["name"], [(ODD,)])
        db.execute(insert(models.Tag), [{"name": f"2{ODD}"}])
    with catalog.read() as db:
        [read] = list_storages(db)
        assert (read.display_name, read.description, read.directory_name) == (f"2{KEPT}", KEPT, KEPT)
        assert set(db.execute(select(models.Tag.name)).scalars()) == {KEPT, f"2{KEPT}"}
        assert db.execute(select(models.Tag.name).where(models.Tag.name == ODD)).scalars().all() == [KEPT]


def test_a_session_whose_every_text_is_odd_comes_in_and_is_found_again(catalog: Catalog) -> None:
    session = replace(
        make_session(), title=ODD, description=ODD, source_path=ODD, default_author=Author(name=ODD, email=ODD)
    )
    index = make_index([make_entry("a")], session=session)
    for _ in range(2):
        project(catalog, index)
    with catalog.read() as db:
        record = get_session(db, session.number)
        assert len(list_authors(db)) == 2  # the user of this installation, and this one, once
    assert record.session.title == KEPT
    assert record.session.default_author == Author(name=KEPT, email=KEPT)


def test_what_goes_wrong_in_the_database_is_told_without_the_values(catalog: Catalog) -> None:
    with pytest.raises(DBAPIError) as caught, catalog.begin() as db:
        db.execute(insert(models.Tag), [{"name": "secret word"}, {"name": "secret word"}])
    assert "[parameters" not in str(caught.value)
