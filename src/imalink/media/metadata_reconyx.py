"""Read the one thing of Reconyx's maker note that matters here: when a HyperFire trail camera took the picture.

Layout: exiftool.org, TagNames/Reconyx.html.
"""

from __future__ import annotations

import re
import struct
from typing import Final

from imalink.core.timestamps import CaptureTime
from imalink.media.metadata_text import parse_capture_time

_HEADER: Final = re.compile(rb"\x01\xf1[\x02\x03]\x00")
_MOMENT_AT: Final = 22
_MOMENT_LENGTH: Final = 12
_YEARS: Final = range(2000, 2100)
"""These cameras are younger than 2000; in the wrong byte order none of these years is one of them."""


def find_capture_time(maker_note: bytes) -> CaptureTime | None:
    """Give the time in the note; None if the note is not a HyperFire's or has no possible one."""
    moment = maker_note[_MOMENT_AT : _MOMENT_AT + _MOMENT_LENGTH]
    if _HEADER.match(maker_note) is None or len(moment) < _MOMENT_LENGTH:
        return None
    # The note is little-endian, but some cameras write just these numbers big-endian.
    for layout in ("<6H", ">6H"):
        second, minute, hour, month, day, year = struct.unpack(layout, moment)
        if year in _YEARS:
            return parse_capture_time(f"{year}:{month}:{day} {hour}:{minute}:{second}", source="exif")
    return None
