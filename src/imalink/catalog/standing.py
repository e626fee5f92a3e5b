"""Whether photos can be opened, by the files that the indexes name; and which companions their pictures have."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from imalink.catalog.bulk import chunks, table_of
from imalink.catalog.locations import location_path
from imalink.catalog.models import CompanionFile, FileLocation, FileStorage, ImageFile
from imalink.core.ids import Hothash, StorageUuid
from imalink.core.index import FileStatus
from imalink.core.relative_path import RelativePath
from imalink.core.search_query import PhotoStatus

_IMAGES, _PLACES, _STORAGES = table_of(ImageFile), table_of(FileLocation), table_of(FileStorage)
_STANDING = (
    select(_IMAGES.c.photo_id, _STORAGES.c.is_accessible, _STORAGES.c.is_active)
    .join(_PLACES, _PLACES.c.image_file_id == _IMAGES.c.id)
    .join(_STORAGES, _STORAGES.c.id == _PLACES.c.file_storage_id)
    .where(_IMAGES.c.photo_id.in_(bindparam("ids", expanding=True)), _PLACES.c.status == FileStatus.PRESENT.value)
)
"""Made once: making it takes as long as asking it."""


def load_statuses(db: Session, photo_ids: Collection[int]) -> dict[int, PhotoStatus]:
    """Give for each of these photos, by id, whether it can be opened. No disk is touched."""
    found = dict.fromkeys(photo_ids, PhotoStatus.MISSING)
    for chunk in chunks(photo_ids):
        for photo_id, is_accessible, is_active in db.connection().execute(_STANDING, {"ids": chunk}).all():
            if is_accessible and is_active:
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
