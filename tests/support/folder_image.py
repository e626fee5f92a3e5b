"""A folder held in memory: taken at a moment, put back as it was. How a kill at each call is tried without dying."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

NOT_TAKEN = ("-shm",)
"""SQLite's shared index of the write-ahead log: made anew by whoever opens the database."""


@dataclass(frozen=True, slots=True)
class Held:
    """One name: a file's bytes, a link's target, or neither for a folder. ``twin`` is another name of the same file."""

    mode: int
    modified_ns: int
    data: bytes | None = None
    target: str | None = None
    twin: str | None = None


@dataclass(frozen=True)
class FolderImage:
    """Everything below a folder by relative path, folders before what is in them."""

    held: Mapping[str, Held]

    @classmethod
    def take(cls, folder: Path) -> FolderImage:
        """Read everything anew: times of a file system in memory are too coarse to tell what changed."""
        held: dict[str, Held] = {}
        seen: dict[int, str] = {}
        waiting = [""]
        for prefix in waiting:
            with os.scandir(folder / prefix) as entries:
                for entry in sorted(entries, key=lambda each: each.name):
                    name = prefix + entry.name
                    facts = entry.stat(follow_symlinks=False)
                    if stat.S_ISDIR(facts.st_mode):
                        held[name] = Held(facts.st_mode, facts.st_mtime_ns)
                        waiting.append(f"{name}/")
                    elif stat.S_ISLNK(facts.st_mode):
                        held[name] = Held(facts.st_mode, facts.st_mtime_ns, target=os.readlink(entry.path))
                    elif not name.endswith(NOT_TAKEN):
                        twin = seen.setdefault(facts.st_ino, name) if facts.st_nlink > 1 else name
                        if twin != name:
                            held[name] = Held(facts.st_mode, facts.st_mtime_ns, twin=twin)
                        else:
                            held[name] = Held(facts.st_mode, facts.st_mtime_ns, data=_read(entry.path))
        return cls(held)

    def put(self, folder: Path) -> None:
        """Make the folder what it was; whatever else is in it goes."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for name, each in self.held.items():
            path = f"{folder}/{name}"
            if each.twin is not None:
                os.link(f"{folder}/{each.twin}", path)
            elif each.target is not None:
                os.symlink(each.target, path)
            elif each.data is None:
                os.mkdir(path, stat.S_IMODE(each.mode))
            else:
                _write(path, each.data, stat.S_IMODE(each.mode))
                os.utime(path, ns=(each.modified_ns, each.modified_ns))

    @cached_property
    def digest(self) -> bytes:
        """Tell one state from another; times of folders do not count."""
        whole = hashlib.blake2b(digest_size=16)
        for name, each in sorted(self.held.items()):
            facts = (name, each.mode, each.modified_ns if each.data is not None else 0, each.target, each.twin)
            whole.update(repr(facts).encode("utf-8", "surrogateescape"))
            whole.update(each.data or b"")
        return whole.digest()


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return os.read(descriptor, os.fstat(descriptor).st_size + 1)
    finally:
        os.close(descriptor)


def _write(path: str, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.fchmod(descriptor, mode)
        os.write(descriptor, data)
    finally:
        os.close(descriptor)
