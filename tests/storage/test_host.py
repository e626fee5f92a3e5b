"""A living process is told from a dead one, and nothing is concluded from silence."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from imalink.storage.host import find_process_start, this_host

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def test_this_process_is_described_the_same_each_time() -> None:
    one, two = this_host(), this_host()
    assert replace(one, find_process_start=find_process_start) == two
    assert one.pid == os.getpid()
    assert one.boot_id
    assert one.pid_start > 0
    assert one.pid_start == find_process_start(one.pid)


def test_the_start_of_a_process_ends_with_it() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        start = find_process_start(process.pid)
        assert start is not None
        assert start >= this_host().pid_start
        assert process.stdin is not None
        process.stdin.close()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert find_process_start(process.pid) is None, "a zombie writes nothing more"
    assert find_process_start(process.pid) is None


def test_a_process_whose_name_holds_parentheses_is_read_right() -> None:
    code = "import pathlib; pathlib.Path('/proc/self/comm').write_text('a) Z 1 (b'); print('x', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert (find_process_start(process.pid) or 0) >= this_host().pid_start
        process.communicate(b"\n")
