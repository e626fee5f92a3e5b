"""SQLite: how a catalog file is opened, begun, read through and backed up, and what its errors mean."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import cast

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from imalink.catalog.trouble import ATTACHED, DURABLE, HINT_RECOVER, WRITES, RowSource, Trouble, damaged
from imalink.errors import CatalogDamagedError, CatalogError

BUSY_TIMEOUT_MS = 30_000
"""How long a writer waits for another process to end its transaction."""

_READER_CACHE_KB = 8 * 1024
_WRITER_CACHE_KB = 64 * 1024
"""Each connection has a cache of its own, and a server keeps several; what readers share is the system's cache."""

_LOADER_CACHE_KB = 256 * 1024
"""Of who loads many rows: the indexes of unique texts of a million pictures, which are filled in no order."""

_STEPS_BETWEEN_LOOKS = 100_000
"""Steps of SQLite's machine after which a long statement looks whether to go on: some milliseconds."""

_LOADS = "imalink_loads"

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def set_up(engine: Engine) -> None:
    """Make every connection of an engine one for one writer, many readers and foreign keys."""
    event.listen(engine, "connect", _set_up_connection)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "checkin", _detach)


def _set_up_connection(connection: sqlite3.Connection, record: object) -> None:
    del record
    # The driver must not begin transactions by itself: it would leave out DDL and savepoints.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute(f"PRAGMA cache_size=-{_READER_CACHE_KB}")


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    is_writer = options.get(WRITES, False)
    if is_writer:
        connection.exec_driver_sql(f"PRAGMA cache_size=-{_WRITER_CACHE_KB}")
        connection.exec_driver_sql(f"PRAGMA synchronous={'FULL' if options.get(DURABLE, False) else 'NORMAL'}")
    connection.info[WRITES] = is_writer
    files: tuple[Path, ...] = options.get(ATTACHED, ())
    connection.info[ATTACHED] = len(files)
    connection.info[_LOADS] = bool(files)
    if files:
        _prepare_load(connection, files)
    for number, file in enumerate(files):
        connection.exec_driver_sql(f"ATTACH DATABASE ? AS {name_beside(number)}", (str(file),))
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writer else "BEGIN")


def _prepare_load(connection: Connection, files: Sequence[Path]) -> None:
    """Set a connection up to take many rows in, all of which refer to what comes with them or is there.

    Where more comes than there is, and no one else has the catalog open, its end is written in place: a write-ahead log
    would have everything written twice. It stays one transaction, which a crash leaves undone.
    """
    connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
    connection.exec_driver_sql("PRAGMA secure_delete=OFF")
    connection.exec_driver_sql(f"PRAGMA cache_size=-{_LOADER_CACHE_KB}")
    catalog = sqlite_file(connection.engine.url)
    if catalog is None or sum(file.stat().st_size for file in files) < catalog.stat().st_size:
        return
    driver = cast(sqlite3.Connection, connection.connection.driver_connection)
    driver.execute("PRAGMA busy_timeout=0")
    with suppress(sqlite3.OperationalError):  # another has it open: then all goes through the log
        driver.execute("PRAGMA journal_mode=DELETE")
        driver.execute("PRAGMA synchronous=FULL")
    driver.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")


def _end_load(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA secure_delete=ON")
    with suppress(sqlite3.OperationalError):  # another reads just now: the next that opens the catalog does it
        connection.execute("PRAGMA journal_mode=WAL")


def _detach(connection: sqlite3.Connection | None, record: ConnectionPoolEntry) -> None:
    """Let go of the files of a transaction that has ended, and of the memory that a writer needs."""
    if record.info.pop(WRITES, False) and connection is not None:
        connection.execute(f"PRAGMA cache_size=-{_READER_CACHE_KB}")
    for number in range(record.info.pop(ATTACHED, 0)):
        if connection is not None:
            connection.execute(f"DETACH DATABASE {name_beside(number)}")
    if record.info.pop(_LOADS, False) and connection is not None:
        _end_load(connection)


@contextmanager
def stoppable(connection: Connection, checkpoint: Callable[[], None]) -> Generator[None]:
    """Ask ``checkpoint`` at short whiles while statements of a block run; what it raises ends them and the block."""
    driver = cast(sqlite3.Connection, connection.connection.driver_connection)
    raised: list[BaseException] = []

    def look() -> bool:
        try:
            checkpoint()
        except BaseException as error:  # noqa: BLE001 - it is raised again below: nothing passes through SQLite
            raised.append(error)
        return bool(raised)

    driver.set_progress_handler(look, _STEPS_BETWEEN_LOOKS)
    try:
        yield
    except (sqlite3.OperationalError, OperationalError):
        if raised:
            raise raised[0] from None
        raise
    finally:
        driver.set_progress_handler(None, 0)


def move_rows(connection: Connection, table: str, columns: Sequence[str], source: RowSource) -> None:
    """Insert what ``source`` selects from a file that was attached at the begin of the transaction."""
    select = f"SELECT {source.values} FROM {name_beside(source.number)}.{table} WHERE {source.condition}"  # noqa: S608
    run_beside(connection, f"INSERT INTO main.{table} ({', '.join(columns)}) {select}", source.arguments)


def run_beside(connection: Connection, sql: str, arguments: Sequence[int]) -> list[tuple[object, ...]]:
    """Give what a statement gives that reads files which were attached at the begin of the transaction."""
    driver = cast(sqlite3.Connection, connection.connection.driver_connection)
    try:
        return driver.execute(sql, arguments).fetchall()
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _DAMAGE:
            raise
        # The catalog was read through before; to call it damaged would have it set aside.
        raise CatalogError(
            f"A scratch file could not be read ({error}). The catalog was not changed.",
            hint="Check the disk of the folder for scratch files (TMPDIR), then run the same again.",
        ) from error


def name_beside(number: int) -> str:
    """Give the name of the ``number``-th file that was attached."""
    return f"part{number}"


def sqlite_file(url: str | URL) -> Path | None:
    """Give the file behind a SQLite address; None for another engine or a database in memory."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or parsed.database == ":memory:" or not parsed.database:
        return None
    return Path(parsed.database)


def make_file(path: Path, *, mode: int = 0o600) -> None:
    """Make an empty file for a catalog that is not there yet, for its owner alone: it will hold hashes of passwords.

    SQLite gives what it puts beside it the same mode. Does nothing where there is one, or where none can be made: what
    opens it then tells why.
    """
    with suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))


def verify_pages(connection: Connection, shown: str) -> None:
    """Read a file through. Raises CatalogDamagedError if it is not sound."""
    verdict = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    if verdict != "ok":
        raise CatalogDamagedError(
            f"The catalog {shown} is damaged ({verdict}). The photos and their indexes are safe.", hint=HINT_RECOVER
        )


def back_up(source: Path, label: str) -> str | None:
    """Copy a catalog file to ``<file>.backup-<label>`` beside it, or the next free name, and give that path.

    The copy is complete even while others write. None when there is no file yet. Raises CatalogError.
    """
    if not source.exists():
        return None
    target = source.with_name(f"{source.name}.backup-{label}")
    number = 2
    while target.exists():
        target = source.with_name(f"{source.name}.backup-{label}-{number}")
        number += 1
    make_file(target, mode=source.stat().st_mode & 0o777)
    try:
        with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
            old.backup(new)
    except sqlite3.Error as error:
        raise CatalogError(
            f"The catalog could not be copied to {target.name} before its migration: {error}. It was not changed.",
            hint=f"Make room beside {source}, or give the folder's owner the right to write there.",
        ) from error
    return str(target)


def explain(error: sqlite3.Error, shown: str) -> Trouble | None:
    """Give what an error says of the catalog, in words; None for a bug of ours."""
    primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if primary in _DAMAGE:
        return damaged(shown, error)
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Trouble(
            f"Another process is writing to the catalog {shown}; nothing was changed.", "Try again in a moment."
        )
    if primary == sqlite3.SQLITE_FULL:
        return Trouble(f"The disk of the catalog {shown} is full; nothing was changed.", "Make room and try again.")
    if primary == sqlite3.SQLITE_CANTOPEN:
        return Trouble(
            f"The catalog {shown} cannot be opened: {error}.", "Check that its folder exists and can be read."
        )
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return Trouble(
            f"The catalog {shown} cannot be written: {error}.", "Check the rights of the file and its folder."
        )
    if primary == sqlite3.SQLITE_IOERR:
        return Trouble(f"The disk of the catalog {shown} reported an error: {error}.", HINT_RECOVER)
    return None
