"""Founding a storage: a folder of its own, or the user's own folder, gets empty indexes and, last, a signature."""

from __future__ import annotations

from pathlib import Path

from imalink.core.ids import FILE_METHOD, StorageUuid
from imalink.core.index import MasterIndex
from imalink.core.relative_path import RelativePath
from imalink.core.signature import Signature, storage_directory_name
from imalink.core.timestamps import Clock, format_instant
from imalink.durable_files import FileCalls
from imalink.errors import StorageOfflineError, UsageError, WrongStateError
from imalink.formats.layouts.hybrid import HYBRID
from imalink.formats.layouts.indexed import INDEXED
from imalink.formats.signature_file import HERE, dump_signature
from imalink.storage import staging
from imalink.storage.file_storage import FileStorage
from imalink.storage.fs import StorageFiles
from imalink.storage.previews import HOTPREVIEWS
from imalink.storage.root import StorageRoot
from imalink.storage.signature import SIGNATURE_PATH, has_sessions, looks_like_storage

HOTHASH_METHODS = (
    *("jpeg-1", "png-1", "webp-1", "gif-1", "heif-1", "tiff-1", "cr3-1", "jxl-1", "video-1"),
    FILE_METHOD,
)
"""What this version may write into a storage; one that names another is newer."""


def found_storage(
    base_path: Path,
    *,
    storage_uuid: StorageUuid,
    display_name: str,
    description: str,
    storage_id: int | None,
    clock: Clock,
    calls: FileCalls | None = None,
) -> FileStorage:
    """Make a new storage in a folder of its own below ``base_path``, which must exist, and open it.

    The signature is written last: a storage that was made half-way is none. Raises UsageError and StorageError.
    """
    created = clock.now()
    name = RelativePath(storage_directory_name(storage_uuid, created))
    with open_base(base_path, calls) as base:
        made = StorageFiles(base).make_directories(name)
        if not made:
            raise WrongStateError(f"A folder {name} is there already.", hint="Try again in a second.")
    signature = Signature(
        storage_uuid=storage_uuid,
        display_name=display_name,
        created_at=format_instant(created),
        description=description,
        layout=HYBRID.name,
        photo_root=str(HYBRID.photo_root or HERE),
        directory_name=name,
        hothash_methods=HOTHASH_METHODS,
    )
    storage = FileStorage(StorageRoot.open(base_path / name, calls=calls), signature, clock=clock)
    try:
        furnish(storage, storage_id)
    except BaseException:
        storage.close()
        raise
    return storage


def found_in_place(
    folder: Path,
    *,
    storage_uuid: StorageUuid,
    display_name: str,
    description: str,
    storage_id: int | None,
    clock: Clock,
    calls: FileCalls | None = None,
) -> FileStorage:
    """Make the user's own folder a storage in place, and open it; no picture is touched.

    All that is added begins with ``imalink`` or ``.imalink``; the signature is written last. Raises UsageError for
    a folder that is not there, is a storage already or lies in one, and StorageError.
    """
    root = open_base(folder, calls)
    try:
        files = StorageFiles(root)
        # Empty indexes without a signature are what an adoption leaves that was killed: it may be done again.
        if files.exists(SIGNATURE_PATH) or has_sessions(files) or staging.list_commits(files):
            raise WrongStateError(
                f"{folder} is a storage already. Nothing was changed.",
                hint="Run `imalink recover` with its path to make it known on this machine.",
            )
        refuse_inside_storage(root.path)
        signature = Signature(
            storage_uuid=storage_uuid,
            display_name=display_name,
            created_at=format_instant(clock.now()),
            description=description,
            layout=INDEXED.name,
            photo_root=str(INDEXED.photo_root or HERE),
            directory_name=root.path.name,
            hothash_methods=HOTHASH_METHODS,
        )
        storage = FileStorage(root, signature, clock=clock)
        furnish(storage, storage_id)
    except BaseException:
        root.close()
        raise
    return storage


def furnish(storage: FileStorage, storage_id: int | None) -> None:
    """Make the folders and empty indexes of a new storage, and its signature last."""
    layout, created_at = storage.layout, storage.signature.created_at
    for folder in (storage.photo_root, layout.sessions_directory, HOTPREVIEWS, staging.COMMITS):
        if folder is not None:
            storage.files.make_directories(folder)
    storage.indexes.save_master(
        MasterIndex(storage_uuid=storage.storage_uuid, files={}, indexed_at=created_at, generation=1)
    )
    storage.indexes.save_overview(storage.empty_overview(storage_id))
    storage.files.replace(SIGNATURE_PATH, dump_signature(storage.signature))


def open_base(base_path: Path, calls: FileCalls | None) -> StorageRoot:
    """Open the folder in which a storage is to be made. Raises UsageError, with advice, when it is not there."""
    try:
        return StorageRoot.open(base_path, calls=calls)
    except StorageOfflineError as error:
        raise UsageError(
            f"The folder {base_path} is not there, so no storage was made in it. If a disk belongs there, it is not "
            "mounted: a storage made now would land on the system disk.",
            hint="Mount the disk, or make the folder yourself if it is meant to be on this disk.",
        ) from error


def refuse_inside_storage(folder: Path) -> None:
    """Refuse a folder that lies in a storage: its pictures would have two indexes that know nothing of each other."""
    for parent in folder.resolve().parents:
        if looks_like_storage(parent):
            raise UsageError(
                f"{folder} lies inside the storage at {parent}. Nothing was changed.",
                hint="Its pictures are that storage's: run `imalink reindex` for it.",
            )
