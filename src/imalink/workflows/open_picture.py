"""Open a picture by its hothash: its file, held open wherever it stands now, and its previews."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from imalink.catalog import file_storages, locations, shown_pictures
from imalink.catalog.file_storages import StorageRecord
from imalink.catalog.locations import FoundImageFile, FoundLocation
from imalink.catalog.shown_pictures import ShownPicture
from imalink.core.analyser import Preview
from imalink.core.ids import Hothash, Sha256, StorageUuid
from imalink.core.preview_key import PreviewSize
from imalink.durable_files import READ_CHUNK_BYTES, FileCalls
from imalink.errors import FileMissingError, ImalinkError, NotFoundError, StorageError
from imalink.storage.file_storage import FileStorage
from imalink.storage.reading import facts_at, iter_chunks
from imalink.workflows.find_file import get_pictures
from imalink.workflows.storage_access import open_known
from imalink.workflows.tools import Tools

HOTHASH_LENGTH = 64
OUT_OF_REACH = "Image file not accessible. Check storage connection."


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPicture:
    """A picture's file, held open until ``held`` is closed; ``sha256`` is that of the bytes that were archived."""

    hothash: Hothash
    sha256: Sha256
    filename: str
    file_format: str
    descriptor: int
    size_bytes: int
    modified_ns: int
    held: ExitStack
    calls: FileCalls

    def chunks(self) -> Iterator[bytes]:
        """Give the content from its start, as it stands now. Raises StorageError."""
        return iter_chunks(self.calls, self.descriptor, READ_CHUNK_BYTES, self.filename)


def hothash_of_image(tools: Tools, image_id: int) -> Hothash:
    """Give the picture with this number in the catalog. Raises NotFoundError."""
    with tools.catalog.read() as db:
        found = locations.find_hothash_of(db, image_id)
    if found is None:
        raise NotFoundError(f"No image {image_id} is known.")
    return found


def open_picture(tools: Tools, text: str) -> OpenPicture:
    """Open a file of the picture that a hothash or a prefix of it means, through the handle of its storage.

    Raises UsageError, AmbiguousError; NotFoundError also when no file of it can be reached.
    """
    [picture] = get_pictures(tools, [text])
    return open_found(tools, picture)


def open_found(tools: Tools, picture: FoundImageFile) -> OpenPicture:
    """Open a file of a picture, the best that can be reached.

    Raises NotFoundError; FileMissingError where all its storages can be reached, and none has it.
    """
    reached: set[StorageUuid] = set()
    for location, storage, stack in _reached(tools, picture):
        with stack:
            try:
                descriptor = stack.enter_context(storage.pictures.open_for_reading(location.relative_path))
                facts = facts_at(storage.pictures.calls, descriptor)
            except NotFoundError:
                reached.add(location.storage_uuid)
                continue
            except StorageError:
                continue
            return OpenPicture(
                hothash=picture.hothash,
                sha256=location.sha256,
                filename=location.relative_path.name,
                file_format=picture.file_format,
                descriptor=descriptor,
                size_bytes=facts.size_bytes,
                modified_ns=facts.modified_ns,
                held=stack.pop_all(),
                calls=storage.pictures.calls,
            )
    if reached and reached == {location.storage_uuid for location in picture.locations}:
        raise _missing(picture)
    raise _out_of_reach(picture)


def find_shown(tools: Tools, text: str) -> ShownPicture:
    """Give the picture that a hothash or a prefix of it means, as it is shown.

    Raises NotFoundError, AmbiguousError.
    """
    hothash = Hothash(text)
    with tools.catalog.read() as db:
        found = shown_pictures.find_shown(db, hothash) if len(text) == HOTHASH_LENGTH else None
    if found is None:
        [picture] = get_pictures(tools, [text])
        with tools.catalog.read() as db:
            found = shown_pictures.find_shown(db, picture.hothash)
    if found is None:
        raise NotFoundError(f"The picture {text} was deleted just now.")
    return found


def find_hotpreview(tools: Tools, picture: ShownPicture) -> bytes | None:
    """Give the small preview of a picture as JPEG, from any storage in reach that has it whole."""
    for record in picture.storages:
        try:
            with open_known(tools, record, needs_pictures=False) as storage:
                data = storage.hotpreviews.find_whole(picture.hothash)
        except ImalinkError:
            continue
        if data is not None:
            return data
    return None


def make_preview(tools: Tools, hothash: Hothash, size: PreviewSize) -> Preview | None:
    """Make a preview of a picture from its file; None if none can be made of it. Raises as ``open_picture``."""
    opened = open_picture(tools, hothash)
    with opened.held:
        if size is PreviewSize.HOT:
            return tools.analyser.analyse(opened.descriptor, filename=opened.filename).hotpreview
        return tools.analyser.coldpreview(opened.descriptor, filename=opened.filename).preview


def _reached(tools: Tools, picture: FoundImageFile) -> Iterator[tuple[FoundLocation, FileStorage, ExitStack]]:
    """Give the places of a picture whose storage answers, best first; each with what holds the storage open."""
    with tools.catalog.read() as db:
        records = {record.storage_uuid: record for record in file_storages.list_storages(db)}
    for location in picture.locations:
        record: StorageRecord = records[location.storage_uuid]
        stack = ExitStack()
        try:
            storage = stack.enter_context(open_known(tools, record))
        except ImalinkError:
            continue
        yield location, storage, stack


def _missing(picture: FoundImageFile) -> FileMissingError:
    [first, *further] = picture.locations
    more = f", nor at {len(further)} other places" if further else ""
    return FileMissingError(
        f"The file is missing: it is not at {first.relative_path.printable()} in {first.display_name}{more}.",
        hint="If it was moved, `imalink reindex` finds it; `imalink conflicts` says what else can be done.",
    )


def _out_of_reach(picture: FoundImageFile) -> NotFoundError:
    names = ", ".join(sorted({location.display_name for location in picture.locations}))
    return NotFoundError(
        OUT_OF_REACH, hint=f"A file of it is known in {names}." if names else "No file of it is known."
    )
