"""Walk a film in ISO base media boxes (MP4, QuickTime): its tracks' chunks are the picture, its header the facts.

Rules: docs/format/hothash.md, section video. Other containers (AVI, Matroska, …) are left to their bytes.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from imalink.media.blocks import Blocks, BrokenStructureError, Spans
from imalink.media.box_tracks import (
    Track,
    read_chunks,
    read_tracks,
    sample_entry,
    signs_of_matrix,
    track_parts,
    turned,
)
from imalink.media.boxes import Box, first_children, iter_file_boxes, user_type_of
from imalink.media.reader import Reader

XMP_USER_TYPE: Final = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_PICTURE_AND_SOUND: Final = frozenset((b"vide", b"soun"))
_UNKNOWN_DURATIONS: Final = frozenset((0, 0xFFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFF))
_FIRST_BOXES: Final = frozenset((b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"))


def walk_video(reader: Reader, blocks: Blocks) -> None:
    """Fill ``blocks`` from a film. Raises BrokenStructureError where a rule is broken; what came before stays."""
    if reader.size < 8 or reader.read(4, 4) not in _FIRST_BOXES:
        blocks.identify_by_file()
        return
    movie: Box | None = None
    is_fragmented = False
    for box in iter_file_boxes(reader):
        if box.type == b"moov" and movie is None:
            movie = box
        elif box.type == b"moof":
            is_fragmented = True
        elif blocks.xmp is None and user_type_of(reader, box) == XMP_USER_TYPE:
            blocks.xmp = Spans(box.offset + 16, box.length - 16)
    if movie is None and not is_fragmented:
        raise BrokenStructureError("a film without its header")
    tracks: list[Track] = []
    if movie is not None:
        tracks = read_tracks(reader, movie)
        # What cannot be read of them costs only itself: the method does not rest on facts.
        with suppress(BrokenStructureError):
            _note_facts(reader, blocks, movie, tracks)
    if is_fragmented:
        blocks.identify_by_file()
        return
    add_tracks(reader, blocks, [track for track in tracks if track.handler in _PICTURE_AND_SOUND])


def add_tracks(reader: Reader, blocks: Blocks, tracks: list[Track]) -> None:
    """Add the parts of tracks. Raises BrokenStructureError: none has any data, or it is not in the file."""
    if any(track.lies_elsewhere for track in tracks):
        blocks.identify_by_file()
        return
    chunks = read_chunks(reader, tracks)
    for part in track_parts(tracks, chunks):
        blocks.add(part)
    if not len(chunks):
        raise BrokenStructureError("a film without samples")
    chunks.check()
    blocks.more_parts = chunks


def _note_facts(reader: Reader, blocks: Blocks, movie: Box, tracks: list[Track]) -> None:
    children = first_children(reader, movie)
    metadata, user_data = children.get(b"meta"), children.get(b"udta")
    if metadata is not None:
        blocks.movie_metadata = Spans(metadata.offset, metadata.length)
    if user_data is not None:
        blocks.movie_user_data = Spans(user_data.offset, user_data.length)
        _note_xmp(reader, blocks, user_data)
    header = children.get(b"mvhd")
    matrix = (1, 0, 0, 1) if header is None else _note_header(reader, blocks, header)
    pictures = [track for track in tracks if track.handler == b"vide"]
    if pictures:
        _note_picture(reader, blocks, pictures[0], matrix)


def _note_header(reader: Reader, blocks: Blocks, header: Box) -> tuple[int, int, int, int]:
    is_long = reader.read(header.offset, 1) != b"\x00"
    width = 8 if is_long else 4
    at = header.offset + 4
    blocks.movie_created = int.from_bytes(reader.read(at, width), "big")
    at += 2 * width
    scale = int.from_bytes(reader.read(at, 4), "big")
    duration = int.from_bytes(reader.read(at + 4, width), "big")
    if scale and duration not in _UNKNOWN_DURATIONS:
        blocks.duration_seconds = duration / scale
    # Rate, volume and reserved bytes come between.
    return signs_of_matrix(reader.read(at + 4 + width + 16, 36))


def _note_picture(reader: Reader, blocks: Blocks, track: Track, movie_matrix: tuple[int, int, int, int]) -> None:
    entry = sample_entry(reader, track)
    if entry is not None and entry.length >= 28:
        sizes = reader.read(entry.offset + 24, 4)
        blocks.width, blocks.height = int.from_bytes(sizes[:2], "big"), int.from_bytes(sizes[2:], "big")
    a, b, c, d = track.matrix
    e, f, g, h = movie_matrix
    blocks.orientation = turned((a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h)) or 1


def _note_xmp(reader: Reader, blocks: Blocks, user_data: Box) -> None:
    try:
        packet = first_children(reader, user_data).get(b"XMP_")
    except BrokenStructureError:
        return  # rubbish in the user data costs only itself
    if packet is not None and blocks.xmp is None:
        blocks.xmp = Spans(packet.offset, packet.length)
