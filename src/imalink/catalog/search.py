"""Search: from a query value to photos, newest first, page by page."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import cast

import msgspec
from sqlalchemy import ColumnElement, bindparam, func, select
from sqlalchemy.orm import Session

from imalink.catalog import full_text
from imalink.catalog.bulk import table_of
from imalink.catalog.column_types import canonical_instant
from imalink.catalog.models import ImageFile, Photo, PhotoDay
from imalink.catalog.photo_walk import PhotoWalk
from imalink.catalog.search_conditions import Conditions, Reach
from imalink.catalog.tags import load_tags
from imalink.core.ids import Hothash, PhotoUuid, StorageUuid
from imalink.core.search_query import SearchQuery
from imalink.errors import UsageError, of_field

_ORDER = "taken"
_MAX_ID = 2**31 - 1
MAX_COUNT = 10_000
"""So many photos that fit are counted."""

_PHOTOS = table_of(Photo)
_SHOWN = (
    "id photo_uuid primary_hothash title caption author rating label rejected taken_at taken_at_local taken_at_offset "
    "taken_at_source camera_make camera_model width height latitude has_raw file_format"
).split()
"""The columns of a list: without the long ones, and without an object of the ORM for each photo."""
_IMAGES = table_of(ImageFile)
_LISTED = (
    select(
        *(_PHOTOS.c[name] for name in _SHOWN),
        *(_IMAGES.c[name] for name in ("hothash", "original_filename", "hotpreview_rendition")),
    )
    # Not by hothash: files of neighbours are neighbours too, but their hothashes are anywhere in their index.
    .join(_IMAGES, _IMAGES.c.photo_id == _PHOTOS.c.id)
    .where(_PHOTOS.c.id.in_(bindparam("ids", expanding=True)))
)
"""Made once: making it takes as long as asking it."""

_Text = str | None
_Number = int | None
# fmt: off
_Listed = tuple[
    int, str, str, _Text, _Text, _Text, _Number, _Text, bool, _Text, _Text, _Text, _Text, _Text, _Text, _Number,
    _Number, float | None, bool, str, str, str, _Text,
]
# fmt: on
"""A row of ``_LISTED``: a photo, and one of its files."""


class FoundPhoto(msgspec.Struct, frozen=True, kw_only=True):
    """What a list shows of a photo: what holds for it, and its primary file's hothash, preview and original name.

    ``id`` is its number in this catalog, as long as it is not recovered. A struct and no dataclass, for a page makes
    hundreds, each in a fifth of the time.
    """

    id: int
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
    has_gps: bool
    has_raw: bool
    file_format: str
    original_filename: str
    hotpreview_rendition: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPage:
    """Photos in their order.

    ``next`` is the ``after`` of the following page, None on the last; ``previous`` the ``before`` of the one in front,
    None on the first.
    """

    photos: tuple[FoundPhoto, ...]
    next: str | None
    previous: str | None = None


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
    UsageError for an ``after`` or ``before`` that no page gave.
    """
    place = query.after if query.before is None else query.before
    is_backward = query.before is not None
    with of_field("query.before" if is_backward else "query.after"):
        cursor = None if place is None else _load_cursor(place)
    is_dated = query.taken_from is not None or query.taken_to is not None

    def conditions(reach: Reach = Reach.PAGE) -> list[ColumnElement[bool]]:
        return conditions_of(db, query, session_number=session_number, storage_uuid=storage_uuid, reach=reach)

    # What is near is near to a date that is asked for only by chance.
    has_near = query.text is not None and not is_dated and full_text.costs_by_all(db)
    walk = PhotoWalk(
        db=db,
        conditions=cache(conditions),
        near=conditions(Reach.NEAR) if has_near else None,
        is_backward=is_backward,
    )
    keys = walk.keys(
        None if cursor is None else (cursor.photo_id, cursor.taken_at), limit=query.limit + 1, is_dated=is_dated
    )
    page, has_more = keys[: query.limit], len(keys) > query.limit
    if is_backward:
        page.reverse()
    has_next = bool(page) if is_backward else has_more
    has_previous = has_more if is_backward else cursor is not None and bool(page)
    return FoundPage(
        photos=load_photos(db, [photo_id for photo_id, _ in page]),
        next=_dump_cursor(page[-1]) if has_next else None,
        previous=_dump_cursor(page[0]) if has_previous else None,
    )


def conditions_of(
    db: Session,
    query: SearchQuery,
    *,
    session_number: int | None = None,
    storage_uuid: StorageUuid | None = None,
    reach: Reach = Reach.ALL,
) -> list[ColumnElement[bool]]:
    """Give what a query asks of ``photos``, in the form that is best for so many of them.

    Raises ValueError where its session or storage was not looked up.
    """
    if (query.session is None) != (session_number is None) or (query.storage is None) != (storage_uuid is None):
        raise ValueError("a session or storage was not looked up")
    return Conditions(db, session_number=session_number, storage_uuid=storage_uuid, reach=reach).of(query)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoCount:
    """How many photos fit; at least so many where it is not exact."""

    count: int
    is_exact: bool


def count_photos(
    db: Session, query: SearchQuery, *, session_number: int | None = None, storage_uuid: StorageUuid | None = None
) -> PhotoCount:
    """Tell how many photos fit a query, whichever page it is about: exactly up to MAX_COUNT, and without conditions."""
    conditions = conditions_of(db, query, session_number=session_number, storage_uuid=storage_uuid)
    if not conditions:
        total = db.execute(select(func.coalesce(func.sum(PhotoDay.photo_count), 0))).scalar_one()
        return PhotoCount(count=int(total), is_exact=True)
    bounded = select(Photo.id).where(*conditions).limit(MAX_COUNT + 1).subquery()
    count = db.execute(select(func.count()).select_from(bounded)).scalar_one()
    return PhotoCount(count=min(count, MAX_COUNT), is_exact=count <= MAX_COUNT)


def load_photos(db: Session, photo_ids: Sequence[int]) -> tuple[FoundPhoto, ...]:
    """Give what a list shows of these photos, in this order, at most IN_LIMIT; unknown ones are left out."""
    tags = load_tags(db, photo_ids)
    rows = cast("list[_Listed]", db.connection().execute(_LISTED, {"ids": list(photo_ids)}).all())
    found: dict[int, FoundPhoto] = {}
    # Unpacked, for reading a row's columns by their names takes twice as long as the database does.
    for (
        photo_id,
        photo_uuid,
        hothash,
        title,
        caption,
        author,
        rating,
        label,
        rejected,
        taken_at,
        taken_at_local,
        taken_at_offset,
        taken_at_source,
        camera_make,
        camera_model,
        width,
        height,
        latitude,
        has_raw,
        file_format,
        file_hothash,
        original_filename,
        hotpreview_rendition,
    ) in rows:
        if file_hothash != hothash:
            continue  # not its primary file
        found[photo_id] = FoundPhoto(
            id=photo_id,
            photo_uuid=PhotoUuid(photo_uuid),
            hothash=Hothash(hothash),
            title=title,
            caption=caption,
            author=author,
            tags=tags.get(photo_id, ()),
            rating=rating,
            label=label,
            rejected=rejected,
            taken_at=taken_at,
            taken_at_local=taken_at_local,
            taken_at_offset=taken_at_offset,
            taken_at_source=taken_at_source,
            camera_make=camera_make,
            camera_model=camera_model,
            width=width,
            height=height,
            has_gps=latitude is not None,
            has_raw=has_raw,
            file_format=file_format,
            original_filename=original_filename,
            hotpreview_rendition=hotpreview_rendition,
        )
    return tuple(found[key] for key in photo_ids if key in found)


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
            "The place to go on from (after, before) was not given by a search.",
            hint="Use the `next` of the page before, or leave it out to begin with the first page.",
        ) from error
    return cursor
