"""A lock's heartbeat goes on while its holder lives, and an observer gives a holder up only when it stood still."""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from imalink import errors
from imalink.core.relative_path import RelativePath
from imalink.durable_files import FileCalls
from imalink.storage import lock as lock_module
from imalink.storage.fs import StorageFiles
from imalink.storage.host import Host, this_host
from imalink.storage.lock import StorageLock, acquire_lock
from imalink.storage.lock_files import LOCK_NAME, find_lock, set_aside
from imalink.storage.lock_record import (
    MAX_TTL_SECONDS,
    TTL_SECONDS,
    LockRecord,
    counter_offset,
    dump_counter,
    dump_lock,
    parse_lock,
)
from imalink.storage.lock_watch import Verdict, look_at_lock, watch_lock
from imalink.storage.root import StorageRoot
from tests.support.faults import CountingCalls, FailingCalls, LimitedCalls

HERE = this_host()
ATTIC = replace(HERE, host_id="a" * 32, hostname="attic", boot_id="attic's", pid=17)
BEAT = 0.02


class FixedClock:
    def now(self) -> datetime:
        return datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def files_in(folder: Path, calls: FileCalls | None = None) -> StorageFiles:
    return StorageFiles(StorageRoot.open(folder, calls=calls or CountingCalls()))


def take(files: StorageFiles, host: Host = ATTIC, *, beat: float = 3600, ttl: int = 120) -> StorageLock:
    return acquire_lock(
        files,
        purpose="import",
        clock=FixedClock(),
        host=host,
        wait_seconds=0,
        heartbeat_seconds=beat,
        ttl_seconds=ttl,
        sleep=lambda _: None,
    )


def until(is_so: Callable[[], bool]) -> None:
    for _ in range(500):
        if is_so():
            return
        time.sleep(BEAT)
    raise AssertionError("it did not come to that")


class FakeTime:
    """A monotonic clock that goes on only while its owner sleeps; ``meanwhile`` happens in each sleep."""

    def __init__(self, meanwhile: Callable[[float], object] = lambda _: None) -> None:
        self.now = 1000.0
        self.slept = 0.0
        self._meanwhile = meanwhile

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self._meanwhile(self.slept)
        self.now += seconds
        self.slept += seconds


# --- the heartbeat --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make_calls", [CountingCalls, LimitedCalls], ids=["links", "no links"])
def test_the_counter_goes_on_until_the_lock_is_given_back(tmp_path: Path, make_calls: Callable[[], FileCalls]) -> None:
    files = files_in(tmp_path, make_calls())
    lock = take(files, beat=BEAT)

    def counter() -> int:
        found = find_lock(files)
        assert found is not None
        assert replace(found, heartbeat=0) == replace(lock.record, heartbeat=0), "the heartbeat changed something else"
        return found.heartbeat

    seen = [counter()]
    until(lambda: counter() > seen[0] + 3)
    lock.verify()
    lock.release()
    assert [name for name in os.listdir(tmp_path) if name.startswith(LOCK_NAME)] == []


def test_a_broken_lock_s_owner_beats_into_the_broken_one_and_never_into_its_successor(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    lock = take(files, beat=BEAT)
    kept = set_aside(files, lock.record, FixedClock())
    assert kept is not None
    successor = take(files, HERE)
    before = (tmp_path / LOCK_NAME).read_bytes()
    broken = (tmp_path / kept).read_bytes()
    until(lambda: (tmp_path / kept).read_bytes() != broken)
    assert (tmp_path / LOCK_NAME).read_bytes() == before
    with pytest.raises(errors.StorageLockedError, match="lost"):
        lock.verify()
    successor.verify()
    lock.release()
    successor.release()


def test_a_beat_that_fails_stops_nothing_and_the_next_one_counts(tmp_path: Path) -> None:
    calls = FailingCalls(1, errno.EIO, among=frozenset({"write_at"}))
    files = files_in(tmp_path, calls)
    lock = take(files, beat=BEAT)
    until(lambda: (find_lock(files) or lock.record).heartbeat > 2)
    assert calls.failed is not None
    lock.verify()
    lock.release()


def test_a_device_that_does_not_answer_a_beat_does_not_keep_the_work_from_its_end(tmp_path: Path) -> None:
    class Stalled(CountingCalls):
        def write_at(self, descriptor: int, data: memoryview, offset: int) -> int:
            beating.append(1)
            until(lambda: has_ended[0])
            return super().write_at(descriptor, data, offset)

    beating: list[int] = []
    has_ended = [False]
    lock = take(files_in(tmp_path, Stalled()), beat=BEAT)
    until(lambda: bool(beating))
    started = time.monotonic()
    lock.release()
    assert time.monotonic() - started < 5
    has_ended[0] = True


def test_no_descriptor_is_left_by_a_lock_that_was_held_or_refused(tmp_path: Path) -> None:
    calls = CountingCalls()
    files = files_in(tmp_path, calls)
    before = calls.open_count
    lock = take(files)
    with pytest.raises(errors.StorageLockedError):
        take(files)
    lock.release()
    assert calls.open_count == before


def test_every_beat_is_written_over_the_one_before() -> None:
    record = LockRecord(token="b" * 32, hostname='x\n "heartbeat": 5', purpose='" "heartbeat": 7')
    data = dump_lock(record)
    at = counter_offset(data)
    for counter in (1, 9, 10, 99_999, 10**12 - 1):
        beaten = data[:at] + dump_counter(counter) + data[at + len(dump_counter(counter)) :]
        assert parse_lock(beaten) == replace(record, heartbeat=counter)
        assert json.loads(beaten)["heartbeat"] == counter


# --- the owner looks after its own lock -----------------------------------------------------------------------------


def test_the_owner_looks_at_its_lock_again_after_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = CountingCalls()
    lock = take(files_in(tmp_path, calls))
    calls.log.clear()
    for _ in range(1000):
        lock.check()
    assert len(calls.log) < 30, "it asked the disk each time"
    (tmp_path / LOCK_NAME).unlink()
    monkeypatch.setattr(lock_module, "FRESH_SECONDS", 0.0)
    with pytest.raises(errors.StorageLockedError, match="nothing more was written"):
        lock.check()


WRITES: dict[str, Callable[[StorageFiles], object]] = {
    "place": lambda files: files.place(RelativePath(".imalink/x"), RelativePath("final.jpg")),
    "move": lambda files: files.move(RelativePath("kept.jpg"), RelativePath("final.jpg")),
    "exchange": lambda files: files.exchange(RelativePath("kept.jpg"), RelativePath(".imalink/x")),
    "replace": lambda files: files.replace(RelativePath("kept.jpg"), b"new"),
    "append": lambda files: files.append(RelativePath("kept.jpg"), b"new"),
    "open for appending": lambda files: files.open_appending(RelativePath("kept.jpg")),
    "remove": lambda files: files.remove_own(RelativePath(".imalink/x")),
}


@pytest.mark.parametrize("write", WRITES)
def test_who_lost_the_lock_places_replaces_appends_and_removes_nothing(
    tmp_path: Path, write: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_module, "FRESH_SECONDS", 0.0)
    (tmp_path / ".imalink").mkdir()
    (tmp_path / ".imalink/x").write_bytes(b"staged")
    (tmp_path / "kept.jpg").write_bytes(b"old")
    files = files_in(tmp_path)
    lock = take(files)
    with files.guarded(lock):
        (tmp_path / LOCK_NAME).unlink()
        with pytest.raises(errors.StorageLockedError):
            WRITES[write](files)
    assert (tmp_path / ".imalink/x").read_bytes() == b"staged"
    assert (tmp_path / "kept.jpg").read_bytes() == b"old"
    assert not (tmp_path / "final.jpg").exists()


# --- the observer ---------------------------------------------------------------------------------------------------


def test_a_holder_whose_counter_stands_still_for_its_time_is_silent(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    take(files, ttl=120)
    fake = FakeTime()
    look = watch_lock(files, HERE, monotonic=fake.monotonic, sleep=fake.sleep)
    assert (look.verdict, fake.slept) == (Verdict.SILENT, pytest.approx(120))


def test_one_beat_in_the_last_moment_is_a_sign_of_life(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    lock = take(files, ttl=120)

    def beat(slept: float) -> None:
        if slept > 110:
            data = dump_lock(replace(lock.record, heartbeat=2))
            (tmp_path / LOCK_NAME).write_bytes(data)

    fake = FakeTime(beat)
    assert watch_lock(files, HERE, monotonic=fake.monotonic, sleep=fake.sleep).verdict is Verdict.ALIVE


@pytest.mark.parametrize("jump", [400 * 86400, 3600.0])
def test_an_observer_that_was_stopped_itself_does_not_count_that_time(tmp_path: Path, jump: float) -> None:
    """A whole machine is suspended and wakes: its clock has jumped, the holder has not had its time."""
    files = files_in(tmp_path)
    lock = take(files, ttl=120)

    def suspend_then_beat(slept: float) -> None:
        if 20 < slept < 26:
            fake.now += jump
        elif slept > 60:
            (tmp_path / LOCK_NAME).write_bytes(dump_lock(replace(lock.record, heartbeat=2)))

    fake = FakeTime(suspend_then_beat)
    assert watch_lock(files, HERE, monotonic=fake.monotonic, sleep=fake.sleep).verdict is Verdict.ALIVE


def test_a_lock_given_back_while_it_is_watched_is_free(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    lock = take(files)
    fake = FakeTime(lambda slept: lock.release() if slept > 30 else None)
    assert watch_lock(files, HERE, monotonic=fake.monotonic, sleep=fake.sleep).verdict is Verdict.FREE


def test_a_lock_taken_by_another_while_it_is_watched_is_alive(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    lock = take(files)
    ticks = count()

    def change_hands(slept: float) -> None:
        if slept > 30 and next(ticks) == 0:
            lock.release()
            take(files, replace(ATTIC, hostname="cellar"))

    fake = FakeTime(change_hands)
    look = watch_lock(files, HERE, monotonic=fake.monotonic, sleep=fake.sleep)
    assert look.verdict is Verdict.ALIVE
    assert look.record is not None
    assert look.record.hostname == "cellar"


@pytest.mark.parametrize(
    ("told", "silence"),
    [
        (0, TTL_SECONDS),
        (-5, TTL_SECONDS),
        (10**30, MAX_TTL_SECONDS),
        (2, 2),
        ("never", TTL_SECONDS),
        (None, TTL_SECONDS),
    ],
)
def test_a_lock_cannot_ask_to_be_waited_for_for_ever(told: object, silence: int) -> None:
    data = json.dumps({"token": "c" * 32, "host_id": "x", "ttl_s": told}).encode()
    assert parse_lock(data).silence_seconds == silence


def test_one_look_tells_free_dead_illegible_and_held(tmp_path: Path) -> None:
    files = files_in(tmp_path)
    assert look_at_lock(files, HERE).verdict is Verdict.FREE
    (tmp_path / LOCK_NAME).write_bytes(b"x")
    assert look_at_lock(files, HERE).verdict is Verdict.ILLEGIBLE
    (tmp_path / LOCK_NAME).unlink()
    lock = take(files)
    assert look_at_lock(files, HERE).verdict is Verdict.HELD
    lock.release()
    take(files, replace(HERE, boot_id="before", pid=5))
    assert look_at_lock(files, HERE).verdict is Verdict.DEAD
