"""A check of the catalog leaves out what it cannot compare, and says so; it still finds what differs elsewhere."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from imalink.catalog.file_storages import StorageRecord
from imalink.core.duplicate import DuplicatePolicy
from imalink.core.edit_request import EditRequest
from imalink.core.user_facts import FactChange
from imalink.workflows.edit_photos import edit_photos
from imalink.workflows.edit_session import edit_session
from imalink.workflows.group_photos import join_photos
from imalink.workflows.import_report import ImportRequest
from imalink.workflows.recover import RecoveryReport, recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.refer_to_folder import refer_to_folder
from tests.support.scenes import memory_folder
from tests.support.workbench import Workbench, make_source, snapshot


@pytest.fixture
def bench(tmp_path: Path, empty_catalog: Path) -> Iterator[Workbench]:
    with memory_folder(tmp_path) as folder, Workbench(folder, empty_catalog=empty_catalog) as made:
        yield made


@pytest.fixture
def three(bench: Workbench) -> dict[str, StorageRecord]:
    """Three storages; the card's pictures stand in two of them, and something was said of all."""
    card = make_source(bench.folder / "card", 3)
    records = {name: bench.create(name) for name in ("Blue", "Red", "Green")}
    bench.import_(records["Blue"], card, title="Card")
    bench.import_(records["Red"], card, title="Card again", duplicates=DuplicatePolicy.KEEP_BOTH)
    for number, name in enumerate(records, start=2):
        own = make_source(bench.folder / f"own {name}", number, first_seed=number * 10)
        bench.import_(records[name], own, title=f"Only in {name}")
    everywhere = [hothash for record in records.values() for hothash in bench.master(record).files]
    edit_photos(bench.tools, everywhere, EditRequest(said=FactChange.of({"rating": 4}), added_tags=("rome",)))
    join_photos(bench.tools, sorted(bench.master(records["Red"]).files)[:2])
    return records


def unplug(bench: Workbench, record: StorageRecord) -> Path:
    return bench.root(record).rename(bench.folder / f"away {record.display_name}")


def check(bench: Workbench) -> RecoveryReport:
    candidates, findings = find_candidates(bench.tools, [], is_check=True)
    report = recover(bench.tools, candidates, is_check=True)
    assert (findings, report.findings) == ([], ())
    return report


@pytest.mark.parametrize("name", ["Blue", "Red", "Green"])
def test_what_an_unplugged_storage_holds_is_no_difference(
    bench: Workbench, three: dict[str, StorageRecord], name: str
) -> None:
    files = bench.master(three[name]).total_files
    unplug(bench, three[name])
    home, catalog = snapshot(bench.home), bench.dump()
    report = check(bench)
    assert report.differences == ()
    [left] = report.not_compared
    assert (left.storage_uuid, left.display_name) == (three[name].storage_uuid, name)
    assert (left.file_count, left.status) == (files, "storage-offline")
    assert 0 < left.photo_count <= files
    assert len(report.storages) == 2
    assert (snapshot(bench.home), bench.dump()) == (home, catalog)


def test_with_all_plugged_in_everything_is_compared(bench: Workbench, three: dict[str, StorageRecord]) -> None:
    assert three
    report = check(bench)
    assert (report.differences, report.not_compared) == ((), ())


def test_a_difference_of_the_others_is_still_found(bench: Workbench, three: dict[str, StorageRecord]) -> None:
    older = bench.folder / "older Blue"
    shutil.copytree(bench.root(three["Blue"]), older)
    edit_photos(
        bench.tools, list(bench.master(three["Blue"]).files)[:1], EditRequest(said=FactChange.of({"title": "X"}))
    )
    edit_session(bench.tools, "3", title="Renamed")
    shutil.rmtree(bench.root(three["Blue"]))
    older.rename(bench.root(three["Blue"]))
    unplug(bench, three["Green"])
    differences = check(bench).differences
    assert any("Renamed" in each for each in differences)
    assert all(three["Green"].storage_uuid not in each for each in differences)
    assert all(three["Red"].storage_uuid not in each for each in differences)


def test_an_edit_that_waits_for_the_unplugged_storage_is_named_for_only_the_catalog_has_it(
    bench: Workbench, three: dict[str, StorageRecord]
) -> None:
    [entry, *_] = bench.session(three["Green"], 5).files.values()
    unplug(bench, three["Green"])
    edit_photos(bench.tools, [entry.hothash], EditRequest(said=FactChange.of({"rating": 1})))
    differences = check(bench).differences
    assert any(each.startswith("waiting-edit") for each in differences)
    assert any("rating was 1, is 4" in each for each in differences)
    assert all(entry.photo_uuid in each for each in differences)


def test_a_storage_that_was_not_named_is_not_compared(bench: Workbench, three: dict[str, StorageRecord]) -> None:
    candidates, _ = find_candidates(bench.tools, [bench.root(three["Blue"])], is_check=True)
    report = recover(bench.tools, candidates, is_check=True)
    assert report.differences == ()
    assert {(each.display_name, each.status) for each in report.not_compared} == {
        ("Red", "not-named"),
        ("Green", "not-named"),
    }


def test_a_storage_that_is_there_and_cannot_be_believed_is_a_finding_and_no_difference(
    bench: Workbench, three: dict[str, StorageRecord]
) -> None:
    (bench.root(three["Red"]) / ".imalink-storage").write_text("not a signature")
    candidates, findings = find_candidates(bench.tools, [], is_check=True)
    report = recover(bench.tools, candidates, is_check=True)
    assert [finding.code for finding in findings] == ["storage-not-recovered"]
    assert report.differences == ()
    assert [(each.display_name, each.status) for each in report.not_compared] == [("Red", "signature-damaged")]


def test_of_a_reference_storage_without_its_folder_the_indexes_are_compared(bench: Workbench) -> None:
    card = make_source(bench.folder / "dvd", 3)
    bench.import_(bench.create(), make_source(bench.folder / "card", 2, first_seed=20))
    refer_to_folder(bench.tools, ImportRequest(source=card, title="Lent"))
    card.rename(bench.folder / "dvd elsewhere")
    report = check(bench)
    assert report.differences == ()
    assert [(each.display_name, each.status, each.file_count) for each in report.not_compared] == [
        ("dvd", "pictures-out-of-reach", 3)
    ]
