"""Listeners hear what another process changed in the catalog: photos, and storages that come, go and change."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from imalink.runtime.events import EventHub, EventKind, Listener
from imalink.runtime.jobs import JobRunner
from imalink.runtime.library_watch import LibraryWatch, snapshot
from imalink.workflows.forget_storage import forget_storage
from imalink.workflows.look_at_storages import check_accessibility
from tests.support.workbench import Workbench, make_source


@pytest.fixture
def bench(tmp_path: Path, empty_catalog: Path) -> Iterator[Workbench]:
    with Workbench(tmp_path, empty_catalog=empty_catalog) as found:
        yield found


def heard(listener: Listener) -> list[tuple[EventKind, object]]:
    return [(event.kind, event.data.get("rev") or event.subject) for event in listener.fetch()]


def test_what_another_process_did_is_told_once(bench: Workbench) -> None:
    record = bench.create()
    hub = EventHub()
    with LibraryWatch(bench.tools, hub) as watch, hub.listen() as listener:
        watch.look()
        assert heard(listener) == []
        other = Workbench(bench.folder)  # as the command line has it
        other.import_(record, make_source(bench.folder / "card", 2))
        other.close()
        watch.look()
        rev = bench.catalog.get_library_rev()
        assert heard(listener) == [(EventKind.STORAGE, record.storage_uuid), (EventKind.LIBRARY, rev)]
        watch.look()
        assert heard(listener) == []


def test_a_storage_that_goes_away_comes_and_is_forgotten_is_told(bench: Workbench) -> None:
    hub = EventHub()
    with LibraryWatch(bench.tools, hub) as watch, hub.listen() as listener:
        record = bench.create()
        watch.look()
        assert [event.data["display_name"] for event in listener.fetch()] == ["Blue Samsung"]
        root = bench.root(record)
        root.rename(root.with_name("away"))
        check_accessibility(bench.tools, record.storage_uuid)
        watch.look()
        assert [event.data["is_accessible"] for event in listener.fetch()] == [False]
        forget_storage(bench.tools, bench.record(record.storage_uuid))
        watch.look()
        told = [event.data for event in listener.fetch() if event.kind is EventKind.STORAGE]
        assert told == [{"storage_uuid": record.storage_uuid, "is_forgotten": True}]


def test_the_thread_tells_who_listens(bench: Workbench) -> None:
    hub = EventHub()
    with LibraryWatch(bench.tools, hub) as watch, hub.listen() as listener:
        watch.start(watch_seconds=0.02)
        bench.create()
        assert [event.kind for event in listener.fetch(10)] == [EventKind.STORAGE]


def test_a_snapshot_holds_what_events_tell_of(bench: Workbench) -> None:
    record = bench.create()
    with JobRunner(bench.tools, EventHub()) as runner:
        found = snapshot(bench.tools, runner)
    assert found["library"] == {"rev": bench.catalog.get_library_rev()}
    assert found["jobs"] == []
    (storage,) = found["storages"]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
    assert storage["storage_uuid"] == record.storage_uuid
