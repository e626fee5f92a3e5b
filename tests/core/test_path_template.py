"""Path templates: what each gives, what is refused, and that nothing ever leaves the photo root."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imalink.core.path_template import FIELDS, NamedPicture, PathTemplate
from imalink.core.picture import Camera
from imalink.core.relative_path import RelativePath
from imalink.core.timestamps import CaptureTime
from imalink.errors import InvalidPathError, UsageError

PHOTOS = RelativePath("photos")
PICTURE = NamedPicture(
    source=RelativePath("DCIM/100CANON/IMG_0042.CR2"),
    capture_time=CaptureTime(local="2024-07-09T08:05:03.5", offset=None, source="exif"),
    camera=Camera(make="Canon", model="Canon EOS R5", lens="RF 24-70"),
    file_format="RAW",
    session_number=42,
    session_title="Italy / summer",
    author="Kjell",
)
BARE = NamedPicture(source=RelativePath("scan.jpg"))


def expand(template: str, picture: NamedPicture = PICTURE, *, counter: int = 1) -> str:
    path = PathTemplate.parse(template).expand(picture, photo_root=PHOTOS, counter=counter)
    assert path.startswith("photos/")
    return path.removeprefix("photos/")


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{filename}", "IMG_0042.CR2"),
        ("{year}/{month}/{filename}", "2024/07/IMG_0042.CR2"),
        ("{year}/{month}", "2024/07/IMG_0042.CR2"),
        ("/2024/italy".strip("/"), "2024/italy/IMG_0042.CR2"),
        ("{year}/{month:02}-{month_name}/{day}", "2024/07-July/09/IMG_0042.CR2"),
        ("{month:1}/{filename}", "7/IMG_0042.CR2"),
        ("Import-{session}/{filename}", "Import-42/IMG_0042.CR2"),
        ("{session:04}/{filename}", "0042/IMG_0042.CR2"),
        ("{year}/{session_title}", "2024/Italy _ summer/IMG_0042.CR2"),
        ("{original_path}/{filename}", "DCIM/100CANON/IMG_0042.CR2"),
        ("{year}/{original_path}", "2024/DCIM/100CANON/IMG_0042.CR2"),
        ("{camera}/{lens}", "Canon EOS R5/RF 24-70/IMG_0042.CR2"),
        ("{author}/{format}/{filename}", "Kjell/RAW/IMG_0042.CR2"),
        ("{date}_{hour}{minute}{second}_{name}", "2024-07-09_080503_IMG_0042.CR2"),
        ("{date} {counter:03}", "2024-07-09 007.CR2"),
        ("{date} {counter}.{extension}", "2024-07-09 7.CR2"),
        ("{date}/{name}.{extension}", "2024-07-09/IMG_0042.CR2"),
        ("@eaDir/{filename}", "_@eaDir/IMG_0042.CR2"),
    ],
)
def test_a_template_gives_the_tree_it_shows(template: str, expected: str) -> None:
    assert expand(template, counter=7) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{year}/{month}/{filename}", "unknown/scan.jpg"),
        ("{year}/{camera}", "unknown/scan.jpg"),
        ("{year}-{month}", "unknown/scan.jpg"),
        ("trip/{year}", "trip/unknown/scan.jpg"),
        ('{author|"nobody"}', "nobody/scan.jpg"),
        ('{author|session_title|"nobody"}/{year|"no date"}', "nobody/no date/scan.jpg"),
        ("{original_path}/{filename}", "scan.jpg"),
        ("{date}", "unknown/scan.jpg"),
        ("{date}_{counter}", "_1.jpg"),
    ],
)
def test_what_is_not_known_has_a_name_too(template: str, expected: str) -> None:
    assert expand(template, BARE) == expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("../../etc", "_.._etc"),
        ("..", "unknown"),
        (".hidden", "hidden"),
        ("-rf", "rf"),
        ("a\x00b\nc", "a_b_c"),
        ('wh<a>t: "is" this?|*\\', "wh_a_t_ _is_ this____"),
        ("trailing. ", "trailing"),
        ("NUL", "_NUL"),
        ("com1.txt", "_com1.txt"),
        ("@eaDir", "_@eaDir"),
        ("lost+found", "_lost+found"),
        ("System Volume Information", "_System Volume Information"),
        ("imalink_2024", "imalink-2024"),
        ("é" * 300, "é" * 127),
    ],
)
def test_a_value_cannot_name_what_a_file_system_refuses(title: str, expected: str) -> None:
    picture = NamedPicture(source=RelativePath("a.jpg"), session_title=title)
    assert expand("{session_title}/{filename}", picture) == f"{expected}/a.jpg"


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("", "it is empty"),
        ("   ", "it is empty"),
        ("/srv/{year}", "below the storage's photos folder"),
        ("~/{year}", "below the storage's photos folder"),
        ("{year}\\{month}", "below the storage's photos folder"),
        ("../{year}", "'..' is no name of a folder"),
        ("{year}/../../x", "'..' is no name of a folder"),
        ("{year}//{month}", "an empty part"),
        ("{year}/./x", "'.' is no name of a folder"),
        ("{yaer}/{month}", "did you mean 'year'?"),
        ("{}", "there is no field ''"),
        ("{year", "a brace has no partner"),
        ("year}/x", "a brace has no partner"),
        ("{year}}{", "a brace has no partner"),
        ("a:b/{year}", "':' cannot stand in a name on every disk"),
        ("{month:xx}", "how many digits"),
        ('{"only text"}', "names no field"),
        ('{year|"x"|month}', "nothing may follow a fixed text"),
        ("{counter}/{filename}", "only in the last part"),
        ("x{original_path}/{filename}", "a path of its own"),
    ],
)
def test_a_wrong_template_is_refused_before_anything_happens(template: str, reason: str) -> None:
    with pytest.raises(UsageError) as caught:
        PathTemplate.parse(template)
    assert reason in caught.value.message


def test_the_refusal_lists_the_fields() -> None:
    with pytest.raises(UsageError) as caught:
        PathTemplate.parse("{nothing}")
    assert all(f"{{{name}}}" in (caught.value.hint or "") for name in FIELDS)


def test_a_file_keeps_its_name_byte_for_byte_when_only_the_folder_is_new() -> None:
    source = RelativePath.from_bytes(b"Z\xfcrich \xe2\x80\xae.jpg")
    path = PathTemplate.parse('{year|"x"}/{filename}').expand(NamedPicture(source=source), photo_root=PHOTOS)
    assert path.as_bytes() == b"photos/x/Z\xfcrich \xe2\x80\xae.jpg"


def test_only_a_template_with_a_counter_asks_for_one() -> None:
    assert PathTemplate.parse("{date}_{counter}").has_counter
    assert not PathTemplate.parse("{date}").has_counter


texts = st.text(max_size=12) | st.sampled_from(["..", "/", "../..", "imalink_x", ".imalink", "\x00", "a" * 300])
pictures = st.builds(
    NamedPicture,
    source=st.sampled_from([PICTURE.source, BARE.source, RelativePath("a/b/.jpg"), RelativePath("x" * 255)]),
    capture_time=st.none() | st.just(PICTURE.capture_time),
    camera=st.builds(Camera, make=st.none() | texts, model=st.none() | texts, lens=st.none() | texts),
    session_title=texts,
    author=st.none() | texts,
)
templates = st.lists(
    st.sampled_from([f"{{{name}}}" for name in FIELDS]) | st.sampled_from(["/", "-", "x", " ", "{lens|author}"]),
    min_size=1,
    max_size=6,
).map("".join)


@given(templates, pictures, st.integers(1, 10**6))
def test_no_template_and_no_picture_leave_the_photo_root(text: str, picture: NamedPicture, counter: int) -> None:
    try:
        template = PathTemplate.parse(text)
    except UsageError:
        return
    try:
        path = template.expand(picture, photo_root=PHOTOS, counter=counter)
    except InvalidPathError:
        return  # too long altogether
    assert path.split("/")[0] == "photos"
    assert RelativePath.parse(path) == path
    assert not any(part.casefold().startswith("imalink_") for part in path.split("/")[1:-1])
