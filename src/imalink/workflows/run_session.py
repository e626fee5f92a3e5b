"""The session of a run: begun in catalog and storage together, ended with what was counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

from imalink.catalog import import_sessions
from imalink.catalog.file_storages import StorageRecord
from imalink.catalog.import_sessions import SessionRecord
from imalink.core.duplicate import Fate
from imalink.core.finding import Finding, Severity
from imalink.core.ids import RunUuid, SessionUuid
from imalink.core.journal import RunBegin, RunEnd
from imalink.core.progress import Progress
from imalink.core.run_request import RunRequest
from imalink.core.session import Author, ImportSession, ImportStatistics, SessionStatus, named_author
from imalink.core.timestamps import format_instant
from imalink.errors import RUN_AGAIN, CancelledError, CatalogError, ImalinkError, WrongStateError
from imalink.storage.file_storage import FileStorage
from imalink.storage.fold import FoldResult
from imalink.storage.staging import ImportRun
from imalink.workflows.session_key import session_key
from imalink.workflows.storage_access import fold_notes, project_fold
from imalink.workflows.tools import Tools


@dataclass(slots=True)
class RunCounts:
    """What a run has counted so far."""

    new_imports: int = 0
    duplicates: int = 0
    companions: int = 0
    ignored: int = 0
    errors: int = 0
    size_bytes: int = 0
    fates: Counter[Fate] = field(default_factory=Counter[Fate])
    """How many pictures met which fate; each is also in one of the counts above."""

    def statistics(self) -> ImportStatistics:
        """Give the counts as a session keeps them; every file that was seen is in one of them."""
        return ImportStatistics(
            total_scanned=self.new_imports + self.duplicates + self.companions + self.ignored + self.errors,
            new_imports=self.new_imports,
            duplicates_skipped=self.duplicates,
            companions=self.companions,
            ignored=self.ignored,
            errors=self.errors,
            total_size_bytes=self.size_bytes,
        )


def next_session_number(tools: Tools, storage: FileStorage) -> int:
    """Give the number that a session begun now would get."""
    with tools.catalog.read() as db:
        return import_sessions.allocate_number(db, storage.indexes.list_sessions())


def begin_session(
    tools: Tools,
    record: StorageRecord,
    storage: FileStorage,
    run: ImportRun,
    *,
    title: str,
    description: str = "",
    source_path: str = "",
    author: str | None = None,
    request: RunRequest | None = None,
) -> ImportSession:
    """Remember the session under a number that is free in the catalog and in the storage, and begin the run.

    The catalog knows of it first: an import that is killed once its first line is durable is never out of sight.
    ``request`` is what its resumption needs to know.
    """
    now = format_instant(tools.clock.now())
    with tools.catalog.begin() as db:
        session = ImportSession(
            number=import_sessions.allocate_number(db, storage.indexes.list_sessions()),
            session_uuid=SessionUuid(tools.new_uuid()),
            title=title,
            description=description,
            imported_at=now,
            default_author=named_author(author),
            file_storage_id=record.id,
            source_path=source_path,
            status=SessionStatus.RUNNING,
            copy_started_at=now,
        )
        known = import_sessions.create_session(db, session, storage_uuid=record.storage_uuid)
        session = replace(session, default_author_id=known.session.default_author_id)
    _start(tools, storage, run, session, started_at=now, request=request)
    return session


def _start(
    tools: Tools,
    storage: FileStorage,
    run: ImportRun,
    session: ImportSession,
    *,
    started_at: str,
    request: RunRequest | None,
    resumes: RunUuid | None = None,
) -> None:
    """Write the first line of a run, durable; without it the session is as it was before."""
    try:
        run.start(
            RunBegin(
                run_uuid=run.run_uuid,
                storage_uuid=storage.storage_uuid,
                session=session,
                writer=tools.writer,
                started_at=started_at,
                lamport=storage.journals.last_lamport(),
                request=request,
                resumes=resumes,
            )
        )
    except ImalinkError:
        with tools.catalog.begin() as db:
            import_sessions.settle_session(db, session.session_uuid)
        raise


def get_open_session(tools: Tools, text: str) -> SessionRecord:
    """Give the session, by number or UUID, that is to get a further run. Raises NotFoundError, UsageError."""
    with tools.catalog.read() as db:
        known = import_sessions.get_session(db, session_key(text))
    if known.session.status is SessionStatus.ROLLED_BACK:
        raise WrongStateError(
            f"Session {known.session.number} was rolled back; nothing can come into it any more.",
            hint="Import under a title of its own.",
        )
    return known


def number_in(tools: Tools, storage: FileStorage, known: SessionRecord) -> int:
    """Give the number that a session's file has in a storage, or would get there: its own, unless that is taken."""
    if any(place.storage_uuid == storage.storage_uuid for place in known.places):
        return known.number_in(storage.storage_uuid)
    if known.session.number not in storage.indexes.list_sessions():
        return known.session.number
    return next_session_number(tools, storage)


def begin_further_run(
    tools: Tools,
    storage: FileStorage,
    run: ImportRun,
    known: SessionRecord,
    *,
    source_path: str,
    author: str | None = None,
    request: RunRequest | None = None,
    resumes: RunUuid | None = None,
) -> ImportSession:
    """Begin a run of a session that is known already; give the session as the run's indexes will head it.

    The run's first line has this run's source, the session keeps its first one. ``resumes`` is the first of the
    interrupted runs that this one goes on with.
    """
    now = format_instant(tools.clock.now())
    session = replace(
        known.session,
        number=number_in(tools, storage, known),
        default_author=known.session.default_author or (None if author is None else Author(name=author)),
        source_path=known.session.source_path or source_path,
        status=SessionStatus.RUNNING,
        copy_started_at=known.session.copy_started_at or now,
        copy_completed_at=None,
    )
    with tools.catalog.begin() as db:
        import_sessions.update_session(db, session.session_uuid, status=SessionStatus.RUNNING)
    of_run = replace(session, source_path=source_path)
    _start(tools, storage, run, of_run, started_at=now, request=request, resumes=resumes)
    return session


def abandon_run(tools: Tools, run: ImportRun, session: ImportSession) -> None:
    """End a run that brought nothing as if it had never begun; a session made for it is forgotten."""
    with tools.catalog.begin() as db:
        import_sessions.settle_session(db, session.session_uuid)
    run.close()
    run.clean_up()


def commit_run(
    tools: Tools,
    record: StorageRecord,
    storage: FileStorage,
    run: ImportRun,
    session: ImportSession,
    *,
    findings: list[Finding],
    counts: RunCounts,
    progress: Progress,
    earlier: SessionStatus | None = None,
) -> tuple[ImportSession, FoldResult]:
    """Make a run a fact and fold it; give its session as it ended. From the commit on, what it placed is imported.

    ``earlier`` is how the session's runs before had ended, those that this one goes on with left out.
    """
    ended = format_instant(tools.clock.now())
    status = status_after(findings)
    if earlier in (SessionStatus.COMPLETED_WITH_FINDINGS, SessionStatus.INTERRUPTED):
        status = earlier  # what they found still asks for a look, and what they left undone is still to be done
    session = replace(session, status=status, copy_completed_at=ended)
    storage.root.verify_identity()
    run.commit(RunEnd(finished_at=ended, session=session, statistics=counts.statistics()), findings)
    progress.start_phase("index")
    result = storage.fold(fold_notes(storage, record))
    run.clean_up()
    return session, result


def keep_interrupted(
    tools: Tools,
    record: StorageRecord,
    storage: FileStorage,
    run: ImportRun,
    session: ImportSession,
    *,
    findings: Sequence[Finding],
    counts: RunCounts,
) -> None:
    """Make what a run has brought so far a fact, fold and project it, as recovery would; the rest can be resumed.

    Everything planned is placed. ``findings`` are those of what is in.
    """
    ended = format_instant(tools.clock.now())
    session = replace(session, status=SessionStatus.INTERRUPTED)
    # What stayed at the source is counted by the run that comes to its end.
    brought = RunCounts(
        new_imports=counts.new_imports, companions=counts.companions, size_bytes=counts.size_bytes
    ).statistics()
    told = Finding(
        code="run-interrupted",
        path=session.source_path,
        facts={"kept": counts.new_imports, "session": session.title},
    )
    storage.root.verify_identity()
    run.commit(RunEnd(finished_at=ended, session=session, statistics=brought, is_interrupted=True), [told, *findings])
    result = storage.fold(fold_notes(storage, record))
    project_fold(tools, record, result)
    run.clean_up()


def note_interruption(
    tools: Tools, session: ImportSession, statistics: ImportStatistics, *, earlier: ImportStatistics | None = None
) -> None:
    """Say in the catalog that a session's run did not come to its end; ``earlier`` is what those before counted.

    Where that cannot be written (its disk may be the one that is full) the session stays ``running``, which is settled
    when the storage is next worked on; what stopped the run is to be told, not this.
    """
    with suppress(CatalogError), tools.catalog.begin() as db:
        import_sessions.update_session(
            db,
            session.session_uuid,
            status=SessionStatus.INTERRUPTED,
            statistics=statistics if earlier is None else earlier + statistics,
        )


def tell_what_is_safe(
    error: ImalinkError,
    *,
    done_count: int,
    picture_count: int,
    session_number: int,
    what: str = "imported and verified",
    needs_source: bool = True,
) -> None:
    """Let an error that ends an import say how much of it is in, and how it goes on.

    ``needs_source`` says that the rest stands nowhere but at the source.
    """
    error.message += f" {done_count:,} of {picture_count:,} pictures are {what}; nothing is lost."
    if needs_source:
        error.message += " The source is still needed."
    how = f"`imalink sessions resume {session_number}` goes on where it stopped."
    first = error.hint.replace(RUN_AGAIN, ".")
    error.hint = f"{first} Then {how}" if first and not isinstance(error, CancelledError) else how


@contextmanager
def telling_what_is_imported() -> Generator[None]:
    """Let an error of the catalog, which is told last, say that the pictures are in the storage all the same."""
    try:
        yield
    except CatalogError as error:
        error.message += " All pictures of this import are in the storage and verified; only the catalog lacks them."
        error.hint += " Whatever works on the storage next tells the catalog."
        raise


def status_after(findings: list[Finding]) -> SessionStatus:
    """Give the status of a session whose run came to its end."""
    serious = any(finding.severity is not Severity.INFO for finding in findings)
    return SessionStatus.COMPLETED_WITH_FINDINGS if serious else SessionStatus.COMPLETED
