"""The import contracts hold, and each of them can fail: a bad import in a copy of the package is refused."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
DOCSTRING = '"""A module."""\n'


def _lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the contracts of ``folder/pyproject.toml`` on ``folder/src``."""
    script = "import sys; from importlinter.cli import lint_imports_command as run; run()"
    return subprocess.run(
        [sys.executable, "-c", script, "--no-logo", "--no-cache"],
        cwd=folder,
        # Before the installed project on the search path, so that the copy is what gets read.
        env=os.environ | {"PYTHONPATH": str(folder / "src"), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package in which every layer exists."""
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    package = tmp_path / "src" / "imalink"
    shutil.copytree(PROJECT / "src" / "imalink", package, ignore=shutil.ignore_patterns("__pycache__"))
    for layer in ("cli", "api", "web", "runtime", "workflows", "catalog", "storage", "formats", "media"):
        (package / layer).mkdir(exist_ok=True)
        (package / layer / "__init__.py").touch()
    for module in ("services.py", "server.py", "client.py", "__main__.py"):
        (package / module).touch()
    return tmp_path


def _add(copy: Path, module: str, source: str) -> None:
    (copy / "src" / "imalink" / module).write_text(DOCSTRING + source)


def test_the_package_keeps_its_contracts(copy: Path) -> None:
    run = _lint(copy)
    assert run.returncode == 0, run.stdout + run.stderr


ONLY_TYPES = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from imalink import storage\n"


@pytest.mark.parametrize(
    ("module", "source", "contract"),
    [
        ("core/bad.py", "import imalink.storage\n", "Imports go down only"),
        ("core/bad.py", "def late():\n    from imalink import workflows\n", "Imports go down only"),
        ("catalog/bad.py", "from imalink import storage\n", "Imports go down only"),
        ("catalog/bad.py", ONLY_TYPES, "Imports go down only"),
        ("storage/bad.py", "from imalink import catalog\n", "Imports go down only"),
        ("media/bad.py", "from imalink import formats\n", "Imports go down only"),
        ("formats/bad.py", "from imalink import durable_files\n", "Imports go down only"),
        ("workflows/bad.py", "from imalink import runtime\n", "Imports go down only"),
        ("cli/bad.py", "from imalink import services\n", "Imports go down only"),
        ("cli/bad.py", "from imalink import client\n", "Imports go down only"),
        ("cli/bad.py", "from imalink import api\n", "The command line and the services know nothing of the server"),
        ("errors.py", "import imalink.core\n", "Imports go down only"),
        ("client.py", "from imalink import core\n", "The client imports only errors"),
        ("client.py", "from imalink import runtime\n", "The client imports only errors"),
        ("core/bad.py", "import os\n", "core has no I/O, clock, randomness or third party"),
        ("core/bad.py", "from pathlib import Path\n", "core has no I/O, clock, randomness or third party"),
        ("core/bad.py", "import time\n", "core has no I/O, clock, randomness or third party"),
        ("core/bad.py", "import random\n", "core has no I/O, clock, randomness or third party"),
        ("core/bad.py", "import msgspec\n", "core has no I/O, clock, randomness or third party"),
        ("core/bad.py", "from PIL import Image\n", "core has no I/O, clock, randomness or third party"),
        ("errors.py", "import click\n", "errors imports nothing of ours and no third party"),
        ("workflows/bad.py", "from sqlalchemy.orm import Session\n", "Only catalog speaks SQL"),
        ("runtime/bad.py", "import alembic\n", "Only catalog speaks SQL"),
        ("services.py", "import click\n", "Only the command line imports click and rich"),
        ("runtime/bad.py", "from rich.console import Console\n", "Only the command line imports click and rich"),
    ],
)
def test_a_bad_import_is_refused(copy: Path, module: str, source: str, contract: str) -> None:
    _add(copy, module, source)
    run = _lint(copy)
    assert run.returncode != 0
    assert f"{contract} BROKEN" in " ".join(run.stdout.split()), run.stdout + run.stderr


def test_a_module_without_a_layer_is_refused(copy: Path) -> None:
    _add(copy, "helpers.py", "")
    run = _lint(copy)
    assert run.returncode != 0
    assert "imalink.helpers" in run.stdout + run.stderr


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("catalog/good.py", "import alembic\nfrom sqlalchemy.orm import Session\n"),
        ("cli/good.py", "import click\nimport rich\nfrom imalink import workflows\n"),
        ("server.py", "from imalink import api, web\n"),
        ("client.py", "from imalink import errors\n"),
        ("__main__.py", "from imalink import cli\n"),
    ],
)
def test_a_good_import_is_let_be(copy: Path, module: str, source: str) -> None:
    _add(copy, module, source)
    run = _lint(copy)
    assert run.returncode == 0, run.stdout + run.stderr


def _clock_calls(source: str) -> list[int]:
    return [n for n, line in enumerate(source.splitlines(), 1) if re.search(r"\.(now|utcnow|today)\(", line)]


def test_core_asks_no_clock() -> None:
    """The contracts see modules; this sees the calls of ``datetime`` that read the clock."""
    core = PROJECT / "src" / "imalink" / "core"
    asked = [f"{path.name}:{line}" for path in core.rglob("*.py") for line in _clock_calls(path.read_text())]
    assert asked == []


def test_a_question_to_the_clock_is_seen() -> None:
    assert _clock_calls("from datetime import datetime\nstarted = datetime.now()\n") == [2]
