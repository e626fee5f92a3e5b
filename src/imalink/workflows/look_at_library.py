"""Look at what belongs to the library and to no single photo: tags, authors, collections, saved searches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from imalink.catalog import authors, collections, photos, search, standing, tags
from imalink.catalog.authors import AuthorRecord
from imalink.catalog.collections import Collection, SavedSearch
from imalink.catalog.search import FoundPhoto
from imalink.catalog.tags import TagCount
from imalink.core.search_query import PhotoStatus
from imalink.workflows.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionPage:
    """Some photos of a collection in its order, with whether each can be opened, by id.

    ``known_count`` is how many of its photos this catalog knows; the others are in storages that it has not met.
    """

    collection: Collection
    photos: tuple[FoundPhoto, ...]
    statuses: Mapping[int, PhotoStatus]
    known_count: int


def list_tags(tools: Tools, *, part: str) -> list[TagCount]:
    """Give the tags a level of which begins with ``part``, those of most photos first."""
    with tools.catalog.read() as db:
        return tags.list_tags(db, part=part, limit=None)


def list_authors(tools: Tools) -> list[AuthorRecord]:
    """Give all authors by name."""
    with tools.catalog.read() as db:
        return authors.list_authors(db)


def get_author(tools: Tools, author_id: int) -> AuthorRecord:
    """Give the author with this number. Raises NotFoundError."""
    with tools.catalog.read() as db:
        return authors.get_author(db, author_id)


def list_collections(tools: Tools) -> list[Collection]:
    """Give all collections by title."""
    with tools.catalog.read() as db:
        return collections.list_collections(db)


def get_collection(tools: Tools, key: str) -> Collection:
    """Give the collection with this key. Raises NotFoundError."""
    with tools.catalog.read() as db:
        return collections.get_collection(db, key)


def page_of_collection(tools: Tools, key: str, *, offset: int, limit: int) -> CollectionPage:
    """Give photos of a collection in its order, without those that this catalog does not know. Raises NotFoundError."""
    with tools.catalog.read() as db:
        collection = collections.get_collection(db, key)
        ids = photos.find_ids(db, collection.photo_uuids)
        known = [ids[photo_uuid] for photo_uuid in collection.photo_uuids if photo_uuid in ids]
        page = known[offset : offset + limit]
        return CollectionPage(
            collection=collection,
            photos=search.load_photos(db, page),
            statuses=standing.load_statuses(db, page),
            known_count=len(known),
        )


def list_searches(tools: Tools) -> list[SavedSearch]:
    """Give all saved searches: favourites first, by title."""
    with tools.catalog.read() as db:
        return collections.list_searches(db)


def get_search(tools: Tools, key: str) -> SavedSearch:
    """Give the saved search with this key. Raises NotFoundError."""
    with tools.catalog.read() as db:
        return collections.get_search(db, key)
