"""Opening a storage the catalog knows, and telling the catalog what became of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from imalink.catalog import file_storages, library, operations, projection
from imalink.catalog.catalog import Db
from imalink.catalog.file_storages import StorageChange, StorageRecord
from imalink.catalog.planned_sessions import settle_planned
from imalink.core.finding import Finding
from imalink.core.ids import Hothash, Sha256
from imalink.core.index import MasterIndex, SessionIndex
from imalink.core.journal import Observation
from imalink.core.operation import Operation
from imalink.core.session import ImportSession
from imalink.errors import (
    AmbiguousError,
    IndexDamagedError,
    NotFoundError,
    SignatureDamagedError,
    StorageUnavailableError,
)
from imalink.formats.layouts.known import layout_named
from imalink.storage.file_storage import FileStorage
from imalink.storage.fold import FoldNotes, FoldResult
from imalink.storage.witnessed import open_to_read
from imalink.workflows.tools import Tools


def get_storage(tools: Tools, text: str) -> StorageRecord:
    """Give the storage that a user means by a UUID, a unique prefix of it, a display name or a path.

    Raises NotFoundError, AmbiguousError.
    """
    with tools.catalog.read() as db:
        found = file_storages.find_storages(db, text)
    if not found:
        raise NotFoundError(
            f"No storage is known as {text!r}.",
            hint="Run `imalink storage list` to see the known ones, `imalink recover FOLDER` to take one in.",
        )
    if len(found) > 1:
        names = ", ".join(f"{record.storage_uuid} ({record.display_name})" for record in found)
        raise AmbiguousError(f"{text!r} fits several storages: {names}.", hint="Name one by its UUID.")
    return found[0]


def home_of(tools: Tools, record: StorageRecord) -> Path:
    """Say where ImaLink's own files of a known storage stand."""
    is_reference = layout_named(record.layout).is_reference
    return tools.references.home_of(record.storage_uuid) if is_reference else Path(record.full_path)


def open_known(tools: Tools, record: StorageRecord, *, needs_pictures: bool = True) -> FileStorage:
    """Open a known storage; without ``needs_pictures`` the folder of a reference storage may be away.

    Errors as ``FileStorage.open``.
    """
    return FileStorage.open(
        home_of(tools, record),
        clock=tools.clock,
        expected_uuid=record.storage_uuid,
        calls=tools.calls,
        needs_pictures=needs_pictures,
        is_home=layout_named(record.layout).is_reference,
    )


def open_storage(tools: Tools, record: StorageRecord, *, needs_pictures: bool = True) -> FileStorage:
    """Open a known storage where it was last seen, and note in the catalog whether it could be reached.

    As ``open_known``: what asks only for indexes works on a reference storage while its folder is away.
    """
    try:
        storage = open_known(tools, record, needs_pictures=needs_pictures)
    except StorageUnavailableError as error:
        _note_access(tools, record, is_accessible=False)
        error.message = f"{record.display_name}: {error.message} ({record.full_path}) Nothing was marked missing."
        raise
    _note_access(tools, record, is_accessible=storage.has_pictures)
    _note_place(tools, record, storage.path)
    return storage


def open_known_to_read(tools: Tools, record: StorageRecord, *, needs_pictures: bool = True) -> FileStorage:
    """Open a known storage as ``open_known`` does, or only to be read where its signature is gone or damaged."""
    return open_to_read(
        home_of(tools, record),
        clock=tools.clock,
        expected_uuid=record.storage_uuid,
        calls=tools.calls,
        needs_pictures=needs_pictures,
        is_home=layout_named(record.layout).is_reference,
    )


def open_storage_to_read(tools: Tools, record: StorageRecord) -> FileStorage:
    """As ``open_storage``, but a storage whose signature is gone or damaged is opened only to be read."""
    try:
        return open_storage(tools, record)
    except SignatureDamagedError:
        return open_known_to_read(tools, record)


def fold_notes(storage: FileStorage, record: StorageRecord) -> FoldNotes:
    """Give the notes of a fold for a storage the catalog knows."""
    return replace(storage.notes(), storage_id=record.id, is_active=record.is_active)


def write_down(
    tools: Tools,
    record: StorageRecord,
    storage: FileStorage,
    observations: Sequence[Observation],
    *,
    operation: Operation | None = None,
    master: MasterIndex | None = None,
) -> FoldResult:
    """Write observations into one's own journal, and bring the storage's indexes and the catalog in step.

    Those of an ``operation`` can be undone. ``master`` is the one that stands there, found sound under this lock, where
    the caller has it at hand. The caller holds the lock. Raises StorageError.
    """
    if operation is None:
        storage.append_observations(tools.writer, observations, master=master)
    else:
        storage.append_operation(tools.writer, operation, observations, master=master)
    result = storage.fold(fold_notes(storage, record), master=master)
    project_fold(tools, record, result)
    return result


def project_fold(tools: Tools, record: StorageRecord, result: FoldResult) -> list[Finding]:
    """Bring the catalog in step with what a fold wrote; give what is worth telling.

    If the fold began with another master than the one whose content the catalog has, another machine worked there in
    between: then the catalog is not said to be in step, and whatever works there next tells it everything.
    """
    with tools.catalog.begin(changes_photos=bool(result.sessions)) as db:
        notes: list[Finding] = []
        for number in sorted(result.sessions):
            index, changed = result.sessions[number]
            notes.extend(project_index(db, record, index, only=None if number in result.whole else changed))
        operations.keep_operations(db, record.id, result.operations)
        if result.library:
            library.hear(db, record.id, result.library)
            settle_planned(db)
        known = file_storages.find_storage(db, record.storage_uuid)
        had = known.master_digest if known is not None else None
        is_in_step = result.tells_all or had in (None, result.base_digest)
        digest = Sha256(result.master_digest) if is_in_step else had
        change = StorageChange(master_digest=digest, last_scan_at=result.overview.last_scan)
        file_storages.update_storage(db, record.storage_uuid, change)
    return notes


def project_all(tools: Tools, record: StorageRecord, storage: FileStorage) -> list[Finding]:
    """Bring the catalog in step with everything a storage's indexes hold; one that cannot be read is left out."""
    digest = storage.indexes.claimed_master_digest()
    notes: list[Finding] = []
    for number in storage.indexes.list_sessions():
        try:
            index = storage.indexes.load_session(number).index
        except (IndexDamagedError, NotFoundError):
            continue
        with tools.catalog.begin(changes_photos=True) as db:
            notes.extend(project_index(db, record, index, only=None))
    note_in_step(tools, record, storage, digest)
    with tools.catalog.begin() as db:
        settle_planned(db)
    return notes


def note_in_step(tools: Tools, record: StorageRecord, storage: FileStorage, digest: str | None) -> None:
    """Let the catalog know what a storage's journals and library say, and that its indexes were told up to a master."""
    with tools.catalog.begin() as db:
        operations.keep_operations(db, record.id, storage.journals.list_operations())
        library.hear(db, record.id, storage.library_edits())
        if digest is not None:
            file_storages.update_storage(db, record.storage_uuid, StorageChange(master_digest=Sha256(digest)))


def project_index(
    db: Db, record: StorageRecord, index: SessionIndex, *, only: Collection[Hothash] | None
) -> list[Finding]:
    """Project one session index; tell when the catalog had to give the session another number than its file has."""
    projected = projection.project_session(db, storage=record, index=index, only=only)
    if not (projected.is_new and projected.is_number_changed):
        return []
    return [number_changed(index.session, projected.session_number)]


def number_changed(session: ImportSession, number: int) -> Finding:
    """Give the finding of a session that is new here and has another number than its file."""
    facts = {"file_number": session.number, "session_number": number}
    return Finding(code="session-number-changed", path=session.title, facts=facts)


def _note_place(tools: Tools, record: StorageRecord, path: Path) -> None:
    """Note where the folder of a storage was found, if its disk is mounted elsewhere now."""
    if str(path) != record.full_path:
        with tools.catalog.begin() as db:
            change = StorageChange(directory_name=path.name, base_path=str(path.parent))
            file_storages.update_storage(db, record.storage_uuid, change)
        tools.registry.remember(
            record.storage_uuid,
            display_name=record.display_name,
            path=path,
            created_at=record.created_at,
            layout=record.layout,
        )


def _note_access(tools: Tools, record: StorageRecord, *, is_accessible: bool) -> None:
    if record.is_accessible != is_accessible:
        with tools.catalog.begin() as db:
            file_storages.update_storage(db, record.storage_uuid, StorageChange(is_accessible=is_accessible))
