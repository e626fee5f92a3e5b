"""Logging in and being recognised: by name and password, then by what the cookie holds; programs by a token."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from imalink.catalog import accounts, login_failures
from imalink.catalog.catalog import Db
from imalink.core.account import (
    IDLE_DAYS,
    MAX_PASSWORD_LENGTH,
    SESSION_DAYS,
    Account,
    Asker,
    AskerKind,
    Failures,
    Right,
    spelt_alike,
)
from imalink.core.audit import AuditAction
from imalink.core.timestamps import format_instant, parse_instant
from imalink.errors import CatalogError, LoginRefusedError, TooManyTriesError
from imalink.workflows.accounts import change_account
from imalink.workflows.keys import hash_of, hash_password, is_outdated, is_password, new_key
from imalink.workflows.tools import Tools
from imalink.workflows.write_audit import note

_FREE = {"name": 10, "address": 20}
"""So many wrong tries in a row wait for nothing."""
_LONGEST = {"name": timedelta(minutes=1), "address": timedelta(minutes=15)}
"""So long a further one waits at most. For a name that is short, or a stranger could keep its owner out."""
_FORGOTTEN_AFTER = timedelta(days=1)
_TOUCHED_AFTER = timedelta(minutes=10)
"""When a login or token was last used is written down so often at most."""


def sign_in(tools: Tools, name: str, password: str, *, address: str) -> tuple[Asker, str]:
    """Log in: give who that is, and the secret by which they are recognised from now on.

    Every try is counted before it is looked at, for its name and its address, so that many at a time are counted too,
    and none is looked at that cannot be counted. Raises LoginRefusedError, TooManyTriesError, CatalogError.
    """
    name = name.strip().lower()
    subjects = _subjects(name, address)
    _count(tools, subjects)
    with tools.catalog.read() as db:
        kept = accounts.find_password(db, name)
    spelt = spelt_alike(password[: MAX_PASSWORD_LENGTH + 1])
    if not is_password(kept, spelt) or kept is None:
        asker = Asker(kind=AskerKind.ANONYMOUS, right=Right.ANYONE, address=address)
        # A name that is none may be a password, typed into the wrong field.
        note(tools, AuditAction.LOGIN_REFUSED, "an unknown account" if kept is None else name, asker=asker)
        raise LoginRefusedError("The name or the password is wrong.")
    renewed = hash_password(spelt) if is_outdated(kept) else None
    now = tools.clock.now()
    secret = new_key()
    with tools.catalog.begin(is_durable=True) as db:
        account = accounts.find_account(db, name)
        if account is None or accounts.find_password(db, name) != kept:
            raise LoginRefusedError("The name or the password is wrong.")  # it was changed in this very moment
        if renewed is not None:
            accounts.set_password(db, name, renewed)
        _forgive(db, subjects)
        until = format_instant(now + timedelta(days=SESSION_DAYS))
        accounts.add_login(db, name, hash_of(secret), at=format_instant(now), expires_at=until)
        asker = Asker(kind=AskerKind.LOGIN, name=name, right=account.role.right, address=address, key=hash_of(secret))
        note(tools, AuditAction.LOGIN, name, asker=asker, db=db)
    return asker, secret


def change_own_password(tools: Tools, asker: Asker, before: str, after: str) -> Account:
    """Give who logged in another password if they know the one of before; their other logins end.

    Wrong tries are counted as those of logging in are. Raises LoginRefusedError, TooManyTriesError, UsageError.
    """
    subjects = _subjects(asker.name, asker.address)
    _count(tools, subjects)
    with tools.catalog.read() as db:
        kept = accounts.find_password(db, asker.name)
    if not is_password(kept, spelt_alike(before)):
        note(tools, AuditAction.LOGIN_REFUSED, asker.name, asker=asker)
        raise LoginRefusedError("The password of before is wrong. Nothing was changed.")
    with tools.catalog.begin(is_durable=True) as db:
        _forgive(db, subjects)
    return change_account(tools, asker.name, password=after, keeping_login=asker.key)


def sign_out(tools: Tools, asker: Asker) -> None:
    """End the login by which somebody is recognised."""
    with tools.catalog.begin(is_durable=True) as db:
        accounts.end_login(db, asker.key)
        note(tools, AuditAction.LOGOUT, asker.name, asker=asker, db=db)


def find_login(tools: Tools, secret: str, *, address: str) -> Asker | None:
    """Tell who is recognised by what a cookie holds; None if that counts no more."""
    now, key = tools.clock.now(), hash_of(secret)
    idle_since = format_instant(now - timedelta(days=IDLE_DAYS))
    with tools.catalog.read() as db:
        found = accounts.find_login(db, key, at=format_instant(now), idle_since=idle_since)
    if found is None:
        return None
    if parse_instant(found.seen_at) < now - _TOUCHED_AFTER:
        with suppress(CatalogError), tools.catalog.begin() as db:
            accounts.touch_login(db, key, at=format_instant(now))
    account = found.account
    return Asker(kind=AskerKind.LOGIN, name=account.name, right=account.role.right, address=address, key=key)


def find_token(tools: Tools, secret: str, *, address: str) -> Asker | None:
    """Tell in whose name a program asks that sends this token, and with what right; None if it counts no more."""
    now = tools.clock.now()
    with tools.catalog.read() as db:
        found = accounts.find_token(db, hash_of(secret), at=format_instant(now))
    if found is None:
        return None
    token = found.token
    if token.last_used_at is None or parse_instant(token.last_used_at) < now - _TOUCHED_AFTER:
        with suppress(CatalogError), tools.catalog.begin() as db:
            accounts.touch_token(db, token.token_id, at=format_instant(now))
    right = token.right if found.role.right.covers(token.right) else found.role.right
    return Asker(kind=AskerKind.TOKEN, name=token.account, right=right, address=address, key=token.token_id)


def network_of(address: str) -> str:
    """Give what tries are counted for: an IPv4 address, or the network of an IPv6 one, which one household has."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found.packed[:8] + bytes(8), 64)))
    return str(found)


def _subjects(name: str, address: str) -> dict[str, str]:
    # What was typed as a name may be a password, so its hash is kept.
    return {"name": hash_of(name), "address": network_of(address)}


def _count(tools: Tools, subjects: dict[str, str]) -> None:
    """Count one more try, or refuse it as it has to wait. Raises TooManyTriesError, CatalogError."""
    now = tools.clock.now()
    with tools.catalog.begin(is_durable=True) as db:
        login_failures.forget_old_failures(db, before=format_instant(now - _FORGOTTEN_AFTER))
        wait = max((_wait(db, scope, subject, now) for scope, subject in subjects.items()), default=0.0)
        if wait <= 0:
            for scope, subject, failures in _failures(db, subjects):
                login_failures.keep_failures(
                    db, scope, subject, replace(failures, count=failures.count + 1, last_at=now)
                )
    if wait > 0:
        raise TooManyTriesError(
            "Too many tries to log in went wrong.", wait_seconds=int(wait) + 1, hint="Wait a little before the next."
        )


def _wait(db: Db, scope: str, subject: str, now: datetime) -> float:
    failures = login_failures.find_failures(db, scope, subject)
    if failures is None:
        return 0.0
    if failures.last_at > now:  # the clock was set back: it waits from now on, not until that time comes again
        failures = replace(failures, last_at=now)
        login_failures.keep_failures(db, scope, subject, failures)
    return (failures.wait_until(free=_FREE[scope], longest=_LONGEST[scope]) - now).total_seconds()


def _failures(db: Db, subjects: dict[str, str]) -> Iterator[tuple[str, str, Failures]]:
    none = Failures(count=0, last_at=datetime.min)
    for scope, subject in subjects.items():
        yield scope, subject, login_failures.find_failures(db, scope, subject) or none


def _forgive(db: Db, subjects: dict[str, str]) -> None:
    """Take back the count of a try that was right. Who has an account must not clear an address by logging in."""
    login_failures.clear_failures(db, "name", subjects["name"])
    for scope, subject, failures in _failures(db, {"address": subjects["address"]}):
        if failures.count <= 1:
            login_failures.clear_failures(db, scope, subject)
        else:
            login_failures.keep_failures(db, scope, subject, replace(failures, count=failures.count - 1))
