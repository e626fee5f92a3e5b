"""What holds for a photo, spelt for people and for ``--json``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from imalink.answers.photos import FIELD_WORDS, groups_of
from imalink.core.photo_facts import PhotoFacts
from imalink.core.picture import GpsPosition
from imalink.core.session import Author
from imalink.core.timestamps import CaptureTime
from imalink.core.user_facts import UserValue


def fact_text(facts: PhotoFacts, name: str) -> str:
    """Spell a fact for people; empty when nothing holds."""
    return _TEXTS[name](facts)


def change_lines(before: PhotoFacts, after: PhotoFacts, fields: Collection[str]) -> list[str]:
    """Spell for people what held of the facts of these fields, and what holds then."""
    return [
        f"    {FIELD_WORDS[name]:8}  {fact_text(before, name) or '(none)'} → {fact_text(after, name) or '(none)'}"
        for name in groups_of(fields)
    ]


def said_text(value: UserValue | None) -> str | None:
    """Spell what a user said of one field; None when nothing was said."""
    match value:
        case None:
            return None
        case bool():
            return "yes" if value else "no"
        case tuple():
            return ", ".join(value)
        case Author():
            return value.name + (f" <{value.email}>" if value.email else "")
        case CaptureTime():
            return _time_text(value)
        case GpsPosition():
            return _gps_text(value)
        case _:
            return str(value)


def _time_text(taken: CaptureTime | None) -> str:
    if taken is None:
        return ""
    text = taken.local.replace("T", " ") + (f" {taken.offset}" if taken.offset else "")
    return text + " (the file's own time; it tells no other)" if taken.source == "mtime" else text


def _gps_text(gps: GpsPosition | None) -> str:
    if gps is None:
        return ""
    return f"{gps.latitude:.6f}, {gps.longitude:.6f}" + (f", {gps.altitude:.0f} m" if gps.altitude is not None else "")


_TEXTS: Mapping[str, Callable[[PhotoFacts], str]] = {
    "title": lambda facts: facts.title or "",
    "caption": lambda facts: facts.caption or "",
    "rating": lambda facts: "" if facts.rating is None else str(facts.rating),
    "rejected": lambda facts: "yes" if facts.rejected else "no",
    "label": lambda facts: facts.label or "",
    "tags": lambda facts: ", ".join(facts.tags),
    "author": lambda facts: facts.author or "",
    "capture_time": lambda facts: _time_text(facts.capture_time),
    "gps": lambda facts: _gps_text(facts.gps),
    "custom": lambda facts: ", ".join(f"{key}={value}" for key, value in sorted(facts.custom.items())),
}
