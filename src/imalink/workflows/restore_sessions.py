"""What a storage has lost of its session indexes for good is written again from what the catalog remembers of them."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace

from imalink.catalog import session_export
from imalink.catalog.file_storages import StorageRecord
from imalink.core.earlier_index import complete
from imalink.core.finding import Finding
from imalink.core.ids import SessionUuid
from imalink.core.index import SessionIndex
from imalink.errors import IndexDamagedError, NotFoundError
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
        known = {each.number: each.session_uuid for each in session_export.list_indexes(db, record)}
    lost = (known.keys() - set(storage.indexes.list_sessions())) | (known.keys() & set(suspects))
    restored: list[int] = []
    findings: list[Finding] = []
    for number in sorted(lost):
        if storage.can_rebuild(number):
            continue
        index = _export(tools, record, storage, known[number])
        if index is None:
            continue
        findings.append(_put_back(storage, index))
        restored.append(number)
    return restored, findings


def find_set_back(tools: Tools, record: StorageRecord, storage: FileStorage) -> dict[SessionUuid, int]:
    """Give the sessions, with the numbers of their files, whose index is gone or of an earlier state than the catalog
    has read there: those of a storage that was put back to an older copy of itself.

    Only the head of each index is read. What a storage can rebuild by itself is not counted, nor what cannot be read.
    """
    with tools.catalog.read() as db:
        known = session_export.list_indexes(db, record)
    if not known:
        return {}
    standing: dict[str, tuple[int, int]] = {}
    unreadable: set[int] = set()
    numbers = storage.indexes.list_sessions()
    for number in numbers:
        try:
            state = storage.indexes.peek_state(number)
        except (IndexDamagedError, NotFoundError):
            unreadable.add(number)
            continue
        standing[state.session_uuid] = number, state.generation
    found: dict[SessionUuid, int] = {}
    for each in known:
        number, generation = standing.get(each.session_uuid, (each.number, -1))
        is_lost = each.session_uuid not in standing
        if is_lost and (number in unreadable or (number not in numbers and storage.can_rebuild(number))):
            continue
        if generation < each.generation:
            found[each.session_uuid] = number
    return found


def complete_sessions(
    tools: Tools, record: StorageRecord, storage: FileStorage, set_back: dict[SessionUuid, int]
) -> tuple[list[int], list[Finding]]:
    """Put back into session indexes what ``find_set_back`` found them to lack, and tell which were written.

    The caller holds the lock and folds afterwards, checking these sessions. Raises StorageError.
    """
    written: list[int] = []
    findings: list[Finding] = []
    for session_uuid, number in set_back.items():
        before = _export(tools, record, storage, session_uuid)
        if before is None:
            continue
        standing = _load(storage, number)
        if standing is not None and standing.session.session_uuid == session_uuid:
            completed = complete(standing, before)
            if completed is None:
                continue
            index, files, words = completed.index, completed.lost_files, completed.lost_words
        else:
            free = max([number, *storage.indexes.list_sessions()]) + 1 if standing is not None else number
            session = replace(before.session, number=free)
            index = replace(before, session=session, generation=before.generation + 1)
            files, words = len(before.files), 0
        storage.indexes.put_back_session(index)
        written.append(index.session.number)
        path = storage.layout.session_path(index.session.number)
        facts = {"session": index.session.title, "lost_files": files, "lost_words": words}
        findings.append(Finding(code="storage-set-back", path=path, facts=facts))
    return written, findings


def _load(storage: FileStorage, number: int) -> SessionIndex | None:
    with suppress(NotFoundError, IndexDamagedError):
        return storage.indexes.load_session(number).index
    return None


def _export(
    tools: Tools, record: StorageRecord, storage: FileStorage, session_uuid: SessionUuid
) -> SessionIndex | None:
    """Give what the catalog remembers of an index, under the name that the storage's folder has now."""
    with tools.catalog.read() as db:
        index = session_export.export_index(db, record, session_uuid)
    return None if index is None else replace(index, storage_directory=storage.path.name)


def _put_back(storage: FileStorage, index: SessionIndex) -> Finding:
    path = storage.layout.session_path(index.session.number)
    kept = storage.indexes.put_back_session(index)
    if kept is None:
        return Finding(code="index-missing", path=path)
    facts = {"place": "", "why": "it was written again from the catalog", "kept": kept}
    return Finding(code="index-damaged", path=path, facts=facts)
