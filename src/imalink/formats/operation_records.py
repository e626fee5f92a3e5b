"""The wire shapes of operations: what a journal line is part of, and what takes it back.

Format page: docs/format/commits-and-journals.md.
"""

from __future__ import annotations

import hashlib

import msgspec

from imalink.core.ids import OperationUuid, PhotoUuid, RunUuid, SessionUuid, parse_uuid
from imalink.core.index import FileEntry, FileStatus, Tombstone
from imalink.core.operation import (
    EarlierEntry,
    EarlierHead,
    EarlierPhoto,
    EarlierTombstone,
    EntryPlace,
    FileShift,
    Operation,
    OrphansRestored,
    Restoration,
    SessionRestored,
)
from imalink.core.photo import Photo
from imalink.core.session import ImportSession, SessionStatus
from imalink.core.timestamps import format_instant_ns, parse_instant, parse_instant_ns
from imalink.formats.file_records import (
    CompanionRecord,
    CopyRecord,
    FileRecord,
    companion_from,
    companion_record,
    copy_from,
    copy_record,
    entry_from,
    file_record,
)
from imalink.formats.layouts.hybrid_records import OrphanFileRecord, orphan_from, orphan_record
from imalink.formats.photo_records import (
    PhotoRecord,
    TombstoneRecord,
    photo_from,
    photo_record,
    tombstone_from,
    tombstone_record,
)
from imalink.formats.records import (
    Integer,
    Record,
    hothash_from,
    path_fields,
    path_from,
    safe_text,
    sha256_from,
    size_from,
)


class OperationRecord(Record, kw_only=True):
    """Which operation a line is part of."""

    operation_uuid: str
    kind: str
    title: str
    counts: dict[str, Integer] = {}
    undoes: str | None = None
    run_uuid: str | None = None


class EarlierEntryRecord(Record, kw_only=True):
    """What a session said of a hothash: ``entry``, nothing (``is_absent``), or the same in another place."""

    hothash: str
    now: str | None = ""
    is_absent: bool = False
    entry: FileRecord | None = None
    relative_path: str | None = None
    relative_path_bytes: str | None = None
    file_size: Integer | None = None
    sha256: str | None = None
    file_modified: str | None = None
    photo_uuid: str | None = None
    status: str | None = None
    last_seen_at: str | None = None
    companions: list[CompanionRecord] | None = None
    copies: list[CopyRecord] | None = None


class EarlierPhotoRecord(Record, kw_only=True):
    """What a session said of a photo; without ``photo`` nothing."""

    photo_uuid: str
    now: str | None = ""
    photo: PhotoRecord | None = None


class EarlierTombstoneRecord(Record, kw_only=True):
    """The tombstone of a hothash; without ``tombstone`` there was none."""

    hothash: str
    now: str | None = ""
    tombstone: TombstoneRecord | None = None


class EarlierHeadRecord(Record, kw_only=True):
    """What a session was called, and how its import had gone."""

    title: str
    description: str
    status: str
    now: str | None = ""


class ShiftRecord(Record, kw_only=True):
    """A file that goes from one path of its storage to another."""

    hothash: str
    path: str
    path_bytes: str | None = None
    new_path: str
    new_path_bytes: str | None = None
    sha256: str


class RestoredItem(Record, kw_only=True, tag_field="op", tag="restored"):
    """A session says again what it said before."""

    session_uuid: str
    session_id: Integer
    entries: list[EarlierEntryRecord] = []
    photos: list[EarlierPhotoRecord] = []
    deleted: list[EarlierTombstoneRecord] = []
    head: EarlierHeadRecord | None = None
    shifts: list[ShiftRecord] = []


class PathRecord(Record, kw_only=True):
    """A path alone."""

    path: str
    path_bytes: str | None = None


class OrphansRestoredItem(Record, kw_only=True, tag_field="op", tag="orphans-restored"):
    """The list of orphans is as it was before."""

    gone: list[PathRecord] = []
    back: list[OrphanFileRecord] = []


RestorationItem = RestoredItem | OrphansRestoredItem


class SpelledDigests:
    """Digests over the canonical spelling: the same as long as what is said is, whatever version spells it."""

    def of_entry(self, entry: FileEntry) -> str:
        """Of all that a session says of a file but whether it is damaged, which may be found out at any time."""
        record = file_record(entry, filename=entry.relative_path.printable())
        record.damaged = None
        for file in (*record.companions, *record.copies):
            file.damaged = None
        return _short_digest(record)

    def of_photo(self, photo: Photo) -> str:
        """Of the files of a photo, and of what is said of it: a half for each."""
        record = photo_record(photo)
        files = _short_digest([record.files, record.primary])
        record.files, record.primary = [], ""
        return files[:8] + _short_digest(record)[:8]

    def of_tombstone(self, tombstone: Tombstone) -> str:
        """Of a tombstone."""
        return _short_digest(tombstone_record(tombstone))

    def of_head(self, session: ImportSession) -> str:
        """Of a session's title, description and status."""
        return _short_digest([safe_text(session.title), safe_text(session.description), session.status.value])


def _short_digest(value: object) -> str:
    return hashlib.sha256(msgspec.json.encode(value, order="sorted")).hexdigest()[:16]


def operation_record(operation: Operation) -> OperationRecord:
    """Spell an operation."""
    return OperationRecord(
        operation_uuid=operation.operation_uuid,
        kind=operation.kind,
        title=safe_text(operation.title),
        counts=dict(operation.counts),
        undoes=operation.undoes,
        run_uuid=operation.run_uuid,
    )


def operation_from(record: OperationRecord) -> Operation:
    """Read an operation. Raises ValueError."""
    return Operation(
        operation_uuid=OperationUuid(parse_uuid(record.operation_uuid)),
        kind=record.kind,
        title=record.title,
        counts=record.counts,
        undoes=None if record.undoes is None else OperationUuid(parse_uuid(record.undoes)),
        run_uuid=None if record.run_uuid is None else RunUuid(parse_uuid(record.run_uuid)),
    )


def restoration_item(restoration: Restoration) -> RestorationItem:
    """Spell what is restored."""
    if isinstance(restoration, OrphansRestored):
        gone = [path_fields(path) for path in restoration.gone]
        return OrphansRestoredItem(
            gone=[PathRecord(path=path, path_bytes=encoded) for path, encoded in gone],
            back=[orphan_record(orphan) for orphan in restoration.back],
        )
    return RestoredItem(
        session_uuid=restoration.session_uuid,
        session_id=restoration.session_number,
        entries=[_entry_record(each) for each in restoration.entries],
        photos=[
            EarlierPhotoRecord(
                photo_uuid=each.photo_uuid,
                now=each.now,
                photo=None if each.was is None else photo_record(each.was),
            )
            for each in restoration.photos
        ],
        deleted=[
            EarlierTombstoneRecord(
                hothash=each.hothash,
                now=each.now,
                tombstone=None if each.was is None else tombstone_record(each.was),
            )
            for each in restoration.tombstones
        ],
        head=None if restoration.head is None else _head_record(restoration.head),
        shifts=[shift_record(shift) for shift in restoration.shifts],
    )


def shift_record(shift: FileShift) -> ShiftRecord:
    """Spell a file that moves."""
    path, path_bytes = path_fields(shift.source)
    new_path, new_path_bytes = path_fields(shift.target)
    return ShiftRecord(
        hothash=shift.hothash,
        path=path,
        path_bytes=path_bytes,
        new_path=new_path,
        new_path_bytes=new_path_bytes,
        sha256=shift.sha256,
    )


def shift_from(record: ShiftRecord) -> FileShift:
    """Read a file that moves. Raises IndexDamagedError, InvalidPathError."""
    return FileShift(
        hothash=hothash_from(record.hothash),
        source=path_from(record.path, record.path_bytes),
        target=path_from(record.new_path, record.new_path_bytes),
        sha256=sha256_from(record.sha256),
    )


def _head_record(head: EarlierHead) -> EarlierHeadRecord:
    return EarlierHeadRecord(
        title=safe_text(head.title), description=safe_text(head.description), status=head.status.value, now=head.now
    )


def _entry_record(earlier: EarlierEntry) -> EarlierEntryRecord:
    was = earlier.was
    if was is None:
        return EarlierEntryRecord(hothash=earlier.hothash, now=earlier.now, is_absent=True)
    if isinstance(was, FileEntry):
        entry = file_record(was, filename=was.relative_path.printable())
        return EarlierEntryRecord(hothash=earlier.hothash, now=earlier.now, entry=entry)
    path, encoded = (None, None) if was.relative_path is None else path_fields(was.relative_path)
    return EarlierEntryRecord(
        hothash=earlier.hothash,
        now=earlier.now,
        relative_path=path,
        relative_path_bytes=encoded,
        file_size=was.size_bytes,
        sha256=was.sha256,
        file_modified=None if was.modified_ns is None else format_instant_ns(was.modified_ns),
        photo_uuid=was.photo_uuid,
        status=None if was.status is None else was.status.value,
        last_seen_at=was.last_seen_at,
        companions=None if was.companions is None else [companion_record(each) for each in was.companions],
        copies=None if was.copies is None else [copy_record(each) for each in was.copies],
    )


def restoration_from(item: RestorationItem) -> Restoration:
    """Read what is restored. Raises ValueError, InvalidPathError or IndexDamagedError."""
    if isinstance(item, OrphansRestoredItem):
        return OrphansRestored(
            gone=tuple(path_from(each.path, each.path_bytes) for each in item.gone),
            back=tuple(orphan_from(each) for each in item.back),
        )
    return SessionRestored(
        session_uuid=SessionUuid(parse_uuid(item.session_uuid)),
        session_number=item.session_id,
        entries=tuple(_entry_from(each) for each in item.entries),
        photos=tuple(
            EarlierPhoto(
                photo_uuid=PhotoUuid(parse_uuid(each.photo_uuid)),
                was=None if each.photo is None else photo_from(each.photo_uuid, each.photo),
                now=each.now,
            )
            for each in item.photos
        ),
        tombstones=tuple(
            EarlierTombstone(
                hothash=hothash_from(each.hothash),
                was=None if each.tombstone is None else tombstone_from(each.hothash, each.tombstone),
                now=each.now,
            )
            for each in item.deleted
        ),
        head=None if item.head is None else _head_from(item.head),
        shifts=tuple(shift_from(each) for each in item.shifts),
    )


def _head_from(record: EarlierHeadRecord) -> EarlierHead:
    return EarlierHead(
        title=record.title, description=record.description, status=SessionStatus(record.status), now=record.now
    )


def _entry_from(record: EarlierEntryRecord) -> EarlierEntry:
    hothash = hothash_from(record.hothash)
    if record.is_absent:
        return EarlierEntry(hothash=hothash, was=None, now=record.now)
    if record.entry is not None:
        return EarlierEntry(hothash=hothash, was=entry_from(record.hothash, record.entry), now=record.now)
    if record.last_seen_at is not None:
        parse_instant(record.last_seen_at)
    path, encoded = record.relative_path, record.relative_path_bytes
    was = EntryPlace(
        relative_path=None if path is None else path_from(path, encoded),
        size_bytes=None if record.file_size is None else size_from(record.file_size),
        sha256=None if record.sha256 is None else sha256_from(record.sha256),
        modified_ns=None if record.file_modified is None else parse_instant_ns(record.file_modified),
        photo_uuid=None if record.photo_uuid is None else PhotoUuid(parse_uuid(record.photo_uuid)),
        status=None if record.status is None else FileStatus(record.status),
        last_seen_at=record.last_seen_at,
        companions=None if record.companions is None else tuple(map(companion_from, record.companions)),
        copies=None if record.copies is None else tuple(map(copy_from, record.copies)),
    )
    return EarlierEntry(hothash=hothash, was=was, now=record.now)
