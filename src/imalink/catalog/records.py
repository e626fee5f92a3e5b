"""What a row keeps of an index as one value: a session's head and an image file's entry."""

from __future__ import annotations

from dataclasses import dataclass

from imalink.core.ids import Hothash, HothashMethod, PhotoUuid
from imalink.core.picture import PictureFacts
from imalink.core.session import ImportSession, ImportStatistics


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionHead:
    """A session and its counts, as one storage's index has them."""

    session: ImportSession
    statistics: ImportStatistics


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRecord:
    """What an index entry says of its picture, apart from where the file is."""

    method: HothashMethod
    photo_uuid: PhotoUuid
    original_filename: str
    original_path: str
    facts: PictureFacts
    hotpreview_rendition: str | None = None
    previous_hothashes: tuple[Hothash, ...] = ()
