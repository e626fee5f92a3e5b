"""An archive to measure: a machine of its own with one storage, filled once by the product itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Self

from benchmarks.measuring import timed
from benchmarks.photos import make_tiny_photos
from imalink.catalog import scan_snapshots
from imalink.catalog.file_storages import StorageRecord
from imalink.runtime.container import Container
from imalink.runtime.settings import load_settings
from imalink.storage.syscalls import SystemCalls
from imalink.workflows.create_storage import create_storage
from imalink.workflows.import_photos import import_photos
from imalink.workflows.import_report import ImportReport, ImportRequest
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_report import ReindexReport
from imalink.workflows.reindex_request import ReindexRequest, Strategy
from imalink.workflows.tools import Tools


class UnflushedCalls(SystemCalls):
    """The real driver, but that nothing is flushed: what an import would cost that loses pictures in a power cut."""

    def fsync(self, descriptor: int) -> None:
        pass


class CountingCalls(SystemCalls):
    """The real driver, which counts flushes, and opens and reads of each inode."""

    def __init__(self) -> None:
        self.fsyncs = 0
        self.opened: Counter[int] = Counter()
        self.read_from: Counter[int] = Counter()

    def fsync(self, descriptor: int) -> None:
        self.fsyncs += 1
        super().fsync(descriptor)

    def open_read(self, directory: int, name: str) -> int:
        descriptor = super().open_read(directory, name)
        self.opened[self.fstat(descriptor).st_ino] += 1
        return descriptor

    def pread(self, descriptor: int, count: int, offset: int) -> bytes:
        self.read_from[self.fstat(descriptor).st_ino] += 1
        return super().pread(descriptor, count, offset)

    def bodies_below(self, folder: Path) -> int:
        """Give how many of the files below a folder were opened for reading, or read from."""
        inodes = {path.stat().st_ino for path in folder.rglob("*") if path.is_file()}
        return len(inodes & (self.opened.keys() | self.read_from.keys()))


class Archive:
    """One machine and its one storage below ``folder``."""

    def __init__(self, folder: Path, tools: Tools) -> None:
        self.folder = folder
        self.tools = tools
        self.home = folder / "home"
        disk = folder / "disk"
        disk.mkdir(parents=True)
        self.record: StorageRecord = create_storage(tools, base_path=disk, display_name="Bench")

    @property
    def root(self) -> Path:
        return Path(self.record.full_path)

    @property
    def photos(self) -> Path:
        return self.root / "photos"

    def bring_in(self, source: Path, calls: SystemCalls | None = None) -> ImportReport:
        tools = self.tools if calls is None else replace(self.tools, calls=calls)
        return import_photos(tools, self.record, ImportRequest(source=source, title="All"))

    def reindex(self, *, is_full: bool = False, calls: CountingCalls | None = None) -> ReindexReport:
        tools = self.tools if calls is None else replace(self.tools, calls=calls)
        return reindex(tools, self.record, ReindexRequest(strategy=Strategy.FULL if is_full else Strategy.SMART))

    def forget_walk(self) -> None:
        """Drop this machine's snapshot of the last walk, as if it had never walked."""
        with self.tools.catalog.begin() as db:
            scan_snapshots.drop_snapshot(db, self.record.id)


@contextmanager
def open_archive(folder: Path) -> Generator[Archive]:
    """Hold a machine with an empty storage open for a block."""
    with Container(load_settings({"IMALINK_HOME": str(folder / "home")})) as container:
        yield Archive(folder, container.tools())


class FilledArchive:
    """The archive of many tiny photos that most measurements share: made when first asked for. A context manager."""

    def __init__(self, folder: Path, count: int) -> None:
        self.count = count
        self.import_seconds = 0.0
        self.fsyncs = 0
        self._folder = folder
        self._stack = ExitStack()

    @cached_property
    def archive(self) -> Archive:
        source = make_tiny_photos(self._folder / "card", self.count)
        archive = self._stack.enter_context(open_archive(self._folder))
        calls = CountingCalls()
        self.import_seconds = timed(lambda: archive.bring_in(source, calls))
        self.fsyncs = calls.fsyncs
        return archive

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
