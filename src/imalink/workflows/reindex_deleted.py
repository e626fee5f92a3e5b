"""What a re-index makes of deleted pictures: the marked ones are let be, and those that came back are known again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from imalink.core.ids import Hothash, SessionUuid
from imalink.core.index import Companion, FileCopy, FileEntry, SessionIndex, Tombstone
from imalink.core.journal import FileCopied, FileSeen, FileUntrashed, Observation
from imalink.core.operation import FileShift
from imalink.core.organization import companion_target
from imalink.core.picture import Fingerprint
from imalink.core.relative_path import RelativePath
from imalink.core.scan import ScannedFile
from imalink.errors import InvalidPathError


@dataclass(frozen=True, slots=True, kw_only=True)
class _Deleted:
    session_uuid: SessionUuid
    session_number: int
    tombstone: Tombstone
    entry: FileEntry


@dataclass(slots=True)
class ReturnedPictures:
    """Pictures in the folder that had been deleted: those that are known again, and those that stay deleted.

    ``copies`` are further files of those that are known again.
    """

    observations: list[Observation] = field(default_factory=list[Observation])
    paths: list[RelativePath] = field(default_factory=list[RelativePath])
    still_deleted: set[RelativePath] = field(default_factory=set[RelativePath])
    copies: set[RelativePath] = field(default_factory=set[RelativePath])


class DeletedPictures:
    """The deleted pictures of these sessions, all of one storage, that can come back."""

    def __init__(self, sessions: Iterable[SessionIndex]) -> None:
        self._deleted: dict[Hothash, _Deleted] = {}
        self._marked: dict[RelativePath, FileEntry | FileCopy | Companion] = {}
        for index in sessions:
            for tombstone in index.deleted.values():
                if tombstone.entry is None:
                    continue
                self._deleted[tombstone.hothash] = _Deleted(
                    session_uuid=index.session.session_uuid,
                    session_number=index.session.number,
                    tombstone=tombstone,
                    entry=tombstone.entry,
                )
                if tombstone.is_marked:
                    self._marked.update({file.relative_path: file for file in _files_of(tombstone.entry)})

    def without_marked(self, seen: Mapping[RelativePath, ScannedFile]) -> Mapping[RelativePath, ScannedFile]:
        """Give what a walk saw without the files that are only marked deleted and stand as they stood."""
        if not self._marked:
            return seen
        return {path: file for path, file in seen.items() if not self._is_marked(path, file)}

    def _is_marked(self, path: RelativePath, file: ScannedFile) -> bool:
        known = self._marked.get(path)
        return known is not None and known.size_bytes == file.size_bytes and known.modified_ns == file.modified_ns

    def explain(
        self,
        orphans: Mapping[RelativePath, Fingerprint | None],
        seen: Mapping[RelativePath, ScannedFile],
        *,
        now: str,
        finds_copies: bool,
    ) -> ReturnedPictures:
        """Tell which pictures that belong to no session are deleted ones that the user brought back from the trash."""
        found = ReturnedPictures()
        known_again: dict[Hothash, _Deleted] = {}
        for path, fingerprint in sorted(orphans.items()):
            deleted = None if fingerprint is None else self._deleted.get(fingerprint.hothash)
            if fingerprint is not None and fingerprint.hothash in known_again:
                if finds_copies:
                    session_uuid = known_again[fingerprint.hothash].session_uuid
                    found.copies.add(path)
                    found.observations.append(_copied(session_uuid, path, fingerprint, seen[path], now))
                continue
            if fingerprint is None or deleted is None:
                continue
            if deleted.tombstone.is_marked:
                if path in {file.relative_path for file in _files_of(deleted.entry)}:
                    found.still_deleted.add(path)
                continue
            shifts = tuple(_returned_files(deleted, path, seen))
            if shifts:
                known_again[fingerprint.hothash] = self._deleted.pop(fingerprint.hothash)
                found.paths.append(path)
                found.observations.extend(_known_again(deleted, shifts, path, fingerprint, seen[path]))
        return found


def _known_again(
    deleted: _Deleted, shifts: tuple[FileShift, ...], path: RelativePath, fingerprint: Fingerprint, now: ScannedFile
) -> Iterator[Observation]:
    yield FileUntrashed(
        hothash=fingerprint.hothash,
        session_uuid=deleted.session_uuid,
        session_number=deleted.session_number,
        shifts=shifts,
        are_shifted=True,
    )
    yield FileSeen(
        hothash=fingerprint.hothash,
        session_uuid=deleted.session_uuid,
        path=path,
        size_bytes=fingerprint.size_bytes,
        sha256=fingerprint.sha256,
        modified_ns=now.modified_ns,
    )


def _copied(
    session_uuid: SessionUuid, path: RelativePath, fingerprint: Fingerprint, file: ScannedFile, now: str
) -> FileCopied:
    return FileCopied(
        hothash=fingerprint.hothash,
        path=path,
        session_uuid=session_uuid,
        size_bytes=fingerprint.size_bytes,
        sha256=fingerprint.sha256,
        modified_ns=file.modified_ns,
        imported_at=now,
    )


def _returned_files(
    deleted: _Deleted, path: RelativePath, seen: Mapping[RelativePath, ScannedFile]
) -> Iterator[FileShift]:
    """Give the picture's file as it came back, and the companions that came with it."""
    entry = deleted.entry
    kept = {file.path: file.kept for file in deleted.tombstone.kept}
    pictures = [each for each in (entry, *entry.copies) if each.relative_path in kept]
    if not pictures:
        return
    main = pictures[0]
    yield FileShift(hothash=entry.hothash, source=kept[main.relative_path], target=path, sha256=main.sha256)
    for companion in entry.companions:
        if companion.relative_path not in kept:
            continue
        try:
            beside = companion_target(companion.relative_path, main.relative_path, path)
        except InvalidPathError:
            continue
        for place in dict.fromkeys((beside, companion.relative_path)):
            now = seen.get(place)
            if now is not None and now.size_bytes == companion.size_bytes:
                yield FileShift(
                    hothash=entry.hothash,
                    source=kept[companion.relative_path],
                    target=place,
                    sha256=companion.sha256,
                )
                break


def _files_of(entry: FileEntry) -> tuple[FileEntry | FileCopy | Companion, ...]:
    return (entry, *entry.copies, *entry.companions)
