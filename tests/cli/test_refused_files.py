"""Files and folders that nobody may read: each is told once, the rest is done, and the exit code says so."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.scenes import Scene
from tests.support.stranger import PROGRAM, Said
from tests.support.workbench import make_source

WITHOUT_OVERRIDE = ["setpriv", "--inh-caps=-all", "--bounding-set=-dac_override,-dac_read_search", "--"]
"""Takes from root what lets it read everything."""

Ask = Callable[..., Said]


def _prefix(refused: Path) -> list[str]:
    """Give what a command is begun with so that permissions count for it. Skips where nothing makes them count."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is not None:
        tried = subprocess.run([*WITHOUT_OVERRIDE, "cat", refused], capture_output=True, timeout=20, check=False)
        if tried.returncode != 0 and b"Permission denied" in tried.stderr:
            return WITHOUT_OVERRIDE
    pytest.skip("root may read everything, and setpriv cannot take that away here")


@pytest.fixture
def ask(scene: Scene) -> Ask:
    probe = scene.folder / "probe"
    probe.write_bytes(b"x")
    probe.chmod(0)
    prefix = _prefix(probe)

    def run(*arguments: str | Path) -> Said:
        done = subprocess.run(
            [*prefix, PROGRAM, *map(str, arguments)],
            env={**os.environ, "IMALINK_HOME": str(scene.bench.home)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=120,
            check=False,
        )
        return Said(code=done.returncode, out=done.stdout.decode(), err=done.stderr.decode())

    return run


def make_refused(folder: Path) -> Path:
    """Give three pictures, of which one may not be read, and a folder with another that may not be entered."""
    make_source(folder, 3, first_seed=40)
    make_source(folder / "locked", 1, first_seed=50)
    (folder / "IMG_0041.jpg").chmod(0)
    (folder / "locked").chmod(0)
    return folder


def told(findings: list[dict[str, str]], code: str) -> Counter[str]:
    return Counter(finding["path"].removeprefix("photos/") for finding in findings if finding["code"] == code)


REFUSED = Counter({"IMG_0041.jpg": 1, "locked": 1})


def test_an_import_brings_the_rest_and_names_what_it_could_not_read(scene: Scene, ask: Ask) -> None:
    source = make_refused(scene.folder / "refusing card")
    said = ask("import", source, "--storage", "Blue Samsung", "--title", "T", "--json")
    assert (said.code, said.json["new_imports"]) == (3, 2)
    assert told(said.json["findings"], "source-unreadable") == REFUSED


def test_an_adoption_takes_in_the_rest_and_names_what_it_could_not_read(scene: Scene, ask: Ask) -> None:
    folder = make_refused(scene.folder / "Pictures")
    said = ask("storage", "adopt", folder, "--name", "Pictures", "--json")
    assert (said.code, said.json["indexed"]["new_imports"]) == (3, 2)
    assert told(said.json["indexed"]["findings"], "storage-unreadable") == REFUSED
    (folder / "IMG_0041.jpg").chmod(0o644)
    (folder / "locked").chmod(0o755)
    again = ask("reindex", "Pictures", "--add-orphans", "--json")
    assert (again.code, again.json["added"]["new_imports"]) == (0, 2)


def test_a_reindex_names_what_it_could_not_read_and_loses_nothing_of_it(scene: Scene, ask: Ask) -> None:
    make_refused(scene.photos)
    scene.photos.joinpath("IMG_0001.jpg").rename(scene.photos / "locked-away.jpg")
    said = ask("reindex", "Blue Samsung", "--add-orphans", "--json")
    assert (said.code, said.json["added"]["new_imports"], said.json["missing_files"]) == (4, 2, [])
    assert len(said.json["moved_files"]) == 1
    assert told(said.json["findings"], "storage-unreadable") == REFUSED


def test_a_source_that_may_not_be_entered_at_all_is_refused(scene: Scene, ask: Ask) -> None:
    source = make_source(scene.folder / "closed card", 1, first_seed=60)
    source.chmod(0)
    said = ask("import", source, "--storage", "Blue Samsung", "--title", "T")
    assert (said.code, said.out) == (2, "")
    assert "closed card' is not readable" in said.err


@pytest.mark.parametrize("name", [".", "photos"])
def test_a_storage_that_may_not_be_written_is_told_and_the_import_comes_in_when_it_may(
    scene: Scene, ask: Ask, name: str
) -> None:
    card = make_source(scene.folder / "new card", 2, first_seed=60)
    (scene.root / name).chmod(0o555)
    said = ask("import", card, "--storage", "Blue Samsung", "--title", "T", "--json")
    assert (said.code, said.out) == (1, "")
    assert "does not let you write" in said.err
    assert "Check the owner and permissions" in said.err
    assert len(list(scene.photos.iterdir())) == 3
    (scene.root / name).chmod(0o755)
    said = ask("import", card, "--storage", "Blue Samsung", "--title", "T", "--json")
    assert said.code in (0, 4), said.err
    assert said.json["new_imports"] + said.json["duplicates_skipped"] == 2
    assert len(list(scene.photos.iterdir())) == 5
