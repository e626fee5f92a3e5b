"""Journals of a storage: what installations saw and did there since its imports, one folder of segments a writer.

A segment is named by the sequence number of its first line (``1.jsonl``) and holds at most 8 MB. Only its writer
appends to a journal; anyone reads all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from imalink.core.finding import Finding
from imalink.core.ids import WriterId
from imalink.core.index import JournalPosition
from imalink.core.journal import JournalLine, Observation
from imalink.core.operation import OperationLine, OperationPart
from imalink.core.relative_path import RelativePath
from imalink.errors import IndexDamagedError, IndexTooLargeError, NotFoundError
from imalink.formats.journal_file import (
    batch_observations,
    dump_journal_line,
    parse_journal,
    parse_operations,
)
from imalink.formats.json_lines import FRAME_BYTES, line_digest, parse_lines
from imalink.storage.backups import Backups
from imalink.storage.fs import StorageFiles

JOURNAL_FOLDER = RelativePath(".imalink/metadata/journal")
MAX_SEGMENT_BYTES = 8 * 1024 * 1024
_READ_CAP_BYTES = 4 * MAX_SEGMENT_BYTES
_LINE = re.compile(r"line ([0-9]+)")
_SEGMENT_NAME = re.compile(r"(0|[1-9][0-9]{0,17})\.jsonl")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Segment:
    path: RelativePath
    first_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    """The last number given and its line's digest, and the segment to go on in (None: a new one)."""

    seq: int
    digest: str
    segment: RelativePath | None
    valid_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnwrittenLine:
    """What one line is to say, and which operation it is part of."""

    observations: Sequence[Observation]
    part: OperationPart | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLines:
    """Lines in the order in which they are folded: (lamport, writer, seq); and what could not be read."""

    lines: tuple[JournalLine, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalDamage:
    """Where a segment cannot be read: from line ``first_seq`` of its writer on, after so many good bytes.

    ``line_count`` are the whole lines that are void; 0: only the last one was cut off while it was written, before
    anybody was told that it was done.
    """

    writer: WriterId
    path: RelativePath
    first_seq: int
    line_count: int
    good_bytes: int

    def count_contained(self, last_known: Mapping[WriterId, int]) -> int:
        """Count those of its lines that indexes contain which go so far in each journal."""
        return max(0, min(last_known.get(self.writer, 0) - self.first_seq + 1, self.line_count))


class Journals:
    """Reads every journal of one storage and appends to one's own."""

    def __init__(self, files: StorageFiles) -> None:
        self._files = files

    def read_after(self, positions: Mapping[WriterId, JournalPosition]) -> JournalLines:
        """Read every line that stands after ``positions``; a damaged rest of a segment becomes a finding."""
        lines: list[JournalLine] = []
        findings: list[Finding] = []
        for writer in self._writers():
            position = positions.get(writer)
            after = position.seq if position is not None else 0
            segments = self._segments(writer)
            for number, segment in enumerate(segments):
                if number + 1 < len(segments) and segments[number + 1].first_seq <= after + 1:
                    continue
                found, is_whole = self._read(segment, writer, findings, after=after)
                lines.extend(line for line in found if line.seq > after)
                if not is_whole and number + 1 < len(segments):
                    findings.append(Finding(code="journal-damaged", path=segment.path))
        lines.sort(key=lambda line: (line.lamport, line.writer, line.seq))
        return JournalLines(lines=tuple(lines), findings=tuple(findings))

    def check(self) -> list[Finding]:
        """Read every segment, one at a time, only to tell which cannot be read; none longer than we make them."""
        findings: list[Finding] = []
        for writer in self._writers():
            for segment in self._segments(writer):
                try:
                    data = self._files.read_bytes(segment.path, 2 * MAX_SEGMENT_BYTES)
                    _, is_whole = parse_journal(data, writer=writer, file=segment.path)
                except IndexTooLargeError as error:
                    facts = {"why": error.reason}
                    findings.append(Finding(code="index-too-large", path=segment.path.printable(), facts=facts))
                except IndexDamagedError as error:
                    findings.append(
                        Finding(code="journal-damaged", path=segment.path.printable(), facts={"place": error.place})
                    )
                else:
                    if not is_whole:
                        findings.append(Finding(code="journal-damaged", path=segment.path.printable()))
        return findings

    def find_damage(self) -> list[JournalDamage]:
        """Tell of every segment that cannot be read to its end, from where on. Raises StorageError."""
        found: list[JournalDamage] = []
        for writer in self._writers():
            for segment in self._segments(writer):
                data = self._read_bytes(segment)
                framed = parse_lines(data)
                good_count, good_bytes = len(framed.lines), framed.good_bytes
                try:
                    parse_journal(data, writer=writer, file=segment.path)
                except IndexDamagedError as error:
                    place = _LINE.match(error.place)
                    good_count = 0 if place is None else int(place[1]) - 1
                    good_bytes = sum(len(line) + FRAME_BYTES for line in framed.lines[:good_count])
                if good_bytes < len(data):
                    found.append(
                        JournalDamage(
                            writer=writer,
                            path=segment.path,
                            first_seq=segment.first_seq + good_count,
                            line_count=data.count(b"\n", good_bytes),
                            good_bytes=good_bytes,
                        )
                    )
        return found

    def set_aside(self, damage: JournalDamage, backups: Backups, *, at: str, after_seq: int) -> RelativePath:
        """Leave of a segment of one's own only what can be read, having kept all of it; give where.

        A line without content closes the gap, behind every number that was ever given, ``after_seq`` among them: so no
        number is given twice. The caller is the journal's writer and holds the lock. Raises StorageError.
        """
        data = self._files.read_bytes(damage.path, _READ_CAP_BYTES)
        kept = backups.keep_damaged(damage.path)
        self._files.sync_directory(kept.parent)
        self._files.replace(damage.path, data[: damage.good_bytes])
        last = max(after_seq, damage.first_seq + damage.line_count - 1, self._last_number(damage.writer))
        self.append_lines(damage.writer, [UnwrittenLine(observations=())], at=at, after_seq=last)
        return kept

    def _last_number(self, writer: WriterId) -> int:
        return max((segment.first_seq - 1 for segment in self._segments(writer)), default=0)

    def append(self, writer: WriterId, observations: Iterable[Observation], *, at: str, after_seq: int = 0) -> int:
        """Write observations down that are part of no operation: as ``append_lines`` does."""
        batches = batch_observations(observations)
        return self.append_lines(
            writer, (UnwrittenLine(observations=batch) for batch in batches), at=at, after_seq=after_seq
        )

    def append_lines(self, writer: WriterId, lines: Iterable[UnwrittenLine], *, at: str, after_seq: int = 0) -> int:
        """Write lines down, durable when this returns; give how many there were.

        ``after_seq`` is the highest of one's own numbers that any index knows: when the journal was lost, it goes on
        behind that in a new segment, for a number that was folded once is never folded again.
        Raises StorageError; after that the caller does not know whether they are durable, and folding will tell.
        """
        waiting = iter(lines)
        line = next(waiting, None)
        if line is None:
            return 0
        count, lamport = 0, self.last_lamport()
        end = self._own_end(writer)
        if end.seq < after_seq:
            end = _End(seq=after_seq, digest="", segment=None, valid_bytes=0)
        seq, prev = end.seq, end.digest
        self._files.make_directories(RelativePath(f"{JOURNAL_FOLDER}/{writer}"))
        segment, size_bytes = end.segment, end.valid_bytes
        while line is not None:
            if segment is None or size_bytes > MAX_SEGMENT_BYTES:
                segment, size_bytes = _segment_path(writer, seq + 1), 0
            with self._files.open_appending(segment, valid_bytes=size_bytes) as journal:
                while line is not None and size_bytes <= MAX_SEGMENT_BYTES:
                    count, seq = count + 1, seq + 1
                    data, prev = dump_journal_line(
                        line.observations, seq=seq, prev=prev, lamport=lamport + count, at=at, part=line.part
                    )
                    journal.append(data)
                    size_bytes += len(data)
                    line = next(waiting, None)
                journal.sync()
        return count

    def list_operations(self) -> list[OperationLine]:
        """List the lines of all operations, in the order of folding; what cannot be read is left out."""
        found: list[OperationLine] = []
        for writer in self._writers():
            for segment in self._segments(writer):
                found.extend(parse_operations(self._read_bytes(segment), writer=writer))
        return sorted(found, key=lambda line: (line.lamport, line.writer, line.seq))

    def iter_operation_lines(self, wanted: str = "") -> Iterator[JournalLine]:
        """Give the whole lines of operations, segment by segment; those that name ``wanted`` suffice the caller."""
        for writer in self._writers():
            for segment in self._segments(writer):
                if wanted.encode() in self._read_bytes(segment):
                    yield from (line for line in self._read(segment, writer, [])[0] if line.part is not None)

    def count_segments(self) -> int:
        """Count the segments of all writers."""
        return sum(len(self._segments(writer)) for writer in self._writers())

    def exists(self, writer: WriterId) -> bool:
        """Tell whether one's own journal has anything."""
        return bool(self._segments(writer))

    def _writers(self) -> list[WriterId]:
        try:
            names = self._files.list_names(JOURNAL_FOLDER)
        except NotFoundError:
            return []
        # A link here is nobody's journal: it is not followed, and what else there is can be read all the same.
        return [WriterId(name) for name in names if self._is_folder(name)]

    def _is_folder(self, name: str) -> bool:
        facts = self._files.find_facts(JOURNAL_FOLDER.below(name))
        return facts is not None and facts.is_directory

    def _segments(self, writer: WriterId) -> list[_Segment]:
        try:
            names = self._files.list_names(RelativePath(f"{JOURNAL_FOLDER}/{writer}"))
        except NotFoundError:
            return []
        numbers = sorted(int(found[1]) for name in names if (found := _SEGMENT_NAME.fullmatch(name)) is not None)
        return [_Segment(path=_segment_path(writer, number), first_seq=number) for number in numbers]

    def _read(
        self, segment: _Segment, writer: WriterId, findings: list[Finding], *, after: int = 0
    ) -> tuple[list[JournalLine], bool]:
        """Read a segment; its lines count from its own number on, so those up to ``after`` need not be looked into."""
        try:
            data = self._read_bytes(segment)
            skips = max(0, after + 1 - segment.first_seq)
            return parse_journal(data, writer=writer, file=segment.path, skips=skips)
        except IndexDamagedError as error:
            findings.append(Finding(code="journal-damaged", path=segment.path, facts={"place": error.place}))
            return [], True

    def _read_bytes(self, segment: _Segment) -> bytes:
        return self._files.read_bytes(segment.path, _READ_CAP_BYTES)

    def _own_end(self, writer: WriterId) -> _End:
        """Say where one's own journal goes on.

        After a torn last line, which nobody was told of, in the same segment. After damage further up in a new one:
        what stands behind it may have been folded, so its bytes stay and its numbers are not given again.
        """
        segments = self._segments(writer)
        if not segments:
            return _End(seq=0, digest="", segment=None, valid_bytes=0)
        last = segments[-1]
        data = self._read_bytes(last)
        framed = parse_lines(data)
        rest = data[framed.good_bytes :]
        seq = last.first_seq + len(framed.lines) - 1
        digest = line_digest(framed.lines[-1]) if framed.lines else ""
        if b"\n" in rest or not self._is_readable(last, writer):
            return _End(seq=seq + rest.count(b"\n") + 1, digest="", segment=None, valid_bytes=0)
        return _End(seq=seq, digest=digest, segment=last.path, valid_bytes=framed.good_bytes)

    def _is_readable(self, segment: _Segment, writer: WriterId) -> bool:
        findings: list[Finding] = []
        self._read(segment, writer, findings)
        return not findings

    def last_lamport(self) -> int:
        """Give the highest Lamport counter of any line of any writer; 0 without lines."""
        last = 0
        for writer in self._writers():
            for segment in self._segments(writer)[-1:]:
                for line in self._read(segment, writer, [])[0]:
                    last = max(last, line.lamport)
        return last


def _segment_path(writer: WriterId, first_seq: int) -> RelativePath:
    return RelativePath(f"{JOURNAL_FOLDER}/{writer}/{first_seq}.jsonl")
