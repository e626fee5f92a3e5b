"""The command line decodes in workers: one that is killed costs nothing, and none is left."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.photos import make_jpeg
from tests.support.scenes import memory_folder
from tests.support.slow_pictures import make_slow_jpeg
from tests.support.stranger import Said, Stranger

NONE_LEFT_WITHIN = 5.0


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with memory_folder(tmp_path) as made:
        yield made


@pytest.fixture
def imalink(folder: Path) -> Stranger:
    (folder / "disk").mkdir()
    made = Stranger(folder / "home")
    said = made("storage", "create", folder / "disk", "--name", "Disk")
    assert said.code == 0, said.err
    return made


@pytest.fixture
def card(folder: Path) -> Path:
    """Two small pictures, and between them one that takes seconds to decode."""
    card = folder / "card"
    card.mkdir()
    make_jpeg(card / "a.jpg", seed=1)
    make_slow_jpeg(card / "b.jpg", repeats=40)
    make_jpeg(card / "c.jpg", seed=2)
    return card


def children_of(process: int) -> list[int]:
    """The processes whose parent this is."""
    found: list[int] = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == process and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def exists(process: int) -> bool:
    stat = Path(f"/proc/{process}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(process: int) -> bool:
    end = time.monotonic() + NONE_LEFT_WITHIN
    while exists(process) and time.monotonic() < end:
        time.sleep(0.05)
    return not exists(process)


def worker_of(process: int) -> int:
    """Wait for the process's worker and give its number."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        children = children_of(process)
        if children:
            return children[0]
        time.sleep(0.02)
    raise AssertionError("no worker was started")


def import_(imalink: Stranger, card: Path, **environment: str) -> Said:
    return imalink("import", card, "--storage", "Disk", "--title", "Card", "--json", **environment)


@pytest.mark.parametrize("workers", ["", "0", "1"])
def test_pictures_come_in_with_any_number_of_workers(imalink: Stranger, card: Path, workers: str) -> None:
    (card / "b.jpg").unlink()
    said = import_(imalink, card, IMALINK_WORKERS=workers)
    assert said.code == 0, said.err
    assert len(list((card.parent / "disk").rglob(".imalink/hotpreviews/*/*/*.jpg"))) == 2


def test_a_senseless_number_of_workers_is_refused(imalink: Stranger, card: Path) -> None:
    said = import_(imalink, card, IMALINK_WORKERS="many")
    assert said.code == 2
    assert "workers" in said.err


def test_a_worker_killed_during_an_import_costs_nothing(imalink: Stranger, card: Path) -> None:
    running = imalink.start("import", card, "--storage", "Disk", "--title", "Card")
    first = worker_of(running.pid)
    time.sleep(0.6)
    os.kill(first, signal.SIGKILL)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 0, err.decode()
    assert "3 pictures came in" in out.decode() + err.decode()
    assert len(list((card.parent / "disk").rglob(".imalink/hotpreviews/*/*/*.jpg"))) == 3


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_no_worker_outlives_the_command(imalink: Stranger, card: Path, how: signal.Signals) -> None:
    make_slow_jpeg(card / "b.jpg", repeats=3_000)
    running = imalink.start("import", card, "--storage", "Disk", "--title", "Card")
    worker = worker_of(running.pid)
    time.sleep(0.6)
    running.send_signal(how)
    if how is signal.SIGINT:  # the first asks it to stop after this picture, which takes a minute
        time.sleep(0.5)
        running.send_signal(how)
    running.communicate(timeout=30)
    assert gone(worker)
