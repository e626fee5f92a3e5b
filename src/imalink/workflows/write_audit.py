"""Write down who did what, and read it again."""

from __future__ import annotations

import logging
from collections.abc import Collection

import msgspec

from imalink.catalog import audit
from imalink.catalog.catalog import Db
from imalink.core.account import Asker
from imalink.core.audit import AuditAction, AuditEvent, audit_event
from imalink.core.timestamps import format_instant
from imalink.workflows.tools import Tools

_LOG = logging.getLogger("imalink.audit")


def note(
    tools: Tools,
    action: AuditAction,
    subject: str,
    *,
    asker: Asker | None = None,
    db: Db | None = None,
    **facts: object,
) -> None:
    """Write down that somebody did something: in the transaction ``db``, or in one of its own, made durable.

    ``asker`` is who did it, where that is not who has the work done. No secret may be in ``subject`` and ``facts``.
    Raises CatalogError.
    """
    plain = {name: _plain(value) if isinstance(value, str) else value for name, value in facts.items()}
    now = format_instant(tools.clock.now())
    event = audit_event(asker or tools.asker, action, at=now, subject=_plain(subject), facts=plain)
    if db is not None:
        audit.add_event(db, event)
    else:
        with tools.catalog.begin(is_durable=True) as own:
            audit.add_event(own, event)
    _LOG.info("%s", msgspec.json.encode(event).decode())


def list_audit(
    tools: Tools, *, actions: Collection[AuditAction] = (), before: int | None = None, limit: int = 100
) -> list[AuditEvent]:
    """Give what is written down, the newest first, and only that before the event numbered ``before``."""
    with tools.catalog.read() as db:
        return audit.list_events(db, actions=actions, before=before, limit=limit)


def _plain(text: str) -> str:
    """Give text that every database takes: bytes of a name that are no UTF-8, and NUL, escaped."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
