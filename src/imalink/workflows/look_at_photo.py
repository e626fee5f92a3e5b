"""Look at one photo: what holds for it, what the user said of it, its files, and what stands beside them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from imalink.catalog import photos, standing
from imalink.catalog.locations import FoundImageFile, FoundLocation
from imalink.catalog.photos import PhotoRecord
from imalink.catalog.standing import FoundCompanion
from imalink.core.index import FileStatus
from imalink.core.picture import PictureFacts
from imalink.core.search_query import PhotoStatus
from imalink.workflows.find_file import FoundPlace, find_files, get_pictures
from imalink.workflows.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class FileView:
    """A picture that is a file of a photo: what its file says, its places, and the companions beside them."""

    file: FoundImageFile
    facts: PictureFacts
    places: tuple[FoundPlace, ...]
    companions: tuple[FoundCompanion, ...]
    status: PhotoStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoView:
    """A photo with all its files, the primary one first; ``status`` tells whether any of them can be opened."""

    record: PhotoRecord
    files: tuple[FileView, ...]
    status: PhotoStatus


def look_at_photo(tools: Tools, text: str) -> PhotoRecord:
    """Give the photo that holds the picture that a user means by a hothash or a prefix of it; no disk is touched.

    Raises UsageError, NotFoundError, AmbiguousError.
    """
    [picture] = get_pictures(tools, [text])
    with tools.catalog.read() as db:
        return photos.get_photo(db, picture.photo_uuid)


def view_photo(tools: Tools, text: str, *, looks: bool) -> PhotoView:
    """Give all of the photo that ``look_at_photo`` gives. With ``looks`` each place is looked at now, on its disk.

    Raises UsageError, NotFoundError, AmbiguousError.
    """
    record = look_at_photo(tools, text)
    hothashes = [file.hothash for file in record.files]
    with tools.catalog.read() as db:
        companions = standing.list_companions(db, hothashes)
    seen = [found.places for found in find_files(tools, [*hothashes])] if looks else map(_known_places, record.files)
    files = tuple(
        FileView(
            file=file,
            facts=facts,
            places=places,
            companions=tuple(each for each in companions if each.hothash == file.hothash),
            status=_status_of(places),
        )
        for file, facts, places in zip(record.files, record.file_facts, seen, strict=True)
    )
    return PhotoView(record=record, files=files, status=_best(file.status for file in files))


def _known_places(file: FoundImageFile) -> tuple[FoundPlace, ...]:
    return tuple(map(_known_place, file.locations))


def _known_place(place: FoundLocation) -> FoundPlace:
    """Give a place as the catalog last knew it."""
    status = place.status.value
    if place.status is FileStatus.PRESENT:
        status = "offline" if not place.is_accessible else status if place.damage is None else "damaged"
    return FoundPlace(
        storage_uuid=place.storage_uuid,
        display_name=place.display_name,
        relative_path=place.relative_path,
        full_path=str(Path(place.base_path) / place.directory_name / place.relative_path),
        status=status,
        is_active=place.is_active,
    )


def _status_of(places: Sequence[FoundPlace]) -> PhotoStatus:
    if any(place.is_active and place.status in ("present", "damaged") for place in places):
        return PhotoStatus.PRESENT
    is_away = any(place.status in ("present", "damaged", "offline") for place in places)
    return PhotoStatus.OFFLINE if is_away else PhotoStatus.MISSING


def _best(statuses: Iterable[PhotoStatus]) -> PhotoStatus:
    order = (PhotoStatus.PRESENT, PhotoStatus.OFFLINE, PhotoStatus.MISSING)
    return min(statuses, key=order.index, default=PhotoStatus.MISSING)
