"""Back up: the catalog and the indexes of every storage that can be reached, into one new folder, checked."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import imalink
from imalink.catalog import file_storages
from imalink.catalog.catalog import Catalog
from imalink.catalog.copying import copy_catalog
from imalink.catalog.file_storages import StorageRecord
from imalink.catalog.statistics import count_library
from imalink.core.finding import Finding
from imalink.core.progress import Progress, SilentProgress
from imalink.core.relative_path import RelativePath
from imalink.core.timestamps import format_instant
from imalink.errors import NotFoundError, StorageError, UsageError
from imalink.formats.backup_file import (
    BACKUP_NAME,
    CATALOG_NAME,
    CHECKSUMS_NAME,
    STORAGES_FOLDER,
    BackedUpStorage,
    Backup,
    dump_backup,
)
from imalink.storage.outgoing import OutgoingFolder, outgoing_folder, read_chunks
from imalink.storage.own_files import iter_own_files
from imalink.storage.reading import FolderReader
from imalink.storage.root import StorageRoot
from imalink.storage.signature import looks_like_storage
from imalink.workflows.storage_access import open_known
from imalink.workflows.tools import Tools

BACKUP_PREFIX = "imalink-backup-"
"""How the names of backups begin; the time follows, so they sort by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupReport:
    """What was written. ``out_of_reach`` names storages that could not be read: their indexes are not in it."""

    folder: Path
    storages: tuple[BackedUpStorage, ...]
    out_of_reach: tuple[str, ...]
    file_count: int
    size_bytes: int
    findings: tuple[Finding, ...]
    seconds: float


@dataclass(slots=True, kw_only=True)
class _Tally:
    storages: list[BackedUpStorage] = field(default_factory=list[BackedUpStorage])
    out_of_reach: list[str] = field(default_factory=list[str])
    findings: list[Finding] = field(default_factory=list[Finding])


def back_up(
    tools: Tools, target: Path, *, notes: Mapping[str, bytes] | None = None, progress: Progress | None = None
) -> BackupReport:
    """Write a backup into a new folder ``imalink-backup-<UTC>`` in ``target``; every file is flushed and read back.

    Pictures are not in it. ``notes`` are further small files by name, such as this machine's list of storages. The
    folder has its name only when all of it is there. Raises UsageError for a ``target`` inside a storage,
    NotFoundError, StorageError, CancelledError.
    """
    started = time.monotonic()
    progress = progress or SilentProgress()
    require_folder(target)
    refuse_inside_storage(target)
    now = tools.clock.now()
    name = f"{BACKUP_PREFIX}{now:%Y%m%dT%H%M%SZ}"
    tally = _Tally()
    with tools.catalog.read() as db:
        records = file_storages.list_storages(db)
        counts = count_library(db)
    progress.start_phase("back up", total_files=len(records) + 1)
    with outgoing_folder(target, name, token=tools.new_uuid(), calls=tools.calls) as folder:
        _write_catalog(tools, folder, progress)
        progress.advance(files=1, current=CATALOG_NAME)
        for record in records:
            _write_storage(tools, record, folder, tally, progress)
            progress.advance(files=1, current=record.display_name)
        for note, data in sorted((notes or {}).items()):
            folder.write(RelativePath.parse(note), [data])
        document = Backup(
            created_at=format_instant(now),
            imalink_version=imalink.__version__,
            photo_count=counts.photo_count,
            session_count=counts.session_count,
            storages=tally.storages,
        )
        folder.write(RelativePath(BACKUP_NAME), [dump_backup(document)])
        written = list(folder.written)
        folder.write(RelativePath(CHECKSUMS_NAME), [folder.manifest()])
    return BackupReport(
        folder=target.absolute() / name,
        storages=tuple(tally.storages),
        out_of_reach=tuple(tally.out_of_reach),
        file_count=len(written),
        size_bytes=sum(file.size_bytes for file in written),
        findings=tuple(tally.findings),
        seconds=round(time.monotonic() - started, 3),
    )


def require_folder(target: Path) -> None:
    """Make no folder: it could be the place of a disk that is not mounted. Raises NotFoundError."""
    if not target.is_dir():
        raise NotFoundError(
            f"There is no folder {target}. Nothing was written.",
            hint="If its disk is connected, make the folder, then run the same command again.",
        )


def refuse_inside_storage(target: Path) -> None:
    """Refuse a folder in a storage, whose disk is the one to be lost. Raises UsageError."""
    resolved = target.resolve()
    for folder in (resolved, *resolved.parents):
        if looks_like_storage(folder):
            raise UsageError(
                f"{target} lies in the storage at {folder}: a copy there would be lost with its disk. "
                "Nothing was written.",
                hint="Name a folder on another disk.",
            )


def _write_catalog(tools: Tools, folder: OutgoingFolder, progress: Progress) -> None:
    """Write the catalog as a SQLite file, whatever engine it is on; the copy is one moment's state."""
    with tempfile.TemporaryDirectory(prefix="imalink-backup-") as scratch:
        copy = Path(scratch) / CATALOG_NAME
        with Catalog.open(f"sqlite:///{copy}") as target:
            copy_catalog(tools.catalog, target, on_table=lambda _: progress.checkpoint())
        with StorageRoot.open(copy.parent) as root:
            folder.write(RelativePath(CATALOG_NAME), FolderReader(root).iter_content(RelativePath(CATALOG_NAME)))


def _write_storage(
    tools: Tools, record: StorageRecord, folder: OutgoingFolder, tally: _Tally, progress: Progress
) -> None:
    """Write a storage's own files. While another process folds there, its indexes may be of different moments: each is
    whole, and what they are derived from is among them.
    """
    before = len(folder.written)
    try:
        with open_known(tools, record, needs_pictures=False) as storage:
            for path in iter_own_files(storage.files, storage.layout):
                progress.checkpoint()
                below = RelativePath(f"{STORAGES_FOLDER}/{record.storage_uuid}/{path}")
                with suppress(NotFoundError), storage.files.open_for_reading(path) as descriptor:
                    folder.write(below, read_chunks(storage.files, descriptor, path))
    except StorageError as error:
        if len(folder.written) != before:
            raise  # half a storage's indexes is no backup of them
        tally.out_of_reach.append(record.display_name)
        facts = {"storage": record.display_name, "why": error.message}
        tally.findings.append(Finding(code="storage-not-backed-up", path=record.full_path, facts=facts))
        return
    written = folder.written[before:]
    tally.storages.append(
        BackedUpStorage(
            storage_uuid=record.storage_uuid,
            display_name=record.display_name,
            layout=record.layout,
            directory_name=record.directory_name,
            last_seen_at=record.full_path,
            file_count=len(written),
            size_bytes=sum(file.size_bytes for file in written),
        )
    )
