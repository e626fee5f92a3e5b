"""The gate of a server: who asks, by cookie, token or nothing, and whether that is enough."""

from __future__ import annotations

import threading
import time

from starlette.requests import HTTPConnection
from starlette.responses import Response

from imalink.core.account import SESSION_DAYS, Asker, AskerKind, Right
from imalink.errors import LoginNeededError, LoginRefusedError, NotAllowedError
from imalink.workflows.accounts import has_accounts
from imalink.workflows.sign_in import find_login, find_token
from imalink.workflows.tools import Tools

COOKIE = "imalink"
SECURE_COOKIE = "__Host-imalink"
"""Its name where the connection is encrypted: browsers then see to it that no other host and no plain page sets it."""
_LOOKED_UP_SECONDS = 1.0
_MAX_RECENT = 1000


class AccountGate:
    """Lets everyone on this machine do everything as long as there are no accounts, else asks who it is.

    ``asks_always``: nobody passes without an account, also while there are none.
    """

    def __init__(self, tools: Tools, *, asks_always: bool) -> None:
        self._tools = tools
        self._asks_always = asks_always
        self._looking = threading.Lock()
        self._has_accounts: tuple[bool, float] | None = None
        """Whether there are accounts, and when that was looked up; replaced as a whole, so read without a lock."""
        self._lock = threading.Lock()
        self._recent: dict[str, tuple[Asker, float]] = {}

    def __call__(self, connection: HTTPConnection, right: Right) -> Asker:
        """Tell who asks. Raises LoginNeededError, LoginRefusedError, NotAllowedError, CatalogError."""
        try:
            asker = self._recognise(connection)
        except LoginRefusedError:
            if right is not Right.ANYONE:
                raise
            asker = _anonymous(connection)
        if asker.right.covers(right):
            self._keep_recent(connection, asker)
            return asker
        if asker.kind is AskerKind.ANONYMOUS:
            raise LoginNeededError(
                "One has to log in for this. Nothing was changed.",
                hint="POST /api/v1/auth/login, or send a token: `imalink token add` makes one.",
            )
        raise NotAllowedError(
            f"{asker.name} may {asker.right.value} and no more. Nothing was changed.",
            hint=f"An administrator can give the right to {right.value}.",
        )

    def asks_for_login(self) -> bool:
        """Tell whether one has to log in; of an account that another process adds it knows within a second."""
        if self._asks_always:
            return True
        with self._looking:
            known = self._has_accounts
            if known is None or not self._is_fresh(known[1], time.monotonic()):
                known = self._has_accounts = has_accounts(self._tools), time.monotonic()
            return known[0]

    def needs_setup(self) -> bool:
        """Tell whether one has to log in, and nobody can yet."""
        return self._asks_always and not has_accounts(self._tools)

    def forget(self) -> None:
        """Look anew whether there are accounts, because one was added or removed."""
        with self._looking:
            self._has_accounts = None
        with self._lock:
            self._recent.clear()

    def find_local(self, connection: HTTPConnection) -> Asker | None:
        """Give who asks where nobody has to say who they are, if that was looked up within this second; else None.

        Never waits, so it can be asked where nothing may.
        """
        known = self._has_accounts
        if self._asks_always or known is None or known[0] or not self._is_fresh(known[1], time.monotonic()):
            return None
        return Asker(kind=AskerKind.LOCAL, address=address_of(connection))

    def find_recent(self, connection: HTTPConnection) -> Asker | None:
        """Give who asks if that was looked up within this second, without waiting for the catalog; else None.

        For what is asked for by the hundred. What was revoked meanwhile counts a second longer here.
        """
        local = self.find_local(connection)
        if local is not None:
            return local
        with self._lock:
            found = self._recent.get(_credentials(connection))
            return found[0] if found is not None and self._is_fresh(found[1], time.monotonic()) else None

    def _keep_recent(self, connection: HTTPConnection, asker: Asker) -> None:
        credentials = _credentials(connection)
        if credentials and asker.kind in (AskerKind.LOGIN, AskerKind.TOKEN):
            with self._lock:
                if len(self._recent) >= _MAX_RECENT:
                    self._recent.clear()
                self._recent[credentials] = (asker, time.monotonic())

    @staticmethod
    def _is_fresh(looked_at: float, now: float) -> bool:
        return now - looked_at <= _LOOKED_UP_SECONDS

    def _recognise(self, connection: HTTPConnection) -> Asker:
        address = address_of(connection)
        if not self.asks_for_login():
            return Asker(kind=AskerKind.LOCAL, address=address)
        said = connection.headers.get("authorization")
        if said is not None:
            scheme, _, token = said.partition(" ")
            found = find_token(self._tools, token.strip(), address=address) if scheme.lower() == "bearer" else None
            if found is None:
                raise LoginRefusedError(
                    "The token is wrong, or counts no more. Nothing was changed.",
                    hint="`imalink token list` shows those that count, `imalink token add` makes one.",
                )
            return found
        secret = connection.cookies.get(_cookie_name(connection))
        known = None if not secret else find_login(self._tools, secret, address=address)
        return known or _anonymous(connection)


def address_of(connection: HTTPConnection) -> str:
    """Give where a request comes from, as far as the connection tells, or a proxy of ours."""
    return "" if connection.client is None else connection.client.host


def set_cookie(connection: HTTPConnection, answer: Response, secret: str) -> None:
    """Let the browser that asks be recognised by ``secret``."""
    answer.set_cookie(
        _cookie_name(connection),
        secret,
        max_age=SESSION_DAYS * 86_400,
        path="/",
        secure=_is_secure(connection),
        httponly=True,
        samesite="strict",
    )


def delete_cookie(connection: HTTPConnection, answer: Response) -> None:
    """Let the browser that asks forget by what it was recognised."""
    answer.delete_cookie(
        _cookie_name(connection), path="/", secure=_is_secure(connection), httponly=True, samesite="strict"
    )


def _credentials(connection: HTTPConnection) -> str:
    """Give by what a connection is recognised, as one text; empty for nothing."""
    said = connection.headers.get("authorization")
    return f"header {said}" if said is not None else f"{connection.cookies.get(_cookie_name(connection), '')}"


def _anonymous(connection: HTTPConnection) -> Asker:
    return Asker(kind=AskerKind.ANONYMOUS, right=Right.ANYONE, address=address_of(connection))


def _cookie_name(connection: HTTPConnection) -> str:
    return SECURE_COOKIE if _is_secure(connection) else COOKIE


def _is_secure(connection: HTTPConnection) -> bool:
    return connection.scope["scheme"] in ("https", "wss")
