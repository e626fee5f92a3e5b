"""From index values to rows: what one entry says of its picture, and what holds for a photo. No database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

from imalink.catalog.core_json import escape_text
from imalink.catalog.records import EntryRecord
from imalink.core.ids import Hothash, PhotoUuid
from imalink.core.index import FileEntry
from imalink.core.pairing import primary_rank
from imalink.core.photo import Photo, UserFacts
from imalink.core.photo_facts import choose_primary, effective_facts, embedded_tags, merge_photos
from imalink.core.picture import Camera, PictureFacts
from imalink.core.relative_path import RelativePath
from imalink.core.search_words import search_text, words_of
from imalink.core.user_facts import has_user_facts, merge_said

_EPOCH = date(1970, 1, 1).toordinal()
_RAW = "RAW"
_FIRST_TURNED = 5
"""EXIF orientations from here to 8 show a picture on its side."""

PHOTO_COLUMNS = (
    "photo_uuid primary_hothash title caption rating label rejected author taken_at taken_at_local taken_at_offset "
    "taken_at_source camera_make camera_model lens width height latitude longitude altitude file_format "
    "local_day aspect has_raw search_text user_facts"
).split()
"""The columns of ``photos``, in the order of ``DerivedPhoto.row``."""

IMAGE_COLUMNS = (
    "hothash photo_id import_session_id imported_at hothash_method original_filename original_path file_format width "
    "height orientation hotpreview_rendition facts previous_hothashes"
).split()
"""The columns of ``image_files``, in the order of ``image_row``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedPhoto:
    """A photo's row, in the order of PHOTO_COLUMNS, and its tags."""

    row: tuple[object, ...]
    tags: tuple[str, ...]
    local_day: int | None


def derive_photo(
    photo_uuid: PhotoUuid,
    records: Sequence[Photo],
    files: Mapping[Hothash, PictureFacts],
    names: Mapping[Hothash, str],
    *,
    waiting: Sequence[UserFacts] = (),
) -> DerivedPhoto:
    """Give what holds for a photo whose image files are ``files``, from what each index says of it.

    ``records`` stand in their settled order: by (imported_at, session, storage, hothash). ``names`` are the files'
    original names. None of these may be empty. ``waiting`` is what the user said and the records may not repeat yet.
    """
    photo = merge_photos(records)
    for said in waiting:
        photo = merge_said(photo, said)
    photo = _with_files(photo_uuid, photo, files, names)
    primary = photo.primary
    others = [files[hothash] for hothash in sorted(files) if hothash != primary] if len(files) > 1 else []
    facts = effective_facts(photo, files[primary], others)
    taken, gps = facts.capture_time, facts.gps
    camera = facts.camera
    texts = (facts.title, facts.caption, *facts.tags, facts.author, *facts.custom.values())
    is_plain = len(photo.files) == 1 and not has_user_facts(photo)
    local_day = None if taken is None else day_number(taken.local)
    row = (
        photo_uuid,
        primary,
        _text(facts.title),
        _text(facts.caption),
        facts.rating,
        _text(facts.label),
        facts.rejected,
        _text(facts.author),
        None if taken is None else taken.taken_at,
        None if taken is None else taken.local,
        None if taken is None else taken.offset,
        None if taken is None else taken.source,
        _text(camera.make),
        _text(camera.model),
        _text(camera.lens),
        facts.width,
        facts.height,
        None if gps is None else gps.latitude,
        None if gps is None else gps.longitude,
        None if gps is None else gps.altitude,
        _text(facts.file_format),
        local_day,
        aspect_of(facts.width, facts.height),
        any(file.file_format == _RAW for file in files.values()),
        search_text((*texts, *(names[hothash] for hothash in photo.files), camera.make, camera.model, camera.lens)),
        None if is_plain else photo,
    )
    return DerivedPhoto(row=row, tags=tuple(dict.fromkeys(map(escape_text, facts.tags))), local_day=local_day)


def derive_plain_photo(photo_uuid: PhotoUuid, hothash: Hothash, facts: PictureFacts, name: str) -> DerivedPhoto:
    """Give what ``derive_photo`` gives for a photo of one file of which nobody said anything, sooner."""
    taken, gps, camera, embedded = facts.capture_time, facts.gps, facts.camera, facts.embedded
    width, height = facts.width, facts.height
    if facts.orientation >= _FIRST_TURNED:
        width, height = height, width
    local_day = None if taken is None else day_number(taken.local)
    tags = tuple(dict.fromkeys(embedded_tags(facts)))
    row = (
        photo_uuid,
        hothash,
        _text(embedded.title or None),
        _text(embedded.caption or None),
        embedded.rating,
        _text(embedded.label or None),
        embedded.rejected,
        _text(embedded.author or None),
        None if taken is None else taken.taken_at,
        None if taken is None else taken.local,
        None if taken is None else taken.offset,
        None if taken is None else taken.source,
        _text(camera.make),
        _text(camera.model),
        _text(camera.lens),
        width,
        height,
        None if gps is None else gps.latitude,
        None if gps is None else gps.longitude,
        None if gps is None else gps.altitude,
        _text(facts.file_format),
        local_day,
        aspect_of(width, height),
        facts.file_format == _RAW,
        _search_text((embedded.title, embedded.caption, *tags, embedded.author), name, camera),
        None,
    )
    return DerivedPhoto(row=row, tags=tuple(dict.fromkeys(map(escape_text, tags))), local_day=local_day)


def _search_text(said: Iterable[str | None], name: str, camera: Camera) -> str:
    words = [word for text in said if text for word in words_of(text)]
    return " ".join(dict.fromkeys((*words, *words_of(name), *_camera_words(camera.make, camera.model, camera.lens))))


@lru_cache(maxsize=4096)
def _camera_words(*texts: str | None) -> tuple[str, ...]:
    return tuple(word for text in texts if text for word in words_of(text))


@lru_cache(maxsize=16_384)
def _day_of(day: str) -> int:
    return date.fromisoformat(day).toordinal() - _EPOCH


def day_number(local: str) -> int:
    """Give the day of a local capture time, counted from 1970-01-01."""
    return _day_of(local[:10])


def aspect_of(width: int | None, height: int | None) -> int:
    """Give width by height in thousandths, at least 1 and at most 65,535; 0 where either is unknown."""
    return max(1, min(width * 1000 // height, 65_535)) if width and height else 0


def _with_files(
    photo_uuid: PhotoUuid, merged: Photo, files: Mapping[Hothash, PictureFacts], names: Mapping[Hothash, str]
) -> Photo:
    """Give the photo with the files it really has, those it names first."""
    if len(files) == 1 and merged.files == (merged.primary,) and merged.primary in files:
        return merged
    named = tuple(hothash for hothash in merged.files if hothash in files)
    others = tuple(sorted(hothash for hothash in files if hothash not in named))
    primary = choose_primary(merged, files, lambda hothash: primary_rank(names[hothash], files[hothash].file_format))
    return replace(merged, photo_uuid=photo_uuid, primary=primary, files=named + others)


def entry_record_of(entry: FileEntry) -> EntryRecord:
    """Give what an index entry says of its picture."""
    return EntryRecord(
        method=entry.method,
        photo_uuid=entry.photo_uuid,
        original_filename=escape_text(entry.original_filename),
        original_path=escape_text(entry.original_path),
        facts=entry.facts,
        hotpreview_rendition=entry.hotpreview_rendition,
        previous_hothashes=entry.previous_hothashes,
    )


def image_row(
    hothash: Hothash, record: EntryRecord | FileEntry, *, photo_id: int, session_id: int, imported_at: str
) -> tuple[object, ...]:
    """Give an image file's row, in the order of IMAGE_COLUMNS; ``record`` is what is believed of it."""
    facts = record.facts
    return (
        hothash,
        photo_id,
        session_id,
        imported_at,
        record.method,
        escape_text(record.original_filename),
        escape_text(record.original_path),
        _text(facts.file_format),
        facts.width,
        facts.height,
        facts.orientation,
        record.hotpreview_rendition,
        facts,
        record.previous_hothashes or None,
    )


def path_columns(path: RelativePath) -> tuple[str, bytes | None]:
    """Give a path as ``relative_path`` and ``relative_path_bytes`` keep it."""
    return (str(path), None) if path.is_utf8 else (path.printable(), path.as_bytes())


def _text(value: str | None) -> str | None:
    return None if value is None else escape_text(value)
