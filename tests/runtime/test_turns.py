"""Turns at a storage, and sessions that may be claimed."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from imalink.core.ids import SessionUuid, StorageUuid
from imalink.runtime.restored_sessions import RestoredSession, RestoredSessions
from imalink.runtime.turns import StorageTurns

STORAGE = StorageUuid("11111111-1111-4111-8111-111111111111")
OTHER = StorageUuid("22222222-2222-4222-8222-222222222222")


def test_work_on_one_storage_is_done_one_after_the_other() -> None:
    turns, at_work, most = StorageTurns(), [0], [0]

    def work() -> None:
        with turns.of(STORAGE):
            at_work[0] += 1
            most[0] = max(most[0], at_work[0])
            threading.Event().wait(0.01)
            at_work[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (most, at_work) == ([1], [0])


def test_work_on_another_storage_does_not_wait() -> None:
    turns, done = StorageTurns(wait_seconds=60), threading.Event()

    def work() -> None:
        with turns.of(OTHER):
            done.set()

    with turns.of(STORAGE):
        threading.Thread(target=work).start()
        assert done.wait(10)


def test_whoever_waited_long_enough_goes_on_and_gives_no_turn_back_that_is_not_theirs() -> None:
    turns = StorageTurns(wait_seconds=0.01)
    with turns.of(STORAGE):
        with turns.of(STORAGE, OTHER):
            pass
        with turns.briefly(STORAGE) as has_turn:
            assert not has_turn
    with turns.briefly(STORAGE) as has_turn:
        assert has_turn


def test_what_is_brief_waits_for_its_like() -> None:
    turns, begun, done = StorageTurns(wait_seconds=60), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        with turns.briefly(STORAGE) as has_turn:
            assert has_turn
            done.set()

    with turns.briefly(STORAGE):
        threading.Thread(target=work).start()
        assert begun.wait(10)
        assert not done.wait(0.05)
    assert done.wait(10)


def test_what_is_brief_is_turned_away_by_what_is_long_and_called_when_that_is_over() -> None:
    turns, calls = StorageTurns(wait_seconds=60), [0]

    def called() -> None:
        calls[0] += 1
        with turns.briefly(STORAGE) as has_turn:
            assert has_turn

    turns.when_free = called
    with turns.of(STORAGE):
        pass
    assert calls == [0]
    with turns.of(STORAGE, OTHER):
        with turns.briefly(STORAGE) as has_turn:
            assert not has_turn
        assert calls == [0]
    assert calls == [1]


def test_a_brief_turn_that_waits_gives_up_when_long_work_comes_before_it() -> None:
    turns, answers = StorageTurns(wait_seconds=60), list[bool]()

    def work() -> None:
        with turns.briefly(STORAGE) as has_turn:
            answers.append(has_turn)

    with turns.of(STORAGE):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join(10)
    assert answers == [False]


class _Clock:
    def __init__(self) -> None:
        self.time = datetime(2024, 10, 18, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


def restored(title: str = "Italy", description: str = "") -> RestoredSession:
    return RestoredSession(
        session_uuid=SessionUuid(f"of {title}"), storage_uuid=STORAGE, title=title, description=description
    )


def test_a_restored_session_is_claimed_once_by_its_title_and_storage() -> None:
    sessions = RestoredSessions(clock=_Clock())
    sessions.offer([restored(), restored("Norway", "north")])
    assert sessions.claim(OTHER, title="Italy", description="") is None
    assert sessions.claim(STORAGE, title="Norway", description="") is None
    assert sessions.claim(STORAGE, title="Norway", description="north") == "of Norway"
    assert sessions.claim(STORAGE, title=" Italy ", description="") == "of Italy"
    assert sessions.claim(STORAGE, title="Italy", description="") is None


def test_after_an_hour_nothing_is_claimed() -> None:
    clock = _Clock()
    sessions = RestoredSessions(clock=clock)
    sessions.offer([restored()])
    clock.time += timedelta(minutes=61)
    assert sessions.claim(STORAGE, title="Italy", description="") is None
