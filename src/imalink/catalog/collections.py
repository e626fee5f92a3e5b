"""Collections and saved searches as the catalog finds them: made of what the library says, nothing beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from imalink.catalog.bulk import chunks
from imalink.catalog.library import live_items
from imalink.catalog.models import Photo
from imalink.catalog.said_models import LibraryFieldRow
from imalink.core.ids import Hothash, PhotoUuid
from imalink.core.library import DELETED, PHOTO_PREFIX, FieldValue, ItemKind
from imalink.errors import NotFoundError


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """An ordered choice of photos. ``photo_uuids`` may name some that this catalog does not know now.

    ``cover`` is the hothash of the first of those it knows, None where it knows none.
    """

    key: str
    title: str
    description: str
    photo_uuids: tuple[PhotoUuid, ...]
    known_count: int
    cover: Hothash | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedSearch:
    """A search under a name: what was typed, as ``core.search_query.parse_query`` reads it."""

    key: str
    title: str
    query: str
    is_favorite: bool


def list_collections(db: Session) -> list[Collection]:
    """Give all collections by title."""
    found = [_collection(db, key, values) for key, values in live_items(db, ItemKind.COLLECTION)]
    return sorted(found, key=lambda each: (each.title.casefold(), each.key))


def get_collection(db: Session, key: str) -> Collection:
    """Give the collection with this key. Raises NotFoundError."""
    for found, values in live_items(db, ItemKind.COLLECTION, key=key):
        return _collection(db, found, values)
    raise NotFoundError(f"No collection {key} is known.", hint="The list of collections has their keys.")


def positions_in(db: Session, key: str) -> dict[PhotoUuid, int]:
    """Give where each photo of a collection stands: numbers that grow in its order."""
    for _, values in live_items(db, ItemKind.COLLECTION, key=key):
        return dict(_places(values))
    return {}


def photos_in(key: str) -> Select[int]:
    """Choose the ids of the photos in a collection, for a search."""
    fields = LibraryFieldRow
    of_collection = (fields.kind == ItemKind.COLLECTION.value) & (fields.key == key)
    is_deleted = select(fields.key).where(of_collection, fields.field == DELETED, fields.value == "true").exists()
    uuids = select(func.substr(fields.field, len(PHOTO_PREFIX) + 1)).where(
        of_collection,
        fields.field >= PHOTO_PREFIX,
        fields.field < f"{PHOTO_PREFIX[:-1]}/",  # what sorts next behind all that begins like it
        fields.value != "null",
    )
    return select(Photo.id).where(Photo.photo_uuid.in_(uuids), ~is_deleted)


def list_searches(db: Session) -> list[SavedSearch]:
    """Give all saved searches: favourites first, by title."""
    found = [_search(key, values) for key, values in live_items(db, ItemKind.SEARCH)]
    return sorted(found, key=lambda each: (not each.is_favorite, each.title.casefold(), each.key))


def get_search(db: Session, key: str) -> SavedSearch:
    """Give the saved search with this key. Raises NotFoundError."""
    for found, values in live_items(db, ItemKind.SEARCH, key=key):
        return _search(found, values)
    raise NotFoundError(f"No saved search {key} is known.", hint="The list of saved searches has their keys.")


def _places(values: Mapping[str, FieldValue]) -> list[tuple[PhotoUuid, int]]:
    """Give photos and their places in order; of equal places, which two machines may give, the smaller UUID first."""
    places = [
        (place, PhotoUuid(name.removeprefix(PHOTO_PREFIX)))
        for name, place in values.items()
        if name.startswith(PHOTO_PREFIX) and isinstance(place, int)
    ]
    return [(photo_uuid, place) for place, photo_uuid in sorted(places)]


def _collection(db: Session, key: str, values: Mapping[str, FieldValue]) -> Collection:
    photo_uuids = tuple(photo_uuid for photo_uuid, _ in _places(values))
    known: dict[str, str] = {}
    for chunk in chunks(photo_uuids):
        query = select(Photo.photo_uuid, Photo.primary_hothash).where(Photo.photo_uuid.in_(chunk))
        known.update(iter(db.execute(query)))
    cover = next((known[each] for each in photo_uuids if each in known), None)
    return Collection(
        key=key,
        title=str(values.get("title", "")),
        description=str(values.get("description", "")),
        photo_uuids=photo_uuids,
        known_count=len(known),
        cover=None if cover is None else Hothash(cover),
    )


def _search(key: str, values: Mapping[str, FieldValue]) -> SavedSearch:
    return SavedSearch(
        key=key,
        title=str(values.get("title", "")),
        query=str(values.get("query", "")),
        is_favorite=bool(values.get("is_favorite")),
    )
