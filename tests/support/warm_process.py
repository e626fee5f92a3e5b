"""The real ``imalink`` command in processes of its own, without waiting for an interpreter to start each time.

Run as a program it has everything imported, and forks a process for each command it is given.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from tests.support.stranger import Said

PROJECT = Path(__file__).resolve().parents[2]
NEVER_SECONDS = 120.0


class RunningCommand:
    """A command under way."""

    def __init__(self, warm: WarmImalink, pid: int) -> None:
        self._warm = warm
        self.pid = pid

    def has_ended(self) -> bool:
        return self._warm.has_answer()

    def kill(self) -> None:
        """End it as the power does; it may have ended by itself meanwhile."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> Said:
        code = self._warm.answer()
        return Said(code=code, out=self._warm.output.read_text(), err=self._warm.errors.read_text())


class WarmImalink:
    """Gives commands to a warm process, one at a time; ``folder`` is for what they print."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.output, self.errors = folder / "output", folder / "errors"
        self.home = home
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # so that what select has not seen is not read either
            env={**os.environ, "PYTHONPATH": os.fspath(PROJECT)},
        )

    def start(self, *words: str | Path) -> RunningCommand:
        request = {
            "words": [os.fspath(word) for word in words],
            "output": os.fspath(self.output),
            "errors": os.fspath(self.errors),
            "environment": {"IMALINK_HOME": os.fspath(self.home), "IMALINK_WORKERS": "0"},
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        return RunningCommand(self, self.answer())

    def __call__(self, *words: str | Path) -> Said:
        return self.start(*words).wait()

    def has_answer(self) -> bool:
        assert self._process.stdout is not None
        return bool(select.select([self._process.stdout], [], [], 0)[0])

    def answer(self) -> int:
        assert self._process.stdout is not None
        if not select.select([self._process.stdout], [], [], NEVER_SECONDS)[0]:
            raise TimeoutError("the command never ended")
        return int(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def serve() -> None:
    """Fork a process for each request on stdin; say its number, and when it has ended its code."""
    import imalink

    for module in pkgutil.walk_packages(imalink.__path__, "imalink."):
        if "__main__" not in module.name and ".migrations." not in module.name:
            importlib.import_module(module.name)
    for name in ("PIL.JpegImagePlugin", "sqlalchemy.dialects.sqlite.pysqlite"):
        importlib.import_module(name)
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            run(request)
        print(pid, flush=True)  # noqa: T201
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)  # noqa: T201


def run(request: dict[str, Any]) -> None:
    """Be the command; never comes back."""
    import traceback

    from imalink.cli.main import main

    code = 99
    try:
        for number, name in ((1, "output"), (2, "errors")):
            descriptor = os.open(request[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.environ.update(request["environment"])
        sys.argv = ["imalink", *request["words"]]
        main()
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
    except BaseException:  # noqa: BLE001 - nothing may get past here into the warm process's own loop
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
