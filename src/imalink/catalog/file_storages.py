"""Storages as the catalog knows them: which there are, where each was last seen, and its counts."""

from __future__ import annotations

from dataclasses import dataclass, fields

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from imalink.catalog import library
from imalink.catalog.models import FileStorage
from imalink.core.ids import Sha256, StorageUuid
from imalink.errors import NotFoundError

MIN_UUID_PREFIX_LENGTH = 4
"""The shortest beginning of a UUID that names a storage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskInstance:
    """Which disk a storage stands on: what the system says of its root, as text, where known."""

    device: str | None = None
    inode: str | None = None
    file_system_uuid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageRecord:
    """One storage as the catalog knows it; counts are those of the indexed files, missing ones included."""

    id: int
    storage_uuid: StorageUuid
    directory_name: str
    base_path: str
    full_path: str
    display_name: str
    description: str
    layout: str
    created_at: str
    is_active: bool
    is_accessible: bool
    total_files: int
    total_size_bytes: int
    last_scan_at: str | None
    master_digest: Sha256 | None
    instance: DiskInstance


def record_of(row: FileStorage) -> StorageRecord:
    """Give a storage's row as a value."""
    return StorageRecord(
        id=row.id,
        storage_uuid=StorageUuid(row.storage_uuid),
        directory_name=row.directory_name,
        base_path=row.base_path,
        full_path=row.full_path,
        display_name=row.display_name,
        description=row.description,
        layout=row.layout,
        created_at=row.created_at,
        is_active=row.is_active,
        is_accessible=row.is_accessible,
        total_files=row.total_files,
        total_size_bytes=row.total_size_bytes,
        last_scan_at=row.last_scan_at,
        master_digest=None if row.master_digest is None else Sha256(row.master_digest),
        instance=DiskInstance(device=row.device, inode=row.inode, file_system_uuid=row.file_system_uuid),
    )


def add_storage(
    db: Session,
    *,
    storage_uuid: StorageUuid,
    directory_name: str,
    base_path: str,
    display_name: str,
    created_at: str,
    description: str = "",
    layout: str = "hybrid",
    instance: DiskInstance | None = None,
) -> StorageRecord:
    """Remember a storage, active and accessible, and give its record.

    A UUID that is known already is a bug of the caller: it raises SQLAlchemy's IntegrityError.
    """
    instance = instance or DiskInstance()
    row = FileStorage(
        storage_uuid=storage_uuid,
        directory_name=directory_name,
        base_path=base_path,
        display_name=display_name,
        description=description,
        layout=layout,
        created_at=created_at,
        device=instance.device,
        inode=instance.inode,
        file_system_uuid=instance.file_system_uuid,
    )
    db.add(row)
    db.flush()
    library.put_up_all(db, row.id)
    return record_of(row)


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageChange:
    """New values for a storage; None leaves a value as it is."""

    directory_name: str | None = None
    base_path: str | None = None
    display_name: str | None = None
    description: str | None = None
    layout: str | None = None
    is_active: bool | None = None
    is_accessible: bool | None = None
    last_scan_at: str | None = None
    master_digest: Sha256 | None = None
    instance: DiskInstance | None = None


def update_storage(db: Session, storage_uuid: StorageUuid, change: StorageChange) -> StorageRecord:
    """Set what ``change`` names and give the new record. Raises NotFoundError."""
    row = _get_row(db, storage_uuid)
    for field in fields(change):
        value: object = getattr(change, field.name)
        if value is not None and field.name != "instance":
            setattr(row, field.name, value)
    if change.instance is not None:
        row.device, row.inode = change.instance.device, change.instance.inode
        row.file_system_uuid = change.instance.file_system_uuid
    db.flush()
    return record_of(row)


def get_storage(db: Session, storage_uuid: StorageUuid) -> StorageRecord:
    """Give the storage with this UUID. Raises NotFoundError."""
    return record_of(_get_row(db, storage_uuid))


def get_model(db: Session, storage_uuid: StorageUuid) -> FileStorage:
    """Give the row itself, for programs that ask the model; its columns stay readable. Raises NotFoundError."""
    return _get_row(db, storage_uuid)


def find_storage(db: Session, storage_uuid: StorageUuid) -> StorageRecord | None:
    """Give the storage with this UUID, if it is known."""
    row = db.execute(select(FileStorage).where(FileStorage.storage_uuid == storage_uuid)).scalar_one_or_none()
    return None if row is None else record_of(row)


def find_storages(db: Session, text: str) -> list[StorageRecord]:
    """Give every storage that ``text`` names, by display name.

    It may be a UUID, a display name or the path where the storage was last seen; else a display name in other case;
    else a folder name; else the beginning of a UUID (4 characters or more). The first of these that fits anything
    decides; several results mean that the text is ambiguous.
    """
    wanted = text.strip()
    folded = wanted.casefold()
    storages = list_storages(db)
    found = [known for known in storages if known.storage_uuid == folded or _is_named(known, wanted)]
    found = found or [known for known in storages if known.display_name.casefold() == folded]
    found = found or [known for known in storages if known.directory_name == wanted]
    if not found and len(wanted) >= MIN_UUID_PREFIX_LENGTH:
        return [known for known in storages if known.storage_uuid.startswith(folded)]
    return found


def _is_named(known: StorageRecord, wanted: str) -> bool:
    return wanted in (known.display_name, known.full_path, f"{known.full_path}/")


def list_storages(db: Session) -> list[StorageRecord]:
    """Give all storages, active or not, by display name."""
    rows = db.execute(select(FileStorage).order_by(FileStorage.display_name, FileStorage.storage_uuid)).scalars()
    return [record_of(row) for row in rows]


def change_counts(db: Session, storage_id: int, *, files: int, size_bytes: int) -> None:
    """Add to a storage's counts what came, or take away what went."""
    if files or size_bytes:
        db.execute(
            update(FileStorage)
            .where(FileStorage.id == storage_id)
            .values(
                total_files=FileStorage.total_files + files,
                total_size_bytes=FileStorage.total_size_bytes + size_bytes,
            )
        )


def _get_row(db: Session, storage_uuid: StorageUuid) -> FileStorage:
    row = db.execute(select(FileStorage).where(FileStorage.storage_uuid == storage_uuid)).scalar_one_or_none()
    if row is None:
        raise NotFoundError(
            f"No storage {storage_uuid} is known.", hint="Run `imalink storage list` to see the known ones."
        )
    return row
