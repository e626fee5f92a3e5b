"""Kill, or fail, before every mutating call of an import that replaces: old or new bytes stand there, and are known."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from imalink.core.duplicate import DuplicatePolicy
from imalink.errors import ImalinkError
from imalink.workflows.recover import find_candidates, recover
from tests.crash import oracle
from tests.crash.conftest import Stage
from tests.support.faults import CrashingCalls, FailingCalls, LimitedCalls, SimulatedCrash
from tests.support.photos import make_jpeg, set_rating_in_place
from tests.support.workbench import SMALL, Workbench

ReportCount = Callable[[str, int, int], None]
PICTURE, SIDECAR, MISSING, DAMAGED = "a/x.jpg", "a/x.xmp", "gone.jpg", "spoilt.jpg"


SPARSE = 1 if os.environ.get("IMALINK_CRASH_ALL") else 3
"""Every n-th point is tried; all of them with IMALINK_CRASH_ALL=1."""


def sums(folder: Path) -> dict[str, str]:
    return {name: facts[2] for name, facts in oracle.tree(folder).items()}


class Scene:
    """A storage with a picture and its sidecar, a missing and a damaged one; a card with better ones."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.card = stage.folder / "card"
        for seed, name in enumerate((PICTURE, MISSING, DAMAGED), start=1):
            make_jpeg(self.card / name, seed=seed, size=SMALL, taken="2024:07:10 14:30:00")
        (self.card / SIDECAR).write_text("<x>old</x>")
        with stage.process() as bench:
            record = bench.create()
            bench.import_(record, self.card)
            self.photos = bench.root(record) / "photos"
            self.root = bench.root(record)
        (self.photos / MISSING).unlink()
        # As disks spoil files: nobody wrote it, so that no look at the folder takes it for an edit.
        spoilt, times = bytearray((self.photos / DAMAGED).read_bytes()), (self.photos / DAMAGED).stat()
        spoilt[len(spoilt) // 2] ^= 0xFF
        (self.photos / DAMAGED).write_bytes(spoilt)
        os.utime(self.photos / DAMAGED, ns=(times.st_atime_ns, times.st_mtime_ns))
        self.old = sums(self.photos)
        set_rating_in_place(self.card / PICTURE, 5)
        (self.card / SIDECAR).write_text("<x>new</x>")
        self.new = sums(self.card)
        stage.keep()

    def import_(self, bench: Workbench) -> None:
        [record] = bench.records()
        bench.import_(record, self.card, duplicates=DuplicatePolicy.REPLACE)

    def violations_at_crash(self, *, may_be_vacant: bool = False) -> list[str]:
        """At its place stands the old file or the new one, whole; and the old bytes stand somewhere."""
        standing = sums(self.photos)
        found = [
            f"photos/{name} is neither old nor new"
            for name, sha256 in standing.items()
            if not self._is_of(name, sha256)
        ]
        if not may_be_vacant:
            found += [f"photos/{name} is gone" for name in self.old if name not in standing]
        return found + self._lost()

    def violations_after(self, bench: Workbench, *, is_done: bool) -> list[str]:
        """After the next work on the storage: every file is old or new, and index, catalog and disk say the same."""
        found = self.violations_at_crash()
        standing = sums(self.photos)
        if is_done and standing != self.new:
            found.append(f"not all was replaced: {standing}")
        for path, sha256s in oracle.indexed_files(self.root).items():
            name = path.removeprefix("photos/")
            is_spoilt = name == DAMAGED and standing.get(name) == self.old[DAMAGED]
            if name in standing and not is_spoilt and {standing[name]} != sha256s:
                found.append(f"an entry gives {path} another checksum than it has")
        candidates, _ = find_candidates(bench.tools, [self.root])
        found += recover(bench.tools, candidates, is_check=True).differences
        found += [f"staging holds {path.name}" for path in (self.root / ".imalink/staging").iterdir()]
        return found

    def _is_of(self, name: str, sha256: str) -> bool:
        return sha256 in (self.old.get(name), self.new.get(name))

    def _lost(self) -> list[str]:
        everything = {hashlib.sha256(path.read_bytes()).hexdigest() for path in self.root.rglob("*") if path.is_file()}
        return [f"the old bytes of {name} are lost" for name, sha256 in self.old.items() if sha256 not in everything]


def crash(operation: Callable[[], object]) -> bool:
    try:
        operation()
    except SimulatedCrash:
        return True
    return False


def import_nothing(scene: Scene, bench: Workbench) -> None:
    nothing = scene.stage.folder / "nothing"
    nothing.mkdir(exist_ok=True)
    [record] = bench.records()
    bench.import_(record, nothing)


@pytest.mark.parametrize("kind", ["exchange", "links", "exfat"])
def test_a_kill_before_any_call_of_replacing_loses_nothing_and_the_index_tells_the_truth(
    stage: Stage, kind: str, report_count: ReportCount
) -> None:
    scene = Scene(stage)
    step = SPARSE if kind == "exchange" else 2 * SPARSE - 1

    def calls() -> LimitedCalls | None:
        return None if kind == "exchange" else LimitedCalls(has_links=kind == "links")

    violations: list[str] = []
    at = 0
    for at in count(1, step):
        with stage.attempt(CrashingCalls(at, inner=calls())) as bench:
            has_crashed = crash(lambda: scene.import_(bench))
        if not has_crashed:
            break
        at_crash = scene.violations_at_crash(may_be_vacant=kind != "exchange")
        if kind == "exfat":  # an empty claim may stand under a final name: the one exception to promise P2
            empty = {name for name, facts in oracle.tree(scene.photos).items() if facts[0] == 0}
            at_crash = [each for each in at_crash if not any(f"photos/{name} " in each for name in empty)]
        violations += [f"{at}: at the crash: {each}" for each in at_crash]
        with stage.process(calls()) as bench:
            if at % 3 == 0:  # the card may be gone by now
                import_nothing(scene, bench)
                violations += [f"{at}: alone: {each}" for each in scene.violations_after(bench, is_done=False)]
            scene.import_(bench)
            violations += [f"{at}: {each}" for each in scene.violations_after(bench, is_done=True)]
    report_count(f"kills in replacing ({kind})", at // step, 100 // step)
    assert violations == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO], ids=errno.errorcode.__getitem__)
def test_a_call_that_fails_while_replacing_loses_nothing(stage: Stage, number: int, report_count: ReportCount) -> None:
    scene = Scene(stage)
    violations: list[str] = []
    at = 0
    step = 2 * SPARSE - 1
    for at in count(1, step):
        calls = FailingCalls(at, number)
        with stage.attempt(calls) as bench:
            with suppress(ImalinkError):
                scene.import_(bench)
        if calls.failed is None:
            break
        violations += [f"{at}: after the error: {each}" for each in scene.violations_at_crash()]
        with stage.process() as bench:
            scene.import_(bench)
            violations += [f"{at}: {each}" for each in scene.violations_after(bench, is_done=True)]
    report_count(f"{errno.errorcode[number]} in replacing", at // step, 120 // step)
    assert violations == []


def test_a_kill_while_an_interrupted_replacing_is_finished_loses_nothing(
    stage: Stage, report_count: ReportCount
) -> None:
    scene = Scene(stage)
    violations: list[str] = []
    total = 0
    step = 4 * SPARSE - 3
    for first in (70, 80, 90, 100):
        for at in count(1, step):
            with stage.attempt(CrashingCalls(first)) as bench:
                if not crash(lambda: scene.import_(bench)):
                    break
            with stage.process(CrashingCalls(at)) as bench:
                has_crashed = crash(lambda: import_nothing(scene, bench))
            if not has_crashed:
                break
            total += 1
            violations += [f"{first}, {at}: at the crash: {each}" for each in scene.violations_at_crash()]
            with stage.process() as bench:
                scene.import_(bench)
                violations += [f"{first}, {at}: {each}" for each in scene.violations_after(bench, is_done=True)]
    report_count("kills in finishing replacements", total, 100 // step)
    assert violations == []
