"""Storages, sessions, authors, look-ups and snapshots as the catalog finds and stores them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from imalink.catalog import models
from imalink.catalog.authors import find_author, list_authors, remember_author
from imalink.catalog.catalog import Catalog
from imalink.catalog.file_storages import (
    DiskInstance,
    StorageChange,
    add_storage,
    find_storage,
    find_storages,
    get_storage,
    update_storage,
)
from imalink.catalog.import_sessions import (
    allocate_number,
    create_session,
    find_session,
    find_session_numbers,
    get_session,
    list_sessions,
    update_session,
)
from imalink.catalog.locations import (
    find_by_hothash,
    find_by_sha256,
    find_hothashes,
    known_sizes,
    list_session_files,
)
from imalink.catalog.photos import find_photo, get_photo
from imalink.catalog.scan_snapshots import drop_snapshot, find_snapshot, keep_snapshot
from imalink.core.ids import Hothash, PhotoUuid, SessionUuid, Sha256, StorageUuid
from imalink.core.index import FileStatus
from imalink.core.session import Author, ImportStatistics, SessionStatus
from imalink.errors import NotFoundError
from tests.support.catalogs import project, storage_in
from tests.support.indexes import hash_of, make_copy, make_entry, make_index, make_session, uuid_of

BLUE = StorageUuid("aaaaaaaa-0000-4000-8000-000000000001")
RED = StorageUuid("aaaabbbb-0000-4000-8000-000000000002")


@pytest.fixture
def storages(catalog: Catalog) -> Catalog:
    with catalog.begin() as db:
        for storage_uuid, name in ((BLUE, "Blue Samsung"), (RED, "Red")):
            add_storage(
                db,
                storage_uuid=storage_uuid,
                directory_name=f"imalink_20241018_143052_{storage_uuid[:8]}",
                base_path="/media/disk",
                display_name=name,
                created_at="2024-10-18T14:30:52Z",
            )
    return catalog


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (BLUE, ["Blue Samsung"]),
        (BLUE.upper(), ["Blue Samsung"]),
        ("aaaabbbb", ["Red"]),
        ("aaaa", ["Blue Samsung", "Red"]),
        ("aaa", []),
        ("Red", ["Red"]),
        (" blue samsung ", ["Blue Samsung"]),
        ("/media/disk/imalink_20241018_143052_aaaabbbb", ["Red"]),
        ("/media/disk/imalink_20241018_143052_aaaabbbb/", ["Red"]),
        ("imalink_20241018_143052_aaaabbbb", ["Red"]),
        ("nothing", []),
        ("", []),
    ],
)
def test_a_storage_is_found_by_any_of_its_names(storages: Catalog, text: str, found: list[str]) -> None:
    with storages.read() as db:
        assert [storage.display_name for storage in find_storages(db, text)] == found


def test_a_storage_keeps_what_a_change_does_not_name(storages: Catalog) -> None:
    with storages.begin() as db:
        before = get_storage(db, BLUE)
        change = StorageChange(base_path="/mnt", is_accessible=False, instance=DiskInstance(inode="7"))
        update_storage(db, BLUE, change)
    with storages.read() as db:
        after = get_storage(db, BLUE)
    expected = replace(
        before,
        base_path="/mnt",
        full_path=f"/mnt/{before.directory_name}",
        is_accessible=False,
        instance=DiskInstance(inode="7"),
    )
    assert after == expected


def test_an_unknown_storage_is_none_or_an_error(storages: Catalog) -> None:
    unknown = StorageUuid(uuid_of("unknown"))
    with storages.read() as db:
        assert find_storage(db, unknown) is None
        with pytest.raises(NotFoundError):
            get_storage(db, unknown)
        with pytest.raises(NotFoundError):
            update_storage(db, unknown, StorageChange(display_name="x"))


def test_the_storage_model_names_its_index_files(storages: Catalog) -> None:
    with storages.read() as db:
        row = db.execute(select(models.FileStorage).where(models.FileStorage.storage_uuid == BLUE)).scalar_one()
    assert row.full_path == f"/media/disk/{row.directory_name}"
    assert row.master_index_path == f"{row.full_path}/index.json"
    assert row.imports_index_dir == f"{row.full_path}/imports"
    assert row.get_session_index_path(42) == f"{row.full_path}/imports/session_42.json"


def test_the_session_model_knows_its_storage_and_its_files_and_they_know_it(storages: Catalog) -> None:
    index = replace(make_index([make_entry("a"), make_entry("b")]), storage_uuid=BLUE)
    project(storages, index)
    with storages.read() as db:
        row = db.get_one(models.ImportSession, 42)
        assert row.file_storage is not None
        assert row.file_storage.storage_uuid == row.storage_uuid == BLUE
        assert row.storage_directory_name == row.file_storage.directory_name
        assert row.has_permanent_storage
        assert {image.hothash for image in row.image_files} == set(index.files)
        assert row.index_filename == "session_42.json"
        assert row.index_path == f"{row.file_storage.full_path}/imports/session_42.json"
        assert (row.copy_status, row.storage_size_mb) == ("completed", 1)
        query = select(models.FileStorage).where(models.FileStorage.storage_uuid == BLUE)
        [storage] = db.execute(query).scalars()
        db.refresh(storage, ["import_sessions"])
        assert [session.id for session in storage.import_sessions] == [42]


def test_numbers_are_given_above_all_that_were_seen(catalog: Catalog) -> None:
    with catalog.begin() as db:
        assert allocate_number(db) == 1
        assert allocate_number(db, [3, 41]) == 42
        create_session(db, make_session(50))
        assert allocate_number(db, [41]) == 51
        assert allocate_number(db, [2**63]) == 51


def test_a_number_that_another_storage_uses_for_a_session_is_not_given_again(catalog: Catalog) -> None:
    project(catalog, make_index(session=make_session(7)))
    project(catalog, make_index(session=make_session(7, session_uuid=SessionUuid(uuid_of("x"))), storage="other"))
    with catalog.read() as db:
        assert find_session_numbers(db, make_index(storage="other").storage_uuid) == {uuid_of("x"): 7}
        assert allocate_number(db) == 9


def test_sessions_are_listed_newest_first_with_their_counts(storages: Catalog) -> None:
    old = make_session(1, imported_at="2023-01-01T00:00:00Z", title="Old")
    new = make_session(2, imported_at="2024-01-01T00:00:00Z", title="New")
    project(storages, replace(make_index([make_entry("a")], session=old), storage_uuid=BLUE))
    project(storages, replace(make_index(session=new), storage_uuid=RED))
    with storages.read() as db:
        listed = list_sessions(db)
        assert [(record.session.title, record.storage_uuid, record.file_count) for record in listed] == [
            ("New", RED, 0),
            ("Old", BLUE, 1),
        ]
        assert [record.session.number for record in list_sessions(db, storage_uuid=BLUE)] == [1]
        assert [record.session.number for record in list_sessions(db, offset=1, limit=1)] == [1]


def test_a_session_can_be_edited_and_found_by_number_or_uuid(storages: Catalog) -> None:
    session = replace(make_session(42), default_author_id=1)
    with storages.begin() as db:
        created = create_session(db, session, storage_uuid=BLUE)
        statistics = ImportStatistics(total_scanned=3, new_imports=2, errors=1, total_size_bytes=9)
        update_session(db, session.session_uuid, title="Sicily", status=SessionStatus.FAILED, statistics=statistics)
    with storages.read() as db:
        record = get_session(db, 42)
        assert find_session(db, session.session_uuid) == record
        assert find_session(db, 43) is None
        author = find_author(db, 1)
    assert author is not None
    assert created.session.default_author == author.author
    assert record.session == replace(created.session, title="Sicily", status=SessionStatus.FAILED)
    assert record.statistics == statistics


def test_a_session_for_an_unknown_storage_is_refused(catalog: Catalog) -> None:
    with pytest.raises(NotFoundError), catalog.begin() as db:
        create_session(db, make_session(), storage_uuid=BLUE)
    with pytest.raises(NotFoundError), catalog.begin() as db:
        update_session(db, make_session().session_uuid, title="x")


def test_an_author_is_one_by_name_and_email(catalog: Catalog) -> None:
    with catalog.begin() as db:
        kari = remember_author(db, Author(name="Kari", email="kari@example.org"))
        assert remember_author(db, Author(name="Kari", email="kari@example.org")) == kari
        assert remember_author(db, Author(name="Kari")) != kari
        assert len(list_authors(db)) == 3


def test_look_ups_give_every_place_of_a_picture(catalog: Catalog) -> None:
    session = make_session(1)
    one = make_entry("a", copies=(make_copy("photos/copy.jpg", session=session, size_bytes=77),))
    gone = make_entry("a", path="photos/gone.jpg", status=FileStatus.MISSING, last_seen_at="2024-12-01T00:00:00Z")
    project(catalog, make_index([one, make_entry("b")], session=session))
    project(catalog, make_index([gone], session=make_session(2), storage="other"))
    with catalog.read() as db:
        [found] = find_by_hothash(db, find_hothashes(db, one.hothash[:9])).values()
        assert [location.relative_path for location in found.locations] == [
            "photos/a.jpg",
            "photos/copy.jpg",
            "photos/gone.jpg",
        ]
        assert [location.is_main for location in found.locations] == [True, False, True]
        assert found.locations[2].status is FileStatus.MISSING
        assert len(find_hothashes(db, "")) == 2
        assert len(find_hothashes(db, "", limit=1)) == 1
        copy_sha, nobody = one.copies[0].sha256, Sha256(hash_of("nobody"))
        assert find_by_sha256(db, [copy_sha, nobody]) == {copy_sha: [found]}
        assert known_sizes(db, [77, 78, 1000]) == {77, 1000}
        files = list_session_files(db, session.session_uuid)
        assert [file.hothash for file in files] == sorted([hash_of("a"), hash_of("b")])
        assert list_session_files(db, session.session_uuid, after=files[0].hothash, limit=5) == files[1:]


def test_look_ups_take_any_number_of_values(catalog: Catalog) -> None:
    with catalog.read() as db:
        assert known_sizes(db, range(100_000)) == frozenset()
        assert find_by_sha256(db, [Sha256(hash_of(number)) for number in range(5000)]) == {}


def test_a_photo_is_found_by_hothash_or_uuid(catalog: Catalog) -> None:
    entry = make_entry("a")
    project(catalog, make_index([entry]))
    with catalog.read() as db:
        photo = get_photo(db, entry.hothash)
        assert find_photo(db, entry.photo_uuid) == photo
        assert photo.file_facts == (entry.facts,)
        assert photo.facts.camera == entry.facts.camera
        assert find_photo(db, Hothash(hash_of("nobody"))) is None
        with pytest.raises(NotFoundError):
            get_photo(db, PhotoUuid(uuid_of("nobody")))


def test_a_snapshot_is_only_good_for_its_master(catalog: Catalog) -> None:
    storage = storage_in(catalog, BLUE)
    one, two = Sha256(hash_of(1)), Sha256(hash_of(2))
    with catalog.begin() as db:
        keep_snapshot(db, storage.id, master_digest=one, data=b"old")
        keep_snapshot(db, storage.id, master_digest=two, data=b"new")
        assert find_snapshot(db, storage.id, master_digest=one) is None
        assert find_snapshot(db, storage.id, master_digest=two) == b"new"
        drop_snapshot(db, storage.id)
        assert find_snapshot(db, storage.id, master_digest=two) is None
