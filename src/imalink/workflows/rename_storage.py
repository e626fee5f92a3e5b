"""Give a storage another name or description; its signature and indexes, catalog and registry follow."""

from __future__ import annotations

from dataclasses import replace

from imalink.catalog.file_storages import StorageRecord
from imalink.core.plain_text import check_text
from imalink.errors import UsageError, of_field
from imalink.workflows.create_storage import check_name, remember_storage
from imalink.workflows.mend_indexes import mend_indexes
from imalink.workflows.storage_access import fold_notes, open_storage, project_fold
from imalink.workflows.tools import Tools

MAX_NAME_CHARACTERS = 200
MAX_DESCRIPTION_CHARACTERS = 5000


def rename_storage(
    tools: Tools, record: StorageRecord, *, display_name: str | None = None, description: str | None = None
) -> StorageRecord:
    """Set what is given, in the storage itself first; it must be reachable. Raises UsageError, StorageError."""
    if display_name is None and description is None:
        raise UsageError("Nothing was said of the storage, so nothing was changed.")
    if display_name is not None:
        display_name = display_name.strip()
        if len(display_name) > MAX_NAME_CHARACTERS:
            raise UsageError(
                f"The name has {len(display_name):,} characters; at most {MAX_NAME_CHARACTERS} are kept.",
                field="display_name",
            )
        if display_name != record.display_name:
            check_name(tools, display_name)
    if description is not None and len(description) > MAX_DESCRIPTION_CHARACTERS:
        raise UsageError(
            f"The description has {len(description):,} characters; at most {MAX_DESCRIPTION_CHARACTERS:,} are kept.",
            field="description",
        )
    if description is not None:
        with of_field("description"):
            check_text(description, "description")
    with open_storage(tools, record) as storage, storage.lock("rename"):
        mend_indexes(tools, record, storage)
        signature = storage.signature
        storage.signature = replace(
            signature,
            display_name=signature.display_name if display_name is None else display_name,
            description=signature.description if description is None else description,
        )
        project_fold(tools, record, storage.fold(fold_notes(storage, record), is_anew=True))
        return remember_storage(tools, storage)
