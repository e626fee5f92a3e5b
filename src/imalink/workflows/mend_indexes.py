"""Before a storage is worked on: finish interrupted runs, fold what waits, rebuild index files that are damaged."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from imalink.catalog import file_storages, import_sessions
from imalink.catalog.file_storages import StorageRecord
from imalink.core.finding import Finding
from imalink.core.index import MasterIndex
from imalink.core.session import SessionStatus
from imalink.errors import (
    IndexDamagedError,
    NotFoundError,
    OutOfSpaceError,
    SignatureDamagedError,
    StorageLockedError,
    StorageReadOnlyError,
)
from imalink.storage.file_storage import FileStorage
from imalink.workflows.drain_outbox import drain_outbox
from imalink.workflows.finish_runs import finish_interrupted_runs
from imalink.workflows.move_files import finish_moves
from imalink.workflows.restore_sessions import complete_sessions, find_set_back, restore_lost_sessions
from imalink.workflows.storage_access import fold_notes, project_all, project_fold
from imalink.workflows.tools import Tools

TellAll = Callable[[Tools, StorageRecord, FileStorage], list[Finding]]
"""Brings the catalog in step with everything a storage's indexes hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """A master that can be believed, and what was found on the way to it."""

    master: MasterIndex
    findings: tuple[Finding, ...]


def mend_indexes(
    tools: Tools,
    record: StorageRecord,
    storage: FileStorage,
    *,
    suspects: Collection[int] = (),
    tell_all: TellAll = project_all,
) -> Mended:
    """Make the indexes of a storage whole and up to date, and the catalog with them; does little when they are.

    Then tell it what waits in the outbox. ``suspects`` are session indexes to rebuild if they are damaged; ``tell_all``
    tells a catalog that is not in step everything. The caller holds the lock. Raises StorageError.
    """
    mended = _mend(tools, record, storage, suspects, tell_all)
    told = drain_outbox(tools, record, storage, master=mended.master)
    return mended if told is None else Mended(master=told.master, findings=(*mended.findings, *told.findings))


def _mend(
    tools: Tools, record: StorageRecord, storage: FileStorage, suspects: Collection[int], tell_all: TellAll
) -> Mended:
    is_in_step = _is_catalog_in_step(tools, record, storage)
    findings = [*finish_moves(tools, record, storage), *finish_interrupted_runs(tools, storage)]
    mended = _bring_in_step(tools, record, storage, suspects, findings, tell_all=None if is_in_step else tell_all)
    _end_sessions_of_dead_imports(tools, record)
    return mended


def _bring_in_step(
    tools: Tools,
    record: StorageRecord,
    storage: FileStorage,
    suspects: Collection[int],
    findings: list[Finding],
    *,
    tell_all: TellAll | None,
) -> Mended:
    """Fold what waits, rebuild what is damaged or was set back, and tell the catalog all if it is not in step."""
    set_back = {} if tell_all is None else find_set_back(tools, record, storage)
    completed, notes = complete_sessions(tools, record, storage, set_back)
    findings.extend(notes)
    if not findings and not suspects:
        master = _sound_master(storage)
        if master is not None:
            if tell_all is not None:
                findings.extend(tell_all(tools, record, storage))
            return Mended(master=master, findings=tuple(findings))
    restored, notes = restore_lost_sessions(tools, record, storage, suspects)
    findings.extend(notes)
    # The master of a storage that was set back is as old as its indexes were: it is made anew from all of them.
    result = storage.fold(fold_notes(storage, record), check_sessions={*suspects, *restored}, is_anew=bool(completed))
    findings.extend((*result.findings, *project_fold(tools, record, result)))
    if tell_all is not None:
        findings.extend(tell_all(tools, record, storage))
    return Mended(master=result.master, findings=tuple(findings))


def mend_set_back(tools: Tools, record: StorageRecord, storage: FileStorage, purpose: str) -> tuple[Finding, ...]:
    """Complete the indexes of a storage that was set back to an older copy of itself, before they are believed.

    Takes the lock for it; where it cannot be had or nothing be written, tells of the sessions only.
    """
    set_back = {} if _is_catalog_in_step(tools, record, storage) else find_set_back(tools, record, storage)
    if not set_back:
        return ()
    try:
        with storage.lock(purpose):
            return mend_indexes(tools, record, storage).findings
    except (StorageLockedError, StorageReadOnlyError, OutOfSpaceError, SignatureDamagedError):
        return tuple(
            Finding(code="storage-set-back", path=storage.layout.session_path(number)) for number in set_back.values()
        )


def peek_master(storage: FileStorage) -> MasterIndex:
    """Give the master as it stands, for a look that changes nothing; an empty one if it cannot be read."""
    try:
        return storage.indexes.load_master().index
    except (NotFoundError, IndexDamagedError):
        return MasterIndex(storage_uuid=storage.storage_uuid, files={})


def _is_catalog_in_step(tools: Tools, record: StorageRecord, storage: FileStorage) -> bool:
    """Tell whether the catalog holds what the master says: not after a crash before it was told, nor when another
    machine worked there.
    """
    with tools.catalog.read() as db:
        known = file_storages.find_storage(db, record.storage_uuid)
    digest = storage.indexes.claimed_master_digest()
    return digest is not None and known is not None and known.master_digest == digest


def _sound_master(storage: FileStorage) -> MasterIndex | None:
    """Give the master if it, the overview and the set of session files are as ImaLink left them, and all is folded."""
    try:
        master = storage.indexes.load_master()
        overview = storage.indexes.load_overview()
    except (NotFoundError, IndexDamagedError):
        return None
    named = {summary.number for summary in overview.index.sessions}
    is_sound = (
        master.is_intact is not False
        and overview.is_intact is not False
        and named == set(storage.indexes.list_sessions())
        and overview.index.total_files == master.index.total_files
        and storage.is_folded(master.index)
    )
    return master.index if is_sound else None


def _end_sessions_of_dead_imports(tools: Tools, record: StorageRecord) -> None:
    """Settle sessions that still say ``running``: we hold the storage's lock, so no import of it runs.

    What such an import left was finished before, and is in the catalog: the session is as its indexes say. One that
    is ``interrupted`` here and stands in no index came to nothing, and another machine has cleared it away.
    """
    with tools.catalog.read() as db:
        dead = [
            each.session.session_uuid
            for each in import_sessions.list_sessions(db, storage_uuid=record.storage_uuid)
            if each.session.status is SessionStatus.RUNNING
            or (each.session.status is SessionStatus.INTERRUPTED and not each.places)
        ]
    if dead:
        with tools.catalog.begin() as db:
            for session_uuid in dead:
                import_sessions.settle_session(db, session_uuid)
