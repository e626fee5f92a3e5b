"""R14: whatever a user and two machines do to two disks, in whatever order, no picture and no word is lost.

Hypothesis chooses what happens; after every operation the oracle judges the disks (I1 … I14) and the books tell what
has to be known. Each run ends with everything plugged in, looked at by both machines, and rebuilt from the disks.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from imalink.catalog.operations import OperationState
from imalink.core.duplicate import DuplicatePolicy
from imalink.core.edit_request import EditRequest
from imalink.core.index import DeletionMode
from imalink.core.operation import OperationKind
from imalink.core.user_facts import FactChange
from imalink.errors import StorageOfflineError
from imalink.workflows.delete_photos import delete_photos
from imalink.workflows.edit_photos import EditReport, edit_photos
from imalink.workflows.empty_trash import empty_trash
from imalink.workflows.heal import heal
from imalink.workflows.import_report import ImportReport
from imalink.workflows.look_at_operations import get_operation, list_operations, list_undoable
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_report import ReindexReport
from imalink.workflows.reindex_request import ReindexRequest, Strategy
from imalink.workflows.restore_trash import restore_from_trash
from imalink.workflows.rollback_session import rollback_session
from imalink.workflows.undo_operation import undo_operation
from imalink.workflows.verify import verify
from imalink.workflows.verify_report import VerifyRequest
from tests.crash import oracle
from tests.crash.long_form import IS_LONG
from tests.crash.stage import Stage
from tests.stateful.books import UNSAID, looked_at, said_value, unexplained, untouched
from tests.stateful.library import FIELDS, MACHINES, Change, Disk, Library, Machine, prepare
from tests.stateful.observed import Standing, is_sidecar
from tests.stateful.pictures import Pictures, picture_in
from tests.stateful.user import User
from tests.support.folder_image import FolderImage
from tests.support.rot import flip_bit
from tests.support.scenes import memory_folder

RUNS, STEPS = (20_000, 20) if IS_LONG else (150, 6)
LEAST = {"look": 100, "import": 10, "edit": 10, "delete": 10, "undo": 3}
"""How often each operation is done at least: a model that does nothing finds nothing."""
RARE = ("recover", "verify", "heal", "restore", "empty trash", "rollback")
RARE_LEAST = 20
"""Of these chance gives each run its own share, so they are counted together; each has a test of its own elsewhere."""
NUMBERS = st.integers(min_value=0, max_value=2**32 - 1)
DEEDS = st.lists(st.tuples(NUMBERS, NUMBERS), min_size=5, max_size=14)
MODES = (DeletionMode.TRASH, DeletionMode.TRASH, DeletionMode.SOFT, DeletionMode.HARD)
BEFORE = 20
"""What the user does before anything else."""
WHICH = st.integers(min_value=0, max_value=3)
HAPPENINGS = (
    *["user"] * 11,
    *["import_a_card", "delete", "verify_after_rot", "say_something"] * 3,
    *["look", "restore_from_trash", "undo", "empty_trash"] * 2,
    *["rollback", "lose_the_catalog_and_recover", "unplug", "plug_in"],
)
"""What the user and machines do and disks undergo, as often as it should be tried."""


class Tale:
    """The files that all runs begin with, and what has been counted in all of them."""

    def __init__(self, folder: Path) -> None:
        self.stage = Stage(folder)
        self.pictures = Pictures(folder / "pictures")
        self.image: FolderImage = prepare(self.stage, self.pictures)
        self.runs = 0
        self.steps: Counter[str] = Counter()
        self.operations: Counter[str] = Counter()


@dataclass(frozen=True)
class LastOperation:
    """What was done last, where, and what stood there before; ``was_behind`` tells of the time after it."""

    machine: Machine
    operation_uuid: str
    disk: Disk
    before: Standing
    was_behind: bool


class TwoMachinesAndAUser(RuleBasedStateMachine):
    """What may happen. ``which`` chooses a machine and a disk."""

    tale: ClassVar[Tale]

    def __init__(self) -> None:
        super().__init__()
        self.library = Library(self.tale.stage, self.tale.pictures, self.tale.image)
        self.user = User(self.library, self.tale.pictures)
        self.cards: list[Path] = []
        self.edits: dict[str, list[tuple[tuple[str, ...], str, object]]] = {}
        """What each edit changed: of which pictures which field, and what was said before."""
        self.steps = 0
        self.away: dict[str, Standing] = {}
        """What stood on disks that are unplugged."""
        self.last: LastOperation | None = None
        """The last thing that was done, if that can be undone."""

    def step(self, which: int, name: str) -> tuple[Machine, Disk]:
        """Count a step, and say who does it where: on the disk that is meant, or on the other if that is away."""
        self.steps += 1
        self.tale.steps[name] += 1
        machine = self.library.machines[MACHINES[which % 2]]
        disks = list(self.library.disks.values())
        if not self.library.plugged():
            self._plug_in(disks[0], elsewhere=False)
        disk = disks[which // 2 % 2]
        return machine, disk if disk.is_plugged else self.library.plugged()[0]

    def has(self, folder: str) -> bool:
        """Tell whether a disk that is there has such a folder."""
        return any((disk.place.root / folder).is_dir() for disk in self.library.plugged())

    # the user

    @initialize(which=WHICH, deeds=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=BEFORE, max_size=BEFORE))
    def user_has_been_there(self, which: int, deeds: Sequence[tuple[int, int]]) -> None:
        """Every run begins with a user who did something since the last look."""
        for deed in deeds:
            self._deed(which, *deed)

    @rule(which=WHICH, number=NUMBERS, deeds=DEEDS)
    def something_happens(self, which: int, number: int, deeds: Sequence[tuple[int, int]]) -> None:
        """One rule for all, and the number says what: else few runs would have many and many few of each."""
        name = Random(number).choice(HAPPENINGS)
        if name == "user":
            for deed in deeds:
                self._deed(which, *deed)
        else:
            getattr(self, name)(which, number)

    def _deed(self, which: int, deed: int, number: int) -> None:
        chosen = self.user.deeds[deed % len(self.user.deeds)]
        at = self.step(which, f"user: {chosen.__name__}")
        chosen(at[1], number)
        at[1].is_behind = True
        self.last = None

    # bringing in

    def import_a_card(self, which: int, number: int) -> None:
        policy = DuplicatePolicy.KEEP_BOTH if number % 4 == 1 else DuplicatePolicy.SKIP
        machine, disk = self.step(which, "import")
        card = self._fill_card(number)
        includes_deleted = number % 9 == 0
        on_card = oracle.tree(card)
        pictures = {path: picture_in((card / path).read_bytes()) for path in on_card if not is_sidecar(path)}
        report, change = self.library.operation(
            "import",
            machine,
            [disk],
            lambda: machine.bench.import_(
                self.library.record(machine, disk),
                card,
                title=f"Card {number}",
                duplicates=policy,
                includes_deleted=includes_deleted,
            ),
            on_card=on_card,
            is_each_once=policy is DuplicatePolicy.SKIP,
        )
        assert report is not None
        assert oracle.tree(card) == on_card, "I1: the card was touched"
        self._check_import(disk, change, report, pictures, includes_deleted=includes_deleted)
        self.last = None

    def _fill_card(self, number: int) -> Path:
        """A card that was in before and got more pictures, or a new one; some of its pictures are known somewhere."""
        library = self.library
        if number % 4 == 3 and self.cards:
            card = self.cards[number % len(self.cards)]
        else:
            card = library.stage.folder / f"card {library.next()}"
            card.mkdir()
            self.cards.append(card)
        for _ in range(number % 3):
            new = library.next()
            (card / f"IMG_{new:04}.jpg").write_bytes(library.pictures.plain(new))
        if number % 5 == 0:
            new = library.next()
            jpeg, raw = library.pictures.pair(new)
            (card / f"DSC_{new:04}.JPG").write_bytes(jpeg)
            (card / f"DSC_{new:04}.DNG").write_bytes(raw)
            (card / f"DSC_{new:04}.xmp").write_bytes(b"<x>%d</x>" % new)
        known = [
            disk.place.base / path
            for disk in library.plugged()
            for path in disk.place.pictures()
            if path.endswith(".jpg")
        ]
        if number % 2 and known:
            data = known[number // 2 % len(known)].read_bytes()
            data = library.pictures.rated(data, number % 6) if number % 3 else data
            (card / f"known {library.next()}.jpg").write_bytes(data)
        return card

    def _check_import(
        self,
        disk: Disk,
        change: Change,
        report: ImportReport,
        pictures: Mapping[str, tuple[str, str]],
        *,
        includes_deleted: bool,
    ) -> None:
        """What was on the card stands somewhere, and what came in came from the card."""
        before, now = change.before[disk.name], change.now[disk.name]
        came = {now.files[path][2] for path in now.files.keys() - before.files.keys()}
        known_before = {hothash for each in self._everywhere(change.before) for hothash in each.known}
        deleted = {hothash for each in self._everywhere(change.before) for hothash in each.tombstones}
        stands = {hothash for each in self._everywhere(change.now) for hothash in each.hothashes.values()}
        for path, (sha256, hothash) in pictures.items():
            is_new = hothash not in known_before and (includes_deleted or hothash not in deleted)
            assert not is_new or any(each[1] == sha256 for each in now.known[hothash].places), f"{path} did not come in"
            if report.source_no_longer_needed:
                assert hothash in stands, f"{path} is said to be archived, and stands nowhere"
        self._check_known("import", disk, change, {hothash for _, hothash in pictures.values()})
        if report.session_uuid is not None:
            disk.brought.setdefault(report.session_uuid, set()).update(came)

    def _everywhere(self, standing: Mapping[str, Standing]) -> list[Standing]:
        return [*standing.values(), *self.away.values()]

    # looking

    def look(self, which: int, number: int) -> None:
        machine, disk = self.step(which, "look")
        self._look(machine, disk, number)

    def _look(self, machine: Machine, disk: Disk, number: int) -> None:
        request = ReindexRequest(
            strategy=Strategy.FULL if number % 5 == 1 else Strategy.SMART,
            accepts_losses=True,
            adds_orphans=number % 6 == 1,
            removes_missing=number % 10 == 1,
        )
        known = self._operations(machine, disk)
        was_behind, disk.is_behind = disk.is_behind, False
        _, change = self.library.operation("look", machine, [disk], lambda: self._reindex(machine, disk, request))
        before, now = change.before[disk.name], change.now[disk.name]
        wrong = looked_at(before, now, adds=request.adds_orphans, removes=request.removes_missing)
        wrong += unexplained(now)
        assert wrong == [], f"look on {disk.name} (behind: {was_behind}): {wrong}"
        self.library.watch.read_bodies.clear()
        again = self._reindex(machine, disk, ReindexRequest())
        assert (again.changes_detected, again.files_hashed) == (False, 0)
        assert self.library.watch.read_bodies == []
        self._may_be_undone(machine, disk, before, known)

    def _reindex(self, machine: Machine, disk: Disk, request: ReindexRequest) -> ReindexReport:
        return reindex(machine.bench.tools, self.library.record(machine, disk), request)

    def verify_after_rot(self, which: int, number: int) -> None:
        """A bit flips in a file that nobody wrote since; it is found, and healed if good bytes can be had."""
        machine, disk = self.step(which, "verify")
        standing = self.library.standing()[disk.name]
        whole = [
            path for known in standing.known.values() for path, sha256 in known.places
            if path in standing.files
            and standing.files[path][1:] == (standing.times[path], sha256)
        ]  # fmt: skip
        if not whole:
            return
        path = sorted(whole)[number % len(whole)]
        place, good = disk.place.base / path, standing.files[path][2]
        was_behind, disk.is_behind = disk.is_behind, True
        flip_bit(place)
        tools, record = machine.bench.tools, self.library.record(machine, disk)
        report, _ = self.library.operation("verify", machine, [disk], lambda: verify(tools, record, VerifyRequest()))
        assert report is not None
        assert path in {str(each) for each in report.healable}, f"the flipped bit of {path} was not found"
        absent = {each for known in standing.known.values() for each in known.missing_at}
        assert was_behind or {str(each.file.path) for each in report.judged} - {path} <= absent, "a false alarm"
        healed, change = self.library.operation(
            "heal", machine, [disk], lambda: heal(tools, record), may_take_away=True
        )
        assert healed is not None
        before, now = change.before[disk.name], change.now[disk.name]
        if path in {str(each.path) for each in healed.healed}:
            assert now.files[path][2] == good
            assert before.files[path][2] in now.quarantine.values()
        else:
            assert now.files[path] == before.files[path]
            flip_bit(place)
            self.library.operation("verify", machine, [disk], lambda: verify(tools, record, VerifyRequest()))
        returned = {str(each.path) for each in healed.healed} - {path}
        for other in before.files.keys() | now.files.keys():
            if other != path and before.files.get(other) != now.files.get(other):
                assert other in returned
        disk.is_behind = was_behind
        missing = {hothash for hothash, known in before.known.items() if not known.places}
        self._check_known("heal", disk, Change({disk.name: standing}, self.library.standing(), None), missing)
        self.last = None

    # saying

    def say_something(self, which: int, number: int) -> None:
        machine, _ = self.step(which, "edit")
        name = FIELDS[number % len(FIELDS)]
        value: int | str | bool | None = {"rating": number // 3 % 6, "title": f"T{number % 7}"}.get(
            name, number % 2 == 0
        )
        value = None if number % 13 == 0 and not name.startswith("tags") else value
        photos = self.library.photos(machine)
        if not photos:
            return
        hothash = sorted(photos)[number // 11 % len(photos)]
        photo = photos[hothash]
        request = EditRequest(said=FactChange.of({name: value}))
        held = [disk for disk in self.library.plugged() if disk.uuid in photo.storages]
        was = said_value(photo.said, name)
        is_sure = all(disk.name in machine.in_step_with for disk in held)
        known = self._edits(machine)

        def learn(report: EditReport) -> bool:
            if report.edited:
                self.library.note_saying(machine, photo, name, value)
            return bool(report.edited)

        report, _ = self.library.operation(
            "edit",
            machine,
            held,
            lambda: edit_photos(machine.bench.tools, [hothash], request),
            learn=learn,
        )
        assert report is not None
        assert report.edited or was == value or (value is None and was == UNSAID)
        if report.edited:
            [uuid] = self._edits(machine) - known
            self.edits[uuid] = [(photo.files, name, was)]
            assert not is_sure or said_value(self.library.photos(machine)[hothash].said, name) == value
        self.last = None

    # deleting

    def delete(self, which: int, number: int) -> None:
        self._delete(which, number, MODES[number % len(MODES)])

    def _delete(self, which: int, number: int, mode: DeletionMode) -> None:
        machine, disk = self.step(which, f"delete: {mode.value}")
        standing = self.library.standing()[disk.name]
        if not standing.known:
            return
        hothash = sorted(standing.known)[number % len(standing.known)]
        known = self._operations(machine, disk)
        is_sure = disk.name in machine.in_step_with and not disk.is_behind
        meant = {each for each, known in standing.known.items() if known.photos & standing.known[hothash].photos}
        parts = [standing.known[each].places | standing.known[each].companions for each in meant]
        theirs = {(path, sha256) for each in parts for path, sha256 in each}
        _, change = self.library.operation(
            "delete",
            machine,
            [disk],
            lambda: delete_photos(machine.bench.tools, [hothash], mode=mode, storage=disk.uuid),
            may_be_refused=not is_sure,
            may_go=frozenset(sha256 for _, sha256 in theirs if mode is DeletionMode.HARD),
            may_take_away=True,
        )
        before, now = change.before[disk.name], change.now[disk.name]
        self._check_known("delete", disk, change, meant)
        assert not is_sure or hothash not in now.known
        gone = {(path, before.files[path][2]) for path in before.files.keys() - now.files.keys()}
        if mode is DeletionMode.TRASH:  # sidecars go as the user has edited them since, and are recorded as they are
            kept = {sha256 for each in meant & now.tombstones.keys() for sha256 in now.tombstones[each].kept.values()}
            sidecars = {path for each in meant for path, _ in before.known[each].companions}
            gone -= {(path, sha256) for path, sha256 in gone if path in sidecars and sha256 in kept}
        assert gone <= theirs, f"{sorted(gone - theirs)} went with {hothash[:8]}"
        for each in meant - now.known.keys():
            if each not in now.tombstones:
                assert disk.is_behind
                continue
            assert now.tombstones[each].mode == mode.value
            for path, sha256 in before.known[each].places:
                if path in before.files and before.files[path][2] == sha256:
                    assert (path in now.files) == (mode is DeletionMode.SOFT)
                    assert mode is not DeletionMode.TRASH or sha256 in now.trash.values()
        self._may_be_undone(machine, disk, before, known)

    def restore_from_trash(self, which: int, number: int) -> None:
        """Bring a picture back; where none was deleted, one is before that."""
        machine, disk = self.step(which, "restore")
        if not self.library.standing()[disk.name].tombstones:
            self._delete(which, number, DeletionMode.TRASH)
        standing = self.library.standing()[disk.name]
        if not standing.tombstones:
            return
        hothash = sorted(standing.tombstones)[number % len(standing.tombstones)]
        stone = standing.tombstones[hothash]
        known = self._operations(machine, disk)
        _, change = self.library.operation(
            "restore",
            machine,
            [disk],
            lambda: restore_from_trash(machine.bench.tools, [hothash], storage=disk.uuid),
            may_be_refused=True,
            brings_back=True,
        )
        before, now = change.before[disk.name], change.now[disk.name]
        self._check_known("restore", disk, change, before.tombstones)
        came = {now.files[path][2] for path in now.files.keys() - before.files.keys()}
        assert came <= set(before.trash.values())
        if stone.kept and stone.kept.keys() <= before.trash.keys() and hothash not in before.known:
            assert hothash in now.known, f"{hothash[:8]} did not come back: {change.refused}"
            assert {sha256 for _, sha256 in now.known[hothash].places} <= {facts[2] for facts in now.files.values()}
        self._may_be_undone(machine, disk, before, known)

    def empty_trash(self, which: int, number: int) -> None:
        machine, disk = self.step(which, "empty")
        _, change = self.library.operation(
            "empty trash",
            machine,
            [disk],
            lambda: empty_trash(machine.bench.tools, storage=disk.uuid),
            may_go=frozenset(self.library.standing()[disk.name].trash.values()),
        )
        before, now = change.before[disk.name], change.now[disk.name]
        assert untouched(before, now) == []
        assert before.files == now.files
        recorded = {path for stone in now.tombstones.values() if stone.mode == "trash" for path in stone.kept}
        assert not recorded & now.trash.keys(), "what has a record stays in the trash"
        self.last = None

    def rollback(self, which: int, number: int) -> None:
        machine, disk = self.step(which, "rollback")
        standing = self.library.standing()[disk.name]
        session = sorted(standing.sessions)[number % len(standing.sessions)] if standing.sessions else ""
        if not session:
            return
        known = self._operations(machine, disk)
        _, change = self.library.operation(
            "rollback",
            machine,
            [disk],
            lambda: rollback_session(machine.bench.tools, session),
            may_be_refused=True,
            may_take_away=True,
        )
        before, now = change.before[disk.name], change.now[disk.name]
        theirs = {hothash for hothash, known in before.known.items() if session in known.sessions}
        self._check_known("rollback", disk, change, theirs)
        gone = {before.files[path][2] for path in before.files.keys() - now.files.keys()}
        sidecars = {sha256 for hothash in theirs for _, sha256 in before.known[hothash].companions}
        assert gone <= disk.brought.get(session, set()) | sidecars, f"the user's own went: {gone}"
        assert gone <= set(now.trash.values())
        self._may_be_undone(machine, disk, before, known)

    # taking back

    def undo(self, which: int, number: int) -> None:
        """Take back what was done last; where that is nothing, something is said before."""
        machine, _ = self.step(which, "undo")
        if not list_undoable(machine.bench.tools):
            self.say_something(which, number)
        last = self.last if self.last is not None and self.last.machine is machine else None
        tools = machine.bench.tools
        if last is None and not list_undoable(tools):
            return
        record = get_operation(tools, last.operation_uuid) if last is not None else list_undoable(tools)[0]
        operation = record.operation
        disks = [disk for disk in self.library.plugged() if disk.uuid in record.storages]
        photos = self.library.photos(machine)
        if operation.kind == OperationKind.REINDEX:  # the indexes will say what was, and not what stands there
            for disk in disks:
                disk.is_behind = True

        def learn(_: object) -> bool:
            for files, name, was in self.edits.get(operation.operation_uuid, ()):
                for photo in {photos[each].files: photos[each] for each in files if each in photos}.values():
                    self.library.note_saying(machine, photo, name, None if was == UNSAID else was)
            return True

        _, change = self.library.operation(
            f"undo {operation.kind}",
            machine,
            disks,
            lambda: undo_operation(machine.bench.tools, operation.operation_uuid),
            may_be_refused=True,
            may_take_away=True,
            brings_back=True,
            learn=learn,
        )
        for disk in disks:
            before, now = change.before[disk.name], change.now[disk.name]
            gone = {before.files[path][2] for path in before.files.keys() - now.files.keys()}
            assert gone <= now.kept_sums() | {facts[2] for facts in now.files.values()}
            if operation.kind is OperationKind.EDIT:
                assert untouched(before, now) == []
        if last is not None:
            now = change.now[last.disk.name]
            assert change.refused is None, f"what was just done cannot be undone: {change.refused}"
            wrong = untouched(last.before, now)
            assert wrong == [], f"undo of {operation.title}: {wrong}"
            assert operation.kind == OperationKind.REINDEX or last.before.files == now.files
            last.disk.is_behind |= last.was_behind
        self.last = None

    def _operations(self, machine: Machine, disk: Disk) -> set[str] | None:
        """Give what a machine knows was done; None where it will also learn now what another did."""
        if disk.name not in machine.in_step_with:
            return None
        return {view.record.operation.operation_uuid for view in list_operations(machine.bench.tools)}

    def _may_be_undone(self, machine: Machine, disk: Disk, before: Standing, known: set[str] | None) -> None:
        """Remember what an undo has to bring back, if there is anything new to undo."""
        new = {
            view.record.operation.operation_uuid
            for view in list_operations(machine.bench.tools)
            if view.record.state is OperationState.DONE and view.session_number is None
        } - (known or set())
        is_one = known is not None and len(new) == 1
        self.last = LastOperation(machine, new.pop(), disk, before, disk.is_behind) if is_one else None

    def _edits(self, machine: Machine) -> set[str]:
        operations = (view.record.operation for view in list_operations(machine.bench.tools))
        return {each.operation_uuid for each in operations if each.kind == OperationKind.EDIT}

    # machines and disks come and go

    def lose_the_catalog_and_recover(self, which: int, number: int) -> None:
        machine, _ = self.step(which, "recover")
        self.library.lose_catalog(machine, and_home=number % 3 == 0)
        self._recover(machine, self.library.plugged())
        self.last = None

    def _recover(self, machine: Machine, disks: list[Disk]) -> None:
        tools = machine.bench.tools
        roots = [disk.folder for disk in disks]
        candidates, _ = find_candidates(tools, roots)
        report, change = self.library.operation("recover", machine, disks, lambda: recover(tools, candidates))
        assert report is not None
        assert {each.storage_uuid for each in report.storages} == {disk.uuid for disk in disks}
        for disk in disks:
            assert untouched(change.before[disk.name], change.now[disk.name]) == []

    def unplug(self, which: int, number: int) -> None:
        _, disk = self.step(which, "unplug")
        self.away[disk.name] = self.library.standing()[disk.name]
        disk.folder.rename(self._cupboard(disk))
        for machine in self.library.machines.values():
            before = machine.bench.dump()
            with pytest.raises(StorageOfflineError):
                self._reindex(machine, disk, ReindexRequest(accepts_losses=True))
            assert machine.bench.dump() == before, "offline became something else"
        self.last = None

    def plug_in(self, which: int, number: int) -> None:
        self.steps += 1
        self.tale.steps["plug in"] += 1
        away = [disk for disk in self.library.disks.values() if not disk.is_plugged]
        if away:
            self._plug_in(away[number % len(away)], elsewhere=number % 2 == 0)

    def _plug_in(self, disk: Disk, *, elsewhere: bool) -> None:
        if elsewhere:
            disk.folder = self.library.stage.folder / f"mount {self.library.next()}"
        self._cupboard(disk).rename(disk.folder)
        assert self.library.standing()[disk.name].files == self.away.pop(disk.name).files
        for machine in self.library.machines.values():
            is_known = any(each.storage_uuid == disk.uuid for each in machine.bench.records())
            if elsewhere or not is_known:
                self._recover(machine, [disk])
        self.last = None

    def _cupboard(self, disk: Disk) -> Path:
        return self.library.stage.folder / f"{disk.name} in the cupboard"

    # what must hold

    def _check_known(self, name: str, disk: Disk, change: Change, besides: Iterable[str]) -> None:
        """Of no other picture anything else is known, unless a look told what the user had done."""
        before, now = change.before[disk.name], change.now[disk.name]
        wrong = untouched(before, now, besides)
        if wrong and disk.is_behind:
            found = looked_at(before, now, besides)
            wrong = found and [*wrong, *found]
        assert wrong == [], f"{name} on {disk.name}: {wrong}"

    def teardown(self) -> None:
        """Everything is plugged in, both machines look at everything, and the oracle judges all of it."""
        try:
            if sys.exception() is None:  # else the run has failed already
                self._end()
        finally:
            self.library.close()
        self.tale.runs += 1
        self.tale.operations.update(self.library.done)

    def _end(self) -> None:
        for disk in self.library.disks.values():
            if not disk.is_plugged:
                self._plug_in(disk, elsewhere=False)
        machines = list(self.library.machines.values())
        machine = machines[self.steps % 2]
        if self.steps % 12 == 0:
            self._check_that_machines_agree(machines)
        else:
            for disk in self.library.disks.values():
                self._look(machine, disk, 0)
        if self.steps % 4 == 0:
            assert self.library.differences(machine) == [], "I11"
        if self.steps % 6 == 1:
            before = [oracle.tree(disk.place.root) for disk in self.library.disks.values()]
            self._recover(machine, list(self.library.disks.values()))
            assert [oracle.tree(disk.place.root) for disk in self.library.disks.values()] == before, "I7"

    def _check_that_machines_agree(self, machines: list[Machine]) -> None:
        """The first looks once more, for the last may have had something to tell."""
        for machine in (*machines, machines[0]):
            for disk in self.library.disks.values():
                self._look(machine, disk, 0)
        said = [
            {hothash: [said_value(photo.said, name) for name in FIELDS] for hothash, photo in photos.items()}
            for photos in (self.library.photos(machine) for machine in machines)
        ]
        assert said[0] == said[1], "two machines that know the same do not say the same"


@pytest.fixture(scope="module")
def tale(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tale]:
    with memory_folder(tmp_path_factory.mktemp("tale")) as folder:
        yield Tale(folder)


def _run(runs: int, steps: int) -> None:
    run_state_machine_as_test(
        TwoMachinesAndAUser,
        settings=settings(
            max_examples=runs,
            stateful_step_count=steps,
            deadline=None,
            derandomize=not IS_LONG,
            database=None,
            print_blob=True,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
            phases=[Phase.generate, Phase.shrink] if "IMALINK_SHRINK" in os.environ else [Phase.generate],
        ),
    )


def test_whatever_happens_no_picture_and_no_word_is_lost(
    tale: Tale, record_property: Callable[[str, object], None]
) -> None:
    TwoMachinesAndAUser.tale = tale
    try:
        _run(RUNS, STEPS)
    finally:
        steps = tale.steps.total()
        print(f"R14: runs {tale.runs}, steps {steps}, operations {dict(tale.operations)}")  # noqa: T201
    record_property("R14: runs", tale.runs)
    record_property("R14 steps: in runs of the stateful model", steps)
    assert tale.runs >= 150
    assert steps >= 150 * 30
    done = Counter({name: tale.operations[name] for name in LEAST})
    done["undo"] = sum(count for name, count in tale.operations.items() if name.startswith("undo"))
    assert {name: count for name, count in done.items() if count < LEAST[name]} == {}
    assert sum(tale.operations[name] for name in RARE) >= RARE_LEAST
