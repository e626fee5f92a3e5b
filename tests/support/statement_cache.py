"""One memory of compiled SQL for all SQLite catalogs of a test run.

SQLAlchemy compiles a statement once for each engine. A program has one engine, a test run thousands, and compiling took
two fifths of the processor time of tests that use a catalog. What is run against the database stays the same.
"""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import URL, Engine
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

from imalink.catalog import dialects

_STATEMENTS = 4000


def _is_same(self: object, other: object) -> bool:
    return type(self) is type(other)


def _hash(self: object) -> int:
    return hash(type(self))


def share_compiled_statements(patch: pytest.MonkeyPatch) -> None:
    """Let engines of SQLite share what they compiled, until ``patch`` is undone."""
    shared = LRUCache[Any, Any](_STATEMENTS)

    def create_engine(url: URL, **options: Any) -> Engine:
        engine = sqlalchemy.create_engine(url, **options)
        return engine.execution_options(compiled_cache=shared) if engine.dialect.name == "sqlite" else engine

    patch.setattr(dialects, "create_engine", create_engine)
    # The dialect is part of the key. All of them are the same here: one library, one set of options.
    patch.setattr(SQLiteDialect_pysqlite, "__eq__", _is_same)
    patch.setattr(SQLiteDialect_pysqlite, "__hash__", _hash)
