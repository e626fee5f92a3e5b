"""Create a storage: a folder of its own with indexes, ready for imports."""

from __future__ import annotations

from pathlib import Path

from imalink.catalog import file_storages, library
from imalink.catalog.file_storages import DiskInstance, StorageRecord
from imalink.core.ids import StorageUuid
from imalink.core.plain_text import check_line, check_text
from imalink.errors import NameInUseError, UsageError, of_field
from imalink.storage.file_storage import FileStorage
from imalink.storage.founding import found_storage, open_base
from imalink.storage.volumes import describe_volume
from imalink.workflows.tools import Tools


def create_storage(tools: Tools, *, base_path: Path, display_name: str, description: str = "") -> StorageRecord:
    """Make a storage below ``base_path`` and remember it in the catalog and this machine's registry.

    Raises UsageError when the folder is not there or the name is empty or taken, and StorageError.
    """
    display_name = check_storage(tools, base_path=base_path, display_name=display_name)
    check_text(description, "description")
    storage = found_storage(
        base_path.absolute(),
        storage_uuid=StorageUuid(tools.new_uuid()),
        display_name=display_name,
        description=description,
        storage_id=None,
        clock=tools.clock,
        calls=tools.calls,
    )
    with storage:
        return remember_storage(tools, storage)


def check_storage(tools: Tools, *, base_path: Path, display_name: str) -> str:
    """Check that a storage could be made, without making it; give its name as it would be kept. Raises UsageError."""
    display_name = check_name(tools, display_name)
    open_base(base_path.absolute(), tools.calls).close()
    return display_name


def check_name(tools: Tools, display_name: str) -> str:
    """Give a new storage's name as it would be kept. Raises UsageError when it is empty, taken or not plain text."""
    with of_field("display_name"):
        display_name = check_line(display_name.strip(), "name")
        if not display_name:
            raise UsageError("A storage needs a name.", hint='Give it one with --name "Blue Samsung".')
    with tools.catalog.read() as db:
        if any(record.display_name == display_name for record in file_storages.list_storages(db)):
            raise NameInUseError(
                f"A storage named {display_name!r} is known already.", hint="Choose a name that tells them apart."
            )
    return display_name


def remember_storage(tools: Tools, storage: FileStorage, *, is_noted: bool = True) -> StorageRecord:
    """Note an opened storage in the catalog and the registry, or where it stands now if it is known.

    ``is_noted`` False leaves the registry alone, for a catalog that is thrown away.
    """
    signature, path = storage.signature, storage.path
    instance = instance_of(storage) if storage.has_pictures else None
    with tools.catalog.begin() as db:
        record = file_storages.find_storage(db, signature.storage_uuid)
        if record is None:
            file_storages.add_storage(
                db,
                storage_uuid=signature.storage_uuid,
                directory_name=path.name,
                base_path=str(path.parent),
                display_name=signature.display_name,
                created_at=signature.created_at,
                description=signature.description,
                layout=signature.layout,
                instance=instance,
            )
            is_unwanted = any(
                noted.storage_uuid == signature.storage_uuid and not noted.is_active
                for noted in tools.registry.storages()
            )
            change = file_storages.StorageChange(is_active=not is_unwanted, is_accessible=storage.has_pictures)
            record = file_storages.update_storage(db, signature.storage_uuid, change)
        else:
            change = file_storages.StorageChange(
                directory_name=path.name,
                base_path=str(path.parent),
                display_name=signature.display_name,
                description=signature.description,
                layout=signature.layout,
                is_accessible=storage.has_pictures,
                instance=instance,
            )
            record = file_storages.update_storage(db, signature.storage_uuid, change)
        library.hear(db, record.id, storage.library_edits())
    if is_noted:
        tools.registry.remember(
            signature.storage_uuid,
            display_name=signature.display_name,
            path=path,
            created_at=signature.created_at,
            layout=signature.layout,
        )
    return record


def instance_of(storage: FileStorage) -> DiskInstance:
    """Give which disk a storage stands on, as text."""
    instance = describe_volume(storage.root).instance
    return DiskInstance(
        device=str(storage.root.device),
        inode=str(instance.root_inode),
        file_system_uuid=instance.file_system_uuid,
    )
