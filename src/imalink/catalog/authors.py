"""Authors: who took pictures, known by name and email so that a recovery needs no ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from imalink.catalog import dialects
from imalink.catalog.models import Author as AuthorRow
from imalink.catalog.models import ImportSession
from imalink.core.library import DELETED, FieldValue, author_key
from imalink.core.session import Author
from imalink.errors import NotFoundError

SELF_AUTHOR_ID = 1
"""The user of this installation; made by the first migration."""

_HIGHEST_KEPT = 100_000
"""An author keeps a number up to this from another catalog; a hostile one could leave none for those that follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorRecord:
    """An author and its number in this catalog; ``key`` is what it is called in the library, on every machine.

    ``known_as`` is the first name, under which photos may be theirs.
    """

    id: int
    key: str
    author: Author
    known_as: str
    bio: str
    is_self: bool
    session_count: int = 0


def find_author(db: Session, author_id: int) -> AuthorRecord | None:
    """Give the author with this number, if there is one."""
    row = db.get(AuthorRow, author_id)
    return None if row is None or row.is_deleted else _record_of(row, _session_counts(db).get(row.id, 0))


def get_author(db: Session, author_id: int) -> AuthorRecord:
    """Give the author with this number. Raises NotFoundError."""
    found = find_author(db, author_id)
    if found is None:
        raise NotFoundError(f"No author {author_id} is known.", hint="The list of authors has their numbers.")
    return found


def find_author_named(db: Session, name: str, email: str) -> AuthorRecord | None:
    """Give the author who has this name and email now, if there is one."""
    row = db.execute(select(AuthorRow).where(AuthorRow.name == name, AuthorRow.email == email)).scalar_one_or_none()
    return None if row is None or row.is_deleted else _record_of(row, _session_counts(db).get(row.id, 0))


def find_author_keyed(db: Session, key: str) -> AuthorRecord | None:
    """Give the author whom the library calls by this key, if there is one."""
    row = db.execute(select(AuthorRow).where(AuthorRow.author_key == key)).scalar_one_or_none()
    return None if row is None or row.is_deleted else _record_of(row, _session_counts(db).get(row.id, 0))


def list_authors(db: Session) -> list[AuthorRecord]:
    """Give all authors by name."""
    counts = _session_counts(db)
    query = select(AuthorRow).where(AuthorRow.is_deleted.is_(False)).order_by(AuthorRow.name, AuthorRow.email)
    return [_record_of(row, counts.get(row.id, 0)) for row in db.execute(query).scalars()]


def is_key_taken(db: Session, key: str) -> bool:
    """Tell whether the library calls some author by this key, also one who was deleted and is met again."""
    return find_author_keyed(db, key) is not None


def number_for(db: Session, key: str) -> int:
    """Give the number that the author with this key has, also one who was deleted, or would get."""
    known = db.execute(select(AuthorRow.id).where(AuthorRow.author_key == key)).scalar_one_or_none()
    return _next_number(db) if known is None else known


def remember_author(db: Session, author: Author, *, number: FieldValue = None) -> int:
    """Give the number of the author with this name and email, or who once had them; made now when it is new.

    One who was deleted is there again: something is by them. A new one keeps ``number``, that of the catalog that told
    of them, where it is free.
    """
    email = author.email or ""
    named = (AuthorRow.name == author.name) & (AuthorRow.email == email)
    row = db.execute(select(AuthorRow).where(named)).scalar_one_or_none()
    if row is None:
        known = AuthorRow.author_key == author_key(author.name, email)
        row = db.execute(select(AuthorRow).where(known)).scalar_one_or_none()
    if row is None:
        row = AuthorRow(name=author.name, email=email, known_as=author.name, author_key=author_key(author.name, email))
        _add(db, row, number)
    row.is_deleted = False
    db.flush()
    return row.id


def settle_author(db: Session, key: str, values: Mapping[str, FieldValue]) -> None:
    """Let an author's row be what is said of the author with this key; made now when it is new.

    A name that another author has meanwhile is given to this one with a number behind it.
    """
    row = db.execute(select(AuthorRow).where(AuthorRow.author_key == key)).scalar_one_or_none()
    name, email, bio = (_text(values.get(each)) for each in ("name", "email", "bio"))
    if row is None:
        if not name:
            return  # a name may come with another storage
        row = AuthorRow(name=name, email=email, known_as=name, author_key=key)
        row.name = _free_name(db, name, email, key)
        _add(db, row, values.get("number"))
    elif name:
        row.name, row.email = _free_name(db, name, email, key), email
    row.bio = bio
    row.known_as = _text(values.get("known_as")) or row.known_as
    is_needed = db.execute(select(ImportSession.id).where(ImportSession.default_author_id == row.id).limit(1)).first()
    row.is_deleted = bool(values.get(DELETED)) and is_needed is None and row.id != SELF_AUTHOR_ID
    db.flush()


def _next_number(db: Session) -> int:
    return 1 + db.execute(select(func.coalesce(func.max(AuthorRow.id), 0))).scalar_one()


def _add(db: Session, row: AuthorRow, number: FieldValue) -> None:
    """Insert an author under this number if that is one and is free, else under the next."""
    keeps = type(number) is int and SELF_AUTHOR_ID < number <= _HIGHEST_KEPT and db.get(AuthorRow, number) is None
    row.id = number if keeps and type(number) is int else _next_number(db)
    db.add(row)
    db.flush()
    dialects.settle_ids(db.connection(), [AuthorRow.__tablename__])


def names_of(db: Session, author_id: int) -> list[str]:
    """Give the names under which photos may be by an author: the present one and the first."""
    row = db.get(AuthorRow, author_id)
    return [] if row is None else list(dict.fromkeys((row.name, row.known_as)))


def _free_name(db: Session, name: str, email: str, key: str) -> str:
    taken = set(
        db.execute(select(AuthorRow.name).where(AuthorRow.email == email, AuthorRow.author_key != key)).scalars()
    )
    free, number = name, 2
    while free in taken:
        free, number = f"{name} ({number})", number + 1
    return free


def _text(value: FieldValue) -> str:
    return value if isinstance(value, str) else ""


def _session_counts(db: Session) -> dict[int, int]:
    query = select(ImportSession.default_author_id, func.count()).group_by(ImportSession.default_author_id)
    return {author_id: count for author_id, count in db.execute(query) if author_id is not None}


def _record_of(row: AuthorRow, session_count: int) -> AuthorRecord:
    return AuthorRecord(
        id=row.id,
        key=row.author_key,
        author=Author(name=row.name, email=row.email or None),
        known_as=row.known_as,
        bio=row.bio,
        is_self=row.is_self,
        session_count=session_count,
    )
