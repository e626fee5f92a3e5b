"""Catalogs of older revisions are brought to today's tables, and hold what they held."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from imalink.catalog import schema
from imalink.catalog.catalog import Catalog
from imalink.catalog.dump import dump

CATALOGS = Path(__file__).parent / "catalog"


@pytest.mark.parametrize("revision", schema.REVISIONS[:-1])
def test_an_older_catalog_is_brought_up_with_all_it_held(revision: str, tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite3"
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript((CATALOGS / f"{revision}.sql").read_text())
    with Catalog.open(f"sqlite:///{path}") as catalog, catalog.read() as db:
        held = (CATALOGS / f"{revision}.dump.txt").read_text().splitlines()
        assert len(held) > 5
        assert dump(db) == held
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("SELECT version_num FROM catalog_version").fetchone() == (schema.REVISIONS[-1],)
    assert path.with_name(f"{path.name}.backup-{revision}").exists()
