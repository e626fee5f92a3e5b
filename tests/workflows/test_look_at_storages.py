"""Looking at a storage: whether pictures can be placed there, why not, and what to do."""

from __future__ import annotations

import os
from dataclasses import replace
from types import SimpleNamespace

import pytest

from imalink.durable_files.calls import SpaceFacts
from imalink.workflows.look_at_storages import look_at_storage
from tests.support.faults import InterposedCalls
from tests.support.workbench import Workbench


class FullDisk(InterposedCalls):
    """A disk with room for nothing."""

    def space(self, descriptor: int) -> SpaceFacts:
        return super().space(descriptor)._replace(free_bytes=4096)


def test_a_storage_that_can_be_used_needs_nothing(bench: Workbench) -> None:
    look = look_at_storage(bench.tools, bench.create().storage_uuid)
    assert (look.is_accessible, look.is_writable, look.status, look.reason, look.hint) == (True, True, "online", "", "")


@pytest.mark.parametrize(
    ("flags", "reason", "hint"), [(os.ST_RDONLY, "mounted read-only", "dmesg"), (0, "another user", "permissions")]
)
def test_a_storage_that_is_only_read_says_why_and_what_to_do(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, flags: int, reason: str, hint: str
) -> None:
    record = bench.create()

    def may_not(_path: str, _mode: int) -> bool:
        return False

    def mounted_so(_path: str) -> SimpleNamespace:
        return SimpleNamespace(f_flag=flags)

    monkeypatch.setattr(os, "access", may_not)
    monkeypatch.setattr(os, "statvfs", mounted_so)
    look = look_at_storage(bench.tools, record.storage_uuid)
    assert (look.is_accessible, look.is_writable, look.status) == (True, False, "storage-read-only")
    assert reason in look.reason
    assert hint in look.hint


def test_a_storage_on_a_full_disk_says_so(bench: Workbench) -> None:
    record = bench.create()
    look = look_at_storage(replace(bench.tools, calls=FullDisk()), record.storage_uuid)
    assert (look.is_accessible, look.is_writable, look.status) == (True, True, "out-of-space")
    assert "4,096 bytes are free" in look.reason
    assert "df -h" in look.hint
