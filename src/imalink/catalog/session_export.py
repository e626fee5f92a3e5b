"""From the catalog back to a session index: what a storage's index said when it was last projected.

The inverse of ``catalog.projection``, for an index file that is lost with its backups, commits and journals. What the
catalog does not keep is left empty: findings, keys of other programs, and which journal lines the index contained.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from imalink.catalog.file_storages import StorageRecord
from imalink.catalog.locations import location_path
from imalink.catalog.models import CompanionFile, DeletedFile, FileLocation, ImageFile, Photo, SessionFile, SessionPhoto
from imalink.catalog.models import ImportSession as SessionRow
from imalink.catalog.records import EntryRecord
from imalink.core.ids import Hothash, HothashMethod, PhotoUuid, SessionUuid, Sha256
from imalink.core.index import Companion, FileCopy, FileEntry, FileStatus, SessionIndex
from imalink.core.photo_facts import plain_photo


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownIndex:
    """A session index as it was last read in a storage: the number in its file's name, and its generation."""

    session_uuid: SessionUuid
    number: int
    generation: int


def list_indexes(db: Session, storage: StorageRecord) -> list[KnownIndex]:
    """Give the sessions of which a storage has an index, by number."""
    query = (
        select(SessionRow.session_uuid, SessionFile.number, SessionFile.generation)
        .join(SessionRow, SessionRow.id == SessionFile.import_session_id)
        .where(SessionFile.file_storage_id == storage.id)
        .order_by(SessionFile.number, SessionRow.session_uuid)
    )
    return [
        KnownIndex(session_uuid=SessionUuid(session_uuid), number=number, generation=generation)
        for session_uuid, number, generation in db.execute(query)
    ]


def export_index(db: Session, storage: StorageRecord, session_uuid: SessionUuid) -> SessionIndex | None:
    """Give what the storage's index of this session said; None when the catalog knows of no such index."""
    placed = db.execute(
        select(SessionFile, SessionRow.id)
        .join(SessionRow, SessionRow.id == SessionFile.import_session_id)
        .where(SessionFile.file_storage_id == storage.id, SessionRow.session_uuid == session_uuid)
    ).one_or_none()
    if placed is None:
        return None
    file, session_id = placed
    files = _entries(db, storage, file.number, session_id, session_uuid)
    photos = {photo_uuid: plain_photo(photo_uuid, hothash) for photo_uuid, hothash in _first_files(files).items()}
    said = select(SessionPhoto).where(
        SessionPhoto.file_storage_id == storage.id, SessionPhoto.import_session_id == session_id
    )
    photos.update({PhotoUuid(row.photo_uuid): row.record for row in db.execute(said).scalars()})
    tombstones = select(DeletedFile).where(
        DeletedFile.file_storage_id == storage.id, DeletedFile.import_session_id == session_id
    )
    return SessionIndex(
        session=file.head.session,
        storage_uuid=storage.storage_uuid,
        storage_directory=storage.directory_name,
        files=files,
        photos=photos,
        deleted={Hothash(row.hothash): row.tombstone for row in db.execute(tombstones).scalars()},
        statistics=file.head.statistics,
        generated_at=file.generated_at,
        generation=file.generation,
    )


def _first_files(files: dict[Hothash, FileEntry]) -> dict[PhotoUuid, Hothash]:
    first: dict[PhotoUuid, Hothash] = {}
    for entry in sorted(files.values(), key=lambda each: (each.imported_at, each.hothash), reverse=True):
        first[entry.photo_uuid] = entry.hothash
    return first


def _entries(
    db: Session, storage: StorageRecord, number: int, session_id: int, session_uuid: SessionUuid
) -> dict[Hothash, FileEntry]:
    companions = _companions(db, storage, session_id)
    query = (
        select(FileLocation, ImageFile, Photo.photo_uuid)
        .join(ImageFile, ImageFile.id == FileLocation.image_file_id)
        .join(Photo, Photo.id == ImageFile.photo_id)
        .where(FileLocation.file_storage_id == storage.id, FileLocation.import_session_id == session_id)
        .order_by(FileLocation.image_file_id, FileLocation.number)
    )
    copies: dict[Hothash, list[FileCopy]] = defaultdict(list)
    mains: dict[Hothash, tuple[FileLocation, EntryRecord, int]] = {}
    for location, image, photo_uuid in db.execute(query):
        hothash = Hothash(image.hothash)
        if location.number == 0:
            mains[hothash] = location, location.entry or _record_of(image, PhotoUuid(photo_uuid)), image.id
            continue
        copies[hothash].append(
            FileCopy(
                relative_path=location_path(location.relative_path, location.relative_path_bytes),
                size_bytes=location.file_size,
                sha256=Sha256(location.sha256),
                modified_ns=location.modified_ns,
                session_number=number,
                session_uuid=session_uuid,
                imported_at=location.imported_at,
                status=FileStatus(location.status),
                damage=location.damage,
            )
        )
    return {
        hothash: FileEntry(
            hothash=hothash,
            method=record.method,
            relative_path=location_path(location.relative_path, location.relative_path_bytes),
            size_bytes=location.file_size,
            sha256=Sha256(location.sha256),
            modified_ns=location.modified_ns,
            imported_at=location.imported_at,
            original_filename=record.original_filename,
            original_path=record.original_path,
            photo_uuid=record.photo_uuid,
            facts=record.facts,
            hotpreview_rendition=record.hotpreview_rendition,
            status=FileStatus(location.status),
            last_seen_at=location.last_seen_at,
            damage=location.damage,
            companions=tuple(companions.get(image_id, ())),
            copies=tuple(copies.get(hothash, ())),
            previous_hothashes=record.previous_hothashes,
        )
        for hothash, (location, record, image_id) in mains.items()
    }


def _record_of(image: ImageFile, photo_uuid: PhotoUuid) -> EntryRecord:
    return EntryRecord(
        method=HothashMethod(image.hothash_method),
        photo_uuid=photo_uuid,
        original_filename=image.original_filename,
        original_path=image.original_path,
        facts=image.facts,
        hotpreview_rendition=image.hotpreview_rendition,
        previous_hothashes=tuple(Hothash(each) for each in image.previous_hothashes or ()),
    )


def _companions(db: Session, storage: StorageRecord, session_id: int) -> dict[int, list[Companion]]:
    query = (
        select(CompanionFile)
        .where(CompanionFile.file_storage_id == storage.id, CompanionFile.import_session_id == session_id)
        .order_by(CompanionFile.image_file_id, CompanionFile.number)
    )
    found: dict[int, list[Companion]] = defaultdict(list)
    for row in db.execute(query).scalars():
        found[row.image_file_id].append(
            Companion(
                relative_path=location_path(row.relative_path, row.relative_path_bytes),
                sha256=Sha256(row.sha256),
                size_bytes=row.file_size,
                modified_ns=row.modified_ns,
                kind=row.kind,
                damage=row.damage,
            )
        )
    return found
