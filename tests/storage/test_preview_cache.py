"""Previews on this machine: found to the byte, never spoilt, never too many, and no trouble of the disk comes out."""

from __future__ import annotations

import errno
import os
import shutil
import time
from pathlib import Path

import pytest

from imalink.core.ids import Hothash
from imalink.core.preview_key import PreviewKey, PreviewSize
from imalink.storage.preview_cache import TOUCH_SECONDS, PreviewCache
from imalink.storage.syscalls import SystemCalls

JPEG = b"\xff\xd8" + b"picture" * 100


def key_of(number: int, *, rendition: str = "0a0a0a0a", size: PreviewSize = PreviewSize.HOT) -> PreviewKey:
    return PreviewKey(hothash=Hothash(f"{number:064x}"), rendition=rendition, size=size)


def kept_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "previews"


def test_what_is_kept_is_found_to_the_byte_and_only_as_what_it_is(folder: Path) -> None:
    cache = PreviewCache(folder, max_bytes=10_000)
    assert cache.find(key_of(1)) is None
    assert cache.keep(key_of(1), JPEG)
    assert PreviewCache(folder, max_bytes=10_000).find(key_of(1)) == JPEG
    assert cache.find(key_of(1, rendition="0b0b0b0b")) is None
    assert cache.find(key_of(1, size=PreviewSize.COLD)) is None


@pytest.mark.parametrize("spoilt", ["cut off", "one byte other", "empty"])
def test_a_spoilt_preview_is_none_and_is_removed(folder: Path, spoilt: str) -> None:
    cache = PreviewCache(folder, max_bytes=10_000)
    cache.keep(key_of(1), JPEG)
    [path] = kept_files(folder)
    data = path.read_bytes()
    path.write_bytes({"cut off": data[:-1], "one byte other": data[:200] + b"X" + data[201:], "empty": b""}[spoilt])
    assert cache.find(key_of(1)) is None
    assert not path.exists()


def test_a_preview_under_the_name_of_another_is_none(folder: Path) -> None:
    cache = PreviewCache(folder, max_bytes=10_000)
    cache.keep(key_of(1), JPEG)
    [path] = kept_files(folder)
    path.rename(path.with_name(f"{key_of(2).name}.jpg"))
    assert cache.find(key_of(2)) is None


def test_above_the_limit_those_asked_for_longest_ago_go(folder: Path) -> None:
    cache = PreviewCache(folder, max_bytes=10 * 1000)
    for number in range(10):
        assert cache.keep(key_of(number), JPEG)
        os.utime(folder / "00" / f"{key_of(number).name}.jpg", (number + 1, number + 1))
    cache.find(key_of(0))  # asked for just now, so it stays though it is the oldest
    for number in range(10, 14):
        cache.keep(key_of(number), JPEG)
    left = {number for number in range(14) if cache.find(key_of(number)) is not None}
    assert left >= {0, 10, 11, 12, 13}
    assert not left & {1, 2}
    assert sum(path.stat().st_size for path in kept_files(folder)) <= 10 * 1000


def test_a_look_marks_a_preview_as_asked_for_once_in_some_hours(folder: Path) -> None:
    cache = PreviewCache(folder, max_bytes=10_000)
    cache.keep(key_of(1), JPEG)
    [path] = kept_files(folder)
    for ago, is_marked in ((TOUCH_SECONDS + 60, True), (TOUCH_SECONDS - 600, False)):
        then = time.time() - ago
        os.utime(path, (then, then))
        cache.find(key_of(1))
        assert (path.stat().st_mtime > then + 60) is is_marked


def test_it_may_be_deleted_while_it_is_used(folder: Path) -> None:
    cache = PreviewCache(folder, max_bytes=10_000)
    cache.keep(key_of(1), JPEG)
    shutil.rmtree(folder)
    assert cache.find(key_of(1)) is None
    assert cache.keep(key_of(1), JPEG)
    assert cache.find(key_of(1)) == JPEG


def test_nothing_is_kept_where_that_is_not_wanted_or_is_no_jpeg(folder: Path) -> None:
    assert not PreviewCache(folder, max_bytes=0).keep(key_of(1), JPEG)
    assert not PreviewCache(folder, max_bytes=10_000).keep(key_of(1), b"GIF89a")
    assert not folder.exists()


class FailingCalls(SystemCalls):
    """A disk that refuses one kind of call."""

    def __init__(self, name: str, number: int) -> None:
        self.name, self.number = name, number

    def _refuse(self, name: str) -> None:
        if name == self.name:
            raise OSError(self.number, os.strerror(self.number))

    def write(self, descriptor: int, data: memoryview) -> int:
        self._refuse("write")
        return super().write(descriptor, data)

    def read(self, descriptor: int, count: int) -> bytes:
        self._refuse("read")
        return super().read(descriptor, count)

    def mkdir(self, directory: int, name: str, mode: int) -> None:
        self._refuse("mkdir")
        super().mkdir(directory, name, mode)

    def rename_replacing(self, from_directory: int, from_name: str, to_directory: int, to_name: str) -> None:
        self._refuse("rename")
        super().rename_replacing(from_directory, from_name, to_directory, to_name)


@pytest.mark.parametrize(
    ("name", "number"),
    [("write", errno.ENOSPC), ("rename", errno.EIO), ("mkdir", errno.EROFS), ("mkdir", errno.EACCES)],
)
def test_what_cannot_be_written_is_not_kept_and_leaves_nothing(folder: Path, name: str, number: int) -> None:
    cache = PreviewCache(folder, max_bytes=10_000, calls=FailingCalls(name, number))
    assert not cache.keep(key_of(1), JPEG)
    assert kept_files(folder) == []


def test_what_cannot_be_read_is_not_there(folder: Path) -> None:
    PreviewCache(folder, max_bytes=10_000).keep(key_of(1), JPEG)
    assert PreviewCache(folder, max_bytes=10_000, calls=FailingCalls("read", errno.EIO)).find(key_of(1)) is None


def test_what_was_never_finished_is_swept_after_an_hour(folder: Path) -> None:
    cache = PreviewCache(folder, max_bytes=10_000)
    cache.keep(key_of(1), JPEG)
    old, new = folder / "00" / ".new-old", folder / "00" / ".new-now"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))
    cache.tidy()
    assert (old.exists(), new.exists()) == (False, True)
