"""HEIF, CR3, JPEG XL and films: what belongs to the picture, what does not, and the facts the walk finds."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from PIL import Image

from imalink.core.picture import PictureFacts
from imalink.media.analyser import PictureAnalyser
from imalink.media.blocks import Blocks
from imalink.media.hothash import fingerprint_bytes
from imalink.media.metadata import facts_of, read_blocks
from imalink.media.reader import MemoryReader
from imalink.media.walk import walk
from tests.media.reference_hothash import reference_hothash
from tests.support import boxes
from tests.support.boxes import Film, Item, box, find_box, full_box, number, picture_item, size_property
from tests.support.photos import noise_picture
from tests.support.videos import make_film_with_sound, packet_bytes

GOLDEN = Path(__file__).parent.parent / "golden" / "hothash"
PICTURES = Film(number=1, entry=boxes.video_entry(), chunks=((b"one", b"three"), (b"seven..",), (b"x", b"yy")))
SOUND = Film(number=2, handler="soun", entry=boxes.sound_entry(), chunks=((b"aaaa", b"bbbb"), (b"cccc",)))
CODESTREAM = boxes.codestream(40, 30, orientation=6, rest=b"coded data" * 5)


def golden(name: str) -> bytes:
    return (GOLDEN / name).read_bytes()


def hothash(data: bytes) -> str:
    """The hothash of a file, on which both implementations agree."""
    fingerprint = fingerprint_bytes(data)
    assert (fingerprint.hothash, fingerprint.method) == reference_hothash(data)
    return fingerprint.hothash


def method(data: bytes) -> str:
    hothash(data)
    return fingerprint_bytes(data).method


def walked(data: bytes) -> Blocks:
    return walk(MemoryReader(data))


def facts(data: bytes, file_format: str = "HEIC") -> PictureFacts:
    reader = MemoryReader(data)
    blocks = walk(reader)
    return facts_of(read_blocks(reader, blocks), blocks, file_format=file_format)[0]


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes((data[at] ^ 1,)) + data[at + 1 :]


# Sensitivity: whatever a decoder needs.


def test_there_are_golden_files_of_every_kind_of_boxes() -> None:
    methods = {fingerprint_bytes(path.read_bytes()).method for path in GOLDEN.iterdir() if path.suffix != ".txt"}
    assert {"heif-1", "cr3-1", "jxl-1", "video-1"} <= methods


PICTURE_BYTES: dict[tuple[str, str], Callable[[bytes], int]] = {
    ("still.heic", "a byte of the coded picture"): lambda data: data.index(bytes(range(40, 90))) + 9,
    ("still.heic", "the decoder's configuration"): lambda data: data.index(b"hvcC") + 11,
    ("still.heic", "the size"): lambda data: data.index(b"ispe") + 15,
    ("grid-and-alpha.avif", "a byte of a tile"): lambda data: data.index(b"\x02" * 20) + 5,
    ("grid-and-alpha.avif", "the second piece of a tile"): lambda data: data.index(b"\x66" * 7),
    ("grid-and-alpha.avif", "a byte of the transparency"): lambda data: data.index(b"alphaalpha") + 7,
    ("grid-and-alpha.avif", "the columns of the grid"): lambda data: data.index(b"idat") + 7,
    ("grid-and-alpha.avif", "the configuration of AV1"): lambda data: data.index(b"av1C") + 5,
    ("turned-tile.heic", "how a tile is turned"): lambda data: data.index(b"irot") + 4,
    ("turned-tile.heic", "how a tile is mirrored"): lambda data: data.index(b"imir") + 4,
    ("animated.avif", "the last frame"): lambda data: len(data) - 3,
    ("encoded.avif", "the coded picture"): lambda data: len(data) - 9,
    ("encoded.mp4", "a byte of a chunk"): lambda data: find_box(data, "mdat")[0] + 20,
    ("encoded.mp4", "the description of the samples"): lambda data: data.index(b"stsd") + 30,
    ("header-first.mp4", "the sound"): lambda data: data.index(b"cccc") + 1,
    ("header-first.mp4", "the last chunk"): lambda data: data.rindex(b"yy"),
    ("raw.cr3", "a raw sample"): lambda data: data.index(b"large raw picture") + 40,
    ("raw.cr3", "the parameters of the raw picture"): lambda data: data.index(b"CMP1") + 30,
    ("boxed.jxl", "the codestream"): lambda data: data.index(b"coded data") + 12,
    ("pieces.jxl", "a piece of the codestream"): lambda data: data.index(b"coded data") + 12,
}


@pytest.mark.hothash_consistency
@pytest.mark.parametrize(("name", "what"), PICTURE_BYTES)
def test_a_changed_byte_of_the_picture_changes_the_hothash(name: str, what: str) -> None:
    data = golden(name)
    changed = flipped(data, PICTURE_BYTES[name, what](data))
    assert hothash(changed) != hothash(data)
    assert method(changed) == method(data)


METADATA_BYTES: dict[tuple[str, str], Callable[[bytes], int]] = {
    ("still.heic", "the thumbnail"): lambda data: data.index(b"a thumbnail"),
    ("still.heic", "how it is turned"): lambda data: data.index(b"irot") + 4,
    ("still.heic", "the colour profile"): lambda data: data.index(b"prof") + 9,
    ("still.heic", "EXIF"): lambda data: data.rindex(b"MM\0*") + 7,
    ("grid-and-alpha.avif", "the gain map"): lambda data: data.index(b"gain map"),
    ("turned-with-alpha.avif", "how picture and transparency are turned"): lambda data: data.index(b"irot") + 4,
    ("header-first.mp4", "the camera's name"): lambda data: data.index(b"Testmaker"),
    ("header-first.mp4", "timed metadata"): lambda data: data.index(b"timed metadata"),
    ("header-first.mp4", "how it is turned"): lambda data: data.index(b"tkhd") + 46,
    ("raw.cr3", "EXIF"): lambda data: data.index(b"CMT1") + 9,
    ("raw.cr3", "the preview"): lambda data: data.index(b" preview") + 2,
    ("raw.cr3", "metadata of the shot"): lambda data: data.index(b"time, lens"),
    ("boxed.jxl", "EXIF"): lambda data: data.index(b"II*\0") + 7,
}


@pytest.mark.hothash_consistency
@pytest.mark.parametrize(("name", "what"), METADATA_BYTES)
def test_a_changed_byte_of_the_metadata_does_not(name: str, what: str) -> None:
    data = golden(name)
    assert hothash(flipped(data, METADATA_BYTES[name, what](data))) == hothash(data)


def test_the_order_of_an_item_s_pieces_counts() -> None:
    whole = [picture_item(data=(b"first", b"second"))]
    turned = [picture_item(data=(b"second", b"first"))]
    joined = [picture_item(data=(b"firstsecond",))]
    assert hothash(boxes.heif(whole)) == hothash(boxes.heif(joined))
    assert hothash(boxes.heif(whole)) != hothash(boxes.heif(turned))


def test_the_order_of_a_grid_s_tiles_counts() -> None:
    tiles = [picture_item(1, data=(b"left",)), picture_item(2, data=(b"right",))]

    def grid(*targets: int) -> bytes:
        links = tuple(("dimg", target) for target in targets)
        return boxes.heif([*tiles, Item(number=9, kind="grid", data=(b"grid",), links=links)], primary=9)

    assert len({hothash(grid(1, 2)), hothash(grid(2, 1)), hothash(grid(1, 1))}) == 3


def turn(*steps: tuple[str, int]) -> tuple[bytes, ...]:
    return tuple(box(kind, number(value, 1)) for kind, value in steps)


def grid_of(tile_properties: tuple[bytes, ...], *, of_grid: tuple[bytes, ...] = ()) -> bytes:
    """A grid of one tile that has its own turns."""
    tile = picture_item(1, properties=(*picture_item().properties, *tile_properties))
    top = Item(number=9, kind="grid", data=(b"grid",), links=(("dimg", 1),), properties=of_grid)
    return boxes.heif([tile, top], primary=9)


def test_how_a_tile_is_turned_counts_and_how_the_whole_is_turned_does_not() -> None:
    steps = [(), (("irot", 0),), (("irot", 1),), (("irot", 2),), (("imir", 1),)]
    orders = [(("irot", 1), ("imir", 1)), (("imir", 1), ("irot", 1))]
    assert len({hothash(grid_of(turn(*one))) for one in (*steps, *orders)}) == 7
    for one in steps:
        assert hothash(grid_of((), of_grid=turn(*one))) == hothash(grid_of(()))
        # A tile does not count less because the whole is turned alike.
        assert hothash(grid_of(turn(*one), of_grid=turn(*one))) == hothash(grid_of(turn(*one)))


def test_whether_a_tile_is_cropped_before_or_after_it_is_turned_counts() -> None:
    crop = box("clap", bytes(32))
    assert hothash(grid_of((crop, *turn(("irot", 1))))) != hothash(grid_of((*turn(("irot", 1)), crop)))


def test_a_transparency_counts_as_turned_only_where_its_picture_is_not_turned_alike() -> None:
    def transparent(of_picture: tuple[bytes, ...], of_alpha: tuple[bytes, ...]) -> str:
        picture = picture_item(1, properties=(*picture_item().properties, *of_picture))
        alpha = picture_item(2, properties=(boxes.alpha_property(), *of_alpha), links=(("auxl", 1),))
        return hothash(boxes.heif([picture, alpha]))

    left, right = turn(("irot", 1)), turn(("irot", 3))
    assert transparent(left, left) == transparent(right, right) == transparent((), ())
    assert len({transparent(left, left), transparent(left, right), transparent(right, left)}) == 3


def test_a_turn_without_a_value_is_damage() -> None:
    assert method(grid_of((box("irot"),))) == "file-1"
    assert walked(grid_of((box("irot"),))).fault is not None


@pytest.mark.parametrize("kind", ["hvc1", "hev1", "av01", "avc1", "vvc1", "jpeg", "grid", "iovl", "iden"])
def test_the_type_of_an_item_counts(kind: str) -> None:
    data = boxes.heif([picture_item(kind=kind)])
    assert method(data) == "heif-1"
    assert (hothash(data) == hothash(boxes.heif([picture_item()]))) == (kind == "hvc1")


@pytest.mark.parametrize("kind", ["unci", "lhv1", "j2k1", "mski", "tmap", "mime"])
def test_an_item_whose_configuration_no_rule_knows_has_no_method_and_no_damage(kind: str) -> None:
    tile = picture_item(1, kind=kind)
    grid = Item(number=9, kind="grid", data=(b"grid",), links=(("dimg", 1),))
    for data in (boxes.heif([tile]), boxes.heif([tile, grid], primary=9)):
        assert method(data) == "file-1"
        assert walked(data).fault is None
    # One that is no part of the picture costs nothing.
    assert hothash(boxes.heif([picture_item(2), tile], primary=2)) == hothash(boxes.heif([picture_item(2)], primary=2))


@pytest.mark.parametrize("kind", ["lsel", "a1op", "lhvC"])
def test_which_layer_is_shown_counts(kind: str) -> None:
    layers = [picture_item(properties=(*picture_item().properties, box(kind, number(n, 2)))) for n in (0, 1)]
    assert len({hothash(boxes.heif([item])) for item in (picture_item(), *layers)}) == 3


# HEIF: what belongs to the picture.


def test_how_a_heif_is_written_down_does_not_count() -> None:
    items = [picture_item(), Item(number=2, kind="Exif", data=(bytes(12),), links=(("cdsc", 1),))]
    plain = hothash(boxes.heif(items))
    assert hothash(boxes.heif(items[:1])) == plain
    assert hothash(boxes.heif(items, iloc_version=0)) == plain
    assert hothash(boxes.heif(items, iloc_version=2, are_ids_wide=True, are_indexes_wide=True)) == plain
    assert hothash(boxes.heif([replace(items[0], is_in_meta=True), items[1]])) == plain
    assert hothash(boxes.heif(items, before=[box("free", bytes(50)), boxes.long_box("skip", bytes(9))])) == plain


def test_a_picture_without_its_alpha_plane_is_another() -> None:
    alpha = picture_item(2, data=(b"alpha",), properties=(boxes.alpha_property(),), links=(("auxl", 1),))
    depth = replace(alpha, properties=(full_box("auxC", 0, 0, b"urn:mpeg:hevc:2015:auxid:2\0"),))
    hevc_alpha = replace(alpha, properties=(full_box("auxC", 0, 0, b"urn:mpeg:hevc:2015:auxid:1\0"),))
    bare = hothash(boxes.heif([picture_item()]))
    assert hothash(boxes.heif([picture_item(), depth])) == bare
    assert len({bare, *(hothash(boxes.heif([picture_item(), item])) for item in (alpha, hevc_alpha))}) == 3


def test_items_that_refer_to_one_another_in_a_circle_are_read_once() -> None:
    circle = [picture_item(1, links=(("dimg", 2),)), picture_item(2, links=(("dimg", 1),))]
    assert method(boxes.heif(circle)) == "heif-1"
    assert [part.tag for part in walked(boxes.heif(circle)).parts].count(b"ITEM") == 2


def test_a_film_appended_to_a_picture_is_no_part_of_it() -> None:
    picture = boxes.heif([picture_item()])
    assert hothash(picture + boxes.film([PICTURES, SOUND])) == hothash(picture)
    assert hothash(picture + box("mpvd", boxes.film([PICTURES]))) == hothash(picture)


@pytest.mark.parametrize("handler", ["pict", "vide", "auxv"])
def test_the_frames_of_a_sequence_count(handler: str) -> None:
    frames = replace(PICTURES, handler=handler)
    movie = boxes.movie([frames], [[40, 50, 60]])
    assert hothash(boxes.heif([picture_item()], movie=movie)) != hothash(boxes.heif([picture_item()]))


def test_a_sequence_alone_is_a_picture() -> None:
    assert method(boxes.film([replace(PICTURES, handler="pict")], brand="msf1")) == "heif-1"


def test_a_picture_of_a_form_without_method_is_not_called_damaged() -> None:
    for changes in ({"is_protected": True}, {"reference_index": 1}):
        blocks = walked(boxes.heif([picture_item(**changes)]))
        assert (blocks.method_kind, blocks.fault, blocks.width) == (None, None, 64)


# HEIF: facts.


def test_the_size_is_that_of_the_stored_picture_and_the_orientation_that_of_the_container() -> None:
    rotated = picture_item(properties=(size_property(64, 48), box("irot", b"\x03")))
    exif = number(0, 4) + b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x08\0\0\0\0\0\0\0"
    described = facts(boxes.heif([rotated, Item(number=2, kind="Exif", data=(exif,), links=(("cdsc", 1),))]))
    assert (described.width, described.height, described.orientation) == (64, 48, 6)
    # HEIF's decoders turn by irot and imir alone; what EXIF says is for those who copy it elsewhere.
    plain = facts(boxes.heif([picture_item(), Item(number=2, kind="Exif", data=(exif,), links=(("cdsc", 1),))]))
    assert plain.orientation == 1


@pytest.mark.parametrize(
    ("properties", "orientation"),
    [
        ((), 1),
        ((("imir", 1),), 2),
        ((("irot", 2),), 3),
        ((("imir", 0),), 4),
        ((("irot", 1), ("imir", 0)), 5),
        ((("irot", 3),), 6),
        ((("irot", 3), ("imir", 0)), 7),
        ((("irot", 1),), 8),
        ((("imir", 0), ("irot", 1)), 7),
    ],
)
def test_turns_and_mirrors_give_the_orientation_exif_has_for_them(
    properties: tuple[tuple[str, int], ...], orientation: int
) -> None:
    turns = tuple(box(kind, bytes((value,))) for kind, value in properties)
    assert walked(boxes.heif([picture_item(properties=(size_property(8, 4), *turns))])).orientation == orientation


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_encoder_turns_exif_s_orientation_into_the_same(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    target = io.BytesIO()
    noise_picture(1, (32, 16)).save(target, "AVIF", exif=exif)
    found = facts(target.getvalue(), "AVIF")
    assert (found.width, found.height, found.orientation) == (32, 16, orientation)


def test_metadata_is_that_of_the_primary_picture() -> None:
    items = [
        picture_item(),
        picture_item(2),
        Item(number=3, kind="mime", content_type="application/rdf+xml", data=(b"depth",), links=(("cdsc", 2),)),
        Item(number=4, kind="mime", content_type="application/rdf+xml", data=(b"pic", b"ture"), links=(("cdsc", 1),)),
        Item(number=5, kind="mime", content_type="text/plain", data=(b"text",), links=(("cdsc", 1),)),
        Item(number=6, kind="Exif", data=(number(3, 4) + b"abc", b"II*\0"), links=(("cdsc", 1),)),
    ]
    data = boxes.heif(items)
    blocks = walked(data)
    assert blocks.xmp is not None
    assert blocks.exif is not None
    assert b"".join(data[offset : offset + length] for offset, length in blocks.xmp) == b"picture"
    assert b"".join(data[offset : offset + length] for offset, length in blocks.exif) == b"II*\0"
    assert walked(boxes.heif(items[:3])).xmp is None


def test_a_grid_without_profile_has_that_of_its_tiles() -> None:
    profile = box("colr", b"prof", b"the profile")
    tile = picture_item(1, properties=(profile, size_property(8, 8)))
    data = boxes.heif([tile, Item(number=2, kind="grid", data=(b"grid",), links=(("dimg", 1),))], primary=2)
    assert [data[offset : offset + length] for offset, length in walked(data).icc[1]] == [b"the profile"]


# Films.


def test_how_a_film_is_written_down_does_not_count() -> None:
    plain = hothash(boxes.film([PICTURES, SOUND]))
    assert hothash(boxes.film([PICTURES, SOUND], is_header_last=True)) == plain
    assert hothash(boxes.film([PICTURES, SOUND], inner=[box("udta", b"anything")])) == plain
    for bits in (4, 8, 16):
        assert hothash(boxes.film([replace(PICTURES, sizes_in_bits=bits), SOUND])) == plain
    assert hothash(boxes.film([PICTURES, replace(SOUND, are_offsets_wide=True)])) == plain
    assert hothash(boxes.film([PICTURES, SOUND]) + boxes.film([SOUND])) == plain
    assert hothash(boxes.film([PICTURES, SOUND]) + b"\0\0\0\0 a trailer") == plain


def test_the_order_of_chunks_in_the_film_counts() -> None:
    turned = replace(PICTURES, chunks=tuple(reversed(PICTURES.chunks)))
    assert hothash(boxes.film([PICTURES])) != hothash(boxes.film([turned]))


def test_chunks_whose_offsets_go_down_are_taken_by_ascending_offset() -> None:
    data = boxes.film([PICTURES])
    table = data.index(b"stco") + 12
    first, second, third = (data[table + at : table + at + 4] for at in (0, 4, 8))
    moved = data[:table] + third + first + second + data[table + 12 :] + box("free", bytes(8))
    assert hothash(moved) != hothash(data)
    assert method(moved) == "video-1"
    offsets = [next(iter(part.spans))[0] for part in walked(moved).iter_parts() if part.tag == b"CHNK"]
    assert offsets == sorted(offsets)


def with_table(data: bytes, kind: bytes, at: int, *values: int) -> bytes:
    """Numbers of four bytes in the payload of the first box of a type replaced."""
    start = data.index(kind) + 4 + at
    return data[:start] + b"".join(number(value, 4) for value in values) + data[start + 4 * len(values) :]


def test_the_order_in_which_chunks_are_played_counts() -> None:
    data = boxes.film([replace(PICTURES, chunks=((b"one",), (b"two",), (b"six",)))])
    start = data.index(b"mdat") + 4
    places = (start, start + 3, start + 6)
    orders = list(itertools.permutations(places))
    played = [with_table(data, b"stco", 8, *order) for order in orders]
    assert played[0] == data
    assert len({hothash(one) for one in played}) == len(orders)
    assert {method(one) for one in played} == {"video-1"}


def test_the_borders_between_samples_count() -> None:
    data = boxes.film([replace(PICTURES, chunks=((b"one", b"three", b"x"),))])
    cuts = [(3, 5, 1), (5, 3, 1), (8, 0, 1), (0, 8, 1), (3, 3, 3)]
    assert len({hothash(with_table(data, b"stsz", 12, *cut)) for cut in cuts}) == len(cuts)
    # All alike in the table is the same as one size for all.
    alike = boxes.film([replace(PICTURES, chunks=((b"one", b"six"),))])
    assert alike[alike.index(b"stsz") + 8 :][:4] == number(3, 4)
    for bits in (4, 8, 16):
        assert hothash(boxes.film([replace(PICTURES, chunks=((b"one", b"six"),), sizes_in_bits=bits)])) == hothash(
            alike
        )


def test_what_describes_a_chunk_counts_and_how_runs_are_written_does_not() -> None:
    data = boxes.film([PICTURES])  # chunks of 2, 1 and 2 samples: three runs
    assert hothash(with_table(data, b"stsc", 16, 2)) != hothash(data)
    # The same number of samples in each: three runs, and one.
    split = with_table(data, b"stsc", 8, 1, 2, 1, 2, 2, 1, 3, 2, 1)
    joined = with_table(data, b"stsc", 4, 1, 1, 2, 1)
    assert hothash(split) == hothash(joined) != hothash(data)


def test_sizes_that_become_unlike_after_very_many_alike_count_each() -> None:
    last = [replace(PICTURES, chunks=((b"a",) * 40_000 + tail,)) for tail in ((b"a", b"bb"), (b"aa", b"b"), (b"abb",))]
    assert len({hothash(boxes.film([track])) for track in last}) == 3


def test_times_do_not_count() -> None:
    data = boxes.film([PICTURES])
    start = data.index(b"tkhd") + 4
    assert hothash(data[: start + 4] + b"\x01" * 8 + data[start + 12 :]) == hothash(data)


def test_fragmented_films_and_other_containers_are_identified_by_their_bytes_and_not_damaged() -> None:
    fragmented = boxes.film([replace(PICTURES, chunks=())], between=[box("moof", bytes(8))])
    for data in (
        fragmented,
        box("ftyp", b"isom", bytes(4)) + box("moof"),
        boxes.film([replace(PICTURES, is_elsewhere=True)]),
        b"\x1aE\xdf\xa3 Matroska",
        b"RIFF\x10\0\0\0AVI LIST....",
        b"OggS" + bytes(40),
        b"OggS",
    ):
        blocks = walked(data)
        assert method(data) == "file-1"
        assert (blocks.method_kind, blocks.fault) == (None, None)
    assert walked(fragmented).width == 64


def test_a_film_cut_short_is_damaged() -> None:
    for data in (boxes.film([PICTURES])[:-1], box("ftyp", b"isom", bytes(4)) + box("mdat", b"abc")):
        assert method(data) == "file-1"
        assert walked(data).fault is not None


def test_the_analyser_calls_a_broken_film_damaged_and_a_fragmented_one_not(tmp_path: Path) -> None:
    codes: list[set[str]] = []
    for name in ("broken-cut-off.mp4", "fragmented.mp4"):
        with (GOLDEN / name).open("rb") as file:
            codes.append({finding.code for finding in PictureAnalyser().analyse(file.fileno(), filename=name).findings})
    assert "picture-damaged" in codes[0]
    assert "picture-damaged" not in codes[1]


@pytest.mark.parametrize(
    ("matrix", "orientation"),
    [
        ((1, 0, 0, 1), 1),
        ((0, 1, -1, 0), 6),
        ((-1, 0, 0, -1), 3),
        ((0, -1, 1, 0), 8),
        ((-1, 0, 0, 1), 2),
        ((0, 0, 0, 0), 1),
    ],
)
def test_size_rotation_and_duration_of_a_film(matrix: tuple[int, int, int, int], orientation: int) -> None:
    header = boxes.film_header(duration=61_234, scale=600, is_long=True)
    found = facts(boxes.film([SOUND, replace(PICTURES, number=7, matrix=matrix)], header=header), "VIDEO")
    assert (found.width, found.height, found.orientation) == (64, 48, orientation)
    assert found.duration_seconds == pytest.approx(102.057)


def test_the_film_s_own_turn_comes_on_top_of_the_track_s() -> None:
    header = boxes.film_header(matrix=(0, 1, -1, 0))
    assert walked(boxes.film([replace(PICTURES, matrix=(0, 1, -1, 0))], header=header)).orientation == 3


def test_an_unknown_duration_is_none() -> None:
    for duration, scale in ((0, 600), (0xFFFF_FFFF, 600), (600, 0)):
        header = boxes.film_header(duration=duration, scale=scale)
        assert walked(boxes.film([PICTURES], header=header)).duration_seconds is None


@pytest.mark.parametrize(
    ("name", "codec", "sound", "options"),
    [
        ("a.mp4", "libx264", "aac", {}),
        ("a.mp4", "libx264", "aac", {"movflags": "faststart"}),
        ("a.mov", "libx264", "pcm_s16le", {}),
        ("a.mov", "mpeg4", "pcm_mulaw", {}),
        ("a.mp4", "libx265", "aac", {}),
    ],
)
def test_the_chunks_of_a_film_are_what_a_demuxer_finds(
    name: str,
    codec: Literal["mpeg4", "libx264", "libx265"],
    sound: Literal["aac", "pcm_s16le", "pcm_mulaw"],
    options: dict[str, str],
    tmp_path: Path,
) -> None:
    pictures = [noise_picture(seed, (64, 48)) for seed in range(12)]
    path = make_film_with_sound(tmp_path / name, pictures, codec=codec, sound=sound, options=options)
    data = path.read_bytes()
    assert method(data) == "video-1"
    hashed = sum(part.spans.length for part in walked(data).iter_parts() if part.tag == b"CHNK")
    assert hashed == packet_bytes(path)


def test_a_fragmented_film_of_a_real_muxer_has_no_method(tmp_path: Path) -> None:
    pictures = [noise_picture(seed, (64, 48)) for seed in range(12)]
    options = {"movflags": "frag_keyframe+empty_moov"}
    path = make_film_with_sound(tmp_path / "a.mp4", pictures, codec="mpeg4", sound="aac", options=options)
    blocks = walked(path.read_bytes())
    assert (method(path.read_bytes()), blocks.fault, blocks.width, blocks.height) == ("file-1", None, 64, 48)


# CR3.


def test_the_facts_of_a_cr3() -> None:
    jpeg = b"\xff\xd8\xff\xe0 full size \xff\xd9"
    small = b"\xff\xd8\xff\xe0 small \xff\xd9"
    preview = b"\xff\xd8\xff\xe0 preview \xff\xd9"
    thumbnail = full_box("THMB", 0, 0, number(160, 2), number(120, 2), number(len(small), 4), bytes(4), small)
    shown = full_box("PRVW", 0, 0, bytes(2), bytes(6), number(len(preview), 4), preview)
    data = boxes.cr3(
        [
            Film(number=1, entry=boxes.raw_entry(96, 64, is_jpeg=True), chunks=((jpeg,),)),
            Film(number=2, entry=boxes.raw_entry(48, 32), chunks=((b"small raw",),)),
            Film(number=3, entry=boxes.raw_entry(96, 64), chunks=((b"large raw",),)),
        ],
        canon=[box("CMT1", b"II*\0"), box("CMT2", b"MM\0*"), box("CMT4", b"II*\0 GPS"), thumbnail],
        after=[box("uuid", boxes.XMP_USER_TYPE, b"<xmp/>"), box("uuid", boxes.PREVIEW_USER_TYPE, bytes(8), shown)],
    )
    blocks = walked(data)
    # Without the dark margin of the sensor: 8 columns on the left and right, 4 rows above.
    assert (method(data), blocks.fault, blocks.width, blocks.height) == ("cr3-1", None, 80, 60)
    assert {name: next(iter(spans))[1] for name, spans in blocks.exif_directories.items()} == {
        "main": 4,
        "exif": 4,
        "gps": 8,
    }
    pictures = [data[offset : offset + length] for spans in blocks.embedded_pictures for offset, length in spans]
    assert pictures == [jpeg, preview, small]
    assert blocks.xmp is not None


# JPEG XL.


def test_how_a_jxl_is_written_down_does_not_count() -> None:
    def piece(index: int, data: bytes) -> bytes:
        return box("jxlp", number(index, 4), data)

    whole = hothash(CODESTREAM)
    pieces = [piece(0, CODESTREAM[:5]), piece(1, b""), piece(2 | 1 << 31, CODESTREAM[5:])]
    assert hothash(boxes.jxl(box("jxlc", CODESTREAM))) == whole
    assert hothash(boxes.jxl(*pieces)) == whole
    assert hothash(boxes.jxl(*reversed(pieces), box("brob", b"Exif packed"))) == whole
    assert hothash(boxes.jxl(box("jxlc", CODESTREAM)) + b"trailer, and more of it") == whole


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_header_of_a_jxl_tells_size_and_orientation(orientation: int) -> None:
    data = boxes.codestream(70_000, 12, orientation=orientation)
    blocks = walked(boxes.jxl(box("jxlp", number(0, 4), data[:3]), box("jxlp", number(1, 4), data[3:])))
    assert (blocks.width, blocks.height, blocks.orientation) == (70_000, 12, orientation)


@pytest.mark.parametrize(
    ("start", "size"),
    [
        ("ff0a08048e81", (200, 130)),  # both sides written out
        ("ff0a4300", (16, 16)),  # small: 8 × (1 + 1), and as wide as high
        ("ff0ac301", (32, 16)),  # small and twice as wide
    ],
)
def test_short_size_headers_are_read(start: str, size: tuple[int, int]) -> None:
    blocks = walked(bytes.fromhex(start) + bytes(8))
    assert (blocks.width, blocks.height) == size


def test_metadata_in_boxes_of_a_jxl_is_found() -> None:
    data = boxes.jxl(box("Exif", number(2, 4), b"..II*\0"), box("xml ", b"<xmp/>"), box("jxlc", CODESTREAM))
    blocks = walked(data)
    assert blocks.exif is not None
    assert blocks.xmp is not None
    assert [data[offset : offset + length] for offset, length in blocks.exif] == [b"II*\0"]
    assert [data[offset : offset + length] for offset, length in blocks.xmp] == [b"<xmp/>"]


def test_a_header_that_cannot_be_read_costs_only_the_size() -> None:
    assert method(b"\xff\x0a") == "jxl-1"
    assert walked(b"\xff\x0a").width is None
