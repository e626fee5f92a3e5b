"""Real disks as cameras and other systems make them: exFAT, NTFS, FAT; import, kill, resume, re-index, recover."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.disks import PICTURES, Original, Trial, make_original
from tests.support.loop_disk import why_not
from tests.support.scenes import memory_folder
from tests.support.warm_process import WarmImalink

ReportCount = Callable[[str, int, int], None]

DONE, DONE_WITH_FINDINGS = 0, 4
MOMENTS = (None, 1, PICTURES, PICTURES + 3)
"""Not killed, or when so many files are staged or placed."""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with memory_folder(tmp_path) as found:
        yield found


@pytest.mark.root
@pytest.mark.parametrize("kind", ["exfat", "ntfs", "vfat"])
def test_a_disk_of_another_system_keeps_what_any_disk_keeps(folder: Path, kind: str, report_count: ReportCount) -> None:
    if reason := why_not(kind, folder):
        pytest.skip(reason)
    original = make_original(folder, kind)
    violations: list[str] = []
    with WarmImalink(folder, original.home) as imalink:
        for number, moment in enumerate(MOMENTS):
            trial = Trial(original, str(number))
            imalink.home = trial.home
            try:
                violations += [
                    f"killed at {moment}: {each}" for each in violations_of(trial, original, imalink, moment)
                ]
            finally:
                trial.close()
    report_count(f"imports to {kind}", len(MOMENTS), 4)
    assert not violations, "\n".join(violations)


def violations_of(trial: Trial, original: Original, imalink: WarmImalink, moment: int | None) -> list[str]:
    words = ("import", original.card, "--storage", "Blue", "--title", "Italy")
    violations: list[str] = []
    running = imalink.start(*words)
    if moment is not None:
        trial.wait_for(running, moment)
        running.kill()
    ended = running.wait()
    if moment is None and ended.code != DONE:
        violations.append(f"the import said {ended.code}: {ended.err}")
    imalink("sessions", "resume", "1")
    again = imalink(*words)
    if again.code not in (DONE, DONE_WITH_FINDINGS):
        violations.append(f"the import that followed said {again.code}: {again.err}")
    violations += trial.violations_settled()
    trial.disk.unmount()  # after which such disks may number their files anew
    trial.disk.mount()
    look = imalink("reindex", "Blue", "--json")
    if look.code != DONE or look.json["missing_files"] or look.json["moved_files"] or look.json["new_files"]:
        violations.append(f"the re-index said {look.code}: {look.out} {look.err}")
    imalink.home = trial.folder / "home of another machine"
    for command in (("recover", trial.root, "--yes"), ("recover", trial.root, "--check")):
        recovered = imalink(*command)
        if recovered.code != DONE:
            violations.append(f"{command[-1]} said {recovered.code}: {recovered.out} {recovered.err}")
    return violations + trial.violations_settled()
