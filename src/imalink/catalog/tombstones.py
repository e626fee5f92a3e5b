"""Tombstones: what was deleted, from which storage, so that whoever meets such a picture again can say so."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from imalink.catalog.bulk import chunks
from imalink.catalog.models import DeletedFile, FileStorage, ImportSession, SessionFile
from imalink.core.ids import Hothash, SessionUuid, StorageUuid
from imalink.core.index import Tombstone
from imalink.core.relative_path import RelativePath


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTombstone:
    """One tombstone and the storage in which it stands."""

    tombstone: Tombstone
    storage_uuid: StorageUuid
    display_name: str


def has_any(db: Session) -> bool:
    """Tell whether there is any tombstone at all."""
    return db.execute(select(DeletedFile.hothash).limit(1)).first() is not None


def list_session_numbers(db: Session, storage_id: int) -> list[int]:
    """Give the numbers of the session files of a storage in which tombstones stand."""
    query = (
        select(SessionFile.number)
        .join(DeletedFile, DeletedFile.import_session_id == SessionFile.import_session_id)
        .where(SessionFile.file_storage_id == storage_id, DeletedFile.file_storage_id == storage_id)
        .distinct()
        .order_by(SessionFile.number)
    )
    return list(db.execute(query).scalars())


def find_session_number(db: Session, storage_id: int, session_uuid: SessionUuid) -> int | None:
    """Give the number of a session's file in a storage."""
    query = (
        select(SessionFile.number)
        .join(ImportSession, ImportSession.id == SessionFile.import_session_id)
        .where(SessionFile.file_storage_id == storage_id, ImportSession.session_uuid == session_uuid)
    )
    return db.execute(query).scalar_one_or_none()


def find_hothashes(db: Session, prefix: str, *, limit: int = 10) -> list[Hothash]:
    """Give the hothashes of deleted pictures that begin with ``prefix``, in order, at most ``limit``."""
    first, last = prefix.ljust(64, "0"), prefix.ljust(64, "f")
    query = select(DeletedFile.hothash).where(DeletedFile.hothash.between(first, last)).distinct()
    return [Hothash(each) for each in db.execute(query.order_by(DeletedFile.hothash).limit(limit)).scalars()]


def find_at_path(db: Session, storage_uuid: StorageUuid, path: RelativePath) -> Hothash | None:
    """Give the picture that was deleted last of those that stood at a path of a storage, or are kept there; or None.

    Every tombstone of the storage is looked at.
    """
    query = (
        select(DeletedFile.tombstone)
        .join(FileStorage, FileStorage.id == DeletedFile.file_storage_id)
        .where(FileStorage.storage_uuid == storage_uuid)
    )
    latest: Tombstone | None = None
    for tombstone in db.execute(query).scalars():
        if path in _places(tombstone) and (latest is None or latest.deleted_at < tombstone.deleted_at):
            latest = tombstone
    return None if latest is None else latest.hothash


def _places(tombstone: Tombstone) -> Iterator[RelativePath]:
    if tombstone.path is not None:
        yield tombstone.path
    for kept in tombstone.kept:
        yield from (kept.path, kept.kept)
    if tombstone.entry is not None:
        yield tombstone.entry.relative_path
        yield from (copy.relative_path for copy in tombstone.entry.copies)


def find_by_hothash(db: Session, hothashes: Collection[Hothash]) -> dict[Hothash, tuple[FoundTombstone, ...]]:
    """Give the tombstones of each of these pictures, the latest first; those without any are left out.

    A picture with a tombstone may have files all the same, in other sessions and storages.
    """
    found: dict[Hothash, list[FoundTombstone]] = {}
    for chunk in chunks(hothashes):
        rows = db.execute(
            select(DeletedFile.tombstone, FileStorage.storage_uuid, FileStorage.display_name)
            .join(FileStorage, FileStorage.id == DeletedFile.file_storage_id)
            .where(DeletedFile.hothash.in_(chunk))
        )
        for tombstone, storage_uuid, display_name in rows:
            found.setdefault(tombstone.hothash, []).append(
                FoundTombstone(tombstone=tombstone, storage_uuid=StorageUuid(storage_uuid), display_name=display_name)
            )
    return {
        hothash: tuple(sorted(each, key=lambda one: (one.tombstone.deleted_at, one.storage_uuid), reverse=True))
        for hothash, each in found.items()
    }
