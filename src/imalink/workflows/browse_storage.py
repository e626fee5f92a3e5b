"""Browse a storage by its own indexes alone: no catalog, nothing written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from imalink.catalog.file_storages import MIN_UUID_PREFIX_LENGTH
from imalink.core.finding import Finding
from imalink.core.ids import Hothash, SessionUuid
from imalink.core.index import (
    FileCopy,
    FileStatus,
    MasterIndex,
    Overview,
    SessionIndex,
    SessionSummary,
)
from imalink.core.picture import PictureFacts
from imalink.core.relative_path import RelativePath
from imalink.core.signature import Signature
from imalink.core.timestamps import Clock
from imalink.errors import AmbiguousError, IndexDamagedError, IndexTooLargeError, NotFoundError
from imalink.formats.signature_file import SIGNATURE_NAME
from imalink.storage.caps import UNTRUSTED
from imalink.storage.file_storage import FileStorage
from imalink.storage.indexes import Index, Loaded
from imalink.storage.previews import hotpreview_path
from imalink.storage.references import References
from imalink.storage.witnessed import open_to_read, signature_findings
from imalink.workflows.tools import StorageRegistry

Found = Mapping[int, list[tuple[Hothash, FileCopy]]]
"""What the master knows: the files of each session, with their hothashes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowsedFile:
    """One picture of a session; ``facts`` is None where only the master knows it."""

    hothash: Hothash
    relative_path: RelativePath
    status: FileStatus
    has_hotpreview: bool
    facts: PictureFacts | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowsedSession:
    """One session with its files by path; ``known_from`` is index, overview or master.

    The texts and ``imported_at`` are None where only the master knows it.
    """

    number: int
    session_uuid: SessionUuid
    title: str | None
    description: str | None
    imported_at: str | None
    file_count: int
    total_size_bytes: int
    missing_count: int
    files: tuple[BrowsedFile, ...]
    known_from: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowsedStorage:
    """What a storage says of itself; ``sessions`` by number, as far as any index knows them.

    ``path`` is the folder of the pictures, ``home`` that of ImaLink's own files: the same but for reference storages.
    ``has_pictures`` is False while the folder of a reference storage is away.
    """

    path: Path
    home: Path
    has_pictures: bool
    signature: Signature
    sessions: tuple[BrowsedSession, ...]
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
        _refuse_folder_around(path)
        return path
    return references.find_home(noted[0].storage_uuid) or noted[0].path


def _refuse_folder_around(path: Path) -> None:
    """Name the storages in a folder that is none itself. Raises NotFoundError if there are any."""
    inside = sorted(each.parent for each in path.glob(f"*/{SIGNATURE_NAME}")) if path.is_dir() else []
    if inside:
        raise NotFoundError(
            f"{path} is no storage, but holds {len(inside)}.", hint=f"Name one of them: {', '.join(map(str, inside))}"
        )


def browse_storage(
    path: Path, *, clock: Clock, references: References, number: int | None = None, is_trusted: bool = False
) -> BrowsedStorage:
    """Read a storage's sessions (or the one with ``number``) straight from its own files at ``path``, read-only.

    Of one that is not trusted only so much is read as of a stranger's (``storage.caps``), and nothing at all if its
    signature is damaged. Raises StorageOfflineError, SignatureDamagedError, NotFoundError.
    """
    is_home = references.is_home(path)
    opened = (
        open_to_read(path, clock=clock, needs_pictures=False, is_home=is_home)
        if is_trusted
        else FileStorage.open(path, clock=clock, needs_pictures=False, is_home=is_home, caps=UNTRUSTED)
    )
    with opened as storage:
        looker = _Looker(storage)
        sessions = looker.look(number)
        return BrowsedStorage(
            path=storage.path,
            home=storage.files.root.path,
            has_pictures=storage.has_pictures,
            signature=storage.signature,
            sessions=tuple(sessions),
            findings=(*signature_findings(storage), *looker.findings),
        )


class _Looker:
    """Reads the indexes of one storage, and where one is gone or damaged, what the others know instead."""

    def __init__(self, storage: FileStorage) -> None:
        self._storage = storage
        self._indexes = storage.indexes
        self.findings: list[Finding] = []

    def look(self, number: int | None) -> list[BrowsedSession]:
        """Give the sessions, or the one with ``number``. Raises NotFoundError."""
        layout = self._indexes.layout
        overview: Overview | None = self._load(layout.overview_path, self._indexes.load_overview)
        summaries = {} if overview is None else {summary.number: summary for summary in overview.sessions}
        numbers = {*summaries, *self._indexes.list_sessions()}
        whole = {
            each: index
            for each in sorted(numbers if number is None else numbers & {number})
            if (index := self._load_session(each)) is not None
        }
        known: Found = {}
        # The master is large: it is read only where the others may not have told everything.
        if overview is None or whole.keys() != (numbers if number is None else {number}):
            master: MasterIndex | None = self._load(layout.master_path, self._indexes.load_master)
            known = {} if master is None else _by_session(master)
            numbers |= known.keys()
        if number is not None and number not in numbers:
            raise NotFoundError(
                f"The storage has no session {number}.",
                hint=f"It has: {', '.join(map(str, sorted(numbers))) or 'none'}.",
            )
        return [
            session
            for each in (sorted(numbers) if number is None else [number])
            if (session := self._session(each, whole.get(each), summaries.get(each), known)) is not None
        ]

    def _session(
        self, number: int, index: SessionIndex | None, summary: SessionSummary | None, known: Found
    ) -> BrowsedSession | None:
        """Give a session by the best that tells of it; None when its own index, unreadable, is all there is."""
        if index is not None:
            return _from_index(index)
        found = known.get(number, [])
        if not found and summary is None:
            return None
        if number not in self._indexes.list_sessions() and summary is None:
            self._note_missing(self._indexes.layout.session_path(number))
        places = [place for _, place in found]
        return BrowsedSession(
            number=number,
            session_uuid=places[0].session_uuid if summary is None else summary.session_uuid,
            title=None if summary is None else summary.title,
            description=None if summary is None else summary.description,
            imported_at=None if summary is None else summary.imported_at,
            file_count=len(places) if summary is None else summary.file_count,
            total_size_bytes=sum(place.size_bytes for place in places) if summary is None else summary.total_size_bytes,
            missing_count=(
                sum(place.status is FileStatus.MISSING for place in places)
                if summary is None
                else summary.missing_count
            ),
            files=tuple(self._file(hothash, place) for hothash, place in found),
            known_from="master" if summary is None else "overview",
        )

    def _file(self, hothash: Hothash, place: FileCopy) -> BrowsedFile:
        return BrowsedFile(
            hothash=hothash,
            relative_path=place.relative_path,
            status=place.status,
            has_hotpreview=self._storage.hotpreviews.exists(hothash),
            facts=None,
        )

    def _load_session(self, number: int) -> SessionIndex | None:
        return self._load(self._indexes.layout.session_path(number), lambda: self._indexes.load_session(number))

    def _load(self, path: RelativePath, load: Callable[[], Loaded[Index]]) -> Index | None:
        try:
            return load().index
        except NotFoundError:
            self._note_missing(path)
        except IndexDamagedError as error:
            code = "index-too-large" if isinstance(error, IndexTooLargeError) else "index-unreadable"
            facts = {"place": error.place, "why": error.reason}
            self.findings.append(Finding(code=code, path=error.file, facts=facts))
        return None

    def _note_missing(self, path: RelativePath) -> None:
        self.findings.append(Finding(code="index-missing", path=path))


def _from_index(index: SessionIndex) -> BrowsedSession:
    session = index.session
    return BrowsedSession(
        number=session.number,
        session_uuid=session.session_uuid,
        title=session.title,
        description=session.description,
        imported_at=session.imported_at,
        file_count=index.file_count,
        total_size_bytes=index.total_size_bytes,
        missing_count=index.missing_count,
        files=tuple(
            BrowsedFile(
                hothash=entry.hothash,
                relative_path=entry.relative_path,
                status=entry.status,
                has_hotpreview=entry.has_hotpreview,
                facts=entry.facts,
            )
            for entry in sorted(index.files.values(), key=lambda entry: entry.relative_path)
        ),
        known_from="index",
    )


def _by_session(master: MasterIndex) -> Found:
    """Sort the files of a master by session and path."""
    found: defaultdict[int, list[tuple[Hothash, FileCopy]]] = defaultdict(list)
    for entry in master.files.values():
        for place in entry.places():
            found[place.session_number].append((entry.hothash, place))
    for files in found.values():
        files.sort(key=lambda file: file[1].relative_path)
    return found
