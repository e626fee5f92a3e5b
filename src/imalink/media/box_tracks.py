"""Read the tracks of a ``moov`` box: what a track is, and where its chunks of samples lie.

Layout: ISO/IEC 14496-12; rules: docs/format/hothash.md, section video.
"""

from __future__ import annotations

import heapq
import sys
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, repeat
from typing import Final

from imalink.media.blocks import BrokenStructureError, Part, Spans
from imalink.media.boxes import Box, check_sharing, first_children, iter_children, read_within
from imalink.media.reader import Reader

MAX_TRACKS: Final = 1_024
_CHUNK_BITS: Final = 22
MAX_CHUNKS: Final = 1 << _CHUNK_BITS
_WINDOW: Final = 16_384
"""How many entries of a table are read at once."""
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


@dataclass(slots=True, kw_only=True)
class Chunks:
    """The chunks of one track that have bytes: two machine words each, in the order of their numbers."""

    track_id: int
    offsets: array[int] = field(default_factory=lambda: array("Q"))
    lengths: array[int] = field(default_factory=lambda: array("Q"))

    def sort(self) -> None:
        """Put them in ascending order of their offsets, as they nearly always are already."""
        offsets, lengths = self.offsets, self.lengths
        if not any(map(int.__gt__, offsets, islice(offsets, 1, None))):
            return
        # Offset and number in one integer, which takes half the memory of a pair.
        order = sorted(offset << _CHUNK_BITS | number for number, offset in enumerate(offsets))
        mask = (1 << _CHUNK_BITS) - 1
        self.lengths = array("Q", (lengths[packed & mask] for packed in order))
        self.offsets = array("Q", (packed >> _CHUNK_BITS for packed in order))

    def ranges(self) -> Iterator[tuple[int, int, int]]:
        """Give (offset, track id, length) of each."""
        return zip(self.offsets, repeat(self.track_id), self.lengths, strict=False)


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


def track_parts(tracks: Sequence[Track]) -> Iterator[Part]:
    """Give the parts that name each track and describe its samples."""
    for track in tracks:
        yield Part(tag=b"TRAK", built=track.track_id.to_bytes(4, "big") + track.handler)
        yield Part(tag=b"STSD", spans=Spans(track.descriptions.offset, track.descriptions.length))


def sample_entry(reader: Reader, track: Track) -> Box | None:
    """Give the first sample description, None if there is none. Raises BrokenStructureError."""
    return next(iter_children(reader, track.descriptions, skipped=8), None)


def read_chunks(reader: Reader, tracks: Sequence[Track]) -> ChunkParts:
    """Find the chunks of tracks. Raises BrokenStructureError: beyond the file, or more of them than there can be."""
    found: list[Chunks] = []
    spare = MAX_CHUNKS
    for track in tracks:
        found.append(_chunks_of(reader, track, spare))
        spare -= len(found[-1].offsets)
    return ChunkParts(found)


def iter_samples(reader: Reader, track: Track) -> Iterator[tuple[int, int]]:
    """Give (offset, length) of each sample in order; a file may claim more of them than anyone wants to count.

    Raises BrokenStructureError.
    """
    sizes = _SampleSizes(reader, track)
    for offset, sample_count in _iter_chunks(reader, track):
        position = offset
        for _ in range(min(sample_count, sizes.remaining)):
            length = sizes.total_of_next(1)
            yield position, length
            position += length


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


def _chunks_of(reader: Reader, track: Track, limit: int) -> Chunks:
    chunks = Chunks(track_id=track.track_id)
    sizes = _SampleSizes(reader, track)
    for number, (offset, sample_count) in enumerate(_iter_chunks(reader, track)):
        if number >= limit:
            raise BrokenStructureError("more chunks than any real film has")
        length = sizes.total_of_next(sample_count)
        if offset + length > reader.size:
            raise BrokenStructureError("a chunk reaches beyond the file")
        if length:
            chunks.offsets.append(offset)
            chunks.lengths.append(length)
    chunks.sort()
    return chunks


def _iter_chunks(reader: Reader, track: Track) -> Iterator[tuple[int, int]]:
    """Give (offset, number of samples) of each chunk."""
    table = track.tables.get(b"stco") or track.tables.get(b"co64")
    if table is None:
        raise BrokenStructureError("a track without chunk offsets")
    width = 4 if table.type == b"stco" else 8
    count = _entry_count(reader, table, width)
    if not count:
        return
    runs = _iter_runs(reader, track, count)
    samples, until = next(runs)
    for number, offset in enumerate(_iter_numbers(reader, table.offset + 8, count, width)):
        if number == until:
            samples, until = next(runs)
        yield offset, samples


def _iter_runs(reader: Reader, track: Track, chunk_count: int) -> Iterator[tuple[int, int]]:
    """Give (samples a chunk, number of the chunk after) of each run of like chunks; the last run ends with the last."""
    table = track.tables.get(b"stsc")
    count = 0 if table is None else _entry_count(reader, table, 12)
    if table is None or not count:
        raise BrokenStructureError("chunks without a number of samples")
    numbers = _iter_numbers(reader, table.offset + 8, 3 * count, 4)
    first, samples, _ = next(numbers), next(numbers), next(numbers)
    if first != 1:
        raise BrokenStructureError("the first chunk is not described")
    for next_first in numbers:
        next_samples, _ = next(numbers), next(numbers)
        if next_first <= first:
            raise BrokenStructureError("runs of chunks out of order")
        if next_first > chunk_count:
            break
        yield samples, next_first - 1
        first, samples = next_first, next_samples
    yield samples, chunk_count


def _entry_count(reader: Reader, table: Box, width: int) -> int:
    count = int.from_bytes(read_within(reader, table, 4, 4), "big")
    if 8 + count * width > table.length:
        raise BrokenStructureError("a table shorter than it says")
    return count


def _iter_numbers(reader: Reader, offset: int, count: int, width: int) -> Iterator[int]:
    while count:
        window = min(count, _WINDOW)
        yield from _numbers(reader.read(offset, window * width), width)
        offset += window * width
        count -= window


def _numbers(data: bytes, width: int) -> array[int]:
    numbers: array[int] = array({1: "B", 2: "H", 4: "I", 8: "Q"}[width])
    numbers.frombytes(data)
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers


class _SampleSizes:
    """The sizes of a track's samples, added up as chunk after chunk takes its share; read by windows."""

    def __init__(self, reader: Reader, track: Track) -> None:
        table = track.tables.get(b"stsz") or track.tables.get(b"stz2")
        if table is None:
            raise BrokenStructureError("a track without sample sizes")
        header = read_within(reader, table, 0, 12)
        self._reader = reader
        self._next = table.offset + 12
        self._window: array[int] = array("I")
        self._used: int = 0
        self.remaining = int.from_bytes(header[8:12], "big")
        self._each, self._bits = int.from_bytes(header[4:8], "big"), 32
        if table.type == b"stz2":
            self._each, self._bits = 0, header[7]
            if self._bits not in (4, 8, 16):
                raise BrokenStructureError("sample sizes of an unknown width")
        if not self._each and 12 + (self.remaining * self._bits + 7) // 8 > table.length:
            raise BrokenStructureError("a table shorter than it says")

    def total_of_next(self, count: int) -> int:
        """Give how many bytes the next ``count`` samples have, or those that are left."""
        count = min(count, self.remaining)
        if self._each:
            self.remaining -= count
            return count * self._each
        total = 0
        while count:
            if self._used == len(self._window):
                self._read_window()
            taken = min(count, len(self._window) - self._used)
            total += sum(self._window[self._used : self._used + taken])
            self._used += taken
            self.remaining -= taken
            count -= taken
        return total

    def _read_window(self) -> None:
        wanted = min(self.remaining, _WINDOW)
        length = (wanted * self._bits + 7) // 8
        data = self._reader.read(self._next, length)
        self._next += length
        if self._bits == 4:
            halves = (half for byte in data for half in (byte >> 4, byte & 15))
            self._window = array("B", halves)[:wanted]
        else:
            self._window = _numbers(data, self._bits // 8)
        self._used = 0
