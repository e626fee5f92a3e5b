"""Tags, authors, collections and saved searches, spelled as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from imalink.answers import json_text

if TYPE_CHECKING:
    from imalink.catalog.authors import AuthorRecord
    from imalink.catalog.collections import Collection, SavedSearch


def author_json(record: AuthorRecord) -> dict[str, object]:
    """Spell an author."""
    return {
        "id": record.id,
        "key": record.key,
        "name": json_text(record.author.name),
        "email": None if record.author.email is None else json_text(record.author.email),
        "bio": json_text(record.bio),
        "is_self": record.is_self,
        "session_count": record.session_count,
    }


def collection_json(collection: Collection) -> dict[str, object]:
    """Spell a collection without its photos."""
    return {
        "id": collection.key,
        "title": json_text(collection.title),
        "description": json_text(collection.description),
        "photo_count": len(collection.photo_uuids),
        "known_count": collection.known_count,
        "cover": collection.cover,
    }


def search_json(search: SavedSearch) -> dict[str, object]:
    """Spell a saved search."""
    return {
        "id": search.key,
        "title": json_text(search.title),
        "query": json_text(search.query),
        "is_favorite": search.is_favorite,
    }
