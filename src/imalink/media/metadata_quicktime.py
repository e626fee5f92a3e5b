"""Read what a film says of itself: QuickTime's metadata keys, iTunes' items, user data and the time in its header.

Layout: QuickTime File Format Specification (Apple), 3GPP TS 26.244, ISO/IEC 14496-12; names as exiftool.org,
TagNames/QuickTime.html, lists them.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from imalink.core.picture import Camera, GpsPosition
from imalink.core.timestamps import CaptureTime
from imalink.media.blocks import BrokenStructureError
from imalink.media.boxes import Box, Fields, iter_boxes
from imalink.media.metadata_text import (
    checked_position,
    clean_keywords,
    clean_text,
    decode_text,
    parse_capture_time,
    parse_stars,
)
from imalink.media.reader import MemoryReader

_EPOCH: Final = datetime(1904, 1, 1, tzinfo=UTC)
_BELIEVABLE_YEARS: Final = range(1980, 2100)
"""Before them cameras do not write this format; clocks that were never set say 1904 or 1970."""
_PREFIXES: Final = ("com.apple.quicktime.", "com.android.")
_POSITION: Final = re.compile(r"([+-]\d+(?:\.\d+)?)([+-]\d+(?:\.\d+)?)([+-]\d+(?:\.\d+)?)?", re.ASCII)
_MAX_VALUES: Final = 4_096
_MAX_TEXT: Final = 65_536
_MAC_LANGUAGES: Final = 0x400
_UTF_8, _UTF_16, _SIGNED, _UNSIGNED, _FLOAT, _DOUBLE = 1, 2, 21, 22, 23, 24
_3GPP: Final = frozenset((b"titl", b"dscp", b"cprt", b"auth"))

# Of each fact the names it may stand under; the first that is there counts.
_TAKEN: Final = ("creationdate", "\xa9day")
_MAKE: Final = ("make", "manufacturer", "\xa9mak")
_MODEL: Final = ("model", "\xa9mod")
_LENS: Final = ("camera.lens_model",)
_PLACE: Final = ("location.ISO6709", "\xa9xyz")
_CONTENT_IDENTIFIER: Final = ("content.identifier",)
_STARS: Final = ("rating.user",)
_KEYWORDS: Final = ("keywords", "keyw", "\xa9key")
_TITLE: Final = ("title", "displayname", "\xa9nam", "titl")
_CAPTION: Final = ("description", "desc", "\xa9des", "dscp", "comment", "\xa9cmt")
_AUTHOR: Final = ("author", "artist", "\xa9aut", "\xa9ART", "auth")
_COPYRIGHT: Final = ("copyright", "\xa9cpy", "cprt")


@dataclass(frozen=True, slots=True, kw_only=True)
class QuicktimeFacts:
    """What a film says of itself. ``created`` is the time in its header, where no better one stands anywhere."""

    capture_time: CaptureTime | None = None
    created: CaptureTime | None = None
    camera: Camera = Camera()
    gps: GpsPosition | None = None
    content_identifier: str | None = None
    stars: int | None = None
    keywords: tuple[str, ...] = ()
    title: str | None = None
    caption: str | None = None
    author: str | None = None
    copyright: str | None = None


def parse_quicktime(*, metadata: bytes | None, user_data: bytes | None, created: int | None) -> QuicktimeFacts:
    """Read the payloads of ``moov/meta`` and ``moov/udta`` and the seconds of ``mvhd``.

    Never raises: of broken blocks is taken what stands before the break.
    """
    values: dict[str, str] = {}
    for name, value in _all_values(metadata, user_data):
        text = clean_text(value)
        if text is not None:
            values.setdefault(name, text)
        if len(values) == _MAX_VALUES:
            break

    def first(names: tuple[str, ...]) -> str | None:
        return next((values[name] for name in names if name in values), None)

    taken = next((found for name in _TAKEN if (found := _moment(values.get(name)))), None)
    return QuicktimeFacts(
        capture_time=taken,
        created=_created(created),
        camera=Camera(make=first(_MAKE), model=first(_MODEL), lens=first(_LENS)),
        gps=_position(first(_PLACE)),
        content_identifier=first(_CONTENT_IDENTIFIER),
        stars=parse_stars(first(_STARS)),
        keywords=clean_keywords((first(_KEYWORDS) or "").split(",")),
        title=first(_TITLE),
        caption=first(_CAPTION),
        author=first(_AUTHOR),
        copyright=first(_COPYRIGHT),
    )


def _moment(text: str | None) -> CaptureTime | None:
    # A bare date or year is when something was published, not when it was taken.
    return parse_capture_time(text, source="exif") if text is not None and ":" in text else None


def _created(seconds: int | None) -> CaptureTime | None:
    if not seconds:
        return None
    try:
        moment = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None
    if moment.year not in _BELIEVABLE_YEARS:
        return None
    # The standard says UTC, so digits and offset together name the moment; see docs/decisions/0028.
    return CaptureTime(local=moment.strftime("%Y-%m-%dT%H:%M:%S"), offset="+00:00", source="exif")


def _position(text: str | None) -> GpsPosition | None:
    match = _POSITION.match(text or "")
    if match is None:
        return None
    latitude, longitude = _degrees(match[1]), _degrees(match[2], digits=3)
    return checked_position(latitude, longitude, float(match[3]) if match[3] else None)


def _degrees(text: str, *, digits: int = 2) -> float:
    """Read ISO 6709: degrees, degrees and minutes, or these and seconds, told apart by the digits before the point."""
    whole, point, fraction = text[1:].partition(".")
    tail = point + fraction
    if len(whole) > digits + 2:
        value = int(whole[:-4]) + int(whole[-4:-2]) / 60 + float(whole[-2:] + tail) / 3600
    elif len(whole) > digits:
        value = int(whole[:-2]) + float(whole[-2:] + tail) / 60
    else:
        value = float(whole + tail)
    return -value if text[0] == "-" else value


def _all_values(metadata: bytes | None, user_data: bytes | None) -> Iterator[tuple[str, str]]:
    if metadata is not None:
        yield from _metadata_values(metadata)
    if user_data is None:
        return
    boxes = list(_boxes(user_data))
    for box in boxes:
        if box.type == b"meta":
            yield from _metadata_values(_payload(user_data, box))
    for box in boxes:
        text = _user_text(box.type, _payload(user_data, box)) if box.length <= _MAX_TEXT else None
        if text is not None:
            yield box.type.decode("latin-1"), text


def _metadata_values(data: bytes) -> Iterator[tuple[str, str]]:
    # ISO's box begins with version and flags, QuickTime's with its first box.
    start = 0 if data[4:8] == b"hdlr" else 4
    boxes = {box.type: box for box in _boxes(data, start)}
    keys = _keys(_payload(data, boxes[b"keys"])) if b"keys" in boxes else []
    items = _payload(data, boxes[b"ilst"]) if b"ilst" in boxes else b""
    for item in _boxes(items):
        name = item.type.decode("latin-1")
        index = int.from_bytes(item.type, "big")
        if keys:
            if not 1 <= index <= len(keys):
                continue
            name = keys[index - 1]
        content = _payload(items, item)
        texts = [_value(_payload(content, box)) for box in _boxes(content) if box.type == b"data"]
        # Several values are several keywords.
        yield name, ",".join(text for text in texts[:_MAX_VALUES] if text)


def _keys(data: bytes) -> list[str]:
    names: list[str] = []
    fields = Fields(data, 8)
    try:
        while fields.remaining >= 8 and len(names) < _MAX_VALUES:
            size = fields.number(4)
            fields.take(4)  # namespace
            name = decode_text(fields.take(max(0, size - 8)))
            for prefix in _PREFIXES:
                name = name.removeprefix(prefix)
            names.append(name)
    except BrokenStructureError:
        pass
    return names


def _value(data: bytes) -> str | None:
    """Read a ``data`` box: the kind of value, its language, the value."""
    kind, value = int.from_bytes(data[1:4], "big"), data[8:]
    if len(value) > _MAX_TEXT:
        return None
    if kind in (0, _UTF_8):
        return decode_text(value)
    if kind == _UTF_16:
        return value.decode("utf-16-be", "replace")
    if kind in (_SIGNED, _UNSIGNED):
        return str(int.from_bytes(value[:8], "big", signed=kind == _SIGNED))
    if (kind, len(value)) in ((_FLOAT, 4), (_DOUBLE, 8)):
        number: float = struct.unpack(">f" if kind == _FLOAT else ">d", value)[0]
        return str(number)
    return None


def _user_text(kind: bytes, data: bytes) -> str | None:
    """Read a text of the user data: QuickTime's with length and language first, 3GPP's with flags and language."""
    if kind in _3GPP:
        value = data[6:]
        return value.decode("utf-16", "replace") if value[:2] in (b"\xfe\xff", b"\xff\xfe") else decode_text(value)
    if not kind.startswith(b"\xa9") or len(data) < 4:
        return None
    length, language = int.from_bytes(data[:2], "big"), int.from_bytes(data[2:4], "big")
    value = data[4 : 4 + length]
    if value[:2] in (b"\xfe\xff", b"\xff\xfe"):
        return value.decode("utf-16", "replace")
    try:
        return value.rstrip(b"\x00").decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("mac-roman" if language < _MAC_LANGUAGES else "latin-1")


def _boxes(data: bytes, start: int = 0) -> Iterator[Box]:
    boxes = iter_boxes(MemoryReader(data), start, len(data))
    for _ in range(_MAX_VALUES):
        try:
            yield next(boxes)
        except (StopIteration, BrokenStructureError):
            return


def _payload(data: bytes, box: Box) -> bytes:
    return data[box.offset : box.end]
