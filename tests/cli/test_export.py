"""``imalink export`` as a user has it: a folder whose checksums hold, and word of what is not in it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.support.scenes import Scene
from tests.support.stranger import Here


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    folder = tmp_path / "stick"
    folder.mkdir()
    return folder


def test_what_fits_is_copied_into_a_new_folder(scene: Scene, here: Here, stick: Path) -> None:
    said = here("export", "name:IMG_0001*", stick, "--json")
    told = json.loads(said.out)
    assert (said.code, told["total_files"], told["missing"]) == (0, 1, [])
    folder = Path(told["folder"])
    assert sorted(path.name for path in folder.iterdir()) == ["IMG_0001.jpg", "SHA256SUMS", "imalink-export.json"]
    subprocess.run(["sha256sum", "--quiet", "-c", "SHA256SUMS"], cwd=folder, check=True)


def test_what_could_not_be_had_is_told_by_the_exit_code(scene: Scene, here: Here, stick: Path) -> None:
    next(path for path in scene.root.rglob("IMG_0002.jpg") if ".imalink" not in path.parts).unlink()
    said = here("export", 'storage:"Blue Samsung"', stick)
    assert said.code == 4
    assert "Copied 2 files" in said.out
    assert "missing: 1 file" in said.err


def test_nothing_is_written_into_a_storage_or_by_a_dry_run(scene: Scene, here: Here, stick: Path) -> None:
    assert here("export", "name:IMG_*", scene.root).code != 0
    assert here("export", "name:IMG_*", stick, "-n").code == 0
    assert list(stick.iterdir()) == []
    assert not list(scene.root.glob("imalink-export-*"))
