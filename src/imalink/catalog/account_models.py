"""The tables of who may log in, and of who did what.

They belong to this catalog and to no other: a backup does not have them, and a restore or a recovery neither brings nor
takes any (decision 70).
"""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, Integer
from sqlalchemy.orm import Mapped, mapped_column, relationship

from imalink.catalog.column_types import CoreJson, Digest, Instant, ShortText, StoredText
from imalink.catalog.model_base import Base


class AccountRow(Base):
    """Somebody who may log in; ``password`` is an Argon2id hash with its parameters."""

    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(ShortText(64), unique=True)
    role: Mapped[str] = mapped_column(ShortText(20))
    password: Mapped[str] = mapped_column(StoredText)
    created_at: Mapped[str] = mapped_column(Instant)
    last_login_at: Mapped[str | None] = mapped_column(Instant)


class LoginRow(Base):
    """A login that was not ended: the SHA-256 of what the cookie holds, and until when it counts."""

    __tablename__ = "logins"

    key_hash: Mapped[str] = mapped_column(Digest, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    created_at: Mapped[str] = mapped_column(Instant)
    seen_at: Mapped[str] = mapped_column(Instant)
    expires_at: Mapped[str] = mapped_column(Instant)

    account: Mapped[AccountRow] = relationship(lazy="raise")


class ApiTokenRow(Base):
    """A token of an account: the SHA-256 of it, what it may do at most, and until when."""

    __tablename__ = "api_tokens"

    token_id: Mapped[str] = mapped_column(ShortText(36), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    label: Mapped[str] = mapped_column(StoredText)
    scope: Mapped[str] = mapped_column(ShortText(20))
    key_hash: Mapped[str] = mapped_column(Digest, unique=True)
    created_at: Mapped[str] = mapped_column(Instant)
    expires_at: Mapped[str] = mapped_column(Instant)
    last_used_at: Mapped[str | None] = mapped_column(Instant)

    account: Mapped[AccountRow] = relationship(lazy="raise")


class LoginFailureRow(Base):
    """How often a login went wrong in a row: for a name, or from an address (``scope``)."""

    __tablename__ = "login_failures"

    scope: Mapped[str] = mapped_column(ShortText(20), primary_key=True)
    subject: Mapped[str] = mapped_column(ShortText(64), primary_key=True)
    count: Mapped[int] = mapped_column(Integer)
    last_at: Mapped[str] = mapped_column(Instant, index=True)


class SetupRow(Base):
    """The SHA-256 of the token with which the first account may be made; one row at most, with the id 1."""

    __tablename__ = "account_setup"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    key_hash: Mapped[str] = mapped_column(Digest)
    expires_at: Mapped[str] = mapped_column(Instant)


class AuditRow(Base):
    """One thing that somebody did."""

    __tablename__ = "audit_events"
    __table_args__ = (Index(None, "action", "id"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[str] = mapped_column(Instant)
    action: Mapped[str] = mapped_column(ShortText(40))
    by_kind: Mapped[str] = mapped_column(ShortText(20))
    by_name: Mapped[str] = mapped_column(StoredText)
    address: Mapped[str] = mapped_column(StoredText)
    subject: Mapped[str] = mapped_column(StoredText)
    facts: Mapped[dict[str, object]] = mapped_column(CoreJson(dict[str, object]))


OF_THIS_CATALOG = frozenset(
    model.__tablename__ for model in (AccountRow, LoginRow, ApiTokenRow, LoginFailureRow, SetupRow, AuditRow)
)
"""The tables that are never copied into another catalog, nor replaced by those of one."""
