"""One scene set up: stopped at every call, gone on with by a new process, and judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from imalink.durable_files import FileCalls
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from tests.crash import oracle
from tests.crash.oracle import Before, Place
from tests.crash.scenes import CARD, OWN, Goal, Scene, places, places_below, said_in
from tests.crash.stage import HOME, Stage
from tests.support.faults import WatchedCalls
from tests.support.folder_image import FolderImage
from tests.support.workbench import Workbench

Step = Callable[[Workbench], object]


@dataclass(frozen=True)
class Stop:
    """A moment at which the process may die: before its ``number``-th mutating call (from 1)."""

    number: int
    call: str
    image: FolderImage


class Trial:
    """A scene on a stage. What is tried begins with the same files each time."""

    def __init__(self, stage: Stage, scene: Scene) -> None:
        self.stage = stage
        self.scene = scene
        stage.clear()
        with stage.process() as bench:
            scene.set_up(bench)
        self.image = stage.keep()
        self.card = oracle.tree(stage.folder / CARD)
        self._before = {
            place.base: oracle.look(place, self.card, is_replacing=scene.is_replacing, may_go=scene.may_go(place))
            for place in places_below(stage.folder)
        }
        self._outside = self._tree_outside()
        with stage.process(scene.calls()) as bench:
            scene.operate(bench)
            scene.go_on(bench)
            self.undisturbed = said_in(bench)

    # stopping

    def stops(self, operate: Step | None = None, image: FolderImage | None = None) -> list[Stop]:
        """Run the operation once, and give what stood there before each call."""
        found: list[Stop] = []
        (image or self.image).put(self.stage.folder)

        def look(call: str) -> None:
            found.append(Stop(len(found) + 1, call, FolderImage.take(self.stage.folder)))

        with self.stage.process(WatchedCalls(look, self.scene.calls())) as bench:
            (operate or self.scene.operate)(bench)
        return found

    # judging

    def judge(self, image: FolderImage, *, is_thorough: bool) -> list[str]:
        """See what a process left that died, let another go on, and see what comes of it."""
        image.put(self.stage.folder)
        violations = self.at_crash()
        with self.process() as bench:
            self.scene.go_on(bench)
            violations += self.settled(bench)
            if is_thorough:
                violations += self.recovers_as_it_is(bench)
        return violations

    def process(self, calls: FileCalls | None = None):
        """Give a new process on the files as they are, on the scene's file system."""
        return self.stage.process(calls or self.scene.calls())

    def at_crash(self) -> list[str]:
        violations = self._outside_violations()
        for place in places_below(self.stage.folder):
            violations += oracle.check_at_crash(
                place,
                self.before_of(place),
                has_claims=self.scene.has_claims,
                may_be_vacant=self.scene.may_be_vacant,
            )
        return violations

    def settled(self, bench: Workbench) -> list[str]:
        """Judge what stands there when someone has gone on with it."""
        scene, violations = self.scene, self._outside_violations()
        is_complete = scene.goal is Goal.CARD_IS_IN
        for place in places(bench):
            violations += oracle.check_settled(
                place,
                self.before_of(place),
                is_complete=is_complete,
                may_be_vacant=scene.may_be_vacant,
                is_behind=scene.is_behind,
            )
        if scene.goal is Goal.AS_UNDISTURBED:
            violations += list(_differences(self.undisturbed, said_in(bench)))
        return violations

    def recovers_as_it_is(self, bench: Workbench) -> list[str]:
        """I7, I11, I12: the catalog is what the storages say, and a recovery changes nothing about either."""
        roots = [self.stage.folder / "disk", self.stage.folder / OWN]
        candidates, _ = find_candidates(bench.tools, [root for root in roots if root.is_dir()])
        violations = [f"I11: {each}" for each in recover(bench.tools, candidates, is_check=True).differences]
        before = [oracle.tree(place.root) for place in places(bench)]
        recover(bench.tools, candidates)
        if [oracle.tree(place.root) for place in places(bench)] != before:
            violations.append("I7: a recovery changed what needed no recovery")
        for place in places(bench) if not self.scene.is_behind else ():
            violations += oracle.check_with_sha256sum(place)
        return violations

    def before_of(self, place: Place) -> Before:
        return self._before.get(place.base) or Before(self.card, {}, frozenset())

    def _tree_outside(self) -> dict[str, oracle.Facts]:
        inside = (f"{HOME}/", "disk/", f"{OWN}/")
        return {name: facts for name, facts in oracle.tree(self.stage.folder).items() if not name.startswith(inside)}

    def _outside_violations(self) -> list[str]:
        """I1, I10: the card is as it was, and nothing was written outside the storages and the machine's own folder."""
        now = self._tree_outside()
        return [
            f"I1, I10: {name}"
            for name in sorted(now.keys() | self._outside)
            if now.get(name) != self._outside.get(name)
        ]


def distinct(stops: list[Stop]) -> Iterator[Stop]:
    """Give the first stop of each state: a flush changes nothing that a kill would show."""
    seen = set[bytes]()
    for stop in stops:
        if stop.image.digest not in seen:
            seen.add(stop.image.digest)
            yield stop


def _differences(wanted: list[object], found: list[object]) -> Iterator[str]:
    if wanted != found:
        yield f"the indexes say {found}, and undisturbed they say {wanted}"
