"""The heartbeat of a held lock: a counter in its token file that goes on for as long as the holder lives."""

from __future__ import annotations

import logging
import threading

from imalink.durable_files import FileCalls
from imalink.errors import MachineShortageError
from imalink.storage.lock_record import dump_counter

STOP_SECONDS = 1.0
"""How long the end of the work waits for a beat that is on its way to a slow device."""

_log = logging.getLogger(__name__)


class Heartbeat:
    """Raises the counter in an open token file, from a thread of its own, until it is stopped.

    It writes only through ``descriptor``, which it closes at the end: when the lock is broken, that is still the broken
    file and never the successor's. A beat that fails is no reason to stop the work; the next look at the lock will tell
    whether it is still held. ``is_flushed`` sends each beat on to where other machines can see it.
    """

    def __init__(
        self,
        calls: FileCalls,
        descriptor: int,
        *,
        counter: int,
        offset: int,
        every_seconds: float,
        is_flushed: bool,
    ) -> None:
        self._calls = calls
        self._descriptor = descriptor
        self._counter = counter
        self._offset = offset
        self._every_seconds = every_seconds
        self._is_flushed = is_flushed
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="imalink-lock-heartbeat", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as error:
            calls.close(descriptor)
            raise MachineShortageError(
                "The machine has no thread left for the heartbeat of the storage's lock. Nothing was changed.",
                hint="Close other programs, or raise the limit (`ulimit -u`).",
            ) from error

    def stop(self) -> None:
        """Let it end. Twice does no harm; a device that does not answer is not waited for long."""
        self._is_over.set()
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        try:
            while not self._is_over.wait(self._every_seconds):
                self._counter += 1
                try:
                    self._calls.write_at(self._descriptor, memoryview(dump_counter(self._counter)), self._offset)
                    if self._is_flushed:
                        self._calls.fsync(self._descriptor)
                except OSError as error:
                    _log.warning("the lock's heartbeat could not be written: %s", error)
        finally:
            self._calls.close(self._descriptor)
