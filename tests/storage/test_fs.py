"""File operations of one storage: promises, refusals, and that no handle is left open."""

from __future__ import annotations

import errno
import itertools
import os
import stat
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from imalink import errors
from imalink.core.relative_path import RelativePath
from imalink.durable_files import FileCalls, PlacedBy
from imalink.storage.fs import StorageFiles
from imalink.storage.root import StorageRoot
from tests.support.faults import (
    CountingCalls,
    CrashingCalls,
    FailingCalls,
    HookedCalls,
    LimitedCalls,
    OrderCheckingCalls,
    SimulatedCrash,
)

PART = RelativePath(".imalink/staging/r1/1.part")
FINAL = RelativePath("photos/2024/July/a.jpg")
PHOTO = bytes(range(256)) * 40
MODIFIED_NS = 1_720_000_000_123_456_789


@contextmanager
def opened(folder: Path, calls: FileCalls | None = None) -> Generator[StorageFiles]:
    counting = CountingCalls(calls)
    with StorageRoot.open(folder, calls=counting) as root:
        yield StorageFiles(root)
    assert counting.open_count == 0, "a handle was left open"


@pytest.fixture
def files(tmp_path: Path) -> Iterator[StorageFiles]:
    with opened(tmp_path) as found:
        yield found


def import_one(files: StorageFiles) -> None:
    """Bring one photo in, in the order of durability.md, section 3."""
    files.make_directories(PART.parent or PART)
    with files.stage_new(PART) as staged:
        staged.write(PHOTO)
        staged.set_mode(0o644)
        staged.set_modified(MODIFIED_NS)
        staged.sync()
        staged.drop_cache()
        assert b"".join(staged.read_back(1000)) == PHOTO
    files.make_directories(FINAL.parent or FINAL)
    if files.exists(PART):
        files.place(PART, FINAL)
    files.sync_directory(FINAL.parent)
    files.sync_directory(PART.parent)
    files.append(RelativePath(".imalink/log.jsonl"), b"one line\n")
    files.replace(RelativePath("index.json"), b"{}")


def test_a_photo_comes_in_whole_with_its_time_and_everything_flushed(tmp_path: Path) -> None:
    order = OrderCheckingCalls()
    with opened(tmp_path, order) as files:
        import_one(files)
        facts = files.get_facts(FINAL)
    assert (tmp_path / FINAL).read_bytes() == PHOTO
    assert facts.modified_ns == MODIFIED_NS
    assert facts.size_bytes == len(PHOTO)
    assert facts.is_file
    assert not facts.is_directory
    assert not facts.is_symlink
    assert stat.S_IMODE(facts.mode) == 0o644
    assert order.moves_count == 2
    assert order.unsynced_folders == []


@pytest.mark.parametrize("inner", [None, lambda: LimitedCalls(has_links=True), LimitedCalls])
def test_killed_before_any_call_no_half_photo_stands_under_its_final_name(
    tmp_path: Path, inner: Callable[[], FileCalls] | None
) -> None:
    claims = 0
    at = 0
    for at in itertools.count(1):
        folder = tmp_path / str(at)
        folder.mkdir()
        calls = CrashingCalls(at, is_torn=True, inner=inner() if inner else None)
        with suppress(SimulatedCrash):
            with opened(folder, calls) as files:
                import_one(files)
        if (folder / FINAL).exists():
            content = (folder / FINAL).read_bytes()
            claims += content == b""
            assert content == PHOTO or (content == b"" and inner is LimitedCalls)
        if (folder / "index.json").exists():
            assert (folder / "index.json").read_bytes() == b"{}"
        stray = [name for name in os.listdir(folder) if name not in (".imalink", "photos", "index.json")]
        assert stray == []
        if not calls.has_crashed:
            break
    assert at > 25
    assert claims == (1 if inner is LimitedCalls else 0)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES, errno.ESTALE])
def test_an_error_at_any_call_stops_the_work_with_its_true_cause(tmp_path: Path, number: int) -> None:
    kinds = {
        errno.ENOSPC: errors.OutOfSpaceError,
        errno.EIO: errors.StorageIoError,
        errno.EROFS: errors.StorageReadOnlyError,
        errno.EACCES: errors.StorageReadOnlyError,
        errno.ESTALE: errors.StorageOfflineError,
    }
    at = 0
    for at in itertools.count(1):
        folder = tmp_path / str(at)
        folder.mkdir()
        calls = FailingCalls(at, number)
        with opened(folder, calls) as files:
            try:
                import_one(files)
            except errors.StorageError as error:
                assert type(error) is kinds[number]
                assert str(folder) not in error.message
            else:
                assert calls.failed is None, "an error was swallowed"
        assert not (folder / FINAL).exists() or (folder / FINAL).read_bytes() == PHOTO
        if calls.failed is None:
            break
    assert at > 25


def test_folders_are_made_outermost_first_and_each_is_flushed(tmp_path: Path) -> None:
    counting = CountingCalls()
    with opened(tmp_path, counting) as files:
        assert files.make_directories(RelativePath("a/b/c")) == ["a", "a/b", "a/b/c"]
        made = [call.name for call in counting.log if call.name in ("mkdir", "fsync")]
        assert made == ["mkdir", "fsync"] * 3
        assert files.make_directories(RelativePath("a/b/d")) == ["a/b/d"]
        assert files.make_directories(RelativePath("a/b/d")) == []


def test_a_folder_that_another_program_makes_at_the_same_moment_is_fine(tmp_path: Path) -> None:
    calls = HookedCalls(before={"mkdir": (tmp_path / "a").mkdir})
    with opened(tmp_path, calls) as files:
        assert files.make_directories(RelativePath("a/b")) == ["a/b"]


def test_a_file_where_a_folder_is_needed_is_left_alone(files: StorageFiles, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"mine")
    with pytest.raises(errors.NameTakenError, match="A file stands at a"):
        files.make_directories(RelativePath("a/b"))
    assert (tmp_path / "a").read_bytes() == b"mine"


def test_a_taken_name_is_named(files: StorageFiles, tmp_path: Path) -> None:
    import_one(files)
    with files.stage_new(PART) as staged:
        staged.write(b"other")
        staged.sync()
    with pytest.raises(errors.NameTakenError, match=str(FINAL)):
        files.place(PART, FINAL)
    assert (tmp_path / FINAL).read_bytes() == PHOTO
    with pytest.raises(errors.NameTakenError), files.stage_new(PART):
        pass


def test_a_staged_file_is_private_and_only_below_our_folder(files: StorageFiles, tmp_path: Path) -> None:
    files.make_directories(RelativePath(".imalink/staging"))
    with files.stage_new(RelativePath(".imalink/staging/x")) as staged:
        assert stat.S_IMODE(staged.facts().mode) == 0o600
    for elsewhere in ("x", ".imalink", "photos/x", ".imalink-storage", ".imalinkx/y"):
        with pytest.raises(errors.UnsafePathError), files.stage_new(RelativePath(elsewhere)):
            pass
        with pytest.raises(errors.UnsafePathError):
            files.remove_own(RelativePath(elsewhere))
        with pytest.raises(errors.UnsafePathError):
            files.place(RelativePath(elsewhere), RelativePath("z"))
    assert os.listdir(tmp_path) == [".imalink"]


def test_removing_our_own_takes_files_and_empty_folders_only(files: StorageFiles, tmp_path: Path) -> None:
    import_one(files)
    (tmp_path / ".imalink" / "staging" / "r1" / "2.part").write_bytes(b"x")
    (tmp_path / ".imalink" / "out").symlink_to(tmp_path / FINAL)
    with pytest.raises(errors.StorageError):
        files.remove_own(RelativePath(".imalink/staging/r1"))
    files.remove_own(RelativePath(".imalink/staging/r1/2.part"))
    files.remove_own(RelativePath(".imalink/staging/r1"))
    files.remove_own(RelativePath(".imalink/staging/r1"))
    files.remove_own(RelativePath(".imalink/nowhere/x"))
    files.remove_own(RelativePath(".imalink/out"))
    assert not (tmp_path / ".imalink" / "out").is_symlink()
    assert (tmp_path / FINAL).read_bytes() == PHOTO
    assert files.list_names(RelativePath(".imalink/staging")) == []


def test_a_move_never_overwrites(files: StorageFiles, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    (tmp_path / "b").write_bytes(b"b")
    with pytest.raises(errors.NameTakenError):
        files.move(RelativePath("a"), RelativePath("b"))
    assert files.move(RelativePath("a"), RelativePath("c")) is PlacedBy.RENAME
    assert (tmp_path / "b").read_bytes() == b"b"
    assert (tmp_path / "c").read_bytes() == b"a"
    with pytest.raises(errors.NotFoundError):
        files.move(RelativePath("a"), RelativePath("d"))


def test_what_is_not_there_is_found_as_none(files: StorageFiles) -> None:
    for path in (RelativePath("x"), RelativePath("x/y")):
        assert files.find_facts(path) is None
        assert files.find_bytes(path, 10) is None
        assert not files.exists(path)
        with pytest.raises(errors.NotFoundError):
            files.get_facts(path)
        with pytest.raises(errors.NotFoundError):
            files.read_bytes(path, 10)
        with pytest.raises(errors.NotFoundError):
            files.list_names(path)
        with pytest.raises(errors.NotFoundError), files.open_for_reading(path):
            pass


def test_reading_gives_the_bytes_or_the_reason(files: StorageFiles, tmp_path: Path) -> None:
    import_one(files)
    assert files.read_bytes(FINAL, len(PHOTO)) == PHOTO
    assert b"".join(files.iter_content(FINAL, 999)) == PHOTO
    with files.open_for_reading(FINAL) as descriptor:
        assert os.read(descriptor, 5) == PHOTO[:5]
    with pytest.raises(errors.IndexDamagedError) as caught:
        files.read_bytes(FINAL, 10)
    assert caught.value.file == FINAL
    (tmp_path / "link").symlink_to(FINAL)
    with pytest.raises(errors.UnsafePathError):
        files.read_bytes(RelativePath("link"), 10)
    facts = files.find_facts(RelativePath("link"))
    assert facts is not None
    assert facts.is_symlink
    with pytest.raises(errors.UnsafePathError):
        files.read_bytes(RelativePath("photos"), 10)


def test_a_read_error_is_told_as_one(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(PHOTO)
    with opened(tmp_path, FailingCalls(1, errno.EIO, among=frozenset({"pread", "read"}))) as files:
        with pytest.raises(errors.StorageIoError, match="read a"):
            list(files.iter_content(RelativePath("a")))
    with opened(tmp_path, FailingCalls(1, errno.EIO, among=frozenset({"read"}))) as files:
        with pytest.raises(errors.StorageIoError):
            files.read_bytes(RelativePath("a"), 1 << 20)


def test_names_that_are_not_utf8_are_written_and_read_byte_for_byte(files: StorageFiles, tmp_path: Path) -> None:
    path = RelativePath.from_bytes(b"photos/\xff\xe9.jpg")
    files.make_directories(RelativePath("photos"))
    files.replace(path, b"x")
    assert os.listdir(os.fsencode(tmp_path / "photos")) == [b"\xff\xe9.jpg"]
    assert files.list_names(RelativePath("photos")) == [path.name]
    assert files.read_bytes(path, 10) == b"x"


def test_a_group_of_lines_costs_one_flush(tmp_path: Path) -> None:
    counting = CountingCalls()
    path = RelativePath(".imalink/intent.jsonl")
    with opened(tmp_path, counting) as files:
        files.make_directories(RelativePath(".imalink"))
        before = counting.counts["fsync"]
        with files.open_appending(path) as lines:
            for number in range(50):
                lines.append(b"%d\n" % number)
            lines.sync()
        assert counting.counts["fsync"] - before == 2, "the new name, and the lines"
        assert len(files.read_bytes(path, 1000).splitlines()) == 50
        assert files.append(path, b"more\n", is_synced=False) == 145
        assert counting.counts["fsync"] - before == 2


def test_the_room_left_is_told(files: StorageFiles) -> None:
    space = files.space()
    assert 0 < files.free_bytes() <= space.total_bytes


def test_a_file_system_that_cannot_drop_its_cache_says_so(tmp_path: Path) -> None:
    for number, is_known in ((errno.EINVAL, True), (errno.EIO, False)):
        with opened(tmp_path, FailingCalls(1, number, among=frozenset({"drop_cache"}))) as files:
            files.make_directories(RelativePath(".imalink"))
            with files.stage_new(RelativePath(f".imalink/{number}")) as staged:
                if is_known:
                    assert staged.drop_cache() is False
                    assert staged.drop_cache() is True
                else:
                    with pytest.raises(errors.StorageIoError):
                        staged.drop_cache()
