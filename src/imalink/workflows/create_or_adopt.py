"""Create a storage where the same request may be meant to bring one back: after the catalog was lost, say.

A storage of that name that stands below the base path and that the catalog does not know is taken in with all it holds,
instead of a second, empty one being made beside it (docs/decisions/0062-create-takes-in-what-stands-there.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from imalink.catalog import file_storages
from imalink.catalog.file_storages import StorageRecord
from imalink.core.ids import StorageUuid
from imalink.core.plain_text import check_text
from imalink.core.progress import Progress
from imalink.core.relative_path import RelativePath
from imalink.errors import ImalinkError, WrongStateError
from imalink.storage.caps import UNTRUSTED
from imalink.storage.file_storage import FileStorage
from imalink.storage.founding import open_base
from imalink.storage.reading import FolderReader
from imalink.storage.signature import holds_storage
from imalink.workflows.create_storage import check_name, create_storage
from imalink.workflows.recover import RecoveryReport, recover
from imalink.workflows.recovery_candidates import Candidate
from imalink.workflows.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedStorage:
    """A storage that was made, or taken in: then ``recovered`` tells what came with it."""

    record: StorageRecord
    recovered: RecoveryReport | None


def create_or_adopt(
    tools: Tools, *, base_path: Path, display_name: str, description: str = "", progress: Progress | None = None
) -> CreatedStorage:
    """Take in the storage of that name below ``base_path`` that the catalog does not know, else make a new one.

    Raises UsageError, also when several of that name stand there; NameInUseError when the catalog knows one; and
    StorageError, CancelledError.
    """
    display_name = check_name(tools, display_name)
    check_text(description, "description")
    found = _find_unknown(tools, base_path.absolute(), display_name)
    if len(found) > 1:
        places = ", ".join(str(candidate.path) for candidate in found)
        raise WrongStateError(
            f"Several storages named {display_name!r} stand there: {places}. Nothing was changed.",
            hint="Take them in by their folders: `imalink recover FOLDER`.",
        )
    if not found:
        record = create_storage(tools, base_path=base_path, display_name=display_name, description=description)
        return CreatedStorage(record=record, recovered=None)
    [candidate] = found
    report = recover(tools, [candidate], progress=progress)
    with tools.catalog.read() as db:
        return CreatedStorage(record=file_storages.get_storage(db, candidate.storage_uuid), recovered=report)


def _find_unknown(tools: Tools, base_path: Path, display_name: str) -> list[Candidate]:
    """Give the storages of that name, right below the folder, that the catalog does not know."""
    with tools.catalog.read() as db:
        known = {record.storage_uuid for record in file_storages.list_storages(db)}
    trusted = tools.registry.places()
    found: dict[StorageUuid, Candidate] = {}
    with open_base(base_path, tools.calls) as base:
        reader = FolderReader(base)
        for name in reader.list_names(None):
            folder = RelativePath(name)
            try:
                if not reader.get_facts(folder).is_directory or not holds_storage(reader, folder):
                    continue
                with FileStorage.open(
                    base_path / name, clock=tools.clock, calls=tools.calls, caps=UNTRUSTED
                ) as storage:
                    if storage.signature.display_name == display_name and storage.storage_uuid not in known:
                        found[storage.storage_uuid] = Candidate(
                            path=storage.path,
                            home=storage.path,
                            storage_uuid=storage.storage_uuid,
                            display_name=display_name,
                            is_trusted=storage.storage_uuid in trusted,
                        )
            except ImalinkError:
                continue  # it may not be looked into, or is none that can be opened: nothing to take in
    return list(found.values())
