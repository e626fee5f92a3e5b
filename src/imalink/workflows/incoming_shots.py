"""Deciding, picture by picture in the order of the source, what of it comes in, and of which photo it is."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from imalink.core.analyser import Analysis
from imalink.core.duplicate import DuplicateAsker, Fate
from imalink.core.finding import Finding
from imalink.core.ids import PhotoUuid, photo_uuid_of
from imalink.core.index import MasterIndex
from imalink.core.path_template import NamedPicture
from imalink.core.picture import Fingerprint
from imalink.core.progress import Progress
from imalink.core.relative_path import RelativePath
from imalink.core.run_request import OriginFile, is_as_it_was
from imalink.core.scan import ScannedFile
from imalink.core.source_listing import SourceListing, SourcePicture
from imalink.errors import InvalidPathError, SourceError
from imalink.storage.file_storage import FileStorage
from imalink.storage.reading import FolderReader
from imalink.storage.staging import ImportRun
from imalink.workflows.duplicate_decisions import DuplicateDecisions, Judgement
from imalink.workflows.import_report import ImportRequest
from imalink.workflows.import_tally import ImportTally
from imalink.workflows.known_pictures import KnownPictures
from imalink.workflows.new_entry import capture_time_of
from imalink.workflows.read_pictures import Archived, Incoming, PictureReader, ReadPicture, Unreadable
from imalink.workflows.replaceable import ReplaceTarget
from imalink.workflows.replacing import Replacements
from imalink.workflows.shot_pairing import Member, PairedShot, ShotPairing
from imalink.workflows.target_names import TargetNames
from imalink.workflows.tools import Tools
from imalink.workflows.verified_copy import fingerprint_source


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingShot:
    """The files of one photo that come in, each as it was read; others of its set are among ``members``."""

    shot: PairedShot
    members: Sequence[Member]
    incoming: Mapping[RelativePath, Incoming]

    def files(self) -> Iterator[tuple[Member, list[Member]]]:
        """Give each picture that comes in, with the clips that go with it."""
        for at in self.shot.files:
            yield self.members[at], [self.members[film] for film in self.shot.clips.get(at, ())]


@dataclass(slots=True)
class _Set:
    """Pictures that may be of one photo, as far as they are decided."""

    is_single: bool
    members: list[Member]
    incoming: dict[RelativePath, Incoming]


class IncomingShots:
    """The decisions of one import. What is left at the source, replaces, or fails goes to ``tally`` at once.

    ``settled`` are source files that earlier runs of this import brought in, and counted.
    """

    def __init__(
        self,
        tools: Tools,
        storage: FileStorage,
        source: FolderReader,
        request: ImportRequest,
        master: MasterIndex,
        names: TargetNames,
        replacements: Replacements,
        tally: ImportTally,
        *,
        asker: DuplicateAsker | None,
        settled: Mapping[RelativePath, OriginFile],
    ) -> None:
        self._tools = tools
        self._storage = storage
        self._source = source
        self._request = request
        self._names = names
        self._replacements = replacements
        self._tally = tally
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
        self._pairing = ShotPairing(tools, self._known, storage.storage_uuid)
        self._further: set[RelativePath] = set()
        self._settled = settled

    def decide(
        self, listing: SourceListing, run: ImportRun | None, *, session_number: int, progress: Progress
    ) -> Generator[IncomingShot]:
        """Give what comes in, photo by photo; it is read ahead, decided here. Without a run nothing is staged.

        Whoever takes a file in tells ``take_note`` before asking for the next. Close it when it is left early.
        """
        reader = PictureReader(
            self._source,
            self._storage.files,
            self._known,
            run=run,
            analyser=self._tools.analyser,
            may_take_in=self._decisions.may_take_in,
            settled=self._settled,
            progress=progress,
        )
        with reader.read_ahead(listing, threads=self._tools.threads) as sets:
            for pictures in sets:
                progress.checkpoint()
                decided = _Set(is_single=len(pictures) == 1, members=[], incoming={})
                for read in pictures:
                    self._sort_in(run, read, reader, decided, session_number)
                for shot in self._pairing.pair(decided.members):
                    yield IncomingShot(shot=shot, members=decided.members, incoming=decided.incoming)

    def photo_of(self, member: Member, shot: PairedShot) -> PhotoUuid:
        """Give the photo the file belongs to; a picture known with other bytes is a further version of its photo."""
        known = self._known.find_picture(member.fingerprint)
        if known is None:
            if shot.is_new:
                self._tally.new_photos.add(shot.photo_uuid)
            return shot.photo_uuid
        if member.path in self._further:
            self._tally.counts.fates[Fate.KEEP_BOTH] += 1
        elif known.sha256 != member.fingerprint.sha256:  # the very bytes may be known where no copy counts
            facts: dict[str, str | int] = {"storage": known.storage, "known_path": known.path.printable()}
            self._tally.tell(Finding(code="same-picture", path=member.path.printable(), facts=facts))
        return known.photo_uuid or shot.photo_uuid

    def fate_of(self, member: Member) -> Fate:
        """Give the fate of a file that comes in: its picture is new, or archived and kept as a further file."""
        return Fate.KEEP_BOTH if member.path in self._further else Fate.NEW

    def take_note(self, fingerprint: Fingerprint, target: RelativePath, photo_uuid: PhotoUuid) -> None:
        """Remember a file that comes in, so that what follows is compared with it."""
        self._known.add(fingerprint, target, photo_uuid)

    def _sort_in(
        self, run: ImportRun | None, read: ReadPicture, reader: PictureReader, decided: _Set, session_number: int
    ) -> None:
        """Let a picture that was read come in, unless it is known or could not be read."""
        picture = read.picture
        if isinstance(read, Unreadable):
            self._tally.fail(picture, read.error)
            return
        if isinstance(read, Archived) and is_as_it_was(picture.file, self._settled):
            self._pass_over(read, decided)
            return
        place = self._known.find_brought(read.fingerprint) or read.place
        judgement = self._decisions.judge(picture.file, read.fingerprint, place)
        finding = judgement.finding(picture.file.relative_path)
        if finding is not None:
            self._tally.tell(finding)
        if isinstance(read, Archived) or judgement.stays:
            reader.discard(read)
            self._leave(read, judgement, decided)
            return
        if judgement.target is not None:
            self._replace(run, read, judgement, judgement.target, decided)
            return
        if judgement.fate is Fate.KEEP_BOTH and judgement.is_same_bytes:
            self._further.add(picture.file.relative_path)
        try:
            target = self._target(picture.file, read.analysis, session_number)
        except InvalidPathError as error:
            reader.discard(read)
            self._tally.fail(picture, error)
            return
        self._tally.tell(*read.findings)
        decided.incoming[picture.file.relative_path] = read
        decided.members.append(
            Member(picture=picture, fingerprint=read.fingerprint, facts=read.analysis.facts, target=target)
        )
        self._known.add_bytes(read.fingerprint, picture.file.relative_path)
        self._tally.go_on(picture)

    def _leave(self, read: Archived | Incoming, judgement: Judgement, decided: _Set) -> None:
        """Leave a picture at the source by its judgement, and say what becomes of its companions."""
        picture, counts = read.picture, self._tally.counts
        counts.fates[judgement.fate] += 1
        if judgement.fate is Fate.SKIP:
            self._count_among(decided, picture, read.fingerprint)
            counts.duplicates += 1
            self._compare_companions(picture, read.fingerprint)
        else:
            counts.ignored += 1 + len(picture.companions)
        self._tally.go_on(picture)

    def _pass_over(self, read: Archived, decided: _Set) -> None:
        """Leave a picture be that an earlier run of this import brought in; its companions may be another matter."""
        picture = read.picture
        self._count_among(decided, picture, read.fingerprint)
        others = tuple(file for file in picture.companions if not is_as_it_was(file, self._settled))
        self._compare_companions(replace(picture, companions=others), read.fingerprint)
        self._tally.go_on(picture)

    def _replace(
        self, run: ImportRun | None, read: Incoming, judgement: Judgement, target: ReplaceTarget, decided: _Set
    ) -> None:
        """Plan that a picture takes the place of the archived one, whose photo may be that of other members too."""
        known = judgement.place.photo_uuid if judgement.place is not None else None
        photo_uuid = known or photo_uuid_of(read.fingerprint.hothash, read.fingerprint.method)
        try:
            self._replacements.plan(run, read, target, photo_uuid)
        except InvalidPathError as error:
            self._tally.fail(read.picture, error)
            return
        self._count_among(decided, read.picture, read.fingerprint)
        self._tally.findings.extend(read.findings)
        self._known.add(read.fingerprint, target.place.relative_path, photo_uuid)
        self._tally.go_on(read.picture)

    def _count_among(self, decided: _Set, picture: SourcePicture, fingerprint: Fingerprint) -> None:
        """Let an archived picture of a set of several count among its members, for it may have the others' photo."""
        member = None if decided.is_single else self._pairing.find_archived(picture, fingerprint)
        if member is not None:
            decided.members.append(member)

    def _compare_companions(self, picture: SourcePicture, fingerprint: Fingerprint) -> None:
        """Count the companions of an archived picture: archived with it too, or left at the source."""
        known = self._known.companion_sums.get(fingerprint.hothash, set())
        for companion in picture.companions:
            try:
                sha256 = fingerprint_source(self._source, companion, analyser=self._tools.analyser).sha256
            except SourceError as error:
                self._tally.fail_companion(companion, error)
                continue
            if sha256 in known:
                self._tally.counts.duplicates += 1
            else:
                self._tally.counts.ignored += 1
                path = companion.relative_path.printable()
                self._tally.findings.append(Finding(code="companion-of-duplicate", path=path))

    def _target(self, file: ScannedFile, analysis: Analysis, session_number: int) -> RelativePath:
        facts = analysis.facts
        picture = NamedPicture(
            source=file.relative_path,
            capture_time=capture_time_of(file, analysis),
            camera=facts.camera,
            file_format=facts.file_format,
            session_number=session_number,
            session_title=self._request.title,
            author=facts.embedded.author or self._request.author,
        )
        return self._names.give_by(self._request.organization, picture, self._storage.photo_root)
