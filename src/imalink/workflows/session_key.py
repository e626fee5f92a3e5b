"""How a user names an import session."""

from __future__ import annotations

from imalink.core.ids import SessionUuid, parse_uuid
from imalink.errors import UsageError


def session_key(text: str) -> int | SessionUuid:
    """Read what a user calls a session: its number or UUID. Raises UsageError."""
    if text.isdecimal():
        return int(text)
    try:
        return SessionUuid(parse_uuid(text))
    except ValueError as error:
        raise UsageError(
            f"{text!r} is no session: expected its number or UUID.", hint="Run `imalink sessions list` to see them."
        ) from error
