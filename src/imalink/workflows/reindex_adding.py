"""The end of a re-index that adds: pictures that belong to no session come into a new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from imalink.catalog.file_storages import StorageRecord
from imalink.core.comparison import Comparison
from imalink.core.ids import RunUuid
from imalink.core.progress import Progress
from imalink.core.relative_path import RelativePath
from imalink.core.scan import ScannedFile, ScanResult
from imalink.media.kinds import is_companion_name, is_picture_name
from imalink.storage.file_storage import FileStorage
from imalink.workflows.index_in_place import index_in_place
from imalink.workflows.reindex_plan import ReindexPlan
from imalink.workflows.reindex_report import ReindexReport, once_deleted
from imalink.workflows.reindex_standing import duplicates, indexed_pictures, same_names
from imalink.workflows.tools import Tools


def pictures_to_add(plan: ReindexPlan, comparison: Comparison, scanned: ScanResult) -> dict[RelativePath, ScannedFile]:
    """Give the pictures that belong to no session, with the companions that came with them."""
    paths = [orphan.path for orphan in plan.orphans]
    paths += [path for path in comparison.appeared if is_companion_name(path.name)]
    files = {path: scanned.files[path] for path in paths if path in scanned.files}
    return files if any(is_picture_name(path.name) for path in files) else {}


def add_orphans(
    tools: Tools,
    record: StorageRecord,
    storage: FileStorage,
    files: Mapping[RelativePath, ScannedFile],
    report: ReindexReport,
    *,
    run_uuid: RunUuid,
    finds_duplicates: bool,
    progress: Progress,
) -> ReindexReport:
    """Take these files into a new session by the run of that name; give the report of the re-index with it.

    The caller holds the lock, and has what was found on the disk written down. Raises StorageError, CancelledError.
    """
    added = index_in_place(
        tools,
        record,
        storage,
        storage.indexes.load_master().index,
        files,
        title=f"Found in {record.display_name}",
        progress=progress,
        run_uuid=run_uuid,
    )
    master = storage.indexes.load_master().index
    pictures = indexed_pictures(master)
    return replace(
        report,
        added=added,
        duplicates=duplicates(pictures) if finds_duplicates else (),
        same_names=same_names(pictures) if finds_duplicates else (),
        orphans=tuple(orphan.path for orphan in master.orphans),
        once_deleted=once_deleted(master.orphans),
    )
