"""The dump tells what a catalog holds, and two dumps how they differ."""

from __future__ import annotations

from dataclasses import replace

from imalink.catalog.catalog import Catalog
from imalink.catalog.dump import compare
from imalink.catalog.file_storages import DiskInstance, StorageChange, update_storage
from imalink.catalog.import_sessions import create_session
from imalink.catalog.scan_snapshots import keep_snapshot
from imalink.core.ids import Sha256
from imalink.core.relative_path import RelativePath
from tests.support.catalogs import dump_of, project, storage_in
from tests.support.indexes import hash_of, make_entry, make_index, make_session, uuid_of


def test_what_a_recovery_need_not_know_is_left_out(catalog: Catalog) -> None:
    index = make_index([make_entry("a")])
    project(catalog, index)
    before = dump_of(catalog)
    storage = storage_in(catalog, index.storage_uuid)
    change = StorageChange(
        base_path="/elsewhere",
        is_accessible=False,
        last_scan_at="2025-01-01T00:00:00Z",
        master_digest=Sha256(hash_of("x")),
        instance=DiskInstance(device="8:1"),
    )
    with catalog.begin(changes_photos=True) as db:
        update_storage(db, index.storage_uuid, change)
        keep_snapshot(db, storage.id, master_digest=Sha256(hash_of("x")), data=b"walk")
    assert dump_of(catalog) == before


def test_a_difference_is_told_in_words(catalog: Catalog) -> None:
    entry = make_entry("a")
    project(catalog, make_index([entry]))
    before = dump_of(catalog)
    moved = replace(entry, relative_path=RelativePath.parse("photos/new.jpg"))
    project(catalog, make_index([moved, make_entry("b")]))
    differences = compare(before, dump_of(catalog))
    place = f"{uuid_of('storage')} / {uuid_of('session 42')}"
    assert (
        f'location {place} / {entry.hothash} / 0: relative_path was "photos/a.jpg", is "photos/new.jpg"' in differences
    )
    assert f"image-file {hash_of('b')}: is new" in differences
    assert f"image-file {hash_of('b')}: is gone" in compare(dump_of(catalog), before)


def test_a_session_that_no_storage_has_yet_would_be_lost_and_shows(catalog: Catalog) -> None:
    before = dump_of(catalog)
    with catalog.begin() as db:
        create_session(db, make_session(3))
    assert compare(dump_of(catalog), before) == [f"session {uuid_of('session 3')}: is gone"]
