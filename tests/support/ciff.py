"""Heaps of Canon's CIFF, made for tests."""

from __future__ import annotations

import struct


def heap(values: list[tuple[int, bytes]]) -> bytes:
    """A heap of these values, each with its type and tag; of some types the value stands in the directory itself."""
    data = entries = b""
    for kind, value in values:
        if kind & 0xC000:
            entries += struct.pack("<H", kind) + value
        else:
            entries += struct.pack("<HII", kind, len(value), len(data))
            data += value
    return data + struct.pack("<H", len(values)) + entries + struct.pack("<I", len(data))
