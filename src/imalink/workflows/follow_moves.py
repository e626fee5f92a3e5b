"""Before files are brought in, back or away: take note of those that the user only moved."""

from __future__ import annotations

from contextlib import suppress

from imalink.catalog.file_storages import StorageRecord
from imalink.core.progress import Progress
from imalink.errors import MassMissingError
from imalink.workflows.quick_check import check_names
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_report import MovedFile
from imalink.workflows.reindex_request import ReindexRequest, Strategy
from imalink.workflows.tools import Tools


def follow_moves(tools: Tools, record: StorageRecord, progress: Progress) -> None:
    """Re-index where files are not at their places: what the user only moved must not come in once more.

    Where so much is gone that a re-index asks, it is left to the user, and what is gone comes in again.
    """
    if _is_anything_gone(tools, record, progress):
        with suppress(MassMissingError):
            reindex(tools, record, ReindexRequest(), progress=progress)


def find_moves(tools: Tools, record: StorageRecord, progress: Progress) -> tuple[MovedFile, ...]:
    """Give the moves that a re-index would follow; nothing is changed. Raises StorageError."""
    if not _is_anything_gone(tools, record, progress):
        return ()
    return reindex(tools, record, ReindexRequest(dry_run=True, accepts_losses=True), progress=progress).moved_files


def _is_anything_gone(tools: Tools, record: StorageRecord, progress: Progress) -> bool:
    look = ReindexRequest(strategy=Strategy.QUICK, dry_run=True, accepts_losses=True)
    return check_names(tools, record, look, progress).changes_detected
