"""A session index as its records: all checked at once, and nothing made of each that need not be.

For who takes very many entries over and looks at few of them: making a value of each takes most of a reader's time.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from imalink.core.ids import are_canonical_uuids
from imalink.core.index import FileStatus, SessionIndex
from imalink.core.timestamps import are_instants, are_local_times
from imalink.formats.bulk import are_hex64
from imalink.formats.file_records import FileRecord, are_sound, entries_from
from imalink.formats.photo_records import PhotoRecord, photos_from
from imalink.formats.records import MAX_SIZE_BYTES

_ODD_TEXT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
"""Escapes of what no database holds as it is, NUL and surrogates; a pair of these may be a good letter."""
_STATUSES = frozenset(status.value for status in FileStatus)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecords:
    """The records of a session index: ``files`` by hothash, ``photos`` by UUID. ``head`` is the index without them.

    Of every file its hothash, checksum, paths that are UTF-8, sizes, times, UUID and status are well spelt; of every
    photo its names. No text holds NUL or a surrogate.
    """

    head: SessionIndex
    files: Mapping[str, FileRecord]
    photos: Mapping[str, PhotoRecord]

    def part(self, hothashes: Collection[str], photo_uuids: Collection[str]) -> SessionIndex:
        """Give the index with these of its files and photos alone. Raises IndexDamagedError."""
        files = entries_from({hothash: self.files[hothash] for hothash in hothashes})
        photos = photos_from({photo_uuid: self.photos[photo_uuid] for photo_uuid in photo_uuids})
        return replace(self.head, files=files, photos={photo.photo_uuid: photo for photo in photos})


def checked_records(
    data: bytes, head: SessionIndex, files: Mapping[str, FileRecord], photos: Mapping[str, PhotoRecord]
) -> SessionRecords | None:
    """Give the records decoded from ``data``; None where one must be looked at more closely than all at once."""
    entries = files.values()
    sizes = [entry.file_size for entry in entries]
    is_good = (
        are_sound(files)
        and all(entry.relative_path_bytes is None for entry in entries)
        and (not sizes or (min(sizes) >= 0 and max(sizes) <= MAX_SIZE_BYTES))
        and {entry.status for entry in entries} <= _STATUSES
        and are_instants([entry.last_seen_at for entry in entries if entry.last_seen_at is not None])
        and are_local_times(
            [
                entry.taken_at_local or entry.taken_at.removesuffix("Z")
                for entry in entries
                if entry.taken_at is not None
            ],
            {entry.taken_at_offset for entry in entries if entry.taken_at is not None},
        )
        and are_canonical_uuids(photos)
        and are_hex64([photo.primary for photo in photos.values()])
        and are_hex64([file for photo in photos.values() for file in photo.files])
        and (b"\\u" not in data or _ODD_TEXT.search(data) is None)
    )
    return SessionRecords(head=head, files=files, photos=photos) if is_good else None
