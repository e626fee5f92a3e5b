"""Write a session's index into its storage: also that of a session into which nothing came yet."""

from __future__ import annotations

from dataclasses import dataclass, replace

from imalink.catalog import file_storages, import_sessions
from imalink.catalog.file_storages import StorageRecord
from imalink.catalog.import_sessions import SessionRecord
from imalink.core.finding import Finding
from imalink.core.ids import RunUuid
from imalink.core.journal import RunBegin, RunEnd
from imalink.core.session import ImportStatistics, SessionStatus
from imalink.core.timestamps import format_instant
from imalink.errors import WrongStateError
from imalink.storage.file_storage import FileStorage
from imalink.storage.staging import ImportRun
from imalink.workflows.mend_indexes import mend_indexes
from imalink.workflows.regenerate_indexes import regenerate_indexes
from imalink.workflows.run_session import get_open_session, number_in
from imalink.workflows.session_key import session_key
from imalink.workflows.storage_access import fold_notes, open_storage, project_fold
from imalink.workflows.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionIndexed:
    """Where a session's index stands: ``number`` is that of its file in the storage, ``index_path`` its full path.

    ``is_written`` is False where a sound index stood there already.
    """

    session: SessionRecord
    storage: StorageRecord
    number: int
    index_path: str
    is_written: bool
    findings: tuple[Finding, ...]


def index_session(tools: Tools, text: str) -> SessionIndexed:
    """See to it that the session with this number or UUID has a sound index in its primary storage.

    One into which nothing came yet gets an empty index there, from which a recovery knows of it. Raises NotFoundError,
    UsageError for a session without a storage, StorageError.
    """
    with tools.catalog.read() as db:
        known = import_sessions.get_session(db, session_key(text))
    if known.storage_uuid is None:
        raise WrongStateError(
            f"Session {known.session.number} is meant for no storage, so its index has no place. Nothing was changed.",
            hint="Import something into it, or make it with a storage.",
        )
    with tools.catalog.read() as db:
        record = file_storages.get_storage(db, known.storage_uuid)
    if any(place.storage_uuid == record.storage_uuid for place in known.places):
        report = regenerate_indexes(tools, record, session=known.session.session_uuid)
        is_written, findings = bool(report.sessions), report.findings
    else:
        is_written, findings = True, _found(tools, record, get_open_session(tools, known.session.session_uuid))
    with tools.catalog.read() as db:
        known = import_sessions.get_session(db, known.session.session_uuid)
    with open_storage(tools, record, needs_pictures=False) as storage:
        number = known.number_in(record.storage_uuid)
        path = storage.files.root.path / storage.layout.session_path(number)
    return SessionIndexed(
        session=known,
        storage=record,
        number=number,
        index_path=str(path),
        is_written=is_written,
        findings=findings,
    )


def _found(tools: Tools, record: StorageRecord, known: SessionRecord) -> tuple[Finding, ...]:
    """Let a storage know of a session by a run that brings nothing; the session stays as it is."""
    with open_storage(tools, record) as storage, storage.lock("index"):
        mended = mend_indexes(tools, record, storage)
        with ImportRun(storage.files, RunUuid(tools.new_uuid())) as run:
            _commit_nothing(tools, storage, run, known)
            result = storage.fold(fold_notes(storage, record))
            run.clean_up()
        notes = project_fold(tools, record, result)
    return (*mended.findings, *result.findings, *notes)


def _commit_nothing(tools: Tools, storage: FileStorage, run: ImportRun, known: SessionRecord) -> None:
    now = format_instant(tools.clock.now())
    session = replace(known.session, number=number_in(tools, storage, known), status=SessionStatus.CREATED)
    run.start(
        RunBegin(
            run_uuid=run.run_uuid,
            storage_uuid=storage.storage_uuid,
            session=session,
            writer=tools.writer,
            started_at=now,
            lamport=storage.journals.last_lamport(),
        )
    )
    storage.root.verify_identity()
    run.commit(RunEnd(finished_at=now, session=session, statistics=ImportStatistics()), [])
