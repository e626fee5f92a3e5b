"""Times as the indexes write them, and the four facts of a capture time."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal, Protocol

CaptureTimeSource = Literal["exif", "xmp", "takeout", "filename", "mtime", "user"]

_NS = 1_000_000_000
_DAY_SECONDS = 86_400
_DAY_MINUTES = 24 * 60
_INSTANT_TEXT = r"\d{4}-\d{2}-\d{2}T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?Z"
_INSTANT = re.compile(_INSTANT_TEXT, re.ASCII)
_INSTANT_LINES = re.compile(rf"(?:{_INSTANT_TEXT}\n)*+", re.ASCII)
_LOCAL_LINES = re.compile(rf"(?:{_INSTANT_TEXT.removesuffix('Z')}\n)*+", re.ASCII)
_LOCAL = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(\.\d{1,9})?")
_OFFSET = re.compile(r"([+-])(\d{2}):(\d{2})")
_FULL_LENGTH = len("2024-07-10T14:30:00.123456789Z")
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_MINUTE_NS = {f"{minute // 60:02}:{minute % 60:02}": minute * 60 * _NS for minute in range(24 * 60)}


class Clock(Protocol):
    """Gives the time to whoever needs it; tests bring their own."""

    def now(self) -> datetime:
        """Give the current time, aware, in UTC."""
        ...


def format_instant(moment: datetime) -> str:
    """Write an aware time as ISO 8601 UTC with ``Z``, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_instant(text: str) -> datetime:
    """Read ISO 8601 UTC with ``Z``; digits below a microsecond are cut. Raises ValueError."""
    if _INSTANT.fullmatch(text) is None:
        raise ValueError(f"not a UTC time: {text!r}")
    return datetime.fromisoformat(text[:26].removesuffix("Z") + "+00:00" if "." in text else text)


@lru_cache(maxsize=4096)
def _day_ns(day: str) -> int:
    return (date.fromisoformat(day).toordinal() - _EPOCH_ORDINAL) * _DAY_SECONDS * _NS


@lru_cache(maxsize=4096)
def _day_text(day: int) -> str:
    return date.fromordinal(day + _EPOCH_ORDINAL).isoformat()


def parse_instant_ns(text: str) -> int:
    """Read ISO 8601 UTC with ``Z`` as nanoseconds since 1970. Raises ValueError."""
    if _INSTANT.fullmatch(text) is None:
        raise ValueError(f"not a UTC time: {text!r}")
    digits = text[17:19] + (text[20:29] if len(text) == _FULL_LENGTH else text[20:-1].ljust(9, "0"))
    return _day_ns(text[:10]) + _MINUTE_NS[text[11:16]] + int(digits)


def instants_ns(texts: Iterable[str]) -> list[int]:
    """Read many texts as ``parse_instant_ns`` does, sooner: ``are_instants`` said that they can be read."""
    return [
        _day_ns(text[:10])
        + _MINUTE_NS[text[11:16]]
        + int(text[17:19] + (text[20:29] if len(text) == _FULL_LENGTH else text[20:-1].ljust(9, "0")))
        for text in texts
    ]


def are_instants(texts: Collection[str]) -> bool:
    """Tell of many texts at once whether ``parse_instant_ns`` can read each."""
    return _are_lines(texts, _INSTANT_LINES)


def are_local_times(texts: Collection[str], offsets: Iterable[str | None]) -> bool:
    """Tell of many texts at once whether each can be the ``local`` of a CaptureTime, and so of its offsets."""
    is_each_offset = all(each is None or (each.isascii() and _OFFSET.fullmatch(each) is not None) for each in offsets)
    return is_each_offset and _are_lines(texts, _LOCAL_LINES)


def _are_lines(texts: Collection[str], pattern: re.Pattern[str]) -> bool:
    lines = "\n".join((*texts, ""))
    if lines.count("\n") != len(texts) or pattern.fullmatch(lines) is None:
        return False
    try:
        for day in {text[:10] for text in texts}:
            _day_ns(day)
    except ValueError:
        return False
    return True


def format_instant_ns(ns: int) -> str:
    """Write nanoseconds since 1970 as ISO 8601 UTC with ``Z``, without losing a digit.

    Times outside the years 1–9999 (a broken clock on a disk) are written as 1970.
    """
    seconds, fraction = divmod(ns, _NS)
    day, rest = divmod(seconds, _DAY_SECONDS)
    if not 1 <= day + _EPOCH_ORDINAL <= date.max.toordinal():
        return "1970-01-01T00:00:00Z"
    text = f"{_day_text(day)}T{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    return f"{text}.{fraction:09}".rstrip("0") + "Z" if fraction else text + "Z"


def _minutes_of(offset: str) -> int:
    return (int(offset[1:3]) * 60 + int(offset[4:6])) * (1 if offset[0] == "+" else -1)


@lru_cache(maxsize=65_536)
def minute_in_utc(minute: str, offset: str) -> str | None:
    """Give ``HH:MM`` of a place with this offset as UTC has it; None where that is on another day."""
    there = int(minute[:2]) * 60 + int(minute[3:]) - _minutes_of(offset)
    return f"{there // 60:02}:{there % 60:02}" if 0 <= there < _DAY_MINUTES else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureTime:
    """When a picture was taken: what the camera says, its zone if known, and where that stood.

    ``local`` is ISO 8601 without zone, with the camera's sub-seconds (``2024-07-10T14:30:00.12``);
    ``offset`` is ``±HH:MM`` or None.
    """

    local: str
    offset: str | None
    source: CaptureTimeSource

    def __post_init__(self) -> None:
        if _LOCAL.fullmatch(self.local) is None:
            raise ValueError(f"not a local time: {self.local!r}")
        datetime.fromisoformat(self.local[:19])
        if self.offset is not None and _OFFSET.fullmatch(self.offset) is None:
            raise ValueError(f"not an offset: {self.offset!r}")

    @property
    def taken_at(self) -> str:
        """UTC where the offset is known, else the local digits with ``Z``."""
        fraction = self.local[19:]
        if self.offset is None:
            return self.local + "Z"
        minute = minute_in_utc(self.local[11:16], self.offset)
        if minute is not None:  # the same day, as mostly: a recovery asks this of every photo
            return f"{self.local[:11]}{minute}{self.local[16:]}Z"
        try:
            moved = datetime.fromisoformat(self.local[:19]) - timedelta(minutes=_minutes_of(self.offset))
        except OverflowError:
            return self.local + "Z"
        return moved.isoformat() + fraction + "Z"
