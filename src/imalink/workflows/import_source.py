"""Before an import: the source is opened for reading, kept apart from the storage, and measured against its room."""

from __future__ import annotations

from pathlib import Path

from imalink.core.run_request import MAX_EXCLUDE_CHARACTERS, RunKind, RunRequest
from imalink.core.source_listing import SourceListing
from imalink.errors import (
    NestedSourceError,
    NotFoundError,
    OutOfSpaceError,
    SourceError,
    SourceOfflineError,
    StorageError,
    StorageOfflineError,
    UsageError,
    WrongStateError,
)
from imalink.storage.file_storage import FileStorage
from imalink.storage.root import StorageRoot
from imalink.storage.uploads import is_upload
from imalink.storage.volumes import describe_volume
from imalink.workflows.import_report import ImportRequest
from imalink.workflows.tools import Tools

SPARE_SHARE = 0.05
SPARE_BYTES = 64 * 1024 * 1024
CATALOG_BYTES_PER_PICTURE = 8 * 1024
"""Rows, indexes over them, and the same once more in the write-ahead log."""


def require_importable(storage: FileStorage) -> None:
    """Refuse a storage in which nothing can be placed. Raises UsageError."""
    if storage.layout.is_reference:
        raise WrongStateError(
            f"{storage.signature.display_name} only refers to the pictures in {storage.path}, which is never written "
            "into. Nothing was changed.",
            hint="Import into another storage; `imalink import FOLDER --no-copy` takes in what is new in that folder.",
        )


def was_sent(source: StorageRoot, storage: FileStorage) -> bool:
    """Tell whether the source is what was uploaded to this storage."""
    return is_upload(Path(source.path).resolve(), Path(storage.root.path).resolve())


def refuse_nesting(source: StorageRoot, storage: FileStorage) -> None:
    """Refuse a source inside the storage or around it, but for what was uploaded. Raises NestedSourceError."""
    if was_sent(source, storage):
        return
    source_path, storage_path = Path(source.path).resolve(), Path(storage.root.path).resolve()
    if source_path == storage_path or storage_path in source_path.parents:
        raise NestedSourceError(
            f"{source.path} lies inside the storage, so its pictures are in it already. Nothing was changed.",
            hint="Run `imalink reindex` to take in what you put there yourself.",
        )
    if source_path in storage_path.parents:
        raise NestedSourceError(
            f"The storage lies inside {source.path}, so the import would copy the storage into itself. "
            "Nothing was changed.",
            hint="Import the folders beside the storage one by one.",
        )


def open_source(path: Path, tools: Tools) -> StorageRoot:
    """Open the folder to import from. Raises NotFoundError, SourceError."""
    if path.is_file():
        raise UsageError(f"{path} is a file; an import takes a folder.", hint=f"Import its folder: {path.parent}")
    try:
        return StorageRoot.open(path, calls=tools.calls)
    except StorageOfflineError as error:
        raise NotFoundError(
            f"There is no folder {path} to import from.", hint="Check the path; if it is a card, is it plugged in?"
        ) from error
    except StorageError as error:
        raise SourceError(f"The folder {path} cannot be read: {error.message}", hint=error.hint) from error


def note_request(
    kind: RunKind, request: ImportRequest, source: StorageRoot, *, picture_count: int, size_bytes: int
) -> RunRequest:
    """Give what was asked for as a run writes it down. Raises UsageError for more patterns than can be."""
    if sum(map(len, request.exclude)) > MAX_EXCLUDE_CHARACTERS:
        raise UsageError(
            f"The patterns of what to leave out have more than {MAX_EXCLUDE_CHARACTERS:,} characters. "
            "Nothing was changed.",
            hint="Put them into a file .imalinkignore in the folder.",
        )
    return RunRequest(
        kind=kind,
        source=str(source.path),
        volume=describe_volume(source).instance.file_system_uuid,
        organization=request.organization.text,
        duplicates=request.duplicates,
        exclude=request.exclude,
        includes_deleted=request.includes_deleted,
        author=request.author,
        picture_count=picture_count,
        size_bytes=size_bytes,
    )


def is_same_source(source: StorageRoot, known: RunRequest) -> bool:
    """Tell whether names, sizes and times there speak of the files an earlier run read, so that they can be believed.

    They do on the same file system, wherever it is mounted; where it has no UUID, in the same folder.
    """
    volume = describe_volume(source).instance.file_system_uuid
    if volume is None and known.volume is None:
        return str(source.path) == known.source
    return volume == known.volume


def require_source_of(source: StorageRoot, known: RunRequest, listing: SourceListing, *, settled_count: int) -> None:
    """Refuse a folder that cannot be what an interrupted import was reading. Raises SourceOfflineError.

    The same path on another file system is another card, or the empty place where the card belongs. Whoever names
    another path knows better, unless there is not one picture.
    """
    is_other = str(source.path) == known.source and not is_same_source(source, known)
    is_bare = not listing.pictures and settled_count < known.picture_count
    if is_other or is_bare:
        why = "lies on another disk than the one it was reading" if is_other else "holds no picture now"
        raise SourceOfflineError(
            f"{source.path} {why}, so the import cannot go on from there. Nothing was changed, and nothing is lost.",
            hint="Plug its card or disk in, or say with --source where the folder is now.",
        )


def require_space(tools: Tools, storage: FileStorage, listing: SourceListing) -> None:
    """Make sure that everything would fit even if nothing of it were known, and so would what the catalog notes of it.

    Raises OutOfSpaceError, which says on which disk room is wanting.
    """
    pictures = int(listing.total_bytes * (1 + SPARE_SHARE))
    notes = int(len(listing.pictures) * CATALOG_BYTES_PER_PICTURE * (1 + SPARE_SHARE))
    room = tools.catalog.find_room()
    is_one_disk = room is not None and room.device == storage.files.root.device
    _require(
        pictures + (notes if is_one_disk else 0) + SPARE_BYTES,
        storage.files.free_bytes(),
        "The storage's disk" if not is_one_disk else "The disk of the storage and of the catalog",
        "Make room on it, or import a part of the folder.",
    )
    if room is not None and not is_one_disk:
        hint = "Make room on it, or move the catalog to another disk (setting `database_url`)."
        _require(notes + SPARE_BYTES, room.free_bytes, "The catalog's disk (not the storage's)", hint)


def _require(needed: int, free: int, what: str, hint: str) -> None:
    if free < needed:
        raise OutOfSpaceError(
            f"{what} has {free:,} bytes free; the import may need {needed:,}. Nothing was copied.", hint=hint
        )
