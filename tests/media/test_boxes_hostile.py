"""Bytes made to hurt: files of boxes with lengths, tables and references that no honest program writes."""

from __future__ import annotations

import random
import sys
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imalink.media.hothash import fingerprint_bytes
from imalink.media.metadata import facts_of, read_blocks
from imalink.media.reader import MemoryReader
from imalink.media.walk import walk
from tests.media.reference_hothash import reference_hothash
from tests.support import boxes
from tests.support.boxes import Film, Item, box, full_box, number, picture_item, size_property
from tests.support.mutations import mutated_files
from tests.support.processor_time import assert_about_linear

GOLDEN = Path(__file__).parent.parent / "golden" / "hothash"
SUFFIXES = (".heic", ".avif", ".cr3", ".jxl", ".mp4", ".mov")
SEEDS = [path.read_bytes() for path in sorted(GOLDEN.iterdir()) if path.suffix in SUFFIXES]
TELLING_BYTES = st.sampled_from([0, 1, 2, 255]) | st.integers(0, 255)
INSERTED = [
    b"\0\0\0\x01",
    b"\xff\xff\xff\xff",
    b"\0\0\0\x08free",
    b"\0\0\0\0",
    b"ftyp",
    b"\0\0\0\x01free\0\0\0\0\0\0\0\x10",
    bytes(8),
]
MEGABYTE = 1024 * 1024
PICTURES = Film(number=1, entry=boxes.video_entry(), chunks=((b"one", b"three"), (b"seven..",)))


def agree(data: bytes) -> None:
    fingerprint = fingerprint_bytes(data)
    assert (fingerprint.hothash, fingerprint.method) == reference_hothash(data)


def read_facts(data: bytes) -> None:
    reader = MemoryReader(data)
    blocks = walk(reader)
    facts_of(read_blocks(reader, blocks), blocks, file_format="VIDEO")


@given(data=mutated_files(SEEDS, INSERTED, changed_to=TELLING_BYTES, most=5))
@settings(max_examples=2_000, deadline=None)
def test_mutated_files_of_boxes_are_read_alike_by_both_implementations(data: bytes) -> None:
    agree(data)
    read_facts(data)


@pytest.mark.parametrize("seed", range(4))
def test_every_byte_may_be_any_other(seed: int) -> None:
    """One changed byte at a time: in a small file each is a length, a count, an offset or a name."""
    generator = random.Random(seed)
    for data in SEEDS:
        for at in range(seed, len(data), 4 * (1 + len(data) // 400)):
            changed = bytearray(data)
            changed[at] = generator.choice([0, 1, 0x7F, 0x80, 0xFF, changed[at] ^ (1 << generator.randrange(8))])
            agree(bytes(changed))


@pytest.mark.samples
def test_mutations_of_sample_photos_are_read_alike_by_both(sample_photos: Path) -> None:
    generator = random.Random(5)
    methods: set[str] = set()
    samples = [path for path in sorted(sample_photos.rglob("*")) if path.suffix.lower() in (*SUFFIXES, ".heif")]
    assert len(samples) >= 16
    for path in samples:
        data = path.read_bytes()
        for _ in range(30 if len(data) < 100_000 else 3):
            changed = bytearray(data)
            for _ in range(generator.randint(1, 3)):
                at = generator.randrange(min(len(changed), 8_000))
                changed[at] = generator.choice([0, 1, 0xFF, changed[at] ^ (1 << generator.randrange(8))])
            agree(bytes(changed))
            methods.add(fingerprint_bytes(bytes(changed)).method)
    assert {"heif-1", "jxl-1", "file-1"} <= methods


# Tables that say more than there is.


def with_number(data: bytes, kind: bytes, at: int, value: int, width: int = 4) -> bytes:
    """A number in the payload of the first box of a type replaced."""
    start = data.index(kind) + 4 + at
    return data[:start] + number(value, width) + data[start + width :]


LIES: dict[str, Callable[[bytes], bytes]] = {
    "samples without a table": lambda data: with_number(data, b"stsz", 8, 0xFFFF_FFFF),
    "chunks without a table": lambda data: with_number(data, b"stco", 4, 0xFFFF_FFFF),
    "runs without a table": lambda data: with_number(data, b"stsc", 4, 0xFFFF_FFFF),
    "samples in a chunk": lambda data: with_number(data, b"stsc", 12, 0xFFFF_FFFF),
    "four thousand million samples of four gigabytes each": lambda data: with_number(
        with_number(data, b"stsz", 4, 0xFFFF_FFFF), b"stsz", 8, 0xFFFF_FFFF
    ),
    "a chunk beyond the file": lambda data: with_number(data, b"stco", 8, 0xFFFF_FFF0),
    "descriptions": lambda data: with_number(data, b"stsd", 4, 0xFFFF_FFFF),
}


@pytest.mark.parametrize("name", LIES)
def test_tables_that_lie_cost_neither_time_nor_memory(name: str) -> None:
    data = LIES[name](boxes.film([PICTURES]))
    tracemalloc.start()
    start = time.process_time()
    fingerprint = fingerprint_bytes(data)
    seconds = time.process_time() - start
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert fingerprint.method in ("file-1", "video-1")
    assert seconds < 5  # believed, any of them would take minutes
    assert peak < 2 * MEGABYTE


def test_lengths_of_eight_bytes_cannot_overflow() -> None:
    for length in (0, 1, 15, 2**63, 2**64 - 1):
        header = number(1, 4) + b"moov" + number(length, 8)
        for data in (header, box("ftyp", b"isom", bytes(4)) + header, boxes.film([PICTURES]) + header):
            agree(data)


def test_boxes_nested_a_thousand_deep_are_not_descended_into() -> None:
    nested = b""
    for _ in range(20_000):
        nested = number(8 + len(nested), 4) + b"moov" + nested
        if len(nested) > sys.getrecursionlimit() * 16:
            break
    agree(box("ftyp", b"isom", bytes(4)) + nested)
    agree(box("ftyp", b"heic", bytes(4), b"mif1") + nested.replace(b"moov", b"meta"))


def test_items_that_share_their_bytes_a_thousand_times_are_refused() -> None:
    """Sharing is allowed, but the work must not grow with the square of the file."""
    piece = bytes(MEGABYTE // 4)
    shared = [picture_item(n, data=(b"x",), links=(("dimg", n + 1),)) for n in range(1, 101)]
    data = boxes.heif([*shared, picture_item(101, data=(piece,))])
    offset = data.rindex(piece)
    few, many = (_pointing(data, offset, len(piece), count) for count in (10, 100))
    assert fingerprint_bytes(few).method == "heif-1"
    assert fingerprint_bytes(many).method == "file-1"
    assert walk(MemoryReader(many)).fault == "the same bytes used over and over again"


def _pointing(data: bytes, offset: int, length: int, count: int) -> bytes:
    """The first items' only pieces, all pointed at the same bytes."""
    changed = bytearray(data)
    table = data.index(b"iloc") + 4 + 8
    for item in range(count):
        # number, method, reference and count come before the offset
        at = table + item * 16 + 8
        changed[at : at + 8] = number(offset, 4) + number(length, 4)
    return bytes(changed)


def test_one_reference_a_hundred_thousand_times_is_asked_for_once() -> None:
    """What describes an item is not searched anew for each reference to it."""
    references = full_box("iref", 0, 0, box("auxl", number(2, 2), number(65_535, 2), number(1, 2) * 65_535) * 4)
    infos = b"".join(full_box("infe", 2, 0, number(item, 2), bytes(2), b"hvc1\0") for item in (1, 2))
    for count in (255, 256):
        entry = number(2, 2) + number(128, 1) + b"\x01" * 128 + number(2, 2) + number(count - 128, 1)
        table = full_box("ipma", 0, 0, number(2, 4), entry + b"\x01" * (count - 128))
        place = full_box("iloc", 0, 0, b"\x44\0", number(1, 2), number(1, 2), bytes(2), number(1, 2), number(8, 4) * 2)
        iinf = full_box("iinf", 0, 0, number(2, 2), infos)
        data = _heif_with(iinf + references + box("iprp", box("ipco", box("free")), table) + place)
        start = time.process_time()
        assert fingerprint_bytes(data).method == ("heif-1" if count == 255 else "file-1")
        assert time.process_time() - start < 5
        agree(data)


def test_more_than_four_thousand_million_samples_of_one_size_cost_nothing() -> None:
    data = boxes.film([replace(PICTURES, chunks=((b"a", b"a"),))])
    data = with_number(with_number(data, b"stsz", 8, 0xFFFF_FFFF), b"stsc", 12, 0xFFFF_FFFF)
    assert fingerprint_bytes(data).method == "file-1"  # it reaches beyond the file
    start = time.process_time()
    assert fingerprint_bytes(with_number(data, b"stsc", 12, 2)).method == "video-1"
    assert time.process_time() - start < 5  # one by one they would take minutes


# Bytes made to be slow. 8 MB each, against a quarter of them.


def _repeated(unit: bytes, size: int) -> bytes:
    return unit * (size // len(unit))


def _heif_with(metadata: bytes) -> bytes:
    return box("ftyp", b"heic", bytes(4), b"mif1") + full_box(
        "meta", 0, 0, full_box("pitm", 0, 0, number(1, 2)), metadata
    )


def _track_with(kind: str, table: bytes) -> bytes:
    data = boxes.film([PICTURES])
    start = data.index(kind.encode()) - 4
    length = int.from_bytes(data[start : start + 4], "big")
    grown = data[:start] + table + data[start + length :]
    for name in (b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        at = grown.index(name) - 4
        size = int.from_bytes(grown[at : at + 4], "big") + len(table) - length
        grown = grown[:at] + number(size, 4) + grown[at + 4 :]
    return grown


def _chunks(size: int) -> bytes:
    table = full_box("stco", 0, 0, number(size // 4, 4), *(number(900 + n % 7, 4) for n in range(size // 4)))
    data = _track_with("stco", table)
    return with_number(with_number(data, b"stsz", 4, 1), b"stsz", 8, 0xFFFF_FFFF)


HOSTILE: dict[str, Callable[[int], bytes]] = {
    "empty boxes": lambda size: box("ftyp", b"isom", bytes(4)) + _repeated(box("free"), size),
    "empty boxes in moov": lambda size: box("ftyp", b"isom", bytes(4)) + box("moov", _repeated(box("free"), size)),
    "tracks": lambda size: box("ftyp", b"isom", bytes(4)) + box("moov", _repeated(box("trak"), size)),
    "chunks upon one another": _chunks,
    "runs of chunks": lambda size: _track_with(
        "stsc",
        full_box("stsc", 0, 0, number(size // 12, 4), *(number(n, 4) + bytes(8) for n in range(1, size // 12 + 1))),
    ),
    "sizes of samples": lambda size: with_number(
        _track_with("stsz", full_box("stsz", 0, 0, bytes(4), number(size // 4, 4), bytes(size))),
        b"stsc",
        12,
        0xFFFF_FFFF,
    ),
    "items": lambda size: _heif_with(
        full_box("iinf", 0, 0, number(0, 2), _repeated(full_box("infe", 2, 0, bytes(4), b"hvc1"), size))
    ),
    "references": lambda size: _heif_with(
        full_box("iref", 0, 0, _repeated(box("dimg", number(1, 2), number(1, 2), number(1, 2)), size))
    ),
    "properties": lambda size: _heif_with(box("iprp", box("ipco", _repeated(box("free"), size)))),
    "associations": lambda size: _heif_with(
        box("iprp", full_box("ipma", 0, 0, number(size // 4, 4), _repeated(number(1, 2) + b"\x01\x01", size)))
    ),
    "pieces without a place": lambda size: _heif_with(
        full_box("iloc", 0, 0, b"\0\0", number(0xFFFF, 2), _repeated(number(1, 2) + bytes(2) + b"\xff\xff", size))
    ),
    "properties that nearly all are alike": lambda size: boxes.heif(
        [
            picture_item(n, properties=(box("hvcC", bytes(size // 20), number(n, 4)), size_property(n, 1)))
            for n in range(1, 15)
        ]
    ),
    "pieces of a codestream": lambda size: boxes.jxl(
        *(box("jxlp", number(size // 12 - n, 4)) for n in range(size // 12))
    ),
    "members of a picture": lambda size: boxes.heif(
        [Item(number=n, kind="iden", data=(b"x",), links=(("dimg", n % 60_000 + 1),)) for n in range(1, size // 600)]
    ),
    "user data": lambda size: boxes.film([PICTURES], inner=[box("udta", _repeated(box("\xa9nam", bytes(4)), size))]),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_no_boxes_take_more_than_linear_time_and_memory(name: str) -> None:
    small, large = (HOSTILE[name](size * MEGABYTE) for size in (1, 4))
    assert_about_linear(
        lambda: (fingerprint_bytes(small), read_facts(small)),
        lambda: (fingerprint_bytes(large), read_facts(large)),
        at_most=6,
    )
    tracemalloc.start()
    walk(MemoryReader(small))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * MEGABYTE


def test_a_film_of_very_many_chunks_keeps_no_part_for_each() -> None:
    count = 200_000
    chunks = tuple((b"a",) for _ in range(count))
    data = boxes.film([replace(PICTURES, chunks=chunks)])
    tracemalloc.start()
    blocks = walk(MemoryReader(data))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(part.tag == b"CHNK" for part in blocks.iter_parts()) == count
    assert peak < 16 * MEGABYTE
    assert fingerprint_bytes(data).method == "video-1"


# Limits: the last that is allowed, and one more.


def _tracks(count: int) -> bytes:
    return boxes.film(
        [PICTURES, *(replace(PICTURES, number=n, handler="meta", chunks=()) for n in range(2, count + 1))]
    )


def _boxes_in_moov(count: int) -> bytes:
    return boxes.film([PICTURES], inner=[box("free") * (count - 2)])  # beside the header and the track


def _pieces(count: int) -> bytes:
    return boxes.jxl(*(box("jxlp", number(n, 4), b"\xff\x0a") for n in range(count)))


def _samples(count: int) -> bytes:
    # One part is what describes them.
    return boxes.cr3([Film(number=1, entry=boxes.raw_entry(96, 64), chunks=((b"x",) * (count - 1),))])


def _parts_of_a_sequence(count: int) -> bytes:
    # Three parts say what the track is.
    track = replace(PICTURES, handler="pict", chunks=((b"x",),) * (count - 3))
    return boxes.film([track], brand="msf1")


def _chunks_mostly_empty(count: int) -> bytes:
    table = full_box("stco", 0, 0, number(count, 4), number(900, 4) * count)
    return with_number(_track_with("stco", table), b"stsz", 8, 1)


LIMITS: dict[str, tuple[int, str, Callable[[int], bytes]]] = {
    "tracks": (1_024, "video-1", _tracks),
    "chunks": (1_500_000, "video-1", _chunks_mostly_empty),
    "boxes in a box": (65_536, "video-1", _boxes_in_moov),
    "pieces of a codestream": (65_536, "jxl-1", _pieces),
    "parts of a raw picture": (65_536, "cr3-1", _samples),
    "parts of a sequence": (65_536, "heif-1", _parts_of_a_sequence),
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_is_where_the_format_page_says(name: str) -> None:
    limit, method, make = LIMITS[name]
    at_limit, above = make(limit), make(limit + 1)
    assert fingerprint_bytes(at_limit).method == method
    assert fingerprint_bytes(above).method == "file-1"
    assert walk(MemoryReader(above)).fault is not None
    if name in ("tracks", "boxes in a box", "pieces of a codestream"):  # the second implementation is slow with parts
        agree(at_limit)
        agree(above)


def test_a_film_has_no_limit_of_parts() -> None:
    assert fingerprint_bytes(boxes.film([replace(PICTURES, chunks=((b"x",),) * 65_537)])).method == "video-1"
