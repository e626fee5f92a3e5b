"""Operations: what the user had done to many files at once, and what things were before, so that it can be undone.

Every line of a journal that is part of an operation says so, and carries what takes that very line back. So whatever
a crash leaves of an operation can be undone. Decision: docs/decisions/0035-operations-carry-their-inverse.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from imalink.core.conflict import OrphanFile
from imalink.core.ids import Hothash, OperationUuid, PhotoUuid, RunUuid, SessionUuid, Sha256, WriterId
from imalink.core.index import Companion, FileCopy, FileEntry, FileStatus, Tombstone
from imalink.core.photo import Photo, UserFacts
from imalink.core.relative_path import RelativePath
from imalink.core.session import SessionStatus


class OperationKind(StrEnum):
    """What was done. A newer version may know more kinds."""

    IMPORT = "import"
    REINDEX = "reindex"
    ENRICH = "enrich"
    JOIN = "photo-join"
    SPLIT = "photo-split"
    SESSION_EDIT = "session-edit"
    EDIT = "edit"
    UNDO = "undo"
    DELETE = "delete"
    ROLLBACK = "rollback"
    TRASH_RESTORE = "trash-restore"
    TRASH_EMPTY = "trash-empty"
    HEAL = "heal"
    LIBRARY_EDIT = "library-edit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation, as each of its lines names it; in several storages it is the same one.

    ``title`` says in words what was done, ``counts`` how much of what. ``undoes`` is the operation that this one takes
    back. ``run_uuid`` is a run that is part of it: what that run brought in, if it was ever committed, is taken back
    too.
    """

    operation_uuid: OperationUuid
    kind: str
    title: str
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    undoes: OperationUuid | None = None
    run_uuid: RunUuid | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FactsEdit:
    """What an edit changed of one photo: these fields, from ``before`` to ``after``, both without clocks.

    It is taken back by another edit, not by restoring what indexes said: what was said last has to win everywhere,
    in storages that are away too.
    """

    photo_uuid: PhotoUuid
    fields: tuple[str, ...]
    before: UserFacts
    after: UserFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryPlace:
    """Where an entry's files were, as far as that was otherwise; None is as it is now.

    ``last_seen_at`` counts where ``status`` is given.
    """

    relative_path: RelativePath | None = None
    size_bytes: int | None = None
    sha256: Sha256 | None = None
    modified_ns: int | None = None
    photo_uuid: PhotoUuid | None = None
    status: FileStatus | None = None
    last_seen_at: str | None = None
    companions: tuple[Companion, ...] | None = None
    copies: tuple[FileCopy, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierEntry:
    """What a session said of a hothash: an entry, one in another place, or nothing (None).

    Here and below ``now`` is the digest of what it says since the operation, None where that is nothing; it is left
    out (empty) where it does not matter.
    """

    hothash: Hothash
    was: FileEntry | EntryPlace | None
    now: str | None = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierPhoto:
    """What a session said of a photo; None for nothing."""

    photo_uuid: PhotoUuid
    was: Photo | None
    now: str | None = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierTombstone:
    """The tombstone that a session had of a hothash; None for none."""

    hothash: Hothash
    was: Tombstone | None
    now: str | None = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierHead:
    """What a session was called, and how its import had gone."""

    title: str
    description: str
    status: SessionStatus
    now: str | None = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileShift:
    """A file of a picture that goes from one path of its storage to another: into the trash, or out of it.

    That it is written down comes first: whoever finds it so carries it out.
    """

    hothash: Hothash
    source: RelativePath
    target: RelativePath
    sha256: Sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRestored:
    """A session says of these files, photos and of itself what it said before; ``session_number`` is of its file.

    ``shifts`` are files that go back to where they were.
    """

    session_uuid: SessionUuid
    session_number: int
    entries: tuple[EarlierEntry, ...] = ()
    photos: tuple[EarlierPhoto, ...] = ()
    tombstones: tuple[EarlierTombstone, ...] = ()
    head: EarlierHead | None = None
    shifts: tuple[FileShift, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphansRestored:
    """The list of pictures that are in no session is what it was: without those ``gone``, with those ``back``."""

    gone: tuple[RelativePath, ...] = ()
    back: tuple[OrphanFile, ...] = ()


Restoration = SessionRestored | OrphansRestored


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationPart:
    """That a journal line is part of an operation, and what takes it back; None where that could not be written."""

    operation: Operation
    inverse: tuple[Restoration, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationLine:
    """Where a line of an operation stands, what the operation is, and whether the line can be taken back."""

    writer: WriterId
    seq: int
    lamport: int
    at: str
    operation: Operation
    has_inverse: bool
