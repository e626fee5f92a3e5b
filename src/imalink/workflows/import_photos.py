"""Import: copy a folder's pictures into a storage as one session, each verified, committed once, folded, projected."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace

from imalink.catalog import import_sessions
from imalink.catalog.file_storages import StorageRecord
from imalink.catalog.import_sessions import SessionRecord
from imalink.core.analyser import Analysis
from imalink.core.duplicate import DuplicateAsker, Fate
from imalink.core.finding import Finding, Severity
from imalink.core.ids import PhotoUuid, RunUuid, SessionUuid, photo_uuid_of
from imalink.core.index import Companion, MasterIndex
from imalink.core.journal import RunPlan
from imalink.core.organization import companion_target
from imalink.core.path_template import NamedPicture
from imalink.core.picture import Fingerprint
from imalink.core.progress import Progress, SilentProgress
from imalink.core.relative_path import RelativePath
from imalink.core.scan import ScannedFile
from imalink.core.session import (
    ImportSession,
    SessionStatus,
    check_description,
    check_title,
)
from imalink.core.source_listing import SourceListing, SourcePicture
from imalink.core.timestamps import format_instant
from imalink.errors import (
    ImalinkError,
    InvalidPathError,
    SourceError,
)
from imalink.media.kinds import companion_kind
from imalink.storage.file_storage import FileStorage
from imalink.storage.fs import StorageFiles
from imalink.storage.ignore_rules import load_ignore_rules
from imalink.storage.root import StorageRoot
from imalink.storage.scanner import scan_source
from imalink.storage.staging import ImportRun
from imalink.workflows.duplicate_decisions import DuplicateDecisions, Judgement
from imalink.workflows.import_report import ImportReport, ImportRequest, PlannedFile
from imalink.workflows.import_source import open_source, refuse_nesting, require_importable, require_space
from imalink.workflows.known_pictures import KnownPictures
from imalink.workflows.mend_indexes import Mended, mend_indexes, peek_master
from imalink.workflows.new_entry import capture_time_of, new_entry
from imalink.workflows.read_pictures import (
    FILE_TROUBLE,
    Archived,
    Incoming,
    PictureReader,
    ReadPicture,
    Unreadable,
    numbered_sets,
)
from imalink.workflows.replaceable import ReplaceTarget
from imalink.workflows.replacing import Replacements
from imalink.workflows.run_session import (
    RunCounts,
    abandon_run,
    begin_further_run,
    begin_session,
    commit_run,
    get_open_session,
    next_session_number,
    note_interruption,
    number_in,
    status_after,
)
from imalink.workflows.shot_pairing import Member, PairedShot, ShotPairing
from imalink.workflows.source_pictures import list_pictures
from imalink.workflows.staged_group import StagedGroup, StagedPicture
from imalink.workflows.storage_access import open_storage, project_fold
from imalink.workflows.target_names import TargetNames
from imalink.workflows.tools import Tools
from imalink.workflows.verified_copy import StagedCopy, fingerprint_source
from imalink.workflows.working_ahead import work_ahead


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
    and leaves it to be finished when the storage is next worked on. Protocol: docs/format/durability.md. Raises
    UsageError, StorageError, CancelledError.
    """
    started = time.monotonic()
    progress = progress or SilentProgress()
    if request.session is None:
        request = replace(request, title=check_title(request.title), description=check_description(request.description))
    with open_source(request.source, tools) as source, open_storage(tools, record) as storage:
        require_importable(storage)
        refuse_nesting(source, storage)
        if request.dry_run:
            mended = Mended(master=peek_master(storage), findings=())
            return _begin(tools, record, storage, source, request, mended, progress, None).rehearse(started)
        with storage.lock("import"):
            mended = mend_indexes(tools, record, storage)
            return _begin(tools, record, storage, source, request, mended, progress, asker).run(started)


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
    """Walk the source and sort what it holds."""
    known = None
    if request.session is not None:
        known = get_open_session(tools, request.session)
        request = replace(request, title=known.session.title)
    progress.start_phase("scan")
    ignore = load_ignore_rules(StorageFiles(source), None).and_also(request.exclude)
    ignore.check()
    scanned = scan_source(source, ignore=ignore, checkpoint=lambda _: progress.checkpoint())
    listing = list_pictures(StorageFiles(source), scanned.files, analyser=tools.analyser)
    work = _Import(tools, record, storage, source, request, listing, mended.master, progress, asker, known)
    work.findings.extend((*mended.findings, *scanned.findings, *listing.findings))
    work.count_unread(scanned.findings)
    work.excluded_count = len(scanned.excluded)
    return work


_IncomingFiles = Mapping[RelativePath, Incoming]


class _Import:
    """One import in progress: its steps in order, and what they have found and counted."""

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
    ) -> None:
        self._known_session = known_session
        self.excluded_count = 0
        self._tools = tools
        self._record = record
        self._storage = storage
        self._source = StorageFiles(source)
        self._request = request
        self._listing = listing
        self._progress = progress
        self.findings: list[Finding] = []
        self._counts = RunCounts(ignored=len(listing.ignored))
        self._known = KnownPictures(tools, master, storage=storage)
        self._decisions = DuplicateDecisions(
            tools,
            self._known,
            storage,
            master,
            policy=request.duplicates,
            includes_deleted=request.includes_deleted,
            asker=asker,
        )
        self._further: set[RelativePath] = set()
        self._pairing = ShotPairing(tools, self._known, storage.storage_uuid)
        self._names = TargetNames(storage)
        self._session_number = 0
        self._files: list[PlannedFile] = []
        self._photos: set[PhotoUuid] = set()
        self._group = StagedGroup(storage, self._names)
        self._replacements = Replacements(tools, storage, self._names)

    def count_unread(self, findings: tuple[Finding, ...]) -> None:
        """Count what the walk could not read or did not follow."""
        for finding in findings:
            if finding.severity is Severity.ERROR:
                self._counts.errors += 1
            elif finding.code in ("source-symlink", "source-special"):
                self._counts.ignored += 1

    def rehearse(self, started: float) -> ImportReport:
        """Say what the import would do, having read the pictures and written nothing."""
        if self._known_session is None:
            self._session_number = next_session_number(self._tools, self._storage)
        else:
            self._session_number = number_in(self._tools, self._storage, self._known_session)
        self._progress.start_phase("analyse", total_files=len(self._listing.pictures))
        with closing(self._shots(run=None)) as shots:
            for shot, members, _ in shots:
                for at in shot.files:
                    clips = [members[film] for film in shot.clips.get(at, ())]
                    member = self._with_clips(members[at], clips)
                    assert member.target is not None
                    photo_uuid = self._photo_of(member, shot)
                    self._count_new(member.fingerprint, member.target, photo_uuid, member.picture)
                    self._counts.companions += len(clips)
                    self._counts.size_bytes += sum(clip.fingerprint.size_bytes for clip in clips)
        self._count_replaced()
        return self._report(None, None, SessionStatus.CREATED, started)

    def run(self, started: float) -> ImportReport:
        """Do it: stage and place in groups, commit, fold, project. What brings nothing leaves no trace."""
        require_space(self._storage, self._listing)
        known = self._known_session
        with ImportRun(self._storage.files, RunUuid(self._tools.new_uuid())) as run:
            session = self._begin_run(run)
            self._session_number = session.number
            try:
                self._bring_in(run)
                if not self._counts.new_imports:
                    abandon_run(self._tools, run, session)
                    number, session_uuid = (known.session.number, session.session_uuid) if known else (None, None)
                    return self._report(number, session_uuid, status_after(self.findings), started)
                session, result = commit_run(
                    self._tools,
                    self._record,
                    self._storage,
                    run,
                    session,
                    findings=self.findings,
                    counts=self._counts,
                    progress=self._progress,
                    earlier=known.session.status if known is not None else None,
                )
            except ImalinkError:
                earlier = known.statistics if known is not None else None
                note_interruption(self._tools, session, self._counts.statistics(), earlier=earlier)
                raise
        self.findings.extend((*result.findings, *project_fold(self._tools, self._record, result)))
        with self._tools.catalog.read() as db:
            number = import_sessions.get_session(db, session.session_uuid).session.number
        return self._report(number, session.session_uuid, session.status, started)

    def _begin_run(self, run: ImportRun) -> ImportSession:
        source_path = RelativePath(str(self._source.root.path)).printable()
        if self._known_session is not None:
            return begin_further_run(
                self._tools,
                self._storage,
                run,
                self._known_session,
                source_path=source_path,
                author=self._request.author,
            )
        return begin_session(
            self._tools,
            self._record,
            self._storage,
            run,
            title=self._request.title,
            description=self._request.description,
            source_path=source_path,
            author=self._request.author,
        )

    def _bring_in(self, run: ImportRun) -> None:
        """Stage, place and replace."""
        self._progress.start_phase(
            "copy", total_files=len(self._listing.pictures), total_bytes=self._listing.total_bytes
        )
        with closing(self._shots(run)) as shots:
            for shot, members, incoming in shots:
                for at in shot.files:
                    clips = [members[film] for film in shot.clips.get(at, ())]
                    self._plan(run, self._with_clips(members[at], clips), clips, shot, incoming)
                if self._group.is_due:
                    self._files.extend(self._group.place(run))
        self._files.extend(self._group.place(run))
        self.findings.extend(self._group.findings)
        self._replacements.carry_out(run)
        self._count_replaced()

    # pictures that may be of one photo

    def _shots(self, run: ImportRun | None) -> Generator[tuple[PairedShot, list[Member], _IncomingFiles]]:
        """Give what comes in, photo by photo, in the order of the source; it is read ahead, decided here."""
        reader = PictureReader(
            self._source,
            self._storage.files,
            self._known,
            run=run,
            analyser=self._tools.analyser,
            may_take_in=self._decisions.may_take_in,
        )
        with work_ahead(
            numbered_sets(self._listing),
            reader.read,
            threads=self._tools.threads,
            checkpoint=self._progress.checkpoint,
        ) as sets:
            for pictures in sets:
                self._progress.checkpoint()
                members: list[Member] = []
                incoming: dict[RelativePath, Incoming] = {}
                for read in pictures:
                    self._sort_in(run, read, reader, members, incoming, is_alone=len(pictures) == 1)
                for shot in self._pairing.pair(members):
                    yield shot, members, incoming

    def _sort_in(
        self,
        run: ImportRun | None,
        read: ReadPicture,
        reader: PictureReader,
        members: list[Member],
        incoming: dict[RelativePath, Incoming],
        *,
        is_alone: bool,
    ) -> None:
        """Let a picture that was read come in, unless it is known or could not be read."""
        picture = read.picture
        if isinstance(read, Unreadable):
            self._fail(picture, read.error)
            return
        place = self._known.find_brought(read.fingerprint) or read.place
        judgement = self._decisions.judge(picture.file, read.fingerprint, place)
        finding = judgement.finding(picture.file.relative_path)
        if finding is not None:
            self.findings.append(finding)
        if isinstance(read, Archived) or judgement.stays:
            reader.discard(read)
            self._leave(read, judgement, members, is_alone=is_alone)
            return
        if judgement.target is not None:
            self._replace(run, read, judgement, judgement.target, members, is_alone=is_alone)
            return
        if judgement.fate is Fate.KEEP_BOTH and judgement.is_same_bytes:
            self._further.add(picture.file.relative_path)
        try:
            target = self._target(picture.file, read.analysis)
        except InvalidPathError as error:
            reader.discard(read)
            self._fail(picture, error)
            return
        self.findings.extend(read.findings)
        incoming[picture.file.relative_path] = read
        members.append(Member(picture=picture, fingerprint=read.fingerprint, facts=read.analysis.facts, target=target))
        self._known.add_bytes(read.fingerprint, picture.file.relative_path)
        self._progress.advance(
            files=1, size_bytes=picture.file.size_bytes, current=picture.file.relative_path.printable()
        )

    def _with_clips(self, member: Member, clips: Sequence[Member]) -> Member:
        """Give a picture with the companions of its clips; the names these would have had alone are free again."""
        companions = list(member.picture.companions)
        for clip in clips:
            companions.extend(clip.picture.companions)
            if clip.target is not None:
                self._names.take_back(clip.target)
        return replace(member, picture=replace(member.picture, companions=tuple(companions)))

    def _plan(
        self,
        run: ImportRun,
        member: Member,
        clips: Sequence[Member],
        shot: PairedShot,
        incoming: _IncomingFiles,
    ) -> None:
        """Plan the place of a staged picture with its companions and clips."""
        picture, target = member.picture, member.target
        copy, analysis = incoming[member.path].copy, incoming[member.path].analysis
        assert target is not None and copy is not None
        photo_uuid = self._photo_of(member, shot)
        companions = [self._clip(clip, member, incoming[clip.path]) for clip in clips]
        for owner in (member, *clips):
            companions += self._companions(picture, target, incoming[owner.path])
        entry = new_entry(
            picture.file,
            analysis,
            copy.fingerprint,
            target=target,
            modified_ns=copy.modified_ns,
            photo_uuid=photo_uuid,
            companions=tuple(each for each, _ in companions),
            imported_at=format_instant(self._tools.clock.now()),
        )
        plan = RunPlan(
            staged_name=copy.staged_name, entry=entry, staged_companions=tuple(name for _, name in companions)
        )
        run.plan(plan)
        hotpreview = analysis.hotpreview.data if analysis.hotpreview is not None else None
        self._group.add(StagedPicture(plan=plan, source=picture.file.relative_path, hotpreview=hotpreview))
        self._count_new(copy.fingerprint, target, photo_uuid, replace(picture, companions=()))

    def _clip(self, clip: Member, picture: Member, incoming: Incoming) -> tuple[Companion, str]:
        """Give the staged clip of a live photo as a companion of its picture."""
        copy = incoming.copy
        assert picture.target is not None and copy is not None
        try:
            path = companion_target(clip.path, picture.path, picture.target)
        except InvalidPathError:
            assert clip.target is not None
            path = clip.target
        self._counts.companions += 1
        self._counts.size_bytes += copy.fingerprint.size_bytes
        return _companion(clip.path, self._names.give(path), copy), copy.staged_name

    def _companions(
        self, picture: SourcePicture, target: RelativePath, incoming: Incoming
    ) -> Iterator[tuple[Companion, str]]:
        """Give the staged companions of a picture, or of its clip, with the names they get beside it."""
        for file in incoming.picture.companions:
            copy = incoming.companions[file.relative_path]
            try:
                if not isinstance(copy, StagedCopy):
                    raise copy
                path = self._names.give(companion_target(file.relative_path, picture.file.relative_path, target))
            except (*FILE_TROUBLE, InvalidPathError) as error:
                self._fail(SourcePicture(file=file, companions=()), error)
                continue
            companion = _companion(file.relative_path, path, copy)
            self._counts.companions += 1
            self._counts.size_bytes += companion.size_bytes
            self._progress.advance(size_bytes=file.size_bytes)
            yield companion, copy.staged_name

    def _leave(self, read: Archived | Incoming, judgement: Judgement, members: list[Member], *, is_alone: bool) -> None:
        """Leave a picture at the source by its judgement, and say what becomes of its companions.

        An archived one of several that may be of one photo counts among ``members``, for it may have the others' photo.
        """
        picture = read.picture
        self._counts.fates[judgement.fate] += 1
        if judgement.fate is Fate.SKIP:
            member = None if is_alone else self._pairing.find_archived(picture, read.fingerprint)
            if member is not None:
                members.append(member)
            self._counts.duplicates += 1
            self._compare_companions(picture, read.fingerprint)
        else:
            self._counts.ignored += 1 + len(picture.companions)
        self._progress.advance(
            files=1, size_bytes=picture.file.size_bytes, current=picture.file.relative_path.printable()
        )

    def _replace(
        self,
        run: ImportRun | None,
        read: Incoming,
        judgement: Judgement,
        target: ReplaceTarget,
        members: list[Member],
        *,
        is_alone: bool,
    ) -> None:
        """Plan that a picture takes the place of the archived one, whose photo may be that of other members too."""
        known = judgement.place.photo_uuid if judgement.place is not None else None
        photo_uuid = known or photo_uuid_of(read.fingerprint.hothash, read.fingerprint.method)
        try:
            self._replacements.plan(run, read, target, photo_uuid)
        except InvalidPathError as error:
            self._fail(read.picture, error)
            return
        member = None if is_alone else self._pairing.find_archived(read.picture, read.fingerprint)
        if member is not None:
            members.append(member)
        self.findings.extend(read.findings)
        self._known.add(read.fingerprint, target.place.relative_path, photo_uuid)
        file = read.picture.file
        self._progress.advance(files=1, size_bytes=file.size_bytes, current=file.relative_path.printable())

    def _compare_companions(self, picture: SourcePicture, fingerprint: Fingerprint) -> None:
        """Count the companions of an archived picture: archived with it too, or left at the source."""
        known = self._known.companion_sums.get(fingerprint.hothash, set())
        for companion in picture.companions:
            try:
                sha256 = fingerprint_source(self._source, companion, analyser=self._tools.analyser).sha256
            except SourceError as error:
                self._fail(SourcePicture(file=companion, companions=()), error)
                continue
            if sha256 in known:
                self._counts.duplicates += 1
            else:
                self._counts.ignored += 1
                self.findings.append(Finding(code="companion-of-duplicate", path=companion.relative_path.printable()))

    def _photo_of(self, member: Member, shot: PairedShot) -> PhotoUuid:
        """Give the photo the file belongs to; a picture known with other bytes is a further version of its photo."""
        known = self._known.find_picture(member.fingerprint)
        if known is None:
            if shot.is_new:
                self._photos.add(shot.photo_uuid)
            return shot.photo_uuid
        if member.path in self._further:
            self._counts.fates[Fate.KEEP_BOTH] += 1
        else:
            self.findings.append(
                Finding(
                    code="same-picture",
                    path=member.path.printable(),
                    facts={"storage": known.storage, "known_path": known.path.printable()},
                )
            )
        return known.photo_uuid or shot.photo_uuid

    def _target(self, file: ScannedFile, analysis: Analysis) -> RelativePath:
        facts = analysis.facts
        picture = NamedPicture(
            source=file.relative_path,
            capture_time=capture_time_of(file, analysis),
            camera=facts.camera,
            file_format=facts.file_format,
            session_number=self._session_number,
            session_title=self._request.title,
            author=facts.embedded.author or self._request.author,
        )
        return self._names.give_by(self._request.organization, picture, self._storage.photo_root)

    # counting

    def _note(self, file: ScannedFile, analysis: Analysis) -> None:
        """Keep what was found odd in a picture that comes in."""
        self.findings.extend(replace(finding, path=file.relative_path.printable()) for finding in analysis.findings)

    def _count_new(
        self, fingerprint: Fingerprint, target: RelativePath, photo_uuid: PhotoUuid, picture: SourcePicture
    ) -> None:
        self._counts.new_imports += 1
        self._counts.size_bytes += fingerprint.size_bytes
        self._counts.companions += len(picture.companions)
        self._counts.size_bytes += sum(companion.size_bytes for companion in picture.companions)
        self._known.add(fingerprint, target, photo_uuid)
        if self._request.dry_run:
            self._files.append(PlannedFile(source=picture.file.relative_path.printable(), target=target.printable()))

    def _count_replaced(self) -> None:
        replaced = self._replacements
        self._counts.fates[Fate.REPLACE] += replaced.counts.pictures
        self._counts.new_imports += replaced.counts.pictures
        self._counts.companions += replaced.counts.companions
        self._counts.duplicates += replaced.counts.companions_known
        self._counts.errors += replaced.counts.refused
        self._counts.size_bytes += replaced.counts.size_bytes
        self._files.extend(replaced.files)
        self.findings.extend(replaced.findings)

    def _fail(self, picture: SourcePicture, error: ImalinkError) -> None:
        code = "name-too-long" if isinstance(error, InvalidPathError) else error.code
        for file in (picture.file, *picture.companions):
            self._counts.errors += 1
            self.findings.append(Finding(code=code, path=file.relative_path.printable(), facts={"why": error.message}))
        self._progress.advance(files=1, current=picture.file.relative_path.printable())

    def _report(
        self, number: int | None, session_uuid: SessionUuid | None, status: SessionStatus, started: float
    ) -> ImportReport:
        return ImportReport(
            session_id=number,
            session_uuid=session_uuid,
            status=status,
            statistics=self._counts.statistics(),
            photos_created=len(self._photos),
            findings=tuple(self.findings),
            files=tuple(self._files),
            seconds=round(time.monotonic() - started, 3),
            duplicates_kept=self._counts.fates[Fate.KEEP_BOTH],
            duplicates_replaced=self._counts.fates[Fate.REPLACE],
            duplicates_undecided=self._counts.fates[Fate.UNDECIDED],
            deleted_before=self._counts.fates[Fate.DELETED],
            excluded=self.excluded_count,
        )


def _companion(source: RelativePath, target: RelativePath, copy: StagedCopy) -> Companion:
    return Companion(
        relative_path=target,
        sha256=copy.fingerprint.sha256,
        size_bytes=copy.fingerprint.size_bytes,
        modified_ns=copy.modified_ns,
        kind=companion_kind(source.name),
    )
