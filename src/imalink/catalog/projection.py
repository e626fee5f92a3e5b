"""From a session index to the catalog: replace what that index said before, then derive what depends on it.

What the catalog holds afterwards depends only on what the indexes say, not on the order in which they came or on what
was there before: projecting twice is projecting once, and a rebuilt catalog equals one that was kept up to date.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Table, delete, func, select
from sqlalchemy.orm import Session

from imalink.catalog import full_text
from imalink.catalog.bulk import chunks, insert_and_find_ids, insert_rows, paused_collection, table_of
from imalink.catalog.column_types import canonical_instant
from imalink.catalog.derivation import IMAGE_COLUMNS, PHOTO_COLUMNS, entry_record_of, image_row
from imalink.catalog.file_storages import StorageRecord, change_counts
from imalink.catalog.index_rows import (
    COMPANION_COLUMNS,
    DELETED_COLUMNS,
    LOCATION_COLUMNS,
    SESSION_PHOTO_COLUMNS,
    RowOwner,
    companion_rows,
    deleted_rows,
    derive_alone,
    group_by_photo,
    location_rows,
    said_photos,
    session_photo_row,
)
from imalink.catalog.models import CompanionFile, DeletedFile, SessionPhoto
from imalink.catalog.outbox import find_waiting, note_counter
from imalink.catalog.records import EntryRecord
from imalink.catalog.reduction import (
    IMAGES,
    LOCATIONS,
    PHOTOS,
    KnownImage,
    SettledOrder,
    find_photo_ids,
    load_images,
    reduce_images,
    reduce_photos,
)
from imalink.catalog.session_projection import project_head
from imalink.catalog.tags import set_tags
from imalink.catalog.timeline import count_days
from imalink.core.ids import Hothash, PhotoUuid
from imalink.core.index import FileEntry, SessionIndex
from imalink.core.user_facts import highest_counter

COMPANIONS = table_of(CompanionFile)
SESSION_PHOTOS = table_of(SessionPhoto)
DELETED = table_of(DeletedFile)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectedSession:
    """What came of a projection.

    ``session_number`` is the session's number in this catalog, ``file_number`` that of its file. ``is_number_changed``
    tells that the session is new here and its file's number was taken (finding ``session-number-changed``).
    """

    session_number: int
    file_number: int
    is_new: bool
    is_number_changed: bool
    entry_count: int


@dataclass(frozen=True, slots=True)
class _Index(RowOwner):
    """One session's index in one storage: whose records are being replaced."""

    def rows_of(self, table: Table) -> ColumnElement[bool]:
        """The condition for its rows in a table of records."""
        return (table.c.import_session_id == self.session_id) & (table.c.file_storage_id == self.storage_id)


@dataclass(frozen=True, slots=True)
class _Concerned:
    """The image files and photos that the replaced records were about."""

    image_ids: set[int]
    photo_ids: set[int]
    photo_uuids: set[PhotoUuid]


def project_session(
    db: Session, *, storage: StorageRecord, index: SessionIndex, only: Collection[Hothash] | None = None
) -> ProjectedSession:
    """Make the catalog hold what ``index`` says of the session in ``storage``, and nothing else it said before.

    With ``only``, look just at these hothashes, which must be all that changed since the last projection: entries,
    photos of such entries and tombstones; gone ones (an old hothash after an edit) too. The head is always projected.
    Idempotent; commits nothing. Raises ValueError when the index is another storage's.
    """
    if index.storage_uuid != storage.storage_uuid:
        raise ValueError(f"the index is of storage {index.storage_uuid}, not {storage.storage_uuid}")
    db.flush()
    placed = project_head(db, storage.id, index)
    of_index = _Index(placed.session_id, storage.id)
    before = _count_files(db, of_index)
    with paused_collection():
        entry_count = _replace_records(db, of_index, index, None if only is None else frozenset(only))
    after = _count_files(db, of_index)
    change_counts(db, storage.id, files=after[0] - before[0], size_bytes=after[1] - before[1])
    db.expire_all()
    return ProjectedSession(
        session_number=placed.session_id,
        file_number=index.session.number,
        is_new=placed.is_new,
        is_number_changed=placed.is_number_changed,
        entry_count=entry_count,
    )


def _count_files(db: Session, of_index: _Index) -> tuple[int, int]:
    """Count the files that an index names, and their bytes: only these change, not those of the whole storage."""
    counted = select(func.count(), func.coalesce(func.sum(LOCATIONS.c.file_size), 0)).where(of_index.rows_of(LOCATIONS))
    count, size_bytes = db.execute(counted).one()
    return count, int(size_bytes)


def remove_index(db: Session, *, session_id: int, storage_id: int) -> None:
    """Take away all that a session's index in a storage said, and derive anew what that was about.

    Pictures and photos of which nothing else speaks go. The session's head stays. Commits nothing.
    """
    db.flush()
    with paused_collection():
        _derive_anew(db, _remove_records(db, _Index(session_id, storage_id), None, ()))
    db.expire_all()


def _replace_records(db: Session, of_index: _Index, index: SessionIndex, touched: Collection[Hothash] | None) -> int:
    if touched is None:
        entries = list(index.files.values())
    else:
        entries = [index.files[hothash] for hothash in sorted(touched) if hothash in index.files]
    claimed = {entry.photo_uuid for entry in entries}
    concerned = _remove_records(db, of_index, touched, claimed)
    if touched is None:
        # What was said of a photo stands here although its last file of this session has left it.
        concerned.photo_uuids.update(index.photos.keys() - claimed)
    _insert_tombstones(db, of_index, index, touched)
    _insert_session_photos(db, of_index, index, claimed | concerned.photo_uuids)
    known = {image.hothash: image for image in load_images(db, hothashes=[entry.hothash for entry in entries])}
    concerned.image_ids.update(image.id for image in known.values())
    image_ids = _insert_new(db, of_index, index, entries, known, concerned)
    _insert_files(db, of_index, entries, image_ids, known)
    _derive_anew(db, concerned)
    return len(entries)


def _derive_anew(db: Session, concerned: _Concerned) -> None:
    if concerned.image_ids or concerned.photo_uuids:
        order = SettledOrder(db)
        concerned.photo_ids.update(reduce_images(db, concerned.image_ids, order))
        concerned.photo_ids.update(find_photo_ids(db, concerned.photo_uuids).values())
        reduce_photos(db, concerned.photo_ids, order)


def _remove_records(
    db: Session, of_index: _Index, touched: Collection[Hothash] | None, claimed: Collection[PhotoUuid]
) -> _Concerned:
    """Take away what the index said before, all or of ``touched``, and tell what that was about.

    ``claimed`` are the photos of the entries that come instead; their old records go too.
    """
    concerned = _Concerned(set(), set(), set())
    main_files = (
        select(LOCATIONS.c.image_file_id, IMAGES.c.photo_id, PHOTOS.c.photo_uuid, LOCATIONS.c.entry)
        .join(IMAGES, IMAGES.c.id == LOCATIONS.c.image_file_id)
        .join(PHOTOS, PHOTOS.c.id == IMAGES.c.photo_id)
        .where(of_index.rows_of(LOCATIONS), LOCATIONS.c.number == 0)
    )
    queries = [main_files]
    if touched is not None:
        queries = [main_files.where(IMAGES.c.hothash.in_(chunk)) for chunk in chunks(touched)]
    for query in queries:
        for image_id, photo_id, photo_uuid, entry in db.execute(query):
            concerned.image_ids.add(image_id)
            concerned.photo_ids.add(photo_id)
            concerned.photo_uuids.add(entry.photo_uuid if isinstance(entry, EntryRecord) else PhotoUuid(photo_uuid))
    connection = db.connection()
    if touched is None:
        said = select(SESSION_PHOTOS.c.photo_uuid).where(of_index.rows_of(SESSION_PHOTOS))
        concerned.photo_uuids.update(PhotoUuid(photo_uuid) for photo_uuid in db.execute(said).scalars())
        for table in (LOCATIONS, COMPANIONS, SESSION_PHOTOS, DELETED):
            connection.execute(delete(table).where(of_index.rows_of(table)))
        return concerned
    for ids in chunks(concerned.image_ids):
        for table in (LOCATIONS, COMPANIONS):
            connection.execute(delete(table).where(of_index.rows_of(table), table.c.image_file_id.in_(ids)))
    for uuids in chunks(concerned.photo_uuids.union(claimed)):
        condition = of_index.rows_of(SESSION_PHOTOS) & SESSION_PHOTOS.c.photo_uuid.in_(uuids)
        connection.execute(delete(SESSION_PHOTOS).where(condition))
    for hothashes in chunks(touched):
        connection.execute(delete(DELETED).where(of_index.rows_of(DELETED), DELETED.c.hothash.in_(hothashes)))
    return concerned


def _insert_tombstones(db: Session, of_index: _Index, index: SessionIndex, touched: Collection[Hothash] | None) -> None:
    rows = deleted_rows(index, of_index, index.deleted if touched is None else sorted(touched))
    insert_rows(db, DELETED, DELETED_COLUMNS, rows)


def _insert_session_photos(
    db: Session, of_index: _Index, index: SessionIndex, photo_uuids: Iterable[PhotoUuid]
) -> None:
    said = said_photos(index, photo_uuids)
    note_counter(db, highest_counter(said))
    rows = [session_photo_row(photo, index, of_index) for photo in said]
    insert_rows(db, SESSION_PHOTOS, SESSION_PHOTO_COLUMNS, rows)


def _insert_new(
    db: Session,
    of_index: _Index,
    index: SessionIndex,
    entries: Sequence[FileEntry],
    known: Mapping[Hothash, KnownImage],
    concerned: _Concerned,
) -> dict[Hothash, int]:
    """Insert photos and image files that the catalog does not have; give the ids of all the entries' image files.

    Photos that others speak of too are added to ``concerned``: their rows are only a beginning.
    """
    by_photo = group_by_photo(entries)
    photo_ids = find_photo_ids(db, by_photo)
    concerned.photo_uuids.update(photo_ids)
    new_photos = {
        photo_uuid: derive_alone(photo_uuid, index, group)
        for photo_uuid, group in by_photo.items()
        if photo_uuid not in photo_ids
    }
    concerned.photo_uuids.update(
        photo_uuid for photo_uuid in new_photos if any(entry.hothash in known for entry in by_photo[photo_uuid])
    )
    concerned.photo_uuids.update(_find_spoken_of(db, of_index, new_photos))
    count_days(db, Counter(derived.local_day for derived in new_photos.values()))
    new_ids = insert_and_find_ids(db, PHOTOS, PHOTO_COLUMNS, [derived.row for derived in new_photos.values()])
    if new_ids:
        full_text.add_above(db.connection(), min(new_ids.values()) - 1)
    photo_ids.update((PhotoUuid(photo_uuid), photo_id) for photo_uuid, photo_id in new_ids.items())
    tags = {photo_ids[photo_uuid]: derived.tags for photo_uuid, derived in new_photos.items() if derived.tags}
    set_tags(db, tags, are_new=True)

    new_entries = [entry for entry in entries if entry.hothash not in known]
    rows = [
        image_row(
            entry.hothash,
            entry_record_of(entry),
            photo_id=photo_ids[entry.photo_uuid],
            session_id=of_index.session_id,
            imported_at=canonical_instant(entry.imported_at),
        )
        for entry in new_entries
    ]
    ids = {image.hothash: image.id for image in known.values()}
    new_image_ids = insert_and_find_ids(db, IMAGES, IMAGE_COLUMNS, rows)
    ids.update((Hothash(hothash), image_id) for hothash, image_id in new_image_ids.items())
    return ids


def _find_spoken_of(db: Session, of_index: _Index, photo_uuids: Collection[PhotoUuid]) -> set[PhotoUuid]:
    """Give those photos of which another index has a record, or the user said something that waits."""
    found = set(find_waiting(db, photo_uuids))
    if (
        db.execute(select(SESSION_PHOTOS.c.photo_uuid).where(~of_index.rows_of(SESSION_PHOTOS)).limit(1)).first()
        is None
    ):
        return found
    for chunk in chunks(photo_uuids):
        said = select(SESSION_PHOTOS.c.photo_uuid).where(
            SESSION_PHOTOS.c.photo_uuid.in_(chunk), ~of_index.rows_of(SESSION_PHOTOS)
        )
        found.update(PhotoUuid(photo_uuid) for photo_uuid in db.execute(said).scalars())
    return found


def _insert_files(
    db: Session,
    of_index: _Index,
    entries: Sequence[FileEntry],
    image_ids: Mapping[Hothash, int],
    known: Mapping[Hothash, KnownImage],
) -> None:
    locations: list[tuple[object, ...]] = []
    companions: list[tuple[object, ...]] = []
    for entry in entries:
        image_id = image_ids[entry.hothash]
        image = known.get(entry.hothash)
        record = None if image is None else entry_record_of(entry)
        own = None if image is None or record == image.record else record
        locations.extend(location_rows(entry, image_id, of_index, own=own))
        companions.extend(companion_rows(entry, image_id, of_index))
    insert_rows(db, LOCATIONS, LOCATION_COLUMNS, locations)
    insert_rows(db, COMPANIONS, COMPANION_COLUMNS, companions)
