"""Accounts, tokens and what is written down, as JSON has them. No secret is in any of it."""

from __future__ import annotations

from imalink.answers import json_text
from imalink.core.account import Account, ApiToken, Asker
from imalink.core.audit import AuditEvent


def account_json(account: Account) -> dict[str, object]:
    """Give an account as JSON has it."""
    return {
        "name": account.name,
        "role": account.role.value,
        "created_at": account.created_at,
        "last_login_at": account.last_login_at,
    }


def token_json(token: ApiToken) -> dict[str, object]:
    """Give a token as JSON has it; the secret itself nobody knows any more."""
    return {
        "token_id": token.token_id,
        "account": token.account,
        "label": json_text(token.label),
        "scope": token.right.value,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
    }


def asker_json(asker: Asker) -> dict[str, object]:
    """Give who asks, and what they may do, as JSON has it."""
    return {"known_by": asker.kind.value, "name": asker.name or None, "right": asker.right.value}


def event_json(event: AuditEvent) -> dict[str, object]:
    """Give something that somebody did as JSON has it."""
    return {
        "number": event.number,
        "at": event.at,
        "action": event.action.value,
        "by": event.by_kind.value,
        "name": json_text(event.by_name) or None,
        "address": json_text(event.address) or None,
        "subject": json_text(event.subject),
        "facts": {
            json_text(name): json_text(value) if isinstance(value, str) else value
            for name, value in event.facts.items()
        },
    }
