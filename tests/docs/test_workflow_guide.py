"""The workflow guide is pasted into a shell, block after block, beside a real server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.seeds.conftest import Stage, lone_stage
from tests.support.workbench import make_source

__all__ = ["lone_stage"]

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "STORAGE_WORKFLOW.md"
BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WORKFLOWS = ("first-time-setup", "regular-photo-import", "storage-migration", "disaster-recovery", "health-monitoring")


def slugs(text: str) -> list[str]:
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings]


def test_the_workflows_that_other_pages_point_at_are_there() -> None:
    found = slugs(GUIDE.read_text())
    assert [f"workflow-{number}-{name}" for number, name in zip((1, 2, 5, 6, 7), WORKFLOWS, strict=True)] == [
        slug for slug in found if any(name in slug for name in WORKFLOWS)
    ]


@pytest.mark.slow
def test_every_block_of_the_guide_runs_as_it_stands(lone_stage: Stage, tmp_path: Path) -> None:
    folders = {name: tmp_path / name.lower() for name in ("DRIVE", "SECOND", "NEW_DRIVE")}
    for folder in folders.values():
        folder.mkdir()
    card = make_source(tmp_path / "card" / "DCIM", 4).parent
    blocks = BLOCK.findall(GUIDE.read_text())
    assert len(blocks) > 20
    # Each block is told before it runs, so that a failure names it.
    script = "\n".join(f"echo '--- block {number}'\n{block}" for number, block in enumerate(blocks, 1))
    environment = {
        **os.environ,
        **{name: str(folder) for name, folder in folders.items()},
        "CARD": str(card),
        "API": f"{lone_stage.url}/api/v1",
        "IMALINK_HOME": str(lone_stage.home),
        "IMALINK_WORKERS": "1",
        "NO_COLOR": "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    environment.pop("IMALINK_DATABASE_URL", None)
    done = subprocess.run(
        ["bash", "-euo", "pipefail"],
        input=script.encode(),
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=600,
    )
    said = done.stdout.decode()
    assert done.returncode == 0, said[-4000:]
    assert f"--- block {len(blocks)}" in said
    assert "[true,null]" in said
    assert '[false,"not-found"]' in said
    assert len(list((folders["NEW_DRIVE"]).rglob("photos/Best of/*.jpg"))) == 4
