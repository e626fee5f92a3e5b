"""PostgreSQL: how the server is asked, how one writes at a time, how tables are kept aside, and what errors mean.

What it promises is what SQLite does. Decision: docs/decisions/0058-postgresql-is-the-same-catalog.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, TypedDict, cast

from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from imalink.catalog.trouble import DURABLE, WRITES, Trouble, damaged
from imalink.errors import CatalogError

if TYPE_CHECKING:
    import psycopg

LOCK_TIMEOUT_MS = 30_000
"""How long a writer waits for another one to end its transaction."""

DAMAGED_SCHEMA = "imalink_damaged"
BACKUP_SCHEMA = "imalink_backup"
"""How the schemas begin in which tables are kept before a migration or a restore."""

_LONGEST_NAME = 63
_NUMBER_LENGTH = 4
_NOT_IN_NAMES = re.compile("[^a-z0-9_]+")

_WRITE_LOCK: Final = 0x696D616C696E6B
"""The advisory lock that a writer of a catalog holds, "imalink" in ASCII; such locks are each database's own."""


class EngineOptions(TypedDict):
    """What SQLAlchemy is told when it makes an engine."""

    pool_pre_ping: bool
    connect_args: dict[str, object]


ENGINE_OPTIONS: EngineOptions = {
    "pool_pre_ping": True,  # the server may have been restarted since
    "connect_args": {
        "connect_timeout": 10,
        "application_name": "imalink",
        "client_encoding": "utf8",
    },
}

_READER = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"
_WRITER = (
    # Not repeatable read: what another wrote while this one waited for the lock must be seen.
    "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = {timeout}; "
    "SET LOCAL synchronous_commit = {durability}; SELECT pg_advisory_xact_lock({lock})"
)

_BY_CODE = {
    "42501": ("may not do what is needed: {error}", "Give its user all rights on the database, or another user."),
    "25006": ("is read-only: {error}", "Use the primary server, not a standby."),
    "53100": ("is on a full disk; nothing was changed", "Make room on the server and try again."),
    "53200": ("is out of memory: {error}", "Give the server more memory and try again."),
    "53300": ("has no connection to spare: {error}", "Raise max_connections, or close other programs."),
    "55P03": ("is being written to by another process; nothing was changed", "Try again in a moment."),
    "40001": ("is being written to by another process; nothing was changed", "Try again in a moment."),
    "40P01": ("is being written to by another process; nothing was changed", "Try again in a moment."),
    "28P01": ("refused the password: {error}", "Check the address in the settings, and the server's pg_hba.conf."),
    "28000": ("refused the user: {error}", "Check the address in the settings, and the server's pg_hba.conf."),
    "3D000": ("is not there: {error}", "Make the database: createdb --encoding=UTF8 NAME."),
}
_CODES_OF_DAMAGE = ("XX001", "XX002")
_CODES_OF_ABSENCE = ("08", "57")
"""Classes of codes: the connection broke, or the server shut down or stopped us."""


def normalized(url: URL) -> URL:
    """Give the address with the driver that is used; ``postgresql://`` alone will do."""
    return url.set(drivername="postgresql+psycopg") if url.drivername in ("postgresql", "postgres") else url


def set_up(engine: Engine) -> None:
    """Let every transaction of an engine be one writer's or a consistent view."""
    event.listen(engine, "connect", _set_up_connection)
    event.listen(engine, "begin", _begin)


def _set_up_connection(connection: psycopg.Connection, record: object) -> None:
    del record
    # What months and days are must not depend on where the server stands.
    connection.execute("SET TIME ZONE 'UTC'")
    connection.commit()


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    statement = _READER
    if options.get(WRITES, False):
        durability = "on" if options.get(DURABLE, False) else "off"
        statement = _WRITER.format(timeout=LOCK_TIMEOUT_MS, durability=durability, lock=_WRITE_LOCK)
    connection.exec_driver_sql(statement)


def check_database(connection: Connection, shown: str) -> None:
    """Refuse a database that cannot hold every name. Raises CatalogError."""
    encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
    if encoding != "UTF8":
        raise CatalogError(
            f"The database {shown} is encoded as {encoding}, in which not every file name can be kept.",
            hint="Make one with createdb --encoding=UTF8 --template=template0 NAME.",
        )


def copy_rows(connection: Connection, table: str, columns: Sequence[str], rows: Iterable[tuple[object, ...]]) -> None:
    """Stream tuples of values as the driver takes them into a table: several times as fast as inserting them.

    Nothing there can conflict with them: one writes at a time.
    """
    from psycopg import sql

    driver = cast("psycopg.Connection", connection.connection.driver_connection)
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def settle_sequences(connection: Connection, tables: Sequence[str]) -> None:
    """Let the ids of these tables go on above the greatest there is."""
    for table in tables:
        connection.exec_driver_sql(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table} HAVING max(id) > 0"  # noqa: S608
        )


def update_rows(
    connection: Connection, table: str, key: str, columns: Sequence[str], rows: Iterable[tuple[object, ...]]
) -> None:
    """Update rows by ``key`` from tuples of the key's value and those of ``columns``, over a temporary table."""
    names = ", ".join([key, *columns])
    connection.exec_driver_sql(
        f"CREATE TEMPORARY TABLE updated_rows ON COMMIT DROP AS SELECT {names} FROM {table} WITH NO DATA"  # noqa: S608
    )
    copy_rows(connection, "updated_rows", [key, *columns], rows)
    changes = ", ".join(f"{name} = updated_rows.{name}" for name in columns)
    connection.exec_driver_sql(
        f"UPDATE {table} SET {changes} FROM updated_rows WHERE {table}.{key} = updated_rows.{key}"  # noqa: S608
    )
    connection.exec_driver_sql("DROP TABLE updated_rows")


def collate_by_code_point(connection: Connection) -> None:
    """Give every text column of the catalog the collation "C" that does not have it yet."""
    rows = connection.exec_driver_sql(
        "SELECT quote_ident(c.relname), quote_ident(a.attname), format_type(a.atttypid, a.atttypmod) "
        "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
        "JOIN pg_collation l ON l.oid = a.attcollation "
        "WHERE n.nspname = current_schema() AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped "
        "AND l.collname <> 'C' ORDER BY 1, 2"
    )
    for table, column, kind in rows.all():
        connection.exec_driver_sql(f'ALTER TABLE {table} ALTER COLUMN {column} TYPE {kind} COLLATE "C"')


def verify_tables(connection: Connection) -> None:
    """Read every row of every table of the catalog; the server reports what it cannot read."""
    for table in _table_names(connection):
        # Hashing the row as text reads long values, too, which stand apart from their table.
        connection.exec_driver_sql(f"SELECT sum(hashtext(t::text)) FROM {table} AS t").all()  # noqa: S608 - our tables


def back_up(engine: Engine, label: str) -> str | None:
    """Copy the catalog's tables, without indexes, to a schema of their own and give its name. Raises CatalogError.

    ``pg_dump`` is not used: it need not be there, nor be of the server's version, and a file of it would stand on
    another machine than the data.
    """
    try:
        with engine.connect().execution_options(**{WRITES: True, DURABLE: True}) as connection, connection.begin():
            tables = _table_names(connection)
            if not tables:
                return None
            name = _free_schema(connection, BACKUP_SCHEMA, label)
            connection.exec_driver_sql(f"CREATE SCHEMA {name}")
            for table in tables:
                connection.exec_driver_sql(f"CREATE TABLE {name}.{table} AS TABLE {table}")
    except DBAPIError as error:
        raise CatalogError(
            f"The catalog's tables could not be copied to a schema beside them: {error.orig}. Nothing was changed.",
            hint="Let the catalog's user make schemas in its database, and see that its disk has room.",
        ) from error
    return name


def set_aside(engine: Engine, label: str) -> str | None:
    """Move the catalog's tables, indexes and all, to a schema of their own and give its name; None without any.

    Not a row is read, so it can be done to damaged ones. A backup beside them stays. Raises CatalogError.
    """
    try:
        with engine.connect().execution_options(**{WRITES: True, DURABLE: True}) as connection, connection.begin():
            tables = _table_names(connection)
            if not tables:
                return None
            name = _free_schema(connection, DAMAGED_SCHEMA, label)
            connection.exec_driver_sql(f"CREATE SCHEMA {name}")
            for table in tables:
                connection.exec_driver_sql(f"ALTER TABLE {table} SET SCHEMA {name}")
    except DBAPIError as error:
        raise CatalogError(
            f"The damaged tables of the catalog could not be set aside: {error.orig}. Nothing was changed.",
            hint="Let the catalog's user make schemas in its database, or name another one (IMALINK_DATABASE_URL); "
            "`imalink recover` fills either.",
        ) from error
    return name


def _table_names(connection: Connection) -> list[str]:
    rows = connection.exec_driver_sql(
        "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename"
    )
    return [str(name) for name in rows.scalars()]


def _free_schema(connection: Connection, beginning: str, label: str) -> str:
    """Give a name that no schema has and that needs no quotes, in no statement of ours and none of the user's."""
    wanted = _NOT_IN_NAMES.sub("_", f"{beginning}_{label}".lower())[: _LONGEST_NAME - _NUMBER_LENGTH]
    rows = connection.exec_driver_sql("SELECT nspname FROM pg_namespace")
    taken = {str(name) for name in rows.scalars()}
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}_{number}", number + 1
    return name


def explain(error: BaseException | None, shown: str, *, is_gone: bool = False) -> Trouble | None:
    """Give what an error says of the database, in words; None for a bug of ours."""
    code = str(getattr(error, "sqlstate", None) or "")
    words = " ".join(str(error).split())
    if code in _CODES_OF_DAMAGE:
        return damaged(shown, words)
    if code in _BY_CODE:
        message, hint = _BY_CODE[code]
        return Trouble(f"The catalog {shown} {message.format(error=words)}.", hint)
    if is_gone or code[:2] in _CODES_OF_ABSENCE or (not code and type(error).__name__ == "OperationalError"):
        if "does not exist" in words and "database" in words:  # told while connecting, when there is no code yet
            return Trouble(f"The catalog {shown} is not there: {words}.", _BY_CODE["3D000"][1])
        return Trouble(f"The catalog {shown} cannot be reached: {words}.", "Check that the database server runs.")
    return None
