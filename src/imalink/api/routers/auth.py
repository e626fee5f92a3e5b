"""``/auth`` and ``/audit``: logging in, accounts and tokens, and what is written down of who did what."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from imalink.answers.accounts import account_json, asker_json, event_json, token_json
from imalink.api.account_gate import AccountGate, address_of, delete_cookie, set_cookie
from imalink.api.context import Asked, AskedBy, Right, needs
from imalink.api.envelope import page_of, success
from imalink.api.parameters import Limit, Offset
from imalink.api.schemas.accounts import (
    AccountChange,
    AccountList,
    AuditList,
    Credentials,
    FoundAccount,
    FoundToken,
    MadeToken,
    Me,
    NewAccount,
    NewPassword,
    NewToken,
    RemovedAccount,
    Setup,
    TokenList,
)
from imalink.api.schemas.envelope import Success, answers
from imalink.api.schemas.storages import UUID_EXAMPLE, UUID_PATTERN
from imalink.core.account import Asker, AskerKind, Role, account_name
from imalink.core.audit import AuditAction
from imalink.errors import NotAllowedError, NotFoundError, UsageError, WrongStateError
from imalink.workflows import accounts
from imalink.workflows.sign_in import change_own_password, sign_in, sign_out
from imalink.workflows.write_audit import list_audit

router = APIRouter(tags=["auth"])
_ANYONE = [Depends(needs(Right.ANYONE))]
_READ = [Depends(needs(Right.READ))]
_ADMINISTER = [Depends(needs(Right.ADMINISTER))]

Name = Annotated[
    str,
    Path(
        description="The name of the account.",
        examples=["ada"],
        json_schema_extra={"pattern": "^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$"},
    ),
]
TokenKey = Annotated[
    str,
    Path(description="The token's `token_id`.", examples=[UUID_EXAMPLE], json_schema_extra={"pattern": UUID_PATTERN}),
]


@router.post("/auth/login", dependencies=_ANYONE, responses=answers(Success[Me], 429, 503))
def login(server: Asked, request: Request, body: Credentials) -> Response:
    """Log in: the answer sets a cookie that counts for 30 days, or until nobody used it for 7.

    After some wrong tries in a row, for a name or from an address, each further one has to wait.
    """
    asker, secret = sign_in(server.tools, body.name, body.password, address=address_of(request))
    return _logged_in(request, asker, secret)


@router.post("/auth/logout", dependencies=_ANYONE, responses=answers(Success[Me], 503))
def logout(server: Asked, request: Request, asker: AskedBy) -> Response:
    """End the login by which this request is recognised, on the server too."""
    if asker.is_in_person:
        sign_out(server.tools, asker)
        _gate_of(request).forget()
    answer = success(_me(request, _gate_of(request)(_without_credentials(request), Right.ANYONE)))
    delete_cookie(request, answer)
    return answer


@router.get("/auth/me", dependencies=_ANYONE, responses=answers(Success[Me], 503))
def show_me(request: Request, asker: AskedBy) -> Response:
    """Tell who asks, what they may do, and whether one has to log in here."""
    return success(_me(request, asker))


@router.post("/auth/setup", status_code=201, dependencies=_ANYONE, responses=answers(Success[Me], 429, 503, status=201))
def set_up(server: Asked, request: Request, body: Setup) -> Response:
    """Make the first account, an administrator's, and log in; the token is what the server printed when it started."""
    address = address_of(request)
    accounts.set_up(server.tools, body.token, body.name, body.password, address=address)
    _gate_of(request).forget()
    asker, secret = sign_in(server.tools, body.name, body.password, address=address)
    return _logged_in(request, asker, secret, status=201)


@router.post("/auth/password", dependencies=_READ, responses=answers(Success[FoundAccount], 409, 429, 503))
def change_password(server: Asked, asker: AskedBy, body: NewPassword) -> Response:
    """Give oneself another password. All other logins of the account end."""
    _in_person(asker)
    account = change_own_password(server.tools, asker, body.password_before, body.password)
    return success({"account": account_json(account)})


@router.get("/auth/users", dependencies=_ADMINISTER, responses=answers(Success[AccountList], 503))
def list_users(server: Asked, offset: Offset = 0, limit: Limit = 100) -> Response:
    """List the accounts."""
    found = accounts.list_accounts(server.tools)
    return success(page_of("accounts", found, offset=offset, limit=limit, spell=account_json))


@router.post("/auth/users", status_code=201, dependencies=_ADMINISTER, responses=answers(Success[FoundAccount], 409, 429, 503, status=201))  # fmt: skip  # noqa: E501
def add_user(server: Asked, asker: AskedBy, body: NewAccount) -> Response:
    """Add an account. Only an administrator who logged in can do so, not a token."""
    _in_person(asker)
    account = accounts.add_account(server.tools, body.name, body.password, role=Role(body.role))
    return success({"account": account_json(account)}, status=201)


@router.patch("/auth/users/{name}", dependencies=_ADMINISTER, responses=answers(Success[FoundAccount], 429, 503))
def change_user(server: Asked, asker: AskedBy, name: Name, body: AccountChange) -> Response:
    """Give an account another role or password. Only an administrator who logged in can do so, not a token."""
    _in_person(asker)
    if body.role is None and body.password is None:
        raise UsageError("Nothing was said of the account, so nothing was changed.")
    account = accounts.change_account(
        server.tools,
        _named(name),
        role=None if body.role is None else Role(body.role),
        password=body.password,
        keeping_login=asker.key if _named(name) == asker.name else "",
    )
    return success({"account": account_json(account)})


@router.delete("/auth/users/{name}", dependencies=_ADMINISTER, responses=answers(Success[RemovedAccount], 409, 503))
def remove_user(server: Asked, request: Request, asker: AskedBy, name: Name) -> Response:
    """Remove an account with its logins and tokens; one's own cannot be removed here, so an administrator is left."""
    _in_person(asker)
    if _named(name) == asker.name:
        raise WrongStateError(
            "One's own account is not removed over HTTP. Nothing was changed.", hint="imalink user remove"
        )
    accounts.remove_account(server.tools, _named(name))
    _gate_of(request).forget()
    return success({"removed": _named(name)})


@router.get("/auth/tokens", dependencies=_READ, responses=answers(Success[TokenList], 503))
def list_tokens(server: Asked, asker: AskedBy, offset: Offset = 0, limit: Limit = 100) -> Response:
    """List one's own tokens; administrators see all. The secrets nobody knows any more."""
    own = None if asker.right.covers(Right.ADMINISTER) else asker.name
    found = accounts.list_tokens(server.tools, account=own)
    return success(page_of("tokens", found, offset=offset, limit=limit, spell=token_json))


@router.post("/auth/tokens", status_code=201, dependencies=_READ, responses=answers(Success[MadeToken], 409, 503, status=201))  # fmt: skip  # noqa: E501
def add_token(server: Asked, asker: AskedBy, body: NewToken) -> Response:
    """Add a token in one's own name, which may do no more than oneself. Only who logged in can do so, not a token."""
    _in_person(asker)
    token, secret = accounts.add_token(
        server.tools, asker.name, label=body.label, right=Right(body.scope), days=body.days
    )
    return success({"token": token_json(token), "secret": secret}, status=201)


@router.delete("/auth/tokens/{token}", dependencies=_READ, responses=answers(Success[FoundToken], 503))
def revoke_token(server: Asked, asker: AskedBy, token: TokenKey) -> Response:
    """Let a token count no more, from this moment on: one's own, or for administrators anybody's."""
    _in_person(asker)
    found = accounts.get_token(server.tools, token)
    if found.account != asker.name and not asker.right.covers(Right.ADMINISTER):
        raise NotFoundError(f"You have no token {token!r}.")
    return success({"token": token_json(accounts.revoke_token(server.tools, found.token_id))})


@router.get("/audit", dependencies=_ADMINISTER, responses=answers(Success[AuditList], 503))
def show_audit(
    server: Asked,
    action: Annotated[list[AuditAction] | None, Query(description="Only such; may be repeated.")] = None,
    before: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Only those before this number.")] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="How many to give at most.")] = 100,
) -> Response:
    """Show who logged in, deleted, and decided to trust what, the newest first."""
    found = list_audit(server.tools, actions=action or (), before=before, limit=limit)
    following = found[-1].number if len(found) == limit else None
    return success({"events": [event_json(each) for each in found], "next": following})


def _logged_in(request: Request, asker: Asker, secret: str, *, status: int = 200) -> Response:
    answer = success(_me(request, asker), status=status)
    set_cookie(request, answer, secret)
    return answer


def _me(request: Request, asker: Asker) -> dict[str, object]:
    gate = _gate_of(request)
    return {**asker_json(asker), "login_needed": gate.asks_for_login(), "setup_needed": gate.needs_setup()}


def _gate_of(request: Request) -> AccountGate:
    gate: object = request.app.state.gate
    if not isinstance(gate, AccountGate):
        raise NotAllowedError("This server knows no accounts.")
    return gate


def _without_credentials(request: Request) -> Request:
    return Request({**request.scope, "headers": [], "state": {}})


def _in_person(asker: Asker) -> None:
    """Refuse whoever did not log in: a token that leaked must not make another. Raises NotAllowedError."""
    if asker.kind is AskerKind.LOCAL:
        raise NotAllowedError(
            "There are no accounts here yet, and the first is not made over HTTP, where anybody on this machine could "
            "make it. Nothing was changed.",
            hint="Make it on the command line: imalink user add NAME",
        )
    if not asker.is_in_person:
        raise NotAllowedError(
            "Only who logged in can change accounts and tokens, not a token. Nothing was changed.",
            hint="POST /api/v1/auth/login, or the commands `imalink user` and `imalink token`.",
        )


def _named(name: str) -> str:
    """Give what a path calls an account, if it can be one. Raises NotFoundError."""
    try:
        return account_name(name)
    except UsageError as error:
        raise NotFoundError(f"There is no account {name!r}.") from error
