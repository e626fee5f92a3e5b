"""Let something hold of an item of the library, in one transaction with the operation that it is."""

from __future__ import annotations

from collections.abc import Mapping

from imalink.catalog import authors, library, library_operations, outbox
from imalink.catalog.catalog import Db
from imalink.core.ids import OperationUuid
from imalink.core.library import FieldValue, ItemKind, LibraryEdited
from imalink.core.library_change import plan_change
from imalink.core.operation import Operation, OperationKind
from imalink.core.timestamps import format_instant
from imalink.workflows.new_operation import new_operation
from imalink.workflows.tools import Tools


def say_of_item(
    tools: Tools,
    db: Db,
    kind: ItemKind,
    key: str,
    values: Mapping[str, FieldValue],
    *,
    title: str,
    counts: Mapping[str, int] | None = None,
) -> OperationUuid | None:
    """Say all of ``values`` of an item at one moment, as an operation called ``title``; commits nothing.

    Nothing is said, and None given, where it is so already.
    """
    operation = new_operation(tools, OperationKind.LIBRARY_EDIT, title, counts=counts)
    return say_as(tools, db, kind.value, key, values, operation)


def say_as(
    tools: Tools, db: Db, kind: str, key: str, values: Mapping[str, FieldValue], operation: Operation
) -> OperationUuid | None:
    """Say it as this operation; as ``say_of_item`` does."""
    change = plan_change(kind, key, known_of(db, kind, key), values)
    if change is None:
        return None
    clock = outbox.next_clock(db, tools.writer, [])
    library.say(db, [LibraryEdited(kind=kind, key=key, values=values, clock=clock)])
    said_at = format_instant(tools.clock.now())
    library_operations.keep_library_operation(db, operation, change, recorded_at=said_at, counter=clock.counter)
    return operation.operation_uuid


def known_of(db: Db, kind: str, key: str) -> dict[str, FieldValue]:
    """Give what holds of an item; of an author of whom only sessions tell, what these say."""
    known: dict[str, FieldValue] = {}
    author = authors.find_author_keyed(db, key) if kind == ItemKind.AUTHOR else None
    if author is not None:
        known = {
            "name": author.author.name,
            "email": author.author.email or "",
            "bio": author.bio,
            "known_as": author.known_as,
        }
    for fields in library.load_library(db, kind=ItemKind(kind), key=key).values():
        known.update((name, fact.value) for name, fact in fields.items())
    return known
