"""A machine whose files can be put back before each attempt, on a file system in memory if there is one."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from imalink.catalog.catalog import Catalog
from imalink.core.analyser import Analysis
from imalink.durable_files import FileCalls
from imalink.media.analyser import PictureAnalyser
from tests.support.folder_image import FolderImage
from tests.support.workbench import SteppingClock, Workbench

HOME = "home of machine"


class RememberingAnalyser(PictureAnalyser):
    """The real one, which decodes the same bytes only once: thousands of imports of one source."""

    def __init__(self) -> None:
        super().__init__()
        self._known: dict[tuple[bytes, str], Analysis] = {}

    def analyse(self, descriptor: int, *, filename: str) -> Analysis:
        key = (os.pread(descriptor, 1 << 24, 0), filename)
        if key not in self._known:
            self._known[key] = super().analyse(descriptor, filename=filename)
        return self._known[key]


class Stage:
    """Files that are put back before each attempt; ``attempt`` gives a new process on them.

    One stage serves all tests of a worker, one after the other: what takes long is compiling the catalog's statements,
    and the engine that has them compiled belongs to the path of the database.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "work"
        self._empty = folder / "empty.sqlite"
        Catalog.open(f"sqlite:///{self._empty}").close()
        self._analyser = RememberingAnalyser()
        self._catalogs: dict[Path, Catalog] = {}
        self._kept: FolderImage | None = None
        self._given = self._given_then = 0

    def clear(self) -> None:
        """Begin with an empty folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        self._kept = None

    def keep(self) -> FolderImage:
        """Remember the files as they are now, instead of what was kept before."""
        self._kept = FolderImage.take(self.folder)
        self._given_then = self._given
        return self._kept

    @contextmanager
    def attempt(self, calls: FileCalls | None = None) -> Generator[Workbench]:
        """Put the files back and give a process on them."""
        self.put_back()
        with self.process(calls) as bench:
            yield bench

    def put_back(self) -> None:
        """Put the files back."""
        assert self._kept is not None
        self._kept.put(self.folder)
        self._given = self._given_then

    @contextmanager
    def process(
        self, calls: FileCalls | None = None, *, name: str = "machine", clock: SteppingClock | None = None
    ) -> Generator[Workbench]:
        """Give a process of the machine ``name`` on the files as they are."""
        home = self.folder / f"home of {name}"
        home.mkdir(exist_ok=True)
        if not (home / "catalog.sqlite").exists():
            shutil.copyfile(self._empty, home / "catalog.sqlite")
        catalog = self._catalog(home / "catalog.sqlite")
        clock = clock or SteppingClock()
        with Workbench(self.folder, name=name, calls=calls, clock=clock, catalog=catalog) as bench:
            bench.tools = replace(
                bench.tools,
                analyser=self._analyser,
                open_scratch_catalog=self._open_scratch,
                new_uuid=self._new_uuid,
            )
            yield bench

    def _new_uuid(self) -> str:
        """Give the same ones after each ``put_back``: runs that did the same leave the same files."""
        self._given += 1
        return str(uuid.uuid5(uuid.NAMESPACE_OID, str(self._given)))

    def make_machine_apart(self) -> Workbench:
        """Give a machine that stays, beside the files that are put back; for what no catalog has a part in."""
        folder = self.folder.with_name("apart")
        folder.mkdir(exist_ok=True)
        bench = Workbench(folder, empty_catalog=self._empty, clock=SteppingClock())
        bench.tools = replace(bench.tools, analyser=self._analyser)
        return bench

    def _catalog(self, path: Path) -> Catalog:
        if path not in self._catalogs:
            self._catalogs[path] = Catalog.open(f"sqlite:///{path}")
        return self._catalogs[path]

    @contextmanager
    def _open_scratch(self) -> Generator[Catalog]:
        target = self._empty.with_name("scratch.sqlite")
        shutil.copyfile(self._empty, target)
        with self._catalog(target) as catalog:
            yield catalog
        for path in target.parent.glob("scratch.sqlite*"):
            path.unlink()
