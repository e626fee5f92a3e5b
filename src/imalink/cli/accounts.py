"""``imalink user``, ``token`` and ``audit``: who may use the server, and who did what."""

from __future__ import annotations

import click

from imalink.answers.accounts import account_json, event_json, token_json
from imalink.cli.context import Output, common_options, open_tools
from imalink.cli.render import ask_secret, is_terminal, show_json, show_lines, show_note, show_table
from imalink.core.account import Right, Role
from imalink.core.audit import AuditAction, AuditEvent
from imalink.errors import UsageError

_ROLES = click.Choice([role.value for role in Role])
_SCOPES = click.Choice([right.value for right in Right if right is not Right.ANYONE])


@click.group()
def user() -> None:
    """Say who may use the server. As soon as there is an account, everybody has to log in."""


@user.command("add")
@click.argument("name")
@click.option("--role", type=_ROLES, default=Role.ADMIN.value, help="What they may do.  [default: admin]")
@common_options
def add_user(output: Output, name: str, role: str) -> None:
    """Add the account NAME. The password is asked for; without a terminal it is the first line of standard input."""
    from imalink.workflows.accounts import add_account

    with open_tools(output) as tools:
        account = add_account(tools, name, _new_password(name), role=Role(role))
    if output.as_json:
        show_json(account_json(account))
    elif not output.is_quiet:
        show_lines([f"Added the account {account.name} ({account.role.value})."])


@user.command("edit")
@click.argument("name")
@click.option("--role", type=_ROLES, default=None, help="What they may do from now on.")
@click.option("--password", "has_password", is_flag=True, help="Ask for a new password; all their logins end.")
@common_options
def edit_user(output: Output, name: str, role: str | None, has_password: bool) -> None:
    """Give the account NAME another role or password."""
    from imalink.workflows.accounts import change_account

    if role is None and not has_password:
        raise UsageError("Nothing was said of the account, so nothing was changed.", hint="Use --role or --password.")
    with open_tools(output) as tools:
        password = _new_password(name) if has_password else None
        account = change_account(tools, name, role=None if role is None else Role(role), password=password)
    if output.as_json:
        show_json(account_json(account))
    elif not output.is_quiet:
        show_lines([f"Changed the account {account.name} ({account.role.value})."])


@user.command("list")
@common_options
def list_users(output: Output) -> None:
    """List the accounts."""
    from imalink.workflows.accounts import list_accounts

    with open_tools(output) as tools:
        found = list_accounts(tools)
    if output.as_json:
        show_json({"accounts": [account_json(each) for each in found]})
    elif found:
        rows = [(each.name, each.role.value, each.created_at, each.last_login_at or "never") for each in found]
        show_table(("NAME", "ROLE", "ADDED", "LAST LOGIN"), rows)
    else:
        show_lines(["There are no accounts: on this machine nobody has to log in."])


@user.command("remove")
@click.argument("name")
@common_options
def remove_user(output: Output, name: str) -> None:
    """Remove the account NAME with its logins and tokens."""
    from imalink.workflows.accounts import list_accounts, remove_account

    with open_tools(output) as tools:
        if not output.assume_yes and [each.name for each in list_accounts(tools)] == [name.strip().lower()]:
            _ask_about_last(name)
        has_others = remove_account(tools, name)
    if output.as_json:
        show_json({"removed": name.strip().lower(), "accounts_left": has_others})
    elif not output.is_quiet:
        left = "" if has_others else " It was the last one: on this machine nobody has to log in any more."
        show_lines([f"Removed the account {name.strip().lower()}.{left}"])


@click.group()
def token() -> None:
    """Let programs use the server in the name of an account."""


@token.command("add")
@click.argument("label")
@click.option("--user", "name", required=True, help="In whose name.")
@click.option("--scope", type=_SCOPES, default=Right.READ.value, help="What it may do at most.  [default: read]")
@click.option("--days", type=click.IntRange(1, 3650), default=365, help="How long it counts.  [default: 365]")
@common_options
def add_token(output: Output, label: str, name: str, scope: str, days: int) -> None:
    """Add a token called LABEL, and print it: it is shown this once only."""
    from imalink.workflows import accounts

    with open_tools(output) as tools:
        added, secret = accounts.add_token(tools, name, label=label, right=Right(scope), days=days)
    if output.as_json:
        show_json({**token_json(added), "token": secret})
        return
    show_lines([secret])
    if not output.is_quiet:
        show_note(f"Send it as the header “Authorization: Bearer …”. It counts until {added.expires_at}.")


@token.command("list")
@common_options
def list_tokens(output: Output) -> None:
    """List the tokens, the newest first."""
    from imalink.workflows import accounts

    with open_tools(output) as tools:
        found = accounts.list_tokens(tools)
    if output.as_json:
        show_json({"tokens": [token_json(each) for each in found]})
    elif found:
        rows = [
            (each.token_id, each.account, each.label, each.right.value, each.expires_at, each.last_used_at or "never")
            for each in found
        ]
        show_table(("ID", "USER", "LABEL", "SCOPE", "UNTIL", "LAST USED"), rows)
    else:
        show_lines(["There are no tokens."])


@token.command("revoke")
@click.argument("token_id", metavar="ID")
@common_options
def revoke_token(output: Output, token_id: str) -> None:
    """Let the token with this ID count no more, from this moment on."""
    from imalink.workflows import accounts

    with open_tools(output) as tools:
        revoked = accounts.revoke_token(tools, token_id)
    if output.as_json:
        show_json(token_json(revoked))
    elif not output.is_quiet:
        show_lines([f"Revoked the token {revoked.label} of {revoked.account}."])


@click.command("audit")
@click.option("--action", "actions", multiple=True, type=click.Choice([each.value for each in AuditAction]))
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, help="How many at most.  [default: 50]")
@click.option("--before", type=click.IntRange(1), default=None, help="Only those before the event of this number.")
@common_options
def audit_command(output: Output, actions: tuple[str, ...], limit: int, before: int | None) -> None:
    """Show who logged in, deleted, and decided to trust what, the newest first."""
    from imalink.workflows.write_audit import list_audit

    with open_tools(output) as tools:
        found = list_audit(tools, actions=[AuditAction(each) for each in actions], before=before, limit=limit)
    if output.as_json:
        show_json({"events": [event_json(each) for each in found]})
    elif found:
        rows = [(str(each.number), each.at, each.action.value, _who(each), each.subject) for each in found]
        show_table(("NO", "AT", "ACTION", "BY", "WHAT"), rows)
    else:
        show_lines(["Nothing is written down yet."])


def _who(event: AuditEvent) -> str:
    return " ".join(part for part in (event.by_kind.value, event.by_name, event.address) if part)


def _new_password(name: str) -> str:
    """Ask for a new password twice, or read it from standard input where that is no terminal. Raises UsageError."""
    password = ask_secret(f"New password for {name}: ")
    if is_terminal() and ask_secret("Once more: ") != password:
        raise UsageError("The two are not the same. Nothing was changed.", hint="Run the same command again.")
    return password


def _ask_about_last(name: str) -> None:
    """Ask before the last account goes. Raises UsageError without a terminal, Abort."""
    if not is_terminal():
        raise UsageError(
            f"{name} is the last account: without it nobody on this machine has to log in. Nothing was changed.",
            hint="Run the same command with --yes.",
        )
    click.confirm("Remove the last account? Nobody on this machine has to log in then", abort=True, err=True)
