"""Each `source.sh`, run in a good source, makes an import give the code of its folder; the rest comes in."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from imalink.core.finding import CODES, Severity
from imalink.core.session import SessionStatus
from tests.support.scenes import memory_folder
from tests.support.workbench import Workbench, make_source, photos_below, snapshot

HERE = Path(__file__).parent
FOLDERS = sorted(path.parent.name for path in HERE.glob("*/source.sh"))


@pytest.fixture
def bench(tmp_path: Path, empty_catalog: Path) -> Iterator[Workbench]:
    with memory_folder(tmp_path) as folder, Workbench(folder, empty_catalog=empty_catalog) as made:
        yield made


def test_there_are_folders() -> None:
    assert len(FOLDERS) >= 10
    assert set(FOLDERS) <= CODES.keys()


@pytest.mark.parametrize("code", FOLDERS)
def test_a_damaged_source_gives_the_code_and_the_rest_is_imported(bench: Workbench, code: str) -> None:
    source = make_source(bench.folder / "card", 2)
    (source / "IMG_0001.xmp").write_text("<x/>")
    subprocess.run(["sh", "-eu", str(HERE / code / "source.sh")], cwd=source, check=True, timeout=20)
    expected = json.loads((HERE / code / "expected-import.json").read_text(encoding="utf-8"))
    before = snapshot(source)
    record = bench.create()
    planned = bench.import_(record, source, dry_run=True)
    report = bench.import_(record, source)
    for each in (planned, report):
        assert expected["path"] in {finding.path for finding in each.findings if finding.code == code}
    assert report.statistics.new_imports == expected["imported"]
    pictures = [name for name in photos_below(bench.root(record)) if not name.endswith(".xmp")]
    assert len(pictures) == expected["imported"]
    assert snapshot(source) == before
    if CODES[code][0] is not Severity.INFO:
        assert report.status is SessionStatus.COMPLETED_WITH_FINDINGS
