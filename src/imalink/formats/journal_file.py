"""Journal files: ``.imalink/metadata/journal/<writer>/<n>.jsonl``, appended by one installation only.

Format page: docs/format/commits-and-journals.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from imalink.core.ids import HothashMethod, PhotoUuid, SessionUuid, WriterId, parse_uuid
from imalink.core.index import FileEntry
from imalink.core.journal import (
    CompanionsChanged,
    FileCopied,
    FileDeleted,
    FileEdited,
    FileMissing,
    FileMoved,
    FileRehashed,
    FileSeen,
    JournalLine,
    Observation,
    PhotoEdited,
    PhotoJoined,
    PhotoSplit,
    SessionEdited,
)
from imalink.core.operation import OperationLine, OperationPart, OrphansRestored, SessionRestored
from imalink.core.timestamps import format_instant_ns, parse_instant_ns
from imalink.errors import IndexDamagedError, InvalidPathError
from imalink.formats.documents import decode_struct
from imalink.formats.json_lines import MAX_LINE_BYTES, frame_line, line_digest, parse_lines
from imalink.formats.operation_records import (
    OperationRecord,
    OrphansRestoredItem,
    RestorationItem,
    RestoredItem,
    operation_from,
    operation_record,
    restoration_from,
    restoration_item,
)
from imalink.formats.records import (
    CompanionRecord,
    FileRecord,
    Integer,
    Record,
    companion_from,
    companion_record,
    entry_from,
    file_record,
    hothash_from,
    path_fields,
    path_from,
    safe_text,
    sha256_from,
    size_from,
)
from imalink.formats.sessions import UserFactsRecord, user_facts_from, user_facts_record

TARGET_LINE_BYTES = MAX_LINE_BYTES // 2
"""So long a line with several observations becomes; a longer one has but one."""


_NULL = msgspec.Raw(b"null")


class MovedItem(Record, kw_only=True, tag_field="op", tag="moved"):
    """A file found at another path."""

    hothash: str
    session_uuid: str | None = None
    old_path: str
    old_path_bytes: str | None = None
    new_path: str
    new_path_bytes: str | None = None
    file_modified: str
    verified: str


class SeenItem(Record, kw_only=True, tag_field="op", tag="seen"):
    """A file that stands at its path with these bytes."""

    hothash: str
    session_uuid: str | None = None
    path: str
    path_bytes: str | None = None
    file_size: Integer
    sha256: str
    file_modified: str
    entry: FileRecord | None = None


class MissingItem(Record, kw_only=True, tag_field="op", tag="missing"):
    """A file that is not at its path any more."""

    hothash: str
    session_uuid: str | None = None
    path: str
    path_bytes: str | None = None
    last_seen_at: str


class CopiedItem(Record, kw_only=True, tag_field="op", tag="copied"):
    """A further file with a known hothash."""

    hothash: str
    path: str
    path_bytes: str | None = None
    session_uuid: str
    file_size: Integer
    sha256: str
    file_modified: str
    imported_at: str


class EditedItem(Record, kw_only=True, tag_field="op", tag="edited"):
    """A picture that was itself changed."""

    old_hothash: str
    hothash: str
    path: str
    path_bytes: str | None = None
    entry: FileRecord


class CompanionsItem(Record, kw_only=True, tag_field="op", tag="companions"):
    """The companions of an image file, all of them."""

    hothash: str
    path: str
    path_bytes: str | None = None
    companions: list[CompanionRecord]


class SessionItem(Record, kw_only=True, tag_field="op", tag="session-edited"):
    """Another title or description of a session."""

    session_uuid: str
    session_id: Integer
    title: str | None = None
    description: str | None = None


class PhotoItem(Record, kw_only=True, tag_field="op", tag="photo-edited"):
    """What the user said of a photo; each field stands for itself, with its clock."""

    photo_uuid: str
    hothashes: list[str]
    said: UserFactsRecord


class JoinedItem(Record, kw_only=True, tag_field="op", tag="photo-joined"):
    """Files that the user made one photo."""

    photo_uuid: str
    hothashes: list[str]
    joined: list[str]


class SplitItem(Record, kw_only=True, tag_field="op", tag="photo-split"):
    """A file that the user made a photo of its own."""

    hothash: str
    photo_uuid: str


class RehashedItem(Record, kw_only=True, tag_field="op", tag="rehashed"):
    """A picture that has another hothash by a newer method."""

    old_hothash: str
    session_uuid: str | None = None
    hothash: str
    hothash_method: str


class DeletedItem(Record, kw_only=True, tag_field="op", tag="deleted"):
    """A file that is to be known no more."""

    hothash: str
    session_uuid: str | None = None
    path: str
    path_bytes: str | None = None
    deleted_at: str
    by: str
    mode: str
    reason: str = ""


Item = (
    MovedItem
    | SeenItem
    | MissingItem
    | CopiedItem
    | EditedItem
    | CompanionsItem
    | SessionItem
    | PhotoItem
    | JoinedItem
    | SplitItem
    | DeletedItem
    | RehashedItem
    | RestorationItem
)


class LineRecord(Record, kw_only=True):
    """One journal line."""

    v: Integer
    seq: Integer
    prev: str
    lamport: Integer
    at: str
    items: list[Item]
    operation: OperationRecord | None = None
    inverse: list[RestorationItem] | None = None


class _OperationLine(msgspec.Struct):
    """Of a line only what it is part of; the rest of it is not even looked at."""

    seq: Integer
    lamport: Integer
    at: str
    operation: msgspec.Raw = _NULL
    inverse: msgspec.Raw = _NULL


_decoder = msgspec.json.Decoder(LineRecord)
_KINDS: dict[
    str,
    type[MovedItem]
    | type[SeenItem]
    | type[MissingItem]
    | type[CopiedItem]
    | type[EditedItem]
    | type[CompanionsItem]
    | type[SessionItem]
    | type[PhotoItem]
    | type[JoinedItem]
    | type[SplitItem]
    | type[DeletedItem]
    | type[RehashedItem]
    | type[RestoredItem]
    | type[OrphansRestoredItem],
] = {
    "moved": MovedItem,
    "seen": SeenItem,
    "missing": MissingItem,
    "copied": CopiedItem,
    "edited": EditedItem,
    "companions": CompanionsItem,
    "session-edited": SessionItem,
    "photo-edited": PhotoItem,
    "photo-joined": JoinedItem,
    "photo-split": SplitItem,
    "deleted": DeletedItem,
    "rehashed": RehashedItem,
    "restored": RestoredItem,
    "orphans-restored": OrphansRestoredItem,
}


class _RawLine(msgspec.Struct):
    v: Integer
    seq: Integer
    prev: str
    lamport: Integer
    at: str
    items: list[msgspec.Raw]
    operation: msgspec.Raw = _NULL
    inverse: list[msgspec.Raw] | None = None


class _Op(msgspec.Struct):
    op: str


def batch_observations(observations: Iterable[Observation]) -> Iterator[list[Observation]]:
    """Cut observations into batches whose lines stay below 64 kB."""
    batch: list[Observation] = []
    size = 0
    for observation in observations:
        length = len(msgspec.json.encode(_item(observation)))
        if batch and size + length > TARGET_LINE_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(observation)
        size += length
    if batch:
        yield batch


def spelled_bytes(observation: Observation) -> int:
    """Give how much of a line an observation takes."""
    return len(msgspec.json.encode(_item(observation)))


def dump_journal_line(
    observations: Sequence[Observation],
    *,
    seq: int,
    prev: str,
    lamport: int,
    at: str,
    part: OperationPart | None = None,
) -> tuple[bytes, str]:
    """Write one line; give it with its digest. Raises ValueError above 64 kB, or if it could not be read again."""
    inverse = part.inverse if part is not None else None
    record = LineRecord(
        v=1,
        seq=seq,
        prev=prev,
        lamport=lamport,
        at=at,
        items=[_item(each) for each in observations],
        operation=None if part is None else operation_record(part.operation),
        inverse=None if inverse is None else [restoration_item(each) for each in inverse],
    )
    line = frame_line(record)
    try:
        # As its readers will: a line that cannot be read makes all that follows it void.
        again = _decode_line(line[9:-1], "")
        for item in again.items:
            _observation(item)
        _part(again)
    except IndexDamagedError as error:
        raise ValueError(f"a line that nobody could read again: {error}") from error
    return line, line_digest(line[9:-1])


def parse_journal(data: bytes, *, writer: WriterId, file: str, skips: int = 0) -> tuple[list[JournalLine], bool]:
    """Read a journal segment as far as it is good; give its lines and whether it is whole.

    Its first ``skips`` lines are known to the caller and left out without a look at what they say. Raises
    IndexDamagedError for a whole line with impossible content.
    """
    framed = parse_lines(data)
    lines: list[JournalLine] = []
    for number, payload in enumerate(framed.lines[skips:], skips):
        place = f"line {number + 1}"
        try:
            record = _decode_line(payload, file)
            observations = tuple(_observation(item) for item in record.items)
            part = _part(record)
        except IndexDamagedError as error:
            where = f"{place}.{error.place}" if error.place else place
            raise IndexDamagedError(error.reason, file=file, place=where) from error
        except (InvalidPathError, ValueError, RecursionError) as error:
            raise IndexDamagedError(str(error), file=file, place=place) from error
        lines.append(
            JournalLine(
                writer=writer,
                seq=record.seq,
                lamport=record.lamport,
                at=record.at,
                prev=record.prev,
                digest=line_digest(payload),
                observations=observations,
                part=part,
            )
        )
    return lines, framed.is_whole


def parse_operations(data: bytes, *, writer: WriterId) -> list[OperationLine]:
    """Read of a journal segment only which lines are part of which operation, as far as it is good."""
    found: list[OperationLine] = []
    for payload in parse_lines(data).lines:
        if b'"operation"' not in payload:
            continue
        try:
            line = msgspec.json.decode(payload, type=_OperationLine)
            record = _decode_operation(line.operation, "")
            if record is None:
                continue
            found.append(
                OperationLine(
                    writer=writer,
                    seq=line.seq,
                    lamport=line.lamport,
                    at=line.at,
                    operation=operation_from(record),
                    has_inverse=bytes(line.inverse) != b"null",
                )
            )
        except (msgspec.ValidationError, IndexDamagedError, ValueError):
            continue  # damaged: `parse_journal` says so
    return found


def _part(record: LineRecord) -> OperationPart | None:
    if record.operation is None:
        return None
    inverse = record.inverse
    return OperationPart(
        operation=operation_from(record.operation),
        inverse=None if inverse is None else tuple(restoration_from(item) for item in inverse),
    )


def _decode_line(payload: bytes, file: str) -> LineRecord:
    """Decode strictly; a line with keys of a newer version key by key, without the operations we do not know."""
    try:
        return _decoder.decode(payload)
    except msgspec.ValidationError:
        raw = msgspec.json.decode(payload, type=_RawLine)
        items: list[Item] = []
        for item in raw.items:
            op = msgspec.json.decode(item, type=_Op).op
            if op in _KINDS:
                items.append(decode_struct(item, _KINDS[op], "items", {}, file))
        return LineRecord(
            v=raw.v,
            seq=raw.seq,
            prev=raw.prev,
            lamport=raw.lamport,
            at=raw.at,
            items=items,
            operation=_decode_operation(raw.operation, file),
            inverse=_decode_inverse(raw.inverse, file),
        )


def _decode_operation(raw: msgspec.Raw, file: str) -> OperationRecord | None:
    return None if bytes(raw) == b"null" else decode_struct(raw, OperationRecord, "operation", {}, file)


def _decode_inverse(items: list[msgspec.Raw] | None, file: str) -> list[RestorationItem] | None:
    """Decode key by key what takes a line back; None when part of it is of a newer version."""
    found: list[RestorationItem] = []
    for item in items or ():
        match msgspec.json.decode(item, type=_Op).op:
            case "restored":
                found.append(decode_struct(item, RestoredItem, "inverse", {}, file))
            case "orphans-restored":
                found.append(decode_struct(item, OrphansRestoredItem, "inverse", {}, file))
            case _:
                return None
    return None if items is None else found


def _entry_record(entry: FileEntry) -> FileRecord:
    return file_record(entry, filename=entry.relative_path.printable())


def _item(observation: Observation) -> Item:
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
        case SessionRestored() | OrphansRestored():
            return restoration_item(observation)


def _observation(item: Item) -> Observation:
    match item:
        case MovedItem():
            return FileMoved(
                hothash=hothash_from(item.hothash),
                session_uuid=_session_from(item.session_uuid),
                old_path=path_from(item.old_path, item.old_path_bytes),
                new_path=path_from(item.new_path, item.new_path_bytes),
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
        case CopiedItem():
            return FileCopied(
                hothash=hothash_from(item.hothash),
                path=path_from(item.path, item.path_bytes),
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
        case RestoredItem() | OrphansRestoredItem():
            return restoration_from(item)


def _session_from(text: str | None) -> SessionUuid | None:
    return None if text is None else SessionUuid(parse_uuid(text))
