"""A driver of the writing seam whose folders and files live in memory only: a storage without a disk.

Every node of the tree is a ``memfd``, so that code which is handed a descriptor (readers, worker processes) works on it
as on a file, and ``os.fstat`` tells the same inode, size and times as the driver does. What a memfd cannot be, a name,
a folder or a link, is kept beside it. What the real driver answers, down to the errno, this one answers too:
``tests/storage/test_memory_calls.py`` runs both through one script.

It is no model of a disk: nothing is lost by a crash, folders are not guarded by permissions, and names take no room.
Linux only. A node holds a descriptor for as long as it has a name, so some hundreds of files are the most.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path, PurePath, PurePosixPath
from threading import RLock
from typing import Concatenate, ParamSpec, TypeVar, cast

from imalink.durable_files import SpaceFacts

P = ParamSpec("P")
T = TypeVar("T")

_LONGEST_NAME_BYTES = 255
_RESERVED = (".", "..")


@dataclass(eq=False)
class _Node:
    """A file, folder or symbolic link; ``content`` is its memfd (of a link: what it points to)."""

    content: int
    kind: int
    names_count: int = 0
    open_count: int = 0
    children: dict[str, _Node] = field(default_factory=dict[str, "_Node"])
    parent: _Node | None = None

    @property
    def is_folder(self) -> bool:
        return self.kind == stat.S_IFDIR

    @property
    def is_link(self) -> bool:
        return self.kind == stat.S_IFLNK

    @property
    def size_bytes(self) -> int:
        return os.fstat(self.content).st_size if self.kind == stat.S_IFREG else 0

    def is_at_or_below(self, folder: _Node) -> bool:
        at: _Node | None = self
        while at is not None and at is not folder:
            at = at.parent
        return at is folder

    def touch(self) -> None:
        os.utime(self.content)

    def facts(self) -> os.stat_result:
        """Give what ``os.fstat`` says of the memfd, with the kind and the number of names that it cannot know."""
        raw = os.fstat(self.content)
        links = self.names_count
        if self.is_folder and links:
            links = 2 + sum(child.is_folder for child in self.children.values())
        mode = stat.S_IMODE(raw.st_mode) | self.kind
        fields = (mode, raw.st_ino, raw.st_dev, links, raw.st_uid, raw.st_gid, raw.st_size)
        seconds = (int(raw.st_atime), int(raw.st_mtime), int(raw.st_ctime))
        finer = {
            name: cast("float", getattr(raw, name))
            for name in ("st_atime", "st_mtime", "st_ctime", "st_atime_ns", "st_mtime_ns", "st_ctime_ns", "st_blocks")
        }
        return os.stat_result((*fields, *seconds), finer)


class _Entry:
    """What stands for an ``os.DirEntry``, which cannot be made by hand; ``stat`` looks anew, as that does."""

    def __init__(self, calls: MemoryCalls, folder: _Node, name: str, node: _Node) -> None:
        self.name = self.path = name
        self._calls = calls
        self._folder = folder
        self._node = node

    def inode(self) -> int:
        return os.fstat(self._node.content).st_ino

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        self._refuse_following(follow_symlinks)
        return self._node.is_folder

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        self._refuse_following(follow_symlinks)
        return self._node.kind == stat.S_IFREG

    def is_symlink(self) -> bool:
        return self._node.is_link

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        self._refuse_following(follow_symlinks)
        return self._calls.facts_in(self._folder, self.name)

    def _refuse_following(self, follow_symlinks: bool) -> None:
        assert not (follow_symlinks and self._node.is_link), "nothing behind the seam may follow a link"


def _locked(
    method: Callable[Concatenate[MemoryCalls, P], T],
) -> Callable[Concatenate[MemoryCalls, P], T]:
    """Make one call a single step for all threads, as the kernel does."""

    @wraps(method)
    def call(self: MemoryCalls, *arguments: P.args, **options: P.kwargs) -> T:
        with self.lock:
            return method(self, *arguments, **options)

    return call


class MemoryCalls:
    """FileCalls on a tree in memory that begins at ``/`` and holds at most ``capacity_bytes`` of contents.

    Nothing of the real file system can be reached through it. ``put``, ``get``, ``rename`` and those beside them are
    the user's own hands, by absolute path. ``open_count`` is how many descriptors were given out and not closed. A
    context manager: the end gives the memory back.
    """

    def __init__(self, *, capacity_bytes: int = 1 << 30) -> None:
        self.lock = RLock()
        self.capacity_bytes = capacity_bytes
        self.used_bytes = 0
        self._open: dict[int, _Node] = {}
        self._nodes: set[_Node] = set()
        self._umask = os.umask(0o077)
        os.umask(self._umask)
        self._root = self._new_node(stat.S_IFDIR, 0o755)
        self._root.names_count = 1

    @property
    def open_count(self) -> int:
        return len(self._open)

    def __enter__(self) -> MemoryCalls:
        return self

    def __exit__(self, *_: object) -> None:
        for descriptor in (*self._open, *(node.content for node in self._nodes)):
            os.close(descriptor)
        self._open.clear()
        self._nodes.clear()

    # The user's hands

    @_locked
    def make_folder(self, path: PurePath) -> None:
        """Make a folder and those above it."""
        at = self._root
        for name in path.parts[1:]:
            if name not in at.children:
                self._give_name(at, name, self._new_node(stat.S_IFDIR, 0o777 & ~self._umask))
            at = self._child(at, name)

    @_locked
    def put(self, path: PurePath, data: bytes, *, modified_ns: int | None = None) -> None:
        """Make a file, in place of one of that name."""
        self.make_folder(path.parent)
        folder = self._walk(path.parent)
        if path.name in folder.children:
            self._take_name(folder, path.name)
        node = self._new_node(stat.S_IFREG, 0o666 & ~self._umask)
        self._give_name(folder, path.name, node)
        os.pwrite(node.content, data, 0)
        self.used_bytes += len(data)
        if modified_ns is not None:
            os.utime(node.content, ns=(modified_ns, modified_ns))

    @_locked
    def put_link(self, path: PurePath, target: str) -> None:
        """Make a symbolic link."""
        node = self._new_node(stat.S_IFLNK, 0o777)
        os.pwrite(node.content, os.fsencode(target), 0)
        self._give_name(self._walk(path.parent), path.name, node)

    def copy_in(self, folder: Path, target: Path) -> None:
        """Copy a real folder's files, with their times."""
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.put(target / path.relative_to(folder), path.read_bytes(), modified_ns=path.stat().st_mtime_ns)

    @_locked
    def get(self, path: PurePath) -> bytes:
        """Give a file's content."""
        node = self._child(self._walk(path.parent), path.name)
        assert node.kind == stat.S_IFREG, f"{path} is no file"
        return os.pread(node.content, node.size_bytes, 0)

    @_locked
    def rename(self, path: PurePath, target: PurePath) -> None:
        """Move a file or folder to a free name."""
        self._move(self._walk(path.parent), path.name, self._walk(target.parent), target.name)

    @_locked
    def remove(self, path: PurePath) -> None:
        """Take a file away."""
        folder = self._walk(path.parent)
        assert not self._child(folder, path.name).is_folder, f"{path} is a folder"
        self._take_name(folder, path.name)

    @_locked
    def files_below(self, path: PurePath) -> list[str]:
        """Give the paths of all files below a folder, relative to it, in order."""
        found: list[str] = []
        waiting = [(PurePosixPath(), self._walk(path))]
        for folder, node in waiting:
            for name, child in node.children.items():
                if child.is_folder:
                    waiting.append((folder / name, child))
                else:
                    found.append(str(folder / name))
        return sorted(found)

    # FileCalls

    @_locked
    def open_root(self, path: str) -> int:
        return self._open_folder(self._walk(PurePosixPath(path)))

    @_locked
    def open_directory(self, directory: int, name: str) -> int:
        return self._open_folder(self._child(self._folder(directory), name))

    def open_beneath(self, directory: int, path: str) -> int:
        raise _refusal(errno.ENOSYS, path)

    @_locked
    def open_read(self, directory: int, name: str) -> int:
        node = self._child(self._folder(directory), name)
        if node.is_link:
            raise _refusal(errno.ELOOP, name)
        return self._open_node(node, os.O_RDONLY)

    @_locked
    def create_exclusive(self, directory: int, name: str, mode: int) -> int:
        folder = self._folder(directory)
        self._require_free(folder, name)
        return self._create(folder, name, mode, os.O_RDWR)

    @_locked
    def open_append(self, directory: int, name: str, mode: int) -> int:
        folder = self._folder(directory)
        flags = os.O_WRONLY | os.O_APPEND
        node = self._find_child(folder, name)
        if node is None:
            self._require_free(folder, name)
            return self._create(folder, name, mode, flags)
        if node.is_link:
            raise _refusal(errno.ELOOP, name)
        if node.is_folder:
            raise _refusal(errno.EISDIR, name)
        return self._open_node(node, flags)

    @_locked
    def read(self, descriptor: int, count: int) -> bytes:
        self._file(descriptor)
        return os.read(descriptor, count)

    @_locked
    def pread(self, descriptor: int, count: int, offset: int) -> bytes:
        self._file(descriptor)
        return os.pread(descriptor, count, offset)

    @_locked
    def write(self, descriptor: int, data: memoryview) -> int:
        node = self._node(descriptor)
        os.write(descriptor, b"")  # one that may not be written to says so first
        before = node.size_bytes
        is_appending = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_APPEND
        start = before if is_appending else os.lseek(descriptor, 0, os.SEEK_CUR)
        fitting = before + self.capacity_bytes - self.used_bytes - start
        if len(data) and fitting <= 0:
            raise _refusal(errno.ENOSPC)
        written = os.write(descriptor, data[:fitting])
        self.used_bytes += node.size_bytes - before
        return written

    @_locked
    def write_at(self, descriptor: int, data: memoryview, offset: int) -> int:
        node = self._node(descriptor)
        os.pwrite(descriptor, b"", offset)  # one that may not be written to says so first
        before = node.size_bytes
        is_appending = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_APPEND
        start = before if is_appending else offset
        fitting = before + self.capacity_bytes - self.used_bytes - start
        if len(data) and fitting <= 0:
            raise _refusal(errno.ENOSPC)
        written = os.pwrite(descriptor, data[:fitting], offset)
        self.used_bytes += node.size_bytes - before
        return written

    @_locked
    def truncate(self, descriptor: int, size_bytes: int) -> None:
        node = self._node(descriptor)
        before = node.size_bytes
        os.ftruncate(descriptor, size_bytes)
        self.used_bytes += node.size_bytes - before

    @_locked
    def set_times(self, descriptor: int, modified_ns: int) -> None:
        os.utime(self._node(descriptor).content, ns=(modified_ns, modified_ns))

    @_locked
    def set_mode(self, descriptor: int, mode: int) -> None:
        os.fchmod(self._node(descriptor).content, mode)

    @_locked
    def fsync(self, descriptor: int) -> None:
        os.fsync(self._node(descriptor).content)

    @_locked
    def drop_cache(self, descriptor: int) -> None:
        os.posix_fadvise(self._node(descriptor).content, 0, 0, os.POSIX_FADV_DONTNEED)

    @_locked
    def fstat(self, descriptor: int) -> os.stat_result:
        return self._node(descriptor).facts()

    @_locked
    def stat(self, directory: int, name: str) -> os.stat_result:
        return self.facts_in(self._folder(directory), name)

    @_locked
    def facts_in(self, folder: _Node, name: str) -> os.stat_result:
        return self._child(folder, name).facts()

    @_locked
    def scan(self, directory: int) -> AbstractContextManager[Iterator[os.DirEntry[str]]]:
        folder = self._folder(directory)
        entries = [_Entry(self, folder, name, child) for name, child in folder.children.items()]
        return _iterating(entries)

    @_locked
    def mkdir(self, directory: int, name: str, mode: int) -> None:
        folder = self._folder(directory)
        self._require_free(folder, name)
        self._give_name(folder, name, self._new_node(stat.S_IFDIR, mode & ~self._umask))

    @_locked
    def rename_noreplace(self, from_directory: int, from_name: str, to_directory: int, to_name: str) -> None:
        from_folder, to_folder = self._folder(from_directory), self._folder(to_directory)
        _refuse_reserved(from_name, to_name, number=errno.EEXIST if to_name in _RESERVED else errno.EBUSY)
        self._move(from_folder, from_name, to_folder, to_name)

    @_locked
    def rename_replacing(self, from_directory: int, from_name: str, to_directory: int, to_name: str) -> None:
        from_folder, to_folder = self._folder(from_directory), self._folder(to_directory)
        _refuse_reserved(from_name, to_name, number=errno.EBUSY)
        source, target = self._child(from_folder, from_name), self._find_child(to_folder, to_name)
        if source is target:
            return
        if target is not None:
            if source.is_folder and to_folder.is_at_or_below(source):
                raise _refusal(errno.EINVAL, from_name)
            if from_folder.is_at_or_below(target):
                raise _refusal(errno.ENOTEMPTY, to_name)
            if source.is_folder != target.is_folder:
                raise _refusal(errno.EISDIR if target.is_folder else errno.ENOTDIR, to_name)
            if target.children:
                raise _refusal(errno.ENOTEMPTY, to_name)
            self._take_name(to_folder, to_name)
        self._move(from_folder, from_name, to_folder, to_name)

    @_locked
    def rename_exchange(self, from_directory: int, from_name: str, to_directory: int, to_name: str) -> None:
        from_folder, to_folder = self._folder(from_directory), self._folder(to_directory)
        _refuse_reserved(from_name, to_name, number=errno.EBUSY)
        source, target = self._child(from_folder, from_name), self._child(to_folder, to_name)
        if (source.is_folder and to_folder.is_at_or_below(source)) or (
            target.is_folder and from_folder.is_at_or_below(target)
        ):
            raise _refusal(errno.EINVAL, from_name)
        from_folder.children[from_name], to_folder.children[to_name] = target, source
        source.parent, target.parent = to_folder, from_folder
        from_folder.touch()
        to_folder.touch()

    @_locked
    def link(self, from_directory: int, from_name: str, to_directory: int, to_name: str) -> None:
        source = self._child(self._folder(from_directory), from_name)
        to_folder = self._folder(to_directory)
        self._require_free(to_folder, to_name)
        if source.is_folder:
            raise _refusal(errno.EPERM, from_name)
        self._give_name(to_folder, to_name, source)

    @_locked
    def unlink(self, directory: int, name: str) -> None:
        folder = self._folder(directory)
        if name in _RESERVED or self._child(folder, name).is_folder:
            raise _refusal(errno.EISDIR, name)
        self._take_name(folder, name)

    @_locked
    def rmdir(self, directory: int, name: str) -> None:
        folder = self._folder(directory)
        if name in _RESERVED:
            raise _refusal(errno.EINVAL if name == "." else errno.ENOTEMPTY, name)
        node = self._child(folder, name)
        if not node.is_folder:
            raise _refusal(errno.ENOTDIR, name)
        if node.children:
            raise _refusal(errno.ENOTEMPTY, name)
        self._take_name(folder, name)

    @_locked
    def close(self, descriptor: int) -> None:
        node = self._node(descriptor)
        del self._open[descriptor]
        os.close(descriptor)
        node.open_count -= 1
        self._forget_unused(node)

    @_locked
    def space(self, descriptor: int) -> SpaceFacts:
        self._node(descriptor)
        return SpaceFacts(max(0, self.capacity_bytes - self.used_bytes), self.capacity_bytes)

    # The tree

    def _node(self, descriptor: int) -> _Node:
        if descriptor not in self._open:
            raise _refusal(errno.EBADF)
        return self._open[descriptor]

    def _folder(self, descriptor: int) -> _Node:
        node = self._node(descriptor)
        if not node.is_folder:
            raise _refusal(errno.ENOTDIR)
        return node

    def _file(self, descriptor: int) -> _Node:
        node = self._node(descriptor)
        if node.is_folder:
            raise _refusal(errno.EISDIR)
        return node

    def _walk(self, path: PurePath) -> _Node:
        assert path.is_absolute(), f"{path} is not absolute"
        at = self._root
        for name in path.parts[1:]:
            if at.is_link:
                raise NotImplementedError("a link on the way to the folder that is opened")
            if not at.is_folder:
                raise _refusal(errno.ENOTDIR, str(path))
            at = self._child(at, name)
        return at

    def _find_child(self, folder: _Node, name: str) -> _Node | None:
        if "/" in name or "\0" in name:
            raise ValueError(f"{name!r} is no single name")
        if len(os.fsencode(name)) > _LONGEST_NAME_BYTES:
            raise _refusal(errno.ENAMETOOLONG, name)
        if name == ".":
            return folder
        if name == "..":
            return folder.parent or folder
        return folder.children.get(name)

    def _child(self, folder: _Node, name: str) -> _Node:
        child = self._find_child(folder, name)
        if child is None:
            raise _refusal(errno.ENOENT, name)
        return child

    def _require_free(self, folder: _Node, name: str) -> None:
        if self._find_child(folder, name) is not None:
            raise _refusal(errno.EEXIST, name)
        if not name or not folder.names_count:  # nothing can be made in a folder that was removed
            raise _refusal(errno.ENOENT, name)

    def _move(self, from_folder: _Node, from_name: str, to_folder: _Node, to_name: str) -> None:
        node = self._child(from_folder, from_name)
        self._require_free(to_folder, to_name)
        if node.is_folder and to_folder.is_at_or_below(node):
            raise _refusal(errno.EINVAL, from_name)
        del from_folder.children[from_name]
        to_folder.children[to_name] = node
        node.parent = to_folder
        from_folder.touch()
        to_folder.touch()

    def _new_node(self, kind: int, mode: int) -> _Node:
        node = _Node(os.memfd_create("memory", os.MFD_CLOEXEC), kind)
        os.fchmod(node.content, mode)
        self._nodes.add(node)
        return node

    def _create(self, folder: _Node, name: str, mode: int, flags: int) -> int:
        node = self._new_node(stat.S_IFREG, 0o600)
        self._give_name(folder, name, node)
        descriptor = self._open_node(node, flags)  # before the mode, which does not count for who makes the file
        os.fchmod(node.content, mode & ~self._umask)
        return descriptor

    def _give_name(self, folder: _Node, name: str, node: _Node) -> None:
        folder.children[name] = node
        node.names_count += 1
        node.parent = folder
        folder.touch()

    def _take_name(self, folder: _Node, name: str) -> None:
        node = folder.children.pop(name)
        node.names_count -= 1
        folder.touch()
        self._forget_unused(node)

    def _forget_unused(self, node: _Node) -> None:
        if not node.names_count and not node.open_count:
            self.used_bytes -= node.size_bytes
            self._nodes.discard(node)
            os.close(node.content)

    def _open_folder(self, node: _Node) -> int:
        if not node.is_folder:
            raise _refusal(errno.ENOTDIR)
        return self._open_node(node, os.O_RDONLY)

    def _open_node(self, node: _Node, flags: int) -> int:
        descriptor = os.open(f"/proc/self/fd/{node.content}", flags | os.O_CLOEXEC)
        self._open[descriptor] = node
        node.open_count += 1
        return descriptor


@contextmanager
def _iterating(entries: list[_Entry]) -> Generator[Iterator[os.DirEntry[str]]]:
    yield (cast("os.DirEntry[str]", cast("object", entry)) for entry in entries)


def _refuse_reserved(*names: str, number: int) -> None:
    for name in names:
        if name in _RESERVED:
            raise _refusal(number, name)


def _refusal(number: int, name: str | None = None) -> OSError:
    return OSError(number, os.strerror(number), name)
