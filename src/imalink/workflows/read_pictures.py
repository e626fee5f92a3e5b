"""Reading pictures that come in: are they archived, and if not their staged copies and facts; decides nothing else."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from imalink.core.analyser import Analyser, Analysis
from imalink.core.finding import Finding
from imalink.core.ids import Hothash
from imalink.core.picture import Fingerprint
from imalink.core.progress import COPY_PHASE, Progress
from imalink.core.relative_path import RelativePath
from imalink.core.run_request import OriginFile, is_as_it_was
from imalink.core.scan import ScannedFile
from imalink.core.source_listing import SourceListing, SourcePicture, size_with_companions
from imalink.errors import ImalinkError, SourceChangedError, SourceError, SourceStalledError, VerificationError
from imalink.media.kinds import is_film_name
from imalink.storage.reading import FolderReader
from imalink.storage.staging import ImportRun
from imalink.workflows.known_pictures import KnownPictures, KnownPlace
from imalink.workflows.new_entry import with_sidecars
from imalink.workflows.source_pictures import picture_sets
from imalink.workflows.verified_copy import (
    StagedCopy,
    analyse_source,
    analyse_stored,
    fingerprint_source,
    stage_verified,
)
from imalink.workflows.working_ahead import Patience, Pulse, work_ahead

TOLD_AFTER = 5.0
"""Seconds without a byte read or written after which the user is told that a disk does not answer …"""
ASIDE_AFTER = 15.0
"""… other files come first, …"""
GIVE_UP_AFTER = 120.0
"""… and, when all of them are done, the file is given up."""

FILE_TROUBLE = (SourceError, SourceChangedError, VerificationError)
"""What costs one file and no more; any other error stops the import."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureSet:
    """Pictures that may be of one photo, films last; ``number`` is that of the first one's staged file."""

    number: int
    pictures: Sequence[SourcePicture]

    @property
    def is_single(self) -> bool:
        """Whether its picture can be of no photo with another."""
        return len(self.pictures) == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A picture that could not be read or copied soundly."""

    picture: SourcePicture
    error: ImalinkError


@dataclass(frozen=True, slots=True, kw_only=True)
class Archived:
    """A picture whose bytes stood archived before this import; it was not copied."""

    picture: SourcePicture
    fingerprint: Fingerprint
    place: KnownPlace


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A picture that was read: its facts with those of its sidecars, and the verified copies, if any were made.

    ``place`` is where its bytes stood archived before this import, if they did. ``companions`` has for each companion
    its copy, or why there is none.
    """

    picture: SourcePicture
    fingerprint: Fingerprint
    place: KnownPlace | None
    analysis: Analysis
    findings: tuple[Finding, ...]
    copy: StagedCopy | None
    companions: Mapping[RelativePath, StagedCopy | ImalinkError]


ReadPicture = Unreadable | Archived | Incoming


def numbered_sets(listing: SourceListing) -> Iterator[PictureSet]:
    """Give the pictures of a source in their sets, each file with a number of its own to be staged under."""
    number = 1
    for pictures in picture_sets(listing):
        yield PictureSet(number=number, pictures=pictures)
        number += sum(1 + len(picture.companions) for picture in pictures)


class PictureReader:
    """Reads sets of pictures; several threads may, each with sets of its own.

    ``run`` is None where nothing is copied. ``known`` None: it is not asked what is archived. ``may_take_in`` tells of
    pictures whose bytes are archived whether they may come in all the same; without it all may, but those of
    ``settled``, which came in from here before.
    """

    def __init__(
        self,
        source: FolderReader,
        stored: FolderReader,
        known: KnownPictures | None,
        *,
        run: ImportRun | None,
        analyser: Analyser,
        may_take_in: Callable[[Fingerprint, KnownPlace], bool] | None = None,
        settled: Mapping[RelativePath, OriginFile] | None = None,
        progress: Progress,
    ) -> None:
        self._source = source
        self._stored = stored
        self._known = known
        self._run = run
        self._analyser = analyser
        self._may_take_in = may_take_in
        self._settled = settled or {}
        self._progress = progress
        self._pulse = Pulse()

    @contextmanager
    def read_ahead(self, listing: SourceListing, *, threads: int) -> Generator[Iterator[list[ReadPicture]]]:
        """Give for a block the pictures of a source as they are read, set by set, by several threads.

        A file that does not get on, because its disk does not answer, keeps neither the others back nor the end of the
        block; those behind it come first, and it is given up last. Errors as ``read``.
        """
        patience = Patience(
            pulse=self._pulse,
            tell=self._tell_stalled,
            give_up=self._give_up,
            told_after=TOLD_AFTER,
            aside_after=ASIDE_AFTER,
            give_up_after=GIVE_UP_AFTER,
        )
        with work_ahead(
            numbered_sets(listing),
            self.read,
            threads=threads,
            checkpoint=self._progress.checkpoint,
            patience=patience,
        ) as sets:
            yield sets

    def _tell_stalled(self, pictures: PictureSet, seconds: float) -> None:
        self._progress.stalled(pictures.pictures[0].file.relative_path.printable(), seconds)

    def _give_up(self, pictures: PictureSet) -> list[ReadPicture]:
        # The thread that the disk holds stays where it is; should it wake up, its next beat ends it.
        error = SourceStalledError("its disk did not answer for a long time")
        return [Unreadable(picture=picture, error=error) for picture in pictures.pictures]

    def read(self, pictures: PictureSet) -> list[ReadPicture]:
        """Read each picture of a set, in order. Raises StorageError, CancelledError, MachineShortageError."""
        found: list[ReadPicture] = []
        number = pictures.number
        for picture in pictures.pictures:
            archived = [each.fingerprint.hothash for each in found if not isinstance(each, Unreadable) and each.place]
            is_clip = is_film_name(picture.file.relative_path.name) and not pictures.is_single
            try:
                found.append(self._read_one(picture, number, archived, is_clip=is_clip))
            except FILE_TROUBLE as error:
                found.append(Unreadable(picture=picture, error=error))
            number += 1 + len(picture.companions)
            self._progress.advance(
                files=1,
                size_bytes=size_with_companions(picture),
                current=picture.file.relative_path.printable(),
                phase=COPY_PHASE,
            )
        return found

    def discard(self, read: ReadPicture) -> None:
        """Throw the copies away of a picture that is not taken in after all."""
        if self._run is None or not isinstance(read, Incoming):
            return
        for copy in (read.copy, *read.companions.values()):
            if isinstance(copy, StagedCopy):
                self._run.discard(copy.staged_name)

    def _read_one(
        self, picture: SourcePicture, number: int, archived: Sequence[Hothash], *, is_clip: bool
    ) -> ReadPicture:
        file, run = picture.file, self._run
        fingerprint: Fingerprint | None = None
        place: KnownPlace | None = None
        known = self._known
        self._pulse.beat()
        if run is None or is_clip or known is None or known.may_be_known(file.size_bytes):
            # Bytes that are archived need not be copied to be recognised.
            fingerprint = fingerprint_source(self._source, file, analyser=self._analyser)
        if fingerprint is not None and known is not None:
            place = known.find_archived(fingerprint)
            if place is None and is_clip:
                place = known.find_clip(fingerprint, archived)
            if place is not None and not self._may_come_in(file, fingerprint, place):
                return Archived(picture=picture, fingerprint=fingerprint, place=place)
        copy: StagedCopy | None = None
        if run is not None:
            copy = self._stage(run, file, number)
            if fingerprint is not None and fingerprint.sha256 != copy.fingerprint.sha256:
                run.discard(copy.staged_name)
                raise SourceChangedError(
                    f"{file.relative_path.printable()} was read twice and not twice alike.",
                    hint="Import again when no other program is writing it; if none is, try another card reader.",
                )
            fingerprint = copy.fingerprint
            with self._pulse.computing():
                analysis = analyse_stored(
                    self._stored,
                    run.staged_path(copy.staged_name),
                    filename=file.relative_path.name,
                    analyser=self._analyser,
                )
        else:
            with self._pulse.computing():
                analysis = analyse_source(self._source, file, analyser=self._analyser)
        assert fingerprint is not None
        findings = [replace(finding, path=file.relative_path.printable()) for finding in analysis.findings]
        analysis, of_sidecars = with_sidecars(self._source, picture, analysis, analyser=self._analyser)
        return Incoming(
            picture=picture,
            fingerprint=fingerprint,
            place=place,
            analysis=analysis,
            findings=(*of_sidecars, *findings),
            copy=copy,
            companions={} if run is None else dict(self._stage_companions(run, picture, number + 1)),
        )

    def _may_come_in(self, file: ScannedFile, fingerprint: Fingerprint, place: KnownPlace) -> bool:
        """Tell whether a file comes in although its bytes are archived."""
        if is_as_it_was(file, self._settled):
            return False
        return self._may_take_in is None or self._may_take_in(fingerprint, place)

    def _stage_companions(
        self, run: ImportRun, picture: SourcePicture, number: int
    ) -> Iterator[tuple[RelativePath, StagedCopy | ImalinkError]]:
        for at, file in enumerate(picture.companions, number):
            try:
                yield file.relative_path, self._stage(run, file, at)
            except FILE_TROUBLE as error:
                yield file.relative_path, error

    def _stage(self, run: ImportRun, file: ScannedFile, number: int) -> StagedCopy:
        return stage_verified(
            self._source, file, run, staged_name=f"{number}.part", analyser=self._analyser, beat=self._pulse.beat
        )
