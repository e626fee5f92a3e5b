"""Say whether a storage is to be used; one that is not stays known, with everything in it."""

from __future__ import annotations

from imalink.catalog import file_storages
from imalink.catalog.file_storages import StorageChange, StorageRecord
from imalink.workflows.tools import Tools


def set_storage_active(tools: Tools, record: StorageRecord, *, is_active: bool) -> StorageRecord:
    """Note it in catalog and registry; look-ups and the search for duplicates leave an inactive one out."""
    with tools.catalog.begin() as db:
        changed = file_storages.update_storage(db, record.storage_uuid, StorageChange(is_active=is_active))
    tools.registry.set_active(record.storage_uuid, is_active=is_active)
    return changed
