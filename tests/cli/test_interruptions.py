"""Ctrl-C, kill -9 and two imports at once: afterwards every picture is there exactly once."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.scenes import Scene, memory_folder
from tests.support.stranger import Stranger
from tests.support.workbench import make_source, photos_below, snapshot

NAME = "Blue Samsung"
COUNT = 150


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_source(tmp_path_factory.mktemp("big") / "card", COUNT, name="P{:04}.jpg")


@pytest.fixture
def empty(tmp_path: Path, empty_catalog: Path) -> Iterator[Scene]:
    with memory_folder(tmp_path) as folder, Scene(folder, empty_catalog) as made:
        yield made


def importing(scene: Scene, card: Path) -> subprocess.Popen[bytes]:
    return Stranger(scene.bench.home).start("import", card, "--storage", NAME, "--title", "Card", "--json")


def wait_until_placed(scene: Scene, process: subprocess.Popen[bytes], count: int) -> None:
    """Wait until the import has placed some of its pictures, and is still at it."""
    deadline = time.monotonic() + 60
    while sum(1 for _ in scene.photos.iterdir()) < count:
        assert process.poll() is None, "the import was over before it could be stopped: make the card larger"
        assert time.monotonic() < deadline
        time.sleep(0.002)


def sums(card: Path) -> list[str]:
    return sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in card.iterdir())


def finish(scene: Scene, card: Path) -> None:
    """Import the card once more; then every picture must be there once, known, and nothing be left over."""
    said = Stranger(scene.bench.home)("import", card, "--storage", NAME, "--title", "Again", "--json")
    assert said.code in (0, 4), said.err
    assert said.json["errors"] == 0
    assert sorted(photos_below(scene.root).values()) == sums(card)
    report = scene.look_full()
    assert (report.new_files, report.missing_files, report.duplicates) == ((), (), ())
    assert len(scene.places()) == COUNT
    scene.settle()
    assert list((scene.root / ".imalink/staging").glob("*/*")) == []


def test_ctrl_c_stops_at_a_safe_point_and_the_next_import_goes_on(empty: Scene, card: Path) -> None:
    before = snapshot(card)
    process = importing(empty, card)
    wait_until_placed(empty, process, 1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert out == b""
    assert f"of {COUNT} pictures are imported and verified; nothing is lost.".encode() in err
    assert b"`imalink sessions resume 1` goes on where it stopped." in err
    assert b"Traceback" not in err
    assert 0 < sum(1 for _ in empty.photos.iterdir()) < COUNT
    [session] = Stranger(empty.bench.home)("sessions", "list", "--json").json["sessions"]
    # What was imported is in the indexes at once, and no more than that is said to be.
    assert session["status"] == "interrupted"
    assert session["file_count"] == sum(1 for _ in empty.photos.iterdir())
    assert f"{session['file_count']} of {COUNT} pictures".encode() in err
    finish(empty, card)
    assert snapshot(card) == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_polite_end_or_a_lost_terminal_is_like_ctrl_c_and_soon(
    empty: Scene, card: Path, number: signal.Signals
) -> None:
    process = importing(empty, card)
    wait_until_placed(empty, process, 1)
    asked_at = time.monotonic()
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert time.monotonic() - asked_at < 10  # a second or so, on a machine that others do not use
    said = Stranger(empty.bench.home)("sessions", "resume", "1", "--json")
    assert (said.code, said.json["status"], said.json["new_imports"]) == (0, "completed", COUNT), said.err
    assert sorted(photos_below(empty.root).values()) == sums(card)


def test_a_killed_import_is_shown_as_interrupted_before_anything_opens_its_storage(empty: Scene, card: Path) -> None:
    process = importing(empty, card)
    wait_until_placed(empty, process, 1)
    process.send_signal(signal.SIGSTOP)
    [running] = Stranger(empty.bench.home)("sessions", "list", "--json").json["sessions"]
    assert running["status"] == "running"
    said = Stranger(empty.bench.home)("sessions", "resume", "1")
    assert said.code == 11, said.err
    process.kill()
    process.communicate(timeout=60)
    [killed] = Stranger(empty.bench.home)("sessions", "list", "--json").json["sessions"]
    assert killed["status"] == "interrupted"


def test_a_killed_import_is_finished_by_the_next(empty: Scene, card: Path) -> None:
    for count in (1, 60):
        process = importing(empty, card)
        wait_until_placed(empty, process, count)
        process.kill()
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
    finish(empty, card)


def test_a_killed_import_is_told_by_a_reindex_too(empty: Scene, card: Path) -> None:
    process = importing(empty, card)
    wait_until_placed(empty, process, 1)
    process.kill()
    process.communicate(timeout=60)
    said = Stranger(empty.bench.home)("reindex", NAME, "--json")
    assert said.code == 4
    assert "run-interrupted" in [finding["code"] for finding in said.json["findings"]]
    assert said.json["new_files"] == []
    placed = photos_below(empty.root)
    assert {path for _, path, _, _ in empty.places()} == {f"photos/{name}" for name in placed}
    finish(empty, card)


def test_two_imports_at_once_lose_nothing(empty: Scene, card: Path) -> None:
    both = [importing(empty, card) for _ in range(2)]
    results = [process.communicate(timeout=120) for process in both]
    codes = sorted(process.returncode for process in both)
    assert codes in ([0, 0], [0, 11]), [err for _, err in results]
    imported = sum(json.loads(out)["new_imports"] for out, _ in results if out)
    assert imported == COUNT
    finish(empty, card)
