"""Taking an operation back: from what its lines say was before to what sessions have to say now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from imalink.core.fold import SessionFold
from imalink.core.folded_index import Changes
from imalink.core.ids import Hothash, SessionUuid
from imalink.core.index import FileCopy, FileEntry, FileStatus, MasterIndex
from imalink.core.inverse import Digests
from imalink.core.operation import (
    EarlierEntry,
    EarlierHead,
    EarlierPhoto,
    EarlierTombstone,
    EntryPlace,
    FileShift,
    OrphansRestored,
    Restoration,
    SessionRestored,
)
from imalink.core.relative_path import RelativePath
from imalink.core.restoring import earlier_of, orphans_difference, restore_orphans
from imalink.core.shifts import net_shifts

_AT_ONCE = 25
"""So many small things are restored by one observation; what may be large has one to itself, to fit in a line."""

T = TypeVar("T")

Touched = tuple[SessionUuid, str]
"""A session, and what of it: a hothash, a photo's UUID, or its own UUID for its head."""

_Returning = tuple[Touched, FileStatus]
"""What says of a file again that it stands at a path, or is missing from it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """What a session says of a hothash, and what it will say; None for nothing."""

    hothash: Hothash
    now: FileEntry | None
    then: FileEntry | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What has to be written down to take an operation back, what that does to the entries, and the files that move."""

    observations: tuple[Restoration, ...]
    entries: tuple[TakenBack, ...]
    shifts: tuple[FileShift, ...] = ()


class Undoing:
    """Takes back the lines of an operation on the sessions that they concern, the last line first.

    ``conflicts`` collects what is not any more as the operation left it: something else changed it since. With the
    result come those that took the place of a file meanwhile, in whatever session of the ``master``. ``returned`` are
    pictures that stand where they would be missing again: a conflict if they came later, else as it was before.
    """

    def __init__(self, folds: Mapping[SessionUuid, SessionFold], *, master: MasterIndex, digests: Digests) -> None:
        self._folds = folds
        self._master = master
        self._orphans = master.orphans
        self._digests = digests
        self._shifts: dict[SessionUuid, list[FileShift]] = {}
        self.conflicts: set[Touched] = set()
        self.returned: set[Touched] = set()

    def take_back(self, inverse: Iterable[Restoration]) -> None:
        """Take back one line."""
        for restoration in inverse:
            if isinstance(restoration, OrphansRestored):
                self._orphans = restore_orphans(self._orphans, restoration)
                continue
            self._shifts.setdefault(restoration.session_uuid, []).extend(restoration.shifts)
            fold = self._folds.get(restoration.session_uuid)
            if fold is None:
                self.conflicts.add((restoration.session_uuid, restoration.session_uuid))
            else:
                fold.observe(self._as_it_fits(fold, restoration))

    def result(self) -> Undone:
        """Give what comes of all that was taken back."""
        observations: list[Restoration] = []
        shifts: list[FileShift] = []
        entries: list[TakenBack] = []
        restored: dict[RelativePath, _Returning] = {}
        for session_uuid, fold in self._folds.items():
            changes = fold.take_changes()
            net = net_shifts(self._shifts.get(session_uuid, ()))
            shifts.extend(net)
            observations.extend(_with_shifts(_pieces(fold, changes), net))
            for hothash, now in changes.entries.items():
                then = fold.files.get(hothash)
                if now != then:
                    entries.append(TakenBack(hothash=hothash, now=now, then=then))
                known = {file.relative_path for file in _files_of(now)}
                for file in _files_of(then):
                    if file.relative_path not in known:
                        restored[file.relative_path] = (session_uuid, hothash), file.status
        self._compare_places(restored)
        orphans = orphans_difference(self._orphans, self._master.orphans)
        observations.extend(OrphansRestored(gone=gone) for gone in _groups(orphans.gone))
        observations.extend(OrphansRestored(back=back) for back in _groups(orphans.back))
        return Undone(observations=tuple(observations), entries=tuple(entries), shifts=tuple(shifts))

    def _as_it_fits(self, fold: SessionFold, restored: SessionRestored) -> SessionRestored:
        """Note what is not as the operation left it; what was only said of a photo since is kept."""
        digests, session_uuid = self._digests, restored.session_uuid
        for entry in restored.entries:
            known = fold.files.get(entry.hothash)
            self._compare(session_uuid, entry.hothash, entry.now, None if known is None else digests.of_entry(known))
        for tombstone in restored.tombstones:
            buried = fold.deleted.get(tombstone.hothash)
            found = None if buried is None else digests.of_tombstone(buried)
            self._compare(session_uuid, tombstone.hothash, tombstone.now, found)
        if restored.head is not None:
            self._compare(session_uuid, session_uuid, restored.head.now, digests.of_head(fold.session))
        photos = [self._photo_as_it_fits(fold, session_uuid, photo) for photo in restored.photos]
        return replace(restored, photos=tuple(photos))

    def _photo_as_it_fits(self, fold: SessionFold, session_uuid: SessionUuid, earlier: EarlierPhoto) -> EarlierPhoto:
        known = fold.photos.get(earlier.photo_uuid)
        found = None if known is None else self._digests.of_photo(known)
        if known is None or found is None or earlier.was is None or earlier.now in ("", None, found):
            self._compare(session_uuid, earlier.photo_uuid, earlier.now, found)
            return earlier
        # Where only its files were others before, and only what is said of it changed since, both can hold.
        before = self._digests.of_photo(earlier.was)
        if _files_half(found) == _files_half(earlier.now) and _said_half(before) == _said_half(earlier.now):
            return replace(earlier, was=replace(known, files=earlier.was.files, primary=earlier.was.primary))
        self.conflicts.add((session_uuid, earlier.photo_uuid))
        return earlier

    def _compare(self, session_uuid: SessionUuid, what: str, left: str | None, found: str | None) -> None:
        if left not in ("", found):
            self.conflicts.add((session_uuid, what))

    def _compare_places(self, restored: Mapping[RelativePath, _Returning]) -> None:
        """Note what is known to stand where a file is to be known again.

        A file that was missing may be missing again from where another picture stands.
        """
        if not restored:
            return
        returning = {touched for touched, _ in restored.values()}
        for standing, path in self._standing():
            if path not in restored or standing in returning:
                continue
            (_, hothash), status = restored[path]
            if status is FileStatus.PRESENT:
                self.conflicts.add(standing)
            elif hothash == standing[1]:
                self.returned.add(standing)

    def _standing(self) -> Iterator[tuple[Touched, RelativePath]]:
        """Give each file that is present when all is taken back, with what says so."""
        for hothash, known in self._master.files.items():
            for place in known.places():
                if place.session_uuid not in self._folds and place.status is FileStatus.PRESENT:
                    yield (place.session_uuid, hothash), place.relative_path
        for session_uuid, fold in self._folds.items():
            for hothash, entry in fold.files.items():
                for file in _files_of(entry):
                    if file.status is FileStatus.PRESENT:
                        yield (session_uuid, hothash), file.relative_path


def _files_of(entry: FileEntry | None) -> Iterator[FileEntry | FileCopy]:
    if entry is not None:
        yield entry
        yield from entry.copies


def touched_by(inverse: Iterable[Restoration]) -> Iterator[Touched]:
    """Give all that a line touched, by what takes it back."""
    for restoration in inverse:
        if isinstance(restoration, SessionRestored):
            session_uuid = restoration.session_uuid
            yield from ((session_uuid, each.hothash) for each in restoration.entries)
            yield from ((session_uuid, each.photo_uuid) for each in restoration.photos)
            yield from ((session_uuid, each.hothash) for each in restoration.tombstones)
            if restoration.head is not None:
                yield session_uuid, session_uuid


def _pieces(fold: SessionFold, changes: Changes) -> Iterator[SessionRestored]:
    """Cut what makes a session what it is in the fold, from what it was before ``changes``, into pieces."""
    whole = SessionRestored(session_uuid=fold.session.session_uuid, session_number=fold.session.number)
    small: list[EarlierEntry] = []
    absent: dict[Hothash, FileEntry] = {}
    large: list[EarlierEntry] = []
    buried = {
        hothash: EarlierTombstone(hothash=hothash, was=then_tombstone)
        for hothash, tombstone in changes.tombstones.items()
        if tombstone != (then_tombstone := fold.deleted.get(hothash))
    }

    def tombstones_of(*hothashes: Hothash) -> tuple[EarlierTombstone, ...]:
        """Give what goes with these entries in one piece: a picture is never neither known nor deleted."""
        return tuple(each for hothash in hothashes if (each := buried.pop(hothash, None)) is not None)

    for hothash, now in changes.entries.items():
        then = fold.files.get(hothash)
        if now == then:
            continue
        earlier = EarlierEntry(hothash=hothash, was=earlier_of(then, now))
        if then is None and now is not None:
            absent[hothash] = now
        elif isinstance(earlier.was, EntryPlace) and not (earlier.was.copies or earlier.was.companions):
            small.append(earlier)
        else:
            large.append(earlier)
    successors = {now.previous_hothashes[-1]: hothash for hothash, now in absent.items() if now.previous_hothashes}
    for earlier in large:
        # An edit and what it was made from go together: what nobody knows of the one is the other's then.
        kin = None
        if isinstance(earlier.was, FileEntry):
            origin = earlier.was.previous_hothashes[-1:]
            kin = origin[0] if origin and origin[0] in absent else successors.get(earlier.hothash)
        gone = () if kin is None or absent.pop(kin, None) is None else (EarlierEntry(hothash=kin, was=None),)
        entries = (*gone, earlier)
        yield replace(whole, entries=entries, tombstones=tombstones_of(*(each.hothash for each in entries)))
    for hothash in absent:
        yield replace(whole, entries=(EarlierEntry(hothash=hothash, was=None),), tombstones=tombstones_of(hothash))
    for group in _groups(small):
        yield replace(whole, entries=group)
    for photo_uuid, photo in changes.photos.items():
        if photo != (then_photo := fold.photos.get(photo_uuid)):
            yield replace(whole, photos=(EarlierPhoto(photo_uuid=photo_uuid, was=then_photo),))
    for tombstone in buried.values():
        yield replace(whole, tombstones=(tombstone,))
    session = fold.session
    if changes.session is not None and changes.session != session:
        head = EarlierHead(title=session.title, description=session.description, status=session.status)
        yield replace(whole, head=head)


def _with_shifts(pieces: Iterable[SessionRestored], shifts: Iterable[FileShift]) -> Iterator[SessionRestored]:
    """Let each file move with the piece that says so of its picture."""
    by_hothash: dict[Hothash, list[FileShift]] = {}
    for shift in shifts:
        by_hothash.setdefault(shift.hothash, []).append(shift)
    for piece in pieces:
        named = dict.fromkeys(each.hothash for each in (*piece.entries, *piece.tombstones))
        yield replace(piece, shifts=tuple(shift for each in named for shift in by_hothash.pop(each, ())))


def _files_half(digest: str) -> str:
    return digest[:8]


def _said_half(digest: str) -> str:
    return digest[8:]


def _groups(items: Sequence[T]) -> Iterator[tuple[T, ...]]:
    for at in range(0, len(items), _AT_ONCE):
        yield tuple(items[at : at + _AT_ONCE])
