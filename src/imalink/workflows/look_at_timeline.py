"""Look at the timeline: all photos that fit a query in their order, and whether another order may hold by now."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from imalink.catalog import file_storages, photos, search, standing, timeline
from imalink.catalog.catalog import Db
from imalink.catalog.search import FoundPhoto
from imalink.catalog.timeline import TimelineOrder
from imalink.core.ids import Hothash, StorageUuid
from imalink.core.search_query import PhotoStatus, SearchQuery
from imalink.workflows.search_photos import Meaning
from imalink.workflows.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineState:
    """What an order of photos depends on: while it is the same, so is the order.

    ``reached`` are the storages within reach, where the query asks for that.
    """

    library_rev: int
    reached: frozenset[StorageUuid]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineItems:
    """What a gallery shows of some photos, by their ids; those that are no more are left out."""

    photos: Mapping[int, FoundPhoto]
    statuses: Mapping[int, PhotoStatus]


def look_at_state(tools: Tools, query: SearchQuery) -> TimelineState:
    """Tell what an order of the photos that fit would depend on now."""
    with tools.catalog.read() as db:
        return _state(db, query)


def digest_days(tools: Tools) -> str:
    """Give a digest of how many photos each day of the whole library has."""
    with tools.catalog.read() as db:
        return _days_digest(db)


def read_order(tools: Tools, query: SearchQuery, meant: Meaning) -> tuple[TimelineState, str, TimelineOrder]:
    """Give all photos that fit in their order, with the state and the digest of days of that moment."""
    with tools.catalog.read() as db:
        state = _state(db, query)
        conditions = search.conditions_of(
            db, query, session_number=meant.session_number, storage_uuid=meant.storage_uuid
        )
        return state, _days_digest(db), timeline.load_order(db, conditions)


def read_items(tools: Tools, photo_ids: Sequence[int]) -> TimelineItems:
    """Give what a gallery shows of these photos, at most 1,000."""
    with tools.catalog.read() as db:
        found = search.load_photos(db, photo_ids)
        return TimelineItems(
            photos={photo.id: photo for photo in found}, statuses=standing.load_statuses(db, photo_ids)
        )


def find_photo_id(tools: Tools, hothash: Hothash) -> int | None:
    """Give the number of the photo that holds a picture; None where none does."""
    with tools.catalog.read() as db:
        record = photos.find_photo(db, hothash)
        return None if record is None else photos.find_ids(db, [record.photo.photo_uuid])[record.photo.photo_uuid]


def _state(db: Db, query: SearchQuery) -> TimelineState:
    reached: frozenset[StorageUuid] = frozenset()
    if query.status is not None:
        storages = file_storages.list_storages(db)
        reached = frozenset(each.storage_uuid for each in storages if each.is_accessible and each.is_active)
    return TimelineState(library_rev=timeline.get_library_rev(db), reached=reached)


def _days_digest(db: Db) -> str:
    days = [(each.day, each.photo_count) for each in timeline.list_days(db)]
    return hashlib.blake2b(repr(days).encode(), digest_size=8).hexdigest()
