"""Many jobs asked for, stopped and attached to by many at once: no storage is held twice, and each comes to an end."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from imalink.catalog import jobs as kept_jobs
from imalink.core.ids import StorageUuid
from imalink.core.job import Holds, JobRequest, JobState
from imalink.core.progress import Progress
from imalink.errors import CancelledError, StorageIoError, TooManyJobsError
from imalink.runtime.events import EventHub, EventKind
from imalink.runtime.jobs import JobHandle, JobRunner
from tests.support.workbench import Workbench

STORAGES = [StorageUuid(f"{digit}" * 8 + "-0000-4000-8000-000000000000") for digit in "123"]


class Disks:
    """Notes who is at work where, and whoever is there at the same time and should not be."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at_work: Counter[str] = Counter()
        self.clashes: list[str] = []
        self.begun: dict[str, list[int]] = {}

    def work(self, asked: JobRequest, number: int, chance: random.Random) -> Mapping[str, object]:
        held = self._held(asked)
        with self._lock:
            self._at_work.update(held)
            self.clashes.extend(each for each in held if self._at_work[each] > 1)
            for each in held:
                self.begun.setdefault(each, []).append(number)
        time.sleep(chance.random() * 0.004)
        with self._lock:
            self._at_work.subtract(held)
        if chance.random() < 0.1:
            raise StorageIoError("Broken.")
        return {"number": number}

    def _held(self, asked: JobRequest) -> list[str]:
        if asked.holds is Holds.EVERYTHING:
            return list(STORAGES)
        return [] if asked.holds is Holds.NOTHING or asked.storage_uuid is None else [asked.storage_uuid]


@pytest.mark.parametrize("seed", range(3))
def test_many_at_once_come_to_their_ends_and_never_meet(seed: int, tmp_path: Path, empty_catalog: Path) -> None:
    disks, hub = Disks(), EventHub()
    handles: list[JobHandle] = []
    numbers = iter(range(10_000))
    asking = threading.Lock()
    ended: dict[object, object] = {}
    with Workbench(tmp_path, empty_catalog=empty_catalog) as bench, JobRunner(bench.tools, hub) as runner:

        def ask(own_seed: int) -> None:
            chance = random.Random(own_seed)
            for _ in range(15):
                holds = chance.choices([Holds.STORAGE, Holds.NOTHING, Holds.EVERYTHING], [8, 2, 1])[0]
                with asking:  # so that the numbers are in the order in which the jobs are asked for
                    number = next(numbers)
                    asked = JobRequest(
                        kind="scan",
                        storage_uuid=chance.choice(STORAGES) if holds is Holds.STORAGE else None,
                        request={"number": chance.choice([number, 0])},
                        holds=holds,
                    )

                    def work(
                        progress: Progress, asked: JobRequest = asked, number: int = number
                    ) -> Mapping[str, object]:
                        progress.checkpoint()
                        return disks.work(asked, number, chance)

                    try:
                        handle = runner.submit(asked, work)
                    except TooManyJobsError:
                        continue
                handles.append(handle)
                if chance.random() < 0.15:
                    runner.cancel(handle.job_id)

        with hub.listen(queue_length=10_000) as listener:
            threads = [threading.Thread(target=ask, args=(seed * 100 + number,)) for number in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
            for handle in handles:
                assert handle.wait(60)
            for event in listener.fetch():
                if event.kind is EventKind.JOB:
                    assert event.data["id"] not in ended  # nothing is told of a job after its end
                    if event.data["is_over"]:
                        ended[event.data["id"]] = event.data["state"]
        assert runner.list_live() == []
        with bench.catalog.read() as db:
            kept = {job.job_id: job.state for job in kept_jobs.list_jobs(db)}
    assert disks.clashes == []
    assert all(numbers_of == sorted(numbers_of) for numbers_of in disks.begun.values())
    assert {state for state in kept.values() if not state.is_over} == set()
    assert ended == {job_id: state.value for job_id, state in kept.items()}
    for handle in handles:
        assert handle.job.state is kept[handle.job_id]
        if handle.job.state is JobState.CANCELLED:
            with pytest.raises(CancelledError):
                handle.result()
