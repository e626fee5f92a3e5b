"""A driver of the writing seam that keeps a log of what was done to the disk, and who asked for it."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TypeVar

from tests.support.faults import MUTATING, InterposedCalls

T = TypeVar("T")

ROOT = 0
"""The node of the folder that is watched."""

_PACKAGE = f"{os.sep}imalink{os.sep}"
_PRIMITIVES = ("durable_files", "storage/fs.py")


@dataclass(frozen=True, slots=True)
class Done:
    """One thing done to the disk. Files and folders are numbered nodes, so that names may change.

    ``node`` is what is written, flushed, named, moved or removed. ``folder`` and ``name`` say where it gets its name or
    loses it, ``to_folder`` and ``to_name`` where it goes. ``site`` names the steps of the protocol that asked for it.
    """

    kind: str
    site: str
    node: int
    folder: int = -1
    name: str = ""
    to_folder: int = -1
    to_name: str = ""
    other: int = -1
    data: bytes = b""
    number: int = 0


@dataclass(frozen=True, slots=True)
class FileNow:
    """A file's bytes, permissions and time."""

    data: bytes
    mode: int
    modified_ns: int


@dataclass
class DiskNow:
    """Files and folders by node."""

    files: dict[int, FileNow]
    folders: dict[int, dict[str, int]]

    def copy(self) -> DiskNow:
        return DiskNow(dict(self.files), {node: dict(names) for node, names in self.folders.items()})


class RecordingCalls(InterposedCalls):
    """Logs every change below ``folder`` in ``log``, from what stood there at first: ``begin``."""

    def __init__(self, folder: Path, inner: InterposedCalls | None = None) -> None:
        super().__init__(inner)
        self.log: list[Done] = []
        self.begin = DiskNow({}, {ROOT: {}})
        self._nodes: dict[int, int] = {folder.stat().st_ino: ROOT}
        self._next = 1
        self._learn(folder, ROOT)

    def _learn(self, folder: Path, node: int) -> None:
        for path in sorted(folder.iterdir()):
            facts = path.lstat()
            known = self._nodes.get(facts.st_ino)
            number = self._number(facts.st_ino) if known is None else known
            self.begin.folders[node][path.name] = number
            if stat.S_ISDIR(facts.st_mode):
                self.begin.folders[number] = {}
                self._learn(path, number)
            elif known is None:
                self.begin.files[number] = FileNow(path.read_bytes(), stat.S_IMODE(facts.st_mode), facts.st_mtime_ns)

    def _number(self, inode: int) -> int:
        """Give a new node; the inode may have been another's before."""
        self._nodes[inode] = self._next
        self._next += 1
        return self._nodes[inode]

    def _node(self, descriptor: int) -> int:
        return self._nodes[self.inner.fstat(descriptor).st_ino]

    def _at(self, folder: int, name: str) -> int:
        return self._nodes[self.inner.stat(folder, name).st_ino]

    def _note(self, kind: str, node: int, **facts: object) -> None:
        self.log.append(Done(kind, _site(), node, **facts))  # pyright: ignore[reportArgumentType]

    # files

    def write(self, descriptor: int, data: memoryview) -> int:
        count = super().write(descriptor, data)
        offset = os.lseek(descriptor, 0, os.SEEK_CUR) - count
        self._note("write", self._node(descriptor), data=bytes(data[:count]), number=offset)
        return count

    def write_at(self, descriptor: int, data: memoryview, offset: int) -> int:
        count = super().write_at(descriptor, data, offset)
        self._note("write", self._node(descriptor), data=bytes(data[:count]), number=offset)
        return count

    def truncate(self, descriptor: int, size_bytes: int) -> None:
        super().truncate(descriptor, size_bytes)
        self._note("truncate", self._node(descriptor), number=size_bytes)

    def set_times(self, descriptor: int, modified_ns: int) -> None:
        super().set_times(descriptor, modified_ns)
        self._note("times", self._node(descriptor), number=modified_ns)

    def set_mode(self, descriptor: int, mode: int) -> None:
        super().set_mode(descriptor, mode)
        self._note("mode", self._node(descriptor), number=mode)

    def fsync(self, descriptor: int) -> None:
        super().fsync(descriptor)
        self._note("fsync", self._node(descriptor))

    # names

    def create_exclusive(self, directory: int, name: str, mode: int) -> int:
        descriptor = super().create_exclusive(directory, name, mode)
        self._created(descriptor, directory, name)
        return descriptor

    def open_append(self, directory: int, name: str, mode: int) -> int:
        try:
            self.inner.stat(directory, name)
        except FileNotFoundError:
            descriptor = super().open_append(directory, name, mode)
            self._created(descriptor, directory, name)
            return descriptor
        return super().open_append(directory, name, mode)

    def _created(self, descriptor: int, directory: int, name: str) -> None:
        facts = self.inner.fstat(descriptor)
        folder = self._node(directory)
        self._note("create", self._number(facts.st_ino), folder=folder, name=name, number=stat.S_IMODE(facts.st_mode))

    def mkdir(self, directory: int, name: str, mode: int) -> None:
        super().mkdir(directory, name, mode)
        node = self._number(self.inner.stat(directory, name).st_ino)
        self._note("mkdir", node, folder=self._node(directory), name=name)

    def rename_noreplace(self, from_directory: int, from_name: str, to_directory: int, to_name: str) -> None:
        self._move(from_directory, from_name, to_directory, to_name, super().rename_noreplace)

    def rename_replacing(self, from_directory: int, from_name: str, to_directory: int, to_name: str) -> None:
        self._move(from_directory, from_name, to_directory, to_name, super().rename_replacing)

    def _move(
        self, from_directory: int, from_name: str, to_directory: int, to_name: str, call: Callable[..., None]
    ) -> None:
        call(from_directory, from_name, to_directory, to_name)
        self._note(
            "rename",
            self._at(to_directory, to_name),
            folder=self._node(from_directory),
            name=from_name,
            to_folder=self._node(to_directory),
            to_name=to_name,
        )

    def rename_exchange(self, from_directory: int, from_name: str, to_directory: int, to_name: str) -> None:
        super().rename_exchange(from_directory, from_name, to_directory, to_name)
        self._note(
            "exchange",
            self._at(to_directory, to_name),
            folder=self._node(from_directory),
            name=from_name,
            to_folder=self._node(to_directory),
            to_name=to_name,
            other=self._at(from_directory, from_name),
        )

    def link(self, from_directory: int, from_name: str, to_directory: int, to_name: str) -> None:
        super().link(from_directory, from_name, to_directory, to_name)
        node = self._at(to_directory, to_name)
        self._note("link", node, folder=self._node(to_directory), name=to_name)

    def unlink(self, directory: int, name: str) -> None:
        node = self._at(directory, name)
        super().unlink(directory, name)
        self._note("unlink", node, folder=self._node(directory), name=name)

    def rmdir(self, directory: int, name: str) -> None:
        node = self._at(directory, name)
        super().rmdir(directory, name)
        self._note("rmdir", node, folder=self._node(directory), name=name)


def _site() -> str:
    """Name the functions of the package that led here, from the primitive up to the first that is none."""
    steps: list[str] = []
    frame = sys._getframe(3)
    while frame is not None:
        code = frame.f_code
        _, found, within = code.co_filename.rpartition(_PACKAGE)
        if found:
            module = PurePath(within).as_posix()
            steps.append(f"{module}:{code.co_qualname}+{frame.f_lineno - code.co_firstlineno}")
            if not module.startswith(_PRIMITIVES) and not code.co_qualname.startswith("_"):
                break
        frame = frame.f_back
    return " < ".join(steps)


assert {
    "create_exclusive", "open_append", "write", "write_at", "truncate", "set_times", "set_mode", "fsync", "mkdir",
    "rename_noreplace", "rename_replacing", "rename_exchange", "link", "unlink", "rmdir",
} == MUTATING, "a call that this driver does not log"  # fmt: skip
