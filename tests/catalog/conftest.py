"""A fresh catalog in a real SQLite file, and storages to project into."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from imalink.catalog.catalog import Catalog


@pytest.fixture
def catalog_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'catalog.sqlite3'}"


@pytest.fixture
def catalog(catalog_url: str) -> Iterator[Catalog]:
    with Catalog.open(catalog_url) as opened:
        yield opened
