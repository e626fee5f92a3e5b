"""The wire shapes of a photo, of what the user said of it, and of what was deleted."""

from __future__ import annotations

from collections.abc import Mapping

from imalink.core.ids import (
    Hothash,
    OperationUuid,
    PhotoUuid,
    SessionUuid,
    WriterId,
    are_canonical_uuids,
    parse_uuid,
)
from imalink.core.index import KeptFile, Tombstone
from imalink.core.photo import FieldClock, Photo, UserFacts
from imalink.core.timestamps import CaptureTime
from imalink.core.user_facts import has_user_facts, with_said
from imalink.errors import IndexDamagedError, InvalidPathError
from imalink.formats.bulk import are_hex64
from imalink.formats.file_records import FileRecord, entry_from, file_record
from imalink.formats.picture_records import GpsRecord, gps_from, gps_record
from imalink.formats.records import Integer, Record, hothash_from, path_fields, path_from, safe_text, sha256_from
from imalink.formats.sessions import MAX_COUNTER, AuthorRecord, author_from, author_record


class CorrectionsRecord(Record, kw_only=True):
    """What the user said in the place of a picture's own facts, which stay in its entry."""

    taken_at_local: str | None = None
    taken_at_offset: str | None = None
    gps: GpsRecord | None = None


class UserFactsRecord(Record, kw_only=True):
    """What the user said of one photo."""

    title: str | None = None
    caption: str | None = None
    rating: Integer | None = None
    label: str | None = None
    rejected: bool | None = None
    tags: list[str] | None = None
    tag_changes: dict[str, bool] = {}
    author: AuthorRecord | None = None
    corrections: CorrectionsRecord | None = None
    custom: dict[str, str] = {}
    clocks: dict[str, tuple[Integer, str]] = {}


class PhotoRecord(UserFactsRecord, kw_only=True):
    """What the user said of one photo, and its files."""

    files: list[str]
    primary: str


class KeptFileRecord(Record, kw_only=True):
    """A file of a deleted picture in the trash."""

    path: str
    path_bytes: str | None = None
    kept: str
    kept_bytes: str | None = None


class TombstoneRecord(Record, kw_only=True):
    """What is left of a deleted file."""

    sha256: str
    original_filename: str
    photo_uuid: str
    session_uuid: str
    deleted_at: str
    by: str
    mode: str
    reason: str = ""
    operation_uuid: str | None = None
    path: str | None = None
    path_bytes: str | None = None
    entry: FileRecord | None = None
    kept: list[KeptFileRecord] = []


def user_facts_record(facts: UserFacts) -> UserFactsRecord:
    """Spell what the user said of a photo."""
    record = UserFactsRecord()
    _spell_user_facts(facts, record)
    return record


def user_facts_from(record: UserFactsRecord) -> UserFacts:
    """Read what the user said of a photo. Raises ValueError."""
    corrections = record.corrections or CorrectionsRecord()
    return UserFacts(
        title=record.title,
        caption=record.caption,
        rating=record.rating,
        label=record.label,
        rejected=record.rejected,
        tags=None if record.tags is None else tuple(record.tags),
        tag_changes=record.tag_changes,
        author=author_from(record.author),
        capture_time=_corrected_time(corrections),
        gps=gps_from(corrections.gps),
        custom=record.custom,
        clocks={
            name: FieldClock(counter=counter if 0 <= counter <= MAX_COUNTER else 0, writer=WriterId(writer))
            for name, (counter, writer) in record.clocks.items()
        },
    )


def _spell_user_facts(facts: UserFacts, record: UserFactsRecord) -> None:
    record.title = facts.title and safe_text(facts.title)
    record.caption = facts.caption and safe_text(facts.caption)
    record.rating = facts.rating
    record.label = facts.label and safe_text(facts.label)
    record.rejected = facts.rejected
    record.tags = None if facts.tags is None else [safe_text(tag) for tag in facts.tags]
    record.tag_changes = {safe_text(tag): has for tag, has in facts.tag_changes.items()}
    record.author = author_record(facts.author)
    record.corrections = _corrections_record(facts)
    record.custom = {safe_text(key): safe_text(value) for key, value in facts.custom.items()}
    record.clocks = {safe_text(name): (clock.counter, clock.writer) for name, clock in facts.clocks.items()}


def _corrections_record(facts: UserFacts) -> CorrectionsRecord | None:
    taken = facts.capture_time
    if taken is None and facts.gps is None:
        return None
    return CorrectionsRecord(
        taken_at_local=taken and taken.local, taken_at_offset=taken and taken.offset, gps=gps_record(facts.gps)
    )


def _corrected_time(record: CorrectionsRecord) -> CaptureTime | None:
    if record.taken_at_local is None:
        return None
    return CaptureTime(local=record.taken_at_local, offset=record.taken_at_offset, source="user")


def photo_record(photo: Photo) -> PhotoRecord:
    """Spell a photo."""
    record = PhotoRecord(files=list(photo.files), primary=photo.primary)
    if has_user_facts(photo):
        _spell_user_facts(photo, record)
    return record


def _says_nothing(record: UserFactsRecord) -> bool:
    """Tell whether nothing is said of a photo, as of most: so that a large index is read quickly."""
    return (
        record.title is None
        and record.rating is None
        and record.tags is None
        and not record.clocks
        and record.caption is None
        and record.label is None
        and record.rejected is None
        and record.author is None
        and record.corrections is None
        and not record.tag_changes
        and not record.custom
    )


def photos_from(records: Mapping[str, PhotoRecord]) -> list[Photo]:
    """Read the photos of an index. Raises IndexDamagedError.

    The names of all are checked at once, where that finds nothing; of most photos nothing more is said.
    """
    is_sound = (
        are_canonical_uuids(records)
        and are_hex64([record.primary for record in records.values()])
        and are_hex64([file for record in records.values() for file in record.files])
    )
    if not is_sound:
        return [photo_from(photo_uuid, record) for photo_uuid, record in records.items()]
    return [
        Photo(
            photo_uuid=PhotoUuid(photo_uuid),
            files=tuple(map(Hothash, record.files)),
            primary=Hothash(record.primary),
        )
        if _says_nothing(record)
        else photo_from(photo_uuid, record)
        for photo_uuid, record in records.items()
    ]


def photo_from(photo_uuid: str, record: PhotoRecord) -> Photo:
    """Read one photo. Raises IndexDamagedError."""
    try:
        photo = Photo(
            photo_uuid=PhotoUuid(parse_uuid(photo_uuid)),
            files=tuple(hothash_from(file) for file in record.files),
            primary=hothash_from(record.primary),
        )
        return photo if _says_nothing(record) else with_said(photo, user_facts_from(record))
    except ValueError as error:
        raise IndexDamagedError(str(error)) from error


def tombstone_record(tombstone: Tombstone) -> TombstoneRecord:
    """Spell a tombstone."""
    path, encoded = (None, None) if tombstone.path is None else path_fields(tombstone.path)
    entry = tombstone.entry
    return TombstoneRecord(
        sha256=tombstone.sha256,
        original_filename=safe_text(tombstone.original_filename),
        photo_uuid=tombstone.photo_uuid,
        session_uuid=tombstone.session_uuid,
        deleted_at=tombstone.deleted_at,
        by=safe_text(tombstone.by),
        mode=tombstone.mode,
        reason=safe_text(tombstone.reason),
        operation_uuid=tombstone.operation_uuid,
        path=path,
        path_bytes=encoded,
        entry=None if entry is None else file_record(entry, filename=entry.relative_path.printable()),
        kept=[_kept_record(file) for file in tombstone.kept],
    )


def _kept_record(file: KeptFile) -> KeptFileRecord:
    path, path_bytes = path_fields(file.path)
    kept, kept_bytes = path_fields(file.kept)
    return KeptFileRecord(path=path, path_bytes=path_bytes, kept=kept, kept_bytes=kept_bytes)


def tombstone_from(hothash: str, record: TombstoneRecord) -> Tombstone:
    """Read a tombstone. Raises IndexDamagedError."""
    try:
        return Tombstone(
            hothash=hothash_from(hothash),
            sha256=sha256_from(record.sha256),
            original_filename=record.original_filename,
            photo_uuid=PhotoUuid(parse_uuid(record.photo_uuid)),
            session_uuid=SessionUuid(parse_uuid(record.session_uuid)),
            deleted_at=record.deleted_at,
            by=record.by,
            mode=record.mode,
            reason=record.reason,
            operation_uuid=(
                None if record.operation_uuid is None else OperationUuid(parse_uuid(record.operation_uuid))
            ),
            path=None if record.path is None else path_from(record.path, record.path_bytes),
            entry=None if record.entry is None else entry_from(hothash, record.entry),
            kept=tuple(
                KeptFile(path=path_from(each.path, each.path_bytes), kept=path_from(each.kept, each.kept_bytes))
                for each in record.kept
            ),
        )
    except (ValueError, InvalidPathError) as error:
        raise IndexDamagedError(str(error)) from error
