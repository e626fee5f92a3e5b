"""Listeners are told what changes; one that does not listen keeps nobody waiting and is told that it missed some."""

from __future__ import annotations

import threading
import time

from imalink.runtime.events import Event, EventHub, EventKind


def test_every_listener_is_told_in_order() -> None:
    hub = EventHub()
    with hub.listen() as one, hub.listen() as two:
        hub.tell(EventKind.LIBRARY, {"rev": 1})
        hub.tell(EventKind.STORAGE, {"storage_uuid": "a"}, subject="a")
        for listener in (one, two):
            assert [event.kind for event in listener.fetch()] == [EventKind.LIBRARY, EventKind.STORAGE]
            assert listener.fetch() == []


def test_of_several_about_one_thing_the_last_is_told() -> None:
    hub = EventHub()
    with hub.listen() as listener:
        for files in range(100):
            hub.tell(EventKind.JOB, {"files": files}, subject="job 1")
        hub.tell(EventKind.JOB, {"files": 7}, subject="job 2")
        assert [event.data["files"] for event in listener.fetch()] == [99, 7]


def test_a_listener_that_does_not_fetch_is_told_that_it_missed_some_and_costs_no_more_memory() -> None:
    hub = EventHub()
    with hub.listen(queue_length=10) as lazy, hub.listen() as keen:
        for number in range(1000):
            hub.tell(EventKind.PHOTO, {"number": number})
            keen.fetch()
        found = lazy.fetch()
        assert len(found) <= 11
        assert found[0] == Event(kind=EventKind.RESYNC, data={})
        assert found[-1].data == {"number": 999}


def test_who_waits_is_woken() -> None:
    hub = EventHub()
    with hub.listen() as listener:
        threading.Timer(0.1, hub.tell, (EventKind.LIBRARY, {"rev": 5})).start()
        assert [event.data for event in listener.fetch(10)] == [{"rev": 5}]


def test_closing_lets_go_of_who_waits() -> None:
    hub = EventHub()
    listener = hub.listen()
    threading.Timer(0.1, listener.close).start()
    started = time.monotonic()
    assert listener.fetch(None) == []
    assert time.monotonic() - started < 5
    assert hub.listener_count == 0
    hub.tell(EventKind.LIBRARY, {"rev": 1})
    assert listener.fetch() == []


def test_a_word_comes_once_for_many_events_that_nobody_fetched() -> None:
    hub = EventHub()
    words: list[str] = []
    with hub.listen(on_arrival=lambda: words.append("arrived")) as listener:
        for number in range(10):
            hub.tell(EventKind.PHOTO, {"number": number})
        assert words == ["arrived"]
        assert len(listener.fetch()) == 10
        hub.tell(EventKind.LIBRARY, {"rev": 1})
        assert words == ["arrived", "arrived"]
