"""Authors: who took pictures, known by name and email so that a recovery needs no ids."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from imalink.catalog.models import Author as AuthorRow
from imalink.core.session import Author

SELF_AUTHOR_ID = 1
"""The user of this installation; made by the first migration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorRecord:
    """An author and its number in this catalog."""

    id: int
    author: Author
    is_self: bool


def find_author(db: Session, author_id: int) -> AuthorRecord | None:
    """Give the author with this number, if there is one."""
    row = db.get(AuthorRow, author_id)
    return None if row is None else _record_of(row)


def list_authors(db: Session) -> list[AuthorRecord]:
    """Give all authors by name."""
    rows = db.execute(select(AuthorRow).order_by(AuthorRow.name, AuthorRow.email)).scalars()
    return [_record_of(row) for row in rows]


def remember_author(db: Session, author: Author) -> int:
    """Give the number of the author with this name and email; made now when it is new."""
    email = author.email or ""
    known = db.execute(
        select(AuthorRow.id).where(AuthorRow.name == author.name, AuthorRow.email == email)
    ).scalar_one_or_none()
    if known is not None:
        return known
    row = AuthorRow(name=author.name, email=email)
    db.add(row)
    db.flush()
    return row.id


def _record_of(row: AuthorRow) -> AuthorRecord:
    return AuthorRecord(id=row.id, author=Author(name=row.name, email=row.email or None), is_self=row.is_self)
