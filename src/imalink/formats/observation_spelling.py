"""Observations of the journal, spelled as their records and read from them again.

Format page: docs/format/commits-and-journals.md.
"""

from __future__ import annotations

from imalink.core.ids import HothashMethod, OperationUuid, PhotoUuid, SessionUuid, WriterId, parse_uuid
from imalink.core.index import FileEntry
from imalink.core.journal import (
    CompanionsChanged,
    FileCopied,
    FileDamaged,
    FileDeleted,
    FileEdited,
    FileMissing,
    FileMoved,
    FileRehashed,
    FileSeen,
    FileTrashed,
    FileUntrashed,
    FileWhole,
    Observation,
    PhotoEdited,
    PhotoJoined,
    PhotoSplit,
    SessionEdited,
    StorageVerified,
    TrashEmptied,
)
from imalink.core.library import LibraryEdited
from imalink.core.operation import OrphansRestored, SessionRestored
from imalink.core.photo import FieldClock
from imalink.core.timestamps import format_instant_ns, parse_instant, parse_instant_ns
from imalink.formats.file_records import (
    DamageRecord,
    FileRecord,
    companion_from,
    companion_record,
    damage_from,
    entry_from,
    file_record,
)
from imalink.formats.library_file import library_values
from imalink.formats.observation_records import (
    CompanionsItem,
    CopiedItem,
    DamagedItem,
    DeletedItem,
    EditedItem,
    EmptiedItem,
    JoinedItem,
    LibraryItem,
    MissingItem,
    MovedItem,
    ObservationItem,
    PhotoItem,
    RehashedItem,
    SeenItem,
    SessionItem,
    SplitItem,
    TrashedItem,
    UntrashedItem,
    VerifiedItem,
    WholeItem,
)
from imalink.formats.operation_records import (
    OrphansRestoredItem,
    PathRecord,
    RestoredItem,
    restoration_from,
    restoration_item,
    shift_from,
    shift_record,
)
from imalink.formats.photo_records import user_facts_from, user_facts_record
from imalink.formats.records import (
    file_path_from,
    hothash_from,
    path_fields,
    path_from,
    safe_text,
    sha256_from,
    size_from,
)


def observation_item(observation: Observation) -> ObservationItem:
    """Spell an observation as the item of a journal line."""
    match observation:
        case FileMoved():
            old, old_bytes = path_fields(observation.old_path)
            new, new_bytes = path_fields(observation.new_path)
            return MovedItem(
                hothash=observation.hothash,
                session_uuid=observation.session_uuid,
                old_path=old,
                old_path_bytes=old_bytes,
                new_path=new,
                new_path_bytes=new_bytes,
                file_modified=format_instant_ns(observation.modified_ns),
                verified=observation.verified,
            )
        case FileSeen():
            text, encoded = path_fields(observation.path)
            return SeenItem(
                hothash=observation.hothash,
                session_uuid=observation.session_uuid,
                path=text,
                path_bytes=encoded,
                file_size=observation.size_bytes,
                sha256=observation.sha256,
                file_modified=format_instant_ns(observation.modified_ns),
                entry=None if observation.entry is None else _entry_record(observation.entry),
            )
        case FileMissing():
            text, encoded = path_fields(observation.path)
            return MissingItem(
                hothash=observation.hothash,
                session_uuid=observation.session_uuid,
                path=text,
                path_bytes=encoded,
                last_seen_at=observation.last_seen_at,
            )
        case FileDamaged():
            text, encoded = path_fields(observation.path)
            return DamagedItem(
                hothash=observation.hothash,
                session_uuid=observation.session_uuid,
                path=text,
                path_bytes=encoded,
                sha256=observation.sha256,
                damaged=DamageRecord(found_at=observation.damage.found_at, verdict=observation.damage.verdict.value),
            )
        case FileWhole():
            text, encoded = path_fields(observation.path)
            return WholeItem(
                hothash=observation.hothash,
                session_uuid=observation.session_uuid,
                path=text,
                path_bytes=encoded,
                sha256=observation.sha256,
            )
        case StorageVerified():
            return VerifiedItem(
                at=observation.at,
                depth=observation.depth,
                checked=observation.checked,
                ok=observation.ok,
                size_bytes=observation.size_bytes,
                session_uuid=observation.session_uuid,
            )
        case FileCopied():
            text, encoded = path_fields(observation.path)
            return CopiedItem(
                hothash=observation.hothash,
                path=text,
                path_bytes=encoded,
                session_uuid=observation.session_uuid,
                file_size=observation.size_bytes,
                sha256=observation.sha256,
                file_modified=format_instant_ns(observation.modified_ns),
                imported_at=observation.imported_at,
            )
        case FileEdited():
            text, encoded = path_fields(observation.path)
            return EditedItem(
                old_hothash=observation.old_hothash,
                hothash=observation.entry.hothash,
                path=text,
                path_bytes=encoded,
                entry=_entry_record(observation.entry),
            )
        case CompanionsChanged():
            text, encoded = path_fields(observation.path)
            return CompanionsItem(
                hothash=observation.hothash,
                path=text,
                path_bytes=encoded,
                companions=[companion_record(companion) for companion in observation.companions],
            )
        case SessionEdited():
            return SessionItem(
                session_uuid=observation.session_uuid,
                session_id=observation.session_number,
                title=observation.title and safe_text(observation.title),
                description=observation.description and safe_text(observation.description),
            )
        case PhotoEdited():
            return PhotoItem(
                photo_uuid=observation.photo_uuid,
                hothashes=list(observation.hothashes),
                said=user_facts_record(observation.said),
            )
        case LibraryEdited():
            return LibraryItem(
                kind=safe_text(observation.kind),
                key=safe_text(observation.key),
                values=library_values(observation.values),
                clock=(observation.clock.counter, observation.clock.writer),
            )
        case PhotoJoined():
            return JoinedItem(
                photo_uuid=observation.photo_uuid,
                hothashes=list(observation.hothashes),
                joined=list(observation.joined),
            )
        case PhotoSplit():
            return SplitItem(hothash=observation.hothash, photo_uuid=observation.photo_uuid)
        case FileRehashed():
            return RehashedItem(
                old_hothash=observation.old_hothash,
                session_uuid=observation.session_uuid,
                hothash=observation.hothash,
                hothash_method=observation.method,
            )
        case FileDeleted():
            text, encoded = path_fields(observation.path)
            return DeletedItem(
                hothash=observation.hothash,
                session_uuid=observation.session_uuid,
                path=text,
                path_bytes=encoded,
                deleted_at=observation.deleted_at,
                by=safe_text(observation.by),
                mode=observation.mode,
                reason=safe_text(observation.reason),
            )
        case FileTrashed():
            return TrashedItem(
                hothash=observation.hothash,
                session_uuid=observation.session_uuid,
                session_id=observation.session_number,
                operation_uuid=observation.operation_uuid,
                deleted_at=observation.deleted_at,
                by=safe_text(observation.by),
                mode=observation.mode,
                reason=safe_text(observation.reason),
                shifts=[shift_record(shift) for shift in observation.shifts],
                are_shifted=observation.are_shifted,
            )
        case FileUntrashed():
            return UntrashedItem(
                hothash=observation.hothash,
                session_uuid=observation.session_uuid,
                session_id=observation.session_number,
                shifts=[shift_record(shift) for shift in observation.shifts],
                are_shifted=observation.are_shifted,
            )
        case TrashEmptied():
            kept = [path_fields(path) for path in observation.kept]
            return EmptiedItem(
                hothash=observation.hothash,
                session_uuid=observation.session_uuid,
                session_id=observation.session_number,
                kept=[PathRecord(path=path, path_bytes=encoded) for path, encoded in kept],
                mode=observation.mode,
            )
        case SessionRestored() | OrphansRestored():
            return restoration_item(observation)


def observation_from(item: ObservationItem) -> Observation:
    """Read the observation that an item of a journal line is.

    Raises IndexDamagedError, InvalidPathError or ValueError where it says something impossible.
    """
    match item:
        case MovedItem():
            return FileMoved(
                hothash=hothash_from(item.hothash),
                session_uuid=_session_from(item.session_uuid),
                old_path=path_from(item.old_path, item.old_path_bytes),
                new_path=file_path_from(item.new_path, item.new_path_bytes),
                modified_ns=parse_instant_ns(item.file_modified),
                verified=item.verified,
            )
        case SeenItem():
            return FileSeen(
                hothash=hothash_from(item.hothash),
                session_uuid=_session_from(item.session_uuid),
                path=path_from(item.path, item.path_bytes),
                size_bytes=size_from(item.file_size),
                sha256=sha256_from(item.sha256),
                modified_ns=parse_instant_ns(item.file_modified),
                entry=None if item.entry is None else entry_from(item.hothash, item.entry),
            )
        case MissingItem():
            return FileMissing(
                hothash=hothash_from(item.hothash),
                session_uuid=_session_from(item.session_uuid),
                path=path_from(item.path, item.path_bytes),
                last_seen_at=item.last_seen_at,
            )
        case DamagedItem():
            damage = damage_from(item.damaged)
            assert damage is not None
            return FileDamaged(
                hothash=hothash_from(item.hothash),
                session_uuid=_session_from(item.session_uuid),
                path=path_from(item.path, item.path_bytes),
                sha256=sha256_from(item.sha256),
                damage=damage,
            )
        case WholeItem():
            return FileWhole(
                hothash=hothash_from(item.hothash),
                session_uuid=_session_from(item.session_uuid),
                path=path_from(item.path, item.path_bytes),
                sha256=sha256_from(item.sha256),
            )
        case VerifiedItem():
            parse_instant(item.at)
            return StorageVerified(
                at=item.at,
                depth=item.depth,
                checked=item.checked,
                ok=item.ok,
                size_bytes=size_from(item.size_bytes),
                session_uuid=_session_from(item.session_uuid),
            )
        case CopiedItem():
            return FileCopied(
                hothash=hothash_from(item.hothash),
                path=file_path_from(item.path, item.path_bytes),
                session_uuid=SessionUuid(parse_uuid(item.session_uuid)),
                size_bytes=size_from(item.file_size),
                sha256=sha256_from(item.sha256),
                modified_ns=parse_instant_ns(item.file_modified),
                imported_at=item.imported_at,
            )
        case EditedItem():
            return FileEdited(
                old_hothash=hothash_from(item.old_hothash),
                path=path_from(item.path, item.path_bytes),
                entry=entry_from(item.hothash, item.entry),
            )
        case CompanionsItem():
            return CompanionsChanged(
                hothash=hothash_from(item.hothash),
                path=path_from(item.path, item.path_bytes),
                companions=tuple(companion_from(companion) for companion in item.companions),
            )
        case SessionItem():
            return SessionEdited(
                session_uuid=SessionUuid(parse_uuid(item.session_uuid)),
                session_number=item.session_id,
                title=item.title,
                description=item.description,
            )
        case PhotoItem():
            return PhotoEdited(
                photo_uuid=PhotoUuid(parse_uuid(item.photo_uuid)),
                hothashes=tuple(map(hothash_from, item.hothashes)),
                said=user_facts_from(item.said),
            )
        case LibraryItem():
            counter, writer = item.clock
            return LibraryEdited(
                kind=item.kind,
                key=item.key,
                values=dict(item.values),
                clock=FieldClock(counter=counter, writer=WriterId(writer)),
            )
        case JoinedItem():
            return PhotoJoined(
                photo_uuid=PhotoUuid(parse_uuid(item.photo_uuid)),
                hothashes=tuple(map(hothash_from, item.hothashes)),
                joined=tuple(PhotoUuid(parse_uuid(each)) for each in item.joined),
            )
        case SplitItem():
            return PhotoSplit(hothash=hothash_from(item.hothash), photo_uuid=PhotoUuid(parse_uuid(item.photo_uuid)))
        case RehashedItem():
            return FileRehashed(
                old_hothash=hothash_from(item.old_hothash),
                session_uuid=_session_from(item.session_uuid),
                hothash=hothash_from(item.hothash),
                method=HothashMethod(item.hothash_method),
            )
        case DeletedItem():
            return FileDeleted(
                hothash=hothash_from(item.hothash),
                session_uuid=_session_from(item.session_uuid),
                path=path_from(item.path, item.path_bytes),
                deleted_at=item.deleted_at,
                by=item.by,
                mode=item.mode,
                reason=item.reason,
            )
        case TrashedItem():
            return FileTrashed(
                hothash=hothash_from(item.hothash),
                session_uuid=SessionUuid(parse_uuid(item.session_uuid)),
                session_number=item.session_id,
                operation_uuid=OperationUuid(parse_uuid(item.operation_uuid)),
                deleted_at=item.deleted_at,
                by=item.by,
                mode=item.mode,
                reason=item.reason,
                shifts=tuple(map(shift_from, item.shifts)),
                are_shifted=item.are_shifted,
            )
        case UntrashedItem():
            return FileUntrashed(
                hothash=hothash_from(item.hothash),
                session_uuid=SessionUuid(parse_uuid(item.session_uuid)),
                session_number=item.session_id,
                shifts=tuple(map(shift_from, item.shifts)),
                are_shifted=item.are_shifted,
            )
        case EmptiedItem():
            return TrashEmptied(
                hothash=hothash_from(item.hothash),
                session_uuid=SessionUuid(parse_uuid(item.session_uuid)),
                session_number=item.session_id,
                kept=tuple(path_from(each.path, each.path_bytes) for each in item.kept),
                mode=item.mode,
            )
        case RestoredItem() | OrphansRestoredItem():
            return restoration_from(item)


def _entry_record(entry: FileEntry) -> FileRecord:
    return file_record(entry, filename=entry.relative_path.printable())


def _session_from(text: str | None) -> SessionUuid | None:
    return None if text is None else SessionUuid(parse_uuid(text))
