"""What a decode worker gives up before it sees its first file: memory, files, the network, and the power to change.

A decoder with a hole can then be made to read what the worker could read and to answer nonsense, little else. What a
platform does not offer is left out; the deadline that the parent keeps holds everywhere.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import struct
import sys
from typing import Final

from imalink.runtime.worker_messages import Limits

_OPEN_FILES: Final = 64
_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
_SECCOMP: Final = {"x86_64": 317, "aarch64": 277}
_SECCOMP_SET_MODE_FILTER: Final = 1
_SECCOMP_FILTER_FLAG_SPEC_ALLOW: Final = 4

_ARCHITECTURES: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_REFUSED_CALLS: Final = {
    # socket, connect, accept, bind, listen, accept4 · fork, vfork, execve, execveat · kill, ptrace, process_vm_* ·
    # creat, rename*, mkdir*, rmdir, link*, unlink*, symlink*, mknod*, *truncate, *chmod*, *chown*, fallocate,
    # pwrite*, *setxattr, *removexattr, utime* · mount, unshare, setns, add_key, request_key, keyctl, perf_event_open,
    # bpf, userfaultfd, io_uring_*, openat2, pidfd_getfd · tkill, rt_sigqueueinfo, rt_tgsigqueueinfo, pidfd_open,
    # pidfd_send_signal
    "x86_64": (
        *(41, 42, 43, 49, 50, 288, 57, 58, 59, 322, 62, 101, 310, 311, 85, 82, 264, 316, 83, 258, 84, 86, 265, 87),
        *(263, 88, 266, 133, 259, 76, 77, 90, 91, 268, 452, 92, 93, 94, 260, 165, 272, 308, 248, 249, 250, 298, 321),
        *(323, 425, 426, 427, 437, 438, 285, 18, 296, 328, 188, 189, 190, 197, 198, 199, 132, 235, 261, 280),
        *(200, 129, 297, 434, 424),
    ),
    "aarch64": (
        *(198, 203, 202, 200, 201, 242, 221, 281, 129, 117, 270, 271, 38, 276, 34, 37, 35, 36, 33, 45, 46, 52, 53),
        *(452, 55, 54, 40, 97, 268, 217, 218, 219, 241, 280, 282, 425, 426, 427, 437, 438, 47, 68, 70, 287, 5, 6, 7),
        *(14, 15, 16, 88),
        *(130, 138, 240, 434, 424),
    ),
}
_OWNER_REQUESTS: Final = (0x8901, 0x8902)
"""``FIOSETOWN`` and ``SIOCSPGRP``."""

_OPENING_CALLS: Final = {"x86_64": ((2, 1), (257, 2)), "aarch64": ((56, 2),)}
"""The number of ``open`` and ``openat``, and which argument holds the flags."""

_OWN_CALLS: Final = {"x86_64": (234, 302), "aarch64": (131, 261)}
"""``tgkill`` and ``prlimit64``: their first argument is a process, and only this one is let through.

``abort`` and ``raise`` are ``tgkill``; ``setrlimit`` is ``prlimit64`` of process 0, which is whoever calls.
"""

_OWNER_COMMANDS: Final = {
    "x86_64": ((72, (8, 15)), (16, _OWNER_REQUESTS)),
    "aarch64": ((25, (8, 15)), (29, _OWNER_REQUESTS)),
}
"""``fcntl`` and ``ioctl`` with what their second argument may not be: it names a process to get a file's signals."""

_WRITING_FLAGS: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_FOREIGN_CALLS: Final = 0x40000000
"""From here on the numbers are those of x32, another set of calls on the same machine."""


def contain(limits: Limits) -> None:
    """Give up what decoding does not need, for this process and for good."""
    limit_resource(resource.RLIMIT_CORE, 0)
    limit_resource(resource.RLIMIT_FSIZE, 0)
    limit_resource(resource.RLIMIT_NOFILE, _OPEN_FILES)
    limit_resource(resource.RLIMIT_AS, limits.address_space_bytes)
    os.nice(limits.niceness)
    if sys.platform == "linux":
        _refuse_calls()


def limit_resource(which: int, most: int) -> None:
    """Lower a limit, softly and hard, as far as the platform lets us."""
    try:
        hard = resource.getrlimit(which)[1]
        wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(which, (wanted, wanted))
    except (OSError, ValueError):
        pass  # macOS knows some of them only by name


def allow_cpu_seconds(seconds: int) -> None:
    """Let this process use ``seconds`` of processor time from now on; SIGXCPU ends it then."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    wanted = int(usage.ru_utime + usage.ru_stime) + 1 + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def _refuse_calls() -> None:
    """Have the kernel refuse calls that decoding never makes (seccomp); silently not, where there is no seccomp."""
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        return
    program = _filter_program(machine)
    library = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: the number of instructions, then where they are.
    header = ctypes.create_string_buffer(struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer)))
    library.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    # Without the flag older kernels also slow the processor's memory reads down, by a third of all decoding. That is
    # against programs that spy on their own process; a picture is none.
    flags = ctypes.c_ulong(_SECCOMP_FILTER_FLAG_SPEC_ALLOW)
    library.syscall(ctypes.c_long(_SECCOMP[machine]), ctypes.c_ulong(_SECCOMP_SET_MODE_FILTER), flags, header)


def _filter_program(machine: str) -> bytes:
    """Give the BPF program: refused calls give EPERM, so does opening for writing; everything else is let through."""
    load, equal, at_least, masked, give = 0x20, 0x15, 0x35, 0x45, 0x06
    refused = 0x00050000 | errno.EPERM
    allowed = 0x7FFF0000
    program = [
        _instruction(load, 0, 0, 4),
        _instruction(equal, 1, 0, _ARCHITECTURES[machine]),
        _instruction(give, 0, 0, refused),
        _instruction(load, 0, 0, 0),
        _instruction(at_least, 0, 1, _FOREIGN_CALLS),
        _instruction(give, 0, 0, refused),
    ]
    for number in _REFUSED_CALLS[machine]:
        program += [_instruction(equal, 0, 1, number), _instruction(give, 0, 0, refused)]
    for number, argument in _OPENING_CALLS[machine]:
        program += [
            _instruction(equal, 0, 4, number),
            _instruction(load, 0, 0, 16 + 8 * argument),
            _instruction(masked, 0, 1, _WRITING_FLAGS),
            _instruction(give, 0, 0, refused),
            _instruction(give, 0, 0, allowed),
        ]
    for number, process in zip(_OWN_CALLS[machine], (os.getpid(), 0), strict=True):
        program += [
            _instruction(equal, 0, 4, number),
            _instruction(load, 0, 0, 16),
            _instruction(equal, 1, 0, process),
            _instruction(give, 0, 0, refused),
            _instruction(give, 0, 0, allowed),
        ]
    for number, commands in _OWNER_COMMANDS[machine]:
        program += [_instruction(equal, 0, 2 + 2 * len(commands), number), _instruction(load, 0, 0, 24)]
        for command in commands:
            program += [_instruction(equal, 0, 1, command), _instruction(give, 0, 0, refused)]
        program.append(_instruction(give, 0, 0, allowed))
    program.append(_instruction(give, 0, 0, allowed))
    return b"".join(program)


def _instruction(code: int, if_true: int, if_false: int, value: int) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
