"""Import sessions as the catalog knows them: numbers, heads, counts, and where each one's files are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session, joinedload

from imalink.catalog.authors import remember_author
from imalink.catalog.bulk import chunks
from imalink.catalog.models import FileLocation, FileStorage, SessionFile
from imalink.catalog.models import ImportSession as SessionRow
from imalink.catalog.records import SessionHead
from imalink.core.ids import SessionUuid, StorageUuid
from imalink.core.session import Author, ImportSession, ImportStatistics, SessionStatus
from imalink.errors import NotFoundError
from imalink.formats.layouts.known import is_reference_layout

MAX_NUMBER = 2**31 - 1
"""The greatest session number a catalog gives; a file with a greater one gets another number here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPlace:
    """A session's index in one storage: the number in its file's name there."""

    storage_uuid: StorageUuid
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecord:
    """One session as the catalog knows it.

    ``session.number`` is its number in this catalog; ``places`` has the number of its file per storage.
    ``storage_uuid`` is its primary storage. ``file_count`` counts physical image files in all storages.
    ``has_permanent_storage`` is False while its files are only referred to where they came from.
    """

    session: ImportSession
    statistics: ImportStatistics
    storage_uuid: StorageUuid | None
    storage_directory_name: str | None
    file_count: int
    places: tuple[SessionPlace, ...]
    has_permanent_storage: bool

    def number_in(self, storage_uuid: StorageUuid) -> int:
        """Give the number of its file in a storage: the remembered one, else its own."""
        numbers = (place.number for place in self.places if place.storage_uuid == storage_uuid)
        return next(numbers, self.session.number)


def allocate_number(db: Session, seen_numbers: Iterable[int] = ()) -> int:
    """Give the next free session number: one above all in the catalog and all ``seen_numbers`` in storages.

    The number is taken when a session is created with it in the same transaction.
    """
    highest = db.execute(select(func.coalesce(func.max(SessionRow.id), 0))).scalar_one()
    in_files = db.execute(
        select(func.coalesce(func.max(SessionFile.number), 0)).where(SessionFile.number < MAX_NUMBER)
    ).scalar_one()
    return 1 + max(highest, in_files, *(number for number in seen_numbers if number < MAX_NUMBER), 0)


def create_session(db: Session, session: ImportSession, *, storage_uuid: StorageUuid | None = None) -> SessionRecord:
    """Remember a new session under its number, for the storage where it will come in.

    Its author is ``default_author``, else the catalog's own ``default_author_id``. Raises NotFoundError for an unknown
    storage.
    """
    storage_id: int | None = None
    if storage_uuid is not None:
        storage_id = db.execute(
            select(FileStorage.id).where(FileStorage.storage_uuid == storage_uuid)
        ).scalar_one_or_none()
        if storage_id is None:
            raise NotFoundError(
                f"No storage {storage_uuid} is known.", hint="Run `imalink storage list` to see the known ones."
            )
    author_id = session.default_author_id
    if session.default_author is not None:
        author_id = remember_author(db, session.default_author, number=author_id)
    db.add(
        SessionRow(
            id=session.number,
            session_uuid=session.session_uuid,
            title=session.title,
            description=session.description,
            imported_at=session.imported_at,
            file_storage_id=storage_id,
            default_author_id=author_id,
            original_source_path=session.source_path,
            status=session.status.value,
            copy_started_at=session.copy_started_at,
            copy_completed_at=session.copy_completed_at,
        )
    )
    db.flush()
    return get_session(db, session.session_uuid)


def update_session(
    db: Session,
    session_uuid: SessionUuid,
    *,
    title: str | None = None,
    description: str | None = None,
    status: SessionStatus | None = None,
    statistics: ImportStatistics | None = None,
    source_path: str | None = None,
    copy_started_at: str | None = None,
    copy_completed_at: str | None = None,
) -> SessionRecord:
    """Set what is given (None leaves a value as it is) and give the new record. Raises NotFoundError.

    What a projection finds in a storage's index later replaces it.
    """
    row = db.execute(select(SessionRow).where(SessionRow.session_uuid == session_uuid)).scalar_one_or_none()
    if row is None:
        raise _unknown(session_uuid)
    row.title = row.title if title is None else title
    row.description = row.description if description is None else description
    row.status = row.status if status is None else status.value
    row.original_source_path = row.original_source_path if source_path is None else source_path
    row.copy_started_at = row.copy_started_at if copy_started_at is None else copy_started_at
    row.copy_completed_at = row.copy_completed_at if copy_completed_at is None else copy_completed_at
    if statistics is not None:
        set_statistics(row, statistics)
    db.flush()
    return get_session(db, session_uuid)


def delete_session(db: Session, session_uuid: SessionUuid) -> None:
    """Forget a session that no index tells of and that has no file. Raises NotFoundError."""
    row = db.execute(select(SessionRow).where(SessionRow.session_uuid == session_uuid)).scalar_one_or_none()
    if row is None:
        raise _unknown(session_uuid)
    db.delete(row)
    db.flush()


def settle_session(db: Session, session_uuid: SessionUuid) -> None:
    """Give a session whose run came to nothing the status it had before that; one made for the run is forgotten.

    A session made by itself has no time of copying until a run of it is in an index; that tells it from the others.
    """
    row = db.execute(select(SessionRow).where(SessionRow.session_uuid == session_uuid)).scalar_one_or_none()
    if row is None:
        return
    held = held_head(db, row.id)
    if held is not None:
        row.status = held.session.status.value
        set_statistics(row, held.statistics)
    elif row.copy_started_at is None:
        row.status = SessionStatus.CREATED.value
        set_statistics(row, ImportStatistics())
    else:
        db.delete(row)
    db.flush()


def held_head(db: Session, session_id: int) -> SessionHead | None:
    """Give what the indexes of all storages say of a session; None if none does.

    Where they differ, the one that was written last holds (then the higher storage UUID). Counts are those of all.
    """
    found = [
        (generated_at, storage_uuid, head)
        for generated_at, storage_uuid, head in db.execute(
            select(SessionFile.generated_at, FileStorage.storage_uuid, SessionFile.head)
            .join(FileStorage, FileStorage.id == SessionFile.file_storage_id)
            .where(SessionFile.import_session_id == session_id)
        )
    ]
    if not found:
        return None
    last = max(found, key=lambda each: (each[0], each[1]))[2]
    return replace(last, statistics=sum((head.statistics for _, _, head in found), ImportStatistics()))


def set_statistics(row: SessionRow, statistics: ImportStatistics) -> None:
    """Put the counts of an import into a session's row."""
    row.total_scanned = statistics.total_scanned
    row.new_imports = statistics.new_imports
    row.duplicates_skipped = statistics.duplicates_skipped
    row.companions = statistics.companions
    row.ignored = statistics.ignored
    row.errors = statistics.errors
    row.total_size_bytes = statistics.total_size_bytes


def find_session(db: Session, key: int | SessionUuid) -> SessionRecord | None:
    """Give the session with this number in the catalog, or with this UUID, if it is known."""
    condition = SessionRow.id == key if isinstance(key, int) else SessionRow.session_uuid == key
    found = _records(db, select(SessionRow).where(condition))
    return found[0] if found else None


def get_session(db: Session, key: int | SessionUuid) -> SessionRecord:
    """Give the session with this number in the catalog, or with this UUID. Raises NotFoundError."""
    found = find_session(db, key)
    if found is None:
        raise _unknown(key)
    return found


def list_sessions(
    db: Session, *, storage_uuid: StorageUuid | None = None, offset: int = 0, limit: int | None = None
) -> list[SessionRecord]:
    """Give the sessions, newest first; with ``storage_uuid`` those that have their index, or their primary, there."""
    query = select(SessionRow).order_by(SessionRow.imported_at.desc(), SessionRow.id.desc())
    if storage_uuid is not None:
        query = query.where(_is_of(storage_uuid))
    return _records(db, query.offset(offset).limit(limit))


def count_sessions(db: Session, *, storage_uuid: StorageUuid | None = None) -> int:
    """Count the sessions that ``list_sessions`` gives."""
    query = select(func.count()).select_from(SessionRow)
    return db.execute(query if storage_uuid is None else query.where(_is_of(storage_uuid))).scalar_one()


def _is_of(storage_uuid: StorageUuid) -> ColumnElement[bool]:
    storage_id = select(FileStorage.id).where(FileStorage.storage_uuid == storage_uuid).scalar_subquery()
    in_files = select(SessionFile.import_session_id).where(SessionFile.file_storage_id == storage_id)
    return (SessionRow.file_storage_id == storage_id) | SessionRow.id.in_(in_files)


def find_session_numbers(db: Session, storage_uuid: StorageUuid) -> dict[SessionUuid, int]:
    """Give the numbers of the session files that a storage has, as remembered."""
    rows = db.execute(
        select(SessionRow.session_uuid, SessionFile.number)
        .join(SessionFile, SessionFile.import_session_id == SessionRow.id)
        .join(FileStorage, FileStorage.id == SessionFile.file_storage_id)
        .where(FileStorage.storage_uuid == storage_uuid)
        .order_by(SessionFile.number, SessionRow.session_uuid)
    )
    return {SessionUuid(session_uuid): number for session_uuid, number in rows}


def _records(db: Session, query: Select[SessionRow]) -> list[SessionRecord]:
    rows = list(
        db.execute(query.options(joinedload(SessionRow.file_storage), joinedload(SessionRow.default_author))).scalars()
    )
    file_counts: dict[int, int] = {}
    places: dict[int, list[SessionPlace]] = {}
    permanent: set[int] = set()
    for ids in chunks([row.id for row in rows]):
        counted = (
            select(FileLocation.import_session_id, func.count())
            .where(FileLocation.import_session_id.in_(ids))
            .group_by(FileLocation.import_session_id)
        )
        file_counts.update((session_id, count) for session_id, count in db.execute(counted))
        placed = (
            select(SessionFile.import_session_id, FileStorage.storage_uuid, FileStorage.layout, SessionFile.number)
            .join(FileStorage, FileStorage.id == SessionFile.file_storage_id)
            .where(SessionFile.import_session_id.in_(ids))
            .order_by(FileStorage.storage_uuid)
        )
        for session_id, storage_uuid, layout, number in db.execute(placed):
            if not is_reference_layout(layout):
                permanent.add(session_id)
            places.setdefault(session_id, []).append(
                SessionPlace(storage_uuid=StorageUuid(storage_uuid), number=number)
            )
    return [
        _record_of(row, file_counts.get(row.id, 0), tuple(places.get(row.id, ())), is_permanent=row.id in permanent)
        for row in rows
    ]


def _record_of(
    row: SessionRow, file_count: int, places: tuple[SessionPlace, ...], *, is_permanent: bool
) -> SessionRecord:
    author = row.default_author
    return SessionRecord(
        session=ImportSession(
            number=row.id,
            session_uuid=SessionUuid(row.session_uuid),
            title=row.title,
            description=row.description,
            imported_at=row.imported_at,
            default_author=None if author is None else Author(name=author.name, email=author.email or None),
            default_author_id=row.default_author_id,
            file_storage_id=row.file_storage_id,
            source_path=row.original_source_path,
            status=SessionStatus(row.status),
            copy_started_at=row.copy_started_at,
            copy_completed_at=row.copy_completed_at,
        ),
        statistics=ImportStatistics(
            total_scanned=row.total_scanned,
            new_imports=row.new_imports,
            duplicates_skipped=row.duplicates_skipped,
            companions=row.companions,
            ignored=row.ignored,
            errors=row.errors,
            total_size_bytes=row.total_size_bytes,
        ),
        storage_uuid=None if row.storage_uuid is None else StorageUuid(row.storage_uuid),
        storage_directory_name=row.storage_directory_name,
        file_count=file_count,
        places=places,
        has_permanent_storage=is_permanent or row.has_permanent_storage,
    )


def _unknown(key: int | str) -> NotFoundError:
    return NotFoundError(
        f"No import session {key} is known.", hint="Run `imalink sessions list` to see the known ones."
    )
