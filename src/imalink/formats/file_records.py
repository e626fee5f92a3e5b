"""The wire shapes of one image file, its companions and copies, shared by indexes, commits and journals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from imalink.core.damage import Damage, Verdict
from imalink.core.ids import (
    Hothash,
    HothashMethod,
    PhotoUuid,
    SessionUuid,
    Sha256,
    are_canonical_uuids,
    parse_uuid,
)
from imalink.core.index import Companion, FileCopy, FileEntry, FileStatus
from imalink.core.picture import PictureFacts
from imalink.core.relative_path import RelativePath
from imalink.core.timestamps import (
    CaptureTime,
    CaptureTimeSource,
    are_instants,
    format_instant_ns,
    parse_instant,
    parse_instant_ns,
)
from imalink.errors import IndexDamagedError, InvalidPathError
from imalink.formats.bulk import are_hex64, are_paths
from imalink.formats.picture_records import (
    CameraRecord,
    EmbeddedRecord,
    GpsRecord,
    camera_from,
    camera_record,
    embedded_from,
    embedded_record,
    gps_from,
    gps_record,
    storable,
)
from imalink.formats.records import (
    Integer,
    Record,
    file_path_from,
    hothash_from,
    path_fields,
    path_place,
    safe_text,
    sha256_from,
    size_from,
)

_PRESENT = FileStatus.PRESENT.value


class DamageRecord(Record, kw_only=True):
    """Since when it is known that what stands there is not what was archived, and what was found."""

    found_at: str
    verdict: str


class CompanionRecord(Record, kw_only=True):
    """A sidecar or other file that goes with the image file."""

    relative_path: str
    relative_path_bytes: str | None = None
    sha256: str
    file_size: Integer
    file_modified: str
    kind: str
    damaged: DamageRecord | None = None


class CopyRecord(Record, kw_only=True):
    """A further file with the same hothash."""

    relative_path: str
    relative_path_bytes: str | None = None
    file_size: Integer
    sha256: str
    file_modified: str
    import_session_id: Integer
    session_uuid: str
    imported_at: str
    status: str = "present"
    damaged: DamageRecord | None = None


class FileRecord(Record, kw_only=True):
    """One image file, as ``files[<hothash>]`` of a session index and as the entry of a commit line.

    ``rating``, ``title`` and ``tags`` are repeated from the photo for readers of the hybrid format; they are
    written and never read.
    """

    filename: str
    relative_path: str
    relative_path_bytes: str | None = None
    file_size: Integer
    sha256: str
    hothash_method: str
    file_modified: str
    taken_at: str | None
    taken_at_local: str | None = None
    taken_at_offset: str | None = None
    taken_at_source: CaptureTimeSource | None = None
    created_at: str
    imported_at: str
    original_filename: str
    original_path: str = ""
    file_format: str
    width: Integer | None
    height: Integer | None
    orientation: Integer = 1
    duration_seconds: float | None = None
    content_identifier: str | None = None
    has_hotpreview: bool
    hotpreview_rendition: str | None = None
    photo_uuid: str
    status: str = "present"
    last_seen_at: str | None = None
    damaged: DamageRecord | None = None
    camera: CameraRecord | None = None
    gps: GpsRecord | None = None
    embedded: EmbeddedRecord | None = None
    companions: list[CompanionRecord] = []
    copies: list[CopyRecord] = []
    previous_hothashes: list[str] = []
    rating: Integer | None = None
    title: str | None = None
    tags: list[str] = []


def damage_record(damage: Damage | None) -> DamageRecord | None:
    """Spell what is known of a damaged file; nothing of a whole one."""
    return None if damage is None else DamageRecord(found_at=damage.found_at, verdict=damage.verdict.value)


def damage_from(record: DamageRecord | None) -> Damage | None:
    """Read what is known of a damaged file. Raises ValueError.

    A verdict that this version does not know is damage all the same.
    """
    if record is None:
        return None
    known = {verdict.value: verdict for verdict in Verdict if verdict.is_damage}
    return Damage(found_at=_instant(record.found_at), verdict=known.get(record.verdict, Verdict.DAMAGED))


def companion_record(companion: Companion) -> CompanionRecord:
    """Spell a companion."""
    path, encoded = path_fields(companion.relative_path)
    return CompanionRecord(
        relative_path=path,
        relative_path_bytes=encoded,
        sha256=companion.sha256,
        file_size=companion.size_bytes,
        file_modified=format_instant_ns(companion.modified_ns),
        kind=companion.kind,
        damaged=damage_record(companion.damage),
    )


def companion_from(record: CompanionRecord) -> Companion:
    """Read a companion. Raises ValueError or InvalidPathError."""
    return Companion(
        relative_path=file_path_from(record.relative_path, record.relative_path_bytes),
        sha256=sha256_from(record.sha256),
        size_bytes=size_from(record.file_size),
        modified_ns=parse_instant_ns(record.file_modified),
        kind=record.kind,
        damage=damage_from(record.damaged),
    )


def copy_record(copy: FileCopy) -> CopyRecord:
    """Spell a copy."""
    path, encoded = path_fields(copy.relative_path)
    return CopyRecord(
        relative_path=path,
        relative_path_bytes=encoded,
        file_size=copy.size_bytes,
        sha256=copy.sha256,
        file_modified=format_instant_ns(copy.modified_ns),
        import_session_id=copy.session_number,
        session_uuid=copy.session_uuid,
        imported_at=copy.imported_at,
        status=copy.status.value,
        damaged=damage_record(copy.damage),
    )


def copy_from(record: CopyRecord) -> FileCopy:
    """Read a copy. Raises ValueError or InvalidPathError."""
    return FileCopy(
        relative_path=file_path_from(record.relative_path, record.relative_path_bytes),
        size_bytes=size_from(record.file_size),
        sha256=sha256_from(record.sha256),
        modified_ns=parse_instant_ns(record.file_modified),
        session_number=record.import_session_id,
        session_uuid=SessionUuid(parse_uuid(record.session_uuid)),
        imported_at=record.imported_at,
        status=FileStatus(record.status),
        damage=damage_from(record.damaged),
    )


def file_record(entry: FileEntry, *, filename: str) -> FileRecord:
    """Spell an entry; ``filename`` is the layout's word for where it is."""
    path, encoded = path_fields(entry.relative_path)
    facts = entry.facts
    taken = facts.capture_time
    return FileRecord(
        filename=filename,
        relative_path=path,
        relative_path_bytes=encoded,
        file_size=entry.size_bytes,
        sha256=entry.sha256,
        hothash_method=entry.method,
        file_modified=format_instant_ns(entry.modified_ns),
        taken_at=taken.taken_at if taken else None,
        taken_at_local=taken.local if taken else None,
        taken_at_offset=taken.offset if taken else None,
        taken_at_source=taken.source if taken else None,
        created_at=entry.imported_at,
        imported_at=entry.imported_at,
        original_filename=safe_text(entry.original_filename),
        original_path=safe_text(entry.original_path),
        file_format=facts.file_format,
        width=storable(facts.width),
        height=storable(facts.height),
        orientation=facts.orientation,
        duration_seconds=facts.duration_seconds,
        content_identifier=facts.content_identifier,
        has_hotpreview=entry.has_hotpreview,
        hotpreview_rendition=entry.hotpreview_rendition,
        photo_uuid=entry.photo_uuid,
        status=entry.status.value,
        last_seen_at=entry.last_seen_at,
        damaged=damage_record(entry.damage),
        camera=camera_record(facts.camera),
        gps=gps_record(facts.gps),
        embedded=embedded_record(facts.embedded),
        companions=[companion_record(companion) for companion in entry.companions],
        copies=[copy_record(copy) for copy in entry.copies],
        previous_hothashes=list(entry.previous_hothashes),
    )


def entry_from(hothash: str, record: FileRecord) -> FileEntry:
    """Read an entry. Raises IndexDamagedError whose place is below the entry."""
    try:
        return _entry_from(hothash, record)
    except (ValueError, InvalidPathError) as error:
        place, reason = _explain(hothash, record)
        raise IndexDamagedError(reason or str(error), place=place) from error


def entries_from(records: Mapping[str, FileRecord]) -> dict[Hothash, FileEntry]:
    """Read the entries of an index. Raises IndexDamagedError whose place begins with ``files.<hothash>``.

    What every entry has is checked for all of them at once, where that finds nothing: most of the time goes there.
    """
    if are_sound(records):
        with_place = _sound_entry_from
    else:
        with_place = entry_from
    entries: dict[Hothash, FileEntry] = {}
    for hothash, record in records.items():
        try:
            entries[Hothash(hothash)] = with_place(hothash, record)
        except IndexDamagedError as error:
            place = f"files.{hothash}"
            raise IndexDamagedError(error.reason, place=f"{place}.{error.place}" if error.place else place) from error
    return entries


def are_sound(records: Mapping[str, FileRecord]) -> bool:
    """Tell whether hothash, checksum, path in UTF-8, times and UUID of every record are well spelt."""
    entries = records.values()
    return (
        are_hex64(records)
        and are_hex64([entry.sha256 for entry in entries])
        and are_paths([entry.relative_path for entry in entries if entry.relative_path_bytes is None])
        and are_instants([entry.file_modified for entry in entries])
        and are_instants([entry.imported_at for entry in entries])
        and are_canonical_uuids([entry.photo_uuid for entry in entries])
    )


def _sound_entry_from(hothash: str, record: FileRecord) -> FileEntry:
    try:
        return _sound_entry(hothash, record)
    except (ValueError, InvalidPathError) as error:
        place, reason = _explain(hothash, record)
        raise IndexDamagedError(reason or str(error), place=place) from error


def _entry_from(hothash: str, record: FileRecord) -> FileEntry:
    hothash_from(hothash)
    file_path_from(record.relative_path, record.relative_path_bytes)
    sha256_from(record.sha256)
    _instant(record.imported_at)
    return replace(_sound_entry(hothash, record), photo_uuid=PhotoUuid(parse_uuid(record.photo_uuid)))


def _sound_entry(hothash: str, record: FileRecord) -> FileEntry:
    """Read an entry whose hothash, checksum, path, UUID and time of import are known to be well spelt."""
    encoded = record.relative_path_bytes
    return FileEntry(
        hothash=Hothash(hothash),
        method=HothashMethod(record.hothash_method),
        relative_path=(
            RelativePath(record.relative_path) if encoded is None else file_path_from(record.relative_path, encoded)
        ),
        size_bytes=size_from(record.file_size),
        sha256=Sha256(record.sha256),
        modified_ns=parse_instant_ns(record.file_modified),
        imported_at=record.imported_at,
        original_filename=record.original_filename,
        original_path=record.original_path,
        photo_uuid=PhotoUuid(record.photo_uuid),
        facts=PictureFacts(
            file_format=record.file_format,
            width=record.width,
            height=record.height,
            orientation=record.orientation if 1 <= record.orientation <= 8 else 1,
            duration_seconds=record.duration_seconds,
            content_identifier=record.content_identifier,
            capture_time=_capture_time(record, offset=record.taken_at_offset),
            camera=camera_from(record.camera),
            gps=gps_from(record.gps),
            embedded=embedded_from(record.embedded),
        ),
        hotpreview_rendition=record.hotpreview_rendition if record.has_hotpreview else None,
        status=FileStatus.PRESENT if record.status == _PRESENT else FileStatus(record.status),
        last_seen_at=record.last_seen_at and _instant(record.last_seen_at),
        damage=damage_from(record.damaged),
        companions=tuple(map(companion_from, record.companions)) if record.companions else (),
        copies=tuple(map(copy_from, record.copies)) if record.copies else (),
        previous_hothashes=tuple(map(hothash_from, record.previous_hothashes)) if record.previous_hothashes else (),
    )


def _explain(hothash: str, record: FileRecord) -> tuple[str, str]:
    """Find which field of a record cannot be read: (place, reason)."""
    checks = (
        ("", lambda: hothash_from(hothash)),
        (
            path_place(record.relative_path_bytes),
            lambda: file_path_from(record.relative_path, record.relative_path_bytes),
        ),
        ("file_size", lambda: size_from(record.file_size)),
        ("sha256", lambda: sha256_from(record.sha256)),
        ("file_modified", lambda: parse_instant_ns(record.file_modified)),
        ("imported_at", lambda: _instant(record.imported_at)),
        ("photo_uuid", lambda: parse_uuid(record.photo_uuid)),
        ("taken_at_local" if record.taken_at_local else "taken_at", lambda: _capture_time(record, offset=None)),
        ("taken_at_offset", lambda: _capture_time(record, offset=record.taken_at_offset)),
        ("status", lambda: FileStatus(record.status)),
        ("last_seen_at", lambda: record.last_seen_at and _instant(record.last_seen_at)),
        ("damaged", lambda: damage_from(record.damaged)),
        ("previous_hothashes", lambda: [hothash_from(previous) for previous in record.previous_hothashes]),
        ("companions", lambda: [companion_from(companion) for companion in record.companions]),
        ("copies", lambda: [copy_from(copy) for copy in record.copies]),
    )
    for place, check in checks:
        try:
            check()
        except (ValueError, InvalidPathError) as error:
            return place, str(error)
    return "", ""


def _instant(text: str) -> str:
    parse_instant(text)
    return text


def _capture_time(record: FileRecord, *, offset: str | None) -> CaptureTime | None:
    if record.taken_at is None:
        return None
    return CaptureTime(
        local=record.taken_at_local or record.taken_at.removesuffix("Z"),
        offset=offset,
        source=record.taken_at_source or "exif",
    )
