"""The catalog may be lost at any time: the storages give everything back, and say what is not as it was."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from imalink.catalog import file_storages
from imalink.catalog.file_storages import StorageRecord
from imalink.errors import NotFoundError, WrongStateError
from imalink.workflows.recover import RecoveryReport, recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest
from tests.support.faults import MUTATING, InterposedCalls
from tests.support.photos import make_jpeg, set_rating_in_place
from tests.support.scenes import Scene, hothash_of, memory_folder
from tests.support.workbench import SMALL, Snapshot, Workbench, make_source, sha256_of, snapshot

T = TypeVar("T")
A, B, C = "IMG_0001.jpg", "IMG_0002.jpg", "IMG_0003.jpg"


class NewMachine:
    """A machine that has never seen anything; its first job is a recovery."""

    def __init__(self, folder: Path, empty_catalog: Path) -> None:
        self._folder = folder
        self._empty = empty_catalog
        self.bench = self._make("new machine")

    def _make(self, name: str, calls: InterposedCalls | None = None) -> Workbench:
        return Workbench(self._folder, empty_catalog=self._empty, name=name, calls=calls)

    def recover(
        self, *roots: Path, is_check: bool = False, verifies_bytes: bool = False, calls: InterposedCalls | None = None
    ) -> RecoveryReport:
        if calls is not None:
            self.bench = self.bench.restart(calls)
        candidates, findings = find_candidates(self.bench.tools, list(roots))
        report = recover(self.bench.tools, candidates, is_check=is_check, verifies_bytes=verifies_bytes)
        self.findings = [finding.code for finding in (*findings, *report.findings)]
        return report

    def record(self) -> StorageRecord:
        [record] = self.bench.records()
        return record


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with memory_folder(tmp_path) as found:
        yield found


@pytest.fixture
def scene(folder: Path, empty_catalog: Path) -> Iterator[Scene]:
    """A storage with two sessions, moved, rated, retouched, copied, deleted and new files, and a sidecar."""
    with Scene(folder, empty_catalog) as made:
        card = make_source(folder / "card", 4)
        (card / "IMG_0001.xmp").write_text("<x/>")
        made.import_(card)
        make_jpeg(folder / "second" / "gps.jpg", seed=50, size=SMALL, rating=4, gps=(41.9, 12.5), keywords=["Rome"])
        made.import_(make_source(folder / "second", 2, first_seed=20), "Norway")
        made.look()
        made.move(A, "Rome/æ.jpg")
        made.move("IMG_0001.xmp", "Rome/æ.xmp")
        set_rating_in_place(made.photos / B, 5)
        made.add(C, seed=99)
        shutil.copyfile(made.photos / B, made.at("copy.jpg"))
        (made.photos / "IMG_0004.jpg").unlink()
        made.move("IMG_0021.jpg", os.fsdecode(b"caf\xe9.jpg"))
        made.add("orphan.jpg", seed=98)
        made.look()
        yield made


@pytest.fixture
def new(folder: Path, empty_catalog: Path) -> Iterator[NewMachine]:
    machine = NewMachine(folder, empty_catalog)
    yield machine
    machine.bench.close()


def hide_lock_leftovers(name: str) -> bool:
    return "lock" in name


def frozen(root: Path) -> Snapshot:
    return snapshot(root, leaves_out=hide_lock_leftovers)


# --- the catalog is gone ---------------------------------------------------------------------------------------------


def test_a_lost_catalog_is_rebuilt_as_it_was(scene: Scene, new: NewMachine) -> None:
    report = new.recover(scene.root)
    assert (report.restored_sessions, report.restored_files, report.restored_photos) == (2, 8, 7)
    assert new.bench.dump() == scene.bench.dump()
    assert [file.expected_path for file in report.missing_files] == ["photos/IMG_0004.jpg"]
    assert (report.changed_files, report.corrupt_indexes) == ((), ())


def test_the_same_machine_recovers_from_the_places_it_noted(scene: Scene, empty_catalog: Path) -> None:
    before = scene.bench.dump()
    scene.bench.close()
    scene.bench.database.unlink()
    shutil.copyfile(empty_catalog, scene.bench.database)
    scene.bench = scene.bench.restart()
    candidates, _ = find_candidates(scene.bench.tools, [])
    assert [candidate.is_trusted for candidate in candidates] == [True]
    recover(scene.bench.tools, candidates)
    assert scene.bench.dump() == before


def test_a_recovery_leaves_the_users_files_alone(scene: Scene, new: NewMachine) -> None:
    before = snapshot(scene.photos)
    new.recover(scene.root, verifies_bytes=True)
    assert snapshot(scene.photos) == before


def test_a_second_recovery_changes_nothing(scene: Scene, new: NewMachine) -> None:
    new.recover(scene.root)
    once, storage = new.bench.dump(), frozen(scene.root)
    new.recover(scene.root)
    assert new.bench.dump() == once
    assert frozen(scene.root) == storage


def test_a_recovered_storage_is_worked_on_like_any_other(scene: Scene, new: NewMachine, folder: Path) -> None:
    new.recover(scene.root)
    assert not reindex(new.bench.tools, new.record(), ReindexRequest()).newly_missing
    report = new.bench.import_(new.record(), make_source(folder / "third", 2, first_seed=70), title="Third")
    assert (report.session_id, report.statistics.new_imports) == (3, 2)


def test_a_recovery_into_the_live_catalog_is_no_change(scene: Scene) -> None:
    before = scene.bench.dump()
    candidates, _ = find_candidates(scene.bench.tools, [scene.root])
    recover(scene.bench.tools, candidates)
    assert scene.bench.dump() == before


# --- the check -------------------------------------------------------------------------------------------------------


def test_a_check_finds_no_difference_and_changes_nothing(scene: Scene) -> None:
    storage, home, catalog = snapshot(scene.root), snapshot(scene.bench.home), scene.bench.dump()
    candidates, _ = find_candidates(scene.bench.tools, [])
    report = recover(scene.bench.tools, candidates, is_check=True)
    assert (report.differences, report.corrupt_indexes) == ((), ())
    assert (snapshot(scene.root), snapshot(scene.bench.home), scene.bench.dump()) == (storage, home, catalog)


def test_a_check_names_what_the_catalog_has_otherwise(scene: Scene, new: NewMachine, folder: Path) -> None:
    new.recover(scene.root)
    scene.move(B, "moved.jpg")
    scene.look()
    report = new.recover(scene.root, is_check=True)
    assert any("photos/moved.jpg" in difference for difference in report.differences)
    assert all(f"photos/{C}" not in difference for difference in report.differences)


# --- index files are gone or broken ----------------------------------------------------------------------------------


def remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.mark.parametrize(
    "lost",
    [
        ["index.json"],
        ["imalink-master.json"],
        ["imports/session_1.json"],
        ["imports/session_1.json", "imports/session_2.json"],
        ["index.json", "imalink-master.json"],
        ["index.json", "imalink-master.json", ".imalink/metadata/backup"],
        ["imports/session_2.json", ".imalink/metadata/backup"],
        ["imports", "imalink-master.json", "index.json"],
        [".imalink/metadata/journal"],
        [".imalink/metadata/commits"],
        [".imalink"],
        [".imalink", "index.json"],
        [".imalink", "imalink-master.json", "index.json"],
    ],
    ids=" + ".join,
)
def test_whatever_index_files_are_lost_the_rest_gives_everything_back(
    scene: Scene, new: NewMachine, lost: list[str]
) -> None:
    for name in lost:
        remove(scene.root / name)
    report = new.recover(scene.root)
    assert report.restored_files == 8
    assert new.bench.dump() == scene.bench.dump()


def test_commits_and_journals_alone_give_everything_back(scene: Scene, new: NewMachine) -> None:
    for name in (
        "imports",
        "imalink-master.json",
        "index.json",
        ".imalink/metadata/backup",
        ".imalink/metadata/manifest",
    ):
        remove(scene.root / name)
    report = new.recover(scene.root)
    assert report.restored_files == 8
    assert new.bench.dump() == scene.bench.dump()


@pytest.mark.parametrize("name", ["index.json", "imalink-master.json", "imports/session_1.json"])
@pytest.mark.parametrize("damage", ["truncated", "emptied", "garbage", "zeroed"])
def test_a_damaged_index_is_named_kept_and_rebuilt(scene: Scene, new: NewMachine, name: str, damage: str) -> None:
    path = scene.root / name
    data = path.read_bytes()
    broken = {
        "truncated": data[: len(data) // 2],
        "emptied": b"",
        "garbage": b"\xff\x00{" + data[::-1],
        "zeroed": b"\0" * len(data),
    }[damage]
    path.write_bytes(broken)
    report = new.recover(scene.root)
    assert name in report.corrupt_indexes
    assert new.bench.dump() == scene.bench.dump()
    backups = [kept.read_bytes() for kept in (scene.root / ".imalink/metadata/backup").iterdir()]
    assert broken in backups
    assert new.recover(scene.root).corrupt_indexes == ()


def test_a_storage_without_previews_is_recovered(scene: Scene, new: NewMachine) -> None:
    remove(scene.root / ".imalink/hotpreviews")
    new.recover(scene.root)
    assert new.bench.dump() == scene.bench.dump()


# --- pictures are gone or damaged ------------------------------------------------------------------------------------


def flip_a_bit(path: Path) -> None:
    facts = path.stat()
    data = bytearray(path.read_bytes())
    data[-len(data) // 4] ^= 0x10
    path.write_bytes(data)
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def test_a_removed_file_and_a_damaged_one_are_both_named(scene: Scene, new: NewMachine) -> None:
    damaged = scene.hothash(B)
    (scene.photos / "IMG_0020.jpg").unlink()
    flip_a_bit(scene.photos / B)
    report = new.recover(scene.root, verifies_bytes=True)
    assert "photos/IMG_0020.jpg" in [file.expected_path for file in report.missing_files]
    assert [(file.path, file.kind, file.hothash) for file in report.changed_files] == [
        (f"photos/{B}", "damaged", damaged)
    ]
    assert "file-damaged" in new.findings
    assert report.has_warnings


def test_an_edited_file_is_named_without_being_asked_for(scene: Scene, new: NewMachine) -> None:
    set_rating_in_place(scene.photos / B, 1)
    scene.add("IMG_0020.jpg", seed=77)
    report = new.recover(scene.root)
    assert sorted((file.path, file.kind) for file in report.changed_files) == [
        (f"photos/{B}", "metadata"),
        ("photos/IMG_0020.jpg", "content"),
    ]


def test_sessions_come_back_even_when_all_photos_are_gone(scene: Scene, new: NewMachine) -> None:
    shutil.rmtree(scene.photos)
    report = new.recover(scene.root)
    assert report.restored_files == 8
    assert {file.hothash for file in report.missing_files} == {
        entry.hothash for entry in scene.bench.master(scene.record).files.values()
    }
    assert new.bench.dump() == scene.bench.dump()


# --- where the storage is --------------------------------------------------------------------------------------------


def test_a_storage_that_moved_is_found_at_its_new_place(scene: Scene, new: NewMachine, folder: Path) -> None:
    before = scene.bench.dump()
    elsewhere = folder / "other mount" / "deep" / "renamed"
    elsewhere.parent.mkdir(parents=True)
    scene.root.rename(elsewhere)
    candidates, _ = find_candidates(scene.bench.tools, [folder / "other mount"])
    recover(scene.bench.tools, candidates)
    [record] = scene.bench.records()
    assert record.full_path == str(elsewhere)
    changed = [line for line in scene.bench.dump() if line not in before]
    assert all('"kind":"storage"' in line for line in changed)


def test_two_storages_are_recovered_together(scene: Scene, new: NewMachine, folder: Path) -> None:
    second = scene.bench.create("Second disk")
    scene.bench.import_(second, make_source(folder / "more", 3, first_seed=60), title="Only there")
    report = new.recover(folder / "disk")
    assert (len(report.storages), report.restored_sessions) == (2, 3)
    assert new.bench.dump() == scene.bench.dump()


def test_a_storage_that_is_unplugged_is_still_listed_as_offline(scene: Scene, new: NewMachine, folder: Path) -> None:
    bench = scene.bench
    away = bench.create("Second disk")
    bench.import_(away, make_source(folder / "more", 3, first_seed=60), title="Only there")
    bench.tools.registry.set_active(away.storage_uuid, is_active=False)
    with bench.catalog.begin() as db:
        file_storages.update_storage(db, away.storage_uuid, file_storages.StorageChange(is_active=False))
    whole = bench.dump()
    bench.root(away).rename(folder / "unplugged")
    bench.close()
    bench.database.unlink()
    bench = scene.bench = bench.restart()
    candidates, findings = find_candidates(bench.tools, [])
    assert [finding.code for finding in findings] == ["storage-not-recovered"]
    recover(bench.tools, candidates)
    listed = bench.record(away.storage_uuid)
    assert (listed.display_name, listed.full_path, listed.layout) == ("Second disk", away.full_path, "hybrid")
    assert (listed.is_accessible, listed.is_active) == (False, False)
    (folder / "unplugged").rename(bench.root(away))
    recover(bench.tools, find_candidates(bench.tools, [])[0])
    assert bench.dump() == whole


def test_a_clashing_session_number_keeps_both_sessions(scene: Scene, new: NewMachine, folder: Path) -> None:
    own = new.bench.create("Own disk", folder / "disk")
    new.bench.import_(own, make_source(folder / "own card", 2, first_seed=40), title="Mine")
    mine = {line for line in new.bench.dump() if '"kind":"location"' in line}
    new.recover(scene.root)
    assert "session-number-changed" in new.findings
    from imalink.workflows.look_at_sessions import list_sessions

    titles = {record.session.title: record.file_count for record in list_sessions(new.bench.tools)}
    assert titles == {"Mine": 2, "Italy": 5, "Norway": 3}
    assert mine < {line for line in new.bench.dump() if '"kind":"location"' in line}
    numbers = [record.session.number for record in list_sessions(new.bench.tools)]
    assert len(set(numbers)) == 3


def test_a_copy_of_the_storage_beside_it_is_left_out_with_a_finding(
    scene: Scene, new: NewMachine, folder: Path
) -> None:
    shutil.copytree(scene.root, folder / "disk" / "zz copy")
    copied = frozen(folder / "disk" / "zz copy")
    report = new.recover(folder / "disk")
    assert len(report.storages) == 1
    assert "storage-copy" in new.findings
    assert frozen(folder / "disk" / "zz copy") == copied


def test_a_copy_of_a_storage_in_use_is_called_one(scene: Scene, folder: Path) -> None:
    clone = folder / "clone"
    shutil.copytree(scene.root, clone)
    for is_check in (False, True):
        with pytest.raises(WrongStateError) as told:
            find_candidates(scene.bench.tools, [clone], is_check=is_check)
        assert str(clone) in told.value.message
        assert f"in use at {scene.root}" in told.value.message
    scene.root.rename(scene.root.with_name("away"))
    [candidate], _ = find_candidates(scene.bench.tools, [clone])
    assert candidate.path == clone


def test_pictures_of_which_no_index_tells_are_counted_with_what_takes_them_in(
    scene: Scene, new: NewMachine, folder: Path
) -> None:
    for path in (scene.root / ".imalink", scene.root / "imports"):
        shutil.rmtree(path)
    for name in ("index.json", "imalink-master.json"):
        (scene.root / name).unlink()
    report = new.recover(scene.root)
    assert report.restored_sessions == 0
    [bare] = [finding for finding in report.findings if finding.code == "pictures-without-session"]
    pictures = list((scene.root / "photos").rglob("*.jpg"))
    assert bare.facts["pictures"] == len(pictures)
    reindex(new.bench.tools, new.record(), ReindexRequest(adds_orphans=True))
    assert new.recover(scene.root).restored_files == len(pictures)
    assert "pictures-without-session" not in new.findings


def test_a_storage_this_machine_never_saw_is_a_stranger(scene: Scene, new: NewMachine) -> None:
    [candidate], _ = find_candidates(new.bench.tools, [scene.root])
    assert not candidate.is_trusted
    assert new.bench.records() == []


def test_a_folder_without_any_storage_is_told(new: NewMachine, folder: Path) -> None:
    (folder / "empty").mkdir()
    with pytest.raises(NotFoundError):
        find_candidates(new.bench.tools, [folder / "empty"])


def test_a_damaged_signature_does_not_hide_the_other_storage(scene: Scene, new: NewMachine, folder: Path) -> None:
    second = scene.bench.create("Second disk")
    (scene.bench.root(second) / ".imalink-storage").write_bytes(b"{")
    report = new.recover(folder / "disk")
    assert [candidate.path for candidate in report.storages] == [scene.root]
    assert "storage-not-recovered" in new.findings


class ReadOnly(InterposedCalls):
    """A file system that is mounted read-only below a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = str(folder)

    def _around(self, name: str, call: Callable[[], T], *arguments: object) -> T:
        if name in MUTATING and isinstance(arguments[0], int):
            if os.readlink(f"/proc/self/fd/{arguments[0]}").startswith(self._folder):
                raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return call()


def test_a_read_only_storage_is_taken_as_it_is(scene: Scene, new: NewMachine) -> None:
    before = snapshot(scene.root)
    report = new.recover(scene.root, calls=ReadOnly(scene.root))
    assert report.restored_files == 8
    assert "storage-read-only" in new.findings
    assert new.bench.dump() == scene.bench.dump()
    assert snapshot(scene.root) == before


def test_a_read_only_storage_with_a_damaged_index_gives_what_it_can(scene: Scene, new: NewMachine) -> None:
    (scene.root / "imports/session_1.json").write_bytes(b"{")
    report = new.recover(scene.root, calls=ReadOnly(scene.root))
    assert len(report.corrupt_indexes) == 1
    assert report.restored_sessions == 1


def test_every_recovered_path_opens_as_its_picture(scene: Scene, new: NewMachine) -> None:
    from imalink.workflows.find_file import find_files

    new.recover(scene.root)
    entries = scene.bench.master(scene.record).files
    for found in find_files(new.bench.tools, [*entries]):
        if found.path is not None:
            assert hothash_of(Path(found.path)) == found.hothash
            assert sha256_of(Path(found.path)) in {place.sha256 for place in entries[found.hothash].places()}
    assert sum(found.path is not None for found in find_files(new.bench.tools, [*entries])) == 6
