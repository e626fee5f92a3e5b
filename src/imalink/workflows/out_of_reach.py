"""What a check of the catalog cannot compare: storages out of reach, taken to be as the live catalog has them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from imalink.catalog import file_storages, forgetting, library, session_export
from imalink.catalog.catalog import Catalog, Db
from imalink.catalog.file_storages import StorageChange, StorageRecord
from imalink.catalog.planned_sessions import settle_planned
from imalink.core.ids import StorageUuid
from imalink.errors import StorageError
from imalink.workflows.storage_access import open_known, project_index
from imalink.workflows.tools import Tools

NOT_NAMED = "not-named"
PICTURES_OUT_OF_REACH = "pictures-out-of-reach"


@dataclass(frozen=True, slots=True, kw_only=True)
class NotCompared:
    """A storage that a check could not compare, with how much the catalog knows there.

    ``status`` is the code of the error that kept it away, ``not-named`` for one that was not asked for, or
    ``pictures-out-of-reach`` for a reference storage of which only the indexes could be compared.
    """

    storage_uuid: StorageUuid
    display_name: str
    photo_count: int
    file_count: int
    status: str
    reason: str


def carry_over(tools: Tools, rebuilt: Catalog, *, compared: Collection[StorageUuid]) -> list[NotCompared]:
    """Let ``rebuilt`` know of the storages that were not compared what the live catalog knows; give these storages.

    Thus photos that have files there too are derived from the same facts on both sides, and what differs between the
    two catalogs is what the storages that were compared say otherwise.
    """
    with tools.catalog.read() as live:
        away = [record for record in file_storages.list_storages(live) if record.storage_uuid not in compared]
        if away:
            with rebuilt.begin() as db:  # any of them may be the one that says it
                library.merge(db, list(library.edits_of(library.load_library(live))))
        for record in away:
            with rebuilt.begin(changes_photos=True) as db:
                theirs = _same_storage(db, record)
                for session_uuid in (each.session_uuid for each in session_export.list_indexes(live, record)):
                    index = session_export.export_index(live, record, session_uuid)
                    if index is not None:
                        project_index(db, theirs, index, only=None)
        if away:
            with rebuilt.begin() as db:
                settle_planned(db)
    return [_not_compared(tools, record, *_why_away(tools, record)) for record in away]


def without_pictures(tools: Tools, storage_uuid: StorageUuid) -> NotCompared | None:
    """Tell of a storage whose pictures could not be looked for; None when the catalog does not know it."""
    with tools.catalog.read() as db:
        record = file_storages.find_storage(db, storage_uuid)
    if record is None:
        return None
    reason = "Its indexes were compared; the folder of its pictures is not there now."
    return _not_compared(tools, record, PICTURES_OUT_OF_REACH, reason)


def _same_storage(db: Db, record: StorageRecord) -> StorageRecord:
    if file_storages.find_storage(db, record.storage_uuid) is None:
        file_storages.add_storage(
            db,
            storage_uuid=record.storage_uuid,
            directory_name=record.directory_name,
            base_path=record.base_path,
            display_name=record.display_name,
            created_at=record.created_at,
            description=record.description,
            layout=record.layout,
        )
    change = StorageChange(is_active=record.is_active, is_accessible=False)
    return file_storages.update_storage(db, record.storage_uuid, change)


def _why_away(tools: Tools, record: StorageRecord) -> tuple[str, str]:
    try:
        open_known(tools, record, needs_pictures=False).close()
    except StorageError as error:
        return error.code, error.message
    return NOT_NAMED, "It stands at none of the folders that were named."


def _not_compared(tools: Tools, record: StorageRecord, status: str, reason: str) -> NotCompared:
    with tools.catalog.read() as db:
        counts = forgetting.count_loss(db, record.id)
    return NotCompared(
        storage_uuid=record.storage_uuid,
        display_name=record.display_name,
        photo_count=counts.photo_count,
        file_count=counts.file_count,
        status=status,
        reason=reason,
    )
