"""The health report counts what is there, tells what is not, skips what is not in use, and keeps a history."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from imalink.catalog import health as kept_health
from imalink.catalog.file_storages import StorageRecord
from imalink.core.health import IndexState, StorageHealth
from imalink.runtime.health_words import health_json
from imalink.workflows.activate_storage import set_storage_active
from imalink.workflows.look_at_health import keep_health, list_health, look_at_health
from imalink.workflows.regenerate_indexes import regenerate_indexes
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest
from imalink.workflows.verify import verify
from imalink.workflows.verify_report import VerifyRequest
from tests.support.workbench import Workbench, make_source, photos_below


@pytest.fixture
def storage(bench: Workbench) -> StorageRecord:
    record = bench.create()
    bench.import_(record, make_source(bench.folder / "card", 5))
    return record


def health_of(bench: Workbench) -> StorageHealth:
    (found,) = look_at_health(bench.tools).storages
    return found


def test_a_report_counts_what_is_there(bench: Workbench, storage: StorageRecord) -> None:
    found = health_of(bench)
    sizes = [path.stat().st_size for path in (bench.root(storage) / "photos").rglob("*.jpg")]
    assert (found.is_accessible, found.indexes, found.total_files) == (True, IndexState.SOUND, 5)
    assert found.size_bytes == found.growth_bytes == sum(sizes)
    assert (found.session_count, found.missing_files, found.damaged_files) == (1, 0, 0)
    disk = shutil.disk_usage(bench.disk)
    assert found.total_bytes == disk.total
    assert found.free_bytes is not None
    assert abs(found.free_bytes - disk.free) < 2**30


def test_the_daily_report_has_the_keys_and_words_of_the_workflow_guide(
    bench: Workbench, storage: StorageRecord
) -> None:
    document = health_json(look_at_health(bench.tools))
    assert set(document) >= {"timestamp", "storages", "issues", "summary"}
    (row,) = document["storages"]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
    assert set(row) == {  # pyright: ignore[reportUnknownArgumentType]
        *("uuid", "name", "accessible", "free_space_gb", "total_files", "size_mb", "import_sessions"),
        "indexes_healthy",
    }
    assert document["summary"] == {
        "total_storages": 1,
        "accessible_storages": 1,
        "inactive_storages": 0,
        "total_files": 5,
        "total_size_gb": 0.0,
        "issues_count": 0,
    }
    assert set(document) >= {"disk_space", "file_accessibility", "integrity", "performance"}
    bench.root(storage).rename(bench.disk / "away")
    document = health_json(look_at_health(bench.tools))
    assert document["issues"] == ["Storage 'Blue Samsung' is not accessible"]


def test_a_storage_that_is_not_in_use_is_left_out(bench: Workbench, storage: StorageRecord) -> None:
    set_storage_active(bench.tools, storage, is_active=False)
    bench.root(storage).rename(bench.disk / "away")
    report = look_at_health(bench.tools)
    assert (report.storages, report.inactive_count) == ((), 1)
    assert health_json(report)["alerts"] == []


@pytest.mark.parametrize("name", ["index.json", "imalink-master.json", "imports/session_1.json"])
def test_an_index_that_is_gone_or_damaged_is_named_until_it_is_written_again(
    bench: Workbench, storage: StorageRecord, name: str
) -> None:
    file = bench.root(storage) / name
    whole = file.read_bytes()
    file.unlink()
    assert (health_of(bench).indexes, health_of(bench).index_files) == (IndexState.MISSING, (name,))
    file.write_bytes(whole[: len(whole) // 2])
    assert (health_of(bench).indexes, health_of(bench).index_files) == (IndexState.DAMAGED, (name,))
    regenerate_indexes(bench.tools, storage)
    assert health_of(bench).indexes is IndexState.SOUND


def test_missing_and_damaged_files_are_counted(bench: Workbench, storage: StorageRecord) -> None:
    first, second, *_ = sorted((bench.root(storage) / "photos").rglob("*.jpg"))
    first.unlink()
    data = bytearray(second.read_bytes())
    facts = second.stat()
    data[-20] ^= 0xFF
    second.write_bytes(data)
    os.utime(second, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    reindex(bench.tools, storage, ReindexRequest())
    verify(bench.tools, storage, VerifyRequest())
    found = health_of(bench)
    assert (found.missing_files, found.damaged_files) == (1, 1)
    assert found.verified_files == 3


def test_looking_changes_nothing_in_a_storage(bench: Workbench, storage: StorageRecord) -> None:
    before = {path: path.stat().st_mtime_ns for path in bench.root(storage).rglob("*")}
    photos = photos_below(bench.root(storage))
    look_at_health(bench.tools)
    assert {path: path.stat().st_mtime_ns for path in bench.root(storage).rglob("*")} == before
    assert photos_below(bench.root(storage)) == photos


def test_what_was_never_verified_counts_from_when_the_storage_was_made(
    bench: Workbench, storage: StorageRecord
) -> None:
    days = health_of(bench).days_unverified
    assert days is not None
    assert days < 1
    bench.create("Empty")
    empty = next(each for each in look_at_health(bench.tools).storages if each.name == "Empty")
    assert empty.days_unverified is None


def test_import_figures_are_those_of_a_hand_count(bench: Workbench, storage: StorageRecord) -> None:
    source = make_source(bench.folder / "second card", 3, first_seed=50)
    (source / "broken.jpg").write_bytes(b"")
    report = bench.import_(storage, source, title="Second")
    with bench.catalog.read() as db:
        metrics = kept_health.measure_imports(db)
    seen = 5 + report.statistics.total_scanned
    assert (metrics.import_count, metrics.files_seen) == (2, seen)
    assert metrics.files_failed == report.statistics.errors
    total = sum(path.stat().st_size for path in (bench.root(storage) / "photos").rglob("*") if path.is_file())
    assert metrics.average_bytes == total // 2
    assert metrics.bytes_per_second is not None
    assert metrics.success_rate == round(1 - report.statistics.errors / seen, 4)


def test_reports_are_kept_the_newest_first_and_only_so_many(
    bench: Workbench, storage: StorageRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_health, "KEPT_REPORTS", 3)
    for number in range(5):
        keep_health(bench.tools, "2024-11-01T00:00:00Z", {"number": number, "storages": []})
    assert [each["number"] for each in list_health(bench.tools)] == [4, 3, 2]
    assert [each["number"] for each in list_health(bench.tools, limit=1)] == [4]


def test_a_file_of_the_catalog_tells_its_room(bench: Workbench, tmp_path: Path) -> None:
    report = look_at_health(bench.tools)
    assert report.catalog_free_bytes is not None
    assert abs(report.catalog_free_bytes - shutil.disk_usage(tmp_path).free) < 2**30
