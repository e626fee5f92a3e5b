"""From what a request says of photos to what is to be changed, and of which photos."""

from __future__ import annotations

from imalink.api.context import Server
from imalink.api.photo_filters import query_of
from imalink.api.schemas.photos import ManySelection, PhotoChange, Selection
from imalink.core import edit_request
from imalink.core.edit_request import EditRequest
from imalink.core.ids import PhotoUuid
from imalink.core.picture import GpsPosition
from imalink.core.user_facts import FactChange, UserValue, custom_field
from imalink.errors import UsageError
from imalink.workflows.choose_photos import choose_by_hothashes, choose_by_ids

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


def request_of(change: PhotoChange) -> EditRequest:
    """Give what is to be changed. Raises UsageError."""
    values: dict[str, UserValue | None] = {}
    if change.title is not None:
        values["title"] = edit_request.parse_title(change.title)
    if change.caption is not None:
        values["caption"] = edit_request.parse_caption(change.caption)
    if change.rating is not None:
        values["rating"] = change.rating
    if change.label is not None:
        values["label"] = edit_request.parse_label(change.label)
    if change.rejected is not None:
        values["rejected"] = change.rejected
    if change.author is not None:
        values["author"] = edit_request.parse_author(change.author)
    if change.gps is not None:
        values["gps"] = GpsPosition(
            latitude=change.gps.latitude, longitude=change.gps.longitude, altitude=change.gps.altitude
        )
    for key, value in (change.custom or {}).items():
        values[custom_field(edit_request.parse_key(key))] = None if value is None else edit_request.parse_value(value)
    taken_back = {name for name in change.model_fields_set if getattr(change, name) is None}
    if unclear := taken_back - _RESETS.keys():
        raise UsageError(f"{min(unclear)} cannot be taken back. Nothing was changed.", hint="Leave it out.")
    request = EditRequest(
        said=FactChange.of(values),
        tags=None if change.tags is None else tuple(dict.fromkeys(map(edit_request.parse_tag, change.tags))),
        added_tags=tuple(dict.fromkeys(map(edit_request.parse_tag, change.add_tags))),
        removed_tags=tuple(dict.fromkeys(map(edit_request.parse_tag, change.remove_tags))),
        taken_at=None if change.taken_at is None else edit_request.parse_taken_at(change.taken_at),
        shift=None if change.shift_time is None else edit_request.parse_shift(change.shift_time),
        resets=frozenset(_RESETS[name] for name in taken_back),
    )
    if request == EditRequest():
        raise UsageError("Nothing is to be changed.", hint="Name what is to be different, such as rating.")
    request.check()
    return request


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
    timeline = server.timelines.get_exactly(query_of(server, asked.filter), asked.rev)
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
        return choose_by_hothashes(server.tools, selection.hothashes)
    if selection.ids:
        return choose_by_ids(server.tools, selection.ids)
    return [PhotoUuid(each) for each in dict.fromkeys(selection.photo_uuids)]
