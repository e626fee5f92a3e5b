"""The primitives of the writing seam keep their promises under every crash and error that can be injected."""

from __future__ import annotations

import errno
import itertools
import os
import stat
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from imalink import errors
from imalink.durable_files import (
    AppendFile,
    FileCalls,
    OtherDeviceError,
    PlacedBy,
    append_durably,
    place_without_overwrite,
    read_capped,
    replace_durably,
    storage_error,
    sync_directory,
    write_all,
)
from imalink.storage.syscalls import SystemCalls
from tests.support.faults import (
    MUTATING,
    Call,
    CountingCalls,
    CrashingCalls,
    FailingCalls,
    HookedCalls,
    InterposedCalls,
    LimitedCalls,
    OrderCheckingCalls,
    ShortWriteCalls,
    SimulatedCrash,
)

OLD, NEW = b"old content\n" * 50, b"new and longer content\n" * 80
STORAGE_SIDE_ERRNOS = (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES, errno.ESTALE, errno.EDQUOT)
EXPECTED = {
    errno.ENOSPC: errors.OutOfSpaceError,
    errno.EDQUOT: errors.OutOfSpaceError,
    errno.EIO: errors.StorageIoError,
    errno.EROFS: errors.StorageReadOnlyError,
    errno.EACCES: errors.StorageReadOnlyError,
    errno.ESTALE: errors.StorageOfflineError,
}


@contextmanager
def opened(*folders: Path) -> Generator[list[int]]:
    descriptors = [os.open(folder, os.O_RDONLY | os.O_DIRECTORY) for folder in folders]
    try:
        yield descriptors
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def replace(calls: FileCalls, folder: Path, data: bytes = NEW) -> None:
    with opened(folder / "staging", folder) as (staging, directory):
        replace_durably(calls, staging=staging, directory=directory, name="index.json", data=data)


def place(
    calls: FileCalls, folder: Path, *, is_own_claim: bool = False, note: Callable[[], None] | None = None
) -> PlacedBy:
    with opened(folder / "staging", folder / "photos") as (staging, photos):
        return place_without_overwrite(
            calls,
            from_directory=staging,
            from_name="1.part",
            to_directory=photos,
            to_name="a.jpg",
            is_own_claim=is_own_claim,
            before_claim=note,
        )


def append(calls: FileCalls, folder: Path, data: bytes, valid_bytes: int | None = None) -> int:
    with opened(folder) as (directory,):
        return append_durably(calls, directory, "j.jsonl", data, valid_bytes=valid_bytes)


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[], Path]:
    """Give a new folder, each time, with an old index, a staged file and a folder for photos."""
    numbers = itertools.count()

    def make() -> Path:
        folder = tmp_path / str(next(numbers))
        (folder / "staging").mkdir(parents=True)
        (folder / "photos").mkdir()
        (folder / "index.json").write_bytes(OLD)
        (folder / "staging" / "1.part").write_bytes(NEW)
        return folder

    return make


# --- replacing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_torn", [False, True])
def test_killed_before_any_call_a_replaced_file_is_old_or_new(fresh: Callable[[], Path], is_torn: bool) -> None:
    seen: set[bytes] = set()
    at = 0
    for at in itertools.count(1):
        folder, calls = fresh(), CrashingCalls(at, is_torn=is_torn)
        with suppress(SimulatedCrash):
            replace(calls, folder)
        content = (folder / "index.json").read_bytes()
        assert content in (OLD, NEW)
        seen.add(content)
        assert sorted(os.listdir(folder)) == ["index.json", "photos", "staging"], "a temporary name outside staging"
        if not calls.has_crashed:
            break
    assert at > 6
    assert seen == {OLD, NEW}


def test_a_replaced_file_is_new_and_flushed_when_the_call_returns(fresh: Callable[[], Path]) -> None:
    folder, calls = fresh(), OrderCheckingCalls()
    replace(calls, folder)
    assert (folder / "index.json").read_bytes() == NEW
    assert calls.moves_count == 1
    assert calls.unsynced_folders == []
    assert os.listdir(folder / "staging") == ["1.part"]


@pytest.mark.parametrize("number", STORAGE_SIDE_ERRNOS)
@pytest.mark.parametrize("is_forever", [False, True])
def test_an_error_at_any_call_of_a_replacement_names_its_cause_and_leaves_old_or_new(
    fresh: Callable[[], Path], number: int, is_forever: bool
) -> None:
    at = 0
    for at in itertools.count(1):
        folder = fresh()
        calls = FailingCalls(at, number, is_forever=is_forever)
        try:
            replace(calls, folder)
        except errors.StorageError as error:
            assert type(error) is EXPECTED[number]
            assert isinstance(error.__cause__, OSError)
            assert str(folder) not in error.message
            assert error.hint
        else:
            assert calls.failed is None, "an error was swallowed"
        content = (folder / "index.json").read_bytes()
        assert content in (OLD, NEW)
        if not is_forever:
            assert os.listdir(folder / "staging") == ["1.part"], "a temporary file was left"
        if calls.failed is None:
            break
    assert at > 6


def test_a_failed_flush_is_never_tried_again(fresh: Callable[[], Path]) -> None:
    folder = fresh()
    calls = FailingCalls(1, errno.EIO, among=frozenset({"fsync"}), inner=(counting := CountingCalls()))
    with pytest.raises(errors.StorageIoError):
        replace(calls, folder)
    assert counting.counts["fsync"] == 0, "the copy whose flush failed must not be flushed again"
    assert counting.counts["rename_replacing"] == 0
    assert (folder / "index.json").read_bytes() == OLD
    assert os.listdir(folder / "staging") == ["1.part"]


def test_a_replaced_file_keeps_its_permissions_and_a_new_one_takes_the_users(fresh: Callable[[], Path]) -> None:
    folder = fresh()
    (folder / "index.json").chmod(0o640)
    replace(SystemCalls(), folder)
    assert stat.S_IMODE((folder / "index.json").stat().st_mode) == 0o640
    (folder / "index.json").unlink()
    old_mask = os.umask(0o027)
    try:
        replace(SystemCalls(), folder)
    finally:
        os.umask(old_mask)
    assert stat.S_IMODE((folder / "index.json").stat().st_mode) == 0o640


def test_a_file_system_without_permissions_does_not_stop_a_replacement(fresh: Callable[[], Path]) -> None:
    folder = fresh()
    replace(FailingCalls(1, errno.EPERM, among=frozenset({"set_mode"})), folder)
    assert (folder / "index.json").read_bytes() == NEW


def test_a_link_at_the_name_is_replaced_and_not_written_through(fresh: Callable[[], Path], tmp_path: Path) -> None:
    folder = fresh()
    outside = tmp_path / "outside"
    outside.write_bytes(OLD)
    (folder / "index.json").unlink()
    (folder / "index.json").symlink_to(outside)
    replace(SystemCalls(), folder)
    assert outside.read_bytes() == OLD
    assert not (folder / "index.json").is_symlink()
    assert (folder / "index.json").read_bytes() == NEW


def test_a_folder_at_the_name_is_refused(fresh: Callable[[], Path]) -> None:
    folder = fresh()
    (folder / "index.json").unlink()
    (folder / "index.json").mkdir()
    with pytest.raises(errors.UnsafePathError):
        replace(SystemCalls(), folder)
    assert os.listdir(folder / "staging") == ["1.part"]


# --- writing and appending -------------------------------------------------------------------------------------------


def test_short_writes_lose_nothing(fresh: Callable[[], Path]) -> None:
    folder = fresh()
    replace(ShortWriteCalls(7), folder)
    assert (folder / "index.json").read_bytes() == NEW


def test_a_device_that_takes_nothing_is_an_error_and_not_an_endless_loop(fresh: Callable[[], Path]) -> None:
    folder = fresh()
    with pytest.raises(errors.StorageIoError):
        replace(ShortWriteCalls(0), folder)
    assert (folder / "index.json").read_bytes() == OLD


def test_a_device_that_claims_to_have_taken_more_than_it_got_is_not_believed(tmp_path: Path) -> None:
    class Boasting(InterposedCalls):
        def write(self, descriptor: int, data: memoryview) -> int:
            return super().write(descriptor, data) + 1

    with pytest.raises(errors.StorageIoError), (tmp_path / "x").open("wb") as file:
        write_all(Boasting(), file.fileno(), b"abc")


@pytest.mark.parametrize("is_torn", [False, True])
def test_killed_before_any_call_an_append_leaves_the_old_lines_whole(fresh: Callable[[], Path], is_torn: bool) -> None:
    at = 0
    for at in itertools.count(1):
        folder, calls = fresh(), CrashingCalls(at, is_torn=is_torn)
        (folder / "j.jsonl").write_bytes(b"one\n")
        with suppress(SimulatedCrash):
            append(calls, folder, b"second line\n", valid_bytes=4)
        content = (folder / "j.jsonl").read_bytes()
        assert b"one\nsecond line\n".startswith(content)
        assert content.startswith(b"one\n")
        # And the next one, who reads "one" or both, is not glued to a torn half.
        valid = 16 if content.endswith(b"line\n") else 4
        assert append(SystemCalls(), folder, b"third\n", valid_bytes=valid) == valid + 6
        assert (folder / "j.jsonl").read_bytes() in (b"one\nthird\n", b"one\nsecond line\nthird\n")
        if not calls.has_crashed:
            break
    assert at > 2


@pytest.mark.parametrize("number", STORAGE_SIDE_ERRNOS)
def test_an_append_that_failed_is_cut_back(fresh: Callable[[], Path], number: int) -> None:
    class HalfThenFull(ShortWriteCalls):
        """Takes three bytes and then nothing more."""

        def write(self, descriptor: int, data: memoryview) -> int:
            if len(data) < 12:
                raise OSError(number, os.strerror(number))
            return super().write(descriptor, data)

    folder = fresh()
    (folder / "j.jsonl").write_bytes(b"one\n")
    with pytest.raises(EXPECTED[number]):
        append(HalfThenFull(3), folder, b"second line\n")
    assert (folder / "j.jsonl").read_bytes() == b"one\n"


def test_a_new_file_of_lines_is_durable_with_its_name(fresh: Callable[[], Path]) -> None:
    folder, counting = fresh(), CountingCalls()
    assert append(counting, folder, b"one\n") == 4
    assert counting.counts["fsync"] == 2
    assert append(counting, folder, b"two\n") == 8
    assert counting.counts["fsync"] == 3
    assert counting.open_count == 0


def test_a_file_of_lines_that_lost_bytes_is_not_appended_to(fresh: Callable[[], Path]) -> None:
    folder = fresh()
    (folder / "j.jsonl").write_bytes(b"one\n")
    with pytest.raises(errors.IndexDamagedError):
        append(SystemCalls(), folder, b"two\n", valid_bytes=8)
    assert (folder / "j.jsonl").read_bytes() == b"one\n"


def test_after_an_error_nothing_more_is_appended(fresh: Callable[[], Path]) -> None:
    folder = fresh()
    calls = FailingCalls(2, errno.EIO, among=frozenset({"fsync"}), inner=(counting := CountingCalls()))
    with opened(folder) as (directory,), AppendFile(calls, directory, "j.jsonl") as file:
        file.append(b"one\n")
        with pytest.raises(errors.StorageIoError):
            file.sync()
        flushes = counting.counts["fsync"]
        with pytest.raises(errors.StorageIoError):
            file.sync()
        with pytest.raises(errors.StorageIoError):
            file.append(b"two\n")
        assert counting.counts["fsync"] == flushes
    assert counting.open_count == 0


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.EROFS, errors.StorageReadOnlyError), (errno.ENOSPC, errors.OutOfSpaceError)]
)
@pytest.mark.parametrize("failing", ["write", "fsync"])
def test_whoever_appends_after_an_error_is_told_the_first_one_again(
    fresh: Callable[[], Path], failing: str, number: int, kind: type[errors.ImalinkError]
) -> None:
    folder = fresh()
    (folder / "j.jsonl").write_bytes(b"one\n")
    calls = FailingCalls(1, number, among=frozenset({failing}))
    with opened(folder) as (directory,), AppendFile(calls, directory, "j.jsonl") as file:
        with pytest.raises(kind) as first:
            file.append(b"two\n")
            file.sync()
        for again in (file.sync, lambda: file.append(b"three\n")):
            with pytest.raises(kind) as caught:
                again()
            assert (caught.value.message, caught.value.hint) == (first.value.message, first.value.hint)
        assert os.strerror(number) in first.value.message


@pytest.mark.parametrize("kind", ["link", "fifo"])
def test_a_link_or_pipe_is_not_appended_to(fresh: Callable[[], Path], kind: str) -> None:
    folder = fresh()
    if kind == "link":
        (folder / "j.jsonl").symlink_to(folder / "index.json")
    else:
        os.mkfifo(folder / "j.jsonl")
    with pytest.raises(errors.UnsafePathError):
        append(SystemCalls(), folder, b"x\n")
    assert (folder / "index.json").read_bytes() == OLD


# --- placing ---------------------------------------------------------------------------------------------------------

WAYS: dict[PlacedBy, Callable[[], FileCalls]] = {
    PlacedBy.RENAME: SystemCalls,
    PlacedBy.LINK: lambda: LimitedCalls(has_links=True),
    PlacedBy.CLAIM: lambda: LimitedCalls(noreplace=errno.ENOSYS),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_staged_file_gets_its_name_whatever_the_file_system_can_do(fresh: Callable[[], Path], way: PlacedBy) -> None:
    folder = fresh()
    noted: list[str] = []
    assert place(WAYS[way](), folder, note=lambda: noted.append("claim")) is way
    assert (folder / "photos" / "a.jpg").read_bytes() == NEW
    assert os.listdir(folder / "staging") == []
    assert noted == (["claim"] if way is PlacedBy.CLAIM else [])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("taken_by", ["file", "empty file", "link", "dangling link", "folder"])
def test_nothing_is_ever_overwritten(fresh: Callable[[], Path], way: PlacedBy, taken_by: str) -> None:
    folder = fresh()
    final = folder / "photos" / "a.jpg"
    if taken_by == "folder":
        final.mkdir()
    elif "link" in taken_by:
        final.symlink_to(folder / ("index.json" if taken_by == "link" else "nowhere"))
    else:
        final.write_bytes(OLD if taken_by == "file" else b"")
    before = final.lstat()
    with pytest.raises(errors.NameTakenError):
        place(WAYS[way](), folder)
    assert (final.lstat().st_ino, final.lstat().st_size) == (before.st_ino, before.st_size)
    assert (folder / "staging" / "1.part").read_bytes() == NEW
    assert (folder / "index.json").read_bytes() == OLD


@pytest.mark.parametrize("way", WAYS)
def test_killed_before_any_call_a_placement_is_done_or_can_be_done_again(
    fresh: Callable[[], Path], way: PlacedBy
) -> None:
    at = 0
    for at in itertools.count(1):
        folder, calls = fresh(), CrashingCalls(at, inner=WAYS[way]())
        noted: list[str] = []
        with suppress(SimulatedCrash):
            place(calls, folder, note=partial(noted.append, "claim"))
        staged, final = folder / "staging" / "1.part", folder / "photos" / "a.jpg"
        copies = [path.read_bytes() for path in (staged, final) if path.exists()]
        assert NEW in copies
        assert all(copy == NEW or (copy == b"" and noted) for copy in copies), "half a file, or a claim nobody noted"
        if staged.exists():  # what recovery does
            place(WAYS[way](), folder, is_own_claim=bool(noted))
        assert final.read_bytes() == NEW
        assert not staged.exists()
        if not calls.has_crashed:
            break
    assert at > 1


def test_a_placement_by_links_that_cannot_take_the_staged_name_away_takes_the_new_one_back(
    fresh: Callable[[], Path],
) -> None:
    folder = fresh()
    calls = FailingCalls(1, errno.EACCES, among=frozenset({"unlink"}), inner=WAYS[PlacedBy.LINK]())
    with pytest.raises(errors.StorageReadOnlyError):
        place(calls, folder)
    assert os.listdir(folder / "photos") == []
    assert (folder / "staging" / "1.part").read_bytes() == NEW


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("number", STORAGE_SIDE_ERRNOS)
def test_an_error_at_any_call_of_a_placement_loses_nothing(
    fresh: Callable[[], Path], way: PlacedBy, number: int
) -> None:
    at = 0
    for at in itertools.count(1):
        folder = fresh()
        calls = FailingCalls(at, number, among=MUTATING - {"rename_noreplace"}, inner=WAYS[way]())
        try:
            place(calls, folder)
        except EXPECTED[number]:
            assert calls.failed is not None
        else:
            assert calls.failed is None, "an error was swallowed"
        staged, final = folder / "staging" / "1.part", folder / "photos" / "a.jpg"
        assert NEW in [path.read_bytes() for path in (staged, final) if path.exists()]
        assert not final.exists() or final.read_bytes() == NEW, "an empty claim was left"
        if calls.failed is None:
            break


@pytest.mark.parametrize("content", [OLD, b""])
def test_a_file_that_takes_the_name_at_the_last_moment_is_safe(fresh: Callable[[], Path], content: bytes) -> None:
    for way, moment in itertools.product(WAYS, ["rename_noreplace", "link", "create_exclusive", "stat"]):
        folder = fresh()
        final = folder / "photos" / "a.jpg"

        def user_saves(final: Path = final) -> None:
            aside = final.with_name("user.tmp")
            aside.write_bytes(content)
            aside.replace(final)

        calls = HookedCalls(before={moment: user_saves}, inner=WAYS[way]())
        try:
            place(calls, folder)
        except errors.NameTakenError:
            assert final.read_bytes() == content
            assert (folder / "staging" / "1.part").read_bytes() == NEW
        else:
            assert final.read_bytes() == NEW, "the moment never came on this way"
            assert (moment, way) in {
                ("link", PlacedBy.RENAME),
                ("create_exclusive", PlacedBy.RENAME),
                ("create_exclusive", PlacedBy.LINK),
                ("stat", PlacedBy.RENAME),
                ("stat", PlacedBy.LINK),
            }


@pytest.mark.parametrize("way", WAYS)
def test_of_many_who_place_at_once_each_gets_a_name_of_its_own_or_is_told(tmp_path: Path, way: PlacedBy) -> None:
    (tmp_path / "staging").mkdir()
    (tmp_path / "photos").mkdir()
    count, rounds = 8, 20
    placed: list[bytes] = []
    refused: list[int] = []
    start = threading.Barrier(count)

    def run(number: int) -> None:
        with opened(tmp_path / "staging", tmp_path / "photos") as (staging, photos):
            for turn in range(rounds):
                content = f"{number} {turn}".encode()
                (tmp_path / "staging" / f"{number}").write_bytes(content)
                start.wait()
                try:
                    place_without_overwrite(
                        WAYS[way](),
                        from_directory=staging,
                        from_name=str(number),
                        to_directory=photos,
                        to_name=f"{turn}",
                    )
                    placed.append(content)
                except errors.NameTakenError:
                    refused.append(turn)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(placed) == rounds
    assert len(refused) == rounds * (count - 1)
    assert sorted(path.read_bytes() for path in (tmp_path / "photos").iterdir()) == sorted(placed)


def test_a_link_made_before_a_crash_or_a_lost_answer_is_recognised(fresh: Callable[[], Path]) -> None:
    folder = fresh()
    os.link(folder / "staging" / "1.part", folder / "photos" / "a.jpg")
    assert place(LimitedCalls(has_links=True), folder) is PlacedBy.LINK
    assert (folder / "photos" / "a.jpg").read_bytes() == NEW
    assert not (folder / "staging" / "1.part").exists()


def test_a_claim_that_someone_filled_is_theirs(fresh: Callable[[], Path]) -> None:
    folder = fresh()
    (folder / "photos" / "a.jpg").write_bytes(OLD)
    with pytest.raises(errors.NameTakenError):
        place(LimitedCalls(), folder, is_own_claim=True)
    assert (folder / "photos" / "a.jpg").read_bytes() == OLD


def test_a_placement_into_another_file_system_is_told_apart(fresh: Callable[[], Path]) -> None:
    folder = fresh()
    with pytest.raises(OtherDeviceError):
        place(FailingCalls(1, errno.EXDEV, among=frozenset({"rename_noreplace"})), folder)
    assert (folder / "staging" / "1.part").read_bytes() == NEW


def test_unflushed_bytes_that_would_be_placed_fail_the_order_check(fresh: Callable[[], Path]) -> None:
    folder, calls = fresh(), OrderCheckingCalls()
    with opened(folder / "staging") as (staging,):
        descriptor = calls.create_exclusive(staging, "2.part", 0o600)
        write_all(calls, descriptor, NEW)
        calls.close(descriptor)
        with pytest.raises(AssertionError, match="not flushed"):
            calls.rename_noreplace(staging, "2.part", staging, "3.part")


# --- reading and errors ----------------------------------------------------------------------------------------------


def test_reading_stops_at_the_cap(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_bytes(b"x" * 100)
    with opened(tmp_path) as (directory,):
        assert read_capped(SystemCalls(), directory, "index.json", 100) == b"x" * 100
        with pytest.raises(errors.IndexDamagedError, match="more than 99 bytes"):
            read_capped(SystemCalls(), directory, "index.json", 99)


def test_a_file_of_a_terabyte_costs_nothing_to_refuse(tmp_path: Path) -> None:
    with (tmp_path / "index.json").open("wb") as file:
        file.truncate(1 << 40)
    counting = CountingCalls()
    with opened(tmp_path) as (directory,), pytest.raises(errors.IndexDamagedError):
        read_capped(counting, directory, "index.json", 64 * 1024)
    assert counting.counts["read"] == 0
    assert counting.open_count == 0


def test_a_file_that_grows_while_it_is_read_stays_below_the_cap(tmp_path: Path) -> None:
    path = tmp_path / "index.json"
    path.write_bytes(b"x" * 50)
    grow = HookedCalls(after={"fstat": lambda: None}, before={"read": lambda: path.write_bytes(b"y" * 5000)})
    with opened(tmp_path) as (directory,), pytest.raises(errors.IndexDamagedError):
        read_capped(grow, directory, "index.json", 100)


@pytest.mark.parametrize("kind", ["link", "folder", "fifo", "socket", "device"])
def test_only_a_regular_file_is_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "index.json"
    if kind == "link":
        (tmp_path / "other").write_bytes(OLD)
        path.symlink_to("other")
    elif kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "socket":
        os.mknod(path, stat.S_IFSOCK | 0o600)
    elif os.geteuid() == 0:
        os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))
    else:
        pytest.skip("needs root")
    counting = CountingCalls()
    with opened(tmp_path) as (directory,), pytest.raises(errors.UnsafePathError):
        read_capped(counting, directory, "index.json", 1000)
    assert counting.counts["read"] == 0
    assert counting.open_count == 0


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with opened(tmp_path) as (directory,), pytest.raises(errors.NotFoundError):
        read_capped(SystemCalls(), directory, "index.json", 1000)


def test_folders_that_cannot_be_flushed_are_taken_as_they_are(tmp_path: Path) -> None:
    with opened(tmp_path) as (directory,):
        sync_directory(FailingCalls(1, errno.EINVAL), directory)
        with pytest.raises(errors.StorageIoError):
            sync_directory(FailingCalls(1, errno.EIO), directory)


@pytest.mark.parametrize(
    ("number", "is_writing", "kind"),
    [
        (errno.ENOSPC, True, errors.OutOfSpaceError),
        (errno.EDQUOT, True, errors.OutOfSpaceError),
        (errno.EROFS, True, errors.StorageReadOnlyError),
        (errno.EACCES, True, errors.StorageReadOnlyError),
        (errno.EPERM, True, errors.StorageReadOnlyError),
        (errno.EACCES, False, errors.StorageIoError),
        (errno.EIO, False, errors.StorageIoError),
        (errno.ESTALE, False, errors.StorageOfflineError),
        (errno.ENODEV, False, errors.StorageOfflineError),
        (errno.ENXIO, True, errors.StorageOfflineError),
        (errno.ENOTCONN, True, errors.StorageOfflineError),
        (errno.ELOOP, False, errors.UnsafePathError),
        (errno.EEXIST, True, errors.NameTakenError),
        (errno.ENOENT, False, errors.NotFoundError),
        (errno.ENAMETOOLONG, True, errors.InvalidPathError),
        (errno.EXDEV, True, OtherDeviceError),
        (errno.EFBIG, True, errors.StorageError),
        (errno.EMFILE, False, errors.StorageError),
    ],
)
def test_every_errno_is_told_in_words(number: int, is_writing: bool, kind: type[errors.ImalinkError]) -> None:
    error = storage_error(OSError(number, "x"), "place", "photos/a.jpg", is_writing=is_writing)
    assert type(error) is kind
    assert "photos/a.jpg" in error.message
    assert errno.errorcode[number] in error.message


def test_the_drivers_count_what_they_pass_on(tmp_path: Path) -> None:
    counting = CountingCalls()
    with opened(tmp_path) as (directory,):
        counting.mkdir(directory, "a", 0o700)
    assert counting.mutations_count == 1
    assert counting.log[0] == Call("mkdir", (directory, "a"))
