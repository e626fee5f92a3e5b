"""Loading: whole new sessions from finished parts into the catalog, at the speed of the database.

The result is what projecting them one by one gives. What cannot be taken in whole, because the catalog knows the
session, or a picture or photo of it already, is left to ``projection``.
Decision: docs/decisions/0077-recovery-loads-whole-sessions.md.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import cast

from sqlalchemy import Table, func, select
from sqlalchemy.orm import Session

from imalink.catalog import dialects, full_text
from imalink.catalog.bulk import paused_collection
from imalink.catalog.derivation import IMAGE_COLUMNS, PHOTO_COLUMNS
from imalink.catalog.file_storages import StorageRecord, change_counts
from imalink.catalog.index_rows import COMPANION_COLUMNS, DELETED_COLUMNS, LOCATION_COLUMNS, SESSION_PHOTO_COLUMNS
from imalink.catalog.models import ImportSession, photo_tags
from imalink.catalog.outbox import note_counter
from imalink.catalog.parts import COMPANIONS, DELETED, IMAGES, LOCATIONS, PHOTOS, SESSION_PHOTOS, Part, PartSession
from imalink.catalog.reduction import SettledOrder, reduce_photos
from imalink.catalog.said_models import WaitingEdit
from imalink.catalog.session_projection import PlacedSession, project_head
from imalink.catalog.tags import set_tags
from imalink.catalog.timeline import count_days
from imalink.core.index import SessionIndex

_LOG = logging.getLogger(__name__)

MANY_PICTURES = 20_000
"""From so many new pictures on, in a catalog with fewer, indexes are taken away first and made anew last."""

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
    checkpoint: Callable[[], None] = lambda: None,
) -> list[list[LoadedSession]]:
    """Take in those sessions of each part that are new here with all their pictures; tell what became of each session.

    The parts were made for this storage, and ``db`` was begun beside their files, in this order. ``many`` is as
    MANY_PICTURES. ``checkpoint`` is called between sessions, and stops it all by raising. Commits nothing.
    """
    db.flush()
    known = set(db.execute(select(ImportSession.session_uuid)).scalars())
    start = _greatest(db)
    loaded: list[list[LoadedSession]] = []
    with paused_collection(), _without_indexes(db, parts, start, many):
        for number, part in enumerate(parts):
            before = _greatest(db)
            taken: list[LoadedSession] = []
            for each in part.sessions():
                checkpoint()
                taken.append(_load_session(db, storage, part, number, each, known, before))
            loaded.append(taken)
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


@contextmanager
def _without_indexes(db: Session, parts: Sequence[Part], start: _Before, many: int) -> Generator[None]:
    """Keep the indexes that tell nothing apart out of a block that brings many rows; full-text search is told after."""
    connection = db.connection()
    coming = sum(session.images[1] - session.images[0] + 1 for part in parts for session in part.sessions())
    if coming < max(many, start.image):
        yield
        full_text.add_above(connection, start.photo)
        return
    indexes = sorted((index for table in _FILLED for index in table.indexes if not index.unique), key=str)
    full_text.drop_index(connection)
    for index in indexes:
        index.drop(connection)
    yield
    for index in indexes:
        index.create(connection)
    full_text.create_index(connection)


def _load_session(
    db: Session,
    storage: StorageRecord,
    part: Part,
    number: int,
    session: PartSession,
    known: set[str],
    before: _Before,
) -> LoadedSession:
    """Take one session in whole, or nothing of it."""
    session_uuid = session.head.session.session_uuid
    if session_uuid in known:
        return LoadedSession(session=session, placed=None)
    try:
        with db.begin_nested():
            placed = project_head(db, storage.id, _bare_index(storage, session))
            _copy_rows(db, part, number, session, placed.session_id, before)
            _copy_tags(db, part, session, before)
    except dialects.conflict_errors():
        _LOG.info("session %s has pictures that the catalog has from elsewhere: it is projected", session_uuid)
        return LoadedSession(session=session, placed=None)
    known.add(session_uuid)
    note_counter(db, session.edit_counter)
    change_counts(db, storage.id, files=session.file_count, size_bytes=session.size_bytes)
    return LoadedSession(session=session, placed=placed)


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


def _copy_rows(db: Session, part: Part, number: int, session: PartSession, session_id: int, before: _Before) -> None:
    by_id, by_row, by_session = "id BETWEEN ? AND ?", "rowid BETWEEN ? AND ?", f"{_SESSION} = ?"
    image = {_IMAGE: f"{_IMAGE} + {before.image}"}
    photo_id = f"photo_id + {before.photo}"
    moves: tuple[tuple[Table, Sequence[str], dict[str, str], str, Sequence[int]], ...] = (
        (PHOTOS, ("id", *PHOTO_COLUMNS), {"id": f"id + {before.photo}"}, by_id, session.photos),
        (
            IMAGES,
            ("id", *IMAGE_COLUMNS),
            {"id": f"id + {before.image}", "photo_id": photo_id},
            by_id,
            session.images,
        ),
        (LOCATIONS, LOCATION_COLUMNS, image, by_row, session.locations),
        (COMPANIONS, COMPANION_COLUMNS, image, by_session, (session.id,)),
        (SESSION_PHOTOS, SESSION_PHOTO_COLUMNS, {}, by_session, (session.id,)),
        (DELETED, DELETED_COLUMNS, {}, by_session, (session.id,)),
    )
    for table, columns, moved, condition, arguments in moves:
        here = {**moved, _SESSION: str(session_id)}
        wanted = ", ".join(here.get(name, name) for name in columns)
        source = dialects.RowSource(number, wanted, condition, tuple(arguments), part.rows)
        dialects.move_rows(db.connection(), table.name, columns, source)


def _copy_tags(db: Session, part: Part, session: PartSession, before: _Before) -> None:
    query = "SELECT photo_id + ?, name FROM photo_tags WHERE photo_id BETWEEN ? AND ? ORDER BY photo_id, position"
    rows = cast("Iterator[tuple[int, str]]", part.rows(query, (before.photo, *session.photos)))
    tags = {photo_id: tuple(name for _, name in named) for photo_id, named in groupby(rows, key=itemgetter(0))}
    set_tags(db, tags, are_new=True)


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
    found = set(db.execute(by_others.distinct()).scalars())
    found.update(db.execute(waiting.where(PHOTOS.c.id > start.photo)).scalars())
    return found
