"""Delete an import session into which nothing came; one that brought something is rolled back instead."""

from __future__ import annotations

from imalink.catalog import import_sessions
from imalink.catalog.import_sessions import SessionRecord
from imalink.core.audit import AuditAction
from imalink.core.session import SessionStatus
from imalink.errors import SessionInUseError
from imalink.workflows.flush_outbox import flush_outbox
from imalink.workflows.say_of_session import say_session_is_gone
from imalink.workflows.session_key import session_key
from imalink.workflows.tools import Tools
from imalink.workflows.write_audit import note


def delete_session(tools: Tools, text: str) -> SessionRecord:
    """Forget the session with this number or UUID, of which no index tells; give what it was.

    Raises NotFoundError, and SessionInUseError for one of which a storage has an index, or that is being imported.
    """
    with tools.catalog.begin(is_durable=True) as db:
        known = import_sessions.get_session(db, session_key(text))
        if known.places or known.file_count or known.session.status is not SessionStatus.CREATED:
            number = known.session.number
            raise SessionInUseError(
                f"Session {number} is part of the history of its storage. Nothing was changed.",
                hint=f"`imalink sessions rollback {number}` takes back what it brought; the session stays listed.",
            )
        import_sessions.delete_session(db, known.session.session_uuid)
        say_session_is_gone(tools, db, known.session.session_uuid)
    flush_outbox(tools)
    note(tools, AuditAction.SESSION_DELETED, f"session {known.session.number}: {known.session.title}")
    return known
