"""A user at random: moves, renames, swaps, copies, edits and deletes files of a folder, knowing nothing of indexes."""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tests.support.photos import make_jpeg, set_rating_in_place
from tests.support.storm_model import SIDECAR, File
from tests.support.workbench import SMALL

NAMES = ["x", "IMG_1", "é", "北", "DSC 7"]
FOLDERS = ["", "Rome/", "Rome/Night/", "ø/", "a b/", "2024/07/", "deep/er/and/deeper/"]


@dataclass(frozen=True)
class Deleted:
    """A file that can be brought back."""

    path: str
    hothash: str
    data: bytes


class UserStorm:
    """Changes files below ``folder``. In one round each thing happens to another picture, so that a look can tell."""

    def __init__(self, folder: Path, generator: random.Random) -> None:
        self._folder = folder
        self._random = generator
        self._number = generator.randrange(10_000, 1_000_000) * 1000
        self._deleted: list[Deleted] = []
        self.done: Counter[str] = Counter()
        self._tree: Mapping[str, File] = {}
        self._free: list[str] = []
        self._busy: set[str] = set()
        self._taken: set[str] = set()

    def round(self, tree: Mapping[str, File], actions: int) -> None:
        """Do some things to the files of ``tree``, which are all that there are."""
        self._tree, self._busy, self._taken = tree, set(), set()
        self._free = [path for path, file in sorted(tree.items()) if file.hothash is not None]
        self._random.shuffle(self._free)
        if self._random.random() < 0.6:
            self._rename_folder()
        kinds: list[Callable[[str], None]] = [
            self._move, self._move, self._move, self._rename, self._change_case, self._swap, self._copy, self._delete,
            self._rate, self._retouch, self._touch, self._add_sidecar, self._move_with_sidecar, self._edit_sidecar,
            self._part_sidecar, self._delete_sidecar,
        ]  # fmt: skip
        for _ in range(actions):
            chance = self._random.random()
            if chance < 0.1:
                self._add_new()
            elif chance < 0.2 and self._deleted:
                self._restore()
            else:
                kind = self._random.choice(kinds)
                kind(self._free_picture())
                self.done[kind.__name__] += 1

    # what happens to pictures

    def _rename_folder(self) -> None:
        folders = sorted({path.partition("/")[0] for path in self._tree if "/" in path})
        if not folders:
            return
        folder = self._random.choice(folders)
        inside = [path for path in self._tree if path.startswith(f"{folder}/")]
        target = f"{folder[:20]} {self._next()}"
        self._at(folder).rename(self._at(target))
        self._taken.update(inside)
        self._busy.update(hothash for path in inside if (hothash := self._tree[path].hothash) is not None)
        self.done["_rename_folder"] += 1

    def _move(self, path: str) -> None:
        self._put(path, self._new_name())

    def _rename(self, path: str) -> None:
        self._put(path, str(PurePosixPath(path).with_name(f"renamed {self._next()}.jpg")))

    def _change_case(self, path: str) -> None:
        other = str(PurePosixPath(path).with_name(PurePosixPath(path).name.swapcase()))
        if not self._at(other).exists():
            self._put(path, other)

    def _swap(self, path: str) -> None:
        other = self._free_picture()
        between = self._at(f"between {self._next()}")
        self._at(path).rename(between)
        self._at(other).rename(self._at(path))
        between.rename(self._at(other))

    def _copy(self, path: str) -> None:
        target = self._at(self._new_name())
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self._at(path), target)

    def _delete(self, path: str) -> None:
        hothash = self._tree[path].hothash
        assert hothash is not None
        self._deleted.append(Deleted(path, hothash, self._at(path).read_bytes()))
        self._at(path).unlink()
        self._taken.add(path)

    def _restore(self) -> None:
        deleted = self._deleted.pop(self._random.randrange(len(self._deleted)))
        if deleted.hothash in self._busy:
            self._deleted.append(deleted)
            return
        self._busy.add(deleted.hothash)
        is_free = not self._at(deleted.path).exists() and deleted.path not in self._taken
        path = deleted.path if is_free and self._random.random() < 0.6 else self._new_name()
        self._write(path, lambda draft: draft.write_bytes(deleted.data))
        self.done["_restore"] += 1

    def _rate(self, path: str) -> None:
        self._write(path, lambda draft: set_rating_in_place(draft, self._random.randrange(6)))

    def _retouch(self, path: str) -> None:
        self._write(path, lambda draft: make_jpeg(draft, seed=self._next(), size=SMALL))

    def _touch(self, path: str) -> None:
        os.utime(self._at(path), ns=(0, self._next() * 1_000_000_007))

    def _add_new(self) -> None:
        self._write(self._new_name(), lambda draft: make_jpeg(draft, seed=self._next(), size=SMALL))
        self.done["_add_new"] += 1

    # what happens to sidecars

    def _add_sidecar(self, path: str) -> None:
        sidecar, stem = _sidecar_of(path), path.rpartition(".")[0]
        hothash = self._tree[path].hothash
        is_only = sum(file.hothash == hothash for file in self._tree.values()) == 1
        is_alone = sum(each.rpartition(".")[0].lower() == stem.lower() for each in self._tree) == 1
        if is_only and is_alone and not self._at(sidecar).exists():
            self._write_sidecar(sidecar)

    def _move_with_sidecar(self, path: str) -> None:
        target = self._new_name()
        self._put(path, target)
        if self._at(_sidecar_of(path)).exists():
            self._put(_sidecar_of(path), _sidecar_of(target))

    def _edit_sidecar(self, path: str) -> None:
        if self._at(_sidecar_of(path)).exists():
            self._write_sidecar(_sidecar_of(path))

    def _part_sidecar(self, path: str) -> None:
        if self._at(_sidecar_of(path)).exists():
            self._put(_sidecar_of(path), self._new_name(SIDECAR))

    def _delete_sidecar(self, path: str) -> None:
        if self._at(_sidecar_of(path)).exists():
            self._at(_sidecar_of(path)).unlink()

    def _write_sidecar(self, sidecar: str) -> None:
        self._write(sidecar, lambda draft: draft.write_text(f"<x>{self._next()}</x>"))

    # parts

    def _at(self, path: str) -> Path:
        return self._folder / path

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _free_picture(self) -> str:
        """A picture that nothing happened to in this round, nor to any of the same hothash."""
        while True:
            path = self._free.pop()
            hothash = self._tree[path].hothash
            if hothash is not None and hothash not in self._busy:
                self._busy.add(hothash)
                return path

    def _new_name(self, suffix: str = ".jpg") -> str:
        while True:
            name = f"{self._random.choice(FOLDERS)}{self._random.choice(NAMES)} {self._next() % 100_000}{suffix}"
            if name not in self._taken and not self._at(name).exists():
                return name

    def _put(self, old: str, new: str) -> None:
        self._at(new).parent.mkdir(parents=True, exist_ok=True)
        self._at(old).rename(self._at(new))
        self._taken.add(old)

    def _write(self, path: str, write: Callable[[Path], object]) -> None:
        """Write as most programs do: beside the file, then in its place."""
        target = self._at(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f"draft {self._next()}{target.suffix}")
        if target.exists():
            shutil.copyfile(target, draft)
        write(draft)
        os.utime(draft, ns=(0, self._next() * 1_000_000_007))
        draft.rename(target)


def _sidecar_of(path: str) -> str:
    return str(PurePosixPath(path).with_suffix(SIDECAR))
