"""Look at the health of every storage in use: room, reach, indexes, what is known to be missing or damaged, speed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from imalink.catalog import file_storages, timetable
from imalink.catalog import health as counts_of
from imalink.catalog.catalog import Db
from imalink.catalog.file_storages import StorageRecord
from imalink.catalog.health import StorageCounts
from imalink.core.health import (
    GROWTH_DAYS,
    HealthReport,
    IndexState,
    ResponseTime,
    StorageHealth,
)
from imalink.core.progress import Progress, SilentProgress
from imalink.core.timestamps import format_instant, parse_instant
from imalink.core.timetable import TaskNote
from imalink.errors import IndexDamagedError, NotFoundError, StorageError
from imalink.storage.file_storage import FileStorage
from imalink.storage.syscalls import opens_beneath
from imalink.workflows.storage_access import open_storage
from imalink.workflows.tools import Tools

_LATELY = timedelta(days=30)
_GROWTH = timedelta(days=GROWTH_DAYS)
_DAY_SECONDS = 86_400


def look_at_health(
    tools: Tools, *, response_times: Sequence[ResponseTime] = (), progress: Progress | None = None
) -> HealthReport:
    """Look at every storage that is in use; no picture is read, and nothing written but who could be reached.

    ``response_times`` are those of the server that asks. Raises CatalogError, CancelledError.
    """
    progress = progress or SilentProgress()
    now = tools.clock.now()
    started = time.monotonic()
    with tools.catalog.read() as db:
        records = file_storages.list_storages(db)
        counts = counts_of.count_storages(db, grown_since=format_instant(now - _GROWTH))
        report = HealthReport(
            taken_at=format_instant(now),
            storages=(),
            inactive_count=sum(not record.is_active for record in records),
            sessions_lately=counts_of.count_sessions(
                db, since=format_instant(now - _LATELY), until=format_instant(now)
            ),
            sessions_before=counts_of.count_sessions(
                db, since=format_instant(now - _LATELY - _GROWTH), until=format_instant(now - _LATELY)
            ),
            imports=counts_of.measure_imports(db),
            containment="openat2" if opens_beneath() else "walk",
            response_times=tuple(response_times),
            timetable=_timetable(db, records),
        )
    catalog_seconds = time.monotonic() - started
    active = [record for record in records if record.is_active]
    progress.start_phase("health", total_files=len(active))
    storages: list[StorageHealth] = []
    for record in active:
        progress.checkpoint()
        storages.append(_look(tools, record, counts.get(record.id, StorageCounts())))
        progress.advance(files=1, current=record.display_name)
    room = tools.catalog.find_room()
    return replace(
        report,
        storages=tuple(storages),
        catalog_free_bytes=None if room is None else room.free_bytes,
        catalog_seconds=round(catalog_seconds, 4),
    )


def _timetable(db: Db, records: Sequence[StorageRecord]) -> tuple[TaskNote, ...]:
    """Give the notes of the timetable that are about all storages, or about one in use."""
    active = {record.storage_uuid for record in records if record.is_active}
    notes = timetable.list_notes(db)
    return tuple(note for note in notes if note.storage_uuid is None or note.storage_uuid in active)


def keep_health(tools: Tools, taken_at: str, report: Mapping[str, object]) -> None:
    """Keep a report, as JSON, for the history. Raises CatalogError."""
    with tools.catalog.begin() as db:
        counts_of.keep_report(db, taken_at=taken_at, report=report)


def list_health(tools: Tools, *, limit: int = 30) -> list[dict[str, object]]:
    """Give the last reports that were kept, the newest first."""
    with tools.catalog.read() as db:
        return counts_of.list_reports(db, limit=limit)


def _look(tools: Tools, record: StorageRecord, counts: StorageCounts) -> StorageHealth:
    known = StorageHealth(
        storage_uuid=record.storage_uuid,
        name=record.display_name,
        is_accessible=False,
        indexes=IndexState.UNKNOWN,
        total_files=record.total_files,
        size_bytes=record.total_size_bytes,
        session_count=counts.session_count,
        missing_files=counts.missing_files,
        damaged_files=counts.damaged_files,
        verified_files=counts.verified_files,
        verified_since=counts.verified_since,
        days_unverified=_days_unverified(tools, record, counts),
        growth_bytes=counts.growth_bytes,
        age_days=_days_since(tools, record.created_at),
    )
    started = time.monotonic()
    try:
        with open_storage(tools, record) as storage:
            is_reference = storage.layout.is_reference
            space = None if is_reference else storage.files.space()
            state, files = _look_at_indexes(storage)
    except StorageError as error:
        return replace(known, status=error.code, reason=error.message)
    return replace(
        known,
        is_accessible=True,
        is_reference=is_reference,
        free_bytes=None if space is None else space.free_bytes,
        total_bytes=None if space is None else space.total_bytes,
        indexes=state,
        index_files=files,
        look_seconds=round(time.monotonic() - started, 3),
    )


def _days_unverified(tools: Tools, record: StorageRecord, counts: StorageCounts) -> float | None:
    """Give for how long the file that waits longest was not read through; None for a storage without files.

    A file that was never verified was read as it came in, which is not before the storage was made.
    """
    if not counts.present_files:
        return None
    is_whole = counts.verified_files >= counts.present_files and counts.verified_since is not None
    since = counts.verified_since if is_whole and counts.verified_since is not None else record.created_at
    return _days_since(tools, since)


def _days_since(tools: Tools, moment: str) -> float:
    return round((tools.clock.now() - parse_instant(moment)).total_seconds() / _DAY_SECONDS, 1)


def _look_at_indexes(storage: FileStorage) -> tuple[IndexState, tuple[str, ...]]:
    """Tell whether all index files are there and as they were left; else which are not."""
    missing = list(_missing_indexes(storage))
    if missing:
        return IndexState.MISSING, tuple(missing)
    damaged = list(_damaged_indexes(storage))
    return (IndexState.DAMAGED, tuple(damaged)) if damaged else (IndexState.SOUND, ())


def _missing_indexes(storage: FileStorage) -> Iterator[str]:
    for path in (storage.layout.overview_path, storage.layout.master_path):
        if storage.files.find_facts(path) is None:
            yield str(path)
    try:
        expected = {summary.number for summary in storage.indexes.load_overview().index.sessions}
    except (NotFoundError, IndexDamagedError):
        return
    for number in sorted(expected.difference(storage.indexes.list_sessions())):
        yield str(storage.layout.session_path(number))


def _damaged_indexes(storage: FileStorage) -> Iterator[str]:
    try:
        is_sound = storage.indexes.load_overview().is_intact is not False
    except (NotFoundError, IndexDamagedError):
        is_sound = False
    if not is_sound:
        yield str(storage.layout.overview_path)
    if not storage.indexes.is_master_sound():
        yield str(storage.layout.master_path)
    for number in storage.indexes.list_sessions():
        if not storage.indexes.is_session_sound(number):
            yield str(storage.layout.session_path(number))
