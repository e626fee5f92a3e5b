"""Photos, spelled as JSON."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from imalink.answers import json_text

if TYPE_CHECKING:
    from imalink.catalog.photos import PhotoRecord
    from imalink.core.photo_facts import PhotoFacts
    from imalink.core.picture import GpsPosition

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
