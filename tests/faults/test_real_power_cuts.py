"""The power is cut from a real file system in the midst of a real import; what the journal brings back must do."""

from __future__ import annotations

import math
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.disks import PICTURES, Trial, a_moment, make_original
from tests.support.loop_disk import why_not
from tests.support.scenes import memory_folder
from tests.support.warm_process import WarmImalink

ReportCount = Callable[[str, int, int], None]

DONE, DONE_WITH_FINDINGS = 0, 4

IS_LONG = bool(os.environ.get("IMALINK_FAULTS_ALL"))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with memory_folder(tmp_path) as found:
        yield found


@pytest.mark.root
@pytest.mark.parametrize("kind", ["ext4", *(["xfs"] if IS_LONG else [])])
@pytest.mark.parametrize(("where", "cuts"), [("another", 15), ("the same", 5)], ids=["catalog apart", "catalog on it"])
def test_a_power_cut_in_an_import_loses_and_doubles_nothing(
    folder: Path, kind: str, where: str, cuts: int, report_count: ReportCount
) -> None:
    if reason := why_not(kind, folder):
        pytest.skip(reason)
    number = random.Random(20241018)
    original = make_original(folder, kind, has_home_on_disk=where == "the same")
    cuts *= 30 if IS_LONG else 1
    violations: list[str] = []
    judged = amid = 0
    with WarmImalink(folder, original.home) as imalink:
        for cut in range(cuts):
            trial = Trial(original, f"cut {cut}")
            imalink.home = trial.home
            try:
                running = imalink.start("import", original.card, "--storage", "Blue", "--title", "Italy")
                progress = a_moment(number, whole=PICTURES)
                is_amid = trial.wait_for(running, progress)
                time.sleep(number.uniform(0, 0.003))
                is_amid = is_amid and not running.has_ended()
                trial.disk.cut_power()
                amid += is_amid
                if cut % 2:
                    running.kill()
                running.wait()
                trial.disk.unmount()
                trial.disk.mount()
                violations += [f"{cut}: at the cut: {each}" for each in trial.violations_at_crash()]
                imalink("sessions", "resume", "1")
                again = imalink("import", original.card, "--storage", "Blue", "--title", "Italy")
                if again.code not in (DONE, DONE_WITH_FINDINGS):
                    violations.append(f"{cut}: the import that followed said {again.code}: {again.err}")
                # Previews are not flushed: they can be made again from pictures.
                violations += [f"{cut}: {each}" for each in trial.violations_settled() if "preview" not in each]
                check = imalink("recover", trial.root, "--check")
                violations += [f"{cut}: the catalog differs: {check.out}"] if check.code else []
                judged += 1
            finally:
                trial.close()
    report_count(f"R7: power cuts on {kind}, catalog on {where} disk", judged, cuts)
    assert not violations, "\n".join(violations)
    report_count(f"R7 cuts: in the midst of an import to {kind}, catalog on {where} disk", amid, math.ceil(0.6 * cuts))
