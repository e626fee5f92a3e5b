"""The services of the hybrid storage design: their names, and that each call does what it says on real storages."""

from __future__ import annotations

import inspect
import json
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_type_hints

import pytest

from imalink.catalog import file_storages
from imalink.catalog.models import FileStorage, ImportSession
from imalink.core.ids import StorageUuid
from imalink.errors import NotFoundError, StorageError, UsageError
from imalink.services import FileStorageService, StorageIndexService, open_services
from tests.support.workbench import Workbench, make_source


@dataclass
class Machine:
    """One machine with a storage of one session of three pictures, and the services on it."""

    bench: Workbench
    storages: FileStorageService
    indexes: StorageIndexService
    storage: FileStorage

    @property
    def root(self) -> Path:
        return Path(self.storage.full_path)

    @property
    def session(self) -> ImportSession:
        with self.bench.catalog.read() as db:
            return db.query(ImportSession).one()

    def refresh(self) -> FileStorage:
        with self.bench.catalog.read() as db:
            return file_storages.get_model(db, StorageUuid(self.storage.storage_uuid))


@pytest.fixture
def machine(tmp_path: Path, empty_catalog: Path) -> Iterator[Machine]:
    with Workbench(tmp_path, empty_catalog=empty_catalog) as bench:
        storages = FileStorageService(bench.tools)
        storage = storages.create_storage(str(bench.disk), "Blue Samsung")
        [record] = bench.records()
        bench.import_(record, make_source(tmp_path / "card", 3), title="Italy")
        yield Machine(bench, storages, StorageIndexService(bench.tools), storage)


NAMES = {
    FileStorageService: {
        "create_storage": (["base_path", "display_name"], FileStorage),
        "get_storage_statistics": (["storage_uuid"], dict[str, object]),
        "check_accessibility": (["storage_uuid"], bool),
        "deactivate_storage": (["storage_uuid"], bool),
        "reactivate_storage": (["storage_uuid"], bool),
    },
    StorageIndexService: {
        "generate_session_index": (["session"], dict[str, object]),
        "write_session_index": (["session"], str),
        "generate_master_index": (["storage"], dict[str, object]),
        "write_master_index": (["storage"], str),
        "generate_all_indexes": (["storage_uuid"], dict[str, object]),
        "scan_storage_for_changes": (["storage_uuid"], dict[str, object]),
        "read_session_index": (["session"], dict[str, object]),
        "read_master_index": (["storage"], dict[str, object]),
    },
}


@pytest.mark.parametrize("service", NAMES, ids=lambda service: service.__name__)
def test_a_service_has_exactly_the_calls_of_the_design(service: type) -> None:
    found = {
        name: (list(inspect.signature(call).parameters)[1:], get_type_hints(call)["return"])
        for name, call in inspect.getmembers(service, inspect.isfunction)
        if not name.startswith("_")
    }
    assert found == NAMES[service]


# --- storages -------------------------------------------------------------------------------------------------------


def test_a_storage_is_made_below_its_base_path(machine: Machine) -> None:
    storage = machine.storage
    assert uuid.UUID(storage.storage_uuid)
    assert Path(storage.full_path) == Path(storage.base_path) / storage.directory_name
    assert (machine.root / ".imalink-storage").is_file()
    with pytest.raises(UsageError):
        machine.storages.create_storage(str(machine.bench.disk / "nowhere"), "Other")


def test_statistics_count_what_is_indexed_also_while_the_storage_is_away(machine: Machine) -> None:
    size = sum(path.stat().st_size for path in (machine.root / "photos").rglob("*.jpg"))
    found = machine.storages.get_storage_statistics(machine.storage.storage_uuid)
    assert (found["total_files"], found["total_size_bytes"], found["is_accessible"]) == (3, size, True)
    assert found["import_sessions"] == [{"id": 1, "title": "Italy", "file_count": 3}]
    machine.root.rename(machine.root.with_name("unplugged"))
    away = machine.storages.get_storage_statistics(machine.storage.storage_uuid)
    assert (away["total_files"], away["is_accessible"]) == (3, False)


def test_accessibility_is_looked_at_and_noted(machine: Machine) -> None:
    uuid_ = machine.storage.storage_uuid
    assert machine.storages.check_accessibility(uuid_) is True
    away = machine.root.with_name("unplugged")
    machine.root.rename(away)
    assert machine.storages.check_accessibility(uuid_) is False
    assert machine.refresh().is_accessible is False
    machine.root.mkdir()  # an empty mount point is not the storage
    assert machine.storages.check_accessibility(uuid_) is False
    machine.root.rmdir()
    away.rename(machine.root)
    assert machine.storages.check_accessibility(uuid_) is True
    assert machine.refresh().is_accessible is True


def test_a_storage_is_left_out_of_use_and_used_again(machine: Machine) -> None:
    uuid_ = machine.storage.storage_uuid
    assert machine.storages.deactivate_storage(uuid_) is True
    assert machine.refresh().is_active is False
    assert machine.storages.deactivate_storage(uuid_) is False
    assert machine.storages.reactivate_storage(uuid_) is True
    assert machine.refresh().is_active is True


def test_an_unknown_storage_is_said_to_be_unknown(machine: Machine) -> None:
    for call in (
        machine.storages.get_storage_statistics,
        machine.storages.check_accessibility,
        machine.storages.deactivate_storage,
        machine.indexes.generate_all_indexes,
        machine.indexes.scan_storage_for_changes,
    ):
        with pytest.raises(NotFoundError):
            call(str(uuid.uuid4()))


# --- indexes --------------------------------------------------------------------------------------------------------


def on_disk(path: str | Path) -> dict[str, object]:
    return json.loads(Path(path).read_bytes())


def said(document: dict[str, object]) -> dict[str, object]:
    """Leave out what only an index file can know: when it was written, from what, and by whom it was seen."""
    own = ("sources", "content_sha256", "generation", "errors")
    return {key: value for key, value in document.items() if key not in own}


def test_a_session_index_is_generated_as_it_is_written(machine: Machine) -> None:
    generated = machine.indexes.generate_session_index(machine.session)
    path = machine.indexes.write_session_index(machine.session)
    assert Path(path) == machine.root / "imports" / "session_1.json"
    assert generated == on_disk(path) == machine.indexes.read_session_index(machine.session)


def test_a_session_index_is_generated_from_the_catalog_when_its_file_is_damaged_or_away(machine: Machine) -> None:
    path = machine.root / "imports" / "session_1.json"
    before = on_disk(path)
    path.write_bytes(path.read_bytes()[:500])
    assert said(machine.indexes.generate_session_index(machine.session)) == said(before)
    machine.root.rename(machine.root.with_name("unplugged"))
    assert said(machine.indexes.generate_session_index(machine.session)) == said(before)
    with pytest.raises(StorageError):
        machine.indexes.read_session_index(machine.session)


def test_lost_indexes_are_written_again(machine: Machine) -> None:
    path = machine.root / "imports" / "session_1.json"
    before = on_disk(path)
    path.unlink()
    assert machine.indexes.write_session_index(machine.session) == str(path)
    assert on_disk(path)["files"] == before["files"]
    (machine.root / "index.json").unlink()
    with pytest.raises(NotFoundError):
        machine.indexes.read_master_index(machine.storage)
    generated = machine.indexes.generate_master_index(machine.storage)
    assert not (machine.root / "index.json").exists()
    assert machine.indexes.write_master_index(machine.storage) == str(machine.root / "index.json")
    written = machine.indexes.read_master_index(machine.storage)
    assert written["import_sessions"] == generated["import_sessions"]
    shutil.rmtree(machine.root / "imports")
    report = machine.indexes.generate_all_indexes(machine.storage.storage_uuid)
    assert (report["sessions"], report["total_files"]) == ([1], 3)
    assert on_disk(path)["files"] == before["files"]


def test_the_overview_tells_where_the_storage_stands_now(machine: Machine) -> None:
    info = machine.indexes.generate_master_index(machine.storage)["storage_info"]
    assert isinstance(info, dict)
    assert (info["full_path"], info["total_files"]) == (machine.storage.full_path, 3)


def test_a_scan_tells_and_keeps_what_was_moved(machine: Machine) -> None:
    moved = machine.root / "photos" / "rome" / "one.jpg"
    moved.parent.mkdir()
    (machine.root / "photos" / "IMG_0001.jpg").rename(moved)
    report = machine.indexes.scan_storage_for_changes(machine.storage.storage_uuid)
    assert report["changes_detected"] is True
    rows = cast("list[dict[str, object]]", report["moved_files"])
    assert [(row["old_path"], row["new_path"], row["session_id"]) for row in rows] == [
        ("photos/IMG_0001.jpg", "photos/rome/one.jpg", 1)
    ]
    again = machine.indexes.scan_storage_for_changes(machine.storage.storage_uuid)
    assert again["changes_detected"] is False


def test_the_services_open_on_the_settings_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMALINK_HOME", str(tmp_path / "home"))
    (tmp_path / "disk").mkdir()
    with open_services() as (storages, indexes):
        storage = storages.create_storage(str(tmp_path / "disk"), "Mine")
        assert indexes.read_master_index(storage)["import_sessions"] == []
    with open_services() as (storages, _):
        assert storages.get_storage_statistics(storage.storage_uuid)["total_files"] == 0
