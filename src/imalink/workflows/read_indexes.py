"""Index files as their JSON says it: as they stand in a storage, and a session's also from the catalog."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

import msgspec

from imalink.catalog import file_storages, import_sessions, session_export
from imalink.catalog.file_storages import StorageRecord
from imalink.core.ids import SessionUuid
from imalink.errors import IndexDamagedError, NotFoundError, StorageError
from imalink.formats.layouts.hybrid import HYBRID
from imalink.formats.layouts.known import layout_named
from imalink.formats.layouts.overview_codec import dump_overview
from imalink.storage.overview import summarise
from imalink.workflows.storage_access import open_storage
from imalink.workflows.tools import Tools

JsonDocument = Mapping[str, object]


def read_session_index(tools: Tools, session_uuid: SessionUuid, *, is_native: bool = False) -> JsonDocument:
    """Give a session's index as it stands in the session's first storage, or as the hybrid layout would spell it.

    Raises NotFoundError, IndexDamagedError; StorageError when the storage cannot be reached.
    """
    record, number = place_of_session(tools, session_uuid)
    with open_storage(tools, record, needs_pictures=False) as storage:
        layout = HYBRID if is_native else storage.layout
        return _spelled(layout.dump_session(storage.indexes.load_session(number).index))


def export_session_index(tools: Tools, session_uuid: SessionUuid) -> JsonDocument:
    """Give a session's index as its file has it or, where that is lost, damaged or out of reach, by the catalog.

    Raises NotFoundError.
    """
    record, number = place_of_session(tools, session_uuid)
    try:
        with open_storage(tools, record) as storage:
            loaded = storage.indexes.load_session(number)
            if loaded.is_intact is not False:
                return _spelled(storage.layout.dump_session(loaded.index))
    except (StorageError, NotFoundError, IndexDamagedError):
        pass  # what the catalog knows is asked for just then
    with tools.catalog.read() as db:
        index = session_export.export_index(db, record, session_uuid)
    if index is None:
        raise NotFoundError(f"The catalog knows no index of session {number} in {record.display_name}.")
    return _spelled(layout_named(record.layout).dump_session(index))


def read_overview(tools: Tools, record: StorageRecord) -> JsonDocument:
    """Give the overview of a storage's imports, with where the storage stands now.

    Raises NotFoundError, IndexDamagedError, StorageError.
    """
    with open_storage(tools, record) as storage:
        return _spelled(dump_overview(storage.indexes.load_overview().index))


def current_overview(tools: Tools, record: StorageRecord) -> JsonDocument:
    """Give the overview as it would be written now: of every session index, under the storage's place and name of now.

    Nothing is written. A session index that cannot be read has the line it had. Raises NotFoundError,
    IndexDamagedError, StorageError.
    """
    with open_storage(tools, record) as storage:
        try:
            before = storage.indexes.load_overview().index
        except (NotFoundError, IndexDamagedError):
            before = storage.empty_overview(record.id)
        summaries = {summary.number: summary for summary in before.sessions}
        for number in storage.indexes.list_sessions():
            with suppress(NotFoundError, IndexDamagedError):
                summaries[number] = summarise(storage.indexes.load_session(number).index, storage.layout)
        overview = replace(
            before,
            storage_id=record.id,
            directory_name=record.directory_name,
            base_path=record.base_path,
            display_name=storage.signature.display_name,
            is_active=record.is_active,
            total_files=record.total_files,
            total_size_bytes=record.total_size_bytes,
            sessions=tuple(summaries[number] for number in sorted(summaries)),
        )
        return _spelled(dump_overview(overview))


def place_of_session(tools: Tools, session_uuid: SessionUuid) -> tuple[StorageRecord, int]:
    """Give a session's primary storage and the number of its file there. Raises NotFoundError."""
    with tools.catalog.read() as db:
        found = import_sessions.get_session(db, session_uuid)
        if found.storage_uuid is None:
            raise NotFoundError(
                f"Session {found.session.number} is in no storage yet.", hint="Import something into it first."
            )
        return file_storages.get_storage(db, found.storage_uuid), found.number_in(found.storage_uuid)


def _spelled(data: bytes) -> JsonDocument:
    return msgspec.json.decode(data, type=dict[str, object])
