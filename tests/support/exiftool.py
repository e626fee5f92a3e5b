"""ExifTool, started once in a test process: its start takes longer than most of what it is asked for."""

from __future__ import annotations

import atexit
import subprocess
from functools import cache
from pathlib import Path

_STATUS = "status of this one: "


class ExifToolError(Exception):
    """ExifTool did not do what it was asked for; the message is what it said."""


class _ExifTool:
    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["exiftool", "-stay_open", "True", "-@", "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        atexit.register(self.close)

    def run(self, arguments: list[str]) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert not any("\n" in argument for argument in arguments), "an argument is a line"
        lines = [*arguments, "-echo3", _STATUS + "${status}", "-execute", ""]
        self._process.stdin.write("\n".join(lines).encode())
        self._process.stdin.flush()
        said: list[str] = []
        while True:
            line = self._process.stdout.readline().decode(errors="replace")
            if not line:
                raise ExifToolError(f"exiftool ended: {''.join(said)}")
            if line.startswith("{ready"):
                break
            said.append(line)
        statuses = [line.removeprefix(_STATUS).strip() for line in said if line.startswith(_STATUS)]
        if statuses != ["0"]:
            raise ExifToolError(f"exiftool: {''.join(said)}")
        return "".join(line for line in said if not line.startswith(_STATUS))

    def close(self) -> None:
        if self._process.stdin is not None and self._process.poll() is None:
            self._process.stdin.write(b"-stay_open\nFalse\n")
            self._process.stdin.close()
            self._process.wait(timeout=30)


@cache
def _running() -> _ExifTool:
    return _ExifTool()


def edit_in_place(path: Path, *arguments: str) -> None:
    """Edit a file in place, minor faults ignored. Raises ExifToolError."""
    _running().run(["-m", "-overwrite_original", "-charset", "utf8", *arguments, str(path)])
