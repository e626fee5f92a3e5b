"""From the records of one session index to the rows it becomes, a column at a time: what ``index_rows`` gives, sooner.

Only for what most of a session is: a picture with one file in a photo of its own, of which nobody said anything. The
values stand as SQLite's driver takes them, for a part. No database.
"""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import count, repeat
from operator import attrgetter
from typing import Final

import msgspec

from imalink.catalog.derivation import aspect_of, day_number
from imalink.catalog.index_rows import Row, RowOwner, storable_ns
from imalink.core.search_words import MAX_WORD_LENGTH, words_of
from imalink.core.timestamps import CaptureTime, CaptureTimeSource, instants_ns, minute_in_utc, parse_instant_ns
from imalink.formats.file_records import FileRecord
from imalink.formats.photo_records import PhotoRecord
from imalink.formats.picture_records import CameraRecord, EmbeddedRecord, GpsRecord
from imalink.formats.session_records import SessionRecords

_RAW = "RAW"
_TO_SECONDS = len("2024-07-10T14:30:00")
_FIRST_TURNED, _LAST_TURNED = 5, 8
_NO_CAMERA, _NOTHING_SAID = CameraRecord(), EmbeddedRecord()
_SAID: Final = attrgetter(
    *"title caption rating label rejected tags author corrections tag_changes custom clocks".split()
)
_UNSAID: Final[tuple[object, ...]] = (*repeat(None, 8), {}, {}, {})
_LETTERS = string.ascii_lowercase + string.digits
_TO_WORDS = {code: chr(code) if chr(code) in f"{_LETTERS}\n" else " " for code in range(128)}
"""What a character of a plain text is among words; lines stay lines."""


class _Taken(msgspec.Struct, gc=False):
    """A capture time as ``core_json`` writes it."""

    local: str
    offset: str | None
    source: CaptureTimeSource


class _Facts(msgspec.Struct, omit_defaults=True, gc=False):
    """A picture's facts as ``core_json.dump_facts`` writes them, in its order."""

    file_format: str
    width: int | None = None
    height: int | None = None
    orientation: int = 1
    duration_seconds: float | None = None
    capture_time: _Taken | None = None
    content_identifier: str | None = None
    camera: CameraRecord | None = None
    gps: GpsRecord | None = None
    embedded: EmbeddedRecord | None = None


_encode_lines = msgspec.json.Encoder().encode_lines


# The driver takes five times as long for None, bytes and bool as for numbers, texts and bytearray, which for most rows
# is longer than all else. So None is another value that the column cannot have, and SQLite makes NULL of it.
_NO_TEXT, _NO_NUMBER = 0, ""
_TEXT, _NUMBER = "nullif(?, 0)", "nullif(?, '')"
_KINDS = {"?": "?", "text": _TEXT, "number": _NUMBER, "null": "NULL", "0": "0"}


def _values(kinds: str) -> str:
    return ", ".join(_KINDS[kind] for kind in kinds.split())


PHOTO_VALUES = _values(
    "? ? ? text text number text ? text text text text text text text text number number number number number ? number "
    "? ? ? null"
)
"""What SQLite makes the columns of photos, and before them their id, from ``PlainRows.photos``."""
IMAGE_VALUES = _values("? ? ? ? ? ? ? ? ? number number ? text ? null")
"""The same of image files."""
LOCATION_VALUES = _values("? ? ? 0 ? null ? ? ? ? ? text null null")
"""The same of file locations, which have no id yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainRows:
    """The values of plain pictures' rows, each table's to be read once, as PHOTO_VALUES and the like take them.

    ``tags`` are (photo id, names) of photos that have any.
    """

    count: int
    size_bytes: int
    photos: Iterator[Row]
    images: Iterator[Row]
    locations: Iterator[Row]
    tags: Sequence[tuple[int, tuple[str, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SortedRecords:
    """The hothashes of plain pictures, and what goes the long way: hothashes and photo UUIDs, in the index's order."""

    plain: Mapping[str, FileRecord]
    hothashes: Sequence[str]
    photo_uuids: Sequence[str]


def sort_records(records: SessionRecords) -> SortedRecords | None:
    """Part what is plain from what is not; None where these cannot be told apart."""
    files, photos = records.files, records.photos
    special = {photo_uuid for photo_uuid, photo in photos.items() if not _is_plain(photo_uuid, photo, files)}
    claims = [entry.photo_uuid for entry in files.values()]
    if len(set(claims)) != len(claims):
        special.update(photo_uuid for photo_uuid, claimed in Counter(claims).items() if claimed > 1)
    special.update(
        entry.photo_uuid
        for entry in files.values()
        if entry.companions or entry.copies or entry.damaged is not None or entry.previous_hothashes
    )
    if not special:
        return SortedRecords(plain=files, hothashes=(), photo_uuids=())
    hothashes = [hothash for hothash, entry in files.items() if entry.photo_uuid in special]
    photo_uuids = [photo_uuid for photo_uuid in photos if photo_uuid in special]
    named = {hothash for photo_uuid in photo_uuids for hothash in photos[photo_uuid].files}
    if not (named & files.keys()).issubset(hothashes):
        return None  # when such a file was imported counts for what is said of the photo
    plain = {hothash: entry for hothash, entry in files.items() if entry.photo_uuid not in special}
    return SortedRecords(plain=plain, hothashes=hothashes, photo_uuids=photo_uuids)


def _is_plain(photo_uuid: str, photo: PhotoRecord, files: Mapping[str, FileRecord]) -> bool:
    if photo.files != [photo.primary] or _SAID(photo) != _UNSAID:
        return False
    entry = files.get(photo.primary)
    return entry is not None and entry.photo_uuid == photo_uuid


def plain_rows(
    files: Mapping[str, FileRecord], owner: RowOwner, *, first_photo_id: int, first_image_id: int
) -> PlainRows:
    """Give the rows of plain pictures; ids count up from those given. Raises ValueError."""
    entries = list(files.values())
    hothashes = list(map(bytearray.fromhex, files))
    uuids = [entry.photo_uuid for entry in entries]
    formats = [entry.file_format for entry in entries]
    widths = [entry.width for entry in entries]
    heights = [entry.height for entry in entries]
    turns = [entry.orientation if 1 <= entry.orientation <= _LAST_TURNED else 1 for entry in entries]
    cameras = [entry.camera or _NO_CAMERA for entry in entries]
    places = [entry.gps for entry in entries]
    said = [entry.embedded or _NOTHING_SAID for entry in entries]
    sizes = [entry.file_size for entry in entries]
    imported = [_moment(entry.imported_at) for entry in entries]
    taken = [_taken_of(entry) for entry in entries]
    tags = [_tags_of(embedded) for embedded in said]
    shown = [
        (height, width) if turn >= _FIRST_TURNED else (width, height)
        for width, height, turn in zip(widths, heights, turns, strict=True)
    ]
    photos = zip(
        count(first_photo_id),
        uuids,
        hothashes,
        [embedded.title or _NO_TEXT for embedded in said],
        [embedded.caption or _NO_TEXT for embedded in said],
        [_NO_NUMBER if embedded.rating is None else embedded.rating for embedded in said],
        [embedded.label or _NO_TEXT for embedded in said],
        [1 if embedded.rejected else 0 for embedded in said],
        [embedded.author or _NO_TEXT for embedded in said],
        [_NO_TEXT if each is None else _taken_moment(each.local, each.offset) for each in taken],
        [_NO_TEXT if each is None else each.local for each in taken],
        [_NO_TEXT if each is None or each.offset is None else each.offset for each in taken],
        [_NO_TEXT if each is None else each.source for each in taken],
        [_NO_TEXT if camera.make is None else camera.make for camera in cameras],
        [_NO_TEXT if camera.model is None else camera.model for camera in cameras],
        [_NO_TEXT if camera.lens is None else camera.lens for camera in cameras],
        [_NO_NUMBER if width is None else width for width, _ in shown],
        [_NO_NUMBER if height is None else height for _, height in shown],
        [_NO_NUMBER if place is None else place.latitude for place in places],
        [_NO_NUMBER if place is None else place.longitude for place in places],
        [_NO_NUMBER if place is None or place.altitude is None else place.altitude for place in places],
        formats,
        [_NO_NUMBER if each is None else day_number(each.local) for each in taken],
        [_aspect_of(width, height) for width, height in shown],
        [1 if name == _RAW else 0 for name in formats],
        _search_texts(entries, cameras, said, tags),
        strict=False,
    )
    images = zip(
        count(first_image_id),
        hothashes,
        count(first_photo_id),
        repeat(owner.session_id),
        imported,
        [entry.hothash_method for entry in entries],
        [entry.original_filename for entry in entries],
        [entry.original_path for entry in entries],
        formats,
        [_NO_NUMBER if width is None else width for width in widths],
        [_NO_NUMBER if height is None else height for height in heights],
        turns,
        [_preview_of(entry) for entry in entries],
        _facts_of(entries, turns, taken),
        strict=False,
    )
    locations = zip(
        count(first_image_id),
        repeat(owner.storage_id),
        repeat(owner.session_id),
        [entry.relative_path for entry in entries],
        sizes,
        [bytearray.fromhex(entry.sha256) for entry in entries],
        _modified(entries),
        imported,
        [entry.status for entry in entries],
        [_NO_TEXT if entry.last_seen_at is None else _moment(entry.last_seen_at) for entry in entries],
        strict=False,
    )
    return PlainRows(
        count=len(entries),
        size_bytes=sum(sizes),
        photos=photos,
        images=images,
        locations=locations,
        tags=[(photo_id, names) for photo_id, names in enumerate(tags, first_photo_id) if names],
    )


def _preview_of(entry: FileRecord) -> str | int:
    shown = entry.hotpreview_rendition if entry.has_hotpreview else None
    return _NO_TEXT if shown is None else shown


def _modified(entries: Sequence[FileRecord]) -> list[int]:
    times = instants_ns(entry.file_modified for entry in entries)
    return (
        times
        if storable_ns(min(times)) == min(times) <= max(times) == storable_ns(max(times))
        else list(map(storable_ns, times))
    )


@lru_cache(maxsize=1024)
def _moment(text: str) -> str:
    """Give an instant as SQLAlchemy stores it in SQLite. Raises ValueError."""
    parse_instant_ns(text)
    return f"{text[:10]} {text[11:19]}.{text[20:-1][:6]:0<6}"


def _taken_of(entry: FileRecord) -> _Taken | None:
    if entry.taken_at is None:
        return None
    local = entry.taken_at_local or entry.taken_at.removesuffix("Z")
    return _Taken(local, entry.taken_at_offset, entry.taken_at_source or "exif")


def _taken_moment(local: str, offset: str | None) -> str:
    """Give when a capture time was in UTC, as SQLAlchemy stores it in SQLite."""
    minute = local[11:16] if offset is None else minute_in_utc(local[11:16], offset)
    if minute is None:
        return _moment(CaptureTime(local=local, offset=offset, source="exif").taken_at)
    fraction = local[20:26].ljust(6, "0") if len(local) > _TO_SECONDS else "000000"
    return f"{local[:10]} {minute}{local[16:19]}.{fraction}"


@lru_cache(maxsize=4096)
def _aspect_of(width: int | None, height: int | None) -> int:
    return aspect_of(width, height)


def _tags_of(said: EmbeddedRecord) -> tuple[str, ...]:
    if said.keywords:
        return tuple(dict.fromkeys(said.keywords))
    if said.hierarchical_keywords:
        return tuple(dict.fromkeys(keyword.rpartition("|")[2] for keyword in said.hierarchical_keywords))
    return ()


def _search_texts(
    entries: Sequence[FileRecord],
    cameras: Sequence[CameraRecord],
    said: Sequence[EmbeddedRecord],
    tags: Sequence[tuple[str, ...]],
) -> list[str]:
    """Give what full-text search looks in, of each picture."""
    names = [entry.original_filename for entry in entries]
    texts: list[str] = []
    for of_name, camera, embedded, its_tags in zip(_words_of_names(names), cameras, said, tags, strict=True):
        known = _camera_words(camera.make, camera.model, camera.lens)
        if embedded is _NOTHING_SAID:
            texts.append(" ".join(dict.fromkeys((*of_name, *known))))
            continue
        spoken = (embedded.title, embedded.caption, *its_tags, embedded.author)
        words = [word for text in spoken if text for word in words_of(text)]
        texts.append(" ".join(dict.fromkeys((*words, *of_name, *known))))
    return texts


def _words_of_names(names: Sequence[str]) -> Iterable[Sequence[str]]:
    """Give the words of each name, of all at once where they are plain."""
    lines = "\n".join(names)
    if lines.isascii() and lines.count("\n") == len(names) - 1 and max(map(len, names)) <= MAX_WORD_LENGTH:
        return map(str.split, lines.lower().translate(_TO_WORDS).split("\n"))
    return map(words_of, names)


@lru_cache(maxsize=4096)
def _camera_words(*texts: str | None) -> tuple[str, ...]:
    return tuple(word for text in texts if text for word in words_of(text))


def _facts_of(entries: Sequence[FileRecord], turns: Sequence[int], taken: Sequence[_Taken | None]) -> list[str]:
    """Give the facts of each picture as JSON."""
    facts = [
        _Facts(
            entry.file_format,
            entry.width,
            entry.height,
            turn,
            entry.duration_seconds,
            moment,
            entry.content_identifier,
            None if entry.camera == _NO_CAMERA else entry.camera,
            entry.gps,
            None if entry.embedded == _NOTHING_SAID else entry.embedded,
        )
        for entry, turn, moment in zip(entries, turns, taken, strict=True)
    ]
    return _encode_lines(facts).decode().split("\n")[:-1]
