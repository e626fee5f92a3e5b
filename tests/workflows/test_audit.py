"""What is deleted, brought back or trusted is written down, with who had it done; what only looks is not."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from imalink.catalog import audit as kept
from imalink.core.account import Asker, AskerKind
from imalink.core.audit import AuditAction
from imalink.core.index import DeletionMode
from imalink.runtime.logging_setup import EscapingFormatter
from imalink.workflows.back_up import back_up
from imalink.workflows.delete_photos import delete_photos
from imalink.workflows.empty_trash import empty_trash
from imalink.workflows.forget_storage import forget_storage
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest
from imalink.workflows.restore_backup import check_backup, restore_backup
from imalink.workflows.restore_trash import restore_from_trash
from imalink.workflows.rollback_session import rollback_session
from imalink.workflows.tools import Tools
from imalink.workflows.undo_operation import undo_operation
from imalink.workflows.write_audit import list_audit, note
from tests.support.workbench import Workbench, make_source

ADA = Asker(kind=AskerKind.LOGIN, name="ada", address="192.168.1.5")


@pytest.fixture
def bench(tmp_path: Path, empty_catalog: Path) -> Workbench:
    bench = Workbench(tmp_path, empty_catalog=empty_catalog)
    bench.import_(bench.create(), make_source(tmp_path / "card", 4))
    return bench


def told(tools: Tools) -> list[str]:
    return [event.action.value for event in reversed(list_audit(tools))]


def test_deletions_are_written_down_with_who_had_them_done(bench: Workbench) -> None:
    tools = replace(bench.tools, asker=ADA)
    [storage] = bench.records()
    photos = sorted((bench.root(storage) / "photos").rglob("*.jpg"))
    first, second, third = (str(each) for each in photos[:3])
    delete_photos(tools, [first], dry_run=True)
    empty_trash(tools, dry_run=True)
    assert told(tools) == []
    delete_photos(tools, [first, second], reason="blurred")
    deleted = list_audit(tools)[0]
    assert (deleted.by_kind, deleted.by_name, deleted.address) == (AskerKind.LOGIN, "ada", "192.168.1.5")
    assert storage.storage_uuid in deleted.subject
    assert deleted.facts["pictures"] == 2 and deleted.facts["reason"] == "blurred"
    undo_operation(tools)
    delete_photos(tools, [first])
    restore_from_trash(tools, [deleted_hothash(tools)])
    delete_photos(tools, [first])
    empty_trash(tools)
    delete_photos(tools, [third], mode=DeletionMode.HARD)
    rollback_session(tools, "1", dry_run=True)
    rollback_session(tools, "1")
    assert told(tools) == [
        "photos-deleted",
        "operation-undone",
        "photos-deleted",
        "photos-restored",
        "photos-deleted",
        "trash-emptied",
        "photos-deleted",
        "session-rolled-back",
    ]
    assert {event.by_name for event in list_audit(tools)} == {"ada"}


def deleted_hothash(tools: Tools) -> str:
    from imalink.workflows.look_at_trash import list_trash

    [item] = list_trash(tools).items
    assert item.hothash is not None
    return item.hothash


def test_what_is_taken_out_as_missing_is_written_down(bench: Workbench) -> None:
    [storage] = bench.records()
    sorted((bench.root(storage) / "photos").rglob("*.jpg"))[0].unlink()
    reindex(bench.tools, storage, ReindexRequest())
    assert told(bench.tools) == []
    reindex(bench.tools, storage, ReindexRequest(removes_missing=True, accepts_losses=True))
    [event] = list_audit(bench.tools)
    assert (event.action, event.facts["removed"]) == (AuditAction.MISSING_REMOVED, 1)


def test_decisions_to_trust_are_written_down(bench: Workbench, tmp_path: Path, empty_catalog: Path) -> None:
    [storage] = bench.records()
    with Workbench(tmp_path / "other", empty_catalog=empty_catalog, name="other") as other:
        candidates, _ = find_candidates(other.tools, [bench.root(storage)])
        recover(other.tools, candidates, is_check=True)
        assert told(other.tools) == []
        recover(other.tools, candidates)
        again, _ = find_candidates(other.tools, [bench.root(storage)])
        recover(other.tools, again)
        [event] = list_audit(other.tools)
        assert event.action is AuditAction.STORAGE_TRUSTED
        assert storage.storage_uuid in event.subject
        forget_storage(other.tools, other.records()[0])
        assert told(other.tools)[-1] == "storage-forgotten"


def test_a_restore_is_written_down_where_it_happened(bench: Workbench, tmp_path: Path) -> None:
    target = tmp_path / "backups"
    target.mkdir()
    folder = back_up(bench.tools, target).folder
    note(bench.tools, AuditAction.LOGIN, "since then")
    restore_backup(bench.tools, check_backup(bench.tools, folder))
    assert told(bench.tools)[:2] == ["login", "backup-restored"]


def test_a_hostile_name_forges_no_line_and_commands_no_terminal(
    bench: Workbench, caplog: pytest.LogCaptureFixture
) -> None:
    name = "a\r\nERROR imalink: all is lost\x1b[2J\u202e\udcff\0"
    with caplog.at_level(logging.INFO, "imalink.audit"):
        note(bench.tools, AuditAction.STORAGE_FORGOTTEN, name, path=name)
    [record] = [each for each in caplog.records if each.name == "imalink.audit"]
    line = EscapingFormatter("%(message)s").format(record)
    assert line.isprintable()
    assert json.loads(record.getMessage())["action"] == "storage-forgotten"
    [event] = list_audit(bench.tools)
    assert "\\udcff" in event.subject and "\0" not in event.subject


def test_a_stranger_who_fails_to_log_in_pushes_nothing_out(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "KEPT_REFUSALS", 5)
    note(bench.tools, AuditAction.PHOTOS_DELETED, "a picture")
    for _ in range(205):
        with bench.catalog.begin() as db:
            note(bench.tools, AuditAction.LOGIN_REFUSED, "an unknown account", db=db)
    assert len(list_audit(bench.tools, actions=[AuditAction.LOGIN_REFUSED], limit=1000)) <= 105
    assert list_audit(bench.tools, actions=[AuditAction.PHOTOS_DELETED])
