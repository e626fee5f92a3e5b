"""A storage works through the writing seam alone: here it stands on no disk at all."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from imalink.core.ids import RunUuid, StorageUuid, WriterId
from imalink.core.index import FileStatus
from imalink.core.journal import FileMissing, FileMoved, Observation, RunBegin, RunEnd, RunPlan
from imalink.core.relative_path import RelativePath
from imalink.core.session import ImportStatistics
from imalink.durable_files import FileCalls
from imalink.errors import OutOfSpaceError, StorageLockedError, StorageOfflineError
from imalink.storage.file_storage import FileStorage
from imalink.storage.founding import found_storage
from imalink.storage.staging import ImportRun
from tests.support.faults import CrashingCalls, InterposedCalls, LimitedCalls, OrderCheckingCalls, SimulatedCrash
from tests.support.indexes import make_entry, make_session, uuid_of
from tests.support.memory_calls import MemoryCalls
from tests.support.workbench import SteppingClock

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory files are Linux's")

DISK = Path("/disk in memory")
UUID = StorageUuid(uuid_of("storage"))
WRITER = WriterId(uuid_of("writer"))
RUN = RunUuid(uuid_of("run"))
ENTRY = make_entry("a", size_bytes=9)
ELSEWHERE = RelativePath("photos/Rome/a.jpg")
MOVED = FileMoved(
    hothash=ENTRY.hothash, old_path=ENTRY.relative_path, new_path=ELSEWHERE, modified_ns=7, verified="hash"
)
MISSING = FileMissing(hothash=ENTRY.hothash, path=ELSEWHERE, last_seen_at="2025-01-02T03:04:05Z")


@pytest.fixture
def memory() -> Iterator[MemoryCalls]:
    with MemoryCalls() as calls:
        calls.make_folder(DISK)
        yield calls
        assert calls.open_count == 0, "a descriptor was not given back"
    assert not DISK.exists()


def create(calls: FileCalls) -> FileStorage:
    return found_storage(
        DISK, storage_uuid=UUID, display_name="Blue", description="", storage_id=None, clock=SteppingClock(),
        calls=calls,
    )  # fmt: skip


def open_(path: Path, calls: FileCalls) -> FileStorage:
    return FileStorage.open(path, clock=SteppingClock(), expected_uuid=UUID, calls=calls)


def take_in_one_picture(storage: FileStorage) -> None:
    """Run an import of one file, as the workflow does it."""
    session = make_session(1)
    begin = RunBegin(run_uuid=RUN, storage_uuid=UUID, session=session, writer=WRITER, started_at="2024-10-18T14:30:52Z")
    end = RunEnd(finished_at="", session=session, statistics=ImportStatistics(new_imports=1))
    with ImportRun(storage.files, RUN) as run:
        run.start(begin)
        with run.stage("1.part") as staged:
            staged.write(b"a picture")
            staged.set_modified(ENTRY.modified_ns)
            staged.sync()
        run.plan(RunPlan(staged_name="1.part", entry=ENTRY))
        run.flush_plans()
        run.place("1.part", ENTRY.relative_path)
        run.commit(end, [])
        run.clean_up()


def see(storage: FileStorage, *seen: Observation) -> None:
    with storage.lock("test"):
        storage.append_observations(WRITER, seen)
        storage.fold()


def test_a_storage_is_made_and_opened_again(memory: MemoryCalls) -> None:
    with create(memory) as made:
        path = made.path
    with open_(path, memory) as storage:
        assert storage.signature.display_name == "Blue"
        assert storage.indexes.load_overview().is_intact
        assert storage.is_folded(storage.indexes.load_master().index)
    assert sorted({name.split("/")[0] for name in memory.files_below(path)}) == [
        ".imalink-storage", "imalink-master.json", "index.json"
    ]  # fmt: skip
    with pytest.raises(StorageOfflineError):
        open_(DISK / "nothing here", memory)


def test_what_is_seen_of_a_picture_is_folded_into_session_and_master(memory: MemoryCalls) -> None:
    with create(memory) as storage:
        with storage.lock("test"):
            take_in_one_picture(storage)
            storage.fold()
        assert storage.indexes.load_session(1).index.files[ENTRY.hothash].relative_path == ENTRY.relative_path
        see(storage, MOVED)
        assert not storage.indexes.load_master().index.files[ENTRY.hothash].last_seen_at
        see(storage, MISSING)
        found = storage.indexes.load_session(1).index.files[ENTRY.hothash]
        assert (found.relative_path, found.status) == (ELSEWHERE, FileStatus.MISSING)
        master = storage.indexes.load_master().index
        assert master.files[ENTRY.hothash].relative_path == ELSEWHERE
        assert storage.is_folded(master)


def test_a_walk_finds_the_pictures_with_their_size_and_time(memory: MemoryCalls) -> None:
    with create(memory) as storage:
        with storage.lock("test"):
            take_in_one_picture(storage)
        memory.put(storage.path / "photos/mine.jpg", b"by hand", modified_ns=10**18)
        memory.put_link(storage.path / "photos/link", "mine.jpg")
        result = storage.scan()
        assert {path: (file.size_bytes, file.modified_ns) for path, file in result.files.items()} == {
            ENTRY.relative_path: (9, ENTRY.modified_ns), "photos/mine.jpg": (7, 10**18)
        }  # fmt: skip
        assert [finding.path for finding in result.findings] == ["photos/link"]


def test_damaged_and_lost_indexes_come_back_from_commits_and_journals(memory: MemoryCalls) -> None:
    with create(memory) as storage:
        with storage.lock("test"):
            take_in_one_picture(storage)
            storage.fold()
        see(storage, MOVED)
        session = storage.indexes.load_session(1).index
        for name in memory.files_below(storage.path):
            if name.endswith(".json"):
                memory.put(storage.path / name, b"{torn")
        with storage.lock("test"):
            storage.fold(check_sessions=[1])
        assert storage.indexes.load_session(1).index.files == session.files
        assert storage.indexes.load_master().index.files[ENTRY.hothash].relative_path == ELSEWHERE


@pytest.mark.parametrize("has_links", [True, False])
def test_a_second_writer_is_kept_out_until_the_first_is_done(memory: MemoryCalls, has_links: bool) -> None:
    calls = memory if has_links else LimitedCalls(inner=memory)
    with create(calls) as one, open_(one.path, calls) as other:
        with (
            one.lock("import"),
            pytest.raises(StorageLockedError, match="for import"),
            other.lock("re-index"),
        ):
            raise AssertionError("two writers at once")
        with other.lock("re-index"):
            assert any(name.startswith(".imalink-storage.lock") for name in memory.files_below(one.path))
        assert not any(name.startswith(".imalink-storage.lock") for name in memory.files_below(one.path))


def test_a_full_storage_says_so_and_keeps_what_it_has(memory: MemoryCalls) -> None:
    with create(memory) as storage:
        with storage.lock("test"):
            take_in_one_picture(storage)
            storage.fold()
        before = storage.indexes.load_session(1).index
        with storage.lock("test"):
            memory.capacity_bytes = memory.used_bytes + 10
            with pytest.raises(OutOfSpaceError):
                storage.append_observations(WRITER, [MOVED])
            memory.capacity_bytes += 10**6
            storage.fold()
            assert storage.indexes.load_session(1).index == before
            storage.append_observations(WRITER, [MOVED])
            storage.fold()
        assert storage.indexes.load_session(1).index.files[ENTRY.hothash].relative_path == ELSEWHERE


def test_a_disk_that_was_taken_out_is_offline_and_nothing_is_written_in_its_place(memory: MemoryCalls) -> None:
    with create(memory) as storage:
        storage.root.verify_identity()
        memory.rename(storage.path, DISK / "unplugged")
        memory.make_folder(storage.path)
        with pytest.raises(StorageOfflineError):
            storage.root.verify_identity()
        assert memory.files_below(storage.path) == []


def test_nothing_gets_another_name_before_its_bytes_are_flushed(memory: MemoryCalls) -> None:
    order = OrderCheckingCalls(inner=memory)
    with create(order) as storage:
        with storage.lock("test"):
            take_in_one_picture(storage)
            storage.fold()
        see(storage, MOVED, MISSING)
    assert order.moves_count > 10


def test_a_run_that_dies_at_any_call_leaves_all_of_the_picture_or_nothing_that_counts() -> None:
    endings: set[bool] = set()
    for at in range(1, 200):
        with MemoryCalls() as memory:
            memory.make_folder(DISK)
            with create(memory) as storage:
                path = storage.path
            crashing = CrashingCalls(at, inner=memory)
            if not dies(path, crashing):
                break
            with open_(path, memory) as again:
                with again.lock("test"):
                    again.fold()
                is_in = ENTRY.hothash in again.indexes.load_master().index.files
                endings.add(is_in)
                placed = path / ENTRY.relative_path
                if is_in:
                    assert memory.get(placed) == b"a picture"
                assert is_in == bool(again.committed_runs())
    else:
        raise AssertionError("the run makes more calls than were tried")
    assert endings == {True, False}


def dies(path: Path, calls: InterposedCalls) -> bool:
    try:
        with open_(path, calls) as storage:
            take_in_one_picture(storage)
    except SimulatedCrash:
        return True
    return False


def test_an_error_of_the_device_is_told_by_its_number(memory: MemoryCalls) -> None:
    with create(memory) as storage:
        memory.capacity_bytes = memory.used_bytes
        with pytest.raises(OutOfSpaceError) as caught:
            storage.files.replace(RelativePath("index.json"), b"x" * 100)
        assert isinstance(caught.value.__cause__, OSError)
        assert caught.value.__cause__.errno == errno.ENOSPC
        assert storage.indexes.load_overview().is_intact
