"""A session's head: from what each storage's index says of it to one row in the catalog."""

from __future__ import annotations

from dataclasses import dataclass, fields

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from imalink.catalog.authors import remember_author
from imalink.catalog.bulk import insert_rows, table_of
from imalink.catalog.core_json import escape_text
from imalink.catalog.import_sessions import MAX_NUMBER, allocate_number, held_head, set_statistics
from imalink.catalog.models import ImportSession as SessionRow
from imalink.catalog.models import SessionFile
from imalink.catalog.records import SessionHead
from imalink.core.index import SessionIndex
from imalink.core.session import ImportSession, ImportStatistics

_SESSIONS, _FILES = table_of(SessionRow), table_of(SessionFile)
_SESSION_COLUMNS = (
    "id session_uuid title description imported_at file_storage_id default_author_id original_source_path status "
    "copy_started_at copy_completed_at"
).split()
_COUNTS = tuple(field.name for field in fields(ImportStatistics))
_FILE_COLUMNS = "import_session_id file_storage_id number generation generated_at head".split()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedSession:
    """A session's row: its number in this catalog, and whether that had to differ from its file's just now."""

    session_id: int
    is_new: bool
    is_number_changed: bool


def project_head(db: Session, storage_id: int, index: SessionIndex) -> PlacedSession:
    """Keep the head of ``index`` for its storage, and set the session's row from the heads of all storages.

    Where they differ, the index that was written last holds; its counts are added up. The number of a new
    session is its file's, unless another session has it in this catalog; so is that of an author who is new here.
    ``file_storage_id`` of the file is another catalog's and ignored.
    """
    session = index.session
    row = db.execute(select(SessionRow).where(SessionRow.session_uuid == session.session_uuid)).scalar_one_or_none()
    is_new, is_number_changed = row is None, False
    if row is None:
        number = session.number
        if not 0 < number <= MAX_NUMBER or db.get(SessionRow, number) is not None:
            number = allocate_number(db, [number])
            is_number_changed = True
        row = SessionRow(
            id=number, session_uuid=session.session_uuid, title=session.title, imported_at=session.imported_at
        )
        db.add(row)
    if row.file_storage_id is None:
        row.file_storage_id = storage_id
    db.flush()
    db.merge(
        SessionFile(
            import_session_id=row.id,
            file_storage_id=storage_id,
            number=session.number,
            generation=index.generation,
            generated_at=index.generated_at,
            head=SessionHead(session=session, statistics=index.statistics),
        )
    )
    db.flush()
    head = held_head(db, row.id)
    assert head is not None
    _set_row(db, row, head)
    db.flush()
    return PlacedSession(session_id=row.id, is_new=is_new, is_number_changed=is_number_changed)


def insert_head(db: Session, storage_id: int, index: SessionIndex, session_id: int, author_id: int | None) -> None:
    """Keep the head of an index whose session nothing is known of, under this number, as ``project_head`` does."""
    session, counts = index.session, index.statistics
    row = (
        session_id,
        session.session_uuid,
        escape_text(session.title),
        escape_text(session.description),
        session.imported_at,
        storage_id,
        author_id,
        escape_text(session.source_path),
        session.status.value,
        session.copy_started_at,
        session.copy_completed_at,
        *(getattr(counts, name) for name in _COUNTS),
    )
    insert_rows(db, _SESSIONS, (*_SESSION_COLUMNS, *_COUNTS), [row])
    head = SessionHead(session=session, statistics=counts)
    said = (session_id, storage_id, session.number, index.generation, index.generated_at, head)
    insert_rows(db, _FILES, _FILE_COLUMNS, [said])


def leave_storage(db: Session, session_id: int, storage_id: int) -> None:
    """Take away the head that a session has in a storage; a session that is in no other one goes."""
    of_session = SessionFile.import_session_id == session_id
    db.execute(delete(SessionFile).where(of_session, SessionFile.file_storage_id == storage_id))
    row = db.get_one(SessionRow, session_id)
    left = sorted(db.execute(select(SessionFile.file_storage_id).where(of_session)).scalars())
    if not left:
        db.delete(row)
    else:
        if row.file_storage_id == storage_id:
            row.file_storage_id = left[0]
        head = held_head(db, session_id)
        assert head is not None
        _set_row(db, row, head)
    db.flush()


def _set_row(db: Session, row: SessionRow, head: SessionHead) -> None:
    session: ImportSession = head.session
    row.title = escape_text(session.title)
    row.description = escape_text(session.description)
    row.imported_at = session.imported_at
    author, number = session.default_author, session.default_author_id
    row.default_author_id = None if author is None else remember_author(db, author, number=number)
    row.original_source_path = escape_text(session.source_path)
    row.status = session.status.value
    row.copy_started_at = session.copy_started_at
    row.copy_completed_at = session.copy_completed_at
    set_statistics(row, head.statistics)
