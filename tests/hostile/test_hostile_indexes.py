"""R12: hostile indexes and trees are told, contained, and cost little memory; none finds a way out or an accident."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.cases import FIELDS, FILES, LEGAL, REFUSED
from tests.support.scenes import memory_folder

FLOOR = 450
MOST_MEMORY_MB = 300
MOST_CPU_SECONDS = 10
"""Two seconds on an idle machine; tests run beside others."""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
Answer = dict[str, Any]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> list[Answer]:
    with memory_folder(tmp_path_factory.mktemp("hostile")) as folder:
        run = subprocess.run(
            [sys.executable, "-m", "tests.hostile.runner", str(folder)],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=False,
        )
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


def test_there_are_enough_cases(answers: list[Answer], record_property: Callable[[str, object], None]) -> None:
    print(f"R12: {len(answers)} hostile storages")  # noqa: T201
    print(f"R12: at most {max(each['rss_mb'] for each in answers):.0f} MB")  # noqa: T201
    print(f"R12: at most {max(each['cpu_seconds'] for each in answers):.2f} s of processor")  # noqa: T201
    record_property("R12", len(answers))
    assert len(REFUSED) + len(LEGAL) >= 40
    assert len(FIELDS) == len(FILES) == 3
    assert len({each["name"] for each in answers}) >= FLOOR


def test_every_answer_is_one_of_imalinks_own(answers: list[Answer]) -> None:
    assert {each["name"]: each["bug"] for each in answers if each["bug"]} == {}


def test_nothing_outside_is_opened(answers: list[Answer]) -> None:
    assert {each["name"]: each["outside"] for each in answers if each["outside"]} == {}


def test_every_case_is_told_as_expected(answers: list[Answer]) -> None:
    wrong = {
        each["name"]: (each["expected"], each["told"], each["error"]) for each in answers if not is_as_expected(each)
    }
    assert wrong == {}


def is_as_expected(answer: Answer) -> bool:
    expected, told = answer["expected"], answer["told"]
    if expected == "declared":
        return True
    if expected == "none":
        return told == [] and not answer["error"]
    if expected.endswith("Error"):
        return bool(answer["error"])
    return any(code in told for code in expected.split(" or "))


def test_no_case_takes_much_memory_or_time(answers: list[Answer]) -> None:
    assert {each["name"]: each["rss_mb"] for each in answers if each["rss_mb"] >= MOST_MEMORY_MB} == {}
    assert {each["name"]: each["cpu_seconds"] for each in answers if each["cpu_seconds"] >= MOST_CPU_SECONDS} == {}
