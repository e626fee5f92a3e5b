"""Parts of the timeline, spelled as JSON columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from imalink.answers import json_text

if TYPE_CHECKING:
    from imalink.catalog.search import FoundPhoto
    from imalink.workflows.look_at_timeline import TimelineItems


def items_json(photo_ids: Sequence[int], items: TimelineItems) -> dict[str, list[object]]:
    """Spell what a gallery shows of these photos, column by column; null where a photo is no more."""
    found = [items.photos.get(photo_id) for photo_id in photo_ids]

    def column(value_of: Callable[[FoundPhoto], object]) -> list[object]:
        return [None if photo is None else value_of(photo) for photo in found]

    return {
        "id": list(photo_ids),
        "photo_uuid": column(lambda photo: photo.photo_uuid),
        "hothash": column(lambda photo: photo.hothash),
        "hotpreview_rendition": column(lambda photo: photo.hotpreview_rendition),
        "taken_at_local": column(lambda photo: photo.taken_at_local),
        "title": column(lambda photo: None if photo.title is None else json_text(photo.title)),
        "rating": column(lambda photo: photo.rating),
        "rejected": column(lambda photo: photo.rejected),
        "label": column(lambda photo: None if photo.label is None else json_text(photo.label)),
        "file_format": column(lambda photo: photo.file_format),
        "has_raw": column(lambda photo: photo.has_raw),
        "has_gps": column(lambda photo: photo.has_gps),
        "file_status": column(lambda photo: items.statuses[photo.id].value),
    }
