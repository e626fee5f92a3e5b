"""Photos as the catalog knows them: what holds for one, and which picture files it has."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from imalink.catalog.bulk import chunks
from imalink.catalog.locations import FoundImageFile, find_by_hothash
from imalink.catalog.models import FileLocation, FileStorage, ImageFile
from imalink.catalog.models import Photo as PhotoRow
from imalink.core.ids import Hothash, PhotoUuid, StorageUuid
from imalink.core.photo import Photo
from imalink.core.photo_facts import PhotoFacts, effective_facts, plain_photo
from imalink.core.picture import PictureFacts
from imalink.errors import NotFoundError


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoRecord:
    """One photo: ``photo`` is what the user said of it, ``facts`` what holds, ``file_facts`` what each file says.

    ``files`` has the primary file first, the others by hothash.
    """

    photo: Photo
    facts: PhotoFacts
    files: tuple[FoundImageFile, ...]
    file_facts: tuple[PictureFacts, ...]

    def facts_with(self, photo: Photo) -> PhotoFacts:
        """Give what would hold if ``photo`` were what the user said."""
        return effective_facts(photo, self.file_facts[0], self.file_facts[1:])


def find_photo(db: Session, key: Hothash | PhotoUuid) -> PhotoRecord | None:
    """Give the photo with this UUID, or the one that a picture with this hothash belongs to, if it is known."""
    if len(key) == 64:
        query = select(PhotoRow).join(ImageFile, ImageFile.photo_id == PhotoRow.id).where(ImageFile.hothash == key)
    else:
        query = select(PhotoRow).where(PhotoRow.photo_uuid == key)
    row = db.execute(query).scalar_one_or_none()
    return None if row is None else _records_of(db, [row])[0]


def find_photos(db: Session, photo_uuids: Collection[PhotoUuid]) -> dict[PhotoUuid, PhotoRecord]:
    """Give what is known of each of these photos; unknown ones are left out."""
    found: dict[PhotoUuid, PhotoRecord] = {}
    for chunk in chunks(photo_uuids):
        rows = db.execute(select(PhotoRow).where(PhotoRow.photo_uuid.in_(chunk))).scalars().all()
        found.update((record.photo.photo_uuid, record) for record in _records_of(db, rows))
    return found


def _records_of(db: Session, rows: Sequence[PhotoRow]) -> list[PhotoRecord]:
    images: dict[int, list[ImageFile]] = {}
    query = select(ImageFile).where(ImageFile.photo_id.in_([row.id for row in rows]))
    for image in db.execute(query).scalars():
        images.setdefault(image.photo_id, []).append(image)
    found = find_by_hothash(db, [Hothash(image.hothash) for group in images.values() for image in group])
    return [_record_of(row, images[row.id], found) for row in rows]


def _record_of(row: PhotoRow, images: Iterable[ImageFile], found: Mapping[Hothash, FoundImageFile]) -> PhotoRecord:
    ordered = sorted(images, key=lambda image: (image.hothash != row.primary_hothash, image.hothash))
    photo = row.user_facts or plain_photo(PhotoUuid(row.photo_uuid), Hothash(row.primary_hothash))
    return PhotoRecord(
        photo=photo,
        facts=effective_facts(photo, ordered[0].facts, [image.facts for image in ordered[1:]]),
        files=tuple(found[Hothash(image.hothash)] for image in ordered),
        file_facts=tuple(image.facts for image in ordered),
    )


def get_photo(db: Session, key: Hothash | PhotoUuid) -> PhotoRecord:
    """Give the photo with this UUID, or the one that a picture with this hothash belongs to. Raises NotFoundError."""
    record = find_photo(db, key)
    if record is None:
        raise NotFoundError(f"No photo {key} is known.", hint="Run `imalink hothash FILE` to see a file's hothash.")
    return record


def find_uuids(db: Session, photo_ids: Collection[int]) -> dict[int, PhotoUuid]:
    """Give the UUIDs of the photos with these numbers; unknown ones are left out."""
    found: dict[int, PhotoUuid] = {}
    for chunk in chunks(photo_ids):
        rows = db.execute(select(PhotoRow.id, PhotoRow.photo_uuid).where(PhotoRow.id.in_(chunk)))
        found.update((photo_id, PhotoUuid(photo_uuid)) for photo_id, photo_uuid in rows)
    return found


def find_storages(db: Session, photo_uuids: Collection[PhotoUuid]) -> set[StorageUuid]:
    """Give the storages that are known to hold, or to miss, a file of any of these photos."""
    found: set[StorageUuid] = set()
    for chunk in chunks(photo_uuids):
        query = (
            select(FileStorage.storage_uuid)
            .join(FileLocation, FileLocation.file_storage_id == FileStorage.id)
            .join(ImageFile, FileLocation.image_file_id == ImageFile.id)
            .join(PhotoRow, ImageFile.photo_id == PhotoRow.id)
            .where(PhotoRow.photo_uuid.in_(chunk))
            .distinct()
        )
        found.update(StorageUuid(storage_uuid) for storage_uuid in db.execute(query).scalars())
    return found


def find_ids(db: Session, photo_uuids: Collection[PhotoUuid]) -> dict[PhotoUuid, int]:
    """Give the numbers of these photos in the catalog; unknown ones are left out."""
    found: dict[PhotoUuid, int] = {}
    for chunk in chunks(photo_uuids):
        rows = db.execute(select(PhotoRow.photo_uuid, PhotoRow.id).where(PhotoRow.photo_uuid.in_(chunk)))
        found.update((PhotoUuid(photo_uuid), photo_id) for photo_uuid, photo_id in rows)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoSummary:
    """What a list shows of a photo."""

    photo_uuid: PhotoUuid
    title: str | None
    rating: int | None
    taken_at: str | None


def find_summaries(db: Session, photo_uuids: Collection[PhotoUuid]) -> dict[PhotoUuid, PhotoSummary]:
    """Give what a list shows of each of these photos; unknown ones are left out."""
    found: dict[PhotoUuid, PhotoSummary] = {}
    for chunk in chunks(photo_uuids):
        query = select(PhotoRow.photo_uuid, PhotoRow.title, PhotoRow.rating, PhotoRow.taken_at)
        for photo_uuid, title, rating, taken_at in db.execute(query.where(PhotoRow.photo_uuid.in_(chunk))):
            found[PhotoUuid(photo_uuid)] = PhotoSummary(
                photo_uuid=PhotoUuid(photo_uuid), title=title, rating=rating, taken_at=taken_at
            )
    return found
