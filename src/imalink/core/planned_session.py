"""A session into which nothing came yet, as an item of the library: so storages know of it before it has an index.

Decision: docs/decisions/0090-a-session-without-pictures-is-an-item-of-the-library.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from imalink.core.ids import SessionUuid, StorageUuid, are_canonical_uuids
from imalink.core.library import DELETED, FieldValue
from imalink.core.session import (
    MAX_DESCRIPTION_CHARACTERS,
    MAX_TITLE_CHARACTERS,
    Author,
    ImportSession,
    SessionStatus,
)
from imalink.core.timestamps import are_instants

_MAX_NUMBER = 2**31 - 1
_MAX_NAME_CHARACTERS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedSession:
    """A session with status ``created``, and the storage that its pictures are to go to, if that was said."""

    session: ImportSession
    storage_uuid: StorageUuid | None


def values_of(session: ImportSession, storage_uuid: StorageUuid | None) -> dict[str, FieldValue]:
    """Give what the library says of a session; its key there is its UUID."""
    author = session.default_author
    return {
        "number": session.number,
        "title": session.title,
        "description": session.description,
        "imported_at": session.imported_at,
        "author": None if author is None else author.name,
        "author_email": None if author is None else author.email,
        "author_number": session.default_author_id,
        "storage": storage_uuid,
        DELETED: False,
    }


def planned_from(key: str, values: Mapping[str, FieldValue]) -> PlannedSession | None:
    """Give the session that an item tells of; None for a deleted one, and for what cannot be one."""
    title, imported_at = _text(values, "title", MAX_TITLE_CHARACTERS), _text(values, "imported_at", 40)
    if values.get(DELETED) or not title or not are_canonical_uuids([key]) or not are_instants([imported_at]):
        return None
    name, email = _text(values, "author", _MAX_NAME_CHARACTERS), _text(values, "author_email", _MAX_NAME_CHARACTERS)
    author_number, storage = values.get("author_number"), _text(values, "storage", 36)
    number = values.get("number")
    session = ImportSession(
        number=number if type(number) is int and 0 < number <= _MAX_NUMBER else 0,
        session_uuid=SessionUuid(key),
        title=title,
        description=_text(values, "description", MAX_DESCRIPTION_CHARACTERS),
        imported_at=imported_at,
        default_author=Author(name=name, email=email or None) if name else None,
        default_author_id=author_number if type(author_number) is int and name else None,
        status=SessionStatus.CREATED,
    )
    return PlannedSession(session=session, storage_uuid=StorageUuid(storage) if storage else None)


def _text(values: Mapping[str, FieldValue], name: str, most: int) -> str:
    value = values.get(name)
    return value[:most] if isinstance(value, str) else ""
