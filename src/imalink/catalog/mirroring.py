"""A session that the catalog knows from another storage, and that this one tells in the same words: it has its files.

Nothing that is derived changes then, so that only the records are inserted: as quickly as a session that is new. What
differs in anything is left to ``projection``, and so is all on PostgreSQL. Why: docs/decisions/0084.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from imalink.catalog import dialects
from imalink.catalog.derivation import IMAGE_COLUMNS
from imalink.catalog.index_rows import COMPANION_COLUMNS, DELETED_COLUMNS, LOCATION_COLUMNS, SESSION_PHOTO_COLUMNS
from imalink.catalog.models import ImportSession, SessionFile
from imalink.catalog.parts import COMPANIONS, DELETED, IMAGES, LOCATIONS, SESSION_PHOTOS, Part, PartSession
from imalink.catalog.session_projection import PlacedSession, project_head
from imalink.core.index import SessionIndex

_SAME = " AND ".join(
    f"here.{name} IS there.{name}" for name in IMAGE_COLUMNS if name not in ("hothash", "photo_id", "import_session_id")
)


def find_told_otherwise(db: Session) -> set[int]:
    """Give the pictures of which some index says another thing than holds for them."""
    return set(db.execute(select(LOCATIONS.c.image_file_id).where(LOCATIONS.c.entry.is_not(None))).scalars())


class Mirror:
    """Takes sessions of one part in whose pictures the catalog has; ``number`` is the part's in the transaction."""

    def __init__(self, db: Session, storage_id: int, part: Part, number: int, told_otherwise: set[int]) -> None:
        self._db = db
        self._storage_id = storage_id
        self._part = part
        self._beside = dialects.name_beside(number)
        self._told_otherwise = told_otherwise

    def take_in(self, index: SessionIndex, session: PartSession) -> PlacedSession | None:
        """Take a known session in, of which ``index`` is the head; None, and nothing taken, where anything differs."""
        session_uuid = index.session.session_uuid
        known = select(ImportSession.id).where(ImportSession.session_uuid == session_uuid)
        session_id = self._db.execute(known).scalar_one()
        if dialects.is_postgresql(self._db.connection()) or not self._is_told_the_same(session, session_id):
            return None
        placed = project_head(self._db, self._storage_id, index)
        for table, columns in ((LOCATIONS, LOCATION_COLUMNS), (COMPANIONS, COMPANION_COLUMNS)):
            self._insert_of_pictures(table, columns, session, session_id)
        for table, columns in ((SESSION_PHOTOS, SESSION_PHOTO_COLUMNS), (DELETED, DELETED_COLUMNS)):
            names = ", ".join(columns)
            values = ", ".join([str(session_id), *columns[1:]])
            self._run(
                f"INSERT INTO main.{table.name} ({names}) "  # noqa: S608 - our names
                f"SELECT {values} FROM {self._beside}.{table.name} WHERE rowid BETWEEN ? AND ?",
                session.rows[table.name],
            )
        return placed

    def _is_told_the_same(self, session: PartSession, session_id: int) -> bool:
        of_session = SessionFile.import_session_id == session_id
        storages = set(self._db.execute(select(SessionFile.file_storage_id).where(of_session)).scalars())
        return (
            bool(storages)
            and self._storage_id not in storages
            and self._has_all_pictures(session, session_id)
            and self._is_same_said(session, session_id, storages)
        )

    def _has_all_pictures(self, session: PartSession, session_id: int) -> bool:
        """Tell whether all pictures are known as those of this session, with all that is said of each."""
        found = self._run(
            f"SELECT here.id FROM {self._beside}.image_files AS there "  # noqa: S608 - our names
            "CROSS JOIN main.image_files AS here ON here.hothash = there.hothash "
            "CROSS JOIN main.photos AS photo ON photo.id = here.photo_id "
            f"CROSS JOIN {self._beside}.photos AS said ON said.id = there.photo_id "
            f"WHERE there.id BETWEEN ? AND ? AND here.import_session_id = ? AND photo.photo_uuid = said.photo_uuid "
            f"AND {_SAME}",
            (*session.rows[IMAGES.name], session_id),
        )
        ids = {cast(int, row[0]) for row in found}
        return len(ids) == session.picture_count and not ids & self._told_otherwise

    def _is_same_said(self, session: PartSession, session_id: int, storages: set[int]) -> bool:
        """Tell whether the user said the same of the same photos in every storage that has the session."""
        columns = "photo_uuid, imported_at, record"
        mine = set(
            self._part.rows(
                f"SELECT {columns} FROM session_photos WHERE rowid BETWEEN ? AND ?",  # noqa: S608 - our names
                session.rows[SESSION_PHOTOS.name],
            )
        )
        query = f"SELECT file_storage_id, {columns} FROM main.session_photos WHERE import_session_id = ?"  # noqa: S608
        said = self._run(query, (session_id,))
        return all({tuple(row[1:]) for row in said if row[0] == storage_id} == mine for storage_id in storages)

    def _insert_of_pictures(self, table: Table, columns: Sequence[str], session: PartSession, session_id: int) -> None:
        moved = {"image_file_id": "here.id", "import_session_id": str(session_id)}
        values = ", ".join(moved.get(name, f"file.{name}") for name in columns)
        self._run(
            f"INSERT INTO main.{table.name} ({', '.join(columns)}) "  # noqa: S608 - our names
            f"SELECT {values} FROM {self._beside}.{table.name} AS file "
            f"CROSS JOIN {self._beside}.image_files AS there ON there.id = file.image_file_id "
            "CROSS JOIN main.image_files AS here ON here.hothash = there.hothash WHERE file.rowid BETWEEN ? AND ?",
            session.rows[table.name],
        )

    def _run(self, sql: str, arguments: Sequence[int]) -> list[tuple[object, ...]]:
        return dialects.run_beside(self._db.connection(), sql, arguments)
