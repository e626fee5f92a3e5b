"""Read the ``meta`` box of a HEIF: which items there are, where their bytes lie, what belongs to what.

Layout: ISO/IEC 14496-12 (iinf, iloc, iref, pitm) and ISO/IEC 23008-12 (iprp).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from imalink.media.blocks import BrokenStructureError
from imalink.media.boxes import Box, Fields, first_children, iter_boxes, iter_children, payload_of, read_within
from imalink.media.reader import Reader

_MAX_ITEMS: Final = 65_536
_MAX_LINKS: Final = 1_048_576
"""References, associations and extents of a file, each."""
_MAX_PROPERTIES: Final = 255
"""Of one item: as many as one entry of the table can name."""
_IN_FILE, _IN_META = 0, 1
_KEPT_REFERENCES: Final = frozenset((b"dimg", b"auxl", b"cdsc"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What an ``infe`` box says of an item; ``type`` is empty in the versions before types."""

    type: bytes
    is_protected: bool
    content_type: bytes = b""
    content_encoding: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where an item's bytes lie: how ``extents`` (offset, length) are counted, and whether in this file at all."""

    method: int
    lies_elsewhere: bool
    extents: tuple[tuple[int, int], ...]


@dataclass(slots=True, kw_only=True)
class Items:
    """All of a ``meta`` box that matters here. ``references`` are by (type, from) in the order of the file."""

    primary: int | None = None
    items: dict[int, Item] = field(default_factory=dict[int, Item])
    locations: dict[int, Location] = field(default_factory=dict[int, Location])
    references: dict[tuple[bytes, int], list[int]] = field(default_factory=dict[tuple[bytes, int], list[int]])
    properties: list[Box] = field(default_factory=list[Box])
    associations: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    data: Box | None = None

    def properties_of(self, number: int) -> list[Box]:
        """Give the properties of an item in the order in which it names them. Raises BrokenStructureError."""
        found: list[Box] = []
        for index in self.associations.get(number, []):
            if index > len(self.properties):
                raise BrokenStructureError("a property that is not there")
            if index:  # none is 0
                found.append(self.properties[index - 1])
        return found

    def extents_of(self, reader: Reader, number: int) -> list[tuple[int, int]] | None:
        """Give (offset, length) of an item's pieces in the file; None if they lie where nobody looks for them.

        Raises BrokenStructureError for a piece beyond the file, or without a length.
        """
        location = self.locations.get(number)
        if location is None:
            return []
        if location.lies_elsewhere or location.method not in (_IN_FILE, _IN_META):
            return None
        base, limit = 0, reader.size
        if location.method == _IN_META:
            if self.data is None:
                raise BrokenStructureError("item data that is not there")
            base, limit = self.data.offset, self.data.end
        found: list[tuple[int, int]] = []
        for offset, length in location.extents:
            if not length or base + offset + length > limit:
                raise BrokenStructureError("an item reaches beyond the file")
            found.append((base + offset, length))
        return found


def read_items(reader: Reader, metadata: Box) -> Items:
    """Read a ``meta`` box. Raises BrokenStructureError: incomplete, or with more in it than any real picture has."""
    children = first_children(reader, metadata, skipped=4)
    items = Items(data=children.get(b"idat"))
    if b"pitm" in children:
        fields = Fields(payload_of(reader, children[b"pitm"]))
        items.primary = fields.number(2 if not _version(fields) else 4)
    if b"iinf" in children:
        _read_infos(reader, children[b"iinf"], items)
    if b"iloc" in children:
        _read_locations(Fields(payload_of(reader, children[b"iloc"])), items)
    if b"iref" in children:
        _read_references(reader, children[b"iref"], items)
    if b"iprp" in children:
        _read_properties(reader, children[b"iprp"], items)
    return items


def _version(fields: Fields) -> int:
    """Give the version of a full box, and pass its flags."""
    version = fields.number(1)
    fields.take(3)
    return version


def _read_infos(reader: Reader, box: Box, items: Items) -> None:
    version = read_within(reader, box, 0, 1)
    # The number of entries is twice as long since version 1; it is not needed.
    for child in iter_boxes(reader, box.offset + (6 if version == b"\x00" else 8), box.end):
        if child.type != b"infe":
            continue
        fields = Fields(payload_of(reader, child))
        version_of_item = _version(fields)
        number = fields.number(4 if version_of_item >= 3 else 2)
        is_protected = bool(fields.number(2))
        if version_of_item < 2:
            item = Item(type=b"", is_protected=is_protected)
        else:
            kind = fields.take(4)
            fields.text()  # its name
            has_content = kind == b"mime"
            item = Item(
                type=kind,
                is_protected=is_protected,
                content_type=fields.text() if has_content else b"",
                content_encoding=fields.text() if has_content else b"",
            )
        items.items.setdefault(number, item)


def _read_locations(fields: Fields, items: Items) -> None:
    version = _version(fields)
    widths = fields.take(2)
    offset_width, length_width, base_width = widths[0] >> 4, widths[0] & 15, widths[1] >> 4
    index_width = widths[1] & 15 if version in (1, 2) else 0
    count = fields.number(2 if version < 2 else 4)
    if count > _MAX_ITEMS:
        raise BrokenStructureError("more items than any real picture has")
    links = 0
    for _ in range(count):
        number = fields.number(2 if version < 2 else 4)
        method = fields.number(2) & 15 if version in (1, 2) else _IN_FILE
        lies_elsewhere = bool(fields.number(2))
        base = fields.number(base_width)
        extent_count = fields.number(2)
        links += extent_count
        if links > _MAX_LINKS:
            raise BrokenStructureError("more pieces than any real picture has")
        extents: list[tuple[int, int]] = []
        for _ in range(extent_count):
            fields.take(index_width)
            offset = base + fields.number(offset_width)
            extents.append((offset, fields.number(length_width)))
        location = Location(method=method, lies_elsewhere=lies_elsewhere, extents=tuple(extents))
        items.locations.setdefault(number, location)


def _read_references(reader: Reader, box: Box, items: Items) -> None:
    version = read_within(reader, box, 0, 1)
    width = 2 if version == b"\x00" else 4
    links = 0
    for child in iter_children(reader, box, skipped=4):
        if child.type not in _KEPT_REFERENCES:
            continue
        fields = Fields(payload_of(reader, child))
        source = fields.number(width)
        count = fields.number(2)
        links += count + 1
        if links > _MAX_LINKS:
            raise BrokenStructureError("more references than any real picture has")
        targets = [fields.number(width) for _ in range(count)]
        items.references.setdefault((child.type, source), []).extend(targets)


def _read_properties(reader: Reader, box: Box, items: Items) -> None:
    links = 0
    for child in iter_children(reader, box):
        if child.type == b"ipco":
            if items.properties:
                raise BrokenStructureError("two lists of properties")
            items.properties.extend(iter_children(reader, child))
        elif child.type == b"ipma":
            fields = Fields(payload_of(reader, child))
            version = fields.number(1)
            is_wide = bool(fields.number(3) & 1)
            for _ in range(fields.number(4)):
                number = fields.number(2 if version < 1 else 4)
                count = fields.number(1)
                links += count + 1
                if links > _MAX_LINKS:
                    raise BrokenStructureError("more properties than any real picture has")
                # The highest bit says that a reader must know the property; editors set it as they please.
                known = items.associations.setdefault(number, [])
                if len(known) + count > _MAX_PROPERTIES:
                    raise BrokenStructureError("more properties of an item than in any real picture")
                known += [fields.number(2) & 0x7FFF if is_wide else fields.number(1) & 0x7F for _ in range(count)]
