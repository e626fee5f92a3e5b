"""Measure this machine and one of its disks: what an import, a re-index and a look-up cost here, in seconds."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from imalink.catalog import file_storages, locations, projection
from imalink.core.ids import FILE_METHOD, Hothash, SessionUuid, Sha256, StorageUuid, photo_uuid_of
from imalink.core.index import FileEntry, MasterIndex, SessionIndex, merge_master_entry
from imalink.core.picture import PictureFacts
from imalink.core.progress import Progress, SilentProgress
from imalink.core.relative_path import RelativePath
from imalink.core.session import ImportSession
from imalink.core.timestamps import format_instant
from imalink.errors import SourceError, UsageError
from imalink.formats.layouts.indexed import INDEXED
from imalink.media.kinds import is_picture_name
from imalink.media.sample_pictures import make_sample_pictures
from imalink.storage.fs import OWN_FOLDER, StorageFiles
from imalink.storage.indexes import IndexFiles
from imalink.storage.reading import FolderReader
from imalink.storage.scanner import scan_source
from imalink.storage.scratch import fill_scratch, scratch_folder
from imalink.storage.volumes import describe_volume
from imalink.workflows.import_source import open_source
from imalink.workflows.tools import Tools

WALKED_FILES = 2_000
INDEXED_FILES = 10_000
LOOKED_UP = 200
MAX_PHOTO_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredStep:
    """What one kind of work took. ``size_bytes`` is 0 where bytes are not what it is about."""

    name: str
    file_count: int
    size_bytes: int
    seconds: float

    @property
    def ms_per_file(self) -> float:
        """Milliseconds for one file."""
        return 1000 * self.seconds / self.file_count

    @property
    def files_per_second(self) -> float:
        """Files in a second."""
        return self.file_count / max(self.seconds, 1e-9)


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineReport:
    """The figures, in the order in which they were taken, and what they were taken on."""

    folder: Path
    file_system_type: str
    is_network: bool
    threads: int
    steps: tuple[MeasuredStep, ...]
    seconds: float


def measure_machine(
    tools: Tools, *, folder: Path, photos: Path | None = None, count: int = 12, progress: Progress | None = None
) -> MachineReport:
    """Measure writing, reading, hashing, previews, walking, index loading and look-ups, once each.

    Writes into a folder of its own in ``folder``, which must be there, and removes it. ``photos`` are read once and
    ``count`` of its pictures, up to 64 MB each, are worked on; without it, generated ones of 12 megapixels. Figures of
    a busy machine, or of a disk whose cache holds all, say little. Raises UsageError, StorageError, CancelledError.
    """
    started = time.monotonic()
    progress = progress or SilentProgress()
    progress.start_phase("prepare")
    pictures = make_sample_pictures(count) if photos is None else _load(tools, photos, count)
    with scratch_folder(folder.absolute(), token=tools.new_uuid()[:8], calls=tools.calls) as files:
        volume = describe_volume(files.root)
        work = _Measurement(tools, files, pictures, progress)
        steps = tuple(work.run())
    return MachineReport(
        folder=folder.absolute(),
        file_system_type=volume.file_system_type,
        is_network=volume.is_network,
        threads=tools.threads,
        steps=steps,
        seconds=round(time.monotonic() - started, 3),
    )


def _load(tools: Tools, folder: Path, count: int) -> list[bytes]:
    """Read the first pictures of a folder."""
    with open_source(folder, tools) as source:
        found = scan_source(source).files
        wanted = [
            path
            for path in sorted(found)
            if is_picture_name(path.name) and 0 < found[path].size_bytes <= MAX_PHOTO_BYTES
        ]
        reader = FolderReader(source)
        try:
            pictures = [reader.read_bytes(path, MAX_PHOTO_BYTES) for path in wanted[:count]]
        except OSError as error:
            raise SourceError(f"A picture in {folder} cannot be read: {error.strerror}.") from error
    if not pictures:
        raise UsageError(
            f"There is no picture in {folder} to measure with.", hint="Leave --photos out, or name another."
        )
    return pictures


class _Measurement:
    def __init__(self, tools: Tools, files: StorageFiles, pictures: Sequence[bytes], progress: Progress) -> None:
        self._tools = tools
        self._files = files
        self._pictures = pictures
        self._progress = progress
        self._paths = [RelativePath(f"{OWN_FOLDER}/pictures/{number}.jpg") for number in range(len(pictures))]
        self._bytes = sum(map(len, pictures))

    def run(self) -> Iterator[MeasuredStep]:
        """Take one figure after the other; pictures are read from the disk as far as the system lets go of them."""
        count, size = len(self._pictures), self._bytes
        yield self._step("write and flush", count, size, self._write)
        yield self._step("read", count, size, lambda: self._each(self._read, threads=1))
        yield self._step("hash", count, size, lambda: self._each(self._hash, threads=1))
        if self._tools.threads > 1:
            yield self._step(
                f"hash, {self._tools.threads} at a time",
                count,
                size,
                lambda: self._each(self._hash, threads=self._tools.threads),
            )
        self._each(self._analyse, threads=1, only=1)  # the decode workers come up once
        yield self._step("preview and facts", count, size, lambda: self._each(self._analyse, self._tools.threads))
        self._fill_folders()
        yield self._step("walk", WALKED_FILES, 0, self._walk)
        entries = list(_entries(INDEXED_FILES))
        indexes = IndexFiles(self._files, INDEXED, clock=self._tools.clock)
        master = self._master(entries)
        yield self._step("write an index", INDEXED_FILES, 0, lambda: indexes.save_master(master))
        yield self._step("load an index", INDEXED_FILES, 0, indexes.load_master)
        with self._filled_catalog(entries) as look_up:
            known = [entry.hothash for entry in entries[:: INDEXED_FILES // LOOKED_UP]]
            unknown = [_hothash(f"no {number}") for number in range(LOOKED_UP)]
            yield self._step("look-up, known", len(known), 0, lambda: look_up(known))
            yield self._step("look-up, unknown", len(unknown), 0, lambda: look_up(unknown))

    def _step(self, name: str, count: int, size_bytes: int, work: Callable[[], object]) -> MeasuredStep:
        self._progress.checkpoint()
        self._progress.start_phase(name)
        started = time.perf_counter()
        work()
        return MeasuredStep(name=name, file_count=count, size_bytes=size_bytes, seconds=time.perf_counter() - started)

    def _write(self) -> None:
        self._files.make_directories(RelativePath(f"{OWN_FOLDER}/pictures"))
        for path, data in zip(self._paths, self._pictures, strict=True):
            self._progress.checkpoint()
            with self._files.stage_new(path) as staged:
                staged.write(data)
                staged.sync()
                staged.drop_cache()
        self._files.sync_directory(RelativePath(f"{OWN_FOLDER}/pictures"))

    def _each(self, work: Callable[[RelativePath], None], threads: int, only: int | None = None) -> None:
        paths = self._paths[:only]
        if threads == 1:
            for path in paths:
                self._progress.checkpoint()
                work(path)
            return
        with ThreadPoolExecutor(threads) as pool:
            for _ in pool.map(work, paths):
                self._progress.checkpoint()

    def _read(self, path: RelativePath) -> None:
        for _ in self._files.iter_content(path):
            pass

    def _hash(self, path: RelativePath) -> None:
        with self._files.open_for_reading(path) as descriptor:
            self._tools.analyser.fingerprint(descriptor)

    def _analyse(self, path: RelativePath) -> None:
        with self._files.open_for_reading(path) as descriptor:
            self._tools.analyser.analyse(descriptor, filename=path.name)

    def _fill_folders(self) -> None:
        """Make small files in some folders, in a part of the scratch folder that a walk sees."""
        self._progress.start_phase("prepare")
        for folder in range(20):
            self._progress.checkpoint()
            fill_scratch(self._files, RelativePath(f"walked/{folder}"), WALKED_FILES // 20)

    def _walk(self) -> None:
        found = scan_source(self._files.root, checkpoint=lambda _: self._progress.checkpoint())
        assert len(found.files) == WALKED_FILES

    def _session(self) -> ImportSession:
        return ImportSession(
            number=1,
            session_uuid=SessionUuid(self._tools.new_uuid()),
            title="Measurement",
            imported_at=format_instant(self._tools.clock.now()),
        )

    def _master(self, entries: Sequence[FileEntry]) -> MasterIndex:
        session = self._session()
        at = session.imported_at
        return MasterIndex(
            storage_uuid=StorageUuid(self._tools.new_uuid()),
            files={entry.hothash: merge_master_entry([(session, entry)], indexed_at=at) for entry in entries},
            indexed_at=at,
            generation=1,
        )

    @contextmanager
    def _filled_catalog(self, entries: Sequence[FileEntry]) -> Generator[Callable[[Sequence[Hothash]], None]]:
        """Give look-ups in a catalog of its own that holds the entries."""
        self._progress.start_phase("prepare")
        session = self._session()
        with self._tools.open_scratch_catalog() as catalog:
            with catalog.begin(changes_photos=True) as db:
                record = file_storages.add_storage(
                    db,
                    storage_uuid=StorageUuid(self._tools.new_uuid()),
                    directory_name="measured",
                    base_path="/",
                    display_name="Measurement",
                    created_at=session.imported_at,
                )
                index = SessionIndex(
                    session=session,
                    storage_uuid=record.storage_uuid,
                    storage_directory=record.directory_name,
                    files={entry.hothash: entry for entry in entries},
                    photos={},
                )
                projection.project_session(db, storage=record, index=index)

            def look_up(hothashes: Sequence[Hothash]) -> None:
                for hothash in hothashes:
                    with catalog.read() as db:
                        locations.find_by_hothash(db, [hothash])

            yield look_up


def _hothash(text: str) -> Hothash:
    return Hothash(hashlib.sha256(text.encode()).hexdigest())


def _entries(count: int) -> Iterator[FileEntry]:
    """Give entries of files that are nowhere."""
    for number in range(count):
        hothash = _hothash(str(number))
        path = RelativePath(f"roll {number // 500:03}/IMG_{number:06}.jpg")
        yield FileEntry(
            hothash=hothash,
            method=FILE_METHOD,
            relative_path=path,
            size_bytes=4_000_000 + number,
            sha256=Sha256(hothash),
            modified_ns=1_700_000_000_000_000_000 + number,
            imported_at="2024-10-18T14:30:52Z",
            original_filename=path.name,
            original_path=path.name,
            photo_uuid=photo_uuid_of(hothash, FILE_METHOD),
            facts=PictureFacts(file_format="JPEG"),
        )
