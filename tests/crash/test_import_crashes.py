"""Kill, or fail, before every mutating call of the seam; a new process goes on, and an independent oracle judges."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from imalink.core.organization import DATE
from imalink.errors import ImalinkError
from imalink.workflows.import_report import ImportReport
from imalink.workflows.recover import find_candidates, recover
from tests.crash import oracle
from tests.crash.conftest import Stage
from tests.support.faults import MUTATING, CrashingCalls, FailingCalls, InterposedCalls, LimitedCalls, SimulatedCrash
from tests.support.photos import make_jpeg
from tests.support.workbench import SMALL, Workbench

ReportCount = Callable[[str, int, int], None]

READING = frozenset({"open_directory", "open_beneath", "open_read", "read", "pread", "fstat", "stat", "scan"})
PLANTED = "2024/07/y.jpg"


SPARSE = 1 if os.environ.get("IMALINK_CRASH_ALL") else 6
"""The rarer combinations try every n-th point; all of them with IMALINK_CRASH_ALL=1."""


class Scene:
    """A storage with a file of the user's, and a card with a duplicate, two clashes and a sidecar."""

    def __init__(self, stage: Stage, *, has_storage: bool = True) -> None:
        self.stage = stage
        self.card = stage.folder / "card"
        for seed, name in enumerate(("a/x.jpg", "b/x.jpg", "c.jpg", "y.jpg"), start=1):
            make_jpeg(self.card / name, seed=seed, size=SMALL, taken="2024:07:10 14:30:00")
        shutil.copy2(self.card / "c.jpg", self.card / "duplicate.jpg")
        (self.card / "a/x.xmp").write_text("<x/>")
        (stage.folder / "nothing").mkdir()
        self.sources = oracle.tree(self.card)
        self.planted: dict[str, oracle.Facts] = {}
        self.root = Path()
        if has_storage:
            with stage.process() as bench:
                record = bench.create()
                self.root = bench.root(record)
            own = self.root / "photos" / PLANTED
            own.parent.mkdir(parents=True)
            own.write_bytes(b"the user's own")
            self.planted = oracle.tree(self.root / "photos")
        stage.keep()

    def import_(self, bench: Workbench) -> ImportReport:
        [record] = bench.records()
        return bench.import_(record, self.card, organization=DATE)

    def import_nothing(self, bench: Workbench) -> None:
        [record] = bench.records()
        bench.import_(record, self.stage.folder / "nothing")

    def violations_at_crash(self) -> list[str]:
        source = [] if oracle.tree(self.card) == self.sources else ["the source was touched"]
        return source + oracle.check_at_crash(self.root, self.sources, self.planted)

    def violations_after(self, bench: Workbench, *, is_complete: bool = True, checks_catalog: bool = True) -> list[str]:
        found = [] if oracle.tree(self.card) == self.sources else ["the source was touched"]
        found += oracle.check_settled(self.root, self.sources, self.planted, is_complete=is_complete)
        if checks_catalog:
            candidates, _ = find_candidates(bench.tools, [self.root])
            found += recover(bench.tools, candidates, is_check=True).differences
        found += ["the lock was left"] if (self.root / ".imalink-storage.lock").exists() else []
        return found


def crash(operation: Callable[[], object]) -> bool:
    """Run something that dies, and tell whether it did."""
    try:
        operation()
    except SimulatedCrash:
        return True
    return False


# --- kills ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_torn", [False, True], ids=["whole", "torn"])
def test_a_kill_before_any_call_of_an_import_loses_and_doubles_nothing(
    stage: Stage, is_torn: bool, report_count: ReportCount
) -> None:
    scene = Scene(stage)
    violations: list[str] = []
    at = 0
    step = SPARSE if is_torn else 1
    for at in count(1, step):
        with stage.attempt(CrashingCalls(at, is_torn=is_torn)) as bench:
            has_crashed = crash(lambda: scene.import_(bench))
        if not has_crashed:
            break
        violations += [f"{at}: at the crash: {each}" for each in scene.violations_at_crash()]
        with stage.process() as bench:
            if at % 2:  # the card may be gone by now
                scene.import_nothing(bench)
                alone = scene.violations_after(bench, is_complete=False, checks_catalog=at % 3 == 0)
                violations += [f"{at}: alone: {each}" for each in alone]
            scene.import_(bench)
            after = scene.violations_after(bench, checks_catalog=step > 1 or at % 4 == 0)
            violations += [f"{at}: {each}" for each in after]
    report_count("kills in an import", at // step, 120 // step)
    assert violations == []


def test_a_kill_of_an_import_by_several_threads_loses_and_doubles_nothing(
    stage: Stage, report_count: ReportCount
) -> None:
    scene = Scene(stage)
    violations: list[str] = []
    at = 0
    for at in count(1, SPARSE // 2 or 1):
        with stage.attempt(CrashingCalls(at)) as bench:
            bench.tools = replace(bench.tools, threads=4)
            has_crashed = crash(lambda: scene.import_(bench))
        if not has_crashed:
            break
        violations += [f"{at}: at the crash: {each}" for each in scene.violations_at_crash()]
        with stage.process() as bench:
            bench.tools = replace(bench.tools, threads=4)
            scene.import_(bench)
            violations += [f"{at}: {each}" for each in scene.violations_after(bench)]
    report_count("kills in an import by several threads", at // (SPARSE // 2 or 1), 120 // (SPARSE // 2 or 1))
    assert violations == []


def limited(has_links: bool) -> Callable[[], InterposedCalls]:
    return lambda: LimitedCalls(has_links=has_links)


@pytest.mark.parametrize("has_links", [True, False], ids=["links", "exfat"])
def test_a_kill_on_a_file_system_without_safe_renames_loses_and_doubles_nothing(
    stage: Stage, has_links: bool, report_count: ReportCount
) -> None:
    scene = Scene(stage)
    violations: list[str] = []
    at = 0
    for at in count(1, SPARSE):
        with stage.attempt(CrashingCalls(at, inner=LimitedCalls(has_links=has_links))) as bench:
            has_crashed = crash(lambda: scene.import_(bench))
        if not has_crashed:
            break
        at_crash = scene.violations_at_crash()
        if not has_links:  # an empty claim may stand under a final name: the one exception to promise P2
            at_crash = [each for each in at_crash if "no whole picture of the source (0 bytes)" not in each]
        violations += [f"{at}: at the crash: {each}" for each in at_crash]
        with stage.process(LimitedCalls(has_links=has_links)) as bench:
            scene.import_(bench)
            violations += [f"{at}: {each}" for each in scene.violations_after(bench)]
    report_count("kills in an import without safe renames", at // SPARSE, 120 // SPARSE)
    assert violations == []


def test_a_kill_before_any_call_of_a_recovery_loses_and_doubles_nothing(
    stage: Stage, report_count: ReportCount
) -> None:
    scene = Scene(stage)
    total = 0
    violations: list[str] = []
    for first in (60, 80, 100, 120):
        for at in count(1, SPARSE):
            with stage.attempt(CrashingCalls(first)) as bench:
                assert crash(lambda: scene.import_(bench))
            with stage.process(CrashingCalls(at)) as bench:
                has_crashed = crash(lambda: scene.import_nothing(bench))
            if not has_crashed:
                break
            total += 1
            violations += [f"{first}, {at}: at the crash: {each}" for each in scene.violations_at_crash()]
            with stage.process() as bench:
                scene.import_(bench)
                after = scene.violations_after(bench, checks_catalog=total % 3 == 0)
                violations += [f"{first}, {at}: {each}" for each in after]
    report_count("kills in a recovery", total, 160 // SPARSE)
    assert violations == []


def test_a_kill_before_any_call_of_making_a_storage_leaves_none_or_a_whole_one(
    stage: Stage, report_count: ReportCount
) -> None:
    scene = Scene(stage, has_storage=False)
    violations: list[str] = []
    at = 0
    for at in count(1):
        with stage.attempt(CrashingCalls(at)) as bench:
            has_crashed = crash(bench.create)
            disk = bench.disk
        if not has_crashed:
            break
        signed = [path.parent for path in disk.glob("*/.imalink-storage")]
        with stage.process() as bench:
            if bench.records():
                violations += [f"{at}: the catalog knows a storage without signature"] if not signed else []
            else:
                bench.create()
            [record] = bench.records()
            scene.root = bench.root(record)
            scene.import_(bench)
            violations += [f"{at}: {each}" for each in scene.violations_after(bench)]
        for path in disk.iterdir():
            if path != scene.root and (path / ".imalink-storage").exists():
                violations += [f"{at}: {each}" for each in oracle.check_settled(path, {}, {})]
    report_count("kills in making a storage", at - 1, 25)
    assert violations == []


# --- errors ---------------------------------------------------------------------------------------------------------

NUMBERS = (errno.ENOSPC, errno.EIO, errno.EROFS, errno.ESTALE)


def but_previews(violations: list[str]) -> list[str]:
    """Leave out previews that the disk did not take: they stop no work and can be made again."""
    return [each for each in violations if not each.endswith("has_hotpreview is True")]


def fail(operation: Callable[[], object], number: int) -> list[str]:
    """Run something that meets an error; tell what is wrong with how it says so."""
    try:
        operation()
    except ImalinkError as error:
        if errno.errorcode[number] not in str(error) and os.strerror(number) not in str(error):
            return [f"the message does not name the cause: {error}"]
        return []
    except OSError as error:
        return [f"a bare {error!r} flew out"]
    return []


@pytest.mark.parametrize("is_forever", [False, True], ids=["once", "for ever"])
@pytest.mark.parametrize("number", NUMBERS, ids=errno.errorcode.get)
def test_an_error_at_any_writing_call_of_an_import_is_told_and_made_good(
    stage: Stage, number: int, is_forever: bool, report_count: ReportCount
) -> None:
    scene = Scene(stage)
    violations: list[str] = []
    at = 0
    # Each error meets every n-th call, each at another remainder: together they meet all.
    for at in count(1 + NUMBERS.index(number) % SPARSE, SPARSE):
        calls = FailingCalls(at, number, is_forever=is_forever)
        with stage.attempt(calls) as bench:
            violations += [f"{at}: {each}" for each in fail(lambda: scene.import_(bench), number)]
        if calls.failed is None:
            break
        violations += [f"{at} {calls.failed}: at the error: {each}" for each in scene.violations_at_crash()]
        with stage.process() as bench:
            scene.import_(bench)
            checks_catalog = at % 3 == 0
            after = but_previews(scene.violations_after(bench, checks_catalog=checks_catalog))
            violations += [f"{at} {calls.failed}: {each}" for each in after]
    report_count(f"{errno.errorcode[number]} in an import", at // SPARSE, 120 // SPARSE)
    assert violations == []


def test_an_error_at_any_reading_call_of_an_import_is_told_and_made_good(
    stage: Stage, report_count: ReportCount
) -> None:
    scene = Scene(stage)
    violations: list[str] = []
    total = 0
    for at in count(1, 3 * SPARSE):
        calls = FailingCalls(at, errno.EIO, among=READING)
        with stage.attempt(calls) as bench:
            try:
                scene.import_(bench)
            except ImalinkError:
                pass
            except OSError as error:
                violations.append(f"{at} {calls.failed}: a bare {error!r} flew out")
        if calls.failed is None:
            break
        total += 1
        violations += [f"{at} {calls.failed}: at the error: {each}" for each in scene.violations_at_crash()]
        with stage.process() as bench:
            told = {finding.code for finding in scene.import_(bench).findings}
            after = but_previews(scene.violations_after(bench, checks_catalog=at % 3 == 0))
        if "companion-of-duplicate" in told:  # a sidecar alone that was not read does not come in later, and is told
            after = [each for each in after if "x.xmp stands 0 times" not in each]
        violations += [f"{at} {calls.failed}: {each}" for each in after]
    report_count("EIO at reading calls of an import", total, 480 // 3 // SPARSE)
    assert violations == []


@pytest.mark.parametrize("number", NUMBERS, ids=errno.errorcode.get)
def test_an_error_at_any_writing_call_of_making_a_storage_is_told_and_made_good(
    stage: Stage, number: int, report_count: ReportCount
) -> None:
    scene = Scene(stage, has_storage=False)
    violations: list[str] = []
    at = 0
    for at in count(1 + NUMBERS.index(number) % SPARSE, SPARSE):
        calls = FailingCalls(at, number)
        with stage.attempt(calls) as bench:
            violations += [f"{at}: {each}" for each in fail(bench.create, number)]
        if calls.failed is None:
            break
        with stage.process() as bench:
            if not bench.records():
                bench.create()
            [record] = bench.records()
            scene.root = bench.root(record)
            scene.import_(bench)
            violations += [f"{at} {calls.failed}: {each}" for each in scene.violations_after(bench)]
    report_count(f"{errno.errorcode[number]} in making a storage", at // SPARSE, 25 // SPARSE)
    assert violations == []


# --- the oracle can say no ------------------------------------------------------------------------------------------


@pytest.fixture
def settled(stage: Stage) -> Scene:
    scene = Scene(stage)
    with stage.process() as bench:
        scene.import_(bench)
        assert scene.violations_after(bench) == []
    return scene


def flip(path: Path, at: int = 700) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def lose_entry(root: Path) -> None:
    (root / "imports/session_1.json").unlink()


MISHAPS: dict[str, Callable[[Scene], object]] = {
    "a touched source": lambda scene: os.utime(scene.card / "c.jpg"),
    "a flipped bit in a picture": lambda scene: flip(scene.root / "photos/2024/07/c.jpg"),
    "a truncated picture": lambda scene: os.truncate(scene.root / "photos/2024/07/c.jpg", 100),
    "a lost picture": lambda scene: (scene.root / "photos/2024/07/c.jpg").unlink(),
    "a doubled picture": lambda scene: shutil.copy2(scene.card / "c.jpg", scene.root / "photos/twice.jpg"),
    "a changed time": lambda scene: os.utime(scene.root / "photos/2024/07/c.jpg", ns=(1, 1)),
    "a temporary name": lambda scene: (scene.root / "photos/x.part").touch(),
    "a name of ours in the root": lambda scene: (scene.root / ".imalink-1.tmp").touch(),
    "a touched file of the user's": lambda scene: flip(scene.root / "photos" / PLANTED, 0),
    "a lost session index": lambda scene: (scene.root / "imports/session_1.json").unlink(),
    "half an index": lambda scene: os.truncate(scene.root / "imalink-master.json", 500),
    "an edited index": lambda scene: flip(scene.root / "index.json", 40),
    "a torn commit": lambda scene: [
        os.truncate(path, path.stat().st_size - 3) for path in (scene.root / ".imalink/metadata/commits").iterdir()
    ],
    "a lost preview": lambda scene: next((scene.root / ".imalink/hotpreviews").rglob("*.jpg")).unlink(),
    "a lost manifest": lambda scene: (scene.root / ".imalink/metadata/manifest/session_1.sha256").unlink(),
    "something left in staging": lambda scene: (scene.root / ".imalink/staging/1.part").touch(),
}


@pytest.mark.parametrize("mishap", MISHAPS)
def test_the_oracle_sees(settled: Scene, mishap: str) -> None:
    MISHAPS[mishap](settled)
    found = [] if oracle.tree(settled.card) == settled.sources else ["the source was touched"]
    try:
        found += oracle.check_settled(settled.root, settled.sources, settled.planted)
    except (AssertionError, FileNotFoundError, ValueError) as error:
        found.append(repr(error))
    assert found != []


def test_every_mutating_call_is_a_point() -> None:
    named = {name for name in dir(InterposedCalls) if not name.startswith("_")}
    assert named >= MUTATING | READING
    assert named - MUTATING - READING == {"open_root", "close", "drop_cache", "space"}
