"""R6: real processes killed at random moments, again and again; each goes on where the one before stopped."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from imalink.core.session import SessionStatus
from imalink.workflows.staged_group import GROUP_FILES
from tests.crash import oracle
from tests.support.scenes import Scene, memory_folder
from tests.support.stranger import Stranger
from tests.support.workbench import make_source

ReportCount = Callable[[str, int, int], None]

NAME = "Blue Samsung"
IS_LONG = bool(os.environ.get("IMALINK_FAULTS_ALL"))
CHAINS, KILLS, PICTURES = (10, 10, 1_000) if IS_LONG else (2, 3, 200)
"""Two chains of three kills on 200 pictures; ten of ten on 1,000 with IMALINK_FAULTS_ALL=1."""
MOST_REDONE = GROUP_FILES + 3 * (2 * (os.cpu_count() or 1) + 1)
"""One group, and what the threads had read ahead of it."""


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_source(tmp_path_factory.mktemp("big") / "card", PICTURES, name="P{:04}.jpg")


class Chain:
    """One import, killed and resumed; ``copied`` counts what was made whole or half in staging and then lost."""

    def __init__(self, scene: Scene, card: Path, seed: int) -> None:
        self.scene = scene
        self.card = card
        self.random = random.Random(seed)
        self.stranger = Stranger(scene.bench.home)
        self.sources = oracle.tree(card)
        self.redone: list[int] = []

    def start(self) -> subprocess.Popen[bytes]:
        if not self.stranger("sessions", "list", "--json").json["sessions"]:
            return self.stranger.start("import", self.card, "--storage", NAME, "--title", "Card", "--json")
        return self.stranger.start("sessions", "resume", "1", "--json")

    def placed(self) -> int:
        return sum(1 for _ in self.scene.photos.iterdir())

    def staged(self) -> int:
        return sum(1 for _ in (self.scene.root / ".imalink/staging").glob("*/*.part"))

    def kill_once(self) -> bool:
        """Start it, kill it at some moment, and look at what is left; False: it was over before."""
        process = self.start()
        before = self.placed()
        # At once, in the middle of the first steps, or once it has placed something new.
        wanted = before + self.random.choice((0, 0, 1, PICTURES // 8))
        deadline = time.monotonic() + 120
        while self.placed() < wanted and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(self.random.random() * (3.0 if wanted == before else 0.3))
        process.kill()
        process.communicate(timeout=120)
        assert oracle.check_at_crash(oracle.Place(self.scene.root), oracle.Before(self.sources)) == []
        assert oracle.tree(self.card) == self.sources
        sessions = self.stranger("sessions", "list", "--json").json["sessions"]
        has_begun = any((self.scene.root / ".imalink/staging").glob("*/intent.jsonl"))
        if has_begun or self.placed():
            assert [each["status"] for each in sessions] in (["interrupted"], ["completed"]), sessions
        at_kill = self.placed() + self.staged()
        if self.placed() and sessions and sessions[0]["status"] == "interrupted":
            # What a dry run would still bring is what is copied again, or for the first time.
            left = self.stranger("sessions", "resume", "1", "-n", "--json").json
            assert left["new_imports"] == PICTURES
            self.redone.append(at_kill - left["came_in_before"])
            assert left["came_in_before"] >= self.placed()
        return process.returncode != 0

    def finish(self) -> None:
        process = self.start()
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        assert out
        [session] = self.stranger("sessions", "list", "--json").json["sessions"]
        shown = self.stranger("sessions", "show", "1", "--json").json
        assert (session["status"], session["file_count"]) == (SessionStatus.COMPLETED.value, PICTURES)
        statistics = shown["statistics"]
        assert (statistics["total_scanned"], statistics["new_imports"], statistics["errors"]) == (PICTURES, PICTURES, 0)
        assert oracle.check_settled(oracle.Place(self.scene.root), oracle.Before(self.sources), is_complete=True) == []
        assert self.stranger("recover", "--check", "--json").json["differences"] == []
        manifest = (self.scene.root / ".imalink/metadata/manifest/session_1.sha256").read_text().splitlines()
        for line in manifest:
            sha256, _, path = line.partition("  ")
            assert hashlib.sha256((self.scene.root / path).read_bytes()).hexdigest() == sha256
        assert len(manifest) == PICTURES


def test_an_import_killed_again_and_again_ends_whole_with_little_redone(
    tmp_path: Path, empty_catalog: Path, card: Path, report_count: ReportCount
) -> None:
    kills = 0
    redone: list[int] = []
    for seed in range(CHAINS):
        with memory_folder(tmp_path / str(seed)) as folder:
            folder.mkdir(exist_ok=True)
            with Scene(folder, empty_catalog) as scene:
                chain = Chain(scene, card, seed)
                kills += sum(chain.kill_once() for _ in range(KILLS))
                chain.finish()
                redone += chain.redone
    report_count("real kills of an import", kills, CHAINS * KILLS // 2)
    assert max(redone, default=0) <= MOST_REDONE, redone
