"""Walk a Canon CR3: the raw tracks are the picture; EXIF, previews and XMP stand in boxes of Canon's.

Rules: docs/format/hothash.md, section cr3. Canon's boxes: github.com/lclevy/canon_cr3.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from imalink.media.blocks import Blocks, BrokenStructureError, Part, Spans
from imalink.media.blocks_video import XMP_USER_TYPE
from imalink.media.box_samples import iter_samples
from imalink.media.box_tracks import Track, read_tracks, sample_entry
from imalink.media.boxes import (
    Box,
    check_sharing,
    first_children,
    iter_children,
    iter_file_boxes,
    ranges_of,
    user_type_of,
)
from imalink.media.reader import Reader

_CANON_USER_TYPE: Final = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
_PREVIEW_USER_TYPE: Final = bytes.fromhex("eaf42b5e1c984b88b9fbb7dc406e4d16")
_EXIF_BOXES: Final = {b"CMT1": "main", b"CMT2": "exif", b"CMT4": "gps"}
_JPEG: Final = b"\xff\xd8\xff"
_ENTRY_HEADER: Final = 82
"""How much of a raw sample entry's payload comes before its boxes."""


def walk_cr3(reader: Reader, blocks: Blocks) -> None:
    """Fill ``blocks`` from a CR3. Raises BrokenStructureError where a rule is broken; what came before stays."""
    movie: Box | None = None
    previews: list[Box] = []
    for box in iter_file_boxes(reader):
        user_type = user_type_of(reader, box)
        if box.type == b"moov" and movie is None:
            movie = box
        elif user_type == XMP_USER_TYPE and blocks.xmp is None:
            blocks.xmp = Spans(box.offset + 16, box.length - 16)
        elif user_type == _PREVIEW_USER_TYPE and not previews:
            previews.append(box)
    if movie is None:
        raise BrokenStructureError("a raw picture without its header")
    _note_canon(reader, blocks, movie, previews)
    raw_tracks: list[tuple[Track, Box]] = []
    pixels = 0
    for track in read_tracks(reader, movie):
        boxes = _boxes_of_entry(reader, track)
        raw = boxes.get(b"CMP1")
        if raw is not None:
            raw_tracks.append((track, raw))
            width, height = _size_of(reader, raw, boxes.get(b"CDI1"))
            if width * height > pixels:
                pixels, blocks.width, blocks.height = width * height, width, height
        elif b"JPEG" in boxes:
            _note_full_preview(reader, blocks, track)
    if any(track.lies_elsewhere for track, _ in raw_tracks):
        blocks.identify_by_file()
        return
    _add_samples(reader, blocks, raw_tracks)


def _add_samples(reader: Reader, blocks: Blocks, raw_tracks: list[tuple[Track, Box]]) -> None:
    is_empty = True
    for track, raw in raw_tracks:
        blocks.add(Part(tag=b"CMP1", spans=Spans(raw.offset, raw.length)))
        for offset, length in iter_samples(reader, track.tables):
            if offset + length > reader.size:
                raise BrokenStructureError("a sample reaches beyond the file")
            is_empty = is_empty and not length
            blocks.add(Part(tag=b"DATA", spans=Spans(offset, length)))
    if is_empty:
        raise BrokenStructureError("no raw picture")
    check_sharing(ranges_of(blocks.parts))


def _boxes_of_entry(reader: Reader, track: Track) -> dict[bytes, Box]:
    """Give the boxes in a track's sample entry, if it is one of Canon's."""
    entry = sample_entry(reader, track)
    if entry is None or entry.type != b"CRAW" or entry.length < _ENTRY_HEADER:
        return {}
    return first_children(reader, entry, skipped=_ENTRY_HEADER)


def _size_of(reader: Reader, raw: Box, description: Box | None) -> tuple[int, int]:
    """Give the size without the sensor's dark margins where the file tells it, else that of the sensor."""
    header = reader.read(raw.offset, min(raw.length, 16))
    sensor = int.from_bytes(header[8:12], "big"), int.from_bytes(header[12:16], "big")
    with suppress(BrokenStructureError):
        area = None if description is None else first_children(reader, description, skipped=4).get(b"IAD1")
        if area is not None and area.length >= 24:
            data = reader.read(area.offset, 24)
            kind, left, top, right, bottom = (int.from_bytes(data[at : at + 2], "big") for at in (10, 16, 18, 20, 22))
            if kind == 2 and left < right < sensor[0] and top < bottom < sensor[1]:
                return right - left + 1, bottom - top + 1
    return sensor


def _note_canon(reader: Reader, blocks: Blocks, movie: Box, previews: list[Box]) -> None:
    found: list[Spans] = []
    # What cannot be read of all this costs only itself: the method does not rest on facts.
    with suppress(BrokenStructureError):
        for box in previews:
            # Eight bytes come before the box of the preview.
            found += _jpeg_after(reader, box, box.offset + 16 + 8 + 8)
    with suppress(BrokenStructureError):
        for box in iter_children(reader, movie):
            if user_type_of(reader, box) == _CANON_USER_TYPE:
                children = first_children(reader, box, skipped=16)
                for name, directory in _EXIF_BOXES.items():
                    if name in children:
                        child = children[name]
                        blocks.exif_directories[directory] = Spans(child.offset, child.length)
                if b"THMB" in children:
                    found += _jpeg_after(reader, children[b"THMB"], children[b"THMB"].offset, size_at=8)
                break
    _note_pictures(blocks, found)


def _jpeg_after(reader: Reader, box: Box, start: int, *, size_at: int = 12) -> list[Spans]:
    """Give the JPEG after the sixteen bytes of a thumbnail's or preview's header, if there is one."""
    length = int.from_bytes(reader.read(start + size_at, 4), "big")
    is_jpeg = start + 16 + length <= box.end and length > 3 and reader.read(start + 16, 3) == _JPEG
    return [Spans(start + 16, length)] if is_jpeg else []


def _note_full_preview(reader: Reader, blocks: Blocks, track: Track) -> None:
    with suppress(BrokenStructureError):
        offset, length = next(iter_samples(reader, track.tables), (0, 0))
        if length > 3 and offset + length <= reader.size and reader.read(offset, 3) == _JPEG:
            _note_pictures(blocks, [Spans(offset, length)])


def _note_pictures(blocks: Blocks, found: list[Spans]) -> None:
    blocks.embedded_pictures = sorted([*blocks.embedded_pictures, *found], key=lambda spans: -spans.length)
