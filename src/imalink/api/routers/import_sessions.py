"""``/import-sessions``: sessions made, imported into, gone on with, taken back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from imalink.answers import json_text
from imalink.answers.sessions import months_json, session_details_json, session_view_json
from imalink.api import work
from imalink.api.awaited import ACCEPTED, Prefer, answered
from imalink.api.context import Asked, Right, Server, needs, session_text
from imalink.api.envelope import page_meta, success, success_both
from imalink.api.parameters import Limit, Offset, SessionKey
from imalink.api.schemas.envelope import Success, answers
from imalink.api.schemas.sessions import (
    Imported,
    Importing,
    ImportStatistics,
    MadeSession,
    NewPlace,
    NewSession,
    Resuming,
    RolledBack,
    RollingBack,
    Session,
    SessionChange,
    SessionDetails,
    SessionList,
    SessionStorage,
    StoragePlaced,
)
from imalink.catalog.import_sessions import SessionRecord
from imalink.core.ids import SessionUuid, StorageUuid
from imalink.core.progress import NEW_COUNT
from imalink.core.session import check_description
from imalink.errors import UsageError
from imalink.workflows.create_session import create_session
from imalink.workflows.delete_session import delete_session
from imalink.workflows.edit_session import edit_session
from imalink.workflows.look_at_sessions import (
    count_by_month,
    count_sessions,
    get_session,
    page_of_sessions,
    show_session,
)
from imalink.workflows.look_at_storages import get_storage_by_id
from imalink.workflows.relocate_storage import relocate_storage
from imalink.workflows.session_storage import get_storage_of_session, look_at_session_storage

router = APIRouter(prefix="/import-sessions", tags=["import-sessions"])
_READ = [Depends(needs(Right.READ))]
_EDIT = [Depends(needs(Right.EDIT))]
_ADMINISTER = [Depends(needs(Right.ADMINISTER))]


@router.post(
    "/create", status_code=201, dependencies=_EDIT, responses=answers(Success[MadeSession], 409, 503, status=201)
)
@router.post("", status_code=201, dependencies=_EDIT, responses=answers(Success[MadeSession], 409, 503, status=201))
def create(server: Asked, body: NewSession) -> Response:
    """Make a session into which pictures are then imported; no disk is asked.

    A session that came back with a storage taken in by `file-storage/create` within the last hour, and that has just
    this title and description, is given instead, once, with all its files: `restored` is true.
    """
    description = check_description(body.description or "")
    storage = None if body.file_storage_id is None else get_storage_by_id(server.tools, body.file_storage_id)
    if storage is not None:
        claimed = server.restored.claim(storage.storage_uuid, title=body.title, description=description)
        if claimed is not None:
            known = get_session(server.tools, claimed)
            return success_session(known, restored=True)
    record = create_session(
        server.tools,
        title=body.title,
        description=description,
        storage=None if storage is None else storage.storage_uuid,
        author_id=body.default_author_id,
    )
    return success_session(record, restored=False)


def success_session(record: SessionRecord, *, restored: bool) -> Response:
    """Give a session that was made, or that came back."""
    return success({**session_details_json(record), "restored": restored}, status=201)


@router.get("", dependencies=_READ, responses=answers(Success[SessionList], 503))
def list_sessions(
    server: Asked,
    storage: Annotated[
        str | None, Query(max_length=64, description="Only those of the storage with this UUID.")
    ] = None,
    offset: Offset = 0,
    limit: Limit = 100,
) -> Response:
    """List the sessions, newest first."""
    storage_uuid = None if storage is None else server.storage(storage).storage_uuid
    records = page_of_sessions(server.tools, storage_uuid=storage_uuid, offset=offset, limit=limit)
    total = count_sessions(server.tools, storage_uuid=storage_uuid)
    coming = _coming(server)
    shown = [_details(record, coming) for record in records]
    return success(
        {
            "import_sessions": shown,
            "sessions": shown,
            "total_count": total,
            "meta": page_meta(total=total, offset=offset, limit=limit),
        }
    )


@router.get("/statistics", dependencies=_READ, responses=answers(Success[ImportStatistics], 503))
def count_imports(server: Asked) -> Response:
    """Count what came in, month by month, in order."""
    return success(months_json(count_by_month(server.tools)))


@router.get("/{session}", dependencies=_READ, responses=answers(Success[SessionDetails], 503))
def show(server: Asked, session: SessionKey) -> Response:
    """Show a session, its imports and its files."""
    found = show_session(server.tools, session_text(session))
    return success({**session_view_json(found), **_details(found.record, _coming(server))})


@router.patch("/{session}", dependencies=_EDIT, responses=answers(Success[Session], 409, 423, 503, 507))
def change(server: Asked, session: SessionKey, body: SessionChange) -> Response:
    """Give a session another title or description; the index files of its storages follow, so these must be there."""
    known = get_session(server.tools, session_text(session))
    with server.turns.of(*storages_of(known)):
        record = edit_session(server.tools, known.session.session_uuid, title=body.title, description=body.description)
    return success(session_details_json(record))


@router.delete("/{session}", dependencies=_EDIT, responses=answers(Success[Session], 409, 503))
def delete(server: Asked, session: SessionKey) -> Response:
    """Delete a session into which nothing came; one that brought something is rolled back instead."""
    return success(session_details_json(delete_session(server.tools, session_text(session))))


@router.post(
    "/{session}/import", dependencies=_EDIT, responses=answers(Success[Imported], 409, 423, 503, 507) | ACCEPTED
)
def import_into(server: Asked, session: SessionKey, body: Importing, prefer: Prefer = None) -> Response:
    """Import a folder into a session: every picture is copied, verified and indexed; the folder is only ever read.

    The answer comes when all is done, or at once with `Prefer: respond-async`. The work goes on if you leave, and the
    same request attaches to it.
    """
    known = get_session(server.tools, session_text(session))
    return answered(server, work.importing(server, known, body), prefer, spell=_both)


def _both(report: Mapping[str, object]) -> Response:
    return success_both(report)


@router.post(
    "/{session}/resume", dependencies=_EDIT, responses=answers(Success[Imported], 409, 423, 503, 507) | ACCEPTED
)
def resume(server: Asked, session: SessionKey, body: Resuming | None = None, prefer: Prefer = None) -> Response:
    """Go on with an import that was interrupted, as it was asked for; `resumed` is false when nothing was left."""
    body = body or Resuming()
    known = get_session(server.tools, session_text(session))
    planned = work.resuming(server, known, body, storages_of(known))
    return answered(server, planned, prefer, spell=_both)


@router.post(
    "/{session}/rollback", dependencies=_EDIT, responses=answers(Success[RolledBack], 409, 423, 503, 507) | ACCEPTED
)
def rollback(server: Asked, session: SessionKey, body: RollingBack | None = None, prefer: Prefer = None) -> Response:
    """Take an import back: what it brought goes to the trash; what was changed or added since stays."""
    body = body or RollingBack()
    known = get_session(server.tools, session_text(session))
    return answered(server, work.rolling_back(server, known, body, storages_of(known)), prefer)


@router.get("/{session}/storage-status", dependencies=_READ, responses=answers(Success[SessionStorage], 503))
def show_storage_status(server: Asked, session: SessionKey) -> Response:
    """Tell whether the files of a session can be reached now. The fields stand at the top level, too."""
    found = look_at_session_storage(server.tools, session_text(session))
    return success_both(
        {
            "storage_accessible": found.is_accessible,
            "storage_path": None if found.path is None else json_text(found.path),
            "files_accessible": found.reachable_count,
            "total_files": found.file_count,
        }
    )


@router.post(
    "/{session}/update-storage-path", dependencies=_ADMINISTER, responses=answers(Success[StoragePlaced], 409, 503)
)
def update_storage_path(
    server: Asked,
    session: SessionKey,
    new_path: Annotated[
        str | None,
        Query(min_length=1, max_length=4096, examples=["/media/larger"], description="The same, without a body."),
    ] = None,
    body: NewPlace | None = None,
) -> Response:
    """Tell where the storage of a session stands now, by query or by body; it must be this storage by its signature."""
    named = new_path if body is None else body.new_path
    if named is None:
        raise UsageError("It was not said where the storage stands. Nothing was changed.", hint="Give new_path.")
    record = get_storage_of_session(server.tools, session_text(session))
    with server.turns.of(record.storage_uuid):
        found = relocate_storage(
            server.tools, record, server.folders.check(named, field="new_path" if body else "query.new_path")
        )
    return success_both(
        {
            "accessible": found.record.is_accessible,
            "storage_uuid": found.record.storage_uuid,
            "storage_path": json_text(found.record.full_path),
            "copy_left_at": None if found.copy_left_at is None else json_text(found.copy_left_at),
        }
    )


def _details(record: SessionRecord, coming: Mapping[SessionUuid, int]) -> dict[str, object]:
    """Spell a session; while an import into it is under way ``images_count`` has what came in so far, too."""
    details = session_details_json(record)
    return {**details, "images_count": max(record.file_count, coming.get(record.session.session_uuid, 0))}


def _coming(server: Server) -> dict[SessionUuid, int]:
    """Give how many pictures the imports that are under way in this process have brought in so far."""
    return {
        SessionUuid(str(job.asked.request["session"])): job.progress.counts.get(NEW_COUNT, 0)
        for job in server.live.jobs.list_live()
        if job.asked.kind in work.IMPORTS and not job.asked.request.get("dry_run")
    }


def storages_of(known: SessionRecord) -> set[StorageUuid]:
    """Give the storages that hold part of a session, or into which it is to go."""
    primary = {known.storage_uuid} if known.storage_uuid is not None else set[StorageUuid]()
    return {*(place.storage_uuid for place in known.places), *primary}
