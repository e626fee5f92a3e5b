"""A whole catalog copied into another, row by row: between files, between engines, out to a backup and back.

Who may log in, and who did what, is no part of it: each catalog keeps its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sqlalchemy import Column, Connection, Integer, MetaData, Table, func, insert, select, text, update
from sqlalchemy.engine import Row, RowMapping

from imalink.catalog.account_models import OF_THIS_CATALOG
from imalink.catalog.bulk import table_of
from imalink.catalog.catalog import Catalog
from imalink.catalog.said_models import LibraryState
from imalink.catalog.tables import METADATA

_ROWS_AT_ONCE = 5_000


def copy_catalog(source: Catalog, target: Catalog, *, on_table: Callable[[str], None] | None = None) -> int:
    """Give ``target`` the content of ``source`` in one transaction, in place of all it held; give how many rows.

    Both have this version's tables, on the same engine or not. ``on_table`` hears the name of each table before it is
    copied, and may raise to stop: then ``target`` is as it was. Raises CatalogError.
    """
    count = 0
    tables = _tables(METADATA)
    with source.read() as old, target.begin(is_durable=True) as new:
        reader, writer = old.connection(), new.connection()
        known = _state_of(writer)
        for table in reversed(tables):
            writer.execute(table.delete())
        for table in tables:
            if on_table is not None:
                on_table(table.name)
            for rows in _batches(reader, table):
                writer.execute(insert(table), [dict(row) for row in rows])
                count += len(rows)
            _go_on_counting(writer, table)
        # Whoever watches the target sees that it changed, and what is said there next is later than all said before.
        state = table_of(LibraryState)
        writer.execute(
            update(state).values(
                library_rev=max(known.library_rev + 1, _state_of(writer).library_rev),
                edit_counter=max(known.edit_counter, _state_of(writer).edit_counter),
            )
        )
    return count


def _tables(metadata: MetaData) -> list[Table]:
    return [table for table in metadata.sorted_tables if table.name not in OF_THIS_CATALOG]


def _state_of(connection: Connection) -> Row[int, int]:
    return connection.execute(select(LibraryState.library_rev, LibraryState.edit_counter)).one()


def _batches(connection: Connection, table: Table) -> Iterator[Sequence[RowMapping]]:
    query = select(table).order_by(*table.primary_key.columns)
    rows = connection.execute(query, execution_options={"yield_per": _ROWS_AT_ONCE})
    yield from rows.mappings().partitions(_ROWS_AT_ONCE)


def _go_on_counting(connection: Connection, table: Table) -> None:
    """Let ids that the database gives go on after the copied ones; PostgreSQL counts them apart from the rows."""
    keys: list[Column[object]] = list(table.primary_key.columns)
    if connection.dialect.name != "postgresql" or len(keys) != 1 or not isinstance(keys[0].type, Integer):
        return
    name = connection.execute(
        text("SELECT pg_get_serial_sequence(:table, :column)"), {"table": table.name, "column": keys[0].name}
    ).scalar()
    highest = connection.execute(select(func.max(keys[0]))).scalar()
    if name is not None and highest is not None:
        connection.execute(text("SELECT setval(:name, :highest)"), {"name": name, "highest": highest})
