"""What the user said of authors, collections and saved searches: kept field by field, and put up for every storage.

A storage is told all of it: any one of them gives the library back. What a storage says in turn is merged by clocks.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from imalink.catalog.authors import settle_author
from imalink.catalog.bulk import chunks, insert_rows, table_of
from imalink.catalog.models import FileStorage
from imalink.catalog.outbox import note_counter
from imalink.catalog.said_models import LibraryFieldRow, WaitingLibraryEdit
from imalink.core.ids import WriterId
from imalink.core.library import DELETED, FieldFact, FieldValue, ItemKind, Library, LibraryEdited, cut, edits_of
from imalink.core.photo import FieldClock

_log = logging.getLogger(__name__)
_LONGEST_KIND, _LONGEST_KEY, _LONGEST_AUTHOR_KEY, _LONGEST_FIELD = 40, 100, 36, 200
"""No ImaLink calls anything by a longer name; what a storage says under one stays in that storage."""

_FIELDS = table_of(LibraryFieldRow)
_WAITING = table_of(WaitingLibraryEdit)
_FIELD_COLUMNS = "kind key field value counter writer".split()
_WAITING_COLUMNS = "file_storage_id edit".split()


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingItem:
    """What one storage was not told yet of the library."""

    id: int
    edit: LibraryEdited


def say(db: Session, edits: Sequence[LibraryEdited]) -> None:
    """Let what the user said hold from now on, and put it up for every storage. Commits nothing."""
    merge(db, edits)
    pieces = [piece for edit in edits for piece in cut(edit)]
    storage_ids = list(db.execute(select(FileStorage.id).order_by(FileStorage.id)).scalars())
    insert_rows(db, _WAITING, _WAITING_COLUMNS, [(each, piece) for piece in pieces for each in storage_ids])


def hear(db: Session, storage_id: int, edits: Sequence[LibraryEdited]) -> None:
    """Take in what a storage says; what waits for it and it says already waits no more. Commits nothing."""
    merge(db, edits)
    told: dict[tuple[str, str, str], tuple[int, str]] = {}
    for edit in edits:
        for name in edit.values:
            place = (edit.kind, edit.key, name)
            told[place] = max(told.get(place, (0, "")), (edit.clock.counter, edit.clock.writer))
    done = [
        row.id
        for row in list_waiting_items(db, storage_id)
        if all(
            told.get((row.edit.kind, row.edit.key, name), (0, "")) >= (row.edit.clock.counter, row.edit.clock.writer)
            for name in row.edit.values
        )
    ]
    remove_told_items(db, done)


def put_up_all(db: Session, storage_id: int) -> None:
    """Put all that is known of the library up for a storage that is new here. Commits nothing."""
    rows = [(storage_id, edit) for edit in edits_of(load_library(db))]
    insert_rows(db, _WAITING, _WAITING_COLUMNS, rows)


def list_waiting_items(db: Session, storage_id: int) -> list[WaitingItem]:
    """Give what a storage is to be told, in the order in which it was said."""
    query = select(WaitingLibraryEdit.id, WaitingLibraryEdit.edit).where(
        WaitingLibraryEdit.file_storage_id == storage_id
    )
    return [WaitingItem(id=key, edit=edit) for key, edit in db.execute(query.order_by(WaitingLibraryEdit.id))]


def remove_told_items(db: Session, ids: Iterable[int]) -> None:
    """Take out what a storage was told. Commits nothing."""
    for chunk in chunks(ids):
        db.connection().execute(delete(_WAITING).where(_WAITING.c.id.in_(chunk)))


def load_library(db: Session, *, kind: ItemKind | None = None, key: str | None = None) -> Library:
    """Give all that is said, of one kind or one item."""
    columns = _FIELDS.c
    query = select(columns.kind, columns.key, columns.field, columns.value, columns.counter, columns.writer)
    if kind is not None:
        query = query.where(_FIELDS.c.kind == kind.value)
    if key is not None:
        query = query.where(_FIELDS.c.key == key)
    library: Library = {}
    for of_kind, of_key, name, value, counter, writer in db.execute(query):
        fact = FieldFact(_load(value), FieldClock(counter=counter, writer=WriterId(writer)))
        library.setdefault((of_kind, of_key), {})[name] = fact
    return library


def live_items(db: Session, kind: ItemKind, *, key: str | None = None) -> Iterator[tuple[str, dict[str, FieldValue]]]:
    """Give the items of a kind that are not deleted, by key, with what their fields say; those taken back left out."""
    for (_, of_key), fields in sorted(load_library(db, kind=kind, key=key).items()):
        values: dict[str, FieldValue] = {name: fact.value for name, fact in fields.items() if fact.value is not None}
        if not values.get(DELETED):
            yield of_key, values


def merge(db: Session, edits: Sequence[LibraryEdited]) -> None:
    """Keep each field's latest fact, and let the rows that follow from it follow. Commits nothing."""
    note_counter(db, max((edit.clock.counter for edit in edits), default=0))
    by_item: dict[tuple[str, str], dict[str, FieldFact]] = {}
    for edit in edits:
        if not _can_be_kept(edit):
            continue
        latest = by_item.setdefault((edit.kind, edit.key), {})
        for name, value in edit.values.items():
            if len(name) > _LONGEST_FIELD:
                continue
            fact = FieldFact(value, edit.clock)
            if name not in latest or fact.rank() > latest[name].rank():
                latest[name] = fact
    for (kind, key), latest in by_item.items():
        of_item = (_FIELDS.c.kind == kind) & (_FIELDS.c.key == key)
        known = _known(db, kind, key)
        new = {name: fact for name, fact in latest.items() if name not in known or fact.rank() > known[name].rank()}
        for names in chunks(name for name in new if name in known):
            db.connection().execute(delete(_FIELDS).where(of_item, _FIELDS.c.field.in_(names)))
        rows = [
            (kind, key, name, _dump(fact.value), fact.clock.counter, fact.clock.writer) for name, fact in new.items()
        ]
        insert_rows(db, _FIELDS, _FIELD_COLUMNS, rows)
        if kind == ItemKind.AUTHOR and new:
            settle_author(db, key, _values({**known, **new}))
    db.expire_all()


def _can_be_kept(edit: LibraryEdited) -> bool:
    longest = _LONGEST_AUTHOR_KEY if edit.kind == ItemKind.AUTHOR else _LONGEST_KEY
    if len(edit.kind) <= _LONGEST_KIND and len(edit.key) <= longest:
        return True
    _log.warning("something said of a %.40s is left out: its key has %d characters", edit.kind, len(edit.key))
    return False


def _known(db: Session, kind: str, key: str) -> dict[str, FieldFact]:
    query = select(_FIELDS.c.field, _FIELDS.c.value, _FIELDS.c.counter, _FIELDS.c.writer)
    rows = db.execute(query.where(_FIELDS.c.kind == kind, _FIELDS.c.key == key))
    return {
        name: FieldFact(_load(value), FieldClock(counter=counter, writer=WriterId(writer)))
        for name, value, counter, writer in rows
    }


def _values(facts: Mapping[str, FieldFact]) -> dict[str, FieldValue]:
    return {name: fact.value for name, fact in facts.items()}


def _dump(value: FieldValue) -> str:
    return json.dumps(value, ensure_ascii=True)


def _load(text: str) -> FieldValue:
    return cast(FieldValue, json.loads(text))
