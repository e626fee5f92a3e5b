"""What joining, splitting and editing photos makes of a session index that is folded."""

from __future__ import annotations

from dataclasses import replace

from imalink.core.folded_index import FoldedIndex
from imalink.core.ids import Hothash, PhotoUuid
from imalink.core.index import FileEntry
from imalink.core.journal import PhotoEdited, PhotoJoined, PhotoSplit
from imalink.core.pairing import primary_rank
from imalink.core.photo import Photo
from imalink.core.photo_facts import Rank, choose_primary, merge_photos, plain_photo
from imalink.core.user_facts import has_user_facts, merge_said, without_taken_back


def add_to_photo(index: FoldedIndex, entry: FileEntry) -> None:
    """Let a file be one of its photo's, of which there may be nothing yet."""
    photo = index.photos.get(entry.photo_uuid)
    if photo is None:
        photo = Photo(photo_uuid=entry.photo_uuid, files=(entry.hothash,), primary=entry.hothash)
    elif entry.hothash not in photo.files:
        photo = _with_primary(index, replace(photo, files=(*photo.files, entry.hothash)))
    index.set_photo(entry.photo_uuid, photo)


def take_from_photo(index: FoldedIndex, entry: FileEntry) -> tuple[Hothash, ...]:
    """Let a file be none of its photo's any more; give those that the photo still has."""
    photo = index.photos.get(entry.photo_uuid)
    if photo is None:
        return ()
    files = tuple(hothash for hothash in photo.files if hothash != entry.hothash)
    index.set_photo(photo.photo_uuid, replace(photo, files=files))
    _settle_photo(index, photo.photo_uuid)
    return files


def apply_joined(index: FoldedIndex, joined: PhotoJoined) -> None:
    """Let the files go on in one photo, and what was said of any of the photos in that photo's record."""
    target = joined.photo_uuid
    ended = [index.photos[each] for each in joined.joined if each in index.photos and each != target]
    known = index.photos.get(target)
    records = [without_taken_back(photo) for photo in (known, *ended) if photo is not None]
    if records and records != [known]:
        merged = merge_photos(records)
        own = tuple(hothash for hothash in merged.files if _is_of(index, hothash, target))
        index.set_photo(target, replace(merged, photo_uuid=target, files=own))
    for photo in ended:
        index.note_changed(photo.files)
        index.set_photo(photo.photo_uuid, Photo(photo_uuid=photo.photo_uuid, files=photo.files, primary=photo.primary))
    for hothash in joined.hothashes:
        entry = index.files.get(hothash)
        if entry is not None:
            _change_photo(index, entry, target)
    for photo_uuid in (target, *(photo.photo_uuid for photo in ended)):
        _settle_photo(index, photo_uuid)


def apply_split(index: FoldedIndex, split: PhotoSplit) -> None:
    """Let a file be a photo of its own, and what was said of the one it was in stay there."""
    entry = index.files.get(split.hothash)
    if entry is not None:
        _change_photo(index, entry, split.photo_uuid)


def apply_photo_edited(index: FoldedIndex, edited: PhotoEdited) -> None:
    """Let what the user said of a photo stand with it, field by field where it was said later than what stands.

    Where no file here is of that photo, it is the photos of its files that are meant: they were joined to another.
    """
    named = [entry for hothash in edited.hothashes if (entry := index.files.get(hothash)) is not None]
    meant = [edited.photo_uuid]
    if edited.photo_uuid not in index.photos:
        meant = list(dict.fromkeys(entry.photo_uuid for entry in named))
    for photo_uuid in meant:
        photo = index.photos.get(photo_uuid) or plain_photo(photo_uuid, named[0].hothash)
        said = merge_said(photo, edited.said)
        if said != photo:
            index.set_photo(photo_uuid, said)
            index.note_changed(photo.files)
            index.note_changed(edited.hothashes)


def _change_photo(index: FoldedIndex, entry: FileEntry, photo_uuid: PhotoUuid) -> None:
    """Take a file out of its photo, of which all that was said stays, and into another."""
    if entry.photo_uuid == photo_uuid:
        return
    index.set_entry(replace(entry, photo_uuid=photo_uuid))
    take_from_photo(index, entry)
    add_to_photo(index, index.files[entry.hothash])


def _settle_photo(index: FoldedIndex, photo_uuid: PhotoUuid) -> None:
    """Let a photo's record have the right primary; one without files here stays only for what was said."""
    photo = index.photos.get(photo_uuid)
    if photo is None:
        return
    if photo.files or has_user_facts(photo):
        index.set_photo(photo_uuid, _with_primary(index, photo))
    else:
        index.set_photo(photo_uuid, None)


def _with_primary(index: FoldedIndex, photo: Photo) -> Photo:
    """Give the photo with the primary that its files of this session call for, unless the user chose one."""
    present = [hothash for hothash in photo.files if hothash in index.files]
    is_chosen = "primary" in photo.clocks and photo.primary in photo.files
    if is_chosen or not present:
        return photo

    def rank(hothash: Hothash) -> Rank:
        entry = index.files[hothash]
        return primary_rank(entry.original_filename, entry.facts.file_format)

    return replace(photo, primary=choose_primary(photo, present, rank))


def _is_of(index: FoldedIndex, hothash: Hothash, photo_uuid: PhotoUuid) -> bool:
    entry = index.files.get(hothash)
    return entry is not None and entry.photo_uuid == photo_uuid
