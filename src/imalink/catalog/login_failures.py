"""Logins that went wrong, counted so that they are remembered by every process and after a restart."""

from __future__ import annotations

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from imalink.catalog.account_models import LoginFailureRow
from imalink.core.account import Failures
from imalink.core.timestamps import format_instant_ns, parse_instant

KEPT_FAILURES = 10_000
"""So many names and addresses are remembered; those that were quiet for longest go."""


def find_failures(db: Session, scope: str, subject: str) -> Failures | None:
    """Give what is remembered of a name or an address."""
    row = db.get(LoginFailureRow, (scope, subject))
    return None if row is None else Failures(count=row.count, last_at=parse_instant(row.last_at))


def keep_failures(db: Session, scope: str, subject: str, failures: Failures) -> None:
    """Remember these in place of what was remembered. Commits nothing."""
    at = format_instant_ns(int(failures.last_at.timestamp() * 1_000_000) * 1000)
    row = db.get(LoginFailureRow, (scope, subject))
    if row is None:
        db.add(LoginFailureRow(scope=scope, subject=subject, count=failures.count, last_at=at))
    else:
        row.count, row.last_at = failures.count, at
    db.flush()


def clear_failures(db: Session, scope: str, subject: str) -> None:
    """Forget what is remembered of a name or an address. Commits nothing."""
    db.execute(delete(LoginFailureRow).where(LoginFailureRow.scope == scope, LoginFailureRow.subject == subject))


def forget_old_failures(db: Session, *, before: str) -> None:
    """Forget those that were quiet since ``before``, and the quietest of too many. Commits nothing."""
    db.execute(delete(LoginFailureRow).where(LoginFailureRow.last_at < before))
    count = db.execute(select(func.count()).select_from(LoginFailureRow)).scalar_one()
    if count > KEPT_FAILURES:
        query = select(LoginFailureRow.scope, LoginFailureRow.subject).order_by(LoginFailureRow.last_at)
        for scope, subject in db.execute(query.limit(count - KEPT_FAILURES)).all():
            clear_failures(db, scope, subject)
