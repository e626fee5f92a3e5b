"""What helps to run the server names commands that are there, and gives it the time it needs to end."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from imalink.cli.main import cli

CONTRIB = Path(__file__).parents[2] / "contrib"
LONGEST_END_SECONDS = 30
"""Ten for clients that wait, ten for jobs, and some."""


def unit() -> configparser.ConfigParser:
    parsed = configparser.ConfigParser(interpolation=None, strict=False)
    parsed.optionxform = str  # type: ignore[assignment]  # keys of systemd keep their case
    parsed.read(CONTRIB / "imalink.service")
    return parsed


def compose_line(key: str) -> str:
    found = re.search(rf"^\s*{key}: (.+)$", (CONTRIB / "compose.yaml").read_text(), re.MULTILINE)
    assert found is not None
    return found.group(1)


def test_the_unit_starts_a_command_that_is_there() -> None:
    program, *arguments = unit()["Service"]["ExecStart"].split()
    assert Path(program).name == "imalink"
    assert CliRunner().invoke(cli, [*arguments, "--help"]).exit_code == 0


def test_unit_and_container_give_a_running_import_time_to_end() -> None:
    assert int(unit()["Service"]["TimeoutStopSec"]) >= LONGEST_END_SECONDS
    assert int(compose_line("stop_grace_period").removesuffix("s")) >= LONGEST_END_SECONDS


def test_the_container_runs_a_command_and_copies_files_that_are_there() -> None:
    text = (CONTRIB / "Dockerfile").read_text()
    command = re.search(r'^CMD \["(.+)"\]$', text, re.MULTILINE)
    assert command is not None
    assert CliRunner().invoke(cli, [*command.group(1).split('", "'), "--help"]).exit_code == 0
    for line in re.findall(r"^COPY (.+) \S+$", text, re.MULTILINE):
        for name in line.split():
            assert (CONTRIB.parent / name).exists(), name


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    # It asks that the program is there, which on the machine of a test it is not.
    text = (CONTRIB / "imalink.service").read_text().replace("%h/.local/bin/imalink", "/bin/true")
    (tmp_path / "imalink.service").write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / "imalink.service"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
