"""The one model of a storage's indexes; each layout's codec spells it in its own way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from imalink.core.conflict import MissingFile, OrphanFile, PathMismatch
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
from imalink.core.photo import Photo
from imalink.core.picture import PictureFacts
from imalink.core.relative_path import RelativePath
from imalink.core.session import ImportSession, ImportStatistics
from imalink.core.timestamps import format_instant_ns, parse_instant_ns

Extras = Mapping[str, Mapping[str, object]]
"""Keys of a file that this version does not know, by place (``""``, ``files.<hothash>``); written back as they were."""


class FileStatus(StrEnum):
    """Whether a file stands where its index says."""

    PRESENT = "present"
    MISSING = "missing"


class DeletionMode(StrEnum):
    """How a picture was deleted; a newer version may know more."""

    SOFT = "soft"
    """Marked; its files stand where they stood."""
    TRASH = "trash"
    """Its files are in the trash."""
    HARD = "hard"
    """Its files are gone for good."""
    MISSING = "missing"
    """Its files were missing, and it was taken out of the index."""
    ROLLBACK = "rollback"
    """The import that brought it was taken back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Companion:
    """A file that goes with an image file: sidecar, ``.aae``, live-photo clip. It has no entry of its own."""

    relative_path: RelativePath
    sha256: Sha256
    size_bytes: int
    modified_ns: int
    kind: str
    damage: Damage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCopy:
    """A further file with the same hothash in the same storage."""

    relative_path: RelativePath
    size_bytes: int
    sha256: Sha256
    modified_ns: int
    session_number: int
    session_uuid: SessionUuid
    imported_at: str
    status: FileStatus = FileStatus.PRESENT
    damage: Damage | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """One image file in a session index: where it is, which bytes, and all facts needed to rebuild the catalog.

    ``original_filename`` is the bare name at the source, ``original_path`` the path below it. ``last_seen_at`` is
    set while the file is missing, ``damage`` while what stands there is known not to be what was archived. ``copies``
    are further files with this hothash that came with this session or were made by the user from its file.
    """

    hothash: Hothash
    method: HothashMethod
    relative_path: RelativePath
    size_bytes: int
    sha256: Sha256
    modified_ns: int
    imported_at: str
    original_filename: str
    original_path: str
    photo_uuid: PhotoUuid
    facts: PictureFacts
    hotpreview_rendition: str | None = None
    status: FileStatus = FileStatus.PRESENT
    last_seen_at: str | None = None
    damage: Damage | None = None
    companions: tuple[Companion, ...] = ()
    copies: tuple[FileCopy, ...] = ()
    previous_hothashes: tuple[Hothash, ...] = ()

    @property
    def has_hotpreview(self) -> bool:
        """Whether a preview was made."""
        return self.hotpreview_rendition is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """A file of a deleted picture: where it stood, and where in the trash it is kept."""

    path: RelativePath
    kept: RelativePath


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """What is left of a deleted picture: so that a later import can say so, and so that it can come back.

    ``entry`` is the picture as its session knew it; None when nothing of it can come back. ``kept`` are those of its
    files that are in the trash; the others stand where ``entry`` says. ``operation_uuid`` did it, where that is known.
    """

    hothash: Hothash
    sha256: Sha256
    original_filename: str
    photo_uuid: PhotoUuid
    session_uuid: SessionUuid
    deleted_at: str
    by: str
    mode: str
    reason: str = ""
    operation_uuid: OperationUuid | None = None
    path: RelativePath | None = None
    entry: FileEntry | None = None
    kept: tuple[KeptFile, ...] = ()

    @property
    def hinders_import(self) -> bool:
        """Whether a later import leaves the picture out: not when a whole import was taken back."""
        return self.mode != DeletionMode.ROLLBACK

    @property
    def is_marked(self) -> bool:
        """Whether its files stand where they stood: it is only marked deleted."""
        return self.mode == DeletionMode.SOFT and self.entry is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalPosition:
    """The last journal line of one writer that an index contains, with that line's digest."""

    seq: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Which runs and journal positions a derived file contains; what is not listed is folded again."""

    runs: frozenset[RunUuid] = frozenset()
    journals: Mapping[WriterId, JournalPosition] = field(default_factory=dict[WriterId, JournalPosition])


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionIndex:
    """What came in with one import session: complete enough to rebuild the catalog from alone."""

    session: ImportSession
    storage_uuid: StorageUuid
    storage_directory: str
    files: Mapping[Hothash, FileEntry]
    photos: Mapping[PhotoUuid, Photo]
    deleted: Mapping[Hothash, Tombstone] = field(default_factory=dict[Hothash, Tombstone])
    statistics: ImportStatistics = ImportStatistics()
    findings: tuple[Finding, ...] = ()
    sources: Sources = Sources()
    generated_at: str = ""
    generation: int = 0
    extras: Extras = field(default_factory=dict[str, Mapping[str, object]])

    @property
    def index_filename(self) -> str:
        """The name of its file: ``session_<number>.json``."""
        return f"session_{self.session.number}.json"

    @property
    def file_count(self) -> int:
        """How many physical image files the session has in this storage."""
        return sum(1 + len(entry.copies) for entry in self.files.values())

    @property
    def total_size_bytes(self) -> int:
        """Bytes of those files; companions are not counted."""
        return sum(entry.size_bytes + sum(copy.size_bytes for copy in entry.copies) for entry in self.files.values())

    @property
    def missing_count(self) -> int:
        """How many of its main files are missing."""
        return sum(entry.status is FileStatus.MISSING for entry in self.files.values())


class MasterEntry(NamedTuple):
    """Where one hothash is now: its main file, further copies and companions.

    The main file is the first still present by (imported_at, relative_path). A NamedTuple, not a frozen dataclass: a
    load of the master makes one per picture, and the dataclass takes more than twice as long to make (2.0 against
    0.8 µs), a fifth of the whole load. For the same reason ``modified`` stays the text that the master has.
    """

    hothash: Hothash
    method: HothashMethod
    relative_path: RelativePath
    size_bytes: int
    sha256: Sha256
    modified: str
    session_number: int
    session_uuid: SessionUuid
    imported_at: str
    indexed_at: str
    status: FileStatus = FileStatus.PRESENT
    last_seen_at: str | None = None
    companions: tuple[Companion, ...] = ()
    copies: tuple[FileCopy, ...] = ()
    damage: Damage | None = None

    @property
    def modified_ns(self) -> int:
        """When the main file changed last, in nanoseconds since 1970."""
        return parse_instant_ns(self.modified)

    def places(self) -> Iterator[FileCopy]:
        """Give every file of this hothash, the main one first."""
        yield FileCopy(
            relative_path=self.relative_path,
            size_bytes=self.size_bytes,
            sha256=self.sha256,
            modified_ns=self.modified_ns,
            session_number=self.session_number,
            session_uuid=self.session_uuid,
            imported_at=self.imported_at,
            status=self.status,
            damage=self.damage,
        )
        yield from self.copies


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterIndex:
    """Where each file of a storage is, and what is wrong; derived from the session indexes and the last walk."""

    storage_uuid: StorageUuid
    files: Mapping[Hothash, MasterEntry]
    orphans: tuple[OrphanFile, ...] = ()
    mismatches: tuple[PathMismatch, ...] = ()
    sources: Sources = Sources()
    indexed_at: str = ""
    generation: int = 0
    extras: Extras = field(default_factory=dict[str, Mapping[str, object]])

    @property
    def total_files(self) -> int:
        """Physical image files that are indexed, missing ones included."""
        return sum(1 + len(entry.copies) for entry in self.files.values())

    @property
    def total_size_bytes(self) -> int:
        """Bytes of those files; companions are not counted."""
        return sum(entry.size_bytes + sum(copy.size_bytes for copy in entry.copies) for entry in self.files.values())

    def standing(self) -> Iterator[tuple[Hothash, RelativePath]]:
        """Give every picture file that is believed to be on the disk."""
        for entry in self.files.values():
            if entry.status is FileStatus.PRESENT:
                yield entry.hothash, entry.relative_path
            for copy in entry.copies:
                if copy.status is FileStatus.PRESENT:
                    yield entry.hothash, copy.relative_path

    def missing(self) -> list[MissingFile]:
        """List what is missing now, by path."""
        return sorted(
            (
                MissingFile(
                    hothash=entry.hothash,
                    expected_path=entry.relative_path,
                    last_seen_at=entry.last_seen_at or entry.indexed_at,
                )
                for entry in self.files.values()
                if entry.status is FileStatus.MISSING
            ),
            key=lambda missing: missing.expected_path,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSummary:
    """One session's line in the overview; ``index_file`` is relative to the storage root."""

    number: int
    session_uuid: SessionUuid
    title: str
    description: str
    imported_at: str
    file_count: int
    total_size_bytes: int
    missing_count: int
    copy_status: str
    index_file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanSummary:
    """What the last re-index found, for the overview."""

    changes_detected: bool
    moved_files: int
    missing_files: int
    new_files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationSummary:
    """What the last verification that came to its end found, for the overview."""

    at: str
    depth: str
    checked: int
    ok: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What imports are in a storage; ``base_path`` is a note of where it was last seen."""

    storage_uuid: StorageUuid
    storage_id: int | None
    directory_name: str
    base_path: str
    display_name: str
    description: str
    created_at: str
    last_scan: str | None
    is_active: bool
    total_files: int
    total_size_bytes: int
    sessions: tuple[SessionSummary, ...]
    last_scan_result: ScanSummary | None = None
    last_verification: VerificationSummary | None = None
    conflicts_count: int = 0
    generation: int = 0
    extras: Extras = field(default_factory=dict[str, Mapping[str, object]])


def _since(place: FileCopy) -> tuple[str, RelativePath]:
    return place.imported_at, place.relative_path


def merge_master_entry(parts: Iterable[tuple[ImportSession, FileEntry]], *, indexed_at: str) -> MasterEntry:
    """Derive one hothash's master entry from every session that has it.

    Every file becomes a place: those still present before missing ones, then session by session, in the order of
    (imported_at, relative_path) of their main files. A session's main file stands before its copies, though the clock
    of another machine may have given a copy an earlier time. Raises ValueError without parts.
    """
    sessions: list[list[FileCopy]] = []
    companions: dict[RelativePath, Companion] = {}
    last_seen: list[str] = []
    method: HothashMethod | None = None
    hothash: Hothash | None = None
    for session, entry in parts:
        hothash, method = entry.hothash, entry.method
        main = FileCopy(
            relative_path=entry.relative_path,
            size_bytes=entry.size_bytes,
            sha256=entry.sha256,
            modified_ns=entry.modified_ns,
            session_number=session.number,
            session_uuid=session.session_uuid,
            imported_at=entry.imported_at,
            status=entry.status,
            damage=entry.damage,
        )
        sessions.append([main, *sorted(entry.copies, key=_since)])
        companions.update({companion.relative_path: companion for companion in entry.companions})
        if entry.last_seen_at is not None:
            last_seen.append(entry.last_seen_at)
    if hothash is None or method is None:
        raise ValueError("a master entry needs at least one session entry")
    sessions.sort(key=lambda places: _since(places[0]))
    places = [place for places in sessions for place in places]
    main, *copies = sorted(places, key=lambda place: place.status is FileStatus.MISSING)
    return MasterEntry(
        hothash=hothash,
        method=method,
        relative_path=main.relative_path,
        size_bytes=main.size_bytes,
        sha256=main.sha256,
        modified=format_instant_ns(main.modified_ns),
        session_number=main.session_number,
        session_uuid=main.session_uuid,
        imported_at=main.imported_at,
        indexed_at=indexed_at,
        status=main.status,
        last_seen_at=max(last_seen) if main.status is FileStatus.MISSING and last_seen else None,
        companions=tuple(companions[path] for path in sorted(companions)),
        copies=tuple(copies),
        damage=main.damage,
    )
