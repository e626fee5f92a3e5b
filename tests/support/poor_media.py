"""A file system that lacks all that exFAT on a stick, an SMB share or a mounted object store may lack."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from typing import TypeVar

from imalink.durable_files import FileCalls
from tests.support.faults import LimitedCalls

T = TypeVar("T")
SECOND_NS = 1_000_000_000


class PoorMediaCalls(LimitedCalls):
    """Without hard links, symbolic links, safe renames, exchanges, permissions and flushes of folders.

    Names are the same in upper and lower case, and times of what is written are kept in whole seconds: on the real
    disk, so that whoever looks without this driver sees the same. ``refused`` counts the calls that were answered
    "not here".
    """

    def __init__(self, inner: FileCalls | None = None) -> None:
        super().__init__(inner=inner)
        self.refused: set[str] = set()
        self._written: set[int] = set()

    def _around(self, name: str, call: Callable[[], T], *arguments: object) -> T:
        try:
            return super()._around(name, call, *arguments)
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.EPERM):
                self.refused.add(name)
            raise

    # what is not known here

    def open_beneath(self, directory: int, path: str) -> int:
        # Names are looked up one by one, so that each is found in either case.
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), path)

    def set_mode(self, descriptor: int, mode: int) -> None:
        self.refused.add("set_mode")
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    def fsync(self, descriptor: int) -> None:
        if stat.S_ISDIR(self.inner.fstat(descriptor).st_mode):
            self.refused.add("fsync of a folder")
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        self._keep_whole_seconds(descriptor)
        super().fsync(descriptor)

    # whole seconds

    def fstat(self, descriptor: int) -> os.stat_result:
        self._keep_whole_seconds(descriptor)
        return super().fstat(descriptor)

    def close(self, descriptor: int) -> None:
        self._keep_whole_seconds(descriptor)
        self._written.discard(descriptor)
        super().close(descriptor)

    def _keep_whole_seconds(self, descriptor: int) -> None:
        if descriptor in self._written:
            modified_ns = self.inner.fstat(descriptor).st_mtime_ns
            if modified_ns % SECOND_NS:
                self.inner.set_times(descriptor, modified_ns - modified_ns % SECOND_NS)

    # either case

    def _spelling(self, directory: int, name: str) -> str:
        """Give the name as it stands in the folder; as asked where nothing does."""
        try:
            self.inner.stat(directory, name)
        except FileNotFoundError:
            folded = name.casefold()
            with self.inner.scan(directory) as entries:
                return next((entry.name for entry in entries if entry.name.casefold() == folded), name)
        return name

    def open_directory(self, directory: int, name: str) -> int:
        return super().open_directory(directory, self._spelling(directory, name))

    def open_read(self, directory: int, name: str) -> int:
        return super().open_read(directory, self._spelling(directory, name))

    def create_exclusive(self, directory: int, name: str, mode: int) -> int:
        descriptor = super().create_exclusive(directory, self._spelling(directory, name), mode)
        self._written.add(descriptor)
        return descriptor

    def open_append(self, directory: int, name: str, mode: int) -> int:
        descriptor = super().open_append(directory, self._spelling(directory, name), mode)
        self._written.add(descriptor)
        return descriptor

    def stat(self, directory: int, name: str) -> os.stat_result:
        return super().stat(directory, self._spelling(directory, name))

    def mkdir(self, directory: int, name: str, mode: int) -> None:
        super().mkdir(directory, self._spelling(directory, name), mode)

    def rename_replacing(self, from_directory: int, from_name: str, to_directory: int, to_name: str) -> None:
        source, target = self._spelling(from_directory, from_name), self._spelling(to_directory, to_name)
        if from_directory == to_directory and source == target:
            target = to_name  # only the case changes
        super().rename_replacing(from_directory, source, to_directory, target)

    def unlink(self, directory: int, name: str) -> None:
        super().unlink(directory, self._spelling(directory, name))

    def rmdir(self, directory: int, name: str) -> None:
        super().rmdir(directory, self._spelling(directory, name))
