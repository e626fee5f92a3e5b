"""Drivers of the writing seam that count, crash, fail, write short, lack features and check the order of flushes.

Each wraps another driver, so they combine: ``CrashingCalls(at=3, inner=LimitedCalls())``.
"""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from imalink.durable_files import FileCalls, SpaceFacts
from imalink.storage.syscalls import SystemCalls

T = TypeVar("T")

MUTATING = frozenset(
    {
        "create_exclusive", "open_append", "write", "write_at", "truncate", "set_times", "set_mode", "fsync", "mkdir",
        "rename_noreplace", "rename_replacing", "rename_exchange", "link", "unlink", "rmdir",
    }
)  # fmt: skip


OPENING = frozenset({"open_root", "open_directory", "open_beneath", "open_read", "create_exclusive", "open_append"})

READING = frozenset({"open_directory", "open_beneath", "open_read", "read", "pread", "fstat", "stat", "scan"})


class SimulatedCrash(BaseException):
    """The process is dead from here on; not an Exception, so that no handler mistakes it for an error."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call with what it was given (descriptors and names; data as its length)."""

    name: str
    arguments: tuple[object, ...]


class InterposedCalls:
    """Passes every call on through ``_around``; the others override that."""

    def __init__(self, inner: FileCalls | None = None) -> None:
        self.inner: FileCalls = SystemCalls() if inner is None else inner

    def _around(self, name: str, call: Callable[[], T], *arguments: object) -> T:
        return call()

    def open_root(self, path: str) -> int:
        return self._around("open_root", lambda: self.inner.open_root(path), path)

    def open_directory(self, directory: int, name: str) -> int:
        return self._around("open_directory", lambda: self.inner.open_directory(directory, name), directory, name)

    def open_beneath(self, directory: int, path: str) -> int:
        return self._around("open_beneath", lambda: self.inner.open_beneath(directory, path), directory, path)

    def open_read(self, directory: int, name: str) -> int:
        return self._around("open_read", lambda: self.inner.open_read(directory, name), directory, name)

    def create_exclusive(self, directory: int, name: str, mode: int) -> int:
        return self._around(
            "create_exclusive", lambda: self.inner.create_exclusive(directory, name, mode), directory, name
        )

    def open_append(self, directory: int, name: str, mode: int) -> int:
        return self._around("open_append", lambda: self.inner.open_append(directory, name, mode), directory, name)

    def read(self, descriptor: int, count: int) -> bytes:
        return self._around("read", lambda: self.inner.read(descriptor, count), descriptor, count)

    def pread(self, descriptor: int, count: int, offset: int) -> bytes:
        return self._around("pread", lambda: self.inner.pread(descriptor, count, offset), descriptor, count, offset)

    def write(self, descriptor: int, data: memoryview) -> int:
        return self._around("write", lambda: self.inner.write(descriptor, data), descriptor, len(data))

    def write_at(self, descriptor: int, data: memoryview, offset: int) -> int:
        return self._around(
            "write_at", lambda: self.inner.write_at(descriptor, data, offset), descriptor, len(data), offset
        )

    def truncate(self, descriptor: int, size_bytes: int) -> None:
        self._around("truncate", lambda: self.inner.truncate(descriptor, size_bytes), descriptor, size_bytes)

    def set_times(self, descriptor: int, modified_ns: int) -> None:
        self._around("set_times", lambda: self.inner.set_times(descriptor, modified_ns), descriptor, modified_ns)

    def set_mode(self, descriptor: int, mode: int) -> None:
        self._around("set_mode", lambda: self.inner.set_mode(descriptor, mode), descriptor, mode)

    def fsync(self, descriptor: int) -> None:
        self._around("fsync", lambda: self.inner.fsync(descriptor), descriptor)

    def drop_cache(self, descriptor: int) -> None:
        self._around("drop_cache", lambda: self.inner.drop_cache(descriptor), descriptor)

    def fstat(self, descriptor: int) -> os.stat_result:
        return self._around("fstat", lambda: self.inner.fstat(descriptor), descriptor)

    def stat(self, directory: int, name: str) -> os.stat_result:
        return self._around("stat", lambda: self.inner.stat(directory, name), directory, name)

    def scan(self, directory: int) -> AbstractContextManager[Iterator[os.DirEntry[str]]]:
        return self._around("scan", lambda: self.inner.scan(directory), directory)

    def mkdir(self, directory: int, name: str, mode: int) -> None:
        self._around("mkdir", lambda: self.inner.mkdir(directory, name, mode), directory, name)

    def rename_noreplace(self, from_directory: int, from_name: str, to_directory: int, to_name: str) -> None:
        where = (from_directory, from_name, to_directory, to_name)
        self._around("rename_noreplace", lambda: self.inner.rename_noreplace(*where), *where)

    def rename_replacing(self, from_directory: int, from_name: str, to_directory: int, to_name: str) -> None:
        where = (from_directory, from_name, to_directory, to_name)
        self._around("rename_replacing", lambda: self.inner.rename_replacing(*where), *where)

    def rename_exchange(self, from_directory: int, from_name: str, to_directory: int, to_name: str) -> None:
        where = (from_directory, from_name, to_directory, to_name)
        self._around("rename_exchange", lambda: self.inner.rename_exchange(*where), *where)

    def link(self, from_directory: int, from_name: str, to_directory: int, to_name: str) -> None:
        where = (from_directory, from_name, to_directory, to_name)
        self._around("link", lambda: self.inner.link(*where), *where)

    def unlink(self, directory: int, name: str) -> None:
        self._around("unlink", lambda: self.inner.unlink(directory, name), directory, name)

    def rmdir(self, directory: int, name: str) -> None:
        self._around("rmdir", lambda: self.inner.rmdir(directory, name), directory, name)

    def close(self, descriptor: int) -> None:
        self._around("close", lambda: self.inner.close(descriptor), descriptor)

    def space(self, descriptor: int) -> SpaceFacts:
        return self._around("space", lambda: self.inner.space(descriptor), descriptor)


class CountingCalls(InterposedCalls):
    """Records every call in ``log``; ``counts`` by name, and how many descriptors are open and were at most."""

    def __init__(self, inner: FileCalls | None = None) -> None:
        super().__init__(inner)
        self.log: list[Call] = []
        self.open_count = 0
        self.most_open_count = 0

    def _around(self, name: str, call: Callable[[], T], *arguments: object) -> T:
        self.log.append(Call(name, arguments))
        result = call()
        if name in OPENING:
            self.open_count += 1
            self.most_open_count = max(self.most_open_count, self.open_count)
        elif name == "close":
            self.open_count -= 1
        return result

    @property
    def counts(self) -> Counter[str]:
        return Counter(call.name for call in self.log)

    @property
    def mutations_count(self) -> int:
        return sum(call.name in MUTATING for call in self.log)


class CrashingCalls(InterposedCalls):
    """Dies before the ``at``-th mutating call (from 1) and stays dead; with ``is_torn`` a write gets half-way first."""

    def __init__(self, at: int, *, is_torn: bool = False, inner: FileCalls | None = None) -> None:
        super().__init__(inner)
        self._left = at
        self._is_torn = is_torn

    @property
    def has_crashed(self) -> bool:
        return self._left <= 0

    def _around(self, name: str, call: Callable[[], T], *arguments: object) -> T:
        if name in MUTATING:
            self._left -= 1
            if self._left <= 0:
                raise SimulatedCrash(name)
        return call()

    def write(self, descriptor: int, data: memoryview) -> int:
        if self._is_torn and self._left == 1:
            self.inner.write(descriptor, data[: len(data) // 2])
        return super().write(descriptor, data)


class FailingCalls(InterposedCalls):
    """Gives OSError ``number`` instead of the ``at``-th call (from 1) among ``among``, once or from then on.

    ``close`` never fails. ``failed`` is the first call refused, or None when the run was over before.
    """

    def __init__(
        self,
        at: int,
        number: int,
        *,
        is_forever: bool = False,
        among: frozenset[str] = MUTATING,
        inner: FileCalls | None = None,
    ) -> None:
        super().__init__(inner)
        self._left = at
        self._number = number
        self._is_forever = is_forever
        self._among = among
        self.failed: Call | None = None

    def _around(self, name: str, call: Callable[[], T], *arguments: object) -> T:
        if name in self._among and name != "close":
            self._left -= 1
            if self._left == 0 or (self._left < 0 and self._is_forever):
                self.failed = self.failed or Call(name, arguments)
                raise OSError(self._number, os.strerror(self._number))
        return call()


class ShortWriteCalls(InterposedCalls):
    """Writes at most ``most`` bytes a call."""

    def __init__(self, most: int, inner: FileCalls | None = None) -> None:
        super().__init__(inner)
        self._most = most

    def write(self, descriptor: int, data: memoryview) -> int:
        return super().write(descriptor, data[: self._most])


class LimitedCalls(InterposedCalls):
    """A file system without NOREPLACE (answering ``noreplace``) and, unless ``has_links``, without links (exFAT)."""

    def __init__(
        self, *, has_links: bool = False, noreplace: int = errno.EINVAL, inner: FileCalls | None = None
    ) -> None:
        super().__init__(inner)
        self._has_links = has_links
        self._noreplace = noreplace

    def _around(self, name: str, call: Callable[[], T], *arguments: object) -> T:
        if name in ("rename_noreplace", "rename_exchange"):
            raise OSError(self._noreplace, os.strerror(self._noreplace))
        if name == "link" and not self._has_links:
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))
        return call()


class WalkingCalls(InterposedCalls):
    """A kernel without ``openat2``, or a container that answers ``number`` to it."""

    def __init__(self, inner: FileCalls | None = None, *, number: int = errno.ENOSYS) -> None:
        super().__init__(inner)
        self._number = number

    def open_beneath(self, directory: int, path: str) -> int:
        raise OSError(self._number, os.strerror(self._number), path)


class AuditingCalls(InterposedCalls):
    """Asks the kernel of every descriptor that was opened where it leads: ``opened`` has the real paths."""

    def __init__(self, inner: FileCalls | None = None) -> None:
        super().__init__(inner)
        self.opened: list[Path] = []

    def opened_outside(self, *folders: Path) -> list[Path]:
        """Give what was opened that is, or lies in, none of ``folders``."""
        real = [folder.resolve() for folder in folders]
        return [path for path in self.opened if not any(path == each or each in path.parents for each in real)]

    def _around(self, name: str, call: Callable[[], T], *arguments: object) -> T:
        result = call()
        if name in OPENING:
            self.opened.append(Path(os.readlink(f"/proc/self/fd/{result}").removesuffix(" (deleted)")))
        return result


class HookedCalls(InterposedCalls):
    """Does something else right before, or right after, calls of a name: another program at the worst moment."""

    def __init__(
        self,
        *,
        before: Mapping[str, Callable[[], object]] | None = None,
        after: Mapping[str, Callable[[], object]] | None = None,
        inner: FileCalls | None = None,
    ) -> None:
        super().__init__(inner)
        self._before = dict(before or {})
        self._after = dict(after or {})

    def _around(self, name: str, call: Callable[[], T], *arguments: object) -> T:
        if name in self._before:
            self._before.pop(name)()
        result = call()
        if name in self._after:
            self._after.pop(name)()
        return result


@dataclass
class _Unsynced:
    files: set[tuple[int, int]] = field(default_factory=set[tuple[int, int]])
    folders: dict[tuple[int, int], str] = field(default_factory=dict[tuple[int, int], str])


class OrderCheckingCalls(InterposedCalls):
    """Fails the test when a file with unflushed data, times or permissions gets another name.

    Lock files are let be: they need not outlive a power cut. ``unsynced_folders`` are the folders whose last change of
    names was not flushed, with that call.
    """

    def __init__(self, inner: FileCalls | None = None) -> None:
        super().__init__(inner)
        self._unsynced = _Unsynced()
        self.moves_count = 0

    @property
    def unsynced_folders(self) -> list[str]:
        return list(self._unsynced.folders.values())

    def _around(self, name: str, call: Callable[[], T], *arguments: object) -> T:
        if name in ("rename_noreplace", "rename_replacing", "rename_exchange", "link"):
            self._check_source(name, arguments)
        result = call()
        descriptor = arguments[0]
        if name in ("write", "write_at", "truncate", "set_times", "set_mode"):
            self._unsynced.files.add(self._identity(descriptor))
        elif name == "fsync":
            self._unsynced.files.discard(self._identity(descriptor))
            self._unsynced.folders.pop(self._identity(descriptor), None)
        elif name in ("create_exclusive", "mkdir", "unlink", "rmdir"):
            self._unsynced.folders[self._identity(descriptor)] = f"{name} {arguments[1]}"
        elif name in ("rename_noreplace", "rename_replacing", "rename_exchange", "link"):
            self._unsynced.folders[self._identity(descriptor)] = f"{name} {arguments[1]}"
            self._unsynced.folders[self._identity(arguments[2])] = f"{name} {arguments[3]}"
        return result

    def _check_source(self, name: str, arguments: tuple[object, ...]) -> None:
        directory, source = arguments[0], arguments[1]
        if not isinstance(directory, int) or not isinstance(source, str) or source.startswith(".imalink-storage.lock"):
            return
        try:
            facts = self.inner.stat(directory, source)
        except FileNotFoundError:
            return
        self.moves_count += 1
        if (facts.st_dev, facts.st_ino) in self._unsynced.files:
            raise AssertionError(f"{name} moves {source}, whose bytes were not flushed")

    def _identity(self, descriptor: object) -> tuple[int, int]:
        assert isinstance(descriptor, int)
        facts = self.inner.fstat(descriptor)
        return facts.st_dev, facts.st_ino


class KeepsOutCalls(InterposedCalls):
    """Fails the test at the first call that would change anything at or below ``folder``, or answers it with an error.

    Descriptors are asked where they lead, so no way in is missed: directories, open files, and what was moved there.
    """

    def __init__(self, folder: Path, inner: FileCalls | None = None, *, answer: int | None = None) -> None:
        super().__init__(inner)
        self._answer = answer
        self._folder = str(folder.resolve())
        self.read_below = 0

    def _around(self, name: str, call: Callable[[], T], *arguments: object) -> T:
        # Descriptors stand first, and in renames and links third; other numbers are sizes.
        asked = arguments[:1] + (arguments[2:3] if name in ("rename_noreplace", "rename_replacing", "link") else ())
        held = [each for each in asked if isinstance(each, int) and self._is_below(each)]
        if held and name in MUTATING:
            if self._answer is not None:
                raise OSError(self._answer, os.strerror(self._answer))
            raise AssertionError(f"{name}{arguments} would change {self._folder}")
        self.read_below += bool(held)
        return call()

    def _is_below(self, descriptor: int) -> bool:
        try:
            there = os.readlink(f"/proc/self/fd/{descriptor}")
        except OSError:
            return False
        return there == self._folder or there.startswith(f"{self._folder}/")


class WatchedCalls(InterposedCalls):
    """Lets someone look right before each mutating call: what stands there then is what a kill would leave."""

    def __init__(self, look: Callable[[str], object], inner: FileCalls | None = None) -> None:
        super().__init__(inner)
        self._look = look

    def _around(self, name: str, call: Callable[[], T], *arguments: object) -> T:
        if name in MUTATING:
            self._look(name)
        return call()
