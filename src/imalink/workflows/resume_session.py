"""Resume a session: what its interrupted imports left undone comes in, as if they had never been interrupted."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from imalink.catalog import file_storages, import_sessions
from imalink.catalog.file_storages import StorageRecord
from imalink.catalog.import_sessions import SessionRecord
from imalink.core.duplicate import DuplicateAsker
from imalink.core.finding import Finding
from imalink.core.path_template import PathTemplate
from imalink.core.progress import Progress, SilentProgress
from imalink.core.run_request import RunKind, RunRequest
from imalink.core.session import ImportStatistics, SessionStatus
from imalink.errors import (
    MassMissingError,
    NotFoundError,
    SourceOfflineError,
    StorageError,
    StorageLockedError,
    StorageUnavailableError,
    WrongStateError,
)
from imalink.storage.file_storage import FileStorage
from imalink.workflows.import_photos import import_photos
from imalink.workflows.import_report import ImportReport, ImportRequest
from imalink.workflows.import_source import open_source
from imalink.workflows.index_in_place import index_in_place
from imalink.workflows.interrupted_imports import (
    QUIET_CODE,
    InterruptedImport,
    find_interrupted_imports,
    peek_interrupted_imports,
)
from imalink.workflows.mend_indexes import mend_indexes, peek_master
from imalink.workflows.refer_to_folder import rehearse_in_place, unindexed
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest
from imalink.workflows.run_session import get_open_session, number_in
from imalink.workflows.storage_access import open_storage
from imalink.workflows.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeReport:
    """What a resumption did, its imports together. ``had_ended``: there was nothing to go on with."""

    had_ended: bool
    report: ImportReport


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pending:
    record: StorageRecord
    interrupted: InterruptedImport


def resume_session(
    tools: Tools,
    text: str,
    *,
    source: Path | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
    asker: DuplicateAsker | None = None,
) -> ResumeReport:
    """Go on with the interrupted imports of a session, by its number or UUID, as they were asked for.

    What is in already is neither read nor copied again where names, sizes and times of the source can be believed, else
    read and compared. ``source`` is where the folder is now, if it is elsewhere. A dry run changes nothing. It may be
    interrupted itself, as often as it likes. Raises NotFoundError, UsageError (rolled back, or begun by a version that
    did not write down how), SourceOfflineError, StorageError, CancelledError.
    """
    progress = progress or SilentProgress()
    known = get_open_session(tools, text)
    findings: list[Finding] = []
    pending = _find_pending(tools, known, findings, dry_run=dry_run)
    if source is not None and len(pending) > 1:
        raise WrongStateError(
            f"Session {known.session.number} has {len(pending)} interrupted imports, from different folders. "
            "Nothing was changed.",
            hint="Resume it without --source, with each folder at the place it was.",
        )
    requests = [(each, _request_of(known, each, source, dry_run=dry_run)) for each in pending]
    for each, request in requests:
        _require_source(tools, each, request)
    reports = [
        import_photos(tools, each.record, request, progress=progress, asker=asker)
        if _asked(each).kind is RunKind.IMPORT
        else _resume_in_place(tools, each, known, progress, dry_run=dry_run)
        for each, request in requests
    ]
    if not reports:
        with tools.catalog.read() as db:
            known = import_sessions.get_session(db, known.session.session_uuid)
    return ResumeReport(had_ended=not reports, report=_together(known, reports, findings))


def _find_pending(tools: Tools, known: SessionRecord, findings: list[Finding], *, dry_run: bool) -> list[_Pending]:
    """Finish what stands in staging, and give what is left to be done; a storage out of reach is told if nothing is."""
    found: list[_Pending] = []
    refused: StorageError | None = None
    for record in _storages_of(tools, known):
        try:
            with open_storage(tools, record) as storage:
                for each in _pending_in(tools, record, storage, known, findings, dry_run=dry_run):
                    found.append(_Pending(record=record, interrupted=each))
        except StorageUnavailableError as error:
            if record.storage_uuid in _places(known):
                refused = refused or error
    if not found and refused is not None:
        raise refused
    return found


def _places(known: SessionRecord) -> set[str]:
    return {*(place.storage_uuid for place in known.places), *([known.storage_uuid] if known.storage_uuid else [])}


def _storages_of(tools: Tools, known: SessionRecord) -> Iterator[StorageRecord]:
    """Give the storages that the session is in; if it was interrupted all of them, for the catalog may know of none."""
    with tools.catalog.read() as db:
        records = file_storages.list_storages(db)
    has_ended = known.session.status not in (SessionStatus.RUNNING, SessionStatus.INTERRUPTED)
    own = _places(known)
    for record in sorted(records, key=lambda each: each.storage_uuid not in own):
        if record.storage_uuid in own or not has_ended:
            yield record


def _pending_in(
    tools: Tools,
    record: StorageRecord,
    storage: FileStorage,
    known: SessionRecord,
    findings: list[Finding],
    *,
    dry_run: bool,
) -> list[InterruptedImport]:
    session_uuid = known.session.session_uuid
    is_own = record.storage_uuid in _places(known)
    number = known.number_in(record.storage_uuid)
    imports = find_interrupted_imports(storage, number) if is_own else []
    is_behind = is_own and known.session.status is SessionStatus.RUNNING
    if not is_behind and not peek_interrupted_imports(storage, session_uuid, number, imports):
        return []
    if dry_run:
        worker = storage.find_worker()
        if worker is not None:
            raise StorageLockedError(
                f"{record.display_name} is in use by {worker}, so what is left cannot be told.",
                hint="Wait until it is done.",
            )
        return peek_interrupted_imports(storage, session_uuid, number, imports)
    with storage.lock("resume"):
        mended = mend_indexes(tools, record, storage)
    with tools.catalog.read() as db:
        now = import_sessions.find_session(db, session_uuid)
    if now is None:
        raise NotFoundError(
            f"The import of session {known.session.number} ended before it had begun: nothing was copied, and what it "
            "was asked for is not known.",
            hint="Import again; the session is forgotten.",
        )
    imports = find_interrupted_imports(storage, number_in(tools, storage, now))
    told = {QUIET_CODE, *(finding.code for each in imports for finding in each.findings)}
    findings.extend(finding for finding in mended.findings if finding.code not in told)
    return imports


def _asked(pending: _Pending) -> RunRequest:
    asked = pending.interrupted.request
    if asked is None:
        raise WrongStateError(
            "The import was begun by a version of ImaLink that did not write down what it was asked for. Nothing was "
            "changed, and nothing is lost.",
            hint=f"Import {pending.interrupted.source_path} again, with --session and the number of this one.",
        )
    return asked


def _request_of(known: SessionRecord, pending: _Pending, source: Path | None, *, dry_run: bool) -> ImportRequest:
    asked = _asked(pending)
    if asked.kind is not RunKind.IMPORT:
        if source is not None:
            raise WrongStateError(
                "The pictures of this session stay where they are, so there is no other place to take them from. "
                "Nothing was changed.",
                hint="Resume it without --source.",
            )
        return ImportRequest(source=Path(asked.source))
    return ImportRequest(
        source=Path(asked.source) if source is None else source,
        session=known.session.session_uuid,
        organization=PathTemplate.parse(asked.organization),
        exclude=asked.exclude,
        author=asked.author,
        duplicates=asked.duplicates,
        includes_deleted=asked.includes_deleted,
        dry_run=dry_run,
        resumes=pending.interrupted.import_uuid,
    )


def _require_source(tools: Tools, pending: _Pending, request: ImportRequest) -> None:
    """Make sure that the folder is there before anything is changed. Raises SourceOfflineError."""
    if _asked(pending).kind is not RunKind.IMPORT:
        return
    try:
        open_source(request.source, tools).close()
    except NotFoundError as error:
        raise SourceOfflineError(
            f"The folder {request.source}, which the import was reading, is not there. Nothing was changed, and "
            "nothing is lost.",
            hint="Plug its card or disk in, or say with --source where the folder is now.",
        ) from error


def _resume_in_place(
    tools: Tools, pending: _Pending, known: SessionRecord, progress: Progress, *, dry_run: bool
) -> ImportReport:
    """Take in what is left of a folder whose pictures stay where they are."""
    started = time.monotonic()
    record, below = pending.record, _asked(pending).below
    if not dry_run:
        with suppress(MassMissingError):
            reindex(tools, record, ReindexRequest(), progress=progress)
    with open_storage(tools, record) as storage:
        if dry_run:
            progress.start_phase("scan")
            scanned = storage.scan(lambda _: progress.checkpoint())
            planned = {plan.entry.relative_path for plan in pending.interrupted.plans}
            files = {path: file for path, file in scanned.files.items() if path.is_below(below) and path not in planned}
            files = unindexed(peek_master(storage), files)
            report = rehearse_in_place(tools, storage.pictures, files, scanned.findings, started)
            return _after(pending.interrupted, report)
        with storage.lock("resume"):
            mended = mend_indexes(tools, record, storage)
            progress.start_phase("scan")
            scanned = storage.scan(lambda _: progress.checkpoint())
            files = {path: file for path, file in scanned.files.items() if path.is_below(below)}
            return index_in_place(
                tools,
                record,
                storage,
                mended.master,
                unindexed(mended.master, files),
                title=known.session.title,
                findings=scanned.findings,
                progress=progress,
                request=_asked(pending),
                goes_on=(known, pending.interrupted),
            )


def _after(before: InterruptedImport, report: ImportReport) -> ImportReport:
    """Give the report of what is left with what came in before."""
    return replace(
        report,
        statistics=before.statistics + report.statistics,
        findings=(*before.findings, *report.findings),
        came_in_before=before.statistics.new_imports,
    )


def _together(known: SessionRecord, reports: Sequence[ImportReport], findings: Sequence[Finding]) -> ImportReport:
    """Give several reports as one; without any, what the session came to before."""
    if len(reports) == 1 and not findings:
        return reports[0]
    return ImportReport(
        session_id=known.session.number,
        session_uuid=known.session.session_uuid,
        status=reports[-1].status if reports else known.session.status,
        statistics=sum((each.statistics for each in reports), ImportStatistics()) if reports else known.statistics,
        photos_created=sum(each.photos_created for each in reports),
        findings=(*findings, *(finding for each in reports for finding in each.findings)),
        files=tuple(file for each in reports for file in each.files),
        seconds=round(sum(each.seconds for each in reports), 3),
        duplicates_kept=sum(each.duplicates_kept for each in reports),
        duplicates_replaced=sum(each.duplicates_replaced for each in reports),
        duplicates_undecided=sum(each.duplicates_undecided for each in reports),
        deleted_before=sum(each.deleted_before for each in reports),
        excluded=sum(each.excluded for each in reports),
        came_in_before=sum(each.came_in_before for each in reports) if reports else known.statistics.new_imports,
        copies_verified=bool(reports) and all(each.copies_verified for each in reports),
    )
