"""Search: from a query value to photos, newest first, page by page."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import msgspec
from sqlalchemy import ColumnElement, Integer, Select, and_, func, literal, or_, select, tuple_, union
from sqlalchemy.orm import Session

from imalink.catalog.column_types import Instant, canonical_instant
from imalink.catalog.models import Author, FileLocation, FileStorage, ImageFile, ImportSession, Photo, Tag, photo_tags
from imalink.catalog.tags import load_tags
from imalink.catalog.text_matching import Pattern, TextMatcher, glob, part, whole
from imalink.core.ids import Hothash, PhotoUuid, StorageUuid
from imalink.core.index import FileStatus
from imalink.core.search_query import SearchQuery
from imalink.errors import UsageError

_ORDER = "taken"
_MAX_ID = 2**31 - 1
_MAX_OFFSET_DAYS = 5
"""More than any offset that a capture time can have (±99:59): as far as UTC can be from the camera's day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPhoto:
    """What a list shows of a photo: what holds for it, and its primary file's hothash and original name."""

    photo_uuid: PhotoUuid
    hothash: Hothash
    title: str | None
    caption: str | None
    author: str | None
    tags: tuple[str, ...]
    rating: int | None
    label: str | None
    rejected: bool
    taken_at: str | None
    taken_at_local: str | None
    taken_at_offset: str | None
    taken_at_source: str | None
    camera_make: str | None
    camera_model: str | None
    width: int | None
    height: int | None
    file_format: str
    original_filename: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPage:
    """Photos in their order; ``next`` is the ``after`` of the following page, None on the last."""

    photos: tuple[FoundPhoto, ...]
    next: str | None


class _Cursor(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The place after a photo in the order; ``taken_at`` is None among the undated."""

    order: str
    taken_at: str | None
    photo_id: int


def search_photos(
    db: Session, query: SearchQuery, *, session_number: int | None = None, storage_uuid: StorageUuid | None = None
) -> FoundPage:
    """Give one page of the photos that fit: the latest taken first, the undated last, of equals the newest row first.

    ``session_number`` and ``storage_uuid`` are what ``query.session`` and ``query.storage`` mean in this catalog. A
    photo that is changed between two pages may be in neither or in both; all others are in exactly one. Raises
    UsageError for an ``after`` that no page gave.
    """
    if (query.session is None) != (session_number is None) or (query.storage is None) != (storage_uuid is None):
        raise ValueError("a session or storage was not looked up")
    after = None if query.after is None else _load_cursor(query.after)
    conditions = _Conditions(db, session_number=session_number, storage_uuid=storage_uuid).of(query)
    is_dated = query.taken_from is not None or query.taken_to is not None
    wanted = query.limit + 1
    keys: list[tuple[int, str | None]] = []
    # Two questions and not one: only so both engines walk the index (PostgreSQL has no date before all dates).
    if after is None or after.taken_at is not None:
        keys.extend(_dated(db, conditions, after=after, limit=wanted))
        after = None
    if len(keys) < wanted and not is_dated and _has_undated(db):
        keys.extend(_undated(db, conditions, after=after, limit=wanted - len(keys)))
    page = keys[: query.limit]
    return FoundPage(
        photos=_load_photos(db, [photo_id for photo_id, _ in page]),
        next=_dump_cursor(page[-1]) if len(keys) > len(page) else None,
    )


def _dated(
    db: Session, conditions: Sequence[ColumnElement[bool]], *, after: _Cursor | None, limit: int
) -> list[tuple[int, str | None]]:
    query = select(Photo.id, Photo.taken_at).where(Photo.taken_at.is_not(None), *conditions)
    if after is not None:
        place = tuple_(literal(after.taken_at, Instant), literal(after.photo_id, Integer))
        query = query.where(tuple_(Photo.taken_at, Photo.id) < place)
    rows = db.execute(query.order_by(Photo.taken_at.desc(), Photo.id.desc()).limit(limit))
    return [(photo_id, taken_at) for photo_id, taken_at in rows]


def _undated(
    db: Session, conditions: Sequence[ColumnElement[bool]], *, after: _Cursor | None, limit: int
) -> list[tuple[int, str | None]]:
    query = select(Photo.id).where(Photo.taken_at.is_(None), *conditions)
    if after is not None:
        query = query.where(Photo.id < after.photo_id)
    rows = db.execute(query.order_by(Photo.id.desc()).limit(limit))
    return [(photo_id, None) for photo_id in rows.scalars()]


def _has_undated(db: Session) -> bool:
    """Tell whether any photo is undated: few libraries have one, and the conditions need not be asked twice then."""
    return db.execute(select(Photo.id).where(Photo.taken_at.is_(None)).limit(1)).first() is not None


class _Conditions:
    """Turns a query into conditions on ``photos``; what a user typed only ever becomes a bound value.

    What other tables say is asked once, as a set of ids, not per photo: so a search that finds nothing is not slow.
    """

    def __init__(self, db: Session, *, session_number: int | None, storage_uuid: StorageUuid | None) -> None:
        self._matches = TextMatcher(db).matches
        self._session_number = session_number
        self._storage_uuid = storage_uuid

    def of(self, query: SearchQuery) -> list[ColumnElement[bool]]:
        """Give the conditions, all of which must hold."""
        conditions = [
            *_days(query.taken_from, query.taken_to),
            *(Photo.id.in_(self._tagged(whole(tag))) for tag in query.tags),
            *self._has_file(query),
            *(self._has_word(part(word)) for word in query.words),
        ]
        if query.rating_min:
            conditions.append(Photo.rating >= query.rating_min)
        if query.camera is not None:
            name = func.coalesce(Photo.camera_make, "") + " " + func.coalesce(Photo.camera_model, "")
            conditions.append(self._matches(name, part(query.camera)))
        if query.author is not None:
            conditions.append(self._is_by(part(query.author)))
        return conditions

    def _has_word(self, pattern: Pattern) -> ColumnElement[bool]:
        in_photo = or_(self._matches(Photo.title, pattern), self._matches(Photo.caption, pattern))
        in_name = self._matches(ImageFile.original_filename, pattern)
        found = union(
            select(Photo.id).where(in_photo), self._tagged(pattern), select(ImageFile.photo_id).where(in_name)
        )
        return Photo.id.in_(found)

    def _tagged(self, pattern: Pattern) -> Select[int]:
        tag_ids = select(Tag.id).where(self._matches(Tag.name, pattern))
        return select(photo_tags.c.photo_id).where(photo_tags.c.tag_id.in_(tag_ids))

    def _is_by(self, pattern: Pattern) -> ColumnElement[bool]:
        """The photo's own author or, where it has none, the one its session was imported for."""
        authors = select(Author.id).where(self._matches(Author.name, pattern))
        sessions = select(ImportSession.id).where(ImportSession.default_author_id.in_(authors))
        inherits = Photo.id.in_(select(ImageFile.photo_id).where(ImageFile.import_session_id.in_(sessions)))
        return or_(self._matches(Photo.author, pattern), and_(Photo.author.is_(None), inherits))

    def _has_file(self, query: SearchQuery) -> list[ColumnElement[bool]]:
        """One and the same file must have format and name, be in the session and storage, and be missing or damaged."""
        pictures: list[ColumnElement[bool]] = []
        if query.file_format is not None:
            pictures.append(ImageFile.file_format == query.file_format)
        if query.filename is not None:
            pictures.append(self._matches(ImageFile.original_filename, glob(query.filename)))
        places: list[ColumnElement[bool]] = []
        if self._session_number is not None:
            places.append(FileLocation.import_session_id == self._session_number)
        if self._storage_uuid is not None:
            storage_id = select(FileStorage.id).where(FileStorage.storage_uuid == self._storage_uuid).scalar_subquery()
            places.append(FileLocation.file_storage_id == storage_id)
        states = (
            (query.has_missing, FileLocation.status == FileStatus.MISSING.value),
            (query.has_damaged, FileLocation.damage.is_not(None)),
        )
        conditions: list[ColumnElement[bool]] = [
            Photo.id.not_in(_files(pictures, [*places, state])) for is_wanted, state in states if is_wanted is False
        ]
        places.extend(state for is_wanted, state in states if is_wanted)
        if pictures or places:
            conditions.append(Photo.id.in_(_files(pictures, places)))
        return conditions


def _files(pictures: Sequence[ColumnElement[bool]], places: Sequence[ColumnElement[bool]]) -> Select[int]:
    """Give the photos that have such an image file, and of it a file in such a place."""
    found = select(ImageFile.photo_id).where(*pictures)
    return found.join(FileLocation, FileLocation.image_file_id == ImageFile.id).where(*places) if places else found


def _days(first: date | None, last: date | None) -> list[ColumnElement[bool]]:
    """The camera's days decide; the wider range of UTC only lets the index find them."""
    conditions: list[ColumnElement[bool]] = []
    local_day = func.substr(Photo.taken_at_local, 1, 10)
    margin = timedelta(days=_MAX_OFFSET_DAYS)
    if first is not None:
        conditions.append(local_day >= first.isoformat())
        if first - date.min > margin:
            conditions.append(Photo.taken_at >= literal(_midnight(first - margin), Instant))
    if last is not None:
        conditions.append(local_day <= last.isoformat())
        if date.max - last > margin:
            conditions.append(Photo.taken_at < literal(_midnight(last + margin), Instant))
    return conditions


def _midnight(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"


def _load_photos(db: Session, photo_ids: Sequence[int]) -> tuple[FoundPhoto, ...]:
    query = (
        select(Photo, ImageFile.original_filename)
        .join(ImageFile, ImageFile.hothash == Photo.primary_hothash)
        .where(Photo.id.in_(photo_ids))
    )
    rows = {photo.id: (photo, name) for photo, name in db.execute(query)}
    tags = load_tags(db, photo_ids)
    return tuple(_found(*rows[key], tags.get(key, ())) for key in photo_ids if key in rows)


def _found(photo: Photo, original_filename: str, tags: tuple[str, ...]) -> FoundPhoto:
    return FoundPhoto(
        photo_uuid=PhotoUuid(photo.photo_uuid),
        hothash=Hothash(photo.primary_hothash),
        title=photo.title,
        caption=photo.caption,
        author=photo.author,
        tags=tags,
        rating=photo.rating,
        label=photo.label,
        rejected=photo.rejected,
        taken_at=photo.taken_at,
        taken_at_local=photo.taken_at_local,
        taken_at_offset=photo.taken_at_offset,
        taken_at_source=photo.taken_at_source,
        camera_make=photo.camera_make,
        camera_model=photo.camera_model,
        width=photo.width,
        height=photo.height,
        file_format=photo.file_format,
        original_filename=original_filename,
    )


def _dump_cursor(key: tuple[int, str | None]) -> str:
    photo_id, taken_at = key
    data = msgspec.json.encode(_Cursor(_ORDER, taken_at, photo_id))
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _load_cursor(text: str) -> _Cursor:
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        cursor = msgspec.json.decode(base64.b64decode(padded, altchars=b"-_", validate=True), type=_Cursor)
        if cursor.order != _ORDER or not 0 < cursor.photo_id <= _MAX_ID:
            raise ValueError("not a place in the order")
        if cursor.taken_at is not None:
            canonical_instant(cursor.taken_at)
    except (ValueError, binascii.Error, msgspec.MsgspecError) as error:
        raise UsageError(
            "The place to go on from (after) was not given by a search.",
            hint="Use the `next` of the page before, or leave it out to begin with the first page.",
        ) from error
    return cursor
