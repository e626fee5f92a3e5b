"""The hothash of WebP and GIF: what changes it, what does not, and what hostile files cost."""

from __future__ import annotations

import io
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from imalink.media.blocks_gif import SubBlocks
from imalink.media.hothash import fingerprint_bytes
from imalink.media.reader import DescriptorReader, MemoryReader
from imalink.media.walk import walk
from tests.media.reference_hothash import reference_hothash
from tests.media.test_hothash import GOLDEN, with_changed_byte
from tests.media.test_invariance import edited
from tests.support.exiftool import edit_in_place
from tests.support.mutations import mutated_files
from tests.support.photos import noise_picture, xmp_packet
from tests.support.processor_time import assert_about_linear

pytestmark = pytest.mark.hothash_consistency

GOLDEN_FILES = sorted(path for path in GOLDEN.iterdir() if path.suffix in (".webp", ".gif"))


def golden(name: str) -> bytes:
    return (GOLDEN / name).read_bytes()


def hothash(data: bytes) -> str:
    return fingerprint_bytes(data).hothash


def agree(data: bytes) -> None:
    fingerprint = fingerprint_bytes(data)
    assert (fingerprint.hothash, fingerprint.method) == reference_hothash(data)


# Sensitivity.


def unnoticed(data: bytes) -> set[int]:
    """Where a changed bit leaves the hothash as it is."""
    original = hothash(data)
    return {at for at in range(len(data)) if hothash(with_changed_byte(data, at)) == original}


def test_every_byte_of_a_plain_webp_counts() -> None:
    assert unnoticed(golden("lossy.webp")) == set()
    assert unnoticed(golden("lossless.webp")) == set()


def test_every_byte_of_an_extended_webp_counts_but_for_other_flags_and_padding() -> None:
    data = golden("alpha.webp")
    assert data[12:16] == b"VP8X"
    flags_and_reserved = {20, 21, 22, 23}  # the bit that is changed says nothing of the picture
    alpha_at = data.index(b"ALPH")
    alpha_length = int.from_bytes(data[alpha_at + 4 : alpha_at + 8], "little")
    padding = {alpha_at + 8 + alpha_length} if alpha_length % 2 else set[int]()
    assert unnoticed(data) == flags_and_reserved | padding


def test_every_byte_of_a_gif_counts_but_for_its_version() -> None:
    # The version text may become another that is known; all other bytes of this file are tables or data.
    data = golden("palette.gif")
    assert unnoticed(data) <= {4}
    assert hothash(golden("version-87a.gif")) == hothash(b"GIF89a" + golden("version-87a.gif")[6:])


def chunk_at(data: bytes, name: bytes, number: int = 0) -> int:
    at = -1
    for _ in range(number + 1):
        at = data.index(name, at + 1)
    return at + 8


@pytest.mark.parametrize(
    ("name", "chunk", "number", "step"),
    [
        ("lossy.webp", b"VP8 ", 0, 20),
        ("lossless.webp", b"VP8L", 0, 30),
        ("alpha.webp", b"ALPH", 0, 12),
        ("alpha.webp", b"VP8X", 0, 4),
        ("animated.webp", b"ANIM", 0, 4),  # how often it loops
        ("animated.webp", b"ANMF", 1, 12),  # how long a frame stands
        ("animated.webp", b"ANMF", 2, 40),
    ],
)
def test_a_changed_byte_of_a_webp_changes_its_hothash(name: str, chunk: bytes, number: int, step: int) -> None:
    data = golden(name)
    changed = fingerprint_bytes(with_changed_byte(data, chunk_at(data, chunk, number) + step))
    assert changed.method == "webp-1"
    assert changed.hothash != hothash(data)


def with_flags(data: bytes, flags: int) -> bytes:
    assert data[12:16] == b"VP8X"
    return data[:20] + bytes((flags,)) + data[21:]


@pytest.mark.parametrize("name", ["alpha.webp", "animated.webp"])
def test_of_the_flags_of_a_webp_alpha_and_animation_count_and_no_other(name: str) -> None:
    data = golden(name)
    counting = {bit for bit in range(8) if hothash(with_flags(data, data[20] ^ 1 << bit)) != hothash(data)}
    assert counting == {1, 4}
    for bit in range(8):
        agree(with_flags(data, data[20] ^ 1 << bit))


def test_the_flags_that_count_are_those_that_change_what_is_decoded() -> None:
    data = golden("alpha.webp")
    opaque = with_flags(data, data[20] & ~0x10)
    assert Image.open(io.BytesIO(data)).getchannel("A").getextrema() != (255, 255)
    assert Image.open(io.BytesIO(opaque)).convert("RGBA").getchannel("A").getextrema() == (255, 255)
    assert hothash(opaque) != hothash(data)


def extended(data: bytes, flags: int) -> bytes:
    """A plain WebP with a VP8X before its picture."""
    width, height = Image.open(io.BytesIO(data)).size
    numbers = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return riff(b"VP8X\x0a\0\0\0" + bytes((flags, 0, 0, 0)) + numbers + data[12:])


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_of_a_lossless_webp_the_picture_itself_says_whether_it_is_transparent(mode: str) -> None:
    target = io.BytesIO()
    picture = noise_picture(1, (16, 12)).convert(mode)
    if mode == "RGBA":
        picture.putalpha(100)
    picture.save(target, "WEBP", lossless=True)
    data = target.getvalue()
    assert data[12:16] == b"VP8L"
    assert len({hothash(data), *(hothash(extended(data, flags)) for flags in (0, 0x10, 0x04, 0x14))}) == 1
    alpha_bit = data[:24] + bytes((data[24] ^ 0x10,)) + data[25:]
    assert hothash(alpha_bit) != hothash(data)
    for changed in (data, alpha_bit, *(extended(data, flags) for flags in (0, 0x10, 0x02, 0x12))):
        agree(changed)
    assert Image.open(io.BytesIO(extended(data, 0))).mode == Image.open(io.BytesIO(extended(data, 0x10))).mode == mode


def test_a_lossy_webp_without_an_extended_header_is_opaque() -> None:
    data = golden("lossy.webp")
    assert hothash(extended(data, 0)) == hothash(data)
    assert hothash(extended(data, 0x10)) != hothash(data)
    agree(extended(data, 0x10))


def test_a_frame_less_or_in_another_order_is_another_picture() -> None:
    data = golden("animated.webp")
    second, third = chunk_at(data, b"ANMF", 1) - 8, chunk_at(data, b"ANMF", 2) - 8
    shorter = data[:third]
    shorter = shorter[:4] + (len(shorter) - 8).to_bytes(4, "little") + shorter[8:]
    swapped = data[:second] + data[third:] + data[second:third]
    for changed in (shorter, swapped):
        assert fingerprint_bytes(changed).method == "webp-1"
        assert hothash(changed) != hothash(data)


GIF_CHANGES: dict[str, tuple[str, Callable[[bytes], int]]] = {
    "the screen": ("palette.gif", lambda data: 6),
    "an entry of the palette": ("palette.gif", lambda data: 13 + 7),
    "where the picture stands": ("palette.gif", lambda data: data.index(b"\x2c\0\0\0\0") + 1),
    "an LZW byte": ("palette.gif", lambda data: len(data) - 30),
    "how often it loops": ("animated.gif", lambda data: data.index(b"NETSCAPE2.0") + 13),
    "how long a frame stands": ("animated.gif", lambda data: data.index(b"\x21\xf9\x04") + 4),
    "the last frame": ("animated.gif", lambda data: len(data) - 6),
    "a local palette": ("local-table.gif", lambda data: data.index(b"\x81") + 3),
}


@pytest.mark.parametrize("change", GIF_CHANGES)
def test_a_changed_byte_of_a_gif_changes_its_hothash(change: str) -> None:
    name, place = GIF_CHANGES[change]
    data = golden(name)
    changed = fingerprint_bytes(with_changed_byte(data, place(data)))
    assert changed.method == "gif-1"
    assert changed.hothash != hothash(data)


def test_metadata_padding_and_the_way_data_is_cut_do_not_count() -> None:
    assert len({hothash(golden(name)) for name in ("lossy.webp", "much-metadata.webp", "trailer.webp")}) == 1
    assert len({hothash(golden(name)) for name in ("palette.gif", "much-metadata.gif", "other-sub-blocks.gif")}) == 1
    assert hothash(golden("no-pad-byte.webp") + b"\x00") == hothash(golden("no-pad-byte.webp"))


def test_the_size_of_a_webp_is_the_canvas_before_the_frame() -> None:
    for name, size in (("size-after-picture.webp", (24, 16)), ("lossless.webp", (12, 10)), ("animated.webp", (16, 12))):
        blocks = walk(MemoryReader(golden(name)))
        assert (blocks.width, blocks.height) == size


def test_more_parts_than_the_limit_make_the_file_its_own_picture() -> None:
    data = golden("palette.gif")
    control = b"\x21\xf9\x04\x00\x00\x00\x00\x00"
    at = data.index(b"\x2c\0\0\0\0")
    spare = 65_536 - len(walk(MemoryReader(data)).parts)
    assert fingerprint_bytes(data[:at] + control * spare + data[at:]).method == "gif-1"
    assert fingerprint_bytes(data[:at] + control * (spare + 1) + data[at:]).method == "file-1"


def test_a_gif_may_have_a_quarter_of_a_million_blocks() -> None:
    data = golden("palette.gif")
    at = data.index(b"\x2c\0\0\0\0")
    for blocks, method in ((262_143, "gif-1"), (262_144, "file-1")):
        changed = data[:at] + b"\x21\xfe\x00" * blocks + data[at:]
        assert fingerprint_bytes(changed).method == method
        agree(changed)


@pytest.mark.slow
def test_a_gif_may_have_four_million_sub_blocks_in_all() -> None:
    comment = b"\x21\xfe" + b"\x01a" * 2_000_000 + b"\x00"
    spare = 4_194_304 - 2_000_000
    for more, method in ((0, "gif-1"), (1, "file-1")):
        data = gif_start() + comment + gif_of_data(b"\x01a" * (spare + more))[len(gif_start()) :]
        start = time.process_time()
        assert fingerprint_bytes(data).method == method
        assert time.process_time() - start < 15
        agree(data)


@pytest.mark.slow
def test_a_webp_may_have_a_million_chunks() -> None:
    picture = golden("lossy.webp")[12:]
    for more, method in ((0, "webp-1"), (1, "file-1")):
        assert fingerprint_bytes(riff(picture + b"JUNK\0\0\0\0" * (1_048_575 + more))).method == method


# Metadata blocks.


def test_xmp_of_a_gif_is_found_in_plain_text_and_in_sub_blocks() -> None:
    packet = xmp_packet(rating=4, keywords=["b"])
    data = golden("much-metadata.gif")
    found = walk(MemoryReader(data)).xmp
    assert found is not None
    assert b"".join(data[offset : offset + length] for offset, length in found) == packet
    cut = b"".join(bytes((len(packet[at : at + 200]),)) + packet[at : at + 200] for at in range(0, len(packet), 200))
    plain = golden("palette.gif")
    at = plain.index(b"\x2c\0\0\0\0")
    data = plain[:at] + b"\x21\xff\x0bXMP DataXMP" + cut + b"\x00" + plain[at:]
    found = walk(MemoryReader(data)).xmp
    assert found is not None
    assert b"".join(data[offset : offset + length] for offset, length in found) == packet


# The second implementation, and whatever bytes come.

INSERTED = [
    b"\x21\xff\x0bNETSCAPE2.0\x01a\x00",
    b"\x21\xf9\x04abcd\x00",
    b"\x2c",
    b"\x3b",
    b"VP8 ",
    b"\x00",
]


@given(data=mutated_files([path.read_bytes() for path in GOLDEN_FILES], INSERTED))
@settings(max_examples=1_500, deadline=None)
def test_mutated_pictures_are_read_alike_by_both_implementations(data: bytes) -> None:
    agree(data)


@given(start=st.sampled_from([b"GIF87a", b"GIF89a", b"RIFF\x10\0\0\0WEBP"]), rest=st.binary(max_size=300))
@settings(max_examples=500, deadline=None)
def test_bytes_that_only_begin_like_a_picture_are_read_alike(start: bytes, rest: bytes) -> None:
    agree(start + rest)


@pytest.mark.parametrize("path", GOLDEN_FILES, ids=lambda path: path.name)
def test_a_file_cut_off_anywhere_is_read_alike(path: Path) -> None:
    data = path.read_bytes()
    for length in range(0, len(data), 1 + len(data) // 200):
        agree(data[:length])


def test_sub_blocks_read_by_windows_are_those_read_at_once(tmp_path: Path) -> None:
    data = b"".join(bytes((1 + at % 255,)) + bytes(1 + at % 255) for at in range(2_000)) + b"\x00"
    path = tmp_path / "chain"
    path.write_bytes(data)
    with path.open("rb") as file:
        windows = SubBlocks(DescriptorReader(file.fileno(), len(data)), 0)
        at_once = SubBlocks(MemoryReader(data), 0)
        assert list(windows) == list(at_once)
    assert (windows.length, windows.end) == (at_once.length, at_once.end) == (len(data) - 2_001, len(data))


# Bytes made to be slow: 16 MB each, and a quarter of that.


def gif_start() -> bytes:
    return b"GIF89a\x04\0\x04\0\0\0\0"


def gif_of_data(sub_blocks: bytes) -> bytes:
    return gif_start() + b"\x2c\0\0\0\0\x04\0\x04\0\0\x02" + sub_blocks + b"\x00\x3b"


HOSTILE: dict[str, Callable[[int], bytes]] = {
    "sub-blocks of one byte": lambda size: gif_of_data(b"\x01a" * (size // 2)),
    "comments without text": lambda size: gif_start() + b"\x21\xfe\x00" * (size // 3),
    "pictures without data": lambda size: gif_start() + b"\x2c\0\0\0\0\x04\0\x04\0\0\x02\x00" * (size // 12),
    "XMP without end": lambda size: gif_start() + b"\x21\xff\x0bXMP DataXMP\x01a\x00" * (size // 17),
    "a chain without end": lambda size: gif_start() + b"\x21\xfe" + b"\x01" * size,
    "chunks without data": lambda size: riff(b"JUNK\0\0\0\0" * (size // 8)),
    "metadata chunks": lambda size: riff(b"EXIF\0\0\0\0" * (size // 8)),
    "frames without data": lambda size: riff(b"ANMF\0\0\0\0" * (size // 8)),
}


def riff(chunks: bytes) -> bytes:
    return b"RIFF" + (len(chunks) + 4).to_bytes(4, "little") + b"WEBP" + chunks


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_no_bytes_take_more_than_linear_time(name: str) -> None:
    small, large = (HOSTILE[name](megabytes * 1024 * 1024) for megabytes in (1, 4))
    assert_about_linear(lambda: fingerprint_bytes(small), lambda: fingerprint_bytes(large), at_most=15)


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_no_bytes_take_much_memory(name: str) -> None:
    data = HOSTILE[name](5 * 1024 * 1024 // 4)  # more parts of each kind than are kept
    tracemalloc.start()
    try:
        fingerprint_bytes(data)
        assert tracemalloc.get_traced_memory()[1] < 40 * 1024 * 1024  # 65,536 parts, never more
    finally:
        tracemalloc.stop()


# Invariance: what an independent editor does.

LONG_TEXT = "".join(f"word{number} " for number in range(4_000))
EDITS: dict[str, list[str]] = {
    "rating": ["-XMP:Rating=4"],
    "keywords": ["-XMP-dc:Subject=alpha", "-XMP-dc:Subject=bæta"],
    "position": ["-XMP:GPSLatitude=59.9", "-XMP:GPSLongitude=10.7"],
    "30 kB of XMP": [f"-XMP-dc:Description={LONG_TEXT}"],
    "strip all": ["-all="],
}
WEBP_EDITS: dict[str, list[str]] = {
    "EXIF position": ["-EXIF:GPSLatitude=59.9", "-EXIF:GPSLongitude=10.7"],
    "orientation": ["-EXIF:Orientation#=6"],
    "capture time": ["-EXIF:DateTimeOriginal=2001:02:03 04:05:06"],
    "delete colour profile": ["-ICC_Profile:all="],
}
GIF_EDITS: dict[str, list[str]] = {"comment": ["-Comment=seen"]}


def profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType, reportUnknownVariableType] - a core type without stubs


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pictures of each sort of WebP and GIF, with metadata for the edits to take out."""
    folder = tmp_path_factory.mktemp("photos")
    frames = [noise_picture(seed, (64, 48)) for seed in range(4)]
    clear = frames[0].convert("RGBA")
    clear.putalpha(clear.convert("L"))
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    packet, icc = xmp_packet(rating=2, keywords=["old"]), profile()
    made: dict[str, bytes] = {}
    for name, picture, options in (
        ("lossy.webp", frames[0], {"quality": 60}),
        ("lossless.webp", frames[1], {"lossless": True}),
        ("lossless-alpha.webp", clear, {"lossless": True}),
        ("alpha.webp", clear, {"quality": 60, "exif": exif, "xmp": packet, "icc_profile": icc}),
        (
            "animated.webp",
            frames[0],
            {"save_all": True, "append_images": frames[1:], "xmp": packet, "exif": exif, "icc_profile": icc},
        ),
        ("plain.gif", frames[0].quantize(64), {}),
        ("animated.gif", frames[0].quantize(64), {"save_all": True, "append_images": frames[1:], "comment": b"old"}),
    ):
        target = io.BytesIO()
        picture.save(target, name.rpartition(".")[2].upper(), **options)
        made[name] = target.getvalue()
    paths = {name: folder / name for name in made}
    for name, data in made.items():
        paths[name].write_bytes(data)
    for name in ("plain.gif", "lossy.webp", "lossless.webp", "lossless-alpha.webp"):
        edit_in_place(paths[name], "-XMP:Rating=1", "-XMP-dc:Title=old")
    return paths


def has_something_to_edit(name: str, edit: str) -> bool:
    return edit != "delete colour profile" or name in ("alpha.webp", "animated.webp")


EDITED = [
    (f"{photo}.{kind}", edit)
    for kind, edits, photos_of_kind in (
        ("webp", {**EDITS, **WEBP_EDITS}, ("lossy", "lossless", "lossless-alpha", "alpha", "animated")),
        ("gif", {**EDITS, **GIF_EDITS}, ("plain", "animated")),
    )
    for photo in photos_of_kind
    for edit in edits
    if has_something_to_edit(f"{photo}.{kind}", edit)
]


@pytest.mark.exiftool
@pytest.mark.parametrize(("photo", "edit"), EDITED)
def test_an_edit_keeps_the_hothash(photos: dict[str, Path], photo: str, edit: str, tmp_path: Path) -> None:
    arguments = {**EDITS, **WEBP_EDITS, **GIF_EDITS}[edit]
    before, after = edited(photos[photo], tmp_path, arguments)
    assert (after.hothash, after.method) == (before.hothash, f"{photo.rpartition('.')[2]}-1")
    assert after.sha256 != before.sha256


@pytest.mark.exiftool
@pytest.mark.parametrize("name", ["lossy.webp", "lossless.webp", "lossless-alpha.webp", "plain.gif", "animated.gif"])
def test_a_colour_profile_put_in_is_found_and_keeps_the_hothash(
    photos: dict[str, Path], name: str, tmp_path: Path
) -> None:
    icc = profile()
    (tmp_path / "srgb.icc").write_bytes(icc)
    before, after = edited(photos[name], tmp_path, [f"-ICC_Profile<={tmp_path / 'srgb.icc'}"])
    assert (after.hothash, after.method) == (before.hothash, before.method)
    assert after.sha256 != before.sha256
    data = (tmp_path / f"copy{photos[name].suffix}").read_bytes()
    [found] = walk(MemoryReader(data)).icc.values()
    assert b"".join(data[offset : offset + length] for offset, length in found) == icc


@pytest.mark.parametrize("name", ["lossy.webp", "alpha.webp", "animated.webp", "palette.gif", "animated.gif"])
def test_a_trailer_keeps_the_hothash(name: str) -> None:
    data = golden(name)
    before, after = fingerprint_bytes(data), fingerprint_bytes(data + b"RIFF and anything \x3b \x00")
    assert (after.hothash, after.method) == (before.hothash, before.method)
    assert after.sha256 != before.sha256


@pytest.mark.exiftool
@pytest.mark.samples
@pytest.mark.parametrize("name", ["albums/formats/webp/denali.webp", "tiny-formats/RIFF.webp", "tiny-formats/GIF.gif"])
@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_of_a_sample_keeps_its_hothash(sample_photos: Path, name: str, edit: str, tmp_path: Path) -> None:
    before, after = edited(sample_photos / name, tmp_path, EDITS[edit])
    assert before.method == f"{name.rpartition('.')[2]}-1"
    assert (after.hothash, after.method) == (before.hothash, before.method)
    assert after.sha256 != before.sha256
