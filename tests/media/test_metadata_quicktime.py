"""What films say of themselves, and the identifier that ties a live photo to its clip."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from imalink.core.picture import GpsPosition, PictureFacts
from imalink.core.timestamps import CaptureTime
from imalink.media.kinds import file_format_of
from imalink.media.metadata import facts_of, read_blocks
from imalink.media.metadata_apple import find_content_identifier
from imalink.media.metadata_exif import parse_exif
from imalink.media.metadata_quicktime import QuicktimeFacts, parse_quicktime
from imalink.media.reader import MemoryReader
from imalink.media.walk import walk
from tests.support import boxes
from tests.support.boxes import Film, box, full_box, number
from tests.support.photos import noise_picture
from tests.support.videos import make_video

APPLE = "com.apple.quicktime."
SECONDS_1904_TO_1970 = 2_082_844_800
PICTURES = Film(number=1, entry=boxes.video_entry(), chunks=((b"one",),))


def value(data: bytes, kind: int = 1) -> bytes:
    return box("data", number(kind, 4), bytes(4), data)


def keys(*pairs: tuple[str, bytes], is_full: bool = False) -> bytes:
    """The payload of ``moov/meta``: QuickTime's, or as ISO has it."""
    names = b"".join(box("mdta", name.encode()) for name, _ in pairs)
    items = b"".join(box(number(index, 4).decode("latin-1"), data) for index, (_, data) in enumerate(pairs, 1))
    content = full_box("hdlr", 0, 0, bytes(4), b"mdta", bytes(13))
    content += full_box("keys", 0, 0, number(len(pairs), 4), names) + box("ilst", items)
    return bytes(4) + content if is_full else content


def text(kind: str, content: str, *, language: int = 0x15C7, encoding: str = "utf-8") -> bytes:
    """A text of QuickTime's user data."""
    data = content.encode(encoding)
    return box(kind, number(len(data), 2), number(language, 2), data)


def parse(metadata: bytes | None = None, user_data: bytes | None = None, created: int | None = None) -> QuicktimeFacts:
    return parse_quicktime(metadata=metadata, user_data=user_data, created=created)


def facts(data: bytes) -> PictureFacts:
    reader = MemoryReader(data)
    blocks = walk(reader)
    return facts_of(read_blocks(reader, blocks), blocks, file_format=file_format_of(data[:512]))[0]


@pytest.mark.parametrize("is_full", [False, True], ids=["QuickTime", "ISO"])
def test_everything_an_iphone_writes_into_a_clip_is_read(is_full: bool) -> None:
    metadata = keys(
        (APPLE + "location.ISO6709", value(b"+59.9139+010.7522+012.345/")),
        (APPLE + "make", value(b"Apple")),
        (APPLE + "model", value(b"iPhone 13 Pro Max")),
        (APPLE + "creationdate", value(b"2022-02-16T12:55:41+0100")),
        (APPLE + "content.identifier", value(b"570F1469-09C7-4E50-9875-05F21D5BD166")),
        (APPLE + "title", value("Bjørn".encode("utf-16-be"), 2)),
        (APPLE + "description", value(b"at the fjord")),
        (APPLE + "keywords", value("sea, bæta,sea".encode())),
        (APPLE + "rating.user", value(struct.pack(">f", 4.0), 23)),
        (APPLE + "author", value(b"Ada")),
        (APPLE + "copyright", value(b"(c) Ada")),
        is_full=is_full,
    )
    found = parse(metadata)
    assert found.capture_time == CaptureTime(local="2022-02-16T12:55:41", offset="+01:00", source="exif")
    assert found.gps == GpsPosition(latitude=59.9139, longitude=10.7522, altitude=12.345)
    assert (found.camera.make, found.camera.model) == ("Apple", "iPhone 13 Pro Max")
    assert found.content_identifier == "570F1469-09C7-4E50-9875-05F21D5BD166"
    assert (found.title, found.caption, found.author, found.copyright) == ("Bjørn", "at the fjord", "Ada", "(c) Ada")
    assert (found.keywords, found.stars) == (("sea", "bæta"), 4)


def test_user_data_of_cameras_and_itunes_items_are_read() -> None:
    items = full_box("meta", 0, 0, box("ilst", box("\xa9ART", value("Søren".encode()))))
    user_data = b"".join(
        (
            text("\xa9day", "2019-05-04T10:11:12+02:00"),
            text("\xa9xyz", "-33.8688+151.2093/"),
            text("\xa9mak", "Testmaker"),
            text("\xa9mod", "Testmodel"),
            text("\xa9nam", "çømment", language=0, encoding="mac-roman"),
            full_box("dscp", 0, 0, number(0x15C7, 2), b"3GPP says", b"\0"),
            items,
            bytes(4),
        )
    )
    found = parse(user_data=user_data)
    assert found.capture_time == CaptureTime(local="2019-05-04T10:11:12", offset="+02:00", source="exif")
    assert found.gps == GpsPosition(latitude=-33.8688, longitude=151.2093)
    assert (found.camera.make, found.camera.model) == ("Testmaker", "Testmodel")
    assert (found.title, found.caption, found.author) == ("çømment", "3GPP says", "Søren")


@pytest.mark.parametrize(
    ("written", "latitude", "longitude"),
    [
        ("+59.5+010.25/", 59.5, 10.25),
        ("-5930.0-01015.0/", -59.5, -10.25),
        ("+593000+0101500+100/", 59.5, 10.25),
    ],
)
def test_positions_in_degrees_minutes_and_seconds(written: str, latitude: float, longitude: float) -> None:
    found = parse(user_data=text("\xa9xyz", written)).gps
    assert found is not None
    assert (found.latitude, found.longitude) == (pytest.approx(latitude), pytest.approx(longitude))


@pytest.mark.parametrize("written", ["+00.0000+000.0000/", "+95+010/", "nowhere", "+59"])
def test_no_position_is_none(written: str) -> None:
    assert parse(user_data=text("\xa9xyz", written)).gps is None


def test_a_film_s_header_gives_the_time_in_utc() -> None:
    seconds = SECONDS_1904_TO_1970 + 1_500_000_000
    assert parse(created=seconds).created == CaptureTime(local="2017-07-14T02:40:00", offset="+00:00", source="exif")


@pytest.mark.parametrize("seconds", [None, 0, 1, SECONDS_1904_TO_1970, 2**40, 2**64 - 1])
def test_a_clock_that_was_never_set_gives_no_time(seconds: int | None) -> None:
    assert parse(created=seconds).created is None


def test_better_times_come_before_the_header_s() -> None:
    header = boxes.film_header(created=SECONDS_1904_TO_1970 + 1_500_000_000)
    xmp = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreateDate="2011-01-01T10:00:00+03:00" '
        b'xmp:Rating="3"/></rdf:RDF></x:xmpmeta>'
    )
    dated = box("meta", keys((APPLE + "creationdate", value(b"2012-02-02T10:00:00+0100"))))
    only_header = boxes.film([PICTURES], header=header)
    with_year = boxes.film([PICTURES], header=header, inner=[box("udta", text("\xa9day", "2015"))])
    in_user_data = boxes.film([PICTURES], header=header, inner=[box("udta", box("XMP_", xmp))])
    as_box = boxes.film([PICTURES], header=header, between=[box("uuid", boxes.XMP_USER_TYPE, xmp)])
    with_key = boxes.film([PICTURES], header=header, inner=[dated, box("udta", box("XMP_", xmp))])
    times = [facts(data).capture_time for data in (only_header, with_year, in_user_data, as_box, with_key)]
    assert [time.local[:4] if time else None for time in times] == ["2017", "2017", "2011", "2011", "2012"]
    assert [facts(data).embedded.rating for data in (only_header, in_user_data, as_box)] == [None, 3, 3]


@given(metadata=st.binary(max_size=80), user_data=st.binary(max_size=80), created=st.integers(0, 2**64 - 1))
@settings(max_examples=300, deadline=None)
def test_no_bytes_are_too_broken(metadata: bytes, user_data: bytes, created: int) -> None:
    parse(metadata, user_data, created)
    parse(keys((APPLE + "make", value(b"x")))[: len(metadata)] + metadata, user_data)
    parse(user_data=text("\xa9nam", "title") + user_data)


@pytest.mark.exiftool
@pytest.mark.parametrize("name", ["a.mp4", "a.mov"])
def test_what_exiftool_writes_into_a_film_is_read_back(name: str, tmp_path: Path) -> None:
    path = make_video(tmp_path / name, noise_picture(1, (64, 48)), frames=25)
    arguments = [
        "-Keys:Title=a title",
        "-Keys:Make=Testmaker",
        "-Keys:Model=Testmodel",
        "-Keys:CreationDate=2020:01:02 03:04:05+02:00",
        "-Keys:GPSCoordinates=59.9, 10.7, 3",
        "-UserData:Author=Ada",
        "-ItemList:Description=at the fjord",
        "-XMP:Rating=4",
        "-Rotation=90",
    ]
    subprocess.run(["exiftool", "-q", "-overwrite_original", *arguments, str(path)], check=True)
    found = facts(path.read_bytes())
    assert (found.width, found.height, found.orientation, found.duration_seconds) == (64, 48, 6, 1.0)
    assert found.capture_time == CaptureTime(local="2020-01-02T03:04:05", offset="+02:00", source="exif")
    assert (found.camera.make, found.camera.model) == ("Testmaker", "Testmodel")
    assert found.gps == GpsPosition(latitude=59.9, longitude=10.7, altitude=3)
    assert (found.embedded.rating, found.embedded.title, found.embedded.author) == (4, "a title", "Ada")
    assert found.embedded.caption == "at the fjord"


@pytest.mark.samples
@pytest.mark.exiftool
def test_a_sample_s_position_written_into_a_film_is_the_same(sample_photos: Path, tmp_path: Path) -> None:
    source = sample_photos / "exif-samples" / "heic" / "IMG_5195.HEIC"
    path = make_video(tmp_path / "a.mov", noise_picture(1, (64, 48)))
    command = [
        "exiftool",
        "-q",
        "-overwrite_original",
        "-TagsFromFile",
        str(source),
        "-Keys:GPSCoordinates<GPSPosition",
    ]
    subprocess.run([*command, str(path)], check=True)
    there, here = facts(source.read_bytes()).gps, facts(path.read_bytes()).gps
    assert there is not None
    assert here is not None
    assert (here.latitude, here.longitude) == (pytest.approx(there.latitude), pytest.approx(there.longitude))


# Live photos.


def apple_note(identifier: bytes, *, tag: int = 0x11, kind: int = 2) -> bytes:
    entries = number(1, 2) + number(9, 2) + number(1, 4) + number(5, 4)
    entries += number(tag, 2) + number(kind, 2) + number(len(identifier), 4) + number(14 + 2 + 24 + 4, 4)
    return b"Apple iOS\0\0\x01MM" + number(2, 2) + entries + bytes(4) + identifier


def test_the_identifier_of_a_live_photo_stands_in_apple_s_maker_note() -> None:
    note = apple_note(b"570F1469-09C7\0")
    assert find_content_identifier(note) == "570F1469-09C7"
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x927C] = note
    assert parse_exif(exif.tobytes()).content_identifier == "570F1469-09C7"


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"Nikon\0" + bytes(60),
        b"Apple iOS\0",
        apple_note(b"x" * 20, tag=0x12),
        apple_note(b"x" * 20, kind=7),
        apple_note(b"x" * 200),
        apple_note(b"x" * 20)[:-1],
        b"Apple iOS\0\0\x01MM\xff\xff" + bytes(20),
    ],
)
def test_other_maker_notes_have_none(note: bytes) -> None:
    assert find_content_identifier(note) is None


@pytest.mark.samples
@pytest.mark.exiftool
def test_the_identifier_agrees_with_exiftool(sample_photos: Path) -> None:
    folder = sample_photos / "exif-samples" / "heic"
    command = ["exiftool", "-s3", "-Apple:all", "-MediaGroupUUID", str(folder / "IMG_5195.HEIC")]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    found = facts((folder / "IMG_5195.HEIC").read_bytes()).content_identifier
    assert found is not None
    assert found in told
    assert facts((folder / "mobile" / "iphone_13_pro_max.HEIC").read_bytes()).content_identifier is None
