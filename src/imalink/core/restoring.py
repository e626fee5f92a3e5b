"""From what a session says now to what it said before: the smallest change, made and applied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from imalink.core.conflict import OrphanFile
from imalink.core.ids import Hothash, PhotoUuid
from imalink.core.index import FileEntry, FileStatus, Tombstone
from imalink.core.operation import EntryPlace, OrphansRestored
from imalink.core.photo import Photo
from imalink.core.relative_path import RelativePath
from imalink.core.session import ImportSession


@dataclass(slots=True)
class Changes:
    """What a session said before of all that was touched since; what is equal now was only touched."""

    entries: dict[Hothash, FileEntry | None] = field(default_factory=dict[Hothash, FileEntry | None])
    photos: dict[PhotoUuid, Photo | None] = field(default_factory=dict[PhotoUuid, Photo | None])
    tombstones: dict[Hothash, Tombstone | None] = field(default_factory=dict[Hothash, Tombstone | None])
    session: ImportSession | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was touched."""
        return not (self.entries or self.photos or self.tombstones or self.session is not None)


def earlier_of(before: FileEntry | None, now: FileEntry | None) -> FileEntry | EntryPlace | None:
    """Give the least that has to be said so that an entry that is ``now`` becomes what it was ``before``."""
    if before is None or now is None:
        return before
    is_as_known = (before.status, before.last_seen_at) == (now.status, now.last_seen_at)
    place = EntryPlace(
        relative_path=None if before.relative_path == now.relative_path else before.relative_path,
        size_bytes=None if before.size_bytes == now.size_bytes else before.size_bytes,
        sha256=None if before.sha256 == now.sha256 else before.sha256,
        modified_ns=None if before.modified_ns == now.modified_ns else before.modified_ns,
        photo_uuid=None if before.photo_uuid == now.photo_uuid else before.photo_uuid,
        status=None if is_as_known else before.status,
        last_seen_at=None if is_as_known else before.last_seen_at,
        companions=None if before.companions == now.companions else before.companions,
        copies=None if before.copies == now.copies else before.copies,
    )
    return place if placed(now, place) == before else before


def placed(entry: FileEntry, place: EntryPlace) -> FileEntry:
    """Give an entry in another place."""
    return replace(
        entry,
        relative_path=entry.relative_path if place.relative_path is None else place.relative_path,
        size_bytes=entry.size_bytes if place.size_bytes is None else place.size_bytes,
        sha256=entry.sha256 if place.sha256 is None else place.sha256,
        modified_ns=entry.modified_ns if place.modified_ns is None else place.modified_ns,
        photo_uuid=entry.photo_uuid if place.photo_uuid is None else place.photo_uuid,
        status=entry.status if place.status is None else place.status,
        last_seen_at=_last_seen_at(entry, place),
        companions=entry.companions if place.companions is None else place.companions,
        copies=entry.copies if place.copies is None else place.copies,
    )


def place_before(first: EntryPlace, second: EntryPlace) -> EntryPlace:
    """Give where an entry's files were before two changes, from where they were before each of them."""
    status, last_seen_at = first.status, first.last_seen_at
    if status is None:
        status, last_seen_at = second.status, second.last_seen_at
    return EntryPlace(
        relative_path=second.relative_path if first.relative_path is None else first.relative_path,
        size_bytes=second.size_bytes if first.size_bytes is None else first.size_bytes,
        sha256=second.sha256 if first.sha256 is None else first.sha256,
        modified_ns=second.modified_ns if first.modified_ns is None else first.modified_ns,
        photo_uuid=second.photo_uuid if first.photo_uuid is None else first.photo_uuid,
        status=status,
        last_seen_at=last_seen_at,
        companions=second.companions if first.companions is None else first.companions,
        copies=second.copies if first.copies is None else first.copies,
    )


def _last_seen_at(entry: FileEntry, place: EntryPlace) -> str | None:
    if place.status is None:
        return entry.last_seen_at
    return None if place.status is FileStatus.PRESENT else place.last_seen_at


def moved_extras(
    extras: Mapping[str, Mapping[str, object]], old: Hothash, new: Hothash
) -> dict[str, Mapping[str, object]]:
    """Give the unknown keys of an index with those of one entry at the place of another."""
    place, new_place = f"files.{old}", f"files.{new}"
    return {
        new_place + at[len(place) :] if at == place or at.startswith(place + ".") else at: keys
        for at, keys in extras.items()
    }


def restore_orphans(orphans: Iterable[OrphanFile], restored: OrphansRestored) -> tuple[OrphanFile, ...]:
    """Give the list of orphans as it was."""
    gone = set(restored.gone)
    by_path = {orphan.path: orphan for orphan in orphans if orphan.path not in gone}
    by_path |= {orphan.path: orphan for orphan in restored.back}
    return tuple(by_path[path] for path in sorted(by_path))


def orphans_difference(before: Sequence[OrphanFile], now: Sequence[OrphanFile]) -> OrphansRestored:
    """Give what makes the list ``now`` the list ``before`` again."""
    known: Mapping[RelativePath, OrphanFile] = {orphan.path: orphan for orphan in before}
    standing = {orphan.path: orphan for orphan in now}
    return OrphansRestored(
        gone=tuple(path for path in sorted(standing) if path not in known),
        back=tuple(known[path] for path in sorted(known) if standing.get(path) != known[path]),
    )
