"""A capture time for a picture that does not tell one: from its name, else from its file's own time."""

from __future__ import annotations

import re
from datetime import datetime

from imalink.core.timestamps import CaptureTime, format_instant_ns

_IN_NAME = re.compile(
    r"(?<!\d)(?P<year>(?:19|20)\d\d)(?P<dash>[-_.]?)(?P<month>\d\d)(?P=dash)(?P<day>\d\d)"
    r"[-_ T.]?(?:at )?"
    r"(?P<hour>\d\d)(?P<colon>[-_.:]?)(?P<minute>\d\d)(?P=colon)(?P<second>\d\d)(?P<milli>\d{3})?(?!\d)"
)


_GUESSED = {"mtime": 1, "filename": 2}
_TOLD = 3


def is_guessed(taken: CaptureTime) -> bool:
    """Tell whether a capture time was guessed from the file's name or time, as nothing tells it."""
    return taken.source in _GUESSED


def keep_better_time(known: CaptureTime | None, now: CaptureTime | None) -> CaptureTime | None:
    """Give the capture time of a file that was edited: what it tells itself, else what was known before.

    An edit changes the file's time and may come with another name: a guess from these never replaces as good a one.
    """
    if known is None or now is None:
        return known or now
    trust = _GUESSED.get(now.source, _TOLD)
    return now if trust == _TOLD or trust > _GUESSED.get(known.source, _TOLD) else known


def capture_time_from_name(name: str) -> CaptureTime | None:
    """Read a date and time out of a file name such as ``IMG_20240710_143000.jpg``; None when there is none.

    A date alone is not enough, and what is no date of the calendar is none.
    """
    match = _IN_NAME.search(name)
    if match is None:
        return None
    part = match.groupdict()
    local = f"{part['year']}-{part['month']}-{part['day']}T{part['hour']}:{part['minute']}:{part['second']}"
    try:
        datetime.fromisoformat(local)
    except ValueError:
        return None
    fraction = f".{part['milli']}" if part["milli"] else ""
    return CaptureTime(local=local + fraction, offset=None, source="filename")


def capture_time_from_file(modified_ns: int) -> CaptureTime:
    """Take the file's own modification time, which is UTC; the last resort, marked as such."""
    return CaptureTime(local=format_instant_ns(modified_ns).removesuffix("Z")[:19], offset="+00:00", source="mtime")
