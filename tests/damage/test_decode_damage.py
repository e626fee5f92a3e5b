"""Each `workers.sh`, run in a good source, makes an import whose decode workers may use one second give its code."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from imalink.media.previews import DEFAULT_PIXEL_LIMIT
from imalink.runtime.worker_messages import Limits
from imalink.runtime.workers import DecodeWorkers
from tests.support.scenes import memory_folder
from tests.support.workbench import Workbench, make_source, photos_below, snapshot

HERE = Path(__file__).parent
FOLDERS = sorted(path.parent.name for path in HERE.glob("*/workers.sh"))
ONE_SECOND = Limits(address_space_bytes=3 * 1024**3, cpu_seconds=1, pixel_limit=DEFAULT_PIXEL_LIMIT)


@pytest.fixture
def bench(tmp_path: Path, empty_catalog: Path) -> Iterator[Workbench]:
    with (
        memory_folder(tmp_path) as folder,
        Workbench(folder, empty_catalog=empty_catalog) as made,
        DecodeWorkers(1, limits=ONE_SECOND) as workers,
    ):
        made.tools = replace(made.tools, analyser=workers)
        yield made


def test_there_are_folders() -> None:
    assert "decode-crashed" in FOLDERS


@pytest.mark.parametrize("code", FOLDERS)
def test_a_picture_that_ends_its_workers_is_imported_all_the_same(bench: Workbench, code: str) -> None:
    source = make_source(bench.folder / "card", 2)
    subprocess.run(["sh", "-eu", str(HERE / code / "workers.sh")], cwd=source, check=True, timeout=20)
    expected = json.loads((HERE / code / "expected-import.json").read_text(encoding="utf-8"))
    before = snapshot(source)
    record = bench.create()
    report = bench.import_(record, source)
    assert [finding.path for finding in report.findings if finding.code == code] == [expected["path"]]
    assert report.statistics.new_imports == expected["imported"] == len(photos_below(bench.root(record)))
    assert snapshot(source) == before
