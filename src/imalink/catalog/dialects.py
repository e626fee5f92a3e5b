"""What differs between database engines, behind one face: opening, reading through, backing up, and errors in words.

Only this module and the engines it chooses from (``sqlite_engine``, ``postgresql_engine``) and the two places where
they write and match text (``bulk``, ``text_matching``) know which engine there is. Everything else is portable.
Decision: docs/decisions/0058-postgresql-is-the-same-catalog.md.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError

from imalink.catalog import postgresql_engine, sqlite_engine
from imalink.catalog.sqlite_engine import name_beside, run_beside, sqlite_file
from imalink.catalog.trouble import ATTACHED, DURABLE, WRITES, RowSource, Trouble
from imalink.errors import CatalogDamagedError, CatalogError

__all__ = ["ATTACHED", "DURABLE", "WRITES", "RowSource", "name_beside", "run_beside", "sqlite_file"]

_EXPECTED = "Expected sqlite:///PATH or postgresql+psycopg://USER@HOST/DATABASE."


def make_private_file(url: str) -> None:
    """Make the file of a new SQLite catalog for its owner alone; nothing for another engine, or where there is one."""
    file = sqlite_file(url)
    if file is not None:
        sqlite_engine.make_file(file)


def open_engine(url: str) -> Engine:
    """Give an engine for ``url``, set up so that one writes at a time, and readers keep nobody waiting.

    What its errors say never has the values of a statement in it: these are people's own words, and hashes of secrets.
    Nothing is opened yet. Raises CatalogError for an address that names no database that a catalog can be in.
    """
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
        if backend == "postgresql":
            address = postgresql_engine.normalized(parsed)
            engine = create_engine(address, hide_parameters=True, **postgresql_engine.ENGINE_OPTIONS)
        else:
            engine = create_engine(parsed, hide_parameters=True)
    except ModuleNotFoundError as error:
        raise CatalogError(
            f"The driver for {shown_url(url)} is not installed: {error}.",
            hint="Install ImaLink with its PostgreSQL driver: pip install 'imalink[postgresql]'.",
        ) from error
    except Exception as error:
        raise CatalogError(f"{shown_url(url)!r} does not name a catalog database: {error}.", hint=_EXPECTED) from error
    if backend == "sqlite":
        sqlite_engine.set_up(engine)
    elif backend == "postgresql":
        postgresql_engine.set_up(engine)
    else:
        raise CatalogError(f"A catalog cannot be in a database of {backend}.", hint=_EXPECTED)
    return engine


def is_postgresql(connection: Connection) -> bool:
    """Tell whether a connection is to PostgreSQL; else it is SQLite."""
    return connection.dialect.name == "postgresql"


def check_database(connection: Connection, url: str) -> None:
    """Refuse a database in which no catalog could be kept. Raises CatalogError."""
    if is_postgresql(connection):
        postgresql_engine.check_database(connection, shown_url(url))


def settle_text_order(connection: Connection) -> None:
    """Make text sort by code points in all columns, as SQLite and Python do, whatever the server's language."""
    if is_postgresql(connection):
        postgresql_engine.collate_by_code_point(connection)


def verify_pages(connection: Connection, url: str) -> None:
    """Read a database through. Raises CatalogDamagedError if it is not sound."""
    if is_postgresql(connection):
        postgresql_engine.verify_tables(connection)
    else:
        sqlite_engine.verify_pages(connection, shown_url(url))


def back_up(engine: Engine, label: str) -> str | None:
    """Keep a complete copy of the catalog as it is, and give its name; None when there is nothing to copy.

    A SQLite file is copied to ``<file>.backup-<label>`` beside it, the tables of PostgreSQL to the schema
    ``imalink_backup_<label>`` in the same database, spelt so that no quotes are needed; or to the next free such
    name. Raises CatalogError.
    """
    if engine.dialect.name == "postgresql":
        return postgresql_engine.back_up(engine, label)
    source = sqlite_file(engine.url)
    return None if source is None else sqlite_engine.back_up(source, label)


def write_rows(connection: Connection, table: str, columns: Sequence[str], rows: Sequence[tuple[object, ...]]) -> None:
    """Insert tuples of values as the driver takes them, past SQLAlchemy."""
    if is_postgresql(connection):
        postgresql_engine.copy_rows(connection, table, columns, rows)
        return
    marks = ", ".join("?" * len(columns))
    statement = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 - the names are ours
    connection.exec_driver_sql(statement, list(rows))


def set_tables_aside(url: str, label: str) -> str | None:
    """Move a damaged catalog's tables to the schema ``imalink_damaged_<label>`` of its database, and give that.

    None where the catalog is a file, which the caller renames, or has no tables. Raises CatalogError.
    """
    engine = open_engine(url)
    try:
        return postgresql_engine.set_aside(engine, label) if engine.dialect.name == "postgresql" else None
    finally:
        engine.dispose()


def move_rows(connection: Connection, table: str, columns: Sequence[str], source: RowSource) -> None:
    """Insert what ``source`` selects from the table of that name in a file that the transaction was begun with.

    SQLite reads the file by itself; to PostgreSQL it is streamed.
    """
    if is_postgresql(connection):
        select = f"SELECT {source.values} FROM {table} WHERE {source.condition}"  # noqa: S608 - our names
        postgresql_engine.copy_rows(connection, table, columns, source.read(select, source.arguments))
    else:
        sqlite_engine.move_rows(connection, table, columns, source)


def move_tags(connection: Connection, source: RowSource, ids: Mapping[str, int]) -> None:
    """Insert what ``source`` selects as photo id, position and name of a tag; ``ids`` are those of all tags."""
    columns = ["photo_id", "position", "tag_id"]
    if is_postgresql(connection):
        select = f"SELECT {source.values} FROM photo_tags WHERE {source.condition}"  # noqa: S608 - our names
        rows = source.read(select, source.arguments)
        named = ((photo_id, position, ids[str(name)]) for photo_id, position, name in rows)
        postgresql_engine.copy_rows(connection, "photo_tags", columns, named)
        return
    photo_id, position, name = source.values.split(", ")
    values = f"{photo_id}, {position}, (SELECT id FROM main.tags AS known WHERE known.name = photo_tags.{name})"  # noqa: S608
    sqlite_engine.move_rows(connection, "photo_tags", columns, replace(source, values=values))


@contextmanager
def stoppable(connection: Connection, checkpoint: Callable[[], None]) -> Generator[None]:
    """Let ``checkpoint`` stop a block by raising, on SQLite in the middle of a long statement too."""
    if is_postgresql(connection):
        yield
        return
    with sqlite_engine.stoppable(connection, checkpoint):
        yield


def settle_ids(connection: Connection, tables: Sequence[str]) -> None:
    """Let new ids go on above those that were given explicitly."""
    if is_postgresql(connection):
        postgresql_engine.settle_sequences(connection, tables)


def conflict_errors() -> tuple[type[Exception], ...]:
    """What is raised for a row whose unique values another row has already."""
    if "psycopg" not in sys.modules:
        return IntegrityError, sqlite3.IntegrityError
    import psycopg

    return IntegrityError, sqlite3.IntegrityError, psycopg.errors.UniqueViolation


@contextmanager
def translated_errors(url: str) -> Generator[None]:
    """Turn what a database says about itself (damaged, locked, full, gone) into CatalogError; let bugs fly."""
    try:
        yield
    except _driver_errors() as error:
        trouble = _explain(error, url)
        if trouble is None:
            raise
        kind = CatalogDamagedError if trouble.is_damage else CatalogError
        raise kind(trouble.message, hint=trouble.hint) from error


def _driver_errors() -> tuple[type[Exception], ...]:
    """SQLAlchemy's errors and, for what goes past it in bulk, those of the drivers that are there."""
    if "psycopg" not in sys.modules:
        return DBAPIError, sqlite3.Error
    import psycopg

    return DBAPIError, sqlite3.Error, psycopg.Error


def _explain(error: Exception, url: str) -> Trouble | None:
    original = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(original, sqlite3.Error):
        return sqlite_engine.explain(original, shown_url(url))
    is_gone = isinstance(error, DBAPIError) and error.connection_invalidated
    return postgresql_engine.explain(original, shown_url(url), is_gone=is_gone)


def shown_url(url: str | URL) -> str:
    """Give an address for people: of SQLite the file, of another engine the address without its password."""
    try:
        return str(sqlite_file(url) or make_url(url).render_as_string(hide_password=True))
    except Exception:  # noqa: BLE001 - only to show it
        return "(unreadable address)"
