"""Write sidecars: what the user said of photos beside their pictures, for other programs, because the user asks for it.

Decision: docs/decisions/0078-sidecars-are-written-on-request.md.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass

from imalink.catalog.file_storages import StorageRecord
from imalink.core.finding import Finding
from imalink.core.ids import Sha256, StorageUuid
from imalink.core.index import Companion, FileEntry, FileStatus, SessionIndex
from imalink.core.journal import CompanionsChanged, Observation
from imalink.core.progress import Progress, SilentProgress
from imalink.core.relative_path import RelativePath
from imalink.core.sidecar_facts import MAX_SIDECAR_BYTES
from imalink.core.told_facts import told_facts
from imalink.errors import (
    IndexDamagedError,
    IndexTooLargeError,
    InvalidPathError,
    NameTakenError,
    NotFoundError,
    StorageError,
    UnsafePathError,
)
from imalink.media.kinds import companion_kind
from imalink.media.xmp_writing import dump_sidecar, is_own_sidecar
from imalink.storage.file_storage import FileStorage
from imalink.workflows.import_source import require_importable
from imalink.workflows.mend_indexes import mend_indexes
from imalink.workflows.storage_access import open_storage, write_down
from imalink.workflows.tools import Tools

_EXTENSION = ".xmp"
_NO_FILE_OF_OURS = b"?"
_LINES_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class SidecarReport:
    """What became of the sidecars of a storage, by path.

    ``left_alone`` are pictures with a sidecar of another program, or into whose sidecar one wrote since; nothing was
    written beside them. ``unchanged``: how many said what they should.
    """

    storage_uuid: StorageUuid
    written: tuple[RelativePath, ...]
    replaced: tuple[RelativePath, ...]
    left_alone: tuple[RelativePath, ...]
    unchanged: int
    findings: tuple[Finding, ...]
    seconds: float


def write_sidecars(
    tools: Tools, record: StorageRecord, *, dry_run: bool = False, progress: Progress | None = None
) -> SidecarReport:
    """Put ``IMG.jpg.xmp`` beside each picture of whose photo the user said something, and index it as a companion.

    No file that ImaLink did not write, and no one else wrote into since, is replaced; none is removed. What was written
    before a cancellation stays, and is indexed. Raises UsageError for a storage that only refers to its pictures,
    StorageError, CancelledError.
    """
    started = time.monotonic()
    with open_storage(tools, record) as storage:
        require_importable(storage)
        work = _Writing(tools, record, storage, progress or SilentProgress())
        if dry_run:
            work.look()
        else:
            with storage.lock("sidecars"):
                work.findings.extend(mend_indexes(tools, record, storage).findings)
                work.write()
    return SidecarReport(
        storage_uuid=record.storage_uuid,
        written=tuple(work.written),
        replaced=tuple(work.replaced),
        left_alone=tuple(work.left_alone),
        unchanged=work.unchanged,
        findings=tuple(work.findings),
        seconds=round(time.monotonic() - started, 3),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """A sidecar as it should be, beside the main file of an entry."""

    entry: FileEntry
    path: RelativePath
    data: bytes
    says_anything: bool

    @property
    def known(self) -> Companion | None:
        """What the index has at its place."""
        return next((each for each in self.entry.companions if each.relative_path == self.path), None)

    @property
    def has_another(self) -> bool:
        """Whether the picture has XMP in another file."""
        kind = companion_kind(self.path.name)
        return any(each.kind == kind and each.relative_path != self.path for each in self.entry.companions)


class _Writing:
    def __init__(self, tools: Tools, record: StorageRecord, storage: FileStorage, progress: Progress) -> None:
        self._tools = tools
        self._record = record
        self._storage = storage
        self._progress = progress
        self._told: list[Observation] = []
        self.written: list[RelativePath] = []
        self.replaced: list[RelativePath] = []
        self.left_alone: list[RelativePath] = []
        self.findings: list[Finding] = []
        self.unchanged = 0

    def look(self) -> None:
        """Tell what would be written."""
        for wanted in self._wanted():
            self._progress.checkpoint()
            self._sort(wanted)

    def write(self) -> None:
        """Write, and tell the index of it."""
        wanted = list(self._wanted())
        self._progress.start_phase("sidecars", total_files=len(wanted))
        try:
            for each in wanted:
                self._progress.checkpoint()
                self._settle(each)
                self._progress.advance(files=1, current=each.path.printable())
                if len(self._told) >= _LINES_AT_ONCE:
                    self._write_down()
        finally:
            self._write_down()

    def _wanted(self) -> Iterator[_Wanted]:
        for number in self._storage.indexes.list_sessions():
            try:
                index = self._storage.indexes.load_session(number).index
            except (IndexDamagedError, NotFoundError):
                continue
            yield from self._wanted_of(index)

    def _wanted_of(self, index: SessionIndex) -> Iterator[_Wanted]:
        for photo in index.photos.values():
            primary = next((index.files[each] for each in (photo.primary, *photo.files) if each in index.files), None)
            if primary is None:
                continue
            told = told_facts(photo, primary.facts)
            for hothash in photo.files:
                entry = index.files.get(hothash)
                if entry is None or entry.status is not FileStatus.PRESENT or entry.damage is not None:
                    continue
                try:
                    path = RelativePath.from_bytes(entry.relative_path.as_bytes() + _EXTENSION.encode())
                except InvalidPathError:  # too long a name for one with an extension more
                    if told.says_anything:
                        self.left_alone.append(entry.relative_path)
                    continue
                data = dump_sidecar(told.facts, tags=told.tags)
                wanted = _Wanted(entry=entry, path=path, data=data, says_anything=told.says_anything)
                if wanted.says_anything or wanted.known is not None:
                    yield wanted

    def _sort(self, wanted: _Wanted) -> list[RelativePath] | None:
        """Give the list that a sidecar goes into, and put it there; None for one that is as it should be."""
        standing = self._standing(wanted.path)
        if not wanted.says_anything and (standing is None or not _is_ours(standing)):
            return None
        if standing == wanted.data:
            self.unchanged += 1
            return None
        if standing is None:
            found = self.left_alone if wanted.has_another else self.written
        else:
            found = self.replaced if _is_ours(standing) else self.left_alone
        found.append(wanted.entry.relative_path if found is self.left_alone else wanted.path)
        return found

    def _standing(self, path: RelativePath) -> bytes | None:
        """Give what has the name of a sidecar; what cannot be one, as bytes that ImaLink never wrote."""
        try:
            return self._storage.pictures.find_bytes(path, MAX_SIDECAR_BYTES)
        except (UnsafePathError, IndexTooLargeError):
            return _NO_FILE_OF_OURS

    def _settle(self, wanted: _Wanted) -> None:
        if not self._storage.pictures.exists(wanted.entry.relative_path):
            return  # a re-index tells what became of it
        found = self._sort(wanted)
        if found is self.left_alone or (found is None and not wanted.says_anything):
            return
        if found is self.written:
            try:
                self._storage.files.place_new(wanted.path, wanted.data)
            except NameTakenError:
                self.written.remove(wanted.path)
                self.left_alone.append(wanted.entry.relative_path)
                return
        elif found is self.replaced:
            self._storage.files.replace(wanted.path, wanted.data, before_move=lambda: self._require_own(wanted.path))
        self._tell(wanted)

    def _require_own(self, path: RelativePath) -> None:
        standing = self._standing(path)
        if standing is None or not _is_ours(standing):
            raise StorageError(
                f"{path.printable()} was changed by another program just now. It was not touched.",
                hint="Let that program finish, then run the same again.",
            )

    def _tell(self, wanted: _Wanted) -> None:
        facts = self._storage.pictures.get_facts(wanted.path)
        companion = Companion(
            relative_path=wanted.path,
            sha256=Sha256(hashlib.sha256(wanted.data).hexdigest()),
            size_bytes=facts.size_bytes,
            modified_ns=facts.modified_ns,
            kind=companion_kind(wanted.path.name),
        )
        if wanted.known == companion:
            return
        others = [each for each in wanted.entry.companions if each.relative_path != wanted.path]
        companions = tuple(sorted((*others, companion), key=lambda each: each.relative_path))
        entry = wanted.entry
        self._told.append(CompanionsChanged(hothash=entry.hothash, path=entry.relative_path, companions=companions))

    def _write_down(self) -> None:
        if self._told:
            told, self._told = self._told, []
            self.findings.extend(write_down(self._tools, self._record, self._storage, told).findings)


def _is_ours(standing: bytes) -> bool:
    """Tell whether a sidecar may be written anew.

    An empty one may: nobody's words are in it. Where names cannot be given without overwriting, a crash may leave one.
    """
    return not standing or is_own_sidecar(standing)
