"""A session index while it is folded: all that is touched goes through it, so that it is known what was before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

from imalink.core.ids import Hothash, PhotoUuid
from imalink.core.index import FileEntry, SessionIndex, Tombstone
from imalink.core.photo import Photo
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


class FoldedIndex:
    """The head, entries, photos and tombstones of one session as they are now, and what of them was touched."""

    def __init__(self, index: SessionIndex) -> None:
        self._session = index.session
        self._files = dict(index.files)
        self._photos = dict(index.photos)
        self._deleted = dict(index.deleted)
        self._extras = dict(index.extras)
        self._changes = Changes()
        self._changed: set[Hothash] = set()
        self._is_head_changed = False

    @property
    def session(self) -> ImportSession:
        """The session's head as it is now."""
        return self._session

    @property
    def files(self) -> Mapping[Hothash, FileEntry]:
        """The entries as they are now."""
        return self._files

    @property
    def photos(self) -> Mapping[PhotoUuid, Photo]:
        """What is said of photos now."""
        return self._photos

    @property
    def deleted(self) -> Mapping[Hothash, Tombstone]:
        """The tombstones as they are now."""
        return self._deleted

    @property
    def extras(self) -> Mapping[str, Mapping[str, object]]:
        """The unknown keys of the index, at their places as they are now."""
        return self._extras

    @property
    def changed(self) -> AbstractSet[Hothash]:
        """The hothashes whose entry is another now, those that are gone included."""
        return self._changed

    @property
    def is_head_changed(self) -> bool:
        """Whether an observation changed the head."""
        return self._is_head_changed

    def take_changes(self) -> Changes:
        """Give what was before all that was touched since this was asked last."""
        changes, self._changes = self._changes, Changes()
        return changes

    def set_entry(self, entry: FileEntry) -> None:
        """Put an entry in the place of the one of its hothash; its tombstone goes."""
        self._changes.entries.setdefault(entry.hothash, self._files.get(entry.hothash))
        self._files[entry.hothash] = entry
        if entry.hothash in self._deleted:  # a picture that came back is deleted no more
            self.set_tombstone(entry.hothash, None)
        self._changed.add(entry.hothash)

    def drop_entry(self, hothash: Hothash) -> None:
        """Take an entry out."""
        self._changes.entries.setdefault(hothash, self._files.pop(hothash))
        self._changed.add(hothash)

    def set_photo(self, photo_uuid: PhotoUuid, photo: Photo | None) -> None:
        """Put what is said of a photo in the place of what was; None takes it out."""
        self._changes.photos.setdefault(photo_uuid, self._photos.get(photo_uuid))
        if photo is None:
            self._photos.pop(photo_uuid, None)
        else:
            self._photos[photo_uuid] = photo

    def set_tombstone(self, hothash: Hothash, tombstone: Tombstone | None) -> None:
        """Put a tombstone in the place of the one of its hothash; None takes it out."""
        self._changes.tombstones.setdefault(hothash, self._deleted.get(hothash))
        if tombstone is None:
            self._deleted.pop(hothash, None)
        else:
            self._deleted[hothash] = tombstone
        self._changed.add(hothash)

    def set_session(self, session: ImportSession) -> None:
        """Let the head be another, as an observation says."""
        self._changes.session = self._changes.session or self._session
        self._is_head_changed = self._is_head_changed or session != self._session
        self._session = session

    def take_session(self, session: ImportSession) -> None:
        """Let the head be that of a newer commit, which is nothing that could be taken back."""
        self._session = replace(session, number=self._session.number)

    def note_changed(self, hothashes: Iterable[Hothash]) -> None:
        """Count entries as changed because what is said of their photo is."""
        self._changed.update(hothashes)

    def move_extras(self, old: Hothash, new: Hothash) -> None:
        """Let the unknown keys of one entry stand at the place of another."""
        place, new_place = f"files.{old}", f"files.{new}"
        self._extras = {
            new_place + at[len(place) :] if at == place or at.startswith(place + ".") else at: keys
            for at, keys in self._extras.items()
        }
