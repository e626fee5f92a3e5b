"""Keep a few backups in one folder: write a new one, then remove what newer ones replace."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from imalink.catalog import file_storages
from imalink.core.ids import StorageUuid
from imalink.core.progress import Progress, SilentProgress
from imalink.errors import ImalinkError
from imalink.formats.backup_file import BACKUP_NAME, parse_backup
from imalink.storage.outgoing import remove_outgoing
from imalink.workflows.back_up import BACKUP_PREFIX, BackupReport, back_up
from imalink.workflows.tools import Tools

KEPT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptBackup:
    """A backup that stands in the folder, and the storages whose indexes it holds. None: it cannot be read."""

    name: str
    storages: frozenset[StorageUuid] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptReport:
    """The backup that was written, and the names of those that were removed."""

    written: BackupReport
    removed: tuple[str, ...]


def keep_backup(
    tools: Tools, folder: Path, *, notes: Mapping[str, bytes] | None = None, progress: Progress | None = None
) -> KeptReport:
    """Write a backup into ``folder``, as ``back_up``; then remove those that are not worth keeping.

    Nothing is removed before the new one is whole. Raises as ``back_up``.
    """
    progress = progress or SilentProgress()
    written = back_up(tools, folder, notes=notes, progress=progress)
    with tools.catalog.read() as db:
        known = {record.storage_uuid for record in file_storages.list_storages(db)}
    removed = superfluous(list_kept(folder), known)
    for name in removed:
        progress.checkpoint()
        remove_outgoing(folder, name, token=tools.new_uuid(), calls=tools.calls)
    return KeptReport(written=written, removed=tuple(removed))


def list_kept(folder: Path) -> list[KeptBackup]:
    """Give the backups in a folder, the newest first."""
    names = sorted((path.name for path in folder.glob(f"{BACKUP_PREFIX}*") if path.is_dir()), reverse=True)
    return [KeptBackup(name=name, storages=_storages_in(folder / name)) for name in names]


def superfluous(kept: Sequence[KeptBackup], known: Collection[StorageUuid]) -> list[str]:
    """Name the backups to remove, of those given the newest first.

    The newest three stay, and for every known storage the newest that has its indexes: a disk that is away for a year
    is in no later one. One that cannot be read stays, for a human to look at.
    """
    missing = set(known)
    names: list[str] = []
    whole = 0
    for backup in kept:
        if backup.storages is None:
            continue
        if whole >= KEPT and not backup.storages & missing:
            names.append(backup.name)
        missing -= backup.storages
        whole += 1
    return names


def _storages_in(backup: Path) -> frozenset[StorageUuid] | None:
    try:
        document = parse_backup((backup / BACKUP_NAME).read_bytes(), file=BACKUP_NAME)
    except (OSError, ImalinkError):
        return None
    return frozenset(StorageUuid(each.storage_uuid) for each in document.storages)
