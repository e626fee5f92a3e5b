"""What was said in a server is told to the storages a moment later, and whatever happens meanwhile it is told once."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from imalink.catalog.file_storages import StorageRecord
from imalink.core.edit_request import EditRequest
from imalink.core.ids import Hothash
from imalink.core.user_facts import FactChange
from imalink.errors import CatalogError
from imalink.runtime.outbox_writer import REST_FACTOR, OutboxWriter
from imalink.workflows.edit_photos import EditReport, edit_photos
from imalink.workflows.tools import Tools
from tests.support.faults import InterposedCalls
from tests.support.workbench import Workbench, make_source


class Time:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def bench(tmp_path: Path, empty_catalog: Path) -> Iterator[Workbench]:
    with Workbench(tmp_path, empty_catalog=empty_catalog) as found:
        yield found


@pytest.fixture
def record(bench: Workbench) -> StorageRecord:
    record = bench.create()
    bench.import_(record, make_source(bench.folder / "card"))
    return record


@pytest.fixture
def now() -> Time:
    return Time()


@pytest.fixture
def writer(bench: Workbench, now: Time) -> Iterator[OutboxWriter]:
    with OutboxWriter(bench.tools, quiet_seconds=2, at_most_seconds=10, retry_seconds=30, monotonic=now) as writer:
        yield writer


def rate(tools: Tools, bench: Workbench, record: StorageRecord, rating: int) -> EditReport:
    return rate_one(tools, min(bench.master(record).files), rating)


def ratings_in(bench: Workbench, record: StorageRecord) -> list[int | None]:
    """Give the ratings that the storage itself knows."""
    index = bench.session(record)
    hothash = Hothash(min(index.files))
    return [photo.rating for photo_uuid, photo in index.photos.items() if photo_uuid == index.files[hothash].photo_uuid]


def served(bench: Workbench, writer: OutboxWriter) -> Tools:
    return replace(bench.tools, tells_later=writer.note)


def test_an_edit_waits_until_nothing_is_said_for_a_moment(
    bench: Workbench, record: StorageRecord, writer: OutboxWriter, now: Time
) -> None:
    tools = served(bench, writer)
    assert writer.due_in() is None
    report = rate(tools, bench, record, 4)
    assert [(each.edits, each.status) for each in report.waiting] == [(1, "soon")]
    assert writer.due_in() == 2
    now.seconds += 1.5
    rate(tools, bench, record, 5)
    assert writer.due_in() == 2
    assert ratings_in(bench, record) == [None]
    assert writer.tell_now() == []
    assert ratings_in(bench, record) == [5]
    assert writer.due_in() is None


def test_who_never_stops_is_written_down_all_the_same(
    bench: Workbench, record: StorageRecord, writer: OutboxWriter, now: Time
) -> None:
    tools = served(bench, writer)
    due: list[float | None] = []
    for rating in (1, 2, 3, 4, 5, 1, 2):
        rate(tools, bench, record, rating)
        due.append(writer.due_in())
        now.seconds += 1.5
    assert due == [2, 2, 2, 2, 2, 2, 1]  # ten seconds after the first


def test_after_long_writing_it_rests(bench: Workbench, record: StorageRecord, now: Time) -> None:
    class SlowCalls(InterposedCalls):
        def fsync(self, descriptor: int) -> None:
            now.seconds += 1
            self.inner.fsync(descriptor)

    slow = replace(bench.tools, calls=SlowCalls())
    with OutboxWriter(slow, quiet_seconds=2, at_most_seconds=10, monotonic=now) as writer:
        tools = served(bench, writer)
        rate(tools, bench, record, 1)
        before = now.seconds
        writer.tell_now()
        took = now.seconds - before
        assert took >= 3
        rate(tools, bench, record, 2)
        assert writer.due_in() == pytest.approx(REST_FACTOR * took)


def test_a_storage_that_is_away_is_tried_again(
    bench: Workbench, record: StorageRecord, writer: OutboxWriter, now: Time
) -> None:
    tools = served(bench, writer)
    [hothash, *_] = sorted(bench.master(record).files)
    away = bench.folder / "unplugged"
    shutil.move(record.full_path, away)
    assert [each.status for each in rate_one(tools, hothash, 4).waiting] == ["soon"]
    assert [(each.edits, each.status) for each in writer.tell_now()] == [(1, "storage-offline")]
    assert writer.due_in() == 30
    report = rate_one(tools, hothash, 5)
    assert [(each.edits, each.status) for each in report.waiting] == [(2, "storage-offline")]
    shutil.move(away, record.full_path)
    now.seconds += 30
    assert writer.due_in() == 0
    assert writer.tell_now() == []
    assert ratings_in(bench, record) == [5]
    assert rate_one(tools, hothash, 1).waiting[0].status == "soon"


def test_it_begins_with_what_an_earlier_process_left(bench: Workbench, record: StorageRecord) -> None:
    killed = OutboxWriter(bench.tools)
    rate(served(bench, killed), bench, record, 3)
    with OutboxWriter(bench.tools) as writer:
        writer.start()
        wait_for(bench, [3], record)


def test_the_last_word_is_written_at_the_end(bench: Workbench, record: StorageRecord) -> None:
    with OutboxWriter(bench.tools, quiet_seconds=3600, at_most_seconds=3600) as writer:
        writer.start()
        wait_until(lambda: writer.due_in() is None)
        rate(served(bench, writer), bench, record, 2)
    assert ratings_in(bench, record) == [2]


def test_the_thread_tells_after_the_pause(bench: Workbench, record: StorageRecord) -> None:
    with OutboxWriter(bench.tools, quiet_seconds=0.05) as writer:
        writer.start()
        for rating in (1, 2, 3):
            rate(served(bench, writer), bench, record, rating)
        wait_for(bench, [3], record)


def test_an_error_of_the_catalog_ends_nothing(
    bench: Workbench, record: StorageRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    with OutboxWriter(bench.tools, quiet_seconds=0.01, retry_seconds=0.05) as writer:
        refused = threading.Event()
        read = type(bench.tools.catalog).read

        def refuse(_: object) -> object:
            refused.set()
            raise CatalogError("The catalog is away.", hint="Wait.")

        rate(served(bench, writer), bench, record, 1)
        monkeypatch.setattr(type(bench.tools.catalog), "read", refuse)
        writer.start()
        assert refused.wait(30)
        monkeypatch.setattr(type(bench.tools.catalog), "read", read)
        wait_for(bench, [1], record)


def rate_one(tools: Tools, hothash: str, rating: int) -> EditReport:
    return edit_photos(tools, [hothash], EditRequest(said=FactChange.of({"rating": rating})))


def wait_for(bench: Workbench, ratings: list[int], record: StorageRecord) -> None:
    wait_until(lambda: ratings_in(bench, record) == ratings)


def wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.01)
