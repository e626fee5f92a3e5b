"""A machine for tests: real catalog, registry and analyser, a clock that steps, folders for disks and sources.

A workbench can be restarted on the same files, as a new process would find them, and several may share a disk.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from imalink.catalog import file_storages
from imalink.catalog.catalog import Catalog
from imalink.catalog.dump import dump
from imalink.catalog.file_storages import StorageRecord
from imalink.core.duplicate import DuplicateAsker, DuplicatePolicy
from imalink.core.ids import StorageUuid, WriterId
from imalink.core.index import MasterIndex, SessionIndex
from imalink.core.organization import KEEP
from imalink.core.path_template import PathTemplate
from imalink.durable_files import FileCalls
from imalink.media.analyser import PictureAnalyser
from imalink.runtime.container import open_scratch_catalog
from imalink.runtime.registry import Registry
from imalink.storage.file_storage import FileStorage
from imalink.storage.fold import FoldResult
from imalink.storage.references import References
from imalink.storage.syscalls import SystemCalls
from imalink.workflows.create_storage import create_storage
from imalink.workflows.import_photos import import_photos
from imalink.workflows.import_report import ImportReport, ImportRequest
from imalink.workflows.storage_access import fold_notes, open_known, project_fold
from imalink.workflows.tools import Tools
from tests.support.photos import make_jpeg

STARTS_AT = datetime(2024, 10, 18, 14, 30, 52, tzinfo=UTC)
SMALL = (64, 48)


class SteppingClock:
    """Goes on by one second at each look."""

    def __init__(self, starts_at: datetime = STARTS_AT) -> None:
        self._now = starts_at

    def now(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now


class Workbench:
    """One machine; ``calls`` is the driver of the writing seam that its workflows use."""

    def __init__(
        self,
        folder: Path,
        *,
        empty_catalog: Path | None = None,
        name: str = "machine",
        calls: FileCalls | None = None,
        clock: SteppingClock | None = None,
        catalog: Catalog | None = None,
    ) -> None:
        self.folder = folder
        self.name = name
        self.home = folder / f"home of {name}"
        self.disk = folder / "disk"
        self.home.mkdir(parents=True, exist_ok=True)
        self.disk.mkdir(exist_ok=True)
        self.database = self.home / "catalog.sqlite"
        if empty_catalog is not None and not self.database.exists():
            shutil.copyfile(empty_catalog, self.database)
        self.clock = clock or SteppingClock()
        self.catalog = catalog or Catalog.open(f"sqlite:///{self.database}")
        self.calls: FileCalls = SystemCalls() if calls is None else calls
        self.tools = Tools(
            catalog=self.catalog,
            analyser=PictureAnalyser(),
            clock=self.clock,
            writer=WriterId(str(uuid.uuid5(uuid.NAMESPACE_OID, name))),
            registry=Registry(self.home / "storage_config.json", clock=self.clock),
            references=References(self.home, clock=self.clock, calls=self.calls),
            new_uuid=lambda: str(uuid.uuid4()),
            open_scratch_catalog=open_scratch_catalog,
            calls=self.calls,
        )

    def restart(self, calls: FileCalls | None = None) -> Workbench:
        """Give a new process on the same files; this one is closed."""
        self.close()
        again = Workbench(self.folder, name=self.name, calls=calls, clock=self.clock)
        again.tools = replace(
            again.tools, analyser=self.tools.analyser, open_scratch_catalog=self.tools.open_scratch_catalog
        )
        return again

    def close(self) -> None:
        self.catalog.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # doing

    def create(self, display_name: str = "Blue Samsung", base_path: Path | None = None) -> StorageRecord:
        return create_storage(self.tools, base_path=base_path or self.disk, display_name=display_name)

    def import_(
        self,
        record: StorageRecord,
        source: Path,
        *,
        title: str = "Italy",
        session: str | None = None,
        description: str = "",
        organization: PathTemplate = KEEP,
        duplicates: DuplicatePolicy = DuplicatePolicy.SKIP,
        includes_deleted: bool = False,
        asker: DuplicateAsker | None = None,
        dry_run: bool = False,
    ) -> ImportReport:
        request = ImportRequest(
            source=source,
            title=title,
            session=session,
            description=description,
            organization=organization,
            duplicates=duplicates,
            includes_deleted=includes_deleted,
            dry_run=dry_run,
        )
        return import_photos(self.tools, record, request, asker=asker)

    def fold(self, record: StorageRecord, check_sessions: tuple[int, ...] = ()) -> FoldResult:
        """Fold as an operation on the storage does, and tell the catalog."""
        with self.open(record) as storage, storage.lock("test"):
            result = storage.fold(fold_notes(storage, record), check_sessions=check_sessions)
        project_fold(self.tools, record, result)
        return result

    # looking

    def open(self, record: StorageRecord) -> FileStorage:
        return open_known(self.tools, record)

    def records(self) -> list[StorageRecord]:
        with self.catalog.read() as db:
            return file_storages.list_storages(db)

    def record(self, storage_uuid: StorageUuid) -> StorageRecord:
        return next(record for record in self.records() if record.storage_uuid == storage_uuid)

    def root(self, record: StorageRecord) -> Path:
        return Path(record.full_path)

    def master(self, record: StorageRecord) -> MasterIndex:
        with self.open(record) as storage:
            return storage.indexes.load_master().index

    def session(self, record: StorageRecord, number: int = 1) -> SessionIndex:
        with self.open(record) as storage:
            return storage.indexes.load_session(number).index

    def dump(self) -> list[str]:
        with self.catalog.read() as db:
            return dump(db)


def make_source(folder: Path, count: int = 3, *, first_seed: int = 1, name: str = "IMG_{:04}.jpg") -> Path:
    """Give a folder of small real photos, one a day from 1 July 2024 on."""
    for number in range(first_seed, first_seed + count):
        taken = f"2024:07:{(number - 1) % 28 + 1:02} 12:00:00"
        make_jpeg(folder / name.format(number), seed=number, size=SMALL, taken=taken)
    return folder


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


Snapshot = dict[str, tuple[object, ...]]


def snapshot(folder: Path, *, leaves_out: Callable[[str], bool] = lambda _: False) -> Snapshot:
    """Give everything below a folder by relative path: kind and permissions; of files also time, size and SHA-256."""
    found: Snapshot = {}
    for path in sorted(folder.rglob("*")):
        name = os.fsencode(path.relative_to(folder)).decode("utf-8", "surrogateescape")
        if leaves_out(name):
            continue
        facts = path.lstat()
        if stat.S_ISREG(facts.st_mode):
            found[name] = (facts.st_mode, facts.st_mtime_ns, facts.st_size, sha256_of(path))
        elif stat.S_ISLNK(facts.st_mode):
            found[name] = (facts.st_mode, str(path.readlink()))
        else:
            found[name] = (facts.st_mode,)
    return found


def photos_below(root: Path) -> dict[str, str]:
    """Give the SHA-256 of every file below ``photos/`` by its path below that."""
    folder = root / "photos"
    return {str(path.relative_to(folder)): sha256_of(path) for path in sorted(folder.rglob("*")) if path.is_file()}
