"""Say which files are of one photo: join photos, split a file off; indexes and catalog follow and keep it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count

from imalink.catalog import file_storages, photos
from imalink.catalog.photos import PhotoRecord
from imalink.core.ids import Hothash, PhotoUuid, StorageUuid, split_photo_uuid_of
from imalink.core.journal import Observation, PhotoJoined, PhotoSplit
from imalink.core.operation import Operation, OperationKind
from imalink.core.pairing import MAX_FILES
from imalink.errors import UsageError, WrongStateError
from imalink.workflows.find_file import get_pictures
from imalink.workflows.mend_indexes import mend_indexes
from imalink.workflows.new_operation import new_operation
from imalink.workflows.storage_access import open_storage, write_down
from imalink.workflows.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitPhotos:
    """What a split left: the photo of the file that was split off, and the photo it was of."""

    alone: PhotoRecord
    left: PhotoRecord


def join_photos(tools: Tools, texts: Sequence[str]) -> PhotoRecord:
    """Make one photo of those that hold these pictures; it is the first named one's that goes on.

    What the user said of any of them is merged by its clocks. All storages that hold one of their files must be
    reachable; otherwise nothing is changed. Raises UsageError, NotFoundError, AmbiguousError, StorageError.
    """
    pictures = get_pictures(tools, texts)
    if len({picture.hothash for picture in pictures}) < 2:
        raise UsageError("Joining takes two pictures or more.", hint="Name the pictures by their hothashes.")
    hothashes = [picture.hothash for picture in pictures]

    def decide() -> list[Observation]:
        records = _photos_of(tools, hothashes)
        files = [file.hothash for record in records for file in record.files]
        if len(files) > MAX_FILES:
            raise WrongStateError(f"A photo has at most {MAX_FILES} files; these would be {len(files)}.")
        first, *others = (record.photo.photo_uuid for record in records)
        if not others:
            return []
        return [PhotoJoined(photo_uuid=first, hothashes=tuple(files), joined=tuple(others))]

    what = f"{len(pictures):,} pictures made one photo"
    _write_down(tools, hothashes, decide, new_operation(tools, OperationKind.JOIN, what))
    return _photos_of(tools, hothashes[:1])[0]


def split_photo(tools: Tools, text: str) -> SplitPhotos:
    """Make a file a photo of its own; what the user said stays with the photo it leaves.

    All storages that hold a file of the photo must be reachable; otherwise nothing is changed. Raises UsageError,
    NotFoundError, AmbiguousError, StorageError.
    """
    [picture] = get_pictures(tools, [text])
    hothash, method = picture.hothash, picture.method
    left: list[PhotoUuid] = []

    def decide() -> list[Observation]:
        [record] = _photos_of(tools, [hothash])
        if len(record.files) < 2:
            raise WrongStateError(
                "The picture is a photo of its own already.", hint="`imalink whereis HOTHASH` shows its files."
            )
        left.append(record.photo.photo_uuid)
        with tools.catalog.read() as db:
            free = (split_photo_uuid_of(hothash, method, turn) for turn in count())
            photo_uuid = next(each for each in free if photos.find_photo(db, each) is None)
        return [PhotoSplit(hothash=hothash, photo_uuid=photo_uuid)]

    what = f"{hothash[:10]} made a photo of its own"
    _write_down(tools, [hothash], decide, new_operation(tools, OperationKind.SPLIT, what))
    with tools.catalog.read() as db:
        return SplitPhotos(alone=photos.get_photo(db, hothash), left=photos.get_photo(db, left[0]))


def _write_down(
    tools: Tools, hothashes: Collection[Hothash], decide: Callable[[], list[Observation]], operation: Operation
) -> None:
    """Write what ``decide`` says, once all storages concerned are open and up to date, into each of them."""
    with tools.catalog.read() as db:
        records = {record.storage_uuid: record for record in file_storages.list_storages(db)}
    concerned = _storages_of(_photos_of(tools, hothashes))
    with ExitStack() as stack:
        opened = [
            (records[storage_uuid], stack.enter_context(open_storage(tools, records[storage_uuid])))
            for storage_uuid in concerned
        ]
        for _, storage in opened:
            stack.enter_context(storage.lock("edit"))
        for record, storage in opened:
            mend_indexes(tools, record, storage)
        observations = decide()
        for record, storage in opened if observations else ():
            write_down(tools, record, storage, observations, operation=operation)


def _photos_of(tools: Tools, hothashes: Iterable[Hothash]) -> list[PhotoRecord]:
    """Give the photos that hold these pictures, each once, in the order of the pictures."""
    found: dict[PhotoUuid, PhotoRecord] = {}
    with tools.catalog.read() as db:
        for hothash in hothashes:
            record = photos.get_photo(db, hothash)
            found.setdefault(record.photo.photo_uuid, record)
    return list(found.values())


def _storages_of(records: Iterable[PhotoRecord]) -> list[StorageUuid]:
    return sorted({place.storage_uuid for record in records for file in record.files for place in file.locations})
