"""Working out what takes observations back: they are tried on a session's fold, and what was before is kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from imalink.core.conflict import OrphanFile
from imalink.core.fold import SessionFold
from imalink.core.folded_index import Changes
from imalink.core.ids import Hothash, PhotoUuid, SessionUuid
from imalink.core.index import FileEntry, Tombstone
from imalink.core.journal import (
    FileCopied,
    FileDamaged,
    FileDeleted,
    FileMissing,
    FileMoved,
    FileRehashed,
    FileSeen,
    FileTrashed,
    FileUntrashed,
    FileWhole,
    Observation,
    SessionEdited,
    TrashEmptied,
)
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
from imalink.core.photo import Photo
from imalink.core.restoring import earlier_of, orphans_difference, place_before, placed, restore_orphans
from imalink.core.session import ImportSession
from imalink.core.shifts import reversed_shifts, shifts_of


class Digests(Protocol):
    """Gives the short digests by which it is told later whether anything else was changed meanwhile."""

    def of_entry(self, entry: FileEntry) -> str:
        """Of all that a session says of a file."""
        ...

    def of_photo(self, photo: Photo) -> str:
        """Of the files of a photo, and of what is said of it: a half for each."""
        ...

    def of_tombstone(self, tombstone: Tombstone) -> str:
        """Of a tombstone."""
        ...

    def of_head(self, session: ImportSession) -> str:
        """Of a session's title, description and status."""
        ...


class Trial:
    """Tries observations on the sessions that they concern, and on the list of orphans, in the order of a fold."""

    def __init__(self, folds: Mapping[int, SessionFold], *, orphans: Sequence[OrphanFile], digests: Digests) -> None:
        self._folds = folds
        self._numbers = {fold.session.session_uuid: number for number, fold in folds.items()}
        self._orphans = tuple(orphans)
        self._digests = digests

    def apply(self, observation: Observation) -> tuple[Restoration, ...]:
        """Take in one observation; give what takes it back."""
        found: list[Restoration] = []
        shifts = reversed_shifts(shifts_of(observation))
        if isinstance(observation, OrphansRestored):
            before = self._orphans
            self._orphans = restore_orphans(before, observation)
            found.append(orphans_difference(before, self._orphans))
        for number in self._concerned(observation):
            self._folds[number].observe(observation)
            changes = self._folds[number].take_changes()
            if not changes.is_empty:
                found.append(replace(self._restoring(self._folds[number], changes), shifts=shifts))
        return tuple(found)

    def _concerned(self, observation: Observation) -> Collection[int]:
        """Give the sessions that an observation can concern: the one that it names, else all."""
        match observation:
            case (
                FileMoved()
                | FileSeen()
                | FileMissing()
                | FileDamaged()
                | FileWhole()
                | FileDeleted()
                | FileRehashed()
                | FileCopied()
            ):
                session_uuid = observation.session_uuid
            case SessionEdited() | SessionRestored() | FileTrashed() | FileUntrashed() | TrashEmptied():
                session_uuid = observation.session_uuid
            case _:
                session_uuid = None
        if session_uuid is not None:
            number = self._numbers.get(session_uuid)
            return () if number is None else (number,)
        return self._folds.keys()

    def _restoring(self, fold: SessionFold, changes: Changes) -> SessionRestored:
        session, digests = fold.session, self._digests
        entries: list[EarlierEntry] = []
        for hothash, before in changes.entries.items():
            now = fold.files.get(hothash)
            if before != now:
                digest = None if now is None else digests.of_entry(now)
                entries.append(EarlierEntry(hothash=hothash, was=earlier_of(before, now), now=digest))
        photos = tuple(
            EarlierPhoto(photo_uuid=photo_uuid, was=before, now=None if now is None else digests.of_photo(now))
            for photo_uuid, before in changes.photos.items()
            if before != (now := fold.photos.get(photo_uuid))
        )
        tombstones = tuple(
            EarlierTombstone(hothash=hothash, was=before, now=None if now is None else digests.of_tombstone(now))
            for hothash, before in changes.tombstones.items()
            if before != (now := fold.deleted.get(hothash))
        )
        before = changes.session
        head = (
            None
            if before is None or before == session
            else EarlierHead(
                title=before.title,
                description=before.description,
                status=before.status,
                now=digests.of_head(session),
            )
        )
        return SessionRestored(
            session_uuid=session.session_uuid,
            session_number=session.number,
            entries=tuple(entries),
            photos=photos,
            tombstones=tombstones,
            head=head,
        )


class Inverse:
    """What takes back several observations that were tried one after another."""

    def __init__(self) -> None:
        self._sessions: dict[SessionUuid, _SessionInverse] = {}
        self._orphans: list[OrphansRestored] = []

    def go_on_with(self, later: Iterable[Restoration]) -> None:
        """Take in what takes back what came after: what was before that is known already counts."""
        for each in later:
            if isinstance(each, OrphansRestored):
                self._orphans.insert(0, each)
            else:
                self._sessions.setdefault(each.session_uuid, _SessionInverse(each.session_number)).go_on_with(each)

    def result(self) -> tuple[Restoration, ...]:
        """Give it, as little as will do."""
        sessions = (found.result(session_uuid) for session_uuid, found in self._sessions.items())
        return (
            *(each for each in self._orphans if each.gone or each.back),
            *(each for each in sessions if each.entries or each.photos or each.tombstones or each.head is not None),
        )


@dataclass(slots=True)
class _SessionInverse:
    number: int
    entries: dict[Hothash, EarlierEntry] = field(default_factory=dict[Hothash, EarlierEntry])
    photos: dict[PhotoUuid, EarlierPhoto] = field(default_factory=dict[PhotoUuid, EarlierPhoto])
    tombstones: dict[Hothash, EarlierTombstone] = field(default_factory=dict[Hothash, EarlierTombstone])
    head: EarlierHead | None = None
    shifts: list[FileShift] = field(default_factory=list[FileShift])

    def go_on_with(self, later: SessionRestored) -> None:
        self.shifts[:0] = later.shifts
        for entry in later.entries:
            first = self.entries.get(entry.hothash)
            was = entry.was if first is None else _before_both(first.was, entry.was)
            self.entries[entry.hothash] = replace(entry, was=was)
        for photo in later.photos:
            known = self.photos.get(photo.photo_uuid, photo)
            self.photos[photo.photo_uuid] = replace(known, now=photo.now)
        for tombstone in later.tombstones:
            buried = self.tombstones.get(tombstone.hothash, tombstone)
            self.tombstones[tombstone.hothash] = replace(buried, now=tombstone.now)
        if later.head is not None:
            self.head = replace(self.head or later.head, now=later.head.now)

    def result(self, session_uuid: SessionUuid) -> SessionRestored:
        return SessionRestored(
            session_uuid=session_uuid,
            session_number=self.number,
            entries=tuple(self.entries.values()),
            photos=tuple(self.photos.values()),
            tombstones=tuple(self.tombstones.values()),
            head=self.head,
            shifts=tuple(self.shifts),
        )


def _before_both(
    first: FileEntry | EntryPlace | None, second: FileEntry | EntryPlace | None
) -> FileEntry | EntryPlace | None:
    """Give what was before two changes of one entry, from what was before each of them."""
    if not isinstance(first, EntryPlace):
        return first
    if isinstance(second, FileEntry):
        return placed(second, first)
    assert second is not None, "an entry that was in another place was there"
    return place_before(first, second)
