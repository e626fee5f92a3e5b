"""R3: the process is killed in an operation, and the one that goes on is killed too; a third makes it good."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.crash.long_form import sparse
from tests.crash.scenes import SCENES, Scene
from tests.crash.stage import Stage
from tests.crash.trial import Trial, distinct

ReportCount = Callable[[str, int, int], None]

FIRST, SECOND = 29, 11
"""Of the states after the first kill every 29th is tried, of those after the second every 11th."""


@pytest.mark.parametrize("scene", SCENES, ids=str)
def test_a_second_kill_while_another_process_goes_on_loses_and_doubles_nothing(
    stage: Stage, scene: Scene, report_count: ReportCount
) -> None:
    trial = Trial(stage, scene)
    violations: list[str] = []
    total = 0
    for number, first in enumerate(sparse(list(distinct(trial.stops())), FIRST, start=13)):
        again = list(distinct(trial.stops(scene.go_on, first.image)))
        for second in sparse(again, SECOND, start=number):
            total += 1
            found = trial.judge(second.image, is_thorough=total % 4 == 0)
            violations += [f"{first.number}, {second.number} {second.call}: {each}" for each in found]
    report_count(f"R3: double kills in {scene}", total, scene.floors[1])
    assert violations == []


def test_there_are_enough_pairs() -> None:
    assert sum(scene.floors[1] for scene in SCENES) >= 400
