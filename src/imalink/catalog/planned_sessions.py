"""Sessions into which nothing came yet, from what the library says of them: as rows, until an index tells of them."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from imalink.catalog.bulk import chunks
from imalink.catalog.import_sessions import allocate_number, create_session
from imalink.catalog.library import live_items, load_library
from imalink.catalog.models import FileStorage, SessionFile
from imalink.catalog.models import ImportSession as SessionRow
from imalink.core.ids import SessionUuid
from imalink.core.library import ItemKind
from imalink.core.planned_session import PlannedSession, planned_from
from imalink.core.session import SessionStatus


def settle_planned(db: Session) -> None:
    """Let there be a session for each that the library tells of, and none that it says is deleted. Commits nothing.

    Where an index tells of a session, or its first import runs, that counts and nothing is changed. A session keeps its
    number where that is free.
    """
    items = {key for _, key in load_library(db, kind=ItemKind.SESSION)}
    planned = {key: planned_from(key, values) for key, values in live_items(db, ItemKind.SESSION)}
    known, indexed = _known(db, items)
    for key in sorted(items):
        plan, row = planned.get(key), known.get(key)
        if row is None:
            if plan is not None:
                _make(db, plan)
        elif row.id not in indexed and row.status == SessionStatus.CREATED and row.copy_started_at is None:
            if plan is not None:
                row.title, row.description = plan.session.title, plan.session.description
            elif key not in planned:
                db.delete(row)
    db.flush()


def find_planned(db: Session) -> set[SessionUuid]:
    """Give the sessions that the library tells of."""
    return {SessionUuid(key) for key, _ in live_items(db, ItemKind.SESSION)}


def _known(db: Session, keys: set[str]) -> tuple[dict[str, SessionRow], set[int]]:
    """Give the sessions there are by UUID, and the numbers of those that an index tells of."""
    rows: dict[str, SessionRow] = {}
    indexed: set[int] = set()
    for chunk in chunks(sorted(keys)):
        found = list(db.execute(select(SessionRow).where(SessionRow.session_uuid.in_(chunk))).scalars())
        rows.update((row.session_uuid, row) for row in found)
        ids = [row.id for row in found]
        told = select(SessionFile.import_session_id).where(SessionFile.import_session_id.in_(ids))
        indexed.update(db.execute(told).scalars())
    return rows, indexed


def _make(db: Session, plan: PlannedSession) -> None:
    session = plan.session
    if session.number == 0 or db.get(SessionRow, session.number) is not None:
        session = replace(session, number=allocate_number(db))
    is_known = db.execute(select(FileStorage.id).where(FileStorage.storage_uuid == (plan.storage_uuid or ""))).first()
    create_session(db, session, storage_uuid=plan.storage_uuid if is_known is not None else None)
