"""Where the server listens: on this machine alone, unless whoever calls has to say who they are."""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Generator
from contextlib import ExitStack, contextmanager

from imalink.errors import UsageError

LOOPBACK_ADDRESSES = ("127.0.0.1", "::1")
_LOOPBACK_NAMES = frozenset({"localhost", "localhost.localdomain"})


def is_loopback(host: str) -> bool:
    """Tell whether ``host`` is this machine and can be reached from no other."""
    if host.lower() in _LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_any_address(host: str) -> bool:
    """Tell whether to listen on ``host`` is to listen on every address of this machine."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_unspecified
    except ValueError:
        return False


def host_without_port(name: str) -> str:
    """Give the host of ``host``, ``host:port``, ``[address]`` or ``[address]:port``."""
    if name.startswith("["):
        return name.partition("]")[0].strip("[]")
    return name.partition(":")[0] if name.count(":") == 1 else name


def check_listening(reached_by: str, *, has_roots: bool) -> None:
    """Refuse to be reached by others as long as they could name any folder of this machine. Raises UsageError.

    ``reached_by`` says by what they can, in words; empty: they cannot.
    """
    if reached_by and not has_roots:
        raise UsageError(
            f"ImaLink does not listen {reached_by}: whoever may log in there could name any folder of this machine, "
            "because storage_roots is not set. Nothing was started.",
            hint="Set storage_roots to the folders your storages are in, or serve this machine alone and reach it from "
            "others by an SSH tunnel.",
        )


def host_names(host: str, port: int, further: tuple[str, ...] = ()) -> frozenset[str]:
    """Give every Host header the server answers to, with port; without it too where that is the customary one."""
    names = ["localhost", "127.0.0.1", "[::1]"]
    if not is_loopback(host):
        names.append(f"[{host.strip('[]')}]" if ":" in host else host.lower())
    found = {f"{name}:{port}" for name in names}
    if port == 80:
        found.update(names)
    for name in further:
        has_port = name.rpartition("]")[2].count(":") == 1
        found |= {name} if has_port else {name, f"{name}:{port}"}
    return frozenset(found)


@contextmanager
def listening_sockets(host: str, port: int) -> Generator[list[socket.socket]]:
    """Hold the sockets to serve on for a block: both loopback addresses for ``localhost``, else the one that is named.

    Raises UsageError when the port is taken or the address is not one of this machine's.
    """
    addresses = LOOPBACK_ADDRESSES if host.lower() in _LOOPBACK_NAMES else (host.strip("[]"),)
    with ExitStack() as stack:
        found: list[socket.socket] = []
        for address in addresses:
            try:
                found.append(stack.enter_context(_bound(address, port)))
            except OSError as error:
                if found and error.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                    continue  # a machine without IPv6
                raise _cannot_listen(address, port, error) from error
        yield found


def _bound(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # Named, for asyncio switches delays off only where the protocol is: an answer of two pieces took 40 ms otherwise.
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        found.bind((address, port))
        found.set_inheritable(True)
    except BaseException:
        found.close()
        raise
    return found


def _cannot_listen(address: str, port: int, error: OSError) -> UsageError:
    if error.errno == errno.EADDRINUSE:
        return UsageError(
            f"Port {port} is taken: another program, perhaps another ImaLink, listens there. Nothing was started.",
            hint=f"End it, or choose another port: imalink serve --port {port + 1 if port < 65535 else port - 1}",
        )
    return UsageError(f"ImaLink cannot listen on {address} port {port}: {error.strerror}.")
