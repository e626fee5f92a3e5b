"""Look-ups: which files hold a picture, and where each was last known to be. No disk is touched."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import String, cast, select
from sqlalchemy.orm import Session

from imalink.catalog.bulk import chunks
from imalink.catalog.derivation import path_columns
from imalink.catalog.models import CompanionFile, FileLocation, FileStorage, ImageFile, ImportSession, Photo
from imalink.core.damage import Damage
from imalink.core.ids import Hothash, HothashMethod, PhotoUuid, SessionUuid, Sha256, StorageUuid
from imalink.core.index import FileStatus
from imalink.core.relative_path import RelativePath


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundLocation:
    """One physical file: in which storage, where that was last seen, and whether the file was there.

    ``is_main`` tells an entry's main file from its further copies. ``base_path`` and ``directory_name`` together give
    the storage's folder where it was last seen.
    """

    storage_uuid: StorageUuid
    display_name: str
    base_path: str
    directory_name: str
    is_active: bool
    is_accessible: bool
    session_number: int
    session_uuid: SessionUuid
    relative_path: RelativePath
    size_bytes: int
    sha256: Sha256
    modified_ns: int
    imported_at: str
    status: FileStatus
    last_seen_at: str | None
    damage: Damage | None
    is_main: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundImageFile:
    """One picture and every file that holds it, in all storages.

    Present files of active storages come first, whole ones before damaged ones, then by (imported_at, storage, path).
    """

    hothash: Hothash
    method: HothashMethod
    photo_uuid: PhotoUuid
    original_filename: str
    imported_at: str
    file_format: str
    hotpreview_rendition: str | None
    locations: tuple[FoundLocation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOfBytes:
    """Where a file with some bytes stands, by an index."""

    sha256: Sha256
    storage_uuid: StorageUuid
    relative_path: RelativePath
    size_bytes: int


def find_hothashes(db: Session, prefix: str, *, limit: int = 100) -> list[Hothash]:
    """Give the known hothashes that begin with ``prefix`` (lower-case hex digits), in order, at most ``limit``."""
    first, last = prefix.ljust(64, "0"), prefix.ljust(64, "f")
    query = select(ImageFile.hothash).where(ImageFile.hothash.between(first, last))
    return [Hothash(each) for each in db.execute(query.order_by(ImageFile.hothash).limit(limit)).scalars()]


def find_successors(db: Session, prefix: str, *, limit: int = 10) -> list[Hothash]:
    """Give the pictures that had a hothash beginning so before they were edited or hashed anew. Looks at every row."""
    query = select(ImageFile.hothash).where(cast(ImageFile.previous_hothashes, String).contains(f'"{prefix}'))
    return [Hothash(each) for each in db.execute(query.order_by(ImageFile.hothash).limit(limit)).scalars()]


def find_hothash_of(db: Session, image_file_id: int) -> Hothash | None:
    """Give the picture with this number in the catalog, if there is one."""
    found = db.execute(select(ImageFile.hothash).where(ImageFile.id == image_file_id)).scalar_one_or_none()
    return None if found is None else Hothash(found)


def find_by_hothash(db: Session, hothashes: Collection[Hothash]) -> dict[Hothash, FoundImageFile]:
    """Give what is known of each of these pictures; unknown ones are left out."""
    ids: list[int] = []
    for chunk in chunks(hothashes):
        ids.extend(db.execute(select(ImageFile.id).where(ImageFile.hothash.in_(chunk))).scalars())
    return {found.hothash: found for found in _image_files(db, ids)}


def find_by_sha256(db: Session, checksums: Collection[Sha256]) -> dict[Sha256, list[FoundImageFile]]:
    """Give, for each checksum that some file has, the pictures with such a file, each with all its locations."""
    pairs: set[tuple[Sha256, int]] = set()
    for chunk in chunks(checksums):
        rows = db.execute(
            select(FileLocation.sha256, FileLocation.image_file_id).where(FileLocation.sha256.in_(chunk)).distinct()
        )
        pairs.update((Sha256(sha256), image_file_id) for sha256, image_file_id in rows)
    ids = sorted({image_file_id for _, image_file_id in pairs})
    found = dict(zip(ids, _image_files(db, ids, keep_order=True), strict=True))
    result: dict[Sha256, list[FoundImageFile]] = {}
    for sha256, image_file_id in sorted(pairs):
        result.setdefault(sha256, []).append(found[image_file_id])
    return result


def find_at_path(db: Session, storage_uuid: StorageUuid, path: RelativePath) -> Hothash | None:
    """Give the picture that a file at this path of a storage is known to hold."""
    query = (
        select(FileLocation, ImageFile.hothash)
        .join(ImageFile, ImageFile.id == FileLocation.image_file_id)
        .join(FileStorage, FileStorage.id == FileLocation.file_storage_id)
        .where(FileStorage.storage_uuid == storage_uuid, FileLocation.relative_path == path_columns(path)[0])
    )
    for location, hothash in db.execute(query):
        if location_path(location.relative_path, location.relative_path_bytes) == path:
            return Hothash(hothash)
    return None


def find_storages_with(db: Session, sha256: Sha256) -> list[StorageUuid]:
    """Give the storages of which an index names a picture or companion with these bytes, by UUID."""
    found: set[str] = set()
    for file in (FileLocation, CompanionFile):
        query = select(FileStorage.storage_uuid).join(file, file.file_storage_id == FileStorage.id)
        found.update(db.execute(query.where(file.sha256 == sha256)).scalars())
    return [StorageUuid(each) for each in sorted(found)]


def find_places_of_bytes(db: Session, checksums: Collection[Sha256]) -> list[PlaceOfBytes]:
    """Give where files with these bytes stand by the indexes: pictures that are present, companions, none damaged."""
    found: list[PlaceOfBytes] = []
    for chunk in chunks(checksums):
        for file in (FileLocation, CompanionFile):
            query = (
                select(
                    file.sha256, FileStorage.storage_uuid, file.relative_path, file.relative_path_bytes, file.file_size
                )
                .join(FileStorage, FileStorage.id == file.file_storage_id)
                .where(file.sha256.in_(chunk), file.damage.is_(None))
            )
            if file is FileLocation:
                query = query.where(FileLocation.status == FileStatus.PRESENT)
            found.extend(
                PlaceOfBytes(
                    sha256=Sha256(sha256),
                    storage_uuid=StorageUuid(storage_uuid),
                    relative_path=location_path(path, path_bytes),
                    size_bytes=size,
                )
                for sha256, storage_uuid, path, path_bytes, size in db.execute(query)
            )
    return found


def known_sizes(db: Session, sizes: Collection[int]) -> frozenset[int]:
    """Give those of ``sizes`` that some indexed file has: a file of another size cannot be a duplicate."""
    known: set[int] = set()
    for chunk in chunks(sizes):
        known.update(
            db.execute(select(FileLocation.file_size).where(FileLocation.file_size.in_(chunk)).distinct()).scalars()
        )
    return frozenset(known)


def list_session_files(
    db: Session, session_uuid: SessionUuid, *, after: Hothash | None = None, limit: int | None = None
) -> list[FoundImageFile]:
    """Give the pictures of a session by hothash, each with all its locations; ``after`` and ``limit`` make pages."""
    of_session = (
        select(FileLocation.image_file_id).join(ImportSession).where(ImportSession.session_uuid == session_uuid)
    )
    query = select(ImageFile.id).where(ImageFile.id.in_(of_session)).order_by(ImageFile.hothash)
    if after is not None:
        query = query.where(ImageFile.hothash > after)
    return _image_files(db, db.execute(query.limit(limit)).scalars())


def location_path(relative_path: str, relative_path_bytes: bytes | None) -> RelativePath:
    """Give the path that a row keeps: its text or, for a name that is not UTF-8, its bytes."""
    if relative_path_bytes is None:
        return RelativePath(relative_path)
    return RelativePath(relative_path_bytes.decode("utf-8", "surrogateescape"))


def _image_files(db: Session, ids: Iterable[int], *, keep_order: bool = False) -> list[FoundImageFile]:
    wanted = list(ids)
    locations: dict[int, list[FoundLocation]] = {}
    images: dict[int, tuple[ImageFile, str]] = {}
    for chunk in chunks(wanted):
        placed = (
            select(FileLocation, FileStorage, ImportSession)
            .join(FileStorage, FileStorage.id == FileLocation.file_storage_id)
            .join(ImportSession, ImportSession.id == FileLocation.import_session_id)
            .where(FileLocation.image_file_id.in_(chunk))
        )
        for location, storage, session in db.execute(placed):
            locations.setdefault(location.image_file_id, []).append(_location_of(location, storage, session))
        described = (
            select(ImageFile, Photo.photo_uuid)
            .join(Photo, Photo.id == ImageFile.photo_id)
            .where(ImageFile.id.in_(chunk))
        )
        images.update((image.id, (image, photo_uuid)) for image, photo_uuid in db.execute(described))
    found = {key: _image_file_of(*images[key], locations.get(key, ())) for key in wanted}
    return [found[key] for key in wanted] if keep_order else sorted(found.values(), key=lambda image: image.hothash)


def _image_file_of(image: ImageFile, photo_uuid: str, locations: Iterable[FoundLocation]) -> FoundImageFile:
    return FoundImageFile(
        hothash=Hothash(image.hothash),
        method=HothashMethod(image.hothash_method),
        photo_uuid=PhotoUuid(photo_uuid),
        original_filename=image.original_filename,
        imported_at=image.imported_at,
        file_format=image.file_format,
        hotpreview_rendition=image.hotpreview_rendition,
        locations=tuple(sorted(locations, key=_best_first)),
    )


def _best_first(location: FoundLocation) -> tuple[bool, bool, bool, str, str, str]:
    return (
        not location.is_active,
        location.status is FileStatus.MISSING,
        location.damage is not None,
        location.imported_at,
        location.storage_uuid,
        location.relative_path,
    )


def _location_of(location: FileLocation, storage: FileStorage, session: ImportSession) -> FoundLocation:
    return FoundLocation(
        storage_uuid=StorageUuid(storage.storage_uuid),
        display_name=storage.display_name,
        base_path=storage.base_path,
        directory_name=storage.directory_name,
        is_active=storage.is_active,
        is_accessible=storage.is_accessible,
        session_number=session.id,
        session_uuid=SessionUuid(session.session_uuid),
        relative_path=location_path(location.relative_path, location.relative_path_bytes),
        size_bytes=location.file_size,
        sha256=Sha256(location.sha256),
        modified_ns=location.modified_ns,
        imported_at=location.imported_at,
        status=FileStatus(location.status),
        last_seen_at=location.last_seen_at,
        damage=location.damage,
        is_main=location.number == 0,
    )
