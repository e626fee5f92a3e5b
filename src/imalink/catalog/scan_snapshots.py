"""The last walk of each storage, kept as opaque bytes so that the next one need only compare."""

from __future__ import annotations

from sqlalchemy import delete
from sqlalchemy.orm import Session

from imalink.catalog.work_models import ScanSnapshot
from imalink.core.ids import Sha256


def find_snapshot(db: Session, storage_id: int, *, master_digest: Sha256) -> bytes | None:
    """Give the kept walk of a storage, if it was made against this very master index."""
    row = db.get(ScanSnapshot, storage_id)
    return row.data if row is not None and row.master_digest == master_digest else None


def keep_snapshot(db: Session, storage_id: int, *, master_digest: Sha256, data: bytes) -> None:
    """Keep a storage's walk in the place of the one before."""
    db.merge(ScanSnapshot(file_storage_id=storage_id, master_digest=master_digest, data=data))
    db.flush()


def drop_snapshot(db: Session, storage_id: int) -> None:
    """Forget a storage's walk, so that the next one looks at every file."""
    db.execute(delete(ScanSnapshot).where(ScanSnapshot.file_storage_id == storage_id))
