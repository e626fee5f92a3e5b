"""Where the files of a session are now: how many of them can be reached, and in which folder."""

from __future__ import annotations

from dataclasses import dataclass

from imalink.catalog import file_storages, import_sessions
from imalink.catalog.file_storages import StorageRecord
from imalink.core.ids import StorageUuid
from imalink.core.relative_path import RelativePath
from imalink.errors import NotFoundError, StorageError
from imalink.workflows.look_at_sessions import show_session
from imalink.workflows.session_key import session_key
from imalink.workflows.storage_access import open_storage
from imalink.workflows.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStorage:
    """``path`` is the folder of the session's primary storage, where it was last seen; None without one.

    ``is_accessible`` tells whether that storage answers; ``reachable_count`` of ``file_count`` files stand there, in
    whichever storages the session is.
    """

    path: str | None
    is_accessible: bool
    reachable_count: int
    file_count: int


def look_at_session_storage(tools: Tools, text: str) -> SessionStorage:
    """Look for every file of the session with this number or UUID. Raises UsageError, NotFoundError."""
    view = show_session(tools, text)
    wanted: dict[StorageUuid, list[str]] = {}
    for file in view.files:
        wanted.setdefault(file.storage_uuid, []).append(file.relative_path)
    primary = view.record.storage_uuid
    if primary is not None:
        wanted.setdefault(primary, [])
    answering: set[StorageUuid] = set()
    reachable = 0
    with tools.catalog.read() as db:
        records = {each.storage_uuid: each for each in file_storages.list_storages(db)}
    for storage_uuid, paths in wanted.items():
        try:
            with open_storage(tools, records[storage_uuid]) as storage:
                answering.add(storage_uuid)
                for path in paths:
                    facts = storage.pictures.find_facts(RelativePath(path))
                    reachable += facts is not None and facts.is_file
        except StorageError:
            continue
    return SessionStorage(
        path=None if primary is None else records[primary].full_path,
        is_accessible=primary in answering,
        reachable_count=reachable,
        file_count=len(view.files),
    )


def get_storage_of_session(tools: Tools, text: str) -> StorageRecord:
    """Give the primary storage of the session with this number or UUID. Raises UsageError, NotFoundError."""
    with tools.catalog.read() as db:
        known = import_sessions.get_session(db, session_key(text))
        if known.storage_uuid is None:
            raise NotFoundError(
                f"Session {known.session.number} is in no storage.", hint="Import something into it first."
            )
        return file_storages.get_storage(db, known.storage_uuid)
