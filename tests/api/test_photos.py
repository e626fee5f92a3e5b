"""``GET /photos``: found by every filter, page by page, with what a gallery shows."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from imalink.core import edit_request
from imalink.core.edit_request import EditRequest
from imalink.core.user_facts import FactChange
from imalink.workflows.edit_photos import edit_photos
from tests.api.conftest import Json, Served, serving
from tests.support.photos import make_jpeg
from tests.support.workbench import make_source


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, empty_catalog: Path) -> Iterator[Served]:
    """Five photos in one storage and two in another: dated, undated, rated, tagged, placed."""
    folder = tmp_path_factory.mktemp("photos")
    with serving(folder, empty_catalog) as served:
        make_source(served.card, 3)
        make_jpeg(
            served.card / "rome.jpg", seed=40, taken="2025:03:04 10:00:00", rating=5, keywords=["places/italy/rome"],
            gps=(41.9, 12.5),
        )  # fmt: skip
        make_jpeg(served.card / "scan.jpg", seed=41, taken="2024:07:02 18:00:00")
        served.imported(served.create(), source=served.card)
        second = make_source(folder / "second", 2, first_seed=20)
        served.imported(served.create("Red Toshiba"), title="Norway", source=second)
        [scan] = names_of(served, "name=scan.jpg", key="hothash")
        edit_photos(
            served.container.tools(),
            [scan],
            EditRequest(said=FactChange.of({"title": "Night by the sea", "author": edit_request.parse_author("Anna")})),
        )
        yield served


def names_of(served: Served, query: str, *, key: str = "original_filename") -> list[str]:
    return [each[key] for each in served.get(f"photos?{query}")["photos"]]


ALL = ["rome.jpg", "IMG_0021.jpg", "IMG_0020.jpg", "IMG_0003.jpg", "scan.jpg", "IMG_0002.jpg", "IMG_0001.jpg"]


def test_all_photos_come_latest_first(library: Served) -> None:
    assert names_of(library, "") == ALL


def test_a_listed_photo_says_what_a_gallery_shows(library: Served) -> None:
    rome = library.get("photos?limit=1")["photos"][0]
    shown = library.get(f"photos/{rome['hothash']}")
    assert rome["photo_uuid"] == shown["photo_uuid"]
    assert (rome["rating"], rome["tags"], rome["has_gps"]) == (5, ["places/italy/rome"], True)
    assert (rome["has_raw"], rome["file_status"], rome["rejected"]) == (False, "present", False)
    assert (rome["taken_at_local"], rome["camera_model"]) == ("2025-03-04T10:00:00", "Testmodel 1")
    assert rome["hotpreview_rendition"]


@pytest.mark.parametrize("limit", [1, 2, 3, 500])
def test_pages_have_every_photo_once_and_lead_back(library: Served, limit: int) -> None:
    found: list[str] = []
    page: Json = library.get("photos", params={"limit": limit})
    assert page["previous"] is None
    before: list[list[Any]] = []
    while True:
        found += [each["original_filename"] for each in page["photos"]]
        before.append(page["photos"])
        if page["next"] is None:
            break
        page = library.get("photos", params={"limit": limit, "after": page["next"]})
    assert found == ALL
    for earlier in reversed(before[:-1]):
        page = library.get("photos", params={"limit": limit, "before": page["previous"]})
        assert page["photos"] == earlier
    assert page["previous"] is None


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("from=2025", ALL[:1]),
        ("from=2024-07-03&to=2024-07", ALL[1:4]),
        ("to=2024-07-01", ALL[-1:]),
        ("rating_min=4", ["rome.jpg"]),
        ("tag=places/italy", ["rome.jpg"]),
        ("tag=places&tag=norway", []),
        ("camera=testmodel", ALL),
        ("camera=leica", []),
        ("lens=24-70", []),
        ("author=anna", ["scan.jpg"]),
        ("session_id=2", ALL[1:3]),
        ("format=jpg", ALL),
        ("format=raw", []),
        ("text=night sea", ["scan.jpg"]),
        ("text=---", []),
        ('text="', []),
        ("text=*!!!", []),
        ("q=text:---", []),
        ("name=IMG_000?.jpg", ["IMG_0003.jpg", "IMG_0002.jpg", "IMG_0001.jpg"]),
        ("place=italy", ["rome.jpg"]),
        ("place=41,12..42,13", ["rome.jpg"]),
        ("has_gps=true", ["rome.jpg"]),
        ("has_gps=false", ALL[1:]),
        ("has_raw=true", []),
        ("status=present", ALL),
        ("status=missing", []),
        ("status=offline", []),
        ("collection=no-such", []),
        ("q=rating:5 rome", ["rome.jpg"]),
        ("q=name:IMG_* from:2024-07-20&to=2024-07-20", ["IMG_0020.jpg"]),
    ],
)
def test_a_filter_finds_what_fits(library: Served, query: str, names: list[str]) -> None:
    assert names_of(library, query) == names


def test_photos_of_a_storage(library: Served) -> None:
    [red] = [each for each in library.get("file-storage")["storages"] if each["display_name"] == "Red Toshiba"]
    assert names_of(library, f"storage_uuid={red['uuid']}") == ALL[1:3]
    assert library.get("photos", params={"storage_uuid": "a1b2c3d4-5e6f-4a7b-8c9d-0e1f2a3b4c5d"}, status=404)


def test_how_many_fit_is_told_where_asked_for(library: Served) -> None:
    assert library.get("photos?limit=1")["count"] is None
    assert library.get("photos?limit=1&count=true")["count"] == {"count": 7, "is_exact": True}
    assert library.get("photos?limit=1&count=true&rating_min=1")["count"] == {"count": 1, "is_exact": True}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("limit=501", 422),
        ("limit=0", 422),
        ("rating_min=6", 422),
        ("from=yesterday", 422),
        ("from=2024-13", 422),
        ("from=2025&to=2024", 400),
        ("after=x", 422),
        ("before=x", 422),
        ("format=docx", 422),
        ("status=lost", 422),
        ("has_raw=perhaps", 422),
        ("place=95,0..96,1", 422),
        ("q=colour:red", 422),
        ("q=rating:5&rating_min=1", 400),
        ("ratin=5", 422),
        ("session_id=99", 404),
        ("text=%00", 422),
    ],
)
def test_what_cannot_be_asked_is_refused(library: Served, query: str, status: int) -> None:
    error = library.get(f"photos?{query}", status=status)["error"]
    assert error["message"]
    if status == 422:
        assert [each["field"] for each in error["details"]["fields"]] == [f"query.{query.partition('=')[0]}"]


def test_cameras_and_lenses_are_listed(library: Served) -> None:
    assert library.get("photos/cameras")["cameras"] == [{"make": "Testmaker", "model": "Testmodel 1"}]
    assert library.get("photos/lenses")["lenses"] == []


def test_photos_of_a_storage_that_is_away_are_offline_and_still_found(served: Served) -> None:
    storage = served.create()
    served.imported(storage)
    shutil.move(storage["full_path"], served.disk / "unplugged")
    served.post(f"file-storage/{storage['uuid']}/accessibility")
    assert {each["file_status"] for each in served.get("photos")["photos"]} == {"offline"}
    assert len(served.get("photos?status=offline")["photos"]) == 3
    assert served.get("photos?status=present")["photos"] == []


def test_a_photo_whose_file_is_gone_is_missing_and_still_found(served: Served) -> None:
    storage = served.create()
    served.imported(storage)
    (Path(storage["full_path"]) / "photos" / "IMG_0002.jpg").unlink()
    served.post(f"storage-index/scan/{storage['uuid']}")
    assert names_of(served, "", key="file_status") == ["present", "missing", "present"]
    assert names_of(served, "status=missing") == ["IMG_0002.jpg"]
