"""How an index was spelt in the file it came from, so that what did not change since need not be spelt anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import msgspec

from imalink.core.ids import Hothash, PhotoUuid
from imalink.core.index import FileEntry, MasterEntry
from imalink.core.photo import Photo
from imalink.formats.file_records import FileRecord
from imalink.formats.photo_records import PhotoRecord

EntryT = TypeVar("EntryT", FileEntry, MasterEntry)
RecordT = TypeVar("RecordT", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling(Generic[EntryT, RecordT]):
    """The records of one file as read, beside the values made of them.

    A value that is still the very same object (values never change) is written as its record. Only files whose digest
    fits have one: all that stands in them ImaLink wrote, also what it never reads.
    """

    entries: Mapping[Hothash, EntryT] = field(default_factory=dict[Hothash, EntryT])
    records: Mapping[Hothash, RecordT] = field(default_factory=dict[Hothash, RecordT])
    photos: Mapping[PhotoUuid, Photo] = field(default_factory=dict[PhotoUuid, Photo])
    photo_records: Mapping[str, PhotoRecord] = field(default_factory=dict[str, PhotoRecord])

    def find_entry(self, entry: EntryT) -> RecordT | None:
        """Give how this very entry was spelt; None for one that is new or another."""
        return self.records[entry.hothash] if self.entries.get(entry.hothash) is entry else None

    def find_photo(self, photo: Photo) -> PhotoRecord | None:
        """Give how this very photo was spelt; None for one that is new or another."""
        return self.photo_records[photo.photo_uuid] if self.photos.get(photo.photo_uuid) is photo else None

    def find_entry_of(self, entry: EntryT, photo: Photo | None, photo_uuid: PhotoUuid) -> RecordT | None:
        """Give how this very entry was spelt while its photo was this very one, for a record repeats its facts."""
        return self.find_entry(entry) if self.photos.get(photo_uuid) is photo else None


SessionSpelling = Spelling[FileEntry, FileRecord]
