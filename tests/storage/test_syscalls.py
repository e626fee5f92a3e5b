"""The real driver: flags that follow no link, and the renames that Python lacks."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from imalink.storage.syscalls import SystemCalls

CALLS = SystemCalls()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    descriptor = CALLS.open_root(str(tmp_path))
    yield descriptor
    CALLS.close(descriptor)


def test_a_rename_never_overwrites_even_names_that_are_not_utf8(folder: int, tmp_path: Path) -> None:
    source = os.fsdecode(b"\xff\n")
    (tmp_path / source).write_bytes(b"new")
    (tmp_path / "taken").write_bytes(b"old")
    with pytest.raises(OSError, match="File exists") as caught:
        CALLS.rename_noreplace(folder, source, folder, "taken")
    assert caught.value.errno == errno.EEXIST
    with pytest.raises(FileNotFoundError):
        CALLS.rename_noreplace(folder, "nowhere", folder, "x")
    CALLS.rename_noreplace(folder, source, folder, "free")
    assert (tmp_path / "taken").read_bytes() == b"old"
    assert (tmp_path / "free").read_bytes() == b"new"


def test_no_call_follows_a_link(folder: int, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "sub").mkdir()
    (tmp_path / "to-file").symlink_to("file")
    (tmp_path / "to-sub").symlink_to("sub")
    (tmp_path / "to-nothing").symlink_to("nothing")
    for call in (
        lambda: CALLS.open_read(folder, "to-file"),
        lambda: CALLS.open_append(folder, "to-file", 0o600),
        lambda: CALLS.open_append(folder, "to-nothing", 0o600),
        lambda: CALLS.create_exclusive(folder, "to-nothing", 0o600),
        lambda: CALLS.open_directory(folder, "to-sub"),
    ):
        with pytest.raises(OSError, match=r"symbolic|exists|Not a directory"):
            call()
    CALLS.link(folder, "to-file", folder, "second")
    assert (tmp_path / "second").is_symlink()
    assert CALLS.stat(folder, "to-file").st_ino == (tmp_path / "to-file").lstat().st_ino
    assert not (tmp_path / "nothing").exists()


def test_opening_a_pipe_does_not_wait_for_a_writer(folder: int, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    started = time.monotonic()
    CALLS.close(CALLS.open_read(folder, "pipe"))
    with pytest.raises(OSError, match="No such device"):
        CALLS.open_append(folder, "pipe", 0o600)
    assert time.monotonic() - started < 1


def test_descriptors_are_not_inherited(folder: int, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    for descriptor in (
        CALLS.open_directory(folder, "."),
        CALLS.open_read(folder, "file"),
        CALLS.open_append(folder, "file", 0o600),
        CALLS.create_exclusive(folder, "new", 0o600),
    ):
        assert not os.get_inheritable(descriptor)
        CALLS.close(descriptor)


def test_times_are_kept_to_the_nanosecond_and_the_cache_can_be_dropped(folder: int, tmp_path: Path) -> None:
    descriptor = CALLS.create_exclusive(folder, "new", 0o600)
    assert CALLS.write(descriptor, memoryview(b"abc")) == 3
    CALLS.set_times(descriptor, -1_000_000_001)
    CALLS.fsync(descriptor)
    CALLS.drop_cache(descriptor)
    assert CALLS.pread(descriptor, 10, 1) == b"bc"
    assert CALLS.fstat(descriptor).st_mtime_ns == -1_000_000_001
    CALLS.truncate(descriptor, 1)
    CALLS.close(descriptor)
    assert (tmp_path / "new").read_bytes() == b"a"
