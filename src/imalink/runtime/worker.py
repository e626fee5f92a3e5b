"""One decode worker as its parent sees it: start it, ask it about one file at a time, end it."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from imalink.runtime.worker_messages import (
    ANSWER_LIMIT,
    LENGTH_BYTES,
    READY,
    Answer,
    BrokenConversationError,
    Limits,
    Request,
    checked_length,
    framed,
    parse_answer,
    receive_exactly,
)

_PASSED_ON: Final = frozenset(
    "HOME LANG LANGUAGE LD_LIBRARY_PATH DYLD_LIBRARY_PATH PATH TMPDIR TZ VIRTUAL_ENV VIPS_CONCURRENCY".split()
)
_SHORTAGES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.ETOOMANYREFS})
_PASSED_ON_PREFIXES: Final = ("LC_", "PYTHON")
_START: Final = "import sys; sys.path.append(sys.argv[1]); from imalink.runtime.worker_process import main; main()"
_PACKAGES: Final = str(Path(__file__).resolve().parents[2])
"""Where this very ``imalink`` stands: it need not be installed for the Python that runs it."""

_START_SECONDS: Final = 60.0
_ONE_THREAD: Final = {"VIPS_CONCURRENCY": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class WorkerDiedError(Exception):
    """The worker ended, hung, or spoke nonsense while it had the file. Never leaves ``imalink.runtime``."""


class WorkerNotStartedError(Exception):
    """The machine has not what a worker needs; no file is to blame. Never leaves ``imalink.runtime``."""


class Worker:
    """A process that decodes; for one thread at a time. After an error it is of no use and to be killed."""

    def __init__(self, limits: Limits) -> None:
        """Start the process. Raises WorkerNotStartedError."""
        try:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        except OSError as error:
            raise WorkerNotStartedError(str(error)) from error
        self._connection = ours
        self.file_count = 0
        self._is_ready = False
        try:
            # A process of its own from the start, not a fork of this one: libvips does not survive a fork, and nothing
            # that this process holds is there to be read. What it prints are decoders' complaints.
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-P", "-B", "-c", _START, _PACKAGES),
                    *(str(theirs.fileno()), msgspec.json.encode(limits).decode()),
                ],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=_environment(os.environ),
                # Not reached by Ctrl-C, which is its parent's to answer.
                process_group=0,
            )
        except OSError as error:
            ours.close()
            raise WorkerNotStartedError(str(error)) from error
        finally:
            theirs.close()

    @property
    def process_id(self) -> int:
        """Give the number of the process."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Give how the process ended, a signal as a negative number; None while it runs."""
        return self._process.poll()

    def ask(self, request: Request, descriptor: int, *, seconds: float) -> Answer:
        """Have a file looked at and give the answer.

        Raises WorkerDiedError, also after ``seconds``; WorkerNotStartedError when the process did not come up, or the
        machine cannot pass the file on.
        """
        self._wait_until_ready()
        deadline = time.monotonic() + seconds
        frame = framed(request)
        self.file_count += 1
        try:
            self._connection.settimeout(seconds)
            socket.send_fds(self._connection, [frame[:LENGTH_BYTES]], [descriptor])
            self._connection.sendall(frame[LENGTH_BYTES:])
            length = checked_length(self._receive(LENGTH_BYTES, deadline), ANSWER_LIMIT)
            return parse_answer(self._receive(length, deadline))
        except TimeoutError as error:
            raise WorkerDiedError(f"no answer within {seconds:g} seconds") from error
        except OSError as error:
            if error.errno in _SHORTAGES:
                raise WorkerNotStartedError(str(error)) from error
            raise WorkerDiedError(str(error)) from error
        except BrokenConversationError as error:
            raise WorkerDiedError(str(error)) from error

    def _wait_until_ready(self) -> None:
        # A process that dies before it has seen a file dies of the machine: no memory, no threads, a half-done upgrade.
        if self._is_ready:
            return
        try:
            if self._receive(len(READY), time.monotonic() + _START_SECONDS) != READY:
                raise WorkerNotStartedError("the process spoke before it was ready")
        except (OSError, BrokenConversationError) as error:
            raise WorkerNotStartedError(f"the process did not come up: {error}") from error
        self._is_ready = True

    def _receive(self, length: int, deadline: float) -> bytes:
        pieces: list[bytes] = []
        while length:
            # Each piece under what is left of the deadline, so that a worker cannot stretch it by dribbling.
            self._connection.settimeout(max(0.001, deadline - time.monotonic()))
            piece = receive_exactly(self._connection, min(length, 64 * 1024))
            pieces.append(piece)
            length -= len(piece)
        return b"".join(pieces)

    def interrupt(self) -> None:
        """End the process from any thread; whoever waits for its answer gets WorkerDiedError."""
        self._process.kill()

    def end(self) -> int:
        """End the process at once, wait for it, and give how it ended."""
        self._connection.close()
        self._process.kill()
        return self._process.wait()


def _environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Give what a worker needs to know, and no password of a database."""
    kept = {
        name: value for name, value in environment.items() if name in _PASSED_ON or name.startswith(_PASSED_ON_PREFIXES)
    }
    return _ONE_THREAD | kept
