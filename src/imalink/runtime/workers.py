"""The pool of decode workers: pictures are taken apart in processes that may die without costing more than one file."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, Self

import msgspec

from imalink.core.analyser import Analysis, PreviewResult, SidecarReading
from imalink.core.finding import Finding
from imalink.core.picture import Fingerprint, PictureFacts
from imalink.errors import CancelledError, MachineShortageError
from imalink.media.hothash import fingerprint_descriptor
from imalink.media.kinds import HEAD_BYTES, file_format_of
from imalink.media.previews import DEFAULT_PIXEL_LIMIT
from imalink.media.sidecars import read_sidecar
from imalink.runtime.worker import Worker, WorkerDiedError, WorkerNotStartedError
from imalink.runtime.worker_messages import Analysed, Answer, Failed, Limits, Previewed, Request, Unreadable

_log = logging.getLogger(__name__)

FILES_A_WORKER: Final = 500
"""After so many a worker is replaced: whatever decoders leak is given back."""

_SECONDS_A_FILE: Final = 60.0
_TRIES: Final = 2
_SHORTAGE_PAUSES: Final = (0.1, 0.3, 0.6, 1.0)
"""Seconds to wait before each further try while the machine cannot start a worker."""

_DEFAULT_LIMITS: Final = Limits(address_space_bytes=3 * 1024**3, cpu_seconds=30, pixel_limit=DEFAULT_PIXEL_LIMIT)
SERVER_LIMITS: Final = msgspec.structs.replace(_DEFAULT_LIMITS, niceness=10)
SERVER_SECONDS_A_FILE: Final = 300.0
"""In a server requests go first, so decoding may wait long for the processor; what it may use of it is the same."""


class DecodeWorkers:
    """The implementation of ``core.analyser.Analyser`` that decodes in other processes; safe to share between threads.

    Nothing is started before the first picture. A thread that asks while all workers are busy waits. A worker that dies
    or lets ``seconds_a_file`` pass is replaced and the file tried once more; a file that kills a second worker has no
    preview and the finding ``decode-crashed``. That a machine can start no worker, tried several times, is no answer
    about any file but MachineShortageError. Close it, or use it as a context manager: afterwards no process is left,
    and whoever asks gets CancelledError.
    """

    def __init__(
        self,
        count: int,
        *,
        limits: Limits = _DEFAULT_LIMITS,
        seconds_a_file: float = _SECONDS_A_FILE,
        files_a_worker: int = FILES_A_WORKER,
    ) -> None:
        self._limits = limits
        self._seconds_a_file = seconds_a_file
        self._files_a_worker = files_a_worker
        self._free_places = threading.BoundedSemaphore(count)
        self._lock = threading.Lock()
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._is_closed = False

    def fingerprint(self, descriptor: int) -> Fingerprint:
        """Read the whole file and give its hothash and SHA-256, in this process: it decodes nothing. Raises OSError."""
        return fingerprint_descriptor(descriptor)

    def analyse(self, descriptor: int, *, filename: str) -> Analysis:
        """Give the facts and the hotpreview. Raises OSError; CancelledError, MachineShortageError."""
        answer = self._ask_twice(Request(task="analyse", filename=os.fsencode(filename)), descriptor)
        if isinstance(answer, Analysed):
            return answer.analysis
        # What is known without decoding is worth another worker: the capture time says where the picture belongs.
        described = self._describe(descriptor, filename)
        return replace(described, findings=(*described.findings, Finding(code="decode-crashed")))

    def describe(self, descriptor: int, *, filename: str) -> Analysis:
        """Give the facts alone. Raises OSError; CancelledError, MachineShortageError."""
        return self._describe(descriptor, filename)

    def coldpreview(self, descriptor: int, *, filename: str, rotation: int = 0) -> PreviewResult:
        """Give the large preview. Raises OSError; CancelledError, MachineShortageError."""
        request = Request(task="coldpreview", filename=os.fsencode(filename), rotation=rotation)
        answer = self._ask_twice(request, descriptor)
        if isinstance(answer, Previewed):
            return answer.result
        return PreviewResult(preview=None, findings=(Finding(code="decode-crashed"),))

    def read_sidecar(self, data: bytes, *, filename: str) -> SidecarReading:
        """Give what a sidecar says, in this process: it is text. ``filename`` tells XMP from Takeout's JSON."""
        return read_sidecar(data, filename=filename)

    def process_ids(self) -> list[int]:
        """Give the numbers of the processes there are now."""
        with self._lock:
            return sorted(worker.process_id for worker in (*self._idle, *self._busy))

    def close(self) -> None:
        """End every worker, busy ones too: whoever waits for one gets CancelledError."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, []
            for worker in self._busy:
                worker.interrupt()
        for worker in idle:
            worker.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _describe(self, descriptor: int, filename: str) -> Analysis:
        answer = self._ask(Request(task="describe", filename=os.fsencode(filename)), descriptor)
        if isinstance(answer, Analysed):
            return answer.analysis
        head = os.pread(descriptor, HEAD_BYTES, 0)
        return Analysis(facts=PictureFacts(file_format=file_format_of(head, filename=filename)), hotpreview=None)

    def _ask_twice(self, request: Request, descriptor: int) -> Answer | None:
        for _ in range(_TRIES):
            answer = self._ask(request, descriptor)
            if answer is not None:
                return answer
        return None

    def _ask(self, request: Request, descriptor: int) -> Answer | None:
        """Give a worker's answer, None if it died of the file. Raises OSError, CancelledError, MachineShortageError."""
        for pause in _SHORTAGE_PAUSES:
            try:
                return self._ask_once(request, descriptor)
            except WorkerNotStartedError as error:
                if self._is_closed:
                    raise CancelledError("The work was stopped.") from error
                _log.warning("no decode worker can be started: %s", error)
                time.sleep(pause)
        try:
            return self._ask_once(request, descriptor)
        except WorkerNotStartedError as error:
            if self._is_closed:
                raise CancelledError("The work was stopped.") from error
            raise MachineShortageError(
                f"This machine cannot start the process that decodes pictures: {error}. No picture is to blame.",
                hint="Close other programs, or raise the limit (`ulimit -n`, `ulimit -u`); then run the same again.",
            ) from error

    def _ask_once(self, request: Request, descriptor: int) -> Answer | None:
        try:
            with self._borrowed() as worker:
                answer = worker.ask(request, descriptor, seconds=self._seconds_a_file)
                if isinstance(answer, Failed):
                    _log.error("a decode worker failed:\n%s", answer.trace)
                    raise WorkerDiedError("our own code failed")
        except WorkerDiedError as error:
            if self._is_closed:
                raise CancelledError("The work was stopped.") from error
            _log.warning("a decode worker died: %s", error)
            return None
        if isinstance(answer, Unreadable):
            raise OSError(answer.number, answer.text)
        return answer

    @contextmanager
    def _borrowed(self) -> Generator[Worker]:
        """Hold a worker for a block; kept afterwards unless it is worn out, dead, or the block was left by an error."""
        with self._free_places:
            worker = self._take()
            is_whole = False
            try:
                yield worker
                is_whole = True
            finally:
                self._give_back(worker, is_whole=is_whole)

    def _take(self) -> Worker:
        while True:
            with self._lock:
                if self._is_closed:
                    raise CancelledError("The work was stopped.")
                worker = self._idle.pop() if self._idle else Worker(self._limits)
                if worker.exit_code is None:
                    self._busy.add(worker)
                    return worker
            worker.end()  # died while it had nothing to do: no file's fault

    def _give_back(self, worker: Worker, *, is_whole: bool) -> None:
        with self._lock:
            self._busy.discard(worker)
            if (
                is_whole
                and not self._is_closed
                and worker.exit_code is None
                and worker.file_count < self._files_a_worker
            ):
                self._idle.append(worker)
                return
        worker.end()
