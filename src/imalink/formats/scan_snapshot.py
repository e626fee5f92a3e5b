"""A walk kept in the catalog so that the next one need only be compared: this machine's cache, never a truth."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from imalink.core.relative_path import RelativePath
from imalink.core.scan import ScannedFile

VERSION = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanSnapshot:
    """What the last walk saw: (size, mtime, inode) by path, and the same of the index files as they were left.

    ``runs`` are the commits there were. ``report`` is the caller's own JSON of what was wrong then.
    """

    files: Mapping[str, tuple[int, int, int]]
    indexes: Mapping[str, tuple[int, int, int]]
    runs: tuple[str, ...]
    report: bytes


class _Wire(msgspec.Struct, array_like=True, gc=False):
    version: int
    files: dict[bytes, tuple[int, int, int]]
    indexes: dict[str, tuple[int, int, int]]
    runs: list[str]
    report: bytes


def file_facts(files: Iterable[ScannedFile]) -> dict[str, tuple[int, int, int]]:
    """Give what a snapshot keeps of each scanned file."""
    return {file.relative_path: (file.size_bytes, file.modified_ns, file.inode) for file in files}


def is_as_seen(snapshot: ScanSnapshot, files: Mapping[RelativePath, ScannedFile]) -> bool:
    """Tell whether a walk saw exactly what the snapshot keeps.

    The same as comparing with ``file_facts``, without making thousands of lasting tuples that wake the collector.
    """
    known = snapshot.files
    return len(files) == len(known) and all(known.get(path) == file[1:4] for path, file in files.items())


def dump_snapshot(snapshot: ScanSnapshot) -> bytes:
    """Write a snapshot."""
    wire = _Wire(
        version=VERSION,
        files={path.encode("utf-8", "surrogateescape"): facts for path, facts in snapshot.files.items()},
        indexes={str(path): facts for path, facts in snapshot.indexes.items()},
        runs=list(snapshot.runs),
        report=snapshot.report,
    )
    return msgspec.msgpack.encode(wire)


def parse_snapshot(data: bytes) -> ScanSnapshot | None:
    """Read a snapshot; None when it is of another version or unreadable, for it is only a cache."""
    try:
        wire = msgspec.msgpack.decode(data, type=_Wire)
    except msgspec.DecodeError:
        return None
    if wire.version != VERSION:
        return None
    return ScanSnapshot(
        files={path.decode("utf-8", "surrogateescape"): facts for path, facts in wire.files.items()},
        indexes=wire.indexes,
        runs=tuple(wire.runs),
        report=wire.report,
    )


def inodes_of(snapshot: ScanSnapshot) -> dict[RelativePath, int]:
    """Give the inode each file had."""
    return {RelativePath(path): facts[2] for path, facts in snapshot.files.items()}
