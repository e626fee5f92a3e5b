"""What a user wants changed of photos: read from words, and worked out for each photo."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite

from imalink.core.photo import Photo, UserFacts
from imalink.core.photo_facts import PhotoFacts
from imalink.core.picture import GpsPosition
from imalink.core.session import Author
from imalink.core.timestamps import CaptureTime
from imalink.core.user_facts import FactChange, custom_field, live_value, said_fields, tag_field, value_of
from imalink.errors import UsageError

MAX_TITLE_CHARACTERS = 500
MAX_CAPTION_CHARACTERS = 5000
MAX_NAME_CHARACTERS = 200
"""Of a label, an author's name or address."""
MAX_TAG_CHARACTERS = 100
MAX_TAGS = 100
"""That one edit may add or take away."""
MAX_KEY_CHARACTERS = 64
MAX_VALUE_CHARACTERS = 500
MAX_CUSTOM_FIELDS = 100
"""That a photo may have; one edit may set as many."""

RESETS: Mapping[str, str] = {
    "title": "title",
    "caption": "caption",
    "rating": "rating",
    "label": "label",
    "reject": "rejected",
    "tags": "tags",
    "author": "author",
    "taken-at": "capture_time",
    "gps": "gps",
}
"""What may be taken back by name, and the field it is; ``custom`` and ``all`` besides."""

_KEY = re.compile(r"\w[\w.-]*")
_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(:\d{2}(?:\.\d{1,9})?)?)?\s*(Z|[+-]\d{2}:?\d{2})?", re.ASCII
)
_CLOCK_SHIFT = re.compile(r"([+-])(\d{1,4}):([0-5]\d)(?::([0-5]\d))?", re.ASCII)
_UNIT_SHIFT = re.compile(r"([+-])(?=\d)(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,7})m)?(?:(\d{1,9})s)?", re.ASCII)
_AUTHOR = re.compile(r"([^<>]*?)\s*<([^<>\s]+)>")


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenAt:
    """A time of capture as a user says it; without an offset the one that is known of the photo stays."""

    local: str
    offset: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EditRequest:
    """What is to be changed, the same for each photo: ``said`` as it stands, the rest in view of the photo.

    ``tags`` are all that the photo shall have; None leaves them. ``resets`` are names of RESETS, ``custom`` or
    ``all``: what was said of these is taken back.
    """

    said: FactChange = FactChange()
    tags: tuple[str, ...] | None = None
    added_tags: tuple[str, ...] = ()
    removed_tags: tuple[str, ...] = ()
    taken_at: TakenAt | None = None
    shift: timedelta | None = None
    resets: frozenset[str] = frozenset()

    def check(self) -> None:
        """Raise UsageError for a request that wants nothing, or two things that exclude each other."""
        if self == EditRequest():
            raise UsageError(
                "Nothing is to be changed.", hint="`imalink edit --help` lists what may be said of a photo."
            )
        if self.tags is not None and (self.added_tags or self.removed_tags):
            raise UsageError("Either all tags are said, or some added and taken away, not both at once.")
        if self.taken_at is not None and self.shift is not None:
            raise UsageError("A time is either said or shifted, not both at once.")
        said = {name.partition(".")[0] for name in self.said.fields}
        said |= {"tags"} if self.tags is not None else set()
        said |= {"capture_time"} if self.taken_at is not None or self.shift is not None else set()
        taken_back = {RESETS.get(word, word) for word in self.resets} & said
        if taken_back or ("all" in self.resets and said):
            raise UsageError("A field is either said or taken back, not both at once.")


def plan_change(request: EditRequest, photo: Photo, facts: PhotoFacts) -> FactChange:
    """Give the fields of ``photo``, for which ``facts`` hold, that the request really changes, with their new values.

    Raises UsageError where it cannot be carried out: a shift of an unknown time, too many custom fields.
    """
    wanted = {name: value_of(request.said.values, name) for name in request.said.fields}
    wanted.update(dict.fromkeys(_reset_fields(request.resets, photo)))
    wanted.update(_tag_values(request, photo, facts))
    time = _capture_time(request, facts)
    if time is not None:
        wanted["capture_time"] = time
    change = FactChange.of({name: value for name, value in wanted.items() if value != live_value(photo, name)})
    keys = {key for key in photo.custom if custom_field(key) not in change.fields} | change.values.custom.keys()
    if len(keys) > MAX_CUSTOM_FIELDS and change.values.custom:
        raise UsageError(f"A photo has at most {MAX_CUSTOM_FIELDS} custom fields; this one would have {len(keys)}.")
    return change


def _reset_fields(resets: frozenset[str], photo: UserFacts) -> Iterable[str]:
    everything = "all" in resets
    for name in said_fields(photo):
        plain = name.partition(".")[0]
        word = next((word for word, field in RESETS.items() if field == plain), plain)
        if everything or word in resets:
            yield name


def _tag_values(request: EditRequest, photo: Photo, facts: PhotoFacts) -> dict[str, bool]:
    """Tell of each tag concerned whether the photo shall have it, in the spelling that the photo has."""
    tags = () if {"tags", "all"} & request.resets else facts.tags
    spellings: dict[str, list[str]] = {}
    for tag in tags:
        spellings.setdefault(tag.casefold(), []).append(tag)
    if request.tags is None:
        added = request.added_tags
        removed = [tag for each in request.removed_tags for tag in spellings.get(each.casefold(), ())]
    else:
        added = tuple(tag for tag in request.tags if tag not in tags)
        removed = [tag for tag in tags if tag not in request.tags]
    values = {tag_field(tag): False for tag in removed}
    for tag in added:
        kept = [known for known in spellings.get(tag.casefold(), ()) if known not in removed]
        values.update((tag_field(each), True) for each in (kept or [tag]))
    return values


def _capture_time(request: EditRequest, facts: PhotoFacts) -> CaptureTime | None:
    known = facts.capture_time
    if request.taken_at is not None:
        offset = request.taken_at.offset or (known.offset if known is not None else None)
        return CaptureTime(local=request.taken_at.local, offset=offset, source="user")
    if request.shift is None:
        return None
    if known is None:
        raise UsageError(
            "The time cannot be shifted: it is not known when the photo was taken.", hint="Say it with --taken-at."
        )
    try:
        moved = datetime.fromisoformat(known.local[:19]) + request.shift
    except OverflowError as error:
        raise UsageError("The time cannot be shifted so far: the years go from 1 to 9999.") from error
    return CaptureTime(local=moved.isoformat() + known.local[19:], offset=known.offset, source="user")


# --- from words


def parse_rating(text: str) -> int | None:
    """Read 0 to 5 stars; ``none`` is None: what the file says. Raises UsageError."""
    if text.strip().casefold() == "none":
        return None
    if text.strip() not in ("0", "1", "2", "3", "4", "5"):
        raise UsageError(f"{text!r} is no rating.", hint="Give 0 to 5, or none for what the file itself says.")
    return int(text)


def parse_title(text: str) -> str:
    """Give a photo's title as it is kept; empty means that it has none. Raises UsageError."""
    return _line(text, "title", MAX_TITLE_CHARACTERS)


def parse_caption(text: str) -> str:
    """Give a photo's caption as it is kept, line breaks included. Raises UsageError."""
    return _checked(text.replace("\r\n", "\n").strip(), "caption", MAX_CAPTION_CHARACTERS, allowed="\n\t")


def parse_label(text: str) -> str:
    """Give a colour label as it is kept. Raises UsageError."""
    return _line(text, "label", MAX_NAME_CHARACTERS)


def parse_author(text: str) -> Author:
    """Read ``Name`` or ``Name <address>``. Raises UsageError."""
    found = _AUTHOR.fullmatch(text.strip())
    name, email = (found[1], _line(found[2], "address", MAX_NAME_CHARACTERS)) if found else (text, None)
    name = _line(name, "author", MAX_NAME_CHARACTERS)
    if not name:
        raise UsageError("An author needs a name.", hint="Such as 'Anna Berg' or 'Anna Berg <anna@example.org>'.")
    return Author(name=name, email=email)


def parse_tag(text: str) -> str:
    """Give one tag as it is kept. Raises UsageError."""
    tag = _line(text, "tag", MAX_TAG_CHARACTERS)
    if not tag:
        raise UsageError("A tag is empty.")
    return tag


def parse_tags(texts: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read ``+a,-b`` into the tags to add and those to take away; a tag without sign is added. Raises UsageError."""
    added: list[str] = []
    removed: list[str] = []
    for part in (part.strip() for text in texts for part in text.split(",")):
        tag = _line(
            part.removeprefix("-") if part.startswith("-") else part.removeprefix("+"), "tag", MAX_TAG_CHARACTERS
        )
        if not tag:
            raise UsageError("A tag is empty.", hint="Give tags such as --tag +rome,-draft; a comma separates them.")
        (removed if part.startswith("-") else added).append(tag)
    if both := set(added) & set(removed):
        raise UsageError(f"The tag {min(both)!r} is to be added and taken away at once.")
    if len(added) + len(removed) > MAX_TAGS:
        raise UsageError(f"One edit takes at most {MAX_TAGS} tags; these are {len(added) + len(removed)}.")
    return tuple(dict.fromkeys(added)), tuple(dict.fromkeys(removed))


def parse_taken_at(text: str) -> TakenAt:
    """Read ``2024-07-10T14:30:00.5+02:00``; seconds, offset and the whole time may be missing. Raises UsageError."""
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise _not_a_time(text)
    day, minutes, seconds, zone = found.groups()
    local = f"{day}T{minutes or '00:00'}{seconds or ':00'}"
    try:
        CaptureTime(local=local, offset=None, source="user")
    except ValueError as error:
        raise _not_a_time(text) from error
    if zone is None:
        return TakenAt(local=local)
    offset = "+00:00" if zone == "Z" else f"{zone[:3]}:{zone[-2:]}"
    if int(offset[1:3]) > 18 or int(offset[4:]) > 59:
        raise UsageError(f"{offset} is no offset from UTC.", hint="Such as +02:00 or -05:30.")
    return TakenAt(local=local, offset=offset)


def _not_a_time(text: str) -> UsageError:
    return UsageError(f"{text!r} is no time.", hint="Give it as 2024-07-10T14:30:00, with an offset such as +02:00.")


def parse_shift(text: str) -> timedelta:
    """Read ``+1h``, ``-2d3h30m`` or ``+01:30``. Raises UsageError."""
    compact = text.strip()
    if (clock := _CLOCK_SHIFT.fullmatch(compact)) is not None:
        days, hours, minutes, seconds = 0, int(clock[2]), int(clock[3]), int(clock[4] or 0)
    elif (units := _UNIT_SHIFT.fullmatch(compact)) is not None:
        days, hours, minutes, seconds = (int(part or 0) for part in units.groups()[1:])
    else:
        raise UsageError(f"{text!r} is no shift of time.", hint="Such as +1h, -2d3h30m, +90m or -01:30.")
    shift = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not shift:
        raise UsageError("A shift by nothing changes nothing.")
    return -shift if compact.startswith("-") else shift


def parse_gps(text: str) -> GpsPosition:
    """Read ``LAT,LON`` or ``LAT,LON,ALTITUDE`` in degrees and metres. Raises UsageError."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (2, 3) or not all(map(isfinite, numbers)):
        raise UsageError(
            f"{text!r} is no place.", hint="Give degrees, south and west negative: 59.9139,10.7522, and metres above."
        )
    latitude, longitude, *altitude = numbers
    if abs(latitude) > 90 or abs(longitude) > 180:
        raise UsageError(f"{text!r} is nowhere: latitudes go to 90, longitudes to 180 degrees.")
    return GpsPosition(latitude=latitude, longitude=longitude, altitude=altitude[0] if altitude else None)


def parse_setting(text: str) -> tuple[str, str]:
    """Read ``key=value``. Raises UsageError."""
    key, equals, value = text.partition("=")
    if not equals or not value.strip():
        raise UsageError(f"{text!r} sets nothing.", hint="Give --set key=value; --unset KEY takes a field away.")
    return parse_key(key), parse_value(value)


def parse_value(text: str) -> str:
    """Give the value of a custom field as it is kept. Raises UsageError."""
    value = _line(text, "value", MAX_VALUE_CHARACTERS)
    if not value:
        raise UsageError("A field of one's own has no empty value.")
    return value


def parse_key(text: str) -> str:
    """Give the name of a custom field: letters, digits, dot, hyphen and underscore. Raises UsageError."""
    key = unicodedata.normalize("NFC", text.strip())
    if len(key) > MAX_KEY_CHARACTERS or _KEY.fullmatch(key) is None:
        raise UsageError(
            f"{text!r} cannot name a custom field.",
            hint=f"Letters, digits, '.', '-' and '_', {MAX_KEY_CHARACTERS} at most, a letter or digit first.",
        )
    return key


def parse_resets(texts: Iterable[str]) -> frozenset[str]:
    """Read names of what is to be taken back, separated by commas. Raises UsageError."""
    words = frozenset(word.strip() for text in texts for word in text.split(","))
    unknown = words - {*RESETS, "custom", "all"}
    if unknown:
        known = ", ".join([*RESETS, "custom", "all"])
        raise UsageError(f"{min(unknown)!r} cannot be taken back.", hint=f"Name some of: {known}.")
    return words


def _line(text: str, what: str, most: int) -> str:
    return _checked(text.strip(), what, most)


def _checked(text: str, what: str, most: int, *, allowed: str = "") -> str:
    """Give text in composed form. Raises UsageError for control characters, half characters and too much."""
    text = unicodedata.normalize("NFC", text)
    if any(unicodedata.category(each) in ("Cc", "Cs") and each not in allowed for each in text):
        raise UsageError(f"The {what} {text!r} has characters that are no text.", hint="Leave them out.")
    if len(text) > most:
        raise UsageError(f"The {what} has {len(text):,} characters; at most {most:,} are kept.")
    return text
