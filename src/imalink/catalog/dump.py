"""The catalog's content as sorted JSON lines, the same for two catalogs that hold the same; and how two dumps differ.

Natural keys stand in the place of integer ids. Left out is what a recovery cannot and need not know: ``library_rev``,
scan snapshots, where a storage was last seen and whether it could be reached, its last scan, authors of whom nothing
more is said than a name, a session's primary storage, and generations of index files.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from imalink.catalog.core_json import compact_value
from imalink.catalog.models import (
    Author,
    CompanionFile,
    DeletedFile,
    FileLocation,
    FileStorage,
    ImageFile,
    ImportSession,
    Photo,
    SessionFile,
    SessionPhoto,
    Tag,
    photo_tags,
)
from imalink.catalog.said_models import LibraryFieldRow, WaitingEdit, WaitingLibraryEdit
from imalink.core.library import ItemKind

_KEYS = {
    "storage": ("storage",),
    "session": ("session",),
    "session-file": ("storage", "session"),
    "photo": ("photo",),
    "session-photo": ("storage", "session", "photo"),
    "image-file": ("hothash",),
    "location": ("storage", "session", "hothash", "number"),
    "companion": ("storage", "session", "hothash", "number"),
    "deleted": ("storage", "session", "hothash"),
    "waiting-edit": ("storage", "photo", "number"),
    "author": ("key",),
    "library": ("of", "key", "field"),
    "waiting-library": ("storage", "number"),
}
"""What identifies a line of each kind."""

_ROWS_AT_ONCE = 5000

_PHOTO_FIELDS = (
    "title caption rating label rejected author taken_at taken_at_local taken_at_offset taken_at_source camera_make "
    "camera_model lens width height latitude longitude altitude file_format"
).split()
_IMAGE_FIELDS = (
    "hothash_method imported_at original_filename original_path file_format width height orientation "
    "hotpreview_rendition"
).split()
_FILE_FIELDS = "number relative_path file_size sha256 modified_ns".split()


def dump(db: Session) -> list[str]:
    """Give everything the catalog holds as sorted JSON lines, each an object with its ``kind``.

    A session's number is only told where its files settle it: one number in all storages, and no other session's.
    A session that is in no storage yet has a line too, and an edit that waits for its storage: a recovery would lose
    them.
    """
    names = _Names(db)
    parts = (_storages, _sessions, _session_files, _photos, _session_photos, _image_files, _locations, _companions)
    more = (_deleted, _waiting_edits, _authors, _library, _waiting_library)
    lines = [line for part in (*parts, *more) for line in part(db, names)]
    return sorted(json.dumps(line, ensure_ascii=True, sort_keys=True, separators=(",", ":")) for line in lines)


def compare(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """Tell how two dumps differ, one readable line per difference, by kind and key; nothing means the same content."""
    old, new = _by_key(before), _by_key(after)
    differences: list[str] = []
    for key in sorted(old.keys() | new.keys()):
        name = f"{key[0]} {' / '.join(key[1:])}"
        if key not in new:
            differences.append(f"{name}: is gone")
        elif key not in old:
            differences.append(f"{name}: is new")
        else:
            differences.extend(f"{name}: {change}" for change in _changes(old[key], new[key]))
    return differences


_Line = dict[str, object]


def _by_key(lines: Sequence[str]) -> dict[tuple[str, ...], _Line]:
    keyed: dict[tuple[str, ...], _Line] = {}
    for text in lines:
        line = cast(_Line, json.loads(text))
        kind = str(line["kind"])
        keyed[(kind, *(str(line[name]) for name in _KEYS[kind]))] = line
    return keyed


def _changes(old: _Line, new: _Line) -> Iterator[str]:
    for field in sorted(old.keys() | new.keys()):
        before, after = old.get(field), new.get(field)
        if before != after:
            yield f"{field} was {json.dumps(before, ensure_ascii=False)}, is {json.dumps(after, ensure_ascii=False)}"


class _Names:
    """The natural keys of what lines refer to by id."""

    def __init__(self, db: Session) -> None:
        self.storages = dict(iter(db.execute(select(FileStorage.id, FileStorage.storage_uuid))))
        self.sessions = dict(iter(db.execute(select(ImportSession.id, ImportSession.session_uuid))))


def _storages(db: Session, names: _Names) -> Iterator[_Line]:
    del names
    for row in db.execute(select(FileStorage)).scalars():
        fields = "directory_name display_name description layout created_at is_active total_files total_size_bytes"
        yield {"kind": "storage", "storage": row.storage_uuid, **_fields(row, fields.split())}


def _sessions(db: Session, names: _Names) -> Iterator[_Line]:
    files: dict[int, set[int]] = {}
    owners: dict[int, set[int]] = {}
    for session_id, number in db.execute(select(SessionFile.import_session_id, SessionFile.number)):
        files.setdefault(session_id, set()).add(number)
        owners.setdefault(number, set()).add(session_id)
    fields = (
        "title description imported_at original_source_path status copy_started_at copy_completed_at total_scanned "
        "new_imports duplicates_skipped companions ignored errors total_size_bytes"
    ).split()
    for row in db.execute(select(ImportSession).options(joinedload(ImportSession.default_author))).scalars():
        author = row.default_author
        numbers = files.get(row.id, {row.id})
        is_settled = len(numbers) == 1 and all(len(owners.get(number, ())) <= 1 for number in numbers)
        yield {
            "kind": "session",
            "session": row.session_uuid,
            "number": row.id if is_settled else None,
            "author": None if author is None else [author.name, author.email],
            **_fields(row, fields),
        }


def _session_files(db: Session, names: _Names) -> Iterator[_Line]:
    for row in db.execute(select(SessionFile)).scalars():
        yield {"kind": "session-file", **_place(row, names), "number": row.number, "head": compact_value(row.head)}


def _photos(db: Session, names: _Names) -> Iterator[_Line]:
    del names
    tags: dict[int, list[str]] = {}
    tagged = (
        select(photo_tags.c.photo_id, Tag.name)
        .join(Tag, Tag.id == photo_tags.c.tag_id)
        .order_by(photo_tags.c.photo_id, photo_tags.c.position)
    )
    for photo_id, name in db.execute(tagged):
        tags.setdefault(photo_id, []).append(name)
    files: dict[int, list[str]] = {}
    for photo_id, hothash in db.execute(select(ImageFile.photo_id, ImageFile.hothash)):
        files.setdefault(photo_id, []).append(hothash)
    for row in db.execute(select(Photo).execution_options(yield_per=_ROWS_AT_ONCE)).scalars():
        yield {
            "kind": "photo",
            "photo": row.photo_uuid,
            "primary": row.primary_hothash,
            "files": sorted(files.get(row.id, ())),
            "tags": tags.get(row.id, []),
            "user_facts": None if row.user_facts is None else compact_value(row.user_facts),
            **_fields(row, _PHOTO_FIELDS),
        }


def _session_photos(db: Session, names: _Names) -> Iterator[_Line]:
    for row in db.execute(select(SessionPhoto).execution_options(yield_per=_ROWS_AT_ONCE)).scalars():
        yield {
            "kind": "session-photo",
            **_place(row, names),
            "photo": row.photo_uuid,
            "imported_at": row.imported_at,
            "record": compact_value(row.record),
        }


def _image_files(db: Session, names: _Names) -> Iterator[_Line]:
    query = select(ImageFile, Photo.photo_uuid).join(Photo, Photo.id == ImageFile.photo_id)
    for row, photo_uuid in db.execute(query.execution_options(yield_per=_ROWS_AT_ONCE)):
        yield {
            "kind": "image-file",
            "hothash": row.hothash,
            "photo": photo_uuid,
            "session": names.sessions[row.import_session_id],
            "facts": compact_value(row.facts),
            "previous_hothashes": list(row.previous_hothashes or ()),
            **_fields(row, _IMAGE_FIELDS),
        }


def _locations(db: Session, names: _Names) -> Iterator[_Line]:
    query = select(FileLocation, ImageFile.hothash).join(ImageFile, ImageFile.id == FileLocation.image_file_id)
    for row, hothash in db.execute(query.execution_options(yield_per=_ROWS_AT_ONCE)):
        yield {
            "kind": "location",
            **_place(row, names),
            "hothash": hothash,
            "entry": None if row.entry is None else compact_value(row.entry),
            "path_bytes": None if row.relative_path_bytes is None else row.relative_path_bytes.hex(),
            **({} if row.damage is None else {"damage": compact_value(row.damage)}),
            **_fields(row, [*_FILE_FIELDS, "imported_at", "status", "last_seen_at"]),
        }


def _companions(db: Session, names: _Names) -> Iterator[_Line]:
    query = select(CompanionFile, ImageFile.hothash).join(ImageFile, ImageFile.id == CompanionFile.image_file_id)
    for row, hothash in db.execute(query.execution_options(yield_per=_ROWS_AT_ONCE)):
        yield {
            "kind": "companion",
            **_place(row, names),
            "hothash": hothash,
            "path_bytes": None if row.relative_path_bytes is None else row.relative_path_bytes.hex(),
            **({} if row.damage is None else {"damage": compact_value(row.damage)}),
            "companion_kind": row.kind,
            **_fields(row, _FILE_FIELDS),
        }


def _deleted(db: Session, names: _Names) -> Iterator[_Line]:
    for row in db.execute(select(DeletedFile).execution_options(yield_per=_ROWS_AT_ONCE)).scalars():
        yield {
            "kind": "deleted",
            **_place(row, names),
            "hothash": row.hothash,
            "tombstone": compact_value(row.tombstone),
        }


def _waiting_edits(db: Session, names: _Names) -> Iterator[_Line]:
    numbers: Counter[tuple[int, str]] = Counter()
    for row in db.execute(select(WaitingEdit).order_by(WaitingEdit.id)).scalars():
        numbers[row.file_storage_id, row.photo_uuid] += 1
        yield {
            "kind": "waiting-edit",
            "storage": names.storages[row.file_storage_id],
            "photo": row.photo_uuid,
            "number": numbers[row.file_storage_id, row.photo_uuid],
            "said_at": row.said_at,
            "said": compact_value(row.said),
        }


def _authors(db: Session, names: _Names) -> Iterator[_Line]:
    """Those of whom the library says something: the others come and go with their sessions."""
    del names
    said = select(LibraryFieldRow.key).where(LibraryFieldRow.kind == ItemKind.AUTHOR.value)
    for row in db.execute(select(Author).where(Author.author_key.in_(said))).scalars():
        fields = _fields(row, ["name", "email", "known_as", "bio", "is_self", "is_deleted"])
        yield {"kind": "author", "key": row.author_key, **fields}


def _library(db: Session, names: _Names) -> Iterator[_Line]:
    del names
    for row in db.execute(select(LibraryFieldRow)).scalars():
        fields = _fields(row, ["key", "field", "value", "counter", "writer"])
        yield {"kind": "library", "of": row.kind, **fields}


def _waiting_library(db: Session, names: _Names) -> Iterator[_Line]:
    numbers: Counter[int] = Counter()
    for row in db.execute(select(WaitingLibraryEdit).order_by(WaitingLibraryEdit.id)).scalars():
        numbers[row.file_storage_id] += 1
        yield {
            "kind": "waiting-library",
            "storage": names.storages[row.file_storage_id],
            "number": numbers[row.file_storage_id],
            "edit": compact_value(row.edit),
        }


def _place(
    row: SessionFile | SessionPhoto | FileLocation | CompanionFile | DeletedFile, names: _Names
) -> dict[str, object]:
    return {
        "storage": names.storages[row.file_storage_id],
        "session": names.sessions[row.import_session_id],
    }


def _fields(row: object, fields: Sequence[str]) -> dict[str, object]:
    return {field: cast(object, getattr(row, field)) for field in fields}
