"""What journals and commits record: one frozen type per kind of line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from imalink.core.damage import Damage
from imalink.core.finding import Finding
from imalink.core.ids import (
    Hothash,
    HothashMethod,
    OperationUuid,
    PhotoUuid,
    RunUuid,
    SessionUuid,
    Sha256,
    StorageUuid,
    WriterId,
)
from imalink.core.index import Companion, FileEntry
from imalink.core.library import LibraryEdited
from imalink.core.operation import FileShift, OperationLine, OperationPart, OrphansRestored, SessionRestored
from imalink.core.photo import UserFacts
from imalink.core.relative_path import RelativePath
from imalink.core.run_request import PlanOrigin, RunRequest
from imalink.core.session import ImportSession, ImportStatistics


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMoved:
    """A file was found at another path; ``verified`` says how: ``hash`` or ``inode``.

    Here and below ``session_uuid`` is the session whose file it is; None: whichever has that picture at that path.
    """

    hothash: Hothash
    session_uuid: SessionUuid | None = None
    old_path: RelativePath
    new_path: RelativePath
    modified_ns: int
    verified: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSeen:
    """A file stands at its path with these bytes.

    ``entry`` carries the new facts and preview when the bytes changed with the picture kept (a metadata edit), or when
    a sidecar of it came or changed.
    """

    hothash: Hothash
    session_uuid: SessionUuid | None = None
    path: RelativePath
    size_bytes: int
    sha256: Sha256
    modified_ns: int
    entry: FileEntry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMissing:
    """A file is not at its path any more; ``last_seen_at`` is when it last was."""

    hothash: Hothash
    session_uuid: SessionUuid | None = None
    path: RelativePath
    last_seen_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDamaged:
    """What stands at ``path``, a picture or a companion of it, is not the archived bytes ``sha256`` any more."""

    hothash: Hothash
    session_uuid: SessionUuid | None = None
    path: RelativePath
    sha256: Sha256
    damage: Damage


@dataclass(frozen=True, slots=True, kw_only=True)
class FileWhole:
    """What stands at ``path``, and was damaged, was found to be the archived bytes ``sha256`` again."""

    hothash: Hothash
    session_uuid: SessionUuid | None = None
    path: RelativePath
    sha256: Sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageVerified:
    """A verification came to its end: of ``checked`` files ``ok`` were what was archived.

    ``at`` is when it began; ``session_uuid`` is the session it was about, None for all of the storage.
    """

    at: str
    depth: str
    checked: int
    ok: int
    size_bytes: int
    session_uuid: SessionUuid | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCopied:
    """A further file with a known hothash stands at ``path``; it is kept with that session's file."""

    hothash: Hothash
    path: RelativePath
    session_uuid: SessionUuid
    size_bytes: int
    sha256: Sha256
    modified_ns: int
    imported_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEdited:
    """The picture at ``path`` itself was changed: it keeps its photo, session and history under a new hothash."""

    old_hothash: Hothash
    path: RelativePath
    entry: FileEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class CompanionsChanged:
    """These are the companions of the image file at ``path`` now."""

    hothash: Hothash
    path: RelativePath
    companions: tuple[Companion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEdited:
    """The user gave a session another title or description; None leaves it as it is.

    ``session_number`` is that of its file in this storage.
    """

    session_uuid: SessionUuid
    session_number: int
    title: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoJoined:
    """The user said that these files are of one photo; ``joined`` are the photos that go on in ``photo_uuid``.

    What was said of any of them is merged by its clocks.
    """

    photo_uuid: PhotoUuid
    hothashes: tuple[Hothash, ...]
    joined: tuple[PhotoUuid, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoSplit:
    """The user said that a file is a photo of its own, ``photo_uuid``; what was said stays with the photo it leaves."""

    hothash: Hothash
    photo_uuid: PhotoUuid


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDeleted:
    """A file is to be known no more at ``path``; of a picture's last one in its session a tombstone stays.

    ``by``, ``mode`` and ``reason`` are the tombstone's: who wanted it, how it was done and why.
    """

    hothash: Hothash
    session_uuid: SessionUuid | None = None
    path: RelativePath
    deleted_at: str
    by: str
    mode: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTrashed:
    """A picture leaves its session with all its files, and can come back; a tombstone with its entry stays.

    ``shifts`` are the files that go into the trash; those not named stand where they stood. ``are_shifted`` says that
    they are there already.
    """

    hothash: Hothash
    session_uuid: SessionUuid
    session_number: int
    operation_uuid: OperationUuid
    deleted_at: str
    by: str
    mode: str
    reason: str = ""
    shifts: tuple[FileShift, ...] = ()
    are_shifted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FileUntrashed:
    """A deleted picture is known again in its session; of its files in the trash those that ``shifts`` names come back.

    ``are_shifted`` says that they stand there already: the user brought them back.
    """

    hothash: Hothash
    session_uuid: SessionUuid
    session_number: int
    shifts: tuple[FileShift, ...] = ()
    are_shifted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TrashEmptied:
    """Files of a deleted picture are gone from the trash, those at ``kept``; without its picture it cannot come back.

    ``mode`` is the tombstone's from then on.
    """

    hothash: Hothash
    session_uuid: SessionUuid
    session_number: int
    kept: tuple[RelativePath, ...]
    mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoEdited:
    """The user said something of a photo: each field that has a clock in ``said``. ``hothashes`` are its files."""

    photo_uuid: PhotoUuid
    hothashes: tuple[Hothash, ...]
    said: UserFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRehashed:
    """The same bytes have another hothash by a newer method; ``session_uuid`` as everywhere."""

    old_hothash: Hothash
    session_uuid: SessionUuid | None = None
    hothash: Hothash
    method: HothashMethod


Observation = (
    FileMoved
    | FileSeen
    | FileMissing
    | FileDamaged
    | FileWhole
    | StorageVerified
    | FileCopied
    | FileEdited
    | CompanionsChanged
    | SessionEdited
    | PhotoEdited
    | PhotoJoined
    | PhotoSplit
    | FileDeleted
    | FileRehashed
    | FileTrashed
    | FileUntrashed
    | TrashEmptied
    | SessionRestored
    | OrphansRestored
    | LibraryEdited
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLine:
    """One line of a writer's journal: observations written down together.

    ``seq`` counts from 1 in each writer's journal; ``prev`` and ``digest`` chain the lines; ``lamport`` orders
    lines of different writers. ``part`` says which operation the line is part of, and how to take it back.
    """

    writer: WriterId
    seq: int
    lamport: int
    at: str
    prev: str
    digest: str
    observations: tuple[Observation, ...]
    part: OperationPart | None = None


def operation_lines(lines: Iterable[JournalLine]) -> tuple[OperationLine, ...]:
    """Give those of the lines that are part of an operation."""
    return tuple(
        OperationLine(
            writer=line.writer,
            seq=line.seq,
            lamport=line.lamport,
            at=line.at,
            operation=line.part.operation,
            has_inverse=line.part.inverse is not None,
        )
        for line in lines
        if line.part is not None
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBegin:
    """The first line of a run: whose it is, and the session it belongs to.

    ``lamport`` is the highest of any journal line when the run began: lines up to it speak of what was before.
    ``request`` is what it was asked for, None where an older version did not write it down. ``resumes`` is the first
    of the interrupted runs that it goes on with.
    """

    run_uuid: RunUuid
    storage_uuid: StorageUuid
    session: ImportSession
    writer: WriterId
    started_at: str
    lamport: int = 0
    request: RunRequest | None = None
    resumes: RunUuid | None = None

    @property
    def import_uuid(self) -> RunUuid:
        """Give what all runs of one import share: the UUID of the first."""
        return self.resumes or self.run_uuid


IN_PLACE_SUFFIX = ".there"
"""How the staged name of a file ends that was never staged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """One file that the run places: its staged name and its full entry."""

    staged_name: str
    entry: FileEntry
    staged_companions: tuple[str, ...] = ()
    origin: PlanOrigin | None = None

    @property
    def is_in_place(self) -> bool:
        """Whether the file stood there before: it was only indexed."""
        return self.staged_name.endswith(IN_PLACE_SUFFIX)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSwap:
    """A staged file that takes the place of another: what stands at ``path`` goes to ``kept``.

    ``old_sha256`` is what stood there when it was planned, None for nothing; then nothing is kept.
    """

    staged_name: str
    path: RelativePath
    kept: RelativePath
    sha256: Sha256
    old_sha256: Sha256 | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReplacement:
    """A picture of a session that the run puts new bytes in the place of, and the companions that come with these.

    ``entry`` is the file as it is afterwards, with all its companions; ``swaps`` has the picture first.
    """

    session_uuid: SessionUuid
    entry: FileEntry
    swaps: tuple[FileSwap, ...]
    origin: PlanOrigin | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """The last line of a committed run; ``is_interrupted``: it did not come to its end, and can be gone on with."""

    finished_at: str
    session: ImportSession
    statistics: ImportStatistics
    is_interrupted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A committed run: the durable truth about what came in."""

    begin: RunBegin
    plans: tuple[RunPlan, ...]
    findings: tuple[Finding, ...]
    end: RunEnd
    replacements: tuple[RunReplacement, ...] = ()
