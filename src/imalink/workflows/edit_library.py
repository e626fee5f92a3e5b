"""Say something of collections, saved searches and authors: it holds at once, and every storage is told of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from imalink.catalog import authors, collections
from imalink.catalog.authors import AuthorRecord
from imalink.catalog.catalog import Db
from imalink.catalog.collections import Collection, SavedSearch
from imalink.core.ids import PhotoUuid
from imalink.core.library import (
    DELETED,
    FieldValue,
    ItemKind,
    author_key,
    first_places,
    photo_field,
    places_between,
)
from imalink.core.plain_text import check_line, check_text
from imalink.core.search_query import parse_query
from imalink.errors import AuthorInUseError, NameTakenError, UsageError, WrongStateError, of_field
from imalink.workflows.flush_outbox import flush_outbox
from imalink.workflows.new_operation import counted
from imalink.workflows.say_of_library import say_of_item
from imalink.workflows.tools import Tools

MAX_TITLE_LENGTH = 200
MAX_TEXT_LENGTH = 5000
MAX_PHOTOS = 100_000
"""So many photos a collection may have."""


def create_collection(
    tools: Tools, title: str, *, description: str = "", photo_uuids: Sequence[PhotoUuid] = ()
) -> Collection:
    """Make a collection of these photos, in this order. Raises UsageError."""
    key = tools.new_uuid()
    values: dict[str, FieldValue] = {"title": _title(title, "title"), "description": _text(description, "description")}
    with tools.catalog.begin(changes_photos=True, is_durable=True) as db:
        wanted = _distinct(photo_uuids)
        values.update(zip(map(photo_field, wanted), first_places(len(wanted)), strict=True))
        title = f"Collection made: {values['title']}"
        say_of_item(tools, db, ItemKind.COLLECTION, key, values, title=title, counts={"added": len(wanted)})
        made = collections.get_collection(db, key)
    flush_outbox(tools)
    return made


def edit_collection(tools: Tools, key: str, *, title: str | None = None, description: str | None = None) -> Collection:
    """Set what is given of a collection. Raises UsageError, NotFoundError."""
    values: dict[str, FieldValue] = {}
    if title is not None:
        values["title"] = _title(title, "title")
    if description is not None:
        values["description"] = _text(description, "description")
    return _edit_collection(tools, key, values)


def delete_collection(tools: Tools, key: str) -> None:
    """Take a collection away; its photos stay. Raises NotFoundError."""
    _delete(
        tools, ItemKind.COLLECTION, key, lambda db: f"Collection deleted: {collections.get_collection(db, key).title}"
    )


def add_to_collection(
    tools: Tools, key: str, photo_uuids: Sequence[PhotoUuid], *, before: PhotoUuid | None = None
) -> Collection:
    """Put photos into a collection, in their order: at its end, or before one of its photos.

    Those that are in it already are moved there. Raises UsageError, NotFoundError.
    """
    wanted = _distinct(photo_uuids)
    with tools.catalog.begin(changes_photos=True, is_durable=True) as db:
        known = collections.get_collection(db, key)
        held = collections.positions_in(db, key)
        counts = {"added": len(wanted)}
        if before is not None and (before not in held or before in wanted):
            raise WrongStateError("The photo to put others before is not in the collection, or among them.")
        order = [each for each in held if each not in set(wanted)]
        if len(order) + len(wanted) > MAX_PHOTOS:
            raise WrongStateError(f"A collection has at most {MAX_PHOTOS:,} photos.")
        at = len(order) if before is None else order.index(before)
        low = held[order[at - 1]] if at > 0 else None
        high = held[order[at]] if at < len(order) else None
        places = places_between(low, high, len(wanted))
        if places is None:  # no room between the two: all get new places
            order[at:at] = wanted
            wanted, places = order, first_places(len(order))
        values: dict[str, FieldValue] = dict(zip(map(photo_field, wanted), places, strict=True))
        title = counted(f"Collection {known.title}", counts)
        say_of_item(tools, db, ItemKind.COLLECTION, key, values, title=title, counts=counts)
        found = collections.get_collection(db, key)
    flush_outbox(tools)
    return found


def remove_from_collection(tools: Tools, key: str, photo_uuids: Sequence[PhotoUuid]) -> Collection:
    """Take photos out of a collection; those that are not in it are left out. Raises NotFoundError."""
    with tools.catalog.begin(changes_photos=True, is_durable=True) as db:
        known = collections.get_collection(db, key)
        held = collections.positions_in(db, key)
        values: dict[str, FieldValue] = {photo_field(each): None for each in _distinct(photo_uuids) if each in held}
        counts = {"removed": len(values)}
        title = counted(f"Collection {known.title}", counts)
        say_of_item(tools, db, ItemKind.COLLECTION, key, values, title=title, counts=counts)
        found = collections.get_collection(db, key)
    flush_outbox(tools)
    return found


def save_search(tools: Tools, title: str, query: str, *, is_favorite: bool = False) -> SavedSearch:
    """Keep a search under a name. Raises UsageError, also for a query that cannot be read."""
    with of_field("query"):
        parse_query(query)
    key = tools.new_uuid()
    values: dict[str, FieldValue] = {"title": _title(title, "title"), "query": query, "is_favorite": is_favorite}
    return _say_search(tools, key, values, title=f"Saved search made: {values['title']}")


def edit_search(
    tools: Tools, key: str, *, title: str | None = None, query: str | None = None, is_favorite: bool | None = None
) -> SavedSearch:
    """Set what is given of a saved search. Raises UsageError, NotFoundError."""
    with tools.catalog.read() as db:
        known = collections.get_search(db, key)
    if query is not None:
        with of_field("query"):
            parse_query(query)
    given: dict[str, FieldValue] = {
        "title": None if title is None else _title(title, "title"),
        "query": query,
        "is_favorite": is_favorite,
    }
    values = {name: value for name, value in given.items() if value is not None}
    return _say_search(tools, key, values, title=_changed("Saved search", known.title, values.get("title")))


def delete_search(tools: Tools, key: str) -> None:
    """Forget a saved search. Raises NotFoundError."""
    _delete(tools, ItemKind.SEARCH, key, lambda db: f"Saved search deleted: {collections.get_search(db, key).title}")


def create_author(tools: Tools, name: str, *, email: str = "", bio: str = "") -> AuthorRecord:
    """Make an author. Raises UsageError, NameTakenError for a name and email that are an author's already."""
    name, email = _title(name, "name"), _line(email, "email")
    key = author_key(name, email)
    values: dict[str, FieldValue] = {
        "name": name,
        "email": email,
        "bio": _text(bio, "bio"),
        "known_as": name,
        DELETED: False,
    }
    with tools.catalog.begin(is_durable=True) as db:
        if authors.find_author_named(db, name, email) is not None:
            raise _taken(name)
        if authors.is_key_taken(db, key):
            key = tools.new_uuid()  # who had this name first has another now
        values["number"] = authors.number_for(db, key)  # searches and sessions name authors by it: it is kept
        say_of_item(tools, db, ItemKind.AUTHOR, key, values, title=f"Author made: {name}")
        made = authors.find_author_named(db, name, email)
    assert made is not None
    flush_outbox(tools)
    return made


def edit_author(
    tools: Tools, author_id: int, *, name: str | None = None, email: str | None = None, bio: str | None = None
) -> AuthorRecord:
    """Set what is given of an author. Raises UsageError, NotFoundError, NameTakenError."""
    with tools.catalog.begin(changes_photos=True, is_durable=True) as db:
        known = authors.get_author(db, author_id)
        new_name = known.author.name if name is None else _title(name, "name")
        new_email = (known.author.email or "") if email is None else _line(email, "email")
        other = authors.find_author_named(db, new_name, new_email)
        if other is not None and other.id != author_id:
            raise _taken(new_name)
        # All fields at once: of an author that only sessions name, the library says nothing yet.
        new_bio = known.bio if bio is None else _text(bio, "bio")
        values: dict[str, FieldValue] = {
            "name": new_name,
            "email": new_email,
            "bio": new_bio,
            "known_as": known.known_as,
        }
        title = _changed("Author", known.author.name, new_name)
        say_of_item(tools, db, ItemKind.AUTHOR, known.key, values, title=title)
        found = authors.get_author(db, author_id)
    flush_outbox(tools)
    return found


def delete_author(tools: Tools, author_id: int) -> None:
    """Take an author away of whom no session is. Raises NotFoundError, AuthorInUseError."""
    with tools.catalog.begin(is_durable=True) as db:
        known = authors.get_author(db, author_id)
        if known.session_count or known.is_self:
            why = "you" if known.is_self else f"the author of {known.session_count:,} sessions"
            raise AuthorInUseError(f"{known.author.name} is {why}, and stays.")
        values: dict[str, FieldValue] = {"name": known.author.name, "email": known.author.email or "", DELETED: True}
        say_of_item(tools, db, ItemKind.AUTHOR, known.key, values, title=f"Author deleted: {known.author.name}")
    flush_outbox(tools)


def _edit_collection(tools: Tools, key: str, values: Mapping[str, FieldValue]) -> Collection:
    with tools.catalog.begin(changes_photos=True, is_durable=True) as db:
        known = collections.get_collection(db, key)
        title = _changed("Collection", known.title, values.get("title"))
        say_of_item(tools, db, ItemKind.COLLECTION, key, values, title=title)
        found = collections.get_collection(db, key)
    flush_outbox(tools)
    return found


def _say_search(tools: Tools, key: str, values: Mapping[str, FieldValue], *, title: str) -> SavedSearch:
    with tools.catalog.begin(is_durable=True) as db:
        say_of_item(tools, db, ItemKind.SEARCH, key, values, title=title)
        found = collections.get_search(db, key)
    flush_outbox(tools)
    return found


def _delete(tools: Tools, kind: ItemKind, key: str, title_of: Callable[[Db], str]) -> None:
    with tools.catalog.begin(changes_photos=True, is_durable=True) as db:
        say_of_item(tools, db, kind, key, {DELETED: True}, title=title_of(db))
    flush_outbox(tools)


def _changed(what: str, name: str, new: FieldValue) -> str:
    """Give the title of an edit of something that has, or had, a name."""
    return f"{what} changed: {name}" if new in (None, name) else f"{what} renamed: {name} → {new}"


def _distinct(photo_uuids: Sequence[PhotoUuid]) -> list[PhotoUuid]:
    return list(dict.fromkeys(photo_uuids))


def _title(text: str, field: str) -> str:
    line = _line(text, field)
    if not line:
        raise UsageError("A name is needed.", field=field)
    return line


def _line(text: str, field: str) -> str:
    line = " ".join(text.split())
    with of_field(field):
        if len(line) > MAX_TITLE_LENGTH:
            raise UsageError(f"This name is too long: at most {MAX_TITLE_LENGTH} characters.")
        return check_line(line, "name")


def _text(text: str, field: str) -> str:
    with of_field(field):
        if len(text) > MAX_TEXT_LENGTH:
            raise UsageError(f"This text is too long: at most {MAX_TEXT_LENGTH:,} characters.")
        return check_text(text.strip(), "text")


def _taken(name: str) -> NameTakenError:
    return NameTakenError(f"There is an author {name} with that address already.", hint="Edit that one.")
