"""Facts from EXIF, XMP and IPTC: who wins, what is refused, and that malformed blocks cost only themselves."""

from __future__ import annotations

import contextlib
import struct
import time
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from imalink.core.finding import Finding
from imalink.core.picture import PictureFacts
from imalink.media.metadata import facts_of, read_blocks
from imalink.media.metadata_exif import parse_exif
from imalink.media.metadata_iptc import IptcFacts, find_iptc, parse_iptc
from imalink.media.metadata_text import (
    UnreadableBlockError,
    checked_position,
    parse_capture_time,
    parse_offset,
    parse_percent_stars,
    parse_stars,
)
from imalink.media.metadata_xmp import parse_xmp
from imalink.media.reader import MemoryReader
from imalink.media.walk import walk
from tests.support.photos import join_jpeg, make_jpeg, make_png, split_jpeg, xmp_packet

XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\x00"
NAMESPACES = {
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "lr": "http://ns.adobe.com/lightroom/1.0/",
    "digiKam": "http://www.digikam.org/ns/1.0/",
    "MicrosoftPhoto": "http://ns.microsoft.com/photo/1.0/",
    "xmpNote": "http://ns.adobe.com/xmp/note/",
}


def packet(properties: str = "", attributes: str = "") -> bytes:
    """An XMP packet around some properties."""
    declared = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
    return (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {declared} {attributes}>{properties}</rdf:Description></rdf:RDF></x:xmpmeta>'
    ).encode()


def bag(name: str, *items: str) -> str:
    return f"<{name}><rdf:Bag>{''.join(f'<rdf:li>{item}</rdf:li>' for item in items)}</rdf:Bag></{name}>"


def exif_block(*, main: dict[int, object] | None = None, exif: dict[int, object] | None = None) -> bytes:
    block = Image.Exif()
    for tag, value in (main or {}).items():
        block[tag] = value
    block.get_ifd(0x8769).update(exif or {})
    return block.tobytes().removeprefix(b"Exif\x00\x00")


def iptc_record(*datasets: tuple[int, int, bytes]) -> bytes:
    return b"".join(
        bytes((0x1C, record, number)) + struct.pack(">H", len(data)) + data for record, number, data in datasets
    )


def image_resource(identifier: int, data: bytes) -> bytes:
    return b"8BIM" + struct.pack(">HBBI", identifier, 0, 0, len(data)) + data + bytes(len(data) % 2)


def facts_from(data: bytes) -> tuple[PictureFacts, tuple[Finding, ...]]:
    source = MemoryReader(data)
    blocks = walk(source)
    return facts_of(read_blocks(source, blocks), blocks, file_format="JPEG")


def jpeg_with(path: Path, *segments: tuple[int, bytes], keep_exif: bool = False) -> bytes:
    """A small JPEG with these segments and, unless asked, no EXIF."""
    made, rest = split_jpeg(make_jpeg(path, seed=1, size=(16, 16)).read_bytes())
    kept = [(code, payload) for code, payload in made if keep_exif or code != 0xE1]
    return join_jpeg([*segments, *kept], rest)


# Capture time.


@pytest.mark.parametrize(
    ("text", "local", "offset"),
    [
        ("2024:07:10 14:30:00", "2024-07-10T14:30:00", None),
        ("2024-07-10T14:30:00.120+02:00", "2024-07-10T14:30:00.120", "+02:00"),
        ("2024-07-10T14:30Z", "2024-07-10T14:30:00", "+00:00"),
        ("2002/11/18 19:23:12", "2002-11-18T19:23:12", None),
        ("2024:07:10", "2024-07-10T00:00:00", None),
        ("2024:07:10 14:30:00\x00garbage", "2024-07-10T14:30:00", None),
        ("2024-07-10T14:30:00.1234567891234", "2024-07-10T14:30:00.123456789", None),
        ("0000:00:00 00:00:00", None, None),
        ("    :  :     :  :  ", None, None),
        ("2024:13:10 14:30:00", None, None),
        ("2024:02:30 14:30:00", None, None),
        ("2024:07:10 24:00:61", None, None),
        ("0001:01:01 00:00:00", None, None),
        ("2024", None, None),
        ("2024-07", None, None),
        ("٢٠٢٤:07:10 14:30:00", None, None),
        ("", None, None),
    ],
)
def test_times_are_read_as_written_or_refused(text: str, local: str | None, offset: str | None) -> None:
    found = parse_capture_time(text, source="exif")
    assert (found.local, found.offset) == (local, offset) if found else local is None


@pytest.mark.parametrize(("text", "offset"), [("+02:00", "+02:00"), ("-0930", "-09:30"), ("+15:00", None), ("x", None)])
def test_offsets_no_place_has_are_refused(text: str, offset: str | None) -> None:
    assert parse_offset(text) == offset


def test_the_original_time_comes_before_the_digitised_one_and_each_keeps_its_own_additions() -> None:
    both: dict[int, object] = {
        0x9003: "2024:07:10 14:30:00",
        0x9291: "054 ",
        0x9011: "-05:00",
        0x9004: "2020:01:01 00:00:00",
        0x9292: "9",
    }
    taken = parse_exif(exif_block(exif=both)).capture_time
    assert taken is not None
    assert (taken.local, taken.offset, taken.source) == ("2024-07-10T14:30:00.054", "-05:00", "exif")
    digitised = parse_exif(exif_block(exif={**both, 0x9003: "0000:00:00 00:00:00"})).capture_time
    assert digitised is not None
    assert (digitised.local, digitised.offset) == ("2020-01-01T00:00:00.9", None)


def test_exif_beats_xmp_beats_iptc(tmp_path: Path) -> None:
    xmp = (0xE1, XMP_HEADER + packet(attributes='exif:DateTimeOriginal="2011-01-01T01:01:01+01:00"'))
    record = iptc_record((2, 55, b"20120202"), (2, 60, b"020202+0200"))
    iptc = (0xED, b"Photoshop 3.0\x00" + image_resource(0x0404, record))
    path = tmp_path / "a.jpg"
    times = [
        facts_from(jpeg_with(path, xmp, iptc, keep_exif=True))[0].capture_time,
        facts_from(jpeg_with(path, xmp, iptc))[0].capture_time,
        facts_from(jpeg_with(path, iptc))[0].capture_time,
        facts_from(jpeg_with(path))[0].capture_time,
    ]
    assert [(time.local, time.offset, time.source) if time else None for time in times] == [
        ("2024-07-10T14:30:00", None, "exif"),
        ("2011-01-01T01:01:01", "+01:00", "xmp"),
        ("2012-02-02T02:02:02", "+02:00", "xmp"),
        None,
    ]


def test_a_bare_xmp_date_is_completed_by_iptc_of_the_same_day(tmp_path: Path) -> None:
    xmp = (0xE1, XMP_HEADER + packet(attributes='photoshop:DateCreated="2012-02-02"'))
    iptc = (0xED, b"Photoshop 3.0\x00" + image_resource(0x0404, iptc_record((2, 55, b"20120202"), (2, 60, b"020202"))))
    time = facts_from(jpeg_with(tmp_path / "a.jpg", xmp, iptc))[0].capture_time
    assert time is not None
    assert time.local == "2012-02-02T02:02:02"


# Rating and keywords.


@pytest.mark.parametrize(
    ("text", "stars"), [("3", 3), ("5.0", 5), ("-1", -1), ("0", 0), ("6", None), ("nan", None), ("x", None)]
)
def test_stars_are_minus_one_to_five(text: str, stars: int | None) -> None:
    assert parse_stars(text) == stars


@pytest.mark.parametrize(
    ("percent", "stars"), [(0, 0), (1, 1), (25, 2), (50, 3), (75, 4), (99, 5), (100, 5), (101, None), (-1, None)]
)
def test_windows_percents_become_stars(percent: int, stars: int | None) -> None:
    assert parse_percent_stars(percent) == stars


def test_xmp_s_rating_beats_exif_s(tmp_path: Path) -> None:
    exif = (0xE1, b"Exif\x00\x00" + exif_block(main={0x4746: 2, 0x4749: 25}))
    xmp = (0xE1, XMP_HEADER + packet(attributes='xmp:Rating="5"'))
    assert facts_from(jpeg_with(tmp_path / "a.jpg", exif, xmp))[0].embedded.rating == 5
    assert facts_from(jpeg_with(tmp_path / "a.jpg", exif))[0].embedded.rating == 2


def test_minus_one_star_is_rejected_and_no_rating(tmp_path: Path) -> None:
    embedded = facts_from(jpeg_with(tmp_path / "a.jpg", (0xE1, XMP_HEADER + xmp_packet(rating=-1))))[0].embedded
    assert (embedded.rating, embedded.rejected) == (None, True)


def test_windows_rating_in_xmp_is_a_percentage() -> None:
    assert parse_xmp(packet("<MicrosoftPhoto:Rating>75</MicrosoftPhoto:Rating>")).stars == 4


def test_keywords_come_from_the_first_block_that_has_any(tmp_path: Path) -> None:
    xmp = (0xE1, XMP_HEADER + xmp_packet(keywords=["å", "b", "å", " "]))
    iptc = (0xED, b"Photoshop 3.0\x00" + image_resource(0x0404, iptc_record((2, 25, b"c"), (2, 25, b"d"))))
    exif = (0xE1, b"Exif\x00\x00" + exif_block(main={0x9C9E: "e;f".encode("utf-16-le") + b"\x00\x00"}))
    path = tmp_path / "a.jpg"
    assert facts_from(jpeg_with(path, xmp, iptc, exif))[0].embedded.keywords == ("å", "b")
    assert facts_from(jpeg_with(path, iptc, exif))[0].embedded.keywords == ("c", "d")
    assert facts_from(jpeg_with(path, exif))[0].embedded.keywords == ("e", "f")


def test_hierarchies_are_read_from_lightroom_and_digikam_and_joined_by_bars() -> None:
    both = bag("lr:hierarchicalSubject", "Places|Norway|Oslo") + bag(
        "digiKam:TagsList", "Places/Norway/Oslo", "People/Kari"
    )
    assert parse_xmp(packet(both)).hierarchical_keywords == ("Places|Norway|Oslo", "People|Kari")
    windows = bag("MicrosoftPhoto:LastKeywordXMP", "flat", "a/b")
    assert parse_xmp(packet(windows)).hierarchical_keywords == ("a|b",)


def test_texts_are_taken_in_the_default_language_and_cleaned() -> None:
    names = '<rdf:li xml:lang="nb">Hus</rdf:li><rdf:li xml:lang="x-default"> House\n</rdf:li>'
    title = f"<dc:title><rdf:Alt>{names}</rdf:Alt></dc:title>"
    creators = "<dc:creator><rdf:Seq><rdf:li>Ane</rdf:li><rdf:li>Bo</rdf:li></rdf:Seq></dc:creator>"
    facts = parse_xmp(packet(title + creators, 'xmp:Label="Red"'))
    assert (facts.title, facts.author, facts.label) == ("House", "Ane; Bo", "Red")


def test_captions_cameras_write_by_themselves_are_none() -> None:
    assert parse_exif(exif_block(main={0x010E: "OLYMPUS DIGITAL CAMERA         "})).caption is None
    assert parse_exif(exif_block(main={0x010E: "Grandmother's digital camera, 2003"})).caption is not None


def test_iptc_of_undeclared_encoding_is_read_as_utf8_or_windows() -> None:
    assert parse_iptc(iptc_record((2, 5, "Blåbær".encode()))).title == "Blåbær"
    assert parse_iptc(iptc_record((2, 5, "Blåbær".encode("cp1252")))).title == "Blåbær"
    assert parse_iptc(iptc_record((1, 90, b"\x1b%G"), (2, 5, "Blåbær".encode()))).title == "Blåbær"


def test_xmp_longer_than_a_segment_is_put_together(tmp_path: Path) -> None:
    extended = packet(bag("dc:subject", *(f"word {number}" for number in range(6_000))))
    guid = b"0123456789ABCDEF0123456789ABCDEF"
    header = b"http://ns.adobe.com/xmp/extension/\x00" + guid + struct.pack(">I", len(extended))
    pieces = [
        (0xE1, header + struct.pack(">I", at) + extended[at : at + 60_000]) for at in range(0, len(extended), 60_000)
    ]
    main = (0xE1, XMP_HEADER + packet(attributes=f'xmpNote:HasExtendedXMP="{guid.decode()}" xmp:Rating="4"'))
    assert len(pieces) > 1
    embedded = facts_from(jpeg_with(tmp_path / "a.jpg", main, *reversed(pieces)))[0].embedded
    assert (embedded.rating, len(embedded.keywords)) == (4, 6_000)
    incomplete, findings = facts_from(jpeg_with(tmp_path / "a.jpg", main, pieces[0]))
    assert (incomplete.embedded.rating, incomplete.embedded.keywords, findings) == (4, (), ())


# Position and camera.


@pytest.mark.parametrize(
    ("latitude", "longitude"), [(0.0, 0.0), (91.0, 0.0), (0.0, 181.0), (float("nan"), 1.0), (None, 1.0)]
)
def test_positions_that_are_none_are_refused(latitude: float | None, longitude: float | None) -> None:
    assert checked_position(latitude, longitude, 5.0) is None


def test_positions_keep_their_hemispheres(tmp_path: Path) -> None:
    gps = facts_from(make_jpeg(tmp_path / "a.jpg", seed=1, gps=(-33.8568, 151.2153)).read_bytes())[0].gps
    assert gps is not None
    assert (round(gps.latitude, 4), round(gps.longitude, 4)) == (-33.8568, 151.2153)


def test_a_coordinate_without_its_reference_is_none() -> None:
    block = Image.Exif()
    block.get_ifd(0x8825).update({2: (59.0, 54.0, 0.0), 3: "E", 4: (10.0, 45.0, 0.0)})
    assert parse_exif(block.tobytes().removeprefix(b"Exif\x00\x00")).gps is None


def test_xmp_positions_and_altitudes_are_read() -> None:
    attributes = (
        'exif:GPSLatitude="33,51.408S" exif:GPSLongitude="151,12,55E" exif:GPSAltitude="125/10" exif:GPSAltitudeRef="1"'
    )
    gps = parse_xmp(packet(attributes=attributes)).gps
    assert gps is not None
    assert (round(gps.latitude, 4), round(gps.longitude, 4), gps.altitude) == (-33.8568, 151.2153, -12.5)


def test_the_camera_is_read_and_logarithmic_values_are_converted() -> None:
    block = exif_block(
        main={0x010F: "Maker\x00junk", 0x0110: " Model "},
        exif={0xA434: "50mm", 0x8827: 400, 0x9201: 7.0, 0x9202: 4.0, 0x920A: 50.0},
    )
    camera = parse_exif(block).camera
    assert (camera.make, camera.model, camera.lens, camera.iso) == ("Maker", "Model", "50mm", 400)
    assert (camera.exposure_seconds, camera.f_number, camera.focal_length_mm) == (1 / 128, 4.0, 50.0)


@pytest.mark.parametrize(("stored", "orientation"), [(1, 1), (6, 6), (8, 8), (0, 1), (9, 1), (65_535, 1)])
def test_impossible_orientations_are_upright(stored: int, orientation: int, tmp_path: Path) -> None:
    path = make_jpeg(tmp_path / "a.jpg", seed=1, size=(16, 16), orientation=stored)
    assert facts_from(path.read_bytes())[0].orientation == orientation


# PNG.


def test_a_png_s_exif_and_xmp_are_read(tmp_path: Path) -> None:
    data = make_png(tmp_path / "a.png", seed=1).read_bytes()

    def chunk(name: bytes, payload: bytes) -> bytes:
        return struct.pack(">I", len(payload)) + name + payload + struct.pack(">I", zlib.crc32(name + payload))

    exif = chunk(b"eXIf", exif_block(main={0x0112: 6}))
    text = b"XML:com.adobe.xmp\x00\x01\x00\x00\x00" + zlib.compress(xmp_packet(rating=2))
    facts, findings = facts_from(data[:33] + exif + chunk(b"iTXt", text) + data[33:])
    assert (facts.orientation, facts.embedded.rating, facts.width, facts.height) == (6, 2, 160, 120)
    assert findings == ()


# Malformed blocks.


@pytest.mark.parametrize(
    "xmp",
    [
        b"",
        b"\x00\x00",
        b"no xml",
        b"<a><b></a>",
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b'<?xml version="1.0" encoding="no-such"?><a/>',
        b"\x00<\x00",
        packet().replace(b"</rdf:RDF>", b""),
    ],
)
def test_unreadable_xmp_is_a_finding_and_nothing_else(xmp: bytes, tmp_path: Path) -> None:
    facts, findings = facts_from(jpeg_with(tmp_path / "a.jpg", (0xE1, XMP_HEADER + xmp), keep_exif=True))
    assert [(finding.code, finding.facts["block"]) for finding in findings] == [("metadata-unreadable", "xmp")]
    assert facts.capture_time is not None


def test_deeply_nested_xmp_does_no_harm() -> None:
    def nested(depth: int) -> bytes:
        return packet("<xmp:Label>" * depth + "</xmp:Label>" * depth)

    assert parse_xmp(nested(900)).label is None
    with pytest.raises(UnreadableBlockError, match="too many elements"):
        parse_xmp(nested(200_000))


def test_utf16_xmp_is_read() -> None:
    text = packet(attributes='xmp:Rating="3"').decode()
    for encoding in ("utf-16-be", "utf-16-le", "utf-16", "utf-32-be"):
        assert parse_xmp(f'<?xml version="1.0" encoding="{encoding[:6]}"?>{text}'.encode(encoding)).stars == 3
        assert parse_xmp(packet(attributes='xmp:Rating="3"').decode().encode(encoding)).stars == 3


def test_unreadable_exif_is_a_finding_and_xmp_still_counts(tmp_path: Path) -> None:
    segments = [(0xE1, b"Exif\x00\x00not a tiff"), (0xE1, XMP_HEADER + xmp_packet(rating=1))]
    facts, findings = facts_from(jpeg_with(tmp_path / "a.jpg", *segments))
    assert [finding.code for finding in findings] == ["metadata-unreadable"]
    assert facts.embedded.rating == 1


def test_iptc_beyond_its_block_is_unreadable() -> None:
    with pytest.raises(UnreadableBlockError):
        parse_iptc(iptc_record((2, 5, b"title"))[:-1])
    with pytest.raises(UnreadableBlockError):
        find_iptc(image_resource(0x0404, b"data!!")[:-1])
    assert parse_iptc(b"\x00" * 10) == IptcFacts()


@given(data=st.data(), changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=8))
@settings(max_examples=400, deadline=None)
def test_mutated_exif_never_raises_anything_else(data: st.DataObject, changes: list[tuple[int, int]]) -> None:
    del data
    block = bytearray(
        exif_block(
            main={0x010F: "Maker", 0x0112: 6, 0x4746: 3, 0x9C9E: b"a\x00;\x00b\x00"},
            exif={0x9003: "2024:07:10 14:30:00", 0x829A: 0.01, 0x8827: 100, 0x920A: 50.0},
        )
    )
    for at, value in changes:
        block[at % len(block)] = value
    with contextlib.suppress(UnreadableBlockError):
        parse_exif(bytes(block))


@given(record=st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_bytes_as_iptc_never_raise_anything_else(record: bytes) -> None:
    for read in (parse_iptc, find_iptc):
        for start in (b"\x1c\x02\x19", b"8BIM\x04\x04"):
            with contextlib.suppress(UnreadableBlockError):
                read(start + record)


def test_an_exif_block_full_of_overlapping_values_is_quick() -> None:
    entries = b"".join(struct.pack("<HHII", 0x9000 + number, 7, 60_000, 8) for number in range(5_000))
    block = b"II*\x00\x08\x00\x00\x00" + struct.pack("<H", 5_000) + entries + bytes(4)
    start = time.process_time()
    with contextlib.suppress(UnreadableBlockError):
        parse_exif(block + bytes(10_000))
    assert time.process_time() - start < 2


def test_a_missing_sub_directory_costs_only_itself() -> None:
    block = exif_block(main={0x010F: "Maker"}, exif={0x9003: "2024:07:10 14:30:00"})
    data = bytearray(block)
    at = data.index(struct.pack(">H" if block.startswith(b"MM") else "<H", 0x8769))
    data[at + 8 : at + 12] = b"\xff\xff\xff\x00"
    facts = parse_exif(bytes(data))
    assert (facts.camera.make, facts.capture_time) == ("Maker", None)
