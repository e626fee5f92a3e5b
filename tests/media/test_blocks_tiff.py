"""The hothash of TIFF and RAW: which picture is chosen, what counts and what does not; and what else a walk finds."""

from __future__ import annotations

import hashlib
import io
import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from imalink.media.blocks import Blocks
from imalink.media.hothash import fingerprint_bytes
from imalink.media.reader import MemoryReader
from imalink.media.walk import walk
from tests.media.reference_hothash import reference_hothash
from tests.support.photos import noise_picture
from tests.support.processor_time import assert_about_linear
from tests.support.tiffs import BYTE, JPEG, LONG, SHORT, STRIPS, TILES, UNDEFINED, Page, make_tiff, picture_tags

pytestmark = pytest.mark.hothash_consistency

GOLDEN = Path(__file__).parent.parent / "golden" / "hothash"
SUFFIXES = (".tif", ".tiff", ".dng", ".nef", ".cr2", ".arw", ".pef", ".srw", ".orf", ".rw2")
SEEDS = [path.read_bytes() for path in sorted(GOLDEN.iterdir()) if path.suffix in SUFFIXES]
SENSOR = 32803
CANON = b"CR\x02\x00\x00\x00\x00\x00"


def page(
    width: int = 16,
    height: int = 12,
    *,
    seed: int = 0,
    photometric: int = 1,
    strips: int = 2,
    subfile: int | None = None,
) -> Page:
    """A picture of one byte a pixel."""
    tags = picture_tags(width, height, photometric=photometric)
    tags[278] = (SHORT, [height // strips])
    if subfile is not None:
        tags[254] = (LONG, [subfile])
    data = random.Random(seed).randbytes(width * height // strips * strips)
    step = len(data) // strips
    return Page(tags=tags, pieces=[data[at : at + step] for at in range(0, len(data), step)])


def small_jpeg(width: int = 40, height: int = 30) -> bytes:
    target = io.BytesIO()
    noise_picture(1, (width, height)).save(target, "JPEG")
    return target.getvalue()


def preview(width: int = 40, height: int = 30) -> Page:
    return Page(tags={259: (SHORT, [6])}, pieces=[small_jpeg(width, height)], piece_tags=JPEG)


def agree(data: bytes) -> str:
    fingerprint = fingerprint_bytes(data)
    assert (fingerprint.hothash, fingerprint.method) == reference_hothash(data)
    return fingerprint.method


def walked(data: bytes) -> Blocks:
    return walk(MemoryReader(data))


def sizes_of_data(data: bytes) -> list[int]:
    return [part.length for part in walked(data).iter_parts() if part.tag == b"DATA"]


def hothash(data: bytes) -> str:
    fingerprint = fingerprint_bytes(data)
    assert fingerprint.method == "tiff-1", walked(data).fault
    return fingerprint.hothash


# Which picture is chosen.


def test_the_sensor_s_picture_is_chosen_before_thumbnail_and_preview() -> None:
    front = page(8, 6, subfile=1)
    front.children = [preview(), page(20, 10, photometric=SENSOR, strips=1)]
    blocks = walked(make_tiff([front]))
    assert (blocks.width, blocks.height) == (20, 10)
    assert [part.length for part in blocks.iter_parts() if part.tag == b"DATA"] == [200]


def test_of_several_sensor_pictures_the_one_with_most_pixels_then_most_bytes_counts() -> None:
    front = page(8, 6, subfile=1)
    longer = page(20, 20, photometric=SENSOR, strips=1)
    longer.pieces[0] += b"more"
    front.children = [page(20, 10, photometric=SENSOR), page(20, 20, photometric=SENSOR), longer]
    assert sizes_of_data(make_tiff([front])) == [404]


def test_the_fourth_directory_of_a_canon_file_counts() -> None:
    pages = [page(40, 30), preview(), page(10, 10), Page(tags={259: (SHORT, [6])}, pieces=[b"sensor data"])]
    assert sizes_of_data(make_tiff(pages, extra=CANON)) == [11]
    assert fingerprint_bytes(make_tiff(pages[:3], extra=CANON)).method == "file-1"


def test_reduced_pictures_do_not_count_beside_full_ones() -> None:
    alone = make_tiff([page()])
    old_mark = page(6, 6)
    old_mark.tags[255] = (SHORT, [2])
    beside = make_tiff([page(), page(8, 6, subfile=1), old_mark, preview()])
    assert hothash(beside) == hothash(alone)


def test_every_full_page_counts_in_the_order_of_pages_and_not_of_data() -> None:
    pages = [page(seed=1), page(14, 12, seed=2)]
    one, other = make_tiff(pages), make_tiff(pages, is_data_reversed=True)
    assert hothash(one) == hothash(other)
    assert hothash(make_tiff(pages[::-1])) != hothash(one)
    assert hothash(make_tiff(pages[:1])) != hothash(one)


def test_a_mask_counts_and_so_does_a_page_in_a_subdirectory() -> None:
    top = page()
    top.children = [page(seed=3, subfile=4)]
    assert len(sizes_of_data(make_tiff([top]))) == 4


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_size_of_offsets_does_not_count(order: str) -> None:
    assert hothash(make_tiff([page()], order=order, mark=43)) == hothash(make_tiff([page()], order=order))


@pytest.mark.parametrize("mark", [42, 43])
def test_the_byte_order_counts_since_it_is_that_of_the_samples(mark: int) -> None:
    deep = page()
    deep.tags |= {256: (SHORT, [8]), 258: (SHORT, [16])}
    little, big = (make_tiff([deep], order=order, mark=mark) for order in "<>")
    assert hothash(little) != hothash(big)
    assert agree(little) == agree(big) == "tiff-1"
    if mark == 42:
        first, second = (Image.open(io.BytesIO(data)).getpixel((0, 0)) for data in (little, big))
        assert first != second


@pytest.mark.parametrize(("mark", "order"), [(0x4F52, "<"), (0x5352, "<"), (0x4F52, ">"), (0x5352, ">")])
def test_the_first_directory_of_an_olympus_file_counts(mark: int, order: str) -> None:
    data = make_tiff([page(subfile=1), page()], mark=mark, order=order)
    assert len(sizes_of_data(data)) == 2
    assert agree(data) == "tiff-1"


def panasonic(*, length: int, raw: bytes = bytes(range(200)), sensor_width: int = 24) -> bytes:
    tags = {2: (SHORT, [sensor_width]), 3: (SHORT, [18]), 4: (SHORT, [1]), 5: (SHORT, [2]), 6: (SHORT, [17])}
    tags |= {7: (SHORT, [22]), 46: (UNDEFINED, small_jpeg()), 273: (LONG, [0xFFFFFFFF]), 279: (LONG, [length])}
    size = len(make_tiff([Page(tags={**tags, 280: (LONG, [0])})], mark=0x55))
    return make_tiff([Page(tags={**tags, 280: (LONG, [size])})], mark=0x55) + raw


def test_a_panasonic_file_s_data_ends_where_its_length_says_or_with_the_file() -> None:
    assert sizes_of_data(panasonic(length=150)) == [150]
    assert sizes_of_data(panasonic(length=999_999)) == [200]
    assert hothash(panasonic(length=150) + b"trailer") == hothash(panasonic(length=150))


def test_a_panasonic_file_s_size_and_preview_are_found() -> None:
    data = panasonic(length=150)
    blocks = walked(data)
    assert (blocks.width, blocks.height) == (20, 16)
    assert pictures(data, blocks) == [small_jpeg()]


# What counts.


def every_tag() -> Page:
    picture = page()
    numbers = {266: 1, 284: 1, 292: 0, 293: 0, 317: 1, 320: 5, 338: 0, 339: 1, 512: 1, 530: 2, 33421: 2, 50752: 3}
    picture.tags |= {tag: (SHORT, [value]) for tag, value in numbers.items()}
    picture.tags |= {50974: (SHORT, [2]), 50975: (SHORT, [2]), 52547: (SHORT, [2])}
    picture.tags |= {33422: (BYTE, [0, 1, 1, 2]), 347: (UNDEFINED, b"\xff\xd8tables\xff\xd9")}
    return picture


@pytest.mark.parametrize("tag", [tag for tag in sorted(every_tag().tags) if tag not in (*STRIPS, 262)])
def test_every_value_that_decoding_needs_counts(tag: int) -> None:
    changed = every_tag()
    kind, values = changed.tags[tag]
    changed.tags[tag] = (kind, [int(str(values[0])) ^ 64, *(int(str(value)) for value in values[1:])])
    assert hothash(make_tiff([changed])) != hothash(make_tiff([every_tag()]))
    del changed.tags[tag]
    if tag not in (256, 257):
        assert hothash(make_tiff([changed])) != hothash(make_tiff([every_tag()]))


@pytest.mark.parametrize("tag", [2, 3])
def test_the_sensor_s_size_in_a_panasonic_file_counts(tag: int) -> None:
    data = panasonic(length=150)
    at = data.index(tag.to_bytes(2, "little") + b"\x03\x00\x01\x00\x00\x00") + 8
    changed = data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]
    assert hothash(changed) != hothash(data)


def test_the_width_of_a_number_does_not_count_but_how_many_there_are_does() -> None:
    wide, more = page(), page()
    wide.tags[256] = (LONG, [16])
    more.tags[258] = (SHORT, [8, 8])
    assert hothash(make_tiff([wide])) == hothash(make_tiff([page()]))
    assert hothash(make_tiff([more])) != hothash(make_tiff([page()]))


@pytest.mark.parametrize("pair", [STRIPS, TILES, JPEG])
def test_every_byte_of_strips_and_tiles_counts_and_so_does_where_they_are_cut(pair: tuple[int, int]) -> None:
    picture = page()
    picture.piece_tags = pair
    original = hothash(make_tiff([picture]))
    data = make_tiff([picture])
    start = data.index(picture.pieces[0])
    length = sum(map(len, picture.pieces))
    for at in range(start, start + length):
        assert hothash(data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]) != original
    first, second = picture.pieces
    picture.pieces = [first + second[:1], second[1:]]
    assert hothash(make_tiff([picture])) != original


METADATA = {
    254: (LONG, [4]),
    271: (2, b"Maker\0"),
    274: (SHORT, [6]),
    282: (5, [(300, 1)]),
    700: (BYTE, b"<x:xmpmeta/>"),
    33723: (UNDEFINED, b"\x1c\x02\x19\x00\x01a"),
    34377: (BYTE, b"8BIM"),
    34675: (UNDEFINED, b"profile"),
    50714: (SHORT, [128]),
}


@pytest.mark.parametrize("tag", METADATA)
def test_metadata_does_not_count(tag: int) -> None:
    described = page()
    described.tags[tag] = METADATA[tag]
    with_it, without = make_tiff([described]), make_tiff([page()])
    assert hothash(with_it) == hothash(without) == hothash(without + b"a trailer")


# What is not well-formed.


def with_tags(**tags: tuple[int, list[int]]) -> bytes:
    picture = page(8, 8)
    picture.tags |= {int(name[1:]): value for name, value in tags.items()}
    return make_tiff([picture])


NOT_WELL_FORMED: dict[str, bytes] = {
    "no directory": make_tiff([]),
    "no picture": make_tiff([Page(tags={271: (2, b"Maker\0")})]),
    "only a thumbnail": make_tiff([page(subfile=1)]),
    "no byte of data": with_tags(_279=(LONG, [0, 0])),
    "unequal counts": with_tags(_279=(LONG, [8])),
    "data beyond the end": with_tags(_279=(LONG, [8, 99_999])),
    "data that is shared": with_tags(_273=(LONG, [8, 8, 8, 8]), _279=(LONG, [120, 120, 120, 120])),
    "tables of old JPEG": with_tags(_520=(LONG, [8])),
    "a value of no type": with_tags(_258=(BYTE, [8])).replace(b"\x02\x01\x01\x00", b"\x02\x01\x63\x00"),
    "a directory beyond the end": make_tiff([page()])[:-60],
    "too many values": with_tags(_258=(BYTE, [8])).replace(b"\x02\x01\x01\x00\x01", b"\x02\x01\x01\x00\xff\xff\xff", 1),
}


@pytest.mark.parametrize("name", NOT_WELL_FORMED)
def test_a_broken_rule_makes_the_file_its_own_picture(name: str) -> None:
    data = NOT_WELL_FORMED[name]
    fingerprint = fingerprint_bytes(data)
    assert (fingerprint.method, fingerprint.hothash) == ("file-1", hashlib.sha256(data).hexdigest())
    assert walked(data).fault
    agree(data)


def nested(depth: int) -> Page:
    top = page(8, 8)
    below = top
    for level in range(depth):
        below.children = [page(8, 8, seed=level)]
        below = below.children[0]
    return top


@pytest.mark.parametrize(("pages", "method"), [(64, "tiff-1"), (65, "file-1")])
def test_there_may_be_sixty_four_directories(pages: int, method: str) -> None:
    assert agree(make_tiff([page(4, 4, seed=number) for number in range(pages)])) == method


@pytest.mark.parametrize(("depth", "method"), [(4, "tiff-1"), (5, "file-1")])
def test_subdirectories_may_lie_four_deep(depth: int, method: str) -> None:
    assert agree(make_tiff([nested(depth)])) == method


def test_a_file_that_breaks_late_keeps_its_size_and_metadata() -> None:
    picture = page(20, 10)
    picture.tags[700] = METADATA[700]
    picture.tags[279] = (LONG, [100, 99_999])
    blocks = walked(make_tiff([picture]))
    assert blocks.fault
    assert (blocks.width, blocks.height) == (20, 10)
    assert blocks.xmp is not None
    assert blocks.exif_is_file


# Sizes and pictures inside.


def pictures(data: bytes, blocks: Blocks) -> list[bytes]:
    return [b"".join(data[at : at + length] for at, length in spans) for spans in blocks.embedded_pictures]


def test_embedded_jpegs_are_found_the_largest_first() -> None:
    front = page(8, 6, subfile=1)
    whole_strip = Page(tags=picture_tags(90, 60) | {254: (LONG, [1]), 259: (SHORT, [7])}, pieces=[small_jpeg(90, 60)])
    front.children = [preview(30, 20), page(20, 10, photometric=SENSOR), whole_strip]
    data = make_tiff([front, preview(60, 40)])
    assert pictures(data, walked(data)) == [small_jpeg(90, 60), small_jpeg(60, 40), small_jpeg(30, 20)]


def test_what_is_no_jpeg_or_a_lossless_one_is_no_embedded_picture() -> None:
    lossless = small_jpeg().replace(b"\xff\xc0", b"\xff\xc3", 1)
    pages = [page(), *(Page(pieces=[data], piece_tags=JPEG) for data in (b"no picture", lossless, b"\xff\xd8\xff"))]
    assert walked(make_tiff(pages)).embedded_pictures == []


def lossless_frame(width: int, height: int, components: int) -> bytes:
    frame = (
        b"\x0e" + height.to_bytes(2, "big") + width.to_bytes(2, "big") + bytes((components,)) + bytes(3 * components)
    )
    return b"\xff\xd8\xff\xc3" + (len(frame) + 2).to_bytes(2, "big") + frame + bytes(20)


@pytest.mark.parametrize(
    ("frame", "slices", "size"),
    [
        (lossless_frame(1758, 2328, 2), [1, 1758, 1758], (3516, 2328)),
        (lossless_frame(1448, 3804, 4), [2, 1936, 1920], (5792, 3804)),
        (lossless_frame(1000, 4000, 4), [1, 1000, 1000], (2000, 8000)),
        (lossless_frame(3888, 2592, 3), [1, 7, 7], (3888, 2592)),
        (lossless_frame(1000, 800, 2), [], (2000, 800)),
        (b"nothing like a JPEG", [1, 10, 10], (None, None)),
    ],
)
def test_a_canon_file_s_size_is_that_of_its_sensor(
    frame: bytes, slices: list[int], size: tuple[int | None, int | None]
) -> None:
    sensor = Page(tags={259: (SHORT, [6])}, pieces=[frame])
    if slices:
        sensor.tags[50752] = (SHORT, slices)
    blocks = walked(make_tiff([page(40, 30), preview(), page(10, 10), sensor], extra=CANON))
    assert (blocks.width, blocks.height) == size
    sensor.tags |= {256: (SHORT, [4000]), 257: (SHORT, [3000])}
    blocks = walked(make_tiff([page(40, 30), preview(), page(10, 10), sensor], extra=CANON))
    assert (blocks.width, blocks.height) == (4000, 3000)


# Bytes that come as they like.


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(["change", "number", "cut", "end"])):
            case "change" if at < len(data):
                data[at] = draw(st.sampled_from([0, 1, 2, 3, 254, 255]) | st.integers(0, 255))
            case "number":
                number = draw(st.sampled_from([0, 8, 0xFFFFFFFF, len(data)]) | st.integers(0, len(data)))
                data[at : at + 4] = number.to_bytes(4, draw(st.sampled_from(["little", "big"])))
            case "cut":
                del data[at : at + draw(st.integers(1, 12))]
            case "end" if draw(st.booleans()):
                del data[at:]
            case _:
                pass
    return bytes(data)


@given(data=mutated())
@settings(max_examples=1_500, deadline=None)
def test_mutated_tiffs_are_read_alike_by_both_implementations(data: bytes) -> None:
    agree(data)


@pytest.mark.samples
def test_mutated_samples_are_read_alike_by_both_implementations(sample_photos: Path) -> None:
    generator = random.Random(7)
    samples = [path for path in sorted(sample_photos.rglob("*")) if path.suffix.lower() in SUFFIXES]
    assert len(samples) > 10
    methods = {agree(path.read_bytes()) for path in samples}
    assert methods == {"tiff-1"}
    for path in samples:
        original = path.read_bytes()
        if len(original) > 20_000:
            continue
        for _ in range(60):
            data = bytearray(original)
            for _ in range(generator.randint(1, 3)):
                data[generator.randrange(len(data))] = generator.choice([0, 1, 255, generator.randrange(256)])
            agree(bytes(data))


def overlapping_directories(size: int) -> bytes:
    """A directory at every twelfth byte, each of as many entries as are read, of which 60 are named."""
    top = page()
    top.tags[330] = (LONG, [8 + 12 * number for number in range(60)])
    entry = (4096).to_bytes(2, "little") + b"\x01\x00" + bytes(8)
    return make_tiff([top], extra=entry * (size // 12))


def shared_strips(size: int) -> bytes:
    count = min(size // 16, 262_144)
    picture = Page(tags=picture_tags(64, 64))
    picture.tags |= {273: (LONG, [8] * count), 279: (LONG, [size] * count)}
    return make_tiff([picture], extra=bytes(size))


def tiny_strips(size: int) -> bytes:
    count = min(size // 8, 262_144)
    picture = Page(tags=picture_tags(64, 64) | {273: (LONG, [8] * count), 279: (LONG, [1] * count)})
    return make_tiff([picture], extra=bytes(size // 2))


def many_values(size: int) -> bytes:
    """Every tag of every directory points at the same great block."""
    count = min(size, 262_144)
    tags = dict.fromkeys((258, 317, 320, 338, 339, 512, 530, 33421, 33422, 50752), (BYTE, b""))
    pages = [Page(tags=picture_tags(8, 8) | tags, pieces=[b"data"]) for _ in range(60)]
    data = make_tiff(pages, extra=bytes(size))
    for tag in tags:
        entry = tag.to_bytes(2, "little") + b"\x01\x00" + bytes(8)
        data = data.replace(entry, entry[:4] + count.to_bytes(4, "little") + (8).to_bytes(4, "little"))
    return data


HOSTILE: dict[str, Callable[[int], bytes]] = {
    "strips that share their data": shared_strips,
    "strips of one byte": tiny_strips,
    "values that share their bytes": many_values,
    "a directory full of entries": lambda size: b"II*\x00\x08\x00\x00\x00\xff\xff" + bytes(size),
    "directories that share their entries": overlapping_directories,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_no_tiff_takes_more_than_linear_time_and_bounded_memory(name: str) -> None:
    small, large = (HOSTILE[name](megabytes * 1024 * 1024) for megabytes in (1, 4))
    assert_about_linear(lambda: fingerprint_bytes(small), lambda: fingerprint_bytes(large), at_most=5)
    for data in (small, large):
        tracemalloc.start()
        walk(MemoryReader(data))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 64 * 1024 * 1024
