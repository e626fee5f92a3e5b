"""What commits and observations of files make of the entries of a session index that is folded."""

from __future__ import annotations

from dataclasses import replace

from imalink.core.capture_fallback import keep_better_time
from imalink.core.damage import Damage
from imalink.core.folded_index import FoldedIndex
from imalink.core.folded_photos import add_to_photo, apply_joined, take_from_photo
from imalink.core.index import Companion, FileCopy, FileEntry, FileStatus
from imalink.core.journal import (
    CompanionsChanged,
    FileCopied,
    FileDamaged,
    FileEdited,
    FileMissing,
    FileMoved,
    FileRehashed,
    FileSeen,
    FileWhole,
    PhotoJoined,
)
from imalink.core.picture import PictureFacts


def add_entry(index: FoldedIndex, entry: FileEntry) -> None:
    """Take in a file that a run placed; where its picture stands already, it is a further copy."""
    known = index.files.get(entry.hothash)
    if known is None or known.relative_path == entry.relative_path:
        index.set_entry(entry)
    elif known.status is FileStatus.MISSING:
        index.set_entry(replace(entry, photo_uuid=known.photo_uuid, previous_hothashes=known.previous_hothashes))
    else:
        copy = FileCopy(
            relative_path=entry.relative_path,
            size_bytes=entry.size_bytes,
            sha256=entry.sha256,
            modified_ns=entry.modified_ns,
            session_number=index.session.number,
            session_uuid=index.session.session_uuid,
            imported_at=entry.imported_at,
        )
        others = tuple(each for each in known.copies if each.relative_path != copy.relative_path)
        paths = {companion.relative_path for companion in entry.companions}
        kept = tuple(each for each in known.companions if each.relative_path not in paths)
        index.set_entry(replace(known, copies=(*others, copy), companions=(*kept, *entry.companions)))
    add_to_photo(index, index.files[entry.hothash])


def apply_moved(index: FoldedIndex, moved: FileMoved) -> None:
    """Let a main file or a copy stand at its new path; one that was read there is whole."""
    entry = index.files.get(moved.hothash)
    if entry is None:
        return
    was_read = moved.verified == "hash"
    if entry.relative_path == moved.old_path:
        index.set_entry(
            replace(
                entry,
                relative_path=moved.new_path,
                modified_ns=moved.modified_ns,
                status=FileStatus.PRESENT,
                last_seen_at=None,
                damage=None if was_read else entry.damage,
                copies=tuple(copy for copy in entry.copies if copy.relative_path != moved.new_path),
            )
        )
        return
    copies = tuple(
        replace(
            copy,
            relative_path=moved.new_path,
            modified_ns=moved.modified_ns,
            status=FileStatus.PRESENT,
            damage=None if was_read else copy.damage,
        )
        if copy.relative_path == moved.old_path
        else copy
        for copy in entry.copies
    )
    if copies != entry.copies:
        index.set_entry(replace(entry, copies=copies))


def apply_seen(index: FoldedIndex, seen: FileSeen) -> None:
    """Let a main file or a copy be there, with the bytes that were seen."""
    entry = index.files.get(seen.hothash)
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
            damage=None,
        )
        if seen.entry is not None:
            now = replace(now, facts=_later_facts(entry.facts, seen.entry.facts))
            if seen.sha256 != entry.sha256:  # otherwise only a sidecar changed, and the preview stands
                now = replace(now, hotpreview_rendition=seen.entry.hotpreview_rendition)
        index.set_entry(now)
        return
    copies = tuple(
        replace(
            copy,
            size_bytes=seen.size_bytes,
            sha256=seen.sha256,
            modified_ns=seen.modified_ns,
            status=FileStatus.PRESENT,
            damage=None,
        )
        if copy.relative_path == seen.path
        else copy
        for copy in entry.copies
    )
    if copies != entry.copies:
        index.set_entry(replace(entry, copies=copies))


def apply_missing(index: FoldedIndex, missing: FileMissing) -> None:
    """Mark the main file missing, unless a copy can take its place; a lost copy is simply no copy any more."""
    entry = index.files.get(missing.hothash)
    if entry is None:
        return
    if entry.relative_path != missing.path:
        copies = tuple(copy for copy in entry.copies if copy.relative_path != missing.path)
        if copies != entry.copies:
            index.set_entry(replace(entry, copies=copies))
    elif entry.copies:
        index.set_entry(_promoted(entry))
    else:
        index.set_entry(replace(entry, status=FileStatus.MISSING, last_seen_at=missing.last_seen_at, damage=None))


def apply_damage(index: FoldedIndex, found: FileDamaged | FileWhole, damage: Damage | None) -> None:
    """Remember of a main file, a copy or a companion that it is damaged, or whole again.

    Without effect where the file is another by now, or not there.
    """
    entry = index.files.get(found.hothash)
    if entry is None:
        return
    now = entry
    if entry.relative_path == found.path and entry.sha256 == found.sha256 and entry.status is FileStatus.PRESENT:
        now = replace(now, damage=damage)
    if any(each.relative_path == found.path for each in entry.copies):
        copies = tuple(
            replace(each, damage=damage)
            if (each.relative_path, each.sha256, each.status) == (found.path, found.sha256, FileStatus.PRESENT)
            else each
            for each in entry.copies
        )
        now = replace(now, copies=copies)
    if any(each.relative_path == found.path for each in entry.companions):
        companions = tuple(
            replace(each, damage=damage) if (each.relative_path, each.sha256) == (found.path, found.sha256) else each
            for each in entry.companions
        )
        now = replace(now, companions=companions)
    if now != entry:
        index.set_entry(now)


def apply_companions(index: FoldedIndex, changed: CompanionsChanged) -> None:
    """Let the companions of a picture be those that were found; any of its files names the session."""
    entry = index.files.get(changed.hothash)
    if entry is not None and changed.path in {entry.relative_path, *(copy.relative_path for copy in entry.copies)}:
        index.set_entry(replace(entry, companions=changed.companions))


def apply_copied(index: FoldedIndex, copied: FileCopied) -> None:
    """Let a further file of the picture be a copy, unless its path is known."""
    entry = index.files.get(copied.hothash)
    if entry is None or copied.session_uuid != index.session.session_uuid:
        return
    if copied.path in {entry.relative_path, *(copy.relative_path for copy in entry.copies)}:
        return
    copy = FileCopy(
        relative_path=copied.path,
        size_bytes=copied.size_bytes,
        sha256=copied.sha256,
        modified_ns=copied.modified_ns,
        session_number=index.session.number,
        session_uuid=index.session.session_uuid,
        imported_at=copied.imported_at,
    )
    index.set_entry(replace(entry, copies=(*entry.copies, copy)))


def apply_edited(index: FoldedIndex, edited: FileEdited) -> None:
    """Let the edited file go on under its new hothash with the photo, session and history it had."""
    old = index.files.get(edited.old_hothash)
    new_hothash = edited.entry.hothash
    if old is None or new_hothash in index.files:
        return
    if old.relative_path != edited.path:
        copies = tuple(copy for copy in old.copies if copy.relative_path != edited.path)
        if copies == old.copies:
            return
        index.set_entry(replace(old, copies=copies))
        index.set_entry(_succeeding(edited.entry, old, companions=()))
        add_to_photo(index, index.files[new_hothash])
        return
    entry = _succeeding(edited.entry, old, companions=old.companions)
    photo = index.photos.get(old.photo_uuid)
    index.note_changed((old.hothash,))
    if old.copies:
        index.set_entry(replace(_promoted(old), companions=()))
    else:
        index.drop_entry(old.hothash)
        index.move_extras(old.hothash, new_hothash)
    index.set_entry(entry)
    if photo is not None:
        files = tuple(new_hothash if file == old.hothash and not old.copies else file for file in photo.files)
        index.set_photo(
            photo.photo_uuid,
            replace(
                photo,
                files=files if new_hothash in files else (*files, new_hothash),
                primary=new_hothash if photo.primary == old.hothash else photo.primary,
            ),
        )


def apply_rehashed(index: FoldedIndex, rehashed: FileRehashed) -> None:
    """Let a picture go on under another hothash; where that is a known one's, its files are further copies."""
    old, known = index.files.get(rehashed.old_hothash), index.files.get(rehashed.hothash)
    if old is None or old is known:
        return
    index.drop_entry(old.hothash)
    if known is not None:
        index.set_entry(_with_files_of(index, known, old))
        others = take_from_photo(index, old)
        if not others and old.photo_uuid != known.photo_uuid:
            apply_joined(
                index, PhotoJoined(photo_uuid=known.photo_uuid, hothashes=(known.hothash,), joined=(old.photo_uuid,))
            )
        return
    index.move_extras(old.hothash, rehashed.hothash)
    earlier = (*old.previous_hothashes, old.hothash)
    index.set_entry(replace(old, hothash=rehashed.hothash, method=rehashed.method, previous_hothashes=earlier))
    photo = index.photos.get(old.photo_uuid)
    if photo is not None:
        renamed = {old.hothash: rehashed.hothash}
        files = tuple(renamed.get(hothash, hothash) for hothash in photo.files)
        primary = renamed.get(photo.primary, photo.primary)
        index.set_photo(photo.photo_uuid, replace(photo, files=files, primary=primary))


def _with_files_of(index: FoldedIndex, entry: FileEntry, other: FileEntry) -> FileEntry:
    """Give an entry with the standing files and the companions of one that turned out to be the same picture."""
    main = FileCopy(
        relative_path=other.relative_path,
        size_bytes=other.size_bytes,
        sha256=other.sha256,
        modified_ns=other.modified_ns,
        session_number=index.session.number,
        session_uuid=index.session.session_uuid,
        imported_at=other.imported_at,
        status=other.status,
        damage=other.damage,
    )
    paths = {companion.relative_path for companion in entry.companions}
    merged = replace(
        entry,
        copies=(*entry.copies, *(copy for copy in (main, *other.copies) if copy.status is FileStatus.PRESENT)),
        companions=(*entry.companions, *(each for each in other.companions if each.relative_path not in paths)),
        previous_hothashes=(*entry.previous_hothashes, *other.previous_hothashes, other.hothash),
    )
    return _promoted(merged) if merged.status is FileStatus.MISSING and merged.copies else merged


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
    """Give the entry with its first copy, whole ones before damaged ones, then by path, as the main file."""
    first, *rest = sorted(
        entry.copies,
        key=lambda copy: (copy.status is FileStatus.MISSING, copy.damage is not None, copy.relative_path),
    )
    return replace(
        entry,
        relative_path=first.relative_path,
        size_bytes=first.size_bytes,
        sha256=first.sha256,
        modified_ns=first.modified_ns,
        status=first.status,
        last_seen_at=None,
        damage=first.damage,
        copies=tuple(rest),
    )
