"""Import without copying: a folder's pictures become a session where they stand, and nothing is written into it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from imalink.catalog import file_storages
from imalink.catalog.file_storages import StorageRecord
from imalink.core.finding import Finding
from imalink.core.ids import StorageUuid
from imalink.core.index import MasterIndex
from imalink.core.progress import Progress, SilentProgress
from imalink.core.relative_path import RelativePath
from imalink.core.run_request import RunKind, RunRequest
from imalink.core.scan import ScannedFile
from imalink.core.session import ImportStatistics, SessionStatus, check_description, check_title
from imalink.media.kinds import is_picture_name
from imalink.storage.file_storage import FileStorage
from imalink.storage.ignore_rules import load_ignore_rules
from imalink.storage.reading import FolderReader
from imalink.storage.root import StorageRoot
from imalink.storage.scanner import scan_source
from imalink.workflows.create_storage import remember_storage
from imalink.workflows.import_report import ImportReport, ImportRequest, PlannedFile
from imalink.workflows.import_source import open_source
from imalink.workflows.index_in_place import QUIET_CODES, index_in_place
from imalink.workflows.mend_indexes import mend_indexes, peek_master
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest
from imalink.workflows.run_session import get_open_session
from imalink.workflows.source_pictures import list_pictures
from imalink.workflows.storage_access import open_storage
from imalink.workflows.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferReport:
    """The reference storage of the folder, None after a dry run for an unknown folder; and what came in."""

    record: StorageRecord | None
    is_new: bool
    report: ImportReport


def refer_to_folder(tools: Tools, request: ImportRequest, *, progress: Progress | None = None) -> ReferReport:
    """Take the pictures of a folder in as one session, new or ``request.session``, where they stand, in a reference
    storage.

    The storage is made, or it is that of a known folder which is, or lies around, this one: then it is re-indexed first
    and what is new below the folder comes in. Patterns of ``exclude`` hold for that storage from then on. The folder is
    only read. A dry run reads no picture, so films that go with one are counted as pictures. An interruption leaves
    what was read so far to be finished when the storage is next worked on. Raises UsageError, NotFoundError,
    SourceError, MassMissingError, StorageError, CancelledError.
    """
    started = time.monotonic()
    progress = progress or SilentProgress()
    if request.session is None:
        request = replace(request, title=check_title(request.title), description=check_description(request.description))
    else:
        request = replace(request, title=get_open_session(tools, request.session).session.title)
    with open_source(request.source, tools) as source:
        noted = tools.registry.places()
        known = tools.references.find_around(source.path, noted)
        if known is not None:
            with known:
                return _take_in_new(tools, known, source, request, progress, started)
        tools.references.check(source, noted)
        if request.dry_run:
            files, findings = _walk(source, request, progress)
            return ReferReport(
                record=None,
                is_new=True,
                report=rehearse_in_place(tools, FolderReader(source), files, findings, started),
            )
        storage = tools.references.make(
            source.path,
            storage_uuid=StorageUuid(tools.new_uuid()),
            display_name=_free_name(tools, source.path.name),
            known=noted,
        )
    with storage:
        record = remember_storage(tools, storage)
        return _take_in(tools, record, storage, source.path, request, progress, is_new=True)


def _take_in_new(
    tools: Tools, known: FileStorage, source: StorageRoot, request: ImportRequest, progress: Progress, started: float
) -> ReferReport:
    """Settle first what was moved, edited or removed in a known folder, then take in what is new."""
    if request.dry_run:
        files, findings = _walk(source, request, progress)
        below = _inside(known, source.path)
        new = unindexed(peek_master(known), {_joined(below, path): file for path, file in files.items()})
        files = {path: file for path, file in files.items() if _joined(below, path) in new}
        with tools.catalog.read() as db:
            record = file_storages.find_storage(db, known.storage_uuid)
        report = rehearse_in_place(tools, FolderReader(source), files, findings, started)
        return ReferReport(record=record, is_new=False, report=report)
    record = remember_storage(tools, known)
    known.leave_out(request.exclude)
    reindex(tools, record, ReindexRequest(), progress=progress)
    with open_storage(tools, record) as storage:
        return _take_in(tools, record, storage, source.path, request, progress, is_new=False)


def _take_in(
    tools: Tools,
    record: StorageRecord,
    storage: FileStorage,
    folder: Path,
    request: ImportRequest,
    progress: Progress,
    *,
    is_new: bool,
) -> ReferReport:
    """Index what stands below the folder and in no session yet."""
    started = time.monotonic()
    with storage.lock("import"):
        storage.leave_out(request.exclude)
        master = mend_indexes(tools, record, storage).master
        progress.start_phase("scan")
        scanned = storage.scan(lambda _: progress.checkpoint())
        below = _inside(storage, folder)
        files = {path: file for path, file in scanned.files.items() if path.is_below(below)}
        files = unindexed(master, files)
        if not is_new and not any(file.size_bytes and is_picture_name(path.name) for path, file in files.items()):
            return ReferReport(record=record, is_new=False, report=_nothing_new(scanned.findings, started))
        report = index_in_place(
            tools,
            record,
            storage,
            master,
            files,
            findings=scanned.findings,
            title=request.title,
            description=request.description,
            author=request.author,
            progress=progress,
            into=None if request.session is None else get_open_session(tools, request.session),
            request=RunRequest(kind=RunKind.REFER, source=str(folder), below=below, author=request.author),
        )
    return ReferReport(record=record, is_new=is_new, report=report)


def _walk(
    source: StorageRoot, request: ImportRequest, progress: Progress
) -> tuple[Mapping[RelativePath, ScannedFile], tuple[Finding, ...]]:
    progress.start_phase("scan")
    ignore = load_ignore_rules(FolderReader(source), None).and_also(request.exclude)
    ignore.check()
    scanned = scan_source(source, ignore=ignore, checkpoint=lambda _: progress.checkpoint())
    return scanned.files, scanned.findings


def rehearse_in_place(
    tools: Tools,
    walked: FolderReader,
    files: Mapping[RelativePath, ScannedFile],
    findings: tuple[Finding, ...],
    started: float,
) -> ImportReport:
    """Say what would come in, by the names of the files."""
    listing = list_pictures(walked, files, analyser=tools.analyser)
    companions = [companion for picture in listing.pictures for companion in picture.companions]
    statistics = ImportStatistics(
        total_scanned=len(listing.pictures) + len(companions) + len(listing.ignored),
        new_imports=len(listing.pictures),
        companions=len(companions),
        ignored=len(listing.ignored),
        total_size_bytes=listing.total_bytes,
    )
    paths = sorted(picture.file.relative_path.printable() for picture in listing.pictures)
    return ImportReport(
        session_id=None,
        session_uuid=None,
        status=SessionStatus.CREATED,
        statistics=statistics,
        photos_created=0,
        findings=(*findings, *(finding for finding in listing.findings if finding.code not in QUIET_CODES)),
        files=tuple(PlannedFile(source=path, target=path) for path in paths),
        seconds=round(time.monotonic() - started, 3),
    )


def _nothing_new(findings: tuple[Finding, ...], started: float) -> ImportReport:
    return ImportReport(
        session_id=None,
        session_uuid=None,
        status=SessionStatus.COMPLETED,
        statistics=ImportStatistics(),
        photos_created=0,
        findings=findings,
        files=(),
        seconds=round(time.monotonic() - started, 3),
    )


def unindexed(master: MasterIndex, files: Mapping[RelativePath, ScannedFile]) -> Mapping[RelativePath, ScannedFile]:
    """Give of a storage's files those that belong to no session."""
    known: set[RelativePath] = set()
    for entry in master.files.values():
        known.update(place.relative_path for place in entry.places())
        known.update(companion.relative_path for companion in entry.companions)
    return {path: file for path, file in files.items() if path not in known}


def _inside(storage: FileStorage, folder: Path) -> RelativePath | None:
    """Give the folder's path in the storage; None for the storage's own folder."""
    below = folder.resolve().relative_to(storage.path.resolve()).as_posix()
    return None if below == "." else RelativePath.parse(below)


def _joined(folder: RelativePath | None, path: RelativePath) -> RelativePath:
    return path if folder is None else folder.below(path)


def _free_name(tools: Tools, wanted: str) -> str:
    """Give a display name that no known storage has."""
    with tools.catalog.read() as db:
        taken = {record.display_name for record in file_storages.list_storages(db)}
    number = 1
    name = wanted
    while name in taken:
        number += 1
        name = f"{wanted} ({number})"
    return name
