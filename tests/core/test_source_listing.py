"""Sorting a source: each file in one place, companions with their picture, and what is left told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imalink.core.relative_path import RelativePath
from imalink.core.scan import ScannedFile
from imalink.core.source_listing import SourceListing, list_source, match_companions


def _is_picture(name: str) -> bool:
    return name.lower().endswith((".jpg", ".cr2", ".png"))


def _is_raw(name: str) -> bool:
    return name.lower().endswith(".cr2")


def _is_companion(name: str) -> bool:
    return name.lower().endswith((".xmp", ".aae"))


def _file(path: str, size: int = 10) -> ScannedFile:
    return ScannedFile(relative_path=RelativePath(path), size_bytes=size, modified_ns=0, inode=0, device=0)


def _list(*files: ScannedFile | str) -> SourceListing:
    scanned = [_file(file) if isinstance(file, str) else file for file in files]
    return list_source(
        {file.relative_path: file for file in scanned},
        is_picture_name=_is_picture,
        is_companion_name=_is_companion,
        is_raw_name=_is_raw,
    )


def _pairs(listing: SourceListing) -> dict[str, list[str]]:
    return {
        str(picture.file.relative_path): [str(companion.relative_path) for companion in picture.companions]
        for picture in listing.pictures
    }


def _match(companions: list[str], pictures: list[str]) -> dict[RelativePath, RelativePath]:
    return match_companions(map(RelativePath, companions), map(RelativePath, pictures), is_raw_name=_is_raw)


def _told(listing: SourceListing) -> list[tuple[str, str]]:
    return [(finding.code, finding.path) for finding in listing.findings]


def test_pictures_are_listed_by_path() -> None:
    assert list(_pairs(_list("b.jpg", "a/z.jpg", "a.png"))) == ["a.png", "a/z.jpg", "b.jpg"]


def test_a_companion_stands_with_its_picture() -> None:
    listing = _list("d/a.xmp", "d/a.jpg", "d/b.jpg")
    assert _pairs(listing) == {"d/a.jpg": ["d/a.xmp"], "d/b.jpg": []}
    assert listing.findings == ()


def test_a_file_that_is_no_picture_is_left_and_told() -> None:
    listing = _list("notes.txt", "a.jpg")
    assert [file.relative_path for file in listing.ignored] == ["notes.txt"]
    assert _told(listing) == [("not-a-picture", "notes.txt")]


@pytest.mark.parametrize("name", ["a.jpg", "notes.txt"])
def test_an_empty_file_is_left_and_told(name: str) -> None:
    listing = _list(_file(name, 0))
    assert listing.pictures == ()
    assert _told(listing) == [("empty-file", name)]


def test_a_companion_without_a_picture_is_left_and_told() -> None:
    listing = _list("a.xmp", "sub/a.jpg")
    assert _told(listing) == [("companion-without-picture", "a.xmp")]
    assert [file.relative_path for file in listing.ignored] == ["a.xmp"]


def test_a_companion_of_an_empty_picture_is_left_too() -> None:
    listing = _list(_file("a.jpg", 0), "a.xmp")
    assert listing.pictures == ()
    assert _told(listing) == [("empty-file", "a.jpg"), ("companion-without-picture", "a.xmp")]


def test_odd_names_are_told_in_a_form_that_people_can_read() -> None:
    listing = _list("line\nbreak.txt")
    assert _told(listing) == [("not-a-picture", "line\\x0abreak.txt")]


def test_files_and_bytes_are_counted() -> None:
    listing = _list(_file("a.jpg", 100), _file("a.xmp", 7), _file("b.txt", 1000))
    assert (listing.total_files, listing.total_bytes) == (3, 107)


def test_an_empty_source_is_an_empty_listing() -> None:
    listing = _list()
    assert (listing.pictures, listing.ignored, listing.findings) == ((), (), ())


@given(st.lists(st.text("ab./jpgxmcr2", min_size=1, max_size=9).filter(lambda path: "//" not in path), unique=True))
def test_each_file_is_in_one_place(paths: list[str]) -> None:
    listing = _list(*paths)
    placed = [file.relative_path for file in listing.ignored]
    for picture in listing.pictures:
        placed += [picture.file.relative_path, *(companion.relative_path for companion in picture.companions)]
    assert sorted(placed) == sorted(paths)
    assert listing.total_files == len(paths)


def test_a_companion_named_after_the_whole_name_goes_with_that_file() -> None:
    pictures = ["a.jpg", "a.cr2"]
    assert _match(["a.jpg.xmp"], pictures) == {"a.jpg.xmp": "a.jpg"}
    assert _match(["a.cr2.xmp"], pictures) == {"a.cr2.xmp": "a.cr2"}


def test_a_companion_named_after_the_stem_goes_with_the_raw() -> None:
    assert _match(["a.xmp"], ["a.JPG", "a.cr2", "a.png"]) == {"a.xmp": "a.cr2"}


def test_without_a_raw_it_goes_with_the_first_picture_by_name() -> None:
    assert _match(["a.xmp"], ["a.png", "a.jpg"]) == {"a.xmp": "a.jpg"}


def test_case_does_not_count() -> None:
    assert _match(["img_1.XMP"], ["IMG_1.jpg"]) == {"img_1.XMP": "IMG_1.jpg"}
    assert _match(["IMG_1.JPG.xmp"], ["img_1.jpg"]) == {"IMG_1.JPG.xmp": "img_1.jpg"}


def test_the_folder_counts() -> None:
    assert _match(["x/a.xmp"], ["a.jpg", "y/a.jpg", "x/sub/a.jpg"]) == {}


def test_a_picture_without_a_suffix_has_its_companion_too() -> None:
    assert _match(["a.xmp"], ["a"]) == {"a.xmp": "a"}


def test_a_companion_without_a_suffix_goes_with_nothing() -> None:
    assert _match(["a"], ["a.jpg"]) == {}


def test_a_companion_with_more_suffixes_finds_its_picture() -> None:
    assert _match(["a.edit.xmp"], ["a.jpg"]) == {"a.edit.xmp": "a.jpg"}
    assert _match(["a.edit.xmp"], ["a.jpg", "a.edit.jpg"]) == {"a.edit.xmp": "a.edit.jpg"}


def test_a_stem_that_only_begins_alike_is_another() -> None:
    assert _match(["a1.xmp", "a (2).xmp"], ["a.jpg", "a 2.jpg"]) == {}
