"""Hashing anew: pictures take the hothash that today's method gives their bytes, and keep the earlier one's memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from imalink.catalog.file_storages import StorageRecord
from imalink.core.finding import Finding
from imalink.core.index import FileStatus, MasterIndex
from imalink.core.journal import FileMissing, FileRehashed, Observation
from imalink.core.operation import OperationKind
from imalink.core.picture import Fingerprint
from imalink.core.relative_path import RelativePath
from imalink.storage.file_storage import FileStorage
from imalink.storage.previews import Hotpreviews
from imalink.workflows.new_operation import counted, new_operation
from imalink.workflows.reindex_report import RehashedFile
from imalink.workflows.storage_access import fold_notes, project_fold
from imalink.workflows.tools import Tools


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehashing:
    """What is to be written down, and the pictures it is about."""

    observations: tuple[Observation, ...]
    files: tuple[RehashedFile, ...]


def plan_rehashing(master: MasterIndex, read: Mapping[RelativePath, Fingerprint | None]) -> Rehashing:
    """Compare what was just read of every file with what the index says of the very same bytes.

    Each session's main file decides for its copies; a copy that is another picture by the new method leaves the entry
    and is met anew by the next look. Files that could not be read keep the hothash they have.
    """
    leaving: list[Observation] = []
    renamed: list[Observation] = []
    files: list[RehashedFile] = []
    for entry in master.files.values():
        decided: dict[str, Fingerprint] = {}
        for place in entry.places():
            now = read.get(place.relative_path)
            if now is None or place.status is not FileStatus.PRESENT or now.sha256 != place.sha256:
                continue
            main = decided.setdefault(place.session_uuid, now)
            if now is main and now.hothash != entry.hothash:
                files.append(RehashedFile(path=place.relative_path, old_hothash=entry.hothash, new_hothash=now.hothash))
                renamed.append(
                    FileRehashed(
                        old_hothash=entry.hothash,
                        session_uuid=place.session_uuid,
                        hothash=now.hothash,
                        method=now.method,
                    )
                )
            elif now.hothash != main.hothash:
                leaving.append(
                    FileMissing(
                        hothash=entry.hothash,
                        session_uuid=place.session_uuid,
                        path=place.relative_path,
                        last_seen_at=master.indexed_at,
                    )
                )
    return Rehashing(observations=(*leaving, *renamed), files=tuple(files))


def rehash(
    tools: Tools,
    record: StorageRecord,
    storage: FileStorage,
    read: Mapping[RelativePath, Fingerprint | None],
) -> tuple[Rehashing, tuple[Finding, ...]]:
    """Write down as an operation what was read anew, fold and project it; give it, and what was odd on the way."""
    master = storage.indexes.load_master().index
    rehashing = plan_rehashing(master, read)
    if not rehashing.observations:
        return rehashing, ()
    counts = {"rehashed": len(rehashing.files)}
    operation = new_operation(tools, OperationKind.REINDEX, counted("Rehash", counts), counts=counts)
    storage.append_operation(tools.writer, operation, rehashing.observations, master=master)
    _copy_previews(storage.hotpreviews, rehashing)
    result = storage.fold(fold_notes(storage, record), master=master)
    return rehashing, (*result.findings, *project_fold(tools, record, result))


def _copy_previews(previews: Hotpreviews, rehashing: Rehashing) -> None:
    """Let each picture's preview stand under its new hothash too; it shows the same."""
    for file in rehashing.files:
        data = None if previews.exists(file.new_hothash) else previews.find(file.old_hothash)
        if data is not None:
            previews.keep(file.new_hothash, data)
