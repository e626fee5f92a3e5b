"""Export: pictures leave the archive as copies, into a new folder where each is read back, or as one archive file."""

from __future__ import annotations

import hashlib
import io
import json
import time
import zipfile
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from imalink.catalog import locations, shown_pictures
from imalink.core.export_names import ExportNames
from imalink.core.ids import Hothash, Sha256
from imalink.core.index import FileStatus
from imalink.core.progress import Progress, SilentProgress
from imalink.core.relative_path import RelativePath
from imalink.core.search_query import MAX_LIMIT, SearchQuery
from imalink.core.timestamps import format_instant
from imalink.errors import ImalinkError, NotFoundError, OutOfSpaceError, UsageError
from imalink.storage.outgoing import outgoing_folder
from imalink.storage.root import StorageRoot
from imalink.workflows.back_up import refuse_inside_storage, require_folder
from imalink.workflows.find_file import get_pictures
from imalink.workflows.open_picture import OpenPicture, open_found
from imalink.workflows.search_photos import search_photos
from imalink.workflows.tools import Tools

MAX_ARCHIVE_FILES = 50_000
"""An archive file has its table of contents in memory until its end."""
REPORT_NAME = "imalink-export.json"
SUMS_NAME = "SHA256SUMS"
_BATCH = 200
_CHUNK_BYTES = 1024 * 1024
_ZIP64_FROM = 2**31 - 2**20
_SPARE_SHARE = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest:
    """What is to be exported: the photos that fit ``query``, or the pictures of these hothashes.

    With ``is_primary_only`` only the first file of each photo that is found: not its RAW, not its other versions.
    """

    query: SearchQuery | None = None
    hothashes: tuple[str, ...] = ()
    is_primary_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportItem:
    """A picture to be exported, under which name, and how large its file is by the index."""

    hothash: Hothash
    name: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportPlan:
    """What will be exported, in order."""

    items: tuple[ExportItem, ...]

    @property
    def size_bytes(self) -> int:
        """How much that is."""
        return sum(item.size_bytes for item in self.items)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedFile:
    """A file as it was written; ``differs`` from what the index knows: it was edited since, or is damaged."""

    hothash: Hothash
    name: str
    sha256: Sha256
    size_bytes: int
    differs: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingFile:
    """A picture that could not be exported: ``missing`` from its place, or on a storage that is ``offline``."""

    hothash: Hothash
    name: str
    status: str


@dataclass(slots=True, kw_only=True)
class ExportReport:
    """What was exported, and what was not. ``folder`` is None for an archive file."""

    folder: Path | None = None
    files: list[ExportedFile] = field(default_factory=list[ExportedFile])
    missing: list[MissingFile] = field(default_factory=list[MissingFile])

    @property
    def size_bytes(self) -> int:
        """How much was exported."""
        return sum(file.size_bytes for file in self.files)


def plan_export(tools: Tools, request: ExportRequest) -> ExportPlan:
    """Find what is to be exported, and name it. No disk is touched.

    Raises UsageError where nothing, or both a query and hothashes, are given; NotFoundError, AmbiguousError.
    """
    if (request.query is None) == (not request.hothashes):
        raise UsageError("Say what to export: a query, or hothashes. Nothing was written.")
    if request.query is None:
        wanted = list(dict.fromkeys(picture.hothash for picture in get_pictures(tools, request.hothashes)))
    else:
        wanted = _found(tools, request.query, is_primary_only=request.is_primary_only)
    names = ExportNames((REPORT_NAME, SUMS_NAME))
    items: list[ExportItem] = []
    for first in range(0, len(wanted), _BATCH):
        batch = wanted[first : first + _BATCH]
        with tools.catalog.read() as db:
            pictures = locations.find_by_hothash(db, batch)
        for hothash in batch:
            picture = pictures.get(hothash)
            if picture is None:
                continue  # deleted just now
            best = next(iter(picture.locations), None)
            filename = picture.original_filename if best is None else best.relative_path.name
            size = 0 if best is None else best.size_bytes
            items.append(ExportItem(hothash=hothash, name=names.give(filename), size_bytes=size))
    return ExportPlan(items=tuple(items))


def export_to_folder(tools: Tools, plan: ExportPlan, target: Path, *, progress: Progress | None = None) -> ExportReport:
    """Copy pictures into a new folder ``imalink-export-<UTC>`` in ``target``; each is flushed and read back.

    The folder has its name only when all of it is there, with its report and checksums. Raises NotFoundError for a
    ``target`` that is not there, UsageError for one inside a storage, OutOfSpaceError, StorageError, CancelledError.
    """
    progress = progress or SilentProgress()
    require_folder(target)
    refuse_inside_storage(target)
    _require_room(target, plan)
    name = f"imalink-export-{tools.clock.now():%Y%m%dT%H%M%SZ}"
    report = ExportReport(folder=target.absolute() / name)
    progress.start_phase("export", total_files=len(plan.items), total_bytes=plan.size_bytes)
    with outgoing_folder(target, name, token=tools.new_uuid(), calls=tools.calls) as folder:
        for item, opened in _open_all(tools, plan.items, report):
            with opened.held:
                progress.checkpoint()
                written = folder.write(
                    RelativePath.parse(item.name),
                    _checked(opened.chunks(), progress),
                    modified_ns=opened.modified_ns,
                )
            report.files.append(_exported(item, opened, written.sha256, written.size_bytes))
            progress.advance(files=1, size_bytes=written.size_bytes, current=item.name)
        sums = folder.manifest()
        folder.write(RelativePath(REPORT_NAME), [_spelt(tools, report)])
        folder.write(RelativePath(SUMS_NAME), [sums])
    return report


def iter_archive(tools: Tools, plan: ExportPlan) -> Generator[bytes]:
    """Give an archive file (ZIP, nothing compressed: pictures are already) piece by piece, as it is made.

    Pictures that cannot be opened are told in the report inside, its last entry but one. Raises UsageError for more
    than ``MAX_ARCHIVE_FILES``, StorageError where a file that was begun cannot be read to its end.
    """
    if len(plan.items) > MAX_ARCHIVE_FILES:
        raise UsageError(
            f"An archive file takes {MAX_ARCHIVE_FILES:,} pictures at most, and these are {len(plan.items):,}.",
            hint="Export to a folder, or in parts.",
        )
    return _archive(tools, plan)


def _archive(tools: Tools, plan: ExportPlan) -> Generator[bytes]:
    outlet, report = _Outlet(), ExportReport()
    with zipfile.ZipFile(outlet, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for item, opened in _open_all(tools, plan.items, report):
            with opened.held:
                digest, size = hashlib.sha256(), 0
                info = _entry(item.name, opened.modified_ns)
                with archive.open(info, "w", force_zip64=opened.size_bytes >= _ZIP64_FROM) as entry:
                    for chunk in opened.chunks():
                        digest.update(chunk)
                        size += len(chunk)
                        entry.write(chunk)
                        yield outlet.take()
                report.files.append(_exported(item, opened, Sha256(digest.hexdigest()), size))
        sums = "".join(f"{file.sha256}  {file.name}\n" for file in report.files)
        now_ns = time.time_ns()
        archive.writestr(_entry(REPORT_NAME, now_ns), _spelt(tools, report))
        archive.writestr(_entry(SUMS_NAME, now_ns), sums.encode())
    yield outlet.take()


def _open_all(
    tools: Tools, items: Sequence[ExportItem], report: ExportReport
) -> Iterator[tuple[ExportItem, OpenPicture]]:
    """Give each item with its open file, which the caller closes; what cannot be opened is noted as missing."""
    for first in range(0, len(items), _BATCH):
        batch = items[first : first + _BATCH]
        with tools.catalog.read() as db:
            pictures = locations.find_by_hothash(db, [item.hothash for item in batch])
        for item in batch:
            picture = pictures.get(item.hothash)
            try:
                if picture is None:
                    raise NotFoundError("deleted")
                opened = open_found(tools, picture)
            except ImalinkError:
                is_known = picture is not None and any(
                    place.status is FileStatus.PRESENT and not place.is_accessible for place in picture.locations
                )
                status = "offline" if is_known else "missing"
                report.missing.append(MissingFile(hothash=item.hothash, name=item.name, status=status))
                continue
            yield item, opened


def _found(tools: Tools, query: SearchQuery, *, is_primary_only: bool) -> list[Hothash]:
    wanted: dict[Hothash, None] = {}
    after: str | None = None
    while True:
        page = search_photos(tools, replace(query, after=after, limit=MAX_LIMIT))
        if is_primary_only:
            wanted.update(dict.fromkeys(photo.hothash for photo in page.photos))
        else:
            with tools.catalog.read() as db:
                wanted.update(dict.fromkeys(shown_pictures.list_pictures_of(db, [photo.id for photo in page.photos])))
        after = page.next
        if after is None:
            return list(wanted)


def _require_room(target: Path, plan: ExportPlan) -> None:
    with StorageRoot.open(target) as root:
        free = root.calls.space(root.descriptor).free_bytes
    needed = int(plan.size_bytes * (1 + _SPARE_SHARE))
    if free < needed:
        raise OutOfSpaceError(
            f"{target} has {free:,} bytes free; the export needs {needed:,}. Nothing was written.",
            hint="Name a folder on another disk.",
        )


def _checked(chunks: Iterator[bytes], progress: Progress) -> Iterator[bytes]:
    for chunk in chunks:
        progress.checkpoint()
        yield chunk


def _exported(item: ExportItem, opened: OpenPicture, sha256: Sha256, size_bytes: int) -> ExportedFile:
    return ExportedFile(
        hothash=item.hothash, name=item.name, sha256=sha256, size_bytes=size_bytes, differs=sha256 != opened.sha256
    )


def spell_files(report: ExportReport) -> dict[str, object]:
    """Spell which files an export holds and which it could not have, as its own note and the answers say it."""
    return {
        "files": [
            {
                "name": file.name,
                "hothash": file.hothash,
                "sha256": file.sha256,
                "size_bytes": file.size_bytes,
                "differs": file.differs,
            }
            for file in report.files
        ],
        "missing": [{"name": file.name, "hothash": file.hothash, "status": file.status} for file in report.missing],
    }


def _spelt(tools: Tools, report: ExportReport) -> bytes:
    document = {
        "format": "imalink-export",
        "format_version": 1,
        "exported_at": format_instant(tools.clock.now()),
        **spell_files(report),
    }
    return json.dumps(document, indent=1, ensure_ascii=False).encode() + b"\n"


def _entry(name: str, modified_ns: int) -> zipfile.ZipInfo:
    moment = time.localtime(max(modified_ns // 10**9, 315_619_200))[:6]  # the format begins in 1980
    info = zipfile.ZipInfo(name, date_time=(min(moment[0], 2107), *moment[1:]))
    info.external_attr = 0o644 << 16
    return info


class _Outlet(io.RawIOBase):
    """What an archive is written into: gives away what came since the last time, and cannot be gone back in."""

    def __init__(self) -> None:
        super().__init__()
        self._came: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # pyright: ignore[reportArgumentType]  # any buffer
        self._came.append(piece)
        return len(piece)

    def take(self) -> bytes:
        came, self._came = b"".join(self._came), []
        return came
