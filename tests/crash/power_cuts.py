"""One scene recorded, cut off anywhere, and each state that may be left put on a disk, recovered and judged."""

from __future__ import annotations

import random
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

from imalink.errors import ImalinkError
from imalink.storage.file_storage import FileStorage
from imalink.workflows.finish_runs import finish_interrupted_runs
from tests.crash import oracle
from tests.crash.crash_states import Disk, as_image, states_now
from tests.crash.oracle import Place
from tests.crash.protocol_order import Area, area_of
from tests.crash.scenes import Goal, Scene, places_below, recover_all
from tests.crash.stage import HOME, Stage
from tests.crash.trial import Trial
from tests.support.disk_log import DiskNow, Done, RecordingCalls
from tests.support.folder_image import FolderImage

Said = dict[str, tuple[dict[str, str], dict[str, oracle.Document]]]

REPEATED_EVERY = 40
"""Every so often the operation is done again on what was recovered, with the catalog made anew."""


@dataclass(frozen=True)
class Cut:
    """A state that a power cut may leave after ``after`` things were done."""

    after: int
    image: FolderImage


class PowerCuts:
    """The recorded run of one scene. The machine's own folder is left out: this is about storages alone."""

    def __init__(self, stage: Stage, scene: Scene) -> None:
        self.trial = Trial(stage, scene)
        self.scene = scene
        self.stage = stage
        self._before: Said = {}
        self.trial.image.put(stage.folder)
        there = places_below(stage.folder)
        self._damaged = {place.base.name for place in there if self.trial.before_of(place).damaged}
        self._before = {} if self._damaged else self._said()
        recorder = RecordingCalls(stage.folder, scene.calls())
        with stage.process(recorder) as bench:
            scene.operate(bench)
        self.begin, self.log = recorder.begin, recorder.log
        self._after = self._said()
        whole = Disk(self.begin.copy())
        for done in self.log:
            whole.do(done)
        self._final = _promised(as_image(whole.everything(), _is_left_out))
        really = _promised(FolderImage.take(stage.folder))
        assert {name: facts[2] for name, facts in really.items()} == {
            name: facts[2] for name, facts in self._final.items()
        }
        self._apart = stage.make_machine_apart()

    # states

    def cuts(
        self, log: Sequence[Done], *, mixed_count: int, chance: random.Random, moments: Container[int] | None = None
    ) -> Iterator[Cut]:
        """Give the distinct states after each thing done, or at ``moments``; locks and previews make no difference."""
        disk = Disk(self.begin.copy())
        seen = set[object]()
        for number in range(len(log) + 1):
            if number:
                disk.do(log[number - 1])
            if moments is not None and number not in moments:
                continue
            for now in states_now(disk, chance, mixed_count):
                key = (number == len(log), _key(now))
                if key not in seen:
                    seen.add(key)
                    yield Cut(number, as_image(now, _is_left_out))

    # judging

    def judge(self, cut: Cut, *, is_done: bool, is_repeated: bool = False) -> list[str]:
        """Put a state on the disk, recover, and see; ``is_done``: the operation had said that it is done."""
        folder = self.stage.folder
        cut.image.put(folder)
        there = places_below(folder)
        violations = self.trial.at_crash() + (list(self._unsettled(cut.image)) if is_done else [])
        for place in there:
            if (place.root / ".imalink-storage").exists():
                try:
                    self._recover(place)
                except ImalinkError as error:
                    violations.append(f"no recovery: {error}")
                    continue
                violations += self._recovered(place, is_done=is_done)
            elif place.base.name in self._before.keys() | self._damaged or is_done:
                violations.append("the storage is none any more")
        if is_repeated and not violations:
            violations += self._repeated()
        return violations

    def _unsettled(self, image: FolderImage) -> Iterator[str]:
        """Once an operation is reported as done, what it left is sure: pictures, indexes, commits, journals."""
        now = _promised(image)
        for name in sorted(now.keys() | self._final.keys()):
            if now.get(name) != self._final.get(name):
                yield f"what was reported as done is not sure: {name}"

    def _recover(self, place: Place) -> None:
        """What any operation begins with: finish interrupted runs, mend and fold."""
        tools = self._apart.tools
        is_home = place.root.is_relative_to(self.stage.folder / HOME / "reference")
        with FileStorage.open(place.root, clock=tools.clock, calls=self.scene.calls(), is_home=is_home) as storage:
            with storage.lock("recover"):
                finish_interrupted_runs(tools, storage)
                numbers = storage.indexes.list_sessions()
                unsound = [number for number in numbers if not storage.indexes.is_session_sound(number)]
                storage.fold(storage.notes(), check_sessions=unsound)

    def _recovered(self, place: Place, *, is_done: bool) -> Iterator[str]:
        imports = self.scene.goal is Goal.CARD_IS_IN and self.scene.finish is None
        yield from oracle.check_settled(
            place,
            self.trial.before_of(place),
            is_complete=imports and is_done,
            may_be_vacant=self.scene.may_be_vacant,
            is_behind=True,
            may_stay_vacant=self.scene.may_stay_vacant and not is_done,
            checks_previews=False,
        )
        name = place.base.name
        said, facts = oracle.listing(place), oracle.facts_said(place)
        after, after_facts = self._after.get(name, ({}, {}))
        # Where index files were damaged before, they are mended to what they are afterwards, or not read at all.
        before, before_facts = self._before.get(name, (after, after_facts) if name in self._damaged else ({}, {}))
        if is_done:
            if imports and "interrupted" in oracle.statuses(place):
                yield "what was reported as done is interrupted now"
            if not imports and (said, facts) != (after, after_facts):
                yield f"what was said when it was done does not hold: {said}"
        elif not imports:
            for path in before.keys() | after.keys() | said.keys():
                if said.get(path) not in (before.get(path), after.get(path), "orphan" if path not in before else None):
                    yield f"{path} is {said.get(path)}; it was {before.get(path)} and was to be {after.get(path)}"
            for photo, told in facts.items():
                if told not in (before_facts.get(photo, told), after_facts.get(photo, told)):
                    yield f"of {photo[:8]} is said {told}"

    def _repeated(self) -> list[str]:
        """I8: do it again, with a catalog made anew."""
        if self.scene.finish is not None or self.scene.goal is not Goal.CARD_IS_IN:
            return []
        with self.trial.process() as bench:
            recover_all(bench)
            self.scene.operate(bench)
            return [each for each in self.trial.settled(bench) if not each.startswith("preview: ")]

    def _said(self) -> Said:
        return {
            place.base.name: (oracle.listing(place), oracle.facts_said(place))
            for place in places_below(self.stage.folder)
            if (place.root / ".imalink-storage").exists()
        }


def _is_left_out(path: str) -> bool:
    """Locks need not outlive a power cut, and the machine's own files are no part of a storage."""
    name = path.rpartition("/")[2]
    return name.startswith(".imalink-storage.lock") or (
        path.startswith(f"{HOME}/") and not path.startswith(f"{HOME}/reference")
    )


def _promised(image: FolderImage) -> Mapping[str, tuple[object, ...]]:
    """Give bytes, permissions and times of every file that no power cut may change any more."""
    return {
        name: (held.mode, held.modified_ns, held.data)
        for name, held in ((name, image.held[each.twin or name]) for name, each in image.held.items())
        if held.data is not None and area_of(name) is not Area.UNFLUSHED
    }


def _key(now: DiskNow) -> object:
    image = as_image(now, lambda path: _is_left_out(path) or "hotpreview" in path)
    return image.digest
