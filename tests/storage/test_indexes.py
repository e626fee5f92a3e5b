"""Index files: replaced whole, the last good generations kept, every damaged one kept."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from imalink.core.ids import StorageUuid
from imalink.core.index import MasterIndex
from imalink.core.relative_path import RelativePath
from imalink.errors import IndexDamagedError, NotFoundError
from imalink.formats.layouts.hybrid import HYBRID
from imalink.storage.backups import KEPT_GENERATIONS
from imalink.storage.fs import StorageFiles
from imalink.storage.indexes import IndexFiles
from imalink.storage.previews import Hotpreviews, hotpreview_path
from imalink.storage.root import StorageRoot
from tests.support.faults import FailingCalls, LimitedCalls
from tests.support.indexes import make_entry, make_index, make_session, uuid_of
from tests.support.workbench import STARTS_AT, SteppingClock

BACKUP = ".imalink/metadata/backup"
MASTER = MasterIndex(storage_uuid=StorageUuid(uuid_of("storage")), files={}, generation=1)
HOTHASH = make_entry("a").hothash


class FrozenClock:
    """Gives every file the same time."""

    def now(self) -> datetime:
        return STARTS_AT


@pytest.fixture(params=[True, False], ids=["links", "no links"])
def files(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[StorageFiles]:
    with StorageRoot.open(tmp_path, calls=None if request.param else LimitedCalls()) as root:
        yield StorageFiles(root)


@pytest.fixture
def indexes(files: StorageFiles) -> IndexFiles:
    return IndexFiles(files, HYBRID, clock=SteppingClock())


def test_an_index_is_read_as_it_was_written(indexes: IndexFiles) -> None:
    index = make_index([make_entry("a")])
    indexes.save_session(index)
    loaded = indexes.load_session(42)
    assert (loaded.index, loaded.is_intact) == (index, True)


def test_an_index_that_is_not_there_is_told_from_a_damaged_one(indexes: IndexFiles, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        indexes.load_session(42)
    with pytest.raises(NotFoundError):
        indexes.load_master()
    (tmp_path / "imalink-master.json").write_text("{")
    with pytest.raises(IndexDamagedError):
        indexes.load_master()


def test_the_last_good_generations_are_kept(indexes: IndexFiles, tmp_path: Path) -> None:
    for generation in range(1, 6):
        indexes.save_master(replace(MASTER, generation=generation, indexed_at=f"at {generation}"))
    kept = sorted(path.name for path in (tmp_path / BACKUP).iterdir())
    assert kept == ["imalink-master.json.g3", "imalink-master.json.g4"]
    assert len(kept) == KEPT_GENERATIONS
    assert b'"at 4"' in (tmp_path / BACKUP / kept[1]).read_bytes()
    assert b'"at 5"' in (tmp_path / "imalink-master.json").read_bytes()


def test_the_newest_good_backup_of_a_session_is_found(indexes: IndexFiles, tmp_path: Path) -> None:
    for generation in range(1, 4):
        session = make_session(title=f"Title {generation}")
        indexes.save_session(replace(make_index(session=session), generation=generation))
    found = indexes.load_session_backup(42)
    assert found is not None
    assert found.session.title == "Title 2"
    (tmp_path / BACKUP / "imports-session_42.json.g2").write_text("{")
    found = indexes.load_session_backup(42)
    assert found is not None
    assert found.session.title == "Title 1"
    assert indexes.load_session_backup(7) is None


def test_a_damaged_file_is_kept_as_often_as_it_is_found(indexes: IndexFiles, tmp_path: Path) -> None:
    path = RelativePath("imalink-master.json")
    names: set[RelativePath] = set()
    frozen = IndexFiles(indexes._files, HYBRID, clock=FrozenClock())
    for text in ("one", "two", "three"):
        (tmp_path / path).unlink(missing_ok=True)
        (tmp_path / path).write_text(text)
        names.add(frozen.backups.keep_damaged(path))
    assert {(tmp_path / name).read_text() for name in names} == {"one", "two", "three"}
    assert len(names) == 3


def test_only_session_files_are_listed(indexes: IndexFiles, tmp_path: Path) -> None:
    assert indexes.list_sessions() == []
    (tmp_path / "imports").mkdir()
    for name in ("session_10.json", "session_2.json", "session_x.json", "notes.txt", "session_3.json.bak"):
        (tmp_path / "imports" / name).touch()
    assert indexes.list_sessions() == [2, 10]


def test_the_master_tells_its_digest_without_being_read_whole(indexes: IndexFiles) -> None:
    assert indexes.claimed_master_digest() is None
    digest = indexes.save_master(MASTER)
    assert indexes.claimed_master_digest() == digest == indexes.load_master().digest


def test_a_preview_stands_two_folders_deep_and_replaces_an_older_one(files: StorageFiles, tmp_path: Path) -> None:
    previews = Hotpreviews(files)
    assert previews.find(HOTHASH) is None
    assert not previews.exists(HOTHASH)
    for data in (b"one", b"two"):
        previews.save(HOTHASH, data)
        assert previews.find(HOTHASH) == data
    path = f".imalink/hotpreviews/{HOTHASH[:2]}/{HOTHASH[2:4]}/{HOTHASH}.jpg"
    assert hotpreview_path(HOTHASH) == path
    assert (tmp_path / path).read_bytes() == b"two"
    assert list((tmp_path / ".imalink/staging").iterdir()) == []


@pytest.mark.parametrize("failing", ["write", "set_mode", "rename_noreplace"])
def test_a_preview_that_the_disk_does_not_take_leaves_nothing_in_staging(tmp_path: Path, failing: str) -> None:
    calls = FailingCalls(1, errno.EROFS, among=frozenset({failing}))
    with StorageRoot.open(tmp_path, calls=calls) as root:
        assert Hotpreviews(StorageFiles(root)).keep(HOTHASH, b"one") is False
    assert list((tmp_path / ".imalink/staging").iterdir()) == []


def test_an_empty_preview_is_none(files: StorageFiles, tmp_path: Path) -> None:
    previews = Hotpreviews(files)
    previews.save(HOTHASH, b"")
    assert not previews.exists(HOTHASH)
