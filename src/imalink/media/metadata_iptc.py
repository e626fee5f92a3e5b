"""Read IPTC-IIM records out of Photoshop image resources. Standard: IPTC-NAA IIM 4.2; Adobe's file format page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from imalink.core.timestamps import CaptureTime
from imalink.media.metadata_text import (
    UnreadableBlockError,
    clean_keywords,
    clean_text,
    decode_text,
    parse_capture_time,
)

_IPTC_RESOURCE: Final = 0x0404
_RESOURCE_SIGNATURES: Final = frozenset((b"8BIM", b"MeSa", b"AgHg", b"PHUT", b"DCSR"))
_UTF8_ESCAPE: Final = b"\x1b%G"
_MAX_DATASETS: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class IptcFacts:
    """What the IPTC records say."""

    capture_time: CaptureTime | None = None
    keywords: tuple[str, ...] = ()
    title: str | None = None
    caption: str | None = None
    author: str | None = None
    copyright: str | None = None


def find_iptc(resources: bytes) -> bytes | None:
    """Give the IPTC record among Photoshop image resources. Raises UnreadableBlockError."""
    at = 0
    while at + 12 <= len(resources) and resources[at : at + 4] in _RESOURCE_SIGNATURES:
        identifier = int.from_bytes(resources[at + 4 : at + 6], "big")
        name_length = resources[at + 6] + 1
        size_at = at + 6 + name_length + name_length % 2
        size = int.from_bytes(resources[size_at : size_at + 4], "big")
        end = size_at + 4 + size
        if end > len(resources):
            raise UnreadableBlockError("an image resource reaches beyond its block")
        if identifier == _IPTC_RESOURCE:
            return resources[size_at + 4 : end]
        at = end + size % 2
    return None


def parse_iptc(record: bytes) -> IptcFacts:
    """Read an IIM record; it ends where the bytes stop being datasets. Raises UnreadableBlockError."""
    values: dict[tuple[int, int], list[bytes]] = {}
    at = count = 0
    while at + 5 <= len(record) and record[at] == 0x1C and count < _MAX_DATASETS:
        key = (record[at + 1], record[at + 2])
        length = int.from_bytes(record[at + 3 : at + 5], "big")
        at += 5
        if length & 0x8000:  # extended: the length of the length
            width = length & 0x7FFF
            if width > 4:
                raise UnreadableBlockError("an IPTC dataset of impossible length")
            length = int.from_bytes(record[at : at + width], "big")
            at += width
        if at + length > len(record):
            raise UnreadableBlockError("an IPTC dataset reaches beyond its record")
        values.setdefault(key, []).append(record[at : at + length])
        at += length
        count += 1
    is_utf8 = values.get((1, 90), [b""])[0].startswith(_UTF8_ESCAPE)

    def texts(dataset: int) -> list[str]:
        found = values.get((2, dataset), [])
        return [data.decode("utf-8", "replace") if is_utf8 else decode_text(data) for data in found]

    def text(dataset: int) -> str | None:
        return next((cleaned for cleaned in map(clean_text, texts(dataset)) if cleaned), None)

    return IptcFacts(
        capture_time=_capture_time(text(55) or "", text(60) or ""),
        keywords=clean_keywords(texts(25)),
        title=text(5),
        caption=text(120),
        author=clean_text("; ".join(clean_keywords(texts(80)))),
        copyright=text(116),
    )


def _capture_time(day: str, time: str) -> CaptureTime | None:
    # 20240710 and 143000+0200; without a time, midnight.
    if len(day) != 8 or not day.isascii():
        return None
    clock = f" {time[:2]}:{time[2:4]}:{time[4:6]}{time[6:]}" if len(time) >= 6 else ""
    # The index knows no source "iptc"; the fields are what XMP took over.
    return parse_capture_time(f"{day[:4]}:{day[4:6]}:{day[6:]}{clock}", source="xmp")
