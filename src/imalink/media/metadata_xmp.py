"""Read an XMP packet into facts, from a picture or a sidecar. Standard: ISO 16684-1.

Parsed by defusedxml: a packet with a DTD or entities is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from imalink.core.picture import GpsPosition
from imalink.core.timestamps import CaptureTime
from imalink.media.metadata_text import (
    MAX_KEYWORDS,
    UnreadableBlockError,
    checked_position,
    clean_keywords,
    clean_text,
    is_camera_caption,
    parse_capture_time,
    parse_percent_stars,
    parse_stars,
)

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MAX_XMP_BYTES: Final = 16 * 1024 * 1024
_MAX_PROPERTIES: Final = 20_000
_MAX_NODES: Final = 100_000
_MAX_DEPTH: Final = 1_000
_MAX_CATEGORY_DEPTH: Final = 50
_PACKET_START: Final = re.compile(rb"<\?xpacket\s[^>]{0,200}\?>")
_XML_DECLARATION: Final = re.compile(r"<\?xml\s[^>]{0,200}\?>")
_WIDE_ENCODINGS: Final = (
    (b"\x00\x00\x00<", "utf-32-be"),
    (b"<\x00\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00<", "utf-16-be"),
    (b"<\x00", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
    (b"\xff\xfe", "utf-16-le"),
)

_RDF: Final = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_XML_LANG: Final = "{http://www.w3.org/XML/1998/namespace}lang"
_XMP: Final = "{http://ns.adobe.com/xap/1.0/}"
_DC: Final = "{http://purl.org/dc/elements/1.1/}"
_EXIF: Final = "{http://ns.adobe.com/exif/1.0/}"
_TIFF: Final = "{http://ns.adobe.com/tiff/1.0/}"
_EXIF_EX: Final = "{http://cipa.jp/exif/1.0/}"
_AUX: Final = "{http://ns.adobe.com/exif/1.0/aux/}"
_PHOTOSHOP: Final = "{http://ns.adobe.com/photoshop/1.0/}"
_LIGHTROOM: Final = "{http://ns.adobe.com/lightroom/1.0/}"
_DIGIKAM: Final = "{http://www.digikam.org/ns/1.0/}"
_MICROSOFT: Final = "{http://ns.microsoft.com/photo/1.0/}"
_MICROSOFT_1_2: Final = "{http://ns.microsoft.com/photo/1.2/}"
_MEDIAPRO: Final = "{http://ns.iview-multimedia.com/mediapro/1.0/}"
_ACDSEE: Final = "{http://ns.acdsee.com/iptc/1.0/}"


@dataclass(frozen=True, slots=True, kw_only=True)
class XmpFacts:
    """What an XMP packet says; ``stars`` is -1 for rejected."""

    capture_time: CaptureTime | None = None
    gps: GpsPosition | None = None
    lens: str | None = None
    stars: int | None = None
    label: str | None = None
    keywords: tuple[str, ...] = ()
    hierarchical_keywords: tuple[str, ...] = ()
    title: str | None = None
    caption: str | None = None
    author: str | None = None
    copyright: str | None = None
    extension_guid: str | None = None
    sidecar_for_extension: str | None = None


def parse_xmp(data: bytes) -> XmpFacts:
    """Read an XMP packet. Raises UnreadableBlockError: no XML, too much, or with a DTD or entities."""
    packet = _Packet(_parse_xml(data))
    return XmpFacts(
        capture_time=_capture_time(packet),
        gps=_gps(packet),
        lens=packet.text(_EXIF_EX + "LensModel") or packet.text(_AUX + "Lens"),
        stars=_stars(packet),
        label=packet.text(_XMP + "Label"),
        keywords=clean_keywords(packet.texts(_DC + "subject")),
        hierarchical_keywords=_hierarchical_keywords(packet),
        title=packet.text(_DC + "title"),
        caption=_caption(packet),
        author=clean_text("; ".join(clean_keywords(packet.texts(_DC + "creator")))),
        copyright=packet.text(_DC + "rights"),
        extension_guid=packet.text("{http://ns.adobe.com/xmp/note/}HasExtendedXMP"),
        sidecar_for_extension=packet.text(_PHOTOSHOP + "SidecarForExtension"),
    )


def _parse_xml(data: bytes) -> Element:
    from xml.etree.ElementTree import ParseError, TreeBuilder

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import XMLParser

    if len(data) > MAX_XMP_BYTES:
        raise UnreadableBlockError("XMP packet too long")

    class LimitedBuilder(TreeBuilder):
        """Builds no tree that takes much more memory than its text."""

        def __init__(self) -> None:
            super().__init__()
            self._nodes = 0
            self._depth = 0

        def start(self, tag: str, attrs: dict[str, str], /) -> Element:
            self._nodes += 1 + len(attrs)
            self._depth += 1
            if self._nodes > _MAX_NODES or self._depth > _MAX_DEPTH:
                raise UnreadableBlockError("XMP packet has too many elements")
            return super().start(tag, attrs)

        def end(self, tag: str, /) -> Element:
            self._depth -= 1
            return super().end(tag)

    try:
        parser = XMLParser(target=LimitedBuilder(), forbid_dtd=True, forbid_entities=True, forbid_external=True)
        parser.feed(_as_utf8(data))
        return parser.close()
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise UnreadableBlockError("XMP packet is no XML that may be read") from error


def _as_utf8(data: bytes) -> bytes:
    # Packets in UTF-16 and UTF-32 carry no byte order mark for the parser to see; the first `<` tells. Padding after
    # the packet must be blank to be XML, but some writers pad with NULs.
    for start, encoding in _WIDE_ENCODINGS:
        if data.startswith(start):
            text = data.decode(encoding).strip("\ufeff\x00 \t\r\n")
            return _XML_DECLARATION.sub("", text).encode("utf-8")
    # The packet's first line is to hold a byte order mark, which some programs spoil.
    data = data.strip(b"\x00 \t\r\n")
    start = _PACKET_START.match(data)
    return data[start.end() :].lstrip(b"\x00 \t\r\n") if start is not None else data


class _Packet:
    """The properties of all descriptions of a packet, the first of a name winning."""

    def __init__(self, root: Element) -> None:
        self._values: dict[str, str | Element] = {}
        for rdf in root.iter(_RDF + "RDF"):
            for description in rdf:
                for name, value in description.items():
                    self._values.setdefault(name, value)
                for child in description:
                    self._values.setdefault(child.tag, child)
                if len(self._values) > _MAX_PROPERTIES:
                    return

    def texts(self, name: str) -> list[str]:
        """Every text of a property: the items of an array, or the one text of a simple value."""
        value = self._values.get(name)
        if value is None:
            return []
        return [value] if isinstance(value, str) else list(_texts_of(value))

    def text(self, name: str) -> str | None:
        """One text of a property; of several languages the default, else the first."""
        value = self._values.get(name)
        if value is None or isinstance(value, str):
            return clean_text(value)
        for item in value.iter(_RDF + "li"):
            if item.get(_XML_LANG) == "x-default" and clean_text(item.text):
                return clean_text(item.text)
        return next((text for text in map(clean_text, _texts_of(value)) if text), None)


def _texts_of(element: Element) -> Iterator[str]:
    for kind in ("Bag", "Seq", "Alt"):
        array = element.find(_RDF + kind)
        if array is not None:
            for item in array.findall(_RDF + "li"):
                yield item.text or item.get(_RDF + "resource") or item.findtext(f".//{_RDF}value") or ""
            return
    yield element.text or element.get(_RDF + "resource") or element.findtext(f".//{_RDF}value") or ""


def _capture_time(packet: _Packet) -> CaptureTime | None:
    taken, created = _EXIF + "DateTimeOriginal", _PHOTOSHOP + "DateCreated"
    for name in (taken, created, _EXIF + "DateTimeDigitized", _XMP + "CreateDate"):
        text = packet.text(name)
        found = parse_capture_time(text, source="xmp") if text else None
        if found is not None:
            return found
    return None


def _caption(packet: _Packet) -> str | None:
    for name in (_DC + "description", _TIFF + "ImageDescription", _EXIF + "UserComment"):
        text = packet.text(name)
        if text is not None and not is_camera_caption(text):
            return text
    return None


def _stars(packet: _Packet) -> int | None:
    stars = parse_stars(packet.text(_XMP + "Rating"))
    if stars is None:
        stars = parse_percent_stars(packet.text(_MICROSOFT + "Rating"))
    return parse_stars(packet.text(_ACDSEE + "rating")) if stars is None else stars


def _hierarchical_keywords(packet: _Packet) -> tuple[str, ...]:
    """The two spellings people write, together; those of other programs only where these are missing."""
    by_bar = packet.texts(_LIGHTROOM + "hierarchicalSubject")
    by_slash = packet.texts(_DIGIKAM + "TagsList")
    if not by_bar and not by_slash:
        # Windows puts flat keywords there too.
        names = (_MICROSOFT + "LastKeywordXMP", _MICROSOFT_1_2 + "LastKeywordXMP")
        by_slash = [text for name in names for text in packet.texts(name) if "/" in text]
        by_bar = [] if by_slash else [text for text in packet.texts(_MEDIAPRO + "CatalogSets") if "|" in text]
        if not by_slash and not by_bar:
            by_bar = _categories(packet.text(_ACDSEE + "categories"))
    return clean_keywords([*by_bar, *(text.replace("/", "|") for text in by_slash)])


def _categories(text: str | None) -> list[str]:
    """Read ACDSee's tree of categories, an XML document inside the packet; the assigned ones, levels joined."""
    if text is None:
        return []
    try:
        root = _parse_xml(text.encode("utf-8", "replace"))
    except UnreadableBlockError:
        return []
    found: list[str] = []
    waiting: list[tuple[Element, tuple[str, ...]]] = [(root, ())]
    while waiting and len(found) < MAX_KEYWORDS:
        element, above = waiting.pop()
        name = clean_text(element.text)
        path = (*above, name) if name is not None and element is not root else above
        if len(path) > _MAX_CATEGORY_DEPTH:
            continue
        if len(path) > 1 and element.get("Assigned") == "1":
            found.append("|".join(path))
        waiting.extend((child, path) for child in reversed(element))
    return found


def _gps(packet: _Packet) -> GpsPosition | None:
    latitude = _degrees(packet.text(_EXIF + "GPSLatitude"), positive="N", negative="S")
    longitude = _degrees(packet.text(_EXIF + "GPSLongitude"), positive="E", negative="W")
    altitude = _rational(packet.text(_EXIF + "GPSAltitude"))
    if altitude is not None and packet.text(_EXIF + "GPSAltitudeRef") == "1":
        altitude = -altitude
    return checked_position(latitude, longitude, altitude)


def _degrees(text: str | None, *, positive: str, negative: str) -> float | None:
    # `49,30.5N`, `49,30,30N`; some write `49.5` with a sign.
    if text is None:
        return None
    letter = text[-1].upper()
    numbers = text[:-1] if letter in (positive, negative) else text
    try:
        degrees = sum(float(part) / 60**power for power, part in enumerate(numbers.split(",")[:3]))
    except (ValueError, OverflowError):
        return None
    if not math.isfinite(degrees):
        return None
    return -degrees if letter == negative else degrees


def _rational(text: str | None) -> float | None:
    try:
        number = float(Fraction(text)) if text and len(text) < 64 else math.nan
    except (ValueError, ArithmeticError):
        return None
    return number if math.isfinite(number) else None
