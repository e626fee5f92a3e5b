"""R4: would anyone notice? Each flush and each rename of the protocol left out or out of turn, and who sees it.

A mutant is caught where the order that the protocol promises is broken (``protocol_order``), where the run ends in
other files, or where a state that a power cut may leave is judged a violation. What is left over is listed with the
reason why it does no harm.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from itertools import islice

import pytest

from imalink.errors import ImalinkError
from tests.crash.careless_calls import (
    Interloper,
    OtherProgram,
    ReplacingExchanges,
    ReplacingLinks,
    ReplacingRenames,
    SharedClaims,
    UnseenClaims,
    Writer,
)
from tests.crash.log_mutants import How, Mutant, mutants
from tests.crash.long_form import IS_LONG
from tests.crash.power_cuts import PowerCuts
from tests.crash.protocol_order import ProtocolOrder
from tests.crash.scenes import IMPORT, SCENES, Scene
from tests.crash.stage import Stage
from tests.crash.trial import Trial
from tests.support.disk_log import RecordingCalls
from tests.support.faults import InterposedCalls

ReportCount = Callable[[str, int, int], None]

FLOOR = 200
SHARE = 0.95
STATES_OF_ONE = 400 if IS_LONG else 12
"""How many states a mutant is tried by that breaks no rule of the order."""

HARMLESS = {
    (How.AFTER_NAMING, "fsync", "storage/staging.py:put_in_place"): "The name in the trash is sure before two files "
    "change names; the last flush of that folder says only which of the two bears it, and has come when the run is "
    "committed.",
    (How.LEFT_OUT, "unlink", "storage/staging.py:put_in_place"): "Where names cannot be exchanged the staged name is "
    "given back to the same file in the next step.",
    (How.AFTER_NAMING, "fsync", "storage/staging.py:ImportRun.reopen"): "Until then the temporary name of the new "
    "intent may be back, which recovery clears away.",
    (
        How.LEFT_OUT,
        "unlink",
        "storage/staging.py:remove_left_files",
    ): "A preview that was half written when the process "
    "was killed stays in staging, where nothing reads it; of any other file it would be noticed.",
    (How.AFTER_NAMING, "fsync", "workflows/empty_trash.py:remove_from_trash"): "A file of the trash may be back until "
    "the next one went; the line that says they are gone is written after the last flush.",
    (
        How.LEFT_OUT,
        "fsync",
        "workflows/heal.py:heal",
    ): "A staged copy of a picture that was damaged "
    "elsewhere too may be back in staging, which whoever works there next clears away.",
    (How.AFTER_NAMING, "fsync", "storage/quarantine.py:Quarantine.let_out"): "A file that is let out has its old name, "
    "its new one or both until the next one is; it is told of after the last flush.",
    (How.AFTER_NAMING, "fsync", "storage/quarantine.py:Quarantine.remove"): "A file may be back in quarantine until "
    "the next one went; it is told of after the last flush.",
}
"""Mutants that nobody notices, one each, and why nobody needs to."""

OF_TWO_FOLDERS = (How.AFTER_NAMING, "fsync", "storage/quarantine.py:Quarantine.let_out")
"""That of which a file comes, and that into which it goes."""


def function_of(mutant: Mutant) -> str:
    """Give the function that asked for the step, without its line."""
    return re.sub(r"\+[0-9]+$", "", mutant.site.rpartition(" < ")[2])


def breaks_order(power_cuts: PowerCuts, mutant: Mutant) -> bool:
    """Tell whether a rule is broken, or the run ends otherwise than it should."""
    true, order = ProtocolOrder(power_cuts.begin), ProtocolOrder(power_cuts.begin)
    true.follow(power_cuts.log)
    return bool(order.follow(mutant.log)) or order.ends_as() != true.ends_as()


def is_seen_after_a_power_cut(power_cuts: PowerCuts, mutant: Mutant) -> bool:
    """Tell whether a state that may be left right after the altered step, or at the end, is judged a violation."""
    moments = [*range(mutant.at, mutant.at + 16), len(mutant.log)]
    cuts = power_cuts.cuts(mutant.log, mixed_count=4, chance=random.Random(7), moments=moments)
    return any(power_cuts.judge(cut, is_done=cut.after == len(mutant.log)) for cut in islice(cuts, STATES_OF_ONE))


def test_a_flush_or_rename_left_out_or_out_of_turn_is_noticed(stage: Stage, report_count: ReportCount) -> None:
    caught, seen, left = set[str](), set[str](), dict[str, Mutant]()
    for scene in SCENES:
        power_cuts = PowerCuts(stage, scene)
        for mutant in mutants(power_cuts.log):
            if mutant.name in caught and (mutant.name in seen or not IS_LONG):
                continue
            if breaks_order(power_cuts, mutant):
                caught.add(mutant.name)
            if (IS_LONG or mutant.name not in caught | left.keys()) and is_seen_after_a_power_cut(power_cuts, mutant):
                seen.add(mutant.name)
                caught.add(mutant.name)
            left[mutant.name] = mutant
    for name in caught:
        del left[name]
    tried = len(caught) + len(left)
    by_states = f", {len(seen)} of them by states after a power cut" if IS_LONG else ""
    print(f"R4: mutants caught {len(caught)} of {tried}{by_states}")  # noqa: T201
    report_count("R4 mutants tried: flushes and renames", tried, FLOOR)
    report_count("R4 mutants caught: flushes and renames", len(caught), math.ceil(SHARE * tried))
    unlisted = Counter((each.how, each.kind, function_of(each)) for each in left.values()) - Counter(
        [*HARMLESS, OF_TWO_FOLDERS]
    )
    assert not unlisted


def test_a_flush_left_out_of_the_record_is_one_left_out_of_the_run(stage: Stage) -> None:
    """Nothing that the process itself sees depends on a flush, so that records may be altered instead of runs."""

    class Unflushed(InterposedCalls):
        def fsync(self, descriptor: int) -> None:
            pass

    power_cuts = PowerCuts(stage, IMPORT)
    power_cuts.trial.image.put(stage.folder)
    recorder = RecordingCalls(stage.folder, Unflushed())
    with stage.process(recorder) as bench:
        IMPORT.operate(bench)
    assert [done.kind for done in recorder.log if done.kind != "fsync"] == [
        done.kind for done in power_cuts.log if done.kind != "fsync"
    ]


def named(wanted: str) -> Callable[[str], bool]:
    return lambda name: name.endswith(wanted)


def scene_named(name: str) -> Scene:
    return next(scene for scene in SCENES if scene.name == name)


CARELESS: dict[str, tuple[str, Callable[[InterposedCalls], OtherProgram], type[InterposedCalls]]] = {
    "place": ("import", lambda inner: Interloper("rename", named("c.jpg"), inner=inner), ReplacingRenames),
    "commit": ("import", lambda inner: Interloper("rename", named(".jsonl"), inner=inner), ReplacingRenames),
    "to the trash": ("delete", lambda inner: Interloper("rename", named("x.jpg"), inner=inner), ReplacingRenames),
    "out of the trash": ("undelete", lambda inner: Interloper("rename", named("x.jpg"), inner=inner), ReplacingRenames),
    "link": ("import-by-links", lambda inner: Interloper("link", named("c.jpg"), inner=inner), ReplacingLinks),
    "claim": (
        "import-by-claims",
        lambda inner: Interloper("create", named("c.jpg"), inner=inner, is_empty=True),
        SharedClaims,
    ),
    "look at a claim": ("import-by-claims", lambda inner: Writer(named("c.jpg"), inner=inner), UnseenClaims),
}
"""By what is altered: the scene, the program that comes between, and the calls that take no care of it."""


@pytest.mark.parametrize("what", CARELESS)
def test_no_name_is_taken_from_another_program_and_that_would_be_noticed(
    stage: Stage, what: str, report_count: ReportCount
) -> None:
    name, other_program, careless = CARELESS[what]
    scene = scene_named(name)
    Trial(stage, scene)  # sets it up, and keeps it
    robbed: list[bool] = []
    for calls in (scene.calls(), careless(scene.calls())):
        other = other_program(calls)
        with stage.attempt(other) as bench, suppress(ImalinkError):
            scene.operate(bench)
        assert other.has_come
        robbed.append(other.is_robbed())
    assert robbed == [False, True]
    report_count(f"R4 mutants tried: {what}", 1, 1)
    report_count(f"R4 mutants caught: {what}", 1, 1)


def test_two_files_that_change_names_in_one_step_lose_neither_and_that_would_be_noticed(
    stage: Stage, report_count: ReportCount
) -> None:
    scene = scene_named("replace")
    trial = Trial(stage, scene)
    lost: list[bool] = []
    for calls in (scene.calls(), ReplacingExchanges(scene.calls())):
        with stage.attempt(calls) as bench, suppress(ImalinkError):
            scene.operate(bench)
        lost.append(any("are lost" in each for each in trial.at_crash()))
    assert lost == [False, True]
    report_count("R4 mutants tried: exchange", 1, 1)
    report_count("R4 mutants caught: exchange", 1, 1)
