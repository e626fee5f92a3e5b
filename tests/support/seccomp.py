"""A kernel that refuses one call, for the process that asks for it: as containers do it, by a seccomp filter."""

from __future__ import annotations

import ctypes
import platform
import struct

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}


def refusing_program(call: int, number: int) -> bytes | None:
    """Give the BPF program that answers ``number`` to the call; None for a machine whose numbers are not known here."""
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        return None
    instructions = (
        (0x20, 0, 0, 4),
        (0x15, 0, 3, _ARCHITECTURES[machine]),
        (0x20, 0, 0, 0),
        (0x15, 0, 1, call),
        (0x06, 0, 0, 0x00050000 | number),
        (0x06, 0, 0, 0x7FFF0000),
    )
    return b"".join(struct.pack("=HBBI", *each) for each in instructions)


def install(program: bytes) -> None:
    """Put this process, and all it starts, behind the filter, for good."""
    library = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(program, len(program))
    header = ctypes.create_string_buffer(struct.pack("@HP", len(program) // 8, ctypes.addressof(buffer)))
    no_new_privileges, set_seccomp, filter_mode = 38, 22, 2
    assert library.prctl(no_new_privileges, 1, 0, 0, 0) == 0
    assert library.prctl(set_seccomp, filter_mode, header, 0, 0) == 0
