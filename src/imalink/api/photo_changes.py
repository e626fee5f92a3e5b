"""From what a request says of photos to what is to be changed, and of which photos."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from imalink.api.context import Server
from imalink.api.photo_filters import query_of
from imalink.api.schemas.photos import ManySelection, PhotoChange, Selection
from imalink.core import edit_request
from imalink.core.edit_request import EditRequest
from imalink.core.ids import PhotoUuid
from imalink.core.picture import GpsPosition
from imalink.core.user_facts import FactChange, UserValue, custom_field
from imalink.errors import UsageError, of_field
from imalink.workflows.choose_photos import choose_by_hothashes, choose_by_ids

T = TypeVar("T")

_TEXTS: Final[Mapping[str, Callable[[str], UserValue | None]]] = {
    "title": edit_request.parse_title,
    "caption": edit_request.parse_caption,
    "label": edit_request.parse_label,
    "author": edit_request.parse_author,
}
_RESETS = {
    "title": "title",
    "caption": "caption",
    "rating": "rating",
    "label": "label",
    "rejected": "reject",
    "author": "author",
    "tags": "tags",
    "taken_at": "taken-at",
    "gps": "gps",
    "custom": "custom",
}
"""The words by which null takes back what was said."""

MAX_EDITED = 100_000
_WAYS = ("hothashes", "photo_uuids", "ids")


def request_of(change: PhotoChange, *, where: str = "body.") -> EditRequest:
    """Give what is to be changed; ``where`` in the request it is said. Raises UsageError."""
    values: dict[str, UserValue | None] = {}
    if change.rating is not None:
        values["rating"] = change.rating
    if change.rejected is not None:
        values["rejected"] = change.rejected
    for name, parse in _TEXTS.items():
        text = getattr(change, name)
        if text is not None:
            with of_field(f"{where}{name}"):
                values[name] = parse(text)
    if change.gps is not None:
        values["gps"] = GpsPosition(
            latitude=change.gps.latitude, longitude=change.gps.longitude, altitude=change.gps.altitude
        )
    for key, value in (change.custom or {}).items():
        with of_field(f"{where}custom"):
            name = custom_field(edit_request.parse_key(key))
            values[name] = None if value is None else edit_request.parse_value(value)
    taken_back = {name for name in change.model_fields_set if getattr(change, name) is None}
    if unclear := taken_back - _RESETS.keys():
        raise UsageError(
            f"{min(unclear)} cannot be taken back. Nothing was changed.",
            hint="Leave it out.",
            field=f"{where}{min(unclear)}",
        )
    request = EditRequest(
        said=FactChange.of(values),
        tags=None if change.tags is None else _tags(change.tags, f"{where}tags"),
        added_tags=_tags(change.add_tags, f"{where}add_tags"),
        removed_tags=_tags(change.remove_tags, f"{where}remove_tags"),
        taken_at=_read(change.taken_at, edit_request.parse_taken_at, f"{where}taken_at"),
        shift=_read(change.shift_time, edit_request.parse_shift, f"{where}shift_time"),
        resets=frozenset(_RESETS[name] for name in taken_back),
    )
    if request == EditRequest():
        raise UsageError("Nothing is to be changed.", hint="Name what is to be different, such as rating.")
    request.check()
    return request


def _tags(texts: Sequence[str], field: str) -> tuple[str, ...]:
    with of_field(field):
        return tuple(dict.fromkeys(map(edit_request.parse_tag, texts)))


def _read(text: str | None, parse: Callable[[str], T], field: str) -> T | None:
    with of_field(field):
        return None if text is None else parse(text)


def chosen_or_none(server: Server, selection: Selection) -> list[PhotoUuid]:
    """Give the photos that a request is about; it need not be about any. Raises as ``chosen``."""
    return chosen(server, selection) if any(getattr(selection, way) for way in _WAYS) else []


def chosen_of_many(server: Server, asked: ManySelection) -> list[PhotoUuid]:
    """Give the photos that a request on many is about: named, or all of a timeline that was seen.

    Raises StaleViewError, and as ``chosen``.
    """
    if asked.filter is None and asked.rev is None and not asked.without_ids:
        return chosen(server, asked)
    if asked.filter is None or asked.rev is None or any(getattr(asked, way) for way in _WAYS):
        raise UsageError(
            "Photos are chosen in one way. Nothing was changed.", hint="Give a filter with its rev, or name photos."
        )
    timeline = server.timelines.get_exactly(query_of(server, asked.filter, where="body.filter."), asked.rev)
    left_out = set(asked.without_ids)
    wanted = [photo_id for photo_id in timeline.order.ids if photo_id not in left_out]
    if len(wanted) > MAX_EDITED:
        raise UsageError(f"One request is of {MAX_EDITED:,} photos at most; these are {len(wanted):,}.")
    return choose_by_ids(server.tools, wanted)


def chosen(server: Server, selection: Selection) -> list[PhotoUuid]:
    """Give the photos that a request is about. Raises UsageError, NotFoundError, AmbiguousError."""
    named = [way for way in _WAYS if getattr(selection, way)]
    if len(named) != 1:
        raise UsageError(
            "Photos are chosen in one way. Nothing was changed.",
            hint=f"Give one of: {', '.join(_WAYS)}.",
        )
    if selection.hothashes:
        with of_field("body.hothashes"):
            return choose_by_hothashes(server.tools, selection.hothashes)
    if selection.ids:
        return choose_by_ids(server.tools, selection.ids)
    return [PhotoUuid(each) for each in dict.fromkeys(selection.photo_uuids)]
