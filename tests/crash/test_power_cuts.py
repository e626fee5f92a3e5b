"""R4: the power fails after anything that was done; every state that may be left is recovered and judged.

What a power cut may leave is worked out from a log of the calls: docs/reference/testing.md tells the rules.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import islice

import pytest

from tests.crash.long_form import IS_LONG
from tests.crash.power_cuts import REPEATED_EVERY, PowerCuts
from tests.crash.protocol_order import ProtocolOrder
from tests.crash.scenes import SCENES, Scene
from tests.crash.stage import Stage

ReportCount = Callable[[str, int, int], None]

MIXED = 200 if IS_LONG else 7
"""How many random mixes of what holds and what does not are drawn after each thing done."""


@pytest.mark.parametrize("scene", SCENES, ids=str)
def test_a_power_cut_at_any_moment_loses_nothing_that_was_sure(
    stage: Stage, scene: Scene, report_count: ReportCount
) -> None:
    power_cuts = PowerCuts(stage, scene)
    log, total = power_cuts.log, 0
    violations = ProtocolOrder(power_cuts.begin).follow(log)
    for total, cut in enumerate(power_cuts.cuts(log, mixed_count=MIXED, chance=random.Random(7)), start=1):
        is_repeated = total % REPEATED_EVERY == 0
        found = power_cuts.judge(cut, is_done=cut.after == len(log), is_repeated=is_repeated)
        last = log[cut.after - 1] if cut.after else None
        violations += [f"after {cut.after} {last and (last.kind, last.name, last.site)}: {each}" for each in found]
    report_count(f"R4: states after a power cut in {scene}", total, scene.floors[2])
    assert violations == []


def test_there_are_enough_states() -> None:
    assert sum(scene.floors[2] for scene in SCENES) >= 10_000


def test_what_was_not_flushed_may_be_lost_in_the_model(stage: Stage) -> None:
    """The model has teeth: without its flushes an import is damaged by a power cut."""
    power_cuts = PowerCuts(stage, next(scene for scene in SCENES if scene.name == "import"))
    log = [done for done in power_cuts.log if done.kind != "fsync"]
    cuts = power_cuts.cuts(log, mixed_count=2, chance=random.Random(7), moments=[len(log)])
    assert any(power_cuts.judge(cut, is_done=True) for cut in islice(cuts, 6))
