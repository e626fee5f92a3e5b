"""Read sidecars into facts: XMP of editors, and the JSON that Google Takeout puts beside each picture.

XMP: ISO 16684-1; ``photoshop:SidecarForExtension`` as Adobe's programs write it. Takeout has no published format; its
keys are as exports of 2018 to 2025 have them.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Final, cast

from imalink.core.analyser import SidecarReading
from imalink.core.finding import Finding
from imalink.core.picture import GpsPosition
from imalink.core.sidecar_facts import MAX_SIDECAR_BYTES, SidecarFacts, SidecarSort
from imalink.core.timestamps import CaptureTime
from imalink.media.kinds import extension_of
from imalink.media.metadata_text import UnreadableBlockError, checked_position, clean_text
from imalink.media.metadata_xmp import parse_xmp

_MAX_JSON_BYTES: Final = 1024 * 1024
_EARLIEST_SECONDS: Final = -5_364_662_400  # 1800, as everywhere: before that a date is a blank form
_LATEST_SECONDS: Final = 253_402_300_799  # the end of 9999


def read_sidecar(data: bytes, *, filename: str) -> SidecarReading:
    """Give what a sidecar says; nothing of one that is neither XMP nor JSON by its name."""
    extension = extension_of(filename)
    try:
        if extension == "xmp":
            return SidecarReading(facts=_parse_xmp_sidecar(data))
        if extension == "json":
            return SidecarReading(facts=_parse_takeout(data))
    except UnreadableBlockError as error:
        facts = {"block": "xmp-sidecar" if extension == "xmp" else "takeout-sidecar", "reason": str(error)}
        return SidecarReading(findings=(Finding(code="metadata-unreadable", facts=facts),))
    return SidecarReading()


def _parse_xmp_sidecar(data: bytes) -> SidecarFacts:
    if len(data) > MAX_SIDECAR_BYTES:
        raise UnreadableBlockError("sidecar too long")
    found = parse_xmp(data)
    extension = found.sidecar_for_extension
    return SidecarFacts(
        sort=SidecarSort.XMP,
        for_extension=extension.lower().lstrip(".") if extension else None,
        capture_time=found.capture_time,
        gps=found.gps,
        lens=found.lens,
        stars=found.stars,
        label=found.label,
        keywords=found.keywords,
        hierarchical_keywords=found.hierarchical_keywords,
        title=found.title,
        caption=found.caption,
        author=found.author,
        copyright=found.copyright,
    )


def _parse_takeout(data: bytes) -> SidecarFacts:
    """Read Takeout's JSON: its title is the picture's file name, its description the caption.

    ``favorited`` says less than a rating and ``url`` leads into an account, so both stay unread.
    """
    if len(data) > _MAX_JSON_BYTES:
        raise UnreadableBlockError("sidecar too long")
    try:
        document: object = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise UnreadableBlockError("sidecar is no JSON that may be read") from error
    fields = _object(document)
    if not fields.keys() & {"title", "photoTakenTime", "geoData", "description"}:
        raise UnreadableBlockError("JSON that is not of Google Takeout")
    # The first position is the one shown, which the user may have put right.
    gps = _position(fields.get("geoData")) or _position(fields.get("geoDataExif"))
    return SidecarFacts(
        sort=SidecarSort.TAKEOUT,
        picture_name=_text(fields.get("title")),
        capture_time=_capture_time(_object(fields.get("photoTakenTime")).get("timestamp")),
        gps=gps,
        caption=_text(fields.get("description")),
    )


def _capture_time(timestamp: object) -> CaptureTime | None:
    """Read seconds since 1970 in UTC. Where the camera was, and so its own time of day, Takeout does not say."""
    if not isinstance(timestamp, str | int) or isinstance(timestamp, bool):
        return None
    try:
        seconds = int(timestamp)
    except ValueError:
        return None
    # 0 is what an export writes that knows no date.
    if seconds == 0 or not _EARLIEST_SECONDS <= seconds <= _LATEST_SECONDS:
        return None
    moment = datetime.fromtimestamp(seconds, UTC)
    return CaptureTime(local=moment.strftime("%Y-%m-%dT%H:%M:%S"), offset="+00:00", source="takeout")


def _position(value: object) -> GpsPosition | None:
    fields = _object(value)
    latitude, longitude, altitude = (_number(fields.get(name)) for name in ("latitude", "longitude", "altitude"))
    # An altitude of exactly 0 stands for unknown as often as for the sea.
    return checked_position(latitude, longitude, altitude or None)


def _number(value: object) -> float | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _text(value: object) -> str | None:
    return clean_text(value) if isinstance(value, str) else None


def _object(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}
