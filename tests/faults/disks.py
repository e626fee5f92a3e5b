"""A storage on a disk that can be taken away, the command that works on it, and what must hold afterwards."""

from __future__ import annotations

import os
import random
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from tests.crash import oracle
from tests.support.loop_disk import LoopDisk
from tests.support.photos import make_jpeg
from tests.support.warm_process import RunningCommand, WarmImalink
from tests.support.workbench import make_source

PICTURES = 8
OWN = "2024/my own.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """A disk with a new storage and a file of the user's, the home that knows it, and a card: to be copied."""

    folder: Path
    disk: LoopDisk
    home: Path
    card: Path
    name: str
    sources: dict[str, oracle.Facts]
    planted: dict[str, oracle.Facts]


def make_original(folder: Path, kind: str, *, has_home_on_disk: bool = False, imports: int = 0) -> Original:
    """Make it below ``folder``, with so many pictures imported already."""
    disk = LoopDisk(folder / f"original.{kind}", folder / "disk", kind)
    disk.make()
    disk.mount()
    home = disk.place / "home" if has_home_on_disk else folder / "original home"
    card = make_source(folder / "card", PICTURES)
    make_jpeg(card / "raw and all/IMG_0001.jpg", seed=77)
    (card / "IMG_0002.xmp").write_text("<x/>")
    for number, path in enumerate(sorted(card.rglob("*.*"))):
        os.utime(path, (1, 1_720_000_000 + 2 * number))  # FAT keeps every second second
    try:
        with WarmImalink(folder, home) as imalink:
            made = imalink("storage", "create", disk.place, "--name", "Blue", "--json")
            root = Path(made.json["full_path"])
            own = root / "photos" / OWN
            own.parent.mkdir(parents=True)
            own.write_text("mine")
            planted = oracle.tree(root / "photos")
            if imports:
                earlier = make_source(folder / "earlier", imports, first_seed=20)
                assert imalink("import", earlier, "--storage", "Blue", "--title", "Earlier").code == 0
    finally:
        disk.unmount()
    return Original(
        folder=folder,
        disk=disk,
        home=home,
        card=card,
        name=root.name,
        sources=oracle.tree(card),
        planted=planted,
    )


class Trial:
    """A copy of an original, used up by one trial."""

    def __init__(self, original: Original, name: str) -> None:
        self.original = original
        self.folder = original.folder / name
        self.folder.mkdir()
        # Where the storage was last seen, which is where a copy is mounted: no longer in use by the original.
        self.disk = original.disk.copy(self.folder / "image", original.disk.place)
        self.home = original.home
        if not original.home.is_relative_to(original.disk.place):
            self.home = self.folder / "home"
            shutil.copytree(original.home, self.home)
        self.disk.mount()

    @property
    def root(self) -> Path:
        return self.disk.place / self.original.name

    def progress(self) -> int:
        """Tell how far an import has come: files staged or placed; more than any number once committed."""
        if _count(self.root / ".imalink/metadata/commits"):
            return 1_000
        staged = sum(_count(run) for run in _folders(self.root / ".imalink/staging"))
        return staged + sum(_count(folder) for folder in (self.root / "photos", self.root / "photos/raw and all"))

    def wait_for(self, command: RunningCommand, progress: int) -> bool:
        """Wait until the import has come that far; False if it has ended by then."""
        while not command.has_ended():
            if self.progress() >= progress:
                return True
            time.sleep(0.0005)
        return False

    @property
    def _before(self) -> oracle.Before:
        return oracle.Before.with_own(self.original.sources, self.original.planted)

    def violations_at_crash(self) -> list[str]:
        return oracle.check_at_crash(oracle.Place(self.root), self._before)

    def violations_settled(self) -> list[str]:
        found = oracle.check_settled(oracle.Place(self.root), self._before, is_complete=True)
        found += [] if oracle.tree(self.original.card) == self.original.sources else ["the source was touched"]
        found += ["the lock was left"] if (self.root / ".imalink-storage.lock").exists() else []
        return found

    def close(self) -> None:
        self.disk.put_away()
        shutil.rmtree(self.folder)


def a_moment(number: random.Random, *, whole: int) -> int:
    """Give how far an import should come: mostly in its midst, now and then up to its commit."""
    return number.choice([*range(1, 2 * whole), 1_000])


def _count(folder: Path) -> int:
    try:
        return len(os.listdir(folder))
    except OSError:
        return 0


def _folders(folder: Path) -> list[Path]:
    try:
        return [Path(each.path) for each in os.scandir(folder) if each.is_dir()]
    except OSError:
        return []
