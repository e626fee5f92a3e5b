"""Sidecars of editors and of Google Takeout, read; and whatever else lies beside pictures under their names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imalink.core.picture import GpsPosition
from imalink.core.sidecar_facts import SidecarFacts, SidecarSort
from imalink.core.timestamps import CaptureTime
from imalink.media.sidecars import read_sidecar

HEAD = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
NAMES = " ".join(
    f'xmlns:{prefix}="{uri}"'
    for prefix, uri in {
        "xmp": "http://ns.adobe.com/xap/1.0/",
        "dc": "http://purl.org/dc/elements/1.1/",
        "lr": "http://ns.adobe.com/lightroom/1.0/",
        "digiKam": "http://www.digikam.org/ns/1.0/",
        "exif": "http://ns.adobe.com/exif/1.0/",
        "exifEX": "http://cipa.jp/exif/1.0/",
        "aux": "http://ns.adobe.com/exif/1.0/aux/",
        "tiff": "http://ns.adobe.com/tiff/1.0/",
        "photoshop": "http://ns.adobe.com/photoshop/1.0/",
        "MicrosoftPhoto": "http://ns.microsoft.com/photo/1.0/",
        "acdsee": "http://ns.acdsee.com/iptc/1.0/",
        "mediapro": "http://ns.iview-multimedia.com/mediapro/1.0/",
    }.items()
)


def packet(attributes: str = "", children: str = "") -> bytes:
    description = f'<rdf:Description rdf:about="" {NAMES} {attributes}>{children}</rdf:Description>'
    return f"{HEAD}{description}</rdf:RDF></x:xmpmeta>".encode()


def bag(name: str, *items: str) -> str:
    return f"<{name}><rdf:Bag>{''.join(f'<rdf:li>{item}</rdf:li>' for item in items)}</rdf:Bag></{name}>"


def xmp(attributes: str = "", children: str = "") -> SidecarFacts:
    reading = read_sidecar(packet(attributes, children), filename="a.xmp")
    assert reading.findings == ()
    assert reading.facts is not None
    return reading.facts


def takeout(**fields: object) -> SidecarFacts:
    reading = read_sidecar(json.dumps({"title": "a.jpg", **fields}).encode(), filename="a.jpg.json")
    assert reading.findings == ()
    assert reading.facts is not None
    return reading.facts


def trouble(data: bytes, filename: str) -> list[tuple[str, str]]:
    reading = read_sidecar(data, filename=filename)
    assert reading.facts is None
    return [(finding.code, str(finding.facts["block"])) for finding in reading.findings]


# XMP: every spelling of the mapping table.


@pytest.mark.parametrize(
    ("attributes", "stars"),
    [
        ('xmp:Rating="4"', 4),
        ('xmp:Rating="-1"', -1),
        ('xmp:Rating="0"', 0),
        *[(f'MicrosoftPhoto:Rating="{percent}"', stars) for stars, percent in enumerate((0, 1, 25, 50, 75, 99))],
        ('acdsee:rating="3"', 3),
        ('xmp:Rating="2" MicrosoftPhoto:Rating="99" acdsee:rating="1"', 2),
        ('xmp:Rating="9"', None),
    ],
)
def test_a_rating_is_read_in_every_spelling(attributes: str, stars: int | None) -> None:
    assert xmp(attributes).stars == stars


@pytest.mark.parametrize(
    "children",
    [
        bag("lr:hierarchicalSubject", "Places|Norway", "People|Anna"),
        bag("digiKam:TagsList", "Places/Norway", "People/Anna"),
        bag("MicrosoftPhoto:LastKeywordXMP", "Places/Norway", "People/Anna", "flat"),
        bag("mediapro:CatalogSets", "Places|Norway", "People|Anna"),
        "<acdsee:categories>&lt;Categories&gt;"
        '&lt;Category Assigned="0"&gt;Places&lt;Category Assigned="1"&gt;Norway&lt;/Category&gt;&lt;/Category&gt;'
        '&lt;Category Assigned="0"&gt;People&lt;Category Assigned="1"&gt;Anna&lt;/Category&gt;'
        '&lt;Category Assigned="0"&gt;Bob&lt;/Category&gt;&lt;/Category&gt;&lt;/Categories&gt;</acdsee:categories>',
    ],
    ids=["lightroom", "digikam", "microsoft", "mediapro", "acdsee"],
)
def test_hierarchical_keywords_are_read_in_every_spelling(children: str) -> None:
    assert xmp(children=children).hierarchical_keywords == ("Places|Norway", "People|Anna")


def test_a_tree_of_categories_that_is_no_xml_or_hostile_says_nothing() -> None:
    for text in ("&lt;Categories&gt;", "&lt;!DOCTYPE a [&lt;!ENTITY b 'c'&gt;]&gt;&lt;a&gt;&amp;b;&lt;/a&gt;", "plain"):
        assert xmp(children=f"<acdsee:categories>{text}</acdsee:categories>").hierarchical_keywords == ()
    deep = "&lt;Category Assigned='1'&gt;x" * 400 + "&lt;/Category&gt;" * 400
    found = xmp(children=f"<acdsee:categories>&lt;Categories&gt;{deep}&lt;/Categories&gt;</acdsee:categories>")
    assert 0 < len(found.hierarchical_keywords) <= 50


def test_texts_are_read_in_the_default_language() -> None:
    facts = xmp(
        'xmp:Label="Green" photoshop:SidecarForExtension="CR2"',
        bag("dc:subject", "Norway", "Anna")
        + '<dc:title><rdf:Alt><rdf:li xml:lang="de">Titel</rdf:li><rdf:li xml:lang="x-default">Title</rdf:li></rdf:Alt>'
        "</dc:title><dc:description><rdf:Alt><rdf:li>Caption</rdf:li></rdf:Alt></dc:description>"
        "<dc:creator><rdf:Seq><rdf:li>Anna</rdf:li><rdf:li>Bob</rdf:li></rdf:Seq></dc:creator>"
        "<dc:rights><rdf:Alt><rdf:li>Mine</rdf:li></rdf:Alt></dc:rights>",
    )
    assert facts == SidecarFacts(
        sort=SidecarSort.XMP,
        for_extension="cr2",
        label="Green",
        keywords=("Norway", "Anna"),
        title="Title",
        caption="Caption",
        author="Anna; Bob",
        copyright="Mine",
    )


@pytest.mark.parametrize(
    ("attributes", "caption"),
    [
        ('tiff:ImageDescription="seen"', "seen"),
        ('exif:UserComment="seen"', "seen"),
        ('tiff:ImageDescription="OLYMPUS DIGITAL CAMERA" exif:UserComment="seen"', "seen"),
        ('tiff:ImageDescription="SONY DSC"', None),
    ],
)
def test_a_caption_may_stand_in_other_places(attributes: str, caption: str | None) -> None:
    assert xmp(attributes).caption == caption


@pytest.mark.parametrize(
    "name", ["exif:DateTimeOriginal", "photoshop:DateCreated", "exif:DateTimeDigitized", "xmp:CreateDate"]
)
def test_a_date_is_read_in_every_spelling(name: str) -> None:
    taken = CaptureTime(local="2024-07-10T14:30:00.25", offset="+02:00", source="xmp")
    assert xmp(f'{name}="2024-07-10T14:30:00.25+02:00"').capture_time == taken


def test_position_and_lens_are_read() -> None:
    facts = xmp(
        'exif:GPSLatitude="49,30.0N" exif:GPSLongitude="11,15.0W" exif:GPSAltitude="100/2" exif:GPSAltitudeRef="1"'
        ' aux:Lens="old" exifEX:LensModel="new"'
    )
    assert facts.gps == GpsPosition(latitude=49.5, longitude=-11.25, altitude=-50)
    assert facts.lens == "new"
    assert xmp('aux:Lens="old"').lens == "old"


@pytest.mark.samples
def test_sample_sidecars_are_read_or_told(sample_photos: Path) -> None:
    found = {path.name: read_sidecar(path.read_bytes(), filename=path.name) for path in sample_photos.rglob("*.xmp")}
    assert len(found) == 14
    assert {name for name, reading in found.items() if reading.facts is None} == set()
    assert found["2010.xmp"].facts is not None
    taken = found["2010.xmp"].facts.capture_time
    assert taken is not None and taken.local.startswith("2010-")


# Takeout.


def test_takeout_s_facts_are_read() -> None:
    facts = takeout(
        title="IMG_1.jpg",
        description="At the fjord",
        photoTakenTime={"timestamp": "1720614600", "formatted": "10 Jul 2024, 12:30:00 UTC"},
        geoData={"latitude": 59.9, "longitude": 10.7, "altitude": 12.5},
        favorited=True,
        people=[{"name": "Anna"}],
        url="https://example.org/photo",
    )
    assert facts == SidecarFacts(
        sort=SidecarSort.TAKEOUT,
        picture_name="IMG_1.jpg",
        caption="At the fjord",
        capture_time=CaptureTime(local="2024-07-10T12:30:00", offset="+00:00", source="takeout"),
        gps=GpsPosition(latitude=59.9, longitude=10.7, altitude=12.5),
    )


def test_takeout_s_position_that_was_set_by_the_user_comes_first_and_0_0_is_none() -> None:
    nowhere, camera = {"latitude": 0.0, "longitude": 0.0, "altitude": 0.0}, {"latitude": 1.5, "longitude": 2.5}
    assert takeout(geoData=nowhere, geoDataExif=camera).gps == GpsPosition(latitude=1.5, longitude=2.5)
    assert takeout(geoData=camera, geoDataExif=nowhere).gps == GpsPosition(latitude=1.5, longitude=2.5)
    assert takeout(geoData=nowhere, geoDataExif=nowhere).gps is None


@pytest.mark.parametrize("timestamp", ["0", "", "soon", None, [], True, 1.5, "9" * 30, "9" * 5_000, "-99999999999"])
def test_a_time_that_is_none_is_none(timestamp: object) -> None:
    assert takeout(photoTakenTime={"timestamp": timestamp}).capture_time is None


def test_a_time_before_1970_is_one() -> None:
    taken = takeout(photoTakenTime={"timestamp": "-86400"}).capture_time
    assert taken is not None
    assert taken.local == "1969-12-31T00:00:00"


@pytest.mark.parametrize(
    "value", [None, 3, [], "x", {"latitude": "1", "longitude": 2}, {"latitude": 91, "longitude": 2}, {"latitude": 1}]
)
def test_a_position_that_is_none_is_none(value: object) -> None:
    assert takeout(geoData=value, geoDataExif=value).gps is None


# Hostile and other input.


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<x",
        b"\x00" * 100,
        b'<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b"<a>" * 200_000,
        packet() + b" " * (16 * 1024 * 1024),
    ],
    ids=["empty", "torn", "zeros", "entities", "external", "deep", "long"],
)
def test_xmp_that_must_not_be_read_is_told(data: bytes) -> None:
    assert trouble(data, "a.jpg.xmp") == [("metadata-unreadable", "xmp-sidecar")]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b'{"name": "a package"}',
        b"[" * 100_000,
        b'{"title": ' + b"9" * 10_000 + b"}",
        b'{"title": "' + b"x" * 1024 * 1024 + b'"}',
    ],
    ids=["empty", "torn", "list", "nothing", "no text", "other", "deep", "number", "long"],
)
def test_json_that_is_not_takeout_s_is_told(data: bytes) -> None:
    assert trouble(data, "a.jpg.json") == [("metadata-unreadable", "takeout-sidecar")]


def test_other_companions_are_not_read() -> None:
    for name in ("a.aae", "a.jpg.pp3", "a.thm", "xmp"):
        assert read_sidecar(b"<x", filename=name).findings == ()
        assert read_sidecar(b"<x", filename=name).facts is None


@given(
    data=st.binary(max_size=200)
    | st.recursive(
        st.none() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["title", "description", "photoTakenTime", "timestamp", "geoData", "latitude", "longitude"]
                ),
                inner,
                max_size=4,
            )
        ),
    ).map(lambda value: json.dumps(value).encode())
)
@settings(max_examples=300, deadline=None)
def test_no_bytes_raise(data: bytes) -> None:
    for name in ("a.jpg.json", "a.xmp"):
        reading = read_sidecar(data, filename=name)
        assert (reading.facts is None) == bool(reading.findings)


def test_a_sidecar_of_more_than_two_megabytes_is_not_read() -> None:
    limit = 2 * 1024 * 1024
    short = packet('xmp:Rating="4"')
    assert read_sidecar(short + b" " * (limit - len(short)), filename="a.xmp").facts is not None
    assert trouble(short + b" " * (limit + 1 - len(short)), "a.xmp") == [("metadata-unreadable", "xmp-sidecar")]


@pytest.mark.parametrize(
    "data",
    [
        packet(children="<xmp:a/>" * 100_000),
        packet(children="<xmp:a>" * 1_000 + "</xmp:a>" * 1_000),
        packet(" ".join(f'xmp:a{number}=""' for number in range(100_000))),
    ],
    ids=["many", "deep", "attributes"],
)
def test_a_sidecar_of_too_many_elements_is_not_read(data: bytes) -> None:
    assert len(data) < 2 * 1024 * 1024
    assert trouble(data, "a.xmp") == [("metadata-unreadable", "xmp-sidecar")]


def test_a_sidecar_with_a_long_history_is_read() -> None:
    steps = "".join(f'<rdf:li xmp:action="saved" xmp:when="{number}"/>' for number in range(20_000))
    assert xmp('xmp:Rating="4"', f"<xmp:History><rdf:Seq>{steps}</rdf:Seq></xmp:History>").stars == 4
