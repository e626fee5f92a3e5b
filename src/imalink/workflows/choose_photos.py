"""The photos that are meant by hothashes, or by the numbers that lists of them give."""

from __future__ import annotations

from collections.abc import Sequence

from imalink.catalog import photos
from imalink.core.ids import PhotoUuid
from imalink.errors import NotFoundError
from imalink.workflows.find_file import get_pictures
from imalink.workflows.tools import Tools


def choose_by_hothashes(tools: Tools, texts: Sequence[str]) -> list[PhotoUuid]:
    """Give the photos that hold these pictures, in this order, each once.

    Raises UsageError, NotFoundError, AmbiguousError.
    """
    return list(dict.fromkeys(picture.photo_uuid for picture in get_pictures(tools, texts)))


def choose_by_ids(tools: Tools, photo_ids: Sequence[int]) -> list[PhotoUuid]:
    """Give the photos with these numbers in the catalog, in this order, each once. Raises NotFoundError."""
    with tools.catalog.read() as db:
        found = photos.find_uuids(db, photo_ids)
    unknown = [photo_id for photo_id in photo_ids if photo_id not in found]
    if unknown:
        raise NotFoundError(
            f"No photo has the number {unknown[0]} now. Nothing was changed.", hint="Look at the list of photos again."
        )
    return list(dict.fromkeys(found[photo_id] for photo_id in photo_ids))
