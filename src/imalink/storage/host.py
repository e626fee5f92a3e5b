"""Who we are to other machines: host, boot and process, to tell a dead holder of a lock from a living one."""

from __future__ import annotations

import hashlib
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """This process on this machine. Empty text or 0 means that the system does not tell, and nothing is concluded.

    ``host_id`` is a digest, equal only on one installation of one machine: a cloned virtual machine that keeps its
    machine id still has another network card. ``pid_namespace`` keeps containers of one host apart. ``pid_start`` is in
    the kernel's own units. ``find_process_start`` gives a process's start, 0 when unknown, None when there is none.
    """

    host_id: str
    hostname: str
    boot_id: str
    pid_namespace: str
    pid: int
    pid_start: int
    find_process_start: Callable[[int], int | None]


def this_host() -> Host:
    """Describe this process; cheap enough to ask each time, right after a fork too."""
    pid = os.getpid()
    hostname = socket.gethostname()
    return Host(
        host_id=_host_id(hostname),
        hostname=hostname,
        boot_id=_read("/proc/sys/kernel/random/boot_id"),
        pid_namespace=_pid_namespace(),
        pid=pid,
        pid_start=find_process_start(pid) or 0,
        find_process_start=find_process_start,
    )


def find_process_start(pid: int) -> int | None:
    """Give when a process of this machine started, in clock ticks since boot; 0 when unknown, None when it is gone.

    A zombie counts as gone: it will write nothing more.
    """
    if sys.platform == "linux":
        try:
            fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")[2].split()
        except OSError:
            pass  # gone, or hidden from us (hidepid): ask the kernel below
        else:
            return None if fields[0] in (b"Z", b"X") else int(fields[19])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except (PermissionError, OverflowError):
        return 0
    return 0


def _host_id(hostname: str) -> str:
    machine_id = _read("/etc/machine-id") or _read("/var/lib/dbus/machine-id")
    if not machine_id and sys.platform == "linux":
        return ""  # a bare container: its host name alone proves nothing
    cards = ",".join(_built_in_cards())
    return hashlib.sha256(f"imalink\0{machine_id}\0{hostname}\0{cards}".encode("utf-8", "replace")).hexdigest()[:32]


def _built_in_cards() -> list[str]:
    """List the addresses of network cards that are not on USB: those come and go."""
    found: list[str] = []
    try:
        for card in Path("/sys/class/net").iterdir():
            device = os.path.realpath(card / "device")
            if os.path.exists(device) and "/usb" not in device:
                found.append(_read(str(card / "address")))
    except OSError:
        return []
    return sorted(found)


def _pid_namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _read(path: str) -> str:
    try:
        return Path(path).read_text("ascii", "replace").strip()
    except OSError:
        return ""
