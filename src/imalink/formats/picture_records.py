"""The wire shapes of what is known of a picture: its camera, its place, and what it says of itself."""

from __future__ import annotations

import math

import msgspec

from imalink.core.picture import Camera, Embedded, GpsPosition
from imalink.formats.records import (
    Integer,
    Record,
    safe_text,
)

MAX_TEXT_CHARACTERS = 1000
MAX_EMBEDDED_BYTES = 16 * 1024
"""Of a picture's own texts an entry repeats so much, to fit a line always; all of them stand in the picture."""


class CameraRecord(Record, kw_only=True):
    """What took the picture."""

    make: str | None = None
    model: str | None = None
    lens: str | None = None
    iso: Integer | None = None
    exposure_seconds: float | None = None
    f_number: float | None = None
    focal_length_mm: float | None = None


class GpsRecord(Record, kw_only=True):
    """Where it was taken."""

    latitude: float
    longitude: float
    altitude: float | None = None


class EmbeddedRecord(Record, kw_only=True):
    """What people or programs wrote into the file."""

    rating: Integer | None = None
    rejected: bool = False
    label: str | None = None
    keywords: list[str] = []
    hierarchical_keywords: list[str] = []
    title: str | None = None
    caption: str | None = None
    author: str | None = None
    copyright: str | None = None


def storable(number: int | None) -> int | None:
    """Give a number only if readers take it: one fact of one picture must never cost the file it stands in."""
    return number if number is None or -(2**63) <= number < 2**63 else None


def camera_record(camera: Camera) -> CameraRecord | None:
    """Spell a camera; None for one of which nothing is known."""
    if camera == Camera():
        return None
    return CameraRecord(
        make=camera.make and safe_text(camera.make[:MAX_TEXT_CHARACTERS]),
        model=camera.model and safe_text(camera.model[:MAX_TEXT_CHARACTERS]),
        lens=camera.lens and safe_text(camera.lens[:MAX_TEXT_CHARACTERS]),
        iso=storable(camera.iso),
        exposure_seconds=camera.exposure_seconds,
        f_number=camera.f_number,
        focal_length_mm=camera.focal_length_mm,
    )


def camera_from(record: CameraRecord | None) -> Camera:
    """Read a camera."""
    if record is None:
        return Camera()
    return Camera(
        make=record.make,
        model=record.model,
        lens=record.lens,
        iso=record.iso,
        exposure_seconds=record.exposure_seconds,
        f_number=record.f_number,
        focal_length_mm=record.focal_length_mm,
    )


def gps_record(gps: GpsPosition | None) -> GpsRecord | None:
    """Spell a place."""
    if gps is None or not (math.isfinite(gps.latitude) and math.isfinite(gps.longitude)):
        return None  # JSON has no spelling for it
    return GpsRecord(latitude=gps.latitude, longitude=gps.longitude, altitude=gps.altitude)


def gps_from(record: GpsRecord | None) -> GpsPosition | None:
    """Read a place."""
    if record is None:
        return None
    return GpsPosition(latitude=record.latitude, longitude=record.longitude, altitude=record.altitude)


def embedded_record(embedded: Embedded) -> EmbeddedRecord | None:
    """Spell what the picture itself says, shortened to what a line holds; None when it says nothing."""
    if embedded == Embedded():
        return None
    record = EmbeddedRecord(
        rating=embedded.rating,
        rejected=embedded.rejected,
        label=embedded.label and safe_text(embedded.label),
        keywords=[safe_text(keyword) for keyword in embedded.keywords],
        hierarchical_keywords=[safe_text(keyword) for keyword in embedded.hierarchical_keywords],
        title=embedded.title and safe_text(embedded.title),
        caption=embedded.caption and safe_text(embedded.caption),
        author=embedded.author and safe_text(embedded.author),
        copyright=embedded.copyright and safe_text(embedded.copyright),
    )
    return record if _json_bytes(record) <= MAX_EMBEDDED_BYTES else _shortened(record)


def _shortened(record: EmbeddedRecord) -> EmbeddedRecord:
    """Cut texts, the caption last to suffer, and leave out the last keywords, until the record has its size."""
    for field in ("label", "title", "author", "copyright"):
        text: str | None = getattr(record, field)
        setattr(record, field, text and text[: MAX_TEXT_CHARACTERS // 4])
    room = MAX_EMBEDDED_BYTES // 4
    record.keywords = _first_that_fit(record.keywords, room)
    record.hierarchical_keywords = _first_that_fit(record.hierarchical_keywords, room)
    while _json_bytes(record) > MAX_EMBEDDED_BYTES and record.caption:
        record.caption = record.caption[: len(record.caption) * 3 // 4]
    return record


def _first_that_fit(texts: list[str], room_bytes: int) -> list[str]:
    kept: list[str] = []
    for text in texts:
        room_bytes -= _json_bytes(text) + 1
        if room_bytes < 0:
            break
        kept.append(text)
    return kept


def _json_bytes(value: object) -> int:
    return len(msgspec.json.encode(value))


def embedded_from(record: EmbeddedRecord | None) -> Embedded:
    """Read what the picture itself says."""
    if record is None:
        return Embedded()
    return Embedded(
        rating=record.rating,
        rejected=record.rejected,
        label=record.label,
        keywords=tuple(record.keywords),
        hierarchical_keywords=tuple(record.hierarchical_keywords),
        title=record.title,
        caption=record.caption,
        author=record.author,
        copyright=record.copyright,
    )
