"""The catalog database as one object: opened, begun, closed."""

from __future__ import annotations

import shutil
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session, sessionmaker

from imalink.catalog import schema
from imalink.catalog.dialects import (
    ATTACHED,
    DURABLE,
    WRITES,
    back_up,
    make_private_file,
    open_engine,
    sqlite_file,
    translated_errors,
    verify_pages,
)
from imalink.catalog.said_models import LibraryState

Db = Session
"""A transaction in progress, as ``begin`` and ``read`` give it; the layers above name it by this word only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogRoom:
    """The disk of the catalog: how much of it this user may still fill, and which device it is."""

    free_bytes: int
    device: int


class Catalog:
    """One open catalog. Safe to use from several threads; each transaction belongs to one."""

    def __init__(self, engine: Engine, url: str) -> None:
        self._engine = engine
        self._url = url
        self._readers = sessionmaker(engine, expire_on_commit=False)
        self._writers = sessionmaker(engine.execution_options(**{WRITES: True}), expire_on_commit=False)
        durable = engine.execution_options(**{WRITES: True, DURABLE: True})
        self._durable_writers = sessionmaker(durable, expire_on_commit=False)

    @classmethod
    def open(cls, url: str) -> Self:
        """Open the catalog at ``url``, migrated to this version's tables, made when new.

        ``url`` is ``sqlite:///PATH`` or ``postgresql+psycopg://USER@HOST/DATABASE``; that database must be there.

        The folder of a SQLite file must be there. An up-to-date catalog costs one small query and no import of
        Alembic. Raises CatalogError: damaged, of a newer ImaLink, not a catalog, or not to be reached.
        """
        engine = open_engine(url)
        make_private_file(url)
        try:
            with translated_errors(url):
                with engine.connect() as connection:
                    revision = schema.find_revision(connection)
            if not schema.is_current(revision):
                schema.upgrade(url)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine, url)

    @contextmanager
    def begin(
        self, *, changes_photos: bool = False, is_durable: bool = False, beside: Sequence[Path] = ()
    ) -> Generator[Session]:
        """Give a transaction that may write: committed at the end, rolled back on any exception.

        Waits for another writer, 30 s at most. ``changes_photos`` raises ``library_rev`` in the same commit, so
        that other processes notice. ``is_durable`` is for what no storage holds: it outlives a power cut.
        ``beside`` are SQLite files, eight at most, from which rows are moved (see ``dialects.move_rows``).
        Raises CatalogError when the database cannot go on.
        """
        writers = self._durable_writers if is_durable else self._writers
        if beside:
            options = {WRITES: True, DURABLE: is_durable, ATTACHED: tuple(beside)}
            writers = sessionmaker(self._engine.execution_options(**options), expire_on_commit=False)
        with translated_errors(self._url), writers.begin() as db:
            yield db
            if changes_photos:
                db.execute(update(LibraryState).values(library_rev=LibraryState.library_rev + 1))

    @contextmanager
    def read(self) -> Generator[Session]:
        """Give a consistent view for reading; it keeps no writer waiting, and nothing written in it stays.

        Raises CatalogError when the database cannot go on.
        """
        with translated_errors(self._url), self._readers() as db:
            yield db

    def verify(self) -> None:
        """Read the database through. Raises CatalogDamagedError when it is not sound."""
        with translated_errors(self._url), self._engine.connect() as connection:
            verify_pages(connection, self._url)

    def find_room(self) -> CatalogRoom | None:
        """Give the room on the disk where the catalog's file stands; None where it is no file of this machine."""
        file = sqlite_file(self._url)
        if file is None:
            return None
        folder = file.resolve().parent
        try:
            return CatalogRoom(free_bytes=shutil.disk_usage(folder).free, device=folder.stat().st_dev)
        except OSError:
            return None  # what stands in the way there is told when it is written to

    def keep_copy(self, label: str) -> str | None:
        """Keep the catalog as it is now beside itself, and give the copy's name; None where there is nothing to keep.

        Raises CatalogError.
        """
        return back_up(self._engine, label)

    def get_library_rev(self) -> int:
        """Give the number that each commit that changes photos raises."""
        with self.read() as db:
            return db.execute(select(LibraryState.library_rev)).scalar_one()

    def close(self) -> None:
        """Let go of the database. A SQLite catalog is one plain file then, unless another process has it open."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
