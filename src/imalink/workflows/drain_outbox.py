"""Tell an open storage what the user said of its photos while it was not told: from the outbox into its journal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce

from imalink.catalog import library, outbox, photos
from imalink.catalog.file_storages import StorageRecord
from imalink.catalog.outbox import WaitingRow
from imalink.core.ids import Hothash, PhotoUuid
from imalink.core.index import MasterIndex
from imalink.core.journal import PhotoEdited
from imalink.core.photo import UserFacts
from imalink.core.user_facts import cut_in_pieces, merge_said
from imalink.storage.file_storage import FileStorage
from imalink.storage.fold import FoldResult
from imalink.workflows.storage_access import write_down
from imalink.workflows.tools import Tools

FIELDS_AT_ONCE = 10
"""So many fields of the longest there may be fit a journal line."""


def drain_outbox(
    tools: Tools, record: StorageRecord, storage: FileStorage, *, master: MasterIndex
) -> FoldResult | None:
    """Write the edits that wait for this storage into its journal and indexes; None when none do.

    Whatever stops it, the edits still wait unless the indexes have them: telling them twice is telling them once. The
    caller holds the lock, and commits and journals are folded into ``master``. Raises StorageError.
    """
    with tools.catalog.read() as db:
        waiting = outbox.list_waiting(db, record.storage_uuid)
        items = library.list_waiting_items(db, record.id)
        known = photos.find_photos(db, {row.photo_uuid for row in waiting})
    if not waiting and not items:
        return None
    files = {photo_uuid: tuple(file.hothash for file in photo.files) for photo_uuid, photo in known.items()}
    grouped: dict[PhotoUuid, list[WaitingRow]] = {}
    for row in waiting:
        grouped.setdefault(row.photo_uuid, []).append(row)
    observations = [*_observations(grouped, files), *(item.edit for item in items)]
    result = write_down(tools, record, storage, observations, master=master)
    with tools.catalog.begin(changes_photos=True) as db:
        outbox.remove_told(db, waiting)
        library.remove_told_items(db, [item.id for item in items])
    return result


def has_waiting_edits(tools: Tools, record: StorageRecord) -> bool:
    """Tell whether this storage is still to be told anything."""
    with tools.catalog.read() as db:
        return record.storage_uuid in outbox.count_waiting(db)


def _observations(
    grouped: Mapping[PhotoUuid, list[WaitingRow]], files: Mapping[PhotoUuid, tuple[Hothash, ...]]
) -> Iterator[PhotoEdited]:
    for photo_uuid, rows in grouped.items():
        # The files of then and of now: one may have been edited since, another joined to the photo.
        hothashes = dict.fromkeys(each for row in rows for each in (*row.hothashes, *files.get(photo_uuid, ())))
        said = reduce(merge_said, (row.said for row in rows), UserFacts())
        for piece in cut_in_pieces(said, FIELDS_AT_ONCE):
            yield PhotoEdited(photo_uuid=photo_uuid, hothashes=tuple(hothashes), said=piece)
