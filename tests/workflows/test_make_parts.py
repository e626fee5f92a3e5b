"""Parts are the same whichever process makes them, and what becomes of such a process is told."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from imalink.catalog.parts import Part
from imalink.core.progress import SilentProgress
from imalink.errors import CancelledError, CatalogError, StorageError
from imalink.storage.file_storage import FileStorage
from imalink.storage.syscalls import SystemCalls
from imalink.workflows import make_parts as module
from imalink.workflows.make_parts import MadeParts, make_parts
from tests.support.scenes import Scene
from tests.support.workbench import make_source


@pytest.fixture
def scene(tmp_path: Path, empty_catalog: Path) -> Iterator[Scene]:
    with Scene(tmp_path, empty_catalog) as made:
        for number in range(3):
            made.import_(make_source(tmp_path / f"card {number}", 2, first_seed=10 * number), f"Roll {number}")
        yield made


@pytest.fixture
def many_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Find every index worth a process, on a machine of three processors."""
    monkeypatch.setattr(module, "WORTH_A_PROCESS_BYTES", 1)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)


def made(scene: Scene, folder: Path, progress: SilentProgress | None = None) -> MadeParts:
    folder.mkdir()
    with FileStorage.open(scene.root, clock=scene.bench.tools.clock, calls=SystemCalls()) as storage:
        return make_parts(
            storage,
            scene.root,
            storage.indexes.list_sessions(),
            storage_id=1,
            is_home=False,
            is_trusted=True,
            folder=folder,
            progress=progress or SilentProgress(),
        )


def contents(parts: MadeParts) -> list[tuple[object, ...]]:
    with ExitStack() as stack:
        opened = [stack.enter_context(Part(path)) for path in parts.paths]
        return sorted(
            (each.number, each.head.session.title, each.file_count, *(str(file) for file in part.files(each)))
            for part in opened
            for each in part.sessions()
        )


@pytest.mark.usefixtures("many_processes")
def test_several_processes_make_what_one_makes(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    several = made(scene, tmp_path / "several")
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    one = made(scene, tmp_path / "one")
    assert (len(several.paths), len(one.paths)) == (3, 1)
    assert contents(several) == contents(one)
    assert [each[2] for each in contents(one)] == [2, 2, 2]


@pytest.mark.usefixtures("many_processes")
def test_an_index_that_cannot_be_read_is_named_by_the_process_that_met_it(scene: Scene, tmp_path: Path) -> None:
    (scene.root / "imports" / "session_2.json").write_text("{")
    parts = made(scene, tmp_path / "parts")
    assert [each.number for each in parts.unread] == [2]
    assert [each[0] for each in contents(parts)] == [1, 3]


def children() -> set[int]:
    """Give the processes that this thread has started; others of the test run may be among them."""
    return set(map(int, Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()))


class _KillsThem(SilentProgress):
    """Kills the processes that were started since."""

    def __init__(self) -> None:
        self._others = children()

    def checkpoint(self) -> None:
        for child in children() - self._others:
            os.kill(child, signal.SIGKILL)


class _Stops(SilentProgress):
    """Is stopped by the user at once."""

    def checkpoint(self) -> None:
        raise CancelledError("Stopped at a safe point.")


class _Counts(SilentProgress):
    """Counts what it is told is done."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int | None]] = []
        self.done = 0

    def start_phase(self, name: str, *, total_files: int | None = None, total_bytes: int | None = None) -> None:
        self.told.append((name, total_files))

    def advance(self, *, files: int = 0, size_bytes: int = 0, current: str = "", phase: str = "") -> None:
        self.done += files


@pytest.mark.parametrize("processors", [1, 3])
@pytest.mark.usefixtures("many_processes")
def test_each_session_that_is_read_is_told(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processors: int
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    (scene.root / "imports" / "session_2.json").write_text("{")
    counts = _Counts()
    made(scene, tmp_path / "parts", counts)
    assert (counts.told, counts.done) == ([(module.READ_PHASE, 3)], 3)


@pytest.mark.usefixtures("many_processes")
def test_a_process_that_dies_is_told_and_not_passed_over(scene: Scene, tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="The catalog was not changed"):
        made(scene, tmp_path / "parts", _KillsThem())


@pytest.mark.usefixtures("many_processes")
def test_no_process_is_left_when_the_user_stops_it(scene: Scene, tmp_path: Path) -> None:
    before = children()
    with pytest.raises(CancelledError):
        made(scene, tmp_path / "parts", _Stops())
    assert children() == before


@pytest.mark.usefixtures("many_processes")
def test_a_storage_that_is_gone_by_then_stops_the_work(scene: Scene, tmp_path: Path) -> None:
    with FileStorage.open(scene.root, clock=scene.bench.tools.clock, calls=SystemCalls()) as storage:
        (tmp_path / "empty").mkdir()
        with pytest.raises(StorageError):
            make_parts(
                storage,
                tmp_path / "empty",
                storage.indexes.list_sessions(),
                storage_id=1,
                is_home=False,
                is_trusted=True,
                folder=tmp_path,
                progress=SilentProgress(),
            )
