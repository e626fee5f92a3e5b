"""A machine whose files can be put back before each crash, on a file system in memory if there is one."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from imalink.catalog.catalog import Catalog
from imalink.core.analyser import Analysis
from imalink.durable_files import FileCalls
from imalink.media.analyser import PictureAnalyser
from tests.support.workbench import SteppingClock, Workbench


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
    """Files that are put back before each attempt; ``attempt`` gives a new process on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "work"
        self._kept = folder / "kept"
        self._empty = folder / "empty.sqlite"
        Catalog.open(f"sqlite:///{self._empty}").close()
        self._analyser = RememberingAnalyser()
        self._catalogs: dict[Path, Catalog] = {}
        self.folder.mkdir()

    def keep(self) -> None:
        """Remember the files as they are now."""
        shutil.copytree(self.folder, self._kept, symlinks=True)

    def keep_again(self) -> None:
        """Remember the files as they are now, in the place of what was kept."""
        shutil.rmtree(self._kept)
        self.keep()

    @contextmanager
    def attempt(self, calls: FileCalls | None = None) -> Generator[Workbench]:
        """Put the files back and give a process on them."""
        self.put_back()
        with self.process(calls) as bench:
            yield bench

    def put_back(self) -> None:
        """Put the files back."""
        shutil.rmtree(self.folder)
        shutil.copytree(self._kept, self.folder, symlinks=True)

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
            bench.tools = replace(bench.tools, analyser=self._analyser, open_scratch_catalog=self._open_scratch)
            yield bench

    def _catalog(self, path: Path) -> Catalog:
        """Give the catalog at ``path``, by the same engine each time: compiling its statements is what takes long."""
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


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield Stage(tmp_path)
        return
    with tempfile.TemporaryDirectory(prefix="imalink-crash-", dir=memory) as folder:
        yield Stage(Path(folder))


@pytest.fixture
def report_count(record_property: Callable[[str, object], None]) -> Callable[[str, int, int], None]:
    """Print how many points a test tried, and fail when they are suspiciously few."""

    def report(what: str, count: int, floor: int) -> None:
        print(f"{what}: {count} points")  # noqa: T201
        record_property(what, count)
        assert count >= floor, f"only {count} points for {what}; there were at least {floor}"

    return report
