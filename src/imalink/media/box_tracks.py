"""Read the tracks of a ``moov`` box: what a track is, and where its chunks of samples lie.

Layout: ISO/IEC 14496-12; rules: docs/format/hothash.md, section video.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from imalink.media.blocks import BrokenStructureError, Part, Spans
from imalink.media.box_samples import MAX_CHUNKS, Chunks, read_track_chunks
from imalink.media.boxes import Box, check_sharing, first_children, iter_children, read_within
from imalink.media.reader import Reader

MAX_TRACKS: Final = 1_024
_IDENTITY: Final = (1, 0, 0, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """A track: its id, the handler that tells its sort (``vide``, ``soun``, …) and where its tables stand.

    ``matrix`` are the four numbers that turn the picture, as signs; ``lies_elsewhere`` if its samples are in another
    file.
    """

    track_id: int
    handler: bytes
    descriptions: Box
    tables: dict[bytes, Box]
    matrix: tuple[int, int, int, int]
    lies_elsewhere: bool


class ChunkParts:
    """The ``CHNK`` parts of several tracks by ascending offset, made as they are asked for: films have millions."""

    __slots__ = ("_tracks",)

    def __init__(self, tracks: Sequence[Chunks]) -> None:
        self._tracks = tracks

    def __len__(self) -> int:
        return sum(len(chunks.offsets) for chunks in self._tracks)

    def __iter__(self) -> Iterator[Part]:
        for offset, track_id, length in self._merged():
            yield Part(tag=b"CHNK", built=track_id.to_bytes(4, "big"), spans=Spans(offset, length))

    def statements(self) -> Iterator[bytes]:
        """Give for each track what condenses how its chunks are made of samples."""
        return (chunks.statement for chunks in self._tracks)

    def check(self) -> None:
        """Raise BrokenStructureError if they share their bytes beyond measure."""
        check_sharing((offset, length) for offset, _, length in self._merged())

    def _merged(self) -> Iterator[tuple[int, int, int]]:
        return heapq.merge(*(chunks.ranges() for chunks in self._tracks))


def read_tracks(reader: Reader, movie: Box) -> list[Track]:
    """Give the tracks by ascending id. Raises BrokenStructureError: incomplete, too many, or an id given twice."""
    tracks: list[Track] = []
    for box in iter_children(reader, movie):
        if box.type == b"trak":
            if len(tracks) == MAX_TRACKS:
                raise BrokenStructureError("more tracks than any real film has")
            tracks.append(_read_track(reader, box))
    tracks.sort(key=lambda track: track.track_id)
    if any(one.track_id == next_one.track_id for one, next_one in zip(tracks, tracks[1:], strict=False)):
        raise BrokenStructureError("two tracks of the same id")
    return tracks


def track_parts(tracks: Sequence[Track], chunks: ChunkParts) -> Iterator[Part]:
    """Give the parts that name each track, describe its samples and say how its chunks are made of them."""
    for track, statement in zip(tracks, chunks.statements(), strict=True):
        yield Part(tag=b"TRAK", built=track.track_id.to_bytes(4, "big") + track.handler)
        yield Part(tag=b"STSD", spans=Spans(track.descriptions.offset, track.descriptions.length))
        yield Part(tag=b"SMPL", built=statement)


def sample_entry(reader: Reader, track: Track) -> Box | None:
    """Give the first sample description, None if there is none. Raises BrokenStructureError."""
    return next(iter_children(reader, track.descriptions, skipped=8), None)


def read_chunks(reader: Reader, tracks: Sequence[Track]) -> ChunkParts:
    """Find the chunks of tracks. Raises BrokenStructureError: beyond the file, or more of them than there can be."""
    found: list[Chunks] = []
    spare = MAX_CHUNKS
    for track in tracks:
        chunks, count = read_track_chunks(reader, track.tables, track_id=track.track_id, limit=spare)
        found.append(chunks)
        spare -= count
    return ChunkParts(found)


def turned(matrix: tuple[int, int, int, int]) -> int | None:
    """Give the EXIF orientation that shows a picture as a matrix of signs does; None if it is no quarter turn."""
    return {
        (1, 0, 0, 1): 1,
        (-1, 0, 0, 1): 2,
        (-1, 0, 0, -1): 3,
        (1, 0, 0, -1): 4,
        (0, 1, 1, 0): 5,
        (0, 1, -1, 0): 6,
        (0, -1, -1, 0): 7,
        (0, -1, 1, 0): 8,
    }.get(matrix)


def signs_of_matrix(data: bytes) -> tuple[int, int, int, int]:
    """Give the turning part of the 36 bytes of a matrix, as signs: a u, c d without their sizes."""
    numbers = [int.from_bytes(data[at : at + 4], "big", signed=True) for at in (0, 4, 12, 16)]
    a, b, c, d = ((number > 0) - (number < 0) for number in numbers)
    return a, b, c, d


def _read_track(reader: Reader, box: Box) -> Track:
    children = first_children(reader, box)
    header, media = children.get(b"tkhd"), children.get(b"mdia")
    if header is None or media is None:
        raise BrokenStructureError("a track without header or media")
    # Two times, the id, and a third time come first; they are twice as long in version 1.
    is_long = read_within(reader, header, 0, 1) != b"\x00"
    track_id = int.from_bytes(read_within(reader, header, 20 if is_long else 12, 4), "big")
    matrix_at = 52 if is_long else 40
    matrix = reader.read(header.offset + matrix_at, 36) if header.length >= matrix_at + 36 else b""
    children = first_children(reader, media)
    handler, information = children.get(b"hdlr"), children.get(b"minf")
    if handler is None or information is None:
        raise BrokenStructureError("a track without handler or information")
    children = first_children(reader, information)
    table = children.get(b"stbl")
    if table is None:
        raise BrokenStructureError("a track without sample table")
    tables = first_children(reader, table)
    descriptions = tables.get(b"stsd")
    if descriptions is None or descriptions.length < 8:
        raise BrokenStructureError("a track without sample descriptions")
    return Track(
        track_id=track_id,
        handler=read_within(reader, handler, 8, 4),
        descriptions=descriptions,
        tables=tables,
        matrix=signs_of_matrix(matrix) if matrix else _IDENTITY,
        lies_elsewhere=_lies_elsewhere(reader, children.get(b"dinf")),
    )


def _lies_elsewhere(reader: Reader, information: Box | None) -> bool:
    references = None if information is None else first_children(reader, information).get(b"dref")
    if references is None:
        return False
    # The lowest flag says: in this very file.
    return any(not read_within(reader, entry, 3, 1)[0] & 1 for entry in iter_children(reader, references, skipped=8))
