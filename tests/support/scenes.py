"""A storage with pictures in it, looked at after each thing a user does; and what must hold after every look."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Self, TypeVar

from imalink.core.ids import Hothash
from imalink.core.index import FileStatus
from imalink.durable_files import FileCalls
from imalink.formats.layouts.indexed import INDEXED
from imalink.media.analyser import PictureAnalyser
from imalink.workflows.adopt_folder import adopt_folder
from imalink.workflows.find_file import FoundPicture, find_files
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_report import ReindexReport
from imalink.workflows.reindex_request import ReindexRequest, Strategy
from tests.support.faults import InterposedCalls
from tests.support.photos import make_jpeg
from tests.support.workbench import SMALL, Snapshot, Workbench, make_source, sha256_of, snapshot

T = TypeVar("T")
Place = tuple[str, str, str, str]
"""Hothash, path below the storage (bytes that are no UTF-8 escaped), SHA-256, status."""


@contextmanager
def memory_folder(otherwise: Path) -> Generator[Path]:
    """Give a folder on a disk in memory, where a flush costs nothing; where there is none, ``otherwise``."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield otherwise
        return
    folder = Path(tempfile.mkdtemp(prefix="imalink-test-", dir=memory))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


class BodyWatch(InterposedCalls):
    """Remembers which of the user's files were opened to be read."""

    def __init__(self, inner: FileCalls | None = None) -> None:
        super().__init__(inner)
        self.read_bodies: list[str] = []

    def _around(self, name: str, call: Callable[[], T], *arguments: object) -> T:
        if name == "open_read":
            folder = os.readlink(f"/proc/self/fd/{arguments[0]}")
            if "/photos" in folder and not _is_own(folder, str(arguments[1])):
                self.read_bodies.append(f"{folder}/{arguments[1]}")
        return call()


def _is_own(folder: str, name: str) -> bool:
    """Tell whether a file is one of ours, which stand beside the user's in an adopted folder."""
    return "/.imalink" in folder or "/imalink-sessions" in folder or name.startswith((".imalink", "imalink-"))


class Scene:
    """One storage on one machine. ``photos`` is the user's folder; pictures are known by the names they came with.

    A scene on the files of another goes on with its storage. ``adopts`` is a folder of the user's to adopt instead of
    making a storage.
    """

    def __init__(
        self, folder: Path, empty_catalog: Path, calls: FileCalls | None = None, *, adopts: Path | None = None
    ) -> None:
        self.folder = folder
        self.watch = BodyWatch(calls)
        self.bench = Workbench(folder, empty_catalog=empty_catalog, calls=self.watch)
        known = self.bench.records()
        if adopts is not None and not known:
            adopt_folder(self.bench.tools, folder=adopts, display_name="Own pictures")
            known = self.bench.records()
        self.record = known[0] if known else self.bench.create()
        self.root = self.bench.root(self.record)
        self.photos = self.root if self.record.layout == INDEXED.name else self.root / "photos"
        self.compares_files = True
        self._imports = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.bench.close()

    # making

    def import_(self, source: Path, title: str = "Italy") -> None:
        self.bench.import_(self.record, source, title=title)

    def import_pictures(self, count: int = 3, *, first_seed: int = 1, title: str = "Italy") -> None:
        """Import ``IMG_0001.jpg`` and so on, and look once, so that this machine knows the inodes."""
        self._imports += 1
        self.import_(make_source(self.folder / f"card {self._imports}", count, first_seed=first_seed), title)
        self.look()

    def at(self, name: str) -> Path:
        """Give the path of a file of the user's, its folder made."""
        path = self.photos / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def move(self, old: str, new: str) -> None:
        self.at(old).rename(self.at(new))

    def add(self, name: str, seed: int) -> Path:
        return make_jpeg(self.at(name), seed=seed, size=SMALL)

    # looking

    def look(
        self,
        strategy: Strategy = Strategy.SMART,
        *,
        dry_run: bool = False,
        accepts_losses: bool = False,
        adds_orphans: bool = False,
        removes_missing: bool = False,
    ) -> ReindexReport:
        """Re-index, and see to it that not one of the user's files changed by that."""
        request = ReindexRequest(
            strategy=strategy,
            dry_run=dry_run,
            accepts_losses=accepts_losses,
            adds_orphans=adds_orphans,
            removes_missing=removes_missing,
        )
        before = self.user_files() if self.compares_files else {}
        self.watch.read_bodies.clear()
        report = reindex(self.bench.tools, self.record, request)
        self.record = self.bench.record(self.record.storage_uuid)
        assert not self.compares_files or self.user_files() == before
        return report

    def user_files(self) -> Snapshot:
        """Give everything of the user's as it stands."""
        own = (".imalink", "imalink-")
        return snapshot(self.photos, leaves_out=lambda name: self.photos == self.root and name.startswith(own))

    def look_full(self) -> ReindexReport:
        return self.look(Strategy.FULL)

    def hothash(self, name: str) -> Hothash:
        """Give the hothash of the file that stands there."""
        return hothash_of(self.photos / name)

    def place_of(self, hothash: Hothash) -> str:
        """Give the path below ``photos/`` at which `find` gives the picture; it must open as that very picture."""
        [found] = find_files(self.bench.tools, [hothash])
        assert found.path is not None, f"{hothash[:8]} is not found"
        assert hothash_of(Path(found.path)) == hothash
        return os.fspath(Path(found.path).relative_to(self.photos))

    def find(self, hothash: Hothash) -> FoundPicture:
        [found] = find_files(self.bench.tools, [hothash])
        return found

    def places(self, session: int | None = None) -> set[Place]:
        """List every file the session indexes name."""
        with self.bench.open(self.record) as storage:
            numbers = storage.indexes.list_sessions() if session is None else [session]
            indexes = [storage.indexes.load_session(number).index for number in numbers]
        found: set[Place] = set()
        for index in indexes:
            for entry in index.files.values():
                for file in (entry, *entry.copies):
                    found.add((entry.hothash, file.relative_path.printable(), file.sha256, file.status.value))
        return found

    def companions(self) -> dict[str, list[str]]:
        """Give by the path of each picture its companions' paths, all below ``photos/``."""
        return {
            entry.relative_path.removeprefix("photos/"): [
                each.relative_path.removeprefix("photos/") for each in entry.companions
            ]
            for entry in self.bench.master(self.record).files.values()
        }

    def orphans(self) -> list[str]:
        return [orphan.path.removeprefix("photos/") for orphan in self.bench.master(self.record).orphans]

    # what must hold

    def settle(self, *, damaged: Iterable[str] = ()) -> None:
        """See that a second look finds nothing and reads nothing, and that everything that is kept agrees."""
        again = self.look()
        assert not again.changes_detected
        assert (again.moved_files, again.newly_missing, again.new_files) == ((), (), ())
        assert again.files_hashed == 0
        assert self.watch.read_bodies == []
        self.check(damaged=damaged)

    def check(self, *, damaged: Iterable[str] = ()) -> None:
        """See that session indexes, master, overview, catalog and disk say the same."""
        in_sessions = self.places()
        assert self._places_in_master() == in_sessions
        assert self._places_in_catalog() == in_sessions
        self._check_overview()
        spoilt = {f"photos/{name}" for name in damaged}
        found: dict[str, FoundPicture] = {}
        for hothash, path, sha256, status in in_sessions:
            if status == FileStatus.MISSING.value or path in spoilt or "\\" in path:
                continue
            assert sha256_of(self.root / path) == sha256, path
            picture = found.setdefault(hothash, self.find(Hothash(hothash)))
            assert picture.path is not None
            assert hothash_of(Path(picture.path)) == hothash

    def _places_in_master(self) -> set[Place]:
        return {
            (entry.hothash, place.relative_path.printable(), place.sha256, place.status.value)
            for entry in self.bench.master(self.record).files.values()
            for place in entry.places()
        }

    def _places_in_catalog(self) -> set[Place]:
        found: set[Place] = set()
        for text in self.bench.dump():
            line = json.loads(text)
            if line["kind"] == "location" and line["storage"] == self.record.storage_uuid:
                shown = printable(line["relative_path"]) if line["path_bytes"] is None else line["relative_path"]
                found.add((line["hothash"], shown, line["sha256"], line["status"]))
        return found

    def _check_overview(self) -> None:
        master = self.bench.master(self.record)
        with self.bench.open(self.record) as storage:
            overview = storage.indexes.load_overview().index
            sessions = [storage.indexes.load_session(number).index for number in storage.indexes.list_sessions()]
        assert overview.total_files == master.total_files == self.record.total_files
        assert overview.total_size_bytes == master.total_size_bytes == self.record.total_size_bytes
        assert [
            (each.number, each.session_uuid, each.file_count, each.missing_count) for each in overview.sessions
        ] == [
            (each.session.number, each.session.session_uuid, each.file_count, each.missing_count) for each in sessions
        ]
        assert overview.conflicts_count == len(master.missing()) + len(master.orphans)


def printable(text: str) -> str:
    from imalink.core.relative_path import RelativePath

    return RelativePath(text).printable()


def hothash_of(path: Path) -> Hothash:
    """Give the hothash of a file that stands anywhere."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return PictureAnalyser().fingerprint(descriptor).hothash
    finally:
        os.close(descriptor)


def counts(report: ReindexReport) -> dict[str, int]:
    """Give how many rows of each kind a report has; kinds without any are left out."""
    rows = {
        "moved": report.moved_files,
        "missing": report.missing_files,
        "newly_missing": report.newly_missing,
        "returned": report.returned_files,
        "new": report.new_files,
        "orphans": report.orphans,
        "modified": report.modified_files,
        "damaged": report.damaged_files,
        "duplicates": report.duplicates,
        "removed": report.removed_files,
    }
    return {name: len(found) for name, found in rows.items() if found}


def codes(report: ReindexReport) -> Counter[str]:
    """Give how often each finding was made."""
    return Counter(finding.code for finding in report.findings)


def moves(report: ReindexReport) -> set[tuple[str, str]]:
    """Give old and new path of each move, below ``photos/``."""
    return {
        (move.old_path.removeprefix("photos/"), move.new_path.removeprefix("photos/")) for move in report.moved_files
    }
