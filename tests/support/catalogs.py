"""Catalogs for tests: made anew from some indexes, and dumped."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable
from pathlib import Path

from sqlalchemy import select

from imalink.catalog import full_text, timeline
from imalink.catalog.catalog import Catalog, Db
from imalink.catalog.dialects import is_postgresql
from imalink.catalog.dump import dump
from imalink.catalog.file_storages import StorageRecord, add_storage, find_storage
from imalink.catalog.models import PhotoDay
from imalink.catalog.projection import ProjectedSession, project_session
from imalink.core.ids import Hothash, StorageUuid
from imalink.core.index import SessionIndex
from tests.support.postgresql import PostgresServer


def storage_in(catalog: Catalog, storage_uuid: StorageUuid) -> StorageRecord:
    """Give a storage's record, made now when the catalog does not know it."""
    with catalog.begin() as db:
        known = find_storage(db, storage_uuid)
        return known or add_storage(
            db,
            storage_uuid=storage_uuid,
            directory_name=f"imalink_20241018_143052_{storage_uuid[:8]}",
            base_path="/media/disk",
            display_name=f"Disk {storage_uuid[:4]}",
            created_at="2024-10-18T14:30:52Z",
        )


def project(catalog: Catalog, index: SessionIndex, only: Collection[Hothash] | None = None) -> ProjectedSession:
    """Project one index in a transaction of its own."""
    storage = storage_in(catalog, index.storage_uuid)
    with catalog.begin() as db:
        return project_session(db, storage=storage, index=index, only=only)


def dump_of(catalog: Catalog) -> list[str]:
    """Give the dump of a catalog, whose counts of days and index of words are seen to be those of its photos."""
    with catalog.read() as db:
        check_derived(db)
        return dump(db)


def check_derived(db: Db) -> None:
    """See that what is kept beside the photos is what they say."""
    kept: dict[int, int] = dict(iter(db.execute(select(PhotoDay.day, PhotoDay.photo_count))))
    assert kept == timeline.count_again(db)
    if not is_postgresql(db.connection()):
        check = f"INSERT INTO {full_text.TABLE}({full_text.TABLE}, rank) VALUES ('integrity-check', 1)"
        db.connection().exec_driver_sql(check)


class Catalogs:
    """Makes catalogs from an empty one, on SQLite or a PostgreSQL server: a migration each would take most of the time.

    Without ``empty`` one is made first.
    """

    def __init__(self, folder: Path, *, empty: Path | None = None, server: PostgresServer | None = None) -> None:
        self._folder = folder
        self._count = 0
        self._server = server
        self._made: list[str] = []
        if empty is None and server is None:
            empty = folder / "empty.sqlite3"
            Catalog.open(f"sqlite:///{empty}").close()
        self._empty = empty

    def make_url(self) -> str:
        """Give the address of a new empty catalog."""
        if self._server is not None:
            self._made.append(self._server.make_database())
            return self._made[-1]
        assert self._empty is not None
        self._count += 1
        target = self._folder / f"catalog{self._count}.sqlite3"
        shutil.copyfile(self._empty, target)
        return f"sqlite:///{target}"

    def make(self) -> Catalog:
        """Give a new empty catalog."""
        return Catalog.open(self.make_url())

    def dump_after(self, indexes: Iterable[SessionIndex]) -> list[str]:
        """Give the dump of a new catalog into which these indexes were projected, in this order."""
        with self.make() as catalog:
            for index in indexes:
                project(catalog, index)
            return dump_of(catalog)

    def close(self) -> None:
        """Remove what stands on the server."""
        while self._made and self._server is not None:
            self._server.drop_database(self._made.pop())
