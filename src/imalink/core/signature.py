"""The signature: which storage a folder is."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from imalink.core.ids import StorageUuid


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFolder:
    """Where the pictures of a storage stand that keeps its own files elsewhere, and by what that folder is known again.

    ``path`` is where it was last seen, absolute. ``path_below_mount`` is its path from the root of its file system,
    ``""`` for that root itself, None where the system does not tell; the rest as in ``storage.volumes.Instance``.
    """

    path: str
    file_system_uuid: str | None
    path_below_mount: str | None
    inode: int
    birth_ns: int | None

    def is_same_place(self, other: PictureFolder) -> bool:
        """Tell whether ``other`` was described at the same place of the same file system.

        Where the file system had no UUID the folder itself must be the same one. An empty mount point lies on another
        file system than the disk that belongs there, so it is never taken for it.
        """
        if self.file_system_uuid is not None:
            is_same_file_system = self.file_system_uuid == other.file_system_uuid
            return is_same_file_system and self.path_below_mount == other.path_below_mount
        is_same_birth = self.birth_ns is None or other.birth_ns is None or self.birth_ns == other.birth_ns
        return self.inode == other.inode and is_same_birth


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What ``.imalink-storage`` says. Counts and sizes are written for people and never believed.

    ``pictures`` is set where they stand apart from ImaLink's own files (layout ``reference``).
    """

    storage_uuid: StorageUuid
    display_name: str
    created_at: str
    last_indexed: str | None = None
    photo_count: int = 0
    total_size_bytes: int = 0
    backend_url: str = ""
    notes: str = ""
    tags: tuple[str, ...] = ()
    layout: str = "hybrid"
    photo_root: str = "photos"
    directory_name: str = ""
    description: str = ""
    hothash_methods: tuple[str, ...] = ()
    previous_uuids: tuple[StorageUuid, ...] = ()
    migrated_from: str | None = None
    generation: int = 0
    pictures: PictureFolder | None = None
    extras: Mapping[str, Mapping[str, object]] = field(default_factory=dict[str, Mapping[str, object]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Testimony:
    """What a file of a storage's own says of which storage it belongs to."""

    file: str
    storage_uuid: StorageUuid


def agreed_uuid(testimonies: Collection[Testimony], earlier: Collection[StorageUuid] = ()) -> StorageUuid | None:
    """Give the one storage that all testimonies name; None when they name several, or there are none.

    UUIDs that this storage had ``earlier`` are no contradiction: commits are never rewritten.
    """
    named = {each.storage_uuid for each in testimonies}
    if len(named) > 1:
        named -= set(earlier)
    return next(iter(named)) if len(named) == 1 else None


def storage_directory_name(storage_uuid: StorageUuid, created: datetime) -> str:
    """Name a created storage's folder: ``imalink_YYYYMMDD_HHMMSS_<first 8 of the UUID>``, in UTC."""
    return f"imalink_{created.astimezone(UTC):%Y%m%d_%H%M%S}_{storage_uuid[:8]}"
