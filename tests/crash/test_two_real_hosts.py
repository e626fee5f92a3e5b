"""Two machines as real processes: the second one has a host name, machine id, boot and processes of its own."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.crash import oracle
from tests.support.scenes import memory_folder
from tests.support.stranger import Stranger
from tests.support.workbench import make_source, photos_below

ReportCount = Callable[[str, int, int], None]
NAME = "Shared disk"
COUNT = 120
TTL = 2

QUICK = f"""
import sys
from imalink.storage import lock
lock.acquire_lock.__kwdefaults__.update(heartbeat_seconds=0.1, ttl_seconds={TTL})
"""
COMMAND = f"{QUICK}from imalink.cli.main import main\nmain()"
"""The command, with a heart that beats faster, so that nobody has to watch it for two minutes."""
HOLDING = f"""{QUICK}
import signal
from pathlib import Path
from imalink.runtime.container import SystemClock
from imalink.storage.file_storage import FileStorage
storage = FileStorage.open(Path(sys.argv[1]), clock=SystemClock())
with storage.lock("import"):
    print("held", flush=True)
    signal.pause()
"""
"""A process that holds the lock and does nothing else."""


class Worlds:
    """One disk with a storage, and two machines that know it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cards = {
            name: make_source(folder / name, COUNT, first_seed=seed) for name, seed in (("desk", 1), ("attic", 500))
        }
        self.homes = {name: folder / f"home of {name}" for name in self.cards}
        made = self.at("desk")("storage", "create", folder, "--name", NAME, "--json")
        self.root = Path(made.json["full_path"])
        assert self.at("attic")("recover", self.root, "--yes").code == 0

    def at(self, name: str) -> Stranger:
        """Give the commands of a machine; run here, where the desk is."""
        return Stranger(self.homes[name])

    def elsewhere(
        self, code: str, *arguments: str | Path, hostname: str = "attic", machine: str = "a" * 32, boot: str = "attic's"
    ) -> subprocess.Popen[bytes]:
        """Start Python code on another machine; empty text keeps what this machine has."""
        steps = ["set -e"]
        for told, target in ((boot, "/proc/sys/kernel/random/boot_id"), (machine, "/etc/machine-id")):
            if told:
                note = self.folder / f"note {told[:12]}"
                note.write_text(f"{told}\n")
                steps.append(f"mount --bind {shlex.quote(str(note))} {target}")
        if hostname:
            steps.append(f"hostname {hostname}")
        script = "; ".join([*steps, 'exec "$@"'])
        return subprocess.Popen(
            ["unshare", "--mount", "--uts", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", script, "sh",
             sys.executable, "-c", code, *[os.fspath(each) for each in arguments]],
            env={**os.environ, "IMALINK_HOME": os.fspath(self.homes["attic"])},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )  # fmt: skip

    def import_at(self, name: str) -> tuple[str | Path, ...]:
        return ("import", self.cards[name], "--storage", NAME, "--title", name, "--json")

    def violations(self) -> list[str]:
        """Let both import what they have once more; then everything must be there once."""
        for name in self.cards:
            said = self.at(name)(*self.import_at(name))
            assert said.code in (0, 4), said.err
        sources = {
            f"{name}/{path}": facts for name, card in self.cards.items() for path, facts in oracle.tree(card).items()
        }
        return oracle.check_settled(oracle.Place(self.root), oracle.Before(sources), is_complete=True)


@pytest.fixture
def worlds(tmp_path: Path) -> Iterator[Worlds]:
    with memory_folder(tmp_path) as folder:
        yield Worlds(folder)


def wait_until(is_so: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)


def python_in(process: subprocess.Popen[bytes]) -> int:
    """Give the process that ``unshare`` started in the other world, by its number in this one."""
    return int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate(timeout=30)


def test_two_machines_that_import_at_once_are_served_or_refused_and_get_all_in_the_end(
    worlds: Worlds, report_count: ReportCount
) -> None:
    rounds = 3
    for _ in range(rounds):
        both = {name: worlds.at(name).start(*worlds.import_at(name)) for name in worlds.cards}
        for name, process in both.items():
            _, told = process.communicate(timeout=120)
            assert process.returncode in (0, 4, 11), (name, told.decode())
            assert process.returncode != 11 or b"in use by process" in told or b"Several processes" in told
    assert worlds.violations() == []
    report_count("imports of two machines at once", rounds, 3)


@pytest.mark.root
def test_a_machine_that_sleeps_loses_its_lock_to_who_watched_it_and_stops_when_it_wakes(
    worlds: Worlds, report_count: ReportCount
) -> None:
    desk, cases = worlds.at("desk"), 0
    attic = worlds.elsewhere(COMMAND, *worlds.import_at("attic"))
    wait_until(lambda: len(photos_below(worlds.root)) > 0, attic)
    sleeping = python_in(attic)
    os.kill(sleeping, signal.SIGSTOP)

    said = desk(*worlds.import_at("desk"))
    assert (said.code, "on attic for import" in said.err, "imalink unlock" in said.err) == (11, True, True), said.err
    cases += 1
    said = desk("unlock", NAME, "--yes", "--json")
    assert (said.code, said.json["state"], said.json["holder"]["hostname"]) == (0, "silent", "attic"), said.err
    cases += 1
    said = desk(*worlds.import_at("desk"))
    assert said.code == 4, said.err
    assert "run-interrupted" in {each["code"] for each in said.json["findings"]}
    cases += 1

    before = photos_below(worlds.root)
    os.kill(sleeping, signal.SIGCONT)
    _, told = attic.communicate(timeout=60)
    assert attic.returncode != 0, "it did not notice"
    assert photos_below(worlds.root) == before, told.decode()
    assert worlds.violations() == []
    cases += 1
    report_count("a machine that sleeps at work", cases, 4)


@pytest.mark.root
def test_a_holder_elsewhere_is_believed_while_its_heart_beats_and_no_longer(
    worlds: Worlds, report_count: ReportCount
) -> None:
    desk, cases = worlds.at("desk"), 0
    holders: dict[str, tuple[dict[str, str], bool]] = {
        "another machine": ({}, False),
        "this machine before its reboot": ({"hostname": "", "machine": "", "boot": "older"}, True),
        "a container of this machine": ({"hostname": "", "machine": "", "boot": ""}, False),
    }
    for told, (world, is_proved) in holders.items():
        holder = worlds.elsewhere(HOLDING, worlds.root, **world)
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n", holder.communicate()
        if not is_proved:
            said = desk("unlock", NAME, "--yes")
            assert (said.code, "its heartbeat goes on" in said.err) == (11, True), (told, said.err)
            cases += 1
        end(holder)
        said = desk("reindex", NAME)
        assert said.code == (0 if is_proved else 11), (told, said.err)
        cases += 1
        said = desk("unlock", NAME, "--yes", "--json")
        assert said.json["state"] == ("free" if is_proved else "silent"), told
        assert desk("reindex", NAME).code == 0
        cases += 1
    assert worlds.violations() == []
    report_count("holders elsewhere", cases, 8)
