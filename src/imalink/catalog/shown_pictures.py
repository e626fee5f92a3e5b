"""Pictures as they are shown: which preview a picture has, and which storages may have it. Asked for each preview."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from imalink.catalog.file_storages import StorageRecord, record_of
from imalink.catalog.models import FileLocation, FileStorage, ImageFile
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
