"""Facts of RAW and TIFF files: what the samples say beside ExifTool, and the layouts that are not built like TIFF.

Run with ``-s`` to see the table.
"""

from __future__ import annotations

import json
import random
import struct
import sys
from pathlib import Path
from typing import cast

import pytest

from imalink.core.picture import PictureFacts
from imalink.media.blocks import Blocks
from imalink.media.hothash import fingerprint_bytes
from imalink.media.kinds import file_format_of
from imalink.media.metadata import facts_of, read_blocks
from imalink.media.reader import MemoryReader
from imalink.media.walk import walk
from tests.support.ciff import heap
from tests.support.photos import make_jpeg, xmp_packet
from tests.support.tiffs import ASCII, BYTE, LONG, SHORT, UNDEFINED, Page, make_tiff, picture_tags

Reference = dict[str, object]

TINY = "tiny-formats/"
SAMPLES = [
    *("CanonRaw.cr2", "CanonRaw.crw", "DNG.dng", "ExifTool.tif", "FujiFilm.raf", "GeoTiff.tif", "Minolta.mrw"),
    *("Nikon.nef", "Panasonic.rw2", "PhaseOne.iiq", "Sigma.x3f", "SigmaDP2.x3f"),
]
OTHER_SIZES = {
    "CanonRaw.cr2": ((3456, 2304), "ExifTool shows the preview's; the sensor's data is cut out of the sample"),
    "FujiFilm.raf": ((4256, 1424), "ExifTool shows the embedded JPEG's, which is cut down in the sample"),
    "SigmaDP2.x3f": ((2640, 1760), "ExifTool shows the embedded JPEG's, which is cut down in the sample"),
}
OTHER_DATES = {"ExifTool.tif": "2004-02-20T00:00:00"}  # IPTC's, which ExifTool does not show under this name
NOT_READ = {
    "CanonRaw.crw": {"ISO", "ExposureTime", "FNumber"},  # in Canon's own block of shot information
}


def facts_in(data: bytes, name: str = "a") -> tuple[PictureFacts, Blocks]:
    reader = MemoryReader(data)
    blocks = walk(reader)
    facts, findings = facts_of(read_blocks(reader, blocks), blocks, file_format=file_format_of(data, filename=name))
    assert findings == ()
    return facts, blocks


def close(ours: float | None, theirs: object) -> bool:
    return ours == theirs or (isinstance(theirs, int | float) and ours == pytest.approx(theirs, rel=0.01))


@pytest.mark.samples
@pytest.mark.parametrize("name", SAMPLES)
def test_facts_of_a_sample_agree_with_exiftool(sample_photos: Path, name: str) -> None:
    references = cast("list[Reference]", json.loads((sample_photos / "facts.json").read_text()))
    reference = next(item for item in references if item["SourceFile"] == TINY + name)
    facts, blocks = facts_in((sample_photos / TINY / name).read_bytes(), name)
    taken = None if facts.capture_time is None else facts.capture_time.local
    camera = facts.camera
    sys.stdout.write(f"\n{name:14} {blocks.method_kind or 'file'}-1 {facts.width} x {facts.height} {taken} {camera}")
    size = OTHER_SIZES[name][0] if name in OTHER_SIZES else (reference["ImageWidth"], reference["ImageHeight"])
    assert (facts.width, facts.height) == size
    date = str(reference.get("DateTimeOriginal", "")).replace(":", "-", 2).replace(" ", "T") or None
    assert (taken[:19] if taken else None) == OTHER_DATES.get(name, date)
    assert (camera.make, camera.model) == (reference.get("Make"), reference.get("Model"))
    if "Orientation" in reference:
        assert facts.orientation == reference["Orientation"]
    numbers = {
        "ISO": camera.iso,
        "ExposureTime": camera.exposure_seconds,
        "FNumber": camera.f_number,
        "FocalLength": camera.focal_length_mm,
    }
    unread = NOT_READ.get(name, set())
    assert {key for key, ours in numbers.items() if not close(ours, reference.get(key))} == unread
    assert facts.file_format == ("TIFF" if name.endswith("tif") else "RAW")


@pytest.mark.samples
def test_lens_keywords_and_caption_of_samples(sample_photos: Path) -> None:
    dng, tiff, nef = (
        facts_in((sample_photos / TINY / name).read_bytes(), name)[0]
        for name in ("DNG.dng", "ExifTool.tif", "Nikon.nef")
    )
    assert dng.camera.lens == "18.0-55.0 mm"
    assert tiff.embedded.keywords == ("exiftool", "test", "picture")
    assert tiff.embedded.caption == "The picture caption"
    assert nef.embedded.caption == "A caption"


def described_page() -> Page:
    """A picture whose first directory has metadata of every sort."""
    page = Page(tags=picture_tags(16, 12), pieces=[bytes(192)])
    iptc = b"\x1c\x02\x19\x00\x05alpha\x1c\x02\x78\x00\x04text"
    page.tags |= {
        271: (ASCII, b"Testmaker\0"),
        272: (ASCII, b"Testmodel 1\0"),
        274: (SHORT, [6]),
        700: (BYTE, xmp_packet(rating=4)),
        33723: (UNDEFINED, iptc),
        34675: (UNDEFINED, b"a colour profile"),
    }
    return page


@pytest.mark.parametrize(
    ("mark", "order"),
    [(42, "<"), (42, ">"), (43, "<"), (0x55, "<"), (0x4F52, "<"), (0x4F52, ">"), (0x5352, "<"), (0x5352, ">")],
)
def test_metadata_is_read_from_every_sort_of_tiff(mark: int, order: str) -> None:
    data = make_tiff([described_page()], mark=mark, order=order)
    facts, _ = facts_in(data)
    reader = MemoryReader(data)
    assert (facts.camera.make, facts.camera.model) == ("Testmaker", "Testmodel 1")
    assert facts.orientation == 6
    assert facts.embedded.rating == 4
    assert facts.embedded.keywords == ("alpha",)
    assert facts.embedded.caption == "text"
    assert read_blocks(reader, walk(reader)).icc_digest is not None


def test_a_big_endian_bigtiff_has_only_the_metadata_outside_exif() -> None:
    data = make_tiff([described_page()], mark=43, order=">", extra=bytes(0x90000))
    reader = MemoryReader(data)
    blocks = walk(reader)
    facts, findings = facts_of(read_blocks(reader, blocks), blocks, file_format="TIFF")
    assert [finding.code for finding in findings] == ["metadata-unreadable"]
    assert (facts.camera.make, facts.embedded.rating, facts.width) == (None, 4, 16)


def test_the_exif_directory_s_size_stands_in_where_a_canon_file_has_none_else() -> None:
    exif = Page(tags={40962: (LONG, [3456]), 40963: (LONG, [2304])})
    canon = b"CR\x02\x00\x00\x00\x00\x00"

    def file(exif_at: int) -> bytes:
        first = described_page()
        first.tags[34665] = (LONG, [exif_at])
        sensor = Page(tags={259: (SHORT, [6])}, pieces=[b"sensor"])
        return make_tiff([first, described_page(), described_page(), sensor, exif], extra=canon)

    # The EXIF directory is laid down last: two entries of twelve bytes, their number, the next offset.
    facts, _ = facts_in(file(len(file(0)) - 30))
    assert (facts.file_format, facts.width, facts.height) == ("RAW", 3456, 2304)


# Layouts of their own.


def raf(jpeg: bytes, sizes: dict[int, tuple[int, int]]) -> bytes:
    entries = b"".join(struct.pack(">HHHH", tag, 4, height, width) for tag, (width, height) in sizes.items())
    directory = struct.pack(">I", len(sizes)) + entries
    header = b"FUJIFILMCCD-RAW 0201".ljust(84, b"\x00")
    return header + struct.pack(">IIII", 100, len(jpeg), 100 + len(jpeg), len(directory)) + jpeg + directory


def test_a_fujifilm_file_has_its_jpeg_s_metadata_and_the_sensor_s_size(tmp_path: Path) -> None:
    jpeg = make_jpeg(tmp_path / "a.jpg", seed=1, rating=3, keywords=["sea"], gps=(1.5, 2.5), orientation=8).read_bytes()
    facts, blocks = facts_in(raf(jpeg, {0x100: (4992, 3296), 0x111: (4896, 3264)}))
    assert (facts.width, facts.height, facts.orientation) == (4896, 3264, 8)
    assert facts.capture_time is not None
    assert (facts.embedded.rating, facts.embedded.keywords) == (3, ("sea",))
    assert facts.gps is not None
    assert [list(spans) for spans in blocks.embedded_pictures] == [[(100, len(jpeg))]]
    assert blocks.method_kind is None
    assert facts_in(raf(jpeg, {0x100: (4992, 3296)}))[0].width == 4992


def test_a_minolta_file_has_its_tiff_block_s_metadata() -> None:
    described = described_page()
    tiff = make_tiff([described], order=">")
    size = bytes(8) + struct.pack(">4H", 2456, 3272, 2448, 3264) + bytes(8)
    blocks = b"".join(
        name + struct.pack(">I", len(data)) + data for name, data in ((b"\x00PRD", size), (b"\x00TTW", tiff))
    )
    facts, _ = facts_in(b"\x00MRM" + struct.pack(">I", len(blocks)) + blocks + b"picture")
    assert (facts.width, facts.height) == (3264, 2448)
    assert (facts.camera.model, facts.orientation) == ("Testmodel 1", 6)


def x3f(jpeg: bytes, properties: dict[str, str], *, version: int = 0x20002, rotation: int = 0) -> bytes:
    size = struct.pack("<IIi", 2268, 1512, rotation)
    header = (b"FOVb" + struct.pack("<I", version)).ljust(40 if version >= 0x40000 else 28, b"\x00") + size
    pairs = text = b""
    for name, value in properties.items():
        places = [len(text) // 2, len(text) // 2 + len(name) + 1]
        pairs += struct.pack("<II", *places)
        text += f"{name}\x00{value}\x00".encode("utf-16-le")
    sections = {
        b"PROP": b"SECp" + struct.pack("<5I", 0x20000, len(properties), 0, 0, len(text)) + pairs + text,
        b"IMA2": b"SECi".ljust(28, b"\x00") + jpeg,
    }
    data = header
    directory = b"SECd" + struct.pack("<II", 0x20000, len(sections))
    for kind, section in sections.items():
        directory += struct.pack("<II", len(data), len(section)) + kind
        data += section
    return data + directory + struct.pack("<I", len(data))


class CountingReader(MemoryReader):
    """Counts how often it is read."""

    __slots__ = ("reads",)

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.reads = 0

    def read(self, offset: int, length: int) -> bytes:
        self.reads += 1
        return super().read(offset, length)


def x3f_of_sections(count: int, *, is_same: bool) -> bytes:
    """A file whose sections lie in one another: a JPEG of very many segments, again and again."""
    header = (b"FOVb" + struct.pack("<I", 0x20002)).ljust(28, b"\x00") + struct.pack("<IIi", 20, 10, 0)
    section = bytes(28) + b"\xff\xd8" + b"\xff\xe0\x00\x02" * 10_000 + bytes(count)
    places = [(len(header), len(section) - (0 if is_same else number), b"IMA2") for number in range(count)]
    directory = b"SECd" + struct.pack("<II", 0x20002, count) + b"".join(struct.pack("<II4s", *at) for at in places)
    return header + section + directory + struct.pack("<I", len(header) + len(section))


@pytest.mark.parametrize("is_same", [True, False])
def test_sections_of_a_sigma_file_that_share_their_bytes_are_walked_once(is_same: bool) -> None:
    alone, many = CountingReader(x3f_of_sections(1, is_same=True)), CountingReader(x3f_of_sections(64, is_same=is_same))
    for each in (alone, many):
        assert walk(each).fault is None
    assert alone.reads > 10_000
    assert many.reads < alone.reads + 64 * 200  # the frame of each is looked for, in a header of bounded length


def test_a_sigma_file_s_largest_jpeg_speaks_and_all_are_found(tmp_path: Path) -> None:
    jpegs = [make_jpeg(tmp_path / f"{n}.jpg", seed=n, size=(40 * n, 30 * n)).read_bytes() for n in (1, 2)]
    header = (b"FOVb" + struct.pack("<I", 0x20002)).ljust(28, b"\x00") + struct.pack("<IIi", 20, 10, 0)
    data, directory = header, b"SECd" + struct.pack("<II", 0x20002, 2)
    for jpeg in jpegs:
        directory += struct.pack("<II4s", len(data), 28 + len(jpeg), b"IMA2")
        data += bytes(28) + jpeg
    blocks = walk(MemoryReader(data + directory + struct.pack("<I", len(data))))
    ranges = [next(iter(spans)) for spans in blocks.embedded_pictures]
    second_at = len(header) + 28 + len(jpegs[0]) + 28
    assert ranges == [(second_at, len(jpegs[1])), (len(header) + 28, len(jpegs[0]))]
    assert blocks.exif is not None
    assert next(iter(blocks.exif))[0] > second_at


def test_a_file_without_a_method_is_not_looked_into_for_its_fingerprint_alone(tmp_path: Path) -> None:
    jpeg = make_jpeg(tmp_path / "a.jpg", seed=1).read_bytes()
    for data in (raf(jpeg, {0x111: (40, 30)}), x3f(jpeg, SIGMA), crw(jpeg)):
        looked, counted = CountingReader(data), CountingReader(data)
        walk(looked)
        walk(counted, is_for_facts=False)
        assert counted.reads == 1 < looked.reads
        assert fingerprint_bytes(data).method == "file-1"


SIGMA = {"CAMMANUF": "SIGMA", "CAMMODEL": "SD10", "TIME": "978309395", "ISO": "100", "SHUTTER": "0.5", "FLENGTH": "30"}


@pytest.mark.parametrize("version", [0x20002, 0x40001])
def test_a_sigma_file_has_its_properties(version: int) -> None:
    facts, _ = facts_in(x3f(b"", SIGMA, version=version, rotation=90))
    assert (facts.width, facts.height, facts.orientation) == (2268, 1512, 6)
    assert facts.capture_time is not None
    assert facts.capture_time.local == "2001-01-01T00:36:35"
    assert (facts.camera.make, facts.camera.model, facts.camera.iso) == ("SIGMA", "SD10", 100)
    assert (facts.camera.exposure_seconds, facts.camera.focal_length_mm) == (0.5, 30.0)


def test_exif_in_a_sigma_file_s_jpeg_goes_before_its_properties(tmp_path: Path) -> None:
    jpeg = make_jpeg(tmp_path / "a.jpg", seed=1, taken="2009:11:28 13:05:20").read_bytes()
    facts, blocks = facts_in(x3f(jpeg, SIGMA))
    assert facts.capture_time is not None
    assert facts.capture_time.local == "2009-11-28T13:05:20"
    assert len(blocks.embedded_pictures) == 1


def crw(jpeg: bytes) -> bytes:
    values = [
        (0x080A, b"Canon\x00Canon EOS D60\x00"),
        (0x1810, struct.pack("<IIfi", 3072, 2048, 1.0, 270)),
        (0x180E, struct.pack("<III", 1_068_485_966, 0, 0)),
        (0x2007, jpeg),
    ]
    inner = heap([*values, (0x5029, struct.pack("<HHI", 2, 24, 0))])
    return b"II" + struct.pack("<I", 26) + b"HEAPCCDR".ljust(20, b"\x00") + heap([(0x300A, inner)])


def test_a_file_of_canon_s_old_layout_has_what_its_heap_says(tmp_path: Path) -> None:
    jpeg = make_jpeg(tmp_path / "a.jpg", seed=1).read_bytes()
    data = crw(jpeg)
    facts, blocks = facts_in(data)
    assert (facts.width, facts.height, facts.orientation) == (3072, 2048, 8)
    assert (facts.camera.make, facts.camera.model, facts.camera.focal_length_mm) == ("Canon", "Canon EOS D60", 24.0)
    assert facts.capture_time is not None
    assert (facts.capture_time.local, facts.capture_time.offset) == ("2003-11-10T17:39:26", None)
    assert [list(spans) for spans in blocks.embedded_pictures] == [[(data.index(jpeg), len(jpeg))]]


def test_heaps_that_hold_each_other_cost_little() -> None:
    """Each of a thousand entries names the file's whole heap again."""
    data = b"II" + struct.pack("<I", 26) + b"HEAPCCDR".ljust(20, b"\x00")
    length = 2 + 1000 * 10 + 4
    data += struct.pack("<H", 1000) + struct.pack("<HII", 0x300A, length, 0) * 1000 + bytes(4)
    blocks = walk(MemoryReader(data))
    assert blocks.fault == "more entries or heaps than any real picture has"


def test_changed_bytes_never_raise(tmp_path: Path) -> None:
    jpeg = make_jpeg(tmp_path / "a.jpg", seed=1, size=(32, 24), rating=3).read_bytes()
    generator = random.Random(5)
    seeds = [raf(jpeg, {0x111: (40, 30)}), x3f(jpeg, SIGMA), crw(jpeg), make_tiff([described_page()], mark=0x55)]
    for _ in range(2_000):
        data = bytearray(generator.choice(seeds))
        for _ in range(generator.randint(1, 4)):
            at = generator.randrange(len(data))
            data[at : at + generator.choice([1, 4])] = generator.choice([b"\xff", b"\x00", generator.randbytes(4)])
        del data[generator.choice([len(data), generator.randrange(len(data))]) :]
        reader = MemoryReader(bytes(data))
        blocks = walk(reader)
        facts_of(read_blocks(reader, blocks), blocks, file_format="RAW")
        assert all(at + length <= reader.size for spans in blocks.embedded_pictures for at, length in spans)
