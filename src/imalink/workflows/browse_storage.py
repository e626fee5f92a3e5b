"""Browse a storage by its own indexes alone: no catalog, nothing written."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from imalink.catalog.file_storages import MIN_UUID_PREFIX_LENGTH
from imalink.core.finding import Finding
from imalink.core.ids import Hothash
from imalink.core.index import Overview, SessionIndex
from imalink.core.signature import Signature
from imalink.core.timestamps import Clock
from imalink.errors import AmbiguousError, IndexDamagedError, NotFoundError
from imalink.formats.signature_file import SIGNATURE_NAME
from imalink.storage.file_storage import FileStorage
from imalink.storage.previews import hotpreview_path
from imalink.storage.references import References
from imalink.workflows.tools import StorageRegistry


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowsedStorage:
    """What a storage says of itself; ``sessions`` by number, damaged ones only as findings.

    ``path`` is the folder of the pictures, ``home`` that of ImaLink's own files: the same but for reference storages.
    ``has_pictures`` is False while the folder of a reference storage is away.
    """

    path: Path
    home: Path
    has_pictures: bool
    signature: Signature
    overview: Overview | None
    sessions: tuple[SessionIndex, ...]
    findings: tuple[Finding, ...]

    def hotpreview(self, hothash: Hothash) -> str:
        """Say where the small preview of a picture stands."""
        return str(self.home / hotpreview_path(hothash))


def place_of(text: str, *, registry: StorageRegistry, references: References) -> Path:
    """Give the folder with ImaLink's own files of the storage that a user means, without asking the catalog.

    ``text`` is a folder, also one that is only referred to, or the display name or the beginning of the UUID of a
    storage that this machine noted. Raises AmbiguousError when several fit; what fits nothing is taken as a folder.
    """
    path = Path(text)
    if (path / SIGNATURE_NAME).exists():
        return path
    home = references.find_home_for(path)
    if home is not None:
        return home
    noted = [
        storage
        for storage in registry.storages()
        if storage.display_name == text
        or (len(text) >= MIN_UUID_PREFIX_LENGTH and storage.storage_uuid.startswith(text))
    ]
    if len(noted) > 1:
        names = ", ".join(f"{storage.storage_uuid} ({storage.display_name})" for storage in noted)
        raise AmbiguousError(f"{text!r} fits several storages: {names}.", hint="Name one by its UUID or its folder.")
    if not noted:
        return path
    return references.find_home(noted[0].storage_uuid) or noted[0].path


def browse_storage(path: Path, *, clock: Clock, number: int | None = None) -> BrowsedStorage:
    """Read a storage's sessions (or the one with ``number``) straight from its own files at ``path``, read-only.

    Raises StorageOfflineError, SignatureDamagedError, NotFoundError.
    """
    findings: list[Finding] = []
    with FileStorage.open(path, clock=clock, needs_pictures=False) as storage:
        overview: Overview | None = None
        try:
            overview = storage.indexes.load_overview().index
        except NotFoundError:
            findings.append(Finding(code="index-missing", path=storage.layout.overview_path))
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
            path=storage.path,
            home=storage.files.root.path,
            has_pictures=storage.has_pictures,
            signature=storage.signature,
            overview=overview,
            sessions=tuple(sessions),
            findings=tuple(findings),
        )
