"""The quick re-index: is every file still where it was? Only names are listed; nothing is read, matched or searched."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import replace

from imalink.catalog.file_storages import StorageRecord
from imalink.core.conflict import MissingFile
from imalink.core.finding import Finding
from imalink.core.index import FileCopy, FileStatus, MasterEntry, MasterIndex
from imalink.core.journal import FileMissing
from imalink.core.operation import OperationKind
from imalink.core.progress import Progress
from imalink.core.relative_path import RelativePath
from imalink.errors import NotFoundError
from imalink.storage.file_storage import FileStorage
from imalink.workflows.losses import refuse_suspicious_loss
from imalink.workflows.mend_indexes import mend_indexes, peek_master
from imalink.workflows.new_operation import counted, new_operation
from imalink.workflows.reindex_report import ReindexReport, once_deleted
from imalink.workflows.reindex_request import ReindexRequest
from imalink.workflows.storage_access import fold_notes, open_storage, project_fold
from imalink.workflows.tools import Tools


def check_names(tools: Tools, record: StorageRecord, request: ReindexRequest, progress: Progress) -> ReindexReport:
    """Mark the pictures whose name is gone as missing; a smart re-index then finds those that were only moved.

    Raises MassMissingError, with nothing changed, when suspiciously much would be marked; StorageError; CancelledError.
    """
    started = time.monotonic()
    with open_storage(tools, record) as storage:
        if request.dry_run:
            report, _ = _look(storage, peek_master(storage), request, progress)
        else:
            with storage.lock("reindex"):
                mended = mend_indexes(tools, record, storage)
                report, gone = _look(storage, mended.master, request, progress)
                findings = [*mended.findings, *_write_down(tools, record, storage, gone)]
                report = replace(report, findings=tuple(findings))
    return replace(report, seconds=round(time.monotonic() - started, 3))


def _look(
    storage: FileStorage, master: MasterIndex, request: ReindexRequest, progress: Progress
) -> tuple[ReindexReport, list[FileMissing]]:
    """Compare the names that are known with those that are there, folder by folder."""
    folders: dict[str, list[str]] = defaultdict(list)
    count = 0
    for path in _known_paths(master):
        folder, _, name = path.rpartition("/")
        folders[folder].append(name)
        count += 1
    progress.start_phase("scan", total_files=count)
    gone: set[str] = set()
    for folder, known_names in folders.items():
        progress.checkpoint()
        names = _names_in(storage, RelativePath(folder) if folder else None)
        gone.update(f"{folder}/{name}" if folder else name for name in known_names if name not in names)
        progress.advance(files=len(known_names))
    # A disk that went away meanwhile looks like folders without files.
    storage.root.verify_identity()
    known = _places_at(master, gone) if gone else {}
    if not request.accepts_losses and gone:
        refuse_suspicious_loss([RelativePath(path) for path in _known_paths(master)], known)
    observations = [
        FileMissing(
            hothash=known[path][0].hothash,
            session_uuid=known[path][1].session_uuid,
            path=path,
            last_seen_at=master.indexed_at,
        )
        for path in sorted(known)
    ]
    newly = tuple(_newly_missing(known, master.indexed_at))
    report = ReindexReport(
        strategy=request.strategy.value,
        changes_detected=bool(gone),
        missing_files=tuple(sorted((*master.missing(), *newly), key=lambda missing: missing.expected_path)),
        newly_missing=newly,
        orphans=tuple(orphan.path for orphan in master.orphans),
        once_deleted=once_deleted(master.orphans),
        path_mismatches=master.mismatches,
        files_seen=count - len(gone),
    )
    return report, observations


def _names_in(storage: FileStorage, folder: RelativePath | None) -> set[str]:
    try:
        return set(storage.pictures.list_names(folder))
    except NotFoundError:
        return set()


def _known_paths(master: MasterIndex) -> Iterator[str]:
    """Give the path of every file that is believed to stand there."""
    for entry in master.files.values():
        if entry.status is FileStatus.PRESENT:
            yield entry.relative_path
        for copy in entry.copies:
            if copy.status is FileStatus.PRESENT:
                yield copy.relative_path


def _places_at(master: MasterIndex, paths: Collection[str]) -> dict[RelativePath, tuple[MasterEntry, FileCopy]]:
    """Give what is known of the files at these paths."""
    return {
        place.relative_path: (entry, place)
        for entry in master.files.values()
        if entry.relative_path in paths or entry.copies
        for place in entry.places()
        if place.status is FileStatus.PRESENT and place.relative_path in paths
    }


def _newly_missing(known: dict[RelativePath, tuple[MasterEntry, FileCopy]], last_seen_at: str) -> Iterator[MissingFile]:
    """Give the pictures of which not one file is left."""
    for path in sorted(known):
        entry = known[path][0]
        if path == entry.relative_path and all(
            place.relative_path in known or place.status is FileStatus.MISSING for place in entry.places()
        ):
            yield MissingFile(hothash=entry.hothash, expected_path=path, last_seen_at=last_seen_at)


def _write_down(tools: Tools, record: StorageRecord, storage: FileStorage, gone: list[FileMissing]) -> list[Finding]:
    if not gone:
        return []
    counts = {"missing": len(gone)}
    operation = new_operation(tools, OperationKind.REINDEX, counted("Quick re-index", counts), counts=counts)
    storage.append_operation(tools.writer, operation, gone)
    result = storage.fold(fold_notes(storage, record))
    return [*result.findings, *project_fold(tools, record, result)]
