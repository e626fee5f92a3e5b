"""Folding: a session index is its previous generation plus the commits and journal lines it does not contain yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from imalink.core.capture_fallback import keep_better_time
from imalink.core.ids import Hothash, PhotoUuid
from imalink.core.index import (
    Companion,
    FileCopy,
    FileEntry,
    FileStatus,
    JournalPosition,
    SessionIndex,
    Sources,
    Tombstone,
)
from imalink.core.journal import (
    Commit,
    CompanionsChanged,
    FileCopied,
    FileDeleted,
    FileEdited,
    FileMissing,
    FileMoved,
    FileRehashed,
    FileSeen,
    JournalLine,
    Observation,
    PhotoEdited,
    PhotoJoined,
    PhotoSplit,
    SessionEdited,
)
from imalink.core.operation import EarlierHead, OrphansRestored, SessionRestored
from imalink.core.pairing import primary_rank
from imalink.core.photo import Photo
from imalink.core.photo_facts import Rank, choose_primary, merge_photos, plain_photo
from imalink.core.picture import PictureFacts
from imalink.core.relative_path import RelativePath
from imalink.core.restoring import Changes, moved_extras, placed
from imalink.core.session import ImportSession
from imalink.core.user_facts import has_user_facts, merge_said


class SessionFold:
    """Brings one session index up to date, commit by commit and line by line.

    Applying a commit or line twice is the same as once, and lines about files of other sessions change nothing.
    ``changed`` collects the hothashes whose entry is another now, those that are gone included; ``is_head_changed``
    says that title or description is. Order of lines of
    different writers: by (lamport, writer). Rules: docs/format/commits-and-journals.md.
    """

    def __init__(self, index: SessionIndex) -> None:
        self._index = index
        self._files = dict(index.files)
        self._photos = dict(index.photos)
        self._deleted = dict(index.deleted)
        self._runs = set(index.sources.runs)
        self._positions = dict(index.sources.journals)
        self._session = index.session
        self._statistics = index.statistics
        self._findings = list(index.findings)
        self._extras = dict(index.extras)
        self._changes = Changes()
        self.changed: set[Hothash] = set()
        self.is_head_changed = False

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

    def take_changes(self) -> Changes:
        """Give what was before all that was touched since this was asked last."""
        changes, self._changes = self._changes, Changes()
        return changes

    def add_commit(self, commit: Commit) -> None:
        """Take in what one run placed."""
        if commit.begin.run_uuid in self._runs:
            return
        self._runs.add(commit.begin.run_uuid)
        for plan in commit.plans:
            self._add_entry(plan.entry)
        self._session = replace(commit.end.session, number=self._session.number)
        self._statistics = self._statistics + commit.end.statistics
        self._findings.extend(commit.findings)

    def add_line(self, line: JournalLine) -> None:
        """Take in one journal line, unless the index contains it already."""
        position = self._positions.get(line.writer)
        if position is not None and line.seq <= position.seq:
            return
        for observation in line.observations:
            self.observe(observation)
        self._positions[line.writer] = JournalPosition(seq=line.seq, digest=line.digest)

    def result(self, *, generated_at: str) -> SessionIndex:
        """Give the index as it is now, one generation on."""
        return replace(
            self._index,
            session=self._session,
            files=self._files,
            photos=self._photos,
            deleted=self._deleted,
            statistics=self._statistics,
            findings=tuple(self._findings),
            sources=Sources(runs=frozenset(self._runs), journals=self._positions),
            generated_at=generated_at,
            generation=self._index.generation + 1,
            extras=self._extras,
        )

    def _add_entry(self, entry: FileEntry) -> None:
        known = self._files.get(entry.hothash)
        if known is None or known.relative_path == entry.relative_path:
            self._set(entry)
        elif known.status is FileStatus.MISSING:
            self._set(replace(entry, photo_uuid=known.photo_uuid, previous_hothashes=known.previous_hothashes))
        else:
            copy = FileCopy(
                relative_path=entry.relative_path,
                size_bytes=entry.size_bytes,
                sha256=entry.sha256,
                modified_ns=entry.modified_ns,
                session_number=self._session.number,
                session_uuid=self._session.session_uuid,
                imported_at=entry.imported_at,
            )
            others = tuple(each for each in known.copies if each.relative_path != copy.relative_path)
            paths = {companion.relative_path for companion in entry.companions}
            kept = tuple(each for each in known.companions if each.relative_path not in paths)
            self._set(replace(known, copies=(*others, copy), companions=(*kept, *entry.companions)))
        self._join_photo(self._files[entry.hothash])

    def _join_photo(self, entry: FileEntry) -> None:
        photo = self._photos.get(entry.photo_uuid)
        if photo is None:
            photo = Photo(photo_uuid=entry.photo_uuid, files=(entry.hothash,), primary=entry.hothash)
        elif entry.hothash not in photo.files:
            photo = self._with_primary(replace(photo, files=(*photo.files, entry.hothash)))
        self._set_photo(entry.photo_uuid, photo)

    def _with_primary(self, photo: Photo) -> Photo:
        """Give the photo with the primary that its files of this session call for, unless the user chose one."""
        present = [hothash for hothash in photo.files if hothash in self._files]
        is_chosen = "primary" in photo.clocks and photo.primary in photo.files
        if is_chosen or not present:
            return photo
        return replace(photo, primary=choose_primary(photo, present, self._rank))

    def _rank(self, hothash: Hothash) -> Rank:
        entry = self._files[hothash]
        return primary_rank(entry.original_filename, entry.facts.file_format)

    def _join_photos(self, joined: PhotoJoined) -> None:
        """Let the files go on in one photo, and what was said of any of the photos in that photo's record."""
        target = joined.photo_uuid
        ended = [self._photos[each] for each in joined.joined if each in self._photos and each != target]
        if ended:
            known = self._photos.get(target)
            merged = merge_photos([known, *ended] if known is not None else ended)
            own = tuple(hothash for hothash in merged.files if self._is_of(hothash, target))
            self._set_photo(target, replace(merged, photo_uuid=target, files=own))
        for photo in ended:
            self.changed.update(photo.files)
            self._set_photo(
                photo.photo_uuid, Photo(photo_uuid=photo.photo_uuid, files=photo.files, primary=photo.primary)
            )
        for hothash in joined.hothashes:
            entry = self._files.get(hothash)
            if entry is not None:
                self._change_photo(entry, target)
        for photo_uuid in (target, *(photo.photo_uuid for photo in ended)):
            self._settle_photo(photo_uuid)

    def _settle_photo(self, photo_uuid: PhotoUuid) -> None:
        """Let a photo's record have the right primary; one without files here stays only for what was said."""
        photo = self._photos.get(photo_uuid)
        if photo is None:
            return
        if photo.files or has_user_facts(photo):
            self._set_photo(photo_uuid, self._with_primary(photo))
        else:
            self._set_photo(photo_uuid, None)

    def _split_photo(self, split: PhotoSplit) -> None:
        entry = self._files.get(split.hothash)
        if entry is not None:
            self._change_photo(entry, split.photo_uuid)

    def _change_photo(self, entry: FileEntry, photo_uuid: PhotoUuid) -> None:
        """Take a file out of its photo, of which all that was said stays, and into another."""
        if entry.photo_uuid == photo_uuid:
            return
        self._set(replace(entry, photo_uuid=photo_uuid))
        photo = self._photos.get(entry.photo_uuid)
        if photo is not None:
            files = tuple(hothash for hothash in photo.files if hothash != entry.hothash)
            self._set_photo(photo.photo_uuid, replace(photo, files=files))
            self._settle_photo(photo.photo_uuid)
        self._join_photo(self._files[entry.hothash])

    def _edit_photo(self, edited: PhotoEdited) -> None:
        """Let what the user said of a photo stand with it, field by field where it was said later than what stands.

        Where no file here is of that photo, it is the photos of its files that are meant: they were joined to another.
        """
        named = [entry for hothash in edited.hothashes if (entry := self._files.get(hothash)) is not None]
        meant = [edited.photo_uuid]
        if edited.photo_uuid not in self._photos:
            meant = list(dict.fromkeys(entry.photo_uuid for entry in named))
        for photo_uuid in meant:
            photo = self._photos.get(photo_uuid) or plain_photo(photo_uuid, named[0].hothash)
            said = merge_said(photo, edited.said)
            if said != photo:
                self._set_photo(photo_uuid, said)
                self.changed.update(photo.files, edited.hothashes)

    def _is_of(self, hothash: Hothash, photo_uuid: PhotoUuid) -> bool:
        entry = self._files.get(hothash)
        return entry is not None and entry.photo_uuid == photo_uuid

    # all that is touched goes through here, so that it is known what was before

    def _set(self, entry: FileEntry) -> None:
        self._changes.entries.setdefault(entry.hothash, self._files.get(entry.hothash))
        self._files[entry.hothash] = entry
        if entry.hothash in self._deleted:  # a picture that came back is deleted no more
            self._set_tombstone(entry.hothash, None)
        self.changed.add(entry.hothash)

    def _drop(self, hothash: Hothash) -> None:
        self._changes.entries.setdefault(hothash, self._files.pop(hothash))
        self.changed.add(hothash)

    def _set_photo(self, photo_uuid: PhotoUuid, photo: Photo | None) -> None:
        self._changes.photos.setdefault(photo_uuid, self._photos.get(photo_uuid))
        if photo is None:
            self._photos.pop(photo_uuid, None)
        else:
            self._photos[photo_uuid] = photo

    def _set_tombstone(self, hothash: Hothash, tombstone: Tombstone | None) -> None:
        self._changes.tombstones.setdefault(hothash, self._deleted.get(hothash))
        if tombstone is None:
            self._deleted.pop(hothash, None)
        else:
            self._deleted[hothash] = tombstone
        self.changed.add(hothash)

    def _set_session(self, session: ImportSession) -> None:
        self._changes.session = self._changes.session or self._session
        self.is_head_changed = self.is_head_changed or session != self._session
        self._session = session

    def observe(self, observation: Observation) -> None:
        """Take in one observation."""
        match observation:
            case FileMoved() | FileSeen() | FileMissing() | FileDeleted() | FileRehashed() if (
                observation.session_uuid not in (None, self._session.session_uuid)
            ):
                pass  # the file of another session that has the same picture
            case FileMoved():
                self._move(observation)
            case FileSeen():
                self._see(observation)
            case FileMissing():
                self._miss(observation)
            case FileDeleted():
                self._delete(observation)
            case FileRehashed():
                self._rehash(observation)
            case FileCopied():
                self._copy(observation)
            case FileEdited():
                self._edit(observation)
            case CompanionsChanged():
                entry = self._main(observation.hothash, observation.path)
                if entry is not None:
                    self._set(replace(entry, companions=observation.companions))
            case SessionEdited():
                self._edit_session(observation)
            case PhotoEdited():
                self._edit_photo(observation)
            case PhotoJoined():
                self._join_photos(observation)
            case PhotoSplit():
                self._split_photo(observation)
            case SessionRestored():
                if observation.session_uuid == self._session.session_uuid:
                    self._restore(observation)
            case OrphansRestored():
                pass  # they are in no session

    def _edit_session(self, edited: SessionEdited) -> None:
        session = self._session
        if edited.session_uuid != session.session_uuid:
            return
        self._set_session(
            replace(
                session,
                title=session.title if edited.title is None else edited.title,
                description=session.description if edited.description is None else edited.description,
            )
        )

    def _main(self, hothash: Hothash, path: RelativePath) -> FileEntry | None:
        entry = self._files.get(hothash)
        return entry if entry is not None and entry.relative_path == path else None

    def _move(self, moved: FileMoved) -> None:
        entry = self._files.get(moved.hothash)
        if entry is None:
            return
        if entry.relative_path == moved.old_path:
            self._set(
                replace(
                    entry,
                    relative_path=moved.new_path,
                    modified_ns=moved.modified_ns,
                    status=FileStatus.PRESENT,
                    last_seen_at=None,
                    copies=tuple(copy for copy in entry.copies if copy.relative_path != moved.new_path),
                )
            )
            return
        copies = tuple(
            replace(copy, relative_path=moved.new_path, modified_ns=moved.modified_ns, status=FileStatus.PRESENT)
            if copy.relative_path == moved.old_path
            else copy
            for copy in entry.copies
        )
        if copies != entry.copies:
            self._set(replace(entry, copies=copies))

    def _see(self, seen: FileSeen) -> None:
        entry = self._files.get(seen.hothash)
        if entry is None:
            return
        if entry.relative_path == seen.path:
            now = replace(
                entry,
                size_bytes=seen.size_bytes,
                sha256=seen.sha256,
                modified_ns=seen.modified_ns,
                status=FileStatus.PRESENT,
                last_seen_at=None,
            )
            if seen.entry is not None:
                now = replace(now, facts=_later_facts(entry.facts, seen.entry.facts))
                if seen.sha256 != entry.sha256:  # otherwise only a sidecar changed, and the preview stands
                    now = replace(now, hotpreview_rendition=seen.entry.hotpreview_rendition)
            self._set(now)
            return
        copies = tuple(
            replace(
                copy,
                size_bytes=seen.size_bytes,
                sha256=seen.sha256,
                modified_ns=seen.modified_ns,
                status=FileStatus.PRESENT,
            )
            if copy.relative_path == seen.path
            else copy
            for copy in entry.copies
        )
        if copies != entry.copies:
            self._set(replace(entry, copies=copies))

    def _miss(self, missing: FileMissing) -> None:
        """Mark the main file missing, unless a copy can take its place; a lost copy is simply no copy any more."""
        entry = self._files.get(missing.hothash)
        if entry is None:
            return
        if entry.relative_path != missing.path:
            copies = tuple(copy for copy in entry.copies if copy.relative_path != missing.path)
            if copies != entry.copies:
                self._set(replace(entry, copies=copies))
        elif entry.copies:
            self._set(_promoted(entry))
        else:
            self._set(replace(entry, status=FileStatus.MISSING, last_seen_at=missing.last_seen_at))

    def _delete(self, deleted: FileDeleted) -> None:
        """Forget a copy, or a main file whose copy takes its place; of the last file only a tombstone stays.

        What the user said of its photo stays too, for the day on which the picture comes back.
        """
        entry = self._files.get(deleted.hothash)
        if entry is None:
            return
        if entry.relative_path != deleted.path or entry.copies:
            self._miss(FileMissing(hothash=entry.hothash, path=deleted.path, last_seen_at=deleted.deleted_at))
            return
        self._drop(entry.hothash)
        tombstone = Tombstone(
            hothash=entry.hothash,
            sha256=entry.sha256,
            original_filename=entry.original_filename,
            photo_uuid=entry.photo_uuid,
            session_uuid=self._session.session_uuid,
            deleted_at=deleted.deleted_at,
            by=deleted.by,
            mode=deleted.mode,
            reason=deleted.reason,
        )
        self._set_tombstone(entry.hothash, tombstone)
        photo = self._photos.get(entry.photo_uuid)
        if photo is not None:
            files = tuple(hothash for hothash in photo.files if hothash != entry.hothash)
            self._set_photo(photo.photo_uuid, replace(photo, files=files))
            self._settle_photo(photo.photo_uuid)

    def _copy(self, copied: FileCopied) -> None:
        entry = self._files.get(copied.hothash)
        if entry is None or copied.session_uuid != self._session.session_uuid:
            return
        if copied.path in {entry.relative_path, *(copy.relative_path for copy in entry.copies)}:
            return
        copy = FileCopy(
            relative_path=copied.path,
            size_bytes=copied.size_bytes,
            sha256=copied.sha256,
            modified_ns=copied.modified_ns,
            session_number=self._session.number,
            session_uuid=self._session.session_uuid,
            imported_at=copied.imported_at,
        )
        self._set(replace(entry, copies=(*entry.copies, copy)))

    def _edit(self, edited: FileEdited) -> None:
        """Let the edited file go on under its new hothash with the photo, session and history it had."""
        old = self._files.get(edited.old_hothash)
        new_hothash = edited.entry.hothash
        if old is None or new_hothash in self._files:
            return
        if old.relative_path != edited.path:
            copies = tuple(copy for copy in old.copies if copy.relative_path != edited.path)
            if copies == old.copies:
                return
            self._set(replace(old, copies=copies))
            self._set(_succeeding(edited.entry, old, companions=()))
            self._join_photo(self._files[new_hothash])
            return
        entry = _succeeding(edited.entry, old, companions=old.companions)
        photo = self._photos.get(old.photo_uuid)
        self.changed.add(old.hothash)
        if old.copies:
            self._set(replace(_promoted(old), companions=()))
        else:
            self._drop(old.hothash)
            self._extras = moved_extras(self._extras, old.hothash, new_hothash)
        self._set(entry)
        if photo is not None:
            files = tuple(new_hothash if file == old.hothash and not old.copies else file for file in photo.files)
            self._set_photo(
                photo.photo_uuid,
                replace(
                    photo,
                    files=files if new_hothash in files else (*files, new_hothash),
                    primary=new_hothash if photo.primary == old.hothash else photo.primary,
                ),
            )

    def _rehash(self, rehashed: FileRehashed) -> None:
        """Let a picture go on under another hothash; where that is a known one's, its files are further copies."""
        old, known = self._files.get(rehashed.old_hothash), self._files.get(rehashed.hothash)
        if old is None or old is known:
            return
        self._drop(old.hothash)
        photo = self._photos.get(old.photo_uuid)
        if known is not None:
            self._set(self._with_files_of(known, old))
            others = tuple(hothash for hothash in photo.files if hothash != old.hothash) if photo is not None else ()
            if photo is not None:
                self._set_photo(photo.photo_uuid, replace(photo, files=others))
                self._settle_photo(photo.photo_uuid)
            if not others and old.photo_uuid != known.photo_uuid:
                self._join_photos(
                    PhotoJoined(photo_uuid=known.photo_uuid, hothashes=(known.hothash,), joined=(old.photo_uuid,))
                )
            return
        self._extras = moved_extras(self._extras, old.hothash, rehashed.hothash)
        earlier = (*old.previous_hothashes, old.hothash)
        self._set(replace(old, hothash=rehashed.hothash, method=rehashed.method, previous_hothashes=earlier))
        if photo is not None:
            renamed = {old.hothash: rehashed.hothash}
            files = tuple(renamed.get(hothash, hothash) for hothash in photo.files)
            primary = renamed.get(photo.primary, photo.primary)
            self._set_photo(photo.photo_uuid, replace(photo, files=files, primary=primary))

    def _with_files_of(self, entry: FileEntry, other: FileEntry) -> FileEntry:
        """Give an entry with the standing files and the companions of one that turned out to be the same picture."""
        main = FileCopy(
            relative_path=other.relative_path,
            size_bytes=other.size_bytes,
            sha256=other.sha256,
            modified_ns=other.modified_ns,
            session_number=self._session.number,
            session_uuid=self._session.session_uuid,
            imported_at=other.imported_at,
            status=other.status,
        )
        paths = {companion.relative_path for companion in entry.companions}
        merged = replace(
            entry,
            copies=(*entry.copies, *(copy for copy in (main, *other.copies) if copy.status is FileStatus.PRESENT)),
            companions=(*entry.companions, *(each for each in other.companions if each.relative_path not in paths)),
            previous_hothashes=(*entry.previous_hothashes, *other.previous_hothashes, other.hothash),
        )
        return _promoted(merged) if merged.status is FileStatus.MISSING and merged.copies else merged

    def _restore(self, restored: SessionRestored) -> None:
        """Let the session say again what it said before an operation."""
        whole = {each.hothash: each.was for each in restored.entries if isinstance(each.was, FileEntry)}
        new = whole.keys() - self._files.keys()
        for each in restored.entries:
            entry = self._files.get(each.hothash)
            if each.was is None and entry is not None:
                self._drop(each.hothash)
                heir = next((other for other in new if _follows(entry, whole[other])), None)
                self._extras = moved_extras(self._extras, each.hothash, heir) if heir else self._extras
        for each in restored.entries:
            entry = self._files.get(each.hothash)
            if isinstance(each.was, FileEntry):
                self._set(each.was)
            elif each.was is not None and entry is not None:
                self._set(placed(entry, each.was))
        for photo in restored.photos:
            for known_photo in (self._photos.get(photo.photo_uuid), photo.was):
                self.changed.update(known_photo.files if known_photo is not None else ())
            self._set_photo(photo.photo_uuid, photo.was)
        for tombstone in restored.tombstones:
            self._set_tombstone(tombstone.hothash, tombstone.was)
        if restored.head is not None:
            self._restore_head(restored.head)

    def _restore_head(self, head: EarlierHead) -> None:
        self._set_session(replace(self._session, title=head.title, description=head.description, status=head.status))


def _follows(one: FileEntry, other: FileEntry) -> bool:
    """Tell whether one of two entries was made from the other by an edit."""
    return one.previous_hothashes[-1:] == (other.hothash,) or other.previous_hothashes[-1:] == (one.hothash,)


def _succeeding(entry: FileEntry, old: FileEntry, *, companions: tuple[Companion, ...]) -> FileEntry:
    """Give ``entry`` the photo, origin and history of the one it was made from."""
    return replace(
        entry,
        facts=_later_facts(old.facts, entry.facts),
        imported_at=old.imported_at,
        original_filename=old.original_filename,
        original_path=old.original_path,
        photo_uuid=old.photo_uuid,
        companions=companions,
        copies=(),
        previous_hothashes=(*old.previous_hothashes, old.hothash),
    )


def _later_facts(known: PictureFacts, now: PictureFacts) -> PictureFacts:
    """Give the facts of an edited file; a date that was only guessed anew does not replace the one it had."""
    return replace(now, capture_time=keep_better_time(known.capture_time, now.capture_time))


def _promoted(entry: FileEntry) -> FileEntry:
    """Give the entry with its first copy, by path, as the main file."""
    first, *rest = sorted(entry.copies, key=lambda copy: (copy.status is FileStatus.MISSING, copy.relative_path))
    return replace(
        entry,
        relative_path=first.relative_path,
        size_bytes=first.size_bytes,
        sha256=first.sha256,
        modified_ns=first.modified_ns,
        status=first.status,
        last_seen_at=None,
        copies=tuple(rest),
    )
