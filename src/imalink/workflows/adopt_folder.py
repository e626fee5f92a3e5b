"""Adopt a folder: it becomes a storage in place, and its pictures a session; not one of them is touched."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from imalink.catalog.file_storages import StorageRecord
from imalink.core.ids import StorageUuid
from imalink.core.plain_text import check_text
from imalink.core.progress import Progress, SilentProgress
from imalink.core.run_request import RunKind, RunRequest
from imalink.errors import StorageReadOnlyError, WrongStateError
from imalink.storage.file_storage import FileStorage
from imalink.storage.founding import found_in_place
from imalink.workflows.create_storage import check_name, remember_storage
from imalink.workflows.import_report import ImportReport
from imalink.workflows.index_in_place import index_in_place
from imalink.workflows.mend_indexes import mend_indexes
from imalink.workflows.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptReport:
    """The new storage, and what was indexed in it; None if that was left to a re-index."""

    record: StorageRecord
    indexed: ImportReport | None


def adopt_folder(
    tools: Tools,
    *,
    folder: Path,
    display_name: str,
    description: str = "",
    is_indexed: bool = True,
    progress: Progress | None = None,
) -> AdoptReport:
    """Make the user's own folder a storage, and take what is in it into a session called ``Adopted <name>``.

    All that is added to the folder begins with ``imalink`` or ``.imalink``. An interruption leaves a session that
    can be resumed, and a storage whose remaining pictures a re-index finds. Raises UsageError, StorageError,
    CancelledError.
    """
    display_name = check_name(tools, display_name)
    check_text(description, "description")
    _refuse_reference(tools, folder)
    try:
        storage = found_in_place(
            folder.absolute(),
            storage_uuid=StorageUuid(tools.new_uuid()),
            display_name=display_name,
            description=description,
            storage_id=None,
            clock=tools.clock,
            calls=tools.calls,
        )
    except StorageReadOnlyError as error:
        error.hint = (
            f"{error.hint} Or leave the folder as it is: `imalink import {shlex.quote(str(folder))} --no-copy --title "
            "TITLE` takes its pictures in and keeps ImaLink's own files elsewhere."
        )
        raise
    with storage:
        record = remember_storage(tools, storage)
        indexed = _index(tools, record, storage, progress or SilentProgress()) if is_indexed else None
    return AdoptReport(record=record, indexed=indexed)


def _refuse_reference(tools: Tools, folder: Path) -> None:
    """Refuse a folder whose files are in a reference storage already: they would count as two copies."""
    noted = tools.registry.places()
    known = tools.references.find_around(folder, noted)
    if known is not None:
        with known:
            if known.storage_uuid in noted:
                raise WrongStateError(
                    f"{folder} is the folder of the storage {known.signature.display_name}, or lies in it, which "
                    "refers to it without writing there. Nothing was changed.",
                    hint=f"Run `imalink storage forget {known.storage_uuid}` first, if you want it to be written into.",
                )
    tools.references.refuse_known_inside(folder, noted)


def _index(tools: Tools, record: StorageRecord, storage: FileStorage, progress: Progress) -> ImportReport:
    with storage.lock("adopt"):
        master = mend_indexes(tools, record, storage).master
        progress.start_phase("scan")
        scanned = storage.scan(lambda _: progress.checkpoint())
        title = f"Adopted {record.display_name}"
        return index_in_place(
            tools,
            record,
            storage,
            master,
            scanned.files,
            findings=scanned.findings,
            title=title,
            progress=progress,
            request=RunRequest(kind=RunKind.ADOPT, source=str(storage.path)),
        )
