"""From one session index to the rows it becomes in a catalog that knows nothing of its pictures. No database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from imalink.catalog.column_types import canonical_instant
from imalink.catalog.core_json import escape_text
from imalink.catalog.derivation import DerivedPhoto, derive_photo, derive_plain_photo, image_row, path_columns
from imalink.catalog.records import EntryRecord
from imalink.core.ids import Hothash, PhotoUuid
from imalink.core.index import FileEntry, SessionIndex
from imalink.core.photo import Photo
from imalink.core.photo_facts import plain_photo
from imalink.core.user_facts import has_user_facts

LOCATION_COLUMNS = (
    "image_file_id file_storage_id import_session_id number relative_path relative_path_bytes file_size sha256 "
    "modified_ns imported_at status last_seen_at damage entry"
).split()
COMPANION_COLUMNS = (
    "image_file_id file_storage_id import_session_id number relative_path relative_path_bytes file_size sha256 "
    "modified_ns kind damage"
).split()
SESSION_PHOTO_COLUMNS = "import_session_id file_storage_id photo_uuid imported_at record".split()
DELETED_COLUMNS = "import_session_id file_storage_id hothash sha256 tombstone".split()

_FIRST_NS, _LAST_NS = -(2**63), 2**63 - 1

Row = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class RowOwner:
    """The numbers under which a session's index in one storage has its rows."""

    session_id: int
    storage_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexRows:
    """All rows of an index, each table's in the order of its columns; ids count from 1 for photos and for images.

    ``tags`` are those of each photo, in the order of ``photos``; ``said`` is what the index says of photos.
    """

    photos: list[Row]
    tags: list[tuple[str, ...]]
    images: list[Row]
    locations: list[Row]
    companions: list[Row]
    session_photos: list[Row]
    deleted: list[Row]
    said: list[Photo]


def rows_of_index(index: SessionIndex, owner: RowOwner, *, first_photo_id: int, first_image_id: int) -> IndexRows:
    """Give the rows of an index none of whose pictures and photos the catalog has; ids count up from those given."""
    entries = list(index.files.values())
    by_photo = group_by_photo(entries)
    derived = [derive_alone(photo_uuid, index, group) for photo_uuid, group in by_photo.items()]
    photo_ids = {photo_uuid: first_photo_id + position for position, photo_uuid in enumerate(by_photo)}
    images: list[Row] = []
    locations: list[Row] = []
    companions: list[Row] = []
    for image_id, entry in enumerate(entries, first_image_id):
        images.append(
            image_row(
                entry.hothash,
                entry,
                photo_id=photo_ids[entry.photo_uuid],
                session_id=owner.session_id,
                imported_at=canonical_instant(entry.imported_at),
            )
        )
        locations.extend(location_rows(entry, image_id, owner, own=None))
        companions.extend(companion_rows(entry, image_id, owner))
    said = said_photos(index, (*by_photo, *(index.photos.keys() - by_photo.keys())))
    return IndexRows(
        photos=[each.row for each in derived],
        tags=[each.tags for each in derived],
        images=images,
        locations=locations,
        companions=companions,
        session_photos=[session_photo_row(photo, index, owner) for photo in said],
        deleted=deleted_rows(index, owner, index.deleted),
        said=said,
    )


def group_by_photo(entries: Iterable[FileEntry]) -> dict[PhotoUuid, list[FileEntry]]:
    """Give the entries of each photo, photos and entries in the order met."""
    by_photo: dict[PhotoUuid, list[FileEntry]] = {}
    for entry in entries:
        by_photo.setdefault(entry.photo_uuid, []).append(entry)
    return by_photo


def derive_alone(photo_uuid: PhotoUuid, index: SessionIndex, group: Sequence[FileEntry]) -> DerivedPhoto:
    """Give what holds for a photo of which only this index speaks, and whose files there are ``group``."""
    photo = index.photos.get(photo_uuid)
    if len(group) == 1 and (photo is None or _is_plain(photo, index)):
        entry = group[0]
        return derive_plain_photo(photo_uuid, entry.hothash, entry.facts, escape_text(entry.original_filename))
    if photo is not None and (len(group) == 1 or not _is_plain(photo, index)):
        records = [photo]
    else:
        ordered = sorted((canonical_instant(entry.imported_at), entry.hothash) for entry in group)
        records = [plain_photo(photo_uuid, hothash) for _, hothash in ordered]
    files = {entry.hothash: entry.facts for entry in group}
    names = {entry.hothash: escape_text(entry.original_filename) for entry in group}
    return derive_photo(photo_uuid, records, files, names)


def location_rows(entry: FileEntry, image_id: int, owner: RowOwner, *, own: EntryRecord | None) -> list[Row]:
    """Give the rows of an entry's main file and copies; ``own`` is what it says where its image file says otherwise."""
    files = (entry, *entry.copies) if entry.copies else (entry,)
    return [
        (
            image_id,
            owner.storage_id,
            owner.session_id,
            number,
            *path_columns(file.relative_path),
            file.size_bytes,
            file.sha256,
            storable_ns(file.modified_ns),
            file.imported_at,
            file.status.value,
            entry.last_seen_at if number == 0 else None,
            file.damage,
            own if number == 0 else None,
        )
        for number, file in enumerate(files)
    ]


def companion_rows(entry: FileEntry, image_id: int, owner: RowOwner) -> list[Row]:
    """Give the rows of an entry's companions."""
    return [
        (
            image_id,
            owner.storage_id,
            owner.session_id,
            number,
            *path_columns(companion.relative_path),
            companion.size_bytes,
            companion.sha256,
            storable_ns(companion.modified_ns),
            companion.kind,
            companion.damage,
        )
        for number, companion in enumerate(entry.companions)
    ]


def storable_ns(modified_ns: int) -> int:
    """Give a time as a database counts it: one before 1677 or after 2262 as the first or last that it can."""
    return modified_ns if _FIRST_NS <= modified_ns <= _LAST_NS else max(_FIRST_NS, min(modified_ns, _LAST_NS))


def said_photos(index: SessionIndex, photo_uuids: Iterable[PhotoUuid]) -> list[Photo]:
    """Give those of these photos of which the index says more than each one's only entry does anyhow."""
    photos = (index.photos.get(photo_uuid) for photo_uuid in photo_uuids)
    return [photo for photo in photos if photo is not None and not _is_plain(photo, index)]


def session_photo_row(photo: Photo, index: SessionIndex, owner: RowOwner) -> Row:
    """Give the row of what the index says of a photo."""
    times = [index.files[hothash].imported_at for hothash in photo.files if hothash in index.files]
    imported_at = min(map(canonical_instant, times), default=index.session.imported_at)
    return (owner.session_id, owner.storage_id, photo.photo_uuid, imported_at, photo)


def deleted_rows(index: SessionIndex, owner: RowOwner, hothashes: Iterable[Hothash]) -> list[Row]:
    """Give the rows of those tombstones of the index that are of these pictures."""
    return [
        (owner.session_id, owner.storage_id, hothash, index.deleted[hothash].sha256, index.deleted[hothash])
        for hothash in hothashes
        if hothash in index.deleted
    ]


def _is_plain(photo: Photo, index: SessionIndex) -> bool:
    """Tell whether an index says no more of a photo than its one entry does anyhow."""
    if photo.files != (photo.primary,) or has_user_facts(photo):
        return False
    entry = index.files.get(photo.primary)
    return entry is not None and entry.photo_uuid == photo.photo_uuid
