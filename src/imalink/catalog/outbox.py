"""The outbox: what the user said of photos and their storages were not told yet, and the counter that orders it.

A waiting edit counts for its photo as a record of its storage does (see ``catalog.reduction``), so what was said holds
in the catalog from the commit that wrote it, whether its storages can be reached or not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from imalink.catalog.bulk import chunks, insert_rows, table_of
from imalink.catalog.models import FileStorage
from imalink.catalog.reduction import SettledOrder, find_photo_ids, reduce_photos
from imalink.catalog.said_models import LibraryState, WaitingEdit, WaitingLibraryEdit
from imalink.core.ids import Hothash, PhotoUuid, StorageUuid, WriterId
from imalink.core.photo import FieldClock, UserFacts
from imalink.core.user_facts import highest_counter

_EDITS = table_of(WaitingEdit)
_COLUMNS = "file_storage_id photo_uuid said_at hothashes said".split()


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoEdit:
    """What the user said of a photo at one moment, the files it had then, and the storages that hold one of them."""

    photo_uuid: PhotoUuid
    hothashes: tuple[Hothash, ...]
    said: UserFacts
    storages: frozenset[StorageUuid]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRow:
    """One edit that one storage was not told yet."""

    id: int
    photo_uuid: PhotoUuid
    hothashes: tuple[Hothash, ...]
    said: UserFacts


def next_clock(db: Session, writer: WriterId, seen: Iterable[UserFacts]) -> FieldClock:
    """Give the clock of what is said now: later than all that was said or met here, and than what ``seen`` says."""
    counter = 1 + max(db.execute(select(LibraryState.edit_counter)).scalar_one(), highest_counter(seen))
    note_counter(db, counter)
    return FieldClock(counter=counter, writer=writer)


def note_counter(db: Session, counter: int) -> None:
    """Remember the counter of something said elsewhere: what is said here from now on is later."""
    known = LibraryState.edit_counter < counter
    db.connection().execute(update(table_of(LibraryState)).where(known).values(edit_counter=counter))


def add_edits(db: Session, edits: Sequence[PhotoEdit], *, said_at: str) -> None:
    """Let what was said hold from now on, and put it up for each storage that is to be told.

    An edit without a storage has no effect: nothing holds the photo.
    """
    ids = dict(iter(db.execute(select(FileStorage.storage_uuid, FileStorage.id))))
    rows = [
        (ids[storage_uuid], edit.photo_uuid, said_at, edit.hothashes, edit.said)
        for edit in edits
        for storage_uuid in sorted(edit.storages)
    ]
    insert_rows(db, _EDITS, _COLUMNS, rows)
    _reduce(db, [edit.photo_uuid for edit in edits])


def list_waiting(db: Session, storage_uuid: StorageUuid) -> list[WaitingRow]:
    """Give what a storage is to be told, in the order in which it was said."""
    query = (
        select(WaitingEdit)
        .join(FileStorage, FileStorage.id == WaitingEdit.file_storage_id)
        .where(FileStorage.storage_uuid == storage_uuid)
        .order_by(WaitingEdit.id)
    )
    return [
        WaitingRow(
            id=row.id,
            photo_uuid=PhotoUuid(row.photo_uuid),
            hothashes=tuple(map(Hothash, row.hothashes)),
            said=row.said,
        )
        for row in db.execute(query).scalars()
    ]


def find_waiting(db: Session, photo_uuids: Collection[PhotoUuid]) -> set[PhotoUuid]:
    """Give those of these photos of which some storage is to be told anything."""
    said = {PhotoUuid(photo_uuid) for photo_uuid in db.execute(select(WaitingEdit.photo_uuid).distinct()).scalars()}
    return said.intersection(photo_uuids)


def count_waiting(db: Session) -> dict[StorageUuid, int]:
    """Give for each storage that is to be told anything how many edits that is, of photos and of the library."""
    query = (
        select(FileStorage.storage_uuid, func.count())
        .join(WaitingEdit, WaitingEdit.file_storage_id == FileStorage.id)
        .group_by(FileStorage.storage_uuid)
    )
    counts = Counter({StorageUuid(storage_uuid): count for storage_uuid, count in db.execute(query)})
    items = (
        select(FileStorage.storage_uuid, func.count())
        .join(WaitingLibraryEdit, WaitingLibraryEdit.file_storage_id == FileStorage.id)
        .group_by(FileStorage.storage_uuid)
    )
    counts.update({StorageUuid(storage_uuid): count for storage_uuid, count in db.execute(items)})
    return dict(counts)


def remove_told(db: Session, rows: Collection[WaitingRow]) -> None:
    """Take edits out that a storage's records repeat by now, or that concern no file of it any more."""
    for ids in chunks(row.id for row in rows):
        db.connection().execute(delete(_EDITS).where(_EDITS.c.id.in_(ids)))
    _reduce(db, {row.photo_uuid for row in rows})


def _reduce(db: Session, photo_uuids: Collection[PhotoUuid]) -> None:
    db.flush()
    reduce_photos(db, list(find_photo_ids(db, photo_uuids).values()), SettledOrder(db))
    db.expire_all()
