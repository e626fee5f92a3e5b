"""Accounts, their logins and tokens as the catalog keeps them; of every secret it has the hash only."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.orm import Session

from imalink.catalog.account_models import AccountRow, ApiTokenRow, LoginRow, SetupRow
from imalink.core.account import Account, ApiToken, Right, Role, TokenId
from imalink.errors import NotFoundError, WrongStateError


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownLogin:
    """A login that counts: whose it is, and when it was last seen."""

    account: Account
    seen_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownToken:
    """A token that counts, and the role of its account, which it does not go beyond."""

    token: ApiToken
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupSecret:
    """The hash of the token with which the first account may be made."""

    key_hash: str
    expires_at: str


# Accounts


def has_accounts(db: Session) -> bool:
    """Tell whether anybody may log in."""
    return db.execute(select(AccountRow.id).limit(1)).first() is not None


def list_accounts(db: Session) -> list[Account]:
    """Give all accounts by name."""
    return [_account_of(row) for row in db.execute(select(AccountRow).order_by(AccountRow.name)).scalars()]


def find_account(db: Session, name: str) -> Account | None:
    """Give an account by its name."""
    row = _find(db, name)
    return None if row is None else _account_of(row)


def get_account(db: Session, name: str) -> Account:
    """Give an account by its name. Raises NotFoundError."""
    return _account_of(_get(db, name))


def find_password(db: Session, name: str) -> str | None:
    """Give the hash of an account's password."""
    return db.execute(select(AccountRow.password).where(AccountRow.name == name)).scalar()


def add_account(db: Session, name: str, *, role: Role, password_hash: str, at: str) -> Account:
    """Add an account. Commits nothing. Raises UsageError if there is one of that name."""
    if _find(db, name) is not None:
        raise WrongStateError(f"There is an account {name} already. Nothing was changed.", hint="Choose another name.")
    row = AccountRow(name=name, role=role.value, password=password_hash, created_at=at, last_login_at=None)
    db.add(row)
    db.flush()
    return _account_of(row)


def set_role(db: Session, name: str, role: Role) -> None:
    """Give an account another role; its logins and tokens have it from their next request on. Commits nothing."""
    _get(db, name).role = role.value
    db.flush()


def set_password(db: Session, name: str, password_hash: str) -> None:
    """Give an account another password. Commits nothing. Raises NotFoundError."""
    _get(db, name).password = password_hash
    db.flush()


def remove_account(db: Session, name: str) -> None:
    """Remove an account with its logins and tokens. Commits nothing. Raises NotFoundError."""
    row = _get(db, name)
    for model in (LoginRow, ApiTokenRow):
        db.execute(delete(model).where(model.account_id == row.id))
    db.delete(row)
    db.flush()


def count_admins(db: Session) -> int:
    """Count the accounts that may do everything."""
    query = select(func.count()).select_from(AccountRow).where(AccountRow.role == Role.ADMIN.value)
    return db.execute(query).scalar_one()


# Logins


def add_login(db: Session, name: str, key_hash: str, *, at: str, expires_at: str) -> None:
    """Remember a login, and forget those that count no more. Commits nothing."""
    row = _get(db, name)
    row.last_login_at = at
    db.execute(delete(LoginRow).where(LoginRow.expires_at <= at))
    db.add(LoginRow(key_hash=key_hash, account_id=row.id, created_at=at, seen_at=at, expires_at=expires_at))
    db.flush()


def find_login(db: Session, key_hash: str, *, at: str, idle_since: str) -> KnownLogin | None:
    """Give the login with this hash if it counts at ``at`` and was used after ``idle_since``."""
    query = (
        select(AccountRow, LoginRow.seen_at)
        .join(LoginRow, LoginRow.account_id == AccountRow.id)
        .where(LoginRow.key_hash == key_hash, LoginRow.expires_at > at, LoginRow.seen_at > idle_since)
    )
    found = db.execute(query).first()
    return None if found is None else KnownLogin(account=_account_of(found[0]), seen_at=found[1])


def touch_login(db: Session, key_hash: str, *, at: str) -> None:
    """Remember when a login was last used. Commits nothing."""
    db.execute(update(LoginRow).where(LoginRow.key_hash == key_hash).values(seen_at=at))


def end_login(db: Session, key_hash: str) -> None:
    """Forget a login. Commits nothing."""
    db.execute(delete(LoginRow).where(LoginRow.key_hash == key_hash))


def end_logins(db: Session, name: str, *, keeping: str = "") -> None:
    """Forget all logins of an account but the one with the hash ``keeping``. Commits nothing."""
    of_account = delete(LoginRow).where(LoginRow.account_id == _get(db, name).id)
    db.execute(of_account if not keeping else of_account.where(LoginRow.key_hash != keeping))


# Tokens


def add_token(db: Session, token: ApiToken, key_hash: str) -> None:
    """Remember a token, and forget those of its account that count no more. Commits nothing. Raises NotFoundError."""
    row = _get(db, token.account)
    db.execute(delete(ApiTokenRow).where(ApiTokenRow.account_id == row.id, ApiTokenRow.expires_at <= token.created_at))
    db.add(
        ApiTokenRow(
            token_id=token.token_id,
            account_id=row.id,
            label=token.label,
            scope=token.right.value,
            key_hash=key_hash,
            created_at=token.created_at,
            expires_at=token.expires_at,
            last_used_at=None,
        )
    )
    db.flush()


def list_tokens(db: Session, *, account: str | None = None) -> list[ApiToken]:
    """Give the tokens of all accounts or of one, the newest first."""
    query = _TOKENS.order_by(ApiTokenRow.created_at.desc(), ApiTokenRow.token_id)
    if account is not None:
        query = query.where(AccountRow.name == account)
    return [_token_of(*row) for row in db.execute(query)]


def get_token(db: Session, token_id: str) -> ApiToken:
    """Give a token by its id. Raises NotFoundError."""
    row = db.execute(_TOKENS.where(ApiTokenRow.token_id == token_id)).first()
    if row is None:
        raise NotFoundError(f"There is no token {token_id!r}.", hint="`imalink token list` shows those there are.")
    return _token_of(*row)


def find_token(db: Session, key_hash: str, *, at: str) -> KnownToken | None:
    """Give the token with this hash if it counts at ``at``."""
    row = db.execute(_TOKENS.where(ApiTokenRow.key_hash == key_hash, ApiTokenRow.expires_at > at)).first()
    return None if row is None else KnownToken(token=_token_of(*row), role=Role(row[1].role))


def touch_token(db: Session, token_id: str, *, at: str) -> None:
    """Remember when a token was last used. Commits nothing."""
    db.execute(update(ApiTokenRow).where(ApiTokenRow.token_id == token_id).values(last_used_at=at))


def remove_token(db: Session, token_id: str) -> None:
    """Let a token count no more. Commits nothing."""
    db.execute(delete(ApiTokenRow).where(ApiTokenRow.token_id == token_id))


# The first account


def set_setup(db: Session, secret: SetupSecret | None) -> None:
    """Remember what the first account may be made with, in place of what was there; None: nothing. Commits nothing."""
    db.execute(delete(SetupRow))
    if secret is not None:
        db.add(SetupRow(id=1, key_hash=secret.key_hash, expires_at=secret.expires_at))
        db.flush()


def find_setup(db: Session) -> SetupSecret | None:
    """Give what the first account may be made with."""
    row = db.get(SetupRow, 1)
    return None if row is None else SetupSecret(key_hash=row.key_hash, expires_at=row.expires_at)


_TOKENS: Select[ApiTokenRow, AccountRow] = select(ApiTokenRow, AccountRow).join(
    AccountRow, AccountRow.id == ApiTokenRow.account_id
)


def _find(db: Session, name: str) -> AccountRow | None:
    return db.execute(select(AccountRow).where(AccountRow.name == name)).scalar_one_or_none()


def _get(db: Session, name: str) -> AccountRow:
    row = _find(db, name)
    if row is None:
        raise NotFoundError(f"There is no account {name!r}.", hint="`imalink user list` shows those there are.")
    return row


def _account_of(row: AccountRow) -> Account:
    return Account(name=row.name, role=Role(row.role), created_at=row.created_at, last_login_at=row.last_login_at)


def _token_of(row: ApiTokenRow, account: AccountRow) -> ApiToken:
    return ApiToken(
        token_id=TokenId(row.token_id),
        account=account.name,
        label=row.label,
        right=Right(row.scope),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )
