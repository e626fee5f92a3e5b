"""Lists for the gallery: pages in both directions, what photos are asked for, their words, and the timeline."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from imalink.catalog import search_conditions, timeline
from imalink.catalog.catalog import Catalog
from imalink.catalog.file_storages import StorageChange, update_storage
from imalink.catalog.search import FoundPage, PhotoCount, conditions_of, count_photos, load_photos, search_photos
from imalink.catalog.search_conditions import list_cameras, list_lenses
from imalink.core.ids import StorageUuid
from imalink.core.index import FileEntry, FileStatus
from imalink.core.photo import Photo
from imalink.core.picture import Camera, Embedded, GpsPosition
from imalink.core.search_query import BoundingBox, PhotoStatus, SearchQuery
from imalink.core.session import Author
from imalink.errors import UsageError
from tests.support.catalogs import Catalogs, check_derived, dump_of, project
from tests.support.indexes import make_entry, make_facts, make_index, make_session, uuid_of

CANON = Camera(make="Canon", model="EOS R5", lens="RF 24-70")
CANON_OLD = Camera(make="Canon", model="EOS 5D", lens="EF 50")
NIKON = Camera(make="NIKON", model="Z 6", lens="Z 24-70")
NAMELESS = Camera(make="Leica")
ABOUT_ROME = Embedded(keywords=("places/italy/rome",), title="Café Zürich")
BY_BO = Embedded(keywords=("placesetting",), author="Bo Ek")
ROME, FIJI, TONGA = GpsPosition(latitude=41.9, longitude=12.5), GpsPosition(latitude=-18, longitude=178), GpsPosition(
    latitude=-21, longitude=-175
)  # fmt: skip


def entry(
    name: str,
    day: str | None = "2024-07-01",
    *,
    camera: Camera | None = None,
    gps: GpsPosition | None = None,
    file_format: str = "JPEG",
    status: FileStatus = FileStatus.PRESENT,
    embedded: Embedded | None = None,
) -> FileEntry:
    """The entry of a picture called ``name``, taken at noon."""
    taken = None if day is None else f"{day}T12:00:00"
    facts = make_facts(
        taken=taken, offset=None, camera=camera, gps=gps, file_format=file_format, embedded=embedded or Embedded()
    )
    return replace(make_entry(name, path="photos/x", facts=facts, status=status), original_filename=name)


@pytest.fixture(scope="module")
def library(catalogs: Catalogs) -> Iterator[Catalog]:
    """Two storages, of which the second is out of reach."""
    pair = entry("pair.jpg", "2024-07-05", camera=NIKON)
    raw = replace(entry("pair.nef", "2024-07-05", camera=NIKON, file_format="RAW"), photo_uuid=pair.photo_uuid)
    blue = [
        entry(
            "a.jpg",
            "2024-07-01",
            camera=CANON,
            gps=ROME,
            embedded=ABOUT_ROME,
        ),
        entry(
            "b.jpg",
            "2024-07-02",
            camera=CANON_OLD,
            gps=FIJI,
            embedded=Embedded(keywords=("Places",)),
        ),
        entry(
            "c.jpg",
            "2024-07-03",
            camera=NAMELESS,
            gps=TONGA,
            embedded=BY_BO,
        ),
        entry("gone.jpg", "2024-07-04", camera=CANON, status=FileStatus.MISSING),
        pair,
        raw,
    ]
    photo = Photo(photo_uuid=pair.photo_uuid, files=(pair.hothash, raw.hothash), primary=pair.hothash)
    with catalogs.make() as made:
        project(
            made, make_index(blue, session=make_session(1, author=Author(name="Anna")), storage="blue", photos=[photo])
        )
        red = [entry("away.jpg", "2024-07-06", camera=NIKON), entry("undated.png", None, file_format="PNG")]
        project(made, make_index(red, session=make_session(2), storage="red"))
        with made.begin() as db:
            update_storage(db, StorageUuid(uuid_of("red")), StorageChange(is_accessible=False))
        yield made


EVERYTHING = {"a.jpg", "b.jpg", "c.jpg", "gone.jpg", "pair.jpg", "away.jpg", "undated.png"}

QUERIES: list[tuple[SearchQuery, set[str]]] = [
    (SearchQuery(text="cafe"), {"a.jpg"}),
    (SearchQuery(text="ZÜR"), {"a.jpg"}),
    (SearchQuery(text="zurich caf"), {"a.jpg"}),
    (SearchQuery(text="zur cafe"), set()),
    (SearchQuery(text="pair NEF"), {"pair.jpg"}),
    (SearchQuery(text="nikon z"), {"pair.jpg", "away.jpg"}),
    (SearchQuery(text='"; DROP TABLE photos; -- * ( ) : ^ NEAR'), set()),
    (SearchQuery(text="***"), set()),
    (SearchQuery(tags=("places",)), {"a.jpg", "b.jpg"}),
    (SearchQuery(tags=("places/italy",)), {"a.jpg"}),
    (SearchQuery(place_name="rome"), {"a.jpg"}),
    (SearchQuery(place_name="italy"), {"a.jpg"}),
    (SearchQuery(place=BoundingBox(south=41, west=12, north=42, east=13)), {"a.jpg"}),
    (SearchQuery(place=BoundingBox(south=-30, west=170, north=0, east=-170)), {"b.jpg", "c.jpg"}),
    (SearchQuery(has_gps=True), {"a.jpg", "b.jpg", "c.jpg"}),
    (SearchQuery(has_gps=False), EVERYTHING - {"a.jpg", "b.jpg", "c.jpg"}),
    (SearchQuery(has_raw=True), {"pair.jpg"}),
    (SearchQuery(has_raw=False), EVERYTHING - {"pair.jpg"}),
    (SearchQuery(lens="24-70"), {"a.jpg", "gone.jpg", "pair.jpg", "away.jpg", "undated.png"}),
    (SearchQuery(lens="ef 50"), {"b.jpg"}),
    (SearchQuery(lens="none such"), set()),
    (SearchQuery(camera="canon"), {"a.jpg", "b.jpg", "gone.jpg", "undated.png"}),
    (SearchQuery(camera="canon eos 5"), {"b.jpg"}),
    (SearchQuery(camera="nothing"), set()),
    (SearchQuery(author_id=2), {"a.jpg", "b.jpg", "gone.jpg", "pair.jpg"}),
    (SearchQuery(author_id=77), set()),
    (SearchQuery(status=PhotoStatus.PRESENT), {"a.jpg", "b.jpg", "c.jpg", "pair.jpg"}),
    (SearchQuery(status=PhotoStatus.MISSING), {"gone.jpg"}),
    (SearchQuery(status=PhotoStatus.OFFLINE), {"away.jpg", "undated.png"}),
    (SearchQuery(taken_from=date(2024, 7, 3), taken_to=date(2024, 7, 5)), {"c.jpg", "gone.jpg", "pair.jpg"}),
    (SearchQuery(has_gps=True, tags=("places",), taken_to=date(2024, 7, 1)), {"a.jpg"}),
]


def run(catalog: Catalog, query: SearchQuery) -> FoundPage:
    with catalog.read() as db:
        return search_photos(db, query)


@pytest.mark.parametrize(
    ("few", "many"), [(2000, 100_000), (-1, 100_000), (-1, -1)], ids=["as a set", "on the walk", "of most"]
)
@pytest.mark.parametrize(("query", "expected"), QUERIES)
def test_a_filter_finds_what_it_says_whichever_way_it_is_asked(
    library: Catalog, query: SearchQuery, expected: set[str], few: int, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_conditions, "FEW", few)
    monkeypatch.setattr(search_conditions, "MANY", many)
    assert {photo.original_filename for photo in run(library, query).photos} == expected
    with library.read() as db:
        assert count_photos(db, query) == PhotoCount(count=len(expected), is_exact=True)


def test_a_found_photo_says_whether_it_has_a_raw_and_a_place(library: Catalog) -> None:
    found = {photo.original_filename: (photo.has_raw, photo.has_gps) for photo in run(library, SearchQuery()).photos}
    assert found["pair.jpg"] == (True, False)
    assert found["a.jpg"] == (False, True)


def test_cameras_and_lenses_are_listed_once(library: Catalog) -> None:
    with library.read() as db:
        assert list_cameras(db) == [("Canon", "EOS 5D"), ("Canon", "EOS R5"), ("Leica", None), ("NIKON", "Z 6")]
        assert list_lenses(db) == ["EF 50", "RF 24-70", "Z 24-70"]


def test_cameras_are_listed_too_where_only_a_part_of_their_name_is_known(catalog: Catalog) -> None:
    known = [
        ("Canon", "EOS R5"),
        ("Canon", None),
        ("Canon", "Å"),
        ("Leica", None),
        (None, "Box"),
        (None, "Air"),
        (None, None),
    ]
    entries = [
        make_entry(f"{number}", facts=replace(make_facts(), camera=Camera(make=make, model=model)))
        for number, (make, model) in enumerate([*known, *known])
    ]
    project(catalog, make_index(entries))
    with catalog.read() as db:
        assert list_cameras(db) == [
            ("Canon", "EOS R5"),
            ("Canon", "Å"),
            ("Canon", None),
            ("Leica", None),
            (None, "Air"),
            (None, "Box"),
        ]


@pytest.mark.parametrize("box", ["91,0..92,1", "2,0..1,1", "0,181..1,0"])
def test_what_is_no_part_of_the_map_is_refused(box: str) -> None:
    south, west, north, east = (float(number) for half in box.split("..") for number in half.split(","))
    with pytest.raises(UsageError, match="no part of the map"):
        BoundingBox(south=south, west=west, north=north, east=east)


@pytest.fixture(scope="module")
def many(catalogs: Catalogs) -> Iterator[Catalog]:
    """200 photos: several at one moment, some undated, some whose UTC and local days differ."""
    chance = random.Random(3)
    entries: list[FileEntry] = []
    for number in range(200):
        taken = chance.choice([None, *(f"2024-0{month}-1{day}T0{day}:30:00" for month in (1, 2) for day in range(5))])
        facts = make_facts(taken=taken, offset=chance.choice([None, "+12:00", "-11:00"]) if taken else None)
        entries.append(make_entry(f"n{number}", facts=facts))
    with catalogs.make() as made:
        project(made, make_index(entries))
        yield made


@pytest.mark.parametrize("limit", [1, 7, 80, 199, 200])
def test_pages_go_back_as_they_went_forth(many: Catalog, limit: int) -> None:
    forth = [run(many, SearchQuery(limit=limit))]
    assert forth[0].previous is None
    while (place := forth[-1].next) is not None:
        forth.append(run(many, SearchQuery(limit=limit, after=place)))
    assert sum(len(page.photos) for page in forth) == 200
    back = [forth[-1]]
    while (place := back[-1].previous) is not None:
        back.append(run(many, SearchQuery(limit=limit, before=place)))
    assert [page.photos for page in reversed(back)] == [page.photos for page in forth]
    assert [page.next for page in reversed(back)][:-1] == [page.next for page in forth][:-1]


@pytest.mark.parametrize("near", [1, 7, 60, 1000])
@pytest.mark.parametrize("text", ["n1", "n15", "nothing"])
def test_words_are_found_however_many_photos_are_looked_at_first(
    many: Catalog, monkeypatch: pytest.MonkeyPatch, near: int, text: str
) -> None:
    everything = run(many, SearchQuery(limit=200)).photos
    expected = [photo.id for photo in everything if photo.original_filename.startswith(text)]
    assert len(expected) == {"n1": 111, "n15": 11, "nothing": 0}[text]
    monkeypatch.setattr("imalink.catalog.photo_walk.NEAR", near)
    page = run(many, SearchQuery(text=text, limit=13))
    forth = [photo.id for photo in page.photos]
    while page.next is not None:
        page = run(many, SearchQuery(text=text, limit=13, after=page.next))
        forth.extend(photo.id for photo in page.photos)
    assert forth == expected
    back = [photo.id for photo in page.photos]
    while page.previous is not None:
        page = run(many, SearchQuery(text=text, limit=13, before=page.previous))
        back[:0] = [photo.id for photo in page.photos]
    assert back == expected


def test_a_page_goes_on_in_one_direction_only() -> None:
    with pytest.raises(UsageError, match="not both"):
        SearchQuery(after="a", before="b")


def test_a_count_beyond_the_limit_is_no_exact_one(many: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imalink.catalog.search.MAX_COUNT", 10)
    with many.read() as db:
        assert count_photos(db, SearchQuery(text="jpg")) == PhotoCount(count=10, is_exact=False)
        assert count_photos(db, SearchQuery()) == PhotoCount(count=200, is_exact=True)


def test_the_timeline_has_every_photo_once_by_the_days_of_the_cameras(many: Catalog) -> None:
    with many.read() as db:
        order = timeline.load_order(db)
        photos = load_photos(db, order.ids)
        days = timeline.list_days(db)
        assert list(order.day_counts()) == days
    assert len(order) == len(set(order.ids)) == 200
    shown = [None if photo.taken_at_local is None else photo.taken_at_local[:10] for photo in photos]
    assert shown == sorted((day for day in shown if day), reverse=True) + [None] * shown.count(None)
    assert [
        None if each.day is None else each.day.isoformat() for each in days for _ in range(each.photo_count)
    ] == shown
    assert set(order.aspects) == {1500}


@pytest.mark.parametrize("photos_at_once", [1, 7, 100, 200, 1000])
def test_the_timeline_is_the_list_put_together_by_days_however_it_is_read(
    many: Catalog, monkeypatch: pytest.MonkeyPatch, photos_at_once: int
) -> None:
    monkeypatch.setattr(timeline, "PHOTOS_AT_ONCE", photos_at_once)
    listed = run(many, SearchQuery(limit=200)).photos
    by_day = sorted(listed, key=lambda photo: (photo.taken_at_local or "")[:10], reverse=True)
    with many.read() as db:
        assert list(timeline.load_order(db).ids) == [photo.id for photo in by_day]


def test_months_sum_their_days_and_the_undated_come_last(many: Catalog) -> None:
    with many.read() as db:
        months = timeline.list_months(db)
    assert [each.month for each in months] == ["2024-02", "2024-01", None]
    assert sum(each.photo_count for each in months) == 200


def test_a_day_and_a_photo_are_found_on_the_timeline(many: Catalog) -> None:
    with many.read() as db:
        order = timeline.load_order(db)
        days = timeline.list_days(db)
    offset = 0
    for each in days:
        assert order.offset_of_day(each.day) == offset
        offset += each.photo_count
    assert order.offset_of_day(date(2030, 1, 1)) == 0
    assert order.offset_of_day(date(1999, 1, 1)) == order.offset_of_day(None)
    assert [order.find_offset(photo_id) for photo_id in order.ids[::50]] == [0, 50, 100, 150]
    assert order.find_offset(2**31 - 1) is None


def test_the_timeline_shows_only_what_fits(library: Catalog) -> None:
    with library.read() as db:
        order = timeline.load_order(db, conditions_of(db, SearchQuery(has_gps=True)))
        assert [photo.original_filename for photo in load_photos(db, order.ids)] == ["c.jpg", "b.jpg", "a.jpg"]


def test_days_and_words_follow_every_change(catalog: Catalog) -> None:
    first = entry("one.jpg", "2024-07-01", embedded=Embedded(title="before"))
    project(catalog, make_index([first, entry("two.jpg")]))
    later = replace(first, facts=make_facts(taken="2023-01-01T00:00:00", embedded=Embedded(title="after")))
    project(catalog, make_index([later]))
    assert [photo.title for photo in run(catalog, SearchQuery(text="after")).photos] == ["after"]
    assert run(catalog, SearchQuery(text="before")).photos == run(catalog, SearchQuery(text="two")).photos == ()
    with catalog.read() as db:
        assert timeline.list_days(db) == [timeline.DayCount(day=date(2023, 1, 1), photo_count=1)]
        check_derived(db)
    project(catalog, make_index([]))
    assert len(dump_of(catalog)) > 0
    with catalog.read() as db:
        assert timeline.list_days(db) == []
