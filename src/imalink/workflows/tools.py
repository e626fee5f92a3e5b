"""What every workflow is given to work with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from imalink.catalog.catalog import Catalog
from imalink.core.account import THIS_PROGRAM, Asker
from imalink.core.analyser import Analyser
from imalink.core.ids import StorageUuid, WriterId
from imalink.core.timestamps import Clock
from imalink.durable_files import FileCalls
from imalink.storage.references import References
from imalink.storage.syscalls import SystemCalls

if TYPE_CHECKING:
    from imalink.workflows.flush_outbox import WaitingEdits


@dataclass(frozen=True, slots=True, kw_only=True)
class NotedStorage:
    """What this machine noted of a storage outside the catalog: enough to list it while its disk is away."""

    storage_uuid: StorageUuid
    display_name: str
    path: Path
    created_at: str
    layout: str
    is_active: bool


class StorageRegistry(Protocol):
    """This machine's note of where its storages are, outside the catalog so that a recovery can start from it."""

    def remember(
        self, storage_uuid: StorageUuid, *, display_name: str, path: Path, created_at: str, layout: str
    ) -> None:
        """Note where a storage stands."""
        ...

    def set_active(self, storage_uuid: StorageUuid, *, is_active: bool) -> None:
        """Note whether the user wants a noted storage used."""
        ...

    def forget(self, storage_uuid: StorageUuid) -> None:
        """Take a storage out of the notes."""
        ...

    def storages(self) -> list[NotedStorage]:
        """Give all that is noted."""
        ...

    def places(self) -> dict[StorageUuid, Path]:
        """Give the noted places."""
        ...


def _free(_: StorageUuid) -> AbstractContextManager[bool]:
    return nullcontext(True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """Collaborators of a workflow, made by ``runtime.container``; tests bring their own.

    ``writer`` names this installation's journal. ``references`` are its storages of folders that are only read.
    ``new_uuid`` gives a random UUID as text. ``open_scratch_catalog`` gives an empty catalog that is thrown away
    when closed. ``threads``: how many files are read at a time. ``turn`` takes a storage's turn among all that this
    process does, for what takes a moment, and tells whether it could: what could not is done later.
    ``tells_later``, where it is set, has storages told a moment later what was said of their photos, and gives what
    could not be told last time; otherwise they are told before an edit ends.
    ``asker`` is who has it done, for what is written down of that.
    """

    catalog: Catalog
    analyser: Analyser
    clock: Clock
    writer: WriterId
    registry: StorageRegistry
    references: References
    new_uuid: Callable[[], str]
    open_scratch_catalog: Callable[[], AbstractContextManager[Catalog]]
    calls: FileCalls = field(default_factory=SystemCalls)
    threads: int = 1
    turn: Callable[[StorageUuid], AbstractContextManager[bool]] = _free
    tells_later: Callable[[], Mapping[StorageUuid, WaitingEdits]] | None = None
    asker: Asker = THIS_PROGRAM
