"""Tombstones: what was deleted, from which storage, so that whoever meets such a picture again can say so."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from imalink.catalog.bulk import chunks
from imalink.catalog.models import DeletedFile, FileStorage
from imalink.core.ids import Hothash, StorageUuid
from imalink.core.index import Tombstone


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundTombstone:
    """One tombstone and the storage in which it stands."""

    tombstone: Tombstone
    storage_uuid: StorageUuid
    display_name: str


def has_any(db: Session) -> bool:
    """Tell whether there is any tombstone at all."""
    return db.execute(select(DeletedFile.hothash).limit(1)).first() is not None


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
