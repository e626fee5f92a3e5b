"""The workflows on a PostgreSQL catalog do what they do on SQLite, and leave the same in catalog and storage."""

from __future__ import annotations

from pathlib import Path

import pytest

from imalink.catalog.catalog import Catalog
from imalink.catalog.dump import compare
from imalink.core.edit_request import EditRequest
from imalink.core.search_query import parse_query
from imalink.core.user_facts import FactChange, UserValue
from imalink.workflows.edit_library import create_collection, edit_collection
from imalink.workflows.edit_photos import edit_photos
from imalink.workflows.look_at_library import get_collection
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest
from imalink.workflows.search_photos import search_photos
from imalink.workflows.undo_operation import undo_operation
from tests.support.postgresql import PostgresServer
from tests.support.scenes import hothash_of
from tests.support.workbench import Workbench, make_source


def said(**values: UserValue) -> EditRequest:
    return EditRequest(said=FactChange.of(values))


ENGINES = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql))


@pytest.mark.parametrize("engine", ENGINES)
def test_import_reindex_edit_undo_and_recovery(
    engine: str, tmp_path: Path, empty_catalog: Path, request: pytest.FixtureRequest
) -> None:
    def make_catalog() -> Catalog | None:
        if engine == "sqlite":
            return None
        server: PostgresServer = request.getfixturevalue("postgres_server")
        return Catalog.open(server.make_database())

    with Workbench(tmp_path, empty_catalog=empty_catalog, catalog=make_catalog()) as bench:
        record = bench.create()
        source = make_source(tmp_path / "card", 4)
        assert bench.import_(record, source).statistics.new_imports == 4
        photos = bench.root(record) / "photos"
        moved = photos / "Rome" / "renamed.jpg"
        moved.parent.mkdir()
        (photos / "IMG_0001.jpg").rename(moved)
        assert len(reindex(bench.tools, bench.record(record.storage_uuid), ReindexRequest()).moved_files) == 1
        edit_photos(bench.tools, [hothash_of(moved)], said(rating=5, title="Forum", tags=("Rome",)))
        edit_photos(bench.tools, [hothash_of(photos / "IMG_0002.jpg")], said(rating=2))
        undo_operation(bench.tools, None)
        best = create_collection(bench.tools, "Best", photo_uuids=[])
        edit_collection(bench.tools, best.key, title="Worst")
        assert undo_operation(bench.tools, None).undone.operation.title == "Collection renamed: Best → Worst"
        assert get_collection(bench.tools, best.key).title == "Best"
        found = search_photos(bench.tools, parse_query("tag:rome rating:1")).photos
        assert [photo.title for photo in found] == ["Forum"]
        before = bench.dump()
        with Workbench(tmp_path, empty_catalog=empty_catalog, name="another", catalog=make_catalog()) as rebuilt:
            candidates, _ = find_candidates(rebuilt.tools, [bench.disk])
            report = recover(rebuilt.tools, candidates)
            assert report.restored_photos == 4
            assert compare(before, rebuilt.dump()) == []
