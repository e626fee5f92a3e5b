"""Recovery drill: rebuild a catalog from copies of the storages' indexes, and see that it is the live one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from imalink.catalog import dump, file_storages
from imalink.catalog.file_storages import StorageRecord
from imalink.core.finding import Finding
from imalink.core.ids import StorageUuid
from imalink.core.progress import Progress, SilentProgress
from imalink.core.relative_path import RelativePath
from imalink.errors import StorageError, StorageUnavailableError
from imalink.storage.file_storage import FileStorage
from imalink.storage.own_files import iter_own_files, iter_witnesses
from imalink.storage.references import REFERENCE_FOLDER, References
from imalink.storage.scratch import copy_into, scratch_folder
from imalink.workflows.out_of_reach import NotCompared, carry_over
from imalink.workflows.recover import recover
from imalink.workflows.recovery_candidates import Candidate
from imalink.workflows.storage_access import open_known
from imalink.workflows.tools import NotedStorage, Tools

_Choice = Callable[[FileStorage], Iterator[RelativePath]]

SCENARIOS: tuple[tuple[str, str, _Choice], ...] = (
    (
        "catalog-lost",
        "The catalog is gone; the indexes are there.",
        lambda storage: iter_own_files(storage.files, storage.layout),
    ),
    (
        "indexes-lost",
        "The catalog and every index are gone; commits and journals are there.",
        lambda storage: iter_witnesses(storage.files),
    ),
)
"""What is rehearsed: a name, what has happened, and which files of a storage are left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsedLoss:
    """One rehearsal. ``differences`` is what the recovered catalog has otherwise than the live one."""

    scenario: str
    meaning: str
    sessions: int
    files: int
    photos: int
    differences: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillReport:
    """What came of the drill. ``only_in_catalog`` is what would go with the catalog: edits that wait for a storage."""

    storages: tuple[str, ...]
    rehearsals: tuple[RehearsedLoss, ...]
    only_in_catalog: tuple[str, ...]
    not_compared: tuple[NotCompared, ...]
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def is_passed(self) -> bool:
        """Whether every rehearsal gave back what the live catalog holds."""
        return bool(self.rehearsals) and not any(each.differences for each in self.rehearsals)


class _NoRegistry:
    """The machine of a drill: it knows of no storages and notes none."""

    def remember(
        self, storage_uuid: StorageUuid, *, display_name: str, path: Path, created_at: str, layout: str
    ) -> None:
        del storage_uuid, display_name, path, created_at, layout

    def set_active(self, storage_uuid: StorageUuid, *, is_active: bool) -> None:
        del storage_uuid, is_active

    def forget(self, storage_uuid: StorageUuid) -> None:
        del storage_uuid

    def storages(self) -> list[NotedStorage]:
        return []

    def places(self) -> dict[StorageUuid, Path]:
        return {}


def recovery_drill(tools: Tools, scratch: Path, *, progress: Progress | None = None) -> DrillReport:
    """Rehearse the loss of the catalog, and of the indexes too, on copies below ``scratch``, which are removed again.

    Nothing of a storage or of the live catalog is changed, and no picture is read. Raises StorageError when the copies
    cannot be written, CancelledError.
    """
    started = time.monotonic()
    progress = progress or SilentProgress()
    with tools.catalog.read() as db:
        records = file_storages.list_storages(db)
    rehearsals: list[RehearsedLoss] = []
    names: dict[str, None] = {}
    only_in_catalog: dict[str, None] = {}
    findings: list[Finding] = []
    not_compared: Sequence[NotCompared] = ()
    for scenario, meaning, choose in SCENARIOS:
        progress.start_phase(scenario, total_files=len(records))
        rehearsed, asked, not_compared = _rehearse(tools, records, scratch, scenario, choose, progress, findings)
        waiting = [each for each in rehearsed.differences if each.startswith("waiting-edit ")]
        only_in_catalog.update(dict.fromkeys(waiting))
        others = tuple(each for each in rehearsed.differences if each not in waiting)
        rehearsals.append(replace(rehearsed, meaning=meaning, differences=others))
        names.update(dict.fromkeys(asked))
    return DrillReport(
        storages=tuple(names),
        rehearsals=tuple(rehearsals) if names else (),
        only_in_catalog=tuple(only_in_catalog),
        not_compared=tuple(not_compared),
        findings=tuple(findings),
        seconds=round(time.monotonic() - started, 3),
    )


def _rehearse(
    tools: Tools,
    records: Sequence[StorageRecord],
    scratch: Path,
    scenario: str,
    choose: _Choice,
    progress: Progress,
    findings: list[Finding],
) -> tuple[RehearsedLoss, list[str], Sequence[NotCompared]]:
    """Copy what is left of each storage, recover a scratch catalog from that alone, and compare."""
    started = time.monotonic()
    asked: list[str] = []
    with (
        scratch_folder(scratch, token=tools.new_uuid(), calls=tools.calls) as files,
        tools.open_scratch_catalog() as new,
    ):
        candidates: list[Candidate] = []
        for record in records:
            progress.checkpoint()
            try:
                with open_known(tools, record, needs_pictures=False) as storage:
                    place = _place_of(storage)
                    copy_into(files, place, storage.files, choose(storage))
                    candidates.append(_candidate(files.root.path / place, storage))
            except StorageUnavailableError:
                continue  # told under not_compared
            except StorageError as error:
                facts = {"why": error.message}
                findings.append(Finding(code="storage-not-rehearsed", path=record.full_path, facts=facts))
                continue
            asked.append(record.display_name)
            progress.advance(files=1, current=record.display_name)
        rehearsing = replace(
            tools,
            catalog=new,
            registry=_NoRegistry(),
            references=References(files.root.path, clock=tools.clock, calls=tools.calls),
        )
        report = recover(rehearsing, candidates, progress=progress)
        not_compared = carry_over(tools, new, compared={candidate.storage_uuid for candidate in candidates})
        with tools.catalog.read() as live, new.read() as rebuilt:
            differences = dump.compare(dump.dump(live), dump.dump(rebuilt))
    rehearsed = RehearsedLoss(
        scenario=scenario,
        meaning="",
        sessions=report.restored_sessions,
        files=report.restored_files,
        photos=report.restored_photos,
        differences=tuple(differences),
        seconds=round(time.monotonic() - started, 3),
    )
    return rehearsed, asked, not_compared


def _place_of(storage: FileStorage) -> RelativePath:
    """Say where a copy stands in the scratch folder: below its UUID, by its own name, which counts too."""
    if storage.layout.is_reference:
        return REFERENCE_FOLDER.below(storage.storage_uuid)
    return RelativePath(f"{storage.storage_uuid}/{storage.path.name}")


def _candidate(path: Path, storage: FileStorage) -> Candidate:
    return Candidate(
        path=path,
        home=path,
        storage_uuid=storage.storage_uuid,
        display_name=storage.signature.display_name,
        is_trusted=True,
    )
