"""Restore: a backup's catalog in place of the live one, and index files that a storage lost put back into it."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from imalink.catalog import outbox
from imalink.catalog.catalog import Catalog
from imalink.catalog.copying import copy_catalog
from imalink.catalog.statistics import LibraryCounts, count_library
from imalink.core.audit import AuditAction
from imalink.core.finding import Finding
from imalink.core.progress import Progress, SilentProgress
from imalink.core.relative_path import RelativePath
from imalink.errors import NotFoundError, StorageError, VerificationError, WrongStateError
from imalink.formats.backup_file import (
    BACKUP_NAME,
    CATALOG_NAME,
    CHECKSUMS_NAME,
    STORAGES_FOLDER,
    BackedUpStorage,
    Backup,
    parse_backup,
)
from imalink.storage.file_storage import FileStorage
from imalink.storage.outgoing import outgoing_folder, read_chunks
from imalink.storage.reading import FolderReader
from imalink.storage.root import StorageRoot
from imalink.workflows.recover import RecoveryReport, recover
from imalink.workflows.recovery_candidates import find_candidates
from imalink.workflows.storage_access import get_storage, open_storage
from imalink.workflows.tools import Tools
from imalink.workflows.write_audit import note

_DOCUMENT_CAP = 1024 * 1024
_CHECKSUMS_CAP = 256 * 1024 * 1024
_INDEX_CAP = 2 * 1024 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedBackup:
    """A backup whose catalog is whole. ``damaged`` are index files in it that are not as they were written."""

    folder: Path
    document: Backup
    paths: tuple[RelativePath, ...]
    damaged: tuple[RelativePath, ...]

    def paths_of(self, storage: BackedUpStorage) -> Iterator[tuple[RelativePath, RelativePath]]:
        """Give the sound files of a storage: where each stands in the backup, and where it belongs."""
        folder = f"{STORAGES_FOLDER}/{storage.storage_uuid}/"
        for path in self.paths:
            if path.startswith(folder) and path not in self.damaged:
                yield path, RelativePath.parse(path.removeprefix(folder))


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreReport:
    """What was done. ``kept_catalog`` names the copy of the catalog of before.

    ``put_back`` are the files that a storage had lost, by its name. ``recovery`` is what the storages that can be
    reached told after that; None when none could.
    """

    before: LibraryCounts
    after: LibraryCounts
    kept_catalog: str | None
    put_back: tuple[tuple[str, RelativePath], ...]
    out_of_reach: tuple[str, ...]
    recovery: RecoveryReport | None
    findings: tuple[Finding, ...]
    seconds: float


@dataclass(slots=True, kw_only=True)
class _Tally:
    put_back: list[tuple[str, RelativePath]] = field(default_factory=list[tuple[str, RelativePath]])
    out_of_reach: list[str] = field(default_factory=list[str])
    findings: list[Finding] = field(default_factory=list[Finding])


def check_backup(tools: Tools, folder: Path, *, progress: Progress | None = None) -> CheckedBackup:
    """Read a backup through against its checksums; nothing is changed.

    Raises NotFoundError for a folder that is not there, or is no backup, VerificationError when its catalog or its
    document is not as it was written, StorageError.
    """
    progress = progress or SilentProgress()
    if not folder.is_dir():
        raise NotFoundError(
            f"There is no folder {folder}. Nothing was changed.",
            hint="Is its disk connected? Name the folder imalink-backup-… that `imalink backup` made.",
        )
    with StorageRoot.open(folder, calls=tools.calls) as root:
        files = FolderReader(root)
        if not (files.exists(RelativePath(BACKUP_NAME)) and files.exists(RelativePath(CHECKSUMS_NAME))):
            raise NotFoundError(
                f"{folder} is no backup: it has no {BACKUP_NAME} and {CHECKSUMS_NAME}. Nothing was changed.",
                hint="Name the folder imalink-backup-… that `imalink backup` made.",
            )
        sums = list(_read_checksums(files))
        progress.start_phase("check the backup", total_files=len(sums))
        damaged: list[RelativePath] = []
        for path, sha256 in sums:
            progress.checkpoint()
            if _sha256_of(files, path) != sha256:
                damaged.append(path)
            progress.advance(files=1, current=path.printable())
        vital = [path for path in damaged if path in (BACKUP_NAME, CATALOG_NAME)]
        if vital:
            raise VerificationError(
                f"{', '.join(vital)} in {folder} is not as it was written. Nothing was changed.",
                hint="Use another backup, or `imalink recover`: the storages' own indexes give everything back.",
            )
        document = parse_backup(files.read_bytes(RelativePath(BACKUP_NAME), _DOCUMENT_CAP), file=BACKUP_NAME)
    return CheckedBackup(
        folder=folder, document=document, paths=tuple(path for path, _ in sums), damaged=tuple(damaged)
    )


def restore_backup(tools: Tools, backup: CheckedBackup, *, progress: Progress | None = None) -> RestoreReport:
    """Put a backup's catalog in place of the live one, put lost index files back, and recover what came since.

    The live catalog is kept beside itself first, and replaced in one transaction. In storages only files that are not
    there are written; nothing is replaced. Raises UsageError while edits wait in the live catalog for a storage, for no
    storage has them; CatalogError, CancelledError.
    """
    started = time.monotonic()
    progress = progress or SilentProgress()
    _refuse_to_lose_edits(tools)
    with tools.catalog.read() as db:
        before = count_library(db)
    kept = tools.catalog.keep_copy(f"before-restore-{tools.clock.now():%Y%m%dT%H%M%SZ}")
    progress.start_phase("restore the catalog", total_files=None)
    _restore_catalog(tools, backup, progress)
    note(tools, AuditAction.BACKUP_RESTORED, str(backup.folder), created_at=backup.document.created_at, kept=kept)
    tally = _Tally()
    for path in backup.damaged:
        tally.findings.append(Finding(code="backup-damaged", path=path.printable()))
    progress.start_phase("put index files back", total_files=len(backup.document.storages))
    for storage in backup.document.storages:
        _put_back(tools, backup, storage, tally, progress)
        progress.advance(files=1, current=storage.display_name)
    recovery = None
    with suppress(NotFoundError):
        candidates, findings = find_candidates(tools, [])
        tally.findings.extend(each for each in findings if each.code != "storage-not-recovered")
        recovery = recover(tools, candidates, progress=progress)
    with tools.catalog.read() as db:
        after = count_library(db)
    return RestoreReport(
        before=before,
        after=after,
        kept_catalog=kept,
        put_back=tuple(tally.put_back),
        out_of_reach=tuple(tally.out_of_reach),
        recovery=recovery,
        findings=tuple(tally.findings),
        seconds=round(time.monotonic() - started, 3),
    )


def _refuse_to_lose_edits(tools: Tools) -> None:
    with tools.catalog.read() as db:
        waiting = sum(outbox.count_waiting(db).values())
    if waiting:
        raise WrongStateError(
            f"{waiting} edits in the live catalog wait for storages that are away; a restore would leave them out. "
            "Nothing was changed.",
            hint="Plug the storages in and run `imalink reindex`; `imalink health` names them.",
        )


def _restore_catalog(tools: Tools, backup: CheckedBackup, progress: Progress) -> None:
    """Copy the backup's catalog to a place where it may be migrated, and from there into the live one."""
    with tempfile.TemporaryDirectory(prefix="imalink-restore-") as scratch:
        name = RelativePath(CATALOG_NAME)
        with (
            StorageRoot.open(backup.folder, calls=tools.calls) as root,
            outgoing_folder(Path(scratch), "backup", token="copy") as copy,
        ):
            files = FolderReader(root)
            with files.open_for_reading(name) as descriptor:
                copy.write(name, read_chunks(files, descriptor, name))
        with Catalog.open(f"sqlite:///{Path(scratch) / 'backup' / CATALOG_NAME}") as source:
            source.verify()
            copy_catalog(source, tools.catalog, on_table=lambda _: progress.checkpoint())


def _put_back(tools: Tools, backup: CheckedBackup, storage: BackedUpStorage, tally: _Tally, progress: Progress) -> None:
    """Write those of a storage's own files that are not there any more."""
    try:
        record = get_storage(tools, storage.storage_uuid)
        with (
            open_storage(tools, record, needs_pictures=False) as there,
            StorageRoot.open(backup.folder, calls=tools.calls) as root,
        ):
            lost = [each for each in backup.paths_of(storage) if not there.files.exists(each[1])]
            if lost:
                with there.lock("restore"):
                    for kept, path in lost:
                        progress.checkpoint()
                        _write_back(there, path, FolderReader(root).read_bytes(kept, _INDEX_CAP))
                        tally.put_back.append((storage.display_name, path))
    except (NotFoundError, StorageError) as error:
        tally.out_of_reach.append(storage.display_name)
        facts = {"storage": storage.display_name, "why": error.message}
        tally.findings.append(Finding(code="storage-not-restored", path=storage.last_seen_at, facts=facts))


def _write_back(storage: FileStorage, path: RelativePath, data: bytes) -> None:
    if path.parent is not None:
        storage.files.make_directories(path.parent)
    storage.files.replace(path, data)


def _read_checksums(files: FolderReader) -> Iterator[tuple[RelativePath, str]]:
    for line in files.read_bytes(RelativePath(CHECKSUMS_NAME), _CHECKSUMS_CAP).decode("utf-8", "replace").splitlines():
        sha256, separator, path = line.partition("  ")
        if not separator or len(sha256) != 64:
            raise VerificationError(
                f"{CHECKSUMS_NAME} cannot be read. Nothing was changed.", hint="Use another backup."
            )
        yield RelativePath.parse(path), sha256


def _sha256_of(files: FolderReader, path: RelativePath) -> str | None:
    digest = hashlib.sha256()
    try:
        for chunk in files.iter_content(path):
            digest.update(chunk)
    except NotFoundError:
        return None
    return digest.hexdigest()
