"""What the operating system refuses, in the words of ``imalink.errors``."""

from __future__ import annotations

import errno
import os
from types import TracebackType

from imalink.errors import (
    RUN_AGAIN,
    ImalinkError,
    InvalidPathError,
    NameTakenError,
    NotFoundError,
    OutOfSpaceError,
    StorageError,
    StorageIoError,
    StorageOfflineError,
    StorageReadOnlyError,
    UnsafePathError,
)

_REFUSED = frozenset({errno.EACCES, errno.EPERM})
_GONE = frozenset(
    {
        errno.ESTALE, errno.ENODEV, errno.ENXIO, errno.ENOTCONN, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH,
        errno.ENETDOWN, errno.ENETUNREACH, errno.ECONNABORTED, errno.ECONNRESET, errno.ECONNREFUSED, errno.ESHUTDOWN,
    }
)  # fmt: skip
_DEVICE = frozenset(
    {errno.EIO, getattr(errno, "EUCLEAN", errno.EIO), getattr(errno, "EREMOTEIO", errno.EIO), errno.EBADMSG}
)
_NOT_A_PLAIN_FILE = frozenset({errno.ELOOP, errno.EISDIR, errno.ENOTDIR})
UNSUPPORTED = frozenset({errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM, errno.EMLINK})
"""How file systems say that they do not know NOREPLACE or links. A true refusal (EPERM) comes back at the last way."""


class OtherDeviceError(StorageError):
    """A placement would cross from one file system to another; nothing was touched."""

    code = "other-device"


def storage_error(error: OSError, action: str, path: str = "", *, is_writing: bool = False) -> ImalinkError:
    """Give the exception that says in words what ``error`` means for a storage.

    ``action`` completes "Could not …" (``read``, ``place``); ``path`` is printable and relative, so that no message
    shows a host path. The caller raises it ``from`` the OSError.
    """
    number = error.errno or 0
    reason = os.strerror(number) if number else str(error)
    what = f"Could not {action}{' ' + path if path else ''}: {reason} ({errno.errorcode.get(number, 'no code')})."
    safe = " Everything already archived is as it was." if is_writing else ""
    if number == errno.EDQUOT:
        return OutOfSpaceError(
            f"Your quota on the storage's disk is used up. {what}{safe}",
            hint=f"Remove files of yours there or have it raised{RUN_AGAIN}",
        )
    if number == errno.ENOSPC:
        # A disk may also be out of inodes: the kernel says the same of it.
        return OutOfSpaceError(
            f"The storage is full. {what}{safe}",
            hint=f"Make room on it (`df -h` shows its bytes, `df -i` how many more files it can hold){RUN_AGAIN}",
        )
    if number == errno.EROFS:
        return StorageReadOnlyError(
            f"The storage is mounted read-only. {what}{safe}",
            hint="Check the disk (a file system turns read-only after an error) and mount it writable.",
        )
    if number in _REFUSED and is_writing:
        return StorageReadOnlyError(
            f"The storage does not let you write. {what}{safe}", hint="Check the owner and permissions of that folder."
        )
    if number in _REFUSED:
        return StorageIoError(what, hint="Check the owner and permissions of that file or folder.")
    if number in _GONE:
        return StorageOfflineError(f"The storage went away. {what}{safe}", hint=f"Connect it again{RUN_AGAIN}")
    if number in _DEVICE:
        return StorageIoError(
            f"The device reported an error. {what}{safe}",
            hint="Check cable and disk (`smartctl -a`), then run `imalink reindex --strategy full`.",
        )
    if number in _NOT_A_PLAIN_FILE:
        return UnsafePathError(
            f"{what} A link, folder or special file stands where a file or folder of the storage should; nothing was "
            "followed or changed.",
            hint="Look at that path with a file manager and move what does not belong there.",
        )
    if number == errno.EEXIST:
        return NameTakenError(f"{what} Nothing was overwritten.", hint="Choose another name.")
    if number == errno.ENOENT:
        return NotFoundError(what, hint="Run `imalink reindex` if it was moved.")
    if number == errno.ENAMETOOLONG:
        return InvalidPathError(f"{what} Nothing was touched.", hint="Choose a shorter name.")
    if number == errno.EXDEV:
        return OtherDeviceError(f"{what} Another file system is mounted inside the storage; nothing was moved.")
    if number == errno.EFBIG:
        return StorageError(
            f"The file is larger than this file system can hold. {what}{safe}", hint="FAT ends at 4 GB."
        )
    return StorageError(f"{what}{safe}")


class storage_errors:  # lower case: it reads as a statement, `with storage_errors("read", path):`
    """Turn any OSError of the block into ``storage_error(…)``, raised from it."""

    __slots__ = ("_action", "_is_writing", "_path")

    def __init__(self, action: str, path: str = "", *, is_writing: bool = False) -> None:
        self._action = action
        self._path = path
        self._is_writing = is_writing

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if isinstance(error, OSError):
            raise storage_error(error, self._action, self._path, is_writing=self._is_writing) from error
