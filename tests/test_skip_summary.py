"""No skip goes unseen: the summary names every reason, with and without parallel workers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).with_name("conftest.py")

ONE_SKIPS = """
import pytest
@pytest.mark.parametrize("n", range(3))
def test_skips(n):
    pytest.skip("no tape drive")
def test_runs():
    pass
"""
MODULE_SKIPS = """
import pytest
pytest.skip("no moon", allow_module_level=True)
"""


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["alone", "parallel"])
def test_every_skip_is_counted_by_its_reason(tmp_path: Path, workers: list[str]) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST.read_text())
    (tmp_path / "test_one.py").write_text(ONE_SKIPS)
    (tmp_path / "test_module.py").write_text(MODULE_SKIPS)

    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *workers, str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.fspath(CONFTEST.parents[1])},  # the copy needs tests.support
        capture_output=True,
        text=True,
        check=False,
    )

    assert "SKIPPED: 4" in run.stdout, run.stdout + run.stderr
    assert "    3  no tape drive" in run.stdout
    assert "    1  no moon (whole module test_module.py)" in run.stdout


def test_a_run_without_skips_says_so(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST.read_text())
    (tmp_path / "test_one.py").write_text("def test_runs():\n    pass\n")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.fspath(CONFTEST.parents[1])},  # the copy needs tests.support
        capture_output=True,
        text=True,
        check=False,
    )
    assert "nothing was skipped" in run.stdout
