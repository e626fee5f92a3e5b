"""An empty catalog as a file, and a scene with pictures that the command line finds by its home."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from imalink.catalog.catalog import Catalog
from tests.support.scenes import Scene, memory_folder
from tests.support.stranger import Here, Stranger


@pytest.fixture(scope="session")
def empty_catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("catalogs") / "empty.sqlite"
    Catalog.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def scene(tmp_path: Path, empty_catalog: Path) -> Iterator[Scene]:
    """Three imported pictures in the storage "Blue Samsung", known to this machine."""
    with memory_folder(tmp_path) as folder, Scene(folder, empty_catalog) as made:
        made.import_pictures(3)
        yield made


@pytest.fixture
def imalink(scene: Scene) -> Stranger:
    return Stranger(scene.bench.home)


@pytest.fixture
def here(scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    return Here(scene.bench.home, monkeypatch, capsys)
