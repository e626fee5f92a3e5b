"""Work that runs ahead: in order, bounded, and over when its user is."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator

import pytest

from imalink.errors import CancelledError
from imalink.workflows.working_ahead import Patience, Pulse, work_ahead


def never() -> None:
    pass


def napping(item: int) -> int:
    time.sleep(random.Random(item).random() / 200)
    return item * item


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_the_order_of_the_items(threads: int) -> None:
    with work_ahead(range(60), napping, threads=threads, checkpoint=never) as results:
        assert list(results) == [item * item for item in range(60)]


def test_several_items_are_in_work_at_once() -> None:
    meeting = threading.Barrier(4, timeout=10)

    def meet(item: int) -> int:
        meeting.wait()
        return item

    with work_ahead(range(8), meet, threads=4, checkpoint=never) as results:
        assert list(results) == list(range(8))


def test_items_are_drawn_no_further_than_is_good_for_the_disk() -> None:
    drawn: list[int] = []

    def draw() -> Iterator[int]:
        for item in range(1_000):
            drawn.append(item)
            yield item

    with work_ahead(draw(), napping, threads=2, checkpoint=never) as results:
        for _ in range(5):
            next(results)
        assert len(drawn) <= 5 + 2 * 3


@pytest.mark.parametrize("threads", [1, 3])
def test_what_an_item_raises_comes_in_its_turn_and_nothing_new_is_begun(threads: int) -> None:
    done: list[int] = []

    def work(item: int) -> int:
        if item == 3:
            raise ValueError("three")
        done.append(item)
        return item

    found: list[int] = []
    with (
        pytest.raises(ValueError, match="three"),
        work_ahead(range(500), work, threads=threads, checkpoint=never) as results,
    ):
        found.extend(results)
    assert found == [0, 1, 2]
    count = len(done)
    assert count <= 3 + threads * 3
    time.sleep(0.05)
    assert len(done) == count


def test_when_the_block_is_left_nothing_runs_any_more() -> None:
    running: set[int] = set()

    def work(item: int) -> int:
        running.add(item)
        time.sleep(0.05)
        running.discard(item)
        return item

    with work_ahead(range(100), work, threads=4, checkpoint=never) as results:
        next(results)
    assert running == set()


def test_a_wish_to_stop_is_seen_while_a_slow_item_is_in_work() -> None:
    release = threading.Event()
    asked = 0

    def checkpoint() -> None:
        nonlocal asked
        asked += 1
        if asked == 3:
            release.set()  # the item itself cannot be interrupted, only what comes after it
            raise CancelledError("The work was stopped.")

    begun: list[int] = []

    def work(item: int) -> int:
        begun.append(item)
        assert release.wait(10)
        return item

    with pytest.raises(CancelledError), work_ahead(range(50), work, threads=2, checkpoint=checkpoint) as results:
        list(results)
    assert len(begun) <= 4


# --- what does not get on ---------------------------------------------------------------------------------------------


class Stuck:
    """Work in which some items wait, like a read from a disk that does not answer, until they are let go."""

    def __init__(self, *stuck: int) -> None:
        self.pulse = Pulse()
        self.released = threading.Event()
        self.told: list[int] = []
        self._stuck = stuck

    def work(self, item: int) -> int:
        self.pulse.beat()
        if item in self._stuck:
            self.released.wait(30)
            self.pulse.beat()
        return item

    def patience(self, give_up_after: float = 60.0) -> Patience[int, int]:
        return Patience(
            pulse=self.pulse,
            tell=lambda item, _: self.told.append(item),
            give_up=lambda item: -item,
            told_after=0.1,
            aside_after=0.3,
            give_up_after=give_up_after,
        )


def test_what_does_not_get_on_keeps_nothing_else_back_and_comes_last() -> None:
    stuck = Stuck(3, 7)
    found: list[int] = []
    with work_ahead(range(60), stuck.work, threads=2, checkpoint=never, patience=stuck.patience()) as results:
        for result in results:
            found.append(result)
            if len(found) == 58:
                stuck.released.set()
    assert found == [*(item for item in range(60) if item not in (3, 7)), 3, 7]
    assert set(stuck.told) == {3, 7}


def test_what_never_gets_on_is_given_up_last() -> None:
    stuck = Stuck(2)
    with work_ahead(range(20), stuck.work, threads=2, checkpoint=never, patience=stuck.patience(0.8)) as results:
        assert list(results) == [*(item for item in range(20) if item != 2), -2]
    stuck.released.set()


def test_a_wish_to_stop_is_granted_within_seconds_though_a_disk_does_not_answer() -> None:
    stuck = Stuck(0)
    asked_at = time.monotonic() + 0.5

    def checkpoint() -> None:
        if time.monotonic() > asked_at:
            raise CancelledError("The work was stopped.")

    with (
        pytest.raises(CancelledError),
        work_ahead(range(50), stuck.work, threads=2, checkpoint=checkpoint, patience=stuck.patience()) as results,
    ):
        list(results)
    assert time.monotonic() - asked_at < 5
    stuck.released.set()


def test_work_that_only_computes_is_not_taken_for_stuck() -> None:
    stuck = Stuck()

    def compute(item: int) -> int:
        with stuck.pulse.computing():
            time.sleep(0.5 if item == 1 else 0)
        return item

    with work_ahead(range(9), compute, threads=2, checkpoint=never, patience=stuck.patience()) as results:
        assert list(results) == list(range(9))
    assert stuck.told == []
