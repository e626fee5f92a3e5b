"""The snapshot of a walk: telling from the last one what is as it was left, and leaving one for the next."""

from __future__ import annotations

from dataclasses import replace

from imalink.catalog import scan_snapshots
from imalink.catalog.file_storages import StorageRecord
from imalink.core.ids import Sha256
from imalink.core.index import Overview, ScanSummary
from imalink.core.scan import ScannedFile, ScanResult
from imalink.core.timestamps import format_instant
from imalink.errors import IndexDamagedError, NotFoundError
from imalink.formats import scan_snapshot
from imalink.formats.scan_snapshot import ScanSnapshot
from imalink.storage.file_storage import FileStorage
from imalink.workflows.reindex_reading import FilesRead
from imalink.workflows.reindex_report import ReindexReport, StandingReport
from imalink.workflows.reindex_request import ReindexRequest, Strategy
from imalink.workflows.tools import Tools


def find_snapshot(tools: Tools, record: StorageRecord, storage: FileStorage) -> ScanSnapshot | None:
    """Give what this machine's last walk left, if it is of the master index that the storage has."""
    digest = storage.indexes.claimed_master_digest()
    if digest is None:
        return None
    with tools.catalog.read() as db:
        data = scan_snapshots.find_snapshot(db, record.id, master_digest=Sha256(digest))
    return None if data is None else scan_snapshot.parse_snapshot(data)


def find_sound_overview(storage: FileStorage) -> Overview | None:
    """Give the overview if it can be believed; otherwise it has to be mended, whatever else is as it was."""
    try:
        loaded = storage.indexes.load_overview()
    except (NotFoundError, IndexDamagedError):
        return None
    return loaded.index if loaded.is_intact is not False else None


def is_as_left(snapshot: ScanSnapshot, storage: FileStorage, scanned: ScanResult, request: ReindexRequest) -> bool:
    """Tell whether files, index files and commits are what the last walk saw, so that nothing need be read."""
    return (
        request.strategy is Strategy.SMART
        and not request.adds_orphans
        and not request.removes_missing
        and not scanned.unseen
        and not StandingReport.parse(snapshot.report).is_partial
        and not storage.interrupted_runs()
        and snapshot.indexes == storage.indexes.facts()
        and snapshot.runs == tuple(storage.committed_runs())
        and scan_snapshot.is_as_seen(snapshot, scanned.files)
    )


def suspect_sessions(snapshot: ScanSnapshot | None, storage: FileStorage, request: ReindexRequest) -> list[int]:
    """List the session indexes that are not as this machine left them and not sound; it looks at all if it must."""
    indexes = storage.indexes
    numbers = indexes.list_sessions()
    if snapshot is not None and request.strategy is Strategy.SMART:
        facts = indexes.facts()
        numbers = [
            number
            for number in numbers
            if facts.get(indexes.session_name(number)) != snapshot.indexes.get(indexes.session_name(number))
        ]
    return [number for number in numbers if not indexes.is_session_sound(number)]


def note_unchanged(tools: Tools, storage: FileStorage, standing: StandingReport, overview: Overview) -> None:
    """Write into the overview that a walk found nothing new.

    The snapshot stands: neither overview nor signature is part of it.
    """
    result = ScanSummary(changes_detected=False, moved_files=0, missing_files=len(standing.missing_files), new_files=0)
    now = format_instant(tools.clock.now())
    storage.note_unchanged_scan(
        replace(overview, last_scan=now, last_scan_result=result, generation=overview.generation + 1)
    )


def keep_snapshot(
    tools: Tools,
    record: StorageRecord,
    storage: FileStorage,
    scanned: ScanResult,
    read: FilesRead,
    report: ReindexReport,
    *,
    is_partial: bool,
) -> None:
    """Leave what this walk saw and found for the next; ``is_partial``: something found was left undone."""
    # What could not be read is left out, and what could not be looked into stands in it as a file that no walk
    # will find: so the next walk never takes things to be as this one left them.
    seen = [file for path, file in scanned.files.items() if path not in read.unread]
    unseen = [ScannedFile(path, 0, 0, 0, 0) for path in scanned.unseen]
    snapshot = ScanSnapshot(
        files=scan_snapshot.file_facts([*seen, *unseen]),
        indexes=storage.indexes.facts(),
        runs=tuple(storage.committed_runs()),
        report=replace(report.standing(), is_partial=is_partial).dump(),
    )
    digest = storage.indexes.claimed_master_digest()
    if digest is not None:
        with tools.catalog.begin() as db:
            scan_snapshots.keep_snapshot(
                db, record.id, master_digest=Sha256(digest), data=scan_snapshot.dump_snapshot(snapshot)
            )
