"""The hothash: golden files, what changes it, what does not, and the rules of the format page one by one."""

from __future__ import annotations

import hashlib
import io
import os
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from imalink.media import hothash, reader
from imalink.media.hothash import fingerprint_bytes, fingerprint_descriptor, hothash_of
from imalink.media.reader import DescriptorReader, MemoryReader
from imalink.media.walk import walk
from tests.media.reference_hothash import reference_hothash
from tests.support.photos import join_jpeg, jpeg_segment, make_jpeg, make_png, set_rating_in_place, split_jpeg

pytestmark = pytest.mark.hothash_consistency

GOLDEN = Path(__file__).parent.parent / "golden" / "hothash"
GOLDEN_FILES = sorted(
    path for path in GOLDEN.iterdir() if path.name != "README.md" and not path.name.endswith(".parts.txt")
)


def agree(data: bytes) -> None:
    """Both implementations read it alike."""
    fingerprint = fingerprint_bytes(data)
    assert (fingerprint.hothash, fingerprint.method) == reference_hothash(data)


def file_name(path: Path) -> str:
    return path.name


def described(data: bytes) -> str:
    """The file as the golden descriptions have it."""
    fingerprint = fingerprint_bytes(data)
    lines = [f"method  {fingerprint.method}", f"hothash {fingerprint.hothash}"]
    if fingerprint.method != "file-1":
        for part in walk(MemoryReader(data)).iter_parts():
            content = part.built + b"".join(data[offset : offset + length] for offset, length in part.spans)
            lines.append(f"{part.tag.decode()} {part.length:6} {hashlib.sha256(content).hexdigest()[:16]}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("path", GOLDEN_FILES, ids=file_name)
def test_golden_files_keep_their_parts_and_hothash(path: Path) -> None:
    assert described(path.read_bytes()) == path.with_name(path.name + ".parts.txt").read_text()


@pytest.mark.parametrize("path", GOLDEN_FILES, ids=file_name)
def test_golden_files_are_read_alike_by_the_second_implementation(path: Path) -> None:
    data = path.read_bytes()
    fingerprint = fingerprint_bytes(data)
    assert (fingerprint.hothash, fingerprint.method) == reference_hothash(data)


def test_there_are_golden_files_of_every_sort() -> None:
    names = {path.name for path in GOLDEN_FILES}
    assert {"baseline.jpg", "progressive.jpg", "adobe-cmyk.jpg", "palette.png", "animated.png"} <= names
    assert all(path.stat().st_size < 4096 for path in GOLDEN_FILES)


@pytest.mark.parametrize("path", GOLDEN_FILES, ids=file_name)
def test_a_file_too_large_for_memory_gets_the_same_hothash(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = fingerprint_bytes(path.read_bytes())
    monkeypatch.setattr(reader, "MEMORY_LIMIT", 0)
    monkeypatch.setattr(reader, "_WINDOW", 7)
    monkeypatch.setattr(reader, "_HEAD_WINDOW", 5)
    monkeypatch.setattr(hothash, "_WINDOW", 11)
    with path.open("rb") as file:
        assert fingerprint_descriptor(file.fileno()) == expected


def test_the_descriptor_keeps_its_position(tmp_path: Path) -> None:
    path = make_jpeg(tmp_path / "a.jpg", seed=1)
    with path.open("rb", buffering=0) as file:
        file.seek(5)
        fingerprint = fingerprint_descriptor(file.fileno())
        assert file.tell() == 5
    assert fingerprint == fingerprint_bytes(path.read_bytes())
    assert fingerprint.size_bytes == path.stat().st_size
    assert fingerprint.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_without_bytes_has_the_hothash_of_nothing() -> None:
    fingerprint = fingerprint_bytes(b"")
    assert fingerprint.method == "file-1"
    assert fingerprint.hothash == fingerprint.sha256 == hashlib.sha256().hexdigest()


def test_a_rating_changes_the_bytes_but_not_the_picture(tmp_path: Path) -> None:
    path = make_jpeg(tmp_path / "a.jpg", seed=1)
    before = fingerprint_bytes(path.read_bytes())
    set_rating_in_place(path, 4)
    after = fingerprint_bytes(path.read_bytes())
    assert after.hothash == before.hothash
    assert after.sha256 != before.sha256


def test_pictures_of_different_content_differ(tmp_path: Path) -> None:
    hothashes = {fingerprint_bytes(make_jpeg(tmp_path / f"{n}.jpg", seed=n).read_bytes()).hothash for n in range(20)}
    assert len(hothashes) == 20


def test_a_file_that_shrinks_between_walk_and_hash_has_no_hothash_of_its_own(tmp_path: Path) -> None:
    path = make_jpeg(tmp_path / "a.jpg", seed=1)
    with path.open("r+b") as file:
        shrinking = DescriptorReader(file.fileno(), path.stat().st_size)
        blocks = walk(shrinking)
        os.truncate(file.fileno(), 2_000)
        assert blocks.fault is None
        assert hothash_of(shrinking, blocks) is None


def test_a_file_made_of_the_hashed_text_has_the_hothash_but_not_the_sum_of_the_picture() -> None:
    data = (GOLDEN / "plain.png").read_bytes()
    text = b"imalink-hothash-1\0png\0"
    for part in walk(MemoryReader(data)).iter_parts():
        content = part.built + b"".join(data[offset : offset + length] for offset, length in part.spans)
        text += part.tag + len(content).to_bytes(8, "big") + content
    made, picture = fingerprint_bytes(text), fingerprint_bytes(data)
    assert (made.hothash, made.method, picture.method) == (picture.hothash, "file-1", "png-1")
    assert made.sha256 != picture.sha256


# Sensitivity: whatever a decoder needs.


def jpeg(*, progressive: bool = False, restarts: bool = False) -> bytes:
    target = io.BytesIO()
    options: dict[str, int] = {"restart_marker_rows": 1} if restarts else {}
    picture = Image.effect_noise((64, 48), 60).convert("RGB")
    picture.save(target, "JPEG", quality=80, progressive=progressive, **options)
    return target.getvalue()


def with_changed_byte(data: bytes, at: int) -> bytes:
    """One bit of one byte changed, without making or losing an FF."""
    value = data[at] ^ 1
    return data[:at] + bytes((value if value != 0xFF else data[at] ^ 2,)) + data[at + 1 :]


def payload_at(data: bytes, code: int) -> int:
    return data.index(bytes((0xFF, code))) + 4


def entropy_byte(data: bytes, marker: int, step: int) -> int:
    """A byte of coded data some way after (or before) a marker, not part of an FF pair."""
    at = marker + step
    while 0xFF in data[at - 1 : at + 2]:
        at += 1 if step > 0 else -1
    return at


JPEG_CHANGES: dict[str, Callable[[bytes], int]] = {
    "a quantisation table": lambda data: payload_at(data, 0xDB) + 5,
    "a Huffman table": lambda data: payload_at(data, 0xC4) + 18,
    "the scan header": lambda data: payload_at(data, 0xDA) + 2,
    "the first scan": lambda data: entropy_byte(data, payload_at(data, 0xDA), 40),
    "the last scan": lambda data: entropy_byte(data, data.rindex(b"\xff\xd9"), -9),
}


@pytest.mark.parametrize("progressive", [False, True], ids=["baseline", "progressive"])
@pytest.mark.parametrize("change", JPEG_CHANGES)
def test_a_changed_byte_of_a_jpeg_changes_its_hothash(change: str, progressive: bool) -> None:
    data = jpeg(progressive=progressive)
    changed = with_changed_byte(data, JPEG_CHANGES[change](data))
    assert fingerprint_bytes(changed).method == "jpeg-1"
    assert fingerprint_bytes(changed).hothash != fingerprint_bytes(data).hothash


def test_the_height_of_a_jpeg_counts() -> None:
    data = jpeg()
    at = payload_at(data, 0xC0) + 1
    assert int.from_bytes(data[at : at + 2], "big") == 48
    changed = with_changed_byte(data, at + 1)
    assert fingerprint_bytes(changed).hothash != fingerprint_bytes(data).hothash


def test_a_byte_after_the_last_restart_marker_counts() -> None:
    data = jpeg(restarts=True)
    last = max(data.rfind(bytes((0xFF, code))) for code in range(0xD0, 0xD8))
    assert last > 0
    changed = with_changed_byte(data, entropy_byte(data, last, 4))
    assert fingerprint_bytes(changed).method == "jpeg-1"
    assert fingerprint_bytes(changed).hothash != fingerprint_bytes(data).hothash


def test_the_order_of_restart_markers_counts() -> None:
    data = jpeg(restarts=True)
    at = data.index(b"\xff\xd1")
    changed = data[:at] + b"\xff\xd2" + data[at + 2 :]
    assert fingerprint_bytes(changed).hothash != fingerprint_bytes(data).hothash


def test_every_byte_of_a_golden_jpeg_that_is_no_metadata_counts() -> None:
    data = (GOLDEN / "baseline.jpg").read_bytes()
    original = fingerprint_bytes(data).hothash
    assert data[2:4] == b"\xff\xe0"
    metadata = {3, *range(6, 20)}  # JFIF's payload, and its code, which may become another APPn
    # A scan's header and data are one part, so the header's length is not in the hash. It follows from the number of
    # components that is; a file with another length is one that no decoder reads.
    scan_length = {payload_at(data, 0xDA) - 2, payload_at(data, 0xDA) - 1}
    unnoticed = {at for at in range(len(data)) if fingerprint_bytes(with_changed_byte(data, at)).hothash == original}
    assert unnoticed == metadata | scan_length


def png_chunk_at(data: bytes, name: bytes) -> int:
    return data.index(name) + 4


@pytest.mark.parametrize(
    ("name", "chunk", "step"),
    [
        ("palette.png", b"PLTE", 7),
        ("palette.png", b"tRNS", 0),
        ("palette.png", b"IDAT", 20),
        ("plain.png", b"IHDR", 3),
        ("animated.png", b"acTL", 7),
        ("animated.png", b"fcTL", 21),
        ("animated.png", b"fdAT", 30),
        ("animated.png", b"IDAT", 30),
    ],
)
def test_a_changed_byte_of_a_png_changes_its_hothash(name: str, chunk: bytes, step: int) -> None:
    data = (GOLDEN / name).read_bytes()
    changed = with_changed_byte(data, png_chunk_at(data, chunk) + step)
    assert fingerprint_bytes(changed).method == "png-1"
    assert fingerprint_bytes(changed).hothash != fingerprint_bytes(data).hothash


@pytest.mark.parametrize(("name", "chunk"), [("animated.png", b"fcTL"), ("animated.png", b"fdAT")])
def test_sequence_numbers_and_checksums_of_a_png_do_not_count(name: str, chunk: bytes) -> None:
    data = (GOLDEN / name).read_bytes()
    renumbered = with_changed_byte(data, png_chunk_at(data, chunk) + 3)
    unchecked = with_changed_byte(data, len(data) - 1)
    assert fingerprint_bytes(renumbered).hothash == fingerprint_bytes(data).hothash
    assert fingerprint_bytes(unchecked).hothash == fingerprint_bytes(data).hothash


def test_the_way_a_png_is_cut_into_chunks_does_not_count() -> None:
    whole, pieces = (GOLDEN / name for name in ("animated.png", "animated-in-pieces.png"))
    assert fingerprint_bytes(whole.read_bytes()).hothash == fingerprint_bytes(pieces.read_bytes()).hothash


@pytest.mark.parametrize("between", [b"tEXt", b"PLTE", b"fdAT", b"IDAT"])
def test_no_chunk_may_stand_between_those_of_a_png_s_data(between: bytes) -> None:
    data = (GOLDEN / "many-idat.png").read_bytes()
    second = data.index(b"IDAT", data.index(b"IDAT") + 4) - 4
    payload = b"" if between == b"IDAT" else b"a\0bcde"
    chunk = len(payload).to_bytes(4, "big") + between + payload + zlib.crc32(between + payload).to_bytes(4, "big")
    apart = data[:second] + chunk + data[second:]
    fingerprint = fingerprint_bytes(apart)
    assert fingerprint.method == ("png-1" if between == b"IDAT" else "file-1")
    assert (fingerprint.hothash, fingerprint.method) == reference_hothash(apart)
    if between == b"tEXt":
        with pytest.raises(OSError, match="truncated"):
            Image.open(io.BytesIO(apart)).load()


# Rules that are easy to get wrong.


def test_fill_bytes_before_a_marker_do_not_count() -> None:
    segments, rest = split_jpeg(jpeg())
    filled = b"\xff\xd8" + b"".join(b"\xff\xff" + jpeg_segment(code, payload) for code, payload in segments)
    filled += b"\xff" * 40 + rest[:-2] + b"\xff" * 5_000 + b"\xff\xd9"
    assert fingerprint_bytes(filled).hothash == fingerprint_bytes(join_jpeg(segments, rest)).hothash


@pytest.mark.parametrize("data_after_fill", [b"\xff\xff\x00", b"\xff\xff\xd3", b"\xff" * 99 + b"\x00"])
def test_a_row_of_fill_bytes_before_data_is_data(data_after_fill: bytes) -> None:
    data = jpeg()
    longer = data[:-2] + data_after_fill + data[-2:]
    fingerprint = fingerprint_bytes(longer)
    assert fingerprint.method == "jpeg-1"
    assert fingerprint.hothash != fingerprint_bytes(data).hothash
    assert (fingerprint.hothash, fingerprint.method) == reference_hothash(longer)


@pytest.mark.parametrize("payload", [b"Adobe", b"Adob", b""], ids=["Adobe", "Adob", "empty"])
def test_only_an_app14_that_begins_with_adobe_counts(payload: bytes) -> None:
    segments, rest = split_jpeg(jpeg())
    marked = fingerprint_bytes(join_jpeg([*segments, (0xEE, payload)], rest))
    is_same = marked.hothash == fingerprint_bytes(join_jpeg(segments, rest)).hothash
    assert is_same == (payload != b"Adobe")


JFIF = (0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0")
ADOBE_RGB, ADOBE_YCC = ((0xEE, b"Adobe\0\x64\0\0\0\0" + bytes((transform,))) for transform in (0, 1))


def bare(*, is_named_rgb: bool) -> tuple[list[tuple[int, bytes]], bytes]:
    """Segments and scan of a picture with neither JFIF nor Adobe."""
    target = io.BytesIO()
    Image.new("RGB", (16, 16), (200, 30, 60)).save(target, "JPEG", quality=95, keep_rgb=is_named_rgb)
    segments, rest = split_jpeg(target.getvalue())
    return [segment for segment in segments if segment[0] not in (0xE0, 0xEE)], rest


COLOURED: dict[str, tuple[bool, list[tuple[int, bytes]], bool]] = {
    "named R, G, B": (True, [], True),
    "Adobe's RGB": (False, [ADOBE_RGB], True),
    "Adobe's YCbCr": (False, [ADOBE_YCC], False),
    "nothing": (False, [], False),
}


@pytest.mark.parametrize("name", COLOURED)
def test_a_jfif_segment_counts_where_the_colours_depend_on_it_and_nowhere_else(name: str) -> None:
    is_named_rgb, marks, is_needed = COLOURED[name]
    segments, rest = bare(is_named_rgb=is_named_rgb)
    without, with_it = join_jpeg([*marks, *segments], rest), join_jpeg([JFIF, *marks, *segments], rest)
    too_short = join_jpeg([(0xE0, JFIF[1][:13]), *marks, *segments], rest)
    late = join_jpeg([*marks, *segments, JFIF], rest)
    for data in (without, with_it, too_short, late):
        agree(data)
    shown = [Image.open(io.BytesIO(data)).convert("RGB").getpixel((3, 3)) for data in (without, with_it)]
    assert (shown[0] != shown[1]) == is_needed
    hothashes = [fingerprint_bytes(data).hothash for data in (without, with_it)]
    assert (hothashes[0] != hothashes[1]) == is_needed
    assert fingerprint_bytes(too_short).hothash == hothashes[0]
    assert fingerprint_bytes(late).hothash == hothashes[1]


def test_a_jfif_segment_after_the_first_scan_does_not_count() -> None:
    segments, rest = bare(is_named_rgb=True)
    late = join_jpeg(segments, rest[:-2] + jpeg_segment(*JFIF) + rest[-2:])
    agree(late)
    assert fingerprint_bytes(late).hothash == fingerprint_bytes(join_jpeg(segments, rest)).hothash


def test_an_app14_looks_for_adobe_only_in_its_own_payload() -> None:
    segments, rest = split_jpeg(jpeg())
    # What follows the payload `Ado` reads on as `be` only beyond the segment's end.
    data = join_jpeg([(0xEE, b"Ado")], b"")[: -0 or None] + join_jpeg(segments, rest)[2:]
    assert fingerprint_bytes(data).hothash == fingerprint_bytes(join_jpeg(segments, rest)).hothash


def test_more_parts_than_the_limit_make_the_file_its_own_picture() -> None:
    segments, rest = split_jpeg(jpeg())
    spare = 65_536 - len([code for code, _ in segments if code != 0xE0]) - 1
    at_limit = join_jpeg([*segments, *[(0xDD, b"")] * spare], rest)
    above = join_jpeg([*segments, *[(0xDD, b"")] * (spare + 1)], rest)
    assert fingerprint_bytes(at_limit).method == "jpeg-1"
    assert fingerprint_bytes(above).method == "file-1"


def test_a_jpeg_may_have_a_hundred_thousand_segments() -> None:
    segments, rest = split_jpeg(jpeg())
    spare = 100_000 - len(segments) - 1  # the scan is one
    for more, method in ((0, "jpeg-1"), (1, "file-1")):
        data = join_jpeg([*segments, *[(0xFE, b"")] * (spare + more)], rest)
        assert fingerprint_bytes(data).method == method
        agree(data)


@pytest.mark.slow
def test_a_png_may_have_a_million_chunks() -> None:
    data = (GOLDEN / "plain.png").read_bytes()
    first = data.index(b"IDAT") - 4
    chunk = b"\0\0\0\0tEXt" + bytes(4)
    spare = 1_048_576 - 3  # IHDR, IDAT and IEND
    assert data.count(b"IDAT") == 1
    for more, method in ((0, "png-1"), (1, "file-1")):
        changed = data[:first] + chunk * (spare + more) + data[first:]
        start = time.process_time()
        assert fingerprint_bytes(changed).method == method
        assert time.process_time() - start < 15
        agree(changed)


def test_palettes_and_transparency_of_pillow_s_pngs_are_well_formed(tmp_path: Path) -> None:
    for mode in ("RGB", "RGBA", "L", "P"):
        path = make_png(tmp_path / f"{mode}.png", seed=3, mode=mode)
        assert fingerprint_bytes(path.read_bytes()).method == "png-1"
