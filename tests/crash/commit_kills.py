"""Processes that die at a commit of the catalog: before it, or right after."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Protocol

from sqlalchemy.orm import Session

from imalink.catalog.catalog import Catalog
from tests.crash.stage import Stage
from tests.support.faults import SimulatedCrash
from tests.support.workbench import Snapshot, Workbench


class EditScene(Protocol):
    """Storages of which something is said, and what must hold of them after a crash."""

    def edit(self, bench: Workbench) -> None: ...

    def pictures(self) -> list[Snapshot]: ...

    def violations(self, pictures: list[Snapshot]) -> list[str]: ...


class CrashingCatalog(Catalog):
    """A catalog at whose ``at``-th commit the process dies: before it, or right after."""

    def __init__(self, inner: Catalog, at: int, *, is_after: bool) -> None:
        self._inner = inner
        self._left = at
        self._is_after = is_after

    @contextmanager
    def begin(
        self, *, changes_photos: bool = False, is_durable: bool = False, beside: Sequence[Path] = ()
    ) -> Generator[Session]:
        self._left -= 1
        with self._inner.begin(changes_photos=changes_photos, is_durable=is_durable, beside=beside) as db:
            yield db
            if self._left == 0 and not self._is_after:
                raise SimulatedCrash
        if self._left == 0:
            raise SimulatedCrash

    @contextmanager
    def read(self) -> Generator[Session]:
        with self._inner.read() as db:
            yield db


def dies(operation: Callable[[], object]) -> bool:
    """Run something that may be killed, and tell whether it was."""
    try:
        operation()
    except SimulatedCrash:
        return True
    return False


def kill_at_commits(stage: Stage, scene: EditScene, *, is_after: bool) -> tuple[int, list[str]]:
    """Kill the edit of a scene at its first commit, its second and so on; give how many there are, and what broke."""
    violations: list[str] = []
    at = 0
    for at in count(1):
        with stage.attempt() as bench:
            pictures = scene.pictures()
            bench.tools = replace(bench.tools, catalog=CrashingCatalog(bench.catalog, at, is_after=is_after))
            has_died = dies(lambda: scene.edit(bench))
        if not has_died:
            break
        violations += [f"{at}: {each}" for each in scene.violations(pictures)]
    return at, violations
