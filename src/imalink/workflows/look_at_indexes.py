"""Look at the index files of a storage: which are there, and whether each is as ImaLink left it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from imalink.catalog import import_sessions
from imalink.catalog.file_storages import StorageRecord
from imalink.core.ids import SessionUuid
from imalink.errors import IndexDamagedError, NotFoundError, StorageError
from imalink.formats.layouts.known import layout_named
from imalink.storage.file_storage import FileStorage
from imalink.workflows.storage_access import open_storage
from imalink.workflows.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionIndexState:
    """The index of one session in a storage; ``number`` is that of its file there, ``session_number`` the catalog's."""

    number: int
    session_number: int
    session_uuid: SessionUuid
    title: str
    filename: str
    exists: bool
    is_intact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageIndexes:
    """The index files of a storage; of one that is away (``is_accessible`` False) as they were last known."""

    is_accessible: bool
    overview_exists: bool
    files_index_exists: bool
    all_intact: bool
    sessions: tuple[SessionIndexState, ...]


def look_at_indexes(tools: Tools, record: StorageRecord) -> StorageIndexes:
    """Look at each index file; nothing is written or mended. A storage that is away is no error."""
    try:
        with open_storage(tools, record, needs_pictures=False) as storage:
            return _look(tools, record, storage)
    except StorageError:
        sessions = _sessions(tools, record, None)
        return StorageIndexes(
            is_accessible=False, overview_exists=True, files_index_exists=True, all_intact=True, sessions=sessions
        )


def _look(tools: Tools, record: StorageRecord, storage: FileStorage) -> StorageIndexes:
    indexes, layout = storage.indexes, storage.layout
    are_intact = False
    with suppress(IndexDamagedError, NotFoundError):
        loaded = (indexes.load_overview().is_intact, indexes.load_master().is_intact)
        are_intact = False not in loaded
    sessions = _sessions(tools, record, storage)
    return StorageIndexes(
        is_accessible=True,
        overview_exists=storage.files.exists(layout.overview_path),
        files_index_exists=storage.files.exists(layout.master_path),
        all_intact=are_intact and all(each.is_intact for each in sessions),
        sessions=sessions,
    )


def _sessions(tools: Tools, record: StorageRecord, storage: FileStorage | None) -> tuple[SessionIndexState, ...]:
    layout = layout_named(record.layout)
    with tools.catalog.read() as db:
        known = import_sessions.list_sessions(db, storage_uuid=record.storage_uuid)
    standing: set[int] = set() if storage is None else set(storage.indexes.list_sessions())
    found = [
        SessionIndexState(
            number=place.number,
            session_number=each.session.number,
            session_uuid=each.session.session_uuid,
            title=each.session.title,
            filename=layout.session_path(place.number).name,
            exists=storage is None or place.number in standing,
            is_intact=storage is None or storage.indexes.is_session_sound(place.number),
        )
        for each in known
        for place in each.places
        if place.storage_uuid == record.storage_uuid
    ]
    return tuple(sorted(found, key=lambda each: each.number))
