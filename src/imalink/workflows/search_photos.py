"""Search the catalog for photos. No disk is touched: what is on offline storages is found too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from imalink.catalog import import_sessions, search, search_conditions, standing
from imalink.catalog.search import FoundPage, PhotoCount
from imalink.core.ids import StorageUuid
from imalink.core.search_query import PhotoStatus, SearchQuery
from imalink.workflows.storage_access import get_storage
from imalink.workflows.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What the session and the storage that a query names are in this catalog; None for what it does not name."""

    session_number: int | None
    storage_uuid: StorageUuid | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoPage:
    """A page of photos; by their ids whether each can be opened; and how many fit in all, where that was asked."""

    page: FoundPage
    statuses: Mapping[int, PhotoStatus]
    count: PhotoCount | None


def look_up(tools: Tools, query: SearchQuery) -> Meaning:
    """Look up the session and the storage that a query names. Raises NotFoundError, AmbiguousError."""
    storage_uuid = None if query.storage is None else get_storage(tools, query.storage).storage_uuid
    session_number = None
    if query.session is not None:
        with tools.catalog.read() as db:
            session_number = import_sessions.get_session(db, query.session).session.number
    return Meaning(session_number=session_number, storage_uuid=storage_uuid)


def search_photos(tools: Tools, query: SearchQuery) -> FoundPage:
    """Give one page of the photos that fit, the latest taken first and the undated last.

    Raises NotFoundError for an unknown session or storage, AmbiguousError for a name that fits several storages,
    UsageError for an ``after`` that no search gave.
    """
    meant = look_up(tools, query)
    with tools.catalog.read() as db:
        return search.search_photos(db, query, session_number=meant.session_number, storage_uuid=meant.storage_uuid)


def page_of_photos(tools: Tools, query: SearchQuery, *, counts: bool) -> PhotoPage:
    """Give one page as ``search_photos`` does, and what a gallery shows beside it. Raises as that does."""
    meant = look_up(tools, query)
    with tools.catalog.read() as db:
        number, storage_uuid = meant.session_number, meant.storage_uuid
        page = search.search_photos(db, query, session_number=number, storage_uuid=storage_uuid)
        return PhotoPage(
            page=page,
            statuses=standing.load_statuses(db, [photo.id for photo in page.photos]),
            count=search.count_photos(db, query, session_number=number, storage_uuid=storage_uuid) if counts else None,
        )


def list_cameras(tools: Tools) -> list[tuple[str | None, str | None]]:
    """Give make and model of every camera that took a photo, by make and model."""
    with tools.catalog.read() as db:
        return search_conditions.list_cameras(db)


def list_lenses(tools: Tools) -> list[str]:
    """Give every lens with which a photo was taken, in order."""
    with tools.catalog.read() as db:
        return search_conditions.list_lenses(db)
