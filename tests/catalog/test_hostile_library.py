"""What a foreign storage says of the library may be anything: nothing of it stops a recovery, on either engine."""

from __future__ import annotations

from dataclasses import replace

import pytest

from imalink.catalog import authors, collections, library, library_operations, operations
from imalink.catalog.catalog import Catalog
from imalink.core.ids import OperationUuid, StorageUuid, WriterId
from imalink.core.library import FieldValue, ItemKind, LibraryEdited, author_key
from imalink.core.library_change import LibraryChange
from imalink.core.operation import Operation, OperationLine
from imalink.core.photo import FieldClock
from tests.support.catalogs import storage_in

STORAGE = StorageUuid("90329256-4e08-516d-97a2-15f33dadf1cd")
CLOCK = FieldClock(counter=3, writer=WriterId("w"))
TEXTS = ["nul \0 inside", "lone \ud800 surrogate", "long " * 4000]


def hear(catalog: Catalog, kind: str, key: str, **values: FieldValue) -> None:
    storage = storage_in(catalog, STORAGE)
    with catalog.begin() as db:
        library.hear(db, storage.id, [LibraryEdited(kind=kind, key=key, values=values, clock=CLOCK)])


@pytest.mark.parametrize("text", TEXTS, ids=["nul", "surrogate", "long"])
def test_any_text_may_be_said_of_an_item(catalog: Catalog, text: str) -> None:
    hear(catalog, "collection", "a1b2c3d4-5e6f-4a7b-8c9d-0e1f2a3b4c5d", title=text, description=text)
    hear(catalog, "saved-search", "b1b2c3d4-5e6f-4a7b-8c9d-0e1f2a3b4c5d", title=text, query=text)
    hear(catalog, "author", author_key("x", ""), name=text, email=text, bio=text, known_as=text)
    with catalog.read() as db:
        assert collections.list_collections(db)[0].title
        assert collections.list_searches(db)[0].title
        assert len(authors.list_authors(db)) == 2


@pytest.mark.parametrize("text", TEXTS, ids=["nul", "surrogate", "long"])
def test_an_item_may_be_called_anything(catalog: Catalog, text: str) -> None:
    hear(catalog, "collection", text, title="x")
    hear(catalog, text, "key", title="x")
    hear(catalog, "collection", "key", **{text: "x", "title": "y"})
    hear(catalog, "author", text, name="Anna")
    with catalog.read() as db:
        assert library.load_library(db)
        assert collections.get_collection(db, "key").title == "y"


@pytest.mark.parametrize("text", TEXTS, ids=["nul", "surrogate", "long"])
def test_an_operation_may_have_any_title_and_kind(catalog: Catalog, text: str) -> None:
    storage = storage_in(catalog, STORAGE)
    operation = Operation(operation_uuid=OperationUuid("c1b2c3d4-5e6f-4a7b-8c9d-0e1f2a3b4c5d"), kind=text, title=text)
    edit = replace(operation, kind="library-edit")
    at = "2024-10-18T14:30:52Z"
    change = LibraryChange(kind=ItemKind.COLLECTION, key="k", before={"title": text}, after={"title": "x"})
    with catalog.begin() as db:
        library_operations.keep_library_operation(db, edit, change, recorded_at=at, counter=1)
        line = OperationLine(writer=WriterId("w"), seq=1, lamport=1, at=at, operation=operation, has_inverse=True)
        operations.keep_operations(db, storage.id, [line])
    with catalog.read() as db:
        assert len(library_operations.list_library_operations(db)) == 1
        assert len(operations.list_operations(db)) == 1
