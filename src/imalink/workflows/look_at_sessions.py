"""Look at past imports: the list, and one with its files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from imalink.catalog import file_storages, import_sessions, locations, photos, statistics
from imalink.catalog.import_sessions import SessionRecord
from imalink.catalog.statistics import MonthOfImports
from imalink.core.finding import Finding
from imalink.core.ids import Hothash, RunUuid, Sha256, StorageUuid
from imalink.core.index import SessionIndex
from imalink.core.session import ImportStatistics, SessionStatus
from imalink.errors import IndexDamagedError, NotFoundError, StorageError
from imalink.storage import staging
from imalink.storage.file_storage import FileStorage
from imalink.workflows.session_key import session_key
from imalink.workflows.storage_access import get_storage, open_known, open_storage
from imalink.workflows.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFile:
    """One file of a session, where it was last known to be, and what is known of its photo."""

    hothash: Hothash
    storage_uuid: StorageUuid
    relative_path: str
    original_filename: str
    status: str
    size_bytes: int
    sha256: Sha256
    taken_at: str | None
    file_format: str
    rating: int | None


def storage_names(tools: Tools) -> dict[StorageUuid, str]:
    """Give what each known storage is called."""
    with tools.catalog.read() as db:
        return {record.storage_uuid: record.display_name for record in file_storages.list_storages(db)}


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRun:
    """One import into a session: where from and to, when, and what it came to."""

    run_uuid: RunUuid
    storage_uuid: StorageUuid
    source_path: str
    started_at: str
    finished_at: str
    status: SessionStatus
    statistics: ImportStatistics


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """One session with its files, by path, and the number of photos these are of.

    ``runs`` are its imports, the first one first, and ``findings`` what they found, of the storages in reach.
    """

    record: SessionRecord
    files: tuple[SessionFile, ...]
    photo_count: int
    runs: tuple[SessionRun, ...]
    findings: tuple[Finding, ...]


def list_sessions(tools: Tools, *, storage: str | None = None) -> list[SessionRecord]:
    """List imports, newest first; ``storage`` names one as a user does. Raises NotFoundError, AmbiguousError."""
    storage_uuid = get_storage(tools, storage).storage_uuid if storage is not None else None
    with tools.catalog.read() as db:
        records = import_sessions.list_sessions(db, storage_uuid=storage_uuid)
    return [as_it_is(tools, record) for record in records]


def get_session(tools: Tools, text: str) -> SessionRecord:
    """Give the session with this number or UUID. Raises UsageError, NotFoundError."""
    with tools.catalog.read() as db:
        return import_sessions.get_session(db, session_key(text))


def page_of_sessions(tools: Tools, *, storage_uuid: StorageUuid | None, offset: int, limit: int) -> list[SessionRecord]:
    """List a page of the imports, newest first, of one storage or of all."""
    with tools.catalog.read() as db:
        records = import_sessions.list_sessions(db, storage_uuid=storage_uuid, offset=offset, limit=limit)
    return [as_it_is(tools, record) for record in records]


def count_sessions(tools: Tools, *, storage_uuid: StorageUuid | None) -> int:
    """Count the imports of one storage or of all."""
    with tools.catalog.read() as db:
        return import_sessions.count_sessions(db, storage_uuid=storage_uuid)


def as_it_is(tools: Tools, record: SessionRecord) -> SessionRecord:
    """Give a session with the status it has: ``running`` is said of one that was killed until its storage is opened."""
    if record.session.status is not SessionStatus.RUNNING or _is_worked_on(tools, record):
        return record
    return replace(record, session=replace(record.session, status=SessionStatus.INTERRUPTED))


def _is_worked_on(tools: Tools, record: SessionRecord) -> bool:
    """Tell whether somebody who lives holds the lock of a storage that the session is or will be in."""
    with tools.catalog.read() as db:
        known = {each.storage_uuid: each for each in file_storages.list_storages(db)}
    for storage_uuid in {record.storage_uuid, *(place.storage_uuid for place in record.places)}:
        storage_record = None if storage_uuid is None else known.get(storage_uuid)
        if storage_record is None:
            continue
        with suppress(StorageError), open_known(tools, storage_record, needs_pictures=False) as storage:
            if storage.find_worker() is not None:
                return True
    return False


def count_by_month(tools: Tools) -> list[MonthOfImports]:
    """Give what came in month by month, in order."""
    with tools.catalog.read() as db:
        return statistics.count_by_month(db)


def show_session(tools: Tools, text: str) -> SessionView:
    """Give one session by its number or UUID, with its files. Raises UsageError, NotFoundError."""
    key = session_key(text)
    with tools.catalog.read() as db:
        record = import_sessions.get_session(db, key)
    record = as_it_is(tools, record)
    session_uuid = record.session.session_uuid
    with tools.catalog.read() as db:
        found = locations.list_session_files(db, session_uuid)
        summaries = photos.find_summaries(db, {image.photo_uuid for image in found})
    files = [
        SessionFile(
            hothash=image.hothash,
            storage_uuid=place.storage_uuid,
            relative_path=place.relative_path,
            original_filename=image.original_filename,
            status=place.status.value,
            size_bytes=place.size_bytes,
            sha256=place.sha256,
            taken_at=summaries[image.photo_uuid].taken_at,
            file_format=image.file_format,
            rating=summaries[image.photo_uuid].rating,
        )
        for image in found
        for place in image.locations
        if place.session_uuid == session_uuid
    ]
    runs: list[SessionRun] = []
    findings: list[Finding] = []
    for storage, index in _indexes(tools, record):
        findings.extend(index.findings)
        runs.extend(_runs(storage, index))
    return SessionView(
        record=record,
        files=tuple(sorted(files, key=lambda file: file.relative_path)),
        photo_count=len(summaries),
        runs=tuple(sorted(runs, key=lambda run: (run.started_at, run.run_uuid))),
        findings=tuple(findings),
    )


def _indexes(tools: Tools, record: SessionRecord) -> Iterator[tuple[FileStorage, SessionIndex]]:
    """Give the session's indexes, each with its open storage; one out of reach or damaged is left out."""
    for place in record.places:
        try:
            with open_storage(tools, get_storage(tools, place.storage_uuid), needs_pictures=False) as storage:
                yield storage, storage.indexes.load_session(place.number).index
        except (StorageError, IndexDamagedError, NotFoundError):
            continue


def _runs(storage: FileStorage, index: SessionIndex) -> Iterator[SessionRun]:
    """Give the imports that an index contains, as their commits tell; those without one are left out."""
    for run_uuid in sorted(index.sources.runs):
        try:
            begin, end = staging.load_run_ends(storage.files, run_uuid)
        except (IndexDamagedError, NotFoundError):
            continue
        yield SessionRun(
            run_uuid=run_uuid,
            storage_uuid=storage.storage_uuid,
            source_path=begin.session.source_path,
            started_at=begin.started_at,
            finished_at=end.finished_at,
            status=end.session.status,
            statistics=end.statistics,
        )
