"""From what a session says now to what it said before: the smallest change, made and applied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from imalink.core.conflict import OrphanFile
from imalink.core.folded_index import FoldedIndex
from imalink.core.index import FileEntry, FileStatus
from imalink.core.operation import EarlierHead, EntryPlace, OrphansRestored, SessionRestored
from imalink.core.relative_path import RelativePath


def earlier_of(before: FileEntry | None, now: FileEntry | None) -> FileEntry | EntryPlace | None:
    """Give the least that has to be said so that an entry that is ``now`` becomes what it was ``before``.

    That a file is damaged, or whole again, is nothing that undoing takes back.
    """
    if before is None or now is None:
        return before
    before = replace(before, damage=now.damage)
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


def restore_session(index: FoldedIndex, restored: SessionRestored) -> None:
    """Let the session say again what it said before an operation."""
    whole = {each.hothash: each.was for each in restored.entries if isinstance(each.was, FileEntry)}
    new = whole.keys() - index.files.keys()
    for each in restored.entries:
        entry = index.files.get(each.hothash)
        if each.was is None and entry is not None:
            index.drop_entry(each.hothash)
            heir = next((other for other in new if _follows(entry, whole[other])), None)
            if heir is not None:
                index.move_extras(each.hothash, heir)
    for each in restored.entries:
        entry = index.files.get(each.hothash)
        if isinstance(each.was, FileEntry):
            index.set_entry(each.was)
        elif each.was is not None and entry is not None:
            index.set_entry(placed(entry, each.was))
    for photo in restored.photos:
        for known_photo in (index.photos.get(photo.photo_uuid), photo.was):
            index.note_changed(known_photo.files if known_photo is not None else ())
        index.set_photo(photo.photo_uuid, photo.was)
    for tombstone in restored.tombstones:
        index.set_tombstone(tombstone.hothash, tombstone.was)
    if restored.head is not None:
        _restore_head(index, restored.head)


def _restore_head(index: FoldedIndex, head: EarlierHead) -> None:
    index.set_session(replace(index.session, title=head.title, description=head.description, status=head.status))


def _follows(one: FileEntry, other: FileEntry) -> bool:
    """Tell whether one of two entries was made from the other by an edit."""
    return one.previous_hothashes[-1:] == (other.hothash,) or other.previous_hothashes[-1:] == (one.hothash,)


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
