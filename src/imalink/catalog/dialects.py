"""What differs between database engines: how SQLite is opened, begun and backed up, and what its errors mean.

The only module of the catalog with SQL that is not portable. Everything else runs on SQLite and PostgreSQL.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError

from imalink.errors import CatalogDamagedError, CatalogError

BUSY_TIMEOUT_MS = 30_000
"""How long a writer waits for another process to end its transaction."""

WRITES = "imalink_writes"
"""Execution option of connections that will write: they take SQLite's write lock at once, so that none has to give
up half-way because another wrote in between."""

DURABLE = "imalink_durable"
"""Execution option of connections whose commit must outlive a power cut: nothing else has what they write. All other
commits of a SQLite catalog repeat what storages hold, and are only sure to outlive the process."""

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_HINT_RECOVER = "Run `imalink recover`: it rebuilds the catalog from the storages and keeps the old file aside."


def open_engine(url: str) -> Engine:
    """Give an engine for ``url``, with SQLite set up for one writer, many readers and foreign keys.

    Nothing is opened yet. Raises CatalogError for an address that names no database.
    """
    try:
        engine = create_engine(url)
    except Exception as error:
        raise CatalogError(
            f"{_shown(url)!r} does not name a catalog database: {error}.",
            hint="Expected sqlite:///PATH, or an address of a database whose driver is installed.",
        ) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: sqlite3.Connection, record: object) -> None:
    del record
    # The driver must not begin transactions by itself: it would leave out DDL and savepoints.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute("PRAGMA cache_size=-65536")


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    is_writer = options.get(WRITES, False)
    connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if options.get(DURABLE, False) else 'NORMAL'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writer else "BEGIN")


def sqlite_file(url: str | URL) -> Path | None:
    """Give the file behind a SQLite address; None for another engine or a database in memory."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or parsed.database == ":memory:" or not parsed.database:
        return None
    return Path(parsed.database)


def verify_pages(connection: Connection, url: str) -> None:
    """Read a SQLite file through and raise CatalogDamagedError if it is not sound; nothing for another engine."""
    if connection.dialect.name != "sqlite":
        return
    verdict = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    if verdict != "ok":
        raise CatalogDamagedError(
            f"The catalog {_shown(url)} is damaged ({verdict}). The photos and their indexes are safe.",
            hint=_HINT_RECOVER,
        )


def back_up(url: str, label: str) -> Path | None:
    """Copy a SQLite catalog to ``<file>.backup-<label>`` beside it, or the next free name, and give that name.

    The copy is complete even while others write. None when there is nothing to copy: another engine, or no file yet.
    Raises CatalogError.
    """
    source = sqlite_file(url)
    if source is None or not source.exists():
        return None
    target = source.with_name(f"{source.name}.backup-{label}")
    number = 2
    while target.exists():
        target = source.with_name(f"{source.name}.backup-{label}-{number}")
        number += 1
    try:
        with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
            old.backup(new)
    except sqlite3.Error as error:
        raise CatalogError(
            f"The catalog could not be copied to {target.name} before its migration: {error}. It was not changed.",
            hint=f"Make room beside {source}, or give the folder's owner the right to write there.",
        ) from error
    return target


@contextmanager
def translated_errors(url: str) -> Generator[None]:
    """Turn what a database says about itself (damaged, locked, full, gone) into CatalogError; let bugs fly."""
    try:
        yield
    except DBAPIError as error:
        message = _explain(error, url)
        if message is None:
            raise
        kind = CatalogDamagedError if message[1] == _HINT_RECOVER else CatalogError
        raise kind(message[0], hint=message[1]) from error


def _explain(error: DBAPIError, url: str) -> tuple[str, str] | None:
    original = error.orig
    name = _shown(url)
    if not isinstance(original, sqlite3.Error):
        if error.connection_invalidated or type(error).__name__ == "OperationalError":
            return f"The catalog {name} cannot be reached: {original}.", "Check that the database server runs."
        return None
    primary = getattr(original, "sqlite_errorcode", 0) & 0xFF
    if primary in _DAMAGE:
        return f"The catalog {name} is damaged ({original}). The photos and their indexes are safe.", _HINT_RECOVER
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"Another process is writing to the catalog {name}; nothing was changed.", "Try again in a moment."
    if primary == sqlite3.SQLITE_FULL:
        return f"The disk of the catalog {name} is full; nothing was changed.", "Make room and try again."
    if primary == sqlite3.SQLITE_CANTOPEN:
        return f"The catalog {name} cannot be opened: {original}.", "Check that its folder exists and can be read."
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return f"The catalog {name} cannot be written: {original}.", "Check the rights of the file and its folder."
    if primary == sqlite3.SQLITE_IOERR:
        return f"The disk of the catalog {name} reported an error: {original}.", _HINT_RECOVER
    return None


def _shown(url: str) -> str:
    try:
        return str(sqlite_file(url) or make_url(url).render_as_string(hide_password=True))
    except Exception:  # noqa: BLE001 - only to show it
        return "(unreadable address)"
