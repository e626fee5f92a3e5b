"""The real driver of the writing seam: ``os``, and through ctypes the calls that Python lacks."""

# ruff: noqa: D102 - FileCalls says what each method promises

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import cache

from imalink.durable_files import SpaceFacts

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_BENEATH = os.O_NOFOLLOW | os.O_CLOEXEC
_RENAME_NOREPLACE = 1  # Linux, <linux/fs.h>
_RENAME_EXCHANGE = 2  # Linux
_RENAME_EXCL = 4  # macOS, <sys/stdio.h>
_RENAME_SWAP = 2  # macOS
_F_FULLFSYNC = 51  # macOS: fsync alone leaves the bytes in the drive's cache

_OPENAT2 = 437  # Linux 5.6, of all machines but Alpha
_RESOLVE = 0x02 | 0x04 | 0x08  # NO_MAGICLINKS, NO_SYMLINKS, BENEATH; not NO_XDEV: a user may mount a disk in a storage
_HOW = struct.pack("=QQQ", _DIRECTORY, 0, _RESOLVE)  # struct open_how: flags, mode, resolve
_AT_WORKING_DIRECTORY = -100
_NOT_KNOWN = (errno.ENOSYS, errno.EPERM, errno.EINVAL, errno.E2BIG)
"""What kernels before ``openat2`` answer, the filters of some containers, and kernels that give it other arguments."""

_IS_MACOS = sys.platform == "darwin"
_Rename = Callable[[int, bytes, int, bytes, int], int]
_Open = Callable[[int, int, bytes, bytes, int], int]


@cache
def _find_flagged_rename() -> _Rename | None:
    """Give the C library's rename that takes flags; None where there is none."""
    library = ctypes.CDLL(None, use_errno=True)
    function = getattr(library, "renameatx_np" if _IS_MACOS else "renameat2", None)
    if function is None:
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    function.restype = ctypes.c_int
    return function


@cache
def _find_open_beneath() -> _Open | None:
    """Give the C library's way to any call, for ``openat2``; None where the kernel does not know or allow that."""
    if sys.platform != "linux" or platform.machine() == "alpha":
        return None
    function = getattr(ctypes.CDLL(None, use_errno=True), "syscall", None)
    if function is None:
        return None
    function.argtypes = (ctypes.c_long, ctypes.c_int, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t)
    function.restype = ctypes.c_long
    descriptor = function(_OPENAT2, _AT_WORKING_DIRECTORY, b".", _HOW, len(_HOW))
    if descriptor >= 0:
        os.close(descriptor)
        return function
    return None if ctypes.get_errno() in _NOT_KNOWN else function


def opens_beneath() -> bool:
    """Tell whether the kernel itself keeps what is opened in a storage below its root (Linux 5.6, ``openat2``).

    Elsewhere, and in containers that do not let that call through, folders are opened part by part.
    """
    return _find_open_beneath() is not None


class SystemCalls:
    """FileCalls by the operating system itself; without state, so one may serve all threads."""

    def open_root(self, path: str) -> int:
        return os.open(path, _DIRECTORY)

    def open_directory(self, directory: int, name: str) -> int:
        return os.open(name, _DIRECTORY | _BENEATH, dir_fd=directory)

    def open_beneath(self, directory: int, path: str) -> int:
        function = _find_open_beneath()
        if function is None:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), path)
        raw = os.fsencode(path)
        while (descriptor := function(_OPENAT2, directory, raw, _HOW, len(_HOW))) < 0:
            number = ctypes.get_errno()
            if number not in (errno.EINTR, errno.EAGAIN):  # EAGAIN: something was renamed while it looked
                raise OSError(number, os.strerror(number), path)
        return descriptor

    def open_read(self, directory: int, name: str) -> int:
        return os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | _BENEATH, dir_fd=directory)

    def create_exclusive(self, directory: int, name: str, mode: int) -> int:
        return os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | _BENEATH, mode, dir_fd=directory)

    def open_append(self, directory: int, name: str, mode: int) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_NOCTTY | _BENEATH
        return os.open(name, flags, mode, dir_fd=directory)

    def read(self, descriptor: int, count: int) -> bytes:
        return os.read(descriptor, count)

    def pread(self, descriptor: int, count: int, offset: int) -> bytes:
        return os.pread(descriptor, count, offset)

    def write(self, descriptor: int, data: memoryview) -> int:
        return os.write(descriptor, data)

    def write_at(self, descriptor: int, data: memoryview, offset: int) -> int:
        return os.pwrite(descriptor, data, offset)

    def truncate(self, descriptor: int, size_bytes: int) -> None:
        os.ftruncate(descriptor, size_bytes)

    def set_times(self, descriptor: int, modified_ns: int) -> None:
        os.utime(descriptor, ns=(modified_ns, modified_ns))

    def set_mode(self, descriptor: int, mode: int) -> None:
        os.fchmod(descriptor, mode)

    def fsync(self, descriptor: int) -> None:
        if sys.platform == "darwin":
            import fcntl

            try:
                fcntl.fcntl(descriptor, _F_FULLFSYNC)
            except OSError as error:
                if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOTTY):
                    raise  # a flush that failed; only "not known here" may fall back
            else:
                return
        os.fsync(descriptor)

    def drop_cache(self, descriptor: int) -> None:
        if sys.platform == "linux":
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        elif sys.platform == "darwin":
            import fcntl

            fcntl.fcntl(descriptor, 48, 1)  # F_NOCACHE

    def fstat(self, descriptor: int) -> os.stat_result:
        return os.fstat(descriptor)

    def stat(self, directory: int, name: str) -> os.stat_result:
        return os.stat(name, dir_fd=directory, follow_symlinks=False)

    def scan(self, directory: int) -> AbstractContextManager[Iterator[os.DirEntry[str]]]:
        return os.scandir(directory)

    def mkdir(self, directory: int, name: str, mode: int) -> None:
        os.mkdir(name, mode, dir_fd=directory)

    def rename_noreplace(self, from_directory: int, from_name: str, to_directory: int, to_name: str) -> None:
        flag = _RENAME_EXCL if _IS_MACOS else _RENAME_NOREPLACE
        _rename_flagged(from_directory, from_name, to_directory, to_name, flag)

    def rename_replacing(self, from_directory: int, from_name: str, to_directory: int, to_name: str) -> None:
        os.rename(from_name, to_name, src_dir_fd=from_directory, dst_dir_fd=to_directory)

    def rename_exchange(self, from_directory: int, from_name: str, to_directory: int, to_name: str) -> None:
        flag = _RENAME_SWAP if _IS_MACOS else _RENAME_EXCHANGE
        _rename_flagged(from_directory, from_name, to_directory, to_name, flag)

    def link(self, from_directory: int, from_name: str, to_directory: int, to_name: str) -> None:
        os.link(from_name, to_name, src_dir_fd=from_directory, dst_dir_fd=to_directory, follow_symlinks=False)

    def unlink(self, directory: int, name: str) -> None:
        os.unlink(name, dir_fd=directory)

    def rmdir(self, directory: int, name: str) -> None:
        os.rmdir(name, dir_fd=directory)

    def close(self, descriptor: int) -> None:
        os.close(descriptor)

    def space(self, descriptor: int) -> SpaceFacts:
        facts = os.fstatvfs(descriptor)
        return SpaceFacts(facts.f_bavail * facts.f_frsize, facts.f_blocks * facts.f_frsize)


def _rename_flagged(from_directory: int, from_name: str, to_directory: int, to_name: str, flag: int) -> None:
    rename = _find_flagged_rename()
    if rename is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    raw_from, raw_to = os.fsencode(from_name), os.fsencode(to_name)
    while rename(from_directory, raw_from, to_directory, raw_to, flag) != 0:
        number = ctypes.get_errno()
        if number != errno.EINTR:
            raise OSError(number, os.strerror(number), from_name, None, to_name)
