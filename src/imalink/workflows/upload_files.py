"""Upload: files that came over HTTP wait on the storage's disk for an import, and go once they are proved archived."""

from __future__ import annotations

from collections.abc import Collection, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from imalink.catalog import file_storages, locations
from imalink.catalog.file_storages import StorageRecord
from imalink.catalog.import_sessions import SessionRecord
from imalink.core.ids import Sha256
from imalink.core.relative_path import RelativePath
from imalink.errors import ImalinkError, OutOfSpaceError, WrongStateError
from imalink.storage.file_storage import FileStorage
from imalink.storage.uploads import UploadedFile, Uploads
from imalink.workflows.import_source import SPARE_BYTES, require_importable
from imalink.workflows.storage_access import get_storage, open_known, open_storage
from imalink.workflows.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenUploads:
    """The uploads to a session, and the storage they are in."""

    storage: FileStorage
    uploads: Uploads

    def require_room(self, size_bytes: int | None) -> None:
        """Make sure that so much fits, and once more when it is imported; None is not known. Raises OutOfSpaceError."""
        free = self.storage.files.free_bytes()
        needed = 2 * (size_bytes or 0) + SPARE_BYTES
        if free < needed:
            why = (
                f", and {SPARE_BYTES:,} have to stay free, whatever is uploaded."
                if size_bytes is None
                else f"; uploading {size_bytes:,} and importing them may need {needed:,}."
            )
            raise OutOfSpaceError(
                f"The storage's disk has {free:,} bytes free{why} Nothing was kept.",
                hint="Make room on it, or upload less at a time.",
            )


def storage_of_uploads(tools: Tools, known: SessionRecord) -> StorageRecord:
    """Give the storage that takes the uploads to a session. Raises UsageError."""
    if known.storage_uuid is None:
        raise WrongStateError(
            f"Session {known.session.number} is meant for no storage, so its pictures have no place to go. "
            "Nothing was kept.",
            hint="Make a session with a file_storage_id.",
        )
    return get_storage(tools, known.storage_uuid)


@contextmanager
def open_uploads(tools: Tools, known: SessionRecord) -> Generator[OpenUploads]:
    """Hold the uploads to a session open for a block. Raises UsageError, StorageError."""
    with open_storage(tools, storage_of_uploads(tools, known)) as storage:
        require_importable(storage)
        yield OpenUploads(storage=storage, uploads=Uploads(storage.files, known.session.session_uuid))


def remove_archived(tools: Tools, known: SessionRecord) -> list[UploadedFile]:
    """Remove the uploads whose bytes are archived, and give those that stay.

    Archived are those of which a file stands in a storage that answers, where its index has these bytes: whoever just
    imported has read or written it. Raises StorageError.
    """
    with open_uploads(tools, known) as opened:
        files = opened.uploads.list_files()
        archived = _archived(tools, opened, {file.sha256 for file in files})
        opened.uploads.remove([file.path for file in files if file.sha256 in archived])
    return [file for file in files if file.sha256 not in archived]


def discard_uploads(tools: Tools, known: SessionRecord) -> int:
    """Remove all that was uploaded to a session and waits, and give how many files that were. Raises StorageError."""
    with open_uploads(tools, known) as opened:
        return opened.uploads.discard()


def list_uploads(tools: Tools, known: SessionRecord) -> list[UploadedFile]:
    """Give what was uploaded to a session and waits, by path. Raises StorageError."""
    with open_uploads(tools, known) as opened:
        return opened.uploads.list_files()


def parse_upload_path(text: str) -> RelativePath:
    """Give the path that a client gives a file; a drive, or a slash in front, is left out. Raises InvalidPathError."""
    plain = text.replace("\\", "/") if "/" not in text else text
    return RelativePath.parse(plain.lstrip("/"))


def _archived(tools: Tools, opened: OpenUploads, checksums: Collection[Sha256]) -> set[Sha256]:
    """Give those of which a file stands, with its size, where an index has it; only storages that answer count."""
    with tools.catalog.read() as db:
        places = locations.find_places_of_bytes(db, checksums)
        records = {record.storage_uuid: record for record in file_storages.list_storages(db)}
    found: set[Sha256] = set()
    own = opened.storage.storage_uuid
    for storage_uuid in sorted({place.storage_uuid for place in places}, key=lambda each: each != own):
        wanted = [place for place in places if place.storage_uuid == storage_uuid and place.sha256 not in found]
        try:
            with open_known(tools, records[storage_uuid]) as storage:
                for place in wanted:
                    facts = storage.pictures.find_facts(place.relative_path)
                    if facts is not None and facts.is_file and facts.size_bytes == place.size_bytes:
                        found.add(place.sha256)
        except ImalinkError:
            continue  # what cannot be looked at proves nothing
    return found
