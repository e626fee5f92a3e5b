"""The product in one minute: what must never fail, with made photos and with the real sample photos."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.scenes import memory_folder
from tests.support.stranger import Stranger
from tests.support.workbench import make_source


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with memory_folder(tmp_path) as found:
        yield found


@pytest.fixture
def imalink(folder: Path) -> Stranger:
    (folder / "disk").mkdir()
    return Stranger(folder / "home")


def sums(folder: Path) -> list[str]:
    return sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file())


def children_seconds() -> float:
    """How long the machine worked for the commands so far, whatever else it had to do."""
    times = os.times()
    return times.children_user + times.children_system


def test_the_four_must_haves_in_under_a_minute(folder: Path, imalink: Stranger) -> None:
    """Indexed storage on import, find by hothash, storages discovered, a master that keeps itself up to date."""
    started = children_seconds()
    card = make_source(folder / "card", 10)
    root = Path(imalink("storage", "create", folder / "disk", "--name", "Blue Samsung", "--json").json["full_path"])

    report = imalink("import", card, "--storage", "Blue Samsung", "--title", "Italy", "--json").json
    assert (report["new_imports"], report["status"]) == (10, "completed")
    session = json.loads((root / "imports/session_1.json").read_text())
    master = json.loads((root / "imalink-master.json").read_text())
    assert len(session["files"]) == len(master["files"]) == 10

    hothash = imalink("hothash", card / "IMG_0003.jpg", "--json").json[0]["hothash"]
    [found] = imalink("find", hothash[:12], "--json").json
    assert Path(found["path"]).read_bytes() == (card / "IMG_0003.jpg").read_bytes()

    (root / "photos/Rome").mkdir()
    (root / "photos/IMG_0003.jpg").rename(root / "photos/Rome/forum.jpg")
    moved = imalink("reindex", "Blue Samsung", "--json").json["moved_files"]
    assert [(row["old_path"], row["new_path"]) for row in moved] == [("photos/IMG_0003.jpg", "photos/Rome/forum.jpg")]
    master = json.loads((root / "imalink-master.json").read_text())
    assert master["files"][hothash]["relative_path"] == "photos/Rome/forum.jpg"
    assert imalink("find", hothash, "--json").json[0]["path"] == str(root / "photos/Rome/forum.jpg")

    stranger = Stranger(folder / "new home")
    assert stranger("recover", folder / "disk", "--yes", "--json").json["restored_files"] == 10
    assert stranger("find", hothash, "--json").json[0]["path"] == str(root / "photos/Rome/forum.jpg")
    assert children_seconds() - started < 60


@pytest.mark.samples
def test_the_sample_photos_come_in_move_and_come_back(folder: Path, imalink: Stranger, sample_photos: Path) -> None:
    card = folder / "card"
    card.mkdir()
    wanted = sorted((path for path in sample_photos.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    for number, path in enumerate(wanted[:80]):
        (card / f"{number:03} {path.name}").write_bytes(path.read_bytes())
    root = Path(imalink("storage", "create", folder / "disk", "--name", "S", "--json").json["full_path"])
    before = sums(card)
    said = imalink("import", card, "--storage", "S", "--title", "Samples", "--organize", "date", "--json")
    assert said.code in (0, 4), said.err
    report = said.json
    assert report["errors"] == 0
    new_imports = report["new_imports"]
    assert new_imports > 40
    assert sums(card) == before
    stored = sums(root / "photos")
    assert set(stored) <= set(before)
    assert len(stored) == new_imports + report["companions"]

    files = imalink("sessions", "show", "1", "--json").json["files"]
    assert len(files) == new_imports
    folders = sorted(path for path in (root / "photos").iterdir() if path.is_dir())
    (root / "photos/everything").mkdir()
    for path in folders:
        path.rename(root / "photos/everything" / f"renamed {path.name}")
    report = imalink("reindex", "S", "--json").json
    assert [len(report[rows]) for rows in ("moved_files", "missing_files", "new_files")] == [new_imports, 0, 0]
    assert imalink("reindex", "S", "--json").json["changes_detected"] is False
    assert sums(root / "photos") == stored

    assert imalink("recover", "--check", "--verify", "--json").json["differences"] == []
    (folder / "home/catalog.sqlite").unlink()
    restored = imalink("recover", "--json").json
    assert (restored["restored_files"], restored["missing_files"]) == (new_imports, [])
    bytes_of: dict[str, set[str]] = {}
    for file in files:
        bytes_of.setdefault(file["hothash"], set()).add(file["sha256"])
    for found in imalink("find", *bytes_of, "--json").json:
        assert hashlib.sha256(Path(found["path"]).read_bytes()).hexdigest() in bytes_of[found["hothash"]]
