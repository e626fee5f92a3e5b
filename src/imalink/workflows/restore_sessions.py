"""Session indexes that a storage has lost for good are written again from what the catalog remembers of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from imalink.catalog import session_export
from imalink.catalog.file_storages import StorageRecord
from imalink.core.finding import Finding
from imalink.core.index import SessionIndex
from imalink.storage.file_storage import FileStorage
from imalink.workflows.tools import Tools


def restore_lost_sessions(
    tools: Tools, record: StorageRecord, storage: FileStorage, suspects: Collection[int]
) -> tuple[list[int], list[Finding]]:
    """Put back what is lost and tell which sessions; those the storage can rebuild by itself are left to the fold.

    Lost are the indexes the catalog knows whose file is not there, and ``suspects`` (damaged ones). What stands in the
    place of one is kept. The caller holds the lock and folds afterwards, checking these sessions. Raises StorageError.
    """
    with tools.catalog.read() as db:
        known = session_export.list_numbers(db, record)
    lost = (known.keys() - set(storage.indexes.list_sessions())) | (known.keys() & set(suspects))
    restored: list[int] = []
    findings: list[Finding] = []
    for number in sorted(lost):
        if storage.can_rebuild(number):
            continue
        with tools.catalog.read() as db:
            index = session_export.export_index(db, record, known[number])
        if index is None:
            continue
        findings.append(_put_back(storage, replace(index, storage_directory=storage.path.name)))
        restored.append(number)
    return restored, findings


def _put_back(storage: FileStorage, index: SessionIndex) -> Finding:
    path = storage.layout.session_path(index.session.number)
    kept = storage.indexes.put_back_session(index)
    if kept is None:
        return Finding(code="index-missing", path=path)
    facts = {"place": "", "why": "it was written again from the catalog", "kept": kept}
    return Finding(code="index-damaged", path=path, facts=facts)
