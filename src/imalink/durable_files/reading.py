"""Opening and reading files that may be anything."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress

from imalink.durable_files.calls import FileCalls
from imalink.durable_files.trouble import storage_errors
from imalink.errors import (
    IndexTooLargeError,
    UnsafePathError,
)

READ_CHUNK_BYTES = 1 << 20


def open_regular(calls: FileCalls, directory: int, name: str) -> int:
    """Open ``name`` for reading, only if it is a regular file; the caller closes the descriptor.

    Raises UnsafePathError for a link, folder, pipe, socket or device, NotFoundError, StorageIoError and the rest of
    ``storage_error``. Never blocks on a pipe: it is opened without blocking and looked at before any read.
    """
    with storage_errors("open", name):
        try:
            descriptor = calls.open_read(directory, name)
        except OSError as error:
            tell_special_file(calls, directory, name, error)
            raise
        try:
            if not stat.S_ISREG(calls.fstat(descriptor).st_mode):
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        except BaseException:
            calls.close(descriptor)
            raise
    return descriptor


def tell_special_file(calls: FileCalls, directory: int, name: str, error: OSError) -> None:
    """Raise UnsafePathError if it is a socket, pipe or device that answers as if its disk were gone (ENXIO)."""
    if error.errno in (errno.ENXIO, errno.ENODEV, errno.EOPNOTSUPP):
        with suppress(OSError):
            if not stat.S_ISREG(calls.stat(directory, name).st_mode):
                raise UnsafePathError(
                    f"{name} is a socket, pipe or device, not a file; it was not opened.",
                    hint="Look at it with a file manager and move what does not belong there.",
                ) from error


def read_capped(calls: FileCalls, directory: int, name: str, cap_bytes: int) -> bytes:
    """Give the content of the regular file ``name``, never holding more than ``cap_bytes`` and one byte.

    Raises IndexTooLargeError when there is more (also when it grows meanwhile), and what ``open_regular`` raises.
    """
    descriptor = open_regular(calls, directory, name)
    try:
        with storage_errors("read", name):
            size = calls.fstat(descriptor).st_size
            chunks: list[bytes] = []
            left = cap_bytes + 1 if size <= cap_bytes else 0
            while left > 0 and (chunk := calls.read(descriptor, min(left, max(size + 1, READ_CHUNK_BYTES)))):
                chunks.append(chunk)
                left -= len(chunk)
        if left <= 0:
            raise IndexTooLargeError(
                f"it has more than {cap_bytes:,} bytes, the most such a file may have",
                file=name,
                hint="Run `imalink reindex`: it keeps the file as a backup and rebuilds it.",
            )
        return b"".join(chunks)
    finally:
        calls.close(descriptor)
