"""Each `damage.sh`, run in a good storage, makes the command in `expected.json` give the code of its folder."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from imalink.catalog.catalog import Catalog
from imalink.cli.main import main
from imalink.core.finding import CODES, Severity
from tests.support.scenes import Scene, memory_folder
from tests.support.workbench import make_source, snapshot

HERE = Path(__file__).parent
FOLDERS = sorted(path.parent.name for path in HERE.glob("*/damage.sh"))


@pytest.fixture(scope="session")
def empty_catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("catalogs") / "empty.sqlite"
    Catalog.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def scene(tmp_path: Path, empty_catalog: Path) -> Iterator[Scene]:
    """Two pictures, the first with a sidecar."""
    with memory_folder(tmp_path) as folder, Scene(folder, empty_catalog) as made:
        card = make_source(folder / "card", 2)
        (card / "IMG_0001.xmp").write_text("<x/>")
        made.import_(card)
        made.look()
        yield made


def test_there_are_folders() -> None:
    assert len(FOLDERS) >= 10
    assert set(FOLDERS) <= CODES.keys()


@pytest.mark.parametrize("code", FOLDERS)
def test_a_damaged_storage_gives_the_code_and_the_users_files_stay(
    scene: Scene, code: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = json.loads((HERE / code / "expected.json").read_text(encoding="utf-8"))
    subprocess.run(["sh", "-eu", str(HERE / code / "damage.sh")], cwd=scene.root, check=True, timeout=20)
    before = snapshot(scene.photos)
    command, *rest = shlex.split(expected["command"])
    rest = [str(scene.root / each) if each in (".", "..") else each for each in rest]
    monkeypatch.setenv("IMALINK_HOME", os.fspath(scene.bench.home))
    target = ["Blue Samsung"] if command == "reindex" else []
    monkeypatch.setattr(sys, "argv", ["imalink", command, *target, *rest, "--json"])
    with pytest.raises(SystemExit) as end:
        main()
    findings = json.loads(capsys.readouterr().out)["findings"]
    [found] = [finding for finding in findings if finding["code"] == code]
    assert found["path"].endswith(expected["path"])
    is_serious = CODES[code][0] is not Severity.INFO
    assert end.value.code == (4 if is_serious else 0)
    assert snapshot(scene.photos) == before
