"""Look at past imports: the list, and one with its files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from imalink.catalog import import_sessions, locations, photos, statistics
from imalink.catalog.import_sessions import SessionRecord
from imalink.catalog.statistics import MonthOfImports
from imalink.core.finding import Finding
from imalink.core.ids import Hothash, SessionUuid, Sha256, StorageUuid, parse_uuid
from imalink.errors import IndexDamagedError, NotFoundError, StorageError, UsageError
from imalink.workflows.storage_access import get_storage, open_storage
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


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """One session with its files, by path, and the number of photos these are of.

    ``findings`` are what its imports found, of the storages in reach.
    """

    record: SessionRecord
    files: tuple[SessionFile, ...]
    photo_count: int
    findings: tuple[Finding, ...]


def list_sessions(tools: Tools, *, storage: str | None = None) -> list[SessionRecord]:
    """List imports, newest first; ``storage`` names one as a user does. Raises NotFoundError, AmbiguousError."""
    storage_uuid = get_storage(tools, storage).storage_uuid if storage is not None else None
    with tools.catalog.read() as db:
        return import_sessions.list_sessions(db, storage_uuid=storage_uuid)


def count_by_month(tools: Tools) -> list[MonthOfImports]:
    """Give what came in month by month, in order."""
    with tools.catalog.read() as db:
        return statistics.count_by_month(db)


def show_session(tools: Tools, text: str) -> SessionView:
    """Give one session by its number or UUID, with its files. Raises UsageError, NotFoundError."""
    key = session_key(text)
    with tools.catalog.read() as db:
        record = import_sessions.get_session(db, key)
        session_uuid = record.session.session_uuid
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
    return SessionView(
        record=record,
        files=tuple(sorted(files, key=lambda file: file.relative_path)),
        photo_count=len(summaries),
        findings=tuple(_findings(tools, record)),
    )


def _findings(tools: Tools, record: SessionRecord) -> Iterator[Finding]:
    """Give the findings that the session's indexes keep; a storage out of reach gives none."""
    for place in record.places:
        try:
            with open_storage(tools, get_storage(tools, place.storage_uuid), needs_pictures=False) as storage:
                yield from storage.indexes.load_session(place.number).index.findings
        except (StorageError, IndexDamagedError, NotFoundError):
            continue


def session_key(text: str) -> int | SessionUuid:
    """Read what a user calls a session: its number or UUID. Raises UsageError."""
    if text.isdecimal():
        return int(text)
    try:
        return SessionUuid(parse_uuid(text))
    except ValueError as error:
        raise UsageError(
            f"{text!r} is no session: expected its number or UUID.", hint="Run `imalink sessions list` to see them."
        ) from error
