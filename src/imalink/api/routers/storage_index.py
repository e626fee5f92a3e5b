"""``/storage-index``: index files written, read, and brought in step with the folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from imalink.answers import conflicts_json, json_text
from imalink.answers.indexes import indexes_json
from imalink.api import work
from imalink.api.awaited import ACCEPTED, Prefer, answered
from imalink.api.context import Asked, Right, needs, session_text
from imalink.api.envelope import success
from imalink.api.parameters import SessionKey, StorageKey
from imalink.api.schemas.envelope import Success, answers
from imalink.api.schemas.indexes import (
    Generated,
    IndexedSession,
    IndexStatus,
    Master,
    Scanned,
    Scanning,
    SessionIndex,
)
from imalink.catalog.file_storages import StorageRecord
from imalink.errors import NotFoundError
from imalink.workflows.look_at_conflicts import list_conflicts
from imalink.workflows.look_at_indexes import look_at_indexes
from imalink.workflows.look_at_sessions import get_session
from imalink.workflows.read_indexes import read_overview, read_session_index

router = APIRouter(prefix="/storage-index", tags=["storage-index"])
_READ = [Depends(needs(Right.READ))]
_EDIT = [Depends(needs(Right.EDIT))]


@router.post(
    "/generate/{storage}", dependencies=_EDIT, responses=answers(Success[Generated], 409, 423, 503, 507) | ACCEPTED
)
def generate(server: Asked, storage: StorageKey, prefer: Prefer = None) -> Response:
    """Write all index files of a storage again: overview, sessions, and where each file is.

    No picture is read or moved, and no entry is lost by it; what the user moved meanwhile is found by a scan.
    """
    return answered(server, work.generate(server, server.storage(storage)), prefer)


@router.post(
    "/session/{session}", dependencies=_EDIT, responses=answers(Success[IndexedSession], 409, 423, 503, 507) | ACCEPTED
)
def write_session_index(server: Asked, session: SessionKey, prefer: Prefer = None) -> Response:
    """See to it that a session has a sound index in its storage; one into which nothing came yet gets an empty one."""
    known = get_session(server.tools, session_text(session))
    return answered(server, work.index_of_session(server, known), prefer)


@router.get("/status/{storage}", dependencies=_READ, responses=answers(Success[IndexStatus], 503))
def show_status(server: Asked, storage: StorageKey) -> Response:
    """Tell which index files of a storage are there and sound; while it is away, as last known."""
    record = server.storage(storage)
    return success(indexes_json(record, look_at_indexes(server.tools, record)))


@router.post("/scan/{storage}", dependencies=_EDIT, responses=answers(Success[Scanned], 409, 423, 503, 507) | ACCEPTED)
def scan(
    server: Asked,
    storage: StorageKey,
    dry_run: Annotated[bool, Query(description="Say what happened to the folder; write nothing.")] = False,
    body: Scanning | None = None,
    prefer: Prefer = None,
) -> Response:
    """Find what the user moved, renamed, edited, added and deleted in a storage, and write it down.

    Files are never touched. One that is gone is only marked missing. If suspiciously much were to be marked so, nothing
    is changed and the answer is 409, unless `accept_missing` says that it is true.
    """
    body = body or Scanning()
    body = body.model_copy(update={"dry_run": dry_run or body.dry_run})
    return answered(server, work.scan(server, server.storage(storage), body), prefer)


@router.get("/master/{storage}", dependencies=_READ, responses=answers(Success[Master], 409, 503))
def read_master(server: Asked, storage: StorageKey) -> Response:
    """Give the overview of a storage's imports, with where it stands now, what the last scan left, and conflicts."""
    record = server.storage(storage)
    overview = dict(read_overview(server.tools, record))
    conflicts = conflicts_json(list_conflicts(server.tools, record.storage_uuid))
    record = server.storage(record.storage_uuid)
    overview["storage_info"] = _live(overview["storage_info"], record)
    overview["last_scan"] = _last_scan(overview, conflicts, server.last_scans.get(record.storage_uuid, {}))
    overview["conflicts"] = conflicts
    return success(overview)


@router.get("/session/{session}", dependencies=_READ, responses=answers(Success[SessionIndex], 409, 503))
def show_session_index(server: Asked, session: SessionKey) -> Response:
    """Give a session's index as its file has it, in the one spelling whatever the storage's layout."""
    known = get_session(server.tools, session_text(session))
    if not known.places:
        number = known.session.number
        raise NotFoundError(
            f"Session {number} has no index yet.", hint=f"POST /api/v1/storage-index/session/{number} writes one."
        )
    return success(dict(read_session_index(server.tools, known.session.session_uuid, is_native=True)))


@router.get(
    "/conflicts/{storage}", dependencies=_READ, responses=answers(Success[dict[str, list[dict[str, object]]]], 409, 503)
)
def show_conflicts(server: Asked, storage: StorageKey) -> Response:
    """List what is to be settled in a storage: missing files, files that no session knows, files elsewhere."""
    return success({"conflicts": conflicts_json(list_conflicts(server.tools, server.storage(storage).storage_uuid))})


def _live(info: object, record: StorageRecord) -> dict[str, object]:
    """Give what the overview says of its storage, with where that stands now."""
    said: dict[str, object] = {}
    if isinstance(info, Mapping):
        for key, value in info.items():  # pyright: ignore[reportUnknownVariableType]  # a JSON object
            said[str(key)] = value  # pyright: ignore[reportUnknownArgumentType]
    return {
        **said,
        "id": record.id,
        "base_path": json_text(record.base_path),
        "directory_name": json_text(record.directory_name),
        "full_path": json_text(record.full_path),
        "is_accessible": record.is_accessible,
        "is_active": record.is_active,
    }


def _last_scan(
    overview: Mapping[str, object], conflicts: list[dict[str, object]], told: Mapping[str, object]
) -> dict[str, object]:
    """Give what is missing and new as it stands now, and what the last scan that changed something moved."""
    counts = overview.get("last_scan_result")
    was_changed, moved_count = False, 0
    if isinstance(counts, Mapping):
        was_changed = bool(counts.get("changes_detected", False))  # pyright: ignore[reportUnknownMemberType,reportUnknownArgumentType]
        moved_count = counts.get("moved_files", 0)  # pyright: ignore[reportUnknownMemberType,reportUnknownVariableType]
    return {
        "changes_detected": was_changed,
        "moved_count": moved_count,
        "moved_files": told.get("moved_files", []),
        "missing_files": [each for each in conflicts if each["type"] == "missing_file"],
        "new_files": [each["path"] for each in conflicts if each["type"] == "orphan_file"],
    }
