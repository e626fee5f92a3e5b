"""Read the tables that say where a track's samples lie: chunks, runs of like chunks, sizes of samples.

Layout: ISO/IEC 14496-12; rules: docs/format/hothash.md, sections boxes and video.
"""

from __future__ import annotations

import hashlib
import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import compress, islice, repeat
from operator import add, gt
from typing import Final, Protocol, TypeAlias

from imalink.media.blocks import BrokenStructureError
from imalink.media.boxes import Box, read_within
from imalink.media.reader import Reader

MAX_CHUNKS: Final = 1_500_000
"""Of all tracks: seven hours of a film with sixty a second, and some ten seconds of work where each is made to cost."""
_CHUNK_BITS: Final = 21
_WINDOW: Final = 16_384
"""How many entries of a table are read at once."""

Tables: TypeAlias = Mapping[bytes, Box]
"""The boxes in ``stbl`` by their types."""


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...


@dataclass(slots=True, kw_only=True)
class Chunks:
    """The chunks of one track that have bytes, two machine words each, by ascending offset.

    ``statement`` condenses what their bytes do not tell: which of them comes when, and how they are cut into samples.
    """

    track_id: int
    offsets: array[int] = field(default_factory=lambda: array("Q"))
    lengths: array[int] = field(default_factory=lambda: array("Q"))
    statement: bytes = b""

    def ranges(self) -> Iterator[tuple[int, int, int]]:
        """Give (offset, track id, length) of each."""
        return zip(self.offsets, repeat(self.track_id), self.lengths, strict=False)


def read_track_chunks(reader: Reader, tables: Tables, *, track_id: int, limit: int) -> tuple[Chunks, int]:
    """Give the chunks of one track, and how many the table names.

    Raises BrokenStructureError: beyond the file, more than ``limit``, or not described.
    """
    chunks = Chunks(track_id=track_id)
    digest = hashlib.sha256()
    stated = _StatedSizes()
    offsets, count = _open_offsets(reader, tables)
    if count > limit:
        raise BrokenStructureError("more chunks than any real film has")
    sample_count = _state_runs(digest, reader, tables, count)
    sizes = _SampleSizes(reader, tables, stated, wanted=sample_count)
    number = until = samples = 0
    runs = _iter_runs(reader, tables, count)
    for window in offsets:
        lengths: array[int] = array("Q")
        while len(lengths) < len(window):
            if number == until:
                samples, _, until = next(runs)
            taken = min(until - number, len(window) - len(lengths))
            lengths.extend(sizes.totals_of_next(samples, taken))
            number += taken
        if max(map(add, window, lengths)) > reader.size:
            raise BrokenStructureError("a chunk reaches beyond the file")
        chunks.offsets.extend(compress(window, lengths))
        chunks.lengths.extend(filter(None, lengths))
    _sort_and_state(digest, chunks)
    chunks.statement = digest.digest() + stated.finish()
    return chunks, count


def iter_chunks(reader: Reader, tables: Tables) -> Iterator[tuple[int, int]]:
    """Give (offset, number of samples) of each chunk. Raises BrokenStructureError."""
    offsets, count = _open_offsets(reader, tables)
    number = until = samples = 0
    runs = _iter_runs(reader, tables, count)
    for window in offsets:
        for offset in window:
            if number == until:
                samples, _, until = next(runs)
            number += 1
            yield offset, samples


def iter_samples(reader: Reader, tables: Tables) -> Iterator[tuple[int, int]]:
    """Give (offset, length) of each sample in order; a file may claim more of them than anyone wants to count.

    Raises BrokenStructureError.
    """
    sizes = _SampleSizes(reader, tables)
    for offset, sample_count in iter_chunks(reader, tables):
        position = offset
        for _ in range(min(sample_count, sizes.remaining)):
            length = sizes.total_of_next(1)
            yield position, length
            position += length


def _open_offsets(reader: Reader, tables: Tables) -> tuple[Iterator[array[int]], int]:
    table = tables.get(b"stco") or tables.get(b"co64")
    if table is None:
        raise BrokenStructureError("a track without chunk offsets")
    width = 4 if table.type == b"stco" else 8
    count = _entry_count(reader, table, width)
    return _iter_windows(reader, table.offset + 8, count, width), count


def _iter_runs(reader: Reader, tables: Tables, chunk_count: int) -> Iterator[tuple[int, int, int]]:
    """Give (samples a chunk, description, number of the chunk after) of each run of chunks; the last ends with them."""
    if not chunk_count:
        return
    table = tables.get(b"stsc")
    count = 0 if table is None else _entry_count(reader, table, 12)
    if table is None or not count:
        raise BrokenStructureError("chunks without a number of samples")
    numbers = (number for window in _iter_windows(reader, table.offset + 8, 3 * count, 4) for number in window)
    first, samples, description = next(numbers), next(numbers), next(numbers)
    if first != 1:
        raise BrokenStructureError("the first chunk is not described")
    for next_first, next_samples, next_description in zip(numbers, numbers, numbers, strict=True):
        if next_first <= first:
            raise BrokenStructureError("runs of chunks out of order")
        if next_first > chunk_count:
            break
        yield samples, description, next_first - 1
        first, samples, description = next_first, next_samples, next_description
    yield samples, description, chunk_count


def _state_runs(digest: _Hash, reader: Reader, tables: Tables, chunk_count: int) -> int:
    """Put runs of chunks into a hash, like neighbours as one, and give how many samples they claim."""
    digest.update(chunk_count.to_bytes(8, "big"))
    begin = end = sample_count = 0
    like = (0, 0)
    for samples, description, until in _iter_runs(reader, tables, chunk_count):
        sample_count += samples * (until - end)
        if (samples, description) != like and end:
            digest.update(_big_endian((end - begin, *like)))
            begin = end
        like, end = (samples, description), until
    if end:
        digest.update(_big_endian((end - begin, *like)))
    return sample_count


def _sort_and_state(digest: _Hash, chunks: Chunks) -> None:
    """Put chunks in ascending order of offsets, as they nearly always are, and the ranks they had into a hash."""
    offsets, lengths = chunks.offsets, chunks.lengths
    ranks = array("I", range(len(offsets)))
    if any(map(gt, offsets, islice(offsets, 1, None))):
        # Offset and number in one integer, which takes half the memory of a pair.
        order = sorted(offset << _CHUNK_BITS | number for number, offset in enumerate(offsets))
        mask = (1 << _CHUNK_BITS) - 1
        for rank, packed in enumerate(order):
            ranks[packed & mask] = rank
        chunks.lengths = array("Q", (lengths[packed & mask] for packed in order))
        chunks.offsets = array("Q", (packed >> _CHUNK_BITS for packed in order))
    digest.update(len(ranks).to_bytes(8, "big") + _big_endian(ranks))


def _entry_count(reader: Reader, table: Box, width: int) -> int:
    count = int.from_bytes(read_within(reader, table, 4, 4), "big")
    if 8 + count * width > table.length:
        raise BrokenStructureError("a table shorter than it says")
    return count


def _iter_windows(reader: Reader, offset: int, count: int, width: int) -> Iterator[array[int]]:
    while count:
        window = min(count, _WINDOW)
        yield _numbers(reader.read(offset, window * width), width)
        offset += window * width
        count -= window


def _numbers(data: bytes, width: int) -> array[int]:
    numbers: array[int] = array({1: "B", 2: "H", 4: "I", 8: "Q"}[width])
    numbers.frombytes(data)
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers


def _big_endian(numbers: Iterable[int]) -> bytes:
    """Give numbers as four bytes each."""
    packed = array("I", numbers)
    if sys.byteorder == "little":
        packed.byteswap()
    return packed.tobytes()


class _StatedSizes:
    """Puts sizes of samples into a hash: how many, then the one of all if they are alike, else each."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._alike = 0
        self._size = 0
        self._is_one_for_all = False

    def start(self, count: int, each: int) -> None:
        """Say how many there are, and the size of all if it is known (not 0)."""
        self._digest.update(count.to_bytes(8, "big"))
        self._size, self._is_one_for_all = each, count > 0

    def add(self, sizes: array[int]) -> None:
        """Take the next sizes, at least one, of samples that are not known to be alike."""
        if self._is_one_for_all:
            self._size = self._size if self._alike else sizes[0]
            if sizes.count(self._size) == len(sizes):
                self._alike += len(sizes)
                return
            for done in range(0, self._alike, _WINDOW):
                self._digest.update(_big_endian(repeat(self._size, min(_WINDOW, self._alike - done))))
            self._is_one_for_all = False
        self._digest.update(_big_endian(sizes))

    def finish(self) -> bytes:
        """Say the size of all, where they are alike, and give the hash."""
        if self._is_one_for_all:
            self._digest.update(_big_endian((self._size,)))
        return self._digest.digest()


class _SampleSizes:
    """The sizes of a track's samples, added up as chunk after chunk takes its share; read by windows."""

    def __init__(
        self, reader: Reader, tables: Tables, stated: _StatedSizes | None = None, *, wanted: int | None = None
    ) -> None:
        table = tables.get(b"stsz") or tables.get(b"stz2")
        if table is None:
            raise BrokenStructureError("a track without sample sizes")
        header = read_within(reader, table, 0, 12)
        self._reader = reader
        self._next = table.offset + 12
        self._window: array[int] = array("I")
        self._used: int = 0
        self._stated = stated
        self.remaining = int.from_bytes(header[8:12], "big")
        self._each, self._bits = int.from_bytes(header[4:8], "big"), 32
        if table.type == b"stz2":
            self._each, self._bits = 0, header[7]
            if self._bits not in (4, 8, 16):
                raise BrokenStructureError("sample sizes of an unknown width")
        if not self._each and 12 + (self.remaining * self._bits + 7) // 8 > table.length:
            raise BrokenStructureError("a table shorter than it says")
        if wanted is not None:
            self.remaining = min(self.remaining, wanted)
        if stated is not None:
            stated.start(self.remaining, self._each)

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

    def totals_of_next(self, count: int, times: int) -> Iterable[int]:
        """Give ``times`` totals of ``count`` samples each."""
        if self._each and count * times <= self.remaining:
            self.remaining -= count * times
            return repeat(count * self._each, times)
        return [self.total_of_next(count) for _ in range(times)]

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
        if self._stated is not None:
            self._stated.add(self._window)
