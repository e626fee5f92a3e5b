"""R2: a call fails, once or from then on; the message names the cause, and the next run makes it good.

Many errors leave the same behind: files and catalogs that are the same are gone on with once.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from itertools import count

import pytest

from imalink.errors import (
    ImalinkError,
    OutOfSpaceError,
    StorageIoError,
    StorageOfflineError,
    StorageReadOnlyError,
)
from tests.crash.left_behind import digest_of
from tests.crash.long_form import IS_LONG
from tests.crash.scenes import IMPORT, SCENES, Scene
from tests.crash.stage import Stage
from tests.crash.trial import Trial
from tests.support.faults import READING, FailingCalls, InterposedCalls, ShortWriteCalls, WatchedCalls

ReportCount = Callable[[str, int, int], None]

NUMBERS = (errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES, errno.ESTALE, errno.EINTR)
MEANINGS: dict[int, type[ImalinkError]] = {
    errno.ENOSPC: OutOfSpaceError,
    errno.EIO: StorageIoError,
    errno.EROFS: StorageReadOnlyError,
    errno.EACCES: StorageReadOnlyError,
    errno.ESTALE: StorageOfflineError,
}
KINDS = [(number, is_forever) for number in NUMBERS for is_forever in (False, True)]
STEP = 1 if IS_LONG else 13
"""Every thirteenth call is tried with each kind of error: many of them leave the same behind."""
READING_STEP = 1 if IS_LONG else 24
SHORT_STEP = 1 if IS_LONG else 32


def cases(scene: Scene, calls_count: int) -> list[tuple[int, int, bool]]:
    """Say which calls of an operation fail, how, and whether from then on."""
    first = 1 + SCENES.index(scene) % STEP
    return [(at, *kind) for at in range(first, calls_count + 1, STEP) for kind in KINDS]


def floor(scene: Scene) -> int:
    """How many cases there are at least."""
    return scene.floors[0] // STEP * len(KINDS)


def meet(operation: Callable[[], object], number: int) -> list[str]:
    """Run something that meets an error; tell what is wrong with how it says so (I13)."""
    try:
        operation()
    except ImalinkError as error:
        if errno.errorcode[number] not in str(error) and os.strerror(number) not in str(error):
            return [f"I13: the message does not name the cause: {error}"]
        if not isinstance(error, MEANINGS.get(number, ImalinkError)):
            return [f"I13: {type(error).__name__} for {errno.errorcode[number]}: {error}"]
    except OSError as error:
        return [f"I13: a bare {error!r} flew out"]
    return []


@pytest.mark.parametrize("scene", SCENES, ids=str)
def test_an_error_or_short_write_at_any_writing_call_is_told_and_made_good(
    stage: Stage, scene: Scene, report_count: ReportCount
) -> None:
    trial = Trial(stage, scene)
    violations: list[str] = []
    wanted = cases(scene, count_calls(trial))
    judged: dict[bytes, list[str]] = {}
    for at, number, is_forever in wanted:
        calls = FailingCalls(at, number, is_forever=is_forever, inner=scene.calls())
        with stage.attempt(calls) as bench:
            found = meet(lambda bench=bench: scene.operate(bench), number)
        assert calls.failed is not None, f"there was no call {at}"
        left = digest_of(stage.folder)
        if left not in judged:
            judged[left] = gone_on_with(trial)
        how = f"{errno.errorcode[number]} {'from' if is_forever else 'at'} {at} {calls.failed.name}"
        violations += [f"{how}: {each}" for each in found + judged[left]]
    report_count(f"R2: errors in {scene}", len(wanted), floor(scene))
    report_count(f"distinct states after errors in {scene}", len(judged), floor(scene) // (3 * len(KINDS)))
    violations += short_writes(trial, report_count)
    assert violations == []


def gone_on_with(trial: Trial) -> list[str]:
    """Let the next process go on with what stands there, and tell what is wrong before and after."""
    found = trial.at_crash()
    with trial.process() as bench:
        trial.scene.go_on(bench)
        return found + but_previews(trial.settled(bench))


def test_there_are_enough_cases() -> None:
    assert sum(floor(scene) for scene in SCENES) >= (35_000 if IS_LONG else 3_000)


def count_calls(trial: Trial) -> int:
    """Run the operation undisturbed, and give how many calls changed something."""
    seen: list[str] = []
    with trial.stage.attempt(WatchedCalls(seen.append, trial.scene.calls())) as bench:
        trial.scene.operate(bench)
    return len(seen)


class ShortFrom(InterposedCalls):
    """From the ``at``-th write on, or at that one alone, writes less than asked: all but the last byte, or one byte."""

    def __init__(self, at: int, *, is_forever: bool, inner: InterposedCalls) -> None:
        super().__init__(inner)
        self._at = at
        self._is_forever = is_forever
        self.writes_count = 0

    def write(self, descriptor: int, data: memoryview) -> int:
        self.writes_count += 1
        is_short = self.writes_count == self._at or (self._is_forever and self.writes_count > self._at)
        if not is_short or len(data) < 2:
            return super().write(descriptor, data)
        return super().write(descriptor, data[: len(data) - 1 if self._is_forever else 1])


def short_writes(trial: Trial, report_count: ReportCount) -> list[str]:
    """Let writes write less than asked: no error, and nothing comes of it."""
    violations: list[str] = []
    total = 0
    for is_forever in (False, True):
        for at in count(1, SHORT_STEP):
            calls = ShortFrom(at, is_forever=is_forever, inner=trial.scene.calls())
            with trial.stage.attempt(calls) as bench:
                trial.scene.operate(bench)
                if calls.writes_count < at:
                    break
                total += 1
                trial.scene.go_on(bench)
                violations += [f"write {at} is short: {each}" for each in trial.settled(bench)]
    report_count(f"R2: short writes in {trial.scene}", total, 2)
    return violations


def test_an_error_at_any_reading_call_of_an_import_is_told_and_made_good(
    stage: Stage, report_count: ReportCount
) -> None:
    trial = Trial(stage, IMPORT)
    violations: list[str] = []
    total = 0
    for at in count(1, READING_STEP):
        calls = FailingCalls(at, errno.EIO, among=READING)
        with stage.attempt(calls) as bench:
            try:
                IMPORT.operate(bench)
            except ImalinkError:
                pass
            except OSError as error:
                violations.append(f"{at} {calls.failed}: a bare {error!r} flew out")
        if calls.failed is None:
            break
        total += 1
        found = trial.at_crash()
        with trial.process() as bench:
            [record] = bench.records()
            report = bench.import_(record, trial.stage.folder / "card")
            told = {finding.code for finding in report.findings}
            found += but_previews(trial.settled(bench))
        if "companion-of-duplicate" in told:  # a sidecar alone that was not read does not come in later, and is told
            found = [each for each in found if "x.xmp stands 0 times" not in each]
        violations += [f"{at} {calls.failed}: {each}" for each in found]
    report_count("R2: EIO at reading calls of an import", total, 380 // READING_STEP)
    assert violations == []


def test_every_write_of_one_byte_is_gone_on_with(stage: Stage) -> None:
    trial = Trial(stage, IMPORT)
    with stage.attempt(ShortWriteCalls(1)) as bench:
        IMPORT.operate(bench)
        assert trial.settled(bench) == []


def but_previews(violations: list[str]) -> list[str]:
    """Leave out previews that the disk did not take: they stop no work and can be made again."""
    return [each for each in violations if not each.startswith("preview: ")]
