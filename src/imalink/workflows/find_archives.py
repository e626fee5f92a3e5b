"""Find the directories of imports that are storages of their own, on everything that is mounted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from imalink.core.relative_path import RelativePath
from imalink.durable_files import FileCalls
from imalink.errors import ImalinkError, StorageError
from imalink.storage.mounts import list_mounts
from imalink.storage.reading import FolderReader
from imalink.storage.root import StorageRoot

_ARCHIVE = re.compile(r".*_import_.*_\w{8}", re.DOTALL)
_GATHERED = RelativePath("import-sessions")
_NO_DISK = frozenset(
    {
        "autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "efivarfs",
        "fusectl", "hugetlbfs", "mqueue", "nsfs", "proc", "pstore", "ramfs", "rpc_pipefs", "securityfs", "selinuxfs",
        "sysfs", "tracefs",
    }
)  # fmt: skip
_MOST_NAMES = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivePlace:
    """A mount point that has such directories, by name."""

    path: Path
    names: tuple[str, ...]


def mount_points() -> list[Path]:
    """Give where disks are mounted, each place once."""
    return sorted({Path(mount.point) for mount in list_mounts() if mount.file_system_type not in _NO_DISK})


def find_archives(places: Iterable[Path], calls: FileCalls) -> list[ArchivePlace]:
    """Give those of ``places`` that have directories of imports, right there or in ``import-sessions``.

    No link is followed; a place that may not be looked into is left out.
    """
    found: list[ArchivePlace] = []
    for place in places:
        try:
            with StorageRoot.open(place, calls=calls) as root:
                names = sorted({*_archives_in(FolderReader(root))})
        except (StorageError, OSError):
            continue
        if names:
            found.append(ArchivePlace(path=place, names=tuple(names)))
    return found


def _archives_in(reader: FolderReader) -> Iterator[str]:
    gathered = reader.find_facts(_GATHERED)
    if gathered is not None and gathered.is_directory:
        yield from (path.name for path in _folders(reader, _GATHERED))
    yield from (path.name for path in _folders(reader, None) if _ARCHIVE.fullmatch(path.name))


def _folders(reader: FolderReader, folder: RelativePath | None) -> Iterator[RelativePath]:
    for name in reader.list_names(folder)[:_MOST_NAMES]:
        path = RelativePath(name if folder is None else f"{folder}/{name}")
        try:
            if reader.get_facts(path).is_directory:
                yield path
        except ImalinkError:
            continue
