"""Where an imported file goes: as it was, or by date; never on top of another, never looking like a storage."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imalink.core.organization import DATE, FLAT, KEEP, SESSION, companion_target, free_name, organization_named
from imalink.core.path_template import NamedPicture
from imalink.core.relative_path import MAX_PART_BYTES, RelativePath
from imalink.core.timestamps import CaptureTime
from imalink.errors import InvalidPathError, UsageError

PHOTOS = RelativePath("photos")


def _taken(local: str, offset: str | None = None) -> CaptureTime:
    return CaptureTime(local=local, offset=offset, source="exif")


def _kept(source: str) -> str:
    return KEEP.expand(NamedPicture(source=RelativePath(source)), photo_root=PHOTOS)


def _dated(source: str, taken: CaptureTime | None) -> str:
    return DATE.expand(NamedPicture(source=RelativePath(source), capture_time=taken), photo_root=PHOTOS)


def _free(path: str, *taken: str) -> str:
    return free_name(RelativePath(path), lambda candidate: candidate in taken)


def _companion(companion: str, picture: str, target: str) -> str:
    return companion_target(RelativePath(companion), RelativePath(picture), RelativePath(target))


def test_keep_arranges_files_as_they_were_at_the_source() -> None:
    assert _kept("DCIM/100CANON/IMG_1.JPG") == "photos/DCIM/100CANON/IMG_1.JPG"
    assert _kept("IMG_1.JPG") == "photos/IMG_1.JPG"


def test_the_capture_time_does_not_matter_to_keep() -> None:
    path = RelativePath("a/b.jpg")
    taken = _taken("2024-07-10T14:30:00")
    assert KEEP.expand(NamedPicture(source=path, capture_time=taken), photo_root=PHOTOS) == "photos/a/b.jpg"


def test_date_arranges_by_the_year_and_month_of_the_local_time() -> None:
    assert _dated("DCIM/x/IMG_1.JPG", _taken("2024-07-10T14:30:00")) == "photos/2024/07/IMG_1.JPG"


def test_the_month_is_that_of_the_cameras_clock_and_not_of_utc() -> None:
    assert _dated("a.jpg", _taken("2024-08-01T00:30:00", "+02:00")) == "photos/2024/08/a.jpg"


def test_without_a_capture_time_date_uses_a_folder_unknown() -> None:
    assert _dated("DCIM/IMG_1.JPG", None) == "photos/unknown/IMG_1.JPG"


def test_session_and_flat_give_one_folder_for_each_import_and_one_for_all() -> None:
    picture = NamedPicture(source=RelativePath("DCIM/IMG_1.JPG"), session_number=123)
    assert SESSION.expand(picture, photo_root=PHOTOS) == "photos/Import-123/IMG_1.JPG"
    assert FLAT.expand(picture, photo_root=PHOTOS) == "photos/IMG_1.JPG"


def test_a_way_to_arrange_is_one_of_four_or_a_template() -> None:
    assert organization_named("date") is DATE
    picture = NamedPicture(source=RelativePath("DCIM/IMG_1.JPG"), session_title="italy")
    template = organization_named("trips/{session_title}")
    assert template.expand(picture, photo_root=None) == "trips/italy/IMG_1.JPG"
    for text in ("dates", "", "{nothing}", "../{year}"):
        with pytest.raises(UsageError):
            organization_named(text)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("imalink_20241018/photos/a.jpg", "photos/imalink-20241018/photos/a.jpg"),
        ("x/IMALINK_old/a.jpg", "photos/x/imalink-old/a.jpg"),
    ],
)
def test_a_folder_that_looks_like_a_storage_is_spelt_with_a_hyphen(source: str, target: str) -> None:
    assert _kept(source) == target


def test_a_file_that_looks_like_a_storage_keeps_its_name() -> None:
    assert _kept("a/imalink_1.jpg") == "photos/a/imalink_1.jpg"


def test_no_folder_of_an_import_is_found_by_a_search_for_storages() -> None:
    for source in ("imalink_imalink_/a.jpg", "Imalink_/a.jpg", "imalink_/imalink_/a.jpg"):
        assert not any(part.lower().startswith("imalink_") for part in _kept(source).split("/"))


def test_a_folder_that_only_holds_the_word_keeps_its_name() -> None:
    assert _kept("my_imalink_backup/a.jpg") == "photos/my_imalink_backup/a.jpg"


def test_a_target_that_would_be_too_long_is_refused() -> None:
    with pytest.raises(InvalidPathError):
        _kept("/".join(["x" * 250] * 16) + "/" + "y" * 100)


def test_a_free_name_is_taken_as_it_is() -> None:
    assert _free("photos/a.jpg") == "photos/a.jpg"


def test_a_name_that_is_taken_gets_the_first_free_number_from_two() -> None:
    assert _free("photos/a.jpg", "photos/a.jpg") == "photos/a (2).jpg"
    assert _free("photos/a.jpg", "photos/a.jpg", "photos/a (2).jpg") == "photos/a (3).jpg"
    assert _free("photos/a.jpg", "photos/a.jpg", "photos/a (3).jpg") == "photos/a (2).jpg"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.jpg", "a (2).jpg"),
        ("photos/.hidden", "photos/.hidden (2)"),
        ("photos/name.", "photos/name. (2)"),
        ("photos/none", "photos/none (2)"),
        ("photos/a.tar.gz", "photos/a.tar (2).gz"),
        ("photos/a (2).jpg", "photos/a (2) (2).jpg"),
        ("photos/a.jpg.jpg", "photos/a.jpg (2).jpg"),
    ],
)
def test_the_number_comes_before_the_suffix(path: str, expected: str) -> None:
    assert _free(path, path) == expected


@pytest.mark.parametrize("stem", ["x" * 251, "é" * 125, "📷" * 62])
def test_a_long_name_is_shortened_to_make_room_for_the_number(stem: str) -> None:
    path = RelativePath.parse(f"photos/{stem}.jpg")
    free = free_name(path, lambda candidate: candidate == path)
    assert free.name.endswith(" (2).jpg")
    assert len(free.name.encode()) <= MAX_PART_BYTES
    assert free.name.removesuffix(" (2).jpg") == stem[: len(free.name) - 8]


@given(st.binary(min_size=1, max_size=300), st.integers(1, 12))
def test_a_free_name_is_a_path_that_is_not_taken(raw: bytes, count: int) -> None:
    try:
        path = RelativePath.from_bytes(raw)
    except InvalidPathError:
        return
    taken: set[str] = set()
    for _ in range(count):
        free = free_name(path, taken.__contains__)
        assert free not in taken
        assert free.parent == path.parent
        assert RelativePath.from_bytes(free.as_bytes()) == free
        taken.add(free)


@pytest.mark.parametrize(
    ("companion", "picture", "target", "expected"),
    [
        ("d/IMG_1.xmp", "d/IMG_1.JPG", "photos/IMG_1.JPG", "photos/IMG_1.xmp"),
        ("d/IMG_1.JPG.xmp", "d/IMG_1.JPG", "photos/IMG_1.JPG", "photos/IMG_1.JPG.xmp"),
        ("d/IMG_1.xmp", "d/IMG_1.JPG", "photos/IMG_1 (2).JPG", "photos/IMG_1 (2).xmp"),
        ("d/IMG_1.JPG.xmp", "d/IMG_1.JPG", "photos/IMG_1 (2).JPG", "photos/IMG_1 (2).JPG.xmp"),
        ("d/img_1.XMP", "d/IMG_1.JPG", "photos/IMG_1 (2).JPG", "photos/IMG_1 (2).XMP"),
        ("IMG_1.aae", "IMG_1.HEIC", "IMG_1.HEIC", "IMG_1.aae"),
        ("d/other.xmp", "d/IMG_1.JPG", "photos/IMG_1 (2).JPG", "photos/other.xmp"),
    ],
)
def test_a_companion_goes_beside_its_picture_under_its_name(
    companion: str, picture: str, target: str, expected: str
) -> None:
    assert _companion(companion, picture, target) == expected


def test_a_companion_whose_name_would_be_too_long_is_refused() -> None:
    target = f"photos/{'x' * 251}.jpg"
    with pytest.raises(InvalidPathError):
        _companion("a.jpg.xmp", "a.jpg", target)
