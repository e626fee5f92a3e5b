"""Pictures as they are shown or exported: which preview a picture has, where it may be, and which a photo has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from imalink.catalog.bulk import chunks
from imalink.catalog.file_storages import StorageRecord, record_of
from imalink.catalog.models import FileLocation, FileStorage, ImageFile, Photo
from imalink.core.ids import Hothash
from imalink.core.index import FileStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPicture:
    """A picture, the rendition of its preview if an index says it, and the storages of its files, best first."""

    hothash: Hothash
    rendition: str | None
    storages: tuple[StorageRecord, ...]


_QUERY = (
    select(ImageFile.hotpreview_rendition, FileLocation.status, FileStorage)
    .outerjoin(FileLocation, FileLocation.image_file_id == ImageFile.id)
    .outerjoin(FileStorage, FileStorage.id == FileLocation.file_storage_id)
    .where(ImageFile.hothash == bindparam("hothash"))
    .order_by(FileStorage.storage_uuid)
)


def find_shown(db: Session, hothash: Hothash) -> ShownPicture | None:
    """Give the picture of exactly this hothash; active storages come first, those where its file is missing last."""
    rows = db.execute(_QUERY, {"hothash": hothash}).all()
    if not rows:
        return None
    storages: dict[int, StorageRecord] = {}
    for _, status, storage in sorted(rows, key=lambda row: row[1] == FileStatus.MISSING):
        if cast("str | None", status) is not None:  # else it has no file left
            storages.setdefault(storage.id, record_of(storage))
    best_first = sorted(storages.values(), key=lambda each: not each.is_active)
    return ShownPicture(hothash=hothash, rendition=rows[0][0], storages=tuple(best_first))


def list_after(db: Session, image_id: int, *, limit: int) -> list[tuple[int, Hothash, str]]:
    """Give the next pictures by number that have a preview: number, hothash and rendition."""
    query = (
        select(ImageFile.id, ImageFile.hothash, ImageFile.hotpreview_rendition)
        .where(ImageFile.id > image_id, ImageFile.hotpreview_rendition.is_not(None))
        .order_by(ImageFile.id)
        .limit(limit)
    )
    return [(number, Hothash(hothash), rendition or "") for number, hothash, rendition in db.execute(query)]


def list_pictures_of(db: Session, photo_ids: Sequence[int]) -> list[Hothash]:
    """Give the pictures of these photos, in the order of the photos; of each its primary one first, then by hothash."""
    found: dict[int, list[tuple[bool, str]]] = {}
    for chunk in chunks(photo_ids):
        query = (
            select(ImageFile.photo_id, ImageFile.hothash, Photo.primary_hothash)
            .join(Photo, Photo.id == ImageFile.photo_id)
            .where(ImageFile.photo_id.in_(chunk))
        )
        for photo_id, hothash, primary in db.execute(query):
            found.setdefault(photo_id, []).append((hothash != primary, hothash))
    return [Hothash(hothash) for photo_id in photo_ids for _, hothash in sorted(found.get(photo_id, ()))]
