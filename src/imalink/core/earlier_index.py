"""What a session index said before its storage was set back to an older state of itself, joined to what it says now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from imalink.core.ids import PhotoUuid
from imalink.core.index import SessionIndex
from imalink.core.photo import Photo
from imalink.core.photo_facts import merge_photos
from imalink.core.user_facts import contains


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """A session index with what it had lost: so many pictures, and photos of which something was said."""

    index: SessionIndex
    lost_files: int
    lost_words: int


def complete(now: SessionIndex, before: SessionIndex) -> Completed | None:
    """Give ``now`` with what ``before`` says beyond it; None when that is nothing.

    Of a picture that both name, where it is stands as ``now`` says: the disk was set back, and its files with it. One
    that ``now`` says was deleted stays so. What the user said holds by its clocks, wherever it stands.
    """
    lost = {
        hothash: entry
        for hothash, entry in before.files.items()
        if hothash not in now.files and hothash not in now.deleted
    }
    files = {**now.files, **lost}
    used = {entry.photo_uuid for entry in files.values()}
    photos, lost_words = _complete_photos(now.photos, before.photos, used)
    deleted = {
        **{hothash: tombstone for hothash, tombstone in before.deleted.items() if hothash not in files},
        **now.deleted,
    }
    if not lost and not lost_words and len(deleted) == len(now.deleted):
        return None
    index = replace(
        now, files=files, photos=photos, deleted=deleted, generation=max(now.generation, before.generation) + 1
    )
    return Completed(index=index, lost_files=len(lost), lost_words=lost_words)


def _complete_photos(
    now: Mapping[PhotoUuid, Photo], before: Mapping[PhotoUuid, Photo], used: set[PhotoUuid]
) -> tuple[dict[PhotoUuid, Photo], int]:
    """Give the photos as both together say them, and of how many something was said that ``now`` lacks."""
    photos = dict(now)
    lost_words = 0
    for photo_uuid, photo in before.items():
        if photo_uuid not in used:
            continue
        known = now.get(photo_uuid)
        if known is None:
            photos[photo_uuid] = photo
        elif not contains(known, photo) or not set(photo.files) <= set(known.files):
            lost_words += not contains(known, photo)
            photos[photo_uuid] = merge_photos([known, photo])
    return photos, lost_words
