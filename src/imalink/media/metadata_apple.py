"""Read the one thing of Apple's maker note that matters here: which clip belongs to a live photo.

Layout: exiftool.org, TagNames/Apple.html.
"""

from __future__ import annotations

from typing import Final

from imalink.media.metadata_text import clean_text, decode_text

_HEADER: Final = b"Apple iOS\x00"
_DIRECTORY_AT: Final = 14
_CONTENT_IDENTIFIER: Final = 0x0011
_ASCII: Final = 2
_LONGEST: Final = 128


def find_content_identifier(maker_note: bytes) -> str | None:
    """Give the identifier that a live photo and its clip share; None if the note is not Apple's or has none."""
    if not maker_note.startswith(_HEADER):
        return None
    count = int.from_bytes(maker_note[_DIRECTORY_AT : _DIRECTORY_AT + 2], "big")
    for number in range(count):
        start = _DIRECTORY_AT + 2 + 12 * number
        entry = maker_note[start : start + 12]
        if len(entry) < 12:
            return None
        tag, kind, length = (int.from_bytes(entry[a:b], "big") for a, b in ((0, 2), (2, 4), (4, 8)))
        if tag == _CONTENT_IDENTIFIER:
            # Offsets count from the start of the note; four bytes or fewer stand in the entry itself.
            at = int.from_bytes(entry[8:], "big") if length > 4 else start + 8
            is_text = kind == _ASCII and length <= _LONGEST and at + length <= len(maker_note)
            return clean_text(decode_text(maker_note[at : at + length])) if is_text else None
    return None
