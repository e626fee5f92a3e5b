"""Taking a storage out of the catalog: what the library would lose sight of, and doing it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from imalink.catalog.file_storages import StorageRecord
from imalink.catalog.models import FileLocation, FileStorage, ImageFile, ImportSession, SessionFile
from imalink.catalog.projection import remove_index
from imalink.catalog.said_models import WaitingEdit
from imalink.catalog.session_projection import leave_storage
from imalink.catalog.tables import METADATA
from imalink.core.ids import SessionUuid


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What the catalog would no longer know of without a storage.

    ``file_count`` files are indexed there, of ``photo_count`` photos; of ``lost_photo_count`` of these no other storage
    has a file. ``lost_session_count`` sessions are in no other storage. ``waiting_edit_count`` edits were never written
    there.
    """

    file_count: int
    photo_count: int
    lost_photo_count: int
    lost_session_count: int
    waiting_edit_count: int


def count_loss(db: Session, storage_id: int) -> Loss:
    """Count what would be lost sight of."""
    files = select(func.count()).select_from(FileLocation).where(FileLocation.file_storage_id == storage_id)
    waiting = select(func.count()).select_from(WaitingEdit).where(WaitingEdit.file_storage_id == storage_id)
    photos = (
        select(func.count(ImageFile.photo_id.distinct()))
        .join(FileLocation, FileLocation.image_file_id == ImageFile.id)
        .where(FileLocation.file_storage_id == storage_id)
    )
    elsewhere = (
        select(ImageFile.photo_id)
        .join(FileLocation, FileLocation.image_file_id == ImageFile.id)
        .where(FileLocation.file_storage_id != storage_id)
    )
    return Loss(
        file_count=db.execute(files).scalar_one(),
        photo_count=db.execute(photos).scalar_one(),
        lost_photo_count=db.execute(photos.where(ImageFile.photo_id.not_in(elsewhere))).scalar_one(),
        lost_session_count=len(_session_ids(db, storage_id) - _session_ids_elsewhere(db, storage_id)),
        waiting_edit_count=db.execute(waiting).scalar_one(),
    )


def find_lost_sessions(db: Session, storage_id: int) -> set[SessionUuid]:
    """Give the sessions that would be lost sight of."""
    lost = _session_ids(db, storage_id) - _session_ids_elsewhere(db, storage_id)
    rows = dict(iter(db.execute(select(ImportSession.id, ImportSession.session_uuid))))
    return {SessionUuid(rows[session_id]) for session_id in lost}


def forget_storage(db: Session, storage: StorageRecord) -> None:
    """Take a storage out of the catalog with all that its indexes said; what others say too stays. Commits nothing."""
    db.execute(delete(WaitingEdit).where(WaitingEdit.file_storage_id == storage.id))
    session_ids = _session_ids(db, storage.id)
    for session_id in sorted(session_ids):
        remove_index(db, session_id=session_id, storage_id=storage.id)
    for session_id in sorted(session_ids):
        leave_storage(db, session_id, storage.id)
    for table in reversed(METADATA.sorted_tables):  # its last walk, operations, and whatever else is only its own
        if "file_storage_id" in table.c and table.name != ImportSession.__tablename__:
            db.execute(delete(table).where(table.c.file_storage_id == storage.id))
    db.execute(delete(FileStorage).where(FileStorage.id == storage.id))
    db.expire_all()


def _session_ids(db: Session, storage_id: int) -> set[int]:
    """Give the sessions that have an index in a storage, or were begun there and never came to one."""
    indexed = select(SessionFile.import_session_id).where(SessionFile.file_storage_id == storage_id)
    begun = select(ImportSession.id).where(ImportSession.file_storage_id == storage_id)
    return {*db.execute(indexed).scalars(), *db.execute(begun).scalars()}


def _session_ids_elsewhere(db: Session, storage_id: int) -> set[int]:
    return set(
        db.execute(select(SessionFile.import_session_id).where(SessionFile.file_storage_id != storage_id)).scalars()
    )
