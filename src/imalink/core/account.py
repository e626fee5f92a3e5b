"""Accounts: who may do what, how a name and a password have to be, and how long a wrong one has to wait."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType

from imalink.errors import UsageError

TokenId = NewType("TokenId", str)

MIN_PASSWORD_LENGTH = 10
MAX_PASSWORD_LENGTH = 1000
MAX_LABEL_LENGTH = 100
MAX_TOKEN_DAYS = 3650
SESSION_DAYS = 30
"""A login ends after so many days, however it is used."""
IDLE_DAYS = 7
"""A login that nobody used for so many days ends."""
SETUP_HOURS = 24
"""So long the token counts that a start without any account prints."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")


class Right(StrEnum):
    """What somebody may do; each also may do what stands before it."""

    ANYONE = "anyone"
    """What nobody has to log in for: to see that the server is there, and to log in."""
    READ = "read"
    EDIT = "edit"
    ADMINISTER = "administer"

    def covers(self, wanted: Right) -> bool:
        """Tell whether who has this right may do what needs ``wanted``."""
        order = list(Right)
        return order.index(self) >= order.index(wanted)


class Role(StrEnum):
    """What an account is for."""

    READ_ONLY = "read-only"
    EDITOR = "editor"
    ADMIN = "admin"

    @property
    def right(self) -> Right:
        """What somebody with this role may do."""
        return {Role.READ_ONLY: Right.READ, Role.EDITOR: Right.EDIT, Role.ADMIN: Right.ADMINISTER}[self]


class AskerKind(StrEnum):
    """By what somebody is known."""

    PROGRAM = "program"
    """ImaLink's own command line, or another program on this machine that uses the workflows."""
    TIMETABLE = "timetable"
    LOCAL = "local"
    """Somebody on this machine, while there are no accounts."""
    ANONYMOUS = "anonymous"
    LOGIN = "login"
    TOKEN = "token"  # a kind, no secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks for something. ``name`` is that of the account, if any; ``address`` where the request came from.

    ``key`` is the hash under which a login is kept, or the id of a token.
    """

    kind: AskerKind
    name: str = ""
    right: Right = Right.ADMINISTER
    address: str = ""
    key: str = ""

    @property
    def is_in_person(self) -> bool:
        """Whether somebody logged in: accounts and tokens are theirs alone to change."""
        return self.kind is AskerKind.LOGIN


THIS_PROGRAM = Asker(kind=AskerKind.PROGRAM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody who may log in."""

    name: str
    role: Role
    created_at: str
    last_login_at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """What a program identifies itself by, in the name of an account; the secret itself is kept nowhere."""

    token_id: TokenId
    account: str
    label: str
    right: Right
    created_at: str
    expires_at: str
    last_used_at: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """How often a login went wrong in a row, for a name or an address, and when last."""

    count: int
    last_at: datetime

    def wait_until(self, *, free: int, longest: timedelta) -> datetime:
        """Give when the next try may be made: after ``free`` wrong ones each waits twice as long as the last."""
        if self.count < free:
            return self.last_at
        seconds = min(2.0 ** min(self.count - free, 30), longest.total_seconds())
        return self.last_at + timedelta(seconds=seconds)


def account_name(text: str) -> str:
    """Give the name of an account as it is kept, in lower case. Raises UsageError."""
    name = text.strip().lower()
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{text!r} cannot be the name of an account. Nothing was changed.",
            hint="Use letters a to z, digits, and . _ @ - between them; 64 at most.",
            field="name",
        )
    return name


def account_password(text: str, *, name: str) -> str:
    """Give a new password as it is compared, in one spelling of its characters. Raises UsageError for a weak one."""
    password = spelt_alike(text)
    if not MIN_PASSWORD_LENGTH <= len(password) <= MAX_PASSWORD_LENGTH:
        raise UsageError(
            f"A password has {MIN_PASSWORD_LENGTH} to {MAX_PASSWORD_LENGTH} characters. Nothing was changed.",
            hint="Four or five words that have nothing to do with each other are easy to keep in mind.",
            field="password",
        )
    if len(set(password)) < 4 or password.lower() in (name, name * 2, "imalink" + name, name + "imalink"):
        raise UsageError(
            "This password is too easy to guess. Nothing was changed.", hint="Choose another one.", field="password"
        )
    return password


def spelt_alike(password: str) -> str:
    """Give a password in one spelling: keyboards of different systems compose the same character differently."""
    return unicodedata.normalize("NFKC", password)


def token_label(text: str) -> str:
    """Give what a token is called. Raises UsageError."""
    label = " ".join(text.split())
    if not 0 < len(label) <= MAX_LABEL_LENGTH or not label.isprintable():
        raise UsageError(
            f"A token is called something of 1 to {MAX_LABEL_LENGTH} printable characters. Nothing was changed.",
            hint="Name what will use it, such as: backup script.",
            field="label",
        )
    return label
