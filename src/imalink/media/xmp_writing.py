"""Write a sidecar: what a user said of a picture as XMP that other programs read, sealed to be known again.

Standard: ISO 16684-1; the properties are those that Lightroom, digiKam, darktable and Immich read. The seal is a
processing instruction with the SHA-256 of all bytes before it: a sidecar that another program wrote into has none that
fits, and is that program's from then on. Decision: docs/decisions/0078-sidecars-are-written-on-request.md.
"""

from __future__ import annotations

import hashlib
import html
import math
import re
from collections.abc import Iterable
from typing import Final

from imalink.core.picture import GpsPosition
from imalink.core.sidecar_facts import SidecarFacts

_SEAL: Final = re.compile(rb'<\?imalink-seal sha256="([0-9a-f]{64})"\?>\n\Z')
_ILLEGAL: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LEVELS: Final = "/"
_NAMESPACES: Final = (
    ("rdf", "http://www.w3.org/1999/02/22-rdf-syntax-ns#"),
    ("xmp", "http://ns.adobe.com/xap/1.0/"),
    ("dc", "http://purl.org/dc/elements/1.1/"),
    ("exif", "http://ns.adobe.com/exif/1.0/"),
    ("lr", "http://ns.adobe.com/lightroom/1.0/"),
    ("digiKam", "http://www.digikam.org/ns/1.0/"),
)


def dump_sidecar(facts: SidecarFacts, *, tags: Iterable[str] = ()) -> bytes:
    """Give a sealed sidecar that says ``facts``; equal facts give equal bytes.

    ``tags`` may have levels (``places/rome``): their last level goes to ``dc:subject``, all of them to
    ``lr:hierarchicalSubject`` and ``digiKam:TagsList``. ``facts.keywords`` are not asked. What XML cannot hold is left
    out of texts.
    """
    words = list(tags)
    leaves = list(dict.fromkeys(word.rpartition(_LEVELS)[2] or word for word in words))
    levelled = [word for word in words if _LEVELS in word.strip(_LEVELS) and "|" not in word]
    lines = [
        *_plain("xmp:Rating", None if facts.stars is None else str(facts.stars)),
        *_plain("xmp:Label", facts.label),
        *_language("dc:title", facts.title),
        *_language("dc:description", facts.caption),
        *_list("dc:creator", "Seq", [facts.author] if facts.author else []),
        *_list("dc:subject", "Bag", leaves),
        *_list("lr:hierarchicalSubject", "Bag", [word.replace(_LEVELS, "|") for word in levelled]),
        *_list("digiKam:TagsList", "Seq", words),
        *_taken(facts),
        *_position(facts.gps),
    ]
    names = "".join(f'\n    xmlns:{prefix}="{name}"' for prefix, name in _NAMESPACES if prefix != "rdf")
    packet = "\n".join(
        (
            '<?xml version="1.0" encoding="UTF-8"?>',
            '<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="ImaLink">',
            f' <rdf:RDF xmlns:rdf="{_NAMESPACES[0][1]}">',
            f'  <rdf:Description rdf:about=""{names}>',
            *lines,
            "  </rdf:Description>",
            " </rdf:RDF>",
            "</x:xmpmeta>",
            "",
        )
    ).encode()
    return packet + f'<?imalink-seal sha256="{hashlib.sha256(packet).hexdigest()}"?>\n'.encode()


def is_own_sidecar(data: bytes) -> bool:
    """Tell whether ImaLink wrote a sidecar and nobody wrote into it since."""
    seal = _SEAL.search(data)
    return seal is not None and hashlib.sha256(data[: seal.start()]).hexdigest().encode() == seal.group(1)


def _text(text: str) -> str:
    return html.escape(_ILLEGAL.sub("", text))


def _plain(name: str, value: str | None) -> list[str]:
    return [] if value is None else [f"   <{name}>{_text(value)}</{name}>"]


def _language(name: str, value: str | None) -> list[str]:
    item = f'<rdf:li xml:lang="x-default">{_text(value)}</rdf:li>' if value else ""
    return [f"   <{name}><rdf:Alt>{item}</rdf:Alt></{name}>"] if item else []


def _list(name: str, kind: str, values: Iterable[str]) -> list[str]:
    items = "".join(f"<rdf:li>{_text(value)}</rdf:li>" for value in values)
    return [f"   <{name}><rdf:{kind}>{items}</rdf:{kind}></{name}>"] if items else []


def _taken(facts: SidecarFacts) -> list[str]:
    taken = facts.capture_time
    return _plain("exif:DateTimeOriginal", None if taken is None else f"{taken.local}{taken.offset or ''}")


def _position(gps: GpsPosition | None) -> list[str]:
    if gps is None:
        return []
    lines = [
        *_plain("exif:GPSLatitude", _degrees(gps.latitude, "N", "S")),
        *_plain("exif:GPSLongitude", _degrees(gps.longitude, "E", "W")),
    ]
    if gps.altitude is not None and math.isfinite(gps.altitude):
        lines += _plain("exif:GPSAltitude", f"{round(abs(gps.altitude) * 1000)}/1000")
        lines += _plain("exif:GPSAltitudeRef", "1" if gps.altitude < 0 else "0")
    return lines


def _degrees(value: float, positive: str, negative: str) -> str:
    minutes = round(abs(value) * 60, 8)
    whole, rest = divmod(minutes, 60)
    return f"{int(whole)},{rest:.8f}{positive if value >= 0 else negative}"
