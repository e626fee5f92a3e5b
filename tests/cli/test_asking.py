"""Duplicates asked about on a real terminal: what is shown, which keys count, and how one gets out."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.scenes import Scene
from tests.support.stranger import PROGRAM, Stranger
from tests.support.workbench import make_source, photos_below

NAME = "Blue Samsung"
PROMPT = "q to stop: "
CTRL_C = "\x03"


@dataclass(frozen=True)
class Asked:
    """What a command said on its terminal, how often it asked, and how it ended."""

    code: int
    shown: str
    questions: int
    report: Mapping[str, Any] | None


def ask(scene: Scene, card: Path, keys: str) -> Asked:
    """Import with ``--duplicates ask`` on a terminal; type one key at each question."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [PROGRAM, "import", str(card), "--storage", NAME, "--title", "Card", "--duplicates", "ask", "--json"],
        env={**os.environ, "IMALINK_HOME": str(scene.bench.home), "TERM": "xterm", "COLUMNS": "200"},
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    shown, typed = "", 0
    try:
        while chunk := os.read(ours, 4096):
            shown += chunk.decode(errors="replace")
            while shown.count(PROMPT) > typed:
                if keys[typed] == CTRL_C:
                    process.send_signal(signal.SIGINT)
                else:
                    os.write(ours, f"{keys[typed]}\n".encode())
                typed += 1
    except OSError:
        pass  # a terminal whose last user has gone answers EIO
    os.close(ours)
    assert process.stdout is not None
    out = process.stdout.read()
    process.stdout.close()
    return Asked(process.wait(), shown, typed, json.loads(out) if out else None)


@pytest.fixture
def card(scene: Scene) -> Path:
    """Three pictures that the scene has already, and a new one."""
    return make_source(scene.folder / "asked card", 4)


def test_both_sides_are_shown_and_a_letter_decides(scene: Scene, card: Path) -> None:
    asked = ask(scene, card, "sks")
    assert asked.report is not None, asked.shown
    assert (asked.code, asked.questions) == (0, 3)
    for text in ("IMG_0002.jpg is archived already, byte for byte", "photos/IMG_0002.jpg", f"in {NAME}", "bytes)"):
        assert text in asked.shown
    counts = ("new_imports", "duplicates_skipped", "duplicates_kept")
    assert [asked.report[each] for each in counts] == [2, 2, 1]


def test_a_capital_decides_for_all_and_another_key_asks_again(scene: Scene, card: Path) -> None:
    asked = ask(scene, card, "xK")
    assert asked.report is not None, asked.shown
    assert (asked.questions, asked.report["duplicates_kept"]) == (2, 3)


@pytest.mark.parametrize("key", ["q", CTRL_C], ids=["q", "ctrl-c"])
def test_one_can_stop_at_a_question_and_go_on_later(scene: Scene, card: Path, key: str) -> None:
    asked = ask(scene, card, key)
    assert (asked.code, asked.questions, asked.report) == (130, 1, None), asked.shown
    assert "Nothing is lost" in asked.shown
    assert "Traceback" not in asked.shown
    said = Stranger(scene.bench.home)("import", card, "--storage", NAME, "--title", "Card", "--json")
    assert said.json["errors"] == 0
    assert len(photos_below(scene.root)) == 4


def test_without_a_terminal_duplicates_stay_and_the_code_is_4(scene: Scene, card: Path) -> None:
    words = ["import", card, "--storage", NAME, "--title", "Card", "--duplicates", "ask"]
    said = Stranger(scene.bench.home)(*words, "--json")
    assert (said.code, said.json["duplicates_undecided"], said.json["new_imports"]) == (4, 3, 1)
    assert [finding["code"] for finding in said.json["findings"]] == ["duplicate-undecided"] * 3
    said = Stranger(scene.bench.home)(*words)
    assert "left at the source" in said.out
