"""Builders of index values for tests: every fact has a default, and the same seed gives the same picture."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import replace

from imalink.core.ids import Hothash, HothashMethod, PhotoUuid, SessionUuid, Sha256, StorageUuid, photo_uuid_of
from imalink.core.index import Companion, FileCopy, FileEntry, FileStatus, SessionIndex, Tombstone
from imalink.core.photo import Photo
from imalink.core.picture import Camera, Embedded, GpsPosition, PictureFacts
from imalink.core.relative_path import RelativePath
from imalink.core.session import Author, ImportSession, ImportStatistics
from imalink.core.timestamps import CaptureTime

JPEG_METHOD = HothashMethod("jpeg-1")
IMPORTED_AT = "2024-10-18T14:30:52Z"
MODIFIED_NS = 1_720_000_000_123_456_789


def hash_of(seed: object) -> str:
    """Give 64 hex digits made from ``seed``."""
    return hashlib.sha256(str(seed).encode("utf-8", "surrogateescape")).hexdigest()


def uuid_of(seed: object) -> str:
    """Give a UUID made from ``seed``."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, str(seed)))


def make_facts(
    *,
    file_format: str = "JPEG",
    taken: str | None = "2024-07-10T14:30:00.12",
    offset: str | None = "+02:00",
    camera: Camera | None = None,
    gps: GpsPosition | None = None,
    embedded: Embedded | None = None,
    orientation: int = 1,
) -> PictureFacts:
    """Give the facts of a 6000 × 4000 picture."""
    return PictureFacts(
        file_format=file_format,
        width=6000,
        height=4000,
        orientation=orientation,
        capture_time=None if taken is None else CaptureTime(local=taken, offset=offset, source="exif"),
        camera=camera or Camera(make="Canon", model="EOS R5", lens="RF 24-70", iso=200, exposure_seconds=0.004),
        gps=gps,
        embedded=embedded or Embedded(),
    )


def make_entry(
    seed: object,
    *,
    path: str | None = None,
    facts: PictureFacts | None = None,
    photo_uuid: PhotoUuid | None = None,
    imported_at: str = IMPORTED_AT,
    modified_ns: int = MODIFIED_NS,
    size_bytes: int = 1000,
    sha256: str | None = None,
    status: FileStatus = FileStatus.PRESENT,
    last_seen_at: str | None = None,
    companions: tuple[Companion, ...] = (),
    copies: tuple[FileCopy, ...] = (),
    previous_hothashes: tuple[Hothash, ...] = (),
    hotpreview_rendition: str | None = "0000aaaa",
) -> FileEntry:
    """Give the entry of the picture that ``seed`` stands for."""
    hothash = Hothash(hash_of(seed))
    return FileEntry(
        hothash=hothash,
        method=JPEG_METHOD,
        relative_path=RelativePath.parse(path if path is not None else f"photos/{seed}.jpg"),
        size_bytes=size_bytes,
        sha256=Sha256(sha256 if sha256 is not None else hash_of(f"bytes of {seed}")),
        modified_ns=modified_ns,
        imported_at=imported_at,
        original_filename=f"{seed}.jpg",
        original_path=f"DCIM/{seed}.jpg",
        photo_uuid=photo_uuid if photo_uuid is not None else photo_uuid_of(hothash, JPEG_METHOD),
        facts=facts if facts is not None else make_facts(),
        hotpreview_rendition=hotpreview_rendition,
        status=status,
        last_seen_at=last_seen_at,
        companions=companions,
        copies=copies,
        previous_hothashes=previous_hothashes,
    )


def make_companion(path: str, *, kind: str = "sidecar") -> Companion:
    """Give a companion at ``path``."""
    return Companion(
        relative_path=RelativePath.parse(path),
        sha256=Sha256(hash_of(path)),
        size_bytes=10,
        modified_ns=MODIFIED_NS,
        kind=kind,
    )


def make_copy(path: str, *, session: ImportSession, size_bytes: int = 1000) -> FileCopy:
    """Give a further file at ``path`` that came with ``session``."""
    return FileCopy(
        relative_path=RelativePath.parse(path),
        size_bytes=size_bytes,
        sha256=Sha256(hash_of(path)),
        modified_ns=MODIFIED_NS,
        session_number=session.number,
        session_uuid=session.session_uuid,
        imported_at=session.imported_at,
    )


def make_tombstone(seed: object, *, session: ImportSession) -> Tombstone:
    """Give what is left of the deleted picture that ``seed`` stands for."""
    hothash = Hothash(hash_of(seed))
    return Tombstone(
        hothash=hothash,
        sha256=Sha256(hash_of(f"bytes of {seed}")),
        original_filename=f"{seed}.jpg",
        photo_uuid=photo_uuid_of(hothash, JPEG_METHOD),
        session_uuid=session.session_uuid,
        deleted_at="2025-01-02T03:04:05Z",
        by="user",
        mode="trash",
        reason="blurred",
    )


def make_session(
    number: int = 42,
    *,
    session_uuid: SessionUuid | None = None,
    title: str = "Italy Summer 2024",
    imported_at: str = IMPORTED_AT,
    author: Author | None = None,
) -> ImportSession:
    """Give the head of a session; its UUID comes from its number unless given."""
    return ImportSession(
        number=number,
        session_uuid=session_uuid if session_uuid is not None else SessionUuid(uuid_of(f"session {number}")),
        title=title,
        description="Two weeks",
        imported_at=imported_at,
        default_author=author,
        source_path="/media/card/DCIM",
    )


def make_index(
    entries: Iterable[FileEntry] = (),
    *,
    session: ImportSession | None = None,
    storage: object = "storage",
    photos: Iterable[Photo] = (),
    deleted: Iterable[Tombstone] = (),
    generated_at: str = "2024-10-18T15:00:00Z",
) -> SessionIndex:
    """Give a session index; photos that are not given are made from the entries."""
    files = {entry.hothash: entry for entry in entries}
    said = {photo.photo_uuid: photo for photo in photos}
    for entry in files.values():
        known = said.get(entry.photo_uuid)
        if known is None:
            said[entry.photo_uuid] = Photo(photo_uuid=entry.photo_uuid, files=(entry.hothash,), primary=entry.hothash)
        elif entry.hothash not in known.files:
            said[entry.photo_uuid] = replace(known, files=(*known.files, entry.hothash))
    return SessionIndex(
        session=session if session is not None else make_session(),
        storage_uuid=StorageUuid(uuid_of(storage)),
        storage_directory=f"imalink_20241018_143052_{uuid_of(storage)[:8]}",
        files=files,
        photos=said,
        deleted={tombstone.hothash: tombstone for tombstone in deleted},
        statistics=ImportStatistics(
            total_scanned=len(files),
            new_imports=len(files),
            total_size_bytes=sum(entry.size_bytes for entry in files.values()),
        ),
        generated_at=generated_at,
        generation=1,
    )
