"""A command ends when it is told to, even while its work hangs in a disk that does not answer."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from imalink.cli.progress import progress_of
from imalink.errors import CancelledError, StorageIoError


def kill_soon(number: signal.Signals, seconds: float = 0.2) -> None:
    threading.Timer(seconds, os.kill, (os.getpid(), number)).start()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_work_that_hangs_is_left_behind_after_a_few_seconds(
    number: signal.Signals, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("imalink.cli.progress._GRACE_SECONDS", 0.5)
    release = threading.Event()
    started = time.monotonic()
    with progress_of(is_quiet=False) as progress:
        kill_soon(number)
        with pytest.raises(CancelledError) as caught:
            progress.run(lambda: release.wait(60))
    release.set()
    assert time.monotonic() - started < 10
    assert "Nothing is lost" in caught.value.message
    assert "sessions resume" in caught.value.hint
    assert "Stopping at the next safe point" in capsys.readouterr().err


def test_work_that_hears_the_wish_ends_by_itself() -> None:
    with progress_of(is_quiet=True) as progress:

        def work() -> None:
            while True:
                progress.checkpoint()
                time.sleep(0.01)

        kill_soon(signal.SIGINT)
        with pytest.raises(CancelledError, match="safe point"):
            progress.run(work)


def test_a_second_ctrl_c_ends_at_once() -> None:
    release = threading.Event()
    with progress_of(is_quiet=True) as progress:
        kill_soon(signal.SIGINT)
        kill_soon(signal.SIGINT, 0.6)
        with pytest.raises(KeyboardInterrupt):
            progress.run(lambda: release.wait(60))
    release.set()


def test_what_the_work_gives_or_raises_comes_out() -> None:
    def fail() -> None:
        raise StorageIoError("broken")

    with progress_of(is_quiet=True) as progress:
        assert progress.run(lambda: 7) == 7
        with pytest.raises(StorageIoError, match="broken"):
            progress.run(fail)
