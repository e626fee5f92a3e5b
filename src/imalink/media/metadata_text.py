"""Clean texts, ratings, positions and capture times as they stand in metadata of every sort."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from imalink.core.picture import GpsPosition
from imalink.core.timestamps import CaptureTime, CaptureTimeSource

MAX_KEYWORDS: Final = 10_000
_EARLIEST_YEAR: Final = 1800  # before the first photograph, a date is a broken clock or a blank form
_MOMENT: Final = re.compile(
    r"(\d{4})[:/.-](\d{1,2})[:/.-](\d{1,2})"
    r"(?:[T ]+(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,9})\d*)?)?)?"
    r"\s*(Z|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
_OFFSET: Final = re.compile(r"([+-])(\d{2}):?(\d{2})", re.ASCII)
_DIGITS: Final = re.compile(r"\d{1,9}", re.ASCII)
_CAMERA_CAPTION: Final = re.compile(r".*DIGITAL CAMERA|SONY DSC|DCIM.*|DCF [0-9.]+|binary comment", re.IGNORECASE)
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")


class UnreadableBlockError(Exception):
    """A metadata block that cannot be read. Never leaves ``imalink.media``: it becomes a finding."""


def clean_text(text: str | None) -> str | None:
    """Give ``text`` without control characters and blank ends; None if nothing is left."""
    if text is None:
        return None
    return _CONTROLS.sub("", text).strip() or None


def is_camera_caption(text: str) -> bool:
    """Tell whether a caption is what a camera or program puts there by itself, and no human's."""
    return _CAMERA_CAPTION.fullmatch(text) is not None


def decode_text(data: bytes) -> str:
    """Read bytes of an undeclared encoding: UTF-8 if they are, else what Windows programs wrote."""
    data = data.rstrip(b"\x00")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def clean_keywords(texts: Iterable[str | None]) -> tuple[str, ...]:
    """Give the texts clean, each once, in their order."""
    seen: dict[str, None] = {}
    for text in texts:
        cleaned = clean_text(text)
        if cleaned is not None:
            seen[cleaned] = None
        if len(seen) == MAX_KEYWORDS:
            break
    return tuple(seen)


def parse_capture_time(
    text: str, *, source: CaptureTimeSource, subseconds: str = "", offset: str = ""
) -> CaptureTime | None:
    """Read ``2024:07-10 14:30:00`` in EXIF's or ISO's spelling; None for blanks, zeros and impossible dates.

    Sub-seconds and offset are taken from the text itself where they stand in it. A date without a day is none: a day
    must not be invented.
    """
    match = _MOMENT.match(text.strip(" \x00\t\r\n"))
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    if year < _EARLIEST_YEAR:
        return None
    try:
        moment = datetime(year, month, day, hour, minute, second)
    except ValueError:
        return None
    fraction = _DIGITS.match(match[7] or subseconds.strip(" \x00"))
    local = moment.isoformat() + (f".{fraction[0]}" if fraction else "")
    return CaptureTime(local=local, offset=parse_offset(match[8] or offset), source=source)


def parse_camera_clock(seconds: int) -> CaptureTime | None:
    """Read seconds since 1970 on a camera's own clock, which knows no zone; None for a clock that was never set."""
    if not 0 < seconds < 2**32:
        return None
    return parse_capture_time(datetime.fromtimestamp(seconds, UTC).strftime("%Y:%m:%d %H:%M:%S"), source="exif")


def parse_offset(text: str) -> str | None:
    """Read ``+02:00``, ``+0200`` or ``Z`` as ``±HH:MM``; None if it is no offset any place on Earth has."""
    text = text.strip(" \x00")
    if text in ("Z", "z"):
        return "+00:00"
    match = _OFFSET.match(text)
    if match is None or int(match[2]) > 14 or int(match[3]) > 59:
        return None
    return f"{match[1]}{match[2]}:{match[3]}"


def checked_position(latitude: float | None, longitude: float | None, altitude: float | None) -> GpsPosition | None:
    """Give the position if it is one; 0° 0° is what receivers write before they know where they are."""
    if latitude is None or longitude is None or not (abs(latitude) <= 90 and abs(longitude) <= 180):
        return None
    if latitude == 0 and longitude == 0:
        return None
    if altitude is not None and not abs(altitude) < 100_000:
        altitude = None
    return GpsPosition(latitude=latitude, longitude=longitude, altitude=altitude)


def parse_stars(value: str | float | None) -> int | None:
    """Read a rating of 0 to 5 stars, -1 for rejected; None for anything else."""
    number = _parse_number(value)
    return round(number) if number is not None and -1 <= number <= 5 else None


def parse_percent_stars(value: str | float | None) -> int | None:
    """Read Windows' rating in percent (1, 25, 50, 75, 99) as stars."""
    number = _parse_number(value)
    if number is None or not 0 <= number <= 100:
        return None
    return 0 if number == 0 else min(5, 1 + round(number / 25))


def _parse_number(value: str | float | None) -> float | None:
    try:
        number = float(value) if value is not None else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None
