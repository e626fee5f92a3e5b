"""What the catalog knows of the shot a file may belong to: pictures taken about then, and clips that go with them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from sqlalchemy import literal, select
from sqlalchemy.orm import Session

from imalink.catalog.bulk import chunks
from imalink.catalog.column_types import Instant
from imalink.catalog.locations import location_path
from imalink.catalog.models import CompanionFile, FileLocation, FileStorage, ImageFile, Photo
from imalink.core.ids import Hothash, PhotoUuid, Sha256, StorageUuid
from imalink.core.picture import PictureFacts
from imalink.core.relative_path import RelativePath


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotImage:
    """One archived picture: its photo, its facts, how it was called at its source, and where it stands now."""

    hothash: Hothash
    photo_uuid: PhotoUuid
    original_filename: str
    original_path: str
    facts: PictureFacts
    places: tuple[tuple[StorageUuid, RelativePath], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipPlace:
    """Where a companion stands: the storage as it was last seen, and the path there."""

    storage_uuid: StorageUuid
    display_name: str
    base_path: str
    directory_name: str
    is_active: bool
    relative_path: RelativePath
    sha256: Sha256


def find_images(db: Session, hothashes: Collection[Hothash]) -> dict[Hothash, ShotImage]:
    """Give what is known of these pictures; unknown ones are left out."""
    found: dict[Hothash, ShotImage] = {}
    for chunk in chunks(hothashes):
        places: dict[int, list[tuple[StorageUuid, RelativePath]]] = {}
        images = (
            select(
                ImageFile.id,
                ImageFile.hothash,
                ImageFile.original_filename,
                ImageFile.original_path,
                ImageFile.facts,
                Photo.photo_uuid,
            )
            .join(Photo, Photo.id == ImageFile.photo_id)
            .where(ImageFile.hothash.in_(chunk))
        )
        standing = (
            select(
                FileLocation.image_file_id,
                FileLocation.relative_path,
                FileLocation.relative_path_bytes,
                FileStorage.storage_uuid,
            )
            .join(FileStorage, FileStorage.id == FileLocation.file_storage_id)
            .join(ImageFile, ImageFile.id == FileLocation.image_file_id)
            .where(ImageFile.hothash.in_(chunk))
        )
        for image_id, text, encoded, storage_uuid in db.execute(standing):
            places.setdefault(image_id, []).append((StorageUuid(storage_uuid), location_path(text, encoded)))
        for image_id, hothash, name, path, facts, photo_uuid in db.execute(images):
            found[Hothash(hothash)] = ShotImage(
                hothash=Hothash(hothash),
                photo_uuid=PhotoUuid(photo_uuid),
                original_filename=name,
                original_path=path,
                facts=facts,
                places=tuple(places.get(image_id, ())),
            )
    return found


def find_namesakes(db: Session, first: str, last: str, *, is_namesake: Callable[[str], bool]) -> list[ShotImage]:
    """Give the pictures of photos taken from ``first`` to ``last`` whose original name fits, by hothash."""
    query = (
        select(ImageFile.hothash, ImageFile.original_filename)
        .join(Photo, Photo.id == ImageFile.photo_id)
        .where(Photo.taken_at >= literal(first, Instant), Photo.taken_at <= literal(last, Instant))
    )
    fitting = [Hothash(hothash) for hothash, name in db.execute(query) if is_namesake(name)]
    found = find_images(db, fitting)
    return [found[hothash] for hothash in sorted(found)]


def find_clips(db: Session, hothashes: Collection[Hothash], sha256: Sha256) -> list[ClipPlace]:
    """Give where companions of these pictures with these bytes stand."""
    found: list[ClipPlace] = []
    for chunk in chunks(hothashes):
        query = (
            select(CompanionFile, FileStorage)
            .join(FileStorage, FileStorage.id == CompanionFile.file_storage_id)
            .join(ImageFile, ImageFile.id == CompanionFile.image_file_id)
            .where(ImageFile.hothash.in_(chunk), CompanionFile.sha256 == sha256)
        )
        found.extend(
            ClipPlace(
                storage_uuid=StorageUuid(storage.storage_uuid),
                display_name=storage.display_name,
                base_path=storage.base_path,
                directory_name=storage.directory_name,
                is_active=storage.is_active,
                relative_path=location_path(companion.relative_path, companion.relative_path_bytes),
                sha256=Sha256(companion.sha256),
            )
            for companion, storage in db.execute(query)
        )
    return sorted(found, key=lambda place: (place.storage_uuid, place.relative_path))
