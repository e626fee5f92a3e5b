"""The index of one session: written where it is lost, and also for a session into which nothing came yet."""

from __future__ import annotations

import itertools
import json
import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from imalink.core.session import SessionStatus
from imalink.errors import NotFoundError, StorageOfflineError, UsageError
from imalink.workflows.create_session import create_session
from imalink.workflows.delete_session import delete_session
from imalink.workflows.index_session import index_session
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from tests.support.workbench import STARTS_AT, SteppingClock, Workbench, make_source


class StandingClock(SteppingClock):
    """Two looks fall into one second, as they do on a fast machine."""

    def now(self) -> datetime:
        return STARTS_AT


def test_a_session_without_files_gets_an_empty_index(bench: Workbench) -> None:
    record = bench.create()
    session = create_session(bench.tools, title="Italy", description="Rome", storage=record.storage_uuid)
    found = index_session(bench.tools, str(session.session.number))
    assert found.index_path == str(Path(record.full_path) / "imports" / "session_1.json")
    document = json.loads(Path(found.index_path).read_bytes())
    assert (document["files"], document["statistics"]["total_files"]) == ({}, 0)
    assert (document["import_session"]["title"], document["import_session"]["copy_status"]) == ("Italy", "not_started")
    assert (found.session.session.status, found.is_written) == (SessionStatus.CREATED, True)
    overview = json.loads((Path(record.full_path) / "index.json").read_bytes())
    assert [(each["id"], each["title"], each["file_count"]) for each in overview["import_sessions"]] == [
        (1, "Italy", 0)
    ]


def test_such_a_session_comes_back_by_recovery(bench: Workbench, empty_catalog: Path) -> None:
    record = bench.create()
    session = create_session(bench.tools, title="Italy", storage=record.storage_uuid)
    index_session(bench.tools, "1")
    with Workbench(bench.folder, empty_catalog=empty_catalog, name="another") as other:
        candidates, _ = find_candidates(other.tools, [bench.disk])
        [found] = recover(other.tools, candidates).sessions
        assert (found.number, found.title) == (session.session.number, "Italy")
        assert other.dump() == bench.dump()


def test_an_import_goes_into_a_session_that_was_indexed_empty(bench: Workbench) -> None:
    record = bench.create()
    create_session(bench.tools, title="Italy", storage=record.storage_uuid)
    index_session(bench.tools, "1")
    report = bench.import_(record, make_source(bench.folder / "card"), session="1")
    assert (report.session_id, report.statistics.new_imports) == (1, 3)
    document = json.loads(Path(index_session(bench.tools, "1").index_path).read_bytes())
    assert (len(document["files"]), document["import_session"]["copy_status"]) == (3, "completed")


def test_what_two_runs_of_one_second_did_is_replayed_in_their_order(tmp_path: Path, empty_catalog: Path) -> None:
    """The names of runs are random; here they fall, and so would order the two the other way round."""
    numbers = itertools.count(1)
    with Workbench(tmp_path, empty_catalog=empty_catalog, clock=StandingClock()) as bench:
        bench.tools = replace(bench.tools, new_uuid=lambda: f"{10**8 - next(numbers):08}-0000-4000-8000-000000000000")
        record = bench.create()
        create_session(bench.tools, title="Italy", storage=record.storage_uuid)
        index_session(bench.tools, "1")
        bench.import_(record, make_source(tmp_path / "card"), session="1")
        before = bench.dump()
        root = bench.root(record)
    shutil.rmtree(root / "imports")
    shutil.rmtree(root / ".imalink/metadata/backup", ignore_errors=True)
    with Workbench(tmp_path, empty_catalog=empty_catalog, name="another") as other:
        recover(other.tools, find_candidates(other.tools, [other.disk])[0])
        assert other.dump() == before


def test_a_second_time_nothing_is_written(bench: Workbench) -> None:
    record = bench.create()
    create_session(bench.tools, title="Italy", storage=record.storage_uuid)
    before = Path(index_session(bench.tools, "1").index_path).read_bytes()
    again = index_session(bench.tools, "1")
    assert (again.is_written, Path(again.index_path).read_bytes()) == (False, before)


def test_a_lost_index_is_written_again(bench: Workbench) -> None:
    record = bench.create()
    bench.import_(record, make_source(bench.folder / "card"))
    path = Path(record.full_path) / "imports" / "session_1.json"
    path.unlink()
    assert index_session(bench.tools, "1").is_written
    assert len(json.loads(path.read_bytes())["files"]) == 3


def test_a_session_for_no_storage_has_no_place_for_an_index(bench: Workbench) -> None:
    create_session(bench.tools, title="Italy")
    with pytest.raises(UsageError, match="no place"):
        index_session(bench.tools, "1")


def test_an_unknown_session_is_not_found(bench: Workbench) -> None:
    with pytest.raises(NotFoundError):
        index_session(bench.tools, "42")


def test_a_storage_that_is_away_gets_no_index_elsewhere(bench: Workbench) -> None:
    record = bench.create()
    create_session(bench.tools, title="Italy", storage=record.storage_uuid)
    Path(record.full_path).rename(bench.folder / "away")
    with pytest.raises(StorageOfflineError):
        index_session(bench.tools, "1")
    assert not Path(record.full_path).exists()


def test_a_session_that_only_the_catalog_knows_is_deleted(bench: Workbench) -> None:
    create_session(bench.tools, title="Italy")
    assert delete_session(bench.tools, "1").session.title == "Italy"
    with pytest.raises(NotFoundError):
        delete_session(bench.tools, "1")


@pytest.mark.parametrize("is_imported", [True, False])
def test_a_session_that_a_storage_knows_is_not_deleted(bench: Workbench, is_imported: bool) -> None:
    record = bench.create()
    if is_imported:
        bench.import_(record, make_source(bench.folder / "card"))
    else:
        create_session(bench.tools, title="Italy", storage=record.storage_uuid)
        index_session(bench.tools, "1")
    before = bench.dump()
    with pytest.raises(UsageError, match="history"):
        delete_session(bench.tools, "1")
    assert bench.dump() == before


def test_a_session_with_an_author_of_the_catalog_names_them(bench: Workbench) -> None:
    assert create_session(bench.tools, title="Italy", author_id=1).session.default_author_id == 1
    with pytest.raises(NotFoundError, match="author 7"):
        create_session(bench.tools, title="Italy", author_id=7)
