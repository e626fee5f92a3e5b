"""Reading files of one folder by relative path, through its open root only; nothing here can write."""

from __future__ import annotations

import stat
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from imalink import durable_files
from imalink.core.relative_path import RelativePath
from imalink.durable_files import READ_CHUNK_BYTES, FileCalls, SpaceFacts, storage_errors
from imalink.errors import IndexTooLargeError, NotFoundError
from imalink.storage.root import StorageRoot


class FileFacts(NamedTuple):
    """What the file system says of one name or open file; a link is itself, not its target."""

    size_bytes: int
    modified_ns: int
    inode: int
    device: int
    mode: int
    links_count: int

    @property
    def is_file(self) -> bool:
        """A regular file."""
        return stat.S_ISREG(self.mode)

    @property
    def is_directory(self) -> bool:
        """A folder."""
        return stat.S_ISDIR(self.mode)

    @property
    def is_symlink(self) -> bool:
        """A symbolic link."""
        return stat.S_ISLNK(self.mode)


class FolderReader:
    """Every reading file operation below a root, by ``RelativePath``.

    No method follows a symbolic link or leaves the root (UnsafePathError); all may raise StorageOfflineError and
    StorageIoError. Nothing is retried. Safe to share between threads.
    """

    def __init__(self, root: StorageRoot) -> None:
        self.root = root
        self.calls = root.calls

    def find_facts(self, path: RelativePath) -> FileFacts | None:
        """Describe what has that name, or None when nothing has."""
        try:
            with self.folder_of(path) as directory, storage_errors("look at", path.printable()):
                return facts_of(self.calls, directory, path.name)
        except NotFoundError:
            return None

    def get_facts(self, path: RelativePath) -> FileFacts:
        """Describe what has that name. Raises NotFoundError."""
        facts = self.find_facts(path)
        if facts is None:
            raise NotFoundError(
                f"{path.printable()} is not in the storage.", hint="Run `imalink reindex` if it was moved."
            )
        return facts

    def exists(self, path: RelativePath) -> bool:
        """Tell whether anything has that name (also a link, whatever it points to)."""
        return self.find_facts(path) is not None

    def read_bytes(self, path: RelativePath, cap_bytes: int) -> bytes:
        """Give a regular file's content. Raises NotFoundError; IndexTooLargeError above ``cap_bytes``."""
        with self.folder_of(path) as directory:
            try:
                return durable_files.read_capped(self.calls, directory, path.name, cap_bytes)
            except IndexTooLargeError as error:
                raise IndexTooLargeError(error.reason, file=path.printable(), hint=error.hint) from error

    def find_bytes(self, path: RelativePath, cap_bytes: int) -> bytes | None:
        """As ``read_bytes``, but None when there is no such file."""
        try:
            return self.read_bytes(path, cap_bytes)
        except NotFoundError:
            return None

    @contextmanager
    def open_for_reading(self, path: RelativePath) -> Generator[int]:
        """Hold a regular file open for a block, which gets the descriptor. Raises NotFoundError, UnsafePathError."""
        with self.folder_of(path) as directory:
            descriptor = durable_files.open_regular(self.calls, directory, path.name)
        try:
            yield descriptor
        finally:
            self.calls.close(descriptor)

    def iter_content(self, path: RelativePath, chunk_bytes: int = READ_CHUNK_BYTES) -> Iterator[bytes]:
        """Yield a regular file's content in chunks."""
        with self.open_for_reading(path) as descriptor:
            yield from iter_chunks(self.calls, descriptor, chunk_bytes, path.printable())

    def list_names(self, folder: RelativePath | None) -> list[str]:
        """Give all names in a folder (None: the root), sorted; raises NotFoundError when it is not there."""
        with self.root.directory(folder) as directory, storage_errors("list", shown(folder)):
            with self.calls.scan(directory) as entries:
                return sorted(entry.name for entry in entries)

    def space(self) -> SpaceFacts:
        """Give the room on the storage's file system."""
        with storage_errors("ask for free space"):
            return self.calls.space(self.root.descriptor)

    def free_bytes(self) -> int:
        """Give how many bytes may still be written."""
        return self.space().free_bytes

    @contextmanager
    def folder_of(self, path: RelativePath) -> Generator[int]:
        """Hold the folder that holds ``path`` open for a block, which gets its descriptor."""
        parent = path.parent
        if parent is None:
            yield self.root.descriptor
            return
        descriptor = self.root.open_directory(parent)
        try:
            yield descriptor
        finally:
            self.calls.close(descriptor)


def shown(folder: RelativePath | None) -> str:
    """Name a folder in a message."""
    return "the storage's folder" if folder is None else folder.printable()


def facts_at(calls: FileCalls, descriptor: int) -> FileFacts:
    """Describe an open file."""
    found = calls.fstat(descriptor)
    return FileFacts(found.st_size, found.st_mtime_ns, found.st_ino, found.st_dev, found.st_mode, found.st_nlink)


def facts_of(calls: FileCalls, directory: int, name: str) -> FileFacts:
    """Describe what has that name in an open folder."""
    found = calls.stat(directory, name)
    return FileFacts(found.st_size, found.st_mtime_ns, found.st_ino, found.st_dev, found.st_mode, found.st_nlink)


def iter_chunks(calls: FileCalls, descriptor: int, chunk_bytes: int, path: str) -> Iterator[bytes]:
    """Yield an open file's content from its start."""
    offset = 0
    while True:
        with storage_errors("read", path):
            chunk = calls.pread(descriptor, chunk_bytes, offset)
        if not chunk:
            return
        offset += len(chunk)
        yield chunk
