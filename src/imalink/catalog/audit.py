"""What is written down of who did what: added, listed, and after a long time forgotten."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from imalink.catalog.account_models import AuditRow
from imalink.core.account import AskerKind
from imalink.core.audit import AuditAction, AuditEvent

KEPT_EVENTS = 100_000
KEPT_REFUSALS = 5_000
"""Refused logins are counted apart: a stranger who tries many must not push out what others did."""


def add_event(db: Session, event: AuditEvent) -> None:
    """Write down what somebody did. Commits nothing."""
    row = AuditRow(
        at=event.at,
        action=event.action.value,
        by_kind=event.by_kind.value,
        by_name=event.by_name,
        address=event.address,
        subject=event.subject,
        facts=dict(event.facts),
    )
    db.add(row)
    db.flush()
    if row.id % 100 == 0:  # the look costs; a few more than that may stand there for a while
        _forget(db, AuditRow.action == AuditAction.LOGIN_REFUSED.value, kept=KEPT_REFUSALS)
        _forget(db, AuditRow.action != AuditAction.LOGIN_REFUSED.value, kept=KEPT_EVENTS)


def list_events(
    db: Session, *, actions: Collection[AuditAction] = (), before: int | None = None, limit: int = 100
) -> list[AuditEvent]:
    """Give events, the newest first: all or those of some kinds, and only those before the one numbered ``before``."""
    query = select(AuditRow).order_by(AuditRow.id.desc()).limit(limit)
    if actions:
        query = query.where(AuditRow.action.in_([each.value for each in actions]))
    if before is not None:
        query = query.where(AuditRow.id < before)
    return [_event_of(row) for row in db.execute(query).scalars()]


def _forget(db: Session, alike: ColumnElement[bool], *, kept: int) -> None:
    last = db.execute(select(AuditRow.id).where(alike).order_by(AuditRow.id.desc()).offset(kept).limit(1)).scalar()
    if last is not None:
        db.execute(delete(AuditRow).where(alike, AuditRow.id <= last))


def count_events(db: Session) -> int:
    """Count what is written down."""
    return db.execute(select(func.count()).select_from(AuditRow)).scalar_one()


def _event_of(row: AuditRow) -> AuditEvent:
    return AuditEvent(
        number=row.id,
        at=row.at,
        action=AuditAction(row.action),
        by_kind=AskerKind(row.by_kind),
        by_name=row.by_name,
        address=row.address,
        subject=row.subject,
        facts=row.facts,
    )
