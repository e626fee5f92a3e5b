"""Sizes and metadata of the kinds that are identified by all their bytes: BMP and PSD."""

from __future__ import annotations

import random
import struct
import time

import pytest
from PIL import Image

from imalink.media.blocks import Blocks, Spans
from imalink.media.hothash import fingerprint_bytes
from imalink.media.metadata import facts_of, read_blocks
from imalink.media.reader import MemoryReader
from imalink.media.walk import walk
from tests.support.photos import xmp_packet


def resource(identifier: int, data: bytes, *, name: bytes = b"", signature: bytes = b"8BIM") -> bytes:
    pascal = bytes((len(name),)) + name
    pascal += bytes(len(pascal) % 2)
    return (
        signature + struct.pack(">H", identifier) + pascal + struct.pack(">I", len(data)) + data + bytes(len(data) % 2)
    )


def psd(*resources: bytes, version: int = 1, palette: bytes = b"", length: int | None = None) -> bytes:
    """A PSD of 5 by 3 pixels, as far as its layers."""
    header = b"8BPS" + struct.pack(">H6xHIIHH", version, 3, 3, 5, 8, 3)
    body = b"".join(resources)
    size = struct.pack(">I", len(body) if length is None else length)
    return header + struct.pack(">I", len(palette)) + palette + size + body + struct.pack(">I", 0)


def exif_block() -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    return exif.tobytes()


IPTC = b"\x1c\x02\x05\x00\x05Title\x1c\x02\x19\x00\x03sea"
FULL = psd(
    resource(0x03ED, b"resolution", name=b"odd"),
    resource(0x0404, IPTC),
    resource(0x0422, exif_block(), name=b"even"),
    resource(0x0424, xmp_packet(rating=4)),
    resource(0x040F, b"a profile"),
    palette=b"colours!",
)


def bytes_of(data: bytes, spans: Spans | None) -> bytes | None:
    return None if spans is None else b"".join(data[offset : offset + length] for offset, length in spans)


def found_in(data: bytes) -> Blocks:
    return walk(MemoryReader(data))


def test_size_and_metadata_of_a_psd_are_found() -> None:
    blocks = found_in(FULL)
    assert (blocks.width, blocks.height, blocks.fault) == (5, 3, None)
    assert bytes_of(FULL, blocks.iptc) == IPTC
    assert bytes_of(FULL, blocks.xmp) == xmp_packet(rating=4)
    assert bytes_of(FULL, blocks.icc[1]) == b"a profile"
    facts, findings = facts_of(read_blocks(MemoryReader(FULL), blocks), blocks, file_format="PSD")
    assert findings == ()
    assert (facts.camera.make, facts.embedded.rating) == ("Maker", 4)
    assert (facts.embedded.title, facts.embedded.keywords) == ("Title", ("sea",))


def test_a_large_document_is_read_alike_and_identified_by_all_its_bytes() -> None:
    data = psd(resource(0x0424, xmp_packet(rating=2)), version=2)
    assert bytes_of(data, found_in(data).xmp) == xmp_packet(rating=2)
    assert fingerprint_bytes(data).method == "file-1"


def test_the_first_resource_of_a_sort_counts() -> None:
    data = psd(resource(0x0424, b"first"), resource(0x0424, b"second"))
    assert bytes_of(data, found_in(data).xmp) == b"first"


def test_resources_end_where_something_else_stands() -> None:
    data = psd(resource(0x0404, IPTC), b"nothing Photoshop writes", resource(0x0424, b"xmp"))
    blocks = found_in(data)
    assert (bytes_of(data, blocks.iptc), blocks.xmp, blocks.fault) == (IPTC, None, None)


@pytest.mark.parametrize(
    "data",
    [
        FULL[:20],
        FULL[:40],
        FULL[:60],
        psd(resource(0x0404, IPTC), length=10_000),
        psd(resource(0x0404, IPTC)[:6] + b"\x00\x00" + struct.pack(">I", 2**31) + b"more bytes than twelve"),
        psd(palette=b"", length=2**32 - 1),
    ],
    ids=["header", "resources", "torn resource", "beyond the file", "beyond its block", "all ones"],
)
def test_a_psd_that_is_torn_keeps_what_came_before_and_is_told(data: bytes) -> None:
    assert found_in(data).fault is not None


def test_a_psd_cut_or_changed_anywhere_never_raises() -> None:
    generator = random.Random(1)
    for at in range(len(FULL)):
        found_in(FULL[:at])
        changed = bytearray(FULL)
        changed[at] = generator.randrange(256)
        found_in(bytes(changed))


def test_a_psd_of_nothing_but_small_resources_takes_little_time() -> None:
    data = psd(resource(0x0001, b"") * 1_000_000)
    start = time.process_time()
    assert found_in(data).fault is None
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("header", "size"),
    [
        (struct.pack("<Iii", 40, 7, 9), (7, 9)),
        (struct.pack("<Iii", 40, 7, -9), (7, 9)),
        (struct.pack("<IHHxxxx", 12, 7, 9), (7, 9)),
    ],
    ids=["upwards", "downwards", "OS/2"],
)
def test_the_size_of_a_bmp_is_found(header: bytes, size: tuple[int, int]) -> None:
    data = b"BM" + struct.pack("<IHHI", 100, 0, 0, 54) + header + bytes(40)
    blocks = found_in(data)
    assert (blocks.width, blocks.height) == size
