"""Dates of cameras older than EXIF: what is read, what EXIF overrules, and that no other content is taken for one."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from imalink.core.picture import Camera, PictureFacts
from imalink.media.hothash import fingerprint_bytes
from imalink.media.metadata import facts_of, read_blocks
from imalink.media.metadata_exif import parse_exif
from imalink.media.metadata_old_cameras import parse_old_cameras
from imalink.media.metadata_reconyx import find_capture_time
from imalink.media.reader import MemoryReader
from imalink.media.walk import walk
from tests.support.ciff import heap
from tests.support.photos import join_jpeg, make_jpeg, split_jpeg

Segment = tuple[int, bytes]


def ciff_segment(*, rotation: int = 90) -> bytes:
    values = [
        (0x080A, b"Canon\x00Canon PowerShot A5\x00"),
        (0x180E, struct.pack("<III", 972_687_386, 0, 0)),
        (0x1810, struct.pack("<IIfi", 1024, 768, 1.0, rotation)),
        (0x5029, struct.pack("<HHI", 1, 5, 0)),
    ]
    return b"II" + struct.pack("<I", 26) + b"HEAPJPGM".ljust(20, b"\x00") + heap([(0x300A, heap(values))])


def picture_info(*lines: bytes) -> bytes:
    return b"\r\n".join(
        (
            b"OLYMPUS OPTICAL CO.,LTD.   \x00 713",
            b"[picture info]",
            *lines,
            b"[camera info]",
            b"TimeDate=1",
            b"[end]\x00",
        )
    )


def qvci_segment(moment: bytes = b"1998.10.24.12.08.57") -> bytes:
    return b"QVCI".ljust(0x4D, b"\x00") + moment + b"\x00\x06KX-778\x00"


def hyperfire_note(layout: str = "<", *, moment: tuple[int, ...] = (5, 4, 10, 3, 16, 2020)) -> bytes:
    return b"\x01\xf1\x03\x00".ljust(22, b"\x00") + struct.pack(layout + "6H", *moment) + bytes(40)


CIFF: Segment = (0xE0, ciff_segment())
PICTURE_INFO: Segment = (0xEC, picture_info(b"TimeDate=909698819", b"Shutter=33363", b"Flash=1", b"FNumber=F2.8"))
QVCI: Segment = (0xE1, qvci_segment())


def jpeg_with(path: Path, *segments: Segment, taken: str | None = None, keep_exif: bool = False) -> bytes:
    made, rest = split_jpeg(make_jpeg(path, seed=1, size=(16, 16), taken=taken).read_bytes())
    return join_jpeg([*segments, *((code, payload) for code, payload in made if keep_exif or code != 0xE1)], rest)


def facts_in(data: bytes) -> PictureFacts:
    reader = MemoryReader(data)
    blocks = walk(reader)
    facts, findings = facts_of(read_blocks(reader, blocks), blocks, file_format="JPEG")
    assert findings == ()
    return facts


def local_time(facts: PictureFacts) -> str | None:
    return facts.capture_time.local if facts.capture_time else None


def exif_with(note: bytes, **other: str) -> bytes:
    block = Image.Exif()
    block.get_ifd(0x8769).update({0x927C: note, **({0x9003: other["taken"]} if other else {})})
    return block.tobytes()


@pytest.mark.parametrize(
    ("segment", "local"),
    [(CIFF, "2000-10-27T22:56:26"), (PICTURE_INFO, "1998-10-29T22:06:59"), (QVCI, "1998-10-24T12:08:57")],
    ids=["ciff", "picture-info", "qvci"],
)
def test_the_date_in_a_camera_s_own_segment_counts_without_exif_and_not_against_it(
    segment: Segment, local: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.jpg"
    facts = facts_in(jpeg_with(path, segment))
    assert local_time(facts) == local
    assert facts.capture_time is not None
    assert facts.capture_time.offset is None
    assert local_time(facts_in(jpeg_with(path, segment, keep_exif=True))) == local
    with_date = jpeg_with(path, segment, taken="2024:07:10 14:30:00", keep_exif=True)
    assert local_time(facts_in(with_date)) == "2024-07-10T14:30:00"


@pytest.mark.parametrize("segment", [CIFF, PICTURE_INFO, QVCI], ids=["ciff", "picture-info", "qvci"])
def test_the_segments_do_not_count_for_the_hothash(segment: Segment, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    bare, filled = (fingerprint_bytes(jpeg_with(path, *segments)) for segments in ((), (segment,)))
    assert (bare.method, bare.hothash) == (filled.method, filled.hothash)
    assert bare.method == "jpeg-1"


def test_the_camera_is_read_too_and_exif_s_goes_before_it(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    canon = Camera(make="Canon", model="Canon PowerShot A5", focal_length_mm=5.0)
    assert facts_in(jpeg_with(path, CIFF)).camera == canon
    assert facts_in(jpeg_with(path, PICTURE_INFO)).camera == Camera(exposure_seconds=0.033363, f_number=2.8)
    assert facts_in(jpeg_with(path, CIFF, keep_exif=True)).camera.make == "Testmaker"


def test_a_jpeg_is_not_turned_as_ciff_says(tmp_path: Path) -> None:
    """Nothing that shows a JPEG knows CIFF."""
    facts = facts_in(jpeg_with(tmp_path / "a.jpg", CIFF))
    assert (facts.orientation, facts.width, facts.height) == (1, 16, 16)


@pytest.mark.parametrize(
    "segment",
    [
        (0xE0, b"II\x1a\x00\x00\x00HEAPCCDR" + ciff_segment()[14:]),
        (0xE0, ciff_segment()[:-1]),
        (0xE0, ciff_segment()[:20]),
        (0xE2, ciff_segment()),
        (0xEC, b"Ducky\x00\x01\x00\x04\x00\x00\x00\x46TimeDate=909698819\r\n"),
        (0xEC, picture_info(b"TimeDate=0", b"Shutter=0", b"FNumber=F0")),
        (0xEC, picture_info(b"TimeDate=99999999999", b"Shutter=a", b"FNumber=wide")),
        (0xEC, picture_info(b"TimeDate=yesterday", b"OtherTimeDate=909698819")),
        (0xEC, picture_info()),
        (0xE1, qvci_segment(b"1998.10.24.12.08.5x")),
        (0xE1, qvci_segment(b"1998.13.24.12.08.57")),
        (0xE1, qvci_segment(b"0000.00.00.00.00.00")),
        (0xE1, qvci_segment()[:80]),
        (0xE1, b"QVCJ" + qvci_segment()[4:]),
    ],
)
def test_what_is_no_date_is_none(segment: Segment, tmp_path: Path) -> None:
    facts = facts_in(jpeg_with(tmp_path / "a.jpg", segment))
    assert (facts.capture_time, facts.camera) == (None, Camera())


def test_the_first_segment_of_a_sort_wins(tmp_path: Path) -> None:
    later = (0xE1, qvci_segment(b"2001.01.01.00.00.00"))
    assert local_time(facts_in(jpeg_with(tmp_path / "a.jpg", QVCI, later))) == "1998-10-24T12:08:57"


@pytest.mark.parametrize("layout", ["<", ">"])
def test_a_trail_camera_s_note_is_read_in_either_byte_order(layout: str) -> None:
    facts = parse_exif(exif_with(hyperfire_note(layout)))
    assert facts.capture_time is not None
    assert (facts.capture_time.local, facts.capture_time.offset) == ("2020-03-16T10:04:05", None)


def test_exif_s_date_goes_before_a_trail_camera_s_note() -> None:
    facts = parse_exif(exif_with(hyperfire_note(), taken="2024:07:10 14:30:00"))
    assert facts.capture_time is not None
    assert facts.capture_time.local == "2024-07-10T14:30:00"


@pytest.mark.parametrize(
    "note",
    [
        b"",
        hyperfire_note()[:33],
        b"\x01\xf1\x04\x00" + hyperfire_note()[4:],
        b"RECONYXH" + hyperfire_note(),
        hyperfire_note(moment=(5, 4, 10, 3, 16, 1020)),
        hyperfire_note(moment=(5, 4, 10, 2, 30, 2020)),
        hyperfire_note(moment=(0, 0, 0, 0, 0, 0)),
    ],
)
def test_other_notes_have_no_date(note: bytes) -> None:
    assert find_capture_time(note) is None


@pytest.mark.samples
@pytest.mark.parametrize(
    ("name", "local"),
    [
        ("exif-samples/jpg/exif-org/sony-powershota5.jpg", "2000-10-27T22:56:26"),
        ("exif-samples/jpg/exif-org/olympus-d320l.jpg", "1998-10-29T22:06:59"),
        ("exif-samples/jpg/Reconyx_HC500_Hyperfire.jpg", "2020-03-16T10:00:00"),
        ("tiny-formats/CasioQVCI.jpg", "1998-10-24T12:08:57"),
        ("tiny-formats/ExifTool.jpg", "2001-05-19T18:36:41"),  # EXIF's, beside CIFF and picture info
    ],
)
def test_samples_have_their_dates(sample_photos: Path, name: str, local: str) -> None:
    assert local_time(facts_in((sample_photos / name).read_bytes())) == local


@given(
    name=st.sampled_from(("ciff", "picture-info", "qvci", "note")),
    changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6),
    length=st.integers(0, 400),
)
@settings(max_examples=600, deadline=None)
def test_changed_bytes_never_raise(name: str, changes: list[tuple[int, int]], length: int) -> None:
    seeds = {"ciff": CIFF[1], "picture-info": PICTURE_INFO[1], "qvci": QVCI[1], "note": hyperfire_note()}
    data = bytearray(seeds[name])
    for at, value in changes:
        data[at % len(data)] = value
    parse_old_cameras({name: bytes(data[:length])})
    find_capture_time(bytes(data[:length]))


def test_the_largest_segments_are_quick() -> None:
    # Each entry names the whole heap again.
    whole_heap = struct.pack("<HII", 0x300A, 2 + 1_000 * 10 + 4, 0)
    hostile = {
        "ciff": ciff_segment()[:26] + struct.pack("<H", 1_000) + whole_heap * 1_000 + bytes(4),
        "picture-info": b"[picture info]" + b"TimeDate=" * 7_000,
        "qvci": qvci_segment().ljust(65_533, b"1"),
    }
    hostile_lines = {"picture-info": b"[picture info]" + b"\nFNumber=F" * 6_500}
    start = time.process_time()
    for _ in range(20):
        parse_old_cameras(hostile)
        parse_old_cameras(hostile_lines)
    assert time.process_time() - start < 5
