"""Create an import session before anything comes in; imports then name it."""

from __future__ import annotations

from imalink.catalog import authors, import_sessions
from imalink.catalog.authors import AuthorRecord
from imalink.catalog.catalog import Db
from imalink.catalog.import_sessions import SessionRecord
from imalink.core.ids import SessionUuid
from imalink.core.session import ImportSession, SessionStatus, check_description, check_title, named_author
from imalink.core.timestamps import format_instant
from imalink.errors import NotFoundError
from imalink.workflows.flush_outbox import flush_outbox
from imalink.workflows.say_of_session import say_of_session
from imalink.workflows.storage_access import get_storage
from imalink.workflows.tools import Tools


def create_session(
    tools: Tools,
    *,
    title: str,
    description: str = "",
    storage: str | None = None,
    author: str | None = None,
    author_id: int | None = None,
) -> SessionRecord:
    """Remember a session with status ``created``; ``storage`` names the one its imports go to unless they say else.

    Who takes its pictures is said by name, or by the number an author has in the catalog.

    No storage has to be there for it: until something comes in it is an item of the library, of which every storage is
    told when it is next told anything. Raises UsageError, NotFoundError, AmbiguousError.
    """
    title, description = check_title(title), check_description(description)
    record = get_storage(tools, storage) if storage is not None else None
    with tools.catalog.begin(is_durable=True) as db:
        if author_id is not None:
            _get_author(db, author_id)
        session = ImportSession(
            number=import_sessions.allocate_number(db),
            session_uuid=SessionUuid(tools.new_uuid()),
            title=title,
            description=description,
            imported_at=format_instant(tools.clock.now()),
            default_author=named_author(author),
            default_author_id=author_id,
            file_storage_id=None if record is None else record.id,
            status=SessionStatus.CREATED,
        )
        storage_uuid = None if record is None else record.storage_uuid
        made = import_sessions.create_session(db, session, storage_uuid=storage_uuid)
        say_of_session(tools, db, made)
    flush_outbox(tools)
    return made


def author_named(tools: Tools, author_id: int) -> str:
    """Give the name of the author with this number. Raises NotFoundError."""
    with tools.catalog.read() as db:
        return _get_author(db, author_id).author.name


def _get_author(db: Db, author_id: int) -> AuthorRecord:
    found = authors.find_author(db, author_id)
    if found is None:
        raise NotFoundError(f"No author {author_id} is known.", hint="Leave it out, or use 1: that is you.")
    return found
