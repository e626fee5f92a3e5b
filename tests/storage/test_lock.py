"""The lock keeps a second writer out, and never for longer than its holder lives."""

from __future__ import annotations

import errno
import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from imalink import errors
from imalink.durable_files import FileCalls
from imalink.storage.fs import StorageFiles
from imalink.storage.host import Host, this_host
from imalink.storage.lock import StorageLock, acquire_lock, hold_lock
from imalink.storage.lock_files import LOCK_NAME, find_lock
from imalink.storage.lock_record import LockRecord, LockState, judge_lock
from imalink.storage.root import StorageRoot
from tests.support.faults import CountingCalls, CrashingCalls, FailingCalls, HookedCalls, LimitedCalls, SimulatedCrash


class FixedClock:
    def now(self) -> datetime:
        return datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


HERE = this_host()
DRIVERS: list[Callable[[], FileCalls]] = [CountingCalls, LimitedCalls]
"""With links, and without."""


@dataclass
class World:
    """A storage folder as several processes see it."""

    folder: Path
    make_calls: Callable[[], FileCalls] = CountingCalls

    def files(self, calls: FileCalls | None = None) -> StorageFiles:
        return StorageFiles(StorageRoot.open(self.folder, calls=calls or self.make_calls()))

    def acquire(
        self,
        host: Host = HERE,
        calls: FileCalls | None = None,
        purpose: str = "import",
        sleep: Callable[[float], None] = lambda seconds: None,
    ) -> StorageLock:
        return acquire_lock(
            self.files(calls), purpose=purpose, clock=FixedClock(), host=host, wait_seconds=0, sleep=sleep
        )

    def names(self) -> list[str]:
        return sorted(name for name in os.listdir(self.folder) if name.startswith(LOCK_NAME))

    def broken(self) -> list[str]:
        folder = self.folder / ".imalink/metadata/broken-locks"
        return sorted(os.listdir(folder)) if folder.exists() else []


@pytest.fixture(params=DRIVERS, ids=["links", "no links"])
def world(tmp_path: Path, request: pytest.FixtureRequest) -> World:
    return World(tmp_path, request.param)


def other_process(pid: int = 4_000_000, start: int | None = 77, own_start: int = 77) -> Host:
    """A process of this machine; ``start`` is what an observer finds under its number."""

    def find_process_start(_: int) -> int | None:
        return start

    return replace(HERE, pid=pid, pid_start=own_start, find_process_start=find_process_start)


OTHER_HOST = replace(HERE, host_id="f" * 32, hostname="attic", boot_id="other", pid=17)


def test_a_lock_keeps_others_out_until_it_is_given_back(world: World) -> None:
    lock = world.acquire()
    lock.verify()
    assert world.names() == [LOCK_NAME, f"{LOCK_NAME}.{lock.record.token}"]
    for host in (HERE, OTHER_HOST):
        with pytest.raises(errors.StorageLockedError):
            world.acquire(host)
    assert world.names() == [LOCK_NAME, f"{LOCK_NAME}.{lock.record.token}"], "a refused one left its token"
    lock.release()
    lock.release()
    assert world.names() == []
    assert world.broken() == []
    world.acquire(OTHER_HOST).release()


def test_the_message_names_who_what_and_since_when(world: World) -> None:
    world.acquire(OTHER_HOST, purpose="verify")
    with pytest.raises(errors.StorageLockedError, match="process 17 on attic for verify since 2026-03-01T12:00:00Z"):
        world.acquire()


def test_a_block_holds_the_lock_and_gives_it_back_on_an_error_too(world: World) -> None:
    files = world.files()
    with pytest.raises(RuntimeError), hold_lock(files, purpose="import", clock=FixedClock(), wait_seconds=0) as lock:
        assert find_lock(files) == lock.record
        raise RuntimeError
    assert find_lock(files) is None
    assert world.names() == []


def test_an_error_of_the_block_is_not_hidden_by_one_of_the_release(tmp_path: Path) -> None:
    calls = FailingCalls(1, errno.EIO, among=frozenset({"rename_replacing"}))
    files = World(tmp_path).files(calls)
    with pytest.raises(RuntimeError), hold_lock(files, purpose="import", clock=FixedClock(), wait_seconds=0):
        raise RuntimeError


def test_a_lock_that_could_not_be_given_back_does_not_block_its_own_process(world: World) -> None:
    """A server whose disk was unplugged in mid-import lives on, and finds its own lock on the disk later."""
    calls = FailingCalls(1, errno.EIO, among=frozenset({"rename_replacing"}), inner=world.make_calls())
    lock = world.acquire(calls=calls)
    with pytest.raises(errors.StorageIoError):
        lock.release()
    assert LOCK_NAME in world.names()
    world.acquire().release()
    assert world.names() == []


def test_the_lock_of_a_dead_process_is_set_aside_and_kept(world: World) -> None:
    dead = world.acquire(other_process())
    lock = world.acquire(other_process(pid=HERE.pid, start=None))
    assert find_lock(world.files()) == lock.record
    assert world.broken() == [f"20260301T120000Z.{dead.record.token}", f"20260301T120000Z.{dead.record.token}.holder"]
    assert world.names() == [LOCK_NAME, f"{LOCK_NAME}.{lock.record.token}"]


def test_a_real_killed_process_does_not_block(tmp_path: Path) -> None:
    code = (
        "import os, sys, signal\n"
        "from datetime import UTC, datetime\n"
        "from imalink.storage.fs import StorageFiles\n"
        "from imalink.storage.root import StorageRoot\n"
        "from imalink.storage.lock import acquire_lock\n"
        "class Clock:\n    def now(self): return datetime.now(UTC)\n"
        "files = StorageFiles(StorageRoot.open(sys.argv[1]))\n"
        "acquire_lock(files, purpose='import', clock=Clock())\n"
        "print('held', flush=True)\n"
        "signal.pause()\n"
    )
    world = World(tmp_path)
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(errors.StorageLockedError, match=f"process {process.pid}"):
            world.acquire()
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        world.acquire().release()  # a zombie will write nothing more
    assert world.names() == []
    assert len(world.broken()) == 2


def record_of(host: Host) -> LockRecord:
    return LockRecord(
        token="a" * 32,
        host_id=host.host_id,
        hostname=host.hostname,
        boot_id=host.boot_id,
        pid_namespace=host.pid_namespace,
        pid=host.pid,
        pid_start=host.pid_start,
    )


@pytest.mark.parametrize(
    ("told", "holder", "seen_from", "state"),
    [
        ("a living process", other_process(), other_process(pid=2), LockState.HELD),
        ("a dead process", other_process(), other_process(pid=2, start=None), LockState.STALE),
        ("its number used again", other_process(own_start=5), other_process(pid=2, start=9), LockState.STALE),
        ("start unknown to the observer", other_process(own_start=5), other_process(pid=2, start=0), LockState.HELD),
        ("start unknown to the holder", other_process(own_start=0), other_process(pid=2, start=9), LockState.HELD),
        ("before a reboot", replace(HERE, boot_id="older"), HERE, LockState.STALE),
        ("another host, dead number", OTHER_HOST, other_process(pid=2, start=None), LockState.HELD),
        ("another container", replace(HERE, pid_namespace="x", pid=9), other_process(2, None), LockState.HELD),
        ("host not told", replace(HERE, host_id="", boot_id="older"), replace(HERE, host_id=""), LockState.HELD),
        ("boot not told", replace(HERE, boot_id=""), HERE, LockState.HELD),
        ("nonsense number", replace(HERE, pid=0), other_process(2, None), LockState.HELD),
    ],
)
def test_only_a_proved_death_makes_a_lock_stale(told: str, holder: Host, seen_from: Host, state: LockState) -> None:
    assert judge_lock(record_of(holder), seen_from, is_held_here=False) is state, told


def test_our_own_lock_is_stale_only_when_we_do_not_hold_it() -> None:
    assert judge_lock(record_of(HERE), HERE, is_held_here=True) is LockState.HELD
    assert judge_lock(record_of(HERE), HERE, is_held_here=False) is LockState.STALE


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage",
        b"\xff\xfe",
        b"[1, 2]",
        b"{}",
        b'{"token": 5}',
        b'{"token": "../../etc/passwd"}',
        b'{"token": "' + b"a" * 32,
        b"[" * 50_000,
        b"x" * 70_000,
        b'{"token": "' + b"b" * 32 + b'"}',
    ],
)
def test_an_illegible_lock_is_set_aside_after_a_look(world: World, content: bytes) -> None:
    (world.folder / LOCK_NAME).write_bytes(content)
    lock = world.acquire()
    lock.verify()
    assert len(world.broken()) == 1
    assert (world.folder / ".imalink/metadata/broken-locks" / world.broken()[0]).read_bytes() == content
    lock.release()
    assert world.names() == []


@pytest.mark.parametrize("kind", ["link", "loop", "fifo", "folder", "giant"])
def test_a_lock_that_is_no_file_is_set_aside_unopened(
    world: World, kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "x"
    outside.write_bytes(b"mine")
    path = world.folder / LOCK_NAME
    if kind == "link":
        path.symlink_to(outside)
    elif kind == "loop":
        path.symlink_to(LOCK_NAME)
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        with path.open("wb") as file:
            file.truncate(1 << 30)
    world.acquire().release()
    assert outside.read_bytes() == b"mine"
    assert world.names() == []
    assert len(world.broken()) == 1


def test_a_lock_that_is_being_filled_is_waited_for(tmp_path: Path) -> None:
    """Where links are unknown, an empty lock may belong to one who is about to write into it."""
    world = World(tmp_path)
    (tmp_path / LOCK_NAME).write_bytes(b"")
    token = "c" * 32
    details = {"token": token, "host_id": "f" * 32, "hostname": "attic", "boot_id": "b", "pid": 3}

    def fill(_: float) -> None:
        (tmp_path / f"{LOCK_NAME}.{token}").write_text(json.dumps(details))
        (tmp_path / LOCK_NAME).write_text(json.dumps({"token": token}))

    with pytest.raises(errors.StorageLockedError, match="attic"):
        acquire_lock(world.files(), purpose="x", clock=FixedClock(), host=HERE, wait_seconds=0, sleep=fill)
    assert world.broken() == []


def test_hostile_text_in_a_lock_is_shown_escaped(tmp_path: Path) -> None:
    details = {
        "token": "a" * 32,
        "host_id": "x",
        "hostname": "\x1b[2J\u202e" + "h" * 500,
        "purpose": "\n\nrm -rf",
        "pid": 1,
    }
    (tmp_path / LOCK_NAME).write_text(json.dumps(details))
    with pytest.raises(errors.StorageLockedError) as caught:
        World(tmp_path).acquire()
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 400


def test_a_lost_lock_stops_the_work(world: World) -> None:
    lock = world.acquire()
    os.rename(world.folder / LOCK_NAME, world.folder / "aside")
    with pytest.raises(errors.StorageLockedError, match="lost"):
        lock.verify()
    successor = world.acquire(OTHER_HOST)
    with pytest.raises(errors.StorageLockedError, match="attic"):
        lock.verify()
    lock.release()
    successor.verify()
    assert world.names() == [LOCK_NAME, f"{LOCK_NAME}.{successor.record.token}"]


def test_a_release_in_the_moment_of_a_takeover_gives_the_lock_back_to_its_owner(tmp_path: Path) -> None:
    world = World(tmp_path)
    successor: list[StorageLock] = []

    def take_over() -> None:
        os.rename(tmp_path / LOCK_NAME, tmp_path / "aside")
        successor.append(world.acquire(OTHER_HOST))

    lock = world.acquire(calls=HookedCalls(before={"rename_replacing": take_over}))
    lock.release()
    successor[0].verify()
    assert world.names() == [LOCK_NAME, f"{LOCK_NAME}.{successor[0].record.token}"]


def test_a_lock_taken_in_the_moment_of_breaking_the_dead_one_is_put_back(tmp_path: Path) -> None:
    world = World(tmp_path)
    dead = world.acquire(other_process())
    taken: list[StorageLock] = []

    def another_breaks_first() -> None:
        os.rename(tmp_path / LOCK_NAME, tmp_path / "aside")
        taken.append(world.acquire(OTHER_HOST))

    late = HookedCalls(before={"rename_replacing": another_breaks_first})
    with pytest.raises(errors.StorageLockedError, match="attic"):
        world.acquire(other_process(pid=5, start=None), calls=late)
    taken[0].verify()
    assert dead.record.token not in {lock.record.token for lock in taken}


def test_on_a_network_mount_a_claim_counts_only_after_a_wait(tmp_path: Path) -> None:
    """Another machine's claim, put over ours by a caching mount, is seen by the second look."""
    waited: list[float] = []

    def overwritten(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 1:
            details = {"token": "d" * 32, "host_id": "f" * 32, "hostname": "attic", "boot_id": "b", "pid": 3}
            (tmp_path / LOCK_NAME).unlink()
            (tmp_path / LOCK_NAME).write_text(json.dumps(details))

    with pytest.raises(errors.StorageLockedError, match="attic"):
        acquire_lock(
            World(tmp_path).files(), purpose="x", clock=FixedClock(), host=HERE, wait_seconds=3, sleep=overwritten
        )
    assert waited == [3]
    assert World(tmp_path).names() == [LOCK_NAME], "our token file was left"


def test_killed_before_any_call_a_lock_never_blocks_the_next(tmp_path: Path) -> None:
    for make_calls in DRIVERS:
        at = 0
        for at in itertools.count(1):
            world = World(tmp_path / f"{make_calls.__name__}{at}", make_calls)
            world.folder.mkdir()
            world.acquire(other_process())  # a stale one to break on the way
            calls = CrashingCalls(at, is_torn=True, inner=make_calls())
            dying = other_process(pid=4_000_001, start=None)
            with suppress(SimulatedCrash):
                world.acquire(dying, calls=calls).release()
            next_one = world.acquire(other_process(pid=4_000_002, start=None))
            next_one.verify()
            next_one.release()
            stray = [name for name in world.names() if (world.folder / name).stat().st_size > 0]
            assert len(stray) <= (1 if calls.has_crashed else 0), stray
            assert LOCK_NAME not in world.names()
            if not calls.has_crashed:
                break
        assert at > 10


@pytest.mark.parametrize("number", [errno.EROFS, errno.ENOSPC, errno.EIO])
def test_an_error_while_taking_the_lock_leaves_none(world: World, number: int) -> None:
    kinds = {
        errno.EROFS: errors.StorageReadOnlyError,
        errno.ENOSPC: errors.OutOfSpaceError,
        errno.EIO: errors.StorageIoError,
    }
    for at in itertools.count(1):
        calls = FailingCalls(at, number, inner=world.make_calls())
        try:
            world.acquire(calls=calls).release()
        except errors.StorageError as error:
            assert type(error) is kinds[number]
        world.acquire().release()
        if calls.failed is None:
            break


def test_of_many_threads_one_holds_the_lock_at_a_time(world: World) -> None:
    holding: list[int] = []
    most: list[int] = []
    taken: list[int] = []
    start = threading.Barrier(6)

    def run(number: int) -> None:
        start.wait()
        for _ in range(30):
            try:
                lock = world.acquire(sleep=lambda seconds: time.sleep(seconds / 10))
            except errors.StorageLockedError:
                continue
            holding.append(number)
            most.append(len(holding))
            lock.verify()
            holding.remove(number)
            taken.append(number)
            lock.release()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert taken
    assert max(most) == 1
    assert world.names() == []


def test_an_illegible_lock_that_keeps_changing_belongs_to_someone(tmp_path: Path) -> None:
    path = tmp_path / LOCK_NAME
    path.write_bytes(b"")
    ticks = itertools.count(1)

    def another_is_made(_: float) -> None:
        path.unlink()
        path.write_bytes(b"")
        os.utime(path, ns=(0, next(ticks)))

    with pytest.raises(errors.StorageLockedError, match="Several processes"):
        World(tmp_path).acquire(sleep=another_is_made)
    assert World(tmp_path).broken() == []
    assert World(tmp_path).names() == [LOCK_NAME]


@pytest.mark.parametrize("content", [b"", b'{\n "token": "'], ids=["empty", "half written"])
def test_a_token_file_that_a_killed_process_had_not_filled_is_set_aside_by_the_next_holder(
    world: World, content: bytes
) -> None:
    left = world.folder / f"{LOCK_NAME}.{'e' * 32}"
    left.write_bytes(content)
    waited: list[float] = []
    lock = world.acquire(sleep=waited.append)
    assert not left.exists()
    [kept] = world.broken()
    assert kept.endswith(f"{'e' * 32}.left")
    assert waited == [1.0]
    lock.release()
    assert world.names() == []


def test_a_token_file_that_another_is_just_filling_is_left_to_it(world: World) -> None:
    being_made = world.folder / f"{LOCK_NAME}.{'e' * 32}"
    being_made.write_bytes(b"")
    details = {"token": "e" * 32, "host_id": "f" * 32, "hostname": "attic", "boot_id": "b", "pid": 3}

    def fill(_: float) -> None:
        being_made.write_text(json.dumps(details))

    with suppress(errors.StorageLockedError):
        world.acquire(sleep=fill)
    assert being_made.exists()
    assert world.broken() == []


def test_a_file_of_the_users_that_is_only_named_like_a_lock_stays(world: World) -> None:
    own = world.folder / f"{LOCK_NAME}.notes.txt"
    own.write_text("why the disk was locked")
    world.acquire().release()
    assert own.read_text() == "why the disk was locked"


def test_killed_before_any_call_of_taking_it_nothing_of_a_lock_is_left_after_the_next_holder(tmp_path: Path) -> None:
    for make in DRIVERS:
        points = 0
        for at in itertools.count(1):
            folder = tmp_path / f"{make.__name__} {at}"
            folder.mkdir()
            world = World(folder, make)
            calls = CrashingCalls(at, is_torn=at % 2 == 0, inner=make())
            with suppress(SimulatedCrash):
                world.acquire(other_process(pid=5, start=77), calls=calls).release()
            if not calls.has_crashed:
                break
            world.acquire(other_process(pid=6, start=None)).release()
            assert world.names() == [], f"{make.__name__}, killed before call {at}"
            points += 1
        assert points > 3
