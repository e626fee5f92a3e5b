"""Search the catalog for photos. No disk is touched: what is on offline storages is found too."""

from __future__ import annotations

from imalink.catalog import import_sessions, search
from imalink.catalog.search import FoundPage
from imalink.core.search_query import SearchQuery
from imalink.workflows.storage_access import get_storage
from imalink.workflows.tools import Tools


def search_photos(tools: Tools, query: SearchQuery) -> FoundPage:
    """Give one page of the photos that fit, the latest taken first and the undated last.

    Raises NotFoundError for an unknown session or storage, AmbiguousError for a name that fits several storages,
    UsageError for an ``after`` that no search gave.
    """
    storage_uuid = None if query.storage is None else get_storage(tools, query.storage).storage_uuid
    with tools.catalog.read() as db:
        session_number = None
        if query.session is not None:
            session_number = import_sessions.get_session(db, query.session).session.number
        return search.search_photos(db, query, session_number=session_number, storage_uuid=storage_uuid)
