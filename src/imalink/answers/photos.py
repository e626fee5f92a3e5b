"""Photos, spelled as JSON."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from imalink.answers import json_text

if TYPE_CHECKING:
    from imalink.catalog.photos import PhotoRecord
    from imalink.catalog.search import FoundPhoto
    from imalink.core.photo_facts import PhotoFacts
    from imalink.core.picture import GpsPosition
    from imalink.core.search_query import PhotoStatus

FIELD_WORDS: Mapping[str, str] = {
    "title": "title",
    "caption": "caption",
    "rating": "rating",
    "rejected": "rejected",
    "label": "label",
    "tags": "tags",
    "author": "author",
    "capture_time": "taken",
    "gps": "place",
    "custom": "custom",
}
"""The words for the facts that a user may say something of, in the order in which they are shown."""


def photo_json(photo: PhotoRecord) -> dict[str, object]:
    """Spell a photo and the pictures that are files of it, its primary one first."""
    return {
        "photo_uuid": photo.photo.photo_uuid,
        "primary": photo.files[0].hothash,
        "title": None if photo.facts.title is None else json_text(photo.facts.title),
        "rating": photo.facts.rating,
        "files": [
            {
                "hothash": file.hothash,
                "original_filename": json_text(file.original_filename),
                "file_format": file.file_format,
            }
            for file in photo.files
        ],
    }


def found_json(photo: FoundPhoto) -> dict[str, object]:
    """Spell what a list shows of a photo."""
    return {
        "photo_uuid": photo.photo_uuid,
        "hothash": photo.hothash,
        "title": _text(photo.title),
        "caption": _text(photo.caption),
        "author": _text(photo.author),
        "tags": [json_text(tag) for tag in photo.tags],
        "rating": photo.rating,
        "label": _text(photo.label),
        "rejected": photo.rejected,
        "taken_at": photo.taken_at,
        "taken_at_local": photo.taken_at_local,
        "taken_at_offset": photo.taken_at_offset,
        "taken_at_source": photo.taken_at_source,
        "camera_make": _text(photo.camera_make),
        "camera_model": _text(photo.camera_model),
        "width": photo.width,
        "height": photo.height,
        "file_format": photo.file_format,
        "original_filename": json_text(photo.original_filename),
    }


def listed_json(photo: FoundPhoto, status: PhotoStatus) -> dict[str, object]:
    """Spell what a gallery shows of a photo."""
    return {
        "id": photo.id,
        **found_json(photo),
        "hotpreview_rendition": photo.hotpreview_rendition,
        "has_gps": photo.has_gps,
        "has_raw": photo.has_raw,
        "file_status": status.value,
    }


def facts_json(facts: PhotoFacts, names: Collection[str] = tuple(FIELD_WORDS)) -> dict[str, object]:
    """Spell these facts for ``--json``, with the keys of ``imalink search``."""
    taken = facts.capture_time
    values: dict[str, dict[str, object]] = {
        "title": {"title": _text(facts.title)},
        "caption": {"caption": _text(facts.caption)},
        "rating": {"rating": facts.rating},
        "rejected": {"rejected": facts.rejected},
        "label": {"label": _text(facts.label)},
        "tags": {"tags": [json_text(tag) for tag in facts.tags]},
        "author": {"author": _text(facts.author)},
        "capture_time": {
            "taken_at_local": taken and taken.local,
            "taken_at_offset": taken and taken.offset,
            "taken_at_source": taken and taken.source,
        },
        "gps": {"gps": None if facts.gps is None else _gps_json(facts.gps)},
        "custom": {"custom": {json_text(key): json_text(value) for key, value in sorted(facts.custom.items())}},
    }
    return {key: value for name in FIELD_WORDS if name in names for key, value in values[name].items()}


def _text(text: str | None) -> str | None:
    return None if text is None else json_text(text)


def _gps_json(gps: GpsPosition) -> dict[str, object]:
    return {"latitude": gps.latitude, "longitude": gps.longitude, "altitude": gps.altitude}
