"""A document above what is read of its kind is refused by its size, before a byte of it is in memory."""

from __future__ import annotations

import os
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from imalink.errors import IndexTooLargeError
from imalink.formats.layouts.master_codec import MAX_INDEX_BYTES
from imalink.formats.layouts.overview_codec import MAX_OVERVIEW_BYTES
from imalink.storage.caps import UNTRUSTED
from imalink.workflows.browse_storage import browse_storage
from imalink.workflows.preview_storage import preview_storage
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest
from imalink.workflows.verify import verify
from imalink.workflows.verify_report import VerifyRequest
from tests.support.workbench import Workbench, make_source

MB = 1024 * 1024
SESSION, MASTER, OVERVIEW = "imports/session_1.json", "imalink-master.json", "index.json"
TRUSTED_CAPS = {SESSION: MAX_INDEX_BYTES, MASTER: MAX_INDEX_BYTES, OVERVIEW: MAX_OVERVIEW_BYTES}
STRANGERS_CAPS = {
    SESSION: UNTRUSTED.session_bytes,
    MASTER: UNTRUSTED.master_bytes,
    OVERVIEW: UNTRUSTED.overview_bytes,
}


@pytest.fixture
def root(bench: Workbench) -> Path:
    record = bench.create()
    bench.import_(record, make_source(bench.folder / "card", 2))
    return bench.root(record)


def blow_up(path: Path, cap_bytes: int) -> None:
    """Let a file be one byte larger than may be, without taking room on the disk."""
    os.truncate(path, cap_bytes + 1)


def cheaply(work: Callable[[], object]) -> None:
    """Do something that may take little memory and time, whatever it meets."""
    tracemalloc.start()
    started = time.process_time()
    try:
        work()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 48 * MB
    assert time.process_time() - started < 5


@pytest.mark.parametrize("name", TRUSTED_CAPS)
def test_a_verification_names_it_and_goes_on(bench: Workbench, root: Path, name: str) -> None:
    blow_up(root / name, TRUSTED_CAPS[name])

    def look() -> None:
        report = verify(bench.tools, bench.records()[0], VerifyRequest())
        assert ("index-too-large", name) in {(each.code, each.path) for each in report.findings}
        assert (report.checked, report.ok) == (2, 2)

    cheaply(look)


@pytest.mark.parametrize("name", STRANGERS_CAPS)
def test_of_a_stranger_less_is_read(bench: Workbench, root: Path, name: str) -> None:
    blow_up(root / name, STRANGERS_CAPS[name])

    def look() -> None:
        browsed = browse_storage(root, clock=bench.clock, references=bench.tools.references)
        preview = preview_storage(bench.tools, root)
        assert ("index-too-large", name) in {(each.code, each.path) for each in preview.findings}
        if name != MASTER:  # that is read only where the others leave something open
            assert ("index-too-large", name) in {(each.code, each.path) for each in browsed.findings}

    cheaply(look)


@pytest.mark.parametrize("name", TRUSTED_CAPS)
def test_a_reindex_keeps_it_and_makes_it_again(bench: Workbench, root: Path, name: str) -> None:
    good = (root / name).stat().st_size
    blow_up(root / name, TRUSTED_CAPS[name])
    cheaply(lambda: reindex(bench.tools, bench.records()[0], ReindexRequest()))
    assert abs((root / name).stat().st_size - good) < 1000
    kept = {path.stat().st_ino for path in (root / ".imalink/metadata/backup").rglob("*") if path.stat().st_size > MB}
    assert len(kept) == 1, "it is kept, and takes no room twice"
    assert verify(bench.tools, bench.records()[0], VerifyRequest()).findings == ()


def test_the_error_says_how_large_it_is_and_how_large_it_may_be(bench: Workbench, root: Path) -> None:
    blow_up(root / SESSION, MAX_INDEX_BYTES)
    with bench.open(bench.records()[0]) as storage, pytest.raises(IndexTooLargeError) as told:
        storage.indexes.load_session(1)
    assert told.value.file == SESSION
    assert f"{MAX_INDEX_BYTES:,}" in told.value.reason
