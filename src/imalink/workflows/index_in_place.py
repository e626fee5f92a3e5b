"""Indexing in place: pictures that stand in a storage already, but in no session, become one."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from imalink.catalog.file_storages import StorageRecord
from imalink.catalog.import_sessions import SessionRecord
from imalink.core.finding import Finding
from imalink.core.ids import PhotoUuid, RunUuid
from imalink.core.index import Companion, MasterIndex
from imalink.core.journal import IN_PLACE_SUFFIX, RunPlan
from imalink.core.picture import Fingerprint
from imalink.core.progress import ANALYSE_PHASE, COPY_PHASE, Progress
from imalink.core.relative_path import RelativePath
from imalink.core.run_request import PlanOrigin, RunRequest
from imalink.core.scan import ScannedFile
from imalink.core.session import ImportSession
from imalink.core.source_listing import SourceListing, SourcePicture, size_with_companions
from imalink.core.timestamps import format_instant
from imalink.errors import ImalinkError, NotFoundError, SourceError
from imalink.media.kinds import (
    companion_kind,
)
from imalink.storage.file_storage import FileStorage
from imalink.storage.fold import FoldResult
from imalink.storage.staging import ImportRun
from imalink.workflows.import_report import ImportReport, PlannedFile
from imalink.workflows.interrupted_imports import InterruptedImport
from imalink.workflows.known_pictures import KnownPictures
from imalink.workflows.new_entry import new_entry
from imalink.workflows.read_pictures import Incoming, PictureReader, ReadPicture, Unreadable
from imalink.workflows.run_session import (
    RunCounts,
    begin_further_run,
    begin_session,
    commit_run,
    note_interruption,
    tell_what_is_safe,
)
from imalink.workflows.shot_pairing import Member, PairedShot, ShotPairing
from imalink.workflows.source_pictures import list_pictures
from imalink.workflows.storage_access import project_fold
from imalink.workflows.tools import Tools
from imalink.workflows.verified_copy import fingerprint_source

GROUP_FILES = 50
QUIET_CODES = frozenset({"not-a-picture", "empty-file", "companion-without-picture"})
"""What is no picture in the user's own folder is the user's business, not a finding."""


def index_in_place(
    tools: Tools,
    record: StorageRecord,
    storage: FileStorage,
    master: MasterIndex,
    files: Mapping[RelativePath, ScannedFile],
    *,
    title: str,
    progress: Progress,
    description: str = "",
    author: str | None = None,
    findings: Sequence[Finding] = (),
    run_uuid: RunUuid | None = None,
    request: RunRequest | None = None,
    goes_on: tuple[SessionRecord, InterruptedImport] | None = None,
    into: SessionRecord | None = None,
) -> ImportReport:
    """Take the pictures among ``files``, with their companions, into a session where they stand: a new one or ``into``.

    Nothing of the user's is written or moved. A picture that cannot be read is a finding and stays out. The caller
    holds the lock and gives a master to believe, ``findings`` of the walk to be kept with the session, and the run's
    UUID if it has named it already. An interruption leaves what was read so far to be finished when the storage is next
    worked on; ``request`` is what a resumption then needs to know. ``goes_on`` is such an interrupted import, with its
    session, that the files come into instead. Raises StorageError, CancelledError.
    """
    listing = list_pictures(storage.pictures, files, analyser=tools.analyser)
    work = _InPlace(tools, record, storage, master, listing, progress, goes_on, into)
    work.findings.extend(findings)
    if request is not None:
        request = replace(request, picture_count=work.picture_count, size_bytes=listing.total_bytes)
    return work.run(
        title,
        description=description,
        author=author,
        run_uuid=run_uuid or RunUuid(tools.new_uuid()),
        request=request,
    )


class _InPlace:
    def __init__(
        self,
        tools: Tools,
        record: StorageRecord,
        storage: FileStorage,
        master: MasterIndex,
        listing: SourceListing,
        progress: Progress,
        goes_on: tuple[SessionRecord, InterruptedImport] | None,
        into: SessionRecord | None,
    ) -> None:
        self._goes_on = goes_on
        self._known_session = goes_on[0] if goes_on is not None else into
        self._before = goes_on[1].plans if goes_on is not None else ()
        self._tools = tools
        self._record = record
        self._storage = storage
        self._listing = listing
        self._progress = progress
        self.findings = [finding for finding in listing.findings if finding.code not in QUIET_CODES]
        self._counts = RunCounts(ignored=len(listing.ignored))
        self._known = KnownPictures(tools, master, storage=storage)
        self._pairing = ShotPairing(tools, self._known, storage.storage_uuid)
        self._photos: set[PhotoUuid] = set()
        self._files: list[PlannedFile] = []
        self._planned = 0

    @property
    def picture_count(self) -> int:
        """How many pictures there are, with those that earlier runs took in."""
        return len(self._before) + len(self._listing.pictures)

    def run(
        self, title: str, *, description: str, author: str | None, run_uuid: RunUuid, request: RunRequest | None
    ) -> ImportReport:
        """Read every picture, plan it where it stands, commit, fold, project."""
        started = time.monotonic()
        known = self._known_session
        with ImportRun(self._storage.files, run_uuid) as run:
            session = self._begin(run, title, description=description, author=author, request=request)
            number = known.session.number if known is not None else session.number
            try:
                session, result = self._carry_out(run, session)
            except ImalinkError as error:
                earlier = known.statistics if known is not None else None
                note_interruption(self._tools, session, self._counts.statistics(), earlier=earlier)
                if request is not None:
                    tell_what_is_safe(
                        error,
                        done_count=len(self._before) + self._counts.new_imports,
                        picture_count=self.picture_count,
                        session_number=number,
                        what="taken in",
                        needs_source=False,
                    )
                raise
        self.findings.extend((*result.findings, *project_fold(self._tools, self._record, result)))
        photos = {plan.entry.photo_uuid for plan in self._before if plan.origin is not None and plan.origin.opens_photo}
        statistics = self._counts.statistics()
        if self._goes_on is not None:
            statistics = self._goes_on[1].statistics + statistics
            self.findings[:0] = self._goes_on[1].findings
        return ImportReport(
            session_id=number,
            session_uuid=session.session_uuid,
            status=session.status,
            statistics=statistics,
            photos_created=len(self._photos | photos),
            findings=tuple(self.findings),
            files=tuple(self._files),
            seconds=round(time.monotonic() - started, 3),
            came_in_before=len(self._before),
        )

    def _begin(
        self, run: ImportRun, title: str, *, description: str, author: str | None, request: RunRequest | None
    ) -> ImportSession:
        source_path = RelativePath(str(self._storage.root.path)).printable()
        known = self._known_session
        if known is None:
            return begin_session(
                self._tools,
                self._record,
                self._storage,
                run,
                title=title,
                description=description,
                author=author,
                source_path=source_path,
                request=request,
            )
        return begin_further_run(
            self._tools,
            self._storage,
            run,
            known,
            source_path=source_path,
            author=author,
            request=request,
            resumes=self._goes_on[1].import_uuid if self._goes_on is not None else None,
        )

    def _carry_out(self, run: ImportRun, session: ImportSession) -> tuple[ImportSession, FoldResult]:
        for name in (COPY_PHASE, ANALYSE_PHASE):
            self._progress.start_phase(
                name, total_files=len(self._listing.pictures), total_bytes=self._listing.total_bytes
            )
        reader = PictureReader(
            self._storage.pictures,
            self._storage.files,
            None,
            run=None,
            analyser=self._tools.analyser,
            progress=self._progress,
        )
        with reader.read_ahead(self._listing, threads=self._tools.threads) as sets:
            for pictures in sets:
                self._take_in(run, pictures)
                if self._planned >= GROUP_FILES:
                    run.flush_plans()
                    self._planned = 0
        return commit_run(
            self._tools,
            self._record,
            self._storage,
            run,
            session,
            findings=self.findings,
            counts=self._counts,
            progress=self._progress,
            earlier=self._goes_on[1].earlier_status if self._goes_on is not None else None,
        )

    def _take_in(self, run: ImportRun, pictures: Sequence[ReadPicture]) -> None:
        """Pair pictures that were read and may be of one photo, and plan each."""
        members: list[Member] = []
        incoming: dict[RelativePath, Incoming] = {}
        for read in pictures:
            self._progress.checkpoint()
            file = read.picture.file
            if isinstance(read, Unreadable):
                self._fail(file, read.error)
                continue
            assert isinstance(read, Incoming)  # nobody asked what is archived
            self.findings.extend(read.findings)
            incoming[file.relative_path] = read
            members.append(
                Member(
                    picture=read.picture,
                    fingerprint=read.fingerprint,
                    facts=read.analysis.facts,
                    target=file.relative_path,
                )
            )
            size_bytes = size_with_companions(read.picture)
            self._progress.advance(files=1, size_bytes=size_bytes, current=file.relative_path.printable())
        for shot in self._pairing.pair(members):
            for at in shot.files:
                clips = [members[film] for film in shot.clips.get(at, ())]
                self._plan(run, members[at], clips, shot, incoming)

    def _plan(
        self,
        run: ImportRun,
        member: Member,
        clips: Sequence[Member],
        shot: PairedShot,
        incoming: Mapping[RelativePath, Incoming],
    ) -> None:
        found = incoming[member.path]
        companions = [self._clip(clip) for clip in clips]
        for owner in (member, *clips):
            companions.extend(self._companions(owner.picture))
        photo_uuid = self._photo_of(member, shot)
        entry = new_entry(
            member.picture.file,
            found.analysis,
            found.fingerprint,
            target=member.path,
            modified_ns=member.picture.file.modified_ns,
            photo_uuid=photo_uuid,
            companions=tuple(companions),
            imported_at=format_instant(self._tools.clock.now()),
        )
        preview = found.analysis.hotpreview
        if preview is not None and not self._storage.hotpreviews.keep(entry.hothash, preview.data):
            entry = replace(entry, hotpreview_rendition=None)
        # No file of that name is staged: whoever finishes the run after a crash finds the picture at its place.
        self._planned += 1
        name = f"{self._counts.new_imports + 1}{IN_PLACE_SUFFIX}"
        names = tuple(f"{name}.{number}" for number in range(len(companions)))
        owners = (member, *clips)
        origin = PlanOrigin(
            files=(),
            opens_photo=photo_uuid in self._photos,
            findings=tuple(each for owner in owners for each in incoming[owner.path].findings),
        )
        run.plan(RunPlan(staged_name=name, entry=entry, staged_companions=names, origin=origin))
        self._known.add(found.fingerprint, member.path, photo_uuid)
        self._counts.new_imports += 1
        self._counts.companions += len(companions)
        self._counts.size_bytes += entry.size_bytes + sum(companion.size_bytes for companion in companions)
        self._files.append(PlannedFile(source=member.path.printable(), target=member.path.printable()))

    def _photo_of(self, member: Member, shot: PairedShot) -> PhotoUuid:
        known = self._known.find_picture(member.fingerprint)
        if known is not None and known.photo_uuid is not None:
            return known.photo_uuid
        if shot.is_new:
            self._photos.add(shot.photo_uuid)
        return shot.photo_uuid

    def _clip(self, clip: Member) -> Companion:
        return _companion(clip.picture.file, clip.fingerprint)

    def _companions(self, picture: SourcePicture) -> Iterator[Companion]:
        for file in picture.companions:
            try:
                yield _companion(file, fingerprint_source(self._storage.pictures, file, analyser=self._tools.analyser))
            except SourceError as error:
                self._fail(file, error)

    def _fail(self, file: ScannedFile, error: ImalinkError) -> None:
        """Leave a file out that cannot be read, or is gone since the walk; a storage that is gone stops everything."""
        self._storage.root.verify_identity()
        if not isinstance(error.__cause__, NotFoundError):
            self._counts.errors += 1
            self.findings.append(Finding(code="storage-unreadable", path=file.relative_path.printable()))
        self._progress.advance(files=1, current=file.relative_path.printable())


def _companion(file: ScannedFile, fingerprint: Fingerprint) -> Companion:
    return Companion(
        relative_path=file.relative_path,
        sha256=fingerprint.sha256,
        size_bytes=fingerprint.size_bytes,
        modified_ns=file.modified_ns,
        kind=companion_kind(file.relative_path.name),
    )
