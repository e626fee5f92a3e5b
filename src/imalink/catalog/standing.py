"""Whether photos can be opened, by the files that the indexes name; and which companions their pictures have."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from imalink.catalog.bulk import chunks
from imalink.catalog.locations import location_path
from imalink.catalog.models import CompanionFile, FileLocation, FileStorage, ImageFile
from imalink.core.ids import Hothash, StorageUuid
from imalink.core.index import FileStatus
from imalink.core.relative_path import RelativePath
from imalink.core.search_query import PhotoStatus


def load_statuses(db: Session, photo_ids: Collection[int]) -> dict[int, PhotoStatus]:
    """Give for each of these photos, by id, whether it can be opened. No disk is touched."""
    is_within_reach = FileStorage.is_accessible & FileStorage.is_active
    reached = set(db.execute(select(FileStorage.id).where(is_within_reach)).scalars())
    found = dict.fromkeys(photo_ids, PhotoStatus.MISSING)
    for chunk in chunks(photo_ids):
        query = (
            select(ImageFile.photo_id, FileLocation.file_storage_id)
            .join(FileLocation, FileLocation.image_file_id == ImageFile.id)
            .where(ImageFile.photo_id.in_(chunk), FileLocation.status == FileStatus.PRESENT.value)
        )
        for photo_id, storage_id in db.execute(query):
            if storage_id in reached:
                found[photo_id] = PhotoStatus.PRESENT
            elif found[photo_id] is PhotoStatus.MISSING:
                found[photo_id] = PhotoStatus.OFFLINE
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCompanion:
    """A sidecar, clip or the like beside a picture, in one storage; ``kind`` as in the indexes."""

    hothash: Hothash
    storage_uuid: StorageUuid
    relative_path: RelativePath
    kind: str
    size_bytes: int


def list_companions(db: Session, hothashes: Collection[Hothash]) -> list[FoundCompanion]:
    """Give the companions of these pictures, by picture, storage and path."""
    found: list[FoundCompanion] = []
    for chunk in chunks(hothashes):
        query = (
            select(CompanionFile, ImageFile.hothash, FileStorage.storage_uuid)
            .join(ImageFile, ImageFile.id == CompanionFile.image_file_id)
            .join(FileStorage, FileStorage.id == CompanionFile.file_storage_id)
            .where(ImageFile.hothash.in_(chunk))
        )
        found.extend(
            FoundCompanion(
                hothash=Hothash(hothash),
                storage_uuid=StorageUuid(storage_uuid),
                relative_path=location_path(row.relative_path, row.relative_path_bytes),
                kind=row.kind,
                size_bytes=row.file_size,
            )
            for row, hothash, storage_uuid in db.execute(query)
        )
    return sorted(found, key=lambda each: (each.hothash, each.storage_uuid, each.relative_path))
