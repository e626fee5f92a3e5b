"""What deleting pictures, bringing them back and emptying the trash makes of a session index that is folded."""

from __future__ import annotations

from dataclasses import replace

from imalink.core.folded_files import add_entry, apply_missing
from imalink.core.folded_index import FoldedIndex
from imalink.core.folded_photos import take_from_photo
from imalink.core.index import DeletionMode, FileEntry, FileStatus, KeptFile, Tombstone
from imalink.core.journal import FileDeleted, FileMissing, FileTrashed, FileUntrashed, TrashEmptied
from imalink.core.relative_path import RelativePath


def apply_deleted(index: FoldedIndex, deleted: FileDeleted) -> None:
    """Forget a copy, or a main file whose copy takes its place; of the last file only a tombstone stays.

    What the user said of its photo stays too, for the day on which the picture comes back.
    """
    entry = index.files.get(deleted.hothash)
    if entry is None:
        return
    if entry.relative_path != deleted.path or entry.copies:
        apply_missing(index, FileMissing(hothash=entry.hothash, path=deleted.path, last_seen_at=deleted.deleted_at))
        return
    index.drop_entry(entry.hothash)
    tombstone = Tombstone(
        hothash=entry.hothash,
        sha256=entry.sha256,
        original_filename=entry.original_filename,
        photo_uuid=entry.photo_uuid,
        session_uuid=index.session.session_uuid,
        deleted_at=deleted.deleted_at,
        by=deleted.by,
        mode=deleted.mode,
        reason=deleted.reason,
        path=entry.relative_path,
    )
    index.set_tombstone(entry.hothash, tombstone)
    take_from_photo(index, entry)


def apply_trashed(index: FoldedIndex, trashed: FileTrashed) -> None:
    """Let a tombstone that keeps the entry take its place; what the user said of the photo stays."""
    entry = index.files.get(trashed.hothash)
    if entry is None:
        return
    index.drop_entry(entry.hothash)
    take_from_photo(index, entry)
    if trashed.mode == DeletionMode.ROLLBACK and not trashed.shifts:
        return  # it had only been indexed where it stood, and nobody deleted it
    tombstone = Tombstone(
        hothash=entry.hothash,
        sha256=entry.sha256,
        original_filename=entry.original_filename,
        photo_uuid=entry.photo_uuid,
        session_uuid=index.session.session_uuid,
        deleted_at=trashed.deleted_at,
        by=trashed.by,
        mode=trashed.mode,
        reason=trashed.reason,
        operation_uuid=trashed.operation_uuid,
        path=entry.relative_path,
        entry=entry,
        kept=tuple(KeptFile(path=shift.source, kept=shift.target) for shift in trashed.shifts),
    )
    index.set_tombstone(entry.hothash, tombstone)


def apply_untrashed(index: FoldedIndex, untrashed: FileUntrashed) -> None:
    """Let the entry stand again that the tombstone kept, at the paths to which its files came."""
    tombstone = index.deleted.get(untrashed.hothash)
    if tombstone is None or tombstone.entry is None:
        return
    places = {shift.source: shift.target for shift in untrashed.shifts}
    entry = returned_entry(tombstone, places)
    if entry is not None:
        index.set_tombstone(entry.hothash, None)
        add_entry(index, entry)


def returned_entry(tombstone: Tombstone, places: dict[RelativePath, RelativePath]) -> FileEntry | None:
    """Give a deleted picture's entry when its files came from the trash to ``places``; None if no picture did.

    Files that never were in the trash stand where they stood; what stayed in the trash is the entry's no more.
    """
    entry = tombstone.entry
    assert entry is not None
    now = {file.path: places.get(file.kept) for file in tombstone.kept}
    companions = tuple(
        replace(companion, relative_path=path)
        for companion in entry.companions
        if (path := now.get(companion.relative_path, companion.relative_path)) is not None
    )
    copies = tuple(
        replace(copy, relative_path=path)
        for copy in entry.copies
        if (path := now.get(copy.relative_path, copy.relative_path)) is not None
    )
    main = now.get(entry.relative_path, entry.relative_path)
    if main is not None:
        return replace(entry, relative_path=main, companions=companions, copies=copies)
    if not copies:
        return None
    first, *rest = sorted(copies, key=lambda copy: (copy.status is FileStatus.MISSING, copy.relative_path))
    return replace(
        entry,
        relative_path=first.relative_path,
        size_bytes=first.size_bytes,
        sha256=first.sha256,
        modified_ns=first.modified_ns,
        status=first.status,
        companions=companions,
        copies=tuple(rest),
    )


def apply_emptied(index: FoldedIndex, emptied: TrashEmptied) -> None:
    """Forget files that are gone from the trash; of an import taken back nothing is left then."""
    tombstone = index.deleted.get(emptied.hothash)
    if tombstone is None:
        return
    gone = set(emptied.kept)
    kept = tuple(file for file in tombstone.kept if file.kept not in gone)
    if kept == tombstone.kept and emptied.mode == tombstone.mode:
        return
    if not kept and tombstone.mode == DeletionMode.ROLLBACK:
        index.set_tombstone(tombstone.hothash, None)
        return
    left = replace(tombstone, kept=kept, mode=emptied.mode, entry=_entry_left(tombstone, kept))
    index.set_tombstone(left.hothash, left)


def _entry_left(tombstone: Tombstone, kept: tuple[KeptFile, ...]) -> FileEntry | None:
    """Give the entry without the files that are gone from the trash; None when none is left there."""
    entry = tombstone.entry
    if entry is None or not kept:
        return None
    places = {file.kept: file.path for file in kept}
    # Companions alone cannot come back, and yet it has to be known what they are.
    return returned_entry(tombstone, places) or replace(entry, status=FileStatus.MISSING, copies=())
