"""R1: the process is killed before a call that changes anything; a new process goes on, and an oracle judges.

An operation runs once, and what stands on the disk before each of its calls is kept: what a kill there would leave. A
flush changes nothing of that, so that fewer states than calls have to be tried. Every run tries every second call, of
what is the same on another file system every fourth, ``make faults`` each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.crash.long_form import IS_LONG, sparse
from tests.crash.scenes import IMPORT, SCENES, Scene
from tests.crash.stage import Stage
from tests.crash.trial import Trial, distinct
from tests.support.faults import CrashingCalls, SimulatedCrash
from tests.support.folder_image import FolderImage

ReportCount = Callable[[str, int, int], None]

EVERY = 1 if IS_LONG else 4
"""Comparing the catalog takes as long as all the rest: every fourth state is judged by that too."""


def step_of(scene: Scene) -> int:
    """Say of how many calls one is tried."""
    return 1 if IS_LONG else 4 if scene.is_variant else 2


@pytest.mark.parametrize("scene", SCENES, ids=str)
def test_a_kill_before_a_call_loses_and_doubles_nothing(stage: Stage, scene: Scene, report_count: ReportCount) -> None:
    trial = Trial(stage, scene)
    step = step_of(scene)
    stops = list(sparse(trial.stops(), step, start=SCENES.index(scene)))
    violations: list[str] = []
    states = 0
    for states, stop in enumerate(distinct(stops), start=1):
        found = trial.judge(stop.image, is_thorough=states % EVERY == 0)
        violations += [f"{stop.number} {stop.call}: {each}" for each in found]
    report_count(f"R1: kills in {scene}", len(stops), scene.floors[0] // step)
    report_count(f"distinct states after kills in {scene}", states, scene.floors[0] // (3 * step))
    assert violations == []


def test_there_are_enough_points() -> None:
    assert sum(scene.floors[0] // step_of(scene) for scene in SCENES) >= 1_500


def test_what_is_kept_before_a_call_is_what_dying_there_leaves(stage: Stage) -> None:
    trial = Trial(stage, IMPORT)
    for stop in trial.stops()[::17]:
        with stage.attempt(CrashingCalls(stop.number)) as bench, pytest.raises(SimulatedCrash):
            trial.scene.operate(bench)
        assert pictures_of(FolderImage.take(stage.folder)) == pictures_of(stop.image)


def pictures_of(image: FolderImage) -> dict[str, bytes | None]:
    """What stands there, but for random names, and the times and names of a run."""
    return {name: each.data for name, each in image.held.items() if "/photos/" in name or "/hotpreviews/" in name}


def test_a_kill_of_an_import_by_several_threads_loses_and_doubles_nothing(
    stage: Stage, report_count: ReportCount
) -> None:
    trial = Trial(stage, IMPORT)
    violations: list[str] = []
    total = 0
    for at in range(1, 1000, 1 if IS_LONG else 4):
        with stage.attempt(CrashingCalls(at)) as bench:
            bench.tools = replace(bench.tools, threads=4)
            try:
                trial.scene.operate(bench)
                break
            except SimulatedCrash:
                total += 1
        violations += [f"{at}: {each}" for each in trial.judge(FolderImage.take(stage.folder), is_thorough=False)]
    report_count("R1: kills in an import by several threads", total, 120 if IS_LONG else 30)
    assert violations == []
