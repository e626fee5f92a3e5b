"""Staged pictures wait in groups: their plans become durable together, then they get their names."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace

from imalink.core.finding import Finding
from imalink.core.journal import RunPlan
from imalink.core.relative_path import RelativePath
from imalink.durable_files import OtherDeviceError
from imalink.errors import NameTakenError, StorageError, StorageReadOnlyError
from imalink.storage.file_storage import FileStorage
from imalink.storage.staging import ImportRun
from imalink.workflows.import_report import PlannedFile
from imalink.workflows.target_names import TargetNames

GROUP_FILES = 50
GROUP_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedPicture:
    """A picture staged and planned, waiting to be placed with its companions."""

    plan: RunPlan
    source: RelativePath
    hotpreview: bytes | None


class StagedGroup:
    """Collects staged pictures of one run and places them with one flush for many (group commit).

    ``findings`` says what could not go where it belongs.
    """

    def __init__(self, storage: FileStorage, names: TargetNames) -> None:
        self._storage = storage
        self._names = names
        self._waiting: list[StagedPicture] = []
        self._since = 0.0
        self.findings: list[Finding] = []

    def add(self, picture: StagedPicture) -> None:
        """Let a picture wait; its plan is written already."""
        if not self._waiting:
            self._since = time.monotonic()
        self._waiting.append(picture)

    @property
    def is_due(self) -> bool:
        """Whether it is time to place what waits."""
        if not self._waiting:
            return False
        return len(self._waiting) >= GROUP_FILES or time.monotonic() - self._since > GROUP_SECONDS

    def place(self, run: ImportRun) -> list[PlannedFile]:
        """Make the plans durable, give the files their names, make the names durable, keep the previews."""
        if not self._waiting:
            return []
        run.flush_plans()
        placed: list[PlannedFile] = []
        for picture in self._waiting:
            plan = self._place(run, picture.plan)
            target = plan.entry.relative_path.printable()
            placed.append(PlannedFile(source=picture.source.printable(), target=target))
            if picture.hotpreview is not None and not self._storage.hotpreviews.keep(
                plan.entry.hothash, picture.hotpreview
            ):
                run.plan(replace(plan, entry=replace(plan.entry, hotpreview_rendition=None)))
        run.sync_places()
        self._waiting.clear()
        return placed

    def give_up(self, run: ImportRun) -> None:
        """Throw away what waits, as far as the storage allows it: a disk that is full has room again.

        The plans stand, for some may have been placed: whoever finishes the run drops those that have no file.
        """
        for picture in self._waiting:
            with suppress(StorageError):
                run.discard(picture.plan.staged_name)
        self._waiting.clear()

    def _place(self, run: ImportRun, plan: RunPlan) -> RunPlan:
        """Place a picture and its companions; a name taken meanwhile is planned anew, durable before it is used."""
        names = (plan.staged_name, *plan.staged_companions)
        for position, name in enumerate(names):
            while True:
                path = (plan.entry.relative_path, *(each.relative_path for each in plan.entry.companions))[position]
                try:
                    run.place(name, path)
                    break
                except NameTakenError:
                    other = self._names.give_another(path)
                except (OtherDeviceError, StorageReadOnlyError):
                    # Only that folder refuses: intents and staging were written. The picture must not hang on it.
                    if path.parent == self._storage.photo_root:
                        raise
                    other = self._names.give(self._storage.in_photo_root(RelativePath(path.name)))
                    self.findings.append(Finding(code="placed-elsewhere", path=path.printable()))
                plan = with_path(plan, position, other)
                run.plan(plan)
                run.flush_plans()
        return plan


def with_path(plan: RunPlan, position: int, path: RelativePath) -> RunPlan:
    """Give a plan with another path for its picture (position 0) or one of its companions (1, 2, …)."""
    entry = plan.entry
    if position == 0:
        return replace(plan, entry=replace(entry, relative_path=path))
    companions = list(entry.companions)
    companions[position - 1] = replace(companions[position - 1], relative_path=path)
    return replace(plan, entry=replace(entry, companions=tuple(companions)))
