"""Whose sidecar it is: names of editors and of Google Takeout, as real exports have them."""

from __future__ import annotations

import pytest

from imalink.core.companion_matching import match_companions, shared_sidecars, telling_sidecars, tells_of
from imalink.core.relative_path import RelativePath
from imalink.core.sidecar_facts import SidecarFacts, SidecarSort

LONG = "x" * 60


def is_raw(name: str) -> bool:
    return name.lower().endswith((".cr2", ".nef"))


def match(companion: str, *pictures: str, clue: SidecarFacts | None = None) -> str | None:
    path = RelativePath(companion)
    return match_companions([path], map(RelativePath, pictures), is_raw_name=is_raw, read_clue=lambda _: clue).get(path)


def telling(picture: str, *companions: str) -> list[str]:
    return list(telling_sidecars(RelativePath(picture), map(RelativePath, companions)))


@pytest.mark.parametrize(
    ("companion", "picture"),
    [
        ("IMG_1.jpg.json", "IMG_1.jpg"),
        ("IMG_1.JPG.json", "IMG_1.jpg"),
        ("IMG_1.jpg.supplemental-metadata.json", "IMG_1.jpg"),
        *[(f"IMG_1.jpg.{'supplemental-metadata'[:length]}.json", "IMG_1.jpg") for length in range(1, 22)],
        ("IMG_1.jpg(2).json", "IMG_1(2).jpg"),
        ("IMG_1.jpg.supplemental-metadata(2).json", "IMG_1(2).jpg"),
        ("IMG_1(2).jpg.json", "IMG_1(2).jpg"),
        ("IMG_1(2).jpg.supplemental-metadata.json", "IMG_1(2).jpg"),
        # Cut down to 46 characters before `.json`.
        (f"{(LONG + '.jpg')[:46]}.json", f"{LONG[:47]}.jpg"),
        (f"{('y' * 40 + '.jpg.supplemental-metadata')[:46]}.json", f"{'y' * 40}.jpg"),
        (f"{('y' * 44 + '.jpg')[:46]}.json", f"{'y' * 44}.jpg"),
        (f"{('y' * 40 + '.jpg.supplemental-metadata')[:46]}(3).json", f"{'y' * 40}(3).jpg"),
        # Of a picture edited in Google Photos there is one for both.
        ("IMG_1.jpg.json", "IMG_1-edited.jpg"),
        ("IMG_1.jpg.json", "IMG_1-bearbeitet.jpg"),
        ("IMG_1.HEIC.json", "IMG_1.jpg"),
        ("PXL_20230101_101010101.MP.jpg.supplemental-me.json", "PXL_20230101_101010101.MP.jpg"),
        ("äöü.jpg.json", "a\u0308o\u0308u\u0308.jpg"),
    ],
)
def test_a_takeout_sidecar_finds_its_picture(companion: str, picture: str) -> None:
    assert (
        match(f"album/{companion}", f"album/{picture}", "album/other.jpg", f"elsewhere/{picture}") == f"album/{picture}"
    )


@pytest.mark.parametrize(
    ("companion", "picture"),
    [
        ("IMG_1.jpg(2).json", "IMG_1.jpg"),
        ("IMG_1.jpg.supplemental-metadata(2).json", "IMG_1.jpg"),
        ("IMG_1.jpg.json", "IMG_1(2).jpg"),
        ("IMG_1.jpg.supper.json", "IMG_10.jpg"),
        (f"{'y' * 46}.json", f"{'y' * 45}z.jpg"),
        (f"{'y' * 45}.json", f"{'y' * 60}.jpg"),
    ],
)
def test_a_takeout_sidecar_of_another_picture_does_not(companion: str, picture: str) -> None:
    assert match(companion, picture) is None


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("companion", "picture"),
    [
        ("a.jpg.xmp", "a.jpg"),
        ("A.JPG.xmp", "A.JPG"),
        ("a.jpg.json", "a.jpg"),
        ("A.JPG.supplemental-metadata.json", "A.JPG"),
        ("a.xmp", "a.jpg"),
        ("A.xmp", "A.JPG"),
        ("A_01.JPG.XMP", "A.JPG"),
        ("A.jpg.xmp", None),
        ("A.jpg.json", None),
        ("b.jpg.xmp", "B.JPG"),
    ],
)
def test_of_twins_that_differ_in_case_each_has_its_own(companion: str, picture: str | None, turned: bool) -> None:
    pictures = ("a.jpg", "A.JPG", "B.JPG")
    assert match(companion, *(reversed(pictures) if turned else pictures)) == picture


def test_edited_twins_that_differ_in_case_share_each_their_own() -> None:
    pictures = [RelativePath(name) for name in ("a.jpg", "A.JPG", "a-edited.jpg", "A-edited.jpg")]
    owners = match_companions(map(RelativePath, ("a.jpg.json", "A.JPG.json")), pictures, is_raw_name=is_raw)
    assert shared_sidecars(owners, pictures) == {"a-edited.jpg": "a.jpg.json", "A-edited.jpg": "A.JPG.json"}


@pytest.mark.parametrize(
    ("sidecar", "picture", "title", "does_tell"),
    [
        ("IMG_1.png.supplemental-metadata.json", "IMG_1.jpg", "IMG_1.png", False),
        ("IMG_1.png.supplemental-metadata.json", "IMG_1.jpg", None, False),
        ("IMG_1.png.supplemental-metadata.json", "IMG_1.jpg", "IMG_1.JPG", True),
        ("IMG_1.gif.json", "IMG_1.CR2", "IMG_1.gif", False),
        ("IMG_1.jpg.json", "IMG_1.JPG", None, True),
        ("IMG_1.jpg.supplemental-metadata(2).json", "IMG_1(2).jpg", "IMG_1.jpg", True),
        ("IMG_1.HEIC.json", "IMG_1-edited.jpg", "IMG_1.HEIC", True),
        ("IMG_1.json", "IMG_1.jpg", None, True),
        (f"{(LONG + '.jpg')[:46]}.json", f"{LONG[:47]}.jpg", None, True),
        (f"{('y' * 44 + '.jpg')[:46]}.json", f"{'y' * 44}.jpg", None, True),
        ("IMG_1.xmp", "IMG_1.jpg", None, True),
    ],
)
def test_a_takeout_sidecar_of_another_file_tells_nothing_unless_its_title_agrees(
    sidecar: str, picture: str, title: str | None, does_tell: bool
) -> None:
    assert match(sidecar, picture) in (picture, None)
    facts = SidecarFacts(sort=SidecarSort.TAKEOUT, picture_name=title)
    assert tells_of(RelativePath(f"d/{picture}"), RelativePath(f"d/{sidecar}"), facts) is does_tell


def test_an_original_keeps_its_sidecar_and_shares_it_with_the_edited_one() -> None:
    pictures = [RelativePath(name) for name in ("d/IMG_1-edited.jpg", "d/IMG_1.jpg", "d/IMG_2.jpg")]
    owners = match_companions([RelativePath("d/IMG_1.jpg.json")], pictures, is_raw_name=is_raw)
    assert owners == {"d/IMG_1.jpg.json": "d/IMG_1.jpg"}
    assert shared_sidecars(owners, pictures) == {"d/IMG_1-edited.jpg": "d/IMG_1.jpg.json"}


def test_an_edited_picture_of_another_extension_shares_too_and_a_numbered_one_only_its_own() -> None:
    pictures = [RelativePath(name) for name in ("IMG_1-edited.jpg", "IMG_1.HEIC", "IMG_1-edited(1).jpg")]
    owners = match_companions([RelativePath("IMG_1.HEIC.json")], pictures, is_raw_name=is_raw)
    assert shared_sidecars(owners, pictures) == {"IMG_1-edited.jpg": "IMG_1.HEIC.json"}


def test_only_takeout_s_sidecars_are_shared() -> None:
    pictures = [RelativePath(name) for name in ("IMG_1-edited.jpg", "IMG_1.jpg")]
    owners = match_companions([RelativePath("IMG_1.jpg.xmp")], pictures, is_raw_name=is_raw)
    assert shared_sidecars(owners, pictures) == {}


def test_a_cut_name_that_fits_two_pictures_is_settled_by_the_title_inside() -> None:
    pictures = (f"{'x' * 46}a.jpg", f"{'x' * 46}b.jpg")
    companion = f"{'x' * 46}.json"
    clue = SidecarFacts(sort=SidecarSort.TAKEOUT, picture_name=pictures[1])
    assert match(companion, *pictures, clue=clue) == pictures[1]
    assert match(companion, *pictures, clue=None) is None


def test_a_title_longer_than_its_file_name_fits_too() -> None:
    pictures = (f"{'x' * 46}a.jpg", f"{'x' * 46}b.jpg")
    clue = SidecarFacts(sort=SidecarSort.TAKEOUT, picture_name=f"{'x' * 46}b and so on.jpg")
    assert match(f"{'x' * 46}.json", *pictures, clue=clue) == pictures[1]


def test_a_sidecar_that_names_an_extension_goes_with_that_file() -> None:
    for extension, picture in (("jpg", "a.jpg"), ("cr2", "a.CR2"), (None, "a.CR2"), ("nef", "a.CR2")):
        clue = SidecarFacts(sort=SidecarSort.XMP, for_extension=extension)
        assert match("a.xmp", "a.jpg", "a.CR2", clue=clue) == picture


def test_darktable_s_sidecar_of_a_further_development_goes_with_the_picture_and_tells_nothing_of_it() -> None:
    assert match("IMG_01.jpg.xmp", "IMG.jpg", "IMG.cr2") == "IMG.jpg"
    assert match("IMG_01.jpg.xmp", "IMG.jpg", "IMG_01.jpg") == "IMG_01.jpg"
    assert telling("IMG.jpg", "IMG_01.jpg.xmp", "IMG.jpg.xmp") == ["IMG.jpg.xmp"]


def test_sidecars_are_believed_in_the_order_of_how_exactly_they_name_the_picture() -> None:
    companions = ("a.jpg.json", "a.xmp", "a.JPG.xmp", "a.aae", "a.jpg.pp3")
    assert telling("a.jpg", *companions) == ["a.JPG.xmp", "a.xmp", "a.jpg.json"]


def test_a_sidecar_of_a_picture_that_is_not_there_tells_nothing_of_another() -> None:
    assert match("a.jpg.xmp", "a.cr2") == "a.cr2"
    assert telling("a.cr2", "a.jpg.xmp") == []
