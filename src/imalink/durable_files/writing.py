"""Writing, replacing and appending so that a crash leaves old or new, never half."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress

from imalink.durable_files.calls import FileCalls
from imalink.durable_files.reading import tell_special_file
from imalink.durable_files.trouble import UNSUPPORTED, storage_errors
from imalink.errors import ImalinkError, IndexDamagedError, StorageIoError

INDEX_MODE = 0o666
"""Asked for index files; the user's umask takes its part away."""


def write_all(calls: FileCalls, descriptor: int, data: bytes | bytearray | memoryview, path: str = "") -> None:
    """Write all of ``data`` at the current place, however little each call takes. Not flushed.

    Raises OutOfSpaceError, StorageIoError and the rest of ``storage_error``; some of it may be written by then.
    """
    with storage_errors("write", path, is_writing=True), memoryview(data).cast("B") as left:
        done = 0
        while done < len(left):
            written = calls.write(descriptor, left[done:])
            if not 0 < written <= len(left) - done:  # 0 would loop for ever; the device lies
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            done += written


def sync_file(calls: FileCalls, descriptor: int, path: str = "") -> None:
    """Flush an open file to the device. After a failure throw the copy away: a second try may report false success."""
    with storage_errors("flush", path, is_writing=True):
        calls.fsync(descriptor)


def sync_directory(calls: FileCalls, directory: int, path: str = "") -> None:
    """Make the names made, moved and removed in an open directory durable.

    File systems that cannot flush a directory (EINVAL, ENOTSUP: some network and FUSE mounts) are taken as they are.
    """
    with storage_errors("flush the folder", path, is_writing=True):
        try:
            calls.fsync(directory)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP):
                raise


def set_mode_if_known(calls: FileCalls, descriptor: int, mode: int) -> None:
    """Set the permissions; FAT and some network mounts know none and answer EPERM, which is no reason to stop."""
    try:
        calls.set_mode(descriptor, mode)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise


def replace_durably(
    calls: FileCalls,
    *,
    staging: int,
    directory: int,
    name: str,
    data: bytes,
    mode: int | None = None,
    before_move: Callable[[], None] | None = None,
) -> None:
    """Put ``data`` at ``name`` in ``directory``; after a crash at any moment the file is old or new, never half.

    When it returns, the new content is on the device. ``staging`` is an open directory on the same file system, inside
    ``.imalink/``; the temporary file stands there under ``.imalink-<token>.tmp`` and a crash may leave it (recovery
    clears staging). A link of that name is itself replaced, nothing is written through it. ``mode``: None keeps the
    permissions of the old file. ``before_move`` is called last before the new file takes the old one's place, and stops
    that by raising. Nothing is retried: on an error before the move the old file stands and the temporary
    one is removed; on an error of the last flush the new file stands but may not outlive a power cut.

    Raises OutOfSpaceError, StorageReadOnlyError, StorageIoError, StorageOfflineError.
    Format page: docs/format/index-files.md.
    """
    temporary = f".imalink-{secrets.token_hex(8)}.tmp"
    with storage_errors("replace", name, is_writing=True):
        if mode is None:
            mode = _mode_to_keep(calls, directory, name)
        descriptor = calls.create_exclusive(staging, temporary, INDEX_MODE if mode is None else mode)
        is_moved = False
        try:
            try:
                if mode is not None:
                    set_mode_if_known(calls, descriptor, mode)
                write_all(calls, descriptor, data, name)
                calls.fsync(descriptor)
            finally:
                calls.close(descriptor)
            if before_move is not None:
                before_move()
            calls.rename_replacing(staging, temporary, directory, name)
            is_moved = True
            sync_directory(calls, directory, name)
            if staging != directory:
                sync_directory(calls, staging)
        finally:
            if not is_moved:
                with suppress(OSError):
                    calls.unlink(staging, temporary)


def _mode_to_keep(calls: FileCalls, directory: int, name: str) -> int | None:
    try:
        old = calls.stat(directory, name)
    except FileNotFoundError:
        return None
    return stat.S_IMODE(old.st_mode) if stat.S_ISREG(old.st_mode) else None


def append_durably(
    calls: FileCalls,
    directory: int,
    name: str,
    data: bytes,
    *,
    valid_bytes: int | None = None,
    is_synced: bool = True,
    mode: int = INDEX_MODE,
) -> int:
    """Append ``data`` to ``name``, made if absent, and give the file's new size.

    When it returns with ``is_synced``, ``data`` and the name are on the device; without, only a later synced append or
    flush makes them so. ``valid_bytes`` is how much of the file its owner has read and believes: a torn tail beyond it,
    left by a crash, is cut off first, so that ``data`` is not glued to half a line; a file shorter than that raises
    IndexDamagedError and is left alone. On an error the file is cut back to its old length if the device still allows;
    otherwise a torn tail stays, which readers ignore. A failed flush is not retried.

    Only one process may append to a file at a time. Raises what ``replace_durably`` raises, and UnsafePathError.
    """
    with AppendFile(calls, directory, name, valid_bytes=valid_bytes, mode=mode) as file:
        file.append(data)
        if is_synced:
            file.sync()
        return file.size_bytes


class AppendFile:
    """A file of lines open for appending, with one flush for many lines (group commit); a context manager.

    After any error nothing more can be appended: what it holds then is decided by reading it anew. Whoever asks again,
    as handlers of the first error do, is told that one again, for it is the cause. Promises and errors:
    ``append_durably``.
    """

    def __init__(
        self,
        calls: FileCalls,
        directory: int,
        name: str,
        *,
        valid_bytes: int | None = None,
        mode: int = INDEX_MODE,
    ) -> None:
        self._calls = calls
        self._name = name
        self._is_broken = False
        self._cause: ImalinkError | None = None
        with storage_errors("append to", name, is_writing=True):
            try:
                self._descriptor = calls.open_append(directory, name, mode)
            except OSError as error:
                tell_special_file(calls, directory, name, error)
                raise
            try:
                facts = calls.fstat(self._descriptor)
                if not stat.S_ISREG(facts.st_mode):
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                self.size_bytes = facts.st_size
                if valid_bytes is not None:
                    self._cut_torn_tail(valid_bytes)
                if self.size_bytes == 0:  # perhaps just made: its name must not be lost either
                    sync_directory(calls, directory, name)
            except BaseException:
                calls.close(self._descriptor)
                raise

    def _cut_torn_tail(self, valid_bytes: int) -> None:
        if self.size_bytes < valid_bytes:
            raise IndexDamagedError(
                f"it has {self.size_bytes:,} bytes where {valid_bytes:,} were read before; nothing was appended",
                file=self._name,
            )
        if self.size_bytes > valid_bytes:
            self._calls.truncate(self._descriptor, valid_bytes)
            self.size_bytes = valid_bytes

    def append(self, data: bytes) -> None:
        """Add ``data`` at the end; not durable before ``sync``."""
        self._refuse_if_broken()
        try:
            write_all(self._calls, self._descriptor, data, self._name)
        except BaseException as error:
            self._break(error)
            with suppress(OSError):
                self._calls.truncate(self._descriptor, self.size_bytes)
            raise
        self.size_bytes += len(data)

    def sync(self) -> None:
        """Make all that was appended durable."""
        self._refuse_if_broken()
        try:
            sync_file(self._calls, self._descriptor, self._name)
        except BaseException as error:
            self._break(error)
            raise

    def close(self) -> None:
        """Close the file, without a flush."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            self._calls.close(descriptor)

    def _break(self, error: BaseException) -> None:
        self._is_broken = True
        if isinstance(error, ImalinkError):
            self._cause = error

    def _refuse_if_broken(self) -> None:
        if self._cause is not None:
            raise type(self._cause)(self._cause.message, hint=self._cause.hint) from self._cause
        if self._is_broken or self._descriptor < 0:
            raise StorageIoError(
                f"{self._name} cannot be appended to after an error; its last lines may not be durable."
            )

    def __enter__(self) -> AppendFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
