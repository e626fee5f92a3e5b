"""Two machines and two disks: what they do through ImaLink, each step judged by the oracle and by the books.

One disk holds a storage that ImaLink made, the other a folder of the user's that was adopted.
"""

from __future__ import annotations

import json
import random
import shutil
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from imalink.catalog.file_storages import StorageRecord
from imalink.core.ids import WriterId
from imalink.errors import ImalinkError
from imalink.workflows.adopt_folder import adopt_folder
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from tests.crash import oracle
from tests.crash.oracle import Facts, Place
from tests.crash.stage import Stage
from tests.stateful.books import Sayings, Told, said_value
from tests.stateful.observed import Standing, look_at
from tests.stateful.pictures import Pictures
from tests.support.folder_image import FolderImage
from tests.support.scenes import BodyWatch
from tests.support.workbench import STARTS_AT, SteppingClock, Workbench

T = TypeVar("T")
MACHINES = ("desk", "attic")
DISKS = ("made", "adopted")
FIELDS = ("rating", "title", "tags.rome")
OWN_PICTURES = 2
_NOTHING = Told()


@dataclass
class Disk:
    """One disk as the books have it."""

    name: str
    folder: Path
    uuid: str
    is_behind: bool = False
    """The user, or an undo, changed something since the last look."""
    told: Told = field(default_factory=Told)
    brought: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    """The checksums of what imports placed, by session."""

    @property
    def is_plugged(self) -> bool:
        return self.folder.is_dir()

    @property
    def place(self) -> Place:
        [root] = [path for path in self.folder.iterdir() if (path / ".imalink-storage").exists()]
        return Place(root)


@dataclass
class Machine:
    """One machine as the books have it: what its catalog was told of each disk, and what waits to be told there."""

    name: str
    bench: Workbench
    views: dict[str, Told] = field(default_factory=dict[str, Told])
    waiting: dict[str, Told] = field(default_factory=dict[str, Told])
    in_step_with: set[str] = field(default_factory=set[str])
    """The disks on which nobody else worked since it did."""

    def seen(self) -> Told:
        everything = Told()
        for each in (*self.views.values(), *self.waiting.values()):
            everything.take(each)
        return everything


@dataclass(frozen=True)
class PhotoLine:
    """One photo as a catalog has it."""

    files: tuple[str, ...]
    storages: frozenset[str]
    said: Mapping[str, Any] | None


@dataclass(frozen=True)
class Change:
    """What one operation did: the disks before and after, and why it was refused if it was."""

    before: Mapping[str, Standing]
    now: Mapping[str, Standing]
    refused: ImalinkError | None


def prepare(stage: Stage, pictures: Pictures) -> FolderImage:
    """Make the disks, and let both machines know them; every run begins with these files."""
    stage.clear()
    for name in DISKS:
        (stage.folder / name).mkdir()
    own = stage.folder / "adopted/own pictures"
    own.mkdir()
    for number in range(OWN_PICTURES):
        (own / f"own {number}.jpg").write_bytes(pictures.plain(9000 + number))
    with stage.process(name=MACHINES[0]) as bench:
        bench.create("Made", stage.folder / "made")
        adopt_folder(bench.tools, folder=own, display_name="Adopted")
    for name in MACHINES[1:]:
        with stage.process(name=name) as bench:
            candidates, _ = find_candidates(bench.tools, [stage.folder])
            recover(bench.tools, candidates)
    return stage.keep()


class Library:
    """A run on a stage. Whatever a machine does, ``operation`` looks at the disks before and after."""

    def __init__(self, stage: Stage, pictures: Pictures, image: FolderImage) -> None:
        image.put(stage.folder)
        self.stage = stage
        self.pictures = pictures
        self.watch = BodyWatch()
        self.disks = {name: _find_disk(name, stage.folder / name) for name in DISKS}
        self.sayings = Sayings()
        self.lineage: dict[str, set[str]] = {}
        """Which pictures came of which by editing."""
        self.done: Counter[str] = Counter()
        self._uuids = random.Random(7)
        self._number = 0
        self._open = ExitStack()
        self.machines = {name: Machine(name, self._bench(name)) for name in MACHINES}
        for machine in self.machines.values():
            machine.in_step_with = set(DISKS)

    def close(self) -> None:
        self._open.close()

    def next(self) -> int:
        """Give a number that was not given before."""
        self._number += 1
        return self._number

    def plugged(self) -> list[Disk]:
        return [disk for disk in self.disks.values() if disk.is_plugged]

    def standing(self) -> dict[str, Standing]:
        """Read the disks that are there."""
        return {disk.name: look_at(disk.place) for disk in self.plugged()}

    # machines

    def _bench(self, name: str, writer: str | None = None) -> Workbench:
        clock = SteppingClock(STARTS_AT - timedelta(days=3 * MACHINES.index(name)))
        bench = self._open.enter_context(self.stage.process(self.watch, name=name, clock=clock))
        tools = replace(bench.tools, new_uuid=self._new_uuid)
        bench.tools = tools if writer is None else replace(tools, writer=WriterId(writer))
        return bench

    def _new_uuid(self) -> str:
        return str(uuid.UUID(int=self._uuids.getrandbits(128), version=4))

    def lose_catalog(self, machine: Machine, *, and_home: bool) -> None:
        """Let a machine lose its catalog, or all of ImaLink's files; what waited to be told is gone with it."""
        machine.bench.close()
        for path in sorted(machine.bench.home.iterdir()):
            if and_home and path.is_dir():
                shutil.rmtree(path)
            elif and_home or path.name.startswith("catalog.sqlite"):
                path.unlink()
        machine.bench = self._bench(machine.name, self._new_uuid() if and_home else None)
        machine.views, machine.waiting, machine.in_step_with = {}, {}, set()

    def record(self, machine: Machine, disk: Disk) -> StorageRecord:
        return next(each for each in machine.bench.records() if each.storage_uuid == disk.uuid)

    # doing

    def operation(
        self,
        name: str,
        machine: Machine,
        disks: Sequence[Disk],
        act: Callable[[], T],
        *,
        may_be_refused: bool = False,
        on_card: Mapping[str, Facts] = MappingProxyType({}),
        is_each_once: bool = True,
        may_go: frozenset[str] = frozenset(),
        may_take_away: bool = False,
        brings_back: bool = False,
        learn: Callable[[T], bool] | None = None,
    ) -> tuple[T | None, Change]:
        """Let a machine do something on these disks, and see what must hold whatever is done.

        Of what is ``on_card`` each comes in at most once, unless that was asked for, or what stands there is in no
        session. ``may_go`` are the checksums of what is to be removed for good. ``learn`` is told what the machine gave
        before the books of what was said are brought up to date, and says whether there is anything new.
        """
        before = self.standing()
        whole = {sha256 for each in before.values() for sha256 in each.sums()} | {each[2] for each in on_card.values()}
        unknown = {sha256 for each in before.values() for sha256 in each.unknown_sums()}
        once = {name: facts for name, facts in on_card.items() if is_each_once and facts[2] not in unknown}
        looks = {
            disk.name: replace(
                oracle.look(disk.place, once, may_go=may_go),
                own=frozenset[str](),
                kept=frozenset(whole),
                is_replacing=True,
            )
            for disk in disks
        }
        result: T | None = None
        refused: ImalinkError | None = None
        try:
            result = act()
        except ImalinkError as error:
            if not may_be_refused:
                raise
            refused = error
        self.done[name if refused is None else f"{name}, refused"] += 1
        change = Change(before, self.standing(), refused)
        for disk in self.plugged():
            was, now = before[disk.name], change.now[disk.name]
            if may_take_away and refused is None and disk in disks:
                pass  # what may have gone is a matter for who asked for it
            else:
                gone = set(was.files.items()) - set(now.files.items())
                assert not gone, f"{name} on {disk.name} touched {sorted(gone)}"
            if disk not in disks or refused is not None:
                assert now.files.keys() <= was.files.keys(), f"{name} put something on {disk.name}"
            lost = was.sums() - now.sums()
            assert lost <= may_go, f"{name} lost files with the checksums {sorted(lost)}"
            assert now.misrecorded() == []
            assert was.quarantine.items() <= now.quarantine.items(), f"{name} touched the quarantine"
            if disk in disks:
                wrong = oracle.check_settled(
                    disk.place,
                    looks[disk.name],
                    is_complete=False,
                    may_be_vacant=may_take_away,
                    is_behind=disk.is_behind,
                )
                assert wrong == [], f"{name} on {disk.name}: {wrong}"
        if result is not None and learn is not None and not learn(result):
            return result, change
        for disk in disks:
            if refused is None:
                self.synchronise(machine, disk, change, brings_back=brings_back)
            else:
                self._overhear(machine, disk)
        if refused is None:
            self.check_catalog(machine, disks, change.now)
        return result, change

    # what was said

    def synchronise(self, machine: Machine, disk: Disk, change: Change, *, brings_back: bool = False) -> None:
        """Whoever works on a disk tells it what waits for it, and learns what it was told."""
        was, now = change.before[disk.name], change.now[disk.name]
        told = machine.waiting.pop(disk.name, Told())
        for hothash in {each[0] for each in told.surely} & (was.tombstones.keys() - was.known.keys()):
            told.doubt(hothash, is_asleep=False)
        disk.told.take(told)
        for new in now.known.keys() - was.known.keys():
            if brings_back and new in was.tombstones:
                disk.told.remember(new)
            for old, known in was.known.items():
                if known.photos & now.known[new].photos and new not in was.tombstones:
                    self.lineage.setdefault(old, set()).add(new)
                    disk.told.follow(old, new, is_sure=old not in now.known)
        for old, successors in self.lineage.items():
            for new in successors:
                disk.told.follow(old, new, is_sure=False)
        for hothash in {each[0] for each in disk.told.surely} - now.known.keys():
            disk.told.doubt(hothash)
        machine.views[disk.name] = Told()
        machine.views[disk.name].take(disk.told)
        for other in self.machines.values():
            other.in_step_with.discard(disk.name)
        machine.in_step_with.add(disk.name)

    def _overhear(self, machine: Machine, disk: Disk) -> None:
        """Who is refused may have told and learned something before."""
        disk.told.take_as_rumour(machine.waiting.get(disk.name, _NOTHING))
        machine.views.setdefault(disk.name, Told()).take_as_rumour(disk.told)
        machine.views[disk.name].doubt_all()
        for other in self.machines.values():
            other.in_step_with.discard(disk.name)

    def note_saying(self, machine: Machine, photo: PhotoLine, name: str, value: object) -> None:
        """Enter in the books that a machine said something of a photo."""
        seen = machine.seen()
        before = {event for each in photo.files for event in seen.surely.get((each, name), ())}
        event = self.sayings.say(value, before)
        for disk in self.disks.values():
            if disk.uuid not in photo.storages:
                continue
            waiting = machine.waiting.setdefault(disk.name, Told())
            for hothash in photo.files:
                if len(photo.storages) > 1:  # one of them may not have been told what the others were
                    waiting.take(seen.only(hothash))
                waiting.surely.setdefault((hothash, name), set()).add(event)

    # looking

    def photos(self, machine: Machine) -> dict[str, PhotoLine]:
        """Give the photos of a machine's catalog, by each of their pictures."""
        return _photos([json.loads(line) for line in machine.bench.dump()])

    def check_catalog(self, machine: Machine, disks: Iterable[Disk], now: Mapping[str, Standing]) -> None:
        """I11: a catalog says of these disks what their indexes say, and of all photos what its machine was told."""
        lines = [json.loads(line) for line in machine.bench.dump()]
        totals = {line["storage"]: line["total_files"] for line in lines if line["kind"] == "storage"}
        for disk in disks:
            wanted = set(_said_of_places(now[disk.name]))
            found = {
                (line["hothash"], line["relative_path"], line["sha256"] if line["status"] == "present" else "missing")
                for line in lines
                if line["kind"] == "location" and line["storage"] == disk.uuid
            }
            assert found == wanted, f"{machine.name}'s catalog differs of {disk.name}: {sorted(found ^ wanted)}"
            count = sum(line["kind"] == "location" and line["storage"] == disk.uuid for line in lines)
            assert totals[disk.uuid] == count, f"{disk.name} has {count} files and says {totals[disk.uuid]}"
            for hothash, known in now[disk.name].known.items():
                records = [record for photo in known.photos for record in now[disk.name].said.get(photo, ())]
                self._check_said(f"{disk.name}'s index", disk.told, (hothash,), records)
        seen = machine.seen()
        for photo in {photo.files: photo for photo in _photos(lines).values()}.values():
            self._check_said(f"{machine.name}'s catalog", seen, photo.files, [photo.said])

    def _check_said(
        self, who: str, told: Told, hothashes: Sequence[str], records: Sequence[Mapping[str, Any] | None]
    ) -> None:
        """One of the records says what may hold: of several sessions that had a picture one may know nothing."""
        for name in FIELDS:
            allowed = self.sayings.allowed(told, hothashes, name)
            found = [said_value(record, name) for record in records]
            assert not allowed.isdisjoint(found), (
                f"{who} says {found} of {name} of {[each[:8] for each in hothashes]}, and was told {allowed}"
            )

    def differences(self, machine: Machine) -> list[str]:
        """Say in what a machine's catalog differs from one made anew from all disks (I11)."""
        candidates, _ = find_candidates(machine.bench.tools, [disk.place.root for disk in self.plugged()])
        found = recover(machine.bench.tools, candidates, is_check=True).differences
        return [each for each in found if ": number was " not in each]  # each catalog numbers sessions by itself


def _find_disk(name: str, folder: Path) -> Disk:
    disk = Disk(name, folder, "")
    disk.uuid = json.loads((disk.place.root / ".imalink-storage").read_bytes())["storage_uuid"]
    return disk


def _said_of_places(standing: Standing) -> Iterator[tuple[str, str, str]]:
    for hothash, known in standing.known.items():
        yield from ((hothash, path, sha256) for path, sha256 in known.places)
        yield from ((hothash, path, "missing") for path in known.missing_at)


def _photos(lines: Iterable[dict[str, Any]]) -> dict[str, PhotoLine]:
    storages: dict[str, set[str]] = {}
    listed: list[dict[str, Any]] = []
    for line in lines:
        if line["kind"] == "location":
            storages.setdefault(line["hothash"], set()).add(line["storage"])
        elif line["kind"] == "photo":
            listed.append(line)
    found: dict[str, PhotoLine] = {}
    for line in listed:
        held = frozenset[str]().union(*(storages.get(each, set()) for each in line["files"]))
        photo = PhotoLine(tuple(line["files"]), held, line["user_facts"])
        found.update(dict.fromkeys(line["files"], photo))
    return found
