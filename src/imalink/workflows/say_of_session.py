"""Say to the library what there is to know of a session into which nothing came yet, so that every storage hears it."""

from __future__ import annotations

from imalink.catalog import library, outbox
from imalink.catalog.catalog import Db
from imalink.catalog.import_sessions import SessionRecord
from imalink.core.ids import SessionUuid
from imalink.core.library import DELETED, ItemKind, LibraryEdited
from imalink.core.planned_session import values_of
from imalink.workflows.tools import Tools


def say_of_session(tools: Tools, db: Db, record: SessionRecord) -> None:
    """Let the library say of a session what the catalog does; commits nothing."""
    values = values_of(record.session, record.storage_uuid)
    clock = outbox.next_clock(db, tools.writer, [])
    said = LibraryEdited(kind=ItemKind.SESSION, key=record.session.session_uuid, values=values, clock=clock)
    library.say(db, [said])


def say_session_is_gone(tools: Tools, db: Db, session_uuid: SessionUuid) -> None:
    """Let the library say that such a session is no more; commits nothing."""
    clock = outbox.next_clock(db, tools.writer, [])
    library.say(db, [LibraryEdited(kind=ItemKind.SESSION, key=session_uuid, values={DELETED: True}, clock=clock)])
