"""A session into which nothing came yet is known to every storage: it survives the catalog, and it can be deleted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from imalink.catalog import library, outbox
from imalink.catalog.authors import list_authors
from imalink.catalog.catalog import Catalog
from imalink.catalog.dump import compare
from imalink.core.ids import WriterId
from imalink.core.library import FieldValue, ItemKind, LibraryEdited
from imalink.core.photo import FieldClock
from imalink.core.planned_session import planned_from
from imalink.core.session import SessionStatus
from imalink.workflows.create_session import create_session
from imalink.workflows.delete_session import delete_session
from imalink.workflows.edit_session import edit_session
from imalink.workflows.flush_outbox import tell_storages
from imalink.workflows.forget_storage import forget_storage
from imalink.workflows.look_at_sessions import list_sessions
from imalink.workflows.recover import RecoveryReport, recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.recovery_drill import recovery_drill
from tests.support.workbench import Workbench, make_source

UUID = "7d5a1f0e-0000-4000-8000-000000000001"


@pytest.fixture
def bench(tmp_path: Path, empty_catalog: Path) -> Iterator[Workbench]:
    with Workbench(tmp_path, empty_catalog=empty_catalog) as bench:
        yield bench


def titles(bench: Workbench) -> dict[str, int]:
    return {record.session.title: record.session.number for record in list_sessions(bench.tools)}


@pytest.fixture
def other(tmp_path: Path, empty_catalog: Path) -> Iterator[Workbench]:
    """A machine that has nothing but the storages."""
    with Workbench(tmp_path, empty_catalog=empty_catalog, name="another") as other:
        yield other


def take_in(other: Workbench, bench: Workbench) -> None:
    recover(other.tools, find_candidates(other.tools, [bench.disk])[0])


def check(bench: Workbench) -> RecoveryReport:
    return recover(bench.tools, find_candidates(bench.tools, [], is_check=True)[0], is_check=True)


def test_a_session_without_pictures_comes_back_with_all_that_was_said(bench: Workbench, other: Workbench) -> None:
    record = bench.create()
    create_session(bench.tools, title="Norway")
    create_session(bench.tools, title="Italy", description="Two\nweeks", storage=record.storage_uuid, author="Kari")
    edit_session(bench.tools, "1", title="Norway 2024")
    assert check(bench).differences == ()
    take_in(other, bench)
    assert compare(bench.dump(), other.dump()) == []
    assert titles(other) == {"Norway 2024": 1, "Italy": 2}
    [italy] = [each for each in list_sessions(other.tools) if each.session.title == "Italy"]
    assert italy.storage_uuid == record.storage_uuid
    assert italy.session.default_author is not None
    assert italy.session.default_author.name == "Kari"


def test_a_drill_finds_it_too(bench: Workbench, tmp_path: Path) -> None:
    record = bench.create()
    bench.import_(record, make_source(tmp_path / "card", 2))
    create_session(bench.tools, title="Norway")
    report = recovery_drill(bench.tools, tmp_path)
    assert [each.differences for each in report.rehearsals] == [() for _ in report.rehearsals]
    assert report.only_in_catalog == ()


def test_a_storage_that_is_away_is_told_when_it_is_back(bench: Workbench, other: Workbench) -> None:
    record = bench.create()
    root = bench.root(record)
    root.rename(root.with_name("away"))
    create_session(bench.tools, title="Norway")
    root.with_name("away").rename(root)
    assert tell_storages(bench.tools) == []
    take_in(other, bench)
    assert titles(other) == {"Norway": 1}


def test_what_came_in_counts_from_then_on(bench: Workbench, other: Workbench, tmp_path: Path) -> None:
    record = bench.create()
    create_session(bench.tools, title="Norway", storage=record.storage_uuid)
    bench.import_(record, make_source(tmp_path / "card", 2), session="1")
    edit_session(bench.tools, "1", title="Norway 2024")
    take_in(other, bench)
    assert compare(bench.dump(), other.dump()) == []
    [session] = list_sessions(other.tools)
    assert (session.session.title, session.session.status) == ("Norway 2024", SessionStatus.COMPLETED)


def test_a_deleted_one_stays_deleted_everywhere(bench: Workbench, other: Workbench) -> None:
    bench.create()
    create_session(bench.tools, title="Norway")
    take_in(other, bench)
    assert titles(other) == {"Norway": 1}
    delete_session(bench.tools, "1")
    take_in(other, bench)
    assert titles(other) == {}
    assert check(bench).differences == ()


def test_those_of_a_forgotten_storage_do_not_come_back_without_their_pictures(bench: Workbench, tmp_path: Path) -> None:
    bench.create("Kept")
    record = bench.create("Gone")
    create_session(bench.tools, title="Norway", storage=record.storage_uuid)
    bench.import_(record, make_source(tmp_path / "card", 2), session="1")
    forget_storage(bench.tools, record)
    assert titles(bench) == {}
    assert check(bench).differences == ()
    recover(bench.tools, find_candidates(bench.tools, [bench.root(record)])[0])
    assert titles(bench) == {"Norway": 1}


def test_a_number_that_is_taken_is_another_here(bench: Workbench, other: Workbench, tmp_path: Path) -> None:
    bench.create()
    create_session(bench.tools, title="Norway")
    (tmp_path / "other disk").mkdir()
    own = other.create("Own", base_path=tmp_path / "other disk")
    other.import_(own, make_source(tmp_path / "card", 2), title="Mine")
    take_in(other, bench)
    assert titles(other) == {"Mine": 1, "Norway": 2}


@pytest.mark.parametrize(
    "values",
    [
        {"title": "", "imported_at": "2024-10-18T14:30:52Z"},
        {"title": 3, "imported_at": "2024-10-18T14:30:52Z"},
        {"title": "Norway", "imported_at": "yesterday"},
        {"title": "Norway"},
        {"title": "Norway", "imported_at": "2024-10-18T14:30:52Z", "deleted": True},
    ],
)
def test_what_cannot_be_a_session_is_none(values: dict[str, FieldValue]) -> None:
    assert planned_from(UUID, values) is None
    assert planned_from("no UUID", {"title": "Norway", "imported_at": "2024-10-18T14:30:52Z"}) is None


def test_a_hostile_item_makes_at_most_a_session_with_a_name_cut_short(bench: Workbench, other: Workbench) -> None:
    record = bench.create()
    values: dict[str, FieldValue] = {
        "title": "x" * 9999,
        "imported_at": "2024-10-18T14:30:52Z",
        "number": 2**40,
        "storage": "a\0",
        "author": 7,
    }
    _say(bench.tools.catalog, LibraryEdited(kind=ItemKind.SESSION, key=UUID, values=values, clock=_clock(bench)))
    tell_storages(bench.tools)
    take_in(other, bench)
    [session] = list_sessions(other.tools)
    assert (len(session.session.title), session.session.number, session.storage_uuid) == (500, 1, None)
    with other.tools.catalog.read() as db:
        assert len(list_authors(db)) == 1
    assert record.storage_uuid


def _clock(bench: Workbench) -> FieldClock:
    with bench.tools.catalog.begin() as db:
        return outbox.next_clock(db, WriterId("eve"), [])


def _say(catalog: Catalog, edit: LibraryEdited) -> None:
    with catalog.begin() as db:
        library.say(db, [edit])
