"""Work that runs ahead: in order, bounded, and over when its user is."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator

import pytest

from imalink.errors import CancelledError
from imalink.workflows.working_ahead import work_ahead


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
