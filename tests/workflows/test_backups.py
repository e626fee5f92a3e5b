"""A backup is whole or not there, is read back, and gives everything back; a drill tells whether a recovery would."""

from __future__ import annotations

import errno
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from imalink.core.edit_request import EditRequest
from imalink.core.user_facts import FactChange
from imalink.errors import (
    NotFoundError,
    OutOfSpaceError,
    StorageIoError,
    UsageError,
    VerificationError,
)
from imalink.formats.backup_file import parse_backup
from imalink.workflows.back_up import BackupReport, back_up
from imalink.workflows.edit_photos import edit_photos
from imalink.workflows.recovery_drill import recovery_drill
from imalink.workflows.restore_backup import RestoreReport, check_backup, restore_backup
from tests.support.faults import FailingCalls, InterposedCalls
from tests.support.photos import make_jpeg
from tests.support.workbench import SMALL, Workbench, make_source, snapshot


@pytest.fixture
def bench(tmp_path: Path, empty_catalog: Path) -> Iterator[Workbench]:
    """One storage with two sessions, one picture of which is rated and tagged by the user."""
    with Workbench(tmp_path, empty_catalog=empty_catalog) as bench:
        record = bench.create()
        bench.import_(record, make_source(tmp_path / "card", 3))
        make_jpeg(tmp_path / "second" / "gps.jpg", seed=50, size=SMALL, rating=4, gps=(41.9, 12.5), keywords=["Rome"])
        bench.import_(record, tmp_path / "second", title="Norway")
        (tmp_path / "elsewhere").mkdir()
        yield bench


def write_backup(bench: Workbench) -> BackupReport:
    return back_up(bench.tools, bench.folder / "elsewhere", notes={"storage_config.json": b"{}"})


def restore(bench: Workbench, folder: Path) -> RestoreReport:
    return restore_backup(bench.tools, check_backup(bench.tools, folder))


# --- backing up ------------------------------------------------------------------------------------------------------


def test_a_backup_is_checked_by_sha256sum_and_says_what_it_holds(bench: Workbench) -> None:
    report = write_backup(bench)
    subprocess.run(["sha256sum", "-c", "--strict", "--quiet", "SHA256SUMS"], cwd=report.folder, check=True)
    document = parse_backup((report.folder / "backup.json").read_bytes(), file="backup.json")
    [record] = bench.records()
    assert (document.photo_count, document.session_count) == (4, 2)
    assert [each.storage_uuid for each in document.storages] == [record.storage_uuid]
    held = {path.name for path in (report.folder / "storages" / record.storage_uuid).rglob("*") if path.is_file()}
    assert {".imalink-storage", "index.json", "imalink-master.json", "session_1.json", "session_2.json"} <= held
    assert not list(report.folder.rglob("*.jpg"))


def test_a_backup_changes_nothing_of_the_storage(bench: Workbench) -> None:
    before = snapshot(bench.disk)
    write_backup(bench)
    assert snapshot(bench.disk) == before


def test_a_backup_into_a_storage_is_refused(bench: Workbench) -> None:
    [record] = bench.records()
    before = snapshot(bench.disk)
    with pytest.raises(UsageError, match="lies in the storage"):
        back_up(bench.tools, bench.root(record) / "photos")
    assert snapshot(bench.disk) == before


def test_a_backup_into_a_folder_that_is_not_there_is_refused(bench: Workbench, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="There is no folder"):
        back_up(bench.tools, tmp_path / "unmounted" / "backups")
    assert not (tmp_path / "unmounted").exists()


def test_a_storage_that_is_away_is_named_and_the_rest_is_backed_up(bench: Workbench, tmp_path: Path) -> None:
    other = bench.create("Red", base_path=tmp_path / "elsewhere")
    bench.root(other).rename(tmp_path / "unplugged")
    report = write_backup(bench)
    assert report.out_of_reach == ("Red",)
    assert [finding.code for finding in report.findings] == ["storage-not-backed-up"]
    assert len(report.storages) == 1


class RottenDisk(InterposedCalls):
    """Gives back other bytes than were written, for one file."""

    def pread(self, descriptor: int, count: int, offset: int) -> bytes:
        data = super().pread(descriptor, count, offset)
        return data.replace(b'"session_count"', b'"session_coumt"')


def test_a_disk_that_gives_other_bytes_back_makes_no_backup(bench: Workbench) -> None:
    with bench.restart(RottenDisk()) as rotten:
        with pytest.raises(StorageIoError, match="reads back as something else"):
            write_backup(rotten)
    assert list((bench.folder / "elsewhere").iterdir()) == []


def test_a_backup_that_fails_anywhere_is_whole_or_not_there(bench: Workbench) -> None:
    """Calls that change anything fail, one at a time; what has a backup's name afterwards is whole."""
    tried = 0
    for at in range(1, 10_000, 7):
        calls = FailingCalls(at, errno.ENOSPC)
        with bench.restart(calls) as failing:
            try:
                report = write_backup(failing)
            except OutOfSpaceError:
                tried += 1
                for path in (bench.folder / "elsewhere").iterdir():
                    if not path.name.startswith(".imalink-scratch"):  # it could not be removed, for removing failed
                        check_backup(bench.tools, path)
                    shutil.rmtree(path)
                continue
        if calls.failed is None:
            check_backup(bench.tools, report.folder)
            break
        shutil.rmtree(report.folder)
    assert tried >= 8


# --- restoring -------------------------------------------------------------------------------------------------------


def test_a_restore_gives_the_catalog_back_as_it_was(bench: Workbench, empty_catalog: Path) -> None:
    before = bench.dump()
    report = write_backup(bench)
    bench.close()
    shutil.copyfile(empty_catalog, bench.database)
    for leftover in bench.home.glob("catalog.sqlite-*"):
        leftover.unlink()
    bench.disk.rename(bench.folder / "unplugged")  # so that nothing but the backup can tell
    with Workbench(bench.folder, name=bench.name) as again:
        assert again.dump() == []
        restored = restore(again, report.folder)
        assert (restored.before.photo_count, restored.after.photo_count) == (0, 4)
        assert restored.kept_catalog is not None and Path(restored.kept_catalog).exists()
        assert again.dump() == before


def test_what_came_in_after_the_backup_is_there_after_the_restore(bench: Workbench, tmp_path: Path) -> None:
    report = write_backup(bench)
    [record] = bench.records()
    bench.import_(record, make_source(tmp_path / "third", 2, first_seed=30), title="Later")
    before = bench.dump()
    restored = restore(bench, report.folder)
    assert restored.after.photo_count == 6
    assert bench.dump() == before


def test_lost_index_files_are_put_back_and_nothing_is_replaced(bench: Workbench) -> None:
    [record] = bench.records()
    root = bench.root(record)
    report = write_backup(bench)
    before, master = bench.dump(), (root / "imalink-master.json").read_bytes()
    shutil.rmtree(root / "imports")
    shutil.rmtree(root / ".imalink" / "metadata")
    restored = restore(bench, report.folder)
    assert {str(path) for _, path in restored.put_back} >= {"imports/session_1.json", "imports/session_2.json"}
    assert (root / "imalink-master.json").read_bytes() == master
    assert bench.dump() == before


@pytest.mark.parametrize("name", ["catalog.sqlite", "backup.json"])
def test_a_backup_whose_catalog_is_damaged_is_refused(bench: Workbench, name: str) -> None:
    report = write_backup(bench)
    flip_a_bit(report.folder / name)
    before = bench.dump()
    with pytest.raises(VerificationError, match=name):
        check_backup(bench.tools, report.folder)
    assert bench.dump() == before


def test_a_damaged_index_in_a_backup_is_left_out_and_told(bench: Workbench) -> None:
    report = write_backup(bench)
    [record] = bench.records()
    bad = report.folder / "storages" / record.storage_uuid / "imports" / "session_1.json"
    flip_a_bit(bad)
    (bench.root(record) / "imports" / "session_1.json").unlink()
    before = bench.dump()
    restored = restore(bench, report.folder)
    assert [finding.code for finding in restored.findings if finding.code == "backup-damaged"] == ["backup-damaged"]
    assert bench.dump() == before


def test_a_folder_that_is_no_backup_is_told(bench: Workbench) -> None:
    with pytest.raises(NotFoundError, match="no backup"):
        check_backup(bench.tools, bench.folder / "card")


def test_a_backup_that_is_not_there_is_told(bench: Workbench, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="There is no folder"):
        check_backup(bench.tools, tmp_path / "unmounted")


def test_edits_that_no_storage_has_yet_are_never_left_out(bench: Workbench) -> None:
    report = write_backup(bench)
    bench.disk.rename(bench.folder / "unplugged")
    rate_everything(bench)
    before = bench.dump()
    with pytest.raises(UsageError, match="wait for storages that are away"):
        restore(bench, report.folder)
    assert bench.dump() == before


# --- the drill -------------------------------------------------------------------------------------------------------


def test_a_drill_gives_everything_back_and_leaves_everything_alone(bench: Workbench) -> None:
    rate_everything(bench)
    before, storage = bench.dump(), snapshot(bench.disk)
    report = recovery_drill(bench.tools, bench.home)
    assert [(each.scenario, each.photos, each.differences) for each in report.rehearsals] == [
        ("catalog-lost", 4, ()),
        ("indexes-lost", 4, ()),
    ]
    assert report.is_passed and report.only_in_catalog == ()
    assert (bench.dump(), snapshot(bench.disk)) == (before, storage)
    assert not list(bench.home.glob(".imalink-scratch*"))


def test_a_drill_finds_what_commits_and_journals_do_not_have(bench: Workbench) -> None:
    [record] = bench.records()
    commits = sorted((bench.root(record) / ".imalink" / "metadata" / "commits").iterdir())
    commits[0].unlink()
    report = recovery_drill(bench.tools, bench.home)
    assert not report.is_passed
    assert {each.scenario: bool(each.differences) for each in report.rehearsals} == {
        "catalog-lost": False,
        "indexes-lost": True,
    }


def test_a_drill_tells_what_only_the_catalog_has(bench: Workbench, tmp_path: Path) -> None:
    bench.create("Red", base_path=tmp_path / "elsewhere")
    bench.disk.rename(bench.folder / "unplugged")
    rate_everything(bench)
    report = recovery_drill(bench.tools, bench.home)
    assert len(report.only_in_catalog) == 4
    assert [each.display_name for each in report.not_compared] == ["Blue Samsung"]


def test_a_drill_without_any_storage_has_not_passed(bench: Workbench) -> None:
    bench.disk.rename(bench.folder / "unplugged")
    report = recovery_drill(bench.tools, bench.home)
    assert report.rehearsals == () and not report.is_passed


def rate_everything(bench: Workbench) -> None:
    names = [line for line in bench.dump() if '"kind":"image-file"' in line]
    hothashes = [line.split('"hothash":"')[1][:64] for line in names]
    edit_photos(bench.tools, hothashes, EditRequest(said=FactChange.of({"rating": 5}), added_tags=("family",)))


def flip_a_bit(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)
