"""Loading: whole new sessions from finished parts into the catalog, at the speed of the database.

The result is what projecting them one by one gives. What cannot be taken in whole, because the catalog knows the
session, or a picture or photo of it already, is left to ``projection``.
Decision: docs/decisions/0077-recovery-loads-whole-sessions.md.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Table, func, select
from sqlalchemy.orm import Session

from imalink.catalog import dialects, full_text
from imalink.catalog.authors import remember_author
from imalink.catalog.bulk import paused_collection
from imalink.catalog.derivation import IMAGE_COLUMNS, PHOTO_COLUMNS
from imalink.catalog.file_storages import StorageRecord, change_counts
from imalink.catalog.import_sessions import MAX_NUMBER, allocate_number
from imalink.catalog.index_rows import COMPANION_COLUMNS, DELETED_COLUMNS, LOCATION_COLUMNS, SESSION_PHOTO_COLUMNS
from imalink.catalog.mirroring import Mirror, find_told_otherwise
from imalink.catalog.models import ImportSession, photo_tags
from imalink.catalog.outbox import note_counter
from imalink.catalog.parts import COMPANIONS, DELETED, IMAGES, LOCATIONS, PHOTOS, SESSION_PHOTOS, Part, PartSession
from imalink.catalog.reduction import SettledOrder, reduce_photos
from imalink.catalog.said_models import WaitingEdit
from imalink.catalog.session_projection import PlacedSession, insert_head
from imalink.catalog.tags import remember_tags
from imalink.catalog.timeline import count_days
from imalink.core.ids import SessionUuid
from imalink.core.index import SessionIndex
from imalink.core.progress import Progress, SilentProgress
from imalink.core.session import Author

_LOG = logging.getLogger(__name__)

MANY_PICTURES = 20_000
"""From so many new pictures on, in a catalog with fewer, indexes are taken away first and made anew last."""

LOAD_PHASE = "load"
"""Sessions coming into the catalog."""
INDEX_PHASE = "make search ready"
"""Indexes of the catalog being made anew."""

_SESSION, _IMAGE = "import_session_id", "image_file_id"
_FILLED = (PHOTOS, IMAGES, LOCATIONS, COMPANIONS, SESSION_PHOTOS, DELETED, photo_tags)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedSession:
    """What became of a session of a part: ``placed`` is None where it is left to be projected."""

    session: PartSession
    placed: PlacedSession | None


@dataclass(frozen=True, slots=True)
class _Before:
    """The greatest ids of photos and images that were there before a part; its own are counted on from these."""

    photo: int
    image: int


def load_parts(
    db: Session,
    storage: StorageRecord,
    parts: Sequence[Part],
    *,
    many: int = MANY_PICTURES,
    progress: Progress | None = None,
) -> list[list[LoadedSession]]:
    """Take in those sessions of each part that are new here with all their pictures, or told by another storage too.

    Tells what became of each session.

    The parts were made for this storage, and ``db`` was begun beside their files, in this order. ``many`` is as
    MANY_PICTURES. ``progress`` hears of sessions, then of indexes; its CancelledError stops it all, on SQLite within a
    moment, on PostgreSQL between two of them. Commits nothing.
    """
    progress = progress or SilentProgress()
    db.flush()
    with paused_collection(), dialects.stoppable(db.connection(), progress.checkpoint):
        return _load(db, storage, parts, many, progress)


def _load(
    db: Session, storage: StorageRecord, parts: Sequence[Part], many: int, progress: Progress
) -> list[list[LoadedSession]]:
    start = _greatest(db)
    loaded: list[list[LoadedSession]] = []
    sessions = [part.sessions() for part in parts]
    load = _Load(db, storage)
    with _without_indexes(db, start, progress, _filled(load, sessions, start, many)):
        progress.start_phase(LOAD_PHASE, total_files=sum(map(len, sessions)))
        for number, part in enumerate(parts):
            of_part = _PartLoad(load, part, number)
            taken: list[LoadedSession] = []
            for session in sessions[number]:
                progress.checkpoint()
                taken.append(LoadedSession(session=session, placed=of_part.take_in(session)))
                progress.advance(files=1, current=session.head.session.title)
            loaded.append(taken)
        load.count()
    dialects.settle_ids(db.connection(), [PHOTOS.name, IMAGES.name])
    days = select(PHOTOS.c.local_day, func.count()).where(PHOTOS.c.id > start.photo).group_by(PHOTOS.c.local_day)
    count_days(db, Counter(dict(iter(db.execute(days)))))
    reduce_photos(db, _spoken_of_elsewhere(db, start), SettledOrder(db))
    db.expire_all()
    return loaded


def _greatest(db: Session) -> _Before:
    return _Before(
        *(db.execute(select(func.coalesce(func.max(each.c.id), 0))).scalar_one() for each in (PHOTOS, IMAGES))
    )


def _filled(load: _Load, sessions: Sequence[Sequence[PartSession]], start: _Before, many: int) -> Sequence[Table]:
    """Give the tables of which more comes than is there: those without known sessions, all of them."""
    coming = [each for of_part in sessions for each in of_part]
    new = sum(each.picture_count for each in coming if not load.is_known(each.head.session.session_uuid))
    if new >= max(many, start.image):
        return _FILLED
    return (LOCATIONS, COMPANIONS) if sum(each.picture_count for each in coming) >= max(many, start.image) else ()


@contextmanager
def _without_indexes(db: Session, start: _Before, progress: Progress, tables: Sequence[Table]) -> Generator[None]:
    """Keep those indexes of tables that tell nothing apart out of a block; full-text search is told after."""
    connection = db.connection()
    has_photos = PHOTOS in tables
    indexes = sorted((index for table in tables for index in table.indexes if not index.unique), key=str)
    if has_photos:
        full_text.drop_index(connection)
    for index in indexes:
        index.drop(connection)
    yield
    progress.start_phase(INDEX_PHASE, total_files=len(indexes) + 1)
    for index in indexes:
        progress.checkpoint()
        index.create(connection)
        progress.advance(files=1, current=str(index.name))
    progress.checkpoint()
    if has_photos:
        full_text.create_index(connection)
    else:
        full_text.add_above(connection, start.photo)
    progress.advance(files=1)


class _Load:
    """What is known of the catalog's sessions while sessions come into it, and what came."""

    def __init__(self, db: Session, storage: StorageRecord) -> None:
        self.db = db
        self.storage = storage
        sessions = list(db.execute(select(ImportSession.session_uuid, ImportSession.id)))
        self._uuids = {session_uuid for session_uuid, _ in sessions}
        self._numbers = {number for _, number in sessions}
        self._authors: dict[Author, int] = {}
        self.told_otherwise: set[int] = find_told_otherwise(db) if sessions else set()
        self._file_count = self._size_bytes = self._edit_counter = 0

    def is_known(self, session_uuid: SessionUuid) -> bool:
        """Tell whether the catalog has the session."""
        return session_uuid in self._uuids

    def place(self, index: SessionIndex) -> PlacedSession:
        """Give a new session the number of its file, or another where that is taken."""
        number = index.session.number
        is_taken = not 0 < number <= MAX_NUMBER or number in self._numbers
        if is_taken:
            number = allocate_number(self.db, [number])
        return PlacedSession(session_id=number, is_new=True, is_number_changed=is_taken)

    def author_id(self, author: Author | None, number: int | None) -> int | None:
        """Give the number of a session's author, who is made now when new, under ``number`` where that is free."""
        if author is not None and author not in self._authors:
            self._authors[author] = remember_author(self.db, author, number=number)
        return None if author is None else self._authors[author]

    def add(self, session: PartSession, placed: PlacedSession) -> None:
        """Note that a session came in."""
        self._uuids.add(session.head.session.session_uuid)
        self._numbers.add(placed.session_id)
        self._file_count += session.file_count
        self._size_bytes += session.size_bytes
        self._edit_counter = max(self._edit_counter, session.edit_counter)

    def count(self) -> None:
        """Let the catalog's counts be those with what came."""
        note_counter(self.db, self._edit_counter)
        change_counts(self.db, self.storage.id, files=self._file_count, size_bytes=self._size_bytes)


class _PartLoad:
    """The sessions of one part on their way into the catalog; ``number`` is the part's in the transaction."""

    def __init__(self, load: _Load, part: Part, number: int) -> None:
        self._load = load
        self._db = load.db
        self._part = part
        self._number = number
        self._before = _greatest(load.db)
        self._tags = remember_tags(load.db, part.tag_names())
        self._mirror = Mirror(load.db, load.storage.id, part, number, load.told_otherwise)

    def take_in(self, session: PartSession) -> PlacedSession | None:
        """Take one session in whole, or nothing of it: then it is None."""
        head, load = session.head.session, self._load
        index = _bare_index(load.storage, session)
        if load.is_known(head.session_uuid):
            placed = self._mirror.take_in(index, session)
            if placed is not None:
                load.add(session, placed)
            return placed
        placed = load.place(index)
        author_id = load.author_id(head.default_author, head.default_author_id)
        try:
            with self._db.connection().begin_nested():
                insert_head(self._db, load.storage.id, index, placed.session_id, author_id)
                self._move(session, placed.session_id)
        except dialects.conflict_errors():
            _LOG.info("session %s has pictures that the catalog has from elsewhere: it is projected", head.session_uuid)
            return None
        load.add(session, placed)
        return placed

    def _move(self, session: PartSession, session_id: int) -> None:
        connection, before = self._db.connection(), self._before
        image = {_IMAGE: f"{_IMAGE} + {before.image}"}
        photo_id = f"photo_id + {before.photo}"
        moves: tuple[tuple[Table, Sequence[str], dict[str, str]], ...] = (
            (PHOTOS, ("id", *PHOTO_COLUMNS), {"id": f"id + {before.photo}"}),
            (IMAGES, ("id", *IMAGE_COLUMNS), {"id": f"id + {before.image}", "photo_id": photo_id}),
            (LOCATIONS, LOCATION_COLUMNS, image),
            (COMPANIONS, COMPANION_COLUMNS, image),
            (SESSION_PHOTOS, SESSION_PHOTO_COLUMNS, {}),
            (DELETED, DELETED_COLUMNS, {}),
        )
        for table, columns, moved in moves:
            here = {**moved, _SESSION: str(session_id)}
            source = self._source(table, session, ", ".join(here.get(name, name) for name in columns))
            if source is not None:
                dialects.move_rows(connection, table.name, columns, source)
        source = self._source(photo_tags, session, f"{photo_id}, position, name")
        if source is not None:
            dialects.move_tags(connection, source, self._tags)

    def _source(self, table: Table, session: PartSession, values: str) -> dialects.RowSource | None:
        """Give the rows of a session in a table; None where it has none."""
        first, last = session.rows[table.name]
        condition = "rowid BETWEEN ? AND ?"
        return (
            None
            if last < first
            else dialects.RowSource(self._number, values, condition, (first, last), self._part.rows)
        )


def _bare_index(storage: StorageRecord, session: PartSession) -> SessionIndex:
    """Give a session's index without its files: all that its head is made from."""
    return SessionIndex(
        session=session.head.session,
        storage_uuid=storage.storage_uuid,
        storage_directory="",
        files={},
        photos={},
        statistics=session.head.statistics,
        generated_at=session.generated_at,
        generation=session.generation,
    )


def _spoken_of_elsewhere(db: Session, start: _Before) -> set[int]:
    """Give the photos of which not only the index says something that their pictures came with.

    Of what one of the two said before these rows came, all was derived already.
    """
    said = SESSION_PHOTOS.c
    by_others = (
        select(PHOTOS.c.id)
        .join(SESSION_PHOTOS, said.photo_uuid == PHOTOS.c.photo_uuid)
        .join(IMAGES, IMAGES.c.photo_id == PHOTOS.c.id)
        .where(said.import_session_id != IMAGES.c.import_session_id)
    )
    waiting = select(PHOTOS.c.id).join(WaitingEdit, WaitingEdit.photo_uuid == PHOTOS.c.photo_uuid)
    found: set[int] = set()
    if db.execute(select(said.photo_uuid).limit(1)).first() is not None:
        found.update(db.execute(by_others.distinct()).scalars())
    if db.execute(select(WaitingEdit.id).limit(1)).first() is not None:
        found.update(db.execute(waiting.where(PHOTOS.c.id > start.photo)).scalars())
    return found
