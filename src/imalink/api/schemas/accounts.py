"""Accounts, logins, tokens and what is written down, over HTTP."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from imalink.api.schemas.envelope import Asking, Paged
from imalink.api.schemas.storages import UUID_EXAMPLE
from imalink.core.account import MAX_LABEL_LENGTH, MAX_PASSWORD_LENGTH, MAX_TOKEN_DAYS, MIN_PASSWORD_LENGTH
from imalink.core.audit import AuditAction
from imalink.core.plain_text import LINE_PATTERN

RoleName = Literal["read-only", "editor", "admin"]
Scope = Literal["read", "edit", "administer"]

_NAME = Field(min_length=1, max_length=64, pattern=LINE_PATTERN, examples=["ada"])
_NEW_PASSWORD = Field(
    min_length=MIN_PASSWORD_LENGTH, max_length=MAX_PASSWORD_LENGTH, examples=["correct horse battery staple"]
)


class Credentials(Asking):
    """By what somebody logs in."""

    name: str = _NAME
    password: str = Field(min_length=1, max_length=MAX_PASSWORD_LENGTH, examples=["correct horse battery staple"])


class Setup(Asking):
    """The first account, an administrator's."""

    token: str = Field(min_length=1, max_length=200, description="What the server printed when it started.",
        examples=["rC7uXo0wYt1o4bq2rUoQ0yq4mJ8Wn1gk5d3o7mE2v9A"])  # fmt: skip
    name: str = _NAME
    password: str = _NEW_PASSWORD


class NewPassword(Asking):
    """One's own new password."""

    password_before: str = Field(min_length=1, max_length=MAX_PASSWORD_LENGTH, examples=["correct horse"])
    password: str = _NEW_PASSWORD


class NewAccount(Asking):
    """Somebody who is to log in."""

    name: str = _NAME
    password: str = _NEW_PASSWORD
    role: RoleName = Field(examples=["editor"])


class AccountChange(Asking):
    """What is to be different about an account; what is not named stays. All its logins end with a new password."""

    role: RoleName | None = Field(default=None, examples=["read-only"])
    password: str | None = Field(default=None, min_length=MIN_PASSWORD_LENGTH, max_length=MAX_PASSWORD_LENGTH)


class NewToken(Asking):
    """A token for a program, in one's own name."""

    label: str = Field(min_length=1, max_length=MAX_LABEL_LENGTH, examples=["backup script"])
    scope: Scope = Field(default="read", description="What it may do at most.")
    days: int = Field(default=365, ge=1, le=MAX_TOKEN_DAYS, description="How long it counts.")


class Me(BaseModel):
    """Who asks, and what they may do."""

    known_by: Literal["local", "anonymous", "login", "token"] = Field(description="`local`: nobody has to log in here.")
    name: str | None
    right: Literal["anyone", "read", "edit", "administer"]
    login_needed: bool = Field(description="Whether this server asks who it is.")
    setup_needed: bool = Field(description="Whether the first account is still to be made.")


class Account(BaseModel):
    """Somebody who may log in."""

    name: str
    role: RoleName
    created_at: str
    last_login_at: str | None


class FoundAccount(BaseModel):
    """One account."""

    account: Account


class AccountList(Paged):
    """All accounts, by name."""

    accounts: list[Account]


class Token(BaseModel):
    """What a program identifies itself by."""

    token_id: str = Field(examples=[UUID_EXAMPLE])
    account: str
    label: str
    scope: Scope
    created_at: str
    expires_at: str
    last_used_at: str | None


class MadeToken(BaseModel):
    """A new token, and what is to be sent: it is told this once only."""

    token: Token
    secret: str


class FoundToken(BaseModel):
    """One token."""

    token: Token


class TokenList(Paged):
    """Tokens, the newest first."""

    tokens: list[Token]


class RemovedAccount(BaseModel):
    """An account that is no more."""

    removed: str


class AuditEvent(BaseModel):
    """Something that somebody did. docs/security.md has every action."""

    number: int
    at: str
    action: AuditAction
    by: str = Field(examples=["login"])
    name: str | None
    address: str | None
    subject: str
    facts: dict[str, object]


class AuditList(BaseModel):
    """What is written down, the newest first; ``next`` is what to say as ``before`` for what comes after."""

    events: list[AuditEvent]
    next: int | None
