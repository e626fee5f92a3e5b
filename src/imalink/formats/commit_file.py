"""Run files: ``intent.jsonl`` while an import runs, ``commits/<run_uuid>.jsonl`` for ever after.

Lines are ``begin``, then one ``plan`` or ``replace`` per file, perhaps ``drop``, ``claims`` and ``finding`` lines, and
``end`` with the count and digest of all lines before it. Format page: docs/format/commits-and-journals.md.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

import msgspec

from imalink.core.finding import Finding
from imalink.core.ids import RunUuid, SessionUuid, StorageUuid, WriterId, parse_uuid
from imalink.core.journal import Commit, FileSwap, RunBegin, RunEnd, RunPlan, RunReplacement
from imalink.errors import IndexDamagedError
from imalink.formats.documents import decode_struct
from imalink.formats.file_records import FileRecord, entry_from, file_record
from imalink.formats.json_lines import frame_line, parse_lines
from imalink.formats.records import Integer, Record, file_path_from, path_fields, path_from, sha256_from
from imalink.formats.run_requests import (
    OriginRecord,
    RequestRecord,
    origin_from,
    origin_record,
    request_from,
    request_record,
)
from imalink.formats.sessions import (
    CountsRecord,
    FindingRecord,
    SessionRecord,
    counter_from,
    counts_from,
    counts_record,
    finding_from,
    finding_record,
    session_from,
    session_record,
)


class BeginLine(Record, kw_only=True, tag_field="op", tag="begin"):
    """Whose run it is, the session it belongs to, and what it was asked for."""

    v: Integer
    run_uuid: str
    storage_uuid: str
    writer: str
    started_at: str
    lamport: Integer = 0
    session: SessionRecord
    request: RequestRecord | None = None
    resumes: str | None = None


class PlanLine(Record, kw_only=True, tag_field="op", tag="plan"):
    """One file with its full entry."""

    staged: str
    hothash: str
    entry: FileRecord
    staged_companions: list[str] = []
    origin: OriginRecord | None = None


class SwapRecord(Record, kw_only=True):
    """One file that takes another's place, which is kept elsewhere."""

    staged: str
    path: str
    path_bytes: str | None = None
    kept: str
    kept_bytes: str | None = None
    sha256: str
    old_sha256: str | None = None


class ReplaceLine(Record, kw_only=True, tag_field="op", tag="replace"):
    """A picture of a session that gets new bytes in its place, with its entry afterwards."""

    hothash: str
    session_uuid: str
    entry: FileRecord
    swaps: list[SwapRecord]
    origin: OriginRecord | None = None


class DropLine(Record, kw_only=True, tag_field="op", tag="drop"):
    """A plan that a recovery gave up: neither the placed nor the staged file is there with the right bytes."""

    staged: str


class ClaimsLine(Record, kw_only=True, tag_field="op", tag="claims"):
    """From here on names are claimed with empty files before the pictures are moved over them (exFAT, SMB)."""


class FindingLine(Record, kw_only=True, tag_field="op", tag="finding"):
    """One finding of the run."""

    finding: FindingRecord


class EndLine(Record, kw_only=True, tag_field="op", tag="end"):
    """The commit: how many lines stand above, and their digest."""

    count: Integer
    digest: str
    finished_at: str
    session: SessionRecord
    statistics: CountsRecord
    interrupted: bool = False


INTENT_NAME = "intent.jsonl"
"""The name of a run's file while it is not committed, in the folder of its staged files."""

RunLine = BeginLine | PlanLine | ReplaceLine | DropLine | ClaimsLine | FindingLine | EndLine
_decoder = msgspec.json.Decoder(RunLine)
_KINDS: dict[
    str,
    type[BeginLine]
    | type[PlanLine]
    | type[ReplaceLine]
    | type[DropLine]
    | type[ClaimsLine]
    | type[FindingLine]
    | type[EndLine],
] = {
    "begin": BeginLine,
    "plan": PlanLine,
    "replace": ReplaceLine,
    "drop": DropLine,
    "claims": ClaimsLine,
    "finding": FindingLine,
    "end": EndLine,
}


class _Op(msgspec.Struct):
    op: str


_STAGED_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,99}")


class RunWriter:
    """Makes the lines of one run in order and keeps the digest that the last one carries."""

    def __init__(self) -> None:
        self.count = 0
        self._digest = hashlib.sha256()

    def begin(self, begin: RunBegin) -> bytes:
        """Give the first line."""
        session = session_record(begin.session, storage_uuid=begin.storage_uuid, storage_directory="")
        return self._line(
            BeginLine(
                v=1,
                run_uuid=begin.run_uuid,
                storage_uuid=begin.storage_uuid,
                writer=begin.writer,
                started_at=begin.started_at,
                lamport=begin.lamport,
                session=session,
                request=None if begin.request is None else request_record(begin.request),
                resumes=begin.resumes,
            )
        )

    def plan(self, plan: RunPlan) -> bytes:
        """Give the line of one planned file."""
        return self._line(
            PlanLine(
                staged=plan.staged_name,
                hothash=plan.entry.hothash,
                entry=file_record(plan.entry, filename=plan.entry.relative_path.printable()),
                staged_companions=list(plan.staged_companions),
                origin=None if plan.origin is None else origin_record(plan.origin),
            )
        )

    def replace(self, replacement: RunReplacement) -> bytes:
        """Give the line of a file that gets new bytes in its place."""
        entry = replacement.entry
        return self._line(
            ReplaceLine(
                hothash=entry.hothash,
                session_uuid=replacement.session_uuid,
                entry=file_record(entry, filename=entry.relative_path.printable()),
                swaps=[_swap_record(swap) for swap in replacement.swaps],
                origin=None if replacement.origin is None else origin_record(replacement.origin),
            )
        )

    def drop(self, staged_name: str) -> bytes:
        """Give the line that takes a plan back."""
        return self._line(DropLine(staged=staged_name))

    def claims(self) -> bytes:
        """Give the line that says that names will be claimed."""
        return self._line(ClaimsLine())

    def finding(self, finding: Finding) -> bytes:
        """Give the line of one finding."""
        return self._line(FindingLine(finding=finding_record(finding)))

    def end(self, end: RunEnd) -> bytes:
        """Give the last line."""
        return frame_line(
            EndLine(
                count=self.count,
                digest=self._digest.hexdigest(),
                finished_at=end.finished_at,
                session=session_record(end.session, storage_uuid="", storage_directory=""),
                statistics=counts_record(end.statistics),
                interrupted=end.is_interrupted,
            )
        )

    def resume(self, lines: tuple[bytes, ...]) -> None:
        """Go on after lines that stand in the file already."""
        for payload in lines:
            self._count_line(frame_line(msgspec.Raw(payload)))

    def _line(self, value: RunLine) -> bytes:
        line = frame_line(value)
        check_line(line)
        self._count_line(line)
        return line

    def _count_line(self, line: bytes) -> None:
        self._digest.update(line)
        self.count += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContent:
    """What stands in a run file; ``begin`` is None when not even the first line is whole, ``end`` without a commit.

    A plan that stands twice for one staged file counts with its last line. ``has_claims`` says that an empty file at a
    planned name may be the run's own claim to it. ``payloads`` are the good lines.
    """

    begin: RunBegin | None
    plans: tuple[RunPlan, ...]
    findings: tuple[Finding, ...]
    end: RunEnd | None
    payloads: tuple[bytes, ...]
    good_bytes: int
    has_claims: bool = False
    replacements: tuple[RunReplacement, ...] = ()


def parse_run(data: bytes, *, file: str) -> RunContent:
    """Read a run file as far as it is good. Raises IndexDamagedError for a whole line with impossible content."""
    lines = parse_lines(data)
    begin: RunBegin | None = None
    plans: dict[str, RunPlan] = {}
    replacements: dict[str, RunReplacement] = {}
    has_claims = False
    findings: list[Finding] = []
    end: RunEnd | None = None
    digest = hashlib.sha256()
    for number, payload in enumerate(lines.lines):
        end = None  # only the last line ends a run
        try:
            line = _decode_line(payload, file)
            match line:
                case BeginLine():
                    begin = _begin_from(line)
                case PlanLine():
                    plan = _plan_from(line)
                    plans.pop(line.staged, None)
                    plans[line.staged] = plan
                case ReplaceLine():
                    replacement = _replacement_from(line)
                    replacements[replacement.swaps[0].staged_name] = replacement
                case DropLine():
                    plans.pop(line.staged, None)
                    replacements.pop(line.staged, None)
                case ClaimsLine():
                    has_claims = True
                case FindingLine():
                    finding = finding_from(line.finding)
                    if finding is not None:
                        findings.append(finding)
                case EndLine():
                    if line.count == number and line.digest == digest.hexdigest():
                        end = _end_from(line)
        except IndexDamagedError as error:
            place = f"line {number + 1}" + (f".{error.place}" if error.place else "")
            raise IndexDamagedError(error.reason, file=file, place=place) from error
        except (ValueError, RecursionError) as error:
            raise IndexDamagedError(str(error), file=file, place=f"line {number + 1}") from error
        digest.update(frame_line(msgspec.Raw(payload)))
    return RunContent(
        begin=begin,
        plans=tuple(plans.values()),
        has_claims=has_claims,
        findings=tuple(findings),
        end=end,
        payloads=lines.lines,
        good_bytes=lines.good_bytes,
        replacements=tuple(replacements.values()),
    )


def parse_commit(data: bytes, *, file: str) -> Commit:
    """Read a committed run. Raises IndexDamagedError when it is not whole."""
    content = parse_run(data, file=file)
    if content.begin is None or content.end is None:
        raise IndexDamagedError("the commit is not whole", file=file, place=f"line {len(content.payloads) + 1}")
    return Commit(
        begin=content.begin,
        plans=content.plans,
        findings=content.findings,
        end=content.end,
        replacements=content.replacements,
    )


def parse_run_ends(data: bytes, *, file: str) -> tuple[RunBegin, RunEnd]:
    """Read the first and the last line of a committed run. Raises IndexDamagedError when they are not there."""
    lines = parse_lines(data).lines
    try:
        begin, end = _decode_line(lines[0], file), _decode_line(lines[-1], file)
        if isinstance(begin, BeginLine) and isinstance(end, EndLine):
            return _begin_from(begin), _end_from(end)
    except (IndexError, ValueError, RecursionError) as error:
        raise IndexDamagedError(str(error), file=file) from error
    raise IndexDamagedError("the commit is not whole", file=file)


def parse_run_begin(head: bytes, *, file: str) -> RunBegin:
    """Read the first line of a run, of which ``head`` is the beginning. Raises IndexDamagedError."""
    lines = parse_lines(head).lines
    try:
        line = _decode_line(lines[0], file)
        if isinstance(line, BeginLine):
            return _begin_from(line)
    except (IndexError, ValueError, RecursionError) as error:
        raise IndexDamagedError(str(error), file=file, place="line 1") from error
    raise IndexDamagedError("the run does not say whose it is", file=file, place="line 1")


def check_line(line: bytes) -> None:
    """Read a line that is about to be written as its readers will. Raises ValueError.

    A line that cannot be read makes all that follows it void, so it must never get to the disk.
    """
    try:
        value = _decode_line(line[9:-1], "")
        if isinstance(value, PlanLine):
            _plan_from(value)
        elif isinstance(value, ReplaceLine):
            _replacement_from(value)
    except IndexDamagedError as error:
        raise ValueError(f"a line that nobody could read again: {error}") from error


def _decode_line(payload: bytes, file: str) -> RunLine:
    """Decode strictly; a line with keys of a newer version key by key."""
    try:
        return _decoder.decode(payload)
    except msgspec.ValidationError:
        op = msgspec.json.decode(payload, type=_Op).op
        if op not in _KINDS:
            raise
        return decode_struct(payload, _KINDS[op], "", {}, file)


def _plan_from(line: PlanLine) -> RunPlan:
    return RunPlan(
        staged_name=_staged_name(line.staged),
        entry=entry_from(line.hothash, line.entry),
        staged_companions=tuple(map(_staged_name, line.staged_companions)),
        origin=None if line.origin is None else origin_from(line.origin),
    )


def _staged_name(text: str) -> str:
    """Read the name of a staged file, which is joined to the run's folder: one part, and never the intent file's."""
    if _STAGED_NAME.fullmatch(text) is None or text == INTENT_NAME:
        raise ValueError(f"not the name of a staged file: {text!r}")
    return text


def _swap_record(swap: FileSwap) -> SwapRecord:
    path, path_bytes = path_fields(swap.path)
    kept, kept_bytes = path_fields(swap.kept)
    return SwapRecord(
        staged=swap.staged_name,
        path=path,
        path_bytes=path_bytes,
        kept=kept,
        kept_bytes=kept_bytes,
        sha256=swap.sha256,
        old_sha256=swap.old_sha256,
    )


def _replacement_from(line: ReplaceLine) -> RunReplacement:
    if not line.swaps:
        raise ValueError("a replacement without any file")
    return RunReplacement(
        session_uuid=SessionUuid(parse_uuid(line.session_uuid)),
        entry=entry_from(line.hothash, line.entry),
        swaps=tuple(
            FileSwap(
                staged_name=_staged_name(swap.staged),
                path=file_path_from(swap.path, swap.path_bytes),
                kept=path_from(swap.kept, swap.kept_bytes),
                sha256=sha256_from(swap.sha256),
                old_sha256=None if swap.old_sha256 is None else sha256_from(swap.old_sha256),
            )
            for swap in line.swaps
        ),
        origin=None if line.origin is None else origin_from(line.origin),
    )


def _end_from(line: EndLine) -> RunEnd:
    return RunEnd(
        finished_at=line.finished_at,
        session=session_from(line.session),
        statistics=counts_from(line.statistics),
        is_interrupted=line.interrupted,
    )


def _begin_from(line: BeginLine) -> RunBegin:
    return RunBegin(
        run_uuid=RunUuid(parse_uuid(line.run_uuid)),
        storage_uuid=StorageUuid(parse_uuid(line.storage_uuid)),
        session=session_from(line.session),
        writer=WriterId(line.writer),
        started_at=line.started_at,
        lamport=counter_from(line.lamport),
        request=None if line.request is None else request_from(line.request),
        resumes=None if line.resumes is None else RunUuid(parse_uuid(line.resumes)),
    )
