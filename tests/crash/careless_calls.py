"""File systems and programs that take less care of names: what the product's ways of placing are there for.

Flushes can be left out of a record afterwards. That a name is taken without asking shows only when another program
takes it at the same moment, so these alter the calls themselves and run the operation.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from tests.support.faults import InterposedCalls

OTHERS = b"another program's"


class OtherProgram(InterposedCalls):
    """Another program with a file of its own, in a folder that the product puts files into."""

    def __init__(self, wanted: Callable[[str], bool], *, inner: InterposedCalls) -> None:
        super().__init__(inner)
        self._wanted = wanted
        self._inode = 0
        self._folder = ""

    @property
    def has_come(self) -> bool:
        return self._inode != 0

    def is_robbed(self) -> bool:
        """Tell whether the file has no name in its folder any more."""
        with os.scandir(self._folder) as entries:
            return all(entry.inode() != self._inode for entry in entries)

    def _own(self, directory: int, descriptor: int, data: bytes) -> None:
        os.write(descriptor, data)
        self._inode = os.fstat(descriptor).st_ino
        self._folder = os.readlink(f"/proc/self/fd/{directory}")


class Interloper(OtherProgram):
    """Puts its file under a name that ``wanted`` knows, right before the first ``call`` that would give that name."""

    def __init__(
        self, call: str, wanted: Callable[[str], bool], *, inner: InterposedCalls, is_empty: bool = False
    ) -> None:
        super().__init__(wanted, inner=inner)
        self._call = call
        self._data = b"" if is_empty else OTHERS

    def _come(self, call: str, directory: int, name: str) -> None:
        if call == self._call and not self.has_come and self._wanted(name):
            descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644, dir_fd=directory)
            self._own(directory, descriptor, self._data)
            os.close(descriptor)

    def create_exclusive(self, directory: int, name: str, mode: int) -> int:
        self._come("create", directory, name)
        return super().create_exclusive(directory, name, mode)

    def link(self, from_directory: int, from_name: str, to_directory: int, to_name: str) -> None:
        self._come("link", to_directory, to_name)
        super().link(from_directory, from_name, to_directory, to_name)

    def rename_noreplace(self, from_directory: int, from_name: str, to_directory: int, to_name: str) -> None:
        self._come("rename", to_directory, to_name)
        super().rename_noreplace(from_directory, from_name, to_directory, to_name)


class Writer(OtherProgram):
    """Writes into the first file made under a name that ``wanted`` knows, and thinks that it is its own."""

    def create_exclusive(self, directory: int, name: str, mode: int) -> int:
        descriptor = super().create_exclusive(directory, name, mode)
        if not self.has_come and self._wanted(name):
            self._own(directory, descriptor, OTHERS)
        return descriptor


class ReplacingRenames(InterposedCalls):
    """A plain rename instead of one that takes no name."""

    def rename_noreplace(self, from_directory: int, from_name: str, to_directory: int, to_name: str) -> None:
        self.inner.rename_replacing(from_directory, from_name, to_directory, to_name)


class ReplacingLinks(InterposedCalls):
    """A link that takes the place of what has the name."""

    def link(self, from_directory: int, from_name: str, to_directory: int, to_name: str) -> None:
        try:
            self.inner.link(from_directory, from_name, to_directory, to_name)
        except FileExistsError:
            self.inner.unlink(to_directory, to_name)
            self.inner.link(from_directory, from_name, to_directory, to_name)


class SharedClaims(InterposedCalls):
    """A claim that is content with a file that is there."""

    def create_exclusive(self, directory: int, name: str, mode: int) -> int:
        try:
            return self.inner.create_exclusive(directory, name, mode)
        except FileExistsError:
            return self.inner.open_append(directory, name, mode)


class UnseenClaims(InterposedCalls):
    """Nobody looks whether a claim is still empty."""

    def stat(self, directory: int, name: str) -> os.stat_result:
        facts = self.inner.stat(directory, name)
        return os.stat_result((*facts[:6], 0, *facts[7:])) if facts.st_size == len(OTHERS) else facts


class ReplacingExchanges(InterposedCalls):
    """A plain rename instead of two files that change names."""

    def rename_exchange(self, from_directory: int, from_name: str, to_directory: int, to_name: str) -> None:
        self.inner.rename_replacing(from_directory, from_name, to_directory, to_name)
