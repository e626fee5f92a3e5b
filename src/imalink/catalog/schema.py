"""The version of the catalog's tables: told by one cheap query, raised by Alembic with a backup first."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from imalink.catalog.dialects import WRITES, back_up, check_database, open_engine, translated_errors
from imalink.errors import CatalogError

if TYPE_CHECKING:
    from alembic.config import Config

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010")
"""Every revision of the tables, oldest first; the last is the one this version works with."""

VERSION_TABLE = "catalog_version"

_MIGRATING = threading.Lock()
"""Alembic keeps the migration that runs in variables of its modules: two at once in one process would mix."""


def find_revision(connection: Connection) -> str | None:
    """Give the revision of the tables there; None for an empty database.

    Raises CatalogError for a database of something else and for one of a newer ImaLink.
    """
    has_table = connection.dialect.has_table
    if not has_table(connection, VERSION_TABLE):
        if has_table(connection, "photos") or has_table(connection, "alembic_version"):
            raise CatalogError(
                "The database is not an ImaLink catalog; nothing was changed.",
                hint="Give the catalog a database of its own in the settings.",
            )
        return None
    revision: str | None = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608
    if revision is not None and revision not in REVISIONS:
        raise CatalogError(
            f"The catalog was written by a newer ImaLink (tables {revision}, known up to {REVISIONS[-1]}); "
            "nothing was changed.",
            hint="Use the newer version, or set the file aside and run `imalink recover`.",
        )
    return revision


def is_current(revision: str | None) -> bool:
    """Tell whether tables of this revision need no migration."""
    return revision == REVISIONS[-1]


def alembic_config() -> Config:
    """Give Alembic's configuration: the migrations inside this package, wherever it is installed."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.set_main_option("path_separator", "os")
    return config


def upgrade(url: str, *, config: Config | None = None) -> str | None:
    """Bring the catalog at ``url`` to this version's tables and give the name of the backup made before, if any.

    One that already has tables is copied first (see ``dialects.back_up``); backups are kept. An empty database gets
    all tables. Two processes may call it at once: the second finds nothing left to do.
    Raises CatalogError.
    """
    from alembic import command

    config = config if config is not None else alembic_config()
    engine = open_engine(url)
    try:
        with translated_errors(url):
            with engine.connect() as connection:
                check_database(connection, url)
                revision = find_revision(connection)
            backup = back_up(engine, revision) if revision is not None else None
            with _MIGRATING, engine.connect().execution_options(**{WRITES: True}) as connection:
                with connection.begin():
                    config.attributes["connection"] = connection
                    command.upgrade(config, "head")
    finally:
        engine.dispose()
    return backup
