"""Storages of a hundred thousand files in seconds: the files are real, their session indexes are written straight."""

from __future__ import annotations

import hashlib
from pathlib import Path

from imalink.catalog.file_storages import StorageRecord
from imalink.core.ids import FILE_METHOD, Hothash, SessionUuid, Sha256, photo_uuid_of
from imalink.core.index import FileEntry, SessionIndex
from imalink.core.photo import Photo
from imalink.core.picture import Camera, PictureFacts
from imalink.core.relative_path import RelativePath
from imalink.core.session import ImportSession, SessionStatus
from imalink.core.timestamps import CaptureTime
from imalink.storage.file_storage import FileStorage
from imalink.workflows.create_storage import create_storage
from imalink.workflows.storage_access import fold_notes, project_fold
from imalink.workflows.tools import Tools

FILES_A_SESSION = 1000
IMPORTED_AT = "2024-10-18T14:30:52Z"
MODIFIED_NS = 1_700_000_000 * 10**9


def fill_storage(
    tools: Tools, disk: Path, *, count: int, name: str = "Bench", standing: int | None = None
) -> StorageRecord:
    """Make a storage of ``count`` small files in sessions of a thousand; the first ``standing`` are on the disk."""
    disk.mkdir(parents=True, exist_ok=True)
    record = create_storage(tools, base_path=disk, display_name=name)
    root = Path(record.full_path)
    for number in range(count if standing is None else standing):
        path = root / path_of(number)
        if number % FILES_A_SESSION == 0:
            path.parent.mkdir()
        path.write_bytes(content_of(name, number))
    with FileStorage.open(root, clock=tools.clock, calls=tools.calls) as storage, storage.lock("bench"):
        seen = storage.scan().files
        for first in range(0, count, FILES_A_SESSION):
            entries: list[FileEntry] = []
            for number in range(first, min(count, first + FILES_A_SESSION)):
                path = path_of(number)
                modified_ns = seen[path].modified_ns if path in seen else MODIFIED_NS
                entries.append(make_entry(path, content_of(name, number), modified_ns=modified_ns))
            number = 1 + first // FILES_A_SESSION
            session_uuid = SessionUuid(tools.new_uuid())
            storage.indexes.save_session(make_session(record, entries, number=number, session_uuid=session_uuid))
        result = storage.fold(fold_notes(storage, record), is_anew=True)
    project_fold(tools, record, result)
    return record


def path_of(number: int) -> RelativePath:
    """Give the path of a file: so many in each folder."""
    return RelativePath(f"photos/roll {number // FILES_A_SESSION:04}/IMG_{number:07}.jpg")


def content_of(storage: str, number: int) -> bytes:
    """Give what stands in a file: short, and in no other."""
    return f"{storage} {number}".encode()


def hothash_of(content: bytes) -> Hothash:
    """Give the hothash of a file that is no picture inside: that of all its bytes."""
    return Hothash(hashlib.sha256(content).hexdigest())


def make_entry(path: RelativePath, content: bytes, *, modified_ns: int) -> FileEntry:
    """Give the entry of a file, with as many facts as a camera's has."""
    hothash = hothash_of(content)
    return FileEntry(
        hothash=hothash,
        method=FILE_METHOD,
        relative_path=path,
        size_bytes=len(content),
        sha256=Sha256(hashlib.sha256(content).hexdigest()),
        modified_ns=modified_ns,
        imported_at=IMPORTED_AT,
        original_filename=path.name,
        original_path=f"DCIM/{path.name}",
        photo_uuid=photo_uuid_of(hothash, FILE_METHOD),
        facts=PictureFacts(
            file_format="JPEG",
            width=6000,
            height=4000,
            capture_time=CaptureTime(local="2024-07-10T14:30:00.12", offset="+02:00", source="exif"),
            camera=Camera(make="Canon", model="EOS R5", lens="RF 24-70", iso=200, exposure_seconds=0.004),
        ),
        hotpreview_rendition="0000aaaa",
    )


def make_session(
    record: StorageRecord, entries: list[FileEntry], *, number: int, session_uuid: SessionUuid
) -> SessionIndex:
    """Give the session index of these entries, each a photo of its own."""
    session = ImportSession(
        session_uuid=session_uuid,
        number=number,
        title=f"Roll {number}",
        imported_at=IMPORTED_AT,
        status=SessionStatus.COMPLETED,
    )
    return SessionIndex(
        session=session,
        storage_uuid=record.storage_uuid,
        storage_directory=record.directory_name,
        files={entry.hothash: entry for entry in entries},
        photos={
            entry.photo_uuid: Photo(photo_uuid=entry.photo_uuid, files=(entry.hothash,), primary=entry.hothash)
            for entry in entries
        },
        generated_at=IMPORTED_AT,
        generation=1,
    )
