"""Forget a storage: the library loses sight of it, and not one of its files is touched."""

from __future__ import annotations

from imalink.catalog import forgetting
from imalink.catalog.file_storages import StorageRecord
from imalink.catalog.forgetting import Loss
from imalink.catalog.planned_sessions import find_planned
from imalink.core.audit import AuditAction
from imalink.workflows.flush_outbox import flush_outbox, tell_storage
from imalink.workflows.say_of_session import say_session_is_gone
from imalink.workflows.tools import Tools
from imalink.workflows.write_audit import note


def look_before_forgetting(tools: Tools, record: StorageRecord) -> Loss:
    """Count what the library would lose sight of. If the storage answers it is told first what it was not told yet."""
    tell_storage(tools, record)
    with tools.catalog.read() as db:
        return forgetting.count_loss(db, record.id)


def forget_storage(tools: Tools, record: StorageRecord) -> Loss:
    """Take a storage out of the catalog and this machine's registry; give what the library lost sight of by it.

    Photos that have a file in another storage stay. The storage itself keeps all its files and indexes, also one of a
    folder that is only read, so a recovery that names its folder brings everything back but edits it was never told.
    """
    with tools.catalog.begin(changes_photos=True) as db:
        loss = forgetting.count_loss(db, record.id)
        # Else other storages would bring them back as sessions without pictures.
        for session_uuid in sorted(forgetting.find_lost_sessions(db, record.id) & find_planned(db)):
            say_session_is_gone(tools, db, session_uuid)
        forgetting.forget_storage(db, record)
    flush_outbox(tools)
    tools.registry.forget(record.storage_uuid)
    note(tools, AuditAction.STORAGE_FORGOTTEN, f"{record.display_name} ({record.storage_uuid})", path=record.full_path)
    return loss
