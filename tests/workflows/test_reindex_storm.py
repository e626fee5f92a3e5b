"""A user at random over many days, against a model that only keeps books of what should be known."""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from imalink.workflows.recover import find_candidates, recover
from tests.support.photos import set_rating_in_place
from tests.support.scenes import Scene, counts, hothash_of, memory_folder
from tests.support.workbench import Workbench, make_source

ROUNDS = 12
ACTIONS_A_ROUND = 3
FULL_EVERY = 4


@dataclass
class Picture:
    """What should be known of one picture: its hothash and places, the main one first; none when it is missing."""

    hothash: str
    places: list[str]
    lost: bytes = b""
    lost_at: str = ""


@dataclass
class Storm:
    """Does things to the user's files and keeps books of them."""

    scene: Scene
    generator: random.Random
    pictures: list[Picture] = field(default_factory=list[Picture])
    orphans: dict[str, str] = field(default_factory=dict[str, str])
    expected: Counter[str] = field(default_factory=Counter[str])
    seen_orphans: set[str] = field(default_factory=set[str])
    taken: set[str] = field(default_factory=set[str])
    """Names given up in this round: what took one in the same round would be an edit, not what it was meant to be."""
    seed: int = 1000

    def new_seed(self) -> int:
        self.seed += 1
        return self.seed

    def free_name(self) -> str:
        while True:
            folder = self.generator.choice(["", "Rome/", "Rome/Night/", "ø/", "a b/", "2024/07/"])
            name = f"{folder}{self.generator.choice(['x', 'IMG_1', 'é', '北'])}{self.generator.randrange(4)}.jpg"
            if name not in self.taken and not (self.scene.photos / name).exists():
                return name

    def path(self, name: str) -> Path:
        return self.scene.photos / name

    # what happens to one picture

    def move(self, picture: Picture) -> None:
        at = self.generator.randrange(len(picture.places))
        new = self.free_name()
        self.scene.move(picture.places[at], new)
        picture.places[at] = new
        self.expected["moved"] += 1

    def delete(self, picture: Picture) -> None:
        at = self.generator.randrange(len(picture.places))
        name = picture.places.pop(at)
        picture.lost, picture.lost_at = self.path(name).read_bytes(), name
        self.path(name).unlink()
        self.taken.add(name)
        if not picture.places:
            self.expected["newly_missing"] += 1
        elif at == 0:
            picture.places.sort()
            self.expected["moved"] += 1

    def restore(self, picture: Picture) -> None:
        is_elsewhere = self.path(picture.lost_at).exists() or self.generator.random() < 0.5
        name = self.free_name() if is_elsewhere else picture.lost_at
        self.scene.at(name).write_bytes(picture.lost)
        picture.places.append(name)
        self.expected["moved" if is_elsewhere else "returned"] += 1

    def copy(self, picture: Picture) -> None:
        name = self.free_name()
        shutil.copyfile(self.path(picture.places[0]), self.scene.at(name))
        picture.places.append(name)

    def rate(self, picture: Picture) -> None:
        path = self.path(picture.places[0])
        before = path.read_bytes()
        set_rating_in_place(path, self.generator.randrange(6))
        os.utime(path, ns=(0, self.new_seed() * 1_000_000_007))
        self.expected["modified"] += path.read_bytes() != before

    def retouch(self, picture: Picture) -> None:
        name = picture.places.pop(0)
        self.scene.add(name, seed=self.new_seed())
        hothash = hothash_of(self.path(name))
        self.expected["modified"] += 1
        if picture.places:
            picture.places.sort()
            self.pictures.append(Picture(hothash, [name]))
        else:
            picture.hothash, picture.places = hothash, [name]

    def touch(self, picture: Picture) -> None:
        os.utime(self.path(picture.places[0]), ns=(0, self.new_seed() * 1_000_000_007))

    # what happens to others

    def swap(self, first: Picture, second: Picture) -> None:
        one, two = first.places[0], second.places[0]
        self.scene.move(one, "between")
        self.scene.move(two, one)
        self.scene.move("between", two)
        first.places[0], second.places[0] = two, one
        self.expected["moved"] += 2

    def add_orphan(self) -> None:
        name = self.free_name()
        self.scene.add(name, seed=self.new_seed())
        self.orphans[name] = hothash_of(self.path(name))

    def move_orphan(self) -> None:
        if self.orphans:
            old, new = self.generator.choice(sorted(self.orphans)), self.free_name()
            self.scene.move(old, new)
            self.orphans[new] = self.orphans.pop(old)

    def delete_orphan(self) -> None:
        if self.orphans:
            name = self.generator.choice(sorted(self.orphans))
            self.path(name).unlink()
            self.taken.add(name)
            del self.orphans[name]

    def import_some(self, number: int) -> None:
        """Another card comes in, in the middle of everything."""
        seeds = [self.new_seed() for _ in range(3)]
        source = make_source(self.scene.folder / f"storm {number}", 3, first_seed=seeds[0], name="C{:05}.jpg")
        self.scene.import_(source, f"Storm {number}")
        for seed in seeds:
            name = f"C{seed:05}.jpg"
            self.pictures.append(Picture(hothash_of(self.path(name)), [name]))

    # days

    def round(self) -> None:
        """Do some things, each to another picture, that one look must explain."""
        self.expected.clear()
        self.taken.clear()
        free = list(self.pictures)
        self.generator.shuffle(free)
        on_present: list[Callable[[Picture], None]] = [
            self.move, self.move, self.delete, self.copy, self.rate, self.retouch, self.touch,
        ]  # fmt: skip
        for _ in range(ACTIONS_A_ROUND):
            kind = self.generator.random()
            if kind < 0.2:
                self.generator.choice([self.add_orphan, self.move_orphan, self.delete_orphan])()
                continue
            picture = free.pop()
            if not picture.places:
                self.restore(picture)
            elif kind < 0.3 and free[-1].places:
                self.swap(picture, free.pop())
            else:
                self.generator.choice(on_present)(picture)

    def check(self, report_counts: dict[str, int], *, is_new: bool) -> None:
        """Compare a report, the indexes and the disk with the books."""
        missing = {picture.hothash for picture in self.pictures if not picture.places}
        standing = {
            "missing": len(missing),
            "orphans": len(self.orphans),
            "duplicates": sum(max(0, len(picture.places) - 1) for picture in self.pictures),
        }
        self.expected["new"] = len(set(self.orphans.values()) - self.seen_orphans)
        self.seen_orphans = set(self.orphans.values())
        wanted = Counter({**(self.expected if is_new else {}), **standing})
        assert report_counts == +wanted
        present = {(each.hothash, f"photos/{name}") for each in self.pictures for name in each.places}
        known = self.scene.places()
        assert {(hothash, path) for hothash, path, _, status in known if status == "present"} == present
        assert {hothash for hothash, _, _, status in known if status == "missing"} == missing
        assert set(self.scene.orphans()) == set(self.orphans)


@pytest.mark.parametrize("seed", range(10))
def test_a_storm_of_changes_is_told_as_it_happened(seed: int, tmp_path: Path, empty_catalog: Path) -> None:
    with memory_folder(tmp_path) as folder, Scene(folder, empty_catalog) as scene:
        storm = Storm(scene, random.Random(seed))
        storm.import_some(0)
        storm.import_some(1)
        scene.look()
        for number in range(ROUNDS):
            storm.round()
            storm.check(counts(scene.look(accepts_losses=True)), is_new=True)
            if number % FULL_EVERY == 0:
                storm.check(counts(scene.look_full()), is_new=False)
            if number == ROUNDS // 2:
                storm.import_some(2)
                storm.check(counts(scene.look()), is_new=False)
        scene.settle()
        with Workbench(folder, empty_catalog=empty_catalog, name="a new machine") as other:
            candidates, _ = find_candidates(other.tools, [scene.root])
            recover(other.tools, candidates)
            assert other.dump() == scene.bench.dump()
