"""The look-up by hothash: cached, tested on the disk every time, and healed when a file has left its place."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from imalink.catalog import file_storages
from imalink.catalog.catalog import Catalog
from imalink.catalog.file_storages import StorageChange
from imalink.catalog.projection import project_session
from imalink.core.ids import Hothash
from imalink.core.relative_path import RelativePath
from imalink.workflows.file_finder import FileFinder
from tests.support.scenes import Scene, memory_folder
from tests.support.workbench import make_source

A, B = "IMG_0001.jpg", "IMG_0002.jpg"


class CatalogAskedError(Exception):
    """The catalog was asked though it need not be."""


@pytest.fixture
def scene(tmp_path: Path, empty_catalog: Path) -> Iterator[Scene]:
    with memory_folder(tmp_path) as folder, Scene(folder, empty_catalog) as made:
        made.import_pictures(3)
        yield made


@pytest.fixture
def finder(scene: Scene) -> Iterator[FileFinder]:
    with FileFinder(scene.bench.tools) as made:
        yield made


def forbid_the_catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every question to the catalog fail."""

    def refuse(catalog: Catalog) -> None:
        raise CatalogAskedError

    monkeypatch.setattr(Catalog, "read", refuse)


def test_a_picture_is_found_and_found_again_without_asking_the_catalog(
    scene: Scene, finder: FileFinder, monkeypatch: pytest.MonkeyPatch
) -> None:
    hothash = scene.hothash(A)
    assert finder.find(hothash) == scene.photos / A
    forbid_the_catalog(monkeypatch)
    assert finder.find(hothash) == scene.photos / A


def test_a_look_up_never_reads_the_master_however_large(scene: Scene, finder: FileFinder) -> None:
    hothashes = [scene.hothash(name) for name in (A, B)]
    (scene.root / "imalink-master.json").write_text("not even JSON")
    assert finder.find(hothashes[0]) == scene.photos / A
    assert scene.find(hothashes[1]).path == str(scene.photos / B)
    assert finder.find(Hothash("0" * 64)) is None


def test_an_unknown_picture_is_not_found(finder: FileFinder) -> None:
    assert finder.find(Hothash("0" * 64)) is None


def test_a_moved_file_is_searched_for_and_found(scene: Scene, finder: FileFinder) -> None:
    hothash = scene.hothash(A)
    finder.find(hothash)
    scene.move(A, "2024/Rome.jpg")
    assert finder.find(hothash) == scene.photos / "2024/Rome.jpg"
    scene.settle()  # the indexes know it too


def test_a_file_that_is_gone_is_searched_for_once(scene: Scene, finder: FileFinder) -> None:
    hothash = scene.hothash(B)
    (scene.photos / B).unlink()
    assert finder.find(hothash) is None
    walks = scene.bench.record(scene.record.storage_uuid).last_scan_at
    assert finder.find(hothash) is None
    assert scene.bench.record(scene.record.storage_uuid).last_scan_at == walks


def test_without_healing_nothing_is_written(scene: Scene) -> None:
    hothash = scene.hothash(A)
    scene.move(A, "b.jpg")
    before = (scene.root / "imalink-master.json").read_bytes()
    with FileFinder(scene.bench.tools, heals=False) as finder:
        assert finder.find(hothash) is None
    assert (scene.root / "imalink-master.json").read_bytes() == before


def test_another_storage_answers_when_the_first_is_unplugged(scene: Scene, finder: FileFinder) -> None:
    second = scene.bench.create("Second")
    scene.bench.import_(second, make_source(scene.folder / "other", 1, first_seed=40), title="Other")
    # The same picture there as a further copy of a file of its own session: an import would skip it as known.
    [other] = scene.bench.session(second, 2).files.values()
    with scene.bench.open(second) as storage:
        index = storage.indexes.load_session(2).index
    hothash = scene.hothash(A)
    copy = scene.bench.root(second) / "photos" / "copy.jpg"
    shutil.copy2(scene.photos / A, copy)
    entry = replace(
        scene.bench.session(scene.record, 1).files[hothash], relative_path=RelativePath("photos/copy.jpg"), copies=()
    )
    with scene.bench.catalog.begin() as db:
        project_session(db, storage=second, index=replace(index, files={**index.files, hothash: entry}))
    assert finder.find(hothash) in (scene.photos / A, copy)
    scene.root.rename(scene.folder / "unplugged")
    assert finder.find(hothash) == copy
    assert finder.find(other.hothash) is not None
    (scene.folder / "unplugged").rename(scene.root)
    copy.unlink()
    assert finder.find(hothash) == scene.photos / A


def test_a_storage_that_was_moved_answers_from_its_new_place(scene: Scene, finder: FileFinder) -> None:
    hothash = scene.hothash(A)
    finder.find(hothash)
    moved = scene.folder / "new mount" / scene.root.name
    moved.parent.mkdir()
    scene.root.rename(moved)
    with scene.bench.catalog.begin() as db:
        file_storages.update_storage(db, scene.record.storage_uuid, StorageChange(base_path=str(moved.parent)))
    assert finder.find(hothash) == moved / "photos" / A


def test_a_storage_that_is_not_active_is_not_asked(scene: Scene, finder: FileFinder) -> None:
    with scene.bench.catalog.begin() as db:
        file_storages.update_storage(db, scene.record.storage_uuid, StorageChange(is_active=False))
    assert finder.find(scene.hothash(A)) is None


def test_hits_beyond_the_capacity_leave_the_oldest_first(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    hothashes = [scene.hothash(f"IMG_{number:04}.jpg") for number in (1, 2, 3)]
    with FileFinder(scene.bench.tools, capacity=2) as finder:
        for hothash in (*hothashes[:2], hothashes[0], hothashes[2]):
            assert finder.find(hothash) is not None
        forbid_the_catalog(monkeypatch)
        assert finder.find(hothashes[0]) is not None
        assert finder.find(hothashes[2]) is not None
        with pytest.raises(CatalogAskedError):
            finder.find(hothashes[1])
