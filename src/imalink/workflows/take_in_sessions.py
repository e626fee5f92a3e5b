"""Take the sessions of a storage into the catalog: new ones many at a time, the others index by index."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from imalink.catalog import import_sessions
from imalink.catalog.file_storages import StorageRecord
from imalink.catalog.loading import LoadedSession, load_parts
from imalink.catalog.parts import Part, PartFile, part_files
from imalink.core.finding import Finding
from imalink.core.ids import Hothash, PhotoUuid, SessionUuid
from imalink.core.index import SessionIndex
from imalink.core.progress import Progress
from imalink.core.relative_path import RelativePath
from imalink.core.scan import ScannedFile
from imalink.errors import IndexDamagedError, NotFoundError
from imalink.storage.file_storage import FileStorage
from imalink.workflows.make_parts import UnreadIndex, make_parts
from imalink.workflows.storage_access import number_changed, project_index
from imalink.workflows.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenSession:
    """A session that the catalog has now. ``files`` gives its image files as its index names them, copies too.

    ``files_unlike`` may leave out those that are seen standing as they were left, and tells which it left out.
    """

    number: int
    session_uuid: SessionUuid
    title: str
    generated_at: str
    file_count: int
    photo_uuids: Callable[[], Iterable[PhotoUuid]]
    files: Callable[[], Iterator[PartFile]]
    files_unlike: Callable[[Mapping[RelativePath, ScannedFile], Callable[[Hothash], None]], Iterator[PartFile]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What came of a storage's sessions, by number; ``unread`` are indexes that could not be read."""

    sessions: tuple[TakenSession, ...]
    unread: tuple[UnreadIndex, ...]
    findings: tuple[Finding, ...]


@contextmanager
def scratch_folder() -> Generator[Path]:
    """Hold a folder for parts open for a block, in the system's folder for scratch files."""
    with TemporaryDirectory(prefix="imalink-parts-") as folder:
        yield Path(folder)


def take_in_sessions(
    tools: Tools,
    record: StorageRecord,
    storage: FileStorage,
    home: Path,
    numbers: Sequence[int],
    *,
    is_trusted: bool,
    stack: ExitStack,
    progress: Progress,
) -> Taken:
    """Let the catalog hold what these session indexes say, and nothing else that they said before.

    Those of which it knows nothing come in at once, in one transaction. What ``stack`` holds is needed to look at the
    files of the sessions afterwards. Raises CatalogError, StorageError, CancelledError.
    """
    with tools.catalog.read() as db:
        known = set(import_sessions.find_session_numbers(db, record.storage_uuid).values())
    folder = stack.enter_context(scratch_folder())
    made = make_parts(
        storage,
        home,
        [number for number in numbers if number not in known],
        storage_id=record.id,
        is_home=tools.references.is_home(home),
        is_trusted=is_trusted,
        folder=folder,
        progress=progress,
    )
    parts = [stack.enter_context(Part(path)) for path in made.paths]
    progress.checkpoint()
    taken: list[TakenSession] = []
    findings: list[Finding] = []
    left = {number for number in numbers if number in known}
    if parts:
        with tools.catalog.begin(changes_photos=True, beside=made.paths) as db:
            loaded = load_parts(db, record, parts, progress=progress)
        for part, sessions in zip(parts, loaded, strict=True):
            for each in sessions:
                if each.placed is None:
                    left.add(each.session.number)
                    continue
                taken.append(_taken(part, each))
                if each.placed.is_number_changed:
                    findings.append(number_changed(each.session.head.session, each.placed.session_id))
    unread = list(made.unread)
    if left:
        progress.start_phase("recover", total_files=len(left))
    for number in sorted(left):
        progress.checkpoint()
        try:
            index = storage.indexes.load_session(number).index
        except (NotFoundError, IndexDamagedError) as error:
            unread.append(UnreadIndex(number, error.message))
            continue
        with tools.catalog.begin(changes_photos=True) as db:
            findings.extend(project_index(db, record, index, only=None))
        taken.append(_projected(storage, index))
        progress.advance(files=1, current=index.session.title)
    return Taken(
        sessions=tuple(sorted(taken, key=lambda each: each.number)),
        unread=tuple(sorted(unread, key=lambda each: each.number)),
        findings=tuple(findings),
    )


def _taken(part: Part, loaded: LoadedSession) -> TakenSession:
    session, head = loaded.session, loaded.session.head.session
    return TakenSession(
        number=session.number,
        session_uuid=head.session_uuid,
        title=head.title,
        generated_at=session.generated_at,
        file_count=session.file_count,
        photo_uuids=lambda: map(PhotoUuid, part.photo_uuids(session)),
        files=lambda: part.files(session),
        files_unlike=lambda seen, as_left: part.files_unlike(session, seen, as_left),
    )


def _projected(storage: FileStorage, index: SessionIndex) -> TakenSession:
    """Give a session that was projected; its index is read again when its files are asked for, not kept till then."""
    number = index.session.number
    photo_uuids = {entry.photo_uuid for entry in index.files.values()}
    return TakenSession(
        number=number,
        session_uuid=index.session.session_uuid,
        title=index.session.title,
        generated_at=index.generated_at,
        file_count=index.file_count,
        photo_uuids=lambda: photo_uuids,
        files=lambda: part_files(storage.indexes.load_session(number).index),
        files_unlike=lambda seen, as_left: part_files(storage.indexes.load_session(number).index),
    )
