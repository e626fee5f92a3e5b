"""Import: copy a folder's pictures into a storage as one session, each verified, committed once, folded, projected."""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import closing
from dataclasses import replace

from imalink.catalog import import_sessions
from imalink.catalog.file_storages import StorageRecord
from imalink.catalog.import_sessions import SessionRecord
from imalink.core.duplicate import DuplicateAsker
from imalink.core.ids import RunUuid
from imalink.core.index import MasterIndex
from imalink.core.progress import ANALYSE_PHASE, COPY_PHASE, Progress, SilentProgress
from imalink.core.relative_path import RelativePath
from imalink.core.run_request import RunKind
from imalink.core.session import (
    ImportSession,
    SessionStatus,
    check_description,
    check_title,
)
from imalink.core.source_listing import SourceListing, size_with_companions
from imalink.errors import (
    CancelledError,
    ImalinkError,
    UsageError,
)
from imalink.storage.file_storage import FileStorage
from imalink.storage.fs import StorageFiles
from imalink.storage.ignore_rules import IgnoreRules, load_ignore_rules
from imalink.storage.root import StorageRoot
from imalink.storage.scanner import scan_source
from imalink.storage.staging import ImportRun
from imalink.workflows.follow_moves import follow_moves
from imalink.workflows.import_report import ImportReport, ImportRequest
from imalink.workflows.import_source import (
    note_request,
    open_source,
    refuse_nesting,
    require_importable,
    require_space,
    was_sent,
)
from imalink.workflows.import_tally import ImportTally
from imalink.workflows.incoming_shots import IncomingShot, IncomingShots
from imalink.workflows.mend_indexes import Mended, mend_indexes, peek_master
from imalink.workflows.plan_pictures import PicturePlanner
from imalink.workflows.replacing import Replacements
from imalink.workflows.resumption import Resumption, find_resumption
from imalink.workflows.run_session import (
    abandon_run,
    begin_further_run,
    begin_session,
    commit_run,
    get_open_session,
    keep_interrupted,
    next_session_number,
    note_interruption,
    number_in,
    status_after,
    tell_what_is_safe,
    telling_what_is_imported,
)
from imalink.workflows.source_pictures import find_hidden_pictures, list_pictures
from imalink.workflows.staged_group import StagedGroup
from imalink.workflows.storage_access import open_storage, project_fold
from imalink.workflows.take_back import take_back_failed
from imalink.workflows.target_names import TargetNames
from imalink.workflows.tools import Tools

_log = logging.getLogger(__name__)


def import_photos(
    tools: Tools,
    record: StorageRecord,
    request: ImportRequest,
    *,
    progress: Progress | None = None,
    asker: DuplicateAsker | None = None,
) -> ImportReport:
    """Import a folder into a storage.

    The source is only read; a dry run writes nothing anywhere and asks nothing. ``asker`` puts questions to the user
    where the request leaves duplicates to them; without it these stay at the source, undecided.

    A file that cannot be read or verified is a finding and the rest goes on; trouble with the storage stops the import
    and leaves it to be finished when the storage is next worked on, or takes it back if the request says so. Protocol:
    docs/format/durability.md. Raises UsageError, StorageError, CancelledError.
    """
    progress = progress or SilentProgress()
    if request.session is None:
        request = replace(request, title=check_title(request.title), description=check_description(request.description))
    elif request.takes_back_on_failure:
        raise UsageError(
            "What came into the session before would be taken back too. Nothing was changed.",
            hint="Leave out --rollback-on-failure, or --session.",
        )
    begun: list[_Import] = []
    try:
        return _import(tools, record, request, progress, asker, begun)
    except ImalinkError as error:
        for each in begun:
            each.take_back_or_tell(error)
        raise


def _import(
    tools: Tools,
    record: StorageRecord,
    request: ImportRequest,
    progress: Progress,
    asker: DuplicateAsker | None,
    begun: list[_Import],
) -> ImportReport:
    with open_source(request.source, tools) as source, open_storage(tools, record) as storage:
        require_importable(storage)
        refuse_nesting(source, storage)
        if request.dry_run:
            mended = Mended(master=peek_master(storage), findings=())
            return _begin(tools, record, storage, source, request, mended, progress, None).rehearse()
        follow_moves(tools, record, progress)
        with storage.lock("import"):
            mended = mend_indexes(tools, record, storage)
            work = _begin(tools, record, storage, source, request, mended, progress, asker)
            begun.append(work)
            return work.run()


def _begin(
    tools: Tools,
    record: StorageRecord,
    storage: FileStorage,
    source: StorageRoot,
    request: ImportRequest,
    mended: Mended,
    progress: Progress,
    asker: DuplicateAsker | None,
) -> _Import:
    """Walk the source and sort what it holds; of an import that goes on, what is in already is left out."""
    known = None
    if request.session is not None:
        known = get_open_session(tools, request.session)
        request = replace(request, title=known.session.title)
    progress.start_phase("scan")
    # A file sent over HTTP is a file like others, and rules nothing.
    left_out = IgnoreRules() if was_sent(source, storage) else load_ignore_rules(StorageFiles(source), None)
    ignore = left_out.and_also(request.exclude)
    ignore.check()
    scanned = scan_source(source, ignore=ignore, checkpoint=lambda _: progress.checkpoint())
    listing = list_pictures(StorageFiles(source), scanned.files, analyser=tools.analyser)
    tally = ImportTally(progress, ignored=len(listing.ignored))
    hidden = find_hidden_pictures(source, scanned, progress)
    tally.findings.extend((*mended.findings, *scanned.findings, *listing.findings, *hidden))
    tally.count_unread(scanned.findings)
    tally.excluded_count = len(scanned.excluded)
    resumption = None
    if known is not None:
        resumption = find_resumption(tools, storage, source, request, known, listing, mended.master)
    if resumption is not None:
        tally.go_on_with(resumption.interrupted)
        listing = resumption.rest
    return _Import(
        tools, record, storage, source, request, listing, mended.master, progress, asker, known, tally, resumption
    )


class _Import:
    """One import in progress: its steps in order."""

    def __init__(
        self,
        tools: Tools,
        record: StorageRecord,
        storage: FileStorage,
        source: StorageRoot,
        request: ImportRequest,
        listing: SourceListing,
        master: MasterIndex,
        progress: Progress,
        asker: DuplicateAsker | None,
        known_session: SessionRecord | None,
        tally: ImportTally,
        resumption: Resumption | None,
    ) -> None:
        self._tools = tools
        self._record = record
        self._storage = storage
        self._request = request
        self._listing = listing
        self._progress = progress
        self._known_session = known_session
        self._tally = tally
        self._resumption = resumption
        self._done = resumption.done if resumption is not None else ()
        self._placed_count = 0
        self._failed: ImportSession | None = None
        self._source_path = RelativePath(str(source.path)).printable()
        self._asked = note_request(
            RunKind.IMPORT,
            request,
            source,
            picture_count=len(listing.pictures) + len(self._done),
            size_bytes=listing.total_bytes + sum(map(size_with_companions, self._done)),
        )
        self._names = TargetNames(storage)
        self._group = StagedGroup(storage, self._names)
        self._replacements = Replacements(tools, storage, self._names)
        self._shots = IncomingShots(
            tools,
            storage,
            StorageFiles(source),
            request,
            master,
            self._names,
            self._replacements,
            tally,
            asker=asker,
            settled=resumption.settled if resumption is not None else {},
        )
        self._planner = PicturePlanner(tools, self._names, self._shots, tally)

    def rehearse(self) -> ImportReport:
        """Say what the import would do, having read the pictures and written nothing."""
        if self._known_session is None:
            number = next_session_number(self._tools, self._storage)
        else:
            number = number_in(self._tools, self._storage, self._known_session)
        self._start_phases()
        with closing(self._decided(None, number)) as found:
            for each in found:
                for picture, clips in each.files():
                    member = self._planner.with_clips(picture, clips)
                    assert member.target is not None
                    photo_uuid = self._shots.photo_of(member, each.shot)
                    self._shots.take_note(member.fingerprint, member.target, photo_uuid)
                    self._tally.count_new(member.fingerprint, member.picture.companions)
                    self._tally.list_file(member.picture.file, member.target)
                    for clip in clips:
                        self._tally.count_companion(clip.fingerprint.size_bytes)
        self._tally.count_replaced(self._replacements)
        return self._tally.report(None, None, SessionStatus.CREATED)

    def run(self) -> ImportReport:
        """Do it: stage and place in groups, commit, fold, project. What brings nothing leaves no trace."""
        require_space(self._tools, self._storage, self._listing)
        known = self._known_session
        with ImportRun(self._storage.files, RunUuid(self._tools.new_uuid())) as run:
            session = self._begin_run(run)
            try:
                self._bring_in(run, session.number)
                if not self._tally.counts.new_imports and self._resumption is None:
                    abandon_run(self._tools, run, session)
                    number, session_uuid = (known.session.number, session.session_uuid) if known else (None, None)
                    report = self._tally.report(number, session_uuid, status_after(self._tally.findings))
                    return replace(report, copies_verified=True)
                session, result = commit_run(
                    self._tools,
                    self._record,
                    self._storage,
                    run,
                    session,
                    findings=self._tally.untold_findings(),
                    counts=self._tally.counts,
                    progress=self._progress,
                    earlier=self._earlier_status(),
                )
            except ImalinkError as error:
                if self._request.takes_back_on_failure:
                    self._group.give_up(run)
                is_kept = isinstance(error, CancelledError) and not self._request.takes_back_on_failure
                if not (is_kept and self._keep(run, session)):
                    earlier = known.statistics if known is not None else None
                    note_interruption(self._tools, session, self._tally.counts.statistics(), earlier=earlier)
                self._failed = session
                raise
        with telling_what_is_imported():
            self._tally.findings.extend((*result.findings, *project_fold(self._tools, self._record, result)))
        with self._tools.catalog.read() as db:
            number = import_sessions.get_session(db, session.session_uuid).session.number
        return replace(self._tally.report(number, session.session_uuid, session.status), copies_verified=True)

    def take_back_or_tell(self, error: ImalinkError) -> None:
        """Let an error that ended the import say how much is in and how it goes on, or that it was taken back.

        Nothing where the import had not begun, or had come to its end. The storage is not locked any more.
        """
        session = self._failed
        if session is None:
            return
        if self._request.takes_back_on_failure and take_back_failed(self._tools, session, error, self._progress):
            return
        tell_what_is_safe(
            error,
            done_count=self._tally.came_in_before + self._placed_count,
            picture_count=self._asked.picture_count,
            session_number=self._known_session.session.number if self._known_session is not None else session.number,
        )

    def _keep(self, run: ImportRun, session: ImportSession) -> bool:
        """Bring what is planned to its end after the user asked to stop; False: it is left to whoever comes next."""
        try:
            self._place(run)
            self._replacements.give_up(run)
            keep_interrupted(
                self._tools,
                self._record,
                self._storage,
                run,
                session,
                findings=self._tally.told_so_far(),
                counts=self._tally.counts,
            )
        except ImalinkError as error:
            _log.warning("what was imported is left to the next command: %s", error)
            return False
        return True

    def _begin_run(self, run: ImportRun) -> ImportSession:
        if self._known_session is not None:
            return begin_further_run(
                self._tools,
                self._storage,
                run,
                self._known_session,
                source_path=self._source_path,
                author=self._request.author,
                request=self._asked,
                resumes=self._resumption.interrupted.import_uuid if self._resumption is not None else None,
            )
        return begin_session(
            self._tools,
            self._record,
            self._storage,
            run,
            title=self._request.title,
            description=self._request.description,
            source_path=self._source_path,
            author=self._request.author,
            request=self._asked,
        )

    def _earlier_status(self) -> SessionStatus | None:
        """Give how the session stands without this import."""
        if self._resumption is not None:
            return self._resumption.interrupted.earlier_status
        return self._known_session.session.status if self._known_session is not None else None

    def _start_phases(self) -> None:
        for name in (COPY_PHASE, ANALYSE_PHASE):
            total_files, total_bytes = len(self._listing.pictures), self._listing.total_bytes
            self._progress.start_phase(name, total_files=total_files, total_bytes=total_bytes)

    def _place(self, run: ImportRun) -> None:
        placed = self._group.place(run)
        self._placed_count += len(placed)
        self._tally.files.extend(placed)

    def _bring_in(self, run: ImportRun, session_number: int) -> None:
        """Stage, place and replace."""
        self._start_phases()
        with closing(self._decided(run, session_number)) as found:
            for each in found:
                for picture, clips in each.files():
                    member = self._planner.with_clips(picture, clips)
                    self._group.add(self._planner.plan(run, member, clips, each))
                if self._group.is_due:
                    self._place(run)
        self._place(run)
        self._tally.findings.extend(self._group.findings)
        self._replacements.carry_out(run)
        self._tally.count_replaced(self._replacements)

    def _decided(self, run: ImportRun | None, session_number: int) -> Generator[IncomingShot]:
        return self._shots.decide(self._listing, run, session_number=session_number, progress=self._progress)
