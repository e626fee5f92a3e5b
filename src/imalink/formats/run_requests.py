"""What a run was asked for, and where its files came from, as the lines of a run file spell it.

Format page: docs/format/commits-and-journals.md.
"""

from __future__ import annotations

import base64

from imalink.core.duplicate import DuplicatePolicy, Fate
from imalink.core.relative_path import RelativePath
from imalink.core.run_request import OriginFile, PlanOrigin, RunKind, RunRequest
from imalink.core.timestamps import format_instant_ns, parse_instant_ns
from imalink.errors import InvalidPathError
from imalink.formats.records import Integer, Record, path_fields, path_from, safe_text
from imalink.formats.sessions import FindingRecord, finding_from, finding_record


class RequestRecord(Record, kw_only=True):
    """What a run was asked for."""

    kind: str
    source: str
    source_bytes: str | None = None
    volume: str | None = None
    below: str | None = None
    below_bytes: str | None = None
    organize: str = ""
    duplicates: str = "skip"
    exclude: list[str] = []
    include_deleted: bool = False
    author: str | None = None
    picture_count: Integer = 0
    total_size_bytes: Integer = 0


class OriginFileRecord(Record, kw_only=True):
    """A source file as it was when it was read."""

    path: str
    path_bytes: str | None = None
    file_size: Integer
    file_modified: str


class OriginRecord(Record, kw_only=True):
    """Where a planned picture and its companions came from."""

    files: list[OriginFileRecord]
    fate: str = "new"
    opens_photo: bool = False
    findings: list[FindingRecord] = []


def request_record(request: RunRequest) -> RequestRecord:
    """Spell what a run was asked for."""
    source, source_bytes = path_fields(RelativePath(request.source))
    below, below_bytes = (None, None) if request.below is None else path_fields(request.below)
    return RequestRecord(
        kind=request.kind.value,
        source=source,
        source_bytes=source_bytes,
        volume=request.volume,
        below=below,
        below_bytes=below_bytes,
        organize=request.organization,
        duplicates=request.duplicates.value,
        exclude=[safe_text(pattern) for pattern in request.exclude],
        include_deleted=request.includes_deleted,
        author=request.author,
        picture_count=request.picture_count,
        total_size_bytes=request.size_bytes,
    )


def request_from(record: RequestRecord) -> RunRequest | None:
    """Read what a run was asked for; None for what only a newer version knows. Raises ValueError."""
    kinds, policies = {each.value for each in RunKind}, {each.value for each in DuplicatePolicy}
    if record.kind not in kinds or record.duplicates not in policies:
        return None
    source = record.source
    if record.source_bytes is not None:
        source = base64.b64decode(record.source_bytes, validate=True).decode("utf-8", "surrogateescape")
    return RunRequest(
        kind=RunKind(record.kind),
        source=source,
        volume=record.volume,
        below=None if record.below is None else _path_from(record.below, record.below_bytes),
        organization=record.organize,
        duplicates=DuplicatePolicy(record.duplicates),
        exclude=tuple(record.exclude),
        includes_deleted=record.include_deleted,
        author=record.author,
        picture_count=record.picture_count,
        size_bytes=record.total_size_bytes,
    )


def origin_record(origin: PlanOrigin) -> OriginRecord:
    """Spell where a planned picture came from."""
    files: list[OriginFileRecord] = []
    for file in origin.files:
        path, path_bytes = path_fields(file.relative_path)
        files.append(
            OriginFileRecord(
                path=path,
                path_bytes=path_bytes,
                file_size=file.size_bytes,
                file_modified=format_instant_ns(file.modified_ns),
            )
        )
    return OriginRecord(
        files=files,
        fate=origin.fate.value,
        opens_photo=origin.opens_photo,
        findings=[finding_record(finding) for finding in origin.findings],
    )


def origin_from(record: OriginRecord) -> PlanOrigin:
    """Read where a planned picture came from. Raises ValueError."""
    findings = (finding_from(each) for each in record.findings)
    return PlanOrigin(
        files=tuple(_origin_file_from(file) for file in record.files),
        fate=Fate(record.fate) if record.fate in {each.value for each in Fate} else Fate.NEW,
        opens_photo=record.opens_photo,
        findings=tuple(finding for finding in findings if finding is not None),
    )


def _origin_file_from(record: OriginFileRecord) -> OriginFile:
    return OriginFile(
        relative_path=_path_from(record.path, record.path_bytes),
        size_bytes=record.file_size,
        modified_ns=parse_instant_ns(record.file_modified),
    )


def _path_from(text: str, encoded: str | None) -> RelativePath:
    try:
        return path_from(text, encoded)
    except InvalidPathError as error:
        raise ValueError(error.message) from error
