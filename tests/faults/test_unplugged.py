"""A disk goes away four ways, before and while it is worked on: nothing goes elsewhere, nothing is called missing."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.crash import oracle
from tests.faults.disks import PICTURES, Original, Trial, make_original
from tests.support.loop_disk import LoopDisk, why_not
from tests.support.scenes import memory_folder
from tests.support.warm_process import WarmImalink
from tests.support.workbench import snapshot

ReportCount = Callable[[str, int, int], None]

DONE, DONE_WITH_FINDINGS = 0, 4
EARLIER = 3
TRIES = 3
WORDS = {
    "import": ("import", "CARD", "--storage", "Blue", "--title", "Italy"),
    "verify": ("verify", "Blue", "--depth", "full"),
    "reindex": ("reindex", "Blue", "--strategy", "full"),
    "find": ("find", "HOTHASH"),
    "browse": ("browse", "ROOT"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with memory_folder(tmp_path) as found:
        yield found


@pytest.fixture
def original(folder: Path) -> Original:
    if reason := why_not("ext4", folder):
        pytest.skip(reason)
    return make_original(folder, "ext4", imports=EARLIER)


class Unplugging:
    """One way of going away, and what is left at the place."""

    def __init__(self, trial: Trial, way: str) -> None:
        self.trial = trial
        self.way = way
        self.other: LoopDisk | None = None
        self.left: object = None

    def do(self) -> None:
        disk, root = self.trial.disk, self.trial.root
        if self.way == "renamed":
            root.rename(root.with_name("renamed away"))
            self.left = root
            return
        if self.way == "dead":
            disk.cut_power()
        disk.pull_out()
        if self.way == "replaced":
            self.other = LoopDisk(self.trial.folder / "other", disk.place)
            self.other.make()
            self.other.mount()
            shutil.copytree(self.trial.original.folder / "impostor", root)
            self.left = snapshot(root)

    def violations(self) -> list[str]:
        """What stands now where the storage was must be as it was left."""
        place, root = self.trial.disk.place, self.trial.root
        if self.way == "renamed":
            return ["something stands at the old path"] if root.exists() else []
        if self.way == "replaced":
            changed = snapshot(root) != self.left
            return ["another storage's disk was written to"] if changed else []
        return [f"the empty mount point has {each}" for each in place.iterdir()]

    def replug(self, elsewhere: Path) -> Path:
        """Plug it in again at another path, and give the storage's."""
        if self.way == "renamed":
            return self.trial.root.with_name("renamed away")
        if self.other is not None:
            self.other.unmount()
        self.trial.disk.mount(elsewhere)
        return self.trial.root


def make_impostor(original: Original, imalink: WarmImalink) -> None:
    """Make a storage of another identity under the same folder name."""
    imalink.home = original.folder / "another home"
    (original.folder / "elsewhere").mkdir()
    made = imalink("storage", "create", original.folder / "elsewhere", "--name", "Red", "--json")
    Path(made.json["full_path"]).rename(original.folder / "impostor")


@pytest.mark.root
@pytest.mark.parametrize("way", ["pulled", "dead", "renamed", "replaced"])
def test_a_disk_that_goes_away_costs_nothing_and_nothing_is_written_elsewhere(
    folder: Path, original: Original, way: str, report_count: ReportCount
) -> None:
    number = random.Random(1018)
    violations: list[str] = []
    cases, amid = 0, Counter[str]()
    with WarmImalink(folder, original.home) as imalink:
        make_impostor(original, imalink)
        hothash = imalink("hothash", folder / "earlier/IMG_0020.jpg", "--json").json[0]["hothash"]
        for operation, words in WORDS.items():
            for is_under_way in (True, False):
                case = f"{way} {'during' if is_under_way else 'before'} {operation}"
                trial = Trial(original, case)
                imalink.home = trial.home
                unplugging = Unplugging(trial, way)
                places = {"CARD": original.card, "HOTHASH": hothash, "ROOT": trial.root}
                try:
                    if not is_under_way:
                        unplugging.do()
                    running = imalink.start(*(places.get(word, word) for word in words))
                    if is_under_way:
                        if operation == "import":
                            trial.wait_for(running, number.randrange(1, PICTURES))
                        for _ in range(TRIES):  # one that ended too soon is begun again
                            if not running.has_ended():
                                break
                            running.wait()
                            running = imalink.start(*(places.get(word, word) for word in words))
                        amid[operation] += not running.has_ended()
                        unplugging.do()
                    ended = running.wait()
                    cases += 1
                    if ended.code == DONE and not is_under_way and operation != "browse":
                        violations.append(f"{case}: it said that all is well: {ended.out}")
                    if "Traceback" in ended.err:
                        violations.append(f"{case}: {ended.err}")
                    violations += [f"{case}: {each}" for each in unplugging.violations()]
                    known = imalink("whereis", hothash, "--json").json[0]["locations"]
                    if [each["status"] for each in known] != ["offline"]:
                        violations.append(f"{case}: what is away is called {known}")
                    violations += [f"{case}: {each}" for each in after_replug(unplugging, imalink, hothash, operation)]
                finally:
                    if unplugging.other is not None:
                        unplugging.other.put_away()
                    trial.close()
    report_count(f"R10: disks {way}", cases, 2 * len(WORDS))
    assert not violations, "\n".join(violations)
    assert amid == dict.fromkeys(WORDS, 1), "not every operation was under way"
    report_count(f"R10 disks: {way} while something was under way", amid.total(), len(WORDS))


def after_replug(unplugging: Unplugging, imalink: WarmImalink, hothash: str, operation: str) -> list[str]:
    """Plug it in elsewhere, tell that, go on with an import, and judge."""
    trial = unplugging.trial
    root = unplugging.replug(trial.folder / "plugged in elsewhere")
    violations: list[str] = []
    recovered = imalink("recover", root)
    if recovered.code != DONE:
        violations.append(f"the storage was not found again: {recovered.err}")
    if operation == "import":
        imalink("sessions", "resume", "2")
        again = imalink("import", trial.original.card, "--storage", "Blue", "--title", "Italy")
        if again.code not in (DONE, DONE_WITH_FINDINGS):
            violations.append(f"the import did not go on: {again.err}")
        earlier = oracle.tree(trial.original.folder / "earlier")
        sources = {**trial.original.sources, **{f"earlier/{name}": facts for name, facts in earlier.items()}}
        before = oracle.Before.with_own(sources, trial.original.planted)
        violations += oracle.check_settled(oracle.Place(root), before, is_complete=True)
    look = imalink("reindex", "Blue", "--json")
    if look.code != DONE or look.json["missing_files"] or look.json["moved_files"]:
        violations.append(f"the re-index that followed said {look.out} {look.err}")
    found = imalink("find", hothash)
    if found.code != DONE or not found.out.startswith(str(root)):
        violations.append(f"the picture is not found at the new place: {found.out} {found.err}")
    return violations
