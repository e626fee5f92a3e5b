"""A directory held open: the one place from which a storage, or an import source, is reached."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from imalink.core.relative_path import RelativePath
from imalink.durable_files import FileCalls, storage_error, storage_errors
from imalink.errors import ImalinkError, NotFoundError, StorageOfflineError, UnsafePathError, UsageError
from imalink.storage.syscalls import SystemCalls

_NOT_THERE = (errno.ENOENT, errno.ENOTDIR)


class StorageRoot:
    """A directory's handle, opened once; everything below is reached through it, following no link.

    So an unplugged disk gives an error, and never files in the empty mount point that is left (promise P8). ``path`` is
    a note for messages and for ``verify_identity``; nothing is ever opened by it again. ``descriptor`` is the open
    directory; ``device`` and ``inode`` are what it was when opened. Close it, or use it as a context manager. Threads
    may share it. An import source is opened the same way and only read.
    """

    def __init__(self, *, path: Path, descriptor: int, calls: FileCalls) -> None:
        self.path = path
        self.calls = calls
        self._descriptor = descriptor
        facts = calls.fstat(descriptor)
        self.device = facts.st_dev
        self.inode = facts.st_ino

    @classmethod
    def open(cls, path: Path | str, *, calls: FileCalls | None = None) -> Self:
        """Open the directory at ``path`` (links in ``path`` itself are the user's own and are followed).

        Raises StorageOfflineError when there is no directory or it cannot be reached, StorageIoError when it may not be
        read, UsageError where Python was started so that it cannot spell every file name.
        """
        _require_utf8_names()
        driver = SystemCalls() if calls is None else calls
        absolute = Path(os.path.abspath(path))
        try:
            descriptor = driver.open_root(str(absolute))
        except OSError as error:
            raise _unreachable(error) from error
        try:
            return cls(path=absolute, descriptor=descriptor, calls=driver)
        except OSError as error:
            driver.close(descriptor)
            raise _unreachable(error) from error

    @property
    def descriptor(self) -> int:
        """The open directory. Raises ValueError once closed."""
        if self._descriptor < 0:
            raise ValueError("the storage root is closed")
        return self._descriptor

    def verify_identity(self) -> None:
        """Make sure that the held directory is alive and still the one that stands at ``path``.

        Raises StorageOfflineError otherwise: unplugged, unmounted, renamed away, or something else put in its place.
        """
        try:
            held = self.calls.fstat(self.descriptor)
            with self.calls.scan(self.descriptor) as entries:  # a dead device may still answer fstat
                next(entries, None)
            there = self.calls.open_root(str(self.path))
            try:
                found = self.calls.fstat(there)
            finally:
                self.calls.close(there)
        except OSError as error:
            raise _unreachable(error) from error
        identity = (self.device, self.inode)
        if (held.st_dev, held.st_ino) != identity or held.st_nlink == 0 or (found.st_dev, found.st_ino) != identity:
            raise StorageOfflineError(
                "Another directory stands where the storage was opened: its disk was unplugged, unmounted or renamed. "
                "Nothing was written there.",
                hint="Connect the disk again at the same place, then repeat.",
            )

    def open_directory(self, path: RelativePath | None) -> int:
        """Open the folder ``path`` (None: the root, a second handle); the caller closes it.

        The kernel keeps it below the root where it can (``openat2``); elsewhere every part is opened from the one
        before, and must be a real directory. Raises NotFoundError, UnsafePathError for a link on the way and a path
        that goes up, and what ``storage_error`` gives.
        """
        if path is None:
            with storage_errors("open the storage"):
                return self.calls.open_directory(self.descriptor, ".")
        parts = path.split("/")
        if not all(parts) or ".." in parts or "." in parts:  # unparsed, by a mistake of ours: never onto the disk
            raise UnsafePathError(f"{path.printable()} is not a path below the storage; nothing was opened.")
        try:
            return self.calls.open_beneath(self.descriptor, path)
        except FileNotFoundError as error:
            raise storage_error(error, "open the folder", path.printable()) from error
        except OSError:
            return self._walk(parts, path)  # which also tells what stands in the way

    def _walk(self, parts: list[str], path: RelativePath) -> int:
        """Open a folder part by part, each from the one before and none through a link."""
        at = self.descriptor
        for part in parts:
            try:
                try:
                    below = self.calls.open_directory(at, part)
                except OSError as error:
                    raise self._refusal(error, at, part, path) from error
            finally:
                if at != self._descriptor:
                    self.calls.close(at)
            at = below
        return at

    def _refusal(self, error: OSError, at: int, part: str, path: RelativePath) -> ImalinkError:
        """Tell a link from another non-directory: Linux answers ENOTDIR to both."""
        if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK):
            try:
                is_link = stat.S_ISLNK(self.calls.stat(at, part).st_mode)
            except OSError:
                is_link = False
            if is_link:
                return UnsafePathError(
                    f"{path.printable()} goes through a symbolic link; it was not followed.",
                    hint="Put the real folder there; ImaLink follows no links inside a storage.",
                )
            if error.errno == errno.ENOTDIR:
                return NotFoundError(f"{path.printable()} is not there: a part of it is a file, not a folder.")
        return storage_error(error, "open the folder", path.printable())

    @contextmanager
    def directory(self, path: RelativePath | None) -> Generator[int]:
        """Hold the folder ``path`` open for a block, which gets its descriptor. Raises as ``open_directory``."""
        descriptor = self.open_directory(path)
        try:
            yield descriptor
        finally:
            self.calls.close(descriptor)

    def close(self) -> None:
        """Give the handle back; twice does no harm."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            self.calls.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _unreachable(error: OSError) -> ImalinkError:
    if error.errno in _NOT_THERE:
        return StorageOfflineError(
            "There is no directory where the storage was last seen.",
            hint="Connect its disk; if it was moved, run `imalink recover FOLDER` with the folder where it is now.",
        )
    if error.errno == errno.EIO:
        return StorageOfflineError(
            "The device of the storage does not answer (input/output error).", hint="Check the cable and the disk."
        )
    return storage_error(error, "open the storage")


def _require_utf8_names() -> None:
    if sys.getfilesystemencoding() != "utf-8":
        raise UsageError(
            "Python was started with file names in another encoding than UTF-8, so some names could not be spelt.",
            hint="Set PYTHONUTF8=1 in the environment and start again.",
        )
