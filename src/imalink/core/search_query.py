"""What a user searches for, as a value; and how it is read from one line of text."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TypeVar

from imalink.core.ids import SessionUuid, parse_uuid
from imalink.errors import UsageError

T = TypeVar("T")

DEFAULT_LIMIT = 50
MAX_LIMIT = 1000
MAX_TEXT_LENGTH = 2000
MAX_WORDS = 20
"""How many words, and how many tags, one search may have: each one is a condition in the database."""

FILE_FORMATS = (
    *("JPEG", "PNG", "HEIC", "AVIF", "WEBP", "TIFF", "GIF", "JXL", "BMP", "PSD", "RAW", "VIDEO"),
    "UNKNOWN",
)
"""The words for file formats; see ``PictureFacts.file_format``."""

KEYS = {
    "date": "date:2024, date:2024-07, date:2024-07-14 or date:2024-07-01..2024-07-31",
    "from": "from:2024-07-01",
    "to": "to:2024-07-31",
    "rating": "rating:4 (at least)",
    "tag": "tag:rome",
    "camera": 'camera:"Canon EOS 5D"',
    "author": "author:anna",
    "session": "session:42 or session:UUID",
    "storage": 'storage:"Blue Samsung"',
    "format": "format:raw",
    "name": "name:IMG_00*",
    "text": 'text:"rome by night" (words, the last one begun)',
    "lens": "lens:24-70",
    "place": "place:rome (a tag, or a level of one) or place:41.8,12.4..42.0,12.6 (two corners, latitude first)",
    "gps": "gps:yes or gps:no",
    "raw": "raw:yes or raw:no",
    "status": "status:present, status:missing or status:offline",
    "missing": "missing:yes or missing:no",
    "damaged": "damaged:yes or damaged:no",
}
"""Every key of a search, with an example."""

_TEXT_KEYS = ("tag", "camera", "author", "storage", "name", "text", "lens", "place")
_FORMAT_ALIASES = {"JPG": "JPEG", "TIF": "TIFF", "HEIF": "HEIC"}
_MAX_SESSION_NUMBER = 2**31 - 1
_KEY = re.compile(r"([A-Za-z_]+):")
_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)
_DEGREES = r"\s*([-+]?\d{1,3}(?:\.\d{1,15})?)\s*"
_BOX = re.compile(f"{_DEGREES},{_DEGREES}\\.\\.{_DEGREES},{_DEGREES}", re.ASCII)
_NUMBER = re.compile(r"\d{1,10}", re.ASCII)


class PhotoStatus(StrEnum):
    """Whether a photo can be opened: by the files that the indexes name, of which one is enough."""

    PRESENT = "present"
    """A file stands in a storage that could be reached last time."""
    OFFLINE = "offline"
    """A file stands somewhere, but in no storage that could be reached."""
    MISSING = "missing"
    """All its files are missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundingBox:
    """A part of the map: WGS 84 degrees, borders included. ``west`` greater than ``east`` goes over the date line.

    Raises UsageError for what is no part of the map.
    """

    south: float
    west: float
    north: float
    east: float

    def __post_init__(self) -> None:
        are_degrees = -90 <= self.south <= self.north <= 90 and all(-180 <= x <= 180 for x in (self.west, self.east))
        if not are_degrees:  # nor are those that are no numbers
            raise UsageError(
                f"{self.south},{self.west}..{self.north},{self.east} is no part of the map.",
                hint="Expected two corners, south-west and north-east, latitude first: 41.8,12.4..42.0,12.6.",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """What a photo must be to be found; all conditions hold together, None and empty ones say nothing.

    ``words``: each stands in the title, the caption, a tag or the original name of a file. ``taken_from`` and
    ``taken_to`` are days as the camera said, both included. ``rating_min`` is 0–5. ``tags`` are whole tags, or the
    levels with which tags begin (``places`` finds ``places/rome``). ``camera`` is part of "make model", ``lens`` of the
    lens, ``author`` of the name of the photo's author or, where it has none, of its session's; ``author_id`` names one
    in this catalog. ``text`` are words as full-text search has them. ``place`` is on the map, ``place_name`` a tag or
    any level of one. ``collection`` is the UUID of one.

    ``session``, ``storage`` (named as users do), ``file_format`` (one of FILE_FORMATS) and ``filename`` hold together
    for one and the same file of the photo; ``has_missing`` tells whether such a file is missing, ``has_damaged``
    whether it is known to be damaged. ``filename`` is an original name, in which ``*`` stands for any characters and
    ``?`` for one. Letters count the same in either case.

    ``limit`` is the length of a page, ``after`` the ``next`` of the page before it, or ``before`` the ``previous`` of
    the page behind it. Raises UsageError where a number is out of range, or the days end before they begin.
    """

    words: tuple[str, ...] = ()
    taken_from: date | None = None
    taken_to: date | None = None
    rating_min: int | None = None
    tags: tuple[str, ...] = ()
    camera: str | None = None
    author: str | None = None
    session: int | SessionUuid | None = None
    storage: str | None = None
    file_format: str | None = None
    filename: str | None = None
    has_missing: bool | None = None
    has_damaged: bool | None = None
    text: str | None = None
    lens: str | None = None
    author_id: int | None = None
    place: BoundingBox | None = None
    place_name: str | None = None
    has_gps: bool | None = None
    has_raw: bool | None = None
    status: PhotoStatus | None = None
    collection: str | None = None
    limit: int = DEFAULT_LIMIT
    after: str | None = None
    before: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= MAX_LIMIT:
            raise UsageError(f"A page of {self.limit} photos cannot be given: expected 1 to {MAX_LIMIT}.")
        if self.after is not None and self.before is not None:
            raise UsageError("A page goes on after one place or before one, not both.")
        if len(self.text or "") > MAX_TEXT_LENGTH:
            raise UsageError(f"This search is too long: at most {MAX_TEXT_LENGTH:,} characters.")
        if len(self.words) > MAX_WORDS or len(self.tags) > MAX_WORDS:
            raise UsageError(f"This search has too many words: at most {MAX_WORDS}, and {MAX_WORDS} tags.")
        if self.rating_min is not None and not 0 <= self.rating_min <= 5:
            raise UsageError(f"{self.rating_min} is no rating: expected 0 to 5.")
        if self.taken_from is not None and self.taken_to is not None and self.taken_from > self.taken_to:
            raise UsageError(f"The days from {self.taken_from} to {self.taken_to} end before they begin.")


@dataclass(frozen=True, slots=True)
class _Token:
    """One word or ``key:value`` of a search, without its quotes; ``key`` is empty for a word."""

    key: str
    value: str


def parse_query(text: str) -> SearchQuery:
    """Read what a user typed: ``key:value`` (see KEYS) and words, parted by blanks.

    Double quotes hold a value or a phrase together; in them ``\\"`` is a quote and ``\\\\`` a backslash. A quoted word
    is never a key. Every key but ``tag`` may stand once. Raises UsageError, naming what it cannot read and the keys.
    """
    if len(text) > MAX_TEXT_LENGTH:
        raise UsageError(f"This search is too long: at most {MAX_TEXT_LENGTH:,} characters.")
    words: list[str] = []
    values: dict[str, list[str]] = {}
    for token in _tokens(text):
        if not token.key:
            words.append(token.value)
        elif token.key not in KEYS:
            raise _unreadable(
                f"{token.key!r} is no search key.",
                more=f""" To search for the word, quote it: "{token.key}:…", in a shell '"{token.key}:…"'.""",
            )
        elif not token.value:
            raise _unreadable(f"{token.key}: has no value.", key=token.key)
        else:
            values.setdefault(token.key, []).append(token.value)
    taken_from, taken_to = _days(values)
    box = _one(values, "place", find_box)
    return SearchQuery(
        words=tuple(words),
        taken_from=taken_from,
        taken_to=taken_to,
        rating_min=_one(values, "rating", _rating),
        tags=tuple(dict.fromkeys(values.get("tag", ()))),
        camera=_one(values, "camera", str),
        author=_one(values, "author", str),
        session=_one(values, "session", _session),
        storage=_one(values, "storage", str),
        file_format=_one(values, "format", parse_file_format),
        filename=_one(values, "name", str),
        has_missing=_one(values, "missing", _yes_or_no),
        has_damaged=_one(values, "damaged", _yes_or_no),
        text=_one(values, "text", str),
        lens=_one(values, "lens", str),
        place=box,
        place_name=None if box is not None else _one(values, "place", str),
        has_gps=_one(values, "gps", _yes_or_no),
        has_raw=_one(values, "raw", _yes_or_no),
        status=_one(values, "status", _status),
    )


def join_arguments(arguments: Sequence[str]) -> str:
    """Give the arguments of a command line as one text for ``parse_query``.

    A shell takes the quotes off ``camera:"Canon EOS 5D"``; an argument with blanks that begins with the key of a
    text, and has neither quotes nor a further key in it, gets them back.
    """
    return " ".join(_quoted(argument) for argument in arguments)


def _quoted(argument: str) -> str:
    key, _, value = argument.partition(":")
    parts = value.split()
    is_one_value = len(parts) > 1 and key.lower() in _TEXT_KEYS and '"' not in value
    if not is_one_value or any(_KEY.match(part) for part in parts):
        return argument
    escaped = value.replace("\\", "\\\\")
    return f'{key}:"{escaped}"'


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        match = _KEY.match(text, at)
        key = match[1].lower() if match else ""
        value, at = _value(text, match.end() if match else at)
        if key or value:
            tokens.append(_Token(key, value))
    return tokens


def _value(text: str, at: int) -> tuple[str, int]:
    """Give the value that begins there, without its quotes, and where the text goes on."""
    characters: list[str] = []
    is_quoted = False
    while at < len(text) and (is_quoted or not text[at].isspace()):
        character = text[at]
        if character == '"':
            is_quoted = not is_quoted
        elif is_quoted and character == "\\" and text[at + 1 : at + 2] in ('"', "\\"):
            at += 1
            characters.append(text[at])
        else:
            characters.append(character)
        at += 1
    if is_quoted:
        raise _unreadable('A quote (") is opened and not closed.')
    return "".join(characters), at


def _one(values: dict[str, list[str]], key: str, parse: Callable[[str], T]) -> T | None:
    """Give the one value of a key; None when it does not stand there."""
    found = values.get(key, [])
    if len(found) > 1:
        raise _unreadable(f"{key}: stands there {len(found)} times; only tag: may.", key=key)
    try:
        return parse(found[0]) if found else None
    except ValueError as error:
        raise _unreadable(f"{key}:{found[0]} cannot be read: {error}.", key=key) from error


def _days(values: dict[str, list[str]]) -> tuple[date | None, date | None]:
    if "date" in values and ("from" in values or "to" in values):
        raise _unreadable("date: stands there together with from: or to:.", key="date")
    period = _one(values, "date", _period)
    if period is not None:
        return period
    first = _one(values, "from", parse_span)
    last = _one(values, "to", parse_span)
    return None if first is None else first[0], None if last is None else last[1]


def _period(text: str) -> tuple[date | None, date | None]:
    first, dots, last = text.partition("..")
    if not dots:
        return parse_span(text)
    if not first and not last:
        raise ValueError("a day must stand before or after the dots")
    return parse_span(first)[0] if first else None, parse_span(last)[1] if last else None


def parse_span(text: str) -> tuple[date, date]:
    """Give the first and the last day of a year, a month or a day. Raises ValueError."""
    match = _DATE.fullmatch(text)
    if match is None:
        raise ValueError("not a year, a month or a day")
    year, month, day = (int(part) if part else None for part in match.groups())
    try:
        if year is not None and month is None:
            return date(year, 1, 1), date(year, 12, 31)
        if year is not None and month is not None and day is None:
            return date(year, month, 1), date(year, month, monthrange(year, month)[1])
        return date.fromisoformat(text), date.fromisoformat(text)
    except ValueError as error:
        raise ValueError("there is no such day") from error


def _rating(text: str) -> int:
    if re.fullmatch("[0-5]", text) is None:
        raise ValueError("a rating is 0 to 5")
    return int(text)


def _session(text: str) -> int | SessionUuid:
    if _NUMBER.fullmatch(text):
        if int(text) > _MAX_SESSION_NUMBER:
            raise ValueError("no session has so great a number")
        return int(text)
    try:
        return SessionUuid(parse_uuid(text))
    except ValueError as error:
        raise ValueError("neither the number nor the UUID of a session") from error


def parse_file_format(text: str) -> str:
    """Give one of FILE_FORMATS. Raises ValueError."""
    word = text.upper()
    word = _FORMAT_ALIASES.get(word, word)
    if word not in FILE_FORMATS:
        raise ValueError(f"the formats are {', '.join(known.lower() for known in FILE_FORMATS)}")
    return word


def find_box(text: str) -> BoundingBox | None:
    """Read two corners of the map as ``south,west..north,east``; None for a name. Raises UsageError."""
    match = _BOX.fullmatch(text)
    if match is None:
        return None
    south, west, north, east = map(float, match.groups())
    return BoundingBox(south=south, west=west, north=north, east=east)


def _status(text: str) -> PhotoStatus:
    try:
        return PhotoStatus(text.lower())
    except ValueError as error:
        raise ValueError(f"expected {', '.join(PhotoStatus)}") from error


def _yes_or_no(text: str) -> bool:
    answers = {"yes": True, "no": False}
    if text.lower() not in answers:
        raise ValueError("expected yes or no")
    return answers[text.lower()]


def _unreadable(message: str, *, key: str = "", more: str = "") -> UsageError:
    expected = f"Expected {KEYS[key]}. " if key else ""
    return UsageError(message, hint=f"{expected}Known keys: {', '.join(KEYS)}.{more}")
