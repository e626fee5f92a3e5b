"""From the filters of a request to the query that the catalog is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date
from typing import TypeVar

from imalink.api.context import Server
from imalink.api.schemas.photo_filters import PhotoFilters, PhotoPaging
from imalink.core.search_query import SearchQuery, find_box, parse_file_format, parse_query, parse_span
from imalink.errors import UsageError, of_field

T = TypeVar("T")
_NOTHING = SearchQuery()


def query_of(server: Server, asked: PhotoFilters, *, where: str = "query.") -> SearchQuery:
    """Give what the filters ask for; ``where`` in the request they stand.

    Raises UsageError, NotFoundError for an unknown storage.
    """
    with of_field(f"{where}place"):
        box = None if asked.place is None else find_box(asked.place)
    said = SearchQuery(
        taken_from=_read(f"{where}from", asked.taken_from, _first_day),
        taken_to=_read(f"{where}to", asked.taken_to, _last_day),
        rating_min=asked.rating_min,
        tags=tuple(dict.fromkeys(asked.tag)),
        camera=asked.camera,
        lens=asked.lens,
        author=asked.author,
        author_id=asked.author_id,
        session=asked.session_id,
        storage=None if asked.storage_uuid is None else server.storage(asked.storage_uuid).storage_uuid,
        file_format=_read(f"{where}format", asked.format, parse_file_format),
        filename=asked.name,
        text=asked.text,
        place=box,
        place_name=asked.place if box is None else None,
        has_raw=asked.has_raw,
        has_gps=asked.has_gps,
        collection=asked.collection,
        status=asked.status,
    )
    if asked.q is None:
        return said
    with of_field(f"{where}q"):
        typed = parse_query(asked.q)
    return _both(said, typed)


def query_of_page(server: Server, asked: PhotoPaging) -> SearchQuery:
    """Give what the filters ask for, and which page of it. Raises as ``query_of``."""
    return replace(query_of(server, asked), limit=asked.limit, after=asked.after, before=asked.before)


def _both(said: SearchQuery, typed: SearchQuery) -> SearchQuery:
    """Join two queries. Raises UsageError where both say something of one thing; tags add up."""
    together: dict[str, object] = {"tags": tuple(dict.fromkeys((*typed.tags, *said.tags)))}
    for each in fields(SearchQuery):
        value: object = getattr(said, each.name)
        nothing: object = getattr(_NOTHING, each.name)
        if each.name == "tags" or value == nothing:
            continue
        if getattr(typed, each.name) != nothing:
            raise UsageError(f"The filters and what was typed (q) both say something of {each.name}.")
        together[each.name] = value
    return replace(typed, **together)


def _read(field: str, text: str | None, parse: Callable[[str], T]) -> T | None:
    try:
        return None if text is None else parse(text)
    except ValueError as error:
        told = f"{field.rpartition('.')[2]}: {text} cannot be read: {error}."
        raise UsageError(told, field=field) from error


def _first_day(text: str) -> date:
    return parse_span(text)[0]


def _last_day(text: str) -> date:
    return parse_span(text)[1]
