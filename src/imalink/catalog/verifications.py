"""What this machine verified of each storage and when, and how far a verification came that was stopped."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from imalink.catalog.bulk import chunks, insert_rows, table_of
from imalink.catalog.work_models import UnfinishedVerification, VerifiedFile
from imalink.core.ids import Sha256
from imalink.core.relative_path import RelativePath

_VERIFIED = table_of(VerifiedFile)
_COLUMNS = ("file_storage_id", "path", "sha256", "verified_at")


@dataclass(frozen=True, slots=True)
class Verified:
    """Which bytes were read at a path and found whole, and when."""

    sha256: Sha256
    at: str


def load_verified(
    db: Session, storage_id: int, paths: Collection[RelativePath] | None = None
) -> dict[RelativePath, Verified]:
    """Give by path what was verified of a storage, all or of ``paths``."""
    query = select(_VERIFIED.c.path, _VERIFIED.c.sha256, _VERIFIED.c.verified_at).where(
        _VERIFIED.c.file_storage_id == storage_id
    )
    queries = [query]
    if paths is not None:
        queries = [query.where(_VERIFIED.c.path.in_(chunk)) for chunk in chunks([path.as_bytes() for path in paths])]
    return {
        RelativePath.from_bytes(path): Verified(Sha256(sha256), at)
        for each in queries
        for path, sha256, at in db.execute(each)
    }


def keep_verified(db: Session, storage_id: int, verified: Mapping[RelativePath, Verified]) -> None:
    """Remember that files were read and found whole. Commits nothing."""
    for chunk in chunks([path.as_bytes() for path in verified]):
        db.execute(delete(VerifiedFile).where(VerifiedFile.file_storage_id == storage_id, VerifiedFile.path.in_(chunk)))
    rows = [(storage_id, path.as_bytes(), each.sha256, each.at) for path, each in verified.items()]
    insert_rows(db, _VERIFIED, _COLUMNS, rows)


def forget_verified(db: Session, storage_id: int, paths: Collection[RelativePath]) -> None:
    """Forget that files were whole, for they are no more. Commits nothing."""
    for chunk in chunks([path.as_bytes() for path in paths]):
        db.execute(delete(VerifiedFile).where(VerifiedFile.file_storage_id == storage_id, VerifiedFile.path.in_(chunk)))


def find_unfinished(db: Session, storage_id: int) -> bytes | None:
    """Give how far the last verification came, if it was stopped."""
    row = db.get(UnfinishedVerification, storage_id)
    return None if row is None else row.data


def keep_unfinished(db: Session, storage_id: int, data: bytes) -> None:
    """Remember how far a verification came. Commits nothing."""
    db.merge(UnfinishedVerification(file_storage_id=storage_id, data=data))
    db.flush()


def drop_unfinished(db: Session, storage_id: int) -> None:
    """Forget it: the verification came to its end, or begins anew. Commits nothing."""
    db.execute(delete(UnfinishedVerification).where(UnfinishedVerification.file_storage_id == storage_id))
