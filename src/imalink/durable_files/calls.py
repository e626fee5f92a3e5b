"""The seam itself: every low-level file call there is, relative to open directories."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol


class SpaceFacts(NamedTuple):
    """Room on a file system, in bytes; ``free_bytes`` is what this user may still write."""

    free_bytes: int
    total_bytes: int


class FileCalls(Protocol):
    """The low-level calls, one system call each, all relative to an open directory.

    Names are single parts, never paths, except in ``open_root`` and ``open_beneath``. Nothing follows a symbolic link.
    Every method raises the OSError of its call; translation is done once, by ``storage_error``.
    """

    def open_root(self, path: str) -> int:
        """Open a directory by its absolute path, for listing and as the start of everything below it."""
        ...

    def open_directory(self, directory: int, name: str) -> int:
        """Open the directory ``name``; a link there gives ENOTDIR or ELOOP."""
        ...

    def open_beneath(self, directory: int, path: str) -> int:
        """Open the directory at the relative ``path`` in one step; no link and no ``..`` leads out of it.

        The one call that takes a path of several parts. ENOSYS or EPERM where the kernel cannot promise that.
        """
        ...

    def open_read(self, directory: int, name: str) -> int:
        """Open ``name`` for reading without blocking; a link gives ELOOP, a pipe opens: ``open_regular`` refuses it."""
        ...

    def create_exclusive(self, directory: int, name: str, mode: int) -> int:
        """Make a new empty file for writing and reading back; EEXIST if anything has that name."""
        ...

    def open_append(self, directory: int, name: str, mode: int) -> int:
        """Open ``name`` for appending, made with ``mode`` if absent; not blocking, no link."""
        ...

    def read(self, descriptor: int, count: int) -> bytes:
        """Read at most ``count`` bytes from the current place; empty at the end."""
        ...

    def pread(self, descriptor: int, count: int, offset: int) -> bytes:
        """Read at most ``count`` bytes at ``offset``; empty at the end."""
        ...

    def write(self, descriptor: int, data: memoryview) -> int:
        """Write some of ``data`` and give how much; callers use ``write_all``."""
        ...

    def write_at(self, descriptor: int, data: memoryview, offset: int) -> int:
        """Write some of ``data`` over what stands at ``offset`` and give how much; the current place stays."""
        ...

    def truncate(self, descriptor: int, size_bytes: int) -> None:
        """Cut an open file to ``size_bytes``."""
        ...

    def set_times(self, descriptor: int, modified_ns: int) -> None:
        """Set access and modification time of the open file."""
        ...

    def set_mode(self, descriptor: int, mode: int) -> None:
        """Set the permission bits of the open file."""
        ...

    def fsync(self, descriptor: int) -> None:
        """Flush an open file or directory to the device itself."""
        ...

    def drop_cache(self, descriptor: int) -> None:
        """Ask the kernel to forget the file's cached pages, so that the next read comes from the device."""
        ...

    def fstat(self, descriptor: int) -> os.stat_result:
        """Describe the open file."""
        ...

    def stat(self, directory: int, name: str) -> os.stat_result:
        """Describe what has that name; a link is described, not followed."""
        ...

    def scan(self, directory: int) -> AbstractContextManager[Iterator[os.DirEntry[str]]]:
        """List the open directory; entries must be used while it is open."""
        ...

    def mkdir(self, directory: int, name: str, mode: int) -> None:
        """Make a directory."""
        ...

    def rename_noreplace(self, from_directory: int, from_name: str, to_directory: int, to_name: str) -> None:
        """Move, never over an existing name (EEXIST). ENOSYS, EINVAL or ENOTSUP where that cannot be promised."""
        ...

    def rename_replacing(self, from_directory: int, from_name: str, to_directory: int, to_name: str) -> None:
        """Move, replacing a file of that name in one step."""
        ...

    def rename_exchange(self, from_directory: int, from_name: str, to_directory: int, to_name: str) -> None:
        """Let two files change names in one step. ENOSYS, EINVAL or ENOTSUP where that cannot be promised."""
        ...

    def link(self, from_directory: int, from_name: str, to_directory: int, to_name: str) -> None:
        """Give a file a second name, never over an existing one (EEXIST)."""
        ...

    def unlink(self, directory: int, name: str) -> None:
        """Take a file's name away."""
        ...

    def rmdir(self, directory: int, name: str) -> None:
        """Remove an empty directory."""
        ...

    def close(self, descriptor: int) -> None:
        """Close a descriptor."""
        ...

    def space(self, descriptor: int) -> SpaceFacts:
        """Give the room on the file system of an open file or directory."""
        ...
