"""The catalog holds what the indexes say: no more, no less, in whatever order they come."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from itertools import permutations

import pytest
from sqlalchemy import func, select

from imalink.catalog import models
from imalink.catalog.catalog import Catalog
from imalink.catalog.dump import compare
from imalink.catalog.file_storages import get_storage
from imalink.catalog.import_sessions import create_session, get_session
from imalink.catalog.locations import find_by_hothash, find_hothashes, list_session_files
from imalink.catalog.photos import get_photo
from imalink.catalog.projection import project_session
from imalink.core.ids import Hothash, PhotoUuid, SessionUuid, WriterId
from imalink.core.index import FileStatus, SessionIndex
from imalink.core.photo import FieldClock, Photo
from imalink.core.picture import Camera, Embedded, GpsPosition
from imalink.core.relative_path import RelativePath
from imalink.core.session import Author, SessionStatus
from tests.support.catalogs import Catalogs, dump_of, project, storage_in
from tests.support.indexes import (
    IMPORTED_AT,
    MODIFIED_NS,
    hash_of,
    make_companion,
    make_copy,
    make_entry,
    make_facts,
    make_index,
    make_session,
    make_tombstone,
    uuid_of,
)


def rich_index(number: int = 42, storage: object = "storage") -> SessionIndex:
    session = make_session(number, author=Author(name="Kari", email="kari@example.org"))
    raw = make_entry(f"{number}-raw", facts=make_facts(file_format="RAW"), photo_uuid=PhotoUuid(uuid_of("pair")))
    jpeg = make_entry(
        f"{number}-jpeg",
        photo_uuid=PhotoUuid(uuid_of("pair")),
        facts=make_facts(embedded=Embedded(rating=3, keywords=("sea", "sand"), title="Beach", author="Kari")),
        companions=(make_companion("photos/jpeg.xmp"), make_companion("photos/jpeg.aae", kind="edits")),
        copies=(make_copy("photos/copy of jpeg.jpg", session=session),),
    )
    said = Photo(
        photo_uuid=PhotoUuid(uuid_of("pair")),
        files=(jpeg.hothash, raw.hothash),
        primary=jpeg.hothash,
        rating=5,
        tags=("Italy", "sea"),
        author=Author(name="Ola"),
        clocks={"rating": FieldClock(counter=3, writer=WriterId("w1"))},
    )
    gone = make_entry(f"{number}-gone", status=FileStatus.MISSING, last_seen_at="2024-11-01T00:00:00Z")
    place = make_entry(f"{number}-gps", facts=make_facts(gps=GpsPosition(latitude=-1.5, longitude=2.25, altitude=3.0)))
    return make_index(
        [raw, jpeg, gone, place],
        session=session,
        storage=storage,
        photos=[said],
        deleted=[make_tombstone("thrown away", session=session)],
    )


def test_projecting_twice_is_projecting_once(catalog: Catalog) -> None:
    project(catalog, rich_index())
    once = dump_of(catalog)
    result = project(catalog, rich_index())
    assert not result.is_new
    assert compare(once, dump_of(catalog)) == []


def test_a_file_of_the_far_future_is_taken_in(catalogs: Catalogs) -> None:
    entry = make_entry("later", modified_ns=16_725_225_600 * 10**9)
    assert any('"modified_ns":9223372036854775807' in line for line in catalogs.dump_after([make_index([entry])]))


def test_the_order_of_two_sessions_does_not_matter(catalogs: Catalogs) -> None:
    first, second = rich_index(1), rich_index(2, storage="other")
    assert compare(catalogs.dump_after([first, second]), catalogs.dump_after([second, first])) == []


def test_everything_an_index_says_shows_in_the_dump(catalogs: Catalogs) -> None:
    index = rich_index()
    before = catalogs.dump_after([index])
    entry = index.files[Hothash(hash_of("42-jpeg"))]
    pair = index.photos[PhotoUuid(uuid_of("pair"))]
    camera = Camera(make="Canon", model="EOS R5", lens="RF 24-70", iso=200, exposure_seconds=0.004, f_number=2.8)
    changed_entries = [
        replace(entry, relative_path=RelativePath.parse("photos/moved.jpg")),
        replace(entry, modified_ns=entry.modified_ns + 1),
        replace(entry, hotpreview_rendition=None),
        replace(entry, original_filename="other.jpg"),
        replace(entry, original_path="other/path.jpg"),
        replace(entry, imported_at="2024-10-18T14:30:53Z"),
        replace(entry, companions=entry.companions[:1]),
        replace(entry, companions=(replace(entry.companions[0], kind="x"), entry.companions[1])),
        replace(entry, copies=()),
        replace(entry, copies=(replace(entry.copies[0], status=FileStatus.MISSING),)),
        replace(entry, previous_hothashes=(Hothash(hash_of("before")),)),
        replace(entry, facts=replace(entry.facts, camera=camera)),
        replace(entry, facts=replace(entry.facts, orientation=6)),
        replace(entry, facts=replace(entry.facts, embedded=Embedded(copyright="(c)"))),
    ]
    indexes = [replace(index, files={**index.files, entry.hothash: changed}) for changed in changed_entries]
    changed_photos = [
        replace(pair, clocks={"rating": FieldClock(counter=4, writer=WriterId("w1"))}),
        replace(pair, primary=pair.files[1]),
        replace(pair, rejected=False),
        replace(pair, tags=("sea", "Italy")),
    ]
    indexes += [replace(index, photos={**index.photos, pair.photo_uuid: changed}) for changed in changed_photos]
    indexes += [
        replace(index, deleted={}),
        replace(index, session=replace(index.session, title="Other")),
        replace(index, session=replace(index.session, number=43)),
        replace(index, session=replace(index.session, default_author=None)),
        replace(index, statistics=replace(index.statistics, ignored=1)),
    ]
    for changed in indexes:
        assert compare(before, catalogs.dump_after([changed])) != []


def test_a_moved_file_keeps_its_picture_and_photo(catalog: Catalog) -> None:
    entry = make_entry("a")
    project(catalog, make_index([entry]))
    moved = replace(entry, relative_path=RelativePath.parse("photos/2024/italy/a.jpg"))
    project(catalog, make_index([moved]), only=[entry.hothash])
    with catalog.read() as db:
        found = find_by_hothash(db, [entry.hothash])[entry.hothash]
    assert [location.relative_path for location in found.locations] == ["photos/2024/italy/a.jpg"]
    assert found.photo_uuid == entry.photo_uuid


def test_two_files_may_swap_their_names(catalog: Catalog) -> None:
    one, two = make_entry("one"), make_entry("two")
    project(catalog, make_index([one, two]))
    swapped = [replace(one, relative_path=two.relative_path), replace(two, relative_path=one.relative_path)]
    project(catalog, make_index(swapped), only=[one.hothash, two.hothash])
    with catalog.read() as db:
        found = find_by_hothash(db, [one.hothash])[one.hothash]
    assert found.locations[0].relative_path == two.relative_path


def test_a_new_file_may_stand_where_a_missing_one_stood(catalog: Catalog) -> None:
    missing = make_entry("old", path="photos/a.jpg", status=FileStatus.MISSING, last_seen_at=IMPORTED_AT)
    new = make_entry("new", path="photos/a.jpg")
    project(catalog, make_index([missing], session=make_session(1)))
    project(catalog, make_index([new], session=make_session(2)))
    with catalog.read() as db:
        found = find_by_hothash(db, [missing.hothash, new.hothash])
    assert found[missing.hothash].locations[0].status is FileStatus.MISSING
    assert found[missing.hothash].locations[0].last_seen_at == IMPORTED_AT
    assert found[new.hothash].locations[0].status is FileStatus.PRESENT


def test_a_file_that_left_the_index_leaves_the_catalog(catalog: Catalog) -> None:
    stays, goes = make_entry("stays"), make_entry("goes", facts=make_facts(embedded=Embedded(keywords=("x",))))
    project(catalog, make_index([stays, goes]))
    project(catalog, make_index([stays]))
    with catalog.read() as db:
        assert db.execute(select(func.count()).select_from(models.ImageFile)).scalar_one() == 1
        assert db.execute(select(func.count()).select_from(models.Photo)).scalar_one() == 1
        assert db.execute(select(func.count()).select_from(models.FileLocation)).scalar_one() == 1
        assert find_by_hothash(db, [goes.hothash]) == {}


def test_an_edited_picture_takes_its_photo_along_under_the_new_hothash(catalog: Catalog) -> None:
    old = make_entry("old")
    project(catalog, make_index([old]))
    new = make_entry("new", path=old.relative_path, photo_uuid=old.photo_uuid, previous_hothashes=(old.hothash,))
    project(catalog, make_index([new]), only=[old.hothash, new.hothash])
    with catalog.read() as db:
        photo = get_photo(db, old.photo_uuid)
        assert [file.hothash for file in photo.files] == [new.hothash]
        assert find_by_hothash(db, [old.hothash]) == {}


def test_one_picture_in_two_sessions_is_one_image_file_with_two_locations(catalog: Catalog) -> None:
    later = make_entry("a", path="photos/later.jpg", imported_at="2024-12-01T00:00:00Z")
    earlier = make_entry("a", path="photos/earlier.jpg", imported_at="2024-01-01T00:00:00Z")
    project(catalog, make_index([later], session=make_session(7)))
    project(catalog, make_index([earlier], session=make_session(8), storage="other"))
    with catalog.read() as db:
        [found] = find_by_hothash(db, find_hothashes(db, later.hothash[:8])).values()
        assert [location.session_number for location in found.locations] == [8, 7]
        image = db.execute(select(models.ImageFile)).scalar_one()
        assert image.import_session_id == 8
        assert [file.hothash for file in list_session_files(db, SessionUuid(uuid_of("session 7")))] == [later.hothash]


def test_a_rating_written_into_one_of_two_files_shows(catalog: Catalog) -> None:
    plain = make_entry("a")
    rated = replace(
        plain, modified_ns=MODIFIED_NS + 1, sha256=hash_of("rated"), facts=make_facts(embedded=Embedded(rating=4))
    )
    project(catalog, make_index([plain], storage="one"))
    project(catalog, make_index([plain], storage="two"))
    for storage in ("one", "two"):
        project(catalog, make_index([rated], storage=storage), only=[plain.hothash])
        with catalog.read() as db:
            assert get_photo(db, plain.hothash).facts.rating == 4


def test_what_is_written_into_a_file_shows_whichever_copy_comes_first(
    catalogs: Catalogs,
) -> None:
    plain = make_entry("a", modified_ns=MODIFIED_NS + 1, facts=make_facts(embedded=Embedded()))
    keyworded = replace(plain, modified_ns=MODIFIED_NS, facts=make_facts(embedded=Embedded(keywords=("x",))))
    indexes = [
        make_index([plain], storage="one"),
        make_index([keyworded], storage="two"),
        make_index([replace(plain, modified_ns=MODIFIED_NS + 2)], storage="three"),
    ]
    for ordered in permutations(indexes):
        with catalogs.make() as catalog:
            for index in ordered:
                project(catalog, index)
            with catalog.read() as db:
                assert get_photo(db, plain.hothash).facts.tags == ("x",)


def test_what_only_one_of_several_files_says_is_not_lost(catalogs: Catalogs) -> None:
    rated = make_entry("a", facts=make_facts(embedded=Embedded(rating=5, keywords=("Oslo",), author="Ada")))
    newer = replace(
        rated, modified_ns=MODIFIED_NS + 1, facts=make_facts(embedded=Embedded(author="Kjell", title="Harbour"))
    )
    indexes = [make_index([rated], storage="one"), make_index([newer], storage="two")]
    for ordered in permutations(indexes):
        with catalogs.make() as catalog:
            for index in ordered:
                project(catalog, index)
            with catalog.read() as db:
                facts = get_photo(db, rated.hothash).facts
                row = db.execute(select(models.Photo)).scalar_one()
        assert (facts.rating, facts.tags, facts.title, row.author) == (5, ("Oslo",), "Harbour", "Kjell")


def test_what_the_user_said_wins_over_the_file(catalog: Catalog) -> None:
    project(catalog, rich_index())
    with catalog.read() as db:
        photo = get_photo(db, PhotoUuid(uuid_of("pair")))
        row = db.execute(select(models.Photo).where(models.Photo.photo_uuid == uuid_of("pair"))).scalar_one()
    assert (photo.facts.rating, photo.facts.title, photo.facts.tags) == (5, "Beach", ("Italy", "sea"))
    assert (row.rating, row.title, row.author) == (5, "Beach", "Ola")
    assert row.taken_at == "2024-07-10T12:30:00.12Z"
    assert photo.files[0].hothash == hash_of("42-jpeg")
    assert len(photo.files) == 2


def test_a_user_fact_comes_from_the_higher_clock_whichever_storage_has_it(
    catalogs: Catalogs,
) -> None:
    entry = make_entry("a")
    photo = Photo(photo_uuid=entry.photo_uuid, files=(entry.hothash,), primary=entry.hothash)
    old = replace(photo, rating=2, clocks={"rating": FieldClock(counter=1, writer=WriterId("b"))})
    new = replace(photo, rating=None, clocks={"rating": FieldClock(counter=2, writer=WriterId("a"))})
    indexes = [make_index([entry], storage="one", photos=[old]), make_index([entry], storage="two", photos=[new])]
    for ordered in (indexes, indexes[::-1]):
        with catalogs.make() as catalog:
            for index in ordered:
                project(catalog, index)
            with catalog.read() as db:
                assert get_photo(db, entry.hothash).facts.rating is None


def test_a_taken_session_number_gives_another_one_and_is_told(catalog: Catalog) -> None:
    first = make_index([make_entry("a")], session=make_session(42))
    twin = make_index(
        [make_entry("b")], session=make_session(42, session_uuid=SessionUuid(uuid_of("twin"))), storage="other"
    )
    assert project(catalog, first).session_number == 42
    result = project(catalog, twin)
    assert (result.session_number, result.file_number, result.is_number_changed) == (43, 42, True)
    again = project(catalog, twin)
    assert (again.session_number, again.is_number_changed) == (43, False)
    with catalog.read() as db:
        record = get_session(db, SessionUuid(uuid_of("twin")))
        assert record.number_in(twin.storage_uuid) == 42
        assert get_session(db, 43) == record


def test_sessions_with_one_number_may_come_in_any_order(catalogs: Catalogs) -> None:
    one = make_index([make_entry("a")], session=make_session(42))
    twin_session = make_session(42, session_uuid=SessionUuid(uuid_of("twin")))
    two = make_index([make_entry("b")], session=twin_session, storage="other")
    assert compare(catalogs.dump_after([one, two]), catalogs.dump_after([two, one])) == []


def test_a_created_session_is_filled_by_its_projection(catalog: Catalog) -> None:
    index = rich_index()
    storage = storage_in(catalog, index.storage_uuid)
    with catalog.begin() as db:
        created = create_session(
            db, replace(index.session, status=SessionStatus.CREATED), storage_uuid=storage.storage_uuid
        )
        assert created.file_count == 0
        assert created.session.status is SessionStatus.CREATED
    assert not project(catalog, index).is_new
    with catalog.read() as db:
        record = get_session(db, 42)
    assert record.file_count == 5
    assert record.session.status is SessionStatus.COMPLETED
    assert record.session.default_author == Author(name="Kari", email="kari@example.org")


def test_a_name_that_is_not_utf8_comes_back_byte_for_byte(catalog: Catalog) -> None:
    entry = make_entry("a", path=RelativePath.from_bytes(b"photos/caf\xe9.jpg"))
    entry = replace(entry, original_filename="caf\udce9.jpg", companions=(make_companion("photos/caf\udce9.xmp"),))
    project(catalog, make_index([entry]))
    with catalog.read() as db:
        [location] = find_by_hothash(db, [entry.hothash])[entry.hothash].locations
        assert location.relative_path.as_bytes() == b"photos/caf\xe9.jpg"
        row = db.execute(select(models.FileLocation)).scalar_one()
        assert row.relative_path == "photos/caf\\xe9.jpg"
    assert any("636166e92e786d70" in line for line in dump_of(catalog))


def test_text_that_no_database_holds_is_kept_escaped(catalog: Catalog) -> None:
    facts = make_facts(embedded=Embedded(title="a\ud800b\0c", keywords=("\udfff",)))
    project(catalog, make_index([make_entry("a", facts=facts)]))
    with catalog.read() as db:
        assert db.execute(select(models.Photo.title)).scalar_one() == "a\\ud800b\\x00c"
    project(catalog, make_index([make_entry("a", facts=facts)]))


def test_a_storage_counts_the_files_of_all_its_sessions(catalog: Catalog) -> None:
    project(catalog, rich_index(1))
    project(catalog, make_index([make_entry("b", size_bytes=500)], session=make_session(2)))
    with catalog.read() as db:
        storage = get_storage(db, rich_index().storage_uuid)
    assert (storage.total_files, storage.total_size_bytes) == (6, 5500)


def test_an_index_of_another_storage_is_refused(catalog: Catalog) -> None:
    storage = storage_in(catalog, make_index(storage="one").storage_uuid)
    with pytest.raises(ValueError, match="index is of storage"), catalog.begin() as db:
        project_session(db, storage=storage, index=make_index(storage="two"))


@pytest.mark.slow
def test_ten_thousand_entries_come_in_within_seconds(catalog: Catalog) -> None:
    index = make_index([make_entry(number) for number in range(10_000)])
    storage = storage_in(catalog, index.storage_uuid)
    started = time.perf_counter()
    with catalog.begin() as db:
        result = project_session(db, storage=storage, index=index)
    seconds = time.perf_counter() - started
    # The speed is for people: run with -s. Machines differ too much to assert it.
    sys.stderr.write(f"\nprojection into an empty catalog: {10_000 / seconds:,.0f} entries/s\n")
    assert result.entry_count == 10_000
