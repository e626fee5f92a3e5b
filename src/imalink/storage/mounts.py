"""The system's table of mounted file systems: what is mounted where, and where a path of a file system shows up."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

_OCTAL = re.compile(r"\\([0-7]{3})")
_MOUNTS = Path("/proc/self/mountinfo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """One line of the table: ``root`` is the folder of the file system that shows at ``point``."""

    mount_id: int
    root: str
    point: str
    file_system_type: str
    source: str

    def path_inside(self, path: str) -> str | None:
        """Give an absolute path below the mount point as the path from the file system's own root; else None."""
        below = _below(path, self.point)
        return None if below is None else _joined(self.root.strip("/"), below)

    def path_of(self, inside: str) -> str | None:
        """Give where a path from the file system's own root shows; None when this mount does not show it."""
        below = _below(f"/{inside}", self.root)
        return None if below is None else f"/{_joined(self.point.strip('/'), below)}"


def parse_mounts(text: str) -> tuple[Mount, ...]:
    """Read the text of /proc/self/mountinfo (proc(5)); lines that make no sense are left out."""
    return tuple(_parse(text))


def _parse(text: str) -> Iterator[Mount]:
    for line in text.splitlines():
        head, _, tail = line.partition(" - ")
        before, after = head.split(" "), tail.split(" ")
        if len(before) >= 5 and len(after) >= 2 and before[0].isdecimal():
            yield Mount(
                mount_id=int(before[0]),
                root=_unescape(before[3]),
                point=_unescape(before[4]),
                file_system_type=_unescape(after[0]),
                source=_unescape(after[1]),
            )


def list_mounts() -> tuple[Mount, ...]:
    """Give what is mounted now; nothing where the system has no such table."""
    try:
        return parse_mounts(_MOUNTS.read_text("utf-8", "surrogateescape"))
    except OSError:
        return ()


def find_mount(descriptor: int) -> Mount | None:
    """Give the mount through which an open file was reached."""
    if sys.platform != "linux":
        return None
    try:
        facts = Path(f"/proc/self/fdinfo/{descriptor}").read_text("ascii")
    except (OSError, ValueError):
        return None
    match = re.search(r"^mnt_id:\s*(\d+)$", facts, re.MULTILINE)
    if match is None:
        return None
    return next((mount for mount in list_mounts() if mount.mount_id == int(match[1])), None)


def _below(path: str, folder: str) -> str | None:
    try:
        below = str(PurePosixPath(path).relative_to(folder))
    except ValueError:
        return None
    return "" if below == "." else below


def _joined(head: str, tail: str) -> str:
    return "/".join(part for part in (head, tail) if part)


def _unescape(field: str) -> str:
    # The bytes of a name stand as octal escapes or as they are; together they are the file system's spelling.
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), field)
