"""Browse a storage by its own indexes alone: no catalog, nothing written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from imalink.core.finding import Finding
from imalink.core.ids import Hothash
from imalink.core.index import Overview, SessionIndex
from imalink.core.signature import Signature
from imalink.core.timestamps import Clock
from imalink.errors import IndexDamagedError, NotFoundError
from imalink.storage.file_storage import FileStorage
from imalink.storage.previews import hotpreview_path


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowsedStorage:
    """What a storage says of itself; ``sessions`` by number, damaged ones only as findings."""

    path: Path
    signature: Signature
    overview: Overview | None
    sessions: tuple[SessionIndex, ...]
    findings: tuple[Finding, ...]

    def hotpreview(self, hothash: Hothash) -> str:
        """Say where the small preview of a picture stands."""
        return str(self.path / hotpreview_path(hothash))


def browse_storage(path: Path, *, clock: Clock, number: int | None = None) -> BrowsedStorage:
    """Read a storage's sessions (or the one with ``number``) straight from the folder, read-only.

    Raises StorageOfflineError, SignatureDamagedError, NotFoundError.
    """
    findings: list[Finding] = []
    with FileStorage.open(path, clock=clock) as storage:
        overview: Overview | None = None
        try:
            overview = storage.indexes.load_overview().index
        except NotFoundError:
            findings.append(Finding(code="index-missing", path="index.json"))
        except IndexDamagedError as error:
            findings.append(Finding(code="index-damaged", path=error.file, facts={"place": error.place}))
        numbers = storage.indexes.list_sessions()
        if number is not None and number not in numbers:
            raise NotFoundError(
                f"The storage has no session {number}.", hint=f"It has: {', '.join(map(str, numbers)) or 'none'}."
            )
        sessions: list[SessionIndex] = []
        for each in numbers if number is None else [number]:
            try:
                sessions.append(storage.indexes.load_session(each).index)
            except IndexDamagedError as error:
                findings.append(Finding(code="index-damaged", path=error.file, facts={"place": error.place}))
        return BrowsedStorage(
            path=storage.root.path,
            signature=storage.signature,
            overview=overview,
            sessions=tuple(sessions),
            findings=tuple(findings),
        )
