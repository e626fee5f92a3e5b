"""The folder of a reference storage's pictures: how it is described, and found again or told to be offline."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from imalink.core.signature import PictureFolder
from imalink.durable_files import FileCalls
from imalink.errors import StorageError, StorageIoError, StorageOfflineError
from imalink.storage.mounts import find_mount, list_mounts
from imalink.storage.reading import FolderReader
from imalink.storage.root import StorageRoot
from imalink.storage.volumes import describe_volume


def describe_picture_folder(root: StorageRoot) -> PictureFolder:
    """Describe an open folder so that it can be told from every other one later. Raises StorageError."""
    instance = describe_volume(root).instance
    mount = find_mount(root.descriptor)
    return PictureFolder(
        path=str(root.path),
        file_system_uuid=instance.file_system_uuid,
        path_below_mount=mount.path_inside(os.path.realpath(root.path)) if mount is not None else None,
        inode=instance.root_inode,
        birth_ns=instance.birth_ns,
    )


def open_picture_folder(known: PictureFolder, *, calls: FileCalls | None = None) -> tuple[StorageRoot, PictureFolder]:
    """Open the folder where it was last seen or wherever its disk is mounted now; give it with where it is.

    Raises StorageOfflineError when it is at none of these places: a folder of that name on another file system, such as
    the empty mount point of its disk, is not it. Raises StorageIoError when it is there and may not be read.
    """
    refused: StorageError = StorageOfflineError(
        "The folder of its pictures is not there.", hint="Plug its disk in; it may be mounted anywhere."
    )
    for path in (Path(known.path), *_other_places(known)):
        try:
            root = StorageRoot.open(path, calls=calls)
        except StorageIoError as error:
            refused = error
            continue
        except StorageError:
            continue
        found = _recognise(root, known)
        if found is not None:
            return root, found
        root.close()
        refused = StorageOfflineError(
            "The folder that stands there is not the one that was indexed: it lies on another disk, or is the empty "
            "place where its disk belongs.",
            hint="Plug the right disk in; it may be mounted anywhere.",
        )
    raise refused


def _recognise(root: StorageRoot, known: PictureFolder) -> PictureFolder | None:
    """Give an open folder's description if it is the known one."""
    try:
        found = describe_picture_folder(root)
        # The roots of some file systems all have one number; what tells a disk without a UUID from the empty folder
        # that is left without it is then only that it holds something.
        is_told = known.file_system_uuid is not None or bool(FolderReader(root).list_names(None))
    except StorageError:
        return None
    return found if is_told and known.is_same_place(found) else None


def _other_places(known: PictureFolder) -> Iterator[Path]:
    """Give where the path shows up in the file systems that are mounted now; only disks are asked."""
    if known.file_system_uuid is None or known.path_below_mount is None:
        return
    for mount in list_mounts():
        if not mount.source.startswith("/dev/"):
            continue  # a network mount that hangs must not hold up the rest
        path = mount.path_of(known.path_below_mount)
        if path is not None and path != known.path:
            yield Path(path)
