"""``imalink serve`` as a program: it answers on both loopback addresses, refuses what it must, and ends at Ctrl-C."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from imalink.runtime.listening import listening_sockets


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("IMALINK_")}
    return {**kept, "IMALINK_HOME": str(home), "IMALINK_WORKERS": "1"}


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "imalink", "serve", *arguments]
    return subprocess.run(command, env=environment(home), capture_output=True, text=True, timeout=60, check=False)


@contextmanager
def serving(home: Path, port: int, *arguments: str, **further: str) -> Generator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "imalink", "serve", "--port", str(port), *arguments]
    process = subprocess.Popen(command, env=environment(home) | further, stderr=subprocess.PIPE, text=True)
    try:
        until = time.monotonic() + 60
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/health", timeout=5).raise_for_status()
                break
            except httpx.TransportError:
                assert process.poll() is None and time.monotonic() < until
                time.sleep(0.05)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(30)
        assert process.stderr is not None
        process.stderr.close()


@pytest.fixture
def port() -> int:
    with listening_sockets("localhost", 0) as sockets:
        return sockets[0].getsockname()[1]


def test_it_answers_this_machine_until_ctrl_c(tmp_path: Path, port: int) -> None:
    with serving(tmp_path, port) as process:
        for host in ("127.0.0.1", "localhost"):
            assert httpx.get(f"http://{host}:{port}/api/v1/file-storage/").json()["data"]["storages"] == []
        if socket.has_ipv6:
            assert httpx.get(f"http://[::1]:{port}/health").is_success
        assert (tmp_path / "catalog.sqlite").exists()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 130
        assert f"http://localhost:{port}/api/v1" in said
        assert "Traceback" not in said


def test_no_other_machine_is_served_before_folders_are_named(tmp_path: Path) -> None:
    for host in ("0.0.0.0", "192.168.1.5"):
        refused = run(tmp_path, "--host", host)
        assert refused.returncode == 2
        assert "does not listen" in refused.stderr and "Traceback" not in refused.stderr
        assert "storage_roots" in refused.stderr


def test_on_a_network_the_first_account_is_made_with_what_the_console_shows(tmp_path: Path, port: int) -> None:
    with serving(tmp_path, port, "--host", "0.0.0.0", IMALINK_STORAGE_ROOTS=str(tmp_path)) as process:
        url = f"http://127.0.0.1:{port}/api/v1"
        assert httpx.get(f"{url}/file-storage").status_code == 401
        assert process.stderr is not None
        said: list[str] = []
        while not said or "not encrypted" not in said[-1]:
            said.append(process.stderr.readline())
            assert said[-1]
        [token] = [line.split()[-1] for line in said if "set-up token" in line]
        body = {"token": token, "name": "ada", "password": "correct horse battery"}
        made = httpx.post(f"{url}/auth/setup", json=body, timeout=30)
        assert made.status_code == 201, made.text
        assert httpx.get(f"{url}/file-storage", cookies=dict(made.cookies)).is_success
        assert httpx.get(f"{url}/file-storage").status_code == 401
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=30)
        assert token not in rest
    with serving(tmp_path, port, "--host", "0.0.0.0", IMALINK_STORAGE_ROOTS=str(tmp_path)) as process:
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=30)
        assert "set-up token" not in rest


def test_forwarded_headers_are_believed_of_no_one_by_itself(tmp_path: Path, port: int) -> None:
    with serving(tmp_path, port, IMALINK_LOGIN="always") as process:
        url = f"http://127.0.0.1:{port}/api/v1"
        body = {"name": "ada", "password": "correct horse battery"}
        headers = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"}
        assert httpx.post(f"{url}/auth/login", json=body, headers=headers, timeout=30).status_code == 401
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    command = [sys.executable, "-m", "imalink", "audit", "--json"]
    told = subprocess.run(command, env=environment(tmp_path), capture_output=True, text=True, timeout=60, check=True)
    assert '"address": "127.0.0.1"' in told.stdout and "203.0.113.9" not in told.stdout


def test_a_port_that_is_taken_is_refused(tmp_path: Path) -> None:
    with listening_sockets("localhost", 0) as sockets:
        sockets[0].listen()
        refused = run(tmp_path, "--port", str(sockets[0].getsockname()[1]))
    assert refused.returncode == 2
    assert "is taken" in refused.stderr and "Traceback" not in refused.stderr


def test_settings_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('port = "eighty"\n')
    refused = run(tmp_path)
    assert (refused.returncode, "no port" in refused.stderr) == (2, True)


def test_a_damaged_catalog_is_told(tmp_path: Path, port: int) -> None:
    (tmp_path / "catalog.sqlite").write_bytes(b"no database " * 1000)
    refused = run(tmp_path, "--port", str(port))
    assert refused.returncode == 1
    assert "imalink recover" in refused.stderr and "Traceback" not in refused.stderr
