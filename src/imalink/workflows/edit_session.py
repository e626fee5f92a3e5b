"""Give an import session another title or description; index, overview and catalog follow."""

from __future__ import annotations

from contextlib import ExitStack

from imalink.catalog import file_storages, import_sessions
from imalink.catalog.import_sessions import SessionRecord
from imalink.core.journal import SessionEdited
from imalink.core.operation import OperationKind
from imalink.core.session import check_description, check_title
from imalink.errors import UsageError
from imalink.workflows.flush_outbox import flush_outbox
from imalink.workflows.mend_indexes import mend_indexes
from imalink.workflows.new_operation import new_operation
from imalink.workflows.say_of_session import say_of_session
from imalink.workflows.session_key import session_key
from imalink.workflows.storage_access import open_storage, write_down
from imalink.workflows.tools import Tools


def edit_session(tools: Tools, text: str, *, title: str | None = None, description: str | None = None) -> SessionRecord:
    """Set what is given of the session with this number or UUID, in every storage that holds part of it.

    All of its storages must be reachable; otherwise nothing is changed. Raises UsageError, NotFoundError,
    StorageError.
    """
    if title is None and description is None:
        raise UsageError(
            "Nothing was said of the session, so nothing was changed.", hint="Give --title, --description or both."
        )
    title = check_title(title) if title is not None else None
    description = check_description(description) if description is not None else None
    with tools.catalog.read() as db:
        record = import_sessions.get_session(db, session_key(text))
        records = {each.storage_uuid: each for each in file_storages.list_storages(db)}
    if not record.places:
        # Nothing came in yet, so no index tells of it, but the library does.
        with tools.catalog.begin(is_durable=True) as db:
            record = import_sessions.update_session(
                db, record.session.session_uuid, title=title, description=description
            )
            say_of_session(tools, db, record)
        flush_outbox(tools)
        return record
    what = record.session.title if title is None else f"{record.session.title} → {title}"
    operation = new_operation(tools, OperationKind.SESSION_EDIT, f"Session {record.session.number}: {what}")
    with ExitStack() as stack:
        opened = [
            (records[place.storage_uuid], place, stack.enter_context(open_storage(tools, records[place.storage_uuid])))
            for place in record.places
        ]
        for _, _, storage in opened:
            stack.enter_context(storage.lock("edit"))
        for storage_record, place, storage in opened:
            mend_indexes(tools, storage_record, storage)
            edited = SessionEdited(
                session_uuid=record.session.session_uuid,
                session_number=place.number,
                title=title,
                description=description,
            )
            write_down(tools, storage_record, storage, [edited], operation=operation)
    with tools.catalog.read() as db:
        return import_sessions.get_session(db, record.session.session_uuid)
