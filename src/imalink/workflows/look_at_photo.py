"""Look at one photo: what holds for it, what the user said of it, and its files. No disk is touched."""

from __future__ import annotations

from imalink.catalog import photos
from imalink.catalog.photos import PhotoRecord
from imalink.workflows.find_file import get_pictures
from imalink.workflows.tools import Tools


def look_at_photo(tools: Tools, text: str) -> PhotoRecord:
    """Give the photo that holds the picture that a user means by a hothash or a prefix of it.

    Raises UsageError, NotFoundError, AmbiguousError.
    """
    [picture] = get_pictures(tools, [text])
    with tools.catalog.read() as db:
        return photos.get_photo(db, picture.photo_uuid)
