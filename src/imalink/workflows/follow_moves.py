"""Before files are brought in or back: take note of those that the user only moved."""

from __future__ import annotations

from contextlib import suppress

from imalink.catalog.file_storages import StorageRecord
from imalink.core.progress import Progress
from imalink.errors import MassMissingError
from imalink.workflows.quick_check import check_names
from imalink.workflows.reindex import reindex
from imalink.workflows.reindex_request import ReindexRequest, Strategy
from imalink.workflows.tools import Tools


def follow_moves(tools: Tools, record: StorageRecord, progress: Progress) -> None:
    """Re-index where files are not at their places: what the user only moved must not come in once more.

    Where so much is gone that a re-index asks, it is left to the user, and what is gone comes in again.
    """
    look = ReindexRequest(strategy=Strategy.QUICK, dry_run=True, accepts_losses=True)
    if check_names(tools, record, look, progress).changes_detected:
        with suppress(MassMissingError):
            reindex(tools, record, ReindexRequest(), progress=progress)
