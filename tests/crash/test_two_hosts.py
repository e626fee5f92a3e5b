"""Two machines on one storage: one is kept out, one dies, one sleeps, both believe to hold the lock; nothing is lost.

Each case ends with both machines repeating what they wanted, and with the oracle over everything both had brought.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count, product
from pathlib import Path
from typing import TypeVar

import pytest

from imalink.core.organization import DATE
from imalink.durable_files import FileCalls
from imalink.errors import ImalinkError, IndexChangedError, StorageLockedError
from imalink.storage import file_storage as file_storage_module
from imalink.storage import lock as lock_module
from imalink.storage.host import Host, this_host
from imalink.storage.lock_files import LOCK_NAME
from imalink.workflows.import_report import ImportReport
from imalink.workflows.mend_indexes import mend_indexes
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.storage_access import fold_notes, open_storage, project_fold
from imalink.workflows.unlock_storage import unlock_storage
from tests.crash import oracle
from tests.crash.stage import Stage
from tests.support.faults import MUTATING, CrashingCalls, InterposedCalls, LimitedCalls, SimulatedCrash
from tests.support.photos import make_jpeg
from tests.support.workbench import SMALL, STARTS_AT, SteppingClock, Workbench

T = TypeVar("T")
ReportCount = Callable[[str, int, int], None]

HERE = this_host()


def process(pid: int, *, start: int | None = 77) -> Host:
    """A process of this machine; ``start`` is what it finds under the number of any other."""

    def find_process_start(_: int) -> int | None:
        return start

    return replace(HERE, pid=pid, pid_start=77, find_process_start=find_process_start)


ATTIC = replace(process(17), host_id="a" * 32, hostname="attic", boot_id="attic's")
DESK = process(4_000_001, start=None)
"""Where it looks for a process, there is none."""


@dataclass
class Machines:
    """Two machines that share a disk. The storage knows nothing of them but what they write."""

    stage: Stage
    monkeypatch: pytest.MonkeyPatch

    def __post_init__(self) -> None:
        self._now = HERE
        self.monkeypatch.setattr(lock_module, "this_host", lambda: self._now)
        self.monkeypatch.setattr(lock_module, "GARBAGE_WAIT_SECONDS", 0.01)
        folder = self.stage.folder
        self.cards = {"desk": folder / "desk's card", "attic": folder / "attic's card"}
        for seed, (owner, name) in enumerate(product(self.cards, ("x.jpg", "y.jpg")), start=1):
            make_jpeg(self.cards[owner] / name, seed=seed, size=SMALL, taken="2024:07:10 14:30:00")
        shutil.copy2(self.cards["desk"] / "y.jpg", self.cards["attic"] / "both have it.jpg")
        with self.machine("desk", HERE) as bench:
            self.root = bench.root(bench.create())
        with self.machine("attic", HERE) as bench:
            candidates, _ = find_candidates(bench.tools, [self.root])
            recover(bench.tools, candidates)
        self.sources = {
            f"{owner}/{name}": facts for owner, card in self.cards.items() for name, facts in oracle.tree(card).items()
        }
        self.stage.keep()

    @contextmanager
    def machine(self, name: str, host: Host, calls: FileCalls | None = None, *, days: int = 0) -> Generator[Workbench]:
        """Be a process on one of them, with a clock that is ``days`` off."""
        before, self._now = self._now, host
        try:
            clock = SteppingClock(STARTS_AT + timedelta(days=days))
            with self.stage.process(calls, name=name, clock=clock) as bench:
                yield bench
        finally:
            self._now = before

    def import_(self, bench: Workbench) -> ImportReport:
        [record] = bench.records()
        return bench.import_(record, self.cards[bench.name], title=bench.name, organization=DATE)

    def import_one_more(self, bench: Workbench, name: str, *, seed: int, session: str | None = None) -> ImportReport:
        """Import a card with one picture of its own, into a session that is known or one of its own."""
        [record] = bench.records()
        card = self.stage.folder / f"{name} {seed}"
        if not card.exists():
            make_jpeg(card / f"{name}.jpg", seed=seed, size=SMALL, taken="2024:07:11 10:00:00")
        self.sources.update({f"{card.name}/{path}": facts for path, facts in oracle.tree(card).items()})
        return bench.import_(record, card, title=name, session=session, organization=DATE)

    def unlock(self, bench: Workbench) -> None:
        """Watch the lock for as long as it takes, on a clock that is faster than ours."""
        [record] = bench.records()
        ticks = [0.0]

        def sleep(seconds: float) -> None:
            ticks[0] += seconds

        unlock_storage(bench.tools, record, host=self._now, monotonic=lambda: ticks[0], sleep=sleep)

    def finish(self, calls: Callable[[], FileCalls | None] = lambda: None) -> list[str]:
        """Let both repeat what they wanted, on a quiet storage; give what is wrong then."""
        # The attic's catalog cannot know what the desk brings after it; it must know that it does not, and catch up.
        for name, host in (("attic", ATTIC), ("desk", DESK), ("attic", ATTIC)):
            with self.machine(name, host, calls()) as bench:
                self.import_(bench)
        found = oracle.check_settled(oracle.Place(self.root), oracle.Before(self._one_of_each()), is_complete=True)
        found += [f"{name} was touched" for name in self._touched()]
        found += ["a lock was left"] if (self.root / LOCK_NAME).exists() else []
        for name, host in (("attic", ATTIC), ("desk", DESK)):
            with self.machine(name, host) as bench:
                found += [f"{name}'s catalog: {each}" for each in self.compare_catalog(bench)]
        return found

    def compare_catalog(self, bench: Workbench) -> list[str]:
        """Say in what a machine's catalog differs from one that would be made anew from the storage."""
        candidates, _ = find_candidates(bench.tools, [self.root])
        differences = recover(bench.tools, candidates, is_check=True).differences
        # Each catalog numbers sessions by itself; only what they hold must be alike.
        return [each for each in differences if ": number was " not in each]

    def _one_of_each(self) -> dict[str, oracle.Facts]:
        """Give each picture once: which of two equal ones came in first is nobody's concern."""
        return {facts[2]: facts for facts in self.sources.values()}

    def _touched(self) -> list[str]:
        now = {
            f"{owner}/{name}": facts for owner, card in self.cards.items() for name, facts in oracle.tree(card).items()
        }
        return sorted(name for name, facts in now.items() if self.sources[name] != facts)

    def placed(self) -> set[str]:
        return set(oracle.tree(self.root / "photos"))


@pytest.fixture
def machines(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machines]:
    yield Machines(stage, monkeypatch)


# --- one died -------------------------------------------------------------------------------------------------------

HOLDERS: dict[str, tuple[Host, bool]] = {
    "a dead process of this machine": (process(4_000_000), True),
    "a process whose number is used again": (replace(process(4_000_000), pid_start=5), True),
    "this machine before its reboot": (replace(process(4_000_000), boot_id="older"), True),
    "another machine": (replace(ATTIC, hostname="cellar", host_id="c" * 32), False),
    "another container of this machine": (replace(process(4_000_000), pid_namespace="another"), False),
    "a machine that cannot be told from others": (replace(ATTIC, host_id=""), False),
}
"""Who died while holding the lock, and whether that is proved to a look from the desk."""
OBSERVERS = {
    "a dead process of this machine": DESK,
    "a process whose number is used again": process(4_000_001, start=9),
}
DAYS = (0, 400, -400)
DRIVERS: dict[str, Callable[[], FileCalls | None]] = {"links": lambda: None, "no links": LimitedCalls}


def test_a_machine_that_died_at_work_is_succeeded_and_nothing_is_lost(
    machines: Machines, report_count: ReportCount
) -> None:
    violations: list[str] = []
    cases = 0
    for number, (who, driver, days) in enumerate(product(HOLDERS, DRIVERS, DAYS)):
        host, is_proved = HOLDERS[who]
        here = OBSERVERS.get(who, DESK)
        case = f"{who}, {driver}, clock {days} days off"
        machines.stage.put_back()
        dying = CrashingCalls(20 + 7 * number % 80, inner=DRIVERS[driver]())
        with machines.machine("attic", host, dying, days=days) as bench, suppress(SimulatedCrash):
            machines.import_(bench)
        assert dying.has_crashed, case
        assert (machines.root / LOCK_NAME).exists(), case
        with machines.machine("desk", here, DRIVERS[driver]()) as bench:
            try:
                machines.import_(bench)
                was_refused = False
            except StorageLockedError as error:
                was_refused = True
                violations += [] if "imalink unlock" in error.hint else [f"{case}: {error.hint}"]
                machines.unlock(bench)
                machines.import_(bench)
        violations += [f"{case}: refused: {was_refused}"] if was_refused == is_proved else []
        violations += [f"{case}: {each}" for each in machines.finish(DRIVERS[driver])]
        cases += 1
    report_count("machines that died with the lock", cases, 36)
    assert violations == []


# --- lock files that are none ---------------------------------------------------------------------------------------

TOKEN = "d" * 32
ODD: dict[str, Callable[[Path, Path], object]] = {
    "empty": lambda lock, _: lock.touch(),
    "garbage": lambda lock, _: lock.write_bytes(os.urandom(300)),
    "half a document": lambda lock, _: lock.write_text('{"token": "' + TOKEN),
    "a gigabyte": lambda lock, _: (lock.touch(), os.truncate(lock, 1 << 30)),
    "a link to a file outside": lambda lock, outside: lock.symlink_to(outside),
    "a link to nowhere": lambda lock, _: lock.symlink_to("/nowhere/at/all"),
    "a folder": lambda lock, _: lock.mkdir(),
    "a pipe": lambda lock, _: os.mkfifo(lock),
    "a token without its file": lambda lock, _: lock.write_text('{"token": "' + TOKEN + '"}'),
    "deep nesting": lambda lock, _: lock.write_text("[" * 60_000),
    "a record of odd types": lambda lock, _: lock.write_text(
        '{"token": "' + TOKEN + '", "host_id": "x", "pid": 1e400, "ttl_s": 1e400, "heartbeat": [], "hostname": {}}'
    ),
    "a record that asks for all time": lambda lock, _: lock.write_text(
        '{"token": "' + TOKEN + '", "host_id": "x", "pid": -1, "ttl_s": ' + "9" * 300 + ', "purpose": "\\u001b[2J"}'
    ),
}


def test_a_lock_file_that_is_none_keeps_nobody_out_for_long(
    machines: Machines, report_count: ReportCount, tmp_path: Path
) -> None:
    violations: list[str] = []
    outside = tmp_path / "outside"
    outside.write_bytes(b"mine")
    for odd, make in ODD.items():
        machines.stage.put_back()
        make(machines.root / LOCK_NAME, outside)
        with machines.machine("desk", DESK) as bench:
            try:
                machines.import_(bench)
            except StorageLockedError as error:
                violations += [] if error.message.isprintable() else [f"{odd}: {error.message!r}"]
                machines.unlock(bench)
                machines.import_(bench)
        violations += [f"{odd}: {each}" for each in machines.finish()]
        violations += [] if outside.read_bytes() == b"mine" else [f"{odd}: a link was followed"]
    report_count("lock files that are none", len(ODD), 12)
    assert violations == []


# --- both at work ---------------------------------------------------------------------------------------------------


class AtCall(InterposedCalls):
    """Lets another machine do something before, or after, the ``at``-th call ``among`` some (0: each of them)."""

    def __init__(
        self, at: int, do: Callable[[], object], *, among: frozenset[str] = MUTATING, is_after: bool = False
    ) -> None:
        super().__init__()
        self._at = at
        self._do = do
        self._among = among
        self._is_after = is_after
        self._count = 0

    @property
    def has_met(self) -> bool:
        return self._count >= self._at

    def _around(self, name: str, call: Callable[[], T], *arguments: object) -> T:
        if name not in self._among:
            return call()
        self._count += 1
        is_now = self._at in (0, self._count)
        if is_now and not self._is_after:
            self._do()
        result = call()
        if is_now and self._is_after:
            self._do()
        return result


class AtSave(InterposedCalls):
    """Lets another machine do something whenever an index is about to be written.

    That is before the last look at what is replaced. At every read it would never end: what the other machine brings is
    read then, too.
    """

    def __init__(self, do: Callable[[], object]) -> None:
        super().__init__()
        self._do = do

    def create_exclusive(self, directory: int, name: str, mode: int) -> int:
        if name.endswith(".tmp"):
            self._do()
        return super().create_exclusive(directory, name, mode)


def do_nothing(_: object) -> None:
    """Take the place of a look at the lock."""


STEP = 1 if os.environ.get("IMALINK_FAULTS_ALL") else 7
FOLDED_AT = (*range(1, 9), *range(9, 200, 1 if STEP == 1 else 48))
"""At which of the calls in question the other machine folds: where a file is read in many pieces there are hundreds."""


@pytest.mark.parametrize("notices", [True, False], ids=["noticed", "both hold it"])
def test_a_machine_that_sleeps_while_another_takes_its_lock_over_does_no_harm_when_it_wakes(
    machines: Machines, notices: bool, monkeypatch: pytest.MonkeyPatch, report_count: ReportCount
) -> None:
    """Where it does not notice, that is a network mount on which both believe to hold the lock."""
    monkeypatch.setattr(lock_module, "FRESH_SECONDS", 0.0 if notices else 1e9)
    if not notices:
        monkeypatch.setattr(lock_module.StorageLock, "verify", do_nothing)
    violations: list[str] = []
    cases = 0
    placed: list[set[str]] = []

    def take_over() -> None:
        with machines.machine("attic", ATTIC) as other:
            machines.unlock(other)
            machines.import_(other)
        placed.append(machines.placed())

    for at in range(1, 1000, STEP):
        placed.clear()
        machines.stage.put_back()
        calls = AtCall(at, take_over)
        error: ImalinkError | None = None
        with machines.machine("desk", DESK, calls) as bench:
            try:
                machines.import_(bench)
            except ImalinkError as raised:
                error = raised
            except OSError as raised:
                violations.append(f"{at}: a bare {raised!r} flew out")
        if not calls.has_met:
            break
        cases += 1
        if notices and error is not None and machines.placed() != placed[0]:
            violations.append(f"{at}: it went on to place {sorted(machines.placed() - placed[0])}")
        violations += [f"{at} ({error}): {each}" for each in machines.finish()]
    report_count(f"takeovers in an import, {'noticed' if notices else 'both hold the lock'}", cases, 100 // STEP)
    assert violations == []


# --- folds at once --------------------------------------------------------------------------------------------------

REPLACING = frozenset({"rename_replacing"})
READING = frozenset({"pread"})
ORDERS: dict[str, tuple[frozenset[str], bool]] = {
    "before the file is read again": (READING, False),
    "between reading again and replacing": (REPLACING, False),
    "after replacing": (REPLACING, True),
}


@pytest.fixture
def unlocked(machines: Machines, monkeypatch: pytest.MonkeyPatch) -> Machines:
    """Machines on a network mount that lets both have the lock."""

    @contextmanager
    def no_lock(*_: object, **__: object) -> Generator[object]:
        yield NoGuard()

    monkeypatch.setattr(file_storage_module, "hold_lock", no_lock)
    return machines


class NoGuard:
    def check(self) -> None: ...

    def verify(self) -> None: ...


@pytest.mark.parametrize("order", ORDERS)
def test_whatever_another_machine_folds_meanwhile_no_commit_is_lost(
    unlocked: Machines, order: str, report_count: ReportCount
) -> None:
    machines = unlocked
    among, is_after = ORDERS[order]
    violations: list[str] = []
    cases = 0
    with machines.machine("desk", DESK) as bench:  # a session of each is there already, to be folded into
        machines.import_(bench)
        session = str(machines.import_one_more(bench, "first", seed=50).session_id)
    machines.stage.keep()

    def fold_meanwhile() -> None:
        with machines.machine("attic", ATTIC) as other:
            machines.import_(other)
            machines.import_one_more(other, "meanwhile", seed=70, session=session)

    for at in FOLDED_AT:
        machines.stage.put_back()
        calls = AtCall(at, fold_meanwhile, among=among, is_after=is_after)
        error: ImalinkError | None = None
        with machines.machine("desk", DESK, calls) as bench:
            try:
                machines.import_one_more(bench, "second", seed=60, session=session)
            except ImalinkError as raised:
                error = raised
        if not calls.has_met:
            break
        cases += 1
        with machines.machine("desk", DESK) as bench:
            machines.import_one_more(bench, "second", seed=60, session=session)
        violations += [f"{at} ({error}): {each}" for each in machines.finish()]
    report_count(f"folds of two machines at once, {order}", cases, 5)
    assert violations == []


@pytest.mark.parametrize("folds", [False, True], ids=["is only behind", "has folded since"])
def test_a_catalog_that_lacks_what_another_machine_brought_is_not_called_in_step_until_it_is_told(
    unlocked: Machines, folds: bool
) -> None:
    """A fold makes a master that has what the other machine brought, and tells only what is new to the fold."""
    machines = unlocked
    with machines.machine("desk", DESK) as bench:
        machines.import_(bench)
        [record] = bench.records()
        with open_storage(bench.tools, record) as storage:
            with machines.machine("attic", ATTIC) as other:
                machines.import_(other)
            if folds:
                project_fold(bench.tools, record, storage.fold(fold_notes(storage, record)))
            assert any(each.startswith("image-file ") for each in machines.compare_catalog(bench))
            assert bench.record(record.storage_uuid).master_digest != storage.indexes.claimed_master_digest()
            mend_indexes(bench.tools, record, storage)
            assert machines.compare_catalog(bench) == []
            assert bench.record(record.storage_uuid).master_digest == storage.indexes.claimed_master_digest()


def test_a_machine_whose_indexes_are_replaced_again_and_again_gives_up_and_says_so(unlocked: Machines) -> None:
    machines = unlocked
    seeds = count(100)
    depth = 0

    def fold_meanwhile() -> None:
        nonlocal depth
        if depth == 0:
            depth = 1
            with machines.machine("attic", ATTIC) as other:
                machines.import_one_more(other, "meanwhile", seed=next(seeds))
            depth = 0

    with machines.machine("desk", DESK, AtSave(fold_meanwhile)) as bench:
        with pytest.raises(IndexChangedError, match="replaced by another machine") as caught:
            machines.import_(bench)
    assert "commits" in caught.value.message
    assert machines.finish() == []
