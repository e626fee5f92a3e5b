"""Spoiling files as disks do: other bytes under the time they had."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from imalink.durable_files import FileCalls
from tests.support.faults import InterposedCalls

T = TypeVar("T")


def spoil(path: Path, change: Callable[[bytearray], bytes | bytearray]) -> None:
    """Let a file hold what ``change`` makes of its bytes, without its time telling of it."""
    facts = path.stat()
    data = change(bytearray(path.read_bytes()))
    with path.open("r+b") as file:
        file.write(data)
        file.truncate(len(data))
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def flip_bit(path: Path, *, at: int | None = None, bit: int = 0) -> None:
    """Flip one bit, in the middle unless another byte is named."""

    def flip(data: bytearray) -> bytearray:
        data[len(data) // 2 if at is None else at] ^= 1 << bit
        return data

    spoil(path, flip)


def zero_page(path: Path) -> None:
    """Let the first 512 bytes of the second half, or what there is of them, be zeros."""

    def zero(data: bytearray) -> bytearray:
        middle = len(data) // 2
        data[middle : middle + 512] = bytes(len(data[middle : middle + 512]))
        return data

    spoil(path, zero)


class UnreadableCalls(InterposedCalls):
    """Gives an error instead of the bytes of files whose path ends so, and counts how often."""

    def __init__(self, ending: str, number: int = errno.EIO, *, inner: FileCalls | None = None) -> None:
        super().__init__(inner)
        self._ending = ending
        self._number = number
        self.refused = 0

    def _around(self, name: str, call: Callable[[], T], *arguments: object) -> T:
        if name in ("read", "pread") and os.readlink(f"/proc/self/fd/{arguments[0]}").endswith(self._ending):
            self.refused += 1
            raise OSError(self._number, os.strerror(self._number))
        return call()
