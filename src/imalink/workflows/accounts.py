"""Accounts and tokens: made, changed, listed and taken away; each such step is written down."""

from __future__ import annotations

from datetime import timedelta

from imalink.catalog import accounts
from imalink.catalog.accounts import SetupSecret
from imalink.core.account import (
    MAX_TOKEN_DAYS,
    SETUP_HOURS,
    Account,
    ApiToken,
    Asker,
    AskerKind,
    Right,
    Role,
    TokenId,
    account_name,
    account_password,
    token_label,
)
from imalink.core.audit import AuditAction
from imalink.core.timestamps import format_instant, parse_instant
from imalink.errors import LoginRefusedError, UsageError, WrongStateError
from imalink.workflows.keys import hash_of, hash_password, new_key
from imalink.workflows.tools import Tools
from imalink.workflows.write_audit import note

TOKEN_PREFIX = "imalink_"  # what every token begins with, so that one in a log is recognised


def has_accounts(tools: Tools) -> bool:
    """Tell whether anybody may log in."""
    with tools.catalog.read() as db:
        return accounts.has_accounts(db)


def list_accounts(tools: Tools) -> list[Account]:
    """Give all accounts by name."""
    with tools.catalog.read() as db:
        return accounts.list_accounts(db)


def add_account(tools: Tools, name: str, password: str, *, role: Role) -> Account:
    """Add an account. The first one must be an administrator's. Raises UsageError."""
    name = account_name(name)
    password_hash = hash_password(account_password(password, name=name))
    with tools.catalog.begin(is_durable=True) as db:
        if role is not Role.ADMIN and not accounts.has_accounts(db):
            raise WrongStateError(
                "The first account has to be an administrator's, or nobody could change anything. Nothing was changed.",
                hint=f"Use the role {Role.ADMIN.value}.",
            )
        found = accounts.add_account(
            db, name, role=role, password_hash=password_hash, at=format_instant(tools.clock.now())
        )
        accounts.set_setup(db, None)
        note(tools, AuditAction.ACCOUNT_ADDED, name, db=db, role=role.value)
    return found


def change_account(
    tools: Tools, name: str, *, role: Role | None = None, password: str | None = None, keeping_login: str = ""
) -> Account:
    """Give an account another role or password; with the password all its logins end but that of ``keeping_login``.

    Raises UsageError, also for the last administrator; NotFoundError.
    """
    name = account_name(name)
    password_hash = None if password is None else hash_password(account_password(password, name=name))
    with tools.catalog.begin(is_durable=True) as db:
        before = accounts.get_account(db, name)
        if role is not None and role is not before.role:
            accounts.set_role(db, name, role)
            if accounts.count_admins(db) == 0:
                raise _last_admin(name)
            note(tools, AuditAction.ACCOUNT_CHANGED, name, db=db, role=role.value, role_before=before.role.value)
        if password_hash is not None:
            accounts.set_password(db, name, password_hash)
            accounts.end_logins(db, name, keeping=keeping_login)
            note(tools, AuditAction.ACCOUNT_CHANGED, name, db=db, password="changed")
        return accounts.get_account(db, name)


def remove_account(tools: Tools, name: str) -> bool:
    """Remove an account with its logins and tokens; tell whether there is another left.

    The last administrator is removed only with the last account: then nobody has to log in any more. Raises UsageError,
    NotFoundError.
    """
    name = account_name(name)
    with tools.catalog.begin(is_durable=True) as db:
        accounts.remove_account(db, name)
        has_others = accounts.has_accounts(db)
        if has_others and accounts.count_admins(db) == 0:
            raise _last_admin(name)
        note(tools, AuditAction.ACCOUNT_REMOVED, name, db=db)
    return has_others


def add_token(tools: Tools, name: str, *, label: str, right: Right, days: int) -> tuple[ApiToken, str]:
    """Add a token to an account; give it, and its secret, which is told nowhere else.

    It may do what ``right`` says, but never more than its account may at that moment, and nothing with accounts and
    tokens. Raises UsageError, NotFoundError.
    """
    name, label = account_name(name), token_label(label)
    if not 1 <= days <= MAX_TOKEN_DAYS:
        raise UsageError(f"A token counts for 1 to {MAX_TOKEN_DAYS} days. Nothing was changed.")
    if right is Right.ANYONE:
        raise UsageError("A token that may do nothing is of no use. Nothing was changed.")
    now = tools.clock.now()
    secret = new_key(TOKEN_PREFIX)
    with tools.catalog.begin(is_durable=True) as db:
        account = accounts.get_account(db, name)
        if not account.role.right.covers(right):
            raise WrongStateError(
                f"{name} is {account.role.value}, so no token in that name may do more. Nothing was changed.",
                hint=f"Ask for {account.role.right.value} or less.",
            )
        token = ApiToken(
            token_id=TokenId(tools.new_uuid()),
            account=name,
            label=label,
            right=right,
            created_at=format_instant(now),
            expires_at=format_instant(now + timedelta(days=days)),
            last_used_at=None,
        )
        accounts.add_token(db, token, hash_of(secret))
        note(
            tools,
            AuditAction.TOKEN_ADDED,
            token.token_id,
            db=db,
            account=name,
            label=label,
            right=right.value,
            expires_at=token.expires_at,
        )
    return token, secret


def list_tokens(tools: Tools, *, account: str | None = None) -> list[ApiToken]:
    """Give the tokens of all accounts or of one, the newest first."""
    with tools.catalog.read() as db:
        return accounts.list_tokens(db, account=account)


def get_token(tools: Tools, token_id: str) -> ApiToken:
    """Give a token by its id. Raises NotFoundError."""
    with tools.catalog.read() as db:
        return accounts.get_token(db, token_id)


def revoke_token(tools: Tools, token_id: str) -> ApiToken:
    """Let a token count no more, from this moment on; give what it was. Raises NotFoundError."""
    with tools.catalog.begin(is_durable=True) as db:
        token = accounts.get_token(db, token_id)
        accounts.remove_token(db, token_id)
        note(tools, AuditAction.TOKEN_REVOKED, token_id, db=db, account=token.account, label=token.label)
    return token


def prepare_setup(tools: Tools) -> str | None:
    """Give a new token with which the first account may be made within a day; None where there are accounts.

    It takes the place of one from before.
    """
    secret = new_key()
    until = format_instant(tools.clock.now() + timedelta(hours=SETUP_HOURS))
    with tools.catalog.begin(is_durable=True) as db:
        if accounts.has_accounts(db):
            return None
        accounts.set_setup(db, SetupSecret(key_hash=hash_of(secret), expires_at=until))
    return secret


def set_up(tools: Tools, secret: str, name: str, password: str, *, address: str) -> Account:
    """Make the first account, an administrator's, for whoever read the token on the console.

    Raises LoginRefusedError for another token, one too old, and once there is an account; UsageError.
    """
    name = account_name(name)
    _check_setup(tools, secret)
    password_hash = hash_password(account_password(password, name=name))
    with tools.catalog.begin(is_durable=True) as db:
        found = accounts.find_setup(db)
        if accounts.has_accounts(db) or found is None or found.key_hash != hash_of(secret):
            raise _no_setup()  # another was faster
        accounts.set_setup(db, None)
        at = format_instant(tools.clock.now())
        account = accounts.add_account(db, name, role=Role.ADMIN, password_hash=password_hash, at=at)
        asker = Asker(kind=AskerKind.ANONYMOUS, right=Right.ANYONE, address=address)
        note(tools, AuditAction.ACCOUNT_ADDED, name, asker=asker, db=db, role=Role.ADMIN.value, by="set-up token")
    return account


def _check_setup(tools: Tools, secret: str) -> None:
    with tools.catalog.read() as db:
        found = accounts.find_setup(db)
    # Hashes are compared, so how long that takes tells nothing of the token.
    if found is None or found.key_hash != hash_of(secret) or parse_instant(found.expires_at) <= tools.clock.now():
        raise _no_setup()


def _no_setup() -> LoginRefusedError:
    return LoginRefusedError(
        "With this token no first account can be made. Nothing was changed.",
        hint="Start the server again and use the token it prints then, or `imalink user add`.",
    )


def _last_admin(name: str) -> WrongStateError:
    return WrongStateError(
        f"{name} is the last administrator; without one nobody could change accounts. Nothing was changed.",
        hint="Make somebody else an administrator first.",
    )
