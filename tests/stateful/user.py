"""A user who moves, renames, swaps, copies, edits and deletes files of a folder by plain calls of the system."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from tests.stateful.library import Disk, Library
from tests.stateful.observed import SIDECAR, is_sidecar
from tests.stateful.pictures import Pictures

FOLDERS = ("", "Rome", "Rome/Night", "ø 北", "a b/c")


class User:
    """Does one thing at a time to a disk; which file is told by a number, any number."""

    def __init__(self, library: Library, pictures: Pictures) -> None:
        self._library = library
        self._pictures = pictures
        self._deleted: list[tuple[str, str, bytes]] = []
        self.deeds: Sequence[Callable[[Disk, int], None]] = (
            self.move, self.rename, self.rename_folder, self.swap, self.delete, self.bring_back, self.copy, self.rate,
            self.retouch, self.touch, self.add, self.add_sidecar, self.move_with_sidecar, self.edit_sidecar,
        )  # fmt: skip

    def move(self, disk: Disk, number: int) -> None:
        if path := self._pick(disk, number):
            _rename(path, self._free(disk, FOLDERS[number % len(FOLDERS)], path.name))

    def rename(self, disk: Disk, number: int) -> None:
        if path := self._pick(disk, number):
            _rename(path, path.with_name(f"renamed {self._library.next()}{path.suffix}"))

    def rename_folder(self, disk: Disk, number: int) -> None:
        folders = sorted({path.parent for path in self._files(disk)} - {self._folder(disk)})
        if folders:
            folder = folders[number % len(folders)]
            _rename(folder, folder.with_name(f"folder {self._library.next()}"))

    def swap(self, disk: Disk, number: int) -> None:
        one, other = self._pick(disk, number), self._pick(disk, number // 7)
        if one and other and one != other and one.suffix == other.suffix:
            between = one.with_name(f"between {self._library.next()}")
            one.rename(between)
            other.rename(one)
            between.rename(other)

    def delete(self, disk: Disk, number: int) -> None:
        if path := self._pick(disk, number):
            self._deleted.append((disk.name, os.fspath(path.relative_to(self._folder(disk))), path.read_bytes()))
            path.unlink()

    def bring_back(self, disk: Disk, number: int) -> None:
        mine = [each for each in self._deleted if each[0] == disk.name]
        if mine:
            each = mine[number % len(mine)]
            self._deleted.remove(each)
            path = self._folder(disk) / each[1]
            if path.exists():
                path = path.with_name(f"back {self._library.next()}{path.suffix}")
            self._write(path, each[2])

    def copy(self, disk: Disk, number: int) -> None:
        if path := self._pick(disk, number):
            target = self._free(disk, FOLDERS[number % len(FOLDERS)], path.name)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)

    def rate(self, disk: Disk, number: int) -> None:
        """Other metadata, the same picture."""
        path = self._pick(disk, number)
        if path and path.suffix.lower() == ".jpg":
            self._write(path, self._pictures.rated(path.read_bytes(), number % 6))

    def retouch(self, disk: Disk, number: int) -> None:
        """Another picture in the place of this."""
        path = self._pick(disk, number)
        if path and path.suffix.lower() == ".jpg":
            self._write(path, self._pictures.plain(self._library.next()))

    def touch(self, disk: Disk, number: int) -> None:
        if path := self._pick(disk, number):
            os.utime(path, ns=(0, self._time()))

    def add(self, disk: Disk, number: int) -> None:
        new = self._library.next()
        path = self._free(disk, FOLDERS[number % len(FOLDERS)], f"own {new}.jpg")
        self._write(path, self._pictures.plain(new))

    def add_sidecar(self, disk: Disk, number: int) -> None:
        if path := self._pick(disk, number):
            self._write_sidecar(path.with_suffix(SIDECAR))

    def move_with_sidecar(self, disk: Disk, number: int) -> None:
        if path := self._pick(disk, number):
            target = self._free(disk, FOLDERS[number % len(FOLDERS)], path.name)
            if path.with_suffix(SIDECAR).exists() and not target.with_suffix(SIDECAR).exists():
                _rename(path.with_suffix(SIDECAR), target.with_suffix(SIDECAR))
            _rename(path, target)

    def edit_sidecar(self, disk: Disk, number: int) -> None:
        sidecars = [path for path in self._files(disk) if is_sidecar(path.name)]
        if sidecars:
            self._write_sidecar(sidecars[number % len(sidecars)])

    # parts

    def _folder(self, disk: Disk) -> Path:
        place = disk.place
        return place.base / place.shape.photos

    def _files(self, disk: Disk) -> list[Path]:
        folder = self._folder(disk)
        found = [path for path in folder.rglob("*") if path.is_file()]
        own = (".imalink", "imalink-")
        return sorted(path for path in found if not str(path.relative_to(folder)).startswith(own))

    def _pick(self, disk: Disk, number: int) -> Path | None:
        pictures = [path for path in self._files(disk) if not is_sidecar(path.name)]
        return pictures[number % len(pictures)] if pictures else None

    def _free(self, disk: Disk, folder: str, name: str) -> Path:
        path = self._folder(disk) / folder / name
        while path.exists():
            path = path.with_name(f"{PurePosixPath(name).stem} {self._library.next()}{path.suffix}")
        return path

    def _write_sidecar(self, path: Path) -> None:
        self._write(path, b"<x>%d</x>" % self._library.next())

    def _write(self, path: Path, data: bytes) -> None:
        """Write as most programs do: beside the file, then in its place."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"draft {self._library.next()}")
        draft.write_bytes(data)
        os.utime(draft, ns=(0, self._time()))
        draft.rename(path)

    def _time(self) -> int:
        return self._library.next() * 1_000_000_007


def _rename(old: Path, new: Path) -> None:
    new.parent.mkdir(parents=True, exist_ok=True)
    old.rename(new)
