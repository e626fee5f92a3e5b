"""Full-text search over what photos say: FTS5 on SQLite, which the projection keeps, a GIN index on PostgreSQL.

Both look in ``photos.search_text``, which holds words as ``core.search_words`` makes them; so both find the same. What
a user typed only ever becomes such words, never a piece of a query's syntax.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    Text,
    and_,
    cast,
    column,
    func,
    literal,
    select,
    table,
)
from sqlalchemy import text as sql_text
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import Session

from imalink.catalog.dialects import is_postgresql
from imalink.catalog.models import Photo
from imalink.core.search_words import words_of

TABLE = "photo_search"
"""The virtual table of SQLite; its shadow tables begin like it."""

_INDEX = table(TABLE, column("rowid", Integer), column(TABLE, Text))

_ADD = f"INSERT INTO {TABLE}(rowid, search_text) VALUES (?, ?)"  # noqa: S608 - the name is ours
_REMOVE = f"INSERT INTO {TABLE}({TABLE}, rowid, search_text) VALUES ('delete', ?, ?)"  # noqa: S608
_REBUILD = f"INSERT INTO {TABLE}({TABLE}) VALUES ('rebuild')"  # noqa: S608
_ADD_FROM = f"INSERT INTO {TABLE}(rowid, search_text) SELECT id, search_text FROM photos WHERE id > ?"  # noqa: S608


def create_index(connection: Connection) -> None:
    """Make the index over the photos there are."""
    if is_postgresql(connection):
        words = "array_to_tsvector(string_to_array(search_text, ' '))"
        connection.execute(sql_text(f"CREATE INDEX ix_photos_search_text ON photos USING gin ({words})"))
        return
    connection.execute(
        sql_text(
            f"CREATE VIRTUAL TABLE {TABLE} USING fts5(search_text, content='photos', content_rowid='id', "
            "detail=none, columnsize=0, prefix='2', tokenize=\"unicode61 remove_diacritics 0\")"
        )
    )
    rebuild(connection)


def drop_index(connection: Connection) -> None:
    """Take the index away, until ``create_index`` makes it anew."""
    what = "INDEX ix_photos_search_text" if is_postgresql(connection) else f"TABLE {TABLE}"
    connection.execute(sql_text(f"DROP {what}"))


def rebuild(connection: Connection) -> None:
    """Fill the index anew from all photos, where the database does not keep it by itself."""
    if not is_postgresql(connection):
        connection.execute(sql_text(_REBUILD))


def add_above(connection: Connection, photo_id: int) -> None:
    """Take the photos into the index whose rows are new: those with greater ids than this."""
    if not is_postgresql(connection):
        connection.exec_driver_sql(_ADD_FROM, (photo_id,))


def replace_texts(connection: Connection, old: Mapping[int, str], new: Mapping[int, str]) -> None:
    """Let the index have the new texts of photos in the place of the old ones, which it must have had. By id."""
    if is_postgresql(connection):
        return
    if old:
        connection.exec_driver_sql(_REMOVE, list(old.items()))
    if new:
        connection.exec_driver_sql(_ADD, list(new.items()))


def matches(db: Session, text: str) -> Select[int] | ColumnElement[bool] | None:
    """Give what tells that a photo has every word of ``text``, the last one as the beginning of a word.

    On SQLite that is a choice of photo ids, on PostgreSQL a condition for which the server finds the better way itself.
    None where ``text`` has no word: no photo has what was asked for.
    """
    words = words_of(text)
    if not words:
        return None
    if is_postgresql(db.connection()):
        asked = " & ".join([*(f"'{word}'" for word in words[:-1]), f"'{words[-1]}':*"])
        kept = func.array_to_tsvector(func.string_to_array(Photo.search_text, " "))
        return kept.bool_op("@@")(cast(asked, TSQUERY))
    asked = " ".join([*(f'"{word}"' for word in words[:-1]), f'"{words[-1]}"*'])
    return select(_INDEX.c.rowid).where(_INDEX.c.photo_search.bool_op("MATCH")(asked))


def costs_by_all(db: Session) -> bool:
    """Tell whether looking up a begun word costs by all photos that have it, however few of them are wanted.

    FTS5 puts the photos of all words that begin so together before it gives the first.
    """
    return not is_postgresql(db.connection())


def met_on_walk(text: str) -> ColumnElement[bool]:
    """Give the same as ``matches`` does on SQLite as a condition that looks at each photo it is asked for.

    Raises ValueError where ``text`` has no word.
    """
    words = words_of(text)
    if not words:
        raise ValueError("a text without words is met by nothing")
    kept = literal(" ") + Photo.search_text + " "
    asked = [*(f" {word} " for word in words[:-1]), f" {words[-1]}"]
    return and_(*(func.instr(kept, word) > 0 for word in asked))
