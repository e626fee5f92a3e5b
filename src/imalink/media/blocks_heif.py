"""Walk a HEIF (HEIC, AVIF): the items that make up the primary picture, and those that describe it.

Rules: docs/format/hothash.md, section heif. Layout: ISO/IEC 23008-12 on top of ISO/IEC 14496-12.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from imalink.media.blocks import MAX_PARTS, Blocks, BrokenStructureError, Part, Spans
from imalink.media.blocks_video import add_tracks
from imalink.media.box_tracks import read_tracks, turned
from imalink.media.boxes import MAX_TABLE_BYTES, Box, check_sharing, iter_file_boxes, ranges_of, read_within
from imalink.media.heif_items import Items, read_items
from imalink.media.reader import Reader

_PROPERTIES: Final = frozenset(
    (
        *(b"av1C", b"avcC", b"hvcC", b"lhvC", b"vvcC", b"jpgC"),
        *(b"a1op", b"lsel", b"ispe", b"pixi", b"clap", b"auxC"),
    ),
)
_TYPES: Final = frozenset((b"hvc1", b"hev1", b"av01", b"avc1", b"vvc1", b"jpeg", b"grid", b"iovl", b"iden"))
_TURNS: Final = frozenset((b"irot", b"imir"))
_ALPHA: Final = frozenset((b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", b"urn:mpeg:hevc:2015:auxid:1"))
_SEQUENCE_HANDLERS: Final = frozenset((b"pict", b"vide", b"auxv"))
_PROFILES: Final = frozenset((b"prof", b"rICC"))
_XMP_TYPE: Final = b"application/rdf+xml"
_QUARTER_LEFT: Final = (0, -1, 1, 0)
_MIRRORS: Final = ((1, 0, 0, -1), (-1, 0, 0, 1))
"""Top and bottom exchanged, left and right exchanged."""


def walk_heif(reader: Reader, blocks: Blocks) -> None:
    """Fill ``blocks`` from a HEIF. Raises BrokenStructureError where a rule is broken; what came before stays."""
    metadata: Box | None = None
    movie: Box | None = None
    for box in iter_file_boxes(reader):
        if box.type == b"meta" and metadata is None:
            metadata = box
        elif box.type == b"moov" and movie is None:
            movie = box
    if metadata is None and movie is None:
        raise BrokenStructureError("neither a picture nor a sequence")
    if metadata is not None:
        items = read_items(reader, metadata)
        # What cannot be read of them costs only itself: the method does not rest on facts.
        with suppress(BrokenStructureError):
            _note_facts(reader, blocks, items)
        if not _add_items(reader, blocks, items):
            blocks.identify_by_file()
            return
    if movie is not None:
        _add_sequence(reader, blocks, movie)


def _add_items(reader: Reader, blocks: Blocks, items: Items) -> bool:
    """Add the parts of all items the primary picture is made of; say False if they are of a form left out."""
    primary = items.primary
    if primary is None:
        raise BrokenStructureError("no primary picture")
    members, alphas = _members(reader, items, primary)
    turns_of_primary = _turns_of(reader, items, primary)
    properties, places = _properties_in_order(reader, items, members)
    total = 0
    for number in sorted(members):
        item = items.items.get(number)
        if item is None:
            raise BrokenStructureError("an item that is nowhere described")
        extents = items.extents_of(reader, number)
        if item.is_protected or extents is None or item.type not in _TYPES:
            return False
        blocks.add(Part(tag=b"ITEM", built=number.to_bytes(4, "big") + item.type))
        targets = items.references.get((b"dimg", number), [])
        if targets:
            blocks.add(Part(tag=b"REFS", built=b"".join(target.to_bytes(4, "big") for target in targets)))
        for place in sorted({places[box] for box in items.properties_of(number) if box in places}):
            held = properties[place]
            blocks.add(Part(tag=b"PROP", built=held.type, spans=Spans(held.offset, held.length)))
        turns = _turns_of(reader, items, number)
        # All of these turn pixels within the picture, unless the transparency is turned just as what it belongs to.
        if turns and number != primary and not (turns == turns_of_primary and number in alphas):
            blocks.add(Part(tag=b"TURN", built=turns))
        data = Spans()
        for offset, length in extents:
            data.append(offset, length)
        total += data.length
        blocks.add(Part(tag=b"DATA", spans=data))
    if not total:
        raise BrokenStructureError("a picture without data")
    check_sharing(ranges_of(blocks.parts))
    return True


def _members(reader: Reader, items: Items, primary: int) -> tuple[set[int], set[int]]:
    """Give the primary item, what it is derived from, and the transparency of any of these; then that of the first."""
    auxiliaries: dict[int, set[int]] = {}
    for (kind, source), targets in items.references.items():
        if kind == b"auxl":
            for target in targets:
                auxiliaries.setdefault(target, set()).add(source)
    are_alphas: dict[int, bool] = {}
    alphas_of_primary: set[int] = set()
    members = {primary}
    waiting = [primary]
    while waiting:
        number = waiting.pop()
        alphas: set[int] = set()
        for source in auxiliaries.get(number, ()):
            # Asked once of each: one item may claim to be the transparency of all the others.
            if source not in are_alphas:
                are_alphas[source] = _is_alpha(reader, items, source)
            if are_alphas[source]:
                alphas.add(source)
        if number == primary:
            alphas_of_primary = alphas
        for found in (*items.references.get((b"dimg", number), ()), *alphas):
            if found not in members:
                members.add(found)
                waiting.append(found)
    return members, alphas_of_primary


def _is_alpha(reader: Reader, items: Items, number: int) -> bool:
    for box in items.properties_of(number):
        if box.type == b"auxC" and box.length > 4:
            # Version and flags come first; the name ends with a NUL.
            name = reader.read(box.offset + 4, min(box.length - 4, 64)).split(b"\x00")[0]
            if name in _ALPHA:
                return True
    return False


def _turns_of(reader: Reader, items: Items, number: int) -> bytes:
    """Give how an item is turned and mirrored, and where it is cropped in between: the order of these counts."""
    boxes = [box for box in items.properties_of(number) if box.type in _TURNS or box.type == b"clap"]
    if not any(box.type in _TURNS for box in boxes):
        return b""
    return b"".join(box.type + (read_within(reader, box, 0, 1) if box.type in _TURNS else b"") for box in boxes)


def _properties_in_order(reader: Reader, items: Items, members: set[int]) -> tuple[list[Box], dict[Box, int]]:
    """Give the properties a decoder needs by type and then by their bytes, and the place of each; like ones share one.

    Sorted once for all items, which mostly have the same.
    """
    boxes = {box for number in members for box in items.properties_of(number) if box.type in _PROPERTIES}
    if sum(box.length for box in boxes) > MAX_TABLE_BYTES:
        raise BrokenStructureError("properties longer than in any real picture")
    contents = {box: (box.type, reader.read(box.offset, box.length)) for box in sorted(boxes)}
    first_of = {content: box for box, content in reversed(contents.items())}
    ordered = sorted(first_of)
    places = {content: place for place, content in enumerate(ordered)}
    return [first_of[content] for content in ordered], {box: places[content] for box, content in contents.items()}


def _add_sequence(reader: Reader, blocks: Blocks, movie: Box) -> None:
    tracks = [track for track in read_tracks(reader, movie) if track.handler in _SEQUENCE_HANDLERS]
    if not tracks and blocks.parts:
        return
    add_tracks(reader, blocks, tracks)
    if len(blocks.parts) + sum(1 for _ in blocks.more_parts) > MAX_PARTS:
        raise BrokenStructureError("more parts than any real picture has")


def _note_facts(reader: Reader, blocks: Blocks, items: Items) -> None:
    primary = items.primary
    if primary is None:
        return
    matrix = (1, 0, 0, 1)
    for box in items.properties_of(primary):
        if box.type == b"ispe" and box.length >= 12:
            size = reader.read(box.offset + 4, 8)
            blocks.width, blocks.height = int.from_bytes(size[:4], "big"), int.from_bytes(size[4:], "big")
        elif box.type == b"irot" and box.length >= 1:
            for _ in range(reader.read(box.offset, 1)[0] & 3):
                matrix = _after(matrix, _QUARTER_LEFT)
        elif box.type == b"imir" and box.length >= 1:
            matrix = _after(matrix, _MIRRORS[reader.read(box.offset, 1)[0] & 1])
    # A grid often leaves the profile to its tiles.
    for number in (primary, *items.references.get((b"dimg", primary), [])[:1]):
        for box in items.properties_of(number):
            if box.type == b"colr" and reader.read(box.offset, min(box.length, 4)) in _PROFILES:
                blocks.icc.setdefault(1, Spans(box.offset + 4, box.length - 4))
    blocks.orientation = turned(matrix) or 1
    blocks.exif = _exif_of(reader, items, primary)
    blocks.xmp = _xmp_of(reader, items, primary)


def _after(matrix: tuple[int, int, int, int], turn: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """Give the matrix that does one thing and then another."""
    a, b, c, d = matrix
    e, f, g, h = turn
    return a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h


def _exif_of(reader: Reader, items: Items, primary: int) -> Spans | None:
    for number in _describing(items, primary):
        if items.items[number].type == b"Exif":
            extents = items.extents_of(reader, number) or []
            # The first four bytes say how many more come before the TIFF structure.
            start = _joined(extents, 0)
            if start.length <= 4:
                return None
            skipped = 4 + int.from_bytes(_first_bytes(reader, start, 4), "big")
            return _joined(extents, skipped) if skipped < start.length else None
    return None


def _xmp_of(reader: Reader, items: Items, primary: int) -> Spans | None:
    for number in _describing(items, primary):
        item = items.items[number]
        if item.type == b"mime" and item.content_type == _XMP_TYPE and not item.content_encoding:
            return _joined(items.extents_of(reader, number) or [], 0)
    return None


def _describing(items: Items, primary: int) -> list[int]:
    """Give the items that describe the primary one, then those that describe nothing in particular.

    Phones keep other packets for the depth map and the like; those say nothing of the picture.
    """
    about = {source: targets for (kind, source), targets in items.references.items() if kind == b"cdsc"}
    named = [number for number in sorted(items.items) if primary in about.get(number, [])]
    return [*named, *(number for number in sorted(items.items) if number not in about)]


def _first_bytes(reader: Reader, spans: Spans, wanted: int) -> bytes:
    found = b""
    for offset, length in spans:
        found += reader.read(offset, min(length, wanted - len(found)))
    return found


def _joined(extents: list[tuple[int, int]], skipped: int) -> Spans:
    joined = Spans()
    for offset, length in extents:
        passed = min(skipped, length)
        skipped -= passed
        joined.append(offset + passed, length - passed)
    return joined
