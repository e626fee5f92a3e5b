"""Journal files: ``.imalink/metadata/journal/<writer>/<n>.jsonl``, appended by one installation only.

Format page: docs/format/commits-and-journals.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from imalink.core.ids import WriterId
from imalink.core.journal import JournalLine, Observation
from imalink.core.operation import OperationLine, OperationPart
from imalink.errors import IndexDamagedError, InvalidPathError
from imalink.formats.documents import decode_struct
from imalink.formats.json_lines import MAX_LINE_BYTES, frame_line, line_digest, parse_lines
from imalink.formats.observation_records import ITEM_KINDS, ObservationItem
from imalink.formats.observation_spelling import observation_from, observation_item
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
from imalink.formats.records import Integer, Record
from imalink.formats.sessions import counter_from

TARGET_LINE_BYTES = MAX_LINE_BYTES // 2
"""So long a line with several observations becomes; a longer one has but one."""

_NULL = msgspec.Raw(b"null")


class LineRecord(Record, kw_only=True):
    """One journal line."""

    v: Integer
    seq: Integer
    prev: str
    lamport: Integer
    at: str
    items: list[ObservationItem]
    operation: OperationRecord | None = None
    inverse: list[RestorationItem] | None = None


_decoder = msgspec.json.Decoder(LineRecord)


class _OperationLine(msgspec.Struct):
    """Of a line only what it is part of; the rest of it is not even looked at."""

    seq: Integer
    lamport: Integer
    at: str
    operation: msgspec.Raw = _NULL
    inverse: msgspec.Raw = _NULL


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
        length = spelled_bytes(observation)
        if batch and size + length > TARGET_LINE_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(observation)
        size += length
    if batch:
        yield batch


def spelled_bytes(observation: Observation) -> int:
    """Give how much of a line an observation takes."""
    return len(msgspec.json.encode(observation_item(observation)))


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
        items=[observation_item(each) for each in observations],
        operation=None if part is None else operation_record(part.operation),
        inverse=None if inverse is None else [restoration_item(each) for each in inverse],
    )
    line = frame_line(record)
    try:
        # As its readers will: a line that cannot be read makes all that follows it void.
        again = _decode_line(line[9:-1], "")
        for item in again.items:
            observation_from(item)
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
            observations = tuple(observation_from(item) for item in record.items)
            part = _part(record)
            seq, lamport = counter_from(record.seq), counter_from(record.lamport)
        except IndexDamagedError as error:
            where = f"{place}.{error.place}" if error.place else place
            raise IndexDamagedError(error.reason, file=file, place=where) from error
        except (InvalidPathError, ValueError, RecursionError) as error:
            raise IndexDamagedError(str(error), file=file, place=place) from error
        lines.append(
            JournalLine(
                writer=writer,
                seq=seq,
                lamport=lamport,
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
        except (IndexDamagedError, ValueError, RecursionError):
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
        items: list[ObservationItem] = []
        for item in raw.items:
            op = msgspec.json.decode(item, type=_Op).op
            if op in ITEM_KINDS:
                items.append(decode_struct(item, ITEM_KINDS[op], "items", {}, file))
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
