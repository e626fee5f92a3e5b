"""What is written down of who did what: logins, deletions, decisions to trust."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from imalink.core.account import Asker, AskerKind


class AuditAction(StrEnum):
    """What somebody did."""

    LOGIN = "login"
    LOGIN_REFUSED = "login-refused"
    LOGOUT = "logout"
    ACCOUNT_ADDED = "account-added"
    ACCOUNT_CHANGED = "account-changed"
    ACCOUNT_REMOVED = "account-removed"
    TOKEN_ADDED = "token-added"  # an action, no secret
    TOKEN_REVOKED = "token-revoked"
    PHOTOS_DELETED = "photos-deleted"
    PHOTOS_RESTORED = "photos-restored"
    TRASH_EMPTIED = "trash-emptied"
    QUARANTINE_EMPTIED = "quarantine-emptied"
    SESSION_ROLLED_BACK = "session-rolled-back"
    SESSION_DELETED = "session-deleted"
    OPERATION_UNDONE = "operation-undone"
    MISSING_REMOVED = "missing-removed"
    STORAGE_FORGOTTEN = "storage-forgotten"
    STORAGE_TRUSTED = "storage-trusted"
    LOCK_BROKEN = "lock-broken"
    BACKUP_RESTORED = "backup-restored"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One thing somebody did. ``subject`` is what it was done to; ``facts`` are JSON. Neither ever holds a secret."""

    number: int = 0
    at: str
    action: AuditAction
    by_kind: AskerKind
    by_name: str
    address: str
    subject: str
    facts: Mapping[str, object] = field(default_factory=dict[str, object])


def audit_event(
    asker: Asker, action: AuditAction, *, at: str, subject: str, facts: Mapping[str, object] | None = None
) -> AuditEvent:
    """Give what is written down when somebody did something."""
    return AuditEvent(
        at=at,
        action=action,
        by_kind=asker.kind,
        by_name=asker.name,
        address=asker.address,
        subject=subject,
        facts=facts or {},
    )
