"""The installed command as a stranger has it: a process of its own, a home, and only what it prints and returns."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from imalink.cli.main import main

PROGRAM = str(Path(sys.executable).with_name("imalink"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one run printed and returned."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout; anything else there fails the test."""
        assert self.out, self.err
        return json.loads(self.out)


class Stranger:
    """Runs ``imalink`` with a home in ``home``; ``environment`` is added to the process's own."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.environment = {**os.environ, "IMALINK_HOME": os.fspath(home), **environment}

    def __call__(self, *arguments: str | Path, **environment: str) -> Said:
        done = subprocess.run(
            [PROGRAM, *[os.fspath(each) for each in arguments]],
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=120,
            check=False,
        )
        return Said(code=done.returncode, out=done.stdout.decode(), err=done.stderr.decode())

    def start(self, *arguments: str | Path) -> subprocess.Popen[bytes]:
        """Start it and go on."""
        return subprocess.Popen(
            [PROGRAM, *[os.fspath(each) for each in arguments]],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )


class Here:
    """Runs a command in this process: as `Stranger`, but a hundred times as fast."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capture = capture
        monkeypatch.setenv("IMALINK_HOME", os.fspath(home))

    def __call__(self, *arguments: str | Path, stdin: str = "") -> Said:
        self._monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        self._monkeypatch.setattr(sys, "argv", ["imalink", *[os.fspath(each) for each in arguments]])
        self._capture.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        out, err = self._capture.readouterr()
        assert isinstance(end.value.code, int)
        return Said(code=end.value.code, out=out, err=err)
